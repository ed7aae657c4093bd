/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/redis/slots.h"

#include <errno.h>
#include <stdlib.h>

#include "cluster/redis/redis.h"

enum { CRC_POLYNOMIAL = 0x1021 };

/* ---- keys ---- */

/* CRC-16/XMODEM, as the specification of Redis Cluster has it. */
static uint16_t crc16(struct bytes in)
{
	uint32_t crc = 0;

	for (size_t i = 0; i < in.n; i++) {
		crc ^= (uint32_t)in.p[i] << 8;
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 0x8000 ? crc << 1 ^ CRC_POLYNOMIAL : crc << 1;
		crc &= 0xffff;
	}
	return (uint16_t)crc;
}

uint16_t redis_slot(struct bytes key)
{
	size_t open = bytes_find(key, '{');
	struct bytes rest = bytes_from(key, open + 1);
	size_t close = bytes_find(rest, '}');

	if (open < key.n && close > 0 && close < rest.n)
		key = bytes_sub(rest, 0, close);
	return crc16(key) % REDIS_SLOTS;
}

/* ---- servers ---- */

/* 1 + its place; 0: there is no room. */
static uint8_t server_place(struct redis_slots *s, const struct addr *a)
{
	uint32_t i = 0;

	while (i < s->count && !addr_eq(&s->servers[i], a))
		i++;
	if (i == REDIS_SERVERS_MAX)
		return 0;
	if (i == s->count)
		s->servers[s->count++] = *a;
	return (uint8_t)(i + 1);
}

static int endpoint_read(struct addr *out, struct bytes host, uint64_t port,
			 const struct addr *from)
{
	*out = *from;
	if (host.n && !bytes_is(host, "?") && (addr_parse(out, host) || out->port))
		return -EINVAL;
	if (!port || port > UINT16_MAX)
		return -EINVAL;
	out->port = (uint16_t)port;
	return 0;
}

/* [host, port, ...] */
static int server_read(struct redis_slots *out, const struct redisReply *reply,
		       const struct addr *from, uint8_t *place)
{
	const struct redisReply *port = redis_reply_at(reply, 1);
	struct addr a;

	if (redis_reply_type(port) != REDIS_TYPE_INTEGER ||
	    endpoint_read(&a, redis_reply_text(redis_reply_at(reply, 0)),
			  (uint64_t)redis_reply_integer(port), from))
		return -EINVAL;
	*place = server_place(out, &a);
	return *place ? 0 : -EINVAL;
}

/* ---- the map ---- */

static int slots_number_read(uint32_t *out, const struct redisReply *reply)
{
	int64_t n = redis_reply_integer(reply);

	if (redis_reply_type(reply) != REDIS_TYPE_INTEGER || n < 0 || n >= REDIS_SLOTS)
		return -EINVAL;
	*out = (uint32_t)n;
	return 0;
}

/* [first, last, primary, replica, ...] */
static int slots_range_read(struct redis_slots *out, const struct redisReply *reply,
			    const struct addr *from)
{
	uint32_t first, last;
	uint8_t owner, other;

	if (slots_number_read(&first, redis_reply_at(reply, 0)) ||
	    slots_number_read(&last, redis_reply_at(reply, 1)) || first > last ||
	    server_read(out, redis_reply_at(reply, 2), from, &owner))
		return -EINVAL;
	for (size_t i = 3; i < redis_reply_count(reply); i++) {
		if (server_read(out, redis_reply_at(reply, i), from, &other))
			return -EINVAL;
	}
	for (uint32_t slot = first; slot <= last; slot++) {
		if (out->owners[slot])
			return -EINVAL;
		out->owners[slot] = owner;
	}
	return 0;
}

int redis_slots_read(struct redis_slots *out, const struct redisReply *reply,
		     const struct addr *from)
{
	struct redis_slots *read = calloc(1, sizeof(*read));
	int err = read && redis_reply_type(reply) == REDIS_TYPE_ARRAY ? 0 : -EINVAL;

	for (size_t i = 0; i < redis_reply_count(reply) && !err; i++)
		err = slots_range_read(read, redis_reply_at(reply, i), from);
	if (!err)
		*out = *read;
	free(read);
	return err;
}

int redis_slots_move(struct redis_slots *s, uint16_t slot, const struct addr *to)
{
	uint8_t place = server_place(s, to);

	if (!place)
		return -ENOSPC;
	s->owners[slot] = place;
	return 0;
}

const struct addr *redis_slots_owner(const struct redis_slots *s, uint16_t slot)
{
	uint8_t place = s->owners[slot];

	return place ? &s->servers[place - 1] : NULL;
}

bool redis_slots_are_whole(const struct redis_slots *s)
{
	for (uint32_t i = 0; i < REDIS_SLOTS; i++) {
		if (!s->owners[i])
			return false;
	}
	return true;
}

/* ---- refusals ---- */

/* The port stands behind the last colon: an address of IPv6 is there without brackets. */
static int elsewhere_read(const char *refusal, uint16_t *slot, struct addr *to, struct bytes text,
			  const struct addr *from)
{
	struct bytes word, number;
	uint32_t n, port;
	size_t colon;

	if (!bytes_cut(&text, ' ', &word) || !bytes_is(word, refusal) ||
	    !bytes_cut(&text, ' ', &number) || bytes_u32(number, &n) || n >= REDIS_SLOTS)
		return -EINVAL;
	for (colon = text.n; colon > 0 && text.p[colon - 1] != ':';)
		colon--;
	if (!colon || bytes_u32(bytes_from(text, colon), &port) ||
	    endpoint_read(to, bytes_sub(text, 0, colon - 1), port, from))
		return -EINVAL;
	*slot = (uint16_t)n;
	return 0;
}

int redis_moved_read(uint16_t *slot, struct addr *to, struct bytes text, const struct addr *from)
{
	return elsewhere_read("MOVED", slot, to, text, from);
}

int redis_ask_read(uint16_t *slot, struct addr *to, struct bytes text, const struct addr *from)
{
	return elsewhere_read("ASK", slot, to, text, from);
}
