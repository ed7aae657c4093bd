/* SPDX-License-Identifier: Apache-2.0 */
/* Calls made by a command (originate.h): rings A with our own offer, acknowledges its 2xx and
 * invites the others with A's SDP as offer. When one has answered, A gets a re-INVITE with that
 * answer. Numbers outside are shown and charged as calls of the paying extension. Conferences use
 * it as well, to invite members. */

#include <errno.h>

#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/cdr.h"
#include "sig/call/fork.h"
#include "sig/call/identity.h"
#include "sig/call/invite.h"
#include "sig/call/legs.h"
#include "sig/call/module.h"
#include "sig/call/order.h"
#include "sig/call/originate.h"
#include "sig/call/plan.h"
#include "sig/call/session.h"
#include "sig/call/wait.h"
#include "sig/host/settings.h"
#include "sig/leg/leg.h"
#include "sig/model/conference.h"
#include "sig/model/flow_run.h"
#include "sig/model/leg.h"
#include "sig/model/payer.h"

static int originate_fill(struct call_host *h, struct call *c, const struct call_originate *o)
{
	call_init(h, c);
	c->ring_s = o->ring_s;
	return text_set(&c->from, o->from) || text_set(&c->to, o->to) ||
			       call_name_set(c, o->display)
		       ? -ENOMEM
		       : 0;
}

/* The caller's number as shown to a trunk. */
static struct bytes shown_outside(const struct call_host *h, const struct call *c,
				  const struct call_originate *o)
{
	const struct plan_step by = { .user = { .p = (char *)(uintptr_t)o->payer.p,
						.n = (uint32_t)o->payer.n } };
	const struct trunk_settings *set =
		trunks_settings(h->settings->trunks, call_caller(c)->channel);
	struct bytes number;

	if (identity_of_sent_on(h, c, call_caller(c), &by, &number))
		return number;
	return set && set->caller_ids[0] ? BYTES_LIT("anonymous") : o->payer;
}

/* A number outside is charged to the extension of the call, as if it had forwarded the call
 * there. */
static enum refusal originate_outside(struct call_host *h, struct call *c,
				      const struct call_originate *o, struct call_refusal *refusal)
{
	enum refusal refused = plan_add(&c->plan, o->payer, PLAN_CALLED, PLAN_FIRST) ||
					       plan_add(&c->plan, o->from, PLAN_DEFLECTED, 0)
				       ? call_refuse(refusal, REFUSED_MEMORY)
				       : modules_outside(h, c, call_caller(c), refusal);

	plan_clear(&c->plan);
	return refused;
}

/* The identity shown to A: that of its future peer. */
static int open_a(struct call_host *h, struct call *c, const struct call_originate *o)
{
	bool flow = bytes_starts(o->to, FLOW_WORD);
	struct id_tag tag = { .call = c->id,
			      .leg = c->bridge.caller,
			      .random = rand_u64_from(h->rand) };
	struct bytes name = bytes_from(o->to, flow ? strlen(FLOW_WORD) : 0);
	struct dialog_party party = { .local_user =
					      bytes_sub(name, 0, bytes_find(name, FLOW_BOX[0])),
				      .remote_user = o->from,
				      .target = o->target.uri,
				      .routes = o->target.routes,
				      .hop = o->target.hop };
	uint8_t leg;
	int err = legs_add(h, c, &leg);

	if (err)
		return err;
	call_caller(c)->outbound = true;
	call_caller(c)->behind_nat = o->target.behind_nat;
	err = leg_invite(call_caller(c), c->bridge.caller);
	if (!err) {
		call_caller(c)->uac->auto_answer = o->auto_answer;
		err = leg_set_trunk(h->settings->trunks, call_caller(c), o->target.trunk);
	}
	if (!err && !leg_is_trunk(call_caller(c)))
		err = leg_set_user(h, call_caller(c), c->tenant, o->from);
	if (!err)
		err = leg_set_terms(call_caller(c), &o->target.terms);
	if (!err && leg_is_trunk(call_caller(c))) {
		trunks_count(h->settings->trunks, o->target.trunk, TRUNK_CALLS);
		party.local_user = shown_outside(h, c, o);
	}
	if (!err)
		err = leg_to_party(h, call_caller(c), &tag, &party);
	if (!err && o->hides)
		err = text_set(&call_caller(c)->carried, BYTES_LIT("Privacy: id\r\n"));
	return err || !o->caller_id.n ? err : identity_show(h, call_caller(c), o->caller_id);
}

enum refusal call_originate(struct call_host *h, struct call *c, const struct call_originate *o,
			    struct call_refusal *refusal)
{
	enum refusal refused = REFUSED_NOT;

	if (originate_fill(h, c, o) || open_a(h, c, o))
		return call_refuse(refusal, REFUSED_MEMORY);
	if (leg_is_trunk(call_caller(c)))
		refused = originate_outside(h, c, o, refusal);
	if (refused)
		return refused;
	conference_focus_settle(c);
	outbox_touch(&c->out);
	refused = session_offer(h, c, c->bridge.caller, refusal);
	if (refused)
		return refused;
	if (invite_queue(h, c, c->bridge.caller))
		return call_refuse(refusal, REFUSED_TXNS_FULL);
	c->ring_ns = h->now.ns + plan_ring_for_ns(h, c);
	order_wait(h, c, o->by, 0);
	metric_add(h->metrics->calls_started, 1);
	call_publish(h, c, SIG_CALL_NEW);
	LOG_INFO("call", c->id, "call started by command", LOG_STR("tenant", call_tenant(h, c)),
		 LOG_BYTES("from", cdr_number(h, c, text_bytes(&c->from))),
		 LOG_BYTES("to", cdr_number(h, c, text_bytes(&c->to))));
	return 0;
}

static int ask_others(struct call_host *h, struct call *c)
{
	struct dialog_party from = { .local_display = text_bytes(&c->display),
				     .local_user = text_bytes(&c->from) };
	struct call_refusal refusal;
	struct bytes to = text_bytes(&c->to);
	struct quota_name payer;

	c->ring_ns = 0;
	if (c->member) /* a conference asks for it */
		return wait_answer_caller(h, c, &refusal);
	if (leg_is_trunk(call_caller(c)) && payer_of(c, &payer) && !bytes_starts(to, FLOW_WORD) &&
	    !plan_is_of_user(h, c, to))
		return plan_start_for(h, c, payer.user, to, &from, &refusal);
	return plan_start(h, c, to, (struct bytes){ 0 }, &from, &refusal);
}

static void originate_confirm(struct call *c)
{
	struct leg *l = call_caller(c);

	l->state = LEG_CONFIRMED;
	leg_sdp_move(&l->sdp, &l->open);
	leg_uac_clear(l);
	outbox_touch(&c->out);
}

/* RFC 3725 4.1: A is acknowledged at once, or it would repeat its 2xx while the others ring. A
 * successor must know that A answered: after our ACK A never repeats it. */
static void originate_acknowledge(struct call_host *h, struct call *c)
{
	struct outbox_item ack = { .kind = OUTBOX_ACK, .leg = c->bridge.caller };

	if (!outbox_push(&c->out, &ack))
		leg_ack(h, c, c->bridge.caller);
}

void originate_answered(struct call_host *h, struct call *c, const struct sip_message *m)
{
	struct call_ending e = { .cause = CAUSE_UNREACHABLE, .by = ENDED_BY_NODE, .status = 480 };
	struct leg_sdp *open = &call_caller(c)->open;
	struct bytes sdp;
	bool usable =
		open->by_18x || (!session_body(m, &sdp) && sdp.n && !text_set(&open->remote, sdp));

	originate_confirm(c);
	if (!usable)
		e = (struct call_ending){ .cause = CAUSE_SESSION,
					  .by = ENDED_BY_NODE,
					  .status = 488 };
	if (usable && !ask_others(h, c)) {
		originate_acknowledge(h, c);
		return;
	}
	if (call_may_part(h, c))
		originate_acknowledge(h, c);
	else
		leg_ack(h, c, c->bridge.caller);
	call_part(h, c, &e);
}

void originate_answered_by(struct call_host *h, const struct call *c)
{
	metric_add(h->metrics->calls_answered, 1);
	histogram_add(&h->metrics->setup, (c->answer_utc_ms - c->setup_utc_ms) * 1000);
	call_publish(h, c, SIG_CALL_ANSWERED);
	LOG_INFO("call", c->id, "call answered",
		 LOG_BYTES("from", cdr_number(h, c, text_bytes(&c->from))),
		 LOG_BYTES("to", cdr_number(h, c, text_bytes(&c->to))),
		 LOG_U64("setup_ms", c->answer_utc_ms - c->setup_utc_ms));
}

void originate_joined(struct call_host *h, struct call *c)
{
	originate_answered_by(h, c);
	if (invite_own(h, c, c->bridge.callee))
		LOG_WARN("call", c->id, "A was not asked once more");
	if (!session_fits(call_caller(c), call_callee(c)))
		c->reoffer |= REOFFER_CALLEE; /* should A not take it */
}
