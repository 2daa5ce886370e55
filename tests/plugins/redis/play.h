/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* play: a conversation, given to an inspector by a host of one flow, and what came of it as text.
 *
 * In    pieces of either direction; a rule as "field=value" pairs; how the pieces are cut
 * Out   "{command=GET key=a | command=GET key=a arguments=1}" for each transaction that was
 *       allowed, fields before the bar, attributes behind it; "REFUSED{...}" for one that was
 *       not; then how the flow ended, and how many bytes the server got
 *
 * It keeps the contract of inspector.h and stops the test when the inspector does not: what is not
 * consumed comes again, what is skipped does not, nothing undecided is consumed, a field comes
 * once, a closed transaction is left alone. Buffers end at a page that cannot be read.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/guard.h"
#include "l7guard/inspector.h"
#include "l7guard/plugin.h"

extern const struct l7_plugin l7_plugin;

#define PLAY_TEXT 4096
#define PLAY_FIELDS 8
#define PLAY_ATTRS 8
#define PLAY_PAIRS 4

struct play_piece {
    enum l7_dir dir;
    const char *bytes;
    size_t len;
};
#define CLIENT(text)                                                                               \
    {                                                                                              \
        L7_TO_SERVER, text, sizeof(text) - 1                                                       \
    }
#define SERVER(text)                                                                               \
    {                                                                                              \
        L7_TO_CLIENT, text, sizeof(text) - 1                                                       \
    }

struct play;

struct play_tx {
    struct play *play;
    char fields[PLAY_FIELDS][256];
    bool unmatchable[PLAY_FIELDS], set[PLAY_FIELDS];
    char attrs[PLAY_ATTRS][256];
    bool decided, allowed, closed;
    struct play_tx *next;
};

struct play {
    struct l7_host host;
    const char *rule;     /* "command=GET key=a"; NULL: everything fits */
    const char *settings; /* "max-key=4 inline=0"; what is not named has its default */
    size_t max_tx;        /* 0: as many as there are */
    bool watched;         /* no rule governs: nothing is refused */
    void *self, *state;
    struct {
        char *bytes;
        size_t len, needed;
        uint64_t skip, delivered;
        bool stopped;
    } side[2];
    bool claimed, released, refused;
    size_t tx_count;
    struct play_tx *first, **last;
    const char *reason;       /* of the end of the flow, or NULL */
    const char *reply_reason; /* BREAK of the server's side */
    size_t feeds;             /* how often feed() was called */
    char said[PLAY_TEXT];
};

/* "key=value key=value": the value of `key`, or NULL. */
static inline const char *play_pair(const char *pairs, const char *key, char value[256])
{
    size_t len = strlen(key);
    for (const char *p = pairs; p && *p; p = strchr(p, ' ') ? strchr(p, ' ') + 1 : NULL) {
        if (strncmp(p, key, len) == 0 && p[len] == '=') {
            snprintf(value, 256, "%.*s", (int)strcspn(p + len + 1, " "), p + len + 1);
            return value;
        }
    }
    return NULL;
}

/* The host's table is the one given to load(): the test's, for config; tx_* find theirs. */
static const char *play_settings;

static inline const char *play_option(const char *key)
{
    static char value[256];
    const char *given = play_pair(play_settings, key, value);
    for (size_t i = 0; !given && i < l7_plugin.option_count; i++)
        if (strcmp(l7_plugin.options[i].key, key) == 0)
            given = l7_plugin.options[i].fallback;
    cr_assert_not_null(given, "no option \"%s\"", key);
    return given;
}

static inline int64_t play_config_number(const struct l7_config *config, const char *key)
{
    char *unit;
    long long number = strtoll(play_option(key), &unit, 10);
    (void)config;
    return strcmp(unit, "KiB") == 0 ? number * 1024 : number;
}

static inline bool play_config_bool(const struct l7_config *config, const char *key)
{
    (void)config;
    return strcmp(play_option(key), "true") == 0;
}

static inline void play_diag(const struct l7_host *host, enum l7_level level, const char *format,
                             ...)
{
    (void)host, (void)level, (void)format;
}

static inline struct l7_tx *play_tx_open(struct l7_flow *flow)
{
    struct play *p = (struct play *)(void *)flow;
    if (p->max_tx && p->tx_count == p->max_tx)
        return NULL;
    struct play_tx *tx = calloc(1, sizeof(*tx));
    cr_assert_not_null(tx);
    tx->play = p;
    p->tx_count++;
    *p->last = tx;
    p->last = &tx->next;
    return (struct l7_tx *)(void *)tx;
}

static inline struct play_tx *play_live(struct l7_tx *handle)
{
    struct play_tx *tx = (struct play_tx *)(void *)handle;
    cr_assert_not_null(tx);
    cr_assert_not(tx->closed, "a closed transaction is dead");
    return tx;
}

static inline bool play_fits(const struct play_tx *tx)
{
    char wanted[256];
    for (size_t i = 0; i < l7_plugin.inspector->field_count; i++)
        if (play_pair(tx->play->rule, l7_plugin.inspector->fields[i].name, wanted) &&
            (!tx->set[i] || tx->unmatchable[i] || strcmp(tx->fields[i], wanted) != 0))
            return false;
    return true;
}

static inline void play_print(char to[256], struct l7_bytes bytes)
{
    size_t at = 0;
    for (size_t i = 0; i < bytes.len && at < 250; i++) {
        uint8_t c = bytes.ptr[i];
        at += (size_t)snprintf(to + at, 256 - at, c > ' ' && c < 0x7f ? "%c" : "\\x%02x", c);
    }
    to[at] = '\0';
}

static inline enum l7_judgement play_tx_field(struct l7_tx *handle, unsigned field,
                                              const struct l7_field_value *value)
{
    struct play_tx *tx = play_live(handle);
    cr_assert_lt(field, l7_plugin.inspector->field_count, "a field of the table");
    cr_assert_not(tx->set[field], "a field once");
    cr_assert_not(tx->decided, "fields before the decision");
    tx->set[field] = true;
    tx->unmatchable[field] = value->unmatchable;
    if (!value->unmatchable) {
        cr_assert_eq(value->form_count, 1);
        play_print(tx->fields[field], value->forms[0]);
    }
    return L7_JUDGEMENT_OPEN;
}

static inline void play_tx_attr(struct l7_tx *handle, unsigned attr, struct l7_value value)
{
    struct play_tx *tx = play_live(handle);
    cr_assert_lt(attr, l7_plugin.inspector->attr_count, "an attribute of the table");
    cr_assert_eq(value.type, l7_plugin.inspector->attrs[attr].type, "an attribute's type");
    if (value.type == L7_TYPE_STRING)
        play_print(tx->attrs[attr], value.string);
    else
        snprintf(tx->attrs[attr], sizeof(tx->attrs[attr]), "%lld", (long long)value.number);
}

static inline enum l7_judgement play_tx_decide(struct l7_tx *handle)
{
    struct play_tx *tx = play_live(handle);
    tx->decided = true;
    tx->allowed = tx->play->watched || play_fits(tx);
    if (!tx->allowed) {
        tx->play->refused = true;
        tx->play->reason = "no-match";
    }
    return tx->allowed ? L7_JUDGEMENT_ALLOW : L7_JUDGEMENT_REFUSE;
}

static inline void play_tx_close(struct l7_tx *handle)
{
    play_live(handle)->closed = true;
}

static inline struct play_tx *play_undecided(const struct play *p)
{
    struct play_tx *tx = p->first;
    while (tx && tx->decided)
        tx = tx->next;
    return tx;
}

static inline bool play_over(const struct play *p)
{
    return p->refused || p->released;
}

static inline void play_claim(struct play *p, enum l7_dir dir, struct l7_bytes in)
{
    const struct l7_inspector *ops = l7_plugin.inspector;
    if (dir == L7_TO_CLIENT && !p->watched)
        return;
    switch (ops->probe(p->self, dir, in)) {
    case L7_PROBE_NO:
        if (dir == L7_TO_CLIENT)
            return;
        p->refused = true;
        p->reason = "unclaimed";
        return;
    case L7_PROBE_MORE:
        return;
    case L7_PROBE_YES:
        p->claimed = true;
        p->state = calloc(1, ops->state_size);
        cr_assert_not_null(p->state);
        if (ops->open)
            cr_assert_eq(ops->open(p->self, p->state, (struct l7_flow *)(void *)p), 0);
    }
}

/* One feed; true: another may bring more. */
static inline bool play_step(struct play *p, enum l7_dir dir)
{
    struct l7_progress progress = {0};
    size_t len = p->side[dir].len;
    const struct play_tx *before = play_undecided(p);
    struct guard guard = guard_copy(p->side[dir].bytes, len);
    struct l7_bytes in = {guard.data, len};

    if (!p->claimed)
        play_claim(p, dir, in);
    if (!p->claimed || len < p->side[dir].needed) {
        guard_free(&guard);
        return false;
    }
    p->feeds++;
    enum l7_step step = l7_plugin.inspector->feed(p->self, p->state, (struct l7_flow *)(void *)p,
                                                  dir, in, &progress);
    guard_free(&guard);
    cr_assert_leq(progress.consumed, len, "consumed more than there was");
    if (dir == L7_TO_SERVER)
        cr_assert(progress.consumed == 0 || !before || before->decided,
                  "consumed bytes of an undecided message");
    if (p->refused)
        cr_assert_eq(progress.consumed, 0, "consumed bytes of a refused message");
    p->side[dir].needed = progress.needed;
    p->side[dir].skip = progress.skip;
    p->side[dir].len -= progress.consumed;
    p->side[dir].delivered += progress.consumed;
    memmove(p->side[dir].bytes, p->side[dir].bytes + progress.consumed, p->side[dir].len);
    if (step == L7_STEP_BREAK) {
        cr_assert_not_null(progress.reason);
        p->side[dir].stopped = true;
        if (dir == L7_TO_CLIENT) {
            p->reply_reason = progress.reason;
        } else {
            p->refused = true;
            p->reason = progress.reason;
        }
        return false;
    }
    p->released = step == L7_STEP_RELEASE;
    return step == L7_STEP_OK && (progress.consumed > 0 || progress.skip > 0);
}

static inline void play_push(struct play *p, enum l7_dir dir, const char *bytes, size_t len)
{
    if (p->side[dir].stopped)
        return;
    if (len > 0)
        memcpy(p->side[dir].bytes + p->side[dir].len, bytes, len);
    p->side[dir].len += len;
    bool more = true;
    while (more && !play_over(p)) {
        uint64_t n = p->side[dir].skip < p->side[dir].len ? p->side[dir].skip : p->side[dir].len;
        p->side[dir].skip -= p->side[dir].skip == L7_SKIP_ALL ? 0 : n;
        p->side[dir].len -= n;
        p->side[dir].delivered += n;
        memmove(p->side[dir].bytes, p->side[dir].bytes + n, p->side[dir].len);
        if (p->side[dir].len == 0)
            return;
        more = play_step(p, dir);
    }
    /* What the server said before anybody claimed the flow. */
    if (dir == L7_TO_SERVER && p->claimed && p->side[L7_TO_CLIENT].len > 0 && !play_over(p))
        play_push(p, L7_TO_CLIENT, "", 0);
}

L7_PRINTF(2, 3)
static inline void play_say(struct play *p, const char *format, ...)
{
    size_t len = strlen(p->said);
    va_list args;
    va_start(args, format);
    vsnprintf(p->said + len, sizeof(p->said) - len, format, args);
    va_end(args);
}

static inline void play_report(struct play *p)
{
    const struct l7_inspector *ops = l7_plugin.inspector;
    for (const struct play_tx *tx = p->first; tx; tx = tx->next) {
        if (!tx->decided)
            continue;
        play_say(p, tx->allowed ? "{" : "REFUSED{");
        const char *gap = "";
        for (size_t i = 0; i < ops->field_count; i++) {
            if (tx->set[i]) {
                play_say(p, "%s%s=%s", gap, ops->fields[i].name,
                         tx->unmatchable[i] ? "?" : tx->fields[i]);
                gap = " ";
            }
        }
        play_say(p, "%s|", gap);
        for (size_t i = 0; i < ops->attr_count; i++)
            if (tx->attrs[i][0])
                play_say(p, " %s=%s", ops->attrs[i].name, tx->attrs[i]);
        play_say(p, tx->closed || !tx->allowed ? "} " : "}... ");
    }
    if (p->refused)
        play_say(p, "%s ", p->reason);
    if (p->reply_reason)
        play_say(p, "reply:%s ", p->reply_reason);
    if (p->released)
        play_say(p, "released ");
    play_say(p, "%llu", (unsigned long long)p->side[L7_TO_SERVER].delivered);
}

/* What the rule, the settings and so on are is taken from `p`, and what came of it is left there.
 * Pieces are cut before byte `cut` of all bytes together, and every `every` bytes; 0: not. */
static inline void play_run(struct play *p, const struct play_piece *pieces, size_t count,
                            size_t cut, size_t every)
{
    const struct l7_inspector *ops = l7_plugin.inspector;
    struct play now = {.rule = p->rule,
                       .settings = p->settings,
                       .max_tx = p->max_tx,
                       .watched = p->watched,
                       .host = {.sdk_major = L7_SDK_MAJOR,
                                .sdk_minor = L7_SDK_MINOR,
                                .size = sizeof(struct l7_host),
                                .diag = play_diag,
                                .config_number = play_config_number,
                                .config_bool = play_config_bool,
                                .tx_open = play_tx_open,
                                .tx_field = play_tx_field,
                                .tx_attr = play_tx_attr,
                                .tx_decide = play_tx_decide,
                                .tx_close = play_tx_close}};
    size_t total = 0, at = 0;
    for (size_t i = 0; i < count; i++)
        total += pieces[i].len;
    now.side[0].bytes = malloc(total + 1);
    now.side[1].bytes = malloc(total + 1);
    cr_assert(now.side[0].bytes && now.side[1].bytes);
    now.last = &now.first;
    play_settings = now.settings;
    cr_assert_eq(ops->load(&now.host, NULL, &now.self), 0);
    for (size_t i = 0; i < count; i++) {
        for (size_t from = 0; from < pieces[i].len && !play_over(&now);) {
            size_t len = pieces[i].len - from;
            if (at + from < cut && at + from + len > cut)
                len = cut - at - from;
            if (every && len > every)
                len = every;
            play_push(&now, pieces[i].dir, pieces[i].bytes + from, len);
            from += len;
        }
        at += pieces[i].len;
    }
    play_report(&now);
    if (now.state && ops->close)
        ops->close(now.self, now.state);
    if (ops->unload)
        ops->unload(now.self);
    for (struct play_tx *tx = now.first, *next; tx; tx = next) {
        next = tx->next;
        free(tx);
    }
    free(now.state);
    free(now.side[0].bytes);
    free(now.side[1].bytes);
    now.first = NULL;
    *p = now;
}

/* Whole, byte by byte, in threes, and cut at every place: the same must come of it. */
static inline void play_expect(struct play p, const struct play_piece *pieces, size_t count,
                               const char *expected)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += pieces[i].len;
    play_run(&p, pieces, count, 0, 0);
    cr_assert_str_eq(p.said, expected, "whole: %s\nexpected: %s", p.said, expected);
    for (size_t every = 1; every <= 3; every += 2) {
        play_run(&p, pieces, count, 0, every);
        cr_assert_str_eq(p.said, expected, "every %zu: %s\nexpected: %s", every, p.said, expected);
    }
    for (size_t cut = 1; cut < total && total < 2000; cut++) {
        play_run(&p, pieces, count, cut, 0);
        cr_assert_str_eq(p.said, expected, "cut at %zu: %s\nexpected: %s", cut, p.said, expected);
    }
}
#define PLAY(expected, settings, ...)                                                              \
    play_expect((struct play)settings, (const struct play_piece[]){__VA_ARGS__},                   \
                sizeof((const struct play_piece[]){__VA_ARGS__}) / sizeof(struct play_piece),      \
                expected)
