/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Payloads of one side as samples of a WAV file. Payloads in the file's own law are copied: mu-law
 * 0x7f would not survive decoding and encoding. All others are decoded, resampled to the file's
 * rate, and encoded if the file has a law. The recorder's thread.
 */
#ifndef APP_RECORD_RECORD_VOICE_H
#define APP_RECORD_RECORD_VOICE_H

#include "app/record/record_facts.h"
#include "app/record/timeline.h"
#include "dsp/codec/codec.h"
#include "dsp/resample.h"
#include "dsp/voice.h"
#include "media/codec.h"

struct decoder;

struct record_voice {
	enum media_codec codec; /* of the decoder */
	struct decoder *decoder;
	struct half_band up;
	bool dead; /* the decoder cannot be had */
};

enum { RECORD_VOICE_OCTETS = 2 * CODEC_SAMPLES_MAX };

/* Format of a file by the codec of its first sound. */
void record_voice_kind(enum media_codec codec, enum wav_sound *sound, uint32_t *rate);
/* The samples; out: room for RECORD_VOICE_OCTETS. 0: it cannot be decoded. */
uint32_t record_voice_read(struct record_voice *v, enum wav_sound sound, uint32_t rate,
			   enum media_codec codec, struct bytes payload, uint8_t *out);
void record_voice_close(struct record_voice *v);

/* The last seconds of a file in memory, where late packets still find their place. Frames (a sample
 * of each side) are at their number modulo the room; missing samples are silence. One thread;
 * memory is allocated at open alone. */

enum {
	WAV_WINDOW_S = TIMELINE_BEHIND_S + TIMELINE_AHEAD_S + 1,
	WAV_HELD_S = 10, /* of a message: silence that may be behind its end */
};

struct wav_window {
	uint8_t *frames; /* owned */
	uint32_t octets; /* of a sample */
	uint32_t frame;  /* octets of one */
	int64_t room;    /* frames */
	int64_t low;     /* the oldest one */
	/* Behind the newest one that was put or read: later ones are not written yet. */
	int64_t high;
	uint8_t silence;
};

/* mono: its only side is 0, and it has room for held silence. 0 or -ENOMEM. */
int wav_window_open(struct wav_window *w, enum wav_sound sound, uint32_t rate, bool mono) NODISCARD;
void wav_window_close(struct wav_window *w);
/* n samples of one side, from position `at` on, all within the window. */
void wav_window_put(struct wav_window *w, unsigned side, int64_t at, const uint8_t *samples,
		    uint32_t n);
/* Drops frames before `low`; as many new ones are silent. */
void wav_window_advance(struct wav_window *w, int64_t low);
/* The frames of [from, to) up to the wrap: call it again for the rest. */
struct bytes wav_window_read(struct wav_window *w, int64_t from, int64_t to);

/*
 * A message: a party's own sound, as voicemail or a greeting. Its file is mono, without silence at
 * its ends: samples before the first sound and behind the last one wait in memory, and are written
 * when another sound follows. So the file of a process that dies ends with the party's last sound.
 * Positions are samples of the file's clock. The recorder's thread.
 */

enum {
	MESSAGE_AROUND_MS = 200, /* of silence that is kept at each end */
	/* -dBov: so loud it is a sound, even if it is constant like a tone. */
	MESSAGE_LOUD = 35,
};

struct record_message {
	struct voice voice;
	bool begun;     /* something was heard */
	int64_t from;   /* where the file begins */
	int64_t until;  /* behind the last sound */
	bool was_quiet; /* it was reported */
	uint64_t told_ms, told_ns;
};

/* n samples of the party at that position. True: they have the first sound. */
bool record_message_on_samples(struct record_message *m, enum wav_sound sound, uint32_t rate,
			       int64_t at, const uint8_t *samples, uint32_t n);
/* How far it is to be written by then. */
int64_t record_message_end(const struct record_message *m, uint32_t rate, int64_t now);

#endif
