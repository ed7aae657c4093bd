/* SPDX-License-Identifier: Apache-2.0 */
/* What is ordered of conferences, and shown of them. */
#include <string.h>

#include "sig/call/originate.h"
#include "sig/call/wait.h"
#include "sig/feature/room/shard_room.h"
#include "sig/model/call_order.h"
#include "sig/pbx/conference.h"
#include "sig/pbx/remote_shard.h"
#include "sig/step/step.h"

static bool is_pending_already(const struct room *r, uint64_t call)
{
	for (uint8_t i = 0; i < r->pending_count; i++) {
		if (r->comes[i].call == call)
			return true;
	}
	return false;
}

/* Its parties are to come. False: too many are. */
static bool shard_room_comes_add(struct room *r, const struct call *c, enum shard_leg host,
				 enum shard_leg leaves)
{
	if (c->member || is_pending_already(r, c->id))
		return true;
	if (r->pending_count == ROOM_COMES_MAX)
		return false;
	r->comes[r->pending_count++] = (struct room_pending){ .call = c->id,
							      .host = (uint8_t)host,
							      .leaves = (uint8_t)leaves };
	object_touch(&r->object);
	return true;
}

/* Why the call cannot be part of a conference. */
static enum refusal shard_may_join_conference(const struct call *c, enum shard_leg leg, bool host)
{
	if (c->state == CALL_ENDING)
		return REFUSED_NO_CALL;
	if (c->state != CALL_ESTABLISHED && !call_is_answered_alone(c))
		return REFUSED_NOT_ESTABLISHED;
	if (c->park && !c->park->asks)
		return REFUSED_PARKED;
	if (c->transfer)
		return REFUSED_TRANSFER_OPEN;
	return host && leg == SHARD_LEG_NONE && call_callee(c) ? REFUSED_OWNER_NOT_NAMED
							       : REFUSED_NOT;
}

/* CONF-04: returns false if incoming_bound is set, the leg that is left is the inviter's of an
 * incoming call, and the inviter has no call waiting. */
static bool shard_may_bring(const struct shard *s, const struct call *c, enum shard_leg leaves)
{
	const struct leg *l = leaves == SHARD_LEG_CALLEE ? call_callee(c) : NULL;
	const struct shard_forward *f;

	if (!shard_settings(s)->conferences.incoming_bound || !l || !l->outbound)
		return true;
	f = shard_forward_of(s, c->tenant, text_bytes(&l->user));
	return f &&
	       (f->call_waiting == CALL_WAITING_SINGLE || f->call_waiting == CALL_WAITING_MULTIPLE);
}

/* The leg of a pair that is his; NONE: neither. */
static enum shard_leg shard_leg_of_user(const struct call *c, struct bytes user)
{
	if (!user.n || !call_callee(c))
		return SHARD_LEG_NONE;
	if (bytes_eq(user, text_bytes(&call_caller(c)->user)))
		return SHARD_LEG_CALLER;
	return bytes_eq(user, text_bytes(&call_callee(c)->user)) ? SHARD_LEG_CALLEE
								 : SHARD_LEG_NONE;
}

/* The parties of a call of this shard go into a conference of another one (EFFECT_CONFERENCE). */

static bool was_given(const struct shard *s, const struct call *c, uint64_t room)
{
	const struct room *r = c->member ? shard_room_find(s, c->member->room) : NULL;

	return r && r->object.follows == room;
}

/* The call with the leaving party, found by its dialog: that is where it is now, and belongs to
 * that user alone. Returns NULL if not found. */
static const struct call *give_find(const struct shard *s, const struct shard_conference_give *give,
				    enum shard_leg *leaves)
{
	struct id_tag tag = { .call = give->call, .leg = (uint8_t)(give->dialog - 1U) };
	const struct call *c;

	*leaves = SHARD_LEG_NONE;
	if (!give->dialog) {
		c = shard_call_find(s, give->call);
		*leaves = c ? shard_leg_of_user(c, give->leaves) : SHARD_LEG_NONE;
		return c;
	}
	forward_follow(shard_forwards(s), &tag);
	c = shard_call_find(s, tag.call);
	if (!c || !call_callee(c) || !bridge_has(c, tag.leg) ||
	    !bytes_eq(text_bytes(&c->legs[tag.leg]->user), give->leaves))
		return NULL;
	*leaves = tag.leg == c->bridge.caller ? SHARD_LEG_CALLER : SHARD_LEG_CALLEE;
	return c;
}

/* Why its parties cannot come there. */
static enum refusal may_join_remote_conference(const struct call *c)
{
	if (conference_is_remote(c, c->bridge.caller) ||
	    (call_callee(c) && conference_is_remote(c, c->bridge.callee)))
		return REFUSED_IN_CONFERENCE; /* there already */
	return shard_may_join_conference(c, SHARD_LEG_NONE, false);
}

/* They are a conference here, until all of them are there. */
enum refusal shard_conference_give(struct shard *s, uint16_t tenant,
				   const struct shard_conference_give *give, struct instant now)
{
	enum shard_leg leaves;
	const struct call *c = give_find(s, give, &leaves);
	enum refusal refused;
	struct room *r;

	shard_set_now(s, now);
	if (!c || c->tenant != tenant || id_shard(give->room) == shard_settings(s)->number)
		return REFUSED_NO_CALL;
	if (c->member)
		return was_given(s, c, give->room) ? REFUSED_NOT : REFUSED_IN_CONFERENCE;
	refused = may_join_remote_conference(c);
	if (!refused && !shard_may_bring(s, c, leaves))
		refused = REFUSED_NO_WAITING;
	if (refused)
		return refused;
	r = shard_room_add(s, shard_call_new_id(s), tenant, (struct bytes){ 0 });
	if (!r)
		return REFUSED_CONFERENCES_FULL;
	(void)shard_room_comes_add(r, c, SHARD_LEG_NONE, leaves); /* the first one */
	object_follow(s, &r->object, give->room);
	object_turn(s, &r->object);
	return 0;
}

/* ---- who comes ---- */

enum { REMOTE_PARTIES = 2 }; /* of a call that is not here, at most */

static uint32_t call_parties(const struct call *c)
{
	return call_callee(c) ? 2 : 1;
}

static bool conference_is_made(struct shard *s, const struct shard_conference_request *o,
			       struct room **out)
{
	const struct call *c = o->call ? shard_call_find(s, o->call) : NULL;

	*out = c && c->member ? conference_room(shard_host(s), c) : shard_room_find(s, o->room);
	return *out;
}

static const struct leg *conference_leg(const struct call *c, enum shard_leg leg)
{
	return leg == SHARD_LEG_CALLEE ? call_callee(c) : call_caller(c);
}

/* The party that is in the other call, too: its second leg is left. */
static enum shard_leg same_party(const struct call *of, enum shard_leg leg, const struct call *c)
{
	const struct leg *l = conference_leg(of, leg);

	return shard_leg_of_user(c, l ? text_bytes(&l->user) : (struct bytes){ 0 });
}

/* The other call is his own, with the node alone: with an application, or a mailbox (CONF-14). */
static bool is_own_alone(const struct call *of, enum shard_leg leg, const struct call *c)
{
	const struct leg *l = conference_leg(of, call_callee(of) ? leg : SHARD_LEG_CALLER);

	return !call_callee(c) && l && l->user.n &&
	       bytes_eq(text_bytes(&l->user), text_bytes(&call_caller(c)->user));
}

static enum refusal conference_one(const struct shard *s, const struct shard_conference_request *o,
				   bool host, const struct call *first, const struct call **out)
{
	const struct call *c = shard_call_find(s, host ? o->call : o->with);
	enum refusal refused;

	if (!c || (first && c->tenant != first->tenant))
		return REFUSED_NO_CALL;
	if (c == first)
		return REFUSED_SAME_CALL;
	refused = shard_may_join_conference(c, host ? o->leg : SHARD_LEG_NONE, host && !c->member);
	if (!refused && c->member && !host)
		refused = REFUSED_IN_CONFERENCE;
	*out = c;
	return refused;
}

struct room *shard_room_of_calls(struct shard *s, uint64_t id, uint16_t tenant)
{
	struct room *r = shard_room_add(s, id, tenant, (struct bytes){ 0 });

	if (!r)
		return NULL;
	if (shard_settings(s)->conferences.station_members)
		r->max_members = (uint16_t)shard_settings(s)->conferences.station_members;
	r->talkers = (uint8_t)shard_settings(s)->conferences.station_talkers;
	r->parts.tones_most = (uint16_t)shard_settings(s)->conferences.tones_most;
	return r;
}

static struct room *conference_find_room(struct shard *s, const struct shard_conference_request *o,
					 uint16_t tenant)
{
	struct room *r;

	return conference_is_made(s, o, &r) ? r : shard_room_of_calls(s, o->room, tenant);
}

/* Its shard is asked to send its parties (room_parts.c). user: a member already. */
static bool pending_add_remote(struct room *r, const struct room_pending *comes, struct bytes user)
{
	struct room_pending *to = &r->comes[r->pending_count];

	/* the first asker is notified of the result, and no other */
	if (is_pending_already(r, comes->call))
		return !comes->referrer;
	if (r->pending_count == ROOM_COMES_MAX)
		return false;
	*to = *comes;
	if (bytes_cstr(user, to->user, sizeof(to->user)))
		return false;
	r->pending_count++;
	r->arrived = 0;
	object_touch(&r->object);
	return true;
}

void shard_room_comes_instead(struct room *r, uint64_t call, uint64_t place)
{
	for (uint8_t i = 0; i < r->pending_count; i++) {
		if (r->comes[i].call == call)
			r->comes[i].referrer = place;
	}
}

/* The leg of the host; for a party alone its own. */
static enum shard_leg host_leg(const struct call *c, enum shard_leg leg)
{
	return call_callee(c) ? leg : SHARD_LEG_CALLER;
}

/* CONF-02: programs may be given fewer than phones. */
static bool conference_is_full(const struct shard *s, const struct room *r, uint32_t more)
{
	uint32_t most = shard_settings(s)->conferences.command_members;

	return room_is_full(r, more) ||
	       (r->kind == ROOM_STATION && most && r->count + r->asking + more > most);
}

static enum refusal conference_gather(const struct shard *s, struct room *r,
				      const struct shard_conference_request *o,
				      const struct call *c, const struct call *with)
{
	enum shard_leg left = with ? same_party(c, o->leg, with) : SHARD_LEG_NONE;
	uint32_t more = (c->member ? 0 : call_parties(c)) +
			(with ? call_parties(with) - (left != SHARD_LEG_NONE) : 0);
	uint8_t before = r->pending_count;

	if (conference_is_full(s, r, more + o->rings))
		return REFUSED_MEMBERS_FULL;
	if (with && !shard_may_bring(s, with, left))
		return REFUSED_NO_WAITING;
	if (with && is_own_alone(c, o->leg, with))
		return REFUSED_OWN_CALL;
	if (!shard_room_comes_add(r, c, host_leg(c, o->leg), SHARD_LEG_NONE) ||
	    (with && !shard_room_comes_add(r, with, SHARD_LEG_NONE, left)) ||
	    (!with && o->with &&
	     !pending_add_remote(r, &(struct room_pending){ .call = o->with },
				 bytes_str(o->host)))) {
		r->pending_count = before;
		return REFUSED_ROOM_CHANGING;
	}
	return 0;
}

/* One that was made for nothing goes. */
static enum refusal conference_end(struct shard *s, struct room *r, enum refusal refused)
{
	object_hurry(s, &r->object);
	return refused;
}

static bool conference_at_remote(const struct shard *s, const struct shard_conference_request *o)
{
	return o->with && remote_shard_is_reachable(shard_settings(s), id_shard(o->with));
}

/* Whether his leg in the other call is left, too. */
static void conference_host(const struct shard *s, struct shard_conference_request *o)
{
	const struct call *c = shard_call_find(s, o->call);
	const struct leg *l =
		c ? conference_leg(c, call_callee(c) ? o->leg : SHARD_LEG_CALLER) : NULL;

	if (!l || bytes_cstr(text_bytes(&l->user), o->host, sizeof(o->host)))
		o->host[0] = '\0';
}

/* The joining parties, and the room; nothing waits yet. */
static enum refusal conference_make(struct shard *s, struct shard_conference_request *o,
				    struct room **out)
{
	const struct call *c, *with = NULL;
	enum refusal refused = conference_one(s, o, true, NULL, &c);

	if (!refused && conference_at_remote(s, o)) {
		o->rings = REMOTE_PARTIES;
	} else if (!refused && o->with) {
		refused = conference_one(s, o, false, c, &with);
		o->of_with = refused != REFUSED_NOT;
	}
	if (refused)
		return refused;
	*out = conference_find_room(s, o, c->tenant);
	if (!*out)
		return REFUSED_CONFERENCES_FULL;
	refused = conference_gather(s, *out, o, c, with);
	if (!refused && o->endpoint)
		refused = shard_room_parts_order(
			s, *out,
			&(struct shard_room_order){ .act = SHARD_ROOM_STREAM,
						    .endpoint = o->endpoint });
	return refused ? conference_end(s, *out, refused) : REFUSED_NOT;
}

static enum refusal conference_wait(struct shard *s, struct room *r, const struct shard_order *by)
{
	enum refusal refused = object_wait(s, &r->object, by) ? REFUSED_NOT : REFUSED_ROOM_CHANGING;

	object_turn(s, &r->object);
	return refused;
}

enum refusal shard_conference_request(struct shard *s, struct shard_conference_request *o,
				      struct instant now)
{
	enum refusal refused = REFUSED_NOT;
	struct room *r;

	shard_set_now(s, now);
	conference_host(s, o);
	r = shard_room_find(s, o->room);
	if (!r) /* else by the same command, perhaps by another process */
		refused = conference_make(s, o, &r);
	if (refused)
		return refused;
	o->room = r->object.id;
	return conference_wait(s, r, o->by);
}

/* ---- into one that is there ---- */

/* For a call of a remote shard: that shard is asked to send its parties. */
static enum refusal conference_into_remote(struct shard *s,
					   const struct shard_conference_request *o, struct room *r)
{
	if (!remote_shard_is_reachable(shard_settings(s), id_shard(o->call)))
		return REFUSED_NO_CALL;
	if (room_is_full(r, REMOTE_PARTIES))
		return REFUSED_MEMBERS_FULL;
	if (!pending_add_remote(r, &(struct room_pending){ .call = o->call }, (struct bytes){ 0 }))
		return REFUSED_ROOM_CHANGING;
	return conference_wait(s, r, o->by);
}

enum refusal shard_conference_into(struct shard *s, struct shard_conference_request *o,
				   struct instant now)
{
	const struct call *c = shard_call_find(s, o->call);
	struct room *r = shard_room_find(s, o->room);
	enum refusal refused;

	shard_set_now(s, now);
	o->of_with = !r;
	if (r && id_shard(o->call) != shard_settings(s)->number)
		return conference_into_remote(s, o, r);
	if (!r)
		return REFUSED_NO_CONFERENCE;
	if (!c || c->tenant != r->object.tenant)
		return REFUSED_NO_CALL;
	if (c->member)
		return c->member->room == r->object.id ? conference_wait(s, r, o->by)
						       : REFUSED_IN_CONFERENCE;
	refused = shard_may_join_conference(c, o->leg, false);
	if (refused)
		return refused;
	if (conference_is_full(s, r, call_parties(c)))
		return REFUSED_MEMBERS_FULL;
	if (!shard_room_comes_add(r, c, SHARD_LEG_NONE, SHARD_LEG_NONE))
		return REFUSED_ROOM_CHANGING;
	return conference_wait(s, r, o->by);
}

/* ---- who is rung for it ---- */

/* If the conference begins now, the rung target is the first, and the host the second. */
static uint16_t coached_number(const struct shard *s, const struct shard_conference_request *o)
{
	const struct call *c = shard_call_find(s, o->call);

	return c && c->member ? c->member->number : 2;
}

static struct conference_terms monitor_terms(const struct shard *s,
					     const struct shard_conference_request *o)
{
	uint16_t of_party = coached_number(s, o);

	return (struct conference_terms){
		.coaches = o->monitors == MONITORS_COACHES ? of_party : MEMBER_NOBODY,
		.takes = o->monitors == MONITORS_TAKES ? of_party : MEMBER_NOBODY,
		.muted = o->monitors == MONITORS_LISTENS || o->muted,
		.monitors = o->monitors == MONITORS_LISTENS || o->monitors == MONITORS_COACHES
	};
}

/* Who is in it already is not rung: it does something else from now on. */
static bool monitor_change(struct shard *s, const struct shard_conference_request *o,
			   const struct room *r)
{
	const struct conference_terms terms = monitor_terms(s, o);

	for (const struct room_member *m = o->monitors ? r->first : NULL; m && !m->asks;
	     m = m->next) {
		struct call *c = shard_member_call(s, m);

		if (!c || !bytes_is(conference_user(c), o->to) || c->id == o->call)
			continue;
		conference_change(shard_host(s), c, &terms);
		if (!shard_call_settle(s, c))
			shard_call_give(s, c);
		return true;
	}
	return false;
}

static enum refusal ring_start(struct shard *s, const struct shard_conference_request *o,
			       struct room *r, struct call *c, const struct call_originate *start)
{
	const struct conference_terms terms = monitor_terms(s, o);
	struct call_refusal refusal = { 0 };
	bool begins = !r->first; /* one who comes later changes nothing of its recording */
	enum refusal refused = conference_add_pending(shard_host(s), c, r);

	if (refused)
		return refused;
	c->member->inviter = o->inviter ? o->inviter : r->host;
	c->member->referrer = o->referrer;
	c->member->refer = o->refer;
	if (o->monitors && begins && r->kind == ROOM_STATION)
		r->parts.record = ROOM_RECORD_AUTO; /* if the call is (room_parts.c) */
	c->member->monitors = terms.monitors;
	c->member->muted = terms.muted;
	c->member->beeps = o->told;
	c->member->coaches = terms.coaches;
	c->member->takes = terms.takes;
	refused = call_originate(shard_host(s), c, start, &refusal);
	if (!refused)
		return REFUSED_NOT;
	txns_refuse_for(shard_txns(s), refusal.reason);
	return refused == REFUSED_TOLL_CALLS || refused == REFUSED_TOLL_MINUTES ||
			       refused == REFUSED_OUTSIDE_NUMBER
		       ? REFUSED_MAY_NOT_CALL
		       : REFUSED_CONFERENCES_FULL;
}

static bool ring_target(struct shard *s, uint16_t tenant, const char *to, struct call_target *out)
{
	struct sip_uri uri = { .scheme = BYTES_LIT("tel"), .user = bytes_str(to) };
	struct call_target list[BINDINGS_MAX];

	if (!shard_targets_of(s, tenant, &uri, list, COUNT_OF(list)))
		return false;
	*out = list[0];
	return true;
}

/* The caller shown to rung targets: the party of the host, or the number of the room. */
static struct bytes ring_name(const struct shard *s, const struct room *r,
			      const struct shard_conference_request *o)
{
	const struct call *c = o->call ? shard_call_find(s, o->call) : NULL;
	const struct leg *l = c ? conference_leg(c, o->leg) : NULL;
	struct bytes user = { 0 };

	if (c && c->member)
		user = conference_user(c);
	else if (l)
		user = text_bytes(&l->user);
	if (user.n)
		return user;
	return r->number[0] ? bytes_str(r->number) : BYTES_LIT("conference");
}

/* The best phone of an extension; or, in the name of one, a number outside. */
static enum refusal ring_find(struct shard *s, uint16_t tenant,
			      const struct shard_conference_request *o, char number[ROUTE_USER_MAX],
			      struct call_originate *start)
{
	const struct call *by = o->subject ? shard_call_find(s, o->call) : NULL;
	enum refusal refused;

	if (!by || shard_extension_of(s, tenant, bytes_str(o->to)))
		return ring_target(s, tenant, o->to, &start->target) ? REFUSED_NOT
								     : REFUSED_NOT_REGISTERED;
	refused = shard_room_way(s, by, o, number, &start->target);
	start->from = bytes_str(number);
	start->payer = bytes_str(o->subject);
	return refused;
}

/* The user who asks, or the user named by an operator; an operator has no quota. Returns false
 * without a payer. */
static bool ring_payer(const struct shard *s, const struct shard_conference_request *o,
		       const struct room *r, struct quota_name *out)
{
	const struct room_member *m = o->inviter ? room_number_of(r, o->inviter) : NULL;
	const struct call *by = m         ? shard_member_call(s, m)
				: o->call ? shard_call_find(s, o->call)
					  : NULL;
	const struct leg *l = by && !by->member ? conference_leg(by, o->leg)
			      : by              ? call_caller(by)
						: NULL;

	return l && shard_payer(s, r->object.tenant,
				by->member ? conference_user(by) : text_bytes(&l->user),
				&l->dialog.hop, out);
}

static enum refusal ring_charge(struct shard *s, const struct shard_conference_request *o,
				const struct room *r, struct call *c)
{
	struct call_refusal why;
	struct quota_name name;

	if (!ring_payer(s, o, r, &name) || !shard_call_charge(s, c, &name, &why))
		return REFUSED_NOT;
	if (o->refusal)
		*o->refusal = why;
	return why.reason;
}

static enum refusal ring_may(struct shard *s, const struct shard_conference_request *o,
			     const struct room *r)
{
	struct call_refusal why;

	if (shard_tenant_may_call(s, r->object.tenant, &why))
		return REFUSED_NOT;
	if (o->refusal)
		*o->refusal = why;
	return why.reason;
}

/* By any member and any number of times: it rings the phones of one number, and one leg outside.
 * there: nor where it is in the room. */
static bool rings_already(const struct shard *s, const struct room *r, struct bytes user,
			  bool there)
{
	for (const struct room_member *m = r->first; m; m = m->next) {
		const struct call *c = m->asks || there ? shard_member_call(s, m) : NULL;

		if (c && (!m->asks || !conference_was_dialled(c)) &&
		    bytes_eq(m->asks ? text_bytes(&c->from) : conference_user(c), user))
			return true;
	}
	return false;
}

static enum refusal ring(struct shard *s, const struct shard_conference_request *o, struct room *r)
{
	struct call_originate start = { .from = bytes_str(o->to),
					.to = ring_name(s, r, o),
					.auto_answer = o->auto_answer };
	char number[ROUTE_USER_MAX];
	enum refusal refused = ring_find(s, r->object.tenant, o, number, &start);
	struct call *c;

	if (refused)
		return refused;
	if (rings_already(s, r, start.from, o->once))
		return REFUSED_RINGS_ALREADY;
	refused = ring_may(s, o, r);
	if (refused)
		return refused;
	c = shard_call_allocate(s, o->rung, r->object.tenant, false);
	if (!c)
		return REFUSED_CALLS_FULL;
	refused = ring_charge(s, o, r, c);
	if (!refused)
		refused = ring_start(s, o, r, c, &start);
	if (!refused) {
		room_invite(r, start.from, true);
		object_touch(&r->object);
	}
	if (refused || !shard_call_settle(s, c))
		shard_call_give(s, c);
	return refused;
}

enum refusal shard_conference_ring(struct shard *s, struct shard_conference_request *o,
				   struct instant now)
{
	enum refusal refused = REFUSED_NOT;
	struct room *r;

	shard_set_now(s, now);
	r = shard_room_find(s, o->room);
	if (shard_is_draining(s))
		return REFUSED_DRAINING;
	if (r && shard_call_find(s, o->rung)) /* as above */
		return conference_wait(s, r, o->by);
	o->rings = 1;
	if (!r && o->opens)
		r = shard_host(s)->services->rooms->open(s, o->opens);
	if (o->call)
		refused = conference_make(s, o, &r);
	else if (!r)
		return o->opens ? REFUSED_CONFERENCES_FULL : REFUSED_NO_CONFERENCE;
	if (!refused && !o->call && conference_is_full(s, r, 1))
		return REFUSED_MEMBERS_FULL;
	if (!refused && !monitor_change(s, o, r))
		refused = ring(s, o, r);
	if (refused) {
		if (r && o->call && !r->count)
			r->pending_count = 0;
		return r ? conference_end(s, r, refused) : refused;
	}
	o->room = r->object.id;
	return conference_wait(s, r, o->by);
}

/* ---- the whole of it ---- */

static enum refusal room_rule(const struct room *r, uint16_t in_name_of)
{
	const struct room_member *by;

	if (in_name_of == MEMBER_NOBODY)
		return 0;
	by = room_number_of(r, in_name_of);
	if (!by)
		return REFUSED_NO_MEMBER;
	return room_may(r, by, ROOM_RULE, NULL) ? REFUSED_NOT : REFUSED_NOT_HOST;
}

static void room_lock(struct shard *s, struct room *r, bool on)
{
	if (r->locked == on)
		return;
	r->locked = on;
	object_touch(&r->object);
	shard_room_publish(s, r, SIG_CONFERENCE_CHANGED, on ? "locked" : "unlocked");
}

/* The next one that is changed; NULL: that was all. */
static const struct room_member *member_to_change(const struct room *r,
						  const struct room_member *by, uint16_t after)
{
	for (const struct room_member *m = r->first; m; m = m->next) {
		if (!m->asks && m->number > after && m != by && m->number != r->host &&
		    (!by || room_may(r, by, ROOM_CHANGE, m)))
			return m;
	}
	return NULL;
}

/* Its host keeps the word, and so does who orders it (CALL-09, CONF-11). */
static enum refusal members_change(struct shard *s, const struct room *r, uint16_t in_name_of,
				   enum order_member what, bool on)
{
	const struct room_member *by =
		in_name_of == MEMBER_NOBODY ? NULL : room_number_of(r, in_name_of);
	const struct room_member *m = member_to_change(r, by, 0);
	struct call_order order = { .kind = ORDER_MEMBER, .member = (uint8_t)what, .on = on };
	const struct call_event ev = { .kind = CALL_EV_ORDER, .order = &order };

	if (in_name_of != MEMBER_NOBODY && !by)
		return REFUSED_NO_MEMBER;
	if (!m && by && r->count > 1)
		return REFUSED_NOT_HOST;
	while (m) {
		struct call *c = shard_member_call(s, m);
		uint16_t number = m->number;

		if (c)
			shard_call_step(s, c, &ev);
		m = member_to_change(r, by, number);
	}
	return 0;
}

static bool room_act_is_of_members(enum shard_room_act act)
{
	return act == SHARD_ROOM_MUTE || act == SHARD_ROOM_UNMUTE || act == SHARD_ROOM_HOLD ||
	       act == SHARD_ROOM_RESUME;
}

enum refusal shard_conference_order(struct shard *s, uint64_t room,
				    const struct shard_room_order *o, struct instant now)
{
	enum refusal refused = REFUSED_NOT;
	struct room *r;

	shard_set_now(s, now);
	r = shard_room_find(s, room);
	if (!r)
		return REFUSED_NO_CONFERENCE;
	if (!room_act_is_of_members(o->act))
		refused = room_rule(r, o->in_name_of);
	if (refused)
		return refused;
	switch (o->act) {
	case SHARD_ROOM_MUTE:
	case SHARD_ROOM_UNMUTE:
		refused =
			members_change(s, r, o->in_name_of, MEMBER_MUTE, o->act == SHARD_ROOM_MUTE);
		break;
	case SHARD_ROOM_HOLD:
	case SHARD_ROOM_RESUME:
		refused =
			members_change(s, r, o->in_name_of, MEMBER_HOLD, o->act == SHARD_ROOM_HOLD);
		break;
	case SHARD_ROOM_LOCK:
	case SHARD_ROOM_UNLOCK:
		room_lock(s, r, o->act == SHARD_ROOM_LOCK);
		break;
	case SHARD_ROOM_END:
		shard_room_hang_up(s, r);
		break;
	case SHARD_ROOM_PLAY:
	case SHARD_ROOM_STREAM:
	case SHARD_ROOM_PLAY_STOP:
	case SHARD_ROOM_STREAM_STOP:
	case SHARD_ROOM_RECORD:
		refused = shard_room_parts_order(s, r, o);
		break;
	}
	return refused ? refused : conference_wait(s, r, o->by);
}

/* ---- what is shown ---- */

static void view_fill(const struct shard *s, const struct room *r, struct room_view *out)
{
	*out = (struct room_view){
		.room = r->object.id,
		.tenant = tenants_name(shard_settings(s)->tenants, r->object.tenant),
		.kind = room_kind_name((enum room_kind)r->kind),
		.number = r->number,
		.members = r->count,
		.asking = r->asking,
		.host = r->host,
		.locked = r->locked,
		.max_members = r->max_members,
		.created_utc_ms = r->object.created_utc_ms,
		.version = r->object.version,
		.saved = r->object.version == r->object.acked,
		.mixes = r->job.generation != 0,
		.recording = r->parts.recording.number,
		.recording_paused = r->parts.recording.paused,
		.plays = r->parts.play.files[r->parts.play.at],
		.endpoint = r->parts.live.endpoint,
		.apart = r->object.claim == OBJECT_APART,
	};
}

bool shard_conference_view(const struct shard *s, uint64_t room, struct room_view *out)
{
	const struct room *r = shard_room_find(s, room);

	if (r)
		view_fill(s, r, out);
	return r;
}

bool shard_conference_next(const struct shard *s, uint32_t *cursor, struct room_view *out)
{
	const struct room *r = shard_room_next(s, cursor);

	if (r)
		view_fill(s, r, out);
	return r;
}

void shard_conference_members(const struct shard *s, uint64_t room, shard_member_fn *each,
			      void *arg)
{
	const struct room *r = shard_room_find(s, room);

	for (const struct room_member *m = r ? r->first : NULL; m; m = m->next) {
		const struct call *c = shard_member_call(s, m);
		struct member_view v = { .call = m->call,
					 .number = m->number,
					 .inviter = m->inviter,
					 .coaches = m->coaches,
					 .gain_db = m->gain_db,
					 .muted = m->muted,
					 .deaf = m->deaf,
					 .asks = m->asks,
					 .monitors = m->monitors,
					 .host = r->host && r->host == m->number,
					 .joined_utc_ms = m->joined_utc_ms };

		v.held = c && conference_speaks(c) ? conference_is_held(c) : m->held;
		v.away = !c || !conference_speaks(c);
		v.from = c ? text_bytes(&c->from) : (struct bytes){ 0 };
		each(&v, arg);
	}
}

uint64_t shard_call_room(const struct shard *s, uint64_t call)
{
	const struct call *c = shard_call_find(s, call);

	return c && c->member && !c->member->asks ? c->member->room : 0;
}

/* ---- for the focus (focus_requests.c) ---- */

enum refusal shard_room_ring(struct shard *s, const struct shard_conference_request *o,
			     struct room *r)
{
	if (shard_call_find(s, o->rung)) /* asked before by the same */
		return 0;
	return room_is_full(r, 1) ? REFUSED_MEMBERS_FULL : ring(s, o, r);
}

enum refusal shard_room_expect(struct shard *s, struct room *r, struct call *c, enum shard_leg host,
			       enum shard_leg leaves)
{
	enum refusal refused =
		c->member ? REFUSED_IN_CONFERENCE : shard_may_join_conference(c, host, false);
	uint32_t more = call_parties(c) - (leaves != SHARD_LEG_NONE);

	if (!refused && !shard_may_bring(s, c, leaves))
		refused = REFUSED_NO_WAITING;
	if (refused)
		return refused;
	if (room_is_full(r, more))
		return REFUSED_MEMBERS_FULL;
	if (!shard_room_comes_add(r, c, host, leaves))
		return REFUSED_ROOM_CHANGING;
	c->joins_room = r->object.id; /* its save may be there before the room has had a turn */
	object_hurry(s, &r->object);
	return 0;
}

enum refusal shard_room_comes_remote(struct shard *s, struct room *r,
				     const struct focus_addition *a)
{
	const struct room_pending comes = { .call = a->comes,
					    .dialog = a->dialog,
					    .referrer = a->notify ? a->call : 0,
					    .refer = a->refer };

	if (!remote_shard_is_reachable(shard_settings(s), id_shard(a->comes)))
		return REFUSED_NOT_REGISTERED;
	if (room_is_full(r, 1))
		return REFUSED_MEMBERS_FULL;
	if (!pending_add_remote(r, &comes, a->user))
		return REFUSED_ROOM_CHANGING;
	object_hurry(s, &r->object);
	return 0;
}
