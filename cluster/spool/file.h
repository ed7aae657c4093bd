/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a spool: numbered segments in a folder, written one after the other, read and removed from the oldest on. What
 * a crash left is never appended to. Blocking calls, for the spool's own thread.
 */
#ifndef CLUSTER_SPOOL_FILE_H
#define CLUSTER_SPOOL_FILE_H

#include "base/bytes.h"

enum { SPOOL_SEGMENT_MAX = 1 << 20 }; /* a segment that has reached it is not written any further */

struct spool_file {
	int dir_fd;
	int fd;          /* of the segment being written; -1: none */
	uint64_t number; /* of the newest segment, 0: none yet */
	size_t size;     /* of the segment being written, as far as it is whole */
};

/* Makes dir (0700) if it is not there. 0 or -errno. */
int spool_file_open(struct spool_file *f, const char *dir) NODISCARD;
void spool_file_close(struct spool_file *f);
/* Appends; on an error nothing of it stays. On disk only after spool_file_sync. 0 or -errno. */
int spool_file_write(struct spool_file *f, struct bytes in) NODISCARD;
/* 0, or -errno: what was written since the last one may be lost. */
int spool_file_sync(struct spool_file *f) NODISCARD;
/* The oldest segment whole, to be freed by the caller; it is not written any further. 0, -ENOENT (none) or -errno. */
int spool_file_read(struct spool_file *f, uint64_t *number, uint8_t **out, size_t *n) NODISCARD;
/* Removes a segment for good, or (aside) renames it to NUMBER.broken for people to look at. 0 or -errno. */
int spool_file_remove(struct spool_file *f, uint64_t number, bool aside) NODISCARD;

#endif
