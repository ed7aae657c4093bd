/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks phones to look for other files (check-sync), each behind its calls: a phone that boots in
 * one would end it. A device waits here from its change, or from device.sync, until its extension
 * is in no call of this node, and its phone is registered. The node that took the command asks;
 * where the phone's connection is with another node, it boots by itself, or registers here.
 */
#include <string.h>

#include "app/command/command_request.h"
#include "app/document/document.h"
#include "app/feature/provision/device.h"
#include "app/node/node.h"
#include "app/node/node_shard.h"
#include "base/clock.h"
#include "sig/shard/shard.h"

#define SYNC_LONG_MS (UINT64_C(12) * 3600 * 1000) /* then it is given up */

/* The binding of that device; NULL: it is not registered. */
static const struct binding *sync_binding(const struct node *n, const struct device_entry *d,
					  struct bytes number)
{
	const struct aor *entry = locations_find(n->common.locations, d->tenant, number);

	for (uint32_t i = 0; entry && i < entry->count; i++) {
		if (device_is_binding(d, &entry->bindings[i]))
			return &entry->bindings[i];
	}
	return NULL;
}

static bool sync_is_busy(const struct node *n, uint16_t tenant, struct bytes number)
{
	struct user_call of = { 0 };
	const struct shard *core;
	uint32_t cursor = 0;

	while (!of.call && (core = node_core_next(n, &cursor)) != NULL)
		shard_user_call(core, tenant, number, USER_HAS, 0, &of);
	return of.call;
}

static void sync_try(struct node *n, struct device_entry *d, const struct device_value *v)
{
	struct bytes list = bytes_str(v->extensions), number = { 0 }, contact;
	const struct binding *b;
	struct shard *core;
	uint32_t cursor = 0;

	(void)bytes_cut(&list, ',', &number);
	b = sync_binding(n, d, number);
	if (!b || sync_is_busy(n, d->tenant, number))
		return;
	contact = text_bytes(&b->contact);
	while ((core = node_core_next(n, &cursor)) != NULL) {
		if (!shard_check_sync(core, d->tenant, number, contact, clock_instant()))
			continue;
		d->sync_ms = 0;
		device_saw(d, DEVICE_SYNCED, clock_utc_ms());
		return;
	}
}

void device_sync_beat(struct node *n, struct device_entry *d)
{
	struct device_value v;

	if (!d->sync_ms)
		return;
	if (clock_utc_ms() > d->sync_ms + SYNC_LONG_MS || !device_read(n, d, &v))
		d->sync_ms = 0;
	else
		sync_try(n, d, &v);
}

void command_device_sync(struct command_run *run)
{
	struct device_entry *d;
	struct bytes mac;

	if (!device_normalize(run))
		return;
	mac = command_value(run, "mac")->text;
	d = device_of(document_tenant(run), mac);
	if (!d) {
		(void)document_missing(run, &g_device_documents);
		return;
	}
	d->sync_ms = clock_utc_ms();
	command_answer(run, json_pack("{s:s}", "mac", d->mac));
}
