/* SPDX-License-Identifier: Apache-2.0 */
/*
 * contact.import and .export, and those of the directory. A file is sent to the archive in parts,
 * each of whole contacts: a part fits into what nodes ask each other, and what calls ask meanwhile
 * waits for one part alone. Nothing here waits for a disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "app/archive/contact/contact.h"
#include "app/command/commands.h"
#include "app/feature/archive/archive_client.h"
#include "app/feature/contact/contacts.h"
#include "app/node/node.h"
#include "base/json_member.h"

enum { PART_OCTETS = 48 << 10, PART_MOST = 100 << 10 };

/* A file, and how far it was sent. In run->kept; the sums are in run->args. */
struct contact_upload {
	bool csv;
	uint32_t lines; /* before the part that is sent next; of CSV: rows */
	size_t heading; /* octets of the row that each part begins with */
	size_t n, at;
	uint8_t text[];
};

/* ---- parts ---- */

/* The octets of a row of CSV with its end; quotes may have line feeds within. */
static size_t csv_row_length(struct bytes text)
{
	bool quoted = false;
	size_t i = 0;

	while (i < text.n && (quoted || text.p[i] != '\n'))
		quoted ^= text.p[i++] == '"';
	return i < text.n ? i + 1 : i;
}

/* To the next line with BEGIN:VCARD. */
static size_t vcard_length(struct bytes text)
{
	size_t n = bytes_find(text, '\n') + 1;

	while (n < text.n && !bytes_istarts(bytes_from(text, n), "BEGIN:VCARD"))
		n += bytes_find(bytes_from(text, n), '\n') + 1;
	return n < text.n ? n : text.n;
}

/* Of what is left, as many whole contacts as are sent at once. 0: one is too large. */
static size_t part_length(const struct contact_upload *u, uint32_t *lines)
{
	struct bytes rest = bytes_mem(u->text + u->at, u->n - u->at);
	size_t n = 0, one;

	*lines = 0;
	while (n < rest.n) {
		struct bytes here = bytes_from(rest, n);

		one = u->csv ? csv_row_length(here) : vcard_length(here);
		if (n && n + one > PART_OCTETS)
			break;
		n += one;
		for (size_t i = 0; i < one; i++)
			*lines += here.p[i] == '\n' && (!u->csv || i + 1 == one);
	}
	return n + u->heading <= PART_MOST ? n : 0;
}

static void import_add(struct command_run *run, const json_t *result)
{
	static const char *const sums[] = { "added", "changed", "failed" };
	json_t *all = json_object_get(run->args, "sum");
	json_t *errors = json_object_get(all, "errors"), *one;
	size_t i;

	for (i = 0; i < COUNT_OF(sums); i++)
		(void)json_object_set_new(all, sums[i],
					  json_integer((json_int_t)(json_count(all, sums[i]) +
								    json_count(result, sums[i]))));
	json_array_foreach(json_object_get(result, "errors"), i, one)
	{
		if (json_array_size(errors) < 20)
			(void)json_array_append(errors, one);
	}
	if (json_text(result, "tag")[0])
		(void)json_object_set(all, "tag", json_object_get(result, "tag"));
	if (json_text(result, "ignored_columns")[0])
		(void)json_object_set(all, "ignored_columns",
				      json_object_get(result, "ignored_columns"));
}

static void import_go_on(struct command_run *run);

static void import_on_part(struct command_run *run, const json_t *result)
{
	import_add(run, result);
	import_go_on(run);
}

static void import_go_on(struct command_run *run)
{
	struct contact_upload *u = run->kept;
	json_t *args = json_deep_copy(json_object_get(run->args, "part"));
	uint32_t lines;
	size_t n = part_length(u, &lines);
	json_t *text;

	if (u->at == u->n) {
		json_decref(args);
		command_answer(run, json_incref(json_object_get(run->args, "sum")));
		return;
	}
	text = u->csv ? json_sprintf("%.*s%.*s", (int)u->heading, (const char *)u->text, (int)n,
				     (const char *)u->text + u->at)
		      : json_stringn((const char *)u->text + u->at, n);
	if (!n || !text || !args) {
		json_decref(args);
		json_decref(text);
		command_fail(run, COMMAND_BAD_ARGUMENT, "file",
			     n ? "behind line %u the file is not UTF-8, and what is before is there"
			       : "behind line %u is a contact of more than 100 KiB, and what is "
				 "before is there",
			     u->lines);
		return;
	}
	(void)json_object_set_new(args, "text", text);
	(void)json_object_set_new(args, "line", json_integer(u->lines));
	u->at += n;
	u->lines += lines;
	archive_run(run, "contact.import", args, import_on_part);
}

/* ---- the file ---- */

/* All of it, from memory alone: a body of HTTP is there, and a file of a disk is fetched meanwhile.
 * False: the run has failed. */
static bool contact_upload_read(struct command_run *run, struct contact_upload *u)
{
	int fd = run->file - 1, seals = fcntl(fd, F_GET_SEALS);

	while (u->at < u->n) {
		struct iovec to = { u->text + u->at, u->n - u->at };
		ssize_t n = preadv2(fd, &to, 1, (off_t)u->at, seals < 0 ? RWF_NOWAIT : 0);

		if (n > 0) {
			u->at += (size_t)n;
			continue;
		}
		if (n < 0 && (errno == EAGAIN || errno == EOPNOTSUPP)) {
			(void)posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED);
			command_fail(run, COMMAND_BUSY, "file",
				     "the file is being read from its disk: try again");
		} else {
			command_fail(run, COMMAND_BAD_ARGUMENT, "file", "the file cannot be read");
		}
		return false;
	}
	return true;
}

/* JSON, in which parts go to the archive, takes no NUL. False: the run has failed. */
static bool contact_upload_is_text(struct command_run *run, const struct contact_upload *u)
{
	const uint8_t *nul = memchr(u->text, '\0', u->n);
	unsigned line = 1;

	for (const uint8_t *p = u->text; nul && p < nul; p++)
		line += *p == '\n';
	if (nul)
		command_fail(run, COMMAND_BAD_ARGUMENT, "file",
			     "line %u has a NUL: the file is no UTF-8 text", line);
	return !nul;
}

/* More than any book has are not read: that takes longer than who sent them waits. False: the run
 * has failed. */
static bool contact_upload_fits(struct command_run *run, const struct contact_upload *u)
{
	struct bytes rest = bytes_mem(u->text + u->at, u->n - u->at);
	uint32_t count = 0;

	while (rest.n && count <= CONTACT_SHARED_MAX) {
		rest = bytes_from(rest, u->csv ? csv_row_length(rest) : vcard_length(rest));
		count++;
	}
	if (count > CONTACT_SHARED_MAX)
		command_fail(run, COMMAND_BAD_ARGUMENT, "file",
			     "a file has %d contacts at most: nothing was read of this one",
			     CONTACT_SHARED_MAX);
	return count <= CONTACT_SHARED_MAX;
}

static void contact_upload_start(struct command_run *run, struct contact_upload *u)
{
	const struct command_value *format = command_value(run, "format");
	struct bytes text = bytes_mem(u->text, u->n);

	if (bytes_starts(text, "\xef\xbb\xbf"))
		text = bytes_from(text, 3);
	u->csv = format->given ? format->number == 1
			       : !bytes_istarts(bytes_trim(text), "BEGIN:VCARD");
	u->at = u->heading = u->csv ? csv_row_length(bytes_mem(u->text, u->n)) : 0;
}

void command_contact_import(struct command_run *run)
{
	json_t *args = contact_args(run);
	struct contact_upload *u;
	struct stat st = { 0 };

	if (!args)
		return;
	(void)json_object_set_new(run->args, "part", args);
	if (!run->file || fstat(run->file - 1, &st) || !st.st_size ||
	    st.st_size > CONTACT_FILE_MAX) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "file",
			     "a file of 1 MiB at most comes with the command: tandemctl hands it "
			     "over; by HTTP it is the body, with Content-Type: text/vcard or "
			     "text/csv");
		return;
	}
	u = calloc(1, sizeof(*u) + (size_t)st.st_size);
	run->kept = u;
	if (!u) {
		command_fail(run, COMMAND_INTERNAL, NULL, "out of memory");
		return;
	}
	u->n = (size_t)st.st_size;
	if (!contact_upload_read(run, u) || !contact_upload_is_text(run, u))
		return;
	contact_upload_start(run, u);
	if (!contact_upload_fits(run, u))
		return;
	(void)json_object_set_new(args, "format", json_string(u->csv ? "csv" : "vcard"));
	(void)json_object_set(args, "contact", json_object_get(run->args, "contact"));
	(void)json_object_set(args, "revision", json_object_get(run->args, "revision"));
	(void)json_object_set_new(run->args, "sum",
				  json_pack("{s:i, s:i, s:i, s:[]}", "added", 0, "changed", 0,
					    "failed", 0, "errors"));
	import_go_on(run);
}

void command_contact_export(struct command_run *run)
{
	json_t *args = contact_args(run);

	if (!args)
		return;
	if (command_value(run, "format")->given)
		(void)json_object_set(args, "format", json_object_get(run->args, "format"));
	else
		(void)json_object_set_new(args, "format", json_string("vcard"));
	if (command_value(run, "after")->given)
		(void)json_object_set(args, "after", json_object_get(run->args, "after"));
	archive_run(run, "contact.export", args, NULL);
}
