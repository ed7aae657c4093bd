/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds DTMF tones in the audio of parties that send no telephone-events, on copies of their
 * packets: a short queue, a decoder per codec, and dsp/dtmf.h's detector. It works in slices
 * between batches, like transcoders. It conceals short gaps, so that a lost packet does not split a
 * digit, and takes pauses for silence. Digits are reported like events, and the audio passes
 * unchanged.
 */

#include "engine/worker/detector.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "dsp/codec/decoder.h"
#include "engine/worker/control.h"
#include "engine/worker/worker.h"
#include "media/codec.h"
#include "media/rtp/rtp_parse.h"

enum { DETECTOR_RATE_WIDE = 2 * DTMF_RATE, DETECTOR_NS = 1000 };

/* ---- open, close ---- */

int detector_line_open(struct detector_line *l, uint32_t capacity)
{
	l->of = calloc(capacity, sizeof(struct detector *));
	return l->of ? 0 : -ENOMEM;
}

void detector_line_close(struct detector_line *l)
{
	assert(l->open == 0);
	free(l->of);
	l->of = NULL;
}

static struct detector *detector_of(const struct worker *w, const struct flow *f)
{
	return f->has_detector ? w->detectors.of[f->id.slot] : NULL;
}

static bool codec_is_wide(uint8_t codec)
{
	return codec == MEDIA_CODEC_L16_WIDE;
}

/* Tones end at 1,633 Hz: the lower half of the band is enough. Undecodable codecs are skipped. */
static void decoders_open(struct detector *e, const struct flow_spec *spec)
{
	memcpy(e->named, spec->rule_codecs, sizeof(e->named));
	for (uint8_t i = 0; i < spec->rule_count; i++) {
		uint8_t codec = (uint8_t)(spec->rule_codecs[i] - 1);
		struct decoder_settings s = { .rate = DTMF_RATE };

		if (spec->rule_codecs[i] == 0 || codec >= MEDIA_CODECS_KNOWN || e->decoders[codec])
			continue;
		s.codec = media_codec_facts((enum media_codec)codec)->name;
		if (codec_is_wide(codec))
			s.rate = DETECTOR_RATE_WIDE;
		if (decoder_open(&e->decoders[codec], &s))
			e->decoders[codec] = NULL;
	}
}

int detector_set(struct worker *w, struct flow *f, const struct flow_spec *spec)
{
	bool wanted = spec->detects_dtmf && spec->kind == MEDIA_AUDIO;
	struct detector *e = detector_of(w, f);

	if (e && wanted && !memcmp(e->named, spec->rule_codecs, sizeof(e->named)))
		return 0;
	detector_leave(w, f);
	if (!wanted)
		return 0;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->slot = f->id.slot;
	decoders_open(e, spec);
	dtmf_detector_open(&e->ear);
	w->detectors.of[e->slot] = e;
	f->has_detector = 1;
	w->detectors.open++;
	return 0;
}

/* ---- detection ---- */

/* Once, however late the rest of it comes. */
static void digit_detected(struct worker *w, struct detector *e, char digit)
{
	wheel_stop(&w->wheel, &e->timer);
	if (!e->reported)
		event_tone(w, &w->flows.list[e->slot], digit, e->heard * 1000 / DTMF_RATE);
	e->reported = true;
}

void detector_leave(struct worker *w, struct flow *f)
{
	struct detector *e = detector_of(w, f);

	if (!e)
		return;
	if (e->ear.digit)
		digit_detected(w, e, e->ear.digit);
	job_line_forget(&w->detectors.line, &e->place);
	for (uint32_t i = 0; i < MEDIA_CODECS_KNOWN; i++)
		decoder_close(e->decoders[i]);
	free(e);
	f->has_detector = 0;
	w->detectors.open--;
}

static void narrow_feed(struct worker *w, struct detector *e, const int16_t *pcm, uint32_t n)
{
	uint32_t events = dtmf_detector_feed(&e->ear, pcm, n);

	e->heard += n;
	for (uint32_t i = 0; i < events; i++) {
		if (e->ear.events[i].ends) {
			digit_detected(w, e, e->ear.events[i].digit);
			continue;
		}
		e->heard = 0;
		e->reported = false;
	}
	if (!e->ear.digit || e->reported)
		return;
	e->timer.owner = e->slot;
	e->timer.kind = TIMER_EAR;
	wheel_start(&w->wheel, &e->timer, w->now_ns + DETECTOR_QUIET_MS * NS_PER_MS);
}

/* n samples of the line's pcm, at the rate of that codec's decoder. */
static void pcm_feed(struct worker *w, struct detector *e, uint8_t codec, uint32_t n)
{
	const int16_t *pcm = w->detectors.pcm;

	if (codec_is_wide(codec)) {
		n /= 2;
		half_band_down(&e->band, pcm, n, w->detectors.narrow);
		pcm = w->detectors.narrow;
	}
	for (uint32_t at = 0, piece; at < n; at += piece) {
		piece = n - at < (uint32_t)DTMF_FRAME_MAX ? n - at : (uint32_t)DTMF_FRAME_MAX;
		narrow_feed(w, e, pcm + at, piece);
	}
}

static void silence_feed(struct worker *w, struct detector *e)
{
	uint32_t n = DTMF_RATE / 1000 * DETECTOR_GAP_MS;

	memset(w->detectors.pcm, 0, n * sizeof(w->detectors.pcm[0]));
	narrow_feed(w, e, w->detectors.pcm, n);
}

/* What comes next may be the rest of the digit, held back on its way: its timestamp says so. */
void detector_expire(struct worker *w, struct flow *f)
{
	struct detector *e = detector_of(w, f);

	if (e && e->ear.digit)
		digit_detected(w, e, e->ear.digit);
}

static uint32_t codec_rate(uint8_t codec)
{
	return codec_is_wide(codec) ? DETECTOR_RATE_WIDE : DTMF_RATE;
}

/* Conceals what is missing before this packet of the same stream. */
static void gap_conceal(struct worker *w, struct detector *e, const struct detector_packet *k)
{
	uint32_t clock_hz = media_codec_facts((enum media_codec)k->codec)->clock_hz;
	uint32_t units = k->timestamp - e->timestamp;
	uint32_t n = (uint32_t)((uint64_t)units * codec_rate(k->codec) / clock_hz);

	if (units == 0)
		return;
	if ((uint16_t)(k->sequence - e->sequence) == 1 ||
	    units > clock_hz / 1000 * (uint32_t)DETECTOR_GAP_MS) {
		silence_feed(w, e);
		return;
	}
	if (decoder_conceal(e->decoders[k->codec], w->detectors.pcm, n) != (int)n)
		memset(w->detectors.pcm, 0, n * sizeof(w->detectors.pcm[0]));
	pcm_feed(w, e, k->codec, n);
}

/* Another stream: of the one before nothing is left. */
static void detector_stream_start(struct worker *w, struct detector *e,
				  const struct detector_packet *k)
{
	if (e->known)
		silence_feed(w, e);
	/* no memory: the codec is skipped from now on */
	if (decoder_reset(e->decoders[k->codec])) {
		decoder_close(e->decoders[k->codec]);
		e->decoders[k->codec] = NULL;
	}
	e->band = (struct half_band){ 0 };
	e->known = true;
	e->ssrc = k->ssrc;
	e->codec = k->codec;
}

static bool detector_stream_continues(const struct detector *e, const struct detector_packet *k)
{
	return e->known && e->ssrc == k->ssrc && e->codec == k->codec;
}

static void packet_decode(struct worker *w, struct detector *e)
{
	const struct detector_packet *k = &e->packets[e->first];
	uint32_t clock_hz = media_codec_facts((enum media_codec)k->codec)->clock_hz;
	int n;

	if (!e->decoders[k->codec]) /* closed since it came */
		return;
	if (!detector_stream_continues(e, k))
		detector_stream_start(w, e, k);
	else
		gap_conceal(w, e, k);
	e->sequence = k->sequence;
	e->timestamp = k->timestamp;
	if (!e->decoders[k->codec])
		return;
	n = decoder_frame(e->decoders[k->codec], bytes_mem(e->octets + k->at, k->length),
			  w->detectors.pcm, CODEC_SAMPLES_MAX);
	if (n <= 0)
		return;
	pcm_feed(w, e, k->codec, (uint32_t)n);
	e->timestamp += (uint32_t)((uint64_t)n * clock_hz / codec_rate(k->codec));
}

/* ---- what comes ---- */

/* Behind the earlier ones. Late or duplicate packets are skipped. */
static bool packet_is_new(const struct detector *e, const struct rtp_head *head)
{
	const struct detector_packet *last;

	if (e->count == 0)
		return !e->known || e->ssrc != head->ssrc ||
		       (int16_t)(head->sequence - e->sequence) > 0 ||
		       (int16_t)(head->sequence - e->sequence) < -SEQ_MISORDER_MAX;
	last = &e->packets[(e->first + e->count - 1) % DETECTOR_PACKETS_MAX];
	return last->ssrc != head->ssrc || (int16_t)(head->sequence - last->sequence) > 0;
}

void detector_receive(struct worker *w, const struct flow *f, const struct pkt *p)
{
	struct detector *e = detector_of(w, f);
	struct rtp_head head;
	struct detector_packet *k;
	uint8_t rule, codec;

	if (!e || rtp_parse(&head, bytes_mem(p->data, p->length)))
		return;
	rule = f->rule_of[head.payload_type];
	codec = rule == PAYLOAD_NONE ? 0 : f->rule_codecs[rule];
	if (codec == 0 || codec > MEDIA_CODECS_KNOWN || !e->decoders[codec - 1] ||
	    head.payload.n == 0 || head.payload.n > DETECTOR_OCTETS_MAX - e->used ||
	    e->count == DETECTOR_PACKETS_MAX || !packet_is_new(e, &head))
		return;
	k = &e->packets[(e->first + e->count++) % DETECTOR_PACKETS_MAX];
	k->ssrc = head.ssrc;
	k->timestamp = head.timestamp;
	k->sequence = head.sequence;
	k->codec = (uint8_t)(codec - 1);
	k->length = (uint16_t)head.payload.n;
	k->at = (uint16_t)e->used;
	e->used += k->length;
	memcpy(e->octets + k->at, head.payload.p, head.payload.n);
	job_line_put(&w->detectors.line, &e->place);
}

/* ---- turns ---- */

static uint32_t detector_cost_ns(const struct detector *e)
{
	const struct decoder *d = e->decoders[e->packets[e->first].codec];

	return (d ? decoder_cost_ns(d) : 0) + DETECTOR_NS;
}

static struct detector *detector_first(const struct detector_line *l)
{
	return CONTAINER_OF(l->line.first, struct detector, place);
}

void detector_turn(struct worker *w)
{
	struct detector_line *l = &w->detectors;
	uint32_t left = DETECTOR_SLICE_NS, cost;

	while (l->line.first &&
	       (left == DETECTOR_SLICE_NS || detector_cost_ns(detector_first(l)) <= left)) {
		struct detector *e = CONTAINER_OF(job_line_pop(&l->line), struct detector, place);

		cost = detector_cost_ns(e);
		packet_decode(w, e);
		e->count--;
		e->first = e->count ? (e->first + 1) % DETECTOR_PACKETS_MAX : 0;
		e->used = e->count ? e->used : 0;
		if (e->count > 0)
			job_line_put(&l->line, &e->place);
		left -= cost < left ? cost : left;
	}
}
