/* SPDX-License-Identifier: Apache-2.0 */
/* settings: reads l7guard.yaml. One table says for every key its type, default, range and what it
 * is for; reading, defaults and the description all come from it. Whether a directory exists or a
 * plugin takes its options is found out by those who use them. */

#include "engine/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/address.h"
#include "base/suggest.h"
#include "base/units.h"

#ifndef L7_PLUGIN_DIR
#define L7_PLUGIN_DIR "/usr/lib/l7guard/plugins"
#endif

#define INSTANCES_MAX 64
#define FIELD_LEN_MAX 128

enum type {
    TYPE_PATH,     /* not empty */
    TYPE_SOCKET,   /* a path, or none */
    TYPE_ENDPOINT, /* address:port, or none */
    TYPE_NAME,     /* a text, or not given */
    TYPE_WORD,     /* one of `words` */
    TYPE_WORKERS,
    TYPE_COUNT,
    TYPE_SIZE,
    TYPE_TIME,
    TYPE_INSTANCES,
    TYPE_PLUGINS,
};

/* Which part of the file a key belongs to. */
enum section { TOP = 1, LIMITS = 2 };

struct key {
    const char *name;
    unsigned sections;
    enum type type;
    size_t offset;
    const char *fallback; /* as written; NULL: none */
    const char *help;
    const char *const *words; /* TYPE_WORD, in the order of the enum */
    const char *low, *high;   /* TYPE_WORKERS, COUNT, SIZE, TIME */
};

static const char *const inspect_words[] = {"governed", "all", NULL};
static const char *const hold_words[] = {"balanced", "strict", "off", NULL};
static const char *const live_words[] = {"rejudge", "keep", NULL};
static const char *const midstream_words[] = {"resync", "reject", "pass", NULL};

#define AT(member) offsetof(struct settings, member)

/* clang-format off */
static const struct key keys[] = {
    {"plugin-dir", TOP, TYPE_PATH, AT(plugin_dir), L7_PLUGIN_DIR,
     "where plugins are looked for", NULL, NULL, NULL},
    {"policy-dir", TOP, TYPE_PATH, AT(policy_dir), "/etc/l7guard/policies",
     "where policies and inventory are read from", NULL, NULL, NULL},
    {"log-dir", TOP, TYPE_PATH, AT(log_dir), "/var/log/l7guard",
     "where log plugins write their files", NULL, NULL, NULL},
    {"node-name", TOP, TYPE_NAME, AT(node_name), NULL,
     "enforce for this node's Pods only; not given: for every Pod known", NULL, NULL, NULL},
    {"workers", TOP, TYPE_WORKERS, AT(workers), "auto",
     "threads that carry traffic; auto: one for each capture", NULL, "1", "256"},
    {"control-socket", TOP, TYPE_SOCKET, AT(control_socket), "/run/l7guard/control.sock",
     "where l7ctl finds the daemon; \"\": nowhere", NULL, NULL, NULL},
    {"metrics", TOP, TYPE_ENDPOINT, AT(metrics), "127.0.0.1:9467",
     "address and port for counters in Prometheus' format; \"\": none", NULL, NULL, NULL},
    {"inspect", TOP, TYPE_WORD, AT(inspect), "governed",
     "governed: flows under an L7 rule; all: recognise every flow, judge governed ones",
     inspect_words, NULL, NULL},
    {"hold", TOP, TYPE_WORD, AT(hold), "balanced",
     "undecided bytes: balanced, up to hold-limit; strict, never let go; off, streamed at once",
     hold_words, NULL, NULL},
    {"live-flows", TOP, TYPE_WORD, AT(live_flows), "rejudge",
     "after a reload, flows made before: rejudge or keep", live_words, NULL, NULL},
    {"midstream", TOP, TYPE_WORD, AT(midstream), "resync",
     "flows whose beginning was not seen, under an L7 rule: resync, reject or pass",
     midstream_words, NULL, NULL},
    {"capture", TOP, TYPE_INSTANCES, AT(captures), NULL,
     "list of capture plugins with their options", NULL, NULL, NULL},
    {"log", TOP, TYPE_INSTANCES, AT(logs), NULL,
     "list of log plugins with their options; not given: every one there is, with its defaults",
     NULL, NULL, NULL},
    {"plugins", TOP, TYPE_PLUGINS, AT(plugins), NULL,
     "options of inspectors, by name", NULL, NULL, NULL},

    {"hold-limit", TOP | LIMITS, TYPE_SIZE, AT(hold_limit), "12KiB",
     "undecided bytes of a message held before they stream", NULL, "1KiB", "16MiB"},
    {"message-limit", LIMITS, TYPE_SIZE, AT(message_limit), "65KiB",
     "undecided bytes one message may have", NULL, "4KiB", "16MiB"},
    {"decision-timeout", LIMITS, TYPE_TIME, AT(decision_timeout), "30s",
     "from the first byte of a message to its decision", NULL, "100ms", "1h"},
    {"reorder-limit", LIMITS, TYPE_SIZE, AT(reorder_limit), "256KiB",
     "out-of-order bytes kept, one direction of a flow", NULL, "16KiB", "64MiB"},
    {"retain-limit", LIMITS, TYPE_SIZE, AT(retain_limit), "256KiB",
     "judged bytes not yet acknowledged, one flow", NULL, "16KiB", "64MiB"},
    {"stream-memory", LIMITS, TYPE_SIZE, AT(stream_memory), "256MiB",
     "all bytes kept for flows, one worker", NULL, "1MiB", "1024GiB"},
    {"max-flows", LIMITS, TYPE_COUNT, AT(max_flows), "262144",
     "flows at one time, one worker", NULL, "16", "67108864"},
    {"max-transactions", LIMITS, TYPE_COUNT, AT(max_transactions), "10000",
     "open transactions of one flow", NULL, "1", "1000000"},
    {"max-fragments-memory", LIMITS, TYPE_SIZE, AT(max_fragments_memory), "16MiB",
     "fragments waiting for their datagram, one worker", NULL, "64KiB", "16GiB"},
    {"fragment-timeout", LIMITS, TYPE_TIME, AT(fragment_timeout), "30s",
     "how long fragments wait for their datagram", NULL, "1s", "5m"},
    {"probe-limit", LIMITS, TYPE_SIZE, AT(probe_limit), "4KiB",
     "bytes looked at before a flow counts as unclaimed", NULL, "64", "64KiB"},
    {"tcp-handshake-timeout", LIMITS, TYPE_TIME, AT(tcp_handshake_timeout), "30s",
     "a TCP flow that is not established", NULL, "1s", "1h"},
    {"tcp-timeout", LIMITS, TYPE_TIME, AT(tcp_timeout), "1h",
     "an established TCP flow without a packet", NULL, "1s", "30d"},
    {"tcp-close-timeout", LIMITS, TYPE_TIME, AT(tcp_close_timeout), "10s",
     "a TCP flow after both ends have closed, or a reset", NULL, "1s", "1h"},
    {"refused-timeout", LIMITS, TYPE_TIME, AT(refused_timeout), "60s",
     "a refused flow without a packet", NULL, "1s", "1h"},
    {"udp-timeout", LIMITS, TYPE_TIME, AT(udp_timeout), "30s",
     "a UDP or ICMP flow without an answer", NULL, "1s", "1h"},
    {"udp-replied-timeout", LIMITS, TYPE_TIME, AT(udp_replied_timeout), "180s",
     "a UDP or ICMP flow with an answer, without a packet", NULL, "1s", "1d"},
    {"log-queue", LIMITS, TYPE_SIZE, AT(log_queue), "4MiB",
     "records waiting for the log plugins", NULL, "64KiB", "4GiB"},
};
/* clang-format on */
#define KEY_COUNT (sizeof(keys) / sizeof(keys[0]))

static void *member(struct settings *s, const struct key *k)
{
    return (char *)s + k->offset;
}

/* What a key's sentence says after "must be". */
static void expectation(const struct key *k, char *buf, size_t cap)
{
    static const char *const amounts[] = {"a whole number", "a number of bytes", "a time"};
    size_t len = 0;

    switch (k->type) {
    case TYPE_PATH:
        snprintf(buf, cap, "must be a path");
        break;
    case TYPE_SOCKET:
        snprintf(buf, cap, "must be a path, or \"\" for none");
        break;
    case TYPE_ENDPOINT:
        snprintf(buf, cap,
                 "must be ADDRESS:PORT, such as 127.0.0.1:9467 or [::1]:9467, or \"\" "
                 "for none");
        break;
    case TYPE_NAME:
        snprintf(buf, cap, "must be a text");
        break;
    case TYPE_WORD:
        len = (size_t)snprintf(buf, cap, "must be ");
        for (size_t i = 0; k->words[i] && len < cap; i++)
            len += (size_t)snprintf(buf + len, cap - len, "%s%s",
                                    i == 0            ? ""
                                    : k->words[i + 1] ? ", "
                                                      : " or ",
                                    k->words[i]);
        break;
    case TYPE_WORKERS:
        snprintf(buf, cap, "must be auto or a number from %s to %s", k->low, k->high);
        break;
    case TYPE_COUNT:
    case TYPE_SIZE:
    case TYPE_TIME:
        snprintf(buf, cap, "must be %s from %s to %s, such as %s", amounts[k->type - TYPE_COUNT],
                 k->low, k->high, k->fallback);
        break;
    case TYPE_INSTANCES:
        snprintf(buf, cap, "must be a list of plugins, such as [NAME: {option: value}, NAME]");
        break;
    case TYPE_PLUGINS:
        snprintf(buf, cap, "must be a map of inspector names, such as {NAME: {option: value}}");
        break;
    }
}

static bool is_text(const struct node *n)
{
    return n->kind == NODE_SCALAR && strlen(n->text) == n->len;
}

/* "127.0.0.1:9467", "[::1]:9467" */
static bool is_endpoint(const char *text)
{
    char address[ADDRESS_TEXT_MAX + 2];
    struct l7_address parsed;

    const char *colon = strrchr(text, ':');
    if (!colon || (size_t)(colon - text) >= sizeof(address))
        return false;
    size_t digits = strspn(colon + 1, "0123456789");
    if (digits == 0 || digits > 5 || colon[1 + digits] || atoi(colon + 1) > 65535)
        return false;
    size_t len = (size_t)(colon - text);
    memcpy(address, text, len);
    address[len] = 0;
    if (address[0] != '[')
        return address_parse(address, &parsed) && parsed.family == 4;
    if (address[len - 1] != ']')
        return false;
    address[len - 1] = 0;
    return address_parse(address + 1, &parsed) && parsed.family == 6;
}

static bool text_take(char **to, const char *text)
{
    char *copy = strdup(text);
    if (!copy)
        return false;
    free(*to);
    *to = copy;
    return true;
}

/* A word as if it stood in the file. */
static struct node word_node(const char *text)
{
    return (struct node){.kind = NODE_SCALAR, .plain = true, .text = text, .len = strlen(text)};
}

static bool amount_read(enum type type, const struct node *n, uint64_t *out)
{
    int64_t number;

    if (type == TYPE_SIZE)
        return is_text(n) && units_size(n->text, out);
    if (type == TYPE_TIME)
        return is_text(n) && units_duration(n->text, out);
    if (!node_int(n, &number) || number < 0)
        return false;
    *out = (uint64_t)number;
    return true;
}

static bool amount_take(uint64_t *to, const struct key *k, const struct node *n)
{
    struct node lowest = word_node(k->low), highest = word_node(k->high);
    uint64_t value, low, high;

    if (!amount_read(k->type, n, &value) || !amount_read(k->type, &lowest, &low) ||
        !amount_read(k->type, &highest, &high) || value < low || value > high)
        return false;
    *to = value;
    return true;
}

static bool word_take(void *to, const struct key *k, const struct node *n)
{
    for (int i = 0; is_text(n) && k->words[i]; i++) {
        if (strcmp(n->text, k->words[i]) == 0) {
            memcpy(to, &i, sizeof(enum inspect)); /* all enums of settings.h count from 0 */
            return true;
        }
    }
    return false;
}

static bool workers_take(unsigned *to, const struct key *k, const struct node *n)
{
    uint64_t number = 0;

    if (!(is_text(n) && strcmp(n->text, "auto") == 0) && !amount_take(&number, k, n))
        return false;
    *to = (unsigned)number; /* 0: auto */
    return true;
}

/* Anything but maps, lists and lists of plugins. False: the value does not fit the key. */
static bool scalar_take(struct settings *s, const struct key *k, const struct node *n)
{
    bool text = is_text(n) && !(n->plain && n->len > 0 && node_is_null(n));

    switch (k->type) {
    case TYPE_PATH:
    case TYPE_NAME:
        return text && n->len > 0 && text_take(member(s, k), n->text);
    case TYPE_SOCKET:
        return text && text_take(member(s, k), n->text);
    case TYPE_ENDPOINT:
        return text && (n->len == 0 || is_endpoint(n->text)) && text_take(member(s, k), n->text);
    case TYPE_WORD:
        return word_take(member(s, k), k, n);
    case TYPE_WORKERS:
        return workers_take(member(s, k), k, n);
    case TYPE_COUNT:
    case TYPE_SIZE:
    case TYPE_TIME:
        return amount_take(member(s, k), k, n);
    default:
        return false;
    }
}

/* "- NAME" or "- NAME: {options}" */
static bool instance_read(const struct node *n, struct instance *out)
{
    const struct node *name = n, *options = NULL;

    if (n->kind == NODE_MAP && n->count == 1) {
        name = n->keys[0];
        options = n->values[0];
        if (node_is_null(options))
            options = NULL;
        else if (options->kind != NODE_MAP)
            return false;
    }
    if (!is_text(name) || name->len == 0 || (name->plain && node_is_null(name)))
        return false;
    *out = (struct instance){.plugin = name->text, .options = options, .where = name};
    return true;
}

static bool instances_take(struct settings *s, const struct key *k, const struct node *n,
                           struct problems *problems)
{
    char field[FIELD_LEN_MAX];
    struct instance **list = k->offset == AT(captures) ? &s->captures : &s->logs;
    size_t *count = k->offset == AT(captures) ? &s->capture_count : &s->log_count;

    if (n->kind != NODE_LIST || n->count > INSTANCES_MAX)
        return false;
    struct instance *made = calloc(n->count + 1, sizeof(*made));
    if (!made)
        return false;
    size_t good = 0;
    for (size_t i = 0; i < n->count; i++) {
        if (instance_read(n->values[i], &made[good])) {
            good++;
            continue;
        }
        snprintf(field, sizeof(field), "%s[%zu]", k->name, i);
        problem_add(problems, PROBLEM_ERROR, node_place(n->values[i], field),
                    "must be a plugin's name, or one name with a map of its options");
    }
    free(*list);
    *list = made;
    *count = good;
    return true;
}

static bool value_take(struct settings *s, const struct key *k, const struct node *n,
                       struct problems *problems)
{
    if (k->type == TYPE_INSTANCES)
        return node_is_null(n) || instances_take(s, k, n, problems);
    if (k->type == TYPE_PLUGINS) {
        if (n->kind != NODE_MAP && !node_is_null(n))
            return false;
        s->plugins = n->kind == NODE_MAP ? n : NULL;
        return true;
    }
    if (k->offset == AT(inspect))
        s->inspect_given = true;
    return scalar_take(s, k, n);
}

static const struct key *key_find(const char *name, unsigned section)
{
    for (size_t i = 0; i < KEY_COUNT; i++)
        if ((keys[i].sections & section) && strcmp(keys[i].name, name) == 0)
            return &keys[i];
    return NULL;
}

static void tell_unknown(const struct node *key, const char *field, unsigned section,
                         struct problems *problems)
{
    const char *names[KEY_COUNT + 1];
    size_t count = 0;

    for (size_t i = 0; i < KEY_COUNT; i++)
        if (keys[i].sections & section)
            names[count++] = keys[i].name;
    if (section == TOP)
        names[count++] = "limits";
    const char *meant = suggest(key->text, names, count);
    if (meant)
        problem_add(problems, PROBLEM_ERROR, node_place(key, field),
                    "unknown key; did you mean \"%s\"?", meant);
    else if (key_find(key->text, TOP | LIMITS))
        problem_add(problems, PROBLEM_ERROR, node_place(key, field), "unknown key here; it goes %s",
                    section == TOP ? "under `limits:`" : "to the top level, not under `limits:`");
    else
        problem_add(problems, PROBLEM_ERROR, node_place(key, field),
                    "unknown key; `l7guard --help` lists all of them");
}

/* `given` remembers where each key was first met: hold-limit has two places to be. */
static void map_read(struct settings *s, const struct node *map, unsigned section,
                     const struct node **given, struct problems *problems)
{
    char field[FIELD_LEN_MAX], text[256];

    for (size_t i = 0; i < map->count; i++) {
        const struct node *key = map->keys[i], *value = map->values[i];
        snprintf(field, sizeof(field), "%s%s", section == LIMITS ? "limits." : "", key->text);
        if (section == TOP && strcmp(key->text, "limits") == 0) {
            if (value->kind == NODE_MAP)
                map_read(s, value, LIMITS, given, problems);
            else if (!node_is_null(value))
                problem_add(problems, PROBLEM_ERROR, node_place(value, field),
                            "must be a map of limits, such as {hold-limit: 12KiB}");
            continue;
        }
        const struct key *k = key_find(key->text, section);
        if (!k) {
            tell_unknown(key, field, section, problems);
            continue;
        }
        const struct node *before = given[k - keys];
        given[k - keys] = key;
        if (before) {
            problem_add(problems, PROBLEM_ERROR, node_place(key, field),
                        "was given already in line %d", before->line);
        } else if (!value_take(s, k, value, problems)) {
            expectation(k, text, sizeof(text));
            problem_add(problems, PROBLEM_ERROR, node_place(value, field), "%s", text);
        }
    }
}

struct settings *settings_new(void)
{
    struct settings *s = calloc(1, sizeof(*s));

    if (!s || !text_take(&s->control_socket, "") || !text_take(&s->metrics, "")) {
        settings_free(s);
        return NULL;
    }
    for (size_t i = 0; i < KEY_COUNT; i++) {
        const struct key *k = &keys[i];
        if (!k->fallback)
            continue;
        struct node n = word_node(k->fallback);
        /* Every default fits its key (a test sees to it), so this is about memory. */
        if (!scalar_take(s, k, &n)) {
            settings_free(s);
            return NULL;
        }
    }
    return s;
}

void settings_free(struct settings *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < KEY_COUNT; i++)
        if (keys[i].type <= TYPE_NAME)
            free(*(char **)member(s, &keys[i]));
    free(s->captures);
    free(s->logs);
    yaml_free(s->file);
    free(s);
}

int settings_read(struct settings *s, const char *path, struct problems *problems)
{
    const struct node *given[KEY_COUNT] = {NULL};
    size_t errors = problems->errors;
    struct yaml_file *file = NULL;

    int status = yaml_load(path, problems, &file);
    if (status)
        return status;
    /* Nodes of an earlier file may still be referred to where this one is silent. */
    if (s->file) {
        free(s->captures);
        free(s->logs);
        s->captures = s->logs = NULL;
        s->capture_count = s->log_count = 0;
        s->plugins = NULL;
        yaml_free(s->file);
    }
    s->file = file;
    if (file->count > 1)
        problem_add(problems, PROBLEM_ERROR, node_place(file->documents[1], NULL),
                    "a second document; the configuration is one");
    if (file->count > 0 && file->documents[0]->kind != NODE_MAP)
        problem_add(problems, PROBLEM_ERROR, node_place(file->documents[0], NULL),
                    "must be a map of settings, such as \"policy-dir: /etc/l7guard/policies\"");
    else if (file->count > 0)
        map_read(s, file->documents[0], TOP, given, problems);
    if (problems->errors == errors && s->hold_limit > s->message_limit)
        problem_add(problems, PROBLEM_ERROR, (struct place){.file = path},
                    "hold-limit is larger than message-limit: no message would ever be let go");
    return problems->errors == errors ? 0 : -EINVAL;
}

void settings_describe(void (*line)(void *ctx, const char *text), void *ctx)
{
    char text[256];
    bool limits = false;

    for (size_t i = 0; i < KEY_COUNT; i++) {
        const struct key *k = &keys[i];
        if ((k->sections & LIMITS) && !limits) {
            line(ctx, "limits:");
            limits = true;
        }
        char head[128];
        snprintf(head, sizeof(head), "%s%s:%s%s", limits ? "  " : "", k->name,
                 k->fallback ? " " : "", k->fallback ? k->fallback : "");
        snprintf(text, sizeof(text), "%-42s # %s", head, k->help);
        line(ctx, text);
    }
}
