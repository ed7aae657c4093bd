/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits what the SIP ports accept before parsing, and what they answer to unknown sources; guard.h
 * has the policy, and guard_step.h the decision itself. This file owns the tables: known sources
 * with their expiry, token buckets per class, and for each address the octets that an answer may
 * have (amplification limit). With XDP the tables of known sources lie in maps that the kernel
 * reads, and it decides there; then this file only fills them and counts the drops. One thread, the
 * loop's.
 */

#include "base/guard.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/guard_step.h"
#include "base/metric.h"

enum {
	SWEEP = 2,            /* sets swept each time a new source is known */
	ACCOUNT_MAX = 131072, /* octets of an account, at most: a round of the loop */
	NAMES_OF_A_PHONE = 2, /* its port, and its address */
	SETS_MIN = 64,
};

/* Here the tables lie in plain memory. */
struct guard_at {
	struct guard_set *sets;
	struct guard_bucket *buckets;
};

GUARD_INLINE const struct guard_set *guard_set_at(const struct guard_at *at, unsigned index)
{
	return &at->sets[index];
}

GUARD_INLINE struct guard_bucket *guard_bucket_at(const struct guard_at *at, unsigned index)
{
	return &at->buckets[index];
}

/* Until when names are known, in seconds; beside the set, because only this process reads it. */
struct guard_ages {
	uint32_t until_s[GUARD_WAYS];
};

/* Octets received from an address, and not yet answered. */
struct guard_account {
	uint32_t octets;
};

/* Octets that strangers of one prefix (IPv4 /24, IPv6 /48) may be sent beyond that, as one forger
 * can use all its addresses. */
struct guard_trickle {
	uint32_t octets;
	uint32_t at_ms;
};

struct guard {
	struct guard_at at;
	struct guard_rules *rules; /* own, or the kernel's */
	struct guard_rules own;
	struct guard_kernel kernel;
	struct guard_ages *ages;
	struct guard_account *accounts; /* GUARD_BUCKETS */
	struct guard_trickle *trickles; /* GUARD_BUCKETS */
	uint64_t keep_ns;
	uint32_t sets, sweep, known;
	bool is_borrowed; /* sets are the kernel's, and it judges */
	uint64_t counted[GUARD_CLASS_COUNT];
};

static struct {
	metric_id dropped[GUARD_CLASS_COUNT], answers, known, forgotten;
} g_guard_metrics;

void guard_setup(void)
{
	static const char *const labels[] = {
#define X(id, name) "reason=\"" name "\"",
		GUARD_CLASSES(X)
#undef X
	};

	for (int i = 0; i < GUARD_CLASS_COUNT; i++) {
		g_guard_metrics.dropped[i] =
			metric_register(METRIC_COUNTER, "tandem_sip_guard_drops_total", labels[i],
					"SIP datagrams dropped before they were parsed, by the "
					"owner of the limit.");
	}
	g_guard_metrics.answers =
		metric_register(METRIC_COUNTER, "tandem_sip_guard_answers_dropped_total", NULL,
				"Answers over UDP not sent to strangers.");
	g_guard_metrics.known = metric_register(METRIC_GAUGE, "tandem_sip_guard_known", NULL,
						"Known sources: ports, and addresses.");
	g_guard_metrics.forgotten =
		metric_register(METRIC_COUNTER, "tandem_sip_guard_forgotten_total", NULL,
				"Known sources forgotten for want of room.");
}

/* ---- beginning and end ---- */

uint32_t guard_sets(uint32_t phones)
{
	uint64_t names = (uint64_t)phones * NAMES_OF_A_PHONE;
	uint32_t sets = SETS_MIN;

	while ((uint64_t)sets * GUARD_WAYS / 4 < names) /* a quarter full: sets do not run over */
		sets *= 2;
	return sets;
}

static int guard_tables_open(struct guard *g)
{
	g->at.sets = g->is_borrowed ? g->kernel.sets : calloc(g->sets, sizeof(struct guard_set));
	g->at.buckets = calloc(GUARD_BUCKETS_ALL, sizeof(struct guard_bucket));
	g->ages = calloc(g->sets, sizeof(struct guard_ages));
	g->accounts = calloc(GUARD_BUCKETS, sizeof(struct guard_account));
	g->trickles = calloc(GUARD_BUCKETS, sizeof(struct guard_trickle));
	return g->at.sets && g->at.buckets && g->ages && g->accounts && g->trickles ? 0 : -ENOMEM;
}

int guard_open(struct guard **out, uint32_t phones, uint64_t keep_ns, struct rand_source *rand,
	       const struct guard_kernel *kernel)
{
	struct guard *g = calloc(1, sizeof(*g));

	if (!g)
		return -ENOMEM;
	g->sets = guard_sets(phones);
	g->keep_ns = keep_ns;
	g->is_borrowed = kernel && kernel->sets;
	if (g->is_borrowed)
		g->kernel = *kernel;
	g->rules = g->is_borrowed ? g->kernel.rules : &g->own;
	g->rules->k0 = rand_u64_from(rand);
	g->rules->k1 = rand_u64_from(rand);
	g->rules->set_mask = g->sets - 1;
	if (guard_tables_open(g)) {
		guard_close(g);
		return -ENOMEM;
	}
	*out = g;
	return 0;
}

void guard_close(struct guard *g)
{
	if (!g)
		return;
	if (!g->is_borrowed)
		free(g->at.sets);
	free(g->at.buckets);
	free(g->ages);
	free(g->accounts);
	free(g->trickles);
	free(g);
}

/* Bursts: a whole office returns after a power cut; all strangers share a few ms of ours. */
void guard_configure(struct guard *g, const struct guard_limits *limits, uint64_t keep_ns)
{
	static const uint64_t BURST_MS[GUARD_CLASS_COUNT] = { 1000, 1000, 2000, 5000, 250 };

	g->keep_ns = keep_ns;
	for (int i = 0; i < GUARD_CLASS_COUNT; i++) {
		uint32_t per_s = limits->per_s[i];

		g->rules->rates[i] = (struct guard_rate){
			.each_ns = per_s ? NS_PER_S / per_s : 0,
			.burst_ns = BURST_MS[i] * NS_PER_MS,
		};
	}
}

/* ---- known sources ---- */

static struct guard_source guard_source_of(const struct addr *a)
{
	struct guard_source s;
	uint8_t mapped[16] = { [10] = 0xff, [11] = 0xff };

	static_assert(sizeof(s) == sizeof(a->ip), "two words");
	if (a->family == ADDR_V6) {
		memcpy(&s, a->ip, sizeof(s));
	} else {
		memcpy(mapped + 12, a->ip, 4);
		memcpy(&s, mapped, sizeof(s));
	}
	return s;
}

/* The first `bits` bits of an address as a mask; an IPv4 address follows 96 bits of prefix. */
static struct guard_source mask_of(enum addr_family family, unsigned bits)
{
	uint8_t octets[16] = { 0 };
	struct guard_source mask;

	if (family == ADDR_V4)
		bits += 96;
	for (unsigned i = 0; i < bits; i++)
		octets[i / 8] |= (uint8_t)(0x80U >> i % 8);
	memcpy(&mask, octets, sizeof(mask));
	return mask;
}

static bool net_of(struct guard_net *out, const struct guard_trusted *t)
{
	unsigned most = t->net.family == ADDR_V4 ? 32 : 128;

	if (t->net.family == ADDR_NONE || t->bits > most || most - t->bits >= 32 ||
	    1U << (most - t->bits) > GUARD_TRUSTED_ADDRESSES)
		return false;
	out->mask = mask_of(t->net.family, t->bits);
	out->net = guard_source_of(&t->net);
	out->net.high &= out->mask.high;
	out->net.low &= out->mask.low;
	out->port = t->net.port;
	return true;
}

/* The kernel reads at the same time: it sees an empty list first, then the whole one. */
bool guard_trust(struct guard *g, const struct guard_trusted *list, uint32_t count)
{
	struct guard_net net;
	guard_word n = 0;
	bool all = true;

	__atomic_store_n(&g->rules->net_count, 0, __ATOMIC_RELEASE);
	for (uint32_t i = 0; i < count; i++) {
		if (n < GUARD_NETS && net_of(&net, &list[i]))
			g->rules->nets[n++] = net;
		else
			all = false;
	}
	__atomic_store_n(&g->rules->net_count, n, __ATOMIC_RELEASE);
	return all;
}

static void way_clear(struct guard *g, uint32_t set, int way)
{
	g->at.sets[set].names[way] = 0;
	g->ages[set].until_s[way] = 0;
	g->known--;
}

/* A few sets at a time, so that expired sources make room in the end. */
static void guard_sweep(struct guard *g, uint32_t now_s)
{
	for (int i = 0; i < SWEEP; i++) {
		uint32_t set = g->sweep++ & (g->sets - 1);

		for (int way = 0; way < GUARD_WAYS; way++)
			if (g->at.sets[set].names[way] && g->ages[set].until_s[way] < now_s)
				way_clear(g, set, way);
	}
}

/* The name's own way, a free one, or the one that expires first. */
static int way_for(const struct guard *g, uint32_t set, guard_word name)
{
	const uint32_t *until_s = g->ages[set].until_s;
	int best = 0;

	for (int way = 0; way < GUARD_WAYS; way++) {
		if (g->at.sets[set].names[way] == name)
			return way;
		if (until_s[way] < until_s[best])
			best = way;
	}
	return best;
}

static void name_know(struct guard *g, guard_word name, uint32_t now_s)
{
	uint32_t set = (uint32_t)(name & g->rules->set_mask);
	guard_word *names = g->at.sets[set].names;
	int way = way_for(g, set, name);

	if (names[way] != name) {
		guard_sweep(g, now_s);
		if (names[way] && g->ages[set].until_s[way] >= now_s)
			metric_add(g_guard_metrics.forgotten, 1);
		g->known += names[way] == 0;
		names[way] = name;
	}
	g->ages[set].until_s[way] = now_s + (uint32_t)(g->keep_ns / NS_PER_S) + 1;
}

void guard_know(struct guard *g, const struct addr *who, uint64_t now_ns)
{
	struct guard_source source = guard_source_of(who);
	uint32_t now_s = (uint32_t)(now_ns / NS_PER_S);

	name_know(g, guard_name(g->rules, &source, who->port), now_s);
	name_know(g, guard_prefix_name(g->rules, &source), now_s);
}

void guard_know_peer(struct guard *g, const struct addr *who, uint64_t now_ns)
{
	struct guard_source source = guard_source_of(who);

	guard_know(g, who, now_ns);
	name_know(g, guard_name(g->rules, &source, (guard_word)GUARD_TRUSTED | who->port),
		  (uint32_t)(now_ns / NS_PER_S));
}

bool guard_is_known(const struct guard *g, const struct addr *who)
{
	struct guard_source source = guard_source_of(who);

	return guard_trusts(g->rules, &source, who->port) ||
	       guard_knows(&g->at, g->rules, guard_name(g->rules, &source, who->port));
}

/* ---- what comes ---- */

static struct guard_account *account_of(struct guard *g, const struct guard_source *source)
{
	return &g->accounts[guard_prefix_name(g->rules, source) & (GUARD_BUCKETS - 1)];
}

static struct guard_source guard_net_of(const struct addr *a)
{
	uint8_t octets[16];
	struct guard_source net = guard_source_of(a);
	size_t n = a->family == ADDR_V6 ? 6 : 15;

	memcpy(octets, &net, sizeof(octets));
	memset(octets + n, 0, sizeof(octets) - n);
	memcpy(&net, octets, sizeof(net));
	return net;
}

static struct guard_trickle *trickle_of(struct guard *g, const struct addr *to, uint64_t now_ns)
{
	const struct guard_source net = guard_net_of(to);
	guard_word name = guard_name(g->rules, &net, GUARD_NET);
	struct guard_trickle *t = &g->trickles[name & (GUARD_BUCKETS - 1)];
	uint32_t now_ms = (uint32_t)(now_ns / NS_PER_MS);
	uint64_t more = t->at_ms ? (uint64_t)(now_ms - t->at_ms) * GUARD_TRICKLE_PER_S / 1000
				 : GUARD_TRICKLE_MAX;

	if (!more)
		return t;
	t->at_ms = now_ms ? now_ms : 1;
	t->octets = t->octets + more < GUARD_TRICKLE_MAX ? t->octets + (uint32_t)more
							 : GUARD_TRICKLE_MAX;
	return t;
}

bool guard_admits(struct guard *g, const struct addr *from, size_t n, uint64_t now_ns)
{
	struct guard_source source = guard_source_of(from);
	struct guard_account *a;
	int beyond = -1;

	if (!g->is_borrowed)
		beyond = guard_judge(&g->at, g->rules, &source, from->port, now_ns);
	if (beyond >= 0) {
		metric_add(g_guard_metrics.dropped[beyond], 1);
		return false;
	}
	a = account_of(g, &source);
	a->octets = a->octets + n < ACCOUNT_MAX ? a->octets + (uint32_t)n : ACCOUNT_MAX;
	return true;
}

bool guard_may_answer(struct guard *g, const struct addr *to, size_t n, uint64_t now_ns)
{
	struct guard_source source = guard_source_of(to);
	struct guard_account *a = account_of(g, &source);
	uint32_t own = a->octets < n ? a->octets : (uint32_t)n, more = (uint32_t)n - own;
	struct guard_trickle *t = more ? trickle_of(g, to, now_ns) : NULL;

	if (!t || t->octets >= more) {
		a->octets -= own;
		if (t)
			t->octets -= more;
		return true;
	}
	if (guard_is_known(g, to))
		return true;
	metric_add(g_guard_metrics.answers, 1);
	return false;
}

/* ---- what the kernel does ---- */

static uint64_t dropped_at(const struct guard_dropped *place, int class)
{
	return place ? __atomic_load_n(&place->by_class[class], __ATOMIC_RELAXED) : 0;
}

uint64_t guard_socket_drops(const struct guard *g)
{
	uint64_t n = 0;

	for (int i = 0; i < GUARD_CLASS_COUNT; i++)
		n += dropped_at(g->kernel.at_sockets, i);
	return n;
}

void guard_count(struct guard *g)
{
	for (int i = 0; i < GUARD_CLASS_COUNT; i++) {
		uint64_t now =
			dropped_at(g->kernel.at_sockets, i) + dropped_at(g->kernel.at_frames, i);

		metric_add(g_guard_metrics.dropped[i], now - g->counted[i]);
		g->counted[i] = now;
	}
	metric_set(g_guard_metrics.known, g->known);
}
