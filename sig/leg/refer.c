/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/leg/refer.h"

#include <errno.h>

#include "base/log.h"
#include "sig/call/transfer.h"
#include "sig/leg/leg.h"
#include "sig/leg/request.h"
#include "sig/leg/respond.h"
#include "sig/shard/route.h"
#include "sig/sip/replaces.h"

enum { REFER_EXPIRES_S = 300, NOTIFY_LINES_MAX = 256, SIPFRAG_MAX = 96 };

struct target {
	char user[ROUTE_USER_MAX];
	struct replaces replaces; /* in space */
	char space[REPLACES_MAX];
	bool joins; /* by Replaces, and not user */
};

/* Where the party wants the other one to go. 0 or the status to refuse with. */
static uint16_t read_target(const struct call_host *h, const struct sip_message *m,
			    struct target *out)
{
	enum route_verdict verdict;
	struct sip_name_addr to;
	struct bytes value;
	int err;

	if (!message_header(m, "Refer-To", 0, &value) || message_header(m, "Refer-To", 1, &value) ||
	    !message_header(m, "Refer-To", 0, &value) || sip_name_addr_parse(&to, value))
		return 400; /* RFC 3515 2.1: exactly one */
	err = replaces_of_uri(&out->replaces, to.uri.headers, out->space);
	if (err != -ENOENT) {
		out->joins = true;
		return err ? 400 : 0;
	}
	if (!route_is_ours(&to.uri, h->settings) && !route_is_same_domain(&to.uri, &m->to.uri))
		return 404;
	verdict = route_user(&to.uri, out->user);
	return verdict == ROUTE_OK ? 0 : verdict == ROUTE_SCHEME ? 416 : 404;
}

/* RFC 4488: it wants to hear nothing more. */
static bool wants_notify(const struct sip_message *m)
{
	struct bytes value;

	return !message_header(m, "Refer-Sub", 0, &value) || !bytes_starts(value, "false");
}

static uint16_t refusal_of(int err)
{
	switch (err) {
	case -EALREADY:
		return 491;
	case -ENOTCONN: /* the dialog is there, and nobody to be given away yet */
		return 403;
	default:
		return 500;
	}
}

/* Only a dialog of the same phone, or of the same user's: nobody takes a stranger's party. */
static bool is_own_dialog(const struct leg *l, const struct leg *other)
{
	return l->user.n ? bytes_eq(text_bytes(&l->user), text_bytes(&other->user))
			 : addr_ip_eq(&l->dialog.hop.remote, &other->dialog.hop.remote);
}

/* Who rings yet is given the party when he is rung for it: the transferor's own call to him is over. */
static int begin_early(struct call_host *h, struct call *c, const struct transfer_ask *ask,
		       const struct call *other)
{
	const struct call_event hangup = { .kind = CALL_EV_HANGUP, .transferred = true };
	struct text user = { 0 };
	int err = text_set(&user, text_bytes(&other->to));

	if (!err)
		err = transfer_begin(c, ask, text_bytes(&user));
	text_clear(&user);
	if (!err)
		h->tell(h->owner, other->id, &hangup);
	return err;
}

/* RFC 3891 3: the tags as the receiver sees them, which we are; some say them the other way round. */
static uint16_t begin_joining(struct call_host *h, struct call *c, const struct transfer_ask *ask,
			      const struct replaces *r)
{
	struct transfer_with with;
	const struct call *other;
	uint8_t at;
	int err;

	other = h->call_of_dialog(h->owner, r->call_id, r->to_tag, r->from_tag, &at);
	if (!other)
		other = h->call_of_dialog(h->owner, r->call_id, r->from_tag, r->to_tag, &at);
	if (!other || other == c || !bridge_has(other, at))
		return 481;
	if (!is_own_dialog(c->legs[ask->leg], other->legs[at]))
		return 403;
	with = (struct transfer_with){ .call = other->id,
				       .leg = bridge_peer(other, at),
				       .peer = at };
	if (other->state < CALL_ANSWERING && at == other->bridge.caller)
		err = begin_early(h, c, ask, other);
	else
		err = transfer_begin_with(c, ask, &with);
	return err ? refusal_of(err) : 0;
}

/* 0 or the status to refuse with. */
static uint16_t refer_begin(struct call_host *h, struct call *c, const struct transfer_ask *ask,
			    const struct target *t)
{
	int err;

	if (t->joins)
		return begin_joining(h, c, ask, &t->replaces);
	err = transfer_begin(c, ask, bytes_str(t->user));
	return err ? refusal_of(err) : 0;
}

/* Saved before said: who was told so leaves its party to us. */
static void accept(struct call_host *h, struct call *c, const struct call_event *ev, bool notify)
{
	struct outbox_item item = { .kind = OUTBOX_RESPONSE,
				    .leg = ev->leg,
				    .txn = ev->slot->self,
				    .status = 202,
				    .lines = notify ? "" : "Refer-Sub: false\r\n" };

	if (txns_keep_request(ev->slot, ev->message) || !outbox_push(&c->out, &item))
		respond_later(h, c, &item);
}

/* RFC 3515 2.4.5, 3420: a status line is enough. */
static struct txn_slot *make_notify(struct call_host *h, struct leg *l, uint32_t refer,
				    uint16_t status)
{
	uint8_t lines[NOTIFY_LINES_MAX], fragment[SIPFRAG_MAX];
	struct writer extra = writer_over(lines, sizeof(lines));
	struct writer body = writer_over(fragment, sizeof(fragment));
	struct dialog_request r = { .method = SIP_NOTIFY,
				    .max_forwards = -1,
				    .contact = true,
				    .content_type = BYTES_LIT("message/sipfrag;version=2.0") };

	writer_fmt(&extra, "Event: refer;id=%u\r\n", refer);
	if (status < 200)
		writer_fmt(&extra, "Subscription-State: active;expires=%d\r\n", REFER_EXPIRES_S);
	else
		writer_str(&extra, "Subscription-State: terminated;reason=noresource\r\n");
	writer_fmt(&body, "SIP/2.0 %u %s\r\n", status, sip_reason(status));
	r.extra = writer_lines(&extra);
	r.body = writer_done(&body);
	return leg_request(h, &l->dialog, &r, TXN_USER_REFER);
}

uint64_t refer_notify(struct call_host *h, struct call *c, uint8_t leg, uint32_t refer,
		      uint16_t status)
{
	struct txn_slot *slot = make_notify(h, c->legs[leg], refer, status);
	struct outbox_item item = { .kind = OUTBOX_RELAY, .leg = leg };

	if (!slot) {
		LOG_WARN("call", c->id, "no transaction left for NOTIFY", LOG_U64("leg", leg));
		return 0;
	}
	item.txn = slot->self;
	if (c->state == CALL_ENDING || !outbox_push(&c->out, &item))
		relay_go(h, slot->self);
	return item.txn;
}

bool refer_again(struct call_host *h, struct call *c, const struct call_event *ev)
{
	if (ev->message->method != SIP_REFER || !transfer_is_of(c, ev->leg, ev->message->cseq))
		return false;
	outbox_touch(&c->out);
	accept(h, c, ev, c->transfer->refer);
	return true;
}

void refer_received(struct call_host *h, struct call *c, const struct call_event *ev)
{
	const struct transfer_ask ask = { .leg = ev->leg,
					  .cseq = ev->message->cseq,
					  .notify = wants_notify(ev->message) };
	struct target target = { 0 };
	uint16_t status = transfer_is_allowed(h, c->legs[ev->leg])
				  ? read_target(h, ev->message, &target)
				  : 403;

	if (!status)
		status = refer_begin(h, c, &ask, &target);
	if (status) {
		respond_refuse(h, ev, status, REFUSED_TRANSFER, (struct bytes){ 0 });
		return;
	}
	accept(h, c, ev, ask.notify);
}
