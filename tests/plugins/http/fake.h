/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* fake: a host of one flow for the http inspector's tests and its fuzzer.
 *
 * In    bytes of either direction, cut as the test likes
 * Out   every transaction with its fields and attributes, what was delivered, how it ended
 *
 * It keeps the contract of inspector.h and stops the process when the inspector does not: what is
 * not consumed is presented again, what is skipped is not, nothing undecided is delivered, a field
 * comes once, a closed transaction is left alone. Buffers end at a page that cannot be read.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "l7guard/inspector.h"
#include "l7guard/plugin.h"
#include "session.h"

extern const struct l7_plugin l7_plugin;

#define FAKE_EDGE (4u << 20) /* longest buffer presented */

struct fake_text {
    bool set;
    uint8_t *ptr; /* with a NUL behind it */
    size_t len;
};

struct fake_field {
    bool set, unmatchable, has_tail;
    size_t count;
    struct fake_text forms[L7_FORMS_MAX], tail;
};

struct fake_tx {
    struct fake *fake;
    struct fake_field fields[FIELD_COUNT];
    struct fake_text text[ATTR_COUNT];
    bool has_number[ATTR_COUNT];
    int64_t number[ATTR_COUNT];
    bool decided, allowed, closed;
    unsigned closed_as; /* 1: the first to be closed */
};

struct fake_side {
    uint8_t *bytes; /* not consumed yet */
    size_t len, cap;
    uint64_t skip, skipped;
    uint64_t delivered; /* consumed and skipped */
    bool stopped;
};

struct fake {
    struct l7_host host; /* first: callbacks find the fake by it */
    const struct l7_inspector *inspector;
    void *self, *state;
    struct fake_side sides[2];
    struct fake_tx **txs;
    size_t tx_count, tx_cap;
    unsigned closed;
    /* what the test wants */
    const char *only_method, *only_host, *only_path;
    size_t max_tx;
    int64_t max_head, max_pipelined;
    /* how it went */
    bool claimed, refused, released, tunnel, waiting;
    bool watched;             /* no rule governs the flow: a gap was let pass */
    const char *reason;       /* of `refused` */
    const char *reply_reason; /* BREAK to the client */
};

static inline void fake_require(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "the inspector broke its contract: %s\n", what);
    abort();
}

static inline void fake_set(struct fake_text *text, struct l7_bytes bytes)
{
    free(text->ptr);
    text->ptr = malloc(bytes.len + 1);
    fake_require(text->ptr != NULL, "memory");
    if (bytes.len > 0)
        memcpy(text->ptr, bytes.ptr, bytes.len);
    text->ptr[bytes.len] = '\0';
    text->len = bytes.len;
    text->set = true;
}

static inline bool fake_is(const struct fake_text *text, const char *expected)
{
    if (!expected)
        return !text->set;
    return text->set && text->len == strlen(expected) &&
           memcmp(text->ptr, expected, text->len) == 0;
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
    const struct fake *f = (const struct fake *)(const void *)config;
    return strcmp(key, "max-head") == 0 ? f->max_head : f->max_pipelined;
}

static inline struct l7_tx *fake_tx_open(struct l7_flow *flow)
{
    struct fake *f = (struct fake *)(void *)flow;
    if (f->max_tx && f->tx_count >= f->max_tx)
        return NULL;
    if (f->tx_count == f->tx_cap) {
        f->tx_cap = f->tx_cap ? f->tx_cap * 2 : 8;
        f->txs = realloc(f->txs, f->tx_cap * sizeof(struct fake_tx *));
        fake_require(f->txs != NULL, "memory");
    }
    struct fake_tx *tx = calloc(1, sizeof(*tx));
    fake_require(tx != NULL, "memory");
    tx->fake = f;
    f->txs[f->tx_count++] = tx;
    return (struct l7_tx *)(void *)tx;
}

static inline struct fake_tx *fake_live(struct l7_tx *handle)
{
    struct fake_tx *tx = (struct fake_tx *)(void *)handle;
    fake_require(!tx->closed, "a closed transaction is dead");
    return tx;
}

static inline bool fake_fits(const struct fake_tx *tx, enum http_field field, const char *wanted)
{
    const struct fake_field *v = &tx->fields[field];
    if (!wanted)
        return true;
    if (!v->set || v->unmatchable)
        return false;
    for (size_t i = 0; i < v->count; i++) {
        if (!fake_is(&v->forms[i], wanted))
            return false;
    }
    return true;
}

static inline enum l7_judgement fake_tx_field(struct l7_tx *handle, unsigned field,
                                              const struct l7_field_value *value)
{
    struct fake_tx *tx = fake_live(handle);
    const struct fake *f = tx->fake;
    const char *const wanted[FIELD_COUNT] = {
        [FIELD_PATH] = f->only_path, [FIELD_HOST] = f->only_host, [FIELD_METHOD] = f->only_method};
    fake_require(field < FIELD_COUNT, "a field of the table");
    fake_require(!tx->fields[field].set, "a field once");
    fake_require(!tx->decided, "fields before the decision");
    fake_require(value->form_count > 0 && value->form_count <= L7_FORMS_MAX, "one to four forms");
    struct fake_field *v = &tx->fields[field];
    v->set = true;
    v->unmatchable = value->unmatchable;
    v->has_tail = value->has_tail;
    v->count = value->form_count;
    for (size_t i = 0; i < v->count; i++)
        fake_set(&v->forms[i], value->forms[i]);
    fake_set(&v->tail, value->tail);
    if (fake_fits(tx, (enum http_field)field, wanted[field]))
        return L7_JUDGEMENT_OPEN;
    tx->fake->refused = true;
    tx->fake->reason = "no-match";
    return L7_JUDGEMENT_REFUSE;
}

static inline void fake_tx_attr(struct l7_tx *handle, unsigned attr, struct l7_value value)
{
    struct fake_tx *tx = fake_live(handle);
    fake_require(attr < ATTR_COUNT, "an attribute of the table");
    fake_require(value.type == tx->fake->inspector->attrs[attr].type, "an attribute's type");
    if (value.type == L7_TYPE_NUMBER) {
        tx->has_number[attr] = true;
        tx->number[attr] = value.number;
    } else {
        fake_set(&tx->text[attr], value.string);
    }
}

static inline enum l7_judgement fake_tx_decide(struct l7_tx *handle)
{
    struct fake_tx *tx = fake_live(handle);
    struct fake *f = tx->fake;
    fake_require(tx->fields[FIELD_METHOD].set && tx->fields[FIELD_PATH].set,
                 "method and path before the decision");
    tx->decided = true;
    tx->allowed = fake_fits(tx, FIELD_METHOD, f->only_method) &&
                  fake_fits(tx, FIELD_HOST, f->only_host) &&
                  fake_fits(tx, FIELD_PATH, f->only_path);
    if (!tx->allowed) {
        f->refused = true;
        f->reason = "no-match";
    }
    return tx->allowed ? L7_JUDGEMENT_ALLOW : L7_JUDGEMENT_REFUSE;
}

static inline void fake_tx_close(struct l7_tx *handle)
{
    struct fake_tx *tx = fake_live(handle);
    tx->closed = true;
    tx->closed_as = ++tx->fake->closed;
}

static inline struct fake *fake_new(void)
{
    struct fake *f = calloc(1, sizeof(*f));
    fake_require(f != NULL, "memory");
    f->max_head = 65536;
    f->max_pipelined = 10000;
    f->inspector = l7_plugin.inspector;
    f->host = (struct l7_host){
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
    return f;
}

static inline void fake_load(struct fake *f)
{
    if (!f->self) {
        int err = f->inspector->load(&f->host, (const struct l7_config *)(const void *)f, &f->self);
        fake_require(err == 0, "load");
    }
}

static inline void fake_free_tx(struct fake_tx *tx)
{
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        for (size_t k = 0; k < L7_FORMS_MAX; k++)
            free(tx->fields[i].forms[k].ptr);
        free(tx->fields[i].tail.ptr);
    }
    for (size_t i = 0; i < ATTR_COUNT; i++)
        free(tx->text[i].ptr);
    free(tx);
}

static inline void fake_free(struct fake *f)
{
    if (f->state)
        f->inspector->close(f->self, f->state);
    free(f->state);
    if (f->self)
        f->inspector->unload(f->self);
    for (size_t i = 0; i < f->tx_count; i++)
        fake_free_tx(f->txs[i]);
    free(f->txs);
    free(f->sides[0].bytes);
    free(f->sides[1].bytes);
    free(f);
}

/* A copy that ends where reading is forbidden; good until the next one. */
static inline struct l7_bytes fake_at_edge(const uint8_t *bytes, size_t len)
{
    static uint8_t *pages;
    if (!pages) {
        pages = mmap(NULL, FAKE_EDGE + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                     -1, 0);
        fake_require(pages != MAP_FAILED, "memory");
        fake_require(mprotect(pages + FAKE_EDGE, 4096, PROT_NONE) == 0, "memory");
    }
    fake_require(len <= FAKE_EDGE, "memory");
    uint8_t *at = pages + FAKE_EDGE - len;
    if (len > 0)
        memcpy(at, bytes, len);
    return (struct l7_bytes){at, len};
}

static inline struct fake_tx *fake_undecided(const struct fake *f)
{
    struct fake_tx *last = f->tx_count ? f->txs[f->tx_count - 1] : NULL;
    return last && !last->decided ? last : NULL;
}

static inline void fake_take(struct fake_side *side, size_t n)
{
    if (n > 0)
        memmove(side->bytes, side->bytes + n, side->len - n);
    side->len -= n;
    side->delivered += n;
}

static inline void fake_skip(struct fake_side *side)
{
    size_t n = side->skip < side->len ? (size_t)side->skip : side->len;
    fake_take(side, n);
    side->skipped += n;
    if (side->skip != L7_SKIP_ALL)
        side->skip -= n;
}

static inline void fake_claim(struct fake *f)
{
    struct fake_side *side = &f->sides[L7_TO_SERVER];
    enum l7_probe probe =
        f->inspector->probe(f->self, L7_TO_SERVER, fake_at_edge(side->bytes, side->len));
    if (probe == L7_PROBE_NO || (probe == L7_PROBE_MORE && side->len >= 4096)) {
        f->refused = true;
        f->reason = "unclaimed";
    } else if (probe == L7_PROBE_YES) {
        f->state = calloc(1, f->inspector->state_size);
        fake_require(f->state != NULL, "memory");
        f->claimed = true;
    }
}

/* One feed. True: another may bring more. */
static inline bool fake_step(struct fake *f, enum l7_dir dir)
{
    struct fake_side *side = &f->sides[dir];
    struct l7_progress progress = {0};
    const struct fake_tx *before = fake_undecided(f);
    struct l7_bytes in = fake_at_edge(side->bytes, side->len);
    enum l7_step step =
        f->inspector->feed(f->self, f->state, (struct l7_flow *)(void *)f, dir, in, &progress);
    fake_require(progress.consumed <= side->len, "consumed more than there was");
    if (dir == L7_TO_SERVER) {
        fake_require(f->watched || !(before && !before->decided && progress.consumed > 0),
                     "consumed bytes of an undecided message");
        fake_require(f->watched || !(f->refused && progress.consumed > 0 && f->tx_count == 1),
                     "consumed bytes of a refused message");
        f->waiting = step == L7_STEP_WAIT;
    }
    if (step == L7_STEP_BREAK) {
        fake_require(progress.reason != NULL, "a break has a reason");
        side->stopped = true;
        if (dir == L7_TO_SERVER) {
            f->refused = true;
            f->reason = progress.reason;
        } else {
            f->reply_reason = progress.reason;
        }
        return false;
    }
    fake_take(side, progress.consumed);
    if (f->refused)
        return false;
    side->skip = progress.skip;
    side->skipped = 0;
    fake_skip(side);
    f->released = f->released || step == L7_STEP_RELEASE;
    f->tunnel = f->tunnel || step == L7_STEP_HANDOFF;
    return step == L7_STEP_OK && (progress.consumed > 0 || progress.skip > 0);
}

static inline void fake_run(struct fake *f, enum l7_dir dir)
{
    struct fake_side *side = &f->sides[dir];
    bool more = true;
    while (more && !f->refused && !f->released && !f->tunnel && !side->stopped) {
        if (side->skip > 0)
            fake_skip(side);
        if (side->len == 0)
            return;
        if (!f->claimed && dir == L7_TO_SERVER)
            fake_claim(f);
        if (!f->claimed)
            return;
        more = fake_step(f, dir);
    }
}

static inline void fake_push(struct fake *f, enum l7_dir dir, const void *bytes, size_t len)
{
    struct fake_side *side = &f->sides[dir];
    fake_load(f);
    if (side->len + len > side->cap) {
        side->cap = (side->len + len) * 2;
        side->bytes = realloc(side->bytes, side->cap);
        fake_require(side->bytes != NULL, "memory");
    }
    if (len > 0)
        memcpy(side->bytes + side->len, bytes, len);
    side->len += len;
    fake_run(f, dir);
    if (dir == L7_TO_CLIENT && f->waiting)
        fake_run(f, L7_TO_SERVER);
}

static inline void fake_gap(struct fake *f, enum l7_dir dir, uint64_t len)
{
    struct fake_side *side = &f->sides[dir];
    len += side->len;
    side->len = 0;
    side->stopped = false;
    f->refused = false;
    f->watched = true;
    f->inspector->gap(f->self, f->state, (struct l7_flow *)(void *)f, dir, len);
}

static inline void fake_end(struct fake *f, enum l7_dir dir)
{
    const struct fake_side *side = &f->sides[dir];
    bool all = side->skip == L7_SKIP_ALL;
    if (f->state)
        f->inspector->end(f->self, f->state, (struct l7_flow *)(void *)f, dir, side->skipped,
                          all ? 0 : side->skip);
}

/* Text, for tests that write it down. */
static inline void fake_client(struct fake *f, const char *text)
{
    fake_push(f, L7_TO_SERVER, text, strlen(text));
}

static inline void fake_server(struct fake *f, const char *text)
{
    fake_push(f, L7_TO_CLIENT, text, strlen(text));
}
