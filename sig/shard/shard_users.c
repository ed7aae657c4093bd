/* SPDX-License-Identifier: Apache-2.0 */
/* What calls a user has, who waits in a slot, and how opening hours are set: over all shards of the
 * node, and of other nodes. BLF, call waiting and other nodes see users so. When a step of a call
 * has changed some of it, the watchers of the user have their turn, here and on other nodes. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "sig/call/plan.h"
#include "sig/host/calendars.h"
#include "sig/host/tenant_tables.h"
#include "sig/shard/shard_parts.h"

/* In addition to dialog_state_mark(). */
enum { MARK_CONFERENCE = 0x20, MARK_ALONE = 0x40 };

/* ---- the state of a user ---- */

/* Its party is up and has no other one, or is on its way to a room or a prompt of the node. */
static bool leg_hears_node(const struct call *c, const struct leg *l)
{
	return c->bridge.callee == LEG_NONE && (c->answer_utc_ms || plan_is_for_node(&c->plan)) &&
	       (l->state == LEG_ANSWERED || l->state == LEG_CONFIRMED);
}

/* Of its call, which the leg does not know. */
static void dialog_state_of_call(const struct shard *s, struct dialog_state *d, const struct leg *l)
{
	const struct call *c = shard_call_find(s, dialog_call(&l->dialog));

	d->conference = c && c->member;
	d->alone = c && leg_hears_node(c, l);
}

static uint32_t watch_dialogs_add(const struct shard *s, uint16_t tenant, struct bytes user,
				  struct dialog_state *out, uint32_t count)
{
	struct leg *l = NULL;

	while (count < DIALOG_STATES_MAX &&
	       (l = leg_users_next(shard_legs(s), tenant, user, l)) != NULL) {
		dialog_state_read(&out[count], l);
		dialog_state_of_call(s, &out[count], l);
		count += out[count].phase != PHASE_TERMINATED;
	}
	return count;
}

/* ---- the state of a slot ---- */

static uint64_t slot_hash(const struct shard *s, uint16_t tenant, struct bytes slot)
{
	return hash_sip(shard_key(s), slot) + tenant;
}

/* The call that waits there; NULL: none of this shard. */
static const struct call *slot_call(const struct shard *s, uint16_t tenant, struct bytes slot)
{
	uint64_t hash = slot_hash(s, tenant, slot), id;
	uint32_t cursor = 0;

	while ((id = table_next(shard_calls_by_slot(s), hash, &cursor)) != 0) {
		const struct call *c = shard_call_find(s, id);

		if (c && c->tenant == tenant && bytes_is(slot, c->watched_slot))
			return c;
	}
	return NULL;
}

void shard_codes_of(const struct shard *s, uint16_t tenant, struct feature_codes *out)
{
	dial_plan_codes(dial_plans_of(shard_settings(s)->dials, tenant), &shard_settings(s)->codes,
			out);
}

/* What phones dial to park there is the slot's name for its watchers. */
bool shard_watched_slot(const struct shard *s, uint16_t tenant, struct bytes user,
			struct bytes *slot)
{
	struct feature_codes codes;
	enum feature_action feature;

	if (!user.n || (user.p[0] != '*' && user.p[0] != '#') ||
	    shard_extension_find(s, tenant, user))
		return false;
	shard_codes_of(s, tenant, &codes);
	return feature_dialled(&codes, user, &feature, slot) && feature == FEATURE_PARK &&
	       slot->n >= FEATURE_SLOT_MIN && park_slot_is(*slot);
}

/* Without the tags of its dialog: the slot is called to get the party. At an extension it has our
 * tag, by which a BLF key retrieves the party (park_numbers). */
static uint32_t slot_state(const struct call *c, struct dialog_state *out, bool at_extension)
{
	const struct leg *l = c ? call_leg(c, c->bridge.caller) : NULL;

	if (!l)
		return 0;
	*out = (struct dialog_state){ .id = c->id,
				      .phase = PHASE_CONFIRMED,
				      .recipient = true,
				      .shard = id_shard(c->id) + 1U,
				      .remote = text_bytes(&l->dialog.remote) };
	if (at_extension) {
		out->phase = PHASE_EARLY;
		out->parked = true;
		out->id ^= 1; /* distinct from the id at the slot itself */
		out->call_id = bytes_str(c->watched_slot);
		out->remote_tag = dialog_tag(&l->dialog);
	}
	return 1;
}

static uint32_t watch_slot(const struct shard *s, uint16_t tenant, struct bytes slot,
			   struct dialog_state *out, bool at_extension)
{
	uint32_t count = 0;

	for (s = shard_shared_tables(s)->shards; s && !count; s = shard_next(s))
		count = slot_state(slot_call(s, tenant, slot), out, at_extension);
	return count;
}

/* ---- the state of opening hours ---- */

static const enum feature_action hours_codes[] = { FEATURE_HOURS_AUTO, FEATURE_HOURS_OPEN,
						   FEATURE_HOURS_CLOSED };

/* Calendars are watched by the feature code that sets them. Each node has the documents: no other
 * one is asked. */
static bool hours_lamp(const struct shard *s, uint16_t tenant, struct bytes name,
		       struct shard_lamp *out)
{
	enum feature_action feature;
	struct feature_codes codes;
	const struct calendar *c;
	struct bytes code;

	if (!name.n || (name.p[0] != '*' && name.p[0] != '#'))
		return false;
	shard_codes_of(s, tenant, &codes);
	if (!feature_dialled(&codes, name, &feature, &code) ||
	    (feature != FEATURE_HOURS_AUTO && feature != FEATURE_HOURS_OPEN &&
	     feature != FEATURE_HOURS_CLOSED))
		return false;
	c = calendars_by_code(shard_shared_tables(s)->calendars, tenant, code);
	out->lit = c && c->lit == (enum hours_override)(feature - FEATURE_HOURS_AUTO);
	return c;
}

bool shard_lamp_of(const struct shard *s, uint16_t tenant, struct bytes name,
		   struct shard_lamp *out)
{
	*out = (struct shard_lamp){ 0 };
	if (shard_extension_find(s, tenant, name))
		return false;
	if (hours_lamp(s, tenant, name, out))
		return true;
	for (const struct shard_hooks *const *f = shard_shared_tables(s)->hooks; *f; f++) {
		if ((*f)->lamp && (*f)->lamp(s, tenant, name, out))
			return true;
	}
	return false;
}

static bool watch_lamp(const struct shard *s, uint16_t tenant, struct bytes user,
		       struct dialog_state *out, uint32_t *count)
{
	struct shard_lamp lamp;

	if (!shard_lamp_of(s, tenant, user, &lamp))
		return false;
	*count = lamp.lit || lamp.flashes;
	if (*count)
		*out = (struct dialog_state){ .id = hash_sip(shard_key(s), user) | 1,
					      .phase = lamp.flashes ? PHASE_EARLY : PHASE_CONFIRMED,
					      .recipient = true };
	return true;
}

void shard_hours_changed(struct shard *s, const struct calendar *c, struct instant now)
{
	struct feature_codes codes;
	char user[FEATURE_CODE_LEN + HOURS_CODE_MAX];

	shard_set_now(s, now);
	shard_codes_of(s, c->tenant, &codes);
	for (size_t i = 0; i < COUNT_OF(hours_codes); i++) {
		(void)snprintf(user, sizeof(user), "%s%s", codes.code[hours_codes[i]],
			       c->hours.code);
		if (codes.code[hours_codes[i]][0] && c->hours.code[0])
			shard_watch_notify_of(s, c->tenant, bytes_str(user), CHANGED_DIALOGS);
	}
}

uint32_t shard_watch_own(const struct shard *s, uint16_t tenant, struct bytes user,
			 struct dialog_state *out)
{
	struct bytes slot;
	uint32_t count = 0;

	if (shard_watched_slot(s, tenant, user, &slot))
		return watch_slot(s, tenant, slot, out, false);
	for (const struct shard *of = shard_shared_tables(s)->shards; of; of = shard_next(of))
		count = watch_dialogs_add(of, tenant, user, out, count);
	if (count < DIALOG_STATES_MAX && shard_extension_find(s, tenant, user) &&
	    watch_slot(s, tenant, user, &out[count], true))
		count++;
	return shard_waiting_add(shard_shared_tables(s), tenant, user, out, count);
}

uint32_t shard_watch_all(const struct shard *s, uint16_t tenant, struct bytes user,
			 struct dialog_state *out)
{
	uint32_t count;

	if (watch_lamp(s, tenant, user, out, &count))
		return count;
	count = shard_watch_own(s, tenant, user, out);
	return shard_shared_tables(s)->remote
		       ? remote_watch_dialogs(
				 shard_shared_tables(s)->remote,
				 bytes_str(tenants_name(shard_settings(s)->tenants, tenant)), user,
				 out, count)
		       : count;
}

/* ---- changes ---- */

void shard_watch_notify_of(struct shard *s, uint16_t tenant, struct bytes user,
			   enum watch_change what)
{
	struct instant wall = { .ns = shard_host(s)->now.ns,
				.utc_ms = steady_add(shard_host(s)->now.utc_ms,
						     shard_host(s)->wall_ms) };

	for (struct shard *to = shard_shared_tables(s)->shards; to; to = shard_next(to)) {
		if (!shard_subscriptions(to)->pool.in_use)
			continue;
		if (to != s)
			shard_set_now(to, wall);
		subscriptions_changed(shard_subscriptions(to), tenant, user, what);
	}
}

void shard_conference_changed(struct shard *s, uint16_t tenant, struct bytes user)
{
	shard_watch_notify_of(s, tenant, user, CHANGED_CONFERENCE);
}

void shard_watch_notify_here(struct shard *s, uint16_t tenant, struct bytes user)
{
	shard_watch_notify_of(s, tenant, user, CHANGED_DIALOGS);
	shard_busy_changed(s, tenant, user);
}

static struct bytes watch_tenant(const struct shard *s, uint16_t tenant)
{
	return bytes_str(tenants_name(shard_settings(s)->tenants, tenant));
}

/* His state has changed: notifies watchers, here and on other nodes. */
static void shard_watch_notify(struct shard *s, uint16_t tenant, struct bytes user)
{
	shard_watch_notify_here(s, tenant, user);
	if (shard_shared_tables(s)->remote)
		remote_watch_changed(shard_shared_tables(s)->remote, watch_tenant(s, tenant), user);
}

enum { SLOT_USER_MAX = FEATURE_CODE_LEN + PARK_SLOT_LEN };

static struct bytes slot_user(const struct shard *s, uint16_t tenant, const char *slot,
			      char out[SLOT_USER_MAX])
{
	struct writer w = writer_over(out, SLOT_USER_MAX);
	struct feature_codes codes;

	shard_codes_of(s, tenant, &codes);
	writer_str(&w, codes.code[FEATURE_PARK]);
	writer_str(&w, slot);
	return writer_done(&w);
}

bool shard_watch_slot_name(const struct shard *s, const struct call *c, char out[ROUTE_USER_MAX])
{
	char user[SLOT_USER_MAX];
	struct bytes name = slot_user(s, c->tenant, c->watched_slot, user);

	return c->watched_slot[0] && !park_slot_is(name) && !bytes_cstr(name, out, ROUTE_USER_MAX);
}

static void slot_notify(struct shard *s, uint16_t tenant, const char *slot)
{
	char user[SLOT_USER_MAX];

	shard_watch_notify(s, tenant, slot_user(s, tenant, slot, user));
	if (shard_extension_find(s, tenant, bytes_str(slot)))
		shard_watch_notify(s, tenant, bytes_str(slot));
}

static void slot_changed(struct shard *s, struct call *c)
{
	const char *now = c->park && !c->park->asks && c->state != CALL_ENDING ? c->park->slot : "";
	char before[PARK_SLOT_LEN + 1];

	static_assert(sizeof(before) == sizeof(c->watched_slot), "copied whole");
	if (!strcmp(now, c->watched_slot))
		return;
	memcpy(before, c->watched_slot, sizeof(before));
	(void)bytes_cstr(bytes_str(now), c->watched_slot, sizeof(c->watched_slot));
	if (before[0])
		(void)table_del(shard_calls_by_slot(s), slot_hash(s, c->tenant, bytes_str(before)),
				c->id);
	if (now[0] &&
	    table_put(shard_calls_by_slot(s), slot_hash(s, c->tenant, bytes_str(now)), c->id))
		LOG_ERROR("call", c->id, "no memory: the lamp of a slot stays dark",
			  LOG_STR("slot", now));
	if (before[0])
		slot_notify(s, c->tenant, before);
	if (now[0])
		slot_notify(s, c->tenant, now);
}

void shard_watch_gone(struct shard *s, const struct call *c)
{
	if (c->watched_slot[0])
		(void)table_del(shard_calls_by_slot(s),
				slot_hash(s, c->tenant, bytes_str(c->watched_slot)), c->id);
	shard_waiting_gone(s, c);
}

void shard_watch_call(struct shard *s, struct call *c)
{
	slot_changed(s, c);
	shard_waiting_note(s, c);
	for (uint8_t i = 0; i < c->leg_count; i++) {
		struct leg *l = c->legs[i];
		uint8_t mark = l && l->user.n ? dialog_state_mark(l) : 0;

		if (mark && c->member)
			mark |= MARK_CONFERENCE;
		if (mark && leg_hears_node(c, l))
			mark |= MARK_ALONE;
		if (!mark || mark == l->watched)
			continue;
		l->watched = mark;
		shard_watch_notify(s, c->tenant, text_bytes(&l->user));
	}
}

/* Watchers are not notified: another node has the call in a moment. */
static void watch_left(struct shard *s, uint16_t tenant, struct bytes user,
		       const struct dialog_state *d)
{
	if (shard_shared_tables(s)->remote && d->phase != PHASE_TERMINATED)
		remote_watch_hold(shard_shared_tables(s)->remote, watch_tenant(s, tenant), user, d);
	shard_watch_notify(s, tenant, user);
}

static void slot_left(struct shard *s, const struct call *c)
{
	struct dialog_state d;
	char user[SLOT_USER_MAX];

	if (slot_state(c, &d, false))
		watch_left(s, c->tenant, slot_user(s, c->tenant, c->watched_slot, user), &d);
	if (shard_extension_find(s, c->tenant, bytes_str(c->watched_slot)) &&
	    slot_state(c, &d, true))
		watch_left(s, c->tenant, bytes_str(c->watched_slot), &d);
}

void shard_watch_left(struct shard *s, const struct call *c)
{
	struct dialog_state d;

	if (c->watched_slot[0])
		slot_left(s, c);
	if (c->waits_for.n) {
		d = shard_waiting_state(s, c);
		watch_left(s, c->tenant, text_bytes(&c->waits_for), &d);
	}
	for (uint8_t i = 0; i < c->leg_count; i++) {
		const struct leg *l = c->legs[i];

		if (!l || !l->user.n)
			continue;
		dialog_state_read(&d, l);
		dialog_state_of_call(s, &d, l);
		watch_left(s, c->tenant, text_bytes(&l->user), &d);
	}
}

void shard_phones_changed(void *owner, uint16_t tenant, struct bytes user, struct instant now)
{
	struct shard *s = owner;

	if (shard_shared_tables(s)->remote && s == shard_shared_tables(s)->shards)
		remote_watch_changed(shard_shared_tables(s)->remote, watch_tenant(s, tenant), user);
	if (!shard_subscriptions(s)->pool.in_use)
		return;
	shard_set_now(s, now);
	subscriptions_changed(shard_subscriptions(s), tenant, user, CHANGED_PHONES);
}

/* ---- phones ---- */

bool shard_has_phone(const struct shard *s, uint16_t tenant, struct bytes user)
{
	const struct aor *a = locations_find(shard_locations(s), tenant, user);

	for (uint32_t i = 0; a && i < a->count; i++) {
		if (!binding_is_foreign(&a->bindings[i]) &&
		    a->bindings[i].expires_utc_ms > locations_utc_ms(shard_locations(s)))
			return true;
	}
	return false;
}

/* ... or by another one that tells so. */
bool shard_has_phone_anywhere(const struct shard *s, uint16_t tenant, struct bytes user)
{
	return shard_has_phone(s, tenant, user) ||
	       (shard_shared_tables(s)->remote &&
		remote_watch_registered(shard_shared_tables(s)->remote,
					bytes_str(tenants_name(shard_settings(s)->tenants, tenant)),
					user));
}
