/* SPDX-License-Identifier: Apache-2.0 */
/* Recording awareness of parties (RFC 7866 6.1.2, 7.1.2, 7.1.3; docs/adr/0049): a=record in SDP to
 * those that support it, a re-INVITE when it changes, and their a=recordpref applied as a recording
 * code if settings permit. What a leg was told is compared by hash with what follows from the
 * recordings, so nothing else is saved and a successor tells what its predecessor could not. An
 * answer repeated before the ACK stays the same (RFC 3261 13.2.1). */

#include "base/log.h"
#include "media/offer/own.h"
#include "sig/call/invite.h"
#include "sig/call/module.h"
#include "sig/host/settings.h"
#include "sig/leg/leg.h"
#include "sig/pbx/recording/recording.h"

/* ---- with the answer ---- */

/* An answer that was sent is repeated unchanged (RFC 3261 13.2.1). */
static bool answer_is_new(const struct leg *l)
{
	return l->record_aware && l->uas && !l->uas->early && !l->open.by_18x && l->open.local.n;
}

void aware_answer(struct call_host *h, struct call *c, uint8_t leg)
{
	struct writer w = writer_over(h->sdp, HOST_SDP_MAX);
	struct leg *l = c->legs[leg];
	struct offer_record_state told;
	struct offer_error error;

	if (!answer_is_new(l) || !recordings_are_due(h, c))
		return;
	told = aware_record_state_now(c, leg);
	told.sound = OFFER_RECORD_ON;
	if (offer_record_again(text_bytes(&l->open.local), &told, l->session_version, &w, &error) ||
	    text_set(&l->open.local, writer_done(&w)))
		LOG_WARN("call", c->id, "a party is told later that it is recorded",
			 LOG_U64("leg", leg));
}

/* ---- what they prefer ---- */

/* By what its party prefers (RFC 7866 7.1.3): as by a code. As of ORDER_RECORD. */
static enum refusal recording_preferred(struct call_host *h, struct call *c, uint8_t leg,
					enum offer_record_preference p)
{
	static const enum order_record orders[OFFER_PREFERENCES] = {
		[OFFER_PREFERS_ON] = ORDER_RECORD_ON,
		[OFFER_PREFERS_OFF] = ORDER_RECORD_OFF,
		[OFFER_PREFERS_PAUSE] = ORDER_RECORD_PAUSE,
	};

	if (p == OFFER_PREFERS_NOTHING)
		return 0;
	if (!recording_is_on_demand(h, c, leg))
		return REFUSED_NOT_ON_DEMAND;
	return recording_order(h, c, leg, orders[p], ORDER_RECORD_AS_SET, RECORDING_BY_CODE);
}

static bool party_talks(const struct call *c, uint8_t leg)
{
	const struct leg *l = call_leg(c, leg);

	return l && l->state == LEG_CONFIRMED;
}

static void preference_follow(struct call_host *h, struct call *c, uint8_t leg,
			      enum offer_record_preference p)
{
	enum refusal r = h->settings->recordings.follow_preferences
				 ? recording_preferred(h, c, leg, p)
				 : REFUSED_NOT;
	const char *outcome = !h->settings->recordings.follow_preferences
				      ? "recordings.follow_preferences is false"
			      : r ? refusals[r].words
				  : "followed";

	LOG_INFO("call", c->id, "a party says what it prefers of recording", LOG_U64("leg", leg),
		 LOG_STR("preference", offer_record_preference_name(p)),
		 LOG_STR("outcome", outcome));
}

static void preference_note(struct call_host *h, struct call *c, uint8_t leg)
{
	struct leg *l = c->legs[leg];
	enum offer_record_preference p = offer_record_preference(text_bytes(&l->sdp.remote));

	if (p == l->record_preference)
		return;
	l->record_preference = (uint8_t)p;
	outbox_touch_later(&c->out);
	if (p != OFFER_PREFERS_NOTHING)
		preference_follow(h, c, leg, p);
}

void aware_prefer(struct call_host *h, struct call *c)
{
	const uint8_t legs[2] = { c->bridge.caller, c->bridge.callee };

	if (c->state != CALL_ESTABLISHED || !party_talks(c, legs[0]) || !party_talks(c, legs[1]))
		return;
	for (size_t i = 0; i < COUNT_OF(legs); i++) {
		if (c->legs[legs[i]]->record_aware)
			preference_note(h, c, legs[i]);
	}
}

/* ---- what has changed ---- */

/* Another offer of the session comes first, and includes this. */
static bool call_is_busy(const struct call *c)
{
	return c->state != CALL_ESTABLISHED || c->parting_ns || c->order_ns || c->reoffer ||
	       invite_is_open(c);
}

static uint16_t record_state_hash(const struct offer_record_state *told)
{
	uint16_t hash = (uint16_t)(4U | told->sound);

	for (uint8_t i = 0; i < (uint8_t)MEDIA_LINES_MAX; i++)
		hash = (uint16_t)(hash << 2 | told->line[i]);
	return hash;
}

/* A party that refused is told again when the state differs from the refused one. */
static bool leg_lacks_record_state(const struct call *c, uint8_t leg)
{
	struct leg *l = c->legs[leg];
	struct offer_record_state told = aware_record_state_now(c, leg);
	uint16_t hash = record_state_hash(&told);

	if (offer_record_is_in_local(text_bytes(&l->sdp.local), &told)) {
		l->record_asked = 0;
		return false;
	}
	if (l->record_asked == hash)
		return false;
	l->record_asked = hash;
	return true;
}

static void leg_notify_record_state(struct call_host *h, struct call *c, uint8_t leg)
{
	struct leg *l = call_leg(c, leg);
	int err;

	if (!l || !l->record_aware || l->state != LEG_CONFIRMED || call_is_busy(c) ||
	    !leg_lacks_record_state(c, leg))
		return;
	err = invite_reoffer_record(h, c, leg);
	if (!err)
		return;
	LOG_WARN("call", c->id, "a party is told a second later what is recorded",
		 LOG_U64("leg", leg), LOG_INT("error", err));
	l->record_asked = 0;
	c->order_leg = call_is_alone(c) ? leg : bridge_peer(c, leg);
	c->order_ns = h->now.ns + NS_PER_S;
}

void aware_settle(struct call_host *h, struct call *c)
{
	leg_notify_record_state(h, c, c->bridge.caller);
	leg_notify_record_state(h, c, c->bridge.callee);
}
