/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which document names which other one, derived from the schema of each kind. A delete of a target
 * is refused with its sources, and a put warns of missing targets. Control thread.
 */
#include "app/document/references.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/document/document.h"
#include "app/node/node.h"
#include "app/node/node_life.h"
#include "app/schema/command.h"
#include "sig/host/programs.h"
#include "sig/shard/shared_tables.h"

enum { NAMED_BY_SHOWN = 10, WHO_MAX = 2 * DOCUMENT_NAME_MAX, PATH_SHOWN_MAX = 96 };
/* Anything that a phone can dial: an extension, a room, a number of a flow or a group. */
#define DIALLED "number"
/* A mailbox is of an extension, or has a name of its own. */
#define MAILBOX "mailbox"

void references_close(struct references *r)
{
	json_decref(r->named);
	json_decref(r->names);
	*r = (struct references){ 0 };
}

/* ---- what a document names ---- */

static const struct command_arg *kind_fields(const struct document_kind *kind)
{
	return kind->fields ? kind->fields : kind->form ? kind->form->fields : NULL;
}

static void text_each(const struct field *f, const char *path, const char *text, reference_fn *fn,
		      void *arg)
{
	struct bytes rest = bytes_str(text ? text : "");
	struct reference what;

	while (field_refers_next(f, &rest, &what))
		fn(arg, path, &what);
}

static void program_each(const struct flow_program *p, reference_fn *fn, void *arg)
{
	for (uint16_t i = 0; p && i < p->count; i++) {
		for (const struct verb_arg *a = p->steps[i].verb->args; a->name; a++) {
			const struct field f = { .refers = a->kind };
			const json_t *value = json_object_get(p->steps[i].args, a->name), *one;
			char path[PATH_SHOWN_MAX];
			size_t k;

			(void)snprintf(path, sizeof(path), "%s of step %s", p->steps[i].verb->name,
				       p->steps[i].name);
			text_each(&f, path, json_string_value(value), fn, arg);
			json_array_foreach(value, k, one)
				text_each(&f, path, json_string_value(one), fn, arg);
		}
	}
}

void references_each(const struct node *n, const struct document_kind *kind, uint16_t tenant,
		     const void *value, reference_fn *fn, void *arg)
{
	const struct command_arg *fields = kind_fields(kind);

	for (; fields && fields->name; fields++) {
		const char *text = (const char *)value + fields->field.at;
		char number[24] = "";

		if (!fields->field.refers)
			continue;
		if (fields->field.kind == FIELD_NUMBER && field_number_get(&fields->field, text))
			(void)snprintf(number, sizeof(number), "%" PRIu64,
				       field_number_get(&fields->field, text));
		text_each(&fields->field, fields->name,
			  fields->field.kind == FIELD_NUMBER ? number : text, fn, arg);
	}
	if (kind->program && tenant != TENANT_NONE)
		program_each(programs_named(n->common.shared_tables->programs,
					    bytes_str(tenants_name(n->common.tenants, tenant)),
					    bytes_str((const char *)value + kind->name_at)),
			     fn, arg);
}

/* ---- who names it ---- */

struct noting {
	struct references *all;
	struct bytes tenant;
	const char *who, *source;
};

static json_t *references_at(json_t *all, const char *key)
{
	json_t *one = json_object_get(all, key);

	if (one || json_object_set_new(all, key, json_object()))
		return one;
	return json_object_get(all, key);
}

static void reference_note(void *arg, const char *path, const struct reference *what)
{
	struct noting *to = arg;
	char key[DOCUMENT_NAMING_MAX];
	json_t *names = json_object_get(to->all->names, to->source), *by;
	const char *before;

	document_naming(key, to->tenant, bytes_str(what->kind), what->name);
	if (!names && !json_object_set_new(to->all->names, to->source, json_array()))
		names = json_object_get(to->all->names, to->source);
	(void)json_array_append_new(names, json_string(key));
	by = references_at(to->all->named, key);
	before = json_string_value(json_object_get(by, to->who));
	if (!before || !reference_goes_with(to->who, before))
		(void)json_object_set_new(by, to->who, json_string(path));
}

static void references_forget(struct references *r, const char *source, const char *who)
{
	const json_t *key;
	size_t i;

	json_array_foreach(json_object_get(r->names, source), i, key)
	{
		json_t *by = json_object_get(r->named, json_string_value(key));

		(void)json_object_del(by, who);
		if (!json_object_size(by))
			(void)json_object_del(r->named, json_string_value(key));
	}
	(void)json_object_del(r->names, source);
}

void references_note(struct node *n, const struct document_kind *kind,
		     const struct snapshot_document *d, const void *value)
{
	struct references *r = &n->api.documents->references;
	char source[DOCUMENT_NAMING_MAX], who[WHO_MAX];
	struct noting to = { .all = r, .tenant = d->tenant, .who = who, .source = source };

	if (kind->passing)
		return;
	if (!r->named) {
		r->named = json_object();
		r->names = json_object();
	}
	document_naming(source, d->tenant, d->kind, d->name);
	(void)snprintf(who, sizeof(who), BYTES_FMT "/" BYTES_FMT, BYTES_ARG(d->kind),
		       BYTES_ARG(d->name));
	references_forget(r, source, who);
	if (kind->of_operators) /* what a tenant's own document names is the tenant's */
		to.tenant = d->name;
	if (value)
		references_each(n, kind, tenants_find(n->common.tenants, to.tenant), value,
				reference_note, &to);
}

/* What a set that is checked says of the one that names it counts, and not this. */
static bool reference_is_of_set(const struct node *n, const char *tenant, const char *who)
{
	struct bytes name = bytes_str(who), kind;
	char key[DOCUMENT_NAMING_MAX];

	(void)bytes_cut(&name, '/', &kind);
	return json_object_get(n->api.documents->naming,
			       document_naming(key, bytes_str(tenant), kind, name)) != NULL;
}

static void references_add(const struct node *n, const char *tenant, const char *as,
			   const char *self, struct bytes name, json_t *out)
{
	char key[DOCUMENT_NAMING_MAX];
	const char *who;
	json_t *path;

	json_object_foreach(
		json_object_get(n->api.documents->references.named,
				document_naming(key, bytes_str(tenant), bytes_str(as), name)),
		who, path)
	{
		if (strcmp(who, self) != 0 && !reference_is_of_set(n, tenant, who))
			(void)json_object_set(out, who, path);
	}
}

/* There is one of that prompt in another language, too. */
static bool prompt_remains(const struct node *n, const char *tenant, const char *document,
			   struct bytes name)
{
	const struct mirror *mirror = &n->api.documents->keep.mirror;
	struct snapshot_document d;
	uint32_t cursor = 0;

	while (mirror_next(mirror, &cursor, &d)) {
		if (bytes_is(d.tenant, tenant) && bytes_is(d.kind, "prompt") &&
		    !bytes_is(d.name, document) &&
		    bytes_eq(bytes_sub(d.name, 0, bytes_find(d.name, ':')), name))
			return true;
	}
	return false;
}

json_t *references_to(const struct node *n, const char *tenant, const char *kind, const char *name)
{
	static const char *const dialled[] = { "extension", "room", "number" };
	struct bytes plain = bytes_str(name);
	json_t *out = json_object();
	char self[WHO_MAX];

	(void)snprintf(self, sizeof(self), "%s/%s", kind, name);
	if (!strcmp(kind, "prompt")) {
		plain = bytes_sub(plain, 0, bytes_find(plain, ':'));
		if (prompt_remains(n, tenant, name, plain))
			return out;
	}
	references_add(n, tenant, kind, self, plain, out);
	for (size_t i = 0; i < COUNT_OF(dialled); i++) {
		if (!strcmp(kind, dialled[i]))
			references_add(n, tenant, DIALLED, self, plain, out);
	}
	if (!strcmp(kind, "extension"))
		references_add(n, tenant, MAILBOX, self, plain, out);
	return out;
}

/* "group sales (members)" */
static void who_write(struct writer *w, const char *who, const json_t *path)
{
	struct bytes name = bytes_str(who), kind;

	(void)bytes_cut(&name, '/', &kind);
	writer_fmt(w, "%s" BYTES_FMT " " BYTES_FMT " (%s)", w->n ? ", " : "", BYTES_ARG(kind),
		   BYTES_ARG(name), json_string_value(path));
}

/* What the node has of that name takes the place of a tenant's own. */
static bool node_has_one(const struct node *n, const struct document_kind *kind, const char *name)
{
	return !strcmp(kind->name, "flow") &&
	       programs_named(n->common.shared_tables->programs, PROGRAMS_NODE, bytes_str(name));
}

bool references_let_go(struct command_run *run, const struct document_kind *kind, const char *name)
{
	json_t *by = json_is_true(json_object_get(run->args, g_command_force.name)) ||
				     node_has_one(run->node, kind, name)
			     ? NULL
			     : references_to(run->node, run->tenant, kind->name, name);
	size_t count = json_object_size(by), shown = 0;
	char list[1024], more[32] = "";
	struct writer w = writer_over(list, sizeof(list));
	const char *who;
	json_t *path;

	json_object_foreach(by, who, path)
	{
		if (shown++ < NAMED_BY_SHOWN)
			who_write(&w, who, path);
	}
	if (count > NAMED_BY_SHOWN)
		(void)snprintf(more, sizeof(more), " and %zu more", count - NAMED_BY_SHOWN);
	json_decref(by);
	if (count)
		command_fail(run, COMMAND_CONFLICT, kind->argument,
			     "%s %s is named by " BYTES_FMT
			     "%s: change that first, or give force=true",
			     kind->name, name, BYTES_ARG(writer_done(&w)), more);
	return !count;
}

bool reference_goes_with(const char *source, const char *path)
{
	struct bytes name = bytes_str(source), word;
	const struct document_kind *kind =
		bytes_cut(&name, '/', &word) ? document_kind_find(word) : NULL;
	const struct command_arg *a = kind ? kind_fields(kind) : NULL;

	while (a && a->name && strcmp(a->name, path) != 0)
		a++;
	return a && a->name && a->field.goes_with;
}

/* ---- what it names and is not there ---- */

bool reference_exists(const struct node *n, uint16_t tenant, const struct reference *what)
{
	char unused[NUMBER_WORDS_MAX];

	if (!strcmp(what->kind, DIALLED))
		return !n->hooks->number_wrong(n, tenant, what->name, unused);
	if (!strcmp(what->kind, "prompt") || !strcmp(what->kind, MAILBOX))
		return true; /* prompts are files of nodes, too */
	if (!strcmp(what->kind, "profile") && bytes_is(what->name, PROFILE_DEFAULT))
		return true;
	return document_named(n, bytes_str(tenants_name(n->common.tenants, tenant)), what->kind,
			      what->name) ||
	       (!strcmp(what->kind, "flow") &&
		programs_named(n->common.shared_tables->programs, PROGRAMS_NODE, what->name));
}

struct warning {
	const struct node *n;
	uint16_t tenant;
	json_t *out;
};

static void reference_warn(void *arg, const char *path, const struct reference *what)
{
	const struct warning *to = arg;
	char words[NUMBER_WORDS_MAX];

	if (!strcmp(what->kind, DIALLED)) {
		if (to->n->hooks->number_wrong(to->n, to->tenant, what->name, words))
			(void)json_array_append_new(to->out, json_sprintf("%s: %s", path, words));
	} else if (!reference_exists(to->n, to->tenant, what)) {
		(void)json_array_append_new(
			to->out, json_sprintf("%s: there is no %s " BYTES_FMT
					      " yet: %s.put makes one, %s.list shows all of them",
					      path, what->kind, BYTES_ARG(what->name), what->kind,
					      what->kind));
	}
}

/* Of a flow its parser says it, with the place in the program. */
void references_warn(const struct node *n, const struct document_kind *kind, uint16_t tenant,
		     const void *value, json_t *out)
{
	struct warning to = { n, tenant, out };

	if (kind_fields(kind) && !kind->of_operators && tenant != TENANT_NONE)
		references_each(n, kind, tenant, value, reference_warn, &to);
}
