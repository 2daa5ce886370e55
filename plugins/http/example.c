/* SPDX-License-Identifier: Apache-2.0 */
/* example: words to fields, by the same readers the wire uses. */

#include "example.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "path.h"
#include "pattern.h"
#include "session.h"
#include "target.h"
#include "token.h"

struct words {
    struct l7_bytes method, target, host;
    bool has_method, has_target, has_host;
};

static int fail(struct l7_text *note, int err, const char *text)
{
    note_write(note, text);
    return err;
}

/* "METHOD URL" or "URL": what a client with that URL would send [L7-14]. */
static const char *read_alone(struct l7_bytes text, struct words *w)
{
    static const uint8_t get[] = "GET";
    text = token_trim(text);
    const uint8_t *blank = text.len ? memchr(text.ptr, ' ', text.len) : NULL;
    w->has_method = w->has_target = true;
    w->method = (struct l7_bytes){get, 3};
    w->target = text;
    if (blank) {
        w->method = token_slice(text, 0, (size_t)(blank - text.ptr));
        w->target = token_trim(token_slice(text, w->method.len, text.len));
    } else if (text.len == 0 || !(memchr(text.ptr, '/', text.len))) {
        return "give METHOD URL, as in \"GET http://foo.bar.com/api\"";
    }
    struct l7_bytes scheme = token_slice(w->target, 0, w->target.len < 8 ? w->target.len : 8);
    if (token_equal_nocase(scheme, "https://"))
        return "an https request travels inside tls: explain the tls connection";
    return NULL;
}

static const char *read_words(const struct l7_pair *pairs, size_t count, struct words *w)
{
    memset(w, 0, sizeof(*w));
    for (size_t i = 0; i < count; i++) {
        const char *name = pairs[i].name;
        struct l7_bytes value = pairs[i].value;
        bool there = value.ptr != NULL;
        if (strcmp(name, "") == 0 && there) {
            const char *why = read_alone(value, w);
            if (why)
                return why;
        } else if (strcmp(name, "method") == 0) {
            w->method = value;
            w->has_method = there;
        } else if (strcmp(name, "target") == 0 || strcmp(name, "path") == 0) {
            if (w->has_target && there)
                return "the target is given twice";
            w->target = there ? value : w->target;
            w->has_target = w->has_target || there;
        } else if (strcmp(name, "host") == 0) {
            w->host = value;
            w->has_host = there && value.len > 0; /* an empty one is none [L7-16] */
        } else {
            return "unknown name; known: method, target, path, host";
        }
    }
    if (!w->has_method || w->method.len == 0)
        return "a request has a method";
    if (!w->has_target)
        return "a request has a target: give target or path";
    return NULL;
}

/* What cannot stand on a request line at all [L7-24]. */
static bool is_broken(struct l7_bytes target)
{
    for (size_t i = 0; i < target.len; i++) {
        if (target.ptr[i] <= 0x20 || target.ptr[i] == 0x7f)
            return true;
    }
    return false;
}

struct example {
    struct target target;
    struct authority from_target, from_host;
    bool has_target_host;
    bool unsure; /* both hosts, and they differ [L7-15] */
    const char *remark;
};

static const char *read_target(const struct words *w, struct example *e)
{
    if (!token_is_valid(w->method))
        return "method";
    if (is_broken(w->target))
        return "target-byte";
    const char *reason = target_read(w->target, w->method, &e->target);
    if (reason || e->target.authority.len == 0) {
        return reason ? reason : e->target.form == TARGET_ABSOLUTE ? "host-empty" : NULL;
    }
    reason = authority_read(e->target.authority, &e->from_target);
    e->has_target_host = !reason;
    return reason;
}

static const char *read_hosts(const struct words *w, struct example *e)
{
    if (!w->has_host)
        return NULL;
    const char *reason = authority_read(w->host, &e->from_host);
    if (reason || !e->has_target_host)
        return reason;
    e->unsure = !token_same_nocase(e->from_target.name, e->from_host.name);
    e->remark = authority_differs(&e->target, &e->from_target, &e->from_host);
    return NULL;
}

static void remark(struct l7_text *note, const char *reason)
{
    char text[128];
    snprintf(text, sizeof(text), "on the wire such a request is refused in any case: %s", reason);
    note_write(note, text);
}

static void emit(const struct http *http, struct l7_tx *tx, const struct words *w,
                 const struct example *e, const struct path *path)
{
    const struct authority *host = e->has_target_host ? &e->from_target
                                   : w->has_host      ? &e->from_host
                                                      : NULL;
    attr_text(http, tx, ATTR_URL, w->target);
    attr_text(http, tx, ATTR_METHOD, w->method);
    if (host)
        attr_host(http, tx, host);
    field_emit(http, tx, FIELD_METHOD, &w->method, 1);
    field_emit_path(http, tx, &e->target, path);
    if (host)
        field_emit_host(http, tx, e->unsure ? NULL : host);
}

int http_example(const void *self, const struct l7_pair *pairs, size_t pair_count, struct l7_tx *tx,
                 struct l7_text *note)
{
    struct words w;
    struct example e;
    struct path path;
    memset(&e, 0, sizeof(e));
    const char *reason = read_words(pairs, pair_count, &w);
    if (reason)
        return fail(note, -EINVAL, reason);
    reason = read_target(&w, &e);
    if (!reason)
        reason = read_hosts(&w, &e);
    if (reason)
        return fail(note, -EBADMSG, reason);
    int err = path_init(&path, e.target.path);
    if (err)
        return fail(note, err, "no memory");
    emit(self, tx, &w, &e, &path);
    if (!e.remark)
        e.remark = target_refusal(&e.target, w.method);
    if (!e.remark && e.target.form == TARGET_AUTHORITY && !e.from_target.has_port)
        e.remark = "connect-port";
    if (!e.remark)
        e.remark = path.refusal;
    if (e.remark)
        remark(note, e.remark);
    path_fini(&path);
    return 0;
}
