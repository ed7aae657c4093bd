/* SPDX-License-Identifier: Apache-2.0 */
/* A call and its record (sig/record/call.proto). The two transactions of an open INVITE are part of
 * it, so a ringing call continues in another process. A record is read as untrusted input: every
 * bound and every reference is checked. */
#ifndef SIG_RECORD_CALL_RECORD_H
#define SIG_RECORD_CALL_RECORD_H

#include "sig/call/plan.h"
#include "sig/call/prompts.h"
#include "sig/call/wait.h"
#include "sig/host/extension.h"
#include "sig/identity/carried.h"
#include "sig/model/flow_run.h"
#include "sig/model/recording.h"
#include "sig/model/transfer.h"
#include "sig/pbx/conference.h"

/* The format of a record, by the newest feature that the call uses: a program must not continue a
 * call of a higher format. Without SEGMENTS it would lose CDRs; before ALONE it accepts only a
 * called party answered by an application as a call without peer; before ONCE it would send an
 * INVITE without SDP; without MEETS (sig/pbx/join.h) it would end calls that are not joined yet;
 * without TENANTS, INTER_SHARD, CLAIMS, WAITS, SENT or RENEWED (RFC 3311) it would set such calls
 * aside; without RESOLVES it would ring no phone; without HIDDEN it would disclose a hidden caller;
 * without PARKS it would leave a slot that is never freed; without PICKS or MESSAGES it would
 * refuse the step of a pickup or a message; without RECORDS it would end a recording silently,
 * without SIPREC write a file instead of using the recorder; without CODES or PAGES it would not
 * know what started a recording; without ROOMS it would play music to a member, without NAMES admit
 * no caller that is asked for a name; without EARLY it would give the caller the answer of another
 * early dialog; without FLOWS it would leave a caller in a flow alone, without PLACES not go on
 * behind its wait; without LOOKS or WAKES it would ring nobody, and without QUEUES a place
 * were lost. */
enum {
	CALL_RECORD_LEGS = 2,
	CALL_RECORD_SEGMENTS = 3,
	CALL_RECORD_ALONE = 4,
	CALL_RECORD_ONCE = 5, /* texts that a leg has twice are there once */
	CALL_RECORD_MEETS = 6,
	CALL_RECORD_TENANTS = 7,
	CALL_RECORD_RESOLVES = 8,
	CALL_RECORD_INTER_SHARD = 9,
	CALL_RECORD_HIDDEN = 10,
	CALL_RECORD_PARKS = 11,
	CALL_RECORD_PICKS = 12,
	CALL_RECORD_ASKS = 13,
	CALL_RECORD_GIVEN = 14, /* ASKS, of a party that is transferred */
	CALL_RECORD_RECORDS = 15,
	CALL_RECORD_MESSAGES = 16,
	CALL_RECORD_SIPREC = 17, /* RECORDS, with an external recorder */
	CALL_RECORD_CODES = 18,  /* RECORDS or SIPREC, by an in-call code */
	CALL_RECORD_ROOMS = 19,  /* its party is in a room, or is to come */
	/* ROOMS, with a caller that waits for the shard of the room to be known */
	CALL_RECORD_CLAIMS = 20,
	CALL_RECORD_WAITS = 21,   /* it waits for a busy user */
	CALL_RECORD_NAMES = 22,   /* ROOMS, with a caller that is asked for his name */
	CALL_RECORD_PAGES = 23,   /* any of them, with a recording by a record page */
	CALL_RECORD_SENT = 24,    /* CLAIMS, of a party that is up and is sent there */
	CALL_RECORD_EARLY = 25,   /* any of them; what is asked has several early dialogs */
	CALL_RECORD_RENEWED = 27, /* any of them; the callee has offered anew before its 2xx */
	CALL_RECORD_FLOWS = 28,   /* any of them, in a flow, or behind one */
	CALL_RECORD_PLACES = 29,  /* FLOWS, with the caller in a slot or the like */
	CALL_RECORD_LOOKS = 30,   /* it waits for the caller's contact */
	CALL_RECORD_QUEUES = 31,  /* FLOWS, with the caller in a queue, or behind one */
	CALL_RECORD_WAKES = 32,   /* any of them; it waits for a phone to register */
	CALL_RECORD_FORMAT = CALL_RECORD_WAKES
};
/* It was picked up while ringing. */
static inline bool call_record_is_picked(const struct call *c)
{
	return c->plan.count && c->plan.steps[c->plan.count - 1].why == PLAN_PICKED;
}
/* Its party waits in a slot, or is on its way there. */
static inline bool call_record_parks(const struct call *c)
{
	return c->park || (c->transfer && c->transfer->slot.number[0]);
}
/* A party of it is another shard. */
static inline bool call_record_has_inter_shard(const struct call *c)
{
	if (c->transfer && c->transfer->remote.shard)
		return true;
	for (uint8_t i = 0; i < c->leg_count; i++) {
		if (c->legs[i] && c->legs[i]->dialog.hop.transport == SIP_INTER_SHARD)
			return true;
	}
	return false;
}
/* A party of it wants something hidden. */
static inline bool call_record_hides(const struct call *c)
{
	for (uint8_t i = 0; i < c->leg_count; i++) {
		if (c->legs[i] && carried_privacy(text_bytes(&c->legs[i]->carried)))
			return true;
	}
	return false;
}
/* Not the caller of a first pair with an application. */
static inline bool call_record_is_alone(const struct call *c)
{
	return call_is_by_itself(c) && (!call_application(c).n || c->segment_count ||
					call_caller(c)->outbound || call_caller(c)->uac);
}
/* A re-INVITE for a join is open. */
static inline bool call_record_meets(const struct call *c)
{
	return c->meet_ns ||
	       (c->transfer &&
		((c->transfer->met && c->transfer->state == TRANSFER_WAITING) ||
		 (c->transfer->state == TRANSFER_RINGING && c->state == CALL_ESTABLISHED)));
}
/* It is not known yet which shard has its room, or it comes from another shard's, or goes there. */
static inline bool call_record_is_between_rooms(const struct call *c)
{
	return conference_waits(c) || (c->member && c->member->admitted) ||
	       (c->transfer && c->transfer->remote.confers);
}
/* The callee has offered anew. */
static inline bool call_record_is_renewed(const struct call *c)
{
	for (uint8_t i = 0; i < c->leg_count; i++) {
		const struct leg *l = c->legs[i];

		if (l && l->uac && !l->uac->late && l->open.theirs)
			return true;
	}
	return false;
}
/* A leg has several To tags of its callee. */
static inline bool call_record_has_early(const struct call *c)
{
	for (uint8_t i = 0; i < c->leg_count; i++) {
		const struct leg *l = c->legs[i];

		if (l && l->uac && (l->uac->early || l->uac->early_at))
			return true;
	}
	return false;
}
/* Without what is there once. */
static inline uint32_t call_record_format(const struct call *c)
{
	bool older = !c->segment_count && !c->transfer && !c->parting_ns && c->bridge.callee != 0 &&
		     !plan_is_for_node(&c->plan);

	if (plan_awaits(&c->plan, AWAITS_PHONE))
		return CALL_RECORD_WAKES;
	if (c->run && c->run->queue)
		return CALL_RECORD_QUEUES;
	if (plan_awaits(&c->plan, AWAITS_CONTACT))
		return CALL_RECORD_LOOKS;
	if (c->run)
		return c->run->kind > RUN_DIAL ? CALL_RECORD_PLACES : CALL_RECORD_FLOWS;
	if (call_record_is_renewed(c))
		return CALL_RECORD_RENEWED;
	if (call_record_has_early(c))
		return CALL_RECORD_EARLY;
	if (conference_waits(c) && call_caller_is_up(c))
		return CALL_RECORD_SENT;
	if (recordings_by(c->recordings, RECORDING_BY_PAGE))
		return CALL_RECORD_PAGES;
	if (c->member && c->member->naming)
		return CALL_RECORD_NAMES;
	if (plan_awaits(&c->plan, AWAITS_USER))
		return CALL_RECORD_WAITS;
	if (call_record_is_between_rooms(c))
		return CALL_RECORD_CLAIMS;
	if (c->member)
		return CALL_RECORD_ROOMS;
	if (recordings_by(c->recordings, RECORDING_BY_CODE))
		return CALL_RECORD_CODES;
	if (recordings_go_to(c->recordings, RECORD_TO_SIPREC))
		return CALL_RECORD_SIPREC;
	if (c->prompts && c->prompts->terms.message_max_ms)
		return CALL_RECORD_MESSAGES;
	if (c->recordings && c->recordings->count)
		return CALL_RECORD_RECORDS;
	if (slot_step_asks(c))
		return c->transfer ? CALL_RECORD_GIVEN : CALL_RECORD_ASKS;
	if (call_record_is_picked(c))
		return CALL_RECORD_PICKS;
	if (call_record_parks(c))
		return CALL_RECORD_PARKS;
	if (call_record_hides(c))
		return CALL_RECORD_HIDDEN;
	if (call_record_has_inter_shard(c))
		return CALL_RECORD_INTER_SHARD;
	if (plan_resolves(&c->plan))
		return CALL_RECORD_RESOLVES;
	if (c->tenant != TENANT_DEFAULT)
		return CALL_RECORD_TENANTS;
	if (call_record_meets(c))
		return CALL_RECORD_MEETS;
	if (call_record_is_alone(c))
		return CALL_RECORD_ALONE;
	return older ? CALL_RECORD_LEGS : CALL_RECORD_SEGMENTS;
}

/* What transactions are made of again. */
struct call_seed {
	struct text request[LEGS_MAX]; /* heads of received INVITEs; empty: acknowledged */
	struct sip_hop source[LEGS_MAX];
	struct text sent[LEGS_MAX]; /* the INVITEs we sent or were about to send; empty: over */
	struct sip_hop sent_to[LEGS_MAX];
};
void call_seed_clear(struct call_seed *seed);

/* What a host needs to write records; free() ends it. NULL: out of memory. */
struct packing *packing_open(void);

/* 0 or -ENOMEM. The record passes through the host's space. */
int call_encode(const struct call_host *h, const struct call *c, struct text *out) NODISCARD;
/* The same with the transactions given. */
int call_encode_with(const struct call_host *h, const struct call *c, const struct call_seed *seed,
		     struct text *out) NODISCARD;
/* Returns 0: *c (zeroed) and *seed are filled, nothing of the shard is touched. -EBADMSG,
 * -EPROTONOSUPPORT (of a later program) or -ENOMEM: nothing to clear; *reason says why. */
int call_decode(const struct call_host *h, struct call *c, struct call_seed *seed,
		struct bytes record, const char **reason) NODISCARD;

#endif
