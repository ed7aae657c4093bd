/* SPDX-License-Identifier: Apache-2.0 */
/* Trunks: documents of a tenant, which operators put, because whose requests are a trunk's is a matter of the whole node. */
#include <errno.h>
#include <string.h>

#include "app/command/command_handlers.h"
#include "app/document/trunk_field.h"
#include "app/node/node.h"
#include "app/node/node_probe.h"

#define TRUNK_LIMIT "the number of trunks (4,096)"
static_assert(TRUNKS_MAX == 4096, "the text above says it");

/* False: the run has failed. */
static bool network_stands(struct command_run *run, const struct trunk_value *t)
{
	const struct settings *s = &run->node->settings;

	for (uint32_t i = 0; i < s->network_count; i++) {
		if (!t->network[0] || !strcmp(t->network, s->networks[i].name))
			return true;
	}
	command_fail(run, COMMAND_NOT_FOUND, "network", "this node has no such network");
	return false;
}

/* Else it would take part in no call. False: the run has failed. */
static bool is_somewhere(struct command_run *run, const struct trunk_value *t)
{
	struct trunk_settings set;

	trunk_to_settings(t, TENANT_NONE, &set);
	if (set.directions & TRUNK_OUT && !set.server_count) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "servers",
			     "calls to a trunk need a server: give servers, or direction=in");
		return false;
	}
	if (set.directions & TRUNK_IN && !set.source_count && set.listener.family == ADDR_NONE) {
		command_fail(
			run, COMMAND_BAD_ARGUMENT, "sources",
			"calls from a trunk need to be known as its: give sources or listener, "
			"or direction=out");
		return false;
	}
	return true;
}

/* A password is one of a user in a realm. False: the run has failed. */
static bool credentials_take(struct command_run *run, struct trunk_value *t)
{
	bool named = command_value(run, "user")->given || command_value(run, "realm")->given;
	bool given = command_value(run, "password")->given || command_value(run, "ha1")->given;

	if (!t->user[0] && !given) {
		t->has_secret = false;
		memset(&t->secret, 0, sizeof(t->secret));
		return true;
	}
	if (given && (!t->user[0] || !t->realm[0])) {
		command_fail(run, COMMAND_MISSING_ARGUMENT, t->user[0] ? "realm" : "user",
			     "a password goes with a user and a realm");
		return false;
	}
	if (named && !given) {
		command_fail(run, COMMAND_MISSING_ARGUMENT, "password",
			     "a user or a realm goes with a password, or ha1");
		return false;
	}
	if (!command_take_secret(run, t->user, t->realm, &t->secret, &given))
		return false;
	t->has_secret |= given;
	return true;
}

static bool trunk_make(struct command_run *run, void *value)
{
	struct trunk_value *t = value;

	trunk_default(t);
	(void)document_stored(run->node, run->tenant, &g_trunk_documents,
			      command_value(run, "name")->text, t);
	t->changed_utc_ms = clock_utc_ms();
	return field_take(run, g_trunk_fields, t) && network_stands(run, t) &&
	       is_somewhere(run, t) && credentials_take(run, t);
}

static void trunk_name(const void *value, char name[DOCUMENT_NAME_MAX])
{
	const struct trunk_value *t = value;

	(void)bytes_cstr(bytes_str(t->name), name, DOCUMENT_NAME_MAX);
}

/* Passwords are of no use without the node's keys. */
static void trunk_seal_key(const struct node *node, struct seal_key *key)
{
	key->id = node->keys.id;
	keys_derive(&node->keys, "tandem trunk seal 1", key->octets);
}

static json_t *trunk_write_document(struct node *node, const void *value)
{
	struct seal_key key;
	json_t *json;

	trunk_seal_key(node, &key);
	json = trunk_to_document(value, &key, &node->rand);
	seal_key_wipe(&key);
	return json;
}

static json_t *servers_up(const struct trunks *all, uint16_t trunk, uint8_t count)
{
	json_t *list = json_array();

	for (uint8_t i = 0; i < count; i++)
		(void)json_array_append_new(list, json_boolean(trunks_is_up(all, trunk, i)));
	return list;
}

static json_t *servers_blocked(const struct node *node, uint16_t trunk, uint8_t count)
{
	json_t *list = json_array();
	uint64_t now_ns = clock_now_ns();

	for (uint8_t i = 0; i < count; i++)
		(void)json_array_append_new(
			list, json_integer(node_probe_blocked_s(node, trunk, i, now_ns)));
	return list;
}

static void show_count(json_t *json, const char *name, const struct trunks *all, uint16_t trunk,
		       enum trunk_count what)
{
	(void)json_object_set_new(json, name,
				  json_integer((json_int_t)trunks_counted(all, trunk, what)));
}

/* What it is, and what this node has of it now. */
static json_t *trunk_show(const struct node *node, uint16_t tenant, const void *value)
{
	const struct trunk_value *t = value;
	uint16_t trunk = trunks_find(node->trunks, tenant, bytes_str(t->name));
	const struct trunk_settings *set = trunks_settings(node->trunks, trunk);
	json_t *json = trunk_to_view(t);

	(void)json_object_set_new(json, "calls_in",
				  json_integer(trunks_held(node->trunks, trunk, TRUNK_IN)));
	(void)json_object_set_new(json, "calls_out",
				  json_integer(trunks_held(node->trunks, trunk, TRUNK_OUT)));
	show_count(json, "calls", node->trunks, trunk, TRUNK_CALLS);
	show_count(json, "refused", node->trunks, trunk, TRUNK_REFUSED);
	show_count(json, "failovers", node->trunks, trunk, TRUNK_FAILOVERS);
	(void)json_object_set_new(json, "up",
				  servers_up(node->trunks, trunk, set ? set->server_count : 0));
	(void)json_object_set_new(json, "blocked_s",
				  servers_blocked(node, trunk, set ? set->server_count : 0));
	return json;
}

static int trunk_read_document(const struct node *node, void *value, struct bytes json,
			       const char **reason)
{
	struct seal_key key;
	int err;

	trunk_seal_key(node, &key);
	err = trunk_from_document(value, json, &key, reason);
	seal_key_wipe(&key);
	return err;
}

static int trunk_apply(struct node *node, uint16_t tenant, const void *value)
{
	struct trunk_settings set;
	uint16_t trunk;

	trunk_to_settings(value, tenant, &set);
	return trunks_put(node->trunks, &set, &trunk);
}

static void trunk_forget(struct node *node, uint16_t tenant, const char *name)
{
	(void)trunks_delete(node->trunks, tenant, bytes_str(name));
}

const struct document_kind g_trunk_documents = {
	.name = "trunk",
	.argument = "name",
	.limit = TRUNK_LIMIT,
	.quota = "max_trunks",
	.item = TENANT_TRUNKS,
	.size = sizeof(struct trunk_value),
	.make = trunk_make,
	.name_of = trunk_name,
	.write = trunk_write_document,
	.show = trunk_show,
	.read = trunk_read_document,
	.apply = trunk_apply,
	.forget = trunk_forget,
};
