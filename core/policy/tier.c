/* SPDX-License-Identifier: Apache-2.0 */
/* tier: the ordering buckets, six of them built in. [TIER-1..7] [V46] */

#include <string.h>
#include "base/suggest.h"
#include "policy/load.h"

#define TIERS_MAX 20
#define RESERVED_LOW 250
#define BUILT_IN_COUNT 6

static const struct tier built_in[BUILT_IN_COUNT] = {
    {.name = "emergency", .priority = 50},    {.name = "securityops", .priority = 100},
    {.name = "networkops", .priority = 150},  {.name = "platform", .priority = 200},
    {.name = "application", .priority = 250}, {.name = "baseline", .priority = TIER_BASELINE},
};

static struct tier *tier_named(struct load *l, const char *name)
{
    for (size_t i = 0; i < l->tier_count; i++)
        if (strcmp(l->tiers[i].name, name) == 0)
            return &l->tiers[i];
    return NULL;
}

const struct tier *tier_find(struct load *l, const char *name)
{
    /* [TIER-3]: exactly these other spellings. */
    static const char *const spelled[BUILT_IN_COUNT] = {"Emergency", "SecurityOps", "NetworkOps",
                                                        "Platform",  "Application", "Baseline"};
    if (!name || !*name)
        name = "application"; /* [TIER-2] */
    for (size_t i = 0; i < BUILT_IN_COUNT; i++)
        if (strcmp(name, spelled[i]) == 0)
            name = built_in[i].name;
    struct tier *t = tier_named(l, name);
    if (t)
        t->used = true;
    return t;
}

const char *tier_suggest(struct load *l, const char *name)
{
    const char **list = arena_array(&l->scratch, l->tier_count, sizeof *list);
    for (size_t i = 0; i < l->tier_count; i++)
        list[i] = l->tiers[i].name;
    return suggest(name, list, l->tier_count);
}

static void tier_read(struct load *l, const struct object *object)
{
    static const char *const top[] = {"apiVersion", "kind", "metadata", "spec", "status"};
    static const char *const known[] = {"priority", "description"};
    struct at at = at_root(object->document), spec = at_key(&at, "spec");
    struct at priority_at = at_key(&spec, "priority"), text_at = at_key(&spec, "description");
    int64_t priority;
    read_known(l, &at, top, COUNT_OF(top));
    if (!spec.node)
        read_error(l, &spec, "is required");
    if (!read_map(l, &spec))
        return;
    read_known(l, &spec, known, COUNT_OF(known));
    read_text(l, &text_at);
    if (!priority_at.node)
        read_error(l, &priority_at, "is required");
    if (!read_int(l, &priority_at, 0, 255, &priority))
        return;
    const struct tier *same = tier_named(l, object->name);
    if (same) { /* only a built-in one can be there already [TIER-5] */
        if (same->priority != priority)
            read_error(l, &priority_at, "the built-in tier %s has priority %d", same->name,
                       same->priority);
        return;
    }
    if (priority >= RESERVED_LOW) {
        read_error(l, &priority_at, "priorities from %d are reserved", RESERVED_LOW);
        return;
    }
    for (size_t i = 0; i < l->tier_count; i++) {
        if (l->tiers[i].priority == priority) {
            read_error(l, &priority_at, "the tier %s has this priority already", l->tiers[i].name);
            return;
        }
    }
    if (l->tier_count == TIERS_MAX) {
        read_error(l, &at, "one tier too many; %d are possible, the built-in ones included",
                   TIERS_MAX);
        return;
    }
    l->tiers[l->tier_count++] = (struct tier){object->name, (int)priority, object, false};
}

void tiers_read(struct load *l)
{
    l->tiers = arena_array(&l->scratch, TIERS_MAX, sizeof *l->tiers);
    for (size_t i = 0; i < BUILT_IN_COUNT; i++)
        l->tiers[l->tier_count++] = built_in[i];
    for (size_t i = 0; i < l->object_count; i++)
        if (l->objects[i].kind == OBJECT_TIER)
            tier_read(l, &l->objects[i]);
}

/* A tier that policies name keeps its priority across reloads [TIER-4]. */
static void tier_unmoved(struct load *l, const struct tier *t)
{
    const struct snapshot *before = l->source->previous;
    for (size_t i = 0; before && t->used && t->object && i < before->tier_count; i++) {
        if (strcmp(before->tier_names[i], t->name) == 0 &&
            before->tier_priorities[i] != t->priority) {
            struct at at = at_root(t->object->document), spec = at_key(&at, "spec");
            struct at priority = at_key(&spec, "priority");
            read_error(l, &priority,
                       "was %d; the priority of a tier that policies use cannot change",
                       before->tier_priorities[i]);
        }
    }
}

void tiers_keep(struct load *l)
{
    struct snapshot *s = l->snapshot;
    s->tier_names = arena_array(&s->arena, l->tier_count, sizeof *s->tier_names);
    s->tier_priorities = arena_array(&s->arena, l->tier_count, sizeof *s->tier_priorities);
    s->tier_count = l->tier_count;
    s->counts.tiers = l->tier_count;
    for (size_t i = 0; i < l->tier_count; i++) {
        tier_unmoved(l, &l->tiers[i]);
        s->tier_names[i] = keep(l, l->tiers[i].name);
        s->tier_priorities[i] = l->tiers[i].priority;
    }
}
