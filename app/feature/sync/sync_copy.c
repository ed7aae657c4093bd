/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync.copy: a sync that an administrator has made once, for other users of the tenant. Each of
 * them gets a document of its own, put by sync.put one after the other, so that rights, limits and
 * the seal of its secret are those of any sync.
 */
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/command_start.h"
#include "app/document/document.h"
#include "app/document/extensions.h"
#include "app/feature/sync/sync.h"
#include "app/node/node.h"
#include "sig/host/tenant_tables.h"

struct sync_copy {
	struct command_run *run;
	struct sync_value of;
	char secret[SYNC_SECRET_MAX];
	json_t *users, *rows;
	size_t at;
	bool starts; /* within command_start */
};

/* Numbers of the argument, or of all extensions; without the sync's own user. */
static json_t *copy_users(const struct command_run *run, const struct sync_value *of)
{
	const struct command_value *given = command_value(run, "users");
	uint16_t mine = document_tenant(run), tenant;
	struct bytes rest = given->text, number;
	json_t *users = json_array();
	uint32_t cursor = 0;

	while (given->given && bytes_cut(&rest, ',', &number)) {
		if (!bytes_is(number, of->user))
			(void)json_array_append_new(users, command_text_json(number));
	}
	while (!given->given &&
	       extensions_next(run->node->api.extensions, &cursor, &tenant, &number)) {
		if (tenant == mine && !bytes_is(number, of->user))
			(void)json_array_append_new(users, command_text_json(number));
	}
	return users;
}

/* The mail address of the user, in place of the mailbox of the sync. */
static void copy_account(const struct sync_copy *c, const char *user, json_t *args)
{
	const struct command_run *run = c->run;
	struct extension e;

	if (!command_value(run, "mailbox")->number ||
	    !extensions_find(run->node->api.extensions, document_tenant(run), bytes_str(user), &e))
		return;
	(void)json_object_set_new(args, "account", json_string(e.person.mail));
	extension_wipe(&e);
}

static void copy_end(struct sync_copy *c)
{
	command_answer(c->run, c->rows);
	json_decref(c->users);
	OPENSSL_cleanse(c, sizeof(*c));
	free(c);
}

static void copy_go(struct sync_copy *c);

static void copy_on_put(json_t *answer, void *arg)
{
	struct sync_copy *c = arg;
	json_t *error = json_object_get(answer, "error"), *row = json_array_get(c->rows, c->at);

	if (error)
		(void)json_object_set(row, "error", json_object_get(error, "message"));
	json_decref(answer);
	c->at++;
	if (!c->starts)
		copy_go(c);
}

static void copy_put(struct sync_copy *c, const char *user)
{
	struct command_principal who = command_in_name(c->run, c->run->role);
	const struct sync_value *v = &c->of;
	char name[2 * DOCUMENT_NAME_MAX], id[COMMAND_ID_MAX];
	json_t *args;

	(void)snprintf(name, sizeof(name), "%s-%s", v->name, user);
	(void)snprintf(id, sizeof(id), "copy %.*s %zu", COMMAND_ID_MAX - 32, c->run->id, c->at);
	args = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:b, s:b, s:s}", "name",
			 name, "user", user, "service", g_sync_services[v->service], "url", v->url,
			 "login", v->login, "account", v->account, "folder", v->folder, "minutes",
			 (int)v->minutes, "run_s", (int)v->run_s, "on", (int)!v->off, "locked",
			 (int)v->locked, "secret", c->secret);
	(void)json_array_append_new(c->rows, json_pack("{s:s, s:s, s:s}", "user", user, "name",
						       name, "error", ""));
	copy_account(c, user, args);
	command_start(c->run->node, &who, BYTES_LIT("sync.put"), bytes_str(id), args, copy_on_put,
		      c);
	json_decref(args);
}

/* One that is refused at once is answered before command_start returns. */
static void copy_go(struct sync_copy *c)
{
	size_t at;

	do {
		if (c->at == json_array_size(c->users)) {
			copy_end(c);
			return;
		}
		at = c->at;
		c->starts = true;
		copy_put(c, json_string_value(json_array_get(c->users, at)));
		c->starts = false;
	} while (c->at > at);
}

void command_sync_copy(struct command_run *run)
{
	struct sync_copy *c = calloc(1, sizeof(*c));
	struct bytes name = command_value(run, "name")->text;

	if (!c) {
		command_fail(run, COMMAND_INTERNAL, NULL, "out of memory");
		return;
	}
	c->run = run;
	if (!document_stored(run->node, run->tenant, &g_sync_documents, name, &c->of)) {
		(void)document_missing(run, &g_sync_documents);
	} else if (!c->of.user[0]) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "name",
			     "it is the directory's, which each user of the tenant sees");
	} else if (sync_open(&c->of, run->tenant, &run->node->extension_seal, c->secret)) {
		command_fail(run, COMMAND_CONFLICT, "name",
			     "its secret was sealed with other keys: give it again");
	} else {
		c->users = copy_users(run, &c->of);
		if (json_array_size(c->users) <= SYNCS_OF_TENANT) {
			c->rows = json_array();
			copy_go(c);
			return;
		}
		json_decref(c->users);
		command_fail(run, COMMAND_BAD_ARGUMENT, "users",
			     "a tenant has %d syncs at most: name the extensions", SYNCS_OF_TENANT);
	}
	OPENSSL_cleanse(c, sizeof(*c));
	free(c);
}
