/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/dtls/dtls_record.h"

enum {
	RECORD_HEAD = 13, /* type 1, version 2, epoch 2, sequence number 6, length 2 */
	MESSAGE_HEAD =
		12, /* type 1, length 3, sequence number 2, fragment's offset 3, its length 3 */
	HANDSHAKE = 22,
	CLIENT_HELLO = 1,
	RANDOM_AT = RECORD_HEAD + MESSAGE_HEAD + 2 +
		    4, /* after the version, and where old ones have the time */
	RANDOM_END = RANDOM_AT + 28,
};

size_t dtls_record_length(struct bytes in)
{
	size_t n;

	if (in.n < RECORD_HEAD)
		return 0;
	n = RECORD_HEAD + (size_t)be16_get(in.p + 11);
	return n <= in.n ? n : 0;
}

static uint16_t epoch(const uint8_t *record)
{
	return be16_get(record + 3);
}

static uint32_t be24_get(const uint8_t *p)
{
	return (uint32_t)p[0] << 16 | be16_get(p + 1);
}

static bool is_plain_handshake(struct bytes record)
{
	return record.p[0] == HANDSHAKE && epoch(record.p) == 0 &&
	       record.n >= RECORD_HEAD + MESSAGE_HEAD;
}

bool dtls_record_is_bounded(struct bytes in, uint32_t message_max)
{
	if (in.n == 0)
		return false;
	while (in.n > 0) {
		size_t n = dtls_record_length(in);

		if (n == 0)
			return false;
		if (is_plain_handshake(bytes_mem(in.p, n)) &&
		    be24_get(in.p + RECORD_HEAD + 1) > message_max)
			return false;
		in = bytes_from(in, n);
	}
	return true;
}

uint32_t dtls_record_sealed(struct bytes in, size_t *plain)
{
	uint32_t sealed = 0;
	size_t n;

	*plain = 0;
	while ((n = dtls_record_length(in)) > 0) {
		sealed += epoch(in.p) > 0;
		if (sealed == 0)
			*plain += n;
		in = bytes_from(in, n);
	}
	return sealed;
}

bool dtls_record_is_hello(struct bytes in, uint64_t *mark)
{
	size_t n = dtls_record_length(in);

	*mark = 0;
	if (n == 0 || !is_plain_handshake(bytes_mem(in.p, n)) || in.p[RECORD_HEAD] != CLIENT_HELLO)
		return false;
	if (be24_get(in.p + RECORD_HEAD + 6) == 0 && n >= RANDOM_END)
		*mark = ((uint64_t)be32_get(in.p + RANDOM_AT) << 32 |
			 be32_get(in.p + RANDOM_AT + 4)) |
			1;
	return true;
}

bool dtls_record_is_handshake(struct bytes in)
{
	size_t n = dtls_record_length(in);

	return n > 0 && is_plain_handshake(bytes_mem(in.p, n));
}

bool dtls_record_is_finished(struct bytes in)
{
	size_t n;

	while ((n = dtls_record_length(in)) > 0) {
		if (in.p[0] == HANDSHAKE && epoch(in.p) > 0)
			return true;
		in = bytes_from(in, n);
	}
	return false;
}
