/* SPDX-License-Identifier: Apache-2.0 */
/* Members with pictures, of whose packets some are lost on their way to the node. */
#include "tests/unit/engine/job/room_camera.h"

/* The first one is seen by all but itself, and sends again what it is asked for. */
static void room_with_losses(struct parties *s)
{
	room_of_four(s);
	g_cameras[0].spec.nack = 1;
	picture_update(s, 0);
	for (uint32_t i = 0; i < MEMBERS; i++)
		g_cameras[i].with_holes = true;
	run(s, 200);
	requests_forget();
}

static void what_is_lost_is_asked_for(void **state)
{
	struct camera *c = &g_cameras[0];
	struct parties s;

	(void)state;
	room_with_losses(&s);
	c->loses = 2;
	run(&s, 200);
	assert_int_equal(c->nacked, 2);
	assert_int_equal(c->nacks, 1);
	assert_int_equal(c->requests, 0);
	for (uint32_t i = 1; i < MEMBERS; i++) {
		assert_int_equal(g_cameras[i].holes, 0);
		assert_int_equal(g_cameras[i].filled, 2);
	}
	all_see(&s, 0, 1);
	parties_close(&s);
}

/* Not everything that is asked for arrives either. */
static void it_is_asked_for_again(void **state)
{
	struct camera *c = &g_cameras[0];
	struct parties s;

	(void)state;
	room_with_losses(&s);
	c->loses = 1;
	c->loses_again = 2;
	run(&s, 300);
	assert_int_equal(c->nacked, 3);
	assert_int_equal(c->requests, 0);
	assert_int_equal(g_cameras[1].holes, 0);
	parties_close(&s);
}

static void what_stays_lost_costs_one_picture(void **state)
{
	struct camera *c = &g_cameras[0];
	struct parties s;

	(void)state;
	room_with_losses(&s);
	c->loses = 2;
	c->loses_again = UINT32_MAX;
	run(&s, 2000);
	assert_int_equal(c->nacked, 2 * LOSS_TRIES);
	assert_int_equal(c->requests, 1);
	assert_int_equal(c->video_on, 1);
	assert_int_equal(g_cameras[1].holes, 2);
	parties_close(&s);
}

/* A picture that began since makes up for it. */
static void a_new_picture_is_asked_for_by_a_viewer(void **state)
{
	struct camera *c = &g_cameras[0];
	struct parties s;

	(void)state;
	room_with_losses(&s);
	c->loses = 2;
	c->loses_again = UINT32_MAX;
	run(&s, 60);
	request_send(&s, 2);
	run(&s, 2000);
	assert_int_equal(c->requests, 1);
	parties_close(&s);
}

static void a_gap_too_wide_is_not_asked_for(void **state)
{
	struct camera *c = &g_cameras[0];
	struct parties s;

	(void)state;
	room_with_losses(&s);
	c->loses = LOSSES_MAX + 5;
	run(&s, 2000);
	assert_int_equal(c->nacked, 0);
	assert_int_equal(c->requests, 1);
	all_see(&s, 0, 1);
	parties_close(&s);
}

static void nobody_else_is_asked(void **state)
{
	struct parties s;

	(void)state;
	room_with_losses(&s);
	g_cameras[0].spec.nack = 0; /* it did not agree to that */
	picture_update(&s, 0);
	g_cameras[3].spec.nack = 1; /* nobody sees it */
	picture_update(&s, 3);
	g_cameras[0].loses = g_cameras[3].loses = 1;
	run(&s, 500);
	assert_int_equal(g_cameras[0].nacked, 0);
	assert_int_equal(g_cameras[3].nacked, 0);
	assert_int_equal(g_cameras[1].holes, 1);
	parties_close(&s);
}

/* The one that all shall see from now on; it sends again what it is asked for. */
static struct camera *another_one_talks(struct parties *s)
{
	struct camera *c = &g_cameras[2];

	room_with_losses(s);
	c->spec.nack = 1;
	picture_update(s, 2);
	speak(s, 2);
	return c;
}

static void nobody_has_holes(void)
{
	for (uint32_t i = 0; i < MEMBERS; i++)
		assert_int_equal(g_cameras[i].holes, 0);
}

/* It comes late, when the rest of its picture has gone by. */
static void a_beginning_that_is_lost(void **state)
{
	struct parties s;
	struct camera *c;

	(void)state;
	c = another_one_talks(&s);
	c->parameters = true;
	while (!c->asked)
		run(&s, 1);
	c->loses = 1;
	run(&s, 2000);
	all_see(&s, 2, 0);
	assert_int_equal(c->requests, 2);
	nobody_has_holes();
	parties_close(&s);
}

/* An IDR picture may have begun there; with its parameters it did not. */
static void what_is_before_a_beginning_is_lost(void **state)
{
	struct parties s;
	struct camera *c;

	(void)state;
	c = another_one_talks(&s);
	c->loses_ends = true;
	c->loses_again = UINT32_MAX;
	run(&s, 3000);
	all_see(&s, 0, 1);
	c->parameters = true;
	run(&s, 700);
	c->loses_ends = false;
	all_see(&s, 2, 0);
	parties_close(&s);
}

/* As a browser does between two pictures: nobody misses such a number, and none is used twice. */
static void padding(void **state)
{
	struct camera *c = &g_cameras[0];
	struct parties s;

	(void)state;
	room_with_losses(&s);
	for (uint32_t i = 0; i < 20; i++) {
		const struct rtp rtp = { .ssrc = c->ssrc,
					 .timestamp = c->timestamp,
					 .sequence = c->sequence++,
					 .payload_type = PT,
					 .payload = "" };

		put_rtp_from(s.r, (int)c->spec.id.slot, &c->spec.remote_rtp, &rtp);
		c->loses = i % 5 == 0;
		run(&s, 30);
	}
	run(&s, 300);
	assert_int_equal(c->requests, 0);
	assert_in_range(c->nacked, 1, 4);
	assert_int_equal(g_cameras[1].holes, c->nacked - g_cameras[1].filled);
	all_see(&s, 0, 1);
	parties_close(&s);
}

/* One in ten, both ways. */
static void many_are_lost(void **state)
{
	struct camera *c = &g_cameras[0];
	struct parties s;

	(void)state;
	room_with_losses(&s);
	for (uint32_t i = 0; i < 300; i++) {
		if (i % 3 == 0)
			c->loses = 1;
		c->loses_again = i % 30 == 0 ? 1 : c->loses_again;
		run(&s, 10);
	}
	run(&s, 300);
	assert_in_range(c->nacked, 60, 150);
	assert_int_equal(c->requests, 0);
	for (uint32_t i = 1; i < MEMBERS; i++)
		assert_int_equal(g_cameras[i].holes, 0);
	parties_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_lost_is_asked_for),
		cmocka_unit_test(it_is_asked_for_again),
		cmocka_unit_test(what_stays_lost_costs_one_picture),
		cmocka_unit_test(a_new_picture_is_asked_for_by_a_viewer),
		cmocka_unit_test(a_gap_too_wide_is_not_asked_for),
		cmocka_unit_test(nobody_else_is_asked),
		cmocka_unit_test(a_beginning_that_is_lost),
		cmocka_unit_test(what_is_before_a_beginning_is_lost),
		cmocka_unit_test(padding),
		cmocka_unit_test(many_are_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
