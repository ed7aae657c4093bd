/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the numbers of the party's packets become those of the one stream we send to the peer's
 * party. A source is relayed in runs with constant offsets. A run ends where the party changes its
 * SSRC, its clock or jumps, and where we removed packets from the stream or inserted our own. No
 * two packets get the same number.
 */
#ifndef ENGINE_WORKER_SOURCE_H
#define ENGINE_WORKER_SOURCE_H

#include "engine/worker/flow.h"

enum { CLOCK_HZ_PRESET = 8000 };

const struct source *source_odd(struct flow *f, struct sink *k, struct pkt *p, uint64_t now_ns);

/* The packet is ahead of all others in the run that f feeds the sink with. */
static inline bool source_is_newer(const struct flow *f, const struct sink *k, uint32_t ssrc,
				   uint16_t sequence, uint32_t clock_hz)
{
	const struct source *s = &f->source;
	uint16_t ahead = (uint16_t)(sequence - s->sequence_high);

	return memcmp(&k->feeder, &f->id, sizeof(f->id)) == 0 && (s->feeding & s->relayed) &&
	       s->ssrc == ssrc && ahead != 0 && ahead <= SEQ_DROPOUT_MAX && s->clock_hz == clock_hz;
}

/* It is sent on. */
static inline void source_go_on(struct source *s, uint16_t sequence)
{
	s->sequence_high = sequence;
	s->relayed = 1;
}

/* The run this packet belongs to, which may begin with it; NULL: it is too late for any. */
static inline const struct source *source_of(struct flow *f, struct sink *k, struct pkt *p,
					     uint64_t now_ns)
{
	if (UNLIKELY(!source_is_newer(f, k, p->ssrc, p->sequence, p->clock_hz)))
		return source_odd(f, k, p, now_ns);
	source_go_on(&f->source, p->sequence);
	return &f->source;
}

/* Another source of the party is accepted, and not relayed as it is: its numbers are not stored. */
void source_switch(struct flow *f, uint32_t ssrc);
/* The packet is not sent on, and is not to be missed either: those after it close up. */
void source_skip(struct flow *f, const struct sink *k, const struct pkt *p);
/* A packet of ours took the next number of the sink that f feeds: the following ones of f give
 * way. */
void source_yield(struct flow *f);

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

/* The previous process played a sound to the party, by its record. The stream will continue behind
 * all that may have left, and in step with time as soon as possible. If SRTP's index tells its
 * numbers (srtp_flow.h), that counts. */
void sink_restore(struct sink *k, const struct flow_last_sent *said, uint64_t now_ns);
/* Continues the previous process's stream. False: it had no stream. */
bool sink_resume(struct sink *k, uint64_t now_ns);
/* The stream is ahead of what a successor would extrapolate from the last report to control. */
bool sink_outran(const struct sink *k, const struct flow_last_sent *told);
/* The timestamp of this moment, in the clock of the audio sent last. */
uint32_t sink_timestamp(const struct sink *k, uint64_t now_ns);
/* Of a run that begins now, in its own clock: what was sent last was a packet. */
uint32_t sink_timestamp_anew(const struct sink *k, enum media_kind kind, uint32_t clock_hz,
			     uint64_t now_ns);

#endif
