/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sig/call/prompts.h"
#include "sig/host/settings.h"
#include "sig/model/recording.h"
#include "sig/model/transfer.h"
#include "sig/record/call_codec.h"
#include "sig/room/room.h"
#include "sig/sip/dialog_name.h"
#include "sig/sip/gruu.h"
#include "sig/sip/id.h"

/* What is recorded of a call, written and read. */

static void pack_recording(Tandem__Call__Recording *out, const struct recording *r)
{
	tandem__call__recording__init(out);
	out->number = r->number;
	out->leg = r->leg;
	out->cause = r->cause;
	out->paused = r->paused;
	out->segment = r->segment;
	out->begun_utc_ms = r->begun_utc_ms;
	out->facts = packing_text(&r->facts);
	out->tone_utc_ms = r->tone_utc_ms == r->begun_utc_ms ? 0 : r->tone_utc_ms;
	out->to = r->to;
}

/* A session that is only asked for is asked for anew by who goes on. */
static void pack_session(const struct shard_settings *settings, struct packing *p, uint8_t i,
			 const struct siprec *s)
{
	Tandem__Call__Recording *out = &p->recording[i];

	if (!s)
		return;
	out->lost = s->lost;
	if (s->state != SIPREC_UP)
		return;
	packing_hop(settings, &p->session_hop[i], &s->dialog.hop, p->session_text[i]);
	packing_dialog(&p->session[i], &s->dialog, &p->session_hop[i]);
	out->session = &p->session[i];
	out->session_id = s->session_id;
	out->session_version = s->version;
}

void packing_recordings(const struct shard_settings *settings, struct packing *p,
			const struct recordings *recordings)
{
	Tandem__Call__Recordings *out = &p->recordings;

	if (!recordings)
		return;
	tandem__call__recordings__init(out);
	for (uint8_t i = 0; i < recordings->count; i++) {
		pack_recording(&p->recording[i], &recordings->list[i]);
		pack_session(settings, p, i, recordings->list[i].siprec);
		p->recording_list[i] = &p->recording[i];
	}
	out->live = p->recording_list;
	out->n_live = recordings->count;
	out->last = recordings->last;
	out->of_pair = recordings->of_pair;
	p->call.recordings = out;
}

/* Of a leg that is there, by a number that was given; each leg has one at most. */
static bool recording_fits(const struct call *c, const Tandem__Call__Recording *in)
{
	const struct recordings *all = c->recordings;
	uint8_t before = all->count ? all->list[all->count - 1].number : 0;

	return in->number > before && in->number <= all->last && in->leg < c->leg_count &&
	       c->legs[in->leg] && in->cause < RECORDING_CAUSES && in->to < RECORD_PLACES &&
	       in->segment <= UINT16_MAX && !recording_of_leg(c->recordings, (uint8_t)in->leg);
}

/* Its dialog, which is none of a leg. */
static bool read_session_dialog(struct reading *r, struct dialog *d, const Tandem__Call__Dialog *in)
{
	d->tag = (struct id_tag){ .call = r->c->id, .leg = SIPREC_LEG, .random = in->tag };
	d->trunk = true;
	d->local_cseq = in->local_cseq;
	d->remote_cseq = in->remote_cseq;
	if (d->local_cseq > INT32_MAX || d->remote_cseq > INT32_MAX)
		return reading_wrong(r, "recording: CSeq");
	return reading_line(r, &d->call_id, &in->call_id, DIALOG_TEXT_MAX, "recording: Call-ID") &&
	       reading_line(r, &d->remote_tag, &in->remote_tag, DIALOG_TEXT_MAX,
			    "recording: tag") &&
	       reading_line(r, &d->local, &in->local, DIALOG_TEXT_MAX, "recording: local") &&
	       reading_line(r, &d->remote, &in->remote, DIALOG_TEXT_MAX, "recording: remote") &&
	       reading_line(r, &d->target, &in->target, DIALOG_TEXT_MAX, "recording: target") &&
	       reading_line(r, &d->routes, &in->routes, DIALOG_ROUTES_MAX, "recording: routes") &&
	       reading_place(r, &d->hop, in->hop);
}

/* By an address of this node: that of before may be another's. */
static bool session_is_reached(const struct shard_settings *settings, struct siprec *s)
{
	struct sip_hop *hop = &s->dialog.hop;

	return hop->local < settings->local_count && shard_local_is_own(settings, hop->local) &&
	       settings->locals[hop->local].transport == hop->transport &&
	       settings->locals[hop->local].bind.family == hop->remote.family;
}

static bool read_session(struct reading *r, struct recording *to, const Tandem__Call__Recording *in)
{
	struct siprec *s;

	if (to->to != RECORD_TO_SIPREC)
		return !in->session || reading_wrong(r, "recording: session");
	s = to->siprec = siprec_make();
	if (!s)
		return reading_wrong(r, "out of memory");
	s->lost = in->lost;
	if (!in->session)
		return true;
	s->session_id = in->session_id;
	s->version = in->session_version;
	if (!read_session_dialog(r, &s->dialog, in->session))
		return false;
	if (session_is_reached(r->h->settings, s))
		s->state = SIPREC_UP;
	else
		siprec_forget_dialog(s);
	return true;
}

static bool read_recording(struct reading *r, const Tandem__Call__Recording *in)
{
	struct recordings *all = r->c->recordings;
	struct recording *to = &all->list[all->count];

	if (!recording_fits(r->c, in))
		return reading_wrong(r, "call: recording");
	*to = (struct recording){
		.number = (uint8_t)in->number,
		.leg = (uint8_t)in->leg,
		.cause = (uint8_t)in->cause,
		.to = (uint8_t)in->to,
		.paused = in->paused,
		.segment = (uint16_t)(in->segment < UINT16_MAX ? in->segment : UINT16_MAX - 1),
		.begun_utc_ms = reading_time(r, in->begun_utc_ms),
		.tone_utc_ms =
			reading_time(r, in->tone_utc_ms ? in->tone_utc_ms : in->begun_utc_ms),
	};
	all->count++;
	return reading_line(r, &to->facts, &in->facts, RECORDING_FACTS_MAX, "call: recording") &&
	       read_session(r, to, in);
}

/* The policy of the pair that talks was asked by who wrote this. */
static void policy_was_asked(struct call *c)
{
	if (!c->answer_utc_ms || !call_callee(c))
		return;
	c->record_asked[0] = c->bridge.caller;
	c->record_asked[1] = c->bridge.callee;
}

bool reading_recordings(struct reading *r, const Tandem__Call__Recordings *in)
{
	struct call *c = r->c;

	policy_was_asked(c);
	if (!in)
		return true;
	if (in->n_live > RECORDINGS_LIVE_MAX || in->last > RECORDING_NUMBER_MAX)
		return reading_wrong(r, "call: recordings");
	c->recordings = calloc(1, sizeof(*c->recordings));
	if (!c->recordings)
		return reading_wrong(r, "out of memory");
	c->recordings->last = (uint8_t)in->last;
	c->recordings->of_pair = in->of_pair & ~UINT64_C(1);
	for (size_t i = 0; i < in->n_live; i++) {
		if (!read_recording(r, in->live[i]))
			return false;
	}
	return true;
}

void packing_transfer(const struct shard_settings *settings, struct packing *p,
		      const struct transfer *t)
{
	Tandem__Call__Transfer *out = &p->transfer;

	if (!t)
		return;
	tandem__call__transfer__init(out);
	out->state = t->state;
	out->leg = t->leg;
	out->refer = t->refer;
	out->asked = t->asked;
	out->status = t->status;
	out->target = packing_text(&t->target);
	out->gruu = packing_text(&t->gruu);
	out->given = t->given + 1U;
	out->ordered = t->ordered;
	out->replaced = t->replaced;
	out->met = t->met;
	out->unattended = t->unattended;
	out->ring_s = t->ring_s;
	out->away_s = t->away_s;
	out->with = t->with.call;
	out->with_leg = t->with.peer;
	out->comes = t->with.leg == LEG_NONE ? 0 : t->with.leg + 1U;
	out->application = packing_text(&t->application);
	out->remote_shard = t->remote.shard;
	out->replaces = packing_text(&t->remote.replaces);
	out->referrer = packing_text(&t->remote.referrer);
	out->joins = t->remote.joins;
	out->confers = t->remote.confers;
	out->slot = packing_octets(t->slot.number, bytes_str(t->slot.number).n);
	out->slot_order = t->slot.order;
	out->slot_last = packing_octets(t->slot.last, bytes_str(t->slot.last).n);
	if (t->outside) {
		packing_hop(settings, &p->outside_hop, &t->outside->hop, p->outside_text);
		packing_dialog(&p->outside, t->outside, &p->outside_hop);
		out->outside = &p->outside;
	}
	out->caller = t->other.caller;
	out->callee = t->other.callee;
	out->offerer = t->other.offerer;
	out->from = packing_text(&t->from);
	out->to = packing_text(&t->to);
	p->call.transfer = out;
}

static bool transfer_is_leg(const struct call *c, uint32_t leg)
{
	return leg < LEGS_MAX && call_leg(c, (uint8_t)leg);
}

static bool is_leg_or_none(const struct call *c, uint32_t leg)
{
	return leg == LEG_NONE || transfer_is_leg(c, leg);
}

/* Before it rings there is nothing to go back to. */
static bool read_before(struct reading *r, struct transfer *t, const Tandem__Call__Transfer *in)
{
	if (!transfer_has_begun(t))
		return true;
	if (!transfer_is_leg(r->c, in->caller) || !is_leg_or_none(r->c, in->callee) ||
	    in->caller == in->callee || (in->offerer != in->caller && in->offerer != in->callee))
		return reading_wrong(r, "transfer: bridge");
	t->other = (struct bridge){ .caller = (uint8_t)in->caller,
				    .callee = (uint8_t)in->callee,
				    .offerer = (uint8_t)in->offerer };
	return true;
}

/* Older records do not name it. */
static bool read_given(struct reading *r, struct transfer *t, uint32_t given)
{
	uint32_t leg =
		given ? given - 1
		      : transfer_given(transfer_has_begun(t) ? &t->other : &r->c->bridge, t->leg);

	if (!transfer_is_leg(r->c, leg))
		return reading_wrong(r, "transfer: given");
	t->given = (uint8_t)leg;
	return true;
}

static bool read_with(struct reading *r, struct transfer *t, const Tandem__Call__Transfer *in)
{
	if (in->comes > LEGS_MAX || (in->with_leg >= LEGS_MAX && in->with_leg != LEG_NONE) ||
	    (in->with && !in->comes && in->with_leg == LEG_NONE))
		return reading_wrong(r, "transfer: with");
	t->with = (struct transfer_with){ .call = in->with,
					  .leg = in->comes ? (uint8_t)(in->comes - 1) : LEG_NONE,
					  .peer = (uint8_t)in->with_leg };
	return true;
}

static bool read_remote(struct reading *r, struct transfer_remote *far,
			const Tandem__Call__Transfer *in)
{
	if (in->remote_shard > UINT16_MAX || (in->remote_shard && (in->with || !in->replaces.len)))
		return reading_wrong(r, "transfer: far");
	far->shard = (uint16_t)in->remote_shard;
	far->joins = in->joins;
	far->confers = in->confers;
	return reading_line(r, &far->replaces, &in->replaces, REPLACES_MAX, "transfer: replaces") &&
	       reading_line(r, &far->referrer, &in->referrer, READING_USER_MAX,
			    "transfer: referrer");
}

static bool read_slot(struct reading *r, struct transfer_slot *slot,
		      const Tandem__Call__Transfer *in)
{
	struct bytes number = bytes_mem(in->slot.data, in->slot.len);
	struct bytes last = bytes_mem(in->slot_last.data, in->slot_last.len);

	if (!number.n)
		return true;
	if (!park_slot_is(number) || (last.n && (!park_slot_is(last) || last.n != number.n)) ||
	    in->with || in->remote_shard)
		return reading_wrong(r, "transfer: slot");
	(void)bytes_cstr(number, slot->number, sizeof(slot->number));
	(void)bytes_cstr(last, slot->last, sizeof(slot->last));
	slot->order = in->slot_order;
	return true;
}

/* After whom it gives away. */
static bool read_outside(struct reading *r, struct transfer *t, const Tandem__Call__Dialog *in)
{
	if (!in)
		return true;
	t->outside = calloc(1, sizeof(*t->outside));
	if (!t->outside)
		return reading_wrong(r, "out of memory");
	t->outside->tag.call = r->c->id;
	t->outside->tag.leg = t->given;
	return in->born_call ? reading_wrong(r, "transfer: dialog")
			     : reading_dialog(r, t->given, t->outside, in);
}

bool reading_transfer(struct reading *r, const Tandem__Call__Transfer *in)
{
	struct transfer *t;

	if (!in)
		return true;
	if (in->state > TRANSFER_FAILED || !is_leg_or_none(r->c, in->leg) || in->status > 699 ||
	    (in->state == TRANSFER_FAILED) != (in->status >= 300))
		return reading_wrong(r, "transfer: leg");
	t = r->c->transfer = calloc(1, sizeof(*t));
	if (!t)
		return reading_wrong(r, "out of memory");
	t->state = (enum transfer_state)in->state;
	t->leg = (uint8_t)in->leg;
	t->refer = in->refer;
	t->ordered = in->ordered;
	t->replaced = in->replaced;
	t->met = in->met & (MET_GIVEN | MET_COMES);
	if (in->ring_s > CALL_RING_MAX_S || in->away_s > CALL_AWAY_MAX_S)
		return reading_wrong(r, "transfer: how long it rings");
	t->unattended = in->unattended;
	t->ring_s = in->ring_s;
	t->away_s = in->away_s;
	t->asked = in->asked;
	t->status = (uint16_t)in->status;
	return read_before(r, t, in) && read_given(r, t, in->given) && read_with(r, t, in) &&
	       read_remote(r, &t->remote, in) && read_slot(r, &t->slot, in) &&
	       read_outside(r, t, in->outside) &&
	       reading_line(r, &t->target, &in->target, READING_USER_MAX, "transfer: target") &&
	       reading_line(r, &t->gruu, &in->gruu, GRUU_NAMED_MAX, "transfer: gruu") &&
	       reading_line(r, &t->from, &in->from, READING_USER_MAX, "transfer: from") &&
	       reading_line(r, &t->to, &in->to, READING_USER_MAX, "transfer: to") &&
	       reading_line(r, &t->application, &in->application, APPLICATION_NAME_MAX - 1,
			    "transfer: application");
}
