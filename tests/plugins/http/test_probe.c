/* SPDX-License-Identifier: Apache-2.0 */
/* probe: what is claimed, and how early. */

#include <criterion/criterion.h>
#include <string.h>

#include "fake.h"

static enum l7_probe probe(enum l7_dir dir, const char *text)
{
    return l7_plugin.inspector->probe(NULL, dir, fake_at_edge((const uint8_t *)text, strlen(text)));
}

struct row {
    const char *text;
    enum l7_probe answer;
};

static const struct row rows[] = {
    {"", L7_PROBE_MORE},
    {"\r", L7_PROBE_MORE},
    {"\r\n", L7_PROBE_MORE},
    {"\r\nGET /", L7_PROBE_YES},
    {"\r\n\r", L7_PROBE_NO},
    {"\rG", L7_PROBE_NO},
    {"G", L7_PROBE_MORE},
    {"GET ", L7_PROBE_MORE},
    {"GET /", L7_PROBE_YES},
    {"GET  /", L7_PROBE_NO},
    {"GET\t", L7_PROBE_NO},
    {" GET", L7_PROBE_NO},
    {"OPTIONS *", L7_PROBE_MORE},
    {"OPTIONS * ", L7_PROBE_YES},
    {"OPTIONS */", L7_PROBE_NO},
    {"OPTIONS sip:", L7_PROBE_NO},
    {"OPTIONS rtsp://x/ RTSP/1.0\r\n", L7_PROBE_NO},
    {"GET h", L7_PROBE_MORE},
    {"GET HTTP://", L7_PROBE_YES},
    {"GET https", L7_PROBE_NO},
    {"CONNECT a", L7_PROBE_YES},
    {"CONNECT [", L7_PROBE_YES},
    {"CONNECT /", L7_PROBE_NO},
    {"PRI * HTTP/2.0\r\n", L7_PROBE_NO},
    {"PRI ", L7_PROBE_NO},
    {"CWD /pub", L7_PROBE_MORE},
    {"CWD /pub\r\n", L7_PROBE_NO},
    {"FOO /pub HTTP/1.1", L7_PROBE_MORE},
    {"FOO /pub HTTP/1.1\r\n", L7_PROBE_YES},
    {"FOO /pub HTTP/1.x\r\n", L7_PROBE_NO},
    {"FOO /pub HTTP/1.1\n", L7_PROBE_NO},
    {"get /a HTTP/1.1\r\n", L7_PROBE_YES},
    {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", L7_PROBE_NO},
    {"SSH-2.0-OpenSSH_9.6\r\n", L7_PROBE_NO},
    {"\x16\x03\x01", L7_PROBE_NO},
    {"HTTP/1.1 200 OK\r\n", L7_PROBE_NO},
    {"*1\r\n", L7_PROBE_NO},
};

Test(probe, claims_what_begins_like_a_request)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_expect_eq(probe(L7_TO_SERVER, rows[i].text), rows[i].answer, "%s", rows[i].text);
}

/* NO is final and YES a claim: neither may change when more bytes come. */
Test(probe, does_not_change_its_mind)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum l7_probe before = L7_PROBE_MORE;
        char text[64] = "";
        for (size_t len = 0; rows[i].text[len]; len++) {
            text[len] = rows[i].text[len];
            enum l7_probe now = probe(L7_TO_SERVER, text);
            cr_expect(before == L7_PROBE_MORE || now == before, "%s", text);
            before = now;
        }
    }
}

Test(probe, claims_a_long_target_of_an_unknown_method_before_its_line_ends)
{
    char text[1100];
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    memcpy(text, "FOO /", 5);
    cr_assert_eq(probe(L7_TO_SERVER, text), L7_PROBE_YES);
    text[900] = '\0';
    cr_assert_eq(probe(L7_TO_SERVER, text), L7_PROBE_MORE);
}

Test(probe, knows_a_reply_by_its_version)
{
    cr_expect_eq(probe(L7_TO_CLIENT, ""), L7_PROBE_MORE);
    cr_expect_eq(probe(L7_TO_CLIENT, "HTTP/1"), L7_PROBE_MORE);
    cr_expect_eq(probe(L7_TO_CLIENT, "HTTP/1."), L7_PROBE_YES);
    cr_expect_eq(probe(L7_TO_CLIENT, "HTTP/2"), L7_PROBE_NO);
    cr_expect_eq(probe(L7_TO_CLIENT, "SSH"), L7_PROBE_NO);
}
