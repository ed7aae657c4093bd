/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes and checks the envelope of records (magic, format, version, CRC32C) and the fields of
 * CDRs. The store seals each record with it, and opens each one that it loads after a crash or from
 * another node. So a damaged record, or one of a later program, is refused with a reason before
 * anything reads its payload. Pure.
 */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"
#include "cluster/record.h"

enum { CDR_LENGTH_SIZE = 4 };

void cdr_field_write(struct writer *w, const struct cdr_field *field)
{
	writer_be32(w, (uint32_t)field->name.n);
	writer_bytes(w, field->name);
	writer_be32(w, (uint32_t)field->value.n);
	writer_bytes(w, field->value);
}

size_t cdr_field_size(const struct cdr_field *field)
{
	return CDR_LENGTH_SIZE + field->name.n + CDR_LENGTH_SIZE + field->value.n;
}

static bool text_cut(struct bytes *rest, struct bytes *out)
{
	size_t n;

	if (rest->n < CDR_LENGTH_SIZE)
		return false;
	n = be32_get(rest->p);
	if (n > rest->n - CDR_LENGTH_SIZE)
		return false;
	*out = bytes_sub(*rest, CDR_LENGTH_SIZE, n);
	*rest = bytes_from(*rest, CDR_LENGTH_SIZE + n);
	return true;
}

int cdr_field_next(struct bytes *rest, struct cdr_field *out)
{
	struct bytes left = *rest;
	struct cdr_field field;

	if (left.n == 0)
		return 0;
	if (!text_cut(&left, &field.name) || !text_cut(&left, &field.value))
		return -EBADMSG;
	*rest = left;
	*out = field;
	return 1;
}

bool cdr_next(struct bytes *rest, struct bytes *out, size_t *fields)
{
	struct bytes left = *rest, before = left;
	struct cdr_field field;
	size_t n = 0;

	while (cdr_field_next(&left, &field) > 0 && (n == 0 || !bytes_is(field.name, CDR_ID))) {
		before = left;
		n++;
	}
	*out = bytes_sub(*rest, 0, rest->n - before.n);
	*rest = n ? before : (struct bytes){ 0 };
	*fields = n;
	return n > 0;
}

struct bytes cdr_toll_day(struct bytes fields)
{
	struct cdr_field field;

	while (cdr_field_next(&fields, &field) > 0) {
		if (bytes_is(field.name, CDR_TOLL))
			return bytes_sub(field.value, 0, bytes_find(field.value, ' '));
	}
	return (struct bytes){ 0 };
}

uint32_t cdr_count(struct bytes fields)
{
	struct bytes one;
	uint32_t count = 0;
	size_t n;

	while (cdr_next(&fields, &one, &n))
		count++;
	return count ? count : 1;
}

enum {
	AT_FORMAT = 3,
	AT_FLAGS = 4,
	AT_RESERVED = 6,
	AT_VERSION = 8,
	AT_LENGTH = 16,
	AT_CRC = 20,
};

static const uint8_t g_record_magic[AT_FORMAT] = { 'T', 'D', 'R' };

static uint32_t record_crc(const uint8_t *head, struct bytes payload)
{
	return hash_crc32c(hash_crc32c(0, bytes_mem(head, AT_CRC)), payload);
}

static void seal(struct writer *w, const struct record *r, uint8_t format)
{
	uint8_t head[RECORD_HEAD];
	struct writer hw = writer_over(head, sizeof(head));

	assert(r->payload.n <= RECORD_PAYLOAD_MAX);
	assert(r->flags == 0);
	writer_mem(&hw, g_record_magic, sizeof(g_record_magic));
	writer_u8(&hw, format);
	writer_be16(&hw, r->flags);
	writer_be16(&hw, 0);
	writer_be64(&hw, r->version);
	writer_be32(&hw, (uint32_t)r->payload.n);
	writer_be32(&hw, record_crc(head, r->payload));
	writer_mem(w, head, sizeof(head));
	writer_bytes(w, r->payload);
}

void record_seal(struct writer *w, const struct record *r)
{
	seal(w, r, RECORD_FORMAT);
}

void record_seal_later(struct writer *w)
{
	seal(w, &(struct record){ .version = 1 }, UINT8_MAX);
}

uint8_t *record_seal_new(const struct record *r, struct bytes *out)
{
	size_t n = RECORD_HEAD + r->payload.n;
	uint8_t *sealed = r->payload.n <= RECORD_PAYLOAD_MAX ? malloc(n) : NULL;
	struct writer w = writer_over(sealed, sealed ? n : 0);

	if (!sealed)
		return NULL;
	record_seal(&w, r);
	*out = writer_done(&w);
	return sealed;
}

/* NULL when the record is whole and of a kind that we understand. */
static const char *record_fault_of(struct bytes in)
{
	if (in.n < RECORD_HEAD)
		return "shorter than its head";
	if (memcmp(in.p, g_record_magic, sizeof(g_record_magic)) != 0)
		return "does not start as a record";
	if (in.p[AT_FORMAT] == 0)
		return "of no format";
	if (be32_get(in.p + AT_LENGTH) != in.n - RECORD_HEAD ||
	    in.n - RECORD_HEAD > RECORD_PAYLOAD_MAX)
		return "not as long as it says";
	if (be32_get(in.p + AT_CRC) != record_crc(in.p, bytes_from(in, RECORD_HEAD)))
		return "its checksum is wrong";
	return NULL;
}

/* A later program made it: it may mean something that this one would miss. */
static bool is_later(struct bytes in)
{
	return in.p[AT_FORMAT] > RECORD_FORMAT || be16_get(in.p + AT_FLAGS) != 0 ||
	       be16_get(in.p + AT_RESERVED) != 0;
}

int record_open(struct record *out, struct bytes in, const char **reason)
{
	*reason = record_fault_of(in);
	if (*reason)
		return -EBADMSG;
	if (is_later(in)) {
		*reason = "of a later program";
		return -EPROTONOSUPPORT;
	}
	*out = (struct record){
		.version = be64_get(in.p + AT_VERSION),
		.flags = be16_get(in.p + AT_FLAGS),
		.payload = bytes_from(in, RECORD_HEAD),
	};
	return 0;
}
