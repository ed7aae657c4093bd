/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/host/trunk.h"

#include <errno.h>

#include "base/clock.h"
#include "sig/host/share.h"
#include "tests/unit/test.h"

struct site {
	struct tenants *tenants;
	struct trunks *trunks;
	uint16_t acme;
};

static int site_open(void **state)
{
	static const struct hash_key key = { 1, 2 };
	const struct tenant_settings acme = { .name = "acme" };
	struct site *s = calloc(1, sizeof(*s));

	assert_int_equal(tenants_open(&s->tenants, &key), 0);
	assert_int_equal(tenants_put(s->tenants, &acme, &s->acme), 0);
	assert_int_equal(trunks_open(&s->trunks, s->tenants), 0);
	*state = s;
	return 0;
}

static int site_close(void **state)
{
	struct site *s = *state;

	trunks_close(s->trunks);
	assert_int_equal(tenants_held(s->tenants, s->acme, TENANT_TRUNKS), 0);
	tenants_close(s->tenants);
	free(s);
	return 0;
}

static uint16_t put(struct site *s, uint16_t tenant, const char *name, uint32_t channels)
{
	struct trunk_settings set = { .tenant = tenant, .enabled = true, .channels = channels };
	uint16_t trunk;

	(void)bytes_cstr(bytes_str(name), set.name, sizeof(set.name));
	assert_int_equal(trunks_put(s->trunks, &set, &trunk), 0);
	return trunk;
}

/* What each of two nodes says to the other is heard there. */
static void shares_tell(struct shares *const nodes[2])
{
	struct share_word word;

	for (unsigned i = 0; i < 2; i++) {
		while (shares_next(nodes[i], &word)) {
			word.process = i + 1;
			shares_hear(nodes[1 - i], &word);
		}
	}
}

/* ... which call by it as often as they may. */
static uint32_t takes_all(struct trunks *const t[2], struct shares *const nodes[2], bool both,
			  enum trunk_direction way)
{
	uint32_t took = 0;

	for (uint64_t s = 1; s < 200; s++) {
		for (unsigned i = 0; i < 1U + both; i++) {
			if (trunks_has_room(t[i], 1, way)) {
				trunks_hold(t[i], 1, way);
				took++;
			}
		}
		for (unsigned i = 0; i < 2; i++)
			shares_expire(nodes[i], s * NS_PER_S);
		shares_tell(nodes);
		shares_tell(nodes);
	}
	return took;
}

/* A carrier counts the calls of all nodes: channels are what they have together, and where they are needed. */
static void channels_over_nodes(void **state)
{
	static const enum trunk_direction ways[] = { TRUNK_IN, TRUNK_OUT };
	const uint64_t processes[] = { 1, 2 };
	struct site *s = *state;

	for (unsigned i = 0; i < 8; i++) {
		struct trunk_settings set = { .tenant = s->acme,
					      .enabled = true,
					      .name = "carrier" };
		enum trunk_direction way = ways[i & 1];
		struct shares *nodes[2];
		struct trunks *t[2];
		uint16_t trunk;

		set.channels = i & 4 ? 0 : 10;
		set.channels_in = i & 4 ? 10 : 0;
		set.channels_out = i & 4 ? 10 : 0;
		for (unsigned n = 0; n < 2; n++) {
			assert_int_equal(shares_open(&nodes[n], s->tenants, 16), 0);
			shares_nodes(nodes[n], processes[n], processes, 2);
			assert_int_equal(trunks_open(&t[n], s->tenants), 0);
			trunks_share(t[n], nodes[n]);
			assert_int_equal(trunks_put(t[n], &set, &trunk), 0);
		}
		assert_int_equal(takes_all(t, nodes, i & 2, way), 10);
		assert_false(trunks_has_room(t[1], 1, way));
		assert_int_equal(trunks_has_room(t[1], 1, ways[!(i & 1)]), (i & 4) != 0);
		for (unsigned n = 0; n < 2; n++) {
			trunks_close(t[n]);
			shares_close(nodes[n]);
		}
	}
}

/* As most nodes are: what is asked with each request finds nothing, in no memory. */
static void none_at_all(void **state)
{
	struct site *s = *state;
	struct trunk_cursor cursor = { 0 };
	uint16_t trunk;

	assert_int_equal(trunks_find(s->trunks, s->acme, BYTES_LIT("carrier")), TRUNK_NONE);
	assert_null(trunks_source_next(s->trunks, &(struct addr){ .family = ADDR_V4 }, &cursor,
				       &trunk));
	assert_int_equal(trunks_by_access(s->trunks, s->acme, BYTES_LIT("81")), TRUNK_NONE);
	assert_int_equal(trunks_by_access(NULL, s->acme, BYTES_LIT("81")), TRUNK_NONE);
}

static void names_are_a_tenants_own(void **state)
{
	struct site *s = *state;
	uint16_t ours = put(s, TENANT_DEFAULT, "carrier", 0),
		 theirs = put(s, s->acme, "carrier", 0);

	assert_int_not_equal(ours, theirs);
	assert_int_equal(trunks_find(s->trunks, s->acme, BYTES_LIT("carrier")), theirs);
	assert_int_equal(put(s, s->acme, "carrier", 5), theirs);
	assert_int_equal(trunks_settings(s->trunks, theirs)->channels, 5);
	assert_true(trunks_delete(s->trunks, TENANT_DEFAULT, BYTES_LIT("carrier")));
	assert_false(trunks_delete(s->trunks, TENANT_DEFAULT, BYTES_LIT("carrier")));
	assert_true(trunks_has(s->trunks, theirs));
	assert_false(trunks_has(s->trunks, ours));
	assert_int_equal(trunks_find(NULL, 0, BYTES_LIT("carrier")), TRUNK_NONE);
}

/* A call of a trunk that is deleted goes on under its name; another trunk gets another number. */
static void held_while_it_has_calls(void **state)
{
	struct site *s = *state;
	uint16_t trunk = put(s, s->acme, "carrier", 0);

	trunks_hold(s->trunks, trunk, TRUNK_IN);
	assert_true(trunks_delete(s->trunks, s->acme, BYTES_LIT("carrier")));
	assert_string_equal(trunks_name(s->trunks, trunk), "carrier");
	assert_int_not_equal(put(s, s->acme, "other", 0), trunk);
	assert_int_equal(trunks_claim(s->trunks, s->acme, BYTES_LIT("carrier")), trunk);
	trunks_release(s->trunks, trunk, TRUNK_IN);
	assert_string_equal(trunks_name(s->trunks, trunk), "");
	assert_int_equal(tenants_held(s->tenants, s->acme, TENANT_TRUNKS), 1);
}

static void channels(void **state)
{
	struct site *s = *state;
	uint16_t trunk = put(s, s->acme, "carrier", 3);
	struct trunk_settings set = *trunks_settings(s->trunks, trunk);

	set.channels_out = 1;
	assert_int_equal(trunks_put(s->trunks, &set, &trunk), 0);
	trunks_hold(s->trunks, trunk, TRUNK_OUT);
	assert_false(trunks_has_room(s->trunks, trunk, TRUNK_OUT));
	assert_true(trunks_has_room(s->trunks, trunk, TRUNK_IN));
	trunks_hold(s->trunks, trunk, TRUNK_IN);
	trunks_hold(s->trunks, trunk, TRUNK_IN);
	assert_false(trunks_has_room(s->trunks, trunk, TRUNK_IN));
	trunks_release(s->trunks, trunk, TRUNK_OUT);
	assert_true(trunks_has_room(s->trunks, trunk, TRUNK_OUT));
	assert_int_equal(trunks_held(s->trunks, trunk, TRUNK_IN), 2);
}

/* Names that records had are forgotten when the room is needed; what is held, or was put, is not. */
static void full(void **state)
{
	struct site *s = *state;
	struct trunk_settings set = { .tenant = s->acme };
	uint16_t trunk;

	for (unsigned i = 0; i < TRUNKS_MAX; i++) {
		char name[TRUNK_NAME_MAX];

		(void)snprintf(name, sizeof(name), "t%u", i);
		(void)put(s, s->acme, name, 0);
	}
	(void)bytes_cstr(BYTES_LIT("more"), set.name, sizeof(set.name));
	assert_int_equal(trunks_put(s->trunks, &set, &trunk), -ENOSPC);
	assert_true(trunks_delete(s->trunks, s->acme, BYTES_LIT("t7")));
	assert_int_not_equal(trunks_claim(s->trunks, s->acme, BYTES_LIT("gone")), TRUNK_NONE);
	assert_int_equal(trunks_put(s->trunks, &set, &trunk), 0);
	assert_int_equal(trunks_find(s->trunks, s->acme, BYTES_LIT("more")), trunk);
}

static void servers_are_up(void **state)
{
	struct site *s = *state;
	uint16_t trunk = put(s, s->acme, "carrier", 0);
	struct trunk_settings set = *trunks_settings(s->trunks, trunk);

	assert_true(trunks_is_up(s->trunks, trunk, 1));
	trunks_set_up(s->trunks, trunk, 1, false);
	assert_false(trunks_is_up(s->trunks, trunk, 1));
	assert_true(trunks_is_up(s->trunks, trunk, 0));
	assert_int_equal(trunks_put(s->trunks, &set, &trunk), 0);
	assert_false(trunks_is_up(s->trunks, trunk, 1));
	set.server_count = 1; /* others may stand there now */
	assert_int_equal(trunks_put(s->trunks, &set, &trunk), 0);
	assert_true(trunks_is_up(s->trunks, trunk, 1));
}

static void places(void **state)
{
	const struct {
		const char *text, *host;
		uint16_t port;
		int err;
	} rows[] = {
		{ "sip.example.org", "sip.example.org", 0, 0 },
		{ "192.0.2.1:5070", "192.0.2.1", 5070, 0 },
		{ "[2001:db8::1]:5060", "2001:db8::1", 5060, 0 },
		{ "", "", 0, -EINVAL },
		{ "user@host", "", 0, -EINVAL },
		{ "host;lr", "", 0, -EINVAL },
		{ "host?a=b", "", 0, -EINVAL },
		{ "host:70000", "", 0, -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct sip_place place;

		ROW_ASSERT(rows[i].text,
			   sip_place_read(&place, bytes_str(rows[i].text)) == rows[i].err);
		if (rows[i].err)
			continue;
		assert_string_equal(place.host, rows[i].host);
		assert_int_equal(place.port, rows[i].port);
	}
}

/* By walking through all: the longest code, then the first name. */
static uint16_t access_by_walk(const struct trunks *t, uint16_t tenant, struct bytes number)
{
	const struct trunk_settings *set, *best = NULL;
	uint16_t found = TRUNK_NONE;

	for (uint16_t i = 1; trunks_next(t, &i); i++) {
		size_t n, m;

		set = trunks_settings(t, i);
		n = strlen(set->access);
		m = best ? strlen(best->access) : 0;
		if (set->tenant != tenant || !n || !trunks_has(t, i) ||
		    !bytes_starts(number, set->access) || n < m ||
		    (n == m && strcmp(set->name, best->name) > 0))
			continue;
		best = set;
		found = i;
	}
	return found;
}

static void access_put(struct site *s, uint32_t draw)
{
	struct trunk_settings set = { .enabled = (draw >> 28) != 0 };
	uint16_t trunk;

	set.tenant = draw >> 27 & 1 ? s->acme : TENANT_DEFAULT;
	(void)snprintf(set.name, sizeof(set.name), "t%u", draw >> 20 & 127);
	(void)snprintf(set.access, sizeof(set.access), "%u", draw >> 8 & 0x3ff);
	set.access[draw >> 18 & 3] = '\0'; /* some begin alike, or have none */
	if ((draw & 15) == 0)
		(void)trunks_delete(s->trunks, set.tenant, bytes_str(set.name));
	else
		assert_int_equal(trunks_put(s->trunks, &set, &trunk), 0);
}

static void access_codes(void **state)
{
	static const char *const numbers[] = { "8",      "81",  "8149301", "12", "123456789",
					       "101222", "999", "*81",     "0",  "" };
	struct site *s = *state;
	uint32_t draw = 4711, found = 0;

	for (int i = 0; i < 2000; i++) {
		struct bytes number = bytes_str(numbers[i % COUNT_OF(numbers)]);
		uint16_t tenant = i & 1 ? s->acme : TENANT_DEFAULT, trunk;

		draw = draw * 1664525 + 1013904223;
		access_put(s, draw);
		trunk = trunks_by_access(s->trunks, tenant, number);
		assert_int_equal(trunk, access_by_walk(s->trunks, tenant, number));
		found += trunk != TRUNK_NONE;
	}
	assert_in_range(found, 200, 1800);
}

#define SITE_TEST(fn) cmocka_unit_test_setup_teardown(fn, site_open, site_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SITE_TEST(none_at_all),
		SITE_TEST(names_are_a_tenants_own),
		SITE_TEST(held_while_it_has_calls),
		SITE_TEST(channels),
		SITE_TEST(channels_over_nodes),
		SITE_TEST(full),
		SITE_TEST(servers_are_up),
		SITE_TEST(access_codes),
		cmocka_unit_test(places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
