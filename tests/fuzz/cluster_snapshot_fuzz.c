/* SPDX-License-Identifier: Apache-2.0 */
/* What is read is written again, octet by octet, also by way of a mirror, and slices lie within the file. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/document/mirror.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t fuzz_gone_count(const struct mirror *s)
{
	return s->gone ? mirror_count(s->gone) : 0;
}

static bool is_within(struct bytes part, const uint8_t *data, size_t size)
{
	return part.p >= data && part.p + part.n <= data + size;
}

static void mirror_check(struct bytes file)
{
	const struct hash_key key = { 1, 2 };
	struct snapshot read, again;
	const char *reason;
	struct mirror mirror;
	int err;
	uint8_t *out;
	size_t n;

	assert(mirror_open(&mirror, 64, &key) == 0);
	assert(snapshot_open(&read, file, &reason) == 0);
	err = mirror_load(&mirror, &read);
	assert(!err || err == -ENOSPC || err == -EINVAL);
	out = mirror_snapshot(&mirror, &n);
	assert(out && snapshot_open(&again, bytes_mem(out, n), &reason) == 0);
	assert(again.count == mirror_count(&mirror) + fuzz_gone_count(&mirror) +
				      (again.format == SNAPSHOT_OF_ONE ? 0 : mirror.tenant_count));
	free(out);
	mirror_close(&mirror);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size + 1), *out = malloc(size + 1);
	struct writer w = writer_over(out, size);
	struct snapshot s;
	struct snapshot_document d;
	const char *reason = NULL;
	uint32_t n = 0;

	assert(copy && out);
	memcpy(copy, data, size);
	/* a fuzzer finds no checksum: it is made right where there is room for one */
	if (size >= SNAPSHOT_HEAD + SNAPSHOT_TAIL && (data[7] & 1) == 0)
		be32_put(copy + size - SNAPSHOT_TAIL,
			 hash_crc32c(0, bytes_mem(copy, size - SNAPSHOT_TAIL)));
	if (snapshot_open(&s, bytes_mem(copy, size), &reason)) {
		assert(reason);
	} else {
		snapshot_head_write(&w, &s, s.rest.n);
		while (snapshot_next(&s, &d)) {
			assert(s.format == SNAPSHOT_OF_ONE || is_within(d.tenant, copy, size));
			assert(is_within(d.kind, copy, size) && is_within(d.name, copy, size));
			assert(is_within(d.text, copy, size) || d.text.n == 0);
			snapshot_document_write(&w, &d, s.format);
			n++;
		}
		snapshot_tail_write(&w, writer_done(&w));
		assert(n == s.count && !w.overflow && w.n == size);
		/* what is reserved may have been other than 0 */
		assert(memcmp(out, copy, 6) == 0 && memcmp(out + 8, copy + 8, size - 12) == 0);
		mirror_check(bytes_mem(copy, size));
	}
	free(copy);
	free(out);
	return 0;
}
