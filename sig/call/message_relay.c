/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/message_relay.h"

#include "sig/call/relay.h"
#include "sig/call/wait.h"
#include "sig/leg/respond.h"

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
