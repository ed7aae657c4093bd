/* SPDX-License-Identifier: Apache-2.0 */
/* A new call: from A's INVITE to the INVITE for B that waits for the first save. */
#include <errno.h>

#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/invite.h"
#include "sig/call/respond.h"
#include "sig/call/session.h"

static int refuse(struct call_refusal *r, int err, uint16_t status, enum sig_refused reason)
{
	*r = (struct call_refusal){ .status = status, .reason = reason };
	return err;
}

static struct id_tag new_tag(struct call_host *h, const struct call *c, uint8_t leg)
{
	return (struct id_tag){ .call = c->id, .leg = leg, .random = rand_u64_from(h->rand) };
}

/* RFC 8866 5.2: numbers that fit a peer's signed 32 bits are the safe choice. */
static uint64_t new_session_id(struct call_host *h)
{
	return (rand_u32_from(h->rand) >> 1) + 1U;
}

static int open_dialogs(struct call_host *h, struct call *c, const struct call_start *s)
{
	struct id_tag a = new_tag(h, c, LEG_A);
	struct id_tag b = new_tag(h, c, LEG_B);
	struct dialog_party party = {
		.local_display = s->display,
		.local_user = s->invite->from.uri.user.n ? s->invite->from.uri.user
							 : BYTES_LIT("anonymous"),
		.remote_user = s->invite->uri.user,
		.target = s->target,
		.hop = s->hop,
	};
	int err = dialog_from_request(&c->legs[LEG_A].dialog, &a, s->invite, h->settings);

	if (!err)
		err = dialog_to_party(&c->legs[LEG_B].dialog, &b, &party, h->settings);
	c->legs[LEG_B].behind_nat = s->behind_nat;
	for (uint8_t leg = LEG_A; leg <= (uint8_t)LEG_B; leg++)
		c->legs[leg].session_id = new_session_id(h);
	return err;
}

static int take_offer(struct call_host *h, struct call *c, const struct sip_message *invite,
		      struct call_refusal *refusal)
{
	struct bytes sdp;

	if (session_body(invite, &sdp))
		return refuse(refusal, -ENOTSUP, 415, REFUSED_BODY);
	c->invite.late = sdp.n == 0;
	if (c->invite.late) {
		c->invite.media.offerer = LEG_B;
		return 0;
	}
	c->invite.media.offerer = LEG_A;
	return session_offer(h, c, &c->invite.media, sdp, refusal);
}

static void answer_trying(struct call_host *h, const struct call_start *s)
{
	struct response r = { .status = 100 };

	respond(h, s->slot, s->invite, &r);
}

static int fill(struct call_host *h, struct call *c, const struct call_start *s)
{
	c->state = CALL_SETUP;
	c->early_media = s->early_media;
	c->video = h->settings->video;
	c->setup_utc_ms = h->now.utc_ms;
	c->timer.owner = c->self;
	c->timer.kind = h->timer_kind;
	c->invite.from = LEG_A;
	c->invite.server = s->slot->self;
	c->invite.server_cseq = s->invite->cseq;
	s->slot->call = c->id;
	s->slot->leg = LEG_A;
	s->slot->user = TXN_USER_INVITE;
	if (text_set(&c->from, s->from) || text_set(&c->to, s->to))
		return -ENOMEM;
	return txns_keep_request(s->slot, s->invite);
}

int call_start(struct call_host *h, struct call *c, const struct call_start *start,
	       struct call_refusal *refusal)
{
	int err = fill(h, c, start);

	if (err)
		return refuse(refusal, err, 513, REFUSED_MALFORMED);
	err = open_dialogs(h, c, start);
	if (err == -EINVAL)
		return refuse(refusal, err, 400, REFUSED_MALFORMED);
	if (err)
		return refuse(refusal, err, 500, REFUSED_MEMORY);
	err = take_offer(h, c, start->invite, refusal);
	if (err)
		return err;
	answer_trying(h, start);
	outbox_touch(&c->out);
	if (invite_queue(h, c, start->invite->max_forwards))
		return refuse(refusal, -ENOSPC, 503, REFUSED_TXNS_FULL);
	c->ring_ns = h->now.ns + h->settings->ring_timeout_ns;
	metric_add(h->metrics->calls_started, 1);
	call_publish(h, c, SIG_CALL_NEW);
	LOG_INFO("call", c->id, "call started", LOG_BYTES("from", text_bytes(&c->from)),
		 LOG_BYTES("to", text_bytes(&c->to)),
		 LOG_ADDR("source", &start->invite->hop.remote),
		 LOG_BYTES("sip_call_id", start->invite->call_id));
	return 0;
}
