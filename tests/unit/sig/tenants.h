/* SPDX-License-Identifier: Apache-2.0 */
/* Three tenants with the same extensions, 1001 to 1004, on one rig: the default one, acme and other. Each has two phones. */
#ifndef TESTS_UNIT_SIG_TENANTS_H
#define TESTS_UNIT_SIG_TENANTS_H

#include "tests/unit/sig/phone.h"
#include "tests/unit/test.h"

enum { HOUSES = 3, ACME = 1, OTHER = 2 };

static const char *const g_houses[HOUSES] = { "default", "acme", "other" };
static const char *const g_house_domains[HOUSES] = { "test.local", "acme.example",
						     "other.example" };

/* One tenant: its number in this process, phones of 1001 and 1002. */
struct house {
	uint16_t number;
	struct phone a, b;
};
struct street {
	struct rig *r;
	struct tenants *tenants;
	struct house houses[HOUSES];
};

RIG_FN void street_put(struct street *s, unsigned house)
{
	struct tenant_settings set = { .domain_count = 1 };

	(void)bytes_cstr(bytes_str(g_houses[house]), set.name, sizeof(set.name));
	(void)bytes_cstr(bytes_str(g_house_domains[house]), set.domains[0], TENANT_DOMAIN_MAX);
	assert_int_equal(tenants_put(s->tenants, &set, &s->houses[house].number), 0);
}

RIG_FN void street_disable(struct street *s, unsigned house)
{
	struct tenant_settings set = { .domain_count = 1, .disabled = true };

	(void)bytes_cstr(bytes_str(g_houses[house]), set.name, sizeof(set.name));
	(void)bytes_cstr(bytes_str(g_house_domains[house]), set.domains[0], TENANT_DOMAIN_MAX);
	assert_int_equal(tenants_put(s->tenants, &set, &s->houses[house].number), 0);
}

/* The password is the domain's name. */
RIG_FN void street_furnish(struct street *s, unsigned house)
{
	for (int i = 1001; i <= 1004; i++) {
		struct shard_extension e = { .tenant = s->houses[house].number, .enabled = true };
		struct bytes domain = bytes_str(g_house_domains[house]);

		(void)snprintf(e.number, sizeof(e.number), "%d", i);
		digest_secret_make(&e.secret, bytes_str(e.number), domain, domain);
		assert_int_equal(shard_extension_put(s->r->shard, &e), 0);
	}
}

RIG_FN void street_phone(struct street *s, struct phone *p, unsigned house, const char *user)
{
	char address[ADDR_TEXT_MAX];

	(void)snprintf(address, sizeof(address), "192.0.2.%u:5060",
		       10 * (house + 1) + (unsigned)(user[3] - '0'));
	phone_open(p, s->r, user, address);
	(void)snprintf(p->tag, sizeof(p->tag), "%s-%s", g_houses[house], user);
	(void)snprintf(p->registration, sizeof(p->registration), "%s", p->tag);
	p->tenant = g_houses[house];
	p->domain = g_house_domains[house];
}

RIG_FN struct street *street_open(struct shard_settings *settings)
{
	static const struct hash_key key = { 1, 2 };
	struct street *s = calloc(1, sizeof(*s));

	assert_int_equal(tenants_open(&s->tenants, &key), 0);
	settings->tenants = s->tenants;
	s->r = rig_open_with(settings);
	for (unsigned i = 0; i < HOUSES; i++) {
		if (i)
			street_put(s, i);
		street_furnish(s, i);
		street_phone(s, &s->houses[i].a, i, "1001");
		street_phone(s, &s->houses[i].b, i, "1002");
	}
	return s;
}

RIG_FN int street_setup(void **state)
{
	struct shard_settings settings = rig_settings();
	struct street *s = street_open(&settings);

	for (unsigned i = 0; i < HOUSES; i++) {
		phone_bind(&s->houses[i].a);
		phone_bind(&s->houses[i].b);
	}
	*state = s;
	return 0;
}

RIG_FN int street_teardown(void **state)
{
	struct street *s = *state;

	rig_close(s->r);
	tenants_close(s->tenants);
	free(s);
	return 0;
}

#define STREET_TEST(fn) cmocka_unit_test_setup_teardown(fn, street_setup, street_teardown)

#endif
