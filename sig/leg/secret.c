/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/leg/secret.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sig/call/session.h"
#include "sig/leg/flow.h"

/* RFC 3711 3.3.1: a first index so low that the receiver cannot take a late packet for the wrong roll-over. */
enum { FIRST_BELOW = 1 << 15 };

int secret_make(struct call_host *h, struct call_flow *f)
{
	struct flow_secret *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->key.length = SECRET_LEN;
	rand_fill(h->rand, s->key.octets, SECRET_LEN);
	s->rtp.first = 1 + rand_below(h->rand, FIRST_BELOW - 1);
	s->rtp.limit = s->rtp.granted = s->rtp.first + SRTP_RESERVE;
	s->rtcp.limit = s->rtcp.granted = SRTCP_RESERVE;
	f->secret = s;
	return 0;
}

int secret_restore(struct call_flow *f, const struct secret_record *record, uint64_t now)
{
	struct flow_secret *s = calloc(1, sizeof(*s));
	uint64_t later =
		record->incarnation && now > record->incarnation ? now - record->incarnation : 0;
	uint64_t before = later > SECRET_SHARES ? SECRET_SHARES : later - (later > 0);
	uint64_t own = later > 0 && later <= SECRET_SHARES;

	if (!s)
		return -ENOMEM;
	s->key.length = (uint8_t)record->key.n;
	memcpy(s->key.octets, record->key.p, record->key.n);
	s->rtp.first = record->limit + before * SECRET_SHARE;
	s->rtcp.first = record->limit_rtcp + before * SECRET_SHARE_RTCP;
	s->rtp.limit = s->rtp.granted = s->rtp.first + own * SECRET_SHARE;
	s->rtcp.limit = s->rtcp.granted = s->rtcp.first + own * SECRET_SHARE_RTCP;
	f->secret = s;
	return 0;
}

void secret_free(struct call_flow *f)
{
	if (f->secret)
		explicit_bzero(f->secret, sizeof(*f->secret));
	free(f->secret);
	f->secret = NULL;
}

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
	if (f->secret && !f->closing)
		extend(h, c, f, used->srtp_next + SRTP_RESERVE,
		       (uint64_t)used->srtcp_next + SRTCP_RESERVE);
}

void secret_granted(struct call_host *h, struct call *c, const struct outbox_item *item)
{
	struct call_flow *f = call_flow_find(c, item->leg, item->line);

	if (!f || !f->secret)
		return;
	f->secret->rtp.granted = secret_later(f->secret->rtp.granted, item->srtp);
	f->secret->rtcp.granted = secret_later(f->secret->rtcp.granted, item->srtcp);
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
