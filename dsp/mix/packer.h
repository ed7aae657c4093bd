/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packs frames of a mix into packets of one encoder. It handles pauses itself, as the encoder would
 * take as much time for them as for sound: after PAUSE_AFTER_MS without sound nothing is encoded
 * until there is sound again. Memory is allocated at open only.
 */
#ifndef DSP_MIX_PACKER_H
#define DSP_MIX_PACKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "dsp/codec/encoder.h"
#include "dsp/mix/mix.h"
#include "dsp/resample.h"

/* Converts frames of a mix to the rate of an encoder. A converter that continues for another one
 * takes over its past samples, so that no step is audible. Memory is allocated at open only. 8000
 * to and from 16000 and 48000 Hz have filters of our own; other rates use speexdsp. */

struct convert {
	uint32_t from, to; /* Hz */
	uint32_t samples;  /* of a frame, at the rate it comes in */
	struct half_band half;
	struct sixth_band sixth;
	struct resampler *other;       /* NULL: one of those above, or the rates are equal */
	int16_t last[MIX_SAMPLES_MAX]; /* frame that `other` has had */
};

/* 0, -EINVAL, -ENOMEM. A frame has whole ms, and MIX_SAMPLES_MAX samples at most. */
int convert_open(struct convert *c, uint32_t from, uint32_t to, uint32_t samples) NODISCARD;
void convert_close(struct convert *c); /* all zeros is fine */
/* A frame. How many samples it has become: samples * to / from. */
uint32_t convert_frame(struct convert *c, const int16_t *in, int16_t *out);
/* From now on `to` makes what `from` makes of the same frames. Both were opened alike. */
void convert_copy(struct convert *to, const struct convert *from);

enum {
	PACKER_OCTETS_MAX = 1400, /* of a payload: it fits into any packet */
	PACKER_PACKETS_MAX = 2,   /* of one tick */
	PACKER_SAMPLES_MAX = CODEC_RATE_MAX / 1000 * ENCODER_PACKET_MS_MAX,
	PACKER_PAUSE_AFTER_MS = 200,
	PACKER_KEPT_MS = 400, /* between packets of a pause */
};

/* What is sent while nothing is heard. */
enum packer_pause {
	PACKER_PAUSE_USUAL, /* Opus: PACKER_PAUSE_KEPT; others: PACKER_PAUSE_SENT */
	PACKER_PAUSE_SENT,  /* silence, encoded as sound is */
	/* First and each 400 ms: an empty frame of Opus (RFC 6716 3.1), or comfort noise (RFC
	 * 3389). */
	PACKER_PAUSE_KEPT,
	PACKER_PAUSE_NOTHING,
};

struct packer_settings {
	/* dtx is not used: that is `pause`. rate 0: of Opus no more than the mix has. */
	struct encoder_settings encoder;
	enum packer_pause pause;
	uint8_t comfort_level; /* -dBov; 0: 65 */
};

enum packer_kind {
	PACKER_NOTHING, /* its time goes by without a packet */
	PACKER_SOUND,
	PACKER_COMFORT, /* of its own payload type (RFC 3389 4) */
	PACKER_EMPTY,   /* of the codec, without sound */
};

struct packer_packet {
	enum packer_kind kind;
	bool begins; /* the first sound behind a pause: RTP has a marker for that (RFC 3551 4.1) */
	struct bytes octets;
};

struct packer {
	struct encoder *encoder;
	uint32_t samples; /* of a packet */
	struct convert convert;
	uint32_t silent_ms; /* nothing but zeros came */
	uint32_t kept_ms;   /* since a packet of the pause */
	bool paused;
	uint8_t toc; /* first octet of the last packet with sound */
	struct packer_packet packets[PACKER_PACKETS_MAX];
	int16_t pcm[PACKER_SAMPLES_MAX];
	uint8_t octets[PACKER_PACKETS_MAX][PACKER_OCTETS_MAX];
};

/* With defaults, for a mix of this rate. 0, -EINVAL */
int packer_defaults(struct packer_settings *s, uint32_t rate) NODISCARD;
/* samples: of a frame of the mix. 0, -EINVAL, -ENOTSUP (a module is not there), -ENOMEM */
int packer_open(struct packer **out, const struct packer_settings *s, uint32_t rate,
		uint32_t samples) NODISCARD;
void packer_close(struct packer *s); /* NULL is fine */

/* A frame, behind `filled` samples of its packet. NULL: silence. How many samples it has become. */
uint32_t packer_put(struct packer *s, const int16_t *pcm, uint32_t filled);
/* True if a frame is a packet at the encoder's rate, and pauses are sent: it is encoded in
 * place. */
bool packer_is_plain(const struct packer *s, const struct packer_settings *of);
void packer_pack(struct packer *s, const int16_t *pcm);
/* The same to where the caller wants it, by an encoder without a past. */
struct packer_packet packer_say_to(struct packer *s, const int16_t *pcm,
				   uint8_t octets[PACKER_OCTETS_MAX]);
/* Packet number i of this tick, from the samples at `from`. true: the encoder was called. */
bool packer_make(struct packer *s, const struct packer_settings *of, uint32_t i, uint32_t from);
/* From now on `to` makes what `from` makes, of a packet that has so many samples already. False:
 * the codec cannot be copied (G.729), and `to` goes on with what it had. */
bool packer_copy(struct packer *to, const struct packer *from, uint32_t filled);

#endif
