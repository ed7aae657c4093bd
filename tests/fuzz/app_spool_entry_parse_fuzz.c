/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries of the archive's spool, as fields on a disk. Oracle: texts lie within what was read; what is read is written and read as the same, to the octet.
 * Read anew as a segment of a spool, it is one entry of those fields.
 */
#include <assert.h>

#include "app/archive/process/spool_entry.h"
#include "cluster/spool/spool.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct archive_field g_fields[2][SPOOLED_FIELDS_MAX];

static void is_within(struct bytes text, struct bytes whole)
{
	assert(!text.n || (text.p >= whole.p && text.p + text.n <= whole.p + whole.n));
}

static void is_same(const struct archive_entry *one, const struct archive_entry *other)
{
	assert(one->kind == other->kind && one->count == other->count);
	assert(bytes_eq(one->stream, other->stream) && bytes_eq(one->tenant, other->tenant) &&
	       bytes_eq(one->id, other->id));
	for (size_t i = 0; i < one->count; i++)
		assert(bytes_eq(one->fields[i].name, other->fields[i].name) &&
		       bytes_eq(one->fields[i].value, other->fields[i].value));
}

static void segment_try(struct bytes fields)
{
	static uint8_t space[SPOOL_ENTRY_HEAD + SPOOL_FIELDS_MAX];
	struct writer w = writer_over(space, sizeof(space));
	struct spool_entry out;
	struct bytes rest;

	spool_entry_write(&w, &(struct spool_entry){ 7, 0, fields });
	rest = writer_done(&w);
	assert(w.overflow ||
	       (spool_entry_next(&rest, &out) > 0 && bytes_eq(out.fields, fields) && !rest.n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t first[SPOOL_FIELDS_MAX], second[SPOOL_FIELDS_MAX];
	struct writer w = writer_over(first, sizeof(first)),
		      v = writer_over(second, sizeof(second));
	struct bytes whole = bytes_mem(data, size);
	struct archive_entry entry, again;

	if (size > SPOOL_FIELDS_MAX || !spooled_entry_read(&entry, g_fields[0], whole))
		return 0;
	assert(entry.kind <= ARCHIVE_SECURITY && entry.count <= SPOOLED_FIELDS_MAX);
	is_within(entry.stream, whole);
	is_within(entry.tenant, whole);
	is_within(entry.id, whole);
	for (size_t i = 0; i < entry.count; i++) {
		is_within(entry.fields[i].name, whole);
		is_within(entry.fields[i].value, whole);
	}
	spooled_entry_write(&w, &entry);
	if (w.overflow)
		return 0;
	assert(spooled_entry_read(&again, g_fields[1], writer_done(&w)));
	is_same(&entry, &again);
	spooled_entry_write(&v, &again);
	assert(bytes_eq(writer_done(&v), writer_done(&w)));
	segment_try(writer_done(&w));
	return 0;
}
