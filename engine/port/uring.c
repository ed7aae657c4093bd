/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/port/uring.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

/* All the ways in which a kernel, its settings or a container say "no io_uring here". */
static int uring_refusal(int err)
{
	return err == -EPERM || err == -EACCES || err == -EINVAL || err == -ENOSYS ? -ENOSYS : err;
}

static void *pages_take(size_t n)
{
	void *p;

	return posix_memalign(&p, (size_t)sysconf(_SC_PAGESIZE), n) == 0 ? p : NULL;
}

static int buffers_open(struct uring *u)
{
	struct io_uring_buf_reg reg = { .ring_entries = u->buffer_count,
					.bgid = URING_BUFFER_GROUP };
	int err;

	u->buffers = pages_take(u->buffer_count * sizeof(struct io_uring_buf));
	u->memory = pages_take((size_t)(u->buffer_count + URING_OWN) * u->buffer_size);
	u->spent = calloc(u->buffer_count + URING_OWN, sizeof(*u->spent));
	if (!u->buffers || !u->memory || !u->spent)
		return -ENOMEM;
	reg.ring_addr = (uintptr_t)u->buffers;
	err = uring_refusal(io_uring_register_buf_ring(&u->ring, &reg, 0));
	if (err)
		return err;
	io_uring_buf_ring_init(u->buffers);
	for (uint32_t i = 0; i < u->buffer_count + URING_OWN; i++)
		uring_spend(u, (uint16_t)i);
	uring_submit(u);
	return 0;
}

int uring_open(struct uring *u, struct port *port, uint32_t buffer_count, uint32_t buffer_size,
	       uint32_t files)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
			 IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
		/* each packet holds a buffer, each socket's receive may end once, and the rest is refused sends;
		 * the kernel wants at least as many as there are submission entries */
		.cq_entries = buffer_count + files + URING_ENTRIES,
	};
	int err;

	assert(buffer_count <= 1U << 14 && (buffer_count & (buffer_count - 1)) == 0);
	*u = (struct uring){ .port = port,
			     .buffer_count = buffer_count,
			     .buffer_size = buffer_size };
	err = uring_refusal(io_uring_queue_init_params(URING_ENTRIES, &u->ring, &params));
	if (err)
		return err;
	err = buffers_open(u);
	if (!err)
		err = io_uring_register_files_sparse(&u->ring, files);
	if (err)
		uring_close(u);
	return err;
}

void uring_close(struct uring *u)
{
	io_uring_queue_exit(&u->ring);
	free(u->buffers);
	free(u->memory);
	free(u->spent);
}

struct io_uring_sqe *uring_sqe(struct uring *u, uint32_t *index)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);

	if (UNLIKELY(!sqe)) {
		uring_submit(u);
		sqe = io_uring_get_sqe(&u->ring);
	}
	if (!sqe)
		return NULL;
	/* consecutive, and at most URING_ENTRIES of them wait: so they differ */
	if (index)
		*index = u->submitted % URING_ENTRIES;
	u->submitted++;
	return sqe;
}

static void spent_give_back(struct uring *u)
{
	int n = 0;

	for (uint32_t i = 0; i < u->spent_count; i++) {
		uint16_t buffer = u->spent[i];

		if (UNLIKELY(buffer >= u->buffer_count))
			u->own_free[u->own_free_count++] = buffer;
		else
			io_uring_buf_ring_add(u->buffers, uring_buffer(u, buffer), u->buffer_size,
					      buffer, (int)u->buffer_count - 1, n++);
	}
	io_uring_buf_ring_advance(u->buffers, n);
	u->spent_count = 0;
}

/* Entries that the kernel has not taken yet are ours to change, also those that it was shown already. */
static NOINLINE void sends_withhold(struct uring *u)
{
	const struct io_uring_sq *sq = &u->ring.sq;

	for (unsigned i = *sq->khead; i != sq->sqe_tail; i++) {
		struct io_uring_sqe *sqe = &sq->sqes[i & sq->ring_mask];

		if (sqe->opcode != IORING_OP_SEND && sqe->opcode != IORING_OP_SENDMSG)
			continue;
		io_uring_prep_nop(sqe);
		sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
		u->port->withheld++;
	}
}

void uring_submit(struct uring *u)
{
	while (io_uring_sq_ready(&u->ring) > 0) {
		int n;

		if (port_is_late(u->port))
			sends_withhold(u);
		n = io_uring_submit(&u->ring);
		if (n < 0 && n != -EINTR)
			return; /* completions must be reaped first, or no memory: next time */
	}
	u->port->until_ns = 0;
	spent_give_back(u);
}

bool uring_lend(struct uring *u, uint16_t *buffer)
{
	if (u->own_free_count == 0)
		uring_submit(u);
	if (u->own_free_count == 0)
		return false;
	*buffer = u->own_free[--u->own_free_count];
	return true;
}

void uring_spend(struct uring *u, uint16_t buffer)
{
	assert(u->spent_count < u->buffer_count + URING_OWN);
	u->spent[u->spent_count++] = buffer;
}

uint8_t *uring_buffer(const struct uring *u, uint16_t buffer)
{
	return u->memory + (size_t)buffer * u->buffer_size;
}

/* Straight to the kernel: liburing 2.3 waits a second time where the first wait ended with fewer than wanted. */
void uring_wait(struct uring *u, uint32_t want, uint64_t wait_ns)
{
	struct __kernel_timespec ts = { .tv_sec = (long long)(wait_ns / NS_PER_S),
					.tv_nsec = (long long)(wait_ns % NS_PER_S) };
	struct io_uring_getevents_arg arg = { .ts = (uintptr_t)&ts };

	(void)io_uring_enter2((unsigned)u->ring.ring_fd, 0, wait_ns ? want : 0,
			      IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, (sigset_t *)&arg,
			      sizeof(arg));
}
