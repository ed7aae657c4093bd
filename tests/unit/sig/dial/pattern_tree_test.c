/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/dial/pattern.h"

#include "tests/unit/test.h"

/* An item is its list of patterns. */
static int text_order(const void *a, const void *b)
{
	return strcmp(a, b);
}

static bool may_any(const void *item, const void *arg)
{
	(void)item;
	(void)arg;
	return true;
}

static bool may_other(const void *item, const void *arg)
{
	return item != arg;
}

/* All patterns of a list. */
static void list_put(struct pattern_tree *t, const char *item, bool put)
{
	struct bytes list = bytes_str(item), one;
	const char *wrong;
	struct pattern p;

	while (bytes_cut(&list, '|', &one)) {
		assert_int_equal(pattern_read(&p, one, &wrong), 0);
		if (put)
			assert_int_equal(pattern_tree_put(t, &p, (void *)(uintptr_t)item), 0);
		else
			pattern_tree_delete(t, &p, item);
	}
}

static const char *find(const struct pattern_tree *t, const char *number)
{
	const char *item = pattern_tree_find(t, bytes_str(number), may_any, NULL);

	return item ? item : "";
}

static void the_most_exact(void **state)
{
	static const char *const items[] = { "x.",     "9x.",   "90x",      "90x.",
					     "9[01]5", "[12]x", "[13]5.|7", "[13]5" };
	struct pattern_tree t = { .order = text_order };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(items); i++)
		list_put(&t, items[i], true);
	assert_string_equal(find(&t, "901"), "90x");
	assert_string_equal(find(&t, "905"), "90x"); /* from left to right */
	assert_string_equal(find(&t, "915"), "9[01]5");
	assert_string_equal(find(&t, "9011"), "90x.");
	assert_string_equal(find(&t, "99"), "9x.");
	assert_string_equal(find(&t, "15"), "[13]5"); /* "[12]x" is as exact at first only */
	assert_string_equal(find(&t, "16"), "[12]x");
	assert_string_equal(find(&t, "155"), "[13]5.|7");
	assert_string_equal(find(&t, "7"), "[13]5.|7");
	assert_string_equal(find(&t, ""), "x.");
	assert_string_equal(find(&t, "#"), "");
	assert_string_equal(find(&t, "9a1"), "");
	pattern_tree_close(&t);
}

/* Of two with the same pattern, and of two that are as exact, the first by order. */
static void as_exact(void **state)
{
	struct pattern_tree t = { .order = text_order };

	(void)state;
	list_put(&t, "[13]x", true);
	list_put(&t, "[12]x", true);
	list_put(&t, "4|5", true);
	list_put(&t, "4|3", true);
	assert_string_equal(find(&t, "10"), "[12]x");
	assert_string_equal(find(&t, "4"), "4|3");
	assert_string_equal(pattern_tree_find(&t, BYTES_LIT("4"), may_other, find(&t, "4")), "4|5");
	assert_string_equal(pattern_tree_find(&t, BYTES_LIT("10"), may_other, find(&t, "10")),
			    "[13]x");
	pattern_tree_close(&t);
}

/* What is deleted leaves nothing behind, and no other pattern of the same beginning goes with it. */
static void deleted(void **state)
{
	struct pattern_tree t = { .order = text_order };

	(void)state;
	list_put(&t, "12|123|12", true);
	list_put(&t, "12", true);
	list_put(&t, "123", false); /* another item's */
	assert_string_equal(find(&t, "123"), "12|123|12");
	assert_string_equal(find(&t, "12"), "12");
	list_put(&t, "12", false);
	assert_string_equal(find(&t, "12"), "12|123|12");
	list_put(&t, "12|123|12", false);
	assert_string_equal(find(&t, "12"), "");
	assert_null(t.first);
	pattern_tree_close(NULL);
}

static void long_numbers(void **state)
{
	static const char digits[] =
		"0123456789012345678901234567890123456789012345678901234567890123";
	struct pattern_tree t = { .order = text_order };

	(void)state;
	_Static_assert(sizeof(digits) == PATTERN_NUMBER_MAX + 2, "one too many");
	list_put(&t, "x.", true);
	assert_string_equal(find(&t, digits + 1), "x.");
	assert_string_equal(find(&t, digits), "");
	pattern_tree_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_most_exact),
		cmocka_unit_test(as_exact),
		cmocka_unit_test(deleted),
		cmocka_unit_test(long_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
