/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of documents by their kind (struct document_kind): read from their text, made of the
 * arguments of a command, named, written, compared, and shown without secrets. Also how many of a
 * kind a tenant may have, and which seats of its quotas they take. document_change.c puts them into
 * Redis.
 */

#include <errno.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "app/document/document.h"
#include "app/document/document_keep.h"
#include "app/document/document_value.h"
#include "app/node/node.h"
#include "app/schema/command.h"
#include "app/schema/field.h"
#include "app/settings/settings.h"
#include "base/clock.h"
#include "base/json_member.h"

void document_fail_store(struct command_run *run, enum store_result result)
{
	const char *words = store_refusal();

	if (result == STORE_CONFLICT) {
		command_fail(run, COMMAND_BUSY, NULL, "another node changes it");
	} else if (result == STORE_UNKNOWN) {
		command_fail(run, COMMAND_UNCERTAIN, NULL, "Redis did not answer in time");
	} else {
		command_fail(run, COMMAND_UNAVAILABLE, NULL, "Redis %s%s",
			     words[0] ? "refuses it: " : "did not accept it", words);
	}
}

uint16_t document_tenant(const struct command_run *run)
{
	return tenants_find(run->node->common.tenants, bytes_str(run->tenant));
}

json_t *document_view(const struct node *node, const struct document_kind *kind, uint16_t tenant,
		      const void *value)
{
	return kind->show ? kind->show(node, tenant, value) : form_view(kind->form, value);
}

void document_warn(const struct node *node, const struct document_kind *kind, uint16_t tenant,
		   const void *value, json_t *out)
{
	references_warn(node, kind, tenant, value, out);
	if (kind->warn)
		kind->warn(node, tenant, value, out);
}

struct bytes document_owner(const char *tenant, const struct document_kind *kind)
{
	return kind->of_operators ? BYTES_LIT(DIRECTORY_OPERATORS) : bytes_str(tenant);
}

uint32_t document_places(const struct node *node, const struct document_kind *kind)
{
	return kind->places ? kind->places : node->settings->limits.registrations;
}

uint32_t document_count(const struct node *node, const char *tenant,
			const struct document_kind *kind, uint32_t *others)
{
	const struct mirror *mirror = &node->api.documents->keep.mirror;
	struct bytes of = bytes_str(kind->name);
	uint32_t own = mirror_count_of(mirror, document_owner(tenant, kind), of);

	*others = mirror_count_of_kind(mirror, of) - own;
	return own;
}

/* 0: none, or the kind has no quota. */
static uint32_t document_quota(const struct node *node, const char *tenant,
			       const struct document_kind *kind)
{
	uint16_t number = tenants_find(node->common.tenants, bytes_str(tenant));

	return kind->quota && number != TENANT_NONE
		       ? tenants_most(node->common.tenants, number, kind->item)
		       : 0;
}

uint32_t document_most(const struct node *node, const char *tenant,
		       const struct document_kind *kind)
{
	uint16_t number = tenants_find(node->common.tenants, bytes_str(tenant));
	uint32_t others, places = document_places(node, kind), most;
	uint32_t quota = document_quota(node, tenant, kind);

	(void)document_count(node, tenant, kind, &others);
	most = kind->of_operators || number == TENANT_NONE
		       ? places - others
		       : tenants_share(node->common.tenants, quota, places, others);
	return kind->share && kind->share < most && !quota ? kind->share : most;
}

bool document_seat_is_on(const struct document_seat *seat, const json_t *value)
{
	struct bytes list = bytes_str(json_string_value(value) ? json_string_value(value) : "");
	const json_t *one;
	size_t i;

	if (!seat->word)
		return json_is_string(value) && !bytes_is(list, "off") &&
		       !bytes_is(list, "default");
	json_array_foreach(value, i, one)
	{
		if (json_is_string(one) && !strcmp(json_string_value(one), seat->word))
			return true;
	}
	return bytes_list_has(list, bytes_str(seat->word));
}

bool document_seat_is_left(struct command_run *run, const struct document_seat *seat, bool had,
			   bool needs)
{
	if (!needs || had || run->node->api.documents->naming ||
	    !tenants_is_full(run->node->common.tenants, document_tenant(run), seat->item))
		return true;
	command_fail(run, COMMAND_FULL, seat->member, "%s of the tenant", seat->quota);
	return false;
}

void document_seat_hold(const struct node *node, uint16_t tenant, enum tenant_item item, bool had,
			bool has)
{
	if (has && !had)
		tenants_hold(node->common.tenants, tenant, item);
	if (had && !has)
		tenants_release(node->common.tenants, tenant, item);
}

/* Secrets are of no use without the node's keys. */
static void document_seal_key(const struct node *node, const struct document_kind *kind,
			      struct seal_key *key)
{
	*key = node->extension_seal;
	if (kind->seal)
		keys_derive(&node->keys, kind->seal, key->octets);
}

int document_value(const struct node *node, const struct document_kind *kind, void *value,
		   struct bytes json, const char **reason)
{
	struct seal_key key;
	int err;

	if (!kind->read)
		return form_read(kind->form, value, json, reason);
	document_seal_key(node, kind, &key);
	err = kind->read(value, json, &key, reason);
	seal_key_wipe(&key);
	return err;
}

void *document_parse(const struct node *node, const struct document_kind *kind, struct bytes text,
		     int *err)
{
	void *value = text.n ? calloc(1, kind->size) : NULL;
	const char *reason;

	*err = value ? document_value(node, kind, value, text, &reason) : -ENOENT;
	if (!*err)
		return value;
	document_drop(kind, value);
	return NULL;
}

void document_drop(const struct document_kind *kind, void *value)
{
	if (value)
		OPENSSL_cleanse(value, kind->size);
	free(value);
}

json_t *document_differs(const struct command_run *run, const struct document_kind *kind,
			 const void *before, const void *after)
{
	uint16_t tenant = document_tenant(run);
	json_t *old = before ? document_view(run->node, kind, tenant, before) : json_object();
	json_t *new = after ? document_view(run->node, kind, tenant, after) : json_object();
	json_t *out = json_object(), *value;
	const char *name;

	(void)json_object_del(new, "changed_utc_ms");
	json_object_foreach(new, name, value)
	{
		json_t *was = json_object_get(old, name);

		if (!was || !json_equal(was, value))
			(void)json_object_set_new(out, name, json_pack("[O?, O]", was, value));
	}
	if (!after) {
		json_object_foreach(old, name, value)(void)
			json_object_set_new(out, name, json_pack("[O, n]", value));
	}
	json_decref(old);
	json_decref(new);
	return out;
}

void document_full_words(char out[DOCUMENT_FULL_MAX], const struct node *node, const char *tenant,
			 const struct document_kind *kind)
{
	uint32_t others, own = document_count(node, tenant, kind, &others);
	uint32_t places = document_places(node, kind), quota = document_quota(node, tenant, kind);
	uint32_t most = document_most(node, tenant, kind);
	char more[96] = "";

	if (kind->quota)
		(void)snprintf(more, sizeof(more),
			       ", or an operator allows more (tenant.put name=%s %s)", tenant,
			       kind->quota);
	if (own + others >= places)
		(void)snprintf(out, DOCUMENT_FULL_MAX,
			       "a node has room for %" PRIu32
			       " %s, and all places are taken: delete some",
			       places, kind->several);
	else if (quota && quota == most)
		(void)snprintf(out, DOCUMENT_FULL_MAX,
			       "%s of the tenant is %" PRIu32 ": delete some%s", kind->quota, quota,
			       more);
	else
		(void)snprintf(out, DOCUMENT_FULL_MAX,
			       "the tenant may have %" PRIu32 " of the %" PRIu32
			       " %s that a node has room for: delete some%s",
			       most, places, kind->several, more);
}

bool document_fits(struct command_run *run, const struct document_kind *kind, struct bytes name)
{
	const struct node *node = run->node;
	struct bytes subject = document_owner(run->tenant, kind), of = bytes_str(kind->name);
	char words[DOCUMENT_FULL_MAX];
	uint32_t others;

	if (mirror_version(&node->api.documents->keep.mirror, subject, of, name) ||
	    document_count(node, run->tenant, kind, &others) <
		    document_most(node, run->tenant, kind))
		return true;
	document_full_words(words, node, run->tenant, kind);
	document_keep_refused();
	command_fail(run, COMMAND_FULL, NULL, "%s", words);
	return false;
}

const char *document_naming(char out[DOCUMENT_NAMING_MAX], struct bytes tenant, struct bytes kind,
			    struct bytes name)
{
	(void)snprintf(out, DOCUMENT_NAMING_MAX, BYTES_FMT "/" BYTES_FMT "/" BYTES_FMT,
		       BYTES_ARG(tenant), BYTES_ARG(kind), BYTES_ARG(name));
	return out;
}

bool document_named(const struct node *node, struct bytes tenant, const char *kind,
		    struct bytes name)
{
	const struct documents *d = node->api.documents;
	char key[DOCUMENT_NAMING_MAX];
	const json_t *said =
		json_object_get(d->naming, document_naming(key, tenant, bytes_str(kind), name));

	return said ? !json_is_false(said)
		    : mirror_version(&d->keep.mirror, tenant, bytes_str(kind), name) != 0;
}

json_t *document_write(struct node *node, const struct document_kind *kind, const void *value)
{
	struct seal_key key;
	json_t *json;

	if (!kind->write)
		return form_document(kind->form, value);
	document_seal_key(node, kind, &key);
	json = kind->write(value, &key, &node->rand);
	seal_key_wipe(&key);
	return json;
}

void document_name(const struct document_kind *kind, const void *value,
		   char name[DOCUMENT_NAME_MAX])
{
	if (kind->name_of)
		kind->name_of(value, name);
	else
		(void)bytes_cstr(
			bytes_str((const char *)value +
				  (kind->form ? kind->form->fields[0].field.at : kind->name_at)),
			name, DOCUMENT_NAME_MAX);
}

/* ---- what a set would put ---- */

/* Equal values give equal text: secrets are sealed by the same random octets. */
static json_t *document_plain(const struct node *node, const struct document_kind *kind,
			      const void *value)
{
	struct rand_source rand;
	struct seal_key key;
	json_t *json;

	if (!kind->write) {
		json = form_document(kind->form, value);
	} else {
		rand_open_seed(&rand, 1);
		document_seal_key(node, kind, &key);
		json = kind->write(value, &key, &rand);
		seal_key_wipe(&key);
	}
	(void)json_object_del(json, "changed_utc_ms");
	return json;
}

/* False: the run has failed. */
static bool proposal_compare(struct command_run *run, const struct document_kind *kind,
			     const void *value, struct document_proposal *out)
{
	struct bytes subject = document_owner(run->tenant, kind);
	struct bytes text = mirror_text(&run->node->api.documents->keep.mirror, subject,
					bytes_str(kind->name), bytes_str(out->name));
	json_t *was, *is;
	int err;
	void *before = document_parse(run->node, kind, text, &err);

	out->is_new = !text.n;
	if (before) {
		was = document_plain(run->node, kind, before);
		is = document_plain(run->node, kind, value);
		out->same = json_equal(was, is);
		json_decref(was);
		json_decref(is);
		if (!out->same)
			out->differs = document_differs(run, kind, before, value);
		if (out->differs && !json_object_size(out->differs)) /* nobody is shown what */
			(void)json_object_set_new(out->differs, "secrets",
						  json_pack("[s, s]", "(kept)", "(new)"));
	}
	document_drop(kind, before);
	if (err == -EPROTONOSUPPORT)
		command_fail(run, COMMAND_CONFLICT, kind->argument,
			     "a later program has changed it: change it there");
	return err != -EPROTONOSUPPORT;
}

bool document_propose(struct command_run *run, const struct document_kind *kind,
		      struct document_proposal *out)
{
	void *value = calloc(1, kind->size);
	json_t *json;
	bool made;

	*out = (struct document_proposal){ 0 };
	if (!value) {
		command_fail(run, COMMAND_INTERNAL, NULL, "out of memory");
		return false;
	}
	made = document_make(run, kind, value);
	if (made) {
		document_name(kind, value, out->name);
		made = proposal_compare(run, kind, value, out);
	}
	if (made) {
		json = out->same ? NULL : document_write(run->node, kind, value);
		out->text = json ? json_dumps(json, JSON_COMPACT) : NULL;
		json_decref(json);
		out->warnings = json_array();
		document_warn(run->node, kind, document_tenant(run), value, out->warnings);
	}
	document_drop(kind, value);
	return made;
}

bool document_form_make(struct command_run *run, const struct document_kind *kind, void *value)
{
	struct bytes name = command_value(run, kind->argument)->text;

	form_start(kind->form, value, name);
	(void)document_stored(run->node, run->tenant, kind, name, value);
	return document_read_args(run, kind, value);
}

/* Checks rights by what can be read of it. False: the run has failed. */
static bool document_may(struct command_run *run, const struct document_kind *kind,
			 struct bytes text)
{
	int err;
	void *value = kind->may ? document_parse(run->node, kind, text, &err) : NULL;
	bool may = !value || kind->may(run, value);

	document_drop(kind, value);
	return may;
}

static bool document_may_named(struct command_run *run, const struct document_kind *kind,
			       struct bytes name)
{
	return document_may(run, kind,
			    mirror_text(&run->node->api.documents->keep.mirror,
					document_owner(run->tenant, kind), bytes_str(kind->name),
					name));
}

bool document_restores(struct command_run *run, const struct document_kind *kind, struct bytes name,
		       struct bytes text)
{
	return document_may_named(run, kind, name) && document_may(run, kind, text);
}

bool document_make(struct command_run *run, const struct document_kind *kind, void *value)
{
	char name[DOCUMENT_NAME_MAX];

	if (!(kind->make ? kind->make(run, value) : document_form_make(run, kind, value)))
		return false;
	document_name(kind, value, name);
	return document_may_named(run, kind, bytes_str(name)) &&
	       (!kind->may || kind->may(run, value)) && (!kind->check || kind->check(run, value));
}

bool document_missing(struct command_run *run, const struct document_kind *kind)
{
	struct bytes name = bytes_str(run->command->name);
	char list[64];

	while (name.n && name.p[name.n - 1] != '.')
		name.n--;
	(void)snprintf(list, sizeof(list), BYTES_FMT "list", BYTES_ARG(name));
	if (command_find(bytes_str(list)))
		command_fail(run, COMMAND_NOT_FOUND, kind->argument,
			     "there is no such %s: %s shows all of them", kind->name, list);
	else
		command_fail(run, COMMAND_NOT_FOUND, kind->argument, "there is no such %s",
			     kind->name);
	return false;
}

bool document_aim(struct command_run *run, const struct document_kind *kind,
		  char name[DOCUMENT_NAME_MAX])
{
	struct bytes text;

	if (kind->aim)
		return kind->aim(run, name) && document_may_named(run, kind, bytes_str(name)) &&
		       references_let_go(run, kind, name);
	text = command_value(run, kind->argument)->text;
	if (!mirror_version(&run->node->api.documents->keep.mirror, bytes_str(run->tenant),
			    bytes_str(kind->name), text))
		return document_missing(run, kind);
	return bytes_cstr(text, name, DOCUMENT_NAME_MAX) == 0 &&
	       document_may_named(run, kind, text) && references_let_go(run, kind, name);
}

bool document_check_stored(struct command_run *run, const struct document_kind *kind,
			   const json_t *document, char name[DOCUMENT_NAME_MAX])
{
	void *value = calloc(1, kind->size);
	char *text = json_dumps(document, JSON_COMPACT);
	const char *reason = "no memory";
	int err = value && text ? document_value(run->node, kind, value, bytes_str(text), &reason)
				: -ENOMEM;

	if (!err)
		document_name(kind, value, name);
	document_drop(kind, value);
	secret_str_free(text);
	if (err == -EPROTONOSUPPORT)
		command_fail(run, COMMAND_CONFLICT, "document", "it is of a later program");
	else if (err)
		command_fail(run, COMMAND_BAD_ARGUMENT, "document",
			     "%s of the %s cannot be read: it is damaged, or sealed by another "
			     "file keys",
			     reason, kind->name);
	return !err;
}

/* Forms of kinds, and what follows from them. */

bool document_read_args(struct command_run *run, const struct document_kind *kind, void *value)
{
	const struct form *f = kind->form;
	const char *wrong, *member = NULL;

	*form_changed(f, value) = clock_utc_ms();
	if (!fields_read_args(run, f->fields, value))
		return false;
	wrong = f->wrong ? f->wrong(value, &member) : NULL;
	if (wrong)
		command_fail(run, COMMAND_BAD_ARGUMENT, member, "%s", wrong);
	return !wrong;
}

/* Documents that commands use only as text. */

bool document_stored(const struct node *n, const char *tenant, const struct document_kind *kind,
		     struct bytes name, void *value)
{
	struct bytes text = mirror_text(&n->api.documents->keep.mirror, bytes_str(tenant),
					bytes_str(kind->name), name);
	const char *reason;

	return text.n && !document_value(n, kind, value, text, &reason);
}

json_t *document_view_text(const struct command_run *run, const struct document_kind *kind,
			   struct bytes text)
{
	int err;
	void *value = document_parse(run->node, kind, text, &err);
	json_t *json = value ? document_view(run->node, kind, document_tenant(run), value) : NULL;

	if (json && kind->form && run->role < COMMAND_FOR_ADMIN)
		form_urls_hide(kind->form, json, value);
	document_drop(kind, value);
	return json;
}

json_t *document_view_stored(const struct command_run *run, struct bytes name)
{
	const struct document_kind *kind = run->command->documents;
	void *value = calloc(1, kind->size);
	json_t *json = NULL;

	if (!value)
		return NULL;
	if (document_stored(run->node, run->tenant, kind, name, value))
		json = document_view(run->node, kind, document_tenant(run), value);
	if (json && kind->form && run->role < COMMAND_FOR_ADMIN)
		form_urls_hide(kind->form, json, value);
	if (json && run->user[0] && kind->owner &&
	    strcmp(json_text(json, kind->owner), run->user) != 0) {
		json_decref(json);
		json = NULL;
	}
	document_drop(kind, value);
	return json;
}

void document_show(struct command_run *run)
{
	const struct document_kind *kind = run->command->documents;
	json_t *json = document_view_stored(run, command_value(run, kind->argument)->text);

	if (json)
		command_answer(run, json);
	else
		(void)document_missing(run, kind);
}

uint64_t document_version(const struct command_run *run)
{
	const struct command *put = command_of_noun(command_noun(run->command), "put");
	const struct document_kind *kind = put ? put->documents : NULL;
	const struct command_arg *arg =
		kind ? command_arg_find(run->command, bytes_str(kind->argument)) : NULL;

	if (!arg || arg->type != ARG_STRING || command_changes_document(run->command))
		return 0;
	return mirror_version(&run->node->api.documents->keep.mirror,
			      kind->of_operators ? BYTES_LIT(DIRECTORY_OPERATORS)
						 : bytes_str(run->tenant),
			      bytes_str(kind->name), command_value(run, kind->argument)->text);
}
