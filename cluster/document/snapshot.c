/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/document/snapshot.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/table.h"

enum {
	SNAPSHOT_FORMAT_AT = 4,
	AT_GENERATION = 8,
	AT_COUNT = 16,
	SNAPSHOT_LENGTH_AT = 20,
	SNAPSHOT_VERSION_SIZE = 8,
	SNAPSHOT_LENGTH_SIZE = 4,
};

static const uint8_t g_snapshot_magic[SNAPSHOT_FORMAT_AT] = { 'T', 'D', 'D', 'S' };

size_t snapshot_document_size(const struct snapshot_document *d, uint16_t format)
{
	size_t tenant = format == SNAPSHOT_OF_ONE ? 0 : 1 + d->tenant.n;

	return tenant + 1 + d->kind.n + 1 + d->name.n + SNAPSHOT_VERSION_SIZE +
	       SNAPSHOT_LENGTH_SIZE + d->text.n;
}

void snapshot_head_write(struct writer *w, const struct snapshot *head, size_t size)
{
	assert(size <= SNAPSHOT_MAX);
	writer_mem(w, g_snapshot_magic, sizeof(g_snapshot_magic));
	writer_be16(w, head->format);
	writer_be16(w, 0);
	writer_be64(w, head->generation);
	writer_be32(w, head->count);
	writer_be32(w, (uint32_t)size);
}

static void snapshot_name_write(struct writer *w, struct bytes name)
{
	assert(name.n > 0 && name.n <= SNAPSHOT_NAME_MAX);
	writer_u8(w, (uint8_t)name.n);
	writer_bytes(w, name);
}

void snapshot_document_write(struct writer *w, const struct snapshot_document *d, uint16_t format)
{
	assert(d->text.n <= SNAPSHOT_TEXT_MAX);
	if (format != SNAPSHOT_OF_ONE)
		snapshot_name_write(w, d->tenant);
	snapshot_name_write(w, d->kind);
	snapshot_name_write(w, d->name);
	writer_be64(w, d->version);
	writer_be32(w, (uint32_t)d->text.n);
	writer_bytes(w, d->text);
}

void snapshot_tail_write(struct writer *w, struct bytes whole)
{
	writer_be32(w, hash_crc32c(0, whole));
}

/* ---- reading ---- */

static bool octets_take(struct bytes *rest, size_t n, struct bytes *out)
{
	if (rest->n < n)
		return false;
	*out = bytes_sub(*rest, 0, n);
	*rest = bytes_from(*rest, n);
	return true;
}

static bool name_take(struct bytes *rest, struct bytes *out)
{
	struct bytes n;

	return octets_take(rest, 1, &n) && n.p[0] > 0 && n.p[0] <= SNAPSHOT_NAME_MAX &&
	       octets_take(rest, n.p[0], out);
}

static bool document_take(struct bytes *rest, uint16_t format, struct snapshot_document *out)
{
	struct bytes version, length;

	out->tenant = BYTES_LIT(SNAPSHOT_TENANT);
	if (format != SNAPSHOT_OF_ONE && !name_take(rest, &out->tenant))
		return false;
	if (!name_take(rest, &out->kind) || !name_take(rest, &out->name) ||
	    !octets_take(rest, SNAPSHOT_VERSION_SIZE, &version) ||
	    !octets_take(rest, SNAPSHOT_LENGTH_SIZE, &length))
		return false;
	out->version = be64_get(version.p);
	return be32_get(length.p) <= SNAPSHOT_TEXT_MAX &&
	       octets_take(rest, be32_get(length.p), &out->text);
}

static uint16_t format_of(struct bytes file)
{
	return (uint16_t)(be32_get(file.p + SNAPSHOT_FORMAT_AT) >> 16);
}

static const char *snapshot_fault_of(struct bytes in)
{
	size_t body = in.n - SNAPSHOT_TAIL;
	uint16_t format = format_of(in);
	struct bytes rest;
	uint32_t left;

	if (in.n < SNAPSHOT_HEAD + SNAPSHOT_TAIL || in.n > SNAPSHOT_MAX)
		return "shorter than its head, or too long";
	if (be32_get(in.p + SNAPSHOT_LENGTH_AT) != body - SNAPSHOT_HEAD)
		return "not as long as it says";
	if (be32_get(in.p + body) != hash_crc32c(0, bytes_sub(in, 0, body)))
		return "its checksum is wrong";
	rest = bytes_sub(in, SNAPSHOT_HEAD, body - SNAPSHOT_HEAD);
	for (left = be32_get(in.p + AT_COUNT); left && rest.n; left--) {
		struct snapshot_document d;

		if (!document_take(&rest, format, &d))
			return "a document in it is damaged";
	}
	return left || rest.n ? "not as many documents as it says" : NULL;
}

int snapshot_open(struct snapshot *out, struct bytes file, const char **reason)
{
	*reason = "does not start as a snapshot";
	if (file.n < SNAPSHOT_HEAD ||
	    memcmp(file.p, g_snapshot_magic, sizeof(g_snapshot_magic)) != 0)
		return -EBADMSG;
	*reason = "written by a later program";
	if (format_of(file) > SNAPSHOT_FORMAT)
		return -EPROTONOSUPPORT;
	*reason = snapshot_fault_of(file);
	if (*reason)
		return -EBADMSG;
	*out = (struct snapshot){
		.format = format_of(file),
		.generation = be64_get(file.p + AT_GENERATION),
		.count = be32_get(file.p + AT_COUNT),
		.rest = bytes_sub(file, SNAPSHOT_HEAD, be32_get(file.p + SNAPSHOT_LENGTH_AT)),
	};
	return 0;
}

bool snapshot_next(struct snapshot *s, struct snapshot_document *out)
{
	return s->rest.n > 0 && document_take(&s->rest, s->format, out);
}
