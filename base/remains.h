/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stays in the kernel after a process has ended, because another process holds duplicates of
 * its descriptors (docs/adr/0064). The word of the process describes them, and only its successor
 * reads it.
 */
#ifndef BASE_REMAINS_H
#define BASE_REMAINS_H

#include "base/bytes.h"

enum { REMAINS_FDS_MAX = 24, REMAINS_WORD_MAX = 256 };

struct remains {
	uint32_t fd_count; /* 0: no descriptors */
	uint32_t word_n;
	int fds[REMAINS_FDS_MAX]; /* -1: taken over */
	uint8_t word[REMAINS_WORD_MAX];
};

/* Closes them. */
void remains_close(struct remains *r);

#endif
