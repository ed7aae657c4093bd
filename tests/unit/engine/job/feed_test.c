/* SPDX-License-Identifier: Apache-2.0 */
/* An application in place of the peer: what it says to the party, and hears of it. */
#include "tests/unit/test.h"

#include <errno.h>
#include <pthread.h>

#include "media/feed.h"
#include "media/rtp/rtp_parse.h"
#include "tests/unit/engine/worker/job_rig.h"

enum { PT = 0, MAX = 256 };

static const struct job_id FEED = { .slot = 1, .generation = 5 };

struct scene {
	struct rig *r;
	struct media_feed *feed;
	uint32_t serial, mark; /* of the newest frame */
	struct played heard[MAX];
	size_t n;
};

static struct media_event feed_open_as(struct rig *r, const struct media_feed_terms *terms)
{
	const struct media_command c = { .kind = MEDIA_JOB_OPEN,
					 .job = FEED,
					 .call = 4711,
					 .work = { .kind = MEDIA_WORK_FEED, .feed = *terms } };
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
	struct media_feed_terms terms = { .codec = MEDIA_CODEC_PCMU, .rate_hz = RATE };

	assert_non_null(s);
	s->r = rig_open();
	terms.feed = s->feed = media_feed_make();
	assert_non_null(s->feed);
	rig_hear(s->r, A);
	alone(s->r);
	assert_int_equal(feed_open_as(s->r, &terms).kind, 0);
	hears(s->r, A, FEED, PT);
	return s;
}

static void scene_close(struct scene *s)
{
	assert_int_equal(job_close_as(s->r, FEED).last, 1);
	assert_int_equal(s->r->w.jobs.receivers, 0);
	rig_close(s->r);
	media_feed_free(s->feed);
	free(s);
}

static void wait_for(struct scene *s, uint32_t ms)
{
	s->n += play_ms(s->r, ms, s->heard + s->n, MAX - s->n);
}

static int16_t sample_of(uint32_t serial, uint32_t i)
{
	return (int16_t)((serial * FRAME + i) * 37 % 30000 - 15000);
}

static bool frame_put(struct scene *s, bool silence)
{
	struct feed_frame *f = media_feed_reserve(s->feed);

	if (!f)
		return false;
	f->serial = ++s->serial;
	f->mark = s->mark;
	f->is_silence = silence;
	for (uint32_t i = 0; i < FRAME; i++)
		f->pcm[i] = sample_of(s->serial, i);
	media_feed_publish(s->feed);
	return true;
}

static void frames_put(struct scene *s, uint32_t n)
{
	while (n-- > 0)
		assert_true(frame_put(s, false));
}

static void mark_put(struct scene *s)
{
	s->mark++;
	assert_true(frame_put(s, true));
}

static void is_serial(const struct played *p, uint32_t serial)
{
	int16_t pcm[FRAME];
	uint8_t want[FRAME];

	for (uint32_t i = 0; i < FRAME; i++)
		pcm[i] = sample_of(serial, i);
	g711_ulaw_encode(want, pcm, FRAME);
	assert_int_equal(p->rtp.payload_n, FRAME);
	assert_memory_equal(p->octets, want, FRAME);
}

static void is_in_time(const struct scene *s)
{
	for (size_t i = 1; i < s->n; i++) {
		const struct played *p = &s->heard[i], *before = &s->heard[i - 1];

		assert_int_equal(p->rtp.ssrc, 0xaaaa);
		assert_int_equal(p->rtp.sequence, (uint16_t)(before->rtp.sequence + 1));
		assert_int_equal(p->rtp.timestamp - before->rtp.timestamp,
				 (p->at_ms - before->at_ms) * 8);
	}
}

static void frames_leave_in_time(void **state)
{
	struct scene *s = scene_open();

	(void)state;
	for (int i = 0; i < 10; i++) {
		frames_put(s, 5);
		wait_for(s, 5 * FRAME_MS);
	}
	assert_int_equal(s->n, 50);
	for (uint32_t i = 0; i < s->n; i++) {
		assert_int_equal(s->heard[i].slot, A);
		assert_int_equal(s->heard[i].rtp.payload_type, PT);
		assert_int_equal(s->heard[i].rtp.marker, i == 0);
		is_serial(&s->heard[i], i + 1);
	}
	is_in_time(s);
	assert_int_equal(atomic_load(&s->feed->frames_sent_report), 50);
	assert_int_equal(atomic_load(&s->feed->gaps), 0);
	scene_close(s);
}

/* Nothing is sent where nothing is there, and what follows is in step with time. */
static void a_gap_has_a_marker_behind_it(void **state)
{
	struct scene *s = scene_open();

	(void)state;
	frames_put(s, 3);
	wait_for(s, 1000);
	assert_int_equal(s->n, 3);
	frames_put(s, 3);
	wait_for(s, 1000);
	assert_int_equal(s->n, 6);
	assert_true(s->heard[3].rtp.marker);
	assert_false(s->heard[4].rtp.marker);
	is_in_time(s);
	assert_int_equal(atomic_load(&s->feed->gaps), 2);
	scene_close(s);
}

static void it_is_bounded(void **state)
{
	struct scene *s = scene_open();

	(void)state;
	frames_put(s, FEED_FRAMES);
	assert_false(frame_put(s, false));
	assert_int_equal(media_feed_waiting(s->feed), FEED_FRAMES);
	wait_for(s, FRAME_MS);
	assert_int_equal(media_feed_waiting(s->feed), FEED_FRAMES - 1);
	assert_true(frame_put(s, false));
	scene_close(s);
}

static void a_clear_empties_it_at_once(void **state)
{
	struct scene *s = scene_open();

	(void)state;
	frames_put(s, 10);
	wait_for(s, 3 * FRAME_MS);
	assert_int_equal(s->n, 3);
	media_feed_clear(s->feed, s->serial);
	frames_put(s, 2);
	wait_for(s, 10 * FRAME_MS);
	assert_int_equal(s->n, 5);
	is_serial(&s->heard[3], 11);
	is_serial(&s->heard[4], 12);
	scene_close(s);
}

/* Behind what was said before it; at once where that was cleared. */
static void marks_are_told(void **state)
{
	struct scene *s = scene_open();

	(void)state;
	frames_put(s, 3);
	mark_put(s);
	frames_put(s, 3);
	mark_put(s);
	wait_for(s, 3 * FRAME_MS);
	assert_int_equal(s->n, 3);
	assert_int_equal(atomic_load(&s->feed->mark), 0);
	wait_for(s, FRAME_MS);
	assert_int_equal(s->n, 4);
	assert_int_equal(atomic_load(&s->feed->mark), 1);
	media_feed_clear(s->feed, s->serial);
	wait_for(s, FRAME_MS);
	assert_int_equal(s->n, 4);
	assert_int_equal(atomic_load(&s->feed->mark), 2);
	scene_close(s);
}

static void say(struct scene *s, uint16_t sequence, uint8_t payload_type)
{
	put_rtp(s->r, A,
		&(struct rtp){ .payload_type = payload_type,
			       .ssrc = 7,
			       .sequence = sequence,
			       .timestamp = sequence * 160U,
			       .payload = "said" });
	worker_step(&s->r->w);
}

static void what_the_party_says_is_there(void **state)
{
	struct scene *s = scene_open();
	const struct feed_out *said;

	(void)state;
	assert_null(media_feed_out(s->feed));
	say(s, 100, 0);
	say(s, 101, 8);
	said = media_feed_out(s->feed);
	assert_non_null(said);
	assert_int_equal(said->sequence, 100);
	assert_int_equal(said->timestamp, 16000);
	assert_int_equal(said->codec, MEDIA_CODEC_PCMU);
	assert_int_equal(said->length, 4);
	assert_memory_equal(said->octets, "said", 4);
	media_feed_out_release(s->feed);
	said = media_feed_out(s->feed);
	assert_int_equal(said->codec, MEDIA_CODEC_PCMA);
	media_feed_out_release(s->feed);
	assert_null(media_feed_out(s->feed));
	scene_close(s);
}

/* An application that does not read loses what it does not read, and nobody else anything. */
static void who_does_not_read_is_told_less(void **state)
{
	struct scene *s = scene_open();

	(void)state;
	for (uint16_t i = 0; i < FEED_OUT_PACKETS + 10; i++)
		say(s, i, 0);
	assert_int_equal(atomic_load(&s->feed->report_lost), 10);
	assert_int_equal(dropped(s->r, VERDICT_JOB_FULL), 10);
	for (uint16_t i = 0; i < FEED_OUT_PACKETS; i++) {
		assert_int_equal(media_feed_out(s->feed)->sequence, i);
		media_feed_out_release(s->feed);
	}
	say(s, 1000, 0);
	assert_int_equal(media_feed_out(s->feed)->sequence, 1000);
	scene_close(s);
}

static void a_worker_that_was_late_loses_no_frame(void **state)
{
	struct scene *s = scene_open();

	(void)state;
	frames_put(s, 10);
	wait_for(s, 2 * FRAME_MS);
	advance_ms(s->r, 500);
	wait_for(s, 1000);
	assert_int_equal(s->n, 10);
	for (uint32_t i = 0; i < s->n; i++)
		is_serial(&s->heard[i], i + 1);
	is_in_time(s);
	scene_close(s);
}

static void it_is_not_to_be_had(void **state)
{
	struct rig *r = rig_open();
	struct media_feed *feed = media_feed_make();
	const struct media_feed_terms wrong[] = {
		{ .feed = NULL, .codec = MEDIA_CODEC_PCMU, .rate_hz = 8000 },
		{ .feed = feed, .codec = MEDIA_CODEC_PCMU, .rate_hz = 16000 },
		{ .feed = feed, .codec = MEDIA_CODEC_PCMU, .rate_hz = 0 },
		{ .feed = feed, .codec = MEDIA_CODEC_OPUS, .rate_hz = 48000 },
		{ .feed = feed, .codec = MEDIA_CODEC_G729, .rate_hz = 8000 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		assert_int_equal(feed_open_as(r, &wrong[i]).error, -EINVAL);
		assert_int_equal(r->w.jobs.count, 0);
	}
	rig_close(r);
	media_feed_free(feed);
}

/* ---- two threads ---- */

enum { RACE_FRAMES = 20003 };

static void *application(void *arg)
{
	struct scene *s = arg;
	uint16_t next = 0;

	while (s->serial < RACE_FRAMES) {
		const struct feed_out *said = media_feed_out(s->feed);

		(void)frame_put(s, s->serial % 7 == 0);
		s->mark = s->serial;
		if (s->serial % 1000 == 999)
			media_feed_clear(s->feed, s->serial);
		if (!said)
			continue;
		assert_int_equal(said->sequence, next++);
		media_feed_out_release(s->feed);
	}
	return NULL;
}

/* What is said is whole and in order; ThreadSanitizer looks at the rest. */
static void two_threads(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	uint32_t last = 0;
	uint16_t sequence = 0;
	pthread_t thread;

	(void)state;
	assert_non_null(s);
	s->feed = media_feed_make();
	assert_int_equal(pthread_create(&thread, NULL, application, s), 0);
	while (last < RACE_FRAMES) {
		const struct feed_frame *f = media_feed_frame(s->feed);
		struct feed_out *said = media_feed_out_reserve(s->feed);

		if (said) {
			said->sequence = sequence++;
			media_feed_out_publish(s->feed);
		}
		if (!f)
			continue;
		assert_true(f->serial > last);
		last = f->serial;
		assert_int_equal(f->pcm[FRAME - 1], sample_of(last, FRAME - 1));
		media_feed_frame_release(s->feed);
	}
	(void)pthread_join(thread, NULL);
	media_feed_free(s->feed);
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_leave_in_time),
		cmocka_unit_test(a_gap_has_a_marker_behind_it),
		cmocka_unit_test(it_is_bounded),
		cmocka_unit_test(a_clear_empties_it_at_once),
		cmocka_unit_test(marks_are_told),
		cmocka_unit_test(what_the_party_says_is_there),
		cmocka_unit_test(who_does_not_read_is_told_less),
		cmocka_unit_test(a_worker_that_was_late_loses_no_frame),
		cmocka_unit_test(it_is_not_to_be_had),
		cmocka_unit_test(two_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
