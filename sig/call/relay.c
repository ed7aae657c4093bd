/* SPDX-License-Identifier: Apache-2.0 */
/* INFO (RFC 6086, and the older use without packages: picture updates, DTMF) goes to the other leg as it is, where its type may. */
#include <string.h>

#include "sig/call/act.h"
#include "sig/call/call_end.h"
#include "sig/call/payer.h"
#include "sig/call/wait.h"
#include "sig/leg/dtmf.h"
#include "sig/leg/leg.h"
#include "sig/leg/request.h"
#include "sig/leg/request_wait.h"
#include "sig/leg/respond.h"

bool info_passes(const struct shard_settings *settings, const struct sip_message *m)
{
	static const char *const known[] = { "application/dtmf-relay", "application/dtmf",
					     "application/media_control+xml" };
	struct bytes type =
		bytes_trim(bytes_sub(m->content_type, 0, bytes_find(m->content_type, ';')));

	if (m->body.n == 0)
		return true;
	for (size_t i = 0; i < COUNT_OF(known); i++) {
		if (bytes_iis(type, known[i]))
			return true;
	}
	for (uint32_t i = 0; i < settings->info_type_count; i++) {
		if (!strcmp(settings->info_types[i], "*") ||
		    bytes_iis(type, settings->info_types[i]))
			return true;
	}
	return false;
}

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

static struct bytes extra_of(struct call_host *h, const struct sip_message *m)
{
	struct writer w = writer_over(h->extra, HOST_EXTRA);

	copy_header(&w, m, "Info-Package");
	copy_header(&w, m, "Recv-Info");
	copy_header(&w, m, "Content-Disposition");
	copy_header(&w, m, "Content-Encoding");
	if (m->status == 415)
		copy_header(&w, m, "Accept");
	return w.overflow ? (struct bytes){ 0 } : writer_done(&w);
}

/* REG-15: a party that takes telephone-events gets one, and the INFO ends here. */
static bool digit_taken(struct call_host *h, struct call *c, const struct call_event *ev)
{
	uint8_t to = bridge_peer(c, ev->leg);
	struct response ok = { .status = 200 };
	struct dtmf dtmf;

	if (dtmf_parse(ev->message->content_type, ev->message->body, &dtmf))
		return false;
	call_publish_digit(h, c, ev->leg, dtmf.digit);
	if (!dtmf_takes_events(c, to))
		return false;
	dtmf_send(h, c, to, &dtmf);
	respond(h, ev->slot, ev->message, &ok);
	return true;
}

/* Nobody else is to have it. */
static void info_alone(struct call_host *h, struct call *c, const struct call_event *ev)
{
	struct response ok = { .status = 200 };
	struct dtmf dtmf;

	if (!dtmf_parse(ev->message->content_type, ev->message->body, &dtmf))
		acts_key(h, c, dtmf.digit);
	respond(h, ev->slot, ev->message, &ok);
}

void relay_request(struct call_host *h, struct call *c, const struct call_event *ev)
{
	uint8_t to = bridge_peer(c, ev->leg);
	const struct leg *l = call_leg(c, to);
	struct dialog_request r = {
		.method = ev->message->method,
		.max_forwards = ev->message->max_forwards < 0 ? -1 : ev->message->max_forwards - 1,
		.extra = extra_of(h, ev->message),
		.content_type = ev->message->content_type,
		.body = ev->message->body,
	};
	struct txn_slot *slot;

	if (call_is_alone(c)) {
		info_alone(h, c, ev);
		return;
	}
	if (!l || l->state != LEG_CONFIRMED) {
		respond_refuse(h, ev, 480, REFUSED_NO_DIALOG, (struct bytes){ 0 });
		return;
	}
	if (ev->message->max_forwards == 0) {
		respond_refuse(h, ev, 483, REFUSED_HOPS, (struct bytes){ 0 });
		return;
	}
	if (ev->message->method == SIP_INFO && digit_taken(h, c, ev))
		return;
	slot = txns_keep_request(ev->slot, ev->message)
		       ? NULL
		       : leg_request(h, &c->legs[to]->dialog, &r, TXN_USER_RELAY);
	if (!slot) {
		respond_refuse(h, ev, 503, REFUSED_TXNS_FULL, BYTES_LIT("Retry-After: 5\r\n"));
		return;
	}
	if (!payer_charge_caused(h, ev->slot, slot)) {
		txns_drop(h->txns, slot->self);
		respond_refuse(h, ev, 503, REFUSED_QUOTA_TXNS, BYTES_LIT("Retry-After: 5\r\n"));
		return;
	}
	slot->peer = ev->slot->self;
	txns_belong(h->txns, ev->slot, c->id, ev->leg, TXN_USER_RELAY);
	relay_start(h, c, to, slot->self);
}

void relay_response(struct call_host *h, const struct sip_message *m, pool_handle server)
{
	struct response r = {
		.status = m->status < 300 ? m->status : refusal_for_other(m->status),
		.extra = extra_of(h, m),
		.content_type = m->content_type,
		.body = m->body,
	};

	if (m->status >= 200)
		respond(h, txns_get(h->txns, server), NULL, &r);
}

void relay_timeout(struct call_host *h, pool_handle server)
{
	struct response r = { .status =
				      504 }; /* to a 408 its dialog would end (RFC 3261 12.2.1.2) */

	respond(h, txns_get(h->txns, server), NULL, &r);
}
