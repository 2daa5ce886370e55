/* SPDX-License-Identifier: Apache-2.0 */

/* redis: an inspector of the Redis protocol (RESP, redis.io/docs/reference/protocol-spec).
 *
 * Decides which flows are Redis, which facts of a command rules can match, and what records say.
 * Leaves the two forms of a command to array.c and inline.c, and what the names mean to command.c.
 *
 *     l7Protocols: [{redis: {command: GET, key: "user:*"}}]
 */

#include "redis.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "l7guard/plugin.h"

static const struct l7_field fields[] = {
    [FIELD_COMMAND] = {.name = "command",
                       .match = L7_MATCH_GLOB,
                       .flags = L7_FIELD_NOCASE,
                       .help = "name of the command: its first word"},
    [FIELD_KEY] = {.name = "key",
                   .match = L7_MATCH_GLOB,
                   .help = "its key, of commands that can have only one"},
};

static const struct l7_attr attrs[] = {
    [ATTR_COMMAND] = {.name = "command", .type = L7_TYPE_STRING, .help = "name, in upper case"},
    [ATTR_KEY] = {.name = "key",
                  .type = L7_TYPE_STRING,
                  .help = "its key, of commands that can have only one"},
    [ATTR_ARGUMENTS] = {.name = "arguments",
                        .type = L7_TYPE_NUMBER,
                        .help = "how many words follow the name"},
};

static const struct l7_option options[] = {
    {.key = "max-arguments",
     .type = L7_OPTION_NUMBER,
     .fallback = "1024",
     .help = "most words of a command; one with more is refused"},
    {.key = "max-key",
     .type = L7_OPTION_SIZE,
     .fallback = "4KiB",
     .help = "longest key that rules can match; no pattern fits a longer one"},
    {.key = "inline",
     .type = L7_OPTION_BOOL,
     .fallback = "true",
     .help = "take commands written as a line of words; false: refuse them"},
};

const struct l7_host *redis_host;

static int redis_load(const struct l7_host *host, const struct l7_config *config, void **self)
{
    struct redis_options *o = calloc(1, sizeof(*o));

    if (!o)
        return -ENOMEM;
    o->max_arguments = (uint64_t)host->config_number(config, "max-arguments");
    o->max_key = (size_t)host->config_number(config, "max-key");
    o->take_inline = host->config_bool(config, "inline");
    if (o->max_arguments == 0) {
        host->diag(host, L7_ERROR, "max-arguments: 0 would refuse every command; give 1 or more");
        free(o);
        return -EINVAL;
    }
    redis_host = host;
    *self = o;
    return 0;
}

static void redis_unload(void *self)
{
    free(self);
}

static int redis_open(void *self, void *state, struct l7_flow *flow)
{
    struct redis *r = state;

    (void)flow;
    r->options = self;
    return 0;
}

static enum l7_probe redis_probe(const void *self, enum l7_dir dir, struct l7_bytes seen)
{
    const struct redis_options *o = self;

    if (dir != L7_TO_SERVER)
        return L7_PROBE_NO;
    if (seen.len == 0)
        return L7_PROBE_MORE;
    if (seen.ptr[0] == '*')
        return array_probe(seen);
    return o->take_inline ? inline_probe(seen) : L7_PROBE_NO;
}

static void put_string(struct l7_tx *tx, unsigned field, unsigned attr, struct l7_bytes bytes)
{
    const struct l7_field_value value = {.forms = &bytes, .form_count = 1};

    redis_host->tx_field(tx, field, &value);
    redis_host->tx_attr(tx, attr, (struct l7_value){.type = L7_TYPE_STRING, .string = bytes});
}

/* Where the key is, with so many arguments; KEY_NONE or KEY_FIRST. */
static enum key_place key_place(struct l7_bytes name, uint64_t arguments)
{
    enum key_place place = command_key_place(name);

    if (arguments == 0 || (place == KEY_ONLY && arguments > 1))
        return KEY_NONE;
    return place == KEY_ONLY ? KEY_FIRST : place;
}

bool redis_begin(struct redis *r, struct l7_flow *flow, struct l7_bytes name, uint64_t arguments)
{
    char upper[NAME_MAX_LEN];

    r->tx = redis_host->tx_open(flow);
    if (!r->tx)
        return false;
    name = command_upper(name, upper);
    r->key_place = key_place(name, arguments);
    put_string(r->tx, FIELD_COMMAND, ATTR_COMMAND, name);
    redis_host->tx_attr(r->tx, ATTR_ARGUMENTS,
                        (struct l7_value){.type = L7_TYPE_NUMBER, .number = (int64_t)arguments});
    return true;
}

void redis_key(struct redis *r, struct l7_bytes key)
{
    if (key.ptr)
        put_string(r->tx, FIELD_KEY, ATTR_KEY, key);
    else
        redis_host->tx_field(r->tx, FIELD_KEY, &(struct l7_field_value){.unmatchable = true});
}

void redis_end(struct redis *r)
{
    redis_host->tx_close(r->tx);
    *r = (struct redis){.options = r->options};
}

enum l7_step redis_break(struct l7_progress *progress, const char *reason)
{
    progress->reason = reason;
    return L7_STEP_BREAK;
}

/* One command a call. Nothing a server says changes how its client's bytes are read. */
static enum l7_step redis_feed(void *self, void *state, struct l7_flow *flow, enum l7_dir dir,
                               struct l7_bytes in, struct l7_progress *progress)
{
    struct redis *r = state;

    (void)self;
    if (dir == L7_TO_CLIENT) {
        progress->skip = L7_SKIP_ALL;
        return L7_STEP_OK;
    }
    if (in.len == 0)
        return L7_STEP_OK;
    if (r->phase == PHASE_COMMAND && in.ptr[0] != '*')
        return inline_read(r, flow, in, progress);
    return array_read(r, flow, in, progress);
}

static void say(struct l7_text *text, const char *words)
{
    size_t len = strlen(words);

    text->len = len < text->cap ? len : text->cap;
    memcpy(text->ptr, words, text->len);
}

static enum l7_pattern redis_pattern(const void *self, unsigned field, struct l7_bytes text,
                                     struct l7_text *out, struct l7_text *note)
{
    (void)self;
    if (text.len > out->cap) {
        say(note, "too long");
        return L7_PATTERN_REFUSE;
    }
    if (text.len > 0)
        memcpy(out->ptr, text.ptr, text.len);
    out->len = text.len;
    if (field == FIELD_COMMAND && memchr(out->ptr, ' ', out->len)) {
        say(note, "never fits: a command is its first word alone, without subcommand or arguments");
        return L7_PATTERN_WARN;
    }
    return L7_PATTERN_OK;
}

/* `l7ctl explain --redis 'GET user:1'`, or its fields by name. */
static int redis_example(const void *self, const struct l7_pair *pairs, size_t pair_count,
                         struct l7_tx *tx, struct l7_text *note)
{
    char upper[NAME_MAX_LEN];

    (void)self;
    for (size_t i = 0; i < pair_count; i++) {
        struct l7_bytes value = pairs[i].value;
        bool whole = !pairs[i].name[0];
        struct inline_words words = {.name = value, .count = 1};
        if (!value.ptr)
            continue; /* explicitly absent */
        if (strcmp(pairs[i].name, "key") == 0) {
            put_string(tx, FIELD_KEY, ATTR_KEY, value);
            continue;
        }
        if (whole)
            words = inline_split(value);
        if ((!whole && strcmp(pairs[i].name, "command") != 0) || words.fault ||
            !command_is_name(words.name)) {
            say(note, "takes one command, such as 'GET user:1', or command=GET key=user:1");
            return -EINVAL;
        }
        struct l7_bytes name = command_upper(words.name, upper);
        put_string(tx, FIELD_COMMAND, ATTR_COMMAND, name);
        if (key_place(name, words.count - 1) != KEY_NONE)
            put_string(tx, FIELD_KEY, ATTR_KEY, words.key);
    }
    return 0;
}

static const struct l7_inspector inspector = {
    .size = sizeof(struct l7_inspector),
    .flags = L7_INSPECTOR_NUMBERED | L7_INSPECTOR_TCP_ONLY,
    .keyword = "redis",
    .fields = fields,
    .field_count = sizeof(fields) / sizeof(fields[0]),
    .attrs = attrs,
    .attr_count = sizeof(attrs) / sizeof(attrs[0]),
    .state_size = sizeof(struct redis),
    .load = redis_load,
    .unload = redis_unload,
    .probe = redis_probe,
    .open = redis_open,
    .feed = redis_feed,
    .pattern = redis_pattern,
    .example = redis_example,
    .example_help = "COMMAND [KEY], as in \"GET user:1\"",
};

L7_PLUGIN(L7_KIND_INSPECTOR, "redis", .version = "1.0",
          .summary = "commands of the Redis protocol, arrays and inline", .options = options,
          .option_count = sizeof(options) / sizeof(options[0]), .inspector = &inspector);
