/* SPDX-License-Identifier: Apache-2.0 */
#include "media/offer_settle.h"

#include <errno.h>

#include "media/offer_bundle.h"
#include "media/offer_extension.h"

struct settling {
	const struct offer_exchange *x;
	const struct offer_policy *policy;
	const struct offer_self *to_a;
	struct media_plan *plan;
	struct crypto *crypto;      /* per line, ours towards A */
	struct offer_error refused; /* the first reason of ours */
};

static void plan_none(struct settling *k, uint8_t index, enum media_kind kind)
{
	if (index >= MEDIA_LINES_MAX)
		return;
	crypto_wipe(&k->crypto[index]);
	k->plan->line[index] = (struct media_line){ .kind = kind,
						    .a.event_pt = PAYLOAD_NONE,
						    .b.event_pt = PAYLOAD_NONE };
}

static void refuse(struct settling *k, uint16_t number, const char *reason)
{
	if (!k->refused.reason)
		k->refused =
			(struct offer_error){ .status = 488, .line = number, .reason = reason };
}

/* NULL, or why A cannot be answered it. */
static const char *plan_line(struct settling *k, uint8_t index, const struct offer_agreement *g)
{
	struct media_line *line = &k->plan->line[index];
	const char *reason;

	if (!k->to_a->rtp_port[index])
		return "no port for it";
	if (g->profile_a.dtls && k->to_a->fingerprint.hash == MEDIA_HASH_NONE)
		return "no certificate for it";
	reason = offer_plan(line, k->x, index, g, k->policy, &k->to_a->keys[index],
			    &k->crypto[index]);
	if (!reason && line->a.ice && !k->to_a->ice[index].on)
		return "no ICE credentials for it";
	return reason;
}

static int plan_one(struct settling *k, uint8_t index, struct offer_error *error)
{
	struct offer_agreement g;
	int err = offer_agree(&g, k->x, index, k->policy, error);
	const char *reason = g.reason;

	if (err)
		return err;
	if (g.state == OFFER_LINE_RELAYED) {
		reason = plan_line(k, index, &g);
		if (!reason)
			return 0;
	}
	if (reason)
		refuse(k, g.number, reason);
	plan_none(k, index, g.kind);
	return 0;
}

/* A group whose transport is one that was not taken goes with it. */
static void plan_groups(struct settling *k)
{
	bool was[MEDIA_LINES_MAX] = { false };

	for (uint8_t i = 0; i < k->plan->line_count; i++)
		was[i] = k->plan->line[i].active;
	offer_bundle_plan(k->plan, &k->x->offer_a, &k->x->answer_b);
	offer_extension_plan(k->plan, &k->x->offer_a, &k->x->offer_b, &k->x->answer_b);
	offer_feedback_plan(k->plan, &k->x->offer_a, &k->x->offer_b, &k->x->answer_b);
	for (uint8_t i = 0; i < k->plan->line_count; i++) {
		if (k->plan->line[i].active || !was[i])
			continue;
		refuse(k, 0, "the transport of its group is not taken");
		plan_none(k, i, k->plan->line[i].kind);
	}
}

static bool has_line(const struct media_plan *plan)
{
	for (uint8_t i = 0; i < plan->line_count; i++) {
		if (plan->line[i].active)
			return true;
	}
	return false;
}

int offer_settle(struct media_plan *plan, struct crypto to_a[MEDIA_LINES_MAX],
		 const struct offer_exchange *x, const struct offer_policy *policy,
		 const struct offer_self *self, struct offer_error *error)
{
	struct settling k = {
		.x = x, .policy = policy, .to_a = self, .plan = plan, .crypto = to_a
	};
	uint8_t count = x->offer_a.media_count;

	plan->line_count = count < MEDIA_LINES_MAX ? count : MEDIA_LINES_MAX;
	for (uint8_t i = 0; i < count; i++) {
		int err = plan_one(&k, i, error);

		if (err)
			return err;
	}
	plan_groups(&k);
	if (has_line(plan) || !k.refused.reason)
		return 0;
	*error = k.refused;
	return -ENOTSUP;
}
