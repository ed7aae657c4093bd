/* SPDX-License-Identifier: Apache-2.0 */
/* The oracle: a message in pieces, as the octets in front cut it, is the message; what is text is what an own, slower reading of RFC 3629
 * calls so. And a listed origin is one that is listed. */
#include <assert.h>
#include <string.h>

#include "app/settings/origin.h"
#include "app/web/web_sip.h"

enum { CUTS = 8 };

static void check_pieces(const uint8_t *cuts, struct bytes in)
{
	struct web_message m = { 0 };
	size_t at = 0;

	for (size_t i = 0; at < in.n; i = (i + 1) % CUTS) {
		struct bytes piece = bytes_sub(in, at, cuts[i] + (size_t)1);

		at += piece.n;
		if (web_message_add(&m, piece, in.n - at)) {
			assert(in.n > STREAM_MESSAGE_MAX);
			web_message_clear(&m);
			return;
		}
	}
	assert(m.n == in.n && (m.n == 0 || !memcmp(m.data, in.p, in.n)));
	assert((web_message_kind(bytes_mem(m.data, m.n)) == WEB_MESSAGE_PING) ==
	       bytes_is(in, "\r\n\r\n"));
	web_message_clear(&m);
}

static bool is_within(uint8_t c, uint8_t from, uint8_t to)
{
	return c >= from && c <= to;
}

/* The table of RFC 3629 4, line by line. */
static bool is_text(struct bytes b)
{
	static const uint8_t lines[][3] = { /* head from, to, octets after it */
					    { 0x00, 0x7f, 0 },
					    { 0xc2, 0xdf, 1 },
					    { 0xe0, 0xef, 2 },
					    { 0xf0, 0xf4, 3 }
	};

	while (b.n) {
		size_t i = 0;
		uint8_t head = b.p[0], from = 0x80, to = 0xbf;

		while (i < COUNT_OF(lines) && !is_within(head, lines[i][0], lines[i][1]))
			i++;
		if (i == COUNT_OF(lines) || b.n <= lines[i][2])
			return false;
		from = head == 0xe0 ? 0xa0 : head == 0xf0 ? 0x90 : from;
		to = head == 0xed ? 0x9f : head == 0xf4 ? 0x8f : to;
		for (uint8_t k = 1; k <= lines[i][2]; k++, from = 0x80, to = 0xbf) {
			if (!is_within(b.p[k], from, to))
				return false;
		}
		b = bytes_from(b, lines[i][2] + (size_t)1);
	}
	return true;
}

static void check_origin(struct bytes in)
{
	static const char listed[][ORIGIN_MAX] = { "https://a.example", "http://b.example:80" };
	struct origin_request r = { .secure = true };
	bool own;

	r.host = in;
	(void)bytes_cut(&r.host, '\n', &r.origin);
	if (!r.origin.p)
		return;
	own = r.origin.n > 8 && bytes_starts(r.origin, "https://") &&
	      bytes_ieq(bytes_from(r.origin, 8), r.host);
	assert(origin_is_allowed(&r, NULL, 0) == own);
	assert(origin_is_allowed(&r, listed, 2) ==
	       (bytes_iis(r.origin, listed[0]) || bytes_iis(r.origin, listed[1])));
	(void)origin_is_pattern(in);
	(void)origin_offers(in, "sip");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in;

	if (size < CUTS)
		return 0;
	in = bytes_mem(data + CUTS, size - CUTS);
	check_pieces(data, in);
	assert(web_message_is_text(in) == is_text(in));
	check_origin(in);
	return 0;
}
