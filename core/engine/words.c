/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/words.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RAW_MAX (8u << 20) /* bytes of a file that --raw reads */

static const struct option {
    char letter;  /* 0: none */
    bool explain; /* of no other command */
    const char *name;
    size_t at; /* where a value goes */
} options[] = {
#define AT(field) offsetof(struct words, field)
    {'s', false, "socket", AT(socket)},
    {'c', false, "config", AT(config)},
    {'p', false, "policies", AT(policies)},
    {'P', false, "plugins", AT(plugins)},
    {0, false, "node", AT(node)},
    {0, false, "limit", AT(limit)},
    {0, true, "src", AT(src)},
    {0, true, "dst", AT(dst)},
    {0, true, "sport", AT(sport)},
    {0, true, "proto", AT(proto)},
    {0, true, "icmp-type", AT(icmp_type)},
    {0, true, "icmp-code", AT(icmp_code)},
#undef AT
};

static const struct flag {
    char letter;
    const char *name;
    size_t at;
} flags[] = {
    {0, "json", offsetof(struct words, json)},
    {'h', "help", offsetof(struct words, help)},
    {'V', "version", offsetof(struct words, version)},
    {0, "batch", offsetof(struct words, batch)},
};

struct scan {
    int argc, at;
    char **argv;
    struct words *w;
    char *error;
    size_t cap;
};

#define FAIL(s, ...) (snprintf((s)->error, (s)->cap, __VA_ARGS__), false)

/* Is `word` "--NAME", "--NAME=VALUE", "-L" or "-LVALUE"? `*value`: the part in the same word. */
static bool is(const char *word, char letter, const char *name, const char **value)
{
    size_t len = strlen(name);
    *value = NULL;
    if (strncmp(word, "--", 2) == 0 && strncmp(word + 2, name, len) == 0) {
        if (word[2 + len] == '=')
            *value = word + 3 + len;
        return word[2 + len] == '\0' || word[2 + len] == '=';
    }
    if (letter == '\0' || word[0] != '-' || word[1] != letter)
        return false;
    if (word[2] != '\0')
        *value = word + 2;
    return true;
}

static const char *next(struct scan *s)
{
    return s->at < s->argc ? s->argv[s->at++] : NULL;
}

/* The next word, unless it is an option. */
static const char *next_argument(struct scan *s)
{
    return s->at < s->argc && (s->argv[s->at][0] != '-' || s->argv[s->at][1] == '\0')
               ? s->argv[s->at++]
               : NULL;
}

static bool in_explain(const struct words *w)
{
    return w->command == NULL || strcmp(w->command, "explain") == 0;
}

/* An option that says what the client says. */
static bool take_said(struct scan *s, const char *word)
{
    struct words *w = s->w;
    const char *name = word + 2, *equals = strchr(name, '=');
    if (w->said != NULL)
        return FAIL(s, "both --%s and %s: a connection says one thing first", w->said, word);
    w->said = name;
    if (equals != NULL) {
        snprintf(w->said_name, sizeof(w->said_name), "%.*s", (int)(equals - name), name);
        w->said = w->said_name;
        w->said_arg = equals + 1;
    } else {
        w->said_arg = next_argument(s);
    }
    bool l7 = strcmp(w->said, "l7") == 0;
    if ((l7 || strcmp(w->said, "raw") == 0) && w->said_arg == NULL)
        return FAIL(s, l7 ? "--l7 needs a keyword" : "--raw needs a file, or - for standard input");
    while (l7 && s->at < s->argc && s->argv[s->at][0] != '-' && strchr(s->argv[s->at], '=')) {
        if (w->pair_count == WORDS_PAIRS_MAX)
            return FAIL(s, "more than %d fields", WORDS_PAIRS_MAX);
        w->pairs[w->pair_count++] = s->argv[s->at++];
    }
    return true;
}

static bool take_option(struct scan *s, const char *word)
{
    const char *value;
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        if (is(word, flags[i].letter, flags[i].name, &value)) {
            if (value != NULL)
                return FAIL(s, "--%s takes no value", flags[i].name);
            *(bool *)((char *)s->w + flags[i].at) = true;
            return true;
        }
    }
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        const struct option *o = &options[i];
        if (!is(word, o->letter, o->name, &value))
            continue;
        const char **to = (const char **)(void *)((char *)s->w + o->at);
        if (o->explain && !in_explain(s->w))
            return FAIL(s, "%s belongs to explain", word);
        if (*to != NULL)
            return FAIL(s, "--%s is given twice", o->name);
        *to = value != NULL ? value : next(s);
        return *to != NULL || FAIL(s, "%s needs a value", word);
    }
    if (strncmp(word, "--", 2) == 0 && word[2] != '\0' && in_explain(s->w))
        return take_said(s, word);
    return FAIL(s, "unknown option %s", word);
}

bool words_read(int argc, char **argv, struct words *w, char *error, size_t cap)
{
    struct scan s = {argc, 1, argv, w, error, cap};
    memset(w, 0, sizeof(*w));
    while (s.at < argc) {
        const char *word = argv[s.at++];
        if (word[0] == '-') {
            if (!take_option(&s, word))
                return false;
        } else if (w->command == NULL) {
            w->command = word;
        } else if (w->argument == NULL) {
            w->argument = word;
        } else {
            return FAIL(&s, "unexpected word \"%s\"", word);
        }
    }
    bool explain = w->command != NULL && strcmp(w->command, "explain") == 0;
    if (explain && w->argument != NULL)
        return FAIL(&s, "unexpected word \"%s\"", w->argument);
    if (!explain && w->command != NULL && (w->batch || w->said != NULL))
        return FAIL(&s, "--%s belongs to explain", w->batch ? "batch" : w->said);
    return true;
}

/* ---- the question ---- */

static bool set_text(json_t *q, const char *key, const char *text, char *error, size_t cap)
{
    if (json_object_set_new(q, key, json_string(text)) == 0)
        return true;
    snprintf(error, cap, "%s: not UTF-8", key);
    return false;
}

static bool set_number(json_t *q, const char *key, const char *text, long max, char *error,
                       size_t cap)
{
    char *end;
    errno = 0;
    long n = strtol(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || n > max) {
        snprintf(error, cap, "%s: \"%.40s\" is not a number from 0 to %ld", key, text, max);
        return false;
    }
    json_object_set_new(q, key, json_integer(n));
    return true;
}

/* ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT. */
static bool set_dst(json_t *q, const char *text, char *error, size_t cap)
{
    char host[64];
    const char *colon = strchr(text, ':'), *port = NULL;
    size_t len = strlen(text);
    if (text[0] == '[') {
        const char *close = strchr(text, ']');
        if (close == NULL || (close[1] != '\0' && close[1] != ':')) {
            snprintf(error, cap, "dst: \"%.64s\" is not [ADDRESS]:PORT", text);
            return false;
        }
        port = close[1] == ':' ? close + 2 : NULL;
        len = (size_t)(close - ++text);
    } else if (colon != NULL && strchr(colon + 1, ':') == NULL) {
        port = colon + 1;
        len = (size_t)(colon - text);
    }
    snprintf(host, sizeof(host), "%.*s", len < sizeof(host) ? (int)len : 63, text);
    return set_text(q, "dst", host, error, cap) &&
           (port == NULL || set_number(q, "dport", port, 65535, error, cap));
}

/* RFC 4648 section 4. */
static char *base64(const uint8_t *at, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *out = malloc((len + 2) / 3 * 4 + 1), *to = out;
    if (out == NULL)
        return NULL;
    for (size_t i = 0; i < len; i += 3) {
        uint32_t bits = (uint32_t)at[i] << 16 | (i + 1 < len ? (uint32_t)at[i + 1] << 8 : 0) |
                        (i + 2 < len ? at[i + 2] : 0);
        *to++ = digits[bits >> 18];
        *to++ = digits[bits >> 12 & 63];
        *to++ = i + 1 < len ? digits[bits >> 6 & 63] : '=';
        *to++ = i + 2 < len ? digits[bits & 63] : '=';
    }
    *to = '\0';
    return out;
}

static bool set_raw(json_t *q, const char *path, char *error, size_t cap)
{
    FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    uint8_t *all = in != NULL ? malloc(RAW_MAX + 1) : NULL;
    if (all == NULL) {
        snprintf(error, cap, "%s: %s", path, strerror(errno));
        if (in != NULL && in != stdin)
            fclose(in);
        return false;
    }
    size_t len = fread(all, 1, RAW_MAX + 1, in);
    bool broken = ferror(in) != 0;
    if (in != stdin)
        fclose(in);
    char *text = !broken && len <= RAW_MAX ? base64(all, len) : NULL;
    free(all);
    if (broken || len > RAW_MAX)
        snprintf(error, cap, "%s: %s", path, broken ? "cannot be read" : "longer than 8 MiB");
    else if (text == NULL || json_object_set_new(q, "raw", json_string(text)) != 0)
        snprintf(error, cap, "out of memory");
    free(text);
    return json_object_get(q, "raw") != NULL;
}

static bool set_pairs(json_t *q, const struct words *w, char *error, size_t cap)
{
    json_t *fields = json_object(), *l7 = json_object();
    json_object_set_new(q, "l7", l7);
    if (json_object_set_new(l7, w->said_arg, fields) != 0) {
        snprintf(error, cap, "the keyword is not UTF-8");
        return false;
    }
    for (size_t i = 0; i < w->pair_count; i++) {
        const char *equals = strchr(w->pairs[i], '=');
        char name[128];
        snprintf(name, sizeof(name), "%.*s", (int)(equals - w->pairs[i]), w->pairs[i]);
        if (json_object_get(fields, name) != NULL) {
            snprintf(error, cap, "%s is given twice", name);
            return false;
        }
        if (!set_text(fields, name, equals + 1, error, cap))
            return false;
    }
    return true;
}

static bool set_said(json_t *q, const struct words *w, bool *usage, char *error, size_t cap)
{
    if (w->said == NULL)
        return true;
    if (strcmp(w->said, "raw") == 0) {
        *usage = false;
        return set_raw(q, w->said_arg, error, cap);
    }
    if (strcmp(w->said, "l7") == 0)
        return set_pairs(q, w, error, cap);
    if (w->said_arg != NULL)
        return set_text(q, w->said, w->said_arg, error, cap);
    json_object_set_new(q, w->said, json_object());
    return true;
}

json_t *words_question(const struct words *w, bool *usage, char *error, size_t cap)
{
    json_t *q = json_object();
    *usage = true;
    snprintf(error, cap, "%s is missing", w->src == NULL ? "--src" : "--dst");
    bool fine = w->src != NULL && w->dst != NULL && set_text(q, "src", w->src, error, cap) &&
                set_dst(q, w->dst, error, cap) &&
                (w->proto == NULL || set_text(q, "proto", w->proto, error, cap)) &&
                (w->sport == NULL || set_number(q, "sport", w->sport, 65535, error, cap));
    if (fine && (w->icmp_type != NULL || w->icmp_code != NULL)) {
        json_t *icmp = json_object();
        json_object_set_new(q, "icmp", icmp);
        fine = (w->icmp_type == NULL || set_number(icmp, "type", w->icmp_type, 255, error, cap)) &&
               (w->icmp_code == NULL || set_number(icmp, "code", w->icmp_code, 255, error, cap));
    }
    if (fine && set_said(q, w, usage, error, cap))
        return q;
    json_decref(q);
    return NULL;
}
