/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CDRs that wait on disk while Redis is away. The files belong to a thread of their own: a disk may
 * take seconds to sync, and the control thread does not wait. Entries that are queued during a sync
 * go to disk with the next, all at once. All functions are for the control thread, and so are the
 * answers.
 */
#ifndef CLUSTER_SPOOL_SPOOL_H
#define CLUSTER_SPOOL_SPOOL_H

#include "base/bytes.h"

/*
 * One CDR in a spool file. Files are read after crashes: their end may be torn, and behind a
 * damaged part the next entries are still found. Network order.
 *
 *    0        4        8        16     24       28
 *   +--------+--------+--------+------+--------+- - - - -
 *   | "TDC1" | length | number | call | CRC32C | fields (length bytes)
 *   +--------+--------+--------+------+--------+- - - - -
 *
 * The CRC is over the bytes before it and the fields.
 */

enum {
	SPOOL_ENTRY_HEAD = 28,
	SPOOL_FIELDS_MAX = 1 << 18,
};

struct spool_entry {
	uint64_t number; /* of the end of this call, unique within the shard */
	uint64_t call;
	struct bytes fields; /* cluster/record.h */
};

/* At most SPOOL_FIELDS_MAX bytes of fields. */
void spool_entry_write(struct writer *w, const struct spool_entry *entry);
/* Cuts the next entry off *rest: 1; 0: the end; -EBADMSG: bytes that are no entry were skipped, go
 * on; -ENODATA: the rest is the beginning of a torn entry (*rest is then empty). */
int spool_entry_next(struct bytes *rest, struct spool_entry *out) NODISCARD;

struct spool;

/* err: 0 (on disk for good) or -errno. */
typedef void spool_done_fn(int err, void *arg);
/* err: 0, -ENOENT (the spool is empty) or -errno. segment: valid during the call. */
typedef void spool_segment_fn(int err, uint64_t number, struct bytes segment, void *arg);

/* The loop must be open. 0 or -errno. */
int spool_open(struct spool **out, const char *dir) NODISCARD;
/* Finishes and answers all that was asked for. May wait for the disk. */
void spool_close(struct spool *sp);
/* The entry is copied. */
void spool_append(struct spool *sp, const struct spool_entry *entry, spool_done_fn *fn, void *arg);
/* The oldest segment. */
void spool_read(struct spool *sp, spool_segment_fn *fn, void *arg);
/* That segment is settled. aside: part of it was damaged, so it stays for people to look at. */
void spool_remove(struct spool *sp, uint64_t number, bool aside, spool_done_fn *fn, void *arg);
/* No CDR waits, on disk or on its way there. */
bool spool_is_empty(const struct spool *sp);
/* No waiting entry has a lower number; UINT64_MAX when it is empty. */
uint64_t spool_lowest(const struct spool *sp);

/* The files of a spool: numbered segments in a folder, written one after the other, read and
 * removed from the oldest on. A segment that a crash left is never appended to. Blocking calls, for
 * the spool's own thread. */

enum { SPOOL_SEGMENT_MAX = 1 << 20 }; /* a larger segment gets no more entries */

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
/* Reads the oldest segment whole, which the caller frees; it gets no more entries. 0, -ENOENT
 * (none) or -errno. */
int spool_file_read(struct spool_file *f, uint64_t *number, uint8_t **out, size_t *n) NODISCARD;
/* Removes a segment, or (aside) renames it to NUMBER.broken for people to look at. 0 or -errno. */
int spool_file_remove(struct spool_file *f, uint64_t number, bool aside) NODISCARD;

#endif
