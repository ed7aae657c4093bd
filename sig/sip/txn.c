/* SPDX-License-Identifier: Apache-2.0 */
/* What the four transaction machines share, and how a message finds its transaction. Pure. */
#include "sig/sip/txn.h"

#include <assert.h>
#include <string.h>

#include "base/hash.h"
#include "sig/sip/message_head.h"
#include "sig/sip/txn_step.h"

static enum txn_state first_state(enum txn_kind kind)
{
	switch (kind) {
	case TXN_INVITE_CLIENT:
		return TXN_CALLING;
	case TXN_INVITE_SERVER:
		return TXN_PROCEEDING;
	case TXN_CLIENT:
	case TXN_SERVER:
		break;
	}
	return TXN_TRYING;
}

void txn_init(struct txn *t, enum txn_kind kind, enum sip_method method, const struct sip_hop *hop,
	      uint64_t now_ns)
{
	*t = (struct txn){
		.kind = kind,
		.state = first_state(kind),
		.method = method,
		.hop = *hop,
		.retransmit_ns = UINT64_MAX,
		.timeout_ns = UINT64_MAX,
	};
	switch (hop->transport) {
	case SIP_UDP:
	case SIP_INTER_SHARD:
		t->reliable = false;
		break;
	case SIP_TCP:
	case SIP_TLS:
	case SIP_WS:
	case SIP_WSS:
		t->reliable = true;
		break;
	}
	assert(now_ns < UINT64_MAX / 2);
}

void txn_clear(struct txn *t)
{
	text_clear(&t->message);
	text_clear(&t->ack);
	txn_enter(t, TXN_TERMINATED);
}

uint64_t txn_next_ns(const struct txn *t)
{
	return t->retransmit_ns < t->timeout_ns ? t->retransmit_ns : t->timeout_ns;
}

void txn_enter(struct txn *t, enum txn_state state)
{
	assert(t->state != TXN_TERMINATED || state == TXN_TERMINATED);
	t->state = state;
	t->retransmit_ns = UINT64_MAX;
	t->timeout_ns = UINT64_MAX;
}

void txn_timeout_start(struct txn *t, uint64_t now_ns, uint32_t ms)
{
	t->timeout_ns = now_ns + ms * NS_PER_MS;
}

void txn_retransmit_start(struct txn *t, uint64_t now_ns)
{
	t->interval_ms = TXN_T1_MS;
	if (!t->reliable)
		t->retransmit_ns = now_ns + TXN_T1_MS * NS_PER_MS;
}

void txn_retransmit_next(struct txn *t, uint64_t now_ns, uint32_t max_ms)
{
	t->interval_ms *= 2;
	if (t->interval_ms > max_ms)
		t->interval_ms = max_ms;
	t->retransmit_ns = now_ns + t->interval_ms * NS_PER_MS;
}

void txn_may_be_lost(struct txn *t, uint64_t now_ns)
{
	t->reliable = false;
	txn_retransmit_start(t, now_ns);
}

void txn_linger(struct txn *t, enum txn_state state, uint64_t now_ns, uint32_t ms)
{
	txn_enter(t, t->reliable ? TXN_TERMINATED : state);
	if (!t->reliable)
		txn_timeout_start(t, now_ns, ms);
}

void txn_step(struct txn *t, enum txn_event event, uint64_t now_ns, struct txn_out *out)
{
	struct txn_now now = {
		.ns = now_ns,
		.timeout = event == TXN_EV_TIMER && now_ns >= t->timeout_ns,
	};

	now.retransmit = event == TXN_EV_TIMER && !now.timeout && now_ns >= t->retransmit_ns;
	*out = (struct txn_out){ 0 };
	if (t->state == TXN_TERMINATED)
		return;
	switch (t->kind) {
	case TXN_INVITE_CLIENT:
		txn_invite_client_step(t, event, now, out);
		break;
	case TXN_CLIENT:
		txn_other_client_step(t, event, now, out);
		break;
	case TXN_INVITE_SERVER:
		txn_invite_server_step(t, event, now, out);
		break;
	case TXN_SERVER:
		txn_other_server_step(t, event, now, out);
		break;
	}
}

/* A part of the hash; its length goes in too, so that parts cannot run into each other. */
static uint64_t mix(const struct hash_key *key, uint64_t hash, struct bytes part)
{
	struct hash_key next = { .k0 = key->k0 ^ hash, .k1 = key->k1 + part.n };

	return hash_sip(&next, part);
}

static uint64_t mix_number(const struct hash_key *key, uint64_t hash, uint64_t number)
{
	uint8_t raw[8];
	struct writer w = writer_over(raw, sizeof(raw));

	writer_be64(&w, number);
	return mix(key, hash, writer_done(&w));
}

/* Host names are compared without case (RFC 3261 17.2.3 with 19.1.4). */
static uint64_t mix_host(const struct hash_key *key, uint64_t hash, struct bytes host)
{
	uint8_t lower[256];
	size_t n = host.n < sizeof(lower) ? host.n : sizeof(lower);

	for (size_t i = 0; i < n; i++) {
		uint8_t c = host.p[i];

		lower[i] = c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
	}
	return mix(key, hash, bytes_mem(lower, n));
}

/* RFC 3261 17.2.3 for peers of RFC 2543, which have no branch of use. The tag of To is left out: the ACK has one, the INVITE not. */
static uint64_t hash_2543(const struct hash_key *key, const struct sip_message *m, uint64_t hash)
{
	const struct header_line *via = message_head_line(m->head, HEADER_VIA, 0);

	hash = mix(key, hash, m->call_id);
	hash = mix(key, hash, m->from.tag);
	hash = mix_number(key, hash, m->cseq);
	return mix(key, hash, via ? via->value : bytes_str(NULL));
}

uint64_t txn_server_hash(const struct hash_key *key, const struct sip_message *request,
			 enum sip_method method)
{
	enum sip_method matched = method == SIP_ACK ? SIP_INVITE : method;
	uint64_t hash = mix_number(key, 0, (uint64_t)matched);

	if (matched == SIP_UNKNOWN)
		hash = mix(key, hash, request->method_name);
	if (!bytes_istarts(request->via.branch, "z9hG4bK"))
		return hash_2543(key, request, hash);
	hash = mix(key, hash, request->via.branch);
	hash = mix_host(key, hash, request->via.host);
	return mix_number(key, hash, request->via.port);
}

uint64_t txn_client_hash(const struct hash_key *key, struct bytes branch, enum sip_method method)
{
	return mix(key, mix_number(key, 1, (uint64_t)method), branch);
}
