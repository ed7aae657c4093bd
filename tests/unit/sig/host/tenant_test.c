/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/host/tenant.h"

#include <errno.h>

#include "tests/unit/test.h"

static int open_tenants(void **state)
{
	static const struct hash_key key = { 1, 2 };
	struct tenants *t;

	assert_int_equal(tenants_open(&t, &key), 0);
	*state = t;
	return 0;
}

static int close_tenants(void **state)
{
	tenants_close(*state);
	return 0;
}

static struct tenant_settings named(const char *name, const char *domain, const char *other)
{
	struct tenant_settings set = { .domain_count = !!domain + !!other };

	(void)bytes_cstr(bytes_str(name), set.name, sizeof(set.name));
	if (domain)
		(void)bytes_cstr(bytes_str(domain), set.domains[0], TENANT_DOMAIN_MAX);
	if (other)
		(void)bytes_cstr(bytes_str(other), set.domains[1], TENANT_DOMAIN_MAX);
	return set;
}

static int put(struct tenants *t, const char *name, const char *domain, const char *other,
	       uint16_t *tenant)
{
	struct tenant_settings set = named(name, domain, other);

	return tenants_put(t, &set, tenant);
}

static uint16_t of(const struct tenants *t, const char *domain)
{
	return tenants_of_domain(t, bytes_str(domain));
}

static void default_is_there(void **state)
{
	struct tenants *t = *state;
	uint16_t tenant;

	assert_int_equal(tenants_find(t, BYTES_LIT("default")), TENANT_DEFAULT);
	assert_true(tenants_has(t, TENANT_DEFAULT));
	assert_string_equal(tenants_name(t, TENANT_DEFAULT), "default");
	assert_int_equal(of(t, "example.com"), TENANT_NONE);
	assert_int_equal(put(t, "default", "example.com", NULL, &tenant), 0);
	assert_int_equal(tenant, TENANT_DEFAULT);
	assert_int_equal(of(t, "example.com"), TENANT_DEFAULT);
	assert_string_equal(tenants_realm(t, TENANT_DEFAULT), ""); /* sip.realm */
	assert_true(tenants_delete(t, BYTES_LIT("default")));
	assert_true(tenants_has(t, TENANT_DEFAULT));
	assert_int_equal(of(t, "example.com"), TENANT_NONE);
}

static void tenant_is_found(void **state)
{
	struct tenants *t = *state;
	uint16_t acme, other;

	assert_int_equal(put(t, "acme", "acme.example", "Tel.Acme.Example.", &acme), 0);
	assert_int_equal(put(t, "other", "other.example", NULL, &other), 0);
	assert_int_not_equal(acme, TENANT_DEFAULT);
	assert_int_not_equal(acme, other);
	assert_int_equal(tenants_find(t, BYTES_LIT("acme")), acme);
	assert_int_equal(tenants_find(t, BYTES_LIT("ACME")), TENANT_NONE);
	assert_int_equal(of(t, "acme.example"), acme);
	assert_int_equal(of(t, "ACME.example."), acme);
	assert_int_equal(of(t, "tel.acme.example"), acme);
	assert_int_equal(of(t, "sub.acme.example"), TENANT_NONE);
	assert_int_equal(of(t, "acme.exampl"), TENANT_NONE);
	assert_int_equal(of(t, ""), TENANT_NONE);
	assert_int_equal(of(t, "."), TENANT_NONE);
	assert_int_equal(of(t, "other.example"), other);
	assert_string_equal(tenants_realm(t, acme), "acme.example");
}

static void tenant_is_changed(void **state)
{
	struct tenants *t = *state;
	struct tenant_settings set = named("acme", "b.example", NULL);
	uint16_t acme, again;

	assert_int_equal(put(t, "acme", "a.example", "b.example", &acme), 0);
	memcpy(set.realm, "phones", sizeof("phones"));
	assert_int_equal(tenants_put(t, &set, &again), 0);
	assert_int_equal(again, acme);
	assert_int_equal(of(t, "a.example"), TENANT_NONE);
	assert_int_equal(of(t, "b.example"), acme);
	assert_string_equal(tenants_realm(t, acme), "phones");
}

static void wrong_ones_change_nothing(void **state)
{
	static const char *const names[] = {
		"", "a:b", "..", "_operator", "a/b", "a b", "a-name-of-thirty-two-characters-"
	};
	struct tenants *t = *state;
	struct tenant_settings set = named("acme", "acme.example", NULL);
	uint16_t tenant, acme;

	assert_int_equal(tenants_put(t, &set, &acme), 0);
	for (size_t i = 0; i < COUNT_OF(names) - 1; i++)
		assert_int_equal(put(t, names[i], "x.example", NULL, &tenant), -EINVAL);
	assert_int_equal(tenants_claim(t, bytes_str(names[6])), TENANT_NONE);
	assert_int_equal(put(t, "other", "x.example", "ACME.example", &tenant), -EEXIST);
	assert_int_equal(put(t, "other", "x.example", ".", &tenant), -EINVAL);
	assert_int_equal(tenants_find(t, BYTES_LIT("other")), TENANT_NONE);
	assert_int_equal(of(t, "x.example"), TENANT_NONE);
	set.domain_count = TENANT_DOMAINS_MAX + 1;
	assert_int_equal(tenants_put(t, &set, &tenant), -EINVAL);
	assert_int_equal(of(t, "acme.example"), acme);
}

/* What is held keeps the number of a tenant that is gone: nobody else gets it. */
static void number_stays_while_held(void **state)
{
	struct tenants *t = *state;
	uint16_t acme, other, third;

	assert_int_equal(put(t, "acme", "acme.example", NULL, &acme), 0);
	tenants_hold(t, acme, TENANT_CALLS);
	tenants_hold(t, acme, TENANT_REGISTRATIONS);
	assert_int_equal(tenants_held(t, acme, TENANT_CALLS), 1);
	assert_true(tenants_delete(t, BYTES_LIT("acme")));
	assert_false(tenants_delete(t, BYTES_LIT("acme")));
	assert_false(tenants_has(t, acme));
	assert_int_equal(tenants_find(t, BYTES_LIT("acme")), TENANT_NONE);
	assert_int_equal(of(t, "acme.example"), TENANT_NONE);
	assert_string_equal(tenants_name(t, acme), "acme");
	assert_int_equal(put(t, "other", "acme.example", NULL, &other), 0);
	assert_int_not_equal(other, acme);
	tenants_release(t, acme, TENANT_CALLS);
	assert_int_equal(tenants_claim(t, BYTES_LIT("acme")), acme); /* again by its name */
	assert_int_equal(put(t, "third", NULL, NULL, &third), 0);
	assert_int_not_equal(third, acme);
	tenants_release(t, acme, TENANT_REGISTRATIONS);
	assert_int_equal(put(t, "fourth", NULL, NULL, &third), 0);
	assert_int_equal(third, acme);
	assert_string_equal(tenants_name(t, acme), "fourth");
}

static void tenant_comes_back_under_its_number(void **state)
{
	struct tenants *t = *state;
	uint16_t acme, again;

	assert_int_equal(put(t, "acme", "acme.example", NULL, &acme), 0);
	tenants_hold(t, acme, TENANT_EXTENSIONS);
	assert_true(tenants_delete(t, BYTES_LIT("acme")));
	assert_int_equal(put(t, "acme", "acme.example", NULL, &again), 0);
	assert_int_equal(again, acme);
	assert_int_equal(of(t, "acme.example"), acme);
	tenants_release(t, acme, TENANT_EXTENSIONS);
}

/* A record names a tenant before its document was read, or after it was deleted. */
static void claimed_is_not_there_yet(void **state)
{
	struct tenants *t = *state;
	uint16_t acme = tenants_claim(t, BYTES_LIT("acme")), put_as;

	assert_int_not_equal(acme, TENANT_NONE);
	tenants_hold(t, acme, TENANT_CALLS);
	assert_false(tenants_has(t, acme));
	assert_int_equal(tenants_find(t, BYTES_LIT("acme")), TENANT_NONE);
	assert_string_equal(tenants_name(t, acme), "acme");
	assert_string_equal(tenants_realm(t, acme), "");
	assert_int_equal(put(t, "acme", "acme.example", NULL, &put_as), 0);
	assert_int_equal(put_as, acme);
	assert_true(tenants_has(t, acme));
	tenants_release(t, acme, TENANT_CALLS);
}

static void numbers_are_bounded(void **state)
{
	struct tenants *t = *state;
	uint32_t walked = 0;
	uint16_t tenant;
	char name[16], domain[32];

	for (uint32_t i = 1; i < TENANTS_MAX; i++) {
		(void)snprintf(name, sizeof(name), "t%u", i);
		(void)snprintf(domain, sizeof(domain), "t%u.example", i);
		assert_int_equal(put(t, name, domain, NULL, &tenant), 0);
		assert_int_equal(tenant, i);
	}
	assert_int_equal(put(t, "one-more", NULL, NULL, &tenant), -ENOSPC);
	assert_int_equal(tenants_claim(t, BYTES_LIT("one-more")), TENANT_NONE);
	assert_int_equal(of(t, "t77.example"), 77);
	for (tenant = 0; tenants_next(t, &tenant); tenant++)
		walked++;
	assert_int_equal(walked, TENANTS_MAX);
	assert_true(tenants_delete(t, BYTES_LIT("t77")));
	assert_int_equal(put(t, "one-more", NULL, NULL, &tenant), 0);
	assert_int_equal(tenant, 77);
	assert_int_equal(put(t, "two-more", NULL, NULL, &tenant), -ENOSPC);
}

/* Whoever comes, and however many there are: one more finds room. An operator may say otherwise; who is alone has all. */
static void share_leaves_room(void **state)
{
	enum { PLACES = 100 };
	struct tenants *t = *state;
	struct tenant_settings set = named("acme", NULL, NULL);
	uint16_t acme;
	uint32_t all = 0;

	assert_int_equal(tenants_share(t, 0, PLACES, 0), PLACES);
	assert_int_equal(tenants_put(t, &set, &acme), 0);
	for (int i = 0; i < 5; i++) {
		uint32_t share = tenants_share(t, 0, PLACES, all);

		assert_true(share > 0);
		all += share;
		assert_true(share >= PLACES - all); /* as many as are left beside it */
	}
	assert_int_equal(tenants_share(t, 0, PLACES, PLACES), 0);
	assert_int_equal(tenants_share(t, 80, PLACES, 10), 80);
	assert_int_equal(tenants_share(t, 80, PLACES, 30), 70);
	assert_true(tenants_delete(t, BYTES_LIT("acme")));
	assert_int_equal(tenants_share(t, 0, PLACES, 0), PLACES);
}

#define TENANT_TEST(fn) cmocka_unit_test_setup_teardown(fn, open_tenants, close_tenants)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TENANT_TEST(default_is_there),
		TENANT_TEST(tenant_is_found),
		TENANT_TEST(tenant_is_changed),
		TENANT_TEST(wrong_ones_change_nothing),
		TENANT_TEST(number_stays_while_held),
		TENANT_TEST(tenant_comes_back_under_its_number),
		TENANT_TEST(claimed_is_not_there_yet),
		TENANT_TEST(numbers_are_bounded),
		TENANT_TEST(share_leaves_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
