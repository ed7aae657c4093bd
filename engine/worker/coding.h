/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One codec into another: decoded samples wait here until the encoder has a packet of them. Opus
 * runs at the rate of the other codec, without resampling; 8,000 and 16,000 Hz meet in a half-band
 * filter. If Opus is to run at 48,000 Hz a sixth-band filter is between, or a resampler for 16,000.
 * Memory is allocated at open only.
 */
#ifndef ENGINE_WORKER_CODING_H
#define ENGINE_WORKER_CODING_H

#include "base/bytes.h"
#include "dsp/resample.h"
#include "media/flow.h"

struct decoder;
struct encoder;
struct plc;
struct resampler;

enum {
	CODING_PACKET_MS_MAX = 60, /* of what is sent */
	/* of codecs that have no packets of their own: what comes is so often encoded */
	CODING_FRAME_MS = 10,
	CODING_COMPLEXITY = 5,   /* of Opus, by default */
	CODING_LOSS_MS_MAX = 60, /* what is lost of a codec without means is made; more is a gap */
};

/* Zero-initialised is closed. */
struct coding {
	struct decoder *decoder;
	struct encoder *encoder;
	struct plc *plc;              /* NULL: the decoder conceals by itself, or nothing can */
	struct sixth_band band;       /* its half alone between 8,000 and 16,000 Hz */
	struct resampler *resampler;  /* NULL: the rates are equal, or the band's */
	uint32_t rate_in, rate_out;   /* of PCM: of the decoder, of the encoder */
	uint32_t clock_in, clock_out; /* of RTP */
	uint32_t cost_ns;             /* of a packet that comes and one that leaves, about */
	uint32_t heard;               /* samples of rate_in in the last packet; 0: no packet yet */
	uint32_t frame;               /* samples that the encoder takes at a time */
	uint32_t packet;              /* of those that leave at a time: a multiple of it */
	bool broken;                  /* no memory to begin anew: it decodes nothing more */
	bool eases;                   /* complexity was not given: it follows the load */
	uint8_t complexity;           /* of the encoder, where it eases */
	uint32_t bit_rate;            /* likewise */
	bool as_received;             /* that is as long as the last one that came */
	uint32_t at, count, room;     /* of pcm */
	int16_t *pcm;                 /* of rate_out: what waits */
};

/* opus_hz: of Opus's PCM; 0: the other codec's rate. Returns 0, -EINVAL, -ENOTSUP or -ENOMEM;
 * closed unless 0. */
int coding_open(struct coding *c, const struct media_coding *spec, uint32_t opus_hz) NODISCARD;
void coding_close(struct coding *c);
/* About the cost of a received and a sent packet (dsp/codec/encoder.h); of 20 ms by default. */
uint32_t coding_cost_ns(const struct media_coding *spec, uint32_t opus_hz);
/* As it was opened, but for what the encoder has of before. */
void coding_reset(struct coding *c);

/* A packet can leave; before it does nothing may be given to it. */
static inline bool coding_is_full(const struct coding *c)
{
	return c->count >= c->packet;
}

/* RTP time of so many samples of rate_out. */
static inline uint32_t coding_units_in(const struct coding *c, uint32_t samples)
{
	return (uint32_t)((uint64_t)samples * c->clock_in / c->rate_out);
}

static inline uint32_t coding_units_out(const struct coding *c, uint32_t samples)
{
	return (uint32_t)((uint64_t)samples * c->clock_out / c->rate_out);
}

/* Room for CODEC_SAMPLES_MAX, that of the worker. */
typedef int16_t coding_space;

/* The encoder's complexity from now on, if none was given. */
void coding_ease(struct coding *c, uint8_t complexity);
/* One that came. Samples of rate_out that were added, or -EBADMSG, -ENOMEM. */
int coding_decode(struct coding *c, struct bytes payload, coding_space *space);
/* So many samples of rate_out were lost, and all will be made, packet by packet (coding_fill). */
bool coding_makes(const struct coding *c, uint32_t lost);
/* So many samples of rate_out are missing before the next packet, lost or not sent: makes as many
 * as the waiting packet still needs. Returns how many. */
uint32_t coding_fill(struct coding *c, uint32_t missing, bool lost, coding_space *space);
/* So many samples of rate_out were lost before this packet, and none wait: tells the decoder, and
 * adds what the packet has of the last one. Returns how many samples. */
uint32_t coding_miss(struct coding *c, uint32_t lost, struct bytes next, coding_space *space);
/* Encodes the full packet: octets, or -errno; 0: nothing to send. *samples are used up in any
 * case. */
int coding_encode(struct coding *c, uint8_t *out, uint32_t cap, uint32_t *samples);

#endif
