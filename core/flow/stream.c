/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RUN_MIN 512

/* `data` + `start` is the byte at `offset`. */
struct run {
    struct run *next;
    uint64_t offset;
    size_t start, len, cap;
    uint8_t *data;
};

static void run_free(struct stream *st, struct run *r)
{
    st->bytes -= r->cap;
    free(r->data);
    free(r);
}

static void drop_runs(struct stream *st)
{
    while (st->runs != NULL) {
        struct run *r = st->runs;
        st->runs = r->next;
        run_free(st, r);
    }
    st->last = NULL;
}

void stream_start(struct stream *st, uint32_t seq, bool retain)
{
    drop_runs(st);
    memset(st, 0, sizeof(*st));
    st->started = true;
    st->retain = retain;
    st->origin = seq;
}

void stream_fini(struct stream *st)
{
    drop_runs(st);
    st->started = false;
}

int64_t stream_offset(const struct stream *st, uint32_t seq)
{
    /* After a skip of everything `read` is far away from what comes: stay near what was seen. */
    uint64_t near = st->read < st->high ? st->read : st->high;
    return (int64_t)near + (int32_t)(seq - (uint32_t)(st->origin + near));
}

uint32_t stream_seq(const struct stream *st, uint64_t offset)
{
    return st->origin + (uint32_t)offset;
}

bool stream_matches(const struct stream *st, uint64_t offset, struct l7_bytes bytes)
{
    uint64_t end = offset + bytes.len;
    for (const struct run *r = st->runs; r != NULL && r->offset < end; r = r->next) {
        uint64_t from = r->offset > offset ? r->offset : offset;
        uint64_t to = r->offset + r->len < end ? r->offset + r->len : end;
        if (from < to && memcmp(r->data + r->start + (from - r->offset),
                                bytes.ptr + (from - offset), (size_t)(to - from)) != 0)
            return false;
    }
    return true;
}

struct l7_bytes stream_pending(const struct stream *st)
{
    if (st->done >= st->read || st->last == NULL)
        return (struct l7_bytes){NULL, 0};
    const struct run *r = st->last;
    size_t at = (size_t)(st->done - r->offset);
    return (struct l7_bytes){r->data + r->start + at, r->len - at};
}

/* A run that ends at `read` with room for `n` more bytes. */
static struct run *run_with_room(struct stream *st, size_t n)
{
    struct run *r = st->last;
    if (r != NULL && r->len == 0)
        r->offset = st->read;
    if (r == NULL || r->offset + r->len != st->read) {
        r = calloc(1, sizeof(*r));
        if (r == NULL)
            return NULL;
        r->offset = st->read;
        if (st->last != NULL)
            st->last->next = r;
        else
            st->runs = r;
        st->last = r;
    }
    if (r->cap - r->start - r->len >= n)
        return r;
    /* Move what is kept only where that frees a quarter; else grow: a receiver that acknowledges
     * byte by byte would have everything moved for each byte. */
    bool roomy = r->start >= r->cap / 4 && r->start > 0;
    size_t cap = r->cap == 0 ? RUN_MIN : roomy ? r->cap : r->cap * 2;
    while (cap - r->len < n)
        cap *= 2;
    if (r->start > 0)
        memmove(r->data, r->data + r->start, r->len);
    r->start = 0;
    if (cap == r->cap)
        return r;
    uint8_t *data = realloc(r->data, cap);
    if (data == NULL)
        return NULL;
    st->bytes += cap - r->cap;
    r->data = data;
    r->cap = cap;
    return r;
}

int stream_append(struct stream *st, struct l7_bytes bytes, size_t consumed)
{
    size_t from = st->retain ? 0 : consumed;
    if (from == bytes.len) {
        st->read += bytes.len;
    } else {
        st->read += from;
        struct run *r = run_with_room(st, bytes.len - from);
        if (r == NULL) {
            st->read -= from;
            return -ENOMEM;
        }
        memcpy(r->data + r->start + r->len, bytes.ptr + from, bytes.len - from);
        r->len += bytes.len - from;
        st->read += bytes.len - from;
    }
    st->done += consumed;
    if (st->high < st->read)
        st->high = st->read;
    if (!st->retain)
        stream_acked(st, st->done);
    return 0;
}

void stream_consume(struct stream *st, size_t n)
{
    st->done += n;
    if (!st->retain)
        stream_acked(st, st->done);
}

void stream_skip(struct stream *st, uint64_t n)
{
    st->skip_from = st->done;
    st->done = n > UINT64_MAX / 2 - st->done ? UINT64_MAX / 2 : st->done + n;
    if (st->done > st->read)
        st->read = st->done;
    if (!st->retain)
        stream_acked(st, st->done);
}

void stream_jump(struct stream *st, uint64_t offset)
{
    drop_runs(st);
    st->done = st->read = offset;
    if (st->high < offset)
        st->high = offset;
}

void stream_acked(struct stream *st, uint64_t offset)
{
    if (offset > st->done)
        offset = st->done; /* pending bytes stay: the reader needs them */
    if (offset <= st->acked)
        return;
    st->acked = offset;
    while (st->runs != NULL) {
        struct run *r = st->runs;
        if (r->offset >= offset)
            return;
        uint64_t gone = offset - r->offset;
        if (gone < r->len) {
            r->start += (size_t)gone;
            r->len -= (size_t)gone;
            r->offset = offset;
            return;
        }
        if (r == st->last && r->cap <= 4 * RUN_MIN) {
            r->start = r->len = 0; /* kept for the next message */
            r->offset = st->read;
            return;
        }
        st->runs = r->next;
        if (r == st->last)
            st->last = NULL;
        run_free(st, r);
    }
}
