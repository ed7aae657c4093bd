/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections of other processes as names that fit into a hop (sip_hop.connection). A process has a random number that no other one
 * has, and a connection a number that its process never uses twice. So the two together name a connection for good: also in a record,
 * and for whoever reads that. In a hop it is
 *
 *     11 (2 bits) | place of the process (8) | web (1) | the connection (53)
 *
 * which no own connection looks like. There are so many places: where more processes come, the eldest loses its own, and what is
 * still sent to it is for a process that has no such connection, or none from there. One table for a node; one thread.
 */
#ifndef SIG_SIP_HOP_EDGES_H
#define SIG_SIP_HOP_EDGES_H

#include "sig/sip/message.h"

enum { HOP_EDGES_MAX = 256 };

struct hop_edges {
	uint64_t self; /* this process; 0: nobody asks for its connections */
	uint64_t processes[HOP_EDGES_MAX];
	uint32_t next;
};

struct hop_edge {
	uint64_t process;
	uint64_t connection; /* as that one names it */
};

/* Over UDP a phone behind a NAT hears from the address where it registered, and from no other one (RFC 4787 5). Where that address stays
 * with its process the two together are a flow, as a connection is: its number is the address's place there (sip_hop.local), from 1 on.
 * A hop by an own address has no number: its place says all. */
static inline uint64_t hop_edge_flow(uint16_t local)
{
	return UINT64_C(1) + local;
}
/* Whether it is another process's. */
static inline bool hop_is_edge(uint64_t connection)
{
	return connection >> 62 == 3;
}
/* For sip_hop.connection: of the own process as it is. 0: it cannot be named, or e is NULL. */
uint64_t hop_edge_put(struct hop_edges *e, const struct hop_edge *edge);
/* The same out of a record, for a hop by that transport. One by an own address has none over UDP: it goes by an address that is here. */
uint64_t hop_edge_read(struct hop_edges *e, enum sip_transport transport,
		       const struct hop_edge *edge);
/* Whose it is: also an own one. False: it has none, or e is NULL or of a process without number. */
bool hop_edge_get(const struct hop_edges *e, uint64_t connection, struct hop_edge *out);

#endif
