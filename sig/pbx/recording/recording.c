/* SPDX-License-Identifier: Apache-2.0 */
/* Recordings of a call (recording.h): which policies of extensions and trunks, orders and codes
 * want one, when it begins and ends, and what the recorder (a helper process, a mailbox or SIPREC)
 * is told after each step. Also the recording tone of the parties and of conferences, the facts
 * stored with a file, and the code by which a party starts, stops or pauses it. Everything derives
 * from the recordings in the call's record, so a successor goes on with the same files. */

#include <errno.h>

#include "base/json.h"
#include "base/log.h"
#include "media/offer/own.h"
#include "sig/call/call_end.h"
#include "sig/call/cdr.h"
#include "sig/call/identity.h"
#include "sig/call/invite.h"
#include "sig/call/order.h"
#include "sig/call/prompts.h"
#include "sig/call/wait.h"
#include "sig/host/groups.h"
#include "sig/host/settings.h"
#include "sig/host/trunk.h"
#include "sig/identity/shown.h"
#include "sig/leg/leg.h"
#include "sig/model/flow_run.h"
#include "sig/pbx/recording/recording.h"
#include "sig/pbx/recording/siprec.h"
#include "sig/sip/id.h"

/* As in the countries that ask for one: 1400 Hz, short, well below speech. */
enum {
	TONE_HZ = 1400,
	TONE_LEVEL = -200, /* tenths of dBm0 */
	TONE_MS = 250,
};

/* ---- what a policy wants ---- */

static bool is_outside(const struct leg *l)
{
	return l->trunk.n != 0;
}

static const struct shard_extension *extension_of(const struct call_host *h, const struct call *c,
						  const struct leg *l)
{
	if (is_outside(l) || !l->user.n)
		return NULL;
	return h->services->directory->extension(h->owner, c->tenant, text_bytes(&l->user));
}

static bool way_fits(uint8_t directions, bool calls)
{
	switch ((enum record_direction)directions) {
	case RECORD_BOTH_WAYS:
		return true;
	case RECORD_INBOUND:
		return !calls;
	case RECORD_OUTBOUND:
		return calls;
	}
	return false;
}

static bool scope_fits(uint8_t scope, bool outside)
{
	switch ((enum record_scope)scope) {
	case RECORD_ANYBODY:
		return true;
	case RECORD_INTERNAL:
		return !outside;
	case RECORD_EXTERNAL:
		return outside;
	}
	return false;
}

/* calls: the leg is the caller's. What a trunk sends us is inbound. */
static bool trunk_wants(const struct call_host *h, const struct call *c, const struct leg *l,
			bool calls, uint8_t *to)
{
	struct trunks *all = h->settings->trunks;
	const struct trunk_settings *t =
		all ? trunks_settings(all, trunks_find(all, c->tenant, text_bytes(&l->trunk)))
		    : NULL;

	*to = t ? t->record_to : RECORD_TO_FILES;
	switch (t ? (enum trunk_record)t->record : TRUNK_RECORD_OFF) {
	case TRUNK_RECORD_OFF:
		return false;
	case TRUNK_RECORD_INBOUND:
		return calls;
	case TRUNK_RECORD_OUTBOUND:
		return !calls;
	case TRUNK_RECORD_BOTH:
		return true;
	}
	return false;
}

/* The group that rang the user of the leg, who is its member still; NULL: none did. */
static const struct ring_group *group_of(const struct call_host *h, const struct call *c,
					 uint8_t leg)
{
	const struct ring_group *g =
		leg != c->bridge.caller && c->run && c->run->group.n
			? groups_find(h->groups, c->tenant, text_bytes(&c->run->group))
			: NULL;

	return g && group_has(g, text_bytes(&c->legs[leg]->user)) ? g : NULL;
}

/* Those of the queue or group that rang it, where that has any, before its own (REC-01). */
static struct recording_terms record_terms_of(const struct call_host *h, const struct call *c,
					      uint8_t leg)
{
	const struct shard_extension *e = extension_of(h, c, c->legs[leg]);
	const struct ring_group *g = e ? group_of(h, c, leg) : NULL;
	struct recording_terms terms;

	if (!e)
		return (struct recording_terms){ .method = RECORD_OFF };
	if (modules_record_terms(h, c, leg, &terms))
		return terms;
	if (g && g->record)
		return (struct recording_terms){ .method = (uint8_t)(g->record - 1),
						 .to = g->record_to };
	return (struct recording_terms){ .method = e->record,
					 .directions = e->record_directions,
					 .scope = e->record_scope,
					 .to = e->record_to };
}

static bool leg_wants(const struct call_host *h, const struct call *c, uint8_t leg, uint8_t *to)
{
	const struct leg *l = c->legs[leg], *other = c->legs[bridge_peer(c, leg)];
	struct recording_terms terms = record_terms_of(h, c, leg);
	bool calls = leg == c->bridge.caller;

	if (is_outside(l))
		return trunk_wants(h, c, l, calls, to);
	*to = terms.to;
	return terms.method == RECORD_AUTO && way_fits(terms.directions, calls) &&
	       scope_fits(terms.scope, is_outside(other));
}

/* ---- facts and events ---- */

static const char *direction_of(const struct call *c, const struct recording *r)
{
	const struct leg *l = call_leg(c, r->leg), *other = call_leg(c, bridge_peer(c, r->leg));
	bool calls = r->leg == c->bridge.caller;

	if (l && is_outside(l))
		return calls ? "inbound" : "outbound";
	if (!other || !is_outside(other))
		return "internal";
	return calls ? "outbound" : "inbound";
}

static void fact(struct writer *w, const char *name, struct bytes value)
{
	WRITER_TEXTS(w, writer_done(w).n ? ",\"" : "\"", name, "\":");
	json_write_text(w, value);
}

/* As in the call record: a number that is too long would displace all other facts, the mailbox
 * among them. */
static struct bytes fact_number(const struct call_host *h, const struct call *c,
				const struct text *number)
{
	return bytes_sub(cdr_number(h, c, text_bytes(number)), 0, sizeof(c->cdr->from) - 1);
}

/* The facts in the file in addition to those of the recorder. */
static struct bytes facts_write(const struct call_host *h, const struct call *c,
				const struct recording *r, struct bytes mailbox,
				char out[RECORDING_FACTS_MAX])
{
	const struct leg *l = call_leg(c, r->leg), *caller = call_caller(c);
	/* the owner would learn the caller's number; the CDR has it */
	bool hides = caller && !party_is_shown(identity_is_hidden(c, caller),
					       text_bytes(&caller->user), mailbox);
	struct writer w = writer_over(out, RECORDING_FACTS_MAX);

	fact(&w, "from", hides ? BYTES_LIT(PARTY_HIDDEN) : fact_number(h, c, &c->from));
	fact(&w, "to", fact_number(h, c, &c->to));
	fact(&w, "leg", bytes_str(r->leg == c->bridge.caller ? "a" : "b"));
	fact(&w, "user", l && !(hides && l == caller) ? text_bytes(&l->user) : (struct bytes){ 0 });
	fact(&w, "trunk", l ? text_bytes(&l->trunk) : (struct bytes){ 0 });
	fact(&w, "direction", bytes_str(direction_of(c, r)));
	fact(&w, "cause", bytes_str(recording_cause_name((enum recording_cause)r->cause)));
	if (mailbox.n)
		fact(&w, "mailbox", mailbox);
	if (mailbox.n && !hides && call_from_name(c).n)
		fact(&w, "from_name", call_from_name(c));
	return w.overflow ? (struct bytes){ 0 } : writer_done(&w);
}

/* ---- what is recorded ---- */

/* A mailbox has files. */
static uint8_t recording_place(uint8_t to)
{
	return to == RECORD_TO_MAILBOX ? RECORD_TO_FILES : to;
}

/* Its party says its name, for a conference alone (sig/pbx/conference.c). */
static bool recording_is_name(const struct call *c, const struct recording *r)
{
	return r->cause == RECORDING_MESSAGE && c->member && c->member->naming;
}

/* NULL: no event. */
static struct sig_event *recording_publish(struct call_host *h, const struct call *c,
					   const struct recording *r, enum sig_event_kind kind,
					   const char *reason)
{
	struct sig_event *event =
		recording_is_name(c, r) ? NULL : call_publish_leg(h, c, kind, r->leg);

	event_put_recording(event, c->id, r->number);
	event_put_str(event, EV_REASON, reason);
	return event;
}

/* One that is to begin. */
struct recording_of {
	enum recording_cause cause;
	uint8_t to;
	bool for_both;        /* the other party's setting wants the same, and gets no other */
	struct bytes mailbox; /* empty: it lies in none, unless that is where it goes */
	bool draft;
};

static struct recording *recording_start(struct call_host *h, struct call *c, uint8_t leg,
					 const struct recording_of *of)
{
	struct recording *r = recording_add(&c->recordings, leg, of->cause);
	struct bytes mailbox = of->mailbox;
	char facts[RECORDING_FACTS_MAX];
	struct sig_event *event;

	if (!r)
		return NULL;
	if (of->to == RECORD_TO_MAILBOX)
		mailbox = text_bytes(&c->legs[leg]->user);
	r->to = recording_place(of->to);
	r->draft = of->draft;
	r->begun_utc_ms = r->tone_utc_ms = h->now.utc_ms;
	if (recording_is_name(c, r))
		c->recordings->of_pair &= ~(UINT64_C(1) << r->number); /* no CDR names it */
	else if (text_set(&r->facts, facts_write(h, c, r, mailbox, facts)))
		LOG_ERROR("call", c->id, "no memory for what a recording is of");
	outbox_touch(&c->out);
	event = recording_publish(h, c, r, SIG_CALL_RECORDING, recording_cause_name(of->cause));
	if (of->for_both)
		event_put_str(event, EV_ALSO, leg == c->bridge.caller ? "b" : "a");
	return r;
}

static void recording_set_paused(struct call_host *h, struct call *c, struct recording *r,
				 bool paused)
{
	if (r->paused == paused)
		return;
	r->paused = paused;
	if (!paused) { /* a party that may have missed the pause hears the tone again */
		r->tone_utc_ms = h->now.utc_ms;
		r->tone_ns = 0;
	}
	outbox_touch(&c->out);
	(void)recording_publish(h, c, r,
				paused ? SIG_CALL_RECORDING_PAUSED : SIG_CALL_RECORDING_RESUMED,
				recording_cause_name((enum recording_cause)r->cause));
}

/* ---- the tone ---- */

uint32_t recording_tone_ms(const struct shard_settings *settings, uint16_t tenant, uint8_t own)
{
	uint32_t tone_ms = (uint32_t)(settings->recordings.tone_ns / NS_PER_MS);

	if (own == RECORD_TONE_AS_SET && settings->tenants)
		own = tenants_terms(settings->tenants, tenant)->record_tone;
	switch ((enum record_tone)own) {
	case RECORD_TONE_AS_SET:
		break;
	case RECORD_TONE_ON:
		return tone_ms ? tone_ms : RECORD_TONE_MS;
	case RECORD_TONE_OFF:
		return 0;
	}
	return tone_ms;
}

static uint32_t tone_every_ms(const struct call_host *h, const struct call *c,
			      const struct recording *r)
{
	const struct leg *l = call_leg(c, r->leg);
	const struct shard_extension *e = l ? extension_of(h, c, l) : NULL;

	return recording_tone_ms(h->settings, c->tenant, e ? e->record_tone : RECORD_TONE_AS_SET);
}

/* A successor goes on with the tones of the recording; those that were due meanwhile are left
 * out. */
static void recording_sound(const struct call_host *h, const struct call *c, struct recording *r)
{
	uint64_t gone_ms = h->now.utc_ms > r->tone_utc_ms ? h->now.utc_ms - r->tone_utc_ms : 0;
	uint32_t every_ms = tone_every_ms(h, c, r);

	if (r->tone_ns || r->paused)
		return;
	if (every_ms)
		gone_ms %= every_ms;
	r->tone_ns = h->now.ns > gone_ms * NS_PER_MS ? h->now.ns - gone_ms * NS_PER_MS : h->now.ns;
}

struct media_room_tone recording_room_tone(uint32_t every_ms, uint64_t begun_ns)
{
	return (struct media_room_tone){ .hz = TONE_HZ,
					 .ms = TONE_MS,
					 .level = TONE_LEVEL,
					 .every_ms = every_ms,
					 .begun_ns = begun_ns };
}

/* The party is recorded, or its peer is; of two recordings that of the older one. Compares by
 * memcmp. */
static bool recordings_overlay(const struct call_host *h, const struct call *c,
			       const struct call_flow *f, struct media_overlay *out)
{
	static const struct media_tone tone = { TONE_HZ, TONE_LEVEL, TONE_MS };
	const struct recordings *all = c->recordings;
	uint32_t every_ms = 0;

	if (!all || !bridge_has(c, f->leg))
		return false;
	for (uint8_t i = 0; i < all->count && !every_ms; i++) {
		if (recording_is_open(&all->list[i]))
			every_ms = tone_every_ms(h, c, &all->list[i]);
		out->begun_ns = all->list[i].tone_ns;
	}
	if (!every_ms) {
		out->begun_ns = 0;
		return false;
	}
	out->every_ms = every_ms;
	out->tone = tone;
	return true;
}

/* ---- the recorder ---- */

/* What it is of, and what the call's account code is by now. */
static int record_facts_put(const struct call *c, const struct recording *r, struct text *out)
{
	static const char draft[] = ",\"draft\":true";
	char all[RECORDING_FACTS_MAX + RECORDING_ACCOUNT_MAX + sizeof(draft)];
	struct writer w = writer_over(all, sizeof(all));

	if (!r->facts.n)
		return 0;
	writer_bytes(&w, text_bytes(&r->facts));
	if (c->account.n)
		fact(&w, "account_code", text_bytes(&c->account));
	writer_str(&w, r->draft ? draft : "");
	return text_set(out, writer_done(&w));
}

static void record_request(struct call_host *h, const struct call *c, struct recording *r,
			   enum record_act act)
{
	struct effect *e = effects_add(h->effects, EFFECT_RECORD, c->id, 0);
	struct request_record *to = e ? e->request : NULL;

	if (!to)
		return;
	*to = (struct request_record){ .act = act,
				       .number = r->number,
				       .segment = r->segment,
				       .begun_utc_ms = steady_add(r->begun_utc_ms, h->wall_ms),
				       .message = r->cause == RECORDING_MESSAGE,
				       .name = recording_is_name(c, r),
				       .silence_ms = prompts_silence_ms(c, r->number) };
	if (text_set(&to->tenant, bytes_str(call_tenant(h, c))) ||
	    record_facts_put(c, r, &to->facts))
		LOG_ERROR("call", c->id, "no memory for what a recording is of");
	(void)bytes_cstr(text_bytes(&c->account), r->told_account, sizeof(r->told_account));
}

static bool account_is_noted(const struct call *c, const struct recording *r)
{
	return !r->facts.n || bytes_is(text_bytes(&c->account), r->told_account);
}

/* A further segment is saved soon: otherwise a successor would reuse its name, and the recorder
 * would take the next free one. */
static void recording_sync(struct call_host *h, struct call *c, struct recording *r)
{
	if (r->to == RECORD_TO_SIPREC) {
		siprec_settle(h, c, r);
		if (r->siprec && r->siprec->state == SIPREC_UP)
			recording_sound(h, c, r);
		return;
	}
	if (!r->told) {
		r->segment++;
		outbox_touch_later(&c->out);
		record_request(h, c, r, r->segment == 1 ? RECORD_START : RECORD_GO_ON);
		r->told = true;
	}
	if (!account_is_noted(c, r))
		record_request(h, c, r, RECORD_NOTE);
	if (r->told_paused != r->paused)
		record_request(h, c, r, r->paused ? RECORD_PAUSE : RECORD_RESUME);
	r->told_paused = r->paused;
	recording_sound(h, c, r);
}

static void recording_end(struct call_host *h, struct call *c, struct recording *r)
{
	if (r->told)
		record_request(h, c, r, RECORD_END);
	siprec_end(h, c, r);
	outbox_touch_later(&c->out);
	(void)recording_publish(h, c, r, SIG_CALL_RECORDING_ENDED,
				recording_cause_name((enum recording_cause)r->cause));
	recording_remove(c->recordings, r);
}

/* ---- after each step ---- */

static bool has_asked(const struct call *c)
{
	return c->record_asked[0] != c->record_asked[1];
}

static bool is_the_pair(const struct call *c)
{
	const uint8_t *asked = c->record_asked;

	return bridge_has(c, asked[0]) && bridge_has(c, asked[1]);
}

/* Both are up: the callee has answered. */
static bool pair_talks(const struct call *c)
{
	const struct leg *a = call_caller(c), *b = call_callee(c);

	return c->answer_utc_ms && c->state != CALL_ENDING && b && a->state < LEG_LEAVING &&
	       (b->state == LEG_ANSWERED || b->state == LEG_CONFIRMED);
}

bool recordings_are_due(const struct call_host *h, const struct call *c)
{
	const uint8_t legs[2] = { c->bridge.caller, c->bridge.callee };
	uint8_t to;

	if ((has_asked(c) && is_the_pair(c)) || !pair_talks(c))
		return false;
	for (size_t i = 0; i < COUNT_OF(legs); i++) {
		if (leg_wants(h, c, legs[i], &to) && recording_place(to) == RECORD_TO_FILES)
			return true;
	}
	return false;
}

/* One recording has both directions: if the policies of both legs want it at one place, the
 * caller's serves both. A mailbox is never shared. */
static void recording_apply_policy(struct call_host *h, struct call *c)
{
	const uint8_t legs[2] = { c->bridge.caller, c->bridge.callee };
	bool wants[2];
	uint8_t to[2];

	for (size_t i = 0; i < COUNT_OF(legs); i++) {
		c->record_asked[i] = legs[i];
		wants[i] = !recording_of_leg(c->recordings, legs[i]) &&
			   leg_wants(h, c, legs[i], &to[i]);
	}
	for (size_t i = 0; i < COUNT_OF(legs); i++) {
		const struct recording_of of = {
			.cause = RECORDING_BY_POLICY,
			.to = wants[i] ? to[i] : RECORD_TO_FILES,
			.for_both = wants[0] && wants[1] && to[0] == to[1] &&
				    to[0] != RECORD_TO_MAILBOX,
		};

		if (!wants[i])
			continue;
		if (!recording_start(h, c, legs[i], &of))
			LOG_WARN("call", c->id, "it has too many recordings for one more");
		if (of.for_both)
			return;
	}
}

static bool recording_is_wanted(const struct call *c, const struct recording *r)
{
	const struct leg *l = call_leg(c, r->leg);

	return c->state != CALL_ENDING && bridge_has(c, r->leg) && l && l->state < LEG_LEAVING &&
	       (r->cause != RECORDING_BY_POLICY || has_asked(c)) &&
	       (r->cause != RECORDING_MESSAGE || prompts_records(c, r->number));
}

/* Begins what a policy wants, ends what has no leg any more, tells the recorder. */
static void recordings_settle(struct call_host *h, struct call *c)
{
	struct recordings *all;

	if (has_asked(c) && !is_the_pair(c))
		c->record_asked[0] = c->record_asked[1] = 0;
	if (!has_asked(c) && pair_talks(c))
		recording_apply_policy(h, c);
	all = c->recordings;
	for (uint8_t i = all ? all->count : 0; i-- > 0;) {
		if (!recording_is_wanted(c, &all->list[i]))
			recording_end(h, c, &all->list[i]);
	}
	for (uint8_t i = 0; all && i < all->count; i++) {
		if (!recording_is_name(c, &all->list[i]))
			all->of_pair |= UINT64_C(1) << all->list[i].number;
		recording_sync(h, c, &all->list[i]);
	}
}

/* This process has the call no longer. */
static void recordings_leave(struct call_host *h, const struct call *c)
{
	for (uint8_t i = 0; c->recordings && i < c->recordings->count; i++) {
		struct recording *r = &c->recordings->list[i];

		if (r->told)
			record_request(h, c, r, RECORD_LEAVE);
		siprec_leave(h, c, r);
	}
}

/* ---- by command ---- */

bool recording_is_on_demand(const struct call_host *h, const struct call *c, uint8_t leg)
{
	return record_terms_of(h, c, leg).method == RECORD_ON_DEMAND;
}

/* ... and its party may do so by DTMF digits (ADM-90). */
static bool recording_has_key(const struct call_host *h, const struct call *c, uint8_t leg)
{
	return recording_is_on_demand(h, c, leg) &&
	       extension_may(h->settings->tenants, extension_of(h, c, c->legs[leg]),
			     ENTITLED_RECORD_KEY);
}

/* to: enum order_record_to. It may be there already, and goes nowhere else then. */
static enum refusal recording_order_on(struct call_host *h, struct call *c, uint8_t leg,
				       enum order_record_to to, enum recording_cause cause)
{
	struct recording *r = recording_of_leg(c->recordings, leg);
	struct recording_terms terms = record_terms_of(h, c, leg);
	struct recording_of of = { .cause = cause };
	uint8_t place =
		(uint8_t)(to == ORDER_RECORD_AS_SET ? terms.to : to - ORDER_RECORD_TO_FILES);

	if (r) {
		if (to != ORDER_RECORD_AS_SET && place != r->to)
			return REFUSED_RECORDED_TO_OTHER;
		recording_set_paused(h, c, r, false);
		return 0;
	}
	if (terms.method != RECORD_ON_DEMAND)
		return REFUSED_NOT_ON_DEMAND;
	if (place == RECORD_TO_SIPREC && !h->settings->siprec.count)
		return REFUSED_NO_RECORDER;
	of.to = place;
	return recording_start(h, c, leg, &of) ? REFUSED_NOT : REFUSED_RECORDINGS_FULL;
}

enum refusal recording_order(struct call_host *h, struct call *c, uint8_t leg,
			     enum order_record what, enum order_record_to to,
			     enum recording_cause cause)
{
	struct recording *r = recording_of_leg(c->recordings, leg);

	if (r && r->cause == RECORDING_MESSAGE)
		return REFUSED_NOT_ON_DEMAND;
	if (what == ORDER_RECORD_ON)
		return recording_order_on(h, c, leg, to, cause);
	if (!r)
		return what == ORDER_RECORD_OFF ? REFUSED_NOT : REFUSED_NOT_RECORDED;
	if (what != ORDER_RECORD_OFF) {
		recording_set_paused(h, c, r, what == ORDER_RECORD_PAUSE);
		return 0;
	}
	if (r->cause == RECORDING_BY_POLICY)
		return REFUSED_NOT_ON_DEMAND;
	recording_end(h, c, r);
	outbox_touch(&c->out);
	return 0;
}

/* ---- by code ---- */

static bool has_code(uint32_t whole, enum call_code code)
{
	return whole & UINT32_C(1) << code;
}

static enum call_code recording_code_meant(const struct call *c, uint8_t leg, uint32_t whole)
{
	const struct recording *r = recording_of_leg(c->recordings, leg);

	if (has_code(whole, CALL_CODE_RECORD_ON) && !(r && has_code(whole, CALL_CODE_RECORD_OFF)))
		return CALL_CODE_RECORD_ON;
	if (has_code(whole, CALL_CODE_RECORD_OFF))
		return CALL_CODE_RECORD_OFF;
	if (has_code(whole, CALL_CODE_RECORD_PAUSE) &&
	    !(r && r->paused && has_code(whole, CALL_CODE_RECORD_RESUME)))
		return CALL_CODE_RECORD_PAUSE;
	return CALL_CODE_RECORD_RESUME;
}

static enum refusal recording_code(struct call_host *h, struct call *c, uint8_t leg,
				   enum call_code code)
{
	static const enum order_record orders[CALL_CODE_COUNT] = {
		[CALL_CODE_RECORD_ON] = ORDER_RECORD_ON,
		[CALL_CODE_RECORD_OFF] = ORDER_RECORD_OFF,
		[CALL_CODE_RECORD_PAUSE] = ORDER_RECORD_PAUSE,
		[CALL_CODE_RECORD_RESUME] = ORDER_RECORD_RESUME,
	};

	return recording_order(h, c, leg, orders[code], ORDER_RECORD_AS_SET, RECORDING_BY_CODE);
}

/* ---- messages ---- */

static uint8_t recording_message_start(struct call_host *h, struct call *c, uint8_t leg,
				       struct bytes mailbox)
{
	const struct recording_of of = { .cause = RECORDING_MESSAGE,
					 .to = RECORD_TO_FILES,
					 .mailbox = mailbox,
					 .draft = c->prompts->terms.draft };
	const struct recording *r =
		recording_of_leg(c->recordings, leg) ? NULL : recording_start(h, c, leg, &of);

	return r ? r->number : 0;
}

void recording_name_forget(struct call_host *h, const struct call *c, uint8_t number)
{
	struct effect *e = effects_add(h->effects, EFFECT_RECORD, c->id, 0);
	struct request_record *to = e ? e->request : NULL;

	if (!to)
		return;
	*to = (struct request_record){ .act = RECORD_FORGET, .number = number, .name = true };
	if (text_set(&to->tenant, bytes_str(call_tenant(h, c))))
		LOG_WARN("call", c->id, "no memory: a name that was said stays on the disk");
}

static void recording_message_end(struct call_host *h, struct call *c, uint8_t number)
{
	struct recording *r = recording_by_number(c->recordings, number);

	if (r && r->cause == RECORDING_MESSAGE)
		recording_end(h, c, r);
}

/* ---- the recorder could not ---- */

const char *recording_failure(int error)
{
	switch (error) {
	case -ENOSPC:
	case -EDQUOT:
		return "no space is left for it";
	case -EMFILE:
	case -ENFILE:
		return "no descriptor is free";
	case -EACCES:
	case -EPERM:
	case -EROFS:
		return "the folder may not be written to";
	case -ENOSYS:
		return "this node records nothing";
	default:
		return "the file could not be written";
	}
}

static void recording_replied(struct call_host *h, struct call *c, const struct reply *reply)
{
	uint8_t number = reply->record.number;
	int error = reply->record.error;
	struct recording *r = recording_by_number(c->recordings, number);

	if (reply->record.kind != RECORD_REPLY_FAILED) {
		prompts_on_recorded(h, c, &reply->record);
		return;
	}
	if (!r) { /* its end could not be written */
		prompts_on_record_failed(h, c, number);
		return;
	}
	LOG_ERROR("call", c->id, "a recording failed", LOG_U64("recording", number),
		  LOG_STR("reason", recording_failure(error)), LOG_INT("error", error));
	siprec_end(h, c, r);
	(void)recording_publish(h, c, r, SIG_CALL_RECORDING_FAILED, recording_failure(error));
	recording_remove(c->recordings, r);
	outbox_touch_later(&c->out);
	prompts_on_record_failed(h, c, number);
}

static enum refusal order_record(struct call_host *h, struct call *c, struct call_order *order)
{
	return recording_order(h, c, order_leg_of(c, order), (enum order_record)order->record,
			       (enum order_record_to)order->record_to,
			       order->by_page ? RECORDING_BY_PAGE : RECORDING_BY_COMMAND);
}

static const struct module_order recording_orders[] = {
	{ ORDER_RECORD, NEEDS_LEG, order_record },
	{ 0 },
};

static void recording_follow(struct call_host *h, struct call *c)
{
	aware_prefer(h, c);
	recordings_settle(h, c);
	aware_settle(h, c);
}

static void recording_taps(const struct call *c, uint8_t leg, struct leg_taps *taps)
{
	taps->tap = recording_tap(c->recordings, leg);
	taps->tap_fork = siprec_taps(c, leg);
}

/* Of two in turns, the one with the turn. */
static void recording_pressed(struct call_host *h, struct call *c, uint8_t leg, uint32_t whole)
{
	enum call_code code = recording_code_meant(c, leg, whole);
	enum refusal r = recording_code(h, c, leg, code);

	if (r)
		LOG_INFO("call", c->id, "an in-call code was refused", LOG_U64("leg", leg),
			 LOG_STR("code", call_code_key(code)),
			 LOG_STR("reason", refusals[r].words));
	else
		LOG_INFO("call", c->id, "in-call code", LOG_U64("leg", leg),
			 LOG_STR("code", call_code_key(code)));
}

static const struct module_codes recording_codes = {
	.codes = UINT32_C(1) << CALL_CODE_RECORD_ON | UINT32_C(1) << CALL_CODE_RECORD_OFF |
		 UINT32_C(1) << CALL_CODE_RECORD_PAUSE | UINT32_C(1) << CALL_CODE_RECORD_RESUME,
	.may = recording_has_key,
	.pressed = recording_pressed,
};

static const struct module_reply recording_replies[] = {
	{ ASK_RECORD, recording_replied },
	{ ASK_LOOKUP, siprec_replied },
	{ 0 },
};

const struct module recording_module = {
	.replied = recording_replies,
	.codes = &recording_codes,
	.answering = aware_answer,
	.message_start = recording_message_start,
	.message_end = recording_message_end,
	.dialog = siprec_step,
	.next = siprec_next,
	.follow = recording_follow,
	.tap = recording_taps,
	.overlay = recordings_overlay,
	.resumed = siprec_resume,
	.released = recordings_leave,
	.orders = recording_orders,
};
