/* SPDX-License-Identifier: Apache-2.0 */
/* sieve: many items answer as if each were asked in turn, whatever of the fields is there yet. */

#include "set.h"

#define SIEVE_ITEMS 24

static uint64_t state = 3;

static uint32_t any(uint32_t below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % below;
}

static const char *word(void)
{
    static const char *const words[] = {"/a", "/b", "/ab", "/a/b", "/B", "/a/b/c", "/c.js", "/"};
    return words[any(8)];
}

/* Patterns of all shapes over few words, so that texts are shared and contain each other. */
static void path_text(char *to)
{
    switch (any(7)) {
    case 0:
        sprintf(to, "%s*", word());
        break;
    case 1:
        sprintf(to, "*%s", word());
        break;
    case 2:
        sprintf(to, "*%s*", word());
        break;
    case 3:
        sprintf(to, "%s*%s", word(), word());
        break;
    case 4:
        sprintf(to, "*%s*%s", word(), word());
        break;
    case 5:
        sprintf(to, "%s?q=%u", word(), any(2));
        break;
    default:
        sprintf(to, "%s%s", word(), word());
    }
}

static void item_text(char *to)
{
    static const char *const hosts[] = {"a.com", "*.A.com", "b.*", "*", "*b*", "a*m"};
    char path[64];
    path_text(path);
    switch (any(6)) {
    case 0:
        sprintf(to, "{seal: {sni: \"%s\", size: 5-%u}}", hosts[any(6)], 5 + any(3));
        break;
    case 1:
        sprintf(to, "{web: {host: \"%s\", method: %s}}", hosts[any(6)], web_methods[any(3)]);
        break;
    case 2:
        sprintf(to, "{web: {method: %s, path: \"%s\"}}", web_methods[any(3)], path);
        break;
    case 3:
        sprintf(to, "{web: {host: \"%s\", path: \"%s\"}}", hosts[any(6)], path);
        break;
    default:
        sprintf(to, "{web: {path: \"%s\", host: \"%s\", method: %s}}", path, hosts[any(6)],
                web_methods[any(3)]);
    }
}

static struct set many(unsigned items)
{
    static char text[40000];
    char *p = text;
    p += sprintf(p, "apiVersion: crd.antrea.io/v1beta1\nkind: NetworkPolicy\nmetadata: {name: n}\n"
                    "spec: {priority: 1, appliedTo: [{podSelector: {}}], ingress: [{action: Allow, "
                    "l7Protocols: [");
    for (unsigned i = 0; i < items; i++) {
        item_text(p);
        p += strlen(p);
        strcpy(p, ",\n");
        p += 2;
    }
    strcpy(p - 2, "]}]}\n");
    return set_good(text);
}

static struct l7_bytes bytes(const char *text)
{
    return (struct l7_bytes){(const uint8_t *)text, strlen(text)};
}

static void field_any(struct field *f, const char *one, const char *other)
{
    f->emitted = any(4) != 0;
    f->unmatchable = any(20) == 0;
    f->form_count = (uint8_t)(any(20) ? 1 + any(2) : 0);
    f->forms[0] = bytes(one);
    f->forms[1] = bytes(any(3) ? one : other);
    f->has_tail = any(2);
    f->tail = bytes(any(2) ? "q=0" : "q=1");
}

Test(sieve, many_items_answer_like_walked_ones)
{
    static const char *const hosts[] = {"a.com", "x.a.COM", "b.org", "abm", ""};
    size_t answers[3] = {0};
    for (int round = 0; round < 12; round++) {
        struct set set = many(SIEVE_ITEMS);
        const struct rule *rule = snapshot_rule(set.snapshot, 0);
        struct rule walked = *rule;
        cr_assert(rule->sieve != NULL);
        walked.sieve = NULL;
        for (int i = 0; i < 20000; i++) {
            struct field fields[3] = {0};
            char path[2][32];
            for (int k = 0; k < 2; k++)
                snprintf(path[k], sizeof path[k], "%s%s%s", word(), any(2) ? word() : "",
                         any(3) ? "" : word());
            field_any(&fields[0], path[0], path[1]);
            field_any(&fields[1], hosts[any(5)], hosts[any(5)]);
            field_any(&fields[2], any(9) ? web_methods[any(4)] : "7", "6");
            unsigned keyword = any(5) == 0;
            size_t count = 1 + any(3);
            bool complete = any(2);
            enum fit fast = rule_fit(rule, keyword, fields, count, complete);
            cr_assert_eq(fast, rule_fit(&walked, keyword, fields, count, complete),
                         "path %s, keyword %u, complete %d", path[0], keyword, complete);
            answers[fast]++;
        }
        set_free(&set);
    }
    for (int i = 0; i < 3; i++)
        cr_expect_gt(answers[i], 5000, "answer %d: %zu", i, answers[i]);
}
