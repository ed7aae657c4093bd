/* SPDX-License-Identifier: Apache-2.0 */
/* Starts threads other than the main one, which handles the signals. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>

#include "base/compiler.h"

/* All signals are blocked in the new thread; the caller's mask is unchanged. name: at most 15
 * characters. Returns 0 or -errno. */
int thread_spawn(pthread_t *out, const char *name, void *(*run)(void *), void *arg) NODISCARD;

#endif
