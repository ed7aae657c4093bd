/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Run-length coding of zero octets, in the format that compact.h draws. The directory of extensions
 * (app/document/extensions.c) holds its values in this form, since a struct of an extension is
 * mostly zeros and there are many thousands. A pair of lengths takes two octets, so runs of fewer
 * than three zeros are copied as they are. Reading never writes past the value's size.
 */

#include "base/compact.h"

#include <assert.h>
#include <string.h>

enum {
	RUN_MAX = UINT8_MAX,
	GAP_MIN = 3, /* a new pair of lengths takes two octets */
};

static bool compact_is_zero(const uint8_t *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word == 0;
}

static size_t compact_zeros(struct bytes in, size_t at)
{
	const size_t step = sizeof(uint64_t);
	size_t n = 0;

	while (n + step <= RUN_MAX && at + n + step <= in.n && compact_is_zero(in.p + at + n))
		n += step;
	while (at + n < in.n && n < RUN_MAX && in.p[at + n] == 0)
		n++;
	return n;
}

/* Up to zeros that are worth a pair. */
static size_t compact_others(struct bytes in, size_t at)
{
	size_t n = 0;

	while (at + n < in.n && n < RUN_MAX &&
	       compact_zeros(bytes_sub(in, 0, at + n + GAP_MIN), at + n) < GAP_MIN)
		n++;
	return n;
}

static size_t compact_end(struct bytes in)
{
	const size_t step = sizeof(uint64_t);
	size_t n = in.n;

	while (n >= step && compact_is_zero(in.p + n - step))
		n -= step;
	while (n && in.p[n - 1] == 0)
		n--;
	return n;
}

void compact_write(struct writer *w, struct bytes value)
{
	struct bytes in = bytes_sub(value, 0, compact_end(value));

	for (size_t at = 0; at < in.n;) {
		size_t zeros = compact_zeros(in, at);
		size_t others = compact_others(in, at + zeros);

		writer_u8(w, (uint8_t)zeros);
		writer_u8(w, (uint8_t)others);
		writer_mem(w, in.p + at + zeros, others);
		at += zeros + others;
	}
}

void compact_read(void *value, size_t n, struct bytes in)
{
	struct writer w = writer_over(value, n);

	memset(value, 0, n);
	while (in.n >= 2) {
		size_t zeros = in.p[0], others = in.p[1];

		(void)writer_room(&w, zeros);
		writer_bytes(&w, bytes_sub(in, 2, others));
		in = bytes_from(in, 2 + others);
	}
	assert(!w.overflow);
}
