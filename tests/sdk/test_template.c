/* SPDX-License-Identifier: Apache-2.0 */
/* template: the folder people copy keeps the contract it is there to show. Loaded as the daemon
 * would, fed by hand. */

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "plugin/registry.h"

#define TX_MAX 64

/* One transaction as the engine would keep it. */
struct l7_tx {
    char fields[2][64];
    char attrs[3][64];
    bool decided, closed;
};

static struct l7_tx txs[TX_MAX];
static size_t tx_count;
static const char *refused_text; /* what the rules do not allow */

static struct l7_tx *fake_open(struct l7_flow *flow)
{
    (void)flow;
    return tx_count < TX_MAX ? &txs[tx_count++] : NULL;
}

static void keep(char to[64], struct l7_bytes bytes)
{
    cr_assert_lt(bytes.len, 64);
    memcpy(to, bytes.ptr, bytes.len);
    to[bytes.len] = 0;
}

static enum l7_judgement fake_field(struct l7_tx *tx, unsigned field,
                                    const struct l7_field_value *value)
{
    cr_assert_eq(tx->fields[field][0], 0, "a field is given once");
    cr_assert_eq(value->form_count, 1);
    keep(tx->fields[field], value->forms[0]);
    return L7_JUDGEMENT_OPEN;
}

static void fake_attr(struct l7_tx *tx, unsigned attr, struct l7_value value)
{
    keep(tx->attrs[attr], value.string);
}

static enum l7_judgement fake_decide(struct l7_tx *tx)
{
    tx->decided = true;
    return refused_text && strcmp(tx->fields[1], refused_text) == 0 ? L7_JUDGEMENT_REFUSE
                                                                    : L7_JUDGEMENT_ALLOW;
}

static void fake_close(struct l7_tx *tx)
{
    cr_assert_not(tx->closed);
    tx->closed = true;
}

static struct registry *r;
static struct problems *problems;
static const struct plugin *p;
static void *state;

static void setup(void)
{
    static const struct l7_host services = {.tx_open = fake_open,
                                            .tx_field = fake_field,
                                            .tx_attr = fake_attr,
                                            .tx_decide = fake_decide,
                                            .tx_close = fake_close};
    problems = problems_new();
    r = registry_new(&services, "/nowhere");
    cr_assert_eq(registry_scan(r, BUILD_DIR "/sdk/template", NULL, problems), 0);
    p = registry_find(r, L7_KIND_INSPECTOR, "parrot");
    cr_assert_not_null(p);
    state = calloc(1, p->inspector->state_size);
}

static void teardown(void)
{
    free(state);
    registry_free(r);
    problems_free(problems);
}

TestSuite(template, .init = setup, .fini = teardown);

/* `text` in memory of its own size, so that a byte read too far is seen. */
static struct l7_bytes exact(const char *text, size_t len)
{
    uint8_t *copy = calloc(1, len ? len : 1);
    memcpy(copy, text, len);
    return (struct l7_bytes){copy, len};
}

static enum l7_step feed_once(enum l7_dir dir, const char *text, size_t len,
                              struct l7_progress *progress)
{
    struct l7_bytes in = exact(text, len);
    memset(progress, 0, sizeof(*progress));
    enum l7_step step = p->inspector->feed(p->self, state, NULL, dir, in, progress);
    cr_assert_leq(progress->consumed, len);
    free((void *)(uintptr_t)in.ptr);
    return step;
}

/* As the host does: `step` bytes more at a time, the unconsumed ones again. */
static enum l7_step feed(enum l7_dir dir, const char *text, size_t piece, size_t *consumed,
                         const char **reason)
{
    size_t len = strlen(text), from = 0, to = 0;
    enum l7_step step = L7_STEP_OK;
    struct l7_progress progress;

    while (to < len && step == L7_STEP_OK) {
        to = to + piece < len ? to + piece : len;
        do {
            step = feed_once(dir, text + from, to - from, &progress);
            from += progress.consumed;
        } while (step == L7_STEP_OK && progress.consumed > 0);
        if (step == L7_STEP_BREAK)
            *reason = progress.reason;
        if (step == L7_STEP_OK && refused_text)
            break;
    }
    *consumed = from;
    return step;
}

static enum l7_probe probe(const char *text)
{
    struct l7_bytes in = exact(text, strlen(text));
    enum l7_probe answer = p->inspector->probe(p->self, L7_TO_SERVER, in);
    free((void *)(uintptr_t)in.ptr);
    return answer;
}

Test(template, claims_its_protocol_and_nothing_else)
{
    cr_assert_eq(probe(""), L7_PROBE_MORE);
    cr_assert_eq(probe("S"), L7_PROBE_MORE);
    cr_assert_eq(probe("SAY"), L7_PROBE_MORE);
    cr_assert_eq(probe("SAY "), L7_PROBE_YES);
    cr_assert_eq(probe("SING x"), L7_PROBE_YES);
    cr_assert_eq(probe("SAX"), L7_PROBE_NO);
    cr_assert_eq(probe("SINGER "), L7_PROBE_NO);
    cr_assert_eq(probe("say "), L7_PROBE_NO);
    struct l7_bytes in = {(const uint8_t *)"SAY ", 4};
    cr_assert_eq(p->inspector->probe(p->self, L7_TO_CLIENT, in), L7_PROBE_NO);
}

Test(template, reads_the_same_whole_and_in_pieces)
{
    for (size_t piece = 1; piece < 40; piece++) {
        size_t consumed;
        const char *reason = NULL;
        memset(state, 0, p->inspector->state_size);
        memset(txs, 0, sizeof(txs));
        tx_count = 0;
        cr_assert_eq(feed(L7_TO_SERVER, "SAY hello there\r\nSING \r\n", piece, &consumed, &reason),
                     L7_STEP_OK);
        cr_assert_eq(consumed, 24);
        cr_assert_eq(tx_count, 2);
        cr_assert_str_eq(txs[0].fields[0], "SAY");
        cr_assert_str_eq(txs[0].fields[1], "hello there");
        cr_assert_str_eq(txs[1].fields[0], "SING");
        cr_assert_str_eq(txs[1].fields[1], "");
        cr_assert_eq(feed(L7_TO_CLIENT, "hello there\r\nla\r\n", piece, &consumed, &reason),
                     L7_STEP_OK);
        cr_assert_eq(consumed, 17);
        cr_assert_str_eq(txs[0].attrs[2], "hello there");
        cr_assert_str_eq(txs[1].attrs[2], "la");
        cr_assert(txs[0].closed && txs[1].closed);
    }
}

Test(template, consumes_nothing_of_what_is_refused)
{
    size_t consumed;
    const char *reason = NULL;
    refused_text = "no";
    feed(L7_TO_SERVER, "SAY yes\r\nSAY no\r\nSAY more\r\n", 100, &consumed, &reason);
    cr_assert_eq(consumed, 9);
    cr_assert_eq(tx_count, 2);
    cr_assert(txs[1].decided);
}

Test(template, breaks_with_a_reason_at_what_it_cannot_read)
{
    static const char *const bad[][2] = {{"SAY a\n", "bad-line"},
                                         {"SAY a\rb\r\n", "bad-line"},
                                         {"\r\n", "unknown-verb"},
                                         {"SAY\r\n", "unknown-verb"},
                                         {"QUIT now\r\n", "unknown-verb"}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        for (size_t piece = 1; piece < 12; piece += 10) {
            size_t consumed;
            const char *reason = "none";
            memset(state, 0, p->inspector->state_size);
            cr_assert_eq(feed(L7_TO_SERVER, bad[i][0], piece, &consumed, &reason), L7_STEP_BREAK,
                         "%s", bad[i][0]);
            cr_assert_str_eq(reason, bad[i][1]);
            cr_assert_eq(consumed, 0);
        }
    }
}

Test(template, has_a_longest_line)
{
    char line[514];
    size_t consumed;
    const char *reason = NULL;
    memset(line, 'x', sizeof(line));
    memcpy(line, "SAY ", 4);
    line[513] = 0;
    cr_assert_eq(feed(L7_TO_SERVER, line, 1, &consumed, &reason), L7_STEP_BREAK);
    cr_assert_str_eq(reason, "bad-line");
}

Test(template, an_answer_needs_a_request)
{
    size_t consumed;
    const char *reason = NULL;
    cr_assert_eq(feed(L7_TO_CLIENT, "hello\r\n", 100, &consumed, &reason), L7_STEP_BREAK);
    cr_assert_str_eq(reason, "answer-without-request");
}

Test(template, waits_when_the_client_is_too_far_ahead)
{
    struct l7_progress progress;
    for (int i = 0; i < 16; i++)
        cr_assert_eq(feed_once(L7_TO_SERVER, "SAY a\r\n", 7, &progress), L7_STEP_OK);
    cr_assert_eq(feed_once(L7_TO_SERVER, "SAY a\r\n", 7, &progress), L7_STEP_WAIT);
    cr_assert_eq(progress.consumed, 0);
    cr_assert_eq(feed_once(L7_TO_CLIENT, "a\r\n", 3, &progress), L7_STEP_OK);
    cr_assert_eq(feed_once(L7_TO_SERVER, "SAY b\r\n", 7, &progress), L7_STEP_OK);
    cr_assert_eq(progress.consumed, 7);
}

Test(template, gives_way_when_the_flow_has_too_many_open)
{
    struct l7_progress progress;
    tx_count = TX_MAX;
    cr_assert_eq(feed_once(L7_TO_SERVER, "SAY a\r\n", 7, &progress), L7_STEP_BREAK);
    cr_assert_str_eq(progress.reason, "transaction-limit");
}

Test(template, takes_an_example_in_words)
{
    char room[128];
    struct l7_text note = {.ptr = room, .cap = sizeof(room)};
    struct l7_pair line = {"", {(const uint8_t *)"SAY hello", 9}};
    struct l7_tx *tx = fake_open(NULL);
    cr_assert_eq(p->inspector->example(p->self, &line, 1, tx, &note), 0);
    cr_assert_str_eq(tx->fields[1], "hello");
    struct l7_pair named[] = {{"verb", {(const uint8_t *)"SING", 4}}, {"text", {NULL, 0}}};
    tx = fake_open(NULL);
    cr_assert_eq(p->inspector->example(p->self, named, 2, tx, &note), 0);
    cr_assert_str_eq(tx->fields[0], "SING");
    struct l7_pair wrong = {"colour", {(const uint8_t *)"red", 3}};
    cr_assert_lt(p->inspector->example(p->self, &wrong, 1, tx, &note), 0);
    cr_assert_gt(note.len, 0);
}
