/* SPDX-License-Identifier: Apache-2.0 */
/* How packets come over networks of several kinds, in ms behind the moment that they are sent. */
#ifndef TESTS_UNIT_MEDIA_JITTER_PATH_H
#define TESTS_UNIT_MEDIA_JITTER_PATH_H

#include <math.h>
#include <stdint.h>

struct path {
	uint64_t seed;
	double now;   /* when the present packet is sent, ms */
	double until; /* what goes on ends */
	double value;
};

typedef double path_fn(struct path *p);

/* 0 to 1 */
static inline double path_random(struct path *p)
{
	p->seed ^= p->seed << 13;
	p->seed ^= p->seed >> 7;
	p->seed ^= p->seed << 17;
	return (double)(p->seed >> 11) / 9007199254740992.0;
}

static inline double path_normal(struct path *p)
{
	return sqrt(-2 * log(1 - path_random(p))) * cos(2 * M_PI * path_random(p));
}

static inline double path_exponential(struct path *p, double mean)
{
	return -mean * log(1 - path_random(p));
}

static inline double path_constant(struct path *p)
{
	(void)p;
	return 20;
}

static inline double path_gaussian(struct path *p)
{
	return fmax(0, 40 + 8 * path_normal(p));
}

/* Each 5 s, about, the line stands still for 50 to 150 ms; what waited comes at once then. */
static inline double path_spikes(struct path *p)
{
	if (p->now > p->value) {
		p->until = p->now + 50 + 100 * path_random(p);
		p->value = p->until + path_exponential(p, 5000);
	}
	return fmax(p->until - p->now, 0) + 10 + fabs(2 * path_normal(p));
}

/* The air is taken for 20 to 80 ms each 300 ms, about. */
static inline double path_wifi(struct path *p)
{
	if (p->now > p->value) {
		p->until = p->now + 20 + 60 * path_random(p);
		p->value = p->until + path_exponential(p, 300);
	}
	return fmax(p->until - p->now, 0) + path_exponential(p, 3);
}

/* One of 20 takes another way. */
static inline double path_reordered(struct path *p)
{
	return (path_random(p) < 0.05 ? 45 : 10) + path_exponential(p, 2);
}

/* A queue that fills and empties over 20 s. */
static inline double path_queue(struct path *p)
{
	return 40 - 40 * cos(2 * M_PI * p->now / 20000) + path_exponential(p, 4);
}

/* Once in two minutes it is 60 ms longer, for a minute. */
static inline double path_routes(struct path *p)
{
	return (fmod(p->now, 120000) < 60000 ? 20 : 80) + path_exponential(p, 3);
}

static inline double path_heavy_tail(struct path *p)
{
	return fmin(400, 10 * pow(1 - path_random(p), -1 / 2.5));
}

#endif
