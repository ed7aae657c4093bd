/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Multishot receives into provided buffers; the sends of a batch, over all sockets, in one system call.
 *
 * A send carries MSG_DONTWAIT: it is done or refused before the submit returns, so its buffer may go back to the
 * kernel right afterwards, and only refusals need a completion (IOSQE_CQE_SKIP_SUCCESS). Sockets are registered files.
 * CPU of a packet saved, bench/relay with 500 calls on loopback: registered files 9 %, skipped completions 4 %, send
 * instead of sendmsg 10 %, connected sockets 6 %.
 */
#include <errno.h>
#include <poll.h>

#include "base/clock.h"
#include "engine/net/icmp.h"
#include "engine/port/port_uring.h"

static int file_of(const struct uring_port *u, uint32_t socket)
{
	return (int)(u->slots[socket / CHANNELS].files * CHANNELS + socket % CHANNELS);
}

/* ---- receive ---- */

static bool receive_arm(struct uring_port *u, uint32_t socket)
{
	const struct uring_slot *s = &u->slots[socket / CHANNELS];
	struct io_uring_sqe *sqe;

	if (!s->in_use || s->fd[socket % CHANNELS] < 0)
		return true;
	sqe = uring_sqe(&u->uring, NULL);
	if (!sqe)
		return false;
	io_uring_prep_recvmsg_multishot(sqe, file_of(u, socket), &u->receive, 0);
	sqe->flags |= IOSQE_BUFFER_SELECT | IOSQE_FIXED_FILE;
	sqe->buf_group = URING_BUFFER_GROUP;
	io_uring_sqe_set_data64(sqe, uring_tag(OP_RECEIVE, s->use, socket));
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

static bool pkt_fill(struct uring_port *u, struct pkt *p, uint16_t buffer, int res)
{
	uint8_t *base = uring_buffer(&u->uring, buffer);
	struct io_uring_recvmsg_out *out = io_uring_recvmsg_validate(base, res, &u->receive);

	if (!out)
		return false;
	p->data = base + URING_BUFFER_HEAD;
	p->length = (uint16_t)(res - URING_BUFFER_HEAD);
	p->buffer = buffer;
	p->tail_known = 0;
	p->verdict = out->flags & MSG_TRUNC ? VERDICT_TRUNCATED : VERDICT_NONE;
	return addr_from_sockaddr(&p->from, io_uring_recvmsg_name(out)) == 0;
}

static void received(struct uring_port *u, struct batch *b, const struct io_uring_cqe *cqe)
{
	uint32_t socket = (uint32_t)cqe->user_data;
	const struct uring_slot *s = &u->slots[socket / CHANNELS];
	bool current = s->in_use && s->use == (uint16_t)(cqe->user_data >> 32);

	if (cqe->flags & IORING_CQE_F_BUFFER) {
		uint16_t buffer = (uint16_t)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
		struct pkt *p = &b->list[b->count];

		if (current && cqe->res >= 0 && pkt_fill(u, p, buffer, cqe->res)) {
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
		received(u, b, cqe);
		break;
	case OP_SEND:
		if (icmp_is(cqe->res)) /* said of an earlier packet, instead of sending this one */
			icmp_note(u, (uint32_t)cqe->user_data);
		u->send_errors++;
		break;
	}
}

void uring_rx(struct port *p, struct batch *b, uint32_t want, uint64_t wait_ns)
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

bool uring_port_lend(struct port *p, struct pkt *out)
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
		/* it knows whom it sends to */
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

void uring_tx(struct port *p, struct batch *b)
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
