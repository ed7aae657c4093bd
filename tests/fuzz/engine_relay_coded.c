/* SPDX-License-Identifier: Apache-2.0 */
/* What is transcoded, and tones within what is heard. */
#include <assert.h>

#include "engine/worker/overlay.h"
#include "engine/worker/transcoder.h"
#include "tests/fuzz/engine_relay.h"

enum { TONE_MS = 60, TONE_EVERY_MS = 1000 };

static void coding_read(struct script *s, struct media_coding *c)
{
	static const uint8_t PACKET_MS[] = { 0, 20, 10, 60 };
	uint8_t how = take(s);

	*c = (struct media_coding){ .from = (uint8_t)((how & 7) % MEDIA_CODECS),
				    .to = (uint8_t)((how >> 3 & 7) % MEDIA_CODECS),
				    .packet_ms = PACKET_MS[how >> 6],
				    .complexity = 1 };
}

/* By two payload types that rules have. */
static void tone_read(const struct fuzz *f, struct flow_spec *spec, uint8_t how)
{
	spec->accepted_count = 2;
	spec->accepted[0] =
		(struct media_accepted){ 96, (uint8_t)((how & 7) % MEDIA_CODECS_KNOWN) };
	spec->accepted[1] =
		(struct media_accepted){ 98, (uint8_t)((how >> 3 & 7) % MEDIA_CODECS_KNOWN) };
	spec->overlay = (struct media_overlay){ .tone = { 1400, -200, TONE_MS },
						.begun_ns = f->sim->now_ns +
							    (how >> 6 & 1) * 300 * NS_PER_MS,
						.every_ms = how >> 7 ? TONE_EVERY_MS : 0 };
}

void relay_coded_read(struct script *s, const struct fuzz *f, struct flow_spec *spec)
{
	uint8_t how = take(s);

	if (how & 1)
		tone_read(f, spec, take(s));
	if (!(how & 6))
		return;
	coding_read(s, &spec->codings[0]);
	coding_read(s, &spec->codings[1]);
	for (uint8_t i = 0; i < spec->rule_count; i++) {
		if (!spec->rules[i].event && (how >> (i % 4 + 1) & 1))
			spec->rules[i].coding = 1 + (i >> 1 & 1);
	}
}

/* ---- what must hold ---- */

static uint32_t coders_check(const struct fuzz *f, const struct flow *flow)
{
	const struct transcoder *c = transcoder_of(&f->w, flow);

	if (!c)
		return 0;
	assert(c->slot == flow->id.slot && flow->kind == MEDIA_AUDIO);
	assert(c->count <= TRANSCODER_PACKETS_MAX && c->first < TRANSCODER_PACKETS_MAX);
	assert(transcoder_has_work(c) == c->place.waits);
	for (uint32_t i = 0; i < MEDIA_CODINGS_MAX; i++)
		assert(c->list[i].at + c->list[i].count <= c->list[i].room);
	return 1;
}

static uint32_t overlays_check(const struct fuzz *f, const struct flow *flow)
{
	const struct overlay *o = overlay_of(&f->w, flow);

	assert(((flow->making & MAKING_TONE) != 0) == (o && o->phase != OVERLAY_RESTS));
	if (!o)
		return 0;
	assert(o->slot == flow->id.slot);
	assert(o->place.waits == (o->count > 0) && (o->voice || o->count == 0));
	assert(o->count <= OVERLAY_PACKETS_MAX);
	assert(o->phase == OVERLAY_RESTS || wheel_is_running(&o->timer));
	return 1;
}

static uint32_t line_length(const struct job_line *l)
{
	uint32_t n = 0;

	for (const struct job_place *p = l->first; p; p = p->behind)
		n++;
	return n;
}

void relay_coded_check(const struct fuzz *f)
{
	uint32_t coders = 0, overlays = 0, in_line, waiting = 0;

	for (uint32_t slot = 0; slot < SLOTS; slot++) {
		const struct flow *flow = &f->w.flows.list[slot];

		if (flow->id.generation == 0)
			continue;
		coders += coders_check(f, flow);
		overlays += overlays_check(f, flow);
		waiting += flow->has_transcoder && transcoder_of(&f->w, flow)->place.waits;
		waiting += flow->has_overlay && overlay_of(&f->w, flow)->place.waits;
	}
	in_line = line_length(&f->w.transcoders.line) + line_length(&f->w.overlays.line);
	assert(coders == f->w.transcoders.open && overlays == f->w.overlays.open);
	assert(waiting == in_line);
}

/* One that waits leaves under the number that it was taken with, whatever rules there are by now. */
bool relay_is_coded(const struct fuzz *f, uint32_t slot, uint8_t type)
{
	const struct flow *to = &f->w.flows.list[slot];
	bool any = to->has_overlay; /* in the place of one, or for want of one */

	for (uint32_t i = 0; i < SLOTS && !any; i++) {
		const struct flow *from = &f->w.flows.list[i];

		any = from->id.generation != 0 && from->has_transcoder &&
		      flow_id_eq(from->peer, to->id) && type >= 96;
	}
	return any;
}
