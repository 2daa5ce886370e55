/* SPDX-License-Identifier: Apache-2.0 */
/* session: attributes and fields on their way to the host. */

#include "session.h"

#include <stdlib.h>
#include <string.h>

#include "path.h"
#include "target.h"
#include "token.h"

enum l7_step session_break(struct l7_progress *progress, const char *reason)
{
    progress->consumed = 0;
    progress->skip = 0;
    progress->reason = reason;
    return L7_STEP_BREAK;
}

void attr_text(const struct http *http, struct l7_tx *tx, enum http_attr attr, struct l7_bytes text)
{
    struct l7_value value = {.type = L7_TYPE_STRING, .string = text};
    if (tx)
        http->host->tx_attr(tx, attr, value);
}

void attr_number(const struct http *http, struct l7_tx *tx, enum http_attr attr, uint64_t number)
{
    struct l7_value value = {.type = L7_TYPE_NUMBER,
                             .number = number > INT64_MAX ? INT64_MAX : (int64_t)number};
    if (tx)
        http->host->tx_attr(tx, attr, value);
}

void attr_header(const struct http *http, struct l7_tx *tx, enum http_attr attr,
                 const struct head *h, struct l7_bytes in, enum header id)
{
    struct l7_bytes value;
    uint8_t *copy = NULL;
    if (tx && head_value(h, in, id, &value, &copy) && value.len > 0)
        attr_text(http, tx, attr, value);
    free(copy);
}

static struct l7_bytes lower_copy(struct l7_bytes text, uint8_t out[HOST_MAX])
{
    for (size_t i = 0; i < text.len && i < HOST_MAX; i++)
        out[i] = token_lower(text.ptr[i]);
    return (struct l7_bytes){out, text.len < HOST_MAX ? text.len : HOST_MAX};
}

void attr_host(const struct http *http, struct l7_tx *tx, const struct authority *host)
{
    uint8_t lower[HOST_MAX];
    attr_text(http, tx, ATTR_HOSTNAME, lower_copy(host->host, lower));
    if (host->has_port && host->port > 0 && host->port < 65536)
        attr_number(http, tx, ATTR_PORT, host->port);
}

enum l7_judgement field_emit(const struct http *http, struct l7_tx *tx, enum http_field field,
                             const struct l7_bytes *forms, size_t count)
{
    struct l7_field_value value = {.forms = forms, .form_count = count};
    return http->host->tx_field(tx, field, &value);
}

enum l7_judgement field_emit_host(const struct http *http, struct l7_tx *tx,
                                  const struct authority *host)
{
    static const struct l7_bytes none = {NULL, 0};
    struct l7_field_value value = {.forms = &none, .form_count = 1, .unmatchable = !host};
    uint8_t lower[HOST_MAX];
    struct l7_bytes name;
    if (host) {
        name = lower_copy(host->name, lower);
        value.forms = &name;
    }
    return http->host->tx_field(tx, FIELD_HOST, &value);
}

enum l7_judgement field_emit_path(const struct http *http, struct l7_tx *tx,
                                  const struct target *target, const struct path *path)
{
    struct l7_bytes forms[2] = {path->a, path->b};
    bool same = path->a.len == path->b.len &&
                (path->a.len == 0 || memcmp(path->a.ptr, path->b.ptr, path->a.len) == 0);
    struct l7_field_value value = {.forms = forms,
                                   .form_count = same ? 1 : 2,
                                   .tail = target->query,
                                   .has_tail = target->has_query,
                                   .unmatchable = path->unmatchable};
    return http->host->tx_field(tx, FIELD_PATH, &value);
}
