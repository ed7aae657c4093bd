/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One conference of a room's number among all shards (docs/adr/0059). The store has the id of it, and that names its shard. A room is not
 * open before the store has said that the number is its own: who called it waits for that, or is rung through to the shard whose it is. The
 * calls are saved, and who they wait for: so a successor asks again, and hears the same.
 */
#include <inttypes.h>

#include "base/log.h"
#include "sig/pbx/conference.h"
#include "sig/pbx/remote_shard.h"
#include "sig/record/room_record.h"
#include "sig/shard/shard_room.h"
#include "sig/step/step.h"

static bool claim_is_needed(const struct shard *s, const struct room *r)
{
	return r->kind == ROOM_MEETME && s->settings.rooms_claimed;
}

/* The store may have lost it. */
static void shard_room_claim_assert(struct shard *s, struct room *r)
{
	if (claim_is_needed(s, r) && room_is_open(r))
		r->claim_ns = s->host.now.ns;
}

static void room_order_answer(struct shard *s, const struct room *r, uint64_t ticket, bool saved)
{
	struct effect *e = effects_add(&s->effects, EFFECT_ORDERED);

	if (!e)
		return;
	e->call = r->id;
	e->order = (struct effect_order){ .ticket = ticket, .saved = saved };
}

/* Who waits for what is acknowledged, or for whatever there is. */
static void shard_room_answer(struct shard *s, struct room *r, bool saved)
{
	uint8_t kept = 0;

	for (uint8_t i = 0; i < r->order_count; i++) {
		if (saved && r->orders[i].version > r->acked)
			r->orders[kept++] = r->orders[i];
		else
			room_order_answer(s, r, r->orders[i].ticket, saved);
	}
	r->order_count = kept;
}

/*
 * A conference whose members go to one of another shard (docs/adr/0059): its number is that one's, or a call here was added to that one. No
 * leg leaves its shard. Each member's call rings the other shard as in a transfer, by a name that says what it is there, and has left when
 * that answers. Until then it is a member here, and where it is refused it stays one, and is sent again.
 */

enum {
	SEND_AT_ONCE = 16,
	SEND_NEXT_MS = 20,
	SEND_AGAIN_MS = 1000, /* and twice as long the next time, up to */
	SEND_SELDOM_MS = 64000,
	SEND_MS = 10000, /* those of a call that was added; then they stay together here */
};

void shard_room_follow(struct shard *s, struct room *r, uint64_t other)
{
	if (r->follows == other && r->follow_ns)
		return;
	if (r->follows != other)
		shard_room_touch(r);
	r->follows = other;
	r->follow_after = 0;
	r->follow_again_ms = SEND_AGAIN_MS;
	r->follow_ns = s->host.now.ns;
	r->follow_until_ns = r->kind == ROOM_STATION ? s->host.now.ns + SEND_MS * NS_PER_MS : 0;
	shard_room_hurry(s, r);
}

/* It stays what it is. */
static void shard_room_unfollow(struct shard *s, struct room *r)
{
	if (!r->follows)
		return;
	r->follows = r->follow_ns = r->follow_until_ns = 0;
	shard_room_touch(r);
	shard_room_hurry(s, r);
}

static void send_name(const struct room *r, const struct room_member *m, char out[MEMBER_NAME_MAX])
{
	const struct member_name name = { .room = r->follows,
					  .host = m->hosts || (r->host && r->host == m->number),
					  .muted = m->muted,
					  .deaf = m->deaf,
					  .held = m->held,
					  .gain_db = m->gain_db };

	member_name_put(out, &name);
}

/* False: it speaks with somebody else just now. */
static bool send_member(struct shard *s, const struct room *r, const struct room_member *m,
			struct call *c)
{
	struct call_remote far = { .shard = id_shard(r->follows), .user = bytes_str(r->number) };
	struct call_order order = { .kind = ORDER_JOIN, .remote = &far };
	const struct call_event ev = { .kind = CALL_EV_ORDER, .order = &order };
	char name[MEMBER_NAME_MAX];

	if (!conference_speaks(c) || c->transfer)
		return false;
	send_name(r, m, name);
	far.member = bytes_str(name);
	if (!r->number[0])
		far.user = BYTES_LIT("conference");
	shard_call_step(s, c, &ev);
	return order.refused == REFUSED_NOT;
}

/* Each once a round; more: there are some left for the next slice of it. */
static void send_some(struct shard *s, struct room *r, bool *more)
{
	const struct room_member *m = r->first;
	uint32_t sent = 0;

	while (m && !m->asks && m->number <= r->follow_after)
		m = m->next;
	while (m && !m->asks && sent < SEND_AT_ONCE) {
		const struct room_member *next = m->next;
		struct call *c = shard_member_call(s, m);

		r->follow_after = m->number;
		sent += c && send_member(s, r, m, c);
		m = next;
	}
	*more = m && !m->asks;
}

static bool send_is_over(const struct shard *s, const struct room *r)
{
	return (r->follow_until_ns && r->follow_until_ns <= s->host.now.ns) ||
	       !remote_shard_is_reachable(&s->settings, id_shard(r->follows));
}

void shard_room_send(struct shard *s, struct room *r)
{
	bool more;

	if (!r->follows || r->follow_ns > s->host.now.ns)
		return;
	if (r->comes_count) { /* those of a call that is given here are not here yet */
		r->follow_ns = s->host.now.ns + SEND_NEXT_MS * NS_PER_MS;
		return;
	}
	if (send_is_over(s, r)) {
		LOG_WARN("conference", r->id, "its members do not come into that of another shard");
		shard_room_unfollow(s, r);
		return;
	}
	send_some(s, r, &more);
	r->follow_ns = s->host.now.ns + (more ? SEND_NEXT_MS : r->follow_again_ms) * NS_PER_MS;
	if (more)
		return;
	r->follow_after = 0;
	if (r->follow_again_ms < SEND_SELDOM_MS)
		r->follow_again_ms *= 2;
}

/* Records of rooms: one save of each is on its way at a time. Nobody is told by phone what they say, so nothing but orders waits for them. */

enum { ROOM_SAVE_OVERDUE_MS = 5000, ROOM_SAVE_AGAIN_MS = 2000 };

void shard_room_touch(struct room *r)
{
	r->version++;
}

static void room_save_later(struct shard *s, struct room *r, uint64_t ms)
{
	r->save_ns = s->host.now.ns + ms * NS_PER_MS;
}

bool shard_room_is_behind(const struct room *r)
{
	return r->version != r->acked;
}

static void room_save_ask(struct shard *s, struct room *r)
{
	struct effect *e = effects_add(&s->effects, EFFECT_ROOM_SAVE);

	if (!e || room_encode(&s->host, r, &e->data)) {
		if (e)
			s->effects.count--;
		room_save_later(s, r, ROOM_SAVE_AGAIN_MS);
		return;
	}
	e->call = r->id;
	e->version = r->saving = r->version;
	metric_add(s->metrics.saves[SAVE_STARTED], 1);
	room_save_later(s, r, ROOM_SAVE_OVERDUE_MS);
}

void shard_room_save(struct shard *s, struct room *r)
{
	bool due = r->save_ns && r->save_ns <= s->host.now.ns;

	if (due && r->saving) { /* nothing was answered */
		metric_add(s->metrics.saves[SAVE_LATE], 1);
		r->saving = 0;
	}
	if (due)
		r->save_ns = 0;
	if (s->settings.calls_unsaved)
		r->acked = r->version;
	if (!r->saving && !r->save_ns && shard_room_is_behind(r))
		room_save_ask(s, r);
}

void shard_room_forget(struct shard *s, struct room *r)
{
	struct effect *e;

	for (uint8_t i = 0; i < r->order_count; i++)
		r->orders[i].version = 0;
	shard_room_answer(s, r, true);
	e = r->version && !s->settings.calls_unsaved ? effects_add(&s->effects, EFFECT_ROOM_SAVE)
						     : NULL;
	if (!e)
		return;
	e->call = r->id;
	e->version = r->version + 1;
}

/* ---- who waits ---- */

bool shard_room_wait(struct shard *s, struct room *r, const struct shard_order *by)
{
	if (!by)
		return true;
	if (r->order_count == ROOM_ORDERS_MAX)
		return false;
	r->orders[r->order_count++] =
		(struct room_order){ .ticket = by->ticket, .version = r->version };
	if (!shard_room_is_behind(r) || s->host.degraded)
		shard_room_answer(s, r, !s->host.degraded);
	return true;
}

void shard_room_saved(struct shard *s, uint64_t room, uint64_t version, bool saved,
		      struct instant now)
{
	struct room *r;

	shard_begin(s, now);
	r = shard_room_find(s, room);
	metric_add(s->metrics.saves[saved ? SAVE_DONE : SAVE_FAILED], 1);
	if (!r || version != r->saving)
		return;
	r->saving = r->save_ns = 0;
	if (saved)
		r->acked = version;
	shard_room_answer(s, r, saved);
	if (!saved && !s->host.degraded)
		room_save_later(s, r, ROOM_SAVE_AGAIN_MS);
	else if (saved)
		shard_room_save(s, r);
	shard_room_aim(s, r);
}

bool shard_rooms_assert(struct shard *s, uint32_t most)
{
	for (uint32_t i = 0; i < most; i++) {
		pool_handle h;
		struct room *r = pool_next(&s->rooms, &s->assert_room, &h);

		if (!r)
			return false;
		if (s->assert_all)
			shard_room_touch(r);
		r->saving = r->save_ns = 0;
		shard_room_claim_assert(s, r);
		shard_room_hurry(s, r);
	}
	return true;
}

enum {
	/* the store answers within its own deadline; this is for none at all */
	CLAIM_WAIT_MS = 5000,
	CLAIM_AGAIN_MS = 2000,
	CLAIM_ENTRY_MAX = 24,
};

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
static void claim_tell(struct shard *s, const struct room *r, enum park_result told, uint64_t owner)
{
	const struct reply reply = { .ask = ASK_PARK, .park = { .told = told, .owner = owner } };
	const struct call_event ev = { .kind = CALL_EV_REPLY, .reply = &reply };
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

void shard_room_claim_end(struct shard *s, const struct room *r)
{
	if (claim_is_needed(s, r) && r->claim != ROOM_UNCLAIMED)
		room_claim_free(s, r, r->id);
}

void shard_room_on_claim(struct shard *s, struct room *r, const struct park_news *news)
{
	if (!r->claim_serial || r->claim_serial != news->serial)
		return;
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
}
