/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payloads of one side as samples of a WAV file. What has the file's own law stays as the wire had it: mu-law 0x7f would not survive being
 * decoded and encoded. All else is decoded, brought to the file's rate, and encoded where the file has a law. The recorder's thread.
 */
#ifndef APP_RECORD_RECORD_VOICE_H
#define APP_RECORD_RECORD_VOICE_H

#include "app/record/wav_head.h"
#include "dsp/codec/codec.h"
#include "dsp/half_band.h"
#include "media/codec.h"

struct decoder;

struct record_voice {
	enum media_codec codec; /* of the decoder */
	struct decoder *decoder;
	struct half_band up;
	bool dead; /* the decoder cannot be had */
};

enum { RECORD_VOICE_OCTETS = 2 * CODEC_SAMPLES_MAX };

/* What a file is whose first sound has this codec. */
void record_voice_kind(enum media_codec codec, enum wav_sound *sound, uint32_t *rate);
/* The samples; out: room for RECORD_VOICE_OCTETS. 0: it cannot be decoded. */
uint32_t record_voice_read(struct record_voice *v, enum wav_sound sound, uint32_t rate,
			   enum media_codec codec, struct bytes payload, uint8_t *out);
void record_voice_close(struct record_voice *v);

#endif
