/* SPDX-License-Identifier: Apache-2.0 */
/* Records of a former process become registrations again. */
#include <errno.h>

#include "sig/location/locations_state.h"
#include "sig/sip/hop_edges.h"

static int entry_refuse(const char **reason, int err, const char *text)
{
	*reason = text;
	return err;
}

/* Whether the binding came in there. An older record says it by number alone. */
static bool is_bound_to(const struct binding *b, const struct shard_local *l, uint32_t number)
{
	bool named = b->bound.family != ADDR_NONE;

	return l->transport == b->hop.transport &&
	       (named ? addr_eq(&l->bind, &b->bound)
		      : number == b->hop.local && l->bind.family == b->hop.remote.family);
}

static uint16_t local_bound(const struct locations *l, const struct binding *b)
{
	for (uint32_t i = 0; i < l->local_count; i++) {
		if (is_bound_to(b, &l->locals[i], i))
			return (uint16_t)i;
	}
	return UINT16_MAX;
}

static bool goes_with_its_shard(const struct locations *l, uint16_t local)
{
	return local != UINT16_MAX && (l->floating >> local & 1);
}

/* A phone of another node is reached where no NAT and no connection stands in between, or by those who know the way. An address that
 * goes with its shard is all the same, whoever has it now: so what saved calls know of the phone is known again when it registers. */
static uint16_t local_to(const struct locations *l, const struct binding *b)
{
	uint16_t bound = local_bound(l, b);

	if (goes_with_its_shard(l, bound))
		return bound;
	if (!b->hop.connection && (b->hop.transport != SIP_UDP || (b->nat && !b->path.n)))
		return UINT16_MAX;
	for (uint32_t i = 0; i < l->local_count; i++) {
		if (l->locals[i].transport == b->hop.transport &&
		    l->locals[i].bind.family == b->hop.remote.family)
			return (uint16_t)i;
	}
	return UINT16_MAX;
}

/* What a former process of this node had is gone, but for its addresses. */
static void find_connection(const struct locations *l, struct binding *b)
{
	bool here = !binding_is_foreign(b) ||
		    (b->hop.transport == SIP_UDP && goes_with_its_shard(l, local_bound(l, b)));

	if (here && hop_is_edge(b->hop.connection))
		b->hop.connection = 0;
}

/* Listening addresses may have come and gone since. One that is gone reaches nobody. */
static void find_locals(const struct locations *l, struct aor *entry)
{
	for (uint32_t i = 0; i < entry->count; i++) {
		struct binding *b = &entry->bindings[i];

		if (!l->lookup || bytes_is(text_bytes(&b->node), l->node))
			text_clear(&b->node);
		find_connection(l, b);
		b->hop.local = binding_is_foreign(b) ? local_to(l, b) : local_bound(l, b);
	}
}

static void to_our_clock(const struct locations *l, struct aor *entry)
{
	int64_t shift = steady_shift(&l->steady, &entry->clock, l->now.ns);

	entry->written_utc_ms = steady_add(entry->clock.utc_ms, shift);
	for (uint32_t i = 0; i < entry->count; i++) {
		struct binding *b = &entry->bindings[i];

		b->expires_utc_ms = steady_add(b->expires_utc_ms, shift);
		b->registered_utc_ms = steady_add(b->registered_utc_ms, shift);
		b->stored = true;
	}
	entry->clock = steady_mark(&l->steady, l->now.ns);
}

void location_adapt(const struct locations *l, struct aor *entry)
{
	to_our_clock(l, entry);
	find_locals(l, entry);
}

int locations_restore(struct locations *l, struct bytes record, struct instant now,
		      const char **reason)
{
	struct location *a;
	struct aor entry;
	uint16_t tenant;
	int err;

	locations_begin(l, now);
	*reason = NULL;
	err = aor_decode(&entry, record, l->edges, reason);
	if (err)
		return err;
	tenant = tenants_claim(l->tenants, text_bytes(&entry.tenant));
	if (tenant == TENANT_NONE) {
		err = entry_refuse(reason, -EBADMSG,
				   "its tenant has no name, or there are too many");
	} else if (location_get(l, tenant, text_bytes(&entry.user))) {
		err = entry_refuse(reason, -EEXIST, "the registration is here already");
	}
	a = err ? NULL : location_add(l, tenant, text_bytes(&entry.user));
	if (!a) {
		aor_clear(&entry);
		return err ? err : entry_refuse(reason, -ENOSPC, "too many registrations");
	}
	aor_clear(&a->entry);
	a->entry = entry;
	a->acked = entry.version;
	a->marked = entry.version;
	location_adapt(l, &a->entry);
	text_clear(&a->entry.writer);
	l->bindings += entry.count;
	return 0;
}

void locations_resume(struct locations *l, struct instant now)
{
	uint32_t cursor = 0;
	struct location *a;
	pool_handle h;

	locations_begin(l, now);
	while ((a = pool_next(&l->aors, &cursor, &h)) != NULL)
		location_timer(l, a);
}
