/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/tx.h"

#include <stdlib.h>
#include <string.h>
#include "engine/record.h"
#include "engine/settings.h"

#define CHUNK_MIN 1024

/* Copies of what an inspector lent us, freed together. */
struct tx_chunk {
    struct tx_chunk *next;
    size_t used, cap;
    uint8_t data[];
};

/* Counts towards what the flow keeps. */
static void grow(struct tx *tx, size_t n)
{
    tx->memory += n;
    if (tx->session != NULL)
        tx->session->tx_memory += n;
}

static uint8_t *arena(struct tx *tx, size_t n)
{
    struct tx_chunk *c = tx->chunks;
    if (c == NULL || c->cap - c->used < n) {
        size_t cap = n > CHUNK_MIN ? n : CHUNK_MIN;
        c = malloc(sizeof(*c) + cap);
        if (c == NULL)
            return NULL;
        c->next = tx->chunks;
        c->used = 0;
        c->cap = cap;
        tx->chunks = c;
        grow(tx, sizeof(*c) + cap);
    }
    uint8_t *at = c->data + c->used;
    c->used += n;
    return at;
}

static bool keep(struct tx *tx, struct l7_bytes from, struct l7_bytes *to)
{
    uint8_t *at = arena(tx, from.len);
    if (at == NULL)
        return false;
    if (from.len > 0)
        memcpy(at, from.ptr, from.len);
    *to = (struct l7_bytes){at, from.len};
    return true;
}

struct tx *tx_new(const struct plugin *claim, const struct rule *egress, const struct rule *ingress)
{
    const struct l7_inspector *in = claim->inspector;
    struct tx *tx = calloc(1, sizeof(*tx) + in->field_count * sizeof(struct field) +
                                  in->attr_count * sizeof(struct tx_attr));
    if (tx == NULL)
        return NULL;
    tx->claim = claim;
    tx->fields = (struct field *)(tx + 1);
    tx->attrs = (struct tx_attr *)(tx->fields + in->field_count);
    tx->rules[0] = egress;
    tx->rules[1] = ingress;
    list_init(&tx->link);
    list_init(&tx->open_link);
    tx->memory = sizeof(*tx) + in->field_count * sizeof(struct field) +
                 in->attr_count * sizeof(struct tx_attr);
    return tx;
}

void tx_free(struct tx *tx)
{
    if (tx == NULL)
        return;
    list_remove(&tx->link);
    list_remove(&tx->open_link);
    if (tx->session != NULL)
        tx->session->tx_memory -= tx->memory;
    while (tx->chunks != NULL) {
        struct tx_chunk *c = tx->chunks;
        tx->chunks = c->next;
        free(c);
    }
    snapshot_unref(tx->snapshot);
    free(tx);
}

static struct l7_tx *open_tx(struct l7_flow *flow)
{
    struct session *s = (struct session *)(void *)flow;
    if (s->tx_count >= s->worker->settings->max_transactions || !session_memory_left(s, 0))
        return NULL;
    struct tx *tx = tx_new(s->claim, NULL, NULL);
    if (tx == NULL)
        return NULL;
    tx->session = s;
    tx->id = s->tx_next++;
    s->tx_memory += tx->memory;
    list_insert(&s->txs, &tx->link);
    list_insert(&s->tx_open, &tx->open_link);
    s->tx_count++;
    return (struct l7_tx *)(void *)tx;
}

/* The egress list is asked before the ingress list [L7-38]; both have to fit [L7-37]. */
static enum l7_judgement judge(struct tx *tx, bool complete)
{
    struct session *s = tx->session;
    const struct rule *rules[2] = {tx->rules[0], tx->rules[1]};
    if (s != NULL) {
        rules[0] = s->governed ? s->judged->egress : NULL;
        rules[1] = s->governed ? s->judged->ingress : NULL;
    }
    bool open = false;
    for (size_t i = 0; i < 2; i++) {
        if (rules[i] == NULL || !rules[i]->l7)
            continue;
        enum fit fit = rule_fit(rules[i], tx->claim->keyword_id, tx->fields,
                                tx->claim->inspector->field_count, complete);
        if (fit == FIT_NO) {
            tx->rule = rules[i];
            return L7_JUDGEMENT_REFUSE;
        }
        open = open || fit == FIT_OPEN;
    }
    return complete && !open ? L7_JUDGEMENT_ALLOW : L7_JUDGEMENT_OPEN;
}

static enum l7_judgement settle(struct tx *tx, enum l7_judgement judgement)
{
    tx->judgement = judgement;
    struct session *s = tx->session;
    if (judgement == L7_JUDGEMENT_OPEN || s == NULL)
        return judgement;
    list_remove(&tx->open_link);
    if (judgement == L7_JUDGEMENT_ALLOW) {
        s->worker->stats.transactions_allowed++;
        tx->rule = judged_rule(s->judged);
    } else {
        s->worker->stats.transactions_refused++;
        if (s->refuse_reason == NULL) {
            s->refuse_reason = "no-match";
            s->refuse_rule = tx->rule;
            s->refuse_tx = tx;
        }
    }
    if (s->judged->snapshot != NULL && tx->snapshot == NULL)
        tx->snapshot = snapshot_ref(s->judged->snapshot);
    return judgement;
}

static enum l7_judgement set_field(struct l7_tx *handle, unsigned index,
                                   const struct l7_field_value *value)
{
    struct tx *tx = (struct tx *)(void *)handle;
    if (index >= tx->claim->inspector->field_count || value->form_count > L7_FORMS_MAX ||
        tx->decided)
        return tx->judgement;
    struct field *f = &tx->fields[index];
    f->emitted = true;
    f->unmatchable = value->unmatchable || (value->form_count == 0);
    f->form_count = (uint8_t)value->form_count;
    f->has_tail = value->has_tail;
    for (size_t i = 0; i < value->form_count; i++)
        if (!keep(tx, value->forms[i], &f->forms[i]))
            f->unmatchable = true;
    if (value->has_tail && !keep(tx, value->tail, &f->tail))
        f->unmatchable = true;
    if (f->unmatchable)
        f->form_count = 0;
    if (tx->judgement == L7_JUDGEMENT_REFUSE)
        return tx->judgement;
    return settle(tx, judge(tx, false));
}

static void set_attr(struct l7_tx *handle, unsigned index, struct l7_value value)
{
    struct tx *tx = (struct tx *)(void *)handle;
    if (index >= tx->claim->inspector->attr_count)
        return;
    struct tx_attr *a = &tx->attrs[index];
    if (value.type == L7_TYPE_STRING && !keep(tx, value.string, &value.string))
        return;
    a->set = true;
    a->value = value;
}

static enum l7_judgement decide(struct l7_tx *handle)
{
    struct tx *tx = (struct tx *)(void *)handle;
    if (tx->decided || tx->judgement == L7_JUDGEMENT_REFUSE)
        return tx->judgement;
    tx->decided = true;
    return settle(tx, judge(tx, true));
}

static void finish(struct tx *tx, bool unfinished)
{
    struct session *s = tx->session;
    if (s == NULL)
        return;
    /* Nobody judges a watched flow: what was recognised is logged, also what a rule would have
     * refused as malformed. */
    if (tx->judgement == L7_JUDGEMENT_ALLOW || (!s->governed && tx->judgement == L7_JUDGEMENT_OPEN))
        record_transaction(s->worker, s->flow, tx, s->packet, unfinished);
    s->tx_count--;
    if (s->refuse_tx == tx)
        s->refuse_tx = NULL;
    tx_free(tx);
}

static void close_tx(struct l7_tx *handle)
{
    finish((struct tx *)(void *)handle, false);
}

const struct l7_host *tx_services(void)
{
    static const struct l7_host services = {
        .tx_open = open_tx,
        .tx_field = set_field,
        .tx_attr = set_attr,
        .tx_decide = decide,
        .tx_close = close_tx,
    };
    return &services;
}

void tx_close_all(struct session *s)
{
    while (!list_empty(&s->txs))
        finish(list_item(s->txs.next, struct tx, link), true);
}

struct tx *tx_undecided(struct session *s)
{
    return list_empty(&s->tx_open) ? NULL : list_item(s->tx_open.next, struct tx, open_link);
}
