/* SPDX-License-Identifier: Apache-2.0 */
/* forwarder: a host that judges nothing, to run a capture plugin between two interfaces.
 *
 *     forwarder PLUGIN.so LEFT RIGHT [option...]
 *       check              only check whether opening would work
 *       inject=N           every Nth frame is dropped, and its copy injected in its place
 *       drop=TEXT          drop frames that contain TEXT
 *       buffer=BYTES       the plugin's option
 *       no-tx-checksum     turn the transmit checksum offload off while running
 *
 * Says "ready" on standard output when it runs, "cannot run" if it never will, and on SIGTERM its
 * counters as one JSON line. Diagnostics go to standard error. It dies with its parent.
 */
#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "fake_host.h"
#include "l7guard/capture.h"

#define BATCH 64

struct tally {
    uint64_t frames[2]; /* by incoming interface */
    uint64_t large;     /* longer than an Ethernet frame of 1500 bytes payload */
    uint64_t tagged;
    uint64_t needs_csum;
    uint64_t gso;
    uint64_t dropped;
    uint32_t longest;
};

struct orders {
    unsigned inject_every;
    const char *drop;
    const char *buffer;
    bool check;
    bool no_tx_checksum;
};

static volatile sig_atomic_t stopping;

static void stop(int signal_number)
{
    (void)signal_number;
    stopping = 1;
}

static void tally_frame(struct tally *tally, const struct l7_frame *frame)
{
    uint16_t type = (uint16_t)(frame->data[12] << 8 | frame->data[13]);
    tally->frames[frame->iface]++;
    tally->large += frame->len > 1518;
    tally->tagged += type == 0x8100 || type == 0x88a8;
    tally->needs_csum += (frame->offload.flags & L7_OFFLOAD_NEEDS_CSUM) != 0;
    tally->gso += frame->offload.gso_type != 0;
    if (frame->len > tally->longest)
        tally->longest = frame->len;
}

static void judge(const struct l7_capture *capture, void *self, struct l7_frame *frame,
                  const struct orders *orders, struct tally *tally)
{
    if (orders->drop && memmem(frame->data, frame->len, orders->drop, strlen(orders->drop))) {
        tally->dropped++;
        capture->finalise(self, frame, L7_DROP);
        return;
    }
    uint64_t number = tally->frames[0] + tally->frames[1];
    if (!orders->inject_every || number % orders->inject_every) {
        capture->finalise(self, frame, L7_FORWARD);
        return;
    }
    struct l7_frame copy = *frame;
    uint8_t *bytes = malloc(frame->len);
    memcpy(bytes, frame->data, frame->len);
    copy.data = bytes;
    copy.iface ^= 1;
    copy.owner = NULL;
    capture->finalise(self, frame, L7_DROP);
    capture->inject(self, &copy);
    free(bytes);
}

static int run(const struct l7_capture *capture, void *self, const struct orders *orders,
               struct tally *tally, uint64_t *rounds)
{
    struct l7_frame *frames[BATCH];
    sigset_t none;
    sigemptyset(&none);
    while (!stopping) {
        struct pollfd wait = {.fd = capture->descriptor(self), .events = POLLIN};
        ppoll(&wait, 1, NULL, &none);
        int got;
        while ((got = capture->receive(self, frames, BATCH)) > 0) {
            for (int i = 0; i < got; i++) {
                tally_frame(tally, frames[i]);
                judge(capture, self, frames[i], orders, tally);
            }
            capture->flush(self);
            (*rounds)++;
            if (stopping)
                break;
        }
        if (got < 0)
            return got;
    }
    return 0;
}

static void report(const struct l7_capture *capture, void *self, const struct tally *tally,
                   uint64_t rounds)
{
    struct l7_capture_stats stats = {.size = sizeof(stats)};
    capture->stats(self, &stats);
    printf("{\"received\": %" PRIu64 ", \"lost\": %" PRIu64 ", \"forwarded\": %" PRIu64
           ", \"injected\": %" PRIu64 ", \"send_errors\": %" PRIu64 ", \"left\": %" PRIu64
           ", \"right\": %" PRIu64 ", \"large\": %" PRIu64 ", \"tagged\": %" PRIu64
           ", \"needs_csum\": %" PRIu64 ", \"gso\": %" PRIu64 ", \"dropped\": %" PRIu64
           ", \"longest\": %" PRIu32 ", \"rounds\": %" PRIu64 "}\n",
           stats.received, stats.lost, stats.forwarded, stats.injected, stats.send_errors,
           tally->frames[0], tally->frames[1], tally->large, tally->tagged, tally->needs_csum,
           tally->gso, tally->dropped, tally->longest, rounds);
    fflush(stdout);
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = stop};
    sigset_t term;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, NULL);
    sigaction(SIGTERM, &action, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static struct orders read_orders(int count, char **texts)
{
    struct orders orders = {.buffer = "33554432"};
    for (int i = 0; i < count; i++) {
        if (strncmp(texts[i], "inject=", 7) == 0)
            orders.inject_every = (unsigned)atoi(texts[i] + 7);
        else if (strncmp(texts[i], "drop=", 5) == 0)
            orders.drop = texts[i] + 5;
        else if (strncmp(texts[i], "buffer=", 7) == 0)
            orders.buffer = texts[i] + 7;
        else if (strcmp(texts[i], "check") == 0)
            orders.check = true;
        else if (strcmp(texts[i], "no-tx-checksum") == 0)
            orders.no_tx_checksum = true;
    }
    return orders;
}

int main(int argc, char **argv)
{
    struct l7_config config = {.count = 0};
    struct tally tally = {.large = 0};
    uint64_t rounds = 0;
    void *self = NULL;
    if (argc < 4) {
        fprintf(stderr, "usage: forwarder PLUGIN.so LEFT RIGHT [option...]\n");
        return 2;
    }
    struct orders orders = read_orders(argc - 4, argv + 4);
    catch_signals();
    said.print = true;
    config_add(&config, "interfaces", argv[2]);
    config_add(&config, "interfaces", argv[3]);
    config_add(&config, "buffer", orders.buffer);

    void *object = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    const struct l7_plugin *plugin = object ? dlsym(object, "l7_plugin") : NULL;
    if (!plugin) {
        fprintf(stderr, "%s\n", dlerror());
        return 2;
    }
    const struct l7_capture *capture = plugin->capture;
    int err = capture->open(&fake_host, &config, orders.check, &self);
    if (!err && !orders.check && orders.no_tx_checksum)
        err = capture->disable_tx_checksum(self);
    if (err || orders.check) {
        printf(err ? "cannot run\n" : "would run\n");
        return err != 0;
    }
    printf("ready\n");
    fflush(stdout);
    err = run(capture, self, &orders, &tally, &rounds);
    capture->flush(self);
    report(capture, self, &tally, rounds);
    capture->close(self);
    return err != 0;
}
