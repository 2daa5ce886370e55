/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* fake: a host of one flow, small enough to see through, for the tests of the tls inspector.
 *
 * It keeps the contract of inspector.h: unconsumed bytes are presented again in front of new ones,
 * skipped bytes are not presented, `needed` is believed, and what was consumed or skipped counts
 * as delivered. Every buffer it presents ends at a page that may not be read.
 */

#include <stdlib.h>
#include <string.h>

#include "l7guard/inspector.h"
#include "l7guard/plugin.h"

#include "harness/guard.h"

extern const struct l7_plugin l7_plugin;

#define FAKE_ATTRS 9
#define FAKE_TEXT 4096

/* Indexes of the record's attributes, as docs/eve.md orders them. */
enum {
    FAKE_SUBJECT,
    FAKE_ISSUERDN,
    FAKE_SESSION_RESUMED,
    FAKE_SERIAL,
    FAKE_FINGERPRINT,
    FAKE_SNI,
    FAKE_VERSION,
    FAKE_NOTBEFORE,
    FAKE_NOTAFTER,
};

struct fake_side {
    uint8_t *bytes; /* everything sent so far that was not consumed */
    size_t len;
    size_t needed;
    uint64_t skip;
    uint64_t delivered; /* consumed and skipped */
    bool stopped;
};

struct fake {
    struct l7_host host; /* first: callbacks find the fake by it */
    const struct l7_inspector *inspector;
    void *self;
    void *state;
    struct fake_side sides[2];
    bool refuse; /* no name is allowed */
    bool no_tx;  /* too many transactions are open */
    int64_t max_hello;
    /* what was seen */
    unsigned opened, decided, closed, fields;
    char sni[FAKE_TEXT]; /* the field's form */
    char attrs[FAKE_ATTRS][FAKE_TEXT];
    bool released;
    bool waited;                  /* WAIT was said at the last feed */
    const char *reason;           /* BREAK to the server */
    const char *reason_client;    /* BREAK to the client */
    uint64_t delivered_undecided; /* client bytes delivered before tx_decide; must stay 0 */
    size_t calls;
};

static inline struct fake *fake_of(const struct l7_host *host)
{
    return (struct fake *)(uintptr_t)host;
}

/* The transaction handle and the flow handle are the fake itself. */
static inline struct fake *fake_of_tx(struct l7_tx *tx)
{
    return (struct fake *)tx;
}

static inline void fake_diag(const struct l7_host *host, enum l7_level level, const char *format,
                             ...)
{
    (void)host;
    (void)level;
    (void)format;
}

static inline int64_t fake_config_number(const struct l7_config *config, const char *key)
{
    return strcmp(key, "max-hello") == 0 ? ((const struct fake *)config)->max_hello : -1;
}

static inline struct l7_tx *fake_tx_open(struct l7_flow *flow)
{
    struct fake *fake = (struct fake *)flow;

    if (fake->no_tx)
        return NULL;
    fake->opened++;
    return (struct l7_tx *)fake;
}

static inline enum l7_judgement fake_tx_field(struct l7_tx *tx, unsigned field,
                                              const struct l7_field_value *value)
{
    struct fake *fake = fake_of_tx(tx);

    fake->fields++;
    if (field != 0 || value->form_count != 1 || value->forms[0].len >= FAKE_TEXT)
        abort();
    memcpy(fake->sni, value->forms[0].ptr, value->forms[0].len);
    fake->sni[value->forms[0].len] = '\0';
    return fake->refuse ? L7_JUDGEMENT_REFUSE : L7_JUDGEMENT_OPEN;
}

static inline void fake_tx_attr(struct l7_tx *tx, unsigned attr, struct l7_value value)
{
    struct fake *fake = fake_of_tx(tx);
    size_t len = value.string.len < FAKE_TEXT ? value.string.len : FAKE_TEXT - 1;

    if (attr >= FAKE_ATTRS)
        abort();
    if (value.type == L7_TYPE_BOOL) {
        strcpy(fake->attrs[attr], value.number ? "true" : "false");
        return;
    }
    memcpy(fake->attrs[attr], value.string.ptr, len);
    fake->attrs[attr][len] = '\0';
}

static inline enum l7_judgement fake_tx_decide(struct l7_tx *tx)
{
    struct fake *fake = fake_of_tx(tx);

    fake->decided++;
    return fake->refuse ? L7_JUDGEMENT_REFUSE : L7_JUDGEMENT_ALLOW;
}

static inline void fake_tx_close(struct l7_tx *tx)
{
    fake_of_tx(tx)->closed++;
}

/* Fill in the table and load the inspector. `fake` is zeroed but for what the test wants. */
static inline void fake_open(struct fake *fake)
{
    if (fake->max_hello == 0)
        fake->max_hello = 65536;
    fake->host = (struct l7_host){
        .sdk_major = L7_SDK_MAJOR,
        .sdk_minor = L7_SDK_MINOR,
        .size = sizeof(struct l7_host),
        .diag = fake_diag,
        .config_number = fake_config_number,
        .tx_open = fake_tx_open,
        .tx_field = fake_tx_field,
        .tx_attr = fake_tx_attr,
        .tx_decide = fake_tx_decide,
        .tx_close = fake_tx_close,
    };
    fake->inspector = l7_plugin.inspector;
    if (fake->inspector->load(&fake->host, (const struct l7_config *)fake, &fake->self) != 0)
        abort();
    fake->state = calloc(1, fake->inspector->state_size);
}

static inline void fake_close(struct fake *fake)
{
    free(fake->state);
    free(fake->sides[0].bytes);
    free(fake->sides[1].bytes);
    fake->inspector->unload(fake->self);
}

/* Take `n` bytes off the front: they are delivered. */
static inline void fake_deliver(struct fake *fake, enum l7_dir dir, size_t n)
{
    struct fake_side *side = &fake->sides[dir];

    if (n > side->len)
        abort();
    memmove(side->bytes, side->bytes + n, side->len - n);
    side->len -= n;
    side->delivered += n;
    if (dir == L7_TO_SERVER && fake->decided == 0)
        fake->delivered_undecided += n;
}

static inline void fake_skip(struct fake *fake, enum l7_dir dir)
{
    struct fake_side *side = &fake->sides[dir];
    size_t n = side->skip < side->len ? (size_t)side->skip : side->len;

    fake_deliver(fake, dir, n);
    if (side->skip != L7_SKIP_ALL)
        side->skip -= n;
}

/* One feed; false when there is nothing more to be had from it. */
static inline bool fake_feed(struct fake *fake, enum l7_dir dir)
{
    struct fake_side *side = &fake->sides[dir];
    struct l7_progress progress = {0};
    struct guard in;
    enum l7_step step;

    fake_skip(fake, dir);
    if (side->stopped || fake->released || side->len == 0 || side->len < side->needed)
        return false;
    in = guard_copy(side->bytes, side->len);
    step = fake->inspector->feed(fake->self, fake->state, (struct l7_flow *)fake, dir,
                                 (struct l7_bytes){in.data, in.len}, &progress);
    guard_free(&in);
    fake->calls++;
    fake->waited = step == L7_STEP_WAIT;
    if (step == L7_STEP_BREAK) {
        if (!progress.reason)
            abort();
        *(dir == L7_TO_SERVER ? &fake->reason : &fake->reason_client) = progress.reason;
        side->stopped = true;
        return false;
    }
    fake_deliver(fake, dir, progress.consumed);
    side->skip = progress.skip;
    side->needed = progress.needed;
    fake->released = step == L7_STEP_RELEASE;
    return progress.consumed > 0 || progress.skip > 0;
}

/* Bytes of one side arrive. */
static inline void fake_send(struct fake *fake, enum l7_dir dir, const void *bytes, size_t len)
{
    struct fake_side *side = &fake->sides[dir];

    side->bytes = realloc(side->bytes, side->len + len + 1);
    memcpy(side->bytes + side->len, bytes, len);
    side->len += len;
    while (fake_feed(fake, dir))
        ;
}
