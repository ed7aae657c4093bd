/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"

enum { TRACE_MAX = 64 };

/* What happened, one letter each, so that a whole order is one string. */
struct trace {
	char text[TRACE_MAX];
	size_t n;
	int pipes[2][2];
	uint64_t fired_ns;
	unsigned timers_left;
};

static void note(struct trace *t, char c)
{
	assert_true(t->n < TRACE_MAX - 1);
	t->text[t->n++] = c;
}

static void on_round(void *arg)
{
	note(arg, '.');
}

static void on_pipe(int fd, unsigned events, void *arg)
{
	struct trace *t = arg;
	char c;

	assert_true(events & LOOP_READ);
	assert_int_equal(read(fd, &c, 1), 1);
	note(t, c);
	if (c == '!')
		loop_stop();
	if (c == 'u')
		loop_unwatch(fd);
	if (c == 'q')
		assert_int_equal(loop_watch(fd, 0, on_pipe, t), 0);
}

static void on_timer(void *arg)
{
	struct trace *t = arg;

	note(t, 't');
	t->fired_ns = clock_now_ns();
	if (t->timers_left && --t->timers_left)
		assert_int_equal(loop_timer(0, on_timer, t), 0);
	else
		loop_stop();
}

static void on_signal(int number, void *arg)
{
	note(arg, number == SIGUSR1 ? '1' : '2');
	if (number == SIGUSR2)
		loop_stop();
}

static void stop(void *arg)
{
	(void)arg;
	loop_stop();
}

/* libre leaves its very first round after one event; from the second on rounds are whole. */
static void first_round(void)
{
	assert_int_equal(loop_timer(0, stop, NULL), 0);
	assert_int_equal(loop_run(), 0);
}

static int setup(void **state)
{
	static struct trace t;

	t = (struct trace){ 0 };
	assert_int_equal(loop_open(256), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pipe2(t.pipes[i], O_NONBLOCK | O_CLOEXEC), 0);
		assert_int_equal(loop_watch(t.pipes[i][0], LOOP_READ, on_pipe, &t), 0);
	}
	first_round();
	loop_after_round(on_round, &t);
	*state = &t;
	return 0;
}

static int teardown(void **state)
{
	struct trace *t = *state;

	for (int i = 0; i < 2; i++) {
		loop_unwatch(t->pipes[i][0]);
		(void)close(t->pipes[i][0]);
		(void)close(t->pipes[i][1]);
	}
	loop_close();
	return 0;
}

static void put(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void after_round_runs_once_for_all_ready(void **state)
{
	struct trace *t = *state;

	put(t->pipes[0][1], "a");
	put(t->pipes[1][1], "b!");
	assert_int_equal(loop_run(), 0);
	/* "ab." or "ba.", then the round of the '!' */
	t->text[0] = t->text[1] = 'x';
	assert_string_equal(t->text, "xx.!.");
}

static void after_round_runs_before_the_first_sleep(void **state)
{
	struct trace *t = *state;

	assert_int_equal(loop_timer(clock_now_ns() + 20 * NS_PER_MS, on_timer, t), 0);
	assert_int_equal(loop_run(), 0);
	assert_string_equal(t->text, ".t.");
}

static void unwatched_is_not_called(void **state)
{
	struct trace *t = *state;

	put(t->pipes[0][1], "uX");
	assert_int_equal(loop_timer(clock_now_ns() + 20 * NS_PER_MS, on_timer, t), 0);
	assert_int_equal(loop_run(), 0);
	assert_string_equal(t->text, "u.t.");
}

static void quiet_is_not_called_until_asked(void **state)
{
	struct trace *t = *state;

	put(t->pipes[0][1], "q!");
	assert_int_equal(loop_timer(clock_now_ns() + 20 * NS_PER_MS, on_timer, t), 0);
	assert_int_equal(loop_run(), 0);
	assert_string_equal(t->text, "q.t.");
	assert_int_equal(loop_watch(t->pipes[0][0], LOOP_READ, on_pipe, t), 0);
	assert_int_equal(loop_run(), 0);
	assert_string_equal(t->text, "q.t.!.");
}

static void timer_is_never_early(void **state)
{
	struct trace *t = *state;
	uint64_t deadline = clock_now_ns() + 15 * NS_PER_MS;

	assert_int_equal(loop_timer(UINT64_MAX - 1, on_timer, t), 0);
	assert_int_equal(loop_timer(deadline, on_timer, t), 0);
	assert_int_equal(loop_run(), 0);
	assert_true(t->fired_ns >= deadline);
}

static void timer_of_zero_fires_at_once_and_again(void **state)
{
	struct trace *t = *state;

	t->timers_left = 3;
	assert_int_equal(loop_timer(0, on_timer, t), 0);
	assert_int_equal(loop_run(), 0);
	t->text[0] = 't';
	assert_non_null(strstr(t->text, "t.t.t."));
}

static void stopped_timer_stays_silent(void **state)
{
	struct trace *t = *state;

	assert_int_equal(loop_timer(clock_now_ns() + NS_PER_MS, on_timer, t), 0);
	assert_int_equal(loop_timer(UINT64_MAX, on_timer, t), 0);
	(void)usleep(5000);
	put(t->pipes[0][1], "!");
	assert_int_equal(loop_run(), 0);
	assert_null(strchr(t->text, 't'));
}

static void signals_are_events(void **state)
{
	static const int numbers[] = { SIGUSR1, SIGUSR2 };
	struct trace *t = *state;

	assert_int_equal(loop_signals(numbers, COUNT_OF(numbers), on_signal, t), 0);
	assert_int_equal(raise(SIGUSR1), 0);
	assert_int_equal(raise(SIGUSR2), 0);
	assert_int_equal(loop_run(), 0);
	assert_string_equal(t->text, "12.");
}

static void too_many_descriptors_are_refused(void **state)
{
	assert_int_equal(loop_watch(256, LOOP_READ, on_pipe, *state), -EMFILE);
	loop_unwatch(256);
}

static void pipe_signal_is_ignored(void **state)
{
	struct sigaction now;

	(void)state;
	assert_int_equal(sigaction(SIGPIPE, NULL, &now), 0);
	assert_true(now.sa_handler == SIG_IGN);
}

#define LOOP_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOOP_TEST(after_round_runs_once_for_all_ready),
		LOOP_TEST(after_round_runs_before_the_first_sleep),
		LOOP_TEST(unwatched_is_not_called),
		LOOP_TEST(quiet_is_not_called_until_asked),
		LOOP_TEST(timer_is_never_early),
		LOOP_TEST(timer_of_zero_fires_at_once_and_again),
		LOOP_TEST(stopped_timer_stays_silent),
		LOOP_TEST(signals_are_events),
		LOOP_TEST(too_many_descriptors_are_refused),
		LOOP_TEST(pipe_signal_is_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
