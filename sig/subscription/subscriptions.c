/* SPDX-License-Identifier: Apache-2.0 */
/* The table of a shard's subscriptions (subscriptions.h): allocation, indexes by resource and by
 * watcher, the queue of those to be notified, and the events of new and ended ones. What is sent is
 * decided in notify.c, packages and lists write the bodies. Bounded by the capacity of the shard;
 * one thread. */

#include "sig/host/settings.h"
#include "sig/subscription/list.h"

#include <errno.h>
#include <stdlib.h>

static void metrics_open(struct subscription_metrics *m)
{
	static const char *const ended[ENDINGS] = {
		[ENDING_NOT] = "reason=\"not_reached\"",
		[ENDING_TIMEOUT] = "reason=\"timeout\"",
		[ENDING_REJECTED] = "reason=\"rejected\"",
		[ENDING_NORESOURCE] = "reason=\"noresource\"",
		[ENDING_DEACTIVATED] = "reason=\"deactivated\"",
		[ENDING_PROBATION] = "reason=\"probation\"",
		[ENDING_GIVEUP] = "reason=\"giveup\"",
	};

	for (unsigned i = 0; i < ENDINGS; i++)
		m->ended[i] = metric_register(METRIC_COUNTER, "tandem_subscriptions_ended_total",
					      ended[i], "Subscriptions that are over, by reason.");
	m->notified = metric_register(METRIC_COUNTER, "tandem_notifies_total", NULL,
				      "NOTIFY requests sent to subscribers, without repetitions.");
	m->failed = metric_register(METRIC_COUNTER, "tandem_notifies_failed_total", NULL,
				    "NOTIFY requests that were refused, or not answered.");
}

int subscriptions_open(struct subscriptions *s, uint32_t capacity, struct call_host *host,
		       uint32_t timer_kind, uint32_t turn_kind)
{
	uint32_t size = 16;

	*s = (struct subscriptions){ .host = host, .timer_kind = timer_kind };
	for (unsigned i = 0; i < DUE_ORDERS; i++)
		s->due[i].end = &s->due[i].first;
	s->turn.kind = turn_kind;
	s->key = host->txns->key;
	while (size < capacity && size < UINT32_C(1) << 24)
		size *= 2;
	s->mask = size - 1;
	s->watchers = calloc(size, sizeof(struct subscription *));
	s->resources = calloc(size, sizeof(struct subscription *));
	s->watched = calloc(size, sizeof(struct watched *));
	metrics_open(&s->metrics);
	if (!s->watchers || !s->resources || !s->watched)
		return -ENOMEM;
	if (pool_open(&s->pool, sizeof(struct subscription), capacity) ||
	    table_open(&s->by_id, capacity))
		return -ENOMEM;
	return 0;
}

static void watch_link(struct subscription **head, struct subscription *sub, size_t link)
{
	struct subscription_link *l = (void *)((uint8_t *)sub + link);

	l->next = *head;
	l->back = head;
	if (l->next)
		((struct subscription_link *)(void *)((uint8_t *)l->next + link))->back = &l->next;
	*head = sub;
}

static void watch_unlink(struct subscription *sub, size_t link)
{
	struct subscription_link *l = (void *)((uint8_t *)sub + link);

	if (!l->back)
		return;
	*l->back = l->next;
	if (l->next)
		((struct subscription_link *)(void *)((uint8_t *)l->next + link))->back = l->back;
	*l = (struct subscription_link){ 0 };
}

static uint32_t watch_hash(const struct subscriptions *s, uint16_t tenant, struct bytes user)
{
	return (uint32_t)tenant_hash(hash_sip(&s->key, user), tenant);
}

int subscription_list(struct subscriptions *s, struct subscription *sub)
{
	if (table_put(&s->by_id, sub->id, sub->self))
		return -ENOSPC;
	sub->of_watcher.hash = watch_hash(s, sub->tenant, text_bytes(&sub->watcher));
	sub->of_resource.hash = watch_hash(s, sub->tenant, text_bytes(&sub->resource));
	watch_link(&s->watchers[sub->of_watcher.hash & s->mask], sub,
		   offsetof(struct subscription, of_watcher));
	watch_link(&s->resources[sub->of_resource.hash & s->mask], sub,
		   offsetof(struct subscription, of_resource));
	sub->timer.owner = sub->self;
	sub->timer.kind = s->timer_kind;
	tenants_hold(s->host->settings->tenants, sub->tenant, TENANT_SUBSCRIPTIONS);
	return 0;
}

int subscription_focus(struct subscription *sub)
{
	return sub->package->of_conferences
		       ? text_set(&sub->dialog.focus, text_bytes(&sub->resource))
		       : 0;
}

struct subscription *subscription_add(struct subscriptions *s, uint64_t id, uint16_t tenant,
				      struct bytes watcher, struct bytes resource)
{
	pool_handle self;
	struct subscription *sub = pool_alloc(&s->pool, &self);

	if (!sub)
		return NULL;
	sub->id = id;
	sub->self = self;
	sub->tenant = tenant;
	if (!text_set(&sub->watcher, watcher) && !text_set(&sub->resource, resource) &&
	    !subscription_list(s, sub))
		return sub;
	subscription_clear(sub);
	(void)pool_free(&s->pool, self);
	return NULL;
}

void subscription_due_drop(struct subscriptions *s, struct subscription *sub)
{
	if (!sub->due_back)
		return;
	*sub->due_back = sub->due_next;
	if (sub->due_next)
		sub->due_next->due_back = sub->due_back;
	else
		s->due[sub->due_order].end = sub->due_back;
	sub->due_back = NULL;
	s->due_count--;
}

void subscription_remove(struct subscriptions *s, struct subscription *sub)
{
	subscription_due_drop(s, sub);
	wheel_stop(s->host->wheel, &sub->timer);
	subscription_saving(s, sub, 0);
	txns_drop(s->host->txns, sub->notify);
	tenants_release(s->host->settings->tenants, sub->tenant, TENANT_SUBSCRIPTIONS);
	watch_unlink(sub, offsetof(struct subscription, of_watcher));
	watch_unlink(sub, offsetof(struct subscription, of_resource));
	(void)table_del(&s->by_id, sub->id, sub->self);
	list_clear(s, sub);
	subscription_clear(sub);
	(void)pool_free(&s->pool, sub->self);
}

void subscriptions_close(struct subscriptions *s)
{
	struct subscription *sub;
	uint32_t cursor = 0;
	pool_handle h;

	while (s->pool.slots && (sub = pool_next(&s->pool, &cursor, &h)) != NULL) {
		tenants_release(s->host->settings->tenants, sub->tenant, TENANT_SUBSCRIPTIONS);
		list_clear(s, sub);
		subscription_clear(sub);
	}
	if (s->pool.slots)
		pool_close(&s->pool);
	table_close(&s->by_id);
	free(s->watchers);
	free(s->resources);
	free(s->watched);
}

struct subscription *subscription_find(const struct subscriptions *s, uint64_t id)
{
	uint32_t cursor = 0;
	pool_handle h = table_next(&s->by_id, id, &cursor);

	return h ? pool_get(&s->pool, h) : NULL;
}

struct subscription *subscription_of_watcher(const struct subscriptions *s, uint16_t tenant,
					     struct bytes user, const struct subscription *after)
{
	uint32_t hash = after ? after->of_watcher.hash : watch_hash(s, tenant, user);
	struct subscription *sub = after ? after->of_watcher.next : s->watchers[hash & s->mask];

	while (sub && (sub->of_watcher.hash != hash || sub->tenant != tenant ||
		       !bytes_eq(text_bytes(&sub->watcher), user)))
		sub = sub->of_watcher.next;
	return sub;
}

struct subscription *subscription_of_resource(const struct subscriptions *s, uint16_t tenant,
					      struct bytes user, const struct subscription *after)
{
	uint32_t hash = after ? after->of_resource.hash : watch_hash(s, tenant, user);
	struct subscription *sub = after ? after->of_resource.next : s->resources[hash & s->mask];

	while (sub && (sub->of_resource.hash != hash || sub->tenant != tenant ||
		       !bytes_eq(text_bytes(&sub->resource), user)))
		sub = sub->of_resource.next;
	return sub;
}

/* Events about subscriptions. A one-time fetch creates none. */

static void subscription_publish(struct subscriptions *s, const struct subscription *sub,
				 enum sig_event_kind kind, const char *reason)
{
	struct bytes tenant = bytes_str(tenants_name(s->host->settings->tenants, sub->tenant));
	struct sig_event *event = effects_event(s->host->effects, kind, sub->id,
						sub->version + (kind == SIG_UNSUBSCRIBED), tenant);

	event_put_str(event, EV_PACKAGE, sub->package->name);
	event_put_str(event, EV_REASON, reason);
	event_put(event, EV_FROM, text_bytes(&sub->watcher));
	event_put(event, EV_TO, text_bytes(&sub->resource));
}

void subscription_publish_new(struct subscriptions *s, struct subscription *sub)
{
	if (sub->published || sub->ending)
		return;
	sub->published = true;
	subscription_publish(s, sub, SIG_SUBSCRIBED, NULL);
}

void subscription_publish_gone(struct subscriptions *s, const struct subscription *sub)
{
	if (sub->published)
		subscription_publish(s, sub, SIG_UNSUBSCRIBED,
				     sub->ending ? subscription_ending_name(sub->ending)
						 : "not_reached");
}
