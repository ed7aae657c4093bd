/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/fields.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct walk {
	fields_fn *fn;
	void *arg;
};

static void walk_message(const struct walk *w, const ProtobufCMessage *m,
			 const struct field *above);

static void tell_value(const struct walk *w, struct field *f, struct bytes value)
{
	f->value = value;
	if (value.n)
		w->fn(w->arg, f);
}

static void tell_number(const struct walk *w, struct field *f, uint64_t v)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRIu64, v);
	tell_value(w, f, bytes_str(v ? text : ""));
}

/* Of numbers those of the messages of sig/record: no floats, nothing of 32 bits that is signed. */
static void walk_value(const struct walk *w, struct field *f, ProtobufCType type, const void *at)
{
	const ProtobufCBinaryData *octets = at;
	const char *text;

	switch (type) {
	case PROTOBUF_C_TYPE_MESSAGE:
		if (*(const ProtobufCMessage *const *)at)
			walk_message(w, *(const ProtobufCMessage *const *)at, f);
		break;
	case PROTOBUF_C_TYPE_STRING:
		text = *(const char *const *)at;
		tell_value(w, f, bytes_str(text ? text : ""));
		break;
	case PROTOBUF_C_TYPE_BYTES:
		tell_value(w, f, bytes_mem(octets->data, octets->len));
		break;
	case PROTOBUF_C_TYPE_BOOL:
		tell_number(w, f, *(const protobuf_c_boolean *)at != 0);
		break;
	case PROTOBUF_C_TYPE_ENUM:
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_FLOAT:
		tell_number(w, f, *(const uint32_t *)at);
		break;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		tell_number(w, f, *(const uint64_t *)at);
		break;
	}
}

static size_t size_of(const ProtobufCFieldDescriptor *f)
{
	switch (f->type) {
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	case PROTOBUF_C_TYPE_BOOL:
		return sizeof(protobuf_c_boolean);
	case PROTOBUF_C_TYPE_ENUM:
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_FLOAT:
		return sizeof(uint32_t);
	case PROTOBUF_C_TYPE_MESSAGE:
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		break;
	}
	return sizeof(uint64_t);
}

static void walk_field(const struct walk *w, const ProtobufCMessage *m,
		       const ProtobufCFieldDescriptor *d, const struct field *above)
{
	const char *base = (const char *)m, *list = base + d->offset,
		   *dot = above->path[0] ? "." : "";
	struct field f = { .is_enum = d->type == PROTOBUF_C_TYPE_ENUM };
	size_t count = 1;

	(void)snprintf(f.path, sizeof(f.path), "%s%s%s", above->path, dot, d->name);
	(void)snprintf(f.tags, sizeof(f.tags), "%s%s%u", above->tags, dot, d->id);
	if (d->label == PROTOBUF_C_LABEL_REPEATED) {
		memcpy(&count, base + d->quantifier_offset, sizeof(count));
		memcpy(&list, base + d->offset, sizeof(list));
	}
	for (size_t i = 0; i < count; i++)
		walk_value(w, &f, d->type, list + i * size_of(d));
}

static void walk_message(const struct walk *w, const ProtobufCMessage *m, const struct field *above)
{
	struct field unknown = *above;

	for (unsigned i = 0; i < m->descriptor->n_fields; i++)
		walk_field(w, m, &m->descriptor->fields[i], above);
	unknown.unknown = true;
	unknown.value = (struct bytes){ 0 };
	if (m->n_unknown_fields)
		w->fn(w->arg, &unknown);
}

void fields_walk(const ProtobufCMessage *m, fields_fn *fn, void *arg)
{
	walk_message(&(struct walk){ fn, arg }, m, &(struct field){ 0 });
}
