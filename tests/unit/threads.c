/* SPDX-License-Identifier: Apache-2.0 */
/* Stands before pthread_create. ThreadSanitizer finds nothing in a test with one thread, so it runs the others alone: those of 'threads' in tests/meson.build. Another one
 * that starts a thread fails here, under every compiler. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#pragma GCC diagnostic ignored "-Wpragmas"
#pragma GCC diagnostic ignored "-Wunknown-warning-option"
#pragma GCC diagnostic ignored "-Wreserved-identifier"
#pragma GCC diagnostic ignored "-Wreserved-macro-identifier"

int __real_pthread_create(pthread_t *out, const pthread_attr_t *attributes, void *(*run)(void *),
			  void *arg);
int __wrap_pthread_create(pthread_t *out, const pthread_attr_t *attributes, void *(*run)(void *),
			  void *arg);

int __wrap_pthread_create(pthread_t *out, const pthread_attr_t *attributes, void *(*run)(void *),
			  void *arg)
{
	if (getenv("TANDEM_ONE_THREAD")) {
		(void)fprintf(stderr,
			      "it starts a thread: name it in 'threads' of tests/meson.build\n");
		abort();
	}
	return __real_pthread_create(out, attributes, run, arg);
}
