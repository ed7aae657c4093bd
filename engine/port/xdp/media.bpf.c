/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes media out of the kernel's way: UDP to an address and port of ours whose first octet is one of STUN, DTLS, RTP or RTCP
 * (RFC 7983 7) goes to the AF_XDP socket of its receive queue. Everything else passes: other hosts' packets, IP options,
 * fragments, extension headers, two tags, broadcast, link-local sources; and media too while the queue has no socket. Of UDP to our
 * SIP ports what the guard does not admit goes no further (guard.h). Ordinary RTP of flows that are armed is forwarded here
 * (forward_step.h).
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "engine/port/xdp/forward_step.h"
#include "engine/port/xdp/guard.h"
#include "engine/port/xdp/media.h"

enum { FRAGMENT_BITS = 0x3fff };

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, XDP_ADDRESSES_MAX);
	__type(key, struct xdp_address);
	__type(value, struct xdp_ports);
} tandem_ports SEC(".maps");

/* Sized by the number of queues before it is loaded. */
struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} tandem_sockets SEC(".maps");

/* What the process listens on for SIP; one of the process is put in its place. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, XDP_SIP_PORTS_MAX);
	__type(key, struct xdp_sip_port);
	__type(value, __u8);
} tandem_sip_ports SEC(".maps");

enum { NOT_OURS, MEDIA, DROPPED };

struct tag {
	__be16 tci, type;
};

static __always_inline int is_media(__u8 first)
{
	return first <= 3 || (first >= 20 && first <= 63) || (first >= 128 && first <= 191);
}

static __always_inline int is_flow(const struct xdp_address *to, const struct udphdr *udp,
				   const void *end, __u32 *where)
{
	const __u8 *first = (const __u8 *)(udp + 1);
	const struct xdp_ports *ports;
	__u16 port;

	if ((const void *)(first + 1) > end || !is_media(*first))
		return 0;
	ports = bpf_map_lookup_elem(&tandem_ports, to);
	if (!ports)
		return 0;
	port = bpf_ntohs(udp->dest);
	*where = ports->place << 16 | port;
	return ports->bits[port >> 3] >> (port & 7) & 1;
}

static __always_inline int is_flood(const struct xdp_address *from, const struct xdp_address *to,
				    const struct udphdr *udp, const void *end)
{
	struct xdp_sip_port key = { .to = *to };
	struct guard_source source;

	if ((const void *)(udp + 1) > end)
		return 0;
	key.port = bpf_ntohs(udp->dest);
	if (!bpf_map_lookup_elem(&tandem_sip_ports, &key))
		return 0;
	__builtin_memcpy(&source, from, sizeof(source));
	return guard_drops(&source, bpf_ntohs(udp->source));
}

/* What came, as far as it is looked at. */
struct arrived {
	struct forward_frame frame;
	__u32 where;
};

static __always_inline int datagram(const struct xdp_address *from, const struct xdp_address *to,
				    void *udp, const void *end, struct arrived *out)
{
	out->frame.udp = udp;
	out->frame.rtp = (void *)(out->frame.udp + 1);
	if (is_flow(to, udp, end, &out->where))
		return MEDIA;
	return is_flood(from, to, udp, end) ? DROPPED : NOT_OURS;
}

static __always_inline int ipv4(struct iphdr *ip, const void *end, struct arrived *out)
{
	struct xdp_address from = { 0 }, to = { 0 };

	if ((const void *)(ip + 1) > end || ip->version != 4 || ip->ihl != 5 ||
	    ip->protocol != IPPROTO_UDP || (ip->frag_off & bpf_htons(FRAGMENT_BITS)))
		return NOT_OURS;
	from.ip[10] = from.ip[11] = to.ip[10] = to.ip[11] = 0xff;
	__builtin_memcpy(from.ip + 12, &ip->saddr, 4);
	__builtin_memcpy(to.ip + 12, &ip->daddr, 4);
	return datagram(&from, &to, ip + 1, end, out);
}

static __always_inline int ipv6(struct ipv6hdr *ip, const void *end, struct arrived *out)
{
	struct xdp_address from, to;

	if ((const void *)(ip + 1) > end || ip->version != 6 || ip->nexthdr != IPPROTO_UDP)
		return NOT_OURS;
	if (ip->saddr.s6_addr[0] == 0xfe && ip->saddr.s6_addr[1] >> 6 == 2)
		return NOT_OURS;
	__builtin_memcpy(from.ip, &ip->saddr, sizeof(from.ip));
	__builtin_memcpy(to.ip, &ip->daddr, sizeof(to.ip));
	return datagram(&from, &to, ip + 1, end, out);
}

static __always_inline int media(struct xdp_md *ctx, struct arrived *a)
{
	int action = forward(&a->frame, a->where);

	return action != FORWARD_UP
		       ? action
		       : bpf_redirect_map(&tandem_sockets, ctx->rx_queue_index, XDP_PASS);
}

/* Of one family, each in code of its own. */
static __always_inline int packet(struct xdp_md *ctx, struct arrived *a, const void *end)
{
	int what = a->frame.family == 4 ? ipv4(a->frame.ip, end, a) : ipv6(a->frame.ip, end, a);

	if (what == DROPPED)
		return XDP_DROP;
	return what == MEDIA ? media(ctx, a) : XDP_PASS;
}

SEC("xdp")
int tandem_media(struct xdp_md *ctx)
{
	const void *end = (const void *)(long)ctx->data_end;
	struct ethhdr *ethernet = (void *)(long)ctx->data;
	struct arrived a = { .frame = { .ctx = ctx, .ethernet = ethernet, .ip = ethernet + 1 } };
	__be16 type;

	if (a.frame.ip > end || ethernet->h_dest[0] & 1)
		return XDP_PASS;
	type = ethernet->h_proto;
	if (type == bpf_htons(ETH_P_8021Q)) {
		const struct tag *tag = a.frame.ip;

		a.frame.ip = (void *)(tag + 1);
		a.frame.tagged = 1;
		if (a.frame.ip > end)
			return XDP_PASS;
		type = tag->type;
	}
	if (type == bpf_htons(ETH_P_IP)) {
		a.frame.family = 4;
		return packet(ctx, &a, end);
	}
	if (type == bpf_htons(ETH_P_IPV6)) {
		a.frame.family = 6;
		return packet(ctx, &a, end);
	}
	return XDP_PASS;
}

char _license[] SEC("license") = "Apache-2.0";
