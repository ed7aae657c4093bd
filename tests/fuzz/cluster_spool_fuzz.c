/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A spool file is read to its end, every entry lies within it, in order, and is what would be written again; an entry behind
 * whatever garbage is found, unless it lies within another. Fields: what is cut off is within, and written again gives the same bytes.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/record.h"
#include "cluster/spool/spool.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LAST_SIZE = SPOOL_ENTRY_HEAD + 4 };

static void rewrite_check(const struct spool_entry *entry, const uint8_t *at)
{
	size_t n = SPOOL_ENTRY_HEAD + entry->fields.n;
	uint8_t *again = malloc(n);
	struct writer w = writer_over(again, n);

	assert(again);
	spool_entry_write(&w, entry);
	assert(!w.overflow && w.n == n && memcmp(again, at, n) == 0);
	free(again);
}

/* What is cut off is all that is whole, none of it twice. */
static void cdrs_check(struct bytes fields, struct bytes whole)
{
	struct bytes rest = fields, one;
	size_t n, size = 0;
	uint32_t count = 0;

	while (cdr_next(&rest, &one, &n)) {
		assert(n > 0 && one.p == fields.p + size);
		size += one.n;
		count++;
	}
	assert(size == whole.n && cdr_count(fields) == (count ? count : 1));
}

static void fields_check(struct bytes fields)
{
	struct bytes rest = fields;
	struct cdr_field field;
	int got;

	while ((got = cdr_field_next(&rest, &field)) > 0) {
		uint8_t *again = malloc(cdr_field_size(&field));
		struct writer w = writer_over(again, cdr_field_size(&field));

		assert(again);
		cdr_field_write(&w, &field);
		assert(!w.overflow && memcmp(again, rest.p - w.n, w.n) == 0);
		free(again);
	}
	assert(got == 0 || got == -EBADMSG);
	assert(got < 0 || rest.n == 0);
	cdrs_check(fields, bytes_sub(fields, 0, fields.n - rest.n));
}

/* Whether there is an entry that begins at mark, or one that holds it. */
static bool read_check(struct bytes in, size_t mark)
{
	struct bytes rest = in, before = in;
	struct spool_entry entry;
	bool found = false;
	int got;

	while ((got = spool_entry_next(&rest, &entry)) != 0) {
		assert(rest.n < before.n);
		assert(rest.n == 0 || rest.p + rest.n == in.p + in.n);
		assert(got == 1 || got == -EBADMSG || (got == -ENODATA && rest.n == 0));
		if (got == 1) {
			assert(entry.fields.p == before.p + SPOOL_ENTRY_HEAD);
			assert(entry.fields.n <= before.n - SPOOL_ENTRY_HEAD);
			rewrite_check(&entry, before.p);
			fields_check(entry.fields);
			found |= before.p <= in.p + mark && in.n - rest.n > mark;
		}
		before = rest;
	}
	return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *file = malloc(size + LAST_SIZE);
	struct writer w = writer_over(file, size + LAST_SIZE);

	assert(file);
	(void)read_check(bytes_mem(data, size), 0);
	fields_check(bytes_mem(data, size));
	writer_mem(&w, data, size);
	spool_entry_write(&w, &(struct spool_entry){ 1, 1, BYTES_LIT("last") });
	assert(!w.overflow);
	assert(read_check(writer_done(&w), size));
	free(file);
	return 0;
}
