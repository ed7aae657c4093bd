/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decodes a packet's payload into mono PCM. One thread at a time uses a decoder. Memory is
 * allocated at open only. Opus needs 128 KiB of stack. A malformed payload is refused and changes
 * nothing. But garbage may be a valid Opus packet, and sounds like noise: so SRTP authentication or
 * the check of the source address comes first.
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
	/* PCM rate in Hz; 0: the codec's own. Opus: 8000, 12000, 16000, 24000 or 48000, whatever
	 * the sender used; G.722: 16000, or 8000 for the lower band only at a third of the cost;
	 * L16: the rate of its rtpmap, 8000 to 48000. */
	uint32_t rate;
};

/* Returns 0, -EINVAL (no such codec or rate), -ENOTSUP (module missing: g729.h) or -ENOMEM. */
int decoder_open(struct decoder **out, const struct decoder_settings *s) NODISCARD;
struct codec_format decoder_format(const struct decoder *d);
/* What 20 ms cost, about, by the table of dsp/codec/codec.h. */
uint32_t decoder_cost_ns(const struct decoder *d);
/* Decodes one packet of up to 120 ms; room for CODEC_SAMPLES_MAX is always enough. Returns the
 * number of samples, or -EBADMSG (malformed, empty, too long) or -ENOSPC. */
int decoder_frame(struct decoder *d, struct bytes payload, int16_t *pcm, uint32_t cap);
/* True if the packet says that the party is silent and sends few packets: one or two octets of
 * Opus, or a SID frame at the end of G.729 (Annex B). It is decoded like any other. Packets missing
 * behind it are not lost: decoder_conceal makes the comfort noise. */
bool decoder_pauses(const struct decoder *d, struct bytes payload);
/* The codec has means for what is lost. For others there is dsp/plc.h. */
bool decoder_has_means(const struct decoder *d);
/* Conceals lost samples by the codec's own means: a multiple of 2.5 ms (G.729: 10 ms). Returns the
 * number of samples, or -ENOTSUP (the codec has no means) or -EINVAL. */
int decoder_conceal(struct decoder *d, int16_t *pcm, uint32_t samples);
/* Likewise for the last lost packet before one that is here, from the copy in that one (Opus: RFC
 * 6716 2.1.7); without a copy, as above. The caller then decodes the packet with decoder_frame.
 * Returns the number of samples, -ENOTSUP, -EINVAL or -EBADMSG. */
int decoder_recover(struct decoder *d, struct bytes next, int16_t *pcm, uint32_t samples);
/* As it was opened. 0; -ENOMEM (G.729): it can only be closed then. */
int decoder_reset(struct decoder *d) NODISCARD;
void decoder_close(struct decoder *d); /* NULL is fine */

#endif
