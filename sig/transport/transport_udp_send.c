/* SPDX-License-Identifier: Apache-2.0 */
/* The sending half of transport_udp.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/guard.h"
#include "base/validity.h"
#include "sig/transport/transport_udp.h"

int udp_queue_open(struct udp_queue *q)
{
	q->list = malloc(UDP_QUEUE_MAX * sizeof(q->list[0]));
	q->bytes = malloc(UDP_QUEUE_BYTES);
	if (q->list && q->bytes)
		return 0;
	udp_queue_close(q);
	return -ENOMEM;
}

void udp_queue_close(struct udp_queue *q)
{
	free(q->list);
	free(q->bytes);
	*q = (struct udp_queue){ 0 };
}

/* Moves what waits to the front. */
static void queue_compact(struct udp_queue *q)
{
	uint32_t start = q->list[q->head].offset;

	q->count -= q->head;
	q->used -= start;
	memmove(q->list, q->list + q->head, q->count * sizeof(q->list[0]));
	memmove(q->bytes, q->bytes + start, q->used);
	q->head = 0;
	for (uint32_t i = 0; i < q->count; i++)
		q->list[i].offset -= start;
}

static bool queue_has_room(const struct udp_queue *q, size_t n)
{
	return q->count < UDP_QUEUE_MAX && n <= UDP_QUEUE_BYTES - q->used;
}

static bool udp_queue_add(struct udp_queue *q, uint8_t place, const struct addr *to,
			  struct bytes datagram)
{
	if (!queue_has_room(q, datagram.n) && q->head)
		queue_compact(q);
	if (!queue_has_room(q, datagram.n))
		return false;
	q->list[q->count++] = (struct udp_waiting){
		.to = *to, .offset = q->used, .n = (uint32_t)datagram.n, .place = place
	};
	if (datagram.n)
		memcpy(q->bytes + q->used, datagram.p, datagram.n);
	q->used += (uint32_t)datagram.n;
	return true;
}

static void queue_drop(struct udp_queue *q, uint32_t n)
{
	q->head += n;
	if (q->head == q->count)
		q->head = q->count = q->used = 0;
}

void transport_udp_trust(struct transport_udp *t, const struct addr *who, bool peer)
{
	if (!t->guard)
		return;
	if (peer)
		guard_know_peer(t->guard, who, clock_now_ns());
	else
		guard_know(t->guard, who, clock_now_ns());
}

/* A request of ours, for an admitted call. Anything else responds to a sender with an address that
 * may be forged. */
static bool may_send(struct transport_udp *t, const struct addr *to, struct bytes datagram)
{
	uint64_t now_ns;

	if (!t->guard)
		return true;
	now_ns = clock_now_ns();
	if (datagram.n && datagram.p[0] >= 'A' && datagram.p[0] <= 'Z' &&
	    !bytes_starts(datagram, "SIP/2.0 ")) {
		guard_know(t->guard, to, now_ns);
		return true;
	}
	return guard_may_answer(t->guard, to, datagram.n, now_ns);
}

int transport_udp_send(struct transport_udp *t, const struct sip_hop *hop, struct bytes datagram)
{
	return transport_udp_send_for(t, VALID_ALWAYS, hop, datagram);
}

int transport_udp_send_for(struct transport_udp *t, uint8_t place, const struct sip_hop *hop,
			   struct bytes datagram)
{
	/* from a record older than the listeners, or the shard has left with its address */
	if (hop->local >= t->count || t->sockets[hop->local].fd < 0) {
		udp_count(t, UDP_DROP_LISTENER, 1);
		return -ENOENT;
	}
	if (datagram.n > UDP_PAYLOAD_MAX) {
		udp_count(t, UDP_DROP_SIZE, 1);
		return -EMSGSIZE;
	}
	if (!may_send(t, &hop->remote, datagram))
		return 0;
	if (!udp_queue_add(&t->sockets[hop->local].queue, place, &hop->remote, datagram)) {
		udp_count(t, UDP_DROP_QUEUE, 1);
		return -ENOBUFS;
	}
	return 0;
}

/* Removes messages of shards with an expired lease from the queue. Returns false if it had no such
 * message. */
static bool queue_withhold(struct udp_socket *s)
{
	struct validity *v = s->owner->validity;
	struct udp_queue *q = &s->queue;
	uint32_t kept = q->head, before = q->count;
	uint64_t now_ns;

	if (!validity_has_ended(v, &now_ns))
		return false;
	for (uint32_t i = q->head; i < before; i++) {
		if (validity_is_past(v, q->list[i].place, now_ns))
			validity_withhold(v, q->list[i].place);
		else
			q->list[kept++] = q->list[i];
	}
	q->count = kept;
	queue_drop(q, 0);
	udp_count(s->owner, UDP_DROP_FENCED, before - kept);
	return kept < before;
}

static unsigned batch_fill(struct udp_batch *b, const struct udp_queue *q)
{
	uint32_t waiting = q->count - q->head;
	unsigned n = waiting < UDP_BATCH ? waiting : UDP_BATCH;

	for (unsigned i = 0; i < n; i++) {
		const struct udp_waiting *w = &q->list[q->head + i];

		b->parts[i] = (struct iovec){ .iov_base = q->bytes + w->offset, .iov_len = w->n };
		b->messages[i] = (struct mmsghdr){
			.msg_hdr = { .msg_name = &b->peers[i],
				     .msg_namelen = addr_to_sockaddr(&w->to, &b->peers[i]),
				     .msg_iov = &b->parts[i],
				     .msg_iovlen = 1 },
		};
	}
	return n;
}

/* The first of the batch was not sent. An error left by an earlier datagram fails the next call
 * once; what fails twice is itself at fault. Returns true to go on, false to wait. */
static bool send_failed(struct udp_socket *s, int error, bool *again)
{
	struct sip_hop hop = { .transport = SIP_UDP, .local = s->local };

	if (error == EAGAIN || error == ENOBUFS) {
		udp_count(s->owner, UDP_SEND_WAIT, 1);
		return false;
	}
	if (!*again) {
		udp_socket_errors(s);
		*again = true;
		return true;
	}
	*again = false;
	hop.remote = s->queue.list[s->queue.head].to;
	queue_drop(&s->queue, 1);
	udp_count(s->owner, UDP_DROP_REFUSED, 1);
	s->owner->error(&hop, error, s->owner->arg);
	return true;
}

void udp_socket_flush(struct udp_socket *s)
{
	struct udp_batch *b = &s->owner->out;
	bool again = false;

	while (s->queue.count) {
		unsigned n = batch_fill(b, &s->queue);
		int sent;

		if (queue_withhold(s)) /* the last thing before the call that sends */
			continue;
		sent = sendmmsg(s->fd, b->messages, n, MSG_DONTWAIT);
		if (sent > 0) {
			udp_count(s->owner, UDP_SENT, (uint64_t)sent);
			queue_drop(&s->queue, (uint32_t)sent);
			again = false;
		} else if (!send_failed(s, errno, &again)) {
			break;
		}
	}
	udp_socket_watch(s, s->queue.count != 0);
}

void transport_udp_flush(struct transport_udp *t)
{
	for (uint32_t i = 0; i < t->count; i++) {
		if (t->sockets[i].queue.count)
			udp_socket_flush(&t->sockets[i]);
	}
}
