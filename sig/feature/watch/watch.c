/* SPDX-License-Identifier: Apache-2.0 */
/* Who may watch a user, and what his watchers are told: the answers that subscriptions ask for.
 * Watchers of a changed extension have their turn. Subscriptions that were saved go on. */
#include <errno.h>

#include "sig/dial/pattern.h"
#include "sig/feature/watch/shard_watch.h"
#include "sig/host/mailboxes.h"
#include "sig/host/tenant_tables.h"
#include "sig/host/trunk.h"
#include "sig/pbx/park.h"

/* The extension has no reachable phone, and its tenant shows that by BLF (BEAT-17). */
static bool watch_shows_offline(const struct shard *s, uint16_t tenant, struct bytes user)
{
	return tenants_terms(shard_settings(s)->tenants, tenant)->offline_busy &&
	       shard_extension_find(s, tenant, user) &&
	       !locations_unread(shard_locations(s), tenant, user) &&
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

	return locations_find(shard_locations(s), tenant, user);
}

static bool watch_messages(void *owner, uint16_t tenant, struct bytes user,
			   struct message_counts *out)
{
	const struct shard *s = owner;

	return mailboxes_get(shard_shared_tables(s)->mailboxes, tenant, user, out);
}

/* ---- who may ---- */

/* A trusted neighbour may name a watcher that is not an extension: it is trusted to send for
 * others. */
static bool watcher_may(const struct shard *s, const struct subscription *sub,
			struct bytes resource)
{
	const struct shard_extension_slot *w =
		shard_extension_slot(s, sub->tenant, text_bytes(&sub->watcher));

	if (!w)
		return true;
	switch ((enum shard_monitor)w->extension.monitor) {
	case MONITOR_ALL:
		return true;
	case MONITOR_LISTED:
		return w->monitors && bytes_list_has(bytes_str(w->monitors), resource);
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
	enum slot_use use = shard_host(s)->services->parking->use(shard_host(s)->owner, sub->tenant,
								  text_bytes(&sub->watcher), slot);
	const struct shard_extension_slot *w =
		shard_extension_slot(s, sub->tenant, text_bytes(&sub->watcher));

	if (!sub->package->of_blf || use == SLOT_NONE)
		return WATCH_NO_RESOURCE;
	return use == SLOT_OF_OTHERS || (w && w->extension.monitor == MONITOR_NONE) ? WATCH_REJECTED
										    : WATCH_OK;
}

/* Likewise lamps that are the tenant's; those of an extension are for who may watch that one. */
static enum watch_verdict lamp_may(const struct shard *s, const struct subscription *sub,
				   const struct shard_lamp *lamp)
{
	const struct shard_extension_slot *w =
		shard_extension_slot(s, sub->tenant, text_bytes(&sub->watcher));
	const struct shard_extension *e =
		lamp->of.n ? shard_extension_find(s, sub->tenant, lamp->of) : NULL;

	if (!sub->package->of_blf)
		return WATCH_NO_RESOURCE;
	if (!lamp->of.n)
		return w && w->extension.monitor == MONITOR_NONE ? WATCH_REJECTED : WATCH_OK;
	if (!e)
		return WATCH_NO_RESOURCE;
	return bytes_eq(text_bytes(&sub->watcher), lamp->of) ||
			       (watcher_may(s, sub, lamp->of) && e->monitored != MONITORED_NOT)
		       ? WATCH_OK
		       : WATCH_REJECTED;
}

/* A trunk may watch what its document lists, and nothing else: an unknown number is answered the
 * same. */
static bool trunk_may(const struct shard *s, const struct subscription *sub)
{
	const struct event_package *p = sub->package;
	uint16_t trunk =
		trunks_find(shard_settings(s)->trunks, sub->tenant, text_bytes(&sub->trunk));
	struct pattern best;

	return trunks_has(shard_settings(s)->trunks, trunk) && !p->own && !p->of_conferences &&
	       !p->of_messages &&
	       pattern_list_match(
		       bytes_str(trunks_settings(shard_settings(s)->trunks, trunk)->monitors),
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
	       extension_may(shard_settings(s)->tenants, e, sub->package->needs);
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
	struct shard_lamp lamp;

	if (!watcher_is_entitled(s, sub, own))
		return WATCH_REJECTED;
	if (sub->list_kind)
		return shard_list_may(s, sub);
	if (sub->trunk.n && !trunk_may(s, sub))
		return WATCH_REJECTED;
	if (sub->package->may)
		return sub->package->may(shard_subscriptions(s), sub);
	if (shard_watched_slot(s, sub->tenant, text_bytes(&sub->resource), &slot))
		return slot_may(s, sub, slot);
	if (shard_lamp_of(s, sub->tenant, text_bytes(&sub->resource), &lamp))
		return lamp_may(s, sub, &lamp);
	own = own || watcher_has_box(s, sub);
	if (!own && (sub->package->own || !watcher_may(s, sub, text_bytes(&sub->resource))))
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

static int watch_open(struct shard *s)
{
	uint32_t capacity = shard_settings(s)->subscriptions_max;

	int err = subscriptions_open(shard_subscriptions(s), capacity ? capacity : 1, shard_host(s),
				     TIMER_SUBSCRIPTION, TIMER_NOTIFY);

	shard_subscriptions(s)->view = (struct subscription_view){
		.owner = s,
		.may = watch_may,
		.dialogs = watch_dialogs,
		.entry = watch_entry,
		.conference = shard_watch_conference,
		.messages = watch_messages,
		.name = shard_blf_name,
	};
	return err;
}

/* ---- changed settings ---- */

/* A phone is notified of changed settings only. */
static void watch_renew(struct subscriptions *all, struct subscription *sub)
{
	if (sub->package->of_settings)
		subscription_change(all, sub);
	else
		subscription_renew(all, sub);
}

static void watch_extension_changed(struct shard *s, uint16_t tenant, struct bytes number)
{
	struct subscription *sub = NULL;

	while ((sub = subscription_of_resource(shard_subscriptions(s), tenant, number, sub)) !=
	       NULL)
		watch_renew(shard_subscriptions(s), sub);
	for (struct list_resource *r = list_with(shard_subscriptions(s), tenant, number); r;
	     r = r->next)
		list_changed(shard_subscriptions(s), r, true);
	while ((sub = subscription_of_watcher(shard_subscriptions(s), tenant, number, sub)) != NULL)
		watch_renew(shard_subscriptions(s), sub);
}

/* ---- commands ---- */

int shard_subscription_end(struct shard *s, uint64_t id, enum subscription_ending ending,
			   struct instant now)
{
	struct subscription *sub;

	shard_set_now(s, now);
	sub = subscription_find(shard_subscriptions(s), id);
	if (!sub || sub->ending)
		return -ENOENT;
	subscription_end(shard_subscriptions(s), sub, ending);
	return 0;
}

bool shard_subscription_tenant(const struct shard *s, uint64_t id, uint16_t *tenant)
{
	const struct subscription *sub = subscription_find(shard_subscriptions(s), id);

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
	sub = subscription_find(shard_subscriptions(s), id);
	if (sub)
		subscription_saved(shard_subscriptions(s), sub, version, saved);
}

int shard_restore_subscription(struct shard *s, struct bytes record, struct instant now,
			       const char **reason)
{
	struct subscription *sub;
	pool_handle self;
	int err;

	shard_set_now(s, now);
	sub = pool_alloc(&shard_subscriptions(s)->pool, &self);
	*reason = "too many subscriptions";
	if (!sub)
		return -ENOSPC;
	sub->self = self;
	err = subscription_decode(shard_host(s), sub, record, reason);
	if (!err && subscription_find(shard_subscriptions(s), sub->id)) {
		*reason = "it is here already";
		err = -EEXIST;
		subscription_clear(sub);
	} else if (!err && (subscription_focus(sub) || shard_list_set(s, sub) ||
			    subscription_list(shard_subscriptions(s), sub))) {
		*reason = "out of memory";
		err = -ENOMEM;
		list_clear(shard_subscriptions(s), sub);
		subscription_clear(sub);
	}
	if (err)
		(void)pool_free(&shard_subscriptions(s)->pool, self);
	else
		shard_remote_start(s, sub);
	return err;
}

static void watch_silence(struct shard *s)
{
	struct subscription *sub;
	uint32_t cursor = 0;
	pool_handle h;

	while ((sub = pool_next(&shard_subscriptions(s)->pool, &cursor, &h)) != NULL)
		subscription_remove(shard_subscriptions(s), sub);
}

/* False: that was all. */
static bool watch_assert(struct shard *s, uint32_t most)
{
	struct subscriptions *subs = shard_subscriptions(s);

	for (uint32_t i = 0; i < most; i++) {
		pool_handle h;
		struct subscription *sub = pool_next(&subs->pool, &subs->asserted, &h);

		if (!sub)
			return false;
		subscription_assert(subs, sub, shard_asserts_all(s));
	}
	return true;
}

/* What its watcher was told is unknown: it gets full state. */
static void watch_resume(struct shard *s)
{
	struct subscription *sub;
	uint32_t cursor = 0;
	pool_handle h;

	while ((sub = pool_next(&shard_subscriptions(s)->pool, &cursor, &h)) != NULL) {
		subscription_renew(shard_subscriptions(s), sub);
		subscription_aim(shard_subscriptions(s), sub);
	}
}

static bool watch_inside(struct shard *s, const struct sip_message *m)
{
	struct subscription *sub = shard_subscription_of(s, m);

	if (sub)
		shard_subscription_inside(s, sub, m);
	return sub;
}

static const struct shard_method watch_methods[] = {
	{ .method = SIP_SUBSCRIBE, .receive = shard_subscribe },
	{ 0 },
};

const struct shard_hooks watch_hooks = {
	.methods = watch_methods,
	.opened = watch_open,
	.silenced = watch_silence,
	.assert_some = watch_assert,
	.resumed = watch_resume,
	.inside = watch_inside,
	.extension_changed = watch_extension_changed,
	.keys_changed = shard_blf_changed,
};
