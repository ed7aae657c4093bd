/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/sip/xml.h"

enum { UTF8_MAX = 4 };

static uint32_t utf8_rest(struct bytes text, uint32_t n, uint32_t code)
{
	for (uint32_t i = 1; i < n; i++) {
		if ((text.p[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (text.p[i] & 0x3f);
	}
	return code;
}

/* How many octets the first character has; 0: it is none that XML has (XML 1.0 2.2, RFC 3629 3). */
static uint32_t utf8_first(struct bytes text)
{
	static const uint32_t least[UTF8_MAX + 1] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint8_t c = text.p[0];
	uint32_t n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2, code;

	if (c < 0x80)
		return c >= ' ' && c != 0x7f;
	if (c < 0xc0 || c > 0xf4 || text.n < n)
		return 0;
	code = utf8_rest(text, n, c & (0x7fU >> n));
	if (code < least[n] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ||
	    code == 0xfffe || code == 0xffff)
		return 0;
	return n;
}

static void write_one(struct writer *w, uint8_t c)
{
	switch (c) {
	case '&':
		writer_str(w, "&amp;");
		return;
	case '<':
		writer_str(w, "&lt;");
		return;
	case '>':
		writer_str(w, "&gt;");
		return;
	case '"':
		writer_str(w, "&quot;");
		return;
	case '\'':
		writer_str(w, "&apos;");
		return;
	default:
		writer_u8(w, c);
	}
}

void xml_write(struct writer *w, struct bytes text)
{
	while (text.n && !w->overflow) {
		uint32_t n = utf8_first(text);

		if (n > 1)
			writer_bytes(w, bytes_sub(text, 0, n));
		else
			write_one(w, n ? text.p[0] : '?');
		text = bytes_from(text, n ? n : 1);
	}
}
