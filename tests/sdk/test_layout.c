/* SPDX-License-Identifier: Apache-2.0 */
/* layout: the public structs as SDK 1.0 laid them out, on machines with 64-bit pointers. Plugins
 * built then rely on every number here. A struct may grow at its end, in a new minor: add rows and
 * change its size. Any other difference is a new major. */

#include <criterion/criterion.h>
#include "l7guard/capture.h"
#include "l7guard/inspector.h"
#include "l7guard/log.h"
#include "l7guard/plugin.h"

#if UINTPTR_MAX > UINT32_MAX
#define SIZE(type, wanted) cr_expect_eq(sizeof(struct type), wanted, #type)
#define AT(type, member, wanted)                                                                   \
    cr_expect_eq(offsetof(struct type, member), wanted, #type "." #member)
#else
#define SIZE(type, wanted) (void)0
#define AT(type, member, wanted) (void)0
#endif

Test(layout, l7_bytes)
{
    SIZE(l7_bytes, 16);
    AT(l7_bytes, ptr, 0);
    AT(l7_bytes, len, 8);
}

Test(layout, l7_value)
{
    SIZE(l7_value, 32);
    AT(l7_value, type, 0);
    AT(l7_value, reserved, 4);
    AT(l7_value, string, 8);
    AT(l7_value, number, 24);
}

Test(layout, l7_text)
{
    SIZE(l7_text, 24);
    AT(l7_text, ptr, 0);
    AT(l7_text, cap, 8);
    AT(l7_text, len, 16);
}

Test(layout, l7_option)
{
    SIZE(l7_option, 32);
    AT(l7_option, key, 0);
    AT(l7_option, type, 8);
    AT(l7_option, reserved, 12);
    AT(l7_option, fallback, 16);
    AT(l7_option, help, 24);
}

Test(layout, l7_plugin)
{
    SIZE(l7_plugin, 112);
    AT(l7_plugin, sdk_major, 0);
    AT(l7_plugin, sdk_minor, 2);
    AT(l7_plugin, size, 4);
    AT(l7_plugin, magic, 8);
    AT(l7_plugin, kind, 16);
    AT(l7_plugin, reserved, 20);
    AT(l7_plugin, name, 24);
    AT(l7_plugin, version, 56);
    AT(l7_plugin, summary, 64);
    AT(l7_plugin, options, 72);
    AT(l7_plugin, option_count, 80);
    AT(l7_plugin, capture, 88);
    AT(l7_plugin, inspector, 96);
    AT(l7_plugin, log, 104);
}

Test(layout, l7_field_value)
{
    SIZE(l7_field_value, 40);
    AT(l7_field_value, forms, 0);
    AT(l7_field_value, form_count, 8);
    AT(l7_field_value, tail, 16);
    AT(l7_field_value, has_tail, 32);
    AT(l7_field_value, unmatchable, 33);
}

Test(layout, l7_host)
{
    SIZE(l7_host, 104);
    AT(l7_host, sdk_major, 0);
    AT(l7_host, sdk_minor, 2);
    AT(l7_host, size, 4);
    AT(l7_host, diag, 8);
    AT(l7_host, config_text, 16);
    AT(l7_host, config_number, 24);
    AT(l7_host, config_bool, 32);
    AT(l7_host, config_count, 40);
    AT(l7_host, config_item, 48);
    AT(l7_host, log_dir, 56);
    AT(l7_host, tx_open, 64);
    AT(l7_host, tx_field, 72);
    AT(l7_host, tx_attr, 80);
    AT(l7_host, tx_decide, 88);
    AT(l7_host, tx_close, 96);
}

Test(layout, l7_field)
{
    SIZE(l7_field, 48);
    AT(l7_field, name, 0);
    AT(l7_field, match, 8);
    AT(l7_field, flags, 12);
    AT(l7_field, split, 16);
    AT(l7_field, reserved, 20);
    AT(l7_field, values, 24);
    AT(l7_field, value_count, 32);
    AT(l7_field, help, 40);
}

Test(layout, l7_attr)
{
    SIZE(l7_attr, 24);
    AT(l7_attr, name, 0);
    AT(l7_attr, type, 8);
    AT(l7_attr, reserved, 12);
    AT(l7_attr, help, 16);
}

Test(layout, l7_progress)
{
    SIZE(l7_progress, 32);
    AT(l7_progress, consumed, 0);
    AT(l7_progress, needed, 8);
    AT(l7_progress, skip, 16);
    AT(l7_progress, reason, 24);
}

Test(layout, l7_pair)
{
    SIZE(l7_pair, 24);
    AT(l7_pair, name, 0);
    AT(l7_pair, value, 8);
}

Test(layout, l7_inspector)
{
    SIZE(l7_inspector, 144);
    AT(l7_inspector, size, 0);
    AT(l7_inspector, flags, 4);
    AT(l7_inspector, keyword, 8);
    AT(l7_inspector, fields, 16);
    AT(l7_inspector, field_count, 24);
    AT(l7_inspector, attrs, 32);
    AT(l7_inspector, attr_count, 40);
    AT(l7_inspector, state_size, 48);
    AT(l7_inspector, load, 56);
    AT(l7_inspector, unload, 64);
    AT(l7_inspector, probe, 72);
    AT(l7_inspector, open, 80);
    AT(l7_inspector, feed, 88);
    AT(l7_inspector, gap, 96);
    AT(l7_inspector, end, 104);
    AT(l7_inspector, close, 112);
    AT(l7_inspector, pattern, 120);
    AT(l7_inspector, example, 128);
    AT(l7_inspector, example_help, 136);
}

Test(layout, l7_offload)
{
    SIZE(l7_offload, 12);
    AT(l7_offload, flags, 0);
    AT(l7_offload, gso_type, 1);
    AT(l7_offload, hdr_len, 2);
    AT(l7_offload, gso_size, 4);
    AT(l7_offload, csum_start, 6);
    AT(l7_offload, csum_offset, 8);
    AT(l7_offload, reserved, 10);
}

Test(layout, l7_frame)
{
    SIZE(l7_frame, 56);
    AT(l7_frame, size, 0);
    AT(l7_frame, iface, 4);
    AT(l7_frame, link, 6);
    AT(l7_frame, data, 8);
    AT(l7_frame, len, 16);
    AT(l7_frame, wire_len, 20);
    AT(l7_frame, time_ns, 24);
    AT(l7_frame, offload, 32);
    AT(l7_frame, owner, 48);
}

Test(layout, l7_capture_stats)
{
    SIZE(l7_capture_stats, 48);
    AT(l7_capture_stats, size, 0);
    AT(l7_capture_stats, reserved, 4);
    AT(l7_capture_stats, received, 8);
    AT(l7_capture_stats, lost, 16);
    AT(l7_capture_stats, forwarded, 24);
    AT(l7_capture_stats, injected, 32);
    AT(l7_capture_stats, send_errors, 40);
}

Test(layout, l7_capture)
{
    SIZE(l7_capture, 88);
    AT(l7_capture, size, 0);
    AT(l7_capture, flags, 4);
    AT(l7_capture, open, 8);
    AT(l7_capture, close, 16);
    AT(l7_capture, descriptor, 24);
    AT(l7_capture, receive, 32);
    AT(l7_capture, finalise, 40);
    AT(l7_capture, inject, 48);
    AT(l7_capture, flush, 56);
    AT(l7_capture, iface_name, 64);
    AT(l7_capture, stats, 72);
    AT(l7_capture, disable_tx_checksum, 80);
}

Test(layout, l7_record_attr)
{
    SIZE(l7_record_attr, 40);
    AT(l7_record_attr, name, 0);
    AT(l7_record_attr, value, 8);
}

Test(layout, l7_address)
{
    SIZE(l7_address, 17);
    AT(l7_address, family, 0);
    AT(l7_address, bytes, 1);
}

Test(layout, l7_record_policy)
{
    SIZE(l7_record_policy, 80);
    AT(l7_record_policy, reference, 0);
    AT(l7_record_policy, namespace_, 8);
    AT(l7_record_policy, name, 16);
    AT(l7_record_policy, rule, 24);
    AT(l7_record_policy, tier, 32);
    AT(l7_record_policy, direction, 40);
    AT(l7_record_policy, action, 48);
    AT(l7_record_policy, log_label, 56);
    AT(l7_record_policy, reason, 64);
    AT(l7_record_policy, enable_logging, 72);
}

Test(layout, l7_record_flow)
{
    SIZE(l7_record_flow, 88);
    AT(l7_record_flow, pkts_toserver, 0);
    AT(l7_record_flow, pkts_toclient, 8);
    AT(l7_record_flow, bytes_toserver, 16);
    AT(l7_record_flow, bytes_toclient, 24);
    AT(l7_record_flow, start_ns, 32);
    AT(l7_record_flow, end_ns, 40);
    AT(l7_record_flow, client, 48);
    AT(l7_record_flow, server, 65);
    AT(l7_record_flow, client_port, 82);
    AT(l7_record_flow, server_port, 84);
}

Test(layout, l7_record)
{
    SIZE(l7_record, 328);
    AT(l7_record, size, 0);
    AT(l7_record, type, 4);
    AT(l7_record, time_ns, 8);
    AT(l7_record, flow_id, 16);
    AT(l7_record, in_iface, 24);
    AT(l7_record, vlan, 32);
    AT(l7_record, vlan_count, 38);
    AT(l7_record, proto, 39);
    AT(l7_record, tenant_id, 40);
    AT(l7_record, src, 44);
    AT(l7_record, dst, 61);
    AT(l7_record, src_port, 78);
    AT(l7_record, dst_port, 80);
    AT(l7_record, icmp_type, 82);
    AT(l7_record, icmp_code, 83);
    AT(l7_record, pkt_src, 88);
    AT(l7_record, tx_id, 96);
    AT(l7_record, keyword, 104);
    AT(l7_record, app_proto, 112);
    AT(l7_record, attrs, 120);
    AT(l7_record, attr_count, 128);
    AT(l7_record, policy, 136);
    AT(l7_record, flow, 216);
    AT(l7_record, packet, 304);
    AT(l7_record, packet_link, 320);
    AT(l7_record, reserved, 324);
}

Test(layout, l7_log)
{
    SIZE(l7_log, 56);
    AT(l7_log, size, 0);
    AT(l7_log, flags, 4);
    AT(l7_log, open, 8);
    AT(l7_log, write, 16);
    AT(l7_log, tick, 24);
    AT(l7_log, reopen, 32);
    AT(l7_log, close, 40);
    AT(l7_log, wants, 48);
}
