/* SPDX-License-Identifier: Apache-2.0 */
/* A call and its legs as values: how they begin, are added, moved to another call with ports,
 * dialog and timers (calls_join), and are freed. Also the target refresh of a dialog (RFC 3261
 * 12.2.2), and the hop of a party that comes back by another connection. A leg is freed only when
 * its last media counters have arrived and no transfer or INVITE names it. */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "sig/call/cdr.h"
#include "sig/call/flow_spec.h"
#include "sig/call/fork.h"
#include "sig/call/legs.h"
#include "sig/call/module.h"
#include "sig/call/plan.h"
#include "sig/call/prompts.h"
#include "sig/call/session.h"
#include "sig/host/settings.h"
#include "sig/leg/dtmf.h"
#include "sig/leg/early.h"
#include "sig/leg/flow.h"
#include "sig/leg/leg.h"
#include "sig/leg/respond.h"
#include "sig/leg/session_timer.h"
#include "sig/model/flow_run.h"
#include "sig/model/leg.h"
#include "sig/model/payer.h"
#include "sig/model/recording.h"
#include "sig/model/transfer.h"
#include "sig/sip/hop.h"

/* RFC 8866 5.2: numbers that fit a peer's signed 32 bits are the safe choice. */
static uint64_t new_session_id(struct call_host *h)
{
	return (rand_u32_from(h->rand) >> 1) + 1U;
}

/* Its party can now be told its new media address. */
static void leg_is_back(struct call *c, uint8_t leg)
{
	if (!(c->away & BIT64(leg)) || !bridge_has(c, leg))
		return;
	c->away &= (uint16_t)~BIT64(leg);
	c->reoffer |= bridge_reoffer_side(c, leg);
}

void leg_moved(struct call_host *h, struct call *c, uint8_t leg, const struct sip_hop *known)
{
	struct leg *l = c->legs[leg];
	const struct sip_hop *to = &l->dialog.hop;

	early_moved(l, known, to);
	if (!addr_ip_eq(&known->remote, &to->remote)) /* where its media is, too */
		session_refresh(h, c);
	txns_hop_moved(h->txns, c->id, leg, known, to, h->now.ns);
	leg_is_back(c, leg);
	outbox_touch(&c->out);
}

void leg_refresh_target(struct call_host *h, struct call *c, uint8_t leg,
			const struct sip_message *m)
{
	struct dialog *d = &c->legs[leg]->dialog;
	const struct sip_hop known = d->hop;

	if (dialog_refresh(d, m, true, h))
		LOG_WARN("call", c->id, "Contact cannot be kept", LOG_U64("leg", leg));
	else if (!sip_hop_equal(&known, &d->hop))
		leg_moved(h, c, leg, &known);
}

static int leg_new(struct call_host *h, struct call *c, uint8_t leg)
{
	c->legs[leg] = calloc(1, sizeof(struct leg));
	if (!c->legs[leg])
		return -ENOMEM;
	c->legs[leg]->session_id = new_session_id(h);
	return 0;
}

int legs_add(struct call_host *h, struct call *c, uint8_t *leg)
{
	struct leg **list;
	int err;

	if (c->leg_count == LEGS_MAX)
		return -ENOSPC;
	list = reallocarray(c->legs, c->leg_count + 1U, sizeof(struct leg *));
	if (!list)
		return -ENOMEM;
	c->legs = list;
	err = leg_new(h, c, c->leg_count);
	if (!err)
		*leg = c->leg_count++;
	return err;
}

void legs_free_one(struct call *c, uint8_t leg)
{
	struct leg *l = c->legs[leg];

	segments_leg_gone(c, leg);
	if (l) {
		leg_users_remove(l);
		text_clear(&l->user);
		leg_leave_channel(l);
		leg_toll_clear(&l->toll);
		text_clear(&l->trunk);
		text_clear(&l->carried);
		text_clear(&l->pidf);
		text_clear(&l->callback);
		leg_uac_clear(l);
		leg_uas_clear(l);
		refusal_clear(l);
		leg_digits_clear(l);
		leg_code_digits_clear(l);
		free(l->entry);
		leg_sdp_clear(&l->sdp);
		leg_sdp_clear(&l->open); /* of a record without an INVITE */
		dialog_clear(&l->dialog);
		leg_acks_expire(l, UINT64_MAX);
		forks_clear(l);
		free(l->terms);
		free(l);
	}
	c->legs[leg] = NULL;
	while (c->leg_count && !c->legs[c->leg_count - 1])
		c->leg_count--;
}

/* Their last counters are awaited. */
static bool legs_has_flows(const struct call *c, uint8_t leg)
{
	for (uint32_t i = 0; i < c->flow_count; i++) {
		if (c->flows[i].leg == leg)
			return true;
	}
	return false;
}

/* A branch that is being cancelled still names the leg it was invited for. */
static bool is_asker(const struct call *c, uint8_t leg)
{
	for (uint8_t i = 0; i < c->leg_count; i++) {
		if (c->legs[i] && c->legs[i]->uac && c->legs[i]->uac->from == leg)
			return true;
	}
	return false;
}

/* What became of its REFER is still to be told; until then the record names it. */
static bool is_transferor(const struct call *c, uint8_t leg)
{
	return c->transfer && c->transfer->leg == leg;
}

void legs_trim(struct call_host *h, struct call *c)
{
	if (c->state != CALL_ESTABLISHED)
		return;
	for (uint8_t i = c->leg_count; i-- > 0;) {
		if (c->legs[i])
			leg_acks_expire(c->legs[i], h->now.ns);
		if (!bridge_has(c, i) && c->legs[i] && c->legs[i]->state == LEG_CLOSED &&
		    !forks_are_open(c->legs[i]) && !legs_has_flows(c, i) && !is_asker(c, i) &&
		    !is_transferor(c, i)) {
			txns_leg_gone(h->txns, c->id, i);
			legs_free_one(c, i);
		}
	}
}

void call_free(struct call *c)
{
	for (uint32_t i = 0; i < c->flow_count; i++) {
		secret_free(&c->flows[i]);
		flow_dtls_free(&c->flows[i]);
	}
	free(c->flows);
	plan_clear(&c->plan);
	transfer_clear(&c->transfer);
	park_clear(&c->park);
	room_member_clear(&c->member);
	fork_forget_best(c);
	while (c->leg_count)
		legs_free_one(c, c->leg_count - 1);
	free(c->legs);
	text_wipe(&c->unknown);
	outbox_clear(&c->out);
	free(c->orders);
	recordings_clear(&c->recordings);
	prompts_clear(&c->prompts);
	flow_run_clear(&c->run);
	free(c->media_stream);
	text_clear(&c->from);
	text_clear(&c->to);
	text_clear(&c->display);
	text_clear(&c->waits_for);
	text_clear(&c->data);
	text_clear(&c->account);
	text_clear(&c->source);
	text_clear(&c->payer_name.user);
	segments_clear(c);
	tolls_clear(c);
	free(c->cdr);
}

/* MED-09: what is beyond it has sound alone; calls that have video keep it. */
static bool call_may_show(const struct call_host *h)
{
	uint32_t most = h->settings->videos_max;

	return h->settings->video && (!most || *h->videos < most);
}

void call_init(struct call_host *h, struct call *c)
{
	c->state = CALL_SETUP;
	c->bridge.callee = LEG_NONE; /* the first leg will be the caller's, and offers */
	c->video = call_may_show(h);
	c->setup_utc_ms = h->now.utc_ms;
	c->timer.owner = c->self;
	c->timer.kind = h->timer_kind;
}

void call_clear(struct call_host *h, struct call *c)
{
	wheel_stop(h->wheel, &c->timer);
	for (uint8_t i = 0; i < c->leg_count; i++) {
		const struct invite_uac *uac = c->legs[i] ? c->legs[i]->uac : NULL;

		if (uac && uac->state == UAC_QUEUED)
			txns_drop(h->txns, uac->client);
	}
	modules_released(h, c);
	if (c->state != CALL_ENDING)
		flows_close(h, c);
	flows_drop_all(h, c);
	call_free(c);
}

/* ---- a leg goes to another call ---- */

/* A copy of a leg that moved: for the record and the CDR only, found by no index. */
static int join_closed_copy(struct call_host *h, struct leg *copy, const struct leg *l,
			    const struct id_tag *tag)
{
	copy->state = LEG_CLOSED;
	copy->outbound = l->outbound;
	copy->dialog.tag = *tag;
	copy->dialog.tag.random = rand_u64_from(h->rand);
	return text_set(&copy->user, text_bytes(&l->user)) ||
			       text_set(&copy->trunk, text_bytes(&l->trunk)) ||
			       dialog_copy(&copy->dialog, &l->dialog)
		       ? -ENOMEM
		       : 0;
}

/* The ports go with their leg. There is room for them. */
static void join_move_flows(struct call_host *h, struct call *from, uint8_t leg, struct call *to,
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

static int join_make_room(struct call *to, const struct call *from)
{
	struct call_flow *list =
		reallocarray(to->flows, to->flow_count + from->flow_count + 1U, sizeof(*list));

	if (!list)
		return -ENOMEM;
	to->flows = list;
	return 0;
}

/* Responses to transactions of the call that it left are ignored. */
static void join_await_no_answer(const struct call_host *h, struct leg *l)
{
	const struct session_timer *t = &l->timer;

	leg_digits_clear(l);
	leg_code_digits_clear(l);
	if (t->ours && t->interval_s && !t->refresh_ns)
		session_timer_resume(h, &l->timer, l->state == LEG_CONFIRMED);
}

bool call_may_join(const struct call_host *h, const struct call *c)
{
	return h->degraded || c->out.in_flight == 0;
}

/* Adds the leg at the end. Where a party has been replaced many times, as by a page that is loaded
 * again and again, there is no room: then it takes the place of a leg that is over. */
static int join_add_leg(struct call_host *h, struct call *to, uint8_t *as)
{
	int err = legs_add(h, to, as);

	if (err != -ENOSPC)
		return err;
	for (*as = 0; *as < LEGS_MAX; (*as)++) {
		if (!to->legs[*as])
			return leg_new(h, to, *as);
	}
	return err;
}

int calls_join(struct call_host *h, struct call *from, uint8_t leg, struct call *to, uint8_t *as)
{
	struct id_tag tag = { .call = from->id, .leg = leg };
	struct leg *l = from->legs[leg];
	int err = join_add_leg(h, to, as);

	assert(call_may_join(h, from) && call_may_join(h, to));
	if (err)
		return err;
	err = join_make_room(to, from);
	if (!err)
		err = join_closed_copy(h, to->legs[*as], l, &tag);
	if (!err)
		err = forward_set(h->elsewhere, &l->dialog, to->id, *as);
	if (err) {
		legs_free_one(to, *as);
		return err;
	}
	from->legs[leg] = to->legs[*as];
	to->legs[*as] = l;
	forks_clear(l); /* their BYEs are of the call that it leaves */
	join_move_flows(h, from, leg, to, *as);
	join_await_no_answer(h, l);
	call_data_merge(to, from);
	outbox_touch(&from->out);
	outbox_touch(&to->out);
	return 0;
}

const char *legs_language(const struct call_host *h, const struct call *c, uint8_t leg)
{
	struct bytes user = text_bytes(&c->legs[leg]->user);
	const struct shard_extension *e =
		user.n ? h->services->directory->extension(h->owner, c->tenant, user) : NULL;

	if (e && e->language[0])
		return e->language;
	return h->settings->tenants ? tenants_terms(h->settings->tenants, c->tenant)->language : "";
}
