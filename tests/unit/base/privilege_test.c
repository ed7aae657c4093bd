/* SPDX-License-Identifier: Apache-2.0 */
/* Privileges are a thread's own, and these tests have some only as root: each runs in a child that loses them. */
#include "tests/unit/test.h"

#include <semaphore.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/privilege.h"
#include "base/thread.h"

enum { CHILD_FINE = 0, CHILD_FAILED = 1 };

static sem_t g_go, g_gone, g_end;

/* One that was started before the others gave anything up, and is told to when. */
static void *old_thread(void *arg)
{
	(void)arg;
	(void)sem_wait(&g_go);
	privilege_drop();
	(void)sem_post(&g_gone);
	(void)sem_wait(&g_end);
	return NULL;
}

static void *new_thread(void *arg)
{
	char names[8];

	*(uint32_t *)arg = privilege_holders(names, sizeof(names));
	return NULL;
}

#define MUST(cond)                                                         \
	do {                                                               \
		if (!(cond)) {                                             \
			(void)fprintf(stderr, "# child: not %s\n", #cond); \
			_exit(CHILD_FAILED);                               \
		}                                                          \
	} while (0)

static void drop_in_child(void)
{
	char names[64], little[3];
	uint32_t all, seen = UINT32_MAX; /* a sanitizer may have threads of its own */
	pthread_t old, new;

	MUST(sem_init(&g_go, 0, 0) == 0 && sem_init(&g_gone, 0, 0) == 0 &&
	     sem_init(&g_end, 0, 0) == 0);
	MUST(thread_spawn(&old, "old", old_thread, NULL) == 0);
	all = privilege_holders(names, sizeof(names));
	MUST(all >= 2);
	privilege_drop();
	MUST(privilege_holders(names, sizeof(names)) == all - 1);
	MUST(strstr(names, "old") != NULL);
	MUST(privilege_holders(little, sizeof(little)) == all - 1);
	MUST(strlen(little) == sizeof(little) - 1);
	(void)sem_post(&g_go);
	(void)sem_wait(&g_gone);
	MUST(privilege_holders(names, sizeof(names)) == all - 2);
	MUST(strstr(names, "old") == NULL);
	MUST(thread_spawn(&new, "new", new_thread, &seen) == 0);
	MUST(pthread_join(new, NULL) == 0);
	MUST(seen == all - 2);
	(void)sem_post(&g_end);
	MUST(pthread_join(old, NULL) == 0);
	_exit(CHILD_FINE);
}

static void given_up_thread_by_thread(void **state)
{
	char names[64];
	int status;
	pid_t pid;

	(void)state;
	if (privilege_holders(names, sizeof(names)) == 0) {
		print_message("# skipped: there is no privilege to give up\n");
		skip();
	}
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		drop_in_child();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), CHILD_FINE);
	assert_true(privilege_holders(names, sizeof(names)) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(given_up_thread_by_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
