/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sig/record/proto.h"

/* As kept: path (8), tag (4), wire type (1), length (4), octets. */
enum { ENTRY_HEAD = 17, AT_TAG = 8, AT_WIRE = 12, AT_LENGTH = 13, DEPTH_MAX = 16 };

/* ---- all messages of a record ---- */

struct walk {
	unknown_name_fn *name;
	bool (*visit)(struct walk *w, ProtobufCMessage *m, uint64_t path); /* false: stop */
	uint32_t depth;
	/* of keep */
	size_t size;
	struct writer writer;
	/* of restore */
	ProtobufCMessageUnknownField *list;
	const uint64_t *paths;
	size_t count;
};

static bool walk_message(struct walk *w, ProtobufCMessage *m, uint64_t path);

static const void *proto_member_at(const ProtobufCMessage *m, size_t offset)
{
	return (const uint8_t *)m + offset;
}

static bool walk_list(struct walk *w, const ProtobufCMessage *m,
		      const ProtobufCFieldDescriptor *field, uint64_t path)
{
	size_t n = *(const size_t *)proto_member_at(m, field->quantifier_offset);
	ProtobufCMessage *const *list =
		*(ProtobufCMessage *const *const *)proto_member_at(m, field->offset);

	for (size_t i = 0; i < n; i++) {
		if (!walk_message(w, list[i], schema_path(path, w->name(list[i], i))))
			return false;
	}
	return true;
}

static bool walk_field(struct walk *w, const ProtobufCMessage *m,
		       const ProtobufCFieldDescriptor *field, uint64_t path)
{
	ProtobufCMessage *const *one = proto_member_at(m, field->offset);

	if (field->type != PROTOBUF_C_TYPE_MESSAGE)
		return true;
	path = schema_path(path, field->id);
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return walk_list(w, m, field, path);
	return !*one || walk_message(w, *one, path);
}

static bool walk_message(struct walk *w, ProtobufCMessage *m, uint64_t path)
{
	bool ok = w->depth < DEPTH_MAX && w->visit(w, m, path);

	w->depth++;
	for (unsigned i = 0; ok && i < m->descriptor->n_fields; i++)
		ok = walk_field(w, m, &m->descriptor->fields[i], path);
	w->depth--;
	return ok;
}

/* ---- keep ---- */

/* There is no field 0. protobuf-c reads one that is written in two octets, and not what it writes of it. */
static bool is_field(const ProtobufCMessageUnknownField *f)
{
	return f->tag != 0;
}

static bool size_visit(struct walk *w, ProtobufCMessage *m, uint64_t path)
{
	(void)path;
	for (unsigned i = 0; i < m->n_unknown_fields; i++) {
		if (is_field(&m->unknown_fields[i]))
			w->size += ENTRY_HEAD + m->unknown_fields[i].len;
	}
	return true;
}

static bool keep_visit(struct walk *w, ProtobufCMessage *m, uint64_t path)
{
	for (unsigned i = 0; i < m->n_unknown_fields; i++) {
		const ProtobufCMessageUnknownField *f = &m->unknown_fields[i];

		if (!is_field(f))
			continue;
		writer_be64(&w->writer, path);
		writer_be32(&w->writer, f->tag);
		writer_u8(&w->writer, (uint8_t)f->wire_type);
		writer_be32(&w->writer, (uint32_t)f->len);
		writer_mem(&w->writer, f->data, f->len);
	}
	return true;
}

/* The message is not changed: only restore does. */
static ProtobufCMessage *message_of(const ProtobufCMessage *m)
{
	return (ProtobufCMessage *)(uintptr_t)m;
}

int unknown_keep(struct text *kept, const ProtobufCMessage *m, uint64_t root, unknown_name_fn *name)
{
	struct walk w = { .name = name, .visit = size_visit };
	uint8_t *all;
	int err;

	(void)walk_message(&w, message_of(m), root);
	if (!w.size)
		return 0;
	all = malloc(kept->n + w.size);
	if (!all)
		return -ENOMEM;
	w.writer = writer_over(all, kept->n + w.size);
	writer_bytes(&w.writer, text_bytes(kept));
	w.visit = keep_visit;
	(void)walk_message(&w, message_of(m), root);
	assert(!w.writer.overflow);
	text_wipe(kept);
	err = text_set(kept, writer_done(&w.writer));
	explicit_bzero(all, w.writer.n);
	free(all);
	return err;
}

/* ---- restore ---- */

/* Those of a message follow one another. */
static bool restore_visit(struct walk *w, ProtobufCMessage *m, uint64_t path)
{
	size_t at = 0, n = 0;

	while (at < w->count && w->paths[at] != path)
		at++;
	while (at + n < w->count && w->paths[at + n] == path)
		n++;
	m->n_unknown_fields = (unsigned)n;
	m->unknown_fields = n ? w->list + at : NULL;
	return true;
}

static size_t entries_count(struct bytes rest)
{
	size_t n = 0;

	for (; rest.n >= ENTRY_HEAD; n++)
		rest = bytes_from(rest, ENTRY_HEAD + be32_get(rest.p + AT_LENGTH));
	return n;
}

static void entries_read(struct bytes rest, ProtobufCMessageUnknownField *list, uint64_t *paths)
{
	for (; rest.n >= ENTRY_HEAD; list++, paths++) {
		*paths = be64_get(rest.p);
		*list = (ProtobufCMessageUnknownField){
			.tag = be32_get(rest.p + AT_TAG),
			.wire_type = (ProtobufCWireType)rest.p[AT_WIRE],
			.len = be32_get(rest.p + AT_LENGTH),
			.data = (uint8_t *)(uintptr_t)(rest.p + ENTRY_HEAD),
		};
		rest = bytes_from(rest, ENTRY_HEAD + list->len);
	}
}

int unknown_restore(const struct text *kept, ProtobufCMessage *m, uint64_t root,
		    unknown_name_fn *name, ProtobufCMessageUnknownField **list)
{
	size_t n = entries_count(text_bytes(kept));
	struct walk w = { .name = name, .visit = restore_visit, .count = n };
	uint64_t *paths;

	*list = NULL;
	if (!n)
		return 0;
	w.list = calloc(n, sizeof(*w.list));
	paths = calloc(n, sizeof(*paths));
	if (!w.list || !paths) {
		free(w.list);
		free(paths);
		return -ENOMEM;
	}
	entries_read(text_bytes(kept), w.list, paths);
	w.paths = paths;
	(void)walk_message(&w, m, root);
	free(paths);
	*list = w.list;
	return 0;
}
