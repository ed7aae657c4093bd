/* SPDX-License-Identifier: Apache-2.0 */
/* What the XDP program and port_xdp agree on. Plain C types: the program has no libc. */
#ifndef ENGINE_PORT_XDP_MEDIA_H
#define ENGINE_PORT_XDP_MEDIA_H

/* Names of the maps and of the program: libbpf finds them by these, and bpftool shows them. */
#define XDP_PROGRAM     "tandem_media"
#define XDP_PORTS_MAP   "tandem_ports"
#define XDP_FIRST_MAP   "tandem_first"
#define XDP_SOCKETS_MAP "tandem_sockets"

/* The guard of the SIP ports, on their sockets and where frames come in: sip.bpf.c, guard.h. */
#define XDP_SIP_PROGRAM "tandem_sip"
#define XDP_SIP_MAP     "tandem_sip_ports"
#define XDP_RULES_MAP   "tandem_rules"
#define XDP_KNOWN_MAP   "tandem_known"
#define XDP_BUCKETS_MAP "tandem_buckets"
#define XDP_DROPPED_MAP "tandem_dropped"

enum { XDP_ADDRESSES_MAX = 64, XDP_SIP_PORTS_MAX = 256 };

/* Key of tandem_ports: a local address; IPv4 as ::ffff:a.b.c.d. */
struct xdp_address {
	unsigned char ip[16];
};

/* Its value: a bit per UDP port, in the octet port / 8. place: the address's in tandem_where. */
struct xdp_ports {
	unsigned char bits[8192];
	unsigned int place;
};

/* The only value of tandem_first: the one of these addresses with most media. A port with an entry
 * of a flow there needs no lookup in tandem_ports. */
struct xdp_first {
	struct xdp_address ip;
	unsigned int place;
	unsigned int is_set;
};

/* Key of tandem_sip_ports; the value has no meaning. */
struct xdp_sip_port {
	struct xdp_address to;
	unsigned int port;
};

#endif
