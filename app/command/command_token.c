/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of the HTTP API: their documents. Nobody gives more rights than it has: an operator who
 * names a tenant makes tokens of at most the role admin, and an administrator may neither change
 * nor delete a token of an operator. */

#include "app/command/command_extension.h"
#include "app/command/commands.h"
#include "app/command/door.h"
#include "app/command/tokens.h"
#include "app/document/document.h"
#include "app/document/extensions.h"
#include "app/node/node.h"
#include "app/schema/token_field.h"
#include "app/settings/settings.h"
#include "base/clock.h"

enum { TENANT_TOKENS_MAX = 256 };

/* An operator who names a tenant makes tokens of at most the role admin. */
static enum command_role token_role_most(const struct command_run *run)
{
	return run->of_tenant && run->role > COMMAND_FOR_ADMIN ? COMMAND_FOR_ADMIN : run->role;
}

/* The token that came with the request, in its place. In its turn, and by the version that Redis
 * has: of two at once the second one finds a token that is no link any more. */
static bool token_redeem(struct command_run *run, struct token_value *v)
{
	uint64_t lasts_s = run->node->settings->login.session_ns / NS_PER_S;

	if (!run->door || strcmp(run->door, "http") != 0 ||
	    !document_stored(run->node, run->tenant, &g_token_documents, bytes_str(run->by), v) ||
	    strcmp(v->commands, TOKEN_LINK) != 0) {
		command_fail(run, COMMAND_NOT_ALLOWED, NULL,
			     "this is no link, or it was used: ask for another one");
		return false;
	}
	v->commands[0] = '\0';
	v->changed_utc_ms = clock_utc_ms();
	v->expires_utc_s = (uint32_t)(v->changed_utc_ms / 1000 + lasts_s);
	token_secret_make(v, run->tenant, &run->node->rand);
	return true;
}

static bool token_make_named(struct command_run *run, struct token_value *v)
{
	struct bytes name = command_value(run, "name")->text;

	if (bytes_starts(name, TOKEN_SESSION)) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "name",
			     "names that begin with " TOKEN_SESSION " are those of sessions");
		return false;
	}
	if (!document_form_make(run, &g_token_documents, v))
		return false;
	if (v->user[0] &&
	    !extensions_has(run->node->api.extensions, document_tenant(run), bytes_str(v->user))) {
		command_fail(run, COMMAND_NOT_FOUND, "user", COMMAND_NO_EXTENSION);
		return false;
	}
	/* of token.create */
	if (!command_arg_find(run->command, BYTES_LIT("hash")))
		token_secret_make(v, run->tenant, &run->node->rand);
	if (!v->hash[0]) {
		command_fail(run, COMMAND_MISSING_ARGUMENT, "hash",
			     "a new token needs hash: token.create makes a secret");
		return false;
	}
	if (v->without[0] && strcmp(v->commands, TOKEN_EVENTS)) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "without",
			     "commands show what events do not: with without they are events");
		return false;
	}
	if (v->role <= token_role_most(run))
		return true;
	command_fail(run, COMMAND_NOT_ALLOWED, "role",
		     "nobody makes a token that may more than he");
	return false;
}

static bool token_make(struct command_run *run, void *value)
{
	return !strcmp(run->command->name, TOKEN_LINK) ? token_redeem(run, value)
						       : token_make_named(run, value);
}

/* Of what is there, too: an administrator lowers, takes over and deletes no operator's token. */
static bool token_may(struct command_run *run, const void *value)
{
	const struct token_value *v = value;

	if (v->role <= run->role)
		return true;
	command_fail(run, COMMAND_NOT_ALLOWED, "name", "the token %s may do more than the client",
		     v->name);
	return false;
}

static json_t *token_show(const struct node *node, uint16_t tenant, const void *value)
{
	const struct token_value *v = value;
	json_t *json = form_view(&g_token_form, value);

	(void)node;
	(void)tenant;
	if (json)
		(void)json_object_del(json, "hash");
	if (json && v->text[0])
		(void)json_object_set_new(json, "token", json_string(v->text));
	return json;
}

static int token_apply(struct node *node, uint16_t tenant, const void *value)
{
	return tokens_put(door_tokens(node->api.door), tenants_name(node->common.tenants, tenant),
			  value);
}

static void token_forget(struct node *node, uint16_t tenant, const char *name)
{
	tokens_delete(door_tokens(node->api.door), tenants_name(node->common.tenants, tenant),
		      name);
}

const struct document_kind g_token_documents = {
	.rank = 2,
	.name = "token",
	.argument = "name",
	.several = "tokens",
	.places = TOKENS_MAX - TOKENS_SESSIONS_MAX,
	.share = TENANT_TOKENS_MAX,
	.quota = "max_tokens",
	.item = TENANT_TOKENS,
	.size = sizeof(struct token_value),
	.form = &g_token_form,
	.make = token_make,
	.may = token_may,
	.show = token_show,
	.apply = token_apply,
	.forget = token_forget,
};
