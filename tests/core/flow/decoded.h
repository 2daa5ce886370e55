/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* decoded: hex in, packet out, for the tests of decode.c and of the files it is made of. */

#include <criterion/criterion.h>
#include "core/flow/sample.h"
#include "flow/decode.h"

#define ETH4 MACS "0800 "
#define ETH6 MACS "86dd "

/* 10.77.0.1:1025 > 10.77.0.102:80, ACK+PSH, timestamp option, 3 bytes "GET". */
#define TCP4                                                                                       \
    "45000037 12344000 40060000 " A4 B4 "04010050 01020304 05060708 8018fffe 00000000 "            \
    "0101080a 000003e8 000007d0 474554 "
#define UDP4 "45000020 12350000 40110000 " A4 B4 "d3440035 000c0000 64617461 "
#define TCP6 "60000000 0017 0640 " A6 B6 "04010050 01020304 05060708 50180100 00000000 474554 "
#define UDP_D "d3440035 000c0000 64617461 " /* 12 bytes: a UDP datagram alone */

/* Outer addresses 192.0.2.1 > 192.0.2.2; lengths are for TCP4 (55 bytes) or TCP6 (63) inside. */
#define O4 "c0000201 c0000202 "
#define O6 "20010db8000000000000000000000001 20010db8000000000000000000000002 "

static struct sample s;
static struct packet p;

/* Decode a frame without looking into tunnels. */
static inline enum decode decode_hex(uint16_t link, const char *hex)
{
    static struct l7_frame frame;
    enum decode result;

    sample_set(&s, hex);
    frame = sample_frame(&s, link);
    memset(&p, 0xa5, sizeof(p));
    result = decode_frame(&frame, false, &p);
    if (result == DECODE_PACKET || result == DECODE_FRAGMENT)
        cr_assert(sample_holds(&p));
    return result;
}

static inline enum decode decode_tunnel(const char *hex)
{
    static struct l7_frame frame;

    sample_set(&s, hex);
    frame = sample_frame(&s, L7_LINK_ETHERNET);
    return decode_frame(&frame, true, &p);
}
