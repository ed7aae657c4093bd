/* SPDX-License-Identifier: Apache-2.0 */
/* One document of a set: its kind and name, the change that it makes, and all of its errors. An
 * item is a dry run of its kind's own put command, so that a set is checked exactly as single
 * commands are; errors carry the position in the author's file. command_set.c begins and makes the
 * items. */

#include <stdlib.h>
#include <string.h>

#include "app/command/command_set.h"
#include "app/command/command_start.h"
#include "app/document/directory.h"
#include "app/document/document.h"
#include "app/node/node.h"
#include "app/schema/feature.h"
#include "base/guess.h"

#define KEPT "(kept)"

/* ---- items ---- */

void set_item_clear(struct set_item *item)
{
	secret_str_free(item->text);
	json_decref(item->differs);
	item->text = NULL;
	item->differs = NULL;
}

/* NULL: no memory. */
struct set_item *set_item_add(struct set_job *job)
{
	struct set_item *all;

	if (job->count == job->room) {
		all = reallocarray(job->items, 2 * job->room + 64, sizeof(*all));
		if (!all)
			return NULL;
		job->items = all;
		job->room = 2 * job->room + 64;
	}
	job->items[job->count] = (struct set_item){ 0 };
	return &job->items[job->count++];
}

struct bytes set_item_text(const struct node *n, const struct set_item *item)
{
	return mirror_text(&n->api.documents->keep.mirror, bytes_str(item->tenant),
			   bytes_str(item->kind->name), bytes_str(item->name));
}

uint64_t set_item_version(const struct node *n, const struct set_item *item)
{
	return mirror_version(&n->api.documents->keep.mirror, bytes_str(item->tenant),
			      bytes_str(item->kind->name), bytes_str(item->name));
}

/* ---- errors ---- */

/* Position of a field for the set's author: "at" of the document, a text or an object. */
static json_t *set_error_at(const struct set_job *job, const struct set_item *item,
			    const char *field)
{
	json_t *at = json_object_get(json_array_get(job->documents, item->document), "at");
	json_t *of_field = field ? json_object_get(at, field) : NULL;

	if (json_is_object(at))
		at = of_field ? of_field : json_object_get(at, "");
	return json_is_string(at) ? at : NULL;
}

void set_error(struct set_job *job, const struct set_item *item, const char *field,
	       const char *code, const char *message)
{
	json_t *one;

	if (job->error_count++ >= SET_ERRORS_MAX)
		return;
	one = json_pack("{s:I, s:s*, s:s*, s:s*, s:s, s:s, s:O*}", "document",
			(json_int_t)item->document, "kind", item->kind ? item->kind->name : NULL,
			"name", item->name[0] ? item->name : NULL, "field", field, "code", code,
			"message", message, "at", set_error_at(job, item, field));
	(void)json_array_append_new(job->errors, one);
}

bool set_item_may(struct set_job *job, const struct set_item *item, const struct command *command)
{
	const struct command_right right = command_right_of(job->run);
	struct command_error error = {
		.code = COMMAND_NOT_ALLOWED,
		.message = "it belongs to no tenant: operators put it without naming one"
	};

	if (!(item->kind->of_operators && job->run->of_tenant) &&
	    command_may(command, &right, &error))
		return true;
	set_error(job, item, "kind", command_error_name(error.code), error.message);
	return false;
}

struct item_request {
	struct set_job *job;
	const struct set_item *item;
};

/* Its command was refused. */
static void item_on_refused(json_t *answer, void *arg)
{
	const struct item_request *a = arg;
	const json_t *error = json_object_get(answer, "error");

	set_error(a->job, a->item, json_string_value(json_object_get(error, "argument")),
		  json_string_value(json_object_get(error, "code")),
		  json_string_value(json_object_get(error, "message")));
	json_decref(answer);
}

static void run_drop(struct command_run *run)
{
	json_decref(run->args);
	free(run->kept);
	free(run);
}

static void field_unknown(const struct item_request *ask, const struct command *put,
			  const char *name)
{
	struct guess g = { .word = bytes_str(name) };
	char text[240];

	for (const struct command_arg *arg = put->args; arg->name; arg++)
		guess_add(&g, bytes_str(arg->name));
	(void)snprintf(text, sizeof(text), "documents of the kind %s have no field '%.40s'%s",
		       ask->item->kind->name, name, guess_text(&g));
	set_error(ask->job, ask->item, name, "unknown_argument", text);
}

/* Each argument that is wrong. False: none is alone. */
static bool item_args_say(const struct item_request *ask, const struct command_run *run)
{
	size_t before = ask->job->error_count;
	struct command_error error = { 0 };
	struct command_value value;
	const char *name;
	json_t *json;

	json_object_foreach(run->args, name, json)
	{
		const struct command_arg *arg = command_arg_find(run->command, bytes_str(name));

		if (!arg)
			field_unknown(ask, run->command, name);
		else if (command_arg_check(arg, given_json(json), &value, &error))
			set_error(ask->job, ask->item, name, command_error_name(error.code),
				  error.message);
	}
	for (const struct command_arg *arg = run->command->args; arg->name; arg++) {
		if (arg->required && !json_object_get(run->args, arg->name))
			set_error(ask->job, ask->item, arg->name, "missing_argument", arg->help);
	}
	return ask->job->error_count > before;
}

/* NULL: no memory. */
static struct command_run *item_bare_run(struct item_request *ask, const struct command *command,
					 json_t *args)
{
	struct command_run *run = calloc(1, sizeof(*run));
	const struct command_run *of = ask->job->run;

	if (!run)
		return NULL;
	*run = (struct command_run){ .command = command,
				     .node = of->node,
				     .role = of->role,
				     .of_tenant = true, /* patterns were judged: set_item_may() */
				     .args = json_incref(args),
				     .done = item_on_refused,
				     .arg = ask };
	(void)snprintf(run->tenant, sizeof(run->tenant), "%s",
		       ask->item->kind->of_operators ? of->tenant : ask->item->tenant);
	return run;
}

/* A dry run of the document's own command. NULL: the command was refused. */
static struct command_run *item_run(struct item_request *ask, const struct command *command,
				    json_t *args)
{
	struct command_run *run = item_bare_run(ask, command, args);
	struct command_error error = { 0 };

	if (!run)
		return NULL;
	if (!command_check(command, run->args, run->values, &error))
		return run;
	if (!item_args_say(ask, run))
		set_error(ask->job, ask->item, error.argument, command_error_name(error.code),
			  error.message);
	run_drop(run);
	return NULL;
}

/* ---- what is meant ---- */

static bool item_tenant_read(struct set_job *job, struct set_item *item, const json_t *given)
{
	const struct command_run *run = job->run;
	const char *text = given ? json_string_value(given) : run->tenant;

	if (item->kind->of_operators) {
		text = DIRECTORY_OPERATORS;
	} else if (!text ||
		   tenants_find(run->node->common.tenants, bytes_str(text)) == TENANT_NONE ||
		   (run->of_tenant && strcmp(text, run->tenant) != 0)) {
		set_error(
			job, item, "tenant", "not_found",
			"there is no such tenant: a set that makes one goes before its documents");
		return false;
	}
	return !bytes_cstr(bytes_str(text), item->tenant, sizeof(item->tenant));
}

/* What names the document: as the command takes it. */
static void item_name_read(struct set_item *item)
{
	const char *name = json_string_value(json_object_get(item->args, item->kind->argument));

	if (bytes_cstr(bytes_str(name ? name : ""), item->name, sizeof(item->name)))
		item->name[0] = '\0';
}

/* True: it was said. */
static bool item_is_double(struct set_job *job, struct set_item *item, json_t *of, const char *key,
			   const char *what)
{
	const json_t *other = json_object_get(of, key);
	char message[128];

	if (other) {
		(void)snprintf(message, sizeof(message), "%s is also that of document %d", what,
			       (int)json_integer_value(other));
		set_error(job, item, item->kind->argument, "conflict", message);
		return true;
	}
	(void)json_object_set_new(of, key, json_integer(item->document));
	return false;
}

static bool kind_has_number(const struct document_kind *kind)
{
	return !strcmp(kind->name, "extension") || !strcmp(kind->name, "room") ||
	       !strcmp(kind->name, "number");
}

static void kind_unknown(struct set_job *job, const struct set_item *item, const json_t *kind)
{
	const char *word = json_string_value(kind);
	struct guess g = { .word = bytes_str(word) };
	char text[160];

	COMMAND_EACH (c) {
		if (c->documents && command_is_verb(c, "put"))
			guess_add(&g, command_noun(c));
	}
	(void)snprintf(text, sizeof(text), "unknown kind '%.40s'%s", word ? word : "",
		       guess_text(&g));
	set_error(job, item, "kind", word ? "not_found" : "bad_argument",
		  word ? text : "kind is missing: a string such as extension");
}

/* Which document is meant, and whether it is so twice. */
void set_item_start(struct set_job *job, uint32_t i)
{
	json_t *given = json_array_get(job->documents, i), *kind, *tenant;
	struct set_item *item = set_item_add(job);
	char key[DOCUMENT_NAMING_MAX];

	if (!item) {
		job->failed = true;
		return;
	}
	item->document = i;
	kind = json_incref(json_object_get(given, "kind"));
	tenant = json_incref(json_object_get(given, "tenant"));
	item->put = command_put_of(json_is_string(kind) ? json_string_value(kind) : "");
	if (!item->put || !item->put->documents) {
		kind_unknown(job, item, kind);
		job->count--;
	} else {
		item->kind = item->put->documents;
		item->args = json_copy(given);
		(void)json_object_del(item->args, "kind");
		(void)json_object_del(item->args, "tenant");
		(void)json_object_del(item->args, "at");
		item_name_read(item);
		if (set_item_may(job, item, item->put) && item_tenant_read(job, item, tenant)) {
			document_naming(key, bytes_str(item->tenant), bytes_str(item->kind->name),
					bytes_str(item->name));
			if (item->name[0] &&
			    !item_is_double(job, item, job->naming, key, "this name") &&
			    kind_has_number(item->kind)) {
				document_naming(key, bytes_str(item->tenant), BYTES_LIT("#"),
						bytes_str(item->name));
				(void)item_is_double(job, item, job->numbers, key, "this number");
			}
		}
	}
	json_decref(kind);
	json_decref(tenant);
}

/* "(kept)": as it is. False: there is nothing. */
static bool item_keep(struct set_job *job, struct set_item *item)
{
	bool fine = true, there = set_item_version(job->run->node, item) != 0;
	const char *name;
	json_t *value;
	void *next;

	json_object_foreach_safe(item->args, next, name, value)
	{
		if (!json_is_string(value) || strcmp(json_string_value(value), KEPT) != 0)
			continue;
		if (!there) {
			set_error(job, item, name, "not_found",
				  "there is nothing to keep: give it as a text, or by the name of "
				  "a file or a variable");
			fine = false;
		}
		(void)json_object_del(item->args, name);
	}
	return fine;
}

/* References to what is neither there nor in the set are errors here. */
static void item_warn(struct set_job *job, struct set_item *item, const json_t *list)
{
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one)
	{
		struct bytes text = bytes_str(json_string_value(one)), field;
		char name[64];

		if (!strstr(json_string_value(one), "there is no")) {
			if (json_array_size(job->warnings) < SET_ERRORS_MAX)
				(void)json_array_append_new(job->warnings,
							    json_pack("{s:I, s:s}", "document",
								      (json_int_t)item->document,
								      "message",
								      json_string_value(one)));
			continue;
		}
		(void)bytes_cut(&text, ':', &field);
		if (bytes_cstr(field, name, sizeof(name)) ||
		    !command_arg_find(item->put, bytes_str(name)))
			(void)snprintf(name, sizeof(name), "%s",
				       command_arg_find(item->put, BYTES_LIT("program"))
					       ? "program"
					       : item->kind->argument);
		set_error(job, item, name, "not_found", json_string_value(one));
	}
}

static void item_propose(struct set_job *job, struct set_item *item)
{
	struct item_request ask = { job, item };
	struct document_proposal p;
	struct command_run *run;

	if (!item_keep(job, item) || !(run = item_run(&ask, item->put, item->args)))
		return;
	if (!document_propose(run, item->kind, &p))
		return;
	memcpy(item->name, p.name, sizeof(item->name));
	item->made_of = set_item_version(run->node, item);
	item->is_new = p.is_new;
	item->change = p.same ? SET_SAME : SET_PUT;
	item->text = p.text;
	item->differs = p.differs;
	if (!p.same && !p.text)
		job->failed = true;
	else
		item_warn(job, item, p.warnings);
	json_decref(p.warnings);
	run_drop(run);
}

/* One that is in the set no longer, where these go. */
static void item_remove(struct set_job *job, struct set_item *item)
{
	struct item_request ask = { job, item };
	char name[DOCUMENT_NAME_MAX];
	const struct command *delete = command_of_noun(command_noun(item->put), "delete");
	struct command_run *run;
	json_t *args;

	item->made_of = set_item_version(job->run->node, item);
	item->change = item->made_of ? SET_DELETE : SET_SAME;
	if (item->change == SET_SAME || !set_item_may(job, item, delete ? delete : item->put) ||
	    !delete)
		return;
	args = json_object();
	if (command_arg_find(delete, bytes_str(item->kind->argument)))
		(void)json_object_set_new(args, item->kind->argument, json_string(item->name));
	run = item_run(&ask, delete, args);
	if (run && document_aim(run, item->kind, name))
		run_drop(run);
	json_decref(args);
}

/* One of an earlier version, as it was then. */
static void item_restore(struct set_job *job, struct set_item *item)
{
	struct item_request ask = { job, item };
	struct command_run *run;
	json_t *args;
	struct bytes text = set_item_text(job->run->node, item);

	item->made_of = set_item_version(job->run->node, item);
	item->is_new = !text.n;
	item->change = item->text && !bytes_is(text, item->text) ? SET_PUT : SET_SAME;
	if (item->change == SET_SAME || !set_item_may(job, item, item->put))
		return;
	args = json_object();
	run = item_bare_run(&ask, item->put, args);
	if (run && document_restores(run, item->kind, bytes_str(item->name), bytes_str(item->text)))
		run_drop(run);
	json_decref(args);
}

void set_item_make(struct set_job *job, struct set_item *item)
{
	if (item->args) {
		set_item_clear(item);
		item_propose(job, item);
	} else if (job->of && item->text) {
		item_restore(job, item);
	} else if (job->of || job->prune) {
		item_remove(job, item);
	} else {
		item->made_of = set_item_version(job->run->node, item);
		item->change = SET_SAME;
	}
	item->staged = false;
}

int set_item_seats(const struct set_item *item, const struct document_seat *seat)
{
	const json_t *was_is =
		item->change == SET_PUT ? json_object_get(item->differs, seat->member) : NULL;

	if (item->change == SET_PUT && item->is_new)
		return document_seat_is_on(seat, json_object_get(item->args, seat->member));
	return document_seat_is_on(seat, json_array_get(was_is, 1)) -
	       document_seat_is_on(seat, json_array_get(was_is, 0));
}
