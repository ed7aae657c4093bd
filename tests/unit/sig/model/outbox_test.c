/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/model/outbox.h"
#include "tests/unit/test.h"

static bool pop(struct outbox *o, bool degraded, enum outbox_kind want)
{
	struct outbox_item item = { 0 };

	return outbox_pop(o, degraded, &item) && item.kind == want;
}

static bool push(struct outbox *o, enum outbox_kind kind)
{
	struct outbox_item item = { .kind = kind };

	return outbox_push(o, &item);
}

static void waits_for_its_version(void **state)
{
	struct outbox o = { 0 };
	struct outbox_item item;

	(void)state;
	outbox_touch(&o);
	outbox_touch(&o);
	assert_int_equal(o.version, 1);
	assert_true(push(&o, OUTBOX_INVITE));
	assert_true(outbox_wants_save(&o));
	outbox_save_started(&o);
	assert_false(outbox_wants_save(&o));
	assert_false(outbox_pop(&o, false, &item));
	outbox_touch(&o); /* changes while version 1 is on its way make version 2 */
	outbox_touch(&o);
	assert_true(push(&o, OUTBOX_ANSWER));
	assert_true(push(&o, OUTBOX_ACK));
	assert_false(outbox_wants_save(&o));
	assert_true(outbox_save_done(&o, 1, true));
	assert_true(pop(&o, false, OUTBOX_INVITE));
	assert_false(outbox_pop(&o, false, &item));
	assert_true(outbox_wants_save(&o));
	outbox_save_started(&o);
	assert_int_equal(o.in_flight, 2);
	assert_true(outbox_save_done(&o, 2, true));
	assert_true(pop(&o, false, OUTBOX_ANSWER));
	assert_true(pop(&o, false, OUTBOX_ACK));
	assert_false(outbox_pop(&o, false, &item));
	assert_null(o.items);
	assert_false(outbox_wants_save(&o));
}

static void other_acknowledgements(void **state)
{
	struct outbox o = { 0 };
	struct outbox_item item;

	(void)state;
	assert_false(outbox_save_done(&o, 0, true));
	outbox_touch(&o);
	assert_true(push(&o, OUTBOX_INVITE));
	assert_false(outbox_save_done(&o, 1, true)); /* nothing is on its way */
	outbox_save_started(&o);
	assert_false(outbox_save_done(&o, 2, true));
	assert_false(outbox_pop(&o, false, &item));
	assert_true(
		outbox_save_done(&o, 1, false)); /* refused: released, but not known to be stored */
	assert_int_equal(o.acked, 0);
	assert_true(pop(&o, false, OUTBOX_INVITE));
}

static void degraded_waits_for_nothing(void **state)
{
	struct outbox o = { 0 };

	(void)state;
	outbox_touch(&o);
	assert_true(push(&o, OUTBOX_ANSWER));
	assert_true(push(&o, OUTBOX_ACK));
	assert_true(pop(&o, true, OUTBOX_ANSWER));
	assert_true(pop(&o, true, OUTBOX_ACK));
}

static void is_bounded(void **state)
{
	struct outbox o = { 0 };

	(void)state;
	outbox_touch(&o);
	for (int i = 0; i < OUTBOX_MAX; i++)
		assert_true(push(&o, OUTBOX_ACK));
	assert_false(push(&o, OUTBOX_ACK));
	outbox_clear(&o);
	assert_int_equal(o.count, 0);
	assert_null(o.items);
}

/* A change that nobody hurries for becomes one that somebody does, and not the other way round. */
static void hurries(void **state)
{
	struct outbox o = { 0 };

	(void)state;
	outbox_touch_later(&o);
	assert_int_equal(o.version, 1);
	assert_true(outbox_wants_save(&o));
	assert_false(o.hurried);
	outbox_touch(&o);
	outbox_touch_later(&o);
	assert_int_equal(o.version, 1);
	assert_true(o.hurried);
	outbox_save_started(&o);
	assert_false(o.hurried);
	outbox_touch_later(&o);
	assert_int_equal(o.version, 2);
	assert_false(o.hurried);
	outbox_clear(&o);
}

/* What is lazy is so until something else changes, or waits for it. */
static void is_lazy(void **state)
{
	struct outbox o = { 0 };

	(void)state;
	outbox_touch_lazily(&o);
	assert_int_equal(o.version, 1);
	assert_true(outbox_wants_save(&o) && o.lazy);
	outbox_touch_later(&o);
	assert_int_equal(o.version, 1);
	assert_false(o.lazy);
	outbox_touch_lazily(&o);
	assert_false(o.lazy);
	outbox_save_started(&o);
	outbox_touch_lazily(&o);
	assert_true(o.lazy);
	assert_true(push(&o, OUTBOX_ACK));
	assert_false(o.lazy);
	outbox_clear(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_for_its_version),
		cmocka_unit_test(other_acknowledgements),
		cmocka_unit_test(degraded_waits_for_nothing),
		cmocka_unit_test(is_bounded),
		cmocka_unit_test(hurries),
		cmocka_unit_test(is_lazy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
