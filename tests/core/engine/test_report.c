/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemon tells of itself, from a worker that has judged traffic; and how it reads. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "engine/render.h"
#include "engine/report.h"
#include "harness/wire.h"

static struct engine engine_around(struct wire *w, struct worker **list)
{
    *list = &w->worker;
    return (struct engine){.settings = w->settings,
                           .registry = w->registry,
                           .snapshot = w->snapshot,
                           .workers = list,
                           .worker_count = 1,
                           .generation = 1};
}

/* One allowed connection, one refused. */
static struct wire *busy(void)
{
    struct wire *w = wire_open(wire_allow_get_public);
    wire_connect(w, 40001);
    wire_client_says(w, "GET /public/x HTTP/1.1\r\nHost: h\r\n\r\n");
    wire_connect(w, 40002);
    wire_client_says(w, "GET /private HTTP/1.1\r\nHost: h\r\n\r\n");
    return w;
}

static json_int_t number(const json_t *o, const char *a, const char *b)
{
    const json_t *j = json_object_get(o, a);
    return json_integer_value(b != NULL ? json_object_get(j, b) : j);
}

static const char *word(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s != NULL ? s : "";
}

Test(report, counts_every_frame_once)
{
    struct wire *w = busy();
    struct worker *list;
    struct engine e = engine_around(w, &list);
    json_t *s = report_status(&e);
    cr_assert_not_null(s);
    cr_expect_gt(number(s, "frames", "received"), 0);
    cr_expect_eq(number(s, "frames", "received"),
                 number(s, "frames", "forwarded") + number(s, "frames", "dropped") +
                     number(s, "frames", "rejected") + number(s, "frames", "held"));
    cr_expect_eq(number(s, "flows", "opened"), 2);
    cr_expect_eq(number(s, "flows", "governed"), 2);
    cr_expect_eq(number(s, "flows", "refused"), 1);
    cr_expect_eq(number(s, "flows", "count"), 2);
    cr_expect_eq(number(json_object_get(s, "flows"), "refusals", "no-match"), 1);
    cr_expect_eq(number(s, "transactions", "allowed"), 1);
    cr_expect_eq(number(s, "transactions", "refused"), 1);
    cr_expect_geq(number(s, "resets_sent", NULL), 2);
    cr_expect_eq(number(s, "workers", NULL), 1);
    cr_expect_eq(number(s, "policies", "rules"), 1);
    cr_expect_null(json_object_get(s, "incomplete"));
    json_decref(s);
    wire_close(w);
}

Test(report, lists_flows_with_their_rule)
{
    struct wire *w = busy();
    struct worker *list;
    struct engine e = engine_around(w, &list);
    json_t *all = report_flows(&e, 1000), *f;
    size_t i, governed = 0, refused = 0;
    cr_assert_eq(json_array_size(json_object_get(all, "flows")), 2);
    cr_expect(json_is_false(json_object_get(all, "truncated")));
    json_array_foreach(json_object_get(all, "flows"), i, f)
    {
        cr_expect_str_eq(word(f, "client"), "10.0.0.1");
        cr_expect_str_eq(word(f, "server"), "10.0.0.2");
        cr_expect_eq(number(f, "serverPort", NULL), 80);
        cr_expect_str_eq(word(f, "proto"), "TCP");
        cr_expect_str_eq(word(f, "rule"), "get-public");
        cr_expect_str_eq(word(f, "direction"), "Ingress");
        cr_expect_gt(number(f, "packets", "toServer"), 2);
        if (strcmp(word(f, "fate"), "governed") == 0 && number(f, "clientPort", NULL) == 40001)
            governed++;
        if (strcmp(word(f, "fate"), "refused") == 0 && number(f, "clientPort", NULL) == 40002)
            refused++;
    }
    cr_expect_eq(governed, 1);
    cr_expect_eq(refused, 1);
    json_decref(all);
    all = report_flows(&e, 1);
    cr_expect_eq(json_array_size(json_object_get(all, "flows")), 1);
    cr_expect(json_is_true(json_object_get(all, "truncated")));
    json_decref(all);
    wire_close(w);
}

Test(report, lists_rules_with_what_they_decided)
{
    struct wire *w = busy();
    struct worker *list;
    struct engine e = engine_around(w, &list);
    json_t *all = report_policies(&e);
    cr_assert_eq(json_array_size(all), 1);
    const json_t *r = json_array_get(all, 0);
    cr_expect_str_eq(word(r, "rule"), "get-public");
    cr_expect_str_eq(word(r, "policy"), "public");
    cr_expect_str_eq(word(r, "tier"), "application");
    cr_expect_str_eq(word(r, "action"), "Allow");
    cr_expect(json_is_true(json_object_get(r, "l7")));
    cr_expect_eq(number(r, "l7Id", NULL), 1);
    cr_expect_eq(number(r, "tierPriority", NULL), 250);
    cr_expect_eq(number(r, "hits", NULL), 2);
    cr_expect_gt(number(r, "line", NULL), 1);
    json_decref(all);
    wire_close(w);
}

Test(report, describes_plugins_with_their_fields)
{
    struct wire *w = wire_open(wire_allow_get_public);
    json_t *all = report_plugins(w->registry), *p, *f;
    size_t i, k, inspectors = 0, fields = 0;
    json_array_foreach(all, i, p)
    {
        cr_expect(word(p, "name")[0] != '\0' && word(p, "summary")[0] != '\0');
        if (strcmp(word(p, "kind"), "inspector") != 0)
            continue;
        inspectors++;
        cr_expect(word(p, "keyword")[0] != '\0');
        json_array_foreach(json_object_get(p, "fields"), k, f)
        {
            cr_expect(word(f, "name")[0] != '\0' && word(f, "match")[0] != '\0');
            fields++;
        }
    }
    cr_expect_eq(inspectors, registry_keyword_count(w->registry));
    cr_expect_gt(fields, 0);
    json_decref(all);
    wire_close(w);
}

/* ---- for people ---- */

static bool shows(void (*render)(const json_t *, FILE *), const json_t *j, const char *text)
{
    char *out = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&out, &len);
    render(j, to);
    fclose(to);
    bool found = strstr(out, text) != NULL;
    if (!found)
        fprintf(stderr, "%s is not in:\n%s", text, out);
    free(out);
    return found;
}

Test(report, reads_well)
{
    struct wire *w = busy();
    struct worker *list;
    struct engine e = engine_around(w, &list);
    json_t *j = report_status(&e);
    cr_expect(shows(render_status, j, "1 rules"));
    cr_expect(shows(render_status, j, "flows refused, by reason\n  1  no-match\n"));
    json_decref(j);
    j = report_flows(&e, 10);
    cr_expect(shows(render_flows, j, "10.0.0.1:40001"));
    cr_expect(shows(render_flows, j, "public / get-public"));
    json_decref(j);
    j = report_policies(&e);
    cr_expect(shows(render_policies, j, "default/public"));
    json_decref(j);
    wire_close(w);
}

Test(report, renders_answers_of_any_shape)
{
    static const char *const shapes[] = {"{}",
                                         "[]",
                                         "[{}]",
                                         "{\"flows\": [{}], \"truncated\": true}",
                                         "{\"steps\": [{}, 7]}",
                                         "{\"frames\": 7, \"flows\": []}",
                                         "[7, {\"fields\": [{\"values\": [1]}]}]"};
    char *out = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&out, &len);
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        json_t *j = json_loads(shapes[i], 0, NULL);
        render_status(j, to);
        render_flows(j, to);
        render_policies(j, to);
        render_explain(j, to);
        render_plugins(j, to);
        render_plugin(j, to);
        render_reload(j, to);
        json_decref(j);
    }
    fclose(to);
    cr_expect_gt(len, 0);
    free(out);
}
