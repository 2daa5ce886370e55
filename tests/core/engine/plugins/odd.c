/* SPDX-License-Identifier: Apache-2.0 */
/* odd: inspectors that break the contract, each in one way: CMakeLists.txt builds this file once
 * for each, with NAME and FEED. The core must refuse the flow and go on.
 *
 * Each claims flows that begin with its name in parentheses (EVERYTHING: all flows). */

#include <errno.h>
#include <string.h>
#include "l7guard/inspector.h"
#include "l7guard/plugin.h"

static const struct l7_host *host;

static const struct l7_field fields[] = {
    {.name = "word", .match = L7_MATCH_GLOB, .help = "Any word."},
};
static const struct l7_attr attrs[] = {
    {.name = "word", .type = L7_TYPE_STRING, .help = "The word."},
};

struct odd {
    struct l7_tx *tx;
    size_t fed;
};

static int odd_load(const struct l7_host *table, const struct l7_config *config, void **self)
{
    (void)config, (void)self;
    host = table;
    return 0;
}

static enum l7_probe odd_probe(const void *self, enum l7_dir dir, struct l7_bytes seen)
{
    static const char mark[] = "(" NAME ")";
    size_t n = seen.len < sizeof(mark) - 1 ? seen.len : sizeof(mark) - 1;
    (void)self;
#ifdef EVERYTHING
    (void)n;
    return L7_PROBE_YES;
#endif
    if (dir != L7_TO_SERVER || memcmp(seen.ptr, mark, n) != 0)
        return L7_PROBE_NO;
    return n < sizeof(mark) - 1 ? L7_PROBE_MORE : L7_PROBE_YES;
}

#define FEED_FN(name)                                                                              \
    __attribute__((unused)) static enum l7_step name(void *self, struct odd *o,                    \
                                                     struct l7_flow *flow, enum l7_dir dir,        \
                                                     struct l7_bytes in, struct l7_progress *p)
#define UNUSED (void)self, (void)o, (void)flow, (void)dir, (void)in, (void)p

static enum l7_judgement give_word(struct l7_tx *tx, const char *text)
{
    struct l7_bytes form = {(const uint8_t *)text, strlen(text)};
    struct l7_field_value value = {.forms = &form, .form_count = 1};
    return host->tx_field(tx, 0, &value);
}

/* Says it is done with bytes that were not there. */
FEED_FN(over)
{
    UNUSED;
    p->consumed = in.len + 1;
    return L7_STEP_OK;
}

FEED_FN(far)
{
    UNUSED;
    p->consumed = SIZE_MAX;
    p->skip = UINT64_MAX - 1;
    return L7_STEP_OK;
}

/* Never decides anything. */
FEED_FN(never)
{
    UNUSED;
    return L7_STEP_OK;
}

/* Waits for the other side, whatever comes. */
FEED_FN(wait)
{
    UNUSED;
    return L7_STEP_WAIT;
}

/* A step that does not exist. */
FEED_FN(step)
{
    UNUSED;
    return (enum l7_step)99;
}

/* Needs more bytes than any message may have. */
FEED_FN(need)
{
    UNUSED;
    p->needed = (size_t)1 << 40;
    return L7_STEP_OK;
}

/* Needs more bytes than will ever come, in small print. */
FEED_FN(more)
{
    UNUSED;
    p->needed = in.len + 1000000;
    return L7_STEP_OK;
}

/* Consumes what no rule has allowed yet. */
FEED_FN(hasty)
{
    UNUSED;
    if (o->tx == NULL)
        o->tx = host->tx_open(flow);
    p->consumed = in.len;
    return L7_STEP_OK;
}

/* Is refused and consumes all the same. */
FEED_FN(deaf)
{
    UNUSED;
    struct l7_tx *tx = host->tx_open(flow);
    if (tx != NULL) {
        give_word(tx, "forbidden");
        host->tx_decide(tx);
        host->tx_close(tx);
    }
    p->consumed = in.len;
    return L7_STEP_OK;
}

/* Opens transactions as long as it gets any. */
FEED_FN(flood)
{
    UNUSED;
    for (struct l7_tx *tx; (tx = host->tx_open(flow)) != NULL;)
        give_word(tx, "yes");
    p->reason = "transaction-limit";
    return L7_STEP_BREAK;
}

/* Fields and attributes that are not in its tables, more forms than there may be. */
FEED_FN(fields_)
{
    UNUSED;
    struct l7_bytes forms[2] = {{(const uint8_t *)"yes", 3}, {NULL, 0}};
    struct l7_field_value value = {.forms = forms, .form_count = 1000};
    struct l7_value text = {.type = L7_TYPE_STRING, .string = forms[0]};
    struct l7_tx *tx = host->tx_open(flow);
    if (tx == NULL)
        return L7_STEP_OK;
    host->tx_field(tx, 1, &value);
    host->tx_field(tx, UINT32_MAX, &value);
    host->tx_field(tx, 0, &value);
    host->tx_attr(tx, 1, text);
    host->tx_attr(tx, UINT32_MAX, text);
    host->tx_decide(tx);
    give_word(tx, "yes"); /* too late */
    return L7_STEP_OK;
}

/* Cannot say why. */
FEED_FN(mute)
{
    UNUSED;
    return L7_STEP_BREAK;
}

/* Says it in a way that fits no table. */
FEED_FN(loud)
{
    UNUSED;
    p->reason = "\"}\n\xff, a reason that is a good deal longer than any table of reasons has room "
                "for, with everything in it that could spoil a line of text";
    return L7_STEP_BREAK;
}

/* Consumes one byte and comes back, for ever. */
FEED_FN(nibble)
{
    UNUSED;
    p->consumed = 1;
    return L7_STEP_OK;
}

/* An inspector as it should be: "(fair)" WORD LF, allowed if the word is; the other way the same
 * bytes come back. */
FEED_FN(fair)
{
    UNUSED;
    const uint8_t *end = in.len > 0 ? memchr(in.ptr, '\n', in.len) : NULL;
    if (dir == L7_TO_CLIENT) {
        p->consumed = in.len;
        return L7_STEP_OK;
    }
    if (end == NULL)
        return L7_STEP_OK;
    struct l7_tx *tx = host->tx_open(flow);
    if (tx == NULL)
        return L7_STEP_OK;
    struct l7_bytes form = {in.ptr, (size_t)(end - in.ptr)};
    if (form.len >= strlen("(" NAME ")") && form.ptr[0] == '(') {
        form.ptr += strlen("(" NAME ")");
        form.len -= strlen("(" NAME ")");
    }
    struct l7_field_value value = {.forms = &form, .form_count = 1};
    host->tx_field(tx, 0, &value);
    host->tx_attr(tx, 0, (struct l7_value){.type = L7_TYPE_STRING, .string = form});
    if (host->tx_decide(tx) != L7_JUDGEMENT_ALLOW)
        return L7_STEP_OK; /* left open: its attributes go with the alert */
    host->tx_close(tx);
    p->consumed = (size_t)(end - in.ptr) + 1;
    return L7_STEP_OK;
}

static enum l7_step odd_feed(void *self, void *state, struct l7_flow *flow, enum l7_dir dir,
                             struct l7_bytes in, struct l7_progress *p)
{
    return FEED(self, state, flow, dir, in, p);
}

#ifdef CANNOT_OPEN
static int odd_open(void *self, void *state, struct l7_flow *flow)
{
    (void)self, (void)state, (void)flow;
    return -EIO;
}
#endif

static const struct l7_inspector odd = {
    .size = sizeof(odd),
    .keyword = NAME,
    .fields = fields,
    .field_count = 1,
    .attrs = attrs,
    .attr_count = 1,
    .state_size = sizeof(struct odd),
    .load = odd_load,
    .probe = odd_probe,
#ifdef CANNOT_OPEN
    .open = odd_open,
#endif
    .feed = odd_feed,
};

L7_PLUGIN(L7_KIND_INSPECTOR, NAME, .version = "1", .summary = "a test", .inspector = &odd);
