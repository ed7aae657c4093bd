/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two rings of SIP messages in memory, one for calls and one for everyday requests, and the choice
 * of the messages of a call or user. node_watch.c adds each message that passes; sip.recent,
 * call.doctor and traces read them. Messages may be malformed, as refused ones are here, too, so
 * headers are found without a parser. Secrets are masked by the readers.
 */

#include "app/watch/recent.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SHORTEST = 16, /* shorter ones are keep-alives */
	TYPICAL = 640, /* octets of a message, for the number of slots */
	SHARE_OTHERS = 4,
};

struct recent_slot {
	size_t at, n;
	uint64_t serial, utc_ms;
	struct sip_hop hop;
	bool sent;
	const char *why;
};

static void room_close(struct recent_room *room)
{
	if (room->octets)
		explicit_bzero(room->octets, room->octets_max);
	free(room->octets);
	free(room->slots);
	*room = (struct recent_room){ 0 };
}

static int room_open(struct recent_room *room, size_t octets)
{
	size_t each = TYPICAL + sizeof(struct recent_slot);

	if (octets < each)
		return 0;
	room->slots_max = (uint32_t)(octets / each);
	room->octets_max = octets - room->slots_max * sizeof(struct recent_slot);
	room->octets = malloc(room->octets_max);
	room->slots = calloc(room->slots_max, sizeof(*room->slots));
	if (room->octets && room->slots)
		return 0;
	room_close(room);
	return -ENOMEM;
}

void recent_close(struct recent *r)
{
	for (size_t i = 0; i < RECENT_ROOMS; i++)
		room_close(&r->rooms[i]);
}

int recent_resize(struct recent *r, size_t octets)
{
	size_t others = octets / SHARE_OTHERS;
	int err;

	recent_close(r);
	err = room_open(&r->rooms[0], octets - others);
	if (!err)
		err = room_open(&r->rooms[1], others);
	if (err)
		recent_close(r);
	return err;
}

/* ---- in ---- */

struct bytes recent_header(struct bytes message, const char *name, const char *compact)
{
	struct bytes rest = message, line;

	while (bytes_cut(&rest, '\n', &line)) {
		size_t colon = bytes_find(line, ':');
		struct bytes key = bytes_trim(bytes_sub(line, 0, colon));

		if (line.n <= 1)
			break; /* the end of the head */
		if (colon < line.n &&
		    (bytes_iis(key, name) || (compact && bytes_iis(key, compact))))
			return bytes_trim(bytes_from(line, colon + 1));
	}
	return (struct bytes){ 0 };
}

struct bytes recent_call_id(struct bytes message)
{
	return recent_header(message, "call-id", "i");
}

static struct bytes method_of(struct bytes message)
{
	struct bytes rest, word = { 0 };

	if (!bytes_starts(message, "SIP/2.0 "))
		return bytes_sub(message, 0, bytes_find(message, ' '));
	rest = recent_header(message, "cseq", NULL);
	while (bytes_cut(&rest, ' ', &word))
		; /* the last word */
	return word;
}

/* Requests that come all the time, without calls. */
static bool is_everyday(struct bytes message)
{
	static const char *const methods[] = { "REGISTER", "OPTIONS", "SUBSCRIBE", "PUBLISH",
					       "MESSAGE" };
	struct bytes method = method_of(message);

	for (size_t i = 0; i < COUNT_OF(methods); i++) {
		if (bytes_is(method, methods[i]))
			return true;
	}
	return false;
}

static struct recent_slot *recent_slot_at(const struct recent_room *room, uint32_t i)
{
	return &room->slots[(room->first + i) % room->slots_max];
}

static void oldest_forget(struct recent_room *room)
{
	room->first = (room->first + 1) % room->slots_max;
	room->count--;
}

/* A place of n octets in a row; forgets what was there, oldest first. */
static size_t recent_place_make(struct recent_room *room, size_t n)
{
	if (room->at + n > room->octets_max) {
		while (room->count && recent_slot_at(room, 0)->at >= room->at)
			oldest_forget(room);
		room->at = 0;
	}
	while (room->count && recent_slot_at(room, 0)->at >= room->at &&
	       recent_slot_at(room, 0)->at < room->at + n)
		oldest_forget(room);
	room->at += n;
	return room->at - n;
}

void recent_add(struct recent *r, const struct sip_hop *hop, bool sent, uint64_t utc_ms,
		struct bytes message, const char *why)
{
	struct recent_room *room;
	struct recent_slot slot = {
		.n = message.n, .utc_ms = utc_ms, .hop = *hop, .sent = sent, .why = why
	};

	if (!r->rooms[0].slots_max || message.n < SHORTEST)
		return;
	room = &r->rooms[r->rooms[1].slots_max && is_everyday(message)];
	if (message.n > room->octets_max)
		return;
	if (room->count == room->slots_max)
		oldest_forget(room);
	slot.serial = ++r->serial;
	slot.at = recent_place_make(room, message.n);
	memcpy(room->octets + slot.at, message.p, message.n);
	room->count++;
	*recent_slot_at(room, room->count - 1) = slot;
}

/* ---- out ---- */

bool recent_next(const struct recent *r, struct recent_cursor *cursor, struct recent_message *out)
{
	const struct recent_slot *oldest = NULL;
	size_t from = 0;

	for (size_t i = 0; i < RECENT_ROOMS; i++) {
		const struct recent_room *room = &r->rooms[i];
		const struct recent_slot *slot =
			cursor->at[i] < room->count ? recent_slot_at(room, cursor->at[i]) : NULL;

		if (slot && (!oldest || slot->serial < oldest->serial)) {
			oldest = slot;
			from = i;
		}
	}
	if (!oldest)
		return false;
	cursor->at[from]++;
	*out = (struct recent_message){ .serial = oldest->serial,
					.utc_ms = oldest->utc_ms,
					.hop = oldest->hop,
					.sent = oldest->sent,
					.why = oldest->why,
					.octets = bytes_mem(r->rooms[from].octets + oldest->at,
							    oldest->n) };
	return true;
}

static bool contains(struct bytes message, const char *text)
{
	return memmem(message.p, message.n, text, strlen(text)) != NULL;
}

/* Our tags begin with the call's id (sig/sip/id.h). */
static bool recent_is_about(const struct recent_choice *c, struct bytes message)
{
	char text[80];

	if (c->call) {
		(void)snprintf(text, sizeof(text), "=.............");
		base32_u64_put(text + 1, c->call);
		text[1 + BASE32_U64_LEN] = '.';
		text[2 + BASE32_U64_LEN] = '\0';
		if (contains(message, text))
			return true;
	}
	if (!c->user.n || c->user.n > 63)
		return false;
	(void)snprintf(text, sizeof(text), ":" BYTES_FMT "@", BYTES_ARG(c->user));
	return contains(message, text);
}

static bool recent_is_listed(const struct recent_choice *c, struct bytes call_id)
{
	for (uint32_t i = 0; i < c->count; i++) {
		if (bytes_eq(c->call_ids[i], call_id))
			return true;
	}
	return false;
}

void recent_choose(const struct recent *r, struct recent_choice *c)
{
	struct recent_cursor cursor = { 0 };
	struct recent_message m;
	uint32_t next = c->count;

	c->all = !c->call && !c->user.n && !c->count;
	while (!c->all && recent_next(r, &cursor, &m)) {
		struct bytes call_id = recent_call_id(m.octets);

		if (!call_id.n || !recent_is_about(c, m.octets) || recent_is_listed(c, call_id))
			continue;
		c->call_ids[next++ % RECENT_DIALOGS_MAX] = call_id; /* the oldest one goes */
		if (c->count < RECENT_DIALOGS_MAX)
			c->count++;
	}
}

bool recent_is_chosen(const struct recent_choice *c, const struct recent_message *m)
{
	return m->utc_ms >= c->since_utc_ms && (!c->until_utc_ms || m->utc_ms <= c->until_utc_ms) &&
	       (c->all || recent_is_listed(c, recent_call_id(m->octets)));
}

uint32_t recent_surplus(const struct recent *r, const struct recent_choice *choice, uint32_t limit,
			size_t octets_max)
{
	struct recent_cursor cursor = { 0 };
	struct recent_message m;
	size_t octets = 0, first_octets = 0;
	uint32_t count = 0, skip = 0;
	struct recent_cursor first = { 0 };

	while (recent_next(r, &cursor, &m)) {
		if (!recent_is_chosen(choice, &m))
			continue;
		count++;
		octets += m.octets.n;
		while (count - skip > limit ||
		       (octets - first_octets > octets_max && count - skip > 1)) {
			struct recent_message old;

			if (!recent_next(r, &first, &old))
				return skip;
			if (!recent_is_chosen(choice, &old))
				continue;
			first_octets += old.octets.n;
			skip++;
		}
	}
	return skip;
}
