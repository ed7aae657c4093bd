/* SPDX-License-Identifier: Apache-2.0 */
#include "app/record/wav_head.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"

enum {
	TAG_OF_PCM = 1,
	TAG_OF_ALAW = 6,
	TAG_OF_ULAW = 7,
	FMT_LEN = 18,
	FACT_LEN = 4,
	WAV_DATE_LEN = WAV_TIME_LEN + 2, /* with a NUL, and even */
	LIST_LEN = 4 + 8 + WAV_DATE_LEN,
};

static_assert(WAV_HEAD_LEN == 12 + 8 + FMT_LEN + 8 + FACT_LEN + 8 + LIST_LEN + 8, "all chunks");

uint32_t wav_sound_octets(enum wav_sound sound)
{
	return sound == WAV_SOUND_PCM ? 2 : 1;
}

uint8_t wav_sound_silence(enum wav_sound sound)
{
	switch (sound) {
	case WAV_SOUND_ULAW:
		return 0xff;
	case WAV_SOUND_ALAW:
		return 0xd5;
	case WAV_SOUND_PCM:
		break;
	}
	return 0;
}

static uint32_t wav_sides(const struct wav_head *h)
{
	return h->mono ? 1 : WAV_SIDES;
}

uint32_t wav_frame_octets(const struct wav_head *h)
{
	return wav_sides(h) * wav_sound_octets(h->sound);
}

static uint16_t wav_sound_tag(enum wav_sound sound)
{
	switch (sound) {
	case WAV_SOUND_ULAW:
		return TAG_OF_ULAW;
	case WAV_SOUND_ALAW:
		return TAG_OF_ALAW;
	case WAV_SOUND_PCM:
		break;
	}
	return TAG_OF_PCM;
}

static void put_le(struct writer *w, uint32_t v, uint32_t octets)
{
	for (uint32_t i = 0; i < octets; i++)
		writer_u8(w, (uint8_t)(v >> (8 * i)));
}

/* Four letters and how long it is; what does not fit into 32 bits is not known. */
static void put_chunk(struct writer *w, const char *name, uint64_t octets)
{
	writer_mem(w, name, 4);
	put_le(w, octets < UINT32_MAX ? (uint32_t)octets : UINT32_MAX, 4);
}

static void put_format(struct writer *w, const struct wav_head *h)
{
	uint32_t frame = wav_frame_octets(h);

	put_chunk(w, "fmt ", FMT_LEN);
	put_le(w, wav_sound_tag(h->sound), 2);
	put_le(w, wav_sides(h), 2);
	put_le(w, h->rate, 4);
	put_le(w, h->rate * frame, 4);
	put_le(w, frame, 2);
	put_le(w, wav_sound_octets(h->sound) * 8, 2);
	put_le(w, 0, 2);
}

void wav_head_write(uint8_t out[WAV_HEAD_LEN], const struct wav_head *h)
{
	struct writer w = writer_over(out, WAV_HEAD_LEN);
	bool grows = h->data_octets == UINT64_MAX;
	uint64_t samples = h->data_octets / wav_frame_octets(h);

	put_chunk(&w, "RIFF", grows ? UINT64_MAX : h->data_octets + WAV_HEAD_LEN - 8);
	writer_mem(&w, "WAVE", 4);
	put_format(&w, h);
	put_chunk(&w, "fact", FACT_LEN);
	put_le(&w, samples < UINT32_MAX ? (uint32_t)samples : UINT32_MAX, 4);
	put_chunk(&w, "LIST", LIST_LEN);
	writer_mem(&w, "INFO", 4);
	put_chunk(&w, "ICRD", WAV_DATE_LEN);
	writer_mem(&w, h->begun, WAV_TIME_LEN);
	put_le(&w, 0, 2);
	put_chunk(&w, "data", h->data_octets);
	assert(!w.overflow && w.n == WAV_HEAD_LEN);
}

void wav_time_put(char out[WAV_TIME_LEN + 1], uint64_t utc_ms)
{
	time_t seconds = (time_t)(utc_ms / 1000);
	char day[WAV_TIME_LEN] = "1970-01-01T00:00:00";
	struct tm tm;

	if (gmtime_r(&seconds, &tm) && tm.tm_year >= 0 && tm.tm_year < 8000)
		(void)strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(out, WAV_TIME_LEN + 1, "%.19s.%03uZ", day, (unsigned)(utc_ms % 1000));
}
