/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_tls: both sides of a connection, in any pieces, against the tls inspector.
 *
 * The input is a list of chunks: a byte whose lowest bit is the direction, a length of two bytes,
 * that many bytes. They are played twice, as cut and byte by byte: the outcome must not depend on
 * the cut. Invariants of the contract stop the program: nothing consumed before ALLOW, no more
 * than was there, a reason with every BREAK, at most one transaction, closed once, no attribute
 * after that, a limit to what is waited for.
 */

#include <stdlib.h>
#include <string.h>

#include "l7guard/inspector.h"
#include "l7guard/plugin.h"

extern const struct l7_plugin l7_plugin;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_HELLO 2048

struct side {
    uint8_t *bytes;
    size_t len;
    size_t needed;
    uint64_t skip;
    uint64_t delivered;
    bool stopped;
};

struct run {
    struct l7_host host;
    void *self;
    void *state;
    struct side sides[2];
    unsigned opened, decided, closed;
    const char *reason;
    bool released;
    uint64_t name; /* a hash of the field */
};

static void must(bool holds)
{
    if (!holds)
        abort();
}

static int64_t run_number(const struct l7_config *config, const char *key)
{
    (void)config;
    (void)key;
    return MAX_HELLO;
}

static struct l7_tx *run_open(struct l7_flow *flow)
{
    struct run *run = (struct run *)flow;

    must(run->opened++ == 0);
    return (struct l7_tx *)run;
}

static enum l7_judgement run_field(struct l7_tx *tx, unsigned field,
                                   const struct l7_field_value *value)
{
    struct run *run = (struct run *)tx;

    must(field == 0 && value->form_count == 1 && value->forms[0].len > 0 &&
         value->forms[0].len <= 253 && run->decided == 0);
    for (size_t i = 0; i < value->forms[0].len; i++) {
        uint8_t c = value->forms[0].ptr[i];

        must((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.');
        run->name = run->name * 31 + c;
    }
    return L7_JUDGEMENT_OPEN;
}

static void run_attr(struct l7_tx *tx, unsigned attr, struct l7_value value)
{
    struct run *run = (struct run *)tx;
    volatile uint8_t sum = 0;

    must(attr < l7_plugin.inspector->attr_count && run->closed == 0);
    for (size_t i = 0; i < value.string.len; i++)
        sum = (uint8_t)(sum + value.string.ptr[i]);
}

static enum l7_judgement run_decide(struct l7_tx *tx)
{
    ((struct run *)tx)->decided++;
    return L7_JUDGEMENT_ALLOW;
}

static void run_close(struct l7_tx *tx)
{
    must(((struct run *)tx)->closed++ == 0);
}

static void side_deliver(struct side *side, size_t n)
{
    must(n <= side->len);
    memmove(side->bytes, side->bytes + n, side->len - n);
    side->len -= n;
    side->delivered += n;
}

static void side_skip(struct side *side)
{
    size_t n = side->skip < side->len ? (size_t)side->skip : side->len;

    if (side->skip != L7_SKIP_ALL)
        side->skip -= n;
    side_deliver(side, n);
}

static bool run_feed(struct run *run, enum l7_dir dir)
{
    struct side *side = &run->sides[dir];
    struct l7_progress progress = {0};
    uint8_t *in;
    enum l7_step step;

    side_skip(side);
    if (side->stopped || run->released || side->len == 0 || side->len < side->needed)
        return false;
    in = malloc(side->len); /* so that the sanitizer sees its end */
    must(in);
    memcpy(in, side->bytes, side->len);
    step = l7_plugin.inspector->feed(run->self, run->state, (struct l7_flow *)run, dir,
                                     (struct l7_bytes){in, side->len}, &progress);
    free(in);
    if (step == L7_STEP_BREAK) {
        must(progress.reason != NULL);
        side->stopped = true;
        if (dir == L7_TO_SERVER)
            run->reason = progress.reason;
        return false;
    }
    must(step == L7_STEP_OK || step == L7_STEP_RELEASE || step == L7_STEP_WAIT);
    must(progress.consumed == 0 || run->decided > 0);
    must(progress.needed == 0 || progress.needed > side->len - progress.consumed);
    if (dir == L7_TO_SERVER && progress.consumed == 0 && progress.skip == 0)
        must(side->len <= 2 * (MAX_HELLO + 1024)); /* waiting has a limit */
    side_deliver(side, progress.consumed);
    side->skip = progress.skip;
    side->needed = progress.needed;
    run->released = step == L7_STEP_RELEASE;
    return progress.consumed > 0 || progress.skip > 0;
}

static void run_send(struct run *run, enum l7_dir dir, const uint8_t *bytes, size_t len)
{
    struct side *side = &run->sides[dir];

    side->bytes = realloc(side->bytes, side->len + len + 1);
    must(side->bytes);
    memcpy(side->bytes + side->len, bytes, len);
    side->len += len;
    while (run_feed(run, dir))
        ;
}

/* `piece` 0: as the input cuts it. */
static void play(struct run *run, const uint8_t *data, size_t size, size_t piece)
{
    run->host = (struct l7_host){.sdk_major = L7_SDK_MAJOR,
                                 .sdk_minor = L7_SDK_MINOR,
                                 .size = sizeof(struct l7_host),
                                 .config_number = run_number,
                                 .tx_open = run_open,
                                 .tx_field = run_field,
                                 .tx_attr = run_attr,
                                 .tx_decide = run_decide,
                                 .tx_close = run_close};
    must(l7_plugin.inspector->load(&run->host, NULL, &run->self) == 0);
    run->state = calloc(1, l7_plugin.inspector->state_size);
    must(run->state);
    while (size >= 3) {
        enum l7_dir dir = data[0] & 1 ? L7_TO_CLIENT : L7_TO_SERVER;
        size_t len = (size_t)data[1] << 8 | data[2];

        data += 3;
        size -= 3;
        if (len > size)
            len = size;
        for (size_t at = 0; at < len;) {
            size_t n = piece > 0 && len - at > piece ? piece : len - at;

            run_send(run, dir, data + at, n);
            at += n;
        }
        data += len;
        size -= len;
    }
    free(run->state);
    l7_plugin.inspector->unload(run->self);
}

static void run_fini(struct run *run)
{
    free(run->sides[0].bytes);
    free(run->sides[1].bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct run as_cut = {0}, bytewise = {0};

    play(&as_cut, data, size, 0);
    play(&bytewise, data, size, 1);
    must(as_cut.decided == bytewise.decided && as_cut.name == bytewise.name);
    must(as_cut.closed == bytewise.closed && as_cut.released == bytewise.released);
    must(!as_cut.reason == !bytewise.reason);
    if (as_cut.reason)
        must(strcmp(as_cut.reason, bytewise.reason) == 0);
    run_fini(&as_cut);
    run_fini(&bytewise);
    return 0;
}
