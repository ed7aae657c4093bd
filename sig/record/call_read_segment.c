/* SPDX-License-Identifier: Apache-2.0 */
/* Records of a call with one pair, and older ones, have none. */
#include <stdlib.h>

#include "sig/call/cdr.h"
#include "sig/record/call_read.h"

static bool read_chars(struct reading *r, char *out, size_t cap, const ProtobufCBinaryData *in)
{
	struct text line = { 0 };
	bool ok = reading_line(r, &line, in, cap - 1, "segment: text");

	if (ok)
		cdr_put(out, cap, text_bytes(&line));
	text_clear(&line);
	return ok;
}

static bool read_counters(struct reading *r, struct flow_stats *stats, struct cdr_sound *sound,
			  const Tandem__Call__Counters *in)
{
	if (!in)
		return true;
	if (in->mos_in > UINT16_MAX || in->mos_out > UINT16_MAX)
		return reading_wrong(r, "segment: MOS");
	stats->packets_in = in->packets_in;
	stats->octets_in = in->octets_in;
	stats->packets_out = in->packets_out;
	stats->octets_out = in->octets_out;
	stats->rtcp_in = in->rtcp_in;
	stats->rtcp_out = in->rtcp_out;
	stats->dropped = in->dropped;
	stats->lost = in->lost;
	stats->jitter_us = in->jitter_us;
	stats->digits = in->digits;
	stats->source_changes = in->source_changes;
	stats->remote_lost = in->remote_lost;
	stats->remote_jitter_us = in->remote_jitter_us;
	stats->rtt_us = in->rtt_us;
	sound->mos_in = (uint16_t)in->mos_in;
	sound->mos_out = (uint16_t)in->mos_out;
	return read_chars(r, sound->codec, sizeof(sound->codec), &in->codec);
}

static uint8_t segment_read_leg(const struct call *c, uint32_t leg)
{
	return leg && leg <= LEGS_MAX && call_leg(c, (uint8_t)(leg - 1)) ? (uint8_t)(leg - 1)
									 : LEG_NONE;
}

static void segment_read_times(const struct reading *r, struct cdr *cdr,
			       const Tandem__Call__Segment *in)
{
	cdr->setup_utc_ms = reading_time(r, in->setup_utc_ms);
	cdr->ringing_utc_ms = reading_time(r, in->ringing_utc_ms);
	cdr->answer_utc_ms = reading_time(r, in->answer_utc_ms);
	cdr->end_utc_ms = reading_time(r, in->end_utc_ms);
}

static bool read_segment(struct reading *r, struct segment *s, const Tandem__Call__Segment *in)
{
	struct cdr *cdr = &s->cdr;

	if (in->status > 699 || in->cause >= CALL_CAUSE_COUNT || in->ended_by > ENDED_BY_OPERATOR)
		return reading_wrong(r, "segment: how it ended");
	s->caller = segment_read_leg(r->c, in->caller);
	s->callee = segment_read_leg(r->c, in->callee);
	s->cause = (enum call_cause)in->cause;
	cdr->sip_status = (uint16_t)in->status;
	cdr->ended_by = (enum call_ended_by)in->ended_by;
	cdr->lines = (uint8_t)(in->lines & OFFER_LINES_ALL);
	cdr->audio = (uint8_t)(in->audio & 3);
	cdr->recordings = in->recordings & ~UINT64_C(1);
	cdr->room = in->room;
	cdr->forwarded = (uint8_t)(in->forwarded < PLAN_WHYS ? in->forwarded : PLAN_CALLED);
	segment_read_times(r, cdr, in);
	return read_chars(r, cdr->from, sizeof(cdr->from), &in->from) &&
	       read_chars(r, cdr->to, sizeof(cdr->to), &in->to) &&
	       read_chars(r, cdr->forwarded_to, sizeof(cdr->forwarded_to), &in->forwarded_to) &&
	       read_chars(r, cdr->from_trunk, sizeof(cdr->from_trunk), &in->from_trunk) &&
	       read_chars(r, cdr->to_trunk, sizeof(cdr->to_trunk), &in->to_trunk) &&
	       read_chars(r, cdr->sip_call_id, sizeof(cdr->sip_call_id), &in->sip_call_id) &&
	       read_counters(r, &cdr->a, &cdr->a_sound, in->a) &&
	       read_counters(r, &cdr->b, &cdr->b_sound, in->b);
}

bool reading_segments(struct reading *r, const Tandem__Call__Call *in)
{
	struct call *c = r->c;

	if (in->n_segments > SEGMENTS_MAX)
		return reading_wrong(r, "call: number of segments");
	if (in->n_segments == 0)
		return true;
	c->segments = calloc(in->n_segments, sizeof(*c->segments));
	if (!c->segments)
		return reading_wrong(r, "out of memory");
	c->segment_count = (uint8_t)in->n_segments;
	for (size_t i = 0; i < in->n_segments; i++) {
		if (!read_segment(r, &c->segments[i], in->segments[i]))
			return false;
	}
	return true;
}
