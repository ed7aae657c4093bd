/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/sip/stun.h"

#include <errno.h>

enum {
	HEAD_LEN = 20,
	COOKIE_AT = 4,
	ATTRIBUTE_HEAD = 4,
	BINDING_REQUEST = 0x0001,
	BINDING_SUCCESS = 0x0101,
	BINDING_ERROR = 0x0111,
	XOR_MAPPED_ADDRESS = 0x0020,
	ERROR_CODE = 0x0009,
	UNKNOWN_ATTRIBUTES = 0x000a,
	OPTIONAL_FROM = 0x8000, /* an attribute that need not be understood */
	UNKNOWN_MAX = 8,
	FAMILY_V4 = 1,
	FAMILY_V6 = 2,
};

#define COOKIE 0x2112a442U

bool stun_is(struct bytes datagram)
{
	return datagram.n >= HEAD_LEN && datagram.p[0] < 0x40 &&
	       be32_get(datagram.p + COOKIE_AT) == COOKIE;
}

struct unknown {
	uint16_t types[UNKNOWN_MAX];
	unsigned count;
};

/* RFC 5389 7.3.1: what must be understood and is not. 0 or -EBADMSG. */
static int attributes_read(struct bytes rest, struct unknown *out)
{
	while (rest.n) {
		uint16_t type, length;

		if (rest.n < ATTRIBUTE_HEAD)
			return -EBADMSG;
		type = be16_get(rest.p);
		length = be16_get(rest.p + 2);
		if (((length + 3U) & ~3U) > rest.n - ATTRIBUTE_HEAD)
			return -EBADMSG;
		if (type < OPTIONAL_FROM && out->count < UNKNOWN_MAX)
			out->types[out->count++] = type;
		rest = bytes_from(rest, ATTRIBUTE_HEAD + ((length + 3U) & ~3U));
	}
	return 0;
}

static void write_head(struct writer *w, uint16_t type, uint16_t length, struct bytes request)
{
	writer_be16(w, type);
	writer_be16(w, length);
	writer_bytes(w, bytes_sub(request, COOKIE_AT, HEAD_LEN - COOKIE_AT));
}

/* RFC 5389 15.2: the address under cookie and transaction id, so that no box on the way "mends" it. */
static void write_address(struct writer *w, struct bytes request, const struct addr *source)
{
	bool v4 = source->family == ADDR_V4;
	uint16_t n = v4 ? 4 : 16;

	write_head(w, BINDING_SUCCESS, (uint16_t)(ATTRIBUTE_HEAD + 4 + n), request);
	writer_be16(w, XOR_MAPPED_ADDRESS);
	writer_be16(w, (uint16_t)(4 + n));
	writer_u8(w, 0);
	writer_u8(w, v4 ? FAMILY_V4 : FAMILY_V6);
	writer_be16(w, (uint16_t)(source->port ^ (COOKIE >> 16)));
	for (uint16_t i = 0; i < n; i++)
		writer_u8(w, source->ip[i] ^ request.p[COOKIE_AT + i]);
}

static void write_unknown(struct writer *w, struct bytes request, const struct unknown *u)
{
	uint16_t padded = (uint16_t)((2 * u->count + 3) & ~3U);

	write_head(w, BINDING_ERROR, (uint16_t)(2 * ATTRIBUTE_HEAD + 4 + padded), request);
	writer_be16(w, ERROR_CODE);
	writer_be16(w, 4);
	writer_be16(w, 0);
	writer_be16(w, 4 << 8 | 20); /* 420 Unknown Attribute, without words */
	writer_be16(w, UNKNOWN_ATTRIBUTES);
	writer_be16(w, (uint16_t)(2 * u->count));
	for (unsigned i = 0; i < u->count; i++)
		writer_be16(w, u->types[i]);
	if (u->count & 1)
		writer_be16(w, 0);
}

int stun_answer(struct writer *w, struct bytes request, const struct addr *source)
{
	struct unknown unknown = { .count = 0 };

	if (!stun_is(request) || be16_get(request.p) != BINDING_REQUEST ||
	    be16_get(request.p + 2) != request.n - HEAD_LEN ||
	    attributes_read(bytes_from(request, HEAD_LEN), &unknown))
		return -EBADMSG;
	if (unknown.count) {
		write_unknown(w, request, &unknown);
	} else {
		write_address(w, request, source);
	}
	return w->overflow ? -ENOSPC : 0;
}
