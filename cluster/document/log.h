/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the log of documents (td:{docs}:log): every change that any node makes, in the order of
 * Redis. Reading blocks, so it has a link of its own. Control thread.
 */
#ifndef CLUSTER_DOCUMENT_LOG_H
#define CLUSTER_DOCUMENT_LOG_H

#include "base/bytes.h"
#include "cluster/redis/redis.h"

/* One entry of the log: a change, as the script that made it wrote it. Pure. */

enum document_event {
	DOCUMENT_PUT,
	DOCUMENT_DELETE,
	DOCUMENT_RESTORE, /* Redis had lost it: version is older than the change */
};

/* Slices of what was read. */
struct document_entry {
	struct bytes history; /* of the Redis that told it; empty: it had none */
	struct bytes tenant, kind, name;
	uint64_t version;
	enum document_event event;
	struct bytes json; /* empty: DOCUMENT_DELETE */
	/* while it is read */
	unsigned events;
	bool bad_version, versioned;
};

void document_entry_start(struct document_entry *e);
/* One field; unknown names are ignored. */
void document_entry_field(struct document_entry *e, struct bytes name, struct bytes value);
/* NULL: fine; else what is wrong, a constant sentence. */
const char *document_entry_check(const struct document_entry *e);
/* The word of an event, as in the log. */
const char *document_event_name(enum document_event event);

/* The id of an entry of a stream: "1700000000000-7". */
struct stream_id {
	uint64_t ms, number;
};
/* 0 or -EINVAL. */
int stream_id_read(struct stream_id *out, struct bytes text) NODISCARD;
bool stream_id_is_below(struct stream_id a, struct stream_id b);

struct document_log;

struct document_log_user {
	/* One change. None of them may close the log. */
	void (*entry)(const struct document_entry *e, void *arg);
	/* All that came at once was told. */
	void (*read)(void *arg);
	/* The link is up again: changes may have been missed. */
	void (*connected)(void *arg);
	void *arg;
};

/* after: the newest entry that is known, empty: from the beginning. 0 or -errno. */
int document_log_open(struct document_log **out, const struct redis_place *place,
		      struct bytes after, const struct document_log_user *user) NODISCARD;
void document_log_close(struct document_log *log); /* NULL is fine */
/* The stream was made anew: goes on behind that entry, empty: from the beginning. */
void document_log_seek(struct document_log *log, struct bytes after);
/* Whether the newest entry is one that comes before what was read: the stream was made anew. */
bool document_log_is_newer(const struct document_log *log, struct bytes newest);
void document_log_flush(struct document_log *log);
void document_log_expire(struct document_log *log, uint64_t now_ns);
uint64_t document_log_next_ns(const struct document_log *log);

#endif
