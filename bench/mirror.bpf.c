/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a wire costs alone: an XDP program that sends each packet of media back by the interface that it came by, to the other party of its
 * call, unread. Both ports of a call differ by PAIR alone, at this end and at that of the parties: so no table is asked.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

enum { FIRST = 30000, PAIR = 2 };

struct head {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
} __attribute__((packed));

/* RFC 1624: the checksum where a word of 16 bits has changed. */
static __always_inline __sum16 sum_changed(__sum16 check, __be16 old, __be16 now)
{
	__u32 sum = (__u16)~check + (__u16)~old + now;

	sum = (sum & 0xffff) + (sum >> 16);
	return (__sum16) ~((sum & 0xffff) + (sum >> 16));
}

static __always_inline void turn_back(struct head *h)
{
	__be16 from = h->udp.dest ^ bpf_htons(PAIR), to = h->udp.source ^ bpf_htons(PAIR);
	unsigned char mac[ETH_ALEN];
	__be32 address = h->ip.saddr;

	__builtin_memcpy(mac, h->eth.h_source, ETH_ALEN);
	__builtin_memcpy(h->eth.h_source, h->eth.h_dest, ETH_ALEN);
	__builtin_memcpy(h->eth.h_dest, mac, ETH_ALEN);
	h->ip.saddr = h->ip.daddr;
	h->ip.daddr = address;
	h->udp.check = sum_changed(sum_changed(h->udp.check, h->udp.dest, from), h->udp.source, to);
	h->udp.source = from;
	h->udp.dest = to;
}

SEC("xdp")
int mirror(struct xdp_md *ctx)
{
	struct head *h = (void *)(long)ctx->data;

	if ((void *)(h + 1) > (void *)(long)ctx->data_end ||
	    h->eth.h_proto != bpf_htons(ETH_P_IP) || h->ip.ihl != 5 ||
	    h->ip.protocol != IPPROTO_UDP || bpf_ntohs(h->udp.dest) < FIRST)
		return XDP_PASS;
	turn_back(h);
	return XDP_TX;
}

char _license[] SEC("license") = "Apache-2.0";
