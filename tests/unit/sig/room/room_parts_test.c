/* SPDX-License-Identifier: Apache-2.0 */
/* What is heard in a room beside its members, as values. */
#include "tests/unit/test.h"

#include <stdlib.h>

#include "sig/host/tenant_tables.h"
#include "sig/room/room.h"

static void one_tone_tells_of_several(void **state)
{
	struct room_sounds s = { 0 };

	(void)state;
	room_sound_add(&s, ROOM_SOUND_ENTRY, 0, 0);
	room_sound_add(&s, ROOM_SOUND_ENTRY, 0, 0);
	assert_int_equal(s.count, 1);
	for (int i = 0; i < 10; i++)
		room_sound_add(&s, i % 2 ? ROOM_SOUND_ENTRY : ROOM_SOUND_EXIT, 0, 0);
	assert_int_equal(s.count, ROOM_SOUNDS_MAX);
	s.serial = 7;
	room_sound_played(&s, true);
	assert_int_equal(s.count, ROOM_SOUNDS_MAX - 1);
	assert_int_equal(s.list[0].sound, ROOM_SOUND_EXIT);
	assert_int_equal(s.serial, 0);
}

static void files_in_their_order(void **state)
{
	struct room_play p = {
		.count = 2, .times = 2, .since_utc_ms = 1000, .serial = 5, .order = 9
	};

	(void)state;
	assert_int_equal(room_play_ms(&p, 1500), 500);
	assert_int_equal(room_play_ms(&p, 900), 0);
	for (int i = 0; i < 3; i++) {
		assert_true(room_play_next(&p));
		assert_int_equal(p.at, (i + 1) % 2);
		assert_int_equal(p.serial, 0);
		assert_int_equal(room_play_ms(&p, 1500), 0);
	}
	assert_false(room_play_next(&p));
	assert_int_equal(p.count, 0);
	assert_int_equal(p.order, 9); /* the same order once more is done already */
	p = (struct room_play){ .count = 1 };
	for (int i = 0; i < 500; i++)
		assert_true(room_play_next(&p));
}

/* Who is told of, and when nobody is. */
static void who_is_heard_coming(void **state)
{
	struct room r = {
		.count = 2,
		.parts = { .entry = ROOM_TONE_BEEP, .exit = ROOM_TONE_NAME, .tones_most = 3 }
	};
	struct room_member m = { .number = 2 };

	(void)state;
	room_member_on_join(&r, &m, BYTES_LIT("1001"), 5);
	room_member_on_leave(&r, &m, 6);
	assert_int_equal(r.parts.sounds.count, 2);
	r.parts.sounds.count = 0;
	r.count = 4; /* too many */
	room_member_on_join(&r, &m, BYTES_LIT("1001"), 5);
	r.count = 1; /* nobody else is there */
	room_member_on_join(&r, &m, BYTES_LIT("1001"), 5);
	room_member_on_leave(&r, &m, 6);
	r.count = 2;
	m.monitors = true;
	room_member_on_join(&r, &m, BYTES_LIT("1001"), 5);
	m.monitors = false;
	r.parts.entry = ROOM_TONE_NONE;
	room_member_on_join(&r, &m, BYTES_LIT("1001"), 5);
	assert_int_equal(r.parts.sounds.count, 0);
}

/* Some are named, all are counted. */
static void who_was_there(void **state)
{
	struct room r = { .count = 2 };
	struct room_member m = { .number = 3 };
	char space[16384];
	struct writer w = writer_over(space, sizeof(space));

	(void)state;
	room_member_on_join(&r, &m, BYTES_LIT("1001"), 5); /* nothing is recorded */
	r.parts.recording.attendance = calloc(1, sizeof(struct room_attendance));
	assert_non_null(r.parts.recording.attendance);
	room_member_on_join(&r, &m, BYTES_LIT("1001"), 5);
	room_member_on_join(&r, &m, BYTES_LIT("1001"), 6);
	room_member_on_leave(&r, &m, 7);
	room_member_on_join(&r, &m, BYTES_LIT("a\"b"), 8);
	room_attendance_write(&w, r.parts.recording.attendance);
	assert_true(
		bytes_is(writer_done(&w),
			 "\"member_count\":2,\"members\":["
			 "{\"member\":3,\"from\":\"1001\",\"joined_utc_ms\":5,\"left_utc_ms\":7},"
			 "{\"member\":3,\"from\":\"a\\\"b\",\"joined_utc_ms\":8}]"));
	for (uint16_t i = 10; i < 1000; i++) {
		m.number = i;
		room_member_on_join(&r, &m, BYTES_LIT("+123456789012345678901234567890"),
				    UINT64_MAX);
		room_member_on_leave(&r, &m, UINT64_MAX);
	}
	assert_int_equal(r.parts.recording.attendance->count, 992);
	assert_int_equal(r.parts.recording.attendance->named, ATTENDEES_MAX);
	w = writer_over(space, 16 * 1024 - 512); /* with all else it is as long as facts may be */
	room_attendance_write(&w, r.parts.recording.attendance);
	assert_false(w.overflow);
	room_parts_clear(&r.parts);
}

/* Each name is heard, and then what it does; where it cannot be there is a tone. */
static void names(void **state)
{
	struct room_sounds s = { 0 };

	(void)state;
	room_sound_add(&s, ROOM_SOUND_ENTRY, 5, 1);
	room_sound_add(&s, ROOM_SOUND_ENTRY, 6, 2);
	room_sound_add(&s, ROOM_SOUND_ENTRY, 7, 0);
	room_sound_add(&s, ROOM_SOUND_ENTRY, 8, 0); /* one tone tells of both */
	assert_int_equal(s.count, 3);
	s.serial = 9;
	room_sound_played(&s, true);
	assert_true(s.list[0].named && s.list[0].call == 5 && !s.serial);
	room_sound_played(&s, true);
	assert_int_equal(s.list[0].call, 6);
	room_sound_played(&s, false);
	assert_int_equal(s.list[0].call, 6);
	assert_int_equal(s.list[0].name, 0); /* a tone */
	room_sound_played(&s, false);
	room_sound_played(&s, true);
	assert_int_equal(s.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_tone_tells_of_several),
		cmocka_unit_test(names),
		cmocka_unit_test(files_in_their_order),
		cmocka_unit_test(who_is_heard_coming),
		cmocka_unit_test(who_was_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
