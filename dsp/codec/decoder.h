/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payload of a packet into PCM, mono. One thread at a time uses a decoder. Memory is allocated at open alone.
 * Opus needs 128 KiB of stack. What is malformed is refused and changes nothing; but garbage may be a packet of Opus, and is noise then:
 * SRTP, or an address that is known, comes first.
 */
#ifndef DSP_DECODER_H
#define DSP_DECODER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "dsp/codec/codec.h"

struct decoder;

struct decoder_settings {
	const char *codec; /* its encoding name (RFC 3551 6) */
	/*
	 * PCM in Hz; 0: the codec's own. Opus: 8000, 12000, 16000, 24000 or 48000, whatever comes; G.722: 16000, or 8000 for the lower
	 * band alone at a third of the price; L16: what its rtpmap says, 8000 to 48000.
	 */
	uint32_t rate;
};

/* 0, -EINVAL (no such codec, or rate), -ENOTSUP (its module is not there: dsp/codec/g729.h), -ENOMEM */
int decoder_open(struct decoder **out, const struct decoder_settings *s) NODISCARD;
struct codec_format decoder_format(const struct decoder *d);
/* What 20 ms cost, about, by the table of dsp/codec/codec.h. */
uint32_t decoder_cost_ns(const struct decoder *d);
/*
 * One packet of any length up to 120 ms; room for CODEC_SAMPLES_MAX is always enough. The samples, or -EBADMSG (malformed, empty, too
 * long), -ENOSPC.
 */
int decoder_frame(struct decoder *d, struct bytes payload, int16_t *pcm, uint32_t cap);
/*
 * A packet that says that the party is silent and sends few of them: one or two octets of Opus, a SID frame at the end of G.729 (Annex B).
 * It is decoded as any other. What does not come behind it is not lost: decoder_conceal makes its comfort noise.
 */
bool decoder_pauses(const struct decoder *d, struct bytes payload);
/* The codec has means for what is lost. For others there is dsp/plc.h. */
bool decoder_has_means(const struct decoder *d);
/*
 * What was lost, by the codec's own means: samples of it, a multiple of 2.5 ms (G.729: 10 ms). The samples, or -ENOTSUP (the codec has no
 * means), -EINVAL.
 */
int decoder_conceal(struct decoder *d, int16_t *pcm, uint32_t samples);
/*
 * The same for the last one lost before a packet that is there, by what that one repeats (Opus: RFC 6716 2.1.7); else as above. The packet
 * is then given to decoder_frame. The samples, or -ENOTSUP, -EINVAL, -EBADMSG.
 */
int decoder_recover(struct decoder *d, struct bytes next, int16_t *pcm, uint32_t samples);
/* As it was opened. 0; -ENOMEM (G.729): it can only be closed then. */
int decoder_reset(struct decoder *d) NODISCARD;
void decoder_close(struct decoder *d); /* NULL is fine */

#endif
