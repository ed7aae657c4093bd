/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contacts, pictures of extensions and notes of all tenants as rows for a backup, and put again.
 * Ids, flags and times of notes stay; a book that is made again has another epoch, so clients of
 * CardDAV read all of it once more.
 */
#include "app/archive/contact/contact.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json_member.h"

enum { PAGE_ROWS = 200, PAGE_OCTETS = 96 << 10, PLACE_MAX = 512, WORDS = 5 };

struct rows_page {
	json_t *rows;
	size_t octets;
	bool more;
	/* behind the last row: c TENANT OWNER ID or n TENANT OWNER ABOUT NOTE */
	char place[PLACE_MAX];
};

static bool page_is_full(struct rows_page *page)
{
	page->more = json_array_size(page->rows) == PAGE_ROWS || page->octets > PAGE_OCTETS;
	return page->more;
}

/* Columns: tenant, owner, id, number, flags, card. */
static bool on_contact_row(const struct sql_value *row, void *arg)
{
	struct rows_page *page = arg;
	int64_t flags = sql_int(&row[4]);
	json_t *one;

	if (page_is_full(page))
		return false;
	one = json_pack("{s:s%, s:s%, s:s%, s:s%, s:o}", "tenant", row[0].text.p, row[0].text.n,
			"owner", row[1].text.p, row[1].text.n, "contact", row[2].text.p,
			row[2].text.n, "number", row[3].text.p, row[3].text.n, "card",
			json_loadb((const char *)row[5].text.p, row[5].text.n, 0, NULL));
#define X(flag, member)            \
	if (one && flags & (flag)) \
		(void)json_object_set_new(one, member, json_true());
	CONTACT_FLAGS(X)
#undef X
	page->octets += row[5].text.n;
	(void)snprintf(page->place, sizeof(page->place), "c " BYTES_FMT " " BYTES_FMT " " BYTES_FMT,
		       BYTES_ARG(row[0].text), BYTES_ARG(row[1].text), BYTES_ARG(row[2].text));
	return !json_array_append_new(page->rows, one);
}

/* Columns: tenant, owner, about, note, at_ms, archived, text. */
static bool on_note_row(const struct sql_value *row, void *arg)
{
	struct rows_page *page = arg;
	int64_t note = sql_int(&row[3]);

	if (page_is_full(page))
		return false;
	page->octets += row[6].text.n;
	(void)snprintf(page->place, sizeof(page->place),
		       "n " BYTES_FMT " " BYTES_FMT " " BYTES_FMT " %lld", BYTES_ARG(row[0].text),
		       BYTES_ARG(row[1].text), BYTES_ARG(row[2].text), (long long)note);
	return !json_array_append_new(
		page->rows,
		json_pack("{s:s%, s:s%, s:s%, s:I, s:I, s:b, s:s%}", "tenant", row[0].text.p,
			  row[0].text.n, "owner", row[1].text.p, row[1].text.n, "about",
			  row[2].text.p, row[2].text.n, "note", (json_int_t)note, "written_utc_ms",
			  (json_int_t)sql_int(&row[4]), "archived", (int)sql_int(&row[5]), "text",
			  row[6].text.p, row[6].text.n));
}

/* Of extensions the picture alone: the rest is in their documents. */
int contact_backup(struct archive *a, const json_t *args, json_t **result, char why[SQL_WHY_MAX])
{
	struct rows_page page = { .rows = json_array() };
	struct bytes after = archive_arg(args, "after"), words[WORDS] = { { 0 } };
	struct sql_value params[WORDS - 1];
	uint64_t note = 0;
	bool notes;
	int err;

	(void)why;
	for (size_t i = 0; i < WORDS && bytes_cut(&after, ' ', &words[i]); i++)
		;
	for (size_t i = 0; i < COUNT_OF(params); i++)
		params[i] = sql_text(words[i + 1]);
	notes = bytes_is(words[0], "n");
	if (notes) {
		(void)bytes_u64(words[4], &note);
		params[3] = sql_number((int64_t)note);
	}
	err = notes ? sql_run(a->sql,
			      "SELECT tenant, owner, about, note, at_ms, archived, text FROM "
			      "contact_note WHERE (tenant, owner, about, note) > ($1, $2, $3, $4) "
			      "ORDER BY tenant, owner, about, note LIMIT 201",
			      params, 4, on_note_row, &page)
		    : sql_run(a->sql,
			      "SELECT tenant, owner, id, number, flags, card FROM contact WHERE "
			      "(tenant, owner, id) > ($1, $2, $3) AND (owner <> "
			      "'" CONTACT_COLLEAGUES "' OR card LIKE '%\"photo\":%') "
			      "ORDER BY tenant, owner, id LIMIT 201",
			      params, 3, on_contact_row, &page);
	static_assert(PAGE_ROWS == 200, "LIMIT");
	*result = json_pack("{s:o, s:s*}", "rows", page.rows, "next",
			    page.more ? page.place
			    : notes   ? NULL
				      : "n");
	return err || *result ? err : -ENOMEM;
}

/* Its number is a revision of the book: the next one has a higher one. */
static int note_row_put(struct archive *a, struct contact_book book, const json_t *args,
			char why[SQL_WHY_MAX])
{
	struct sql_value params[] = {
		sql_text(book.tenant),
		sql_text(book.owner),
		sql_number((int64_t)json_count(args, "note")),
		sql_text(archive_arg(args, "about")),
		sql_number((int64_t)json_count(args, "written_utc_ms")),
		sql_number(json_flag(args, "archived")),
		sql_text(archive_arg(args, "text")),
	};
	int64_t revision;
	int err = contact_book_touch(a, book, 0, &revision, why);

	if (!err)
		err = sql_run(a->sql,
			      "UPDATE contact_book SET revision = $3 WHERE tenant = $1 AND "
			      "owner = $2 AND revision < $3",
			      params, 3, NULL, NULL);
	return err ? err
		   : sql_run(a->sql,
			     "INSERT INTO contact_note (tenant, owner, note, about, at_ms, "
			     "archived, text) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT "
			     "(tenant, owner, about, note) DO UPDATE SET at_ms = excluded.at_ms, "
			     "archived = excluded.archived, text = excluded.text",
			     params, COUNT_OF(params), NULL, NULL);
}

static int contact_row_restore(struct archive *a, struct contact_book book, const json_t *args,
			       char why[SQL_WHY_MAX])
{
	const json_t *card = json_object_get(args, "card");
	struct dial_plan plan;
	int64_t mask;
	bool added;

	if (!json_text(args, "contact")[0] || !json_text(card, "name")[0]) {
		(void)snprintf(why, SQL_WHY_MAX, "it is neither a contact nor a note");
		return -EINVAL;
	}
	contact_plan(&plan, args);
	return contact_save(a, book, json_text(args, "contact"), card, contact_flags(args, &mask),
			    &plan, archive_arg_now(args), &added, why);
}

int contact_restore(struct archive *a, const json_t *args, json_t **result, char why[SQL_WHY_MAX])
{
	struct contact_book book = contact_book_of(args);
	int err = sql_begin(a->sql);

	if (!err)
		err = json_text(args, "about")[0] ? note_row_put(a, book, args, why)
						  : contact_row_restore(a, book, args, why);
	if (!err)
		err = sql_commit(a->sql);
	sql_rollback(a->sql);
	if (!err)
		*result = json_pack("{s:O}", "owner", json_object_get(args, "owner"));
	return err;
}
