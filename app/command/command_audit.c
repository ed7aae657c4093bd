/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit: of each command that changes something, its principal, its door, its object, the
 * change and the result (ADR 116). command_start() chooses which commands get an entry; it is
 * written when the command ends. audit.list is in command_cdr.c. Control thread.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/command_start.h"
#include "app/command/commands.h"
#include "app/document/document.h"
#include "app/helper/webhook.h"
#include "app/node/node.h"
#include "app/node/node_wait.h"
#include "app/schema/feature.h"
#include "app/schema/route.h"
#include "app/settings/settings.h"
#include "sig/host/tenant.h"

enum {
	AUDIT_OCTETS_MAX = 8192, /* of an entry, */
	AUDIT_TEXT_MAX = 256,    /* of one argument there */
	AUDIT_TENANTS_MAX = 16   /* as many as a set changes */
};

struct command_principal command_in_name(const struct command_run *run, enum command_role role)
{
	struct command_principal who = { .role = role,
					 .door = run->door,
					 .by = run->user[0] ? run->user : run->by };

	memcpy(who.tenant, run->tenant, sizeof(who.tenant));
	return who;
}

static void drop_on_done(json_t *answer, void *arg)
{
	(void)arg;
	json_decref(answer);
}

/* KIND.delete, or as the kind calls it: agents log out. NULL: it has none. */
static const struct command *command_delete_of(struct bytes kind)
{
	const struct command *found = command_of_noun(kind, "delete");

	COMMAND_EACH (c) {
		if (!found && c->fn == document_delete && bytes_is(kind, c->documents->name))
			found = c;
	}
	return found;
}

void command_document_drop(const struct command_run *run, struct bytes kind, struct bytes name)
{
	/* an operator's token, too */
	struct command_principal who = command_in_name(run, COMMAND_FOR_OPERATOR);
	const struct command *command = command_delete_of(kind);
	char id[COMMAND_ID_MAX];
	json_t *args =
		command ? json_pack("{s:o}", command->documents->argument, command_text_json(name))
			: NULL;

	if (!args)
		return;
	if (command_context_arg(command, bytes_str(g_command_force.name)))
		(void)json_object_set_new(args, g_command_force.name, json_true());
	(void)snprintf(id, sizeof(id), "with %.*s " BYTES_FMT, 40, run->id, BYTES_ARG(name));
	command_start(run->node, &who, bytes_str(command->name), bytes_str(id), args, drop_on_done,
		      NULL);
	json_decref(args);
}

static json_t *audit_url(const char *text)
{
	char shown[AUDIT_TEXT_MAX];
	struct writer w = writer_over(shown, sizeof(shown));

	webhook_url_masked(&w, bytes_str(text), true);
	return command_text_json(bytes_mem(shown, w.n));
}

/* What was given, without secrets and whole documents. */
static json_t *audit_arguments(const struct command_run *run)
{
	const struct command *c = run->command;
	json_t *out = json_object();

	for (size_t i = 0; c->args[i].name; i++) {
		const struct command_arg *arg = &c->args[i];
		json_t *given = run->values[i].given ? json_object_get(run->args, arg->name) : NULL;
		const char *text = json_string_value(given);

		if (given && arg->type == ARG_SECRET)
			(void)json_object_set_new(out, arg->name, json_string("(secret)"));
		else if (text && strstr(text, "://"))
			(void)json_object_set_new(out, arg->name, audit_url(text));
		else if (given && arg->type != ARG_JSON && text && strlen(text) > AUDIT_TEXT_MAX)
			(void)json_object_set_new(
				out, arg->name, command_text_json(bytes_mem(text, AUDIT_TEXT_MAX)));
		else if (given && arg->type != ARG_JSON)
			(void)json_object_set(out, arg->name, given);
	}
	return out;
}

/* The document, the call, or whatever else its first argument names. */
static const char *audit_object(const struct command_run *run)
{
	const struct command *c = run->command;
	const json_t *named =
		c->documents ? json_object_get(run->args, c->documents->argument) : NULL;
	const char *text =
		json_string_value(named ? named : json_object_get(run->args, c->args[0].name));

	return text ? text : "";
}

/* Of a set: what it has changed of that tenant, from *at on, as much as an entry has room for. */
static json_t *audit_set_changes(const json_t *changes, const char *tenant, size_t *at)
{
	json_t *out = json_array(), *one;
	size_t octets = 0;

	for (; (one = json_array_get(changes, *at)) != NULL; ++*at) {
		if (strcmp(json_string_value(json_object_get(one, "tenant")), tenant) != 0)
			continue;
		octets += json_dumpb(one, NULL, 0, JSON_COMPACT);
		if (octets > AUDIT_OCTETS_MAX / 2 && json_array_size(out))
			break;
		(void)json_array_append(out, one);
	}
	return out;
}

static json_t *audit_entry(const struct command_run *run, const json_t *answer, json_t *changes)
{
	char source[ADDR_TEXT_MAX] = "";
	const char *code =
		json_string_value(json_object_get(json_object_get(answer, "error"), "code"));
	const char *user = run->user[0] ? run->user : NULL;

	if (run->source.family)
		addr_text(&run->source, source);
	return json_pack("{s:s, s:s, s:s, s:s, s:s*, s:s*, s:s, s:s, s:o, s:O*, s:s}", "command",
			 run->command->name, "door", run->door, "role",
			 command_role_name(run->role), "by", run->by, "user", user, "source",
			 source[0] ? source : NULL, "object", audit_object(run), "outcome",
			 code ? code : "ok", "arguments", audit_arguments(run), "changes", changes,
			 "node", run->node->settings->node.name);
}

static void audit_write(const struct command_run *run, const char *tenant, const json_t *answer,
			json_t *changes)
{
	json_t *entry = audit_entry(run, answer, changes);
	char *text = entry ? json_dumps(entry, JSON_COMPACT) : NULL;

	/* what was asked is worth more than what has changed by it */
	for (int i = 0; text && strlen(text) > AUDIT_OCTETS_MAX && i < 2; i++) {
		(void)json_object_set_new(entry, i ? "arguments" : "changes",
					  i ? json_object() : json_string("too many to be shown"));
		free(text);
		text = json_dumps(entry, JSON_COMPACT);
	}
	if (text)
		store_audit(run->node->redis->store, bytes_str(tenant),
			    run->command->role == COMMAND_FOR_APPLICATION &&
				    !run->command->documents,
			    bytes_str(text));
	free(text);
	json_decref(entry);
}

/* Each tenant that a set changed gets entries with its own changes, as many as they need: by them
 * the archive forgets the users of extensions that were deleted. */
static void audit_set(const struct command_run *run, const json_t *answer, const json_t *changes)
{
	const char *tenants[AUDIT_TENANTS_MAX + 1] = { run->tenant };
	size_t count = 1, i, k;
	json_t *one;

	json_array_foreach(changes, i, one)
	{
		const char *tenant = json_string_value(json_object_get(one, "tenant"));

		for (k = 0; k < count && strcmp(tenants[k], tenant) != 0; k++)
			;
		if (k == count && count <= AUDIT_TENANTS_MAX)
			tenants[count++] = tenant;
	}
	for (k = 0; k < count; k++) {
		size_t at = 0;

		do {
			json_t *list = audit_set_changes(changes, tenants[k], &at);

			audit_write(run, tenants[k], answer, list);
			json_decref(list);
		} while (at < json_array_size(changes));
	}
}

static bool audit_is_trial(const struct command_run *run, const json_t *result)
{
	const char *state = json_string_value(json_object_get(result, "state"));

	return run->command->fn == command_set_stage ||
	       json_is_true(json_object_get(run->args, "dry_run")) ||
	       (state && run->command->documents == NULL && !strcmp(state, "unchanged"));
}

static void audit_ended(struct command_run *run, const json_t *answer)
{
	const struct command *c = run->command;
	const json_t *result = json_object_get(answer, "result");
	const json_t *changes = json_object_get(result, "changes");
	bool ok = json_is_true(json_object_get(answer, "ok"));
	const char *tenant = run->tenant;

	if (json_object_get(answer, "moved") || audit_is_trial(run, result))
		return; /* the node that the command moved to writes the entry */
	if (c->documents ? c->documents->of_operators
			 : c->role == COMMAND_FOR_OPERATOR && !run->of_tenant)
		tenant = DIRECTORY_OPERATORS;
	if (json_is_array(changes))
		audit_set(run, answer, changes);
	else
		audit_write(run, tenant, answer, ok ? run->changes : NULL);
}

void command_audit_taken(struct node *n, uint16_t shard, uint64_t epoch)
{
	const char *name = n->settings->node.name;
	json_t *entry =
		json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:{s:I}, s:s}", "command", "shard.take",
			  "door", "node", "role", command_role_name(COMMAND_FOR_OPERATOR), "by",
			  name, "object", json_sprintf("%u", (unsigned)shard), "outcome", "ok",
			  "arguments", "epoch", (json_int_t)epoch, "node", name);
	char *text = entry ? json_dumps(entry, JSON_COMPACT) : NULL;

	if (text)
		store_audit(n->redis->store, BYTES_LIT(DIRECTORY_OPERATORS), false,
			    bytes_str(text));
	free(text);
	json_decref(entry);
}

command_ended_fn *command_audit_of(const struct command_run *run)
{
	const struct route *r = route_of(run->command);

	return run->node && r && r->method != ROUTE_GET && !run->command->often ? audit_ended
										: NULL;
}
