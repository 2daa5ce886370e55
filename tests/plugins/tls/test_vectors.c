/* SPDX-License-Identifier: Apache-2.0 */
/* Every vector of tests/data/corpus/tls-vectors.json, cut in all ways: how the bytes of a hello are
 * distributed over segments never changes what is decided, and nothing gets out before. */

#include <criterion/criterion.h>
#include <jansson.h>

#include "fake.h"

enum outcome { OTHER, REFUSED, PENDING, ALLOWED };

static const char *const outcomes[] = {"other", "refused", "pending", "allowed"};

struct result {
    enum outcome outcome;
    bool has_sni;
    char sni[FAKE_TEXT];
    size_t calls;
};

/* One flow whose client sends these segments. */
static struct result play(const uint8_t *bytes, const size_t *ends, size_t count)
{
    struct fake fake = {0};
    struct result result = {.outcome = PENDING};
    enum l7_probe probe = L7_PROBE_MORE;
    size_t held = 0;

    fake_open(&fake);
    for (size_t i = 0; i < count; i++) {
        if (probe == L7_PROBE_MORE) {
            struct guard seen = guard_copy(bytes, ends[i]);

            probe = fake.inspector->probe(fake.self, L7_TO_SERVER,
                                          (struct l7_bytes){seen.data, seen.len});
            guard_free(&seen);
        }
        if (probe == L7_PROBE_YES)
            fake_send(&fake, L7_TO_SERVER, bytes + held, ends[i] - held);
        held = probe == L7_PROBE_YES ? ends[i] : 0;
    }
    if (probe == L7_PROBE_NO)
        result.outcome = OTHER;
    else if (fake.reason)
        result.outcome = REFUSED;
    else if (fake.decided)
        result.outcome = ALLOWED;
    result.has_sni = fake.fields > 0;
    strcpy(result.sni, fake.sni);
    result.calls = fake.calls;
    cr_assert_eq(fake.delivered_undecided, 0);
    if (fake.decided == 0)
        cr_assert_eq(fake.sides[L7_TO_SERVER].delivered, 0);
    cr_assert_leq(fake.opened, 1);
    if (result.outcome == REFUSED) /* as a whole, not after the fact */
        cr_assert_eq(fake.decided, 0);
    fake_close(&fake);
    return result;
}

struct vector {
    const char *name;
    const char *expect;
    const char *sni; /* NULL: none */
    bool may_refuse;
    const char *may_accept;
    uint8_t *bytes;
    size_t len;
    size_t *ends;
    size_t count;
};

static size_t base64_decode(const char *text, uint8_t *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0;
    int have = 0;
    size_t len = 0;

    for (; *text && *text != '='; text++) {
        bits = bits << 6 | (uint32_t)(strchr(digits, *text) - digits);
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[len++] = (uint8_t)(bits >> have);
        }
    }
    return len;
}

static void vector_read(const json_t *entry, struct vector *v)
{
    const json_t *segments = json_object_get(entry, "bytes_b64");
    size_t room = 0;

    *v = (struct vector){
        .name = json_string_value(json_object_get(entry, "name")),
        .expect = json_string_value(json_object_get(entry, "expect")),
        .sni = json_string_value(json_object_get(entry, "sni")),
        .may_refuse = json_is_true(json_object_get(entry, "may_refuse")),
        .may_accept = json_string_value(json_object_get(entry, "may_accept")),
        .count = json_array_size(segments),
    };
    for (size_t i = 0; i < v->count; i++)
        room += json_string_length(json_array_get(segments, i));
    v->bytes = malloc(room + 1);
    v->ends = calloc(v->count + 1, sizeof(size_t));
    for (size_t i = 0; i < v->count; i++) {
        v->len += base64_decode(json_string_value(json_array_get(segments, i)), v->bytes + v->len);
        v->ends[i] = v->len;
    }
}

static bool same(const struct result *a, const struct result *b)
{
    return a->outcome == b->outcome && a->has_sni == b->has_sni && strcmp(a->sni, b->sni) == 0;
}

static void check_expected(const struct vector *v, const struct result *r)
{
    bool refused = r->outcome == REFUSED || r->outcome == OTHER;

    if (strcmp(v->expect, "invalid") == 0) {
        cr_assert(refused, "%s: %s", v->name, outcomes[r->outcome]);
        return;
    }
    if (strcmp(v->expect, "incomplete") == 0) {
        cr_assert(r->outcome == PENDING || (v->may_refuse && refused), "%s: %s", v->name,
                  outcomes[r->outcome]);
        return;
    }
    if (strcmp(v->name, "sslv2-compatible") == 0) { /* [L7-23] */
        cr_assert_eq(r->outcome, OTHER);
        return;
    }
    cr_assert_eq(r->outcome, ALLOWED, "%s: %s", v->name, outcomes[r->outcome]);
    cr_assert_eq(r->has_sni, v->sni != NULL, "%s", v->name);
    if (v->sni)
        cr_assert_str_eq(r->sni, v->sni, "%s", v->name);
}

/* Cut at `cut`, or every byte for itself. */
static struct result play_cut(const struct vector *v, size_t cut)
{
    return play(v->bytes, (const size_t[]){cut, v->len}, 2);
}

static struct result play_bytes(const struct vector *v)
{
    size_t *ends = calloc(v->len + 1, sizeof(size_t));
    struct result result;

    for (size_t i = 0; i < v->len; i++)
        ends[i] = i + 1;
    result = play(v->bytes, ends, v->len);
    free(ends);
    return result;
}

static void each_vector(void (*check)(const struct vector *v))
{
    json_error_t error;
    json_t *file = json_load_file(TEST_DATA "/corpus/tls-vectors.json", 0, &error);
    const json_t *vectors = json_object_get(file, "vectors");

    cr_assert(file, "%s", error.text);
    cr_assert_eq(json_array_size(vectors), 83);
    for (size_t i = 0; i < json_array_size(vectors); i++) {
        struct vector v;

        vector_read(json_array_get(vectors, i), &v);
        check(&v);
        free(v.bytes);
        free(v.ends);
    }
    json_decref(file);
}

static void check_as_given(const struct vector *v)
{
    struct result result = play(v->bytes, v->ends, v->count);

    check_expected(v, &result);
}

Test(vectors, are_judged_as_the_corpus_says)
{
    each_vector(check_as_given);
}

static void check_every_cut(const struct vector *v)
{
    struct result whole = play(v->bytes, &v->len, 1);

    check_expected(v, &whole);
    for (size_t cut = 1; cut < v->len; cut++) {
        struct result result = play_cut(v, cut);

        cr_assert(same(&whole, &result), "%s cut at %zu: %s, whole: %s", v->name, cut,
                  outcomes[result.outcome], outcomes[whole.outcome]);
    }
}

Test(vectors, do_not_change_when_cut_in_two)
{
    each_vector(check_every_cut);
}

static void check_bytes(const struct vector *v)
{
    struct result whole = play(v->bytes, &v->len, 1);
    struct result result = play_bytes(v);

    cr_assert(same(&whole, &result), "%s byte by byte: %s, whole: %s", v->name,
              outcomes[result.outcome], outcomes[whole.outcome]);
}

Test(vectors, do_not_change_byte_by_byte)
{
    each_vector(check_bytes);
}

/* A refusal needs no more bytes than prove it: the probe says no at the first wrong one. */
Test(probe, answers_as_soon_as_the_bytes_allow)
{
    static const uint8_t hello[] = {22, 3, 1, 0, 100, 1};
    static const struct {
        size_t at;
        uint8_t byte;
    } wrong[] = {{0, 23}, {0, 'G'}, {0, 0x80}, {1, 2}, {1, 0xfe}, {2, 5}, {5, 2}, {5, 66}};
    struct fake fake = {0};

    fake_open(&fake);
    for (size_t n = 0; n <= sizeof(hello); n++) {
        struct guard seen = guard_copy(hello, n);

        cr_assert_eq(
            fake.inspector->probe(fake.self, L7_TO_SERVER, (struct l7_bytes){seen.data, seen.len}),
            n < sizeof(hello) ? L7_PROBE_MORE : L7_PROBE_YES);
        cr_assert_eq(
            fake.inspector->probe(fake.self, L7_TO_CLIENT, (struct l7_bytes){seen.data, seen.len}),
            L7_PROBE_NO);
        guard_free(&seen);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        uint8_t bytes[sizeof(hello)];

        memcpy(bytes, hello, sizeof(hello));
        bytes[wrong[i].at] = wrong[i].byte;
        cr_assert_eq(fake.inspector->probe(fake.self, L7_TO_SERVER,
                                           (struct l7_bytes){bytes, wrong[i].at + 1}),
                     L7_PROBE_NO);
    }
    fake_close(&fake);
}
