/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profiles of phones: what many devices of a tenant have in common, by a name. A device that names
 * none has the one with the name "default", where there is one. What the device itself says comes
 * first. A change of a profile asks all its phones to look for other files, each behind its calls:
 * by the node of the command, and by another one where that is killed.
 */
#include <string.h>

#include "app/document/document.h"
#include "app/feature/provision/device.h"
#include "app/node/node.h"
#include "base/clock.h"

enum { DEVICE_PROFILES_OF_TENANT = 256, DEVICE_PROFILES_MAX = 4096, ASKS_A_SECOND = 100 };
#define DEVICE_PROFILE_COMMON "default"
#define PROFILE_OTHERS_NS     (20 * NS_PER_S) /* the node of the command has asked them by then */
#define PROFILE_LATE_MS       600000          /* for an older change nobody is asked */

static bool has_profile(const struct device_entry *d, const char *name)
{
	return !strcmp(d->profile[0] ? d->profile : DEVICE_PROFILE_COMMON, name);
}

/* Not all at once: each of them is a boot. */
static void device_profile_sync(struct node *n, uint16_t tenant, const char *name, uint64_t utc_ms,
				uint64_t after_ns)
{
	uint64_t at_ns =
		after_ns ? clock_now_ns() + after_ns + rand_u64_from(&n->rand) % after_ns : 0;
	struct device_entry *d;
	uint32_t cursor = 0, count = 0;

	while ((d = device_next(&cursor)) != NULL) {
		while (d && d->tenant != tenant)
			d = d->next;
		if (!d || !has_profile(d, name) || (after_ns && d->sync_ms >= utc_ms))
			continue;
		device_sync_want(d, utc_ms);
		d->sync_next_ns =
			(at_ns ? at_ns : clock_now_ns()) + count++ / ASKS_A_SECOND * NS_PER_S;
	}
}

static int device_profile_apply(struct node *node, uint16_t tenant, const void *value)
{
	const struct device_profile *p = value;

	if (p->changed_utc_ms > clock_utc_ms() - PROFILE_LATE_MS)
		device_profile_sync(node, tenant, p->name, p->changed_utc_ms, PROFILE_OTHERS_NS);
	return 0;
}

static void device_profile_saved(struct command_run *run, const void *value, json_t *view)
{
	const struct device_profile *p = value;

	(void)view;
	device_profile_sync(run->node, document_tenant(run), p->name, clock_utc_ms(), 0);
}

static void device_profile_forget(struct node *node, uint16_t tenant, const char *name)
{
	device_profile_sync(node, tenant, name, clock_utc_ms(), PROFILE_OTHERS_NS);
}

/* Behind those of the device, which come first; a key twice is no XML. */
static void overrides_add(struct device_value *v, struct bytes more)
{
	struct writer w = writer_over(v->overrides, sizeof(v->overrides) - 1);
	struct bytes key, value;

	w.n = strlen(v->overrides);
	while (device_override_next(&more, &key, &value)) {
		struct bytes rest = bytes_str(v->overrides), one, unused;
		size_t before = w.n;
		bool there = false;

		while (device_override_next(&rest, &one, &unused))
			there |= bytes_eq(one, key);
		if (there)
			continue;
		if (w.n)
			writer_u8(&w, ';');
		writer_bytes(&w, key);
		writer_u8(&w, '=');
		writer_bytes(&w, value);
		if (w.overflow) {
			w.n = before;
			w.overflow = false;
		}
		v->overrides[w.n] = '\0';
	}
}

void device_profile_read(struct node *n, const struct device_entry *d, struct device_value *v)
{
	static struct device_profile p;
	const char *name = v->profile[0] ? v->profile : DEVICE_PROFILE_COMMON;
	bool own = strcmp(v->menu_password, DEVICE_MENU_PROFILE) != 0;

	if (!document_stored(n, tenants_name(n->common.tenants, d->tenant),
			     &g_device_profile_documents, bytes_str(name), &p))
		memset(&p, 0, sizeof(p));
	v->features_off = p.features_off;
	if (!own)
		memcpy(v->menu_password, p.menu_password, sizeof(v->menu_password));
	if (!v->digit_map[0])
		memcpy(v->digit_map, p.digit_map, sizeof(v->digit_map));
	overrides_add(v, bytes_str(p.overrides));
	if (p.features_off & 1 << DEVICE_DISTURB)
		overrides_add(v, BYTES_LIT("feature.doNotDisturb.enable=0"));
	if (p.features_off & 1 << DEVICE_FORWARDING)
		overrides_add(v, BYTES_LIT("feature.forward.enable=0"));
}

bool device_profile_has_password(const struct node *n, const char *tenant, const char *profile)
{
	static struct device_profile p;

	return document_stored(n, tenant, &g_device_profile_documents,
			       bytes_str(profile[0] ? profile : DEVICE_PROFILE_COMMON), &p) &&
	       p.menu_password[0];
}

const struct document_kind g_device_profile_documents = {
	.rank = 3, /* its devices are there: they are asked for a change */
	.before = &g_device_documents,
	.name = "device_profile",
	.argument = "name",
	.several = "device profiles",
	.places = DEVICE_PROFILES_MAX,
	.share = DEVICE_PROFILES_OF_TENANT,
	.size = sizeof(struct device_profile),
	.form = &g_device_profile_form,
	.apply = device_profile_apply,
	.forget = device_profile_forget,
	.saved = device_profile_saved,
};
