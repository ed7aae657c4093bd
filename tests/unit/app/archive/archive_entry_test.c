/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of streams as rows: call records of this program and of older ones, the audit, events; what is none is kept as broken. */
#include "tests/unit/app/archive/rig.h"

static struct archive_entry entry_of(enum archive_stream kind, struct archive_field *fields,
				     size_t n)
{
	return (struct archive_entry){
		kind, BYTES_LIT(STREAM), BYTES_LIT("default"), BYTES_LIT("1795819000000-7"), fields,
		n
	};
}

#define FIELD(name, text)                        \
	{                                        \
		BYTES_LIT(name), BYTES_LIT(text) \
	}

static void test_record(void **state)
{
	struct archive_field fields[] = {
		FIELD("id", "000agvj5jqr40.3"),
		FIELD("cdr", "{\"tenant\":\"acme\",\"linked\":\"000agvj5jqr40\",\"from\":\"1001\","
			     "\"to\":\"\",\"end_utc_ms\":1795819065000,"
			     "\"talk_ms\":60000,\"q850\":-3,\"a_codec\":\"opus\",\"a_lost\":0,\"a_"
			     "mos_in_hundredths\":430,"
			     "\"b_mos_out_hundredths\":390,\"conference\":\"\"}"),
		FIELD("findings", "[{\"rule\":\"loss\"}]"),
	};
	struct archive_entry entry = entry_of(ARCHIVE_CDRS, fields, 3);
	struct archive_leg l;

	(void)state;
	assert_int_equal(archive_leg_parse(&l, &entry), 0);
	assert_int_equal(l.leg, 3);
	assert_true(bytes_is(l.tenant, "acme") && bytes_is(l.from_number, "1001") &&
		    !l.to_number.n);
	assert_int_equal(l.talk_ms, 60000);
	assert_int_equal(l.q850, 0);
	assert_int_equal(l.mos, 390);
	assert_int_equal(l.revision, 1795819065000);
	assert_true(bytes_is(
		l.detail,
		"{\"a_codec\":\"opus\",\"a_mos_in_hundredths\":430,\"b_mos_out_hundredths\":390,"
		"\"findings\":[{\"rule\":\"loss\"}]}"));
	archive_leg_drop(&l);
}

/* An older program wrote each member as a field; no tenant is the default one. */
static void test_older(void **state)
{
	struct archive_field fields[] = { FIELD("id", "000agvj5jqr40"), FIELD("from", "\xff\xfe"),
					  FIELD("to", "1002"),
					  FIELD("end_utc_ms", "1795819065000") };
	struct archive_entry entry = entry_of(ARCHIVE_CDRS, fields, 4);
	struct archive_leg l;

	(void)state;
	assert_int_equal(archive_leg_parse(&l, &entry), 0);
	assert_true(!l.from_number.n && bytes_is(l.to_number, "1002") &&
		    bytes_is(l.tenant, "default"));
	archive_leg_drop(&l);
}

static void test_broken(void **state)
{
	static const char *const ids[] = { "",
					   "000agvj5jqr4",
					   "000agvj5jqr40.",
					   "000agvj5jqr40.1",
					   "000agvj5jqr40.18",
					   "000agvj5jqr40.2x",
					   "000agvj5jqr40x2",
					   "zzzzzzzzzzzzz" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		struct archive_field fields[] = { { BYTES_LIT("id"), bytes_str(ids[i]) },
						  FIELD("cdr", "{\"end_utc_ms\":1795819065000}") };
		struct archive_entry entry = entry_of(ARCHIVE_CDRS, fields, 2);
		struct archive_event e;
		struct archive_leg l;

		ROW_ASSERT(ids[i], archive_leg_parse(&l, &entry) == -EBADMSG);
		assert_int_equal(archive_event_broken(&e, &entry), 0);
		assert_int_equal(e.kind, ARCHIVE_KIND_BROKEN);
		assert_non_null(strstr((const char *)e.body.p, "1795819065000"));
		archive_event_drop(&e);
	}
}

static void own_of(char out[ARCHIVE_OWN_MAX], enum archive_stream kind, const char *id,
		   const char *event)
{
	struct archive_field fields[] = { { BYTES_LIT("event"), bytes_str(event) } };
	struct archive_entry entry = entry_of(kind, fields, 1);
	struct archive_event e;

	entry.id = bytes_str(id);
	assert_int_equal(archive_event_parse(&e, &entry), 0);
	memcpy(out, e.own, ARCHIVE_OWN_MAX);
	archive_event_drop(&e);
}

/* An id of a stream that comes again after a failover is another entry; an event of a message, or of a call in a queue, that is told twice is one. */
static void test_own(void **state)
{
	static const char one[] = "{\"command\":\"call.hangup\"}",
			  two[] = "{\"command\":\"call.hold\"}";
	static const char new[] = "{\"type\":\"message.new\",\"version\":3,\"mailbox\":\"1002\","
				  "\"message\":\"000agvj5jqr40-1\"}";
	static const char
		left[] = "{\"type\":\"queue.left\",\"call\":\"000agvj5jqr40\",\"version\":7}",
		again[] = "{\"type\":\"queue.left\",\"call\":\"000agvj5jqr40\",\"version\":9}";
	char a[ARCHIVE_OWN_MAX], b[ARCHIVE_OWN_MAX];

	(void)state;
	own_of(a, ARCHIVE_AUDIT, "5-1", one);
	own_of(b, ARCHIVE_AUDIT, "5-1", one);
	assert_string_equal(a, b);
	own_of(b, ARCHIVE_AUDIT, "5-1", two);
	assert_string_not_equal(a, b);
	own_of(b, ARCHIVE_AUDIT, "5-2", one);
	assert_string_not_equal(a, b);
	own_of(a, ARCHIVE_EVENTS, "5-1", new);
	own_of(b, ARCHIVE_EVENTS, "9-9", new);
	assert_string_equal(a, b);
	own_of(a, ARCHIVE_EVENTS, "5-1", left);
	own_of(b, ARCHIVE_EVENTS, "9-9", left);
	assert_string_equal(a, b);
	own_of(b, ARCHIVE_EVENTS, "9-9", again);
	assert_string_not_equal(a, b);
}

static void test_events(void **state)
{
	static const struct {
		const char *name, *event;
		enum archive_stream stream;
		int err;
		enum archive_kind kind;
	} rows[] = {
		{ "audit", "{\"command\":\"x\"}", ARCHIVE_AUDIT, 0, ARCHIVE_KIND_AUDIT },
		{ "of calls", "{\"command\":\"x\"}", ARCHIVE_AUDIT_CALLS, 0, ARCHIVE_KIND_AUDIT_CALLS },
		{ "no command", "{}", ARCHIVE_AUDIT, -EBADMSG, 0 },
		{ "agent", "{\"type\":\"agent.paused\"}", ARCHIVE_EVENTS, 0, ARCHIVE_KIND_AGENT },
		{ "of a call", "{\"type\":\"call.ended\"}", ARCHIVE_EVENTS, -ENOENT, 0 },
		{ "a list", "[]", ARCHIVE_EVENTS, -EBADMSG, 0 },
		{ "a NUL", "{\"command\":\"a\\u0000b\"}", ARCHIVE_AUDIT, -EBADMSG, 0 },
		{ "no JSON", "{", ARCHIVE_AUDIT, -EBADMSG, 0 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct archive_field fields[] = { { BYTES_LIT("event"), bytes_str(row->event) } };
		struct archive_entry entry = entry_of(row->stream, fields, 1);
		struct archive_event e;
		int err = archive_event_parse(&e, &entry);

		ROW_ASSERT(row->name, err == row->err);
		if (err)
			continue;
		ROW_ASSERT(row->name, e.kind == row->kind && e.utc_ms == 1795819000000);
		archive_event_drop(&e);
	}
}

/* Fields, whoever wrote them: texts without NUL, of valid UTF-8, cut to their columns. */
static void test_security(void **state)
{
	struct archive_field fields[] = { FIELD("type", "scan"), FIELD("source", "192.0.2.1:5060"),
					  FIELD("user", "10\xff"),
					  FIELD("detail", "{\"command\":1}"),
					  FIELD("count", "12") };
	struct archive_entry entry = entry_of(ARCHIVE_SECURITY, fields, COUNT_OF(fields));
	struct archive_event e;

	(void)state;
	assert_int_equal(archive_event_parse(&e, &entry), 0);
	assert_int_equal(e.kind, ARCHIVE_KIND_SECURITY);
	assert_true(bytes_is(e.type, "scan") && bytes_is(e.who, "192.0.2.1:5060") && !e.subject.n);
	assert_int_equal(json_integer_value(json_object_get(e.json, "count")), 12);
	assert_string_equal(json_string_value(json_object_get(e.json, "detail")),
			    "{\"command\":1}");
	archive_event_drop(&e);
	entry.count = 0;
	assert_int_equal(archive_event_parse(&e, &entry), -EBADMSG);
}

/* A call's month is of its id alone. */
static void test_month(void **state)
{
	struct id_source source = { .shard = 3 };

	(void)state;
	assert_int_equal(archive_month(id_call_next(&source, 1795819000000)), 202611);
	assert_int_equal(archive_month(id_call_next(&source, 1798761599999)), 202612);
	assert_int_equal(archive_month(id_call_next(&source, 1798761600000)), 202701);
	assert_int_equal(archive_month(id_call_next(&source, 1835308800000)), 202802);
	assert_int_equal(archive_month(id_call_derive(3, BYTES_LIT("order"))), 0);
}

static void test_fold(void **state)
{
	char out[32];
	struct writer w = writer_over(out, sizeof(out));

	(void)state;
	archive_fold(&w, bytes_str("J\xc3\x9cRGEN \xc3\x97 \xc3\x9f \xd0\x96"));
	assert_true(bytes_is(writer_done(&w), "j\xc3\xbcrgen \xc3\x97 \xc3\x9f \xd0\x96"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_record), cmocka_unit_test(test_older),
		cmocka_unit_test(test_broken), cmocka_unit_test(test_own),
		cmocka_unit_test(test_events), cmocka_unit_test(test_month),
		cmocka_unit_test(test_fold),   cmocka_unit_test(test_security),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
