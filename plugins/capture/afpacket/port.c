/* SPDX-License-Identifier: Apache-2.0 */
/* port: see port.h. packet(7); the virtio-net header before each frame is PACKET_VNET_HDR's. */
#include "port.h"

#include <errno.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "iface.h"
#include "packet.h"
#include "tag.h"

#define SEND_BUFFER                                                                                \
    (8 * 1024 * 1024)         /* a batch of the largest frames, with the kernel's overhead */
#define RECEIVE_ERRORS_MAX 16 /* in one call: then the other port has its turn */

_Static_assert(TAG_SIZE <= HEADROOM, "a tag must fit before the frame");

enum port_said {
    SAID_TRUNCATED = 1,
    SAID_UNDESCRIBED = 2,
    SAID_MTU = 4,
    SAID_SEND = 8,
};

static bool say_once(struct port *port, enum port_said what)
{
    bool first = !(port->said & what);
    port->said |= what;
    return first;
}

int port_check(const struct l7_host *host, const char *name)
{
    if (!name[0] || strlen(name) >= IF_NAMESIZE) {
        host->diag(host, L7_ERROR, "\"%s\" cannot be an interface: a name has 1 to %d characters",
                   name, IF_NAMESIZE - 1);
        return -EINVAL;
    }
    if (!if_nametoindex(name)) {
        host->diag(host, L7_ERROR, "no such interface: %s; create it or change \"interfaces\"",
                   name);
        return -ENODEV;
    }
    int type = iface_type(name);
    if (type < 0) {
        host->diag(host, L7_ERROR, "%s: cannot read its type: %s", name, strerror(-type));
        return type;
    }
    if (type != ARPHRD_ETHER) {
        host->diag(host, L7_ERROR,
                   "%s is not an Ethernet interface (hardware type %d); change \"interfaces\"",
                   name, type);
        return -EPROTONOSUPPORT;
    }
    return 0;
}

static void port_went_down(struct port *port)
{
    if (port->down)
        return;
    port->down = true;
    port->host->diag(port->host, L7_WARNING,
                     "%s is down; waiting for it to come back: ip link set %s up", port->name,
                     port->name);
}

int port_open(struct port *port, const struct l7_host *host, const char *name, uint16_t number,
              size_t buffer)
{
    port->host = host;
    port->number = number;
    port->buffer = buffer;
    port->fd = -1;
    queue_init(&port->queue);
    int err = port_check(host, name);
    if (err)
        return err;
    memcpy(port->name, name, strlen(name) + 1);
    port->index = if_nametoindex(name);
    err = packet_open(host, name, port->index, buffer, &port->fd);
    if (!err && !iface_is_up(name))
        port_went_down(port);
    return err;
}

void port_close(struct port *port)
{
    if (port->fd < 0)
        return;
    port_flush(port);
    close(port->fd);
    port->fd = -1;
    if (port->restore_checksum) {
        int err = iface_tx_checksum_write(port->name, true);
        if (err && if_nametoindex(port->name))
            port->host->diag(port->host, L7_WARNING,
                             "%s: transmit checksum offload stays off: %s; turn it on: ethtool -K "
                             "%s tx on",
                             port->name, strerror(-err), port->name);
    }
}

bool port_revive(struct port *port)
{
    unsigned index = if_nametoindex(port->name);
    bool changed = false;
    if (!index || !iface_is_up(port->name))
        return false;
    if (index != port->index) {
        /* The interface was removed and made anew: a socket stays with the old one for ever. */
        int fd = -1;
        if (port_check(port->host, port->name) != 0 ||
            packet_open(port->host, port->name, index, port->buffer, &fd) != 0)
            return false;
        port_count_lost(port);
        close(port->fd);
        port->fd = fd;
        port->index = index;
        changed = true;
        if (port->restore_checksum)
            iface_tx_checksum_write(port->name, false);
    }
    port->down = false;
    port->host->diag(port->host, L7_NOTICE, "%s is up again", port->name);
    return changed;
}

static uint64_t realtime_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void slot_prepare(struct slot *slot, struct mmsghdr *message)
{
    slot->parts[0] = (struct iovec){.iov_base = &slot->header, .iov_len = sizeof(slot->header)};
    slot->parts[1] = (struct iovec){.iov_base = slot->buffer + HEADROOM, .iov_len = FRAME_MAX};
    message->msg_hdr = (struct msghdr){
        .msg_name = &slot->from,
        .msg_namelen = sizeof(slot->from),
        .msg_iov = slot->parts,
        .msg_iovlen = 2,
        .msg_control = slot->control,
        .msg_controllen = sizeof(slot->control),
    };
}

/* The tag the kernel, or the device, took out of the frame. */
static bool tag_of(struct msghdr *header, uint16_t *tpid, uint16_t *tci)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
        if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA)
            continue;
        struct tpacket_auxdata aux;
        memcpy(&aux, CMSG_DATA(c), sizeof(aux));
        if (!(aux.tp_status & TP_STATUS_VLAN_VALID))
            return false;
        *tpid = aux.tp_status & TP_STATUS_VLAN_TPID_VALID ? aux.tp_vlan_tpid : ETH_P_8021Q;
        *tci = aux.tp_vlan_tci;
        return true;
    }
    return false;
}

static void say_truncated(struct port *port, unsigned len)
{
    if (say_once(port, SAID_TRUNCATED))
        port->host->diag(port->host, L7_WARNING,
                         "%s: a frame of %u bytes was lost: larger than %u; set gso_max_size and "
                         "gro_max_size to 65536 on the interfaces that send here",
                         port->name, len, FRAME_MAX);
}

/* Make a frame of what the kernel wrote into `slot`; false: it is not one to be judged. */
static bool port_accept(struct port *port, struct slot *slot, struct mmsghdr *message, uint64_t now)
{
    uint16_t tpid, tci;
    if (slot->from.sll_pkttype == PACKET_OUTGOING)
        return false;
    if (message->msg_len < sizeof(slot->header) || (message->msg_hdr.msg_flags & MSG_TRUNC)) {
        say_truncated(port, message->msg_len);
        port->lost++;
        return false;
    }

    uint8_t *data = slot->buffer + HEADROOM;
    uint32_t len = message->msg_len - (uint32_t)sizeof(slot->header);
    struct l7_offload offload = {
        .flags = slot->header.flags,
        .gso_type = slot->header.gso_type,
        .hdr_len = slot->header.hdr_len,
        .gso_size = slot->header.gso_size,
        .csum_start = slot->header.csum_start,
        .csum_offset = slot->header.csum_offset,
    };
    if (len >= ETH_HLEN && tag_of(&message->msg_hdr, &tpid, &tci)) {
        data = tag_insert(data, tpid, tci, &offload);
        len += TAG_SIZE;
    }
    slot->frame = (struct l7_frame){
        .size = sizeof(slot->frame),
        .iface = port->number,
        .link = L7_LINK_ETHERNET,
        .data = data,
        .len = len,
        .wire_len = len,
        .time_ns = now,
        .offload = offload,
        .owner = slot,
    };
    port->received++;
    return true;
}

/* What an error of receiving means: 0, it has been dealt with; else the socket is of no use. */
static int port_receive_failed(struct port *port, int err)
{
    switch (err) {
    case EINTR:
        return 0;
    case ENETDOWN:
    case ENXIO:
        port_went_down(port);
        return 0;
    case ENOMEM:
    case ENOBUFS:
        port->lost++;
        return 0;
    case EINVAL:
        /* The kernel took the frame from its queue and found no words for its offload. */
        port->lost++;
        if (say_once(port, SAID_UNDESCRIBED))
            port->host->diag(port->host, L7_WARNING,
                             "%s: a segmentation offload frame was lost that a virtio-net header "
                             "cannot describe (LRO, SCTP, or UDP before Linux 6.2); on the "
                             "interface that made it: ethtool -K IFACE lro off "
                             "tx-udp-segmentation off tx-sctp-segmentation off",
                             port->name);
        return 0;
    default:
        return packet_say_error(port->host, port->name, "receive", err);
    }
}

int port_receive(struct port *port, struct slot *slots, struct mmsghdr *messages, unsigned max,
                 struct l7_frame **out, unsigned *taken)
{
    int got = -1;
    *taken = 0;
    for (unsigned i = 0; i < max; i++)
        slot_prepare(&slots[i], &messages[i]);
    for (int tries = 0; got < 0 && tries < RECEIVE_ERRORS_MAX; tries++) {
        got = recvmmsg(port->fd, messages, max, MSG_DONTWAIT | MSG_TRUNC, NULL);
        if (got >= 0)
            break;
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            return 0;
        int err = port_receive_failed(port, errno);
        if (err)
            return err;
    }
    if (got < 0)
        return 0;

    /* One stamp for the batch: arrival stamps by the kernel would cost every packet of the host,
     * and the frames of a batch waited for less than its processing takes. */
    uint64_t now = realtime_ns();
    int count = 0;
    *taken = (unsigned)got;
    for (int i = 0; i < got; i++) {
        if (port_accept(port, &slots[i], &messages[i], now))
            out[count++] = &slots[i].frame;
    }
    return count;
}

static void port_send_failed(void *self, int err, uint32_t len)
{
    struct port *port = self;
    port->send_errors++;
    switch (err) {
    case ENETDOWN:
    case ENXIO:
    case ENODEV:
        port_went_down(port);
        break;
    case EAGAIN:
    case ENOBUFS:
        break; /* congestion: what a full queue in any switch does */
    case EMSGSIZE:
        if (say_once(port, SAID_MTU))
            port->host->diag(port->host, L7_WARNING,
                             "%s: frames of %u bytes do not fit its MTU of %u, in which an 802.1ad "
                             "tag counts; raise it: ip link set %s mtu %u",
                             port->name, len, iface_mtu(port->name), port->name, len - ETH_HLEN);
        break;
    default:
        if (!say_once(port, SAID_SEND))
            break;
        /* A virtio-net header names one segmentation; a tunnel around it is one too many. */
        port->host->diag(port->host, L7_WARNING, "%s: a frame of %u bytes could not be sent: %s%s",
                         port->name, len, strerror(err),
                         len > iface_mtu(port->name) + ETH_HLEN + TAG_SIZE
                             ? "; if it is a tunnel's, at its sender: ethtool -K IFACE "
                               "tx-udp_tnl-segmentation off tx-udp_tnl-csum-segmentation off "
                               "tx-gre-segmentation off tx-gre-csum-segmentation off"
                             : "");
        break;
    }
}

void port_flush(struct port *port)
{
    if (port->queue.count)
        queue_flush(&port->queue, port->fd, port_send_failed, port);
}

void port_send(struct port *port, const struct l7_frame *frame, bool injected)
{
    if (!queue_add(&port->queue, frame, injected)) {
        port_flush(port);
        queue_add(&port->queue, frame, injected);
    }
}

void port_count_lost(struct port *port)
{
    struct tpacket_stats kernel = {.tp_drops = 0};
    socklen_t size = sizeof(kernel);
    /* Reading resets the kernel's counters. */
    if (getsockopt(port->fd, SOL_PACKET, PACKET_STATISTICS, &kernel, &size) == 0)
        port->lost += kernel.tp_drops;
}

int port_disable_tx_checksum(struct port *port)
{
    bool on = false;
    int err = iface_tx_checksum_read(port->name, &on);
    if (!err && on)
        err = iface_tx_checksum_write(port->name, false);
    if (err) {
        port->host->diag(port->host, L7_ERROR,
                         "%s: cannot turn its transmit checksum offload off: %s%s", port->name,
                         strerror(-err), err == -EPERM ? "; needs CAP_NET_ADMIN" : "");
        return err;
    }
    port->restore_checksum = port->restore_checksum || on;
    return 0;
}
