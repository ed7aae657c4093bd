/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/walk/event.h"

#include "base/clock.h"
#include "engine/walk/worker.h"

struct media_event event_of(const struct flow *f, enum media_event_kind kind)
{
	return (struct media_event){
		.kind = kind,
		.id = f->id,
		.call = f->call,
		.leg = f->leg,
		.line = f->line,
		.resume = flow_resume_read(f),
		.stats = flow_stats_read(f),
	};
}

bool event_send(struct worker *w, const struct media_event *event)
{
	return ring_push(&w->events, event);
}

enum { DIGITS_TOLD_PER_S = 20 };

/* As if they came evenly, with a second's worth at once. */
static bool may_tell_digit(struct flow *f, uint64_t now_ns)
{
	const uint64_t every_ns = NS_PER_S / DIGITS_TOLD_PER_S;

	if (f->digit_told_ns + NS_PER_S < now_ns + every_ns)
		f->digit_told_ns = now_ns + every_ns > NS_PER_S ? now_ns + every_ns - NS_PER_S : 0;
	if (f->digit_told_ns > now_ns)
		return false;
	f->digit_told_ns += every_ns;
	return true;
}

static void digit_tell(struct worker *w, struct flow *f, const struct media_event *key)
{
	struct media_event event;

	if (!may_tell_digit(f, w->now_ns)) {
		metric_add(w->metrics->digits_untold, 1);
		return;
	}
	event = event_of(f, MEDIA_FLOW_DIGIT);
	event.digit = key->digit;
	event.duration_ms = key->duration_ms;
	event.relayed = key->relayed;
	event.tone = key->tone;
	if (event.digit && !event_send(w, &event))
		metric_add(w->metrics->events_lost, 1);
}

void event_digit(struct worker *w, struct flow *f, const struct event_done *done)
{
	digit_tell(w, f,
		   &(struct media_event){ .digit = telephone_event_digit(done->event),
					  .duration_ms = event_duration_ms(done, f->event_clock_hz),
					  .relayed = f->event_relayed });
}

void event_tone(struct worker *w, struct flow *f, char digit, uint32_t duration_ms)
{
	metric_add(w->metrics->digits_detected, 1);
	digit_tell(w, f,
		   &(struct media_event){
			   .digit = digit, .duration_ms = duration_ms, .relayed = 1, .tone = 1 });
}

void event_notice(struct worker *w, struct flow *f, uint64_t now_ns)
{
	struct media_event event;

	if (f->noticed_ns != 0 && now_ns - f->noticed_ns < EVENT_LATCHED_EVERY_NS)
		return;
	event = event_of(f, MEDIA_FLOW_LATCHED);
	if (!event_send(w, &event))
		return; /* full: it stays due */
	f->notice = 0;
	f->noticed_ns = now_ns;
	f->sent_reported = event.resume.sent;
}

void notice_stage(struct worker *w, struct batch *b)
{
	struct pkt *p = LIKELY(!b->notices) ? b->list + b->done : b->list;

	for (; p < b->list + b->count; p++)
		if (UNLIKELY(p->flow && p->flow->notice))
			event_notice(w, p->flow, b->now_ns);
}
