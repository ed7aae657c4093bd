/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notes of a user, with the time at which each was written: about a contact, an extension, or the
 * user. An archived one is kept, and not counted. They are that user's alone.
 */
#include "app/archive/contact/contact.h"

#include <errno.h>
#include <stdio.h>

#include "base/json_member.h"

enum { NOTES_ABOUT_MAX = 100, NOTES_OWNER_MAX = 10000 };

static bool on_count(const struct sql_value *row, void *arg)
{
	*(int64_t *)arg = sql_int(&row[0]);
	return true;
}

static int notes_fit(struct archive *a, const struct sql_value key[3], char why[SQL_WHY_MAX])
{
	int64_t about = 0, all = 0;
	int err = sql_run(a->sql,
			  "SELECT COUNT(*) FROM contact_note WHERE tenant = $1 AND owner = $2 "
			  "AND about = $3",
			  key, 3, on_count, &about);

	if (!err)
		err = sql_run(a->sql,
			      "SELECT COUNT(*) FROM contact_note WHERE tenant = $1 AND owner = $2",
			      key, 2, on_count, &all);
	if (err || (about < NOTES_ABOUT_MAX && all < NOTES_OWNER_MAX))
		return err;
	(void)snprintf(why, SQL_WHY_MAX, "there are %d notes about one at most, and %d of a user",
		       NOTES_ABOUT_MAX, NOTES_OWNER_MAX);
	return -ENOBUFS;
}

static int note_missing(char why[SQL_WHY_MAX])
{
	(void)snprintf(why, SQL_WHY_MAX, "there is no such note");
	return -ENOENT;
}

static int note_add(struct archive *a, const json_t *args, int64_t *note, char why[SQL_WHY_MAX])
{
	struct contact_book book = contact_book_of(args);
	struct sql_value params[7] = { sql_text(book.tenant), sql_text(book.owner),
				       sql_text(archive_arg(args, "about")) };
	int err = contact_book_touch(a, book, 0, note, why);

	params[3] = sql_number(*note); /* a revision comes once */
	params[4] = sql_number(archive_arg_now(args));
	params[5] = sql_number(json_flag(args, "archived"));
	params[6] = sql_text(archive_arg(args, "text"));
	if (!err)
		err = notes_fit(a, params, why);
	return err ? err
		   : sql_run(a->sql,
			     "INSERT INTO contact_note (tenant, owner, about, note, at_ms, "
			     "archived, text) VALUES ($1, $2, $3, $4, $5, $6, $7)",
			     params, COUNT_OF(params), NULL, NULL);
}

/* Its time stays that at which it was written. */
static int note_change(struct archive *a, const json_t *args, int64_t note, char why[SQL_WHY_MAX])
{
	struct contact_book book = contact_book_of(args);
	const json_t *archived = json_object_get(args, "archived");
	const struct sql_value params[] = {
		sql_text(book.tenant),
		sql_text(book.owner),
		sql_text(archive_arg(args, "about")),
		sql_number(note),
		sql_text(archive_arg(args, "text")),
		sql_number(archived ? json_is_true(archived) : -1),
	};
	int err = sql_run(a->sql,
			  "UPDATE contact_note SET text = CASE WHEN $5 = '' THEN text ELSE $5 END, "
			  "archived = CASE WHEN CAST($6 AS INTEGER) < 0 THEN archived ELSE "
			  "CAST($6 AS INTEGER) END WHERE tenant = $1 AND owner = $2 AND about = $3 "
			  "AND note = $4",
			  params, COUNT_OF(params), NULL, NULL);

	return err || sql_changed(a->sql) ? err : note_missing(why);
}

int contact_note_put(struct archive *a, const json_t *args, json_t **result, char why[SQL_WHY_MAX])
{
	int64_t note = (int64_t)json_count(args, "note");
	int err = sql_begin(a->sql);

	if (!err)
		err = note ? note_change(a, args, note, why) : note_add(a, args, &note, why);
	if (!err)
		err = sql_commit(a->sql);
	sql_rollback(a->sql);
	if (!err)
		*result = json_pack("{s:O, s:I}", "about", json_object_get(args, "about"), "note",
				    (json_int_t)note);
	return err;
}

int contact_note_delete(struct archive *a, const json_t *args, json_t **result,
			char why[SQL_WHY_MAX])
{
	struct contact_book book = contact_book_of(args);
	const struct sql_value params[] = { sql_text(book.tenant), sql_text(book.owner),
					    sql_text(archive_arg(args, "about")),
					    sql_number((int64_t)json_count(args, "note")) };
	int err = sql_run(a->sql,
			  "DELETE FROM contact_note WHERE tenant = $1 AND owner = $2 AND "
			  "about = $3 AND note = $4",
			  params, COUNT_OF(params), NULL, NULL);

	if (!err && !sql_changed(a->sql))
		return note_missing(why);
	if (!err)
		*result = json_pack("{s:O, s:O}", "about", json_object_get(args, "about"), "note",
				    json_object_get(args, "note"));
	return err;
}

static bool on_note(const struct sql_value *row, void *arg)
{
	(void)json_array_append_new(
		arg, json_pack("{s:I, s:I, s:b, s:s%}", "note", (json_int_t)sql_int(&row[0]),
			       "written_utc_ms", (json_int_t)sql_int(&row[1]), "archived",
			       (int)sql_int(&row[2]), "text", row[3].text.p, row[3].text.n));
	return true;
}

int contact_note_list(struct archive *a, const json_t *args, json_t **result, char why[SQL_WHY_MAX])
{
	struct contact_book book = contact_book_of(args);
	const struct sql_value params[] = { sql_text(book.tenant), sql_text(book.owner),
					    sql_text(archive_arg(args, "about")) };

	(void)why;
	*result = json_array();
	return sql_run(a->sql,
		       "SELECT note, at_ms, archived, text FROM contact_note WHERE tenant = $1 AND "
		       "owner = $2 AND about = $3 ORDER BY note DESC",
		       params, COUNT_OF(params), on_note, *result);
}
