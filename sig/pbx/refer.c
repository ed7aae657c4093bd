/* SPDX-License-Identifier: Apache-2.0 */
/* REFER from a party of a call (RFC 3515), in its dialog or outside (RFC 4538), and the NOTIFYs
 * with its result. It reads Refer-To into a target: a user, a parking slot, another dialog of the
 * same user (Replaces, RFC 3891), a focus, or a dialog on a remote shard; and starts a transfer
 * (transfer.c). The 202 is sent after the save, since the transferor gives up its party then. A
 * REFER repeated to a successor gets the same answer. */

#include "sig/pbx/refer.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "sig/call/legs.h"
#include "sig/call/module.h"
#include "sig/call/relay.h"
#include "sig/call/session.h"
#include "sig/call/trunk_route.h"
#include "sig/call/wait.h"
#include "sig/host/route_uri.h"
#include "sig/host/security.h"
#include "sig/host/settings.h"
#include "sig/leg/leg.h"
#include "sig/leg/respond.h"
#include "sig/model/payer.h"
#include "sig/pbx/focus.h"
#include "sig/pbx/park.h"
#include "sig/pbx/pick.h"
#include "sig/pbx/remote_shard.h"
#include "sig/pbx/transfer.h"
#include "sig/sip/dialog_name.h"
#include "sig/sip/event_parse.h"
#include "sig/sip/id.h"
#include "sig/sip/lex.h"

enum { REFER_EXPIRES_S = 300, NOTIFY_LINES_MAX = 256, SIPFRAG_MAX = 96 };
enum {
	REFER_REMOTE = 501,  /* the dialog may be there, and cannot be reached from here */
	REFER_TOO_OFTEN = 1, /* quota_refusal says which quota is used up */
};

struct target {
	char user[ROUTE_USER_MAX];
	struct bytes gruu;        /* which of his phones, in space; empty: all */
	struct replaces replaces; /* in space */
	char space[REPLACES_MAX];
	bool joins;              /* by Replaces, and user is but its name */
	struct park_place place; /* if user is a feature code for parking; slot "": it is not */
};

/* For a user that is not looked up here: the name is only repeated. */
static void name_target(const struct sip_uri *uri, char user[ROUTE_USER_MAX])
{
	if (route_user(uri, user) != ROUTE_OK || !lex_is_token(bytes_str(user)))
		(void)bytes_cstr(BYTES_LIT("anonymous"), user, ROUTE_USER_MAX);
}

bool refer_to(const struct sip_message *m, struct bytes *value)
{
	struct bytes second;

	return message_header(m, "Refer-To", 0, value) &&
	       !message_header(m, "Refer-To", 1, &second);
}

/* Where the party wants the other one to go. 0 or the status to refuse with. */
static uint16_t read_target(const struct call_host *h, const struct call *c,
			    const struct sip_message *m, struct target *out)
{
	struct writer w = writer_over(out->space, sizeof(out->space));
	enum route_verdict verdict;
	struct sip_name_addr to;
	struct gruu gruu;
	struct bytes value;
	int err;

	if (!refer_to(m, &value) || sip_name_addr_parse(&to, value))
		return 400;
	err = replaces_of_uri(&out->replaces, to.uri.headers, out->space);
	if (err != -ENOENT) {
		out->joins = true;
		name_target(&to.uri, out->user);
		return err ? 400 : 0;
	}
	if (!route_is_near(&to.uri, &m->to.uri, c->tenant, h->settings))
		return 404;
	verdict = route_phone(&to.uri, c->tenant, h->settings, out->user, &gruu);
	gruu_name(&w, &to.uri);
	out->gruu = writer_done(&w);
	return verdict == ROUTE_OK ? 0 : verdict == ROUTE_SCHEME ? 416 : 404;
}

/* RFC 4488: whether its sender wants NOTIFYs. */
bool refer_wants_notify(const struct sip_message *m)
{
	struct bytes value;

	return !message_header(m, "Refer-Sub", 0, &value) || !bytes_starts(value, "false");
}

/* Only a dialog of the same phone or user: a party cannot be taken by strangers. */
bool refer_is_own_dialog(const struct leg *l, const struct leg *other)
{
	return l->user.n ? bytes_eq(text_bytes(&l->user), text_bytes(&other->user))
			 : addr_ip_eq(&l->dialog.hop.remote, &other->dialog.hop.remote);
}

/* There is no party yet that could be joined, or an application without a leg. */
bool refer_is_asked_anew(const struct call *other, uint8_t at)
{
	return at == other->bridge.caller && (other->state < CALL_ANSWERING ||
					      (call_is_alone(other) && call_application(other).n));
}

/* A callee still ringing, or an application, gets the party when called again: the transferor's own
 * call there is over. */
static enum refusal refer_begin_anew(struct call_host *h, struct call *c,
				     const struct transfer_request *ask, const struct call *other)
{
	const struct call_event hangup = { .kind = CALL_EV_HANGUP, .transferred = true };
	struct text user = { 0 };
	enum refusal r = text_set(&user, text_bytes(&other->to)) ? REFUSED_MEMORY : REFUSED_NOT;

	if (!r)
		r = curl_transfer_start(c, ask, text_bytes(&user), (struct bytes){ 0 });
	text_clear(&user);
	if (!r)
		h->services->calls->step(h->owner, other->id, &hangup);
	return r;
}

/* Our tag in it begins with the number of the shard that has the dialog. */
bool refer_is_of_another_shard(const struct call_host *h, const struct replaces *r)
{
	const struct bytes tags[] = { r->to_tag, r->from_tag };
	struct id_tag tag;

	for (size_t i = 0; i < COUNT_OF(tags); i++) {
		if (!id_tag_get(tags[i], &tag) && id_shard(tag.call) != h->settings->number)
			return true;
	}
	return false;
}

/* Of another shard of the node, or of another node. */
static uint16_t begin_joining_remote(struct call_host *h, struct call *c,
				     const struct transfer_request *ask, const struct target *t)
{
	struct transfer_there there = { 0 };

	there.shard = remote_shard_of(h, &t->replaces, &there.dialog);
	if (!there.shard)
		return REFER_REMOTE;
	return refusals[transfer_begin_remote(c, ask, bytes_str(t->user), &there)].status;
}

/* RFC 3891 3: the tags as seen by the receiver, which is us; some phones swap them. */
static uint16_t begin_joining(struct call_host *h, struct call *c,
			      const struct transfer_request *ask, const struct target *t)
{
	const struct replaces *r = &t->replaces;
	struct transfer_with with;
	const struct call *other;
	uint8_t at;

	other = h->services->calls->find_by_dialog(h->owner, c->tenant, r->call_id, r->to_tag,
						   r->from_tag, &at);
	if (!other)
		other = h->services->calls->find_by_dialog(h->owner, c->tenant, r->call_id,
							   r->from_tag, r->to_tag, &at);
	if (!other && refer_is_of_another_shard(h, r))
		return begin_joining_remote(h, c, ask, t);
	if (!other || other == c || !bridge_has(other, at))
		return REFER_NO_OTHER;
	if (!refer_is_own_dialog(c->legs[ask->leg], other->legs[at]))
		return 403;
	with = (struct transfer_with){ .call = other->id,
				       .leg = bridge_peer(other, at),
				       .peer = at };
	return refusals[refer_is_asked_anew(other, at) ? refer_begin_anew(h, c, ask, other)
						       : transfer_begin_with(c, ask, &with)]
		.status;
}

/* 0 or the status to refuse with. */
static uint16_t refer_start(struct call_host *h, struct call *c, const struct transfer_request *ask,
			    const struct target *t)
{
	if (pick_is_promised(
		    h, c)) /* it would take the party along that another one was told it has */
		return refusals[REFUSED_TRANSFER_OPEN].status;
	if (t->joins)
		return begin_joining(h, c, ask, t);
	return refusals[t->place.slot[0] ? park_start(c, ask, &t->place, NULL)
					 : curl_transfer_start(c, ask, bytes_str(t->user), t->gruu)]
		.status;
}

/* Saved before the 202, which makes the transferor give up its party. */
static void refer_accept(struct call_host *h, struct call *c, const struct call_event *ev)
{
	const struct transfer *t = c->transfer;
	struct outbox_item item = { .kind = OUTBOX_RESPONSE,
				    .leg = t->outside ? t->outside->tag.leg : ev->leg,
				    .txn = ev->slot->self,
				    .status = 202,
				    .tag = t->outside ? t->outside->tag.random : 0,
				    .lines = t->refer ? "" : "Refer-Sub: false\r\n" };

	if (txns_keep_request(ev->slot, ev->message) || !outbox_push(&c->out, &item))
		respond_later(h, c, &item);
}

/* RFC 3515 2.4.5, 3420: a status line is enough. */
struct txn_slot *refer_notify_make(struct call_host *h, struct dialog *d, uint32_t refer,
				   uint16_t status, bool last)
{
	uint8_t lines[NOTIFY_LINES_MAX], fragment[SIPFRAG_MAX];
	struct writer extra = writer_over(lines, sizeof(lines));
	struct writer body = writer_over(fragment, sizeof(fragment));
	struct dialog_request r = { .method = SIP_NOTIFY,
				    .max_forwards = -1,
				    .contact = true,
				    .content_type = BYTES_LIT("message/sipfrag;version=2.0") };

	writer_fmt(&extra, "Event: refer;id=%u\r\n", refer);
	if (!last)
		writer_fmt(&extra, "Subscription-State: active;expires=%d\r\n", REFER_EXPIRES_S);
	else
		writer_str(&extra, "Subscription-State: terminated;reason=noresource\r\n");
	writer_fmt(&body, "SIP/2.0 %u %s\r\n", status, sip_reason(status));
	r.extra = writer_lines(&extra);
	r.body = writer_done(&body);
	return leg_request(h, d, &r, TXN_USER_REFER);
}

bool refer_is_notified(const struct sip_message *m, uint32_t *number)
{
	struct event_name event;
	struct bytes value;

	if (!message_header(m, "Event", 0, &value) || event_parse(&event, value) ||
	    !bytes_iis(event.package, "refer"))
		return false;
	if (bytes_u32(event.id, number))
		*number = 0;
	return true;
}

bool refer_is_last_notify(const struct sip_message *m)
{
	struct bytes value;

	return message_header(m, "Subscription-State", 0, &value) &&
	       bytes_starts(value, "terminated");
}

/* The phone's newest connection is known by its leg. */
static struct dialog *dialog_of(const struct call *c)
{
	struct leg *l = call_leg(c, c->transfer->leg);
	struct dialog *d = c->transfer->outside;

	if (!d)
		return &l->dialog;
	if (l && sip_transport_is_stream(d->hop.transport) &&
	    d->hop.transport == l->dialog.hop.transport &&
	    addr_ip_eq(&d->hop.remote, &l->dialog.hop.remote))
		d->hop = l->dialog.hop;
	return d;
}

uint64_t refer_notify(struct call_host *h, struct call *c, uint16_t status)
{
	struct dialog *d = dialog_of(c);
	struct txn_slot *slot = refer_notify_make(h, d, c->transfer->refer, status, status >= 200);
	struct outbox_item item = { .kind = OUTBOX_RELAY, .leg = dialog_leg(d) };

	if (!slot) {
		LOG_WARN("call", c->id, "no transaction left for NOTIFY",
			 LOG_U64("leg", c->transfer->leg));
		return 0;
	}
	item.txn = slot->self;
	if (c->state == CALL_ENDING || !outbox_push(&c->out, &item))
		relay_on_saved(h, slot->self);
	return item.txn;
}

bool refer_again(struct call_host *h, struct call *c, const struct call_event *ev)
{
	if (ev->message->method != SIP_REFER ||
	    !transfer_is_of(c, ev->leg, relay_refer_number(ev->message)))
		return false;
	outbox_touch(&c->out);
	refer_accept(h, c, ev);
	return true;
}

/* Outside it goes as a call of the transferor would. */
static bool may_go_there(struct call_host *h, const struct call *c, uint8_t leg, struct target *t)
{
	char number[ROUTE_USER_MAX];

	if (h->services->parking->dialled_slot(h->owner, c->tenant, text_bytes(&c->legs[leg]->user),
					       bytes_str(t->user), &t->place))
		return true;
	if (!trunk_route_dialled(h, c->tenant, text_bytes(&c->legs[leg]->user), bytes_str(t->user),
				 number)) {
		trunk_route_is_barred(h, c, text_bytes(&c->legs[leg]->user), bytes_str(t->user));
		return false;
	}
	(void)bytes_cstr(bytes_str(number), t->user, sizeof(t->user));
	return !modules_withheld(h, c, text_bytes(&c->legs[leg]->user), bytes_str(number));
}

/* 0 or the status to refuse with. */
static uint16_t refer_on_request(struct call_host *h, struct call *c, const struct call_event *ev)
{
	const struct transfer_request ask = { .leg = ev->leg,
					      .cseq = relay_refer_number(ev->message),
					      .notify = refer_wants_notify(ev->message) };
	struct target target = { 0 };
	uint16_t status = transfer_is_allowed(h, c, c->legs[ev->leg])
				  ? read_target(h, c, ev->message, &target)
				  : 403;

	if (!status && !target.joins && !may_go_there(h, c, ev->leg, &target))
		status = 403;
	if (!status && payer_charge_request(h, c, ev->slot))
		status = REFER_TOO_OFTEN;
	return status ? status : refer_start(h, c, &ask, &target);
}

void refer_refuse_quota(struct call_host *h, const struct call_event *ev,
			const struct call_refusal *why)
{
	struct writer w = writer_over(h->extra, HOST_EXTRA);

	session_write_warning(&w, h, why->text);
	writer_fmt(&w, "Retry-After: %u\r\n", why->retry_after_s);
	respond_refuse(h, ev, why->status, why->reason, writer_lines(&w));
}

static void refer_refuse_with(struct call_host *h, const struct call_event *ev, uint16_t status)
{
	struct call_refusal why;

	if (status == REFER_TOO_OFTEN) {
		call_refuse_quota(&why, &h->quota_refusal);
		if (h->security)
			security_event(h->security, SECURITY_QUOTA, &ev->message->hop.remote,
				       ev->message->from.uri.user, why.text, h->now.ns);
		refer_refuse_quota(h, ev, &why);
		return;
	}
	if (status == REFER_REMOTE)
		respond_refuse(
			h, ev, status, REFUSED_OTHER_SHARD,
			BYTES_LIT("Warning: 399 tandem \"the dialog is of another node\"\r\n"));
	else
		respond_refuse(h, ev, status, REFUSED_TRANSFER, (struct bytes){ 0 });
}

bool refer_received(struct call_host *h, struct call *c, const struct call_event *ev)
{
	uint16_t status;

	if (ev->message->method != SIP_REFER)
		return false;
	status = refer_on_request(h, c, ev);
	if (status) {
		refer_refuse_with(h, ev, status);
	} else {
		leg_refresh_target(h, c, ev->leg, ev->message);
		refer_accept(h, c, ev);
	}
	return true;
}

/* ---- outside of a dialog ---- */

/* Its tag names the leg that stays, whatever becomes of the transferor. Returns 0 or the status to
 * refuse with. */
static uint16_t make_dialog(struct call_host *h, struct call *c, const struct sip_message *m)
{
	struct transfer *t = c->transfer;
	const struct id_tag tag = { .call = c->id,
				    .leg = t->given,
				    .random = rand_u64_from(h->rand) };
	int err;

	t->outside = calloc(1, sizeof(*t->outside));
	err = t->outside ? dialog_from_request(t->outside, &tag, m, h) : -ENOMEM;
	if (!err) {
		t->outside->named = false; /* what waits for a name is of a leg */
		return 0;
	}
	transfer_clear(&c->transfer);
	return err == -EINVAL ? 400 : 500;
}

/* Accepted by the previous process; its 202 was lost. */
static bool was_accepted(const struct call *c, const struct call_event *ev)
{
	const struct dialog *d = c->transfer ? c->transfer->outside : NULL;

	return d && c->transfer->leg == ev->leg && d->remote_cseq == ev->message->cseq &&
	       bytes_eq(ev->message->call_id, text_bytes(&d->call_id)) &&
	       bytes_eq(ev->message->from.tag, text_bytes(&d->remote_tag));
}

void refer_outside(struct call_host *h, struct call *c, const struct call_event *ev)
{
	uint16_t status = 0;

	if (focus_refer_is(h, c, ev)) {
		focus_refer_outside(h, c, ev);
		return;
	}
	if (focus_remote_is(c, ev))
		status = REFER_REMOTE;
	else if (was_accepted(c, ev))
		outbox_touch(&c->out);
	else if (transfer_is_of_transferor(c, ev->leg))
		status = 491;
	else
		status = refer_on_request(h, c, ev);
	if (!status && !c->transfer->outside)
		status = make_dialog(h, c, ev->message);
	if (status)
		refer_refuse_with(h, ev, status);
	else
		refer_accept(h, c, ev);
}
