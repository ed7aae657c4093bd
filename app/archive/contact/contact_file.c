/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of contacts into a book, and out of it. The node sends a file in parts, each of whole
 * contacts, and each is a transaction of its own: what is asked meanwhile waits for one part. A
 * contact that cannot be read costs itself alone. Who reads a file again changes what is there, and
 * makes nothing twice, as ids follow from the file.
 */
#include "app/archive/contact/contact.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json_member.h"

enum { ERRORS_MAX = 20, EXPORT_ROOM = 384 << 10, EXPORT_FULL = 96 << 10, EXPORT_MOST = 500 };

struct contact_import {
	struct archive *archive;
	struct contact_book book;
	struct dial_plan plan;
	int64_t now_ms;
	const json_t *args;
	const char *id; /* of the one contact in the file; "": ids follow from it */
	json_int_t added, changed, failed;
	json_t *errors;
};

static void import_error(struct contact_import *in, const char *why)
{
	in->failed++;
	if (json_array_size(in->errors) < ERRORS_MAX)
		(void)json_array_append_new(in->errors, json_string(why));
}

static bool on_same_uid(const struct sql_value *row, void *arg)
{
	(void)bytes_cstr(row[0].text, arg, CONTACT_ID_MAX);
	return false;
}

/* RFC 6352 6.3.2.1: a book has a UID once. */
static int import_uid_check(struct contact_import *in, const json_t *contact, char why[SQL_WHY_MAX])
{
	const char *uid = contact_text(contact, "uid");
	const struct sql_value params[] = { sql_text(in->book.tenant), sql_text(in->book.owner),
					    sql_text(bytes_str(uid)), sql_text(bytes_str(in->id)) };
	char other[CONTACT_ID_MAX] = "";
	int err = uid[0] ? sql_run(in->archive->sql,
				   "SELECT id FROM contact WHERE tenant = $1 AND owner = $2 AND "
				   "uid = $3 AND id <> $4 LIMIT 1",
				   params, COUNT_OF(params), on_same_uid, other)
			 : 0;

	if (err || !other[0])
		return err;
	(void)snprintf(why, SQL_WHY_MAX, "UID: the contact %s has it", other);
	return -EBADMSG;
}

/* What the condition of the request and the book say of the one contact; it keeps the line. */
static int import_one_check(struct contact_import *in, json_t *contact, const json_t *before,
			    char why[SQL_WHY_MAX])
{
	int err = contact_revision_check(in->args, before, why);

	if (!err)
		err = import_uid_check(in, contact, why);
	if (!err && json_object_get(before, "line"))
		(void)json_object_set(contact, "line", json_object_get(before, "line"));
	return err;
}

/* Flags stay as they are. */
static int import_one(struct contact_import *in, json_t *contact, char why[SQL_WHY_MAX])
{
	char id[CONTACT_ID_MAX];
	json_t *before = NULL;
	bool added = false;
	int64_t mask, flags, unused;
	int err = 0;

	if (in->id[0]) {
		(void)snprintf(id, sizeof(id), "%s", in->id);
		err = contact_book_touch(in->archive, in->book, 0, &unused, why); /* locks it */
	} else {
		contact_id(id, contact);
	}
	if (!err)
		err = contact_load(in->archive, in->book, bytes_str(id), &before);
	if (!err)
		err = contact_synced_check(before, NULL, why);
	if (!err && in->id[0])
		err = import_one_check(in, contact, before, why);
	flags = contact_flags(before, &mask);
	json_decref(before);
	if (!err)
		err = contact_save(in->archive, in->book, id, contact, flags, &in->plan, in->now_ms,
				   &added, why);
	if (!err && added)
		in->added++;
	else if (!err)
		in->changed++;
	return err;
}

/* read: vcard_read or csv_read. 0, or what ends the import. A book that is full takes no more, and
 * those that are in it change. */
static int import_all(struct contact_import *in, void *reader,
		      int (*read)(void *reader, json_t **contact, char why[SQL_WHY_MAX]))
{
	bool more = true;
	int err = 0;

	while (!err && more) {
		char why[SQL_WHY_MAX] = "";
		json_t *contact = NULL;

		err = read(reader, &contact, why);
		more = err == -EBADMSG || contact;
		if (!err && contact)
			err = import_one(in, contact, why);
		json_decref(contact);
		if (!err && in->id[0] && in->added + in->changed > 1)
			err = -EINVAL;
		if (err == -EBADMSG || ((err == -ENOBUFS || err == -EPERM) && !in->id[0])) {
			import_error(in, why);
			err = 0;
		}
	}
	return err;
}

static int import_vcard(void *reader, json_t **contact, char why[SQL_WHY_MAX])
{
	return vcard_read(reader, contact, why);
}

static int import_row(void *reader, json_t **contact, char why[SQL_WHY_MAX])
{
	return csv_read(reader, contact, why);
}

static int import_file(struct contact_import *in, const json_t *args, char why[SQL_WHY_MAX],
		       char unknown[SQL_WHY_MAX])
{
	struct bytes text = archive_arg(args, "text");
	uint32_t line = (uint32_t)json_count(args, "line");
	struct vcard_reader cards = { 0 };
	struct csv_reader rows = { 0 };
	int err;

	if (bytes_is(archive_arg(args, "format"), "csv")) {
		err = csv_open(&rows, text, why);
		rows.row += line;
		if (err == -EBADMSG)
			err = -EINVAL;
		if (!err)
			err = import_all(in, &rows, import_row);
		memcpy(unknown, rows.unknown, SQL_WHY_MAX);
		csv_close(&rows);
		return err;
	}
	err = vcard_open(&cards, text);
	cards.line = line;
	if (!err)
		err = import_all(in, &cards, import_vcard);
	vcard_close(&cards);
	return err;
}

static void rev_write(char out[24], int64_t ms)
{
	time_t s = (time_t)(ms / 1000);
	struct tm tm;

	if (!gmtime_r(&s, &tm) || !strftime(out, 24, "%Y%m%dT%H%M%SZ", &tm))
		out[0] = '\0';
}

/* The same lines, but for how they end. */
static bool lines_are_same(struct bytes a, struct bytes b)
{
	struct bytes one = { 0 }, other = { 0 };
	bool more, same = true;

	a = bytes_trim(a);
	b = bytes_trim(b);
	while (same && (more = bytes_cut(&a, '\n', &one)) == bytes_cut(&b, '\n', &other) && more)
		same = bytes_eq(bytes_trim(one), bytes_trim(other));
	return same && !a.n && !b.n;
}

/* The entity tag of the one contact (RFC 6352 6.3.2.3), where it is written with the lines of the
 * file; else who has put it gets it again. */
static int import_tag(struct contact_import *in, json_t *result)
{
	struct bytes id = bytes_str(in->id), text = archive_arg(in->args, "text");
	char *room = malloc(EXPORT_ROOM), rev[24];
	struct writer w = writer_over(room, room ? EXPORT_ROOM : 0);
	json_t *contact = NULL;
	int err = contact_load(in->archive, in->book, id, &contact);
	int64_t ms = json_integer_value(json_object_get(contact, "changed_utc_ms"));

	rev_write(rev, ms);
	if (contact)
		vcard_write(&w, contact, memmem(text.p, text.n, "VERSION:4", 9) ? 4 : 3, in->id,
			    rev);
	if (!w.overflow && lines_are_same(writer_done(&w), text))
		(void)json_object_set_new(
			result, "tag",
			json_sprintf(
				"\"%lld-%lld\"",
				(long long)json_integer_value(json_object_get(contact, "revision")),
				(long long)ms));
	json_decref(contact);
	free(room);
	return err;
}

int contact_import(struct archive *a, const json_t *args, json_t **result, char why[SQL_WHY_MAX])
{
	struct contact_import in = { .archive = a,
				     .book = contact_book_of(args),
				     .args = args,
				     .id = json_text(args, "contact"),
				     .now_ms = archive_arg_now(args),
				     .errors = json_array() };
	char unknown[SQL_WHY_MAX] = "";
	int err = sql_begin(a->sql);

	contact_plan(&in.plan, args);
	if (!err)
		err = import_file(&in, args, why, unknown);
	if (!err)
		*result = json_pack("{s:I, s:I, s:I, s:O, s:s}", "added", in.added, "changed",
				    in.changed, "failed", in.failed, "errors", in.errors,
				    "ignored_columns", unknown);
	if (!err && in.id[0])
		err = import_tag(&in, *result);
	if (!err)
		err = sql_commit(a->sql);
	sql_rollback(a->sql);
	json_decref(in.errors);
	return err;
}

/* ---- export ---- */

struct contact_export {
	struct writer w;
	int version; /* of vCards; 0: form */
	enum contact_csv form;
	json_int_t count, left;
	char last[CONTACT_ID_MAX];
	bool more;
};

static bool on_exported(const struct sql_value *row, void *arg)
{
	struct contact_export *out = arg;
	json_t *card;
	char rev[24];

	if (out->w.n > EXPORT_FULL || out->count == EXPORT_MOST) {
		out->more = true;
		return false;
	}
	card = json_loadb((const char *)row[1].text.p, row[1].text.n, 0, NULL);
	(void)bytes_cstr(row[0].text, out->last, sizeof(out->last));
	rev_write(rev, sql_int(&row[2]));
	if (out->version)
		vcard_write(&out->w, card, out->version, out->last, rev);
	else
		out->left += csv_write(&out->w, card, out->form, out->last);
	out->count++;
	json_decref(card);
	return true;
}

static void export_form(struct contact_export *out, const char *format)
{
	static const struct {
		const char *name;
		int version;
		enum contact_csv form;
	} forms[] = {
		{ "vcard", 4, CONTACT_CSV_OWN },       { "vcard3", 3, CONTACT_CSV_OWN },
		{ "csv", 0, CONTACT_CSV_OWN },         { "google", 0, CONTACT_CSV_GOOGLE },
		{ "outlook", 0, CONTACT_CSV_OUTLOOK },
	};

	for (size_t i = 0; i < COUNT_OF(forms); i++) {
		if (strcmp(format, forms[i].name) != 0)
			continue;
		out->version = forms[i].version;
		out->form = forms[i].form;
	}
}

int contact_export(struct archive *a, const json_t *args, json_t **result, char why[SQL_WHY_MAX])
{
	struct contact_book book = contact_book_of(args);
	struct contact_export out = { .w = writer_over(malloc(EXPORT_ROOM), EXPORT_ROOM) };
	const struct sql_value params[] = { sql_text(book.tenant), sql_text(book.owner),
					    sql_text(archive_arg(args, "after")) };
	int err = out.w.p ? 0 : -ENOMEM;

	(void)why;
	export_form(&out, json_text(args, "format"));
	if (!err && !out.version)
		csv_heading_write(&out.w, out.form);
	if (!err)
		err = sql_run(a->sql,
			      "SELECT id, card, changed_ms FROM contact WHERE tenant = $1 AND "
			      "owner = $2 AND id > $3 ORDER BY id LIMIT 501",
			      params, COUNT_OF(params), on_exported, &out);
	if (!err)
		*result = json_pack("{s:s%, s:I, s:I, s:s*}", "text", out.w.p, out.w.n, "contacts",
				    out.count, "left_out", out.left, "next",
				    out.more ? out.last : NULL);
	free(out.w.p);
	return err;
}
