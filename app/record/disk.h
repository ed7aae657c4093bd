/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that grow, written so that nobody waits for the disk: by io_uring, or by plain calls where
 * a kernel or a container has none. Each file has at most one operation under way, so writes are in
 * order. Pending octets are in chunks of one pool, bounded for a file and in all. A full disk is
 * tried again each second; one that hangs is waited for.
 *
 * Octets without room are dropped, and their range of a WAV file becomes silence (disk_hole): a
 * hole of zeros would be a bang. One thread.
 */
#ifndef APP_RECORD_DISK_H
#define APP_RECORD_DISK_H

#include <liburing.h>

#include "base/bytes.h"

enum {
	DISK_CHUNK = 16 * 1024,
	DISK_FILE_CHUNKS = 64, /* of one file, waiting */
	DISK_PATH_MAX = 768,
	DISK_HEAD_MAX = 128,
	DISK_HOLES = 2,
	DISK_RETRY_S = 1,
	/* a file that has ended is given up when the disk has refused it for so long */
	DISK_PATIENCE_S = 30,
};

struct disk_chunk {
	struct disk_chunk *next;
	uint8_t *octets; /* NULL: a hole, filled with the file's silence */
	uint64_t offset, n, done;
};

enum disk_state {
	DISK_MAKING, /* its folders and the file */
	/* Facts of its sidecar, in case that this process is killed. */
	DISK_EARLY_OPENS,
	DISK_EARLY_WRITES,
	DISK_EARLY_CLOSES,
	DISK_GROWS,
	/* Ended: the head is rewritten, then all is synced, then the sidecar is written. */
	DISK_HEADS,
	DISK_SYNCS,
	DISK_SIDECAR_OPENS,
	DISK_SIDECAR_WRITES,
	DISK_SIDECAR_SYNCS,
	DISK_SIDECAR_CLOSES,
	DISK_RENAMES,
	DISK_CLOSES,
	DISK_DONE, /* error: 0, or why it is missing or incomplete */
};

struct disk_file {
	struct disk_file *next; /* of all files; the disk's */
	enum disk_state state;
	int error;
	int fd, sidecar_fd;
	bool busy;       /* an operation is under way */
	bool ends;       /* nothing is added any more */
	bool made;       /* the file is there */
	bool taken;      /* its name exists: it waits for another one (disk_file_name) */
	uint8_t folders; /* that were made, of two */
	uint8_t hole_count;
	uint8_t silence;
	uint32_t chunks;
	uint64_t octets;     /* end of all that was written or waits */
	uint64_t retry_ns;   /* 0: at once */
	uint64_t refused_ns; /* since when the disk refuses; 0: it accepts */
	uint64_t begun_ns;   /* of the operation under way */
	struct disk_chunk *head, *tail;
	struct disk_chunk holes[DISK_HOLES];
	char path[DISK_PATH_MAX];
	char sidecar_path[DISK_PATH_MAX],
		other[DISK_PATH_MAX]; /* PATH.json, and a path under way */
	uint8_t head_octets[DISK_HEAD_MAX];
	uint32_t head_n;
	char *early, *later; /* malloc'ed, or NULL; later soon replaces early */
	size_t early_n, later_n;
	char *sidecar; /* malloc'ed */
	size_t sidecar_n, sidecar_done;
};

struct disk_counts {
	uint64_t written;    /* octets */
	uint64_t errors;     /* operations that were refused, tried again or not */
	uint32_t files;      /* files that are not done */
	uint32_t chunks;     /* that wait, of all */
	uint64_t longest_ns; /* longest operation under way at the last poll */
	int error;           /* the last refusal until it is cured; 0: none */
};

struct disk {
	struct io_uring ring;
	bool plain; /* no io_uring here */
	struct disk_file *files;
	struct disk_chunk *chunks; /* owned */
	struct disk_chunk *free;
	uint8_t *memory; /* owned, mapped */
	size_t memory_n;
	uint32_t chunk_count, free_count;
	struct disk_counts counts;
};

/* 0 or -errno. */
int disk_open(struct disk *d, uint32_t memory_mib) NODISCARD;
/* Nothing is under way any more, or the process ends. */
void disk_close(struct disk *d);
/* Creates the file, mode 0600, which must not exist; its last two folders with mode 0700. f:
 * zeroed, stays in place until DISK_DONE. */
void disk_file_start(struct disk *d, struct disk_file *f, const char *path, uint8_t silence);
/* PATH.json.new gets this text until the sidecar replaces it. early: malloc'ed, becomes the file's.
 * Not synced, and the file goes on without it if that fails. */
void disk_file_early(struct disk_file *f, char *early, size_t n);
/* The last of these; empty: there was none. */
struct bytes disk_file_facts(const struct disk_file *f);
/* Another name, if a file of the former one exists. */
void disk_file_name(struct disk_file *f, const char *path);
/* Takes all of it, or returns false: no room, and nothing has changed. */
bool disk_file_write(struct disk *d, struct disk_file *f, uint64_t offset, struct bytes octets);
/* Makes [offset, offset + n) silence, perhaps also pending octets. Returns where silence begins. */
uint64_t disk_file_hole(struct disk *d, struct disk_file *f, uint64_t offset, uint64_t n);
/* head: in the place of the first octets; sidecar: malloc'ed, becomes the file's. */
void disk_file_end(struct disk *d, struct disk_file *f, struct bytes head, char *sidecar,
		   size_t sidecar_n);
/* Takes what is done, and goes on with the rest. Waits for nothing. */
void disk_poll(struct disk *d, uint64_t now_ns);

#endif
