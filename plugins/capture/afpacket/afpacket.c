/* SPDX-License-Identifier: Apache-2.0 */
/* afpacket: inline between two Ethernet interfaces, through a packet socket on each.
 *
 * Decides whose turn it is to be read, where a frame waits until it is sent, and what to wait on;
 * what a socket does is port.c's. Frames keep their virtio-net header from one interface to the
 * other, so segmentation and checksums stay with whoever can do them cheapest.
 *
 * Life: as in l7guard/capture.h. A received frame lies in its slot until the batch is flushed; an
 * injected frame is copied into an arena that is emptied by the same flush.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "iface.h"
#include "l7guard/plugin.h"
#include "port.h"

#define BATCH_MAX 64u
#define ARENA_SIZE (1024u * 1024)
#define LINE 64u /* buffers begin on a cache line */
#define SLOT_STRIDE ((HEADROOM + FRAME_MAX + LINE - 1) / LINE * LINE)
#define REVIVE_NS 250000000 /* between two looks for an interface that went away */

struct pair {
    const struct l7_host *host;
    struct port ports[2];
    int epoll;
    int timer; /* runs while a port is down */
    bool timer_runs;
    unsigned turn;     /* the port that is read first */
    uint8_t *memory;   /* slot buffers, then the arena */
    uint8_t *arena;    /* copies of injected frames */
    size_t arena_used; /* 0 when both queues are empty */
    struct slot slots[BATCH_MAX];
    struct mmsghdr messages[BATCH_MAX];
};

#define MEMORY_SIZE (BATCH_MAX * (size_t)SLOT_STRIDE + ARENA_SIZE)

/* The timer runs exactly while there is something to look for. */
static void pair_set_timer(struct pair *pair)
{
    bool run = pair->ports[0].down || pair->ports[1].down;
    if (run == pair->timer_runs)
        return;
    const struct timespec period = {.tv_nsec = run ? REVIVE_NS : 0};
    const struct itimerspec setting = {.it_interval = period, .it_value = period};
    if (timerfd_settime(pair->timer, 0, &setting, NULL) == 0)
        pair->timer_runs = run;
}

static void afpacket_flush(void *self)
{
    struct pair *pair = self;
    port_flush(&pair->ports[0]);
    port_flush(&pair->ports[1]);
    pair->arena_used = 0;
    pair_set_timer(pair);
}

static void afpacket_close(void *self)
{
    struct pair *pair = self;
    if (!pair)
        return;
    port_close(&pair->ports[0]);
    port_close(&pair->ports[1]);
    if (pair->timer >= 0)
        close(pair->timer);
    if (pair->epoll >= 0)
        close(pair->epoll);
    if (pair->memory)
        munmap(pair->memory, MEMORY_SIZE);
    free(pair);
}

static struct pair *pair_new(const struct l7_host *host)
{
    struct pair *pair = calloc(1, sizeof(*pair));
    if (!pair)
        return NULL;
    pair->host = host;
    pair->epoll = pair->timer = pair->ports[0].fd = pair->ports[1].fd = -1;
    void *memory =
        mmap(NULL, MEMORY_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        free(pair);
        return NULL;
    }
    pair->memory = memory;
    pair->arena = pair->memory + BATCH_MAX * (size_t)SLOT_STRIDE;
    for (unsigned i = 0; i < BATCH_MAX; i++)
        pair->slots[i].buffer = pair->memory + i * (size_t)SLOT_STRIDE;
    return pair;
}

static int pair_watch(struct pair *pair, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    return epoll_ctl(pair->epoll, EPOLL_CTL_ADD, fd, &event) != 0 ? -errno : 0;
}

static int pair_prepare_waiting(struct pair *pair)
{
    pair->epoll = epoll_create1(EPOLL_CLOEXEC);
    pair->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    int err = pair->epoll < 0 || pair->timer < 0 ? -errno : 0;
    if (!err)
        err = pair_watch(pair, pair->timer);
    for (unsigned i = 0; !err && i < 2; i++)
        err = pair_watch(pair, pair->ports[i].fd);
    if (err)
        pair->host->diag(pair->host, L7_ERROR, "%s, %s: cannot wait for frames: %s",
                         pair->ports[0].name, pair->ports[1].name, strerror(-err));
    return err;
}

static void pair_revive(struct pair *pair)
{
    uint64_t ticks;
    if (read(pair->timer, &ticks, sizeof(ticks)) != (ssize_t)sizeof(ticks))
        return;
    for (unsigned i = 0; i < 2; i++) {
        struct port *port = &pair->ports[i];
        if (port->down && port_revive(port) && pair_watch(pair, port->fd) != 0)
            port->down = true;
    }
}

static int config_check(const struct l7_host *host, const struct l7_config *config)
{
    size_t count = host->config_count(config, "interfaces");
    if (count != 2) {
        host->diag(host, L7_ERROR,
                   "\"interfaces\" names %zu, not 2: the two sides of one path, as in [eth1, "
                   "eth2]; for more paths, more afpacket entries",
                   count);
        return -EINVAL;
    }
    const char *first = host->config_item(config, "interfaces", 0);
    const char *second = host->config_item(config, "interfaces", 1);
    if (strcmp(first, second) == 0) {
        host->diag(host, L7_ERROR, "\"interfaces\" names %s twice; a path has two sides", first);
        return -EINVAL;
    }
    int err = port_check(host, first);
    return err ? err : port_check(host, second);
}

/* Frames of the larger side would not get out on the smaller. */
static void warn_of_mtu(const struct pair *pair)
{
    unsigned mtu[2] = {iface_mtu(pair->ports[0].name), iface_mtu(pair->ports[1].name)};
    if (mtu[0] != mtu[1])
        pair->host->diag(pair->host, L7_WARNING,
                         "%s has an MTU of %u and %s of %u: larger frames of the one are lost at "
                         "the other; give both the same: ip link set IFACE mtu N",
                         pair->ports[0].name, mtu[0], pair->ports[1].name, mtu[1]);
}

static int afpacket_open(const struct l7_host *host, const struct l7_config *config, bool check,
                         void **self)
{
    int err = config_check(host, config);
    if (err || check)
        return err;
    struct pair *pair = pair_new(host);
    if (!pair) {
        host->diag(host, L7_ERROR, "out of memory for frames (%zu bytes)", MEMORY_SIZE);
        return -ENOMEM;
    }
    size_t buffer = (size_t)host->config_number(config, "buffer");
    for (uint16_t i = 0; !err && i < 2; i++)
        err =
            port_open(&pair->ports[i], host, host->config_item(config, "interfaces", i), i, buffer);
    if (!err)
        err = pair_prepare_waiting(pair);
    if (err) {
        afpacket_close(pair);
        return err;
    }
    warn_of_mtu(pair);
    pair_set_timer(pair);
    *self = pair;
    return 0;
}

static int afpacket_descriptor(void *self)
{
    const struct pair *pair = self;
    return pair->epoll;
}

/* Half of the room for the port whose turn it is, the rest for the other, and what that leaves
 * for the first again: neither can starve the other, and neither wastes a batch. */
static int afpacket_receive(void *self, struct l7_frame **frames, size_t max)
{
    struct pair *pair = self;
    bool drained[2] = {false, false};
    unsigned used = 0;
    int count = 0;

    afpacket_flush(pair);
    if (pair->timer_runs)
        pair_revive(pair);
    if (max > BATCH_MAX)
        max = BATCH_MAX;

    for (unsigned step = 0; step < 3 && used < max; step++) {
        unsigned which = (pair->turn + step) & 1;
        unsigned room = (unsigned)max - used;
        unsigned share = step == 0 ? (room + 1) / 2 : room;
        unsigned taken;
        if (drained[which])
            continue;
        int got = port_receive(&pair->ports[which], pair->slots + used, pair->messages + used,
                               share, frames + count, &taken);
        if (got < 0) {
            if (!count)
                return got;
            break;
        }
        count += got;
        used += taken;
        drained[which] = taken < share;
    }
    pair->turn ^= 1;
    pair_set_timer(pair);
    return count;
}

static void afpacket_finalise(void *self, struct l7_frame *frame, enum l7_verdict verdict)
{
    struct pair *pair = self;
    if (verdict == L7_FORWARD)
        port_send(&pair->ports[frame->iface ^ 1], frame, false);
}

static int afpacket_inject(void *self, const struct l7_frame *frame)
{
    struct pair *pair = self;
    if (frame->iface > 1 || frame->link != L7_LINK_ETHERNET)
        return -EINVAL;
    if (frame->len > FRAME_MAX)
        return -EMSGSIZE;
    if (ARENA_SIZE - pair->arena_used < frame->len)
        afpacket_flush(pair);
    struct l7_frame copy = *frame;
    uint8_t *bytes = pair->arena + pair->arena_used;
    memcpy(bytes, frame->data, frame->len);
    copy.data = bytes;
    pair->arena_used += frame->len;
    port_send(&pair->ports[frame->iface], &copy, true);
    return 0;
}

static const char *afpacket_iface_name(void *self, unsigned iface)
{
    const struct pair *pair = self;
    return iface < 2 ? pair->ports[iface].name : NULL;
}

static void afpacket_stats(void *self, struct l7_capture_stats *stats)
{
    struct pair *pair = self;
    *stats = (struct l7_capture_stats){.size = sizeof(*stats)};
    for (unsigned i = 0; i < 2; i++) {
        struct port *port = &pair->ports[i];
        port_count_lost(port);
        stats->received += port->received;
        stats->lost += port->lost;
        stats->forwarded += port->queue.forwarded;
        stats->injected += port->queue.injected;
        stats->send_errors += port->send_errors;
    }
}

static int afpacket_disable_tx_checksum(void *self)
{
    struct pair *pair = self;
    int err = port_disable_tx_checksum(&pair->ports[0]);
    return err ? err : port_disable_tx_checksum(&pair->ports[1]);
}

static const struct l7_option options[] = {
    {"interfaces", L7_OPTION_LIST, 0, NULL, "the two interfaces to stand between"},
    {"buffer", L7_OPTION_SIZE, 0, "32MiB", "how much each interface may have waiting to be read"},
};

static const struct l7_capture capture = {
    .size = sizeof(capture),
    .open = afpacket_open,
    .close = afpacket_close,
    .descriptor = afpacket_descriptor,
    .receive = afpacket_receive,
    .finalise = afpacket_finalise,
    .inject = afpacket_inject,
    .flush = afpacket_flush,
    .iface_name = afpacket_iface_name,
    .stats = afpacket_stats,
    .disable_tx_checksum = afpacket_disable_tx_checksum,
};

L7_PLUGIN(L7_KIND_CAPTURE, "afpacket", .version = "1.0",
          .summary = "stands inline between two Ethernet interfaces", .options = options,
          .option_count = sizeof(options) / sizeof(options[0]), .capture = &capture);
