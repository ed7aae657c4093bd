/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/give_up.h"

#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/invite.h"
#include "sig/leg/leg.h"
#include "sig/leg/respond.h"
#include "sig/leg/session_timer.h"

#define TRY_AGAIN "Retry-After: 5\r\n"

static const struct call_ending g_given_up = { .cause = CAUSE_NOT_CONTINUED,
					       .by = ENDED_BY_NODE,
					       .status = 503,
					       .extra = BYTES_LIT(TRY_AGAIN) };

void call_obstacle(struct call *c, const char *reason)
{
	if (!c->obstacle)
		c->obstacle = reason;
}

static void count_one(struct call_host *h)
{
	h->given_up++;
	metric_add(h->metrics->given_up, 1);
}

static void close_lost(struct call *c)
{
	for (uint8_t i = 0; i < c->leg_count; i++) {
		if (c->legs[i] && (c->lost & BIT64(i)))
			leg_close(c->legs[i]);
	}
}

/* Whether the party heard our INVITE and rings is not in the record: CANCEL is right if it does. */
static void believe_ringing(struct call_host *h, struct call *c, uint8_t leg)
{
	struct leg *l = c->legs[leg];
	struct txn_slot *slot = l->uac ? txns_get(h->txns, l->uac->client) : NULL;

	if (!leg_is_open(l))
		return;
	if (!slot) { /* no room for the transaction: nothing of it can be cancelled */
		leg_close(l);
		return;
	}
	l->uac->state = UAC_PROCEEDING;
	slot->txn.state = TXN_PROCEEDING;
	slot->started = 1;
	if (l->state == LEG_LEAVING) {
		l->leave = true;
		leg_leave_now(h, c, leg);
	}
}

/* Its BYE again. */
static void leave_again(struct call_host *h, struct call *c, uint8_t leg)
{
	struct leg_farewell f = { .status = g_given_up.status };
	struct leg *l = c->legs[leg];

	if (l->state != LEG_LEAVING || l->uac)
		return;
	l->state = LEG_CONFIRMED;
	leg_leave(h, c, leg, &f);
}

/* Our 2xx left, or may have: who heard it is in the dialog, and the ACK goes where nobody is. */
static bool asker_has_answer(const struct call *c)
{
	const struct leg *l = call_caller(c);

	return (l->state == LEG_EARLY || l->state == LEG_ANSWERED) && l->uas &&
	       l->uas->state >= UAS_ANSWERED && !(c->lost & BIT64(c->bridge.caller));
}

static void leave_asker(struct call_host *h, struct call *c)
{
	struct leg_farewell f = { .status = g_given_up.status };

	struct leg *l = call_caller(c);

	l->state = LEG_CONFIRMED;
	l->leave = false;
	leg_leave(h, c, c->bridge.caller, &f);
	leg_uas_clear(l);
}

void call_give_up(struct call_host *h, struct call *c)
{
	bool answered = asker_has_answer(c);

	LOG_WARN("call", c->id, "the call cannot go on after the restart and is ended",
		 LOG_STR("reason", c->obstacle));
	count_one(h);
	close_lost(c);
	for (uint8_t i = 0; i < c->leg_count; i++) {
		if (c->legs[i]) {
			session_timer_stop(&c->legs[i]->timer);
			believe_ringing(h, c, i);
		}
	}
	if (c->state == CALL_ENDING) {
		for (uint8_t i = 0; i < c->leg_count; i++) {
			if (c->legs[i])
				leave_again(h, c, i);
		}
	}
	call_end(h, c, &g_given_up);
	if (answered)
		leave_asker(h, c);
	outbox_touch(&c->out);
}

static void bye_once(struct call_host *h, struct leg *l)
{
	struct writer w = writer_over(h->space, HOST_SPACE);
	struct dialog_request r = { .method = SIP_BYE,
				    .max_forwards = -1,
				    .cseq = l->dialog.local_cseq += RESUME_CSEQ_GAP,
				    .branch = rand_u64_from(h->rand) };

	dialog_write_request(&w, &l->dialog, &r, h->settings);
	if (!w.overflow)
		txns_send(h->txns, &l->dialog.hop, writer_done(&w));
}

void call_give_up_homeless(struct call_host *h, struct call *c)
{
	LOG_WARN("call", c->id, "there is no room for the call after the restart: it is ended",
		 LOG_STR("reason", c->obstacle));
	count_one(h);
	for (uint8_t i = 0; i < c->leg_count; i++) {
		struct leg *l = c->legs[i];

		if (l && !(c->lost & BIT64(i)) && l->dialog.remote_tag.n &&
		    l->state != LEG_CLOSED && (l->state != LEG_EARLY || l->uas))
			bye_once(h, l);
	}
	call_end_note(h, c, &g_given_up);
	call_end_ask(h, c);
}
