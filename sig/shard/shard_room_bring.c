/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parties of calls come into a room. Their records may change only while no save of them is on its way (ADR 2), so it is in the room's
 * record that they are to come, and they do when they can: a kill in between delays it.
 */
#include <errno.h>

#include "base/log.h"
#include "sig/call/legs.h"
#include "sig/call/wait.h"
#include "sig/feature/conference.h"
#include "sig/feature/replace.h"
#include "sig/model/payer.h"
#include "sig/shard/shard_room.h"
#include "sig/step/step.h"

enum { BRING_AGAIN_MS = 20, BRING_ASK_MS = 1000, BRING_MS = 10000 };

static uint16_t room_inviter(const struct room *r)
{
	return r->host;
}

/* The leg that goes to a call of its own. */
static enum shard_leg goes(const struct room_comes *comes)
{
	if (comes->leaves != SHARD_LEG_NONE)
		return (enum shard_leg)comes->leaves;
	return comes->host == SHARD_LEG_CALLEE ? SHARD_LEG_CALLER : SHARD_LEG_CALLEE;
}

static int bring_call(struct shard *s, struct room *r, const struct room_comes *comes,
		      struct call *c, struct call *to)
{
	struct call_confer confer = { .room = r,
				      .to = to,
				      .host = (enum shard_leg)comes->host,
				      .leaves = comes->leaves != SHARD_LEG_NONE,
				      .inviter = room_inviter(r) };
	struct call_order order = { .kind = ORDER_CONFER, .leg = goes(comes), .confer = &confer };
	const struct call_event ev = { .kind = CALL_EV_ORDER, .order = &order };

	shard_call_step(s, c, &ev);
	return order.err;
}

/* Both ask for their saves at once. */
static void bring_begin(struct shard *s, struct call *to, bool leaves)
{
	const struct call_event next = { .kind = CALL_EV_RELEASE };
	const struct call_event hangup = { .kind = CALL_EV_HANGUP, .transferred = true };

	s->established++;
	shard_call_step(s, to, leaves ? &hangup : &next);
}

static int bring_pair(struct shard *s, struct room *r, const struct room_comes *comes,
		      struct call *c)
{
	struct call *to = shard_call_take(s, shard_call_new_id(s), c->tenant, c->emergency);
	int err;

	if (!to)
		return -ENOSPC;
	call_begin(&s->host, to);
	err = payer_share(&s->host, c, to);
	if (!err)
		err = bring_call(s, r, comes, c, to);
	if (err)
		shard_call_give(s, to);
	else
		bring_begin(s, to, comes->leaves != SHARD_LEG_NONE);
	return err;
}

static void bring_ask(struct shard *s, struct room *r, const struct room_comes *comes)
{
	struct effect *e = effects_add(&s->effects, EFFECT_CONFER);

	if (!e)
		return;
	e->call = comes->call;
	e->version = r->id;
	e->expected = comes->dialog;
	if (text_set(&e->tenant, bytes_str(tenants_name(s->settings.tenants, r->tenant))) ||
	    text_set(&e->user, bytes_str(comes->user)))
		e->version = 0; /* nobody comes there */
}

/* Its shard sends its parties (shard_room_follow.c). It is asked until one has come: what is said to other nodes may be lost. */
static int bring_remote(struct shard *s, struct room *r, const struct room_comes *comes)
{
	if (r->arrived) {
		r->arrived = 0;
		return 0;
	}
	if (r->comes_ask_ns <= s->host.now.ns) {
		r->comes_ask_ns = s->host.now.ns + BRING_ASK_MS * NS_PER_MS;
		bring_ask(s, r, comes);
	}
	return -EAGAIN;
}

/* Where it is in the room already a process before was killed before it said so. */
static int bring_one(struct shard *s, struct room *r, const struct room_comes *comes)
{
	struct call *c = shard_call_find(s, comes->call);

	if (id_shard(comes->call) != s->settings.number)
		return bring_remote(s, r, comes);
	if (!c || c->tenant != r->tenant || c->state == CALL_ENDING)
		return -ENOENT;
	if (c->member)
		return c->member->room == r->id ? 0 : -EISCONN;
	c->comes_to = r->id;
	if (c->state != CALL_ESTABLISHED)
		return -EAGAIN;
	return call_is_alone(c) ? bring_call(s, r, comes, c, NULL) : bring_pair(s, r, comes, c);
}

void shard_room_awaited(struct shard *s, uint64_t call)
{
	struct call *c = shard_call_find(s, call);
	struct room *r = c && c->comes_to ? shard_room_find(s, c->comes_to) : NULL;

	if (!r)
		return;
	c->comes_to = 0;
	if (r->comes_count)
		shard_room_turn(s, r);
}

static void comes_drop(struct room *r)
{
	r->comes_count--;
	for (uint8_t i = 0; i < r->comes_count; i++)
		r->comes[i] = r->comes[i + 1];
	r->comes_until_ns = r->comes_ask_ns = 0;
	shard_room_touch(r);
}

/* Of that one. */
static void bring_instead(struct shard *s, const struct room_comes *comes, struct call *place)
{
	struct call_replacing r = { .by = comes->call };
	const struct call_event ev = { .kind = CALL_EV_REPLACE,
				       .leg = place->bridge.caller,
				       .replacing = &r };

	shard_call_step(s, place, &ev);
}

/* By whom it was asked for. */
static void bring_tell(struct shard *s, const struct room_comes *comes, uint16_t status)
{
	const struct call_event ev = { .kind = CALL_EV_FOCUS,
				       .version = comes->refer,
				       .error = status };
	struct call *c = comes->referrer ? shard_call_find(s, comes->referrer) : NULL;

	if (!c || !c->member)
		return;
	if (id_shard(comes->call) != s->settings.number)
		shard_call_step(s, c, &ev);
	else if (status == 200)
		bring_instead(s, comes, c);
}

static void bring_failed(const struct room *r, int err)
{
	char id[ID_TEXT_LEN];

	id_call_put(id, r->comes[0].call);
	LOG_WARN("conference", r->id, "a call does not come into the conference",
		 LOG_BYTES("call", bytes_mem(id, sizeof(id))), LOG_INT("error", err));
}

/* Whoever is rung for it comes first, or nobody does. */
static bool bring_waits(struct room *r)
{
	if (r->count || !r->comes_count)
		return !r->comes_count;
	if (r->awaits && !r->asking) {
		r->comes_count = 0;
		shard_room_touch(r);
	}
	r->awaits = r->asking;
	return r->asking || !r->comes_count;
}

void shard_room_bring(struct shard *s, struct room *r)
{
	struct room_comes over;

	r->comes_ns = 0;
	while (!bring_waits(r)) {
		int err = bring_one(s, r, &r->comes[0]);

		if (!r->comes_until_ns)
			r->comes_until_ns = s->host.now.ns + BRING_MS * NS_PER_MS;
		if (err == -EAGAIN && s->host.now.ns < r->comes_until_ns) {
			r->comes_ns = s->host.now.ns + BRING_AGAIN_MS * NS_PER_MS;
			return;
		}
		if (err)
			bring_failed(r, err);
		over = r->comes[0];
		comes_drop(r);
		bring_tell(s, &over, err ? 480 : 200);
	}
}
