/* SPDX-License-Identifier: Apache-2.0 */
/* Charges a call's resources to the quota of the party that began it (payer.h): the call, its
 * ports, and requests caused by it. The payer is in the record only if it is not simply the caller,
 * so a successor charges the same. A quota refusal becomes 486 for phones, which might otherwise
 * take the node as down. */

#include "sig/model/payer.h"
#include "sig/host/settings.h"
#include "sig/model/saved.h"

#include <errno.h>

static bool payer_is_written(const struct schema_writer *w, const void *object)
{
	(void)object;
	return saver_of(w)->c->payer_name.known && !payer_is_caller(saver_of(w)->c);
}

static bool payer_check(struct schema_reader *r, void *object)
{
	(void)r;
	return ((struct call_payer *)object)->known = true;
}

static const struct schema payer_rows[] = {
	{ "kind", 1, SCHEMA_UINT, SCHEMA_AT(struct call_payer, kind), .max = QUOTA_KINDS - 1,
	  .wrong = "call: payer" },
	{ "user", 2, SCHEMA_TEXT, SCHEMA_AT(struct call_payer, user), .max = SAVED_USER_MAX,
	  .wrong = "call: payer" },
	{ "source", 3, SCHEMA_ADDR, SCHEMA_AT(struct call_payer, source), .wrong = "call: payer" },
	{ 0 },
};

const struct schema payer_saved[] = {
	{ "payer", 66, SCHEMA_MESSAGE, SCHEMA_OF(struct call, payer_name, struct call_payer),
	  .of = payer_rows, .is = payer_is_written, .check = payer_check },
	{ 0 },
};

static const enum refusal g_reasons[QUOTA_ITEMS] = {
	[QUOTA_CALLS] = REFUSED_QUOTA_CALLS,
	[QUOTA_TXNS] = REFUSED_QUOTA_TXNS,
	[QUOTA_PORTS] = REFUSED_QUOTA_PORTS,
	[QUOTA_CALL_RATE] = REFUSED_QUOTA_CALL_RATE,
	[QUOTA_REGISTER_RATE] = REFUSED_QUOTA_REGISTERS,
};

#define TEXTS(who)                                                              \
	{                                                                       \
		[QUOTA_CALLS] = "too many calls at once " who,                  \
		[QUOTA_TXNS] = "too many transactions at once " who,            \
		[QUOTA_PORTS] = "too many media ports at once " who,            \
		[QUOTA_CALL_RATE] = "too many calls a second " who,             \
		[QUOTA_REGISTER_RATE] = "too many registrations a second " who, \
	}
static const char *const g_texts[QUOTA_KINDS][QUOTA_ITEMS] = {
	[QUOTA_EXTENSION] = TEXTS("of this extension"),
	[QUOTA_PEER] = TEXTS("of this peer"),
	[QUOTA_SOURCE] = TEXTS("from this address"),
};

/* A phone may take 503 as the whole server being down (RFC 3263 4.3); 486 is about this one call. A
 * peer handles 503 correctly. */
void call_refuse_quota(struct call_refusal *r, const struct quota_refusal *why)
{
	*r = (struct call_refusal){
		.status = why->kind == QUOTA_EXTENSION ? 486 : 503,
		.reason = g_reasons[why->item],
		.text = g_texts[why->kind][why->item],
		.retry_after_s = why->wait_s,
	};
}

int payer_note(struct call *c, const struct quota_name *name)
{
	if (text_set(&c->payer_name.user, name->user))
		return -ENOMEM;
	c->payer_name.known = true;
	c->payer_name.kind = (uint8_t)name->kind;
	c->payer_name.source = name->source;
	return 0;
}

enum refusal payer_charge_call(struct call_host *h, struct call *c, const struct quota_name *name,
			       bool always)
{
	const struct quota_host *q = &h->settings->quota;
	const struct quota_party party = quota_party(q, name, h->now.ns);

	if ((!always &&
	     !quota_acquire(q, &party, QUOTA_CALL_RATE, false, h->now.ns, &h->quota_refusal)) ||
	    !quota_acquire(q, &party, QUOTA_CALLS, always, h->now.ns, &h->quota_refusal))
		return g_reasons[h->quota_refusal.item];
	c->payer = party; /* given back with the call */
	return payer_note(c, name) ? REFUSED_MEMORY : REFUSED_NOT;
}

bool payer_of(const struct call *c, struct quota_name *out)
{
	*out = (struct quota_name){ .kind = (enum quota_kind)c->payer_name.kind,
				    .tenant = c->tenant,
				    .user = text_bytes(&c->payer_name.user),
				    .source = c->payer_name.source,
				    .kept = true };
	return c->payer_name.known;
}

enum refusal payer_share(struct call_host *h, const struct call *from, struct call *to)
{
	struct quota_name name;

	return payer_of(from, &name) ? payer_charge_call(h, to, &name, true) : REFUSED_NOT;
}

bool payer_is_caller(const struct call *c)
{
	const struct leg *a = call_caller(c);

	if (a->outbound)
		return !c->payer_name.known;
	return c->payer_name.kind == QUOTA_EXTENSION
		       ? bytes_eq(text_bytes(&a->user), text_bytes(&c->payer_name.user))
		       : addr_ip_eq(&a->dialog.hop.remote, &c->payer_name.source);
}

enum refusal payer_charge_request(struct call_host *h, const struct call *c,
				  const struct txn_slot *cause)
{
	return quota_acquire(&h->settings->quota, &cause->payer, QUOTA_CALL_RATE, c->emergency,
			     h->now.ns, &h->quota_refusal)
		       ? REFUSED_NOT
		       : g_reasons[h->quota_refusal.item];
}

enum refusal payer_charge_port(struct call_host *h, const struct call *c)
{
	return quota_acquire(&h->settings->quota, &c->payer, QUOTA_PORTS,
			     c->emergency || c->restored, h->now.ns, &h->quota_refusal)
		       ? REFUSED_NOT
		       : g_reasons[h->quota_refusal.item];
}

void payer_release_port(const struct call_host *h, const struct call *c)
{
	quota_release(&h->settings->quota, &c->payer, QUOTA_PORTS);
}

void payer_move_port(const struct call_host *h, const struct call *from, const struct call *to)
{
	struct quota_refusal none;

	payer_release_port(h, from);
	(void)quota_acquire(&h->settings->quota, &to->payer, QUOTA_PORTS, true, h->now.ns, &none);
}

bool payer_may_add_branch(const struct call_host *h, const struct call *c)
{
	return txns_has_room(h->txns,
			     c->emergency || c->state == CALL_ESTABLISHED ? TXN_INSIDE : TXN_NEW);
}

/* Never refused: a permitted call may ring all its phones. */
void payer_charge_txn(const struct call_host *h, const struct call *c, struct txn_slot *slot)
{
	struct quota_refusal none;

	if (quota_acquire(&h->settings->quota, &c->payer, QUOTA_TXNS, true, h->now.ns, &none))
		txns_charge(slot, &c->payer);
}

bool payer_charge_caused(const struct call_host *h, const struct txn_slot *cause,
			 struct txn_slot *slot)
{
	struct quota_refusal why;

	if (!quota_acquire(&h->settings->quota, &cause->payer, QUOTA_TXNS, false, h->now.ns, &why))
		return false;
	txns_charge(slot, &cause->payer);
	return true;
}

enum refusal payer_refuse(const struct call_host *h, struct call_refusal *refusal)
{
	call_refuse_quota(refusal, &h->quota_refusal);
	return refusal->reason;
}
