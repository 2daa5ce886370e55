/* SPDX-License-Identifier: Apache-2.0 */

/* inline: a command as a line of words, for people and health checks.
 *
 * Servers take any line for a command, so this form is where other protocols are taken for Redis.
 * A flow is claimed only if its first line is the whole of a known command; what looks like HTTP is
 * refused wherever it stands, as servers themselves do with POST and Host:. Quotes, by which a word
 * can be written in many ways, may stand in neither of the two words that rules look at.
 */

#include <string.h>
#include "redis.h"

#define PROBE_MAX 1024 /* of a first line: the probe reads it again with each segment */

static bool ends_with_http(struct l7_bytes line)
{
    static const char http[] = "HTTP/";
    size_t at = line.len;

    while (at > 0 && line.ptr[at - 1] != ' ')
        at--;
    return line.len - at > sizeof(http) - 1 && memcmp(line.ptr + at, http, sizeof(http) - 1) == 0;
}

static bool is_word(struct l7_bytes word, const char *text)
{
    return word.len == strlen(text) && memcmp(word.ptr, text, word.len) == 0;
}

static bool is_plain(struct l7_bytes word)
{
    for (size_t i = 0; i < word.len; i++)
        if (word.ptr[i] == '"' || word.ptr[i] == '\'')
            return false;
    return true;
}

/* The word at `*at`, which moves behind it; `ptr` NULL: there is none. */
static struct l7_bytes next_word(struct l7_bytes line, size_t *at)
{
    size_t from;

    while (*at < line.len && line.ptr[*at] == ' ')
        ++*at;
    from = *at;
    while (*at < line.len && line.ptr[*at] != ' ')
        ++*at;
    return (struct l7_bytes){*at > from ? line.ptr + from : NULL, *at - from};
}

static struct inline_words fault(const char *reason)
{
    return (struct inline_words){.fault = reason};
}

struct inline_words inline_split(struct l7_bytes line)
{
    struct inline_words words = {0};
    char upper[NAME_MAX_LEN];
    size_t at = 0;

    for (size_t i = 0; i < line.len; i++)
        if (line.ptr[i] < ' ' || line.ptr[i] == 0x7f)
            return fault("bad-inline-byte");
    words.name = next_word(line, &at);
    words.key = next_word(line, &at);
    if (!words.name.ptr)
        return fault("empty-command");
    if (!is_plain(words.name) || !is_plain(words.key))
        return fault("quoted-word");
    if (!command_is_name(words.name))
        return fault("bad-command");
    struct l7_bytes name = command_upper(words.name, upper);
    if (is_word(name, "POST") || is_word(name, "HOST:") || ends_with_http(line))
        return fault("not-redis");
    words.count = words.key.ptr ? 2 : 1;
    while (next_word(line, &at).ptr)
        words.count++;
    return words;
}

/* Length of the line at the start of `in` with its CRLF; 0: not whole yet. */
static size_t find_line(struct l7_bytes in, size_t from)
{
    const uint8_t *end = from < in.len ? memchr(in.ptr + from, '\n', in.len - from) : NULL;

    return end ? (size_t)(end - in.ptr) + 1 : 0;
}

static bool ends_in_crlf(struct l7_bytes line)
{
    return line.len >= 2 && line.ptr[line.len - 2] == '\r';
}

enum l7_probe inline_probe(struct l7_bytes in)
{
    char upper[NAME_MAX_LEN];
    struct l7_bytes name = {in.ptr, 0};
    size_t len;

    while (name.len < in.len && name.len <= NAME_MAX_LEN && in.ptr[name.len] > ' ')
        name.len++;
    if (name.len == 0 || name.len > NAME_MAX_LEN)
        return L7_PROBE_NO;
    bool ended = name.len < in.len;
    name = command_upper(name, upper);
    if (ended ? !command_is_known(name) : !command_begins(name))
        return L7_PROBE_NO;
    len = find_line(in, 0);
    if (len == 0)
        return in.len < PROBE_MAX ? L7_PROBE_MORE : L7_PROBE_NO;
    if (len > PROBE_MAX || !ends_in_crlf((struct l7_bytes){in.ptr, len}))
        return L7_PROBE_NO;
    return inline_split((struct l7_bytes){in.ptr, len - 2}).fault ? L7_PROBE_NO : L7_PROBE_YES;
}

enum l7_step inline_read(struct redis *r, struct l7_flow *flow, struct l7_bytes in,
                         struct l7_progress *progress)
{
    size_t len;

    if (!r->options->take_inline)
        return redis_break(progress, "inline-command");
    len = find_line(in, r->seen);
    if (len > INLINE_MAX || (len == 0 && in.len >= INLINE_MAX))
        return redis_break(progress, "line-too-long");
    if (len == 0) {
        r->seen = in.len;
        progress->needed = in.len + 1;
        return L7_STEP_OK;
    }
    if (!ends_in_crlf((struct l7_bytes){in.ptr, len}))
        return redis_break(progress, "bare-lf");
    struct inline_words words = inline_split((struct l7_bytes){in.ptr, len - 2});
    if (words.fault)
        return redis_break(progress, words.fault);
    if (words.count > r->options->max_arguments)
        return redis_break(progress, "too-many-arguments");
    if (!redis_begin(r, flow, words.name, words.count - 1))
        return redis_break(progress, "transaction-limit");
    if (r->key_place != KEY_NONE) {
        bool fits = words.key.len <= r->options->max_key;
        redis_key(r, fits ? words.key : (struct l7_bytes){NULL, 0});
    }
    if (redis_host->tx_decide(r->tx) != L7_JUDGEMENT_ALLOW)
        return L7_STEP_OK;
    redis_end(r);
    progress->consumed = len;
    return L7_STEP_OK;
}
