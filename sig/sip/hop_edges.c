/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/sip/hop_edges.h"

enum { PLACE_AT = 54, WEB_AT = 53, GENERATION_AT = 22, GENERATION_BITS = 31 };

#define EDGE_MARK (UINT64_C(3) << 62)
#define EDGE_WEB  (UINT64_C(1) << 63)

/* Web: all but bit 63 (transport.h); else a pool_handle, whose index is small. False: too large. */
static bool edge_shorten(uint64_t connection, uint64_t *out)
{
	uint64_t index = connection & UINT32_MAX, generation = connection >> 32;

	if (connection & EDGE_WEB) {
		*out = (connection & ~EDGE_WEB) | UINT64_C(1) << WEB_AT;
		return (connection & ~EDGE_WEB) >> WEB_AT == 0;
	}
	*out = generation << GENERATION_AT | index;
	return index >> GENERATION_AT == 0 && generation >> GENERATION_BITS == 0;
}

static uint64_t edge_lengthen(uint64_t name)
{
	uint64_t rest = name & ((UINT64_C(1) << WEB_AT) - 1);

	if (name >> WEB_AT & 1)
		return EDGE_WEB | rest;
	return rest >> GENERATION_AT << 32 | (rest & ((UINT64_C(1) << GENERATION_AT) - 1));
}

static uint64_t edge_place(struct hop_edges *e, uint64_t process)
{
	uint32_t place;

	for (uint32_t i = 0; i < HOP_EDGES_MAX; i++) {
		if (e->processes[i] == process)
			return i;
	}
	place = e->next++ % HOP_EDGES_MAX;
	e->processes[place] = process;
	return place;
}

uint64_t hop_edge_put(struct hop_edges *e, const struct hop_edge *edge)
{
	uint64_t name;

	if (!e || !edge->process || !edge->connection || hop_is_edge(edge->connection))
		return 0;
	if (edge->process == e->self)
		return edge->connection;
	if (!edge_shorten(edge->connection, &name))
		return 0;
	return EDGE_MARK | edge_place(e, edge->process) << PLACE_AT | name;
}

uint64_t hop_edge_read(struct hop_edges *e, enum sip_transport transport,
		       const struct hop_edge *edge)
{
	uint64_t connection = hop_edge_put(e, edge);

	return transport == SIP_UDP && !hop_is_edge(connection) ? 0 : connection;
}

bool hop_edge_get(const struct hop_edges *e, uint64_t connection, struct hop_edge *out)
{
	if (!e || !e->self || !connection)
		return false;
	*out = (struct hop_edge){ e->self, connection };
	if (!hop_is_edge(connection))
		return true;
	out->process = e->processes[connection >> PLACE_AT & (HOP_EDGES_MAX - 1)];
	out->connection = edge_lengthen(connection);
	return out->process != 0;
}
