/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program on the UDP sockets of SIP: drops datagrams that the guard does not admit (guard.h),
 * before they are queued, on the core that received them. Without it a flood would fill the
 * sockets' buffers, and known sources lose their messages.
 */

#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <stddef.h>

#include <bpf/bpf_endian.h>

#include "engine/port/xdp/guard.h"

enum { DROP = 0, WHOLE = -1 };

static __always_inline int source_read(struct __sk_buff *skb, struct guard_source *from)
{
	__u8 ip[16] = { [10] = 0xff, [11] = 0xff };
	long err;

	if (skb->protocol == bpf_htons(ETH_P_IP))
		err = bpf_skb_load_bytes_relative(skb, offsetof(struct iphdr, saddr), ip + 12, 4,
						  BPF_HDR_START_NET);
	else
		err = bpf_skb_load_bytes_relative(skb, offsetof(struct ipv6hdr, saddr), ip, 16,
						  BPF_HDR_START_NET);
	__builtin_memcpy(from, ip, sizeof(*from));
	return err == 0;
}

/* A datagram begins with its UDP header here. */
SEC("socket")
int tandem_sip(struct __sk_buff *skb)
{
	struct guard_source from;
	__be16 port;

	if (bpf_skb_load_bytes(skb, offsetof(struct udphdr, source), &port, sizeof(port)) ||
	    !source_read(skb, &from))
		return WHOLE;
	return guard_drops(&from, bpf_ntohs(port)) ? DROP : WHOLE;
}

char _license[] SEC("license") = "Apache-2.0";
