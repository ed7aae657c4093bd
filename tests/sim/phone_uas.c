/* SPDX-License-Identifier: Apache-2.0 */
/* The phone as the one that is asked. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sig/sip/id.h"
#include "tests/sim/outside.h"
#include "tests/sim/sim.h"

enum { TEXT_MAX_N = 4096 };
#define RINGS_NS  (120 * NS_PER_S)
#define T1        (500 * NS_PER_MS)
#define T2        (4 * NS_PER_S)
#define NO_ACK_NS (64 * T1)

static struct phone_txn *by_serial(struct phone *p, uint64_t serial)
{
	struct phone_txn *t = p->txns;

	while (t && (t->serial != serial || t->dead))
		t = t->next;
	return t;
}

/* To a request that is kept with its transaction. */
static struct bytes answer(struct sim *s, struct phone_txn *t, uint16_t status, const char *tag,
			   const char *body, char text[TEXT_MAX_N])
{
	struct message_error error;
	struct sip_message m;
	struct bytes out;

	if (message_parse(&m, text_bytes(&t->request), &error))
		assert(false && "it was read before");
	out = phone_write_response(t->phone, &m, status, tag,
				   status == 500 ? "Retry-After: 3\r\n" : "", body, text,
				   TEXT_MAX_N);
	message_close(&m);
	phone_txn_answer(s, t->phone, t, status, out);
	return out;
}

static void say(struct sim *s, struct phone_txn *t, uint16_t status, const char *tag)
{
	char text[TEXT_MAX_N];

	(void)answer(s, t, status, tag, "", text);
}

/* ---- 2xx and its ACK (RFC 3261 13.3.1.4) ---- */

static void on_ok_again(struct sim *s, const struct event *e)
{
	struct phone *p = &s->phones.list[e->who];
	struct phone_call *c = p->calls[e->a];

	if (!p->alive || c->ok_serial != e->b || c->ok.n == 0 || c->state != PC_TALKING)
		return;
	if (s->now_ns >= c->ok_until_ns) {
		trace_line(s, "%s#%u: no ACK for call %s", p->user, p->index, c->call_id);
		text_clear(&c->ok);
		c->acked = c->unheard = true;
		phone_bye(s, c);
		return;
	}
	phone_say(s, p, text_bytes(&c->ok));
	c->ok_interval_ns = c->ok_interval_ns * 2 < T2 ? c->ok_interval_ns * 2 : T2;
	sim_after(s, c->ok_interval_ns, on_ok_again, e->who, e->a, e->b);
}

/* settled: what was said before it is the session (RFC 6337 3.1.1). */
static void accept_invite(struct sim *s, struct phone_call *c, struct phone_txn *t, bool settled)
{
	char text[TEXT_MAX_N], sdp[PHONE_SDP_MAX];
	struct message_error error;
	struct sip_message m;
	struct bytes out;

	if (message_parse(&m, text_bytes(&t->request), &error))
		assert(false && "it was read before");
	c->ok_offers = !phone_sdp_of(&m).n && !settled;
	c->ok_cseq = m.cseq;
	if (phone_sdp_of(&m).n)
		phone_sdp_hear(s, c, phone_sdp_of(&m));
	out = answer(s, t, 200, c->tag,
		     settled        ? ""
		     : c->ok_offers ? phone_sdp_offer(c, sdp)
				    : phone_sdp_answer(c, phone_sdp_of(&m), sdp),
		     text);
	message_close(&m);
	if (text_set(&c->ok, out))
		assert(false && "out of memory");
	c->ok_interval_ns = T1;
	c->ok_until_ns = s->now_ns + NO_ACK_NS;
	sim_after(s, T1, on_ok_again, c->phone->index, c->index, ++c->ok_serial);
}

/* None of what it is offered: 488. */
static bool takes_one(const struct phone_call *c, const struct phone_txn *t)
{
	struct message_error error;
	struct sip_message m;
	bool any;

	if (message_parse(&m, text_bytes(&t->request), &error))
		assert(false && "it was read before");
	any = !phone_sdp_of(&m).n || phone_sdp_takes(c, phone_sdp_of(&m));
	message_close(&m);
	return any;
}

void phone_uas_ack(struct sim *s, struct phone *p, const struct sip_message *m)
{
	struct phone_call *c = phone_call_find(p, m);

	if (!c || c->ok.n == 0 || m->cseq != c->ok_cseq)
		return;
	text_clear(&c->ok);
	c->ok_serial++;
	if (!c->ok_offers && phone_sdp_of(m).n)
		check_fail(s, "%s: an ACK with SDP", c->call_id);
	if (c->ok_offers && phone_sdp_of(m).n) {
		phone_sdp_hear(s, c, phone_sdp_of(m));
	} else if (c->ok_offers && c->state == PC_TALKING) {
		c->sdp.offered = false; /* the call ends (RFC 3261 13.2.2.4) */
	}
	if (!c->acked && !c->caller) {
		c->acked = true;
		check_answered(s, c);
	}
	if (c->wants_bye)
		phone_bye(s, c);
}

void phone_uas_no_ack(struct sim *s, struct phone_txn *t)
{
	trace_line(s, "%s#%u: no ACK to a refusal", t->phone->user, t->phone->index);
}

/* ---- the first INVITE ---- */

/* The same INVITE makes another dialog: nobody wants it. */
static void on_forked(struct sim *s, const struct event *e)
{
	struct phone *p = &s->phones.list[e->who];
	const struct phone_call *c = p->calls[e->a];
	struct phone_txn *t = by_serial(p, c->invite);
	struct phone_call *f = p->alive && t ? phone_call_new(s, p) : NULL;
	char text[TEXT_MAX_N], sdp[PHONE_SDP_MAX];
	struct message_error error;
	struct sip_message m;

	if (!f)
		return;
	if (message_parse(&m, text_bytes(&t->request), &error))
		assert(false && "it was read before");
	f->node = c->node;
	f->node_call = c->node_call;
	f->state = PC_TALKING;
	f->answered = f->crossed = f->forked = true;
	f->remote_cseq = f->ok_cseq = m.cseq;
	f->cseq = 100;
	memcpy(f->call_id, c->call_id, sizeof(f->call_id));
	memcpy(f->remote_tag, c->remote_tag, sizeof(f->remote_tag));
	memcpy(f->local, c->local, sizeof(f->local));
	memcpy(f->remote, c->remote, sizeof(f->remote));
	memcpy(f->target, c->target, sizeof(f->target));
	f->answer_ns = s->now_ns;
	if (text_set(&f->ok, phone_write_response(p, &m, 200, f->tag, "",
						  phone_sdp_answer(f, phone_sdp_of(&m), sdp), text,
						  sizeof(text))))
		assert(false && "out of memory");
	message_close(&m);
	phone_say(s, p, text_bytes(&f->ok));
	f->ok_interval_ns = T1;
	f->ok_until_ns = s->now_ns + NO_ACK_NS;
	sim_after(s, T1, on_ok_again, p->index, f->index, ++f->ok_serial);
}

static void pick_up(struct sim *s, struct phone_call *c)
{
	struct phone_txn *t = by_serial(c->phone, c->invite);

	if (c->state != PC_RINGING || !t)
		return;
	c->picks_up = phone_prack_holds(c);
	if (c->picks_up)
		return;
	phone_prack_stop(c);
	accept_invite(s, c, t, c->settled && (c->late || sim_chance(s, 700)));
	c->state = PC_TALKING;
	c->answered = true;
	c->final = 200;
	c->finals++;
	c->answer_ns = s->now_ns;
	if (c->manner->fork_ns)
		sim_after(s, c->manner->fork_ns, on_forked, c->phone->index, c->index, 0);
	scenario_answered(s, c);
}

/* What a server of a trunk says: the number that it was asked for, at another server. */
static void write_sent_on(const struct phone_call *c, char *out, size_t cap)
{
	char place[ADDR_TEXT_MAX];

	phone_place(c->manner->sends_on - 1U, false, place);
	(void)snprintf(out, cap, "Contact: <sip:200@%s>\r\n", place);
}

void phone_uas_decline(struct sim *s, struct phone_call *c, uint16_t status, const char *why)
{
	struct phone_txn *t = by_serial(c->phone, c->invite);
	char text[TEXT_MAX_N], extra[96] = "", number[16];
	struct message_error error;
	struct sip_message m;

	if (!t)
		return;
	if (status / 100 == 3 && c->manner->sends_on)
		write_sent_on(c, extra, sizeof(extra));
	else if (status / 100 == 3)
		(void)snprintf(extra, sizeof(extra), "Contact: <sip:%s@%s>\r\n",
			       node_extension(c->manner->redirect, number), g_sim_domain);
	if (message_parse(&m, text_bytes(&t->request), &error))
		assert(false && "it was read before");
	phone_txn_answer(s, c->phone, t, status,
			 phone_write_response(c->phone, &m, status, c->tag, extra, "", text,
					      sizeof(text)));
	message_close(&m);
	c->final = status;
	c->finals++;
	phone_call_over(s, c, why);
}

static void on_rung(struct sim *s, const struct event *e)
{
	struct phone *p = &s->phones.list[e->who];
	struct phone_call *c = p->calls[e->a];

	if (!p->alive || c->state != PC_RINGING || c->ring_serial != e->b)
		return;
	if (c->manner->kind == MANNER_ANSWER && takes_one(c, by_serial(p, c->invite))) {
		pick_up(s, c);
	} else if (c->manner->kind == MANNER_ANSWER) {
		phone_uas_decline(s, c, 488, "nothing that it has");
	} else {
		phone_uas_decline(s, c, c->manner->status, "declined");
	}
}

/* Nobody has told it that the call is over. */
static void on_rings_on(struct sim *s, const struct event *e)
{
	struct phone *p = &s->phones.list[e->who];
	struct phone_call *c = p->calls[e->a];

	if (!p->alive || c->state != PC_RINGING || c->ring_serial != e->b)
		return;
	check_rings_on(s, c);
	phone_uas_decline(s, c, 480, "rang too long");
}

/* RFC 3261 13.2.1: the first one has the offer where there is none yet. */
static bool say_reliably(struct sim *s, struct phone_call *c, struct phone_txn *t,
			 const struct sip_message *m)
{
	const struct phone_manner *how = c->manner;
	char sdp[PHONE_SDP_MAX] = "";

	if (c->phone->prack == PRACKS_NOT || !message_has_token(m, "Supported", "100rel") ||
	    !sim_chance(s, 800) || (c->late && !how->early) || (!how->early && !how->rings))
		return false;
	if (how->early && c->late)
		(void)phone_sdp_offer(c, sdp);
	else if (how->early)
		(void)phone_sdp_answer(c, phone_sdp_of(m), sdp);
	phone_prack_ring(s, c, t, m, how->early ? 183 : 180, sdp);
	if (how->early && !c->late)
		c->sdp.version--; /* the 200 may repeat it */
	return true;
}

static void ring(struct sim *s, struct phone_call *c, struct phone_txn *t,
		 const struct sip_message *m)
{
	char text[TEXT_MAX_N], sdp[PHONE_SDP_MAX];
	const struct phone_manner *how = c->manner;

	sim_after(s, RINGS_NS, on_rings_on, c->phone->index, c->index, c->ring_serial);
	if (how->kind == MANNER_IGNORE) {
		say(s, t, 100, "");
		return;
	}
	if (!say_reliably(s, c, t, m) && how->early && phone_sdp_of(m).n) {
		(void)answer(s, t, 183, c->tag, phone_sdp_answer(c, phone_sdp_of(m), sdp), text);
		c->sdp.version--; /* the 200 repeats it */
	} else if (c->rel.n == 0) {
		say(s, t, how->rings ? 180 : 100, how->rings ? c->tag : "");
	}
	if (how->kind == MANNER_RING)
		return;
	sim_after(s, how->ring_ns, on_rung, c->phone->index, c->index, c->ring_serial);
}

static void copy(struct sim *s, char *out, size_t cap, struct bytes in)
{
	if (bytes_cstr(in, out, cap))
		check_fail(s, "a header value that is too long: " BYTES_FMT, BYTES_ARG(in));
}

static void invited(struct sim *s, struct phone *p, struct phone_txn *t,
		    const struct sip_message *m)
{
	struct phone_call *c = phone_call_new(s, p);
	struct id_tag id;

	if (!c) {
		say(s, t, 486, "busy");
		return;
	}
	t->call = c;
	c->node = p->heard_from;
	c->state = PC_RINGING;
	c->invite = t->serial;
	c->outrun = phone_txn_server(p, m, SIP_CANCEL);
	check_located(s, p, m);
	c->late = !phone_sdp_of(m).n;
	c->cseq = 100;
	c->remote_cseq = c->ring_cseq = m->cseq;
	copy(s, c->call_id, sizeof(c->call_id), m->call_id);
	copy(s, c->remote_tag, sizeof(c->remote_tag), m->from.tag);
	copy(s, c->local, sizeof(c->local), m->to.uri.all);
	copy(s, c->remote, sizeof(c->remote), m->from.uri.all);
	copy(s, c->target, sizeof(c->target), m->contact.uri.all);
	if (!id_tag_get(m->from.tag, &id))
		c->node_call = id.call;
	check_invited(s, c);
	c->manner = calloc(1, sizeof(*c->manner));
	assert(c->manner);
	scenario_manner(s, c, c->manner);
	ring(s, c, t, m);
}

static void cancelled(struct sim *s, struct phone *p, struct phone_txn *t,
		      const struct sip_message *m)
{
	struct phone_txn *invite = phone_txn_server(p, m, SIP_INVITE);
	struct phone_call *c = invite ? invite->call : NULL;

	if (!invite) {
		say(s, t, 481, "none");
		return;
	}
	if (c && c->state == PC_RINGING && c->manner->answers_cancel) {
		c->crossed = true;
		pick_up(s, c);
	}
	if (c && c->state == PC_TALKING) /* it crossed our 2xx */
		c->crossed = true;
	say(s, t, 200, c ? c->tag : "none");
	if (c && c->state == PC_RINGING)
		phone_uas_decline(s, c, 487, "cancelled");
}

/* ---- in a dialog ---- */

static void on_again_answer(struct sim *s, const struct event *e)
{
	struct phone *p = &s->phones.list[e->who];
	struct phone_call *c = p->calls[e->a];
	struct phone_txn *t = by_serial(p, e->b);

	if (!p->alive || !t || c->asked_again != e->b || c->state != PC_TALKING)
		return;
	c->asked_again = 0;
	if (takes_one(c, t))
		accept_invite(s, c, t, false);
	else
		say(s, t, 488, c->tag);
}

static void invited_again(struct sim *s, struct phone_call *c, struct phone_txn *t)
{
	uint64_t wait = sim_chance(s, 250) ? sim_between_ms(s, 20, 3000) : 0;

	if (c->again || (c->ok.n && c->ok_offers)) {
		say(s, t, 491, c->tag);
	} else if (c->asked_again || c->ok.n || c->state != PC_TALKING) {
		say(s, t, 500, c->tag);
	} else if (sim_chance(s, 60)) {
		say(s, t, 488, c->tag);
	} else {
		c->asked_again = t->serial;
		t->call = c;
		if (wait && sim_chance(s, 500))
			say(s, t, 100, "");
		sim_after(s, wait, on_again_answer, c->phone->index, c->index, t->serial);
	}
}

void phone_uas_refuse_open(struct sim *s, struct phone_call *c)
{
	struct phone_txn *open =
		by_serial(c->phone, c->state == PC_RINGING ? c->invite : c->asked_again);

	c->asked_again = 0;
	if (open && open->server && open->state <= PT_PROCEEDING)
		say(s, open, 487, c->tag); /* RFC 3261 15.1.2 */
}

static void told_bye(struct sim *s, struct phone_call *c, struct phone_txn *t)
{
	say(s, t, 200, c->tag);
	phone_uas_refuse_open(s, c);
	c->told = true;
	phone_call_over(s, c, "BYE");
}

/* What was said is acknowledged: it says more. */
static void ring_on(struct sim *s, struct phone_call *c)
{
	struct phone_txn *t = by_serial(c->phone, c->invite);
	struct message_error error;
	struct sip_message m;

	if (c->state != PC_RINGING || !t || !sim_chance(s, 300))
		return;
	if (message_parse(&m, text_bytes(&t->request), &error))
		assert(false && "it was read before");
	phone_prack_ring(s, c, t, &m, 182, "");
	message_close(&m);
}

static void asked_prack(struct sim *s, struct phone_call *c, struct phone_txn *t,
			const struct sip_message *m)
{
	uint16_t status = phone_prack_asked(s, c, m);

	say(s, t, status, c->tag);
	if (c->picks_up)
		pick_up(s, c);
	else if (status == 200)
		ring_on(s, c);
}

static void notified(struct sim *s, struct phone_call *c, struct phone_txn *t,
		     const struct sip_message *m)
{
	uint16_t status = scenario_notified(s);

	phone_notified(s, c, m, status == 481);
	if (m->cseq < c->remote_cseq)
		status = 500;
	else
		c->remote_cseq = m->cseq;
	if (status)
		say(s, t, status, c->tag);
}

static bool takes(enum sip_method method)
{
	return method == SIP_INFO || method == SIP_MESSAGE || method == SIP_OPTIONS;
}

static void inside(struct sim *s, struct phone_call *c, struct phone_txn *t,
		   const struct sip_message *m)
{
	if (m->method == SIP_NOTIFY) { /* it is read even where it comes too late */
		notified(s, c, t, m);
		return;
	}
	if (m->cseq < c->remote_cseq) { /* RFC 3261 12.2.2 */
		say(s, t, 500, c->tag);
		return;
	}
	c->remote_cseq = m->cseq;
	if (m->method == SIP_PRACK)
		asked_prack(s, c, t, m);
	else if (m->method == SIP_BYE)
		told_bye(s, c, t);
	else if (m->method == SIP_INVITE)
		invited_again(s, c, t);
	else if (m->method == SIP_REFER)
		say(s, t, phone_asked_to_call(s, c, m), c->tag);
	else
		say(s, t, takes(m->method) ? 200 : 405, c->tag);
}

void phone_uas_request(struct sim *s, struct phone *p, const struct sip_message *m,
		       struct bytes datagram)
{
	struct phone_txn *t = phone_txn_asked(s, p, m, datagram);
	struct phone_call *c = m->to.tag.n ? phone_call_find(p, m) : NULL;
	struct blf_watch *l = m->method == SIP_NOTIFY ? lamp_find(s, m->call_id) : NULL;

	if (l) {
		say(s, t, blf_watch_told(s, l, m), "");
		return;
	}
	if (phone_asks(s, p, t, m))
		return;
	if (m->method == SIP_CANCEL) {
		cancelled(s, p, t, m);
	} else if (c) {
		inside(s, c, t, m);
	} else if (m->to.tag.n) {
		say(s, t, 481, "none");
	} else if (m->method == SIP_INVITE) {
		invited(s, p, t, m);
	} else if (m->method == SIP_MESSAGE) {
		phone_page_came(s, p, t, m);
	} else {
		say(s, t, m->method == SIP_OPTIONS ? 200 : 405, "none");
	}
}
