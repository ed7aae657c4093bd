/* SPDX-License-Identifier: Apache-2.0 */
/* Tenants, which operators alone put, and their profiles, address ranges, locations and tolls.
 * A new tenant is refused where Redis has recordings, events or call records of a former one:
 * these have its name alone. The number of a deleted tenant becomes free when nothing holds it
 * any more. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/command_extension.h"
#include "app/command/command_hours.h"
#include "app/command/command_tenant.h"
#include "app/command/command_webhook.h"
#include "app/command/commands.h"
#include "app/command/control.h"
#include "app/document/directory.h"
#include "app/document/document.h"
#include "app/document/extensions.h"
#include "app/node/node.h"
#include "app/node/node_shard.h"
#include "app/node/node_wait.h"
#include "app/schema/feature.h"
#include "app/schema/tenant_field.h"
#include "base/log.h"
#include "sig/host/toll.h"
#include "sig/sip/uri.h"

static bool profile_make(struct command_run *run, void *value)
{
	const struct profiles *all = document_profiles(run->node, document_tenant(run));
	const struct profile *before = profiles_find(all, command_value(run, "name")->text);
	struct profile *p = value;

	if (before)
		*p = *before;
	else
		form_start(&g_profile_form, p, (struct bytes){ 0 });
	return document_read_args(run, &g_profile_documents, p);
}

static bool profile_aim(struct command_run *run, char name[DOCUMENT_NAME_MAX])
{
	const struct profiles *all = document_profiles(run->node, document_tenant(run));
	const struct profile *p = profiles_find(all, command_value(run, "name")->text);

	if (!p) {
		command_fail(run, COMMAND_NOT_FOUND, "name",
			     "there is no such profile: profile.list shows all of them");
	} else if (!strcmp(p->core.name, PROFILE_DEFAULT)) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "name",
			     "the profile default always exists; change it with profile.put");
	} else {
		return bytes_cstr(bytes_str(p->core.name), name, DOCUMENT_NAME_MAX) == 0;
	}
	return false;
}

static int profile_apply(struct node *node, uint16_t tenant, const void *value)
{
	const struct profile *p = value;
	struct profiles *all = document_profiles_own(node, tenant);
	int err = all ? profiles_put(all, p) : -ENOENT;
	uint32_t cursor = 0;
	struct shard *core;

	while (!err && (core = node_core_next(node, &cursor)))
		err = shard_profile_put(core, tenant, &p->core);
	return err;
}

static void profile_forget(struct node *node, uint16_t tenant, const char *name)
{
	struct profiles *all = document_profiles_own(node, tenant);
	uint32_t cursor = 0;
	struct shard *core;

	if (!all)
		return;
	while ((core = node_core_next(node, &cursor)))
		(void)shard_profile_delete(core, tenant, name);
	profiles_delete(all, name);
}

const struct document_kind g_profile_documents = {
	.name = "profile",
	.argument = "name",
	.several = "profiles",
	.places = 16384,
	.share = SHARD_PROFILES_MAX - 1, /* besides the one that always exists */
	.size = sizeof(struct profile),
	.form = &g_profile_form,
	.make = profile_make,
	.aim = profile_aim,
	.apply = profile_apply,
	.forget = profile_forget,
	.exact = true,
};

void command_profile_get(struct command_run *run)
{
	const struct profiles *all = document_profiles(run->node, document_tenant(run));
	const struct profile *p = profiles_find(all, command_value(run, "name")->text);

	if (p) {
		command_answer(run, form_view(&g_profile_form, p));
	} else {
		command_fail(run, COMMAND_NOT_FOUND, "name",
			     "there is no such profile: profile.list shows all of them");
	}
}

void command_profile_list(struct command_run *run)
{
	const struct profiles *all = document_profiles(run->node, document_tenant(run));
	json_t *list = json_array();

	for (uint32_t i = 0; i < all->count; i++)
		(void)json_array_append_new(list, form_view(&g_profile_form, &all->list[i]));
	command_answer(run, list);
}

/* The table of ranges: which phones, by their source address, get which profile. */

static bool profile_stands(struct command_run *run, const struct shard_range *r)
{
	if (!profiles_find(document_profiles(run->node, document_tenant(run)),
			   bytes_str(r->profile)) &&
	    !document_named(run->node, bytes_str(run->tenant), "profile", bytes_str(r->profile))) {
		command_fail(run, COMMAND_NOT_FOUND, "profile",
			     "there is no such profile: make it with profile.put");
		return false;
	}
	return true;
}

/* Of two that hold an address neither would be the right one. False: the run has failed. */
static bool may_stand(struct command_run *run, const struct shard_range *r)
{
	const struct profiles *all = document_profiles(run->node, document_tenant(run));
	const struct profile_range *other = profiles_overlap(all, r);
	char from[ADDR_TEXT_MAX], to[ADDR_TEXT_MAX];

	if (other) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "from",
			     "it overlaps the range from %s to %s of profile %s",
			     addr_text(&other->core.first, from), addr_text(&other->core.last, to),
			     other->core.profile);
		return false;
	}
	return true;
}

static bool range_make(struct command_run *run, void *value)
{
	return document_read_args(run, &g_range_documents, value);
}

static bool range_may_be(struct command_run *run, const void *value)
{
	const struct profile_range *r = value;

	return profile_stands(run, &r->core) && may_stand(run, &r->core);
}

static bool range_aim(struct command_run *run, char name[DOCUMENT_NAME_MAX])
{
	char text[ADDR_TEXT_MAX];
	struct addr first;

	if (!range_addr_read(&first, command_value(run, "from")->text) &&
	    profiles_range(document_profiles(run->node, document_tenant(run)), &first))
		return bytes_cstr(bytes_str(addr_text(&first, text)), name, DOCUMENT_NAME_MAX) == 0;
	command_fail(run, COMMAND_NOT_FOUND, "from",
		     "no range begins there: profile.range.list shows all of them");
	return false;
}

static void range_name(const void *value, char name[DOCUMENT_NAME_MAX])
{
	const struct profile_range *r = value;
	char text[ADDR_TEXT_MAX];

	(void)bytes_cstr(bytes_str(addr_text(&r->core.first, text)), name, DOCUMENT_NAME_MAX);
}

static int ranges_apply(struct node *node, const struct profiles *all)
{
	uint32_t cursor = 0;
	struct shard *core;
	int err = 0;

	while (!err && (core = node_core_next(node, &cursor)))
		err = profiles_ranges_apply(all, core);
	return err;
}

static int range_apply(struct node *node, uint16_t tenant, const void *value)
{
	struct profiles *all = document_profiles_own(node, tenant);
	int err = all ? profiles_range_put(all, value) : -ENOENT;

	return err ? err : ranges_apply(node, all);
}

static void range_forget(struct node *node, uint16_t tenant, const char *name)
{
	struct profiles *all = document_profiles_own(node, tenant);
	struct addr first;

	if (!all || range_addr_read(&first, bytes_str(name)))
		return;
	profiles_range_delete(all, &first);
	if (ranges_apply(node, all))
		LOG_ERROR("node", 0, "out of memory: a deleted range still counts",
			  LOG_STR("from", name));
}

const struct document_kind g_range_documents = {
	.name = "profile_range",
	.argument = "from",
	.several = "ranges of addresses",
	.places = 16384,
	.share = SHARD_RANGES_MAX,
	.size = sizeof(struct profile_range),
	.form = &g_range_form,
	.make = range_make,
	.check = range_may_be,
	.aim = range_aim,
	.name_of = range_name,
	.apply = range_apply,
	.forget = range_forget,
	.exact = true,
};

void command_range_list(struct command_run *run)
{
	const struct profiles *all = document_profiles(run->node, document_tenant(run));
	json_t *list = json_array();

	for (uint32_t i = 0; i < all->range_count; i++)
		(void)json_array_append_new(list, form_view(&g_range_form, &all->ranges[i]));
	command_answer(run, list);
}

/* Where phones stand. */

static int location_apply(struct node *node, uint16_t tenant, const void *value)
{
	struct site site;

	location_to_core(value, tenant, &site);
	return site.id ? sites_put(node->common.sites, &site) : -EINVAL;
}

static void location_forget(struct node *node, uint16_t tenant, const char *name)
{
	uint16_t id;

	if (!location_read(bytes_str(name), &id))
		sites_delete(node->common.sites, tenant, id);
}

const struct document_kind g_location_documents = {
	.name = "location",
	.argument = "id",
	.several = "locations",
	.places = SITES_MAX,
	.quota = "max_locations",
	.item = TENANT_SITES,
	.size = sizeof(struct location_value),
	.form = &g_location_form,
	.apply = location_apply,
	.forget = location_forget,
};

/* What calls outside have cost today (sig/host/toll.h), on this node. */

static json_t *usage_json(const struct node *n, const struct toll_payer *who,
			  const struct toll_limits *limits)
{
	const struct toll_now now = node_toll_now(n, who->tenant);
	struct toll_usage used = toll_look(n->common.toll, who, &now);

	return json_pack("{s:I, s:I, s:I, s:I}", "calls", (json_int_t)used.calls, "used_s",
			 (json_int_t)(used.ms > 0 ? used.ms / 1000 : 0), "outside_calls",
			 (json_int_t)limits->calls, "outside_minutes", (json_int_t)limits->minutes);
}

/* False: the run has failed. */
static bool toll_extension(struct command_run *run, uint16_t tenant, struct bytes number,
			   struct toll_limits *out)
{
	struct extension e;

	if (!extensions_find(run->node->api.extensions, tenant, number, &e)) {
		command_fail(run, COMMAND_NOT_FOUND, "number", COMMAND_NO_EXTENSION);
		return false;
	}
	*out = (struct toll_limits){ e.core.outside_calls, e.core.outside_minutes };
	extension_wipe(&e);
	return true;
}

void command_toll_show(struct command_run *run)
{
	const struct command_value *number = command_value(run, "number");
	struct toll_payer who = { .tenant = document_tenant(run) };
	struct toll_limits limits;
	json_t *out;

	if (who.tenant == TENANT_NONE) {
		command_fail(run, COMMAND_NOT_FOUND, NULL, "there is no such tenant");
		return;
	}
	if (number->given && !toll_extension(run, who.tenant, number->text, &limits))
		return;
	out = json_object();
	if (number->given) {
		who.user = number->text;
		(void)json_object_set_new(out, "extension", usage_json(run->node, &who, &limits));
	}
	who.user = (struct bytes){ 0 };
	limits = tenants_toll(run->node->common.tenants, who.tenant);
	(void)json_object_set_new(out, "tenant", usage_json(run->node, &who, &limits));
	command_answer(run, out);
}

/* ---- reset ---- */

/* Two changes of sums: first the extension's cost goes to zero, then the tenant's sum is set. */
struct toll_reset {
	struct command_run *run;
	const struct node_shard *shard; /* its sums are changed */
	uint64_t day;
	int64_t ms;
	uint16_t tenant;
};

static struct bytes toll_name(char *buf, size_t cap, const struct toll_reset *r, struct bytes user)
{
	struct writer w = writer_over(buf, cap);

	WRITER_TEXTS(&w, tenants_name(r->run->node->common.tenants, r->tenant), ":");
	writer_bytes(&w, user);
	return writer_done(&w);
}

static void reset_over(struct toll_reset *r, enum store_result result)
{
	struct command_run *run = r->run;

	free(r);
	if (result == STORE_OK)
		command_answer(run,
			       json_pack("{s:o}", "number",
					 command_text_json(command_value(run, "number")->text)));
	else
		document_fail_store(run, result);
}

static void on_reset(enum store_result result, uint64_t key, uint64_t version, void *arg)
{
	struct toll_reset *r = arg;
	struct node *n = r->run->node;
	const struct toll_payer who = { .tenant = r->tenant,
					.shard = node_shard_toll(r->shard),
					.user = command_value(r->run, "number")->text };
	const struct toll_now now = node_toll_now(n, r->tenant);

	(void)key;
	(void)version;
	if (result == STORE_OK && now.day == r->day)
		toll_forgive(n->common.toll, &who, r->ms, &now);
	reset_over(r, result);
}

static void on_tenant_keeps(enum store_result result, uint64_t key, uint64_t version, void *arg)
{
	struct toll_reset *r = arg;
	char name[TENANT_NAME_MAX + TOLL_USER_MAX];

	(void)key;
	(void)version;
	if (result != STORE_OK) {
		reset_over(r, result);
		return;
	}
	store_toll_add(r->shard->store, r->day,
		       toll_name(name, sizeof(name), r, command_value(r->run, "number")->text),
		       -r->ms, on_reset, r);
}

/* NULL: none of its shards is live. */
static const struct node_shard *shard_live(const struct node *n)
{
	for (uint32_t i = 0; i < n->shards->count; i++) {
		if (n->shards->list[i].state == NODE_SHARD_LIVE)
			return &n->shards->list[i];
	}
	return NULL;
}

void command_toll_reset(struct command_run *run)
{
	const struct toll_payer who = { .tenant = document_tenant(run),
					.user = command_value(run, "number")->text };
	const struct node_shard *shard = shard_live(run->node);
	const struct toll_now now = node_toll_now(run->node, who.tenant);
	char name[TENANT_NAME_MAX + TOLL_USER_MAX];
	struct toll_limits unused;
	struct toll_reset *r;

	if (!toll_extension(run, who.tenant, who.user, &unused))
		return;
	r = shard ? malloc(sizeof(*r)) : NULL;
	if (!r) {
		command_fail(run, COMMAND_UNAVAILABLE, NULL, "no shard of this node is live");
		return;
	}
	*r = (struct toll_reset){ run, shard, now.day,
				  toll_look(run->node->common.toll, &who, &now).ms, who.tenant };
	store_toll_add(shard->store, r->day, toll_name(name, sizeof(name), r, (struct bytes){ 0 }),
		       r->ms, on_tenant_keeps, r);
}

static_assert(TENANTS_MAX == 4096, "the text above says it");

/* The document of that name. False: none, or unreadable. */
static bool tenant_stored(const struct node *n, struct bytes name, struct tenant_value *out)
{
	struct bytes text = mirror_text(&n->api.documents->keep.mirror,
					BYTES_LIT(DIRECTORY_OPERATORS), BYTES_LIT("tenant"), name);
	const char *reason;

	return text.n && !form_read(&g_tenant_form, out, text, &reason);
}

/* The one that is always there may have none. */
static bool tenant_known(const struct node *n, struct bytes name, struct tenant_value *out)
{
	if (tenant_stored(n, name, out))
		return true;
	if (!bytes_is(name, NODE_TENANT))
		return false;
	form_start(&g_tenant_form, out, name);
	return true;
}

bool command_tenant_value(const struct node *n, const char *name, struct tenant_value *out)
{
	return tenant_known(n, bytes_str(name), out);
}

uint8_t command_tenant_first_classes(const struct node *n, uint16_t tenant)
{
	struct tenant_value t;

	form_start(&g_tenant_form, &t, (struct bytes){ 0 });
	(void)tenant_known(n, bytes_str(tenants_name(n->common.tenants, tenant)), &t);
	return t.extension_classes;
}

uint32_t command_tenant_blf_limit(const struct node *n, uint16_t tenant)
{
	struct tenant_value t;

	form_start(&g_tenant_form, &t, (struct bytes){ 0 });
	(void)tenant_known(n, bytes_str(tenants_name(n->common.tenants, tenant)), &t);
	return t.blf_limit;
}

uint16_t command_tenant_mailbox_messages(const struct node *n, uint16_t tenant)
{
	struct tenant_value t;

	form_start(&g_tenant_form, &t, (struct bytes){ 0 });
	(void)tenant_known(n, bytes_str(tenants_name(n->common.tenants, tenant)), &t);
	return t.mailbox_messages;
}

/* It has documents of its own. */
static bool has_documents(const struct node *n, struct bytes tenant)
{
	struct snapshot_document d;
	uint32_t cursor = 0;

	while (mirror_next(&n->api.documents->keep.mirror, &cursor, &d)) {
		if (bytes_eq(d.tenant, tenant))
			return true;
	}
	return false;
}

/* No domain is another's. False: the run has failed. */
static bool domains_are_free(struct command_run *run, const struct tenant_value *t)
{
	const struct tenants *all = run->node->common.tenants;
	struct bytes list = bytes_str(t->domains), one;

	while (bytes_cut(&list, ',', &one)) {
		uint16_t other = tenants_owner(all, one);

		if (other == TENANT_NONE || !strcmp(tenants_name(all, other), t->name))
			continue;
		command_fail(run, COMMAND_BAD_ARGUMENT, "domains",
			     BYTES_FMT " is a domain of the tenant %s", BYTES_ARG(one),
			     tenants_name(all, other));
		return false;
	}
	return true;
}

static struct bytes realm_of(const struct tenant_value *t)
{
	struct bytes list = bytes_str(t->domains);

	return bytes_sub(list, 0, bytes_find(list, ','));
}

/* Passwords are hashes over it. False: the run has failed. */
static bool realm_may_change(struct command_run *run, const struct tenant_value *before,
			     const struct tenant_value *t)
{
	if (bytes_eq(realm_of(before), realm_of(t)) || !strcmp(t->name, NODE_TENANT) ||
	    !has_documents(run->node, bytes_str(t->name)))
		return true;
	command_fail(
		run, COMMAND_CONFLICT, "domains",
		"the first domain is the realm of its passwords: it stays while the tenant has "
		"documents");
	return false;
}

/* Each is asked for in one question. False: the run has failed. */
static bool streams_have_room(struct command_run *run, const struct tenant_value *t)
{
	if (control_has_room(run->node->api.control, t->name, tenant_roles(t)))
		return true;
	command_fail(run, COMMAND_FULL, "commands", "the streams of commands of all tenants (%d)",
		     CONTROL_STREAMS_MAX);
	return false;
}

/* False: the run has failed. */
static bool tenant_secret_read(struct command_run *run, struct tenant_value *t)
{
	const struct command_value *given = command_value(run, "web_secret");

	if (!given->given)
		return true;
	explicit_bzero(t->web.secret, sizeof(t->web.secret));
	if (bytes_is(given->text, "off") ||
	    !tenant_web_seal(t, given->text, &run->node->extension_seal, &run->node->rand))
		return true;
	command_fail(run, COMMAND_BAD_ARGUMENT, "web_secret",
		     "it is off, or whsec_ and the base64 of 24 to 64 octets");
	return false;
}

/* Recordings, events and call records have the tenant's name alone: a new tenant of that name would
 * see those of the former. */
static void tenant_refuse_left(struct command_run *run)
{
	command_fail(run, COMMAND_CONFLICT, "name",
		     "a tenant of this name was deleted, and its recordings, calls and events are "
		     "there yet: take another name; or give restore=true, if it is that tenant");
}

static bool tenant_is_anew(const struct command_run *run)
{
	return !command_value(run, "restore")->number &&
	       tenants_find(run->node->common.tenants, command_value(run, "name")->text) ==
		       TENANT_NONE;
}

/* Sets come by here alone: looks for what this node knows. False: the run has failed. */
static bool tenant_is_free(struct command_run *run)
{
	if (!tenant_is_anew(run) ||
	    !mirror_gone_version(&run->node->api.documents->keep.mirror,
				 BYTES_LIT(DIRECTORY_OPERATORS), BYTES_LIT("tenant"),
				 command_value(run, "name")->text))
		return true;
	tenant_refuse_left(run);
	return false;
}

static void tenant_on_left(enum store_result result, bool there, void *arg)
{
	struct command_run *run = arg;

	if (result != STORE_OK)
		command_fail(run, COMMAND_UNAVAILABLE, NULL, "Redis did not answer");
	else if (there)
		tenant_refuse_left(run);
	else
		document_put(run);
}

void command_tenant_put(struct command_run *run)
{
	if (tenant_is_anew(run) && run->node->redis->store)
		store_tenant_left(run->node->redis->store, command_value(run, "name")->text,
				  tenant_on_left, run);
	else
		document_put(run);
}

static bool tenant_make(struct command_run *run, void *value)
{
	struct bytes name = command_value(run, "name")->text;
	struct tenant_value *t = value;

	if (name.p[0] == '_' || name.p[0] == '.') {
		command_fail(run, COMMAND_BAD_ARGUMENT, "name",
			     "a tenant's name does not begin with '_' or '.'");
		return false;
	}
	form_start(&g_tenant_form, t, (struct bytes){ 0 });
	(void)tenant_known(run->node, name, t);
	return tenant_is_free(run) && document_read_args(run, &g_tenant_documents, t) &&
	       tenant_secret_read(run, t);
}

static bool tenant_may_be(struct command_run *run, const void *value)
{
	const struct tenant_value *t = value;
	struct tenant_value before;

	form_start(&g_tenant_form, &before, (struct bytes){ 0 });
	(void)tenant_known(run->node, bytes_str(t->name), &before);
	return domains_are_free(run, t) && realm_may_change(run, &before, t) &&
	       streams_have_room(run, t) &&
	       (!t->core.zone[0] || command_zone_is_there(run, t->core.zone));
}

static bool tenant_aim(struct command_run *run, char name[DOCUMENT_NAME_MAX])
{
	struct bytes text = command_value(run, "name")->text;
	struct tenant_value t;

	if (bytes_is(text, NODE_TENANT)) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "name",
			     "the tenant default always exists; change it with tenant.put");
	} else if (!tenant_stored(run->node, text, &t)) {
		command_fail(run, COMMAND_NOT_FOUND, "name", "there is no such tenant");
	} else if (has_documents(run->node, text)) {
		command_fail(run, COMMAND_CONFLICT, "name",
			     "it still has documents: delete its extensions, profiles and ranges "
			     "first");
	} else {
		return bytes_cstr(text, name, DOCUMENT_NAME_MAX) == 0;
	}
	return false;
}

/* Its documents are read from now on. */
static void features_tenants(struct node *n)
{
	FEATURE_EACH (f) {
		if (f->tenants)
			f->tenants(n);
	}
}

static int tenant_apply(struct node *node, uint16_t tenant, const void *value)
{
	const struct tenant_value *t = value;
	struct tenant_settings set;
	uint32_t cursor = 0;
	struct shard *core;
	uint16_t number;
	int err;

	(void)tenant;
	tenant_to_settings(t, &set);
	err = tenants_put(node->common.tenants, &set, &number);
	if (err)
		return err;
	if (number != TENANT_DEFAULT && !document_profiles_own(node, number))
		return -ENOMEM;
	while (!err && (core = node_core_next(node, &cursor)))
		err = shard_profile_put(core, number,
					&document_profiles(node, number)->list[0].core);
	if (t->core.zone[0])
		command_zone_read(node, t->core.zone);
	directory_add(node, t->name);
	features_tenants(node);
	if (node->api.control)
		control_tenant_set(node->api.control, t->name, tenant_roles(t));
	command_webhooks_send(node, t->name);
	return err;
}

static void tenant_listen(struct node *n, struct bytes name)
{
	struct tenant_value t;

	if (tenant_known(n, name, &t))
		control_tenant_set(n->api.control, t.name, tenant_roles(&t));
}

void command_tenants_listen(struct node *n)
{
	for (uint16_t i = 0; tenants_next(n->common.tenants, &i); i++)
		tenant_listen(n, bytes_str(tenants_name(n->common.tenants, i)));
}

/* Its number becomes free when nothing holds it: calls, and what has not ended yet. */
static void tenant_forget(struct node *node, uint16_t tenant, const char *name)
{
	uint16_t number = tenants_find(node->common.tenants, bytes_str(name));
	struct tenant_value t;

	(void)tenant;
	if (number != TENANT_NONE && number != TENANT_DEFAULT)
		document_profiles_delete(node, number);
	(void)tenants_delete(node->common.tenants, bytes_str(name));
	features_tenants(node);
	form_start(&g_tenant_form, &t, bytes_str(name));
	if (node->api.control)
		control_tenant_set(node->api.control, name, tenant_roles(&t));
}

/* A parked call of it stays up and has no slot any more. The keys of its mailboxes are deleted, and
 * with erase what its documents were, which the archive does not have. */
static void tenant_deleted(struct node *node, const char *name, const struct command_run *run)
{
	struct store_shared *store = node->redis->store;

	store_boxes_clear(store, bytes_str(name));
	store_park_clear(store, bytes_str(name), NULL, NULL);
	if (run && command_value(run, "erase")->number)
		store_document_past_clear(store, bytes_str(name));
}

const struct document_kind g_tenant_documents = {
	.name = "tenant",
	.argument = "name",
	.several = "tenants",
	.places = TENANTS_MAX,
	.size = sizeof(struct tenant_value),
	.form = &g_tenant_form,
	.make = tenant_make,
	.check = tenant_may_be,
	.aim = tenant_aim,
	.apply = tenant_apply,
	.forget = tenant_forget,
	.deleted = tenant_deleted,
	.exact = true,
	.of_operators = true,
};

void command_tenant_show(struct command_run *run)
{
	struct tenant_value t;

	if (tenant_known(run->node, command_value(run, "name")->text, &t)) {
		command_answer(run, form_view(&g_tenant_form, &t));
	} else {
		command_fail(run, COMMAND_NOT_FOUND, "name", "there is no such tenant");
	}
}

static void tenant_list_add(const struct node *n, json_t *list, const char *name)
{
	struct tenant_value t;

	if (tenant_known(n, bytes_str(name), &t))
		(void)json_array_append_new(list, form_view(&g_tenant_form, &t));
}

/* By number, which is the order in which this node came to know them. */
void command_tenant_list(struct command_run *run)
{
	json_t *list = json_array();

	for (uint16_t i = 0; tenants_next(run->node->common.tenants, &i); i++)
		tenant_list_add(run->node, list, tenants_name(run->node->common.tenants, i));
	command_answer(run, list);
}

#define MAX_WORD "max_"

/* What it has of that, and its quota: max_NAME. */
static void tenant_use_put(json_t *out, const struct tenants *all, uint16_t tenant,
			   const char *quota, enum tenant_item item, uint32_t has)
{
	(void)json_object_set_new(out, quota + sizeof(MAX_WORD) - 1, json_integer(has));
	(void)json_object_set_new(out, quota, json_integer(tenants_most(all, tenant, item)));
}

/* New reference, NULL: out of memory. */
static json_t *tenant_usage(const struct node *n, uint16_t tenant)
{
	static const struct {
		const char *quota;
		enum tenant_item item;
	} held[] = {
		{ "max_calls", TENANT_CALLS },
		{ "max_registrations", TENANT_REGISTRATIONS },
		{ "max_recorded", TENANT_RECORDED },
		{ "max_subscriptions", TENANT_SUBSCRIPTIONS },
		{ "max_conferences", TENANT_CONFERENCES },
	};
	const struct tenants *all = n->common.tenants;
	json_t *out = json_object();

	for (size_t i = 0; i < COUNT_OF(held); i++)
		tenant_use_put(out, all, tenant, held[i].quota, held[i].item,
			       tenants_held(all, tenant, held[i].item));
	for (size_t i = 0; g_document_kinds[i]; i++) {
		const struct document_kind *kind = g_document_kinds[i];

		/* a kind that shares the quota of one before it is not shown */
		if (kind->quota && !json_object_get(out, kind->quota))
			tenant_use_put(out, all, tenant, kind->quota, kind->item,
				       mirror_count_of(&n->api.documents->keep.mirror,
						       bytes_str(tenants_name(all, tenant)),
						       bytes_str(kind->name)));
	}
	return out;
}

void command_tenant_status(struct command_run *run)
{
	uint16_t tenant = document_tenant(run);
	json_t *json;

	if (tenant == TENANT_NONE) {
		command_fail(run, COMMAND_NOT_FOUND, NULL, "there is no such tenant");
		return;
	}
	json = json_pack("{s:s, s:s, s:s}", "name", run->tenant, "realm",
			 document_realm(run->node, tenant), "role", command_role_name(run->role));
	(void)json_object_update_new(json, tenant_usage(run->node, tenant));
	command_answer(run, json);
}
