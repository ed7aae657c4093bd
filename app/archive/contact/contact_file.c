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
	json_int_t added, changed, failed;
	json_t *errors;
};

static void import_error(struct contact_import *in, const char *why)
{
	in->failed++;
	if (json_array_size(in->errors) < ERRORS_MAX)
		(void)json_array_append_new(in->errors, json_string(why));
}

/* Flags stay as they are. */
static int import_one(struct contact_import *in, const json_t *contact, char why[SQL_WHY_MAX])
{
	char id[CONTACT_ID_MAX];
	json_t *before = NULL;
	bool added = false;
	int64_t mask, flags;
	int err;

	contact_id(id, contact);
	err = contact_load(in->archive, in->book, bytes_str(id), &before);
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
		if (err == -EBADMSG || err == -ENOBUFS) {
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

int contact_import(struct archive *a, const json_t *args, json_t **result, char why[SQL_WHY_MAX])
{
	struct contact_import in = { .archive = a,
				     .book = contact_book_of(args),
				     .now_ms = archive_arg_now(args),
				     .errors = json_array() };
	char unknown[SQL_WHY_MAX] = "";
	int err = sql_begin(a->sql);

	contact_plan(&in.plan, args);
	if (!err)
		err = import_file(&in, args, why, unknown);
	if (!err)
		err = sql_commit(a->sql);
	sql_rollback(a->sql);
	if (!err)
		*result = json_pack("{s:I, s:I, s:I, s:O, s:s}", "added", in.added, "changed",
				    in.changed, "failed", in.failed, "errors", in.errors,
				    "ignored_columns", unknown);
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

static void rev_write(char out[24], int64_t ms)
{
	time_t s = (time_t)(ms / 1000);
	struct tm tm;

	if (!gmtime_r(&s, &tm) || !strftime(out, 24, "%Y%m%dT%H%M%SZ", &tm))
		out[0] = '\0';
}

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
