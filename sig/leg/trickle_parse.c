/* SPDX-License-Identifier: Apache-2.0 */
/* Checks the syntax of a trickle ICE body (trickle.h, RFC 8840, RFC 8839): known attributes with
 * valid credentials and candidates, bounded in size. Its content is not used, as an ICE-lite agent
 * needs none; but a malformed body gets an error response. Pure. */

#include <errno.h>

#include "sig/leg/trickle.h"

/* RFC 8839 5.1, 5.4 */
enum {
	UFRAG_MIN = 4,
	PWD_MIN = 22,
	CREDENTIAL_MAX = 256,
	FOUNDATION_MAX = 32,
	COMPONENT_LAST = 256,
};

struct fragment {
	bool in_media, ufrag, pwd;
};

static bool is_letter_or_digit(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* RFC 8839 5.1: ice-char */
static bool attribute_is_ice(struct bytes b, size_t min, size_t max)
{
	for (size_t i = 0; i < b.n; i++) {
		if (!is_letter_or_digit(b.p[i]) && b.p[i] != '+' && b.p[i] != '/')
			return false;
	}
	return b.n >= min && b.n <= max;
}

/* No blank, since it was cut at them, and no control character, since its line has none. */
static bool next_word(struct bytes *rest, struct bytes *word)
{
	return bytes_cut(rest, ' ', word) && word->n > 0;
}

static bool next_number(struct bytes *rest, uint32_t max)
{
	struct bytes word;
	uint32_t n;

	return next_word(rest, &word) && !bytes_u32(word, &n) && n <= max;
}

/* RFC 8839 5.1. The address may be a name (mDNS); extensions behind the type are ignored. */
static bool is_candidate(struct bytes rest)
{
	struct bytes foundation, transport, address, typ, type;

	return next_word(&rest, &foundation) && attribute_is_ice(foundation, 1, FOUNDATION_MAX) &&
	       next_number(&rest, COMPONENT_LAST) && next_word(&rest, &transport) &&
	       next_number(&rest, UINT32_MAX) && next_word(&rest, &address) &&
	       next_number(&rest, UINT16_MAX) && next_word(&rest, &typ) && bytes_is(typ, "typ") &&
	       next_word(&rest, &type);
}

static bool trickle_attribute_read(struct fragment *f, struct bytes value)
{
	struct bytes name = bytes_sub(value, 0, bytes_find(value, ':'));
	struct bytes rest = bytes_from(value, name.n + 1);

	if (bytes_is(name, "ice-ufrag")) {
		f->ufrag = true;
		return attribute_is_ice(rest, UFRAG_MIN, CREDENTIAL_MAX);
	}
	if (bytes_is(name, "ice-pwd")) {
		f->pwd = true;
		return attribute_is_ice(rest, PWD_MIN, CREDENTIAL_MAX);
	}
	if (bytes_is(name, "candidate"))
		return f->in_media && is_candidate(rest);
	return name.n > 0;
}

static bool trickle_is_text(struct bytes line)
{
	for (size_t i = 0; i < line.n; i++) {
		if (line.p[i] < ' ' || line.p[i] == 0x7f)
			return false;
	}
	return true;
}

static bool trickle_line_read(struct fragment *f, struct bytes line)
{
	if (!trickle_is_text(line))
		return false;
	if (bytes_starts(line, "m=")) {
		f->in_media = true;
		return line.n > 2;
	}
	return bytes_starts(line, "a=") && trickle_attribute_read(f, bytes_from(line, 2));
}

int trickle_check(struct bytes body)
{
	struct fragment f = { 0 };
	struct bytes line;

	if (body.n > TRICKLE_MAX)
		return -EMSGSIZE;
	while (bytes_cut(&body, '\n', &line)) {
		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		if (!trickle_line_read(&f, line))
			return -EBADMSG;
	}
	return f.ufrag && f.pwd ? 0 : -EBADMSG; /* RFC 8840 4.4: each has them */
}
