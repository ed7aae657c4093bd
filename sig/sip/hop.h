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
#ifndef SIG_SIP_HOP_H
#define SIG_SIP_HOP_H

#include "base/bytes.h"
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

/*
 * Names by which others are reached, as numbers that fit into a hop. RFC 5922 7.3: the certificate of whom we call must be for the domain
 * that we were given, not for the host or address to which DNS leads. So the hop keeps that domain. A name keeps its number for good; names
 * come from documents and trusted senders. One table for a node; one thread.
 */

enum { HOP_NAMES_MAX = 16384, HOP_NAME_MAX = 254 };

struct hop_names;

/* 0 or -ENOMEM. */
int hop_names_open(struct hop_names **out) NODISCARD;
void hop_names_close(struct hop_names *n); /* NULL is fine */
/* Case and a '.' at the end make no difference. 0: it is no name of a host, or there is no room, or n is NULL. What has no name is known by
 * its address, so no room never lets anybody in. */
uint16_t hop_names_put(struct hop_names *n, struct bytes name);
/* In lower case. "" of 0. Constant until the table is closed. */
const char *hop_names_text(const struct hop_names *n, uint16_t name);

#endif
