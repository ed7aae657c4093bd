/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kind of document "device", and its commands. The node keeps an index of all devices by their
 * MAC, because a phone that asks names its MAC and no tenant. Two tenants may have the same MAC:
 * the password decides, and neither learns of the other.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/document/document.h"
#include "app/document/extensions.h"
#include "app/feature/provision/device.h"
#include "app/feature/provision/provision_settings.h"
#include "app/node/node.h"
#include "base/clock.h"
#include "base/table.h"

static struct {
	struct table by_mac; /* of struct device_entry *, the first of each MAC */
	struct hash_key key;
	bool is_open;
} g_devices;

enum { DEVICES_MAX = 1 << 17, GATEWAYS_MAX = 1024 };
#define OTHERS_SYNC_NS (60 * NS_PER_S)
#define OTHERS_LATE_MS 600000 /* for an older change its phone is not asked */

static uint64_t device_hash(struct bytes mac)
{
	return hash_sip(&g_devices.key, mac);
}

struct device_entry *device_find(struct bytes mac)
{
	uint64_t hash = device_hash(mac), value;
	uint32_t cursor = 0;

	if (!g_devices.is_open)
		return NULL;
	while ((value = table_next(&g_devices.by_mac, hash, &cursor)) != 0) {
		struct device_entry *d = (struct device_entry *)(uintptr_t)value;

		if (bytes_is(mac, d->mac))
			return d;
	}
	return NULL;
}

struct device_entry *device_of(uint16_t tenant, struct bytes mac)
{
	struct device_entry *d = device_find(mac);

	while (d && d->tenant != tenant)
		d = d->next;
	return d;
}

struct device_entry *device_next(uint32_t *cursor)
{
	while (g_devices.is_open && *cursor <= g_devices.by_mac.mask) {
		uint64_t value = g_devices.by_mac.slots[(*cursor)++].value;

		if (value)
			return (struct device_entry *)(uintptr_t)value;
	}
	return NULL;
}

bool device_read(struct node *n, const struct device_entry *d, struct device_value *out)
{
	if (!document_stored(n, tenants_name(n->common.tenants, d->tenant), &g_device_documents,
			     bytes_str(d->mac), out))
		return false;
	device_profile_read(n, d, out);
	if (d->login.own)
		memcpy(out->extensions, d->login.number, sizeof(d->login.number));
	if (d->login.of != d->tenant) /* the directory of its own site */
		out->directory_profile[0] = '\0';
	return true;
}

/* ---- the kind ---- */

static int devices_open(struct node *node)
{
	int err = g_devices.is_open ? 0 : table_open(&g_devices.by_mac, DEVICES_MAX);

	if (!err && !g_devices.is_open)
		g_devices.key =
			(struct hash_key){ rand_u64_from(&node->rand), rand_u64_from(&node->rand) };
	g_devices.is_open |= !err;
	return err;
}

/* Not all at once: each is looked up in Redis. */
static uint64_t others_sync_ns(struct node *node, uint64_t after_ns)
{
	return clock_now_ns() + after_ns + rand_u64_from(&node->rand) % after_ns;
}

/* Another node took the command: that one asks the phone, and this one where that is killed. */
static int device_changed(struct node *node, struct device_entry *d, const struct device_value *v)
{
	if (d->sync_ms < v->changed_utc_ms && v->changed_utc_ms > clock_utc_ms() - OTHERS_LATE_MS) {
		device_sync_want(d, v->changed_utc_ms);
		d->sync_next_ns = others_sync_ns(node, OTHERS_SYNC_NS / 6);
	}
	return device_login_apply(node, d, v);
}

static int device_apply(struct node *node, uint16_t tenant, const void *value)
{
	const struct device_value *v = value;
	struct bytes mac = bytes_str(v->mac);
	struct device_entry *first, *d;
	int err = devices_open(node);

	if (err)
		return err;
	d = device_of(tenant, mac);
	if (d) {
		memcpy(d->profile, v->profile, sizeof(d->profile));
		return device_changed(node, d, v);
	}
	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->tenant = tenant;
	(void)bytes_cstr(mac, d->mac, sizeof(d->mac));
	memcpy(d->profile, v->profile, sizeof(d->profile));
	/* its phone may have been told of it by nobody; a node that lives has a minute to do it */
	device_sync_want(d, v->changed_utc_ms);
	d->sync_next_ns = others_sync_ns(node, OTHERS_SYNC_NS);
	first = device_find(mac);
	if (first) {
		d->next = first->next;
		first->next = d;
	} else {
		err = table_put(&g_devices.by_mac, device_hash(mac), (uint64_t)(uintptr_t)d);
	}
	if (err)
		free(d);
	return err ? err : device_login_apply(node, d, v);
}

static void device_forget(struct node *node, uint16_t tenant, const char *name)
{
	struct bytes mac = bytes_str(name);
	struct device_entry *first = device_find(mac), **at = &first, *d;

	while (*at && (*at)->tenant != tenant)
		at = &(*at)->next;
	d = *at;
	if (!d)
		return;
	device_uploads_delete(node, d);
	device_login_forget(node, d);
	device_sync_forget(d);
	if (d != first) {
		*at = d->next;
	} else {
		(void)table_del(&g_devices.by_mac, device_hash(mac), (uint64_t)(uintptr_t)d);
		if (d->next)
			(void)!table_put(&g_devices.by_mac, device_hash(mac),
					 (uint64_t)(uintptr_t)d->next);
	}
	free(d);
}

/* Its phone is to read the change. A new one has no phone yet. */
static void device_saved(struct command_run *run, const void *value, json_t *view)
{
	const struct device_value *v = value;
	struct device_entry *d = device_of(document_tenant(run), bytes_str(v->mac));

	(void)view;
	if (!d)
		return;
	device_sync_want(d, clock_utc_ms());
	device_sync_remember(run->node, d);
	if (v->login_utc_ms && json_object_get(run->changes, "login_utc_ms"))
		device_user_event(run, v);
}

/* Devices of that extension on which nobody is logged in, with v as one of them. */
static uint32_t device_bare_count(const struct device_value *v, uint16_t tenant)
{
	struct device_entry *d;
	uint32_t cursor = 0, count = 1;

	while ((d = device_next(&cursor)) != NULL) {
		while (d && d->tenant != tenant)
			d = d->next;
		count += d && d->login.own && !strcmp(d->login.number, v->extensions) &&
			 strcmp(d->mac, v->mac) != 0;
	}
	return count;
}

/* ADM-22: of each gateway the extensions of the tenant that register there, as long as no document
 * changes: all of them are read for that. More gateways than there is room for are not counted. */
static uint32_t secondary_users(const struct node *node, uint16_t tenant, const char *proxy)
{
	static struct {
		uint64_t changes; /* of documents, when they were counted; 0: never */
		uint16_t tenant;
		uint32_t count;
		struct {
			char proxy[EXTENSION_SECONDARY_MAX];
			uint32_t users;
		} of[GATEWAYS_MAX];
	} last;
	const struct mirror *m = &node->api.documents->keep.mirror;
	static struct extension e;
	struct bytes number;
	uint32_t cursor = last.changes == m->changes && last.tenant == tenant ? UINT32_MAX : 0, k;
	uint16_t of;

	if (!cursor)
		last.count = 0;
	last.changes = m->changes;
	last.tenant = tenant;
	while (cursor != UINT32_MAX &&
	       extensions_next(node->api.extensions, &cursor, &of, &number)) {
		if (of != tenant || !extensions_find(node->api.extensions, tenant, number, &e) ||
		    !e.secondary_registers || !e.secondary[0])
			continue;
		for (k = 0; k < last.count && strcmp(last.of[k].proxy, e.secondary) != 0; k++)
			continue;
		if (k == GATEWAYS_MAX)
			continue;
		if (k == last.count)
			last.of[last.count++].users = 0;
		memcpy(last.of[k].proxy, e.secondary, sizeof(last.of[k].proxy));
		last.of[k].users++;
	}
	extension_wipe(&e);
	for (k = 0; k < last.count; k++) {
		if (!strcmp(last.of[k].proxy, proxy))
			return last.of[k].users;
	}
	return 0;
}

/* A new device of an extension that registers at a gateway with more users than it takes would
 * leave one of them without service. False: the run has failed. */
static bool device_may_be(struct command_run *run, const void *value)
{
	const struct device_value *v = value;
	uint32_t most = provision_settings_of(run->node->settings)->secondary_users;
	uint16_t tenant = document_tenant(run);
	struct bytes list = bytes_str(v->extensions), first = { 0 };
	static struct extension e;
	bool full;

	if (!device_guest_may(run, value))
		return false;
	(void)bytes_cut(&list, ',', &first);
	full = most && !strcmp(run->command->name, "device.put") &&
	       !device_of(tenant, bytes_str(v->mac)) &&
	       extensions_find(run->node->api.extensions, tenant, first, &e) &&
	       e.secondary_registers && e.secondary[0] &&
	       secondary_users(run->node, tenant, e.secondary) > most;
	if (full)
		command_fail(run, COMMAND_CONFLICT, "extensions",
			     "%s is the secondary proxy of more than %u extensions that register "
			     "there (provision.secondary_users)",
			     e.secondary, most);
	extension_wipe(&e);
	return !full;
}

static void secondary_users_warn(const struct node *node, uint16_t tenant,
				 const struct extension *e, json_t *out)
{
	uint32_t most = provision_settings_of(node->settings)->secondary_users;
	uint32_t users = most && e->secondary_registers && e->secondary[0]
				 ? secondary_users(node, tenant, e->secondary)
				 : 0;

	if (users > most)
		(void)json_array_append_new(
			out, json_sprintf("extensions: %s is the secondary proxy of %u extensions "
					  "that register there, and takes %u "
					  "(provision.secondary_users)",
					  e->secondary, users, most));
}

/* REG-22: a gateway rings one of them, or refuses the second. */
static void device_secondary_warn(const struct node *node, uint16_t tenant,
				  const struct device_value *v, json_t *out)
{
	static struct extension e;
	struct bytes list = bytes_str(v->extensions), first = { 0 };
	struct device_entry *d;
	uint32_t cursor = 0, others = 0;

	(void)bytes_cut(&list, ',', &first);
	while ((d = device_next(&cursor)) != NULL) {
		while (d && d->tenant != tenant)
			d = d->next;
		others += d && bytes_is(first, d->login.number) && strcmp(d->mac, v->mac) != 0;
	}
	if (extensions_find(node->api.extensions, tenant, first, &e)) {
		secondary_users_warn(node, tenant, &e, out);
		if (v->password[0] && device_registers_there(v, e.secondary_registers))
			(void)json_array_append_new(
				out,
				json_string("secondary_registers: extensions log in at it: who "
					    "does registers at a secondary proxy, too"));
		if (others && device_registers_there(v, e.secondary_registers))
			(void)json_array_append_new(
				out, json_sprintf("extensions: %s has other phones, and each of "
						  "them registers at its secondary proxy",
						  e.core.number));
	}
	extension_wipe(&e);
}

/* PROV-03: phones of later releases need a certificate with a name, for pages in their browser. */
static void device_name_warn(const struct node *node, uint16_t tenant, const struct device_value *v,
			     json_t *out)
{
	const char *server = provision_settings_of(node->settings)->server;
	struct bytes list = bytes_str(v->extensions), first = { 0 };
	static struct extension e;
	struct addr address;
	bool record;

	if (!v->former_release[0] || device_needs_reset(v) ||
	    (strchr(server, '.') && addr_parse(&address, bytes_str(server))))
		return;
	(void)bytes_cut(&list, ',', &first);
	record = extensions_find(node->api.extensions, tenant, first, &e) && e.core.record_page;
	extension_wipe(&e);
	if (v->directory_page || record)
		(void)json_array_append_new(
			out, json_string("former_release: for its directory and record pages the "
					 "node needs a host name in its certificate: "
					 "provision.server"));
}

static json_t *device_show(const struct node *node, uint16_t tenant, const void *value)
{
	json_t *view = form_view(&g_device_form, value);

	(void)node;
	(void)tenant;
	(void)json_object_set_new(view, "reset_needed", json_boolean(device_needs_reset(value)));
	return view;
}

static void device_warn(const struct node *node, uint16_t tenant, const void *value, json_t *out)
{
	const struct device_value *v = value;
	const char *reset = device_reset_how(v);

	if (!device_model_is_known(v))
		(void)json_array_append_new(
			out, json_sprintf("model: %s is not known in that generation", v->model));
	if (v->overrides[0] && !device_takes_overrides(v))
		(void)json_array_append_new(
			out, json_string("overrides: files of this make have none of them"));
	if (v->password[0] && strcmp(v->extensions, bare_extension(node, tenant)) != 0 &&
	    device_bare_count(v, tenant) > BINDINGS_MAX)
		(void)json_array_append_new(
			out,
			json_sprintf("extensions: %s has places for %d phones, and more devices "
				     "than that: those beyond cannot be called, nor asked to "
				     "look for files",
				     v->extensions, BINDINGS_MAX));
	device_secondary_warn(node, tenant, v, out);
	device_name_warn(node, tenant, v, out);
	if (reset)
		(void)json_array_append_new(
			out, json_sprintf("former_release: its phone needs a reset: %s; then "
					  "device.put former_release=",
					  reset));
	if (v->digit_map[0])
		(void)json_array_append_new(
			out, json_string("digit_map: it is kept, and the dial plan's is not used"));
}

const struct document_kind g_device_documents = {
	.rank = 2,
	.name = "device",
	.argument = "mac",
	.several = "devices",
	.places = DEVICES_MAX,
	.quota = "max_extensions",
	.item = TENANT_EXTENSIONS,
	.size = sizeof(struct device_value),
	.form = &g_device_form,
	.make = device_make,
	.check = device_may_be,
	.show = device_show,
	.apply = device_apply,
	.forget = device_forget,
	.saved = device_saved,
	.warn = device_warn,
};

/* ---- commands ---- */

bool device_normalize(struct command_run *run)
{
	size_t at = (size_t)(command_value(run, "mac") - run->values);
	char mac[PHONE_MAC_LEN + 1];

	if (!device_mac_read(run->values[at].text, mac)) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "mac",
			     "it is the MAC of a phone: 12 hexadecimal digits, as 0004f214ab37 or "
			     "00:04:F2:14:AB:37");
		return false;
	}
	(void)json_object_set_new(run->args, "mac", json_string(mac));
	run->values[at].text = bytes_str(json_string_value(json_object_get(run->args, "mac")));
	return true;
}

void command_device_put(struct command_run *run)
{
	if (device_normalize(run))
		document_put(run);
}

void command_device_delete(struct command_run *run)
{
	if (device_normalize(run))
		document_delete(run);
}

void command_device_get(struct command_run *run)
{
	struct bytes mac;
	json_t *view;

	if (!device_normalize(run))
		return;
	mac = command_value(run, "mac")->text;
	view = document_view_stored(run, mac);
	if (view)
		device_seen_answer(run, view, mac);
	else
		(void)document_missing(run, &g_device_documents);
}
