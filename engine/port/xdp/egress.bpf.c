/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Egress filter (docs/adr/0025): frames that claim a floating address are dropped once the time of
 * the address's shard is over, including the kernel's own. That is the source of a packet, the
 * sender in ARP, and the target of a neighbour advertisement. All else passes, also frames that
 * cannot be parsed: they claim no address of ours.
 */

#include <linux/bpf.h>
#include <linux/icmpv6.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <stddef.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "engine/port/xdp/egress.h"

/* What others hung on the interface sees the frame, too. */
enum { NEXT = TC_ACT_UNSPEC, DROP = TC_ACT_SHOT };
enum { TAGS_MAX = 2, EXTENSIONS_MAX = 8, NDP_FIRST = 133, NDP_ADVERTISEMENT = 136, NDP_LAST = 137 };

/* By address, the place. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, EGRESS_ADDRESSES_MAX);
	__type(key, struct xdp_address);
	__type(value, __u32);
} tandem_floating SEC(".maps");

/* By place: boot time in ns. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, EGRESS_PLACES);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u64);
} tandem_until SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct egress_withheld);
} tandem_withheld SEC(".maps");

/* linux/if_arp.h wants a libc. What follows are addresses, of these lengths. */
struct arp_head {
	__be16 hardware, protocol;
	__u8 hardware_length, protocol_length;
	__be16 operation;
};

/* ---- judge ---- */

static __always_inline int is_over(const struct xdp_address *from)
{
	const __u32 *place = bpf_map_lookup_elem(&tandem_floating, from);
	const __u64 *until;

	if (!place)
		return 0;
	until = bpf_map_lookup_elem(&tandem_until, place);
	return !until || bpf_ktime_get_boot_ns() >= *until;
}

static __always_inline int withhold(enum egress_kind kind)
{
	__u32 zero = 0;
	struct egress_withheld *withheld = bpf_map_lookup_elem(&tandem_withheld, &zero);

	if (withheld)
		__sync_fetch_and_add(&withheld->by_kind[kind], 1);
	return DROP;
}

static __always_inline enum egress_kind frame_kind(__u8 protocol)
{
	switch (protocol) {
	case IPPROTO_UDP:
		return EGRESS_UDP;
	case IPPROTO_TCP:
		return EGRESS_TCP;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return EGRESS_ICMP;
	default:
		return EGRESS_OTHER;
	}
}

/* ---- IPv4 ---- */

static __always_inline int v4_read(struct __sk_buff *skb, __u32 at, struct xdp_address *out)
{
	*out = (struct xdp_address){ .ip = { [10] = 0xff, [11] = 0xff } };
	return bpf_skb_load_bytes(skb, at, out->ip + 12, 4) == 0;
}

/* Each fragment has the source. */
static __always_inline int judge_v4(struct __sk_buff *skb, __u32 at)
{
	struct xdp_address from;
	__u8 protocol;

	if (!v4_read(skb, at + offsetof(struct iphdr, saddr), &from) || !is_over(&from) ||
	    bpf_skb_load_bytes(skb, at + offsetof(struct iphdr, protocol), &protocol, 1))
		return NEXT;
	return withhold(frame_kind(protocol));
}

/* Request, reply or announcement: all tell the others where the sender's address is. */
static __always_inline int judge_arp(struct __sk_buff *skb, __u32 at)
{
	struct xdp_address from;
	struct arp_head head;

	if (bpf_skb_load_bytes(skb, at, &head, sizeof(head)) ||
	    head.protocol != bpf_htons(ETH_P_IP) || head.protocol_length != 4 ||
	    !v4_read(skb, at + sizeof(head) + head.hardware_length, &from) || !is_over(&from))
		return NEXT;
	return withhold(EGRESS_ARP);
}

/* ---- IPv6 ---- */

/* What is behind the headers, and where; of a later fragment, where nothing is. */
struct upper {
	__u8 protocol;
	__u8 later;
	__u32 at;
};

/* 0: there is a header more to be read. */
static __always_inline int extension_skip(struct __sk_buff *skb, struct upper *up)
{
	__u8 head[4];

	if (up->protocol != IPPROTO_HOPOPTS && up->protocol != IPPROTO_ROUTING &&
	    up->protocol != IPPROTO_DSTOPTS && up->protocol != IPPROTO_FRAGMENT &&
	    up->protocol != IPPROTO_AH)
		return 1;
	if (bpf_skb_load_bytes(skb, up->at, head, sizeof(head)))
		return 1;
	if (up->protocol == IPPROTO_FRAGMENT) {
		up->later |= head[2] || (head[3] & 0xf8);
		up->at += 8;
	} else if (up->protocol == IPPROTO_AH) { /* in words, and two less (RFC 4302 2.2) */
		up->at += (head[1] + 2U) * 4;
	} else {
		up->at += (head[1] + 1U) * 8;
	}
	up->protocol = head[0];
	return up->later;
}

static __always_inline void upper_find(struct __sk_buff *skb, __u32 at, __u8 protocol,
				       struct upper *up)
{
	*up = (struct upper){ .protocol = protocol, .at = at + sizeof(struct ipv6hdr) };
	for (int i = 0; i < EXTENSIONS_MAX; i++)
		if (extension_skip(skb, up))
			break;
}

/* The type, or 0: it is no message of the neighbour protocol. */
static __always_inline __u8 ndp_type(struct __sk_buff *skb, const struct upper *up)
{
	__u8 type = 0;

	if (up->later || up->protocol != IPPROTO_ICMPV6 ||
	    bpf_skb_load_bytes(skb, up->at, &type, 1))
		return 0;
	return type >= NDP_FIRST && type <= NDP_LAST ? type : 0;
}

/* An advertisement may come from another address of the interface; its target counts. */
static __always_inline int judge_v6(struct __sk_buff *skb, __u32 at)
{
	struct xdp_address from, target;
	struct upper up;
	__u8 next, type;

	if (bpf_skb_load_bytes(skb, at + offsetof(struct ipv6hdr, nexthdr), &next, 1) ||
	    bpf_skb_load_bytes(skb, at + offsetof(struct ipv6hdr, saddr), from.ip, 16))
		return NEXT;
	upper_find(skb, at, next, &up);
	type = ndp_type(skb, &up);
	if (is_over(&from))
		return withhold(type ? EGRESS_NDP : frame_kind(up.protocol));
	if (type == NDP_ADVERTISEMENT &&
	    !bpf_skb_load_bytes(skb, up.at + sizeof(struct icmp6hdr), target.ip, 16) &&
	    is_over(&target))
		return withhold(EGRESS_NDP);
	return NEXT;
}

/* ---- frame ---- */

/* Of what is in the frame, behind tags that are in it; others the device adds later. */
static __always_inline __be16 type_find(struct __sk_buff *skb, __u32 *at)
{
	__be16 type = 0;

	*at = sizeof(struct ethhdr);
	if (bpf_skb_load_bytes(skb, offsetof(struct ethhdr, h_proto), &type, sizeof(type)))
		return 0;
	for (int i = 0; i < TAGS_MAX; i++) {
		if (type != bpf_htons(ETH_P_8021Q) && type != bpf_htons(ETH_P_8021AD))
			break;
		if (bpf_skb_load_bytes(skb, *at + 2, &type, sizeof(type)))
			return 0;
		*at += 4;
	}
	return type;
}

SEC("tc")
int tandem_egress(struct __sk_buff *skb)
{
	__u32 at;

	switch (bpf_ntohs(type_find(skb, &at))) {
	case ETH_P_IP:
		return judge_v4(skb, at);
	case ETH_P_ARP:
		return judge_arp(skb, at);
	case ETH_P_IPV6:
		return judge_v6(skb, at);
	default:
		return NEXT;
	}
}

char _license[] SEC("license") = "Apache-2.0";
