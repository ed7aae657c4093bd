/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contacts in the database: put, read, deleted, and found by a number. Each change is a transaction
 * that begins with the row of its book, so two nodes that change one book come one after the other,
 * and no book has more than it may.
 */
#include "app/archive/contact/contact.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_member.h"
#include "sig/host/name_index.h"

/* An entry of the index contact_sort has them all: with PostgreSQL it is of 2,704 octets at most,
 * and what is not looked through, the last of the mail addresses, is there all the same. */
enum { WORDS_ROOM = 2400 };

struct contact_book contact_book_of(const json_t *args)
{
	return (struct contact_book){ archive_arg(args, "tenant"), archive_arg(args, "owner") };
}

int64_t contact_flags(const json_t *given, int64_t *mask)
{
	int64_t flags = 0;

	*mask = 0;
#define X(flag, member)                                         \
	if (json_is_boolean(json_object_get(given, member))) {  \
		*mask |= (flag);                                \
		flags |= json_flag(given, member) ? (flag) : 0; \
	}
	CONTACT_FLAGS(X)
#undef X
	return flags;
}

/* ---- books ---- */

struct book_row {
	int64_t revision, entries;
};

static bool on_book(const struct sql_value *row, void *arg)
{
	*(struct book_row *)arg = (struct book_row){ sql_int(&row[0]), sql_int(&row[1]) };
	return true;
}

static int book_count(struct archive *a, struct bytes tenant, struct bytes owner, int added,
		      struct book_row *out)
{
	const struct sql_value params[] = { sql_text(tenant), sql_text(owner), sql_number(added),
					    sql_number((int64_t)clock_utc_ms()) };

	return sql_run(a->sql,
		       "INSERT INTO contact_book (tenant, owner, revision, entries, epoch) "
		       "VALUES ($1, $2, 1, $3, $4) ON CONFLICT (tenant, owner) DO UPDATE SET "
		       "revision = contact_book.revision + 1, "
		       "entries = contact_book.entries + excluded.entries "
		       "RETURNING revision, entries",
		       params, COUNT_OF(params), on_book, out);
}

int contact_book_touch(struct archive *a, struct contact_book book, int added, int64_t *revision,
		       char why[SQL_WHY_MAX])
{
	int64_t most = bytes_is(book.owner, "d") ? CONTACT_SHARED_MAX : CONTACT_OWN_MAX;
	bool mirrored = bytes_is(book.owner, CONTACT_COLLEAGUES); /* bounded as extensions are */
	struct book_row all = { 0 }, own = { 0 };
	int err = mirrored ? 0 : book_count(a, book.tenant, BYTES_LIT("t"), added, &all);

	if (!err)
		err = book_count(a, book.tenant, book.owner, added, &own);
	*revision = own.revision;
	if (err || mirrored || added <= 0 ||
	    (own.entries <= most && all.entries <= CONTACT_TENANT_MAX))
		return err;
	err = book_count(a, book.tenant, BYTES_LIT("t"), -added, &all);
	if (!err)
		err = book_count(a, book.tenant, book.owner, -added, &own);
	(void)snprintf(why, SQL_WHY_MAX,
		       "the book has %lld contacts, and may have %lld; all books "
		       "of a tenant %d",
		       (long long)own.entries, (long long)most, CONTACT_TENANT_MAX);
	return err ? err : -ENOBUFS;
}

/* ---- rows ---- */

struct contact_row {
	json_t *contact;
	int64_t flags;
};

static bool on_contact(const struct sql_value *row, void *arg)
{
	struct contact_row *r = arg;

	r->contact = json_loadb((const char *)row[0].text.p, row[0].text.n, 0, NULL);
	r->flags = sql_int(&row[3]);
	if (!r->contact)
		return false;
	(void)json_object_set_new(r->contact, "revision", json_integer(sql_int(&row[1])));
	(void)json_object_set_new(r->contact, "changed_utc_ms", json_integer(sql_int(&row[2])));
	(void)json_object_set_new(r->contact, "notes", json_integer(sql_int(&row[4])));
#define X(flag, member) \
	(void)json_object_set_new(r->contact, member, json_boolean(r->flags &(flag)));
	CONTACT_FLAGS(X)
#undef X
	return false;
}

static int contact_row(struct archive *a, struct contact_book book, struct bytes id,
		       struct contact_row *out)
{
	const struct sql_value params[] = { sql_text(book.tenant), sql_text(book.owner),
					    sql_text(id) };

	*out = (struct contact_row){ 0 };
	return sql_run(a->sql,
		       "SELECT card, revision, changed_ms, flags, (SELECT COUNT(*) FROM "
		       "contact_note n WHERE n.tenant = $1 AND n.owner = $2 AND "
		       "n.about = 'contact/' || c.id AND n.archived = 0) FROM contact c "
		       "WHERE tenant = $1 AND owner = $2 AND id = $3",
		       params, COUNT_OF(params), on_contact, out);
}

int contact_load(struct archive *a, struct contact_book book, struct bytes id, json_t **contact)
{
	struct contact_row row;
	int err = contact_row(a, book, id, &row);

	*contact = row.contact;
	if (row.contact)
		(void)json_object_set_new(row.contact, "contact",
					  json_stringn((const char *)id.p, id.n));
	return err;
}

/* A text and a line feed, as far as whole ones have room. */
static void word_write(struct writer *w, const char *text)
{
	size_t before = w->n;

	name_fold(w, bytes_str(text));
	writer_u8(w, '\n');
	if (w->overflow)
		*w = (struct writer){ .p = w->p, .n = before, .cap = w->cap };
}

/* All that is looked through: names, company, department, title, numbers as they are and as digits,
 * mail. */
static void contact_words_write(struct writer *w, const json_t *contact,
				const struct dial_plan *plan)
{
	static const char *const members[] = { "name",    "first_name", "middle_name", "last_name",
					       "company", "department", "title" };
	const json_t *one;
	size_t i;

	for (i = 0; i < COUNT_OF(members); i++)
		word_write(w, contact_text(contact, members[i]));
	json_array_foreach(json_object_get(contact, "phones"), i, one)
	{
		char forms[CONTACT_NORMAL_FORMS][DIAL_NUMBER_MAX];
		const char *number = contact_text(one, "number");

		word_write(w, number);
		if (contact_normal(plan, bytes_str(number), forms))
			word_write(w, forms[0]);
	}
	json_array_foreach(json_object_get(contact, "emails"), i, one)
		word_write(w, contact_text(one, "address"));
}

static int numbers_put(struct archive *a, struct contact_book book, const char *id,
		       const json_t *contact, const struct dial_plan *plan)
{
	const json_t *one;
	int err = 0;
	size_t i;

	json_array_foreach(json_object_get(contact, "phones"), i, one)
	{
		char forms[CONTACT_NORMAL_FORMS][DIAL_NUMBER_MAX];
		uint32_t n = contact_normal(plan, bytes_str(contact_text(one, "number")), forms);

		for (uint32_t k = 0; k < n && !err; k++) {
			const struct sql_value params[] = { sql_text(book.tenant),
							    sql_text(bytes_str(forms[k])),
							    sql_text(book.owner),
							    sql_text(bytes_str(id)) };

			err = sql_run(a->sql,
				      "INSERT INTO contact_number (tenant, normal, owner, id) "
				      "VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
				      params, COUNT_OF(params), NULL, NULL);
		}
	}
	return err;
}

static int numbers_delete(struct archive *a, struct contact_book book, struct bytes id)
{
	const struct sql_value params[] = { sql_text(book.tenant), sql_text(book.owner),
					    sql_text(id) };

	return sql_run(a->sql,
		       "DELETE FROM contact_number WHERE tenant = $1 AND owner = $2 AND id = $3",
		       params, COUNT_OF(params), NULL, NULL);
}

/* Its card is without what the row has in columns. */
static char *card_text(const json_t *contact)
{
	static const char *const columns[] = { "contact", "revision", "changed_utc_ms", "notes",
#define X(flag, member) member,
					       CONTACT_FLAGS(X)
#undef X
	};
	json_t *card = json_copy((json_t *)(uintptr_t)contact);
	char *text;

	for (size_t i = 0; i < COUNT_OF(columns); i++)
		(void)json_object_del(card, columns[i]);
	text = json_dumps(card, JSON_COMPACT);
	json_decref(card);
	return text;
}

static bool on_any(const struct sql_value *row, void *arg)
{
	(void)row;
	*(bool *)arg = true;
	return false;
}

static int contact_row_put(struct archive *a, struct contact_book book, const char *id,
			   const json_t *contact, int64_t flags, int64_t revision,
			   const struct dial_plan *plan, int64_t now_ms)
{
	char *card = card_text(contact), *words = malloc(WORDS_ROOM), sort[CONTACT_NAME_MAX];
	struct writer w = writer_over(words, WORDS_ROOM), s = writer_over(sort, sizeof(sort));
	struct sql_value params[14];
	int err = -ENOMEM;

	if (card && words) {
		contact_words_write(&w, contact, plan);
		name_fold(&s, bytes_str(contact_text(contact, "name")));
		params[0] = sql_text(book.tenant);
		params[1] = sql_text(book.owner);
		params[2] = sql_text(bytes_str(id));
		params[3] = sql_number(revision);
		params[4] = sql_number(now_ms);
		params[5] = sql_number(flags);
		params[6] = sql_text(writer_done(&s));
		params[7] = sql_text(bytes_str(contact_text(contact, "name")));
		params[8] = sql_text(bytes_str(contact_main_number(contact)));
		params[9] = sql_text(bytes_str(contact_text(contact, "company")));
		params[10] = sql_text(writer_done(&w));
		params[11] = sql_text(bytes_str(card));
		params[12] = sql_text(bytes_str(contact_text(contact, "uid")));
		params[13] = sql_text(bytes_str(contact_text(contact, "sync")));
		err = sql_run(
			a->sql,
			"INSERT INTO contact (tenant, owner, id, revision, changed_ms, flags, "
			"sort, name, number, company, words, card, uid, sync) VALUES ($1, $2, $3, "
			"$4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT (tenant, "
			"owner, id) "
			"DO UPDATE SET revision = excluded.revision, changed_ms = "
			"excluded.changed_ms, flags = excluded.flags, sort = excluded.sort, "
			"name = excluded.name, number = excluded.number, company = "
			"excluded.company, words = excluded.words, card = excluded.card, "
			"uid = excluded.uid, sync = excluded.sync",
			params, COUNT_OF(params), NULL, NULL);
	}
	free(card);
	free(words);
	return err;
}

int contact_save(struct archive *a, struct contact_book book, const char *id, const json_t *contact,
		 int64_t flags, const struct dial_plan *plan, int64_t now_ms, bool *added,
		 char why[SQL_WHY_MAX])
{
	const struct sql_value key[] = { sql_text(book.tenant), sql_text(book.owner),
					 sql_text(bytes_str(id)) };
	int64_t revision = 0;
	bool there = false;
	int err = contact_book_touch(a, book, 0, &revision, why); /* locks it */

	if (!err)
		err = sql_run(a->sql,
			      "SELECT 1 FROM contact WHERE tenant = $1 AND owner = $2 AND id = $3",
			      key, COUNT_OF(key), on_any, &there);
	if (!err && !there)
		err = contact_book_touch(a, book, 1, &revision, why);
	if (!err)
		err = there ? numbers_delete(a, book, bytes_str(id))
			    : sql_run(a->sql,
				      "DELETE FROM contact_gone WHERE tenant = $1 AND owner = $2 "
				      "AND id = $3",
				      key, COUNT_OF(key), NULL, NULL);
	if (!err)
		err = contact_row_put(a, book, id, contact, flags, revision, plan, now_ms);
	if (!err)
		err = numbers_put(a, book, id, contact, plan);
	*added = !there;
	return err;
}

/* ---- requests ---- */

static int contact_missing(char why[SQL_WHY_MAX])
{
	(void)snprintf(why, SQL_WHY_MAX, "there is no such contact in that book");
	return -ENOENT;
}

int contact_revision_check(const json_t *args, const json_t *contact, char why[SQL_WHY_MAX])
{
	const json_t *wanted = json_object_get(args, "revision");

	if (!wanted ||
	    json_integer_value(json_object_get(contact, "revision")) == json_integer_value(wanted))
		return 0;
	(void)snprintf(why, SQL_WHY_MAX, "it has been changed meanwhile: get it again");
	return -EEXIST;
}

int contact_synced_check(const json_t *contact, const json_t *given, char why[SQL_WHY_MAX])
{
	static const char *const own[] = { "line", "default_number",
#define X(flag, member) member,
					   CONTACT_FLAGS(X)
#undef X
	};
	const char *sync = contact_text(contact, "sync"), *name;
	const json_t *value;
	bool may = given != NULL;

	json_object_foreach((json_t *)(uintptr_t)given, name, value)
	{
		bool is = false;

		for (size_t i = 0; i < COUNT_OF(own); i++)
			is |= !strcmp(name, own[i]);
		may &= is;
	}
	if (!sync[0] || may)
		return 0;
	(void)snprintf(why, SQL_WHY_MAX, "the sync %s has it from another service: change it there",
		       sync);
	return -EPERM;
}

/* What is given over what is there, within a transaction. */
static int contact_change(struct archive *a, struct contact_book book, const json_t *args,
			  const char *id, char why[SQL_WHY_MAX])
{
	const json_t *given = json_object_get(args, "given");
	struct contact_row row = { 0 };
	int64_t mask, flags = contact_flags(given, &mask), unused = 0;
	struct dial_plan plan;
	bool added;
	int err = contact_book_touch(a, book, 0, &unused, why);

	if (!err)
		err = contact_row(a, book, bytes_str(id), &row);
	if (!err && row.contact && json_flag(args, "add")) {
		(void)snprintf(why, SQL_WHY_MAX, "there is a contact of that id");
		err = -EEXIST;
	}
	if (!err)
		err = contact_revision_check(args, row.contact, why);
	if (!err)
		err = contact_synced_check(row.contact, given, why);
	if (!err && !row.contact)
		row.contact = json_object();
	if (!err)
		err = contact_read(row.contact, given, why);
	(void)json_object_del(row.contact, "rev");
	contact_plan(&plan, args);
	if (!err)
		err = contact_save(a, book, id, row.contact, (row.flags & ~mask) | flags, &plan,
				   archive_arg_now(args), &added, why);
	json_decref(row.contact);
	return err;
}

int contact_put(struct archive *a, const json_t *args, json_t **result, char why[SQL_WHY_MAX])
{
	struct contact_book book = contact_book_of(args);
	const char *id = json_text(args, "contact");
	int err = sql_begin(a->sql);

	if (!err)
		err = contact_change(a, book, args, id, why);
	if (!err)
		err = contact_load(a, book, bytes_str(id), result);
	if (!err)
		err = sql_commit(a->sql);
	sql_rollback(a->sql);
	return err;
}

int contact_get(struct archive *a, const json_t *args, json_t **result, char why[SQL_WHY_MAX])
{
	int err = contact_load(a, contact_book_of(args), archive_arg(args, "contact"), result);

	return err || *result ? err : contact_missing(why);
}

/* Those about the tenant's contact are of many. */
static int notes_delete(struct archive *a, struct contact_book book, struct bytes id)
{
	bool shared = bytes_is(book.owner, "d");
	char about[CONTACT_ID_MAX + 16];
	struct sql_value params[3] = { sql_text(book.tenant) };

	(void)snprintf(about, sizeof(about), "%s/" BYTES_FMT, shared ? "directory" : "contact",
		       BYTES_ARG(id));
	params[1] = sql_text(bytes_str(about));
	params[2] = sql_text(book.owner);
	if (shared)
		return sql_run(a->sql, "DELETE FROM contact_note WHERE tenant = $1 AND about = $2",
			       params, 2, NULL, NULL);
	return sql_run(a->sql,
		       "DELETE FROM contact_note WHERE tenant = $1 AND about = $2 AND owner = $3",
		       params, 3, NULL, NULL);
}

/* Deleted contacts are known for a while, for who asks what has changed (RFC 6578 3.5.2). */
static int contact_gone_forget(struct archive *a, struct contact_book book, int64_t now_ms)
{
	const struct sql_value params[] = { sql_text(book.tenant), sql_text(book.owner),
					    sql_number(now_ms - CONTACT_GONE_MS) };
	static const char *const texts[] = {
		"UPDATE contact_book SET pruned = COALESCE((SELECT MAX(revision) FROM contact_gone "
		"WHERE tenant = $1 AND owner = $2 AND (at_ms < $3 OR revision <= (SELECT revision "
		"FROM contact_gone WHERE tenant = $1 AND owner = $2 ORDER BY revision DESC LIMIT 1 "
		"OFFSET 1000))), pruned) WHERE tenant = $1 AND owner = $2",
		"DELETE FROM contact_gone WHERE tenant = $1 AND owner = $2 AND (at_ms < $3 OR "
		"revision <= (SELECT pruned FROM contact_book WHERE tenant = $1 AND owner = $2))",
	};
	int err = 0;

	static_assert(CONTACT_GONE_MAX == 1000, "OFFSET");
	for (size_t i = 0; i < COUNT_OF(texts) && !err; i++)
		err = sql_run(a->sql, texts[i], params, COUNT_OF(params), NULL, NULL);
	return err;
}

static int contact_gone_put(struct archive *a, struct contact_book book, struct bytes id,
			    int64_t revision, int64_t now_ms)
{
	const struct sql_value params[] = { sql_text(book.tenant), sql_text(book.owner),
					    sql_text(id), sql_number(revision),
					    sql_number(now_ms) };
	int err = sql_run(a->sql,
			  "INSERT INTO contact_gone (tenant, owner, id, revision, at_ms) VALUES "
			  "($1, $2, $3, $4, $5)",
			  params, COUNT_OF(params), NULL, NULL);

	return err ? err : contact_gone_forget(a, book, now_ms);
}

/* -EPERM with why, unless its sync is gone: it is of a backup. */
static int synced_stays(struct archive *a, struct contact_book book, const json_t *contact,
			char why[SQL_WHY_MAX])
{
	const struct sql_value key[] = { sql_text(book.tenant),
					 sql_text(bytes_str(contact_text(contact, "sync"))) };
	bool there = false;
	int err = sql_run(a->sql, "SELECT 1 FROM contact_sync WHERE tenant = $1 AND sync = $2", key,
			  COUNT_OF(key), on_any, &there);

	return err || !there ? err : contact_synced_check(contact, NULL, why);
}

int contact_remove(struct archive *a, struct contact_book book, const json_t *args,
		   char why[SQL_WHY_MAX])
{
	struct bytes id = archive_arg(args, "contact");
	const struct sql_value key[] = { sql_text(book.tenant), sql_text(book.owner),
					 sql_text(id) };
	struct contact_row row = { 0 };
	int64_t revision = 0;
	int err = contact_book_touch(a, book, 0, &revision, why);

	if (!err)
		err = contact_row(a, book, id, &row);
	if (!err && row.contact)
		err = contact_revision_check(args, row.contact, why);
	if (!err && !bytes_is(archive_arg(args, "sync"), contact_text(row.contact, "sync")))
		err = synced_stays(a, book, row.contact, why);
	json_decref(row.contact);
	if (!err)
		err = sql_run(a->sql,
			      "DELETE FROM contact WHERE tenant = $1 AND owner = $2 AND id = $3",
			      key, COUNT_OF(key), NULL, NULL);
	if (!err && !sql_changed(a->sql))
		return contact_missing(why);
	if (!err)
		err = contact_book_touch(a, book, -1, &revision, why);
	if (!err)
		err = contact_gone_put(a, book, id, revision, archive_arg_now(args));
	if (!err)
		err = numbers_delete(a, book, id);
	return err ? err : notes_delete(a, book, id);
}

int contact_delete(struct archive *a, const json_t *args, json_t **result, char why[SQL_WHY_MAX])
{
	int err = sql_begin(a->sql);

	if (!err)
		err = contact_remove(a, contact_book_of(args), args, why);
	if (!err)
		err = sql_commit(a->sql);
	sql_rollback(a->sql);
	if (!err)
		*result = json_pack("{s:O}", "contact", json_object_get(args, "contact"));
	return err;
}

/* ---- found by a number ---- */

/* CATEGORIES of its vCard (RFC 6350 6.7.1), without backslashes before commas. NULL: none. */
static json_t *category_of(const json_t *contact)
{
	json_t *found = NULL;
	struct bytes kept = bytes_str(contact_text(contact, "kept")), line;
	char text[CONTACT_NAME_MAX];
	size_t n = 0;

	while (!found && bytes_cut(&kept, '\n', &line)) {
		if (!bytes_istarts(line, "CATEGORIES:") && !bytes_istarts(line, "CATEGORIES;"))
			continue;
		line = bytes_trim(bytes_from(line, bytes_find(line, ':') + 1));
		for (size_t i = 0; i < line.n && n < sizeof(text); i++) {
			if (line.p[i] != '\\')
				text[n++] = (char)line.p[i];
		}
		while (n && n == sizeof(text) && (text[n - 1] & 0x80))
			n--; /* no half of a character */
		found = json_stringn(text, n);
	}
	return found;
}

static bool on_number_found(const struct sql_value *row, void *arg)
{
	bool own = row[0].text.n && row[0].text.p[0] == 'u';
	json_t *card = json_loadb((const char *)row[5].text.p, row[5].text.n, 0, NULL);

	(void)json_array_append_new(
		arg, json_pack("{s:s, s:s%, s:s%, s:s%, s:o*, s:s, s:b, s:b}", "book",
			       own ? "own" : "directory", "contact", row[1].text.p, row[1].text.n,
			       "name", row[2].text.p, row[2].text.n, "company", row[3].text.p,
			       row[3].text.n, "category", category_of(card), "line",
			       own ? contact_text(card, "line") : "", "blocked",
			       (int)(sql_int(&row[4]) & CONTACT_BLOCKED), "number_blocked",
			       (int)sql_int(&row[6])));
	json_decref(card);
	return true;
}

/* One form of a number in one book. Each is a range of the primary key: by one condition for all
 * forms and books an engine reads the books from end to end. */
#define NUMBER_IN(form, owner)                                                                     \
	"SELECT * FROM (SELECT owner, id FROM contact_number WHERE tenant = $1 AND normal = " form \
	" AND owner = " owner " ORDER BY id LIMIT 100) p"
static_assert(CONTACT_OF_NUMBER_MAX == 100, "NUMBER_IN");

static const char g_number_find[] =
	"SELECT c.owner, c.id, c.name, c.company, c.flags, c.card, MAX(c.flags & 4) OVER () "
	"FROM (" NUMBER_IN("$3", "'d'") " UNION " NUMBER_IN("$3", "$2") " UNION " NUMBER_IN(
		"$4",
		"'d'") " UNION " NUMBER_IN("$4",
					   "$2") ") k CROSS JOIN contact c "
						 "WHERE c.tenant = $1 AND c.owner = k.owner AND "
						 "c.id = k.id "
						 "ORDER BY c.owner DESC, c.name, c.id LIMIT 8";
static_assert(CONTACT_BLOCKED == 4, "MAX(c.flags & 4)");

/* The owner's contacts come before those of the tenant. */
int contact_find(struct archive *a, const json_t *args, json_t **result, char why[SQL_WHY_MAX])
{
	char forms[CONTACT_NORMAL_FORMS][DIAL_NUMBER_MAX] = { { 0 } };
	struct contact_book book = contact_book_of(args);
	struct sql_value params[4];
	struct dial_plan plan;
	uint32_t n;

	contact_plan(&plan, args);
	n = contact_normal(&plan, archive_arg(args, "number"), forms);
	*result = json_array();
	if (!n) {
		(void)snprintf(why, SQL_WHY_MAX, "that is no number");
		return -EINVAL;
	}
	params[0] = sql_text(book.tenant);
	params[1] = sql_text(book.owner);
	params[2] = sql_text(bytes_str(forms[0]));
	params[3] = sql_text(bytes_str(forms[n - 1]));
	return sql_run(a->sql, g_number_find, params, COUNT_OF(params), on_number_found, *result);
}
