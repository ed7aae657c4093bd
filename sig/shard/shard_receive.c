/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk of a datagram:
 *   parsed -> response: its client transaction -> call
 *          -> ACK: server transaction of a non-2xx, or the call of a 2xx
 *          -> copy of a request: answered by its server transaction
 *          -> CANCEL -> the INVITE it means
 *          -> in a dialog of ours -> call
 *          -> new: OPTIONS, REGISTER, INVITE, or refused
 */
#include <string.h>

#include "base/log.h"
#include "sig/shard/shard_state.h"

static enum sig_dropped drop_reason(const char *reason)
{
	if (strcmp(reason, "keepalive") == 0)
		return DROPPED_KEEPALIVE;
	if (strcmp(reason, "too_large") == 0)
		return DROPPED_TOO_LARGE;
	return strcmp(reason, "out_of_memory") == 0 ? DROPPED_OOM : DROPPED_UNREADABLE;
}

static void unreadable(struct shard *s, struct sip_message *m, const struct sip_hop *from,
		       const struct message_error *error)
{
	if (error->status && m->head) {
		struct shard_reply r = { .status = error->status };

		m->hop = *from;
		txns_refuse_for(&s->txns, REFUSED_MALFORMED);
		shard_reply_stateless(s, m, &r);
	} else {
		sig_count_dropped(&s->metrics, drop_reason(error->reason));
	}
	LOG_DEBUG("sip", 0, "message not understood", LOG_STR("reason", error->reason),
		  LOG_ADDR("source", &from->remote));
}

static void request_receive(struct shard *s, const struct sip_message *m)
{
	struct txn_slot *slot;

	if (m->method == SIP_ACK) {
		shard_ack(s, m);
		return;
	}
	slot = txns_find_server(&s->txns, m, m->method);
	if (slot) {
		slot = shard_hop_copied(s, slot, m);
		if (slot)
			(void)txns_step(&s->txns, slot, TXN_EV_REQUEST, s->host.now.ns);
		return;
	}
	metric_add(s->metrics.requests[m->method], 1);
	if (m->method == SIP_CANCEL) {
		shard_cancel(s, m);
	} else if (m->to.tag.n && m->method != SIP_REGISTER) {
		shard_inside(s, m);
	} else {
		shard_request(s, m);
	}
}

/* It was refused at a glance. */
static bool is_refused(struct shard *s, const struct sip_hop *from, struct bytes datagram)
{
	return from->transport != SIP_INTER_SHARD && shard_overload(s, from, datagram);
}

static void message_receive(struct shard *s, const struct sip_message *m)
{
	if (shard_is_trusted(s, &m->hop))
		shard_trust_peer(s, &m->hop);
	if (m->request)
		request_receive(s, m);
	else
		shard_response(s, m);
}

void shard_receive(struct shard *s, const struct sip_hop *from, struct bytes datagram,
		   struct instant now)
{
	struct message_error error;
	struct sip_message m;

	shard_begin(s, now);
	if (is_refused(s, from, datagram))
		return;
	if (message_parse(&m, datagram, &error)) {
		unreadable(s, &m, from, &error);
	} else {
		m.hop = *from;
		message_receive(s, &m);
	}
	message_close(&m);
}

void shard_receive_parsed(struct shard *s, const struct sip_message *m, struct bytes datagram,
			  struct instant now)
{
	shard_begin(s, now);
	if (!is_refused(s, &m->hop, datagram))
		message_receive(s, m);
}
