/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A finished WAV file of a recording as Opus in Ogg (RFC 7845): stereo, what is said on the left and what is heard on the right, as in the
 * WAV file. Takes long, so not for a thread that has anything else to do.
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

/* stream: the number of the file's stream. 0, -EBADMSG: no WAV file of ours with two sides, or -errno. */
int record_opus_write(int from, int to, uint32_t stream,
		      const struct record_opus_tags *tags) NODISCARD;

#endif
