/* SPDX-License-Identifier: Apache-2.0 */
/* What a party says is said to it again, some time after. */
#include "tests/unit/test.h"

#include <errno.h>

#include "media/rtp/rtp_parse.h"
#include "tests/unit/engine/worker/job_rig.h"

enum { DELAY_MS = 1000, PT_SAID = 8, PT_HEARD = 9, MAX = 256 };

static const struct job_id ECHO = { .slot = 1, .generation = 5 };

struct scene {
	struct rig *r;
	struct played heard[MAX];
	size_t n;
	uint16_t sequence; /* of the next packet of the party */
	uint32_t timestamp, ssrc;
	uint32_t said;
};

static struct media_event echo_open(struct rig *r, struct job_id id, uint32_t ms)
{
	const struct media_command c = { .kind = MEDIA_JOB_OPEN,
					 .job = id,
					 .call = 4711,
					 .work = { .kind = MEDIA_WORK_DELAY, .delay.ms = ms } };
	struct media_event event = { 0 };

	rig_command(r, &c);
	(void)rig_event(r, MEDIA_JOB_CLOSED, &event);
	return event;
}

static void alone(struct rig *r)
{
	r->spec[A].peer = (struct flow_id){ 0 };
	r->spec[A].alone = 1;
	rig_update(r, &r->spec[A]);
}

static struct scene *scene_open(void)
{
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->r = rig_open();
	s->sequence = 65500;
	s->timestamp = 0xfffff000;
	s->ssrc = 7;
	rig_hear(s->r, A);
	alone(s->r);
	assert_int_equal(echo_open(s->r, ECHO, DELAY_MS).kind, 0);
	hears(s->r, A, ECHO, PT_HEARD);
	return s;
}

static void scene_close(struct scene *s)
{
	assert_int_equal(job_close_as(s->r, ECHO).last, 1);
	assert_int_equal(s->r->w.jobs.receivers, 0);
	rig_close(s->r);
	free(s);
}

static void wait_for(struct scene *s, uint32_t ms)
{
	s->n += play_ms(s->r, ms, s->heard + s->n, MAX - s->n);
}

static void say_as(struct scene *s, const struct rtp *p)
{
	put_rtp(s->r, A, p);
	worker_step(&s->r->w);
	s->n += played_take(s->r, s->heard + s->n, MAX - s->n);
}

/* The next packet, whose payload is a number. */
static void say(struct scene *s)
{
	char payload[8];

	(void)snprintf(payload, sizeof(payload), "%u", s->said++);
	say_as(s, &(struct rtp){ .payload_type = PT_SAID,
				 .ssrc = s->ssrc,
				 .sequence = s->sequence++,
				 .timestamp = s->timestamp,
				 .payload = payload });
	s->timestamp += FRAME;
}

static void talk(struct scene *s, int packets)
{
	while (packets-- > 0) {
		say(s);
		wait_for(s, FRAME_MS);
	}
}

static uint32_t number_of(const struct played *p)
{
	return (uint32_t)strtoul((const char *)p->octets, NULL, 10);
}

/* One stream from there on, in step with time. */
static void is_in_time(const struct scene *s, size_t from)
{
	for (size_t i = from + 1; i < s->n; i++) {
		const struct played *p = &s->heard[i], *before = &s->heard[i - 1];

		assert_int_equal(p->rtp.ssrc, 0xaaaa);
		assert_int_equal(p->rtp.sequence, (uint16_t)(before->rtp.sequence + 1));
		assert_int_equal(p->rtp.timestamp - before->rtp.timestamp,
				 (p->at_ms - before->at_ms) * 8);
	}
}

static void it_comes_back(void **state)
{
	struct scene *s = scene_open();

	(void)state;
	talk(s, 49);
	assert_int_equal(s->n, 0);
	talk(s, 51);
	wait_for(s, DELAY_MS);
	assert_int_equal(s->n, 100);
	for (uint32_t i = 0; i < s->n; i++) {
		assert_int_equal(number_of(&s->heard[i]), i);
		assert_int_equal(s->heard[i].slot, A);
		assert_int_equal(s->heard[i].rtp.payload_type, PT_HEARD);
		assert_int_equal(s->heard[i].rtp.marker, i == 0);
	}
	assert_in_range(s->heard[0].at_ms, DELAY_MS, DELAY_MS + 2);
	is_in_time(s, 0);
	assert_int_equal(flow_of(s->r, A)->received.packets, 100);
	assert_int_equal(flow_of(s->r, A)->sent.packets, 100);
	assert_int_equal(flow_stats_read(flow_of(s->r, A)).lost, 0);
	assert_false(wheel_is_running(&s->r->w.jobs.list[ECHO.slot].timer));
	scene_close(s);
}

/* What was not sent, or lost, is as long as it was. */
static void silence_is_as_long(void **state)
{
	struct scene *s = scene_open();

	(void)state;
	talk(s, 10);
	s->timestamp += 3000 * 8;
	wait_for(s, 3000);
	talk(s, 10);
	s->sequence++;
	s->timestamp += FRAME;
	wait_for(s, FRAME_MS);
	talk(s, 10);
	wait_for(s, DELAY_MS);
	assert_int_equal(s->n, 30);
	assert_int_equal(s->heard[10].at_ms - s->heard[9].at_ms, 3000 + FRAME_MS);
	assert_int_equal(s->heard[20].at_ms - s->heard[19].at_ms, 2 * FRAME_MS);
	assert_int_equal(s->heard[20].rtp.marker, 0);
	is_in_time(s, 0);
	scene_close(s);
}

/* Another source, then one that jumps: both begin anew, in the one stream of ours. */
static void a_source_begins_anew(void **state)
{
	struct scene *s = scene_open();

	(void)state;
	talk(s, 5);
	s->ssrc++;
	s->timestamp += 77777;
	talk(s, 5);
	s->timestamp -= 1000000;
	talk(s, 5);
	wait_for(s, DELAY_MS);
	assert_int_equal(s->n, 15);
	for (uint32_t i = 0; i < s->n; i++)
		assert_int_equal(s->heard[i].rtp.marker, i % 5 == 0);
	is_in_time(s, 0);
	scene_close(s);
}

static void late_ones_and_digits_do_not(void **state)
{
	struct scene *s = scene_open();
	struct rtp p = { .payload_type = PT_SAID, .ssrc = s->ssrc };

	(void)state;
	talk(s, 5);
	p.sequence = (uint16_t)(s->sequence - 1);
	p.timestamp = s->timestamp - FRAME;
	say_as(s, &p); /* twice */
	p.sequence--;
	p.timestamp -= FRAME;
	say_as(s, &p);
	assert_int_equal(dropped(s->r, VERDICT_LATE), 2);
	p.payload_type = 101;
	p.payload = "\1\n\0\240";
	p.payload_n = 4;
	p.sequence = s->sequence++;
	p.timestamp = s->timestamp;
	say_as(s, &p);
	wait_for(s, DELAY_MS);
	assert_int_equal(s->n, 5);
	assert_int_equal(flow_of(s->r, A)->stats.digits, 1);
	scene_close(s);
}

/* As much as a party sends that sends a packet each 10 ms, and none that is larger than any sound. */
static void it_is_bounded(void **state)
{
	struct scene *s = scene_open();
	char large[641] = { 0 };
	struct rtp p = { .payload_type = PT_SAID,
			 .ssrc = s->ssrc,
			 .sequence = s->sequence++,
			 .payload = large,
			 .payload_n = sizeof(large) };

	(void)state;
	say_as(s, &p);
	assert_int_equal(dropped(s->r, VERDICT_JOB_FULL), 1);
	for (int i = 0; i < 150; i++) {
		say(s);
		wait_for(s, 1);
	}
	assert_int_equal(dropped(s->r, VERDICT_JOB_FULL), 1 + 150 - 116);
	wait_for(s, DELAY_MS + 150);
	assert_int_equal(s->n, 116);
	scene_close(s);
}

/* No more than a slice between two polls. */
static void many_come_back_by_slices(void **state)
{
	struct scene *s = scene_open();
	size_t n;

	(void)state;
	for (int i = 0; i < 100; i++)
		say(s);
	advance_ms(s->r, DELAY_MS + 2);
	worker_step(&s->r->w);
	n = played_take(s->r, s->heard, MAX);
	assert_int_equal(n, TURN_SLICE);
	assert_true(turn_is_queued(&s->r->w));
	worker_step(&s->r->w);
	assert_int_equal(n + played_take(s->r, s->heard + n, MAX - n), 100);
	assert_false(turn_is_queued(&s->r->w));
	scene_close(s);
}

/* What it said before it listened again is gone. */
static void who_leaves_hears_nothing_more(void **state)
{
	struct scene *s = scene_open();

	(void)state;
	talk(s, 10);
	hears_peer(s->r, A);
	talk(s, 10);
	wait_for(s, 2 * DELAY_MS);
	assert_int_equal(s->n, 0);
	hears(s->r, A, ECHO, PT_HEARD);
	talk(s, 10);
	hears_peer(s->r, A);
	hears(s->r, A, ECHO, PT_HEARD);
	talk(s, 1);
	wait_for(s, DELAY_MS);
	assert_int_equal(s->n, 1);
	assert_int_equal(number_of(&s->heard[0]), 30);
	scene_close(s);
}

/* Each hears itself. */
static void two_parties(void **state)
{
	struct scene *s = scene_open();
	struct rtp p = { .ssrc = 99, .payload = "b" };

	(void)state;
	rig_hear(s->r, B);
	s->r->spec[B].peer = (struct flow_id){ 0 };
	s->r->spec[B].alone = 1;
	hears(s->r, B, ECHO, 0);
	for (int i = 0; i < 10; i++) {
		say(s);
		put_rtp(s->r, B, &p);
		p.sequence++;
		p.timestamp += FRAME;
		wait_for(s, FRAME_MS);
	}
	wait_for(s, DELAY_MS);
	assert_int_equal(s->n, 20);
	for (size_t i = 0; i < s->n; i++)
		assert_int_equal(s->heard[i].octets[0] == 'b', s->heard[i].slot == B);
	scene_close(s);
}

/* Killed while it echoes: its numbers go on, in step with time. */
static void the_next_process_goes_on(void **state)
{
	struct scene *s = scene_open();
	struct flow_resume resume = { 0 };
	struct media_event event;
	struct played last;

	(void)state;
	talk(s, 100);
	while (rig_event(s->r, MEDIA_FLOW_LATCHED, &event))
		resume = event.resume;
	assert_int_equal(resume.sent.units, FRAME);
	assert_true(s->n > 0);
	last = s->heard[s->n - 1];
	s->n = 0;
	rig_command(s->r,
		    &(struct media_command){ .kind = MEDIA_FLOW_CLOSE, .id = s->r->spec[A].id });
	s->r->spec[A].id.generation++;
	s->r->spec[A].resume = resume;
	rig_open_flow(s->r, &s->r->spec[A]);
	talk(s, 100);
	assert_true(s->n > 0);
	assert_int_equal(s->heard[0].rtp.ssrc, last.rtp.ssrc);
	assert_in_range((uint16_t)(s->heard[0].rtp.sequence - last.rtp.sequence), 1, 200);
	assert_in_range((s->heard[0].rtp.timestamp - last.rtp.timestamp) / 8,
			s->heard[0].at_ms - last.at_ms - 3,
			s->heard[0].at_ms - last.at_ms + FRAME_MS + 3);
	is_in_time(s, 0);
	scene_close(s);
}

static void it_is_not_to_be_had(void **state)
{
	static const uint32_t ms[] = { 0, 5001, UINT32_MAX };
	const struct job_id id = { .slot = 2, .generation = 1 };
	struct rig *r = rig_open();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ms); i++) {
		struct media_event event = echo_open(r, id, ms[i]);

		assert_int_equal(event.error, -EINVAL);
		assert_int_equal(event.last, 1);
		assert_int_equal(r->w.jobs.count, 0);
	}
	assert_int_equal(echo_open(r, id, 5000).kind, 0);
	assert_int_equal(r->w.jobs.receivers, 1);
	rig_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_comes_back),
		cmocka_unit_test(silence_is_as_long),
		cmocka_unit_test(a_source_begins_anew),
		cmocka_unit_test(late_ones_and_digits_do_not),
		cmocka_unit_test(it_is_bounded),
		cmocka_unit_test(many_come_back_by_slices),
		cmocka_unit_test(who_leaves_hears_nothing_more),
		cmocka_unit_test(two_parties),
		cmocka_unit_test(the_next_process_goes_on),
		cmocka_unit_test(it_is_not_to_be_had),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
