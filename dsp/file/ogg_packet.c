/* SPDX-License-Identifier: Apache-2.0 */
/* Packets of a file that ogg_parse has taken: nothing is wrong with its pages any more. */
#include <assert.h>

#include "dsp/file/ogg.h"

enum { LACING_MORE = 255, SAMPLES_MAX = OGG_RATE / 1000 * 120 };

/* RFC 6716 3.1, table 2: what the upper five bits of the first octet say of each frame. */
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
