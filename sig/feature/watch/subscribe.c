/* SPDX-License-Identifier: Apache-2.0 */
/* SUBSCRIBE (RFC 6665 4.2.1): authenticated, admitted, saved, then answered. */
#include <stdio.h>
#include <string.h>

#include "sig/feature/watch/shard_watch.h"
#include "sig/host/trunk.h"
#include "sig/sip/body.h"
#include "sig/sip/event_parse.h"
#include "sig/subscription/features.h"

/* Conferences of all shards of the node for watchers. */

bool shard_watch_conference(void *owner, uint16_t tenant, struct bytes user,
			    struct conference_view *out)
{
	const struct shard *s = owner;

	for (s = shard_shared_tables(s)->shards; s; s = shard_next(s)) {
		const struct room_service *rooms = shard_host(s)->services->rooms;

		if (rooms && rooms->seen(shard_host(s)->owner, tenant, user, out))
			return true;
	}
	return false;
}

enum { SUBSCRIBE_RETRY_S = 60 };

/* What is asked for. */
struct subscribe_wish {
	const struct event_package *package;
	struct event_name event;
	uint32_t expires_s; /* 0: once, or no more */
	struct feature_event set;
};

static void subscribe_refuse(struct shard *s, struct txn_slot *slot, const struct sip_message *m,
			     uint16_t status, enum refusal reason)
{
	uint8_t space[128];
	struct writer extra = writer_over(space, sizeof(space));

	switch (status) {
	case 423:
		writer_number(&extra, "Min-Expires: ", SUBSCRIPTION_EXPIRES_MIN_S, "\r\n");
		break;
	case 489:
		package_write_allowed(&extra, shard_host(s)->features);
		break;
	case 421:
		writer_str(&extra, "Require: eventlist\r\n"); /* RFC 4662 4.1 */
		break;
	case 480:
	case 503: /* a moment that is too much is over soon, a limit is not */
		writer_number(&extra, "Retry-After: ",
			      reason == REFUSED_OVERLOADED || reason == REFUSED_TXNS_FULL
				      ? shard_overload_retry_s(s)
				      : SUBSCRIBE_RETRY_S,
			      "\r\n");
		break;
	default:
		break;
	}
	shard_refuse(s, slot, m, status, reason, writer_lines(&extra));
}

/* 0 or the status to refuse with. */
static uint16_t read_event(const struct shard *s, const struct sip_message *m,
			   struct subscribe_wish *wish)
{
	struct bytes value;

	if (!message_header(m, "Event", 0, &value))
		return 489;
	if (event_parse(&wish->event, value) || message_header(m, "Event", 1, &value))
		return 400;
	wish->package = package_find(shard_host(s)->features, wish->event.package);
	return wish->package ? 0 : 489;
}

/* Without Accept the package's own type is taken (RFC 6665 3.1.3). */
static bool takes_body(const struct sip_message *m, const struct event_package *package)
{
	struct bytes value;
	unsigned i = 0;

	for (; message_header(m, "Accept", i, &value); i++) {
		if (accept_takes(value, package->type))
			return true;
	}
	return i == 0;
}

static uint16_t read_expires(const struct sip_message *m, struct subscribe_wish *wish)
{
	int64_t asked = message_expires(m);

	if (asked > 0 && asked < SUBSCRIPTION_EXPIRES_MIN_S)
		return 423;
	wish->expires_s = asked < 0 || asked > SUBSCRIPTION_EXPIRES_S ? SUBSCRIPTION_EXPIRES_S
								      : (uint32_t)asked;
	return 0;
}

static uint16_t read_wish(const struct shard *s, const struct sip_message *m,
			  struct subscribe_wish *wish, enum refusal *reason)
{
	uint16_t status = read_event(s, m, wish);

	*reason = status == 489 ? REFUSED_EVENT : REFUSED_MALFORMED;
	if (status)
		return status;
	if (!shard_has_contact(m))
		return 400;
	*reason = REFUSED_ACCEPT;
	if (!takes_body(m, wish->package))
		return 406;
	*reason = REFUSED_EXPIRES;
	return read_expires(m, wish);
}

/* What its phone sets by the body. 0 or the status to refuse with. */
static uint16_t read_set(const struct shard *s, const struct sip_message *m,
			 const struct subscription *sub, struct subscribe_wish *wish,
			 enum refusal *reason)
{
	const struct body_part whole = { .type = m->content_type, .octets = m->body };
	const struct shard_extension *e;
	enum feature_right right;

	wish->set.feature = FEATURES;
	if (!wish->package->of_settings || !m->body.n)
		return 0;
	*reason = REFUSED_BODY;
	if (!body_part_is(&whole, FEATURE_EVENT_TYPE))
		return 415;
	if (feature_event_parse(&wish->set, m->body))
		return 400;
	if (wish->set.feature == FEATURES)
		return 0;
	*reason = REFUSED_FEATURE;
	e = shard_extension_find(s, sub->tenant, text_bytes(&sub->resource));
	right = feature_right(wish->set.feature);
	return e && shard_extension_may_set(e, wish->set.feature) &&
			       shard_extension_has_keys(e, right)
		       ? 0
		       : 403;
}

static struct bytes subscribe_trunk(const struct shard *s, const struct sip_message *m)
{
	return bytes_str(trunks_name(shard_settings(s)->trunks, shard_trunk_of(s, &m->hop)));
}

/* ---- how often ---- */

static uint64_t pace_hash(const struct shard *s, const struct subscription *sub)
{
	uint8_t space[2 * ROUTE_USER_MAX + 64];
	struct writer w = writer_over(space, sizeof(space));

	writer_number(&w, "", sub->tenant, " ");
	WRITER_TEXTS(&w, sub->package->name, " ");
	writer_bytes(&w, text_bytes(&sub->watcher));
	writer_str(&w, " ");
	writer_bytes(&w, text_bytes(&sub->resource));
	return hash_sip(shard_key(s), writer_done(&w)) | 1;
}

static struct subscribe_pace *pace_find(struct shard *s, uint64_t hash)
{
	struct subscribe_pace *paces = shard_subscriptions(s)->paces;
	struct subscribe_pace *a = &paces[hash / 2 % SUBSCRIBE_PACES];
	struct subscribe_pace *b = &paces[(hash / 2 % SUBSCRIBE_PACES) ^ 1];

	if (a->hash == hash || b->hash == hash)
		return a->hash == hash ? a : b;
	if (b->due_ns < a->due_ns)
		a = b;
	*a = (struct subscribe_pace){ .hash = hash };
	return a;
}

/* Ending a subscription is always permitted. Returns false if it was refused. */
static bool subscribe_paced(struct shard *s, const struct sip_message *m,
			    const struct subscription *sub, const struct subscribe_wish *wish)
{
	const uint64_t interval_ns = SUBSCRIBE_PACE_MS * NS_PER_MS, now_ns = shard_host(s)->now.ns;
	struct subscribe_pace *p;

	if (!wish->expires_s || !sub->watcher.n)
		return true;
	p = pace_find(s, pace_hash(s, sub));
	if (p->due_ns < now_ns)
		p->due_ns = now_ns;
	if (p->due_ns - now_ns > (SUBSCRIBE_BURST - 1) * interval_ns) {
		shard_misuse(s, m, SECURITY_QUOTA, text_bytes(&sub->watcher));
		subscribe_refuse(s, NULL, m, 503, REFUSED_SUBSCRIPTIONS_FULL);
		return false;
	}
	p->due_ns += interval_ns;
	return true;
}

/* ---- a new one ---- */

/* The resource that it wants to watch. */
static uint16_t read_resource(const struct shard *s, const struct sip_message *m, uint16_t tenant,
			      char user[ROUTE_USER_MAX])
{
	enum route_verdict verdict;

	if (!route_is_near(&m->uri, &m->from.uri, tenant, shard_settings(s)))
		return 404;
	verdict = route_user(&m->uri, user);
	return verdict == ROUTE_OK ? 0 : verdict == ROUTE_SCHEME ? 416 : 404;
}

/* By resource, and by watcher. */
static bool has_subscribed_enough(const struct shard *s, const struct subscription *of)
{
	struct bytes watcher = text_bytes(&of->watcher), resource = text_bytes(&of->resource),
		     users = text_bytes(&of->users), user;
	const struct subscriptions *all = shard_subscriptions(s);
	uint16_t tenant = of->tenant;
	const struct subscription *sub = NULL;
	uint32_t count = 0;

	while ((sub = subscription_of_watcher(all, tenant, watcher, sub)) != NULL)
		count++;
	if (count >= SUBSCRIPTIONS_OF_WATCHER)
		return true;
	while (bytes_cut(&users, ' ', &user)) {
		if (list_watchers(all, tenant, user) >= SUBSCRIPTIONS_OF_RESOURCE)
			return true;
	}
	for (count = 0; (sub = subscription_of_resource(all, tenant, resource, sub)) != NULL;)
		count++;
	return count >= SUBSCRIPTIONS_OF_RESOURCE;
}

uint16_t shard_subscriptions_fit(const struct shard *s, const struct subscription *of)
{
	const struct tenants *tenants = shard_settings(s)->tenants;
	uint32_t max = shard_settings(s)->subscriptions_max;
	uint16_t tenant = of->tenant;

	if (shard_subscriptions(s)->pool.in_use >= max)
		return 503;
	if (tenants_is_full(tenants, tenant, TENANT_SUBSCRIPTIONS) ||
	    tenants_held(tenants, tenant, TENANT_SUBSCRIPTIONS) >= max - max / 8)
		return 480; /* an eighth is left to others */
	return has_subscribed_enough(s, of) ? 480 : 0;
}

/* Answered perhaps by the previous process, with its 200 lost: the phone repeats it. */
static struct subscription *subscription_same(const struct shard *s, const struct sip_message *m,
					      uint16_t tenant, struct bytes watcher)
{
	struct subscription *sub = NULL;

	while ((sub = subscription_of_watcher(shard_subscriptions(s), tenant, watcher, sub)) !=
	       NULL) {
		if (bytes_eq(m->call_id, text_bytes(&sub->dialog.call_id)) &&
		    bytes_eq(m->from.tag, text_bytes(&sub->dialog.remote_tag)) &&
		    m->cseq == sub->dialog.remote_cseq)
			return sub;
	}
	return NULL;
}

static struct subscription *subscription_start(struct shard *s, const struct sip_message *m,
					       const struct subscribe_wish *wish,
					       const struct subscription *of)
{
	struct subscription *sub =
		subscription_add(shard_subscriptions(s), shard_call_new_id(s), of->tenant,
				 text_bytes(&of->watcher), text_bytes(&of->resource));
	struct id_tag tag = { .random = rand_u64_from(shard_host(s)->rand) };

	if (!sub)
		return NULL;
	tag.call = sub->id;
	sub->package = wish->package;
	sub->list_kind = of->list_kind;
	if (!dialog_from_request(&sub->dialog, &tag, m, shard_host(s)) &&
	    !text_set(&sub->event_id, wish->event.id) && !subscription_focus(sub) &&
	    !text_set(&sub->trunk, text_bytes(&of->trunk)) &&
	    !text_set(&sub->users, text_bytes(&of->users)) && !shard_list_set(s, sub))
		return sub;
	subscription_remove(shard_subscriptions(s), sub);
	return NULL;
}

/* ---- new or not ---- */

/* The 200 waits for the save; one that ends has its last NOTIFY behind it. */
static void subscription_go_on(struct shard *s, struct subscription *sub, struct txn_slot *slot,
			       const struct sip_message *m, const struct subscribe_wish *wish)
{
	uint32_t expires_s = wish->expires_s;
	struct subscriptions *all = shard_subscriptions(s);

	if (txns_keep_request(slot, m)) {
		shard_refuse(s, slot, m, 500, REFUSED_MEMORY, (struct bytes){ 0 });
		return;
	}
	txns_drop(shard_txns(s),
		  sub->asked); /* an older one that still waits: the phone repeats it */
	sub->asked = slot->self;
	sub->waits = true;
	sub->out_of_reach = false;
	sub->dialog.remote_cseq = m->cseq;
	sub->expires_ns = shard_host(s)->now.ns + expires_s * NS_PER_S;
	if (expires_s)
		subscription_save(all, sub);
	else
		subscription_end(all, sub, ENDING_TIMEOUT);
	if (wish->set.feature < FEATURES)
		features_set(all, sub, &wish->set);
	if (!expires_s || shard_host(s)->degraded)
		subscription_answer(all, sub);
	subscription_aim(all, sub);
}

static struct txn_slot *subscribe_admit(struct shard *s, const struct sip_message *m,
					const struct quota_party *party)
{
	struct call_refusal why;
	struct txn_slot *slot;

	if (!shard_quota_charge(s, party, QUOTA_TXNS, false, &why)) {
		shard_quota_refuse(s, m, 503, &why);
		return NULL;
	}
	slot = txns_add_server(shard_txns(s), m, TXN_REGISTER, shard_host(s)->now.ns);
	if (slot) {
		txns_charge(slot, party);
		return slot;
	}
	shard_quota_release(s, party, QUOTA_TXNS);
	subscribe_refuse(s, NULL, m, 503, REFUSED_TXNS_FULL);
	return NULL;
}

/* A list from a SUBSCRIBE body is a resource of its own only. */
#define LIST_PREFIX "list-"
enum { LIST_PREFIX_LEN = sizeof(LIST_PREFIX) - 1 };

/* As it would be: what is looked at before there is one. */
struct subscribe_candidate {
	struct subscription sub; /* its texts are not owned */
	char watcher[ROUTE_USER_MAX], resource[LIST_PREFIX_LEN + ROUTE_USER_MAX];
	char users[LIST_USERS_MAX + 1];
};

static bool may_subscribe(struct shard *s, const struct sip_message *m,
			  const struct subscription *sub)
{
	enum watch_verdict verdict = shard_subscriptions(s)->view.may(s, sub);

	if (verdict == WATCH_REJECTED)
		subscribe_refuse(s, NULL, m, 403, REFUSED_WATCH);
	else if (verdict == WATCH_NO_RESOURCE)
		subscribe_refuse(s, NULL, m, 404, REFUSED_NOT_FOUND);
	return verdict == WATCH_OK || verdict == WATCH_HIDDEN;
}

static void subscribe_start(struct shard *s, const struct sip_message *m,
			    const struct subscribe_wish *wish, struct subscription *of)
{
	struct quota_party party = shard_party(s, of->tenant, text_bytes(&of->watcher), &m->hop);
	struct subscription *sub;
	struct txn_slot *slot = subscribe_admit(s, m, &party);
	uint16_t status = 0;

	if (!slot)
		return;
	sub = subscription_same(s, m, of->tenant, text_bytes(&of->watcher));
	if (!sub)
		status = shard_subscriptions_fit(s, of);
	if (status) {
		subscribe_refuse(s, slot, m, status, REFUSED_SUBSCRIPTIONS_FULL);
		return;
	}
	if (!sub)
		sub = subscription_start(s, m, wish, of);
	if (sub)
		shard_remote_start(s, sub);
	if (sub)
		subscription_go_on(s, sub, slot, m, wish);
	else
		subscribe_refuse(s, slot, m, 400, REFUSED_MALFORMED);
}

static struct text text_of(const char *str)
{
	return (struct text){ .p = (char *)(uintptr_t)str, .n = (uint32_t)strlen(str) };
}

/* 0 or the status to refuse with. */
static uint16_t read_list(struct shard *s, const struct sip_message *m,
			  struct subscribe_candidate *ask, enum refusal *reason)
{
	struct subscription *sub = &ask->sub;
	uint16_t status = 0;

	sub->list_kind = (uint8_t)shard_list_kind(s, m, sub->tenant, bytes_str(ask->resource));
	if (sub->list_kind == LIST_NOT)
		return 0;
	*reason = REFUSED_EVENT;
	if (sub->package->of_conferences || sub->package->of_settings || sub->package->of_messages)
		return 489;
	*reason = REFUSED_EXTENSION;
	if (!message_has_token(m, "Supported", "eventlist") &&
	    !message_has_token(m, "Require", "eventlist"))
		return 421;
	if (sub->list_kind == LIST_BLF)
		return 0;
	(void)snprintf(ask->resource, sizeof(ask->resource), LIST_PREFIX "%s", ask->watcher);
	status = shard_list_read(s, m, sub->tenant, ask->users);
	*reason = status == 400 ? REFUSED_MALFORMED : REFUSED_BODY;
	return status;
}

void shard_subscribe(struct shard *s, const struct sip_message *m)
{
	struct subscribe_candidate ask = { .sub = { .tenant = shard_tenant_of(s, m) } };
	const struct shard_extension *e;
	struct subscribe_wish wish;
	enum refusal reason;
	uint16_t status = read_wish(s, m, &wish, &reason);
	struct bytes trunk = subscribe_trunk(s, m);

	if (status) {
		subscribe_refuse(s, NULL, m, status, reason);
		return;
	}
	if (shard_is_overloaded(s)) {
		subscribe_refuse(s, NULL, m, 503, REFUSED_OVERLOADED);
		return;
	}
	if (!shard_identify(s, m, ask.sub.tenant, ask.watcher, &e))
		return;
	status = read_resource(s, m, ask.sub.tenant, ask.resource);
	if (status && trunk.n) {
		subscribe_refuse(s, NULL, m, 403, REFUSED_WATCH);
		return;
	}
	if (status) {
		subscribe_refuse(s, NULL, m, status,
				 status == 416 ? REFUSED_SCHEME : REFUSED_NOT_FOUND);
		return;
	}
	ask.sub.package = wish.package;
	status = read_list(s, m, &ask, &reason);
	if (status) {
		subscribe_refuse(s, NULL, m, status, reason);
		return;
	}
	ask.sub.trunk = (struct text){ .p = (char *)(uintptr_t)trunk.p, .n = (uint32_t)trunk.n };
	ask.sub.watcher = text_of(ask.watcher);
	ask.sub.resource = text_of(ask.resource);
	ask.sub.users = text_of(ask.users);
	if (!may_subscribe(s, m, &ask.sub) || !subscribe_paced(s, m, &ask.sub, &wish))
		return;
	status = read_set(s, m, &ask.sub, &wish, &reason);
	if (status)
		subscribe_refuse(s, NULL, m, status, reason);
	else
		subscribe_start(s, m, &wish, &ask.sub);
}

/* ---- within its dialog ---- */

/* Also from elsewhere. False: it was answered. */
static bool subscription_allows(struct shard *s, const struct subscription *sub,
				const struct sip_message *m)
{
	const struct hop_party party = {
		.hop = &sub->dialog.hop,
		.tenant = sub->tenant,
		.user = text_bytes(&sub->watcher),
		.trunk = sub->trunk.n != 0,
		.of = trunks_find(shard_settings(s)->trunks, sub->tenant, text_bytes(&sub->trunk)),
	};

	return shard_hop_judge(s, &party, m);
}

/* False: its Contact cannot be used. */
static bool subscription_follow(struct shard *s, struct subscription *sub,
				const struct sip_message *m)
{
	struct dialog *d = &sub->dialog;
	struct sip_hop from = d->hop;
	struct bytes trunk = subscribe_trunk(s, m);

	if (trunk.n && text_set(&sub->trunk, trunk)) /* older records do not name it */
		return false;
	shard_trust(s, &m->hop);
	if (sip_transport_is_stream(m->hop.transport) && m->hop.transport == from.transport &&
	    m->hop.connection != from.connection &&
	    (from.inbound || addr_ip_eq(&from.remote, &m->hop.remote)))
		d->hop = m->hop;
	if (dialog_refresh(d, m, true, shard_host(s)))
		return false;
	txns_hop_moved(shard_txns(s), sub->id, d->tag.leg, &from, &d->hop, shard_host(s)->now.ns);
	return true;
}

static bool is_of_subscription(const struct subscription *sub, const struct subscribe_wish *wish)
{
	return sub->package == wish->package &&
	       bytes_eq(wish->event.id, text_bytes(&sub->event_id));
}

struct subscription *shard_subscription_of(const struct shard *s, const struct sip_message *m)
{
	struct subscription *sub;
	struct id_tag tag;

	if (!shard_subscriptions(s)->pool.in_use || id_tag_get(m->to.tag, &tag))
		return NULL;
	sub = subscription_find(shard_subscriptions(s), tag.call);
	return sub && dialog_is(&sub->dialog, m->call_id, m->to.tag, m->from.tag) ? sub : NULL;
}

/* 0 or the status to refuse with. */
static uint16_t refresh_wish(const struct shard *s, const struct subscription *sub,
			     const struct sip_message *m, struct subscribe_wish *wish,
			     enum refusal *reason)
{
	uint16_t status;

	*reason = REFUSED_METHOD;
	if (m->method != SIP_SUBSCRIBE)
		return 405;
	status = read_wish(s, m, wish, reason);
	if (status)
		return status;
	*reason = REFUSED_NO_DIALOG;
	if (!is_of_subscription(sub, wish) || sub->ending)
		return 481;
	*reason = REFUSED_CSEQ;
	return m->cseq < sub->dialog.remote_cseq ? 500 : 0;
}

/* A BLF key that its phone has switched on may have to be reset. */
static uint16_t refresh_set(struct shard *s, struct subscription *sub, const struct sip_message *m,
			    struct subscribe_wish *wish, enum refusal *reason)
{
	uint16_t status = read_set(s, m, sub, wish, reason);

	if (status)
		subscription_renew(shard_subscriptions(s), sub);
	return status;
}

void shard_subscription_inside(struct shard *s, struct subscription *sub,
			       const struct sip_message *m)
{
	struct subscribe_wish wish;
	enum refusal reason;
	uint16_t status = refresh_wish(s, sub, m, &wish, &reason);
	struct quota_party party;
	struct txn_slot *slot;

	if (!status)
		status = refresh_set(s, sub, m, &wish, &reason);
	if (status) {
		subscribe_refuse(s, NULL, m, status, reason);
		return;
	}
	if (!subscription_allows(s, sub, m) || !subscribe_paced(s, m, sub, &wish))
		return;
	party = shard_party(s, sub->tenant, text_bytes(&sub->watcher), &m->hop);
	slot = shard_txn_in_dialog(s, m, &party);
	if (!slot)
		return;
	status = shard_list_replace(s, sub, m);
	if (status)
		subscribe_refuse(s, slot, m, status, REFUSED_BODY);
	else if (subscription_follow(s, sub, m))
		subscription_go_on(s, sub, slot, m, &wish);
	else
		subscribe_refuse(s, slot, m, 400, REFUSED_MALFORMED);
}
