/* SPDX-License-Identifier: Apache-2.0 */
/* A subscription as bytes. A record may come from another version or a broken store: every bound is checked. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sig/host/host.h"
#include "sig/host/settings.h"
#include "sig/host/trunk.h"
#include "sig/leg/respond.h"
#include "sig/record/proto.h"
#include "sig/sip/event_parse.h"
#include "sig/sip/hop.h"
#include "sig/sip/lex.h"
#include "sig/subscription.pb-c.h"
#include "sig/subscription/subscription.h"
#include "sig/subscription/subscriptions.h"

/* A subscription is saved when it begins, with each refresh, and when its NOTIFYs come near the number that its record allows; not with
 * each NOTIFY. */

enum { LIMIT_AHEAD = 256, SAVE_OVERDUE_MS = 5000, SAVE_AGAIN_MS = 2000 };

void subscription_saving(struct subscriptions *s, struct subscription *sub, uint64_t version)
{
	s->saving += (version != 0) - (sub->saving != 0);
	sub->saving = version;
}

static void save_later(struct subscriptions *s, struct subscription *sub, uint64_t ms)
{
	sub->save_ns = s->host->now.ns + ms * NS_PER_MS;
	subscription_aim(s, sub);
}

static void save_ask(struct subscriptions *s, struct subscription *sub)
{
	struct effect *e = effects_add(s->host->effects, EFFECT_SUBSCRIPTION_SAVE);

	if (!e || subscription_encode(s->host, sub, &e->data)) {
		if (e)
			s->host->effects->count--;
		save_later(s, sub, SAVE_AGAIN_MS);
		return;
	}
	e->call = sub->id;
	e->version = sub->version;
	subscription_saving(s, sub, sub->version);
	metric_add(s->host->metrics->saves[SAVE_STARTED], 1);
	save_later(s, sub, SAVE_OVERDUE_MS);
}

/* One save is in flight at a time. */
void subscription_save(struct subscriptions *s, struct subscription *sub)
{
	sub->version++;
	sub->limit = sub->dialog.local_cseq + LIMIT_AHEAD;
	if (!sub->saving)
		save_ask(s, sub);
}

void subscription_saved(struct subscriptions *s, struct subscription *sub, uint64_t version,
			bool saved)
{
	metric_add(s->host->metrics->saves[saved ? SAVE_DONE : SAVE_FAILED], 1);
	if (version != sub->saving)
		return;
	subscription_saving(s, sub, 0);
	sub->save_ns = 0;
	if (saved)
		sub->acked = version;
	if (version == sub->version || !saved) /* a store that is late stops nobody */
		sub->acked_limit = sub->limit;
	if (version != sub->version)
		save_ask(s, sub);
	else if (!saved && !s->host->degraded) /* else all is saved when the store is back */
		save_later(s, sub, SAVE_AGAIN_MS);
	if (version == sub->version || !saved)
		subscription_answer(s, sub);
	if (sub->changed)
		subscription_change(s, sub);
	subscription_aim(s, sub);
}

static bool subscription_is_kept(const struct subscription *sub)
{
	return sub->version && !sub->ending;
}

bool subscription_is_behind(const struct subscription *sub)
{
	return subscription_is_kept(sub) && sub->acked != sub->version;
}

void subscription_assert(struct subscriptions *s, struct subscription *sub, bool all)
{
	if (subscription_is_kept(sub) && (all || subscription_is_behind(sub)))
		subscription_save(s, sub);
}

static void write_left(struct writer *w, const struct subscriptions *s,
		       const struct subscription *sub)
{
	uint64_t now_ns = s->host->now.ns;
	uint64_t left = sub->ending || sub->expires_ns <= now_ns ? 0 : sub->expires_ns - now_ns;

	writer_number(w, "Expires: ", (left + NS_PER_S - 1) / NS_PER_S, "\r\n");
}

void subscription_answer(struct subscriptions *s, struct subscription *sub)
{
	struct txn_slot *slot = txns_get(s->host->txns, sub->asked);
	uint8_t space[64];
	struct writer w = writer_over(space, sizeof(space));
	struct response r = {
		.status = 200, .dialog = &sub->dialog, .contact = true, .record_route = true
	};

	sub->asked = 0;
	if (slot) {
		write_left(&w, s, sub);
		r.extra = writer_lines(&w);
		respond(s->host, slot, NULL, &r);
	}
	if (!sub->waits)
		return;
	sub->waits = false;
	subscription_publish_new(s, sub);
	subscription_renew(s, sub);
}

void subscription_forget(struct subscriptions *s, const struct subscription *sub)
{
	struct effect *e =
		sub->version ? effects_add(s->host->effects, EFFECT_SUBSCRIPTION_SAVE) : NULL;

	if (!e)
		return;
	e->call = sub->id;
	e->version = sub->version + 1;
}

typedef Tandem__Subscription__Subscription pb_subscription;
typedef Tandem__Subscription__Dialog pb_dialog;
typedef Tandem__Subscription__Hop pb_hop;

enum { WATCHER_MAX = 256, EXPIRES_MAX_MS = 24 * 3600 * 1000 };

/* What a record points at while it is packed. */
struct packed_subscription {
	pb_subscription whole;
	pb_dialog dialog;
	pb_hop hop;
	char local[ADDR_TEXT_MAX], remote[ADDR_TEXT_MAX];
};

static ProtobufCBinaryData lend(const struct text *t)
{
	return (ProtobufCBinaryData){ .len = t->n, .data = (uint8_t *)t->p };
}

static void subscription_pack_dialog(const struct call_host *h, struct packed_subscription *p,
				     const struct dialog *d)
{
	struct hop_edge edge;

	tandem__subscription__hop__init(&p->hop);
	p->hop.transport = d->hop.transport;
	p->hop.inbound = d->hop.inbound;
	if (hop_edge_get(h->settings->edges, d->hop.connection, &edge)) {
		p->hop.process = edge.process;
		p->hop.connection = edge.connection;
	}
	(void)addr_text(&h->settings->locals[d->hop.local].bind, p->local);
	(void)addr_text(&d->hop.remote, p->remote);
	p->hop.local = p->local;
	p->hop.remote = p->remote;
	tandem__subscription__dialog__init(&p->dialog);
	p->dialog.tag = d->tag.random;
	p->dialog.call_id = lend(&d->call_id);
	p->dialog.remote_tag = lend(&d->remote_tag);
	p->dialog.local = lend(&d->local);
	p->dialog.remote = lend(&d->remote);
	p->dialog.target = lend(&d->target);
	p->dialog.routes = lend(&d->routes);
	p->dialog.remote_cseq = d->remote_cseq;
	p->dialog.hop = &p->hop;
	p->dialog.named = d->named;
	p->whole.dialog = &p->dialog;
}

static uint64_t expires_utc_ms(const struct call_host *h, const struct subscription *sub)
{
	uint64_t left = sub->expires_ns > h->now.ns ? sub->expires_ns - h->now.ns : 0;

	return h->now.utc_ms + left / NS_PER_MS;
}

static void pack_subscription(const struct call_host *h, struct packed_subscription *p,
			      const struct subscription *sub)
{
	struct steady_mark mark = steady_mark(&h->steady, h->now.ns);
	pb_subscription *out = &p->whole;

	tandem__subscription__subscription__init(out);
	out->id = sub->id;
	out->version = sub->version;
	out->format = SUBSCRIPTION_FORMAT;
	out->tenant = (char *)(uintptr_t)tenants_name(h->settings->tenants, sub->tenant);
	out->package = (char *)(uintptr_t)package_of(sub->package)->name;
	out->watcher = lend(&sub->watcher);
	out->resource = lend(&sub->resource);
	out->event_id = lend(&sub->event_id);
	out->trunk = (char *)(uintptr_t)text_str(&sub->trunk);
	out->limit = sub->limit;
	out->expires_utc_ms = expires_utc_ms(h, sub);
	out->boot = mark.boot;
	out->clock_offset_ms = mark.offset_ms;
	out->saved_utc_ms = mark.utc_ms;
	subscription_pack_dialog(h, p, &sub->dialog);
}

static uint64_t subscription_unknown_name(const ProtobufCMessage *element, size_t position)
{
	(void)element;
	return position; /* it has no lists */
}

int subscription_encode(const struct call_host *h, const struct subscription *sub, struct text *out)
{
	ProtobufCMessageUnknownField *unknown;
	struct packed_subscription p;
	struct writer w = writer_over(h->space, HOST_SPACE);
	uint8_t *to;
	int err;

	pack_subscription(h, &p, sub);
	err = unknown_restore(&sub->unknown, &p.whole.base, 0, subscription_unknown_name, &unknown);
	if (err)
		return err;
	to = writer_room(&w, tandem__subscription__subscription__get_packed_size(&p.whole));
	if (to)
		(void)tandem__subscription__subscription__pack(&p.whole, to);
	free(unknown);
	return to ? text_set(out, writer_done(&w)) : -EMSGSIZE;
}

static bool subscription_line(struct text *out, const ProtobufCBinaryData *in, size_t max)
{
	if (in->len > max)
		return false;
	for (size_t i = 0; i < in->len; i++) {
		if (in->data[i] < ' ' || in->data[i] == 0x7f)
			return false;
	}
	return !text_set(out, bytes_mem(in->data, in->len));
}

/* Where it is not ours any more, any other one of the transport will do. */
static bool subscription_local(const struct shard_settings *s, struct sip_hop *hop,
			       const struct addr *bound)
{
	for (uint32_t i = 0; i < s->local_count; i++) {
		hop->local = (uint16_t)i;
		if (s->locals[i].transport == hop->transport && addr_eq(&s->locals[i].bind, bound))
			return true;
	}
	for (uint32_t i = 0; i < s->local_count; i++) {
		hop->local = (uint16_t)i;
		if (s->locals[i].transport == hop->transport &&
		    s->locals[i].bind.family == hop->remote.family && shard_local_is_own(s, i))
			return true;
	}
	return false;
}

static const char *subscription_way(const struct call_host *h, struct sip_hop *hop,
				    const pb_hop *in)
{
	struct addr bound;

	if (!in || in->transport >= SIP_TRANSPORTS)
		return "hop: transport";
	hop->transport = (enum sip_transport)in->transport;
	hop->inbound = in->inbound && sip_transport_is_stream(hop->transport);
	if (addr_parse(&bound, bytes_str(in->local)) ||
	    addr_parse(&hop->remote, bytes_str(in->remote)) || !hop->remote.port)
		return "hop: address";
	hop->connection = hop_edge_read(h->settings->edges, hop->transport,
					&(struct hop_edge){ in->process, in->connection });
	return subscription_local(h->settings, hop, &bound) ? NULL
							    : "hop: no such transport any more";
}

static const char *subscription_talk(const struct call_host *h, struct subscription *sub,
				     const pb_dialog *in)
{
	struct dialog *d = &sub->dialog;

	if (!in || in->remote_cseq > INT32_MAX)
		return "dialog";
	d->tag = (struct id_tag){ .call = sub->id, .random = in->tag };
	d->remote_cseq = in->remote_cseq;
	d->named = in->named;
	if (!subscription_line(&d->call_id, &in->call_id, DIALOG_TEXT_MAX) ||
	    !subscription_line(&d->remote_tag, &in->remote_tag, DIALOG_TEXT_MAX) ||
	    !subscription_line(&d->local, &in->local, DIALOG_TEXT_MAX) ||
	    !subscription_line(&d->remote, &in->remote, DIALOG_TEXT_MAX) ||
	    !subscription_line(&d->target, &in->target, DIALOG_TEXT_MAX) ||
	    !subscription_line(&d->routes, &in->routes, DIALOG_ROUTES_MAX))
		return "dialog: text";
	return subscription_way(h, &d->hop, in->hop);
}

static uint64_t subscription_expiry(const struct call_host *h, const pb_subscription *in)
{
	struct steady_mark mark = { .boot = in->boot,
				    .offset_ms = in->clock_offset_ms,
				    .utc_ms = in->saved_utc_ms };
	uint64_t at = steady_add(in->expires_utc_ms, steady_shift(&h->steady, &mark, h->now.ns));
	uint64_t left = at > h->now.utc_ms ? at - h->now.utc_ms : 0;

	return h->now.ns + (left < EXPIRES_MAX_MS ? left : EXPIRES_MAX_MS) * NS_PER_MS;
}

static const char *subscription_read(const struct call_host *h, struct subscription *sub,
				     const pb_subscription *in)
{
	if (!in->id || id_shard(in->id) != h->settings->number)
		return "id is of another shard";
	if (!in->version || in->version > INT64_MAX || in->limit > INT32_MAX)
		return "version";
	sub->id = in->id;
	sub->version = sub->acked = in->version;
	sub->limit = sub->acked_limit = sub->dialog.local_cseq = in->limit;
	sub->package = package_find(bytes_str(in->package));
	sub->tenant = tenants_claim(h->settings->tenants, bytes_str(in->tenant));
	sub->expires_ns = subscription_expiry(h, in);
	if (sub->package == PACKAGES || sub->tenant == TENANT_NONE)
		return "package or tenant";
	if (!subscription_line(&sub->watcher, &in->watcher, WATCHER_MAX) ||
	    !subscription_line(&sub->resource, &in->resource, WATCHER_MAX) ||
	    !subscription_line(&sub->event_id, &in->event_id, EVENT_ID_MAX) || !sub->watcher.n ||
	    !sub->resource.n || (sub->event_id.n && !lex_is_token(text_bytes(&sub->event_id))))
		return "users or event";
	if (strlen(in->trunk) >= TRUNK_NAME_MAX || text_set(&sub->trunk, bytes_str(in->trunk)))
		return "trunk";
	return subscription_talk(h, sub, in->dialog);
}

int subscription_decode(const struct call_host *h, struct subscription *sub, struct bytes record,
			const char **reason)
{
	pb_subscription *in = tandem__subscription__subscription__unpack(NULL, record.n, record.p);
	bool later = in && in->format > SUBSCRIPTION_FORMAT;

	*reason = !in ? "no subscription" : later ? "of a later program" : NULL;
	if (!*reason)
		*reason = subscription_read(h, sub, in);
	if (!*reason && unknown_keep(&sub->unknown, &in->base, 0, subscription_unknown_name))
		*reason = "out of memory";
	if (in)
		tandem__subscription__subscription__free_unpacked(in, NULL);
	sub->published = true;
	if (!*reason)
		return 0;
	subscription_clear(sub);
	return later ? -EPROTONOSUPPORT : -EBADMSG;
}

void subscription_clear(struct subscription *sub)
{
	dialog_clear(&sub->dialog);
	text_clear(&sub->watcher);
	text_clear(&sub->resource);
	text_clear(&sub->trunk);
	text_clear(&sub->event_id);
	text_wipe(&sub->unknown);
}
