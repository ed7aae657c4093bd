/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One io_uring with a ring of provided buffers: what port_uring.c needs of it. Used by one thread, the one that
 * opened it. Needs Linux 6.1 (IORING_SETUP_DEFER_TASKRUN: completions are made inside our own wait, not by
 * interrupting us; without it a relayed packet costs 30 % more CPU).
 */
#ifndef ENGINE_PORT_URING_H
#define ENGINE_PORT_URING_H

#include <liburing.h>

#include "engine/port/port.h"

enum { URING_ENTRIES = 1024, URING_BUFFER_GROUP = 0, URING_OWN = 256 };

struct uring {
	struct io_uring ring;
	struct port *port; /* whose sends are dropped where it is late */
	struct io_uring_buf_ring *buffers;
	uint8_t *memory;
	uint32_t buffer_size;
	uint32_t buffer_count; /* a power of two */
	/* Buffers for packets that are made here follow those that the kernel is given. */
	uint16_t own_free[URING_OWN];
	uint32_t own_free_count;
	uint16_t *
		spent; /* buffers that go back, to the kernel or among the free ones, after the next submit */
	uint32_t spent_count;
	uint32_t submitted; /* entries ever taken */
};

/* files: size of the sparse table of registered files. 0, -ENOSYS (no such io_uring here) or -errno. */
int uring_open(struct uring *u, struct port *port, uint32_t buffer_count, uint32_t buffer_size,
	       uint32_t files) NODISCARD;
void uring_close(struct uring *u);
/* An entry to fill in, submitting earlier ones to make room. NULL: the kernel takes nothing now. *index, if asked for, is
 * different from that of every other entry not yet submitted, and below URING_ENTRIES. */
struct io_uring_sqe *uring_sqe(struct uring *u, uint32_t *index);
/* Hands all entries to the kernel in one call, and then the spent buffers. Where the port is late for its sends they are none. */
void uring_submit(struct uring *u);
/* A buffer of our own. False: all are in use, also after a submit. */
bool uring_lend(struct uring *u, uint16_t *buffer);
/* The buffer is not used any more once what is queued now was submitted. */
void uring_spend(struct uring *u, uint16_t buffer);
uint8_t *uring_buffer(const struct uring *u, uint16_t buffer);
/* Until `want` completions are there or wait_ns passed; 0: only fetches what is there. */
void uring_wait(struct uring *u, uint32_t want, uint64_t wait_ns);

#endif
