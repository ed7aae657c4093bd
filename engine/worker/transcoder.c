/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transcoding of a flow's audio for its peer: a short queue of packets in sequence order, coding in
 * slices between batches, and sending under the peer's stream numbers. It bridges losses and
 * pauses, moves telephone-events through the same queue with their durations in the new clock (RFC
 * 4733 2.3), and lowers encoder complexity when the worker is busy. A transcoder belongs to its
 * flow, and moves to another worker with it.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "engine/worker/originate.h"
#include "engine/worker/source.h"
#include "engine/worker/transcoder.h"
#include "engine/worker/worker.h"
#include "media/rtp/telephone_event.h"

enum { EVENT_COST_NS = 500 };

bool transcoder_has_work(const struct transcoder *c)
{
	return c->count > 0 || (c->begun && coding_is_full(&c->list[c->coding]));
}

/* What the next of it takes, about. */
static uint32_t transcoder_cost_ns(const struct transcoder *c)
{
	const struct transcoder_packet *k = &c->packets[c->first];

	if (c->begun && coding_is_full(&c->list[c->coding]))
		return c->list[c->coding].cost_ns;
	return k->event_hz ? EVENT_COST_NS : c->list[k->coding].cost_ns;
}

static void packet_done(struct transcoder *c)
{
	const struct transcoder_packet *k = &c->packets[c->first];

	c->ssrc = k->ssrc;
	c->sequence = k->sequence;
	c->known = true;
	c->count--;
	/* if none waits, the next one has the same place: it is in the cache */
	c->first = c->count ? (c->first + 1) % TRANSCODER_PACKETS_MAX : 0;
}

/* ---- out ---- */

/* Whether the party may be sent anything now. Its own events, and what it hears, come first. */
static bool peer_is_open(const struct flow *peer)
{
	return peer && peer->send == FLOW_SEND && !(peer->making & MAKING_ALL) && flow_rtp_to(peer);
}

static bool transcoded_send(struct worker *w, struct flow *f, struct flow *peer,
			    const struct made_rtp *rtp)
{
	bool sent = originate_rtp(w, peer, rtp);

	if (sent)
		peer->sink.feeder = f->id;
	metric_add(sent ? w->metrics->transcode_sent : w->metrics->transcode_failed, 1);
	return sent;
}

static struct overlay_samples full_samples(const struct coding *g)
{
	return (struct overlay_samples){ g->pcm + g->at, g->packet, g->rate_out, g->clock_out };
}

/* What is full leaves. */
static void full_send(struct worker *w, struct transcoder *c, struct flow *f, struct flow *peer)
{
	struct coding *g = &c->list[c->coding];
	uint8_t octets[TRANSCODER_OCTETS_MAX];
	uint32_t samples;
	int n;

	if (UNLIKELY(peer->making & MAKING_TONE))
		overlay_add(w, peer, c->timestamp_out, full_samples(g));
	coding_ease(g, w->transcoders.complexity);
	n = coding_encode(g, octets, sizeof(octets), &samples);

	const struct made_rtp rtp = { .payload_type = c->payload_type,
				      .marker = c->marker,
				      .timestamp = c->timestamp_out,
				      .clock_hz = g->clock_out,
				      .payload = bytes_mem(octets, n > 0 ? (size_t)n : 0) };

	if (n < 0)
		metric_add(w->metrics->transcode_failed, 1);
	else if (n > 0 && transcoded_send(w, f, peer, &rtp))
		c->marker = 0;
	c->timestamp_out += coding_units_out(g, samples);
	peer->sink.units = (uint16_t)coding_units_out(g, samples);
}

/* ---- in step with what comes ---- */

static int64_t units_ms(int32_t units, uint32_t clock_hz)
{
	return (int64_t)units * 1000 / clock_hz;
}

static bool feeds_peer(const struct flow *f, const struct flow *peer)
{
	return flow_id_eq(peer->sink.feeder, f->id) && !f->source.feeding;
}

/* The same stream, and about where time is. */
static bool transcoder_is_continuing(const struct transcoder *c, const struct transcoder_packet *k,
				     const struct flow *f, const struct flow *peer)
{
	const struct coding *now = &c->list[c->coding], *next = &c->list[k->coding];
	int64_t ms;

	if (!c->begun || c->ssrc != k->ssrc || !feeds_peer(f, peer))
		return false;
	ms = units_ms((int32_t)(k->timestamp - c->timestamp_in), now->clock_in);
	if (k->event_hz)
		return llabs(ms) < TRANSCODER_EVENT_MS;
	return now->clock_in == next->clock_in && now->clock_out == next->clock_out &&
	       llabs(ms - (int64_t)((k->at_ns - c->at_ns) / NS_PER_MS)) < TRANSCODER_JUMP_MS;
}

/* Behind all that was sent before, as far as time has gone on. */
static void stream_start(struct worker *w, struct transcoder *c, const struct transcoder_packet *k,
			 struct flow *f, struct flow *peer)
{
	struct coding *g;

	if (!k->event_hz)
		c->coding = k->coding;
	while (!c->list[c->coding].decoder) /* an event came first, and some coding there is */
		c->coding++;
	g = &c->list[c->coding];
	coding_reset(g);
	originate_start(w, peer, g->clock_out);
	c->timestamp_out =
		sink_timestamp_anew(&peer->sink, (enum media_kind)f->kind, g->clock_out, w->now_ns);
	c->timestamp_in = k->timestamp;
	c->ssrc = k->ssrc;
	c->at_ns = k->at_ns;
	c->begun = true;
	c->marker = 1;
	f->source.feeding = 0;
	peer->sink.feeder = f->id;
	peer->sink.transcoded = 1;
	peer->sink.units = (uint16_t)coding_units_out(g, g->packet);
	peer->notice = 1;
}

/* Another payload type of the party, of the same clocks: what waits is as good as lost. */
static void coding_change(struct transcoder *c, uint8_t coding)
{
	struct coding *g = &c->list[c->coding];

	if (c->coding == coding)
		return;
	c->timestamp_out += coding_units_out(g, g->count);
	c->coding = coding;
	coding_reset(&c->list[coding]);
}

/* Fills what is missing before this packet. False: a waiting packet became full, and leaves
 * first. */
static bool gap_pass(struct transcoder *c, const struct transcoder_packet *k, coding_space *space)
{
	struct coding *g = &c->list[c->coding];
	uint32_t units = k->timestamp - c->timestamp_in, added = 0;
	uint32_t missing = (uint32_t)((uint64_t)units * g->rate_out / g->clock_in);
	bool lost = (uint16_t)(k->sequence - c->sequence) > 1;

	if (g->count > 0 || (lost && coding_makes(g, missing))) {
		added = coding_fill(g, missing, lost, space);
		c->timestamp_in += coding_units_in(g, added);
		if (coding_is_full(g))
			return false;
		added = missing;
	} else if (lost) {
		added = coding_miss(g, missing, bytes_mem(k->octets, k->length), space);
	}
	c->timestamp_out += coding_units_out(g, missing - added);
	c->timestamp_in = k->timestamp;
	return !coding_is_full(g);
}

static void audio_send(struct worker *w, struct transcoder *c, struct flow *f, struct flow *peer)
{
	const struct transcoder_packet *k = &c->packets[c->first];
	struct coding *g;
	int n;

	if (transcoder_is_continuing(c, k, f, peer))
		coding_change(c, k->coding);
	else
		stream_start(w, c, k, f, peer);
	g = &c->list[c->coding];
	if ((int32_t)(k->timestamp - c->timestamp_in) > 0 && !gap_pass(c, k, w->transcoders.space))
		return;
	n = coding_decode(g, bytes_mem(k->octets, k->length), w->transcoders.space);
	if (n < 0) {
		metric_add(w->metrics->transcode_failed, 1);
	} else {
		c->timestamp_in = k->timestamp + coding_units_in(g, (uint32_t)n);
		c->at_ns = k->at_ns;
		c->payload_type = k->payload_type;
		c->marker |= k->marker;
	}
	packet_done(c);
}

/* ---- telephone events ---- */

/* RFC 4733 2.3: each has its duration, in the clock of the stream it is in. */
static void durations_scale(uint8_t *octets, size_t n, uint32_t from_hz, uint32_t to_hz)
{
	for (size_t at = 0; at + TELEPHONE_EVENT_LEN <= n; at += TELEPHONE_EVENT_LEN) {
		uint64_t units = (uint64_t)be16_get(octets + at + 2) * to_hz / from_hz;

		be16_put(octets + at + 2, units < UINT16_MAX ? (uint16_t)units : UINT16_MAX);
	}
}

/* Where it began, in the time of what leaves. */
static uint32_t event_timestamp(const struct transcoder *c, uint32_t timestamp)
{
	const struct coding *g = &c->list[c->coding];
	int64_t ahead = (int32_t)(timestamp - c->timestamp_in);

	return c->timestamp_out + coding_units_out(g, g->count) +
	       (uint32_t)(ahead * g->clock_out / g->clock_in);
}

static void event_encode(struct worker *w, struct transcoder *c, struct flow *f, struct flow *peer)
{
	struct transcoder_packet *k = &c->packets[c->first];
	uint32_t to_hz;

	if (!transcoder_is_continuing(c, k, f, peer))
		stream_start(w, c, k, f, peer);
	to_hz = k->payload_type == peer->event_pt ? peer->event_send_hz
						  : c->list[c->coding].clock_out;
	durations_scale(k->octets, k->length, k->event_hz, to_hz);
	(void)transcoded_send(w, f, peer,
			      &(struct made_rtp){ .payload_type = k->payload_type,
						  .marker = k->marker,
						  .timestamp = event_timestamp(c, k->timestamp),
						  .payload = bytes_mem(k->octets, k->length) });
	packet_done(c);
}

/* ---- a turn ---- */

/* The other party is not sent anything: time advances. */
static void all_drop(struct worker *w, struct transcoder *c)
{
	metric_add(w->metrics->transcode_failed, c->count);
	while (c->count > 0)
		packet_done(c);
	c->begun = false;
}

/* One packet is decoded, and one encoded if it is full. */
static void transcoder_send(struct worker *w, struct transcoder *c)
{
	struct flow *f = &w->flows.list[c->slot];
	struct flow *peer = flow_find(&w->flows, f->peer);

	if (!peer_is_open(peer)) {
		all_drop(w, c);
		return;
	}
	if (!c->begun || !coding_is_full(&c->list[c->coding])) {
		if (c->packets[c->first].event_hz)
			event_encode(w, c, f, peer);
		else
			audio_send(w, c, f, peer);
	}
	if (c->begun && coding_is_full(&c->list[c->coding]))
		full_send(w, c, f, peer);
}

void ease_tick(struct ease *e, uint32_t busy, uint32_t limit)
{
	if (busy >= limit) {
		e->calm = 0;
		if (e->step < EASE_STEPS)
			e->step++;
		return;
	}
	if (busy * 100 >= limit * EASE_CALM_PART || e->step == 0) {
		e->calm = 0;
		return;
	}
	if (++e->calm < EASE_CALM_TICKS)
		return;
	e->calm = 0;
	e->step--;
}

uint8_t ease_complexity(const struct ease *e, uint32_t most)
{
	return (uint8_t)(most * (EASE_STEPS - e->step) / EASE_STEPS);
}

void ease_set(struct worker *w)
{
	/* relaxed: a number that nothing else belongs to */
	uint32_t told = atomic_load_explicit(&w->coding, memory_order_relaxed);

	ease_tick(&w->transcoders.ease, atomic_load_explicit(&w->busy, memory_order_relaxed),
		  told & UINT16_MAX);
	w->transcoders.complexity = ease_complexity(&w->transcoders.ease, ease_most(told));
	metric_set(w->metrics->complexity, w->transcoders.complexity);
}

/* ---- open, close ---- */

int transcoder_line_open(struct transcoder_line *l, uint32_t capacity)
{
	l->of = calloc(capacity, sizeof(struct transcoder *));
	return l->of ? 0 : -ENOMEM;
}

void transcoder_line_close(struct transcoder_line *l)
{
	assert(l->open == 0);
	free(l->of);
	l->of = NULL;
}

struct transcoder *transcoder_of(const struct worker *w, const struct flow *f)
{
	return f->has_transcoder ? w->transcoders.of[f->id.slot] : NULL;
}

void transcoder_free(struct transcoder *c)
{
	if (!c)
		return;
	for (uint32_t i = 0; i < MEDIA_CODINGS_MAX; i++)
		coding_close(&c->list[i]);
	free(c);
}

/* Those that a rule names; the others are all zero. */
static bool codings_of(const struct flow_spec *spec, struct media_coding out[MEDIA_CODINGS_MAX],
		       bool named[MEDIA_CODINGS_MAX])
{
	bool any = false;

	memset(out, 0, MEDIA_CODINGS_MAX * sizeof(out[0]));
	memset(named, 0, MEDIA_CODINGS_MAX * sizeof(named[0]));
	if (spec->kind != MEDIA_AUDIO)
		return false;
	for (uint8_t i = 0; i < spec->rule_count; i++) {
		uint8_t n = spec->rules[i].coding;

		if (n == 0)
			continue;
		out[n - 1] = spec->codings[n - 1];
		named[n - 1] = any = true;
	}
	return any;
}

static bool transcoder_is_like(const struct transcoder *c, const struct media_coding *spec,
			       const bool *named)
{
	for (uint32_t i = 0; i < MEDIA_CODINGS_MAX; i++) {
		const struct media_coding *a = &c->spec[i], *b = &spec[i];

		if (named[i] != (c->list[i].decoder != NULL) || a->from != b->from ||
		    a->to != b->to || a->packet_ms != b->packet_ms ||
		    a->complexity != b->complexity || a->bit_rate != b->bit_rate)
			return false;
	}
	return true;
}

/* By control's present setting: open ones keep theirs. */
static uint32_t opus_hz_of(const struct worker *w)
{
	/* relaxed: a number that nothing else belongs to */
	uint32_t told = atomic_load_explicit(&w->coding, memory_order_relaxed);

	return told & EASE_FULL_RATE ? CODEC_RATE_MAX : 0;
}

static int transcoder_open(struct transcoder **out, const struct media_coding *spec,
			   const bool *named, uint32_t opus_hz)
{
	struct transcoder *c = calloc(1, sizeof(*c));
	int err = c ? 0 : -ENOMEM;

	for (uint32_t i = 0; !err && i < MEDIA_CODINGS_MAX; i++) {
		c->spec[i] = spec[i];
		if (named[i])
			err = coding_open(&c->list[i], &spec[i], opus_hz);
	}
	if (err)
		transcoder_free(c);
	else
		*out = c;
	return err;
}

static void transcoder_join(struct worker *w, struct flow *f, struct transcoder *c)
{
	c->slot = f->id.slot;
	w->transcoders.of[c->slot] = c;
	f->has_transcoder = 1;
	w->transcoders.open++;
	metric_set(w->metrics->transcoders, w->transcoders.open);
	if (transcoder_has_work(c))
		job_line_put(&w->transcoders.line, &c->place);
}

struct transcoder *transcoder_pack(struct worker *w, struct flow *f)
{
	struct transcoder *c = transcoder_of(w, f);

	if (!c)
		return NULL;
	job_line_forget(&w->transcoders.line, &c->place);
	f->has_transcoder = 0;
	w->transcoders.open--;
	metric_set(w->metrics->transcoders, w->transcoders.open);
	return c;
}

void transcoder_leave(struct worker *w, struct flow *f)
{
	transcoder_free(transcoder_pack(w, f));
}

int transcoder_set(struct worker *w, struct flow *f, const struct flow_spec *spec)
{
	struct media_coding codings[MEDIA_CODINGS_MAX];
	bool named[MEDIA_CODINGS_MAX];
	bool any = codings_of(spec, codings, named);
	struct transcoder *c = NULL;
	int err = 0;

	if (any && f->has_transcoder && transcoder_is_like(transcoder_of(w, f), codings, named))
		return 0;
	transcoder_leave(w, f);
	if (any)
		err = transcoder_open(&c, codings, named, opus_hz_of(w));
	if (c)
		transcoder_join(w, f, c);
	return err;
}

void transcoder_arrive(struct worker *w, struct flow *f, struct transcoder *c)
{
	bool named[MEDIA_CODINGS_MAX];

	if (!c)
		return;
	for (uint32_t i = 0; i < MEDIA_CODINGS_MAX; i++)
		named[i] = c->list[i].decoder != NULL;
	if (!f->has_transcoder || !transcoder_is_like(transcoder_of(w, f), c->spec, named)) {
		transcoder_free(c);
		return;
	}
	transcoder_leave(w, f);
	transcoder_join(w, f, c);
}

/* ---- received packets ---- */

bool transcoder_is_for(const struct flow *f, const struct payload_rule *rule)
{
	return rule->coding || (rule->event && f->has_transcoder && !f->source.feeding);
}

/* One of the newest few that are done, or one before it. */
static bool transcoder_is_past(const struct transcoder *c, const struct pkt *p)
{
	uint16_t behind = (uint16_t)(c->sequence - p->sequence);

	return c->known && c->ssrc == p->ssrc && behind < SEQ_MISORDER_MAX;
}

static struct transcoder_packet *packet_at(struct transcoder *c, uint32_t i)
{
	return &c->packets[(c->first + i) % TRANSCODER_PACKETS_MAX];
}

/* Its place among the waiting ones, in sending order; c->count + 1: it is there already. */
static uint32_t transcoder_place_of(struct transcoder *c, const struct pkt *p)
{
	uint32_t i = c->count;

	for (; i > 0; i--) {
		const struct transcoder_packet *k = packet_at(c, i - 1);
		int16_t ahead = (int16_t)(p->sequence - k->sequence);

		if (k->ssrc != p->ssrc || ahead > 0 || ahead < -SEQ_MISORDER_MAX)
			return i;
		if (ahead == 0)
			return c->count + 1;
	}
	return i;
}

static void packet_keep(struct transcoder *c, uint32_t at, const struct pkt *p,
			const struct payload_rule *rule, uint64_t now_ns)
{
	struct transcoder_packet *k;

	for (uint32_t i = c->count++; i > at; i--)
		*packet_at(c, i) = *packet_at(c, i - 1);
	k = packet_at(c, at);
	k->at_ns = now_ns;
	k->ssrc = p->ssrc;
	k->timestamp = p->timestamp;
	k->sequence = p->sequence;
	k->marker = p->marker;
	k->event_hz = rule->event ? rule->clock_hz : 0;
	k->coding = rule->coding ? (uint8_t)(rule->coding - 1) : 0;
	k->payload_type = rule->out;
	k->length = p->payload_length;
	memcpy(k->octets, p->data + p->payload_at, p->payload_length);
}

enum verdict transcoder_queue(struct worker *w, const struct pkt *p)
{
	struct transcoder *c = transcoder_of(w, p->flow);
	const struct payload_rule *rule = flow_rule(p->flow, p->payload_type);
	uint32_t at;

	if (!c || c->count == TRANSCODER_PACKETS_MAX || p->payload_length > TRANSCODER_OCTETS_MAX)
		return VERDICT_TRANSCODER_FULL;
	at = transcoder_place_of(c, p);
	if (transcoder_is_past(c, p) || at > c->count)
		return VERDICT_LATE;
	packet_keep(c, at, p, rule, w->batch.now_ns);
	job_line_put(&w->transcoders.line, &c->place);
	return VERDICT_TRANSCODED;
}

/* ---- turns ---- */

static struct transcoder *transcoder_first(const struct transcoder_line *l)
{
	return CONTAINER_OF(l->line.first, struct transcoder, place);
}

void transcoder_turn(struct worker *w)
{
	struct transcoder_line *l = &w->transcoders;
	uint32_t left = TRANSCODER_SLICE_NS, cost;

	while (l->line.first &&
	       (left == TRANSCODER_SLICE_NS || transcoder_cost_ns(transcoder_first(l)) <= left)) {
		struct transcoder *c =
			CONTAINER_OF(job_line_pop(&l->line), struct transcoder, place);

		cost = transcoder_cost_ns(c);
		transcoder_send(w, c);
		if (transcoder_has_work(c))
			job_line_put(&l->line, &c->place);
		left -= cost < left ? cost : left;
	}
}
