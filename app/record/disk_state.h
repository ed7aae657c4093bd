/* SPDX-License-Identifier: Apache-2.0 */
/* What app/record/disk*.c share. */
#ifndef APP_RECORD_DISK_STATE_H
#define APP_RECORD_DISK_STATE_H

#include "app/record/disk.h"
#include "app/record/disk_op.h"

/* ---- disk_room.c ---- */
void disk_chunk_free(struct disk *d, struct disk_file *f, struct disk_chunk *c);
/* The first chunk is written, or given up. */
void disk_head_drop(struct disk *d, struct disk_file *f);

/* ---- disk_step.c ---- */
/* What comes next for the file. False: nothing, for now. */
bool disk_step_next(struct disk_file *f, struct disk_op *op);
/* What the kernel said of it. */
void disk_step_done(struct disk *d, struct disk_file *f, int result, uint64_t now_ns);

#endif
