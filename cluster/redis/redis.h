/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our Redis link: hiredis as codec over our own non-blocking descriptor (unix, TCP or TLS),
 * pipelined, each command with a deadline, reconnecting with back-off. Control thread only. Nothing
 * here waits.
 */
#ifndef CLUSTER_REDIS_REDIS_H
#define CLUSTER_REDIS_REDIS_H

#include "base/addr.h"

struct redis;
struct redisReply;

/* Tells the right Redis from others: its set at key has that member, or does not exist. Asked
 * before a link is up. */
struct redis_meant {
	struct bytes key;
	const char *member; /* an id; NULL: whichever it is */
};

/* Where Redis is (cluster/redis/url.h), and the PEM files of rediss: */
struct redis_place {
	char url[512];
	char ca[256];                    /* authorities that verify it; empty: the system's */
	char certificate[256], key[256]; /* what we show; empty: nothing */
	const struct redis_meant *meant; /* outlives the links; NULL: whichever it is */
};

struct redis_settings {
	struct redis_place place;
	uint64_t deadline_ns;      /* default for commands */
	uint32_t pending_max;      /* commands in flight; more answer -EAGAIN at once */
	uint64_t reconnect_max_ns; /* longest back-off, default 1 s */
	/* Labels of its gauges, if there are several links: "link=\"main\""; static. NULL: none. */
	const char *labels;
};

/* err: 0 and a reply (valid during the call; may itself be a Redis error: check its type),
 * -ETIMEDOUT (the answer may still come and is then dropped), -ENOTCONN (the link broke or is
 * down). reply is NULL with an error. */
typedef void redis_reply_fn(int err, const struct redisReply *reply, void *arg);
typedef void redis_state_fn(bool connected, void *arg);

int redis_open(struct redis **out, const struct redis_settings *settings, redis_state_fn *state,
	       void *arg) NODISCARD;
void redis_close(struct redis *r); /* pending commands are answered with -ENOTCONN first */
bool redis_is_connected(const struct redis *r);
/* The last server that answered was not the Redis of redis_meant. */
bool redis_is_another(const struct redis *r);
/* Why there is no link, as last found: of the Sentinels, or of the servers asked for slots, where
 * that is the reason. */
struct redis_trouble {
	const char *why; /* a constant sentence; NULL: nothing was found yet */
	/* what Redis or the system said to it, or empty; as long as no call of the loop */
	const char *detail;
	struct addr server; /* port 0: none was spoken to, or it is a unix socket */
	/* since when each server that was asked has refused our login; 0: they do not */
	uint64_t refused_ns;
};
void redis_trouble(const struct redis *r, struct redis_trouble *out);
/* A Redis Cluster (cluster/redis/url.h): the keys of a command or script must be of one slot. */
bool redis_is_cluster(const struct redis *r);
/* Opens one more link to the same place: flushed, driven and closed with r, with its deadlines. All
 * its keys are of the slot of key, and it goes to the server that has it. r: of no Sentinel. */
int redis_open_attached(struct redis **out, struct redis *r, struct bytes key,
			const char *labels) NODISCARD;
/* Queues one command (copied); written by the next redis_flush. deadline_ns 0: the default;
 * UINT64_MAX: none. fn may be NULL. 0, -EAGAIN (too many pending), -EMSGSIZE (8 MiB or more) or
 * -ENOTCONN: then fn is not called. */
int redis_command(struct redis *r, const struct bytes *args, size_t n, uint64_t deadline_ns,
		  redis_reply_fn *fn, void *arg) NODISCARD;
/* The same, sent with the next command that is flushed, at the latest REDIS_LATER_NS from now: each
 * write wakes Redis, which costs as much as several commands. fn may be NULL; it is called again
 * when the answer comes after its deadline. */
#define REDIS_LATER_NS (1 * NS_PER_MS)
int redis_command_later(struct redis *r, const struct bytes *args, size_t n, redis_reply_fn *fn,
			void *arg) NODISCARD;
/* Commands that are encoded already (buffer.h), with their waiters in order: all, or nothing. */
struct redis_answers {
	uint32_t count; /* of answers in a row, fn is called for each */
	uint64_t deadline_ns;
	redis_reply_fn *fn;
	void *arg;
	/* fn is called again when the answer comes after its deadline, or the link breaks. */
	bool even_late;
};
int redis_commands(struct redis *r, struct bytes commands, const struct redis_answers *answers,
		   size_t n) NODISCARD;
/* Writes what is queued: once per loop round. */
void redis_flush(struct redis *r);
/* Writes it now, between two answers: a busy caller handles answers while Redis does the rest. */
void redis_hurry(struct redis *r);
/* Deadlines, reconnects: the owner calls it when redis_next_ns has come. */
void redis_expire(struct redis *r, uint64_t now_ns);
uint64_t redis_next_ns(const struct redis *r);
/* True when a reply is an error; text gets its message. */
bool redis_is_error(const struct redisReply *reply, struct bytes *text);

/* What a reply holds, so that no other file needs hiredis. NULL reads as nil. */
enum redis_type {
	REDIS_TYPE_NIL,
	REDIS_TYPE_INTEGER,
	REDIS_TYPE_TEXT, /* bulk string or status */
	REDIS_TYPE_ARRAY,
	REDIS_TYPE_ERROR,
};
enum redis_type redis_reply_type(const struct redisReply *reply);
int64_t redis_reply_integer(const struct redisReply *reply);   /* 0 unless an integer */
struct bytes redis_reply_text(const struct redisReply *reply); /* of text or error, else empty */
size_t redis_reply_count(const struct redisReply *reply);      /* 0 unless an array */
/* NULL beyond the end. */
const struct redisReply *redis_reply_at(const struct redisReply *reply, size_t i);

/* Users of this link, the first one first: told of its state like the opener, and driven by the
 * same redis_expire and redis_next_ns. Owned by the guest; redis is NULL again once it has left or
 * the link was closed. */
struct redis_guest {
	struct redis_guest *next;
	struct redis *redis;
	redis_state_fn *state;
	void (*expire)(uint64_t now_ns, void *arg); /* NULL: never */
	/* Called at the end of a round: queues what waits for that; NULL: nothing. */
	void (*flush)(void *arg);
	uint64_t next_ns; /* when expire wants to be called; UINT64_MAX: never */
	void *arg;
};
void redis_join(struct redis *r, struct redis_guest *guest);
void redis_leave(struct redis_guest *guest);

#endif
