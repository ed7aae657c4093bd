/* SPDX-License-Identifier: Apache-2.0 */
/* An in-dialog request for the other party: it is relayed to its leg unchanged, and the response
 * comes back. */
#include <assert.h>

#include "sig/call/relay.h"
#include "sig/call/wait.h"
#include "sig/leg/leg.h"
#include "sig/leg/respond.h"
#include "sig/model/payer.h"

static void copy_header(struct writer *w, const struct sip_message *m, const char *name)
{
	struct bytes value;

	if (!message_header(m, name, 0, &value))
		return;
	writer_str(w, name);
	writer_str(w, ": ");
	writer_bytes(w, value);
	writer_str(w, "\r\n");
}

/* RFC 3428 7: a 2xx has no body. The peer may not support MESSAGE, and the sender may be told
 * so. */
static void answer_to_message(struct response *r, uint16_t status)
{
	if (status / 100 == 2) {
		r->content_type = r->body = (struct bytes){ 0 };
	} else if (status == 405 || status == 501) {
		r->status = 405;
		r->extra = BYTES_LIT(RESPOND_ALLOW_TRUNK);
	}
}

/* To a conference on a remote shard (sig/pbx/focus.h): its response is relayed. A 481 is not, as it
 * would end the party's own dialog (RFC 3261 12.2.1.2). */
static void answer_to_refer(struct response *r, uint16_t status)
{
	if (status != 401 && status != 407 && status != 481 && status != 503)
		r->status = status;
}

uint32_t relay_refer_number(const struct sip_message *m)
{
	struct bytes value;
	uint32_t number;

	return m->hop.transport == SIP_INTER_SHARD && message_header(m, RELAY_REFER, 0, &value) &&
			       !bytes_u32(value, &number)
		       ? number
		       : m->cseq;
}

/* What it is told later is told of this one, over however many shards. */
static void name_refer(struct writer *w, const struct sip_message *m)
{
	writer_number(w, RELAY_REFER ": ", relay_refer_number(m), "\r\n");
}

enum { RELAY_HEADERS_MAX = 8 };

/* What else of a request and of its answer goes along, by method. */
static const struct relay_kind {
	const char *asked[RELAY_HEADERS_MAX], *answered[RELAY_HEADERS_MAX];
	void (*answer)(struct response *r, uint16_t status); /* NULL: as it is */
	void (*more)(struct writer *w,
		     const struct sip_message *m); /* NULL: nothing else is asked */
} g_relayed[] = {
	[SIP_INFO] = { { "Info-Package", "Recv-Info", "Content-Disposition", "Content-Encoding" },
		       { "Info-Package", "Recv-Info", "Content-Disposition", "Content-Encoding" },
		       NULL,
		       NULL },
	[SIP_MESSAGE] = { { "Content-Disposition", "Content-Encoding", "Content-Language", "Date",
			    "Expires", "Priority", "Subject" },
			  { "Retry-After" },
			  answer_to_message,
			  NULL },
	[SIP_REFER] = { { "Refer-To", "Refer-Sub" },
			{ "Refer-Sub", "Warning" },
			answer_to_refer,
			name_refer },
	[SIP_NOTIFY] = { { "Event", "Subscription-State" }, { NULL }, NULL, NULL },
};

static const struct relay_kind *relay_kind_of(const struct sip_message *m)
{
	assert(m->method < COUNT_OF(g_relayed));
	return &g_relayed[m->method];
}

struct bytes relay_extra(struct call_host *h, const struct sip_message *m)
{
	const struct relay_kind *kind = relay_kind_of(m);
	const char *const *names = m->status ? kind->answered : kind->asked;
	struct writer w = writer_over(h->extra, HOST_EXTRA);

	for (size_t i = 0; i < RELAY_HEADERS_MAX && names[i]; i++)
		copy_header(&w, m, names[i]);
	if (m->status == 415)
		copy_header(&w, m, "Accept");
	if (!m->status && kind->more)
		kind->more(&w, m);
	return w.overflow ? (struct bytes){ 0 } : writer_done(&w);
}

bool relay_may(struct call_host *h, struct call *c, const struct call_event *ev)
{
	const struct leg *l = call_leg(c, bridge_peer(c, ev->leg));

	if (!l || l->state != LEG_CONFIRMED) {
		respond_refuse(h, ev, 480, REFUSED_NO_DIALOG, (struct bytes){ 0 });
		return false;
	}
	if (ev->message->max_forwards == 0) {
		respond_refuse(h, ev, 483, REFUSED_HOPS, (struct bytes){ 0 });
		return false;
	}
	return true;
}

pool_handle relay_request(struct call_host *h, struct call *c, const struct call_event *ev)
{
	uint8_t to = bridge_peer(c, ev->leg);
	struct dialog_request r = {
		.method = ev->message->method,
		.max_forwards = ev->message->max_forwards < 0 ? -1 : ev->message->max_forwards - 1,
		.extra = relay_extra(h, ev->message),
		.content_type = ev->message->content_type,
		.body = ev->message->body,
	};
	struct txn_slot *slot;
	pool_handle client;

	slot = txns_keep_request(ev->slot, ev->message)
		       ? NULL
		       : leg_request(h, &c->legs[to]->dialog, &r, TXN_USER_RELAY);
	if (!slot) {
		respond_refuse(h, ev, 503, REFUSED_TXNS_FULL, BYTES_LIT("Retry-After: 5\r\n"));
		return 0;
	}
	if (!payer_charge_caused(h, ev->slot, slot)) {
		txns_drop(h->txns, slot->self);
		respond_refuse(h, ev, 503, REFUSED_QUOTA_TXNS, BYTES_LIT("Retry-After: 5\r\n"));
		return 0;
	}
	slot->peer = ev->slot->self;
	txns_belong(h->txns, ev->slot, c->id, ev->leg, TXN_USER_RELAY);
	client = slot->self;
	relay_start(h, c, to, client);
	return client;
}

void relay_response(struct call_host *h, const struct sip_message *m, pool_handle server)
{
	struct response r = {
		.status = m->status < 300 ? m->status : refusal_for_other(m->status),
		.extra = relay_extra(h, m),
		.content_type = m->content_type,
		.body = m->body,
	};

	if (relay_kind_of(m)->answer)
		relay_kind_of(m)->answer(&r, m->status);
	if (m->status >= 200)
		respond(h, txns_get(h->txns, server), NULL, &r);
}

/* NOTIFYs of its REFER were sent, and the 202 was lost: a failure would be wrong (RFC 3515
 * 2.4.4). */
static bool is_taken_refer(const struct call_host *h, const struct txn_slot *server)
{
	const struct call *c;
	const struct leg *l;

	if (!server || server->txn.method != SIP_REFER)
		return false;
	c = h->services->calls->find(h->owner, server->call);
	l = c ? call_leg(c, server->leg) : NULL;
	return l && (l->dialog.refer_is == DIALOG_REFER_TAKEN ||
		     l->dialog.refer_is == DIALOG_REFER_OVER);
}

void relay_timeout(struct call_host *h, pool_handle server)
{
	struct txn_slot *slot = txns_get(h->txns, server);
	/* to a 408 its dialog would end (RFC 3261 12.2.1.2) */
	struct response r = { .status = is_taken_refer(h, slot) ? 202 : 504 };

	respond(h, slot, NULL, &r);
}

static bool message_fits(const struct leg *to, const struct sip_message *m)
{
	return m->body.n <= (sip_transport_is_stream(to->dialog.hop.transport)
				     ? MESSAGE_BODY_MAX
				     : MESSAGE_DATAGRAM_MAX);
}

/* RFC 3428 8: over UDP the next one waits for the answer to the one before. */
static bool message_is_open(const struct call_host *h, const struct leg *to)
{
	const struct txn_slot *slot = txns_get(h->txns, to->message);

	return !sip_transport_is_stream(to->dialog.hop.transport) && slot &&
	       slot->txn.state < TXN_COMPLETED;
}

void message_received(struct call_host *h, struct call *c, const struct call_event *ev)
{
	struct leg *to = call_leg(c, bridge_peer(c, ev->leg));

	if (call_is_alone(c))
		respond_refuse(h, ev, 405, REFUSED_METHOD, BYTES_LIT(RESPOND_ALLOW_TRUNK));
	else if (!relay_may(h, c, ev))
		return;
	else if (!message_fits(to, ev->message))
		respond_refuse(h, ev, 413, REFUSED_BODY, (struct bytes){ 0 });
	else if (message_is_open(h, to))
		respond_refuse(h, ev, 491, REFUSED_GLARE, (struct bytes){ 0 });
	else
		to->message = relay_request(h, c, ev);
}
