/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Oracle: what was read, written as a plain file of 16 bits and read again, is the same; also behind chunks that mean
 * nothing. The samples lie within the file, and are as many as fit. The head alone says the same of it, also where nothing is behind it; and
 * what it says of any file it says of its head.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/file/wav.h"

enum { SAMPLES_MAX = 4096, PLAIN_MAX = 2 * SAMPLES_MAX + 128 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_le(struct writer *w, uint32_t v, int octets)
{
	for (int i = 0; i < octets; i++)
		writer_u8(w, (uint8_t)(v >> (8 * i)));
}

static void put_chunk(struct writer *w, const char *name, uint32_t size)
{
	writer_str(w, name);
	put_le(w, size, 4);
}

static struct bytes plain_write(uint8_t *out, uint32_t rate, const int16_t *pcm, uint32_t n)
{
	struct writer w = writer_over(out, PLAIN_MAX);

	put_chunk(&w, "RIFF", 4 + 12 + 24 + 8 + 2 * n);
	writer_str(&w, "WAVE");
	put_chunk(&w, "LIST", 3); /* and an octet of padding */
	put_le(&w, 0, 4);
	put_chunk(&w, "fmt ", 16);
	put_le(&w, 1 | 1 << 16, 4);
	put_le(&w, rate, 4);
	put_le(&w, 2 * rate, 4);
	put_le(&w, 2 | 16 << 16, 4);
	put_chunk(&w, "data", 2 * n);
	for (uint32_t i = 0; i < n; i++)
		put_le(&w, (uint16_t)pcm[i], 2);
	assert(!w.overflow);
	return writer_done(&w);
}

static void check_bounds(const struct wav *w, struct bytes in)
{
	assert(w->data.p >= in.p && w->data.p + w->data.n <= in.p + in.n);
	assert(w->samples > 0 && w->samples * w->channels * w->bits == 8 * w->data.n);
	assert(w->channels >= 1 && w->channels <= WAV_CHANNELS_MAX);
	assert(w->rate >= WAV_RATE_MIN && w->rate <= WAV_RATE_MAX);
}

static void check_again(const struct wav *w, const int16_t *pcm, uint32_t n)
{
	static int16_t again[SAMPLES_MAX];
	static uint8_t file[PLAIN_MAX];
	struct wav plain;
	struct wav_error error;
	int err = wav_parse(&plain, plain_write(file, w->rate, pcm, n), &error);

	assert(!err);
	assert(plain.format == WAV_PCM && plain.channels == 1 && plain.bits == 16);
	assert(plain.rate == w->rate && plain.samples == n);
	wav_read(&plain, 0, again, n);
	assert(!memcmp(again, pcm, n * sizeof(*pcm)));
}

static bool heads_agree(const struct wav *one, const struct wav *other)
{
	return one->format == other->format && one->channels == other->channels &&
	       one->bits == other->bits && one->rate == other->rate;
}

/* Of octets with nothing behind them, so that a read behind their end is seen. */
static int head_parse(struct wav *out, const uint8_t *data, size_t n)
{
	uint8_t *octets = malloc(n + 1); /* not NULL for none */
	struct wav_error error = { .at = SIZE_MAX };
	int err;

	assert(octets);
	memcpy(octets + 1, data, n);
	err = wav_parse_head(out, bytes_mem(octets + 1, n), &error);
	if (err)
		assert(error.reason && error.at <= n);
	else /* as if it were in the file */
		out->data.p = data + (out->data.p - (octets + 1));
	free(octets);
	return err;
}

/* whole: NULL: as a whole it is none. */
static void check_head(const struct wav *whole, struct bytes in)
{
	struct wav head = { 0 }, again = { 0 };
	size_t at;

	if (head_parse(&head, in.p, in.n)) {
		assert(!whole);
		return;
	}
	at = (size_t)(head.data.p - in.p);
	assert(at <= in.n && head.samples > 0);
	assert(head.samples * head.channels * head.bits == 8 * head.data.n);
	assert(!whole || (heads_agree(&head, whole) && head.data.p == whole->data.p &&
			  head.samples >= whole->samples));
	assert(!head_parse(&again, in.p, at));
	assert(heads_agree(&again, &head) && again.samples == head.samples &&
	       again.data.p == head.data.p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int16_t pcm[SAMPLES_MAX];
	struct wav w = { 0 }, none = { 0 };
	struct wav_error error = { .at = SIZE_MAX };

	if (wav_parse(&w, bytes_mem(data, size), &error)) {
		assert(error.reason && error.at <= size);
		assert(!memcmp(&w, &none, sizeof(w)));
		check_head(NULL, bytes_mem(data, size));
		return 0;
	}
	check_bounds(&w, bytes_mem(data, size));
	check_head(&w, bytes_mem(data, size));

	uint32_t n = w.samples < SAMPLES_MAX ? (uint32_t)w.samples : SAMPLES_MAX;

	wav_read(&w, w.samples - n, pcm, n); /* up to the very end */
	check_again(&w, pcm, n);
	return 0;
}
