/* SPDX-License-Identifier: Apache-2.0 */
/* What egress.bpf.c and engine/port/egress.c agree on. Plain C types: the program has no libc. */
#ifndef ENGINE_PORT_XDP_EGRESS_H
#define ENGINE_PORT_XDP_EGRESS_H

#include "engine/port/xdp/media.h"

/* Names of the maps and of the program, as bpftool shows them; the kernel keeps 15 characters. */
#define EGRESS_PROGRAM       "tandem_egress"
#define EGRESS_ADDRESSES_MAP "tandem_floating"
#define EGRESS_UNTIL_MAP     "tandem_until"
#define EGRESS_WITHHELD_MAP  "tandem_withheld"

enum { EGRESS_ADDRESSES_MAX = 256, EGRESS_PLACES = 17 /* 1 + VALID_PLACES */ };

/* What a frame is that was withheld. */
enum egress_kind {
	EGRESS_UDP,
	EGRESS_TCP,
	EGRESS_ICMP,
	EGRESS_ARP,
	EGRESS_NDP, /* of IPv6, what ARP is for IPv4 (RFC 4861) */
	EGRESS_OTHER,
	EGRESS_KIND_COUNT
};

/* The only value of tandem_withheld. */
struct egress_withheld {
	unsigned long long by_kind[EGRESS_KIND_COUNT];
};

#endif
