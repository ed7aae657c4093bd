/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where copies of the parties' audio and video are sent as RTP: the streams of a recording session
 * (RFC 7866). A value.
 */
#ifndef MEDIA_FORK_H
#define MEDIA_FORK_H

#include "media/flow.h"

enum { FORK_STREAMS = 2 };

struct fork_stream {
	uint8_t on; /* 0: nothing is sent; the rest may be anything */
	uint8_t leg, line;
	struct addr local, remote;
	uint64_t payloads[2];    /* a bit for each payload type that is taken there */
	struct addr rtcp_remote; /* where reports go (RFC 3550); family ADDR_NONE: nowhere */
	struct media_key key;    /* suite MEDIA_SUITE_NONE: plain */
	struct media_key key_in; /* of its reports; the same */
};

struct media_fork {
	struct fork_stream stream[FORK_STREAMS];
};

static inline bool fork_accepts(const struct fork_stream *s, uint8_t payload_type)
{
	return s->payloads[payload_type >> 6 & 1] >> (payload_type & 63) & 1;
}

#endif
