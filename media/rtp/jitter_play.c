/* SPDX-License-Identifier: Apache-2.0 */
#include "media/rtp/jitter_state.h"

enum {
	CONCEALED_MS_MAX = 100, /* when nothing comes any more; behind that there is silence */
	PACE_MS = 200,          /* speech changes its length that seldom */
	LITTLE_MS = 1,
	SPEECH_MS = 30,   /* of more than that some goes in speech, too */
	UNHEARD_MS = 100, /* more than that, for so long: who plays follows no advice */
	UNHEARD_S = 10,
};

/* ---- which packet ---- */

/* The first that is there. */
static struct jitter_slot *jitter_first(struct jitter *j)
{
	if (!j->kept)
		return NULL;
	for (uint64_t i = j->next;; i++) {
		struct jitter_slot *s = jitter_find(j, i);

		if (s)
			return s;
	}
}

/*
 * What is left over of ticks by packets of so many units, and of packets by ticks, is a multiple of this: 10 ms for packets of 30 in ticks of
 * 20. Of some packets the turn comes before their time by a tick less a step.
 */
static uint32_t jitter_step(struct jitter *j, uint32_t units)
{
	uint32_t a = units, b = jitter_units_of_ms(j, j->settings.tick_ms);

	if (LIKELY(j->step_of == units))
		return j->step;
	while (b) {
		uint32_t rest = a % b;

		a = b;
		b = rest;
	}
	j->step_of = units;
	j->step = a;
	return a;
}

/* Mostly there is none, and a division takes as long as all else. */
static int64_t whole_steps(int64_t units, int64_t step)
{
	return LIKELY(units < step) ? 0 : units - units % step;
}

/* How much later than the quickest a packet is heard, so that each is there when its turn comes. */
static int64_t jitter_wanted(struct jitter *j, uint32_t units)
{
	return (int64_t)jitter_delay_target(&j->delay) +
	       jitter_units_of_ms(j, j->settings.tick_ms) - jitter_step(j, units);
}

static int64_t jitter_behind(const struct jitter *j, const struct jitter_slot *s, int64_t now)
{
	return now - s->at - j->delay.floor;
}

/* Where no advice helps a frame a second is left out, or a sender with a fast clock would be heard ever later. */
static bool jitter_is_unheard(struct jitter *j, int64_t over, int64_t now)
{
	if (over <= (int64_t)jitter_units_of_ms(j, UNHEARD_MS))
		j->calm_at = now;
	if (now - j->calm_at <= (int64_t)j->settings.clock_hz * UNHEARD_S)
		return false;
	j->calm_at += j->settings.clock_hz;
	return true;
}

/* What would be heard too late is left out, where more than a frame of it is too late. */
static struct jitter_slot *jitter_timely(struct jitter *j, int64_t now)
{
	struct jitter_slot *s = jitter_first(j);
	int64_t max = j->delay.max, behind = s ? jitter_behind(j, s, now) : 0;

	if (!s || s->units == 0)
		return s;
	if (behind > max + j->frame) {
		while (s && s->units > 0 && jitter_behind(j, s, now) > max) {
			jitter_drop_before(j, s->index + 1);
			s = jitter_first(j);
		}
	} else if (jitter_is_unheard(j, behind - jitter_wanted(j, s->units), now)) {
		jitter_drop_before(j, s->index + 1);
		s = jitter_first(j);
	}
	return s;
}

/* Past those that have nothing to play. */
static struct jitter_slot *jitter_sounding(struct jitter *j, int64_t now)
{
	struct jitter_slot *s = jitter_timely(j, now);

	while (s && s->units == 0) {
		j->passed += (uint32_t)(s->index - j->next);
		jitter_drop_before(j, s->index + 1);
		j->hushed = true;
		s = jitter_timely(j, now);
	}
	return s;
}

/* ---- what is heard ---- */

static void jitter_silence(const struct jitter *j, struct jitter_frame *out)
{
	*out = (struct jitter_frame){ .kind = JITTER_SILENCE, .units = j->frame };
}

static void jitter_conceal(struct jitter *j, uint32_t units, struct jitter_frame *out)
{
	*out = (struct jitter_frame){ .kind = JITTER_LOST, .units = units };
	j->play_at += units;
	j->concealed++;
	j->counts.lost++;
}

/* Nothing is there. */
static void jitter_starve(struct jitter *j, struct jitter_frame *out)
{
	uint64_t concealed = (uint64_t)j->concealed * j->frame;

	if (j->playing && concealed >= jitter_units_of_ms(j, CONCEALED_MS_MAX))
		j->playing = false;
	if (j->playing && !j->hushed)
		jitter_conceal(j, j->frame, out);
	else
		jitter_silence(j, out);
}

static bool jitter_may_pace(struct jitter *j, int64_t now)
{
	if (now - j->paced_at < jitter_units_of_ms(j, PACE_MS))
		return false;
	j->paced_at = now;
	return true;
}

/*
 * over: later than the packet had to be there. rest: of what is queued, what goes without a risk. More than that brings packets' turns forward
 * by a step, and they must be there then; less than a step does not put them off. A little is left alone.
 */
static void jitter_advise(struct jitter *j, int64_t now, int64_t over, int64_t rest,
			  struct jitter_frame *out)
{
	int64_t little = jitter_units_of_ms(j, LITTLE_MS), step = jitter_step(j, out->units);
	int64_t spare = over >= 0 ? whole_steps(over, step) + rest : 0;

	if (spare > little) {
		out->pace = JITTER_SHRINK_SILENCE;
		if (spare > (int64_t)jitter_units_of_ms(j, SPEECH_MS) && jitter_may_pace(j, now))
			out->pace = JITTER_SHRINK;
		out->spare = (uint32_t)spare;
	}
	if (over < -little && jitter_may_pace(j, now)) {
		out->pace = JITTER_STRETCH;
		out->spare = (uint32_t)((step - 1 - over) / step * step - rest);
	}
}

static void jitter_play(struct jitter *j, struct jitter_slot *s, int64_t now, int64_t queued,
			struct jitter_frame *out)
{
	int64_t rest = queued - whole_steps(queued, jitter_step(j, s->units));
	int64_t over = jitter_behind(j, s, now) + queued - rest - jitter_wanted(j, s->units);

	*out = (struct jitter_frame){
		.kind = JITTER_PLAY,
		.units = s->units,
		.timestamp = s->timestamp,
		.payload_type = s->payload_type,
		.payload = bytes_mem(jitter_octets_of(s), s->length),
	};
	jitter_advise(j, now, over, rest, out);
	jitter_slot_give(j, s);
	j->counts.played++;
	jitter_pass(j, s->index, true);
	j->play_at = s->at + s->units;
	j->frame = s->units;
	j->concealed = j->passed = 0;
	j->hushed = false;
	j->begun = true;
	j->playing = !s->pauses;
}

/* Of what is missing before it there is a frame to conceal. */
static bool jitter_is_gap(const struct jitter *j, const struct jitter_slot *s)
{
	return j->concealed < s->index - j->next + j->passed;
}

/* What s has of the one before it may be heard, so that one must not come behind it. */
static void jitter_conceal_by(struct jitter *j, const struct jitter_slot *s,
			      struct jitter_frame *out)
{
	out->payload = bytes_mem(jitter_octets_of(s), s->length);
	jitter_pass(j, s->index - 1, false);
	j->concealed = j->passed = 0;
}

/* Before s there is something else to be heard. */
static void jitter_wait(struct jitter *j, const struct jitter_slot *s, struct jitter_frame *out)
{
	int64_t gap = s->at - j->play_at;

	if (j->playing && jitter_is_gap(j, s)) {
		jitter_conceal(j, j->frame, out);
		if (j->settings.fec && gap - j->frame < j->frame / 2)
			jitter_conceal_by(j, s, out);
		return;
	}
	jitter_silence(j, out);
}

void jitter_get(struct jitter *j, uint64_t now_ns, uint64_t queued_ns, struct jitter_frame *out)
{
	int64_t now = jitter_units(j, now_ns), queued = jitter_units(j, queued_ns);
	struct jitter_slot *s = jitter_sounding(j, now);

	if (!s) {
		jitter_starve(j, out);
		return;
	}

	bool follows = j->playing && s->at - j->play_at < j->frame;
	bool due = jitter_behind(j, s, now) >= jitter_wanted(j, s->units);

	if (follows || (due && !(j->playing && jitter_is_gap(j, s))))
		jitter_play(j, s, now, queued, out);
	else
		jitter_wait(j, s, out);
}

/* ---- what there is ---- */

uint32_t jitter_target_ms(const struct jitter *j)
{
	return jitter_delay_target(&j->delay) / (j->settings.clock_hz / 1000);
}

uint32_t jitter_kept(const struct jitter *j)
{
	return j->kept;
}

const struct jitter_counts *jitter_counts(const struct jitter *j)
{
	return &j->counts;
}
