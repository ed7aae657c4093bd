/* SPDX-License-Identifier: Apache-2.0 */
/* A subscription as bytes. A record may come from another version or a broken store: every bound is
 * checked. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/schema.h"
#include "sig/host/host.h"
#include "sig/host/settings.h"
#include "sig/host/trunk.h"
#include "sig/leg/respond.h"
#include "sig/sip/event_parse.h"
#include "sig/sip/hop.h"
#include "sig/sip/lex.h"
#include "sig/subscription/list.h"

/* A subscription is saved when it begins, with each refresh, and when its NOTIFYs come near the
 * number that its record allows; not with each NOTIFY. */

enum { LIMIT_MARGIN = 256, SAVE_OVERDUE_MS = 5000, SAVE_AGAIN_MS = 2000 };

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

static void save_request(struct subscriptions *s, struct subscription *sub)
{
	struct effect *e = effects_add(s->host->effects, EFFECT_SUBSCRIPTION_SAVE, sub->id, 0);
	struct request_save *save = e ? e->request : NULL;

	if (!save || subscription_encode(s->host, sub, &save->record)) {
		if (save)
			effects_drop_last(s->host->effects);
		save_later(s, sub, SAVE_AGAIN_MS);
		return;
	}
	save->version = sub->version;
	subscription_saving(s, sub, sub->version);
	metric_add(s->host->metrics->saves[SAVE_STARTED], 1);
	save_later(s, sub, SAVE_OVERDUE_MS);
}

/* One save is in flight at a time. */
void subscription_save(struct subscriptions *s, struct subscription *sub)
{
	sub->version++;
	sub->limit = sub->dialog.local_cseq + LIMIT_MARGIN;
	if (!sub->saving)
		save_request(s, sub);
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
	if (version == sub->version || !saved) /* a slow store stops nothing */
		sub->acked_limit = sub->limit;
	if (version != sub->version)
		save_request(s, sub);
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
	uint8_t space[96];
	struct writer w = writer_over(space, sizeof(space));
	struct response r = {
		.status = 200, .dialog = &sub->dialog, .contact = true, .record_route = true
	};

	if (sub->setting)
		return;
	sub->asked = 0;
	if (slot) {
		write_left(&w, s, sub);
		writer_str(&w, sub->list ? "Require: eventlist\r\n" : ""); /* RFC 4662 4.1 */
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
		sub->version ? effects_add(s->host->effects, EFFECT_SUBSCRIPTION_SAVE, sub->id, 0)
			     : NULL;

	if (e)
		((struct request_save *)e->request)->version = sub->version + 1;
}

enum {
	WATCHER_MAX = 256,
	EXPIRES_MAX_MS = 24 * 3600 * 1000,
	FORMAT_TAG = 3,
	PACKAGE_NAME_MAX = 32
};

/* What is no member of a subscription, or means something else in its record. */
struct subscription_context {
	uint32_t format;
	char tenant[TENANT_NAME_MAX], package[PACKAGE_NAME_MAX];
	uint64_t expires_utc_ms;
	struct steady_mark mark;
	struct addr bound; /* an address of ours, perhaps of another node's */
	struct hop_edge edge;
};

static const struct schema subscription_hop_rows[] = {
	{ "transport", 1, SCHEMA_UINT, SCHEMA_AT(struct sip_hop, transport),
	  .max = SIP_TRANSPORTS - 1, .wrong = "hop: transport" },
	{ "local", 2, SCHEMA_ADDR, SCHEMA_CONTEXT, SCHEMA_AT(struct subscription_context, bound) },
	{ "remote", 3, SCHEMA_ADDR, SCHEMA_AT(struct sip_hop, remote) },
	{ "inbound", 4, SCHEMA_BOOL, SCHEMA_AT(struct sip_hop, inbound) },
	{ "process", 5, SCHEMA_FIXED64, SCHEMA_CONTEXT,
	  SCHEMA_AT(struct subscription_context, edge.process) },
	{ "connection", 6, SCHEMA_FIXED64, SCHEMA_CONTEXT,
	  SCHEMA_AT(struct subscription_context, edge.connection) },
	{ 0 },
};

static const struct schema subscription_dialog_rows[] = {
	{ "tag", 1, SCHEMA_FIXED64, SCHEMA_AT(struct dialog, tag.random) },
	{ "call_id", 2, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct dialog, call_id),
	  .max = DIALOG_TEXT_MAX },
	{ "remote_tag", 3, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct dialog, remote_tag),
	  .max = DIALOG_TEXT_MAX },
	{ "local", 4, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct dialog, local),
	  .max = DIALOG_TEXT_MAX },
	{ "remote", 5, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct dialog, remote),
	  .max = DIALOG_TEXT_MAX },
	{ "target", 6, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct dialog, target),
	  .max = DIALOG_TEXT_MAX },
	{ "routes", 7, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct dialog, routes),
	  .max = DIALOG_ROUTES_MAX },
	{ "hop", 8, SCHEMA_MESSAGE, SCHEMA_AT(struct dialog, hop), .of = subscription_hop_rows,
	  .min = 1, .wrong = "hop: address" },
	{ "remote_cseq", 9, SCHEMA_UINT, SCHEMA_AT(struct dialog, remote_cseq), .max = INT32_MAX },
	{ "named", 10, SCHEMA_BOOL, SCHEMA_AT(struct dialog, named) },
	{ 0 },
};

const struct schema subscription_rows[] = {
	{ "id", 1, SCHEMA_FIXED64, SCHEMA_AT(struct subscription, id) },
	{ "version", 2, SCHEMA_UINT, SCHEMA_AT(struct subscription, version), .min = 1,
	  .max = INT64_MAX },
	{ "format", FORMAT_TAG, SCHEMA_UINT, SCHEMA_CONTEXT,
	  SCHEMA_AT(struct subscription_context, format) },
	{ "tenant", 4, SCHEMA_CSTR, SCHEMA_CONTEXT,
	  SCHEMA_AT(struct subscription_context, tenant) },
	{ "watcher", 5, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct subscription, watcher), .min = 1,
	  .max = WATCHER_MAX },
	{ "resource", 6, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct subscription, resource),
	  .min = 1, .max = WATCHER_MAX },
	{ "package", 7, SCHEMA_CSTR, SCHEMA_CONTEXT,
	  SCHEMA_AT(struct subscription_context, package) },
	{ "event_id", 8, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct subscription, event_id),
	  .max = EVENT_ID_MAX },
	{ "dialog", 9, SCHEMA_MESSAGE, SCHEMA_AT(struct subscription, dialog),
	  .of = subscription_dialog_rows, .min = 1, .wrong = "dialog" },
	{ "limit", 10, SCHEMA_UINT, SCHEMA_AT(struct subscription, limit), .max = INT32_MAX },
	{ "expires_utc_ms", 11, SCHEMA_UINT, SCHEMA_CONTEXT,
	  SCHEMA_AT(struct subscription_context, expires_utc_ms) },
	{ "boot", 12, SCHEMA_FIXED64, SCHEMA_CONTEXT,
	  SCHEMA_AT(struct subscription_context, mark.boot) },
	{ "clock_offset_ms", 13, SCHEMA_SINT, SCHEMA_CONTEXT,
	  SCHEMA_AT(struct subscription_context, mark.offset_ms) },
	{ "saved_utc_ms", 14, SCHEMA_UINT, SCHEMA_CONTEXT,
	  SCHEMA_AT(struct subscription_context, mark.utc_ms) },
	{ "trunk", 15, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct subscription, trunk),
	  .max = TRUNK_NAME_MAX - 1 },
	{ "list_kind", 26, SCHEMA_UINT, SCHEMA_AT(struct subscription, list_kind),
	  .max = LIST_KINDS - 1 },
	{ "users", 27, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct subscription, users),
	  .max = LIST_USERS_MAX },
	{ 0 },
};

int subscription_encode(const struct call_host *h, const struct subscription *sub, struct text *out)
{
	const struct sip_hop *hop = &sub->dialog.hop;
	uint64_t left = sub->expires_ns > h->now.ns ? sub->expires_ns - h->now.ns : 0;
	uint8_t *end = h->space + HOST_SPACE;
	struct subscription saved = *sub;
	char space[LIST_USERS_MAX];
	struct writer users = writer_over(space, sizeof(space));
	struct subscription_context beside = {
		.format = sub->list_kind ? SUBSCRIPTION_FORMAT : SUBSCRIPTION_FORMAT_ONE,
		.expires_utc_ms = h->now.utc_ms + left / NS_PER_MS,
		.mark = steady_mark(&h->steady, h->now.ns),
		.bound = h->settings->locals[hop->local].bind,
	};
	struct schema_writer w = {
		.start = h->space, .at = end, .unknown = &sub->unknown, .beside = &beside
	};

	if (sub->list_kind == LIST_INLINE && sub->list) {
		list_write_users(&users, sub->list);
		saved.users = (struct text){ .p = space, .n = (uint32_t)users.n };
	}
	(void)hop_edge_get(h->settings->edges, hop->connection, &beside.edge);
	(void)bytes_cstr(bytes_str(tenants_name(h->settings->tenants, sub->tenant)), beside.tenant,
			 sizeof(beside.tenant));
	(void)bytes_cstr(bytes_str(sub->package->name), beside.package, sizeof(beside.package));
	schema_write(&w, subscription_rows, &saved);
	return w.overflow ? -EMSGSIZE : text_set(out, bytes_mem(w.at, (size_t)(end - w.at)));
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

static const char *subscription_hop_fits(const struct call_host *h, struct sip_hop *hop,
					 const struct subscription_context *beside)
{
	if (beside->bound.family == ADDR_NONE || !hop->remote.port)
		return "hop: address";
	hop->inbound = hop->inbound && sip_transport_is_stream(hop->transport);
	hop->connection = hop_edge_read(h->settings->edges, hop->transport, &beside->edge);
	return subscription_local(h->settings, hop, &beside->bound)
		       ? NULL
		       : "hop: no such transport any more";
}

static uint64_t subscription_expiry(const struct call_host *h,
				    const struct subscription_context *beside)
{
	uint64_t at = steady_add(beside->expires_utc_ms,
				 steady_shift(&h->steady, &beside->mark, h->now.ns));
	uint64_t left = at > h->now.utc_ms ? at - h->now.utc_ms : 0;

	return h->now.ns + (left < EXPIRES_MAX_MS ? left : EXPIRES_MAX_MS) * NS_PER_MS;
}

/* NULL, or what is wrong. */
static const char *subscription_fits(const struct call_host *h, struct subscription *sub,
				     const struct subscription_context *beside)
{
	if (!sub->id || id_shard(sub->id) != h->settings->number)
		return "id is of another shard";
	sub->acked = sub->version;
	sub->acked_limit = sub->dialog.local_cseq = sub->limit;
	sub->dialog.tag.call = sub->id;
	sub->package = package_find(h->features, bytes_str(beside->package));
	sub->tenant = tenants_claim(h->settings->tenants, bytes_str(beside->tenant));
	sub->expires_ns = subscription_expiry(h, beside);
	if (!sub->package || sub->tenant == TENANT_NONE)
		return "package or tenant";
	if (sub->event_id.n && !lex_is_token(text_bytes(&sub->event_id)))
		return "users or event";
	return subscription_hop_fits(h, &sub->dialog.hop, beside);
}

int subscription_decode(const struct call_host *h, struct subscription *sub, struct bytes record,
			const char **reason)
{
	bool later = schema_wire_number(record, FORMAT_TAG) > SUBSCRIPTION_FORMAT;
	struct subscription_context beside = { 0 };
	struct schema_reader r = { .unknown = &sub->unknown, .beside = &beside };

	if (later)
		*reason = "of a later program";
	else if (!schema_read(&r, subscription_rows, sub, record, SCHEMA_WHOLE))
		*reason = r.reason;
	else
		*reason = subscription_fits(h, sub, &beside);
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
	text_clear(&sub->users);
	text_wipe(&sub->unknown);
}
