/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/shard/shard_state.h"

#include "tests/unit/test.h"

static char g_carrier[] = "carrier.example";

static struct addr addr_of(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, bytes_str(text)), 0);
	return a;
}

/* Local 0: UDP of network 0; 1: TLS of network 1. */
static struct shard_settings settings_of(const struct shard_trusted *rule)
{
	return (struct shard_settings){ .local_count = 2,
					.locals = { { .network = 0 }, { .network = 1 } },
					.network_count = 2,
					.trusted_count = 1,
					.trusted = { *rule } };
}

static void rules(void **state)
{
	const struct shard_trusted plain = { .net = addr_of("192.0.2.0"), .bits = 24 };
	const struct shard_trusted second = { .net = plain.net, .bits = 24, .network = 2 };
	const struct shard_trusted udp = {
		.net = plain.net, .bits = 24, .transports = 1U << SIP_UDP, .port = 5060
	};
	const struct shard_trusted all = { .net = plain.net, .bits = 24, .transports = 0xff };
	const struct shard_trusted shown = { .net = plain.net, .bits = 24, .certificate = true };
	const struct shard_trusted v6 = { .net = addr_of("2001:db8::"), .bits = 32 };
	const struct row {
		const char *name;
		const struct shard_trusted *rule;
		struct sip_hop hop;
		const char *remote;
		bool trusted;
	} rows[] = {
		{ "UDP", &plain, { .transport = SIP_UDP }, "192.0.2.7:1", true },
		{ "TCP", &plain, { .transport = SIP_TCP }, "192.0.2.7:1", true },
		{ "TLS", &plain, { .transport = SIP_TLS }, "192.0.2.7:1", true },
		{ "WS", &plain, { .transport = SIP_WS }, "192.0.2.7:1", false },
		{ "WSS", &plain, { .transport = SIP_WSS }, "192.0.2.7:1", false },
		{ "WSS although it is said", &all, { .transport = SIP_WSS }, "192.0.2.7:1", false },
		{ "elsewhere", &plain, { .transport = SIP_UDP }, "192.0.3.7:1", false },
		{ "IPv6", &v6, { .transport = SIP_UDP }, "[2001:db8:1::1]:5060", true },
		{ "no IPv6", &plain, { .transport = SIP_UDP }, "[2001:db8:1::1]:5060", false },
		{ "network", &second, { .transport = SIP_TLS, .local = 1 }, "192.0.2.7:1", true },
		{ "other network", &second, { .transport = SIP_UDP }, "192.0.2.7:1", false },
		{ "no such local", &second, { .local = 9 }, "192.0.2.7:1", false },
		{ "port", &udp, { .transport = SIP_UDP }, "192.0.2.7:5060", true },
		{ "other port", &udp, { .transport = SIP_UDP }, "192.0.2.7:5061", false },
		{ "other transport", &udp, { .transport = SIP_TCP }, "192.0.2.7:5060", false },
		{ "certificate",
		  &shown,
		  { .transport = SIP_TLS, .certified = true },
		  "192.0.2.7:1",
		  true },
		{ "no certificate", &shown, { .transport = SIP_TLS }, "192.0.2.7:1", false },
		{ "certificate over UDP",
		  &shown,
		  { .transport = SIP_UDP, .certified = true },
		  "192.0.2.7:1",
		  false },
	};
	const struct row *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		const struct shard_settings settings = settings_of(row->rule);
		struct sip_hop hop = row->hop;

		hop.remote = addr_of(row->remote);
		ROW_ASSERT(row->name, (trust_find(&settings, &hop) != NULL) == row->trusted);
	}
}

/* The first that fits decides, so quotas can be given to some of a prefix. */
static void the_first_rule_counts(void **state)
{
	struct shard_settings settings = { .trusted_count = 2 };
	struct sip_hop hop = { .transport = SIP_UDP, .remote = addr_of("192.0.2.7:5060") };

	(void)state;
	settings.trusted[0] = (struct shard_trusted){ .net = addr_of("192.0.2.7"), .bits = 32 };
	settings.trusted[1] = (struct shard_trusted){ .net = addr_of("192.0.2.0"), .bits = 24 };
	assert_ptr_equal(trust_find(&settings, &hop), &settings.trusted[0]);
	hop.remote = addr_of("192.0.2.8:5060");
	assert_ptr_equal(trust_find(&settings, &hop), &settings.trusted[1]);
	settings.trusted_count = 0;
	assert_null(trust_find(&settings, &hop));
}

/* Whom a certificate alone keeps from trust. */
static void misses_a_certificate(void **state)
{
	const struct shard_trusted shown = { .net = addr_of("192.0.2.0"),
					     .bits = 24,
					     .certificate = true };
	const struct shard_trusted plain = { .net = addr_of("192.0.2.0"), .bits = 24 };
	const struct {
		const struct shard_trusted *rule;
		struct sip_hop hop;
		const char *remote;
		bool misses;
	} rows[] = {
		{ &shown, { .transport = SIP_TLS }, "192.0.2.7:1", true },
		{ &shown, { .transport = SIP_TLS, .certified = true }, "192.0.2.7:1", false },
		{ &shown, { .transport = SIP_TLS }, "192.0.3.7:1", false },
		{ &shown, { .transport = SIP_TCP }, "192.0.2.7:1", false },
		{ &shown, { .transport = SIP_WSS }, "192.0.2.7:1", false },
		{ &plain, { .transport = SIP_TLS }, "192.0.2.7:1", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct shard_settings *settings = malloc(sizeof(*settings));
		struct sip_hop hop = rows[i].hop;

		*settings = settings_of(rows[i].rule);
		hop.remote = addr_of(rows[i].remote);
		if (trust_misses_certificate(settings, &hop) != rows[i].misses)
			fail_msg("row %zu", i);
		free(settings);
	}
}

/* ---- trunks ---- */

struct trunk_site {
	struct tenants *tenants;
	struct shard_settings settings;
};

static struct trunk_site *trunks_site(void)
{
	static const struct hash_key key = { 1, 2 };
	struct trunk_site *s = calloc(1, sizeof(*s));

	assert_int_equal(tenants_open(&s->tenants, &key), 0);
	assert_int_equal(trunks_open(&s->settings.trunks, s->tenants), 0);
	s->settings.tenants = s->tenants;
	s->settings.local_count = 2;
	s->settings.locals[0].bind = addr_of("192.0.2.100:5060");
	s->settings.locals[1].bind = addr_of("192.0.2.100:5080");
	s->settings.locals[1].network = 1;
	s->settings.network_count = 2;
	(void)bytes_cstr(BYTES_LIT("core"), s->settings.networks[1].name, 32);
	return s;
}

static void trunks_site_close(struct trunk_site *s)
{
	trunks_close(s->settings.trunks);
	tenants_close(s->tenants);
	free(s);
}

static uint16_t trunk_put(struct trunk_site *s, const char *name, const char *net, uint8_t bits,
			  struct trunk_settings set)
{
	uint16_t trunk;

	set.enabled = true;
	(void)bytes_cstr(bytes_str(name), set.name, sizeof(set.name));
	if (net) {
		set.sources[0].net = addr_of(net);
		set.sources[0].bits = bits;
		set.source_count = 1;
	}
	assert_int_equal(trunks_put(s->settings.trunks, &set, &trunk), 0);
	return trunk;
}

static const char *found_by(struct trunk_site *s, uint16_t local, const char *remote)
{
	struct sip_hop hop = { .transport = SIP_UDP, .local = local, .remote = addr_of(remote) };

	return trunks_name(s->settings.trunks, trust_trunk(&s->settings, &hop));
}

/* Whoever is at the smaller network is the trunk of that; where nothing says more, all nodes choose the same. */
static void a_trunk_is_known_by_its_source(void **state)
{
	struct trunk_site *s = trunks_site();
	struct trunk_settings listens = { .listener = s->settings.locals[1].bind };
	struct trunk_settings core = { .network = "core" };

	(void)state;
	assert_string_equal(found_by(s, 0, "192.0.2.7:5060"), "");
	(void)trunk_put(s, "wide", "192.0.2.0", 24, (struct trunk_settings){ 0 });
	(void)trunk_put(s, "narrow", "192.0.2.7", 32, (struct trunk_settings){ 0 });
	(void)trunk_put(s, "listens", NULL, 0, listens);
	(void)trunk_put(s, "core", "198.51.100.0", 24, core);
	assert_string_equal(found_by(s, 0, "192.0.2.7:5060"), "narrow");
	assert_string_equal(found_by(s, 0, "192.0.2.8:5060"), "wide");
	assert_string_equal(found_by(s, 0, "203.0.113.1:5060"), "");
	assert_string_equal(found_by(s, 1, "203.0.113.1:5060"), "listens");
	assert_string_equal(found_by(s, 1, "192.0.2.8:5060"), "wide");
	assert_string_equal(found_by(s, 1, "198.51.100.1:5060"), "core");
	assert_string_equal(found_by(s, 0, "198.51.100.1:5060"), "");
	(void)trunk_put(s, "again", "192.0.2.7", 32, (struct trunk_settings){ 0 });
	assert_string_equal(found_by(s, 0, "192.0.2.7:5060"), "again");
	assert_true(trunks_delete(s->settings.trunks, 0, BYTES_LIT("again")));
	assert_string_equal(found_by(s, 0, "192.0.2.7:5060"), "narrow");
	trunks_site_close(s);
}

/* As a plain walk over all of them finds it. */
static const char *found_by_walk(const struct trunk_site *s, uint16_t local, const char *remote)
{
	struct addr from = addr_of(remote);
	const char *best = "";
	int most = -1;

	for (uint16_t i = 0; trunks_next(s->settings.trunks, &i); i++) {
		const struct trunk_settings *t = trunks_settings(s->settings.trunks, i);
		int bits = -1;

		if (t->listener.family != ADDR_NONE)
			bits = addr_eq(&t->listener, &s->settings.locals[local].bind) ? 0 : -1;
		else if (addr_is_within(&from, &t->sources[0].net, t->sources[0].bits))
			bits = t->sources[0].bits + 1;
		if (!trunks_has(s->settings.trunks, i) || bits < 0)
			continue;
		if (bits > most || (bits == most && strcmp(t->name, best) < 0)) {
			most = bits;
			best = t->name;
		}
	}
	return best;
}

static void assert_found_as_by_walk(struct trunk_site *s)
{
	static const char *const remotes[] = { "10.0.0.1:5060",      "10.1.2.3:5060",
					       "10.1.255.255:9",     "10.3.200.77:5060",
					       "[2001:db8::1]:5060", "[2001:db8:3:7::9]:5060",
					       "192.0.2.1:5060",     "0.0.0.0:1" };

	for (size_t i = 0; i < COUNT_OF(remotes); i++) {
		for (uint16_t local = 0; local < 2; local++)
			assert_string_equal(found_by(s, local, remotes[i]),
					    found_by_walk(s, local, remotes[i]));
	}
}

/* Prefixes of all lengths within each other, put and deleted in any order. */
static void one_of_many_trunks_is_found(void **state)
{
	struct trunk_site *s = trunks_site();
	uint32_t draw = 12345;

	(void)state;
	for (int i = 0; i < 600; i++) {
		struct trunk_settings set = { 0 };
		char name[16], net[40];
		bool six;

		draw = draw * 1664525 + 1013904223;
		six = draw >> 30 == 0;
		(void)snprintf(name, sizeof(name), "t%u", draw >> 8 & 0xff);
		(void)snprintf(net, sizeof(net), six ? "2001:db8:%u:7::9" : "10.%u.200.77",
			       draw >> 16 & 3);
		if ((draw >> 20 & 15) == 0)
			(void)trunks_delete(s->settings.trunks, 0, bytes_str(name));
		else if ((draw >> 20 & 15) == 1)
			(void)trunk_put(
				s, name, NULL, 0,
				(struct trunk_settings){ .listener = s->settings.locals[1].bind });
		else
			(void)trunk_put(s, name, net, (uint8_t)(draw % (six ? 129 : 33)), set);
		if (i % 10 == 0)
			assert_found_as_by_walk(s);
	}
	assert_found_as_by_walk(s);
	trunks_site_close(s);
}

/* Over TLS with a certificate alone, where the trunk says so; by its listener, too. */
static void a_trunk_shows_its_certificate(void **state)
{
	struct trunk_site *s = trunks_site();
	struct trunk_settings set = { .listener = s->settings.locals[1].bind, .certificate = true };
	struct sip_hop hop = { .transport = SIP_TLS, .local = 1, .remote = addr_of("192.0.2.7:1") };
	uint16_t trunk = trunk_put(s, "shown", NULL, 0, set);

	(void)state;
	assert_int_equal(trust_trunk(&s->settings, &hop), TRUNK_NONE);
	hop.certified = true;
	assert_int_equal(trust_trunk(&s->settings, &hop), trunk);
	hop.transport = SIP_UDP;
	assert_int_equal(trust_trunk(&s->settings, &hop), TRUNK_NONE);
	trunks_site_close(s);
}

/* A certificate for one domain alone, as the transport knows it. */
static bool is_for_carrier(void *arg, const struct sip_hop *hop, const char *domain)
{
	assert_ptr_equal(arg, g_carrier);
	return hop->connection == 7 && !strcmp(domain, g_carrier);
}

/* Two trunks at one address, each by its certificate; one that is for neither is no trunk's. */
static void a_trunk_shows_its_name(void **state)
{
	struct trunk_site *s = trunks_site();
	struct trunk_settings set = { .certificate = true };
	struct sip_hop hop = { .transport = SIP_TLS, .remote = addr_of("192.0.2.7:1") };
	uint16_t trunk;

	(void)state;
	hop.certified = true;
	hop.connection = 7;
	(void)strcpy(set.certificate_name, "other.example");
	(void)trunk_put(s, "a", "192.0.2.7", 32, set);
	(void)strcpy(set.certificate_name, g_carrier);
	trunk = trunk_put(s, "b", "192.0.2.7", 32, set);
	assert_int_equal(trust_trunk(&s->settings, &hop), TRUNK_NONE); /* nobody can say */
	s->settings.certified = (struct shard_certified){ g_carrier, is_for_carrier };
	assert_int_equal(trust_trunk(&s->settings, &hop), trunk);
	hop.connection = 8;
	assert_int_equal(trust_trunk(&s->settings, &hop), TRUNK_NONE);
	trunks_site_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules),
		cmocka_unit_test(misses_a_certificate),
		cmocka_unit_test(the_first_rule_counts),
		cmocka_unit_test(a_trunk_is_known_by_its_source),
		cmocka_unit_test(one_of_many_trunks_is_found),
		cmocka_unit_test(a_trunk_shows_its_certificate),
		cmocka_unit_test(a_trunk_shows_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
