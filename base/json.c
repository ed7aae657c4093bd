/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes JSON strings and checks UTF-8 (RFC 8259 8.1, RFC 3629). SIP and SDP texts may hold any
 * octet, but a JSON text must be UTF-8, so octets above 127 of other texts become '?'. Events, call
 * records, documents and answers of the API are written through it. The table of lead octets
 * refuses overlong forms, surrogates and code points above U+10FFFF.
 */

#include "base/json.h"

/* For lead octets: how many octets follow, and the range of the first one (RFC 3629 4). */
struct lead {
	uint8_t first, last; /* octets that begin so */
	uint8_t more, low, high;
};

static const struct lead g_leads[] = {
	{ 0x00, 0x7f, 0, 0, 0 },       { 0xc2, 0xdf, 1, 0x80, 0xbf }, { 0xe0, 0xe0, 2, 0xa0, 0xbf },
	{ 0xe1, 0xec, 2, 0x80, 0xbf }, { 0xed, 0xed, 2, 0x80, 0x9f }, { 0xee, 0xef, 2, 0x80, 0xbf },
	{ 0xf0, 0xf0, 3, 0x90, 0xbf }, { 0xf1, 0xf3, 3, 0x80, 0xbf }, { 0xf4, 0xf4, 3, 0x80, 0x8f },
};

static const struct lead *lead_of(uint8_t octet)
{
	for (size_t i = 0; i < COUNT_OF(g_leads); i++) {
		if (octet >= g_leads[i].first && octet <= g_leads[i].last)
			return &g_leads[i];
	}
	return NULL;
}

/* Length of the character at the front in octets, or 0 if it is not valid. */
static size_t json_character(struct bytes text)
{
	const struct lead *lead = lead_of(text.p[0]);

	if (!lead || text.n < 1U + lead->more)
		return 0;
	if (lead->more && (text.p[1] < lead->low || text.p[1] > lead->high))
		return 0;
	for (size_t i = 2; i <= lead->more; i++) {
		if ((text.p[i] & 0xc0) != 0x80)
			return 0;
	}
	return 1U + lead->more;
}

bool utf8_is(struct bytes text)
{
	size_t n = 1;

	for (; text.n && n; text = bytes_from(text, n))
		n = json_character(text);
	return n != 0;
}

static void escape(struct writer *w, uint8_t c)
{
	static const char digits[] = "0123456789abcdef";

	if (c >= ' ') { /* a quote, or a backslash */
		writer_u8(w, '\\');
		writer_u8(w, c);
		return;
	}
	writer_str(w, "\\u00");
	writer_u8(w, (uint8_t)digits[c >> 4]);
	writer_u8(w, (uint8_t)digits[c & 15]);
}

static bool json_is_plain(uint8_t c)
{
	return c >= ' ' && c != '"' && c != '\\';
}

void json_write_text(struct writer *w, struct bytes text)
{
	bool utf8 = utf8_is(text);
	size_t from = 0;

	writer_u8(w, '"');
	for (size_t i = 0; i <= text.n; i++) {
		bool ends =
			i == text.n || !json_is_plain(text.p[i]) || (!utf8 && text.p[i] >= 0x80);

		if (!ends)
			continue;
		writer_bytes(w, bytes_sub(text, from, i - from));
		from = i + 1;
		if (i < text.n && text.p[i] >= 0x80)
			writer_u8(w, '?');
		else if (i < text.n)
			escape(w, text.p[i]);
	}
	writer_u8(w, '"');
}
