/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first page has the head, the next ones have tags, and all that follow have packets of Opus
 * (RFC 7845 3). The granule position of a page counts samples up to the last packet that ends in
 * it; that of the last page may cut some off.
 */

#include <errno.h>

#include "dsp/file/ogg.h"

enum { HEAD_OCTETS = 19, LACING_ON = 255 };

struct walk {
	struct bytes file;
	struct ogg_error *error;
	size_t at; /* of the next page */
	struct ogg_page page;
	uint32_t pages;
	uint64_t packet; /* octets of the packet in progress */
	uint8_t begin[2];
	uint64_t total, start; /* samples; those that a stream had before it was recorded */
	uint64_t cut;          /* samples that are left of total */
	bool is_open;          /* a packet continues on the next page */
	bool timed;            /* start is known */
};

static int ogg_refuse(struct walk *w, size_t at, const char *reason)
{
	*w->error = (struct ogg_error){ .at = at, .reason = reason };
	return -EBADMSG;
}

static int walk_page(struct walk *w)
{
	uint32_t stream = w->page.stream;
	int err = ogg_page_read(&w->page, w->file, w->at, w->error);

	if (err)
		return err;
	if (w->pages && (w->page.flags & OGG_FIRST || w->page.stream != stream))
		return ogg_refuse(w, w->at, "more than one stream");
	if (w->page.number != w->pages)
		return ogg_refuse(w, w->at, "a page is missing before this one");
	if (w->is_open != (bool)(w->page.flags & OGG_CONTINUED))
		return ogg_refuse(w, w->at, "a packet is cut before this page");
	w->at = w->page.end;
	w->pages++;
	return 0;
}

/* ---- the head ---- */

static uint16_t ogg_le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

/* RFC 7845 5.1 */
static int walk_head(struct walk *w, struct ogg *o)
{
	int err = walk_page(w);
	struct bytes head = w->page.body;
	size_t at;

	if (err)
		return err;
	at = (size_t)(head.p - w->file.p);
	if (!bytes_starts(head, "OpusHead"))
		return ogg_refuse(w, at, "is Ogg, but not of Opus");
	if (!(w->page.flags & OGG_FIRST))
		return ogg_refuse(w, 5, "does not begin with the first page of a stream");
	if (head.n < HEAD_OCTETS || w->page.lacing.n != 1)
		return ogg_refuse(w, at, "the head of Opus has another length");
	if (head.p[8] >> 4)
		return ogg_refuse(w, at + 8, "unknown version of Opus in Ogg");
	if (head.p[18] != 0 || head.p[9] < 1 || head.p[9] > 2 || head.n != HEAD_OCTETS)
		return ogg_refuse(w, at + 9, "neither mono nor stereo (mapping family 0)");
	o->channels = head.p[9];
	o->pre_skip = ogg_le16(head.p + 10);
	o->gain = (int16_t)ogg_le16(head.p + 16);
	return 0;
}

/* RFC 7845 5.2: one packet on pages of its own, with any contents. */
static int walk_tags(struct walk *w)
{
	int err = walk_page(w);

	if (!err && !bytes_starts(w->page.body, "OpusTags"))
		return ogg_refuse(w, w->page.at, "the second page has no tags of Opus");
	while (!err) {
		struct bytes lacing = w->page.lacing;
		size_t i = 0;

		while (i < lacing.n && lacing.p[i] == LACING_ON)
			i++;
		if (i + 1 == lacing.n)
			break;
		if (i < lacing.n)
			return ogg_refuse(w, w->page.at,
					  "something follows the tags on their page");
		w->is_open = true;
		err = walk_page(w);
	}
	w->is_open = false;
	return err;
}

/* ---- sound ---- */

/* So many octets more. */
static void packet_add(struct walk *w, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n && w->packet + i < sizeof(w->begin); i++)
		w->begin[w->packet + i] = p[i];
	w->packet += n;
}

static int packet_end(struct walk *w, const uint8_t *end, uint64_t *samples)
{
	uint32_t n =
		w->packet <= OGG_PACKET_MAX ? ogg_packet_samples(w->begin, (size_t)w->packet) : 0;

	if (!n)
		return ogg_refuse(w, (size_t)(end - w->file.p),
				  "what ends here is no packet of Opus");
	*samples += n;
	w->packet = 0;
	return 0;
}

/* Packets that end on this page, and their samples. */
static int page_packets(struct walk *w, uint32_t *packets, uint64_t *samples)
{
	const uint8_t *p = w->page.body.p;
	int err = 0;

	for (size_t i = 0; !err && i < w->page.lacing.n; i++) {
		uint8_t n = w->page.lacing.p[i];

		packet_add(w, p, n);
		p += n;
		w->is_open = n == LACING_ON;
		if (w->is_open)
			continue;
		++*packets;
		err = packet_end(w, p, samples);
	}
	return err;
}

/* RFC 7845 4.3 to 4.5. In a recording that was cut out of a stream, times start at its first
 * page. */
static int page_time(struct walk *w, uint64_t samples)
{
	uint64_t granule = w->page.granule;
	bool last = w->page.flags & OGG_LAST;

	w->total += samples;
	if (granule > INT64_MAX || (granule < samples && !w->timed && !last))
		return ogg_refuse(w, w->page.at + 6, "a page ends before its packets do");
	if (!w->timed)
		w->start = granule > samples ? granule - samples : 0;
	w->timed = true;
	if (granule < w->start || (!last && granule - w->start < w->total))
		return ogg_refuse(w, w->page.at + 6, "a page ends before its packets do");
	w->cut = granule - w->start < w->total ? granule - w->start : w->total;
	return 0;
}

static int walk_sound(struct walk *w)
{
	int err = 0;

	while (!err && w->at < w->file.n) {
		uint32_t packets = 0;
		uint64_t samples = 0;

		err = walk_page(w);
		if (!err)
			err = page_packets(w, &packets, &samples);
		if (!err && packets)
			err = page_time(w, samples);
		if (!err && w->page.flags & OGG_LAST)
			break;
	}
	if (!err && w->is_open)
		return ogg_refuse(w, w->at, "ends within a packet");
	if (!err && w->at < w->file.n)
		return ogg_refuse(w, w->at, "something follows the last page");
	return err;
}

int ogg_parse(struct ogg *out, struct bytes file, struct ogg_error *error)
{
	struct walk w = { .file = file, .error = error };
	struct ogg o = { .file = file };
	int err = walk_head(&w, &o);

	if (!err)
		err = walk_tags(&w);
	o.audio = w.at;
	if (!err)
		err = walk_sound(&w);
	if (!err && w.cut <= o.pre_skip)
		err = ogg_refuse(&w, w.at, "no samples");
	if (err)
		return err;
	o.samples = w.cut - o.pre_skip;
	*out = o;
	return 0;
}
