/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CDRs that wait on disk while Redis is away. The files belong to a thread of their own: a disk may take seconds to sync,
 * and the control thread does not wait. What is queued while it syncs goes to disk with the next sync, all at once. All
 * functions are for the control thread, and so are the answers.
 */
#ifndef CLUSTER_SPOOL_SPOOL_H
#define CLUSTER_SPOOL_SPOOL_H

#include "cluster/spool/entry.h"

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
/* That segment is settled. aside: something in it was damaged, so it is kept for people to look at. */
void spool_remove(struct spool *sp, uint64_t number, bool aside, spool_done_fn *fn, void *arg);
/* No CDR waits, on disk or on its way there. */
bool spool_is_empty(const struct spool *sp);
/* No waiting entry has a lower number; UINT64_MAX when it is empty. */
uint64_t spool_lowest(const struct spool *sp);

#endif
