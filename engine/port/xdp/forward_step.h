/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forwards ordinary RTP within the program: the work of engine/worker/ordinary.c and of the port,
 * before any socket sees the packet (docs/adr/0064). A packet is checked from end to end before
 * anything is written: what goes up is unchanged.
 */
#ifndef ENGINE_PORT_XDP_FORWARD_STEP_H
#define ENGINE_PORT_XDP_FORWARD_STEP_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "engine/port/xdp/forward.h"

#define FORWARD_INLINE static __always_inline

enum {
	FORWARD_UP = XDP_ABORTED, /* as an action: leave it to the worker */
	RTP_PLAIN = 0x80,         /* version 2; no padding, no extension, no CSRC */
	RTP_VERSION_BITS = 0xc0,
	RTCP_FIRST = 192, /* RFC 5761 4: second octets that are not of RTP */
	RTCP_LAST = 223,
	RTP_MARKER = 0x80,
	CLOCK_PARTS = 32, /* of a jiffy */
};

/* By place of the address << 16 | port. All are made by the process and put in place of these. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct xdp_where);
} tandem_where SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct xdp_forward);
} tandem_forward SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct xdp_fence);
} tandem_fence SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct xdp_cpu);
} tandem_cpus SEC(".maps");

struct forward_rtp {
	__u8 first, second;
	__be16 sequence;
	__be32 timestamp, ssrc;
};

/* A frame with complete IP and UDP headers. */
struct forward_frame {
	struct xdp_md *ctx;
	struct ethhdr *ethernet;
	void *ip;
	struct udphdr *udp;
	struct forward_rtp *rtp;
	int family; /* 4, 6 */
	int tagged;
};

FORWARD_INLINE void fate_count(struct xdp_cpu *c, enum xdp_fate fate)
{
	c->fates[fate % XDP_FATES_ROOM]++;
}

/* Boot time in ns. Reading the clock takes a third of the program's time. If many packets come in a
 * jiffy, those of a part of it share the first one's time: 125 us with a jiffy of 4 ms, half of
 * what cards let packets wait for each other. Otherwise each has its own. */
FORWARD_INLINE __u64 cpu_now(struct xdp_cpu *c)
{
	__u64 jiffy = bpf_jiffies64();

	if (c->jiffy != jiffy) {
		c->step = c->jiffy + 1 == jiffy ? c->packets / CLOCK_PARTS : 0;
		c->jiffy = jiffy;
		c->packets = c->left = 0;
	}
	c->packets++;
	if (c->left > 0) {
		c->left--;
		return c->now_ns;
	}
	c->left = c->step;
	c->reads++;
	c->now_ns = bpf_ktime_get_boot_ns();
	return c->now_ns;
}

/* ---- sums: RFC 1071, in the order of memory ---- */

FORWARD_INLINE __u16 forward_fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)(sum + (sum >> 16));
}

/* Of two halves. */
FORWARD_INLINE __u32 forward_halves(__u32 word)
{
	return (word & 0xffff) + (word >> 16);
}

FORWARD_INLINE int v4_sum_is_fine(const struct iphdr *ip)
{
	const __u16 *word = (const __u16 *)ip;
	__u32 sum = 0;

#pragma unroll
	for (int i = 0; i < 10; i++)
		sum += word[i];
	return forward_fold(sum) == 0xffff;
}

/* ---- look ---- */

FORWARD_INLINE int is_of_party(const struct xdp_forward *e, const struct forward_frame *f)
{
	const __u32 *from = (const __u32 *)e->from;

	if (e->family != f->family || e->from_port != f->udp->source)
		return 0;
	if (f->family == 4)
		return from[0] == ((const struct iphdr *)f->ip)->saddr;

	const __u32 *at = ((const struct ipv6hdr *)f->ip)->saddr.s6_addr32;

	return !((from[0] ^ at[0]) | (from[1] ^ at[1]) | (from[2] ^ at[2]) | (from[3] ^ at[3]));
}

/* Of UDP; 0: not that of IP. */
FORWARD_INLINE __u32 length_find(const struct forward_frame *f)
{
	__u32 length = bpf_ntohs(f->udp->len);
	__u32 of_ip = f->family == 4 ? bpf_ntohs(((const struct iphdr *)f->ip)->tot_len) - 20U
				     : bpf_ntohs(((const struct ipv6hdr *)f->ip)->payload_len);

	return of_ip == length ? length : 0;
}

FORWARD_INLINE int frame_is_odd(const struct xdp_forward *e, const struct forward_frame *f)
{
	const __u8 *start = (const __u8 *)(long)f->ctx->data;
	const __u8 *end = (const __u8 *)(long)f->ctx->data_end;
	__u32 length = length_find(f), head = f->family == 4 ? 20 : 40;

	if (f->tagged || (e->ifindex != f->ctx->ingress_ifindex && !e->crosses) ||
	    length < sizeof(struct udphdr) + sizeof(struct forward_rtp) ||
	    head + length > e->length_max || !f->udp->check)
		return 1;
	start += ETH_HLEN + head + length;
	return start > end || (start != end && (const __u8 *)f->ethernet + ETH_ZLEN < end);
}

/* A sender on this machine leaves the checksum to a device: only the pseudo header is summed. */
FORWARD_INLINE int sum_is_half(const struct xdp_forward *e, const struct forward_frame *f)
{
	return f->udp->check == forward_fold(e->pseudo + f->udp->len);
}

/* A complete one equals it for one packet in 65,536: not twice in a row, nor for the first. */
FORWARD_INLINE int sum_stays_half(const struct xdp_forward *e, const struct forward_frame *f)
{
	return sum_is_half(e, f) && (e->packets == 0 || e->why == XDP_FATE_FRAME);
}

FORWARD_INLINE __u32 forward_jump(const struct xdp_forward *e, const struct forward_rtp *rtp)
{
	return (bpf_ntohs(rtp->sequence) - e->sequence) & 0xffff;
}

/* Of what is RTP from the party. */
FORWARD_INLINE enum xdp_fate rtp_judge(const struct xdp_forward *e, const struct forward_frame *f)
{
	const struct forward_rtp *rtp = f->rtp;
	__u32 ahead = forward_jump(e, rtp);

	if (frame_is_odd(e, f) || sum_stays_half(e, f))
		return XDP_FATE_FRAME;
	if (rtp->first != RTP_PLAIN)
		return XDP_FATE_HEAD;
	if (rtp->ssrc != e->ssrc_in)
		return XDP_FATE_SSRC;
	if ((rtp->second & ~RTP_MARKER & 0xff) != e->payload_in)
		return XDP_FATE_PAYLOAD_TYPE;
	if (ahead == 0 || ahead >= XDP_FORWARD_JUMP)
		return XDP_FATE_SEQUENCE;
	if (e->packets == 0 && (e->sequence & 0xffff) != e->up)
		return XDP_FATE_BEHIND;
	return XDP_FATE_FORWARDED;
}

FORWARD_INLINE int is_rtp(const struct forward_frame *f)
{
	const struct forward_rtp *rtp = f->rtp;

	return (const void *)(rtp + 1) <= (const void *)(long)f->ctx->data_end &&
	       (rtp->first & RTP_VERSION_BITS) == RTP_PLAIN &&
	       (rtp->second < RTCP_FIRST || rtp->second > RTCP_LAST);
}

FORWARD_INLINE enum xdp_fate forward_judge(const struct xdp_forward *e,
					   const struct forward_frame *f)
{
	if (!e->armed)
		return XDP_FATE_UNARMED;
	if (!is_of_party(e, f))
		return XDP_FATE_SOURCE;
	if (!is_rtp(f))
		return XDP_FATE_OTHER;
	if (f->family == 4 && !v4_sum_is_fine(f->ip))
		return XDP_FATE_BROKEN;
	return rtp_judge(e, f);
}

/* ---- write ---- */

FORWARD_INLINE void v4_write(const struct xdp_forward *e, struct iphdr *ip, __u16 sequence)
{
	__be16 id = bpf_htons((__u16)(sequence + e->id));

	ip->tos = e->tos;
	ip->id = id;
	ip->frag_off = 0;
	ip->ttl = e->hops;
	ip->check = (__u16)~forward_fold(e->head + ip->tot_len + id);
	ip->saddr = *(const __u32 *)e->out_from;
	ip->daddr = *(const __u32 *)e->out_to;
}

FORWARD_INLINE void v6_write(const struct xdp_forward *e, struct ipv6hdr *ip)
{
	*(__be32 *)ip = bpf_htonl(6U << 28 | (__u32)e->tos << 20);
	ip->hop_limit = e->hops;
	__builtin_memcpy(&ip->saddr, e->out_from, sizeof(ip->saddr));
	__builtin_memcpy(&ip->daddr, e->out_to, sizeof(ip->daddr));
}

/* The sum grows by what all packets have in common, and by numbers and times, less the old ones. */
FORWARD_INLINE void rtp_write(const struct xdp_forward *e, struct forward_frame *f, __be16 sequence,
			      __be32 timestamp)
{
	struct forward_rtp *rtp = f->rtp;
	__u32 sum = (__u16)~f->udp->check + e->delta + (__u16)~rtp->sequence + sequence +
		    forward_halves(~rtp->timestamp) + forward_halves(timestamp);
	__u16 check = (__u16)~forward_fold(sum);

	rtp->second = (rtp->second & RTP_MARKER) | e->payload_out;
	rtp->sequence = sequence;
	rtp->timestamp = timestamp;
	rtp->ssrc = e->ssrc_out;
	f->udp->source = e->out_from_port;
	f->udp->dest = e->out_to_port;
	f->udp->check = check ? check : 0xffff; /* RFC 768: 0 would mean no checksum */
}

/* RFC 3550 A.8, as media/rtp/seq.h has it. */
FORWARD_INLINE void jitter_note(struct xdp_forward *e, __u32 timestamp, __u64 now_ns)
{
	__u32 transit = (__u32)(now_ns * e->clock_mul / e->clock_div) - timestamp;
	__u32 difference = transit - e->transit;

	e->transit = transit;
	if (difference >> 31)
		difference = -difference;
	e->jitter += difference;
	e->jitter -= (e->jitter - difference + 8) >> 4;
}

FORWARD_INLINE void forward_write(struct xdp_forward *e, struct forward_frame *f, __u64 now_ns)
{
	__u32 in = bpf_ntohl(f->rtp->timestamp), timestamp = in + e->timestamp_offset;
	__u16 sequence = (__u16)(bpf_ntohs(f->rtp->sequence) + e->sequence_offset);

	e->sequence += forward_jump(e, f->rtp);
	e->packets++;
	e->octets += bpf_ntohs(f->udp->len) - sizeof(struct udphdr);
	e->received_ns = now_ns;
	jitter_note(e, in, now_ns);
	e->why = sum_is_half(e, f) ? XDP_FATE_FRAME : XDP_FATE_FORWARDED;
	if (e->timestamp != timestamp)
		e->timestamp_ns = now_ns;
	e->timestamp = timestamp;
	rtp_write(e, f, bpf_htons(sequence), bpf_htonl(timestamp));
	if (f->family == 4)
		v4_write(e, f->ip, sequence);
	else
		v6_write(e, f->ip);
	__builtin_memcpy(f->ethernet, e->macs, sizeof(e->macs));
}

/* ---- all of it ---- */

/* Of what goes up: the worker arms when it has relayed this one, and so all before it. */
FORWARD_INLINE void up_note(struct xdp_forward *e, const struct forward_frame *f,
			    enum xdp_fate fate)
{
	if (fate >= XDP_FATE_FRAME || (fate == XDP_FATE_UNARMED && is_of_party(e, f) && is_rtp(f)))
		e->up = bpf_ntohs(f->rtp->sequence);
}

FORWARD_INLINE int forward_leave(const struct xdp_forward *e, const struct xdp_md *ctx)
{
	return e->ifindex == ctx->ingress_ifindex ? XDP_TX : bpf_redirect(e->ifindex, 0);
}

/* Of what would be forwarded. */
FORWARD_INLINE enum xdp_fate fence_judge(const struct xdp_forward *e, const struct xdp_fence *fence,
					 __u64 now_ns)
{
	if (now_ns >= fence->valid_until[e->place % XDP_FORWARD_PLACES])
		return XDP_FATE_ENDED;
	if (now_ns >= fence->alive_until[e->worker % XDP_FORWARD_WORKERS])
		return XDP_FATE_SILENT;
	return XDP_FATE_FORWARDED;
}

/* An action, or FORWARD_UP. Nobody else writes the entry now: its worker waits until busy is 0. */
FORWARD_INLINE int forward_armed(struct xdp_forward *e, const struct xdp_fence *fence,
				 struct xdp_cpu *c, struct forward_frame *f, __u64 now_ns)
{
	enum xdp_fate fate = forward_judge(e, f);

	if (fate == XDP_FATE_FORWARDED)
		fate = fence_judge(e, fence, now_ns);
	fate_count(c, fate);
	if (fate == XDP_FATE_ENDED || fate == XDP_FATE_SILENT)
		return XDP_DROP;
	if (fate == XDP_FATE_FORWARDED) {
		forward_write(e, f, now_ns);
		return forward_leave(e, f->ctx);
	}
	up_note(e, f, fate);
	if (fate >= XDP_FATE_FRAME) {
		e->why = fate;
		e->armed = 0;
	}
	return FORWARD_UP;
}

/* Prefetches its three lines at once, which many flows have displaced: behind the addition to
 * `busy`, a full barrier, they would be loaded one after the other. */
FORWARD_INLINE void entry_fetch(const struct xdp_forward *e)
{
	unsigned int armed = e->armed, ifindex = e->ifindex, sequence = e->sequence;

	barrier_var(armed);
	barrier_var(ifindex);
	barrier_var(sequence);
}

/* A full barrier: earlier writes are visible to a reader of the new value, and later reads are not
 * done before. An atomic operation with a returned value has this effect on every CPU. */
FORWARD_INLINE void busy_add(struct xdp_forward *e, int n)
{
	unsigned int before = __sync_fetch_and_add(&e->busy, n);

	barrier_var(before);
}

/* NULL: no flow has that port. */
FORWARD_INLINE struct xdp_forward *forward_find(__u32 where)
{
	__u32 pair = where / XDP_WHERE_PORTS, number;
	const struct xdp_where *at = bpf_map_lookup_elem(&tandem_where, &pair);

	if (!at)
		return 0;
	number = at->number[where % XDP_WHERE_PORTS];
	if (number-- == 0)
		return 0;
	return bpf_map_lookup_elem(&tandem_forward, &number);
}

/* Media that came to one of our addresses and ports; e: NULL: that have no entry. */
FORWARD_INLINE int forward(struct forward_frame *f, struct xdp_forward *e)
{
	__u32 zero = 0;
	const struct xdp_fence *fence = bpf_map_lookup_elem(&tandem_fence, &zero);
	struct xdp_cpu *c = bpf_map_lookup_elem(&tandem_cpus, &zero);
	__u64 now_ns;
	int action;

	if (!fence || !c || fence->version != XDP_FORWARD_VERSION)
		return FORWARD_UP;
	now_ns = cpu_now(c);
	if (now_ns >= fence->present_until) {
		fate_count(c, XDP_FATE_SILENT);
		return XDP_DROP;
	}
	if (!e)
		return FORWARD_UP;
	entry_fetch(e);
	busy_add(e, 1);
	action = forward_armed(e, fence, c, f, now_ns);
	busy_add(e, -1);
	return action;
}

#endif
