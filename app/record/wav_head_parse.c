/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the head of a WAV recording that this program wrote. Joining segments, Opus coding and
 * finishing of abandoned files start with it. The file may be damaged or foreign: every octet but
 * sizes, format and date must be as wav_head_write makes it, else it is refused and left alone.
 * Pure, so that it can be fuzzed.
 */

#include <errno.h>

#include "app/record/record_facts.h"

enum {
	AT_TAG = 20,
	AT_SIDES = 22,
	AT_RATE = 24,
	AT_DATE = 70,
	AT_DATA = WAV_HEAD_LEN - 4,
};

static uint32_t head_le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static bool wav_sound_of(uint32_t tag, enum wav_sound *out)
{
	*out = tag == 7 ? WAV_SOUND_ULAW : tag == 6 ? WAV_SOUND_ALAW : WAV_SOUND_PCM;
	return tag == 7 || tag == 6 || tag == 1;
}

static bool is_date(const uint8_t *p)
{
	static const char shape[] = "0000-00-00T00:00:00.000Z";

	for (size_t i = 0; i < WAV_TIME_LEN; i++) {
		if (shape[i] == '0' ? p[i] < '0' || p[i] > '9' : p[i] != (uint8_t)shape[i])
			return false;
	}
	return true;
}

int wav_head_parse(struct wav_head *out, struct bytes in)
{
	struct wav_head h = { 0 };
	uint8_t again[WAV_HEAD_LEN];
	uint32_t data;

	if (in.n < WAV_HEAD_LEN || !is_date(in.p + AT_DATE) ||
	    !wav_sound_of(in.p[AT_TAG] | (uint32_t)in.p[AT_TAG + 1] << 8, &h.sound))
		return -EBADMSG;
	h.mono = in.p[AT_SIDES] == 1;
	h.rate = head_le32(in.p + AT_RATE);
	data = head_le32(in.p + AT_DATA);
	h.data_octets = data == UINT32_MAX ? UINT64_MAX : data;
	memcpy(h.begun, in.p + AT_DATE, WAV_TIME_LEN);
	/* all else of it must be as it is written */
	wav_head_write(again, &h);
	if (memcmp(again, in.p, WAV_HEAD_LEN) != 0)
		return -EBADMSG;
	*out = h;
	return 0;
}
