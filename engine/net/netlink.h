/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of rtnetlink(7) that next hops need: routes, neighbours, links. Pure: octets in, a value
 * out, and the reverse for requests. None of it needs a privilege.
 */
#ifndef ENGINE_NET_NETLINK_H
#define ENGINE_NET_NETLINK_H

#include "base/addr.h"
#include "engine/net/frame.h"

enum netlink_kind {
	NETLINK_OTHER,     /* of no meaning here */
	NETLINK_DONE,      /* the end of a list */
	NETLINK_ERROR,     /* error is set; 0: done */
	NETLINK_WAY,       /* RTM_NEWROUTE, RTM_DELROUTE, a rule or an address: see seq */
	NETLINK_NEIGHBOUR, /* RTM_NEWNEIGH, RTM_DELNEIGH */
	NETLINK_LINK,      /* RTM_NEWLINK, RTM_DELLINK */
};

struct netlink_message {
	enum netlink_kind kind;
	uint32_t seq;  /* of the question it answers */
	uint32_t port; /* of the requester or changer; 0: the kernel itself */
	bool deleted;
	int error;           /* -errno */
	uint32_t ifindex;    /* route, neighbour, link; 0: none */
	struct addr to;      /* way: the destination; neighbour: its address; port 0 */
	struct addr gateway; /* way; ADDR_NONE: on the link itself */
	bool unicast;        /* way: RTN_UNICAST */
	bool local;          /* way: RTN_LOCAL, or an address of the machine (to) */
	uint8_t protocol;    /* address: IFA_PROTO, its origin; 0: not given */
	uint32_t mtu;        /* way, link; 0: not given */
	uint32_t hops;       /* way: TTL or hop limit; 0: not given */
	uint16_t neighbour;  /* NUD_* of linux/neighbour.h */
	bool has_mac;        /* neighbour, link */
	uint8_t mac[FRAME_MAC_LEN];
	bool up, ethernet; /* link */
	uint32_t parent;   /* link: the device below a VLAN; 0: not a VLAN */
	uint16_t vlan;     /* link, with parent */
};

/* Cuts the next message off *rest. Returns 0, -ENODATA (no more) or -EBADMSG (rest unusable). */
int netlink_next(struct bytes *rest, struct netlink_message *out) NODISCARD;

/* Requests; nothing is appended if it does not fit. from: source address for policy routing; its
 * port is ignored. */
void netlink_request_route(struct writer *w, uint32_t seq, const struct addr *from,
			   const struct addr *to);
void netlink_request_neighbour(struct writer *w, uint32_t seq, uint32_t ifindex,
			       const struct addr *ip);
void netlink_request_links(struct writer *w, uint32_t seq);

#endif
