/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A finished WAV recording as Opus in Ogg (RFC 7845): stereo, the party's own sound left, what it
 * hears right, as in the WAV file. Takes long: for a thread with nothing else to do.
 */
#ifndef APP_RECORD_RECORD_OPUS_H
#define APP_RECORD_RECORD_OPUS_H

#include "base/bytes.h"

enum { RECORD_OPUS_TAGS_MAX = 16, RECORD_OPUS_TAG_MAX = 256 };

/* "NAME=text" (RFC 7845 5.2). */
struct record_opus_tags {
	uint32_t count;
	char of[RECORD_OPUS_TAGS_MAX][RECORD_OPUS_TAG_MAX];
};

/* stream: serial number in Ogg. 0, -EBADMSG: no WAV file of ours with two sides, or -errno. */
int record_opus_write(int from, int to, uint32_t stream,
		      const struct record_opus_tags *tags) NODISCARD;

#endif
