/* SPDX-License-Identifier: Apache-2.0 */
/* packet: see packet.h. packet(7). */
#include "packet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A batch of the largest frames, with the kernel's overhead. */
#define SEND_BUFFER (8 * 1024 * 1024)

int packet_say_error(const struct l7_host *host, const char *name, const char *what, int err)
{
    const char *remedy = "";
    if (err == EPERM || err == EACCES)
        remedy = "; needs CAP_NET_RAW: run as root or grant the capability";
    host->diag(host, L7_ERROR, "%s: %s: %s%s", name, what, strerror(err), remedy);
    /* -EPERM is L7_RECEIVE_END's number; never let one be taken for the other. */
    return err == EPERM ? -EACCES : -err;
}

static int set_int(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value));
}

/* Without CAP_NET_ADMIN the kernel's limit holds, and it is smaller than four large frames. */
static void set_buffers(const struct l7_host *host, const char *name, size_t buffer, int fd)
{
    int want = buffer > INT_MAX / 2 ? INT_MAX / 2 : (int)buffer;
    if (set_int(fd, SOL_SOCKET, SO_SNDBUFFORCE, SEND_BUFFER) != 0)
        set_int(fd, SOL_SOCKET, SO_SNDBUF, SEND_BUFFER);
    if (set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, want) == 0)
        return;
    set_int(fd, SOL_SOCKET, SO_RCVBUF, want);

    int got = 0;
    socklen_t size = sizeof(got);
    getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &got, &size);
    if (got / 2 < want)
        host->diag(host, L7_WARNING,
                   "%s: the receive buffer is %d bytes, not %d: frames may be lost; grant "
                   "CAP_NET_ADMIN or raise net.core.rmem_max",
                   name, got / 2, want);
}

/* A socket that hears nothing until it is bound: protocol 0. The options come first, so that the
 * first frame already has them. *fd is ours on success. */
int packet_open(const struct l7_host *host, const char *name, unsigned index, size_t buffer,
                int *fd)
{
    struct packet_mreq promiscuous = {.mr_ifindex = (int)index, .mr_type = PACKET_MR_PROMISC};
    struct sockaddr_ll address = {
        .sll_family = AF_PACKET,
        .sll_protocol = htons(ETH_P_ALL),
        .sll_ifindex = (int)index,
    };
    const char *what = "packet socket";
    int raw = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (raw < 0)
        return packet_say_error(host, name, what, errno);

    set_buffers(host, name, buffer, raw);
    /* Linux 4.20; before it port_accept() tells our own frames by their type. */
    set_int(raw, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
    what = "PACKET_VNET_HDR";
    if (set_int(raw, SOL_PACKET, PACKET_VNET_HDR, 1) != 0)
        goto failed;
    what = "PACKET_AUXDATA";
    if (set_int(raw, SOL_PACKET, PACKET_AUXDATA, 1) != 0)
        goto failed;
    what = "promiscuous mode";
    if (setsockopt(raw, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof(promiscuous)) != 0)
        goto failed;
    what = "bind";
    if (bind(raw, (struct sockaddr *)&address, sizeof(address)) != 0)
        goto failed;
    *fd = raw;
    return 0;

failed:;
    int err = packet_say_error(host, name, what, errno);
    close(raw);
    return err;
}
