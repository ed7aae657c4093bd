/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes STUN messages attribute by attribute into a caller's buffer (RFC 8489 5, 14): responses to
 * ICE checks with XOR-MAPPED-ADDRESS, error codes, integrity and fingerprint. The length field is
 * updated with each attribute, as integrity and fingerprint are computed over it.
 */

#include <assert.h>

#include "media/stun/stun.h"
#include "media/stun/stun_wire.h"

void stun_start(struct writer *w, enum stun_type type, struct bytes transaction)
{
	assert(w->n == 0 && transaction.n == STUN_TRANSACTION_LEN);
	writer_be16(w, (uint16_t)type);
	writer_be16(w, 0);
	writer_be32(w, STUN_COOKIE);
	writer_bytes(w, transaction);
}

static void attribute_start(struct writer *w, uint16_t type, size_t n)
{
	writer_be16(w, type);
	writer_be16(w, (uint16_t)n);
}

/* Padding, and the message as long as it is now. */
static void attribute_end(struct writer *w)
{
	while (w->n % 4 && !w->overflow)
		writer_u8(w, 0);
	if (w->n >= STUN_HEAD_LEN)
		be16_put(w->p + 2, (uint16_t)(w->n - STUN_HEAD_LEN));
}

void stun_put_mapped(struct writer *w, const struct addr *a)
{
	bool v4 = a->family == ADDR_V4;
	uint8_t n = v4 ? 4 : 16;

	attribute_start(w, STUN_XOR_MAPPED_ADDRESS, 4U + n);
	writer_u8(w, 0);
	writer_u8(w, v4 ? STUN_FAMILY_V4 : STUN_FAMILY_V6);
	writer_be16(w, (uint16_t)(a->port ^ (STUN_COOKIE >> 16)));
	for (uint8_t i = 0; i < n && !w->overflow; i++)
		writer_u8(w, a->ip[i] ^ w->p[STUN_COOKIE_AT + i]);
	attribute_end(w);
}

void stun_put_error(struct writer *w, uint16_t code)
{
	attribute_start(w, STUN_ERROR_CODE, 4);
	writer_be16(w, 0);
	writer_u8(w, (uint8_t)(code / 100));
	writer_u8(w, (uint8_t)(code % 100));
	attribute_end(w);
}

void stun_put_unknown(struct writer *w, const struct stun_unknown *u)
{
	attribute_start(w, STUN_UNKNOWN_ATTRIBUTES, 2U * u->count);
	for (uint8_t i = 0; i < u->count; i++)
		writer_be16(w, u->types[i]);
	attribute_end(w);
}

void stun_put_integrity(struct writer *w, struct bytes key)
{
	uint8_t digest[HMAC_SHA1_LEN];

	if (w->overflow)
		return;
	stun_digest(writer_done(w), key, digest);
	attribute_start(w, STUN_MESSAGE_INTEGRITY, sizeof(digest));
	writer_mem(w, digest, sizeof(digest));
	attribute_end(w);
}

void stun_put_fingerprint(struct writer *w)
{
	struct bytes before = writer_done(w);

	if (w->overflow)
		return;
	be16_put(w->p + 2, (uint16_t)(w->n - STUN_HEAD_LEN + STUN_ATTRIBUTE_HEAD + 4));
	attribute_start(w, STUN_FINGERPRINT, 4);
	writer_be32(w, stun_crc(before));
}
