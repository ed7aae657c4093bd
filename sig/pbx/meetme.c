/* SPDX-License-Identifier: Apache-2.0 */
/* Calls to the number of a conference room (meetme.h). A call is admitted by lock, PIN and the
 * number of members, is answered, asked for PIN and name by prompts, and becomes a member
 * (conference.c). A room on a remote shard is reached through an INVITE with a member name; the
 * call then waits for the shard to be known (meetme_on_owner). Wrong PINs are counted as guesses
 * (sig/call/secret.h), silence is not. Also the conference factory of RFC 4579 5.1. */

#include "sig/pbx/meetme.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/cdr.h"
#include "sig/call/number_claim.h"
#include "sig/call/plan.h"
#include "sig/call/prompts.h"
#include "sig/call/secret.h"
#include "sig/call/wait.h"
#include "sig/host/settings.h"
#include "sig/model/flow_run.h"
#include "sig/model/transfer.h"
#include "sig/pbx/conference.h"
#include "sig/pbx/focus.h"
#include "sig/pbx/remote_shard.h"
#include "sig/sip/id.h"

#define ROOM_NAME_BEGINS "room-"
enum {
	PIN_TRIES = 3,
	PIN_FIRST_MS = 10000,
	PIN_NEXT_MS = 5000,
	SPACE_NAME_MAX = 64,
	NAME_MS = 5000,
	NAME_SILENCE_MS = 1000, /* at its end */
	NAME_LEAST_MS = 200,    /* shorter is silence */
};

static const struct room_terms *called_terms(const struct call_host *h, const struct room *r)
{
	return rooms_find(h->settings->rooms, r->object.tenant, bytes_str(r->number));
}

static void pin_object(char out[SECRET_OBJECT_MAX], const struct room *r)
{
	(void)snprintf(out, SECRET_OBJECT_MAX, "room %s", r->number);
}

/* So long who calls gets no answer to a PIN. */
static uint64_t pin_waits_ns(const struct call_host *h, const struct call *c, const struct room *r)
{
	char object[SECRET_OBJECT_MAX];

	pin_object(object, r);
	return secret_waits_ns(h, c, object);
}

static bool pin_is_asked(const struct room *r, const struct room_terms *t)
{
	return t && (room_asks_pin(t) || (r->locked && t->host_pin[0]));
}

/* ---- it is called ---- */

/* What a flow says that who comes is there: ENTERS_ADMITTED and so on. */
static uint8_t caller_enters(const struct call *c)
{
	return c->transfer ? c->transfer->enters : 0;
}

/* A call with Replaces takes the place of a member that the lock admitted. */
static bool lock_lets_in(const struct call *c, const struct room_terms *t)
{
	if (caller_enters(c) & ENTERS_ADMITTED)
		return caller_enters(c) & ENTERS_HOST;
	return c->replaces.call || (t && t->host_pin[0]);
}

static enum refusal room_is_closed(const struct call *c, const struct room *r,
				   const struct room_terms *t, struct call_refusal *refusal)
{
	enum refusal refused = REFUSED_NOT;

	if (r->locked && !lock_lets_in(c, t)) {
		refused = call_refuse_as(refusal, 403, REFUSED_ROOM);
		refusal->text = "the conference is locked";
	} else if (room_is_full(r, 1) ||
		   (c->transfer && room_has_most(r, c->transfer->enters_most))) {
		refused = call_refuse(refusal, REFUSED_ROOM);
		refusal->text = "the conference has the maximum number of members";
	}
	return refused;
}

/* The user part of an INVITE to a remote shard. Returns false for any other text. */
static bool meetme_name_get(struct bytes user, struct bytes *number)
{
	*number = bytes_from(user, strlen(ROOM_NAME_BEGINS));
	return bytes_starts(user, ROOM_NAME_BEGINS) && number->n;
}

/* Through to the shard of the room: media and DTMF digits go there. name: the room as that shard
 * knows it. */
static enum refusal ring_through(struct call_host *h, struct call *c, struct bytes number,
				 struct bytes display, uint16_t shard, struct bytes name,
				 struct call_refusal *refusal)
{
	const struct dialog_party party = { .local_display = display,
					    .local_user = text_bytes(&c->from),
					    .remote_user = number };

	(void)conference_focus(call_caller(c), number);
	return remote_shard_ring_name(h, c, shard, name, &party, refusal);
}

/* A party admitted by a flow has a member name of that room. */
static enum refusal ring_admitted(struct call_host *h, struct call *c, struct bytes number,
				  struct bytes display, uint64_t room, struct call_refusal *refusal)
{
	const struct member_name member = { .room = room,
					    .host = caller_enters(c) & ENTERS_HOST,
					    .muted = caller_enters(c) & ENTERS_MUTED,
					    .beeps = caller_enters(c) & ENTERS_BEEPS,
					    .most = c->transfer->enters_most };
	char name[MEMBER_NAME_MAX];

	member_name_put(name, &member);
	return ring_through(h, c, number, display, id_shard(room), bytes_str(name), refusal);
}

static enum refusal ring_other_shard(struct call_host *h, struct call *c, struct bytes number,
				     struct bytes display, uint16_t shard,
				     struct call_refusal *refusal)
{
	uint8_t space[SPACE_NAME_MAX];
	struct writer name = writer_over(space, sizeof(space));

	writer_str(&name, ROOM_NAME_BEGINS);
	writer_bytes(&name, number);
	return ring_through(h, c, number, display, shard, writer_done(&name), refusal);
}

/* The last step of the plan is the room: the caller waits for its answer, or for the shard of the
 * number. */
static enum refusal caller_asks(struct call_host *h, struct call *c, struct bytes display,
				struct room *r, struct call_refusal *refusal)
{
	if (c->member) /* of the previous step, which did not admit it */
		conference_leave(h, c, "elsewhere");
	if (call_name_set(c, display) || conference_add_pending(h, c, r))
		return call_refuse(refusal, REFUSED_MEMORY);
	c->member->admitted = caller_enters(c) & ENTERS_ADMITTED;
	c->member->muted = caller_enters(c) & ENTERS_MUTED;
	c->member->hosts = caller_enters(c) & ENTERS_HOST;
	c->member->beeps = caller_enters(c) & ENTERS_BEEPS;
	c->plan.steps[c->plan.count - 1].awaits = AWAITS_ROOM;
	c->plan.until_ns = c->ring_ns = 0;
	c->bridge.callee = LEG_NONE;
	outbox_touch(&c->out);
	return 0;
}

/* Its caller is answered. */
static enum refusal meetme_answer_caller(struct call_host *h, struct call *c,
					 struct call_refusal *refusal)
{
	enum refusal refused = wait_answer_caller(h, c, refusal);

	if (!refused)
		c->plan.steps[c->plan.count - 1].awaits = AWAITS_NOTHING;
	return refused;
}

enum refusal meetme_enter(struct call_host *h, struct call *c, struct bytes display, struct room *r,
			  struct call_refusal *refusal)
{
	const struct room_terms *t = called_terms(h, r);
	enum refusal refused = room_is_closed(c, r, t, refusal);
	bool asked = pin_is_asked(r, t) && !(caller_enters(c) & ENTERS_ADMITTED);
	uint64_t wait_ns = !refused && asked ? pin_waits_ns(h, c, r) : 0;

	if (wait_ns)
		refused = secret_refuse(wait_ns, refusal);
	if (!refused)
		refused = caller_asks(h, c, display, r, refusal);
	if (refused)
		return refused;
	/* earlier branches or the transferor are left first: then the room has its turn
	 * (object_turn) */
	if (!object_is_open(&r->object) || c->leg_count > 1 || c->transfer)
		return 0;
	refused = meetme_answer_caller(h, c, refusal);
	if (refused)
		conference_leave(h, c, "elsewhere");
	return refused;
}

/* Of that number. near: where another shard of the node has it, it is rung through to. */
static enum refusal meetme_call(struct call_host *h, struct call *c, const struct room_terms *t,
				struct bytes display, bool near, struct call_refusal *refusal)
{
	struct bytes number = bytes_str(t->number);
	bool admitted = caller_enters(c) & ENTERS_ADMITTED; /* the room's id is to be known */
	uint16_t shard =
		near && !admitted ? h->services->rooms->shard_of(h->owner, c->tenant, number) : 0;
	struct room *r;

	if (shard && remote_shard_is_reachable(h->settings, shard))
		return ring_other_shard(h, c, number, display, shard, refusal);
	r = h->services->rooms->open(h->owner, t);
	if (!r)
		return call_refuse(refusal, REFUSED_CALLS_FULL);
	if (r->object.follows &&
	    remote_shard_is_reachable(h->settings, id_shard(r->object.follows)))
		return admitted ? ring_admitted(h, c, number, display, r->object.follows, refusal)
				: ring_other_shard(h, c, number, display,
						   id_shard(r->object.follows), refusal);
	return meetme_enter(h, c, display, r, refusal);
}

/* RFC 4579 5.1: a conference of its own, with the caller as host. */
static enum refusal factory_call(struct call_host *h, struct call *c, struct bytes display,
				 struct call_refusal *refusal)
{
	const struct shard_extension *e =
		h->services->directory->extension(h->owner, c->tenant, text_bytes(&c->from));
	enum refusal refused;
	struct room *r;

	if (!extension_may(h->settings->tenants, e, ENTITLED_CONFERENCE))
		return call_refuse_as(refusal, 403, REFUSED_NOT_ENTITLED);
	r = h->services->rooms->create(h->owner, c->tenant);
	if (!r) {
		refused = call_refuse_as(refusal, 503, REFUSED_ROOM);
		refusal->text = "the tenant has as many conferences as it may have";
		return refused;
	}
	refused = meetme_enter(h, c, display, r, refusal);
	if (!refused)
		c->member->hosts = true;
	return refused;
}

/* The last step of a call's plan is the number of a room. */
static bool meetme_reached(struct call_host *h, struct call *c, const struct plan_target *at,
			   enum refusal *refused, struct call_refusal *refusal)
{
	const struct room_terms *t = plan_is_of_user(h, c, at->user)
					     ? NULL
					     : rooms_find(h->settings->rooms, c->tenant, at->user);

	if (t)
		*refused = t->factory ? factory_call(h, c, at->display, refusal)
				      : meetme_call(h, c, t, at->display, true, refusal);
	return t;
}

static bool meetme_answers(const struct call_host *h, const struct call *c, struct bytes user,
			   struct bytes number)
{
	(void)user;
	return rooms_find(h->settings->rooms, c->tenant, number);
}

/* Another shard gives a party of its conference, or of a call there, into one of ours. */
static enum refusal member_begin_remote(struct call_host *h, struct call *c,
					const struct call_start *start,
					const struct member_name *name,
					struct call_refusal *refusal)
{
	struct room *r = h->services->rooms->find(h->owner, name->room);
	enum refusal refused;

	if (!r || r->object.tenant != c->tenant)
		return call_refuse_as(refusal, 404, REFUSED_ROOM);
	if (room_is_full(r, 1) || room_has_most(r, name->most))
		return call_refuse(refusal, REFUSED_ROOM);
	refused = caller_asks(h, c, start->display, r, refusal);
	if (refused)
		return refused;
	c->member->admitted = true;
	c->member->hosts = name->host;
	c->member->inviter = r->kind == ROOM_STATION ? r->host : MEMBER_NOBODY;
	c->member->muted = name->muted;
	c->member->deaf = name->deaf;
	c->member->held = name->held;
	c->member->beeps = name->beeps;
	c->member->gain_db = name->gain_db;
	r->arrived++;
	return meetme_answer_caller(h, c, refusal);
}

static enum refusal meetme_start(struct call_host *h, struct call *c,
				 const struct call_start *start, struct call_refusal *refusal)
{
	const struct room_terms *t;
	struct member_name name;

	if (plan_add(&c->plan, start->to, PLAN_CALLED, PLAN_FIRST))
		return call_refuse(refusal, REFUSED_MEMORY);
	if (start->set->member.n && member_name_get(start->set->member, &name))
		return member_begin_remote(h, c, start, &name, refusal);
	if (start->set->away)
		return ring_through(h, c, start->set->named, start->display, start->set->away,
				    start->set->named, refusal);
	if (start->set->conference || start->set->joins)
		return focus_call_start(h, c, start, refusal);
	t = rooms_find(h->settings->rooms, c->tenant, start->to);
	if (!t || t->factory)
		return call_refuse_as(refusal, 404, REFUSED_ROOM);
	return meetme_call(h, c, t, start->display, false, refusal);
}

/* ---- which shard has it ---- */

static enum refusal ring_local_shard(struct call_host *h, struct call *c, uint64_t room,
				     struct call_refusal *refusal)
{
	uint16_t shard = id_shard(room);
	struct text number = { 0 };
	enum refusal refused;

	if (text_set(&number, bytes_str(c->member->number_called)))
		refused = call_refuse(refusal, REFUSED_MEMORY);
	else if (!remote_shard_is_reachable(h->settings, shard))
		refused = call_refuse_as(refusal, 480, REFUSED_ROOM);
	else if (caller_enters(c) & ENTERS_ADMITTED)
		refused = ring_admitted(h, c, text_bytes(&number), text_bytes(&c->display), room,
					refusal);
	else
		refused = ring_other_shard(h, c, text_bytes(&number), text_bytes(&c->display),
					   shard, refusal);
	text_clear(&number);
	if (refused)
		return refused;
	conference_leave(h, c, "elsewhere");
	c->plan.steps[c->plan.count - 1].awaits = AWAITS_NOTHING;
	return 0;
}

/* Continues its plan, or ends it. */
static void caller_refuse(struct call_host *h, struct call *c, const struct call_refusal *refusal)
{
	uint64_t room = c->member->room;
	bool next = plan_next(h, c, refusal->status == 486 ? PLAN_BUSY : PLAN_UNREACHABLE);

	if (c->member && c->member->room == room)
		conference_leave(h, c, "elsewhere");
	if (!next)
		wait_refuse(h, c, refusal);
}

void meetme_on_owner(struct call_host *h, struct call *c, const struct park_reply *new_state)
{
	struct call_refusal refusal = { .status = 500, .reason = REFUSED_MEMORY };
	enum refusal refused;

	outbox_touch(&c->out);
	if (new_state->told == PARK_OK) {
		refused = meetme_answer_caller(h, c, &refusal);
	} else if (new_state->told == PARK_TAKEN) {
		refused = ring_local_shard(h, c, new_state->owner, &refusal);
	} else {
		refused = call_refuse_as(&refusal, 503, REFUSED_ROOM);
		refusal.text = "too many rooms of the tenant are open";
	}
	if (refused)
		caller_refuse(h, c, &refusal);
}

/* ---- who it is ---- */

static bool member_joins(struct call_host *h, struct call *c, struct room *r,
			 const struct room_terms *t, bool host)
{
	const struct conference_terms terms = {
		.inviter = c->member->inviter,
		.coaches = c->member->coaches,
		.monitors = c->member->monitors,
		.muted = c->member->muted || (t && t->muted && !host && !c->member->admitted),
		.host = host
	};

	/* it may have been asked, and something else have come between */
	c->member->naming = false;
	return !conference_join(h, c, r, &terms);
}

/* Once, when it may come in. False: it cannot be. */
static bool name_request(struct call_host *h, struct call *c)
{
	const struct prompt_terms ask = { .files = { PROMPT_BY_NAME "conference-name",
						     PROMPT_BEEP },
					  .file_count = 2,
					  .times = 1,
					  .interruptible = true,
					  .ends = "#",
					  .message_max_ms = NAME_MS,
					  .message_silence_ms = NAME_SILENCE_MS,
					  .message_min_ms = NAME_LEAST_MS };

	c->member->naming = true;
	outbox_touch(&c->out);
	if (!prompts_collect(h, c, &ask, 0))
		return true;
	c->member->naming = false;
	return false;
}

/* It may join: at once, or when its name is recorded. */
static bool member_enters(struct call_host *h, struct call *c, struct room *r,
			  const struct room_terms *t, bool host)
{
	bool named = t->entry == ROOM_TONE_NAME || t->exit == ROOM_TONE_NAME;

	if (!named || c->member->naming)
		return member_joins(h, c, r, t, host);
	c->member->hosts = host;
	return name_request(h, c) || member_joins(h, c, r, t, host);
}

static void pin_prompt(struct call_host *h, struct call *c, struct bytes digits);

static void pin_request(struct call_host *h, struct call *c)
{
	struct prompt_terms ask = { .files = { PROMPT_BY_NAME "conference-pin" },
				    .file_count = 1,
				    .times = 1,
				    .interruptible = true,
				    .min = 1,
				    .max = PROMPT_DIGITS_MAX,
				    .first_ms = PIN_FIRST_MS,
				    .inter_ms = PIN_NEXT_MS,
				    .ends = "#" };

	if (c->member->tries)
		(void)bytes_cstr(BYTES_LIT(PROMPT_BY_NAME "conference-pin-wrong"), ask.files[0],
				 sizeof(ask.files[0]));
	if (prompts_collect(h, c, &ask, 0))
		pin_prompt(h, c, (struct bytes){ 0 });
}

/* It was answered, and its phone knows: it is asked, or comes in. False: it does not come. */
static bool meetme_arrives(struct call_host *h, struct call *c, struct room *r)
{
	const struct room_terms *t = called_terms(h, r);

	if (!conference_was_dialled(c) || c->member->admitted ||
	    r->kind == ROOM_STATION) /* it was invited, or may come */
		return member_joins(h, c, r, t, c->member->hosts);
	if (!t)
		return false;
	if (c->prompts) /* it is asked already: an ACK that comes again */
		return true;
	if (pin_is_asked(r, t)) {
		pin_request(h, c);
		return true;
	}
	return member_enters(h, c, r, t, false);
}

/* A flow goes on with its caller; any other call is over. */
static void member_not_let_in(struct call_host *h, struct call *c, const struct call_ending *e)
{
	if (!flow_confers(c)) {
		call_end(h, c, e);
		return;
	}
	c->run->status = e->status;
	conference_leave(h, c, "elsewhere");
}

static void turned_away(struct call_host *h, struct call *c, const char *why)
{
	const struct call_ending e = { .cause = CAUSE_UNREACHABLE,
				       .by = ENDED_BY_NODE,
				       .status = 403 };

	LOG_INFO("call", c->id, "a caller does not come into a conference", LOG_STR("reason", why),
		 LOG_BYTES("from", cdr_number(h, c, text_bytes(&c->from))));
	member_not_let_in(h, c, &e);
}

/* Silence is no guess. */
static void pin_wrong(struct call_host *h, struct call *c, const struct room *r, bool guessed)
{
	char object[SECRET_OBJECT_MAX];

	pin_object(object, r);
	outbox_touch(&c->out);
	if (guessed)
		secret_is_wrong(h, c, object);
	if (++c->member->tries < PIN_TRIES && !pin_waits_ns(h, c, r))
		pin_request(h, c);
	else
		turned_away(h, c, "no PIN of the conference");
}

/* A PIN of members says nothing against guesses of that of hosts. */
static void pin_right(struct call_host *h, struct call *c, const struct room *r,
		      const struct room_terms *t, enum room_pin pin)
{
	char object[SECRET_OBJECT_MAX];

	pin_object(object, r);
	if (pin == ROOM_PIN_HOST || !t->host_pin[0])
		secret_is_right(h, c, object);
}

static void pin_prompt(struct call_host *h, struct call *c, struct bytes digits)
{
	struct room *r = conference_room(h, c);
	const struct room_terms *t = r ? called_terms(h, r) : NULL;
	bool waits = t && digits.n && pin_waits_ns(h, c, r); /* what it gives is not looked at */
	enum room_pin pin = t && !waits ? room_pin_check(t, digits) : ROOM_PIN_WRONG;

	if (t && digits.n && pin != ROOM_PIN_WRONG)
		pin_right(h, c, r, t, pin);
	if (!t)
		turned_away(h, c, "there is no such room any more");
	else if (waits)
		turned_away(h, c, "too many wrong PINs were given: it has to wait");
	else if (pin == ROOM_PIN_WRONG)
		pin_wrong(h, c, r, digits.n);
	else if (r->locked && pin != ROOM_PIN_HOST)
		turned_away(h, c, "the conference is locked");
	else if (!member_enters(h, c, r, t, pin == ROOM_PIN_HOST))
		turned_away(h, c, "the conference is full");
}

/* It has entered its PIN, or recorded its name. */
static void meetme_on_answer(struct call_host *h, struct call *c,
			     const struct prompt_result *result)
{
	struct room *r = conference_room(h, c);

	if (!c->member)
		return;
	if (!c->member->naming) {
		pin_prompt(h, c, result->digits);
		return;
	}
	if (!r)
		turned_away(h, c, "there is no such room any more");
	else if (!member_joins(h, c, r, called_terms(h, r), c->member->hosts))
		turned_away(h, c, "the conference is full");
}

void meetme_resume(struct call_host *h, struct call *c)
{
	struct room *r = conference_room(h, c);

	if (!c->member || !c->member->asks || c->state != CALL_ESTABLISHED || c->prompts ||
	    !call_is_alone(c))
		return;
	if (!r || !meetme_arrives(h, c, r))
		turned_away(h, c, "it cannot come in");
}

/* The call that it was rung for may be gone by now. */
static void meetme_established(struct call_host *h, struct call *c)
{
	const struct call_ending gone = { .cause = CAUSE_UNREACHABLE,
					  .by = ENDED_BY_NODE,
					  .status = 480 };
	struct room *r = conference_room(h, c);

	if (!c->member || !c->member->asks || c->state != CALL_ESTABLISHED || !call_is_alone(c))
		return;
	if (!r || !meetme_arrives(h, c, r))
		member_not_let_in(h, c, &gone);
	else if (c->member && !c->member->asks)
		focus_refer_notify(h, c, 200);
}

static bool meetme_begun(struct call_host *h, struct call *c, const struct call_start *start,
			 enum refusal *refused, struct call_refusal *refusal)
{
	if (!start->set || !start->set->room)
		return false;
	*refused = meetme_start(h, c, start, refusal);
	return true;
}

/* Another shard sends a caller to a room of this one. */
static enum number_verdict meetme_claim(struct call_host *h, const struct number_request *ask,
					struct number_claimed *out, struct call_refusal *why)
{
	const struct sip_message *m = ask->invite;
	struct bytes number;

	(void)h;
	(void)why;
	if (m->hop.transport != SIP_INTER_SHARD || !meetme_name_get(m->uri.user, &number) ||
	    bytes_cstr(number, out->to, ROUTE_USER_MAX))
		return NUMBER_FREE;
	out->set.room = true;
	return NUMBER_CLAIMED;
}

const struct number_claim meetme_numbers[] = { { 0, meetme_claim }, { 0 } };

const struct module meetme_module = {
	.begun = meetme_begun,
	.resumed = meetme_resume,
	.prompted = meetme_on_answer,
	.dialled = meetme_reached,
	.answers = meetme_answers,
	.established = meetme_established,
};
