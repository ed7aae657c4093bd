/* SPDX-License-Identifier: Apache-2.0 */
/* Threads beside the one that has the signals. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>

#include "base/compiler.h"

/* All signals stay blocked in it, and with the caller as they were. name: 15 characters at most. 0 or -errno. */
int thread_spawn(pthread_t *out, const char *name, void *(*run)(void *), void *arg) NODISCARD;

#endif
