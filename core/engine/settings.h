/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* settings: the configuration file l7guard.yaml as a struct, with every default in one table.
 *
 * Unknown keys are errors with a suggestion. Every limit of the engine is here.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/problem.h"
#include "base/yaml.h"

enum inspect { INSPECT_GOVERNED, INSPECT_ALL };
enum hold_mode { HOLD_BALANCED, HOLD_STRICT, HOLD_OFF };
enum live_flows { LIVE_REJUDGE, LIVE_KEEP };
enum midstream { MIDSTREAM_RESYNC, MIDSTREAM_REJECT, MIDSTREAM_PASS };

/* One entry of `capture:` or `log:`: a plugin's name and its options (NULL: none). */
struct instance {
    const char *plugin;
    const struct node *options;
    const struct node *where; /* for messages; NULL when from the command line */
};

struct settings {
    char *plugin_dir;
    char *policy_dir;
    char *log_dir;
    char *node_name;      /* NULL: every Pod known */
    char *control_socket; /* "" : none */
    char *metrics;        /* address:port; "" : none */
    unsigned workers;     /* 0: auto */
    enum inspect inspect;
    bool inspect_given; /* written in the file: -r does not change it */
    enum hold_mode hold;
    enum live_flows live_flows;
    enum midstream midstream;
    struct instance *captures;
    size_t capture_count;
    struct instance *logs;
    size_t log_count;
    const struct node *plugins; /* map: inspector name -> options */
    /* limits; sizes in bytes, times in milliseconds */
    uint64_t hold_limit;            /* 12 KiB: undecided bytes held before they stream [L7-28] */
    uint64_t message_limit;         /* 64 KiB + 1 KiB: undecided bytes of one message [L7-29] */
    uint64_t decision_timeout;      /* 30 s [L7-29] */
    uint64_t reorder_limit;         /* 256 KiB: out-of-order bytes kept, one direction of a flow */
    uint64_t retain_limit;          /* 256 KiB: judged bytes not yet acknowledged, one flow */
    uint64_t stream_memory;         /* 256 MiB: all of these together, a worker */
    uint64_t max_flows;             /* 262144, a worker */
    uint64_t max_transactions;      /* 10000 open ones, one flow */
    uint64_t max_fragments_memory;  /* 16 MiB */
    uint64_t fragment_timeout;      /* 30 s */
    uint64_t probe_limit;           /* 4 KiB: bytes looked at before a flow is unclaimed */
    uint64_t tcp_handshake_timeout; /* 30 s */
    uint64_t tcp_timeout;           /* 1 h idle, established */
    uint64_t tcp_close_timeout;     /* 10 s after FIN both ways or RST */
    uint64_t refused_timeout;       /* 60 s without a packet */
    uint64_t udp_timeout;           /* 30 s unreplied [CONN-6] */
    uint64_t udp_replied_timeout;   /* 180 s */
    uint64_t log_queue;             /* 4 MiB: bytes of records waiting for the log plugins */
    struct yaml_file *file;         /* keeps the nodes above alive */
};

/* All defaults. Never fails but for memory (NULL). */
struct settings *settings_new(void);
void settings_free(struct settings *s);
/* Read `path` over the defaults. 0 or negative errno with errors in `problems`. */
int settings_read(struct settings *s, const char *path, struct problems *problems);
/* Print every key with its default and one sentence (for --help and the manual). */
void settings_describe(void (*line)(void *ctx, const char *text), void *ctx);
