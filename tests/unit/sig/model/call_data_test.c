/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "sig/model/call.h"
#include "sig/sip/message.h"
#include "tests/unit/test.h"

static void set(struct call *c, const char *tag, const char *value, int want)
{
	assert_int_equal(call_data_set(c, bytes_str(tag), bytes_str(value)), want);
}

static void assert_has(const struct call *c, const char *want)
{
	if (!bytes_is(text_bytes(&c->data), want))
		fail_msg("%.*s, not %s", (int)c->data.n, text_str(&c->data), want);
	assert_true(call_data_is_good(text_bytes(&c->data)));
}

/* Exactly so, and each tag once. */
static void tags_have_values(void **state)
{
	struct call c = { 0 };

	(void)state;
	assert_has(&c, "");
	set(&c, "Case.CaseNumber", "1234", 0);
	assert_has(&c, "Case.CaseNumber=1234");
	set(&c, "Contract.ContractNumber", "*7#", 0);
	set(&c, "Case.CaseNumber", "99", 0);
	assert_has(&c, "Contract.ContractNumber=*7#;Case.CaseNumber=99");
	text_clear(&c.data);
}

static void room_is_bounded(void **state)
{
	char tag[] = "T.a-long-name-of-a-field-for-a-tag-0", before[CALL_DATA_MAX];
	struct call c = { 0 };

	(void)state;
	for (char i = 'a'; i < 'e'; i++) {
		tag[sizeof(tag) - 2] = i;
		set(&c, tag, "1234567890123456", 0);
	}
	(void)bytes_cstr(text_bytes(&c.data), before, sizeof(before));
	tag[sizeof(tag) - 2] = 'x';
	set(&c, tag, "1234567890123456", -ENOSPC);
	assert_has(&c, before);
	text_clear(&c.data);
}

static void two_calls_become_one(void **state)
{
	struct call to = { 0 }, from = { 0 };

	(void)state;
	set(&to, "Case.CaseNumber", "1", 0);
	set(&from, "Case.CaseNumber", "2", 0);
	set(&from, "Solution.SolutionNumber", "3", 0);
	assert_int_equal(text_set(&from.account, BYTES_LIT("7")), 0);
	call_data_merge(&to, &from);
	assert_true(bytes_is(text_bytes(&to.account), "7"));
	assert_int_equal(text_set(&from.account, BYTES_LIT("8")), 0);
	call_data_merge(&to, &from);
	assert_true(bytes_is(text_bytes(&to.account), "7")); /* its own */
	assert_has(&to, "Case.CaseNumber=1;Solution.SolutionNumber=3");
	assert_has(&from, "Case.CaseNumber=2;Solution.SolutionNumber=3");
	text_clear(&to.data);
	text_clear(&from.data);
	text_clear(&to.account);
	text_clear(&from.account);
}

/* Who its caller is there: only shards say so to each other. */
static void source_of_a_shard(void **state)
{
	static const char text[] =
		"INVITE sip:room-700@[::] SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
		"From: <sip:1001@a>;tag=1\r\nTo: <sip:700@a>\r\nCall-ID: 1\r\n"
		"CSeq: 1 INVITE\r\nTandem-Source: trunk carrier\r\nContent-Length: 0\r\n\r\n";
	static struct sip_message m;
	struct call c = { 0 };

	(void)state;
	assert_int_equal(message_parse_kept(&m, bytes_str(text)), 0);
	call_data_hear(&c, &m);
	assert_int_equal(c.source.n, 0);
	m.hop.transport = SIP_INTER_SHARD;
	call_data_hear(&c, &m);
	assert_true(bytes_is(text_bytes(&c.source), "trunk carrier"));
	text_clear(&c.source);
}

static void what_is_good(void **state)
{
	static const struct {
		const char *text;
		bool tag, data;
	} rows[] = {
		{ "Case.CaseNumber", true, false }, { "a.b", true, false },
		{ "", false, true },		    { "Case", false, false },
		{ ".b", false, false },		    { "a.", false, false },
		{ "a.b.c", false, false },	    { "a b.c", false, false },
		{ "a.b=1", false, true },	    { "a.b=", false, false },
		{ "a.b=1;", false, false },	    { "a.b=1;c.d=#*", false, true },
		{ "a.b=x y", false, true },	    { "=1", false, false },
		{ ";a.b=1", false, false },	    { "a.b=\n", false, false },
		{ "a.b=\xff", false, false },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		ROW_ASSERT(row->text, call_tag_is_good(bytes_str(row->text)) == row->tag);
		ROW_ASSERT(row->text, call_data_is_good(bytes_str(row->text)) == row->data);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tags_have_values),     cmocka_unit_test(room_is_bounded),
		cmocka_unit_test(two_calls_become_one), cmocka_unit_test(source_of_a_shard),
		cmocka_unit_test(what_is_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
