/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What it costs to find the route of a number: 1,000 routes with seven patterns each, of one tenant.
 *
 *   routes [--routes 1000] [--rounds 200]     one JSON line: us per look-up
 *
 * "apart": patterns begin differently, as prefixes of carriers do. "alike": all patterns of all routes fit all numbers but for their end.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "sig/host/settings.h"
#include "sig/host/trunk_route.h"

enum { ASKED = 64 };

struct routes {
	struct shard_settings settings;
	uint32_t count, rounds;
};

static void die(const char *what)
{
	(void)fprintf(stderr, "routes: %s\n", what);
	exit(1);
}

static void routes_open(struct routes *r)
{
	static const struct hash_key key = { 1, 2 };
	struct tenants *tenants;
	static struct trunk_settings set = {
		.enabled = true, .directions = TRUNK_BOTH, .name = "a", .server_count = 1
	};
	uint16_t trunk;

	if (tenants_open(&tenants, &key) || trunks_open(&r->settings.trunks, tenants) ||
	    sip_place_read(&set.servers[0], BYTES_LIT("192.0.2.1")) ||
	    trunks_put(r->settings.trunks, &set, &trunk) ||
	    trunk_numbers_open(&r->settings.numbers, &key))
		die("no memory");
	r->settings.tenants = tenants;
}

/* The seven forms of a prefix. */
static void pattern_apart(char out[TRUNK_PATTERN_MAX], uint32_t i)
{
	(void)snprintf(out, TRUNK_PATTERN_MAX,
		       "+49%03ux.|0049%03ux.|01149%03ux.|0%03u[2-9]x.|9%03uxxxx|8%03ux.#|*%03u*x.",
		       i, i, i, i, i, i, i);
}

/* Sets of which each has all digits that are asked for. */
static void pattern_alike(char out[TRUNK_PATTERN_MAX], uint32_t i)
{
	struct writer w = writer_over(out, TRUNK_PATTERN_MAX - 1);

	for (uint32_t k = 0; k < 7; k++)
		writer_fmt(&w, "%s[5%u][5%u][5%u][5%u]%u", k ? "|" : "", i / 512 % 8, i / 64 % 8,
			   i / 8 % 8, i % 8, k);
	out[w.overflow ? 0 : w.n] = '\0';
}

static void routes_put(const struct routes *r, void (*pattern)(char[TRUNK_PATTERN_MAX], uint32_t))
{
	struct trunk_route route = { .enabled = true,
				     .choice_count = 1,
				     .choices = { { .trunk = "a", .weight = 1 } } };

	for (uint32_t i = 0; i < r->count; i++) {
		(void)snprintf(route.name, sizeof(route.name), "r%u", i);
		pattern(route.pattern, i);
		if (trunk_route_put(r->settings.numbers, &route))
			die("a route does not fit");
	}
}

static uint32_t routes_ask(const struct routes *r, const char *front)
{
	struct trunk_route_server way;
	uint32_t found = 0;

	for (uint32_t i = 0; i < ASKED; i++) {
		char number[TRUNK_NUMBER_MAX];

		(void)snprintf(number, sizeof(number), "%s%03u1234567", front,
			       i * r->count / ASKED % 1000);
		found += trunk_route(&r->settings, 0, bytes_str(number), i, &way, 1);
	}
	return found;
}

static double us_of(const struct routes *r, const char *front, bool fits)
{
	uint64_t begin = clock_now_ns();

	for (uint32_t i = 0; i < r->rounds; i++) {
		if (routes_ask(r, front) != (fits ? ASKED : 0))
			die("another route than there is");
	}
	return (double)(clock_now_ns() - begin) / 1e3 / ASKED / r->rounds;
}

static void options_read(struct routes *r, int argc, char **argv)
{
	static const struct option list[] = { { "routes", required_argument, NULL, 'n' },
					      { "rounds", required_argument, NULL, 'r' },
					      { NULL, 0, NULL, 0 } };
	int c;

	while ((c = getopt_long(argc, argv, "", list, NULL)) != -1) {
		uint32_t *to = c == 'n' ? &r->count : c == 'r' ? &r->rounds : NULL;

		if (!to || bytes_u32(bytes_str(optarg), to))
			die("usage: routes [--routes N] [--rounds N]");
	}
}

int main(int argc, char **argv)
{
	static struct routes r = { .count = 1000, .rounds = 200 };
	uint64_t begin;
	double put, fits, none, alike;

	options_read(&r, argc, argv);
	routes_open(&r);
	begin = clock_now_ns();
	routes_put(&r, pattern_apart);
	put = (double)(clock_now_ns() - begin) / 1e3 / r.count;
	fits = us_of(&r, "+49", true);
	none = us_of(&r, "+48", false);
	routes_put(&r, pattern_alike);
	alike = us_of(&r, "5555", false);
	(void)printf("{\"routes\":%" PRIu32
		     ",\"put_us\":%.1f,\"apart_us\":%.2f,\"apart_none_us\":%.2f,"
		     "\"alike_none_us\":%.2f}\n",
		     r.count, put, fits, none, alike);
	trunk_numbers_close(r.settings.numbers);
	trunks_close(r.settings.trunks);
	tenants_close(r.settings.tenants);
	return 0;
}
