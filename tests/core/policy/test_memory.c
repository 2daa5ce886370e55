/* SPDX-License-Identifier: Apache-2.0 */
/* memory: every allocation of a load fails once; the set is refused, and nothing is left over (the
 * leak checker looks). */

#include "set.h"

#include <errno.h>

/* The linker puts ours in the place of calloc (tests/CMakeLists.txt). */
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

static long fail_at; /* counted down while positive; the allocation that makes it 0 fails */
static bool failed;

void *__wrap_calloc(size_t count, size_t size)
{
    if (fail_at > 0 && --fail_at == 0) {
        failed = true;
        return NULL;
    }
    return __real_calloc(count, size);
}

Test(memory, a_load_without_memory_is_refused)
{
    struct set set = {0};
    char text[3000];
    size_t failures = 0;
    set_write(&set, "pods.yaml", POD("a", "app: a", "10.0.0.1") POD("b", "app: b", "10.0.0.2"));
    for (int i = 0; i < 40; i++) { /* enough files for more than one chunk */
        char name[20];
        snprintf(name, sizeof name, "p%d.yaml", i);
        snprintf(text, sizeof text,
                 "apiVersion: crd.antrea.io/v1beta1\nkind: NetworkPolicy\nmetadata: {name: p%d}\n"
                 "spec: {priority: %d, appliedTo: [{podSelector: {}}], ingress: [{name: r, action: "
                 "Allow, from: [{podSelector: {matchLabels: {app: a%d}}}], ports: [{port: http}], "
                 "l7Protocols: [{web: {path: /a*, host: b}}]}]}\n",
                 i, i + 1, i);
        set_write(&set, name, text);
    }
    for (long n = 1; n < 10000; n++) {
        struct policy_source source = {
            .dir = set.dir, .keywords = set_keywords, .keyword_count = 2, .generation = 1};
        struct snapshot *s = NULL;
        set.problems = problems_new();
        failed = false;
        fail_at = n;
        int r = snapshot_load(&source, set.problems, &s);
        fail_at = 0;
        if (!failed) {
            cr_expect_eq(r, 0);
            snapshot_unref(s);
            break;
        }
        failures++;
        cr_assert(r < 0 && s == NULL, "allocation %ld: %d", n, r);
        cr_assert(set.problems->errors > 0);
        problems_free(set.problems);
    }
    cr_expect_gt(failures, 5);
    set_free(&set);
}
