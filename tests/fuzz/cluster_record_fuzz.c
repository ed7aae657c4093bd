/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What opens, seals to the same bytes, and its payload lies within. Any bytes sealed open to themselves, and no longer after
 * one of their bits was turned.
 */
#include <assert.h>
#include <stdlib.h>

#include "cluster/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void open_then_seal(struct bytes in)
{
	struct record record = { 0 };
	const char *reason = NULL;
	uint8_t *again;
	struct writer w;

	if (record_open(&record, in, &reason) != 0) {
		assert(reason && !record.payload.p);
		return;
	}
	assert(!reason && record.payload.p == in.p + RECORD_HEAD &&
	       record.payload.n == in.n - RECORD_HEAD);
	again = malloc(in.n);
	assert(again);
	w = writer_over(again, in.n);
	record_seal(&w, &record);
	assert(!w.overflow && bytes_eq(writer_done(&w), in));
	free(again);
}

static void seal_then_open(struct bytes payload)
{
	size_t n = RECORD_HEAD + payload.n;
	uint8_t *sealed = malloc(n);
	struct writer w = writer_over(sealed, n);
	struct record record = { .version = payload.n, .payload = payload }, got;
	const char *reason;

	assert(sealed);
	record_seal(&w, &record);
	assert(!w.overflow && w.n == n);
	assert(record_open(&got, writer_done(&w), &reason) == 0);
	assert(got.version == record.version && bytes_eq(got.payload, payload));
	sealed[payload.n % n] ^= (uint8_t)(1U << (n % 8));
	assert(record_open(&got, writer_done(&w), &reason) != 0);
	free(sealed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	open_then_seal(bytes_mem(data, size));
	seal_then_open(bytes_mem(data, size));
	return 0;
}
