/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot: from a directory to one, and its life. The steps of a load are in their own files;
 * here is their order, and where running out of memory ends up. */

#include "policy/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "policy/load.h"

#define WARNINGS_MAX 300

const char *action_name(enum action a)
{
    static const char *const names[] = {"", "Allow", "Drop", "Reject", "Pass"};
    return (unsigned)a < COUNT_OF(names) ? names[a] : "";
}

const char *direction_name(enum direction d)
{
    return d == DIRECTION_INGRESS ? "Ingress" : "Egress";
}

const char *keep(struct load *l, const char *text)
{
    return text ? arena_copy(&l->snapshot->arena, text) : NULL;
}

bool load_may_warn(struct load *l)
{
    if (l->warnings == WARNINGS_MAX)
        problem_add(l->problems, PROBLEM_WARNING, (struct place){.file = l->source->dir},
                    "there are more warnings than %d; the rest is not told", WARNINGS_MAX);
    return l->warnings++ < WARNINGS_MAX;
}

static void policies_read(struct load *l)
{
    for (int d = 0; d < 2; d++)
        l->isolated[d] = bits_new(&l->snapshot->arena, l->snapshot->endpoint_count);
    for (size_t i = 0; i < l->object_count; i++) {
        if (l->objects[i].kind == OBJECT_ACNP || l->objects[i].kind == OBJECT_ANNP)
            antrea_read(l, &l->objects[i]);
        else if (l->objects[i].kind == OBJECT_KNP)
            knp_read(l, &l->objects[i]);
    }
}

void load_remark(struct load *l, enum remark_kind kind, const struct at *at, const char *text)
{
    struct snapshot *s = l->snapshot;
    char path[AT_PATH_MAX];
    if (s->remark_count == REMARKS_MAX) {
        s->remarks_unkept++;
        return;
    }
    s->remarks =
        arena_grow(&s->arena, s->remarks, s->remark_count, &s->remark_cap, sizeof *s->remarks);
    s->remarks[s->remark_count++] = (struct remark){kind,
                                                    keep(l, at->node->file),
                                                    at->node->line,
                                                    at->node->column,
                                                    keep(l, at_path(at, path)),
                                                    keep(l, text)};
}

/* 0, -EINVAL with problems told, or -ENOMEM from wherever memory ran out. */
static int load_run(struct load *l)
{
    size_t errors = l->problems->errors;
    if (setjmp(l->oom))
        return -ENOMEM;
    names_init(&l->identities, &l->scratch);
    names_init(&l->skipped, &l->scratch);
    names_init(&l->words, &l->scratch);
    names_init(&l->group_names, &l->scratch);
    names_init(&l->sets, &l->scratch);
    names_init(&l->classes, &l->scratch);
    inventory_init(l);
    files_read(l);
    objects_read(l);
    inventory_finish(l);
    tiers_read(l);
    groups_read(l);
    policies_read(l);
    tiers_keep(l);
    rules_order(l);
    if (l->problems->errors != errors)
        return -EINVAL;
    snapshot_compile(l);
    return 0;
}

static struct snapshot *snapshot_new(uint64_t generation)
{
    struct snapshot *s = calloc(1, sizeof *s);
    if (s) {
        atomic_init(&s->refs, 1);
        s->generation = generation;
    }
    return s;
}

static void load_free(struct load *l)
{
    if (l->open_dir)
        closedir(l->open_dir);
    for (size_t i = 0; i < l->file_count; i++)
        yaml_free(l->files[i]);
    arena_fini(&l->scratch);
    free(l);
}

int snapshot_load(const struct policy_source *source, struct problems *problems,
                  struct snapshot **out)
{
    struct load *l = calloc(1, sizeof *l);
    struct snapshot *s = snapshot_new(source->generation);
    int r = -ENOMEM;
    if (l && s) {
        l->source = source;
        l->problems = problems;
        l->snapshot = s;
        arena_init(&l->scratch, &l->oom);
        arena_init(&s->arena, &l->oom);
        r = load_run(l);
        s->arena.oom = NULL; /* nothing is allocated after this */
        load_free(l);
        l = NULL;
    }
    free(l);
    if (r == -ENOMEM)
        problem_add(problems, PROBLEM_ERROR, (struct place){.file = source->dir}, "out of memory");
    if (r)
        snapshot_unref(s);
    else
        *out = s;
    return r;
}

struct snapshot *snapshot_ref(struct snapshot *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void snapshot_unref(struct snapshot *s)
{
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    arena_fini(&s->arena);
    free(s);
}

uint64_t snapshot_generation(const struct snapshot *s)
{
    return s->generation;
}

bool snapshot_disable_tx_checksum(const struct snapshot *s)
{
    return s->disable_tx_checksum;
}

size_t snapshot_rule_count(const struct snapshot *s)
{
    return s->rule_count;
}

const struct rule *snapshot_rule(const struct snapshot *s, size_t i)
{
    return i < s->rule_count ? &s->rules[i]->rule : NULL;
}

struct snapshot_counts snapshot_counts(const struct snapshot *s)
{
    return s->counts;
}
