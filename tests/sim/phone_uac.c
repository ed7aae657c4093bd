/* SPDX-License-Identifier: Apache-2.0 */
/* The phone as the one that asks. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "sig/sip/id.h"
#include "tests/sim/sim.h"

enum { AUTH_TRIES = 3, TEXT_MAX_N = 4096, REPLACES_LINE_MAX = 256 };
#define GIVE_UP_NS (32 * NS_PER_S) /* 64*T1 */

/* RFC 3891 3: the tags as the node sees them. */
static const char *replaces_line(const struct phone_call *c, char out[REPLACES_LINE_MAX])
{
	out[0] = '\0';
	if (c->replaces)
		(void)snprintf(out, REPLACES_LINE_MAX, "Replaces: %s;to-tag=%s;from-tag=%s\r\n",
			       c->replaces->call_id, c->replaces->remote_tag, c->replaces->tag);
	return out;
}

static void send_invite(struct sim *s, struct phone_call *c, const char *credentials)
{
	char text[TEXT_MAX_N], branch[96], sdp[PHONE_SDP_MAX], extra[1200];
	char replaces[REPLACES_LINE_MAX];
	struct phone_request r = { .method = "INVITE", .extra = extra };

	(void)snprintf(extra, sizeof(extra), "%s%s%s%s%s", credentials, phone_prack_wish(c->phone),
		       phone_sdp_is_aware(s, c) ? "Supported: record-aware\r\n" : "",
		       s->script && s->script->caller_refreshes ? STORY_SESSION : "",
		       replaces_line(c, replaces));
	r.branch = phone_branch(c->phone, branch);
	r.cseq = c->invite_cseq = ++c->cseq;
	r.body = c->late ? "" : phone_sdp_offer(c, sdp);
	c->invite = phone_txn_ask(s, c->phone, c, SIP_INVITE, branch,
				  phone_write_request(c, &r, text, sizeof(text)))
			    ->serial;
}

static struct phone_call *phone_call_to(struct sim *s, struct phone *p, const char *to)
{
	struct phone_call *c = phone_call_new(s, p);

	if (!c)
		return NULL;
	s->totals.calls++;
	c->caller = true;
	(void)snprintf(c->to, sizeof(c->to), "%s", to);
	(void)snprintf(c->call_id, sizeof(c->call_id), "call-%u-%u", p->index, c->index);
	(void)snprintf(c->local, sizeof(c->local), "sip:%s@%s", p->user, g_sim_domain);
	(void)snprintf(c->remote, sizeof(c->remote), "sip:%s@%s", to, g_sim_domain);
	(void)snprintf(c->target, sizeof(c->target), "sip:%s@%s", to, g_sim_domain);
	return c;
}

struct phone_call *phone_dial(struct sim *s, struct phone *p, const char *to, bool late)
{
	struct phone_call *c = phone_call_to(s, p, to);

	if (!c)
		return NULL;
	c->late = late;
	send_invite(s, c, "");
	return c;
}

struct phone_call *phone_dial_one(struct sim *s, struct phone *p, const struct phone *of_party,
				  bool temporary)
{
	struct phone_call *c = phone_call_to(s, p, of_party->user);

	if (!c)
		return NULL;
	if (temporary)
		(void)snprintf(c->remote, sizeof(c->remote), "%s", of_party->gruu);
	else
		(void)snprintf(c->remote, sizeof(c->remote), "sip:%s@%s;gr=urn:phone:%u",
			       of_party->user, g_sim_domain, of_party->index);
	memcpy(c->target, c->remote, sizeof(c->target));
	send_invite(s, c, "");
	return c;
}

void phone_replace(struct sim *s, struct phone *p, const struct phone_call *of)
{
	struct phone_call *c = phone_call_to(s, p, of->phone->user);

	if (!c)
		return;
	c->replaces = of;
	check_across(s, c->node, of->node);
	send_invite(s, c, "");
}

/* RFC 3261 9.1: without a final response after so long the call is gone. */
static void on_give_up(struct sim *s, const struct event *e)
{
	struct phone_call *c = s->phones.list[e->who].calls[e->a];

	if (c->state == PC_CALLING)
		phone_call_over(s, c, "cancelled, and no final response");
}

void phone_cancel(struct sim *s, struct phone_call *c)
{
	struct phone_txn *t = c->phone->txns;
	char text[TEXT_MAX_N];
	struct phone_request r = { .method = "CANCEL", .cseq = c->invite_cseq };
	char tag[sizeof(c->remote_tag)];
	char target[sizeof(c->target)];

	if (c->state != PC_CALLING || c->cancelled)
		return;
	if (!c->heard) { /* RFC 3261 9.1 */
		c->wants_cancel = true;
		return;
	}
	while (t && t->serial != c->invite)
		t = t->next;
	if (!t || t->dead)
		return;
	c->cancelled = true;
	s->totals.cancels++;
	memcpy(tag, c->remote_tag, sizeof(tag));
	memcpy(target, c->target, sizeof(target));
	c->remote_tag[0] = '\0'; /* as in the INVITE */
	(void)snprintf(c->target, sizeof(c->target), "%s", c->remote);
	r.branch = t->branch;
	(void)phone_txn_ask(s, c->phone, c, SIP_CANCEL, t->branch,
			    phone_write_request(c, &r, text, sizeof(text)));
	memcpy(c->remote_tag, tag, sizeof(tag));
	memcpy(c->target, target, sizeof(target));
	sim_after(s, GIVE_UP_NS, on_give_up, c->phone->index, c->index, 0);
}

void phone_reinvite(struct sim *s, struct phone_call *c, bool late)
{
	char text[TEXT_MAX_N], branch[96], sdp[PHONE_SDP_MAX];
	struct phone_request r = { .method = "INVITE" };

	if (c->state != PC_TALKING || c->again || c->asked_again || c->ok.n ||
	    (!c->caller && !c->acked))
		return;
	s->totals.reinvites++;
	r.branch = phone_branch(c->phone, branch);
	r.cseq = ++c->cseq;
	r.body = late ? "" : phone_sdp_offer(c, sdp);
	c->again = phone_txn_ask(s, c->phone, c, SIP_INVITE, branch,
				 phone_write_request(c, &r, text, sizeof(text)))
			   ->serial;
}

void phone_ask_as(struct sim *s, struct phone_call *c, struct phone_request *r)
{
	char text[TEXT_MAX_N], branch[96];

	if (c->state != PC_TALKING || (!c->caller && !c->acked))
		return;
	r->branch = phone_branch(c->phone, branch);
	r->cseq = ++c->cseq;
	(void)phone_txn_ask(s, c->phone, c, sip_method_parse(bytes_str(r->method)), branch,
			    phone_write_request(c, r, text, sizeof(text)));
}

void phone_ask(struct sim *s, struct phone_call *c, const char *method, const char *extra,
	       const char *body)
{
	struct phone_request r = { .method = method, .extra = "", .type = extra, .body = body };

	phone_ask_as(s, c, &r);
}

void phone_ask_with(struct sim *s, struct phone_call *c, const char *method, const char *lines)
{
	struct phone_request r = { .method = method, .extra = lines };

	phone_ask_as(s, c, &r);
}

/* RFC 3261 12.1.2, 12.2.1.2 */
static void learn(struct sim *s, struct phone_call *c, const struct sip_message *m)
{
	struct id_tag id;
	bool same;

	if (m->to.tag.n == 0 || m->status <= 100)
		return;
	same = bytes_is(m->to.tag, c->remote_tag);
	if (!same) /* another early dialog (RFC 3261 12.1.2) has an SDP of its own */
		c->sdp.node_hash = 0;
	if (c->answered && !same)
		check_fail(s, "%s: the To tag changes to " BYTES_FMT, c->call_id,
			   BYTES_ARG(m->to.tag));
	if (bytes_cstr(m->to.tag, c->remote_tag, sizeof(c->remote_tag)))
		check_fail(s, "%s: a To tag that is too long", c->call_id);
	if (!same && !id_tag_get(m->to.tag, &id) && id.leg != ID_LEG_NONE)
		c->node_call = id.call;
	if (m->has_contact && bytes_cstr(m->contact.uri.all, c->target, sizeof(c->target)))
		check_fail(s, "%s: a Contact that is too long", c->call_id);
}

static void acknowledge(struct sim *s, struct phone_call *c, const struct sip_message *m,
			bool offered)
{
	char text[TEXT_MAX_N], branch[96], sdp[PHONE_SDP_MAX];
	struct phone_request r = { .method = "ACK", .cseq = m->cseq };

	r.branch = phone_branch(c->phone, branch);
	if (offered)
		r.body = phone_sdp_answer(c, m->body, sdp);
	if (text_set(&c->ack, phone_write_request(c, &r, text, sizeof(text))))
		assert(false && "out of memory");
	c->ack_cseq = m->cseq;
	phone_say(s, c->phone, text_bytes(&c->ack));
}

/* False: it was there before. */
static bool success(struct sim *s, struct phone_call *c, const struct sip_message *m, bool late)
{
	if (c->ack.n && m->cseq == c->ack_cseq) {
		phone_say(s, c->phone, text_bytes(&c->ack));
		return false;
	}
	if (c->ack.n && m->cseq < c->ack_cseq)
		return false; /* late: a newer one was settled */
	learn(s, c, m);
	if (m->body.n) {
		phone_sdp_hear(s, c, m->body);
	} else if (late || c->sdp.offered) {
		check_fail(s, "%s: a 2xx without SDP", c->call_id);
	}
	acknowledge(s, c, m, late);
	return true;
}

static void answered(struct sim *s, struct phone_call *c, const struct sip_message *m)
{
	bool gave_up = c->state == PC_OVER;

	if (!bytes_is(m->to.tag, c->rseq_tag))
		c->settled = false; /* another phone answered */
	else if (c->settled && m->body.n && !check_took(s, c->node_call))
		check_fail(s, "%s: SDP once more in the 2xx", c->call_id);
	if (!success(s, c, m, c->late && !c->settled))
		return;
	if (document_refuses(s, c) || document_shuts(s, c))
		check_fail(s, "%s: who may not call is answered", c->call_id);
	c->answered = true;
	c->final = m->status;
	c->finals++;
	c->answer_ns = s->now_ns;
	c->state = PC_TALKING;
	s->totals.answered++;
	check_answered(s, c);
	if (c->cancelled || c->wants_cancel || gave_up) {
		phone_bye(s, c);
	} else {
		scenario_answered(s, c);
	}
}

static void refused(struct sim *s, struct phone_call *c, const struct sip_message *m)
{
	char credentials[1024];

	if ((m->status == 401 || m->status == 407) && c->auth_tries++ < AUTH_TRIES &&
	    !c->wants_cancel && !c->cancelled) {
		c->heard = false;
		c->target[0] = c->remote_tag[0] = '\0';
		(void)snprintf(c->target, sizeof(c->target), "%s", c->remote);
		send_invite(s, c,
			    phone_credentials(s, c->phone, m, "INVITE", c->target, credentials));
		return;
	}
	c->final = m->status;
	c->finals++;
	s->totals.refusals++;
	phone_call_over(s, c, "refused");
}

static void first_response(struct sim *s, struct phone_call *c, const struct sip_message *m)
{
	if (m->status < 200) {
		c->heard = true;
		learn(s, c, m);
		if (phone_prack_hear(s, c, m) && m->body.n && !c->late && c->state == PC_CALLING)
			phone_sdp_hear(s, c, m->body);
		if (c->wants_cancel)
			phone_cancel(s, c);
	} else if (m->status < 300) {
		answered(s, c, m);
	} else if (c->state == PC_CALLING) {
		refused(s, c, m);
	}
}

static void again_response(struct sim *s, struct phone_call *c, const struct phone_txn *t,
			   const struct sip_message *m)
{
	bool open = c->again == t->serial;

	if (m->status < 200 || (c->state != PC_TALKING && m->status >= 300))
		return;
	if (m->status < 300) {
		(void)success(s, c, m, open && !c->sdp.offered);
	} else if (open && (m->status == 481 || m->status == 408)) {
		c->sdp.offered = false;
		phone_bye(s, c); /* RFC 3261 12.2.1.2 */
	} else {
		c->sdp.offered = false;
	}
	if (open)
		c->again = 0;
}

/* RFC 3311 5.2 */
static void updated(struct sim *s, struct phone_call *c, const struct sip_message *m)
{
	bool offered = c->updates;

	c->updates = false;
	if (m->status < 300 && m->body.n)
		phone_sdp_hear(s, c, m->body);
	else if (m->status < 300 && offered)
		check_fail(s, "%s: a 200 to an offer in UPDATE without SDP", c->call_id);
	else if (offered)
		c->sdp.offered = false;
}

void phone_uac_response(struct sim *s, struct phone_txn *t, const struct sip_message *m)
{
	struct phone_call *c = t->call;

	if (t->method == SIP_INVITE && c->invite == t->serial)
		first_response(s, c, m);
	else if (t->method == SIP_INVITE)
		again_response(s, c, t, m);
	else if (t->method == SIP_PRACK && m->status >= 200)
		phone_prack_answered(s, c, m);
	else if (t->method == SIP_BYE && m->status >= 200)
		phone_call_over(s, c, "hung up");
	else if (t->method == SIP_REFER && m->status >= 200)
		phone_referred(s, t, m);
	else if (t->method == SIP_NOTIFY && m->status >= 200)
		phone_notify_answered(s, c, m);
	else if (t->method == SIP_UPDATE && m->status >= 200 && c->state == PC_TALKING)
		updated(s, c, m);
}

void phone_uac_stray(struct sim *s, struct phone *p, const struct sip_message *m)
{
	for (uint32_t i = 0; i < p->call_count; i++) {
		struct phone_call *c = p->calls[i];

		if (!bytes_is(m->call_id, c->call_id) || !bytes_is(m->from.tag, c->tag) ||
		    m->method != SIP_INVITE || m->status / 100 != 2)
			continue;
		if (m->cseq == c->invite_cseq && c->final < 300) {
			answered(s, c, m);
		} else if (c->ack.n && m->cseq == c->ack_cseq) {
			phone_say(s, p, text_bytes(&c->ack));
		}
		return;
	}
}

void phone_uac_timeout(struct sim *s, struct phone_txn *t)
{
	struct phone_call *c = t->call;

	if (t->method == SIP_REGISTER) {
		phone_registered(s, t->phone, NULL);
	} else if (t->method == SIP_SUBSCRIBE) {
		struct blf_watch *l =
			lamp_find(s, trace_header(text_bytes(&t->request), "Call-ID"));

		if (l)
			lamp_answered(s, l, NULL);
	} else if (c && t->method == SIP_BYE) {
		phone_call_over(s, c, "no answer to BYE");
	} else if (c && t->method == SIP_INVITE && c->invite == t->serial) {
		phone_call_over(s, c, "no answer to INVITE");
	} else if (c && t->method == SIP_INVITE && c->again == t->serial) {
		c->again = 0;
		c->sdp.offered = false;
		phone_bye(s, c);
	}
}
