/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Redis Cluster for a link: key slots (CRC-16/XMODEM), the table of CLUSTER SLOTS, the refusals
 * MOVED and ASK, and one link per server. redis.c calls it for each command of a link that is of a
 * cluster, so that the store above knows only one link. When the table changes or a server is lost,
 * all links break together: the answers of all pending commands are then unknown, as with a single
 * server.
 */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "cluster/redis/link.h"
#include "cluster/redis/redis.h"
#include "cluster/redis/route.h"

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
static int moved_read(const char *refusal, uint16_t *slot, struct addr *to, struct bytes text,
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
	return moved_read("MOVED", slot, to, text, from);
}

int redis_ask_read(uint16_t *slot, struct addr *to, struct bytes text, const struct addr *from)
{
	return moved_read("ASK", slot, to, text, from);
}

#define ROUTE_PACE_NS   (1 * NS_PER_S)
#define ROUTE_HURRY_NS  (100 * NS_PER_MS)
#define ROUTE_ANSWER_NS (500 * NS_PER_MS)

/* ---- all of them as one ---- */

static bool links_are_up(const struct redis_route *route)
{
	for (uint32_t i = 0; i < REDIS_SERVERS_MAX && route->links[i]; i++) {
		if (route->links[i]->addr.port && !redis_is_connected(route->links[i]))
			return false;
	}
	return redis_slots_are_whole(&route->slots);
}

/* What was sent to any of them is unknown from now on, as with one link. */
static void links_break(struct redis_route *route, const char *why)
{
	for (uint32_t i = 0; i < REDIS_SERVERS_MAX && route->links[i]; i++)
		redis_link_end(route->links[i], why);
}

/* A user that is told may close the owner. */
static void route_look(struct redis_route *route)
{
	struct redis *owner = route->owner;
	bool was_up = redis_is_connected(owner), up = links_are_up(route);

	if (route->ending || owner->closing || up == was_up)
		return;
	redis_link_enter(owner);
	if (!up) {
		route->ending = true;
		links_break(route, "another server of the cluster is lost");
		route->ending = false;
	}
	redis_link_is(owner, up);
	redis_link_leave(owner);
}

static void route_on_link(bool connected, void *arg)
{
	struct redis_route *route = arg;

	(void)connected;
	route_look(route);
}

/* ---- a link to each ---- */

static struct redis *link_to(const struct redis_route *route, const struct addr *server)
{
	for (uint32_t i = 0; i < REDIS_SERVERS_MAX && route->links[i]; i++) {
		if (addr_eq(&route->links[i]->addr, server))
			return route->links[i];
	}
	return NULL;
}

static bool has_slots(const struct redis_slots *slots, const struct addr *server)
{
	for (uint32_t i = 0; i < REDIS_SLOTS; i++) {
		const struct addr *owner = redis_slots_owner(slots, (uint16_t)i);

		if (owner && addr_eq(owner, server))
			return true;
	}
	return false;
}

/* To nobody: until it is wanted again. */
static void links_free(struct redis_route *route)
{
	for (uint32_t i = 0; i < REDIS_SERVERS_MAX && route->links[i]; i++) {
		struct redis *link = route->links[i];

		if (!link->addr.port || has_slots(&route->slots, &link->addr))
			continue;
		redis_link_aim(link, &(struct addr){ 0 });
	}
}

static int link_add(struct redis_route *route, const struct addr *server)
{
	uint32_t i = 0;

	while (i < REDIS_SERVERS_MAX && route->links[i] && route->links[i]->addr.port)
		i++;
	if (i == REDIS_SERVERS_MAX)
		return -ENOSPC;
	if (!route->links[i])
		return redis_open_server(&route->links[i], route->owner, server, route_on_link,
					 route);
	redis_link_aim(route->links[i], server);
	return 0;
}

/* The table has changed. */
static void links_follow(struct redis_route *route)
{
	struct redis *owner = route->owner;
	int err = 0;

	redis_link_enter(owner);
	route->ending = true; /* said once, when all are what they are to be */
	links_free(route);
	for (uint32_t i = 0; i < route->slots.count && !err && !owner->closing; i++) {
		const struct addr *server = &route->slots.servers[i];

		if (has_slots(&route->slots, server) && !link_to(route, server))
			err = link_add(route, server);
	}
	route->ending = false;
	if (err)
		LOG_ERROR("redis", 0, "no link to a server of the cluster",
			  LOG_STR("error", strerror(-err)));
	route_look(route);
	redis_link_leave(owner);
}

/* ---- the table ---- */

static bool slots_are_equal(const struct redis_slots *a, const struct redis_slots *b)
{
	for (uint32_t i = 0; i < REDIS_SLOTS; i++) {
		const struct addr *x = redis_slots_owner(a, (uint16_t)i);
		const struct addr *y = redis_slots_owner(b, (uint16_t)i);

		if (!x != !y || (x && !addr_eq(x, y)))
			return false;
	}
	return true;
}

/* Servers that may be asked from now on: all that are known. */
static void asker_learn(struct redis_route *route)
{
	struct redis *asker = route->asker;
	uint32_t n = 0;

	for (uint32_t i = 0; i < route->slots.count && n < REDIS_SENTINELS_MAX; i++, n++)
		redis_link_names(asker, n, &route->slots.servers[i]);
	if (n)
		asker->sentinel_count = n;
}

static void route_adopt_slots(struct redis_route *route, const struct redis_slots *said)
{
	bool changed = !slots_are_equal(said, &route->slots);

	route->missed = false;
	route->slots = *said;
	asker_learn(route);
	if (changed)
		links_follow(route);
}

static void table_refuse(struct redis_route *route, const struct redisReply *reply)
{
	struct bytes text = { 0 };

	(void)redis_is_error(reply, &text);
	if (!route->missed)
		LOG_WARN("redis", 0,
			 "a server of the cluster does not tell which server has which slot",
			 LOG_BYTES("answer", text));
	route->missed = true;
	redis_link_turn(route->asker);
}

static void route_on_slots(int err, const struct redisReply *reply, void *arg)
{
	struct redis_route *route = arg;
	struct redis *owner = route->owner;
	struct redis_slots *said;

	if (owner->closing)
		return;
	redis_link_enter(owner); /* a user may close it */
	said = calloc(1, sizeof(*said));
	route->asked = false;
	route->ask_ns =
		clock_now_ns() + (redis_is_connected(owner) ? ROUTE_PACE_NS : ROUTE_HURRY_NS);
	if (!err && said && redis_slots_read(said, reply, &route->asker->addr) == 0)
		route_adopt_slots(route, said);
	else if (!err)
		table_refuse(route, reply);
	/* while something is wrong, each server has its turn: one may be cut off from the others */
	if (!redis_is_connected(owner) && !owner->closing)
		redis_link_turn(route->asker);
	free(said);
	redis_link_leave(owner);
}

static void route_query_slots(struct redis_route *route)
{
	const struct bytes args[] = { BYTES_LIT("CLUSTER"), BYTES_LIT("SLOTS") };

	route->asked = !redis_command(route->asker, args, COUNT_OF(args), ROUTE_ANSWER_NS,
				      route_on_slots, route);
	redis_flush(route->asker);
}

void redis_route_hurry(struct redis_route *route, uint64_t now_ns)
{
	if (route->ask_ns > now_ns + ROUTE_HURRY_NS)
		route->ask_ns = now_ns + ROUTE_HURRY_NS;
}

void redis_route_expire(struct redis_route *route, uint64_t now_ns)
{
	if (redis_is_connected(route->asker) && !route->asked && now_ns >= route->ask_ns)
		route_query_slots(route);
	redis_expire(route->asker, now_ns);
}

uint64_t redis_route_next_ns(const struct redis_route *route)
{
	uint64_t next_ns = redis_next_ns(route->asker);
	bool asks = redis_is_connected(route->asker) && !route->asked;

	return asks && route->ask_ns < next_ns ? route->ask_ns : next_ns;
}

/* ---- a command ---- */

/* The key that decides the server; empty: any server. All keys of a command are of one slot. */
static struct bytes key_of(const struct bytes *args, size_t n)
{
	size_t at = 1;

	if (bytes_is(args[0], "EVAL") || bytes_is(args[0], "EVALSHA")) {
		at = 3;
	} else if (bytes_is(args[0], "XGROUP")) {
		at = 2;
	} else if (bytes_is(args[0], "XREAD") || bytes_is(args[0], "XREADGROUP")) {
		while (at < n && !bytes_is(args[at], "STREAMS"))
			at++;
		at++;
	} else if (bytes_is(args[0], "SCRIPT")) {
		at = n;
	}
	return at < n ? args[at] : (struct bytes){ 0 };
}

struct redis *redis_route_of(const struct redis *owner, const struct bytes *args, size_t n)
{
	const struct redis_route *route = owner->route;
	struct bytes key = key_of(args, n);
	const struct addr *server = redis_slots_owner(&route->slots, redis_slot(key));

	return server && redis_is_connected(owner) ? link_to(route, server) : NULL;
}

/* ---- refusals ---- */

static void slot_moved(struct redis_route *route, struct bytes text, const struct addr *from)
{
	struct addr to;
	uint16_t slot;

	if (redis_moved_read(&slot, &to, text, from) == 0 &&
	    redis_slots_move(&route->slots, slot, &to) == 0)
		links_follow(route);
}

struct redis *redis_route_on_request(const struct redis *link, struct bytes text)
{
	struct redis *there = NULL;
	struct addr to;
	uint16_t slot;

	if (redis_ask_read(&slot, &to, text, &link->addr) == 0)
		there = link_to(link->follows, &to);
	return there != link && there && redis_is_connected(there) ? there : NULL;
}

bool redis_route_refused(struct redis *link, struct bytes text)
{
	struct redis_route *route = link->follows;

	if (bytes_starts(text, "MOVED ")) {
		/* the slot's own link goes there at once */
		link->leaving = true;
		redis_link_break(link, "the slot is with another server", text);
		redis_route_hurry(route, clock_now_ns());
		slot_moved(route, text, &link->addr);
	} else if (bytes_starts(text, "ASK ") || bytes_starts(text, "TRYAGAIN ") ||
		   bytes_starts(text, "CLUSTERDOWN ") || bytes_starts(text, "READONLY ") ||
		   bytes_starts(text, "UNBLOCKED ") || bytes_starts(text, "MASTERDOWN ")) {
		redis_link_break(link, "the slot cannot be used now", text);
		redis_route_hurry(route, clock_now_ns());
	} else {
		return false;
	}
	return true;
}

bool redis_route_pick(struct redis *link)
{
	const struct addr *server = redis_slots_owner(&link->follows->slots, link->slot);

	if (server)
		link->addr = *server;
	return server;
}

/* ---- open and close ---- */

int redis_route_open(struct redis *owner, struct redis *asker)
{
	struct redis_route *route = calloc(1, sizeof(*route));

	if (!route)
		return -ENOMEM;
	route->owner = owner;
	route->asker = asker;
	owner->route = route;
	return 0;
}

void redis_route_close(struct redis *owner)
{
	if (!owner->route)
		return;
	redis_close(owner->route->asker);
	free(owner->route);
	owner->route = NULL;
}
