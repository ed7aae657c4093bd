/* SPDX-License-Identifier: Apache-2.0 */
/* A sound that parties hear in place of their peers. */
#include "tests/unit/test.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "media/rtp/rtp_parse.h"
#include "tests/unit/engine/worker/job_rig.h"

enum { LENGTH = 2 * RATE + FRAME / 2 /* no whole number of frames */, MAX = 256 };

struct scene {
	struct rig *r;
	struct media_sound *sound;
	struct played heard[MAX];
	size_t n;
	uint32_t talked; /* packets of A */
};

static struct scene *scene_open(void)
{
	struct scene *s = calloc(1, sizeof(*s));
	struct media_track track;

	assert_non_null(s);
	s->r = rig_open();
	rig_hear(s->r, A);
	rig_hear(s->r, B);
	s->sound = sound_of(RATE, LENGTH);
	track = track_of(s->sound);
	job_open_as(s->r, MUSIC_ID, &track);
	return s;
}

static void scene_close(struct scene *s)
{
	rig_close(s->r);
	assert_int_equal(s->sound->references, 1);
	media_sound_unref(s->sound);
	free(s);
}

static void play(struct scene *s, uint32_t ms)
{
	s->n += play_ms(s->r, ms, s->heard + s->n, MAX - s->n);
}

/* Each is the one behind the one before. */
static void is_one_stream(const struct scene *s, size_t from, uint32_t units)
{
	for (size_t i = from + 1; i < s->n; i++) {
		assert_int_equal(s->heard[i].rtp.ssrc, s->heard[from].rtp.ssrc);
		assert_int_equal(s->heard[i].rtp.sequence,
				 (uint16_t)(s->heard[from].rtp.sequence + i - from));
		assert_int_equal(s->heard[i].rtp.timestamp,
				 s->heard[from].rtp.timestamp + (i - from) * units);
	}
}

static void a_sound_is_a_stream(void **state)
{
	struct scene *s = scene_open();

	(void)state;
	hears(s->r, B, MUSIC_ID, MUSIC_PT);
	play(s, 3000);
	assert_in_range(s->n, 3000 / FRAME_MS - 1, 3000 / FRAME_MS);
	is_one_stream(s, 0, FRAME);
	for (size_t i = 0; i < s->n; i++) {
		assert_int_equal(s->heard[i].slot, B);
		assert_int_equal(s->heard[i].rtp.ssrc, 0xbbbb);
		assert_int_equal(s->heard[i].rtp.payload_type, MUSIC_PT);
		assert_int_equal(s->heard[i].rtp.marker, i == 0);
		assert_int_equal(s->heard[i].at_ms, s->heard[0].at_ms + i * FRAME_MS);
		is_frame(&s->heard[i], s->sound, (uint32_t)i * FRAME);
	}
	assert_true(s->heard[0].at_ms <= FRAME_MS);
	assert_int_equal(flow_of(s->r, B)->sent.packets, s->n);
	scene_close(s);
}

static void talk(struct scene *s, uint16_t sequence)
{
	put_rtp(s->r, A,
		&(struct rtp){ .ssrc = 1,
			       .sequence = sequence,
			       .timestamp = s->talked++ * (uint32_t)FRAME });
	worker_step(&s->r->w);
	s->n += played_take(s->r, s->heard + s->n, MAX - s->n);
}

/* The peer goes on talking all the time. */
static void it_takes_the_place_of_the_peer(void **state)
{
	struct scene *s = scene_open();
	uint16_t sequence = 65530;
	size_t before, behind;

	(void)state;
	for (int i = 0; i < 10; i++, play(s, FRAME_MS))
		talk(s, sequence++);
	before = s->n;
	assert_int_equal(before, 10);
	hears(s->r, B, MUSIC_ID, MUSIC_PT);
	for (int i = 0; i < 10; i++, play(s, FRAME_MS))
		talk(s, sequence++);
	behind = s->n;
	assert_int_equal(dropped(s->r, VERDICT_DURING_SOUND), 10);
	assert_in_range(behind - before, 9, 10);
	hears_peer(s->r, B);
	for (int i = 0; i < 10; i++, play(s, FRAME_MS))
		talk(s, sequence++);
	assert_int_equal(s->n, behind + 10);
	for (size_t i = 1; i < s->n; i++) {
		uint32_t on = s->heard[i].rtp.timestamp - s->heard[i - 1].rtp.timestamp;
		uint64_t ms = s->heard[i].at_ms - s->heard[i - 1].at_ms;

		assert_int_equal(s->heard[i].rtp.sequence,
				 (uint16_t)(s->heard[i - 1].rtp.sequence + 1));
		assert_int_equal(on, (ms > FRAME_MS ? ms : FRAME_MS) * 8);
	}
	assert_int_equal(s->heard[before].rtp.marker, 1);
	assert_int_equal(flow_of(s->r, A)->received.packets, 30);
	assert_int_equal(flow_stats_read(flow_of(s->r, A)).lost, 0);
	scene_close(s);
}

/* Its reports are about a stream that the party does not hear. */
static void reports_of_the_peer_stay_here(void **state)
{
	static const uint8_t RR[] = { 0x80, 201, 0, 1, 0, 0, 0, 1 };
	struct scene *s = scene_open();
	struct addr from = party_rtcp(A);

	(void)state;
	talk(s, 1);
	hears(s->r, B, MUSIC_ID, MUSIC_PT);
	put_bytes(s->r, A, CHANNEL_RTCP, &from, bytes_mem(RR, sizeof(RR)));
	worker_step(&s->r->w);
	nothing_sent(s->r);
	assert_int_equal(dropped(s->r, VERDICT_DURING_SOUND), 1);
	hears_peer(s->r, B);
	put_bytes(s->r, A, CHANNEL_RTCP, &from, bytes_mem(RR, sizeof(RR)));
	worker_step(&s->r->w);
	assert_non_null(port_sim_sent(s->r->sim));
	scene_close(s);
}

/* Each codec is a job of its own, of the same samples. */
static void two_codecs(void **state)
{
	const struct job_id other = { .slot = 1, .generation = 1 };
	struct scene *s = scene_open();
	struct media_track track = track_of(s->sound);
	uint8_t want[FRAME / 2];

	(void)state;
	track.codec = MEDIA_CODEC_PCMA;
	track.packet_ms = 10;
	job_open_as(s->r, other, &track);
	hears(s->r, A, other, 8);
	hears(s->r, B, MUSIC_ID, MUSIC_PT);
	play(s, 1000);
	for (size_t i = 0, a = 0, b = 0; i < s->n; i++) {
		if (s->heard[i].slot == B) {
			is_frame(&s->heard[i], s->sound, (uint32_t)b++ * FRAME);
			continue;
		}
		assert_int_equal(s->heard[i].rtp.payload_type, 8);
		assert_int_equal(s->heard[i].rtp.payload_n, FRAME / 2);
		g711_alaw_encode(want, s->sound->samples + a++ * FRAME / 2, FRAME / 2);
		assert_memory_equal(s->heard[i].octets, want, FRAME / 2);
	}
	assert_in_range(s->n, 148, 150);
	assert_int_equal(s->sound->references, 3);
	scene_close(s);
}

static void many_hear_one_encoding(void **state)
{
	enum { PARTIES = 500, FRAMES = 10 };
	struct rig *r = rig_open_slots(64, PARTIES);
	struct media_sound *sound = sound_of(RATE, LENGTH);
	struct media_track track = track_of(sound);
	uint64_t encoded = metric_value(r->metrics.frames_encoded);
	uint64_t played = metric_value(r->metrics.frames_played);
	static uint32_t got[PARTIES];
	static struct played heard[TURN_SLICE + 1];
	uint32_t all = 0;

	(void)state;
	job_open_as(r, MUSIC_ID, &track);
	for (uint32_t i = 0; i < PARTIES; i++) {
		struct flow_spec spec = rig_spec(A);

		spec.id.slot = i;
		spec.peer = (struct flow_id){ 0 };
		spec.remote_rtp.port = (uint16_t)(2000 + i);
		spec.source = (struct flow_source){ .job = MUSIC_ID };
		rig_open_flow(r, &spec);
		got[i] = 0;
	}
	while (all < PARTIES * FRAMES) {
		size_t n;

		worker_step(&r->w);
		n = played_take(r, heard, COUNT_OF(heard));
		assert_true(n <= TURN_SLICE); /* between two polls */
		for (size_t i = 0; i < n; i++)
			is_frame(&heard[i], sound, got[heard[i].slot]++ * FRAME);
		all += (uint32_t)n;
		if (!turn_is_queued(&r->w))
			advance_ms(r, 1);
		(void)rig_events(r, MEDIA_FLOW_LATCHED);
	}
	for (uint32_t i = 0; i < PARTIES; i++)
		assert_int_equal(got[i], FRAMES);
	assert_int_equal(metric_value(r->metrics.frames_encoded) - encoded, FRAMES);
	assert_int_equal(metric_value(r->metrics.frames_played) - played, PARTIES * FRAMES);
	(void)job_close_as(r, MUSIC_ID);
	rig_close(r);
	assert_int_equal(sound->references, 1);
	media_sound_unref(sound);
}

/* Who was to be served next is gone between two slices. */
static void the_next_one_leaves(void **state)
{
	enum { PARTIES = TURN_SLICE + 30 };
	struct rig *r = rig_open_slots(64, PARTIES);
	struct media_sound *sound = sound_of(RATE, LENGTH);
	struct media_track track = track_of(sound);
	static struct played heard[PARTIES];
	uint32_t slot;
	size_t n;

	(void)state;
	job_open_as(r, MUSIC_ID, &track);
	for (uint32_t i = 0; i < PARTIES; i++) {
		struct flow_spec spec = rig_spec(A);

		spec.id.slot = i;
		spec.peer = (struct flow_id){ 0 };
		spec.source = (struct flow_source){ .job = MUSIC_ID };
		rig_open_flow(r, &spec);
	}
	advance_ms(r, FRAME_MS);
	worker_step(&r->w);
	n = played_take(r, heard, PARTIES);
	assert_in_range(n, 1, TURN_SLICE);
	assert_true(turn_is_queued(&r->w));
	slot = r->w.jobs.list[MUSIC].next - 1;
	rig_command(r, &(struct media_command){ .kind = MEDIA_FLOW_CLOSE,
						.id = { .slot = slot, .generation = 7 } });
	while (turn_is_queued(&r->w))
		worker_step(&r->w);
	n += played_take(r, heard, PARTIES);
	assert_int_equal(n, PARTIES - 1);
	for (size_t i = 0; i < PARTIES - 1 - TURN_SLICE; i++)
		assert_int_not_equal(heard[i].slot, slot);
	rig_close(r);
	media_sound_unref(sound);
}

/* From where it is told; then silence, an event, and no more. */
static void once(void **state)
{
	const struct job_id id = { .slot = 0, .generation = 9 };
	struct scene *s = scene_open();
	struct media_track track = track_of(s->sound);
	struct media_event event;

	(void)state;
	track.loops = 0;
	track.start = LENGTH - FRAME * 2 - FRAME / 2;
	job_open_as(s->r, id, &track);
	hears(s->r, B, id, MUSIC_PT);
	play(s, 200);
	assert_int_equal(s->n, 3);
	is_one_stream(s, 0, FRAME);
	is_frame(&s->heard[0], s->sound, LENGTH - FRAME * 2 - FRAME / 2);
	assert_int_equal(s->heard[2].octets[FRAME / 2 - 1],
			 g711_ulaw_of(s->sound->samples[LENGTH - 1]));
	for (int i = FRAME / 2; i < FRAME; i++)
		assert_int_equal(s->heard[2].octets[i], G711_ULAW_SILENCE);
	assert_true(rig_event(s->r, MEDIA_JOB_ENDED, &event));
	assert_true(job_id_eq(event.job, id));
	assert_int_equal(event.call, 4711);
	assert_int_equal(event.place, LENGTH);
	assert_int_equal(rig_events(s->r, MEDIA_JOB_ENDED), 0);
	assert_int_equal(s->r->w.wheel.running, 0);
	event = job_close_as(s->r, id);
	assert_int_equal(event.error, 0);
	assert_ptr_equal(event.sound, s->sound);
	scene_close(s);
}

/* An end is told, also to a control that has not read for long. */
static void the_end_is_told(void **state)
{
	struct rig *r = rig_open_empty(4);
	struct media_sound *sound = sound_of(RATE, FRAME);
	struct media_track track = track_of(sound);
	struct flow_spec spec = rig_spec(B);
	static struct played heard[MAX];
	struct media_event event = { 0 };

	(void)state;
	track.loops = 0;
	job_open_as(r, MUSIC_ID, &track);
	spec.source = (struct flow_source){ .job = MUSIC_ID };
	rig_open_flow(r, &spec);
	while (ring_push(&r->w.events, &event))
		continue;
	assert_int_equal(play_ms(r, 200, heard, MAX), 1);
	assert_int_equal(rig_events(r, MEDIA_JOB_ENDED), 0);
	(void)play_ms(r, 200, heard, MAX);
	assert_int_equal(rig_events(r, MEDIA_JOB_ENDED), 1);
	rig_close(r);
	media_sound_unref(sound);
}

/* Silence where it has not got to, and then on from there; without its end it is over where that would begin. */
static void it_is_heard_while_it_arrives(void **state)
{
	struct rig *r = rig_open_empty(4);
	struct media_sound *sound = sound_of(RATE, LENGTH);
	struct media_track track = track_of(sound);
	struct flow_spec spec = rig_spec(B);
	static struct played heard[MAX];
	struct media_event event;
	size_t n;

	(void)state;
	media_sound_arrives(sound);
	media_sound_grow(sound, 10 * FRAME + 1); /* a part of a frame waits for the rest */
	track.loops = 0;
	job_open_as(r, MUSIC_ID, &track);
	spec.source = (struct flow_source){ .job = MUSIC_ID };
	rig_open_flow(r, &spec);
	n = play_ms(r, 400, heard, MAX);
	assert_in_range(n, 20, 21);
	for (uint32_t i = 0; i < 10; i++)
		is_frame(&heard[i], sound, i * FRAME);
	for (size_t i = 10; i < n; i++) {
		assert_int_equal(heard[i].rtp.timestamp, heard[0].rtp.timestamp + i * FRAME);
		for (uint32_t k = 0; k < FRAME; k++)
			assert_int_equal(heard[i].octets[k], 0xff);
	}
	rig_command(r, &(struct media_command){ .kind = MEDIA_JOB_QUERY, .job = MUSIC_ID });
	assert_true(rig_event(r, MEDIA_JOB_PLACE, &event));
	assert_int_equal(event.place, 10 * FRAME);
	advance_ms(r, 1000); /* who is held up has left out silence */
	media_sound_grow(sound, 2 * FRAME);
	n = play_ms(r, 100, heard, MAX);
	is_frame(&heard[0], sound, 10 * FRAME);
	is_frame(&heard[1], sound, 11 * FRAME);
	assert_int_equal(rig_events(r, MEDIA_JOB_ENDED), 0);
	media_sound_over(sound, MEDIA_SOUND_CUT);
	(void)play_ms(r, 100, heard, MAX);
	assert_true(rig_event(r, MEDIA_JOB_ENDED, &event));
	assert_int_equal(event.error, -EIO);
	rig_close(r);
	media_sound_unref(sound);
}

struct arrival {
	struct media_sound *all, *sound;
	_Atomic uint32_t turns; /* of the worker */
};

/* The thread that reads sounds. It is never far ahead: the worker is at the last sample that has come. */
static void *bring(void *arg)
{
	struct arrival *a = arg;
	uint32_t ready, n = 0;

	while ((ready = media_sound_ready(a->sound)) < a->sound->length) {
		if (ready > FRAME * (atomic_load(&a->turns) + 1)) {
			(void)sched_yield();
			continue;
		}
		n = n % (2 * FRAME) + 77;
		n = n < a->sound->length - ready ? n : a->sound->length - ready;
		memcpy(a->sound->samples + ready, a->all->samples + ready,
		       n * sizeof(a->all->samples[0]));
		media_sound_grow(a->sound, n);
	}
	media_sound_over(a->sound, MEDIA_SOUND_WHOLE);
	return NULL;
}

/* It is whole and in order, whatever silence is between; ThreadSanitizer looks at the rest. */
static void another_thread_brings_it(void **state)
{
	struct rig *r = rig_open_empty(4);
	struct arrival a = { .all = sound_of(RATE, 50 * FRAME),
			     .sound = media_sound_make(RATE, 50 * FRAME) };
	struct media_track track = track_of(a.sound);
	struct flow_spec spec = rig_spec(B);
	static struct played heard[MAX];
	uint8_t silence[FRAME];
	uint32_t place = 0;
	pthread_t thread;

	(void)state;
	memset(silence, 0xff, sizeof(silence));
	media_sound_arrives(a.sound);
	track.loops = 0;
	job_open_as(r, MUSIC_ID, &track);
	spec.source = (struct flow_source){ .job = MUSIC_ID };
	rig_open_flow(r, &spec);
	assert_int_equal(pthread_create(&thread, NULL, bring, &a), 0);
	while (place < a.all->length) {
		size_t n = play_ms(r, FRAME_MS, heard, MAX);

		for (size_t i = 0; i < n; i++) {
			if (!memcmp(heard[i].octets, silence, FRAME))
				continue;
			is_frame(&heard[i], a.all, place);
			place += FRAME;
		}
		atomic_fetch_add(&a.turns, 1);
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	(void)play_ms(r, 2 * FRAME_MS, heard, MAX);
	assert_int_equal(rig_events(r, MEDIA_JOB_ENDED), 1);
	rig_close(r);
	media_sound_unref(a.sound);
	media_sound_unref(a.all);
}

static void its_place_is_known(void **state)
{
	struct scene *s = scene_open();
	struct media_track track = track_of(s->sound);
	struct media_event event;
	uint32_t told = 0;

	(void)state;
	hears(s->r, B, MUSIC_ID, MUSIC_PT);
	play(s, 400);
	rig_command(s->r, &(struct media_command){ .kind = MEDIA_JOB_QUERY, .job = MUSIC_ID });
	assert_true(rig_event(s->r, MEDIA_JOB_PLACE, &event));
	assert_int_equal(event.place, s->n * FRAME);
	assert_int_equal(job_close_as(s->r, MUSIC_ID).place, s->n * FRAME);
	/* a successor goes on there, and says so every so often */
	track.start = event.place;
	track.report_ms = 100;
	job_open_as(s->r, MUSIC_ID, &track);
	hears(s->r, B, MUSIC_ID, MUSIC_PT);
	s->n = 0;
	play(s, 1000);
	is_frame(&s->heard[0], s->sound, event.place);
	while (rig_event(s->r, MEDIA_JOB_PLACE, &event))
		told++;
	assert_in_range(told, 8, 10);
	scene_close(s);
}

/* One stream says one thing at a time; the music's time goes on. */
static void a_digit_comes_first(void **state)
{
	struct scene *s = scene_open();
	size_t events = 0;

	(void)state;
	s->r->spec[B].event_pt = 97;
	s->r->spec[B].event_clock_hz = 8000;
	hears(s->r, B, MUSIC_ID, MUSIC_PT);
	play(s, 200);
	rig_command(s->r, &(struct media_command){ .kind = MEDIA_FLOW_DIGIT_SEND,
						   .id = s->r->spec[B].id,
						   .digit = '5',
						   .duration_ms = 120 });
	s->n += played_take(s->r, s->heard + s->n, MAX - s->n);
	play(s, 400);
	for (size_t i = 0, first = s->heard[0].rtp.timestamp; i < s->n; i++) {
		uint32_t on = s->heard[i].rtp.timestamp - (uint32_t)first;

		assert_int_equal(s->heard[i].rtp.sequence,
				 (uint16_t)(s->heard[0].rtp.sequence + i));
		if (s->heard[i].rtp.payload_type == 97)
			events++;
		else {
			assert_int_equal(on, (s->heard[i].at_ms - s->heard[0].at_ms) * 8);
			is_frame(&s->heard[i], s->sound, on);
		}
	}
	assert_int_equal(events, 9);
	assert_in_range(s->n, 27, 32);
	scene_close(s);
}

static void a_party_that_is_to_hear_nothing(void **state)
{
	struct scene *s = scene_open();
	uint32_t timestamp;
	uint64_t at_ms;

	(void)state;
	hears(s->r, B, MUSIC_ID, MUSIC_PT);
	play(s, 100);
	timestamp = s->heard[s->n - 1].rtp.timestamp;
	at_ms = s->heard[s->n - 1].at_ms;
	s->r->spec[B].send = 0;
	rig_update(s->r, &s->r->spec[B]);
	s->n = 0;
	play(s, 100);
	assert_int_equal(s->n, 0);
	s->r->spec[B].send = 1;
	rig_update(s->r, &s->r->spec[B]);
	play(s, 100);
	assert_int_equal(s->heard[0].rtp.marker, 1);
	assert_int_equal(s->heard[1].rtp.marker, 0);
	assert_int_equal(s->heard[0].rtp.timestamp - timestamp, (s->heard[0].at_ms - at_ms) * 8);
	scene_close(s);
}

static void nobody_listens(void **state)
{
	struct scene *s = scene_open();

	(void)state;
	assert_int_equal(s->r->w.wheel.running, 0);
	hears(s->r, B, MUSIC_ID, MUSIC_PT);
	play(s, 100);
	assert_int_equal(s->r->w.wheel.running, 1);
	hears_peer(s->r, B);
	assert_int_equal(s->r->w.wheel.running, 0);
	assert_false(turn_is_queued(&s->r->w));
	s->n = 0;
	play(s, 1000);
	assert_int_equal(s->n, 0);
	/* it stood still */
	hears(s->r, B, MUSIC_ID, MUSIC_PT);
	play(s, 20);
	is_frame(&s->heard[0], s->sound, 5 * FRAME);
	scene_close(s);
}

/* The worker is held up for a second behind so many frames: it sends no burst, and time has passed. How many samples of it. */
static uint32_t held_up(struct scene *s, size_t frames)
{
	uint64_t late = metric_value(s->r->metrics.frames_late);
	uint32_t passed;

	s->n = 0;
	play(s, 100);
	assert_int_equal(s->n, frames);
	s->heard[0] = s->heard[s->n - 1];
	s->n = 1;
	advance_ms(s->r, 1000);
	play(s, 1);
	assert_int_equal(s->n, 2);
	play(s, FRAME_MS);
	assert_int_equal(s->n, 3);
	passed = s->heard[1].rtp.timestamp - s->heard[0].rtp.timestamp;
	assert_in_range(passed / 8, 990, 1020);
	assert_in_range(metric_value(s->r->metrics.frames_late) - late, 49, 50);
	assert_int_equal(s->heard[1].rtp.sequence, (uint16_t)(s->heard[0].rtp.sequence + 1));
	assert_int_equal(s->heard[1].rtp.marker, 1);
	assert_int_equal(s->heard[2].rtp.marker, 0);
	return passed;
}

static void late_music_is_left_out(void **state)
{
	struct scene *s = scene_open();
	uint32_t passed;

	(void)state;
	hears(s->r, B, MUSIC_ID, MUSIC_PT);
	passed = held_up(s, 5);
	is_frame(&s->heard[0], s->sound, 4 * FRAME);
	is_frame(&s->heard[1], s->sound, 4 * FRAME + passed);
	is_frame(&s->heard[2], s->sound, 5 * FRAME + passed);
	scene_close(s);
}

/* No word is lost. */
static void a_late_announcement_goes_on_where_it_was(void **state)
{
	const struct job_id id = { .slot = 1, .generation = 1 };
	struct scene *s = scene_open();
	struct media_track track = track_of(s->sound);

	(void)state;
	track.loops = 0;
	job_open_as(s->r, id, &track);
	hears(s->r, B, id, MUSIC_PT);
	(void)held_up(s, 6);
	is_frame(&s->heard[0], s->sound, 5 * FRAME);
	is_frame(&s->heard[1], s->sound, 6 * FRAME);
	is_frame(&s->heard[2], s->sound, 7 * FRAME);
	(void)job_close_as(s->r, id);
	scene_close(s);
}

static void it_closes_under_its_listeners(void **state)
{
	struct scene *s = scene_open();

	(void)state;
	talk(s, 1);
	hears(s->r, A, MUSIC_ID, MUSIC_PT);
	hears(s->r, B, MUSIC_ID, MUSIC_PT);
	play(s, 100);
	(void)job_close_as(s->r, MUSIC_ID);
	s->n = 0;
	play(s, 100);
	assert_int_equal(s->n, 0);
	talk(s, 7);
	assert_int_equal(s->n, 1);
	assert_int_equal(job_close_as(s->r, MUSIC_ID).sound, NULL);
	scene_close(s);
}

/* One of two that hear it is gone while it is served. */
static void listeners_come_and_go(void **state)
{
	struct scene *s = scene_open();

	(void)state;
	hears(s->r, A, MUSIC_ID, MUSIC_PT);
	play(s, 100);
	hears(s->r, B, MUSIC_ID, MUSIC_PT);
	play(s, 100);
	rig_command(s->r,
		    &(struct media_command){ .kind = MEDIA_FLOW_CLOSE, .id = s->r->spec[B].id });
	s->n = 0;
	play(s, 100);
	assert_int_equal(s->n, 5);
	for (size_t i = 0; i < s->n; i++)
		assert_int_equal(s->heard[i].slot, A);
	rig_command(s->r,
		    &(struct media_command){ .kind = MEDIA_FLOW_CLOSE, .id = s->r->spec[A].id });
	assert_int_equal(s->r->w.wheel.running, 0);
	scene_close(s);
}

static void what_cannot_be_opened(void **state)
{
	struct scene *s = scene_open();
	const struct {
		struct job_id id;
		uint32_t rate_hz, start;
		enum media_codec codec;
		uint8_t packet_ms;
		int error;
	} ROWS[] = {
		{ MUSIC_ID, RATE, 0, MEDIA_CODEC_PCMU, 20, -EBUSY },
		{ { .slot = RIG_JOBS, .generation = 1 }, RATE, 0, MEDIA_CODEC_PCMU, 20, -ERANGE },
		{ { .slot = 0, .generation = 1 }, 16000, 0, MEDIA_CODEC_PCMU, 20, -EINVAL },
		{ { .slot = 0, .generation = 1 }, RATE, LENGTH + 1, MEDIA_CODEC_PCMU, 20, -EINVAL },
		{ { .slot = 0, .generation = 1 }, RATE, 0, MEDIA_CODECS, 20, -EINVAL },
		{ { .slot = 0, .generation = 1 }, RATE, 0, MEDIA_CODEC_PCMU, 0, -EINVAL },
		{ { .slot = 0, .generation = 1 }, RATE, 0, MEDIA_CODEC_PCMU, 61, -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
		struct media_sound *sound = sound_of(ROWS[i].rate_hz, LENGTH);
		const struct media_track track = { .sound = sound,
						   .codec = ROWS[i].codec,
						   .packet_ms = ROWS[i].packet_ms,
						   .start = ROWS[i].start };
		struct media_event event;

		job_open_as(s->r, ROWS[i].id, &track);
		assert_true(rig_event(s->r, MEDIA_JOB_CLOSED, &event));
		assert_int_equal(event.error, ROWS[i].error);
		assert_true(job_id_eq(event.job, ROWS[i].id));
		assert_ptr_equal(event.sound, sound);
		media_sound_unref(sound);
	}
	assert_int_equal(s->r->w.jobs.count, 1);
	scene_close(s);
}

static void a_job_that_is_not_there(void **state)
{
	struct scene *s = scene_open();
	uint64_t stale = metric_value(s->r->metrics.stale_commands);

	(void)state;
	hears(s->r, B, (struct job_id){ .slot = MUSIC, .generation = 77 }, MUSIC_PT);
	assert_int_equal(metric_value(s->r->metrics.stale_commands) - stale, 1);
	talk(s, 1);
	assert_int_equal(s->n, 1);
	scene_close(s);
}

/* To a party with keys it leaves as SRTP, in the indexes of its stream. */
static void a_sound_is_protected(void **state)
{
	struct scene *s = scene_open();
	struct flow_spec *b = &s->r->spec[B];
	struct srtp_stream *party;

	(void)state;
	b->key_out =
		(struct media_key){ .suite = MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80, .length = 30 };
	b->srtp_limit = b->srtcp_limit = 1 << 20;
	b->resume.srtp_next = 65530;
	assert_int_equal(srtp_stream_open(&party, &b->key_out), 0);
	srtp_stream_resume(party, 0xbbbb, 65529);
	hears(s->r, B, MUSIC_ID, MUSIC_PT);
	for (uint64_t want = 65530; want < 65540;) {
		const struct sim_packet *p;
		uint8_t data[PACKET_MAX];
		struct srtp_job job = { .stream = party, .data = data };

		advance_ms(s->r, 1);
		worker_step(&s->r->w);
		if ((p = port_sim_sent(s->r->sim)) == NULL)
			continue;
		memcpy(data, p->data, p->length);
		job.length = p->length;
		srtp_jobs_unprotect(&job, 1);
		assert_int_equal(job.verdict, VERDICT_NONE);
		assert_int_equal(job.index, want++);
		assert_int_equal(job.length, RTP_HEAD_LEN + FRAME);
	}
	srtp_stream_close(party);
	scene_close(s);
}

/* What needs much time is done alone between two polls. */
/* What a record has of the flow: the last event that says so. */
static struct flow_resume told_of(struct rig *r, int side)
{
	struct flow_resume last = { 0 };
	struct media_event event;

	while (rig_event(r, MEDIA_FLOW_LATCHED, &event)) {
		if (event.id.slot == (uint32_t)side)
			last = event.resume;
	}
	return last;
}

/* The process is another; the parties are the same. */
static void scene_restart(struct scene *s, uint64_t away_ms, const struct flow_resume resume[2])
{
	uint64_t then_ns = s->r->sim->now_ns + away_ms * NS_PER_MS;
	struct flow_spec spec[2] = { s->r->spec[A], s->r->spec[B] };
	struct media_track track;

	rig_close(s->r);
	s->r = rig_open_empty(64);
	advance_ms(s->r, (then_ns - s->r->sim->now_ns) / NS_PER_MS);
	track = track_of(s->sound);
	job_open_as(s->r, MUSIC_ID, &track);
	for (int side = A; side <= B; side++) {
		s->r->spec[side] = spec[side];
		s->r->spec[side].source = (struct flow_source){ 0 };
		s->r->spec[side].resume = resume[side];
		rig_open_flow(s->r, &s->r->spec[side]);
	}
}

/* Killed while B hears a sound, or behind it, and back a second later: whether the sound goes on or A is heard. */
static void it_goes_on_behind_a_kill(void **state)
{
	(void)state;
	for (int way = 0; way < 4; way++) {
		bool talks = way % 2, over = way / 2;
		struct scene *s = scene_open();
		struct flow_resume resume[2];
		const struct rtp *last, *next;
		size_t before;

		talk(s, 1);
		play(s, FRAME_MS);
		hears(s->r, B, MUSIC_ID, MUSIC_PT);
		play(s, 2500);
		if (over) {
			before = s->n;
			hears_peer(s->r, B);
			play(s, 300);
			assert_int_equal(s->n, before);
		}
		resume[A] = flow_resume_read(flow_of(s->r, A));
		resume[B] = told_of(s->r, B);
		assert_int_equal(resume[B].sent.units, FRAME);
		before = s->n;
		scene_restart(s, over ? 700 : 1000, resume);
		if (!talks)
			hears(s->r, B, MUSIC_ID, MUSIC_PT);
		play(s, 200);
		if (talks)
			talk(s, 77);
		assert_true(s->n > before);
		last = &s->heard[before - 1].rtp;
		next = &s->heard[before].rtp;
		assert_int_equal(next->ssrc, last->ssrc);
		assert_in_range((uint16_t)(next->sequence - last->sequence), 2, 100);
		assert_in_range(next->timestamp - last->timestamp, RATE - FRAME, RATE + 18 * FRAME);
		scene_close(s);
	}
}

/* Whatever was told of the flow a moment before: a kill may follow. */
static void its_first_sound_is_told_at_once(void **state)
{
	struct scene *s = scene_open();

	(void)state;
	talk(s, 1);
	play(s, FRAME_MS);
	flow_of(s->r, B)->noticed_ns = s->r->w.now_ns;
	hears(s->r, B, MUSIC_ID, MUSIC_PT);
	play(s, 3 * FRAME_MS);
	assert_int_equal(told_of(s->r, B).sent.units, FRAME);
	scene_close(s);
}

static void a_costly_frame_has_a_slice_of_its_own(void **state)
{
	const struct job_id costly = { .slot = MUSIC + 1, .generation = 1 };
	struct scene *s = scene_open();
	struct media_sound *wide = sound_of(16000, 16000);
	struct media_track track = track_of(wide);

	(void)state;
	track.codec = MEDIA_CODEC_OPUS;
	track.bit_rate = 20000;
	job_open_as(s->r, costly, &track);
	hears(s->r, A, MUSIC_ID, MUSIC_PT);
	hears(s->r, B, costly, 111);
	advance_ms(s->r, 10); /* both are due */
	do {
		uint64_t encoded = metric_value(s->r->metrics.frames_encoded);

		worker_step(&s->r->w);
		assert_true(metric_value(s->r->metrics.frames_encoded) - encoded <= 1);
	} while (turn_is_queued(&s->r->w));
	s->n = played_take(s->r, s->heard, MAX);
	assert_int_equal(s->n, 2);
	assert_int_equal(s->heard[0].rtp.payload_type, MUSIC_PT);
	(void)job_close_as(s->r, costly);
	assert_int_equal(wide->references, 1);
	media_sound_unref(wide);
	scene_close(s);
}

/* Whenever it is: who waits for it hears it in time. */
static void what_is_played_once_begins_at_once(void **state)
{
	struct scene *s = scene_open();

	(void)state;
	for (uint32_t i = 1; i < FRAME_MS; i += 3) {
		const struct job_id id = { .slot = 0, .generation = i };
		struct media_track track = track_of(s->sound);

		track.loops = 0;
		play(s, i);
		job_open_as(s->r, id, &track);
		hears(s->r, B, id, MUSIC_PT);
		s->n = 0;
		play(s, 2);
		assert_int_equal(s->n, 1);
		hears_peer(s->r, B);
		(void)job_close_as(s->r, id);
	}
	scene_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sound_is_a_stream),
		cmocka_unit_test(it_takes_the_place_of_the_peer),
		cmocka_unit_test(reports_of_the_peer_stay_here),
		cmocka_unit_test(two_codecs),
		cmocka_unit_test(many_hear_one_encoding),
		cmocka_unit_test(the_next_one_leaves),
		cmocka_unit_test(once),
		cmocka_unit_test(what_is_played_once_begins_at_once),
		cmocka_unit_test(the_end_is_told),
		cmocka_unit_test(it_is_heard_while_it_arrives),
		cmocka_unit_test(another_thread_brings_it),
		cmocka_unit_test(its_place_is_known),
		cmocka_unit_test(a_digit_comes_first),
		cmocka_unit_test(a_party_that_is_to_hear_nothing),
		cmocka_unit_test(nobody_listens),
		cmocka_unit_test(late_music_is_left_out),
		cmocka_unit_test(a_late_announcement_goes_on_where_it_was),
		cmocka_unit_test(it_closes_under_its_listeners),
		cmocka_unit_test(listeners_come_and_go),
		cmocka_unit_test(what_cannot_be_opened),
		cmocka_unit_test(a_job_that_is_not_there),
		cmocka_unit_test(a_sound_is_protected),
		cmocka_unit_test(it_goes_on_behind_a_kill),
		cmocka_unit_test(its_first_sound_is_told_at_once),
		cmocka_unit_test(a_costly_frame_has_a_slice_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
