/* SPDX-License-Identifier: Apache-2.0 */
/* Webhooks of tenants: their documents, sent to the process that delivers events
 * (app/helper/hooks.h) at each change and when it starts anew. Its figures, dead letters, replays
 * and test events are requests to that process; a command waits for its answer. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/command_request.h"
#include "app/command/command_start.h"
#include "app/command/command_tenant.h"
#include "app/command/command_webhook.h"
#include "app/command/commands.h"
#include "app/document/document.h"
#include "app/node/node.h"
#include "app/node/node_helper.h"
#include "app/schema/fields.h"
#include "app/schema/tenant_field.h"
#include "app/schema/webhook_field.h"
#include "base/clock.h"
#include "base/glob.h"
#include "base/log.h"

enum { WEBHOOKS_MAX = 16 /* of a tenant */, ASK_MS = 3000, TEST_MS = 12000 };

/* ---- documents ---- */

static bool webhook_may_be(struct command_run *run, const void *value)
{
	const struct webhook_value *v = value;
	struct tenant_value t;

	if (!command_tenant_value(run->node, run->tenant, &t))
		t.web.networks[0] = '\0';
	if (webhook_url_allowed(bytes_str(v->url), bytes_str(t.web.networks)))
		return true;
	command_fail(run, COMMAND_BAD_ARGUMENT, "url",
		     "its address is one that this tenant may not ask: web_networks of tenant.put "
		     "allows it");
	return false;
}

static bool webhook_secrets_keep(struct command_run *run, struct webhook_value *v)
{
	const struct command_value *given = command_value(run, "secrets");

	if (!given->given)
		return true;
	explicit_bzero(v->secrets, sizeof(v->secrets));
	if (bytes_is(given->text, "off") ||
	    !webhook_seal(v, run->tenant, given->text, &run->node->extension_seal,
			  &run->node->rand))
		return true;
	command_fail(run, COMMAND_BAD_ARGUMENT, "secrets",
		     "they are off, or up to 4, joined by ',', of whsec_ and the base64 of 24 to "
		     "64 octets");
	return false;
}

static bool webhook_make(struct command_run *run, void *value)
{
	const struct command_value *enabled = command_value(run, "enabled");
	struct webhook_value *v = value;

	if (!document_form_make(run, &g_webhook_documents, v))
		return false;
	if (enabled->given && enabled->number)
		v->reason[0] = '\0';
	return webhook_secrets_keep(run, v);
}

/* The members by which the process knows it and, where it is off, no more. */
static json_t *webhook_line(struct node *n, const char *tenant, const struct webhook_value *v)
{
	char secrets[WEBHOOK_SECRETS_TEXT_MAX];
	struct tenant_value t;
	json_t *line = json_pack("{s:s, s:s, s:s}", "tenant", tenant, "name", v->name,
				 "application", v->application);

	if (!v->enabled || !command_tenant_value(n, tenant, &t) || !t.enabled)
		return line;
	if (webhook_open(v, tenant, &n->extension_seal, secrets)) {
		LOG_ERROR("webhook", 0,
			  "the secrets of a webhook were sealed with other keys: give them again",
			  LOG_STR("tenant", tenant), LOG_STR("webhook", v->name));
		return line;
	}
	(void)json_object_update_new(
		line, json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I}", "url", v->url, "events",
				v->events, "numbers", v->numbers, "secret", secrets, "networks",
				t.web.networks, "retry_s", (json_int_t)v->retry_s, "changed_utc_ms",
				(json_int_t)v->changed_utc_ms));
	explicit_bzero(secrets, sizeof(secrets));
	return line;
}

static int webhook_apply(struct node *node, uint16_t tenant, const void *value)
{
	node_hooks_send(
		node,
		json_pack("{s:o}", "webhook",
			  webhook_line(node, tenants_name(node->common.tenants, tenant), value)));
	return 0;
}

static void webhook_forget(struct node *node, uint16_t tenant, const char *name)
{
	node_hooks_send(node, json_pack("{s:{s:s, s:s, s:s, s:b}}", "webhook", "tenant",
					tenants_name(node->common.tenants, tenant), "name", name,
					"application", "", "deleted", 1));
}

static bool event_is_known(struct bytes pattern)
{
	for (unsigned i = 0; i < SIG_EVENT_KINDS; i++) {
		if (glob_list_takes(pattern, bytes_str(event_rows[i].name)))
			return true;
	}
	return false;
}

static void webhook_warn(const struct node *node, uint16_t tenant, const void *value, json_t *out)
{
	struct bytes list = bytes_str(((const struct webhook_value *)value)->events), one;

	(void)node;
	(void)tenant;
	while (bytes_cut(&list, ',', &one)) {
		if (bytes_find(one, '.') < one.n && !event_is_known(one))
			(void)json_array_append_new(
				out, json_sprintf("events: no event is called " BYTES_FMT
						  ": docs/api.md lists all events",
						  BYTES_ARG(one)));
	}
}

const struct document_kind g_webhook_documents = {
	.rank = 2,
	.name = "webhook",
	.argument = "name",
	.size = sizeof(struct webhook_value),
	.form = &g_webhook_form,
	.make = webhook_make,
	.check = webhook_may_be,
	.several = "webhooks",
	.places = 4096,
	.share = WEBHOOKS_MAX,
	.quota = "max_webhooks",
	.item = TENANT_WEBHOOKS,
	.apply = webhook_apply,
	.warn = webhook_warn,
	.forget = webhook_forget,
};
static_assert(WEBHOOKS_MAX == 16, "docs say it");

void command_webhooks_send(struct node *n, const char *tenant)
{
	const struct mirror *mirror = &n->api.documents->keep.mirror;
	struct bytes subject = bytes_str(tenant), kind = BYTES_LIT("webhook");
	struct snapshot_document d;
	struct webhook_value v;
	uint32_t cursor = 0;
	const char *reason;

	if (subject.n && !mirror_count_of(mirror, subject, kind))
		return;
	while (mirror_next(mirror, &cursor, &d)) {
		uint16_t number = tenants_find(n->common.tenants, d.tenant);

		if (bytes_eq(d.kind, kind) && (!subject.n || bytes_eq(d.tenant, subject)) &&
		    number != TENANT_NONE && !form_read(&g_webhook_form, &v, d.text, &reason))
			(void)webhook_apply(n, number, &v);
	}
}

static void webhook_on_off(json_t *answer, void *arg)
{
	(void)arg;
	json_decref(answer);
}

void command_webhook_on_line(struct node *n, const json_t *line)
{
	const char *tenant = json_string_value(json_object_get(line, "tenant"));
	json_t *name = json_object_get(line, "off"), *args;
	struct command_principal who = { .role = COMMAND_FOR_ADMIN };
	struct webhook_value v;
	char id[COMMAND_ID_MAX];

	if (!tenant || bytes_cstr(bytes_str(tenant), who.tenant, sizeof(who.tenant)) ||
	    !document_stored(n, tenant, &g_webhook_documents, bytes_str(json_string_value(name)),
			     &v) ||
	    !v.enabled ||
	    json_integer_value(json_object_get(line, "changed_utc_ms")) !=
		    (json_int_t)v.changed_utc_ms)
		return; /* it was changed since */
	args = json_pack("{s:O, s:b, s:O}", "name", name, "enabled", 0, "reason",
			 json_object_get(line, "reason"));
	(void)snprintf(id, sizeof(id), "webhook off %s", v.name);
	LOG_WARN("webhook", 0, "the server of a webhook wants no more: it is switched off",
		 LOG_STR("tenant", tenant), LOG_STR("webhook", v.name));
	command_start(n, &who, BYTES_LIT("webhook.put"), bytes_str(id), args, webhook_on_off, NULL);
	json_decref(args);
}

/* ---- what the process knows ---- */

static bool webhook_find(struct command_run *run, struct webhook_value *v)
{
	if (document_stored(run->node, run->tenant, &g_webhook_documents,
			    command_value(run, "name")->text, v))
		return true;
	command_fail(run, COMMAND_NOT_FOUND, "name",
		     "there is no such webhook: webhook.list shows all of them");
	return false;
}

/* result: NULL: the process says nothing, and why. */
static void webhook_answer(struct command_run *run, const json_t *result, const char *why)
{
	json_t *known = result ? json_incref((json_t *)(uintptr_t)result) : NULL, *out;
	struct webhook_value v;

	if (run->command->fn != command_webhook_get) {
		if (known)
			command_answer(run, known);
		else
			command_fail(run, COMMAND_UNAVAILABLE, NULL, "webhooks are not reached: %s",
				     why);
	} else if (webhook_find(run, &v)) {
		out = document_view_stored(run, bytes_str(v.name));
		(void)json_object_set_new(out, "figures", known ? known : json_null());
		command_answer(run, out);
	} else {
		json_decref(known);
	}
}

static void webhook_on_asked(struct node *n, const json_t *result, const char *why, void *arg)
{
	struct command_run *run = waiting_pop(n->api.waiting, (uint64_t)(uintptr_t)arg);

	if (run)
		webhook_answer(run, result, why);
}

/* The request to the process of webhooks has the name of the command, behind the dot. */
static void webhook_query(struct command_run *run, json_t *args, uint32_t ms)
{
	struct node *n = run->node;
	uint64_t ticket = waiting_put(n->api.waiting, run);

	if (ticket &&
	    node_hooks_request(n, strchr(run->command->name, '.') + 1, args, document_tenant(run),
			       ms, webhook_on_asked, (void *)(uintptr_t)ticket))
		return;
	if (!ticket)
		json_decref(args);
	if (!ticket || waiting_pop(n->api.waiting, ticket))
		webhook_answer(run, NULL,
			       "their process does not run, or has too much to do: try again");
}

void command_webhook_get(struct command_run *run)
{
	struct webhook_value v;

	if (webhook_find(run, &v))
		webhook_query(run, json_pack("{s:s, s:s}", "tenant", run->tenant, "name", v.name),
			      ASK_MS);
}

void command_webhook_request(struct command_run *run)
{
	struct webhook_value v;
	bool tests = !strcmp(run->command->name, "webhook.test");
	json_t *args;

	if (!webhook_find(run, &v))
		return;
	v.enabled = true;
	args = tests ? webhook_line(run->node, run->tenant, &v) : json_deep_copy(run->args);
	if (!tests)
		(void)json_object_update_new(
			args, json_pack("{s:s, s:s, s:s, s:I}", "tenant", run->tenant, "name",
					v.name, "application", v.application, "limit",
					(json_int_t)(strstr(run->command->name, ".dead")
							     ? command_limit(run)
							     : 0)));
	webhook_query(run, args, tests ? TEST_MS : ASK_MS);
}
