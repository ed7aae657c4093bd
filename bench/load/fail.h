/* SPDX-License-Identifier: Apache-2.0 */
/* A load that cannot go on says why on stderr, and ends the process with status 1. */
#ifndef BENCH_LOAD_FAIL_H
#define BENCH_LOAD_FAIL_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* err: an errno. */
_Noreturn static inline void load_fail(const char *what, int err)
{
	(void)fprintf(stderr, "rtpload: %s: %s\n", what, strerror(err));
	exit(1);
}

#endif
