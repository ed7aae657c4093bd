/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "sig/record/call_pack.h"

static ProtobufCBinaryData packing_chars(const char *s)
{
	return packing_octets(s, strlen(s));
}

/* NULL: nothing is known yet. */
static Tandem__Call__Counters *pack_counters(Tandem__Call__Counters *out,
					     const struct flow_stats *stats,
					     const struct cdr_sound *sound)
{
	if (stats->packets_in + stats->packets_out + stats->dropped + stats->rtcp_in +
		    stats->rtcp_out ==
	    0)
		return NULL;
	tandem__call__counters__init(out);
	out->packets_in = stats->packets_in;
	out->octets_in = stats->octets_in;
	out->packets_out = stats->packets_out;
	out->octets_out = stats->octets_out;
	out->rtcp_in = stats->rtcp_in;
	out->rtcp_out = stats->rtcp_out;
	out->dropped = stats->dropped;
	out->lost = stats->lost;
	out->jitter_us = stats->jitter_us;
	out->digits = stats->digits;
	out->source_changes = stats->source_changes;
	out->remote_lost = stats->remote_lost;
	out->remote_jitter_us = stats->remote_jitter_us;
	out->rtt_us = stats->rtt_us;
	out->codec = packing_chars(sound->codec);
	out->mos_in = sound->mos_in;
	out->mos_out = sound->mos_out;
	return out;
}

static uint32_t pack_segment_leg(uint8_t leg)
{
	return leg == LEG_NONE ? 0 : leg + 1U;
}

static void pack_segment(struct packed_segment *p, const struct segment *s)
{
	Tandem__Call__Segment *out = &p->segment;
	const struct cdr *cdr = &s->cdr;

	tandem__call__segment__init(out);
	out->from = packing_chars(cdr->from);
	out->to = packing_chars(cdr->to);
	out->sip_call_id = packing_chars(cdr->sip_call_id);
	out->setup_utc_ms = cdr->setup_utc_ms;
	out->ringing_utc_ms = cdr->ringing_utc_ms;
	out->answer_utc_ms = cdr->answer_utc_ms;
	out->end_utc_ms = cdr->end_utc_ms;
	out->status = cdr->sip_status;
	out->cause = s->cause;
	out->ended_by = cdr->ended_by;
	out->lines = cdr->lines;
	out->audio = cdr->audio;
	out->recordings = cdr->recordings;
	out->room = cdr->room;
	out->forwarded_to = packing_chars(cdr->forwarded_to);
	out->forwarded = cdr->forwarded;
	out->from_trunk = packing_chars(cdr->from_trunk);
	out->to_trunk = packing_chars(cdr->to_trunk);
	out->caller = pack_segment_leg(s->caller);
	out->callee = pack_segment_leg(s->callee);
	out->a = pack_counters(&p->a, &cdr->a, &cdr->a_sound);
	out->b = pack_counters(&p->b, &cdr->b, &cdr->b_sound);
}

void packing_segments(struct packing *p, const struct call *c)
{
	for (uint8_t i = 0; i < c->segment_count; i++) {
		pack_segment(&p->segments[i], &c->segments[i]);
		p->segment_list[i] = &p->segments[i].segment;
	}
	p->call.segments = p->segment_list;
	p->call.n_segments = c->segment_count;
}
