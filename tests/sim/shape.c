/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/shape.h"

#include <stdio.h>
#include <string.h>

#include "sig/call.pb-c.h"
#include "sig/call/act.h"
#include "sig/model/call.h"
#include "sig/model/recording.h"
#include "sig/record/call_codec.h"

static const char *const call_names[] = { "setup", "ringing", "answering", "established",
					  "ending" };
static const char *const leg_names[] = { "early", "answered", "confirmed", "leaving", "closed" };
static const char *const asked_names[] = { "", "-queued", "-calling", "-proceeding", "-asked" };

static const char *invite_name(Tandem__Call__InviteState state)
{
	if (state == TANDEM__CALL__INVITE_STATE__ACCEPTED)
		return "accepted";
	return state == TANDEM__CALL__INVITE_STATE__INVITE_ANSWERED ? "answered" : "open";
}

static uint32_t callee_of(const Tandem__Call__Call *in)
{
	return in->callee ? in->callee : 1;
}

static uint32_t index_of(const Tandem__Call__Call *in, size_t i)
{
	return in->legs[i]->index ? in->legs[i]->index : (uint32_t)i;
}

static bool is_by_command(const Tandem__Call__Call *in)
{
	return in->originated || (in->n_legs && in->legs[0]->outbound);
}

static void add_leg(char *out, const char *role, const Tandem__Call__Leg *l)
{
	const Tandem__Call__Uas *uas = l->uas;
	size_t n = strlen(out);

	(void)snprintf(out + n, SHAPE_NAME_MAX - n, "_%s-%s%s%s%s", role, leg_names[l->state],
		       l->asked ? asked_names[l->asked->state] : "",
		       l->asked && l->asked->late ? "-late" : "", l->leave ? "-leave" : "");
	n = strlen(out);
	if (l->refusal)
		(void)snprintf(out + n, SHAPE_NAME_MAX - n, "-refused");
	if (uas)
		(void)snprintf(out + n, SHAPE_NAME_MAX - n, "-asks-%s%s%s", invite_name(uas->state),
			       uas->wakes ? "-wakes" : "", uas->early ? "-early" : "");
}

static void add_invite(char *out, const Tandem__Call__Call *in)
{
	const Tandem__Call__Invite *inv = in->invite;
	size_t n = strlen(out);

	if (!inv)
		return;
	(void)snprintf(out + n, SHAPE_NAME_MAX - n, "_invite-%s", invite_name(inv->state));
	n = strlen(out);
	(void)snprintf(out + n, SHAPE_NAME_MAX - n, "%s%s%s%s%s",
		       inv->again ? (inv->from == in->caller ? "-again-a" : "-again-b") : "",
		       inv->late ? "-late" : "", inv->own ? "-own" : "", inv->wakes ? "-wakes" : "",
		       inv->early ? "-early" : "");
}

static void states(char *out, const Tandem__Call__Call *in)
{
	bool begins = is_by_command(in) && in->state < TANDEM__CALL__STATE__ESTABLISHED;

	(void)snprintf(out, SHAPE_NAME_MAX, "%s%s", call_names[in->state],
		       begins ? "-originated" : "");
	for (size_t i = 0; i < in->n_legs; i++) {
		if (index_of(in, i) == in->caller)
			add_leg(out, "a", in->legs[i]);
	}
	for (size_t i = 0; i < in->n_legs; i++) {
		if (index_of(in, i) == callee_of(in))
			add_leg(out, "b", in->legs[i]);
	}
	add_invite(out, in);
}

static void has(struct shape *out, const Tandem__Call__Call *in, bool it, const char *what)
{
	if (!it || out->count == SHAPES_MAX)
		return;
	(void)snprintf(out->names[out->count++], SHAPE_NAME_MAX, "with-%s_%s", what,
		       call_names[in->state]);
}

struct leg_things {
	bool held, muted, terms, update, timer, refresh, nat, streams, answer;
	bool code;                /* that may be begun */
	bool open, leaving, over; /* branches of a fork that are not the callee */
};

static struct leg_things look_at_legs(const Tandem__Call__Call *in)
{
	struct leg_things t = { 0 };

	for (size_t i = 0; i < in->n_legs; i++) {
		const Tandem__Call__Leg *l = in->legs[i];
		bool other = index_of(in, i) != in->caller && index_of(in, i) != callee_of(in);

		t.open |= other && l->state < TANDEM__CALL__LEG_STATE__LEAVING;
		t.leaving |= other && l->state == TANDEM__CALL__LEG_STATE__LEAVING;
		t.over |= other && l->state == TANDEM__CALL__LEG_STATE__CLOSED;
		t.held |= l->held;
		t.muted |= l->muted;
		t.terms |= l->terms != NULL;
		t.update |= l->takes_update;
		t.timer |= l->timer && l->timer->agreed;
		t.refresh |= l->timer && l->timer->ours;
		t.nat |= l->behind_nat;
		t.code |= l->digits != NULL;
		t.answer |= l->uas && l->uas->answer.len;
		t.streams |= l->dialog && l->dialog->hop && l->dialog->hop->transport;
	}
	return t;
}

static void look_at_flows(struct shape *out, const Tandem__Call__Call *in)
{
	bool video = false, keys = false, dtls = false, latched = false;

	for (size_t i = 0; i < in->n_flows; i++) {
		const Tandem__Call__Flow *f = in->flows[i];

		video |= f->kind == MEDIA_VIDEO;
		keys |= f->secret != NULL;
		dtls |= f->dtls != NULL;
		latched |= f->resume && f->resume->rtp[0];
	}
	has(out, in, video, "video");
	has(out, in, keys, "keys");
	has(out, in, dtls, "dtls");
	has(out, in, latched, "latched");
}

static void look_at_recordings(struct shape *out, const Tandem__Call__Call *in)
{
	const Tandem__Call__Recordings *all = in->recordings;
	bool paused = false, next = false, ordered = false, coded = false, paged = false;

	for (size_t i = 0; all && i < all->n_live; i++) {
		paused |= all->live[i]->paused;
		next |= all->live[i]->segment > 1;
		ordered |= all->live[i]->cause == RECORDING_BY_COMMAND;
		coded |= all->live[i]->cause == RECORDING_BY_CODE;
		paged |= all->live[i]->cause == RECORDING_BY_PAGE;
	}
	has(out, in, all && all->n_live, "recording");
	has(out, in, all && all->n_live > 1, "recording-both");
	has(out, in, paused, "recording-paused");
	has(out, in, next, "recording-next-segment");
	has(out, in, ordered, "recording-ordered");
	has(out, in, coded, "recording-by-code");
	has(out, in, paged, "recording-by-page");
	has(out, in, all && !all->n_live, "recorded");
}

static void look_at_pairs(struct shape *out, const Tandem__Call__Call *in)
{
	static const char *const names[] = { "transfer-waits", "transfer-rings", "transfer-done",
					     "transfer-failed" };
	const Tandem__Call__Transfer *t = in->transfer;

	has(out, in, in->n_segments != 0, "segments");
	if (t && t->state < COUNT_OF(names))
		has(out, in, true, names[t->state]);
	has(out, in, t && !t->refer && !t->ordered, "transfer-silent");
	has(out, in, t && t->ordered, "transfer-ordered");
	has(out, in, t && t->leg == LEG_NONE, "transfer-alone");
	has(out, in, t && t->with, "transfer-join");
	has(out, in, t && t->outside, "transfer-outside");
	has(out, in, t && t->replaced, "transfer-replaced");
	has(out, in, t && t->slot.len, "parks");
	has(out, in, in->park, "parked");
	has(out, in, in->park && t, "parked-transfer");
	look_at_recordings(out, in);
}

/* Two are to be joined, and one of them is asked for a codec of the other one. */
static void look_at_meeting(struct shape *out, const Tandem__Call__Call *in)
{
	bool joins = false;

	for (size_t i = 0; i < in->n_legs; i++)
		joins |= in->legs[i]->asked && in->legs[i]->asked->joins;
	has(out, in, joins, "meets-asks");
	has(out, in, in->meets, "meets");
	has(out, in, in->transfer && in->transfer->met, "met");
	has(out, in, in->reoffer, "untold");
}

static bool is_deflected(const Tandem__Call__Call *in)
{
	for (size_t i = 0; i < in->n_steps; i++) {
		if (in->steps[i]->why == PLAN_DEFLECTED)
			return true;
	}
	return false;
}

/* One is tried behind another of the same list. */
static bool hunts(const Tandem__Call__Call *in)
{
	for (size_t i = 2; i < in->n_steps; i++) {
		if (in->steps[i]->from && in->steps[i]->from != i)
			return true;
	}
	return false;
}

static void look_at_plan(struct shape *out, const Tandem__Call__Call *in)
{
	static const char *const names[] = { "", "set-asked", "set-done", "set-refused",
					     "set-failed" };
	uint32_t state = in->n_steps ? in->steps[in->n_steps - 1]->set_state : 0;

	has(out, in, state && state < COUNT_OF(names), names[state % COUNT_OF(names)]);
	has(out, in, hunts(in), "hunt");
	has(out, in, is_deflected(in), "deflected");
}

static bool caller_is_called(const Tandem__Call__Call *in)
{
	for (size_t i = 0; i < in->n_legs; i++) {
		if (index_of(in, i) == in->caller)
			return in->legs[i]->outbound;
	}
	return false;
}

static bool has_moved(const Tandem__Call__Call *in)
{
	for (size_t i = 0; i < in->n_legs; i++) {
		if (in->legs[i]->dialog && in->legs[i]->dialog->born_call)
			return true;
	}
	return false;
}

static bool plays(const Tandem__Call__Call *in, const char *what)
{
	for (size_t i = 0; in->prompts && i < in->prompts->n_files; i++) {
		if (bytes_eq(bytes_mem(in->prompts->files[i].data, in->prompts->files[i].len),
			     bytes_str(what)))
			return true;
	}
	return false;
}

/* A party with no other party, or that waits for it. */
static void look_at_alone(struct shape *out, const Tandem__Call__Call *in)
{
	bool app = in->n_steps && in->steps[in->n_steps - 1]->application.len;
	bool alone = in->alone && in->answer_utc_ms;
	bool waits = in->alone && !in->answer_utc_ms;

	has(out, in, alone && !app, "alone");
	has(out, in, alone && app, "alone-application");
	has(out, in, alone && caller_is_called(in), "alone-called");
	has(out, in, waits && !in->transfer && !caller_is_called(in), "waits");
	has(out, in, waits && caller_is_called(in), "waits-called");
	has(out, in, waits && in->transfer, "waits-given");
	has(out, in, in->prompts && in->prompts->files, "acts");
	has(out, in, in->prompts && in->prompts->until_utc_ms, "acts-keys");
	has(out, in, plays(in, PROMPT_ECHO), "acts-echo");
	has(out, in, has_moved(in), "moved");
}

/* A name is looked up, or has led to where a leg is asked. */
static void look_at_names(struct shape *out, const Tandem__Call__Call *in)
{
	bool resolves = in->n_steps && in->steps[in->n_steps - 1]->resolves;
	bool named = false, rest = false;

	for (size_t i = 0; i < in->n_legs; i++) {
		named |= in->legs[i]->asked && in->legs[i]->asked->named;
		rest |= in->legs[i]->asked && in->legs[i]->asked->n_rest;
	}
	has(out, in, resolves && in->alone, "seeks");
	has(out, in, resolves && !in->alone, "seeks-and-rings");
	has(out, in, resolves && caller_is_called(in), "seeks-called");
	has(out, in, resolves && in->transfer, "seeks-given");
	has(out, in, named, "named");
	has(out, in, rest, "named-rest");
}

static void things(struct shape *out, const Tandem__Call__Call *in)
{
	struct leg_things t = look_at_legs(in);

	has(out, in, is_by_command(in), "command");
	has(out, in, t.open, "branch-open");
	has(out, in, t.leaving, "branch-leaving");
	has(out, in, t.over, "branch-closed");
	has(out, in, t.held, "held");
	has(out, in, t.muted, "muted");
	has(out, in, t.terms, "terms");
	has(out, in, t.update, "update");
	has(out, in, t.timer, "timer");
	has(out, in, t.refresh, "refresh");
	has(out, in, t.code, "code-begun");
	has(out, in, t.nat, "nat");
	has(out, in, t.streams, "streams");
	has(out, in, in->best != NULL, "best");
	has(out, in, t.answer, "answer");
	look_at_flows(out, in);
	look_at_pairs(out, in);
	look_at_meeting(out, in);
	look_at_plan(out, in);
	look_at_alone(out, in);
	look_at_names(out, in);
}

static Tandem__Call__Call *unpack(const struct call_host *h, struct bytes record)
{
	Tandem__Call__Call *in = tandem__call__call__unpack(NULL, record.n, record.p);
	bool later;

	if (in && in->sealed.len)
		(void)call_unseal(h, &in, &later);
	return in;
}

bool shape_refuses(const struct call_host *h, struct bytes record)
{
	Tandem__Call__Call *in = unpack(h, record);
	bool refuses = false;

	for (size_t i = 0; in && i < in->n_legs; i++)
		refuses |= in->legs[i]->refusal != NULL;
	tandem__call__call__free_unpacked(in, NULL);
	return refuses;
}

bool shape_of(struct shape *out, const struct call_host *h, struct bytes record)
{
	Tandem__Call__Call *in = unpack(h, record);

	*out = (struct shape){ 0 };
	if (!in)
		return false;
	out->call = in->id;
	out->version = in->version;
	states(out->names[out->count++], in);
	things(out, in);
	tandem__call__call__free_unpacked(in, NULL);
	return true;
}
