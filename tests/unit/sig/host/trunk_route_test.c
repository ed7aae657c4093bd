/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/host/trunk_route.h"

#include <errno.h>

#include "sig/host/settings.h"
#include "tests/unit/test.h"

struct site {
	struct tenants *tenants;
	struct shard_settings settings;
};

static const struct hash_key g_key = { 1, 2 };

static int site_open(void **state)
{
	struct site *s = calloc(1, sizeof(*s));

	assert_int_equal(tenants_open(&s->tenants, &g_key), 0);
	s->settings.tenants = s->tenants;
	assert_int_equal(trunks_open(&s->settings.trunks, s->tenants), 0);
	assert_int_equal(trunk_numbers_open(&s->settings.numbers, &g_key), 0);
	*state = s;
	return 0;
}

static int site_close(void **state)
{
	struct site *s = *state;

	trunk_numbers_close(s->settings.numbers);
	trunks_close(s->settings.trunks);
	tenants_close(s->tenants);
	free(s);
	return 0;
}

static void trunk_put(struct site *s, const char *name, uint8_t servers)
{
	struct trunk_settings set = { .enabled = true, .directions = TRUNK_BOTH };
	uint16_t trunk;

	(void)bytes_cstr(bytes_str(name), set.name, sizeof(set.name));
	for (; set.server_count < servers; set.server_count++)
		assert_int_equal(
			sip_place_read(&set.servers[set.server_count], BYTES_LIT("192.0.2.1")), 0);
	assert_int_equal(trunks_put(s->settings.trunks, &set, &trunk), 0);
}

static int did_put(struct site *s, const char *number, const char *trunk, const char *to,
		   uint8_t strip, const char *prefix)
{
	struct trunk_did did = { .change.strip = strip };

	(void)bytes_cstr(bytes_str(number), did.number, sizeof(did.number));
	(void)bytes_cstr(bytes_str(trunk), did.trunk, sizeof(did.trunk));
	(void)bytes_cstr(bytes_str(to), did.to, sizeof(did.to));
	(void)bytes_cstr(bytes_str(prefix), did.change.prefix, sizeof(did.change.prefix));
	return trunk_did_put(s->settings.numbers, &did);
}

/* "": nobody. */
static const char *did(struct site *s, const char *trunk, const char *number)
{
	static char to[TRUNK_NUMBER_MAX];
	bool fixed;

	if (!trunk_did_find(s->settings.numbers, 0, trunk, bytes_str(number), to, &fixed))
		return "";
	return to;
}

static void numbers_lead_to_users(void **state)
{
	struct site *s = *state;

	assert_int_equal(did_put(s, "+49301000", "", "1001", 0, ""), 0);
	assert_int_equal(did_put(s, "+493010xx", "", "", 6, "1"), 0);
	assert_int_equal(did_put(s, "+4930x.", "other", "1002", 0, ""), 0);
	assert_int_equal(did_put(s, "nobody", "", "1002", 0, ""), -EINVAL);
	assert_string_equal(did(s, "carrier", "+49301000"), "1001");
	assert_string_equal(did(s, "carrier", "+49301042"), "1042");
	assert_string_equal(did(s, "carrier", "+493020"), "");
	assert_string_equal(did(s, "other", "+493020"), "1002");
	assert_string_equal(did(s, "other", "+49301042"), "1042"); /* the more exact one */
	assert_int_equal(did_put(s, "+49301000", "", "1003", 0, ""), 0);
	assert_string_equal(did(s, "carrier", "+49301000"), "1003");
	assert_true(trunk_did_delete(s->settings.numbers, 0, BYTES_LIT("+49301000")));
	assert_string_equal(did(s, "carrier", "+49301000"), "1000");
	assert_true(trunk_did_delete(s->settings.numbers, 0, BYTES_LIT("+493010xx")));
	assert_false(trunk_did_delete(s->settings.numbers, 0, BYTES_LIT("+493010xx")));
	assert_string_equal(did(s, "carrier", "+49301000"), "");
}

/* No tenant takes all patterns of the node. */
static void patterns_of_a_tenant(void **state)
{
	struct trunk_did d = { 0 };
	struct site *s = *state;

	for (unsigned i = 0; i <= TRUNK_PATTERNS_SHARE; i++) {
		(void)snprintf(d.number, sizeof(d.number), "%05ux", i);
		assert_int_equal(trunk_did_put(s->settings.numbers, &d),
				 i < TRUNK_PATTERNS_SHARE ? 0 : -ENOSPC);
	}
	d.tenant = 1;
	assert_int_equal(trunk_did_put(s->settings.numbers, &d), 0);
	d.tenant = 0;
	assert_true(trunk_did_delete(s->settings.numbers, 0, BYTES_LIT("00000x")));
	assert_int_equal(trunk_did_put(s->settings.numbers, &d), 0);
	assert_int_equal(trunk_did_put(s->settings.numbers, &d), 0); /* it has that one */
	assert_string_equal(did(s, "", "010241"), "010241");
}

/* A document names the user, or the caller does by what it dials. */
static void what_is_fixed(void **state)
{
	struct site *s = *state;
	char to[TRUNK_NUMBER_MAX];
	bool fixed = false;

	assert_int_equal(did_put(s, "100", "", "1001", 0, ""), 0);
	assert_int_equal(did_put(s, "2x.", "", "", 0, ""), 0);
	assert_true(trunk_did_find(s->settings.numbers, 0, "", BYTES_LIT("100"), to, &fixed));
	assert_true(fixed);
	assert_true(trunk_did_find(s->settings.numbers, 0, "", BYTES_LIT("200"), to, &fixed));
	assert_false(fixed);
	assert_false(trunk_did_find(s->settings.numbers, 1, "", BYTES_LIT("100"), to, &fixed));
	assert_false(trunk_did_find(NULL, 0, "", BYTES_LIT("100"), to, &fixed));
}

static void route_put(struct site *s, const char *name, const char *pattern, uint8_t strip,
		      const char *prefix, const struct trunk_choice *choices, uint8_t count)
{
	struct trunk_route r = { .enabled = true, .change.strip = strip, .choice_count = count };

	(void)bytes_cstr(bytes_str(name), r.name, sizeof(r.name));
	(void)bytes_cstr(bytes_str(pattern), r.pattern, sizeof(r.pattern));
	(void)bytes_cstr(bytes_str(prefix), r.change.prefix, sizeof(r.change.prefix));
	memcpy(r.choices, choices, count * sizeof(*choices));
	assert_int_equal(trunk_route_put(s->settings.numbers, &r), 0);
}

/* "a0 a1 b0": trunks and servers in the order of trying; in brackets what is closed. */
static const char *ways(struct site *s, const char *number, uint64_t seed)
{
	static char text[256];
	struct trunk_route_server list[TRUNK_ROUTE_SERVERS_MAX];
	uint32_t n = trunk_route(&s->settings, 0, bytes_str(number), seed, list, COUNT_OF(list));
	struct writer w = writer_over(text, sizeof(text) - 1);

	for (uint32_t i = 0; i < n; i++)
		writer_fmt(&w, "%s%s%s%u%s%s", i ? " " : "", list[i].open ? "" : "(",
			   trunks_name(s->settings.trunks, list[i].trunk), list[i].server,
			   list[i].down ? "?" : "", list[i].open ? "" : ")");
	text[w.n] = '\0';
	return text;
}

static void the_most_exact_route(void **state)
{
	const struct trunk_choice a = { .trunk = "a", .weight = 1 },
				  b = { .trunk = "b", .weight = 1 };
	struct site *s = *state;
	struct trunk_route_server way;

	trunk_put(s, "a", 2);
	trunk_put(s, "b", 1);
	assert_int_equal(trunk_route(&s->settings, 0, BYTES_LIT("901"), 1, &way, 1), 0);
	route_put(s, "all", "9x.|0x.", 1, "+", &a, 1);
	route_put(s, "near", "90x", 1, "", &b, 1);
	assert_string_equal(ways(s, "901", 1), "b0");
	assert_string_equal(ways(s, "9011", 1), "a0 a1");
	assert_string_equal(ways(s, "0", 1), "a0 a1");
	assert_string_equal(ways(s, "1001", 1), "");
	assert_int_equal(trunk_route(&s->settings, 0, BYTES_LIT("9011"), 1, &way, 1), 1);
	assert_string_equal(way.number, "+011");
	assert_int_equal(trunk_route(&s->settings, 1, BYTES_LIT("9011"), 1, &way, 1), 0);
	assert_true(trunk_route_delete(s->settings.numbers, 0, BYTES_LIT("near")));
	assert_false(trunk_route_delete(s->settings.numbers, 0, BYTES_LIT("near")));
	assert_string_equal(ways(s, "901", 1), "a0 a1");
}

static void access_put(struct site *s, const char *name, const char *access, bool enabled)
{
	struct trunk_settings set = *trunks_settings(
		s->settings.trunks, trunks_find(s->settings.trunks, 0, bytes_str(name)));
	uint16_t trunk;

	(void)bytes_cstr(bytes_str(access), set.access, sizeof(set.access));
	set.enabled = enabled;
	assert_int_equal(trunks_put(s->settings.trunks, &set, &trunk), 0);
}

/* Behind its access code a number goes by that trunk alone, by a route that has it. */
static void by_its_access_code(void **state)
{
	const struct trunk_choice ab[] = { { .trunk = "a", .weight = 1 },
					   { .trunk = "b", .priority = 1 } };
	struct site *s = *state;

	trunk_put(s, "a", 1);
	trunk_put(s, "b", 1);
	trunk_put(s, "c", 1);
	access_put(s, "b", "81", true);
	access_put(s, "c", "815", true);
	route_put(s, "all", "x.|+x.", 0, "", ab, 2);
	route_put(s, "near", "90x", 0, "", ab, 1);
	assert_string_equal(ways(s, "+49", 1), "a0 b0");
	assert_string_equal(ways(s, "81*+49", 1), "b0");
	assert_string_equal(ways(s, "81*901", 1), "b0"); /* the nearer route has it not */
	assert_string_equal(ways(s, "815*+49", 1), "");  /* no route has it */
	assert_string_equal(ways(s, "8*+49", 1), "");
	assert_string_equal(ways(s, "82*+49", 1), "");
	assert_string_equal(ways(s, "8149", 1), "a0 b0"); /* it is a number */
	assert_int_equal(trunks_by_access(s->settings.trunks, 0, BYTES_LIT("81549")),
			 trunks_find(s->settings.trunks, 0, BYTES_LIT("c")));
	assert_int_equal(trunks_by_access(s->settings.trunks, 1, BYTES_LIT("81549")), TRUNK_NONE);
	access_put(s, "c", "81", true); /* of two that are alike the first by name */
	assert_string_equal(ways(s, "81*+49", 1), "b0");
	access_put(s, "b", "81", false);
	assert_string_equal(ways(s, "81*+49", 1), "");
	assert_int_equal(trunks_by_access(NULL, 0, BYTES_LIT("81549")), TRUNK_NONE);
}

/* Lower priorities come first, and by weight those of one. */
static void priority_and_weight(void **state)
{
	const struct trunk_choice list[] = { { "last", 2, 1 }, { "three", 1, 3 }, { "one", 1, 1 } };
	struct site *s = *state;
	unsigned first = 0;

	trunk_put(s, "three", 1);
	trunk_put(s, "one", 1);
	trunk_put(s, "last", 1);
	route_put(s, "r", "9x.", 0, "", list, 3);
	for (uint64_t seed = 0; seed < 4000; seed++) {
		bool three = !strcmp(ways(s, "91", seed), "three0 one0 last0");

		assert_true(three || !strcmp(ways(s, "91", seed), "one0 three0 last0"));
		first += three;
	}
	assert_in_range(first, 2850, 3150);
}

static void without_weights(void **state)
{
	const struct trunk_choice list[] = { { "a", 1, 0 }, { "b", 1, 0 } };
	struct site *s = *state;

	trunk_put(s, "a", 1);
	trunk_put(s, "b", 1);
	route_put(s, "r", "9", 0, "", list, 2);
	assert_string_equal(ways(s, "9", 5), "a0 b0");
}

/* What cannot take a call now, or is said to be down, stays in its place: the order is that of any other process. */
static void what_is_closed(void **state)
{
	const struct trunk_choice list[] = { { "a", 1, 1 }, { "b", 2, 1 }, { "gone", 3, 1 } };
	struct site *s = *state;
	struct trunks *t = s->settings.trunks;
	struct trunk_settings set;
	uint16_t a, b;

	trunk_put(s, "a", 2);
	trunk_put(s, "b", 1);
	a = trunks_find(t, 0, BYTES_LIT("a"));
	b = trunks_find(t, 0, BYTES_LIT("b"));
	route_put(s, "r", "9", 0, "", list, 3);
	assert_string_equal(ways(s, "9", 5), "a0 a1 b0 (0)");
	trunks_set_up(t, a, 0, false);
	set = *trunks_settings(t, b);
	set.channels_out = 1;
	assert_int_equal(trunks_put(t, &set, &b), 0);
	trunks_hold(t, b, TRUNK_OUT);
	assert_string_equal(ways(s, "9", 5), "a0? a1 (b0) (0)");
	trunks_release(t, b, TRUNK_OUT);
	set.channels_out = 0;
	set.directions = TRUNK_IN;
	assert_int_equal(trunks_put(t, &set, &b), 0);
	assert_string_equal(ways(s, "9", 5), "a0? a1 (b0) (0)");
	set.directions = TRUNK_OUT;
	set.enabled = false;
	assert_int_equal(trunks_put(t, &set, &b), 0);
	assert_string_equal(ways(s, "9", 5), "a0? a1 (b0) (0)");
}

#define SITE_TEST(fn) cmocka_unit_test_setup_teardown(fn, site_open, site_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SITE_TEST(patterns_of_a_tenant), SITE_TEST(numbers_lead_to_users),
		SITE_TEST(what_is_fixed),        SITE_TEST(the_most_exact_route),
		SITE_TEST(priority_and_weight),  SITE_TEST(by_its_access_code),
		SITE_TEST(priority_and_weight),  SITE_TEST(without_weights),
		SITE_TEST(what_is_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
