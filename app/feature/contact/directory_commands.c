/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory of a tenant: its extensions, with who is at them, for each of its users. Found by
 * any part of a name, in small or large letters, with umlauts or without.
 */
#include "app/command/command_walk.h"
#include "app/command/commands.h"
#include "app/document/document.h"
#include "app/document/extensions.h"
#include "app/feature/contact/contacts.h"
#include "app/node/node.h"
#include "sig/host/names.h"

enum { PERSON_ROOM = 4 * CONTACT_SEARCH_MAX };

/* The name that it is shown by, else that of the person. */
static void person_name(const struct extension *e, char out[PERSON_ROOM])
{
	const struct extension_person *p = &e->person;
	const char *between = p->first_name[0] && p->last_name[0] ? " " : "";

	if (e->core.display_name[0])
		(void)snprintf(out, PERSON_ROOM, "%s", e->core.display_name);
	else
		(void)snprintf(out, PERSON_ROOM, "%s%s%s", p->first_name, between, p->last_name);
}

static bool person_is_found(const struct command_run *run, const struct extension *e)
{
	struct bytes search = command_value(run, "search")->text;
	char names[PERSON_ROOM], folded[PERSON_ROOM], wanted[PERSON_ROOM];
	struct writer w = writer_over(folded, sizeof(folded) - 1);
	struct writer of = writer_over(wanted, sizeof(wanted) - 1);

	if (!search.n)
		return true;
	(void)snprintf(names, sizeof(names), "%s %s %s %s", e->core.display_name,
		       e->person.first_name, e->person.last_name, e->core.number);
	names_fold(&w, bytes_str(names));
	names_fold(&of, search);
	folded[w.n] = wanted[of.n] = '\0';
	return strstr(folded, wanted);
}

static json_t *person_row(const struct extension *e)
{
	char name[PERSON_ROOM];

	person_name(e, name);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "number", e->core.number,
			 "name", name, "first_name", e->person.first_name, "last_name",
			 e->person.last_name, "department", e->person.department, "title",
			 e->person.title, "mail", e->person.mail, "dids", e->person.dids);
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
		      !bytes_cstr(number, out->key, sizeof(out->key));
	out->json = show && out->wanted ? person_row(&e) : NULL;
	extension_wipe(&e);
	return true;
}

void command_directory_list(struct command_run *run)
{
	command_walk_start(run, person_look);
}
