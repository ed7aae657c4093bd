/* SPDX-License-Identifier: Apache-2.0 */
/* Conference rooms of a shard (shard_room.h), a kind of object (objects.h): they are created by
 * calls, numbers or the factory, mixed by a media job, restored by a successor together with their
 * members, and closed when they are empty. Decides who is host, when a conference of two becomes a
 * call again (CONF-08, BEAT-07), and moves members to the shard that owns the number. What a room
 * plays, records and streams is in room_parts.c. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sig/call/audio_source.h"
#include "sig/call/video.h"
#include "sig/call/wait.h"
#include "sig/feature/room/shard_room.h"
#include "sig/model/transfer.h"
#include "sig/pbx/conference.h"
#include "sig/pbx/remote_shard.h"
#include "sig/record/room_record.h"
#include "sig/room/room.h"
#include "sig/step/step.h"

#define APART_NS (20 * NS_PER_MS) /* from one to the next: not all phones answer at once */

static void member_reoffer(struct shard *s, struct call *c, uint64_t at_ns)
{
	const struct call_event ev = { .kind = CALL_EV_TIMER };

	LOG_INFO("call", c->id, "a party is asked for video that all in its conference have");
	c->order_leg = c->bridge.caller;
	c->order_ns = at_ns;
	shard_call_step(s, c, &ev);
}

static void shard_room_show(struct shard *s, struct room *r)
{
	uint64_t calls[VIDEO_MEMBERS_MAX];
	uint32_t n = r->shows ? video_unfit_members(shard_host(s), r, calls) : 0;

	r->shows = false;
	for (uint32_t i = 0; i < n; i++) {
		struct call *c = shard_call_find(s, calls[i]);

		if (c && !c->order_ns && conference_speaks(c))
			member_reoffer(s, c, shard_host(s)->now.ns + i * APART_NS);
	}
}

/* Orders to the whole room: announcements, recording, and streaming. */

static enum refusal room_play_order(struct shard *s, struct room *r,
				    const struct shard_room_order *o)
{
	struct room_play *p = &r->parts.play;

	if (o->by && p->order == o->by->id)
		return 0;
	shard_room_play_over(s, r, "stopped");
	*p = *o->play;
	p->order = o->by ? o->by->id : 0;
	object_touch(&r->object);
	return 0;
}

static enum refusal room_stream_order(struct shard *s, struct room *r,
				      const struct shard_room_order *o)
{
	struct room_live *l = &r->parts.live;

	if (!strcmp(l->endpoint, o->endpoint))
		return 0;
	shard_room_live_over(s, r, "stopped");
	(void)bytes_cstr(bytes_str(o->endpoint), l->endpoint, sizeof(l->endpoint));
	object_touch(&r->object);
	return 0;
}

enum refusal shard_room_parts_order(struct shard *s, struct room *r,
				    const struct shard_room_order *o)
{
	switch (o->act) {
	case SHARD_ROOM_PLAY:
		return room_play_order(s, r, o);
	case SHARD_ROOM_STREAM:
		return room_stream_order(s, r, o);
	case SHARD_ROOM_PLAY_STOP:
		shard_room_play_over(s, r, "stopped");
		return 0;
	case SHARD_ROOM_STREAM_STOP:
		shard_room_live_end(s, r, "stopped");
		return 0;
	case SHARD_ROOM_RECORD:
		return shard_room_record_order(s, r, o->record, o->by_page);
	case SHARD_ROOM_MUTE:
	case SHARD_ROOM_UNMUTE:
	case SHARD_ROOM_HOLD:
	case SHARD_ROOM_RESUME:
	case SHARD_ROOM_LOCK:
	case SHARD_ROOM_UNLOCK:
	case SHARD_ROOM_END:
		break;
	}
	return 0;
}

enum {
	RELEASE_AGAIN_MS = 1000, /* one of the two is asked for something else just now */
	RELEASE_TRIES = 5,       /* what their phones have in common is not enough */
};

/* ---- where they are ---- */

struct room *shard_room_find(const struct shard *s, uint64_t id)
{
	struct object *o = objects_find(s, id);

	return o && o->type == &room_object ? (struct room *)o : NULL;
}

struct room *shard_room_next(const struct shard *s, uint32_t *cursor)
{
	struct object *o;
	pool_handle h;

	while ((o = pool_next(&shard_objects(s)->pool, cursor, &h)) != NULL &&
	       o->type != &room_object)
		;
	return (struct room *)o;
}

struct room *shard_room_called(const struct shard *s, uint16_t tenant, struct bytes number)
{
	return (struct room *)objects_named(s, &room_object, tenant, number);
}

struct room *shard_room_add(struct shard *s, uint64_t id, uint16_t tenant, struct bytes number)
{
	struct room *r = (struct room *)object_allocate(s, &room_object, id, tenant);

	if (!r)
		return NULL;
	r->kind = number.n ? ROOM_MEETME : ROOM_STATION;
	r->max_members = CONFERENCE_MEMBERS_MAX;
	if (!bytes_cstr(number, r->number, sizeof(r->number)) && object_list(s, &r->object))
		return r;
	object_drop(s, &r->object);
	return NULL;
}

static struct room *shard_room_of(void *owner, uint64_t room)
{
	return shard_room_find(owner, room);
}

static struct room *shard_room_of_name(void *owner, uint16_t tenant, struct bytes user)
{
	return shard_room_named(owner, tenant, user);
}

static uint16_t shard_room_number_shard(void *owner, uint16_t tenant, struct bytes number)
{
	return objects_shard(owner, &room_object, tenant, number);
}

static void room_apply_terms(const struct shard *s, struct room *r, const struct room_terms *t)
{
	r->parts.entry = t->entry;
	r->parts.exit = t->exit;
	r->parts.record = t->record;
	r->parts.tones_most = (uint16_t)shard_settings(s)->conferences.tones_most;
	r->max_members = t->max_members;
	r->talkers = t->talkers ? t->talkers : CONFERENCE_TALKERS_ALL;
	r->rate_hz = t->rate;
	r->waits_for_host = t->wait_for_host;
	r->ends_with_host = t->ends_with_host;
}

/* Until the room is locked or unlocked by command its document says whether it is. */
static struct room *shard_room_ensure(void *owner, const struct room_terms *terms)
{
	struct shard *s = owner;
	struct room *r = shard_room_called(s, terms->tenant, bytes_str(terms->number));

	if (r)
		return r;
	r = shard_room_add(s, shard_call_new_id(s), terms->tenant, bytes_str(terms->number));
	if (!r)
		return NULL;
	room_apply_terms(s, r, terms);
	object_claim(s, &r->object); /* as early as possible */
	r->locked = terms->locked;
	object_touch(&r->object);
	object_hurry(s, &r->object);
	return r;
}

bool shard_room_make_of(struct shard *s, struct room *r, const char *name)
{
	r->made = true;
	if (name)
		(void)bytes_cstr(bytes_str(name), r->name, sizeof(r->name));
	else
		conf_name_make(r->name, shard_settings(s)->number, shard_host(s)->rand);
	return object_list_name(s, &r->object);
}

static struct room *shard_room_make(void *owner, uint16_t tenant)
{
	struct shard *s = owner;
	const struct tenants *all = shard_settings(s)->tenants;
	struct room *r = all && tenants_is_full(all, tenant, TENANT_CONFERENCES)
				 ? NULL
				 : shard_room_of_calls(s, shard_call_new_id(s), tenant);

	if (!r)
		return NULL;
	if (!shard_room_make_of(s, r, NULL)) {
		object_remove(s, &r->object);
		return NULL;
	}
	object_touch(&r->object);
	object_hurry(s, &r->object);
	return r;
}

static void shard_room_changed(void *owner, struct room *r, bool record)
{
	if (record)
		object_touch(&r->object);
	r->releases = 0;
	object_hurry(owner, &r->object);
}

static const struct room_service shard_room_service = {
	.find = shard_room_of,
	.find_named = shard_room_of_name,
	.open = shard_room_ensure,
	.create = shard_room_make,
	.of_call = shard_room_of_local_call,
	.seen = shard_room_seen,
	.shard_of = shard_room_number_shard,
	.add_party = shard_focus,
	.changed = shard_room_changed,
};

const struct services room_services = { .rooms = &shard_room_service };

struct call *shard_member_call(const struct shard *s, const struct room_member *m)
{
	return shard_call_find(s, m->call);
}

static bool room_lists(const struct room *r, const struct room_member *m)
{
	return m->prev || m->next || r->first == m;
}

void shard_room_part(struct shard *s, struct call *c)
{
	struct room *r = c->member ? shard_room_find(s, c->member->room) : NULL;

	if (!r || !room_lists(r, c->member))
		return;
	room_leave(r, c->member);
	object_hurry(s, &r->object);
}

/* ---- its job ---- */

static void room_mix(struct shard *s, struct room *r)
{
	struct effect *e;
	uint64_t serial;

	if (!r->count || r->serial)
		return;
	serial = rand_u64_from(shard_host(s)->rand) | 1;
	e = effects_add(shard_effects(s), EFFECT_ROOM_OPEN, r->object.id, serial);
	if (!e)
		return;
	r->serial = serial;
	*(struct media_room *)e->request =
		(struct media_room){ .rate_hz = r->rate_hz ? r->rate_hz : ROOM_RATE_HZ,
				     .members = r->max_members,
				     .talkers = r->talkers };
}

static void room_mix_stop(struct shard *s, struct room *r)
{
	if (r->serial)
		(void)effects_add(shard_effects(s), EFFECT_ROOM_CLOSE, r->object.id, r->serial);
	r->serial = 0;
	r->job = (struct job_id){ 0 };
}

/* Its members get the mix at once, or lose it. */
static void room_hear(struct shard *s, const struct room *r)
{
	for (const struct room_member *m = r->first; m && !m->asks; m = m->next) {
		struct call *c = shard_member_call(s, m);

		if (c)
			audio_source_settle(shard_host(s), c);
	}
}

void shard_on_room(struct shard *s, uint64_t room, uint64_t serial, const struct job_id *job,
		   struct instant now)
{
	struct room *r;

	shard_set_now(s, now);
	r = shard_room_find(s, room);
	if (!r || r->serial != serial)
		return;
	r->job = job ? *job : (struct job_id){ 0 };
	if (!job) { /* nothing is open any more: it is asked for again */
		shard_room_parts_lost(s, r);
		LOG_ERROR("conference", room, "nothing mixes the conference: it is tried again");
		r->serial = 0;
		r->object.turn_ns = shard_host(s)->now.ns + RELEASE_AGAIN_MS * NS_PER_MS;
		object_aim(s, &r->object);
	}
	room_hear(s, r);
	if (job)
		object_hurry(s, &r->object);
}

/* ---- who is host ---- */

/* CONF-10: the first member that entered by the PIN of hosts. */
static uint16_t room_host_by_pin(const struct room *r)
{
	for (const struct room_member *m = r->first; m && !m->asks; m = m->next) {
		if (m->hosts)
			return m->number;
	}
	return MEMBER_NOBODY;
}

static void room_succeed(struct shard *s, struct room *r)
{
	if (r->host && !room_number_of(r, r->host)) {
		r->host = MEMBER_NOBODY;
		object_touch(&r->object);
	}
	if (r->host || !r->count ||
	    (r->kind == ROOM_STATION && !shard_settings(s)->conferences.succession))
		return;
	r->host = r->kind == ROOM_STATION ? room_successor(r) : room_host_by_pin(r);
	if (!r->host)
		return;
	object_touch(&r->object);
	shard_room_publish(s, r, SIG_CONFERENCE_CHANGED, "host");
}

/* A room with a number: until its host joins, members hear music, and it may end with him. Returns
 * true if it ends. */
static bool room_attend(struct shard *s, struct room *r)
{
	bool has = room_host_by_pin(r) != MEMBER_NOBODY, waits = r->waits_for_host && !has;

	if (r->kind != ROOM_MEETME)
		return false;
	for (struct room_member *m = r->first; m && !m->asks; m = m->next) {
		struct call *c = m->waits != waits ? shard_member_call(s, m) : NULL;

		m->waits = waits;
		if (c)
			audio_source_settle(shard_host(s), c);
	}
	r->hosted |= has;
	return r->ends_with_host && r->hosted && !has && r->first;
}

/* ---- two are left, or one ---- */

static const struct room_member *next_party(const struct room_member *m)
{
	while (m && (m->asks || m->monitors))
		m = m->next;
	return m;
}

static uint32_t room_parties(const struct room *r)
{
	uint32_t n = 0;

	for (const struct room_member *m = next_party(r->first); m; m = next_party(m->next))
		n++;
	return n;
}

/* What is ordered of it in the conference would be lost. */
static bool may_release(const struct shard *s, const struct room_member *m)
{
	const struct call *c = shard_member_call(s, m);

	return c && conference_speaks(c) && !c->transfer && !m->held && !m->muted && !m->deaf;
}

/* It is a call of two again, as it was before the others came (CONF-08, BEAT-07). */
static void room_release(struct shard *s, struct room *r)
{
	const struct room_member *a = next_party(r->first), *b = a ? next_party(a->next) : NULL;
	struct call_order order = { .kind = ORDER_JOIN };
	const struct call_event ev = { .kind = CALL_EV_ORDER, .order = &order };
	struct call *c = a ? shard_member_call(s, a) : NULL;

	r->release_ns = shard_host(s)->now.ns + RELEASE_AGAIN_MS * NS_PER_MS;
	if (!b || !c || !may_release(s, a) || !may_release(s, b))
		return;
	order.with = b->call;
	r->releases++;
	LOG_INFO("conference", r->object.id, "two are left: it is a call of two again");
	shard_call_step(s, c, &ev);
}

static void member_end(struct shard *s, const struct room_member *m)
{
	struct call_order order = { .kind = ORDER_MEMBER, .member = MEMBER_DROP };
	const struct call_event ev = { .kind = CALL_EV_ORDER, .order = &order };
	struct call *c = shard_member_call(s, m);

	if (c)
		shard_call_step(s, c, &ev);
}

void shard_room_empty(struct shard *s, struct room *r)
{
	uint16_t after = 0;

	for (;;) {
		const struct room_member *m = r->first;

		while (m && (m->asks || m->number <= after))
			m = m->next;
		if (!m)
			return;
		after = m->number;
		member_end(s, m);
	}
}

/* Who takes the place of a member is there: that one leaves. What is saved in between is derived
 * again. If the third one has left meanwhile, those two speak with each other. */
static void room_replace(struct shard *s, struct room *r)
{
	for (const struct room_member *m = r->first; m && !m->asks; m = m->next) {
		const struct room_member *old = m->takes ? room_number_of(r, m->takes) : NULL;

		if (!old || room_parties(r) <= 2)
			continue;
		member_end(s, old);
		return;
	}
}

static bool room_is_released(const struct shard *s, const struct room *r)
{
	switch ((enum conference_release)shard_settings(s)->conferences.release) {
	case CONFERENCE_RELEASE_NEVER:
		return false;
	case CONFERENCE_RELEASE_ALWAYS:
		return true;
	case CONFERENCE_RELEASE_INITIATOR_LEFT:
		return !room_has_initiator(r);
	}
	return false;
}

/* No member stays alone in a conference of calls: it would hear nothing, and never be told. */
static void room_shrink(struct shard *s, struct room *r)
{
	uint32_t parties = room_parties(r);

	r->release_ns = 0;
	if (r->kind != ROOM_STATION || r->object.follows || r->asking || r->pending_count ||
	    !r->count || parties > 2)
		return;
	if (parties < 2 && r->gathered)
		shard_room_empty(s, r);
	else if (parties == 2 && r->count == 2 && room_has_grown(r) && room_is_released(s, r) &&
		 !r->parts.live.endpoint[0] && r->releases < RELEASE_TRIES)
		room_release(s, r);
}

void shard_room_hang_up(struct shard *s, struct room *r)
{
	const struct call_event hangup = { .kind = CALL_EV_HANGUP };
	struct room_member *m;

	r->pending_count = 0;
	shard_room_empty(s, r);
	while ((m = r->first) != NULL) {
		struct call *c = shard_member_call(s, m);

		if (!c)
			break;
		shard_call_step(s, c, &hangup);
	}
}

/* ---- its turn ---- */

static void room_end(struct shard *s, struct room *r)
{
	uint8_t space[ROOM_USER_MAX];

	shard_room_parts_end(s, r);
	room_mix_stop(s, r);
	object_end(s, &r->object);
	if (r->told)
		shard_room_publish(s, r, SIG_CONFERENCE_ENDED, NULL);
	shard_conference_changed(s, r->object.tenant, room_name(r, space));
	object_remove(s, &r->object);
}

static void room_publish_started(struct shard *s, struct room *r)
{
	r->gathered |= room_parties(r) > 1;
	if (r->told || !r->count)
		return;
	r->told = true;
	shard_room_publish(s, r, SIG_CONFERENCE_STARTED, NULL);
}

static bool room_object_turn(struct shard *s, struct object *o)
{
	struct room *r = (struct room *)o;
	pool_handle self = o->self;

	shard_room_bring(s, r);
	object_send(s, o,
		    !r->pending_count); /* those of a call that is given here are not here yet */
	room_publish_started(s, r);
	if (room_attend(s, r))
		shard_room_hang_up(s, r);
	room_replace(s, r);
	room_shrink(s, r);
	if (pool_get(&shard_objects(s)->pool, self) != r)
		return false;
	if (room_is_empty(r)) {
		room_end(s, r);
		return false;
	}
	room_succeed(s, r);
	shard_room_show(s, r);
	shard_room_watched(s, r);
	room_mix(s, r);
	shard_room_parts_settle(s, r);
	return true;
}

/* ---- in the next process ---- */

/* A room that was open when another of its number began has ended since: what is left of it is its
 * record. */
static void room_outlives(struct shard *s, struct room *r)
{
	struct room *other;

	while ((other = shard_room_called(s, r->object.tenant, bytes_str(r->number))) != NULL &&
	       other != r) {
		bool older = r->object.created_utc_ms < other->object.created_utc_ms;

		room_end(s, older ? r : other);
		if (older)
			return;
	}
}

static void rooms_resume_alone(struct shard *s)
{
	uint32_t cursor = 0;
	struct room *r;

	while ((r = shard_room_next(s, &cursor)) != NULL) {
		if (r->kind == ROOM_MEETME)
			room_outlives(s, r);
	}
}

/* Its record is lost, or older than its member's. Only one room of a number is open: members of
 * another, waiting or joined, are in that one. */
static struct room *room_of_member(struct shard *s, const struct call *c)
{
	const struct room_member *m = c->member;
	struct bytes number = bytes_str(m->number_called);
	struct room *r = shard_room_find(s, m->room);

	if (r)
		return r->object.tenant == c->tenant ? r : NULL;
	r = number.n ? shard_room_called(s, c->tenant, number) : NULL;
	if (!r)
		r = shard_room_add(s, m->room, c->tenant, number);
	if (!r)
		return NULL;
	if (m->made && m->room == r->object.id && !shard_room_make_of(s, r, m->named))
		LOG_ERROR("conference", r->object.id, "no memory: it is not found by its name");
	object_touch(&r->object);
	return r;
}

/* 0: it has another number there, or is of another room than its record says. */
static int member_place_in(struct call *c, struct room *r)
{
	struct room_member *m = c->member;
	uint16_t number = m->number;

	if (m->room == r->object.id && (m->asks || !room_number_of(r, number)))
		return 0;
	if (!m->asks && room_number_of(r, number))
		number = room_number_next(r);
	if (!m->asks && number == MEMBER_NOBODY)
		return -ENOSPC;
	m->number = number;
	m->room = r->object.id;
	c->in_room = m->asks ? c->in_room : m->room;
	outbox_touch(&c->out);
	return 0;
}

static void member_resume(struct shard *s, struct call *c)
{
	struct room *r = room_of_member(s, c);

	if (!r || member_place_in(c, r)) {
		LOG_ERROR("call", c->id, "its conference cannot go on");
		room_member_clear(&c->member);
		outbox_touch(&c->out);
		return;
	}
	if (!c->member->asks && c->member->number > r->last)
		r->last = c->member->number;
	room_invite(r, conference_user(c), true);
	conference_focus_settle(c);
	room_enter(r, c->member);
}

/* those: of rooms with a record. A member that moves to another room gets a number behind the
 * members there. */
static void members_resume(struct shard *s, bool those)
{
	uint32_t cursor = 0;
	struct call *c;
	pool_handle h;

	while ((c = pool_next(shard_calls(s), &cursor, &h)) != NULL) {
		const struct room *r = c->member ? shard_room_find(s, c->member->room) : NULL;

		if (!c->restored || !c->member || (r && room_lists(r, c->member)))
			continue;
		if (c->state == CALL_ENDING)
			room_member_clear(&c->member);
		else if (r || !those)
			member_resume(s, c);
	}
}

void shard_rooms_resume(struct shard *s)
{
	uint32_t cursor = 0;
	struct room *r;

	rooms_resume_alone(s);
	members_resume(s, true);
	members_resume(s, false);
	while ((r = shard_room_next(s, &cursor)) != NULL) {
		const struct room_terms *t = rooms_find(shard_settings(s)->rooms, r->object.tenant,
							bytes_str(r->number));

		if (t)
			room_apply_terms(s, r, t);
		r->told = true;
		r->gathered = !r->made || r->last > 1; /* one may be there alone */
		object_resume(s, &r->object, r->count);
	}
}

/* ---- what a room does as an object ---- */

/* No leg leaves its shard: each member's call rings the remote shard as in a transfer, by a name
 * with its rights there, and leaves when that answers. Until then it is a member here; if refused
 * it stays one, and is sent again. */
enum { SEND_AT_ONCE = 16 };

static void send_name(const struct room *r, const struct room_member *m, char out[MEMBER_NAME_MAX])
{
	const struct member_name name = { .room = r->object.follows,
					  .host = m->hosts || (r->host && r->host == m->number),
					  .muted = m->muted,
					  .deaf = m->deaf,
					  .held = m->held,
					  .gain_db = m->gain_db,
					  .beeps = m->beeps };

	member_name_put(out, &name);
}

/* Returns false if it has another peer just now. */
static bool send_member(struct shard *s, const struct room *r, const struct room_member *m,
			struct call *c)
{
	struct call_remote far = { .shard = id_shard(r->object.follows),
				   .user = bytes_str(r->number) };
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

/* Each once a round. */
static bool room_send(struct shard *s, struct object *o)
{
	const struct room *r = (const struct room *)o;
	const struct room_member *m = r->first;
	uint32_t sent = 0;

	while (m && !m->asks && m->number <= o->follow_after)
		m = m->next;
	while (m && !m->asks && sent < SEND_AT_ONCE) {
		const struct room_member *next = m->next;
		struct call *c = shard_member_call(s, m);

		o->follow_after = m->number;
		sent += c && send_member(s, r, m, c);
		m = next;
	}
	return m && !m->asks;
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
static void room_on_claim(struct shard *s, struct object *o, enum park_result told, uint64_t owner)
{
	const struct room *r = (const struct room *)o;
	const struct reply reply = { .ask = ASK_PARK, .park = { .told = told, .owner = owner } };
	const struct call_event ev = { .kind = CALL_EV_REPLY, .reply = &reply };
	const struct room_member *stays = NULL; /* the last one that the step left waiting */
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

static int room_object_encode(const struct call_host *h, const struct object *o, struct text *out)
{
	return room_encode(h, (const struct room *)o, out);
}

static int room_object_decode(const struct call_host *h, struct object *o, struct bytes record,
			      const char **reason)
{
	return room_decode(h, (struct room *)o, record, reason);
}

/* Its number, or a name of its own. */
static const char *room_object_name(const struct object *o)
{
	const struct room *r = (const struct room *)o;

	return r->number[0] ? r->number : r->name;
}

static bool room_object_is_claimed(const struct object *o)
{
	return ((const struct room *)o)->kind == ROOM_MEETME;
}

static bool room_object_is_empty(const struct object *o)
{
	return room_is_empty((const struct room *)o);
}

static uint64_t room_next_ns(const struct object *o)
{
	const struct room *r = (const struct room *)o;
	uint64_t next = r->pending_ns ? r->pending_ns : UINT64_MAX;

	return r->release_ns && r->release_ns < next ? r->release_ns : next;
}

static void room_replied(struct shard *s, struct object *o, const struct reply *reply)
{
	struct room *r = (struct room *)o;

	if (reply->ask == ASK_PLAY)
		shard_room_on_play(s, r, &reply->play);
	else if (reply->ask == ASK_RECORD && reply->record.kind == RECORD_REPLY_FAILED &&
		 r->parts.recording.number == reply->record.number)
		shard_room_record_failed(s, r, reply->record.error);
}

static void room_leave_shard(struct shard *s, struct object *o)
{
	shard_room_record_leave(s, (const struct room *)o);
}

static void room_clear(struct object *o)
{
	struct room *r = (struct room *)o;

	roster_close(&r->roster);
	text_wipe(&r->unknown);
	text_clear(&r->invited);
	room_parts_clear(&r->parts);
}

const struct object_type room_object = {
	.noun = "conference",
	.elsewhere = "the room is open in another shard",
	.apart = "the store does not say whether the room is open elsewhere: its callers at "
		 "another node may be in another conference meanwhile",
	.stays = "its members do not come into that of another shard",
	.kind = OBJECT_ROOM,
	.size = sizeof(struct room),
	.item = TENANT_CONFERENCES,
	.claim = PARK_ROOM_CLAIM,
	.release = PARK_ROOM_FREE,
	.encode = room_object_encode,
	.decode = room_object_decode,
	.name = room_object_name,
	.is_claimed = room_object_is_claimed,
	.is_empty = room_object_is_empty,
	.told = room_on_claim,
	.send = room_send,
	.next_ns = room_next_ns,
	.turn = room_object_turn,
	.replied = room_replied,
	.leave = room_leave_shard,
	.clear = room_clear,
};

/* Events of rooms. Those of members are sent by their calls (sig/pbx/conference.c). */

static struct sig_event *room_event(struct shard *s, const struct room *r, enum sig_event_kind kind)
{
	const char *tenant = tenants_name(shard_settings(s)->tenants, r->object.tenant);
	struct sig_event *event =
		effects_event(shard_effects(s), kind, 0, r->object.version, bytes_str(tenant));

	event_put_number(event, EV_CONFERENCE, r->object.id);
	event_put_number(event, EV_MEMBER, r->host);
	event_put_recording(event, r->object.id, r->parts.recording.number);
	event_put_str(event, EV_ENDPOINT, r->parts.live.endpoint);
	event_put_str(event, EV_NUMBER, r->number);
	return event;
}

static const char *room_sentence(enum sig_event_kind kind)
{
	if (kind == SIG_CONFERENCE_STARTED)
		return "a conference has begun";
	if (kind == SIG_CONFERENCE_PLAYED)
		return "what a conference heard is over";
	if (kind == SIG_CONFERENCE_STREAM_ENDED)
		return "an application has left a conference";
	if (kind == SIG_CONFERENCE_RECORDING)
		return "a conference is recorded";
	if (kind == SIG_CONFERENCE_RECORDING_ENDED)
		return "a conference is recorded no longer";
	return kind == SIG_CONFERENCE_ENDED ? "a conference is over" : "a conference has changed";
}

void shard_room_asked(struct shard *s, const struct room *r, struct bytes user)
{
	event_put(room_event(s, r, SIG_CONFERENCE_ASKED), EV_FROM, user);
	LOG_INFO("conference", r->object.id, "somebody who was not invited has called it",
		 LOG_BYTES("from", user), LOG_U64("host", r->host));
}

void shard_room_publish(struct shard *s, const struct room *r, enum sig_event_kind kind,
			const char *reason)
{
	event_put_str(room_event(s, r, kind), EV_REASON, reason);
	LOG_INFO("conference", r->object.id, room_sentence(kind),
		 LOG_STR("kind", room_kind_name((enum room_kind)r->kind)),
		 LOG_STR("number", r->number), LOG_U64("members", r->count),
		 LOG_U64("host", r->host), LOG_STR("what", reason ? reason : ""));
}

/* Video of conferences: members that send what another cannot decode get a re-INVITE. */
