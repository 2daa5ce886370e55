/* SPDX-License-Identifier: Apache-2.0 */
/* node: what a node of yaml.h is, by YAML 1.1 as the Kubernetes tools resolve it: plain words
 * only, underscores in numbers, octal with 0 or 0o, no sexagesimals. Infinity and not-a-number are
 * neither strings nor numbers here: no range check would stop them. */

#include "base/yaml.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_LEN_MAX 64

enum scalar { SCALAR_STRING, SCALAR_NULL, SCALAR_BOOL, SCALAR_INT, SCALAR_FLOAT, SCALAR_NO_NUMBER };

struct resolved {
    int64_t integer; /* also the truth of a bool */
    double real;
};

static bool one_of(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(text, *words) == 0)
            return true;
    return false;
}

static unsigned digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a') + 10;
    if (c >= 'A' && c <= 'F')
        return (unsigned)(c - 'A') + 10;
    return 99;
}

static bool read_int(const char *p, int64_t *out)
{
    bool negative = *p == '-';
    unsigned base = 10;
    uint64_t value = 0;
    uint64_t most = (uint64_t)INT64_MAX + (negative ? 1 : 0);

    if (*p == '-' || *p == '+')
        p++;
    if (*p == '0' && p[1]) {
        char letter = (char)(p[1] | 0x20);
        base = letter == 'x' ? 16 : letter == 'b' ? 2 : 8;
        p += letter == 'x' || letter == 'b' || letter == 'o' ? 2 : 1;
    }
    if (!*p)
        return false;
    for (; *p; p++) {
        unsigned digit = digit_value(*p);
        if (digit >= base || value > (most - digit) / base)
            return false;
        value = value * base + digit;
    }
    *out = negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

static size_t digits(const char **p)
{
    size_t n = 0;
    for (; **p >= '0' && **p <= '9'; (*p)++)
        n++;
    return n;
}

/* [-+]? ( .D+ | D+ (.D*)? ) ( [eE] [-+]? D+ )? and finite */
static bool read_float(const char *text, double *out)
{
    const char *p = text;

    if (*p == '-' || *p == '+')
        p++;
    size_t whole = digits(&p), part = 0;
    if (*p == '.') {
        p++;
        part = digits(&p);
    }
    if (whole + part == 0)
        return false;
    if (*p == 'e' || *p == 'E') {
        p++;
        if (*p == '-' || *p == '+')
            p++;
        if (digits(&p) == 0)
            return false;
    }
    if (*p)
        return false;
    double value = strtod(text, NULL);
    if (!isfinite(value))
        return false;
    *out = value;
    return true;
}

static enum scalar resolve(const struct node *n, struct resolved *r)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const truths[] = {"true", "True", "TRUE", "yes", "Yes",
                                         "YES",  "on",   "On",   "ON",  NULL};
    static const char *const lies[] = {"false", "False", "FALSE", "no",  "No",
                                       "NO",    "off",   "Off",   "OFF", NULL};
    static const char *const others[] = {".inf",  ".Inf",  ".INF",  "+.inf", "+.Inf",
                                         "+.INF", "-.inf", "-.Inf", "-.INF", ".nan",
                                         ".NaN",  ".NAN",  NULL};
    char number[NUMBER_LEN_MAX + 1];
    size_t len = 0;

    if (!n->plain || strlen(n->text) != n->len || n->len > NUMBER_LEN_MAX)
        return SCALAR_STRING;
    if (one_of(n->text, nulls))
        return SCALAR_NULL;
    if (one_of(n->text, truths) || one_of(n->text, lies)) {
        r->integer = one_of(n->text, truths);
        return SCALAR_BOOL;
    }
    if (one_of(n->text, others))
        return SCALAR_NO_NUMBER;
    /* A number starts as one: "_1" is a word. */
    if (!strchr("+-.0123456789", n->text[0]))
        return SCALAR_STRING;
    for (size_t i = 0; i < n->len; i++)
        if (n->text[i] != '_')
            number[len++] = n->text[i];
    number[len] = 0;
    if (read_int(number, &r->integer)) {
        r->real = (double)r->integer;
        return SCALAR_INT;
    }
    return read_float(number, &r->real) ? SCALAR_FLOAT : SCALAR_STRING;
}

static enum scalar kind_of(const struct node *n, struct resolved *r)
{
    return n && n->kind == NODE_SCALAR ? resolve(n, r) : SCALAR_NO_NUMBER;
}

bool node_is_null(const struct node *n)
{
    struct resolved r;
    return kind_of(n, &r) == SCALAR_NULL;
}

bool node_is_string(const struct node *n)
{
    struct resolved r;
    return kind_of(n, &r) == SCALAR_STRING;
}

bool node_bool(const struct node *n, bool *out)
{
    struct resolved r;
    if (kind_of(n, &r) != SCALAR_BOOL)
        return false;
    *out = r.integer != 0;
    return true;
}

bool node_int(const struct node *n, int64_t *out)
{
    struct resolved r;
    if (kind_of(n, &r) != SCALAR_INT)
        return false;
    *out = r.integer;
    return true;
}

bool node_double(const struct node *n, double *out)
{
    struct resolved r;
    enum scalar kind = kind_of(n, &r);
    if (kind != SCALAR_INT && kind != SCALAR_FLOAT)
        return false;
    *out = r.real;
    return true;
}

const struct node *node_get(const struct node *map, const char *key)
{
    if (!map || map->kind != NODE_MAP)
        return NULL;
    size_t len = strlen(key);
    for (size_t i = 0; i < map->count; i++)
        if (map->keys[i]->len == len && memcmp(map->keys[i]->text, key, len) == 0)
            return map->values[i];
    return NULL;
}

struct place node_place(const struct node *n, const char *field)
{
    struct place place = {.field = field};
    if (n) {
        place.file = n->file;
        place.line = n->line;
        place.column = n->column;
    }
    return place;
}
