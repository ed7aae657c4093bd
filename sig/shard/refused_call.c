/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/shard/refused_call.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "sig/call/cdr.h"
#include "sig/host/trunk.h"
#include "sig/shard/shard_state.h"
#include "sig/sip/conf_name.h"
#include "sig/sip/stream_rate.h"

static const struct stream_rate g_source = { REFUSED_CALL_PER_S, REFUSED_CALL_BURST };
static const struct stream_rate g_all = { REFUSED_CALL_ALL_PER_S, REFUSED_CALL_ALL_BURST };

static uint64_t source_id(const struct hash_key *key, const struct addr *source)
{
	struct addr whose = addr_source(source);
	uint64_t id = hash_sip(key, bytes_mem(whose.ip, whose.family == ADDR_V6 ? 16 : 4));

	return id ? id : 1;
}

/* Its budget, or a new one in the place of that which has been full for longest. */
static uint64_t *budget_of(struct refused_calls *r, uint64_t id)
{
	size_t set = id % REFUSED_CALL_SETS, oldest = 0;

	for (size_t i = 0; i < REFUSED_CALL_WAYS; i++) {
		if (r->sets[set][i].id == id)
			return &r->sets[set][i].full_ns;
		if (r->sets[set][i].full_ns < r->sets[set][oldest].full_ns)
			oldest = i;
	}
	r->sets[set][oldest].id = id;
	r->sets[set][oldest].full_ns = 0;
	return &r->sets[set][oldest].full_ns;
}

bool refused_call_may_tell(struct refused_calls *r, const struct hash_key *key,
			   const struct addr *source, uint64_t now_ns)
{
	return stream_rate_take(budget_of(r, source_id(key, source)), &g_source, now_ns) &&
	       stream_rate_take(&r->all_full_ns, &g_all, now_ns);
}

static void refused_cdr_fill(const struct shard *s, struct cdr *cdr, const struct sip_message *m,
			     uint16_t tenant, struct bytes from, const struct call_refusal *why)
{
	uint64_t wall = steady_add(s->host.now.utc_ms, s->host.wall_ms);

	*cdr = (struct cdr){ .call = cdr->call,
			     .setup_utc_ms = wall,
			     .end_utc_ms = wall,
			     .sip_status = why->status,
			     .q850 = call_cause_q850(CAUSE_REFUSED, why->status),
			     .ended_by = ENDED_BY_NODE };
	cdr_put(cdr->tenant, sizeof(cdr->tenant),
		bytes_str(tenants_name(s->settings.tenants, tenant)));
	cdr_put(cdr->from, sizeof(cdr->from), from);
	cdr_put(cdr->to, sizeof(cdr->to), conf_name_shown(m->uri.user));
	cdr_put(cdr->from_trunk, sizeof(cdr->from_trunk),
		bytes_str(trunks_name(s->settings.trunks, shard_trunk_of(s, &m->hop))));
	cdr_put(cdr->sip_call_id, sizeof(cdr->sip_call_id), m->call_id);
	(void)snprintf(cdr->reason, sizeof(cdr->reason), "refused by the node: %s",
		       why->text ? why->text : sig_refused_name(why->reason));
}

void refused_call_tell(struct shard *s, const struct sip_message *m, uint16_t tenant,
		       struct bytes from, const struct call_refusal *why)
{
	struct effect *e;

	trunks_count(s->settings.trunks, shard_trunk_of(s, &m->hop), TRUNK_REFUSED);
	if (!refused_call_may_tell(&s->refused_calls, &s->key, &m->hop.remote, s->host.now.ns)) {
		metric_add(s->metrics.refused_untold, 1);
		return;
	}
	e = effects_add_cdrs(&s->effects, EFFECT_CALL_END, shard_call_new_id(s), 1);
	if (!e)
		return;
	refused_cdr_fill(s, e->cdrs, m, tenant, from, why);
	LOG_INFO("call", e->call, "call refused", LOG_STR("from", e->cdrs->from),
		 LOG_STR("to", e->cdrs->to), LOG_U64("status", why->status),
		 LOG_STR("reason", sig_refused_name(why->reason)),
		 LOG_ADDR("source", &m->hop.remote), LOG_BYTES("sip_call_id", m->call_id));
}
