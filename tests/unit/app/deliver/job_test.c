/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>

#include "app/deliver/job.h"

#define NOW_MS UINT64_C(1795564800000)

static const struct job_terms TERMS = {
	.first_ms = 1000, .most_ms = 60000, .give_up_ms = 3600000, .refusals = 3
};
static const char NAMES[][JOB_NAME_MAX] = { "archive", "mail" };

static struct job two(void)
{
	struct job j = { 0 };

	assert_true(job_name(&j, NAMES, 2));
	return j;
}

static enum job_action happen(struct job *j, enum job_event_kind kind, uint32_t which,
			      uint64_t now_ms)
{
	const struct job_event e = { kind, which, "the server is down" };
	struct rand_source rand;

	rand_open_seed(&rand, now_ms);
	return job_step(j, &e, &TERMS, now_ms, &rand);
}

static void all_delivered_is_the_end(void **state)
{
	struct job j = two();

	(void)state;
	assert_int_equal(job_due(&j, &TERMS, NOW_MS, 0), 0);
	assert_int_equal(job_due(&j, &TERMS, NOW_MS, 1),
			 1); /* the first one's destination is busy */
	assert_int_equal(job_due(&j, &TERMS, NOW_MS, 3), j.count);
	assert_int_equal(happen(&j, JOB_DELIVERED, 0, NOW_MS), JOB_KEEP);
	assert_int_equal(job_due(&j, &TERMS, NOW_MS, 0), 1);
	assert_int_equal(job_state(&j), DELIVERY_WAITS);
	assert_int_equal(happen(&j, JOB_DELIVERED, 1, NOW_MS), JOB_FINISH);
	assert_int_equal(happen(&j, JOB_DELIVERED, 1, NOW_MS), JOB_NOTHING);
	assert_int_equal(happen(&j, JOB_FAILED, 1, NOW_MS), JOB_NOTHING);
	assert_int_equal(job_state(&j), DELIVERY_DONE);
	assert_int_equal(job_due(&j, &TERMS, NOW_MS, 0), j.count);
	assert_int_equal(job_next_ms(&j), UINT64_MAX);
}

static void pauses_double_up_to_a_bound(void **state)
{
	static const uint64_t most[] = {
		1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000, 60000
	};
	struct job j = two();
	uint64_t now_ms = NOW_MS;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(most); i++) {
		assert_int_equal(happen(&j, JOB_FAILED, 0, now_ms), JOB_KEEP);
		assert_in_range(j.of[0].next_ms - now_ms, most[i] / 2, most[i]);
		assert_int_equal(j.of[0].tries, i + 1);
		assert_int_equal(job_due(&j, &TERMS, now_ms, 0),
				 1); /* the other one does not wait */
		now_ms = j.of[0].next_ms;
		assert_int_equal(job_due(&j, &TERMS, now_ms, 0), 0);
	}
	assert_string_equal(j.of[0].reason, "the server is down");
}

static void pauses_differ(void **state)
{
	uint64_t first = 0;
	bool differ = false;

	(void)state;
	for (uint64_t i = 0; i < 20; i++) {
		struct job j = two();

		(void)happen(&j, JOB_FAILED, 0, NOW_MS + i);
		differ |= i && j.of[0].next_ms - i != first;
		first = j.of[0].next_ms - i;
	}
	assert_true(differ);
}

static void refusals_are_few(void **state)
{
	struct job j = two();

	(void)state;
	assert_int_equal(happen(&j, JOB_REFUSED, 0, NOW_MS), JOB_KEEP);
	assert_int_equal(happen(&j, JOB_REFUSED, 0, NOW_MS), JOB_KEEP);
	assert_int_equal(happen(&j, JOB_FAILED, 0, NOW_MS), JOB_KEEP); /* it begins anew */
	assert_int_equal(happen(&j, JOB_REFUSED, 0, NOW_MS), JOB_KEEP);
	assert_int_equal(happen(&j, JOB_REFUSED, 0, NOW_MS), JOB_KEEP);
	assert_int_equal(happen(&j, JOB_REFUSED, 0, NOW_MS), JOB_DEAD);
	assert_int_equal(job_state(&j), DELIVERY_WAITS); /* the mail */
	assert_int_equal(happen(&j, JOB_DELIVERED, 1, NOW_MS), JOB_KEEP);
	assert_int_equal(job_state(&j), DELIVERY_DEAD);
	assert_int_equal(job_due(&j, &TERMS, UINT64_MAX, 0), j.count);
}

static void given_up_after_a_time(void **state)
{
	struct job j = two();

	(void)state;
	assert_int_equal(happen(&j, JOB_FAILED, 0, NOW_MS), JOB_KEEP);
	assert_int_equal(happen(&j, JOB_FAILED, 0, NOW_MS + 3599999), JOB_KEEP);
	assert_int_equal(happen(&j, JOB_FAILED, 0, NOW_MS + 3600000), JOB_DEAD);
	assert_int_equal(happen(&j, JOB_ASKED, 0, NOW_MS + 3700000), JOB_KEEP);
	assert_int_equal(happen(&j, JOB_ASKED, 0, NOW_MS + 3700000), JOB_NOTHING);
	assert_int_equal(job_due(&j, &TERMS, NOW_MS + 3700000, 0), 0);
	assert_int_equal(happen(&j, JOB_FAILED, 0, NOW_MS + 3700000), JOB_KEEP);
}

static void a_wall_set_back_keeps_nobody_waiting(void **state)
{
	struct job j = two();

	(void)state;
	(void)happen(&j, JOB_DELIVERED, 1, NOW_MS);
	(void)happen(&j, JOB_FAILED, 0, NOW_MS);
	assert_int_equal(job_due(&j, &TERMS, NOW_MS, 0), j.count);
	assert_int_equal(job_due(&j, &TERMS, NOW_MS - 86400000, 0), 0);
	assert_int_equal(happen(&j, JOB_FAILED, 0, NOW_MS - 86400000), JOB_KEEP);
}

/* Settings changed: what was delivered stays so, what waits for a destination that is gone does not. */
static void names_come_and_go(void **state)
{
	static const char after[][JOB_NAME_MAX] = { "mail", "s3" };
	struct job j = two();

	(void)state;
	assert_false(job_name(&j, NAMES, 2));
	(void)happen(&j, JOB_DELIVERED, 0, NOW_MS);
	assert_true(job_name(&j, after, 2));
	assert_int_equal(j.count, 3);
	assert_string_equal(j.of[0].to, "archive");
	assert_true(job_name(&j, after, 1));
	assert_int_equal(j.count, 2);
	assert_string_equal(j.of[1].to, "mail");
	assert_true(job_name(&j, NULL, 0));
	assert_int_equal(job_state(&j), DELIVERY_DONE);
}

static void files_say_the_same(void **state)
{
	struct job j = two(), again;
	char text[JOB_TEXT_MAX];
	struct writer w = writer_over(text, sizeof(text));

	(void)state;
	(void)happen(&j, JOB_FAILED, 0, NOW_MS);
	(void)happen(&j, JOB_REFUSED, 1, NOW_MS);
	memset(j.of[1].reason, 0, JOB_REASON_MAX);
	memcpy(j.of[1].reason, "say \"why\"\n", 11);
	job_write(&w, &j);
	assert_false(w.overflow);
	memset(&again, 0, sizeof(again));
	assert_int_equal(job_parse(&again, writer_done(&w)), 0);
	assert_memory_equal(&again, &j, sizeof(j));
}

static void broken_files_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{}",
		"{\"deliveries\":{}}",
		"{\"deliveries\":[1]}",
		"{\"deliveries\":[{\"to\":\"../x\",\"state\":\"waits\",\"tries\":0,\"refusals\":0,"
		"\"first_ms\":0,\"next_ms\":0}]}",
		"{\"deliveries\":[{\"to\":\"x\",\"state\":\"lost\",\"tries\":0,\"refusals\":0,"
		"\"first_ms\":0,\"next_ms\":0}]}",
		"{\"deliveries\":[{\"to\":\"x\",\"state\":\"dead\",\"tries\":-1,\"refusals\":0,"
		"\"first_ms\":0,\"next_ms\":0}]}",
	};
	struct job j = { .count = 7 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		ROW_ASSERT(bad[i], job_parse(&j, bytes_str(bad[i])) == -EBADMSG);
		ROW_ASSERT(bad[i], j.count == 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_delivered_is_the_end),
		cmocka_unit_test(pauses_double_up_to_a_bound),
		cmocka_unit_test(pauses_differ),
		cmocka_unit_test(refusals_are_few),
		cmocka_unit_test(given_up_after_a_time),
		cmocka_unit_test(a_wall_set_back_keeps_nobody_waiting),
		cmocka_unit_test(names_come_and_go),
		cmocka_unit_test(files_say_the_same),
		cmocka_unit_test(broken_files_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
