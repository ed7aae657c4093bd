/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdlib.h>

#include "sig/model/transfer.h"
#include "sig/record/call_pack.h"
#include "sig/record/call_read.h"
#include "sig/sip/gruu.h"
#include "sig/sip/replaces.h"

void packing_transfer(const struct shard_settings *settings, struct packing *p,
		      const struct transfer *t)
{
	Tandem__Call__Transfer *out = &p->transfer;

	if (!t)
		return;
	tandem__call__transfer__init(out);
	out->state = t->state;
	out->leg = t->leg;
	out->refer = t->refer;
	out->asked = t->asked;
	out->status = t->status;
	out->target = packing_text(&t->target);
	out->gruu = packing_text(&t->gruu);
	out->given = t->given + 1U;
	out->ordered = t->ordered;
	out->replaced = t->replaced;
	out->met = t->met;
	out->unattended = t->unattended;
	out->ring_s = t->ring_s;
	out->away_s = t->away_s;
	out->with = t->with.call;
	out->with_leg = t->with.peer;
	out->comes = t->with.leg == LEG_NONE ? 0 : t->with.leg + 1U;
	out->application = packing_text(&t->application);
	out->remote_shard = t->remote.shard;
	out->replaces = packing_text(&t->remote.replaces);
	out->referrer = packing_text(&t->remote.referrer);
	out->joins = t->remote.joins;
	out->confers = t->remote.confers;
	out->slot = packing_octets(t->slot.number, bytes_str(t->slot.number).n);
	out->slot_order = t->slot.order;
	out->slot_last = packing_octets(t->slot.last, bytes_str(t->slot.last).n);
	if (t->outside) {
		packing_hop(settings, &p->outside_hop, &t->outside->hop, p->outside_text);
		packing_dialog(&p->outside, t->outside, &p->outside_hop);
		out->outside = &p->outside;
	}
	out->caller = t->other.caller;
	out->callee = t->other.callee;
	out->offerer = t->other.offerer;
	out->from = packing_text(&t->from);
	out->to = packing_text(&t->to);
	p->call.transfer = out;
}

void packing_park(struct packing *p, const struct park *park)
{
	if (!park)
		return;
	tandem__call__park__init(&p->park);
	p->park.slot = packing_octets(park->slot, bytes_str(park->slot).n);
	p->park.by = packing_text(&park->by);
	p->park.since_utc_ms = park->since_utc_ms;
	p->park.asks = park->asks;
	p->park.last = packing_octets(park->last, bytes_str(park->last).n);
	p->call.park = &p->park;
}

bool reading_park(struct reading *r, const Tandem__Call__Park *in)
{
	struct bytes slot, last;

	if (!in)
		return true;
	slot = bytes_mem(in->slot.data, in->slot.len);
	last = bytes_mem(in->last.data, in->last.len);
	if (!park_slot_is(slot) || (last.n && (!park_slot_is(last) || last.n != slot.n)))
		return reading_wrong(r, "park: slot");
	if (park_make(&r->c->park, slot, (struct bytes){ 0 }, in->since_utc_ms))
		return reading_wrong(r, "out of memory");
	r->c->park->asks = in->asks;
	(void)bytes_cstr(last, r->c->park->last, sizeof(r->c->park->last));
	return reading_line(r, &r->c->park->by, &in->by, READING_USER_MAX, "park: by");
}

static bool transfer_is_leg(const struct call *c, uint32_t leg)
{
	return leg < LEGS_MAX && call_leg(c, (uint8_t)leg);
}

static bool is_leg_or_none(const struct call *c, uint32_t leg)
{
	return leg == LEG_NONE || transfer_is_leg(c, leg);
}

/* Before it rings there is nothing to go back to. */
static bool read_before(struct reading *r, struct transfer *t, const Tandem__Call__Transfer *in)
{
	if (!transfer_has_begun(t))
		return true;
	if (!transfer_is_leg(r->c, in->caller) || !is_leg_or_none(r->c, in->callee) ||
	    in->caller == in->callee || (in->offerer != in->caller && in->offerer != in->callee))
		return reading_wrong(r, "transfer: bridge");
	t->other = (struct bridge){ .caller = (uint8_t)in->caller,
				    .callee = (uint8_t)in->callee,
				    .offerer = (uint8_t)in->offerer };
	return true;
}

/* Older records do not name it. */
static bool read_given(struct reading *r, struct transfer *t, uint32_t given)
{
	uint32_t leg =
		given ? given - 1
		      : transfer_given(transfer_has_begun(t) ? &t->other : &r->c->bridge, t->leg);

	if (!transfer_is_leg(r->c, leg))
		return reading_wrong(r, "transfer: given");
	t->given = (uint8_t)leg;
	return true;
}

static bool read_with(struct reading *r, struct transfer *t, const Tandem__Call__Transfer *in)
{
	if (in->comes > LEGS_MAX || (in->with_leg >= LEGS_MAX && in->with_leg != LEG_NONE) ||
	    (in->with && !in->comes && in->with_leg == LEG_NONE))
		return reading_wrong(r, "transfer: with");
	t->with = (struct transfer_with){ .call = in->with,
					  .leg = in->comes ? (uint8_t)(in->comes - 1) : LEG_NONE,
					  .peer = (uint8_t)in->with_leg };
	return true;
}

static bool read_remote(struct reading *r, struct transfer_remote *far,
			const Tandem__Call__Transfer *in)
{
	if (in->remote_shard > UINT16_MAX || (in->remote_shard && (in->with || !in->replaces.len)))
		return reading_wrong(r, "transfer: far");
	far->shard = (uint16_t)in->remote_shard;
	far->joins = in->joins;
	far->confers = in->confers;
	return reading_line(r, &far->replaces, &in->replaces, REPLACES_MAX, "transfer: replaces") &&
	       reading_line(r, &far->referrer, &in->referrer, READING_USER_MAX,
			    "transfer: referrer");
}

static bool read_slot(struct reading *r, struct transfer_slot *slot,
		      const Tandem__Call__Transfer *in)
{
	struct bytes number = bytes_mem(in->slot.data, in->slot.len);
	struct bytes last = bytes_mem(in->slot_last.data, in->slot_last.len);

	if (!number.n)
		return true;
	if (!park_slot_is(number) || (last.n && (!park_slot_is(last) || last.n != number.n)) ||
	    in->with || in->remote_shard)
		return reading_wrong(r, "transfer: slot");
	(void)bytes_cstr(number, slot->number, sizeof(slot->number));
	(void)bytes_cstr(last, slot->last, sizeof(slot->last));
	slot->order = in->slot_order;
	return true;
}

/* After whom it gives away. */
static bool read_outside(struct reading *r, struct transfer *t, const Tandem__Call__Dialog *in)
{
	if (!in)
		return true;
	t->outside = calloc(1, sizeof(*t->outside));
	if (!t->outside)
		return reading_wrong(r, "out of memory");
	t->outside->tag.call = r->c->id;
	t->outside->tag.leg = t->given;
	return in->born_call ? reading_wrong(r, "transfer: dialog")
			     : reading_dialog(r, t->given, t->outside, in);
}

bool reading_transfer(struct reading *r, const Tandem__Call__Transfer *in)
{
	struct transfer *t;

	if (!in)
		return true;
	if (in->state > TRANSFER_FAILED || !is_leg_or_none(r->c, in->leg) || in->status > 699 ||
	    (in->state == TRANSFER_FAILED) != (in->status >= 300))
		return reading_wrong(r, "transfer: leg");
	t = r->c->transfer = calloc(1, sizeof(*t));
	if (!t)
		return reading_wrong(r, "out of memory");
	t->state = (enum transfer_state)in->state;
	t->leg = (uint8_t)in->leg;
	t->refer = in->refer;
	t->ordered = in->ordered;
	t->replaced = in->replaced;
	t->met = in->met & (MET_GIVEN | MET_COMES);
	if (in->ring_s > CALL_RING_MAX_S || in->away_s > CALL_AWAY_MAX_S)
		return reading_wrong(r, "transfer: how long it rings");
	t->unattended = in->unattended;
	t->ring_s = in->ring_s;
	t->away_s = in->away_s;
	t->asked = in->asked;
	t->status = (uint16_t)in->status;
	return read_before(r, t, in) && read_given(r, t, in->given) && read_with(r, t, in) &&
	       read_remote(r, &t->remote, in) && read_slot(r, &t->slot, in) &&
	       read_outside(r, t, in->outside) &&
	       reading_line(r, &t->target, &in->target, READING_USER_MAX, "transfer: target") &&
	       reading_line(r, &t->gruu, &in->gruu, GRUU_NAMED_MAX, "transfer: gruu") &&
	       reading_line(r, &t->from, &in->from, READING_USER_MAX, "transfer: from") &&
	       reading_line(r, &t->to, &in->to, READING_USER_MAX, "transfer: to") &&
	       reading_line(r, &t->application, &in->application, APPLICATION_NAME_MAX - 1,
			    "transfer: application");
}
