/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/route.h"
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

static void bindings(void **state)
{
	static struct shard_settings s;
	static struct aor a = { .count = 2 };
	const struct binding *b;

	(void)state;
	s = rig_settings();
	a.bindings[0].expires_utc_ms = 2000;
	a.bindings[0].hop.remote = rig_addr("192.0.2.11:5060");
	a.bindings[1].expires_utc_ms = 1000;
	a.bindings[1].hop.remote = rig_addr("192.0.2.12:5060");
	assert_int_equal(route_binding(NULL, &s, 0, &b), ROUTE_NOT_REGISTERED);
	assert_null(b);
	assert_int_equal(route_binding(&a, &s, 500, &b), ROUTE_OK);
	assert_ptr_equal(b, &a.bindings[1]); /* the last one to register */
	assert_int_equal(route_binding(&a, &s, 1500, &b), ROUTE_OK);
	assert_ptr_equal(b, &a.bindings[0]);
	assert_int_equal(route_binding(&a, &s, 2500, &b), ROUTE_NOT_REGISTERED);
	a.bindings[1].hop.remote = s.locals[0].advertise;
	assert_int_equal(route_binding(&a, &s, 500, &b), ROUTE_LOOP);
	a.bindings[1].hop.local = 9; /* of an older configuration */
	assert_int_equal(route_binding(&a, &s, 500, &b), ROUTE_NOT_REGISTERED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(users),
		cmocka_unit_test(bindings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
