/* SPDX-License-Identifier: Apache-2.0 */
/* Logins at an OpenID provider (docs/adr/0114, 0193): the helper process talks to it
 * (app/helper/login.c). The proven claims become a token of an administrator by the settings
 * login.roles and login.tenant_claim, or a session of a user by login.number_claim. The state says
 * which of both was begun. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/command/command_request.h"
#include "app/command/command_start.h"
#include "app/command/commands.h"
#include "app/document/document.h"
#include "app/node/node.h"
#include "app/node/node_file.h"
#include "app/node/node_helper.h"
#include "app/schema/token_field.h"
#include "app/settings/settings.h"
#include "base/base64url.h"
#include "base/clock.h"
#include "base/json_member.h"
#include "base/log.h"
#include "base/seal.h"

enum {
	LOGIN_MS = 10000,
	LOGIN_WHO_MAX = 14,
	LOGIN_LASTS_MS = 600000,
	LOGIN_SEALED_MAX = 144, /* octets: struct login_state, and what a seal adds */
	LOGIN_TEXT_MAX = 48,    /* 32 octets in base64url */
	LOGIN_STATE_MAX = 4 * LOGIN_SEALED_MAX / 3 + 2,
};

/*
 * The state of a login has all that is known of it, sealed by the cluster's key: its expiry, and
 * the secrets between node and provider. No node stores anything, so any node can end it, also
 * after a restart, and thousands of begun logins displace none. A state counts once because the
 * provider's code does (RFC 6749 4.1.2).
 */
struct login_state {
	uint64_t until_utc_ms;
	uint8_t verifier[32], nonce[16];
	char tenant[TENANT_NAME_MAX]; /* of the user who logs in; empty: an administrator does */
};

static void login_seal_key(const struct node *n, struct seal_key *out)
{
	out->id = n->keys.id;
	keys_derive(&n->keys, "tandem login state 1", out->octets);
}

static int login_state_seal(struct node *n, const struct login_state *s, char out[LOGIN_STATE_MAX])
{
	uint8_t sealed[LOGIN_SEALED_MAX];
	struct writer w = writer_over(out, LOGIN_STATE_MAX - 1);
	struct seal_key key;
	size_t size;
	int err;

	login_seal_key(n, &key);
	err = seal_make(&key, &n->rand, bytes_str(n->settings->login.issuer),
			bytes_mem(s, sizeof(*s)), sealed, sizeof(sealed), &size);
	seal_key_wipe(&key);
	if (err)
		return err;
	base64url_write(&w, bytes_mem(sealed, size));
	out[w.n] = '\0';
	return 0;
}

/* False: the state is not of this cluster for that provider. */
static bool login_state_open(const struct node *n, struct bytes text, struct login_state *out)
{
	uint8_t sealed[LOGIN_SEALED_MAX];
	enum seal_refusal why;
	struct seal_key key;
	size_t size, got = 0;
	int err = base64url_decode(text, sealed, sizeof(sealed), &size);

	login_seal_key(n, &key);
	if (!err)
		err = seal_open(&key, bytes_str(n->settings->login.issuer), bytes_mem(sealed, size),
				(uint8_t *)out, sizeof(*out), &got, &why);
	seal_key_wipe(&key);
	return !err && got == sizeof(*out);
}

static void login_fail(struct command_run *run, enum command_error_code code, const char *what)
{
	LOG_WARN("login", 0, "a login has failed", LOG_ADDR("source", &run->source),
		 LOG_STR("why", what));
	command_fail(run, code, NULL, "%s", what);
}

/* Role by all claims of the administrator. -1: none. */
static int login_role(const struct settings_login *s, const json_t *values)
{
	int role, best = -1;
	struct bytes value;

	for (uint32_t i = 0; i < s->role_count; i++) {
		role = settings_login_role(s->roles[i], &value);
		for (size_t k = 0; role > best && k < json_array_size(values); k++) {
			const char *has = json_string_value(json_array_get(values, k));

			if (has && bytes_is(value, has))
				best = role;
		}
	}
	return best;
}

/* "login-", what can be read of the name, and eight digits by chance. */
static void login_name(char out[TOKEN_NAME_MAX], const char *who, struct rand_source *rand)
{
	char plain[LOGIN_WHO_MAX + 1];
	size_t n = 0;

	for (; *who && n < LOGIN_WHO_MAX; who++) {
		if (isalnum((unsigned char)*who) || *who == '.' || *who == '-')
			plain[n++] = *who;
	}
	plain[n] = '\0';
	(void)snprintf(out, TOKEN_NAME_MAX, TOKEN_LOGIN "%s-%08" PRIx32, plain,
		       rand_u32_from(rand));
}

static void login_on_token(json_t *answer, void *arg)
{
	struct command_run *run = arg;
	const json_t *error = json_object_get(answer, "error");
	const char *message = json_string_value(json_object_get(error, "message"));

	if (error)
		login_fail(run,
			   command_error_named(json_string_value(json_object_get(error, "code"))),
			   message ? message : "");
	else
		command_answer(run, json_incref(json_object_get(answer, "result")));
	json_decref(answer);
}

/* A page of a tenant, with scripts of that tenant's CRM, is to have no user of another one. */
static void login_admit_user(struct command_run *run, const json_t *result, const char *tenant)
{
	const struct settings_login *s = &run->node->settings->login;
	const char *of = json_text(result, "tenant"), *number = json_text(result, "number");
	struct command_principal by = { .role = COMMAND_FOR_ADMIN,
					.source = run->source,
					.door = run->door,
					.by = json_text(result, "name") };
	char id[TOKEN_NAME_MAX];
	json_t *args;

	if (strcmp(s->tenant_claim[0] ? of : TENANT_DEFAULT_NAME, tenant) != 0 || !number[0]) {
		login_fail(run, COMMAND_NOT_ALLOWED,
			   number[0] ? "login.tenant_claim names another tenant"
				     : "login.number_claim names no extension");
		return;
	}
	(void)bytes_cstr(bytes_str(tenant), by.tenant, sizeof(by.tenant));
	args = json_pack("{s:s, s:I}", "number", number, "ttl_s",
			 (json_int_t)(s->session_ns / NS_PER_S));
	login_name(id, by.by, &run->node->rand);
	command_start(run->node, &by, BYTES_LIT("session.open"), bytes_str(id), args,
		      login_on_token, run);
	json_decref(args);
}

/* It is proved who that is. */
static void login_admit(struct command_run *run, const json_t *result)
{
	const struct settings_login *s = &run->node->settings->login;
	const char *of = json_string_value(json_object_get(result, "tenant"));
	const char *who = json_string_value(json_object_get(result, "name"));
	int role = login_role(s, json_object_get(result, "roles"));
	struct command_principal by = {
		.role = COMMAND_FOR_ADMIN, .source = run->source, .door = run->door, .by = who
	};
	char name[TOKEN_NAME_MAX];
	json_t *args;

	if (role == COMMAND_FOR_OPERATOR)
		by.role = COMMAND_FOR_OPERATOR;
	if (by.role == COMMAND_FOR_OPERATOR || !s->tenant_claim[0])
		of = NODE_TENANT;
	if (role < 0 || !of || bytes_cstr(bytes_str(of), by.tenant, sizeof(by.tenant)) ||
	    tenants_find(run->node->common.tenants, bytes_str(of)) == TENANT_NONE) {
		login_fail(run, COMMAND_NOT_ALLOWED,
			   role < 0 ? "no value of login.role_claim has a role in login.roles"
				    : "login.tenant_claim names no tenant that is there");
		return;
	}
	login_name(name, who ? who : "", &run->node->rand);
	LOG_INFO("login", 0, "an administrator has logged in", LOG_STR("token", name),
		 LOG_STR("tenant", of), LOG_STR("role", g_token_roles[role]));
	args = json_pack("{s:s, s:s, s:I}", "name", name, "role", g_token_roles[role],
			 "expires_utc_s",
			 (json_int_t)(clock_utc_ms() / 1000 + s->session_ns / NS_PER_S));
	command_start(run->node, &by, BYTES_LIT("token.create"), bytes_str(name), args,
		      login_on_token, run);
	json_decref(args);
}

static void login_answer(struct command_run *run, const json_t *result, const char *why)
{
	struct login_state state = { .tenant = "" };
	const char *refused = json_string_value(json_object_get(result, "refused"));
	const char *detail = json_string_value(json_object_get(result, "detail"));
	const json_t *url = json_object_get(result, "url");

	if (!result)
		login_fail(run, COMMAND_UNAVAILABLE, why);
	else if (refused)
		login_fail(run, command_error_named(refused), detail ? detail : "");
	else if (url)
		command_answer(run, json_copy((json_t *)(uintptr_t)result));
	else if (login_state_open(run->node, command_value(run, "state")->text, &state) &&
		 state.tenant[0])
		login_admit_user(run, result, state.tenant);
	else
		login_admit(run, result);
}

static void login_on_asked(struct node *n, const json_t *result, const char *why, void *arg)
{
	struct command_run *run = waiting_pop(n->api.waiting, (uint64_t)(uintptr_t)arg);

	if (run)
		login_answer(run, result, why);
}

/* Adds what the helper needs of the state, a new one or the returned one. NULL, or the error. */
static const char *login_state_add(struct command_run *run, bool ends, json_t *args)
{
	struct node *n = run->node;
	struct login_state s = { .until_utc_ms = clock_utc_ms() + LOGIN_LASTS_MS };
	char state[LOGIN_STATE_MAX] = "", verifier[LOGIN_TEXT_MAX], nonce[LOGIN_TEXT_MAX];
	struct writer v = writer_over(verifier, sizeof(verifier) - 1);
	struct writer w = writer_over(nonce, sizeof(nonce) - 1);
	json_t *more;
	int err;

	if (ends && !login_state_open(n, command_value(run, "state")->text, &s))
		return "the state is not of this cluster: begin again";
	if (s.until_utc_ms < clock_utc_ms())
		return "this login began more than ten minutes ago: begin again";
	if (!ends) {
		if (command_value(run, "user")->number)
			(void)bytes_cstr(bytes_str(run->tenant), s.tenant, sizeof(s.tenant));
		rand_fill(&n->rand, s.verifier, sizeof(s.verifier));
		rand_fill(&n->rand, s.nonce, sizeof(s.nonce));
		if (login_state_seal(n, &s, state))
			return "out of memory";
	}
	base64url_write(&v, bytes_mem(s.verifier, sizeof(s.verifier)));
	base64url_write(&w, bytes_mem(s.nonce, sizeof(s.nonce)));
	verifier[v.n] = nonce[w.n] = '\0';
	more = json_pack("{s:s, s:s, s:s, s:s}", "state", state, "verifier", verifier, "nonce",
			 nonce, "redirect",
			 s.tenant[0] ? n->settings->login.user_redirect
				     : n->settings->login.redirect);
	err = json_object_update(args, more);
	json_decref(more);
	return err ? "out of memory" : NULL;
}

/* NULL: the run has failed. */
static json_t *login_args(struct command_run *run, bool ends)
{
	const struct settings_login *s = &run->node->settings->login;
	char secret[NODE_SECRET_MAX];
	const char *why = node_secret_read(s->secret_file, secret);
	json_t *args;

	if (why) {
		LOG_ERROR("login", 0, "login.secret_file cannot be used", LOG_STR("why", why));
		command_fail(run, COMMAND_UNAVAILABLE, NULL,
			     "login.secret_file cannot be used: see the log");
		return NULL;
	}
	args = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "issuer", s->issuer, "client",
			 s->client_id, "secret", secret, "ca", s->ca, "scope", s->scope,
			 "role_claim", s->role_claim, "tenant_claim", s->tenant_claim,
			 "number_claim", s->number_claim);
	explicit_bzero(secret, sizeof(secret));
	if (!args || (run->args && json_object_update_missing(args, run->args))) {
		json_decref(args);
		command_fail(run, COMMAND_INTERNAL, NULL, "out of memory");
		return NULL;
	}
	why = login_state_add(run, ends, args);
	if (why) {
		json_decref(args);
		login_fail(run, COMMAND_NOT_ALLOWED, why);
		return NULL;
	}
	return args;
}

void command_login(struct command_run *run)
{
	struct node *n = run->node;
	bool ends = !strcmp(run->command->name, "login.callback");
	const char *error = json_string_value(json_object_get(run->args, "error"));
	json_t *args;
	uint64_t ticket;

	if (!n->settings->login.issuer[0]) {
		command_fail(run, COMMAND_NOT_FOUND, NULL,
			     "nobody logs in so here: the setting login.issuer is empty");
		return;
	}
	if (!ends &&
	    !(command_value(run, "user")->number ? n->settings->login.number_claim[0] != '\0'
						 : n->settings->login.role_count > 0)) {
		command_fail(run, COMMAND_NOT_FOUND, NULL,
			     "nobody logs in so here: the setting login.%s is empty",
			     n->settings->login.role_count ? "number_claim" : "roles");
		return;
	}
	if (ends &&
	    (error || !command_value(run, "code")->given || !command_value(run, "state")->given)) {
		login_fail(run, COMMAND_NOT_ALLOWED, error ? error : "code or state is missing");
		return;
	}
	args = login_args(run, ends);
	if (!args)
		return;
	ticket = waiting_put(n->api.waiting, run);
	if (ticket && node_helper_request(n, "login", args, document_tenant(run), LOGIN_MS,
					  login_on_asked, (void *)(uintptr_t)ticket))
		return;
	if (!ticket)
		json_decref(args);
	if (!ticket || waiting_pop(n->api.waiting, ticket))
		login_fail(run, COMMAND_UNAVAILABLE, "too much is asked at once: try again");
}
