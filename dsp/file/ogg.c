/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads and writes an Ogg page (RFC 3533 6): "OggS", version, flags, granule position, stream, page
 * number, checksum, number of segments, their lengths, and the segments. All numbers are
 * little-endian. Recordings are written by pages, and ogg_parse.c reads uploaded sounds by them;
 * damaged checksums and lengths are refused.
 */

#include <assert.h>
#include <errno.h>

#include "dsp/file/ogg.h"

enum { PAGE_HEAD = 27, CHECKSUM_AT = 22, CHECKSUM_END = 26 };

static uint32_t page_le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static int ogg_page_refuse(struct ogg_error *error, size_t at, const char *reason)
{
	*error = (struct ogg_error){ .at = at, .reason = reason };
	return -EBADMSG;
}

/* 0x04c11db7 from the upper bit on, four bits at a time. */
static uint32_t checksum_add(uint32_t sum, const uint8_t *p, size_t n)
{
	static const uint32_t steps[16] = {
		0x00000000, 0x04c11db7, 0x09823b6e, 0x0d4326d9, 0x130476dc, 0x17c56b6b,
		0x1a864db2, 0x1e475005, 0x2608edb8, 0x22c9f00f, 0x2f8ad6d6, 0x2b4bcb61,
		0x350c9b64, 0x31cd86d3, 0x3c8ea00a, 0x384fbdbd,
	};

	for (size_t i = 0; i < n; i++) {
		sum ^= (uint32_t)p[i] << 24;
		sum = sum << 4 ^ steps[sum >> 28];
		sum = sum << 4 ^ steps[sum >> 28];
	}
	return sum;
}

/* With zeros where it stands itself. */
static uint32_t page_checksum(const uint8_t *page, size_t n)
{
	static const uint8_t none[CHECKSUM_END - CHECKSUM_AT] = { 0 };
	uint32_t sum = checksum_add(0, page, CHECKSUM_AT);

	sum = checksum_add(sum, none, sizeof(none));
	return checksum_add(sum, page + CHECKSUM_END, n - CHECKSUM_END);
}

static size_t body_length(struct bytes lacing)
{
	size_t n = 0;

	for (size_t i = 0; i < lacing.n; i++)
		n += lacing.p[i];
	return n;
}

int ogg_page_read(struct ogg_page *out, struct bytes file, size_t at, struct ogg_error *error)
{
	struct bytes head = bytes_sub(file, at, PAGE_HEAD), rest = bytes_from(file, at + PAGE_HEAD);
	const uint8_t *p = head.p;
	struct ogg_page page;

	if (head.n < PAGE_HEAD)
		return ogg_page_refuse(error, file.n, "ends within the head of a page");
	if (!bytes_starts(head, "OggS"))
		return ogg_page_refuse(error, at, "no page of Ogg begins here");
	if (p[4] != 0)
		return ogg_page_refuse(error, at + 4, "unknown version of Ogg");
	page = (struct ogg_page){
		.at = at,
		.flags = p[5],
		.granule = page_le32(p + 6) | (uint64_t)page_le32(p + 10) << 32,
		.stream = page_le32(p + 14),
		.number = page_le32(p + 18),
		.lacing = bytes_sub(rest, 0, p[26]),
	};
	page.body = bytes_sub(rest, p[26], body_length(page.lacing));
	page.end = at + PAGE_HEAD + p[26] + body_length(page.lacing);
	if (page.end > file.n || page.lacing.n < p[26])
		return ogg_page_refuse(error, file.n, "ends within a page");
	if (page_checksum(p, page.end - at) != page_le32(p + CHECKSUM_AT))
		return ogg_page_refuse(error, at, "this page is damaged: its checksum is wrong");
	*out = page;
	return 0;
}

static void page_put_le(struct writer *w, uint64_t v, unsigned octets)
{
	for (unsigned i = 0; i < octets; i++)
		writer_u8(w, (uint8_t)(v >> (8 * i)));
}

void ogg_page_write(struct writer *w, const struct ogg_page *page)
{
	size_t at = w->n;
	uint32_t sum;

	assert(page->lacing.n <= UINT8_MAX && body_length(page->lacing) == page->body.n);
	writer_mem(w, "OggS", 5); /* with version 0 */
	writer_u8(w, page->flags);
	page_put_le(w, page->granule, 8);
	page_put_le(w, page->stream, 4);
	page_put_le(w, page->number, 4);
	page_put_le(w, 0, 4);
	writer_u8(w, (uint8_t)page->lacing.n);
	writer_bytes(w, page->lacing);
	writer_bytes(w, page->body);
	if (w->overflow)
		return;
	sum = page_checksum(w->p + at, w->n - at);
	for (unsigned i = 0; i < CHECKSUM_END - CHECKSUM_AT; i++)
		w->p[at + CHECKSUM_AT + i] = (uint8_t)(sum >> (8 * i));
}

/* Packets of a file that ogg_parse has taken: nothing is wrong with its pages any more. */

enum { LACING_MORE = 255, SAMPLES_MAX = OGG_RATE / 1000 * 120 };

/* RFC 6716 3.1, table 2: the duration of each frame by the upper five bits of the first octet. */
static uint32_t frame_samples(uint8_t toc)
{
	static const uint32_t silk[4] = { 480, 960, 1920, 2880 };

	if (toc & 0x80) /* CELT */
		return 120U << (toc >> 3 & 3);
	if ((toc & 0x60) == 0x60) /* hybrid */
		return toc & 0x08 ? 960 : 480;
	return silk[toc >> 3 & 3];
}

uint32_t ogg_packet_samples(const uint8_t begin[2], size_t n)
{
	uint32_t frames, samples;

	if (n == 0)
		return 0;
	switch (begin[0] & 3) {
	case 0:
		frames = 1;
		break;
	case 3:
		frames = n > 1 ? begin[1] & 0x3f : 0;
		break;
	default:
		frames = 2;
		break;
	}
	samples = frames * frame_samples(begin[0]);
	return samples <= SAMPLES_MAX ? samples : 0;
}

static bool page_next(struct ogg_packets *r)
{
	struct ogg_error error;
	int err;

	if (r->page.flags & OGG_LAST || r->page.end >= r->file.n)
		return false;
	err = ogg_page_read(&r->page, r->file, r->page.end, &error);
	assert(!err);
	(void)err;
	r->segment = r->place = 0;
	return true;
}

void ogg_packets_open(struct ogg_packets *r, const struct ogg *o)
{
	r->file = o->file;
	r->page = (struct ogg_page){ .end = o->audio };
	r->segment = r->place = 0;
}

bool ogg_packets_next(struct ogg_packets *r, struct bytes *packet, size_t *at)
{
	size_t n = 0;
	uint8_t more = LACING_MORE;

	while (more == LACING_MORE) {
		if (r->segment == r->page.lacing.n) {
			if (!page_next(r))
				return false;
			continue;
		}
		more = r->page.lacing.p[r->segment++];
		assert(n + more <= sizeof(r->octets));
		memcpy(r->octets + n, r->page.body.p + r->place, more);
		n += more;
		r->place += more;
	}
	*packet = bytes_mem(r->octets, n);
	*at = (size_t)(r->page.body.p - r->file.p) + r->place;
	return true;
}
