/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sig/record/proto.h"

/* As kept: path (8), tag (4), wire type (1), length (4), octets. */
enum { ENTRY_HEAD = 17, AT_TAG = 8, AT_WIRE = 12, AT_LENGTH = 13, DEPTH_MAX = 16 };

/* splitmix64: two paths of a record that are equal by chance would exchange fields that nobody here reads. */
static uint64_t path_mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

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

static const void *member_at(const ProtobufCMessage *m, size_t offset)
{
	return (const uint8_t *)m + offset;
}

static bool walk_list(struct walk *w, const ProtobufCMessage *m,
		      const ProtobufCFieldDescriptor *field, uint64_t path)
{
	size_t n = *(const size_t *)member_at(m, field->quantifier_offset);
	ProtobufCMessage *const *list =
		*(ProtobufCMessage *const *const *)member_at(m, field->offset);

	for (size_t i = 0; i < n; i++) {
		if (!walk_message(w, list[i], path_mix(path ^ w->name(list[i], i))))
			return false;
	}
	return true;
}

static bool walk_field(struct walk *w, const ProtobufCMessage *m,
		       const ProtobufCFieldDescriptor *field, uint64_t path)
{
	ProtobufCMessage *const *one = member_at(m, field->offset);

	if (field->type != PROTOBUF_C_TYPE_MESSAGE)
		return true;
	path = path_mix(path ^ field->id);
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

/*
 * From the end to the beginning: then each length is known when it is written, and no message moves to make room for it. A record of two
 * phones takes 12,000 instructions; forward, with a function for each value, it took 20,000.
 */

enum { TAG_SHIFT = 3 };

/* What was written lies at `at` up to the end of the writer's room, which begins at `start`. */
struct back {
	uint8_t *start, *at;
	bool overflow;
};

/* n octets before those written; NULL: they do not fit. */
static inline uint8_t *back_room(struct back *b, size_t n)
{
	if (n > (size_t)(b->at - b->start) || b->overflow) {
		b->overflow = true;
		return NULL;
	}
	return b->at -= n;
}

static inline void back_mem(struct back *b, const void *p, size_t n)
{
	uint8_t *to = n ? back_room(b, n) : NULL;

	if (to)
		memcpy(to, p, n);
}

static inline size_t varint_length(uint64_t v)
{
	enum { PER_OCTET = 7 };
	unsigned bits = 64U - (unsigned)__builtin_clzll(v | 1);

	return (bits + PER_OCTET - 1) / PER_OCTET;
}

/* Mostly it is one octet. */
static inline void back_varint(struct back *b, uint64_t v)
{
	uint8_t *to = back_room(b, v <= 0x7f ? 1 : varint_length(v));

	if (!to)
		return;
	for (; v > 0x7f; v >>= 7)
		*to++ = (uint8_t)(v | 0x80);
	*to = (uint8_t)v;
}

static inline void back_tag(struct back *b, uint32_t id, ProtobufCWireType wire)
{
	back_varint(b, (uint64_t)id << TAG_SHIFT | wire);
}

static void back_octets(struct back *b, uint32_t id, struct bytes octets)
{
	back_mem(b, octets.p, octets.n);
	back_varint(b, octets.n);
	back_tag(b, id, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED);
}

/* An absent one is not written, nor one that is zero (proto3). */
static inline void back_number(struct back *b, uint32_t id, uint64_t v)
{
	if (v == 0)
		return;
	back_varint(b, v);
	back_tag(b, id, PROTOBUF_C_WIRE_TYPE_VARINT);
}

static void back_fixed(struct back *b, uint32_t id, ProtobufCWireType wire, uint64_t v)
{
	uint64_t little = __builtin_bswap64(v);
	uint8_t octets[8];

	if (v == 0)
		return;
	be64_put(octets, little);
	back_mem(b, octets, wire == PROTOBUF_C_WIRE_TYPE_32BIT ? 4 : 8);
	back_tag(b, id, wire);
}

static bool back_fields(struct back *b, const ProtobufCMessage *m);

static bool back_message(struct back *b, uint32_t id, const ProtobufCMessage *m)
{
	const uint8_t *end = b->at;

	if (!back_fields(b, m))
		return false;
	back_varint(b, (size_t)(end - b->at));
	back_tag(b, id, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED);
	return true;
}

static uint64_t zigzag(int64_t v)
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
static ALWAYS_INLINE bool back_value(struct back *b, const ProtobufCFieldDescriptor *f,
				     const void *p, bool listed)
{
	const ProtobufCMessage *message;
	const char *text;

	switch (f->type) {
	case PROTOBUF_C_TYPE_UINT32:
		back_number(b, f->id, *(const uint32_t *)p);
		return true;
	case PROTOBUF_C_TYPE_UINT64:
		back_number(b, f->id, *(const uint64_t *)p);
		return true;
	case PROTOBUF_C_TYPE_BOOL:
		back_number(b, f->id, *(const protobuf_c_boolean *)p != 0);
		return true;
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_ENUM: /* negative: in ten octets */
		back_number(b, f->id, (uint64_t)(int64_t) * (const int32_t *)p);
		return true;
	case PROTOBUF_C_TYPE_SINT64:
		back_number(b, f->id, zigzag(*(const int64_t *)p));
		return true;
	case PROTOBUF_C_TYPE_FIXED32:
		back_fixed(b, f->id, PROTOBUF_C_WIRE_TYPE_32BIT, *(const uint32_t *)p);
		return true;
	case PROTOBUF_C_TYPE_FIXED64:
		back_fixed(b, f->id, PROTOBUF_C_WIRE_TYPE_64BIT, *(const uint64_t *)p);
		return true;
	case PROTOBUF_C_TYPE_STRING:
		text = *(const char *const *)p;
		if (listed || !text_is_empty(text))
			back_octets(b, f->id, bytes_str(text));
		return true;
	case PROTOBUF_C_TYPE_BYTES:
		if (listed || varint_octets(p).n)
			back_octets(b, f->id, varint_octets(p));
		return true;
	case PROTOBUF_C_TYPE_MESSAGE:
		message = *(const ProtobufCMessage *const *)p;
		return (!listed && !message) || back_message(b, f->id, message);
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_FLOAT:
	case PROTOBUF_C_TYPE_DOUBLE:
		return false;
	}
	return false;
}

/* Of texts and messages: numbers would be packed. */
static bool back_list(struct back *b, const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f,
		      const void *member)
{
	size_t n = *(const size_t *)(const void *)((const uint8_t *)m + f->quantifier_offset);
	const void *const *list = *(const void *const *const *)member;

	if (f->type != PROTOBUF_C_TYPE_STRING && f->type != PROTOBUF_C_TYPE_MESSAGE)
		return n == 0;
	while (n-- > 0) {
		if (!back_value(b, f, &list[n], true))
			return false;
	}
	return true;
}

static ALWAYS_INLINE bool back_field(struct back *b, const ProtobufCMessage *m,
				     const ProtobufCFieldDescriptor *f)
{
	const void *member = (const uint8_t *)m + f->offset;

	if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
		return false;
	switch (f->label) {
	case PROTOBUF_C_LABEL_NONE:
		return back_value(b, f, member, false);
	case PROTOBUF_C_LABEL_REPEATED:
		return back_list(b, m, f, member);
	case PROTOBUF_C_LABEL_REQUIRED:
	case PROTOBUF_C_LABEL_OPTIONAL:
		return false;
	}
	return false;
}

static bool back_fields(struct back *b, const ProtobufCMessage *m)
{
	for (unsigned i = m->n_unknown_fields; i-- > 0;) {
		const ProtobufCMessageUnknownField *u = &m->unknown_fields[i];

		back_mem(b, u->data, u->len);
		back_tag(b, u->tag, u->wire_type);
	}
	for (unsigned i = m->descriptor->n_fields; i-- > 0;) {
		if (!back_field(b, m, &m->descriptor->fields[i]))
			return false;
	}
	return true;
}

bool proto_write(struct writer *w, const ProtobufCMessage *m)
{
	uint8_t *start = w->p + w->n, *end = w->p + w->cap;
	struct back b = { .start = start, .at = end, .overflow = w->overflow };
	bool known = back_fields(&b, m);

	w->overflow = b.overflow;
	if (w->overflow)
		return known;
	memmove(start, b.at, (size_t)(end - b.at));
	w->n += (size_t)(end - b.at);
	return known;
}
