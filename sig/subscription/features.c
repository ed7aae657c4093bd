/* SPDX-License-Identifier: Apache-2.0 */
/* Subscriptions to as-feature-event: which of the features of an extension a phone is notified of
 * next, by a mark of what it was told, and the change that a SUBSCRIBE requests through the
 * document (feature_event.c has the bodies). An extension's settings decide which features its
 * phones get at all. */

#include "sig/subscription/features.h"

#include "base/table.h"
#include "sig/host/host.h"
#include "sig/host/settings.h"

enum { FEATURES_SET_MS = 5000 };

static_assert((int)FEATURE_EVENT_PARTS <= (int)DIALOG_STATES_MAX, "what was told is kept there");

/* 0: its phones are told nothing of it. */
static uint64_t features_mark(const struct subscriptions *s, const struct subscription *sub,
			      enum feature_event_part part)
{
	const struct call_host *h = s->host;
	struct bytes user = text_bytes(&sub->resource);
	const struct shard_extension *e =
		h->services->directory->extension(h->owner, sub->tenant, user);
	uint8_t space[FEATURE_EVENT_MAX];
	struct writer w = writer_over(space, sizeof(space));
	static const struct hash_key key;

	if (e && !shard_extension_has_keys(e, part == FEATURE_EVENT_DISTURB ? FEATURE_DO_NOT_DISTURB
									    : FEATURE_FORWARDING))
		return 0;
	feature_event_write(&w, part, user,
			    h->services->directory->forward(h->owner, sub->tenant, user));
	return hash_sip(&key, writer_done(&w)) | 1;
}

struct features_due features_due(const struct subscriptions *s, struct subscription *sub)
{
	struct features_due due = { .part = FEATURE_EVENT_PARTS };

	for (unsigned i = 0; i < FEATURE_EVENT_PARTS; i++) {
		uint64_t mark = features_mark(s, sub, (enum feature_event_part)i);

		if (sub->whole && !sub->ending)
			sub->told[i].id = 0;
		if (!mark || mark == sub->told[i].id)
			continue;
		due.more = due.part < FEATURE_EVENT_PARTS;
		if (!due.more)
			due = (struct features_due){ (enum feature_event_part)i, mark, false };
	}
	return due;
}

void features_set(struct subscriptions *s, struct subscription *sub,
		  const struct feature_event *set)
{
	const struct call_host *h = s->host;
	uint64_t serial = rand_u64_from(h->rand) | 1;
	struct bytes tenant = bytes_str(tenants_name(h->settings->tenants, sub->tenant));
	struct request_set *to = effects_request(h->effects, EFFECT_SET, sub->id, serial,
						 EFFECT_TEXTS(tenant, text_bytes(&sub->resource),
							      bytes_str(set->number)));

	if (!to)
		return; /* no memory: the phone is notified of the unchanged state */
	to->feature = set->feature;
	to->rings = set->rings;
	sub->setting = serial;
	sub->retry_ns = h->now.ns + FEATURES_SET_MS * NS_PER_MS;
}

void features_set_over(struct subscriptions *s, struct subscription *sub, uint64_t serial)
{
	if (!sub->setting || (serial && serial != sub->setting))
		return;
	sub->setting = 0;
	sub->retry_ns = 0;
	if (!sub->saving)
		subscription_answer(s, sub);
	subscription_renew(s, sub);
	subscription_aim(s, sub);
}
