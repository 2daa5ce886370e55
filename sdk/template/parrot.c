/* SPDX-License-Identifier: Apache-2.0 */
/* parrot: an inspector of a protocol so small that only the contract is left to see.
 *
 *     client  SAY hello there CRLF        server  one line for each of the client's
 *     client  SING song CRLF
 *
 * A transaction is a line and its answer; clients may send lines ahead. Policies can then say
 *
 *     l7Protocols: [{parrot: {verb: SAY, text: "hello*"}}]
 */

#include <errno.h>
#include <string.h>
#include "l7guard/inspector.h"
#include "l7guard/plugin.h"

#define LINE_MAX_LEN 512 /* with its CRLF */
#define AHEAD_MAX 16     /* lines without an answer */

/* Indices into the tables below. */
enum { FIELD_VERB, FIELD_TEXT };
enum { ATTR_VERB, ATTR_TEXT, ATTR_ANSWER };

static const char *const verbs[] = {"SAY", "SING"};
#define VERB_COUNT (sizeof(verbs) / sizeof(verbs[0]))

/* From this table come the policy language, its error messages and the matcher. */
static const struct l7_field fields[] = {
    [FIELD_VERB] = {.name = "verb",
                    .match = L7_MATCH_ENUM,
                    .values = verbs,
                    .value_count = VERB_COUNT,
                    .help = "What the parrot is asked to do."},
    [FIELD_TEXT] = {.name = "text", .match = L7_MATCH_GLOB, .help = "The rest of the line."},
};

/* And from this one the records. */
static const struct l7_attr attrs[] = {
    [ATTR_VERB] = {.name = "verb", .type = L7_TYPE_STRING, .help = "What was asked."},
    [ATTR_TEXT] = {.name = "text", .type = L7_TYPE_STRING, .help = "The rest of the line."},
    [ATTR_ANSWER] = {.name = "answer", .type = L7_TYPE_STRING, .help = "The server's line."},
};

/* What is remembered about one flow. The host zeroes it. */
struct parrot {
    size_t seen[2];                   /* by direction: unconsumed bytes already looked at */
    struct l7_tx *waiting[AHEAD_MAX]; /* a ring of lines without an answer */
    unsigned first, count;
};

/* The table is the same for all workers and does not change: this is the one global allowed. */
static const struct l7_host *host;

static int parrot_load(const struct l7_host *table, const struct l7_config *config, void **self)
{
    (void)config, (void)self;
    host = table;
    return 0;
}

/* Look, touch nothing. NO is final, so it is said only when no later byte could change it. */
static enum l7_probe parrot_probe(const void *self, enum l7_dir dir, struct l7_bytes seen)
{
    (void)self;
    if (dir != L7_TO_SERVER)
        return L7_PROBE_NO;
    for (size_t i = 0; i < VERB_COUNT; i++) {
        size_t len = strlen(verbs[i]);
        size_t both = seen.len < len ? seen.len : len;
        if (both > 0 && memcmp(seen.ptr, verbs[i], both) != 0)
            continue;
        if (seen.len <= len)
            return L7_PROBE_MORE;
        if (seen.ptr[len] == ' ')
            return L7_PROBE_YES;
    }
    return L7_PROBE_NO;
}

enum line { LINE_WHOLE, LINE_PART, LINE_BAD };

/* The first line of `in`, without its CRLF. A lone CR or LF is refused: readers disagree on it.
 * `seen` keeps the work linear when a line comes byte by byte. */
static enum line line_read(struct l7_bytes in, size_t *seen, struct l7_bytes *line)
{
    for (size_t i = *seen; i < in.len && i < LINE_MAX_LEN; i++) {
        if (in.ptr[i] == '\n') {
            if (i == 0 || in.ptr[i - 1] != '\r')
                return LINE_BAD;
            *line = (struct l7_bytes){in.ptr, i - 1};
            *seen = 0;
            return LINE_WHOLE;
        }
        if (i > 0 && in.ptr[i - 1] == '\r')
            return LINE_BAD;
    }
    *seen = in.len;
    return in.len >= LINE_MAX_LEN ? LINE_BAD : LINE_PART;
}

static bool verb_known(struct l7_bytes verb)
{
    for (size_t i = 0; i < VERB_COUNT; i++)
        if (verb.len == strlen(verbs[i]) && memcmp(verb.ptr, verbs[i], verb.len) == 0)
            return true;
    return false;
}

/* "SAY hello": false when it is not of this form. */
static bool line_split(struct l7_bytes line, struct l7_bytes *verb, struct l7_bytes *text)
{
    const uint8_t *space = line.len > 0 ? memchr(line.ptr, ' ', line.len) : NULL;

    if (!space)
        return false;
    verb->ptr = line.ptr;
    verb->len = (size_t)(space - line.ptr);
    text->ptr = space + 1;
    text->len = line.len - verb->len - 1;
    return verb_known(*verb);
}

/* A field is what rules match, an attribute what records show: here they are the same bytes. */
static void emit(struct l7_tx *tx, unsigned field, unsigned attr, struct l7_bytes bytes)
{
    const struct l7_field_value value = {.forms = &bytes, .form_count = 1};

    host->tx_field(tx, field, &value);
    host->tx_attr(tx, attr, (struct l7_value){.type = L7_TYPE_STRING, .string = bytes});
}

static enum l7_step parrot_break(struct l7_progress *progress, const char *reason)
{
    progress->reason = reason;
    return L7_STEP_BREAK;
}

static enum l7_step read_request(struct parrot *p, struct l7_flow *flow, struct l7_bytes in,
                                 struct l7_progress *progress)
{
    struct l7_bytes line, verb, text;

    if (p->count == AHEAD_MAX)
        return L7_STEP_WAIT;
    switch (line_read(in, &p->seen[L7_TO_SERVER], &line)) {
    case LINE_BAD:
        return parrot_break(progress, "bad-line");
    case LINE_PART:
        progress->needed = in.len + 1;
        return L7_STEP_OK;
    case LINE_WHOLE:
        break;
    }
    if (!line_split(line, &verb, &text))
        return parrot_break(progress, "unknown-verb");
    struct l7_tx *tx = host->tx_open(flow);
    if (!tx)
        return parrot_break(progress, "transaction-limit");
    emit(tx, FIELD_VERB, ATTR_VERB, verb);
    emit(tx, FIELD_TEXT, ATTR_TEXT, text);
    /* The one rule: what is consumed may be delivered. Refused, nothing is consumed, and the host
     * ends the flow. */
    if (host->tx_decide(tx) != L7_JUDGEMENT_ALLOW)
        return L7_STEP_OK;
    p->waiting[(p->first + p->count++) % AHEAD_MAX] = tx;
    progress->consumed = line.len + 2;
    return L7_STEP_OK;
}

static enum l7_step read_answer(struct parrot *p, struct l7_bytes in, struct l7_progress *progress)
{
    struct l7_bytes line;

    switch (line_read(in, &p->seen[L7_TO_CLIENT], &line)) {
    case LINE_BAD:
        return parrot_break(progress, "bad-line");
    case LINE_PART:
        progress->needed = in.len + 1;
        return L7_STEP_OK;
    case LINE_WHOLE:
        break;
    }
    if (p->count == 0)
        return parrot_break(progress, "answer-without-request");
    struct l7_tx *tx = p->waiting[p->first];
    p->first = (p->first + 1) % AHEAD_MAX;
    p->count--;
    host->tx_attr(tx, ATTR_ANSWER, (struct l7_value){.type = L7_TYPE_STRING, .string = line});
    host->tx_close(tx);
    progress->consumed = line.len + 2;
    return L7_STEP_OK;
}

/* One line a call: the host calls again until nothing more is consumed. */
static enum l7_step parrot_feed(void *self, void *state, struct l7_flow *flow, enum l7_dir dir,
                                struct l7_bytes in, struct l7_progress *progress)
{
    (void)self;
    if (in.len == 0)
        return L7_STEP_OK;
    return dir == L7_TO_SERVER ? read_request(state, flow, in, progress)
                               : read_answer(state, in, progress);
}

/* `l7ctl explain ... --parrot 'SAY hello'`, and `--l7 parrot verb=SAY text=hello`. */
static int parrot_example(const void *self, const struct l7_pair *pairs, size_t pair_count,
                          struct l7_tx *tx, struct l7_text *note)
{
    static const char usage[] = "takes one line, such as 'SAY hello', or verb=SAY text=hello";

    (void)self;
    for (size_t i = 0; i < pair_count; i++) {
        struct l7_bytes verb, text;
        if (!pairs[i].value.ptr) {
            continue; /* explicitly absent */
        } else if (strcmp(pairs[i].name, "verb") == 0) {
            emit(tx, FIELD_VERB, ATTR_VERB, pairs[i].value);
        } else if (strcmp(pairs[i].name, "text") == 0) {
            emit(tx, FIELD_TEXT, ATTR_TEXT, pairs[i].value);
        } else if (pair_count == 1 && !pairs[i].name[0] &&
                   line_split(pairs[i].value, &verb, &text)) {
            emit(tx, FIELD_VERB, ATTR_VERB, verb);
            emit(tx, FIELD_TEXT, ATTR_TEXT, text);
        } else {
            note->len = sizeof(usage) - 1 < note->cap ? sizeof(usage) - 1 : note->cap;
            memcpy(note->ptr, usage, note->len);
            return -EINVAL;
        }
    }
    return 0;
}

static const struct l7_inspector inspector = {
    .size = sizeof(struct l7_inspector),
    .flags = L7_INSPECTOR_NUMBERED,
    .keyword = "parrot",
    .fields = fields,
    .field_count = sizeof(fields) / sizeof(fields[0]),
    .attrs = attrs,
    .attr_count = sizeof(attrs) / sizeof(attrs[0]),
    .state_size = sizeof(struct parrot),
    .load = parrot_load,
    .probe = parrot_probe,
    .feed = parrot_feed,
    .example = parrot_example,
    .example_help = "'VERB TEXT'",
};

L7_PLUGIN(L7_KIND_INSPECTOR, "parrot", .version = "1.0",
          .summary = "A line protocol to learn from.", .inspector = &inspector);
