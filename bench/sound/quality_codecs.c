/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <opus/opus.h>

#include <spandsp/telephony.h>

#include <spandsp/g722.h>
#include <spandsp/plc.h>

#include <spandsp/private/g722.h>

#include "bench/sound/quality.h"
#include "dsp/codec/g711.h"

enum {
	PACKET_MAX = 400,
	OPUS_BIT_RATE = 20000,
	OPUS_BIT_RATE_NARROW = 12000,
	OPUS_COMPLEXITY = 5,
	OPUS_LOSS_PERCENT = 15,
};

struct packet {
	int len;
	uint8_t octets[PACKET_MAX];
};

/* Who conceals. */
struct listener {
	struct plc plc;
	plc_state_t spandsp;
};

static struct packet g_packets[QUALITY_FRAMES_MAX];

static int checked(int n)
{
	if (n < 0) {
		fprintf(stderr, "quality: libopus says %s\n", opus_strerror(n));
		exit(1);
	}
	return n;
}

static void listener_open(struct listener *l, uint32_t rate)
{
	plc_open(&l->plc, rate);
	plc_init(&l->spandsp);
}

static void listener_heard(struct listener *l, const struct quality *q, int16_t *x)
{
	if (q->method >= QUALITY_PLC)
		plc_on_samples(&l->plc, x, q->frame);
	if (q->method == QUALITY_LIBRARY)
		plc_rx(&l->spandsp, x, (int)q->frame);
}

static void listener_lost(struct listener *l, const struct quality *q, int16_t *x)
{
	size_t size = q->frame * sizeof(*x);

	if (q->method >= QUALITY_PLC)
		plc_lost(&l->plc, x, q->frame);
	else if (q->method == QUALITY_LIBRARY)
		plc_fillin(&l->spandsp, x, (int)q->frame);
	else if (q->method == QUALITY_REPEAT && x != q->out)
		memcpy(x, x - q->frame, size);
	else
		memset(x, 0, size);
}

void quality_pcmu(const struct quality *q)
{
	uint8_t octets[QUALITY_FRAME_MAX];
	struct listener l;

	listener_open(&l, G711_RATE);
	for (uint32_t f = 0; f < q->frames; f++) {
		int16_t *x = q->out + f * q->frame;

		if (q->lost[f] == '1') {
			listener_lost(&l, q, x);
			continue;
		}
		g711_ulaw_encode(octets, q->in + f * q->frame, q->frame);
		for (uint32_t i = 0; i < q->frame; i++)
			x[i] = g711_ulaw_sample(octets[i]);
		listener_heard(&l, q, x);
	}
}

static void g722_lost(struct listener *l, const struct quality *q, g722_decode_state_t *decoder,
		      int16_t *x)
{
	if (q->method == QUALITY_PLC_LED) {
		quality_led_lost(&l->plc, decoder, x, q->frame);
		return;
	}
	listener_lost(l, q, x);
	if (q->method == QUALITY_PLC_RESET)
		g722_decode_init(decoder, 64000, 0);
}

void quality_g722(const struct quality *q)
{
	g722_encode_state_t encoder;
	g722_decode_state_t decoder;
	struct listener l;

	listener_open(&l, PLC_RATE_MAX);
	g722_encode_init(&encoder, 64000, 0);
	g722_decode_init(&decoder, 64000, 0);
	for (uint32_t f = 0; f < q->frames; f++) {
		struct packet *p = &g_packets[f];
		int16_t *x = q->out + f * q->frame;

		p->len = g722_encode(&encoder, p->octets, q->in + f * q->frame, (int)q->frame);
		if (q->lost[f] == '1') {
			g722_lost(&l, q, &decoder, x);
			continue;
		}
		g722_decode(&decoder, x, p->octets, p->len);
		listener_heard(&l, q, x);
	}
}

static OpusEncoder *opus_open(int rate, int bit_rate)
{
	int error;
	OpusEncoder *encoder = opus_encoder_create(rate, 1, OPUS_APPLICATION_VOIP, &error);

	checked(error);
	checked(opus_encoder_ctl(encoder, OPUS_SET_BITRATE(bit_rate)));
	checked(opus_encoder_ctl(encoder, OPUS_SET_COMPLEXITY(OPUS_COMPLEXITY)));
	checked(opus_encoder_ctl(encoder, OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE)));
	return encoder;
}

static void opus_packets(const struct quality *q)
{
	OpusEncoder *encoder = opus_open(PLC_RATE_MAX, OPUS_BIT_RATE);

	checked(opus_encoder_ctl(encoder, OPUS_SET_INBAND_FEC(1)));
	checked(opus_encoder_ctl(encoder, OPUS_SET_PACKET_LOSS_PERC(OPUS_LOSS_PERCENT)));
	for (uint32_t f = 0; f < q->frames; f++) {
		struct packet *p = &g_packets[f];

		p->len = checked(opus_encode(encoder, q->in + f * q->frame, (int)q->frame,
					     p->octets, PACKET_MAX));
	}
	opus_encoder_destroy(encoder);
}

static void opus_lost(struct listener *l, const struct quality *q, OpusDecoder *decoder, uint32_t f)
{
	bool is_next = q->method == QUALITY_FEC && f + 1 < q->frames && q->lost[f + 1] != '1';
	const struct packet *next = &g_packets[f + 1];
	int16_t *x = q->out + f * q->frame;

	if (is_next)
		checked(opus_decode(decoder, next->octets, next->len, x, (int)q->frame, 1));
	else if (q->method == QUALITY_FEC || q->method == QUALITY_LIBRARY)
		checked(opus_decode(decoder, NULL, 0, x, (int)q->frame, 0));
	else
		listener_lost(l, q, x);
}

void quality_opus(const struct quality *q)
{
	int error;
	OpusDecoder *decoder = opus_decoder_create(PLC_RATE_MAX, 1, &error);
	struct listener l;

	checked(error);
	listener_open(&l, PLC_RATE_MAX);
	opus_packets(q);
	for (uint32_t f = 0; f < q->frames; f++) {
		const struct packet *p = &g_packets[f];
		int16_t *x = q->out + f * q->frame;

		if (q->lost[f] == '1') {
			opus_lost(&l, q, decoder, f);
			continue;
		}
		checked(opus_decode(decoder, p->octets, p->len, x, (int)q->frame, 0));
		if (q->method != QUALITY_LIBRARY)
			listener_heard(&l, q, x);
	}
	opus_decoder_destroy(decoder);
}

/* ---- transcoded ---- */

/* Nothing of it leaves: the stream has a gap, which its listener fills, or plays as silence since no number is missing. */
static void coded_gap(const struct quality *q, OpusDecoder *decoder, int16_t *x)
{
	if (q->method == QUALITY_LIBRARY)
		checked(opus_decode(decoder, NULL, 0, x, (int)q->frame, 0));
	else
		memset(x, 0, q->frame * sizeof(*x));
}

void quality_coded(const struct quality *q)
{
	OpusEncoder *encoder = opus_open(G711_RATE, OPUS_BIT_RATE_NARROW);
	int error;
	OpusDecoder *decoder = opus_decoder_create(G711_RATE, 1, &error);
	struct plc plc;

	checked(error);
	plc_open(&plc, G711_RATE);
	for (uint32_t f = 0; f < q->frames; f++) {
		int16_t heard[QUALITY_FRAME_MAX], *x = q->out + f * q->frame;
		uint8_t octets[QUALITY_FRAME_MAX], packet[PACKET_MAX];
		bool lost = q->lost[f] == '1';
		int len;

		if (lost && q->method != QUALITY_PLC) {
			coded_gap(q, decoder, x);
			continue;
		}
		g711_ulaw_encode(octets, q->in + f * q->frame, q->frame);
		for (uint32_t i = 0; i < q->frame; i++)
			heard[i] = g711_ulaw_sample(octets[i]);
		if (lost)
			plc_lost(&plc, heard, q->frame);
		else if (q->method == QUALITY_PLC)
			plc_on_samples(&plc, heard, q->frame);
		len = checked(opus_encode(encoder, heard, (int)q->frame, packet, PACKET_MAX));
		checked(opus_decode(decoder, packet, len, x, (int)q->frame, 0));
	}
	opus_encoder_destroy(encoder);
	opus_decoder_destroy(decoder);
}
