/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct table {
    struct flow **buckets;
    size_t mask;
    size_t count, max, extra;
    uint64_t seed[2];
    uint64_t evicted, opened;
    uint64_t idle_ns[FLOW_LIVES];
    struct list lives[FLOW_LIVES];
    void (*drop)(void *ctx, struct flow *flow);
    void *ctx;
};

static uint64_t mix(uint64_t x)
{
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9ull;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebull;
    return x ^ (x >> 31);
}

/* Seeded, so that nobody can aim many flows at one bucket. */
static uint64_t key_hash(const struct table *t, const struct flow_key *k)
{
    uint64_t w[6];
    memcpy(&w[0], k->a.bytes, 16);
    memcpy(&w[2], k->b.bytes, 16);
    w[4] = (uint64_t)k->a_port << 48 | (uint64_t)k->b_port << 32 | (uint64_t)k->vlan[0] << 16 |
           k->vlan[1];
    w[5] = (uint64_t)k->opener << 16 | (uint64_t)k->proto << 8 | k->a.family;
    uint64_t h = t->seed[0];
    for (size_t i = 0; i < 6; i++)
        h = mix(h ^ w[i]) + t->seed[1];
    return mix(h);
}

static bool key_equal(const struct flow_key *x, const struct flow_key *y)
{
    return x->a_port == y->a_port && x->b_port == y->b_port && x->proto == y->proto &&
           x->opener == y->opener && x->a.family == y->a.family && x->vlan[0] == y->vlan[0] &&
           x->vlan[1] == y->vlan[1] && memcmp(x->a.bytes, y->a.bytes, 16) == 0 &&
           memcmp(x->b.bytes, y->b.bytes, 16) == 0;
}

/* Source first in `k`; returns true if the ends had to change places to be in order. */
static bool key_make(struct flow_key *k, const struct l7_address *src, uint16_t sport,
                     const struct l7_address *dst, uint16_t dport, uint8_t proto,
                     const uint16_t vlan[2])
{
    memset(k, 0, sizeof(*k));
    size_t len = src->family == 4 ? 4 : 16;
    int order = memcmp(src->bytes, dst->bytes, len);
    bool swap = order > 0 || (order == 0 && sport > dport);
    k->a.family = k->b.family = src->family;
    memcpy(k->a.bytes, swap ? dst->bytes : src->bytes, len);
    memcpy(k->b.bytes, swap ? src->bytes : dst->bytes, len);
    k->a_port = swap ? dport : sport;
    k->b_port = swap ? sport : dport;
    k->proto = proto;
    k->vlan[0] = vlan[0];
    k->vlan[1] = vlan[1];
    return swap;
}

/* The kinds of ICMP that come as request and answer. Returns the request's type and says which of
 * the two it is; 0: neither. */
static uint8_t icmp_request_type(uint8_t proto, uint8_t type, bool *answer)
{
    *answer = false;
    if (proto == IPPROTO_ICMPV6) {
        *answer = type == 129;
        return type == 128 || type == 129 ? 128 : 0;
    }
    switch (type) {
    case 0:
        *answer = true;
        return 8;
    case 14:
        *answer = true;
        return 13;
    case 8:
    case 13:
        return type;
    default:
        return 0;
    }
}

static bool is_icmp(uint8_t proto)
{
    return proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6;
}

/* Identifier of an echo: bytes 4 and 5 of the ICMP header. */
static uint16_t icmp_id(const struct packet *p)
{
    const uint8_t *end = p->ip + p->ip_len;
    if (end - p->transport < 6)
        return 0;
    return (uint16_t)(p->transport[4] << 8 | p->transport[5]);
}

/* `as_answer`: an ICMP answer keyed as the request it answers (the client is its receiver). */
static bool packet_key(const struct packet *p, bool as_answer, struct flow_key *k)
{
    uint16_t vlan[2] = {p->vlan_count > 0 ? p->vlan[0] : 0, p->vlan_count > 1 ? p->vlan[1] : 0};
    if (!is_icmp(p->proto))
        return key_make(k, &p->src, p->sport, &p->dst, p->dport, p->proto, vlan);
    /* The client's port is the identifier, the server's the type in the upper half, so that flows
     * opened by other types, or by an answer nobody asked for, are flows of their own. */
    bool answer;
    uint8_t request = icmp_request_type(p->proto, p->icmp_type, &answer);
    uint16_t id = request != 0 ? icmp_id(p) : 0;
    bool swapped =
        as_answer
            ? key_make(k, &p->dst, id, &p->src, (uint16_t)(0x8000 | request), p->proto, vlan)
            : key_make(k, &p->src, id, &p->dst, (uint16_t)(0x8000 | p->icmp_type), p->proto, vlan);
    /* An identifier is chosen freely, also one that looks like the other end's half of the key. */
    k->opener = swapped ? 2 : 1;
    return as_answer ? !swapped : swapped;
}

static struct flow *lookup(struct table *t, const struct flow_key *k)
{
    uint64_t h = key_hash(t, k);
    for (struct flow *f = t->buckets[h & t->mask]; f != NULL; f = f->hash_next)
        if (f->hash == h && key_equal(&f->key, k))
            return f;
    return NULL;
}

struct table *table_new(size_t max_flows, size_t extra, const uint64_t idle_ns[FLOW_LIVES],
                        void (*drop)(void *ctx, struct flow *flow), void *ctx)
{
    struct table *t = calloc(1, sizeof(*t));
    if (t == NULL)
        return NULL;
    size_t buckets = 1024;
    while (buckets < max_flows && buckets < (1u << 24))
        buckets *= 2;
    t->buckets = calloc(buckets, sizeof(*t->buckets));
    if (t->buckets == NULL || getrandom(t->seed, sizeof(t->seed), 0) != sizeof(t->seed)) {
        free(t->buckets);
        free(t);
        return NULL;
    }
    t->mask = buckets - 1;
    t->max = max_flows;
    t->extra = (extra + 7) & ~(size_t)7;
    t->drop = drop;
    t->ctx = ctx;
    memcpy(t->idle_ns, idle_ns, sizeof(t->idle_ns));
    for (size_t i = 0; i < FLOW_LIVES; i++)
        list_init(&t->lives[i]);
    return t;
}

void table_free(struct table *t)
{
    if (t == NULL)
        return;
    for (size_t i = 0; i < FLOW_LIVES; i++)
        while (!list_empty(&t->lives[i]))
            table_remove(t, list_item(t->lives[i].next, struct flow, life_link));
    free(t->buckets);
    free(t);
}

struct flow *table_find(struct table *t, const struct packet *p, enum l7_dir *dir)
{
    struct flow_key k;
    bool answer = false;
    if (is_icmp(p->proto) && icmp_request_type(p->proto, p->icmp_type, &answer) != 0 && answer) {
        bool swapped = packet_key(p, true, &k);
        struct flow *f = lookup(t, &k);
        /* Only the receiver of the answer can have asked. */
        if (f != NULL && f->client_is_a == swapped) {
            *dir = L7_TO_CLIENT;
            return f;
        }
    }
    bool swapped = packet_key(p, false, &k);
    struct flow *f = lookup(t, &k);
    if (f != NULL)
        *dir = f->client_is_a == !swapped ? L7_TO_SERVER : L7_TO_CLIENT;
    return f;
}

/* The ICMP message that an ICMP error quotes, as the packet it was. Behind the error's 8 bytes come
 * an IP header and the message's first 8 bytes, if not more. Messages behind IPv6 extension headers
 * are not looked for. */
static bool quoted_icmp(const struct packet *p, struct packet *out)
{
    const uint8_t *end = p->ip + p->ip_len;
    if (end - p->transport < 8 + 20)
        return false;
    const uint8_t *ip = p->transport + 8;
    size_t header = p->quoted_src.family == 4 ? (size_t)(ip[0] & 15) * 4 : 40;
    if ((size_t)(end - ip) < header + 6 || (p->quoted_src.family == 6 && ip[6] != IPPROTO_ICMPV6))
        return false;
    *out = (struct packet){.src = p->quoted_src, .dst = p->quoted_dst, .proto = p->quoted_proto};
    out->ip = ip;
    out->ip_len = (uint32_t)(end - ip);
    out->transport = ip + header;
    out->icmp_type = out->transport[0];
    out->vlan_count = p->vlan_count;
    memcpy(out->vlan, p->vlan, sizeof(out->vlan));
    return true;
}

struct flow *table_find_quoted(struct table *t, const struct packet *p)
{
    if (!p->quoted || p->dst.family != p->quoted_src.family ||
        memcmp(p->dst.bytes, p->quoted_src.bytes, p->dst.family == 4 ? 4 : 16) != 0)
        return NULL;
    struct packet about;
    enum l7_dir dir;
    if (is_icmp(p->quoted_proto))
        return quoted_icmp(p, &about) ? table_find(t, &about, &dir) : NULL;
    uint16_t vlan[2] = {p->vlan_count > 0 ? p->vlan[0] : 0, p->vlan_count > 1 ? p->vlan[1] : 0};
    struct flow_key k;
    key_make(&k, &p->quoted_src, p->quoted_sport, &p->quoted_dst, p->quoted_dport, p->quoted_proto,
             vlan);
    return lookup(t, &k);
}

/* Flows that cost their owner least when forgotten go first. */
static bool make_room(struct table *t)
{
    static const enum flow_life order[] = {FLOW_TCP_OPENING, FLOW_OTHER_NEW, FLOW_REFUSED,
                                           FLOW_TCP_CLOSING};
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        struct list *head = &t->lives[order[i]];
        if (!list_empty(head)) {
            table_remove(t, list_item(head->next, struct flow, life_link));
            t->evicted++;
            return true;
        }
    }
    return false;
}

struct flow *table_open(struct table *t, const struct packet *p, bool reversed, uint64_t now_ns)
{
    if (t->count >= t->max && !make_room(t))
        return NULL;
    struct flow *f = calloc(1, sizeof(*f) + t->extra);
    if (f == NULL)
        return NULL;
    bool swapped = packet_key(p, false, &f->key);
    f->client_is_a = swapped == reversed;
    f->hash = key_hash(t, &f->key);
    f->icmp_type = p->icmp_type;
    f->icmp_code = p->icmp_code;
    f->start_ns = f->last_ns = now_ns;
    /* Below 2^51, so that readers that keep numbers as doubles lose nothing. */
    f->id = (mix(f->hash ^ now_ns) + mix(++t->opened)) & ((1ull << 51) - 1);
    if (f->id == 0)
        f->id = 1;
    f->life = (uint8_t)(p->proto == IPPROTO_TCP ? FLOW_TCP_OPENING : FLOW_OTHER_NEW);
    list_insert(&t->lives[f->life], &f->life_link);
    struct flow **bucket = &t->buckets[f->hash & t->mask];
    f->hash_next = *bucket;
    *bucket = f;
    t->count++;
    return f;
}

void table_touch(struct table *t, struct flow *f, uint64_t now_ns)
{
    f->last_ns = now_ns;
    list_remove(&f->life_link);
    list_insert(&t->lives[f->life], &f->life_link);
}

void table_set_life(struct table *t, struct flow *f, enum flow_life life)
{
    if (f->life == life)
        return;
    f->life = (uint8_t)life;
    list_remove(&f->life_link);
    list_insert(&t->lives[life], &f->life_link);
}

void table_remove(struct table *t, struct flow *f)
{
    if (t->drop != NULL)
        t->drop(t->ctx, f);
    list_remove(&f->life_link);
    struct flow **at = &t->buckets[f->hash & t->mask];
    while (*at != f)
        at = &(*at)->hash_next;
    *at = f->hash_next;
    t->count--;
    free(f);
}

size_t table_expire(struct table *t, uint64_t now_ns, size_t limit)
{
    size_t n = 0;
    for (size_t i = 0; i < FLOW_LIVES; i++) {
        struct list *head = &t->lives[i];
        while (n < limit && !list_empty(head)) {
            struct flow *f = list_item(head->next, struct flow, life_link);
            if (now_ns < f->last_ns || now_ns - f->last_ns < t->idle_ns[i])
                break;
            table_remove(t, f);
            n++;
        }
    }
    return n;
}

size_t table_count(const struct table *t)
{
    return t->count;
}

uint64_t table_evicted(const struct table *t)
{
    return t->evicted;
}

void table_visit(struct table *t, bool (*visit)(void *ctx, struct flow *f), void *ctx)
{
    for (size_t i = 0; i < FLOW_LIVES; i++)
        for (struct list *l = t->lives[i].next; l != &t->lives[i]; l = l->next)
            if (!visit(ctx, list_item(l, struct flow, life_link)))
                return;
}
