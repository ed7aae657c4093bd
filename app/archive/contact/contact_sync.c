/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contacts that other services have, in the book of an extension or in the tenant's: what a node
 * fetches page by page (app/feature/sync/sync_run.c) becomes contacts here, each page in a
 * transaction with the token where the next one begins. A run has a lease and a number; an older
 * one writes nothing, so one at a time has effect, whichever node it is of. A run that reads all
 * takes away what it has not seen.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/archive/contact/contact.h"
#include "base/json_member.h"

enum {
	LEASE_MS = 120000,
	OF_TENANT = 2, /* runs at a time */
	SWEPT = 200,   /* contacts that a transaction takes away */
};

struct sync_row {
	json_t *owner; /* NULL: there is no such run */
	int64_t began_ms;
};

struct sync_apply {
	struct archive *archive;
	struct contact_book book;
	struct bytes sync;
	struct dial_plan plan;
	int64_t now_ms, seen_ms;
	json_int_t added, changed, removed, failed;
};

/* ---- one contact ---- */

/* By the service's name for it; it has no octet that a name of a sync has. */
static bool synced_id(char out[CONTACT_ID_MAX], struct bytes sync, const char *remote)
{
	json_t *said =
		json_pack("{s:o}", "uid", json_sprintf(BYTES_FMT "\n%s", BYTES_ARG(sync), remote));

	if (said)
		contact_id(out, said);
	json_decref(said);
	return said;
}

static void synced_items(json_t *contact, const json_t *given, const char *member, const char *what,
			 size_t most, size_t count)
{
	json_t *list = json_array(), *one;
	size_t i;

	json_array_foreach(json_object_get(given, member), i, one)
	{
		json_t *item = json_object();

		contact_text_set(item, what, archive_arg(one, what), most, false);
		(void)json_object_set(item, "kind", json_object_get(one, "kind"));
		if (json_array_size(list) < count && contact_text(item, what)[0] &&
		    (strcmp(what, "number") != 0 ||
		     strpbrk(contact_text(item, what), "0123456789")))
			(void)json_array_append(list, item);
		json_decref(item);
	}
	if (json_array_size(list))
		(void)json_object_set(contact, member, list);
	json_decref(list);
}

/* Members as the helper has made them; too long ones are cut. The caller's. */
static json_t *synced_members(const json_t *given)
{
	static const struct {
		const char *name;
		size_t most;
	} texts[] = {
		{ "name", CONTACT_NAME_MAX },        { "first_name", CONTACT_NAME_MAX },
		{ "middle_name", CONTACT_NAME_MAX }, { "last_name", CONTACT_NAME_MAX },
		{ "prefix", CONTACT_NAME_MAX },      { "suffix", CONTACT_NAME_MAX },
		{ "company", CONTACT_NAME_MAX },     { "department", CONTACT_TEXT_MAX },
		{ "title", CONTACT_TEXT_MAX },
	};
	json_t *contact = json_object();

	for (size_t i = 0; i < COUNT_OF(texts); i++)
		contact_text_set(contact, texts[i].name, archive_arg(given, texts[i].name),
				 texts[i].most, false);
	synced_items(contact, given, "phones", "number", CONTACT_NAME_MAX, CONTACT_PHONES_MAX);
	synced_items(contact, given, "emails", "address", CONTACT_TEXT_MAX, CONTACT_EMAILS_MAX);
	return contact;
}

/* The caller's. 0; -EBADMSG: it is no contact; -ENOMEM. */
static int synced_read(const json_t *found, json_t **contact, char why[SQL_WHY_MAX])
{
	struct vcard_reader r = { 0 };
	int err;

	*contact = NULL;
	if (!json_object_get(found, "card")) {
		*contact = synced_members(json_object_get(found, "contact"));
		return *contact ? 0 : -ENOMEM;
	}
	err = vcard_open(&r, archive_arg(found, "card"));
	if (!err)
		err = vcard_read(&r, contact, why);
	vcard_close(&r);
	return err || *contact ? err : -EBADMSG;
}

static bool on_synced_card(const struct sql_value *row, void *arg)
{
	*(json_t **)arg = json_loadb((const char *)row[0].text.p, row[0].text.n, 0, NULL);
	return false;
}

/* What is the user's own stays; a card has its id as UID, so two syncs may have the same one. */
static int synced_finish(const struct sync_apply *s, json_t *contact, const json_t *before,
			 char why[SQL_WHY_MAX])
{
	static const char *const own[] = { "line", "default_number" };

	(void)json_object_del(contact, "uid");
	(void)json_object_del(contact, "rev");
	for (size_t i = 0; i < COUNT_OF(own); i++) {
		if (json_object_get(before, own[i]))
			(void)json_object_set(contact, own[i], json_object_get(before, own[i]));
	}
	if (json_object_set_new(contact, "sync", json_stringn((const char *)s->sync.p, s->sync.n)))
		return -ENOMEM;
	return contact_finish(contact, why) ? -EBADMSG : 0;
}

static int synced_seen(struct sync_apply *s, const char *id)
{
	const struct sql_value params[] = { sql_text(s->book.tenant), sql_text(s->book.owner),
					    sql_text(bytes_str(id)), sql_number(s->seen_ms) };

	return sql_run(s->archive->sql,
		       "UPDATE contact SET seen_ms = $4 WHERE tenant = $1 AND owner = $2 AND "
		       "id = $3",
		       params, COUNT_OF(params), NULL, NULL);
}

/* contact is of id; before: what is there, with what the row has in columns, or NULL. */
static int synced_save(struct sync_apply *s, const char *id, json_t *contact, const json_t *before,
		       char why[SQL_WHY_MAX])
{
	int64_t mask, flags = contact_flags(before, &mask);
	json_t *card = NULL;
	bool added = false;
	const struct sql_value key[] = { sql_text(s->book.tenant), sql_text(s->book.owner),
					 sql_text(bytes_str(id)) };
	int err = sql_run(s->archive->sql,
			  "SELECT card FROM contact WHERE tenant = $1 AND owner = $2 AND id = $3",
			  key, COUNT_OF(key), on_synced_card, &card);

	if (!err && !json_equal(card, contact)) {
		err = contact_save(s->archive, s->book, id, contact, flags, &s->plan, s->now_ms,
				   &added, why);
		s->added += !err && added;
		s->changed += !err && !added;
	}
	json_decref(card);
	return err ? err : synced_seen(s, id);
}

static int synced_put(struct sync_apply *s, const json_t *found, char why[SQL_WHY_MAX])
{
	json_t *contact, *before = NULL;
	char id[CONTACT_ID_MAX];
	int err = synced_read(found, &contact, why);

	if (!err && !synced_id(id, s->sync, json_text(found, "id")))
		err = -ENOMEM;
	if (!err)
		err = contact_load(s->archive, s->book, bytes_str(id), &before);
	if (!err && before && !bytes_is(s->sync, contact_text(before, "sync")))
		err = -EBADMSG; /* one that somebody has made under that id */
	if (!err)
		err = synced_finish(s, contact, before, why);
	if (!err)
		err = synced_save(s, id, contact, before, why);
	json_decref(contact);
	json_decref(before);
	if (err != -EBADMSG && err != -ENOBUFS)
		return err;
	s->failed++;
	return synced_id(id, s->sync, json_text(found, "id")) ? synced_seen(s, id) : -ENOMEM;
}

static int synced_remove(struct sync_apply *s, const char *id, char why[SQL_WHY_MAX])
{
	json_t *args = json_pack("{s:s, s:s%, s:I}", "contact", id, "sync", s->sync.p, s->sync.n,
				 "now_ms", (json_int_t)s->now_ms);
	int err = args ? contact_remove(s->archive, s->book, args, why) : -ENOMEM;

	json_decref(args);
	s->removed += !err;
	return err == -ENOENT || err == -EPERM ? 0 : err;
}

/* ---- many ---- */

static bool on_synced_id(const struct sql_value *row, void *arg)
{
	return !json_array_append_new(arg,
				      json_stringn((const char *)row[0].text.p, row[0].text.n));
}

/* Takes away those that were last seen before then; *more: there may be others. */
static int synced_sweep(struct sync_apply *s, int64_t before_ms, bool *more, char why[SQL_WHY_MAX])
{
	const struct sql_value params[] = { sql_text(s->book.tenant), sql_text(s->sync),
					    sql_number(before_ms), sql_text(s->book.owner),
					    sql_number(SWEPT) };
	json_t *ids = json_array(), *id;
	int err = sql_run(s->archive->sql,
			  "SELECT id FROM contact WHERE tenant = $1 AND sync = $2 AND sync <> '' "
			  "AND seen_ms < $3 AND owner = $4 LIMIT $5",
			  params, COUNT_OF(params), on_synced_id, ids);
	size_t i;

	*more = json_array_size(ids) == SWEPT;
	json_array_foreach(ids, i, id)
	{
		if (!err)
			err = synced_remove(s, json_string_value(id), why);
	}
	json_decref(ids);
	return err;
}

static bool on_sync_row(const struct sql_value *row, void *arg)
{
	struct sync_row *r = arg;

	r->owner = json_stringn((const char *)row[0].text.p, row[0].text.n);
	r->began_ms = sql_int(&row[1]);
	return true;
}

/* Locks the row of the run, so that no other run begins. -EEXIST: the run is over. */
static int sync_hold(struct sync_apply *s, const json_t *args, struct sync_row *out,
		     char why[SQL_WHY_MAX])
{
	const struct sql_value params[] = { sql_text(s->book.tenant), sql_text(s->sync),
					    sql_number((int64_t)json_count(args, "run")),
					    sql_number(s->now_ms + LEASE_MS) };
	int err = sql_run(s->archive->sql,
			  "UPDATE contact_sync SET until_ms = $4 WHERE tenant = $1 AND sync = $2 "
			  "AND run = $3 AND until_ms > 0 RETURNING owner, began_ms",
			  params, COUNT_OF(params), on_sync_row, out);

	if (err || out->owner)
		return err;
	(void)snprintf(why, SQL_WHY_MAX, "that run is over");
	return -EEXIST;
}

static struct sync_apply sync_apply_of(struct archive *a, const json_t *args)
{
	struct sync_apply s = { .archive = a,
				.book = { .tenant = archive_arg(args, "tenant") },
				.sync = archive_arg(args, "sync"),
				.now_ms = archive_arg_now(args) };

	contact_plan(&s.plan, args);
	return s;
}

static int sync_pages(struct sync_apply *s, const json_t *args, char why[SQL_WHY_MAX])
{
	const json_t *one;
	char id[CONTACT_ID_MAX];
	int err = 0;
	size_t i;

	json_array_foreach(json_object_get(args, "found"), i, one)
	{
		if (!err)
			err = synced_put(s, one, why);
	}
	json_array_foreach(json_object_get(args, "gone"), i, one)
	{
		if (!err && json_is_string(one) && synced_id(id, s->sync, json_string_value(one)))
			err = synced_remove(s, id, why);
	}
	json_array_foreach(json_object_get(args, "kept"), i, one)
	{
		if (!err && json_is_string(one) && synced_id(id, s->sync, json_string_value(one)))
			err = synced_seen(s, id);
		s->failed++;
	}
	s->failed += (json_int_t)json_count(args, "failed");
	return err;
}

/* The page, and at the end the run, is noted. */
static int sync_note(struct sync_apply *s, const json_t *args, bool ends)
{
	const struct sql_value params[] = { sql_text(s->book.tenant),
					    sql_text(s->sync),
					    sql_text(archive_arg(args, "token")),
					    sql_number(json_object_get(args, "token") != NULL),
					    sql_number(s->failed),
					    sql_number(ends),
					    sql_number(s->now_ms),
					    sql_number(s->now_ms +
						       (int64_t)json_count(args, "next_ms")) };

	return sql_run(
		s->archive->sql,
		"UPDATE contact_sync SET token = CASE WHEN $4 = 1 THEN $3 ELSE token END, "
		"failed = failed + $5, until_ms = CASE WHEN $6 = 1 THEN 0 ELSE until_ms END, "
		"due_ms = CASE WHEN $6 = 1 THEN $8 ELSE due_ms END, "
		"began_ms = CASE WHEN $6 = 1 THEN 0 ELSE began_ms END, "
		"ran_ms = CASE WHEN $6 = 1 THEN $7 ELSE ran_ms END, "
		"good_ms = CASE WHEN $6 = 1 THEN $7 ELSE good_ms END, "
		"reason = CASE WHEN $6 = 1 THEN '' ELSE reason END, "
		"detail = CASE WHEN $6 = 1 THEN '' ELSE detail END "
		"WHERE tenant = $1 AND sync = $2",
		params, COUNT_OF(params), NULL, NULL);
}

/*
 * Arguments: tenant, sync, run, plan; found, gone, kept and failed, as the helper has them
 * (contacts.c there); token, where the next page or run begins; done: that was the last page;
 * next_ms: the next run is so long after this one. Result: added, changed, removed, failed, and
 * more: it is to be asked again, without contacts.
 */
int contact_sync_apply(struct archive *a, const json_t *args, json_t **result,
		       char why[SQL_WHY_MAX])
{
	struct sync_apply s = sync_apply_of(a, args);
	struct sync_row row = { 0 };
	bool done = json_flag(args, "done"), more = false;
	int err = sql_begin(a->sql);

	if (!err)
		err = sync_hold(&s, args, &row, why);
	s.book.owner = bytes_str(row.owner ? json_string_value(row.owner) : "");
	/* The clock of a node may be behind that of the one that has begun the run. */
	s.seen_ms = s.now_ms > row.began_ms ? s.now_ms : row.began_ms;
	if (!err)
		err = sync_pages(&s, args, why);
	if (!err && done && row.began_ms)
		err = synced_sweep(&s, row.began_ms, &more, why);
	if (!err)
		err = sync_note(&s, args, done && !more);
	if (!err)
		err = sql_commit(a->sql);
	sql_rollback(a->sql);
	json_decref(row.owner);
	if (!err)
		*result = json_pack("{s:I, s:I, s:I, s:I, s:b}", "added", s.added, "changed",
				    s.changed, "removed", s.removed, "failed", s.failed, "more",
				    (int)more);
	return err;
}

/* Arguments: tenant, sync, run. A part of its contacts goes, and at last the sync. Result: more. */
int contact_sync_drop(struct archive *a, const json_t *args, json_t **result, char why[SQL_WHY_MAX])
{
	struct sync_apply s = sync_apply_of(a, args);
	const struct sql_value key[] = { sql_text(s.book.tenant), sql_text(s.sync) };
	struct sync_row row = { 0 };
	bool more = false;
	int err = sql_begin(a->sql);

	if (!err)
		err = sync_hold(&s, args, &row, why);
	s.book.owner = bytes_str(row.owner ? json_string_value(row.owner) : "");
	if (!err)
		err = synced_sweep(&s, INT64_MAX, &more, why);
	if (!err && !more)
		err = sql_run(a->sql, "DELETE FROM contact_sync WHERE tenant = $1 AND sync = $2",
			      key, COUNT_OF(key), NULL, NULL);
	if (!err)
		err = sql_commit(a->sql);
	sql_rollback(a->sql);
	json_decref(row.owner);
	if (!err)
		*result = json_pack("{s:b}", "more", (int)more);
	return err;
}

/* ---- which are there, and due ---- */

static int sync_tell_one(struct archive *a, const json_t *row, int64_t now_ms)
{
	const struct sql_value params[] = { sql_text(archive_arg(row, "tenant")),
					    sql_text(archive_arg(row, "sync")),
					    sql_text(archive_arg(row, "owner")),
					    sql_number((int64_t)json_count(row, "changed_ms")),
					    sql_number(now_ms),
					    sql_number((int64_t)json_count(row, "server")) };

	return sql_run(a->sql,
		       "INSERT INTO contact_sync (tenant, sync, owner, changed_ms, due_ms, server) "
		       "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant, sync) DO UPDATE SET "
		       "changed_ms = excluded.changed_ms, server = excluded.server, due_ms = CASE "
		       "WHEN contact_sync.server = excluded.server AND contact_sync.wait_ms > "
		       "excluded.due_ms THEN contact_sync.wait_ms ELSE excluded.due_ms END, "
		       "wait_ms = CASE WHEN contact_sync.server = excluded.server THEN "
		       "contact_sync.wait_ms ELSE 0 END, token = '', until_ms = 0, "
		       "run = contact_sync.run + 1 "
		       "WHERE contact_sync.changed_ms <> excluded.changed_ms",
		       params, COUNT_OF(params), NULL, NULL);
}

/* Arguments: rows, a list of tenant, sync, owner, changed_ms (of the document), server (a number of
 * service, url, login and account). New and changed syncs read all; they are due at once, or, at a
 * server that has asked for a pause, behind that. begins: the asker begins runs from now on, and
 * earlier runs are over. */
int contact_sync_notify(struct archive *a, const json_t *args, json_t **result,
			char why[SQL_WHY_MAX])
{
	int err = sql_begin(a->sql);
	const json_t *row;
	size_t i;

	(void)why;
	if (!err && json_flag(args, "begins"))
		err = sql_run(a->sql, "UPDATE contact_sync SET until_ms = 0 WHERE until_ms > 0",
			      NULL, 0, NULL, NULL);
	json_array_foreach(json_object_get(args, "rows"), i, row)
	{
		if (!err)
			err = sync_tell_one(a, row, archive_arg_now(args));
	}
	if (!err)
		err = sql_commit(a->sql);
	sql_rollback(a->sql);
	if (!err)
		*result = json_object();
	return err;
}

static bool on_sync_due(const struct sql_value *row, void *arg)
{
	*(json_t **)arg = json_pack("{s:s%, s:s%, s:s%, s:s%, s:I, s:I}", "tenant", row[0].text.p,
				    row[0].text.n, "sync", row[1].text.p, row[1].text.n, "owner",
				    row[2].text.p, row[2].text.n, "token", row[3].text.p,
				    row[3].text.n, "run", (json_int_t)sql_int(&row[4]) + 1,
				    "changed_ms", (json_int_t)sql_int(&row[5]));
	return false;
}

/* Result: the next run that is due, which is the asker's from now on: tenant, sync, owner, token,
 * run, changed_ms (of the document that it is for); or an empty object. One that ends unheard of is
 * due behind the others. */
int contact_sync_claim(struct archive *a, const json_t *args, json_t **result,
		       char why[SQL_WHY_MAX])
{
	int64_t now_ms = archive_arg_now(args);
	const struct sql_value now[] = { sql_number(now_ms), sql_number(OF_TENANT) };
	struct sql_value params[5];
	json_t *due = NULL;
	int err = sql_begin(a->sql);

	(void)why;
	if (!err)
		err = sql_run(
			a->sql,
			"SELECT tenant, sync, owner, token, run, changed_ms FROM contact_sync "
			"s WHERE due_ms <= $1 AND until_ms <= $1 AND (SELECT COUNT(*) FROM "
			"contact_sync b WHERE b.tenant = s.tenant AND b.until_ms > $1) < $2 "
			"ORDER BY due_ms LIMIT 1",
			now, COUNT_OF(now), on_sync_due, &due);
	params[0] = sql_text(archive_arg(due, "tenant"));
	params[1] = sql_text(archive_arg(due, "sync"));
	params[2] = sql_number((int64_t)json_count(due, "run"));
	params[3] = sql_number(now_ms);
	params[4] = sql_number(now_ms + LEASE_MS);
	if (!err && due)
		err = sql_run(
			a->sql,
			"UPDATE contact_sync SET run = $3, until_ms = $5, failed = 0, due_ms = $4, "
			"began_ms = CASE WHEN token = '' THEN $4 ELSE began_ms END "
			"WHERE tenant = $1 AND sync = $2 AND run = $3 - 1",
			params, COUNT_OF(params), NULL, NULL);
	if (!err && due && !sql_changed(a->sql))
		err = -EAGAIN; /* another node was faster */
	if (!err)
		err = sql_commit(a->sql);
	sql_rollback(a->sql);
	if (!err)
		*result = due ? due : json_object();
	else
		json_decref(due);
	return err;
}

/* Arguments: tenant, sync, run, reason, detail, next_ms, wait_ms (sync.run begins no run earlier
 * than that), anew (the next run reads all). */
int contact_sync_end(struct archive *a, const json_t *args, json_t **result, char why[SQL_WHY_MAX])
{
	int64_t now_ms = archive_arg_now(args);
	const struct sql_value params[] = {
		sql_text(archive_arg(args, "tenant")),
		sql_text(archive_arg(args, "sync")),
		sql_number((int64_t)json_count(args, "run")),
		sql_number(now_ms),
		sql_number(now_ms + (int64_t)json_count(args, "next_ms")),
		sql_number(now_ms + (int64_t)json_count(args, "wait_ms")),
		sql_text(archive_arg(args, "reason")),
		sql_text(archive_arg(args, "detail")),
		sql_number(json_flag(args, "anew"))
	};
	int err =
		sql_run(a->sql,
			"UPDATE contact_sync SET until_ms = 0, ran_ms = $4, due_ms = $5, "
			"wait_ms = $6, reason = $7, detail = $8, token = CASE WHEN $9 = 1 THEN '' "
			"ELSE token END WHERE tenant = $1 AND sync = $2 AND run = $3",
			params, COUNT_OF(params), NULL, NULL);

	(void)why;
	if (!err)
		*result = json_object();
	return err;
}

/* ---- for people ---- */

static bool on_sync_state(const struct sql_value *row, void *arg)
{
	*(json_t **)arg =
		json_pack("{s:s%, s:b, s:I, s:I, s:I, s:I, s:I, s:s%, s:s%}", "name", row[0].text.p,
			  row[0].text.n, "running", (int)sql_int(&row[1]), "next_utc_ms",
			  (json_int_t)sql_int(&row[2]), "ran_utc_ms", (json_int_t)sql_int(&row[3]),
			  "good_utc_ms", (json_int_t)sql_int(&row[4]), "contacts",
			  (json_int_t)sql_int(&row[5]), "failed", (json_int_t)sql_int(&row[6]),
			  "reason", row[7].text.p, row[7].text.n, "detail", row[8].text.p,
			  row[8].text.n);
	return false;
}

/* Arguments: tenant, sync. One that was never told has zeros: it is about to be. */
int contact_sync_state(struct archive *a, const json_t *args, json_t **result,
		       char why[SQL_WHY_MAX])
{
	const struct sql_value params[] = { sql_text(archive_arg(args, "tenant")),
					    sql_text(archive_arg(args, "sync")),
					    sql_number(archive_arg_now(args)) };
	int err = sql_run(a->sql,
			  "SELECT sync, CASE WHEN until_ms > $3 THEN 1 ELSE 0 END, due_ms, ran_ms, "
			  "good_ms, (SELECT COUNT(*) FROM contact c WHERE c.tenant = $1 AND c.sync "
			  "= $2 AND c.sync <> ''), failed, reason, detail FROM contact_sync "
			  "WHERE tenant = $1 AND sync = $2",
			  params, COUNT_OF(params), on_sync_state, result);

	(void)why;
	if (!err && !*result)
		*result = json_pack("{s:O?, s:b, s:i, s:i, s:i, s:i, s:i, s:s, s:s}", "name",
				    json_object_get(args, "sync"), "running", 0, "next_utc_ms", 0,
				    "ran_utc_ms", 0, "good_utc_ms", 0, "contacts", 0, "failed", 0,
				    "reason", "", "detail", "");
	return err;
}

/* Arguments: tenant, sync. It is due now, or when the service takes requests again. Result: as of
 * contact_sync_state. */
int contact_sync_wish(struct archive *a, const json_t *args, json_t **result, char why[SQL_WHY_MAX])
{
	const struct sql_value params[] = { sql_text(archive_arg(args, "tenant")),
					    sql_text(archive_arg(args, "sync")),
					    sql_number(archive_arg_now(args)) };
	int err =
		sql_run(a->sql,
			"UPDATE contact_sync SET due_ms = CASE WHEN wait_ms > $3 THEN wait_ms ELSE "
			"$3 END WHERE tenant = $1 AND sync = $2",
			params, COUNT_OF(params), NULL, NULL);

	return err ? err : contact_sync_state(a, args, result, why);
}
