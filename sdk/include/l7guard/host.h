/* SPDX-License-Identifier: Apache-2.0 */
/* host: the services the core lends to a plugin, as a table.
 *
 * A plugin links nothing of the core's: all it can ask for is here. The table lives as long as
 * the plugin is loaded. A plugin built for an older minor finds all it knows at the same place;
 * one built for a newer minor is not loaded, so a function its headers name is there.
 *
 * Threads: `diag` and the `config_*` functions may be called from any thread at any time. The
 * `tx_*` functions only from inside an inspector's callbacks, with the handles given there.
 */
#ifndef L7GUARD_HOST_H
#define L7GUARD_HOST_H

#include "l7guard/types.h"

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define L7_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define L7_PRINTF(fmt, args)
#endif

enum l7_level {
    L7_ERROR = 1,
    L7_WARNING = 2,
    L7_NOTICE = 3,
    L7_DEBUG = 4,
};

struct l7_config; /* settings of one plugin instance, checked against its option table */
struct l7_flow;   /* one flow, as an inspector sees it */
struct l7_tx;     /* one transaction: an HTTP request with its response, a TLS handshake */

/* What the rules say of a transaction so far. */
enum l7_judgement {
    L7_JUDGEMENT_OPEN = 0,   /* not decided: more fields are needed */
    L7_JUDGEMENT_ALLOW = 1,  /* decided: its bytes may be consumed */
    L7_JUDGEMENT_REFUSE = 2, /* decided: stop; the host ends the flow */
};

/* A field's value. A pattern has to match every form. `tail` is what follows the field's split
 * character, compared only with patterns that contain it (struct l7_field.split).
 * `unmatchable`: the message carries the field, but so that readers could disagree on it; no
 * pattern matches, not even "*", and `forms` may be empty. Bytes are borrowed for the call. */
struct l7_field_value {
    const struct l7_bytes *forms;
    size_t form_count; /* at most L7_FORMS_MAX */
    struct l7_bytes tail;
    bool has_tail;
    bool unmatchable;
};
#define L7_FORMS_MAX 4

struct l7_host {
    uint16_t sdk_major;
    uint16_t sdk_minor;
    uint32_t size;

    /* Tell whoever runs the daemon. One line, lower case, no final newline; the host adds the
     * plugin's name and limits the rate. Not for inspectors' view of traffic: that is what
     * results and records are for. */
    void (*diag)(const struct l7_host *host, enum l7_level level, const char *format, ...)
        L7_PRINTF(3, 4);

    /* Settings. `key` must be in the option table. A number is also what L7_OPTION_SIZE (bytes) and
     * L7_OPTION_DURATION (milliseconds) come to. Text is owned by the config and lives until
     * the instance is closed. */
    const char *(*config_text)(const struct l7_config *config, const char *key);
    int64_t (*config_number)(const struct l7_config *config, const char *key);
    bool (*config_bool)(const struct l7_config *config, const char *key);
    size_t (*config_count)(const struct l7_config *config, const char *key);
    const char *(*config_item)(const struct l7_config *config, const char *key, size_t index);

    /* The daemon's log directory, for log plugins that write files. */
    const char *(*log_dir)(const struct l7_host *host);

    /* Begin a transaction. NULL: the flow has too many open; return L7_STEP_BREAK with reason
     * "transaction-limit". */
    struct l7_tx *(*tx_open)(struct l7_flow *flow);

    /* Give a field (index into struct l7_inspector.fields) its value; once per field. The answer
     * is REFUSE as soon as no later byte can mend it; until tx_decide it is never ALLOW. */
    enum l7_judgement (*tx_field)(struct l7_tx *tx, unsigned field,
                                  const struct l7_field_value *value);

    /* Set an attribute (index into struct l7_inspector.attrs) for the record; a later value
     * replaces an earlier one. Copied. */
    void (*tx_attr)(struct l7_tx *tx, unsigned attr, struct l7_value value);

    /* All deciding fields are there; those not given are absent. The answer is final: ALLOW or
     * REFUSE. Calling again gives the same answer. */
    enum l7_judgement (*tx_decide)(struct l7_tx *tx);

    /* The exchange is complete: its record is written if it was allowed. The handle is dead
     * after this. Handles still open when the flow ends are closed by the host. */
    void (*tx_close)(struct l7_tx *tx);
};

#ifdef __cplusplus
}
#endif

#endif
