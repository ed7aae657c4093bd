/* SPDX-License-Identifier: Apache-2.0 */
/* Records of a former process become calls again. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/legs.h"
#include "sig/leg/flow.h"
#include "sig/model/payer.h"
#include "sig/pbx/charge.h"
#include "sig/shard/shard_state.h"
#include "sig/sip/hop.h"
#include "sig/step/step.h"

/* Unreachable parties that something waits for: the connection is gone, or UDP gets no answer. In a
 * cluster the phone may have registered with another node, which does not announce it: the store is
 * asked, once a second while a transaction can wait, and every five seconds while the party has no
 * media address of ours (call.away). */

#define LOST_ASK_NS  NS_PER_S
#define LOST_AWAY_NS (5 * NS_PER_S)  /* nothing waits, but the party has no media */
#define LOST_MAX_NS  (32 * NS_PER_S) /* 64*T1: by then nothing waits any more */

enum { LOST_MAX = 4096 };

struct lost_party {
	struct lost_party *next;
	uint64_t call;
	uint8_t leg;
	struct sip_hop hop; /* where it was */
	bool again; /* its node was unreachable: pending requests are repeated by the same hop */
	uint64_t token; /* of the question; 0: none is asked */
	uint64_t ask_ns, until_ns;
};

static void lost_remove(struct shard *s, struct lost_party **at)
{
	struct lost_party *p = *at;

	*at = p->next;
	free(p);
	s->lost_count--;
}

void shard_lost_drop(struct shard *s)
{
	while (s->lost)
		lost_remove(s, &s->lost);
}

/* The dialog that waits: of a leg or of a subscription. */
struct lost_dialog {
	const struct dialog *dialog;
	uint16_t tenant;
	struct bytes user;
};

/* Returns false if it is gone, or its party does not register. */
static bool lost_dialog(const struct shard *s, uint64_t id, uint8_t leg, struct lost_dialog *out)
{
	const struct call *c = id ? shard_call_find(s, id) : NULL;
	const struct leg *l = c ? call_leg(c, leg) : NULL;
	const struct subscription *sub = id && !c ? subscription_find(&s->subscriptions, id) : NULL;

	if (sub)
		*out = (struct lost_dialog){ &sub->dialog, sub->tenant, text_bytes(&sub->watcher) };
	else if (l)
		*out = (struct lost_dialog){ &l->dialog, l->same_user.tenant,
					     text_bytes(&l->user) };
	return sub || (l && l->same_user.back);
}

/* ... or is reached elsewhere by now. */
static bool lost_waits(const struct shard *s, const struct lost_party *p, struct lost_dialog *out)
{
	return lost_dialog(s, p->call, p->leg, out) && sip_hop_equal(&out->dialog->hop, &p->hop);
}

static bool lost_is_over(const struct shard *s, const struct lost_party *p)
{
	const struct call *c = shard_call_find(s, p->call);

	return s->host.now.ns >= p->until_ns && !(c && c->away & BIT64(p->leg));
}

/* Where the REGISTER of before came from, or what its dialog calls it. */
static bool is_where_it_was(const struct dialog *d, const struct binding *b)
{
	return d->hop.transport == b->hop.transport &&
	       ((b->was && sip_hop_same(&d->hop, b->was)) ||
		bytes_eq(text_bytes(&d->target), text_bytes(&b->contact)));
}

/* Its connection has not moved, but its node was unreachable, or the link broke: perhaps it is back
 * by now. Once per failure. */
static void lost_say_again(struct shard *s, struct lost_party *p)
{
	if (p->again)
		txns_hop_moved(&s->txns, p->call, p->leg, &p->hop, &p->hop, s->host.now.ns);
	p->again = false;
}

static void lost_look(struct shard *s, struct lost_party *p, const struct lost_dialog *l)
{
	const struct route_asker asker = shard_asker(s);
	const struct sip_hop from = l->dialog->hop;
	const struct location *a = location_get(s->locations, l->tenant, l->user);
	const struct aor *entry = a ? location_entry(a) : NULL;

	for (uint32_t i = 0; entry && i < entry->count; i++) {
		const struct binding *b = &entry->bindings[i];
		struct sip_hop to, own;

		if (binding_is_lost(b) || b->closed || !is_where_it_was(l->dialog, b) ||
		    !route_hop(b, &asker, &to))
			continue;
		own = shard_hop_own(s, &to);
		if (sip_hop_equal(&to, &from) || sip_hop_equal(&own, &from)) {
			lost_say_again(s, p);
			continue;
		}
		LOG_INFO("call", p->call, "a party is with another node now",
			 LOG_U64("leg", p->leg), LOG_ADDR("at", &to.remote));
		shard_phone_moved(s, l->tenant, l->user, &from, &to, s->host.now);
		return;
	}
}

static void lost_request(struct shard *s, struct lost_party *p, const struct lost_dialog *l)
{
	bool waits = s->host.now.ns < p->until_ns;

	p->ask_ns = s->host.now.ns + (waits ? LOST_ASK_NS : LOST_AWAY_NS);
	p->token = ++s->invite_wait_token;
	if (!locations_request(s->locations, l->tenant, l->user, &s->locations_user, p->token)) {
		p->token = 0;
		lost_look(s, p, l); /* it was read just now */
	}
}

void shard_lost_turn(struct shard *s)
{
	struct lost_party **at = &s->lost;
	uint64_t next = UINT64_MAX;

	while (*at) {
		struct lost_party *p = *at;
		struct lost_dialog l;

		if (!lost_waits(s, p, &l) || lost_is_over(s, p)) {
			lost_remove(s, at);
			continue;
		}
		if (s->host.now.ns >= p->ask_ns)
			lost_request(s, p, &l);
		if (p->ask_ns < next)
			next = p->ask_ns;
		at = &p->next;
	}
	if (next != UINT64_MAX)
		wheel_aim(&s->wheel, &s->lost_timer, next);
}

void shard_lost_note(struct shard *s, const struct txn_slot *slot, int error)
{
	struct lost_party *p = s->lost;
	struct lost_dialog l;

	if (!lost_dialog(s, slot->call, slot->leg, &l) || !locations_are_shared(s->locations))
		return;
	while (p && !(p->call == slot->call && p->leg == slot->leg))
		p = p->next;
	if (!p && s->lost_count < LOST_MAX) {
		p = calloc(1, sizeof(*p));
		if (!p)
			return;
		p->next = s->lost;
		s->lost = p;
		s->lost_count++;
	}
	if (!p)
		return;
	p->call = slot->call;
	p->leg = slot->leg;
	p->hop = l.dialog->hop;
	p->again |= error && hop_is_edge(p->hop.connection) &&
		    (hop_is_edge(slot->txn.hop.connection) || error == EHOSTUNREACH);
	p->until_ns = s->host.now.ns + LOST_MAX_NS;
	wheel_aim(&s->wheel, &s->lost_timer, s->host.now.ns);
}

bool shard_lost_may_come(const struct shard *s, const struct txn_slot *slot)
{
	const struct call *c = slot->call ? shard_call_find(s, slot->call) : NULL;
	const struct leg *l = c ? call_leg(c, slot->leg) : NULL;
	bool rings =
		c && c->restored && shard_is_just_resumed(s); /* perhaps: it was asked before */
	struct lost_dialog d;

	/* that node reports the connection gone: a party that was only invited is given up for the
	 * next contact */
	if (l && slot->txn.method == SIP_INVITE && l->state == LEG_EARLY &&
	    !hop_is_edge(slot->txn.hop.connection) && !rings)
		return false;
	return lost_dialog(s, slot->call, slot->leg, &d) && hop_is_edge(d.dialog->hop.connection) &&
	       locations_are_shared(s->locations);
}

/* A NAT that blocks us or lost its mapping sends no error. A ringing phone is tried at every
 * contact. */
void shard_lost_unanswered(struct shard *s, const struct txn_slot *slot, int error)
{
	const struct call *c = slot->call ? shard_call_find(s, slot->call) : NULL;
	const struct leg *l = c ? call_leg(c, slot->leg) : NULL;

	if (l && l->state != LEG_EARLY)
		shard_lost_note(s, slot, error);
}

bool shard_lost_found(struct shard *s, uint64_t token)
{
	struct lost_party *p = s->lost;
	struct lost_dialog l;

	while (p && p->token != token)
		p = p->next;
	if (!p)
		return false;
	p->token = 0;
	if (lost_waits(s, p, &l))
		lost_look(s, p, &l);
	return true;
}

static int restore_refuse(const char **reason, int err, const char *text)
{
	*reason = text;
	return err;
}

/* It is charged to its payer again, regardless of the limits. */
static void restored_charge(struct shard *s, struct call *c)
{
	const struct leg *a = call_caller(c);
	struct quota_name name;

	if (!payer_of(c, &name) &&
	    (a->outbound || a->dialog.hop.transport == SIP_INTER_SHARD ||
	     !shard_payer(s, c->tenant, text_bytes(&a->user), &a->dialog.hop, &name)))
		return;
	if (payer_charge_call(&s->host, c, &name, true))
		LOG_ERROR("call", c->id, "no memory to note who pays for it");
}

/* The decoded value moves into its place in the pool. */
static int adopt(struct shard *s, struct call *decoded, struct call_seed *seed, const char **reason)
{
	struct sip_uri to = { .scheme = BYTES_LIT("tel"), .user = text_bytes(&decoded->to) };
	char number[DIAL_NUMBER_MAX];
	bool emergency = shard_is_emergency(s, decoded->tenant, (struct bytes){ 0 }, &to, number);
	struct call *c = shard_call_allocate(s, decoded->id, decoded->tenant, emergency);
	pool_handle self;
	int err;

	if (!c)
		return restore_refuse(reason, -ENOSPC, "too many calls");
	self = c->self;
	*c = *decoded;
	c->self = self;
	c->timer.owner = self;
	c->timer.kind = TIMER_CALL;
	c->restored = true;
	c->emergency = emergency;
	restored_charge(s, c);
	err = call_attach(&s->host, c, seed, reason);
	if (!err) {
		charges_restore(&s->host, c);
		return 0;
	}
	shard_quota_release(s, &c->payer, QUOTA_CALLS);
	tenants_release(s->settings.tenants, c->tenant, TENANT_CALLS);
	*decoded = *c;
	(void)table_del(&s->calls_by_id, c->id, self);
	(void)pool_free(&s->calls, self);
	return err;
}

void shard_incarnate(struct shard *s, uint64_t incarnation)
{
	s->host.incarnation = incarnation;
}

void shard_call_unreadable(struct shard *s, uint64_t call, struct instant now)
{
	static const char why[] = "its record could not be read after a restart";
	struct request_call_end *end;
	struct cdr *cdr;

	shard_set_now(s, now);
	end = effects_cdrs(&s->effects, EFFECT_CALL_END, call, 1);
	if (!end)
		return;
	cdr = end->cdrs.list;
	cdr->end_utc_ms = steady_add(s->host.now.utc_ms, s->host.wall_ms);
	cdr->ended_by = ENDED_BY_NODE;
	(void)snprintf(cdr->tenant, sizeof(cdr->tenant), "%s", TENANT_DEFAULT_NAME);
	(void)snprintf(cdr->reason, sizeof(cdr->reason), "%s", why);
	LOG_WARN("call", call, "the call cannot go on after the restart and is ended",
		 LOG_STR("reason", why));
}

int shard_restore_call(struct shard *s, struct bytes record, struct instant now,
		       const char **reason)
{
	struct call decoded = { 0 };
	struct call_seed seed;
	int err;

	shard_set_now(s, now);
	*reason = NULL;
	err = call_decode(&s->host, &decoded, &seed, record, reason);
	if (err)
		return err;
	err = shard_call_find(s, decoded.id)
		      ? restore_refuse(reason, -EEXIST, "the call is here already")
		      : adopt(s, &decoded, &seed, reason);
	call_seed_clear(&seed);
	if (err == -ENOSPC) {
		call_obstacle(&decoded, *reason);
		call_abandon_unlisted(&s->host, &decoded);
		call_free(&decoded);
		return 0;
	}
	if (err) {
		call_free(&decoded);
		return err;
	}
	s->established += decoded.state == CALL_ESTABLISHED;
	metric_add(s->metrics.restored, 1);
	LOG_INFO("call", decoded.id, "call restored",
		 LOG_STR("tenant", tenants_name(s->settings.tenants, decoded.tenant)),
		 LOG_STR("state", call_state_name(decoded.state)));
	return 0;
}

static void call_places(const struct shard *s, const struct call *c, shard_place_fn *each,
			void *arg)
{
	for (uint32_t i = 0; i < c->flow_count; i++) {
		const struct call_flow *f = &c->flows[i];
		struct shard_place place = { .network = f->network,
					     .rtp = s->settings.networks[f->network].media_bind };

		if (c->moved & BIT64(f->leg) || flow_port(f) != f->port)
			continue;
		place.rtcp = place.rtp;
		place.rtp.port = f->port;
		place.rtcp.port = (uint16_t)(f->port + 1);
		place.dscp =
			f->kind == MEDIA_VIDEO ? s->settings.dscp_video : s->settings.dscp_audio;
		each(&place, arg);
	}
}

void shard_record_places(struct shard *s, struct bytes record, struct instant now,
			 shard_place_fn *each, void *arg)
{
	struct call decoded = { 0 };
	struct call_seed seed;
	const char *reason;

	shard_set_now(s, now);
	if (call_decode(&s->host, &decoded, &seed, record, &reason))
		return;
	if (decoded.state != CALL_ENDING)
		call_places(s, &decoded, each, arg);
	call_seed_clear(&seed);
	call_free(&decoded);
}

static void resume_calls(struct shard *s)
{
	const struct call_event ev = { .kind = CALL_EV_RESUME };
	uint32_t cursor = 0;
	struct call *c;
	pool_handle h;

	while ((c = pool_next(&s->calls, &cursor, &h)) != NULL) {
		if (!c->restored)
			continue;
		shard_replaced_know(s, c);
		shard_call_step(s, c, &ev);
	}
}

void shard_resume(struct shard *s, struct instant now)
{
	shard_set_now(s, now);
	s->resumed_ns = now.ns;
	SHARD_HOOKS_CALL(s->shared_tables, resuming, s);
	resume_calls(s);
	SHARD_HOOKS_CALL(s->shared_tables, resumed, s);
}

static void call_hops(const struct call *c, shard_hop_fn *each, void *arg)
{
	for (uint32_t i = 0; i < c->leg_count; i++) {
		if (c->legs[i])
			each(&c->legs[i]->dialog.hop, arg);
	}
}

void shard_hops(const struct shard *s, shard_hop_fn *each, void *arg)
{
	const struct call *c;
	uint32_t cursor = 0;
	pool_handle h;

	while ((c = pool_next(&s->calls, &cursor, &h)) != NULL)
		call_hops(c, each, arg);
}
