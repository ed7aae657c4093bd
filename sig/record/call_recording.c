/* SPDX-License-Identifier: Apache-2.0 */
/* What is recorded of a call, written and read. */
#include <stdlib.h>

#include "sig/record/call_pack.h"
#include "sig/record/call_read.h"

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
