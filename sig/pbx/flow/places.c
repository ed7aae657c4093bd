/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs that give the caller to a place, or a party to the caller: a slot, a room, a ringing or a
 * parked call. The modules of these places do the work; this file makes the request of a flow, and
 * derives its outcome. Each place is looked at as it is now, so a successor finds what its
 * predecessor would have. */
#include "base/json.h"
#include "sig/call/call_end.h"
#include "sig/call/cdr.h"
#include "sig/call/identity.h"
#include "sig/call/prompts.h"
#include "sig/call/wait.h"
#include "sig/host/programs.h"
#include "sig/host/settings.h"
#include "sig/model/flow_run.h"
#include "sig/model/transfer.h"
#include "sig/pbx/conference.h"
#include "sig/pbx/flow/flow.h"
#include "sig/pbx/media_stream.h"
#include "sig/pbx/park.h"
#include "sig/pbx/pick.h"
#include "sig/pbx/remote_shard.h"
#include "sig/pbx/retrieve.h"
#include "sig/pbx/slot.h"
#include "sig/sip/id.h"

enum {
	PLACE_AGAIN_MS = 1000,
	PICKUP_WAIT_MS = 5000, /* the store answers within its own deadline */
	NOTIFY_VALUES_MAX = 1024,
	STREAM_WAIT_MS = 2000,
	CALLBACK_ASK_MS = 5000,
	CALLBACK_TIMES = 12,
	CALLBACK_NUMBER = 64,
};

/* Which party authorizes the argument's text: the tenant (user empty) if it is literal in the
 * program, else the caller. Returns false if the caller is not a user of ours. */
static bool place_word_of(const struct flow_turn_of *t, const char *arg, struct bytes *user)
{
	const struct leg *l = call_caller(t->c);

	*user = (struct bytes){ 0 };
	if (!verb_value(t->v, arg)->given || step_text_is_plain(t->v->step, arg, 0))
		return true;
	*user = l->trunk.n ? (struct bytes){ 0 } : text_bytes(&t->c->from);
	return user->n;
}

/* It has no peer, and none is to come. */
static bool place_is_lost(const struct call *c)
{
	return c->state == CALL_ESTABLISHED && call_is_alone(c) && !c->park && !c->member &&
	       (!c->transfer || c->transfer->state == TRANSFER_FAILED);
}

/* ---- park ---- */

static int verb_park(struct flow_turn_of *t)
{
	const struct transfer_request ask = { .leg = LEG_NONE, .ordered = true };
	const char *arg = verb_value(t->v, "slot")->given ? "slot" : "group";
	struct flow_run *r = t->c->run;
	struct park_place place;
	struct bytes user;

	if (!place_word_of(t, arg, &user) ||
	    !t->h->services->parking->named_slot(t->h->owner, t->c->tenant, user,
						 verb_text(t->v, "slot"), verb_text(t->v, "group"),
						 &place) ||
	    park_start(t->c, &ask, &place, NULL))
		return OUTCOME_FAILED;
	r->kind = RUN_PARK;
	r->status = 0;
	r->until_ns = t->h->now.ns + verb_number(t->v, "timeout_s") * NS_PER_MS;
	return VERB_BEGUN;
}

/* ---- conference ---- */

/* A caller that supplied the name enters the room as any caller does: it is asked for the PIN,
 * which decides its role. */
static uint8_t room_enters(const struct flow_turn_of *t, const struct room_terms *room)
{
	bool host = verb_number(t->v, "moderator");
	bool muted = verb_number(t->v, "muted") || (room->muted && !host);

	if (!step_text_is_plain(t->v->step, "name", 0))
		return 0;
	return ENTERS_ADMITTED | (muted ? ENTERS_MUTED : 0) | (host ? ENTERS_HOST : 0) |
	       (verb_number(t->v, "beep") ? ENTERS_BEEPS : 0);
}

/* As one that is up is transferred there: the room may be on another node, or begin now. */
static int verb_conference(struct flow_turn_of *t)
{
	const struct transfer_request ask = { .leg = LEG_NONE, .ordered = true };
	struct bytes name = verb_text(t->v, "name");
	const struct room_terms *room = rooms_find(t->h->settings->rooms, t->c->tenant, name);
	struct flow_run *r = t->c->run;

	if (!room || room->factory || text_set(&r->called, text_bytes(&t->c->to)) ||
	    curl_transfer_start(t->c, &ask, name, (struct bytes){ 0 }))
		return OUTCOME_FAILED;
	t->c->transfer->enters = room_enters(t, room);
	if (t->c->transfer->enters)
		t->c->transfer->enters_most = (uint16_t)verb_number(t->v, "max");
	r->kind = RUN_CONFERENCE;
	r->target = 0;
	r->status = 0;
	r->after = step_branch(t->p, t->v->step, OUTCOME_NEXT) ? AFTER_ANSWER : 0;
	return VERB_BEGUN;
}

/* ---- pickup ---- */

static bool pickup_is_rung(const struct call_host *h, const struct call *c)
{
	return h->services->directory->extension(h->owner, c->tenant, text_bytes(&c->run->value));
}

/* That shard is asked as by a phone: the caller is rung through to it. */
static int pickup_remote(struct call_host *h, struct call *c, uint64_t owner)
{
	const struct transfer_request ask = { .leg = LEG_NONE, .ordered = true };
	struct bytes target = text_bytes(&c->run->value);
	char name[RETRIEVE_NAME_MAX];
	struct transfer_there there = { .shard = id_shard(owner) };

	if (pickup_is_rung(h, c))
		pick_name_put(name, owner);
	else
		retrieve_name_put(name, owner, target);
	there.member = bytes_str(name);
	return transfer_begin_remote(c, &ask, target, &there) ? OUTCOME_FAILED : VERB_BEGUN;
}

/* A parked party joins this call; of a ringing call the caller is taken. */
static int pickup_local(struct call_host *h, struct call *c, uint64_t owner)
{
	const struct transfer_request ask = { .leg = LEG_NONE, .ordered = true };
	const struct call *other = h->services->calls->find(h->owner, owner);
	struct transfer_with with = { .call = owner, .peer = LEG_NONE };

	if (pickup_is_rung(h, c)) {
		if (!other || other->tenant != c->tenant || !call_is_ringing(other) ||
		    pick_is_promised(h, other))
			return OUTCOME_NONE;
		c->replaces = (struct call_replaces){ .call = owner, .leg = LEG_NONE };
		h->services->calls->step(h->owner, owner,
					 &(struct call_event){ .kind = CALL_EV_PICK,
							       .version = c->id });
		return VERB_BEGUN;
	}
	with.leg = other->bridge.caller;
	return transfer_begin_with(c, &ask, &with) ? OUTCOME_FAILED : VERB_BEGUN;
}

static int pickup_start(struct call_host *h, struct call *c, const struct pick_reply *found)
{
	c->run->picks = c->run->until_ns = 0;
	outbox_touch(&c->out);
	if (!found->call)
		return found->status == 404 || found->status == 486 ? OUTCOME_NONE : OUTCOME_FAILED;
	if (found->call == c->id)
		return OUTCOME_NONE;
	if (text_set(&c->run->called, text_bytes(&c->to)))
		return OUTCOME_FAILED;
	return id_shard(found->call) == h->settings->number ? pickup_local(h, c, found->call)
							    : pickup_remote(h, c, found->call);
}

/* An extension may take its own calls: that is the right of a flow that names it. */
static int pickup_find(struct flow_turn_of *t, bool rung, struct bytes user)
{
	struct flow_run *r = t->c->run;
	struct bytes target = text_bytes(&r->value);
	struct pick_reply found;

	r->picks = retrieve_find(t->h, t->c, rung, user.n ? user : target, target, &found);
	r->until_ns = t->h->now.ns + (rung ? RETRIEVE_REMOTE_MS : PICKUP_WAIT_MS) * NS_PER_MS;
	if (r->picks)
		return VERB_BEGUN;
	return rung ? pickup_start(t->h, t->c, &found) : OUTCOME_FAILED;
}

static int verb_pickup(struct flow_turn_of *t)
{
	struct bytes target = verb_text(t->v, "target"), user;
	struct flow_run *r = t->c->run;
	struct park_place place;
	bool rung;

	if (!place_word_of(t, "target", &user) || text_set(&r->value, target))
		return OUTCOME_FAILED;
	rung = pickup_is_rung(t->h, t->c);
	if (!rung && !t->h->services->parking->named_slot(t->h->owner, t->c->tenant, user, target,
							  (struct bytes){ 0 }, &place))
		return OUTCOME_FAILED;
	r->kind = RUN_PICKUP;
	r->status = 0;
	r->after = !rung && step_branch(t->p, t->v->step, OUTCOME_NEXT) ? AFTER_ANSWER : 0;
	return pickup_find(t, rung, user);
}

static void pickup_known(struct call_host *h, struct call *c, const struct pick_reply *found)
{
	int outcome = pickup_start(h, c, found);

	if (outcome >= 0)
		flow_ended(c, (enum flow_outcome)outcome);
}

void place_replied(struct call_host *h, struct call *c, const struct reply *reply)
{
	struct pick_reply found;

	if (!flow_picks(c) || !c->run->picks || c->run->picks != reply->park.serial)
		return;
	found = retrieve_found(h, c, pickup_is_rung(h, c), text_bytes(&c->run->value),
			       &reply->park);
	pickup_known(h, c, &found);
}

/* The store, or another node, did not report the party in time. */
static void pickup_overdue(struct call_host *h, struct call *c)
{
	struct pick_reply found = retrieve_late(h, c, pickup_is_rung(h, c),
						text_bytes(&c->run->value), c->run->picks);

	pickup_known(h, c, &found);
}

static int pickup_outcome(const struct call *c)
{
	if (c->run->picks || c->replaces.call || !place_is_lost(c))
		return VERB_BEGUN;
	switch (c->run->status) {
	case 0:
		return VERB_AGAIN;
	case 404:
	case 481:
	case 486:
	case 487:
		return OUTCOME_NONE;
	default:
		return OUTCOME_FAILED;
	}
}

/* ---- notify ---- */

/* What is a secret is not shown. */
static void values_write(struct writer *w, const struct flow_verb *v)
{
	const struct flow_value *data = verb_value(v, "data");

	writer_u8(w, '{');
	for (uint8_t i = data->first; i < data->first + data->count; i += 2) {
		writer_str(w, i > data->first ? "," : "");
		json_write_text(w, v->texts[i]);
		writer_u8(w, ':');
		json_write_text(w, v->secrets[i + 1] ? BYTES_LIT("***") : v->texts[i + 1]);
	}
	writer_u8(w, '}');
}

/* Its position is saved: a successor may say the same again, under the same visit. */
static int verb_notify(struct flow_turn_of *t)
{
	uint8_t space[NOTIFY_VALUES_MAX];
	struct writer w = writer_over(space, sizeof(space));
	struct sig_event *e;

	values_write(&w, t->v);
	e = w.overflow ? NULL : call_publish(t->h, t->c, SIG_CALL_NOTIFY);
	event_put(e, EV_NAME, verb_text(t->v, "event"));
	event_put_number(e, EV_VISIT, t->v->visit);
	event_put(e, EV_VALUES, writer_done(&w));
	return e ? OUTCOME_NEXT : OUTCOME_FAILED;
}

/* ---- stream ---- */

enum { HEAR_PLAYED };

/* As by call.stream of a party: the application hears the caller through the verbs that follow, and
 * sends nothing. A slow application is not waited for. */
static int stream_listens(struct flow_turn_of *t)
{
	struct media_stream_terms terms = { .sides = (uint8_t)(MEDIA_STREAM_FROM_PARTY +
							       verb_number(t->v, "hear")) };
	struct call *c = t->c;

	if (bytes_cstr(verb_text(t->v, "endpoint"), terms.endpoint, sizeof(terms.endpoint)) ||
	    media_stream_start(t->h, c, c->bridge.caller, &terms, 0))
		return OUTCOME_FAILED;
	c->run->kind = RUN_STREAM;
	c->run->until_ns = t->h->now.ns + STREAM_WAIT_MS * NS_PER_MS;
	return VERB_BEGUN;
}

/* As by call.stream: sound goes both ways until the application ends it. */
static int verb_stream(struct flow_turn_of *t)
{
	struct prompt_terms terms = { .times = 1, .file_count = 1 };
	struct writer w = writer_over(terms.files[0], PROMPT_NAME_MAX);

	if (verb_number(t->v, "hear") != HEAR_PLAYED)
		return stream_listens(t);
	writer_str(&w, PROMPT_LIVE);
	writer_bytes(&w, verb_text(t->v, "endpoint"));
	if (w.overflow || prompts_collect(t->h, t->c, &terms, 0))
		return OUTCOME_FAILED;
	t->c->run->kind = RUN_PROMPTS;
	return VERB_BEGUN;
}

static int verb_queue(struct flow_turn_of *t)
{
	return t->h->services->queueing->begin(t);
}

static bool callback_from_queue(const struct queue_wait *w, struct bytes queue)
{
	return w && w->left && !w->agent[0] && bytes_is(queue, w->name);
}

/* He keeps the place that he had in the queue. The command decides whether his number may be
 * called. */
static int verb_callback(struct flow_turn_of *t)
{
	const struct queue_wait *w = t->c->run->queue;
	bool times = verb_value(t->v, "from")->given || verb_value(t->v, "until")->given;
	bool keyed = verb_value(t->v, "number")->given;
	struct bytes queue = verb_text(t->v, "queue");
	uint8_t of_times[CALLBACK_TIMES], of_number[CALLBACK_NUMBER], of_since[24], of_priority[4];
	struct writer hours = writer_over(of_times, sizeof(of_times)),
		      number = writer_over(of_number, sizeof(of_number)),
		      since = writer_over(of_since, sizeof(of_since)),
		      priority = writer_over(of_priority, sizeof(of_priority));
	struct verb_member members[7] = { { "queue", queue } };
	size_t n = 1;

	if (times && !verb_times(t->v, &hours))
		return OUTCOME_INVALID;
	writer_bytes(&number, keyed ? verb_text(t->v, "number")
				    : cdr_number(t->h, t->c, text_bytes(&t->c->from)));
	if (!queue.n && w)
		members[0].value = queue = bytes_str(w->name);
	members[n++] = (struct verb_member){ "number", writer_done(&number) };
	if (keyed)
		members[n++] = (struct verb_member){ "keyed", BYTES_LIT("true"), true };
	else if (identity_is_hidden(t->c, call_caller(t->c)))
		members[n++] = (struct verb_member){ "hides", BYTES_LIT("true"), true };
	if (hours.n)
		members[n++] = (struct verb_member){ "times", writer_done(&hours) };
	if (callback_from_queue(w, queue)) {
		writer_number(&since, "", w->joined_utc_ms, "");
		members[n++] = (struct verb_member){ "since_utc_ms", writer_done(&since), true };
		writer_number(&priority, "", w->priority, "");
		members[n++] = (struct verb_member){ "priority", writer_done(&priority), true };
	}
	return number.overflow ? OUTCOME_FAILED
			       : verb_command(t, "callback.create", members, CALLBACK_ASK_MS);
}

/* ---- the table ---- */

const struct flow_act g_place_acts[] = {
	{ "park", true, verb_park },          { "conference", true, verb_conference },
	{ "pickup", true, verb_pickup },      { "stream", true, verb_stream },
	{ "notify", false, verb_notify },     { "queue", true, verb_queue },
	{ "callback", false, verb_callback }, { 0 },
};

int place_look(struct call *c)
{
	struct flow_run *r = c->run;

	if (r->kind == RUN_PICKUP)
		return pickup_outcome(c);
	if (r->kind == RUN_STREAM)
		return !c->media_stream           ? OUTCOME_FAILED
		       : c->media_stream->started ? OUTCOME_NEXT
						  : VERB_BEGUN;
	if (c->member && !c->member->asks && !r->target) {
		r->target = 1;
		outbox_touch(&c->out);
	}
	if (!place_is_lost(c))
		return VERB_BEGUN;
	flow_called_back(c);
	if (r->target)
		return OUTCOME_NEXT;
	if (!r->status)
		return VERB_AGAIN;
	return r->status == 486 ? OUTCOME_FULL : OUTCOME_FAILED;
}

/* A pickup in progress has it. */
int place_overdue(struct call_host *h, struct call *c)
{
	if (c->run->kind == RUN_PICKUP) {
		pickup_overdue(h, c);
		return VERB_BEGUN;
	}
	if (!c->park || !call_is_alone(c) || c->transfer || pick_is_promised(h, c)) {
		c->run->until_ns = h->now.ns + PLACE_AGAIN_MS * NS_PER_MS;
		return VERB_BEGUN;
	}
	place_leave(h, c);
	return OUTCOME_TIMEOUT;
}

void place_leave(struct call_host *h, struct call *c)
{
	if (c->park && !c->park->asks)
		park_end(h, c);
	if (c->member)
		conference_leave(h, c, "elsewhere");
}
