/* SPDX-License-Identifier: Apache-2.0 */
/* vectors: every request of the corpus is taken or refused as its oracle says, and the same
 * however its bytes are cut.
 */

#include <criterion/criterion.h>
#include <jansson.h>

#include "fake.h"
#include "path.h"

struct vector {
    const char *name, *expect;
    uint8_t *bytes;
    size_t len;
    json_t *json;
};

static const char *text(const struct vector *v, const char *key)
{
    return json_string_value(json_object_get(v->json, key));
}

static bool flag(const struct vector *v, const char *key)
{
    return json_is_true(json_object_get(v->json, key));
}

static int base64_digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

static size_t base64_decode(const char *in, uint8_t *out)
{
    uint32_t bits = 0;
    size_t len = 0;
    int count = 0;
    for (; base64_digit(*in) >= 0; in++) {
        bits = bits << 6 | (uint32_t)base64_digit(*in);
        count += 6;
        if (count < 8)
            continue;
        count -= 8;
        out[len++] = (uint8_t)(bits >> count);
    }
    return len;
}

typedef void visit(const struct vector *v);

static size_t for_each(visit *each)
{
    json_error_t error;
    json_t *root = json_load_file(TEST_DATA "/corpus/http1-vectors.json", JSON_ALLOW_NUL, &error),
           *item;
    cr_assert_not_null(root, "%s", error.text);
    size_t i, count = 0;
    json_array_foreach(json_object_get(root, "vectors"), i, item)
    {
        struct vector v = {.json = item};
        const char *encoded = json_string_value(json_object_get(item, "bytes_b64"));
        v.name = text(&v, "name");
        v.expect = text(&v, "expect");
        v.bytes = malloc(strlen(encoded) + 1);
        v.len = base64_decode(encoded, v.bytes);
        each(&v);
        free(v.bytes);
        count++;
    }
    json_decref(root);
    return count;
}

/* The outcome as text, to compare and to show. What was asked about a refused request depends on
 * how much of it was there; its answer does not. */
static char *outcome(const struct fake *f)
{
    char *out;
    size_t len;
    FILE *file = open_memstream(&out, &len);
    for (size_t i = 0; i < f->tx_count; i++) {
        const struct fake_tx *tx = f->txs[i];
        fprintf(file, "%s", tx->allowed ? "allowed" : "open");
        for (size_t k = 0; tx->allowed && k < FIELD_COUNT; k++) {
            for (size_t n = 0; n < tx->fields[k].count; n++)
                fprintf(file, " %s", tx->fields[k].forms[n].ptr);
        }
        fprintf(file, " url %s\n", tx->text[ATTR_URL].set ? (char *)tx->text[ATTR_URL].ptr : "-");
    }
    fprintf(file, "%s\n", f->refused ? f->reason : "passed");
    fclose(file);
    return out;
}

static size_t allowed(const struct fake *f)
{
    size_t count = 0;
    while (count < f->tx_count && f->txs[count]->allowed)
        count++;
    return count;
}

static void expect_request(const struct vector *v, const struct fake_tx *tx, const char *method,
                           const char *host, const char *path)
{
    const struct fake_field *fields = tx->fields;
    cr_assert(fake_is(&fields[FIELD_METHOD].forms[0], method), "%s: method", v->name);
    cr_assert_eq(fields[FIELD_HOST].set, host != NULL, "%s: host", v->name);
    if (host) {
        size_t len = strlen(host);
        char *name = host[0] == '[' ? strndup(host + 1, len - 2) : strdup(host);
        cr_assert(fake_is(&fields[FIELD_HOST].forms[0], name), "%s: host %s", v->name, name);
        free(name);
    }
    /* The oracle decodes unreserved characters only, form A all but a few: the same after both. */
    uint8_t *decoded = malloc(path ? strlen(path) + 1 : 1);
    size_t len =
        path ? path_decode_once((struct l7_bytes){(const uint8_t *)path, strlen(path)}, decoded)
             : 0;
    decoded[len] = '\0';
    cr_assert(fake_is(&fields[FIELD_PATH].forms[0], (char *)decoded), "%s: path %s", v->name,
              decoded);
    free(decoded);
}

static void expect_requests(const struct vector *v, const struct fake *f)
{
    json_t *list = json_object_get(v->json, "requests");
    size_t count = list ? json_array_size(list) : 1;
    cr_assert_eq(allowed(f), count, "%s: %zu requests were allowed", v->name, allowed(f));
    expect_request(v, f->txs[0], text(v, "method"), text(v, "host"), text(v, "path_normalised"));
    for (size_t i = 0; list && i < count; i++) {
        json_t *one = json_array_get(list, i);
        expect_request(v, f->txs[i], json_string_value(json_array_get(one, 0)),
                       json_string_value(json_array_get(one, 1)),
                       json_string_value(json_array_get(one, 2)));
    }
}

/* What refusing is right for, but taking is better: everything of these that readers agree on. */
static bool is_taken(const char *name)
{
    static const char *const refused[] = {"path-double-encoded", "path-dot-segments",
                                          "path-dot-segments-end", "path-encoded-dots",
                                          "long-target-70000"};
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (strcmp(name, refused[i]) == 0)
            return false;
    }
    return true;
}

static void check_whole(const struct vector *v)
{
    struct fake *f = fake_new();
    fake_push(f, L7_TO_SERVER, v->bytes, v->len);
    bool good = strcmp(v->expect, "valid") == 0 || flag(v, "may_accept");
    bool bad = !good || (flag(v, "may_refuse") && !is_taken(v->name));
    if (flag(v, "incomplete")) {
        cr_assert_eq(allowed(f), 0, "%s: allowed too soon", v->name);
        cr_assert_eq(f->sides[0].delivered, 0, "%s: delivered", v->name);
        cr_assert_not(f->refused, "%s: refused, %s", v->name, f->reason);
    } else if (bad) {
        cr_assert(f->refused, "%s: was taken", v->name);
        if (json_object_get(v->json, "requests"))
            expect_requests(v, f);
        else
            cr_assert_eq(f->sides[0].delivered, 0, "%s: %zu bytes of it were delivered", v->name,
                         (size_t)f->sides[0].delivered);
    } else {
        /* What stands behind the last request of a connection is none, and does not pass. */
        bool more = strcmp(v->name, "close-then-more") == 0;
        cr_assert_not(f->refused, "%s: refused, %s", v->name, f->reason);
        expect_requests(v, f);
        if (more)
            cr_assert_lt(f->sides[0].delivered, v->len);
        else
            cr_assert_eq(f->sides[0].delivered, v->len, "%s: not all was delivered", v->name);
    }
    fake_free(f);
}

Test(vectors, are_judged_as_the_oracle_says)
{
    cr_assert_geq(for_each(check_whole), 181);
}

static void expect_same(const struct vector *v, struct fake *f, const char *whole, size_t cut)
{
    char *now = outcome(f);
    cr_assert_str_eq(now, whole, "%s: another outcome when cut at %zu", v->name, cut);
    free(now);
    fake_free(f);
}

static void check_two_pieces(const struct vector *v)
{
    struct fake *f = fake_new();
    fake_push(f, L7_TO_SERVER, v->bytes, v->len);
    char *whole = outcome(f);
    fake_free(f);
#if defined(WITH_SANITIZERS)
    size_t stride = v->len > 20000 ? v->len / 2000 : 1; /* of the largest one in 35 */
#else
    size_t stride = 1;
#endif
    for (size_t cut = 1; cut < v->len; cut += stride) {
        f = fake_new();
        fake_push(f, L7_TO_SERVER, v->bytes, cut);
        fake_push(f, L7_TO_SERVER, v->bytes + cut, v->len - cut);
        expect_same(v, f, whole, cut);
    }
    free(whole);
}

Test(vectors, are_judged_alike_in_two_pieces_cut_anywhere)
{
    cr_assert_geq(for_each(check_two_pieces), 181);
}

static void check_bytes(const struct vector *v)
{
    struct fake *f = fake_new();
    fake_push(f, L7_TO_SERVER, v->bytes, v->len);
    char *whole = outcome(f);
    fake_free(f);
    f = fake_new();
    for (size_t i = 0; i < v->len; i++)
        fake_push(f, L7_TO_SERVER, v->bytes + i, 1);
    expect_same(v, f, whole, 1);
    free(whole);
}

Test(vectors, are_judged_alike_byte_by_byte)
{
    cr_assert_geq(for_each(check_bytes), 181);
}

static void check_prefixes(const struct vector *v)
{
    uint8_t *end = memmem(v->bytes, v->len, "\r\n\r\n", 4);
    size_t head = end ? (size_t)(end - v->bytes) + 4 : v->len;
    if (head > 2 && memcmp(v->bytes, "\r\n\r\n", 4) == 0)
        return;
    for (size_t len = 1; len < head && len < 2000; len++) {
        struct fake *f = fake_new();
        fake_push(f, L7_TO_SERVER, v->bytes, len);
        cr_assert_eq(f->sides[0].delivered, 0, "%s: %zu bytes are no request", v->name, len);
        cr_assert_eq(allowed(f), 0, "%s: %zu bytes are no request", v->name, len);
        fake_free(f);
    }
}

Test(vectors, deliver_nothing_of_an_incomplete_head)
{
    cr_assert_geq(for_each(check_prefixes), 181);
}
