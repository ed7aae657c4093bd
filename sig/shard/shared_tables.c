/* SPDX-License-Identifier: Apache-2.0 */
/* State that the shards of a node share: the guess limits for passwords, the replay
 * window of digest nonces, and opening and closing of it all. Guess counters and nonces live in
 * tables of fixed size, with hashes by a secret key so that a sender cannot choose which entry it
 * displaces. The policies are described at the structs in shared_tables.h. One thread, no locks. */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/named.h"
#include "sig/call/module.h"
#include "sig/call/number_claim.h"
#include "sig/host/calendars.h"
#include "sig/host/devices.h"
#include "sig/host/name_index.h"
#include "sig/host/programs.h"
#include "sig/host/tenant.h"
#include "sig/pbx/queue/queues.h"
#include "sig/shard/shard_parts.h"
#include "sig/shard/shared_tables.h"
#include "sig/sip/stream_rate.h"

static const struct stream_rate g_source_rate = { .per_s = AUTH_LIMIT_SOURCE_PER_S,
						  .burst = AUTH_LIMIT_SOURCE_BURST };
static const struct stream_rate g_phone_rate = { .per_s = AUTH_LIMIT_PHONE_PER_S,
						 .burst = AUTH_LIMIT_PHONE_BURST };

uint64_t auth_limit_source(const struct hash_key *key, const struct addr *source)
{
	const struct addr subject = addr_source(source);
	uint64_t id = hash_sip(key, bytes_mem(subject.ip, sizeof(subject.ip)));

	return id ? id : 1;
}

uint64_t auth_limit_flow(const struct hash_key *key, const struct addr *remote, unsigned transport)
{
	uint64_t parts[2] = { hash_sip(key, bytes_mem(remote->ip, sizeof(remote->ip))),
			      (uint64_t)remote->port << 8 | transport };
	uint64_t id = hash_sip(key, bytes_mem(parts, sizeof(parts)));

	return id ? id : 1;
}

struct auth_guesses *auth_limit_nobody(struct auth_limit *l, const struct hash_key *key,
				       uint16_t tenant, struct bytes user)
{
	return &l->nobody[tenant_hash(hash_sip(key, user), tenant) % AUTH_LIMIT_NAMES];
}

static struct auth_guess *guess_find(struct auth_guesses *g, uint64_t source)
{
	for (size_t i = 0; g && i < AUTH_LIMIT_WAYS; i++) {
		if (g->ways[i].source == source)
			return &g->ways[i];
	}
	return NULL;
}

/* A free one, or the one that failed longest ago. */
static struct auth_guess *auth_guess_evict(struct auth_guesses *g, uint64_t source, uint64_t now_ns)
{
	struct auth_guess *oldest = g->ways;

	for (size_t i = 1; i < AUTH_LIMIT_WAYS; i++) {
		if (g->ways[i].last_ns < oldest->last_ns)
			oldest = &g->ways[i];
	}
	*oldest = (struct auth_guess){ .source = source, .first_ns = now_ns };
	return oldest;
}

static const struct auth_source *source_find(const struct auth_limit *l, uint64_t id)
{
	const struct auth_source *set = l->sources[id % AUTH_LIMIT_SETS];

	for (size_t i = 0; i < AUTH_LIMIT_WAYS; i++) {
		if (set[i].id == id)
			return &set[i];
	}
	return NULL;
}

/* That of the id, or the one with the least to remember. */
static struct auth_source *auth_source_ensure(struct auth_limit *l, uint64_t id)
{
	struct auth_source *set = l->sources[id % AUTH_LIMIT_SETS], *least = set;

	for (size_t i = 0; i < AUTH_LIMIT_WAYS; i++) {
		if (set[i].id == id)
			return &set[i];
		if (set[i].full_ns < least->full_ns)
			least = &set[i];
	}
	*least = (struct auth_source){ .id = id };
	return least;
}

static uint64_t until_ns(uint64_t at_ns, uint64_t now_ns)
{
	return at_ns > now_ns ? at_ns - now_ns : 0;
}

static uint64_t fresh_next_ns(const struct auth_flows *f)
{
	uint64_t burst_ns = (AUTH_LIMIT_FRESH_BURST - 1) * AUTH_LIMIT_FRESH_S * NS_PER_S;

	return f->full_ns > burst_ns ? f->full_ns - burst_ns : 0;
}

static bool flow_has_failed(const struct auth_flows *f, uint64_t flow)
{
	for (size_t i = 0; i < AUTH_LIMIT_FLOWS; i++) {
		if (f->failed[i] == flow)
			return true;
	}
	return false;
}

/* waits: it was looked at although the place waits. */
static void flow_failed(struct auth_flows *f, uint64_t flow, bool waits, uint64_t now_ns)
{
	if (waits) {
		if (f->full_ns < now_ns)
			f->full_ns = now_ns;
		f->full_ns += AUTH_LIMIT_FRESH_S * NS_PER_S;
	}
	if (!flow_has_failed(f, flow))
		f->failed[f->next++ % AUTH_LIMIT_FLOWS] = flow;
}

/* Of a flow in a place that waits for so long. */
static uint64_t flow_wait_ns(const struct auth_flows *f, uint64_t flow, uint64_t place_ns,
			     uint64_t now_ns)
{
	uint64_t fresh_ns;

	if (place_ns == 0 || flow_has_failed(f, flow))
		return place_ns;
	fresh_ns = until_ns(fresh_next_ns(f), now_ns);
	return fresh_ns < place_ns ? fresh_ns : place_ns;
}

/* A phone that has used up its own count is treated like any other source at its address. */
static bool limit_is_free(const struct auth_try *t, uint64_t now_ns)
{
	uint64_t full_ns = t->guesses ? t->guesses->phone_full_ns : 0;

	return t->standing == AUTH_PHONE && stream_rate_next_ns(full_ns, &g_phone_rate) <= now_ns;
}

uint64_t auth_limit_wait_ns(const struct auth_limit *l, const struct auth_try *t, uint64_t now_ns)
{
	const struct auth_source *s = source_find(l, t->source);
	const struct auth_guess *g = guess_find(t->guesses, t->source);
	uint64_t pair_ns = g ? until_ns(g->until_ns, now_ns) : 0, source_ns = 0;

	if (limit_is_free(t, now_ns))
		return 0;
	if (g)
		pair_ns = flow_wait_ns(&g->flows, t->flow, pair_ns, now_ns);
	if (s && t->standing == AUTH_STRANGER)
		source_ns = flow_wait_ns(
			&s->flows, t->flow,
			until_ns(stream_rate_next_ns(s->full_ns, &g_source_rate), now_ns), now_ns);
	return pair_ns > source_ns ? pair_ns : source_ns;
}

static uint64_t limit_wait_ns(uint32_t waits)
{
	uint64_t s = AUTH_LIMIT_WAIT_MIN_S;

	while (--waits && s < AUTH_LIMIT_WAIT_MAX_S)
		s *= 2;
	return (s < AUTH_LIMIT_WAIT_MAX_S ? s : AUTH_LIMIT_WAIT_MAX_S) * NS_PER_S;
}

static bool pair_failed(const struct auth_try *t, uint64_t now_ns)
{
	struct auth_guess *g = guess_find(t->guesses, t->source);
	bool waits;

	if (!g)
		g = auth_guess_evict(t->guesses, t->source, now_ns);
	waits = g->until_ns > now_ns;
	flow_failed(&g->flows, t->flow, waits, now_ns);
	if (waits) { /* others at its source: they do not lengthen the wait */
		g->last_ns = now_ns;
		return true;
	}
	if (now_ns - g->last_ns > AUTH_LIMIT_FORGET_S * NS_PER_S)
		g->waits = 0;
	if (now_ns - g->first_ns > AUTH_LIMIT_WINDOW_S * NS_PER_S) {
		g->first_ns = now_ns;
		g->failures = 0;
	}
	g->last_ns = now_ns;
	if (++g->failures < AUTH_LIMIT_FAILURES && !g->waits)
		return false;
	g->waits += g->waits < UINT32_MAX;
	g->until_ns = now_ns + limit_wait_ns(g->waits);
	return true;
}

bool auth_limit_failed(struct auth_limit *l, const struct auth_try *t, uint64_t now_ns)
{
	struct auth_source *s = auth_source_ensure(l, t->source);
	bool waits;

	assert(t->guesses);
	if (limit_is_free(t, now_ns))
		return !stream_rate_spend(&t->guesses->phone_full_ns, &g_phone_rate, now_ns);
	waits = pair_failed(t, now_ns);
	flow_failed(&s->flows, t->flow, stream_rate_next_ns(s->full_ns, &g_source_rate) > now_ns,
		    now_ns);
	(void)stream_rate_spend(&s->full_ns, &g_source_rate, now_ns);
	return waits || stream_rate_next_ns(s->full_ns, &g_source_rate) > now_ns;
}

/* While others at its address wait, they still wait: proof by a known phone says nothing about
 * them, else each of its REGISTERs would grant them ten guesses. */
void auth_limit_passed(const struct auth_try *t, uint64_t now_ns)
{
	struct auth_guess *g = guess_find(t->guesses, t->source);

	if (g && t->standing != AUTH_PHONE && g->until_ns <= now_ns)
		*g = (struct auth_guess){ 0 };
}

/* Beyond its life a nonce is not taken anyhow. The clock may have stepped either way. */
static bool nonce_is_dead(const struct nonce_now *n, uint64_t made_utc_ms)
{
	uint64_t away = made_utc_ms > n->utc_ms ? made_utc_ms - n->utc_ms : n->utc_ms - made_utc_ms;

	return away > n->lifetime_ms;
}

static bool nonce_count_accept(struct nonce_use *u, uint32_t nc)
{
	uint64_t bit;

	if (nc > u->newest) {
		uint32_t ahead = nc - u->newest;

		u->seen = ahead < NONCE_WINDOW ? u->seen << ahead : 0;
		u->seen |= 1;
		u->newest = nc;
		return true;
	}
	if (u->newest - nc >= NONCE_WINDOW)
		return false;
	bit = UINT64_C(1) << (u->newest - nc);
	if (u->seen & bit)
		return false;
	u->seen |= bit;
	return true;
}

static struct nonce_set *set_of(const struct nonce_window *w, uint64_t id)
{
	return &w->sets[id % w->count];
}

/* A free place, or one of a nonce that is dead. */
static struct nonce_use *nonce_place_find(struct nonce_set *set, const struct nonce_now *n)
{
	for (size_t i = 0; i < NONCE_WAYS; i++) {
		struct nonce_use *u = &set->uses[i];

		if (!u->id || nonce_is_dead(n, u->made_utc_ms))
			return u;
	}
	return NULL;
}

/* That of the oldest, of which the floor keeps the memory. */
static struct nonce_use *nonce_place_evict(struct nonce_set *set, const struct nonce_now *n)
{
	struct nonce_use *oldest = &set->uses[0];

	for (size_t i = 1; i < NONCE_WAYS; i++) {
		if (set->uses[i].made_utc_ms < oldest->made_utc_ms)
			oldest = &set->uses[i];
	}
	if (oldest->made_utc_ms >= n->made_utc_ms)
		return NULL;
	if (oldest->made_utc_ms > set->floor_utc_ms || nonce_is_dead(n, set->floor_utc_ms))
		set->floor_utc_ms = oldest->made_utc_ms;
	return oldest;
}

/* What was in a set is in that one or in its new sister. */
static void set_split(const struct nonce_set *set, struct nonce_set *same, struct nonce_set *sister,
		      uint32_t bit)
{
	size_t kept = 0, moved = 0;

	same->floor_utc_ms = sister->floor_utc_ms = set->floor_utc_ms;
	for (size_t i = 0; i < NONCE_WAYS; i++) {
		if (set->uses[i].id & bit)
			sister->uses[moved++] = set->uses[i];
		else
			same->uses[kept++] = set->uses[i];
	}
}

/* At a quarter of all places in use, one set of 4,000 has more than eight: a further challenge is
 * cheaper than twice the memory. */
static bool sets_are_worth_more(const struct nonce_window *w)
{
	return w->count < NONCE_SETS && w->used >= w->count * NONCE_WAYS / 4;
}

/* Twice as many sets. False: these are enough, or there is no memory. */
static bool sets_grow(struct nonce_window *w)
{
	struct nonce_set *more =
		sets_are_worth_more(w) ? calloc(2 * (size_t)w->count, sizeof(*more)) : NULL;

	if (!more)
		return false;
	for (uint32_t i = 0; i < w->count; i++)
		set_split(&w->sets[i], &more[i], &more[i + w->count], w->count);
	free(w->sets);
	w->sets = more;
	w->count *= 2;
	return true;
}

int nonce_window_open(struct nonce_window *w)
{
	*w = (struct nonce_window){ .sets = calloc(NONCE_SETS_MIN, sizeof(*w->sets)),
				    .count = NONCE_SETS_MIN };
	return w->sets ? 0 : -ENOMEM;
}

void nonce_window_close(struct nonce_window *w)
{
	free(w->sets);
	*w = (struct nonce_window){ 0 };
}

bool nonce_window_accept(struct nonce_window *w, const struct nonce_now *n)
{
	struct nonce_set *set = set_of(w, n->id);
	struct nonce_use *u;

	for (size_t i = 0; i < NONCE_WAYS; i++) {
		if (set->uses[i].id == n->id)
			return nonce_count_accept(&set->uses[i], n->nc);
	}
	if (n->made_utc_ms <= set->floor_utc_ms && !nonce_is_dead(n, set->floor_utc_ms))
		return false;
	while (!(u = nonce_place_find(set, n)) && sets_grow(w))
		set = set_of(w, n->id);
	if (!u)
		u = nonce_place_evict(set, n);
	if (!u)
		return false;
	w->used += u->id == 0;
	*u = (struct nonce_use){
		.id = n->id, .made_utc_ms = n->made_utc_ms, .seen = 1, .newest = n->nc
	};
	return true;
}

enum { PORT_REST_MIN_S = 2 }; /* a busy node takes ports again after this, and counts it */

static int shared_tables_ports_open(struct shard_shared_tables *c,
				    const struct shard_settings *settings, struct rand_source *rand)
{
	uint64_t rest_min = PORT_REST_MIN_S * NS_PER_S, rest = settings->port_rest_ns;
	uint32_t slot = 0;

	for (; c->network_count < settings->network_count; c->network_count++) {
		const struct shard_network *n = &settings->networks[c->network_count];
		struct ports *ports = &c->ports[c->network_count];
		int err = ports_open(ports, n->first_port, n->last_port, slot, rest,
				     rest < rest_min ? rest : rest_min, rand);

		if (err)
			return err;
		slot += ports->pair_count;
	}
	return 0;
}

static void number_claims_list(struct shard_shared_tables *c)
{
	uint32_t count = 0, at;

	for (const struct feature *f = c->features; f->name; f++) {
		for (const struct number_claim *n = f->numbers; n && n->claim; n++) {
			assert(count < NUMBER_CLAIMS_MAX);
			for (at = count++; at > 0 && c->numbers[at - 1]->rank > n->rank; at--)
				c->numbers[at] = c->numbers[at - 1];
			c->numbers[at] = n;
		}
	}
}

static void services_list(struct shard_shared_tables *c)
{
	c->services = shard_services;
	for (const struct feature *f = c->features; f->name; f++) {
#define X(name, type)                         \
	if (f->services && f->services->name) \
		c->services.name = f->services->name;
		SERVICES(X)
#undef X
	}
}

static void hooks_list(struct shard_shared_tables *c)
{
	uint32_t count = 0;

	for (const struct feature *f = c->features; f->name; f++) {
		assert(count < SHARD_HOOKS_MAX);
		if (f->shard)
			c->hooks[count++] = f->shard;
	}
}

int shard_shared_tables_open(struct shard_shared_tables **out,
			     const struct shard_settings *settings, struct rand_source *rand)
{
	struct shard_shared_tables *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	c->key.k0 = rand_u64_from(rand);
	c->key.k1 = rand_u64_from(rand);
	c->features = settings->features;
	c->modules = module_lists_create(c->features);
	number_claims_list(c);
	services_list(c);
	hooks_list(c);
	c->programs = programs_create();
	c->names = name_index_create();
	c->queues = queues_create();
	err = c->modules && c->programs && c->names && c->queues ? calendars_open(&c->calendars)
								 : -ENOMEM;
	err = err ? err : table_open(&c->devices, DEVICE_ACCOUNTS_MAX);
	err = err ? err : table_open(&c->relocated, DEVICE_ONLY_MAX);
	if (!err)
		err = nonce_window_open(&c->nonces);
	if (!err)
		err = secret_limit_open(&c->secrets, &c->key);
	for (const struct shard_hooks *const *hooks = c->hooks; !err && *hooks; hooks++) {
		if ((*hooks)->node_opened)
			err = (*hooks)->node_opened(c);
	}
	if (!err)
		err = shared_tables_ports_open(c, settings, rand);
	if (err) {
		shard_shared_tables_close(c);
		return err;
	}
	*out = c;
	return 0;
}

void shard_shared_tables_close(struct shard_shared_tables *c)
{
	if (!c)
		return;
	for (uint32_t i = 0; i < c->network_count; i++)
		ports_close(&c->ports[i]);
	module_lists_free(c->modules);
	nonce_window_close(&c->nonces);
	secret_limit_close(c->secrets);
	programs_free(c->programs);
	calendars_close(c->calendars);
	named_close(&c->devices);
	named_close(&c->relocated);
	queues_free(c->queues);
	name_index_free(c->names);
	remote_watch_close(c->remote);
	SHARD_HOOKS_CALL(c, node_closed, c);
	free(c);
}
