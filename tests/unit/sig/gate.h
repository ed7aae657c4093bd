/* SPDX-License-Identifier: Apache-2.0 */
/* A line with trunks: carriers at 198.51.100.1 and so on, and phones 1001 and 1002 of the default tenant. */
#ifndef TESTS_UNIT_SIG_GATE_H
#define TESTS_UNIT_SIG_GATE_H

#include "sig/host/tenant_tables.h"
#include "sig/host/trunk_route.h"
#include "tests/unit/sig/line.h"

enum { GATE_CARRIERS = 3 };

struct gate {
	struct line l; /* first: it is one */
	struct tenants *tenants;
	struct trunks *trunks;
	struct trunk_numbers *numbers;
	struct sites *sites;
	struct phone carriers[GATE_CARRIERS]; /* servers of trunks */
};

/* The trunk "carrier", one server each unless said otherwise. */
RIG_FN struct trunk_settings gate_trunk(const char *name, const char *servers)
{
	struct trunk_settings set = { .enabled = true, .directions = TRUNK_BOTH };
	struct bytes list = bytes_str(servers), one;

	(void)bytes_cstr(bytes_str(name), set.name, sizeof(set.name));
	while (bytes_cut(&list, ',', &one)) {
		struct shard_trusted *source = &set.sources[set.source_count];

		assert_int_equal(sip_place_read(&set.servers[set.server_count++], one), 0);
		if (addr_parse(&source->net, bytes_str(set.servers[set.server_count - 1].host)))
			continue;
		source->bits = 32;
		set.source_count++;
	}
	return set;
}

RIG_FN uint16_t gate_put(struct gate *g, const struct trunk_settings *set)
{
	uint16_t trunk;

	assert_int_equal(trunks_put(g->trunks, set, &trunk), 0);
	return trunk;
}

RIG_FN void gate_did(struct gate *g, const char *number, const char *to)
{
	struct trunk_did did = { .tenant = TENANT_DEFAULT };

	(void)bytes_cstr(bytes_str(number), did.number, sizeof(did.number));
	(void)bytes_cstr(bytes_str(to), did.to, sizeof(did.to));
	assert_int_equal(trunk_did_put(g->numbers, &did), 0);
}

/* Calls of these numbers go out by that trunk. */
RIG_FN void gate_route(struct gate *g, const char *pattern, const char *trunk)
{
	struct trunk_route r = { .enabled = true, .name = "out", .choice_count = 1 };

	(void)bytes_cstr(bytes_str(pattern), r.pattern, sizeof(r.pattern));
	(void)bytes_cstr(bytes_str(trunk), r.choices[0].trunk, sizeof(r.choices[0].trunk));
	assert_int_equal(trunk_route_put(g->numbers, &r), 0);
}

/* ... or then by that one. */
RIG_FN void gate_route_also(struct gate *g, const char *pattern, const char *first,
			    const char *trunk)
{
	struct trunk_route r = { .enabled = true, .name = "out", .choice_count = 2 };

	(void)bytes_cstr(bytes_str(pattern), r.pattern, sizeof(r.pattern));
	(void)bytes_cstr(bytes_str(first), r.choices[0].trunk, sizeof(r.choices[0].trunk));
	(void)bytes_cstr(bytes_str(trunk), r.choices[1].trunk, sizeof(r.choices[1].trunk));
	r.choices[1].priority = 1;
	assert_int_equal(trunk_route_put(g->numbers, &r), 0);
}

/* 1001 may call numbers of any class. */
RIG_FN void gate_may_call(struct gate *g)
{
	struct shard_extension e = rig_extension("1001", false);

	e.classes = 0xff;
	assert_int_equal(shard_extension_put(g->l.r->shard, &e), 0);
}

RIG_FN void gate_open(struct gate *g, struct shard_settings *settings)
{
	static const struct hash_key key = { 1, 2 };

	assert_int_equal(tenants_open(&g->tenants, &key), 0);
	assert_int_equal(trunks_open(&g->trunks, g->tenants), 0);
	assert_int_equal(trunk_numbers_open(&g->numbers, &key), 0);
	assert_int_equal(sites_open(&g->sites, g->tenants), 0);
	settings->tenants = g->tenants;
	settings->sites = g->sites;
	settings->trunks = g->trunks;
	settings->numbers = g->numbers;
	g->l.r = rig_open_with(settings);
	phones_open(g->l.r, &g->l.a, &g->l.b);
	for (unsigned i = 0; i < GATE_CARRIERS; i++) {
		char address[ADDR_TEXT_MAX];

		(void)snprintf(address, sizeof(address), "198.51.100.%u:5060", i + 1);
		phone_open(&g->carriers[i], g->l.r, "gw", address);
		(void)snprintf(g->carriers[i].tag, sizeof(g->carriers[i].tag), "gw%u", i);
	}
}

RIG_FN int gate_setup(void **state)
{
	struct shard_settings settings = rig_settings();
	struct gate *g = calloc(1, sizeof(*g));

	gate_open(g, &settings);
	*state = g;
	return 0;
}

RIG_FN int gate_teardown(void **state)
{
	struct gate *g = *state;

	rig_close(g->l.r);
	sites_close(g->sites);
	trunk_numbers_close(g->numbers);
	trunks_close(g->trunks);
	tenants_close(g->tenants);
	free(g);
	return 0;
}

#define GATE_TEST(fn) cmocka_unit_test_setup_teardown(fn, gate_setup, gate_teardown)

#endif
