/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Saves and first ends of calls, many in one transaction of Redis: a batch. One of a shard is in flight, what is asked for meanwhile goes
 * into the next. So the busier a node is, the fewer rounds a call costs it and Redis. How batches leave, with those of other shards:
 * cluster/store/link.h.
 *
 *   HSET rec id record.., HSET sub id record.., HDEL sub id.., the same of rooms, XADD cdr.., HDEL rec id..
 *
 * A batch leaves when the fence is watched, and was ours: should another one own the shard by then, nothing happens to it. Then the
 * lease says why (lua/lease_fence.lua). The order of what is sent says which record is the newest.
 */
#ifndef CLUSTER_STORE_BATCH_H
#define CLUSTER_STORE_BATCH_H

#include "cluster/redis/buffer.h"

struct store_shard;
struct store_op;
struct store_answer;
struct batch_answers;
struct spool_entry;
struct redisReply;

enum store_batch_state {
	BATCH_UNWATCHED, /* nothing is known of the fence */
	BATCH_WATCHING,  /* WATCH and MGET are on their way, perhaps behind a batch */
	BATCH_READY,
	BATCH_ASKING, /* the fence was not ours: the lease is asked */
};

/* Records beside those of calls: each kind in a hash of its own. */
enum batch_kind { BATCH_SUBSCRIPTIONS, BATCH_ROOMS, BATCH_KINDS };

struct batch_beside {
	struct redis_buffer saves; /* arguments of HSET, and */
	struct redis_buffer over;  /* of HDEL: those that are over */
	uint32_t save_count, over_count;
};

/* What goes together. */
struct batch_part {
	struct redis_buffer saves; /* arguments of HSET */
	struct batch_beside beside[BATCH_KINDS];
	uint32_t save_count, end_count, cdr_count;
	size_t end_octets;             /* of the CDRs */
	struct store_op *first, **end; /* who waits, in order */
	uint64_t since_ns;             /* when the first was asked for */
};

struct store_batch {
	enum store_batch_state state;
	struct batch_part next;     /* waits */
	struct batch_part flying;   /* is on its way */
	struct store_op *answering; /* the rest of those whose answer is there */
	struct redis_buffer spare;  /* memory for the next part's saves */
	uint64_t length_ns;         /* the stream's length is asked for then, at the earliest */
};

void store_batch_open(struct store_shard *s);
/* All that waits is answered by who closes the store. */
void store_batch_close(struct store_shard *s);
/* The op waits until the record of this call is in Redis. */
void store_batch_save(struct store_op *op, uint64_t call, uint64_t version, struct bytes record);
/* ... of this one of that kind; empty: until there is none. */
void store_batch_beside(struct store_op *op, enum batch_kind kind, uint64_t id, uint64_t version,
			struct bytes record);
/* ... until the CDR is in the stream, and the record gone. entry stays until then. */
void store_batch_end(struct store_op *op, const struct spool_entry *entry);
/* The link is gone: what waits is answered with STORE_UNKNOWN. */
void store_batch_lost(struct store_shard *s);
void store_batch_expire(struct store_shard *s, uint64_t now_ns);
/* When store_batch_expire wants to be called; UINT64_MAX: never. */
uint64_t store_batch_next_ns(const struct store_shard *s);

/* ---- for its link, which has entered the store ---- */

/* What waits is on its way. */
void store_batch_load(struct store_shard *s);
/* ... and was not sent. */
void store_batch_dropped(struct store_shard *s);
/* ... and was carried out: its answers are in EXEC's, from at on. Who waits hears of them with store_batch_answer. */
void store_batch_took(struct store_shard *s, struct batch_answers *out,
		      const struct redisReply *reply, size_t at);
void store_batch_answer(struct store_shard *s, const struct batch_answers *answers);
/* ... and nothing is known of it, or it was refused. */
void store_batch_failed(struct store_shard *s, const struct store_answer *a);
/* ... and nothing of it happened: it goes before all that waits. */
void store_batch_again(struct store_shard *s);
/* What the fence is that is watched now. broken: what Redis refused, if anything. */
void store_batch_fence(struct store_shard *s, struct bytes fence,
		       const struct store_answer *broken);
/* As commands, store_batch_text.c. 0, or -1: to is full, and has what fitted. */
int store_batch_write(struct redis_buffer *to, struct store_shard *s,
		      const struct batch_part *p) NODISCARD;
/* So many commands are that, and about so many octets. */
uint32_t store_batch_commands(const struct batch_part *p);
size_t store_batch_octets(const struct batch_part *p);

#endif
