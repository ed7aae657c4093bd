/* SPDX-License-Identifier: Apache-2.0 */
/* What the four transaction machines share, and how a message finds its transaction. Pure. */
#include <assert.h>
#include <string.h>

#include "base/table.h"
#include "sig/sip/message.h"
#include "sig/sip/txn.h"

/* What time it is, and which timer ran out. */
struct txn_now {
	uint64_t ns;
	bool retransmit; /* timer A, E or G */
	bool timeout;    /* any other */
};

/* Starts the timer that ends the state. */
static void txn_timeout_start(struct txn *t, uint64_t now_ns, uint32_t ms)
{
	t->timeout_ns = now_ns + ms * NS_PER_MS;
}

/* Starts or doubles the retransmission up to max_ms; never on a reliable transport. */
static void txn_retransmit_start(struct txn *t, uint64_t now_ns)
{
	t->interval_ms = TXN_T1_MS;
	if (!t->reliable)
		t->retransmit_ns = now_ns + TXN_T1_MS * NS_PER_MS;
}

static void txn_retransmit_next(struct txn *t, uint64_t now_ns, uint32_t max_ms)
{
	t->interval_ms *= 2;
	if (t->interval_ms > max_ms)
		t->interval_ms = max_ms;
	t->retransmit_ns = now_ns + t->interval_ms * NS_PER_MS;
}

/* Enters a state without a running timer. */
static void txn_enter(struct txn *t, enum txn_state state)
{
	assert(t->state != TXN_TERMINATED || state == TXN_TERMINATED);
	t->state = state;
	t->retransmit_ns = UINT64_MAX;
	t->timeout_ns = UINT64_MAX;
}

/* Enters a state that only absorbs retransmissions: a reliable transport has none, and the
 * transaction ends. */
static void txn_linger(struct txn *t, enum txn_state state, uint64_t now_ns, uint32_t ms)
{
	txn_enter(t, t->reliable ? TXN_TERMINATED : state);
	if (!t->reliable)
		txn_timeout_start(t, now_ns, ms);
}

/* Client transactions: RFC 3261 17.1.1 (figure 5, with RFC 6026 7.2) and 17.1.2 (figure 6). */

static void client_give_up(struct txn *t, struct txn_out *out)
{
	txn_enter(t, TXN_TERMINATED);
	out->timed_out = true;
}

static void transport_failed(struct txn *t, struct txn_out *out)
{
	txn_enter(t, TXN_TERMINATED);
	out->deliver = true;
}

/* Timers A or E, and B or F. */
static void client_start(struct txn *t, uint64_t now_ns, struct txn_out *out)
{
	txn_retransmit_start(t, now_ns);
	txn_timeout_start(t, now_ns, TXN_TIMEOUT_MS);
	out->send_message = true;
}

/* Timer M: answers of further forks still come. */
static void client_invite_accepted(struct txn *t, uint64_t now_ns, struct txn_out *out)
{
	txn_enter(t, TXN_ACCEPTED);
	txn_timeout_start(t, now_ns, TXN_TIMEOUT_MS);
	out->deliver = true;
}

/* Timer D */
static void invite_failed(struct txn *t, uint64_t now_ns, struct txn_out *out)
{
	txn_linger(t, TXN_COMPLETED, now_ns, TXN_TIMEOUT_MS);
	out->deliver = true;
	out->send_ack = true;
}

static void calling(struct txn *t, enum txn_event event, struct txn_now now, struct txn_out *out)
{
	switch (event) {
	case TXN_EV_START:
		client_start(t, now.ns, out);
		break;
	case TXN_EV_PROVISIONAL:
		txn_enter(t, TXN_PROCEEDING); /* from here on the user limits the wait (timer C) */
		out->deliver = true;
		break;
	case TXN_EV_SUCCESS:
		client_invite_accepted(t, now.ns, out);
		break;
	case TXN_EV_FAILURE:
		invite_failed(t, now.ns, out);
		break;
	case TXN_EV_TIMER:
		if (now.timeout) {
			client_give_up(t, out);
		} else if (now.retransmit) {
			txn_retransmit_next(t, now.ns, TXN_TIMEOUT_MS); /* A has no ceiling but B */
			out->send_message = true;
		}
		break;
	case TXN_EV_TRANSPORT_ERROR:
		transport_failed(t, out);
		break;
	case TXN_EV_REQUEST:
	case TXN_EV_ACK:
	case TXN_EV_REPLY_PROVISIONAL:
	case TXN_EV_REPLY_SUCCESS:
	case TXN_EV_REPLY_FAILURE:
		break;
	}
}

static void client_invite_proceeding(struct txn *t, enum txn_event event, struct txn_now now,
				     struct txn_out *out)
{
	switch (event) {
	case TXN_EV_PROVISIONAL:
		out->deliver = true;
		break;
	case TXN_EV_SUCCESS:
		client_invite_accepted(t, now.ns, out);
		break;
	case TXN_EV_FAILURE:
		invite_failed(t, now.ns, out);
		break;
	case TXN_EV_START:
	case TXN_EV_TIMER:
	case TXN_EV_TRANSPORT_ERROR:
	case TXN_EV_REQUEST:
	case TXN_EV_ACK:
	case TXN_EV_REPLY_PROVISIONAL:
	case TXN_EV_REPLY_SUCCESS:
	case TXN_EV_REPLY_FAILURE:
		break;
	}
}

static void client_invite_completed(struct txn *t, enum txn_event event, struct txn_now now,
				    struct txn_out *out)
{
	if (event == TXN_EV_FAILURE) {
		out->send_ack = true;
	} else if (event == TXN_EV_TRANSPORT_ERROR) {
		transport_failed(t, out);
	} else if (now.timeout) {
		txn_enter(t, TXN_TERMINATED);
	}
}

static void invite_accepted_step(struct txn *t, enum txn_event event, struct txn_now now,
				 struct txn_out *out)
{
	if (event == TXN_EV_SUCCESS) {
		out->deliver = true;
	} else if (now.timeout) {
		txn_enter(t, TXN_TERMINATED);
	}
}

static void txn_invite_client_step(struct txn *t, enum txn_event event, struct txn_now now,
				   struct txn_out *out)
{
	switch (t->state) {
	case TXN_CALLING:
		calling(t, event, now, out);
		break;
	case TXN_PROCEEDING:
		client_invite_proceeding(t, event, now, out);
		break;
	case TXN_COMPLETED:
		client_invite_completed(t, event, now, out);
		break;
	case TXN_ACCEPTED:
		invite_accepted_step(t, event, now, out);
		break;
	case TXN_TRYING:
	case TXN_CONFIRMED:
	case TXN_TERMINATED:
		break;
	}
}

/* Timer K */
static void final(struct txn *t, uint64_t now_ns, struct txn_out *out)
{
	txn_linger(t, TXN_COMPLETED, now_ns, TXN_T4_MS);
	out->deliver = true;
}

/* A 1xx leaves E and F running; from then on E is T2. */
static void provisional(struct txn *t, struct txn_out *out)
{
	t->state = TXN_PROCEEDING;
	out->deliver = true;
}

static void waiting_timer(struct txn *t, struct txn_now now, struct txn_out *out)
{
	if (now.timeout) {
		client_give_up(t, out);
	} else if (now.retransmit) {
		if (t->state == TXN_PROCEEDING)
			t->interval_ms = TXN_T2_MS;
		txn_retransmit_next(t, now.ns, TXN_T2_MS);
		out->send_message = true;
	}
}

/* Trying and Proceeding */
static void client_waiting(struct txn *t, enum txn_event event, struct txn_now now,
			   struct txn_out *out)
{
	switch (event) {
	case TXN_EV_START:
		if (t->state == TXN_TRYING)
			client_start(t, now.ns, out);
		break;
	case TXN_EV_PROVISIONAL:
		provisional(t, out);
		break;
	case TXN_EV_SUCCESS:
	case TXN_EV_FAILURE:
		final(t, now.ns, out);
		break;
	case TXN_EV_TIMER:
		waiting_timer(t, now, out);
		break;
	case TXN_EV_TRANSPORT_ERROR:
		transport_failed(t, out);
		break;
	case TXN_EV_REQUEST:
	case TXN_EV_ACK:
	case TXN_EV_REPLY_PROVISIONAL:
	case TXN_EV_REPLY_SUCCESS:
	case TXN_EV_REPLY_FAILURE:
		break;
	}
}

static void txn_other_client_step(struct txn *t, enum txn_event event, struct txn_now now,
				  struct txn_out *out)
{
	switch (t->state) {
	case TXN_TRYING:
	case TXN_PROCEEDING:
		client_waiting(t, event, now, out);
		break;
	case TXN_COMPLETED:
		if (now.timeout)
			txn_enter(t, TXN_TERMINATED);
		break;
	case TXN_CALLING:
	case TXN_CONFIRMED:
	case TXN_ACCEPTED:
	case TXN_TERMINATED:
		break;
	}
}

/* Server transactions: RFC 3261 17.2.1 (figure 7, with RFC 6026 7.1) and 17.2.2 (figure 8). */

/* A lost response is up to the transaction user; the state stays, so the next copy of the request
 * is recognized (RFC 6026 7.1). */
static void server_invite_proceeding(struct txn *t, enum txn_event event, struct txn_now now,
				     struct txn_out *out)
{
	switch (event) {
	case TXN_EV_REQUEST:
		out->send_message = t->message.n != 0;
		break;
	case TXN_EV_REPLY_PROVISIONAL:
		out->send_message = true;
		break;
	case TXN_EV_REPLY_SUCCESS: /* timer L */
		txn_enter(t, TXN_ACCEPTED);
		txn_timeout_start(t, now.ns, TXN_TIMEOUT_MS);
		out->send_message = true;
		break;
	case TXN_EV_REPLY_FAILURE: /* timers G and H */
		txn_enter(t, TXN_COMPLETED);
		txn_retransmit_start(t, now.ns);
		txn_timeout_start(t, now.ns, TXN_TIMEOUT_MS);
		out->send_message = true;
		break;
	case TXN_EV_TRANSPORT_ERROR:
		out->deliver = true;
		break;
	case TXN_EV_START:
	case TXN_EV_ACK:
	case TXN_EV_PROVISIONAL:
	case TXN_EV_SUCCESS:
	case TXN_EV_FAILURE:
	case TXN_EV_TIMER:
		break;
	}
}

static void invite_completed_timer(struct txn *t, struct txn_now now, struct txn_out *out)
{
	if (now.timeout) {
		txn_enter(t, TXN_TERMINATED);
		out->timed_out = true;
	} else if (now.retransmit) {
		txn_retransmit_next(t, now.ns, TXN_T2_MS);
		out->send_message = true;
	}
}

static void server_invite_completed(struct txn *t, enum txn_event event, struct txn_now now,
				    struct txn_out *out)
{
	switch (event) {
	case TXN_EV_REQUEST:
		out->send_message = true;
		break;
	case TXN_EV_ACK: /* timer I */
		txn_linger(t, TXN_CONFIRMED, now.ns, TXN_T4_MS);
		break;
	case TXN_EV_TIMER:
		invite_completed_timer(t, now, out);
		break;
	case TXN_EV_TRANSPORT_ERROR:
		out->deliver = true;
		break;
	case TXN_EV_START:
	case TXN_EV_REPLY_PROVISIONAL:
	case TXN_EV_REPLY_SUCCESS:
	case TXN_EV_REPLY_FAILURE:
	case TXN_EV_PROVISIONAL:
	case TXN_EV_SUCCESS:
	case TXN_EV_FAILURE:
		break;
	}
}

/* Copies of the INVITE are absorbed: the user repeats its 2xx by its own timer until the ACK comes
 * (RFC 3261 13.3.1.4). */
static void server_invite_accepted(struct txn *t, enum txn_event event, struct txn_now now,
				   struct txn_out *out)
{
	switch (event) {
	case TXN_EV_ACK:
	case TXN_EV_TRANSPORT_ERROR:
		out->deliver = true;
		break;
	case TXN_EV_REPLY_SUCCESS:
		out->send_message = true;
		break;
	case TXN_EV_TIMER:
		if (now.timeout)
			txn_enter(t, TXN_TERMINATED);
		break;
	case TXN_EV_START:
	case TXN_EV_REQUEST:
	case TXN_EV_REPLY_PROVISIONAL:
	case TXN_EV_REPLY_FAILURE:
	case TXN_EV_PROVISIONAL:
	case TXN_EV_SUCCESS:
	case TXN_EV_FAILURE:
		break;
	}
}

static void txn_invite_server_step(struct txn *t, enum txn_event event, struct txn_now now,
				   struct txn_out *out)
{
	switch (t->state) {
	case TXN_PROCEEDING:
		server_invite_proceeding(t, event, now, out);
		break;
	case TXN_COMPLETED:
		server_invite_completed(t, event, now, out);
		break;
	case TXN_ACCEPTED:
		server_invite_accepted(t, event, now, out);
		break;
	case TXN_CONFIRMED:
		if (now.timeout)
			txn_enter(t, TXN_TERMINATED);
		break;
	case TXN_CALLING:
	case TXN_TRYING:
	case TXN_TERMINATED:
		break;
	}
}

/* Trying (nothing was answered yet) and Proceeding */
static void server_waiting(struct txn *t, enum txn_event event, struct txn_now now,
			   struct txn_out *out)
{
	switch (event) {
	case TXN_EV_REQUEST:
		out->send_message = t->state == TXN_PROCEEDING;
		break;
	case TXN_EV_REPLY_PROVISIONAL:
		t->state = TXN_PROCEEDING;
		out->send_message = true;
		break;
	case TXN_EV_REPLY_SUCCESS:
	case TXN_EV_REPLY_FAILURE: /* timer J */
		txn_linger(t, TXN_COMPLETED, now.ns, TXN_TIMEOUT_MS);
		out->send_message = true;
		break;
	case TXN_EV_TRANSPORT_ERROR:
		if (t->state == TXN_TRYING) /* nothing was sent that could have failed */
			break;
		txn_enter(t, TXN_TERMINATED);
		out->deliver = true;
		break;
	case TXN_EV_START:
	case TXN_EV_ACK:
	case TXN_EV_PROVISIONAL:
	case TXN_EV_SUCCESS:
	case TXN_EV_FAILURE:
	case TXN_EV_TIMER:
		break;
	}
}

static void completed(struct txn *t, enum txn_event event, struct txn_now now, struct txn_out *out)
{
	if (event == TXN_EV_REQUEST) {
		out->send_message = true;
	} else if (event == TXN_EV_TRANSPORT_ERROR) {
		txn_enter(t, TXN_TERMINATED);
		out->deliver = true;
	} else if (now.timeout) {
		txn_enter(t, TXN_TERMINATED);
	}
}

static void txn_other_server_step(struct txn *t, enum txn_event event, struct txn_now now,
				  struct txn_out *out)
{
	switch (t->state) {
	case TXN_TRYING:
	case TXN_PROCEEDING:
		server_waiting(t, event, now, out);
		break;
	case TXN_COMPLETED:
		completed(t, event, now, out);
		break;
	case TXN_CALLING:
	case TXN_CONFIRMED:
	case TXN_ACCEPTED:
	case TXN_TERMINATED:
		break;
	}
}

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

void txn_may_be_lost(struct txn *t, uint64_t now_ns)
{
	t->reliable = false;
	txn_retransmit_start(t, now_ns);
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

/* RFC 3261 17.2.3 for peers of RFC 2543 without a usable branch. Without the To tag: the ACK has
 * one, the INVITE not. */
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
