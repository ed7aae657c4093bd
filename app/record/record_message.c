/* SPDX-License-Identifier: Apache-2.0 */
#include "app/record/record_message.h"

#include "app/record/wav_window.h"
#include "dsp/codec/codec.h"
#include "dsp/codec/g711.h"

static void samples_read(enum wav_sound sound, const uint8_t *in, int16_t *pcm, uint32_t n)
{
	switch (sound) {
	case WAV_SOUND_ULAW:
		g711_ulaw_decode(pcm, in, n);
		return;
	case WAV_SOUND_ALAW:
		g711_alaw_decode(pcm, in, n);
		return;
	case WAV_SOUND_PCM:
		break;
	}
	for (uint32_t i = 0; i < n; i++)
		pcm[i] = (int16_t)(in[i * 2] | (uint16_t)in[i * 2 + 1] << 8);
}

bool record_message_hear(struct record_message *m, enum wav_sound sound, uint32_t rate, int64_t at,
			 const uint8_t *samples, uint32_t n)
{
	static _Thread_local int16_t pcm[CODEC_SAMPLES_MAX];
	uint32_t block = rate / 1000 * VOICE_BLOCK_MS, whole = n / block * block;
	bool first = !m->begun;
	struct voice_heard heard;

	if (!whole || whole > CODEC_SAMPLES_MAX)
		return false;
	samples_read(sound, samples, pcm, whole);
	heard = voice_frame(&m->voice, rate, pcm, whole);
	if (!heard.speaks && heard.level > MESSAGE_LOUD)
		return false;
	m->begun = true;
	if (first)
		m->from = at;
	if (at + n > m->until)
		m->until = at + n;
	return first;
}

int64_t record_message_end(const struct record_message *m, uint32_t rate, int64_t now)
{
	int64_t around = (int64_t)rate * MESSAGE_AROUND_MS / 1000;
	int64_t end = m->until + around, held = now - (int64_t)rate * WAV_HELD_S;

	/* it stays within the window, though nobody ends it: then that silence is in the file */
	if (end < held)
		end = held;
	return end < now ? end : now;
}
