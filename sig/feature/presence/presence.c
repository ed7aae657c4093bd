/* SPDX-License-Identifier: Apache-2.0 */
/* Presence of extensions (sig/identity/presence.h): what their documents say, until when, and what
 * phones publish (RFC 3903). A publication changes the document, which all nodes have: its
 * transaction waits for that, and nothing else is stored. */
#include <errno.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/log.h"
#include "sig/identity/presence.h"
#include "sig/shard/shard_parts.h"
#include "sig/sip/body.h"
#include "sig/sip/event_parse.h"

/* ---- presence from documents ---- */

static void presence_aim(struct shard *s, struct shard_presence *p)
{
	uint64_t now = shard_wall_ms(s), next = presence_next_utc_ms(&p->of, now);

	wheel_aim(shard_wheel(s), &p->timer,
		  next == UINT64_MAX ? next : shard_host(s)->now.ns + (next - now) * NS_PER_MS);
}

static void presence_free(struct shard *s, struct shard_extension_slot *slot)
{
	if (slot->presence)
		wheel_stop(shard_wheel(s), &slot->presence->timer);
	free(slot->presence);
	slot->presence = NULL;
}

int shard_presence_set(struct shard *s, uint16_t tenant, const char *number,
		       const struct presence *presence)
{
	static const struct presence nothing;
	pool_handle at;
	struct shard_extension_slot *slot = shard_extension_at(s, tenant, bytes_str(number), &at);
	const struct presence *before;

	if (!slot)
		return -ENOENT;
	before = slot->presence ? &slot->presence->of : &nothing;
	if (!memcmp(before, presence, sizeof(*before)))
		return 0;
	if (!slot->presence)
		slot->presence = calloc(1, sizeof(*slot->presence));
	if (!slot->presence)
		return -ENOMEM;
	slot->presence->of = *presence;
	slot->presence->timer.kind = TIMER_PRESENCE;
	slot->presence->timer.owner = at;
	if (memcmp(presence, &nothing, sizeof(nothing)))
		presence_aim(s, slot->presence);
	else
		presence_free(s, slot);
	subscriptions_changed(shard_subscriptions(s), tenant, bytes_str(number), CHANGED_PRESENCE);
	return 0;
}

/* Each shard has a timer; the first live one of the node has the document tidied. Standby shards
 * have no timers. */
static void presence_on_timer(struct shard *s, const struct wheel_timer *t)
{
	struct shard_extension_slot *slot = pool_get(shard_extensions(s), t->owner);
	const struct shard_extension *e = slot ? &slot->extension : NULL;
	const struct shard *first = shard_shared_tables(s)->shards;
	uint64_t etag = rand_u64_from(shard_host(s)->rand) | 1;
	struct request_publish *publish;

	if (!slot || !slot->presence)
		return;
	subscriptions_changed(shard_subscriptions(s), e->tenant, bytes_str(e->number),
			      CHANGED_PRESENCE);
	presence_aim(s, slot->presence);
	while (first && !shard_resumed_ns(first))
		first = shard_next(first);
	if (first && s != first)
		return;
	publish = effects_request(
		shard_effects(s), EFFECT_PUBLISH, 0, 0,
		EFFECT_TEXTS(bytes_str(tenants_name(shard_settings(s)->tenants, e->tenant)),
			     bytes_str(e->number)));
	if (publish)
		publish->etag = etag;
}

static void presence_read(const struct shard *s, uint16_t tenant, struct bytes user,
			  const struct dialog_state *dialogs, uint32_t count,
			  struct presence_view *out)
{
	const struct shard_extension_slot *slot = shard_extension_slot(s, tenant, user);
	const struct shard_forward *f = slot ? slot->forward : NULL;
	unsigned facts = f && f->do_not_disturb ? PRESENCE_DO_NOT_DISTURB : 0;

	if (!shard_has_phone_anywhere(s, tenant, user))
		facts |= PRESENCE_OFFLINE;
	for (uint32_t i = 0; i < count; i++) {
		if (!dialogs[i].waits_utc_ms && !dialogs[i].parked)
			facts |= dialogs[i].conference ? PRESENCE_CONFERENCE : PRESENCE_CALL;
	}
	presence_show(slot && slot->presence ? &slot->presence->of : NULL, facts, shard_wall_ms(s),
		      out);
}

void shard_presence_of(struct shard *s, uint16_t tenant, struct bytes user, struct instant now,
		       struct presence_view *out)
{
	struct dialog_state dialogs[DIALOG_STATES_MAX];
	uint32_t count;

	shard_set_now(s, now);
	count = shard_watch_all(s, tenant, user, dialogs);
	presence_read(s, tenant, user, dialogs, count, out);
}

/* ---- what watchers are told ---- */

static struct presence_view presence_shown(const struct package_state *state)
{
	struct presence_view v;

	presence_read(state->all->view.owner, state->of->tenant, text_bytes(&state->of->resource),
		      state->dialogs, state->dialog_count, &v);
	if (state->hidden)
		v.note = "";
	return v;
}

/* application/pidf+xml (RFC 3863). */
static void presence_write(struct writer *w, const struct package_state *state)
{
	const struct presence_view v = presence_shown(state);

	writer_str(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
		      "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\""
		      " xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\""
		      " xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\" entity=\"");
	package_write_uri(w, &state->entity);
	writer_str(w, "\">\r\n");
	presence_write_pidf(w, &v);
}

static void presence_show_page(struct writer *w, const struct package_state *state)
{
	const struct presence_view v = presence_shown(state);

	writer_str(w, ",\"state\":");
	json_write_text(w, bytes_str(v.state));
	WRITER_TEXTS(w, ",\"available\":", v.open ? "true" : "false", ",\"note\":");
	json_write_text(w, bytes_str(v.note));
	writer_number(w, ",\"until_utc_ms\":", v.until_utc_ms, "");
}

const struct event_package presence_package = {
	.name = "presence",
	.changes = 1 << CHANGED_DIALOGS | 1 << CHANGED_PHONES | 1 << CHANGED_PRESENCE,
	.type = "application/pidf+xml",
	.of_dialogs = true,
	.of_phones = true,
	.of_phone_features = true,
	.needs = ENTITLED_PRESENCE,
	.write = presence_write,
	.show = presence_show_page,
};

/* ---- PUBLISH ---- */

enum {
	PUBLISH_EXPIRES_S = 3600, /* at most, and where none is asked for */
	PUBLISH_EXPIRES_MIN_S = 60,
	PUBLISH_RETRY_S = 5,
};

struct publish_wish {
	uint64_t if_match; /* 0: it is the first */
	uint32_t expires_s;
	struct presence_word word;
};

static void publish_refuse(struct shard *s, struct txn_slot *slot, const struct sip_message *m,
			   uint16_t status, enum refusal reason)
{
	uint8_t space[128];
	struct writer extra = writer_over(space, sizeof(space));

	if (status == 423)
		writer_number(&extra, "Min-Expires: ", PUBLISH_EXPIRES_MIN_S, "\r\n");
	if (status == 489)
		WRITER_TEXTS(&extra, "Allow-Events: ", presence_package.name, "\r\n");
	if (status == 415)
		WRITER_TEXTS(&extra, "Accept: ", presence_package.type, "\r\n");
	if (status == 503)
		writer_number(&extra, "Retry-After: ", PUBLISH_RETRY_S, "\r\n");
	shard_refuse(s, slot, m, status, reason, writer_lines(&extra));
}

/* Returns 0 or the status to refuse with. An ETag that no publication has is answered as an expired
 * one. */
static uint16_t publish_read_head(const struct sip_message *m, struct publish_wish *wish,
				  enum refusal *reason)
{
	int64_t asked = message_expires(m);
	struct event_name event;
	struct bytes value;

	*reason = REFUSED_EVENT;
	if (!message_header(m, "Event", 0, &value) || event_parse(&event, value) ||
	    !bytes_iis(event.package, presence_package.name))
		return 489;
	*reason = REFUSED_EXPIRES;
	if (asked > 0 && asked < PUBLISH_EXPIRES_MIN_S)
		return 423;
	wish->expires_s =
		asked < 0 || asked > PUBLISH_EXPIRES_S ? PUBLISH_EXPIRES_S : (uint32_t)asked;
	*reason = REFUSED_ETAG;
	if (message_header(m, "SIP-If-Match", 0, &value) &&
	    (base32_u64_get(bytes_trim(value), &wish->if_match) || !wish->if_match))
		return 412;
	return 0;
}

static uint16_t publish_read(const struct sip_message *m, struct publish_wish *wish,
			     enum refusal *reason)
{
	const struct body_part body = { .type = m->content_type, .octets = m->body };
	uint16_t status = publish_read_head(m, wish, reason);
	struct bytes coding;

	if (status)
		return status;
	*reason = REFUSED_MALFORMED;
	if (!m->body.n)
		return wish->if_match ? 0 : 400;
	if (!body_part_is(&body, presence_package.type) ||
	    message_header(m, "Content-Encoding", 0, &coding))
		return 415;
	return presence_read_pidf(&wish->word, m->body) ? 400 : 0;
}

/* The same request has the same one, in the next process, too. */
static uint64_t publish_etag(const struct shard *s, const struct sip_message *m)
{
	const struct hash_key *key = &shard_settings(s)->message_key;
	uint64_t parts[3] = { hash_sip(key, m->call_id), hash_sip(key, m->from.tag), m->cseq };

	return hash_sip(key, bytes_mem(parts, sizeof(parts))) | 1;
}

static bool publish_request(struct shard *s, const struct sip_message *m,
			    const struct shard_extension *e, const struct publish_wish *wish,
			    pool_handle txn)
{
	uint8_t space[PRESENCE_MAX + PRESENCE_NOTE_MAX + 32];
	struct writer w = writer_over(space, sizeof(space));
	struct request_publish *publish;

	writer_number(&w, "", wish->if_match, " ");
	WRITER_TEXTS(&w, wish->word.state, " ", wish->word.note);
	publish = effects_request(
		shard_effects(s), EFFECT_PUBLISH, id_call_derive(shard_ids(s)->shard, m->call_id),
		txn,
		EFFECT_TEXTS(bytes_str(tenants_name(shard_settings(s)->tenants, e->tenant)),
			     bytes_str(e->number), writer_done(&w)));
	if (!publish)
		return false;
	publish->etag = publish_etag(s, m);
	publish->ttl_ms = wish->expires_s * UINT64_C(1000);
	return true;
}

static void publish_admit(struct shard *s, const struct sip_message *m,
			  const struct shard_extension *e, const struct publish_wish *wish)
{
	struct quota_party party = shard_party(s, e->tenant, bytes_str(e->number), &m->hop);
	struct call_refusal why;
	struct txn_slot *slot;

	if (!shard_quota_charge(s, &party, QUOTA_TXNS, false, &why)) {
		shard_quota_refuse(s, m, 503, &why);
		return;
	}
	slot = txns_add_server(shard_txns(s), m, TXN_REGISTER, shard_host(s)->now.ns);
	if (!slot) {
		shard_quota_release(s, &party, QUOTA_TXNS);
		publish_refuse(s, NULL, m, 503, REFUSED_TXNS_FULL);
		return;
	}
	txns_charge(slot, &party);
	if (txns_keep_request(slot, m) || !publish_request(s, m, e, wish, slot->self))
		publish_refuse(s, slot, m, 500, REFUSED_MEMORY);
}

/* A phone publishes for its own user alone. */
static void publish_receive(struct shard *s, const struct sip_message *m)
{
	struct publish_wish wish = { 0 };
	const struct shard_extension *e;
	uint16_t tenant = shard_tenant_of(s, m);
	char from[ROUTE_USER_MAX], user[ROUTE_USER_MAX];
	enum refusal reason;
	uint16_t status = publish_read(m, &wish, &reason);

	if (shard_trunk_of(s, &m->hop) != TRUNK_NONE || m->hop.transport == SIP_INTER_SHARD) {
		shard_refuse(s, NULL, m, 405, REFUSED_METHOD, BYTES_LIT(RESPOND_ALLOW_TRUNK));
		return;
	}
	if (status) {
		publish_refuse(s, NULL, m, status, reason);
		return;
	}
	if (shard_is_overloaded(s)) {
		publish_refuse(s, NULL, m, 503, REFUSED_OVERLOADED);
		return;
	}
	if (!shard_identify(s, m, tenant, from, &e))
		return;
	if (!e)
		e = shard_extension_find(s, tenant, bytes_str(from));
	if (!e || !route_is_near(&m->uri, &m->from.uri, tenant, shard_settings(s)) ||
	    route_user(&m->uri, user) != ROUTE_OK || strcmp(user, e->number) != 0)
		publish_refuse(s, NULL, m, 403, REFUSED_PUBLISH);
	else
		publish_admit(s, m, e, &wish);
}

static void publish_on_reply(struct shard *s, const struct reply *reply)
{
	const struct publish_reply *outcome = &reply->publish;
	struct txn_slot *slot = txns_get(shard_txns(s), outcome->txn);
	uint8_t space[128];
	struct writer extra = writer_over(space, sizeof(space));
	const struct dialog made = { .tag = { .call = id_call_derive(shard_ids(s)->shard,
								     (struct bytes){ 0 }),
					      .random = rand_u64_from(shard_host(s)->rand) } };
	struct response r = { .status = outcome->status, .dialog = &made };
	char etag[BASE32_U64_LEN];

	if (!slot || slot->txn.state >= TXN_COMPLETED)
		return;
	if (outcome->status == 200) {
		base32_u64_put(etag, outcome->etag);
		writer_str(&extra, "SIP-ETag: ");
		writer_mem(&extra, etag, sizeof(etag));
		writer_number(&extra, "\r\nExpires: ", outcome->expires_s, "\r\n");
	} else {
		txns_refuse_for(shard_txns(s),
				outcome->status == 412 ? REFUSED_ETAG : REFUSED_OTHER);
	}
	if (outcome->status == 503)
		writer_number(&extra, "Retry-After: ", PUBLISH_RETRY_S, "\r\n");
	r.extra = writer_lines(&extra);
	respond(shard_host(s), slot, NULL, &r);
}

static const struct shard_method presence_methods[] = {
	{ .method = SIP_PUBLISH, .receive = publish_receive },
	{ 0 },
};

static const struct shard_timer_hook presence_timers[] = {
	{ TIMER_PRESENCE, presence_on_timer },
	{ 0 },
};

static const struct shard_reply_hook presence_replies[] = {
	{ ASK_PUBLISH, publish_on_reply },
	{ 0 },
};

const struct shard_hooks presence_hooks = {
	.methods = presence_methods,
	.timers = presence_timers,
	.replied = presence_replies,
	.extension_gone = presence_free,
};
