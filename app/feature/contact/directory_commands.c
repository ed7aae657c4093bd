/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory of a tenant, for each of its users: its extensions, with who is at them, and the
 * contacts of its book, in one list. Found by any part of a name, in small or large letters, with
 * umlauts or without.
 */
#include "app/command/command_request.h"
#include "app/command/command_walk.h"
#include "app/command/commands.h"
#include "app/document/document.h"
#include "app/document/extensions.h"
#include "app/feature/archive/archive_client.h"
#include "app/feature/contact/contacts.h"
#include "app/node/node.h"
#include "app/settings/settings.h"
#include "base/json_member.h"
#include "sig/host/name_index.h"

enum { DIRECTORY_MS = 2000 };

/* In front of the number of an extension where contacts have their id, which has no ':'. */
#define EXTENSION_ID "extension:"

void person_name(const struct extension *e, char out[PERSON_ROOM])
{
	const struct extension_person *p = &e->person;
	const char *between = p->first_name[0] && p->last_name[0] ? " " : "";

	if (e->core.display_name[0])
		(void)snprintf(out, PERSON_ROOM, "%s", e->core.display_name);
	else
		(void)snprintf(out, PERSON_ROOM, "%s%s%s", p->first_name, between, p->last_name);
}

static bool text_is_found(const char *text, const char *wanted)
{
	char folded[PERSON_ROOM];
	struct writer w = writer_over(folded, sizeof(folded) - 1);

	name_fold(&w, bytes_str(text));
	folded[w.n] = '\0';
	return strstr(folded, wanted);
}

/* As contacts are: by the name, and by each text that the row has. DIDs have nothing to fold. */
static bool person_is_found(const struct command_run *run, const struct extension *e)
{
	const struct extension_person *p = &e->person;
	struct bytes search = command_value(run, "search")->text;
	char names[PERSON_ROOM], wanted[PERSON_ROOM];
	struct writer of = writer_over(wanted, sizeof(wanted) - 1);

	if (!search.n)
		return true;
	(void)snprintf(names, sizeof(names), "%s %s %s %s", e->core.display_name, p->first_name,
		       p->last_name, e->core.number);
	name_fold(&of, search);
	wanted[of.n] = '\0';
	return text_is_found(names, wanted) || text_is_found(p->department, wanted) ||
	       text_is_found(p->title, wanted) || text_is_found(p->mail, wanted) ||
	       strstr(p->dids, wanted);
}

static void department_fold(const char *text, size_t n, char out[PERSON_ROOM])
{
	struct writer w = writer_over(out, PERSON_ROOM - 1);

	name_fold(&w, bytes_trim(bytes_mem(text, n)));
	out[w.n] = '\0';
}

/* The profile has the extension of that number and department. */
static bool directory_profile_has(const struct directory_profile *p, const char *number,
				  const char *department)
{
	struct bytes rest = bytes_str(p->departments), one;
	char wanted[PERSON_ROOM], folded[PERSON_ROOM];

	department_fold(department, strlen(department), wanted);
	while (wanted[0] && bytes_cut(&rest, ';', &one)) {
		department_fold((const char *)one.p, one.n, folded);
		if (!strcmp(folded, wanted))
			return true;
	}
	return (!p->departments[0] && !p->extensions[0]) ||
	       bytes_list_has(bytes_str(p->extensions), bytes_str(number));
}

/* Of a contact the rest is what directory.get shows. */
static json_t *entry_row(const char *id, const char *number, const char *name,
			 const char *const texts[6])
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "id", id, "number",
			 number, "name", name, "first_name", texts[0], "last_name", texts[1],
			 "company", texts[2], "department", texts[3], "title", texts[4], "mail",
			 texts[5]);
}

static json_t *person_row(const struct extension *e)
{
	const struct extension_person *p = &e->person;
	char name[PERSON_ROOM], id[PERSON_ROOM];
	json_t *row;

	person_name(e, name);
	(void)snprintf(id, sizeof(id), EXTENSION_ID "%s", e->core.number);
	row = entry_row(id, e->core.number, name,
			(const char *const[]){ p->first_name, p->last_name, "", p->department,
					       p->title, p->mail });
	if (row)
		(void)json_object_set_new(row, "dids", json_string(p->dids));
	return row;
}

static json_t *directory_contact_row(const json_t *c)
{
	const json_t *mail = json_array_get(json_object_get(c, "emails"), 0);
	json_t *row = entry_row(
		json_text(c, "contact"), json_text(c, "number"), json_text(c, "name"),
		(const char *const[]){ json_text(c, "first_name"), json_text(c, "last_name"),
				       json_text(c, "company"), json_text(c, "department"),
				       json_text(c, "title"), json_text(mail, "address") });

	if (row)
		(void)json_object_set(row, "contact", json_object_get(c, "contact"));
	if (row && json_object_get(c, "phones"))
		(void)json_object_set(row, "phones", json_object_get(c, "phones"));
	return row;
}

/* In the order of folded names; sort orders by another column. */
static void person_key(const struct extension *e, char key[LIST_KEY_MAX])
{
	char name[PERSON_ROOM], folded[PERSON_ROOM];
	struct writer w = writer_over(folded, sizeof(folded) - 1);

	person_name(e, name);
	name_fold(&w, bytes_str(name));
	folded[w.n] = '\0';
	(void)snprintf(key, LIST_KEY_MAX, "%.80s\t" EXTENSION_ID "%.63s", folded, e->core.number);
}

static bool person_look(const struct command_run *run, const struct command_span *span,
			struct command_walk_at *at, bool show, struct command_walk_entry *out)
{
	struct bytes number;
	struct extension e;
	uint16_t tenant;

	(void)span;
	if (!extensions_next(run->node->api.extensions, &at->place, &tenant, &number))
		return false;
	if (tenant != document_tenant(run) ||
	    !extensions_find(run->node->api.extensions, tenant, number, &e))
		return true;
	out->wanted = !e.person.hidden && person_is_found(run, &e) &&
		      (!run->kept ||
		       directory_profile_has(run->kept, e.core.number, e.person.department));
	person_key(&e, out->key);
	out->json = show && out->wanted ? person_row(&e) : NULL;
	extension_wipe(&e);
	return true;
}

/* ---- contacts of the tenant come first, then the extensions ---- */

static void directory_request(struct command_run *run, json_t *args);

/* Without the archive the extensions are there, and the answer says what is missing. */
static void directory_on_page(struct node *n, const json_t *result, const char *why, void *arg)
{
	struct command_run *run = waiting_pop(n->api.waiting, (uint64_t)(uintptr_t)arg);
	json_t *args = run ? json_object_get(run->args, "page") : NULL;

	(void)why;
	if (!run)
		return;
	if (!json_object_get(result, "result"))
		run->list->missing = json_pack("[s]", "archive");
	else if (contact_page_put(run, json_object_get(result, "result"), "id",
				  directory_contact_row, args)) {
		directory_request(run, json_copy(args));
		return;
	}
	command_walk_start(run, person_look);
}

static void directory_request(struct command_run *run, json_t *args)
{
	struct node *n = run->node;
	uint64_t ticket = waiting_put(n->api.waiting, run);

	if (!ticket) {
		json_decref(args);
		command_fail(run, COMMAND_BUSY, NULL, "too many questions at once");
		return;
	}
	if (archive_query_send(n, "contact.list", args, document_tenant(run), DIRECTORY_MS,
			       directory_on_page, (void *)(uintptr_t)ticket))
		return;
	run = waiting_pop(n->api.waiting, ticket);
	if (run && n->settings->archive.enabled)
		run->list->missing = json_pack("[s]", "archive");
	if (run)
		command_walk_start(run, person_look);
}

/* The walk has the profile in run->kept. */
static void directory_of_profile(struct command_run *run, struct bytes name)
{
	struct directory_profile *p = calloc(1, sizeof(*p));
	const char *tenant = tenants_name(run->node->common.tenants, document_tenant(run));

	run->kept = p;
	if (p && document_stored(run->node, tenant, &g_directory_profile_documents, name, p))
		command_walk_start(run, person_look);
	else
		command_fail(run, p ? COMMAND_NOT_FOUND : COMMAND_INTERNAL, "profile", "%s",
			     p ? "there is no such profile: directory.profile.list shows all"
			       : "out of memory");
}

void command_directory_list(struct command_run *run)
{
	struct bytes profile = command_value(run, "profile")->text;
	json_t *args;

	if (profile.n) {
		directory_of_profile(run, profile);
		return;
	}
	args = contact_args_in(run->node, document_tenant(run), "d");
	if (!args) {
		command_fail(run, COMMAND_INTERNAL, NULL, "out of memory");
		return;
	}
	contact_page_args(run, args);
	(void)json_object_set(run->args, "page", args);
	directory_request(run, args);
}
