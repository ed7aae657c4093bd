/* SPDX-License-Identifier: Apache-2.0 */
/* What the XDP program and port_xdp agree on. Plain C types: the program has no libc. */
#ifndef ENGINE_XDP_MEDIA_H
#define ENGINE_XDP_MEDIA_H

/* Names of the maps and of the program: libbpf finds them by these, and bpftool shows them. */
#define XDP_PROGRAM     "tandem_media"
#define XDP_PORTS_MAP   "tandem_ports"
#define XDP_SOCKETS_MAP "tandem_sockets"

enum { XDP_ADDRESSES_MAX = 64 };

/* Key of tandem_ports: a local address; IPv4 as ::ffff:a.b.c.d. */
struct xdp_address {
	unsigned char ip[16];
};

/* Its value: a bit for each UDP port, in the octet port / 8. */
struct xdp_ports {
	unsigned char bits[8192];
};

#endif
