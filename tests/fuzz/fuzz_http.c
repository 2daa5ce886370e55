/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-http: the http inspector under bytes nobody meant well.
 *
 * Input   two bytes of seed, two of length; that many bytes from the client; the rest from the
 *         server
 * Checks  the contract (fake.h stops at a breach), and that no cut changes the outcome: what a
 *         flow comes to when each side is presented whole, it comes to in pieces
 */

#include <stddef.h>
#include <stdint.h>

#include "../plugins/http/fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct script {
    struct l7_bytes client, server;
    uint32_t seed;
};

/* xorshift: the same cuts for the same input. */
static uint32_t next(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static struct fake *start(const struct script *s)
{
    struct fake *f = fake_new();
    /* A small limit comes within reach of small inputs. */
    f->max_head = s->seed & 1 ? 256 : 65536;
    f->max_pipelined = s->seed & 2 ? 3 : 10000;
    f->only_method = s->seed & 4 ? "GET" : NULL;
    return f;
}

static void push_pieces(struct fake *f, enum l7_dir dir, struct l7_bytes bytes, uint32_t *state)
{
    size_t most = *state & 8 ? 1 : *state & 16 ? 7 : 200;
    for (size_t at = 0; at < bytes.len;) {
        size_t n = 1 + next(state) % most;
        n = n < bytes.len - at ? n : bytes.len - at;
        fake_push(f, dir, bytes.ptr + at, n);
        at += n;
    }
}

static bool same_text(const struct fake_text *a, const struct fake_text *b)
{
    return a->set == b->set && a->len == b->len && (a->len == 0 || !memcmp(a->ptr, b->ptr, a->len));
}

/* A refusal may come before or after a reply's later bytes: then its facts are left out. */
static bool same_tx(const struct fake_tx *a, const struct fake_tx *b)
{
    bool whole = !a->fake->refused;
    bool same = a->allowed == b->allowed && (a->closed == b->closed || !whole);
    for (size_t i = 0; i < ATTR_COUNT && whole; i++) {
        same = same && same_text(&a->text[i], &b->text[i]) &&
               a->has_number[i] == b->has_number[i] && a->number[i] == b->number[i];
    }
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const struct fake_field *x = &a->fields[i], *y = &b->fields[i];
        same = same && x->set == y->set && x->count == y->count && x->has_tail == y->has_tail &&
               x->unmatchable == y->unmatchable && same_text(&x->tail, &y->tail);
        for (size_t k = 0; k < x->count && same; k++)
            same = same_text(&x->forms[k], &y->forms[k]);
    }
    return same;
}

static bool same_reason(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* How many requests were let through; one that was refused for its form may be on record or not,
 * as far as it had come. */
static size_t allowed(const struct fake *f)
{
    size_t count = 0;
    while (count < f->tx_count && f->txs[count]->allowed)
        count++;
    return count;
}

static void compare(const struct fake *a, const struct fake *b)
{
    fake_require(a->refused == b->refused && same_reason(a->reason, b->reason),
                 "the same refusal however cut");
    fake_require(allowed(a) == allowed(b), "the same transactions however cut");
    for (size_t i = 0; i < allowed(a); i++)
        fake_require(same_tx(a->txs[i], b->txs[i]), "the same transaction however cut");
    fake_require(a->released == b->released && a->tunnel == b->tunnel,
                 "the same end of interest however cut");
    if (a->refused)
        return;
    fake_require(same_reason(a->reply_reason, b->reply_reason), "the same reply however cut");
    fake_require(a->sides[0].delivered == b->sides[0].delivered,
                 "the same bytes delivered however cut");
}

/* Any order, with gaps: only the contract is checked. */
static void run_mixed(const struct script *s)
{
    struct fake *f = start(s);
    struct l7_bytes left[2] = {s->client, s->server};
    uint32_t state = s->seed | 1;
    while (left[0].len + left[1].len > 0) {
        enum l7_dir dir = next(&state) & 1 ? L7_TO_SERVER : L7_TO_CLIENT;
        size_t n = next(&state) % 40;
        n = n < left[dir].len ? n : left[dir].len;
        if (f->claimed && next(&state) % 16 == 0 && f->sides[dir].skip == 0)
            fake_gap(f, dir, next(&state) % 64);
        if (n == 0)
            continue;
        fake_push(f, dir, left[dir].ptr, n);
        left[dir] = (struct l7_bytes){left[dir].ptr + n, left[dir].len - n};
    }
    fake_end(f, L7_TO_CLIENT);
    fake_end(f, L7_TO_SERVER);
    fake_free(f);
}

static void run_words(const struct script *s)
{
    struct fake *f = start(s);
    fake_load(f);
    char out[256], note[64];
    struct l7_text to = {out, sizeof(out), 0}, why = {note, sizeof(note), 0};
    for (unsigned field = 0; field < FIELD_COUNT; field++) {
        f->inspector->pattern(f->self, field, s->client, &to, &why);
        fake_require(to.len <= to.cap && why.len <= why.cap, "text within its room");
    }
    const struct l7_pair alone = {"", s->client};
    const struct l7_pair pairs[] = {
        {"method", {(const uint8_t *)"GET", 3}}, {"target", s->client}, {"host", s->server}};
    f->inspector->example(f->self, &alone, 1, fake_tx_open((struct l7_flow *)(void *)f), &why);
    f->inspector->example(f->self, pairs, 3, fake_tx_open((struct l7_flow *)(void *)f), &why);
    fake_free(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4)
        return 0;
    struct script s = {.seed = (uint32_t)data[0] << 8 | data[1]};
    size_t len = (size_t)data[2] << 8 | data[3];
    len = len < size - 4 ? len : size - 4;
    s.client = (struct l7_bytes){data + 4, len};
    s.server = (struct l7_bytes){data + 4 + len, size - 4 - len};

    struct fake *whole = start(&s), *pieces = start(&s);
    uint32_t state = s.seed | 1;
    fake_push(whole, L7_TO_SERVER, s.client.ptr, s.client.len);
    fake_push(whole, L7_TO_CLIENT, s.server.ptr, s.server.len);
    push_pieces(pieces, L7_TO_SERVER, s.client, &state);
    push_pieces(pieces, L7_TO_CLIENT, s.server, &state);
    fake_end(whole, L7_TO_CLIENT);
    fake_end(pieces, L7_TO_CLIENT);
    compare(whole, pieces);
    fake_free(whole);
    fake_free(pieces);
    run_mixed(&s);
    run_words(&s);
    return 0;
}
