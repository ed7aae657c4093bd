/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A WAV file as octets: its properties, and its samples mixed down to one channel. PCM of 8, 16, 24
 * and 32 bits, IEEE float of 32 and 64, G.711 of both laws; WAVE_FORMAT_EXTENSIBLE, too. No
 * allocation.
 */
#ifndef DSP_WAV_H
#define DSP_WAV_H

#include "base/bytes.h"

enum wav_format {
	WAV_PCM,
	WAV_FLOAT,
	WAV_ALAW,
	WAV_ULAW,
};

enum {
	WAV_CHANNELS_MAX = 8,
	WAV_RATE_MIN = 4000,
	WAV_RATE_MAX = 192000,
};

struct wav {
	enum wav_format format;
	uint32_t rate;
	uint16_t channels;
	uint16_t bits;     /* of a sample of one channel */
	uint64_t samples;  /* of each channel; at least one */
	struct bytes data; /* within the file: samples * channels * bits / 8 */
};

struct wav_error {
	size_t at; /* octets from the beginning of the file */
	const char *reason;
};

/* Returns 0, or -EBADMSG with the reason in `error` and `out` untouched. Skips chunks that do not
 * concern the samples. A data chunk of 2^32-1, as programs write it that cannot seek, goes to the
 * end of the file; any other one must be complete. */
int wav_parse(struct wav *out, struct bytes file, struct wav_error *error) NODISCARD;
/* The same for the beginning of a file: the data may be missing, and only its first octet's
 * position is used. */
int wav_parse_head(struct wav *out, struct bytes file, struct wav_error *error) NODISCARD;
/* n samples of 16 bits from sample from on, all of which it must have. */
void wav_read(const struct wav *w, uint64_t from, int16_t *pcm, uint32_t n);

#endif
