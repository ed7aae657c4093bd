/* SPDX-License-Identifier: Apache-2.0 */
/* Connections of other processes as names that fit into a hop (sip_hop.connection). A process has a
 * random number that no other has, and a connection a number that its process never uses twice; so
 * both together name a connection for good, also in a record. In a hop the name is 11 (2 bits),
 * place of the process (8), web (1), connection (53), which no own connection looks like. The
 * number of places is limited: if more processes come, the oldest loses its place, and messages to
 * it fail as for a closed connection. One table for a node; one thread. */
#ifndef SIG_SIP_HOP_H
#define SIG_SIP_HOP_H

#include "base/bytes.h"
#include "sig/sip/message.h"

enum { HOP_EDGES_MAX = 256 };

struct hop_edges {
	uint64_t self; /* this process; 0: its connections are not shared */
	uint64_t processes[HOP_EDGES_MAX];
	uint32_t next;
};

struct hop_edge {
	uint64_t process;
	uint64_t connection; /* as that one names it */
};

/* Over UDP a phone behind a NAT gets packets only from the address where it registered (RFC 4787
 * 5). Such an address of a process is a flow like a connection: its number is the address's place
 * there (sip_hop.local), from 1 on. A hop by an address of our own has no number, as its place
 * identifies it. */
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
/* The same from a record, for a hop by that transport. Over UDP one by an own address yields none:
 * it uses an address here. */
uint64_t hop_edge_read(struct hop_edges *e, enum sip_transport transport,
		       const struct hop_edge *edge);
/* Its process and number, also of our own. Returns false if it has none, or e is NULL or of a
 * process without number. */
bool hop_edge_get(const struct hop_edges *e, uint64_t connection, struct hop_edge *out);

/* Host names of targets as numbers that fit into a hop. RFC 5922 7.3: the certificate of the callee
 * must be for the domain that we were given, not for the host or address that DNS returned, so the
 * hop keeps that domain. A name keeps its number for good; names come from documents and trusted
 * senders. One table for a node; one thread. */

enum { HOP_NAMES_MAX = 16384, HOP_NAME_MAX = 254 };

struct hop_names;

/* 0 or -ENOMEM. */
int hop_names_open(struct hop_names **out) NODISCARD;
void hop_names_close(struct hop_names *n); /* NULL is fine */
/* Ignores case and a final '.'. 0: not a host name, no room, or n is NULL. A target without name is
 * known by its address, so a full table never admits a peer. */
uint16_t hop_names_put(struct hop_names *n, struct bytes name);
/* In lower case. "" of 0. Constant until the table is closed. */
const char *hop_names_text(const struct hop_names *n, uint16_t name);

#endif
