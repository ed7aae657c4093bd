/* SPDX-License-Identifier: Apache-2.0 */
/* What takes part in a room and is no member: sounds, who records, applications. */
#include "tests/unit/test.h"

#include <errno.h>

#include "media/feed.h"
#include "media/job.h"
#include "media/rtp/rtp_parse.h"
#include "media/tap.h"
#include "tests/unit/engine/job/room_party.h"

enum { SOUND_HZ = 2500, TONE_HZ = 1400, LOUD = 5000, COPY_MAX = 16000 * 12 };

static const struct job_id PART = { .slot = 2, .generation = 9 };
static const uint32_t g_hz[] = { 500, 900, 1300, 1700 };

static struct media_event part_open_as(struct parties *s, struct job_id id,
				       const struct media_work *work)
{
	struct media_event event = { 0 };

	rig_command(s->r,
		    &(struct media_command){
			    .kind = MEDIA_JOB_OPEN, .job = id, .call = ROOM_CALL, .work = *work });
	return rig_event(s->r, MEDIA_JOB_CLOSED, &event) ? event : (struct media_event){ 0 };
}

static struct media_event part_close(struct parties *s, struct job_id id)
{
	struct media_event event;

	rig_command(s->r, &(struct media_command){ .kind = MEDIA_JOB_CLOSE, .job = id });
	assert_true(rig_event(s->r, MEDIA_JOB_CLOSED, &event));
	return event;
}

static void sine(int16_t *pcm, uint32_t n, uint32_t rate, uint32_t hz, uint32_t from)
{
	for (uint32_t i = 0; i < n; i++)
		pcm[i] = (int16_t)(LOUD * sin(2 * M_PI * hz * (from + i) / rate));
}

static struct media_sound *sound_make(uint32_t rate, uint32_t ms)
{
	struct media_sound *sound = media_sound_make(rate, rate / 1000 * ms);

	assert_non_null(sound);
	sine(sound->samples, sound->length, rate, SOUND_HZ, 0);
	return sound;
}

static struct media_work play_of(struct media_sound *sound)
{
	return (struct media_work){ .kind = MEDIA_WORK_ROOM_PLAY,
				    .play = { .room = ROOM_ID, .sound = sound } };
}

static void play_begin(struct parties *s, struct media_sound *sound)
{
	const struct media_work work = play_of(sound);

	assert_int_equal(part_open_as(s, PART, &work).kind, 0);
}

/* How loud a frequency is in samples. */
static double loud(const int16_t *pcm, uint32_t n, uint32_t rate, uint32_t hz)
{
	double w = 2 * cos(2 * M_PI * hz / rate), a = 0, b = 0;

	for (uint32_t i = 0; i < n; i++) {
		double now = pcm[i] + w * a - b;

		b = a;
		a = now;
	}
	return n ? 2 * sqrt(fabs(a * a + b * b - w * a * b)) / n : 0;
}

static double lately(const struct parties *s, uint32_t who, uint32_t hz, uint32_t ms)
{
	return party_heard(&s->list[who], hz, s->now_ms - ms, s->now_ms);
}

/* ---- sounds ---- */

/* Nobody speaks, so there are no ticks: it wakes for the sound, says it to all, and sleeps again. */
static void a_room_that_sleeps_wakes_for_a_sound(void **state)
{
	static const uint32_t rates[] = { 8000, 16000, 48000 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rates); i++) {
		const struct media_room terms = room_terms(rates[i]);
		struct media_sound *sound = sound_make(rates[i], 500);
		struct parties s;
		uint32_t packets;

		parties_open(&s, &terms);
		(void)listener_join(&s, MEDIA_CODEC_PCMU);
		(void)listener_join(&s, MEDIA_CODEC_L16_WIDE);
		(void)listener_join(&s, MEDIA_CODEC_PCMA);
		parties_run(&s, 1000);
		assert_int_equal(room_of(s.r)->phase, ROOM_SLEEPS);
		play_begin(&s, sound);
		parties_run(&s, 400);
		for (uint32_t k = 0; k < s.count; k++)
			assert_true(lately(&s, k, SOUND_HZ, 200) > LOUD / 2.0);
		assert_int_equal(rig_events(s.r, MEDIA_JOB_ENDED), 0);
		parties_run(&s, 200);
		assert_int_equal(rig_events(s.r, MEDIA_JOB_ENDED), 1);
		parties_run(&s, 2000);
		assert_int_equal(room_of(s.r)->phase, ROOM_SLEEPS);
		packets = s.list[0].packets;
		parties_run(&s, 1000);
		assert_int_equal(s.list[0].packets, packets);
		assert_ptr_equal(part_close(&s, PART).sound, sound);
		media_sound_unref(sound);
		parties_close(&s);
	}
}

/* Of what has not arrived nothing is heard, and it goes on there. Without its end that is told. */
static void a_sound_that_arrives(void **state)
{
	const struct media_room terms = room_terms(8000);
	struct media_sound *sound = sound_make(8000, 1000);
	struct media_event event;
	struct parties s;

	(void)state;
	media_sound_arrives(sound);
	media_sound_grow(sound, 8 * 300);
	parties_open(&s, &terms);
	(void)listener_join(&s, MEDIA_CODEC_PCMU);
	play_begin(&s, sound);
	parties_run(&s, 250);
	assert_true(lately(&s, 0, SOUND_HZ, 150) > LOUD / 2.0);
	parties_run(&s, 1000);
	assert_true(lately(&s, 0, SOUND_HZ, 500) < 60);
	assert_int_equal(rig_events(s.r, MEDIA_JOB_ENDED), 0);
	media_sound_grow(sound, 8 * 300);
	parties_run(&s, 250);
	assert_true(lately(&s, 0, SOUND_HZ, 150) > LOUD / 2.0);
	media_sound_over(sound, MEDIA_SOUND_CUT);
	parties_run(&s, 200);
	assert_true(rig_event(s.r, MEDIA_JOB_ENDED, &event));
	assert_int_equal(event.error, -EIO);
	assert_ptr_equal(part_close(&s, PART).sound, sound);
	media_sound_unref(sound);
	parties_close(&s);
}

/* All who talk hear it, too, beside the others and not themselves. */
static void talkers_hear_a_sound_beside_each_other(void **state)
{
	const struct media_room terms = room_terms(16000);
	struct media_sound *sound = sound_make(16000, 200);
	struct media_work work = play_of(sound);
	struct parties s;

	(void)state;
	parties_open(&s, &terms);
	for (uint32_t i = 0; i < 3; i++)
		(void)party_join(&s, MEDIA_CODEC_PCMU, g_hz[i]);
	(void)listener_join(&s, MEDIA_CODEC_PCMU);
	work.play.loops = 1;
	assert_int_equal(part_open_as(&s, PART, &work).kind, 0);
	parties_run(&s, 4000);
	hears_all_others(&s, 2400);
	for (uint32_t k = 0; k < s.count; k++)
		assert_true(lately(&s, k, SOUND_HZ, 2000) > LOUD / 2.0);
	assert_int_equal(rig_events(s.r, MEDIA_JOB_ENDED), 0);
	assert_ptr_equal(part_close(&s, PART).sound, sound);
	parties_run(&s, 3000);
	hears_all_others(&s, 2400);
	for (uint32_t k = 0; k < s.count; k++)
		assert_true(lately(&s, k, SOUND_HZ, 2000) < 60);
	media_sound_unref(sound);
	parties_close(&s);
}

/* Who is stopped leaves a slope and no step. */
static void a_sound_that_is_stopped_does_not_click(void **state)
{
	const struct media_room terms = room_terms(8000);
	struct media_sound *sound = media_sound_make(8000, 8000);
	struct parties s;
	struct party_in_room *p;
	uint32_t from;
	int most = 0;

	(void)state;
	assert_non_null(sound);
	for (uint32_t i = 0; i < sound->length; i++)
		sound->samples[i] = (int16_t)(i < 400 ? i * 20 : 8000);
	parties_open(&s, &terms);
	p = listener_join(&s, MEDIA_CODEC_L16);
	parties_run(&s, 1000);
	play_begin(&s, sound);
	parties_run(&s, 400);
	(void)part_close(&s, PART);
	from = p->heard_n - 800;
	parties_run(&s, 200);
	for (uint32_t i = from; i < p->heard_n; i++)
		most = abs(p->heard[i] - p->heard[i - 1]) > most
			       ? abs(p->heard[i] - p->heard[i - 1])
			       : most;
	assert_int_equal(p->heard[p->heard_n - 1], 0);
	assert_true(most > 0 && most <= 8000 / 40 + 1);
	media_sound_unref(sound);
	parties_close(&s);
}

/* Nobody is there: it waits for the first one. */
static void a_sound_waits_for_the_first_member(void **state)
{
	const struct media_room terms = room_terms(8000);
	struct media_sound *sound = sound_make(8000, 500);
	struct parties s;

	(void)state;
	parties_open(&s, &terms);
	play_begin(&s, sound);
	parties_run(&s, 1000);
	assert_int_equal(rig_events(s.r, MEDIA_JOB_ENDED), 0);
	(void)listener_join(&s, MEDIA_CODEC_PCMU);
	parties_run(&s, 400);
	assert_true(lately(&s, 0, SOUND_HZ, 200) > LOUD / 2.0);
	(void)part_close(&s, PART);
	media_sound_unref(sound);
	parties_close(&s);
}

static void what_no_part_can_be(void **state)
{
	const struct media_room terms = room_terms(8000);
	struct media_sound *sound = sound_make(8000, 100), *wide = sound_make(16000, 100);
	struct media_work work = play_of(sound);
	struct media_event event;
	struct parties s;

	(void)state;
	parties_open(&s, &terms);
	work.play.room.generation++;
	event = part_open_as(&s, PART, &work);
	assert_int_equal(event.error, -ENOENT);
	assert_ptr_equal(event.sound, sound);
	work = play_of(wide);
	event = part_open_as(&s, PART, &work);
	assert_int_equal(event.error, -EINVAL);
	assert_ptr_equal(event.sound, wide);
	work = play_of(sound);
	work.play.start = sound->length + 1;
	assert_int_equal(part_open_as(&s, PART, &work).error, -EINVAL);
	work = (struct media_work){ .kind = MEDIA_WORK_ROOM_TAP, .tap = { .room = ROOM_ID } };
	assert_int_equal(part_open_as(&s, PART, &work).error, -EINVAL);
	work.tap.number = 1;
	work.tap.tone = (struct media_room_tone){ .hz = 9000, .ms = 250 };
	assert_int_equal(part_open_as(&s, PART, &work).error, -EINVAL);
	work = (struct media_work){ .kind = MEDIA_WORK_ROOM_FEED,
				    .room_feed = { .room = ROOM_ID, .rate_hz = 8000 } };
	assert_int_equal(part_open_as(&s, PART, &work).error, -EINVAL);
	assert_null(room_of(s.r)->parts);
	assert_int_equal(s.r->w.jobs.count, 1);
	media_sound_unref(sound);
	media_sound_unref(wide);
	parties_close(&s);
}

/* The room closes first; or the table does, with all that is open. */
static void parts_outlive_their_room(void **state)
{
	const struct media_room terms = room_terms(8000);
	struct media_sound *sound = sound_make(8000, 500);
	struct parties s;

	(void)state;
	parties_open(&s, &terms);
	(void)listener_join(&s, MEDIA_CODEC_PCMU);
	play_begin(&s, sound);
	parties_run(&s, 100);
	(void)part_close(&s, ROOM_ID);
	parties_run(&s, 100);
	assert_ptr_equal(part_close(&s, PART).sound, sound);
	room_open_on(s.r, &terms);
	play_begin(&s, sound);
	parties_close(&s);
}

/* ---- who records ---- */

static uint32_t copy_read(struct rig *r, uint32_t rate, int16_t *out)
{
	struct byte_ring *ring = &r->w.taps[TAP_RECORD];
	uint32_t n = 0, first = 0, packets = 0;
	struct bytes e;

	memset(out, 0, COPY_MAX * sizeof(*out));
	while ((e = byte_ring_read(ring)).p) {
		const struct tap_packet *t = (const struct tap_packet *)(const void *)e.p;
		struct rtp_head head;

		assert_int_equal(t->call, ROOM_CALL);
		assert_int_equal(t->number, 3);
		assert_int_equal(t->side, TAP_FROM_PARTY);
		assert_int_equal(t->clock_hz, rate);
		assert_int_equal(rtp_parse(&head, tap_octets(t)), 0);
		assert_int_equal(head.payload.n, rate / 50 * 2);
		first = packets++ ? first : head.timestamp;
		for (size_t i = 0; i < head.payload.n / 2; i++) {
			uint32_t at = head.timestamp - first + (uint32_t)i;

			assert_true(at < COPY_MAX);
			out[at] = (int16_t)be16_get(head.payload.p + 2 * i);
			n = at + 1 > n ? at + 1 : n;
		}
	}
	byte_ring_release(ring);
	return n;
}

static struct media_work tap_work(uint64_t tone_ns)
{
	return (struct media_work){ .kind = MEDIA_WORK_ROOM_TAP,
				    .tap = { .room = ROOM_ID,
					     .number = 3,
					     .tone = { .hz = TONE_HZ,
						       .ms = tone_ns ? 250 : 0,
						       .level = -150,
						       .every_ms = 2000,
						       .begun_ns = tone_ns } } };
}

/* All who talk at once are in it (CONF-17). */
static void the_copy_has_all_who_talk(void **state)
{
	static const uint32_t rates[] = { 8000, 16000, 48000 };
	static int16_t copy[COPY_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rates); i++) {
		struct media_room terms = room_terms(rates[i]);
		const struct media_work work = tap_work(0);
		uint32_t rate = rates[i] == 8000 ? 8000 : 16000, n;
		struct parties s;

		terms.talkers = 4;
		parties_open(&s, &terms);
		for (uint32_t k = 0; k < 4; k++)
			(void)party_join(&s, MEDIA_CODEC_PCMU, g_hz[k]);
		parties_run(&s, 1000);
		assert_int_equal(part_open_as(&s, PART, &work).kind, 0);
		parties_run(&s, 4000);
		n = copy_read(s.r, rate, copy);
		assert_in_range(n, rate * 39 / 10, rate * 41 / 10);
		for (uint32_t k = 0; k < 4; k++)
			assert_true(loud(copy, n, rate, g_hz[k]) > 1500);
		(void)part_close(&s, PART);
		parties_run(&s, 500);
		assert_int_equal(copy_read(s.r, rate, copy), 0);
		parties_close(&s);
	}
}

/* Where nobody speaks nothing is copied, and it costs nothing. */
static void silence_is_not_copied(void **state)
{
	static int16_t copy[COPY_MAX];
	const struct media_room terms = room_terms(8000);
	const struct media_work work = tap_work(0);
	struct parties s;

	(void)state;
	parties_open(&s, &terms);
	(void)listener_join(&s, MEDIA_CODEC_PCMU);
	assert_int_equal(part_open_as(&s, PART, &work).kind, 0);
	parties_run(&s, 3000);
	assert_int_equal(room_of(s.r)->phase, ROOM_SLEEPS);
	assert_int_equal(copy_read(s.r, 8000, copy), 0);
	parties_close(&s);
}

/* Each second second, also where nobody speaks; and the copy has what is said, and no tone. */
static void all_hear_the_tone_and_the_copy_has_none(void **state)
{
	static int16_t copy[COPY_MAX];
	const struct media_room terms = room_terms(16000);
	struct media_work work;
	struct parties s;
	uint32_t n;

	(void)state;
	parties_open(&s, &terms);
	(void)party_join(&s, MEDIA_CODEC_PCMU, g_hz[0]);
	(void)listener_join(&s, MEDIA_CODEC_OPUS);
	parties_run(&s, 1000);
	work = tap_work(s.r->w.now_ns - 300 * NS_PER_MS); /* that late the command came */
	assert_int_equal(part_open_as(&s, PART, &work).kind, 0);
	for (int i = 0; i < 3; i++) {
		parties_run(&s, i ? 500 : 280); /* from the second one on they are in step */
		for (uint32_t k = 0; k < 2; k++)
			assert_true(lately(&s, k, TONE_HZ, 200) > 1000);
		parties_run(&s, i ? 1500 : 1200);
		for (uint32_t k = 0; k < 2; k++)
			assert_true(lately(&s, k, TONE_HZ, 1000) < 60);
		if (i == 1)
			s.list[0].hz = 0;
	}
	n = copy_read(s.r, 16000, copy);
	assert_true(loud(copy, n, 16000, g_hz[0]) > 800);
	assert_true(loud(copy, n, 16000, TONE_HZ) < 60);
	(void)part_close(&s, PART);
	parties_close(&s);
}

/* ---- applications ---- */

static void feed_frames_put(struct parties *s, struct media_feed *feed, uint32_t *serial)
{
	while (media_feed_waiting(feed) < 4) {
		struct feed_frame *frame = media_feed_reserve(feed);

		(void)s;
		*frame = (struct feed_frame){ .serial = ++*serial };
		sine(frame->pcm, 320, 16000, SOUND_HZ, *serial * 320);
		media_feed_publish(feed);
	}
}

static uint32_t feed_said_read(struct media_feed *feed, int16_t *out, uint32_t n)
{
	const struct feed_out *said;

	while ((said = media_feed_out(feed)) != NULL) {
		assert_int_equal(said->codec, MEDIA_CODEC_L16_WIDE);
		assert_int_equal(said->length, 640);
		for (uint32_t i = 0; i < 320 && n < COPY_MAX; i++)
			out[n++] = (int16_t)be16_get(said->octets + 2 * i);
		media_feed_out_release(feed);
	}
	return n;
}

/* All hear it, it hears all, and not itself: also in a room where nobody else speaks. */
static void an_application_hears_and_is_heard(void **state)
{
	static const uint32_t rates[] = { 8000, 16000, 48000 };
	static int16_t heard[COPY_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rates); i++) {
		const struct media_room terms = room_terms(rates[i]);
		struct media_work work = { .kind = MEDIA_WORK_ROOM_FEED,
					   .room_feed = { .room = ROOM_ID, .rate_hz = 16000 } };
		struct media_feed *feed = media_feed_make();
		uint32_t serial = 0, n = 0;
		struct parties s;

		assert_non_null(feed);
		work.room_feed.feed = feed;
		parties_open(&s, &terms);
		(void)party_join(&s, MEDIA_CODEC_PCMU, g_hz[0]);
		(void)listener_join(&s, MEDIA_CODEC_PCMU);
		parties_run(&s, 500);
		assert_int_equal(part_open_as(&s, PART, &work).kind, 0);
		for (uint32_t k = 0; k < 300; k++) {
			feed_frames_put(&s, feed, &serial);
			parties_run(&s, 10);
			n = feed_said_read(feed, heard, n);
			if (k == 200)
				s.list[0].hz = 0;
		}
		assert_in_range(n, 16000 * 29 / 10, 16000 * 31 / 10);
		assert_true(loud(heard + 8000, 16000, 16000, g_hz[0]) > 1500);
		assert_true(loud(heard, n, 16000, SOUND_HZ) < 60);
		for (uint32_t k = 0; k < 2 && rates[i] > 8000; k++)
			assert_true(lately(&s, k, SOUND_HZ, 500) > LOUD / 2.0);
		(void)part_close(&s, PART);
		parties_close(&s);
		media_feed_free(feed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_room_that_sleeps_wakes_for_a_sound),
		cmocka_unit_test(a_sound_that_arrives),
		cmocka_unit_test(talkers_hear_a_sound_beside_each_other),
		cmocka_unit_test(a_sound_that_is_stopped_does_not_click),
		cmocka_unit_test(a_sound_waits_for_the_first_member),
		cmocka_unit_test(what_no_part_can_be),
		cmocka_unit_test(parts_outlive_their_room),
		cmocka_unit_test(the_copy_has_all_who_talk),
		cmocka_unit_test(silence_is_not_copied),
		cmocka_unit_test(all_hear_the_tone_and_the_copy_has_none),
		cmocka_unit_test(an_application_hears_and_is_heard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
