/* SPDX-License-Identifier: Apache-2.0 */
/* Any record, of any bytes, is one line of valid JSON. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "line.h"

#define RECORDS 200000
#define ATTRS 6
#define BYTES 64

static uint64_t state = 20261123;

static uint32_t any(uint32_t below)
{
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(state >> 33) % below;
}

/* Bytes of three kinds: plain, plain with a few of any value, and any. */
static void any_bytes(uint8_t *to, size_t len)
{
    uint32_t kind = any(3);

    for (size_t i = 0; i < len; i++) {
        if (kind == 2 || (kind == 1 && any(8) == 0))
            to[i] = (uint8_t)any(256);
        else
            to[i] = (uint8_t)(' ' + any(95));
    }
}

static const char *any_text(char *to, size_t cap)
{
    size_t len = any((uint32_t)cap);

    if (any(4) == 0)
        return NULL;
    any_bytes((uint8_t *)to, len);
    for (size_t i = 0; i < len; i++)
        to[i] = to[i] ? to[i] : 'x';
    to[len] = '\0';
    return to;
}

struct storage {
    struct l7_record_attr attrs[ATTRS];
    char names[ATTRS][32];
    uint8_t values[ATTRS][BYTES];
    char texts[13][24];
    uint8_t frame[BYTES];
};

static void any_record(struct l7_record *r, struct storage *s)
{
    const char **texts[13] = {
        &r->in_iface,         &r->pkt_src,          &r->keyword,          &r->app_proto,
        &r->policy.name,      &r->policy.rule,      &r->policy.reference, &r->policy.namespace_,
        &r->policy.tier,      &r->policy.direction, &r->policy.reason,    &r->policy.action,
        &r->policy.log_label,
    };

    any_bytes((uint8_t *)r, sizeof(*r)); /* numbers of any value */
    r->size = sizeof(*r);
    /* Counters; the parser takes numbers up to 2^63 - 1. */
    r->flow_id >>= 13;
    r->flow.pkts_toserver >>= 1;
    r->flow.pkts_toclient >>= 1;
    r->flow.bytes_toserver >>= 1;
    r->flow.bytes_toclient >>= 1;
    r->type = any(8);
    r->src.family = (uint8_t)(any(3) * 2 + 2);
    r->policy.enable_logging = any(2);
    for (size_t i = 0; i < 13; i++)
        *texts[i] = any_text(s->texts[i], sizeof(s->texts[i]));
    r->packet = (struct l7_bytes){s->frame, any(BYTES)};
    any_bytes(s->frame, sizeof(s->frame));
    r->attrs = s->attrs;
    r->attr_count = any(ATTRS + 1);
    for (size_t i = 0; i < r->attr_count; i++) {
        struct l7_record_attr *a = &s->attrs[i];

        /* Names of their own, or the parser would complain of doubles; some in groups. */
        snprintf(s->names[i], sizeof(s->names[i]), "%s%zu", any(2) ? "g." : "", i);
        a->name = s->names[i];
        a->value.type = any(4);
        a->value.number = (int64_t)(state * 3);
        a->value.string = (struct l7_bytes){s->values[i], any(BYTES)};
        any_bytes(s->values[i], BYTES);
    }
}

Test(eve_random, every_line_is_one_json_object_without_control_characters)
{
    static const struct line_style styles[] = {
        {.alert_fields = true, .packet_events = true, .policy = true, .value_limit = 65536},
        {.alert_packet = true, .value_limit = 20},
    };
    struct text text;
    struct stamp stamp;
    static struct storage storage;
    unsigned lines = 0;

    setenv("TZ", "UTC", 1);
    text_init(&text);
    stamp_init(&stamp);
    for (int i = 0; i < RECORDS; i++) {
        struct l7_record record;
        json_error_t error;
        json_t *json;

        any_record(&record, &storage);
        if (!line_write(&text, &stamp, &styles[i % 2], &record))
            continue;
        lines++;
        cr_assert_not(text.failed);
        cr_assert_eq(text.ptr[text.len - 1], '\n');
        for (size_t c = 0; c + 1 < text.len; c++)
            cr_assert_geq((uint8_t)text.ptr[c], 0x20);
        json = json_loadb(text.ptr, text.len, JSON_ALLOW_NUL, &error);
        cr_assert_not_null(json, "record %d: %s: %.*s", i, error.text, (int)text.len, text.ptr);
        cr_assert_str_eq(json_string_value(json_object_get(json, "timestamp")) + 26, "+0000");
        json_decref(json);
    }
    cr_assert_gt(lines, RECORDS / 4);
    text_fini(&text);
}
