/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parses STUN messages (RFC 8489) and checks MESSAGE-INTEGRITY and FINGERPRINT. ICE checks of
 * browsers arrive here before anything is known of their sender, so all lengths are checked, and
 * the comparison of the HMAC takes constant time. The username alone can be read first, since
 * single-port mode finds the flow by it.
 */

#include <errno.h>
#include <string.h>

#include "base/table.h"
#include "media/stun/stun.h"
#include "media/stun/stun_wire.h"

bool stun_is(struct bytes datagram)
{
	return datagram.n >= STUN_HEAD_LEN && datagram.p[0] < 0x40 &&
	       be32_get(datagram.p + STUN_COOKIE_AT) == STUN_COOKIE;
}

uint32_t stun_crc(struct bytes in)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < in.n; i++) {
		crc ^= in.p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? STUN_CRC_POLYNOMIAL : 0);
	}
	return crc ^ UINT32_MAX ^ STUN_CRC_XOR;
}

/* RFC 8489 14.2: under cookie and transaction id, so that no box on the way "mends" it. */
static int mapped_read(struct stun_message *m, struct bytes value)
{
	uint8_t n = value.n >= 2 && value.p[1] == STUN_FAMILY_V4 ? 4 : 16;

	if (value.n != 4U + n || (n == 16 && value.p[1] != STUN_FAMILY_V6))
		return -EBADMSG;
	if (m->mapped.family != ADDR_NONE)
		return 0;
	m->mapped.family = n == 4 ? ADDR_V4 : ADDR_V6;
	m->mapped.port = (uint16_t)(be16_get(value.p + 2) ^ (STUN_COOKIE >> 16));
	for (uint8_t i = 0; i < n; i++)
		m->mapped.ip[i] = value.p[4 + i] ^ m->whole.p[STUN_COOKIE_AT + i];
	return 0;
}

static int stun_error_read(struct stun_message *m, struct bytes value)
{
	uint8_t class, number;

	if (value.n < 4)
		return -EBADMSG;
	class = value.p[2] & 7;
	number = value.p[3];
	if (class < 3 || class > 6 || number > 99)
		return -EBADMSG;
	if (m->error == 0)
		m->error = (uint16_t)(class * 100 + number);
	return 0;
}

static int role_read(struct stun_message *m, uint16_t type, struct bytes value)
{
	if (value.n != 8)
		return -EBADMSG;
	if (m->controlling || m->controlled)
		return 0;
	m->controlling = type == STUN_ICE_CONTROLLING;
	m->controlled = type == STUN_ICE_CONTROLLED;
	m->tie_breaker = be64_get(value.p);
	return 0;
}

static int username_read(struct stun_message *m, struct bytes value)
{
	if (value.n > STUN_USERNAME_MAX)
		return -EBADMSG;
	if (!m->username.p)
		m->username = value;
	return 0;
}

static int priority_read(struct stun_message *m, struct bytes value)
{
	if (value.n != 4)
		return -EBADMSG;
	if (!m->has_priority)
		m->priority = be32_get(value.p);
	m->has_priority = 1;
	return 0;
}

static int integrity_read(struct stun_message *m, struct bytes value)
{
	if (value.n != HMAC_SHA1_LEN)
		return -EBADMSG;
	m->integrity = value;
	return 0;
}

/* RFC 8489 14.7: the last one, over all before it. */
static int fingerprint_read(struct stun_message *m, struct bytes value)
{
	size_t at = (size_t)(value.p - m->whole.p) - STUN_ATTRIBUTE_HEAD;

	if (value.n != 4 || at + STUN_ATTRIBUTE_HEAD + 4 != m->whole.n ||
	    be32_get(value.p) != stun_crc(bytes_sub(m->whole, 0, at)))
		return -EBADMSG;
	m->has_fingerprint = 1;
	return 0;
}

static void unknown_note(struct stun_unknown *u, uint16_t type)
{
	if (type < STUN_OPTIONAL_FROM && u->count < STUN_UNKNOWN_MAX)
		u->types[u->count++] = type;
}

static int attribute_read(struct stun_message *m, uint16_t type, struct bytes value)
{
	if (type == STUN_FINGERPRINT)
		return fingerprint_read(m, value);
	if (m->integrity.p)
		return 0;
	switch (type) {
	case STUN_USERNAME:
		return username_read(m, value);
	case STUN_MESSAGE_INTEGRITY:
		return integrity_read(m, value);
	case STUN_ERROR_CODE:
		return stun_error_read(m, value);
	case STUN_UNKNOWN_ATTRIBUTES:
		return value.n % 2 ? -EBADMSG : 0;
	case STUN_XOR_MAPPED_ADDRESS:
		return mapped_read(m, value);
	case STUN_PRIORITY:
		return priority_read(m, value);
	case STUN_USE_CANDIDATE:
		m->use_candidate = 1;
		return value.n ? -EBADMSG : 0;
	case STUN_ICE_CONTROLLED:
	case STUN_ICE_CONTROLLING:
		return role_read(m, type, value);
	default:
		unknown_note(&m->unknown, type);
		return 0;
	}
}

int stun_parse(struct stun_message *out, struct bytes datagram)
{
	struct bytes rest = bytes_from(datagram, STUN_HEAD_LEN);
	struct stun_message m = { .whole = datagram };

	if (!stun_is(datagram) || be16_get(datagram.p + 2) != rest.n || rest.n % 4)
		return -EBADMSG;
	m.type = be16_get(datagram.p);
	m.transaction = bytes_sub(datagram, STUN_TRANSACTION_AT, STUN_TRANSACTION_LEN);
	while (rest.n) { /* four octets at least: lengths are whole words */
		size_t n = be16_get(rest.p + 2), padded = (n + 3) & ~(size_t)3;

		if (padded > rest.n - STUN_ATTRIBUTE_HEAD ||
		    attribute_read(&m, be16_get(rest.p), bytes_sub(rest, STUN_ATTRIBUTE_HEAD, n)))
			return -EBADMSG;
		rest = bytes_from(rest, STUN_ATTRIBUTE_HEAD + padded);
	}
	*out = m;
	return 0;
}

struct bytes stun_username(struct bytes datagram)
{
	struct bytes rest = bytes_from(datagram, STUN_HEAD_LEN);

	while (stun_is(datagram) && rest.n >= STUN_ATTRIBUTE_HEAD) {
		size_t n = be16_get(rest.p + 2);

		if (n > rest.n - STUN_ATTRIBUTE_HEAD)
			break;
		if (be16_get(rest.p) == STUN_USERNAME)
			return bytes_sub(rest, STUN_ATTRIBUTE_HEAD, n);
		rest = bytes_from(rest, STUN_ATTRIBUTE_HEAD + ((n + 3) & ~(size_t)3));
	}
	return (struct bytes){ 0 };
}

bool stun_is_authentic(const struct stun_message *m, struct bytes key)
{
	uint8_t digest[HMAC_SHA1_LEN];

	if (!m->integrity.p)
		return false;
	stun_digest(bytes_sub(m->whole, 0,
			      (size_t)(m->integrity.p - m->whole.p) - STUN_ATTRIBUTE_HEAD),
		    key, digest);
	return bytes_eq_secret(bytes_mem(digest, sizeof(digest)), m->integrity);
}

/* RFC 8489 14.5: as if the message ended with this attribute. */
void stun_digest(struct bytes before, struct bytes key, uint8_t out[HMAC_SHA1_LEN])
{
	uint8_t head[4];
	const struct bytes parts[] = { bytes_mem(head, sizeof(head)),
				       bytes_from(before, sizeof(head)) };

	memcpy(head, before.p, sizeof(head));
	be16_put(head + 2,
		 (uint16_t)(before.n - STUN_HEAD_LEN + STUN_ATTRIBUTE_HEAD + HMAC_SHA1_LEN));
	hmac_sha1_of(key, parts, COUNT_OF(parts), out);
}
