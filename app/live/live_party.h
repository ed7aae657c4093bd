/* SPDX-License-Identifier: Apache-2.0 */
/* What a party of a live stream says, or hears: packets as they come, and PCM at the rate of time. */
#ifndef APP_LIVE_LIVE_PARTY_H
#define APP_LIVE_LIVE_PARTY_H

#include "base/bytes.h"

struct decoder;
struct jitter;
struct plc;
struct resampler;

enum { LIVE_PCM = 8192 };

/* Samples that wait. */
struct live_pcm {
	uint32_t n;
	int16_t samples[LIVE_PCM];
};

struct live_packet {
	uint64_t at_ns;
	uint32_t ssrc, timestamp;
	uint16_t sequence;
	uint8_t payload_type, marker;
	uint8_t codec; /* enum media_codec */
	struct bytes payload;
};

struct live_party {
	uint32_t rate; /* of the application */
	int codec;     /* of jitter and decoder; -1: none yet */
	struct jitter *jitter;
	struct decoder *decoder;
	struct resampler *up;
	struct plc *plc; /* NULL: the decoder has means for what is lost, or there are none */
	uint32_t decoder_rate, clock_hz;
	struct live_pcm heard;
};

/* In zeroed memory. */
void live_party_open(struct live_party *p, uint32_t rate);
void live_party_close(struct live_party *p);
void live_party_put(struct live_party *p, const struct live_packet *packet);
/* There are n samples in p->heard at least: silence where nothing is said. */
void live_party_hear(struct live_party *p, uint64_t now_ns, uint32_t n);
void live_party_release(struct live_party *p, uint32_t n);

#endif
