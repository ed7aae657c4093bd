/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets a place, and who has to go for it: strangers who only hold places would else keep phones out. */
#include "sig/transport/stream_connection.h"

static bool is_stranger(const struct stream_connection *c)
{
	return !c->trusted && !c->is_doomed;
}

void stream_connection_trust(struct stream_connection *c)
{
	if (!is_stranger(c))
		return;
	c->trusted = true;
	c->owner->trusted++;
}

/* The hand goes round, so it is about the one that has been there longest. */
static bool stream_room_make(struct transport_stream *t)
{
	struct stream_connection *c;
	pool_handle h;

	if (t->trusted + t->doomed >= t->pool.in_use)
		return false;
	for (int round = 0; round < 2; round++) {
		while ((c = pool_next(&t->pool, &t->hand, &h)) != NULL) {
			if (!is_stranger(c))
				continue;
			stream_connection_doom(c, STREAM_END_ROOM);
			return true;
		}
		t->hand = 0;
	}
	return false;
}

/* Those that are doomed keep their places, beyond the limit, up to the end of the round. */
static bool has_place(struct transport_stream *t)
{
	bool has = t->pool.in_use < t->pool.capacity &&
		   (t->pool.in_use - t->doomed < t->limits.connections || stream_room_make(t));

	if (!has)
		stream_count(t, STREAM_REFUSED_FULL);
	return has;
}

/* How many that address has, and the stranger among them that came first, or NULL. */
static uint32_t of_source(const struct transport_stream *t, uint64_t source,
			  struct stream_connection **oldest)
{
	uint32_t cursor = 0, n = 0;
	pool_handle h;

	*oldest = NULL;
	while ((h = table_next(&t->by_source, source, &cursor)) != 0) {
		struct stream_connection *c = pool_get(&t->pool, h);

		if (!c || c->is_doomed)
			continue;
		n++;
		if (is_stranger(c) && (!*oldest || c->born_ns < (*oldest)->born_ns))
			*oldest = c;
	}
	return n;
}

/* Also for those we make: a request that came may have named the port its answer goes to. */
bool stream_has_room(struct transport_stream *t, const struct sip_hop *hop)
{
	struct stream_connection *oldest;

	if (of_source(t, stream_source_hash(t, hop), &oldest) < t->limits.connections_per_source)
		return has_place(t);
	if (!oldest || t->pool.in_use == t->pool.capacity) {
		stream_count(t, STREAM_REFUSED_SOURCE);
		return false;
	}
	stream_connection_doom(oldest, STREAM_END_ROOM);
	return true;
}
