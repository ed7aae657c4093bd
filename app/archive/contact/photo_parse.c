/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pictures of people. What one is, its octets say, and no name of a type that somebody gives: so
 * what a client is sent as a picture is one. They are anybody's who has a password: this is fuzzed.
 */
#include <stdlib.h>
#include <string.h>

#include "app/archive/contact/contact.h"

#define DATA   "data:"
#define BASE64 ";base64,"
#define JPEG   "image/jpeg"
#define PNG    "image/png"

static bool side_is_good(uint32_t pixels)
{
	return pixels && pixels <= CONTACT_PHOTO_SIDE_MAX;
}

/* ISO/IEC 15948 5.3: chunks, the first with its sides, up to the last one. */
static bool png_is(struct bytes in)
{
	bool first = true;

	for (in = bytes_from(in, 8); in.n >= 12; first = false) {
		uint32_t n = be32_get(in.p);

		if (n > in.n - 12)
			return false;
		if (first &&
		    (n != 13 || memcmp(in.p + 4, "IHDR", 4) != 0 ||
		     !side_is_good(be32_get(in.p + 8)) || !side_is_good(be32_get(in.p + 12))))
			return false;
		if (!memcmp(in.p + 4, "IEND", 4))
			return true;
		in = bytes_from(in, n + 12);
	}
	return false;
}

/* ITU-T T.81 B.1.1: segments, one with the sides, up to the start of a scan. */
static bool jpeg_is(struct bytes in)
{
	bool sized = false;

	in = bytes_from(in, 2);
	while (in.n >= 4 && in.p[0] == 0xff) {
		uint8_t marker = in.p[1];
		uint16_t n = be16_get(in.p + 2);

		if (marker == 0xff) { /* a fill octet */
			in = bytes_from(in, 1);
			continue;
		}
		if (marker < 0xc0 || (marker >= 0xd0 && marker <= 0xd9) || n < 2 || n > in.n - 2)
			return false;
		if (marker == 0xda)
			return sized;
		if (marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc) {
			if (n < 8 || !side_is_good(be16_get(in.p + 5)) ||
			    !side_is_good(be16_get(in.p + 7)))
				return false;
			sized = true;
		}
		in = bytes_from(in, 2U + n);
	}
	return false;
}

const char *photo_type(struct bytes octets)
{
	if (bytes_starts(octets, "\x89PNG\r\n\x1a\n"))
		return png_is(octets) ? PNG : NULL;
	return bytes_starts(octets, "\xff\xd8") && jpeg_is(octets) ? JPEG : NULL;
}

/* ---- base64 ---- */

static int base64_value(uint8_t c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* One text for each value. False: no base64. */
static bool photo_base64_read(struct bytes text, uint8_t *out, size_t *n)
{
	uint32_t bits = 0;

	*n = 0;
	if (!text.n || text.n % 4)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		bool padding = text.p[i] == '=' && i + 2 >= text.n &&
			       (i + 1 == text.n || text.p[i + 1] == '=');
		int value = padding ? 0 : base64_value(text.p[i]);

		if (value < 0)
			return false;
		bits = bits << 6 | (uint32_t)value;
		if (i % 4 == 3) {
			out[(*n)++] = (uint8_t)(bits >> 16);
			out[(*n)++] = (uint8_t)(bits >> 8);
			out[(*n)++] = (uint8_t)bits;
		}
	}
	for (size_t i = 1; i <= 2 && text.p[text.n - i] == '='; i++) {
		if (out[--*n])
			return false;
	}
	return true;
}

static struct bytes photo_base64(struct bytes text)
{
	size_t comma = bytes_find(text, ',') + 1, tail = sizeof(BASE64) - 1;

	if (!bytes_istarts(text, DATA) || comma > text.n || comma < tail ||
	    !bytes_istarts(bytes_from(text, comma - tail), BASE64))
		return (struct bytes){ 0 };
	return bytes_from(text, comma);
}

uint8_t *photo_octets(struct bytes text, const char **type, size_t *n)
{
	struct bytes data = photo_base64(text);
	uint8_t *out = data.n && text.n <= CONTACT_PHOTO_MAX ? malloc(data.n) : NULL;

	*type = out && photo_base64_read(data, out, n) ? photo_type(bytes_mem(out, *n)) : NULL;
	if (*type)
		return out;
	free(out);
	return NULL;
}

static bool link_is_good(struct bytes text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] <= ' ' || text.p[i] >= 0x7f || strchr("\"<>\\^`{|}", text.p[i]))
			return false;
	}
	return bytes_istarts(text, "https://") || bytes_istarts(text, "http://");
}

bool photo_write_kept(struct writer *w, struct bytes text)
{
	const char *type;
	uint8_t *octets;
	size_t n = 0;

	if (link_is_good(text)) {
		writer_bytes(w, text);
		return !w->overflow;
	}
	octets = photo_octets(text, &type, &n);
	free(octets);
	if (!octets)
		return false;
	WRITER_TEXTS(w, DATA, type, BASE64);
	writer_bytes(w, photo_base64(text));
	return !w->overflow;
}
