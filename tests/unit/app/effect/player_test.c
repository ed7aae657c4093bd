/* SPDX-License-Identifier: Apache-2.0 */
/* Hold music of a tenant's file: which jobs are open, what calls are told, and in what order. */
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/effect/player.h"
#include "app/sound/sounds.h"
#include "base/clock.h"
#include "engine/engine.h"
#include "media/job.h"

enum { RATE = 8000, LENGTH = 400, HEAD = 44, WAIT_MS = 5000, SEEN_MAX = 64 };
enum { JOBS = MEDIA_CODECS, SET = JOBS + 1 /* calls are told */ };

static const char *const FILES[] = { "a.wav", "b.wav", "c.wav" };

/* Commands in order; a told list is one among them. */
struct seen {
	bool told;
	struct media_command command;
	struct job_id jobs[MEDIA_CODECS];
};

static struct seen g_seen[SEEN_MAX];
static uint32_t g_count, g_awaits;

static struct seen *seen_add(void)
{
	assert_true(g_count < SEEN_MAX);
	g_seen[g_count] = (struct seen){ 0 };
	return &g_seen[g_count++];
}

/* The engine. */
bool engine_command(struct engine *e, const struct media_command *command)
{
	(void)e;
	seen_add()->command = *command;
	return true;
}

static void told(uint32_t number, const struct job_id jobs[MEDIA_CODECS], void *arg)
{
	struct seen *s = seen_add();

	(void)arg;
	(void)number;
	s->told = true;
	memcpy(s->jobs, jobs, sizeof(s->jobs));
}

static void awaited(uint32_t number, void *arg)
{
	(void)arg;
	(void)number;
	g_awaits++;
}

struct scene {
	char folder[32];
	struct sounds *sounds;
	struct media_queue queue;
	struct player player;
	uint64_t now_ns;
};

static void path_of(const struct scene *s, char out[160], const char *file)
{
	(void)snprintf(out, 160, "%s/acme%s%s", s->folder, *file ? "/" : "", file);
}

static void le_put(uint8_t *p, uint32_t v, int n)
{
	for (int i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

/* RIFF, 16 bits, one channel, silent. */
static void wav_put(const struct scene *s, const char *file)
{
	uint8_t w[HEAD + 2 * LENGTH] = { 0 };
	char path[160];
	int fd;

	memcpy(w, "RIFF    WAVEfmt ", 16);
	le_put(w + 4, sizeof(w) - 8, 4);
	le_put(w + 16, 16, 4);
	le_put(w + 20, 1, 2);
	le_put(w + 22, 1, 2);
	le_put(w + 24, RATE, 4);
	le_put(w + 28, 2 * RATE, 4);
	le_put(w + 32, 2, 2);
	le_put(w + 34, 16, 2);
	memcpy(w + 36, "data", 4);
	le_put(w + 40, 2 * LENGTH, 4);
	path_of(s, path, file);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, w, sizeof(w)), sizeof(w));
	assert_int_equal(close(fd), 0);
}

static struct scene *scene_open(void)
{
	struct scene *s = calloc(1, sizeof(*s));
	struct sounds_settings settings = { .count = 8,
					    .octets_max = 1 << 20,
					    .octets_idle = 1 << 20,
					    .again_ns = PLAYER_AGAIN_NS };
	char path[160];

	assert_non_null(s);
	memcpy(s->folder, "/tmp/music-XXXXXX", sizeof("/tmp/music-XXXXXX"));
	assert_non_null(mkdtemp(s->folder));
	path_of(s, path, "");
	assert_int_equal(mkdir(path, 0700), 0);
	for (size_t i = 0; i < COUNT_OF(FILES); i++)
		wav_put(s, FILES[i]);
	settings.folder = s->folder;
	s->now_ns = 1000 * NS_PER_S;
	g_count = g_awaits = 0;
	assert_int_equal(sounds_open(&s->sounds, &settings), 0);
	assert_int_equal(media_queue_open(&s->queue, NULL, 8), 0);
	player_open(&s->player, &(struct player_settings){ .sounds = s->sounds,
							   .queue = &s->queue,
							   .tenant = "acme",
							   .tell = told,
							   .await = awaited });
	return s;
}

/* Drops the references that went with the commands. */
static void scene_close(struct scene *s)
{
	char path[160];

	for (uint32_t i = 0; i < g_count; i++)
		if (g_seen[i].command.kind == MEDIA_JOB_OPEN)
			media_sound_unref(g_seen[i].command.work.track.sound);
	media_queue_close(&s->queue);
	sounds_close(s->sounds);
	for (size_t i = 0; i < COUNT_OF(FILES); i++) {
		path_of(s, path, FILES[i]);
		(void)unlink(path);
	}
	path_of(s, path, "later.wav");
	(void)unlink(path);
	path_of(s, path, "");
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(s->folder), 0);
	free(s);
}

/* So many readings of the helper; a good file has two, of one rate each. */
static void reads(struct scene *s, uint32_t count)
{
	struct pollfd p = { .fd = sounds_fd(s->sounds), .events = POLLIN };

	while (count) {
		uint32_t n;

		assert_int_equal(poll(&p, 1, WAIT_MS), 1);
		n = sounds_round(s->sounds, s->now_ns);
		assert_true(n <= count);
		count -= n;
		player_try(&s->player, s->now_ns);
	}
}

static void plays(struct scene *s, const char *file)
{
	assert_int_equal(sounds_folder_set(s->sounds, s->folder), 0);
	player_play(&s->player, file, s->now_ns);
	reads(s, 2);
}

/* The last worker says so. */
static void closed(struct scene *s, struct job_id job)
{
	struct media_event e = { .kind = MEDIA_JOB_CLOSED, .job = job, .last = 1 };

	player_event(&s->player, &e, s->now_ns);
}

/* What was seen at `at`: jobs that open, then calls are told of them. */
static const struct job_id *opened(uint32_t at)
{
	static const uint32_t RATES[JOBS] = { [MEDIA_CODEC_PCMU] = 8000,
					      [MEDIA_CODEC_PCMA] = 8000,
					      [MEDIA_CODEC_G722] = 16000,
					      [MEDIA_CODEC_OPUS] = 16000,
					      [MEDIA_CODEC_G726_32] = 8000 };

	assert_true(g_count >= at + MEDIA_CODECS + 1);
	for (uint32_t i = 0; i < MEDIA_CODECS; i++) {
		const struct media_command *c = &g_seen[at + i].command;

		assert_int_equal(c->kind, MEDIA_JOB_OPEN);
		assert_int_equal(c->call, 0);
		assert_true(c->job.slot < PLAYER_JOBS && c->job.generation != 0);
		assert_int_equal(c->work.track.codec, i);
		assert_int_equal(c->work.track.packet_ms, 20);
		assert_int_equal(c->work.track.loops, 1);
		assert_int_equal(c->work.track.sound->rate_hz, RATES[i]);
		assert_true(job_id_eq(c->job, g_seen[at + MEDIA_CODECS].jobs[i]));
	}
	assert_true(g_seen[at + MEDIA_CODECS].told);
	return g_seen[at + MEDIA_CODECS].jobs;
}

static void closes(uint32_t at, const struct job_id jobs[MEDIA_CODECS])
{
	assert_int_equal(g_count, at + MEDIA_CODECS);
	for (uint32_t i = 0; i < MEDIA_CODECS; i++) {
		assert_int_equal(g_seen[at + i].command.kind, MEDIA_JOB_CLOSE);
		assert_true(job_id_eq(g_seen[at + i].command.job, jobs[i]));
	}
}

static void a_file_is_played(void **state)
{
	struct scene *s = scene_open();

	(void)state;
	player_play(&s->player, "a.wav", s->now_ns);
	assert_int_equal(g_count, 0);
	assert_int_equal(g_awaits, 1);
	reads(s, 2);
	(void)opened(0);
	player_round(&s->player);
	player_try(&s->player, s->now_ns);
	assert_int_equal(g_count, SET);
	scene_close(s);
}

/* Nobody hears a gap: the new ones are there before the older ones go. */
static void another_file(void **state)
{
	struct scene *s = scene_open();
	const struct job_id *first;

	(void)state;
	plays(s, "a.wav");
	first = opened(0);
	plays(s, "b.wav");
	(void)opened(SET);
	assert_int_equal(g_count, 2 * SET);
	assert_int_equal(g_awaits, 1); /* the older one plays meanwhile */
	player_round(&s->player);
	closes(2 * SET, first);
	player_round(&s->player);
	assert_int_equal(g_count, 2 * SET + JOBS);
	scene_close(s);
}

/* A slot is used again when all workers have said that its job closed. */
static void changes_that_come_fast(void **state)
{
	struct scene *s = scene_open();
	const struct job_id *first;

	(void)state;
	plays(s, "a.wav");
	first = opened(0);
	plays(s, "b.wav");
	player_round(&s->player);
	plays(s, "c.wav");
	assert_int_equal(g_count, 2 * SET + JOBS);
	for (uint32_t i = 0; i < MEDIA_CODECS; i++) {
		assert_int_equal(g_count, 2 * SET + JOBS);
		closed(s, first[i]);
	}
	assert_false(job_id_eq(opened(2 * SET + JOBS)[0], first[0]));
	scene_close(s);
}

static void no_more_music(void **state)
{
	static const struct job_id NONE[MEDIA_CODECS];
	struct scene *s = scene_open();
	const struct job_id *first;

	(void)state;
	plays(s, "a.wav");
	first = opened(0);
	player_play(&s->player, "", s->now_ns);
	assert_int_equal(g_count, SET + 1);
	assert_true(g_seen[SET].told);
	assert_memory_equal(g_seen[SET].jobs, NONE, sizeof(NONE));
	player_round(&s->player);
	closes(SET + 1, first);
	player_try(&s->player, s->now_ns + PLAYER_AGAIN_NS);
	assert_int_equal(g_count, SET + 1 + JOBS);
	scene_close(s);
}

static void a_file_that_comes_later(void **state)
{
	struct scene *s = scene_open();

	(void)state;
	player_play(&s->player, "later.wav", s->now_ns);
	reads(s, 1);
	assert_string_equal(s->player.said.reason, "no such file");
	assert_int_equal(g_awaits, 1);
	assert_int_equal(g_count, 1);
	assert_true(g_seen[0].told); /* that nothing comes */
	wav_put(s, "later.wav");
	s->now_ns += PLAYER_AGAIN_NS - 1;
	player_try(&s->player, s->now_ns);
	assert_int_equal(g_count, 1);
	s->now_ns++;
	player_try(&s->player, s->now_ns);
	reads(s, 2);
	(void)opened(1);
	assert_null(s->player.said.reason);
	scene_close(s);
}

static void a_wrong_file_changes_nothing(void **state)
{
	struct scene *s = scene_open();

	(void)state;
	plays(s, "a.wav");
	assert_int_equal(sounds_folder_set(s->sounds, s->folder), 0);
	player_play(&s->player, "later.wav", s->now_ns);
	reads(s, 1);
	assert_string_equal(s->player.said.reason, "no such file");
	player_round(&s->player);
	assert_int_equal(g_count, SET);
	scene_close(s);
}

/* A worker without memory: the others stop it, too, and all is tried again. */
static void a_worker_that_cannot(void **state)
{
	struct scene *s = scene_open();
	struct media_event e = { .kind = MEDIA_JOB_CLOSED, .error = -ENOMEM };
	const struct job_id *first;

	(void)state;
	plays(s, "a.wav");
	first = opened(0);
	e.job = first[MEDIA_CODEC_OPUS];
	player_event(&s->player, &e, s->now_ns);
	assert_int_equal(g_count, SET + 1);
	assert_true(g_seen[SET].told);
	assert_true(job_id_eq(g_seen[SET].jobs[MEDIA_CODEC_PCMU], first[MEDIA_CODEC_PCMU]));
	assert_int_equal(g_seen[SET].jobs[MEDIA_CODEC_OPUS].generation, 0);
	player_round(&s->player);
	assert_int_equal(g_count, SET + 2);
	assert_int_equal(g_seen[SET + 1].command.kind, MEDIA_JOB_CLOSE);
	assert_true(job_id_eq(g_seen[SET + 1].command.job, e.job));
	closed(s, e.job);
	assert_int_equal(g_count, SET + 2);
	player_try(&s->player, s->now_ns + PLAYER_AGAIN_NS);
	(void)opened(SET + 2);
	player_round(&s->player);
	assert_int_equal(g_count, 2 * SET + 2 + JOBS - 1); /* those that were left */
	scene_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_played),
		cmocka_unit_test(another_file),
		cmocka_unit_test(changes_that_come_fast),
		cmocka_unit_test(no_more_music),
		cmocka_unit_test(a_file_that_comes_later),
		cmocka_unit_test(a_wrong_file_changes_nothing),
		cmocka_unit_test(a_worker_that_cannot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
