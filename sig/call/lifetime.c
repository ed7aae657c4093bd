/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/lifetime.h"
#include "sig/call/listen.h"

#include <stdlib.h>

#include "sig/call/act.h"
#include "sig/call/charge.h"
#include "sig/call/fork.h"
#include "sig/call/legs.h"
#include "sig/call/plan.h"
#include "sig/call/recording.h"
#include "sig/call/segment.h"
#include "sig/leg/flow.h"
#include "sig/leg/flow_dtls.h"
#include "sig/leg/secret.h"
#include "sig/model/transfer.h"

void call_free(struct call *c)
{
	for (uint32_t i = 0; i < c->flow_count; i++) {
		secret_free(&c->flows[i]);
		flow_dtls_free(&c->flows[i]);
	}
	free(c->flows);
	plan_clear(&c->plan);
	transfer_clear(&c->transfer);
	park_clear(&c->park);
	room_member_clear(&c->member);
	fork_forget_best(c);
	while (c->leg_count)
		legs_free_one(c, c->leg_count - 1);
	free(c->legs);
	text_wipe(&c->unknown);
	outbox_clear(&c->out);
	free(c->orders);
	recordings_clear(&c->recordings);
	prompts_clear(&c->prompts);
	free(c->media_stream);
	text_clear(&c->from);
	text_clear(&c->to);
	text_clear(&c->display);
	text_clear(&c->waits_for);
	text_clear(&c->data);
	text_clear(&c->account);
	text_clear(&c->source);
	text_clear(&c->payer_name.user);
	segments_clear(c);
	charges_clear(c);
	free(c->cdr);
}

/* MED-09: what is beyond it has sound alone; calls that have video keep it. */
static bool call_may_show(const struct call_host *h)
{
	uint32_t most = h->settings->videos_max;

	return h->settings->video && (!most || *h->videos < most);
}

void call_begin(struct call_host *h, struct call *c)
{
	c->state = CALL_SETUP;
	c->bridge.callee = LEG_NONE; /* the first leg will be the caller's, and offers */
	c->video = call_may_show(h);
	c->setup_utc_ms = h->now.utc_ms;
	c->timer.owner = c->self;
	c->timer.kind = h->timer_kind;
}

void call_clear(struct call_host *h, struct call *c)
{
	wheel_stop(h->wheel, &c->timer);
	for (uint8_t i = 0; i < c->leg_count; i++) {
		const struct invite_uac *uac = c->legs[i] ? c->legs[i]->uac : NULL;

		if (uac && uac->state == UAC_QUEUED)
			txns_drop(h->txns, uac->client);
	}
	recordings_leave(h, c);
	media_stream_leave(h, c);
	if (c->state != CALL_ENDING)
		flows_close(h, c);
	flows_drop_all(h, c);
	call_free(c);
}
