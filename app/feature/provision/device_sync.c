/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks phones to look for other files (check-sync), each behind its calls: a phone that boots in
 * one would end it. A device waits here from its change, or from device.sync, until its phone is
 * registered at any node, and its extension is in no call of any node. The node that took the
 * command asks. A node that starts asks the phones that no node had asked yet: those of devices
 * with a document newer than the files that their phones have.
 */
#include <stdlib.h>
#include <string.h>

#include "app/document/document.h"
#include "app/feature/provision/device.h"
#include "app/node/node.h"
#include "app/node/node_shard.h"
#include "base/clock.h"
#include "sig/feature/pick/pick_ringing.h"
#include "sig/model/park.h"
#include "sig/remote/remote_state.h"
#include "sig/shard/shard.h"
#include "sig/shard/shared_tables.h"

#define SYNC_LONG_MS   (UINT64_C(12) * 3600 * 1000) /* then it is given up */
#define SYNC_AGAIN_NS  (5 * NS_PER_S)               /* where it was busy, or away: then, */
#define SYNC_MOST_NS   (320 * NS_PER_S)             /* and twice as long each time, up to this */
#define SYNC_LOGIN_MS  4000
#define SYNC_DONE_MS   300000         /* a node has asked it: it has so long to fetch */
#define SYNC_ANSWER_NS (3 * NS_PER_S) /* other nodes have answered, or are lost */

enum { SYNC_ASKS_MAX = 64 }; /* that wait for other nodes' answers: pick-ups need those, too */

static struct locations_user g_looks; /* joined with the first look */
static uint32_t g_asks;               /* as of the last beat */

void device_sync_want(struct device_entry *d, uint64_t utc_ms)
{
	d->sync_ms = utc_ms;
	d->sync_next_ns = d->sync_serial = d->sync_wait_ns = 0;
	d->asked_ns[0] = d->asked_ns[1] = 0;
	d->sync_read = d->sync_rolled = false;
}

void device_sync_roll(struct device_entry *d, uint64_t utc_ms)
{
	uint64_t before_ms = d->sync_ms && d->sync_rolled ? d->sync_before_ms : d->sync_ms;

	device_sync_want(d, utc_ms);
	d->sync_rolled = true;
	d->sync_before_ms = before_ms;
}

void device_sync_unroll(struct device_entry *d)
{
	if (!d->sync_rolled)
		return;
	d->sync_ms = d->sync_ms ? d->sync_before_ms : 0;
	d->sync_serial = 0;
	d->sync_rolled = false;
}

/* ---- where its phone is ---- */

static void looks_on_found(void *owner, uint64_t token, struct instant now)
{
	(void)owner;
	(void)token;
	(void)now;
}

/* The tenant of that number of the device's. */
static uint16_t device_number_tenant(const struct device_entry *d, struct bytes number)
{
	return number.p == (const uint8_t *)d->login.former ? d->login.former_of : d->login.of;
}

bool device_locations_known(struct node *n, struct device_entry *d, struct bytes number,
			    uint64_t now_ns)
{
	/* beside that one it may have registered as what it was before */
	uint64_t *asked_ns = &d->asked_ns[bytes_is(number, d->login.former)];

	if (locations_know(n->common.locations, device_number_tenant(d, number), number))
		return true;
	if (*asked_ns && now_ns - *asked_ns < SYNC_AGAIN_NS)
		return false;
	if (!g_looks.owner) {
		g_looks = (struct locations_user){ .owner = n, .found = looks_on_found };
		locations_join(n->common.locations, &g_looks);
	}
	*asked_ns = now_ns;
	locations_set_now(n->common.locations, clock_instant());
	(void)locations_request(n->common.locations, device_number_tenant(d, number), number,
				&g_looks, 1);
	return false;
}

void device_sync_close(struct node *n)
{
	if (g_looks.owner)
		locations_leave(n->common.locations, &g_looks);
	g_looks = (struct locations_user){ 0 };
}

/* Returns the last binding of that device, or NULL if it is not registered. */
static const struct binding *sync_binding(const struct node *n, const struct device_entry *d,
					  struct bytes number)
{
	const struct aor *entry =
		locations_find(n->common.locations, device_number_tenant(d, number), number);

	for (uint32_t i = entry ? entry->count : 0; i-- > 0;) {
		if (device_is_binding(d, &entry->bindings[i]))
			return &entry->bindings[i];
	}
	return NULL;
}

/* ---- whether it is in a call ---- */

static bool sync_is_busy(const struct node *n, uint16_t tenant, struct bytes number)
{
	struct user_call of = { 0 };
	uint32_t cursor = 0;
	const struct shard *core = node_core_next(n, &cursor);

	if (core)
		shard_user_call(core, tenant, number, USER_HAS, 0, &of);
	return of.call;
}

static bool sync_has_others(const struct node *n)
{
	const struct shard_shared_tables *c = n->common.shared_tables;

	return c->remote && c->remote_with.others(c->remote_with.arg);
}

/* Returns false if too many questions to other nodes are open. */
static bool sync_ask_others(struct node *n, struct device_entry *d, struct bytes number)
{
	const struct remote_pick pick = { .by = number, .of = number, .want = USER_HAS };
	uint32_t cursor = 0;
	struct shard *core = node_core_next(n, &cursor);
	uint64_t serial = rand_u64_from(&n->rand) | 1;

	if (g_asks >= SYNC_ASKS_MAX || !core ||
	    !shard_picks_request(core, device_number_tenant(d, number), &pick, serial))
		return false;
	g_asks++;
	d->sync_serial = serial;
	return true;
}

/* Bare phones share an extension, and its calls are those of others that log in: one that has just
 * logged in waits for the end of its own call, and no longer. */
static bool sync_waits_for_calls(const struct device_entry *d, struct bytes number)
{
	return !d->login.own || !bytes_is(number, d->login.base) ||
	       clock_utc_ms() < d->login.login_ms + SYNC_LOGIN_MS;
}

/* ---- asking it ---- */

static void device_sync_send(struct node *n, struct device_entry *d, struct bytes number)
{
	const struct binding *b = sync_binding(n, d, number);
	struct bytes contact;
	struct shard *core;
	uint32_t cursor = 0;

	if (!b || (sync_waits_for_calls(d, number) &&
		   sync_is_busy(n, device_number_tenant(d, number), number)))
		return;
	contact = text_bytes(&b->contact);
	while ((core = node_core_next(n, &cursor)) != NULL) {
		if (!shard_check_sync(core, device_number_tenant(d, number), number, contact,
				      clock_instant()))
			continue;
		d->sync_ms = 0;
		device_saw(d, DEVICE_SYNCED, clock_utc_ms());
		device_login_synced(n, d);
		return;
	}
}

/* Delays the request: the phone is away, or in a call. It may fetch its files meanwhile. */
static void sync_later(struct device_entry *d, uint64_t now_ns, bool away)
{
	d->sync_read = false;
	if (away)
		d->sync_wait_ns = !d->sync_wait_ns                 ? SYNC_AGAIN_NS
				  : d->sync_wait_ns < SYNC_MOST_NS ? 2 * d->sync_wait_ns
								   : SYNC_MOST_NS;
	d->sync_next_ns = now_ns + (away ? d->sync_wait_ns : SYNC_AGAIN_NS / 5);
}

void device_sync_forget(struct device_entry *d)
{
	if (d->caller)
		sync_caller_clear(d->caller);
	free(d->caller);
	d->caller = NULL;
}

/* Whether the phone is in a call, as its present or its former extension. */
static bool sync_calls(struct node *n, const struct device_entry *d, struct sync_caller *out)
{
	const struct bytes both[] = { bytes_str(d->login.former), bytes_str(d->login.number) };
	uint32_t cursor = 0;
	const struct shard *core = node_core_next(n, &cursor);

	for (size_t i = 0; core && i < COUNT_OF(both); i++) {
		if (both[i].n && shard_sync_caller(core, device_number_tenant(d, both[i]), both[i],
						   device_mac(bytes_str(d->mac)), out))
			return true;
	}
	return false;
}

void device_sync_remember(struct node *n, struct device_entry *d)
{
	device_sync_forget(d);
	d->caller = d->login.own ? calloc(1, sizeof(*d->caller)) : NULL;
	if (d->caller && !sync_calls(n, d, d->caller))
		device_sync_forget(d);
}

/* Asks a phone at the address it has called from, once that call is over: that is newer than its
 * registration, where it has one. */
static bool sync_ask_caller(struct node *n, struct device_entry *d, uint64_t now_ns)
{
	struct shard *core;
	uint32_t cursor = 0;

	if (!d->caller)
		return false;
	if (sync_calls(n, d, d->caller)) {
		sync_later(d, now_ns, false);
		return true;
	}
	while ((core = node_core_next(n, &cursor)) != NULL) {
		if (!shard_check_sync_caller(core, d->caller, clock_instant()))
			continue;
		d->sync_ms = 0;
		device_saw(d, DEVICE_SYNCED, clock_utc_ms());
		break;
	}
	device_sync_forget(d);
	return !d->sync_ms;
}

/* Finds the extension that the phone is registered for: that of its document, or its former one.
 * False: not yet known; number is empty where there is no registration. */
static bool sync_number(struct node *n, struct device_entry *d, struct bytes *number,
			uint64_t now_ns)
{
	const struct bytes both[] = { bytes_str(d->login.former), bytes_str(d->login.number) };
	bool known = true;

	*number = (struct bytes){ 0 };
	for (size_t i = 0; i < COUNT_OF(both) && !number->n; i++) {
		if (!both[i].n)
			continue;
		known &= device_locations_known(n, d, both[i], now_ns);
		if (sync_binding(n, d, both[i]))
			*number = both[i];
	}
	return number->n || known;
}

static void sync_try(struct node *n, struct device_entry *d, uint64_t now_ns)
{
	struct bytes number;

	if (sync_ask_caller(n, d, now_ns) || !sync_number(n, d, &number, now_ns))
		return;
	if (!number.n || (sync_waits_for_calls(d, number) &&
			  sync_is_busy(n, device_number_tenant(d, number), number))) {
		sync_later(d, now_ns, !number.n);
		return;
	}
	if (!sync_has_others(n) || !sync_waits_for_calls(d, number)) {
		device_sync_send(n, d, number);
		return;
	}
	d->sync_next_ns = now_ns + (sync_ask_others(n, d, number) ? SYNC_ANSWER_NS : SYNC_AGAIN_NS);
}

static struct device_entry *sync_of_serial(uint64_t serial)
{
	struct device_entry *d;
	uint32_t cursor = 0;

	while ((d = device_next(&cursor)) != NULL) {
		while (d && d->sync_serial != serial)
			d = d->next;
		if (d)
			return d;
	}
	return NULL;
}

void device_sync_on_picked(struct node *n, const struct park_reply *told)
{
	struct device_entry *d = sync_of_serial(told->serial);
	struct bytes number;

	if (!d || !d->sync_ms)
		return;
	d->sync_serial = 0;
	g_asks -= g_asks > 0;
	sync_later(d, clock_now_ns(), false);
	if (told->told != PARK_OK && sync_number(n, d, &number, clock_now_ns()) && number.n)
		device_sync_send(n, d, number);
}

void device_sync_count(void)
{
	struct device_entry *d;
	uint64_t now_ns = clock_now_ns();
	uint32_t cursor = 0;

	g_asks = 0;
	while ((d = device_next(&cursor)) != NULL) {
		for (; d; d = d->next)
			g_asks += d->sync_serial && d->sync_next_ns > now_ns;
	}
}

/* A phone that has fetched its files since then, at any node, is not asked any more; nor soon where
 * another node has asked it. */
void device_sync_beat(struct node *n, struct device_entry *d, uint64_t now_ns)
{
	const uint64_t *at = d->seen.at;

	if (!d->sync_ms || d->sync_next_ns > now_ns)
		return;
	if (at[DEVICE_SYNCED] >= d->sync_ms)
		device_login_synced(n, d);
	if (at[DEVICE_FETCHED] >= d->sync_ms || clock_utc_ms() > d->sync_ms + SYNC_LONG_MS)
		d->sync_ms = 0;
	else if (at[DEVICE_SYNCED] >= d->sync_ms &&
		 clock_utc_ms() < at[DEVICE_SYNCED] + SYNC_DONE_MS)
		sync_later(d, now_ns, true);
	else if (d->sync_read)
		sync_try(n, d, now_ns);
	else
		device_seen_refresh(n, d);
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
	device_sync_want(d, clock_utc_ms());
	command_answer(run, json_pack("{s:s}", "mac", d->mac));
}
