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
/* Whose it is on this machine; *ifindex: where a keeper added it. */
enum address_owner address_find(struct address_link *l, const struct addr *ip, uint32_t *ifindex);
/* 0 or -errno. */
int address_add(struct address_link *l, uint32_t ifindex, const struct addr *ip) NODISCARD;
int address_delete(struct address_link *l, uint32_t ifindex, const struct addr *ip) NODISCARD;

#endif
