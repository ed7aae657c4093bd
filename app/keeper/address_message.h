/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the keeper tells the kernel about floating addresses, in the words of rtnetlink(7). Pure: values in, octets out. Answers are
 * read by engine/net/netlink.h. Needs CAP_NET_ADMIN where it is sent.
 */
#ifndef APP_KEEPER_ADDRESS_MESSAGE_H
#define APP_KEEPER_ADDRESS_MESSAGE_H

#include "base/addr.h"

/* In IFA_PROTO and FRA_PROTOCOL of what a keeper made: so another one knows it for its own. Linux 5.18 and newer keep it of addresses. */
enum { KEEPER_PROTOCOL = 't' };

/* Adds an address, /32 or /128, at once usable; or deletes it. Nothing is appended when it does not fit. */
void address_write_add(struct writer *w, uint32_t seq, uint32_t ifindex, const struct addr *ip);
void address_write_delete(struct writer *w, uint32_t seq, uint32_t ifindex, const struct addr *ip);
/* A rule by which nothing leaves from this address: sockets of IPv6 go on sending from one that was deleted. */
void address_write_prohibit(struct writer *w, uint32_t seq, const struct addr *ip);
void address_write_allow(struct writer *w, uint32_t seq, const struct addr *ip);
/* All addresses of the family. */
void address_ask_all(struct writer *w, uint32_t seq, uint8_t family);

#endif
