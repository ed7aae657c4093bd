/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message: what a party says to nobody else, as a voicemail or a greeting. Its file is mono, and has no silence at its two ends: what comes
 * before the first sound and behind the last one waits in memory, and is written when another sound follows it. So a process that dies
 * leaves a file that ends where the party was last heard. Positions are samples of the file's clock. The recorder's thread.
 */
#ifndef APP_RECORD_RECORD_MESSAGE_H
#define APP_RECORD_RECORD_MESSAGE_H

#include "app/record/wav_head.h"
#include "dsp/voice.h"

enum {
	MESSAGE_AROUND_MS = 200, /* of silence that is kept at each end */
	MESSAGE_LOUD =
		35, /* -dBov: that loud it is a sound, though it were as constant as a tone */
};

struct record_message {
	struct voice voice;
	bool begun;     /* something was heard */
	int64_t from;   /* where the file begins */
	int64_t until;  /* behind the last sound */
	bool was_quiet; /* it was told */
	uint64_t told_ms, told_ns;
};

/* n samples of the party are at that position. True: the first sound is in there. */
bool record_message_hear(struct record_message *m, enum wav_sound sound, uint32_t rate, int64_t at,
			 const uint8_t *samples, uint32_t n);
/* So far it is to be written by then. */
int64_t record_message_end(const struct record_message *m, uint32_t rate, int64_t now);

#endif
