/* SPDX-License-Identifier: Apache-2.0 */
/* Real handshakes, recorded once: what the record says of them, however they are cut, and what a
 * client may still do after its first hello. */

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include "transcript.h"

#define RECORD_HEAD 5

static const char *const names[] = {
    "tls10",           "tls11",         "tls12",
    "tls12-anonymous", "tls13",         "tls12-client-certificate",
    "tls13-retry",     "tls12-resumed", "tls12-odd-certificate",
};

static size_t record_write(uint8_t *out, const uint8_t *head, const uint8_t *body, size_t len)
{
    memcpy(out, head, 3);
    out[3] = (uint8_t)(len >> 8);
    out[4] = (uint8_t)len;
    memcpy(out + RECORD_HEAD, body, len);
    return RECORD_HEAD + len;
}

/* The same messages in other records: neighbouring cleartext handshake records are joined and cut
 * again into records of `size` bytes, so that messages begin and end anywhere. What comes after a
 * change_cipher_spec is not touched: there a record is a unit. */
static uint8_t *refragment(const struct flight *flight, size_t size, size_t *len)
{
    uint8_t *out = malloc(flight->len * (RECORD_HEAD + 1) + 1);
    uint8_t *joined = malloc(flight->len + 1);
    bool clear = true;

    *len = 0;
    for (size_t at = 0; at < flight->len;) {
        const uint8_t *head = flight->bytes + at;
        bool cut = clear && head[0] == 22;
        size_t have = 0;

        do {
            size_t n = (size_t)flight->bytes[at + 3] << 8 | flight->bytes[at + 4];

            memcpy(joined + have, flight->bytes + at + RECORD_HEAD, n);
            have += n;
            at += RECORD_HEAD + n;
        } while (cut && at < flight->len && flight->bytes[at] == 22);
        for (size_t done = 0; done < have;) {
            size_t n = cut && have - done > size ? size : have - done;

            *len += record_write(out + *len, head, joined + done, n);
            done += n;
        }
        clear = clear && head[0] != 20;
    }
    free(joined);
    return out;
}

static void check_record(const char *name, const struct fake *fake, const struct transcript *t)
{
    cr_assert_null(fake->reason, "%s: %s", name, fake->reason);
    cr_assert_null(fake->reason_client, "%s: %s", name, fake->reason_client);
    cr_assert_eq(fake->opened, 1, "%s", name);
    cr_assert_eq(fake->closed, 1, "%s", name);
    cr_assert(fake->released, "%s", name);
    cr_assert_eq(fake->delivered_undecided, 0, "%s", name);
    for (size_t i = 0; i < FAKE_ATTRS; i++)
        cr_assert_str_eq(fake->attrs[i], t->attrs[i], "%s: %s", name, transcript_attrs[i]);
}

/* Play with cleartext records of at most `record` bytes, in segments of `segment` bytes. */
static void play(const char *name, size_t record, size_t segment)
{
    struct transcript *t = transcript_read(name);
    struct fake fake = {0};

    fake_open(&fake);
    for (size_t i = 0; i < t->count; i++) {
        size_t len = 0;
        uint8_t *bytes = refragment(&t->flights[i], record, &len);

        for (size_t at = 0; at < len; at += segment)
            fake_send(&fake, t->flights[i].dir, bytes + at,
                      len - at < segment ? len - at : segment);
        free(bytes);
    }
    check_record(name, &fake, t);
    fake_close(&fake);
    transcript_free(t);
}

static void play_all(size_t record, size_t segment)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        play(names[i], record, segment);
}

Test(handshake, is_recorded_as_openssl_describes_it)
{
    play_all(16384, SIZE_MAX);
}

Test(handshake, is_the_same_byte_by_byte)
{
    play_all(16384, 1);
}

Test(handshake, is_the_same_in_records_of_any_size)
{
    play_all(1, SIZE_MAX);
    play_all(1, 1);
    for (size_t record = 2; record < 40; record++)
        play_all(record, record * 3 - 1);
}

/* TLS 1.3: with the ServerHello. Older: with the end of the handshake. */
Test(handshake, is_complete_when_it_is_encrypted)
{
    static const struct {
        const char *name;
        size_t flight;
    } ends[] = {{"tls13", 1}, {"tls13-retry", 3}, {"tls12", 3}, {"tls12-resumed", 2}};

    for (size_t k = 0; k < sizeof(ends) / sizeof(ends[0]); k++) {
        struct transcript *t = transcript_read(ends[k].name);
        struct fake fake = {0};

        fake_open(&fake);
        for (size_t i = 0; i <= ends[k].flight; i++) {
            cr_assert_eq(fake.closed, 0, "%s", ends[k].name);
            transcript_send(&fake, t, i);
        }
        cr_assert_eq(fake.closed, 1, "%s", ends[k].name);
        cr_assert(fake.released, "%s", ends[k].name);
        fake_close(&fake);
        transcript_free(t);
    }
}

/* A hello is judged, and all of it consumed or nothing. */
Test(client, delivers_nothing_of_a_refused_hello)
{
    struct transcript *t = transcript_read("tls13");
    struct fake fake = {.refuse = true};

    fake_open(&fake);
    transcript_send(&fake, t, 0);
    transcript_send(&fake, t, 1);
    cr_assert_eq(fake.opened, 1);
    cr_assert_eq(fake.sides[L7_TO_SERVER].delivered, 0);
    cr_assert_eq(fake.closed, 0);
    cr_assert_not(fake.released);
    cr_assert_null(fake.reason);
    cr_assert_str_eq(fake.sni, "lab.foo.com");
    cr_assert_str_eq(fake.attrs[FAKE_SNI], "LAB.foo.com");
    cr_assert_str_eq(fake.attrs[FAKE_VERSION], "UNDETERMINED");
    fake_close(&fake);
    transcript_free(t);
}

Test(client, is_refused_when_no_transaction_can_be_opened)
{
    struct transcript *t = transcript_read("tls13");
    struct fake fake = {.no_tx = true};

    fake_open(&fake);
    transcript_send(&fake, t, 0);
    cr_assert_str_eq(fake.reason, "transaction-limit");
    cr_assert_eq(fake.sides[L7_TO_SERVER].delivered, 0);
    fake_close(&fake);
    transcript_free(t);
}

Test(client, may_send_a_hello_up_to_the_limit)
{
    struct transcript *t = transcript_read("tls12");
    size_t size = t->flights[0].len - RECORD_HEAD;

    for (size_t under = 0; under < 2; under++) {
        struct fake fake = {.max_hello = (int64_t)(size - under)};

        fake_open(&fake);
        /* The head says it all: no need to wait for the body. */
        fake_send(&fake, L7_TO_SERVER, t->flights[0].bytes, RECORD_HEAD + 4);
        if (under) {
            cr_assert_str_eq(fake.reason, "hello-too-large");
        } else {
            cr_assert_null(fake.reason);
            fake_send(&fake, L7_TO_SERVER, t->flights[0].bytes + RECORD_HEAD + 4, size - 4);
            cr_assert_eq(fake.decided, 1);
        }
        fake_close(&fake);
    }
    transcript_free(t);
}

/* Record heads count, too: 64 KiB in records of one byte are not waited for. */
Test(client, may_not_hide_a_large_hello_in_tiny_records)
{
    static const uint8_t first[] = {22, 3, 1, 0, 4, 1, 0, 0xff, 0xf0};
    static const uint8_t next[] = {22, 3, 1, 0, 1, 3};
    struct fake fake = {0};
    size_t sent = sizeof(first);

    fake_open(&fake);
    fake_send(&fake, L7_TO_SERVER, first, sizeof(first));
    while (!fake.reason && sent < 100000) {
        fake_send(&fake, L7_TO_SERVER, next, sizeof(next));
        sent += sizeof(next);
    }
    cr_assert_str_eq(fake.reason, "hello-too-large");
    cr_assert_leq(sent, 65536 + 1024 + sizeof(next));
    fake_close(&fake);
}

/* Asked again only when there is something to see. */
Test(client, is_not_looked_at_for_every_byte)
{
    struct transcript *t = transcript_read("tls12");
    struct fake fake = {0};

    fake_open(&fake);
    for (size_t i = 0; i < t->flights[0].len; i++)
        fake_send(&fake, L7_TO_SERVER, t->flights[0].bytes + i, 1);
    cr_assert_eq(fake.decided, 1);
    cr_assert_leq(fake.calls, 10);
    fake_close(&fake);
    transcript_free(t);
}

/* ---- a second hello [L7-21] ---- */

/* Up to and with the HelloRetryRequest. */
static struct transcript *retry_begin(struct fake *fake)
{
    struct transcript *t = transcript_read("tls13-retry");

    fake_open(fake);
    transcript_send(fake, t, 0);
    transcript_send(fake, t, 1);
    cr_assert_eq(fake->decided, 1);
    return t;
}

static void rename_host(struct flight *flight, const char *from, const char *to)
{
    uint8_t *at = memmem(flight->bytes, flight->len, from, strlen(from));

    cr_assert(at);
    memcpy(at, to, strlen(to));
}

Test(second_hello, must_name_the_same_host)
{
    struct fake fake = {0};
    struct transcript *t = retry_begin(&fake);
    uint64_t before = fake.sides[L7_TO_SERVER].delivered;

    rename_host(&t->flights[2], "lab.foo.com", "lab.fox.com");
    transcript_send(&fake, t, 2);
    cr_assert_str_eq(fake.reason, "second-hello-differs");
    cr_assert_eq(fake.sides[L7_TO_SERVER].delivered, before + 6); /* the change_cipher_spec */
    fake_close(&fake);
    transcript_free(t);
}

Test(second_hello, may_spell_the_host_otherwise)
{
    struct fake fake = {0};
    struct transcript *t = retry_begin(&fake);

    rename_host(&t->flights[2], "lab.foo.com", "LAB.Foo.com");
    transcript_send(&fake, t, 2);
    cr_assert_null(fake.reason);
    cr_assert_eq(fake.opened, 1);
    fake_close(&fake);
    transcript_free(t);
}

/* Server_name is made an extension nobody knows: the second hello has no name at all. */
Test(second_hello, may_not_leave_the_name_out)
{
    struct fake fake = {0};
    struct transcript *t = retry_begin(&fake);
    uint8_t *name = memmem(t->flights[2].bytes, t->flights[2].len, "lab.foo.com", 11);

    name[-9] = 0x5a;
    name[-8] = 0x5a;
    transcript_send(&fake, t, 2);
    cr_assert_str_eq(fake.reason, "second-hello-differs");
    fake_close(&fake);
    transcript_free(t);
}

Test(second_hello, must_be_well_formed)
{
    struct fake fake = {0};
    struct transcript *t = retry_begin(&fake);

    rename_host(&t->flights[2], "lab.foo.com", "lab foo.com");
    transcript_send(&fake, t, 2);
    cr_assert_str_eq(fake.reason, "bad-server-name");
    fake_close(&fake);
    transcript_free(t);
}

Test(second_hello, comes_after_the_answer_or_not_at_all)
{
    struct transcript *t = transcript_read("tls13-retry");
    struct fake fake = {0};

    fake_open(&fake);
    transcript_send(&fake, t, 0);
    transcript_send(&fake, t, 2); /* the HelloRetryRequest was not seen */
    cr_assert_str_eq(fake.reason, "unexpected-hello");
    cr_assert_eq(fake.sides[L7_TO_SERVER].delivered, t->flights[0].len + 6);
    fake_close(&fake);
    transcript_free(t);
}

Test(second_hello, comes_once)
{
    struct fake fake = {0};
    struct transcript *t = retry_begin(&fake);

    transcript_send(&fake, t, 2);
    cr_assert_null(fake.reason);
    transcript_send(&fake, t, 1); /* even if the server asks again */
    transcript_send(&fake, t, 2);
    cr_assert_str_eq(fake.reason, "unexpected-hello");
    fake_close(&fake);
    transcript_free(t);
}

Test(second_hello, has_no_place_in_an_old_handshake)
{
    struct transcript *t = transcript_read("tls12");
    struct fake fake = {0};

    fake_open(&fake);
    transcript_send(&fake, t, 0);
    transcript_send(&fake, t, 1);
    transcript_send(&fake, t, 0);
    cr_assert_str_eq(fake.reason, "unexpected-hello");
    cr_assert_eq(fake.sides[L7_TO_SERVER].delivered, t->flights[0].len);
    fake_close(&fake);
    transcript_free(t);
}

/* The server must wait for the hello it asked for; else the client's could come unseen. */
Test(second_hello, is_awaited_before_the_flow_is_released)
{
    struct fake fake = {0};
    struct transcript *t = retry_begin(&fake);

    transcript_send(&fake, t, 3);
    cr_assert_str_eq(fake.reason_client, "unexpected-server-hello");
    cr_assert_not(fake.released);
    rename_host(&t->flights[2], "lab.foo.com", "lab.fox.com");
    transcript_send(&fake, t, 2);
    cr_assert_str_eq(fake.reason, "second-hello-differs");
    fake_close(&fake);
    transcript_free(t);
}

/* ---- other records of the client ---- */

static const uint8_t early_data[] = {23, 3, 3, 0, 4, 'd', 'a', 't', 'a'};

Test(early_data, passes_before_the_answer)
{
    struct transcript *t = transcript_read("tls13");
    struct fake fake = {0};

    fake_open(&fake);
    transcript_send(&fake, t, 0);
    for (size_t i = 0; i < sizeof(early_data); i++)
        fake_send(&fake, L7_TO_SERVER, early_data + i, 1);
    cr_assert_null(fake.reason);
    cr_assert_eq(fake.sides[L7_TO_SERVER].delivered, t->flights[0].len + sizeof(early_data));
    fake_close(&fake);
    transcript_free(t);
}

Test(early_data, does_not_hide_a_second_hello)
{
    struct transcript *t = transcript_read("tls13-retry");
    struct fake fake = {0};

    fake_open(&fake);
    transcript_send(&fake, t, 0);
    fake_send(&fake, L7_TO_SERVER, early_data, sizeof(early_data));
    transcript_send(&fake, t, 1);
    rename_host(&t->flights[2], "lab.foo.com", "lab.fox.com");
    transcript_send(&fake, t, 2);
    cr_assert_str_eq(fake.reason, "second-hello-differs");
    fake_close(&fake);
    transcript_free(t);
}

Test(client, sends_nothing_strange_between_hello_and_answer)
{
    static const struct {
        uint8_t bytes[8];
        size_t len;
        const char *reason;
    } cases[] = {
        {{20, 3, 3, 0, 1, 2}, 6, "bad-change-cipher-spec"},
        {{20, 3, 3, 0, 2}, 5, "bad-record-length"},
        {{21, 3, 3, 0, 3}, 5, "bad-record-length"},
        {{22, 3, 3, 0, 0}, 5, "empty-record"},
        {{22, 3, 3, 0x40, 1}, 5, "record-too-long"},
        {{24, 3, 3, 0, 1}, 5, "bad-record-type"},
        {{'G', 'E', 'T'}, 3, "bad-record-type"},
        {{22, 3, 5, 0, 1}, 5, "bad-record-version"},
        {{22, 3, 3, 0, 9, 1}, 6, "unexpected-hello"},
        {{21, 3, 3, 0, 2, 1, 0}, 7, NULL},
        {{20, 3, 3, 0, 1, 1}, 6, NULL},
    };
    struct transcript *t = transcript_read("tls13");

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fake fake = {0};

        fake_open(&fake);
        transcript_send(&fake, t, 0);
        fake_send(&fake, L7_TO_SERVER, cases[i].bytes, cases[i].len);
        if (cases[i].reason)
            cr_assert_str_eq(fake.reason, cases[i].reason, "case %zu", i);
        else
            cr_assert_null(fake.reason, "case %zu", i);
        cr_assert_eq(fake.sides[L7_TO_SERVER].delivered,
                     t->flights[0].len + (cases[i].reason ? 0 : cases[i].len), "case %zu", i);
        fake_close(&fake);
    }
    transcript_free(t);
}

Test(client, sends_no_data_in_the_clear)
{
    struct transcript *t = transcript_read("tls12");
    struct fake fake = {0};

    fake_open(&fake);
    transcript_send(&fake, t, 0);
    transcript_send(&fake, t, 1);
    fake_send(&fake, L7_TO_SERVER, early_data, sizeof(early_data));
    cr_assert_str_eq(fake.reason, "unexpected-record");
    fake_close(&fake);
    transcript_free(t);
}

/* After a retry the hello is the only message that can come in the clear. */
Test(client, sends_no_other_message_after_a_retry)
{
    static const uint8_t finished[] = {22, 3, 3, 0, 4, 20, 0, 0, 0};
    struct fake fake = {0};
    struct transcript *t = retry_begin(&fake);

    fake_send(&fake, L7_TO_SERVER, finished, sizeof(finished));
    cr_assert_str_eq(fake.reason, "unexpected-handshake");
    fake_close(&fake);
    transcript_free(t);
}

/* ---- one side, or no TLS at all ---- */

Test(one_side, of_a_handshake_passes_and_leaves_its_record_open)
{
    static const char *const old[] = {"tls12", "tls12-resumed", "tls12-client-certificate"};

    for (size_t k = 0; k < sizeof(old) / sizeof(old[0]); k++) {
        struct transcript *t = transcript_read(old[k]);
        struct fake fake = {0};
        size_t sent = 0;

        fake_open(&fake);
        for (size_t i = 0; i < t->count; i++) {
            if (t->flights[i].dir == L7_TO_SERVER) {
                transcript_send(&fake, t, i);
                sent += t->flights[i].len;
            }
        }
        cr_assert_null(fake.reason, "%s: %s", old[k], fake.reason);
        cr_assert_eq(fake.sides[L7_TO_SERVER].delivered, sent, "%s", old[k]);
        cr_assert_eq(fake.closed, 0);
        cr_assert_str_eq(fake.attrs[FAKE_VERSION], "UNDETERMINED");
        fake_close(&fake);
        transcript_free(t);
    }
}

Test(server, is_not_read_before_the_hello_is_judged)
{
    struct transcript *t = transcript_read("tls12");
    struct fake fake = {0};

    fake_open(&fake);
    transcript_send(&fake, t, 1);
    cr_assert(fake.waited);
    cr_assert_null(fake.reason_client);
    transcript_send(&fake, t, 0);
    transcript_send(&fake, t, 2);
    transcript_send(&fake, t, 3);
    check_record("tls12", &fake, t);
    fake_close(&fake);
    transcript_free(t);
}

/* It refuses nothing, but the client is still watched. */
Test(server, that_speaks_something_else_ends_the_reading_of_its_side)
{
    static const char http[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
    struct transcript *t = transcript_read("tls13");
    struct fake fake = {0};

    fake_open(&fake);
    transcript_send(&fake, t, 0);
    fake_send(&fake, L7_TO_CLIENT, http, sizeof(http) - 1);
    cr_assert_str_eq(fake.reason_client, "bad-record-type");
    cr_assert_not(fake.released);
    cr_assert_eq(fake.closed, 0);
    cr_assert_null(fake.reason);
    transcript_send(&fake, t, 0);
    cr_assert_str_eq(fake.reason, "unexpected-hello");
    fake_close(&fake);
    transcript_free(t);
}

Test(server, may_warn_before_it_answers)
{
    static const uint8_t unrecognized_name[] = {21, 3, 3, 0, 2, 1, 112};
    struct transcript *t = transcript_read("tls12");
    struct fake fake = {0};

    fake_open(&fake);
    transcript_send(&fake, t, 0);
    fake_send(&fake, L7_TO_CLIENT, unrecognized_name, sizeof(unrecognized_name));
    for (size_t i = 1; i < t->count; i++)
        transcript_send(&fake, t, i);
    check_record("tls12", &fake, t);
    fake_close(&fake);
    transcript_free(t);
}

/* A key known beforehand (RFC 4279) needs neither certificate nor key exchange from the server, and
 * is no resumption for that. */
Test(server, may_do_a_full_handshake_without_a_certificate)
{
    static const uint8_t done[] = {22, 3, 3, 0, 4, 14, 0, 0, 0};
    struct transcript *t = transcript_read("tls12");
    struct fake fake = {0};

    fake_open(&fake);
    transcript_send(&fake, t, 0);
    fake_send(&fake, L7_TO_CLIENT, t->flights[1].bytes,
              RECORD_HEAD + ((size_t)t->flights[1].bytes[3] << 8 | t->flights[1].bytes[4]));
    fake_send(&fake, L7_TO_CLIENT, done, sizeof(done));
    transcript_send(&fake, t, 2);
    transcript_send(&fake, t, 3);
    cr_assert(fake.released);
    cr_assert_str_eq(fake.attrs[FAKE_SESSION_RESUMED], "");
    fake_close(&fake);
    transcript_free(t);
}

/* A chain beyond every measure is passed over; the handshake is still followed to its end. */
Test(server, may_send_a_chain_too_long_to_keep)
{
    struct transcript *t = transcript_read("tls12");
    struct fake fake = {0};
    uint8_t chain[RECORD_HEAD + 16384] = {22, 3, 3, 0x40, 0, 11, 1, 0x3f, 0xfc};
    size_t hello = RECORD_HEAD + ((size_t)t->flights[1].bytes[3] << 8 | t->flights[1].bytes[4]);

    fake_open(&fake);
    transcript_send(&fake, t, 0);
    fake_send(&fake, L7_TO_CLIENT, t->flights[1].bytes, hello);
    for (size_t i = 0; i < 5; i++) { /* 4 + 0x13ffc bytes: the message is whole */
        fake_send(&fake, L7_TO_CLIENT, chain, sizeof(chain));
        cr_assert_eq(fake.sides[L7_TO_CLIENT].len, 0);
        memset(chain + RECORD_HEAD, 0, 4);
    }
    cr_assert_null(fake.reason_client);
    transcript_send(&fake, t, 2);
    transcript_send(&fake, t, 3);
    cr_assert(fake.released);
    cr_assert_str_eq(fake.attrs[FAKE_SUBJECT], "");
    cr_assert_str_eq(fake.attrs[FAKE_SESSION_RESUMED], "");
    cr_assert_str_eq(fake.attrs[FAKE_VERSION], "TLS 1.2");
    fake_close(&fake);
    transcript_free(t);
}
