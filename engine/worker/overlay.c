/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tones within what a party hears (overlay.h), such as the recording tone: when each begins and
 * ends, the codecs that decode and encode packets meanwhile, and packets of its own where the party
 * is sent nothing. Packets wait for the worker's slices as in transcoder.c. The stream keeps
 * numbers and timestamps, so recordings and receivers notice no seam.
 */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "dsp/codec/decoder.h"
#include "dsp/codec/encoder.h"
#include "dsp/tone.h"
#include "engine/worker/originate.h"
#include "engine/worker/overlay.h"
#include "engine/worker/source.h"
#include "engine/worker/worker.h"
#include "media/codec.h"
#include "media/rtp/rtp_parse.h"

/* What overlays (overlay.h) know of each other: codecs, and their use. Private to them. */

enum {
	VOICE_FRAME_MS = 10,     /* of codecs that have no packets of their own */
	VOICE_BIT_RATE = 32000,  /* of Opus: what comes may have the whole band */
	VOICE_COMPLEXITY = 2,    /* likewise: packets of any length are quick enough */
	VOICE_SAMPLES_MAX = 480, /* that are summed at a time */
	TONE_JUMP_S = 10,        /* a larger jump of the RTP timestamp restarts the tone */
};

/* ---- codecs ---- */

static void voice_close(struct overlay_voice *v)
{
	decoder_close(v->decoder);
	encoder_close(v->encoder);
	free(v);
}

static int voice_codecs_open(struct overlay_voice *v)
{
	bool opus = v->codec == MEDIA_CODEC_OPUS;
	const char *name = media_codec_facts(v->codec)->name;
	const struct encoder_settings s = { .codec = name,
					    .packet_ms = opus ? CODEC_PACKET_MS : VOICE_FRAME_MS,
					    .bit_rate = opus ? VOICE_BIT_RATE : 0,
					    .complexity = VOICE_COMPLEXITY,
					    .voice = opus };
	int err = encoder_open(&v->encoder, &s);
	struct codec_format format;

	if (err)
		return err;
	format = encoder_format(v->encoder);
	v->rate = format.rate;
	v->clock_hz = format.clock;
	v->frame = opus ? 0 : format.samples;
	err = decoder_open(&v->decoder,
			   &(struct decoder_settings){ .codec = name, .rate = v->rate });
	if (err)
		return err;
	v->cost_ns = encoder_cost_ns(v->encoder) * (opus ? 1 : CODEC_PACKET_MS / VOICE_FRAME_MS) +
		     decoder_cost_ns(v->decoder);
	return 0;
}

static struct overlay_voice *voice_open(uint8_t codec)
{
	struct overlay_voice *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	v->codec = codec;
	if (voice_codecs_open(v)) {
		voice_close(v);
		return NULL;
	}
	return v;
}

/* All codecs that the party takes, if available. */
static void overlay_voices_open(struct overlay *o)
{
	for (uint8_t i = 0; i < o->accepted_count; i++) {
		uint8_t codec = o->accepted[i].codec;

		if (codec < MEDIA_CODECS && !o->voices[codec])
			o->voices[codec] = voice_open(codec);
	}
}

static void overlay_voices_close(struct overlay *o)
{
	assert(!o->voice);
	for (unsigned i = 0; i < MEDIA_CODECS; i++) {
		if (o->voices[i])
			voice_close(o->voices[i]);
		o->voices[i] = NULL;
	}
}

/* The tone is over. Nothing waits for the voice. */
static void overlay_voice_release(struct overlay *o)
{
	assert(o->count == 0);
	o->first = 0;
	o->voice = NULL;
}

/* Makes that voice current for the tone, and resets it. False: there is no such voice. */
static bool overlay_voice_claim(struct overlay *o, uint8_t codec)
{
	struct overlay_voice *v = codec < MEDIA_CODECS ? o->voices[codec] : NULL;

	if (o->voice && o->voice->codec == codec)
		return true;
	if (!v || o->count > 0)
		return false;
	overlay_voice_release(o);
	if (decoder_reset(v->decoder) || encoder_reset(v->encoder))
		return false;
	o->voice = v;
	return true;
}

/* By the payload type of the party's packets; MEDIA_CODECS: not spoken. */
static uint8_t overlay_codec_of(const struct overlay *o, uint8_t payload_type)
{
	for (uint8_t i = 0; i < o->accepted_count; i++) {
		if (o->accepted[i].payload_type == payload_type)
			return o->accepted[i].codec;
	}
	return MEDIA_CODECS;
}

/* ---- the tone ---- */

static struct tone tone_of(const struct media_tone *t)
{
	const struct tone_step sounds = { t->ms, { { t->hz, t->level } } };

	/* and then silence without end */
	if (!t->gap_ms)
		return (struct tone){ .count = 2, .steps = { sounds, { 0 } } };
	return (struct tone){ .count = 4, .steps = { sounds, { t->gap_ms }, sounds, { 0 } } };
}

static void tone_at(const struct overlay *o, uint64_t at, struct overlay_samples s)
{
	const struct tone t = tone_of(&o->spec.tone);

	tone_render(&t, s.rate, at, s.pcm, s.n);
}

/* The tone alone, from so many ms of it on. */
static void overlay_tone_render(const struct overlay *o, uint32_t at_ms, struct overlay_samples s)
{
	tone_at(o, (uint64_t)at_ms * s.rate / 1000, s);
}

/* Of the first sample, counted from the beginning of the tone; negative: before it. */
static int64_t tone_place(struct overlay *o, uint32_t timestamp, const struct overlay_samples *s)
{
	int32_t units = (int32_t)(timestamp - o->base);

	if (!o->based || o->base_hz != s->clock_hz ||
	    llabs((int64_t)units) > (int64_t)TONE_JUMP_S * s->clock_hz) {
		o->base = timestamp;
		o->base_hz = s->clock_hz;
		o->based = true;
		units = 0;
	}
	return (int64_t)units * s->rate / s->clock_hz;
}

static void piece_mix(struct overlay *o, uint64_t at, struct overlay_samples s)
{
	int16_t tone[VOICE_SAMPLES_MAX];
	int32_t sum[VOICE_SAMPLES_MAX];

	tone_at(o, at, (struct overlay_samples){ tone, s.n, s.rate, s.clock_hz });
	for (uint32_t i = 0; i < s.n; i++)
		sum[i] = s.pcm[i] + tone[i];
	limiter_frame(&o->limiter, s.rate, sum, s.pcm, s.n);
}

/* The tone is added to samples that are sent under that timestamp. */
static void overlay_mix(struct overlay *o, uint32_t timestamp, struct overlay_samples s)
{
	int64_t at = tone_place(o, timestamp, &s);

	while (s.n > 0) {
		struct overlay_samples piece = s;

		piece.n = s.n < VOICE_SAMPLES_MAX ? s.n : VOICE_SAMPLES_MAX;
		if (at >= 0)
			piece_mix(o, (uint64_t)at, piece);
		at += piece.n;
		s.pcm += piece.n;
		s.n -= piece.n;
	}
}

/* ---- packets ---- */

/* Opus has packets of any length, others frames. */
static uint32_t frame_of(struct overlay_voice *v, uint32_t n)
{
	if (v->frame)
		return n % v->frame ? 0 : v->frame;
	return encoder_stretch(v->encoder, n * 1000 / v->rate) ||
			       encoder_format(v->encoder).samples != n
		       ? 0
		       : n;
}

/* n samples of the line's pcm encoded into l->octets. Octets; 0: that many cannot be. */
static uint32_t overlay_voice_encode(struct overlay_line *l, struct overlay_voice *v, uint32_t n)
{
	uint32_t frame = frame_of(v, n), length = 0;

	for (uint32_t done = 0; frame && done < n; done += frame) {
		int got = encoder_frame(v->encoder, l->pcm + done, frame, l->octets + length,
					(uint32_t)sizeof(l->octets) - length);

		if (got <= 0)
			return 0;
		length += (uint32_t)got;
	}
	return length;
}

/* Decodes a packet, adds the tone if add is true, and encodes into l->octets. Returns the octets;
 * 0: it cannot, the packet stays as it is. */
static uint32_t overlay_voice_mix(struct worker *w, struct overlay *o, struct bytes payload,
				  uint32_t timestamp, bool add)
{
	struct overlay_line *l = &w->overlays;
	struct overlay_voice *v = o->voice;
	int n = decoder_frame(v->decoder, payload, l->pcm, CODEC_SAMPLES_MAX);

	if (n <= 0)
		return 0;
	if (add)
		overlay_mix(o, timestamp,
			    (struct overlay_samples){ l->pcm, (uint32_t)n, v->rate, v->clock_hz });
	return overlay_voice_encode(l, v, (uint32_t)n);
}

/* Packets for a party that will hear a tone: taken, mixed, made. */

/* ---- what is relayed ---- */

static bool is_heard_with(const struct overlay *o)
{
	return o->phase == OVERLAY_SOUNDS || o->phase == OVERLAY_TRAILS;
}

static void overlay_keep(struct overlay *o, const struct pkt *p)
{
	struct overlay_packet *k = &o->packets[(o->first + o->count++) % OVERLAY_PACKETS_MAX];

	k->silent = !is_heard_with(o);
	k->numbering = p->peer->numbering;
	k->payload_at = p->payload_at;
	k->length = (uint16_t)(p->payload_at + p->payload_length);
	memcpy(k->octets, p->data, k->length);
	k->octets[0] &= (uint8_t)~RTP_PADDING_BIT;
}

/* A codec that is not spoken: in its place the tone alone, where that has the same clock. */
static enum verdict packet_replace(struct worker *w, struct overlay *o, struct pkt *p)
{
	struct overlay_line *l = &w->overlays;
	const struct media_accepted *t = &o->accepted[0];
	struct overlay_voice *v;
	uint32_t n, octets;

	if (o->phase != OVERLAY_SOUNDS)
		return VERDICT_RELAY;
	if (o->accepted_count == 0 || !overlay_voice_claim(o, t->codec) ||
	    o->voice->clock_hz != p->clock_hz) {
		metric_add(w->metrics->tones_missed, 1);
		return VERDICT_RELAY;
	}
	v = o->voice;
	n = v->rate / 1000 * OVERLAY_PACKET_MS;
	memset(l->pcm, 0, n * sizeof(l->pcm[0]));
	overlay_mix(o, be32_get(p->data + 4),
		    (struct overlay_samples){ l->pcm, n, v->rate, v->clock_hz });
	octets = overlay_voice_encode(l, v, n);
	if (octets == 0 || p->payload_at + octets > PACKET_MAX)
		return VERDICT_RELAY;
	flow_uncount_out(p->peer, p->length, p->payload_length);
	memcpy(p->data + p->payload_at, l->octets, octets);
	p->data[0] &= (uint8_t)~RTP_PADDING_BIT;
	p->data[1] = (uint8_t)((p->data[1] & ~0x7f) | t->payload_type);
	p->payload_length = (uint16_t)octets;
	p->length = (uint16_t)(p->payload_at + octets);
	p->tail_known = 0;
	flow_count_out(p->peer, p->length, p->payload_length);
	return VERDICT_RELAY;
}

enum verdict overlay_receive(struct worker *w, struct pkt *p)
{
	struct overlay *o = overlay_of(w, p->peer);
	uint8_t codec;

	assert(o);
	codec = overlay_codec_of(o, p->data[1] & 0x7f);
	if (o->phase == OVERLAY_RESTS || p->payload_length == 0)
		return VERDICT_RELAY;
	o->received_ns = w->batch.now_ns;
	o->makes = false;
	if (codec == MEDIA_CODECS)
		return packet_replace(w, o, p);
	if (p->payload_at + p->payload_length > OVERLAY_OCTETS_MAX ||
	    !overlay_voice_claim(o, codec) || o->count == OVERLAY_PACKETS_MAX)
		return VERDICT_RELAY;
	overlay_keep(o, p);
	job_line_put(&w->overlays.line, &o->place);
	if (!is_heard_with(o))
		return VERDICT_RELAY;
	flow_uncount_out(p->peer, p->length, p->payload_length);
	return VERDICT_TRANSCODED;
}

/* ---- turns ---- */

static bool overlay_is_open(const struct flow *f)
{
	return f->send == FLOW_SEND && flow_rtp_to(f) && (!(f->secure & SECURE_OUT) || f->srtp_out);
}

/* One packet: with the tone, or as it came. */
static void packet_mix(struct worker *w, struct overlay *o, struct flow *f)
{
	struct overlay_packet *k = &o->packets[o->first];
	struct bytes payload = bytes_mem(k->octets + k->payload_at, k->length - k->payload_at);
	uint32_t n = overlay_voice_mix(w, o, payload, be32_get(k->octets + 4), !k->silent);

	o->count--;
	o->first = o->count ? (o->first + 1) % OVERLAY_PACKETS_MAX : 0;
	if (k->silent)
		return;
	if (n > 0 && k->payload_at + n <= OVERLAY_OCTETS_MAX) {
		memcpy(k->octets + k->payload_at, w->overlays.octets, n);
		k->length = (uint16_t)(k->payload_at + n);
	}
	if (overlay_is_open(f) && k->numbering == f->numbering &&
	    originate_relayed(w, f, bytes_mem(k->octets, k->length),
			      (uint16_t)(k->length - k->payload_at)))
		metric_add(n > 0 ? w->metrics->tones_mixed : w->metrics->tones_missed, 1);
}

void overlay_drain(struct worker *w, struct flow *f)
{
	struct overlay *o = overlay_of(w, f);

	while (o && o->count > 0)
		packet_mix(w, o, f);
	originate_flush(w);
}

static struct overlay *overlay_first(const struct overlay_line *l)
{
	return CONTAINER_OF(l->line.first, struct overlay, place);
}

void overlay_turn(struct worker *w)
{
	struct overlay_line *l = &w->overlays;
	uint32_t done_ns = 0;

	while (l->line.first &&
	       (done_ns == 0 || done_ns + overlay_first(l)->voice->cost_ns <= OVERLAY_SLICE_NS)) {
		struct overlay *o = CONTAINER_OF(job_line_pop(&l->line), struct overlay, place);

		done_ns += o->voice->cost_ns;
		packet_mix(w, o, &w->flows.list[o->slot]);
		if (o->count > 0)
			job_line_put(&l->line, &o->place);
		else if (o->phase == OVERLAY_RESTS)
			overlay_voice_release(o);
	}
}

/* ---- what is made by others ---- */

void overlay_add(struct worker *w, struct flow *f, uint32_t timestamp, struct overlay_samples s)
{
	struct overlay *o = overlay_of(w, f);

	assert(o);
	o->received_ns = w->now_ns;
	o->makes = false;
	if (!is_heard_with(o))
		return;
	overlay_mix(o, timestamp, s);
	metric_add(w->metrics->tones_mixed, 1);
}

void overlay_mix_made(struct worker *w, struct flow *f, struct made_rtp *rtp)
{
	struct overlay *o = overlay_of(w, f);
	bool sounds;
	uint32_t n = 0;

	assert(o);
	sounds = is_heard_with(o);
	o->received_ns = w->now_ns;
	o->makes = false;
	if (o->phase == OVERLAY_RESTS)
		return;
	if (overlay_voice_claim(o, overlay_codec_of(o, rtp->payload_type)))
		n = overlay_voice_mix(w, o, rtp->payload, rtp->timestamp, sounds);
	if (!sounds)
		return;
	metric_add(n > 0 ? w->metrics->tones_mixed : w->metrics->tones_missed, 1);
	if (n > 0)
		rtp->payload = bytes_mem(w->overlays.octets, n);
}

/* ---- without packets of others ---- */

/* The codec of the party's present stream, by its clock; NULL: not one we speak. */
static const struct media_accepted *accepted_now(const struct overlay *o, const struct flow *f)
{
	for (uint8_t i = 0; i < o->accepted_count; i++) {
		const struct media_accepted *t = &o->accepted[i];
		bool spoken = o->voice && o->voice->codec == t->codec;

		if (!f->sink.started || f->sink.clock_hz == 0 || spoken ||
		    f->sink.clock_hz == media_codec_facts(t->codec)->clock_hz)
			return t;
	}
	return NULL;
}

static uint32_t made_timestamp(const struct worker *w, const struct overlay *o,
			       const struct flow *f, uint32_t clock_hz)
{
	if (o->makes && o->made_sequence == f->sink.sequence)
		return f->sink.timestamp + clock_hz / 1000 * OVERLAY_PACKET_MS;
	return sink_timestamp_anew(&f->sink, MEDIA_AUDIO, clock_hz, w->now_ns);
}

static void packet_make(struct worker *w, struct overlay *o, struct flow *f,
			const struct media_accepted *t)
{
	struct overlay_line *l = &w->overlays;
	struct overlay_voice *v = o->voice;
	struct overlay_samples s = { l->pcm, v->rate / 1000 * OVERLAY_PACKET_MS, v->rate,
				     v->clock_hz };
	struct made_rtp rtp = { .payload_type = t->payload_type, .clock_hz = v->clock_hz };
	uint32_t n;

	overlay_tone_render(o, o->made_ms, s);
	n = overlay_voice_encode(l, v, s.n);
	originate_start(w, f, v->clock_hz);
	rtp.marker = !o->makes;
	rtp.timestamp = made_timestamp(w, o, f, v->clock_hz);
	rtp.payload = bytes_mem(l->octets, n);
	if (n == 0 || !originate_rtp(w, f, &rtp))
		return;
	o->makes = true;
	o->made_sequence = f->sink.sequence;
	metric_add(w->metrics->tones_made, 1);
}

/* It sounds, and 20 ms more have passed: where nothing comes for the party the tone is made. */
static void overlay_tick(struct worker *w, struct overlay *o, struct flow *f)
{
	const struct media_accepted *t = accepted_now(o, f);
	bool quiet = w->now_ns - o->received_ns >= OVERLAY_QUIET_MS * NS_PER_MS;

	if (!quiet || !overlay_is_open(f) || f->making & MAKING_DIGIT || !flow_has_received(f))
		return;
	if (t && overlay_voice_claim(o, t->codec))
		packet_make(w, o, f, t);
	else
		metric_add(w->metrics->tones_missed, 1);
}

/* ---- open, close ---- */

int overlay_line_open(struct overlay_line *l, uint32_t capacity)
{
	l->of = calloc(capacity, sizeof(struct overlay *));
	return l->of ? 0 : -ENOMEM;
}

void overlay_line_close(struct overlay_line *l)
{
	assert(l->open == 0);
	free(l->of);
	l->of = NULL;
}

struct overlay *overlay_of(const struct worker *w, const struct flow *f)
{
	return f->has_overlay ? w->overlays.of[f->id.slot] : NULL;
}

static uint32_t tone_ms(const struct media_tone *t)
{
	return t->gap_ms ? 2U * t->ms + t->gap_ms : t->ms;
}

static uint64_t tone_ns(const struct overlay *o)
{
	return tone_ms(&o->spec.tone) * NS_PER_MS;
}

static uint64_t every_ns(const struct overlay *o)
{
	return o->spec.every_ms * NS_PER_MS;
}

static bool overlay_is_like(const struct overlay *o, const struct flow_spec *spec)
{
	const struct media_overlay *a = &o->spec, *b = &spec->overlay;

	return a->begun_ns == b->begun_ns && a->every_ms == b->every_ms &&
	       a->tone.hz == b->tone.hz && a->tone.level == b->tone.level &&
	       a->tone.ms == b->tone.ms && a->tone.gap_ms == b->tone.gap_ms;
}

/* What is between two of them is as long as they are, at least. */
static bool overlay_is_sane(const struct media_overlay *s)
{
	return s->tone.hz > 0 && s->tone.hz < OVERLAY_HZ_MAX && s->tone.level <= 0 &&
	       (s->every_ms == 0 || s->every_ms >= 2U * tone_ms(&s->tone) + 4 * OVERLAY_LEAD_MS);
}

/* Of those that are spoken, which go first: in others a tone is made for keys alone (digits.h). */
static void accepted_set(struct overlay *o, const struct flow_spec *spec)
{
	assert(spec->accepted_count <= MEDIA_ACCEPTED_MAX);
	memcpy(o->accepted, spec->accepted, sizeof(o->accepted));
	o->accepted_count = 0;
	while (o->accepted_count < spec->accepted_count &&
	       o->accepted[o->accepted_count].codec < MEDIA_CODECS)
		o->accepted_count++;
	overlay_voices_open(o);
}

/* ---- phases ---- */

static void phase_set(struct worker *w, struct overlay *o, struct flow *f, enum overlay_phase phase)
{
	if (o->phase == phase)
		return;
	w->overlays.sounding += o->phase == OVERLAY_RESTS;
	w->overlays.sounding -= phase == OVERLAY_RESTS;
	o->phase = phase;
	if (phase == OVERLAY_RESTS)
		f->making &= (uint8_t)~MAKING_TONE;
	else
		f->making |= MAKING_TONE;
}

static void overlay_wake(struct worker *w, struct overlay *o, uint64_t at_ns)
{
	wheel_start(&w->wheel, &o->timer, at_ns);
}

static void overlay_lead(struct worker *w, struct overlay *o, struct flow *f)
{
	uint64_t least_ns = w->now_ns + OVERLAY_LEAD_MS * NS_PER_MS;

	phase_set(w, o, f, OVERLAY_LEADS);
	o->based = o->makes = false;
	o->made_ms = 0;
	o->received_ns = w->now_ns; /* whether anything comes is seen until then */
	overlay_wake(w, o, o->due_ns > least_ns ? o->due_ns : least_ns);
}

/* The next one, or nothing more. */
static void overlay_rest(struct worker *w, struct overlay *o, struct flow *f)
{
	uint64_t lead_ns = OVERLAY_LEAD_MS * NS_PER_MS;

	phase_set(w, o, f, OVERLAY_RESTS);
	if (!o->place.waits)
		overlay_voice_release(o);
	if (o->due_ns + OVERLAY_LATE_MS * NS_PER_MS <= w->now_ns) {
		if (o->spec.every_ms == 0)
			return;
		o->due_ns += (w->now_ns - o->due_ns + every_ns(o) - 1) / every_ns(o) * every_ns(o);
	}
	if (o->due_ns <= w->now_ns + lead_ns)
		overlay_lead(w, o, f);
	else
		overlay_wake(w, o, o->due_ns - lead_ns);
}

/* This one is over. */
static void overlay_over(struct worker *w, struct overlay *o, struct flow *f)
{
	if (o->spec.every_ms == 0) {
		o->due_ns = 0;
	} else {
		o->due_ns += every_ns(o);
	}
	overlay_rest(w, o, f);
}

/* Each 20 ms of it: if nothing is sent to the party, the tone has packets of its own. */
static void overlay_sound(struct worker *w, struct overlay *o, struct flow *f)
{
	if (o->phase == OVERLAY_LEADS) {
		phase_set(w, o, f, OVERLAY_SOUNDS);
		o->begun_ns = w->now_ns;
	}
	if (w->now_ns >= o->begun_ns + tone_ns(o)) {
		phase_set(w, o, f, OVERLAY_TRAILS);
		overlay_wake(w, o, o->begun_ns + tone_ns(o) + OVERLAY_LEAD_MS * NS_PER_MS);
		return;
	}
	overlay_tick(w, o, f);
	o->made_ms = (uint16_t)(o->made_ms + OVERLAY_PACKET_MS);
	overlay_wake(w, o, o->begun_ns + o->made_ms * NS_PER_MS);
}

void overlay_expire(struct worker *w, struct flow *f)
{
	struct overlay *o = overlay_of(w, f);

	assert(o);
	switch (o->phase) {
	case OVERLAY_RESTS:
		overlay_lead(w, o, f);
		break;
	case OVERLAY_LEADS:
	case OVERLAY_SOUNDS:
		overlay_sound(w, o, f);
		break;
	case OVERLAY_TRAILS:
		overlay_over(w, o, f);
		break;
	}
}

/* ---- by command ---- */

static int overlay_open(struct worker *w, struct flow *f, const struct flow_spec *spec)
{
	struct overlay *o;

	if (!overlay_is_sane(&spec->overlay))
		return -EINVAL;
	o = calloc(1, sizeof(*o));
	if (!o)
		return -ENOMEM;
	o->slot = f->id.slot;
	o->spec = spec->overlay;
	o->timer = (struct wheel_timer){ .kind = TIMER_OVERLAY, .owner = o->slot };
	o->due_ns = o->spec.begun_ns;
	accepted_set(o, spec);
	w->overlays.of[o->slot] = o;
	w->overlays.open++;
	f->has_overlay = 1;
	overlay_rest(w, o, f);
	return 0;
}

void overlay_leave(struct worker *w, struct flow *f)
{
	struct overlay *o = overlay_of(w, f);

	if (!o)
		return;
	wheel_stop(&w->wheel, &o->timer);
	job_line_forget(&w->overlays.line, &o->place);
	metric_add(w->metrics->tones_missed, o->count);
	o->count = 0;
	phase_set(w, o, f, OVERLAY_RESTS);
	overlay_voice_release(o);
	overlay_voices_close(o);
	f->has_overlay = 0;
	free(o);
	w->overlays.open--;
}

int overlay_set(struct worker *w, struct flow *f, const struct flow_spec *spec)
{
	bool wanted = spec->kind == MEDIA_AUDIO && spec->overlay.tone.ms > 0;

	if (wanted && f->has_overlay && overlay_is_like(overlay_of(w, f), spec)) {
		accepted_set(overlay_of(w, f), spec);
		return 0;
	}
	overlay_leave(w, f);
	return wanted ? overlay_open(w, f, spec) : 0;
}
