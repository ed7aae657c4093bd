/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parties in a room: each says syllables of a tone of its own, in its codec, and decodes what it is sent by the timestamps of that. So a
 * test knows who is heard, by frequency. Times are in ms since the rig was opened.
 */
#ifndef TESTS_UNIT_ENGINE_JOB_ROOM_PARTY_H
#define TESTS_UNIT_ENGINE_JOB_ROOM_PARTY_H

#include <math.h>
#include <stdlib.h>

#include "dsp/codec/decoder.h"
#include "dsp/codec/encoder.h"
#include "tests/unit/engine/job/room_rig.h"
#include "tests/unit/engine/srtp/libsrtp.h"

enum {
	PARTY_MS = 20,
	PARTY_HEARD_MS = 12000,
	PARTY_SYLLABLE_MS = 240,
	PARTY_VOICE_MS = 160, /* of a syllable */
	PARTY_LOUD = 6000,
	PARTIES_MAX = 16,
};

struct party_in_room {
	struct flow_spec spec;
	enum media_codec codec;
	uint32_t hz;      /* 0: it says nothing */
	bool silent;      /* it says silence */
	bool steady;      /* its tone has no syllables */
	uint32_t quieter; /* so many times; 0: 1 */
	uint32_t at_ms;   /* within 20 ms it sends then */
	uint16_t sequence;
	uint32_t timestamp;
	struct encoder *encoder;
	struct decoder *decoder;
	uint32_t rate, clock;
	srtp_t out, in; /* NULL: it is plain */
	/* what it heard */
	uint32_t packets, markers, heard_n; /* samples up to the newest one */
	bool begun;
	uint32_t ssrc, first, before; /* timestamps */
	uint16_t sequence_before;
	uint32_t begun_ms, last_ms;
	int16_t *heard;
	uint8_t payload[PACKET_MAX]; /* the newest */
	size_t payload_n;
};

struct parties {
	struct rig *r;
	uint32_t now_ms, count;
	struct party_in_room list[PARTIES_MAX];
	void (*other)(struct parties *s, const struct sim_packet *packet); /* to another flow */
	void (*said)(struct parties *s, struct party_in_room *p,
		     struct writer *w); /* instead of a plain head */
};

static UNUSED void parties_open_slots(struct parties *s, const struct media_room *terms,
				      uint32_t slots)
{
	*s = (struct parties){ .r = rig_open_slots(4096, slots) };
	room_open_on(s->r, terms);
	assert_non_null(room_of(s->r));
}

static UNUSED void parties_open(struct parties *s, const struct media_room *terms)
{
	parties_open_slots(s, terms, PARTIES_MAX);
}

static UNUSED void parties_close(struct parties *s)
{
	for (uint32_t i = 0; i < s->count; i++) {
		struct party_in_room *p = &s->list[i];

		encoder_close(p->encoder);
		decoder_close(p->decoder);
		free(p->heard);
		if (p->in)
			(void)srtp_dealloc(p->in);
		if (p->out)
			(void)srtp_dealloc(p->out);
	}
	rig_close(s->r);
}

/* Its flow is not open yet. */
static UNUSED struct party_in_room *party_make(struct parties *s, enum media_codec codec,
					       uint32_t hz)
{
	struct party_in_room *p = &s->list[s->count];
	const struct media_codec_facts *facts = media_codec_facts(codec);
	bool linear = codec == MEDIA_CODEC_L16 || codec == MEDIA_CODEC_L16_WIDE;
	struct encoder_settings e = { .codec = facts->name, .packet_ms = PARTY_MS, .voice = true };
	struct decoder_settings d = { .codec = facts->name };

	if (codec == MEDIA_CODEC_OPUS)
		e.rate = d.rate = 16000;
	if (linear)
		e.rate = d.rate = facts->clock_hz;
	*p = (struct party_in_room){ .spec = member_spec(s->count, codec),
				     .codec = codec,
				     .hz = hz,
				     .at_ms = s->count * 7 % PARTY_MS,
				     .sequence = (uint16_t)(s->count * 1000),
				     .timestamp = s->count * 77777,
				     .clock = facts->clock_hz };
	assert_int_equal(encoder_open(&p->encoder, &e), 0);
	assert_int_equal(decoder_open(&p->decoder, &d), 0);
	p->rate = decoder_format(p->decoder).rate;
	p->heard = calloc(PARTY_HEARD_MS * (p->rate / 1000), sizeof(*p->heard));
	assert_non_null(p->heard);
	s->count++;
	return p;
}

static UNUSED struct party_in_room *party_join(struct parties *s, enum media_codec codec,
					       uint32_t hz)
{
	struct party_in_room *p = party_make(s, codec, hz);

	member_open(s->r, &p->spec);
	assert_int_equal(rig_events(s->r, MEDIA_FLOW_FAILED), 0);
	return p;
}

static UNUSED struct party_in_room *secure_join(struct parties *s, enum media_codec codec,
						uint32_t hz, enum media_suite suite)
{
	struct party_in_room *p = party_make(s, codec, hz);

	p->spec.key_in = key_from(suite, (uint8_t)(1 + s->count));
	p->spec.key_out = key_from(suite, (uint8_t)(101 + s->count));
	p->spec.srtp_limit = p->spec.srtcp_limit = 1 << 16;
	p->out = libsrtp_open(p->spec.key_in, ssrc_any_outbound);
	p->in = libsrtp_open(p->spec.key_out, ssrc_any_inbound);
	member_open(s->r, &p->spec);
	assert_int_equal(rig_events(s->r, MEDIA_FLOW_FAILED), 0);
	return p;
}

static UNUSED void party_update(struct parties *s, struct party_in_room *p)
{
	rig_update(s->r, &p->spec);
	assert_int_equal(rig_events(s->r, MEDIA_FLOW_FAILED), 0);
}

/* ---- what it says ---- */

static UNUSED double syllable(double ms)
{
	double in = fmod(ms, PARTY_SYLLABLE_MS);

	return in < PARTY_VOICE_MS ? sin(M_PI * in / PARTY_VOICE_MS) : 0;
}

/* Parties do not have their syllables at once. */
static UNUSED void party_voice(const struct parties *s, const struct party_in_room *p, int16_t *pcm,
			       uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		double ms = s->now_ms + i * 1000.0 / p->rate;

		pcm[i] = p->silent || !p->hz
				 ? 0
				 : (int16_t)(PARTY_LOUD / (p->quieter ? p->quieter : 1) *
					     (p->steady ? 1 : syllable(ms + p->hz)) *
					     sin(2 * M_PI * p->hz * ms / 1000));
	}
}

static UNUSED void party_send(struct parties *s, struct party_in_room *p)
{
	uint32_t n = p->rate / 1000 * PARTY_MS;
	int16_t pcm[960];
	uint8_t octets[1400], memory[PACKET_MAX];
	struct writer w = writer_over(memory, sizeof(memory) - SRTP_MAX_TRAILER_LEN);
	size_t sealed;
	int length;

	party_voice(s, p, pcm, n);
	length = encoder_frame(p->encoder, pcm, n, octets, sizeof(octets));
	assert_true(length > 0);
	if (s->said) {
		s->said(s, p, &w);
	} else {
		writer_u8(&w, 0x80);
		writer_u8(&w, p->spec.rules[0].in);
		writer_be16(&w, p->sequence);
		writer_be32(&w, p->timestamp);
		writer_be32(&w, 0xabc00 + p->spec.id.slot);
	}
	writer_mem(&w, octets, (size_t)length);
	p->sequence++;
	p->timestamp += p->clock / 1000 * PARTY_MS;
	sealed = writer_done(&w).n;
	if (p->out)
		assert_true(libsrtp_protect(p->out, false, memory, &sealed));
	put_bytes(s->r, (int)p->spec.id.slot, CHANNEL_RTP, &p->spec.remote_rtp,
		  bytes_mem(memory, sealed));
}

/* ---- what it hears ---- */

static UNUSED void party_decode(struct party_in_room *p, uint32_t timestamp)
{
	static int16_t pcm[CODEC_SAMPLES_MAX];
	uint64_t at = (uint64_t)(timestamp - p->first) * p->rate / p->clock;
	int n = decoder_frame(p->decoder, bytes_mem(p->payload, p->payload_n), pcm,
			      CODEC_SAMPLES_MAX);

	assert_true(n > 0);
	if (at + (uint32_t)n > (uint64_t)PARTY_HEARD_MS * (p->rate / 1000))
		return;
	memcpy(p->heard + at, pcm, (size_t)n * sizeof(*pcm));
	p->heard_n = (uint32_t)at + (uint32_t)n;
}

static UNUSED void party_hear(struct parties *s, const struct sim_packet *sent)
{
	struct party_in_room *p = &s->list[sent->slot];
	struct sim_packet plain = *sent, *packet = &plain;
	size_t n = sent->length;
	struct rtp rtp;

	if (packet->channel != CHANNEL_RTP)
		return;
	if (p->in)
		assert_true(libsrtp_unprotect(p->in, false, plain.data, &n));
	plain.length = (uint16_t)n;
	rtp = rtp_read(packet);
	assert_int_equal(rtp.payload_type, p->spec.source.payload_type);
	assert_int_equal(rtp.ssrc, p->spec.ssrc_out);
	if (p->begun) { /* one stream, in step with time */
		assert_int_equal(rtp.sequence, (uint16_t)(p->sequence_before + 1));
		assert_true((int32_t)(rtp.timestamp - p->before) > 0);
	} else {
		p->first = rtp.timestamp;
		p->begun_ms = s->now_ms;
		assert_int_equal(rtp.marker, 1);
	}
	p->begun = true;
	p->before = rtp.timestamp;
	p->sequence_before = rtp.sequence;
	p->last_ms = s->now_ms;
	p->packets++;
	p->markers += rtp.marker;
	memcpy(p->payload, rtp.payload, rtp.payload_n);
	p->payload_n = rtp.payload_n;
	party_decode(p, rtp.timestamp);
}

static UNUSED void parties_step(struct parties *s)
{
	const struct sim_packet *packet;

	do {
		worker_step(&s->r->w);
		while ((packet = port_sim_sent(s->r->sim)) != NULL) {
			if (packet->slot < s->count)
				party_hear(s, packet);
			else if (s->other)
				s->other(s, packet);
		}
	} while (turn_is_queued(&s->r->w));
}

/* In steps of 1 ms. */
static UNUSED void parties_run(struct parties *s, uint32_t ms)
{
	for (; ms > 0; ms--) {
		s->now_ms++;
		advance_ms(s->r, 1);
		for (uint32_t i = 0; i < s->count; i++) {
			struct party_in_room *p = &s->list[i];

			if ((p->hz || p->silent) && s->now_ms % PARTY_MS == p->at_ms)
				party_send(s, p);
		}
		parties_step(s);
	}
}

/* Goertzel: the amplitude of a frequency in what it heard in that time. */
static UNUSED double party_heard(const struct party_in_room *p, uint32_t hz, uint32_t from_ms,
				 uint32_t to_ms)
{
	uint32_t per_ms = p->rate / 1000;
	double w = 2 * cos(2 * M_PI * hz / p->rate), a = 0, b = 0, sum;
	uint32_t n = 0;

	if (!p->begun || to_ms <= p->begun_ms)
		return 0;
	from_ms = from_ms > p->begun_ms ? from_ms : p->begun_ms;
	for (uint32_t i = (from_ms - p->begun_ms) * per_ms; i < (to_ms - p->begun_ms) * per_ms;
	     i++) {
		double now = (i < p->heard_n ? p->heard[i] : 0) + w * a - b;

		b = a;
		a = now;
		n++;
	}
	sum = a * a + b * b - w * a * b;
	return n ? 2 * sqrt(sum > 0 ? sum : 0) / n : 0;
}

/* A syllable's mean is about 0.42 of its peak, and a voice comes as loud as it was said. */
static UNUSED bool party_hears(const struct parties *s, const struct party_in_room *p, uint32_t hz,
			       uint32_t last_ms)
{
	double loud = party_heard(p, hz, s->now_ms - last_ms, s->now_ms);

	if (loud > 1000 && loud < 4000)
		return true;
	if (loud > 150)
		print_error("%u Hz is heard at %.0f\n", hz, loud);
	assert_true(loud < 150);
	return false;
}

/* All who talk, but itself. */
static UNUSED void hears_all_others(const struct parties *s, uint32_t last_ms)
{
	for (uint32_t i = 0; i < s->count; i++) {
		const struct party_in_room *p = &s->list[i];

		for (uint32_t k = 0; k < s->count; k++)
			if (s->list[k].hz)
				assert_int_equal(party_hears(s, p, s->list[k].hz, last_ms), k != i);
	}
}

/* Who only listens says silence: who was never heard is sent but a trickle. */
static UNUSED struct party_in_room *listener_join(struct parties *s, enum media_codec codec)
{
	struct party_in_room *p = party_join(s, codec, 0);

	p->silent = true;
	return p;
}

#endif
