/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Announces our addresses on a device without a kernel behind it: ARP (RFC 826) and neighbour
 * discovery (RFC 4861).
 */
#ifndef ENGINE_NET_NEIGHBOUR_H
#define ENGINE_NET_NEIGHBOUR_H

#include "engine/net/frame.h"

/* Which MAC address is asked for. False: it is not such a request. */
bool neighbour_is_request(struct bytes frame, struct addr *subject);
/* Turns a request, recognised by neighbour_is_request, into the answer, in place: that address is
 * at mac. capacity: octets that may be written. Returns the length of the frame; 0: it does not
 * fit. */
size_t neighbour_answer(uint8_t *frame, size_t n, size_t capacity,
			const uint8_t mac[FRAME_MAC_LEN]);

#endif
