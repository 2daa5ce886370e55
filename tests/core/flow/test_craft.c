/* SPDX-License-Identifier: Apache-2.0 */

/* craft: what is made decodes again, carries right checksums, goes where it should, and quotes no
 * more than it may. Checksums are added up here by a second, plainer implementation.
 */

#include "flow/craft.h"

#include <criterion/criterion.h>
#include "core/flow/sample.h"
#include "flow/decode.h"
#include "harness/guard.h"

#define M1 "020000000001 "
#define M2 "020000000002 "
#define TCP4                                                                                       \
    "4500002b 12344000 40060000 " A4 B4 "04010050 01020304 05060708 5018fffe 00000000 474554 "
#define TCP6 "60000000 0017 0640 " A6 B6 "04010050 01020304 05060708 50180100 00000000 474554 "
#define UDP4 "45000020 12350000 40110000 " A4 B4 "d3440035 000c0000 64617461 "
#define UDP6 "60000000 000c 1140 " A6 B6 "d3440035 000c0000 64617461 "

static struct sample s, out;
static struct l7_frame frame, made_frame;
static struct packet model, made;

static void model_set(uint16_t link, const char *hex)
{
    sample_set(&s, hex);
    frame = sample_frame(&s, link);
    cr_assert_eq(decode_frame(&frame, false, &model), DECODE_PACKET);
}

/* Does a one's complement sum over these bytes, big-endian, come to all ones? */
static bool sums_up(const uint8_t *bytes, uint32_t len, uint64_t sum)
{
    for (uint32_t i = 0; i < len; i++)
        sum += i % 2 ? bytes[i] : (uint64_t)bytes[i] << 8;
    return sum % 0xffff == 0 && sum != 0;
}

static uint64_t pseudo_sum(const struct packet *packet, uint32_t len)
{
    uint32_t size = packet->src.family == 4 ? 4 : 16;
    uint64_t sum = (uint64_t)packet->proto + len;

    for (uint32_t i = 0; i < size; i += 2) {
        sum += (uint64_t)packet->src.bytes[i] << 8 | packet->src.bytes[i + 1];
        sum += (uint64_t)packet->dst.bytes[i] << 8 | packet->dst.bytes[i + 1];
    }
    return sum;
}

/* Decode what was made, from a copy against an unreadable page, and check it as a receiver would.
 */
static void made_check(size_t len)
{
    uint32_t transport_len;
    bool pseudo;

    cr_assert_gt(len, 0);
    cr_assert_leq(len, CRAFT_MAX);
    out.len = (uint32_t)len;
    made_frame = sample_frame(&out, frame.link);
    cr_assert_eq(decode_frame(&made_frame, false, &made), DECODE_PACKET);
    cr_assert(sample_holds(&made));
    cr_assert_eq(made.link_len, model.link_len);
    cr_assert_eq(made.link_len + made.ip_len, len, "no padding, nothing missing");
    if (made.src.family == 4)
        cr_assert(sums_up(made.ip, 20, 0));
    transport_len = (uint32_t)(made.ip + made.ip_len - made.transport);
    pseudo = made.proto != 1;
    cr_assert(
        sums_up(made.transport, transport_len, pseudo ? pseudo_sum(&made, transport_len) : 0));
    cr_assert_eq(made.src.family == 4 ? made.ip[8] : made.ip[7], 64);
}

static size_t reset(bool back, uint32_t seq, uint32_t ack, uint8_t flags)
{
    memset(out.bytes, 0xa5, CRAFT_MAX + 64);
    return craft_reset(&model, back, seq, ack, flags, out.bytes);
}

static bool same_address(const struct l7_address *a, const struct l7_address *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, a->family == 4 ? 4 : 16) == 0;
}

Test(craft, resets_the_models_sender)
{
    static const char *const models[] = {M2 M1 "0800" TCP4, M2 M1 "86dd" TCP6};

    for (size_t i = 0; i < 2; i++) {
        model_set(L7_LINK_ETHERNET, models[i]);
        made_check(reset(true, 0x05060708, 0x01020307, TCP_RST | TCP_ACK));
        cr_assert_eq(memcmp(out.bytes, frame.data + 6, 6), 0);
        cr_assert_eq(memcmp(out.bytes + 6, frame.data, 6), 0);
        cr_assert(same_address(&made.src, &model.dst));
        cr_assert(same_address(&made.dst, &model.src));
        cr_assert_eq(made.sport, 80);
        cr_assert_eq(made.dport, 1025);
        cr_assert_eq(made.seq, 0x05060708);
        cr_assert_eq(made.ack, 0x01020307);
        cr_assert_eq(made.flags, TCP_RST | TCP_ACK);
        cr_assert_eq(made.window, 0);
        cr_assert_eq(made.payload_len, 0);
    }
}

Test(craft, resets_the_models_receiver)
{
    static const char *const models[] = {M2 M1 "0800" TCP4, M2 M1 "86dd" TCP6};

    for (size_t i = 0; i < 2; i++) {
        model_set(L7_LINK_ETHERNET, models[i]);
        made_check(reset(false, 0xfffffffe, 77, TCP_RST));
        cr_assert_eq(memcmp(out.bytes, frame.data, 12), 0);
        cr_assert(same_address(&made.src, &model.src));
        cr_assert(same_address(&made.dst, &model.dst));
        cr_assert_eq(made.sport, 1025);
        cr_assert_eq(made.dport, 80);
        cr_assert_eq(made.seq, 0xfffffffe);
        cr_assert_eq(made.ack, 0, "without the ACK flag there is no acknowledgement");
        cr_assert_eq(made.flags, TCP_RST);
    }
}

Test(craft, keeps_vlan_tags_and_the_pppoe_session)
{
    model_set(L7_LINK_ETHERNET, M2 M1 "88a8 0064 8100 a00a 0800" TCP4);
    made_check(reset(true, 1, 2, TCP_RST | TCP_ACK));
    cr_assert_eq(made.vlan_count, 2);
    cr_assert_eq(made.vlan[0], 100);
    cr_assert_eq(made.vlan[1], 10);
    cr_assert_eq(memcmp(out.bytes + 12, frame.data + 12, 10), 0, "types and priorities too");

    model_set(L7_LINK_ETHERNET, M2 M1 "8100 0007 8864 11000005 002d 0021" TCP4);
    made_check(reset(true, 1, 2, TCP_RST));
    cr_assert_eq(made.vlan[0], 7);
    cr_assert_eq(memcmp(out.bytes + 18, "\x11\x00\x00\x05\x00\x2a\x00\x21", 8), 0);
}

Test(craft, answers_raw_ip)
{
    model_set(L7_LINK_RAW, TCP6);
    made_check(reset(true, 1, 2, TCP_RST | TCP_ACK));
    model_set(L7_LINK_IPV4, TCP4);
    made_check(reset(true, 1, 2, TCP_RST | TCP_ACK));
}

Test(craft, leaves_options_and_extension_headers_out)
{
    model_set(L7_LINK_ETHERNET, M2 M1 "0800 4600002c 00000000 40060000 " A4 B4 "01010101"
                                      "04010050 01020304 05060708 5010fffe 00000000");
    cr_assert_eq(reset(true, 1, 2, TCP_RST), 14 + 40);
    made_check(14 + 40);
    model_set(L7_LINK_ETHERNET, M2 M1 "86dd 60000000 001c 3c40 " A6 B6 "0600010400000000"
                                      "04010050 01020304 05060708 50100100 00000000");
    cr_assert_eq(reset(true, 1, 2, TCP_RST), 14 + 60);
    made_check(14 + 60);
}

Test(craft, has_no_answer_to_other_models)
{
    model_set(L7_LINK_ETHERNET, M2 M1 "0800" UDP4);
    cr_assert_eq(reset(true, 1, 2, TCP_RST), 0, "UDP");
    model_set(L7_LINK_SLL, "0000 0001 0006 0200000000010000 0800" TCP4);
    cr_assert_eq(reset(true, 1, 2, TCP_RST), 0, "cooked");
    cr_assert_eq(craft_unreachable(&model, out.bytes), 0, "cooked");
    model_set(L7_LINK_NULL, "02000000" TCP4);
    cr_assert_eq(reset(true, 1, 2, TCP_RST), 0, "loopback");
    model_set(L7_LINK_ETHERNET, M2 M1 "0033 aaaa03 000000 0800" TCP4);
    cr_assert_eq(reset(true, 1, 2, TCP_RST), 0, "SNAP");
    sample_set(&s, M2 M1 "0800 4500003f 00000000 40040000 " A4 B4 TCP4);
    frame = sample_frame(&s, L7_LINK_ETHERNET);
    cr_assert_eq(decode_frame(&frame, true, &model), DECODE_PACKET);
    cr_assert_eq(model.proto, 6);
    cr_assert_eq(reset(true, 1, 2, TCP_RST), 0, "inside a tunnel");
}

Test(craft, has_no_room_for_endless_tags)
{
    sample_set(&s, M2 M1 "8100");
    for (unsigned i = 0; i < 400; i++)
        sample_add(&s, "0001 8100");
    sample_add(&s, "0001 0800" TCP4);
    frame = sample_frame(&s, L7_LINK_ETHERNET);
    cr_assert_eq(decode_frame(&frame, false, &model), DECODE_PACKET);
    cr_assert_eq(reset(true, 1, 2, TCP_RST), 0);
    cr_assert_eq(craft_unreachable(&model, out.bytes), 0);
}

Test(craft, tells_the_sender_that_the_answer_is_no)
{
    model_set(L7_LINK_ETHERNET, M2 M1 "8100 000a 0800" UDP4);
    made_check(craft_unreachable(&model, out.bytes));
    cr_assert_eq(made.icmp_type, 3);
    cr_assert_eq(made.icmp_code, 10);
    cr_assert_eq(made.vlan[0], 10);
    cr_assert(same_address(&made.src, &model.dst));
    cr_assert(same_address(&made.dst, &model.src));
    cr_assert_eq(memcmp(out.bytes, frame.data + 6, 6), 0);
    cr_assert(made.quoted);
    cr_assert(same_address(&made.quoted_src, &model.src));
    cr_assert_eq(made.quoted_sport, model.sport);
    cr_assert_eq(made.quoted_dport, 53);
    cr_assert_eq(made.payload_len, 8 + model.ip_len);
    cr_assert_eq(memcmp(made.payload + 8, model.ip, model.ip_len), 0);

    model_set(L7_LINK_ETHERNET, M2 M1 "86dd" UDP6);
    made_check(craft_unreachable(&model, out.bytes));
    cr_assert_eq(made.proto, 58);
    cr_assert_eq(made.icmp_type, 1);
    cr_assert_eq(made.icmp_code, 1);
    cr_assert(made.quoted);
    cr_assert_eq(made.quoted_dport, 53);
}

Test(craft, quotes_as_much_as_every_path_takes)
{
    static const uint8_t body[2000];

    sample_set(&s, M2 M1 "0800 450007ec 12350000 40110000 " A4 B4 "d3440035 07d80000");
    sample_add_bytes(&s, body, sizeof(body));
    frame = sample_frame(&s, L7_LINK_ETHERNET);
    cr_assert_eq(decode_frame(&frame, false, &model), DECODE_PACKET);
    made_check(craft_unreachable(&model, out.bytes));
    cr_assert_eq(made.ip_len, 576);
    cr_assert(made.quoted);

    sample_set(&s, M2 M1 "86dd 60000000 07d8 1140 " A6 B6 "d3440035 07d80000");
    sample_add_bytes(&s, body, sizeof(body));
    frame = sample_frame(&s, L7_LINK_ETHERNET);
    cr_assert_eq(decode_frame(&frame, false, &model), DECODE_PACKET);
    made_check(craft_unreachable(&model, out.bytes));
    cr_assert_eq(made.ip_len, 1280);
    cr_assert(made.quoted);
}

Test(craft, quotes_no_byte_the_capture_lacks)
{
    struct guard guard;

    sample_set(&s, M2 M1 "0800" UDP4);
    guard = guard_copy(s.bytes, s.len - 3);
    frame = sample_frame(&s, L7_LINK_ETHERNET);
    frame.data = guard.data;
    frame.len -= 3;
    cr_assert_eq(decode_frame(&frame, false, &model), DECODE_PACKET);
    made_check(craft_unreachable(&model, out.bytes));
    cr_assert_eq(made.payload_len, 8 + 29);
    guard_free(&guard);
}

Test(craft, never_answers_what_must_not_cause_an_error)
{
    static const struct {
        const char *what;
        const char *hex;
    } rows[] = {
        {"an ICMP error", M2 M1 "0800 45000038 00000000 40010000 " A4 B4 "030a0000 00000000"
                                "45000037 12344000 3f060000 " B4 A4 "04010050 01020304"},
        {"an ICMPv6 error", M2 M1 "86dd 60000000 0008 3a40 " A6 B6 "01040000 00000000"},
        {"multicast", M2 M1 "0800 45000020 12350000 40110000 " A4 "e00000fb"
                            "d3440035 000c0000 64617461"},
        {"broadcast", M2 M1 "0800 45000020 12350000 40110000 " A4 "ffffffff"
                            "d3440035 000c0000 64617461"},
        {"IPv6 multicast", M2 M1 "86dd 60000000 000c 1140 " A6 "ff020000000000000000000000000001"
                                 "d3440035 000c0000 64617461"},
        {"a sender without an address",
         M2 M1 "0800 45000020 12350000 40110000 00000000" B4 "d3440035 000c0000 64617461"},
        {"an IPv6 sender without one",
         M2 M1 "86dd 60000000 000c 1140 "
               "00000000000000000000000000000000" B6 "d3440035 000c0000 64617461"},
        {"a broadcast frame", "ffffffffffff " M1 "0800" UDP4},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        model_set(L7_LINK_ETHERNET, rows[i].hex);
        cr_assert_eq(craft_unreachable(&model, out.bytes), 0, "%s", rows[i].what);
    }
    model_set(L7_LINK_ETHERNET, M2 M1 "0800 4500001c 00000000 40010000 " A4 B4 "08000000 00010001");
    made_check(craft_unreachable(&model, out.bytes)); /* an echo request may be refused */
}
