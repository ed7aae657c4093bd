/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pictures: that of an extension, which its colleagues see, lies with its card in the archive
 * (contact_mirror.c), and who is not shown in the directory has none. /pictures/ answers those of
 * colleagues and contacts as octets, for clients that cannot take JSON: by commands in the user's
 * name, so rights are theirs, and under the type that the octets are of.
 */
#include <stdlib.h>
#include <string.h>

#include "app/archive/contact/dav.h"
#include "app/command/command_extension.h"
#include "app/command/commands.h"
#include "app/command/page.h"
#include "app/document/document.h"
#include "app/document/extensions.h"
#include "app/feature/archive/archive_client.h"
#include "app/feature/contact/contacts.h"
#include "app/node/node.h"
#include "base/json_member.h"

/* ---- commands ---- */

static void picture_on_put(struct command_run *run, const json_t *result)
{
	(void)result;
	command_answer(run, json_pack("{s:O}", "user", json_object_get(run->args, "user")));
}

static void picture_on_get(struct command_run *run, const json_t *contact)
{
	const json_t *photo = json_object_get(contact, "photo");

	if (photo)
		command_answer(run, json_pack("{s:O, s:O, s:O, s:O}", "user",
					      json_object_get(run->args, "user"), "photo", photo,
					      "revision", json_object_get(contact, "revision"),
					      "changed_utc_ms",
					      json_object_get(contact, "changed_utc_ms")));
	else
		command_fail(run, COMMAND_NOT_FOUND, "user", "it has no picture");
}

void command_contact_picture(struct command_run *run)
{
	struct bytes user = command_value(run, "user")->text;
	bool get = command_is_verb(run->command, "get");
	json_t *row = colleague_row(run->node, document_tenant(run), user);

	if (!row || !json_object_get(row, "card")) {
		json_decref(row);
		command_fail(run, COMMAND_NOT_FOUND, "user",
			     "there is no such extension, or it is not shown in the directory");
		return;
	}
	if (get) {
		(void)json_object_set_new(row, "owner", json_string(CONTACT_COLLEAGUES));
		archive_run(run, "contact.get", row, picture_on_get);
		return;
	}
	if (command_is_verb(run->command, "put"))
		(void)json_object_set(row, "photo", json_object_get(run->args, "photo"));
	else
		(void)json_object_set_new(row, "photo", json_string(""));
	archive_run(run, "contact.mirror", json_pack("{s:[o]}", "rows", row), picture_on_put);
}

/* ---- octets ---- */

static void picture_on_photo(json_t *answer, void *arg)
{
	const json_t *error = json_object_get(answer, "error");
	char *text = error ? NULL : command_result_text(answer);
	json_t *result = text ? json_loads(text, 0, NULL) : NULL;
	struct page_answer done = { .status = 200 };
	struct page_run *run = arg;

	free(text);
	done.text =
		(char *)photo_octets(bytes_str(json_text(result, "photo")), &done.type, &done.n);
	(void)snprintf(done.tag, sizeof(done.tag), "\"%lld-%lld\"",
		       (long long)json_integer_value(json_object_get(result, "revision")),
		       (long long)json_integer_value(json_object_get(result, "changed_utc_ms")));
	if (error)
		page_refuse(run,
			    command_error_status(command_error_named(json_text(error, "code"))),
			    json_text(error, "message"));
	else if (!done.text)
		page_refuse(run, 404, "there is no picture, or it is a link");
	else
		page_answer(run, &done);
	json_decref(result);
	json_decref(answer);
}

void contact_picture_page(struct page_run *run)
{
	static const struct {
		const char *of, *command, *argument;
	} kinds[] = {
		{ "colleagues", "picture.get", "user" },
		{ "shared", "directory.get", "contact" },
		{ "contacts", "contact.get", "contact" },
	};
	struct bytes rest = bytes_str(run->path), of = { 0 };
	json_t *args = NULL;
	size_t i = 0;

	(void)bytes_cut(&rest, '/', &of);
	while (i < COUNT_OF(kinds) && !bytes_is(of, kinds[i].of))
		i++;
	if (i < COUNT_OF(kinds) && rest.n && !memchr(rest.p, '/', rest.n))
		args = json_pack("{s:s%}", kinds[i].argument, rest.p, rest.n);
	if (!args) {
		page_refuse(run, 404, "colleagues, shared or contacts; then the number, or the id");
	} else if (!page_may(run, kinds[i].command)) {
		page_refuse(run, 403, "this token does not allow that picture");
	} else {
		if (!strcmp(kinds[i].of, "contacts"))
			(void)json_object_set_new(args, "user", json_string(run->who.user));
		page_command(run, kinds[i].command, args, picture_on_photo);
	}
	json_decref(args);
}
