/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/record/proto_write.h"

#include <string.h>

enum { TAG_SHIFT = 3, VARINT_MAX = 10 };

static size_t varint_put(uint8_t out[VARINT_MAX], uint64_t v)
{
	size_t n = 0;

	for (; v > 0x7f; v >>= 7)
		out[n++] = (uint8_t)(v | 0x80);
	out[n++] = (uint8_t)v;
	return n;
}

/* Mostly it is one octet. */
static inline void write_varint(struct writer *w, uint64_t v)
{
	uint8_t octets[VARINT_MAX];

	if (v <= 0x7f)
		writer_u8(w, (uint8_t)v);
	else
		writer_mem(w, octets, varint_put(octets, v));
}

static inline void write_tag(struct writer *w, uint32_t id, ProtobufCWireType wire)
{
	write_varint(w, (uint64_t)id << TAG_SHIFT | wire);
}

static void write_octets(struct writer *w, uint32_t id, struct bytes b)
{
	write_tag(w, id, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED);
	write_varint(w, b.n);
	writer_bytes(w, b);
}

/* An absent one is not written, nor one that is zero (proto3). */
static void write_number(struct writer *w, uint32_t id, uint64_t v)
{
	if (v == 0)
		return;
	write_tag(w, id, PROTOBUF_C_WIRE_TYPE_VARINT);
	write_varint(w, v);
}

static void write_fixed(struct writer *w, uint32_t id, ProtobufCWireType wire, uint64_t v)
{
	uint64_t little = __builtin_bswap64(v);
	uint8_t octets[8];

	if (v == 0)
		return;
	be64_put(octets, little);
	write_tag(w, id, wire);
	writer_mem(w, octets, wire == PROTOBUF_C_WIRE_TYPE_32BIT ? 4 : 8);
}

/* Its length stands before it, in one octet until it is known: a long one moves on. */
static bool write_message(struct writer *w, uint32_t id, const ProtobufCMessage *m)
{
	uint8_t length[VARINT_MAX];
	size_t start, n, more;

	write_tag(w, id, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED);
	writer_u8(w, 0);
	start = w->n;
	if (!proto_write(w, m))
		return false;
	n = w->n - start;
	more = varint_put(length, n) - 1;
	if (w->overflow || !writer_room(w, more))
		return true;
	if (more)
		memmove(w->p + start + more, w->p + start, n);
	memcpy(w->p + start - 1, length, more + 1);
	return true;
}

static uint64_t zigzag(int64_t v)
{
	return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

static struct bytes octets_of(const void *member)
{
	const ProtobufCBinaryData *b = member;

	return bytes_mem(b->data, b->len);
}

/* p points at the value. False: it is of a kind that is not written here. */
static bool write_value(struct writer *w, const ProtobufCFieldDescriptor *f, const void *p)
{
	switch (f->type) {
	case PROTOBUF_C_TYPE_UINT32:
		write_number(w, f->id, *(const uint32_t *)p);
		return true;
	case PROTOBUF_C_TYPE_UINT64:
		write_number(w, f->id, *(const uint64_t *)p);
		return true;
	case PROTOBUF_C_TYPE_BOOL:
		write_number(w, f->id, *(const protobuf_c_boolean *)p != 0);
		return true;
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_ENUM: /* negative: in ten octets */
		write_number(w, f->id, (uint64_t)(int64_t) * (const int32_t *)p);
		return true;
	case PROTOBUF_C_TYPE_SINT64:
		write_number(w, f->id, zigzag(*(const int64_t *)p));
		return true;
	case PROTOBUF_C_TYPE_FIXED32:
		write_fixed(w, f->id, PROTOBUF_C_WIRE_TYPE_32BIT, *(const uint32_t *)p);
		return true;
	case PROTOBUF_C_TYPE_FIXED64:
		write_fixed(w, f->id, PROTOBUF_C_WIRE_TYPE_64BIT, *(const uint64_t *)p);
		return true;
	case PROTOBUF_C_TYPE_STRING:
		write_octets(w, f->id, bytes_str(*(const char *const *)p));
		return true;
	case PROTOBUF_C_TYPE_BYTES:
		write_octets(w, f->id, octets_of(p));
		return true;
	case PROTOBUF_C_TYPE_MESSAGE:
		return write_message(w, f->id, *(const ProtobufCMessage *const *)p);
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

/* Of a list also an empty one is said: as often as it is there. */
static bool is_absent(const ProtobufCFieldDescriptor *f, const void *p)
{
	if (f->type == PROTOBUF_C_TYPE_STRING) {
		const char *text = *(const char *const *)p;

		return !text || !text[0];
	}
	if (f->type == PROTOBUF_C_TYPE_BYTES)
		return octets_of(p).n == 0;
	return f->type == PROTOBUF_C_TYPE_MESSAGE && !*(const ProtobufCMessage *const *)p;
}

/* Of texts and messages: numbers would be packed. */
static bool write_list(struct writer *w, const ProtobufCMessage *m,
		       const ProtobufCFieldDescriptor *f, const void *member)
{
	size_t n = *(const size_t *)(const void *)((const uint8_t *)m + f->quantifier_offset);
	const void *const *list = *(const void *const *const *)member;

	if (f->type != PROTOBUF_C_TYPE_STRING && f->type != PROTOBUF_C_TYPE_MESSAGE)
		return n == 0;
	for (size_t i = 0; i < n; i++) {
		if (!write_value(w, f, &list[i]))
			return false;
	}
	return true;
}

static bool write_field(struct writer *w, const ProtobufCMessage *m,
			const ProtobufCFieldDescriptor *f)
{
	const void *member = (const uint8_t *)m + f->offset;

	if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
		return false;
	switch (f->label) {
	case PROTOBUF_C_LABEL_NONE:
		return is_absent(f, member) || write_value(w, f, member);
	case PROTOBUF_C_LABEL_REPEATED:
		return write_list(w, m, f, member);
	case PROTOBUF_C_LABEL_REQUIRED:
	case PROTOBUF_C_LABEL_OPTIONAL:
		return false;
	}
	return false;
}

bool proto_write(struct writer *w, const ProtobufCMessage *m)
{
	for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
		if (!write_field(w, m, &m->descriptor->fields[i]))
			return false;
	}
	for (unsigned i = 0; i < m->n_unknown_fields; i++) {
		const ProtobufCMessageUnknownField *u = &m->unknown_fields[i];

		write_tag(w, u->tag, u->wire_type);
		writer_mem(w, u->data, u->len);
	}
	return true;
}
