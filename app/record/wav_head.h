/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first octets of a WAV file: left what the party said, right what it heard; or that alone what it said. While it grows its sizes are 2^32-1, as programs
 * write them that cannot seek: readers go to the end of the file, wherever that is. G.711 keeps the wire's octets (tags 6 and 7); all else is
 * PCM of 16 bits. When it began stands in it as well (INFO, ICRD), for whoever finds it without a sidecar. Pure.
 *
 *   RIFF size WAVE | fmt  18 | fact 4 | LIST 38 INFO ICRD 25+1 | data size | samples
 */
#ifndef APP_RECORD_WAV_HEAD_H
#define APP_RECORD_WAV_HEAD_H

#include "base/bytes.h"

enum wav_sound { WAV_SOUND_ULAW, WAV_SOUND_ALAW, WAV_SOUND_PCM };

enum {
	WAV_HEAD_LEN = 104,
	WAV_SIDES = 2,
	WAV_TIME_LEN = 24, /* 2026-11-25T00:00:00.000Z */
};

struct wav_head {
	enum wav_sound sound;
	bool mono; /* what the party said, alone */
	uint32_t rate;
	uint64_t data_octets; /* behind the head; UINT64_MAX: it grows */
	char begun[WAV_TIME_LEN + 1];
};

/* Octets of one sample of one side; what silence is, in each of them. */
uint32_t wav_sound_octets(enum wav_sound sound);
uint8_t wav_sound_silence(enum wav_sound sound);
/* Octets of a sample of each side. */
uint32_t wav_frame_octets(const struct wav_head *h);

void wav_head_write(uint8_t out[WAV_HEAD_LEN], const struct wav_head *h);
/* Of a file that wav_head_write made; data_octets as it says them. 0 or -EBADMSG: not one of ours. */
int wav_head_parse(struct wav_head *out, struct bytes in) NODISCARD;
/* RFC 3339 in UTC, with milliseconds. */
void wav_time_put(char out[WAV_TIME_LEN + 1], uint64_t utc_ms);

#endif
