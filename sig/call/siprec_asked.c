/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/siprec_asked.h"

#include <errno.h>
#include <string.h>

#include "sig/call/session.h"
#include "sig/call/siprec_dialog.h"
#include "sig/call/siprec_talk.h"
#include "sig/leg/respond.h"
#include "sig/leg/session_timer.h"

/* ---- the answer ---- */

/* RFC 3264 6: where it takes nothing now our line is inactive, and where it has none we have none. */
static void talk_take_offer(struct siprec_talk *t, const struct siprec *s, struct bytes sdp)
{
	struct sdp_error error;
	struct sdp offer;

	if (sdp_parse(&offer, sdp, &error))
		return;
	for (unsigned i = 0; i < FORK_STREAMS; i++) {
		t->held[i] = !s->answer.stream[i].on;
		if (!offer.sections[i + 1].port)
			t->port[i] = 0;
	}
}

static uint8_t held_of(const struct siprec_talk *t)
{
	uint8_t held = 0;

	for (unsigned i = 0; i < FORK_STREAMS; i++)
		held |= (uint8_t)(t->held[i] << i | !t->port[i] << (FORK_STREAMS + i));
	return held;
}

/* The same SDP has the same version (RFC 3264 8). */
static struct bytes answer_write(struct call_host *h, const struct call *c,
				 const struct recording *r, struct bytes offer)
{
	struct writer w = writer_over(h->sdp, HOST_SDP_MAX);
	struct siprec *s = r->siprec;
	struct siprec_words words;
	struct siprec_talk t;
	uint8_t held;

	siprec_talk_read(&t, &words, h, c, r);
	if (offer.n)
		talk_take_offer(&t, s, offer);
	held = held_of(&t);
	if (held != s->held)
		t.version = ++s->version;
	s->held = held;
	siprec_write_sdp(&w, &t);
	return w.overflow ? (struct bytes){ 0 } : writer_done(&w);
}

static void siprec_answer_send(struct call_host *h, struct siprec *s, const struct call_event *ev,
			       const struct response *r)
{
	struct text answer = { 0 };

	if (response_make(h, ev->message, r, &answer)) {
		respond_refuse(h, ev, 500, REFUSED_MEMORY, (struct bytes){ 0 });
		return;
	}
	if (ev->message->method == SIP_INVITE && !text_set(&s->unacked, text_bytes(&answer))) {
		s->unacked_hop = ev->slot->txn.hop;
		s->unacked_cseq = ev->message->cseq;
		s->interval_ms = TXN_T1_MS;
		s->again_ns = h->now.ns + TXN_T1_MS * NS_PER_MS;
		s->unacked_until_ns = h->now.ns + TXN_TIMEOUT_MS * NS_PER_MS;
	}
	txns_reply(h->txns, ev->slot, r->status, &answer, h->now.ns);
}

static void siprec_accept(struct call_host *h, struct call *c, struct recording *r,
			  const struct call_event *ev, struct bytes offer)
{
	struct writer extra = writer_over(h->extra, HOST_EXTRA);
	struct siprec *s = r->siprec;
	bool invite = ev->message->method == SIP_INVITE;
	struct response ok = { .status = 200, .dialog = &s->dialog };

	if (invite || offer.n) {
		ok.content_type = BYTES_LIT("application/sdp");
		ok.body = answer_write(h, c, r, offer);
	}
	siprec_write_lines(&extra, h, s);
	session_timer_write_answer(&extra, &s->timer);
	ok.extra = writer_lines(&extra);
	s->offered = invite && !offer.n;
	siprec_answer_send(h, s, ev, &ok);
	explicit_bzero(h->sdp, ok.body.n); /* it may have keys */
	session_timer_start(h, &s->timer);
	outbox_touch_later(&c->out);
}

/* ---- what it wants ---- */

/* 0, or the status that refuses it; all is as before then. */
static uint16_t offer_take(struct call_host *h, struct siprec *s, const struct sip_message *m)
{
	struct media_fork before = s->answer;
	const char *reason;
	int err = siprec_take_sdp(h, s, m, &reason);

	if (err)
		s->answer = before;
	explicit_bzero(&before, sizeof(before));
	return err ? 488 : 0;
}

static uint16_t siprec_refusal_of(struct call_host *h, struct siprec *s,
				  const struct sip_message *m, struct bytes *offer)
{
	bool old = s->dialog.remote_cseq && m->cseq <= s->dialog.remote_cseq;

	if (old) /* RFC 3261 12.2.2 */
		return 500;
	if (session_body(m, offer))
		return 415;
	if ((m->method == SIP_INVITE || offer->n) && (s->invite || s->unacked.n))
		return 491; /* RFC 3261 14.2, RFC 3311 5.2 */
	if (!session_timer_asked(h, &s->timer, m))
		return 422;
	return offer->n ? offer_take(h, s, m) : 0;
}

static void siprec_refuse(struct call_host *h, const struct call_event *ev, uint16_t status)
{
	struct call_refusal why = { .status = status, .reason = REFUSED_SDP };

	if (status == 491)
		why.reason = REFUSED_GLARE;
	if (status == 422)
		why.reason = REFUSED_INTERVAL;
	if (status == 415)
		why.reason = REFUSED_BODY;
	session_refuse(h, ev, &why);
}

static void siprec_change(struct call_host *h, struct call *c, struct recording *r,
			  const struct call_event *ev)
{
	struct siprec *s = r->siprec;
	struct bytes offer = { 0 };
	uint16_t refused = siprec_refusal_of(h, s, ev->message, &offer);

	if (!refused && dialog_refresh(&s->dialog, ev->message, h))
		refused = 400;
	s->dialog.named = false;
	if (refused != 500)
		s->dialog.remote_cseq = ev->message->cseq;
	if (refused)
		siprec_refuse(h, ev, refused);
	else
		siprec_accept(h, c, r, ev, offer);
}

void siprec_asked(struct call_host *h, struct call *c, struct recording *r,
		  const struct call_event *ev)
{
	const struct sip_message *m = ev->message;
	const struct response ok = { .status = 200 };

	if (m->method == SIP_INVITE || m->method == SIP_UPDATE)
		siprec_change(h, c, r, ev);
	else if (m->method == SIP_OPTIONS || m->method == SIP_INFO)
		respond(h, ev->slot, m, &ok);
	else
		respond_refuse(h, ev, 501, REFUSED_METHOD, (struct bytes){ 0 });
}

/* ---- until it has the answer ---- */

const char *siprec_asked_done(struct call_host *h, struct siprec *s, const struct sip_message *ack)
{
	bool offered = s->offered;
	const char *reason;

	if (!s->unacked.n || ack->cseq != s->unacked_cseq)
		return NULL;
	text_wipe(&s->unacked);
	s->offered = false;
	return offered && siprec_take_sdp(h, s, ack, &reason) ? reason : NULL;
}

bool siprec_asked_again(struct call_host *h, struct siprec *s)
{
	if (!s->unacked.n || h->now.ns < s->again_ns)
		return true;
	if (h->now.ns >= s->unacked_until_ns) {
		text_wipe(&s->unacked);
		return false;
	}
	s->interval_ms = s->interval_ms * 2 < TXN_T2_MS ? s->interval_ms * 2 : TXN_T2_MS;
	s->again_ns = h->now.ns + s->interval_ms * NS_PER_MS;
	if (s->again_ns > s->unacked_until_ns)
		s->again_ns = s->unacked_until_ns;
	txns_send(h->txns, &s->unacked_hop, text_bytes(&s->unacked));
	return true;
}
