/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/siprec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "media/crypto.h"
#include "sig/call/call_end.h"
#include "sig/call/session.h"
#include "sig/call/siprec_dialog.h"
#include "sig/call/siprec_talk.h"
#include "sig/host/place_check.h"
#include "sig/leg/leg.h"
#include "sig/leg/respond.h"

enum {
	AGAIN_FIRST_MS = 1000,
	AGAIN_MOST_MS = 30000,
	PENDING_MS = 2000, /* after 491 (RFC 3261 14.1: 2.1 to 4 s for who owns the Call-ID) */
};

/* ---- what is told of it ---- */

static void siprec_publish(struct call_host *h, const struct call *c, const struct recording *r,
			   enum sig_event_kind kind, const char *reason)
{
	struct sig_event *event = call_publish_begin(h, c, kind);

	if (!event)
		return;
	event->leg = r->leg != c->bridge.caller;
	event->recording = r->number;
	event->reason = reason;
}

/* ---- ports and keys ---- */

static void siprec_give_ports(struct call_host *h, struct siprec *s)
{
	for (unsigned i = 0; s->has_ports && i < FORK_STREAMS; i++)
		(void)ports_give(&h->ports[s->network], s->ports[i], h->now.ns);
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

/* Calls come first where few are left. */
static bool siprec_take_ports(struct call_host *h, struct siprec *s)
{
	struct ports *ports;

	if (s->has_ports)
		return true;
	s->network = (uint8_t)h->settings->locals[s->dialog.hop.local].network;
	ports = &h->ports[s->network];
	if (ports->free_count < ports->pair_count / 8 || ports_take(ports, h->now.ns, &s->ports[0]))
		return false;
	if (ports_take(ports, h->now.ns, &s->ports[1])) {
		(void)ports_give(ports, s->ports[0], h->now.ns);
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
	struct effect *e = effects_add(h->effects, EFFECT_FORK);

	if (!e)
		return;
	e->call = c->id;
	e->record.number = r->number;
	e->fork = fork ? malloc(sizeof(*fork)) : NULL;
	if (e->fork)
		*e->fork = *fork;
}

static void siprec_fork_end(struct call_host *h, const struct call *c, const struct recording *r)
{
	if (r->siprec->forks)
		siprec_fork(h, c, r, NULL);
	r->siprec->forks = false;
	explicit_bzero(&r->siprec->fork, sizeof(r->siprec->fork));
}

/* Of what the recorder takes: who may be heard now. Whom it knows nothing of yet is not sent. */
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

static uint64_t siprec_again_ns(const struct siprec *s)
{
	uint64_t ms = AGAIN_FIRST_MS;

	for (uint8_t i = 1; i < s->tries && ms < AGAIN_MOST_MS; i++)
		ms *= 2;
	return (ms < AGAIN_MOST_MS ? ms : AGAIN_MOST_MS) * NS_PER_MS;
}

/* There is no session, or none any more: another one is asked for in a while. */
static void siprec_lost(struct call_host *h, struct call *c, struct recording *r,
			enum siprec_outcome outcome, const char *reason)
{
	struct siprec *s = r->siprec;

	metric_add(h->metrics->siprec[outcome], 1);
	siprec_fork_end(h, c, r);
	siprec_give_ports(h, s);
	siprec_forget_dialog(s);
	if (s->tries < UINT8_MAX)
		s->tries++;
	s->retry_ns = h->now.ns + siprec_again_ns(s);
	LOG_WARN("call", c->id, "the recorder does not take the recording",
		 LOG_U64("recording", r->number), LOG_STR("reason", reason),
		 LOG_U64("again_ms", siprec_again_ns(s) / NS_PER_MS),
		 LOG_STR("next", "look at the recorder, and at siprec.address"));
	if (!s->lost)
		siprec_publish(h, c, r, SIG_CALL_RECORDING_LOST, reason);
	s->lost = true;
	outbox_touch_later(&c->out);
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

static void siprec_ask(struct call_host *h, struct call *c, struct recording *r, uint64_t what)
{
	struct siprec *s = r->siprec;
	struct siprec_talk t;
	struct siprec_words words;

	if (!siprec_take_ports(h, s)) {
		siprec_lost(h, c, r, SIPREC_NO_PORTS, "no media ports are free for it");
		return;
	}
	s->version++;
	siprec_talk_read(&t, &words, h, c, r);
	siprec_note_parties(s, &t);
	s->said = what;
	if (!siprec_send(h, s, &t)) {
		siprec_lost(h, c, r, SIPREC_UNREACHABLE, "the node is too busy to ask");
		return;
	}
	if (s->state == SIPREC_AWAY)
		s->state = SIPREC_ASKED;
}

/* ---- after each step ---- */

static void siprec_settle_away(struct call_host *h, struct call *c, struct recording *r)
{
	struct siprec *s = r->siprec;

	if (s->retry_ns > h->now.ns)
		return;
	s->retry_ns = 0;
	if (!h->settings->siprec.on)
		siprec_lost(h, c, r, SIPREC_UNREACHABLE, "siprec.address is not set");
	else if (!siprec_open_dialog(h, c, s))
		siprec_lost(h, c, r, SIPREC_UNREACHABLE, "no address of the node leads to it");
	else
		siprec_ask(h, c, r, siprec_talk_hash(h, c, r));
}

static void siprec_settle_up(struct call_host *h, struct call *c, struct recording *r)
{
	struct siprec *s = r->siprec;
	uint64_t what = siprec_talk_hash(h, c, r);
	struct siprec_talk t;
	struct siprec_words words;

	if (what != s->said && !s->invite && s->retry_ns <= h->now.ns) {
		s->retry_ns = 0;
		siprec_ask(h, c, r, what);
	}
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
	siprec_fork_end(h, c, r);
	siprec_give_ports(h, r->siprec);
}

/* Where it had its session in another process it goes on there. */
void siprec_resume(struct call_host *h, struct call *c)
{
	(void)h;
	for (uint8_t i = 0; c->recordings && i < c->recordings->count; i++) {
		struct siprec *s = c->recordings->list[i].siprec;

		if (s)
			s->dialog.local_cseq += RESUME_CSEQ_GAP;
	}
}

/* ---- answers ---- */

static bool siprec_may_send(const struct call_host *h, const struct siprec *s,
			    const struct addr *to)
{
	return place_check(h, &s->dialog.hop, to, true) == DESTINATION_OK;
}

/* 0, or -errno and why. */
static int siprec_take_answer(struct call_host *h, struct siprec *s, const struct sip_message *m,
			      const char **reason)
{
	struct bytes sdp;
	int err;

	*reason = "its answer has no session description";
	if (session_body(m, &sdp) || !sdp.n)
		return -EBADMSG;
	err = siprec_read_answer(&s->answer, sdp, s->keys[0].suite != MEDIA_SUITE_NONE, reason);
	for (unsigned i = 0; i < FORK_STREAMS && !err; i++) {
		struct fork_stream *to = &s->answer.stream[i];

		if (to->on && !(siprec_may_send(h, s, &to->remote) &&
				siprec_may_send(h, s, &to->rtcp_remote))) {
			*reason = "its answer names an address that nothing is sent to";
			err = -ENOTSUP;
		}
		to->leg = s->asked[i].leg;
		to->line = s->asked[i].line;
		to->local = h->settings->networks[s->network].media_bind;
		to->local.port = ports_rtp_port(&h->ports[s->network], s->ports[i]);
		to->key = s->keys[i];
	}
	return err;
}

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
	s->tries = 0;
	s->retry_ns = 0;
	outbox_touch_later(&c->out);
}

static void siprec_answered(struct call_host *h, struct call *c, struct recording *r,
			    const struct sip_message *m)
{
	struct siprec *s = r->siprec;
	const char *reason = "its answer makes no dialog";
	int err = s->state == SIPREC_ASKED ? dialog_confirm(&s->dialog, m, false, h)
					   : dialog_refresh(&s->dialog, m, h);

	s->dialog.named = false; /* no name is looked up for it */
	s->invite = 0;
	if (!err) {
		siprec_ack(h, &s->dialog, s->invite_cseq, s->ack_branch);
		err = siprec_take_answer(h, s, m, &reason);
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

static void siprec_failed(struct call_host *h, struct call *c, struct recording *r,
			  const struct call_event *ev)
{
	struct siprec *s = r->siprec;

	s->invite = 0;
	if (siprec_is_pending(s, ev)) {
		s->said = 0;
		s->retry_ns = h->now.ns + PENDING_MS * NS_PER_MS;
		return;
	}
	if (s->state == SIPREC_UP && (!ev->message || ev->message->status != 481))
		siprec_bye(h, &s->dialog);
	if (ev->message)
		siprec_lost(h, c, r, SIPREC_REFUSED, "the recorder refuses it");
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

	if (r)
		siprec_answered(h, c, r, m);
	else if (again) /* RFC 3261 13.2.2.4: it did not hear our ACK */
		siprec_ack(h, &again->siprec->dialog, m->cseq, again->siprec->ack_branch);
	else
		siprec_stray(h, m);
}

/* ---- what the recorder asks ---- */

static void siprec_respond(struct call_host *h, const struct call_event *ev, uint16_t status)
{
	const struct response ok = { .status = status };

	respond(h, ev->slot, ev->message, &ok);
}

static void siprec_requested(struct call_host *h, struct call *c, const struct call_event *ev)
{
	const struct sip_message *m = ev->message;
	struct recording *r = siprec_of_dialog(c, m, m->to.tag, m->from.tag);

	if (!ev->slot)
		return;
	if (!r) {
		respond_refuse(h, ev, 481, REFUSED_NO_DIALOG, (struct bytes){ 0 });
	} else if (m->method == SIP_BYE) {
		siprec_respond(h, ev, 200);
		siprec_lost(h, c, r, SIPREC_ENDED, "the recorder has ended it");
	} else if (m->method == SIP_OPTIONS || m->method == SIP_INFO ||
		   (m->method == SIP_UPDATE && !m->body.n)) {
		siprec_respond(h, ev, 200);
	} else if (m->method == SIP_INVITE || m->method == SIP_UPDATE) {
		respond_refuse(h, ev, 488, REFUSED_SDP, (struct bytes){ 0 });
	} else {
		respond_refuse(h, ev, 501, REFUSED_METHOD, (struct bytes){ 0 });
	}
}

void siprec_step(struct call_host *h, struct call *c, const struct call_event *ev)
{
	struct recording *r = siprec_of_txn(c, ev->txn);

	if (ev->kind == CALL_EV_REQUEST)
		siprec_requested(h, c, ev);
	else if (ev->kind == CALL_EV_SUCCESS || ev->kind == CALL_EV_STRAY)
		siprec_success(h, c, ev);
	else if (ev->kind == CALL_EV_PROVISIONAL && r)
		r->siprec->provisional = true;
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

uint64_t siprec_due_ns(const struct call *c)
{
	uint64_t next = 0;

	for (uint8_t i = 0; c->recordings && i < c->recordings->count; i++) {
		const struct siprec *s = c->recordings->list[i].siprec;

		if (s && s->retry_ns && (!next || s->retry_ns < next))
			next = s->retry_ns;
	}
	return next;
}
