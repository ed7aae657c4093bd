/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a process stays in the kernel when it has ended, as somebody else has duplicates of the descriptors (docs/adr/0064). A word of the
 * process says what they are: nobody else reads it but the next process.
 */
#ifndef BASE_REMAINS_H
#define BASE_REMAINS_H

#include "base/bytes.h"

enum { REMAINS_FDS_MAX = 24, REMAINS_WORD_MAX = 256 };

struct remains {
	uint32_t fd_count; /* 0: there are none */
	uint32_t word_n;
	int fds[REMAINS_FDS_MAX]; /* -1: taken by somebody */
	uint8_t word[REMAINS_WORD_MAX];
};

/* Closes them. */
void remains_close(struct remains *r);

#endif
