/* SPDX-License-Identifier: Apache-2.0 */
/* The load's packets by one io_uring: multishot receive into a ring of buffers, and sends that need no completion. */
#include <errno.h>
#include <liburing.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "bench/load/fail.h"
#include "bench/load/options.h"
#include "bench/load/wire.h"

enum {
	BUFFERS = 16384,
	BUFFER_SIZE = LOAD_PACKET_MAX + 48,
	SQ_ENTRIES = 2048,
	REAP_MAX = 256,
	KIND_SEND = 1 << 30, /* user_data: endpoint, or this bit and endpoint */
};

struct load_ring {
	struct load_wire wire;
	struct io_uring ring;
	struct io_uring_buf_ring *buffers;
	uint8_t *memory;
};

/* Who hears of packets in this turn. */
struct hearer {
	load_receive *receive;
	void *context;
	uint64_t now_ns;
};

static struct load_ring *ring_of(struct load_wire *w)
{
	return (void *)w;
}

static struct io_uring_sqe *sqe_get(struct load_ring *r)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&r->ring);

	if (!sqe) {
		(void)io_uring_submit(&r->ring);
		sqe = io_uring_get_sqe(&r->ring);
	}
	if (!sqe)
		load_fail("no room to submit", EBUSY);
	return sqe;
}

/* ---- sending ---- */

/* MSG_DONTWAIT: it is sent or refused before submit returns, so the buffer is free again and only
 * refusals need a completion. */
static void ring_send(struct load_wire *w, uint32_t index, const uint8_t *p, size_t n)
{
	struct io_uring_sqe *sqe = sqe_get(ring_of(w));

	io_uring_prep_send(sqe, (int)index, p, n, MSG_DONTWAIT);
	sqe->flags |= IOSQE_FIXED_FILE | IOSQE_CQE_SKIP_SUCCESS;
	io_uring_sqe_set_data64(sqe, KIND_SEND | index);
}

/* ---- receiving ---- */

static void receive_arm(struct load_ring *r, uint32_t index)
{
	struct io_uring_sqe *sqe = sqe_get(r);

	io_uring_prep_recv_multishot(sqe, (int)index, NULL, 0, 0);
	sqe->flags |= IOSQE_BUFFER_SELECT | IOSQE_FIXED_FILE;
	sqe->buf_group = 0;
	io_uring_sqe_set_data64(sqe, index);
}

static void completion(struct load_ring *r, const struct io_uring_cqe *cqe, const struct hearer *to,
		       int *returned)
{
	uint32_t index = (uint32_t)cqe->user_data & (KIND_SEND - 1);

	if (cqe->user_data & KIND_SEND) {
		r->wire.send_errors++;
		return;
	}
	if (cqe->flags & IORING_CQE_F_BUFFER) {
		uint16_t id = (uint16_t)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
		uint8_t *p = r->memory + (size_t)id * BUFFER_SIZE;

		if (cqe->res >= 0)
			to->receive(to->context, index, p, (size_t)cqe->res, to->now_ns);
		io_uring_buf_ring_add(r->buffers, p, BUFFER_SIZE, id, BUFFERS - 1, (*returned)++);
	}
	if (cqe->res < 0)
		r->wire.receive_errors++;
	if (!(cqe->flags & IORING_CQE_F_MORE))
		receive_arm(r, index);
}

static void reap(struct load_ring *r, struct hearer *to)
{
	struct io_uring_cqe *cqes[REAP_MAX];
	unsigned n;

	while ((n = io_uring_peek_batch_cqe(&r->ring, cqes, REAP_MAX)) > 0) {
		int returned = 0;

		to->now_ns = clock_now_ns();
		for (unsigned i = 0; i < n; i++)
			completion(r, cqes[i], to, &returned);
		io_uring_buf_ring_advance(r->buffers, returned);
		io_uring_cq_advance(&r->ring, n);
	}
}

static void ring_turn(struct load_wire *w, uint64_t wait_ns, load_receive *receive, void *context)
{
	struct load_ring *r = ring_of(w);
	struct hearer to = { .receive = receive, .context = context };
	struct __kernel_timespec ts = { .tv_sec = (long long)(wait_ns / NS_PER_S),
					.tv_nsec = (long long)(wait_ns % NS_PER_S) };
	struct io_uring_cqe *cqe;

	(void)io_uring_submit_and_get_events(&r->ring);
	if (wait_ns > 0)
		(void)io_uring_wait_cqes(&r->ring, &cqe, BUFFERS, &ts, NULL);
	reap(r, &to);
}

/* ---- opening ---- */

static void buffers_open(struct load_ring *r)
{
	struct io_uring_buf_reg reg = { .ring_entries = BUFFERS };
	int err;

	if (posix_memalign((void **)&r->buffers, 4096, BUFFERS * sizeof(struct io_uring_buf)) ||
	    posix_memalign((void **)&r->memory, 4096, (size_t)BUFFERS * BUFFER_SIZE))
		load_fail("memory", ENOMEM);
	reg.ring_addr = (uintptr_t)r->buffers;
	err = io_uring_register_buf_ring(&r->ring, &reg, 0);
	if (err)
		load_fail("buffer ring", -err);
	io_uring_buf_ring_init(r->buffers);
	for (int i = 0; i < BUFFERS; i++)
		io_uring_buf_ring_add(r->buffers, r->memory + (size_t)i * BUFFER_SIZE, BUFFER_SIZE,
				      (unsigned short)i, BUFFERS - 1, i);
	io_uring_buf_ring_advance(r->buffers, BUFFERS);
}

static void files_open(struct load_ring *r, const int *fds, uint32_t count)
{
	int err = io_uring_register_files_sparse(&r->ring, count);

	for (uint32_t i = 0; !err && i < count; i++) {
		int n = io_uring_register_files_update(&r->ring, i, &fds[i], 1);

		err = n < 0 ? n : 0;
		receive_arm(r, i);
	}
	if (err)
		load_fail("register files", -err);
}

struct load_wire *load_ring_open(const int *fds, uint32_t count)
{
	static const struct load_wire_ops ops = { .send = ring_send, .turn = ring_turn };
	struct io_uring_params params = {
		.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
			 IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE,
		.cq_entries = BUFFERS * 2,
	};
	struct load_ring *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		load_fail("memory", ENOMEM);
	r->wire.ops = &ops;
	err = io_uring_queue_init_params(SQ_ENTRIES, &r->ring, &params);
	if (err)
		load_fail("io_uring", -err);
	buffers_open(r);
	files_open(r, fds, count);
	return &r->wire;
}
