/* SPDX-License-Identifier: Apache-2.0 */
/* Recording sessions of a call with an external recorder (SIPREC, RFC 7866; docs/adr/0045): the
 * state machine of one session per recording, with INVITE, answer, ACK, re-INVITE on changes,
 * session timer and BYE. It opens ports and keys for the streams, lets the media side fork them,
 * and on failure tries the next recorder or retries later. The call goes on whatever becomes of the
 * session. SDP and metadata are written by siprec_body.c, the dialog and recorder lookup by
 * siprec_dialog.c. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "media/crypto.h"
#include "sig/call/call_end.h"
#include "sig/call/session.h"
#include "sig/host/destination.h"
#include "sig/host/settings.h"
#include "sig/leg/leg.h"
#include "sig/leg/respond.h"
#include "sig/leg/session_timer.h"
#include "sig/pbx/recording/siprec.h"
#include "sig/pbx/recording/siprec_body.h"
#include "sig/pbx/recording/siprec_dialog.h"

/* ---- requests of the recorder in its session: re-INVITE, UPDATE, OPTIONS and INFO; our answer
 * ---- */

/* RFC 3264 6: a stream that it does not accept is inactive in our answer; a line that it lacks we
 * lack, too. */
static void talk_read_offer(struct siprec_talk *t, const struct siprec *s, struct bytes sdp)
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
		talk_read_offer(&t, s, offer);
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
	explicit_bzero(h->sdp, ok.body.n); /* it may contain SRTP keys */
	session_timer_start(h, &s->timer);
	outbox_touch_later(&c->out);
}

/* ---- what it wants ---- */

/* 0, or the status that refuses it; all is as before then. */
static uint16_t siprec_accept_offer(struct call_host *h, struct siprec *s,
				    const struct sip_message *m)
{
	struct media_fork before = s->answer;
	const char *reason;
	int err = siprec_read_sdp(h, s, m, &reason);

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
	if (!session_timer_on_request(h, &s->timer, m))
		return 422;
	return offer->n ? siprec_accept_offer(h, s, m) : 0;
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

	if (!refused && dialog_refresh(&s->dialog, ev->message, false, h))
		refused = 400;
	s->dialog.named = false;
	if (refused != 500)
		s->dialog.remote_cseq = ev->message->cseq;
	if (refused)
		siprec_refuse(h, ev, refused);
	else
		siprec_accept(h, c, r, ev, offer);
}

/* All but BYE. Answered. */
static void siprec_on_request(struct call_host *h, struct call *c, struct recording *r,
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

/* ACK to our 2xx. NULL, or what is wrong with the answer to our offer in it. */
static const char *siprec_on_ack(struct call_host *h, struct siprec *s,
				 const struct sip_message *ack)
{
	bool offered = s->offered;
	const char *reason;

	if (!s->unacked.n || ack->cseq != s->unacked_cseq)
		return NULL;
	text_wipe(&s->unacked);
	s->again_ns = s->unacked_until_ns = 0;
	s->offered = false;
	return offered && siprec_read_sdp(h, s, ack, &reason) ? reason : NULL;
}

/* Our 2xx, until its ACK. */
static void siprec_answer_again(struct call_host *h, struct call *c, uint8_t index)
{
	struct siprec *s = c->recordings->list[index].siprec;

	s->interval_ms = s->interval_ms * 2 < TXN_T2_MS ? s->interval_ms * 2 : TXN_T2_MS;
	s->again_ns = h->now.ns + s->interval_ms * NS_PER_MS;
	txns_send(h->txns, &s->unacked_hop, text_bytes(&s->unacked));
}

/* ---- ports and SRTP keys ---- */

static void siprec_close_ports(struct call_host *h, struct siprec *s)
{
	for (unsigned i = 0; s->has_ports && i < FORK_STREAMS; i++)
		(void)ports_release(&h->ports[s->network], s->ports[i], h->now.ns);
	s->has_ports = false;
	explicit_bzero(s->keys, sizeof(s->keys));
}

static void siprec_make_keys(struct call_host *h, struct siprec *s)
{
	for (unsigned i = 0; i < FORK_STREAMS; i++) {
		s->keys[i] = (struct media_key){ .suite = MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80,
						 .length = crypto_key_length(
							 MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80) };
		rand_fill(h->rand, s->keys[i].octets, s->keys[i].length);
	}
}

/* Opens the ports that it lacks, with SRTP keys if wanted. Returns false when few ports are left:
 * calls go first. */
static bool siprec_open_ports(struct call_host *h, struct siprec *s)
{
	struct ports *ports;

	if (s->has_ports)
		return true;
	s->network = (uint8_t)h->settings->locals[s->dialog.hop.local].network;
	ports = &h->ports[s->network];
	if (ports->free_count < ports->pair_count / 8 ||
	    ports_alloc(ports, h->now.ns, &s->ports[0]))
		return false;
	if (ports_alloc(ports, h->now.ns, &s->ports[1])) {
		(void)ports_release(ports, s->ports[0], h->now.ns);
		return false;
	}
	s->has_ports = true;
	if (h->settings->siprec.srtp)
		siprec_make_keys(h, s);
	return true;
}

/* ---- what is copied ---- */

static void siprec_fork(struct call_host *h, const struct call *c, const struct recording *r,
			const struct media_fork *fork)
{
	struct effect *e = effects_add(h->effects, EFFECT_FORK, c->id, 0);
	struct request_fork *request = e ? e->request : NULL;

	if (!request)
		return;
	request->number = r->number;
	request->fork = fork ? malloc(sizeof(*fork)) : NULL;
	if (request->fork)
		*request->fork = *fork;
}

static void siprec_fork_end(struct call_host *h, const struct call *c, const struct recording *r)
{
	if (r->siprec->forks)
		siprec_fork(h, c, r, NULL);
	r->siprec->forks = false;
	explicit_bzero(&r->siprec->fork, sizeof(r->siprec->fork));
}

/* Limited to streams that the recorder accepts, of parties that may be heard now. A party unknown
 * to the recorder is not sent. */
static struct media_fork siprec_fork_of(const struct siprec *s, const struct siprec_talk *t)
{
	struct media_fork fork = s->answer;

	for (unsigned i = 0; i < FORK_STREAMS; i++) {
		const struct siprec_party *p = &t->party[i];

		if (!p->there || !p->speaks || fork.stream[i].leg != p->id ||
		    fork.stream[i].line != p->line)
			fork.stream[i].on = 0;
	}
	return fork;
}

/* The node copies the streams that the recorder accepts, of parties that may be heard now. */
static void siprec_fork_settle(struct call_host *h, const struct call *c, const struct recording *r,
			       const struct siprec_talk *t)
{
	struct siprec *s = r->siprec;
	struct media_fork fork = siprec_fork_of(s, t);

	if (!s->forks || memcmp(&fork, &s->fork, sizeof(fork)) != 0) {
		siprec_fork(h, c, r, &fork);
		s->fork = fork;
		s->forks = true;
	}
	explicit_bzero(&fork, sizeof(fork));
}

enum {
	AGAIN_FIRST_MS = 1000,
	AGAIN_MOST_MS = 30000,
	ANSWER_MS = 4000,  /* where there is another recorder */
	ALIVE_MS = 30000,  /* it is asked whether it is there still */
	PENDING_MS = 2000, /* after 491 (RFC 3261 14.1: 2.1 to 4 s for the owner of the Call-ID) */
};

/* ---- what is told of it ---- */

static void siprec_publish(struct call_host *h, const struct call *c, const struct recording *r,
			   enum sig_event_kind kind, const char *reason)
{
	struct sig_event *event = call_publish_leg(h, c, kind, r->leg);

	event_put_recording(event, c->id, r->number);
	event_put_str(event, EV_REASON, reason);
}

static uint64_t siprec_again_ns(const struct siprec *s)
{
	uint64_t ms = AGAIN_FIRST_MS;

	for (uint8_t i = 1; i < s->tries && ms < AGAIN_MOST_MS; i++)
		ms *= 2;
	return (ms < AGAIN_MOST_MS ? ms : AGAIN_MOST_MS) * NS_PER_MS;
}

/* Once, until it is taken again. */
static void siprec_report_lost(struct call_host *h, struct call *c, const struct recording *r,
			       const char *reason)
{
	struct siprec *s = r->siprec;

	LOG_WARN("call", c->id, "the recorder does not take the recording",
		 LOG_U64("recording", r->number), LOG_STR("reason", reason),
		 LOG_U64("again_ms", siprec_again_ns(s) / NS_PER_MS),
		 LOG_STR("next", "look at the recorder, and at siprec.address"));
	if (!s->lost)
		siprec_publish(h, c, r, SIG_CALL_RECORDING_LOST, reason);
	s->lost = true;
}

/* The session failed or ended: another INVITE is sent in a while, or to another recorder at once.
 * Audio of the meantime counts as lost only if a session was up. */
static void siprec_lost_to(struct call_host *h, struct call *c, struct recording *r,
			   enum siprec_outcome outcome, const char *reason, bool elsewhere)
{
	struct siprec *s = r->siprec;
	bool next = elsewhere && siprec_next_place(h, s);
	bool was_up = s->state == SIPREC_UP;

	metric_add(h->metrics->siprec[outcome], 1);
	s->why = (struct siprec_why){ .reason = reason, .outcome = (uint8_t)outcome };
	siprec_fork_end(h, c, r);
	siprec_close_ports(h, s);
	siprec_forget_dialog(s);
	if (!next || was_up)
		siprec_find_anew(h, s);
	if (!next && s->tries < UINT8_MAX)
		s->tries++;
	s->retry_ns = h->now.ns + (next ? 1 : siprec_again_ns(s));
	if (!next || was_up)
		siprec_report_lost(h, c, r, reason);
	outbox_touch_later(&c->out);
}

static void siprec_lost(struct call_host *h, struct call *c, struct recording *r,
			enum siprec_outcome outcome, const char *reason)
{
	siprec_lost_to(h, c, r, outcome, reason, outcome == SIPREC_UNREACHABLE);
}

/* ---- asking ---- */

/* What the answer will be about. */
static void siprec_note_parties(struct siprec *s, const struct siprec_talk *t)
{
	for (unsigned i = 0; i < FORK_STREAMS; i++) {
		s->asked[i].leg = t->party[i].id;
		s->asked[i].line = t->party[i].line;
	}
}

static void siprec_invite(struct call_host *h, struct call *c, struct recording *r, uint64_t what)
{
	struct siprec *s = r->siprec;
	struct siprec_talk t;
	struct siprec_words words;

	if (!siprec_open_ports(h, s)) {
		siprec_lost(h, c, r, SIPREC_NO_PORTS, "no media ports are free for it");
		return;
	}
	s->version++;
	s->held = 0;
	siprec_talk_read(&t, &words, h, c, r);
	siprec_note_parties(s, &t);
	s->said = what;
	if (!siprec_send(h, s, &t)) {
		siprec_lost(h, c, r, SIPREC_UNREACHABLE, "the node is too busy to ask");
		return;
	}
	if (s->state != SIPREC_AWAY)
		return;
	s->state = SIPREC_ASKED;
	if (siprec_has_others(s))
		s->answer_by_ns = h->now.ns + ANSWER_MS * NS_PER_MS;
}

/* ---- after each step ---- */

static void siprec_settle_away(struct call_host *h, struct call *c, struct recording *r)
{
	struct siprec *s = r->siprec;

	if (s->retry_ns)
		return;
	if (!h->settings->siprec.count) {
		siprec_lost(h, c, r, SIPREC_UNREACHABLE, "siprec.address is not set");
		return;
	}
	switch (siprec_find(h, c, s)) {
	case SIPREC_RESOLVES:
		break;
	case SIPREC_NOWHERE:
		siprec_lost(h, c, r, SIPREC_UNREACHABLE, "its name leads nowhere");
		break;
	case SIPREC_FOUND:
		if (siprec_open_dialog(h, c, s))
			siprec_invite(h, c, r, siprec_talk_hash(h, c, r));
		else
			siprec_lost(h, c, r, SIPREC_UNREACHABLE,
				    "no address of the node leads to it");
		break;
	}
}

/* It says nothing at all, and another one may. */
static void siprec_unanswered(struct call_host *h, struct call *c, uint8_t index)
{
	struct recording *r = &c->recordings->list[index];

	siprec_hang_up(h, r->siprec);
	siprec_lost(h, c, r, SIPREC_UNREACHABLE, "the recorder does not answer");
}

static void siprec_over(struct call_host *h, struct call *c, struct recording *r, const char *why)
{
	siprec_bye(h, &r->siprec->dialog);
	siprec_lost(h, c, r, SIPREC_REFUSED, why);
}

/* RFC 3261 13.3.1.4 */
static void siprec_unacknowledged(struct call_host *h, struct call *c, uint8_t index)
{
	siprec_over(h, c, &c->recordings->list[index],
		    "the recorder does not acknowledge what it asked for");
}

/* RFC 4028 10 */
static void siprec_expired(struct call_host *h, struct call *c, uint8_t index)
{
	siprec_over(h, c, &c->recordings->list[index], "nobody has refreshed the session");
}

static void siprec_refresh(struct call_host *h, struct call *c, uint8_t index)
{
	(void)h;
	c->recordings->list[index].siprec->said = 0;
}

static void siprec_ask_alive(struct call_host *h, struct call *c, uint8_t index)
{
	siprec_keep_alive(h, c->recordings->list[index].siprec);
}

const struct deadline siprec_deadlines[] = {
	{ .name = "siprec retry", .at = offsetof(struct siprec, retry_ns) },
	{ .name = "siprec answer",
	  .at = offsetof(struct siprec, answer_by_ns),
	  .due_of = siprec_unanswered },
	{ .name = "siprec ACK",
	  .at = offsetof(struct siprec, unacked_until_ns),
	  .due_of = siprec_unacknowledged },
	{ .name = "siprec 2xx",
	  .at = offsetof(struct siprec, again_ns),
	  .due_of = siprec_answer_again },
	{ .name = "siprec session",
	  .at = offsetof(struct siprec, timer.expires_ns),
	  .due_of = siprec_expired },
	{ .name = "siprec refresh",
	  .at = offsetof(struct siprec, timer.refresh_ns),
	  .due_of = siprec_refresh },
	{ .name = "siprec alive",
	  .at = offsetof(struct siprec, alive_ns),
	  .due_of = siprec_ask_alive },
	{ 0 },
};

static void siprec_settle_up(struct call_host *h, struct call *c, struct recording *r)
{
	struct siprec *s = r->siprec;
	uint64_t what = siprec_talk_hash(h, c, r);
	struct siprec_talk t;
	struct siprec_words words;

	if (what != s->said && !s->invite && !s->unacked.n && !s->retry_ns)
		siprec_invite(h, c, r, what);
	if (s->state != SIPREC_UP || !s->has_ports)
		return;
	siprec_talk_read(&t, &words, h, c, r);
	siprec_fork_settle(h, c, r, &t);
}

void siprec_settle(struct call_host *h, struct call *c, struct recording *r)
{
	if (!r->siprec)
		r->siprec = siprec_make();
	if (!r->siprec)
		return; /* with the next step */
	for (const struct deadline *d = siprec_deadlines; d->at; d++)
		deadline_handle(d, r->siprec, h, c, (uint8_t)(r - c->recordings->list));
	switch (r->siprec->state) {
	case SIPREC_AWAY:
		siprec_settle_away(h, c, r);
		break;
	case SIPREC_ASKED:
		break;
	case SIPREC_UP:
		siprec_settle_up(h, c, r);
		break;
	}
}

void siprec_end(struct call_host *h, struct call *c, struct recording *r)
{
	if (!r->siprec)
		return;
	siprec_hang_up(h, r->siprec);
	siprec_leave(h, c, r);
	siprec_free(r->siprec);
	r->siprec = NULL;
}

void siprec_leave(struct call_host *h, const struct call *c, struct recording *r)
{
	if (!r->siprec)
		return;
	siprec_find_stop(h, c, r->siprec);
	siprec_fork_end(h, c, r);
	siprec_close_ports(h, r->siprec);
}

/* Where it had its session in another process it goes on there. */
void siprec_resume(struct call_host *h, struct call *c)
{
	(void)h;
	for (uint8_t i = 0; c->recordings && i < c->recordings->count; i++) {
		struct siprec *s = c->recordings->list[i].siprec;

		if (s)
			s->dialog.local_cseq += c->cseq_gap;
	}
}

/* ---- answers ---- */

static void siprec_taken(struct call_host *h, struct call *c, struct recording *r)
{
	struct siprec *s = r->siprec;

	if (s->state != SIPREC_UP) {
		metric_add(h->metrics->siprec[SIPREC_BEGUN], 1);
		LOG_INFO("call", c->id, "the recorder takes the recording",
			 LOG_U64("recording", r->number),
			 LOG_ADDR("recorder", &s->dialog.hop.remote));
	}
	if (s->lost)
		siprec_publish(h, c, r, SIG_CALL_RECORDING_TAKEN, NULL);
	s->state = SIPREC_UP;
	s->lost = false;
	s->why = (struct siprec_why){ 0 };
	s->tries = s->failed = 0;
	s->answer_by_ns = 0;
	s->challenged = 0;
	s->alive_ns = h->now.ns + ALIVE_MS * NS_PER_MS;
	s->retry_ns = 0;
	outbox_touch_later(&c->out);
}

static void siprec_answered(struct call_host *h, struct call *c, struct recording *r,
			    const struct sip_message *m)
{
	struct siprec *s = r->siprec;
	const char *reason = "its answer makes no dialog";
	int err = s->state == SIPREC_ASKED ? dialog_confirm(&s->dialog, m, false, h)
					   : dialog_refresh(&s->dialog, m, false, h);

	s->dialog.named = false; /* no name is looked up for it */
	s->invite = 0;
	if (!err) {
		leg_send_ack(h, &s->dialog, s->invite_cseq, s->ack_branch, (struct bytes){ 0 });
		session_timer_answered(h, &s->timer, m);
		err = siprec_read_sdp(h, s, m, &reason);
		if (err)
			siprec_bye(h, &s->dialog);
	}
	if (err)
		siprec_lost(h, c, r, SIPREC_REFUSED, reason);
	else
		siprec_taken(h, c, r);
}

/* RFC 3261 14.1: it asks itself just now. */
static bool siprec_is_pending(const struct siprec *s, const struct call_event *ev)
{
	return s->state == SIPREC_UP && ev->message && ev->message->status == 491;
}

/* RFC 3261 8.1.3.5, RFC 4028 7.3: repeats it at once with credentials, or for a longer session. */
static bool siprec_may_ask_again(struct call_host *h, struct siprec *s, const struct sip_message *m)
{
	return m && (siprec_challenged(h, s, m) || session_timer_raise(&s->timer, m));
}

static void siprec_refused(struct call_host *h, struct call *c, struct recording *r,
			   uint16_t status)
{
	siprec_lost_to(h, c, r, SIPREC_REFUSED, "the recorder refuses it", status / 100 == 5);
	r->siprec->why.status = status;
}

static void siprec_failed(struct call_host *h, struct call *c, struct recording *r,
			  const struct call_event *ev)
{
	struct siprec *s = r->siprec;

	s->invite = 0;
	if (siprec_may_ask_again(h, s, ev->message)) {
		siprec_invite(h, c, r, s->said);
		return;
	}
	if (siprec_is_pending(s, ev)) {
		s->said = 0;
		s->retry_ns = h->now.ns + PENDING_MS * NS_PER_MS;
		return;
	}
	if (s->state == SIPREC_UP && (!ev->message || ev->message->status != 481))
		siprec_bye(h, &s->dialog);
	if (ev->message)
		siprec_refused(h, c, r, ev->message->status);
	else
		siprec_lost(h, c, r, SIPREC_UNREACHABLE, "the recorder does not answer");
}

static struct recording *siprec_of_txn(const struct call *c, pool_handle txn)
{
	for (uint8_t i = 0; txn && c->recordings && i < c->recordings->count; i++) {
		struct recording *r = &c->recordings->list[i];

		if (r->siprec && r->siprec->invite == txn)
			return r;
	}
	return NULL;
}

/* Our side's tag stands in From of what we ask, and in To of what we are asked. */
static struct recording *siprec_of_dialog(const struct call *c, const struct sip_message *m,
					  struct bytes local, struct bytes remote)
{
	for (uint8_t i = 0; c->recordings && i < c->recordings->count; i++) {
		struct recording *r = &c->recordings->list[i];

		if (r->siprec && r->siprec->state == SIPREC_UP &&
		    dialog_is(&r->siprec->dialog, m->call_id, local, remote))
			return r;
	}
	return NULL;
}

bool siprec_has_dialog(const struct call *c, const struct sip_message *m)
{
	return siprec_of_dialog(c, m, m->to.tag, m->from.tag) != NULL;
}

static void siprec_success(struct call_host *h, struct call *c, const struct call_event *ev)
{
	const struct sip_message *m = ev->message;
	struct recording *r = siprec_of_txn(c, ev->txn);
	struct recording *again = r ? NULL : siprec_of_dialog(c, m, m->from.tag, m->to.tag);

	if (m->method != SIP_INVITE)
		return;
	if (r)
		siprec_answered(h, c, r, m);
	else if (again) /* RFC 3261 13.2.2.4: our ACK was lost */
		leg_send_ack(h, &again->siprec->dialog, m->cseq, again->siprec->ack_branch,
			     (struct bytes){ 0 });
	else
		leg_stray(h, m, !ev->again);
}

/* ---- what the recorder asks ---- */

static void siprec_requested(struct call_host *h, struct call *c, const struct call_event *ev)
{
	const struct response ok = { .status = 200 };
	const struct sip_message *m = ev->message;
	struct recording *r = siprec_of_dialog(c, m, m->to.tag, m->from.tag);
	const char *wrong = NULL;

	if (m->method == SIP_ACK) {
		wrong = r ? siprec_on_ack(h, r->siprec, m) : NULL;
		if (wrong)
			siprec_over(h, c, r, wrong);
	} else if (!ev->slot) {
		return;
	} else if (!r) {
		respond_refuse(h, ev, 481, REFUSED_NO_DIALOG, (struct bytes){ 0 });
	} else if (m->method == SIP_BYE) {
		respond(h, ev->slot, m, &ok);
		siprec_lost(h, c, r, SIPREC_ENDED, "the recorder has ended it");
	} else {
		siprec_on_request(h, c, r, ev);
	}
}

static struct recording *siprec_of_alive(const struct call *c, pool_handle txn)
{
	for (uint8_t i = 0; txn && c->recordings && i < c->recordings->count; i++) {
		struct recording *r = &c->recordings->list[i];

		if (r->siprec && r->siprec->alive == txn)
			return r;
	}
	return NULL;
}

/* Whatever it says, it is there; but it may have forgotten the session (RFC 3261 12.2.1.2). */
static void siprec_alive(struct call_host *h, struct call *c, struct recording *r,
			 const struct call_event *ev)
{
	struct siprec *s = r->siprec;
	uint16_t status = ev->kind == CALL_EV_TIMEOUT ? 408 : ev->message->status;

	if (ev->kind == CALL_EV_PROVISIONAL)
		return;
	s->alive = 0;
	s->alive_ns = h->now.ns + ALIVE_MS * NS_PER_MS;
	if (status == 408 || status == 481)
		siprec_lost(h, c, r, SIPREC_UNREACHABLE, "the recorder is gone");
}

static void siprec_progresses(struct siprec *s)
{
	s->provisional = true;
	s->answer_by_ns = 0;
}

void siprec_step(struct call_host *h, struct call *c, const struct call_event *ev)
{
	struct recording *r = siprec_of_txn(c, ev->txn);
	struct recording *alive = siprec_of_alive(c, ev->txn);

	if (alive)
		siprec_alive(h, c, alive, ev);
	else if (ev->kind == CALL_EV_REQUEST)
		siprec_requested(h, c, ev);
	else if (ev->kind == CALL_EV_SUCCESS || ev->kind == CALL_EV_STRAY)
		siprec_success(h, c, ev);
	else if (ev->kind == CALL_EV_PROVISIONAL && r)
		siprec_progresses(r->siprec);
	else if ((ev->kind == CALL_EV_FAILURE || ev->kind == CALL_EV_TIMEOUT) && r)
		siprec_failed(h, c, r, ev);
}

/* ---- what others ask of it ---- */

bool siprec_taps(const struct call *c, uint8_t leg)
{
	for (uint8_t i = 0; c->recordings && i < c->recordings->count; i++) {
		const struct recording *r = &c->recordings->list[i];

		for (unsigned s = 0; r->siprec && s < FORK_STREAMS; s++) {
			if (r->siprec->forks && r->siprec->fork.stream[s].on &&
			    r->siprec->fork.stream[s].leg == leg)
				return true;
		}
	}
	return false;
}

void siprec_replied(struct call_host *h, struct call *c, const struct reply *reply)
{
	for (uint8_t i = 0; c->recordings && i < c->recordings->count; i++) {
		struct siprec *s = c->recordings->list[i].siprec;

		if (s && siprec_on_found(h, s, reply->lookup))
			return;
	}
}

uint64_t siprec_next(const struct call *c, uint64_t next)
{
	for (uint8_t i = 0; c->recordings && i < c->recordings->count; i++) {
		void *session = c->recordings->list[i].siprec;

		for (const struct deadline *d = siprec_deadlines; session && d->at; d++) {
			if (deadline_is_by(d, session, next - 1))
				next = *deadline_field(d, session);
		}
	}
	return next;
}
