/* SPDX-License-Identifier: Apache-2.0 */
/* The conference focus of RFC 4579 towards its members. It makes Contact carry isfocus, by the next
 * message or by an UPDATE; it admits calls with Join (RFC 3911) to a conference or a call; and it
 * carries out REFERs to the focus, in a dialog or outside: invite a target, move in a call of the
 * same phone, or drop a member. If a member's conference is on a remote shard, its REFERs and
 * NOTIFYs are relayed there unchanged. */

#include <errno.h>

#include "base/log.h"
#include "sig/call/legs.h"
#include "sig/call/reinvite.h"
#include "sig/call/relay.h"
#include "sig/host/route_uri.h"
#include "sig/leg/leg.h"
#include "sig/leg/respond.h"
#include "sig/model/call_order.h"
#include "sig/model/conference.h"
#include "sig/pbx/conference.h"
#include "sig/pbx/focus.h"
#include "sig/pbx/meetme.h"
#include "sig/pbx/refer.h"
#include "sig/pbx/remote_shard.h"
#include "sig/pbx/transfer.h"
#include "sig/room/room.h"
#include "sig/sip/dialog_name.h"
#include "sig/sip/focus_parse.h"

static enum refusal focus_call_refuse(struct call_refusal *refusal, enum refusal why)
{
	uint16_t status = refusals[why].status;

	if (status == 503)
		return call_refuse(refusal, REFUSED_CALLS_FULL);
	(void)call_refuse_as(refusal, 481, REFUSED_ROOM);
	if (why == REFUSED_MEMBERS_FULL || status == 491) {
		refusal->status = 486;
		refusal->text = status == 491 ? "something else happens to that call just now"
					      : "a conference has no more members than that";
	}
	return REFUSED_ROOM;
}

/* Takes the rights of the party in that place: no PIN is asked. */
static void focus_call_admit(const struct call_host *h, struct call *c)
{
	const struct call *other = h->services->calls->find(h->owner, c->replaces.call);

	c->member->admitted = true;
	c->member->hosts = other && other->member && other->member->hosts;
}

enum refusal focus_call_start(struct call_host *h, struct call *c, const struct call_start *start,
			      struct call_refusal *refusal)
{
	const struct call_set *set = start->set;
	enum refusal why = REFUSED_NOT;
	struct room *r = NULL;
	enum refusal refused;

	c->replaces = set->stead;
	if (set->conference)
		r = h->services->rooms->find(h->owner, set->conference);
	else
		why = h->services->rooms->of_call(h->owner, set->joins, set->join_leg, &r);
	if (why || !r)
		return focus_call_refuse(refusal, why ? why : REFUSED_NO_CALL);
	refused = meetme_enter(h, c, start->display, r, refusal);
	if (!refused && c->replaces.call)
		focus_call_admit(h, c);
	return refused;
}

bool focus_remote_is(const struct call *c, const struct call_event *ev)
{
	return !c->member && c->state == CALL_ESTABLISHED && c->legs[ev->leg]->user.n &&
	       conference_is_remote(c, ev->leg);
}

/* The party named is of this node, by the domains that this node has; all else is for the remote
 * shard to decide. */
static bool focus_remote_is_ours(const struct call_host *h, const struct call *c,
				 const struct sip_message *m)
{
	struct focus_wish wish;
	struct bytes value;

	return !refer_to(m, &value) || focus_parse(&wish, value) || wish.uri.headers.n ||
	       route_is_near(&wish.uri, &m->to.uri, c->tenant, h->settings);
}

static void focus_remote_pass_refer(struct call_host *h, struct call *c,
				    const struct call_event *ev)
{
	struct dialog *d = &c->legs[ev->leg]->dialog;

	if (!relay_request(h, c, ev))
		return;
	c->legs[bridge_peer(c, ev->leg)]->dialog.referrer = d->tag;
	d->refer = relay_refer_number(ev->message);
	d->refer_is = refer_wants_notify(ev->message) ? DIALOG_REFER_ASKED : DIALOG_REFER_NONE;
}

static void focus_remote_refer(struct call_host *h, struct call *c, const struct call_event *ev)
{
	if (!relay_may(h, c, ev))
		return;
	if (focus_remote_is_ours(h, c, ev->message))
		focus_remote_pass_refer(h, c, ev);
	else
		respond_refuse(h, ev, 404, REFUSED_TRANSFER, (struct bytes){ 0 });
}

/* A party that replaced the member has sent no REFER. A successor does not know which party did,
 * and passes the NOTIFY on. */
static bool focus_remote_is_for(const struct dialog *conference, const struct dialog *party)
{
	const struct id_tag *asked = &conference->referrer, *tag = &party->tag;

	return !asked->call ||
	       (asked->call == tag->call && asked->leg == tag->leg && asked->random == tag->random);
}

static void focus_remote_pass_notify(struct call_host *h, struct call *c,
				     const struct call_event *ev, uint32_t number)
{
	struct dialog *d = &c->legs[bridge_peer(c, ev->leg)]->dialog;
	bool own = d->refer == number && d->refer_is;

	if (!focus_remote_is_for(&c->legs[ev->leg]->dialog, d) ||
	    (own && d->refer_is == DIALOG_REFER_OVER))
		respond_refuse(h, ev, 481, REFUSED_NO_DIALOG, (struct bytes){ 0 });
	else if (relay_request(h, c, ev) && own)
		d->refer_is =
			refer_is_last_notify(ev->message) ? DIALOG_REFER_NONE : DIALOG_REFER_TAKEN;
}

static bool focus_remote_notify(struct call_host *h, struct call *c, const struct call_event *ev)
{
	uint32_t number;

	if (!c->legs[ev->leg]->dialog.confers || !refer_is_notified(ev->message, &number))
		return false;
	if (relay_may(h, c, ev))
		focus_remote_pass_notify(h, c, ev, number);
	return true;
}

/* What a REFER asks for. */
struct focus_refer {
	struct focus_wish wish;
	char user[ROUTE_USER_MAX];
	struct replaces replaces; /* in space */
	char space[REPLACES_MAX];
	bool replaces_one;
	bool done; /* at once: nothing is to be waited for */
	bool notify;
	struct call_refusal refusal; /* of a quota */
	const char *why;             /* of a refusal; NULL: no reason phrase */
};

static bool focus_refer_read(const struct sip_message *m, struct focus_wish *out, int *err)
{
	struct bytes value;

	if (!refer_to(m, &value))
		return false;
	*err = focus_parse(out, value);
	return true;
}

static const struct call *focus_dialog(const struct call_host *h, const struct call *c,
				       const struct replaces *r, uint8_t *leg)
{
	const struct call *other = h->services->calls->find_by_dialog(
		h->owner, c->tenant, r->call_id, r->to_tag, r->from_tag, leg);

	return other ? other
		     : h->services->calls->find_by_dialog(h->owner, c->tenant, r->call_id,
							  r->from_tag, r->to_tag, leg);
}

/* RFC 5589 7: with its other call the phone is in a conference, and gives that place away. */
static const struct call *focus_refer_place(const struct call_host *h, const struct call *c,
					    const struct leg *l, const struct focus_wish *wish)
{
	char space[REPLACES_MAX];
	const struct call *other;
	struct replaces r;
	uint8_t at;

	if (replaces_of_uri(&r, wish->uri.headers, space) || !transfer_is_allowed(h, c, l))
		return NULL;
	other = focus_dialog(h, c, &r, &at);
	return other && other != c && conference_speaks(other) && !other->member->monitors &&
			       at == other->bridge.caller && refer_is_own_dialog(l, other->legs[at])
		       ? other
		       : NULL;
}

/* The conference that a party of a two-party call names and is a member of. *place: its call there,
 * which it gives away; NULL: it stays. */
static struct room *focus_refer_room(const struct call_host *h, const struct call *c,
				     const struct call_event *ev, const struct call **place)
{
	const struct leg *l = c->legs[ev->leg];
	struct focus_wish wish;
	struct room *r;
	int err = 0;

	*place = NULL;
	if (!l->user.n || c->state != CALL_ESTABLISHED || !call_callee(c) ||
	    !focus_refer_read(ev->message, &wish, &err) || err || wish.deed != FOCUS_ADD)
		return NULL;
	if (wish.uri.headers.n) {
		*place = focus_refer_place(h, c, l, &wish);
		return *place ? conference_room(h, *place) : NULL;
	}
	r = h->services->rooms->find_named(h->owner, c->tenant, wish.uri.user);
	return r && room_has_user(r, text_bytes(&l->user)) ? r : NULL;
}

bool focus_refer_is(const struct call_host *h, const struct call *c, const struct call_event *ev)
{
	const struct call *place;

	return c->member ? ev->leg == c->bridge.caller && !call_callee(c)
			 : focus_refer_room(h, c, ev, &place) != NULL;
}

/* ---- what is asked for ---- */

/* 0 or the status to refuse with, and why where the status does not say it. */
static uint16_t focus_refer_status(struct focus_refer *f, enum refusal refused)
{
	uint16_t status = refusals[refused].status;

	if (f->refusal.reason)
		return f->refusal.status;
	if (refused == REFUSED_NO_CALL)
		return REFER_NO_OTHER;
	if (status == 403 || status == 486)
		f->why = refusals[refused].words;
	return status == 500 ? 503 : status;
}

/* 0 or the status to refuse with. */
static uint16_t focus_refer_target(const struct call_host *h, const struct call *c,
				   const struct sip_message *m, struct focus_refer *f)
{
	enum route_verdict verdict;
	int err = 0;

	if (!focus_refer_read(m, &f->wish, &err) || err == -EINVAL)
		return 400;
	if (err)
		return 501;
	err = replaces_of_uri(&f->replaces, f->wish.uri.headers, f->space);
	f->replaces_one = err == 0;
	if (err != -ENOENT)
		return err ? 400 : 0;
	if (m->hop.transport != SIP_INTER_SHARD &&
	    !route_is_near(&f->wish.uri, &m->to.uri, c->tenant, h->settings))
		return 404;
	verdict = route_user(&f->wish.uri, f->user);
	return verdict == ROUTE_OK ? 0 : verdict == ROUTE_SCHEME ? 416 : 404;
}

static bool focus_means(const struct room_member *m, const struct focus_refer *f)
{
	return f->wish.member ? m->call == f->wish.member
			      : bytes_is(text_bytes(&m->told.user), f->user);
}

static bool focus_may_drop(const struct call *c, const struct room *r, const struct focus_refer *f)
{
	for (const struct room_member *m = r->first; m; m = m->next) {
		if (m != c->member && focus_means(m, f) && !room_may(r, c->member, ROOM_DROP, m))
			return false;
	}
	return true;
}

/* RFC 4579 5.11, CONF-07: by its host, or its inviter. Also for a ringing one. */
static uint16_t focus_drop(struct call_host *h, struct call *c, struct room *r,
			   struct focus_refer *f)
{
	struct call_order order = { .kind = ORDER_MEMBER, .member = MEMBER_DROP };
	const struct call_event drop = { .kind = CALL_EV_ORDER, .order = &order };
	const struct call_event leave = { .kind = CALL_EV_HANGUP };
	uint16_t status = 404;

	f->why = "only the host, and the member that invited it, may drop it";
	if (!focus_may_drop(c, r, f))
		return 403;
	for (struct room_member *m = r->first, *next; m; m = next) {
		next = m->next;
		if (m == c->member || !focus_means(m, f))
			continue;
		room_invite(r, text_bytes(&m->told.user), false);
		h->services->calls->step(h->owner, m->call, m->asks ? &leave : &drop);
		status = 0;
	}
	f->done = true;
	f->why = "there is no such member";
	return status;
}

/* A dialog on a remote shard, which checks that it is of the same extension. Returns false if no
 * reachable shard has it. */
static bool focus_remote_dialog(const struct call_host *h, const struct replaces *r,
				struct focus_addition *ask)
{
	struct replaces there;
	struct id_tag tag;

	if (!remote_shard_of(h, r, &there) || id_tag_get(there.to_tag, &tag) ||
	    tag.leg > ID_LEG_MAX)
		return false;
	ask->comes = tag.call;
	ask->dialog = (uint8_t)(tag.leg + 1);
	return true;
}

/* RFC 4579 5.8: the peer of another call of the same phone joins; the phone's leg there is
 * released. */
static uint16_t focus_replaces(struct call_host *h, struct call *c, struct focus_addition *ask,
			       struct focus_refer *f)
{
	const struct leg *own = call_caller(c);
	uint8_t at;
	const struct call *other = focus_dialog(h, c, &f->replaces, &at);

	if (!other && focus_remote_dialog(h, &f->replaces, ask)) {
		ask->user = conference_user(c);
		return focus_refer_status(f, h->services->rooms->add_party(h->owner, ask));
	}
	if (!other && refer_is_of_another_shard(h, &f->replaces))
		return 501;
	if (!other || other == c || !bridge_has(other, at) || !call_callee(other)) {
		f->why = "there is no such call, or nobody speaks there";
		return REFER_NO_OTHER;
	}
	if (own->dialog.hop.transport == SIP_INTER_SHARD
		    ? !bytes_eq(conference_user(c), text_bytes(&other->legs[at]->user))
		    : !refer_is_own_dialog(own, other->legs[at])) {
		f->why = "the dialog is another's";
		return 403;
	}
	ask->comes = other->id;
	ask->leaves = at == other->bridge.caller ? SHARD_LEG_CALLER : SHARD_LEG_CALLEE;
	f->done = true;
	return focus_refer_status(f, h->services->rooms->add_party(h->owner, ask));
}

static uint16_t focus_add(struct call_host *h, const struct room *r, struct focus_addition *ask,
			  struct focus_refer *f)
{
	if (r->locked && r->host != ask->inviter) {
		f->why = "the conference is locked";
		return 403;
	}
	ask->to = bytes_str(f->user);
	return focus_refer_status(f, h->services->rooms->add_party(h->owner, ask));
}

static uint16_t focus_refer_member(struct call_host *h, struct call *c, const struct sip_message *m,
				   struct focus_refer *f)
{
	struct room *r = conference_room(h, c);
	struct focus_addition ask = { .room = r,
				      .call = c->id,
				      .inviter = c->member->number,
				      .refer = relay_refer_number(m),
				      .refusal = &f->refusal,
				      .notify = f->notify };
	/* a phone of an extension, as its own shard has seen to where that is another */
	bool may = r && !c->member->asks && !c->member->monitors &&
		   (call_caller(c)->user.n || m->hop.transport == SIP_INTER_SHARD);
	uint16_t status = may ? focus_refer_target(h, c, m, f) : 403;

	if (status)
		return status;
	if (f->replaces_one)
		return f->wish.deed == FOCUS_ADD ? focus_replaces(h, c, &ask, f) : 400;
	return f->wish.deed == FOCUS_DROP ? focus_drop(h, c, r, f) : focus_add(h, r, &ask, f);
}

/* The peer of a party joins the conference that the party is in with another call. */
static uint16_t focus_refer_given(struct call_host *h, struct call *c, const struct call_event *ev,
				  struct focus_refer *f)
{
	const struct call *place;
	struct focus_addition ask = { .room = focus_refer_room(h, c, ev, &place),
				      .call = c->id,
				      .comes = c->id,
				      .leaves = ev->leg == c->bridge.caller ? SHARD_LEG_CALLER
									    : SHARD_LEG_CALLEE };

	ask.stead = place ? place->id : 0;
	f->done = true;
	return focus_refer_status(f, h->services->rooms->add_party(h->owner, &ask));
}

/* 0 or the status to refuse with. */
static uint16_t focus_refer_admit(struct call_host *h, struct call *c, const struct call_event *ev,
				  struct focus_refer *f)
{
	return c->member ? focus_refer_member(h, c, ev->message, f)
			 : focus_refer_given(h, c, ev, f);
}

/* ---- responses ---- */

static void focus_refer_refuse(struct call_host *h, const struct call_event *ev, uint16_t status,
			       const struct focus_refer *f)
{
	struct writer w = writer_over(h->extra, HOST_EXTRA);

	if (f->refusal.status) {
		refer_refuse_quota(h, ev, &f->refusal);
		return;
	}
	if (f->why)
		WRITER_TEXTS(&w, "Warning: 399 tandem \"", f->why, "\"\r\n");
	respond_refuse(h, ev, status, REFUSED_TRANSFER, writer_lines(&w));
}

static void focus_notify(struct call_host *h, struct call *c, uint8_t leg, uint32_t refer,
			 uint16_t status, bool last)
{
	struct dialog *d = &c->legs[leg]->dialog;
	struct txn_slot *slot = refer_notify_make(h, d, refer, status, last);
	struct outbox_item item = { .kind = OUTBOX_RELAY, .leg = leg };

	if (!slot) {
		LOG_WARN("call", c->id, "no transaction left for NOTIFY", LOG_U64("leg", leg));
		return;
	}
	item.txn = slot->self;
	if (!outbox_push(&c->out, &item))
		relay_on_saved(h, slot->self);
}

static void focus_refer_say_taken(struct call_host *h, struct call *c, const struct call_event *ev,
				  bool notify)
{
	struct outbox_item item = { .kind = OUTBOX_RESPONSE,
				    .leg = ev->leg,
				    .txn = ev->slot->self,
				    .status = 202,
				    .lines = notify ? "" : "Refer-Sub: false\r\n" };

	outbox_touch(&c->out);
	if (txns_keep_request(ev->slot, ev->message) || !outbox_push(&c->out, &item))
		respond_later(h, c, &item);
}

static void focus_refer_accept(struct call_host *h, struct call *c, const struct call_event *ev,
			       const struct focus_refer *f)
{
	if (c->member)
		c->member->taken = relay_refer_number(ev->message);
	focus_refer_say_taken(h, c, ev, f->notify);
	if (f->notify)
		focus_notify(h, c, ev->leg, relay_refer_number(ev->message), f->done ? 200 : 100,
			     f->done);
}

/* It was done before, and the target that was rung may be gone by now. */
static bool focus_refer_again(struct call_host *h, struct call *c, const struct call_event *ev)
{
	if (ev->message->method != SIP_REFER || !c->member || ev->leg != c->bridge.caller ||
	    c->member->taken != relay_refer_number(ev->message))
		return false;
	focus_refer_say_taken(h, c, ev, refer_wants_notify(ev->message));
	return true;
}

static void focus_refer_received(struct call_host *h, struct call *c, const struct call_event *ev)
{
	struct focus_refer f = { .notify = refer_wants_notify(ev->message) };
	uint16_t status = focus_refer_admit(h, c, ev, &f);

	if (status) {
		focus_refer_refuse(h, ev, status, &f);
	} else {
		leg_refresh_target(h, c, ev->leg, ev->message);
		focus_refer_accept(h, c, ev, &f);
	}
}

/* RFC 3515 2.4.5: one NOTIFY, perhaps with a pending state; this dialog is not stored. */
static void focus_refer_outside_accept(struct call_host *h, struct dialog *d,
				       const struct call_event *ev, const struct focus_refer *f)
{
	struct response r = { .status = 202,
			      .dialog = d,
			      .contact = true,
			      .record_route = true,
			      .extra = bytes_str(f->notify ? "" : "Refer-Sub: false\r\n") };
	struct txn_slot *slot;

	respond(h, ev->slot, ev->message, &r);
	if (!f->notify)
		return;
	slot = refer_notify_make(h, d, ev->message->cseq, f->done ? 200 : 100, true);
	if (slot)
		relay_on_saved(h, slot->self);
}

void focus_refer_outside(struct call_host *h, struct call *c, const struct call_event *ev)
{
	const struct id_tag tag = { .call = c->id,
				    .leg = ev->leg,
				    .random = rand_u64_from(h->rand) };
	struct focus_refer f = { .notify = refer_wants_notify(ev->message) };
	bool notify = f.notify;
	struct dialog d = { 0 };
	uint16_t status;

	if (dialog_from_request(&d, &tag, ev->message, h)) {
		status = 400;
	} else {
		f.notify = false; /* no NOTIFY could be sent later */
		status = focus_refer_admit(h, c, ev, &f);
		f.notify = notify;
	}
	d.named = false; /* what waits for a name is of a leg */
	if (status)
		focus_refer_refuse(h, ev, status, &f);
	else
		focus_refer_outside_accept(h, &d, ev, &f);
	dialog_clear(&d);
}

/* ---- what becomes of it ---- */

/* A target of the REFER has joined, or will not. */
static void focus_refer_on_progress(struct call_host *h, struct call *c,
				    const struct call_event *ev)
{
	const struct leg *l = c->state == CALL_ENDING ? NULL : call_caller(c);

	if (!l || l->state != LEG_CONFIRMED)
		return;
	outbox_touch(&c->out);
	focus_notify(h, c, c->bridge.caller, (uint32_t)ev->version, (uint16_t)ev->error,
		     ev->error >= 200);
}

void focus_refer_notify(struct call_host *h, struct call *c, uint16_t status)
{
	const struct call_event ev = { .kind = CALL_EV_FOCUS,
				       .version = c->member->refer,
				       .error = status };
	uint64_t referrer = c->member->referrer;

	c->member->referrer = 0;
	if (!referrer)
		return;
	outbox_touch(&c->out);
	h->services->calls->step(h->owner, referrer, &ev);
}

/* The room is not known yet; or it is on a remote shard, which announces it when called
 * (conference.c). */
static bool focus_is_coming(const struct call *c, uint8_t leg)
{
	const struct leg *peer = call_leg(c, bridge_peer(c, leg));

	if (conference_waits(c))
		return true;
	return peer && peer->dialog.hop.transport == SIP_INTER_SHARD && peer->state < LEG_CONFIRMED;
}

static void focus_leg(struct call_host *h, struct call *c, uint8_t leg)
{
	uint8_t space[ROOM_USER_MAX];
	struct leg *l = call_leg(c, leg);

	if (l && !focus_is_coming(c, leg) && conference_focus(l, conference_named(c, leg, space)))
		refresh_announce(h, c, leg);
}

/* The conference reports on a REFER in its own dialog, which is no longer the party's: to this
 * shard it goes on, and its subscription is over. */
static void focus_remote_left(struct call_host *h, struct call *c, uint8_t leg)
{
	struct leg *l = call_leg(c, leg);

	if (!l || l->dialog.refer_is != DIALOG_REFER_TAKEN || l->state != LEG_CONFIRMED ||
	    (conference_is_remote(c, leg) &&
	     focus_remote_is_for(&c->legs[bridge_peer(c, leg)]->dialog, &l->dialog)))
		return;
	l->dialog.refer_is = DIALOG_REFER_OVER;
	focus_notify(h, c, leg, l->dialog.refer, 100, true);
}

static void focus_go(struct call_host *h, struct call *c)
{
	if (c->state == CALL_ENDING)
		return;
	focus_leg(h, c, c->bridge.caller);
	focus_leg(h, c, c->bridge.callee);
	focus_remote_left(h, c, c->bridge.caller);
	focus_remote_left(h, c, c->bridge.callee);
}

/* What no record has. */
static void focus_resume(struct call_host *h, struct call *c)
{
	uint8_t space[ROOM_USER_MAX];

	(void)h;
	for (uint8_t i = 0; i < c->leg_count; i++) {
		if (c->legs[i] && conference_is_remote(c, i))
			(void)conference_focus(c->legs[i], conference_named(c, i, space));
	}
}

static bool focus_request(struct call_host *h, struct call *c, const struct call_event *ev)
{
	if (ev->message->method == SIP_NOTIFY)
		return focus_remote_notify(h, c, ev);
	if (ev->message->method != SIP_REFER)
		return false;
	if (focus_refer_is(h, c, ev))
		focus_refer_received(h, c, ev);
	else if (focus_remote_is(c, ev))
		focus_remote_refer(h, c, ev);
	else
		return false;
	return true;
}

static const struct module_event focus_events[] = {
	{ CALL_EV_FOCUS, focus_refer_on_progress },
	{ 0 },
};

/* A REFER to a conference is no transfer. */
static const struct module_rank focus_ranks[] = { { HOOK_REQUEST, -1 }, { 0 } };

const struct module focus_module = {
	.ranks = focus_ranks,
	.events = focus_events,
	.request = focus_request,
	.repeated = focus_refer_again,
	.settle = focus_go,
	.resumed = focus_resume,
};
