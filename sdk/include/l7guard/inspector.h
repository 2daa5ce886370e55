/* SPDX-License-Identifier: Apache-2.0 */
/* inspector: a plugin that understands one protocol.
 *
 * It declares a keyword and fields; policies may then say `l7Protocols: [{keyword: {field: ...}}]`.
 * It looks at the first bytes of a flow (probe), and once it claims the flow it turns the bytes
 * of both directions into transactions with fields and attributes.
 *
 * Life:  load (open (feed | gap)* end{0,2} close)* unload
 *
 * An inspector is a function of bytes and of what it remembers about one flow: no clock, no I/O,
 * no thread, no global that changes after load. All calls for one flow come from one thread;
 * flows of different workers may call at the same time, so `self` is constant after load.
 *
 * The one rule to understand: WHAT IS CONSUMED MAY BE DELIVERED. The host forwards client bytes
 * to the server up to what feed() has consumed and skipped, and holds the rest back. So bytes of
 * a message are consumed only when its transaction has been decided with ALLOW. Bytes that are
 * not consumed are presented again, in front of what came after them; remember in the state how
 * far they were looked at, so that the work stays linear when they come one at a time.
 */
#ifndef L7GUARD_INSPECTOR_H
#define L7GUARD_INSPECTOR_H

#include "l7guard/host.h"
#include "l7guard/types.h"

#ifdef __cplusplus
extern "C" {
#endif

enum l7_match {
    L7_MATCH_EXACT = 1,  /* byte for byte */
    L7_MATCH_GLOB = 2,   /* "*" is any run of bytes, empty included; the rest is literal */
    L7_MATCH_ENUM = 3,   /* as EXACT; policies may name only one of `values` */
    L7_MATCH_NUMBER = 4, /* a number, or "from-to"; the value is its decimal text */
};

#define L7_FIELD_NOCASE 1u /* ASCII letters compare alike */

/* A fact that rules can match. */
struct l7_field {
    const char *name; /* as in policies */
    uint32_t match;   /* enum l7_match */
    uint32_t flags;
    uint32_t split; /* 0, or a character: a pattern that contains it is cut there, the left part
                       is compared with the forms, the right part with the tail */
    uint32_t reserved;
    const char *const *values; /* for L7_MATCH_ENUM */
    size_t value_count;
    const char *help; /* one sentence */
};

/* A fact for the record. `name` may have one dot ("content_range.start"): neighbours with the
 * same part before the dot become one object. Records list attributes in this order. */
struct l7_attr {
    const char *name;
    uint32_t type; /* enum l7_type */
    uint32_t reserved;
    const char *help;
};

enum l7_probe {
    L7_PROBE_NO = 0,   /* cannot be this protocol; final for the flow */
    L7_PROBE_YES = 1,  /* it is */
    L7_PROBE_MORE = 2, /* ask again with more bytes */
};

enum l7_step {
    L7_STEP_OK = 0,      /* see struct l7_progress */
    L7_STEP_WAIT = 1,    /* cannot go on in this direction before the other one has moved; the
                            rest is held without streaming */
    L7_STEP_RELEASE = 2, /* after `consumed`, nothing of the flow needs looking at, both ways */
    L7_STEP_HANDOFF = 3, /* after `consumed`, the flow is another protocol, both ways: judged
                            already (it was allowed), so opaque to rules, but may be logged */
    L7_STEP_BREAK = 4,   /* these bytes cannot be this protocol: `reason` says why. To the server:
                            the flow is refused. To the client: no more is fed that way. */
};

/* What a feed() did, besides its step. Zeroed by the host before the call. */
struct l7_progress {
    size_t consumed;    /* bytes of `in` that are done with; see the rule above */
    size_t needed;      /* 0, or: calling again is pointless before this many unconsumed bytes;
                           above 16 MiB it counts as a failure of the plugin */
    uint64_t skip;      /* after `consumed`, the next bytes of this direction that need no
                           looking at (a body); L7_SKIP_ALL: up to the end of the stream */
    const char *reason; /* for BREAK: a short constant slug, "bad-chunk-size" */
};
#define L7_SKIP_ALL UINT64_MAX

/* Inspector flags. */
#define L7_INSPECTOR_NUMBERED 1u /* records carry the transaction's number in the flow (tx_id) */
#define L7_INSPECTOR_DATAGRAM 2u /* reserved: hosts of SDK 1.0 give no datagrams to inspectors */
/* A rule that names the keyword together with another transport than TCP is refused at load;
 * without this flag it is loaded with a warning. */
#define L7_INSPECTOR_TCP_ONLY 4u

/* One name and value of an example request; `value.ptr` NULL: explicitly absent. A lone argument
 * on a command line has the name "". */
struct l7_pair {
    const char *name;
    struct l7_bytes value;
};

enum l7_pattern {
    L7_PATTERN_OK = 0,
    L7_PATTERN_WARN = 1,   /* usable; `note` says what to look out for */
    L7_PATTERN_REFUSE = 2, /* not usable; `note` says why */
};

struct l7_inspector {
    uint32_t size;
    uint32_t flags;
    const char *keyword; /* in l7Protocols, and the record's event type and app_proto */
    const struct l7_field *fields;
    size_t field_count;
    const struct l7_attr *attrs;
    size_t attr_count;
    size_t state_size; /* bytes remembered per flow: allocated and zeroed by the host */

    /* Optional. 0, or a negative errno after one diag(). `*self` is handed to all other calls. */
    int (*load)(const struct l7_host *host, const struct l7_config *config, void **self);
    void (*unload)(void *self);

    /* Look at the first bytes of one direction; touch nothing. Mandatory. The server's bytes are
     * shown only where no rule judges: a judged flow is claimed by what its client says. */
    enum l7_probe (*probe)(const void *self, enum l7_dir dir, struct l7_bytes seen);

    /* Optional. A flow was claimed; `state` is zeroed. 0 or negative errno (the flow is refused).
     */
    int (*open)(void *self, void *state, struct l7_flow *flow);

    /* Read bytes of one direction, in order. Mandatory. May be called with bytes of either
     * direction in any interleaving. Called until it consumes nothing more. */
    enum l7_step (*feed)(void *self, void *state, struct l7_flow *flow, enum l7_dir dir,
                         struct l7_bytes in, struct l7_progress *progress);

    /* Optional. `len` bytes of this direction will not come; unconsumed ones are gone too.
     * Default: as if feed() had answered BREAK with reason "gap". Governed flows never get here:
     * the host refuses them. After OK the host feeds what follows the gap. */
    enum l7_step (*gap)(void *self, void *state, struct l7_flow *flow, enum l7_dir dir,
                        uint64_t len);

    /* Optional. The direction has ended (FIN, RST, idle). `unskipped`: bytes of the last `skip`
     * that never came (0 after L7_SKIP_ALL); `skipped`: those that did. */
    void (*end)(void *self, void *state, struct l7_flow *flow, enum l7_dir dir, uint64_t skipped,
                uint64_t unskipped);

    /* Optional. Once for every open, whatever happened. The flow's handle is not usable any more.
     */
    void (*close)(void *self, void *state);

    /* Optional. Bring a policy's pattern into the form the field's values have; write it to
     * `out`. `note` is for WARN and REFUSE. Default: the text as it is. */
    enum l7_pattern (*pattern)(const void *self, unsigned field, struct l7_bytes text,
                               struct l7_text *out, struct l7_text *note);

    /* Optional. Emit fields and attributes for a request described in words (`l7ctl explain`).
     * 0, or negative errno with the reason in `note`; on success `note` may hold a remark.
     * Default: names are field names, values go out as they are. */
    int (*example)(const void *self, const struct l7_pair *pairs, size_t pair_count,
                   struct l7_tx *tx, struct l7_text *note);

    /* Optional. One line on what `example` takes, for --help: "METHOD URL". */
    const char *example_help;
};

#ifdef __cplusplus
}
#endif

#endif
