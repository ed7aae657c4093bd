/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parses the header of a WAV file, of an upload as a whole or of its beginning (wav.h). A file is
 * "RIFF", its size, "WAVE" and chunks; a chunk is four letters, its size, that many octets, and one
 * more if the size is odd. All numbers are little-endian, and "fmt " comes before "data". Every
 * length is checked, since tenants upload these files.
 */

#include "dsp/file/wav.h"

#include <errno.h>
#include <string.h>

enum {
	RIFF_HEAD = 12,
	CHUNK_HEAD = 8,
	FMT_MIN = 16,
	FMT_EXTENSIBLE_MIN = 40,
	TAG_PCM = 1,
	TAG_FLOAT = 3,
	TAG_ALAW = 6,
	TAG_ULAW = 7,
	TAG_EXTENSIBLE = 0xfffe,
};

#define SIZE_UNKNOWN UINT32_MAX

struct chunk {
	struct bytes name;
	struct bytes body;
	uint32_t size; /* by its header */
	size_t at;     /* of its body */
};

struct reader {
	struct bytes file;
	size_t at; /* of the next chunk */
	struct wav_error *error;
	bool head; /* data may be behind what there is */
};

static uint16_t le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t le32(const uint8_t *p)
{
	return le16(p) | (uint32_t)le16(p + 2) << 16;
}

static int wav_refuse(struct reader *r, size_t at, const char *reason)
{
	*r->error = (struct wav_error){ .at = at, .reason = reason };
	return -EBADMSG;
}

static int wav_open(struct reader *r, struct bytes file, struct wav_error *error)
{
	*r = (struct reader){ .file = file, .at = RIFF_HEAD, .error = error };
	if (file.n < RIFF_HEAD)
		return wav_refuse(r, file.n, "too short for a WAV file");
	if (!bytes_is(bytes_sub(file, 0, 4), "RIFF"))
		return wav_refuse(r, 0, "does not begin with RIFF");
	if (!bytes_is(bytes_sub(file, 8, 4), "WAVE"))
		return wav_refuse(r, 8, "is RIFF, but not WAVE");
	return 0;
}

/* The next one; its body is what the file has of it. */
static int wav_chunk(struct reader *r, struct chunk *c)
{
	if (r->at >= r->file.n)
		return wav_refuse(r, r->file.n, "ends before its data chunk");
	if (r->file.n - r->at < CHUNK_HEAD)
		return wav_refuse(r, r->at, "ends within the head of a chunk");
	c->name = bytes_sub(r->file, r->at, 4);
	c->size = le32(r->file.p + r->at + 4);
	c->at = r->at + CHUNK_HEAD;
	c->body = bytes_sub(r->file, c->at, c->size);
	r->at = c->at + (size_t)c->size + (c->size & 1);
	return 0;
}

/* Microsoft's GUID of an extensible format is the tag and these. */
static bool guid_is_of_tags(const uint8_t *guid)
{
	static const uint8_t rest[14] = {
		0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71
	};

	return memcmp(guid + 2, rest, sizeof(rest)) == 0;
}

static int wav_tag(struct reader *r, const struct chunk *c, uint16_t *tag)
{
	*tag = le16(c->body.p);
	if (*tag != TAG_EXTENSIBLE)
		return 0;
	if (c->body.n < FMT_EXTENSIBLE_MIN)
		return wav_refuse(r, c->at, "fmt chunk too short for WAVE_FORMAT_EXTENSIBLE");
	if (!guid_is_of_tags(c->body.p + 24))
		return wav_refuse(r, c->at + 24, "unknown sub-format");
	*tag = le16(c->body.p + 24);
	return 0;
}

static bool wav_format_of(uint16_t tag, uint16_t bits, enum wav_format *format)
{
	switch (tag) {
	case TAG_PCM:
		*format = WAV_PCM;
		return bits == 8 || bits == 16 || bits == 24 || bits == 32;
	case TAG_FLOAT:
		*format = WAV_FLOAT;
		return bits == 32 || bits == 64;
	case TAG_ALAW:
		*format = WAV_ALAW;
		return bits == 8;
	case TAG_ULAW:
		*format = WAV_ULAW;
		return bits == 8;
	default:
		return false;
	}
}

static int wav_fmt(struct reader *r, const struct chunk *c, struct wav *w)
{
	uint16_t tag;

	if (c->body.n < c->size || c->size < FMT_MIN)
		return wav_refuse(r, c->at, "fmt chunk too short");

	int err = wav_tag(r, c, &tag);

	if (err)
		return err;
	w->channels = le16(c->body.p + 2);
	w->rate = le32(c->body.p + 4);
	w->bits = le16(c->body.p + 14);
	if (!wav_format_of(tag, w->bits, &w->format))
		return wav_refuse(r, c->at, "neither PCM of 8 to 32 bits, nor float, nor G.711");
	if (w->channels < 1 || w->channels > WAV_CHANNELS_MAX)
		return wav_refuse(r, c->at + 2, "not 1 to 8 channels");
	if (w->rate < WAV_RATE_MIN || w->rate > WAV_RATE_MAX)
		return wav_refuse(r, c->at + 4, "not 4000 to 192000 samples a second");
	if (le16(c->body.p + 12) != w->channels * w->bits / 8)
		return wav_refuse(r, c->at + 12, "block size is not that of its samples");
	return 0;
}

/* What is left behind the last whole sample is no sample. */
static int wav_data(struct reader *r, const struct chunk *c, struct wav *w)
{
	size_t block = (size_t)w->channels * w->bits / 8;

	if (!w->channels)
		return wav_refuse(r, c->at, "data chunk before the fmt chunk");
	if (c->body.n < c->size && c->size != SIZE_UNKNOWN && !r->head)
		return wav_refuse(r, r->file.n, "ends within its data chunk");
	w->samples = (r->head ? c->size : c->body.n) / block;
	if (!w->samples)
		return wav_refuse(r, c->at, "no samples");
	w->data = bytes_mem(c->body.p, w->samples * block);
	return 0;
}

static int wav_chunks(struct wav *out, struct bytes file, bool head, struct wav_error *error)
{
	struct reader r;
	struct chunk c;
	struct wav w = { 0 };
	int err = wav_open(&r, file, error);

	r.head = head;
	while (!err) {
		err = wav_chunk(&r, &c);
		if (err)
			break;
		if (bytes_is(c.name, "data")) {
			err = wav_data(&r, &c, &w);
			if (!err)
				*out = w;
			return err;
		}
		if (bytes_is(c.name, "fmt "))
			err = wav_fmt(&r, &c, &w);
	}
	return err;
}

int wav_parse(struct wav *out, struct bytes file, struct wav_error *error)
{
	return wav_chunks(out, file, false, error);
}

int wav_parse_head(struct wav *out, struct bytes file, struct wav_error *error)
{
	return wav_chunks(out, file, true, error);
}
