/* SPDX-License-Identifier: Apache-2.0 */
/* Records of a former process become calls again. */
#include <errno.h>
#include <stdio.h>

#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/charge.h"
#include "sig/call/legs.h"
#include "sig/leg/flow.h"
#include "sig/model/payer.h"
#include "sig/record/room_record.h"
#include "sig/shard/shard_dial.h"
#include "sig/shard/shard_room.h"
#include "sig/shard/shard_state.h"
#include "sig/step/step.h"

static int restore_refuse(const char **reason, int err, const char *text)
{
	*reason = text;
	return err;
}

/* Who began it has it as one of its calls again, whatever the limits are by now. */
static void restored_charge(struct shard *s, struct call *c)
{
	const struct leg *a = call_caller(c);
	struct quota_name name;

	if (!payer_of(c, &name) &&
	    (a->called || a->dialog.hop.transport == SIP_INTER_SHARD ||
	     !shard_payer(s, c->tenant, text_bytes(&a->user), &a->dialog.hop, &name)))
		return;
	if (payer_begin(&s->host, c, &name, true))
		LOG_ERROR("call", c->id, "no memory to note who pays for it");
}

/* The decoded value moves into its place in the pool. */
static int adopt(struct shard *s, struct call *decoded, struct call_seed *seed, const char **reason)
{
	struct sip_uri to = { .scheme = BYTES_LIT("tel"), .user = text_bytes(&decoded->to) };
	char number[DIAL_NUMBER_MAX];
	bool emergency = shard_is_emergency(s, decoded->tenant, &to, number);
	struct call *c = shard_call_take(s, decoded->id, decoded->tenant, emergency);
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
	(void)pool_give(&s->calls, self);
	return err;
}

void shard_incarnate(struct shard *s, uint64_t incarnation)
{
	s->host.incarnation = incarnation;
}

void shard_call_unreadable(struct shard *s, uint64_t call, struct instant now)
{
	static const char why[] = "its record could not be read after a restart";
	struct effect *e;
	struct cdr *cdr;

	shard_begin(s, now);
	e = effects_add_cdrs(&s->effects, EFFECT_CALL_END, call, 1);
	if (!e)
		return;
	cdr = e->cdrs;
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

	shard_begin(s, now);
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

int shard_restore_room(struct shard *s, struct bytes record, struct instant now,
		       const char **reason)
{
	struct room decoded = { 0 };
	struct room *r;
	int err;

	shard_begin(s, now);
	err = room_decode(&s->host, &decoded, record, reason);
	if (err)
		return err;
	r = shard_room_find(s, decoded.id)
		    ? NULL
		    : shard_room_add(s, decoded.id, decoded.tenant, bytes_str(decoded.number));
	if (!r) {
		text_wipe(&decoded.unknown);
		text_clear(&decoded.invited);
		return restore_refuse(reason, -ENOSPC,
				      "the conference is here, or there are too many");
	}
	decoded.self = r->self;
	decoded.timer = r->timer;
	*r = decoded;
	if (r->made && !shard_room_make_of(s, r, decoded.name))
		LOG_ERROR("conference", r->id, "no memory: it is not found by its name");
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

	shard_begin(s, now);
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
	shard_begin(s, now);
	s->resumed_ns = now.ns;
	shard_rooms_resume(s);
	resume_calls(s);
	shard_watch_resume(s);
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
