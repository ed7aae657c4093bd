/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the numbers of the party's packets become those of the one stream we send to the peer's party. A source is
 * relayed in runs: within one the offsets stand still. A run ends where the party changes its SSRC, its clock or jumps,
 * and where we took packets out of the stream or put our own into it. No two packets get the same number.
 */
#ifndef ENGINE_SOURCE_H
#define ENGINE_SOURCE_H

#include "engine/flow.h"

const struct source *source_odd(struct flow *f, struct sink *k, struct pkt *p, uint64_t now_ns);

/* The run this packet belongs to, which may begin with it; NULL: it is too late for any. */
static inline const struct source *source_of(struct flow *f, struct sink *k, struct pkt *p,
					     uint64_t now_ns)
{
	struct source *s = &f->source;
	uint16_t ahead = (uint16_t)(p->sequence - s->sequence_high);

	if (UNLIKELY(k->feeder.slot != f->id.slot || k->feeder.generation != f->id.generation ||
		     !s->feeding || s->ssrc != p->ssrc || ahead == 0 || ahead > SEQ_DROPOUT_MAX ||
		     s->clock_hz != p->clock_hz))
		return source_odd(f, k, p, now_ns);
	s->sequence_high = p->sequence;
	s->relayed = 1;
	return s;
}

/* The packet is not sent on, and is not to be missed either: those after it close up. */
void source_skip(struct flow *f, const struct sink *k, const struct pkt *p);
/* A packet of ours took the next number of the sink that f feeds: those of f that follow give way. */
void source_give_way(struct flow *f);

/* What was sent last. clock_hz 0: as before, for it is an event. */
static inline void sink_note(struct sink *k, uint16_t sequence, uint32_t timestamp,
			     uint32_t clock_hz, uint64_t now_ns)
{
	if (k->started && (int16_t)(sequence - k->sequence) <= 0)
		return; /* repeated or reordered */
	if (!k->started || k->timestamp != timestamp)
		k->at_ns = now_ns;
	k->sequence = sequence;
	k->timestamp = timestamp;
	if (clock_hz)
		k->clock_hz = clock_hz;
	k->started = 1;
}

/* The timestamp of this moment, in the clock of the audio sent last. */
uint32_t sink_timestamp(const struct sink *k, uint64_t now_ns);

#endif
