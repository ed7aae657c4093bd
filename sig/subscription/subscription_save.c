/* SPDX-License-Identifier: Apache-2.0 */
/* A subscription is saved when it begins, with each refresh, and when its NOTIFYs come near the number that its record allows; not with
 * each NOTIFY. */
#include "base/log.h"
#include "sig/leg/respond.h"
#include "sig/subscription/subscriptions.h"

enum { LIMIT_AHEAD = 256, SAVE_OVERDUE_MS = 5000, SAVE_AGAIN_MS = 2000 };

void subscription_saving(struct subscriptions *s, struct subscription *sub, uint64_t version)
{
	s->saving += (version != 0) - (sub->saving != 0);
	sub->saving = version;
}

static void save_later(struct subscriptions *s, struct subscription *sub, uint64_t ms)
{
	sub->save_ns = s->host->now.ns + ms * NS_PER_MS;
	subscription_aim(s, sub);
}

static void save_ask(struct subscriptions *s, struct subscription *sub)
{
	struct effect *e = effects_add(s->host->effects, EFFECT_SUBSCRIPTION_SAVE);

	if (!e || subscription_encode(s->host, sub, &e->data)) {
		if (e)
			s->host->effects->count--;
		save_later(s, sub, SAVE_AGAIN_MS);
		return;
	}
	e->call = sub->id;
	e->version = sub->version;
	subscription_saving(s, sub, sub->version);
	metric_add(s->host->metrics->saves[SAVE_STARTED], 1);
	save_later(s, sub, SAVE_OVERDUE_MS);
}

/* One save is in flight at a time. */
void subscription_save(struct subscriptions *s, struct subscription *sub)
{
	sub->version++;
	sub->limit = sub->dialog.local_cseq + LIMIT_AHEAD;
	if (!sub->saving)
		save_ask(s, sub);
}

void subscription_saved(struct subscriptions *s, struct subscription *sub, uint64_t version,
			bool saved)
{
	metric_add(s->host->metrics->saves[saved ? SAVE_DONE : SAVE_FAILED], 1);
	if (version != sub->saving)
		return;
	subscription_saving(s, sub, 0);
	sub->save_ns = 0;
	if (saved)
		sub->acked = version;
	if (version == sub->version || !saved) /* a store that is late stops nobody */
		sub->acked_limit = sub->limit;
	if (version != sub->version)
		save_ask(s, sub);
	else if (!saved && !s->host->degraded) /* else all is saved when the store is back */
		save_later(s, sub, SAVE_AGAIN_MS);
	if (version == sub->version || !saved)
		subscription_answer(s, sub);
	if (sub->changed)
		subscription_change(s, sub);
	subscription_aim(s, sub);
}

static bool subscription_is_kept(const struct subscription *sub)
{
	return sub->version && !sub->ending;
}

bool subscription_is_behind(const struct subscription *sub)
{
	return subscription_is_kept(sub) && sub->acked != sub->version;
}

void subscription_assert(struct subscriptions *s, struct subscription *sub, bool all)
{
	if (subscription_is_kept(sub) && (all || subscription_is_behind(sub)))
		subscription_save(s, sub);
}

static void write_left(struct writer *w, const struct subscriptions *s,
		       const struct subscription *sub)
{
	uint64_t now_ns = s->host->now.ns;
	uint64_t left = sub->ending || sub->expires_ns <= now_ns ? 0 : sub->expires_ns - now_ns;

	writer_number(w, "Expires: ", (left + NS_PER_S - 1) / NS_PER_S, "\r\n");
}

void subscription_answer(struct subscriptions *s, struct subscription *sub)
{
	struct txn_slot *slot = txns_get(s->host->txns, sub->asked);
	uint8_t space[64];
	struct writer w = writer_over(space, sizeof(space));
	struct response r = {
		.status = 200, .dialog = &sub->dialog, .contact = true, .record_route = true
	};

	sub->asked = 0;
	if (slot) {
		write_left(&w, s, sub);
		r.extra = writer_lines(&w);
		respond(s->host, slot, NULL, &r);
	}
	if (!sub->waits)
		return;
	sub->waits = false;
	subscription_publish_new(s, sub);
	subscription_renew(s, sub);
}

void subscription_forget(struct subscriptions *s, const struct subscription *sub)
{
	struct effect *e =
		sub->version ? effects_add(s->host->effects, EFFECT_SUBSCRIPTION_SAVE) : NULL;

	if (!e)
		return;
	e->call = sub->id;
	e->version = sub->version + 1;
}
