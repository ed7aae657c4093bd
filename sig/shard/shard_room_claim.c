/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One conference of a room's number among all shards (docs/adr/0059). The store has the id of it, and that names its shard. A room is not
 * open before the store has said that the number is its own: who called it waits for that, or is rung through to the shard whose it is. The
 * calls are saved, and who they wait for: so a successor asks again, and hears the same.
 */
#include <inttypes.h>

#include "base/log.h"
#include "sig/call/conference.h"
#include "sig/shard/shard_room.h"
#include "sig/step/step.h"

enum {
	CLAIM_WAIT_MS =
		5000, /* the store answers within its own deadline; this is for none at all */
	CLAIM_AGAIN_MS = 2000,
	CLAIM_ENTRY_MAX = 24,
};

static bool claim_is_needed(const struct shard *s, const struct room *r)
{
	return r->kind == ROOM_MEETME && s->settings.rooms_claimed;
}

/* ---- what is asked of the store ---- */

static struct effect *claim_effect(struct shard *s, const struct room *r, enum park_act act,
				   uint64_t owner)
{
	struct effect *e = effects_add(&s->effects, EFFECT_PARK);

	if (!e)
		return NULL;
	e->call = owner;
	e->expected = act;
	if (!text_set(&e->tenant, bytes_str(tenants_name(s->settings.tenants, r->tenant))) &&
	    !text_set(&e->user, bytes_str(r->number)))
		return e;
	text_clear(&e->tenant);
	text_clear(&e->user);
	s->effects.count--;
	return NULL;
}

/* Since when it is there, for people. */
static void room_claim_send(struct shard *s, struct room *r)
{
	struct effect *e = claim_effect(s, r, PARK_ROOM_CLAIM, r->id);
	uint8_t space[CLAIM_ENTRY_MAX];
	struct writer w = writer_over(space, sizeof(space));

	r->claim_serial = 0;
	r->claim_ns = s->host.now.ns + CLAIM_AGAIN_MS * NS_PER_MS;
	if (!e)
		return;
	writer_u64(&w, r->created_utc_ms);
	if (text_set(&e->data, writer_done(&w)))
		LOG_WARN("conference", r->id, "since when it is there cannot be listed");
	e->version = r->claim_serial = rand_u64_from(s->host.rand) | 1;
	r->claim_ns = s->host.now.ns + CLAIM_WAIT_MS * NS_PER_MS;
}

static void room_claim_free(struct shard *s, const struct room *r, uint64_t owner)
{
	(void)claim_effect(s, r, PARK_ROOM_FREE, owner);
}

/* ---- who waits for it ---- */

static struct call *claim_waiter(const struct shard *s, const struct room_member *from)
{
	for (const struct room_member *m = from; m; m = m->next) {
		struct call *c = m->asks ? shard_member_call(s, m) : NULL;

		if (c && conference_waits(c))
			return c;
	}
	return NULL;
}

/* Each is answered, sent on or refused, and waits no more. */
static void claim_tell(struct shard *s, const struct room *r, enum park_on_result told,
		       uint64_t owner)
{
	const struct park_news news = { .told = told, .owner = owner };
	const struct call_event ev = { .kind = CALL_EV_PARK, .park = &news };
	const struct room_member *stays = NULL; /* the last one whom the step left waiting */
	struct call *c = r->asking ? claim_waiter(s, r->first) : NULL, *before;

	while (c) {
		before = c;
		shard_call_step(s, c, &ev);
		c = claim_waiter(s, stays ? stays->next : r->first);
		if (c == before) {
			stays = c->member;
			c = claim_waiter(s, stays->next);
		}
	}
}

/* ---- what it is ---- */

static void claim_open(struct shard *s, struct room *r, enum room_claim as)
{
	r->claim = (uint8_t)as;
	if (as == ROOM_OWN)
		shard_room_unfollow(s, r);
	claim_tell(s, r, PARK_OK, r->id);
}

/* Callers are not turned away for it. As soon as the store says whose the number is they come together. */
static void claim_apart(struct shard *s, struct room *r)
{
	r->claim_ns = s->host.now.ns + CLAIM_AGAIN_MS * NS_PER_MS;
	if (room_is_open(r))
		return;
	LOG_WARN("conference", r->id,
		 "the store does not say whether the room is open elsewhere: who calls it at "
		 "another node may be in another conference meanwhile",
		 LOG_STR("number", r->number));
	claim_open(s, r, ROOM_APART);
}

/* Whoever calls it before it has ended is asked for anew. */
static void claim_over(struct room *r)
{
	r->claim = ROOM_UNCLAIMED;
}

/* Who is in it goes there, and so does who has been answered and is about to come; where nobody is it ends. */
static void claim_elsewhere(struct shard *s, struct room *r, uint64_t owner)
{
	char id[ID_TEXT_LEN];

	id_call_put(id, owner);
	LOG_INFO("conference", r->id, "the room is open in another shard",
		 LOG_STR("number", r->number), LOG_BYTES("conference", bytes_mem(id, sizeof(id))));
	claim_tell(s, r, PARK_TAKEN, owner);
	if (room_is_empty(r)) {
		claim_over(r);
		return;
	}
	r->claim = ROOM_APART;
	shard_room_follow(s, r, owner);
	r->claim_ns = s->host.now.ns + CLAIM_AGAIN_MS * NS_PER_MS;
}

/* One of this shard that is gone: the store was away when it ended, or the process was killed. */
static void claim_taken(struct shard *s, struct room *r, uint64_t owner)
{
	if (id_shard(owner) != s->settings.number) {
		claim_elsewhere(s, r, owner);
		return;
	}
	room_claim_free(s, r, owner);
	room_claim_send(s, r);
}

static void claim_full(struct shard *s, struct room *r)
{
	claim_tell(s, r, PARK_FULL, 0);
	claim_over(r);
}

void shard_room_claim_start(struct shard *s, struct room *r)
{
	bool needed = claim_is_needed(s, r);

	r->claim = needed && !r->count ? ROOM_UNCLAIMED : ROOM_OWN;
	r->claim_ns = needed && r->count ? s->host.now.ns : 0;
}

void shard_room_claim(struct shard *s, struct room *r)
{
	bool due = r->claim_ns && r->claim_ns <= s->host.now.ns;

	if (!claim_is_needed(s, r) || (r->claim != ROOM_UNCLAIMED && !due))
		return;
	if (s->host.degraded || r->claim == ROOM_ASKED) {
		claim_apart(s, r);
		return;
	}
	room_claim_send(s, r);
	if (r->claim == ROOM_UNCLAIMED)
		r->claim = ROOM_ASKED;
}

void shard_room_claim_open(struct shard *s, struct room *r)
{
	if (room_is_open(r) && !r->follows)
		claim_tell(s, r, PARK_OK, r->id);
}

void shard_room_claim_assert(struct shard *s, struct room *r)
{
	if (claim_is_needed(s, r) && room_is_open(r))
		r->claim_ns = s->host.now.ns;
}

void shard_room_claim_end(struct shard *s, const struct room *r)
{
	if (claim_is_needed(s, r) && r->claim != ROOM_UNCLAIMED)
		room_claim_free(s, r, r->id);
}

bool shard_room_on_claim(struct shard *s, uint64_t room, const struct park_news *news)
{
	struct room *r = shard_room_find(s, room);

	if (!r || !r->claim_serial || r->claim_serial != news->serial)
		return r;
	r->claim_serial = r->claim_ns = 0;
	if (news->told == PARK_OK)
		claim_open(s, r, ROOM_OWN);
	else if (news->told == PARK_TAKEN)
		claim_taken(s, r, news->owner);
	else if (news->told != PARK_FULL || r->claim != ROOM_ASKED)
		claim_apart(s, r);
	else
		claim_full(s, r);
	shard_room_hurry(s, r);
	return true;
}
