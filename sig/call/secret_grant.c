/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/secret_grant.h"

#include "sig/call/session.h"
#include "sig/leg/flow.h"
#include "sig/leg/secret.h"

static uint64_t secret_later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t secret_sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void extend(struct call_host *h, struct call *c, struct call_flow *f, uint64_t rtp,
		   uint64_t rtcp)
{
	struct flow_secret *s = f->secret;
	struct outbox_item item = { .kind = OUTBOX_RESERVE, .leg = f->leg, .line = f->line };

	item.srtp = s->rtp.limit =
		secret_sooner(secret_later(s->rtp.limit, rtp), SRTP_INDEX_END - 1);
	item.srtcp = s->rtcp.limit =
		secret_sooner(secret_later(s->rtcp.limit, rtcp), SRTCP_INDEX_END - 1);
	outbox_touch(&c->out);
	if (h->degraded) /* silence is no choice: the successor may jump less far than it should */
		metric_add(h->metrics->saves[SAVE_SKIPPED], 1);
	if (!outbox_push(&c->out, &item))
		secret_granted(h, c, &item);
}

void secret_reserve(struct call_host *h, struct call *c, struct call_flow *f,
		    const struct flow_resume *used)
{
	bool current = f->secret && used->srtp_next <= f->secret->rtp.limit &&
		       used->srtcp_next <= f->secret->rtcp.limit;

	if (current && !f->closing) /* else it is of keys before: those have had their time */
		extend(h, c, f, used->srtp_next + SRTP_RESERVE,
		       (uint64_t)used->srtcp_next + SRTCP_RESERVE);
}

/* What was saved of keys before may be more than there is of these. */
static void grant(uint64_t *granted, uint64_t saved, uint64_t limit)
{
	*granted = secret_later(*granted, secret_sooner(saved, limit));
}

void secret_granted(struct call_host *h, struct call *c, const struct outbox_item *item)
{
	struct call_flow *f = call_flow_find(c, item->leg, item->line);

	if (!f || !f->secret)
		return;
	grant(&f->secret->rtp.granted, item->srtp, f->secret->rtp.limit);
	grant(&f->secret->rtcp.granted, item->srtcp, f->secret->rtcp.limit);
	if (c->state != CALL_ENDING)
		session_refresh(h, c);
}

void secrets_resume(struct call_host *h, struct call *c)
{
	for (uint32_t i = 0; i < c->flow_count; i++) {
		struct call_flow *f = &c->flows[i];

		if (f->secret)
			extend(h, c, f, f->secret->rtp.first + SRTP_RESERVE,
			       f->secret->rtcp.first + SRTCP_RESERVE);
	}
}
