/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The default port: kernel UDP sockets on one io_uring per worker, with multishot receives into
 * provided buffers and the sends of a batch in one system call. It has the ring, packets in and
 * out, and the sockets of flows. Needs Linux 6.1; port_open.c falls back to epoll where io_uring is
 * forbidden.
 */

#include <assert.h>
#include <errno.h>
#include <liburing.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/net/host_udp.h"
#include "engine/port/port.h"

/* One io_uring with a ring of provided buffers: what the port needs of it. Used by the thread that
 * opened it. Needs Linux 6.1 (IORING_SETUP_DEFER_TASKRUN: completions run inside our own wait,
 * instead of interrupting us; without it a relayed packet costs 30 % more CPU). */

enum { URING_ENTRIES = 1024, URING_BUFFER_GROUP = 0, URING_OWN = 256 };

struct uring {
	struct io_uring ring;
	struct port *port; /* its sends are dropped when late */
	struct io_uring_buf_ring *buffers;
	uint8_t *memory;
	uint32_t buffer_size;
	uint32_t buffer_count; /* a power of two */
	/* Buffers for packets that are made here follow those that the kernel is given. */
	uint16_t own_free[URING_OWN];
	uint32_t own_free_count;
	/* buffers that go back, to the kernel or among the free ones, after the next submit */
	uint16_t *spent;
	uint32_t spent_count;
	uint32_t submitted; /* entries ever taken */
};

enum {
	/* a buffer: io_uring_recvmsg_out, then the source address, then the payload */
	URING_NAME_ROOM = (sizeof(struct sockaddr_in6) + 7) / 8 * 8,
	URING_BUFFER_HEAD = sizeof(struct io_uring_recvmsg_out) + URING_NAME_ROOM,
	URING_BUFFER_SIZE = 2112, /* 33 cache lines */
};

static_assert(URING_BUFFER_SIZE - URING_BUFFER_HEAD - PORT_STAMP_ROOM >= PACKET_MAX,
	      "a packet fits its buffer");

enum uring_op { OP_IGNORE, OP_WAKE, OP_RECEIVE, OP_RECEIVE_STAMPED, OP_SEND };

/* Sockets are numbered slot * CHANNELS + channel. */
struct uring_slot {
	int fd[CHANNELS];
	struct addr connected; /* the RTP socket to this party; ADDR_NONE: not connected */
	uint32_t files;        /* where they are registered: files * CHANNELS + channel */
	uint16_t use; /* changes with each flow_add: identifies completions of a former use */
	uint8_t in_use;
	uint8_t stamped; /* the RTP socket */
	uint8_t dscp;    /* with over */
	int error;       /* the fault, until it was fetched */
	uint32_t over;   /* slot + 1 of the sending sockets; 0: its own */
	uint32_t icmp_errors;
};

struct uring_port {
	struct port port;
	struct uring uring;
	struct msghdr receive;         /* template: the room for the name */
	struct msghdr receive_stamped; /* and for the stamp, between name and payload */
	struct port_ages ages;
	struct uring_slot *slots;
	uint32_t slot_count;
	/* The table of files may be shorter than that of slots: the limit of descriptors bounds
	 * it. */
	uint32_t *free_files;
	uint32_t free_count;
	int wake_fd;
	bool wake_armed;
	uint32_t *deaf; /* sockets that need a new receive */
	uint32_t deaf_count;
	uint32_t fault_count;
	uint64_t send_errors;
	struct sockaddr_storage targets[URING_ENTRIES]; /* of the sends not yet submitted */
	struct port_mark marks[URING_ENTRIES];
	int added[URING_ENTRIES][CHANNELS]; /* of the files not yet registered */
};

static inline struct uring_port *uring_of(struct port *p)
{
	return CONTAINER_OF(p, struct uring_port, port);
}

/* user_data of a request. */
static inline uint64_t uring_tag(enum uring_op op, uint16_t use, uint32_t socket)
{
	return (uint64_t)op << 56 | (uint64_t)use << 32 | socket;
}

/* The ways in which a kernel, its settings or a container refuse io_uring. */
static int uring_refusal(int err)
{
	return err == -EPERM || err == -EACCES || err == -EINVAL || err == -ENOSYS ? -ENOSYS : err;
}

static void *pages_alloc(size_t n)
{
	void *p;

	return posix_memalign(&p, (size_t)sysconf(_SC_PAGESIZE), n) == 0 ? p : NULL;
}

/* Entries that the kernel has not taken yet may still be changed, also those already visible to
 * it. */
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

static uint8_t *uring_buffer(const struct uring *u, uint16_t buffer)
{
	return u->memory + (size_t)buffer * u->buffer_size;
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

/* Submits all entries in one call, and then the used buffers. Sends of a late port become
 * no-ops. */
static void uring_submit(struct uring *u)
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

/* The buffer is not used any more once what is queued now was submitted. */
static void uring_spend(struct uring *u, uint16_t buffer)
{
	assert(u->spent_count < u->buffer_count + URING_OWN);
	u->spent[u->spent_count++] = buffer;
}

static int buffers_open(struct uring *u)
{
	struct io_uring_buf_reg reg = { .ring_entries = u->buffer_count,
					.bgid = URING_BUFFER_GROUP };
	int err;

	u->buffers = pages_alloc(u->buffer_count * sizeof(struct io_uring_buf));
	u->memory = pages_alloc((size_t)(u->buffer_count + URING_OWN) * u->buffer_size);
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

static void uring_close(struct uring *u)
{
	io_uring_queue_exit(&u->ring);
	free(u->buffers);
	free(u->memory);
	free(u->spent);
}

/* files: size of the sparse table of registered files. 0, -ENOSYS (no such io_uring) or -errno. */
static int uring_open(struct uring *u, struct port *port, uint32_t buffer_count,
		      uint32_t buffer_size, uint32_t files)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
			 IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
		/* each packet holds a buffer, each socket's receive may end once, the rest are
		 * refused sends; the kernel wants at least as many as submission entries */
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

/* An entry to fill in, submitting earlier ones to make room. NULL: the kernel takes nothing now.
 * *index, if not NULL, is unique among unsubmitted entries, and below URING_ENTRIES. */
static struct io_uring_sqe *uring_sqe(struct uring *u, uint32_t *index)
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

/* A buffer of our own. False: all are in use, also after a submit. */
static bool uring_lend(struct uring *u, uint16_t *buffer)
{
	if (u->own_free_count == 0)
		uring_submit(u);
	if (u->own_free_count == 0)
		return false;
	*buffer = u->own_free[--u->own_free_count];
	return true;
}

/* Straight to the kernel: liburing 2.3 waits again if the first wait ended with too few. */
/* Until `want` completions are there or wait_ns passed; 0: only fetches what is there. */
static void uring_wait(struct uring *u, uint32_t want, uint64_t wait_ns)
{
	struct __kernel_timespec ts = { .tv_sec = (long long)(wait_ns / NS_PER_S),
					.tv_nsec = (long long)(wait_ns % NS_PER_S) };
	struct io_uring_getevents_arg arg = { .ts = (uintptr_t)&ts };

	(void)io_uring_enter2((unsigned)u->ring.ring_fd, 0, wait_ns ? want : 0,
			      IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, (sigset_t *)&arg,
			      sizeof(arg));
}

/*
 * Multishot receives into provided buffers; the sends of a batch, over all sockets, in one system
 * call.
 *
 * A send carries MSG_DONTWAIT: it is done or refused before the submit returns, so its buffer may
 * return to the kernel right afterwards, and only refusals need a completion
 * (IOSQE_CQE_SKIP_SUCCESS). Sockets are registered files. CPU of a packet saved, bench/relay with
 * 500 calls on loopback: registered files 9 %, skipped completions 4 %, send instead of sendmsg 10
 * %, connected sockets 6 %.
 */

static int file_of(const struct uring_port *u, uint32_t socket)
{
	return (int)(u->slots[socket / CHANNELS].files * CHANNELS + socket % CHANNELS);
}

/* ---- receive ---- */

static enum uring_op receive_op(const struct uring_slot *s, uint32_t channel)
{
	return s->stamped && channel == CHANNEL_RTP ? OP_RECEIVE_STAMPED : OP_RECEIVE;
}

static bool receive_arm(struct uring_port *u, uint32_t socket)
{
	const struct uring_slot *s = &u->slots[socket / CHANNELS];
	enum uring_op op = receive_op(s, socket % CHANNELS);
	struct io_uring_sqe *sqe;

	if (!s->in_use || s->fd[socket % CHANNELS] < 0)
		return true;
	sqe = uring_sqe(&u->uring, NULL);
	if (!sqe)
		return false;
	io_uring_prep_recvmsg_multishot(sqe, file_of(u, socket),
					op == OP_RECEIVE ? &u->receive : &u->receive_stamped, 0);
	sqe->flags |= IOSQE_BUFFER_SELECT | IOSQE_FIXED_FILE;
	sqe->buf_group = URING_BUFFER_GROUP;
	io_uring_sqe_set_data64(sqe, uring_tag(op, s->use, socket));
	return true;
}

static void wake_arm(struct uring_port *u)
{
	struct io_uring_sqe *sqe;

	if (u->wake_armed || u->wake_fd < 0 || !(sqe = uring_sqe(&u->uring, NULL)))
		return;
	io_uring_prep_poll_multishot(sqe, u->wake_fd, POLLIN);
	io_uring_sqe_set_data64(sqe, uring_tag(OP_WAKE, 0, 0));
	u->wake_armed = true;
}

static void arm_all(struct uring_port *u)
{
	wake_arm(u);
	while (u->deaf_count > 0 && receive_arm(u, u->deaf[u->deaf_count - 1]))
		u->deaf_count--;
}

/* Before the socket is armed again: while errors wait it counts as readable. */
static void icmp_note(struct uring_port *u, uint32_t socket)
{
	struct uring_slot *s = &u->slots[socket / CHANNELS];

	if (s->in_use && s->fd[socket % CHANNELS] >= 0)
		s->icmp_errors += icmp_read(s->fd[socket % CHANNELS], &u->port.too_long);
}

/*
 * A multishot receive also ends on an ICMP error and when the buffers ran out: the socket is
 * deaf until armed again. What only a broken descriptor answers is a fault.
 */
static void receive_ended(struct uring_port *u, uint32_t socket, int res)
{
	struct uring_slot *s = &u->slots[socket / CHANNELS];

	if (icmp_is(res))
		icmp_note(u, socket);
	if (res == -EBADF || res == -ENOTSOCK || res == -EINVAL) {
		u->fault_count += s->error == 0;
		s->error = res;
		return;
	}
	assert(u->deaf_count < u->slot_count * CHANNELS);
	u->deaf[u->deaf_count++] = socket;
}

static ALWAYS_INLINE bool pkt_fill(struct uring_port *u, struct pkt *p, uint16_t buffer, int res,
				   uint32_t stamp_room)
{
	uint8_t *base = uring_buffer(&u->uring, buffer);
	const struct io_uring_recvmsg_out *out = (const void *)base;
	uint32_t head = URING_BUFFER_HEAD + stamp_room;

	if (res < (int)head)
		return false;
	p->data = base + head;
	p->length = (uint16_t)(res - (int)head);
	p->buffer = buffer;
	p->tail_known = 0;
	p->age_us = 0;
	p->verdict = out->flags & MSG_TRUNC ? VERDICT_TRUNCATED : VERDICT_NONE;
	return addr_from_sockaddr(&p->from, (const void *)(out + 1)) == 0;
}

static bool pkt_fill_stamped(struct uring_port *u, struct pkt *p, uint16_t buffer, int res,
			     uint64_t batch_ns)
{
	const struct io_uring_recvmsg_out *out = (const void *)uring_buffer(&u->uring, buffer);
	struct msghdr control = { 0 };

	if (!pkt_fill(u, p, buffer, res, PORT_STAMP_ROOM))
		return false;
	control.msg_control = p->data - PORT_STAMP_ROOM;
	control.msg_controllen = out->controllen;
	p->age_us = port_age_us(&u->ages, batch_ns, &control);
	return true;
}

static void received(struct uring_port *u, struct batch *b, const struct io_uring_cqe *cqe,
		     bool stamped)
{
	uint32_t socket = (uint32_t)cqe->user_data;
	const struct uring_slot *s = &u->slots[socket / CHANNELS];
	bool current = s->in_use && s->use == (uint16_t)(cqe->user_data >> 32);

	if (cqe->flags & IORING_CQE_F_BUFFER) {
		uint16_t buffer = (uint16_t)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
		struct pkt *p = &b->list[b->count];

		if (current && cqe->res >= 0 &&
		    (UNLIKELY(stamped) ? pkt_fill_stamped(u, p, buffer, cqe->res, b->now_ns)
				       : pkt_fill(u, p, buffer, cqe->res, 0))) {
			p->slot = socket / CHANNELS;
			p->channel = (uint8_t)(socket % CHANNELS);
			b->count++;
		} else {
			uring_spend(&u->uring, buffer);
		}
	}
	if (current && !(cqe->flags & IORING_CQE_F_MORE))
		receive_ended(u, socket, cqe->res);
}

static void completion(struct uring_port *u, struct batch *b, const struct io_uring_cqe *cqe)
{
	switch ((enum uring_op)(cqe->user_data >> 56)) {
	case OP_IGNORE:
		break;
	case OP_WAKE:
		u->wake_armed = cqe->flags & IORING_CQE_F_MORE;
		break;
	case OP_RECEIVE:
		received(u, b, cqe, false);
		break;
	case OP_RECEIVE_STAMPED:
		received(u, b, cqe, true);
		break;
	case OP_SEND:
		if (icmp_is(cqe->res)) /* about an earlier packet, instead of sending this one */
			icmp_note(u, (uint32_t)cqe->user_data);
		u->send_errors++;
		break;
	}
}

static void uring_rx(struct port *p, struct batch *b, uint32_t want, uint64_t wait_ns)
{
	struct uring_port *u = uring_of(p);
	struct io_uring_cqe *cqe;
	unsigned head, seen = 0;

	assert(b->count == 0);
	if (io_uring_cq_ready(&u->uring.ring) == 0) {
		arm_all(u);
		uring_submit(&u->uring);
		uring_wait(&u->uring, want, wait_ns);
	}
	b->now_ns = clock_now_ns();
	io_uring_for_each_cqe(&u->uring.ring, head, cqe)
	{
		if (b->count == BATCH_MAX)
			break;
		completion(u, b, cqe);
		seen++;
	}
	io_uring_cq_advance(&u->uring.ring, seen);
}

/* ---- send ---- */

static bool uring_port_lend(struct port *p, struct pkt *out)
{
	struct uring_port *u = uring_of(p);

	if (!uring_lend(&u->uring, &out->buffer))
		return false;
	out->data = uring_buffer(&u->uring, out->buffer);
	return true;
}

static bool is_connected(const struct uring_slot *s, const struct pkt *p)
{
	return p->out_channel == CHANNEL_RTP && addr_eq(p->to, &s->connected);
}

/* By the socket of another slot. */
static uint32_t uring_send_marked(struct uring_port *u, const struct pkt *p,
				  struct io_uring_sqe *sqe, uint32_t index)
{
	const struct uring_slot *s = &u->slots[p->out_slot];
	uint32_t socket = (s->over - 1) * CHANNELS + p->out_channel;

	port_mark(&u->marks[index], p, s->dscp);
	io_uring_prep_sendmsg(sqe, file_of(u, socket), &u->marks[index].message, MSG_DONTWAIT);
	return socket;
}

static bool send_queue(struct uring_port *u, const struct pkt *p)
{
	uint32_t socket = p->out_slot * CHANNELS + p->out_channel;
	uint32_t index;
	struct io_uring_sqe *sqe = uring_sqe(&u->uring, &index);

	if (!sqe)
		return false;
	io_uring_prep_send(sqe, file_of(u, socket), p->data, p->length, MSG_DONTWAIT);
	if (is_connected(&u->slots[p->out_slot], p)) {
		/* connected: the destination is known */
	} else if (UNLIKELY(u->slots[p->out_slot].over)) {
		socket = uring_send_marked(u, p, sqe, index);
	} else {
		uint32_t length = addr_to_sockaddr(p->to, &u->targets[index]);

		io_uring_prep_send_set_addr(sqe, (const struct sockaddr *)&u->targets[index],
					    (uint16_t)length);
	}
	sqe->flags |= IOSQE_FIXED_FILE | IOSQE_CQE_SKIP_SUCCESS;
	io_uring_sqe_set_data64(sqe, uring_tag(OP_SEND, 0, socket));
	return true;
}

static void uring_tx(struct port *p, struct batch *b)
{
	struct uring_port *u = uring_of(p);

	BATCH_EACH(pkt, b)
	{
		if (pkt->verdict == VERDICT_RELAY && !send_queue(u, pkt))
			u->send_errors++;
		uring_spend(&u->uring, pkt->buffer);
	}
	b->count = 0;
}

/* For control's requests: no result is awaited. */
static void sqe_quiet(struct io_uring_sqe *sqe)
{
	sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
	io_uring_sqe_set_data64(sqe, uring_tag(OP_IGNORE, 0, 0));
}

/* Changes of a slot's files are queued and leave with the next submit, without a system call of
 * their own. Entries are executed in order, so a receive finds what was set before it. A refusal by
 * the kernel is a fault of the slot. */
static int files_set(struct uring_port *u, uint32_t files, const int fd[CHANNELS])
{
	uint32_t index;
	struct io_uring_sqe *sqe = uring_sqe(&u->uring, &index);

	if (!sqe)
		return -EAGAIN;
	memcpy(u->added[index], fd, sizeof(u->added[index]));
	io_uring_prep_files_update(sqe, u->added[index], CHANNELS, (int)(files * CHANNELS));
	sqe_quiet(sqe);
	return 0;
}

/* The descriptor, and the same as a registered file. */
static void slot_socket_close(struct uring_port *u, int fd, uint32_t file)
{
	struct io_uring_sqe *sqe = uring_sqe(&u->uring, NULL);

	if (sqe) {
		io_uring_prep_close_direct(sqe, file);
		sqe_quiet(sqe);
		sqe = uring_sqe(&u->uring, NULL);
	}
	if (sqe) {
		io_uring_prep_close(sqe, fd);
		sqe_quiet(sqe);
	} else {
		(void)close(fd);
	}
}

static int uring_flow_add(struct port *p, uint32_t slot, const int fd[CHANNELS])
{
	struct uring_port *u = uring_of(p);
	struct uring_slot *s = &u->slots[slot];
	int err;

	assert(slot < u->slot_count && !s->in_use);
	if (u->free_count == 0)
		return -EMFILE;
	err = files_set(u, u->free_files[u->free_count - 1], fd);
	if (err)
		return err;
	s->files = u->free_files[--u->free_count];
	s->use++;
	s->in_use = 1;
	s->stamped = 0;
	s->connected = (struct addr){ 0 };
	s->error = 0;
	s->icmp_errors = 0;
	for (uint32_t c = 0; c < CHANNELS; c++) {
		s->fd[c] = fd[c];
		u->deaf[u->deaf_count++] = slot * CHANNELS + c;
	}
	return 0;
}

static void receive_cancel(struct uring_port *u, uint32_t slot, uint32_t channel)
{
	struct uring_slot *s = &u->slots[slot];
	uint32_t socket = slot * CHANNELS + channel;
	struct io_uring_sqe *sqe = uring_sqe(&u->uring, NULL);

	/* The receive then ends with the ring, and its packets are recognised as stale. */
	if (!sqe)
		return;
	io_uring_prep_cancel64(sqe, uring_tag(receive_op(s, channel), s->use, socket), 0);
	sqe_quiet(sqe);
}

/* Sockets that wait to be armed must not be armed for the next user. */
static void deaf_forget(struct uring_port *u, uint32_t slot)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < u->deaf_count; i++)
		if (u->deaf[i] / CHANNELS != slot)
			u->deaf[kept++] = u->deaf[i];
	u->deaf_count = kept;
}

/* After everything to be sent from here. A cancelled receive holds its socket, and so the port,
 * until the next rx. */
static void uring_flow_del(struct port *p, uint32_t slot)
{
	struct uring_port *u = uring_of(p);
	struct uring_slot *s = &u->slots[slot];

	assert(slot < u->slot_count && s->in_use);
	deaf_forget(u, slot);
	for (uint32_t c = 0; c < CHANNELS; c++) {
		if (s->fd[c] < 0)
			continue;
		receive_cancel(u, slot, c);
		slot_socket_close(u, s->fd[c], s->files * CHANNELS + c);
	}
	u->free_files[u->free_count++] = s->files;
	u->fault_count -= s->error != 0;
	s->in_use = 0;
	s->error = 0;
}

static int uring_sockets(struct port *p, uint32_t slot, int fd[CHANNELS])
{
	return port_sockets_copy(uring_of(p)->slots[slot].fd, fd);
}

static int uring_connect(struct port *p, uint32_t slot, const struct addr *to)
{
	struct uring_port *u = uring_of(p);
	struct uring_slot *s = &u->slots[slot];
	int err;

	assert(slot < u->slot_count && s->in_use);
	/* what was queued without an address needs the connection it had */
	uring_submit(&u->uring);
	err = port_socket_connect(s->fd[CHANNEL_RTP], to);
	s->connected = to && !err ? *to : (struct addr){ 0 };
	return err;
}

/* The receive that is armed has no room for a stamp: it ends, and the next one has. */
static void uring_stamp(struct port *p, uint32_t slot)
{
	struct uring_port *u = uring_of(p);
	struct uring_slot *s = &u->slots[slot];

	assert(slot < u->slot_count && s->in_use);
	if (s->stamped)
		return;
	port_stamp(s->fd[CHANNEL_RTP]);
	receive_cancel(u, slot, CHANNEL_RTP);
	s->stamped = 1;
}

static int uring_send_over(struct port *p, uint32_t slot, uint32_t over, uint8_t dscp)
{
	struct uring_slot *s = &uring_of(p)->slots[slot];

	s->over = over == slot ? 0 : over + 1;
	s->dscp = dscp;
	return 0;
}

static bool uring_fault(struct port *p, struct port_fault *out)
{
	struct uring_port *u = uring_of(p);

	for (uint32_t i = 0; u->fault_count > 0 && i < u->slot_count; i++) {
		if (u->slots[i].error == 0)
			continue;
		*out = (struct port_fault){ .slot = i, .error = u->slots[i].error };
		u->slots[i].error = 0;
		u->fault_count--;
		return true;
	}
	return false;
}

static uint32_t uring_icmp_errors(struct port *p, uint32_t slot)
{
	struct uring_slot *s = &uring_of(p)->slots[slot];
	uint32_t n = s->icmp_errors;

	s->icmp_errors = 0;
	return n;
}

static uint64_t uring_send_errors(struct port *p)
{
	struct uring_port *u = uring_of(p);
	uint64_t n = u->send_errors;

	u->send_errors = 0;
	return n;
}

static void uring_free(struct uring_port *u)
{
	free(u->slots);
	free(u->deaf);
	free(u->free_files);
	free(u);
}

/* The soft limit of descriptors also limits the table of files. */
static uint32_t files_max(uint32_t slots)
{
	struct rlimit limit;
	uint32_t pairs = slots;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur / CHANNELS < pairs)
		pairs = (uint32_t)(limit.rlim_cur / CHANNELS);
	return pairs ? pairs : 1;
}

static void uring_port_close(struct port *p)
{
	struct uring_port *u = uring_of(p);

	for (uint32_t i = 0; i < u->slot_count; i++)
		if (u->slots[i].in_use)
			uring_flow_del(p, i);
	uring_submit(&u->uring);
	uring_wait(&u->uring, 0, 0);
	uring_close(&u->uring);
	uring_free(u);
}

static const struct port_ops URING_OPS = {
	.name = "io_uring",
	.flow_add = uring_flow_add,
	.flow_del = uring_flow_del,
	.sockets = uring_sockets,
	.rx = uring_rx,
	.lend = uring_port_lend,
	.tx = uring_tx,
	.connect = uring_connect,
	.send_over = uring_send_over,
	.stamp = uring_stamp,
	.send_errors = uring_send_errors,
	.icmp_errors = uring_icmp_errors,
	.fault = uring_fault,
	.close = uring_port_close,
};

int port_uring_open(struct port **out, const struct port_settings *settings)
{
	struct uring_port *u = calloc(1, sizeof(*u));
	uint32_t files = files_max(settings->slots);
	int err;

	if (!u)
		return -ENOMEM;
	u->port.ops = &URING_OPS;
	u->receive.msg_namelen = u->receive_stamped.msg_namelen = URING_NAME_ROOM;
	u->receive_stamped.msg_controllen = PORT_STAMP_ROOM;
	u->slot_count = settings->slots;
	u->wake_fd = settings->wake_fd;
	u->slots = calloc(settings->slots, sizeof(*u->slots));
	u->deaf = calloc((size_t)settings->slots * CHANNELS, sizeof(*u->deaf));
	u->free_files = calloc(files, sizeof(*u->free_files));
	err = u->slots && u->deaf && u->free_files ? 0 : -ENOMEM;
	if (!err)
		err = uring_open(&u->uring, &u->port, settings->buffers, URING_BUFFER_SIZE,
				 files * CHANNELS);
	if (err) {
		uring_free(u);
		return err;
	}
	while (u->free_count < files) {
		u->free_files[u->free_count] = files - 1 - u->free_count;
		u->free_count++;
	}
	*out = &u->port;
	return 0;
}
