/* SPDX-License-Identifier: Apache-2.0 */
/* When tones of overlays begin and end. */
#include "engine/job/overlay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "engine/job/overlay_voice.h"
#include "engine/walk/worker.h"

/* ---- open, close ---- */

int overlay_line_open(struct overlay_line *l, uint32_t capacity)
{
	l->of = calloc(capacity, sizeof(struct overlay *));
	return l->of ? 0 : -ENOMEM;
}

void overlay_line_close(struct overlay_line *l)
{
	assert(l->open == 0);
	free(l->of);
	l->of = NULL;
}

struct overlay *overlay_of(const struct worker *w, const struct flow *f)
{
	return f->has_overlay ? w->overlays.of[f->id.slot] : NULL;
}

static uint32_t tone_ms(const struct media_tone *t)
{
	return t->gap_ms ? 2U * t->ms + t->gap_ms : t->ms;
}

static uint64_t tone_ns(const struct overlay *o)
{
	return tone_ms(&o->spec.tone) * NS_PER_MS;
}

static uint64_t every_ns(const struct overlay *o)
{
	return o->spec.every_ms * NS_PER_MS;
}

static bool overlay_is_like(const struct overlay *o, const struct flow_spec *spec)
{
	const struct media_overlay *a = &o->spec, *b = &spec->overlay;

	return a->begun_ns == b->begun_ns && a->every_ms == b->every_ms &&
	       a->tone.hz == b->tone.hz && a->tone.level == b->tone.level &&
	       a->tone.ms == b->tone.ms && a->tone.gap_ms == b->tone.gap_ms;
}

/* What is between two of them is as long as they are, at least. */
static bool overlay_is_sane(const struct media_overlay *s)
{
	return s->tone.hz > 0 && s->tone.hz < OVERLAY_HZ_MAX && s->tone.level <= 0 &&
	       (s->every_ms == 0 || s->every_ms >= 2U * tone_ms(&s->tone) + 4 * OVERLAY_LEAD_MS);
}

/* Of those that are spoken, which go first: in others a tone is made for keys alone (key_tone.h). */
static void taken_set(struct overlay *o, const struct flow_spec *spec)
{
	assert(spec->taken_count <= MEDIA_TAKEN_MAX);
	memcpy(o->taken, spec->taken, sizeof(o->taken));
	o->taken_count = 0;
	while (o->taken_count < spec->taken_count && o->taken[o->taken_count].codec < MEDIA_CODECS)
		o->taken_count++;
	overlay_voices_open(o);
}

/* ---- phases ---- */

static void phase_set(struct worker *w, struct overlay *o, struct flow *f, enum overlay_phase phase)
{
	if (o->phase == phase)
		return;
	w->overlays.sounding += o->phase == OVERLAY_RESTS;
	w->overlays.sounding -= phase == OVERLAY_RESTS;
	o->phase = phase;
	if (phase == OVERLAY_RESTS)
		f->making &= (uint8_t)~MAKING_TONE;
	else
		f->making |= MAKING_TONE;
}

static void overlay_wake(struct worker *w, struct overlay *o, uint64_t at_ns)
{
	wheel_start(&w->wheel, &o->timer, at_ns);
}

static void overlay_lead(struct worker *w, struct overlay *o, struct flow *f)
{
	uint64_t least_ns = w->now_ns + OVERLAY_LEAD_MS * NS_PER_MS;

	phase_set(w, o, f, OVERLAY_LEADS);
	o->based = o->makes = false;
	o->made_ms = 0;
	o->received_ns = w->now_ns; /* whether anything comes is seen until then */
	overlay_wake(w, o, o->due_ns > least_ns ? o->due_ns : least_ns);
}

/* The next one, or nothing more. */
static void overlay_rest(struct worker *w, struct overlay *o, struct flow *f)
{
	uint64_t lead_ns = OVERLAY_LEAD_MS * NS_PER_MS;

	phase_set(w, o, f, OVERLAY_RESTS);
	if (!o->place.waits)
		overlay_voice_give(o);
	if (o->due_ns + OVERLAY_LATE_MS * NS_PER_MS <= w->now_ns) {
		if (o->spec.every_ms == 0)
			return;
		o->due_ns += (w->now_ns - o->due_ns + every_ns(o) - 1) / every_ns(o) * every_ns(o);
	}
	if (o->due_ns <= w->now_ns + lead_ns)
		overlay_lead(w, o, f);
	else
		overlay_wake(w, o, o->due_ns - lead_ns);
}

/* This one is over. */
static void overlay_over(struct worker *w, struct overlay *o, struct flow *f)
{
	if (o->spec.every_ms == 0) {
		o->due_ns = 0;
	} else {
		o->due_ns += every_ns(o);
	}
	overlay_rest(w, o, f);
}

/* Each 20 ms of it: where nobody says anything it is said all the same. */
static void overlay_sound(struct worker *w, struct overlay *o, struct flow *f)
{
	if (o->phase == OVERLAY_LEADS) {
		phase_set(w, o, f, OVERLAY_SOUNDS);
		o->begun_ns = w->now_ns;
	}
	if (w->now_ns >= o->begun_ns + tone_ns(o)) {
		phase_set(w, o, f, OVERLAY_TRAILS);
		overlay_wake(w, o, o->begun_ns + tone_ns(o) + OVERLAY_LEAD_MS * NS_PER_MS);
		return;
	}
	overlay_tick(w, o, f);
	o->made_ms = (uint16_t)(o->made_ms + OVERLAY_PACKET_MS);
	overlay_wake(w, o, o->begun_ns + o->made_ms * NS_PER_MS);
}

void overlay_expire(struct worker *w, struct flow *f)
{
	struct overlay *o = overlay_of(w, f);

	assert(o);
	switch (o->phase) {
	case OVERLAY_RESTS:
		overlay_lead(w, o, f);
		break;
	case OVERLAY_LEADS:
	case OVERLAY_SOUNDS:
		overlay_sound(w, o, f);
		break;
	case OVERLAY_TRAILS:
		overlay_over(w, o, f);
		break;
	}
}

/* ---- by command ---- */

static int overlay_open(struct worker *w, struct flow *f, const struct flow_spec *spec)
{
	struct overlay *o;

	if (!overlay_is_sane(&spec->overlay))
		return -EINVAL;
	o = calloc(1, sizeof(*o));
	if (!o)
		return -ENOMEM;
	o->slot = f->id.slot;
	o->spec = spec->overlay;
	o->timer = (struct wheel_timer){ .kind = TIMER_OVERLAY, .owner = o->slot };
	o->due_ns = o->spec.begun_ns;
	taken_set(o, spec);
	w->overlays.of[o->slot] = o;
	w->overlays.open++;
	f->has_overlay = 1;
	overlay_rest(w, o, f);
	return 0;
}

void overlay_leave(struct worker *w, struct flow *f)
{
	struct overlay *o = overlay_of(w, f);

	if (!o)
		return;
	wheel_stop(&w->wheel, &o->timer);
	job_line_forget(&w->overlays.line, &o->place);
	metric_add(w->metrics->tones_missed, o->count);
	o->count = 0;
	phase_set(w, o, f, OVERLAY_RESTS);
	overlay_voice_give(o);
	overlay_voices_close(o);
	f->has_overlay = 0;
	free(o);
	w->overlays.open--;
}

int overlay_set(struct worker *w, struct flow *f, const struct flow_spec *spec)
{
	bool wanted = spec->kind == MEDIA_AUDIO && spec->overlay.tone.ms > 0;

	if (wanted && f->has_overlay && overlay_is_like(overlay_of(w, f), spec)) {
		taken_set(overlay_of(w, f), spec);
		return 0;
	}
	overlay_leave(w, f);
	return wanted ? overlay_open(w, f, spec) : 0;
}
