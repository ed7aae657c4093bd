/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base64url without padding (RFC 4648 5), for JSON Web Tokens, sealed values in commands and GRUUs.
 * The decoder accepts exactly one text for each value: it refuses padding, any other alphabet,
 * impossible lengths and unused bits that are not zero. So a token or a GRUU cannot be altered and
 * still mean the same.
 */

#include "base/base64url.h"

#include <errno.h>
#include <string.h>

static const char g_base64url[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

int base64url_decode(struct bytes text, uint8_t *out, size_t cap, size_t *n)
{
	uint32_t bits = 0, held = 0;

	*n = 0;
	if (text.n % 4 == 1 || text.n / 4 * 3 + (text.n % 4 ? text.n % 4 - 1 : 0) > cap)
		return -EBADMSG;
	for (size_t i = 0; i < text.n; i++) {
		const char *at = text.p[i] ? strchr(g_base64url, text.p[i]) : NULL;

		if (!at)
			return -EBADMSG;
		bits = bits << 6 | (uint32_t)(at - g_base64url);
		held += 6;
		if (held >= 8) {
			held -= 8;
			out[(*n)++] = (uint8_t)(bits >> held);
		}
	}
	return bits & ((1U << held) - 1) ? -EBADMSG : 0;
}

void base64url_write(struct writer *w, struct bytes octets)
{
	uint32_t bits = 0, held = 0;

	for (size_t i = 0; i < octets.n; i++) {
		bits = bits << 8 | octets.p[i];
		for (held += 8; held >= 6; held -= 6)
			writer_u8(w, (uint8_t)g_base64url[bits >> (held - 6) & 63]);
	}
	if (held)
		writer_u8(w, (uint8_t)g_base64url[bits << (6 - held) & 63]);
}
