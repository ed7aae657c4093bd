/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of the HTTP API: their documents, and one with a secret of the node's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/command_handlers.h"
#include "app/command/door.h"
#include "app/document/document.h"
#include "app/node/node.h"
#include "app/schema/token_field.h"

enum { TENANT_TOKENS_MAX = 256 };

/* ---- the document of a token ---- */

/* What a tenant's token asks by way of Redis comes as an operator's command that names the tenant. */
static enum command_role token_role_most(const struct command_run *run)
{
	return run->of_tenant && run->role > COMMAND_FOR_ADMIN ? COMMAND_FOR_ADMIN : run->role;
}

static bool token_make(struct command_run *run, void *value)
{
	struct bytes name = command_value(run, "name")->text;
	struct token_value *v = value;
	bool is_new;

	form_begin(&g_token_form, value, name);
	is_new = !document_stored(run->node, run->tenant, &g_token_documents, name, value);
	if (is_new && shelf_count_of(&run->node->api.documents->keep.shelf, bytes_str(run->tenant),
				     BYTES_LIT("token")) >= TENANT_TOKENS_MAX) {
		command_fail(run, COMMAND_FULL, NULL, "a tenant has at most %d tokens",
			     TENANT_TOKENS_MAX);
		return false;
	}
	if (!document_read_args(run, &g_token_documents, value))
		return false;
	if (!v->hash[0]) {
		command_fail(run, COMMAND_MISSING_ARGUMENT, "hash",
			     "a new token needs hash: token.create makes a secret");
		return false;
	}
	if (v->role <= token_role_most(run))
		return true;
	command_fail(run, COMMAND_NOT_ALLOWED, "role",
		     "nobody makes a token that may more than he");
	return false;
}

static json_t *token_show(const struct node *node, uint16_t tenant, const void *value)
{
	json_t *json = form_view(&g_token_form, value);

	(void)node;
	(void)tenant;
	if (json)
		(void)json_object_del(json, "hash");
	return json;
}

static int token_apply(struct node *node, uint16_t tenant, const void *value)
{
	return door_token_put(node->api.door, tenants_name(node->common.tenants, tenant), value);
}

static void token_forget(struct node *node, uint16_t tenant, const char *name)
{
	door_token_delete(node->api.door, tenants_name(node->common.tenants, tenant), name);
}

const struct document_kind g_token_documents = {
	.name = "token",
	.argument = "name",
	.limit = "the number of tokens in memory",
	.size = sizeof(struct token_value),
	.form = &g_token_form,
	.make = token_make,
	.show = token_show,
	.apply = token_apply,
	.forget = token_forget,
};

/* ---- token.create ---- */

struct token_create {
	struct command_run *run;
	char text[TOKEN_TEXT_MAX];
};

static void on_created(json_t *answer, void *arg)
{
	struct token_create *c = arg;
	json_t *result = json_object_get(answer, "result");
	const json_t *error = json_object_get(answer, "error");
	const char *why = json_string_value(json_object_get(error, "message"));

	if (result) {
		(void)json_object_set_new(result, "token", json_string(c->text));
		command_answer(c->run, json_incref(result));
	} else {
		command_fail(c->run,
			     command_error_named(json_string_value(json_object_get(error, "code"))),
			     NULL, "%s", why ? why : "out of memory");
	}
	json_decref(answer);
	explicit_bzero(c, sizeof(*c));
	free(c);
}

/* The secret is in this answer alone, and in Redis as long as answers lie there. */
void command_token_create(struct command_run *run)
{
	struct command_principal who = { .role = token_role_most(run) };
	struct token_create *c = calloc(1, sizeof(*c));
	uint8_t octets[TOKEN_SECRET_LEN], hash[TOKEN_HASH_LEN];
	char secret[2 * TOKEN_SECRET_LEN + 1], hex[2 * TOKEN_HASH_LEN + 1], id[COMMAND_ID_MAX];
	struct writer s = writer_over(secret, sizeof(secret) - 1);
	struct writer h = writer_over(hex, sizeof(hex) - 1);
	json_t *args = c ? json_deep_copy(run->args) : NULL;

	if (!args || document_tenant(run) == TENANT_NONE) {
		free(c);
		json_decref(args);
		command_fail(run, COMMAND_INTERNAL, NULL, "out of memory");
		return;
	}
	rand_fill(&run->node->rand, octets, sizeof(octets));
	writer_hex(&s, bytes_mem(octets, sizeof(octets)));
	token_hash(hash, writer_done(&s));
	writer_hex(&h, bytes_mem(hash, sizeof(hash)));
	secret[s.n] = hex[h.n] = '\0';
	c->run = run;
	memcpy(who.tenant, run->tenant, sizeof(who.tenant));
	(void)snprintf(c->text, sizeof(c->text), "%s~" BYTES_FMT "~%s", run->tenant,
		       BYTES_ARG(command_value(run, "name")->text), secret);
	(void)json_object_set_new(args, "hash", json_string(hex));
	(void)snprintf(id, sizeof(id), "token %.*s", COMMAND_ID_MAX - 8, run->id);
	command_start(run->node, &who, BYTES_LIT("token.put"), bytes_str(id), args, on_created, c);
	json_decref(args);
	explicit_bzero(secret, sizeof(secret));
}
