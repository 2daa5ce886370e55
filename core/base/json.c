/* SPDX-License-Identifier: Apache-2.0 */
/* json: JSON text into a tree. jansson decides whether it is JSON; a walk over the text, which may
 * rely on that, finds the places jansson does not keep. (libyaml would do for most JSON, but not
 * for surrogate pairs, tabs and long keys.) */

#include "base/tree.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct walk {
    struct tree *tree;
    const char *at, *end;
    const char *line_start;
    int line;
    int column; /* of `counted`, in characters */
    const char *counted;
};

static struct mark here(struct walk *w)
{
    if (w->counted < w->line_start) {
        w->counted = w->line_start;
        w->column = 1;
    }
    for (; w->counted < w->at; w->counted++)
        w->column += ((unsigned char)*w->counted & 0xc0) != 0x80;
    return (struct mark){w->line, w->column};
}

/* jansson would build a tree of any size before anyone could count: count first. */
static bool few_enough(const char *text, size_t len)
{
    size_t values = 0;
    bool quoted = false;

    for (size_t i = 0; i < len; i++) {
        if (quoted && text[i] == '\\')
            i++;
        else if (text[i] == '"')
            quoted = !quoted;
        else if (!quoted && (text[i] == ',' || text[i] == '[' || text[i] == '{'))
            values++;
    }
    return values <= TREE_NODES_MAX;
}

static unsigned hex4(const char *p)
{
    unsigned value = 0;
    for (int i = 0; i < 4; i++) {
        int digit = p[i] <= '9' ? p[i] - '0' : (p[i] | 0x20) - 'a' + 10;
        value = value * 16 + (unsigned)digit;
    }
    return value;
}

static char *put_utf8(char *to, unsigned c)
{
    if (c < 0x80) {
        *to++ = (char)c;
    } else if (c < 0x800) {
        *to++ = (char)(0xc0 | c >> 6);
        *to++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *to++ = (char)(0xe0 | c >> 12);
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
        *to++ = (char)(0x80 | (c & 0x3f));
    } else {
        *to++ = (char)(0xf0 | c >> 18);
        *to++ = (char)(0x80 | (c >> 12 & 0x3f));
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
        *to++ = (char)(0x80 | (c & 0x3f));
    }
    return to;
}

/* An escape at `from`, behind the backslash; it is never longer decoded than written. jansson has
 * refused lone surrogates and \u0000. */
static const char *unescape(const char *from, char **to)
{
    static const char letters[] = "bfnrt", meanings[] = "\b\f\n\r\t";

    if (*from != 'u') {
        const char *letter = strchr(letters, *from);
        *(*to)++ = letter ? meanings[letter - letters] : *from;
        return from + 1;
    }
    unsigned c = hex4(from + 1);
    from += 5;
    if (c >= 0xd800 && c < 0xdc00) {
        c = 0x10000 + ((c - 0xd800) << 10) + (hex4(from + 2) - 0xdc00);
        from += 6;
    }
    *to = put_utf8(*to, c);
    return from;
}

static bool read_string(struct walk *w)
{
    struct mark at = here(w);
    const char *first = ++w->at;
    bool escapes = false;

    while (*w->at != '"') {
        if (*w->at == '\\') {
            escapes = true;
            w->at++;
        }
        w->at++;
    }
    size_t len = (size_t)(w->at - first);
    const char *last = w->at++;
    if (!escapes)
        return tree_scalar(w->tree, at, first, len, false, NULL);

    char *text = malloc(len), *to = text;
    if (!text)
        return tree_error(w->tree, at, "out of memory");
    while (first < last) {
        if (*first == '\\')
            first = unescape(first + 1, &to);
        else
            *to++ = *first++;
    }
    bool fine = tree_scalar(w->tree, at, text, (size_t)(to - text), false, NULL);
    free(text);
    return fine;
}

static bool read_word(struct walk *w)
{
    struct mark at = here(w);
    const char *first = w->at;

    while (w->at < w->end && !strchr(",:]}[{\" \t\r\n", *w->at))
        w->at++;
    return tree_scalar(w->tree, at, first, (size_t)(w->at - first), true, NULL);
}

static bool read_all(struct walk *w)
{
    while (w->at < w->end) {
        bool fine = true;
        switch (*w->at) {
        case '\n':
            w->line++;
            w->line_start = w->at + 1;
            w->at++;
            break;
        case ' ':
        case '\t':
        case '\r':
        case ',':
        case ':':
            w->at++;
            break;
        case '{':
        case '[':
            fine = tree_open(w->tree, here(w), *w->at == '{' ? NODE_MAP : NODE_LIST, NULL);
            w->at++;
            break;
        case '}':
        case ']':
            fine = tree_close(w->tree);
            w->at++;
            break;
        case '"':
            fine = read_string(w);
            break;
        default:
            fine = read_word(w);
        }
        if (!fine)
            return false;
    }
    return tree_end_document(w->tree);
}

bool json_read(struct tree *t, const char *text, size_t len)
{
    json_error_t error;

    if (!few_enough(text, len))
        return tree_error(t, (struct mark){0}, "more than %d values in one file", TREE_NODES_MAX);
    json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    json_decref(json);
    /* The walk tells a repeated key with both places; all else would lead it astray. */
    bool repeated = !json && json_error_code(&error) == json_error_duplicate_key;
    struct mark at = {error.line, error.column};
    if (!json && !repeated)
        return tree_error(t, at, "%s", error.text);
    if (repeated) {
        json = json_loadb(text, len, JSON_DECODE_ANY, &error);
        at = (struct mark){error.line, error.column};
        if (!json)
            return tree_error(t, at, "%s", error.text);
        json_decref(json);
    }
    struct walk w = {.tree = t,
                     .at = text,
                     .end = text + len,
                     .line_start = text,
                     .line = 1,
                     .column = 1,
                     .counted = text};
    return read_all(&w);
}
