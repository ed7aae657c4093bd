/* SPDX-License-Identifier: Apache-2.0 */
/*
 * contact.* and directory.*: a book is of an extension, of which its user and administrators know,
 * or of the tenant, which each of its users reads. The archive has them; here are rights, pages of
 * lists, and what the archive is told: the dial plan, by which numbers are compared.
 */
#include <string.h>

#include "app/archive/contact/contact.h"
#include "app/command/command_extension.h"
#include "app/command/commands.h"
#include "app/document/document.h"
#include "app/document/extensions.h"
#include "app/feature/archive/archive_client.h"
#include "app/feature/contact/contacts.h"
#include "app/node/node.h"
#include "base/json_member.h"
#include "base/rand.h"
#include "sig/host/tenant_tables.h"

/* ---- books ---- */

json_t *contact_args_in(const struct node *n, uint16_t tenant, const char *owner)
{
	const struct dial_plan *p = dial_plans_of(n->common.dials, tenant);

	return json_pack("{s:s, s:s, s:{s:s, s:s, s:i, s:s, s:s, s:s}}", "tenant",
			 tenants_name(n->common.tenants, tenant), "owner", owner, "plan", "country",
			 p->country, "area", p->area, "area_digits", p->area_digits,
			 "national_prefix", p->national_prefix, "international_prefix",
			 p->international_prefix, "access", p->access);
}

/* The tenant's book is read by its users, and written by those who may. False: the run has
 * failed. */
static bool book_is_theirs(struct command_run *run)
{
	struct extension e;
	bool may = false;

	if (!run->user[0] || run->command->role == COMMAND_FOR_READER)
		return true;
	if (extensions_find(run->node->api.extensions, document_tenant(run), bytes_str(run->user),
			    &e)) {
		may = e.person.writes;
		extension_wipe(&e);
	}
	if (!may)
		command_fail(run, COMMAND_NOT_ALLOWED, NULL,
			     "this user may not change the directory: directory_write of "
			     "extension.put");
	return may;
}

json_t *contact_args(struct command_run *run)
{
	char owner[CONTACT_OWNER_MAX] = "d";
	struct bytes user;

	if (!command_arg_find(run->command, BYTES_LIT("user")))
		return book_is_theirs(run) ? contact_args_in(run->node, document_tenant(run), owner)
					   : NULL;
	user = command_value(run, "user")->text;
	if (!extensions_has(run->node->api.extensions, document_tenant(run), user)) {
		command_fail(run, COMMAND_NOT_FOUND, "user", COMMAND_NO_EXTENSION);
		return NULL;
	}
	(void)snprintf(owner, sizeof(owner), "u" BYTES_FMT, BYTES_ARG(user));
	return contact_args_in(run->node, document_tenant(run), owner);
}

/* Those arguments of the command that were given. */
static void args_copy(const struct command_run *run, json_t *to, const char *const *names)
{
	for (; *names; names++) {
		json_t *value = json_object_get(run->args, *names);

		if (value)
			(void)json_object_set(to, *names, value);
	}
}

/* ---- one ---- */

static const char *const g_given[] = { "name",           "first_name", "middle_name", "last_name",
				       "prefix",         "suffix",     "company",     "department",
				       "title",          "note",       "phones",      "emails",
				       "default_number", "line",       "photo",       "favourite",
				       "pinned",         "blocked",    NULL };

/* Also of contact.add: its id is made here. */
void command_contact_put(struct command_run *run)
{
	bool add = command_is_verb(run->command, "add");
	json_t *args = contact_args(run), *given = json_object();
	char id[BASE32_U64_LEN + 1] = "";

	if (!args) {
		json_decref(given);
		return;
	}
	args_copy(run, given, g_given);
	(void)json_object_set_new(args, "given", given);
	args_copy(run, args, (const char *const[]){ "contact", "revision", NULL });
	if (add) {
		base32_u64_put(id, rand_u64_from(&run->node->rand));
		(void)json_object_set_new(args, "contact", json_string(id));
		(void)json_object_set_new(args, "add", json_true());
	}
	archive_run(run, "contact.put", args, NULL);
}

/* And contact.delete. */
void command_contact_get(struct command_run *run)
{
	json_t *args = contact_args(run);

	if (!args)
		return;
	args_copy(run, args, (const char *const[]){ "contact", "revision", NULL });
	archive_run(run, command_is_verb(run->command, "delete") ? "contact.delete" : "contact.get",
		    args, NULL);
}

void command_contact_find(struct command_run *run)
{
	json_t *args = contact_args(run);

	if (!args)
		return;
	args_copy(run, args, (const char *const[]){ "number", NULL });
	archive_run(run, "contact.find", args, NULL);
}

/* ---- lists ---- */

/* In its own order a list has folded names; its key is then name, tab, id. */
void contact_page_args(const struct command_run *run, json_t *args)
{
	const struct command_list *l = run->list;
	struct bytes after = bytes_str(l->after.key), sort = bytes_str(l->after.text);

	if (l->goes_on && !l->sort[0])
		(void)bytes_cut(&after, '\t', &sort);
	(void)json_object_set_new(args, "order", json_string(l->sort));
	(void)json_object_set_new(args, "down", json_boolean(l->down));
	(void)json_object_set_new(args, "limit", json_integer((json_int_t)list_source(l)));
	args_copy(run, args,
		  (const char *const[]){ "search", "favourite", "pinned", "blocked", NULL });
	if (!l->goes_on)
		return;
	(void)json_object_set_new(args, "after", command_text_json(sort));
	(void)json_object_set_new(args, "after_contact", command_text_json(after));
}

static void page_row_put(struct command_list *l, json_t *row, const char *sort, const char *key)
{
	struct list_row one = { .shard = 0 };

	list_rank_row(l, row, &one.rank);
	if (!l->sort[0]) {
		one.rank = (struct list_rank){ .kind = LIST_NUMBER };
		(void)snprintf(one.rank.key, sizeof(one.rank.key), "%s\t%s", sort,
			       json_text(row, key));
	}
	if (!list_wants(l, row) || !list_has_place(l, &one.rank)) {
		json_decref(row);
		return;
	}
	one.text = command_row(row);
	(void)(one.text && list_put(l, &one));
}

bool contact_page_put(struct command_run *run, const json_t *rows, const char *key,
		      json_t *(*make)(const json_t *row), json_t *args)
{
	struct command_list *l = run->list;
	const json_t *row, *last = NULL;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		page_row_put(l, make(row), json_text(row, "sort"), key);
		last = row;
	}
	if (last) {
		(void)json_object_set(args, "after",
				      json_object_get(last, l->sort[0] ? l->sort : "sort"));
		(void)json_object_set(args, "after_contact", json_object_get(last, "contact"));
	}
	return i == list_source(l) && !l->more;
}

static json_t *contact_row_view(const json_t *row)
{
	json_t *view = json_copy((json_t *)(uintptr_t)row);

	(void)json_object_del(view, "sort");
	return view;
}

static void contact_on_page(struct command_run *run, const json_t *rows)
{
	json_t *args = json_object_get(run->args, "page");

	if (contact_page_put(run, rows, "contact", contact_row_view, args))
		archive_run(run, "contact.list", json_copy(args), contact_on_page);
	else
		command_answer_rows(run, list_finish(run->list));
}

void command_contact_list(struct command_run *run)
{
	json_t *args = contact_args(run);

	if (!args)
		return;
	contact_page_args(run, args);
	(void)json_object_set(run->args, "page", args); /* of the next one */
	archive_run(run, "contact.list", args, contact_on_page);
}

/* ---- notes ---- */

static void note_on_list(struct command_run *run, const json_t *rows)
{
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		json_t *own = json_copy((json_t *)(uintptr_t)row);

		if (list_wants(run->list, own))
			(void)list_put_row(run->list, own);
		else
			json_decref(own);
	}
	command_answer_rows(run, list_finish(run->list));
}

/* What the note is about, as contact_note has it: KIND/NAME, or me. */
static json_t *note_about(const struct command_run *run)
{
	static const char *const kinds[] = { "contact", "directory", "extension" };
	uint64_t kind = command_value(run, "about")->number;
	struct bytes name = command_value(run, "contact")->text;

	return kind < COUNT_OF(kinds) ? json_sprintf("%s/" BYTES_FMT, kinds[kind], BYTES_ARG(name))
				      : json_string("me");
}

void command_contact_note(struct command_run *run)
{
	bool list = command_is_verb(run->command, "list");
	bool gone = command_is_verb(run->command, "delete");
	json_t *args = contact_args(run);

	if (!args)
		return;
	(void)json_object_set_new(args, "about", note_about(run));
	args_copy(run, args, (const char *const[]){ "note", "text", "archived", NULL });
	archive_run(run,
		    list   ? "contact.note.list"
		    : gone ? "contact.note.delete"
			   : "contact.note.put",
		    args, list ? note_on_list : NULL);
}
