/* SPDX-License-Identifier: Apache-2.0 */
/* Each schema of a record has the fields of its message: names, tags, types and lists; and each of them. */
#include "tests/unit/test.h"

#include "sig/call.pb-c.h"
#include "sig/location/registrar.h"
#include "sig/record/call_codec.h"
#include "sig/record/room_record.h"
#include "sig/registrar.pb-c.h"
#include "sig/room.pb-c.h"
#include "sig/subscription.pb-c.h"
#include "sig/subscription/subscription.h"

static bool type_is(const struct schema *row, ProtobufCType type)
{
	switch ((enum schema_type)row->type) {
	case SCHEMA_UINT:
	case SCHEMA_TIME:
	case SCHEMA_DEADLINE:
		return type == PROTOBUF_C_TYPE_UINT32 || type == PROTOBUF_C_TYPE_UINT64 ||
		       (type == PROTOBUF_C_TYPE_INT32 && (row->flags & SCHEMA_PLUS_ONE)) ||
		       type == PROTOBUF_C_TYPE_ENUM || type == PROTOBUF_C_TYPE_BOOL;
	case SCHEMA_SINT:
		return type == PROTOBUF_C_TYPE_SINT32 || type == PROTOBUF_C_TYPE_SINT64;
	case SCHEMA_FIXED32:
		return type == PROTOBUF_C_TYPE_FIXED32;
	case SCHEMA_FIXED64:
		return type == PROTOBUF_C_TYPE_FIXED64;
	case SCHEMA_BOOL:
		return type == PROTOBUF_C_TYPE_BOOL;
	case SCHEMA_TEXT:
	case SCHEMA_CSTR:
	case SCHEMA_OCTETS:
	case SCHEMA_CHARS:
	case SCHEMA_ADDR:
		return type == PROTOBUF_C_TYPE_BYTES || type == PROTOBUF_C_TYPE_STRING;
	case SCHEMA_MESSAGE:
		return type == PROTOBUF_C_TYPE_MESSAGE;
	case SCHEMA_IGNORED:
	case SCHEMA_HAND:
		return true;
	case SCHEMA_GROUP:
	case SCHEMA_END:
		break;
	}
	return false;
}

static uint32_t assert_rows(const struct schema *rows, const ProtobufCMessageDescriptor *of,
			    uint32_t tag);

static const ProtobufCMessageDescriptor *message_of(const struct schema *row,
						    const ProtobufCMessageDescriptor *of)
{
	return row->type == SCHEMA_GROUP
		       ? of
		       : protobuf_c_message_descriptor_get_field(of, row->tag)->descriptor;
}

/* These rows of a message, or those of one within it, have the field of that kind of message. */
static bool has_row(const struct schema *rows, const ProtobufCMessageDescriptor *of,
		    const ProtobufCMessageDescriptor *message, uint32_t tag)
{
	for (; rows->type != SCHEMA_END; rows++) {
		if (of == message && rows->type != SCHEMA_GROUP && rows->tag == tag)
			return true;
		if (rows->of && has_row(rows->of, message_of(rows, of), message, tag))
			return true;
	}
	return false;
}

/* Of the record that is looked at. */
static const struct schema *g_rows;
static const ProtobufCMessageDescriptor *g_record;

/* Nobody saves a field without a row. */
static void assert_whole(const ProtobufCMessageDescriptor *message)
{
	for (unsigned i = 0; i < message->n_fields; i++)
		ROW_ASSERT(message->fields[i].name,
			   has_row(g_rows, g_record, message, message->fields[i].id));
}

static void assert_row(const struct schema *row, const ProtobufCMessageDescriptor *of)
{
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field(of, row->tag);

	ROW_ASSERT(row->name, field && !strcmp(field->name, row->name));
	ROW_ASSERT(row->name, type_is(row, field->type));
	ROW_ASSERT(row->name, row->type == SCHEMA_IGNORED || row->type == SCHEMA_HAND ||
				      (field->label == PROTOBUF_C_LABEL_REPEATED) ==
					      ((row->flags & SCHEMA_LIST) != 0));
	if (row->of) {
		(void)assert_rows(row->of, field->descriptor, 0);
		assert_whole(field->descriptor);
	}
}

static uint32_t assert_rows(const struct schema *rows, const ProtobufCMessageDescriptor *of,
			    uint32_t tag)
{
	const struct schema *row = rows;

	for (; row->type != SCHEMA_END; row++) {
		if (row->type == SCHEMA_GROUP) {
			ROW_ASSERT(row->name, row->tag == row->of->tag);
			tag = assert_rows(row->of, of, tag);
			continue;
		}
		/* they ascend, so that octets are as protobuf-c has them */
		ROW_ASSERT(row->name, row->tag > tag);
		tag = row->tag;
		assert_row(row, of);
	}
	ROW_ASSERT(of->name, row - rows <= 64); /* schema_read has a bit for each */
	return tag;
}

static void assert_record(const struct schema *rows, const ProtobufCMessageDescriptor *of)
{
	g_rows = rows;
	g_record = of;
	(void)assert_rows(rows, of, 0);
	assert_whole(of);
}

static void as_in_the_proto(void **state)
{
	(void)state;
	assert_record(call_rows, &tandem__call__call__descriptor);
	(void)assert_rows(call_outer_rows, &tandem__call__call__descriptor, 0);
	assert_record(aor_rows, &tandem__sig__aor__descriptor);
	assert_record(room_rows, &tandem__room__room__descriptor);
	assert_record(subscription_rows, &tandem__subscription__subscription__descriptor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_in_the_proto),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
