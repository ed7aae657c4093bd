/* SPDX-License-Identifier: Apache-2.0 */
/* The hashes are SipHash under a key of this process, so a peer cannot choose two transactions that
 * collide; by chance two of a million do once in 10^7 fillings of the table. So the hash is taken
 * for the key itself. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "sig/host/txns.h"
#include "sig/sip/hop.h"

/* The next one takes its place, so there is room for it. */
static void first_leaves(struct txns *t, const struct txn_slot *slot)
{
	bool was = table_del(&t->by_connection, slot->on, slot->self);
	int err = slot->on_next ? table_put(&t->by_connection, slot->on, slot->on_next->self) : 0;

	assert(was && !err);
	(void)was;
	(void)err;
}

/* Lists it under the connection it waits on, or not any more. */
static void txns_unlist_on(struct txns *t, struct txn_slot *slot)
{
	if (!slot->on)
		return;
	if (slot->on_prev)
		slot->on_prev->on_next = slot->on_next;
	if (slot->on_next)
		slot->on_next->on_prev = slot->on_prev;
	if (!slot->on_prev)
		first_leaves(t, slot);
	slot->on_next = slot->on_prev = NULL;
	slot->on = 0;
}

static struct txn_slot *first_on(const struct txns *t, uint64_t connection)
{
	uint32_t cursor = 0;
	uint64_t h = connection ? table_next(&t->by_connection, connection, &cursor) : 0;

	return h ? pool_get(&t->pool, h) : NULL;
}

/* Behind the first one: the table need not change. False: out of memory. */
static bool txn_join(struct txns *t, struct txn_slot *slot, uint64_t connection)
{
	struct txn_slot *first = first_on(t, connection);

	if (!first)
		return table_put(&t->by_connection, connection, slot->self) == 0;
	slot->on_prev = first;
	slot->on_next = first->on_next;
	first->on_next = slot;
	if (slot->on_next)
		slot->on_next->on_prev = slot;
	return true;
}

static void txns_list_on(struct txns *t, struct txn_slot *slot)
{
	const struct sip_hop *to = &slot->txn.hop;
	uint64_t connection = slot->waiting && !to->inbound ? to->connection : 0;

	if (connection == slot->on)
		return;
	txns_unlist_on(t, slot);
	if (!connection)
		return;
	if (txn_join(t, slot, connection)) {
		slot->on = connection;
	} else { /* it waits for its timer then */
		sig_count_dropped(t->metrics, DROPPED_OOM);
	}
}

enum {
	RESERVE_SHARE = 8, /* one in eight is reserved for REGISTER, and one for dialogs */
	SAVED_MAX = 6144,  /* Vias and Record-Routes of dozens of proxies */
};

int txns_open(struct txns *t, uint32_t capacity, struct rand_source *rand)
{
	*t = (struct txns){ .reserve = capacity / RESERVE_SHARE };
	t->key.k0 = rand_u64_from(rand);
	t->key.k1 = rand_u64_from(rand);
	if (pool_open(&t->pool, sizeof(struct txn_slot), capacity) ||
	    table_open(&t->by_branch, capacity) || table_open(&t->by_merge, capacity) ||
	    table_open(&t->by_call, capacity) || table_open(&t->by_connection, capacity)) {
		txns_close(t);
		return -ENOMEM;
	}
	return 0;
}

void txns_close(struct txns *t)
{
	uint32_t cursor = 0;
	struct txn_slot *slot;
	pool_handle h;

	while (t->pool.slots && (slot = pool_next(&t->pool, &cursor, &h)) != NULL) {
		txn_clear(&slot->txn);
		text_clear(&slot->request);
	}
	if (t->pool.slots)
		pool_close(&t->pool);
	table_close(&t->by_branch);
	table_close(&t->by_merge);
	table_close(&t->by_call);
	table_close(&t->by_connection);
}

struct txn_slot *txns_get(const struct txns *t, pool_handle h)
{
	return pool_get(&t->pool, h);
}

static struct txn_slot *txn_slot_find(const struct txns *t, uint64_t hash, uint8_t client)
{
	uint32_t cursor = 0;
	uint64_t h;

	while ((h = table_next(&t->by_branch, hash, &cursor)) != 0) {
		struct txn_slot *slot = pool_get(&t->pool, h);

		if (slot && slot->client == client)
			return slot;
	}
	return NULL;
}

struct txn_slot *txns_find_server(const struct txns *t, const struct sip_message *request,
				  enum sip_method method)
{
	return txn_slot_find(t, txn_server_hash(&t->key, request, method), 0);
}

struct txn_slot *txns_find_client(const struct txns *t, struct bytes branch, enum sip_method method)
{
	struct txn_slot *slot = txn_slot_find(t, txn_client_hash(&t->key, branch, method), 1);

	/* a request that was not sent has no response */
	return slot && slot->started ? slot : NULL;
}

static uint64_t merge_hash(const struct txns *t, const struct sip_message *m)
{
	uint64_t parts[3] = {
		hash_sip(&t->key, m->call_id),
		hash_sip(&t->key, m->from.tag),
		(uint64_t)m->cseq << 8 | m->method,
	};
	uint64_t hash = hash_sip(&t->key, bytes_mem(parts, sizeof(parts)));

	return hash ? hash : 1;
}

bool txns_is_merged(const struct txns *t, const struct sip_message *request)
{
	uint32_t cursor = 0;

	return table_next(&t->by_merge, merge_hash(t, request), &cursor) != 0;
}

bool txns_has_room(const struct txns *t, enum txn_use use)
{
	uint32_t kept = t->reserve * (TXN_INSIDE - (uint32_t)use);

	return t->pool.in_use + kept < t->pool.capacity;
}

static struct txn_slot *txn_allocate(struct txns *t, enum txn_use use)
{
	pool_handle h;
	struct txn_slot *slot;

	if (!txns_has_room(t, use))
		return NULL;
	slot = pool_alloc(&t->pool, &h);
	if (!slot)
		return NULL;
	slot->self = h;
	slot->timer.owner = h;
	slot->timer.kind = t->timer_kind;
	return slot;
}

static void txns_unlist(struct table *table, uint64_t *hash, pool_handle h)
{
	if (*hash)
		(void)table_del(table, *hash, h);
	*hash = 0;
}

static void txns_give(struct txns *t, struct txn_slot *slot)
{
	wheel_stop(t->wheel, &slot->timer);
	txns_unlist(&t->by_branch, &slot->hash, slot->self);
	txns_unlist(&t->by_merge, &slot->merge, slot->self);
	txns_unlist(&t->by_call, &slot->call, slot->self);
	txns_unlist_on(t, slot);
	quota_release(t->quota, &slot->payer, QUOTA_TXNS);
	txn_clear(&slot->txn);
	text_clear(&slot->request);
	(void)pool_free(&t->pool, slot->self);
}

static bool list(struct table *table, uint64_t hash, uint64_t *kept, pool_handle h)
{
	if (table_put(table, hash, h))
		return false;
	*kept = hash;
	return true;
}

/* Without memory it belongs all the same, but does not move with its party. */
void txns_belong(struct txns *t, struct txn_slot *slot, uint64_t call, uint8_t leg,
		 enum txn_user user)
{
	assert(slot->call == 0);
	if (table_put(&t->by_call, call, slot->self))
		sig_count_dropped(t->metrics, DROPPED_OOM);
	slot->call = call;
	slot->leg = leg;
	slot->user = user;
}

static enum txn_kind server_kind(enum sip_method method)
{
	return method == SIP_INVITE ? TXN_INVITE_SERVER : TXN_SERVER;
}

void txns_charge(struct txn_slot *slot, const struct quota_party *payer)
{
	slot->payer = *payer;
}

struct txn_slot *txns_add_server(struct txns *t, const struct sip_message *request,
				 enum txn_use use, uint64_t now_ns)
{
	struct txn_slot *slot = txn_allocate(t, use);
	struct sip_hop hop;

	if (!slot)
		return NULL;
	message_response_hop(request, &hop);
	txn_init(&slot->txn, server_kind(request->method), request->method, &hop, now_ns);
	slot->source = request->hop;
	if (!list(&t->by_branch, txn_server_hash(&t->key, request, request->method), &slot->hash,
		  slot->self) ||
	    (use != TXN_INSIDE &&
	     !list(&t->by_merge, merge_hash(t, request), &slot->merge, slot->self))) {
		txns_give(t, slot);
		return NULL;
	}
	return slot;
}

/* Requests under way to another node, or from a phone there, are lost if the link breaks or the
 * connection ends (ADR 23). Nothing after a BYE or CANCEL would show that, nor after an INVITE
 * given up before its answer: they are retransmitted as over UDP, and a phone recognizes the copies
 * (RFC 3261 17.2.1, 17.2.2). */
static bool is_repeated_until_answered(enum sip_method method, const struct sip_hop *hop)
{
	return (method == SIP_BYE || method == SIP_CANCEL || method == SIP_INVITE) &&
	       hop_is_edge(hop->connection);
}

struct txn_slot *txns_add_client(struct txns *t, enum sip_method method, const struct sip_hop *hop,
				 struct bytes branch, enum txn_use use, uint64_t now_ns)
{
	struct txn_slot *slot = txn_allocate(t, use);

	if (!slot)
		return NULL;
	slot->client = 1;
	txn_init(&slot->txn, method == SIP_INVITE ? TXN_INVITE_CLIENT : TXN_CLIENT, method, hop,
		 now_ns);
	if (is_repeated_until_answered(method, hop))
		slot->txn.reliable = false;
	if (!list(&t->by_branch, txn_client_hash(&t->key, branch, method), &slot->hash,
		  slot->self)) {
		txns_give(t, slot);
		return NULL;
	}
	return slot;
}

bool txns_renew(struct txns *t, struct txn_slot *slot, const struct sip_hop *to,
		struct bytes branch, struct bytes request, uint64_t now_ns)
{
	uint64_t hash = txn_client_hash(&t->key, branch, slot->txn.method);
	enum txn_kind kind = slot->txn.kind;
	struct sip_hop hop = *to; /* perhaps that of the transaction, which is cleared */
	struct text text = { 0 };

	assert(slot->client);
	if (text_set(&text, request) || table_put(&t->by_branch, hash, slot->self)) {
		text_clear(&text);
		return false;
	}
	txns_unlist(&t->by_branch, &slot->hash, slot->self);
	slot->hash = hash;
	wheel_stop(t->wheel, &slot->timer);
	txn_clear(&slot->txn);
	txn_init(&slot->txn, kind, slot->txn.method, &hop, now_ns);
	slot->txn.message = text;
	slot->started = slot->waiting = 0;
	slot->gone_ns = 0;
	txns_list_on(t, slot);
	return true;
}

void txns_release(struct txns *t, struct txn_slot *slot, uint64_t now_ns)
{
	bool go = slot->go;

	slot->held = slot->go = 0;
	if (go)
		(void)txns_step(t, slot, TXN_EV_START, now_ns);
}

static void keep_headers(struct writer *w, const struct sip_message *m, const char *name)
{
	struct bytes value;

	for (unsigned i = 0; message_header(m, name, i, &value); i++) {
		writer_str(w, name);
		writer_str(w, ": ");
		writer_bytes(w, value);
		writer_str(w, "\r\n");
	}
}

int txns_keep_request(struct txn_slot *slot, const struct sip_message *request)
{
	static const char *const names[] = { "Via",     "Record-Route", "From",   "To",
					     "Call-ID", "CSeq",         "Contact" };
	/* what a REGISTER is applied by once more */
	static const char *const more[] = { "Expires", "Supported", "Path", "User-Agent" };
	uint8_t space[SAVED_MAX];
	struct writer w = writer_over(space, sizeof(space));

	writer_bytes(&w, request->method_name);
	writer_str(&w, " ");
	writer_bytes(&w, request->uri.all);
	writer_str(&w, " SIP/2.0\r\n");
	for (size_t i = 0; i < COUNT_OF(names); i++)
		keep_headers(&w, request, names[i]);
	for (size_t i = 0; request->method == SIP_REGISTER && i < COUNT_OF(more); i++)
		keep_headers(&w, request, more[i]);
	writer_str(&w, "\r\n");
	if (w.overflow)
		return -ENOSPC;
	return text_set(&slot->request, writer_done(&w));
}

void txns_refuse_for(struct txns *t, enum refusal reason)
{
	sig_count_refused(t->metrics, reason);
	if (!t->why)
		t->why = refusals[reason].name;
}

/* RFC 3261 7.2, 21: a final response that is no 2xx. */
static bool txns_is_refusal(struct bytes datagram)
{
	return bytes_starts(datagram, "SIP/2.0 ") && datagram.n > 8 && datagram.p[8] >= '3';
}

void txns_send(struct txns *t, const struct sip_hop *hop, struct bytes datagram)
{
	struct request_send *send =
		effects_request(t->effects, EFFECT_SEND, 0, 0, EFFECT_TEXTS(datagram));

	if (!send) {
		sig_count_dropped(t->metrics, DROPPED_OOM);
		return;
	}
	send->hop = *hop;
	send->sender = t->sender;
	if (!t->why || !txns_is_refusal(datagram))
		return;
	send->why = t->why;
	t->why = NULL;
}

static bool txns_is_answer(enum txn_event event)
{
	return event == TXN_EV_PROVISIONAL || event == TXN_EV_SUCCESS || event == TXN_EV_FAILURE;
}

static void txn_timer_set(struct txns *t, struct txn_slot *slot)
{
	uint64_t next = txn_next_ns(&slot->txn);

	if (slot->limit_ns && slot->limit_ns < next)
		next = slot->limit_ns;
	if (slot->gone_ns && slot->gone_ns < next)
		next = slot->gone_ns;
	wheel_aim(t->wheel, &slot->timer, next);
}

/* The user is told of the refusal before its ACK is sent: until then the party repeats it (RFC 3261
 * 17.2.1, timer G). Over a connection nothing is repeated. */
static void txns_acknowledge(struct txns *t, struct txn_slot *slot, const struct txn_out *out)
{
	if (slot->txn.ack.n == 0)
		return;
	if (out->deliver && slot->txn.state == TXN_COMPLETED)
		slot->ack_due = 1;
	else if (!slot->ack_due)
		txns_send(t, &slot->txn.hop, text_bytes(&slot->txn.ack));
}

struct txn_out txns_step(struct txns *t, struct txn_slot *slot, enum txn_event event,
			 uint64_t now_ns)
{
	struct txn_out out = { 0 };

	if (slot->held && event == TXN_EV_START) {
		slot->go = 1;
		return out;
	}
	if (slot->client && event == TXN_EV_START)
		slot->started = slot->waiting = 1;
	else if (slot->client && txns_is_answer(event))
		slot->gone_ns = slot->waiting = 0;
	txn_step(&slot->txn, event, now_ns, &out);
	if (out.send_message && slot->txn.message.n)
		txns_send(t, &slot->txn.hop, text_bytes(&slot->txn.message));
	if (out.send_ack)
		txns_acknowledge(t, slot, &out);
	if (slot->client && slot->txn.state >= TXN_COMPLETED)
		text_clear(&slot->txn.message); /* it is not sent again */
	/* its user gave up, but a repeated response must still be acknowledged */
	if (slot->client && slot->txn.state == TXN_ACCEPTED)
		slot->limit_ns = 0;
	if (slot->txn.state == TXN_TERMINATED) {
		txns_give(t, slot);
	} else {
		txn_timer_set(t, slot);
		txns_list_on(t, slot);
	}
	return out;
}

static enum txn_event reply_event(uint16_t status)
{
	if (status < 200)
		return TXN_EV_REPLY_PROVISIONAL;
	return status < 300 ? TXN_EV_REPLY_SUCCESS : TXN_EV_REPLY_FAILURE;
}

void txns_refused(struct txns *t, pool_handle h)
{
	const struct txn_slot *slot = pool_get(&t->pool, h);

	if (slot && !slot->ack_held)
		txns_ack_go(t, h);
}

void txns_ack_hold(struct txns *t, pool_handle h)
{
	struct txn_slot *slot = pool_get(&t->pool, h);

	if (slot && slot->ack_due)
		slot->ack_held = 1;
}

void txns_ack_go(struct txns *t, pool_handle h)
{
	struct txn_slot *slot = pool_get(&t->pool, h);

	if (!slot || !slot->ack_due)
		return;
	slot->ack_due = 0;
	txns_send(t, &slot->txn.hop, text_bytes(&slot->txn.ack));
}

void txns_reply(struct txns *t, struct txn_slot *slot, uint16_t status, struct text *response,
		uint64_t now_ns)
{
	assert(!slot->client);
	text_clear(&slot->txn.message);
	if (status >= 200)
		text_clear(&slot->request); /* no other response follows */
	slot->txn.message = *response;
	*response = (struct text){ 0 };
	sig_count_out(t->metrics, status);
	(void)txns_step(t, slot, reply_event(status), now_ns);
}

void txns_limit(struct txns *t, pool_handle h, uint64_t now_ns)
{
	struct txn_slot *slot = pool_get(&t->pool, h);

	if (!slot)
		return;
	slot->limit_ns = now_ns + TXN_TIMEOUT_MS * NS_PER_MS;
	txn_timer_set(t, slot);
}

void txns_gone(struct txns *t, struct txn_slot *slot, uint64_t until_ns)
{
	if (!slot->gone_ns)
		slot->gone_ns = until_ns;
	txn_timer_set(t, slot);
}

void txns_drop(struct txns *t, pool_handle h)
{
	struct txn_slot *slot = pool_get(&t->pool, h);

	if (slot)
		txns_give(t, slot);
}

void txns_drop_all(struct txns *t)
{
	uint32_t cursor = 0;
	struct txn_slot *slot;
	pool_handle h;

	while ((slot = pool_next(&t->pool, &cursor, &h)) != NULL)
		txns_give(t, slot);
}

struct txn_slot *txns_next_waiting(const struct txns *t, const struct sip_hop *hop,
				   uint32_t *cursor)
{
	struct txn_slot *slot;
	pool_handle h;

	while ((slot = pool_next(&t->pool, cursor, &h)) != NULL) {
		if (slot->waiting && sip_hop_leads_alike(&slot->txn.hop, hop))
			return slot;
	}
	return NULL;
}

/* Over a connection it is sent once; over UDP timers retransmit it, some of them only after
 * seconds. */
static bool is_unheard(const struct txn_slot *slot)
{
	switch (slot->txn.state) {
	case TXN_CALLING:
	case TXN_TRYING:
		return slot->client && slot->started;
	case TXN_PROCEEDING:
		/* An INVITE that rang was received: to a party that has refused it since, it would
		 * be another call, and after its CANCEL one that is never cancelled. */
		return slot->client && slot->started && slot->txn.method != SIP_INVITE;
	case TXN_COMPLETED:
		return !slot->client;
	case TXN_CONFIRMED:
	case TXN_ACCEPTED:
	case TXN_TERMINATED:
		break;
	}
	return false;
}

static void move(struct txns *t, struct txn_slot *slot, const struct sip_hop *to, uint64_t now_ns)
{
	bool again =
		(slot->txn.reliable || slot->client) && slot->txn.message.n && is_unheard(slot);

	if (!sip_hop_equal(&slot->txn.hop, to))
		slot->gone_ns = 0;
	slot->txn.hop = *to;
	txns_list_on(t, slot);
	if (!slot->client)
		slot->source = *to;
	if (!again)
		return;
	txns_send(t, to, text_bytes(&slot->txn.message));
	if (!slot->client || !slot->txn.reliable ||
	    !is_repeated_until_answered(slot->txn.method, to))
		return;
	txn_may_be_lost(&slot->txn, now_ns);
	txn_timer_set(t, slot);
}

/* Requests that lost their connection go to the party's listener: they may have left from another
 * address than its dialog uses by now. */
static bool is_by(const struct sip_hop *hop, const struct sip_hop *from)
{
	return sip_hop_same(hop, from) ||
	       (sip_transport_is_stream(hop->transport) && hop->transport == from->transport &&
		!hop->connection && addr_eq(&hop->remote, &from->remote));
}

void txns_hop_moved(struct txns *t, uint64_t call, uint8_t leg, const struct sip_hop *from,
		    const struct sip_hop *to, uint64_t now_ns)
{
	uint32_t cursor = 0;
	pool_handle h;

	/* what was written for one transport says so in its Via */
	if (from->transport != to->transport)
		return;
	while ((h = table_next(&t->by_call, call, &cursor)) != 0) {
		struct txn_slot *slot = pool_get(&t->pool, h);

		if (!slot || slot->leg != leg)
			continue;
		if (is_by(&slot->txn.hop, from) ||
		    (!slot->client && sip_hop_same(&slot->source, from)))
			move(t, slot, to, now_ns);
	}
}

void txns_leg_gone(struct txns *t, uint64_t call, uint8_t leg)
{
	uint32_t cursor = 0;
	pool_handle h;

	while ((h = table_next(&t->by_call, call, &cursor)) != 0) {
		struct txn_slot *slot = pool_get(&t->pool, h);

		if (slot && slot->client && slot->leg == leg) {
			txns_unlist(&t->by_call, &slot->call, slot->self);
			cursor = 0; /* what follows it has moved */
		}
	}
}

/* Over UDP the timers do. If the original had left, the party recognizes the copy by its branch
 * (RFC 3261 17.2). */
void txns_say_again(struct txns *t)
{
	struct txn_slot *slot;
	uint32_t cursor = 0;
	pool_handle h;

	while ((slot = pool_next(&t->pool, &cursor, &h)) != NULL) {
		if (slot->txn.reliable && slot->txn.message.n && is_unheard(slot))
			txns_send(t, &slot->txn.hop, text_bytes(&slot->txn.message));
	}
}

/* Client transactions that wait for a first response on a connection: a list each, so its end costs
 * only what was on it. */

struct txn_slot *txns_detach_from(struct txns *t, uint64_t connection)
{
	struct txn_slot *slot = first_on(t, connection);

	if (!slot)
		return NULL;
	txns_unlist_on(t, slot);
	slot->txn.hop.connection = 0;
	return slot;
}
