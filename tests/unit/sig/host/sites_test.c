/* SPDX-License-Identifier: Apache-2.0 */
/* Places of tenants. */
#include "sig/host/tenant_tables.h"

#include <errno.h>

#include "sig/host/tenant.h"
#include "tests/unit/test.h"

struct town {
	struct tenants *tenants;
	struct sites *sites;
	uint16_t acme;
};

static int setup(void **state)
{
	static const struct hash_key key = { 1, 2 };
	struct town *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	assert_int_equal(tenants_open(&t->tenants, &key), 0);
	assert_int_equal(sites_open(&t->sites, t->tenants), 0);
	t->acme = tenants_claim(t->tenants, BYTES_LIT("acme"));
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct town *t = *state;

	sites_close(t->sites);
	tenants_close(t->tenants);
	free(t);
	return 0;
}

static int put(struct town *t, uint16_t tenant, uint16_t id, const char *caller_id)
{
	struct site site = { .tenant = tenant, .id = id };

	(void)bytes_cstr(bytes_str(caller_id), site.caller_id, sizeof(site.caller_id));
	return sites_put(t->sites, &site);
}

static const char *found(const struct town *t, uint16_t tenant, uint16_t id)
{
	const struct site *s = sites_find(t->sites, tenant, id);

	return s ? s->caller_id : "";
}

/* Equal ids of two tenants never meet, in whatever order they came. */
static void of_two_tenants(void **state)
{
	struct town *t = *state;

	assert_int_equal(put(t, t->acme, 7, "a7"), 0);
	assert_int_equal(put(t, TENANT_DEFAULT, 7, "d7"), 0);
	assert_int_equal(put(t, TENANT_DEFAULT, 9, "d9"), 0);
	assert_int_equal(put(t, t->acme, 3, "a3"), 0);
	assert_string_equal(found(t, t->acme, 7), "a7");
	assert_string_equal(found(t, TENANT_DEFAULT, 7), "d7");
	assert_string_equal(found(t, t->acme, 3), "a3");
	assert_string_equal(found(t, t->acme, 9), "");
	assert_int_equal(put(t, t->acme, 7, "again"), 0);
	assert_string_equal(found(t, t->acme, 7), "again");
	sites_delete(t->sites, t->acme, 7);
	assert_string_equal(found(t, t->acme, 7), "");
	assert_string_equal(found(t, TENANT_DEFAULT, 7), "d7");
	assert_null(sites_find(NULL, t->acme, 7));
}

/* A tenant stays as long as a place is its. */
static void held_and_given_back(void **state)
{
	struct town *t = *state;

	assert_int_equal(put(t, t->acme, 1, "1"), 0);
	assert_int_equal(put(t, t->acme, 2, "2"), 0);
	assert_int_equal(put(t, t->acme, 2, "once more"), 0);
	assert_int_equal(tenants_held(t->tenants, t->acme, TENANT_SITES), 2);
	sites_delete(t->sites, t->acme, 1);
	sites_delete(t->sites, t->acme, 1);
	assert_int_equal(tenants_held(t->tenants, t->acme, TENANT_SITES), 1);
	sites_delete(t->sites, t->acme, 2);
	assert_int_equal(tenants_held(t->tenants, t->acme, TENANT_SITES), 0);
}

static void full(void **state)
{
	struct town *t = *state;

	for (uint16_t id = 1; id <= SITES_MAX; id++)
		assert_int_equal(put(t, t->acme, id, ""), 0);
	assert_int_equal(put(t, TENANT_DEFAULT, 1, ""), -ENOSPC);
	assert_int_equal(put(t, t->acme, 1, "another"), 0);
	sites_delete(t->sites, t->acme, SITES_MAX);
	assert_int_equal(put(t, TENANT_DEFAULT, 1, "d1"), 0);
	assert_string_equal(found(t, TENANT_DEFAULT, 1), "d1");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(of_two_tenants), TEST(held_and_given_back),
					    TEST(full) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
