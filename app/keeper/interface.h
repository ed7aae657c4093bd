/* SPDX-License-Identifier: Apache-2.0 */
/* Where a floating address goes, and what is to be known of that interface. */
#ifndef APP_KEEPER_INTERFACE_H
#define APP_KEEPER_INTERFACE_H

#include "app/keeper/announcement.h"

enum { INTERFACE_NAME_MAX = 16 }; /* IFNAMSIZ */

struct interface {
	uint32_t ifindex;
	char name[INTERFACE_NAME_MAX];
	bool ethernet; /* neighbours are told by announcements */
	uint8_t mac[ANNOUNCEMENT_MAC_LEN];
};

/* named, else the one in whose network ip is, else the one that has beside. 0, -ENODEV: none of these; or -errno. */
int interface_find(struct interface *out, const char *named, const struct addr *ip,
		   const struct addr *beside) NODISCARD;
/*
 * The kernel asks for neighbours in the name of a fitting address alone (arp_announce 2): else one packet of a node that is cut off tells
 * phones that the address is still there. False: it does not, and that could not be set.
 */
bool interface_asks_as_itself(const struct interface *i);

#endif
