/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/siprec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "media/crypto.h"
#include "sig/call/call_end.h"
#include "sig/call/session.h"
#include "sig/call/siprec_talk.h"
#include "sig/dialog/dialog_hop.h"
#include "sig/host/place_check.h"
#include "sig/leg/leg.h"
#include "sig/leg/respond.h"

enum {
	AGAIN_FIRST_MS = 1000,
	AGAIN_MOST_MS = 30000,
	PENDING_MS = 2000, /* after 491 (RFC 3261 14.1: 2.1 to 4 s for who owns the Call-ID) */
	LINES_MAX = 512,
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

/* ---- requests ---- */

static void siprec_ack(struct call_host *h, const struct dialog *d, uint32_t cseq, uint64_t branch)
{
	struct writer w = writer_over(h->space, HOST_SPACE);
	struct dialog_request r = {
		.method = SIP_ACK, .cseq = cseq, .branch = branch, .max_forwards = -1
	};

	dialog_write_request(&w, d, &r, h->settings);
	if (!w.overflow)
		txns_send(h->txns, &d->hop, writer_done(&w));
}

/* Nobody waits for its answer: the session is over for us. */
static void siprec_bye(struct call_host *h, struct dialog *d)
{
	struct dialog_request r = { .method = SIP_BYE, .max_forwards = -1 };

	if (!leg_send(h, d, &r, TXN_USER_NONE))
		LOG_WARN("call", dialog_call(d), "no transaction left for BYE to the recorder");
}

/* RFC 3261 9.1: a 2xx that comes all the same is answered by siprec_stray. */
static void siprec_cancel(struct call_host *h, const struct siprec *s)
{
	struct txn_slot *invite = txns_get(h->txns, s->invite);
	struct writer w = writer_over(h->space, HOST_SPACE);
	char branch[ID_BRANCH_LEN];
	struct txn_slot *slot;

	if (!invite || !s->provisional ||
	    !dialog_read_branch(text_bytes(&invite->txn.message), branch))
		return;
	dialog_write_derived(&w, text_bytes(&invite->txn.message), SIP_CANCEL, (struct bytes){ 0 },
			     (struct bytes){ 0 });
	slot = w.overflow
		       ? NULL
		       : txns_take_client(h->txns, SIP_CANCEL, &invite->txn.hop,
					  bytes_mem(branch, sizeof(branch)), TXN_INSIDE, h->now.ns);
	if (!slot)
		return;
	if (text_set(&slot->txn.message, writer_done(&w))) {
		txns_drop(h->txns, slot->self);
		return;
	}
	(void)txns_step(h->txns, slot, TXN_EV_START, h->now.ns);
}

static void siprec_hang_up(struct call_host *h, struct siprec *s)
{
	switch (s->state) {
	case SIPREC_AWAY:
		break;
	case SIPREC_ASKED:
		siprec_cancel(h, s);
		txns_limit(h->txns, s->invite, h->now.ns);
		break;
	case SIPREC_UP:
		txns_limit(h->txns, s->invite, h->now.ns);
		siprec_bye(h, &s->dialog);
		break;
	}
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

/* ---- INVITE ---- */

/* The first address of ours by which it is reached. False: there is none. */
static bool siprec_hop(const struct call_host *h, struct sip_hop *out)
{
	const struct shard_settings *set = h->settings;
	const struct shard_siprec *to = &set->siprec;

	*out = (struct sip_hop){ .transport = to->transport, .remote = to->address };
	for (uint16_t i = 0; i < set->local_count; i++) {
		const struct shard_local *l = &set->locals[i];

		if (l->transport != to->transport || l->bind.family != to->address.family ||
		    !shard_local_is_own(set, i) ||
		    (to->network[0] && strcmp(set->networks[l->network].name, to->network)))
			continue;
		out->local = i;
		return place_check(h, out, &out->remote, true) == DESTINATION_OK;
	}
	return false;
}

static void siprec_write_uri(struct writer *w, const struct shard_siprec *to)
{
	WRITER_TEXTS(w, "sip:", to->user, to->user[0] ? "@" : "");
	addr_write(w, &to->address);
	if (to->transport != SIP_UDP)
		WRITER_TEXTS(w, ";transport=", to->transport == SIP_TLS ? "tls" : "tcp");
}

static bool siprec_open_dialog(struct call_host *h, const struct call *c, struct siprec *s)
{
	char text[LINES_MAX];
	struct writer uri = writer_over(text, sizeof(text));
	struct id_tag tag = { .call = c->id, .leg = SIPREC_LEG, .random = rand_u64_from(h->rand) };
	struct dialog_party party = { .local_user = BYTES_LIT("recording") };

	if (!siprec_hop(h, &party.hop))
		return false;
	writer_str(&uri, "<");
	siprec_write_uri(&uri, &h->settings->siprec);
	writer_str(&uri, ">");
	party.target = bytes_sub(writer_done(&uri), 1, uri.n - 2);
	dialog_clear(&s->dialog);
	if (uri.overflow || dialog_to_party(&s->dialog, &tag, &party, h->settings) ||
	    text_set(&s->dialog.remote, writer_done(&uri)))
		return false;
	s->dialog.trunk = true; /* it may be of several machines */
	s->session_id = rand_u64_from(h->rand) >> 1;
	s->version = 0;
	return true;
}

/* RFC 7866 6.1.1 */
static struct bytes siprec_lines(const struct call_host *h, const struct siprec *s,
				 char out[LINES_MAX])
{
	char contact[LINES_MAX];
	struct writer c = writer_over(contact, sizeof(contact)), w = writer_over(out, LINES_MAX);

	dialog_write_contact(&c, &s->dialog, h->settings);
	writer_bytes(&w, bytes_trim(writer_done(&c)));
	writer_str(&w, ";+sip.src\r\n"
		       "Require: siprec\r\n" RESPOND_ACCEPT
		       "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE\r\n");
	return writer_lines(&w);
}

static bool siprec_send(struct call_host *h, struct siprec *s, const struct siprec_talk *t)
{
	char lines[LINES_MAX], type[64];
	struct writer body = writer_over(h->sdp, HOST_SDP_MAX);
	struct writer kind = writer_over(type, sizeof(type));
	struct dialog_request r = { .method = SIP_INVITE,
				    .max_forwards = -1,
				    .extra = siprec_lines(h, s, lines) };
	struct txn_slot *slot;

	siprec_write_body(&body, t);
	siprec_write_type(&kind, t);
	r.content_type = writer_done(&kind);
	r.body = writer_done(&body);
	slot = body.overflow ? NULL : leg_request(h, &s->dialog, &r, TXN_USER_SIPREC);
	explicit_bzero(h->sdp, body.n); /* it may have keys */
	if (!slot)
		return false;
	s->invite = slot->self;
	s->invite_cseq = r.cseq;
	s->ack_branch = rand_u64_from(h->rand);
	s->provisional = false;
	(void)txns_step(h->txns, slot, TXN_EV_START, h->now.ns);
	return true;
}

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

void siprec_stray(struct call_host *h, const struct sip_message *m)
{
	struct dialog d = { .hop = m->hop, .local_cseq = m->cseq };
	char text[LINES_MAX];
	struct writer w = writer_over(text, sizeof(text));

	WRITER_TEXTS(&w, "<");
	writer_bytes(&w, m->from.uri.all);
	writer_str(&w, ">");
	if (w.overflow || id_tag_get(m->from.tag, &d.tag) || text_set(&d.call_id, m->call_id) ||
	    text_set(&d.local, writer_done(&w)))
		goto out;
	w.n = 1;
	writer_bytes(&w, m->to.uri.all);
	writer_str(&w, ">");
	if (w.overflow || text_set(&d.remote, writer_done(&w)) ||
	    text_set(&d.target, m->to.uri.all) || dialog_confirm(&d, m, true, h))
		goto out;
	siprec_ack(h, &d, m->cseq, rand_u64_from(h->rand));
	siprec_bye(h, &d);
out:
	dialog_clear(&d);
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
