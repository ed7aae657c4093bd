/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encoded words of RFC 2047, by which a caller's name, which is untrusted, gets into the Subject of
 * a mail. libcurl sends headers unchanged. A text can neither begin another header nor be taken for
 * encoded words.
 */
#include <ctype.h>
#include <string.h>

#include "app/helper/mail_words.h"

/* Octets of encoded text: with "Subject: " and a word's frame a line has 76 (RFC 2047 2). */
enum { WORD_ROOM = 54 };

static uint8_t mail_octet(uint8_t c)
{
	return c < ' ' || c == 0x7f ? '?' : c;
}

/* "=?" would be read as the beginning of an encoded word. */
static bool words_needed(struct bytes text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] > '~' || (text.p[i] == '=' && i + 1 < text.n && text.p[i + 1] == '?'))
			return true;
	}
	return false;
}

/* The octets of the next character: a word has whole ones (RFC 2047 5). */
static size_t character_octets(struct bytes text)
{
	size_t n = 1;

	while (n < text.n && (text.p[n] & 0xc0) == 0x80)
		n++;
	return n;
}

/* Letters and digits stand for themselves in a word. */
static size_t octets_encoded(struct bytes text, char out[3 * WORD_ROOM])
{
	static const char digits[] = "0123456789ABCDEF";
	size_t n = 0;

	for (size_t i = 0; i < text.n && n + 3 <= 3 * WORD_ROOM; i++) {
		uint8_t c = mail_octet(text.p[i]);

		if (c < 0x80 && isalnum(c)) {
			out[n++] = (char)c;
			continue;
		}
		out[n++] = '=';
		out[n++] = digits[c >> 4];
		out[n++] = digits[c & 15];
	}
	return n;
}

void mail_words_write(struct writer *w, struct bytes text)
{
	char encoded[3 * WORD_ROOM];
	size_t used = 0;

	if (!words_needed(text)) {
		for (size_t i = 0; i < text.n; i++)
			writer_u8(w, mail_octet(text.p[i]));
		return;
	}
	writer_str(w, "=?UTF-8?Q?");
	while (text.n) {
		struct bytes one = bytes_sub(text, 0, character_octets(text));
		size_t n = octets_encoded(one, encoded);

		if (used && used + n > WORD_ROOM) {
			writer_str(w, "?=\r\n =?UTF-8?Q?");
			used = 0;
		}
		writer_mem(w, encoded, n);
		used += n;
		text = bytes_from(text, one.n);
	}
	writer_str(w, "?=");
}
