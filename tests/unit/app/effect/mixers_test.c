/* SPDX-License-Identifier: Apache-2.0 */
/* Mixers of conferences: a room has its worker before its job is opened, and until no job of it is left. */
#include "tests/unit/test.h"

#include "app/effect/mixers.h"
#include "engine/engine.h"

enum { FIRST = 100, ROOMS = 2, WORDS_MAX = 16 };

static const uint64_t ROOM = 77;

static struct {
	char words
		[WORDS_MAX +
		 1]; /* w: it has a worker; o, c: a job opens, closes; r: its worker is released */
	uint32_t count;
	struct job_id job;
} g_engine;

static void note(char word)
{
	assert_true(g_engine.count < WORDS_MAX);
	g_engine.words[g_engine.count++] = word;
	g_engine.words[g_engine.count] = '\0';
}

/* The engine. */
bool engine_command(struct engine *e, const struct media_command *command)
{
	(void)e;
	g_engine.job = command->job;
	note(command->kind == MEDIA_JOB_OPEN ? 'o' : 'c');
	return true;
}

uint8_t engine_worker_for(struct engine *e, uint64_t call)
{
	(void)e;
	assert_int_equal(call, ROOM);
	note('w');
	return 1;
}

void engine_worker_release(struct engine *e, uint64_t call)
{
	(void)e;
	assert_int_equal(call, ROOM);
	note('r');
}

struct scene {
	struct media_queue queue;
	struct answers answers;
	struct mixers mixers;
};

static int scene_open(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	memset(&g_engine, 0, sizeof(g_engine));
	assert_int_equal(media_queue_open(&s->queue, NULL, 1), 0);
	assert_int_equal(mixers_open(&s->mixers, FIRST, ROOMS), 0);
	s->mixers.queue = &s->queue;
	s->mixers.answers = &s->answers;
	*state = s;
	return 0;
}

static int scene_close(void **state)
{
	struct scene *s = *state;

	mixers_close(&s->mixers);
	media_queue_close(&s->queue);
	answers_close(&s->answers);
	free(s);
	return 0;
}

static void begin(struct scene *s, uint64_t serial)
{
	struct media_room room = { 0 };
	const struct effect e = {
		.kind = EFFECT_ROOM_OPEN, .call = ROOM, .serial = serial, .request = &room
	};

	mixers_start(&s->mixers, &e);
}

static void end(struct scene *s, uint64_t serial)
{
	mixers_end(&s->mixers, ROOM, serial);
	mixers_round(&s->mixers);
}

static void closed(struct scene *s, struct job_id job)
{
	const struct media_event event = { .kind = MEDIA_JOB_CLOSED, .job = job, .last = 1 };

	assert_true(mixers_event(&s->mixers, &event));
}

static void has_its_worker(void **state)
{
	struct scene *s = *state;

	begin(s, 1);
	assert_string_equal(g_engine.words, "wo");
	end(s, 1);
	assert_string_equal(g_engine.words, "woc");
	closed(s, g_engine.job);
	assert_string_equal(g_engine.words, "wocr");
}

/* Asked for again while the one before still closes: members of the next one have come to the worker. */
static void begins_anew(void **state)
{
	struct scene *s = *state;
	struct job_id first, second;

	begin(s, 1);
	first = g_engine.job;
	end(s, 1);
	begin(s, 2);
	second = g_engine.job;
	assert_false(job_id_eq(first, second));
	closed(s, first);
	assert_string_equal(g_engine.words, "wocwo");
	end(s, 2);
	closed(s, second);
	assert_string_equal(g_engine.words, "wocwocr");
}

/* Where it is not asked for nothing is kept. */
static void not_opened(void **state)
{
	struct scene *s = *state;

	begin(s, 1);
	begin(s, 2);
	begin(s, 3); /* too many */
	assert_string_equal(g_engine.words, "wowo");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(has_its_worker, scene_open, scene_close),
		cmocka_unit_test_setup_teardown(begins_anew, scene_open, scene_close),
		cmocka_unit_test_setup_teardown(not_opened, scene_open, scene_close),
	};

	mixers_setup();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
