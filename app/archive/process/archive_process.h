/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The archive as a process beside the node (tandem-archive): it reads streams of Redis into its
 * database, and answers requests. It has its own link to Redis and no part in calls. Lines of JSON
 * over its socket pair:
 *
 *     {"begin":{...}}                  where Redis is (child_redis.h): once, first
 *     {"terms":{"database":...,        a URL of PostgreSQL, or a file of SQLite
 *               "folder":...,          of its own files
 *               "stream_max":...,      streams drop no entry before they have so many
 *               "reads":true,          whether this node's archive reads streams
 *               "days":{TENANT:DAYS},  what is kept for so long alone
 *               "streams":[[KIND,KEY,TENANT],...]}}
 *     {"ask":ID,"kind":NAME,"args":{}} a request (archive_request.h): {"answer":ID,"result":...}
 *                                      or {"answer":ID,"failed":...} comes
 *     {"figures":{...}}                from it, each second: counts since the line before, and
 *                                      "trouble" in words; files "aside"
 *
 * One thread, which SQL blocks: a request waits for the batch before it. With the role "find" it
 * only answers: it has no link to Redis, reads nothing, and keeps no files.
 */
#ifndef APP_ARCHIVE_ARCHIVE_PROCESS_H
#define APP_ARCHIVE_ARCHIVE_PROCESS_H

#include "app/archive/archive.h"
#include "app/child/child_link.h"
#include "app/child/child_redis.h"
#include "cluster/redis/streams.h"
#include "cluster/spool/spool.h"

enum {
	ARCHIVE_KEY_MAX = 128,
	ARCHIVE_EACH = 512, /* entries of a stream in one answer, which are saved together */
};

/* Whether the mark of a stream is known: the database has it, and Redis says whether its entry is
 * still the same. */
enum archive_known { ARCHIVE_UNKNOWN, ARCHIVE_ASKED, ARCHIVE_KNOWN };

struct archive_source {
	enum archive_stream kind;
	enum archive_known known;
	char key[ARCHIVE_KEY_MAX], tenant[32];
	struct archive_mark mark; /* as the database has it */
	char at[STREAM_MARK_MAX]; /* read on behind it */
	uint32_t since;           /* entries since its length was looked at */
	bool late;                /* it grows faster than the database takes it */
	struct archive_process *of;
};

struct archive_process {
	struct child_peer link;
	struct archive *archive; /* NULL: its database is not open */
	char *database;          /* NULL: not told yet */
	uint64_t again_ns;       /* it is opened no sooner */
	char trouble[SQL_WHY_MAX];
	bool reads, finds; /* finds: its role */
	uint64_t stream_max;
	struct archive_source *sources; /* by key */
	size_t source_count;
	struct archive_batch *batch;
	struct redis *redis;
	struct child_redis place;
	struct streams outcome;
	struct { /* archive_spool.c */
		struct spool_file file;
		bool is_open, asked; /* asked: copies come before what the database is to take */
		bool replays;        /* there are files, which are saved before streams are read */
		bool broken;         /* the segment in part */
		size_t at;           /* the stream that is looked at */
		char key[ARCHIVE_KEY_MAX];
		uint64_t number, next_ns, segment_number;
		uint8_t *segment; /* NULL: none */
		struct bytes rest;
		char full[SQL_WHY_MAX]; /* why the disk takes no more; empty: it does */
	} spool;
	json_t *days;       /* of tenants that do not keep all */
	size_t days_at;     /* the next tenant in days, */
	uint64_t retain_ns; /* and when its turn is */
	uint64_t figures_ns;
	uint64_t saved, spooled, lag_ms; /* since the last line; as of the newest batch */
};

/* ---- archive_reader.c ---- */

/* Entries of such a stream that are kept for others, saved or not. */
uint64_t archive_stream_kept(enum archive_stream kind);
/* So many more are saved: trims it to what is kept, where it has more, but below s->at alone. */
void archive_source_trim(struct archive_process *p, struct archive_source *s, size_t more);
/* 0 or -errno. */
int archive_reader_open(struct archive_process *p, const json_t *begin) NODISCARD;
/* The streams of terms; those that were there before go on. */
void archive_reader_set(struct archive_process *p, const json_t *streams);
/* Looks its mark up; s->at is the stream's beginning until Redis has answered. */
void archive_source_mark(struct archive_process *p, struct archive_source *s);
/* All marks are looked up again. */
void archive_reader_forget(struct archive_process *p);
/* What is due; when the next is. */
uint64_t archive_reader_round(struct archive_process *p, uint64_t now_ns);
void archive_reader_close(struct archive_process *p);

/* ---- archive_spool.c ---- */

/* Below that folder; an error is logged. */
void archive_spool_open(struct archive_process *p, const char *folder);
/* What is due of copies, while the database is away or slow. */
void archive_spool_round(struct archive_process *p, uint64_t now_ns);
/* The database is there, and spool.replays: saves a part. */
void archive_spool_replay(struct archive_process *p);
/* The segment that was being saved is read again from its start: the database was away. */
void archive_spool_again(struct archive_process *p);
/* Files that were kept aside, and that nobody has removed since. */
size_t archive_spool_aside(const struct archive_process *p);
void archive_spool_close(struct archive_process *p);

/* ---- archive_process.c ---- */

/* After a failure of archive_sql.h: closes the database, and opens it again some seconds later. */
void archive_process_failed(struct archive_process *p, const char *why);

#endif
