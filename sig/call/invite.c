/* SPDX-License-Identifier: Apache-2.0 */
/* The way out: the INVITE to the other leg and what is heard before its final response. */
#include "sig/call/invite.h"

#include <errno.h>

#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/conveyed.h"
#include "sig/call/diverted.h"
#include "sig/call/feature.h"
#include "sig/call/identity.h"
#include "sig/call/reliable.h"
#include "sig/call/session.h"
#include "sig/call/way.h"
#include "sig/identity/pidf.h"
#include "sig/leg/early.h"
#include "sig/leg/leg.h"
#include "sig/leg/respond.h"
#include "sig/leg/session_timer.h"
#include "sig/model/payer.h"

/* REG-18; the URI is there for the grammar of RFC 3261 20.4 */
#define AUTO_ANSWER "Alert-Info: <http://localhost>;info=alert-autoanswer\r\n"

bool invite_is_open(const struct call *c)
{
	for (uint8_t i = 0; i < c->leg_count; i++) {
		const struct leg *l = c->legs[i];

		if (l && (l->uas || (l->uac && l->state != LEG_LEAVING)))
			return true;
	}
	return false;
}

struct invite_uas *invite_carried(const struct call *c, uint8_t leg)
{
	return c->legs[c->legs[leg]->uac->from]->uas;
}

static struct txn_slot *make_request(struct call_host *h, struct call *c, uint8_t leg,
				     uint32_t cseq)
{
	struct writer w = writer_over(h->extra, HOST_EXTRA);
	struct writer body = writer_over(h->sdp, HOST_SDP_MAX);
	struct leg *l = c->legs[leg];
	const struct invite_uas *uas = invite_carried(c, leg);
	int32_t max_forwards = uas ? uas->max_forwards : -1;
	struct dialog_request r = {
		.method = SIP_INVITE,
		.cseq = cseq,
		.max_forwards = max_forwards < 0 ? -1 : max_forwards - 1,
		.contact = true,
		.content_type = BYTES_LIT("application/sdp"),
		.body = text_bytes(&l->open.local),
	};
	struct txn_slot *slot;

	l->uac->pracks = prack_is_offered(c, leg);
	writer_str(&w, RESPOND_ALLOW_CALL);
	respond_write_supported(&w, h, &l->dialog, l->uac->pracks);
	session_timer_write_request(&w, h, &l->timer);
	identity_write_request(&w, h, c, leg);
	diverted_write_lines(&w, h, c, leg);
	features_write_lines(&w, h, c, leg);
	if (leg == c->bridge.caller && c->auto_answer && l->state == LEG_EARLY)
		writer_str(&w, AUTO_ANSWER);
	if (conveyed_write(&w, &body, h, c, leg)) {
		r.content_type = BYTES_LIT(PIDF_MIXED);
		r.body = writer_done(&body);
	}
	r.extra = writer_lines(&w);
	slot = leg_request(h, &l->dialog, &r, TXN_USER_INVITE);
	l->uac->branch = r.branch;
	l->invite_cseq = r.cseq;
	l->invite_late = l->uac->late;
	l->ack_branch = rand_u64_from(h->rand);
	return slot;
}

static int invite_txn_queue(struct call_host *h, struct call *c, uint8_t leg, uint32_t cseq)
{
	struct txn_slot *slot = payer_may_ask(h, c) ? make_request(h, c, leg, cseq) : NULL;
	struct outbox_item item = { .kind = OUTBOX_INVITE, .leg = leg };

	if (!slot)
		return -ENOSPC;
	payer_charge_txn(h, c, slot);
	c->legs[leg]->uac->client = slot->self;
	c->legs[leg]->uac->state = UAC_QUEUED;
	if (!outbox_push(&c->out, &item))
		invite_go(h, c, leg);
	return 0;
}

int invite_queue(struct call_host *h, struct call *c, uint8_t leg)
{
	return invite_txn_queue(h, c, leg, 0);
}

int invite_requeue(struct call_host *h, struct call *c, uint8_t leg)
{
	txns_drop(h->txns, c->legs[leg]->uac->client);
	outbox_forget(&c->out, OUTBOX_INVITE, leg);
	outbox_touch(&c->out);
	return invite_txn_queue(h, c, leg, c->legs[leg]->invite_cseq);
}

void invite_go(struct call_host *h, struct call *c, uint8_t leg)
{
	struct leg *l = call_leg(c, leg);
	struct txn_slot *slot = l && l->uac ? txns_get(h->txns, l->uac->client) : NULL;

	if (!slot || l->uac->state != UAC_QUEUED)
		return;
	l->uac->state = UAC_CALLING;
	(void)txns_step(h->txns, slot, TXN_EV_START, h->now.ns);
}

/* What the asker has of that leg it is not told again (RFC 6337 3.1.1). */
static bool is_agreed(const struct call *c, uint8_t leg)
{
	return c->legs[c->legs[leg]->uac->from]->open.by_18x && early_is_told(c, leg);
}

/* Its sound is refused: nothing is to be heard yet, and a phone that got it would play no ringing tone. */
static bool is_silent_answer(const struct call *c, uint8_t leg, struct bytes sdp)
{
	uint8_t asker = c->legs[leg]->uac->from;

	return session_has_sound(c, asker, text_bytes(&c->legs[asker]->open.remote)) &&
	       !session_has_sound(c, leg, sdp);
}

/* It was told of it, and hears another one by now: that this one rings on is no reason to hear it again. */
static bool early_is_old_news(const struct call *c, uint8_t leg, struct bytes sdp)
{
	return !early_is_told(c, leg) && early_was_told(c, leg) &&
	       bytes_eq(sdp, text_bytes(&c->legs[leg]->open.remote));
}

static bool early_answer(struct call_host *h, struct call *c, uint8_t leg, struct bytes sdp)
{
	struct leg *asker = c->legs[c->legs[leg]->uac->from];
	const uint8_t before = asker->uas->early, before_at = asker->uas->early_at;
	struct call_refusal refusal;

	if (early_is_old_news(c, leg, sdp))
		return false;
	(void)early_tell(h, c, leg);
	if (!session_answer(h, c, leg, sdp, &refusal))
		return true;
	early_tell_back(h, c, asker, before, before_at);
	return false;
}

/* Early media (REG-02): the leg's SDP is an answer already, or (prack.c) the offer that the asker wants. False: it goes without. */
static bool early_session(struct call_host *h, struct call *c, uint8_t leg, struct bytes sdp)
{
	if (sdp.n == 0 || is_agreed(c, leg))
		return false;
	if (invite_carried(c, leg)->late)
		return early_is_told(c, leg);
	return c->early_media && !is_silent_answer(c, leg, sdp) && early_answer(h, c, leg, sdp);
}

static void ringing(struct call_host *h, struct call *c, uint16_t status)
{
	if (status == 180 && !c->ringing_utc_ms) {
		c->ringing_utc_ms = h->now.utc_ms;
		histogram_add(&h->metrics->ringing, (c->ringing_utc_ms - c->setup_utc_ms) * 1000);
	}
	if (c->state != CALL_SETUP)
		return;
	c->state = CALL_RINGING;
	call_publish(h, c, SIG_CALL_RINGING);
}

enum { INVITE_LINES_MAX = 2 * CARRIED_VALUE_MAX };

/* One ring is enough, whoever rings. */
static bool was_said(const struct call *c, const struct invite_uas *uas, uint16_t status)
{
	return status == uas->provisional || (status == 180 && c->ringing_utc_ms);
}

/* RFC 3261 13.2.1: the first reliable response to a late offer has the offer, so there is none without. */
static bool may_say(const struct leg *from, bool early)
{
	return early || !from->uas->late || from->open.by_18x || !reliable_is_due(from->uas, false);
}

/* by: who rings; LEG_NONE: nobody who has a phone. */
static void invite_say(struct call_host *h, struct call *c, uint8_t asker, uint8_t by,
		       uint16_t status, bool early)
{
	uint8_t space[INVITE_LINES_MAX];
	struct writer extra = writer_over(space, sizeof(space));
	struct leg *from = c->legs[asker];
	struct response r = {
		.status = status,
		.dialog = &from->dialog,
		.contact = true,
		.record_route = true,
		.content_type = BYTES_LIT("application/sdp"),
		.body = early ? text_bytes(&from->open.local) : (struct bytes){ 0 },
	};

	identity_write_peer(&extra, h, c, asker, by);
	r.extra = writer_lines(&extra);
	from->uas->provisional = status;
	if (reliable_is_due(from->uas, early))
		reliable_say(h, c, asker, &r);
	else
		respond(h, txns_get(h->txns, from->uas->server), NULL, &r);
}

void invite_pass_on(struct call_host *h, struct call *c, uint8_t leg, uint16_t status,
		    struct bytes sdp)
{
	uint8_t asker = c->legs[leg]->uac->from;
	struct invite_uas *uas = c->legs[asker]->uas;
	bool early;

	if (uas->unacknowledged.n) {
		reliable_queue(c, leg, status, sdp);
		return;
	}
	early = early_session(h, c, leg, sdp);
	if (status == 183 && sdp.n && !early && !is_agreed(c, leg))
		status = 180;
	if (!early && was_said(c, uas, status))
		return;
	outbox_touch_later(&c->out); /* a successor rings on */
	if (may_say(c->legs[asker], early))
		invite_say(h, c, asker, leg, status, early);
	ringing(h, c, status);
}

static void pass_on(struct call_host *h, struct call *c, uint8_t leg, const struct sip_message *m)
{
	struct bytes sdp;

	if (session_body(m, &sdp))
		sdp = (struct bytes){ 0 };
	invite_pass_on(h, c, leg, m->status, sdp);
}

void invite_ring(struct call_host *h, struct call *c, uint8_t leg)
{
	const struct leg *l = c->legs[leg];

	/* it has still to acknowledge that something rings: one at a time */
	if (l->uas->provisional == 180 || l->uas->unacknowledged.n || !may_say(l, false))
		return;
	outbox_touch_later(&c->out); /* a successor rings on */
	invite_say(h, c, leg, LEG_NONE, 180, false);
	ringing(h, c, 180);
}

/* Who is called by command hears nothing of it. */
static void heard(struct call_host *h, struct call *c, uint8_t leg, const struct sip_message *m)
{
	if (invite_carried(c, leg)) {
		pass_on(h, c, leg, m);
	} else if (c->state == CALL_SETUP || (m->status == 180 && !c->ringing_utc_ms)) {
		ringing(h, c, m->status);
		outbox_touch_later(&c->out);
	}
}

/* RFC 6228: of a branch beyond that phone which is over nobody hears. */
static void early_heard(struct call_host *h, struct call *c, uint8_t leg,
			const struct sip_message *m)
{
	bool reliable = prack_is_due(m);

	if (reliable && !prack_take(h, c, leg, m))
		return;
	if (m->status != 199 && c->legs[leg]->uac->from != leg)
		heard(h, c, leg, m);
	if (reliable)
		prack_keep_answer(c->legs[leg], m);
	else if (m->status == 199 && early_are_several(c->legs[leg]))
		early_end(c, leg, c->legs[leg]->uac->early_at);
}

/* Each of its phones has an early dialog of its own. Without one it may still ring. */
static void early_enter_and_hear(struct call_host *h, struct call *c, uint8_t leg,
				 const struct sip_message *m)
{
	int err = m->status > 100 ? early_enter(h, c, leg, m, false) : 0;

	if (m->status <= 100)
		return;
	if (err == -ENOSPC)
		sig_count_dropped(h->metrics, DROPPED_FORKS);
	else if (!err || !prack_is_due(m))
		early_heard(h, c, leg, m);
	early_settle(c, leg);
}

void invite_enter(struct call_host *h, struct call *c, uint8_t leg, const struct sip_message *m)
{
	const struct invite_uas *uas;
	uint8_t of, at;

	if (!early_find(c, leg, m, &of, &at))
		return;
	uas = invite_carried(c, of);
	if (uas && uas->state != UAS_PROCEEDING)
		return;
	early_use(c->legs[of], at);
	if (early_was_told(c, of) && early_tell(h, c, of))
		session_refresh(h, c);
}

void invite_provisional(struct call_host *h, struct call *c, const struct call_event *ev)
{
	struct leg *l = c->legs[ev->leg];

	if (!leg_is_open(l) || l->uac->state == UAC_QUEUED)
		return;
	l->uac->state = UAC_PROCEEDING;
	trunk_route_on_response(h, c, ev->leg, ev->message->status);
	identity_learn(h, c, ev->leg, ev->message);
	if (l->uac->from == ev->leg && !l->leave)
		outbox_touch(&c->out);
	if (l->leave)
		leg_leave_now(h, c, ev->leg);
	else if (l->state == LEG_EARLY)
		early_enter_and_hear(h, c, ev->leg, ev->message);
}

/* Our 2xx has not left: it waits for the PRACK of what was said before. */
static bool is_cancellable(const struct leg *l)
{
	return l->state == LEG_EARLY && l->uas &&
	       (l->uas->state == UAS_PROCEEDING || l->uas->answer_waits);
}

void invite_cancel(struct call_host *h, struct call *c, const struct call_event *ev)
{
	struct call_ending e = {
		.cause = CAUSE_CANCELLED, .by = ENDED_BY_A, .status = 487, .reason = { 0 }
	};

	const struct leg *l = c->legs[ev->leg];

	if (!is_cancellable(l))
		return; /* too late (RFC 3261 9.2); a re-INVITE just runs its course */
	call_end(h, c, &e);
}
