/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <semaphore.h>
#include <signal.h>

#include "base/thread.h"

struct seen {
	sem_t named;
	sigset_t blocked;
	char name[16];
};

static void *look(void *arg)
{
	struct seen *seen = arg;

	(void)pthread_sigmask(SIG_SETMASK, NULL, &seen->blocked);
	while (sem_wait(&seen->named) != 0)
		continue;
	return NULL;
}

static void signals_stay_with_the_caller(void **state)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGUSR1 };
	struct seen seen = { 0 };
	sigset_t before, after;
	pthread_t thread;

	(void)state;
	(void)sigemptyset(&before);
	(void)sigaddset(&before, SIGUSR2);
	assert_int_equal(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
	assert_int_equal(sem_init(&seen.named, 0, 0), 0);
	assert_int_equal(thread_spawn(&thread, "a-thread", look, &seen), 0);
	assert_int_equal(pthread_getname_np(thread, seen.name, sizeof(seen.name)), 0);
	assert_int_equal(sem_post(&seen.named), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &after), 0);
	assert_string_equal(seen.name, "a-thread");
	for (size_t i = 0; i < COUNT_OF(signals); i++) {
		assert_true(sigismember(&seen.blocked, signals[i]));
		assert_false(sigismember(&after, signals[i]));
	}
	assert_true(sigismember(&after, SIGUSR2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signals_stay_with_the_caller),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
