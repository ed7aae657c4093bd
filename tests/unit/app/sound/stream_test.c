/* SPDX-License-Identifier: Apache-2.0 */
/* A recording of another node that is heard while it arrives. */
#include "app/sound/sound_prompt.h"
#include "tests/unit/app/sound/scene.h"

#define CALL   "000agvj5jqr40-1"
#define PART   "2026-11-25/" CALL ".1.wav.part"
#define FILE_1 "2026-11-25/" CALL ".1.wav"
#define FILE_2 "2026-11-25/" CALL ".2.wav"
#define FILE_3 "2026-11-25/" CALL ".3.wav"

enum { SAMPLES = 20000, SOME = 4000 };

/* What is fetched: FOLDER/.fetched/acme. */
struct arrival {
	struct scene scene;
	int lock;
};

static void arrival_path(const struct arrival *a, char out[160], const char *file)
{
	(void)snprintf(out, 160, "%s/.fetched/acme%s%s", a->scene.folder, *file ? "/" : "", file);
}

static struct arrival *arrival_open(void)
{
	static const char *const folders[] = { "", "2026-11-25", "0000-00-00" };
	struct sounds_settings settings = { .count = 8,
					    .octets_max = 1 << 20,
					    .again_ns = AGAIN_NS };
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct arrival *a = calloc(1, sizeof(*a));
	char path[160];

	assert_non_null(a);
	memcpy(a->scene.folder, "/tmp/sounds-XXXXXX", sizeof("/tmp/sounds-XXXXXX"));
	assert_non_null(mkdtemp(a->scene.folder));
	(void)snprintf(path, sizeof(path), "%s/.fetched", a->scene.folder);
	assert_int_equal(mkdir(path, 0700), 0);
	for (size_t i = 0; i < COUNT_OF(folders); i++) {
		arrival_path(a, path, folders[i]);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	arrival_path(a, path, "0000-00-00/" CALL ".fetch");
	a->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(a->lock >= 0);
	assert_int_equal(fcntl(a->lock, F_OFD_SETLK, &lock), 0);
	settings.folder = settings.recordings = a->scene.folder;
	settings.octets_idle = settings.octets_max;
	a->scene.now_ns = 1000 * NS_PER_S;
	assert_int_equal(sounds_open(&a->scene.sounds, &settings), 0);
	return a;
}

static void arrival_dies(struct arrival *a)
{
	if (a->lock >= 0)
		assert_int_equal(close(a->lock), 0);
	a->lock = -1;
}

/* Who brings it has brought all. */
static void arrival_ends(struct arrival *a)
{
	char path[160];

	arrival_path(a, path, "0000-00-00/" CALL ".fetch");
	(void)unlink(path);
	arrival_dies(a);
}

static void arrival_close(struct arrival *a)
{
	arrival_dies(a);
	sounds_close(a->scene.sounds);
	assert_int_equal(nftw(a->scene.folder, path_remove, 8, FTW_DEPTH | FTW_PHYS), 0);
	free(a);
}

/* Octets from .. to of a file with so many samples, which begin with first. */
static void bring(const struct arrival *a, const char *file, uint32_t samples, int16_t first,
		  size_t from, size_t to)
{
	char path[160];
	size_t n;
	uint8_t *w = wav_make(samples, first, &n);
	int fd;

	arrival_path(a, path, file);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	to = to < n ? to : n;
	assert_int_equal(write(fd, w + from, to - from), to - from);
	assert_int_equal(close(fd), 0);
	free(w);
}

static void named(const struct arrival *a, const char *from, const char *to)
{
	char old[160], new[160];

	arrival_path(a, old, from);
	arrival_path(a, new, to);
	assert_int_equal(rename(old, new), 0);
}

static struct sound_name arrival_name(uint32_t rate_hz)
{
	struct sound_name name;

	assert_true(sound_recording_set(&name, BYTES_LIT("acme"), BYTES_LIT("recording:" CALL),
					rate_hz));
	return name;
}

/* As control waits: NULL: there is none. */
static struct media_sound *arrival_sound(struct arrival *a, uint32_t rate_hz)
{
	struct sound_name name = arrival_name(rate_hz);
	struct pollfd p = { .fd = sounds_fd(a->scene.sounds), .events = POLLIN };
	struct sound_fault fault;
	struct media_sound *sound = NULL;

	while (sounds_get(a->scene.sounds, &name, a->scene.now_ns, &sound, &fault) ==
	       SOUNDS_LATER) {
		assert_int_equal(poll(&p, 1, WAIT_MS), 1);
		(void)sounds_round(a->scene.sounds, a->scene.now_ns);
	}
	return sound;
}

static void await(const struct media_sound *s, uint32_t ready, enum media_sound_state state)
{
	for (int i = 0;
	     i < WAIT_MS && (media_sound_ready(s) != ready || media_sound_state(s) != state); i++)
		(void)poll(NULL, 0, 1);
	assert_int_equal(media_sound_ready(s), ready);
	assert_int_equal(media_sound_state(s), state);
}

static void is_over(struct arrival *a)
{
	struct pollfd p = { .fd = sounds_fd(a->scene.sounds), .events = POLLIN };

	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
	assert_int_equal(sounds_round(a->scene.sounds, a->scene.now_ns), 1);
}

static void has_samples(const struct media_sound *s, uint32_t from, uint32_t n, int16_t first)
{
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(s->samples[from + i], (int16_t)(first + (int)i));
}

static void heard_while_it_arrives(void **state)
{
	struct arrival *a = arrival_open();
	struct media_sound *sound, *again;

	(void)state;
	bring(a, PART, SAMPLES, 5, 0, HEAD + 2 * SOME + 1); /* half a sample is none */
	sound = arrival_sound(a, RATE);
	assert_non_null(sound);
	await(sound, SOME, MEDIA_SOUND_ARRIVES);
	again = arrival_sound(a, RATE); /* another caller */
	assert_ptr_equal(again, sound);
	media_sound_unref(again);
	bring(a, PART, SAMPLES, 5, HEAD + 2 * SOME + 1, HEAD + 4 * SOME);
	await(sound, 2 * SOME, MEDIA_SOUND_ARRIVES);
	bring(a, PART, SAMPLES, 5, HEAD + 4 * SOME, SIZE_MAX);
	named(a, PART, FILE_1);
	await(sound, SAMPLES, MEDIA_SOUND_ARRIVES); /* there may be another segment */
	arrival_ends(a);
	await(sound, SAMPLES, MEDIA_SOUND_WHOLE);
	has_samples(sound, 0, SAMPLES, 5);
	is_over(a);
	assert_int_equal(sound->references, 2); /* kept for who hears it next */
	media_sound_unref(sound);
	arrival_close(a);
}

/* Each from its beginning on; one of them cannot be read. */
static void segment_by_segment(void **state)
{
	struct arrival *a = arrival_open();
	struct media_sound *sound;

	(void)state;
	bring(a, FILE_1, 100, 1, 0, SIZE_MAX);
	sound = arrival_sound(a, RATE);
	assert_non_null(sound);
	await(sound, 100, MEDIA_SOUND_ARRIVES);
	bring(a, FILE_2, 100, 0, 0, 4);
	bring(a, FILE_3, 100, 7, 0, SIZE_MAX);
	await(sound, 100, MEDIA_SOUND_ARRIVES); /* more of the second one may come */
	arrival_ends(a);
	await(sound, 200, MEDIA_SOUND_WHOLE);
	has_samples(sound, 100, 100, 7);
	media_sound_unref(sound);
	arrival_close(a);
}

/* It is not kept: who is to hear it next has it fetched anew. */
static void who_brings_it_dies(void **state)
{
	struct arrival *a = arrival_open();
	struct media_sound *sound;

	(void)state;
	bring(a, PART, SAMPLES, 5, 0, HEAD + 2 * SOME);
	sound = arrival_sound(a, RATE);
	assert_non_null(sound);
	arrival_dies(a);
	await(sound, SOME, MEDIA_SOUND_CUT);
	is_over(a);
	assert_int_equal(sound->references, 1);
	media_sound_unref(sound);
	assert_null(arrival_sound(a, RATE));
	arrival_close(a);
}

/* What is there is no message: a segment is missing, and nobody knows of it but the file that was locked. */
static void who_brings_it_dies_between_segments(void **state)
{
	struct arrival *a = arrival_open();
	struct media_sound *sound;

	(void)state;
	bring(a, FILE_1, 100, 1, 0, SIZE_MAX);
	sound = arrival_sound(a, RATE);
	assert_non_null(sound);
	await(sound, 100, MEDIA_SOUND_ARRIVES);
	arrival_dies(a);
	await(sound, 100, MEDIA_SOUND_CUT);
	is_over(a);
	media_sound_unref(sound);
	assert_null(arrival_sound(a, RATE));
	bring(a, FILE_2, 100, 7, 0, SIZE_MAX);
	arrival_ends(a); /* somebody else has brought it */
	a->scene.now_ns += AGAIN_NS;
	sound = arrival_sound(a, RATE);
	assert_non_null(sound);
	assert_int_equal(sound->length, 200);
	media_sound_unref(sound);
	arrival_close(a);
}

static void at_another_rate(void **state)
{
	struct arrival *a = arrival_open();
	struct media_sound *sound;

	(void)state;
	bring(a, PART, SAMPLES, 5, 0, HEAD + 2 * SOME);
	sound = arrival_sound(a, 2 * RATE);
	assert_non_null(sound);
	assert_in_range(media_sound_ready(sound), 2 * SOME - 200, 2 * SOME);
	bring(a, PART, SAMPLES, 5, HEAD + 2 * SOME, SIZE_MAX);
	arrival_ends(a);
	for (int i = 0; i < WAIT_MS && media_sound_state(sound) == MEDIA_SOUND_ARRIVES; i++)
		(void)poll(NULL, 0, 1);
	assert_int_equal(media_sound_state(sound), MEDIA_SOUND_WHOLE);
	assert_in_range(media_sound_ready(sound), 2 * SAMPLES - 200, 2 * SAMPLES);
	assert_in_range(sound->samples[20000], 9900, 10100); /* in time with the original */
	media_sound_unref(sound);
	arrival_close(a);
}

/* Without its beginning it is as if it were not there; what is whole is read as ever. */
static void nothing_that_can_be_heard(void **state)
{
	struct arrival *a = arrival_open();
	struct media_sound *sound;

	(void)state;
	assert_null(arrival_sound(a, RATE));
	bring(a, PART, SAMPLES, 5, 0, HEAD - 4);
	a->scene.now_ns += AGAIN_NS;
	assert_null(arrival_sound(a, RATE));
	bring(a, PART, SAMPLES, 5, HEAD - 4, SIZE_MAX);
	named(a, PART, FILE_1);
	arrival_ends(a);
	a->scene.now_ns += AGAIN_NS;
	sound = arrival_sound(a, RATE);
	assert_non_null(sound);
	assert_int_equal(media_sound_state(sound), MEDIA_SOUND_WHOLE);
	assert_int_equal(sound->length, SAMPLES);
	media_sound_unref(sound);
	arrival_close(a);
}

/* What somebody put in the place of the file that is locked keeps nobody waiting. */
static void no_file_is_locked(void **state)
{
	struct arrival *a = arrival_open();
	char path[160];

	(void)state;
	arrival_path(a, path, "0000-00-00/" CALL ".fetch");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_null(arrival_sound(a, RATE));
	arrival_close(a);
}

/* A head may say anything. */
static void hostile_heads(void **state)
{
	static const struct {
		size_t at; /* in the file */
		uint8_t octets[4];
		size_t n;
		uint32_t ready; /* 0: nothing is heard */
		enum media_sound_state state;
	} rows[] = {
		{ 24, { 1, 0, 0, 0 }, 4, 0, MEDIA_SOUND_CUT },             /* 1 Hz */
		{ 24, { 0xff, 0xff, 0xff, 0xff }, 4, 0, MEDIA_SOUND_CUT }, /* 4 GHz */
		{ 22, { 96, 0 }, 2, 0, MEDIA_SOUND_CUT },                  /* channels */
		{ 22, { 0, 0 }, 2, 0, MEDIA_SOUND_CUT },                   /* none */
		{ 34, { 0, 0 }, 2, 0, MEDIA_SOUND_CUT },                   /* bits */
		{ 32, { 0, 0 }, 2, 0, MEDIA_SOUND_CUT },                   /* a block */
		{ 40, { 0, 0, 0, 0 }, 4, 0, MEDIA_SOUND_CUT },             /* no data */
		{ 40, { 1, 0, 0, 0 }, 4, 0, MEDIA_SOUND_CUT },             /* half a sample */
		{ 16, { 0xff, 0xff, 0xff, 0xff }, 4, 0, MEDIA_SOUND_CUT }, /* fmt */
		/* all octets are there, whatever it says */
		{ 40, { 0xff, 0xff, 0xff, 0x7f }, 4, 100, MEDIA_SOUND_WHOLE }, /* 2 GiB */
		{ 40, { 0xfe, 0xff, 0xff, 0xff }, 4, 100, MEDIA_SOUND_WHOLE }, /* 4 GiB */
		{ 40, { 0xff, 0xff, 0xff, 0xff }, 4, 100, MEDIA_SOUND_WHOLE }, /* no size */
		{ 40, { 20, 0, 0, 0 }, 4, 10, MEDIA_SOUND_WHOLE },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct arrival *a = arrival_open();
		struct media_sound *sound;
		char path[160];
		int fd;

		bring(a, PART, 100, 5, 0, SIZE_MAX);
		arrival_path(a, path, PART);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		ROW_ASSERT("head", pwrite(fd, rows[i].octets, rows[i].n, (off_t)rows[i].at) ==
					   (ssize_t)rows[i].n);
		assert_int_equal(close(fd), 0);
		sound = arrival_sound(a, RATE);
		assert_int_equal(sound != NULL, rows[i].ready != 0);
		arrival_ends(a);
		if (sound)
			await(sound, rows[i].ready, rows[i].state);
		media_sound_unref(sound);
		arrival_close(a);
	}
}

/* It is played, and the node stops. */
static void closed_while_it_arrives(void **state)
{
	struct arrival *a = arrival_open();
	struct media_sound *sound;

	(void)state;
	bring(a, PART, SAMPLES, 5, 0, HEAD + 2 * SOME);
	sound = arrival_sound(a, RATE);
	assert_non_null(sound);
	arrival_close(a);
	assert_int_equal(media_sound_state(sound), MEDIA_SOUND_CUT);
	assert_int_equal(sound->references, 1);
	media_sound_unref(sound);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heard_while_it_arrives),
		cmocka_unit_test(segment_by_segment),
		cmocka_unit_test(who_brings_it_dies),
		cmocka_unit_test(who_brings_it_dies_between_segments),
		cmocka_unit_test(at_another_rate),
		cmocka_unit_test(nothing_that_can_be_heard),
		cmocka_unit_test(no_file_is_locked),
		cmocka_unit_test(hostile_heads),
		cmocka_unit_test(closed_while_it_arrives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
