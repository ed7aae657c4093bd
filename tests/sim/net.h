/* SPDX-License-Identifier: Apache-2.0 */
/* The network between phones and node: datagrams are lost, come twice, late and in another order. */
#ifndef TESTS_SIM_NET_H
#define TESTS_SIM_NET_H

#include "base/addr.h"

struct sim;

struct net {
	uint32_t loss, twice, late; /* of a thousand */
	uint64_t delay_max_ms, late_max_ms;
};

void net_send(struct sim *s, const struct addr *from, const struct addr *to, struct bytes datagram);

#endif
