/* SPDX-License-Identifier: Apache-2.0 */
/* Members with pictures: who sees whom. */
#include "tests/unit/engine/job/room_camera.h"

static void all_see_who_talks(void **state)
{
	static const uint32_t talks[] = { 2, 3, 0, 1, 3, 2 };
	struct parties s;
	uint32_t before = 0;

	(void)state;
	room_of_four(&s);
	for (size_t i = 0; i < COUNT_OF(talks); i++) {
		speak(&s, talks[i]);
		run(&s, 2000);
		all_see(&s, talks[i], before);
		assert_int_equal(g_cameras[talks[i]].requests, 1);
		for (uint32_t k = 0; k < MEMBERS; k++)
			assert_true(g_cameras[k].requests <= 1);
		requests_forget();
		before = talks[i];
	}
	parties_close(&s);
}

static void a_burst_turns_no_picture(void **state)
{
	struct parties s;

	(void)state;
	room_of_four(&s);
	for (int i = 0; i < 10; i++) {
		speak(&s, 3);
		run(&s, 300);
		speak(&s, 0);
		run(&s, 700);
		all_see(&s, 0, 1);
	}
	assert_int_equal(g_cameras[3].requests, 0);
	parties_close(&s);
}

/* The old picture goes on; the request is said again; and where none comes all see on. */
static void a_source_that_is_deaf(void **state)
{
	struct parties s;

	(void)state;
	room_of_four(&s);
	g_cameras[2].deaf = true;
	speak(&s, 2);
	run(&s, 3000);
	all_see(&s, 0, 1);
	assert_in_range(g_cameras[2].requests, 3, 6);
	g_cameras[2].deaf = false;
	run(&s, 1000);
	all_see(&s, 2, 0);
	requests_forget();
	run(&s, 2000);
	assert_int_equal(g_cameras[2].requests, 0);
	parties_close(&s);
}

static void requests_of_viewers_are_merged(void **state)
{
	struct parties s;

	(void)state;
	room_of_four(&s);
	g_cameras[0].deaf = true;
	for (int i = 0; i < 20; i++) {
		for (uint32_t k = 1; k < MEMBERS; k++)
			request_send(&s, k);
		run(&s, 50);
	}
	assert_in_range(g_cameras[0].requests, 2, 3);
	assert_int_equal(g_cameras[1].requests, 0);
	request_send(&s, 0); /* it sees the second one */
	run(&s, 500);
	assert_int_equal(g_cameras[1].requests, 1);
	assert_int_equal(g_cameras[1].video_on, 1);
	parties_close(&s);
}

static void who_is_muted_or_gone_is_not_seen(void **state)
{
	struct parties s;

	(void)state;
	room_of_four(&s);
	g_cameras[0].spec.member.muted = 1;
	picture_update(&s, 0);
	run(&s, 1000);
	all_see(&s, 1, 2);
	g_cameras[1].spec.source = (struct flow_source){ 0 }; /* it hears music */
	picture_update(&s, 1);
	g_cameras[1].sends = false;
	run(&s, 1000);
	g_cameras[1].spec.id.generation = 0; /* it sees nothing */
	all_see(&s, 2, 3);
	member_close(s.r, PICTURE + 2);
	g_cameras[2] = (struct camera){ 0 };
	run(&s, 1000);
	sees(&s, 0, 3);
	sees(&s, 3, 0); /* nobody else is there */
	g_cameras[3].sends = false;
	run(&s, 3000);
	assert_true(s.now_ms - g_cameras[0].seen_ms > 2000);
	sees(&s, 3, 0);
	parties_close(&s);
}

static void one_who_comes_sees_at_once(void **state)
{
	struct parties s;

	(void)state;
	room_of_four(&s);
	member_close(s.r, PICTURE + 3);
	g_cameras[3] = (struct camera){ 0 };
	run(&s, 1000);
	requests_forget();
	(void)camera_open(&s, 3);
	run(&s, 300);
	all_see(&s, 0, 1);
	assert_int_equal(g_cameras[0].requests, 1);
	assert_int_equal(g_cameras[3].begins, 1);
	parties_close(&s);
}

/* Its phone began anew: all go on behind a picture that they can begin with. */
static void a_source_with_another_ssrc(void **state)
{
	struct parties s;

	(void)state;
	room_of_four(&s);
	g_cameras[0].ssrc = 0xcc0000;
	g_cameras[0].sequence = 9;
	g_cameras[0].timestamp = 5;
	run(&s, 1000);
	assert_int_equal(g_cameras[2].seen, 0xcc0000);
	assert_int_equal(g_cameras[0].requests, 1);
	g_cameras[0].sequence = 33000; /* under its SSRC */
	g_cameras[0].timestamp = 1 << 30;
	run(&s, 1000);
	assert_true(s.now_ms - g_cameras[2].seen_ms <= 2 * FRAME_MS);
	assert_int_equal(g_cameras[0].requests, 2);
	parties_close(&s);
}

static void fir_where_it_is_all_that_a_phone_knows(void **state)
{
	struct parties s;

	(void)state;
	room_of_four(&s);
	g_cameras[2].spec.fir = 1;
	picture_update(&s, 2);
	speak(&s, 2);
	run(&s, 2000);
	all_see(&s, 2, 0);
	assert_int_equal(g_cameras[2].requests, 1);
	assert_true(flow_of(s.r, PICTURE + 2)->fir);
	parties_close(&s);
}

/* In mode 0 fragments cannot be taken; what a phone cannot decode it is not sent. */
static void formats_that_are_not_taken(void **state)
{
	struct parties s;
	uint32_t before;

	(void)state;
	room_of_four(&s);
	g_cameras[3].spec.accepted[0].codec = VIDEO_H264;
	picture_update(&s, 3);
	before = g_cameras[3].packets;
	run(&s, 1000);
	assert_int_equal(g_cameras[3].packets, before);
	sees(&s, 2, 0);
	parties_close(&s);
}

static void a_second_picture_of_a_member(void **state)
{
	struct parties s;
	struct flow_spec spec;

	(void)state;
	room_of_four(&s);
	spec = picture_spec(0);
	spec.id.slot = PICTURE + MEMBERS;
	member_open(s.r, &spec);
	assert_int_equal(rig_events(s.r, MEDIA_FLOW_FAILED), 1);
	run(&s, 1000);
	all_see(&s, 0, 1);
	parties_close(&s);
}

static void what_was_lost_comes_again(void **state)
{
	static const uint8_t nack_head[] = { 0x81, 205, 0, 3 };
	struct camera *c = &g_cameras[2];
	uint8_t memory[16];
	struct parties s;
	struct sim_packet first;
	const struct sim_packet *again;

	(void)state;
	room_of_four(&s);
	c->spec.nack = 1;
	picture_update(&s, 2);
	run(&s, 200);
	first = (struct sim_packet){ 0 };
	memcpy(memory, nack_head, sizeof(nack_head));
	be32_put(memory + 4, c->ssrc);
	be32_put(memory + 8, c->spec.ssrc_out);
	be16_put(memory + 12, (uint16_t)(c->last - 1));
	be16_put(memory + 14, 0);
	put_bytes(s.r, PICTURE + 2, CHANNEL_RTCP, &c->spec.remote_rtcp, bytes_mem(memory, 16));
	worker_step(&s.r->w);
	again = port_sim_sent(s.r->sim);
	assert_non_null(again);
	first = *again;
	assert_int_equal(first.slot, PICTURE + 2);
	assert_int_equal(rtp_read(&first).sequence, (uint16_t)(c->last - 1));
	parties_close(&s);
}

/* The packets of all pictures lie between each other: none is cut off by that of another source. */
static void pictures_are_whole(void **state)
{
	static const uint32_t talks[] = { 2, 3, 0, 1, 3, 2, 0, 3 };
	struct parties s;
	uint32_t before = 0;

	(void)state;
	room_of_four(&s);
	for (uint32_t i = 0; i < MEMBERS; i++)
		g_cameras[i].apart_ms = 10;
	for (size_t i = 0; i < COUNT_OF(talks); i++) {
		speak(&s, talks[i]);
		run(&s, 2000 + (uint32_t)i * 7);
		all_see(&s, talks[i], before);
		before = talks[i];
	}
	for (uint32_t i = 0; i < MEMBERS; i++)
		assert_int_equal(g_cameras[i].cuts, 0);
	parties_close(&s);
}

/* Its end does not come any more: that is not waited for. */
static void a_picture_without_an_end(void **state)
{
	struct camera *c = &g_cameras[0];
	struct parties s;

	(void)state;
	room_of_four(&s);
	c->apart_ms = 10;
	speak(&s, 2);
	while (!g_cameras[2].asked)
		run(&s, 1);
	while (g_cameras[1].marked)
		run(&s, 1);
	c->sends = false;
	run(&s, 200);
	sees(&s, 1, 2);
	assert_int_equal(g_cameras[1].cuts, 1);
	parties_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_see_who_talks),
		cmocka_unit_test(a_burst_turns_no_picture),
		cmocka_unit_test(a_source_that_is_deaf),
		cmocka_unit_test(requests_of_viewers_are_merged),
		cmocka_unit_test(who_is_muted_or_gone_is_not_seen),
		cmocka_unit_test(one_who_comes_sees_at_once),
		cmocka_unit_test(a_source_with_another_ssrc),
		cmocka_unit_test(fir_where_it_is_all_that_a_phone_knows),
		cmocka_unit_test(formats_that_are_not_taken),
		cmocka_unit_test(a_second_picture_of_a_member),
		cmocka_unit_test(what_was_lost_comes_again),
		cmocka_unit_test(pictures_are_whole),
		cmocka_unit_test(a_picture_without_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
