/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The archive: what people look up, in SQL. It takes entries of Redis streams exactly once: rows
 * and the mark of the stream are one transaction, and each row has an id of ours, so what is read
 * again changes nothing. It answers pages of history, takes conversations out of lists, and erases
 * persons and tenants for good. Calls block: it is for a process of its own, one thread.
 */
#ifndef APP_ARCHIVE_ARCHIVE_H
#define APP_ARCHIVE_ARCHIVE_H

#include "app/archive/archive_conversation.h"
#include "app/archive/archive_sql.h"

enum {
	ARCHIVE_BATCH_MAX = 4096,  /* entries saved at once */
	ARCHIVE_LOOKED_MAX = 5000, /* entries that a page looks at */
	ARCHIVE_PAGE_MAX = 1000,
	ARCHIVE_SET_MAX = 16, /* lists that are one page */
	ARCHIVE_NOTE_MAX = 1000,
	ARCHIVE_ENTRY_ID_MAX = 48,
	ARCHIVE_WHO_MAX = 65,
	ARCHIVE_MONTHS_MAX = 64,
};

/* Tenant of the audit of operators, as DIRECTORY_OPERATORS. */
#define ARCHIVE_OPERATORS "_operator"
/* The owner of the book of a tenant's extensions. Nobody writes it: a node keeps it as their
 * documents are (contact_mirror.c). */
#define CONTACT_COLLEAGUES  "e"
#define ARCHIVE_SECURITY_MS (90 * 86400000LL)
enum { ARCHIVE_SECURITY_MAX = 1000000 };

struct archive;

/* As sql_open, and brings the schema forward. */
int archive_open(struct archive **out, const char *where, char why[SQL_WHY_MAX]) NODISCARD;
void archive_close(struct archive *a);
struct sql *archive_sql(struct archive *a);

/* ---- streams ---- */

/* Where a stream is read on: behind entry. Both empty: from its beginning. */
struct archive_mark {
	char entry[ARCHIVE_ENTRY_ID_MAX];
	char own[ARCHIVE_OWN_MAX]; /* archive_own of that entry: another one is another history */
};

/* Entries that are saved together, in the order of their stream. */
struct archive_batch;

struct archive_batch *archive_batch_new(void) NODISCARD;
void archive_batch_free(struct archive_batch *b);
void archive_batch_clear(struct archive_batch *b);
/* Copies what it needs. 0; -ENOBUFS: it has ARCHIVE_BATCH_MAX; -ENOMEM. An entry that is broken is
 * kept as one, and one that is not archived only moves the mark. */
int archive_batch_add(struct archive_batch *b, const struct archive_entry *entry) NODISCARD;
size_t archive_batch_count(const struct archive_batch *b);

/* The mark of a stream; empty where it has none. 0, or as archive_sql.h. */
int archive_mark_get(struct archive *a, struct bytes stream, struct archive_mark *out) NODISCARD;
/*
 * Saves a batch of one stream, and its last entry as mark. from: the mark behind which it was read.
 * -ESTALE: the mark is another one by now, as another node has read on; nothing is saved. Else as
 * archive_sql.h; the batch stays as it is, and may be saved again. Who trims the stream below
 * the mark leaves the entry of the mark itself.
 */
int archive_save(struct archive *a, struct archive_batch *b, struct bytes stream,
		 const struct archive_mark *from, int64_t now_ms) NODISCARD;

/* ---- history ---- */

struct archive_query {
	struct bytes tenant;
	/* Lists, as archive_listed has them: of one user, of several, of a group, of numbers. */
	struct bytes owners[ARCHIVE_SET_MAX];
	size_t owner_count;         /* 0: all of the tenant */
	int64_t since_ms, until_ms; /* by the last disconnect; 0 and INT64_MAX for all */
	int direction, result;      /* -1: any */
	uint32_t flags;             /* all of them */
	bool unlogged;              /* those that are to have a log in a CRM, and have none */
	struct bytes group, answered_by, account, flow, dnis; /* exact; empty: any */
	struct bytes text;   /* within names and numbers, in small or large letters */
	uint32_t limit;      /* 1 to ARCHIVE_PAGE_MAX */
	struct bytes cursor; /* of the page before; empty: the newest */
};

/*
 * *rows: an array of objects, newest last disconnect first; the caller's. *cursor: where the next
 * page begins, JSON null at the end of all. A page may have fewer rows than limit, or none, and
 * go on all the same, as it looks at ARCHIVE_LOOKED_MAX entries at most. 0; -EINVAL: the cursor is
 * none; else as archive_sql.h.
 */
int archive_history(struct archive *a, const struct archive_query *q, json_t **rows,
		    json_t **cursor) NODISCARD;
/* The row of one conversation in a list (owner empty: of the tenant). 0 or -ENOENT, or as
 * archive_sql.h. */
int archive_one(struct archive *a, struct bytes tenant, struct bytes owner, uint64_t call,
		json_t **row) NODISCARD;
/* The legs of a conversation in detail, by number; empty: no such conversation. */
int archive_legs(struct archive *a, struct bytes tenant, uint64_t call, json_t **legs) NODISCARD;

/* *since_ms is no earlier than where conversations of that list are to have a log in a CRM;
 * INT64_MAX: none is. */
int archive_logged_since(struct archive *a, struct bytes tenant, struct bytes owner,
			 int64_t *since_ms) NODISCARD;

/* Takes conversations out of a list, all of them or none; or all that ended by then. They stay in
 * the others. */
int archive_hide(struct archive *a, struct bytes tenant, struct bytes owner, const uint64_t *calls,
		 size_t count, int64_t now_ms) NODISCARD;
int archive_clear(struct archive *a, struct bytes tenant, struct bytes owner,
		  int64_t until_ms) NODISCARD;
/* A note of the owner of that list; empty: none any more. At most ARCHIVE_NOTE_MAX octets. */
int archive_note(struct archive *a, struct bytes tenant, struct bytes owner, uint64_t call,
		 struct bytes text, int64_t now_ms) NODISCARD;

/* ---- erasure, retention, export ---- */

/* A name in the table of erasures, which does not have it in clear: a digest. */
void archive_who(char out[ARCHIVE_WHO_MAX], struct bytes tenant, struct bytes number);
/*
 * Erases a number or user of a tenant from all that ended by then: its lists, its notes, its names
 * in conversations, records of messages to it. number empty: the whole tenant. Call it until *more
 * is false: each call is a bounded transaction. From the first call on nothing of that comes back
 * by reading streams again. A database that is restored from a backup lacks what was erased since:
 * it is erased again then, from a list that is kept elsewhere.
 */
int archive_erase(struct archive *a, struct bytes tenant, struct bytes number, int64_t until_ms,
		  bool *more) NODISCARD;
/* Where an entry of the audit says that extensions were deleted: the lists, notes and contacts of
 * their users end then, and the next user of a number begins without them. Where it says so of a
 * tenant, with erase: all that the tenant had by then is erased, by archive_erase_tenants. All that
 * is of the same transaction as the entry, so it is done once. 0 or as archive_sql.h. */
int archive_forget(struct archive *a, const struct archive_event *e) NODISCARD;
/* Deletes a part of what tenants that were erased had by then, also of what came since, as an older
 * backup that was read again. */
int archive_erase_tenants(struct archive *a, bool *more) NODISCARD;
/* Deletes conversations and events of a tenant that ended before, some at a time. */
int archive_retain(struct archive *a, struct bytes tenant, int64_t before_ms, bool *more) NODISCARD;
/* Deletes security events that are older than ARCHIVE_SECURITY_MS, and those behind the newest. */
int archive_retain_security(struct archive *a, int64_t now_ms, uint32_t newest) NODISCARD;

/* ---- inside ---- */

struct archive {
	struct sql *sql;
	int64_t months[ARCHIVE_MONTHS_MAX]; /* months known to have partitions */
	size_t month_count;
	struct archive_erasure {
		char tenant[32];
		char who[ARCHIVE_WHO_MAX];
		int64_t until_ms;
	} * erasures; /* sorted */
	size_t erasure_count;
	int64_t erasure_sum; /* of the table when it was read */
	bool erases;         /* a tenant was erased, and archive_erase_tenants is due */
	struct archive_conversation made; /* one after the other */
};

/* Which rows of a leg count: the newer ones, or those that are saved now, as of an erasure. */
enum archive_leg_rule { ARCHIVE_NEWER, ARCHIVE_REPLACE };

/* Saves legs and rebuilds their conversations and lists, within a transaction. legs: at most one
 * for each pair of call and leg; the function sorts them. */
int archive_legs_save(struct archive *a, struct archive_leg *legs, size_t count,
		      enum archive_leg_rule rule) NODISCARD;
/* The columns of a leg in a row, in the order of ARCHIVE_LEG_COLUMNS. Texts are copied. 0 or
 * -ENOMEM. */
int archive_leg_read(struct archive_leg *out, const struct sql_value *row) NODISCARD;
extern const char archive_leg_columns[]; /* each with the prefix "l." */

/* Erasures that count for what is saved now; within a transaction, which no erasure overtakes. */
int archive_erasures_load(struct archive *a) NODISCARD;
/* Takes erased persons out of a leg. False: it is not saved, as its tenant was erased. */
bool archive_leg_may_stay(const struct archive *a, struct archive_leg *leg);
bool archive_event_may_stay(const struct archive *a, const struct archive_event *e) NODISCARD;

/* Removes one from all lists that it is in, given one a line. */
int archive_lists_delete(struct archive *a, struct bytes tenant, struct bytes owners,
			 int64_t ended_ms, int64_t call) NODISCARD;

#endif
