/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which calls a user has, and which wait for him (sig/call/call_waiting.h): of all shards of the node, as lamps see them, and of other
 * nodes, which are asked for those extensions whose calls count as they are for those that somebody watches (sig/remote/remote_watch.h).
 */
#include "sig/call/call_waiting.h"

#include "base/log.h"
#include "sig/call/plan.h"
#include "sig/shard/shard_state.h"

static uint64_t waiting_hash(const struct shard *s, uint16_t tenant, struct bytes user)
{
	return tenant_hash(hash_sip(&s->key, user), tenant);
}

/* The next one of the shard; start with *cursor = 0. */
static struct call *waiting_next(const struct shard *s, uint16_t tenant, struct bytes user,
				 uint32_t *cursor)
{
	uint64_t hash = waiting_hash(s, tenant, user), id;

	while ((id = table_next(&s->calls_by_wait, hash, cursor)) != 0) {
		struct call *c = shard_call_find(s, id);

		if (c && c->tenant == tenant && bytes_eq(text_bytes(&c->waits_for), user))
			return c;
	}
	return NULL;
}

/* ---- what he has ---- */

/* Known by the wall: other nodes have another steady clock. */
static uint64_t waits_since(const struct shard *s, const struct call *c)
{
	return steady_add(c->setup_utc_ms, s->host.wall_ms);
}

struct dialog_state shard_waiting_state(const struct shard *s, const struct call *c)
{
	return (struct dialog_state){ .id = c->id,
				      .phase = PHASE_EARLY,
				      .recipient = true,
				      .shard = id_shard(c->id) + 1U,
				      .waits_utc_ms = waits_since(s, c) };
}

uint32_t shard_waiting_add(const struct shard_commons *commons, uint16_t tenant, struct bytes user,
			   struct dialog_state *out, uint32_t count)
{
	for (const struct shard *s = commons->waiting ? commons->shards : NULL; s; s = s->next) {
		const struct call *c;
		uint32_t cursor = 0;

		while (count < DIALOG_STATES_MAX &&
		       (c = waiting_next(s, tenant, user, &cursor)) != NULL)
			out[count++] = shard_waiting_state(s, c);
	}
	return count;
}

/* It is the call itself that asks, or one of its legs. */
static bool engaged_is_own(const struct call *c, const struct dialog_state *d)
{
	struct dialog_state own;

	if (d->id == c->id)
		return true;
	for (uint8_t i = 0; i < c->leg_count; i++) {
		if (!c->legs[i] || !c->legs[i]->user.n)
			continue;
		dialog_state_read(&own, c->legs[i]);
		if (own.id == d->id)
			return true;
	}
	return false;
}

static bool waits_before(const struct dialog_state *d, const struct call *c, uint64_t utc_ms)
{
	return d->waits_utc_ms < utc_ms || (d->waits_utc_ms == utc_ms && d->id < c->id);
}

void shard_engaged_of(void *owner, const struct call *c, struct bytes user, struct engaged *out)
{
	const struct shard *s = owner;
	struct dialog_state list[DIALOG_STATES_MAX];
	uint32_t count = shard_watch_all(s, c->tenant, user, list);

	*out = (struct engaged){ .unsure = s->commons->remote && s->commons->remote_quick };
	for (uint32_t i = 0; i < count; i++) {
		if (engaged_is_own(c, &list[i]))
			continue;
		if (list[i].waits_utc_ms) {
			out->waits++;
			out->behind |= waits_before(&list[i], c, waits_since(s, c));
		} else {
			out->calls = true;
			out->talks |= !list[i].held;
		}
	}
}

bool shard_waited_for(void *owner, uint16_t tenant, struct bytes user)
{
	const struct shard *s = owner;

	for (const struct shard *of = s->commons->waiting ? s->commons->shards : NULL; of;
	     of = of->next) {
		uint32_t cursor = 0;

		if (waiting_next(of, tenant, user, &cursor))
			return true;
	}
	return s->commons->remote &&
	       remote_watch_waits(s->commons->remote,
				  bytes_str(tenants_name(s->settings.tenants, tenant)), user);
}

/* ---- changes ---- */

static void engaged_wake(struct shard *s, struct call *c, uint64_t now_ns)
{
	wheel_aim(&s->wheel, &c->timer, now_ns);
}

/* Not now: this may be within a step of any of them. */
static void engaged_wake_in(struct shard *s, uint16_t tenant, struct bytes user, bool waited,
			    uint64_t now_ns)
{
	struct leg *l = NULL;
	uint32_t cursor = 0;
	struct call *c;

	while ((c = waiting_next(s, tenant, user, &cursor)) != NULL)
		engaged_wake(s, c, now_ns);
	while ((l = leg_users_next(&s->legs, tenant, user, l)) != NULL) {
		c = shard_call_find(s, dialog_call(&l->dialog));
		if (c && call_waiting_is_heard(&s->host, c) != waited)
			engaged_wake(s, c, now_ns);
	}
}

void shard_waiting_changed(struct shard *s, uint16_t tenant, struct bytes user)
{
	bool waited = shard_waited_for(s, tenant, user);

	for (struct shard *of = s->commons->shards; of; of = of->next)
		engaged_wake_in(of, tenant, user, waited, s->host.now.ns);
}

void shard_engaged_changed(struct shard *s, uint16_t tenant, struct bytes user)
{
	if (shard_waited_for(s, tenant, user))
		shard_waiting_changed(s, tenant, user);
}

static void waiting_tell(struct shard *s, uint16_t tenant, struct bytes user)
{
	if (!user.n)
		return;
	shard_waiting_changed(s, tenant, user);
	if (s->commons->remote)
		remote_watch_changed(s->commons->remote,
				     bytes_str(tenants_name(s->settings.tenants, tenant)), user);
}

static void waiting_list_drop(struct shard *s, const struct call *c)
{
	if (!c->waits_for.n)
		return;
	(void)table_del(&s->calls_by_wait, waiting_hash(s, c->tenant, text_bytes(&c->waits_for)),
			c->id);
	s->commons->waiting--;
}

static void waiting_list_put(struct shard *s, struct call *c, struct bytes user)
{
	if (!user.n)
		return;
	if (!text_set(&c->waits_for, user) &&
	    !table_put(&s->calls_by_wait, waiting_hash(s, c->tenant, user), c->id)) {
		s->commons->waiting++;
		return;
	}
	text_clear(&c->waits_for);
	LOG_ERROR("call", c->id, "no memory: nobody is told that a call waits");
}

void shard_waiting_note(struct shard *s, struct call *c)
{
	struct text before = c->waits_for;
	struct bytes user = { 0 };

	if (call_waiting_is_on(c))
		(void)plan_went_to(&c->plan, &user);
	if (bytes_eq(text_bytes(&before), user))
		return;
	waiting_list_drop(s, c);
	c->waits_for = (struct text){ 0 };
	waiting_list_put(s, c, user);
	waiting_tell(s, c->tenant, text_bytes(&before));
	waiting_tell(s, c->tenant, user);
	text_clear(&before);
}

void shard_waiting_gone(struct shard *s, const struct call *c)
{
	waiting_list_drop(s, c);
}

/* ---- other nodes ---- */

static bool counts_calls(const struct shard_forward *f)
{
	return f && shard_forward_counts_calls(f);
}

bool shard_engaged_asks(const struct shard *s, uint16_t tenant, struct bytes user)
{
	return counts_calls(shard_forward_of(s, tenant, user));
}

static void engaged_ask(const struct shard *s, const struct shard_extension_slot *slot)
{
	remote_watch_ask(s->commons->remote,
			 bytes_str(tenants_name(s->settings.tenants, slot->extension.tenant)),
			 bytes_str(slot->extension.number));
}

/* All shards of the node have the same extensions: one of them asks. */
void shard_engaged_set(struct shard *s, const struct shard_extension_slot *slot,
		       const struct shard_forward *before)
{
	bool counts = counts_calls(slot->forward);

	s->engaged_extensions += counts;
	s->engaged_extensions -= counts_calls(before);
	if (counts && s->commons->remote && s == s->commons->shards)
		engaged_ask(s, slot);
}

void shard_engaged_ask_some(struct shard_commons *commons, uint32_t seconds)
{
	struct shard *s = commons->shards;
	uint32_t most = s && s->engaged_extensions ? s->extensions.in_use / seconds + 1 : 0;
	pool_handle h;

	while (most-- > 0) {
		const struct shard_extension_slot *slot =
			pool_next(&s->extensions, &commons->engaged_cursor, &h);

		if (!slot) {
			commons->engaged_cursor = 0;
			return;
		}
		if (counts_calls(slot->forward))
			engaged_ask(s, slot);
	}
}

/* What was not known yet of other nodes is by now. */
void shard_engaged_look(struct shard_commons *commons)
{
	for (struct shard *s = commons->waiting ? commons->shards : NULL; s; s = s->next) {
		uint32_t cursor = 0;
		struct call *c;
		pool_handle h;

		while ((c = pool_next(&s->calls, &cursor, &h)) != NULL) {
			if (c->waits_for.n)
				engaged_wake(s, c, s->host.now.ns);
		}
	}
}
