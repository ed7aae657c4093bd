/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: a level, what goes first (bit 0), then an SDP of ours. Oracles: what is said anew can be read; its formats are in the order that was
 * asked for, and none is of a higher level; said anew once more it is the same; and all lines but those of the formats are as they were.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "media/offer/offer.h"

enum { INPUT_MAX = 6000, HEAD = 2 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct bytes fit(struct bytes text, uint8_t level, bool vp8_first, uint8_t *memory)
{
	struct writer w = writer_over(memory, 2 * INPUT_MAX);

	if (offer_video_fit(text, level, vp8_first, &w))
		return (struct bytes){ 0 };
	return writer_done(&w);
}

static bool line_next(struct bytes *text, struct bytes *line)
{
	while (bytes_cut(text, '\n', line)) {
		if (line->n && line->p[line->n - 1] == '\r')
			line->n--;
		if (line->n)
			return true;
	}
	return false;
}

/* As long, and different in those lines alone. */
static void lines_compare(struct bytes before, struct bytes after)
{
	struct bytes a, b;

	while (line_next(&before, &a)) {
		assert(line_next(&after, &b));
		if (!bytes_starts(a, "m=video") && !bytes_starts(a, "a=fmtp:") &&
		    !bytes_starts(a, "m="))
			assert(bytes_eq(a, b));
	}
	assert(!line_next(&after, &b));
}

/* Of those that H.264 knows: what is malformed counts as 1.0, and stays. */
static void pictures_compare(struct bytes before, struct bytes after, uint8_t level, bool vp8_first)
{
	struct offer_video_formats was, is;

	assert(offer_has_video(before) == offer_has_video(after));
	if (!offer_video_read(&was, before, before))
		return;
	assert(offer_video_read(&is, after, after));
	assert(is.vp8 == was.vp8 && is.h264 == was.h264);
	if (is.vp8 && is.h264)
		assert(is.vp8_first == vp8_first);
	if (level >= 0x0a)
		assert(is.local_level <= level && is.local_level <= was.local_level);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t first[2 * INPUT_MAX], second[2 * INPUT_MAX];
	struct bytes text, once, twice;
	bool vp8_first;

	if (size <= HEAD || size > INPUT_MAX)
		return 0;
	vp8_first = data[1] & 1;
	text = bytes_mem(data + HEAD, size - HEAD);
	once = fit(text, data[0], vp8_first, first);
	if (once.n == 0)
		return 0;
	twice = fit(once, data[0], vp8_first, second);
	assert(bytes_eq(once, twice));
	lines_compare(text, once);
	pictures_compare(text, once, data[0], vp8_first);
	return 0;
}
