/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/segment.h"

#include <errno.h>
#include <stdlib.h>

#include "sig/call/cdr_fill.h"
#include "sig/call/recording.h"

static uint64_t segment_later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t talk_ms(const struct cdr *cdr)
{
	return cdr->answer_utc_ms ? cdr->end_utc_ms - cdr->answer_utc_ms : 0;
}

static void segment_fill(struct segment *s, struct call *c)
{
	struct cdr *cdr = &s->cdr;

	s->caller = c->bridge.caller;
	s->callee = c->bridge.callee;
	cdr_begin(cdr, c);
	cdr->recordings = recordings_take_pair(c);
	cdr->answer_utc_ms =
		c->answer_utc_ms ? segment_later(c->answer_utc_ms, c->setup_utc_ms) : 0;
}

/* Two as one: the names, the outcome and the legs of the later, from the setup of the earlier on, with the talk of both. */
static void segment_join(struct segment *to, const struct segment *next)
{
	struct segment both = *next;
	uint64_t talked = talk_ms(&to->cdr) + talk_ms(&next->cdr);

	both.cdr.setup_utc_ms = to->cdr.setup_utc_ms;
	if (to->cdr.ringing_utc_ms)
		both.cdr.ringing_utc_ms = to->cdr.ringing_utc_ms;
	if (talked)
		both.cdr.answer_utc_ms = both.cdr.end_utc_ms - talked;
	if (to->cdr.answer_utc_ms && !both.cdr.answer_utc_ms)
		both.cdr.answer_utc_ms = both.cdr.end_utc_ms;
	both.cdr.recordings |= to->cdr.recordings;
	if (!both.cdr.room)
		both.cdr.room = to->cdr.room;
	*to = both;
}

static int segment_keep(struct call *c, const struct segment *s)
{
	struct segment *list;

	if (c->segment_count == SEGMENTS_MAX) {
		segment_join(&c->segments[SEGMENTS_MAX - 1], s);
		return 0;
	}
	list = reallocarray(c->segments, c->segment_count + 1U, sizeof(*list));
	if (!list)
		return -ENOMEM;
	c->segments = list;
	list[c->segment_count++] = *s;
	return 0;
}

/* It begins where the last one ended, whatever the clock says. */
static void next_begin(struct call *c, uint64_t end_utc_ms)
{
	c->setup_utc_ms = end_utc_ms;
	c->ringing_utc_ms = c->answer_utc_ms = 0;
	c->status = 0;
	c->in_room = c->member && !c->member->asks ? c->member->room : 0;
	c->cause = CAUSE_NONE;
}

int segment_end(struct call_host *h, struct call *c, enum call_cause cause, enum call_ended_by by)
{
	struct segment s = { .cause = cause };

	segment_fill(&s, c);
	s.cdr.ended_by = by;
	s.cdr.end_utc_ms =
		segment_later(h->now.utc_ms, segment_later(c->setup_utc_ms, c->answer_utc_ms));
	if (segment_keep(c, &s))
		return -ENOMEM;
	next_begin(c, s.cdr.end_utc_ms);
	return 0;
}

struct segment *segment_of(const struct call *c, uint8_t leg)
{
	for (uint8_t i = c->segment_count; i-- > 0;) {
		if (c->segments[i].caller == leg || c->segments[i].callee == leg)
			return &c->segments[i];
	}
	return NULL;
}

void segments_leg_gone(struct call *c, uint8_t leg)
{
	for (uint8_t i = 0; i < c->segment_count; i++) {
		struct segment *s = &c->segments[i];

		if (s->caller == leg)
			s->caller = LEG_NONE;
		if (s->callee == leg)
			s->callee = LEG_NONE;
	}
}

void segments_clear(struct call *c)
{
	free(c->segments);
	c->segments = NULL;
	c->segment_count = 0;
}

uint64_t segments_setup_utc_ms(const struct call *c)
{
	return c->segment_count ? c->segments[0].cdr.setup_utc_ms : c->setup_utc_ms;
}

uint64_t segments_answer_utc_ms(const struct call *c)
{
	for (uint8_t i = 0; i < c->segment_count; i++) {
		if (c->segments[i].cdr.answer_utc_ms)
			return c->segments[i].cdr.answer_utc_ms;
	}
	return c->answer_utc_ms;
}

uint64_t segments_talk_ms(const struct call *c)
{
	uint64_t sum = c->answer_utc_ms ? c->end_utc_ms - c->answer_utc_ms : 0;

	for (uint8_t i = 0; i < c->segment_count; i++)
		sum += talk_ms(&c->segments[i].cdr);
	return sum;
}

static bool times_fit(const struct cdr *cdr)
{
	return cdr->setup_utc_ms && cdr->setup_utc_ms <= cdr->end_utc_ms &&
	       cdr->answer_utc_ms <= cdr->end_utc_ms &&
	       (!cdr->answer_utc_ms || cdr->answer_utc_ms >= cdr->setup_utc_ms);
}

const char *segments_check(const struct call *c)
{
	for (uint8_t i = 0; i < c->segment_count; i++) {
		const struct cdr *cdr = &c->segments[i].cdr;
		uint64_t next = i + 1 < c->segment_count ? c->segments[i + 1].cdr.setup_utc_ms
							 : c->setup_utc_ms;

		if (!times_fit(cdr) || cdr->end_utc_ms != next)
			return "segment: times";
	}
	return NULL;
}
