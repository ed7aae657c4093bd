/* SPDX-License-Identifier: Apache-2.0 */
#include "app/record/timeline.h"

#include <assert.h>
#include <string.h>

void timeline_open(struct timeline *t, uint32_t rate, timeline_gap_fn *gap, void *arg)
{
	*t = (struct timeline){ .rate = rate, .gap = gap, .arg = arg };
}

void timeline_break(struct timeline *t)
{
	t->anchored = false;
}

int64_t timeline_end(const struct timeline *t)
{
	return t->count ? t->extents[t->count - 1].to : 0;
}

uint64_t timeline_lost(const struct timeline *t)
{
	int64_t lost = t->lost_before + seq_lost(&t->numbers);

	return lost > 0 ? (uint64_t)lost : 0;
}

/* ---- what is there ---- */

/* The hole between extents i and i + 1 will not be filled: they become one. */
static void extents_join(struct timeline *t, uint32_t i)
{
	struct timeline_extent *a = &t->extents[i], *b = a + 1;
	struct timeline_gap gap = { .at = a->to, .n = b->from - a->to };

	assert(i + 1 < t->count);
	if (gap.n > 0 && a->source == b->source && (uint16_t)(b->first - a->last) != 1)
		t->gap(&gap, t->arg);
	a->to = b->to;
	a->last = b->last;
	a->source = b->source;
	memmove(b, b + 1, (--t->count - i - 1) * sizeof(*b));
}

void timeline_settle(struct timeline *t, int64_t until)
{
	if (until <= t->settled)
		return;
	t->settled = until;
	while (t->count > 1 && t->extents[1].from <= until)
		extents_join(t, 0);
}

/* [from, to) lies between two extents, or at an end: i is the first one behind it. */
static void extent_add(struct timeline *t, uint32_t i, int64_t from, int64_t to, uint16_t number)
{
	struct timeline_extent *before = i ? &t->extents[i - 1] : NULL;
	struct timeline_extent *behind = i < t->count ? &t->extents[i] : NULL;

	if (before && before->to == from && before->source == t->source) {
		before->to = to;
		before->last = number;
		if (behind && behind->from == to)
			extents_join(t, i - 1);
		return;
	}
	if (behind && behind->from == to && behind->source == t->source) {
		behind->from = from;
		behind->first = number;
		return;
	}
	if (t->count == TIMELINE_EXTENTS) {
		/* the oldest hole is given up */
		extents_join(t, 0);
		i = i ? i - 1 : 0;
		if (from < t->extents[0].to)
			return;
	}
	memmove(&t->extents[i + 1], &t->extents[i], (t->count++ - i) * sizeof(t->extents[0]));
	t->extents[i] = (struct timeline_extent){
		.from = from, .to = to, .first = number, .last = number, .source = t->source
	};
}

/* The parts of [from, to) that are not there yet. */
static uint32_t spans_free(const struct timeline *t, int64_t from, int64_t to,
			   struct timeline_span out[TIMELINE_SPANS])
{
	int64_t at = from;
	uint32_t n = 0;

	for (uint32_t i = 0; i <= t->count && at < to && n < TIMELINE_SPANS; i++) {
		int64_t end = i < t->count ? t->extents[i].from : to;

		if (end > to)
			end = to;
		if (end > at)
			out[n++] = (struct timeline_span){ .at = at, .n = (uint32_t)(end - at) };
		if (i < t->count && t->extents[i].to > at)
			at = t->extents[i].to;
	}
	return n;
}

static uint32_t extent_behind(const struct timeline *t, int64_t at)
{
	uint32_t i = t->count;

	while (i > 0 && t->extents[i - 1].from > at)
		i--;
	return i;
}

/* ---- where a packet goes ---- */

static void timeline_anchor(struct timeline *t, const struct timeline_packet *p)
{
	int64_t end = timeline_end(t);

	t->anchored = true;
	t->ssrc = p->ssrc;
	t->clock_hz = p->clock_hz;
	t->timestamp = p->timestamp;
	t->base = p->arrival > end ? p->arrival : end;
}

static int64_t timeline_position(struct timeline *t, uint32_t timestamp)
{
	int64_t ahead = (int64_t)(int32_t)(timestamp - t->timestamp) * t->rate;
	int64_t at = t->base + ahead / t->clock_hz;

	/* the base follows, so that differences stay small; not by parts of a sample */
	if (ahead > 0 && ahead % t->clock_hz == 0) {
		t->timestamp = timestamp;
		t->base = at;
	}
	return at;
}

static void source_change(struct timeline *t, const struct timeline_packet *p)
{
	t->lost_before += seq_lost(&t->numbers);
	t->numbers = (struct seq_count){ 0 };
	(void)seq_update(&t->numbers, p->sequence);
	t->source++;
	t->anchored = false;
}

/* Whether it is newer than all before. */
static bool timeline_number(struct timeline *t, const struct timeline_packet *p)
{
	if (!t->numbers.started || p->ssrc != t->ssrc || p->clock_hz != t->clock_hz) {
		t->ssrc = p->ssrc;
		t->clock_hz = p->clock_hz;
		source_change(t, p);
		return true;
	}
	switch (seq_update(&t->numbers, p->sequence)) {
	case SEQ_FORWARD:
		return true;
	case SEQ_LATE:
		return false;
	case SEQ_JUMP:
	case SEQ_RESTART:
		break;
	}
	source_change(t, p);
	return true;
}

/* Events and what cannot be decoded have a number and no place: behind them nothing is missing. */
static void timeline_note(struct timeline *t, uint16_t number)
{
	struct timeline_extent *last = t->count ? &t->extents[t->count - 1] : NULL;

	if (last && last->source == t->source && (uint16_t)(number - last->last) == 1)
		last->last = number;
}

static bool is_far(const struct timeline *t, const struct timeline_packet *p, int64_t at)
{
	int64_t rate = t->rate;

	return at < timeline_end(t) || at < p->arrival - TIMELINE_BEHIND_S * rate ||
	       at > p->arrival + TIMELINE_EARLY_MS * rate / 1000;
}

static uint32_t timeline_put(struct timeline *t, const struct timeline_packet *p, int64_t at,
			     struct timeline_span out[TIMELINE_SPANS])
{
	int64_t to = at + p->samples, from = at > t->settled ? at : t->settled;
	uint32_t n;

	if (to <= from || to > p->arrival + TIMELINE_AHEAD_S * (int64_t)t->rate) {
		t->crowded++;
		return 0;
	}
	n = spans_free(t, from, to, out);
	for (uint32_t i = 0; i < n; i++) {
		out[i].skip = (uint32_t)(out[i].at - at);
		extent_add(t, extent_behind(t, out[i].at), out[i].at, out[i].at + out[i].n,
			   p->sequence);
	}
	return n;
}

uint32_t timeline_place(struct timeline *t, const struct timeline_packet *p,
			struct timeline_span out[TIMELINE_SPANS])
{
	bool newer = timeline_number(t, p);
	int64_t at;

	assert(p->clock_hz);
	if (p->samples == 0) {
		if (newer)
			timeline_note(t, p->sequence);
		return 0;
	}
	if (!t->anchored)
		timeline_anchor(t, p);
	at = timeline_position(t, p->timestamp);
	if (newer && is_far(t, p, at)) {
		timeline_anchor(t, p);
		at = t->base;
	}
	return timeline_put(t, p, at, out);
}
