/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <stdio.h>

#include "base/clock.h"
#include "cluster/identity.h"

enum { OWN = 9 };

static const struct identity OURS = { .place = "here", .where = "host:/ours" };
static const struct identity COPY = { .place = "there", .where = "host:/copy" };

static struct bytes line_of(char out[ROSTER_TEXT_MAX], uint64_t incarnation, uint64_t beat)
{
	struct roster_node node = { .id = 1, .beat = beat, .incarnation = incarnation };

	(void)snprintf(node.address, sizeof(node.address), "192.0.2.1:7");
	(void)snprintf(node.name, sizeof(node.name), "a");
	return roster_write(out, &node);
}

/* The line of that process, which runs at that place; NULL: of an earlier program, which says none. */
static enum twin_verdict look(struct twin *t, uint64_t incarnation, uint64_t beat,
			      const struct identity *at, uint64_t now_ns)
{
	char line[ROSTER_TEXT_MAX], place[TWIN_PLACE_MAX];

	return twin_look(t, &OURS, line_of(line, incarnation, beat),
			 at ? twin_place_write(place, incarnation, at) : (struct bytes){ 0 },
			 now_ns);
}

static enum twin_verdict found(struct twin *t, uint64_t incarnation, uint64_t beat,
			       const struct identity *at)
{
	char line[ROSTER_TEXT_MAX], place[TWIN_PLACE_MAX];

	return twin_found(t, &OURS, line_of(line, incarnation, beat),
			  at ? twin_place_write(place, incarnation, at) : (struct bytes){ 0 });
}

/* A kill is followed at once: the lock of the directory is ours. */
static void test_start_again(void **state)
{
	struct twin t = { 0 };

	(void)state;
	assert_int_equal(twin_look(&t, &OURS, (struct bytes){ 0 }, (struct bytes){ 0 }, 1),
			 TWIN_NOBODY);
	assert_int_equal(look(&t, 7, 12, &OURS, 1), TWIN_NOBODY);
	t = (struct twin){ 0 };
	assert_int_equal(look(&t, 7, 0, &COPY, 1), TWIN_NOBODY); /* stopped, or removed */
	assert_int_equal(twin_look(&t, &OURS, BYTES_LIT("x"), (struct bytes){ 0 }, 1), TWIN_NOBODY);
}

static void test_start_elsewhere(void **state)
{
	static const struct identity *const places[] = { &COPY, NULL };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(places); i++) {
		struct twin t = { 0 };

		/* moved, or after a boot: nobody says anything any more */
		assert_int_equal(look(&t, 7, 12, places[i], 5), TWIN_WAIT);
		assert_int_equal(look(&t, 7, 12, places[i], 5 + TWIN_WATCH_NS), TWIN_WAIT);
		assert_int_equal(look(&t, 7, 12, places[i], 6 + TWIN_WATCH_NS), TWIN_NOBODY);
		/* it beats, or has just started */
		t = (struct twin){ 0 };
		assert_int_equal(look(&t, 7, 12, places[i], 5), TWIN_WAIT);
		assert_int_equal(look(&t, 7, 13, places[i], 6), TWIN_LIVES);
		assert_string_equal(t.where, places[i] ? "host:/copy" : "");
		t = (struct twin){ 0 };
		assert_int_equal(look(&t, 7, 12, places[i], 5), TWIN_WAIT);
		assert_int_equal(look(&t, 8, 1, places[i], 6), TWIN_LIVES);
		/* it stops meanwhile */
		t = (struct twin){ 0 };
		assert_int_equal(look(&t, 7, 12, places[i], 5), TWIN_WAIT);
		assert_int_equal(look(&t, 7, 0, places[i], 6), TWIN_NOBODY);
	}
}

/* What is said of a place counts for the process that said it alone. */
static void test_place_of_another(void **state)
{
	char line[ROSTER_TEXT_MAX], place[TWIN_PLACE_MAX];
	struct twin t = { 0 };

	(void)state;
	assert_int_equal(twin_look(&t, &OURS, line_of(line, 7, 12),
				   twin_place_write(place, 6, &OURS), 5),
			 TWIN_WAIT);
}

/* The one that came second finds the one before again and again; once may be what was on its way. */
static void test_second(void **state)
{
	struct twin t = { 0 };

	(void)state;
	(void)look(&t, 7, 12, &COPY, 5);
	assert_int_equal(look(&t, 7, 12, &COPY, 6 + TWIN_WATCH_NS), TWIN_NOBODY);
	twin_taken(&t, OWN);
	assert_int_equal(t.before, 7);
	assert_int_equal(found(&t, 7, 13, &COPY), TWIN_NOBODY);
	assert_string_equal(t.seen, "1 13 0000000000000007 192.0.2.1:7 - a");
	twin_taken(&t, OWN);
	assert_string_equal(t.seen, "");
	assert_int_equal(found(&t, 7, 14, &COPY), TWIN_LIVES);
	assert_string_equal(t.where, "host:/copy");
}

static void test_first(void **state)
{
	struct twin t = { 0 };

	(void)state;
	assert_int_equal(look(&t, 7, 12, &OURS, 5), TWIN_NOBODY);
	twin_taken(&t, OWN);
	assert_int_equal(found(&t, 7, 13, &OURS), TWIN_NOBODY); /* written before its end */
	twin_taken(&t, OWN);
	for (uint64_t beat = 1; beat < 9; beat++) {
		assert_int_equal(found(&t, 8, beat, &COPY), TWIN_LATER);
		assert_int_equal(t.later, 8);
		twin_taken(&t, OWN);
	}
	assert_int_equal(found(&t, 10, 1, NULL), TWIN_LATER);
	assert_int_equal(t.later, 10);
	assert_int_equal(found(&t, 10, 0, NULL), TWIN_NOBODY);
}

/* Whoever made the line at all is not second because another one came, and was replaced. */
static void test_very_first(void **state)
{
	struct twin t = { 0 };

	(void)state;
	assert_int_equal(twin_look(&t, &OURS, (struct bytes){ 0 }, (struct bytes){ 0 }, 5),
			 TWIN_NOBODY);
	twin_taken(&t, OWN);
	for (uint64_t beat = 1; beat < 9; beat++) {
		assert_int_equal(found(&t, 8, beat, &COPY), TWIN_LATER);
		twin_taken(&t, OWN);
		assert_int_equal(t.before, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_start_again),
		cmocka_unit_test(test_start_elsewhere),
		cmocka_unit_test(test_place_of_another),
		cmocka_unit_test(test_second),
		cmocka_unit_test(test_first),
		cmocka_unit_test(test_very_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
