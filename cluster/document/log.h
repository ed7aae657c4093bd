/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the log of documents (td:{docs}:log): every change that any node makes, in the order in which Redis made them. Reading
 * blocks, so it has a link of its own. Control thread.
 */
#ifndef CLUSTER_DOCUMENT_LOG_H
#define CLUSTER_DOCUMENT_LOG_H

#include "cluster/document/entry.h"
#include "cluster/redis/redis.h"

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
bool document_log_is_ahead(const struct document_log *log, struct bytes newest);
void document_log_flush(struct document_log *log);
void document_log_expire(struct document_log *log, uint64_t now_ns);
uint64_t document_log_next_ns(const struct document_log *log);

#endif
