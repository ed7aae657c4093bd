/* SPDX-License-Identifier: Apache-2.0 */
/* INVITE with Replaces: the leg that it names, and whether its sender may take that place (RFC 3891
 * 3). */
#include "sig/call/number_claim.h"
#include "sig/call/wait.h"
#include "sig/model/conference.h"
#include "sig/model/leg.h"
#include "sig/model/transfer.h"
#include "sig/pbx/pick.h"
#include "sig/pbx/refer.h"
#include "sig/pbx/retrieve.h"
#include "sig/shard/shard_parts.h"
#include "sig/sip/dialog_name.h"

/* REFER outside of a dialog: its sender names a dialog of its own by Target-Dialog (RFC 4538, RFC
 * 7647 5). */

/* The tags as seen by the receiver, which is us; some phones swap them. Returns NULL if the dialog
 * does not exist or is over. */
static struct call *refer_find(const struct shard *s, uint16_t tenant,
			       const struct target_dialog *t, uint8_t *leg)
{
	struct call *c = shard_dialog_find(s, tenant, t->call_id, t->local_tag, t->remote_tag, leg);

	if (!c)
		c = shard_dialog_find(s, tenant, t->call_id, t->remote_tag, t->local_tag, leg);
	return c && c->legs[*leg]->state < LEG_LEAVING ? c : NULL;
}

/* A party cannot be given away by strangers. */
static bool refer_is_own(const struct leg *l, struct bytes user, const struct sip_message *m)
{
	return l->user.n ? bytes_eq(text_bytes(&l->user), user)
			 : addr_ip_eq(&l->dialog.hop.remote, &m->hop.remote);
}

/* 0 or the status to refuse with. */
static uint16_t refer_head(const struct sip_message *m, struct target_dialog *out)
{
	struct bytes value;

	if (!message_header(m, "Target-Dialog", 0, &value))
		return 405;
	if (message_header(m, "Target-Dialog", 1, &value) ||
	    !message_header(m, "Target-Dialog", 0, &value) || target_dialog_parse(out, value) ||
	    !shard_has_contact(m))
		return 400;
	return 0;
}

static void refer_refuse(struct shard *s, const struct sip_message *m, uint16_t status,
			 enum refusal reason)
{
	shard_refuse(s, NULL, m, status, reason,
		     status == 405 ? BYTES_LIT(RESPOND_ALLOW) : (struct bytes){ 0 });
}

static bool refer_is_taken(struct shard *s, const struct sip_message *m)
{
	for (const struct shard_hooks *const *f = shard_shared_tables(s)->hooks; *f; f++) {
		if ((*f)->referred && (*f)->referred(s, m))
			return true;
	}
	return false;
}

void shard_refer(struct shard *s, const struct sip_message *m)
{
	struct call_event ev = { .kind = CALL_EV_REFER, .message = m };
	const struct shard_extension *e;
	struct target_dialog target;
	uint16_t status = refer_head(m, &target), tenant = shard_tenant_of(s, m);
	char user[ROUTE_USER_MAX];
	struct quota_party party;
	struct call *c;

	/* a trunk may not learn whether such a conference exists: it is in no document as a
	 * member */
	if (status == 405 && shard_trunk_of(s, &m->hop) == TRUNK_NONE && refer_is_taken(s, m))
		return;
	if (status) {
		refer_refuse(s, m, status, status == 405 ? REFUSED_METHOD : REFUSED_MALFORMED);
		return;
	}
	if (!shard_identify(s, m, tenant, user, &e))
		return;
	c = refer_find(s, tenant, &target, &ev.leg);
	if (!c || !refer_is_own(c->legs[ev.leg], bytes_str(user), m)) {
		refer_refuse(s, m, c ? 403 : 481, c ? REFUSED_TRANSFER : REFUSED_NO_DIALOG);
		return;
	}
	party = shard_party(s, tenant, bytes_str(user), &m->hop);
	ev.slot = shard_txn_in_dialog(s, m, &party);
	if (ev.slot)
		shard_call_step(s, c, &ev);
}

static bool replaces_fail(struct call_refusal *why, uint16_t status, const char *text)
{
	*why = (struct call_refusal){ .status = status, .reason = REFUSED_REPLACES, .text = text };
	return false;
}

/* A remote shard asks to be the peer of a party without one: no other sender may (RFC 3911 has
 * conferences in mind). */
static bool has_join(const struct sip_message *m)
{
	struct bytes value;

	return m->hop.transport == SIP_INTER_SHARD && message_header(m, "Join", 0, &value);
}

bool shard_has_replaces(const struct sip_message *m)
{
	struct bytes value;

	return message_header(m, "Replaces", 0, &value) || has_join(m);
}

static bool replaces_read(const struct sip_message *m, struct replaces *out,
			  struct call_refusal *why)
{
	struct bytes value;

	if (message_header(m, "Replaces", 1, &value) || message_header(m, "Join", 0, &value))
		return replaces_fail(why, 400, "one Replaces, and no Join beside it");
	return (message_header(m, "Replaces", 0, &value) && !replaces_parse(out, value)) ||
	       replaces_fail(why, 400, "malformed Replaces");
}

/* A remote shard names the user with the right by Referred-By (RFC 3892), an operator by its
 * absence. */
static bool replaces_own_remote(const struct leg *l, const struct sip_message *m)
{
	struct sip_name_addr by;
	struct bytes value;
	struct addr ip;

	if (!message_header(m, "Referred-By", 0, &value))
		return true;
	if (sip_name_addr_parse(&by, value))
		return false;
	if (by.uri.user.n || l->user.n)
		return bytes_eq(text_bytes(&l->user), by.uri.user);
	return !addr_parse(&ip, by.uri.host) && addr_ip_eq(&l->dialog.hop.remote, &ip);
}

/* A PBX behind a trunk that transfers a call names a dialog of its own (RFC 5589 7); it has no
 * right to those of others. */
static bool replaces_own_trunk(const struct shard *s, const struct leg *l, uint16_t trunk)
{
	const struct trunk_settings *set = trunks_settings(shard_settings(s)->trunks, trunk);

	return set && !set->no_replaces && bytes_is(text_bytes(&l->trunk), set->name);
}

/* As phones read it in dialog NOTIFYs (RFC 4235), the tags are those of the watched phone: our tag
 * is its remote one. */
static struct call *replaces_find(const struct shard *s, uint16_t tenant, const struct replaces *r,
				  uint8_t *leg)
{
	struct call *c = shard_dialog_find(s, tenant, r->call_id, r->to_tag, r->from_tag, leg);

	if (!c)
		c = shard_dialog_find(s, tenant, r->call_id, r->from_tag, r->to_tag, leg);
	if (!c)
		c = shard_early_find(s, tenant, r->call_id, r->to_tag, leg);
	return c ? c : shard_early_find(s, tenant, r->call_id, r->from_tag, leg);
}

/* A place cannot be taken by strangers. */
static bool replaces_own(const struct shard *s, const struct leg *l, struct bytes user,
			 const struct sip_message *m)
{
	uint16_t trunk = shard_trunk_of(s, &m->hop);

	if (m->hop.transport == SIP_INTER_SHARD)
		return replaces_own_remote(l, m);
	if (trunk != TRUNK_NONE || leg_is_trunk(l))
		return replaces_own_trunk(s, l, trunk);
	return l->user.n ? bytes_eq(text_bytes(&l->user), user)
			 : addr_ip_eq(&l->dialog.hop.remote, &m->hop.remote);
}

/* NULL: nobody is about to. */
static struct call *replaces_pending(const struct shard *s, const struct call *c, uint8_t leg)
{
	uint64_t id = c->legs[leg]->replaced_by;
	struct call *by = id ? shard_call_find(s, id) : NULL;

	return by && by->state < CALL_ENDING && by->replaces.call == c->id &&
			       by->replaces.leg == leg
		       ? by
		       : NULL;
}

void shard_replaced_know(struct shard *s, const struct call *c)
{
	const struct call_replaces *r = &c->replaces;
	struct call *of = r->call && !r->asked ? shard_call_find(s, r->call) : NULL;
	struct leg *l = of ? call_leg(of, r->leg) : NULL;
	const struct call *by = l ? replaces_pending(s, of, r->leg) : NULL;

	if (of)
		of->picker = c->id;
	/* those of a process before come in any order */
	if (l && (!by || by->setup_utc_ms <= c->setup_utc_ms))
		l->replaced_by = c->id;
}

/* Nobody was asked to speak with it yet, and its phone may be gone: a page that is loaded again. */
static bool replaces_yields(const struct call *c, const struct call *by,
			    const struct sip_message *m)
{
	return !(c->transfer && c->transfer->met) && m->hop.transport != SIP_INTER_SHARD &&
	       call_caller(by)->user.n && call_caller(by)->dialog.hop.transport != SIP_INTER_SHARD;
}

/* By one at a time: of a second one both calls would be over. Until then the latest of a user's
 * phones counts. */
static bool replaces_taken(const struct shard *s, const struct call *c, uint8_t leg,
			   const struct sip_message *m)
{
	const struct call *by = replaces_pending(s, c, leg);

	return by && !replaces_yields(c, by, m);
}

/* Who waits to take a place has none of its own yet: the place is meant, as by a page that is
 * loaded again and lost its ACK or keys. */
static const struct call *replaces_meant(const struct shard *s, const struct call *c, uint8_t *leg)
{
	const struct call_replaces *r = &c->replaces;
	const struct call *of =
		r->call && r->leg != LEG_NONE && *leg == c->bridge.caller && c->state < CALL_ENDING
			? shard_call_find(s, r->call)
			: NULL;

	if (!of || !call_leg(of, r->leg))
		return c;
	*leg = r->leg;
	return of;
}

/* Lets the replaced leg leave: in a conference now, as two members would be there, elsewhere once
 * the new leg is there (replace.h). */
void shard_replaced_leave(struct shard *s, const struct call *c)
{
	const struct call_event hangup = { .kind = CALL_EV_HANGUP, .transferred = true };
	const struct call_replaces *r = &c->replaces;
	const struct call *of = r->call ? shard_call_find(s, r->call) : NULL;
	struct call *by =
		of && of->member && call_leg(of, r->leg) ? replaces_pending(s, of, r->leg) : NULL;

	shard_replaced_know(s, c);
	if (by)
		shard_call_step(s, by, &hangup);
}

static bool replaces_state(const struct shard *s, const struct call *c, uint8_t leg,
			   const struct sip_message *m, bool early_only, struct call_refusal *why)
{
	const struct leg *l = c->legs[leg];

	if (l->state >= LEG_LEAVING || c->state == CALL_ENDING)
		return replaces_fail(why, 603, "the call to be replaced is over");
	if (l->state == LEG_EARLY)
		return replaces_fail(why, 481, "an early dialog of its own caller");
	if (early_only)
		return replaces_fail(why, 486, "the call to be replaced is answered");
	/* its caller's ACK may be on its way: the call that comes waits for it */
	if (!bridge_has(c, leg) || c->state < CALL_ANSWERING || !call_callee(c))
		return replaces_fail(why, 481, "nobody speaks with the party to be replaced");
	if (c->transfer && c->transfer->state == TRANSFER_WAITING && !c->transfer->replaced)
		return replaces_fail(why, 481, "the call is about to be transferred");
	if (replaces_taken(s, c, leg, m))
		return replaces_fail(why, 481, "another one takes that place");
	return true;
}

/* It names the party parked in the slot of an extension's number, as BLF shows it: the caller means
 * the slot, as dialled. */
static enum number_verdict parked_slot_claim(struct call_host *h, const struct number_request *ask,
					     struct number_claimed *out, struct call_refusal *why)
{
	const struct sip_message *m = ask->invite;
	const struct shard *s = h->owner;
	struct call_refusal none;
	struct replaces r;
	struct id_tag tag;
	const struct call *c;

	(void)why;
	if (m->hop.transport == SIP_INTER_SHARD || !replaces_read(m, &r, &none) ||
	    !park_slot_is(r.call_id) || id_tag_get(r.from_tag, &tag))
		return NUMBER_FREE;
	c = shard_call_find(s, tag.call);
	return c && c->tenant == ask->tenant && bytes_is(r.call_id, c->watched_slot) &&
			       shard_watch_slot_name(s, c, out->to)
		       ? NUMBER_DIALLED
		       : NUMBER_FREE;
}

const struct number_claim park_numbers[] = { { 2, parked_slot_claim }, { 0 } };

/* The target that still rings for the transferor, or its application, is called anew for the given
 * party: the transferor's own call there is over. */
static enum number_verdict anew_claim(struct call_host *h, const struct number_request *ask,
				      struct number_claimed *out, struct call_refusal *why)
{
	const struct call_event hangup = { .kind = CALL_EV_HANGUP, .transferred = true };
	const struct sip_message *m = ask->invite;
	struct shard *s = h->owner;
	struct call_refusal none;
	struct replaces r;
	struct call *c;
	uint8_t leg;

	(void)why;
	if (m->hop.transport != SIP_INTER_SHARD || has_join(m) || !replaces_read(m, &r, &none))
		return NUMBER_FREE;
	c = shard_dialog_find(s, ask->tenant, r.call_id, r.to_tag, r.from_tag, &leg);
	if (!c || !refer_is_asked_anew(c, leg) || !replaces_own_remote(c->legs[leg], m) ||
	    bytes_cstr(text_bytes(&c->to), out->to, ROUTE_USER_MAX))
		return NUMBER_FREE;
	shard_call_step(s, c, &hangup);
	return NUMBER_CLAIMED;
}

const struct number_claim transfer_numbers[] = { { 2, anew_claim }, { 0 } };

/* The remaining party's peer is the very call that asks: it would be bridged with itself, with no
 * party left to hang up. */
static bool replaces_itself(const struct call *c, uint8_t leg, const struct sip_message *m)
{
	const struct leg *stays = call_leg(c, bridge_peer(c, leg));
	struct id_tag theirs, asks;

	return m->hop.transport == SIP_INTER_SHARD && stays &&
	       stays->dialog.hop.transport == SIP_INTER_SHARD &&
	       !id_tag_get(text_bytes(&stays->dialog.remote_tag), &theirs) &&
	       !id_tag_get(m->from.tag, &asks) && theirs.call == asks.call;
}

/* The party given away, or left, has the very call that is asked for as its peer: the same, where
 * legs have moved to other calls since. */
static bool replaces_given(const struct shard *s, const struct call *c, const struct sip_message *m)
{
	struct replaces given;
	struct bytes value;
	uint8_t leg;

	for (unsigned i = 0; m->hop.transport == SIP_INTER_SHARD; i++) {
		if (!message_header(m, "Tandem-Given", i, &value))
			return false;
		if (!replaces_parse(&given, value) &&
		    shard_dialog_find(s, c->tenant, given.call_id, given.to_tag, given.from_tag,
				      &leg) == c)
			return true;
	}
	return false;
}

/* For an operator only. */
static bool join_read(const struct shard *s, const struct sip_message *m, uint16_t tenant,
		      struct call_replaces *out, struct call_refusal *why)
{
	struct replaces r;
	struct bytes value;
	const struct call *c;
	uint8_t leg;

	if (!message_header(m, "Join", 0, &value) || replaces_parse(&r, value) ||
	    message_header(m, "Replaces", 0, &value))
		return replaces_fail(why, 400, "malformed Join");
	if (message_header(m, "Referred-By", 0, &value))
		return replaces_fail(why, 403, "the dialog is another's");
	c = shard_dialog_find(s, tenant, r.call_id, r.to_tag, r.from_tag, &leg);
	if (!c || !call_is_alone(c) || leg != c->bridge.caller)
		return replaces_fail(why, 481, "nobody is alone there");
	if (pick_is_promised(shard_host(s), c))
		return replaces_fail(why, 481, "another one speaks with that party");
	if (replaces_given(s, c, m))
		return replaces_fail(why, 482, "a conversation without anybody");
	*out = (struct call_replaces){ .call = c->id, .leg = LEG_NONE };
	return true;
}

/* A phone rings, and another one takes the call from it. */
static bool replaces_rings(const struct leg *l, const struct sip_message *m)
{
	return l->state == LEG_EARLY && l->outbound && l->user.n &&
	       m->hop.transport != SIP_INTER_SHARD;
}

static bool replaces_pick(const struct shard *s, const struct call *c, struct bytes of,
			  struct bytes user, struct call_replaces *out, struct call_refusal *why)
{
	if (!shard_host(s)->services->pickups->may(shard_host(s)->owner, c->tenant, user, of))
		return replaces_fail(why, 403, "the call that rings is another's");
	if (!call_is_ringing(c))
		return replaces_fail(why, 481, "nobody waits there for an answer");
	if (bytes_eq(text_bytes(&c->from), user))
		return replaces_fail(why, 481, "it is the extension's own call");
	if (pick_is_promised(shard_host(s), c))
		return replaces_fail(why, 481, "the call is taken already");
	*out = (struct call_replaces){ .call = c->id, .leg = LEG_NONE };
	return true;
}

static enum number_verdict replaces_refuse(struct call_refusal *why, uint16_t status,
					   const char *text)
{
	(void)replaces_fail(why, status, text);
	return NUMBER_REFUSED;
}

/* A dialog of a conference member: its place is taken. */
static enum number_verdict replaces_member(struct call_host *h, const struct number_request *ask,
					   struct number_claimed *out, struct call_refusal *why)
{
	const struct sip_message *m = ask->invite;
	const struct shard *s = h->owner;
	uint8_t space[ROOM_USER_MAX], leg;
	struct bytes value;
	const struct call *c;
	struct replaces r;

	if (!message_header(m, "Replaces", 0, &value) || !replaces_read(m, &r, why))
		return NUMBER_FREE;
	c = replaces_find(s, ask->tenant, &r, &leg);
	if (!c || !conference_speaks(c) || leg != c->bridge.caller || r.early_only)
		return NUMBER_FREE;
	if (!replaces_own(s, c->legs[leg], ask->user, m))
		return replaces_refuse(why, 403, "the dialog is another's");
	if (replaces_taken(s, c, leg, m))
		return replaces_refuse(why, 481, "another one takes that place");
	out->set.room = true;
	out->set.conference = c->member->room;
	out->set.stead = (struct call_replaces){ .call = c->id, .leg = leg };
	(void)bytes_cstr(room_member_names(c->member, space), out->to, ROUTE_USER_MAX);
	return NUMBER_CLAIMED;
}

bool shard_replaces(const struct shard *s, const struct sip_message *m, uint16_t tenant,
		    struct bytes user, struct call_replaces *out, struct call_refusal *why)
{
	struct replaces r;
	const struct call *c;
	uint8_t leg;

	if (has_join(m))
		return join_read(s, m, tenant, out, why);
	if (!replaces_read(m, &r, why))
		return false;
	c = replaces_find(s, tenant, &r, &leg);
	if (!c)
		return replaces_fail(why, 481, "no such dialog");
	if (replaces_rings(c->legs[leg], m))
		return shard_trunk_of(s, &m->hop) == TRUNK_NONE
			       ? replaces_pick(s, c, text_bytes(&c->legs[leg]->user), user, out,
					       why)
			       : replaces_fail(why, 403, "the call that rings is another's");
	if (!replaces_own(s, c->legs[leg], user, m))
		return replaces_fail(why, 403, "the dialog is another's");
	c = replaces_meant(s, c, &leg);
	if (!replaces_state(s, c, leg, m, r.early_only, why))
		return false;
	if (replaces_itself(c, leg, m) || replaces_given(s, c, m))
		return replaces_fail(why, 482, "a conversation without anybody");
	*out = (struct call_replaces){ .call = c->id, .leg = leg };
	return true;
}

/* The peer of the leg that it names is called. */
static enum number_verdict replaces_claim(struct call_host *h, const struct number_request *ask,
					  struct number_claimed *out, struct call_refusal *why)
{
	struct call_replaces *what = &out->replaces;
	const struct shard *s = h->owner;
	const struct call *c;

	if (!shard_has_replaces(ask->invite))
		return NUMBER_FREE;
	if (!shard_replaces(s, ask->invite, ask->tenant, ask->user, what, why))
		return NUMBER_REFUSED;
	c = shard_call_find(s, what->call);
	if (bytes_cstr(call_leg_user(c, what->leg == LEG_NONE ? c->bridge.caller
							      : bridge_peer(c, what->leg)),
		       out->to, ROUTE_USER_MAX))
		out->to[0] = '\0';
	return NUMBER_CLAIMED;
}

/* A member before the conference that is called, any other party after all else. */
const struct number_claim replace_numbers[] = { { 1, replaces_member },
						{ 3, replaces_claim },
						{ 0 } };
