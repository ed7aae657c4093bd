/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's addresses, one command after the other: netlink's answers come at once. */
#ifndef APP_KEEPER_ADDRESS_H
#define APP_KEEPER_ADDRESS_H

#include "base/addr.h"

struct address_link {
	int fd; /* NETLINK_ROUTE */
	uint32_t seq;
};

enum address_owner {
	ADDRESS_NOBODY,
	ADDRESS_KEEPER, /* it was added by one */
	ADDRESS_OTHER,  /* as all of 127/8 are */
};

/* 0 or -errno. */
int address_open(struct address_link *l) NODISCARD;
/* The owner of an address on this machine; *ifindex: where a keeper added it. */
enum address_owner address_find(struct address_link *l, const struct addr *ip, uint32_t *ifindex);
/* 0 or -errno. */
int address_add(struct address_link *l, uint32_t ifindex, const struct addr *ip) NODISCARD;
int address_delete(struct address_link *l, uint32_t ifindex, const struct addr *ip) NODISCARD;

/* Messages of the keeper to the kernel about floating addresses, as in rtnetlink(7). Pure: values
 * in, octets out. Answers are read by engine/net/netlink.h. Sending needs CAP_NET_ADMIN. */

/* In IFA_PROTO and FRA_PROTOCOL of what a keeper made, so the next one knows it.
 * Linux 5.18 keeps it of addresses. */
enum { KEEPER_PROTOCOL = 't' };

/* Adds an address, /32 or /128, usable at once; or deletes it. Appends all or nothing. */
void address_write_add(struct writer *w, uint32_t seq, uint32_t ifindex, const struct addr *ip);
void address_write_delete(struct writer *w, uint32_t seq, uint32_t ifindex, const struct addr *ip);
/* Rule that lets nothing leave from this address: IPv6 sockets go on sending from a deleted one. */
void address_write_prohibit(struct writer *w, uint32_t seq, const struct addr *ip);
void address_write_allow(struct writer *w, uint32_t seq, const struct addr *ip);
/* All addresses of the family. */
void address_ask_all(struct writer *w, uint32_t seq, uint8_t family);

/* Frames that tell a link's neighbours the new owner of an address. Pure. The kernel sends none by
 * itself when an address is added. */

enum { ANNOUNCEMENT_MAX = 86, ANNOUNCEMENT_MAC_LEN = 6 };

/* IPv4: an ARP request of the address for itself, which counts at once even if a neighbour's entry
 * is new (RFC 5227 3; a reply may not). IPv6: a neighbour advertisement to all nodes with the
 * override flag, without which a stale entry stays (RFC 4861 7.2.5). Returns the octets of the
 * frame. */
size_t announcement_write(uint8_t out[ANNOUNCEMENT_MAX], const uint8_t mac[ANNOUNCEMENT_MAC_LEN],
			  const struct addr *ip);

/* The interface of a floating address, and its facts. */

enum { INTERFACE_NAME_MAX = 16 }; /* IFNAMSIZ */

struct interface {
	uint32_t ifindex;
	char name[INTERFACE_NAME_MAX];
	bool ethernet; /* neighbours are told by announcements */
	uint8_t mac[ANNOUNCEMENT_MAC_LEN];
};

/* named, else the one with ip in its network, else the one that has beside.
 * 0, -ENODEV: none; or -errno. */
int interface_find(struct interface *out, const char *named, const struct addr *ip,
		   const struct addr *beside) NODISCARD;
/* Makes the kernel ask for neighbours only with a fitting address (arp_announce 2): else one packet
 * of a node that is cut off tells phones that it still has the address. False: it does not, and
 * that could not be set. */
bool interface_asks_as_itself(const struct interface *i);

#endif
