/* SPDX-License-Identifier: Apache-2.0 */
/* Who is in a room, and as what. */
#include <errno.h>

#include "tests/unit/test.h"

#include "tests/unit/engine/job/room_rig.h"

enum { EVENTS = 4096 };

static struct rig *rig_with_room(void)
{
	const struct media_room terms = room_terms(8000);
	struct rig *r = rig_open_slots(EVENTS, 16);

	room_open_on(r, &terms);
	assert_non_null(room_of(r));
	return r;
}

static void rooms_that_cannot_be(void **state)
{
	static const struct media_room bad[] = { { .rate_hz = 8000 },
						 { .rate_hz = 8000, .members = 2001 },
						 { .rate_hz = 44100, .members = 3 },
						 { .rate_hz = 8000, .members = 3, .packet_ms = 30 },
						 { .rate_hz = 8000, .members = 3, .talkers = 9 } };
	struct rig *r = rig_open_slots(64, 4);
	struct media_event event;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		room_open_on(r, &bad[i]);
		assert_true(rig_event(r, MEDIA_JOB_CLOSED, &event));
		assert_int_equal(event.error, -EINVAL);
	}
	rig_close(r);
}

static void members_join_and_leave(void **state)
{
	struct rig *r = rig_with_room();
	struct flow_spec spec;

	(void)state;
	for (uint32_t slot = 0; slot < 3; slot++) {
		spec = member_spec(slot, MEDIA_CODEC_PCMU);
		member_open(r, &spec);
	}
	assert_int_equal(members_count(r), 3);
	assert_int_equal(rig_events(r, MEDIA_FLOW_FAILED), 0);
	member_close(r, 1);
	assert_int_equal(members_count(r), 2);
	spec = member_spec(0, MEDIA_CODEC_PCMU);
	spec.source = (struct flow_source){ 0 };
	rig_update(r, &spec);
	assert_int_equal(members_count(r), 1);
	rig_command(r, &(struct media_command){ .kind = MEDIA_JOB_CLOSE, .job = ROOM_ID });
	assert_int_equal(flow_of(r, 2)->listener.job, 0);
	assert_int_equal(flow_of(r, 2)->listener.member, 0);
	rig_close(r);
}

static void failed_with(struct rig *r, const struct flow_spec *spec, int error)
{
	struct media_event event;

	rig_update(r, spec);
	assert_true(rig_event(r, MEDIA_FLOW_FAILED, &event));
	assert_int_equal(event.error, error);
}

static void members_that_cannot_be(void **state)
{
	struct rig *r = rig_with_room();
	struct flow_spec spec = member_spec(0, MEDIA_CODEC_PCMU), other;

	(void)state;
	member_open(r, &spec);
	other = member_spec(1, MEDIA_CODEC_PCMU);
	other.member.number = 1; /* another has it */
	member_open(r, &other);
	assert_int_equal(rig_events(r, MEDIA_FLOW_FAILED), 1);
	failed_with(r, &other, -EINVAL);
	other.member.number = 0;
	failed_with(r, &other, -EINVAL);
	other.member.number = 2;
	other.member.coaches = 2; /* itself */
	failed_with(r, &other, -EINVAL);
	other.member.coaches = 0;
	other.member.gain_db = MEDIA_ROOM_GAIN_DB_MAX + 1;
	failed_with(r, &other, -EINVAL);
	other.member.gain_db = 0;
	other.accepted_count = 0;
	failed_with(r, &other, -EINVAL);
	other.accepted_count = 1;
	rig_update(r, &other);
	assert_int_equal(rig_events(r, MEDIA_FLOW_FAILED), 0);
	assert_int_equal(members_count(r), 2);
	rig_close(r);
}

static const struct room_member *member_of(const struct rig *r, uint32_t slot)
{
	return room_of(r)->members[r->w.flows.list[slot].listener.member - 1];
}

/* By number, whoever comes first. */
static void coaches_find_whom_they_coach(void **state)
{
	struct rig *r = rig_with_room();
	struct flow_spec coach = member_spec(0, MEDIA_CODEC_PCMU);
	struct flow_spec agent = member_spec(1, MEDIA_CODEC_PCMU);

	(void)state;
	coach.member.coaches = 2;
	member_open(r, &coach);
	assert_true(member_of(r, 0)->hushed);
	member_open(r, &agent);
	assert_false(member_of(r, 0)->hushed);
	assert_int_equal(member_of(r, 0)->of_party, flow_of(r, 1)->listener.member - 1);
	member_close(r, 1);
	assert_true(member_of(r, 0)->hushed);
	coach.member.coaches = 0;
	rig_update(r, &coach);
	assert_false(member_of(r, 0)->hushed);
	rig_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rooms_that_cannot_be),
		cmocka_unit_test(members_join_and_leave),
		cmocka_unit_test(members_that_cannot_be),
		cmocka_unit_test(coaches_find_whom_they_coach),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
