/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts a named thread with all signals blocked, so that only the main thread's signalfd gets
 * them. Worker threads, recorders, sounds and stores are started by it. The caller's own signal
 * mask is restored afterwards.
 */

#include "base/thread.h"

#include <signal.h>

int thread_spawn(pthread_t *out, const char *name, void *(*run)(void *), void *arg)
{
	sigset_t all, before;
	int err;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	err = -pthread_create(out, NULL, run, arg);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!err)
		(void)pthread_setname_np(*out, name);
	return err;
}
