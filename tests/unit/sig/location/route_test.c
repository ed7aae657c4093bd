/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/location/route.h"
#include "sig/sip/hop.h"
#include "tests/unit/sig/rig.h"
#include "tests/unit/test.h"

static void users(void **state)
{
	static const struct {
		const char *uri;
		enum route_verdict want;
		const char *user;
	} rows[] = {
		{ "sip:1001@h", ROUTE_OK, "1001" },
		{ "SIP:1001@h:5061;transport=udp", ROUTE_OK, "1001" },
		{ "sip:1001:pw@h", ROUTE_OK, "1001" },
		{ "sip:%31001@h", ROUTE_OK, "1001" },
		{ "tel:1001", ROUTE_OK, "1001" },
		{ "sip:1010;phone-context=+49@h;user=phone", ROUTE_OK, "1010" },
		{ "sip:1010;phone-context=example.org;isub=7@h", ROUTE_OK, "1010" },
		{ "sip:1010;tgrp=x;trunk-context=y@h", ROUTE_OK, "1010" },
		{ "sip:10%3b1@h", ROUTE_OK, "10;1" },
		{ "sip:;phone-context=+49@h", ROUTE_NOT_FOUND, "" },
		{ "tel:1010;phone-context=+49", ROUTE_OK, "1010" },
		{ "tel:+49-30.(1)010", ROUTE_OK, "+49301010" },
		{ "sip:10-10@h;user=phone", ROUTE_OK, "1010" },
		{ "sip:10-10@h", ROUTE_OK, "10-10" },
		{ "sip:desk-2@h;user=phone", ROUTE_OK, "desk-2" },
		{ "sip:(-)@h;user=phone", ROUTE_OK, "(-)" },
		{ "sip:1010@h;user=ip", ROUTE_OK, "1010" },
		{ "sips:1001@h", ROUTE_OK, "1001" },
		{ "mailto:1001@h", ROUTE_SCHEME, "" },
		{ "sip:h", ROUTE_NOT_FOUND, "" },
		{ "sip:10%0001@h", ROUTE_NOT_FOUND, "" },
		{ "sip:10%0a01@h", ROUTE_NOT_FOUND, "" },
		{ "sip:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@h",
		  ROUTE_NOT_FOUND, "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char user[ROUTE_USER_MAX];
		struct sip_uri uri;

		assert_int_equal(sip_uri_parse(&uri, bytes_str(rows[i].uri)), 0);
		ROW_ASSERT(rows[i].uri, route_user(&uri, user) == rows[i].want);
		ROW_ASSERT(rows[i].uri, strcmp(user, rows[i].user) == 0);
	}
}

static enum route_verdict of(const struct aor *a, const struct shard_settings *s, uint64_t utc_ms,
			     const struct binding **out, uint32_t cap, uint32_t *count)
{
	const struct route_asker asker = { .settings = s,
					   .networks = UINT32_MAX,
					   .utc_ms = utc_ms };

	return route_bindings(a, NULL, &asker, out, cap, count);
}

static void bindings(void **state)
{
	static struct shard_settings s;
	static struct binding list[3];
	struct aor a = { .count = 3, .bindings = list };
	const struct binding *b[3];
	uint32_t n;

	(void)state;
	s = rig_settings();
	for (unsigned i = 0; i < a.count; i++) {
		a.bindings[i].hop.remote = rig_addr("192.0.2.11:5060");
		a.bindings[i].hop.remote.port = (uint16_t)(5060 + i);
		a.bindings[i].q = 1000;
	}
	a.bindings[0].expires_utc_ms = 2000;
	a.bindings[1].expires_utc_ms = 1000;
	a.bindings[2].expires_utc_ms = 2000;
	a.bindings[2].q = 500;
	assert_int_equal(of(NULL, &s, 0, b, 3, &n), ROUTE_NOT_REGISTERED);
	assert_int_equal(n, 0);
	assert_int_equal(of(&a, &s, 500, b, 3, &n), ROUTE_OK);
	assert_int_equal(n, 3);
	assert_ptr_equal(b[0], &a.bindings[1]); /* the last one to register */
	assert_ptr_equal(b[1], &a.bindings[0]);
	assert_ptr_equal(b[2], &a.bindings[2]); /* its q is lower */
	assert_int_equal(of(&a, &s, 500, b, 2, &n), ROUTE_OK);
	assert_int_equal(n, 2);
	assert_int_equal(of(&a, &s, 1500, b, 3, &n), ROUTE_OK);
	assert_int_equal(n, 2);
	assert_ptr_equal(b[0], &a.bindings[0]);
	assert_int_equal(of(&a, &s, 2500, b, 3, &n), ROUTE_NOT_REGISTERED);
	a.count = 1;
	a.bindings[0].hop.remote = s.locals[0].advertise;
	assert_int_equal(of(&a, &s, 500, b, 3, &n), ROUTE_LOOP);
	a.bindings[0].hop.local = 9; /* of an older configuration */
	assert_int_equal(of(&a, &s, 500, b, 3, &n), ROUTE_NOT_REGISTERED);
}

/* At the address where it registered alone, which a shard that is elsewhere has: datagrams leave there for a node of a cluster. */
static void behind_nat(void **state)
{
	static struct shard_settings s;
	static struct hop_edges edges;
	struct binding b = { .nat = true, .hop.transport = SIP_UDP };
	struct route_asker asker = { .settings = &s, .networks = UINT32_MAX };
	struct sip_hop hop;

	(void)state;
	s = rig_settings();
	b.hop.remote = rig_addr("192.0.2.11:5060");
	assert_true(route_hop(&b, &asker, &hop));
	asker.networks &= ~(UINT32_C(1) << s.locals[b.hop.local].network);
	assert_false(route_hop(&b, &asker, &hop));
	s.edges = &edges;
	assert_true(route_hop(&b, &asker, &hop));
	assert_int_equal(hop.local, b.hop.local);
	b.hop.transport = SIP_TCP;
	b.hop.inbound = true;
	assert_false(route_hop(&b, &asker, &hop)); /* a connection that nobody has named */
	b.hop.transport = SIP_WSS;
	assert_true(route_hop(&b, &asker, &hop)); /* the node's own, of no network */
}

static void flow_make(struct binding *b, const char *contact, const char *instance, uint16_t port)
{
	assert_int_equal(text_set(&b->contact, bytes_str(contact)), 0);
	assert_int_equal(text_set(&b->instance, bytes_str(instance)), 0);
	b->hop.remote = rig_addr("192.0.2.11:5060");
	b->hop.remote.port = port;
}

/* RFC 5626 7: one flow of each instance, the others in their order. */
static void flows(void **state)
{
	static const char *const instances[] = { "<1>", "<2>", "<1>", "", "", "<1>" };
	struct binding all[COUNT_OF(instances)] = { 0 };
	const struct binding *list[COUNT_OF(instances)];
	struct route_flow flow = { .contact = BYTES_LIT("sip:x@y") };

	(void)state;
	for (uint16_t i = 0; i < COUNT_OF(instances); i++) {
		flow_make(&all[i], "sip:x@y", instances[i], (uint16_t)(5060 + i));
		list[i] = &all[i];
	}
	assert_int_equal(route_phones(list, COUNT_OF(list)), 4);
	assert_ptr_equal(list[0], &all[0]);
	assert_ptr_equal(list[1], &all[1]);
	assert_ptr_equal(list[2], &all[3]);
	assert_ptr_equal(list[3], &all[4]);
	for (size_t i = 0; i < COUNT_OF(instances); i++)
		list[i] = &all[i];
	flow.remote = &all[2].hop.remote;
	assert_int_equal(route_other_flows(list, COUNT_OF(list), &flow), 2);
	assert_ptr_equal(list[0], &all[0]);
	assert_ptr_equal(list[1], &all[5]);
	for (size_t i = 0; i < COUNT_OF(instances); i++)
		list[i] = &all[i];
	flow.contact = BYTES_LIT("sip:z@y");
	assert_int_equal(route_other_flows(list, COUNT_OF(list), &flow), 0);
	flow.contact = BYTES_LIT("sip:x@y");
	flow.remote = &all[3].hop.remote;
	assert_int_equal(route_other_flows(list, COUNT_OF(list), &flow), 0);
	for (size_t i = 0; i < COUNT_OF(instances); i++) {
		text_clear(&all[i].contact);
		text_clear(&all[i].instance);
	}
}

static void ours(void **state)
{
	static const struct {
		const char *uri;
		bool want;
	} rows[] = {
		{ "sip:1002@192.0.2.1", true },        { "sip:1002@192.0.2.1:5080", true },
		{ "sip:1002@Test.Local", true },       { "tel:1002", true },
		{ "sip:1002@192.0.2.2", false },       { "sip:1002@elsewhere.test", false },
		{ "sip:1002@test.local.evil", false }, { "sip:1002@pbx.example.org.", true },
		{ "sip:1002@a.phones.test", true },    { "sip:1002@phones.test", false },
		{ "sip:1002@a.b.phones.test", false },
	};
	static struct shard_settings s;

	(void)state;
	s = rig_settings();
	s.domain_count = 2;
	(void)bytes_cstr(bytes_str("PBX.example.org"), s.domains[0], SHARD_DOMAIN_MAX);
	(void)bytes_cstr(bytes_str("*.phones.test"), s.domains[1], SHARD_DOMAIN_MAX);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct sip_uri uri;

		assert_int_equal(sip_uri_parse(&uri, bytes_str(rows[i].uri)), 0);
		ROW_ASSERT(rows[i].uri, route_is_ours(&uri, TENANT_DEFAULT, &s) == rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(users),      cmocka_unit_test(flows), cmocka_unit_test(bindings),
		cmocka_unit_test(behind_nat), cmocka_unit_test(ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
