/* SPDX-License-Identifier: Apache-2.0 */
/* MESSAGE outside of dialogs (RFC 3428, pager mode): from a phone of ours, or through a trusted
 * sender, to a user of ours. Each phone of that user gets a MESSAGE of the node's own; the first
 * 2xx answers for all (RFC 3261 16.7). Only transactions are stored: they absorb copies while they
 * live. A phone's MESSAGE is identified by the received one, so a copy after a kill is a copy for
 * the phone, too. The server transaction (forks: number open; best) is the peer of a client
 * transaction for each phone. */
#include "base/log.h"
#include "sig/call/relay.h"
#include "sig/call/session.h"
#include "sig/dialog/dialog.h"
#include "sig/host/trunk.h"
#include "sig/identity/carried.h"
#include "sig/leg/leg.h"
#include "sig/model/payer.h"
#include "sig/shard/shard_parts.h"

enum { PAGE_RETRY_S = 5 };

/* A MESSAGE with its sender and its recipient. */
struct page {
	const struct sip_message *m;
	uint64_t id;
	uint16_t tenant;
	char from[ROUTE_USER_MAX], to[ROUTE_USER_MAX];
	bool hidden;
	struct bytes display, user, host; /* as the phones are told */
	struct call_target phones[BINDINGS_MAX];
	uint32_t count;
	bool too_long; /* for a phone over UDP */
};

static bool page_fail(struct call_refusal *why, uint16_t status, enum refusal reason)
{
	*why = (struct call_refusal){ .status = status, .reason = reason };
	return false;
}

/* Before authentication. A draining node still relays: it takes no longer than the rest of its
 * calls. */
static bool page_may_admit(const struct shard *s, const struct sip_message *m,
			   struct call_refusal *why)
{
	if (m->max_forwards == 0)
		return page_fail(why, 483, REFUSED_HOPS);
	if (m->body.n && !m->content_type.n)
		return page_fail(why, 400, REFUSED_MALFORMED);
	if (m->body.n > MESSAGE_BODY_MAX)
		return page_fail(why, 413, REFUSED_BODY);
	if (!shard_is_overloaded(s))
		return true;
	(void)page_fail(why, 503, REFUSED_OVERLOADED);
	why->retry_after_s = shard_overload_retry_s(s);
	return false;
}

static bool page_route(const struct shard *s, struct page *p, struct call_refusal *why)
{
	switch (shard_route(s, p->m, p->tenant, p->to, p->phones, COUNT_OF(p->phones), &p->count)) {
	case ROUTE_OK:
		return true;
	case ROUTE_SCHEME:
		return page_fail(why, 416, REFUSED_SCHEME);
	case ROUTE_NOT_FOUND:
	case ROUTE_NO_GRUU:
		return page_fail(why, 404, REFUSED_NOT_FOUND);
	case ROUTE_FOREIGN:
		return page_fail(why, 404, REFUSED_DOMAIN);
	case ROUTE_NOT_REGISTERED:
		if (!locations_unread(shard_locations(s), p->tenant, bytes_str(p->to)))
			return page_fail(why, 480, REFUSED_NOT_REGISTERED);
		(void)page_fail(why, 503, REFUSED_REGISTRATION_UNREAD);
		why->text = SHARD_USER_UNREAD;
		return false;
	case ROUTE_REMOTE:
		(void)page_fail(why, 480, REFUSED_OTHER_NODE);
		why->text = "the phone is connected to another node";
		return false;
	case ROUTE_LOOP:
		return page_fail(why, 482, REFUSED_LOOP);
	}
	return false;
}

/* SEC-10, as of calls. */
static bool page_is_welcome(const struct shard *s, const struct page *p, struct call_refusal *why)
{
	const struct shard_forward *f = shard_forward_of(s, p->tenant, bytes_str(p->to));
	struct bytes blocked = f ? bytes_str(f->blocked) : (struct bytes){ 0 };

	if (p->hidden && bytes_list_has(blocked, BYTES_LIT(FORWARD_NOBODY)))
		return page_fail(why, 433, REFUSED_BLOCKED);
	if (bytes_list_has(blocked, bytes_str(p->from)))
		return page_fail(why, 603, REFUSED_BLOCKED);
	return true;
}

static void page_refuse(struct shard *s, struct txn_slot *slot, const struct sip_message *m,
			const struct call_refusal *why)
{
	uint8_t space[256];
	struct writer extra = writer_over(space, sizeof(space));

	if (why->text && why->retry_after_s)
		shard_quota_note(s, m, why);
	session_write_refusal(&extra, shard_host(s), why, PAGE_RETRY_S);
	shard_refuse(s, slot, m, why->status, why->reason, writer_lines(&extra));
}

/* At the rate of its calls. 503 would be about the node, which its receiver may take as down (RFC
 * 3263 4.3). */
static bool page_may_cost(const struct shard *s, const struct page *p,
			  const struct quota_party *party, struct call_refusal *why)
{
	if (shard_quota_charge(s, party, QUOTA_CALL_RATE, false, why) &&
	    shard_tenant_spend_call(s, p->tenant, why) &&
	    shard_quota_charge(s, party, QUOTA_TXNS, false, why))
		return true;
	why->status = 480;
	return false;
}

/* Its transaction, which is its sender's from now on. NULL: it was refused. */
static struct txn_slot *page_admit(struct shard *s, const struct page *p)
{
	struct quota_party party = shard_party(s, p->tenant, bytes_str(p->from), &p->m->hop);
	struct call_refusal why;
	struct txn_slot *slot = NULL;

	if (page_may_cost(s, p, &party, &why)) {
		slot = txns_add_server(shard_txns(s), p->m, TXN_NEW, shard_host(s)->now.ns);
		if (slot) {
			txns_charge(slot, &party);
			return slot;
		}
		shard_quota_release(s, &party, QUOTA_TXNS);
		(void)page_fail(&why, 503, REFUSED_TXNS_FULL);
	}
	page_refuse(s, NULL, p->m, &why);
	return NULL;
}

/* ---- to the phones ---- */

/* The same request gives the same numbers, also in a successor; no outsider can predict them. */
static uint64_t page_number(const struct shard *s, const struct sip_message *m, struct bytes salt)
{
	const struct hash_key *key = &shard_settings(s)->message_key;
	uint64_t parts[5] = {
		hash_sip(key, m->via.branch), hash_sip(key, m->call_id),
		hash_sip(key, m->from.tag),   m->cseq,
		hash_sip(key, salt),
	};

	return hash_sip(key, bytes_mem(parts, sizeof(parts)));
}

static uint64_t page_id(const struct shard *s, const struct sip_message *m)
{
	uint64_t number = page_number(s, m, (struct bytes){ 0 });

	return id_call_derive(shard_ids(s)->shard, bytes_mem(&number, sizeof(number)));
}

/* The request to one phone, which has not left yet. NULL: there is no transaction left for it. */
static struct txn_slot *page_request(struct shard *s, const struct page *p,
				     const struct call_target *t)
{
	uint64_t number = page_number(s, p->m, t->uri);
	struct id_tag tag = { .call = p->id, .random = number };
	struct dialog_party party = { .local_display = p->display,
				      .local_user = p->user,
				      .local_host = p->host,
				      .remote_user = bytes_str(p->to),
				      .target = t->uri,
				      .routes = t->routes,
				      .hop = t->hop };
	struct dialog_request r = {
		.method = SIP_MESSAGE,
		.branch = number ^ p->id,
		.max_forwards = p->m->max_forwards < 0 ? -1 : p->m->max_forwards - 1,
		.extra = relay_extra(shard_host(s), p->m),
		.content_type = p->m->content_type,
		.body = p->m->body,
	};
	struct dialog d = { 0 };
	struct txn_slot *client;

	if (!txns_has_room(shard_txns(s), TXN_NEW) ||
	    dialog_to_party(&d, &tag, &party, shard_settings(s)))
		return NULL;
	if (t->routes.n)
		dialog_choose_hop(&d, shard_host(s), false);
	client = leg_request(shard_host(s), &d, &r, TXN_USER_MESSAGE);
	dialog_clear(&d);
	return client;
}

/* One phone. RFC 3428 8: what may be lost for its length alone does not leave. */
static bool page_send_to(struct shard *s, struct page *p, struct txn_slot *server, uint32_t phone)
{
	struct txn_slot *client = page_request(s, p, &p->phones[phone]);
	bool fits = client && (client->txn.message.n <= MESSAGE_DATAGRAM_MAX ||
			       sip_transport_is_stream(client->txn.hop.transport));

	if (client && !fits)
		p->too_long = true;
	if (!fits || !payer_charge_caused(shard_host(s), server, client)) {
		if (client)
			txns_drop(shard_txns(s), client->self);
		return false;
	}
	client->peer = server->self;
	(void)txns_step(shard_txns(s), client, TXN_EV_START, shard_host(s)->now.ns);
	return true;
}

static void page_say(struct shard *s, struct page *p, struct txn_slot *server)
{
	struct call_refusal why;

	p->id = page_id(s, p->m);
	txns_belong(shard_txns(s), server, p->id, 0, TXN_USER_MESSAGE);
	for (uint32_t i = 0; i < p->count; i++)
		server->forks += page_send_to(s, p, server, i);
	LOG_INFO("sip", p->id, "message relayed",
		 LOG_STR("tenant", tenants_name(shard_settings(s)->tenants, p->tenant)),
		 LOG_STR("from", p->from), LOG_STR("to", p->to), LOG_U64("phones", server->forks),
		 LOG_U64("octets", p->m->body.n), LOG_BYTES("sip_call_id", p->m->call_id));
	if (server->forks)
		return;
	(void)(p->too_long ? page_fail(&why, 413, REFUSED_BODY)
			   : page_fail(&why, 503, REFUSED_TXNS_FULL));
	page_refuse(s, server, p->m, &why);
}

/* ---- from its sender ---- */

static void page_go(struct shard *s, struct page *p)
{
	struct txn_slot *server = page_admit(s, p);
	struct call_refusal why;

	if (!server)
		return;
	if (!page_route(s, p, &why) || !page_is_welcome(s, p, &why)) {
		page_refuse(s, server, p->m, &why);
	} else if (txns_keep_request(server, p->m)) {
		(void)page_fail(&why, 500, REFUSED_MEMORY);
		page_refuse(s, server, p->m, &why);
	} else {
		page_say(s, p, server);
	}
}

/* How its writer is shown. e: he has authenticated; NULL: a trusted neighbour names him. */
static void page_sign(struct page *p, const struct shard_extension *e)
{
	p->hidden = shard_is_from_nobody(p->m) || privacy_hides_name(privacy_of(p->m));
	p->display = e && e->display_name[0] ? bytes_str(e->display_name) : p->m->from.display;
	p->user = bytes_str(p->from);
	if (!p->hidden)
		return;
	p->display = BYTES_LIT("Anonymous");
	p->user = BYTES_LIT("anonymous");
	p->host = BYTES_LIT("anonymous.invalid");
}

static void message_resume(struct shard *s, const struct sip_message *m, const char *from,
			   bool phone)
{
	struct page p = { .m = m, .tenant = shard_tenant_of(s, m) };
	const struct shard_extension *e =
		phone ? shard_extension_find(s, p.tenant, bytes_str(from)) : NULL;

	(void)bytes_cstr(bytes_str(from), p.from, sizeof(p.from));
	page_sign(&p, e);
	page_go(s, &p);
}

static void message_receive_new(struct shard *s, const struct sip_message *m)
{
	uint16_t tenant = shard_tenant_of(s, m);
	const struct shard_extension *e;
	char from[ROUTE_USER_MAX];
	struct call_refusal why;

	if (shard_invite_is_waiting(s, m))
		return;
	if (shard_trunk_of(s, &m->hop) != TRUNK_NONE || m->hop.transport == SIP_INTER_SHARD) {
		shard_refuse(s, NULL, m, 405, REFUSED_METHOD, BYTES_LIT(RESPOND_ALLOW_TRUNK));
		return;
	}
	if (!page_may_admit(s, m, &why)) {
		page_refuse(s, NULL, m, &why);
		return;
	}
	if (shard_identify(s, m, tenant, from, &e) &&
	    !shard_invite_hold(s, m, tenant, from, e != NULL))
		message_resume(s, m, from, e != NULL);
}

/* ---- what became of it ---- */

/* RFC 3261 16.7 step 6: 6xx, else the first of the lowest class. 408 counts as no response (RFC
 * 4320). */
static bool page_is_better(uint16_t status, uint16_t best)
{
	unsigned a = status / 100, b = best / 100;

	if (status == 408)
		return false;
	return !best || (b != 6 && (a == 6 || a < b));
}

/* The phone may not support MESSAGE, and the sender may know that. An unreachable phone counts as
 * absent. */
static uint16_t page_status(const struct call_event *ev)
{
	if (!ev->message)
		return ev->failed ? 480 : 408;
	if (ev->message->status == 405 || ev->message->status == 501)
		return 405;
	return refusal_for_other(ev->message->status);
}

/* m: the phone's response to relay; NULL: none. */
static void page_answer(struct shard *s, struct txn_slot *server, uint16_t status,
			const struct sip_message *m)
{
	const struct dialog made = { .tag = { .call = server->call,
					      .random = rand_u64_from(shard_host(s)->rand) } };
	struct response r = { .status = status, .dialog = &made };

	if (status == 405)
		r.extra = BYTES_LIT(RESPOND_ALLOW_TRUNK);
	else if (m)
		r.extra = relay_extra(shard_host(s), m);
	LOG_INFO("sip", server->call, "message answered", LOG_U64("status", status));
	respond(shard_host(s), server, NULL, &r);
}

/* RFC 4320 4.2: its sender has given up by the time of the timeout. */
static void page_over(struct shard *s, struct txn_slot *server, const struct sip_message *m)
{
	if (server->best) {
		page_answer(s, server, server->best, m);
		return;
	}
	LOG_INFO("sip", server->call, "message has no answer");
	txns_drop(shard_txns(s), server->self);
}

static void message_answered(struct shard *s, pool_handle peer, const struct call_event *ev)
{
	struct txn_slot *server = txns_get(shard_txns(s), peer);
	bool decides;

	if (ev->kind == CALL_EV_PROVISIONAL || !server || server->txn.state >= TXN_COMPLETED)
		return; /* another phone was faster */
	if (ev->kind == CALL_EV_SUCCESS) {
		page_answer(s, server, ev->message->status, NULL);
		return;
	}
	decides = page_is_better(page_status(ev), server->best);
	if (decides)
		server->best = page_status(ev);
	if (--server->forks == 0)
		page_over(s, server, decides ? ev->message : NULL);
}

static const struct shard_method message_methods[] = {
	{ .method = SIP_MESSAGE,
	  .receive = message_receive_new,
	  .resume = message_resume,
	  .user = TXN_USER_MESSAGE,
	  .answered = message_answered },
	{ 0 },
};

const struct shard_hooks instant_message_hooks = { .methods = message_methods };
