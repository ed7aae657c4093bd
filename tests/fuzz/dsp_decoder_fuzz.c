/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A decoder under any packets. Oracle: a second one that is not given what the first one refused makes the same samples, as many as fit
 * into 120 ms; nothing is written behind them or the room; and in the end both decode what is good as a new one does, once they are reset.
 * Input: which decoder, then of each packet an octet that says what to do with it and where room ends, its length, itself.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "dsp/codec/decoder.h"

enum { GUARD = 32, MARK = 0x1111, PACKETS_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct decoder_settings g_which[] = {
	{ "opus", 48000 }, { "opus", 16000 }, { "opus", 8000 }, { "opus", 24000 },
	{ "opus", 12000 }, { "PCMU", 0 },     { "PCMA", 0 },    { "G722", 0 },
	{ "G722", 8000 },  { "G726-32", 0 },  { "L16", 16000 }, { "L16", 48000 },
};

/* A packet that each of them knows; Opus: 20 ms of SILK. */
static const uint8_t g_good[] = { 0x08, 0x42, 0x17, 0x99, 0x31, 0x05, 0xa0, 0x7c };

struct pair {
	struct decoder *d, *twin;
	uint32_t longest; /* samples of 120 ms */
	int16_t pcm[CODEC_SAMPLES_MAX + GUARD], same[CODEC_SAMPLES_MAX + GUARD];
};

static void guard_set(struct pair *p)
{
	memset(p->pcm, MARK & 0xff, sizeof(p->pcm));
}

static void guard_check(const int16_t *pcm, uint32_t cap)
{
	for (uint32_t i = 0; i < GUARD; i++)
		assert(pcm[cap + i] == MARK);
}

static void check_equal(const struct pair *p, int n, int same)
{
	assert(n == same);
	assert(n > 0 && (uint32_t)n <= p->longest);
	assert(!memcmp(p->pcm, p->same, (size_t)n * sizeof(p->pcm[0])));
}

static void try_frame(struct pair *p, struct bytes payload, uint32_t cap)
{
	int n;

	guard_set(p);
	n = decoder_frame(p->d, payload, p->pcm, cap);
	assert(n <= (int)cap);
	guard_check(p->pcm, n > 0 ? (uint32_t)n : cap);
	if (n == -ENOSPC) {
		assert(cap < p->longest);
		n = decoder_frame(p->d, payload, p->pcm, CODEC_SAMPLES_MAX);
		assert(n > (int)cap || n == -EBADMSG); /* it looks deeper where there is room */
	}
	if (n != -EBADMSG)
		check_equal(p, n, decoder_frame(p->twin, payload, p->same, CODEC_SAMPLES_MAX));
	(void)decoder_pauses(p->d, payload);
}

/* So many samples that were lost, and what says something of them. */
static void try_lost(struct pair *p, struct bytes next, uint32_t samples, bool recovers)
{
	int n;

	guard_set(p);
	n = recovers ? decoder_recover(p->d, next, p->pcm, samples)
		     : decoder_conceal(p->d, p->pcm, samples);
	guard_check(p->pcm, samples);
	if (n < 0) {
		assert(n == -EINVAL || n == -ENOTSUP || (n == -EBADMSG && recovers));
		return;
	}
	assert(n == (int)samples);
	check_equal(p, n,
		    recovers ? decoder_recover(p->twin, next, p->same, samples)
			     : decoder_conceal(p->twin, p->same, samples));
}

/* What is left of the input behind a packet. */
static struct bytes try_one(struct pair *p, struct bytes in)
{
	uint8_t head = in.p[0];
	size_t n = in.p[1] * (head & 0x80 ? 8u : 1u);
	uint32_t samples = p->longest / 48 * (head & 0x1f);
	struct bytes payload = bytes_sub(in, 2, n);

	switch (head >> 5 & 3) {
	case 0:
		try_frame(p, payload, samples);
		break;
	case 1:
		try_lost(p, payload, samples, true);
		break;
	case 2:
		try_lost(p, payload, samples, false);
		break;
	default:
		try_frame(p, payload, CODEC_SAMPLES_MAX);
		break;
	}
	return bytes_from(in, 2 + n);
}

/* As it is, and as new. */
static void check_usable(struct pair *p, const struct decoder_settings *s)
{
	struct bytes good = bytes_mem(g_good, sizeof(g_good));
	struct decoder *fresh = NULL;

	try_frame(p, good, CODEC_SAMPLES_MAX);
	decoder_close(p->twin);
	p->twin = NULL;
	assert(decoder_open(&fresh, s) == 0);
	p->twin = fresh;
	assert(decoder_reset(p->d) == 0);
	assert(decoder_frame(p->d, good, p->pcm, CODEC_SAMPLES_MAX) > 0);
	assert(decoder_reset(p->d) == 0);
	try_frame(p, good, CODEC_SAMPLES_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct pair p;
	const struct decoder_settings *s = size ? &g_which[data[0] % COUNT_OF(g_which)] : NULL;
	struct bytes in = bytes_from(bytes_mem(data, size), 1);

	if (!s || decoder_open(&p.d, s) || decoder_open(&p.twin, s))
		return 0;
	p.longest = decoder_format(p.d).rate / 1000 * CODEC_PACKET_MS_MAX;
	for (int i = 0; in.n >= 2 && i < PACKETS_MAX; i++)
		in = try_one(&p, in);
	check_usable(&p, s);
	decoder_close(p.d);
	decoder_close(p.twin);
	return 0;
}
