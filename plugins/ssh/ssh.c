/* SPDX-License-Identifier: Apache-2.0 */

/* ssh: an inspector of SSH as far as it can be read, which is one line from either end.
 *
 * Decides by the client's identification string. After an allowed one the client's bytes are
 * encrypted, or soon will be, and pass unread; the server's string is still read for the record,
 * then the flow is released. Servers may send other lines before theirs (RFC 4253 4.2).
 *
 *     l7Protocols: [{ssh: {software: "OpenSSH_*"}}]
 */

#include <errno.h>
#include <string.h>
#include "ident.h"
#include "l7guard/inspector.h"
#include "l7guard/plugin.h"

#define GREETING_LINE_MAX 1024 /* of a line before the server's identification */
#define GREETING_MAX 64        /* such lines */

enum { FIELD_SOFTWARE, FIELD_VERSION };
enum { ATTR_CLIENT_VERSION, ATTR_CLIENT_SOFTWARE, ATTR_SERVER_VERSION, ATTR_SERVER_SOFTWARE };

static const char *const versions[] = {"2.0", "1.99"};

static const struct l7_field fields[] = {
    [FIELD_SOFTWARE] = {.name = "software",
                        .match = L7_MATCH_GLOB,
                        .help = "the client's software version, without comments"},
    [FIELD_VERSION] = {.name = "version",
                       .match = L7_MATCH_ENUM,
                       .values = versions,
                       .value_count = sizeof(versions) / sizeof(versions[0]),
                       .help = "the client's protocol version"},
};

static const struct l7_attr attrs[] = {
    [ATTR_CLIENT_VERSION] = {.name = "client.proto_version",
                             .type = L7_TYPE_STRING,
                             .help = "the client's protocol version"},
    [ATTR_CLIENT_SOFTWARE] = {.name = "client.software_version",
                              .type = L7_TYPE_STRING,
                              .help = "its software version, without comments"},
    [ATTR_SERVER_VERSION] = {.name = "server.proto_version",
                             .type = L7_TYPE_STRING,
                             .help = "the server's protocol version"},
    [ATTR_SERVER_SOFTWARE] = {.name = "server.software_version",
                              .type = L7_TYPE_STRING,
                              .help = "its software version, without comments"},
};

struct ssh {
    size_t seen[2]; /* by direction: unconsumed bytes already looked at */
    struct l7_tx *tx;
    unsigned greeting;   /* lines of the server's before its identification */
    bool server_is_read; /* or cannot be */
    /* What the server said when it was first, on flows that no rule governs. */
    uint8_t server[IDENT_MAX];
    size_t server_len;
};

static const struct l7_host *host;

static int ssh_load(const struct l7_host *table, const struct l7_config *config, void **self)
{
    (void)config, (void)self;
    host = table;
    return 0;
}

/* Either end may be heard first. */
static enum l7_probe ssh_probe(const void *self, enum l7_dir dir, struct l7_bytes seen)
{
    (void)self, (void)dir;
    if (!ident_begins(seen))
        return L7_PROBE_NO;
    return seen.len < 4 ? L7_PROBE_MORE : L7_PROBE_YES;
}

static enum l7_step ssh_break(struct l7_progress *progress, const char *reason)
{
    progress->reason = reason;
    return L7_STEP_BREAK;
}

/* Length of the line at the start of `in` with its LF, looked for up to `limit`; 0: none yet. */
static size_t find_line(struct l7_bytes in, size_t *seen, size_t limit)
{
    size_t len = in.len < limit ? in.len : limit;
    const uint8_t *end = len > *seen ? memchr(in.ptr + *seen, '\n', len - *seen) : NULL;

    *seen = end ? 0 : len;
    return end ? (size_t)(end - in.ptr) + 1 : 0;
}

static void set(struct l7_tx *tx, unsigned attr, struct l7_bytes text)
{
    host->tx_attr(tx, attr, (struct l7_value){.type = L7_TYPE_STRING, .string = text});
}

static void emit(struct l7_tx *tx, const struct ident *id)
{
    const struct l7_field_value software = {.forms = &id->software, .form_count = 1};
    const struct l7_field_value version = {.forms = &id->version, .form_count = 1};

    host->tx_field(tx, FIELD_SOFTWARE, &software);
    host->tx_field(tx, FIELD_VERSION, &version);
    set(tx, ATTR_CLIENT_VERSION, id->version);
    set(tx, ATTR_CLIENT_SOFTWARE, id->software);
}

/* Both ends are heard: the record is complete. */
static enum l7_step finish(struct ssh *s)
{
    struct ident id = ident_read((struct l7_bytes){s->server, s->server_len});

    if (!id.fault) {
        set(s->tx, ATTR_SERVER_VERSION, id.version);
        set(s->tx, ATTR_SERVER_SOFTWARE, id.software);
    }
    host->tx_close(s->tx);
    s->tx = NULL;
    return L7_STEP_RELEASE;
}

static enum l7_step read_client(struct ssh *s, struct l7_flow *flow, struct l7_bytes in,
                                struct l7_progress *progress)
{
    size_t len = find_line(in, &s->seen[L7_TO_SERVER], IDENT_MAX);

    if (len == 0) {
        progress->needed = in.len + 1;
        return in.len < IDENT_MAX ? L7_STEP_OK : ssh_break(progress, "identification-too-long");
    }
    if (len < 2 || in.ptr[len - 2] != '\r')
        return ssh_break(progress, "bare-lf");
    struct ident id = ident_read((struct l7_bytes){in.ptr, len - 2});
    if (id.fault)
        return ssh_break(progress, id.fault);
    struct l7_tx *tx = host->tx_open(flow);
    if (!tx)
        return ssh_break(progress, "transaction-limit");
    emit(tx, &id);
    if (host->tx_decide(tx) != L7_JUDGEMENT_ALLOW)
        return L7_STEP_OK;
    s->tx = tx;
    progress->consumed = len;
    if (s->server_is_read)
        return finish(s);
    progress->skip = L7_SKIP_ALL;
    return L7_STEP_OK;
}

/* The server's side cannot be judged, only shown: what is odd in it ends the reading. Some servers
 * end lines with LF alone. */
static enum l7_step read_server(struct ssh *s, struct l7_bytes in, struct l7_progress *progress)
{
    size_t len = find_line(in, &s->seen[L7_TO_CLIENT], GREETING_LINE_MAX);
    bool greets = !ident_begins(in);

    if (len == 0 && in.len < (greets ? GREETING_LINE_MAX : IDENT_MAX)) {
        progress->needed = in.len + 1;
        return L7_STEP_OK;
    }
    if (greets && len > 0 && s->greeting < GREETING_MAX) {
        s->greeting++;
        progress->consumed = len;
        return L7_STEP_OK;
    }
    s->server_is_read = true;
    if (!greets && len > 0 && len <= IDENT_MAX) {
        s->server_len = len - (len > 1 && in.ptr[len - 2] == '\r' ? 2 : 1);
        memcpy(s->server, in.ptr, s->server_len);
    }
    if (s->tx)
        return finish(s);
    progress->skip = L7_SKIP_ALL;
    return L7_STEP_OK;
}

static enum l7_step ssh_feed(void *self, void *state, struct l7_flow *flow, enum l7_dir dir,
                             struct l7_bytes in, struct l7_progress *progress)
{
    (void)self;
    if (in.len == 0)
        return L7_STEP_OK;
    return dir == L7_TO_SERVER ? read_client(state, flow, in, progress)
                               : read_server(state, in, progress);
}

static void say(struct l7_text *text, const char *words)
{
    size_t len = strlen(words);

    text->len = len < text->cap ? len : text->cap;
    memcpy(text->ptr, words, text->len);
}

static enum l7_pattern ssh_pattern(const void *self, unsigned field, struct l7_bytes text,
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
    if (field == FIELD_SOFTWARE && text.len > 0 && memchr(text.ptr, ' ', text.len)) {
        say(note, "never fits: what follows a blank is a comment, which is not compared");
        return L7_PATTERN_WARN;
    }
    return L7_PATTERN_OK;
}

/* `l7ctl explain --ssh SSH-2.0-OpenSSH_9.2`, or its fields by name. */
static int ssh_example(const void *self, const struct l7_pair *pairs, size_t pair_count,
                       struct l7_tx *tx, struct l7_text *note)
{
    (void)self;
    for (size_t i = 0; i < pair_count; i++) {
        struct l7_bytes value = pairs[i].value;
        const struct l7_field_value one = {.forms = &value, .form_count = 1};
        struct ident id;
        if (!value.ptr)
            continue; /* explicitly absent */
        if (strcmp(pairs[i].name, "software") == 0) {
            host->tx_field(tx, FIELD_SOFTWARE, &one);
        } else if (strcmp(pairs[i].name, "version") == 0) {
            host->tx_field(tx, FIELD_VERSION, &one);
        } else if (!pairs[i].name[0] && (id = ident_read(value), !id.fault)) {
            emit(tx, &id);
        } else {
            say(note, "takes an identification such as SSH-2.0-OpenSSH_9.2, or "
                      "software=OpenSSH_9.2 version=2.0");
            return -EINVAL;
        }
    }
    return 0;
}

static const struct l7_inspector inspector = {
    .size = sizeof(struct l7_inspector),
    .flags = L7_INSPECTOR_TCP_ONLY,
    .keyword = "ssh",
    .fields = fields,
    .field_count = sizeof(fields) / sizeof(fields[0]),
    .attrs = attrs,
    .attr_count = sizeof(attrs) / sizeof(attrs[0]),
    .state_size = sizeof(struct ssh),
    .load = ssh_load,
    .probe = ssh_probe,
    .feed = ssh_feed,
    .pattern = ssh_pattern,
    .example = ssh_example,
    .example_help = "IDENTIFICATION, as in SSH-2.0-OpenSSH_9.2",
};

L7_PLUGIN(L7_KIND_INSPECTOR, "ssh", .version = "1.0", .summary = "identification strings of SSH",
          .inspector = &inspector);
