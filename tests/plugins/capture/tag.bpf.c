/* SPDX-License-Identifier: Apache-2.0 */
/* tag.bpf: a host behind VLAN tags, on kernels without VLAN devices too. Attached to the host's
 * interface, egress puts tags on as a VLAN device does (beside the frame, segmentation offload
 * kept), and ingress takes them off. */
#include <linux/bpf.h>

#define SECTION(name) __attribute__((section(name), used))
#define NETWORK(value) __builtin_bswap16(value)
#define TC_ACT_OK 0
#define TC_ACT_SHOT 2

static long (*const push)(struct __sk_buff *, __u16, __u16) = (void *)BPF_FUNC_skb_vlan_push;
static long (*const pop)(struct __sk_buff *) = (void *)BPF_FUNC_skb_vlan_pop;

int push_q(struct __sk_buff *) SECTION("q");
int push_q(struct __sk_buff *skb)
{
    return push(skb, NETWORK(0x8100), 7) ? TC_ACT_SHOT : TC_ACT_OK;
}

int push_ad(struct __sk_buff *) SECTION("ad");
int push_ad(struct __sk_buff *skb)
{
    return push(skb, NETWORK(0x88a8), 8) ? TC_ACT_SHOT : TC_ACT_OK;
}

int push_qinq(struct __sk_buff *) SECTION("qinq");
int push_qinq(struct __sk_buff *skb)
{
    if (push(skb, NETWORK(0x8100), 0xe009) || push(skb, NETWORK(0x88a8), 8))
        return TC_ACT_SHOT;
    return TC_ACT_OK;
}

/* The tag a frame must arrive with; another one, or none, is not for this host. */
static int take(struct __sk_buff *skb, __u16 protocol, __u16 tci)
{
    if (!skb->vlan_present || skb->vlan_proto != NETWORK(protocol) || skb->vlan_tci != tci)
        return TC_ACT_SHOT;
    return pop(skb) ? TC_ACT_SHOT : TC_ACT_OK;
}

int pop_q(struct __sk_buff *) SECTION("pop-q");
int pop_q(struct __sk_buff *skb)
{
    return take(skb, 0x8100, 7);
}

int pop_ad(struct __sk_buff *) SECTION("pop-ad");
int pop_ad(struct __sk_buff *skb)
{
    return take(skb, 0x88a8, 8);
}

int pop_qinq(struct __sk_buff *) SECTION("pop-qinq");
int pop_qinq(struct __sk_buff *skb)
{
    int verdict = take(skb, 0x88a8, 8);
    return verdict ? verdict : take(skb, 0x8100, 0xe009);
}

char licence[] SECTION("license") = "GPL";
