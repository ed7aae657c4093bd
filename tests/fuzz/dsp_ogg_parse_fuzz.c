/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of Opus in Ogg. Checksums are mended first, or no change would get past them. Oracles: libopusfile takes what was taken, with the
 * same channels and gain; libopus says the same of each packet's length; and what was read, written with a page for each packet and read
 * again, is the same.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <opus/opus.h>
#include <opus/opusfile.h>

#include "dsp/file/ogg.h"
#include "tests/unit/dsp/ogg_make.h"

enum { INPUT_MAX = 1 << 16, MADE_MAX = 1 << 18, PACKETS_MAX = 1 << 12 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t g_made[MADE_MAX];
static struct ogg_packets g_packets, g_again;

/* More than n: it is cut. */
static size_t page_octets(const uint8_t *p, size_t n)
{
	size_t segments = p[OGG_MADE_HEAD - 1], octets = OGG_MADE_HEAD + segments;

	for (size_t i = 0; i < segments && OGG_MADE_HEAD + i < n; i++)
		octets += p[OGG_MADE_HEAD + i];
	return octets;
}

/* As far as page follows page. */
static void checksums_mend(uint8_t *p, size_t n)
{
	while (n >= OGG_MADE_HEAD && !memcmp(p, "OggS", 4)) {
		size_t octets = page_octets(p, n);

		if (octets > n)
			return;
		ogg_sum_mend(p, octets);
		p += octets;
		n -= octets;
	}
}

/* All of them on pages of their own. The sum of their samples. */
static uint64_t packets_copy(const struct ogg *o, struct writer *w, uint32_t *count)
{
	uint64_t total = 0;
	struct bytes packet;
	size_t at;

	ogg_packets_open(&g_packets, o);
	while (*count < PACKETS_MAX && ogg_packets_next(&g_packets, &packet, &at)) {
		int n = opus_packet_get_nb_samples(packet.p, (opus_int32)packet.n, OGG_RATE);

		assert(at <= o->file.n && packet.n <= OGG_PACKET_MAX);
		assert(n > 0 && (uint32_t)n == ogg_packet_samples(packet.p, packet.n));
		total += (uint64_t)n;
		if (packet.n / 255 >= 255)
			w->overflow = true; /* no page of ours has it */
		else
			ogg_put_page(w, 0, total, 2 + *count, packet, true);
		++*count;
	}
	return total;
}

static void check_same(const struct ogg *o, const struct ogg *copy)
{
	struct bytes packet, same;
	size_t at;

	ogg_packets_open(&g_packets, o);
	ogg_packets_open(&g_again, copy);
	while (ogg_packets_next(&g_packets, &packet, &at)) {
		bool more = ogg_packets_next(&g_again, &same, &at);

		assert(more && bytes_eq(packet, same));
	}
}

static void check_again(const struct ogg *o)
{
	struct writer w = writer_over(g_made, sizeof(g_made));
	struct ogg_error error;
	struct ogg copy;
	uint32_t count = 0;
	uint64_t total;

	ogg_put_heads(&w, o->channels, o->pre_skip, o->gain);
	total = packets_copy(o, &w, &count);
	assert(total >= o->pre_skip + o->samples || count == PACKETS_MAX);
	if (w.overflow || count == PACKETS_MAX)
		return;
	if (ogg_parse(&copy, writer_done(&w), &error))
		abort();
	assert(copy.channels == o->channels && copy.gain == o->gain);
	assert(copy.pre_skip == o->pre_skip && copy.samples == total - o->pre_skip);
	check_same(o, &copy);
}

/* The packet behind that of the head, which may be on several pages. */
static struct bytes tags_of(const struct ogg *o)
{
	static uint8_t tags[INPUT_MAX];
	size_t at = page_octets(o->file.p, o->file.n), n = 0;

	while (at < o->audio) {
		const uint8_t *page = o->file.p + at;
		size_t octets = page_octets(page, o->audio - at);
		size_t head = OGG_MADE_HEAD + page[OGG_MADE_HEAD - 1];

		assert(octets <= o->audio - at && n + octets - head <= sizeof(tags));
		memcpy(tags + n, page + head, octets - head);
		n += octets - head;
		at += octets;
	}
	return bytes_mem(tags, n);
}

/* Nobody here reads the tags; libopusfile wants them whole. */
static bool tags_are_whole(const struct ogg *o)
{
	struct bytes tags = tags_of(o);
	OpusTags read;
	int err = opus_tags_parse(&read, tags.p, tags.n);

	if (!err)
		opus_tags_clear(&read);
	return !err;
}

static void check_opusfile(const struct ogg *o)
{
	int err = 0;
	OggOpusFile *f = op_test_memory(o->file.p, o->file.n, &err);
	const OpusHead *head = f ? op_head(f, -1) : NULL;

	if (!f && err == OP_EBADHEADER && !tags_are_whole(o))
		return;
	assert(head);
	assert(head->channel_count == o->channels && head->pre_skip == o->pre_skip);
	assert(head->output_gain == o->gain && head->mapping_family == 0);
	op_free(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ogg o = { 0 }, none = { 0 };
	struct ogg_error error = { .at = SIZE_MAX };
	uint8_t *file;

	if (size > INPUT_MAX)
		return 0;
	file = malloc(size + 1);
	if (!file)
		return 0;
	memcpy(file, data, size);
	checksums_mend(file, size);
	if (ogg_parse(&o, bytes_mem(file, size), &error)) {
		assert(error.reason && error.at <= size);
		assert(!memcmp(&o, &none, sizeof(o)));
	} else {
		assert(o.samples > 0 && o.audio <= size);
		assert(o.channels >= 1 && o.channels <= 2);
		check_again(&o);
		check_opusfile(&o);
	}
	free(file);
	return 0;
}
