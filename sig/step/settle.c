/* SPDX-License-Identifier: Apache-2.0 */
/* What follows each step: the save, the end, the timer. */
#include "base/log.h"
#include "sig/call/act.h"
#include "sig/call/call_end.h"
#include "sig/call/cdr.h"
#include "sig/call/charge.h"
#include "sig/call/feature.h"
#include "sig/call/hears.h"
#include "sig/call/keys.h"
#include "sig/call/legs.h"
#include "sig/call/listen.h"
#include "sig/call/recording.h"
#include "sig/call/seek.h"
#include "sig/call/siprec.h"
#include "sig/leg/dtmf.h"
#include "sig/leg/session_timer.h"
#include "sig/model/call.h"
#include "sig/model/leg.h"
#include "sig/record/call_record.h"
#include "sig/step/step.h"

/* The store answers within its own deadline; this is for one that does not answer at all. */
enum { SAVE_OVERDUE_MS = 5000 };

static void ask_save(struct call_host *h, struct call *c)
{
	struct text record = { 0 };
	struct effect *e;

	if (!h->settings->calls_unsaved && call_encode(h, c, &record))
		return;
	e = effects_add(h->effects, EFFECT_CALL_SAVE);
	if (!e) {
		text_clear(&record);
		return;
	}
	e->call = c->id;
	e->version = c->out.version;
	e->data = record;
	outbox_save_started(&c->out);
	c->later_ns = 0;
	c->save_ns = h->now.ns + SAVE_OVERDUE_MS * NS_PER_MS;
	metric_add(h->metrics->saves[SAVE_STARTED], 1);
}

static void call_sooner(uint64_t *next, uint64_t deadline)
{
	if (deadline && deadline < *next)
		*next = deadline;
}

static void set_leg_timer(uint64_t *next, const struct leg *l)
{
	call_sooner(next, l->leave_ns);
	call_sooner(next, leg_digits_due_ns(l));
	if (l->keys)
		call_sooner(next, l->keys->until_ns);
	if (l->account)
		call_sooner(next, l->account->until_ns);
	call_sooner(next, dialog_lookup_due_ns(&l->dialog));
	call_sooner(next, session_timer_due_ns(&l->timer));
	if (l->uac)
		call_sooner(next, l->uac->deadline_ns);
	if (l->refusal)
		call_sooner(next, l->refusal->until_ns);
	if (l->uas) {
		call_sooner(next, l->uas->retransmit_ns);
		call_sooner(next, l->uas->deadline_ns);
		call_sooner(next, l->uas->expires_ns);
	}
}

static void call_timer_set(struct call_host *h, struct call *c)
{
	uint64_t next = UINT64_MAX;

	call_sooner(&next, c->ring_ns);
	call_sooner(&next, c->plan.until_ns);
	call_sooner(&next, c->parting_ns);
	call_sooner(&next, resolve_due_ns(c));
	call_sooner(&next, c->toll_ns);
	call_sooner(&next, c->flows_ns);
	call_sooner(&next, c->save_ns);
	call_sooner(&next, c->later_ns);
	call_sooner(&next, c->order_ns);
	call_sooner(&next, siprec_due_ns(c));
	call_sooner(&next, features_due_ns(h, c));
	if (c->prompts)
		call_sooner(&next, c->prompts->until_ns);
	for (uint8_t i = 0; i < c->leg_count; i++) {
		if (c->legs[i])
			set_leg_timer(&next, c->legs[i]);
	}
	wheel_aim(h->wheel, &c->timer, next);
}

/* As if the call had ended when it was answered. */
static void cdr_cut(struct cdr *cdr)
{
	cdr->sip_status = 200;
	cdr->end_utc_ms = cdr->answer_utc_ms;
	cdr->ended_by = ENDED_BY_NODE;
	cdr->q850 = call_cause_q850(CAUSE_NOT_CONTINUED, 200);
	cdr_put(cdr->reason, sizeof(cdr->reason), bytes_str(call_cause_text(CAUSE_NOT_CONTINUED)));
}

/* The store may know nothing of a call that talks already: it is told what to make of it should we be killed. */
static void note_open(struct call_host *h, struct call *c)
{
	struct effect *e;

	if (c->out.acked == c->out.version) {
		c->noted = false;
		return;
	}
	if (!h->degraded || c->noted || !c->answer_utc_ms || c->state == CALL_ENDING)
		return;
	e = effects_add_cdrs(h->effects, EFFECT_CALL_OPEN, c->id, cdrs_count(c));
	if (!e)
		return;
	c->noted = true;
	cdrs_fill(e->cdrs, h, c);
	cdr_cut(&e->cdrs[c->segment_count]);
}

/* Calls wait for the same moments: what they save then is one round to the store. A ringing that an answer follows at once, and a BYE
 * that ends the call, are no saves of their own. */
static bool later_is_due(const struct call_host *h, struct call *c)
{
	uint64_t step_ns = h->settings->save_later_ms * NS_PER_MS;

	if (!step_ns || h->degraded || h->hurries || c->out.hurried)
		return true;
	if (!c->later_ns)
		c->later_ns = (h->now.ns / step_ns + 1) * step_ns;
	return c->later_ns <= h->now.ns;
}

bool call_settle(struct call_host *h, struct call *c)
{
	bool over = call_is_over(c);

	keys_settle(c);
	aware_prefer(h, c);
	recordings_settle(h, c);
	aware_settle(h, c);
	if (c->end_done)
		return false;
	media_stream_settle(h, c);
	audio_source_settle(h, c);
	charges_settle(h, c);
	legs_trim(h, c);
	note_open(h, c);
	/* one save is in flight at a time, the end being the last one */
	if (over && c->out.in_flight == 0 && c->end_tries == 0) {
		if (later_is_due(h, c))
			call_end_ask(h, c);
	} else if (!over && outbox_wants_save(&c->out) && later_is_due(h, c)) {
		ask_save(h, c);
	}
	call_timer_set(h, c);
	return true;
}
