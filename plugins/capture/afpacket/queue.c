/* SPDX-License-Identifier: Apache-2.0 */
/* queue: see queue.h. */
#include "queue.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

/* How long a flush may wait in all, and between two tries at a device whose queue dropped the
 * frame. Longer would let one congested interface stop the other direction's traffic too. */
#define FLUSH_WAIT_NS 2000000u
#define RETRY_NS 50000

void queue_init(struct queue *queue)
{
    memset(queue, 0, sizeof(*queue));
    for (unsigned i = 0; i < QUEUE_MAX; i++) {
        struct queued *entry = &queue->entries[i];
        entry->parts[0] =
            (struct iovec){.iov_base = &entry->header, .iov_len = sizeof(entry->header)};
        queue->messages[i].msg_hdr.msg_iov = entry->parts;
        queue->messages[i].msg_hdr.msg_iovlen = 2;
    }
}

bool queue_add(struct queue *queue, const struct l7_frame *frame, bool injected)
{
    if (queue->count == QUEUE_MAX)
        return false;
    struct queued *entry = &queue->entries[queue->count++];
    entry->header = (struct virtio_net_hdr){
        .flags = frame->offload.flags,
        .gso_type = frame->offload.gso_type,
        .hdr_len = frame->offload.hdr_len,
        .gso_size = frame->offload.gso_size,
        .csum_start = frame->offload.csum_start,
        .csum_offset = frame->offload.csum_offset,
    };
    /* sendmmsg reads only; struct iovec has no const. */
    entry->parts[1].iov_base = (void *)(uintptr_t)frame->data;
    entry->parts[1].iov_len = frame->len;
    entry->injected = injected;
    return true;
}

static uint64_t monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* EAGAIN: our socket's buffer is full of frames the device has not sent. ENOBUFS: the device's
 * queue had no room. Both pass; false when this flush has waited enough. */
static bool wait_for_room(int fd, int err, uint64_t *deadline)
{
    uint64_t now = monotonic_ns();
    if (!*deadline)
        *deadline = now + FLUSH_WAIT_NS;
    if (now >= *deadline)
        return false;
    const struct timespec pause = {.tv_nsec = RETRY_NS};
    struct pollfd room = {.fd = fd, .events = POLLOUT};
    if (err == ENOBUFS)
        nanosleep(&pause, NULL);
    else
        ppoll(&room, 1, &pause, NULL);
    return true;
}

static void count_sent(struct queue *queue, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        if (queue->entries[i].injected)
            queue->injected++;
        else
            queue->forwarded++;
    }
}

void queue_flush(struct queue *queue, int fd, queue_failed *failed, void *owner)
{
    uint64_t deadline = 0;
    unsigned done = 0;

    while (done < queue->count) {
        int sent = sendmmsg(fd, queue->messages + done, queue->count - done, MSG_DONTWAIT);
        if (sent > 0) {
            count_sent(queue, done, done + (unsigned)sent);
            done += (unsigned)sent;
            continue;
        }
        int err = sent < 0 ? errno : EIO;
        if (err == EINTR)
            continue;
        if ((err == EAGAIN || err == ENOBUFS) && wait_for_room(fd, err, &deadline))
            continue;
        failed(owner, err, (uint32_t)queue->entries[done].parts[1].iov_len);
        done++;
    }
    queue->count = 0;
}
