/* SPDX-License-Identifier: Apache-2.0 */
/* What those hear who watch the node itself. Who asks once makes no subscription. */
#include <stdlib.h>

#include "sig/subscription/subscriptions.h"

static void subscription_publish(struct subscriptions *s, const struct subscription *sub,
				 enum sig_event_kind kind, const char *reason)
{
	struct effect *e = effects_add(s->host->effects, EFFECT_EVENT);
	struct sig_event *event = e ? calloc(1, sizeof(*event)) : NULL;
	struct bytes tenant = bytes_str(tenants_name(s->host->settings->tenants, sub->tenant));

	if (!event) {
		if (e)
			s->host->effects->count--;
		return;
	}
	e->event = event;
	event->kind = kind;
	event->call = sub->id;
	event->version = sub->version + (kind == SIG_UNSUBSCRIBED);
	event->package = package_of(sub->package)->name;
	event->reason = reason;
	(void)bytes_cstr(tenant, event->tenant, sizeof(event->tenant));
	(void)bytes_cstr(text_bytes(&sub->watcher), event->from, sizeof(event->from));
	(void)bytes_cstr(text_bytes(&sub->resource), event->to, sizeof(event->to));
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
