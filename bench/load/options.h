/* SPDX-License-Identifier: Apache-2.0 */
/* What the command line of rtpload asks for. */
#ifndef BENCH_LOAD_OPTIONS_H
#define BENCH_LOAD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { LOAD_RTP_HEAD = 12, LOAD_PACKET_MAX = 1200 };

/* Media of a stream. */
struct load_kind {
	uint8_t payload_type;
	uint32_t packet; /* octets, with the head */
	uint64_t frame_ns;
	uint32_t frame_units; /* of the RTP clock */
	uint32_t burst;       /* packets of a frame */
	uint32_t burst_large; /* of the first frame each second */
};

struct load_options {
	struct load_kind kind;
	double seconds;
	double warm_up; /* seconds from the start whose delays are not in the histogram; losses always count */
	uint64_t tick_ns; /* between two looks at what is due */
	uint32_t
		tick_frames; /* at most in one: what is late follows at that rate; 0: all that is due */
	uint64_t drain_ns; /* how long the last packets are waited for */
	uint64_t tell_ns;  /* between interim reports; 0: none */
	uint32_t
		ssrc; /* of the first stream, of each run another: numbers heard before are replays */
	const char *interface; /* of AF_XDP; NULL: the ring */
	FILE *calls;
	bool speech; /* load_speech.h */
};

/* now_ns: of the monotonic clock, the SSRCs come of it. The load fails where a word of argv is wrong. An identity is used at once. */
void load_options_read(struct load_options *o, int argc, char **argv, uint64_t now_ns);

#endif
