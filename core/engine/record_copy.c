/* SPDX-License-Identifier: Apache-2.0 */
/* record_copy: see record_copy.h. The attributes follow the record, then all texts and bytes
 * without padding. */
#include "engine/record_copy.h"

#include <stdint.h>
#include <string.h>

_Static_assert(sizeof(struct l7_record) % _Alignof(struct l7_record_attr) == 0,
               "attributes follow the record directly");

/* Every text of a record that is not an attribute's. */
static const size_t text_fields[] = {
    offsetof(struct l7_record, in_iface),         offsetof(struct l7_record, pkt_src),
    offsetof(struct l7_record, keyword),          offsetof(struct l7_record, app_proto),
    offsetof(struct l7_record, policy.reference), offsetof(struct l7_record, policy.namespace_),
    offsetof(struct l7_record, policy.name),      offsetof(struct l7_record, policy.rule),
    offsetof(struct l7_record, policy.tier),      offsetof(struct l7_record, policy.direction),
    offsetof(struct l7_record, policy.action),    offsetof(struct l7_record, policy.log_label),
    offsetof(struct l7_record, policy.reason),
};

#define TEXT_FIELDS (sizeof(text_fields) / sizeof(text_fields[0]))

static const char *text_at(const struct l7_record *record, size_t field)
{
    const char *text;

    memcpy(&text, (const char *)record + text_fields[field], sizeof(text));
    return text;
}

/* Lengths come from plugins: a sum that does not fit stays at the top. */
static size_t sum(size_t a, size_t b)
{
    size_t both;

    return __builtin_add_overflow(a, b, &both) ? SIZE_MAX : both;
}

size_t record_copy_size(const struct l7_record *record)
{
    size_t size = sizeof(*record);
    size_t attrs;

    if (__builtin_mul_overflow(record->attr_count, sizeof(*record->attrs), &attrs))
        return SIZE_MAX;
    size = sum(size, attrs);
    for (size_t i = 0; i < TEXT_FIELDS; i++) {
        const char *text = text_at(record, i);

        if (text)
            size = sum(size, strlen(text) + 1);
    }
    for (size_t i = 0; i < record->attr_count; i++) {
        const struct l7_record_attr *attr = &record->attrs[i];

        if (attr->name)
            size = sum(size, strlen(attr->name) + 1);
        if (attr->value.type == L7_TYPE_STRING)
            size = sum(size, attr->value.string.len);
    }
    size = sum(size, record->packet.len);
    if (size > SIZE_MAX - RECORD_COPY_ALIGN)
        return SIZE_MAX;
    return (size + RECORD_COPY_ALIGN - 1) & ~(size_t)(RECORD_COPY_ALIGN - 1);
}

static const char *put_text(char **at, const char *text)
{
    char *to = *at;
    size_t len;

    if (!text)
        return NULL;
    len = strlen(text) + 1;
    memcpy(to, text, len);
    *at += len;
    return to;
}

static struct l7_bytes put_bytes(char **at, struct l7_bytes bytes)
{
    struct l7_bytes copy = {.ptr = (const uint8_t *)*at, .len = bytes.len};

    if (bytes.len)
        memcpy(*at, bytes.ptr, bytes.len);
    *at += bytes.len;
    return copy;
}

void record_copy(void *block, const struct l7_record *record)
{
    struct l7_record *copy = block;
    struct l7_record_attr *attrs = (struct l7_record_attr *)(copy + 1);
    char *at = (char *)(attrs + record->attr_count);

    *copy = *record;
    copy->size = sizeof(*copy);
    copy->attrs = attrs;
    for (size_t i = 0; i < TEXT_FIELDS; i++) {
        const char *text = put_text(&at, text_at(record, i));

        memcpy((char *)copy + text_fields[i], &text, sizeof(text));
    }
    for (size_t i = 0; i < record->attr_count; i++) {
        attrs[i] = record->attrs[i];
        attrs[i].name = put_text(&at, record->attrs[i].name);
        if (attrs[i].value.type == L7_TYPE_STRING)
            attrs[i].value.string = put_bytes(&at, record->attrs[i].value.string);
        else
            attrs[i].value.string = (struct l7_bytes){0};
    }
    copy->packet = put_bytes(&at, record->packet);
}
