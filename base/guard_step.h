/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decides whether a datagram of a source is accepted. The same lines run in the process (guard.c)
 * and in the kernel (engine/port/xdp/guard.h), so they use plain C types only. A file that includes
 * this one defines struct guard_at, guard_set_at and guard_bucket_at, which say where its tables
 * are.
 *
 * A source is known if it has authenticated, is called by us, or is trusted by the settings. Names
 * are keyed hashes, so a sender cannot choose with which source it shares a place. Strangers are
 * never stored: they share buckets, so no number of forged sources displaces a known one.
 */
#ifndef BASE_GUARD_STEP_H
#define BASE_GUARD_STEP_H

#include "base/guard_rule.h"

#ifndef GUARD_INLINE
#define GUARD_INLINE static inline
#endif

struct guard_at;
/* Returns NULL if the set does not exist. */
GUARD_INLINE const struct guard_set *guard_set_at(const struct guard_at *at, unsigned index);
GUARD_INLINE struct guard_bucket *guard_bucket_at(const struct guard_at *at, unsigned index);

GUARD_INLINE guard_word guard_turn(guard_word x, int n)
{
	return x << n | x >> (64 - n);
}

struct guard_sip {
	guard_word a, b, c, d;
};

GUARD_INLINE void guard_round(struct guard_sip *s)
{
	s->a += s->b;
	s->b = guard_turn(s->b, 13) ^ s->a;
	s->a = guard_turn(s->a, 32);
	s->c += s->d;
	s->d = guard_turn(s->d, 16) ^ s->c;
	s->a += s->d;
	s->d = guard_turn(s->d, 21) ^ s->a;
	s->c += s->b;
	s->b = guard_turn(s->b, 17) ^ s->c;
	s->c = guard_turn(s->c, 32);
}

GUARD_INLINE void guard_mix(struct guard_sip *s, guard_word word)
{
	s->d ^= word;
	guard_round(s);
	guard_round(s);
	s->a ^= word;
}

/* SipHash-2-4 of three words, as in base/table.c. what: the port, or GUARD_PREFIX. Never 0. */
GUARD_INLINE guard_word guard_name(const struct guard_rules *r, const struct guard_source *from,
				   guard_word what)
{
	struct guard_sip s = { r->k0 ^ 0x736f6d6570736575ULL, r->k1 ^ 0x646f72616e646f6dULL,
			       r->k0 ^ 0x6c7967656e657261ULL, r->k1 ^ 0x7465646279746573ULL };
	guard_word name;

	guard_mix(&s, from->high);
	guard_mix(&s, from->low);
	guard_mix(&s, what);
	guard_mix(&s, 24ULL << 56);
	s.c ^= 0xff;
	guard_round(&s);
	guard_round(&s);
	guard_round(&s);
	guard_round(&s);
	name = s.a ^ s.b ^ s.c ^ s.d;
	return name ? name : 1;
}

/* The address alone; for IPv6 the /64, since its holder has 2^64 addresses. */
GUARD_INLINE guard_word guard_prefix_name(const struct guard_rules *r,
					  const struct guard_source *from)
{
	struct guard_source prefix = *from;

	if (prefix.high)
		prefix.low = 0;
	return guard_name(r, &prefix, GUARD_PREFIX);
}

GUARD_INLINE int guard_has(const struct guard_set *set, guard_word name)
{
	if (!set)
		return 0;
	for (int i = 0; i < GUARD_WAYS; i++)
		if (set->names[i] == name)
			return 1;
	return 0;
}

/* Two threads that take at once may take one for two: it is a limit, not a sum of money. */
GUARD_INLINE int guard_consume(struct guard_bucket *b, const struct guard_rate *rate,
			       guard_word now_ns)
{
	guard_word full_ns;

	if (!rate->each_ns || !b)
		return 1;
	full_ns = b->full_ns;
	if (full_ns < now_ns)
		full_ns = now_ns;
	if (full_ns - now_ns > rate->burst_ns)
		return 0;
	b->full_ns = full_ns + rate->each_ns;
	return 1;
}

GUARD_INLINE int guard_knows(const struct guard_at *at, const struct guard_rules *r,
			     guard_word name)
{
	return guard_has(guard_set_at(at, (unsigned)(name & r->set_mask)), name);
}

GUARD_INLINE int guard_net_has(const struct guard_net *n, const struct guard_source *from,
			       unsigned port)
{
	return (from->high & n->mask.high) == n->net.high &&
	       (from->low & n->mask.low) == n->net.low && (!n->port || n->port == port);
}

GUARD_INLINE int guard_trusts(const struct guard_rules *r, const struct guard_source *from,
			      unsigned port)
{
	for (unsigned i = 0; i < GUARD_NETS && i < r->net_count; i++)
		if (guard_net_has(&r->nets[i], from, port))
			return 1;
	return 0;
}

GUARD_INLINE int guard_class_consume(const struct guard_at *at, const struct guard_rules *r,
				     int class, guard_word prefix, guard_word now_ns)
{
	unsigned index = (unsigned)class * GUARD_BUCKETS + (unsigned)(prefix & (GUARD_BUCKETS - 1));

	return guard_consume(guard_bucket_at(at, index), &r->rates[class], now_ns);
}

/* Returns the class with the exceeded limit, or -1 to accept. A source's own limit comes first, so
 * that a single flood does not use up what all strangers share. */
GUARD_INLINE int guard_judge(const struct guard_at *at, const struct guard_rules *r,
			     const struct guard_source *from, unsigned port, guard_word now_ns)
{
	guard_word prefix = guard_prefix_name(r, from);

	if (guard_trusts(r, from, port))
		return guard_class_consume(at, r, GUARD_PEER, prefix, now_ns) ? -1 : GUARD_PEER;
	if (guard_knows(at, r, guard_name(r, from, port))) {
		int class = guard_knows(at, r, guard_name(r, from, GUARD_TRUSTED | port))
				    ? GUARD_PEER
				    : GUARD_KNOWN;

		return guard_class_consume(at, r, class, prefix, now_ns) ? -1 : class;
	}
	if (guard_knows(at, r, prefix))
		return guard_class_consume(at, r, GUARD_NEIGHBOUR, prefix, now_ns)
			       ? -1
			       : GUARD_NEIGHBOUR;
	if (!guard_class_consume(at, r, GUARD_STRANGER, prefix, now_ns))
		return GUARD_STRANGER;
	return guard_consume(guard_bucket_at(at, GUARD_BUCKETS_ALL - 1), &r->rates[GUARD_EVERYBODY],
			     now_ns)
		       ? -1
		       : GUARD_EVERYBODY;
}

#endif
