/* SPDX-License-Identifier: Apache-2.0 */
#include "app/schema/fields.h"

#include <jansson.h>

#include "media/offer/offer.h"
#include "sig/call/plan.h"
#include "tests/unit/test.h"

static struct fields g_fields;

static const char *value(const char *name)
{
	static char text[256];

	for (size_t i = 0; i < g_fields.count; i++) {
		if (strcmp(g_fields.list[i].name, name) != 0)
			continue;
		assert_int_equal(bytes_cstr(g_fields.list[i].value, text, sizeof(text)), 0);
		return text;
	}
	return NULL;
}

static void test_cdr(void **state)
{
	struct cdr cdr = {
		.call = 1,
		.tenant = "default",
		.from = "1001",
		.to = "1002",
		.sip_call_id = "x@y",
		.setup_utc_ms = 1000,
		.ringing_utc_ms = 1100,
		.answer_utc_ms = 2000,
		.end_utc_ms = 5500,
		.sip_status = 200,
		.q850 = 16,
		.ended_by = ENDED_BY_B,
		.reason = "normal",
		.lines = OFFER_LINES_T38,
		.forwarded_to = "1003",
		.from_trunk = "carrier",
		.forwarded = PLAN_BUSY,
		.a = { .packets_in = UINT64_MAX, .lost = 3, .digits = 4 },
		.b = { .packets_out = 7, .jitter_us = 1500, .rtt_us = 20000 },
		.b_sound = { .codec = "PCMU", .mos_in = 440, .mos_out = 390 },
	};

	(void)state;
	fields_of_cdr(&g_fields, &cdr);
	assert_null(value("id")); /* the store names the record */
	assert_string_equal(value("from"), "1001");
	assert_string_equal(value("talk_ms"), "3500");
	assert_string_equal(value("sip_status"), "200");
	assert_string_equal(value("ended_by"), "b");
	assert_string_equal(value("cause"), "normal");
	assert_string_equal(value("lines"), "t38");
	assert_string_equal(value("forwarded_to"), "1003");
	assert_string_equal(value("from_trunk"), "carrier");
	assert_string_equal(value("to_trunk"), "");
	assert_string_equal(value("forwarded"), "busy");
	assert_string_equal(value("a_packets_in"), "18446744073709551615");
	assert_string_equal(value("a_lost"), "3");
	assert_string_equal(value("a_digits"), "4");
	assert_string_equal(value("b_packets_out"), "7");
	assert_string_equal(value("b_jitter_us"), "1500");
	assert_string_equal(value("b_rtt_us"), "20000");
	assert_string_equal(value("b_codec"), "PCMU");
	assert_string_equal(value("b_mos_in_hundredths"), "440");
	assert_string_equal(value("b_mos_out_hundredths"), "390");
	assert_string_equal(value("a_mos_in_hundredths"), "0");
	assert_null(value("linked"));
	cdr.pair = cdr.pairs = 1;
	cdr.answer_utc_ms = 0;
	cdr.lines = OFFER_LINES_T38 | OFFER_LINES_TEXT;
	fields_of_cdr(&g_fields, &cdr);
	assert_string_equal(value("talk_ms"), "0");
	assert_string_equal(value("lines"), "t38 text");
	assert_null(value("linked"));
}

static struct cdrs g_cdrs;

/* Each pair has its own id, and all name the call. A call with one has what it always had. */
static void test_pairs(void **state)
{
	static struct cdr list[CDR_PAIRS_MAX];
	const char *call = "0000000000001";

	(void)state;
	for (uint8_t i = 0; i < CDR_PAIRS_MAX; i++)
		list[i] =
			(struct cdr){ .call = 1, .pair = (uint8_t)(i + 1), .pairs = CDR_PAIRS_MAX };
	cdrs_write(&g_cdrs, list, CDR_PAIRS_MAX, (struct bytes){ 0 }, (struct bytes){ 0 });
	assert_int_equal(g_cdrs.count, 2 * CDR_PAIRS_MAX - 1);
	for (size_t i = 0; i < g_cdrs.count; i++)
		assert_string_equal(g_cdrs.list[i].name, i % 2 ? "id" : "cdr");
	assert_true(bytes_is(g_cdrs.list[1].value, "0000000000001.2"));
	assert_true(bytes_is(g_cdrs.list[g_cdrs.count - 2].value, "0000000000001.17"));
	for (size_t i = 0; i < g_cdrs.count; i += 2) {
		json_t *json = json_loadb((const char *)g_cdrs.list[i].value.p,
					  g_cdrs.list[i].value.n, 0, NULL);

		assert_string_equal(json_string_value(json_object_get(json, "linked")), call);
		json_decref(json);
	}
	list[0].pairs = 1;
	cdrs_write(&g_cdrs, list, 1, (struct bytes){ 0 }, (struct bytes){ 0 });
	assert_int_equal(g_cdrs.count, 1);
	assert_null(memmem(g_cdrs.list[0].value.p, g_cdrs.list[0].value.n, "linked", 6));
}

static void facts_fill(struct call_facts *f, int octet)
{
	memset(f, octet, sizeof(*f));
#define CALL_FACT(member, size, from, name, help) f->member[(size)-1] = '\0';
#include "sig/host/call_facts.def"
#undef CALL_FACT
}

/* The longest of everything fits. */
static void test_longest_cdr(void **state)
{
	struct cdr cdr;

	(void)state;
	memset(&cdr, 0xff, sizeof(cdr));
	cdr.ended_by = ENDED_BY_OPERATOR;
	cdr.forwarded = PLAN_UNREACHABLE;
	facts_fill(&cdr.facts, 0xff);
	cdr.forwarded_to[sizeof(cdr.forwarded_to) - 1] = '\0';
	cdr.from_trunk[sizeof(cdr.from_trunk) - 1] = cdr.to_trunk[sizeof(cdr.to_trunk) - 1] = '\0';
	cdr.tenant[sizeof(cdr.tenant) - 1] = cdr.from[sizeof(cdr.from) - 1] =
		cdr.to[sizeof(cdr.to) - 1] = '\0';
	cdr.sip_call_id[sizeof(cdr.sip_call_id) - 1] = cdr.reason[sizeof(cdr.reason) - 1] = '\0';
	cdr.a_sound.codec[15] = cdr.b_sound.codec[15] = '\0';
	fields_of_cdr(&g_fields, &cdr);
	assert_string_equal(value("b_source_changes"), "4294967295");
}

static json_t *as_json(void)
{
	static char text[FIELDS_JSON_MAX];
	struct bytes out = fields_json(&g_fields, text);
	json_t *json = json_loadb((const char *)out.p, out.n, JSON_REJECT_DUPLICATES, NULL);

	assert_non_null(json);
	assert_int_equal(json_object_size(json), g_fields.count);
	return json;
}

/* Numbers are numbers; what came from the wire is text, whatever it is; the longest of all fits. */
static void test_json(void **state)
{
	struct cdr cdr = { .from = "10\"01", .to = "\xff\n", .sip_status = 200 };
	json_t *json;

	(void)state;
	fields_of_cdr(&g_fields, &cdr);
	json = as_json();
	assert_string_equal(json_string_value(json_object_get(json, "from")), "10\"01");
	assert_string_equal(json_string_value(json_object_get(json, "to")), "?\n");
	assert_int_equal(json_integer_value(json_object_get(json, "sip_status")), 200);
	for (size_t i = 0; i < g_fields.count; i++)
		assert_int_equal(json_is_integer(json_object_get(json, g_fields.list[i].name)),
				 fields_cdr_is_number(bytes_str(g_fields.list[i].name)));
	json_decref(json);
	memset(&cdr, 0xff, sizeof(cdr));
	memset(cdr.from, 1, sizeof(cdr.from));
	memset(cdr.sip_call_id, 1, sizeof(cdr.sip_call_id));
	memset(&cdr.a, 0x0f, sizeof(cdr.a));
	memset(&cdr.b, 0x0f, sizeof(cdr.b));
	cdr.forwarded = PLAN_UNREACHABLE;
	memset(cdr.to, 1, sizeof(cdr.to));
	memset(cdr.forwarded_to, 1, sizeof(cdr.forwarded_to));
	memset(cdr.reason, 1, sizeof(cdr.reason));
	facts_fill(&cdr.facts, 1);
	cdr.forwarded_to[sizeof(cdr.forwarded_to) - 1] = '\0';
	cdr.from_trunk[sizeof(cdr.from_trunk) - 1] = cdr.to_trunk[sizeof(cdr.to_trunk) - 1] = '\0';
	cdr.setup_utc_ms = cdr.ringing_utc_ms = cdr.answer_utc_ms = cdr.end_utc_ms = INT64_MAX;
	cdr.ended_by = ENDED_BY_OPERATOR;
	cdr.tenant[sizeof(cdr.tenant) - 1] = cdr.from[sizeof(cdr.from) - 1] =
		cdr.to[sizeof(cdr.to) - 1] = '\0';
	cdr.sip_call_id[sizeof(cdr.sip_call_id) - 1] = cdr.reason[sizeof(cdr.reason) - 1] = '\0';
	cdr.a_sound.codec[15] = cdr.b_sound.codec[15] = '\0';
	fields_of_cdr(&g_fields, &cdr);
	json_decref(as_json());
}

static void test_every_number_is_known_as_one(void **state)
{
	static const char *const texts[] = {
		"tenant",      "from",       "to",          "sip_call_id", "ended_by",
		"cause",       "lines",      "a_codec",     "b_codec",     "forwarded_to",
		"forwarded",   "from_trunk", "to_trunk",    "data",        "account_code",
		"flow",        "group",      "path",        "dnis",        "message",
		"missed",      "from_name",  "answered_by", "queue",       "agent",
		"queue_wait_s"
	};
	struct cdr cdr = { 0 };
	size_t numbers = 0;

	(void)state;
	fields_of_cdr(&g_fields, &cdr);
	for (size_t i = 0; i < g_fields.count; i++)
		numbers += fields_cdr_is_number(bytes_str(g_fields.list[i].name));
	assert_int_equal(numbers, g_fields.count - COUNT_OF(texts));
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		assert_false(fields_cdr_is_number(bytes_str(texts[i])));
}

static void test_security(void **state)
{
	struct security_event event = {
		.kind = SECURITY_QUOTA, .count = 12, .user = "1001", .detail = "calls"
	};

	(void)state;
	fields_of_security(&g_fields, &event);
	assert_string_equal(value("type"), "quota");
	assert_string_equal(value("source"), "several");
	assert_string_equal(value("user"), "1001");
	assert_string_equal(value("detail"), "calls");
	assert_string_equal(value("count"), "12");
	assert_int_equal(addr_parse(&event.source, BYTES_LIT("192.0.2.1:5060")), 0);
	fields_of_security(&g_fields, &event);
	assert_string_equal(value("source"), "192.0.2.1:5060");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cdr),
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_longest_cdr),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_every_number_is_known_as_one),
		cmocka_unit_test(test_security),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
