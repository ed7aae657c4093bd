/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What waits to be written to a connection, and whose it is: of a shard that may not speak any more, messages that have not begun to
 * leave are taken out again. Private to transport_stream*.c.
 */
#ifndef SIG_TRANSPORT_STREAM_QUEUE_H
#define SIG_TRANSPORT_STREAM_QUEUE_H

#include "base/validity.h"
#include "sig/transport/stream_buffer.h"

struct stream_mark {
	uint32_t n; /* octets of one message; of VALID_ALWAYS, of any number of them */
	uint8_t place;
};

struct stream_queue { /* zeroed: empty */
	struct stream_buffer octets;
	struct stream_mark *marks; /* of all octets, in their order: marks[first..count) */
	uint32_t first, count, cap;
	size_t begun; /* so many octets at the front must leave: the rest of a message, or what TLS has enciphered */
};

static inline struct bytes stream_queue_bytes(const struct stream_queue *q)
{
	return stream_buffer_bytes(&q->octets);
}

/* A message of the shard with that place. 0, -ENOMEM. */
int stream_queue_add(struct stream_queue *q, uint8_t place, struct bytes message) NODISCARD;
/* They have left. */
void stream_queue_take(struct stream_queue *q, size_t n);
/* They will: the layer below wants them again (SSL_write(3)). */
void stream_queue_hold(struct stream_queue *q, size_t n);
/* How many messages went, of those that may not speak at that time. */
uint32_t stream_queue_withhold(struct stream_queue *q, struct validity *v, uint64_t now_ns);
void stream_queue_clear(struct stream_queue *q);

#endif
