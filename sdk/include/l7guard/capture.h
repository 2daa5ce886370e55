/* SPDX-License-Identifier: Apache-2.0 */
/* capture: a plugin that brings frames and carries verdicts out.
 *
 * Frames enter by one interface of a pair and leave by the other: interfaces are numbered from 0,
 * and the partner of i is i ^ 1. An offline source has one interface and forwards nowhere.
 *
 * Life:  open (receive finalise* inject* flush)* close
 *
 * Threads: an instance belongs to one worker; all its calls come from that thread. It never sees
 * the event loop: it offers a descriptor to wait on.
 */
#ifndef L7GUARD_CAPTURE_H
#define L7GUARD_CAPTURE_H

#include "l7guard/host.h"
#include "l7guard/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Link types are the numbers of the pcap file format (LINKTYPE_*). */
#define L7_LINK_NULL 0
#define L7_LINK_ETHERNET 1
#define L7_LINK_RAW 101
#define L7_LINK_LOOP 108
#define L7_LINK_SLL 113
#define L7_LINK_IPV4 228
#define L7_LINK_IPV6 229
#define L7_LINK_SLL2 276

/* Segmentation and checksum work that is still to be done on a frame: the fields and values of
 * struct virtio_net_hdr (virtio 1.2, 5.1.6), host byte order, offsets from the frame's first byte.
 */
struct l7_offload {
    uint8_t flags;    /* 1: checksum to be completed at csum_start + csum_offset; 2: data valid */
    uint8_t gso_type; /* 0 none, 1 TCPv4, 3 UDP, 4 TCPv6, 5 UDP L4, 0x80 ECN */
    uint16_t hdr_len;
    uint16_t gso_size;
    uint16_t csum_start;
    uint16_t csum_offset;
    uint16_t reserved;
};
#define L7_OFFLOAD_NEEDS_CSUM 1u
#define L7_OFFLOAD_DATA_VALID 2u

/* A frame, from the first byte of its link header, VLAN tags in place. It belongs to the plugin
 * from receive to finalise; the host reads it and nothing else. */
struct l7_frame {
    uint32_t size;
    uint16_t iface; /* received: where it came in. injected: where it is to go out */
    uint16_t link;  /* L7_LINK_* */
    const uint8_t *data;
    uint32_t len;      /* bytes at `data` */
    uint32_t wire_len; /* bytes on the wire; more than len if the capture cut it */
    uint64_t time_ns;
    struct l7_offload offload;
    void *owner; /* the plugin's */
};

enum l7_verdict {
    L7_FORWARD = 0, /* send it out of the partner interface, as it came */
    L7_DROP = 1,    /* do not */
};

/* Counters since open; cumulative. */
struct l7_capture_stats {
    uint32_t size;
    uint32_t reserved;
    uint64_t received;    /* frames handed to the host */
    uint64_t lost;        /* frames the kernel or the file could not hand over */
    uint64_t forwarded;   /* frames sent on */
    uint64_t injected;    /* frames made by the host and sent */
    uint64_t send_errors; /* frames that could not be sent */
};

#define L7_CAPTURE_OFFLINE 1u /* reads a file named by its option "file"; `-r` uses it */

/* receive: nothing will ever come again. It has the value of -EPERM, which must not be returned for
 * anything else. */
#define L7_RECEIVE_END (-1)

struct l7_capture {
    uint32_t size;
    uint32_t flags;

    /* Mandatory. 0, or negative errno after one diag() that says what to do. With `check` set,
     * only look whether opening would work (option values, interfaces); *self stays untouched. */
    int (*open)(const struct l7_host *host, const struct l7_config *config, bool check,
                void **self);
    void (*close)(void *self);

    /* A descriptor that is readable when frames wait; -1: just call receive. Mandatory. */
    int (*descriptor)(void *self);

    /* Up to `max` frames, without waiting; 0: none now; L7_RECEIVE_END; or another negative errno:
     * the source failed, diag() said why. Each frame is finalised once before the next receive. */
    int (*receive)(void *self, struct l7_frame **frames, size_t max);
    void (*finalise)(void *self, struct l7_frame *frame, enum l7_verdict verdict);

    /* Send a frame of the host's out of `frame->iface`. Copied or sent before return. Order with
     * finalised frames is kept. 0 or negative errno. Optional: offline sources lack it. */
    int (*inject)(void *self, const struct l7_frame *frame);

    /* The batch is over: send what was queued. Optional. */
    void (*flush)(void *self);

    /* The name of interface i, or NULL: there are no more. Mandatory. */
    const char *(*iface_name)(void *self, unsigned iface);

    void (*stats)(void *self, struct l7_capture_stats *stats);

    /* Turn the transmit checksum offload of the interfaces off (and back on at close). Optional.
     * 0 or negative errno after one diag(). */
    int (*disable_tx_checksum)(void *self);
};

#ifdef __cplusplus
}
#endif

#endif
