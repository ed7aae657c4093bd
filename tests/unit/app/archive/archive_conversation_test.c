/* SPDX-License-Identifier: Apache-2.0 */
/* One conversation of its legs: what became of it, who missed it, how long it was, whose lists it is in. */
#include "tests/unit/app/archive/rig.h"

#define B(text) BYTES_LIT(text)

static struct archive_conversation g_c;

static const struct archive_listed *listed(const char *owner)
{
	for (size_t i = 0; i < g_c.list_count; i++) {
		if (bytes_is(g_c.lists[i].owner, owner))
			return &g_c.lists[i];
	}
	return NULL;
}

static void test_results(void **state)
{
	static const struct {
		const char *name;
		struct archive_leg leg;
		enum archive_result result;
		bool missed;
	} rows[] = {
		{ "answered", { .answered_by = B("1002"), .answered_ms = 5, .sip_status = 200 }, ARCHIVE_ANSWERED, false },
		{ "one of a group", { .answered_by = B("1003"), .answered_ms = 5, .missed = B("") }, ARCHIVE_ANSWERED, false },
		{ "voicemail", { .message = B("1-1"), .answered_ms = 5, .missed = B("1002") }, ARCHIVE_MESSAGE, true },
		{ "voicemail, no message", { .answered_ms = 5, .missed = B("1002") }, ARCHIVE_NO_ANSWER, true },
		{ "attendant", { .answered_ms = 5, .flow = B("main") }, ARCHIVE_HANDLED, false },
		{ "busy", { .sip_status = 486, .missed = B("1002") }, ARCHIVE_BUSY, true },
		{ "gave up", { .sip_status = 487, .missed = B("1002") }, ARCHIVE_CANCELLED, true },
		{ "no answer", { .sip_status = 480, .missed = B("1002") }, ARCHIVE_NO_ANSWER, true },
		{ "refused", { .sip_status = 403 }, ARCHIVE_FAILED, false },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		archive_conversation_make(&g_c, &row->leg, 1);
		ROW_ASSERT(row->name, g_c.result == row->result);
		ROW_ASSERT(row->name, !!(g_c.flags & ARCHIVE_MISSED) == row->missed);
		if (row->missed && !bytes_is(row->leg.missed, ""))
			ROW_ASSERT(row->name,
				   listed("u1002") && listed("u1002")->flags & ARCHIVE_MISSED);
	}
}

/* A caller from outside, a group, a transfer, another transfer: one row, who answered last, all talk. */
static void test_transfers(void **state)
{
	static const struct archive_leg legs[] = {
		{ .leg = 1,
		  .from_number = B("+4989"),
		  .from_name = B("Ann"),
		  .from_trunk = B("t"),
		  .to_number = B("100"),
		  .grp = B("sales"),
		  .answered_by = B("1002"),
		  .began_ms = 10,
		  .answered_ms = 20,
		  .ended_ms = 50,
		  .talk_ms = 30,
		  .dnis = B("55100"),
		  .recordings = B("x-1") },
		{ .leg = 2,
		  .from_number = B("+4989"),
		  .from_trunk = B("t"),
		  .to_number = B("1003"),
		  .answered_by = B("1003"),
		  .began_ms = 50,
		  .answered_ms = 60,
		  .ended_ms = 100,
		  .talk_ms = 40,
		  .mos = 390,
		  .recordings = B("x-2") },
		{ .leg = 3,
		  .from_number = B("+4989"),
		  .from_trunk = B("t"),
		  .to_number = B("1004"),
		  .answered_by = B("1004"),
		  .began_ms = 100,
		  .answered_ms = 110,
		  .ended_ms = 200,
		  .talk_ms = 90,
		  .mos = 410 },
	};

	(void)state;
	archive_conversation_make(&g_c, legs, 3);
	assert_int_equal(g_c.talk_ms, 160);
	assert_int_equal(g_c.began_ms, 10);
	assert_int_equal(g_c.answered_ms, 20);
	assert_int_equal(g_c.ended_ms, 200);
	assert_int_equal(g_c.mos, 390);
	assert_int_equal(g_c.direction, ARCHIVE_INCOMING);
	assert_true(bytes_is(g_c.answered_by, "1004") && bytes_is(g_c.to_number, "100") &&
		    bytes_is(g_c.grp, "sales"));
	assert_true(bytes_is(g_c.recordings, "x-1,x-2") && bytes_is(g_c.from_name, "Ann"));
	for (const char *const *o = (const char *const[]){ "", "n+4989", "u1002", "u1003", "u1004",
							   "gsales", NULL };
	     *o; o++)
		ROW_ASSERT(*o, listed(*o) && !(listed(*o)->flags & ARCHIVE_MISSED));
}

/* A group that nobody took: missed by each that rang, and by the group; the caller has not missed it. */
static void test_missed(void **state)
{
	static const struct archive_leg leg = { .from_number = B("1001"),
						.to_number = B("100"),
						.grp = B("sales"),
						.missed = B("1002,1003"),
						.sip_status = 487 };

	(void)state;
	archive_conversation_make(&g_c, &leg, 1);
	assert_true(listed("u1002")->flags & listed("u1003")->flags & listed("gsales")->flags &
		    listed("")->flags & ARCHIVE_MISSED);
	assert_false(listed("u1001")->flags & ARCHIVE_MISSED);
	assert_int_equal(listed("u1001")->direction, ARCHIVE_OUTGOING);
	assert_int_equal(listed("u1002")->direction, ARCHIVE_INCOMING);
	assert_int_equal(listed("")->direction, ARCHIVE_INTERNAL);
}

/* Names that would fill all that there is. */
static void test_crowd(void **state)
{
	char missed[160] = "";
	struct archive_leg legs[ARCHIVE_LEGS_MAX];

	(void)state;
	for (int i = 0; i < ARCHIVE_LEGS_MAX; i++)
		legs[i] = (struct archive_leg){ .leg = i + 1 };
	for (int i = 0; i < 39; i++)
		(void)snprintf(missed + 4 * i, sizeof(missed) - 4 * (size_t)i, "%03d,", i);
	for (int i = 0; i < 3; i++)
		legs[i].missed = bytes_mem(missed + 8 * i, strlen(missed) - 8 * (size_t)i);
	legs[5].from_number = B("123456789012345678901234567890123456789012345678901234567890123");
	archive_conversation_make(&g_c, legs, ARCHIVE_LEGS_MAX);
	assert_true(g_c.list_count <= ARCHIVE_OWNERS_MAX && listed("u038") && listed("u000"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_results),
		cmocka_unit_test(test_transfers),
		cmocka_unit_test(test_missed),
		cmocka_unit_test(test_crowd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
