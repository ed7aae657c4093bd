/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages of a book: in the order of names, folded as they are searched, or of a column as it is;
 * behind a place, with a text anywhere in what is looked through. A book is bounded, so a search
 * reads the entries of its index, none of which has a card, and joins those that it shows. There is
 * no index of parts of words: pg_trgm is an extension that a server need not have, and SQLite has
 * another one.
 */
#include "app/archive/contact/contact.h"

#include <stdio.h>
#include <string.h>

#include "base/json_member.h"
#include "sig/host/name_index.h"

enum { LIST_MOST = 1000, SEARCH_ROOM = 256, STATEMENT_MAX = 1536 };

static bool on_listed(const struct sql_value *row, void *arg)
{
	json_t *card = json_loadb((const char *)row[0].text.p, row[0].text.n, 0, NULL);
	static const char *const large[] = { "photo", "kept", "rev", "uid" };
	int64_t flags = sql_int(&row[4]);

	for (size_t i = 0; i < COUNT_OF(large); i++)
		(void)json_object_del(card, large[i]);
#define X(flag, member) (void)json_object_set_new(card, member, json_boolean(flags &(flag)));
	CONTACT_FLAGS(X)
#undef X
	(void)json_object_set_new(card, "contact",
				  json_stringn((const char *)row[1].text.p, row[1].text.n));
	(void)json_object_set_new(card, "number", json_string(contact_main_number(card)));
	(void)json_object_set_new(card, "revision", json_integer(sql_int(&row[2])));
	(void)json_object_set_new(card, "changed_utc_ms", json_integer(sql_int(&row[3])));
	(void)json_object_set_new(card, "notes", json_integer(sql_int(&row[6])));
	(void)json_object_set_new(card, "sort",
				  json_stringn((const char *)row[5].text.p, row[5].text.n));
	return json_array_append_new(arg, card) == 0;
}

/* With wildcards of LIKE as they are. */
static void search_write(char out[SEARCH_ROOM], struct bytes text)
{
	char folded[SEARCH_ROOM / 4];
	struct writer f = writer_over(folded, sizeof(folded));
	struct writer w = writer_over(out, SEARCH_ROOM - 1);

	if (text.n) {
		name_fold(&f, text);
		writer_u8(&w, '%');
		for (size_t i = 0; i < f.n; i++)
			WRITER_TEXTS(&w, strchr("%_\\", folded[i]) ? "\\" : "",
				     (char[]){ folded[i], 0 });
		writer_u8(&w, '%');
	}
	out[w.n] = '\0';
}

/* A name of a column, and no text of anybody's. */
static const char *list_column(const char *order)
{
	static const char *const columns[] = { "name", "number", "company" };

	for (size_t i = 0; i < COUNT_OF(columns); i++) {
		if (!strcmp(order, columns[i]))
			return columns[i];
	}
	return "sort";
}

static void statement_write(struct writer *w, const json_t *args, uint32_t limit)
{
	const char *by = list_column(json_text(args, "order"));
	bool down = json_flag(args, "down");

	WRITER_TEXTS(w,
		     "SELECT c.card, c.id, c.revision, c.changed_ms, c.flags, c.sort, "
		     "(SELECT COUNT(*) FROM contact_note n WHERE n.tenant = $1 AND n.owner = $2 "
		     "AND n.about = 'contact/' || c.id AND n.archived = 0) "
		     "FROM (SELECT id, ",
		     by,
		     " FROM contact WHERE tenant = $1 AND owner = $2 AND ($3 = '' OR "
		     "words LIKE $3 ESCAPE '\\') AND flags & CAST($4 AS INTEGER) = "
		     "CAST($4 AS INTEGER) AND ($6 = '' OR ",
		     by, down ? " < $5" : " > $5", " OR (", by, " = $5 AND id > $6)) ORDER BY ", by,
		     down ? " DESC" : "", ", id LIMIT ");
	writer_u64(w, limit);
	WRITER_TEXTS(w,
		     ") k JOIN contact c ON c.tenant = $1 AND c.owner = $2 AND c.id = k.id "
		     "ORDER BY c.",
		     by, down ? " DESC" : "", ", c.id");
	writer_u8(w, '\0');
}

int contact_list(struct archive *a, const json_t *args, json_t **result, char why[SQL_WHY_MAX])
{
	struct contact_book book = contact_book_of(args);
	uint64_t limit = json_count(args, "limit");
	char search[SEARCH_ROOM], text[STATEMENT_MAX];
	struct writer w = writer_over(text, sizeof(text));
	int64_t mask, flags = contact_flags(args, &mask);
	struct sql_value params[6];

	(void)why;
	search_write(search, archive_arg(args, "search"));
	statement_write(&w, args, limit && limit < LIST_MOST ? (uint32_t)limit : LIST_MOST);
	params[0] = sql_text(book.tenant);
	params[1] = sql_text(book.owner);
	params[2] = sql_text(bytes_str(search));
	params[3] = sql_number(flags);
	params[4] = sql_text(archive_arg(args, "after"));
	params[5] = sql_text(archive_arg(args, "after_contact"));
	*result = json_array();
	return sql_run(a->sql, text, params, COUNT_OF(params), on_listed, *result);
}
