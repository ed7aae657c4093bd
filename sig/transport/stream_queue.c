/* SPDX-License-Identifier: Apache-2.0 */
/* The write queue of a stream connection (stream_connection.h): a growing buffer, and marks of
 * which octets belong to which message and shard. Messages of a shard are taken out when its lease
 * has expired (base/validity.h), except one that has begun to leave, since a truncated message
 * would break the connection's framing. */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sig/transport/stream_connection.h"

enum { BUFFER_MIN = 2048 };

static int stream_buffer_grow(struct stream_buffer *b, size_t need)
{
	size_t cap = b->cap ? b->cap : BUFFER_MIN;
	uint8_t *p;

	while (cap < need)
		cap *= 2;
	p = realloc(b->p, cap);
	if (!p)
		return -ENOMEM;
	b->p = p;
	b->cap = cap;
	return 0;
}

int stream_buffer_add(struct stream_buffer *b, struct bytes in)
{
	if (in.n == 0)
		return 0;
	if (b->from && b->cap - b->to < in.n) {
		memmove(b->p, b->p + b->from, b->to - b->from);
		b->to -= b->from;
		b->from = 0;
	}
	if (b->cap - b->to < in.n && stream_buffer_grow(b, b->to + in.n))
		return -ENOMEM;
	memcpy(b->p + b->to, in.p, in.n);
	b->to += in.n;
	return 0;
}

void stream_buffer_consume(struct stream_buffer *b, size_t n)
{
	assert(n <= b->to - b->from);
	b->from += n;
	if (b->from == b->to)
		stream_buffer_clear(b);
}

void stream_buffer_clear(struct stream_buffer *b)
{
	free(b->p);
	*b = (struct stream_buffer){ 0 };
}

enum { MARKS_MIN = 8 };

static void marks_compact(struct stream_queue *q)
{
	q->count -= q->first;
	memmove(q->marks, q->marks + q->first, q->count * sizeof(q->marks[0]));
	q->first = 0;
}

static int marks_room(struct stream_queue *q)
{
	uint32_t cap = q->cap ? 2 * q->cap : MARKS_MIN;
	struct stream_mark *marks;

	if (q->count == q->cap && q->first)
		marks_compact(q);
	if (q->count < q->cap)
		return 0;
	marks = realloc(q->marks, cap * sizeof(*marks));
	if (!marks)
		return -ENOMEM;
	q->marks = marks;
	q->cap = cap;
	return 0;
}

int stream_queue_add(struct stream_queue *q, uint8_t place, struct bytes message)
{
	struct stream_mark *last = q->count > q->first ? &q->marks[q->count - 1] : NULL;
	bool joins = last && place == VALID_ALWAYS && last->place == VALID_ALWAYS;

	if (message.n == 0)
		return 0;
	if ((!joins && marks_room(q)) || stream_buffer_add(&q->octets, message))
		return -ENOMEM;
	if (joins)
		last->n += (uint32_t)message.n;
	else
		q->marks[q->count++] =
			(struct stream_mark){ .n = (uint32_t)message.n, .place = place };
	return 0;
}

/* What is left of a message that has begun must leave as well. */
static void stream_marks_consume(struct stream_queue *q, size_t n)
{
	while (n > 0) {
		struct stream_mark *m = &q->marks[q->first];

		if (n < m->n) {
			m->n -= (uint32_t)n;
			if (m->place != VALID_ALWAYS)
				stream_queue_hold(q, m->n);
			return;
		}
		n -= m->n;
		q->first++;
	}
}

void stream_queue_consume(struct stream_queue *q, size_t n)
{
	q->begun -= n < q->begun ? n : q->begun;
	stream_buffer_consume(&q->octets, n);
	stream_marks_consume(q, n);
	if (stream_queue_bytes(q).n == 0)
		stream_queue_clear(q);
}

void stream_queue_hold(struct stream_queue *q, size_t n)
{
	if (n > q->begun)
		q->begun = n;
}

/* Moves what stays to the front of where it lies. */
static uint32_t queue_sift(struct stream_queue *q, struct validity *v, uint64_t now_ns)
{
	uint8_t *from = q->octets.p + q->octets.from, *to = from;
	uint32_t kept = q->first, end = q->count;
	size_t at = 0;

	for (uint32_t i = q->first; i < end; i++) {
		const struct stream_mark m = q->marks[i];

		if (at >= q->begun && validity_is_past(v, m.place, now_ns)) {
			validity_withhold(v, m.place);
		} else {
			memmove(to, from + at, m.n);
			to += m.n;
			q->marks[kept++] = m;
		}
		at += m.n;
	}
	q->octets.to = (size_t)(to - q->octets.p);
	q->count = kept;
	return end - kept;
}

uint32_t stream_queue_withhold(struct stream_queue *q, struct validity *v, uint64_t now_ns)
{
	uint32_t gone;

	if (stream_queue_bytes(q).n == 0)
		return 0;
	gone = queue_sift(q, v, now_ns);
	if (stream_queue_bytes(q).n == 0)
		stream_queue_clear(q);
	return gone;
}

void stream_queue_clear(struct stream_queue *q)
{
	stream_buffer_clear(&q->octets);
	free(q->marks);
	*q = (struct stream_queue){ 0 };
}
