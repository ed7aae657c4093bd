/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of a shard, found by their id; and everything outside of SIP that reaches a call. */
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "sig/call/audio_source.h"
#include "sig/call/legs.h"
#include "sig/call/session.h"
#include "sig/leg/flow.h"
#include "sig/model/call_order.h"
#include "sig/model/payer.h"
#include "sig/model/recording.h"
#include "sig/shard/shard_state.h"
#include "sig/step/step.h"
#include "sig/subscription/features.h"

/* Our identity towards a party that challenges us: by the present document of its trunk, and of a
 * recorder by the settings. */

static const struct trunk_settings *trunk_of_dialog(const struct shard *s, const struct dialog *d)
{
	const struct call *c = shard_call_find(s, dialog_call(d));
	const struct leg *l = c ? call_leg(c, dialog_leg(d)) : NULL;

	return l && l->trunk.n ? trunks_settings(s->settings.trunks,
						 trunks_find(s->settings.trunks, c->tenant,
							     text_bytes(&l->trunk)))
			       : NULL;
}

static bool recorder_account(const struct shard *s, struct digest_account *out)
{
	const struct shard_siprec *set = &s->settings.siprec;

	*out = (struct digest_account){ .user = bytes_str(set->auth_user),
					.realm = bytes_str(set->realm),
					.secret = set->secret };
	return set->auth_user[0];
}

bool shard_account_of(void *owner, const struct dialog *d, struct digest_account *out)
{
	if (dialog_leg(d) == LEG_OF_MODULE)
		return recorder_account(owner, out);

	const struct trunk_settings *set = trunk_of_dialog(owner, d);

	if (!set || !set->user[0])
		return false;
	*out = (struct digest_account){ .user = bytes_str(set->user),
					.realm = bytes_str(set->realm),
					.secret = set->secret };
	return true;
}

/* The quota that a request is charged to, and the response when it is used up
 * (sig/host/quota.h). */

enum { TENANT_WAIT_S = 5 }; /* until some call may have ended */

/* A rule with limits has them for all its peers together; without, each address is a peer. */
static void name_peer(struct quota_name *name, const struct shard_trusted *rule)
{
	name->kind = QUOTA_PEER;
	name->calls = rule->calls_max;
	name->calls_per_s = rule->calls_per_second;
	name->user = bytes_mem(name->source.ip, sizeof(name->source.ip));
	if (name->calls || name->calls_per_s)
		name->user = bytes_mem(rule, offsetof(struct shard_trusted, calls_max));
}

/* All that comes from it is one peer's. */
static bool name_trunk(const struct shard *s, struct quota_name *name, const struct sip_hop *hop)
{
	uint16_t trunk = shard_trunk_of(s, hop);
	const struct trunk_settings *set = trunks_settings(s->settings.trunks, trunk);

	if (!set)
		return false;
	name->kind = QUOTA_PEER;
	name->tenant = set->tenant;
	name->user = bytes_str(set->name);
	name->calls_per_s = set->calls_per_second;
	return true;
}

bool shard_payer(const struct shard *s, uint16_t tenant, struct bytes user,
		 const struct sip_hop *hop, struct quota_name *out)
{
	const struct shard_trusted *rule;

	*out = (struct quota_name){
		.kind = QUOTA_EXTENSION, .tenant = tenant, .user = user, .source = hop->remote
	};
	if (hop->transport == SIP_INTER_SHARD) { /* where it comes from is known in its shard */
		out->source = (struct addr){ 0 };
		return user.n;
	}
	if (name_trunk(s, out, hop))
		return true;
	rule = trust_find(&s->settings, hop);
	if (rule)
		name_peer(out, rule);
	else if (user.n == 0)
		out->kind = QUOTA_SOURCE;
	return true;
}

struct quota_party shard_party(const struct shard *s, uint16_t tenant, struct bytes user,
			       const struct sip_hop *hop)
{
	struct quota_name name;

	if (hop->transport == SIP_INTER_SHARD) /* what it brings was charged in its shard */
		return (struct quota_party){ { 0 } };
	(void)shard_payer(s, tenant, user, hop, &name);
	return quota_party(&s->settings.quota, &name, s->host.now.ns);
}

bool shard_quota_charge(const struct shard *s, const struct quota_party *party,
			enum quota_item item, bool always, struct call_refusal *why)
{
	struct quota_refusal refusal;

	if (quota_acquire(&s->settings.quota, party, item, always, s->host.now.ns, &refusal))
		return true;
	call_refuse_quota(why, &refusal);
	return false;
}

enum refusal shard_call_charge(struct shard *s, struct call *c, const struct quota_name *name,
			       struct call_refusal *why)
{
	enum refusal refused = payer_charge_call(&s->host, c, name, false);

	if (!refused)
		return REFUSED_NOT;
	if (refused == REFUSED_MEMORY)
		return call_refuse(why, refused);
	call_refuse_quota(why, &s->host.quota_refusal);
	security_event(&s->security, SECURITY_QUOTA, &name->source, name->user, why->text,
		       s->host.now.ns);
	return refused;
}

void shard_quota_release(const struct shard *s, const struct quota_party *party,
			 enum quota_item item)
{
	quota_release(&s->settings.quota, party, item);
}

/* Also from a trunk or trusted peer: its receiver could take 503 as the node being down, with all
 * tenants (RFC 3263 4.3). */
static bool tenant_refuses(struct call_refusal *why, enum refusal reason, const char *text,
			   uint32_t wait_s)
{
	*why = (struct call_refusal){
		.status = 486, .reason = reason, .text = text, .retry_after_s = wait_s
	};
	return false;
}

bool shard_tenant_spend_call(const struct shard *s, uint16_t tenant, struct call_refusal *why)
{
	uint32_t wait_s =
		tenants_spend(s->settings.tenants, tenant, TENANT_CALL_RATE, s->host.now.ns);

	return !wait_s || tenant_refuses(why, REFUSED_TENANT_CALL_RATE,
					 "too many calls a second of this tenant", wait_s);
}

static uint64_t tenant_share(const struct shard *s, uint16_t tenant)
{
	return share_id(s->settings.shares, SHARE_CALLS, tenant, (struct bytes){ 0 }, 0);
}

static bool tenant_share_is_full(const struct shard *s, uint16_t tenant)
{
	uint32_t most = tenants_most(s->settings.tenants, tenant, TENANT_CALLS);
	uint32_t held = tenants_held(s->settings.tenants, tenant, TENANT_CALLS);

	return s->settings.shares && most &&
	       held >= share_of(s->settings.shares, tenant_share(s, tenant), most, held,
				s->host.now.ns);
}

/* It has more calls here than before, or fewer. */
static void shard_tenant_publish_calls(const struct shard *s, uint16_t tenant)
{
	if (s->settings.shares)
		share_note(s->settings.shares, tenant_share(s, tenant),
			   tenants_held(s->settings.tenants, tenant, TENANT_CALLS));
}

bool shard_tenant_may_call(const struct shard *s, uint16_t tenant, struct call_refusal *why)
{
	if (tenants_is_full(s->settings.tenants, tenant, TENANT_CALLS) ||
	    tenant_share_is_full(s, tenant))
		return tenant_refuses(why, REFUSED_TENANT_CALLS,
				      "too many calls at once of this tenant", TENANT_WAIT_S);
	return shard_tenant_spend_call(s, tenant, why);
}

void shard_quota_note(struct shard *s, const struct sip_message *m, const struct call_refusal *why)
{
	security_event(&s->security, SECURITY_QUOTA, &m->hop.remote, m->from.uri.user, why->text,
		       s->host.now.ns);
}

void shard_quota_refuse(struct shard *s, const struct sip_message *m, uint16_t status,
			const struct call_refusal *why)
{
	uint8_t space[256];
	struct writer extra = writer_over(space, sizeof(space));

	shard_quota_note(s, m, why);
	session_write_warning(&extra, &s->host, why->text);
	writer_fmt(&extra, "Retry-After: %" PRIu32 "\r\n", why->retry_after_s);
	shard_refuse(s, NULL, m, status, why->reason, writer_lines(&extra));
}

/* The store leaves and returns: nothing waits while it is away; on its return it may have lost
 * acknowledged saves, so every call is saved again, at a rate that does not disturb other work. */

enum {
	ASSERT_STEP_MS = 10,
	ASSERT_CALLS = 32,       /* in each step */
	ASSERT_LOOKED_AT = 2048, /* in each step, of those that need no save */
};

static void release_calls(struct shard *s)
{
	const struct call_event ev = { .kind = CALL_EV_RELEASE };
	uint32_t cursor = 0;
	struct call *c;
	pool_handle h;

	while ((c = pool_next(&s->calls, &cursor, &h)) != NULL) {
		if (c->out.count)
			shard_call_step(s, c, &ev);
	}
}

/* The store has an older record of it, or none. What has come to its end is in none. */
static bool call_is_behind(const struct call *c)
{
	return !c->end_done && c->out.acked != c->out.version;
}

uint64_t shard_unsaved(const struct shard *s)
{
	const struct subscription *sub;
	const struct call *c;
	uint32_t cursor = 0;
	uint64_t n = 0;
	pool_handle h;

	while ((c = pool_next(&s->calls, &cursor, &h)) != NULL)
		n += call_is_behind(c);
	cursor = 0;
	while ((sub = pool_next(&s->subscriptions.pool, &cursor, &h)) != NULL)
		n += subscription_is_behind(sub);
	return n + objects_unsaved(s);
}

/* What the store did not take in time, and what would wait for its turn: all of it now. */
static void save_behind(struct shard *s)
{
	const struct call_event ev = { .kind = CALL_EV_ASSERT };
	struct subscription *sub;
	uint32_t cursor = 0;
	struct call *c;
	pool_handle h;

	while ((c = pool_next(&s->calls, &cursor, &h)) != NULL) {
		if (call_is_behind(c) && !c->out.in_flight && !c->end_tries)
			shard_call_step(s, c, &ev);
	}
	cursor = 0;
	while ((sub = pool_next(&s->subscriptions.pool, &cursor, &h)) != NULL) {
		if (!sub->saving)
			subscription_assert(&s->subscriptions, sub, false);
	}
	objects_save(s);
}

void shard_hurry(struct shard *s, bool hurries, struct instant now)
{
	const struct call_event ev = { .kind = CALL_EV_RELEASE };
	uint32_t cursor = 0;
	struct call *c;
	pool_handle h;

	shard_set_now(s, now);
	s->host.hurries = hurries;
	while (hurries && (c = pool_next(&s->calls, &cursor, &h)) != NULL) {
		if (c->later_ns)
			shard_call_step(s, c, &ev);
	}
	if (hurries && !s->host.degraded)
		save_behind(s);
}

static void assert_start(struct shard *s)
{
	s->assert_call = s->objects.asserted = s->subscriptions.asserted = 0;
	wheel_start(&s->wheel, &s->assert_timer, s->host.now.ns);
}

static bool degraded_set(struct shard *s, bool degraded, const char *text)
{
	if (s->host.degraded == degraded)
		return false;
	s->host.degraded = degraded;
	LOG_WARN("sig", 0, text, LOG_U64("calls", s->calls.in_use),
		 LOG_U64("registrations", locations_aors(s->locations)));
	return true;
}

void shard_degraded(struct shard *s, bool degraded, struct instant now)
{
	shard_set_now(s, now);
	if (!degraded_set(s, degraded,
			  degraded ? "the store is away: nothing waits for saves"
				   : "the store is back: saving everything again"))
		return;
	if (degraded) {
		wheel_stop(&s->wheel, &s->assert_timer);
		release_calls(s);
	} else {
		s->assert_all = true; /* until a pass has come to its end */
		assert_start(s);
	}
}

void shard_caught_up(struct shard *s, struct instant now)
{
	shard_set_now(s, now);
	if (degraded_set(s, false,
			 "the store is in time again: saving what it has not acknowledged"))
		assert_start(s);
}

void shard_store_forget(struct shard *s)
{
	s->host.degraded = s->host.hurries = s->assert_all = false;
	wheel_stop(&s->wheel, &s->assert_timer);
}

static bool call_needs_save(const struct shard *s, const struct call *c)
{
	return s->assert_all || call_is_behind(c);
}

static bool assert_calls(struct shard *s)
{
	const struct call_event ev = { .kind = CALL_EV_ASSERT };
	struct call *c;
	pool_handle h;

	for (uint32_t i = 0, seen = 0; i < ASSERT_CALLS && seen < ASSERT_LOOKED_AT; seen++) {
		c = pool_next(&s->calls, &s->assert_call, &h);
		if (!c)
			return false;
		if (!call_needs_save(s, c))
			continue;
		shard_call_step(s, c, &ev);
		i++;
	}
	return true;
}

static bool assert_features(struct shard *s)
{
	for (const struct shard_hooks *const *f = s->shared_tables->hooks; *f; f++) {
		if ((*f)->assert_some && (*f)->assert_some(s, ASSERT_CALLS))
			return true;
	}
	return false;
}

void shard_assert_some(struct shard *s)
{
	if (assert_calls(s) || objects_assert(s, ASSERT_CALLS) || assert_features(s)) {
		wheel_start(&s->wheel, &s->assert_timer,
			    s->host.now.ns + ASSERT_STEP_MS * NS_PER_MS);
	} else {
		s->assert_all = false;
	}
}

void shard_drain(struct shard *s, bool drain)
{
	s->draining = drain;
}

static bool call_is_saved(const struct call *c)
{
	return c->out.acked && c->state != CALL_ENDING;
}

uint32_t shard_calls_saved(struct shard *s, uint32_t *cursor, uint64_t *ids, uint32_t max)
{
	uint32_t n = 0;
	struct call *c = NULL;
	pool_handle h;

	while (n < max && (c = pool_next(&s->calls, cursor, &h)) != NULL) {
		if (call_is_saved(c))
			ids[n++] = c->id;
	}
	if (!c)
		*cursor = 0;
	return n;
}

void shard_call_missing(struct shard *s, uint64_t call, struct instant now)
{
	const struct call_event ev = { .kind = CALL_EV_ASSERT };
	struct call *c;

	shard_set_now(s, now);
	c = shard_call_find(s, call);
	if (!c || !call_is_saved(c))
		return;
	LOG_WARN("sig", call, "the record of a call is gone: saving it again");
	shard_call_step(s, c, &ev);
}

void shard_call_over(struct shard *s, uint64_t call, struct instant now)
{
	const struct call_event ev = { .kind = CALL_EV_HANGUP, .over = true };
	struct call *c;

	shard_set_now(s, now);
	c = shard_call_find(s, call);
	if (!c || !c->restored || c->state == CALL_ENDING)
		return;
	LOG_WARN("sig", call, "the node that had the call before has ended it");
	shard_call_step(s, c, &ev);
}

struct call *shard_call_find(const struct shard *s, uint64_t id)
{
	uint32_t cursor = 0;
	pool_handle h = table_next(&s->calls_by_id, id, &cursor);

	return h ? pool_get(&s->calls, h) : NULL;
}

bool shard_call_fits(const struct shard *s, bool emergency)
{
	return s->shared_tables->calls < s->settings.calls_max ||
	       (emergency && s->calls.in_use < s->calls.capacity);
}

/* After a restart with the clock set back a restored call may have it already. */
uint64_t shard_call_new_id(struct shard *s)
{
	uint64_t id;

	do {
		id = id_call_next(&s->ids, s->host.now.utc_ms);
	} while (shard_call_find(s, id) || objects_find(s, id) ||
		 subscription_find(&s->subscriptions, id));
	return id;
}

struct call *shard_call_allocate(struct shard *s, uint64_t id, uint16_t tenant, bool emergency)
{
	pool_handle h;
	struct call *c = shard_call_fits(s, emergency) ? pool_alloc(&s->calls, &h) : NULL;

	if (!c)
		return NULL;
	c->emergency = emergency;
	if (table_put(&s->calls_by_id, id, h)) {
		(void)pool_free(&s->calls, h);
		return NULL;
	}
	s->shared_tables->calls++;
	c->id = id;
	c->tenant = tenant;
	c->self = h;
	tenants_hold(s->settings.tenants, tenant, TENANT_CALLS);
	shard_tenant_publish_calls(s, tenant);
	return c;
}

void shard_call_give(struct shard *s, struct call *c)
{
	struct quota_party payer = c->payer;

	if (c->state == CALL_ESTABLISHED)
		s->established--;
	s->transcoded -= c->transcoded;
	s->shared_tables->codings -= c->transcoded;
	s->shared_tables->videos -= c->counted_as_video;
	shard_watch_gone(s, c);
	SHARD_HOOKS_CALL(s->shared_tables, call_gone, s, c);
	call_clear(&s->host, c);
	shard_quota_release(s, &payer, QUOTA_CALLS);
	tenants_release(s->settings.tenants, c->tenant, TENANT_CALLS);
	shard_tenant_publish_calls(s, c->tenant);
	(void)table_del(&s->calls_by_id, c->id, c->self);
	(void)pool_free(&s->calls, c->self);
	s->shared_tables->calls--;
}

static bool is_transcoded(const struct call *c)
{
	for (uint32_t i = 0; i < c->flow_count; i++) {
		if (c->flows[i].transcoded_to && !c->flows[i].closing)
			return true;
	}
	return false;
}

static void note_transcoded(struct shard *s, struct call *c)
{
	bool before = c->transcoded;

	c->transcoded = is_transcoded(c);
	s->transcoded += c->transcoded - before;
	s->shared_tables->codings += c->transcoded - before;
	if (c->transcoded && !before)
		metric_add(s->metrics.calls_transcoded, 1);
}

/* MED-09. A line that is refused may have a flow, too. */
static void note_video(struct shard *s, struct call *c)
{
	bool before = c->counted_as_video;

	c->counted_as_video = false;
	for (uint32_t i = 0; i < c->flow_count; i++)
		c->counted_as_video |= c->flows[i].counted_as_video && !c->flows[i].closing;
	s->shared_tables->videos += c->counted_as_video - before;
}

/* A step of one call may cause a step of another. NOTIFYs to watchers in between belong to
 * neither. */
static uint64_t sender_set(struct shard *s, uint64_t call)
{
	uint64_t outer = s->txns.sender;

	s->txns.sender = call;
	return outer;
}

bool shard_call_settle(struct shard *s, struct call *c)
{
	uint64_t outer;
	bool goes_on;

	note_transcoded(s, c);
	note_video(s, c);
	shard_watch_call(s, c);
	SHARD_HOOKS_CALL(s->shared_tables, call_settled, s, c);
	outer = sender_set(s, c->id);
	goes_on = call_settle(&s->host, c);
	s->txns.sender = outer;
	return goes_on;
}

void shard_call_step(struct shard *s, struct call *c, const struct call_event *ev)
{
	bool before = c->state == CALL_ESTABLISHED;
	uint64_t outer = sender_set(s, c->id);

	call_step(&s->host, c, ev);
	s->txns.sender = outer;
	s->established += (c->state == CALL_ESTABLISHED) - before;
	if (!shard_call_settle(s, c))
		shard_call_give(s, c);
}

static const struct call *shard_call_of(void *owner, uint64_t call)
{
	return shard_call_find(owner, call);
}

static const struct call *shard_call_of_dialog(void *owner, uint16_t tenant, struct bytes call_id,
					       struct bytes local, struct bytes remote,
					       uint8_t *leg)
{
	return shard_dialog_find(owner, tenant, call_id, local, remote, leg);
}

static void shard_call_publish(void *owner, uint64_t call, const struct call_event *ev)
{
	struct call *c = shard_call_find(owner, call);

	if (c)
		shard_call_step(owner, c, ev);
}

const struct call_service shard_call_service = {
	.find = shard_call_of,
	.find_by_dialog = shard_call_of_dialog,
	.step = shard_call_publish,
	.others = shard_busy_of,
	.has_waiting = shard_has_waiting_call,
	.is_busy = shard_user_is_busy,
	.wake = shard_call_wake,
};

bool shard_call_event(struct shard *s, uint64_t call, const struct call_event *ev,
		      struct instant now)
{
	struct call *c;

	shard_set_now(s, now);
	c = shard_call_find(s, call);
	if (c)
		shard_call_step(s, c, ev);
	return c;
}

void shard_call_saved(struct shard *s, uint64_t call, uint64_t version, bool saved,
		      struct instant now)
{
	const struct call_event ev = { .kind = CALL_EV_SAVED, .version = version, .ok = saved };

	(void)shard_call_event(s, call, &ev, now);
	SHARD_HOOKS_CALL(s->shared_tables, call_saved, s, call);
}

void shard_call_ended(struct shard *s, uint64_t call, bool saved, struct instant now)
{
	const struct call_event ev = { .kind = CALL_EV_ENDED, .ok = saved };

	(void)shard_call_event(s, call, &ev, now);
}

/* The engine may not know yet that the flow moved to another call: then all calls are searched. */
static struct call *call_of_flow(struct shard *s, uint64_t call, struct flow_id id)
{
	struct call *c = shard_call_find(s, call);
	uint32_t cursor = 0;
	pool_handle at;

	if (c && flow_by_id(c, id))
		return c;
	while ((c = pool_next(&s->calls, &cursor, &at)) != NULL) {
		if (flow_by_id(c, id))
			return c;
	}
	return NULL;
}

void shard_media_event(struct shard *s, const struct media_event *event, struct instant now)
{
	const struct call_event ev = { .kind = CALL_EV_MEDIA, .media = event };
	struct call *c;

	shard_set_now(s, now);
	c = call_of_flow(s, event->call, event->id);
	if (c)
		shard_call_step(s, c, &ev);
}

void shard_media_failed(struct shard *s, struct flow_id id, uint64_t call, int error,
			struct instant now)
{
	const struct call_event ev = { .kind = CALL_EV_MEDIA_FAILED, .flow = id, .error = error };

	(void)shard_call_event(s, call, &ev, now);
}

static bool reply_is_taken(struct shard *s, const struct reply *reply)
{
	for (const struct shard_hooks *const *f = s->shared_tables->hooks; *f; f++) {
		for (const struct shard_reply_hook *of = (*f)->replied; of && of->on; of++) {
			if (of->ask == reply->ask) {
				of->on(s, reply);
				return true;
			}
		}
	}
	return false;
}

void shard_replied(struct shard *s, const struct reply *reply, struct instant now)
{
	const struct call_event ev = { .kind = CALL_EV_REPLY, .reply = reply };
	struct subscription *sub;
	struct object *o;

	if (shard_call_event(s, reply->of, &ev, now))
		return;
	if (reply_is_taken(s, reply))
		return;
	if (!reply->of && reply->ask == ASK_KV) {
		shard_register_claimed(s, &reply->kept, now);
		return;
	}
	o = objects_find(s, reply->of);
	sub = subscription_find(&s->subscriptions, reply->of);
	if (sub && reply->ask == ASK_LOOKUP)
		subscription_on_lookup(&s->subscriptions, sub, reply->lookup);
	else if (sub && reply->ask == ASK_SET)
		features_set_over(&s->subscriptions, sub, reply->set.serial);
	else if (o && reply->ask == ASK_PARK)
		object_on_claim(s, o, &reply->park);
	else if (o)
		o->type->replied(s, o, reply);
}

enum refusal shard_hangup(struct shard *s, uint64_t call, const struct shard_order *by,
			  struct instant now)
{
	struct call_order order = { .by = by };
	const struct call_event ev = { .kind = CALL_EV_HANGUP, .order = &order };

	return shard_call_event(s, call, &ev, now) ? REFUSED_NOT : REFUSED_NO_CALL;
}

void shard_calls_hear(struct shard *s)
{
	uint32_t cursor = 0;
	struct call *c;
	pool_handle at;

	while ((c = pool_next(&s->calls, &cursor, &at)) != NULL)
		audio_source_settle(&s->host, c);
}

void shard_track_set(struct shard *s, enum shard_track track,
		     const struct job_id jobs[MEDIA_CODECS])
{
	memcpy(s->tracks[track].jobs, jobs, sizeof(s->tracks[track].jobs));
	s->tracks[track].coming = false;
	shard_calls_hear(s);
}

void shard_track_await(struct shard *s, enum shard_track track)
{
	s->tracks[track] = (struct host_track){ .coming = true };
	shard_calls_hear(s);
}
