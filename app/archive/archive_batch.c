/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens the archive, gathers entries of a stream, and saves them with the mark of the stream in one
 * transaction (archive.h). The mark is compared and set first, so of two processes that read one
 * stream one saves, and the other one learns that it is late.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/archive/archive.h"

struct archive_batch {
	size_t count; /* entries, also such as have no row */
	struct archive_mark to;
	struct archive_leg legs[ARCHIVE_BATCH_MAX];
	struct archive_event events[ARCHIVE_BATCH_MAX];
	size_t leg_count, event_count;
};

int archive_open(struct archive **out, const char *where, char why[SQL_WHY_MAX])
{
	struct archive *a = calloc(1, sizeof(*a));
	int err = -ENOMEM;

	*out = NULL;
	(void)snprintf(why, SQL_WHY_MAX, "out of memory");
	if (!a)
		return err;
	err = sql_open(&a->sql, where, why);
	if (!err) {
		err = sql_migrate(a->sql);
		if (!err)
			err = sql_session(a->sql);
		if (err)
			(void)snprintf(why, SQL_WHY_MAX, "%s", sql_why(a->sql));
	}
	if (err)
		archive_close(a);
	else
		*out = a;
	return err;
}

void archive_close(struct archive *a)
{
	if (!a)
		return;
	sql_close(a->sql);
	free(a->erasures);
	free(a);
}

struct sql *archive_sql(struct archive *a)
{
	return a->sql;
}

/* ---- a batch ---- */

struct archive_batch *archive_batch_new(void)
{
	return calloc(1, sizeof(struct archive_batch));
}

void archive_batch_clear(struct archive_batch *b)
{
	for (size_t i = 0; i < b->leg_count; i++)
		archive_leg_drop(&b->legs[i]);
	for (size_t i = 0; i < b->event_count; i++)
		archive_event_drop(&b->events[i]);
	b->count = b->leg_count = b->event_count = 0;
	b->to = (struct archive_mark){ 0 };
}

void archive_batch_free(struct archive_batch *b)
{
	if (!b)
		return;
	archive_batch_clear(b);
	free(b);
}

size_t archive_batch_count(const struct archive_batch *b)
{
	return b->count;
}

static int batch_parse(struct archive_batch *b, const struct archive_entry *entry)
{
	int err;

	if (entry->kind == ARCHIVE_CDRS) {
		err = archive_leg_parse(&b->legs[b->leg_count], entry);
		b->leg_count += !err;
	} else {
		err = archive_event_parse(&b->events[b->event_count], entry);
		b->event_count += !err;
	}
	if (err == -EBADMSG) {
		err = archive_event_broken(&b->events[b->event_count], entry);
		b->event_count += !err;
	}
	return err == -ENOENT ? 0 : err;
}

int archive_batch_add(struct archive_batch *b, const struct archive_entry *entry)
{
	int err = b->count < ARCHIVE_BATCH_MAX ? batch_parse(b, entry) : -ENOBUFS;

	if (err)
		return err;
	if (bytes_cstr(entry->id, b->to.entry, sizeof(b->to.entry)))
		b->to.entry[0] = '\0';
	archive_own(b->to.own, entry);
	b->count++;
	return 0;
}

/* ---- the mark ---- */

static bool mark_row(const struct sql_value *row, void *arg)
{
	struct archive_mark *mark = arg;

	(void)bytes_cstr(row[0].text, mark->entry, sizeof(mark->entry));
	(void)bytes_cstr(row[1].text, mark->own, sizeof(mark->own));
	return false;
}

int archive_mark_get(struct archive *a, struct bytes stream, struct archive_mark *out)
{
	const struct sql_value param = sql_text(stream);

	*out = (struct archive_mark){ 0 };
	return sql_run(a->sql, "SELECT entry, own FROM mark WHERE source = $1", &param, 1, mark_row,
		       out);
}

static int mark_set(struct archive *a, struct bytes stream, const struct archive_mark *from,
		    const struct archive_mark *to, int64_t now_ms)
{
	const struct sql_value params[] = {
		sql_text(stream),   sql_text(bytes_str(to->entry)),   sql_text(bytes_str(to->own)),
		sql_number(now_ms), sql_text(bytes_str(from->entry)), sql_text(bytes_str(from->own))
	};
	int err = from->entry[0] ? sql_run(a->sql,
					   "UPDATE mark SET entry = $2, own = $3, saved_ms = $4 "
					   "WHERE source = $1 AND entry = $5 AND own = $6",
					   params, 6, NULL, NULL)
				 : sql_run(a->sql,
					   "INSERT INTO mark (source, entry, own, saved_ms) "
					   "VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
					   params, 4, NULL, NULL);

	return err ? err : sql_changed(a->sql) ? 0 : -ESTALE;
}

/* ---- events ---- */

enum { EVENT_COLUMNS = 9 };

static int event_copy(struct archive *a, const struct archive_event *e)
{
	const struct sql_value row[EVENT_COLUMNS] = {
		sql_text(bytes_str(e->own)),
		sql_number(e->kind),
		sql_number(e->utc_ms),
		sql_text(e->tenant),
		sql_text(e->type),
		sql_text(e->subject),
		sql_text(e->who),
		sql_text(e->body),
		sql_number(e->seq),
	};

	return archive_event_may_stay(a, e) ? sql_copy_row(a->sql, row) : 0;
}

static int events_save(struct archive *a, const struct archive_batch *b)
{
	int err;

	if (!b->event_count)
		return 0;
	err = sql_script(a->sql, "DELETE FROM new_event");
	for (size_t i = 0; i < b->event_count && !err; i++)
		err = archive_forget(a, &b->events[i]);
	if (!err)
		err = sql_copy_begin(a->sql, "new_event", EVENT_COLUMNS);
	if (!err) {
		int ended;

		for (size_t i = 0; i < b->event_count && !err; i++)
			err = event_copy(a, &b->events[i]);
		ended = sql_copy_end(a->sql);
		err = err ? err : ended;
	}
	return err ? err
		   : sql_run(a->sql,
			     "INSERT INTO event SELECT * FROM new_event WHERE true "
			     "ON CONFLICT (own) DO NOTHING",
			     NULL, 0, NULL, NULL);
}

/* ---- legs ---- */

static int leg_order(const void *one, const void *other)
{
	const struct archive_leg *a = one, *b = other;

	if (a->call != b->call)
		return a->call < b->call ? -1 : 1;
	if (a->leg != b->leg)
		return a->leg < b->leg ? -1 : 1;
	return (a->revision < b->revision) - (a->revision > b->revision);
}

/* Of each leg the one that counts, without what was erased. Drops the others. */
static void batch_settle(const struct archive *a, struct archive_batch *b)
{
	size_t kept = 0;

	qsort(b->legs, b->leg_count, sizeof(*b->legs), leg_order);
	for (size_t i = 0; i < b->leg_count; i++) {
		struct archive_leg *l = &b->legs[i], *last = kept ? &b->legs[kept - 1] : NULL;
		bool again = last && last->call == l->call && last->leg == l->leg;

		if (again || !archive_leg_may_stay(a, l)) {
			archive_leg_drop(l);
			continue;
		}
		if (&b->legs[kept] != l)
			b->legs[kept] = *l;
		kept++;
	}
	b->leg_count = kept;
}

/* ---- partitions ---- */

static bool month_is_known(const struct archive *a, int64_t month)
{
	for (size_t i = 0; i < a->month_count; i++) {
		if (a->months[i] == month)
			return true;
	}
	return false;
}

/* Two processes may do it at once: the second one finds that it is done. */
static int month_make(struct archive *a, int64_t month)
{
	static const char *const tables[] = { "leg", "conversation", "listing" };
	char text[512];
	struct writer w = writer_over(text, sizeof(text));
	int err;

	for (size_t i = 0; i < COUNT_OF(tables); i++)
		writer_fmt(&w,
			   "CREATE TABLE IF NOT EXISTS %s_%06" PRId64
			   " PARTITION OF %s FOR VALUES IN (%" PRId64 ");",
			   tables[i], month, tables[i], month);
	writer_u8(&w, '\0');
	err = sql_script(a->sql, text);
	return err == -EIO ? sql_script(a->sql, text) : err;
}

/* Before the transaction: each needs the tables for itself for a moment. */
static int months_ensure(struct archive *a, const struct archive_batch *b)
{
	int err = 0;

	for (size_t i = 0; i < b->leg_count && !err && sql_is_postgres(a->sql); i++) {
		int64_t month = b->legs[i].month;

		if (month_is_known(a, month))
			continue;
		err = month_make(a, month);
		if (!err && a->month_count < ARCHIVE_MONTHS_MAX)
			a->months[a->month_count++] = month;
	}
	return err;
}

static int batch_save(struct archive *a, struct archive_batch *b, struct bytes stream,
		      const struct archive_mark *from, int64_t now_ms)
{
	int err = mark_set(a, stream, from, &b->to, now_ms);

	if (!err)
		err = archive_erasures_load(a);
	if (!err) {
		batch_settle(a, b);
		err = archive_legs_save(a, b->legs, b->leg_count, ARCHIVE_NEWER);
	}
	return err ? err : events_save(a, b);
}

int archive_save(struct archive *a, struct archive_batch *b, struct bytes stream,
		 const struct archive_mark *from, int64_t now_ms)
{
	int err = b->count ? months_ensure(a, b) : 0;

	if (!b->count || err)
		return err;
	err = sql_begin(a->sql);
	if (!err)
		err = batch_save(a, b, stream, from, now_ms);
	if (!err)
		err = sql_commit(a->sql);
	sql_rollback(a->sql);
	return err;
}
