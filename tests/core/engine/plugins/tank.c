/* SPDX-License-Identifier: Apache-2.0 */
/* tank: a capture without a network. Frames come as datagrams on a Unix socket, and what is
 * forwarded or injected goes to the socket of the same name with ".out". The first byte of a
 * datagram is the interface. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "l7guard/capture.h"
#include "l7guard/plugin.h"

#define BATCH 16
#define FRAME_MAX 2048

struct tank {
    int fd;
    struct sockaddr_un out;
    struct l7_frame frames[BATCH];
    uint8_t bytes[BATCH][FRAME_MAX];
    struct l7_capture_stats stats;
};

static bool name(struct sockaddr_un *to, const char *path, const char *end)
{
    memset(to, 0, sizeof(*to));
    to->sun_family = AF_UNIX;
    int n = snprintf(to->sun_path, sizeof(to->sun_path), "%s%s", path, end);
    return n > 0 && (size_t)n < sizeof(to->sun_path);
}

static int tank_open(const struct l7_host *host, const struct l7_config *config, bool check,
                     void **self)
{
    struct sockaddr_un at, out;
    const char *path = host->config_text(config, "socket");
    if (!name(&at, path, "") || !name(&out, path, ".out")) {
        host->diag(host, L7_ERROR, "\"%s\" cannot be a socket's name", path);
        return -EINVAL;
    }
    if (check)
        return 0;
    struct tank *t = calloc(1, sizeof(*t));
    if (t == NULL)
        return -ENOMEM;
    t->out = out;
    t->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (t->fd < 0 || bind(t->fd, (const struct sockaddr *)&at, sizeof(at)) != 0) {
        int err = -errno;
        host->diag(host, L7_ERROR, "cannot bind %s: %s", path, strerror(errno));
        free(t);
        return err;
    }
    *self = t;
    return 0;
}

static void tank_close(void *self)
{
    struct tank *t = self;
    close(t->fd);
    free(t);
}

static int tank_descriptor(void *self)
{
    return ((struct tank *)self)->fd;
}

static int tank_receive(void *self, struct l7_frame **frames, size_t max)
{
    struct tank *t = self;
    int n = 0;
    while (n < BATCH && (size_t)n < max) {
        ssize_t len = recv(t->fd, t->bytes[n], FRAME_MAX, 0);
        if (len < 1)
            break;
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        t->frames[n] = (struct l7_frame){
            .size = sizeof(t->frames[n]),
            .iface = t->bytes[n][0] & 1,
            .link = L7_LINK_ETHERNET,
            .data = t->bytes[n] + 1,
            .len = (uint32_t)len - 1,
            .wire_len = (uint32_t)len - 1,
            .time_ns = (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec,
        };
        frames[n] = &t->frames[n];
        n++;
    }
    t->stats.received += (uint64_t)n;
    return n;
}

static int out(struct tank *t, const struct l7_frame *frame, uint16_t iface)
{
    uint8_t bytes[FRAME_MAX];
    if (frame->len >= sizeof(bytes))
        return -EMSGSIZE;
    bytes[0] = (uint8_t)iface;
    memcpy(bytes + 1, frame->data, frame->len);
    if (sendto(t->fd, bytes, frame->len + 1, MSG_DONTWAIT, (const struct sockaddr *)&t->out,
               sizeof(t->out)) < 0) {
        t->stats.send_errors++;
        return -errno;
    }
    return 0;
}

static void tank_finalise(void *self, struct l7_frame *frame, enum l7_verdict verdict)
{
    struct tank *t = self;
    if (verdict == L7_FORWARD) {
        t->stats.forwarded++;
        (void)out(t, frame, frame->iface ^ 1);
    }
}

static int tank_inject(void *self, const struct l7_frame *frame)
{
    struct tank *t = self;
    t->stats.injected++;
    return out(t, frame, frame->iface);
}

static const char *tank_iface(void *self, unsigned iface)
{
    (void)self;
    return iface == 0 ? "left" : iface == 1 ? "right" : NULL;
}

static void tank_stats(void *self, struct l7_capture_stats *stats)
{
    *stats = ((struct tank *)self)->stats;
    stats->size = sizeof(*stats);
}

static const struct l7_option options[] = {
    {.key = "socket", .type = L7_OPTION_TEXT, .help = "The Unix socket's name."},
};

static const struct l7_capture tank = {
    .size = sizeof(tank),
    .open = tank_open,
    .close = tank_close,
    .descriptor = tank_descriptor,
    .receive = tank_receive,
    .finalise = tank_finalise,
    .inject = tank_inject,
    .iface_name = tank_iface,
    .stats = tank_stats,
};

L7_PLUGIN(L7_KIND_CAPTURE, "tank", .version = "1", .summary = "frames from a Unix socket",
          .options = options, .option_count = 1, .capture = &tank);
