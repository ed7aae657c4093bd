/* SPDX-License-Identifier: Apache-2.0 */
/* The state behind subscriptions: dialogs of all shards of the node, and locations of users.
 * Subscriptions of a changed resource have their turn. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "sig/dial/pattern.h"
#include "sig/host/calendars.h"
#include "sig/host/mailboxes.h"
#include "sig/host/tenant_tables.h"
#include "sig/host/trunk.h"
#include "sig/pbx/park.h"
#include "sig/shard/shard_state.h"

enum { MARK_CONFERENCE = 0x20 }; /* in addition to dialog_state_mark() */

/* ---- the state of a user ---- */

static bool leg_is_in_conference(const struct shard *s, const struct leg *l)
{
	const struct call *c = shard_call_find(s, dialog_call(&l->dialog));

	return c && c->member;
}

static uint32_t watch_dialogs_add(const struct shard *s, uint16_t tenant, struct bytes user,
				  struct dialog_state *out, uint32_t count)
{
	struct leg *l = NULL;

	while (count < DIALOG_STATES_MAX &&
	       (l = leg_users_next(&s->legs, tenant, user, l)) != NULL) {
		dialog_state_read(&out[count], l);
		out[count].conference = leg_is_in_conference(s, l);
		count += out[count].phase != PHASE_TERMINATED;
	}
	return count;
}

/* ---- the state of a slot ---- */

static uint64_t slot_hash(const struct shard *s, uint16_t tenant, struct bytes slot)
{
	return hash_sip(&s->key, slot) + tenant;
}

/* The call that waits there; NULL: none of this shard. */
static const struct call *slot_call(const struct shard *s, uint16_t tenant, struct bytes slot)
{
	uint64_t hash = slot_hash(s, tenant, slot), id;
	uint32_t cursor = 0;

	while ((id = table_next(&s->calls_by_slot, hash, &cursor)) != 0) {
		const struct call *c = shard_call_find(s, id);

		if (c && c->tenant == tenant && bytes_is(slot, c->watched_slot))
			return c;
	}
	return NULL;
}

void shard_codes_of(const struct shard *s, uint16_t tenant, struct feature_codes *out)
{
	dial_plan_codes(dial_plans_of(s->settings.dials, tenant), &s->settings.codes, out);
}

/* What phones dial to park there is the slot's name for its watchers. */
static bool watched_slot_of(const struct shard *s, uint16_t tenant, struct bytes user,
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

	for (s = s->shared_tables->shards; s && !count; s = s->next)
		count = slot_state(slot_call(s, tenant, slot), out, at_extension);
	return count;
}

/* ---- the state of opening hours ---- */

static const enum feature_action hours_codes[] = { FEATURE_HOURS_AUTO, FEATURE_HOURS_OPEN,
						   FEATURE_HOURS_CLOSED };

/* Calendars are watched by the feature code that sets them. Returns NULL for any other user. */
static const struct calendar *watched_hours_of(const struct shard *s, uint16_t tenant,
					       struct bytes user, enum feature_action *feature)
{
	struct feature_codes codes;
	struct bytes code;

	if (!user.n || (user.p[0] != '*' && user.p[0] != '#') ||
	    shard_extension_find(s, tenant, user))
		return NULL;
	shard_codes_of(s, tenant, &codes);
	if (!feature_dialled(&codes, user, feature, &code) ||
	    (*feature != FEATURE_HOURS_AUTO && *feature != FEATURE_HOURS_OPEN &&
	     *feature != FEATURE_HOURS_CLOSED))
		return NULL;
	return calendars_by_code(s->shared_tables->calendars, tenant, code);
}

/* Each node has the documents: no other one is asked. */
static bool watch_hours(const struct shard *s, uint16_t tenant, struct bytes user,
			struct dialog_state *out, uint32_t *count)
{
	enum feature_action feature;
	const struct calendar *c = watched_hours_of(s, tenant, user, &feature);

	if (!c)
		return false;
	*count = c->lit == (enum hours_override)(feature - FEATURE_HOURS_AUTO);
	if (*count)
		*out = (struct dialog_state){ .id = hash_sip(&s->key, user) | 1,
					      .phase = PHASE_CONFIRMED,
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

	if (watched_slot_of(s, tenant, user, &slot))
		return watch_slot(s, tenant, slot, out, false);
	for (const struct shard *of = s->shared_tables->shards; of; of = of->next)
		count = watch_dialogs_add(of, tenant, user, out, count);
	if (count < DIALOG_STATES_MAX && shard_extension_find(s, tenant, user) &&
	    watch_slot(s, tenant, user, &out[count], true))
		count++;
	return shard_waiting_add(s->shared_tables, tenant, user, out, count);
}

uint32_t shard_watch_all(const struct shard *s, uint16_t tenant, struct bytes user,
			 struct dialog_state *out)
{
	uint32_t count;

	if (watch_hours(s, tenant, user, out, &count))
		return count;
	count = shard_watch_own(s, tenant, user, out);
	return s->shared_tables->remote
		       ? remote_watch_dialogs(s->shared_tables->remote,
					      bytes_str(tenants_name(s->settings.tenants, tenant)),
					      user, out, count)
		       : count;
}

/* The extension has no reachable phone, and its tenant shows that by BLF (BEAT-17). */
static bool watch_shows_offline(const struct shard *s, uint16_t tenant, struct bytes user)
{
	return tenants_terms(s->settings.tenants, tenant)->offline_busy &&
	       shard_extension_find(s, tenant, user) &&
	       !locations_unread(s->locations, tenant, user) &&
	       !shard_has_phone_anywhere(s, tenant, user);
}

/* Waiting calls are not shown: no phone of the user rings. Parked calls and absent phones are shown
 * by BLF alone. */
static uint32_t watch_dialogs(void *owner, const struct event_package *package, uint16_t tenant,
			      struct bytes user, struct dialog_state *out)
{
	uint32_t count = shard_watch_all(owner, tenant, user, out), kept = 0;
	bool blf_key = package->of_blf, page = package == &user_package;

	for (uint32_t i = 0; i < count; i++) {
		if (!out[i].waits_utc_ms && (blf_key || page || !out[i].parked))
			out[kept++] = out[i];
	}
	if (blf_key && !kept && watch_shows_offline(owner, tenant, user))
		out[kept++] = (struct dialog_state){ .id = 1,
						     .phase = PHASE_CONFIRMED,
						     .recipient = true };
	return kept;
}

static const struct aor *watch_entry(void *owner, uint16_t tenant, struct bytes user)
{
	const struct shard *s = owner;

	return locations_find(s->locations, tenant, user);
}

static bool watch_messages(void *owner, uint16_t tenant, struct bytes user,
			   struct message_counts *out)
{
	const struct shard *s = owner;

	return mailboxes_get(s->shared_tables->mailboxes, tenant, user, out);
}

/* ---- who may ---- */

/* A trusted neighbour may name a watcher that is not an extension: it is trusted to send for
 * others. */
static bool watcher_may(const struct shard *s, const struct subscription *sub)
{
	const struct shard_extension_slot *w =
		shard_extension_slot(s, sub->tenant, text_bytes(&sub->watcher));

	if (!w)
		return true;
	switch ((enum shard_monitor)w->extension.monitor) {
	case MONITOR_ALL:
		return true;
	case MONITOR_LISTED:
		return w->monitors &&
		       bytes_list_has(bytes_str(w->monitors), text_bytes(&sub->resource));
	case MONITOR_NONE:
		return false;
	}
	return false;
}

/* Slots are the tenant's, and no extension hides them: a user that may watch nobody may not watch
 * them either. */
static enum watch_verdict slot_may(const struct shard *s, const struct subscription *sub,
				   struct bytes slot)
{
	enum slot_use use = s->host.services->parking->use(s->host.owner, sub->tenant,
							   text_bytes(&sub->watcher), slot);
	const struct shard_extension_slot *w =
		shard_extension_slot(s, sub->tenant, text_bytes(&sub->watcher));

	if (!sub->package->of_blf || use == SLOT_NONE)
		return WATCH_NO_RESOURCE;
	return use == SLOT_OF_OTHERS || (w && w->extension.monitor == MONITOR_NONE) ? WATCH_REJECTED
										    : WATCH_OK;
}

/* Likewise those of its hours. */
static enum watch_verdict hours_may(const struct shard *s, const struct subscription *sub)
{
	const struct shard_extension_slot *w =
		shard_extension_slot(s, sub->tenant, text_bytes(&sub->watcher));

	if (!sub->package->of_blf)
		return WATCH_NO_RESOURCE;
	return w && w->extension.monitor == MONITOR_NONE ? WATCH_REJECTED : WATCH_OK;
}

/* A trunk may watch what its document lists, and nothing else: an unknown number is answered the
 * same. */
static bool trunk_may(const struct shard *s, const struct subscription *sub)
{
	const struct event_package *p = sub->package;
	uint16_t trunk = trunks_find(s->settings.trunks, sub->tenant, text_bytes(&sub->trunk));
	struct pattern best;

	return trunks_has(s->settings.trunks, trunk) && !p->own && !p->of_conferences &&
	       !p->of_messages &&
	       pattern_list_match(bytes_str(trunks_settings(s->settings.trunks, trunk)->monitors),
				  text_bytes(&sub->resource), &best)
		       .whole;
}

/* What an extension watches, and what it is told of itself, may be withheld by entitlement
 * (ADM-90). */
static bool watcher_is_entitled(const struct shard *s, const struct subscription *sub, bool own)
{
	const struct shard_extension *e =
		sub->trunk.n ? NULL
			     : shard_extension_find(s, sub->tenant, text_bytes(&sub->watcher));

	return (own && !sub->list_kind && !sub->package->needs_for_own) ||
	       extension_may(s->settings.tenants, e, sub->package->needs);
}

/* Its own mailbox, or one that it sees as its owner does. */
static bool watcher_has_box(const struct shard *s, const struct subscription *sub)
{
	const struct shard_extension_slot *slot =
		sub->package->of_messages && !sub->trunk.n
			? shard_extension_slot(s, sub->tenant, text_bytes(&sub->resource))
			: NULL;

	return slot && slot->members &&
	       bytes_list_has(bytes_str(slot->members), text_bytes(&sub->watcher));
}

static enum watch_verdict watch_may(void *owner, const struct subscription *sub)
{
	struct shard *s = owner;
	const struct shard_extension *e;
	bool own = bytes_eq(text_bytes(&sub->watcher), text_bytes(&sub->resource));
	struct bytes slot;
	enum feature_action feature;

	if (!watcher_is_entitled(s, sub, own))
		return WATCH_REJECTED;
	if (sub->list_kind)
		return shard_list_may(s, sub);
	if (sub->trunk.n && !trunk_may(s, sub))
		return WATCH_REJECTED;
	if (sub->package->may)
		return sub->package->may(&s->subscriptions, sub);
	if (watched_slot_of(s, sub->tenant, text_bytes(&sub->resource), &slot))
		return slot_may(s, sub, slot);
	if (watched_hours_of(s, sub->tenant, text_bytes(&sub->resource), &feature))
		return hours_may(s, sub);
	own = own || watcher_has_box(s, sub);
	if (!own && (sub->package->own || !watcher_may(s, sub)))
		return WATCH_REJECTED;
	e = shard_extension_find(s, sub->tenant, text_bytes(&sub->watcher));
	if (e && e->phone_features == PHONE_FEATURES_NONE && !sub->page &&
	    sub->package->of_phone_features)
		return WATCH_REJECTED;
	e = shard_extension_find(s, sub->tenant, text_bytes(&sub->resource));
	if (!e || !e->enabled)
		return WATCH_NO_RESOURCE;
	if (own)
		return WATCH_OK;
	switch ((enum shard_monitored)e->monitored) {
	case MONITORED_PARTIES: /* how many messages there are is the owner's own affair */
		return sub->package->of_messages ? WATCH_HIDDEN : WATCH_OK;
	case MONITORED_STATE:
		return WATCH_HIDDEN;
	case MONITORED_NOT:
		return WATCH_REJECTED;
	}
	return WATCH_REJECTED;
}

int shard_watch_open(struct shard *s)
{
	uint32_t capacity = s->settings.subscriptions_max;

	int err = subscriptions_open(&s->subscriptions, capacity ? capacity : 1, &s->host,
				     TIMER_SUBSCRIPTION, TIMER_NOTIFY);

	s->subscriptions.view = (struct subscription_view){
		.owner = s,
		.may = watch_may,
		.dialogs = watch_dialogs,
		.entry = watch_entry,
		.presence = shard_presence_view,
		.conference = shard_watch_conference,
		.messages = watch_messages,
		.name = shard_blf_name,
	};
	return err;
}

/* ---- changes ---- */

void shard_watch_notify_of(struct shard *s, uint16_t tenant, struct bytes user,
			   enum watch_change what)
{
	struct instant wall = { .ns = s->host.now.ns,
				.utc_ms = steady_add(s->host.now.utc_ms, s->host.wall_ms) };

	for (struct shard *to = s->shared_tables->shards; to; to = to->next) {
		if (!to->subscriptions.pool.in_use)
			continue;
		if (to != s)
			shard_set_now(to, wall);
		subscriptions_changed(&to->subscriptions, tenant, user, what);
	}
}

void shard_watch_notify_here(struct shard *s, uint16_t tenant, struct bytes user)
{
	shard_watch_notify_of(s, tenant, user, CHANGED_DIALOGS);
	shard_busy_changed(s, tenant, user);
}

static struct bytes watch_tenant(const struct shard *s, uint16_t tenant)
{
	return bytes_str(tenants_name(s->settings.tenants, tenant));
}

/* His state has changed: notifies watchers, here and on other nodes. */
static void shard_watch_notify(struct shard *s, uint16_t tenant, struct bytes user)
{
	shard_watch_notify_here(s, tenant, user);
	if (s->shared_tables->remote)
		remote_watch_changed(s->shared_tables->remote, watch_tenant(s, tenant), user);
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
		(void)table_del(&s->calls_by_slot, slot_hash(s, c->tenant, bytes_str(before)),
				c->id);
	if (now[0] && table_put(&s->calls_by_slot, slot_hash(s, c->tenant, bytes_str(now)), c->id))
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
		(void)table_del(&s->calls_by_slot,
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
	if (s->shared_tables->remote && d->phase != PHASE_TERMINATED)
		remote_watch_hold(s->shared_tables->remote, watch_tenant(s, tenant), user, d);
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
		watch_left(s, c->tenant, text_bytes(&l->user), &d);
	}
}

void shard_phones_changed(void *owner, uint16_t tenant, struct bytes user, struct instant now)
{
	struct shard *s = owner;

	if (s->shared_tables->remote && s == s->shared_tables->shards)
		remote_watch_changed(s->shared_tables->remote, watch_tenant(s, tenant), user);
	if (!s->subscriptions.pool.in_use)
		return;
	shard_set_now(s, now);
	subscriptions_changed(&s->subscriptions, tenant, user, CHANGED_PHONES);
}

void shard_watch_moved(struct shard *s, uint16_t tenant, struct bytes user,
		       const struct sip_hop *from, const struct sip_hop *to)
{
	struct subscription *sub = NULL;

	while ((sub = subscription_of_watcher(&s->subscriptions, tenant, user, sub)) != NULL) {
		if (shard_is_same_phone(&sub->dialog.hop, from))
			subscription_moved(&s->subscriptions, sub, to);
	}
}

/* A phone is notified of changed settings only. */
static void watch_renew(struct subscriptions *all, struct subscription *sub)
{
	if (sub->package->of_settings)
		subscription_change(all, sub);
	else
		subscription_renew(all, sub);
}

void shard_watch_extension(struct shard *s, uint16_t tenant, struct bytes number)
{
	struct subscription *sub = NULL;

	while ((sub = subscription_of_resource(&s->subscriptions, tenant, number, sub)) != NULL)
		watch_renew(&s->subscriptions, sub);
	for (struct list_resource *r = list_with(&s->subscriptions, tenant, number); r; r = r->next)
		list_changed(&s->subscriptions, r, true);
	while ((sub = subscription_of_watcher(&s->subscriptions, tenant, number, sub)) != NULL)
		watch_renew(&s->subscriptions, sub);
}

/* ---- commands ---- */

int shard_subscription_end(struct shard *s, uint64_t id, enum subscription_ending ending,
			   struct instant now)
{
	struct subscription *sub;

	shard_set_now(s, now);
	sub = subscription_find(&s->subscriptions, id);
	if (!sub || sub->ending)
		return -ENOENT;
	subscription_end(&s->subscriptions, sub, ending);
	return 0;
}

bool shard_subscription_tenant(const struct shard *s, uint64_t id, uint16_t *tenant)
{
	const struct subscription *sub = subscription_find(&s->subscriptions, id);

	if (sub)
		*tenant = sub->tenant;
	return sub != NULL;
}

/* ---- the store ---- */

void shard_subscription_saved(struct shard *s, uint64_t id, uint64_t version, bool saved,
			      struct instant now)
{
	struct subscription *sub;

	shard_set_now(s, now);
	sub = subscription_find(&s->subscriptions, id);
	if (sub)
		subscription_saved(&s->subscriptions, sub, version, saved);
}

int shard_restore_subscription(struct shard *s, struct bytes record, struct instant now,
			       const char **reason)
{
	struct subscription *sub;
	pool_handle self;
	int err;

	shard_set_now(s, now);
	sub = pool_alloc(&s->subscriptions.pool, &self);
	*reason = "too many subscriptions";
	if (!sub)
		return -ENOSPC;
	sub->self = self;
	err = subscription_decode(&s->host, sub, record, reason);
	if (!err && subscription_find(&s->subscriptions, sub->id)) {
		*reason = "it is here already";
		err = -EEXIST;
		subscription_clear(sub);
	} else if (!err && (subscription_focus(sub) || shard_list_set(s, sub) ||
			    subscription_list(&s->subscriptions, sub))) {
		*reason = "out of memory";
		err = -ENOMEM;
		list_clear(&s->subscriptions, sub);
		subscription_clear(sub);
	}
	if (err)
		(void)pool_free(&s->subscriptions.pool, self);
	else
		shard_remote_start(s, sub);
	return err;
}

void shard_watch_silence(struct shard *s)
{
	struct subscription *sub;
	uint32_t cursor = 0;
	pool_handle h;

	while ((sub = pool_next(&s->subscriptions.pool, &cursor, &h)) != NULL)
		subscription_remove(&s->subscriptions, sub);
}

/* False: that was all. */
bool shard_watch_assert(struct shard *s, uint32_t most)
{
	for (uint32_t i = 0; i < most; i++) {
		pool_handle h;
		struct subscription *sub =
			pool_next(&s->subscriptions.pool, &s->assert_subscription, &h);

		if (!sub)
			return false;
		subscription_assert(&s->subscriptions, sub, s->assert_all);
	}
	return true;
}

/* What its watcher was told is unknown: it gets full state. */
void shard_watch_resume(struct shard *s)
{
	struct subscription *sub;
	uint32_t cursor = 0;
	pool_handle h;

	while ((sub = pool_next(&s->subscriptions.pool, &cursor, &h)) != NULL) {
		subscription_renew(&s->subscriptions, sub);
		subscription_aim(&s->subscriptions, sub);
	}
}
