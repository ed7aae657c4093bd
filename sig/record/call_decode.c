/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the record of a call into a call and its seed (call_record.h): unseals it, decodes it by
 * the rows, and makes the fields fit each other and this program's settings. A record is untrusted
 * input: any reference or bound out of range rejects it with a reason, before anything of the shard
 * is touched. Records of older programs get the values that those implied; of later ones, unknown
 * fields are kept. */

#include <errno.h>
#include <stdlib.h>

#include "sig/call/legs.h"
#include "sig/host/settings.h"
#include "sig/leg/leg.h"
#include "sig/model/transfer.h"
#include "sig/record/call_codec.h"

/* ---- references between legs ---- */

static bool record_has_leg(struct schema_reader *r, uint8_t leg, const char *wrong)
{
	return call_leg(loader_of(r)->c, leg) || schema_wrong(r, wrong);
}

/* A record of format 0 or 1 does not say which legs were called: all but the first, and by command
 * the first as well. */
static void older_outbound(struct call *c, bool originated)
{
	for (uint8_t i = 0; i < c->leg_count; i++) {
		if (c->legs[i])
			c->legs[i]->outbound = i != 0 || originated;
	}
}

static bool bridge_fit(struct schema_reader *r)
{
	const struct call_context *b = r->beside;
	struct call *c = loader_of(r)->c;
	uint8_t callee = b->callee_place ? b->callee_place - 1 : b->callee ? b->callee : 1;

	if (!c->leg_count)
		return schema_wrong(r, "call: number of legs");
	if (b->format <= FORMAT_CARRIED)
		older_outbound(c, b->originated);
	if (!record_has_leg(r, c->bridge.caller, "call: no caller"))
		return false;
	c->bridge.callee = LEG_NONE; /* no branch yet */
	if (b->alone ||
	    (b->callee == 0 && !b->callee_place && c->leg_count == 1 && call_caller(c)->outbound))
		return true;
	c->bridge.callee = callee;
	return record_has_leg(r, callee, "call: callee") &&
	       (callee != c->bridge.caller || schema_wrong(r, "call: callee"));
}

/* A branch rings no longer than the settings or the call permit. */
static void ring_fit(const struct call_host *h, struct call *c)
{
	uint64_t most_ns = h->settings->calls.ring_timeout_ns / NS_PER_MS * NS_PER_MS;

	if (most_ns < c->ring_s * NS_PER_S)
		most_ns = c->ring_s * NS_PER_S;
	if (c->ring_ns > h->now.ns + most_ns + 1)
		c->ring_ns = h->now.ns + most_ns + 1;
}

static bool facts_fit(struct schema_reader *r)
{
	const struct call_host *h = loader_of(r)->h;
	const struct call_context *b = r->beside;
	struct call *c = loader_of(r)->c;

	if (c->id == 0 || id_shard(c->id) != h->settings->number)
		return schema_wrong(r, "call: id is of another shard");
	if (c->out.version == 0)
		return schema_wrong(r, "call: version");
	c->tenant = b->tenant[0] ? tenants_claim(h->settings->tenants, bytes_str(b->tenant))
				 : TENANT_DEFAULT;
	if (c->tenant == TENANT_NONE)
		return schema_wrong(r, "call: tenant");
	c->out.released = c->out.acked = c->out.version;
	c->meet_ns = b->meets ? h->now.ns + MEET_MS * NS_PER_MS : 0;
	ring_fit(h, c);
	return true;
}

static bool offers_fit(struct schema_reader *r, struct call_seed *seed, struct bytes record)
{
	const struct call *c = loader_of(r)->c;

	if (((const struct call_context *)r->beside)->format <= FORMAT_CARRIED)
		return call_read_older(r, seed, record);
	return (c->bridge.offerer != LEG_NONE && bridge_has(c, c->bridge.offerer)) ||
	       schema_wrong(r, "call: offerer");
}

/* ---- of older programs ---- */

/* The writer has evaluated the policy of the talking pair. */
static void policy_was_asked(struct call *c)
{
	if (!c->answer_utc_ms || !call_callee(c))
		return;
	c->record_asked[0] = c->bridge.caller;
	c->record_asked[1] = c->bridge.callee;
}

/* An older program forgot the ACK to a late offer when it took over a call: it is sent when the 2xx
 * is repeated, as always. */
static void confirm_answered(struct call *c)
{
	struct leg *l = c->state == CALL_ESTABLISHED ? call_callee(c) : NULL;

	if (l && l->outbound && l->state == LEG_ANSWERED && !l->uac)
		l->state = LEG_CONFIRMED;
}

/* Of a program that let callers alone wait for a room, and did not say so of the step. */
static void wait_for_room(struct call *c)
{
	if (c->member && c->member->asks && c->state <= CALL_RINGING && c->plan.count &&
	    c->bridge.callee == LEG_NONE && !call_caller(c)->outbound && !c->transfer)
		c->plan.steps[c->plan.count - 1].awaits = AWAITS_ROOM;
}

/* ---- the record ---- */

static uint32_t cseq_gap_of(uint64_t wrote, uint64_t now)
{
	uint64_t later = wrote && now > wrote ? now - wrote : 1;

	return RESUME_CSEQ_GAP *
	       (uint32_t)(later < RESUME_PROCESSES_MAX ? later : RESUME_PROCESSES_MAX);
}

static bool call_read(struct schema_reader *r, struct call_seed *seed, struct bytes record)
{
	const struct call_context *b = r->beside;
	struct call_loader *l = loader_of(r);
	struct call *c = l->c;
	const char *wrong;

	r->shift_ms = steady_shift(&l->h->steady, &b->mark, r->now.ns);
	l->incarnation = b->incarnation;
	c->cseq_gap = cseq_gap_of(b->incarnation, l->h->incarnation);
	if (!schema_read(r, call_rows, c, record, SCHEMA_FIRST) || !facts_fit(r) ||
	    !bridge_fit(r) || !legs_fit(r, seed) || !offers_fit(r, seed, record) ||
	    !schema_read(r, call_rows, c, record, SCHEMA_SECOND))
		return false;
	policy_was_asked(c);
	confirm_answered(c);
	wait_for_room(c);
	wrong = call_check(c, seed);
	return !wrong || schema_wrong(r, wrong);
}

/* What must be known before the rest. */
static bool outer_read(struct schema_reader *r, struct bytes record, bool *later)
{
	struct call_context *b = r->beside;

	*b = (struct call_context){ 0 };
	if (!schema_read(r, call_outer_rows, loader_of(r)->c, record, SCHEMA_SOME))
		return false;
	*later = b->format > CALL_RECORD_FORMAT;
	return !*later || schema_wrong(r, "call: of a later program");
}

static bool inner_read(struct schema_reader *r, struct bytes record, struct text *plain,
		       bool *later)
{
	const struct schema_place outer = { .path = CALL_UNKNOWN_OUTER }, *inner = r->place;
	struct call_context *b = r->beside;
	struct call_loader *l = loader_of(r);
	struct text sealed = b->sealed;
	uint64_t id = l->c->id;
	const char *wrong;

	r->place = &outer;
	wrong = schema_read(r, call_rows, l->c, record, SCHEMA_UNKNOWN)
			? call_unseal(l->h, id, text_bytes(&sealed), plain, later)
			: r->reason;
	r->place = inner;
	b->sealed = (struct text){ 0 };
	text_clear(&sealed);
	if (wrong)
		return schema_wrong(r, wrong);
	return outer_read(r, text_bytes(plain), later) &&
	       ((l->c->id == id && !b->sealed.n) ||
		schema_wrong(r, "sealed record is of another call"));
}

int call_decode(const struct call_host *h, struct call *c, struct call_seed *seed,
		struct bytes record, const char **reason)
{
	const struct schema_place whole = { .path = CALL_UNKNOWN_WHOLE };
	struct call_context beside;
	struct call_loader loader = { .h = h, .c = c };
	struct schema_reader r = { .now = h->now,
				   .unknown = &c->unknown,
				   .place = &whole,
				   .arg = &loader,
				   .beside = &beside };
	struct text plain = { 0 };
	bool later = false, ok;

	*seed = (struct call_seed){ 0 };
	ok = outer_read(&r, record, &later);
	if (ok && beside.sealed.n) {
		ok = inner_read(&r, record, &plain, &later);
		record = text_bytes(&plain);
	}
	ok = ok && call_read(&r, seed, record);
	text_wipe(&plain);
	text_clear(&beside.sealed);
	legs_beside_clear(&beside);
	if (ok)
		return 0;
	*reason = r.reason;
	call_free(c);
	call_seed_clear(seed);
	return later ? -EPROTONOSUPPORT : -EBADMSG;
}
