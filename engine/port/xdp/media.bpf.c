/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Redirects media past the kernel: UDP to an address and port of ours that begins with an octet of
 * STUN, DTLS, RTP or RTCP (RFC 7983 7) goes to the AF_XDP socket of its receive queue. Everything
 * else passes: other hosts' packets, IP options, fragments, extension headers, two tags, broadcast,
 * link-local sources; and media while the queue has no socket. UDP to our SIP ports that the guard
 * does not admit is dropped (guard.h). Ordinary RTP of armed flows is forwarded here
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

enum { FRAGMENT_BITS = 0x3fff, NOT_OURS = -1 };

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, XDP_ADDRESSES_MAX);
	__type(key, struct xdp_address);
	__type(value, struct xdp_ports);
} tandem_ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct xdp_first);
} tandem_first SEC(".maps");

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

struct tag {
	__be16 tci, type;
};

static __always_inline int is_media(const struct udphdr *udp, const void *end)
{
	const __u8 *first = (const __u8 *)(udp + 1);

	return (const void *)(first + 1) <= end &&
	       (*first <= 3 || (*first >= 20 && *first <= 63) || (*first >= 128 && *first <= 191));
}

static __always_inline int is_flow(const struct xdp_address *to, const struct udphdr *udp,
				   __u32 *where)
{
	const struct xdp_ports *ports = bpf_map_lookup_elem(&tandem_ports, to);
	__u16 port = bpf_ntohs(udp->dest);

	if (!ports)
		return 0;
	*where = ports->place << 16 | port;
	return ports->bits[port >> 3] >> (port & 7) & 1;
}

/* What came to the first address, without looking for that among all; NULL: look for it. */
static __always_inline struct xdp_forward *first_find(const struct xdp_address *to,
						      const struct udphdr *udp)
{
	__u32 zero = 0;
	const struct xdp_first *first = bpf_map_lookup_elem(&tandem_first, &zero);
	const __u64 *a = (const __u64 *)to, *b = (const __u64 *)first;

	if (!first || !first->is_set || a[0] != b[0] || a[1] != b[1])
		return 0;
	return forward_find(first->place << 16 | bpf_ntohs(udp->dest));
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

/* An action, or FORWARD_UP: for our socket. NOT_OURS: of no flow. */
static __always_inline int media(struct forward_frame *f, const struct xdp_address *to)
{
	struct xdp_forward *e = first_find(to, f->udp);
	int action, is_found = e != 0;
	__u32 where;

	if (!e) {
		if (!is_flow(to, f->udp, &where))
			return NOT_OURS;
		e = forward_find(where);
	}
	action = forward(f, e);
	if (action == FORWARD_UP && is_found && !is_flow(to, f->udp, &where))
		return NOT_OURS;
	return action;
}

static __always_inline int datagram(const struct xdp_address *from, const struct xdp_address *to,
				    void *udp, const void *end, struct forward_frame *f)
{
	int action = NOT_OURS;

	f->udp = udp;
	f->rtp = (void *)(f->udp + 1);
	if (is_media(udp, end))
		action = media(f, to);
	if (action == NOT_OURS)
		return is_flood(from, to, udp, end) ? XDP_DROP : XDP_PASS;
	return action != FORWARD_UP
		       ? action
		       : bpf_redirect_map(&tandem_sockets, f->ctx->rx_queue_index, XDP_PASS);
}

static __always_inline int ipv4(struct forward_frame *f, const void *end)
{
	struct xdp_address from = { 0 }, to = { 0 };
	struct iphdr *ip = f->ip;

	if ((const void *)(ip + 1) > end || ip->version != 4 || ip->ihl != 5 ||
	    ip->protocol != IPPROTO_UDP || (ip->frag_off & bpf_htons(FRAGMENT_BITS)))
		return XDP_PASS;
	from.ip[10] = from.ip[11] = to.ip[10] = to.ip[11] = 0xff;
	__builtin_memcpy(from.ip + 12, &ip->saddr, 4);
	__builtin_memcpy(to.ip + 12, &ip->daddr, 4);
	return datagram(&from, &to, ip + 1, end, f);
}

static __always_inline int ipv6(struct forward_frame *f, const void *end)
{
	struct xdp_address from, to;
	struct ipv6hdr *ip = f->ip;

	if ((const void *)(ip + 1) > end || ip->version != 6 || ip->nexthdr != IPPROTO_UDP)
		return XDP_PASS;
	if (ip->saddr.s6_addr[0] == 0xfe && ip->saddr.s6_addr[1] >> 6 == 2)
		return XDP_PASS;
	__builtin_memcpy(from.ip, &ip->saddr, sizeof(from.ip));
	__builtin_memcpy(to.ip, &ip->daddr, sizeof(to.ip));
	return datagram(&from, &to, ip + 1, end, f);
}

SEC("xdp")
int tandem_media(struct xdp_md *ctx)
{
	const void *end = (const void *)(long)ctx->data_end;
	struct ethhdr *ethernet = (void *)(long)ctx->data;
	struct forward_frame f = { .ctx = ctx, .ethernet = ethernet, .ip = ethernet + 1 };
	__be16 type;

	if (f.ip > end || ethernet->h_dest[0] & 1)
		return XDP_PASS;
	type = ethernet->h_proto;
	if (type == bpf_htons(ETH_P_8021Q)) {
		const struct tag *tag = f.ip;

		f.ip = (void *)(tag + 1);
		f.tagged = 1;
		if (f.ip > end)
			return XDP_PASS;
		type = tag->type;
	}
	/* Of one family, each in code of its own. */
	if (type == bpf_htons(ETH_P_IP)) {
		f.family = 4;
		return ipv4(&f, end);
	}
	if (type == bpf_htons(ETH_P_IPV6)) {
		f.family = 6;
		return ipv6(&f, end);
	}
	return XDP_PASS;
}

char _license[] SEC("license") = "Apache-2.0";
