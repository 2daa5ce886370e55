/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* port: one interface of the pair: its socket, its state, what came in and what is to go out.
 *
 * In    slots to receive into; frames to send
 * Out   frames whole, with VLAN tags in place and offload work described; errors said once
 * Not   which port a frame leaves by, nor the waiting (afpacket.c)
 * Life  port_open (receive | send | flush | revive)* port_close
 *
 * An interface that goes down, or away, is not the end: the port says so, and port_revive() looks
 * for it again.
 */
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <sys/socket.h>

#include "l7guard/capture.h"
#include "queue.h"

/* IP's largest datagram, with Ethernet header and tags to spare. What is larger exists only where
 * somebody turned "BIG TCP" on; it is counted as lost, and said. */
#define FRAME_MAX (64u * 1024 + 256)
#define HEADROOM 64u

/* Room for one received frame; the frame is in `buffer` after HEADROOM, or up to one tag before. */
struct slot {
    struct l7_frame frame;
    struct virtio_net_hdr header;
    struct iovec parts[2];
    struct sockaddr_ll from;
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
    uint8_t *buffer; /* HEADROOM + FRAME_MAX */
};

struct port {
    const struct l7_host *host;
    char name[IF_NAMESIZE];
    uint16_t number; /* 0 or 1 */
    int fd;          /* -1: closed */
    unsigned index;
    size_t buffer; /* bytes of receive buffer to ask for */
    bool down;     /* said so; port_revive() watches */
    unsigned said; /* bits of enum port_said */
    bool restore_checksum;
    uint64_t received;
    uint64_t lost;
    uint64_t send_errors;
    struct queue queue;
};

/* Whether `name` is an interface we can stand on. 0 or negative errno after one diag. */
int port_check(const struct l7_host *host, const char *name);

/* `port` is zeroed memory. 0 or negative errno after one diag; then nothing is to be closed. */
int port_open(struct port *port, const struct l7_host *host, const char *name, uint16_t number,
              size_t buffer);
void port_close(struct port *port);

/* Up to `max` frames into `slots`; `out` gets those that are to be judged, and the number of them
 * is returned. *taken: how many slots are in use; less than `max`, no more frames are waiting.
 * Negative errno after a diag: the socket is of no use. */
int port_receive(struct port *port, struct slot *slots, struct mmsghdr *messages, unsigned max,
                 struct l7_frame **out, unsigned *taken);

/* Queue a frame whose bytes stay until port_flush(). Flushes by itself when full. */
void port_send(struct port *port, const struct l7_frame *frame, bool injected);
void port_flush(struct port *port);

/* A port that is down: see whether its interface is back. True: the descriptor is a new one. */
bool port_revive(struct port *port);

/* Add what the kernel dropped since the last call to `lost`. */
void port_count_lost(struct port *port);

/* Off; port_close() turns it on again if it was on. 0 or negative errno after one diag. */
int port_disable_tx_checksum(struct port *port);
