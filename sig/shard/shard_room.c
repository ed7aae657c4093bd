/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sig/call/audio_source.h"
#include "sig/call/video.h"
#include "sig/call/wait.h"
#include "sig/model/transfer.h"
#include "sig/pbx/conference.h"
#include "sig/room/room.h"
#include "sig/shard/shard_room.h"

#define APART_NS (20 * NS_PER_MS) /* from one to the next: not all phones answer at once */

static void member_ask(struct shard *s, struct call *c, uint64_t at_ns)
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
	uint32_t n = r->shows ? video_unfit_members(&s->host, r, calls) : 0;

	r->shows = false;
	for (uint32_t i = 0; i < n; i++) {
		struct call *c = shard_call_find(s, calls[i]);

		if (c && !c->order_ns && conference_speaks(c))
			member_ask(s, c, s->host.now.ns + i * APART_NS);
	}
}

/* What a room is told to say to all, to record, and to be heard by. */

static enum refusal room_play_order(struct shard *s, struct room *r,
				    const struct shard_room_order *o)
{
	struct room_play *p = &r->parts.play;

	if (o->by && p->order == o->by->id)
		return 0;
	shard_room_play_over(s, r, "stopped");
	*p = *o->play;
	p->order = o->by ? o->by->id : 0;
	shard_room_touch(r);
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
	shard_room_touch(r);
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
		shard_room_live_over(s, r, "stopped");
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

int shard_rooms_open(struct shard *s)
{
	uint32_t most = s->settings.calls_max;
	int err = pool_open(&s->rooms, sizeof(struct room), most);

	s->conference = shard_room_shown;
	if (!err)
		err = table_open(&s->rooms_by_id, most);
	return err ? err : table_open(&s->rooms_by_number, most);
}

void shard_rooms_close(struct shard *s)
{
	uint32_t cursor = 0;
	struct room *r;
	pool_handle h;

	while (s->rooms.slots && (r = pool_next(&s->rooms, &cursor, &h)) != NULL) {
		text_wipe(&r->unknown);
		text_clear(&r->invited);
		room_parts_clear(&r->parts);
		tenants_release(s->settings.tenants, r->tenant, TENANT_CONFERENCES);
	}
	if (s->rooms.slots)
		pool_close(&s->rooms);
	table_close(&s->rooms_by_id);
	table_close(&s->rooms_by_number);
}

struct room *shard_room_find(const struct shard *s, uint64_t id)
{
	uint32_t cursor = 0;
	pool_handle h = table_next(&s->rooms_by_id, id, &cursor);

	return h ? pool_get(&s->rooms, h) : NULL;
}

/* What it is found by beside its id: its number, or a name of its own; "": nothing. */
static const char *room_listed(const struct room *r)
{
	return r->number[0] ? r->number : r->name;
}

static uint64_t room_number_hash(const struct shard *s, uint16_t tenant, struct bytes number)
{
	return tenant_hash(hash_sip(&s->key, number), tenant);
}

struct room *shard_room_called(const struct shard *s, uint16_t tenant, struct bytes number)
{
	uint64_t hash = room_number_hash(s, tenant, number);
	uint32_t cursor = 0;
	pool_handle h;

	while ((h = table_next(&s->rooms_by_number, hash, &cursor)) != 0) {
		struct room *r = pool_get(&s->rooms, h);

		if (r && r->tenant == tenant && number.n && bytes_is(number, room_listed(r)))
			return r;
	}
	return NULL;
}

static bool room_list(struct shard *s, struct room *r)
{
	struct bytes number = bytes_str(r->number);

	if (table_put(&s->rooms_by_id, r->id, r->self))
		return false;
	if (!number.n ||
	    !table_put(&s->rooms_by_number, room_number_hash(s, r->tenant, number), r->self))
		return true;
	(void)table_del(&s->rooms_by_id, r->id, r->self);
	return false;
}

struct room *shard_room_add(struct shard *s, uint64_t id, uint16_t tenant, struct bytes number)
{
	pool_handle self;
	struct room *r = pool_take(&s->rooms, &self);

	if (!r)
		return NULL;
	r->id = id;
	r->self = r->timer.owner = self;
	r->timer.kind = TIMER_ROOM;
	r->tenant = tenant;
	r->kind = number.n ? ROOM_MEETME : ROOM_STATION;
	r->max_members = CONFERENCE_MEMBERS_MAX;
	if (bytes_cstr(number, r->number, sizeof(r->number)) || !room_list(s, r)) {
		(void)pool_give(&s->rooms, self);
		return NULL;
	}
	r->created_utc_ms = (uint64_t)((int64_t)s->host.now.utc_ms + s->host.wall_ms);
	tenants_hold(s->settings.tenants, tenant, TENANT_CONFERENCES);
	return r;
}

void shard_room_remove(struct shard *s, struct room *r)
{
	struct bytes number = bytes_str(room_listed(r));

	wheel_stop(&s->wheel, &r->timer);
	roster_close(&r->roster);
	text_wipe(&r->unknown);
	text_clear(&r->invited);
	room_parts_clear(&r->parts);
	tenants_release(s->settings.tenants, r->tenant, TENANT_CONFERENCES);
	(void)table_del(&s->rooms_by_id, r->id, r->self);
	if (number.n)
		(void)table_del(&s->rooms_by_number, room_number_hash(s, r->tenant, number),
				r->self);
	(void)pool_give(&s->rooms, r->self);
}

struct room *shard_room_of(void *owner, uint64_t room)
{
	return shard_room_find(owner, room);
}

uint16_t shard_room_number_shard(void *owner, uint16_t tenant, struct bytes number)
{
	const struct shard *s = owner;

	for (const struct shard *of = s->commons->shards; of; of = of->next) {
		const struct room *r = of != s ? shard_room_called(of, tenant, number) : NULL;

		if (r && room_is_open(r) && !r->follows)
			return of->settings.number;
	}
	return 0;
}

static void room_take_terms(const struct shard *s, struct room *r, const struct room_terms *t)
{
	r->parts.entry = t->entry;
	r->parts.exit = t->exit;
	r->parts.record = t->record;
	r->parts.tones_most = s->settings.conferences.tones_most;
	r->max_members = t->max_members;
	r->talkers = t->talkers ? t->talkers : CONFERENCE_TALKERS_ALL;
	r->rate_hz = t->rate;
	r->waits_for_host = t->wait_for_host;
	r->ends_with_host = t->ends_with_host;
}

/* Until the room is locked or unlocked by command its document says whether it is. */
struct room *shard_room_begin(void *owner, const struct room_terms *terms)
{
	struct shard *s = owner;
	struct room *r = shard_room_called(s, terms->tenant, bytes_str(terms->number));

	if (r)
		return r;
	r = shard_room_add(s, shard_call_new_id(s), terms->tenant, bytes_str(terms->number));
	if (!r)
		return NULL;
	room_take_terms(s, r, terms);
	shard_room_claim_start(s, r);
	shard_room_claim(s, r); /* nobody waits longer than he must */
	r->locked = terms->locked;
	shard_room_touch(r);
	shard_room_hurry(s, r);
	return r;
}

bool shard_room_make_of(struct shard *s, struct room *r, const char *name)
{
	r->made = true;
	if (name)
		(void)bytes_cstr(bytes_str(name), r->name, sizeof(r->name));
	else
		conf_name_make(r->name, s->settings.number, s->host.rand);
	return !r->name[0] ||
	       !table_put(&s->rooms_by_number, room_number_hash(s, r->tenant, bytes_str(r->name)),
			  r->self);
}

struct room *shard_room_make(void *owner, uint16_t tenant)
{
	struct shard *s = owner;
	const struct tenants *all = s->settings.tenants;
	struct room *r = all && tenants_is_full(all, tenant, TENANT_CONFERENCES)
				 ? NULL
				 : shard_room_of_calls(s, tenant);

	if (!r)
		return NULL;
	if (!shard_room_make_of(s, r, NULL)) {
		shard_room_remove(s, r);
		return NULL;
	}
	shard_room_touch(r);
	shard_room_hurry(s, r);
	return r;
}

void shard_room_hurry(struct shard *s, struct room *r)
{
	r->go_ns = s->host.now.ns;
	shard_room_aim(s, r);
}

void shard_room_changed(void *owner, struct room *r, bool record)
{
	if (record)
		shard_room_touch(r);
	r->releases = 0;
	shard_room_hurry(owner, r);
}

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
	shard_room_hurry(s, r);
}

static void room_sooner(uint64_t *next, uint64_t deadline)
{
	if (deadline && deadline < *next)
		*next = deadline;
}

void shard_room_aim(struct shard *s, struct room *r)
{
	uint64_t next = UINT64_MAX;

	room_sooner(&next, r->go_ns);
	room_sooner(&next, r->save_ns);
	room_sooner(&next, r->comes_ns);
	room_sooner(&next, r->release_ns);
	room_sooner(&next, r->claim_ns);
	room_sooner(&next, r->follow_ns);
	wheel_aim(&s->wheel, &r->timer, next);
}

void shard_rooms_silence(struct shard *s)
{
	uint32_t cursor = 0;
	struct room *r;
	pool_handle h;

	while ((r = pool_next(&s->rooms, &cursor, &h)) != NULL) {
		shard_room_record_leave(s, r);
		shard_room_remove(s, r);
	}
}

/* ---- its job ---- */

static void room_mix(struct shard *s, struct room *r)
{
	struct effect *e;

	if (!r->count || r->serial)
		return;
	e = effects_add(&s->effects, EFFECT_ROOM_OPEN);
	if (!e)
		return;
	r->serial = rand_u64_from(s->host.rand) | 1;
	e->call = r->id;
	e->version = r->serial;
	e->room = (struct media_room){ .rate_hz = r->rate_hz ? r->rate_hz : ROOM_RATE_HZ,
				       .members = r->max_members,
				       .talkers = r->talkers };
}

static void room_mix_stop(struct shard *s, struct room *r)
{
	struct effect *e = r->serial ? effects_add(&s->effects, EFFECT_ROOM_CLOSE) : NULL;

	if (e) {
		e->call = r->id;
		e->version = r->serial;
	}
	r->serial = 0;
	r->job = (struct job_id){ 0 };
}

/* Its members hear it at once, or no more. */
static void room_hear(struct shard *s, const struct room *r)
{
	for (const struct room_member *m = r->first; m && !m->asks; m = m->next) {
		struct call *c = shard_member_call(s, m);

		if (c)
			audio_source_settle(&s->host, c);
	}
}

void shard_on_room(struct shard *s, uint64_t room, uint64_t serial, const struct job_id *job,
		   struct instant now)
{
	struct room *r;

	shard_begin(s, now);
	r = shard_room_find(s, room);
	if (!r || r->serial != serial)
		return;
	r->job = job ? *job : (struct job_id){ 0 };
	if (!job) { /* nothing is open any more: it is asked for again */
		shard_room_parts_lost(s, r);
		LOG_ERROR("conference", room, "nothing mixes the conference: it is tried again");
		r->serial = 0;
		r->go_ns = s->host.now.ns + RELEASE_AGAIN_MS * NS_PER_MS;
		shard_room_aim(s, r);
	}
	room_hear(s, r);
	if (job)
		shard_room_hurry(s, r);
}

/* ---- who is host ---- */

/* CONF-10: whoever is there by the PIN of hosts. */
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
		shard_room_touch(r);
	}
	if (r->host || !r->count ||
	    (r->kind == ROOM_STATION && !s->settings.conferences.succession))
		return;
	r->host = r->kind == ROOM_STATION ? room_successor(r) : room_host_by_pin(r);
	if (!r->host)
		return;
	shard_room_touch(r);
	shard_room_publish(s, r, SIG_CONFERENCE_CHANGED, "host");
}

/* Of a room with a number: until its host is there its members hear music, and it may end with him. True: it does. */
static bool room_attend(struct shard *s, struct room *r)
{
	bool has = room_host_by_pin(r) != MEMBER_NOBODY, waits = r->waits_for_host && !has;

	if (r->kind != ROOM_MEETME)
		return false;
	for (struct room_member *m = r->first; m && !m->asks; m = m->next) {
		struct call *c = m->waits != waits ? shard_member_call(s, m) : NULL;

		m->waits = waits;
		if (c)
			audio_source_settle(&s->host, c);
	}
	r->hosted |= has;
	return r->ends_with_host && r->hosted && !has && r->count;
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

	r->release_ns = s->host.now.ns + RELEASE_AGAIN_MS * NS_PER_MS;
	if (!b || !c || !may_release(s, a) || !may_release(s, b))
		return;
	order.with = b->call;
	r->releases++;
	LOG_INFO("conference", r->id, "two are left: it is a call of two again");
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

static bool room_is_released(const struct shard *s, const struct room *r)
{
	switch ((enum conference_release)s->settings.conferences.release) {
	case CONFERENCE_RELEASE_NEVER:
		return false;
	case CONFERENCE_RELEASE_ALWAYS:
		return true;
	case CONFERENCE_RELEASE_INITIATOR_LEFT:
		return !room_has_initiator(r);
	}
	return false;
}

/* Nobody is alone in a call of others: who was left would hear nothing, and never be told. */
static void room_shrink(struct shard *s, struct room *r)
{
	uint32_t parties = room_parties(r);

	r->release_ns = 0;
	if (r->kind != ROOM_STATION || r->follows || r->asking || r->comes_count || !r->count ||
	    parties > 2)
		return;
	if (parties < 2 && r->gathered)
		shard_room_empty(s, r);
	else if (parties == 2 && r->count == 2 && room_has_grown(r) && room_is_released(s, r) &&
		 r->releases < RELEASE_TRIES)
		room_release(s, r);
}

/* ---- its turn ---- */

static void room_end(struct shard *s, struct room *r)
{
	uint8_t space[ROOM_USER_MAX];

	shard_room_parts_end(s, r);
	room_mix_stop(s, r);
	shard_room_claim_end(s, r);
	shard_room_forget(s, r);
	if (r->told)
		shard_room_publish(s, r, SIG_CONFERENCE_ENDED, NULL);
	shard_conference_changed(s, r->tenant, room_name(r, space));
	shard_room_remove(s, r);
}

static void room_begin(struct shard *s, struct room *r)
{
	r->gathered |= room_parties(r) > 1;
	if (r->told || !r->count)
		return;
	r->told = true;
	shard_room_publish(s, r, SIG_CONFERENCE_STARTED, NULL);
}

void shard_room_turn(struct shard *s, struct room *r)
{
	pool_handle self = r->self;

	r->go_ns = 0;
	if (!room_is_empty(r))
		shard_room_claim(s, r);
	shard_room_claim_open(s, r);
	shard_room_bring(s, r);
	shard_room_send(s, r);
	room_begin(s, r);
	if (room_attend(s, r))
		shard_room_empty(s, r);
	room_shrink(s, r);
	if (pool_get(&s->rooms, self) != r)
		return;
	if (room_is_empty(r)) {
		room_end(s, r);
		return;
	}
	room_succeed(s, r);
	shard_room_show(s, r);
	shard_room_watched(s, r);
	room_mix(s, r);
	shard_room_parts_settle(s, r);
	shard_room_save(s, r);
	shard_room_aim(s, r);
}

/* ---- in the next process ---- */

/* Its record is lost, or older than that of its member. */
static struct room *room_of_member(struct shard *s, const struct call *c)
{
	const struct room_member *m = c->member;
	struct bytes number = bytes_str(m->number_called);
	struct room *r = shard_room_find(s, m->room);

	if (r)
		return r->tenant == c->tenant ? r : NULL;
	r = shard_room_add(s, m->room, c->tenant, number);
	if (!r)
		return NULL;
	if (m->made && !shard_room_make_of(s, r, m->named))
		LOG_ERROR("conference", r->id, "no memory: it is not found by its name");
	shard_room_touch(r);
	return r;
}

static void member_resume(struct shard *s, struct call *c)
{
	struct room *r = room_of_member(s, c);

	if (!r || (!c->member->asks && room_number_of(r, c->member->number))) {
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

void shard_rooms_resume(struct shard *s)
{
	uint32_t cursor = 0;
	struct call *c;
	struct room *r;
	pool_handle h;

	while ((c = pool_next(&s->calls, &cursor, &h)) != NULL) {
		if (c->restored && c->member && !c->member->next && !c->member->prev &&
		    c->state != CALL_ENDING)
			member_resume(s, c);
		else if (c->restored && c->state == CALL_ENDING)
			room_member_clear(&c->member);
	}
	cursor = 0;
	while ((r = pool_next(&s->rooms, &cursor, &h)) != NULL) {
		const struct room_terms *t =
			rooms_find(s->settings.rooms, r->tenant, bytes_str(r->number));

		if (t)
			room_take_terms(s, r, t);
		r->told = true;
		r->gathered = !r->made || r->last > 1; /* one may be there alone */
		shard_room_claim_start(s, r);
		if (r->follows)
			shard_room_follow(s, r, r->follows);
		shard_room_hurry(s, r);
	}
}

/* What is told of rooms. Of their members their calls tell (sig/call/conference.c). */

static_assert(sizeof(((struct sig_event *)0)->endpoint) == ROOM_STREAM_MAX, "it fits");

static struct sig_event *room_event(struct shard *s, const struct room *r, enum sig_event_kind kind)
{
	struct effect *e = effects_add(&s->effects, EFFECT_EVENT);
	struct sig_event *event = e ? calloc(1, sizeof(*event)) : NULL;

	if (!event) {
		if (e)
			s->effects.count--;
		return NULL;
	}
	e->call = r->id;
	e->event = event;
	event->kind = kind;
	event->room = r->id;
	event->version = r->version;
	event->member = r->host;
	event->recording = r->parts.recording.number;
	memcpy(event->endpoint, r->parts.live.endpoint, sizeof(event->endpoint));
	(void)bytes_cstr(bytes_str(tenants_name(s->settings.tenants, r->tenant)), event->tenant,
			 sizeof(event->tenant));
	(void)bytes_cstr(bytes_str(r->number), event->number, sizeof(event->number));
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
	struct sig_event *event = room_event(s, r, SIG_CONFERENCE_ASKED);

	if (event)
		(void)bytes_cstr(user, event->from, sizeof(event->from));
	LOG_INFO("conference", r->id, "one who was not invited has called it",
		 LOG_BYTES("from", user), LOG_U64("host", r->host));
}

void shard_room_publish(struct shard *s, const struct room *r, enum sig_event_kind kind,
			const char *reason)
{
	struct sig_event *event = room_event(s, r, kind);

	if (event)
		event->reason = reason;
	LOG_INFO("conference", r->id, room_sentence(kind),
		 LOG_STR("kind", room_kind_name((enum room_kind)r->kind)),
		 LOG_STR("number", r->number), LOG_U64("members", r->count),
		 LOG_U64("host", r->host), LOG_STR("what", reason ? reason : ""));
}

/* Video of conferences: who sends what somebody else cannot decode is asked to send otherwise. */
