/* SPDX-License-Identifier: Apache-2.0 */

/* array: a command as an array of bulk strings, the form that clients use.
 *
 * Servers read this form loosely: of a line's end they look at the CR alone, and not at all at the
 * two bytes behind a bulk string. Here everything is as the protocol specification writes it, so
 * that no two readers can disagree. A number has neither sign nor leading zero.
 *
 * Name and key are held until the command is decided; the other arguments are skipped.
 */

#include "redis.h"

#define DIGITS_MAX 10

enum part { PART_WHOLE, PART_MORE, PART_BAD };

/* "*12" CRLF at `*at`; moves `*at` behind it when it is whole. */
static enum part read_number(struct l7_bytes in, size_t *at, uint8_t mark, uint64_t *number)
{
    size_t i = *at, digits;
    uint64_t value = 0;

    if (i >= in.len)
        return PART_MORE;
    if (in.ptr[i++] != mark)
        return PART_BAD;
    for (digits = 0; i < in.len && in.ptr[i] >= '0' && in.ptr[i] <= '9'; i++, digits++) {
        if (digits == DIGITS_MAX || (digits == 1 && value == 0))
            return PART_BAD;
        value = value * 10 + (uint64_t)(in.ptr[i] - '0');
    }
    if (i == in.len)
        return PART_MORE;
    if (digits == 0 || in.ptr[i++] != '\r')
        return PART_BAD;
    if (i == in.len)
        return PART_MORE;
    if (in.ptr[i++] != '\n')
        return PART_BAD;
    *number = value;
    *at = i;
    return PART_WHOLE;
}

/* The CRLF behind a bulk string. */
static enum part read_end(struct l7_bytes in, size_t *at)
{
    if (*at < in.len && in.ptr[*at] != '\r')
        return PART_BAD;
    if (in.len - *at < 2)
        return PART_MORE;
    if (in.ptr[*at + 1] != '\n')
        return PART_BAD;
    *at += 2;
    return PART_WHOLE;
}

/* Nothing to do before `needed` bytes are there; what is consumed does not count. */
static enum l7_step wait_for(struct l7_progress *progress, uint64_t needed)
{
    progress->needed = (size_t)needed;
    return L7_STEP_OK;
}

enum l7_probe array_probe(struct l7_bytes in)
{
    size_t at = 0;
    uint64_t count;

    switch (read_number(in, &at, '*', &count)) {
    case PART_BAD:
        return L7_PROBE_NO;
    case PART_MORE:
        return L7_PROBE_MORE;
    case PART_WHOLE:
        break;
    }
    if (at == in.len)
        return L7_PROBE_MORE;
    return in.ptr[at] == '$' ? L7_PROBE_YES : L7_PROBE_NO;
}

/* The head of the array and the command's name. Consumes nothing. */
static enum l7_step read_name(struct redis *r, struct l7_flow *flow, struct l7_bytes in,
                              struct l7_progress *progress)
{
    size_t at = 0;
    uint64_t count, len;

    switch (read_number(in, &at, '*', &count)) {
    case PART_BAD:
        return redis_break(progress, "bad-count");
    case PART_MORE:
        return wait_for(progress, in.len + 1);
    case PART_WHOLE:
        break;
    }
    if (count == 0)
        return redis_break(progress, "empty-command");
    if (count > r->options->max_arguments)
        return redis_break(progress, "too-many-arguments");
    switch (read_number(in, &at, '$', &len)) {
    case PART_BAD:
        return redis_break(progress, "bad-length");
    case PART_MORE:
        return wait_for(progress, in.len + 1);
    case PART_WHOLE:
        break;
    }
    if (len == 0 || len > NAME_MAX_LEN)
        return redis_break(progress, "bad-command");
    if (in.len - at < len)
        return wait_for(progress, at + len + 2);
    struct l7_bytes name = {in.ptr + at, (size_t)len};
    if (!command_is_name(name))
        return redis_break(progress, "bad-command");
    at += name.len;
    switch (read_end(in, &at)) {
    case PART_BAD:
        return redis_break(progress, "bad-end");
    case PART_MORE:
        return wait_for(progress, at + 2);
    case PART_WHOLE:
        break;
    }
    if (!redis_begin(r, flow, name, count - 1))
        return redis_break(progress, "transaction-limit");
    r->left = count - 1;
    r->seen = at;
    r->phase = PHASE_KEY;
    return L7_STEP_OK;
}

/* The key, where the command has one; then the decision. Consumes all that was read if the
 * command is allowed. */
static enum l7_step read_key(struct redis *r, struct l7_bytes in, struct l7_progress *progress)
{
    size_t at = r->seen;
    uint64_t len;

    if (r->key_place != KEY_NONE) {
        switch (read_number(in, &at, '$', &len)) {
        case PART_BAD:
            return redis_break(progress, "bad-length");
        case PART_MORE:
            return wait_for(progress, in.len + 1);
        case PART_WHOLE:
            break;
        }
        if (len > r->options->max_key) {
            redis_key(r, (struct l7_bytes){NULL, 0}); /* read again, as any argument */
        } else {
            if (in.len - at < len)
                return wait_for(progress, at + len + 2);
            struct l7_bytes key = {in.ptr + at, (size_t)len};
            at += key.len;
            switch (read_end(in, &at)) {
            case PART_BAD:
                return redis_break(progress, "bad-end");
            case PART_MORE:
                return wait_for(progress, at + 2);
            case PART_WHOLE:
                break;
            }
            redis_key(r, key);
            r->seen = at;
            r->left--;
        }
    }
    if (redis_host->tx_decide(r->tx) != L7_JUDGEMENT_ALLOW)
        return L7_STEP_OK;
    progress->consumed = r->seen;
    r->seen = 0;
    r->phase = PHASE_ARGUMENTS;
    return L7_STEP_OK;
}

/* What is left of an allowed command. Each argument that is whole is consumed, of the first that
 * is not its bytes are skipped. */
static enum l7_step read_arguments(struct redis *r, struct l7_bytes in,
                                   struct l7_progress *progress)
{
    size_t at = progress->consumed;
    uint64_t len;

    for (;;) {
        if (r->phase == PHASE_ARGUMENT_END) {
            switch (read_end(in, &at)) {
            case PART_BAD:
                return redis_break(progress, "bad-end");
            case PART_MORE:
                return wait_for(progress, 2);
            case PART_WHOLE:
                break;
            }
            progress->consumed = at;
            r->phase = PHASE_ARGUMENTS;
        }
        if (r->left == 0) {
            redis_end(r);
            return L7_STEP_OK;
        }
        switch (read_number(in, &at, '$', &len)) {
        case PART_BAD:
            return redis_break(progress, "bad-length");
        case PART_MORE:
            return wait_for(progress, in.len - progress->consumed + 1);
        case PART_WHOLE:
            break;
        }
        if (len > BULK_MAX)
            return redis_break(progress, "argument-too-long");
        r->left--;
        r->phase = PHASE_ARGUMENT_END;
        progress->consumed = at;
        if (in.len - at < len) {
            progress->skip = len;
            return L7_STEP_OK;
        }
        at += (size_t)len;
        progress->consumed = at;
    }
}

enum l7_step array_read(struct redis *r, struct l7_flow *flow, struct l7_bytes in,
                        struct l7_progress *progress)
{
    enum l7_step step = L7_STEP_OK;

    if (r->phase == PHASE_COMMAND)
        step = read_name(r, flow, in, progress);
    if (r->phase == PHASE_KEY && step == L7_STEP_OK)
        step = read_key(r, in, progress);
    if (r->phase >= PHASE_ARGUMENTS && step == L7_STEP_OK)
        step = read_arguments(r, in, progress);
    return step;
}
