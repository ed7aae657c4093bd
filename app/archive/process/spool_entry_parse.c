/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An entry of a stream as fields of a spool's entry: the kind, key and tenant of its stream and its
 * id come first, then its own fields. What is read comes from a disk, and is not trusted. Pure.
 */
#include "app/archive/process/spool_entry.h"

#include "base/decimal.h"
#include "cluster/record.h"

static const char *const g_spooled_own[] = { "kind", "stream", "tenant", "entry" };

static void spooled_field_write(struct writer *w, struct bytes name, struct bytes value)
{
	cdr_field_write(w, &(struct cdr_field){ name, value });
}

void spooled_entry_write(struct writer *w, const struct archive_entry *entry)
{
	char kind[DECIMAL_TEXT_MAX];
	const struct bytes own[] = { decimal_text(kind, (uint64_t)entry->kind), entry->stream,
				     entry->tenant, entry->id };

	for (size_t i = 0; i < COUNT_OF(own); i++)
		spooled_field_write(w, bytes_str(g_spooled_own[i]), own[i]);
	for (size_t i = 0; i < entry->count; i++)
		spooled_field_write(w, entry->fields[i].name, entry->fields[i].value);
}

bool spooled_entry_read(struct archive_entry *out, struct archive_field fields[SPOOLED_FIELDS_MAX],
			struct bytes rest)
{
	struct bytes own[COUNT_OF(g_spooled_own)];
	struct cdr_field field;
	uint64_t kind;
	size_t n = 0;

	*out = (struct archive_entry){ .fields = fields };
	while (out->count < SPOOLED_FIELDS_MAX && cdr_field_next(&rest, &field) > 0) {
		if (n < COUNT_OF(own) && !bytes_is(field.name, g_spooled_own[n]))
			return false;
		if (n < COUNT_OF(own))
			own[n++] = field.value;
		else
			fields[out->count++] = (struct archive_field){ field.name, field.value };
	}
	if (n < COUNT_OF(own) || bytes_u64(own[0], &kind) || kind > ARCHIVE_SECURITY)
		return false;
	out->kind = (enum archive_stream)kind;
	out->stream = own[1];
	out->tenant = own[2];
	out->id = own[3];
	return true;
}
