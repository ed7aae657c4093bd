/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/spool/entry.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/hash.h"

enum {
	ENTRY_MAGIC_LEN = 4,
	ENTRY_LENGTH_AT = 4,
	AT_NUMBER = 8,
	AT_CALL = 16,
	ENTRY_CRC_AT = 24,
};

static const char g_entry_magic[ENTRY_MAGIC_LEN + 1] = "TDC1";

static uint32_t entry_crc(const uint8_t *head, struct bytes fields)
{
	return hash_crc32c(hash_crc32c(0, bytes_mem(head, ENTRY_CRC_AT)), fields);
}

void spool_entry_write(struct writer *w, const struct spool_entry *entry)
{
	uint8_t head[SPOOL_ENTRY_HEAD];
	struct writer hw = writer_over(head, sizeof(head));

	assert(entry->fields.n <= SPOOL_FIELDS_MAX);
	writer_mem(&hw, g_entry_magic, ENTRY_MAGIC_LEN);
	writer_be32(&hw, (uint32_t)entry->fields.n);
	writer_be64(&hw, entry->number);
	writer_be64(&hw, entry->call);
	writer_be32(&hw, entry_crc(head, entry->fields));
	writer_mem(w, head, sizeof(head));
	writer_bytes(w, entry->fields);
}

/* Skips to where the next entry may start. */
static int entry_skip(struct bytes *rest)
{
	const uint8_t *found = memmem(rest->p + 1, rest->n - 1, g_entry_magic, ENTRY_MAGIC_LEN);

	*rest = found ? bytes_from(*rest, (size_t)(found - rest->p)) : (struct bytes){ 0 };
	return -EBADMSG;
}

static int skip_torn(struct bytes *rest)
{
	(void)entry_skip(rest);
	return rest->n ? -EBADMSG : -ENODATA;
}

int spool_entry_next(struct bytes *rest, struct spool_entry *out)
{
	struct bytes in = *rest;
	size_t same = in.n < ENTRY_MAGIC_LEN ? in.n : ENTRY_MAGIC_LEN;
	struct bytes fields;

	if (in.n == 0)
		return 0;
	if (memcmp(in.p, g_entry_magic, same) != 0)
		return entry_skip(rest);
	if (in.n < SPOOL_ENTRY_HEAD)
		return skip_torn(rest);
	if (be32_get(in.p + ENTRY_LENGTH_AT) > SPOOL_FIELDS_MAX)
		return entry_skip(rest);
	if (be32_get(in.p + ENTRY_LENGTH_AT) > in.n - SPOOL_ENTRY_HEAD)
		return skip_torn(rest);
	fields = bytes_sub(in, SPOOL_ENTRY_HEAD, be32_get(in.p + ENTRY_LENGTH_AT));
	if (be32_get(in.p + ENTRY_CRC_AT) != entry_crc(in.p, fields))
		return entry_skip(rest);
	*out = (struct spool_entry){
		.number = be64_get(in.p + AT_NUMBER),
		.call = be64_get(in.p + AT_CALL),
		.fields = fields,
	};
	*rest = bytes_from(in, SPOOL_ENTRY_HEAD + fields.n);
	return 1;
}
