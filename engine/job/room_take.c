/* SPDX-License-Identifier: Apache-2.0 */
/* What members say, as it comes. */
#include "base/clock.h"
#include "engine/job/room.h"
#include "engine/job/turn.h"
#include "engine/walk/worker.h"
#include "media/rtp/rtp_parse.h"
#include "media/rtp/sounding.h"

enum {
	LEVEL_SILENCE = 127, /* RFC 6464 3 */
	VOICE_BIT = 0x80,
	COMFORT_NOISE = 13, /* RFC 3389 4 */
};

/* ---- who sends sound ---- */

/* It is heard from the next tick on. */
static void active_add(struct room *r, uint32_t index)
{
	struct room_member *m = r->members[index];

	m->active = true;
	m->active_at = r->active_n;
	r->active[r->active_n++] = index;
}

static void active_move(struct room *r, uint32_t from, uint32_t to)
{
	if (from == to)
		return;
	r->active[to] = r->active[from];
	r->members[r->active[to]]->active_at = to;
}

/*
 * The last one of those who were not heard yet comes in its place, and the last one of all in that one's. Where all of them were not heard yet
 * that is one and the same place, and nobody moves twice.
 */
static void active_drop(struct room *r, uint32_t at)
{
	if (at < r->cursor) {
		active_move(r, --r->cursor, at);
		at = r->cursor;
	}
	active_move(r, --r->active_n, at);
}

void room_hush(struct room *r, uint32_t index)
{
	struct room_member *m = r->members[index];

	if (!m->active)
		return;
	active_drop(r, m->active_at);
	m->active = m->speaks = false;
	m->ahead = 0;
	m->past.count = 0;
	m->past.octets_n = 0;
	if (m->voice)
		m->voice->count = m->voice->sounds = m->voice->played = 0;
}

/* Rooms have their ticks at moments of their own. */
void room_awake(struct worker *w, struct job *j)
{
	const uint64_t tick_ns = ROOM_TICK_MS * NS_PER_MS;
	struct room *r = j->work;
	uint64_t phase_ns = j->id.slot % ROOM_TICK_MS * NS_PER_MS;

	r->due_ns = w->now_ns + tick_ns - phase_ns;
	r->due_ns = r->due_ns - r->due_ns % tick_ns + phase_ns;
	r->phase = ROOM_WAITS;
	r->wakes++;
	wheel_start(&w->wheel, &j->timer, r->due_ns);
}

/* Numbers of packets that were not kept are not missed: it is another source to the jitter buffer. */
static void member_awake(struct worker *w, struct job *j, uint32_t index)
{
	struct room *r = j->work;

	r->members[index]->epoch++;
	r->members[index]->unsure = true; /* it may have begun before */
	active_add(r, index);
	if (r->phase == ROOM_SLEEPS)
		room_awake(w, j);
}

/* ---- packets ---- */

/* MEDIA_CODECS_KNOWN: none. */
static enum media_codec pkt_codec_find(const struct pkt *p)
{
	uint8_t rule = p->flow->rule_of[p->payload_type % PAYLOAD_TYPES];
	uint8_t codec = rule == PAYLOAD_NONE ? 0 : p->flow->rule_codecs[rule];

	return codec ? (enum media_codec)(codec - 1) : MEDIA_CODECS_KNOWN;
}

static inline enum media_codec pkt_codec(const struct room_member *m, const struct pkt *p)
{
	return LIKELY(p->payload_type == m->heard_type) ? (enum media_codec)m->heard_codec
							: pkt_codec_find(p);
}

/* RFC 6464 3. */
static void level_read(struct room_member *m, const struct pkt *p, uint64_t now_ns)
{
	struct rtp_head head;
	struct bytes level;

	if (rtp_parse(&head, bytes_mem(p->data, p->length)) ||
	    !rtp_element_find(&head, m->levels, &level) || level.n < 1)
		return;
	m->told_level = level.p[0] & LEVEL_SILENCE;
	m->told_voice = level.p[0] & VOICE_BIT;
	m->tells_voice |= m->told_voice;
	m->told_ns = now_ns;
}

static bool pkt_is_silent(const struct room_member *m, const struct pkt *p, enum media_codec codec,
			  struct bytes payload, uint64_t now_ns)
{
	if (p->event || codec == MEDIA_CODECS_KNOWN || sounding_is_silent(codec, payload))
		return true;
	return m->levels && m->told_ns == now_ns && m->told_level == LEVEL_SILENCE;
}

static bool codec_pauses(enum media_codec codec, struct bytes payload)
{
	return (codec == MEDIA_CODEC_OPUS || codec == MEDIA_CODEC_G729) &&
	       sounding_is_silent(codec, payload);
}

static uint32_t clock_of(const struct pkt *p, enum media_codec codec)
{
	uint32_t hz = codec < MEDIA_CODECS_KNOWN ? media_codec_facts(codec)->clock_hz : p->clock_hz;

	return hz && hz < ROOM_CLOCK_HZ ? hz : ROOM_CLOCK_HZ;
}

/* All codecs in one clock, so that one follows another. An event, and comfort noise, has its number and no sound. */
static enum jitter_put pkt_put(struct room_member *m, const struct pkt *p, enum media_codec codec,
			       struct bytes payload, uint32_t units, uint64_t now_ns)
{
	bool sounds = !p->event && codec < MEDIA_CODECS_KNOWN;
	uint32_t by = ROOM_CLOCK_HZ / clock_of(p, codec);

	return jitter_put(m->jitter,
			  &(struct jitter_packet){ .arrival_ns = now_ns,
						   .ssrc = p->ssrc ^ m->epoch,
						   .timestamp = p->timestamp * by,
						   .units = sounds ? units * by : 0,
						   .sequence = p->sequence,
						   .payload_type = (uint8_t)codec,
						   .marker = p->marker,
						   .pauses = sounds && codec_pauses(codec, payload),
						   .payload = payload });
}

static enum verdict put_verdict(enum jitter_put put)
{
	switch (put) {
	case JITTER_LATE:
	case JITTER_DUPLICATE:
		return VERDICT_LATE;
	case JITTER_TOO_LARGE:
		return VERDICT_JOB_FULL;
	case JITTER_KEPT:
	case JITTER_RESTARTED:
	case JITTER_FAR:
		break;
	}
	return VERDICT_ALONE;
}

static uint32_t units_most(enum media_codec codec)
{
	return codec < MEDIA_CODECS_KNOWN
		       ? media_codec_facts(codec)->clock_hz / 1000 * CODEC_PACKET_MS_MAX
		       : 0;
}

enum verdict room_take(struct worker *w, struct job *j, const struct pkt *p)
{
	struct room *r = j->work;
	uint32_t index = p->flow->listener.member - 1;
	struct bytes payload = bytes_mem(p->data + p->payload_at, p->payload_length);
	uint64_t now_ns = w->batch.now_ns;
	enum media_codec codec;
	struct room_member *m;
	uint32_t units;
	bool silent;

	if (UNLIKELY(p->flow->listener.video))
		return room_video_take(w, j, p);
	if (!p->flow->listener.member)
		return VERDICT_ALONE; /* it could not become one */
	m = r->members[index];
	codec = pkt_codec(m, p);
	if (codec == MEDIA_CODECS_KNOWN && !p->event && p->payload_type != COMFORT_NOISE)
		return VERDICT_PAYLOAD_TYPE;
	if (m->hushed)
		return VERDICT_ALONE;
	if (m->levels && (p->data[0] & RTP_EXTENSION_BIT))
		level_read(m, p, now_ns);
	silent = pkt_is_silent(m, p, codec, payload, now_ns);
	if (!silent)
		m->sound_ns = now_ns;
	if (!m->active && silent)
		return VERDICT_ALONE;
	units = sounding_units(codec, payload);
	if (units > units_most(codec))
		return VERDICT_MALFORMED; /* RFC 6716 3.2.5 */
	if (!m->active)
		member_awake(w, j, index);
	return put_verdict(pkt_put(m, p, codec, payload, units, now_ns));
}

void room_take_fetch(const struct job *j, const struct pkt *p, bool first)
{
	const struct room *r = j->work;
	const struct room_member *m;

	if (!p->flow->listener.member || p->flow->listener.video)
		return;
	m = r->members[p->flow->listener.member - 1];
	if (first) {
		__builtin_prefetch(m, 1);
		if (r->active_n > r->here_n / 2)
			jitter_fetch(member_jitter(m));
	} else if (m->active) {
		jitter_fetch_put(m->jitter);
	}
}
