/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Maps the numbers of a party's RTP packets into the one stream that we send to the peer's party
 * (source.h): runs with constant offsets, and the rules for a new run. Receivers keep a jitter
 * buffer and SRTP index by these numbers, so they must never go back or repeat, across SSRC
 * changes, transfers, music on hold, digits, transcoding and restarts of the node. The record after
 * a kill is older than the stream, so a margin is added that sink_outran() keeps sufficient.
 */

#include "engine/worker/source.h"

#include "base/clock.h"

enum {
	/* At least, between the last packet of a source and the first of the next. */
	GAP_MS_AUDIO = 20,
	LATE_MAX = SEQ_MISORDER_MAX,
};

/* How far b is ahead of a; negative: behind. */
static int32_t seq_distance(uint16_t a, uint16_t b)
{
	return (int16_t)(b - a);
}

static bool is_feeder(const struct sink *k, const struct flow *f)
{
	return flow_id_eq(k->feeder, f->id) && f->source.feeding;
}

static uint32_t elapsed_units(uint64_t elapsed_ns, uint32_t clock_hz)
{
	return (uint32_t)(elapsed_ns / NS_PER_MS * clock_hz / 1000);
}

/* As far on as the time in which nothing was sent. */
uint32_t sink_timestamp_anew(const struct sink *k, enum media_kind kind, uint32_t clock_hz,
			     uint64_t now_ns)
{
	uint64_t least_ns = (kind == MEDIA_AUDIO ? GAP_MS_AUDIO : 1) * NS_PER_MS;
	uint64_t elapsed_ns = now_ns - k->at_ns;

	return k->timestamp +
	       elapsed_units(elapsed_ns > least_ns ? elapsed_ns : least_ns, clock_hz);
}

/* The new run takes up where the last packet we sent to this party left off. */
static void continue_stream(struct flow *f, const struct sink *k, const struct pkt *p,
			    uint64_t now_ns)
{
	f->source.sequence_offset = (uint16_t)(k->sequence + 1 - p->sequence);
	f->source.timestamp_offset =
		sink_timestamp_anew(k, (enum media_kind)f->kind, p->clock_hz, now_ns) -
		p->timestamp;
}

/* First packet since a restart, with a changed SSRC of the party. The record does not have where
 * the last process stopped (it would have to be saved with every packet), so no offset is known to
 * lie ahead. The saved ones are kept: they fit phones that continue counting under their new SSRC.
 * For the others the stream jumps, and a receiver of RFC 3550 A.1 resynchronises at the second
 * packet; the marker tells jitter buffers to start afresh (RFC 3551 4.1). */
static void resume_blindly(struct flow *f, struct pkt *p)
{
	if (f->kind == MEDIA_AUDIO)
		p->marker = 1;
}

/* The record has a packet from before the kill, and its time. Later ones are expected at even
 * steps. But that packet may have been late, the party's clock may be fast, and digits take
 * numbers, too. sink_outran() bounds all that, except for the last moment before the kill, and a
 * packet it had no time to look at: the margin covers these. */
enum {
	SENT_MARGIN = 16,          /* packets: of numbers, and of the time of an unseen packet */
	SENT_MARGIN_OLD = 4,       /* of the time of another */
	SENT_EARLY = 2,            /* packets ahead of what is expected: reported again */
	SENT_AGAIN = SRTP_RESERVE, /* and after so many in any case, as indexes of SRTP are */
};

/* Two ticks, and the delay of a notice (control.h). Or the process was gone so long, and the
 * expected time is far ahead. */
#define SENT_NEW_NS (5 * NS_PER_S / 2)

/* From the time of a to that of b. */
static uint32_t elapsed_packets(uint64_t elapsed_ns, const struct flow_last_sent *a)
{
	return elapsed_units(elapsed_ns, a->clock_hz) / a->units;
}

void sink_restore(struct sink *k, const struct flow_last_sent *said, uint64_t now_ns)
{
	uint64_t elapsed_ns = now_ns > said->at_ns ? now_ns - said->at_ns : 0;
	uint32_t margin, packets;

	if (said->units == 0)
		return;
	margin = said->units * (elapsed_ns < SENT_NEW_NS ? SENT_MARGIN : SENT_MARGIN_OLD);
	packets = elapsed_packets(elapsed_ns, said);
	k->units = said->units;
	k->clock_hz = said->clock_hz;
	k->sequence = (uint16_t)(said->sequence + SENT_MARGIN +
				 (packets < 2 * SENT_AGAIN ? packets : 2 * SENT_AGAIN));
	k->timestamp = said->timestamp + elapsed_units(elapsed_ns, said->clock_hz) + margin;
	k->at_ns = now_ns + (uint64_t)margin * NS_PER_S / said->clock_hz;
}

bool sink_resume(struct sink *k, uint64_t now_ns)
{
	if (k->started || k->units == 0)
		return false;
	if (now_ns > k->at_ns)
		k->timestamp += elapsed_units(now_ns - k->at_ns, k->clock_hz);
	k->at_ns = now_ns;
	k->started = 1;
	return true;
}

bool sink_outran(const struct sink *k, const struct flow_last_sent *told)
{
	uint64_t elapsed_ns = k->at_ns - told->at_ns;
	int32_t ahead;

	if (told->clock_hz != k->clock_hz || k->at_ns < told->at_ns ||
	    (uint16_t)(k->sequence - told->sequence) > SENT_AGAIN)
		return true;
	ahead = (int32_t)(k->timestamp - told->timestamp - elapsed_units(elapsed_ns, k->clock_hz));
	return ahead > SENT_EARLY * told->units ||
	       (uint16_t)(k->sequence - told->sequence) >
		       elapsed_packets(elapsed_ns, told) + SENT_MARGIN / 2;
}

static void source_run_start(struct flow *f, struct sink *k, struct pkt *p, uint64_t now_ns)
{
	bool known = f->source.started && f->source.ssrc == p->ssrc;

	f->stats.source_changes += f->source.started && !known;
	/* by control, not by a party: reported at once, as a kill may be near */
	if (!is_feeder(k, f) && !k->transcoded)
		f->noticed_ns = 0;
	/* another flow fed the party meanwhile: what was late for us is void */
	f->source_before = is_feeder(k, f) ? f->source : (struct source){ 0 };
	f->source.first = p->sequence;
	if (k->started || sink_resume(k, now_ns)) {
		continue_stream(f, k, p, now_ns);
	} else {
		if (k->pinned)
			f->source.sequence_offset = (uint16_t)(k->sequence + 1 - p->sequence);
		else /* no number below was used by this process */
			f->source.first = (uint16_t)(p->sequence - LATE_MAX);
		if (f->source.started && !known)
			resume_blindly(f, p);
	}
	f->source.ssrc = p->ssrc;
	f->source.started = 1;
	f->source.sequence_high = p->sequence;
	f->source.clock_hz = p->event ? 0 : p->clock_hz;
	f->source.relayed = 1;
	f->source.feeding = 1;
	k->feeder = f->id;
	k->transcoded = k->made = 0;
	f->notice = 1;
}

/* Whether the source continues in this run. A source that restarts under its old SSRC jumps, and
 * one that changes to a codec of another clock often restarts its timestamps (RFC 7160 asks for
 * less). Events are sent in the clock of the audio. */
static bool run_continues(struct source *s, const struct pkt *p)
{
	int32_t ahead = seq_distance(s->sequence_high, p->sequence);

	if (s->clock_hz == 0 && !p->event)
		s->clock_hz = p->clock_hz;
	return ahead > 0 && ahead <= SEQ_DROPOUT_MAX && (p->clock_hz == s->clock_hz || p->event);
}

static bool packet_is_late(const struct source *s, const struct pkt *p)
{
	int32_t behind = seq_distance(p->sequence, s->sequence_high);

	return behind >= 0 && behind <= LATE_MAX;
}

static bool is_in_run(const struct source *s, const struct pkt *p)
{
	return s->started && s->ssrc == p->ssrc && packet_is_late(s, p) &&
	       seq_distance(s->first, p->sequence) >= 0;
}

/* A packet that does not continue the run of the one before. */
static const struct source *odd_one(struct flow *f, struct sink *k, struct pkt *p, uint64_t now_ns)
{
	if (is_in_run(&f->source, p))
		return &f->source;
	if (is_in_run(&f->source_before, p))
		return &f->source_before;
	if (f->source.ssrc == p->ssrc && packet_is_late(&f->source, p))
		return NULL;
	source_run_start(f, k, p, now_ns); /* another source, or one that began anew */
	return &f->source;
}

/* Offsets will change. Late packets of this run still find their place, later ones do not. */
static void run_end(struct flow *f)
{
	if (f->source.relayed)
		f->source_before = f->source;
	f->source.relayed = 0;
	f->source.first = (uint16_t)(f->source.sequence_high + 1);
	f->notice = 1;
}

void source_skip(struct flow *f, const struct sink *k, const struct pkt *p)
{
	int32_t ahead = seq_distance(f->source.sequence_high, p->sequence);

	if (!is_feeder(k, f) || f->source.ssrc != p->ssrc || ahead <= 0 || ahead > SEQ_DROPOUT_MAX)
		return;
	run_end(f);
	f->source.sequence_high = p->sequence;
	f->source.first = (uint16_t)(p->sequence + 1);
	f->source.sequence_offset--;
}

/* First packet after one of ours, with an earlier timestamp: it was late, and we filled its place.
 * A receiver has played that time, or sees the stream go back. A difference of a second and more is
 * not lateness: the source restarted its timestamps. */
static bool source_is_overtaken(const struct flow *f, const struct sink *k, const struct pkt *p)
{
	int32_t behind = (int32_t)(k->timestamp - f->source.timestamp_offset - p->timestamp);

	return f->kind == MEDIA_AUDIO && !f->source.relayed && !p->event && behind > 0 &&
	       (uint32_t)behind < p->clock_hz;
}

const struct source *source_odd(struct flow *f, struct sink *k, struct pkt *p, uint64_t now_ns)
{
	if (UNLIKELY(!is_feeder(k, f))) {
		source_run_start(f, k, p, now_ns);
		return &f->source;
	}
	if (UNLIKELY(f->source.ssrc != p->ssrc || !run_continues(&f->source, p)))
		return odd_one(f, k, p, now_ns);
	if (UNLIKELY(source_is_overtaken(f, k, p))) {
		source_skip(f, k, p);
		return NULL;
	}
	k->made = 0;
	f->source.sequence_high = p->sequence;
	f->source.relayed = 1;
	return &f->source;
}

void source_switch(struct flow *f, uint32_t ssrc)
{
	f->stats.source_changes += f->source.started;
	f->source = (struct source){ .ssrc = ssrc, .started = 1 };
	f->notice = 1;
}

void source_yield(struct flow *f)
{
	run_end(f);
	f->source.sequence_offset++;
}

uint32_t sink_timestamp(const struct sink *k, uint64_t now_ns)
{
	return k->timestamp +
	       elapsed_units(now_ns - k->at_ns, k->clock_hz ? k->clock_hz : CLOCK_HZ_PRESET);
}
