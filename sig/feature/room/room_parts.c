/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that a room has in addition to its mix (shard_room.h): the roster for watchers (RFC
 * 4575), the parties that are to join it, and what it plays, records and streams. All of it follows
 * from the room's value and is settled in its turn, so a successor requests the same. Parties join
 * only when their calls have no save pending, since the records of both change in one
 * transaction. */

#include <errno.h>

#include "base/log.h"
#include "sig/call/identity.h"
#include "sig/call/legs.h"
#include "sig/call/prompts.h"
#include "sig/call/wait.h"
#include "sig/feature/room/shard_room.h"
#include "sig/model/payer.h"
#include "sig/model/recording.h"
#include "sig/pbx/conference.h"
#include "sig/pbx/replace.h"
#include "sig/room/room.h"
#include "sig/sip/lex.h"
#include "sig/step/step.h"

/* The members of a room for its watchers (RFC 4575): each call updates its party, and the room
 * works out the difference. */

enum { FACE_URI_MAX = 128 };

struct room *shard_room_named(const struct shard *s, uint16_t tenant, struct bytes user)
{
	struct room *r = shard_room_called(s, tenant, user);
	uint64_t id;

	if (r || !conf_name_get(user, &id))
		return r;
	r = shard_room_find(s, id);
	return r && r->object.tenant == tenant && !r->number[0] && !r->name[0] ? r : NULL;
}

/* ---- a member ---- */

static enum conference_status face_of_asked(const struct call *c)
{
	const struct leg *l = call_caller(c);

	if (!l->outbound || l->state != LEG_EARLY)
		return CONFERENCE_PENDING;
	return l->uac && l->uac->state >= UAC_PROCEEDING ? CONFERENCE_ALERTING
							 : CONFERENCE_DIALING_OUT;
}

static enum conference_status face_status(const struct call *c)
{
	if (c->member->asks)
		return face_of_asked(c);
	if (c->parting_ns)
		return CONFERENCE_DISCONNECTING;
	if (c->member->waits)
		return CONFERENCE_PENDING;
	if (!conference_speaks(c) || conference_is_held(c))
		return CONFERENCE_ON_HOLD;
	return c->member->muted ? CONFERENCE_MUTED : CONFERENCE_CONNECTED;
}

static enum conference_way face_way(const struct call *c)
{
	bool in = !c->member->asks && conference_speaks(c) && !conference_is_held(c);
	bool sends = in && !c->member->muted, hears = in && !c->member->deaf;

	if (sends)
		return hears ? CONFERENCE_BOTH : CONFERENCE_SENDS;
	return hears ? CONFERENCE_RECEIVES : CONFERENCE_NEITHER;
}

/* A hidden member is shown as present only (RFC 3323), each as an anonymous one of its own (RFC
 * 4575 5.6). */
static struct bytes face_nobody(const struct call *c, uint8_t space[FACE_URI_MAX])
{
	struct writer w = writer_over(space, FACE_URI_MAX);

	writer_number(&w, "sip:anonymous", c->member->number, "@anonymous.invalid");
	return writer_done(&w);
}

static struct bytes face_uri(const struct shard *s, const struct call *c, bool hidden,
			     uint8_t space[FACE_URI_MAX])
{
	struct writer w = writer_over(space, FACE_URI_MAX);
	const char *realm = tenants_realm(shard_settings(s)->tenants, c->tenant);
	struct bytes user = call_leg_user(c, c->bridge.caller);

	if (hidden || !lex_is_token(user))
		return face_nobody(c, space);
	writer_str(&w, "sip:");
	writer_bytes(&w, user);
	WRITER_TEXTS(&w, "@", realm[0] ? realm : shard_settings(s)->digest.realm);
	return w.overflow ? face_nobody(c, space) : writer_done(&w);
}

static struct bytes face_display(const struct shard *s, const struct call *c, bool hidden)
{
	const struct leg *l = call_caller(c);
	const struct shard_extension *e =
		l->user.n ? shard_extension_find(s, c->tenant, text_bytes(&l->user)) : NULL;
	struct sip_name_addr party;

	if (hidden)
		return (struct bytes){ 0 };
	if (e && e->display_name[0])
		return bytes_str(e->display_name);
	return sip_name_addr_parse(&party, text_bytes(&l->dialog.remote)) ? (struct bytes){ 0 }
									  : party.display;
}

/* A member that only listens to two, or coaches one of them, is hidden (MON-04). */
static bool face_is_hidden(const struct room_member *m)
{
	return m->monitors && (m->muted || m->coaches);
}

static void face_read(const struct shard *s, const struct room *r, const struct call *c,
		      uint8_t space[FACE_URI_MAX], struct room_face *out)
{
	const struct leg *l = call_caller(c);
	bool hidden = identity_is_hidden(c, l);

	*out = (struct room_face){
		.user = conference_user(c),
		.uri = face_uri(s, c, hidden, space),
		.display = face_display(s, c, hidden),
		.status = (uint8_t)face_status(c),
		.joined = l->outbound ? CONFERENCE_DIALED_OUT : CONFERENCE_DIALED_IN,
		.way = (uint8_t)face_way(c),
		.host = !c->member->asks && r->host == c->member->number,
		.there = !c->member->asks,
	};
}

static void room_watch(struct shard *s, const struct call *c)
{
	struct room *r = c->member && c->state < CALL_ENDING && call_caller(c)
				 ? shard_room_find(s, c->member->room)
				 : NULL;
	uint8_t space[FACE_URI_MAX];
	struct room_face face;

	if (!r || (!c->member->next && !c->member->prev && r->first != c->member))
		return;
	if (face_is_hidden(c->member)) {
		roster_withdraw(r, c->member);
	} else {
		face_read(s, r, c, space, &face);
		(void)roster_update(r, c->member, &face);
	}
	if (r->roster.change != r->told_change)
		object_hurry(s, &r->object);
}

/* ---- the room ---- */

static void watched_host(struct shard *s, const struct room *r, uint16_t number)
{
	const struct room_member *m = number ? room_number_of(r, number) : NULL;
	const struct call *c = m ? shard_member_call(s, m) : NULL;

	if (c)
		room_watch(s, c);
}

void shard_room_watched(struct shard *s, struct room *r)
{
	uint8_t space[ROOM_USER_MAX];

	if (r->told_host != r->host) {
		watched_host(s, r, r->told_host);
		watched_host(s, r, r->host);
		r->told_host = r->host;
	}
	if (r->told_locked != r->locked) {
		roster_describe(&r->roster);
		r->told_locked = r->locked;
	}
	if (r->told_change == r->roster.change)
		return;
	r->told_change = r->roster.change;
	shard_conference_changed(s, r->object.tenant, room_name(r, space));
}

static void shown_read(const void *room, const struct roster_link *link,
		       struct conference_member *out)
{
	static uint8_t space[ROOM_ENDPOINT_MAX];
	const struct room_member *m = roster_entry_member(link);
	const struct roster_entry *t = &m->told;

	(void)room;
	*out = (struct conference_member){
		.name = roster_entry_name(m, space),
		.display = text_bytes(&t->display),
		.host = t->host,
		.status = (enum conference_status)t->status,
		.joined = (enum conference_joined)t->joined,
		.joined_utc_ms = m->joined_utc_ms,
		.audio = true,
		.audio_way = (enum conference_way)t->way,
	};
}

static bool shown_has(const void *room, struct bytes user)
{
	return room_has_user(room, user);
}

bool shard_room_seen(void *owner, uint16_t tenant, struct bytes user, struct conference_view *out)
{
	const struct shard *s = owner;
	const struct room *r = shard_room_named(s, tenant, user);
	const struct room_terms *t =
		r ? rooms_find(shard_settings(s)->rooms, tenant, bytes_str(r->number)) : NULL;

	if (!r)
		return false;
	*out = (struct conference_view){
		.id = r->object.id,
		.room = r,
		.title = bytes_str(t ? t->name : NULL),
		.count = r->told_count,
		.count_max = r->max_members,
		.locked = r->locked,
		.roster = &r->roster,
		.read = shown_read,
		.has = shown_has,
	};
	return true;
}

static void rosters_close(struct shard *s)
{
	uint32_t cursor = 0;
	struct room *r;

	while (shard_objects(s)->pool.slots && (r = shard_room_next(s, &cursor)) != NULL)
		roster_close(&r->roster);
}

/* Parties of calls join a room. Their records may change only while no save of them is pending (ADR
 * 2), so the room's record has the pending joins, and they happen when possible: a kill in between
 * delays them. */

enum { BRING_AGAIN_MS = 20, BRING_ASK_MS = 1000, BRING_MS = 10000 };

static uint16_t room_inviter(const struct room *r)
{
	return r->host;
}

/* The leg that goes to a call of its own. */
static enum shard_leg goes(const struct room_pending *comes)
{
	if (comes->leaves != SHARD_LEG_NONE)
		return (enum shard_leg)comes->leaves;
	return comes->host == SHARD_LEG_CALLEE ? SHARD_LEG_CALLER : SHARD_LEG_CALLEE;
}

static enum refusal bring_call(struct shard *s, struct room *r, const struct room_pending *comes,
			       struct call *c, struct call *to)
{
	struct call_conference to_conference = { .room = r,
						 .to = to,
						 .host = (enum shard_leg)comes->host,
						 .leaves = comes->leaves != SHARD_LEG_NONE,
						 .inviter = room_inviter(r) };
	struct call_order order = { .kind = ORDER_CONFERENCE,
				    .leg = goes(comes),
				    .to_conference = &to_conference };
	const struct call_event ev = { .kind = CALL_EV_ORDER, .order = &order };

	shard_call_step(s, c, &ev);
	return order.refused;
}

/* Both ask for their saves at once. */
static void bring_start(struct shard *s, struct call *to, bool leaves)
{
	const struct call_event next = { .kind = CALL_EV_RELEASE };
	const struct call_event hangup = { .kind = CALL_EV_HANGUP, .transferred = true };

	shard_established_add(s);
	shard_call_step(s, to, leaves ? &hangup : &next);
}

/* A call that a supervisor comes to was recorded: what is said goes on to be, until the pair has
 * its call again, and that its own recording (MON-04). */
static void bring_record(struct room *r, const struct call *c)
{
	const struct room_member *m = r->first;
	bool monitored =
		r->parts.record == ROOM_RECORD_AUTO || (m && !m->asks && (m->monitors || m->takes));
	bool recorded = false;

	for (uint8_t i = 0; c->recordings && i < c->recordings->count; i++) {
		const struct recording *x = &c->recordings->list[i];

		recorded |= x->cause != RECORDING_MESSAGE && x->to == RECORD_TO_FILES && !x->paused;
	}
	if (r->kind == ROOM_STATION)
		r->parts.record = monitored && recorded ? ROOM_RECORD_AUTO : ROOM_RECORD_OFF;
}

static enum refusal bring_pair(struct shard *s, struct room *r, const struct room_pending *comes,
			       struct call *c)
{
	struct call *to = shard_call_allocate(s, shard_call_new_id(s), c->tenant, c->emergency);
	enum refusal refused;

	if (!to)
		return REFUSED_CALLS_FULL;
	call_init(shard_host(s), to);
	bring_record(r, c);
	refused = payer_share(shard_host(s), c, to);
	if (!refused)
		refused = bring_call(s, r, comes, c, to);
	if (refused)
		shard_call_give(s, to);
	else
		bring_start(s, to, comes->leaves != SHARD_LEG_NONE);
	return refused;
}

static void bring_request(struct shard *s, struct room *r, const struct room_pending *comes)
{
	struct bytes tenant = bytes_str(tenants_name(shard_settings(s)->tenants, r->object.tenant));
	struct request_conference *to_conference =
		effects_request(shard_effects(s), EFFECT_CONFERENCE, comes->call, 0,
				EFFECT_TEXTS(tenant, bytes_str(comes->user)));

	if (!to_conference)
		return;
	to_conference->room = r->object.id;
	to_conference->dialog = comes->dialog;
}

/* Its shard sends the parties (object_follow). The request is repeated until one has joined:
 * messages to other nodes may be lost. */
static enum refusal bring_remote(struct shard *s, struct room *r, const struct room_pending *comes)
{
	if (r->arrived) {
		r->arrived = 0;
		return 0;
	}
	if (r->pending_retry_ns <= shard_host(s)->now.ns) {
		r->pending_retry_ns = shard_host(s)->now.ns + BRING_ASK_MS * NS_PER_MS;
		bring_request(s, r, comes);
	}
	return REFUSED_CHANGING;
}

/* If it is a member already, a previous process was killed before it reported so. */
static enum refusal bring_one(struct shard *s, struct room *r, const struct room_pending *comes)
{
	struct call *c = shard_call_find(s, comes->call);

	if (id_shard(comes->call) != shard_settings(s)->number)
		return bring_remote(s, r, comes);
	if (!c || c->tenant != r->object.tenant || c->state == CALL_ENDING)
		return REFUSED_NO_CALL;
	if (c->member)
		return c->member->room == r->object.id ? REFUSED_NOT : REFUSED_IN_CONFERENCE;
	c->joins_room = r->object.id;
	if (c->state != CALL_ESTABLISHED)
		return REFUSED_CHANGING;
	return call_is_alone(c) ? bring_call(s, r, comes, c, NULL) : bring_pair(s, r, comes, c);
}

static void room_awaited(struct shard *s, uint64_t call)
{
	struct call *c = shard_call_find(s, call);
	struct room *r = c && c->joins_room ? shard_room_find(s, c->joins_room) : NULL;

	if (!r)
		return;
	c->joins_room = 0;
	if (r->pending_count)
		object_turn(s, &r->object);
}

static void pending_drop(struct room *r)
{
	r->pending_count--;
	for (uint8_t i = 0; i < r->pending_count; i++)
		r->comes[i] = r->comes[i + 1];
	r->pending_until_ns = r->pending_retry_ns = 0;
	object_touch(&r->object);
}

/* Of that one. */
static void bring_instead(struct shard *s, const struct room_pending *comes, struct call *place)
{
	struct call_replacing r = { .by = comes->call };
	const struct call_event ev = { .kind = CALL_EV_REPLACE,
				       .leg = place->bridge.caller,
				       .replacing = &r };

	shard_call_step(s, place, &ev);
}

/* To the call that asked for it. */
static void bring_notify(struct shard *s, const struct room_pending *comes, uint16_t status)
{
	const struct call_event ev = { .kind = CALL_EV_FOCUS,
				       .version = comes->refer,
				       .error = status };
	struct call *c = comes->referrer ? shard_call_find(s, comes->referrer) : NULL;

	if (!c || !c->member)
		return;
	if (id_shard(comes->call) != shard_settings(s)->number)
		shard_call_step(s, c, &ev);
	else if (status == 200)
		bring_instead(s, comes, c);
}

static void bring_failed(const struct room *r, enum refusal refused)
{
	char id[ID_TEXT_LEN];

	id_call_put(id, r->comes[0].call);
	LOG_WARN("conference", r->object.id, "a call does not come into the conference",
		 LOG_BYTES("call", bytes_mem(id, sizeof(id))),
		 LOG_STR("reason", refusals[refused].words));
}

/* A party rung for the room joins first, or none does. */
static bool bring_waits(struct room *r)
{
	if (r->count || !r->pending_count)
		return !r->pending_count;
	if (r->awaits && !r->asking) {
		r->pending_count = 0;
		object_touch(&r->object);
	}
	r->awaits = r->asking;
	return r->asking || !r->pending_count;
}

void shard_room_bring(struct shard *s, struct room *r)
{
	struct room_pending over;

	r->pending_ns = 0;
	while (!bring_waits(r)) {
		enum refusal refused = bring_one(s, r, &r->comes[0]);

		if (!r->pending_until_ns)
			r->pending_until_ns = shard_host(s)->now.ns + BRING_MS * NS_PER_MS;
		if (refused == REFUSED_CHANGING && shard_host(s)->now.ns < r->pending_until_ns) {
			r->pending_ns = shard_host(s)->now.ns + BRING_AGAIN_MS * NS_PER_MS;
			return;
		}
		if (refused)
			bring_failed(r, refused);
		over = r->comes[0];
		pending_drop(r);
		bring_notify(s, &over, refused ? 480 : 200);
	}
}

static_assert((int)ROOM_FILES_MAX == (int)PROMPT_FILES_MAX &&
		      (int)ROOM_FILE_MAX == PROMPT_NAME_MAX + 1 &&
		      (int)ROOM_TIMES_MAX == (int)PROMPT_TIMES_MAX,
	      "files as those that a caller hears");

/* ---- what is asked for ---- */

void shard_room_part_stop(struct shard *s, const struct room *r, uint64_t serial)
{
	if (serial)
		(void)effects_add(shard_effects(s), EFFECT_PLAY_STOP, r->object.id, serial);
}

/* Its serial; 0: it is tried again with the next turn. */
static uint64_t play_request(struct shard *s, const struct room *r, struct bytes file,
			     uint64_t from_ms, bool resumed)
{
	const struct tenants *tenants = shard_settings(s)->tenants;
	uint64_t serial = rand_u64_from(shard_host(s)->rand) | 1;
	struct request_room_play *play = effects_request(
		shard_effects(s), EFFECT_ROOM_PLAY, r->object.id, serial,
		EFFECT_TEXTS(bytes_str(tenants_name(tenants, r->object.tenant)),
			     bytes_str(tenants_terms(tenants, r->object.tenant)->language), file));

	if (!play) {
		LOG_ERROR("conference", r->object.id, "no memory for what is to be played");
		return 0;
	}
	play->job = r->job;
	play->rate_hz = r->rate_hz ? r->rate_hz : ROOM_RATE_HZ;
	play->begin_ms = from_ms;
	play->resumed = resumed;
	return serial;
}

static struct bytes sound_file(const struct room_input *heard, char space[PROMPT_NAME_MAX])
{
	bool enters = heard->sound == ROOM_SOUND_ENTRY;
	struct writer w = writer_over(space, PROMPT_NAME_MAX);
	char id[ID_TEXT_LEN];

	if (!heard->name)
		return enters ? BYTES_LIT(PROMPT_BEEP_ENTRY) : BYTES_LIT(PROMPT_BEEP_EXIT);
	if (heard->named)
		return enters ? BYTES_LIT(PROMPT_BY_NAME "conference-joined")
			      : BYTES_LIT(PROMPT_BY_NAME "conference-left");
	id_call_put(id, heard->call);
	writer_str(&w, PROMPT_SPOKEN);
	writer_mem(&w, id, sizeof(id));
	writer_number(&w, "-", heard->name, "");
	return writer_done(&w);
}

static void live_request(struct shard *s, struct room *r)
{
	char file[sizeof(PROMPT_LIVE) + ROOM_STREAM_MAX];
	struct writer w = writer_over(file, sizeof(file));

	WRITER_TEXTS(&w, PROMPT_LIVE, r->parts.live.endpoint);
	r->parts.live.serial = play_request(s, r, writer_done(&w), 0, r->parts.live.resumed);
}

void shard_room_parts_settle(struct shard *s, struct room *r)
{
	struct room_parts *p = &r->parts;
	char space[PROMPT_NAME_MAX];

	shard_room_record_settle(s, r);
	if (!r->job.generation)
		return;
	if (p->sounds.count && !p->sounds.serial)
		p->sounds.serial =
			play_request(s, r, sound_file(&p->sounds.list[0], space), 0, false);
	if (p->play.count && !p->play.serial)
		p->play.serial =
			play_request(s, r, bytes_str(p->play.files[p->play.at]),
				     room_play_ms(&p->play, shard_host(s)->now.utc_ms), false);
	if (p->live.endpoint[0] && !p->live.serial)
		live_request(s, r);
}

/* A tone that was interrupted is not repeated. */
void shard_room_parts_lost(struct shard *s, struct room *r)
{
	struct room_parts *p = &r->parts;

	shard_room_part_stop(s, r, p->sounds.serial);
	shard_room_part_stop(s, r, p->play.serial);
	shard_room_part_stop(s, r, p->live.serial);
	shard_room_part_stop(s, r, p->recording.serial);
	p->sounds = (struct room_sounds){ 0 };
	p->live.resumed |= p->live.serial != 0;
	p->play.serial = p->live.serial = p->recording.serial = 0;
}

void shard_room_parts_end(struct shard *s, struct room *r)
{
	shard_room_record_end(s, r);
	shard_room_play_over(s, r, "ended");
	shard_room_live_over(s, r, "ended");
	shard_room_parts_lost(s, r);
}

/* ---- what has become of it ---- */

static void room_publish_part(struct shard *s, struct room *r, enum sig_event_kind kind,
			      const char *reason)
{
	object_touch(&r->object);
	shard_room_publish(s, r, kind, reason);
}

void shard_room_play_over(struct shard *s, struct room *r, const char *reason)
{
	struct room_play *p = &r->parts.play;

	if (!p->count)
		return;
	shard_room_part_stop(s, r, p->serial);
	*p = (struct room_play){ .order = p->order };
	room_publish_part(s, r, SIG_CONFERENCE_PLAYED, reason);
}

void shard_room_live_over(struct shard *s, struct room *r, const char *reason)
{
	struct room_live *l = &r->parts.live;

	if (!l->endpoint[0])
		return;
	shard_room_part_stop(s, r, l->serial);
	l->serial = 0;
	room_publish_part(s, r, SIG_CONFERENCE_STREAM_ENDED, reason);
	*l = (struct room_live){ 0 };
}

/* Phones that still ring for it ring no more. */
void shard_room_live_end(struct shard *s, struct room *r, const char *reason)
{
	bool whole = bytes_starts(bytes_str(r->parts.live.endpoint), ROOM_STREAM_SOURCE);

	shard_room_live_over(s, r, reason);
	if (whole)
		shard_room_hang_up(s, r);
}

static void room_play_on_reply(struct shard *s, struct room *r, enum prompt_reply_kind kind)
{
	struct room_play *p = &r->parts.play;

	switch (kind) {
	case PROMPT_REPLY_PLACE: /* of one caller's */
		return;
	case PROMPT_REPLY_OPEN:
		if (!p->since_utc_ms) {
			p->since_utc_ms = shard_host(s)->now.utc_ms;
			object_touch(&r->object);
		}
		return;
	case PROMPT_REPLY_ENDED:
		if (room_play_next(p))
			object_touch(&r->object);
		else
			room_publish_part(s, r, SIG_CONFERENCE_PLAYED, "end");
		return;
	case PROMPT_REPLY_FAILED:
		p->serial = 0;
		shard_room_play_over(s, r, "failed");
		return;
	}
}

static void room_live_on_reply(struct shard *s, struct room *r, enum prompt_reply_kind kind)
{
	if (kind == PROMPT_REPLY_OPEN)
		return;
	r->parts.live.serial = 0;
	shard_room_live_end(s, r, kind == PROMPT_REPLY_ENDED ? "end" : "failed");
}

/* Of what is not asked for any more nothing is done. */
void shard_room_on_play(struct shard *s, struct room *r, const struct prompt_reply *outcome)
{
	struct room_parts *p = &r->parts;

	if (outcome->serial == p->sounds.serial && outcome->kind != PROMPT_REPLY_OPEN)
		room_sound_played(&p->sounds, outcome->kind == PROMPT_REPLY_ENDED);
	else if (outcome->serial == p->play.serial)
		room_play_on_reply(s, r, outcome->kind);
	else if (outcome->serial == p->live.serial)
		room_live_on_reply(s, r, outcome->kind);
	else if (outcome->serial == p->recording.serial && outcome->kind == PROMPT_REPLY_FAILED)
		shard_room_record_failed(s, r, -EIO);
	object_hurry(s, &r->object);
}

const struct shard_hooks room_hooks = {
	.closing = rosters_close,
	.resuming = shard_rooms_resume,
	.call_settled = room_watch,
	.call_saved = room_awaited,
	.call_gone = shard_room_part,
};
