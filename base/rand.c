/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random numbers from the kernel (getrandom), or from a seed in tests (xoshiro256**), behind one
 * struct. Tags, branches, nonces, keys and SSRCs come from it, so the kernel's failure ends the
 * process: there would be no safe value to go on with. The kernel is asked for a pool of octets at
 * a time, and octets that were handed out are erased from the pool.
 */

#include "base/rand.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void rand_open_system(struct rand_source *r)
{
	memset(r, 0, sizeof(*r));
	r->used = sizeof(r->pool);
}

/* splitmix64, as the authors of xoshiro advise: a seed of few set bits still fills the state. */
static uint64_t split_mix(uint64_t *x)
{
	uint64_t z = *x += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

void rand_open_seed(struct rand_source *r, uint64_t seed)
{
	memset(r, 0, sizeof(*r));
	r->seeded = 1;
	for (int i = 0; i < 4; i++)
		r->state[i] = split_mix(&seed);
}

static uint64_t rand_rotate_left(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

/* xoshiro256** 1.0 (Blackman, Vigna) */
static uint64_t seeded_next(uint64_t s[4])
{
	uint64_t out = rand_rotate_left(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rand_rotate_left(s[3], 45);
	return out;
}

/* Without randomness there are no safe tags, nonces or keys: stopping is the only answer. */
static void system_fetch(void *out, size_t n)
{
	uint8_t *to = out;

	while (n) {
		ssize_t got = getrandom(to, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			abort();
		to += got;
		n -= (size_t)got;
	}
}

static void system_fill(struct rand_source *r, uint8_t *out, size_t n)
{
	if (n > sizeof(r->pool)) {
		system_fetch(out, n);
		return;
	}
	if (n > sizeof(r->pool) - r->used) {
		system_fetch(r->pool, sizeof(r->pool));
		r->used = 0;
	}
	memcpy(out, r->pool + r->used, n);
	explicit_bzero(r->pool + r->used, n); /* what was given out is no longer here to leak */
	r->used += (uint32_t)n;
}

static void seeded_fill(struct rand_source *r, uint8_t *out, size_t n)
{
	uint64_t word = 0;

	for (size_t i = 0; i < n; i++) {
		if (i % 8 == 0)
			word = seeded_next(r->state);
		out[i] = (uint8_t)word;
		word >>= 8;
	}
}

void rand_fill(struct rand_source *r, void *out, size_t n)
{
	if (n == 0)
		return;
	if (r->seeded) {
		seeded_fill(r, out, n);
	} else {
		system_fill(r, out, n);
	}
}

uint32_t rand_u32_from(struct rand_source *r)
{
	uint32_t v;

	rand_fill(r, &v, sizeof(v));
	return v;
}

uint64_t rand_u64_from(struct rand_source *r)
{
	uint64_t v;

	rand_fill(r, &v, sizeof(v));
	return v;
}

/* Lemire 2019: a multiplication, and only rarely a division and another draw. */
uint32_t rand_below(struct rand_source *r, uint32_t limit)
{
	uint64_t product = (uint64_t)rand_u32_from(r) * limit;

	assert(limit > 0);
	if ((uint32_t)product < limit) {
		uint32_t floor = -limit % limit;

		while ((uint32_t)product < floor)
			product = (uint64_t)rand_u32_from(r) * limit;
	}
	return (uint32_t)(product >> 32);
}
