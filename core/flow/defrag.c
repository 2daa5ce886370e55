/* SPDX-License-Identifier: Apache-2.0 */

/* defrag: when a datagram is whole, and when it never may be.
 *
 * Which datagram a fragment belongs to: RFC 791 §3.2, RFC 8200 §4.5, and the VLAN. What a datagram
 * holds is pieces.c's, and so is how it is put together. Here: the table, the caps, the clock.
 *
 * Datagrams are kept in order of age; those over the caps go oldest first. A datagram that was
 * spoiled leaves its id behind until the timeout, and so does one that was completed: else a second
 * set of fragments could be judged as a datagram of its own while the endpoint, which lost one of
 * the first set, makes one of both that nobody judged. IPv4 ids come again soon (RFC 4963), so
 * there this is done for TCP alone: of other protocols only the first fragment is judged, and
 * every first fragment that gets through belongs to a datagram that was allowed.
 */

#include "flow/defrag.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "flow/pieces.h"

#define BUCKETS_MIN 64
#define BUCKETS_MAX (1u << 20)

/* Hashed and compared as bytes: no padding. */
struct key {
    uint32_t id;
    uint16_t vlan[3];
    uint8_t vlan_count;
    uint8_t proto; /* IPv4 only; of IPv6 fragments the first one's counts, RFC 8200 §4.5 */
    struct l7_address src, dst;
    uint8_t zero[2];
};
_Static_assert(sizeof(struct key) == 48, "padding in struct key");

enum datagram_state {
    DATAGRAM_OPEN,
    DATAGRAM_SPOILED,
    DATAGRAM_DONE,
};

struct datagram {
    struct key key;
    struct datagram *next;          /* in its bucket */
    struct datagram *older, *newer; /* in order of age */
    uint64_t since_ns;
    enum datagram_state state;
    struct pieces pieces;
};

struct defrag {
    size_t max_bytes, max_datagrams;
    uint64_t timeout_ns;
    uint64_t seed[2];
    size_t bytes, count;
    size_t given_up; /* frames, since the last defrag_expire() */
    struct datagram *oldest, *newest;
    size_t bucket_count; /* a power of two */
    struct datagram *buckets[];
};

struct defrag *defrag_new(size_t max_bytes, size_t max_datagrams, uint64_t timeout_ns)
{
    size_t buckets = BUCKETS_MIN;
    struct defrag *d;

    while (buckets < max_datagrams && buckets < BUCKETS_MAX)
        buckets *= 2;
    d = calloc(1, sizeof(*d) + buckets * sizeof(struct datagram *));
    if (!d)
        return NULL;
    d->max_bytes = max_bytes;
    d->max_datagrams = max_datagrams;
    d->timeout_ns = timeout_ns;
    d->bucket_count = buckets;
    /* Without a secret a sender could pick ids that share a bucket. */
    if (getrandom(d->seed, sizeof(d->seed), 0) != (ssize_t)sizeof(d->seed)) {
        free(d);
        return NULL;
    }
    return d;
}

static struct key key_of(const struct packet *fragment)
{
    struct key key = {
        .id = fragment->fragment_id,
        .vlan_count = fragment->vlan_count,
        .proto = fragment->src.family == 4 ? fragment->proto : 0,
        .src = fragment->src,
        .dst = fragment->dst,
    };

    memcpy(key.vlan, fragment->vlan, sizeof(key.vlan));
    return key;
}

static size_t key_bucket(const struct defrag *d, const struct key *key)
{
    const uint8_t *bytes = (const uint8_t *)key;
    uint64_t hash = d->seed[0];

    for (size_t i = 0; i < sizeof(*key); i += sizeof(uint32_t)) {
        uint32_t word;

        memcpy(&word, bytes + i, sizeof(word));
        hash = (hash ^ word) * (d->seed[1] | 1);
        hash ^= hash >> 29;
    }
    return (size_t)(hash >> 20) & (d->bucket_count - 1);
}

static struct datagram *datagram_find(struct defrag *d, const struct key *key)
{
    struct datagram *dg = d->buckets[key_bucket(d, key)];

    while (dg && memcmp(&dg->key, key, sizeof(*key)) != 0)
        dg = dg->next;
    return dg;
}

static void age_unlink(struct defrag *d, struct datagram *dg)
{
    *(dg->older ? &dg->older->newer : &d->oldest) = dg->newer;
    *(dg->newer ? &dg->newer->older : &d->newest) = dg->older;
}

static void age_append(struct defrag *d, struct datagram *dg, uint64_t now_ns)
{
    dg->since_ns = now_ns;
    dg->older = d->newest;
    dg->newer = NULL;
    *(d->newest ? &d->newest->newer : &d->oldest) = dg;
    d->newest = dg;
}

static void datagram_empty(struct defrag *d, struct datagram *dg)
{
    d->bytes -= dg->pieces.bytes;
    pieces_fini(&dg->pieces);
}

static void datagram_free(struct defrag *d, struct datagram *dg)
{
    struct datagram **at = &d->buckets[key_bucket(d, &dg->key)];

    while (*at != dg)
        at = &(*at)->next;
    *at = dg->next;
    age_unlink(d, dg);
    datagram_empty(d, dg);
    d->bytes -= sizeof(*dg);
    d->count--;
    free(dg);
}

/* Its frames will never be forwarded. */
static void datagram_give_up(struct defrag *d, struct datagram *dg)
{
    d->given_up += dg->pieces.count;
    datagram_free(d, dg);
}

/* From now on its id is answered with a refusal. */
static void datagram_shut(struct defrag *d, struct datagram *dg, enum datagram_state state,
                          uint64_t now_ns)
{
    datagram_empty(d, dg);
    dg->state = state;
    age_unlink(d, dg);
    age_append(d, dg, now_ns);
}

/* Make room for `bytes`, but not at the cost of `keep`. */
static bool make_room(struct defrag *d, size_t bytes, const struct datagram *keep)
{
    if (bytes > d->max_bytes)
        return false;
    while (d->bytes > d->max_bytes - bytes) {
        struct datagram *victim = keep && d->oldest == keep ? keep->newer : d->oldest;

        if (!victim)
            return false;
        datagram_give_up(d, victim);
    }
    return true;
}

static struct datagram *datagram_new(struct defrag *d, const struct key *key, uint64_t now_ns)
{
    struct datagram *dg;
    size_t bucket;

    if (d->max_datagrams == 0)
        return NULL;
    while (d->count >= d->max_datagrams)
        datagram_give_up(d, d->oldest);
    if (!make_room(d, sizeof(*dg), NULL))
        return NULL;
    dg = calloc(1, sizeof(*dg));
    if (!dg)
        return NULL;
    memcpy(&dg->key, key, sizeof(*key));
    bucket = key_bucket(d, key);
    dg->next = d->buckets[bucket];
    d->buckets[bucket] = dg;
    age_append(d, dg, now_ns);
    d->bytes += sizeof(*dg);
    d->count++;
    return dg;
}

static void expire(struct defrag *d, uint64_t now_ns)
{
    /* The clock may be a capture file's, and run backwards. */
    while (d->oldest && now_ns > d->oldest->since_ns &&
           now_ns - d->oldest->since_ns > d->timeout_ns)
        datagram_give_up(d, d->oldest);
}

static enum defrag_put refuse(const char **reason, const char *why)
{
    *reason = why;
    return DEFRAG_REFUSED;
}

/* `frames`: how many of its pieces were held, and now will never be forwarded. */
static enum defrag_put spoil(struct defrag *d, struct datagram *dg, size_t frames, uint64_t now_ns,
                             const char **reason, const char *why)
{
    d->given_up += frames;
    datagram_shut(d, dg, DATAGRAM_SPOILED, now_ns);
    return refuse(reason, why);
}

static bool piece_keep(struct defrag *d, struct datagram *dg, const struct packet *fragment)
{
    size_t before = dg->pieces.bytes;
    bool kept =
        make_room(d, pieces_cost(&dg->pieces, fragment), dg) && pieces_add(&dg->pieces, fragment);

    d->bytes += dg->pieces.bytes - before;
    return kept;
}

/* All pieces are there. */
static enum defrag_put complete(struct defrag *d, struct datagram *dg, uint64_t now_ns,
                                struct defrag_whole *out, const char **reason)
{
    const char *why = pieces_join(&dg->pieces, out);

    if (why) /* the last piece is the frame at hand: refused, not given up */
        return spoil(d, dg, dg->pieces.count - 1, now_ns, reason, why);
    if (out->packet.proto == IPPROTO_TCP || out->packet.src.family == 6)
        datagram_shut(d, dg, DATAGRAM_DONE, now_ns);
    else
        datagram_free(d, dg);
    return DEFRAG_WHOLE;
}

enum defrag_put defrag_put(struct defrag *d, const struct packet *fragment, uint64_t now_ns,
                           struct defrag_whole *out, const char **reason)
{
    const char *why = pieces_check(fragment);
    struct key key = key_of(fragment);
    struct datagram *dg;

    expire(d, now_ns);
    dg = datagram_find(d, &key);
    if (dg && dg->state == DATAGRAM_SPOILED)
        return refuse(reason, "fragment-spoiled");
    if (dg && dg->state == DATAGRAM_DONE)
        return refuse(reason, "fragment-late");
    if (why)
        return refuse(reason, why);
    if (dg) {
        if (pieces_has(&dg->pieces, fragment))
            return refuse(reason, "fragment-repeat");
        why = pieces_conflict(&dg->pieces, fragment);
        if (why)
            return spoil(d, dg, dg->pieces.count, now_ns, reason, why);
    } else {
        dg = datagram_new(d, &key, now_ns);
        if (!dg)
            return refuse(reason, "fragment-memory");
    }
    if (!piece_keep(d, dg, fragment)) {
        if (dg->pieces.count == 0)
            datagram_free(d, dg);
        return refuse(reason, "fragment-memory");
    }
    return pieces_whole(&dg->pieces) ? complete(d, dg, now_ns, out, reason) : DEFRAG_HELD;
}

void defrag_whole_fini(struct defrag_whole *whole)
{
    free(whole->parts);
    free(whole->bytes);
    *whole = (struct defrag_whole){0};
}

size_t defrag_expire(struct defrag *d, uint64_t now_ns)
{
    size_t frames;

    expire(d, now_ns);
    frames = d->given_up;
    d->given_up = 0;
    return frames;
}

size_t defrag_bytes(const struct defrag *d)
{
    return d->bytes;
}

void defrag_free(struct defrag *d)
{
    if (!d)
        return;
    while (d->oldest)
        datagram_free(d, d->oldest);
    free(d);
}
