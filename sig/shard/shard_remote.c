/* SPDX-License-Identifier: Apache-2.0 */
/* Users watched by other nodes, and users of other nodes watched here: over all shards of the
 * node. */

#include "base/log.h"
#include "sig/call/plan.h"
#include "sig/call/wait.h"
#include "sig/host/mailboxes.h"
#include "sig/pbx/call_waiting.h"
#include "sig/pbx/queue/queues.h"
#include "sig/shard/shard.h"
#include "sig/shard/shard_state.h"

/* The calls of a user, and those that wait for him (sig/pbx/call_waiting.h): over all shards of
 * the node, as BLF shows them, and of other nodes, which are asked about extensions that need it
 * just as they are about watched ones (sig/remote/remote_watch.h). */

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

uint32_t shard_waiting_add(const struct shard_shared_tables *shared_tables, uint16_t tenant,
			   struct bytes user, struct dialog_state *out, uint32_t count)
{
	for (const struct shard *s = shared_tables->waiting ? shared_tables->shards : NULL; s;
	     s = s->next) {
		const struct call *c;
		uint32_t cursor = 0;

		while (count < DIALOG_STATES_MAX &&
		       (c = waiting_next(s, tenant, user, &cursor)) != NULL)
			out[count++] = shard_waiting_state(s, c);
	}
	return count;
}

/* It is the call itself that asks, or one of its legs. */
static bool busy_is_own(const struct call *c, const struct dialog_state *d)
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

/* Calls of a user that talk: how many of them talk to another party, and of these, how many the
 * user has made, as a phone does that asks before it transfers. */
struct busy_count {
	uint32_t talk, others, made, held;
};

static void busy_count(struct busy_count *n, const struct dialog_state *d)
{
	n->held += d->held;
	n->talk += !d->held;
	n->others += !d->held && !d->alone;
	n->made += !d->held && !d->alone && !d->recipient;
}

struct user_calls shard_busy_of(void *owner, const struct call *c, struct bytes user)
{
	const struct shard *s = owner;
	struct dialog_state list[DIALOG_STATES_MAX];
	uint32_t count = shard_watch_all(s, c->tenant, user, list);
	struct user_calls out = { .unsure = s->shared_tables->remote &&
					    s->shared_tables->remote_quick };
	struct busy_count n = { 0 };

	for (uint32_t i = 0; i < count; i++) {
		if (busy_is_own(c, &list[i]) || list[i].parked)
			continue;
		if (list[i].waits_utc_ms) {
			out.waits++;
			out.behind |= waits_before(&list[i], c, waits_since(s, c));
		} else {
			out.calls = true;
			busy_count(&n, &list[i]);
		}
	}
	out.talks = n.talk;
	out.soon = n.talk && (!n.others || (n.held && n.made == n.others));
	return out;
}

bool shard_has_waiting_call(void *owner, uint16_t tenant, struct bytes user)
{
	const struct shard *s = owner;

	for (const struct shard *of = s->shared_tables->waiting ? s->shared_tables->shards : NULL;
	     of; of = of->next) {
		uint32_t cursor = 0;

		if (waiting_next(of, tenant, user, &cursor))
			return true;
	}
	return s->shared_tables->remote &&
	       remote_watch_waits(s->shared_tables->remote,
				  bytes_str(tenants_name(s->settings.tenants, tenant)), user);
}

bool shard_user_is_busy(void *owner, uint16_t tenant, struct bytes user)
{
	struct dialog_state list[DIALOG_STATES_MAX];
	uint32_t count = shard_watch_all(owner, tenant, user, list);

	while (count > 0 && (list[count - 1].parked || list[count - 1].waits_utc_ms))
		count--;
	return count;
}

/* ---- changes ---- */

static void busy_wake(struct shard *s, struct call *c, uint64_t now_ns)
{
	wheel_aim(&s->wheel, &c->timer, now_ns);
}

void shard_call_wake(void *owner, uint64_t call)
{
	const struct shard *s = owner;

	for (struct shard *of = s->shared_tables->shards; of; of = of->next) {
		struct call *c =
			of->settings.number == id_shard(call) ? shard_call_find(of, call) : NULL;

		if (c)
			busy_wake(of, c, s->host.now.ns);
	}
}

/* Not now: this may be within a step of any of them. */
static void busy_wake_in(struct shard *s, uint16_t tenant, struct bytes user, bool waited,
			 uint64_t now_ns)
{
	struct leg *l = NULL;
	uint32_t cursor = 0;
	struct call *c;

	while ((c = waiting_next(s, tenant, user, &cursor)) != NULL)
		busy_wake(s, c, now_ns);
	while ((l = leg_users_next(&s->legs, tenant, user, l)) != NULL) {
		c = shard_call_find(s, dialog_call(&l->dialog));
		if (c && call_waiting_tone_plays(&s->host, c) != waited)
			busy_wake(s, c, now_ns);
	}
}

/* ... also where none waits any more. */
static void shard_waiting_changed(struct shard *s, uint16_t tenant, struct bytes user)
{
	bool waited = shard_has_waiting_call(s, tenant, user);

	for (struct shard *of = s->shared_tables->shards; of; of = of->next)
		busy_wake_in(of, tenant, user, waited, s->host.now.ns);
}

void shard_agent_changed(struct shard *s, uint16_t tenant, struct bytes user)
{
	const struct queue_caller *first =
		queues_agent_changed(s->shared_tables->queues, tenant, user);

	if (first)
		shard_call_wake(s, first->call);
}

void shard_busy_changed(struct shard *s, uint16_t tenant, struct bytes user)
{
	shard_agent_changed(s, tenant, user);
	if (shard_has_waiting_call(s, tenant, user))
		shard_waiting_changed(s, tenant, user);
}

static void waiting_notify(struct shard *s, uint16_t tenant, struct bytes user)
{
	if (!user.n)
		return;
	shard_waiting_changed(s, tenant, user);
	if (s->shared_tables->remote)
		remote_watch_changed(s->shared_tables->remote,
				     bytes_str(tenants_name(s->settings.tenants, tenant)), user);
}

static void waiting_list_drop(struct shard *s, const struct call *c)
{
	if (!c->waits_for.n)
		return;
	(void)table_del(&s->calls_by_wait, waiting_hash(s, c->tenant, text_bytes(&c->waits_for)),
			c->id);
	s->shared_tables->waiting--;
}

static void waiting_list_put(struct shard *s, struct call *c, struct bytes user)
{
	if (!user.n)
		return;
	if (!text_set(&c->waits_for, user) &&
	    !table_put(&s->calls_by_wait, waiting_hash(s, c->tenant, user), c->id)) {
		s->shared_tables->waiting++;
		return;
	}
	text_clear(&c->waits_for);
	LOG_ERROR("call", c->id, "no memory: nobody is told that a call waits");
}

void shard_waiting_note(struct shard *s, struct call *c)
{
	struct text before = c->waits_for;
	struct bytes user = { 0 };

	if (call_awaits_user(c))
		(void)plan_went_to(&c->plan, &user);
	if (bytes_eq(text_bytes(&before), user))
		return;
	waiting_list_drop(s, c);
	c->waits_for = (struct text){ 0 };
	waiting_list_put(s, c, user);
	waiting_notify(s, c->tenant, text_bytes(&before));
	waiting_notify(s, c->tenant, user);
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

/* Other nodes are asked for the calls of an extension here. */
static bool shard_busy_asks(const struct shard *s, uint16_t tenant, struct bytes user)
{
	return counts_calls(shard_forward_of(s, tenant, user));
}

static void busy_request(const struct shard *s, const struct shard_extension_slot *slot)
{
	remote_watch_request(s->shared_tables->remote,
			     bytes_str(tenants_name(s->settings.tenants, slot->extension.tenant)),
			     bytes_str(slot->extension.number));
}

/* All shards of the node have the same extensions: one of them asks. */
void shard_busy_set(struct shard *s, const struct shard_extension_slot *slot,
		    const struct shard_forward *before)
{
	bool counts = counts_calls(slot->forward);

	s->busy_extensions += counts;
	s->busy_extensions -= counts_calls(before);
	if (counts && s->shared_tables->remote && s == s->shared_tables->shards)
		busy_request(s, slot);
}

/* ... of some of them: those of so many seconds. */
static void shard_busy_ask_some(struct shard_shared_tables *shared_tables, uint32_t seconds)
{
	struct shard *s = shared_tables->shards;
	uint32_t most = s && s->busy_extensions ? s->extensions.in_use / seconds + 1 : 0;
	pool_handle h;

	while (most-- > 0) {
		const struct shard_extension_slot *slot =
			pool_next(&s->extensions, &shared_tables->busy_cursor, &h);

		if (!slot) {
			shared_tables->busy_cursor = 0;
			return;
		}
		if (counts_calls(slot->forward))
			busy_request(s, slot);
	}
}

/* Other nodes are asked for the calls of agents that are logged in. */
static void shard_agents_ask_some(struct shard_shared_tables *c, uint32_t seconds)
{
	uint32_t most = queues_agent_count(c->queues) / seconds + 1;
	const struct queue_agent *a = NULL;

	while (most-- > 0 && (a = queues_agent_next(c->queues, &c->agent_cursor)) != NULL) {
		if (a->state != AGENT_OUT && c->shards)
			remote_watch_request(
				c->remote,
				bytes_str(tenants_name(c->shards->settings.tenants, a->tenant)),
				bytes_str(a->number));
	}
	if (!a)
		c->agent_cursor = 0;
}

/* What was not known yet of other nodes is by now. */
static void shard_busy_look(struct shard_shared_tables *shared_tables)
{
	for (struct shard *s = shared_tables->waiting ? shared_tables->shards : NULL; s;
	     s = s->next) {
		uint32_t cursor = 0;
		struct call *c;
		pool_handle h;

		while ((c = pool_next(&s->calls, &cursor, &h)) != NULL) {
			if (c->waits_for.n)
				busy_wake(s, c, s->host.now.ns);
		}
	}
}

/* A round over all subscriptions takes that many seconds; the quick one is for nodes that have just
 * joined. */
enum { ASK_ROUND_S = 20, ASK_QUICK_S = 4, COUNT_AGAIN_S = 120 };
static_assert(ASK_ROUND_S * NS_PER_S == REMOTE_ASK_NS, "as others expect it");

/* Users of a tenant that is unknown here have no watchers. */
bool shard_remote_tenant(const struct shard_shared_tables *c, struct bytes name, uint16_t *tenant)
{
	*tenant = c->shards ? tenants_number(c->shards->settings.tenants, name) : TENANT_NONE;
	return *tenant != TENANT_NONE;
}

static uint32_t remote_dialogs(void *owner, struct bytes tenant, struct bytes user,
			       struct dialog_state *out)
{
	const struct shard_shared_tables *c = owner;
	uint16_t number;

	return shard_remote_tenant(c, tenant, &number)
		       ? shard_watch_own(c->shards, number, user, out)
		       : 0;
}

static bool remote_registered(void *owner, struct bytes tenant, struct bytes user)
{
	const struct shard_shared_tables *c = owner;
	uint16_t number;

	return shard_remote_tenant(c, tenant, &number) && shard_has_phone(c->shards, number, user);
}

static uint32_t remote_shards(void *owner, uint32_t *out)
{
	const struct shard_shared_tables *c = owner;
	uint32_t count = 0;

	for (const struct shard *s = c->shards; s && count < REMOTE_SHARDS_MAX; s = s->next) {
		if (s->resumed_ns)
			out[count++] = s->settings.number + 1U;
	}
	return count;
}

static bool remote_is_watched(void *owner, struct bytes tenant, struct bytes user)
{
	const struct shard_shared_tables *c = owner;
	uint16_t number;

	if (!shard_remote_tenant(c, tenant, &number))
		return false;
	for (const struct shard *s = c->shards; s; s = s->next) {
		if (subscription_of_resource(&s->subscriptions, number, user, NULL) ||
		    list_with(&s->subscriptions, number, user))
			return true;
	}
	return c->shards &&
	       (shard_busy_asks(c->shards, number, user) || queues_agent(c->queues, number, user));
}

static void remote_changed(void *owner, struct bytes tenant, struct bytes user)
{
	const struct shard_shared_tables *c = owner;
	uint16_t number;

	if (!shard_remote_tenant(c, tenant, &number))
		return;
	shard_watch_notify_here(c->shards, number, user);
	shard_agent_changed(c->shards, number, user);
	shard_waiting_changed(c->shards, number, user);
}

void shard_on_secret(void *owner, const struct secret_guess *g, bool right)
{
	const struct shard *s = owner;
	const struct remote_item told = { .kind = REMOTE_GUESS,
					  .guess = { .guess = *g, .right = right } };

	if (s->shared_tables->remote)
		remote_watch_send(s->shared_tables->remote, 0, &told);
}

static void remote_guess(const struct shard_shared_tables *c, const struct remote_guess *g)
{
	if (g->right)
		secret_limit_passed(c->secrets, &g->guess, c->remote_now.ns);
	else
		secret_limit_failed(c->secrets, &g->guess, c->remote_now.ns);
}

static void box_changed(const struct shard_shared_tables *c, const struct remote_box *of)
{
	uint16_t tenant =
		c->shards ? tenants_find(c->shards->settings.tenants, of->tenant) : TENANT_NONE;

	if (tenant != TENANT_NONE)
		mailboxes_changed(c->mailboxes, tenant, of->box);
}

void shard_box_changed(struct shard_shared_tables *c, struct bytes tenant, struct bytes box)
{
	const struct remote_item told = { .kind = REMOTE_BOX, .box = { tenant, box } };

	box_changed(c, &told.box);
	if (c->remote)
		remote_watch_send(c->remote, 0, &told);
}

static bool hook_is_for(const struct shard_remote_hook *of, const struct remote_item *item)
{
	return of->kind == item->kind &&
	       (item->kind != REMOTE_FEATURE || bytes_is(item->message.feature, of->feature));
}

static const struct shard_remote_hook *remote_hook_find(const struct shard_shared_tables *c,
							const struct remote_item *item)
{
	for (const struct shard_hooks *const *f = c->hooks; *f; f++) {
		for (const struct shard_remote_hook *of = (*f)->remotes; of && of->heard; of++) {
			if (hook_is_for(of, item))
				return of;
		}
	}
	return NULL;
}

static bool remote_hear(void *owner, uint64_t process, const struct remote_item *item,
			struct remote_item *answer)
{
	struct shard_shared_tables *c = owner;
	const struct shard_remote_hook *of = remote_hook_find(c, item);
	struct share_word word;

	if (of)
		return of->heard(c, item, answer);
	switch (item->kind) {
	case REMOTE_JOINED:
	case REMOTE_PAGED:
		if (c->remote_with.answered)
			c->remote_with.answered(c->remote_with.arg, item);
		break;
	case REMOTE_GUESS:
		remote_guess(c, &item->guess);
		break;
	case REMOTE_BOX:
		box_changed(c, &item->box);
		break;
	case REMOTE_SHARE:
		word = item->share;
		word.process = process;
		if (c->shares)
			shares_hear(c->shares, &word);
		break;
	case REMOTE_PICK: /* of features */
	case REMOTE_PICKED:
	case REMOTE_JOIN:
	case REMOTE_PAGE:
	case REMOTE_FEATURE:
	case REMOTE_KINDS:
		break;
	}
	return false;
}

int shard_remote_open(struct shard_shared_tables *c, const struct shard_remote *with)
{
	const struct remote_watch_host host = { .owner = c,
						.with = with->arg,
						.send = with->send,
						.is_attached = with->is_attached,
						.dialogs = remote_dialogs,
						.registered = remote_registered,
						.shards = remote_shards,
						.is_watched = remote_is_watched,
						.changed = remote_changed,
						.hear = remote_hear };

	c->remote_with = *with;
	return remote_watch_open(&c->remote, &host, &c->key);
}

/* Of several that watch a user one asks. */
static void remote_ask_for(struct shard *s, const struct subscription *sub)
{
	struct bytes user = text_bytes(&sub->resource),
		     tenant = bytes_str(tenants_name(s->settings.tenants, sub->tenant));

	if (!sub->package->of_dialogs)
		return;
	for (uint32_t i = 0; sub->list && i < sub->list->count; i++) {
		user = list_user(&sub->list->resources[i]);
		if (list_with(&s->subscriptions, sub->tenant, user) == &sub->list->resources[i])
			remote_watch_request(s->shared_tables->remote, tenant, user);
	}
	if (!sub->list &&
	    subscription_of_resource(&s->subscriptions, sub->tenant, user, NULL) == sub)
		remote_watch_request(s->shared_tables->remote, tenant, user);
}

void shard_remote_start(struct shard *s, const struct subscription *sub)
{
	if (s->shared_tables->remote)
		remote_ask_for(s, sub);
}

static void remote_ask_some(struct shard *s, uint32_t seconds)
{
	uint32_t most = s->subscriptions.pool.in_use / seconds + 1;
	const struct subscription *sub;
	pool_handle h;

	while (s->subscriptions.pool.in_use && most-- > 0) {
		sub = pool_next(&s->subscriptions.pool, &s->remote_cursor, &h);
		if (!sub) {
			s->remote_cursor = 0;
			return;
		}
		remote_ask_for(s, sub);
	}
}

void shard_on_remote(struct shard_shared_tables *c, uint64_t process, struct bytes outcome,
		     struct instant now)
{
	c->remote_now = now;
	remote_watch_on_state(c->remote, process, outcome, now.ns);
}

void shard_remote_joined(struct shard_shared_tables *c)
{
	c->remote_quick = ASK_QUICK_S;
	mailboxes_changed_all(c->mailboxes);
}

void shard_remote_second(struct shard_shared_tables *c, uint64_t now_ns)
{
	bool quick = c->remote_quick;

	for (struct shard *s = c->shards; s; s = s->next) {
		if (s->subscriptions.pool.in_use)
			remote_ask_some(s, quick ? ASK_QUICK_S : ASK_ROUND_S);
	}
	shard_busy_ask_some(c, quick ? ASK_QUICK_S : ASK_ROUND_S);
	shard_agents_ask_some(c, quick ? ASK_QUICK_S : ASK_ROUND_S);
	c->remote_quick -= quick;
	mailboxes_changed_some(c->mailboxes, COUNT_AGAIN_S);
	if (quick && !c->remote_quick)
		shard_busy_look(c);
	SHARD_HOOKS_CALL(c, second, c);
	remote_watch_expire(c->remote, now_ns);
}
