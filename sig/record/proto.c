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
	const struct proto_part *parts;
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

/* NULL: a schema has none of it. */
static const struct proto_part *proto_part_of(const struct proto_part *parts,
					      const ProtobufCMessage *m)
{
	while (parts && parts->of && parts->of != m->descriptor)
		parts++;
	return parts && parts->of ? parts : NULL;
}

/* Its schema keeps what is in it. */
static bool is_of_part(const struct proto_part *part, uint32_t tag)
{
	for (const struct schema *const *rows = part ? part->rows : NULL; rows && *rows; rows++) {
		for (const struct schema *row = *rows; row->type != SCHEMA_END; row++) {
			if (row->tag == tag)
				return true;
		}
	}
	return false;
}

static bool walk_field(struct walk *w, const ProtobufCMessage *m,
		       const ProtobufCFieldDescriptor *field, uint64_t path)
{
	ProtobufCMessage *const *one = proto_member_at(m, field->offset);

	if (field->type != PROTOBUF_C_TYPE_MESSAGE ||
	    is_of_part(proto_part_of(w->parts, m), field->id))
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

int unknown_keep(struct text *kept, const ProtobufCMessage *m, uint64_t root, unknown_name_fn *name,
		 const struct proto_part *parts)
{
	struct walk w = { .name = name, .visit = size_visit, .parts = parts };
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

static bool back_fields(struct schema_writer *w, const ProtobufCMessage *m,
			const struct proto_part *parts);

static bool back_message(struct schema_writer *w, uint32_t id, const ProtobufCMessage *m,
			 const struct proto_part *parts)
{
	const uint8_t *end = w->at;

	if (!back_fields(w, m, parts))
		return false;
	schema_put_around(w, id, end);
	return true;
}

static uint64_t proto_zigzag(int64_t v)
{
	return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

static inline struct bytes varint_octets(const void *member)
{
	const ProtobufCBinaryData *octets = member;

	return bytes_mem(octets->data, octets->len);
}

static inline bool text_is_empty(const char *text)
{
	return !text || !text[0];
}

/* p points at the value. An absent one is not written; in a list it is, as often as it is there. False: it is of a kind that is not
 * written here. */
static ALWAYS_INLINE bool back_value(struct schema_writer *w, const ProtobufCFieldDescriptor *f,
				     const void *p, bool listed, const struct proto_part *parts)
{
	const ProtobufCMessage *message;
	const char *text;

	switch (f->type) {
	case PROTOBUF_C_TYPE_UINT32:
		schema_put_number(w, f->id, *(const uint32_t *)p);
		return true;
	case PROTOBUF_C_TYPE_UINT64:
		schema_put_number(w, f->id, *(const uint64_t *)p);
		return true;
	case PROTOBUF_C_TYPE_BOOL:
		schema_put_number(w, f->id, *(const protobuf_c_boolean *)p != 0);
		return true;
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_ENUM: /* negative: in ten octets */
		schema_put_number(w, f->id, (uint64_t)(int64_t) * (const int32_t *)p);
		return true;
	case PROTOBUF_C_TYPE_SINT32:
		schema_put_number(w, f->id, proto_zigzag(*(const int32_t *)p));
		return true;
	case PROTOBUF_C_TYPE_SINT64:
		schema_put_number(w, f->id, proto_zigzag(*(const int64_t *)p));
		return true;
	case PROTOBUF_C_TYPE_FIXED32:
		schema_put_fixed(w, f->id, SCHEMA_WIRE_32, *(const uint32_t *)p);
		return true;
	case PROTOBUF_C_TYPE_FIXED64:
		schema_put_fixed(w, f->id, SCHEMA_WIRE_64, *(const uint64_t *)p);
		return true;
	case PROTOBUF_C_TYPE_STRING:
		text = *(const char *const *)p;
		if (listed || !text_is_empty(text))
			schema_put_octets(w, f->id, bytes_str(text));
		return true;
	case PROTOBUF_C_TYPE_BYTES:
		if (listed || varint_octets(p).n)
			schema_put_octets(w, f->id, varint_octets(p));
		return true;
	case PROTOBUF_C_TYPE_MESSAGE:
		message = *(const ProtobufCMessage *const *)p;
		return (!listed && !message) || back_message(w, f->id, message, parts);
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_FLOAT:
	case PROTOBUF_C_TYPE_DOUBLE:
		return false;
	}
	return false;
}

/* Of texts and messages: numbers would be packed. */
static bool back_list(struct schema_writer *w, const ProtobufCMessage *m,
		      const ProtobufCFieldDescriptor *f, const void *member,
		      const struct proto_part *parts)
{
	size_t n = *(const size_t *)(const void *)((const uint8_t *)m + f->quantifier_offset);
	bool octets = f->type == PROTOBUF_C_TYPE_BYTES;
	size_t size = octets ? sizeof(ProtobufCBinaryData) : sizeof(void *);
	const uint8_t *list = *(const uint8_t *const *)member;

	if (f->type != PROTOBUF_C_TYPE_STRING && f->type != PROTOBUF_C_TYPE_MESSAGE && !octets)
		return n == 0;
	while (n-- > 0) {
		if (!back_value(w, f, list + n * size, true, parts))
			return false;
	}
	return true;
}

static ALWAYS_INLINE bool back_field(struct schema_writer *w, const ProtobufCMessage *m,
				     const ProtobufCFieldDescriptor *f,
				     const struct proto_part *parts)
{
	const void *member = (const uint8_t *)m + f->offset;

	if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
		return false;
	switch (f->label) {
	case PROTOBUF_C_LABEL_NONE:
		return back_value(w, f, member, false, parts);
	case PROTOBUF_C_LABEL_REPEATED:
		return back_list(w, m, f, member, parts);
	case PROTOBUF_C_LABEL_REQUIRED:
	case PROTOBUF_C_LABEL_OPTIONAL:
		return false;
	}
	return false;
}

static void back_unknown(struct schema_writer *w, const ProtobufCMessage *m)
{
	for (unsigned i = m->n_unknown_fields; i-- > 0;) {
		const ProtobufCMessageUnknownField *u = &m->unknown_fields[i];

		schema_put_mem(w, u->data, u->len);
		schema_put_tag(w, u->tag, (uint8_t)u->wire_type);
	}
}

/* Each group of rows before the first field whose tag is lower: the last ones are written first. */
static bool back_with_part(struct schema_writer *w, const ProtobufCMessage *m,
			   const struct proto_part *part)
{
	const ProtobufCFieldDescriptor *first = m->descriptor->fields;
	const ProtobufCFieldDescriptor *field = first + m->descriptor->n_fields;
	const struct schema *const *rows = part->rows;
	const struct proto_part *within = part[1].of ? part + 1 : NULL;
	struct schema_place place = { 0 };
	const void *object = part->object(w, m, &place.path);

	while (*rows)
		rows++;
	while (rows-- != part->rows) {
		for (; field != first && field[-1].id > (*rows)->tag; field--) {
			if (!back_field(w, m, field - 1, within))
				return false;
		}
		w->place = &place;
		schema_write_some(w, *rows, object);
		w->place = NULL;
		while (field != first && field[-1].id >= (*rows)->tag)
			field--; /* empty: the schema has them */
	}
	while (field-- != first) {
		if (!back_field(w, m, field, within))
			return false;
	}
	return true;
}

static bool back_fields(struct schema_writer *w, const ProtobufCMessage *m,
			const struct proto_part *parts)
{
	const struct proto_part *part = parts ? proto_part_of(parts, m) : NULL;

	back_unknown(w, m);
	if (part)
		return back_with_part(w, m, part);
	for (unsigned i = m->descriptor->n_fields; i-- > 0;) {
		if (!back_field(w, m, &m->descriptor->fields[i], NULL))
			return false;
	}
	return true;
}

bool proto_write(struct schema_writer *w, const ProtobufCMessage *m, const struct proto_part *parts)
{
	return back_fields(w, m, parts);
}
