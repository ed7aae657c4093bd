/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads what is new in Redis streams, from marks that the caller keeps: many streams by one XREAD,
 * which waits in Redis for the first entry. Where one is not enough (Redis Cluster, more streams
 * than it may name) none waits, and all are asked for every so often. A mark moves only when the
 * caller moves it, so what a lost answer had comes again. The link is the caller's. Where questions
 * wait in Redis, no other command should use it.
 */
#ifndef CLUSTER_REDIS_STREAMS_H
#define CLUSTER_REDIS_STREAMS_H

#include "cluster/redis/redis.h"

enum { STREAM_MARK_MAX = 48 };

#define STREAM_BEGINNING "0-0"

/* Constant. */
struct streams_way {
	uint32_t together; /* most streams of one question */
	uint32_t each;     /* most entries of a stream in one answer */
	uint32_t wait_ms;  /* so long Redis waits for the first entry */
	bool of_one_slot;  /* with Redis Cluster, too, they are asked for together */
	uint64_t deadline_ns;
	/* Least time from one question to the next: where Redis waits, and where it does not. */
	uint64_t pace_ns, poll_ns;
	/* One or more entries of that stream, the oldest first: [[id, [name, value, ...]], ...]. */
	void (*entries)(struct bytes key, const struct redisReply *entries, void *arg);
	/* An answer is lost, or an error of Redis (err 0, its text); NULL: asked again anyway. */
	void (*failed)(int err, struct bytes text, void *arg);
};

/* All zero, but for the first three, which the caller sets: nothing is asked. */
struct streams {
	struct redis *redis;
	const struct streams_way *way;
	void *arg;
	uint32_t asked;   /* questions without an answer; they come before a further one */
	uint64_t next_ns; /* no question before; the caller may put it off */
	struct streams_one {
		struct bytes key;
		char mark[STREAM_MARK_MAX];
	} * list;
	struct bytes *words;
	uint32_t count, room;
};

/* Whether a question may be asked now. */
bool streams_are_due(const struct streams *s, uint64_t now_ns);
/* One more for the next question, read from behind that id. key: borrowed until streams_request.
 * Without memory it is left out this time. */
void streams_add(struct streams *s, struct bytes key, struct bytes mark);
/* Asks for those that were added; of none it is asked when poll_ns is over. */
void streams_request(struct streams *s, uint64_t now_ns);
/* When streams_are_due by time; UINT64_MAX: an answer comes first. */
uint64_t streams_next_ns(const struct streams *s);
/* The link is closed before. */
void streams_clear(struct streams *s);

/* The text of a field of an entry; empty: it has none. */
struct bytes stream_field(const struct redisReply *entry, const char *name);
static inline struct bytes stream_entry_id(const struct redisReply *entry)
{
	return redis_reply_text(redis_reply_at(entry, 0));
}
/* Deletes all of a stream up to its mark, with it: they were saved, or answered. */
void stream_trim(struct redis *r, struct bytes key, struct bytes mark);

#endif
