/* SPDX-License-Identifier: Apache-2.0 */
/* The shard as its owner sees it: opening, settings, time. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sig/call/legs.h"
#include "sig/call/module.h"
#include "sig/record/call_record.h"
#include "sig/shard/shard_state.h"

enum { SHARD_SHIFT = 48 };

/* RFC 3261 8.2.7: the same request gets the same tag, though it is not stored. */
struct dialog_tag shard_tag(const struct shard *s, const struct sip_message *m)
{
	uint64_t parts[2] = {
		hash_sip(&s->key, m->via.branch),
		hash_sip(&s->key, m->call_id) + m->cseq,
	};
	struct id_tag tag = {
		.call = (uint64_t)s->settings.number << SHARD_SHIFT,
		.leg = ID_LEG_NONE,
		.random = hash_sip(&s->key, bytes_mem(parts, sizeof(parts))),
	};
	struct dialog_tag out;

	id_tag_put(out.text, &tag);
	return out;
}

static struct response response_of(const struct shard_reply *r, const struct dialog_tag *tag)
{
	return (struct response){
		.status = r->status,
		.reason = r->reason,
		.tag = bytes_mem(tag->text, sizeof(tag->text)),
		.extra = r->extra,
	};
}

void shard_reply(struct shard *s, struct txn_slot *slot, const struct sip_message *m,
		 const struct shard_reply *r)
{
	struct dialog_tag tag = shard_tag(s, m);
	struct response response = response_of(r, &tag);

	respond(&s->host, slot, m, &response);
}

void shard_reply_stateless(struct shard *s, const struct sip_message *m,
			   const struct shard_reply *r)
{
	struct dialog_tag tag = shard_tag(s, m);
	struct response response = response_of(r, &tag);
	struct text text = { 0 };
	struct sip_hop hop;
	int err;

	response.brief = !sip_transport_is_stream(m->hop.transport);
	err = response_make(&s->host, m, &response, &text);
	if (err) {
		sig_count_dropped(&s->metrics, err == -EMSGSIZE ? DROPPED_TOO_LARGE : DROPPED_OOM);
		return;
	}
	message_response_hop(m, &hop);
	sig_count_out(&s->metrics, r->status);
	txns_send(&s->txns, &hop, text_bytes(&text));
	text_clear(&text);
}

void shard_refuse(struct shard *s, struct txn_slot *slot, const struct sip_message *m,
		  uint16_t status, enum refusal reason, struct bytes extra)
{
	struct shard_reply r = { .status = status, .extra = extra };

	txns_refuse_for(&s->txns, reason);
	LOG_DEBUG("sip", 0, "request refused", LOG_STR("reason", refusals[reason].name),
		  LOG_BYTES("method", m->method_name), LOG_U64("status", status),
		  LOG_ADDR("source", &m->hop.remote));
	if (slot) {
		shard_reply(s, slot, m, &r);
	} else {
		shard_reply_stateless(s, m, &r);
	}
}

/* An absent phone does not answer (RFC 5627 6.1). */
static uint16_t options_status(const struct shard *s, const struct sip_message *m)
{
	struct bytes value;

	return sip_param(m->uri.params, "gr", &value) ? shard_gruu_status(s, m) : 200;
}

static void options(struct shard *s, const struct sip_message *m)
{
	struct writer extra = writer_over(s->host.extra, HOST_EXTRA);
	struct shard_reply r = { .status = options_status(s, m) };

	respond_write_options(&extra, &s->host, RESPOND_ALLOW);
	r.extra = writer_lines(&extra);
	shard_reply_stateless(s, m, &r); /* RFC 3261 11.2 */
}

const struct shard_method *shard_method_find(const struct shard *s, enum sip_method method)
{
	for (const struct shard_hooks *const *f = s->shared_tables->hooks; *f; f++) {
		for (const struct shard_method *of = (*f)->methods; of && of->receive; of++) {
			if (of->method == method)
				return of;
		}
	}
	return NULL;
}

const struct shard_method *shard_method_of_user(const struct shard *s, enum txn_user user)
{
	for (const struct shard_hooks *const *f = s->shared_tables->hooks; *f; f++) {
		for (const struct shard_method *of = (*f)->methods; of && of->receive; of++) {
			if (of->answered && of->user == user)
				return of;
		}
	}
	return NULL;
}

static void method_receive(struct shard *s, const struct sip_message *m)
{
	const struct shard_method *of = shard_method_find(s, m->method);

	if (of)
		of->receive(s, m);
	else
		shard_refuse(s, NULL, m, 405, REFUSED_METHOD, BYTES_LIT(RESPOND_ALLOW));
}

static void dispatch_by_method(struct shard *s, const struct sip_message *m)
{
	switch (m->method) {
	case SIP_INVITE:
		shard_invite(s, m);
		break;
	case SIP_REGISTER:
		shard_register(s, m);
		break;
	case SIP_OPTIONS:
		options(s, m);
		break;
	case SIP_BYE: /* only within a dialog */
	case SIP_PRACK:
		shard_refuse(s, NULL, m, 481, REFUSED_NO_DIALOG, (struct bytes){ 0 });
		break;
	case SIP_REFER:
		shard_refer(s, m);
		break;
	case SIP_SUBSCRIBE: /* of features */
	case SIP_MESSAGE:
	case SIP_PUBLISH:
		method_receive(s, m);
		break;
	case SIP_ACK:
	case SIP_CANCEL:
	case SIP_INFO:
	case SIP_UPDATE:
	case SIP_NOTIFY:
		shard_refuse(s, NULL, m, 405, REFUSED_METHOD, BYTES_LIT(RESPOND_ALLOW));
		break;
	case SIP_UNKNOWN:
		shard_refuse(s, NULL, m, 501, REFUSED_METHOD, BYTES_LIT(RESPOND_ALLOW));
		break;
	}
}

static void shard_request(struct shard *s, const struct sip_message *m)
{
	struct writer extra = writer_over(s->host.extra, HOST_EXTRA);

	if (respond_unsupported(&extra, &s->host, m)) {
		shard_refuse(s, NULL, m, 420, REFUSED_EXTENSION, writer_lines(&extra));
		return;
	}
	/* RFC 3261 26.2.2: TLS on every hop, and that includes this one */
	if (bytes_iis(m->uri.scheme, "sips") && !sip_transport_is_secure(m->hop.transport)) {
		shard_refuse(s, NULL, m, 416, REFUSED_SCHEME, (struct bytes){ 0 });
		return;
	}
	if (txns_is_merged(&s->txns, m)) { /* RFC 3261 8.2.2.2 */
		shard_refuse(s, NULL, m, 482, REFUSED_MERGED, (struct bytes){ 0 });
		return;
	}
	dispatch_by_method(s, m);
}

/*
 * The walk of a datagram:
 *   parsed -> response: its client transaction -> call
 *          -> ACK: server transaction of a non-2xx, or the call of a 2xx
 *          -> copy of a request: answered by its server transaction
 *          -> CANCEL -> the INVITE it means
 *          -> in a dialog of ours -> call
 *          -> new: OPTIONS, REGISTER, INVITE, or refused
 */

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

	shard_set_now(s, now);
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
	shard_set_now(s, now);
	if (!is_refused(s, &m->hop, datagram))
		message_receive(s, m);
}

/* Requests outside of dialogs (RFC 3261 8.2). */

const struct services shard_services = {
	.calls = &shard_call_service,
	.directory = &shard_directory_service,
	.location = &shard_location_service,
	.trunks = &shard_trunk_service,
	.toll = &shard_toll_service,
	.identity = &shard_identity_service,
};

static void host_open(struct shard *s, struct rand_source *rand)
{
	s->host = (struct call_host){
		.settings = &s->settings,
		.rand = rand,
		.effects = &s->effects,
		.txns = &s->txns,
		.wheel = &s->wheel,
		.ports = s->shared_tables->ports,
		.codings = &s->shared_tables->codings,
		.videos = &s->shared_tables->videos,
		.users = &s->legs,
		.elsewhere = &s->elsewhere,
		.security = &s->security,
		.secrets = s->shared_tables->secrets,
		.programs = s->shared_tables->programs,
		.calendars = s->shared_tables->calendars,
		.groups = s->shared_tables->groups,
		.queues = s->shared_tables->queues,
		.names = s->shared_tables->names,
		.accounts = s->shared_tables->accounts,
		.metrics = &s->metrics,
		.timer_kind = TIMER_CALL,
		.space = s->space,
		.extra = s->space + HOST_SPACE,
		.sdp = s->space + HOST_SPACE + HOST_EXTRA,
		.packing = s->packing,
		.services = &s->shared_tables->services,
		.owner = s,
		.modules = s->shared_tables->modules,
		.features = s->shared_tables->features,
		.tracks = s->tracks,
	};
	s->txns.wheel = &s->wheel;
	s->txns.effects = &s->effects;
	s->txns.metrics = &s->metrics;
	s->txns.quota = &s->settings.quota;
	s->txns.timer_kind = TIMER_TXN;
	s->assert_timer.kind = TIMER_ASSERT;
	s->lost_timer.kind = TIMER_LOST;
	security_open(&s->security, &s->effects, &s->wheel, TIMER_SECURITY, &s->key);
}

static int shard_own_open(struct shard *s, struct rand_source *rand)
{
	struct shard_settings *set = &s->settings;
	int err = 0;

	if (!set->shared_tables) {
		err = shard_shared_tables_open(&s->own_shared_tables, set, rand);
		set->shared_tables = s->own_shared_tables;
	}
	s->shared_tables = set->shared_tables;
	return err;
}

static int shard_tables_open(struct shard *s, struct rand_source *rand)
{
	const struct shard_settings *set = &s->settings;
	uint32_t calls = set->calls_max + SHARD_EMERGENCY_CALLS;
	int err;

	s->key.k0 = rand_u64_from(rand);
	s->key.k1 = rand_u64_from(rand);
	if ((err = shard_own_open(s, rand)) || (err = txns_open(&s->txns, set->txns_max, rand)) ||
	    (err = pool_open(&s->calls, sizeof(struct call), calls)) ||
	    (err = pool_open(&s->extensions, sizeof(struct shard_extension_slot),
			     set->registrations_max)) ||
	    (err = objects_open(s)) || (err = table_open(&s->calls_by_id, calls)) ||
	    (err = table_open(&s->calls_by_slot, calls)) ||
	    (err = table_open(&s->calls_by_wait, calls)) ||
	    (err = leg_users_open(&s->legs, 2 * calls, rand)) ||
	    (err = table_open(&s->extensions_by_number, set->registrations_max)))
		return err;
	forward_list_open(&s->elsewhere, &s->legs.key);
	return 0;
}

static bool settings_fit(const struct shard_settings *set)
{
	if (set->local_count == 0 || set->local_count > SHARD_LOCALS_MAX ||
	    set->network_count == 0 || set->network_count > SHARD_NETWORKS_MAX ||
	    set->trusted_count > SHARD_TRUSTED_MAX || set->calls_max == 0 ||
	    set->registrations_max == 0 || set->txns_max == 0)
		return false;
	for (uint32_t i = 0; i < set->local_count; i++) {
		if (set->locals[i].network >= set->network_count)
			return false;
	}
	return true;
}

static void shard_join_locations(struct shard *s, struct locations *locations)
{
	s->locations = locations;
	s->settings.tenants = locations_tenants(locations);
	s->locations_user = (struct locations_user){ .owner = s,
						     .answer = shard_register_answer,
						     .again = shard_register_again,
						     .found = shard_invite_found,
						     .moved = shard_phone_moved,
						     .changed = shard_phones_changed };
	locations_join(locations, &s->locations_user);
}

static int shard_features_open(struct shard *s)
{
	int err = 0;

	for (const struct shard_hooks *const *f = s->shared_tables->hooks; *f && !err; f++)
		err = (*f)->opened ? (*f)->opened(s) : 0;
	return err;
}

int shard_open(struct shard **out, const struct shard_settings *settings,
	       struct locations *locations, struct rand_source *rand, struct instant now)
{
	struct shard *s;
	int err;

	if (!settings_fit(settings))
		return -EINVAL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->settings = *settings;
	s->ids.shard = settings->number;
	wheel_open(&s->wheel, now.ns);
	sig_metrics_open(&s->metrics);
	s->space = malloc(HOST_SPACE + HOST_EXTRA + HOST_SDP_MAX);
	s->packing = packing_open();
	err = s->space && s->packing ? shard_tables_open(s, rand) : -ENOMEM;
	if (err) {
		shard_close(s);
		return err;
	}
	host_open(s, rand);
	steady_open(&s->host.steady, settings->boot, now);
	shard_join_locations(s, locations);
	err = shard_features_open(s);
	if (err) {
		shard_close(s);
		return err;
	}
	shard_join_again(s);
	shard_set_now(s, now);
	*out = s;
	return 0;
}

void shard_join_again(struct shard *s)
{
	s->next = s->shared_tables->shards;
	s->shared_tables->shards = s;
}

static void close_calls(struct shard *s)
{
	uint32_t cursor = 0;
	struct call *c;
	pool_handle h;

	while (s->calls.slots && (c = pool_next(&s->calls, &cursor, &h)) != NULL) {
		tenants_release(s->settings.tenants, c->tenant, TENANT_CALLS);
		call_free(c);
	}
}

static void close_extensions(struct shard *s)
{
	struct shard_extension_slot *slot;
	uint32_t cursor = 0;
	pool_handle h;

	while (s->extensions.slots && (slot = pool_next(&s->extensions, &cursor, &h)) != NULL) {
		free(slot->guesses);
		free(slot->forward);
		free(slot->monitors);
		free(slot->members);
		free(slot->blf_keys);
		free(slot->pickup_groups);
		free(slot->park_groups);
		shard_located_free(slot->located);
		free(slot->presence); /* its timer's neighbours are gone by now */
		tenants_release(s->settings.tenants, slot->extension.tenant, TENANT_EXTENSIONS);
	}
}

static void pool_close_any(struct pool *p)
{
	if (p->slots)
		pool_close(p);
}

static void shard_leave_node(struct shard *s)
{
	struct shard **at = s->shared_tables ? &s->shared_tables->shards : NULL;

	while (at && *at && *at != s)
		at = &(*at)->next;
	if (at && *at)
		*at = s->next;
}

void shard_close(struct shard *s)
{
	if (!s)
		return;
	if (s->locations)
		locations_leave(s->locations, &s->locations_user);
	shard_leave_node(s);
	if (s->shared_tables)
		SHARD_HOOKS_CALL(s->shared_tables, closing, s);
	close_calls(s);
	subscriptions_close(&s->subscriptions);
	shard_invites_drop(s);
	shard_user_asks_drop(s);
	shard_lost_drop(s);
	close_extensions(s);
	shard_profiles_close(s);
	txns_close(&s->txns);
	objects_close(s);
	pool_close_any(&s->calls);
	pool_close_any(&s->extensions);
	table_close(&s->calls_by_id);
	table_close(&s->calls_by_slot);
	table_close(&s->calls_by_wait);
	leg_users_close(&s->legs);
	table_close(&s->extensions_by_number);
	effects_close(&s->effects);
	shard_shared_tables_close(s->own_shared_tables);
	free(s->space);
	free(s->packing);
	seal_key_wipe(&s->settings.seal_key);
	seal_key_wipe(&s->settings.gruu_key);
	explicit_bzero(&s->settings.message_key, sizeof(s->settings.message_key));
	free(s);
}

/* Numbers, addresses, capacities and SRTP keys stay as they were at start. */
static void settings_stay(struct shard_settings *next, const struct shard_settings *now)
{
	next->number = now->number;
	next->peer_shard_count = now->peer_shard_count;
	memcpy(next->peer_shards, now->peer_shards, sizeof(next->peer_shards));
	next->shards_are_apart = now->shards_are_apart;
	next->rooms_claimed = now->rooms_claimed;
	next->boot = now->boot;
	next->local_count = now->local_count;
	memcpy(next->locals, now->locals, sizeof(next->locals));
	next->network_count = now->network_count;
	memcpy(next->networks, now->networks, sizeof(next->networks));
	next->shared = now->shared;
	next->quota = now->quota;
	next->shares = now->shares;
	next->lookup = now->lookup;
	next->certified = now->certified;
	next->tenants = now->tenants;
	next->dials = now->dials;
	next->sites = now->sites;
	next->rooms = now->rooms;
	next->toll = now->toll;
	next->toll_shard = now->toll_shard;
	next->trunks = now->trunks;
	next->names = now->names;
	next->numbers = now->numbers;
	next->shared_tables = now->shared_tables;
	next->calls_max = now->calls_max;
	next->registrations_max = now->registrations_max;
	next->subscriptions_max = now->subscriptions_max;
	next->txns_max = now->txns_max;
	next->port_rest_ns = now->port_rest_ns;
	next->fingerprint = now->fingerprint;
	next->seal_key = now->seal_key;
	next->gruu_key = now->gruu_key;
	next->message_key = now->message_key;
}

/* Too large for a stack. Without memory the old ones stay. */
void shard_configure(struct shard *s, const struct shard_settings *settings)
{
	struct shard_settings *next = malloc(sizeof(*next));
	uint64_t tone_ns = s->settings.recordings.tone_ns;

	assert(settings->trusted_count <= SHARD_TRUSTED_MAX);
	if (!next) {
		LOG_ERROR("shard", 0, "no memory: the settings of the shard stay");
		return;
	}
	*next = *settings;
	settings_stay(next, &s->settings);
	s->settings = *next;
	seal_key_wipe(&next->seal_key);
	seal_key_wipe(&next->gruu_key);
	explicit_bzero(&next->message_key, sizeof(next->message_key));
	free(next);
	if (tone_ns != s->settings.recordings.tone_ns)
		shard_calls_hear(s);
}

/* Effects that reach phones or the store are dropped. Those that end work of this node stay: media,
 * and files and copies that another node continues. */
static bool effect_is_dropped(struct effect *e, void *arg)
{
	(void)arg;
	return e->kind != EFFECT_MEDIA && e->kind != EFFECT_RECORD && e->kind != EFFECT_FORK;
}

void shard_silence(struct shard *s, struct instant now)
{
	uint32_t cursor = 0;
	struct call *c;
	pool_handle h;

	shard_set_now(s, now);
	s->resumed_ns = 0;
	shard_leave_node(s);
	while ((c = pool_next(&s->calls, &cursor, &h)) != NULL) {
		shard_watch_left(s, c);
		shard_call_give(s, c);
	}
	objects_silence(s);
	SHARD_HOOKS_CALL(s->shared_tables, silenced, s);
	shard_invites_drop(s);
	shard_user_asks_drop(s);
	shard_lost_drop(s);
	txns_drop_all(&s->txns);
	shard_store_forget(s);
	effects_sift(&s->effects, effect_is_dropped, NULL);
}

void shard_set_now(struct shard *s, struct instant now)
{
	s->host.now =
		(struct instant){ .ns = now.ns, .utc_ms = steady_utc_ms(&s->host.steady, now.ns) };
	s->host.wall_ms = steady_off_wall(&s->host.steady, now);
	s->txns.why = NULL;
	locations_set_now(s->locations, now);
}

struct toll_now shard_toll_now(struct shard *s, uint16_t tenant, struct instant now)
{
	shard_set_now(s, now);
	return toll_now_of(s->settings.tenants, tenant, s->host.now.utc_ms, s->host.wall_ms);
}

void shard_security_event(struct shard *s, enum security_kind kind, const struct addr *source,
			  struct bytes user, const char *detail, struct instant now)
{
	shard_set_now(s, now);
	security_event(&s->security, kind, source, user, detail, now.ns);
}

static void timer_expired(struct shard *s, const struct wheel_timer *t)
{
	for (const struct shard_hooks *const *f = s->shared_tables->hooks; *f; f++) {
		for (const struct shard_timer_hook *of = (*f)->timers; of && of->on; of++) {
			if (of->kind == t->kind) {
				of->on(s, t);
				return;
			}
		}
	}
}

static void expired(struct shard *s, const struct wheel_timer *t)
{
	const struct call_event ev = { .kind = CALL_EV_TIMER };
	struct subscription *sub;
	struct txn_slot *slot;
	struct call *c;

	switch ((enum shard_timer)t->kind) {
	case TIMER_TXN:
		slot = txns_get(&s->txns, t->owner);
		if (slot)
			shard_txn_timer(s, slot);
		break;
	case TIMER_CALL:
		c = pool_get(&s->calls, t->owner);
		if (c)
			shard_call_step(s, c, &ev);
		break;
	case TIMER_ASSERT:
		shard_assert_some(s);
		break;
	case TIMER_SUBSCRIPTION:
		sub = pool_get(&s->subscriptions.pool, t->owner);
		if (sub)
			subscription_timer(&s->subscriptions, sub);
		break;
	case TIMER_NOTIFY:
		subscriptions_turn(&s->subscriptions);
		break;
	case TIMER_LOST:
		shard_lost_turn(s);
		break;
	case TIMER_OBJECT:
		objects_timer(s, t);
		break;
	case TIMER_PRESENCE: /* of features */
		timer_expired(s, t);
		break;
	case TIMER_SECURITY:
		security_publish(&s->security, s->host.now.ns);
		break;
	}
}

void shard_expire(struct shard *s, struct instant now)
{
	const struct wheel_timer *t;

	shard_set_now(s, now);
	while ((t = wheel_expire(&s->wheel, now.ns)) != NULL)
		expired(s, t);
}

uint64_t shard_next_ns(const struct shard *s)
{
	return wheel_next_ns(&s->wheel);
}
