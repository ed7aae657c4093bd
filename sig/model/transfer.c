/* SPDX-License-Identifier: Apache-2.0 */
/* A transfer as a value (transfer.h) with its record rows and the checks that its parts fit the
 * call: pair, given party, slot, and target. The mechanism is in sig/pbx/transfer.c; a successor
 * needs these values to finish or undo it, and to repeat the last NOTIFY. */

#include "sig/model/transfer.h"

#include <stdlib.h>

#include "sig/model/saved.h"
#include "sig/sip/dialog_name.h"
#include "sig/sip/gruu.h"

/* Before it rings there is nothing to go back to. */
static bool transfer_other_fits(const struct call *c, struct transfer *t)
{
	const struct bridge *b = &t->other;

	if (!transfer_has_begun(t)) {
		t->other = (struct bridge){ 0 };
		return true;
	}
	return call_leg(c, b->caller) && (b->callee == LEG_NONE || call_leg(c, b->callee)) &&
	       b->caller != b->callee && (b->offerer == b->caller || b->offerer == b->callee);
}

static bool transfer_slot_fits(const struct transfer *t)
{
	struct bytes number = bytes_str(t->slot.number), last = bytes_str(t->slot.last);

	return park_slot_is(number) && (!last.n || (park_slot_is(last) && last.n == number.n)) &&
	       !t->with.call && !t->remote.shard;
}

static bool transfer_with_fits(const struct transfer_with *with)
{
	return (with->peer < LEGS_MAX || with->peer == LEG_NONE) &&
	       !(with->call && with->leg == LEG_NONE && with->peer == LEG_NONE);
}

/* Older records do not name the given party. */
static bool transfer_given_fits(const struct call *c, struct transfer *t)
{
	if (t->given == LEG_NONE)
		t->given = transfer_given(transfer_has_begun(t) ? &t->other : &c->bridge, t->leg);
	return call_leg(c, t->given) != NULL;
}

static bool transfer_check(struct schema_reader *r, void *object)
{
	struct call_loader *l = loader_of(r);
	struct transfer *t = object;

	if ((t->leg != LEG_NONE && !call_leg(l->c, t->leg)) ||
	    (t->state == TRANSFER_FAILED) != (t->status >= 300))
		return false;
	t->met &= MET_GIVEN | MET_MOVES;
	if (!transfer_other_fits(l->c, t))
		return schema_wrong(r, "transfer: bridge");
	if (!transfer_given_fits(l->c, t))
		return schema_wrong(r, "transfer: given");
	if (!transfer_with_fits(&t->with))
		return schema_wrong(r, "transfer: with");
	if (t->remote.shard && (t->with.call || !t->remote.replaces.n))
		return schema_wrong(r, "transfer: far");
	if (!t->slot.number[0])
		t->slot = (struct transfer_slot){ 0 };
	else if (!transfer_slot_fits(t))
		return schema_wrong(r, "transfer: slot");
	if (t->outside && t->outside->hop.remote.family == ADDR_NONE)
		return schema_wrong(r, "dialog: hop");
	if (t->outside) {
		t->outside->tag.call = l->c->id;
		t->outside->tag.leg = t->given;
		saved_hop_find(l, t->given, &t->outside->hop);
	}
	return true;
}

#define TRANSFER_TEXT(name, tag, member, most)                                           \
	{                                                                                \
		name, tag, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct transfer, member), \
			.max = most, .wrong = "transfer: " name                          \
	}

static const struct schema transfer_rows[] = {
	{ "state", 1, SCHEMA_UINT, SCHEMA_AT(struct transfer, state), .max = TRANSFER_FAILED,
	  .wrong = "transfer: leg" },
	{ "leg", 2, SCHEMA_UINT, SCHEMA_AT(struct transfer, leg), .wrong = "transfer: leg" },
	{ "refer", 3, SCHEMA_UINT, SCHEMA_AT(struct transfer, refer) },
	TRANSFER_TEXT("target", 4, target, SAVED_USER_MAX),
	{ "caller", 5, SCHEMA_UINT, SCHEMA_AT(struct transfer, other.caller) },
	{ "callee", 6, SCHEMA_UINT, SCHEMA_AT(struct transfer, other.callee) },
	{ "offerer", 7, SCHEMA_UINT, SCHEMA_AT(struct transfer, other.offerer) },
	TRANSFER_TEXT("from", 8, from, SAVED_USER_MAX),
	TRANSFER_TEXT("to", 9, to, SAVED_USER_MAX),
	{ "with", 10, SCHEMA_FIXED64, SCHEMA_AT(struct transfer, with.call) },
	{ "with_leg", 11, SCHEMA_UINT, SCHEMA_AT(struct transfer, with.peer),
	  .wrong = "transfer: with" },
	{ "asked", 12, SCHEMA_UINT, SCHEMA_AT(struct transfer, asked) },
	{ "status", 13, SCHEMA_UINT, SCHEMA_AT(struct transfer, status), .max = 699,
	  .wrong = "transfer: leg" },
	{ "given", 14, SCHEMA_UINT, SCHEMA_PLUS_ONE, SCHEMA_AT(struct transfer, given),
	  .max = LEGS_MAX, .wrong = "transfer: given" },
	{ "ordered", 15, SCHEMA_BOOL, SCHEMA_AT(struct transfer, ordered) },
	{ "comes", 16, SCHEMA_UINT, SCHEMA_PLUS_ONE, SCHEMA_AT(struct transfer, with.leg),
	  .max = LEGS_MAX, .wrong = "transfer: with" },
	TRANSFER_TEXT("application", 17, application, APPLICATION_NAME_MAX - 1),
	{ "outside", 18, SCHEMA_MESSAGE, SCHEMA_POINTER,
	  SCHEMA_OF(struct transfer, outside, struct dialog), .of = saved_dialog_rows },
	{ "replaced", 19, SCHEMA_BOOL, SCHEMA_AT(struct transfer, replaced) },
	{ "met", 20, SCHEMA_UINT, SCHEMA_AT(struct transfer, met) },
	TRANSFER_TEXT("gruu", 21, gruu, GRUU_NAMED_MAX),
	{ "remote_shard", 22, SCHEMA_UINT, SCHEMA_AT(struct transfer, remote.shard),
	  .wrong = "transfer: far" },
	TRANSFER_TEXT("replaces", 23, remote.replaces, REPLACES_MAX),
	TRANSFER_TEXT("referrer", 24, remote.referrer, SAVED_USER_MAX),
	{ "joins", 25, SCHEMA_BOOL, SCHEMA_AT(struct transfer, remote.joins) },
	{ "slot", 26, SCHEMA_CSTR, SCHEMA_AT(struct transfer, slot.number),
	  .wrong = "transfer: slot" },
	{ "slot_order", 27, SCHEMA_FIXED64, SCHEMA_AT(struct transfer, slot.order) },
	{ "slot_last", 28, SCHEMA_CSTR, SCHEMA_AT(struct transfer, slot.last),
	  .wrong = "transfer: slot" },
	{ "confers", 29, SCHEMA_BOOL, SCHEMA_AT(struct transfer, remote.confers) },
	{ "unattended", 34, SCHEMA_BOOL, SCHEMA_AT(struct transfer, unattended) },
	{ "ring_s", 35, SCHEMA_UINT, SCHEMA_AT(struct transfer, ring_s), .max = CALL_RING_MAX_S,
	  .wrong = "transfer: how long it rings" },
	{ "away_s", 36, SCHEMA_UINT, SCHEMA_AT(struct transfer, away_s), .max = CALL_AWAY_MAX_S,
	  .wrong = "transfer: how long it rings" },
	{ "enters", 37, SCHEMA_UINT, SCHEMA_AT(struct transfer, enters), .max = 15 },
	{ "enters_most", 38, SCHEMA_UINT, SCHEMA_AT(struct transfer, enters_most) },
	{ 0 },
};

const struct schema transfer_saved[] = {
	{ "transfer", 37, SCHEMA_MESSAGE, SCHEMA_POINTER,
	  SCHEMA_OF(struct call, transfer, struct transfer), .of = transfer_rows,
	  .check = transfer_check, .wrong = "transfer: leg" },
	{ 0 },
};

void transfer_clear(struct transfer **t)
{
	if (!*t)
		return;
	if ((*t)->outside)
		dialog_clear((*t)->outside);
	free((*t)->outside);
	text_clear(&(*t)->target);
	text_clear(&(*t)->gruu);
	text_clear(&(*t)->remote.replaces);
	text_clear(&(*t)->remote.referrer);
	text_clear(&(*t)->from);
	text_clear(&(*t)->to);
	text_clear(&(*t)->application);
	free(*t);
	*t = NULL;
}
