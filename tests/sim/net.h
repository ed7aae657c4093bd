/* SPDX-License-Identifier: Apache-2.0 */
/* The network between phones and node: datagrams are lost, come twice, late and in another order. */
#ifndef TESTS_SIM_NET_H
#define TESTS_SIM_NET_H

#include "base/addr.h"

struct sim;
struct node;

struct phone;
struct sip_hop;

struct net {
	uint64_t connections;       /* so many were made */
	uint32_t loss, twice, late; /* of a thousand */
	uint64_t delay_max_ms, late_max_ms;
};

/* A message of the node: a datagram, or over the connection that the hop names. */
void net_send(struct sim *s, struct node *n, const struct sip_hop *to, struct bytes message);
/* On that connection of the node's. False: it has none. */
bool net_send_on(struct sim *s, const struct node *n, const struct sip_hop *to,
		 struct bytes message);
/* It may be lost, or come twice. */
void net_datagram(struct sim *s, const struct addr *from, const struct addr *to,
		  struct bytes message);
/* A message of a phone. */
void net_say(struct sim *s, struct phone *p, struct bytes message);
/* The connection of a phone is gone with all that is on it; the node hears of it if it lives. */
void net_drop(struct sim *s, struct phone *p);

#endif
