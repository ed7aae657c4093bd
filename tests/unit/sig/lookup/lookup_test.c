/* SPDX-License-Identifier: Apache-2.0 */
/* Where URIs lead: the examples of RFC 3263 4, and zones that lie. */
#include "sig/lookup/lookup.h"
#include "tests/unit/sig/lookup/zone.h"

#define UDP (1U << SIP_UDP)
#define TCP (1U << SIP_TCP)
#define TLS (1U << SIP_TLS)
#define ALL (UDP | TCP | TLS)

/* RFC 3263 4.1 and 4.2 */
static const struct zone_record g_rfc[] = {
	{ "example.com", DNS_NAPTR, 50, 50, 0, "_sips._tcp.example.com", NAPTR_SIPS_TCP },
	{ "example.com", DNS_NAPTR, 90, 50, 0, "_sip._tcp.example.com", NAPTR_SIP_TCP },
	{ "example.com", DNS_NAPTR, 100, 50, 0, "_sip._udp.example.com", NAPTR_SIP_UDP },
	{ "_sip._tcp.example.com", DNS_SRV, 0, 0, 5060, "server1.example.com", 0 },
	{ "_sip._tcp.example.com", DNS_SRV, 1, 0, 5060, "server2.example.com", 0 },
	{ "_sips._tcp.example.com", DNS_SRV, 0, 0, 5061, "server1.example.com", 0 },
	{ "_sip._udp.example.com", DNS_SRV, 0, 0, 5070, "server2.example.com", 0 },
	{ "server1.example.com", DNS_A, 0, 0, 0, "192.0.2.1", 0 },
	{ "server1.example.com", DNS_AAAA, 0, 0, 0, "2001:db8::1", 0 },
	{ "server2.example.com", DNS_A, 0, 0, 0, "192.0.2.2", 0 },
	{ "example.com", DNS_A, 0, 0, 0, "192.0.2.9", 0 },
	{ NULL, 0, 0, 0, 0, NULL, 0 },
};

static const struct zone_record g_other[] = {
	/* SRV, no NAPTR */
	{ "_sip._tcp.srv.test", DNS_SRV, 0, 0, 5080, "a.srv.test", 0 },
	{ "a.srv.test", DNS_A, 0, 0, 0, "192.0.2.3", 0 },
	{ "srv.test", DNS_A, 0, 0, 0, "192.0.2.4", 0 },
	/* neither */
	{ "plain.test", DNS_A, 0, 0, 0, "192.0.2.5", 0 },
	{ "plain.test", DNS_A, 0, 0, 0, "192.0.2.6", 0 },
	/* SIP is not spoken there (RFC 2782: a target of ".") */
	{ "_sip._udp.none.test", DNS_SRV, 0, 0, 0, ".", 0 },
	{ "none.test", DNS_A, 0, 0, 0, "192.0.2.7", 0 },
	/* aliases */
	{ "alias.test", DNS_CNAME, 0, 0, 0, "alias2.test", 0 },
	{ "alias2.test", DNS_CNAME, 0, 0, 0, "plain.test", 0 },
	{ "ring.test", DNS_CNAME, 0, 0, 0, "ring2.test", 0 },
	{ "ring2.test", DNS_CNAME, 0, 0, 0, "ring.test", 0 },
	/* nowhere */
	{ "any.test", DNS_A, 0, 0, 0, "0.0.0.0", 0 },
	{ "any.test", DNS_A, 0, 0, 0, "224.0.0.5", 0 },
	{ "same.test", DNS_A, 0, 0, 0, "192.0.2.8", 0 },
	{ "same.test", DNS_A, 0, 0, 0, "192.0.2.8", 0 },
	/* NAPTR that leads to nothing: the name itself (RFC 3263 4.2) */
	{ "stub.test", DNS_NAPTR, 1, 1, 0, "_sip._udp.gone.test", NAPTR_SIP_UDP },
	{ "stub.test", DNS_A, 0, 0, 0, "192.0.2.10", 0 },
	{ NULL, 0, 0, 0, 0, NULL, 0 },
};

struct lookup_row {
	const char *uri;
	unsigned speaks;
	bool v6;
	const char *targets;
	enum lookup_state state;
	unsigned asked;
};

static const struct lookup_row g_rfc_rows[] = {
	{ "sip:u@example.com", ALL, false, "TLS 192.0.2.1:5061 ", LOOKUP_DONE, 3 },
	{ "sip:u@example.com", UDP | TCP, false, "TCP 192.0.2.1:5060 TCP 192.0.2.2:5060 ",
	  LOOKUP_DONE, 4 },
	{ "sip:u@example.com", UDP | TCP, true,
	  "TCP 192.0.2.1:5060 TCP [2001:db8::1]:5060 TCP 192.0.2.2:5060 ", LOOKUP_DONE, 6 },
	{ "sip:u@example.com", UDP, false, "UDP 192.0.2.2:5070 ", LOOKUP_DONE, 3 },
	{ "sips:u@example.com", ALL, false, "TLS 192.0.2.1:5061 ", LOOKUP_DONE, 3 },
	{ "sips:u@example.com;transport=tcp", ALL, false, "TLS 192.0.2.1:5061 ", LOOKUP_DONE, 2 },
	{ "sip:u@example.com;transport=udp", ALL, false, "UDP 192.0.2.2:5070 ", LOOKUP_DONE, 2 },
	{ "sip:u@example.com:5080", ALL, false, "UDP 192.0.2.9:5080 ", LOOKUP_DONE, 1 },
	{ "sip:u@example.com:5080;transport=tcp", ALL, false, "TCP 192.0.2.9:5080 ", LOOKUP_DONE,
	  1 },
	{ "sips:u@example.com:5080", ALL, false, "TLS 192.0.2.9:5080 ", LOOKUP_DONE, 1 },
	{ "sips:u@example.com", UDP | TCP, false, "", LOOKUP_BAD, 0 },
	{ "sip:u@EXAMPLE.com.;transport=TCP", ALL, false, "TCP 192.0.2.1:5060 TCP 192.0.2.2:5060 ",
	  LOOKUP_DONE, 3 },
};

static const struct lookup_row g_other_rows[] = {
	{ "sip:u@srv.test", UDP | TCP, false, "TCP 192.0.2.3:5080 ", LOOKUP_DONE, 4 },
	{ "sip:u@srv.test;transport=udp", UDP | TCP, false, "UDP 192.0.2.4:5060 ", LOOKUP_DONE, 2 },
	{ "sip:u@plain.test", UDP, false, "UDP 192.0.2.5:5060 UDP 192.0.2.6:5060 ", LOOKUP_DONE,
	  3 },
	{ "sips:u@plain.test", ALL, false, "TLS 192.0.2.5:5061 TLS 192.0.2.6:5061 ", LOOKUP_DONE,
	  3 },
	{ "sip:u@none.test;transport=udp", UDP, false, "", LOOKUP_NOTHING, 1 },
	{ "sip:u@alias.test:5060", UDP, false, "UDP 192.0.2.5:5060 UDP 192.0.2.6:5060 ",
	  LOOKUP_DONE, 3 },
	{ "sip:u@ring.test:5060", UDP, false, "", LOOKUP_NOTHING, 2 },
	{ "sip:u@any.test:5060", UDP, false, "", LOOKUP_NOTHING, 1 },
	{ "sip:u@same.test:5060", UDP, false, "UDP 192.0.2.8:5060 ", LOOKUP_DONE, 1 },
	{ "sip:u@stub.test", UDP, false, "UDP 192.0.2.10:5060 ", LOOKUP_DONE, 4 },
	{ "sip:u@gone.test", UDP, false, "", LOOKUP_NOTHING, 3 },
	{ "sip:u@1234567890123456789012345678901234567890123456789012345678901234.test", UDP, false,
	  "", LOOKUP_BAD, 0 },
	{ "sip:u@192.0.2.77", UDP, false, "UDP 192.0.2.77:5060 ", LOOKUP_DONE, 0 },
	{ "sip:u@[2001:db8::7]:99;transport=tls", ALL, false, "TLS [2001:db8::7]:99 ", LOOKUP_DONE,
	  0 },
	{ "sip:u@0.0.0.0", UDP, false, "", LOOKUP_NOTHING, 0 },
};

/* Asks until nothing is left to be asked for: how many questions, and rounds of them. */
static unsigned zone_walk(struct dns_cache *cache, const struct zone_record *zone,
			  const struct lookup_want *want, struct lookup *out, unsigned *rounds)
{
	static struct dns_answer answer;
	unsigned asked = 0;

	for (*rounds = 0;; ++*rounds) {
		lookup_run(cache, want, NS_PER_S, out);
		if (out->state != LOOKUP_REQUEST)
			return asked;
		assert_true(*rounds < LOOKUP_ROUNDS_MAX);
		for (uint32_t i = 0; i < out->ask_count; i++) {
			zone_answer(zone, &out->asks[i], &answer);
			dns_cache_put(cache, &out->asks[i], &answer, NS_PER_S);
			asked++;
		}
	}
}

static void targets_write(const struct lookup *l, char *out, size_t cap)
{
	struct writer w = writer_over(out, cap - 1);

	for (uint32_t i = 0; i < l->target_count; i++) {
		WRITER_TEXTS(&w, sip_transport_name((enum sip_transport)l->targets[i].transport),
			     " ");
		addr_write(&w, &l->targets[i].to);
		writer_str(&w, " ");
	}
	out[w.n] = '\0';
}

static void check_row(const struct lookup_row *row, const struct zone_record *zone)
{
	static struct lookup l;
	struct hash_key key = { 1, 2 };
	struct lookup_want want;
	struct dns_cache cache;
	struct sip_uri uri;
	unsigned asked, rounds;
	char text[512];

	assert_int_equal(dns_cache_open(&cache, 64, &key), 0);
	ROW_ASSERT(row->uri, sip_uri_parse(&uri, bytes_str(row->uri)) == 0);
	ROW_ASSERT(row->uri, lookup_want_from_uri(&want, &uri) == 0);
	want.speaks = (uint8_t)row->speaks;
	want.v4 = true;
	want.v6 = row->v6;
	asked = zone_walk(&cache, zone, &want, &l, &rounds);
	targets_write(&l, text, sizeof(text));
	if (strcmp(text, row->targets) != 0 || l.state != row->state || asked != row->asked)
		fail_msg("%s: %s, %s, %u asked", row->uri, text, lookup_state_name(l.state), asked);
	/* what is known is not asked for again */
	assert_int_equal(zone_walk(&cache, zone, &want, &l, &rounds), 0);
	dns_cache_close(&cache);
}

static void test_rfc_3263(void **state)
{
	const struct lookup_row *row;

	(void)state;
	EACH_ROW(row, g_rfc_rows)
	check_row(row, g_rfc);
}

static void test_other_zones(void **state)
{
	const struct lookup_row *row;

	(void)state;
	EACH_ROW(row, g_other_rows)
	check_row(row, g_other);
}

/* Nobody says whether there are NAPTR records: the name is not found, and not gone. */
static void test_nobody_answers(void **state)
{
	static const struct dns_answer failed = { .result = DNS_FAILED };
	static struct lookup l;
	struct hash_key key = { 1, 2 };
	struct lookup_want want = { .host = "example.com", .speaks = UDP, .v4 = true };
	struct dns_cache cache;

	(void)state;
	assert_int_equal(dns_cache_open(&cache, 8, &key), 0);
	for (int round = 0; round < 3; round++) {
		lookup_run(&cache, &want, NS_PER_S, &l);
		assert_int_equal(l.state, LOOKUP_REQUEST);
		assert_int_equal(l.ask_count, 1);
		dns_cache_put(&cache, &l.asks[0], &failed, NS_PER_S);
	}
	lookup_run(&cache, &want, NS_PER_S, &l);
	assert_int_equal(l.state, LOOKUP_FAILED);
	lookup_run(&cache, &want, (1 + DNS_FAILED_S) * NS_PER_S, &l);
	assert_int_equal(l.state, LOOKUP_REQUEST); /* for a moment only */
	dns_cache_close(&cache);
}

/* A zone of nothing but aliases of aliases, and of a thousand records, costs no more than it may. */
static void test_liars_are_bounded(void **state)
{
	static struct zone_record many[1001];
	static char names[1000][32];
	static struct lookup l;
	struct hash_key key = { 1, 2 };
	struct lookup_want want = { .host = "n0.test",
				    .speaks = ALL,
				    .v4 = true,
				    .v6 = true,
				    .said = true,
				    .transport = SIP_TCP };
	struct dns_cache cache;
	unsigned rounds;

	(void)state;
	assert_int_equal(dns_cache_open(&cache, 4096, &key), 0);
	for (unsigned i = 0; i < 1000; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "n%u.test", i);
		many[i] = (struct zone_record){ .name = names[0], .type = DNS_SRV, .port = 1 };
		many[i].data = names[i];
		many[i].name = "_sip._tcp.n0.test";
	}
	assert_true(zone_walk(&cache, many, &want, &l, &rounds) <= 1 + LOOKUP_SRV_MAX * 2 + 2);
	assert_int_equal(l.state, LOOKUP_NOTHING);
	for (unsigned i = 0; i < 999; i++)
		many[i] = (struct zone_record){ .name = names[i],
						.type = DNS_CNAME,
						.data = names[i + 1] };
	want.port = 5060;
	(void)snprintf(want.host, sizeof(want.host), "n500.test");
	assert_true(zone_walk(&cache, many, &want, &l, &rounds) <= 2 * (DNS_ALIASES_MAX + 1));
	assert_int_equal(l.state, LOOKUP_NOTHING);
	dns_cache_close(&cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc_3263),
		cmocka_unit_test(test_other_zones),
		cmocka_unit_test(test_nobody_answers),
		cmocka_unit_test(test_liars_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
