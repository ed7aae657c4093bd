/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel UDP sockets on one io_uring: adding, connecting and closing them. Their packets: port_uring_io.c. */
#include "engine/port/port_uring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* For what control asks: nobody waits for it. */
static void sqe_quiet(struct io_uring_sqe *sqe)
{
	sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
	io_uring_sqe_set_data64(sqe, uring_tag(OP_IGNORE, 0, 0));
}

/*
 * What becomes of a slot's files is queued and leaves with the next submit: no system call of its own. Entries are carried out in their
 * order, so a receive finds what was set before it. What the kernel refuses here is a fault there.
 */
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

	if (!sqe)
		return; /* the receive then ends with the ring, and its packets are recognised as stale */
	io_uring_prep_cancel64(sqe, uring_tag(OP_RECEIVE, s->use, socket), 0);
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

/* Behind whatever was to be sent from here. A cancelled receive holds its socket, and so the port, until the next rx. */
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

/* The kernel takes a table of files no longer than the soft limit of descriptors, and more sockets there cannot be. */
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
	u->receive.msg_namelen = URING_NAME_ROOM;
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
