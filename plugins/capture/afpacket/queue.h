/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* queue: frames on their way out of one interface, in order.
 *
 * In    frames whose bytes stay where they are until the next flush
 * Out   one sendmmsg for all of them, each with its virtio-net header
 * Not   what a failed send means for the interface (port.h)
 */
#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "l7guard/capture.h"

#define QUEUE_MAX 128u

struct queued {
    struct virtio_net_hdr header;
    struct iovec parts[2]; /* header, frame; the frame is borrowed until flushed */
    bool injected;
};

struct queue {
    unsigned count;
    uint64_t forwarded;
    uint64_t injected;
    struct queued entries[QUEUE_MAX];
    struct mmsghdr messages[QUEUE_MAX]; /* each points at the entry of its number */
};

/* A frame that could not be sent: errno and size. */
typedef void queue_failed(void *owner, int err, uint32_t len);

void queue_init(struct queue *queue);

/* False: the queue is full, flush it. The bytes of `frame` are borrowed until then. */
bool queue_add(struct queue *queue, const struct l7_frame *frame, bool injected);

/* Send everything through `fd`. A full device or socket buffer is waited for, for a bounded time
 * per call; after it what does not fit has failed, and the caller is told frame by frame. */
void queue_flush(struct queue *queue, int fd, queue_failed *failed, void *owner);
