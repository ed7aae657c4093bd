/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frames that tell a link's neighbours whose an address is from now on. Pure. The kernel sends none by itself when an address is added.
 */
#ifndef APP_KEEPER_ANNOUNCEMENT_H
#define APP_KEEPER_ANNOUNCEMENT_H

#include "base/addr.h"

enum { ANNOUNCEMENT_MAX = 86, ANNOUNCEMENT_MAC_LEN = 6 };

/*
 * IPv4: an ARP request of the address for itself, which counts at once also where a neighbour's entry is new (RFC 5227 3; a reply may not).
 * IPv6: a neighbour advertisement to all nodes with the override flag, without which a stale entry stays (RFC 4861 7.2.5).
 * Returns the octets of the frame.
 */
size_t announcement_write(uint8_t out[ANNOUNCEMENT_MAX], const uint8_t mac[ANNOUNCEMENT_MAC_LEN],
			  const struct addr *ip);

#endif
