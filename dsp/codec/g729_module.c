/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The module that dsp/codec/g729.h loads. Linked with bcg729 it is under the GPL, version 3 or
 * later, as a whole: nothing else is linked into it, and it has a package of its own.
 */

#include <bcg729/decoder.h>
#include <bcg729/encoder.h>

#include "dsp/codec/g729.h"

static void *g729_encoder_open(void)
{
	return initBcg729EncoderChannel(0); /* without Annex B, as our a=fmtp has it */
}

static void g729_encode(void *encoder, const int16_t pcm[G729_SAMPLES], uint8_t out[G729_OCTETS])
{
	uint8_t n;

	bcg729Encoder(encoder, pcm, out, &n);
}

static void g729_encoder_close(void *encoder)
{
	closeBcg729EncoderChannel(encoder);
}

static void *g729_decoder_open(void)
{
	return initBcg729DecoderChannel();
}

static void g729_decode(void *decoder, const uint8_t *octets, uint8_t n, int16_t pcm[G729_SAMPLES])
{
	static const uint8_t NOTHING[G729_OCTETS];

	bcg729Decoder(decoder, n ? octets : NOTHING, n, n == 0, n == G729_SID_OCTETS, 0, pcm);
}

static void g729_decoder_close(void *decoder)
{
	closeBcg729DecoderChannel(decoder);
}

EXPORTED extern const struct g729_module tandem_g729;

const struct g729_module tandem_g729 = {
	.version = G729_VERSION,
	.encoder_open = g729_encoder_open,
	.encode = g729_encode,
	.encoder_close = g729_encoder_close,
	.decoder_open = g729_decoder_open,
	.decode = g729_decode,
	.decoder_close = g729_decoder_close,
};
