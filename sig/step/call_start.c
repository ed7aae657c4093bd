/* SPDX-License-Identifier: Apache-2.0 */
/* A new call: from A's INVITE to the INVITE for B that waits for the first save. */
#include <assert.h>
#include <errno.h>

#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/cdr.h"
#include "sig/call/fork.h"
#include "sig/call/identity.h"
#include "sig/call/legs.h"
#include "sig/call/plan.h"
#include "sig/call/reliable.h"
#include "sig/call/session.h"
#include "sig/feature/conference.h"
#include "sig/feature/replace.h"
#include "sig/feature/set.h"
#include "sig/leg/leg.h"
#include "sig/leg/respond.h"
#include "sig/leg/session_timer.h"
#include "sig/model/call.h"
#include "sig/model/leg.h"
#include "sig/sip/subscriber.h"
#include "sig/step/step.h"

static int open_caller(struct call_host *h, struct call *c, const struct call_start *s)
{
	struct id_tag tag = { .call = c->id, .random = rand_u64_from(h->rand) };
	uint8_t leg;
	int err = legs_add(h, c, &leg);

	if (err)
		return err;
	assert(leg == c->bridge.caller);
	tag.leg = leg;
	leg_learn(c->legs[leg], s->invite);
	if (!session_timer_asked(h, &c->legs[leg]->timer, s->invite))
		return -ERANGE;
	if (leg_asks(c->legs[leg], s->invite, s->slot->self) ||
	    leg_set_trunk(h->settings->trunks, c->legs[leg], s->trunk) ||
	    (!leg_is_trunk(c->legs[leg]) && leg_set_user(h, c->legs[leg], c->tenant, s->from)) ||
	    leg_set_terms(c->legs[leg], &s->terms))
		return -ENOMEM;
	trunks_count(h->settings->trunks, s->trunk, TRUNK_CALLS);
	err = dialog_from_request(&c->legs[leg]->dialog, &tag, s->invite, h);
	if (!err)
		err = identity_begin(h, c, s);
	return err ? err : conveyed_begin(h, c, s);
}

static int start_take_offer(const struct call_host *h, struct call *c,
			    const struct sip_message *invite, struct call_refusal *refusal)
{
	struct leg *a = call_caller(c);
	struct bytes sdp;
	int err = session_body(invite, &sdp);

	if (err)
		return call_refuse(refusal, err, err == -EBADMSG ? 400 : 415, REFUSED_BODY);
	a->uas->late = sdp.n == 0;
	a->uas->reliable = reliable_wish(invite);
	a->open.theirs = sdp.n != 0;
	if (!c->emergency)
		leg_expires(h, a, invite);
	if (text_set(&a->open.remote, sdp))
		return call_refuse(refusal, -ENOMEM, 500, REFUSED_MEMORY);
	return 0;
}

/* As those are told who may be told: who hides is named to emergency services alone. */
static struct bytes caller_name(const struct call *c, const struct call_start *s)
{
	struct bytes name =
		leg_is_trunk(call_caller(c)) ? s->from : subscriber_of(&s->invite->from.uri).name;

	if (s->anonymous && c->emergency)
		(void)carried_number(text_bytes(&call_caller(c)->carried), &name);
	return name;
}

static int start_ring(struct call_host *h, struct call *c, const struct call_start *s,
		      struct call_refusal *refusal)
{
	struct bytes caller = caller_name(c, s);
	struct dialog_party from = {
		.local_display = s->display,
		.local_user = caller.n ? caller : BYTES_LIT("anonymous"),
	};

	if (s->set && s->set->room)
		return meetme_begin(h, c, s, refusal);
	if (s->set)
		return set_begin(h, c, s, refusal);
	if (s->replaces.call)
		return replace_begin(h, c, &s->replaces, refusal);
	return plan_begin(h, c, s->to, s->gruu, &from, refusal);
}

static int start_fill(struct call_host *h, struct call *c, const struct call_start *s)
{
	call_begin(h, c);
	c->early_media = s->early_media;
	txns_belong(h->txns, s->slot, c->id, c->bridge.caller, TXN_USER_INVITE);
	if (text_set(&c->from, s->from) || text_set(&c->to, s->to))
		return -ENOMEM;
	call_data_hear(c, s->invite);
	return txns_keep_request(s->slot, s->invite);
}

/* Somebody has to know who needs help, whether or not anybody answers. */
static void tell_emergency(struct call_host *h, const struct call *c)
{
	call_publish(h, c, SIG_CALL_EMERGENCY);
	LOG_WARN("call", c->id, "emergency call", LOG_STR("tenant", call_tenant(h, c)),
		 LOG_BYTES("from", cdr_number(h, c, text_bytes(&c->from))),
		 LOG_BYTES("to", cdr_number(h, c, text_bytes(&c->to))));
}

int call_start(struct call_host *h, struct call *c, const struct call_start *start,
	       struct call_refusal *refusal)
{
	int err = start_fill(h, c, start);

	if (err)
		return call_refuse(refusal, err, 513, REFUSED_MALFORMED);
	err = open_caller(h, c, start);
	if (err == -EINVAL)
		return call_refuse(refusal, err, 400, REFUSED_MALFORMED);
	if (err == -ERANGE)
		return call_refuse(refusal, err, 422, REFUSED_INTERVAL);
	if (err)
		return call_refuse(refusal, err, 500, REFUSED_MEMORY);
	err = start_take_offer(h, c, start->invite, refusal);
	if (err)
		return err;
	respond_trying(h, c, c->bridge.caller, start->slot->self);
	err = start_ring(h, c, start, refusal);
	if (err)
		return err;
	metric_add(h->metrics->calls_started, 1);
	call_publish(h, c, SIG_CALL_NEW);
	if (c->emergency)
		tell_emergency(h, c);
	LOG_INFO("call", c->id, "call started", LOG_STR("tenant", call_tenant(h, c)),
		 LOG_BYTES("from", cdr_number(h, c, text_bytes(&c->from))),
		 LOG_BYTES("to", cdr_number(h, c, text_bytes(&c->to))),
		 LOG_ADDR("source", &start->invite->hop.remote),
		 LOG_BYTES("sip_call_id", start->invite->call_id));
	return 0;
}
