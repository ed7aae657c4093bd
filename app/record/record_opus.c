/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encodes a WAV recording to an Ogg Opus file by libopus, with its head, tags and pages (RFC 3533,
 * RFC 7845). A child of tandem-store runs it after a recording has ended. Granule positions tell
 * the exact length, so players cut the padding at both ends.
 */

#include "app/record/record_opus.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <opus/opus.h>

#include "app/record/record_facts.h"
#include "dsp/codec/g711.h"
#include "dsp/file/ogg.h"

enum {
	PACKETS_PER_S = 50,
	FRAMES_MAX = 16000 / PACKETS_PER_S, /* of a packet */
	PACKET_MAX = 1275 * 2,
	LACING_MAX = 255,
	HEAD_PAGE_MAX = 4400,
	/* Both parties are separate voices, so coding them together gains little. Below 32 kbit/s
	 * libopus narrows the stereo: each would be heard on the other's side. */
	BIT_RATE_NARROW = 40000,
	BIT_RATE_WIDE = 56000,
	COMPLEXITY = 5, /* 10 takes twice the time, inaudibly at these rates */
};

struct opus_page {
	uint8_t lacing[LACING_MAX], body[LACING_MAX * 255];
	uint32_t segments;
	size_t octets;
};

struct opus_job {
	FILE *in, *out;
	struct wav_head head;
	OpusEncoder *encoder;
	uint32_t stream, number;          /* of the next page */
	uint32_t pre_skip, frames, scale; /* frames of a packet; 48 kHz in one */
	uint64_t read, left;              /* frames of the file */
	uint64_t coded;                   /* frames, those that are made up in the end as well */
	struct opus_page page;
};

/* ---- pages ---- */

static int opus_page_put(struct opus_job *j, uint8_t flags, uint64_t granule, struct bytes lacing,
			 struct bytes body)
{
	static _Thread_local uint8_t octets[OGG_PAGE_MAX];
	struct writer w = writer_over(octets, sizeof(octets));
	struct ogg_page page = { .flags = flags,
				 .granule = granule,
				 .stream = j->stream,
				 .number = j->number++,
				 .lacing = lacing,
				 .body = body };

	ogg_page_write(&w, &page);
	assert(!w.overflow);
	return fwrite(octets, 1, w.n, j->out) == w.n ? 0 : -EIO;
}

/* A packet alone. */
static int opus_page_head(struct opus_job *j, uint8_t flags, struct bytes packet)
{
	uint8_t lacing[LACING_MAX];
	size_t segments = packet.n / 255 + 1;

	assert(segments <= sizeof(lacing));
	memset(lacing, 255, segments);
	lacing[segments - 1] = (uint8_t)(packet.n % 255);
	return opus_page_put(j, flags, 0, bytes_mem(lacing, segments), packet);
}

/* The last page has the end of the sound: padding behind it is not played. */
static int opus_page_flush(struct opus_job *j, bool last)
{
	struct opus_page *p = &j->page;
	uint64_t granule = last ? j->pre_skip + j->read * j->scale : j->coded * j->scale;
	int err;

	if (!p->segments && !last)
		return 0;
	err = opus_page_put(j, last ? OGG_LAST : 0, granule, bytes_mem(p->lacing, p->segments),
			    bytes_mem(p->body, p->octets));
	p->segments = 0;
	p->octets = 0;
	return err;
}

static int opus_packet_put(struct opus_job *j, const uint8_t *packet, size_t n)
{
	struct opus_page *p = &j->page;
	uint32_t segments = (uint32_t)(n / 255) + 1;
	int err = 0;

	if (p->segments + segments > LACING_MAX || p->segments >= PACKETS_PER_S)
		err = opus_page_flush(j, false);
	memset(p->lacing + p->segments, 255, segments);
	p->segments += segments;
	p->lacing[p->segments - 1] = (uint8_t)(n % 255);
	memcpy(p->body + p->octets, packet, n);
	p->octets += n;
	j->coded += j->frames;
	return err;
}

/* ---- heads ---- */

static void opus_le(struct writer *w, uint32_t v, uint32_t octets)
{
	for (uint32_t i = 0; i < octets; i++)
		writer_u8(w, (uint8_t)(v >> (8 * i)));
}

static void opus_text(struct writer *w, const char *text)
{
	opus_le(w, (uint32_t)strlen(text), 4);
	writer_str(w, text);
}

/* RFC 7845 5.1 and 5.2 */
static int opus_heads(struct opus_job *j, const struct record_opus_tags *tags)
{
	uint8_t octets[HEAD_PAGE_MAX];
	struct writer w = writer_over(octets, sizeof(octets));
	int err;

	writer_mem(&w, "OpusHead\1", 9);
	writer_u8(&w, WAV_SIDES);
	opus_le(&w, j->pre_skip, 2);
	opus_le(&w, j->head.rate, 4);
	opus_le(&w, 0, 2 + 1); /* gain, and mapping family */
	err = opus_page_head(j, OGG_FIRST, writer_done(&w));
	w = writer_over(octets, sizeof(octets));
	writer_mem(&w, "OpusTags", 8);
	opus_text(&w, "tandem " TANDEM_VERSION);
	opus_le(&w, tags->count, 4);
	for (uint32_t i = 0; i < tags->count; i++)
		opus_text(&w, tags->of[i]);
	assert(!w.overflow);
	return err ? err : opus_page_head(j, 0, writer_done(&w));
}

/* ---- sound ---- */

/* Reads frames; the rest of the packet is silence. -errno. */
static int opus_frames(struct opus_job *j, int16_t *pcm)
{
	uint8_t octets[FRAMES_MAX * WAV_SIDES * 2];
	size_t frame = WAV_SIDES * wav_sound_octets(j->head.sound);
	size_t n = j->left < j->frames ? (size_t)j->left : j->frames;
	size_t samples;

	memset(pcm, 0, sizeof(*pcm) * j->frames * WAV_SIDES);
	n = fread(octets, frame, n, j->in);
	if (ferror(j->in))
		return -EIO;
	samples = n * WAV_SIDES;
	switch (j->head.sound) {
	case WAV_SOUND_ULAW:
		g711_ulaw_decode(pcm, octets, samples);
		break;
	case WAV_SOUND_ALAW:
		g711_alaw_decode(pcm, octets, samples);
		break;
	case WAV_SOUND_PCM:
		for (size_t i = 0; i < samples; i++)
			pcm[i] = (int16_t)(octets[2 * i] | octets[2 * i + 1] << 8);
		break;
	}
	j->read += n;
	j->left = n < j->frames ? 0 : j->left - n;
	return 0;
}

/* Until all that was read has left the encoder, which looks ahead. */
static int opus_sound(struct opus_job *j)
{
	int16_t pcm[FRAMES_MAX * WAV_SIDES];
	uint8_t packet[PACKET_MAX];
	int err = 0;

	while (!err && (j->left || j->coded * j->scale < j->pre_skip + j->read * j->scale)) {
		opus_int32 n;

		err = opus_frames(j, pcm);
		if (err)
			break;
		n = opus_encode(j->encoder, pcm, (int)j->frames, packet, sizeof(packet));
		err = n > 0 ? opus_packet_put(j, packet, (size_t)n) : -EIO;
	}
	if (!err)
		err = opus_page_flush(j, true);
	return !err && fflush(j->out) ? -errno : err;
}

static int opus_open(struct opus_job *j)
{
	uint8_t octets[WAV_HEAD_LEN];
	opus_int32 ahead = 0;
	int err = 0;

	if (fread(octets, 1, sizeof(octets), j->in) != sizeof(octets) ||
	    wav_head_parse(&j->head, bytes_mem(octets, sizeof(octets))) || j->head.mono ||
	    (j->head.rate != 8000 && j->head.rate != 16000))
		return -EBADMSG;
	j->left = j->head.data_octets / (WAV_SIDES * wav_sound_octets(j->head.sound));
	j->frames = j->head.rate / PACKETS_PER_S;
	j->scale = OGG_RATE / j->head.rate;
	j->encoder = opus_encoder_create((opus_int32)j->head.rate, WAV_SIDES, OPUS_APPLICATION_VOIP,
					 &err);
	if (!j->encoder)
		return -ENOMEM;
	if (opus_encoder_ctl(j->encoder, OPUS_SET_BITRATE(j->head.rate == 8000 ? BIT_RATE_NARROW
									       : BIT_RATE_WIDE)) !=
		    OPUS_OK ||
	    opus_encoder_ctl(j->encoder, OPUS_SET_COMPLEXITY(COMPLEXITY)) != OPUS_OK ||
	    opus_encoder_ctl(j->encoder, OPUS_SET_FORCE_CHANNELS(WAV_SIDES)) != OPUS_OK ||
	    opus_encoder_ctl(j->encoder, OPUS_GET_LOOKAHEAD(&ahead)) != OPUS_OK)
		return -EINVAL;
	j->pre_skip = (uint32_t)ahead * j->scale;
	return 0;
}

static FILE *opus_stream(int fd, const char *mode)
{
	int own = dup(fd);
	FILE *f = own < 0 ? NULL : fdopen(own, mode);

	if (!f && own >= 0)
		(void)close(own);
	return f;
}

int record_opus_write(int from, int to, uint32_t stream, const struct record_opus_tags *tags)
{
	struct opus_job *j = calloc(1, sizeof(*j));
	int err = j ? 0 : -ENOMEM;

	if (err)
		return err;
	j->stream = stream;
	j->in = opus_stream(from, "r");
	j->out = opus_stream(to, "w");
	err = j->in && j->out ? opus_open(j) : -EMFILE;
	if (!err)
		err = opus_heads(j, tags);
	if (!err)
		err = opus_sound(j);
	if (j->encoder)
		opus_encoder_destroy(j->encoder);
	if (j->in)
		(void)fclose(j->in);
	if (j->out && fclose(j->out) && !err)
		err = -errno;
	free(j);
	return err;
}
