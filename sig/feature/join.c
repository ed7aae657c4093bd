/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/feature/join.h"

#include <errno.h>
#include <stdlib.h>

#include "sig/call/act.h"
#include "sig/call/call_end.h"
#include "sig/call/invite.h"
#include "sig/call/legs.h"
#include "sig/leg/flow.h"
#include "sig/leg/flow_dtls.h"
#include "sig/leg/forks.h"
#include "sig/leg/leg.h"
#include "sig/leg/leg_digits.h"
#include "sig/leg/session_timer.h"
#include "sig/model/call_data.h"
#include "sig/model/payer.h"

bool join_is_settled(const struct call_host *h, const struct call *c)
{
	return h->degraded || c->out.in_flight == 0;
}

static int may_give(const struct call_host *h, const struct call *c, uint8_t leg)
{
	if (c->state != CALL_ESTABLISHED || !bridge_has(c, leg) || c->transfer)
		return -ENOTCONN;
	return invite_is_open(c) || !join_is_settled(h, c) ? -EAGAIN : 0;
}

/* What stays of a leg that left: for the record and the CDR, nobody finds it. */
static int closed_copy(struct call_host *h, struct leg *copy, const struct leg *l,
		       const struct id_tag *tag)
{
	copy->state = LEG_CLOSED;
	copy->called = l->called;
	copy->dialog.tag = *tag;
	copy->dialog.tag.random = rand_u64_from(h->rand);
	return text_set(&copy->user, text_bytes(&l->user)) ||
			       text_set(&copy->trunk, text_bytes(&l->trunk)) ||
			       dialog_copy(&copy->dialog, &l->dialog)
		       ? -ENOMEM
		       : 0;
}

/* The ports go with their leg. There is room for them. */
static void move_flows(struct call_host *h, struct call *from, uint8_t leg, struct call *to,
		       uint8_t as)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < from->flow_count; i++) {
		struct call_flow *f = &from->flows[i];

		if (f->leg != leg || f->closing) {
			from->flows[kept++] = *f;
			continue;
		}
		to->flows[to->flow_count] = *f;
		to->flows[to->flow_count].leg = as;
		to->flows[to->flow_count].moves = true;
		flow_dtls_follow(h, to, &to->flows[to->flow_count++]);
		payer_move_port(h, from, to);
	}
	from->flow_count = kept;
}

static int make_room(struct call *to, const struct call *from)
{
	struct call_flow *list =
		reallocarray(to->flows, to->flow_count + from->flow_count + 1U, sizeof(*list));

	if (!list)
		return -ENOMEM;
	to->flows = list;
	return 0;
}

/* What answers in a transaction of the call it left is not heard. */
static void await_no_answer(const struct call_host *h, struct leg *l)
{
	const struct session_timer *t = &l->timer;

	leg_digits_clear(l);
	leg_keys_clear(l);
	if (t->ours && t->interval_s && !t->refresh_ns)
		session_timer_resume(h, &l->timer, l->state == LEG_CONFIRMED);
}

int join_take_leg(struct call_host *h, struct call *from, uint8_t leg, struct call *to, uint8_t *as)
{
	struct id_tag tag = { .call = from->id, .leg = leg };
	struct leg *l = from->legs[leg];
	int err = legs_add(h, to, as);

	if (err)
		return err;
	err = make_room(to, from);
	if (!err)
		err = closed_copy(h, to->legs[*as], l, &tag);
	if (!err)
		err = elsewhere_set(h->elsewhere, &l->dialog, to->id, *as);
	if (err) {
		legs_free_one(to, *as);
		return err;
	}
	from->legs[leg] = to->legs[*as];
	to->legs[*as] = l;
	forks_clear(l); /* their BYEs are of the call that it leaves */
	move_flows(h, from, leg, to, *as);
	await_no_answer(h, l);
	/* both records go in one transaction: else a kill leaves the leg in both calls, or in none */
	call_data_merge(to, from);
	outbox_touch(&from->out);
	outbox_touch(&to->out);
	return 0;
}

void join_give(struct call_host *h, struct call *c, uint8_t leg, struct call_join *join)
{
	struct call_ending e = { .cause = CAUSE_TRANSFERRED,
				 .by = join->ordered ? ENDED_BY_OPERATOR
						     : call_ended_by(c, bridge_peer(c, leg)),
				 .status = 480 };

	join->err = may_give(h, c, leg);
	if (!join->err)
		join->err = join_take_leg(h, c, leg, join->to, &join->leg);
	if (join->err)
		return;
	prompts_stop(h, c);
	call_end(h, c, &e);
}
