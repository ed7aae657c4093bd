/* SPDX-License-Identifier: Apache-2.0 */
/* A rig (tests/unit/engine/rig.h) whose parties have no codec in common: tones go in, and what comes out is decoded. */
#ifndef TESTS_UNIT_ENGINE_WORKER_CODER_RIG_H
#define TESTS_UNIT_ENGINE_WORKER_CODER_RIG_H

#include <math.h>

#include "dsp/codec/decoder.h"
#include "dsp/codec/encoder.h"
#include "engine/worker/flow.h"
#include "engine/worker/worker.h"
#include "tests/unit/engine/rig.h"
#include "tests/unit/engine/srtp/libsrtp.h"

enum { PACKET_MS = 20, TONE_HZ = 700, HEARD_MAX = 1700, SAMPLES_MAX = 48000 * 34, EVENT_PT = 101 };

/* What one party says. */
struct talker {
	enum media_codec codec;
	struct encoder *encoder;
	struct codec_format format;
	uint32_t ssrc, timestamp;
	uint16_t sequence;
	uint8_t payload_type, marker;
	uint32_t packet_ms;
	uint64_t samples; /* of the tone so far */
};

struct said {
	struct rtp rtp;
	uint64_t at_ms;
	uint8_t octets[PACKET_MAX];
};

struct scene {
	struct rig *r;
	srtp_t in[2], out[2]; /* of the parties, where they have keys */
	struct talker talker[2];
	struct said heard[2][HEARD_MAX]; /* by A, by B */
	size_t n[2];
	uint32_t reports[2];
};

static const uint8_t CODEC_PT[MEDIA_CODECS_KNOWN] = {
	[MEDIA_CODEC_PCMU] = 0,   [MEDIA_CODEC_PCMA] = 8,      [MEDIA_CODEC_G722] = 9,
	[MEDIA_CODEC_OPUS] = 111, [MEDIA_CODEC_G726_32] = 97,  [MEDIA_CODEC_G729] = 18,
	[MEDIA_CODEC_L16] = 98,   [MEDIA_CODEC_L16_WIDE] = 99,
};

/* L16 has none of its own. */
static UNUSED uint32_t rate_of(enum media_codec codec)
{
	bool linear = codec == MEDIA_CODEC_L16 || codec == MEDIA_CODEC_L16_WIDE;

	return linear ? media_codec_facts(codec)->clock_hz : 0;
}

static UNUSED void talker_open(struct talker *t, enum media_codec codec, uint32_t packet_ms)
{
	const struct encoder_settings s = { .codec = media_codec_facts(codec)->name,
					    .packet_ms = packet_ms,
					    .complexity = 1,
					    .rate = rate_of(codec) };

	*t = (struct talker){ .codec = codec,
			      .ssrc = 77 + codec,
			      .timestamp = 0xfffff000,
			      .sequence = 65500,
			      .payload_type = CODEC_PT[codec],
			      .packet_ms = packet_ms };
	assert_int_equal(encoder_open(&t->encoder, &s), 0);
	t->format = encoder_format(t->encoder);
}

static UNUSED uint32_t talker_units(const struct talker *t)
{
	return t->format.clock / 1000 * t->packet_ms;
}

/* The rules of what this side says, and the other one hears. */
static UNUSED void scene_rules(struct flow_spec *spec, enum media_codec from, enum media_codec to,
			       uint32_t event_hz)
{
	spec->rule_count = 2;
	spec->rules[0] = (struct payload_rule){ .in = CODEC_PT[from],
						.out = CODEC_PT[to],
						.coding = 1,
						.clock_hz = media_codec_facts(from)->clock_hz };
	spec->rules[1] = (struct payload_rule){
		.in = EVENT_PT, .out = EVENT_PT, .event = 1, .clock_hz = event_hz
	};
	spec->codings[0] = (struct media_coding){ .from = (uint8_t)from, .to = (uint8_t)to };
	spec->event_pt = EVENT_PT;
	spec->event_clock_hz = event_hz;
}

/* told: how coders are to work (coder.h); 0: by default. */
static UNUSED struct scene *scene_open_told(enum media_codec a, enum media_codec b, uint32_t told)
{
	struct scene *s = calloc(1, sizeof(*s));
	const enum media_codec codec[2] = { a, b };

	assert_non_null(s);
	s->r = rig_open_empty(64);
	if (told)
		atomic_store(&s->r->w.coding, told);
	for (int side = A; side <= B; side++) {
		s->r->spec[side] = rig_spec(side);
		scene_rules(&s->r->spec[side], codec[side], codec[!side],
			    media_codec_facts(codec[side])->clock_hz);
		rig_open_flow(s->r, &s->r->spec[side]);
		rig_hear(s->r, side);
		talker_open(&s->talker[side], codec[side], PACKET_MS);
	}
	assert_int_equal(s->r->w.flows.count, 2);
	return s;
}

static UNUSED struct scene *scene_open(enum media_codec a, enum media_codec b)
{
	return scene_open_told(a, b, 0);
}

static UNUSED void flow_end(struct rig *r, int side)
{
	rig_command(r, &(struct media_command){ .kind = MEDIA_FLOW_CLOSE, .id = r->spec[side].id });
}

/* To another worker. */
static UNUSED void flow_goes(struct rig *from, struct rig *to, const struct flow_spec *spec)
{
	static struct flow_parcel p;
	struct media_event event;

	p = (struct flow_parcel){ .spec = *spec, .fd = { -1, -1 } };
	rig_command(from, &(struct media_command){
				  .kind = MEDIA_FLOW_YIELD, .id = spec->id, .parcel = &p });
	assert_true(rig_event(from, MEDIA_FLOW_YIELDED, &event));
	assert_int_equal(event.error, 0);
	assert_non_null(p.transcoder);
	rig_command(to, &(struct media_command){ .kind = MEDIA_FLOW_OPEN,
						 .rtp_fd = -1,
						 .rtcp_fd = -1,
						 .spec = p.spec,
						 .parcel = &p });
	assert_true(rig_event(to, MEDIA_FLOW_MOVED, &event));
	assert_int_equal(event.error, 0);
	assert_null(p.transcoder);
}

/* Another process, so long after the one that was killed, with what the record has of each flow. */
static UNUSED struct scene *scene_successor(const struct scene *s,
					    const struct flow_resume resume[2], uint32_t after_ms)
{
	struct scene *next = calloc(1, sizeof(*next));

	assert_non_null(next);
	next->r = rig_open_empty(64);
	next->r->sim->now_ns = next->r->w.now_ns = s->r->sim->now_ns + after_ms * NS_PER_MS;
	for (int side = A; side <= B; side++) {
		next->r->spec[side] = s->r->spec[side];
		next->r->spec[side].resume = resume[side];
		talker_open(&next->talker[side], s->talker[side].codec, PACKET_MS);
	}
	for (int side = A; side <= B; side++) {
		rig_open_flow(next->r, &next->r->spec[side]);
		rig_hear(next->r, side);
	}
	next->talker[A].sequence = s->talker[A].sequence;
	return next;
}

static UNUSED void scene_close(struct scene *s)
{
	for (int side = A; side <= B; side++) {
		encoder_close(s->talker[side].encoder);
		if (flow_of(s->r, side)->id.generation)
			flow_end(s->r, side);
	}
	assert_int_equal(s->r->w.transcoders.open, 0);
	assert_false(turn_is_queued(&s->r->w));
	rig_close(s->r);
	free(s);
}

static UNUSED void heard_take(struct scene *s)
{
	static struct sim_packet plain;
	const struct sim_packet *p;
	size_t n;

	while ((p = port_sim_sent(s->r->sim)) != NULL) {
		struct said *h;

		if (p->channel != CHANNEL_RTP) { /* a report */
			s->reports[p->slot]++;
			continue;
		}
		assert_true(s->n[p->slot] < HEARD_MAX);
		h = &s->heard[p->slot][s->n[p->slot]++];
		plain = *p;
		n = plain.length;
		if (s->in[p->slot])
			assert_true(libsrtp_unprotect(s->in[p->slot], false, plain.data, &n));
		plain.length = (uint16_t)n;
		h->rtp = rtp_read(&plain);
		h->at_ms = (s->r->sim->now_ns - RIG_START) / NS_PER_MS;
		memcpy(h->octets, plain.data + 12, n - 12U);
		h->rtp.payload = (const char *)h->octets;
	}
}

static UNUSED void work_off(struct scene *s)
{
	do
		worker_step(&s->r->w);
	while (turn_is_queued(&s->r->w));
	heard_take(s);
}

static UNUSED void pass_ms(struct scene *s, uint32_t ms)
{
	while (ms-- > 0) {
		advance_ms(s->r, 1);
		work_off(s);
	}
}

/* The next packet's payload. */
static UNUSED size_t talker_make(struct talker *t, uint8_t *out, size_t cap)
{
	int16_t pcm[CODEC_SAMPLES_MAX];
	int n;

	for (uint32_t i = 0; i < t->format.samples; i++, t->samples++)
		pcm[i] = (int16_t)lrint(
			8000 * sin(2 * M_PI * TONE_HZ * (double)t->samples / t->format.rate));
	n = encoder_frame(t->encoder, pcm, t->format.samples, out, (uint32_t)cap);
	assert_true(n > 0);
	return (size_t)n;
}

static UNUSED struct rtp talker_next(struct talker *t, uint8_t payload[PACKET_MAX])
{
	struct rtp p = { .payload_type = t->payload_type,
			 .ssrc = t->ssrc,
			 .sequence = t->sequence++,
			 .timestamp = t->timestamp,
			 .marker = t->marker,
			 .payload = (const char *)payload };

	p.payload_n = talker_make(t, payload, PACKET_MAX);
	t->timestamp += talker_units(t);
	t->marker = 0;
	return p;
}

static UNUSED void talker_put(struct scene *s, int side)
{
	uint8_t payload[PACKET_MAX];
	struct rtp p = talker_next(&s->talker[side], payload);
	uint8_t packet[PACKET_MAX + SRTP_MAX_TRAILER_LEN];
	struct bytes plain = rtp_write(packet, &p);
	struct addr from = party(side);
	size_t n = plain.n;

	if (s->out[side])
		assert_true(libsrtp_protect(s->out[side], false, packet, &n));
	put_bytes(s->r, side, CHANNEL_RTP, &from, bytes_mem(packet, n));
}

/* It is lost on the way, or is silence of which nothing is sent. */
static UNUSED void talker_skip(struct talker *t, uint32_t packets, bool lost)
{
	t->samples += (uint64_t)packets * t->format.samples;
	t->timestamp += packets * talker_units(t);
	t->sequence = (uint16_t)(t->sequence + (lost ? packets : 0));
}

static UNUSED void say(struct scene *s, int side)
{
	talker_put(s, side);
	work_off(s);
}

static UNUSED void talk(struct scene *s, int side, int packets)
{
	while (packets-- > 0) {
		say(s, side);
		pass_ms(s, s->talker[side].packet_ms);
	}
}

/* One stream of the node, of that clock, in step with time. */
static UNUSED void in_step(const struct scene *s, int side, size_t from, uint32_t clock_hz)
{
	for (size_t i = from + 1; i < s->n[side]; i++) {
		const struct said *h = &s->heard[side][i], *before = h - 1;

		assert_int_equal(h->rtp.ssrc, side == A ? 0xaaaa : 0xbbbb);
		assert_int_equal(h->rtp.sequence, (uint16_t)(before->rtp.sequence + 1));
		assert_int_equal(h->rtp.timestamp - before->rtp.timestamp,
				 (h->at_ms - before->at_ms) * clock_hz / 1000);
	}
}

/* What a side heard from a packet on, decoded. Samples; *rate. */
static UNUSED size_t heard_decode(const struct scene *s, int side, size_t from,
				  enum media_codec codec, int16_t *out, uint32_t *rate)
{
	const struct decoder_settings settings = { .codec = media_codec_facts(codec)->name,
						   .rate = rate_of(codec) };
	struct decoder *d;
	size_t n = 0;

	assert_int_equal(decoder_open(&d, &settings), 0);
	*rate = decoder_format(d).rate;
	for (size_t i = from; i < s->n[side]; i++) {
		const struct rtp *p = &s->heard[side][i].rtp;
		int got;

		assert_int_equal(p->payload_type, CODEC_PT[codec]);
		got = decoder_frame(d, bytes_mem(p->payload, p->payload_n), out + n,
				    (uint32_t)(SAMPLES_MAX - n));
		assert_true(got > 0);
		n += (size_t)got;
	}
	decoder_close(d);
	return n;
}

/* How much of its energy is that tone: 0 to 1. The beginning is left out. */
static UNUSED double tone_share(const int16_t *pcm, size_t n, uint32_t rate, uint32_t hz)
{
	double re = 0, im = 0, all = 0;
	size_t from = rate / 5, count = (n - from) / (rate / 100) * (rate / 100);

	assert_true(n > 2 * from);
	for (size_t i = from; i < from + count; i++) {
		double phase = 2 * M_PI * hz * (double)i / rate;

		re += pcm[i] * cos(phase);
		im += pcm[i] * sin(phase);
		all += (double)pcm[i] * pcm[i];
	}
	return all > 0 ? 2 * (re * re + im * im) / ((double)count * all) : 0;
}

#endif
