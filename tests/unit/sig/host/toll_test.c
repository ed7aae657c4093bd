/* SPDX-License-Identifier: Apache-2.0 */
/* What calls outside may cost. */
#include "sig/host/toll.h"

#include "sig/host/share.h"
#include "tests/unit/test.h"

enum { MIN = 60000, ACME = 3, ACCOUNTS = 4, SHARDS = 2 };
#define DAY      (UINT64_C(24) * 60 * MIN)
#define MIDNIGHT (UINT64_C(20000) * DAY)
#define NOON     (MIDNIGHT + DAY / 2)

static const struct toll_terms g_terms = { .user = { 2, 10 }, .tenant = { 3, 20 } };

static int setup(void **state)
{
	static const struct hash_key key = { 1, 2 };

	return toll_open((struct toll **)state, ACCOUNTS, SHARDS, &key);
}

static int teardown(void **state)
{
	toll_close(*state);
	return 0;
}

static struct toll_payer payer(const char *user)
{
	return (struct toll_payer){ .tenant = ACME, .user = bytes_str(user) };
}

static enum toll_verdict begins(struct toll *t, const char *user, uint64_t ms,
				struct toll_charge *out)
{
	const struct toll_payer who = payer(user);
	const struct toll_now now = toll_now(ms, 0);

	return toll_start(t, &who, &g_terms, false, &now, out);
}

/* One that is answered at once. */
static struct toll_charge talks(struct toll *t, const char *user, uint64_t ms)
{
	const struct toll_now now = toll_now(ms, 0);
	struct toll_charge c;

	assert_int_equal(begins(t, user, ms, &c), TOLL_OK);
	toll_talk(&c, ms, &now);
	return c;
}

/* From one slice to the next, until then or until there is no more. */
static struct toll_slice goes_on(struct toll_charge *c, uint64_t until_ms)
{
	struct toll_slice slice = { .ms = 1 };

	while (slice.ms && c->until_ms < until_ms) {
		const struct toll_now now = toll_now(c->until_ms, 0);

		slice = toll_extend(c, &g_terms, &now);
	}
	return slice;
}

static void over(struct toll_charge *c, uint64_t ms)
{
	const struct toll_now now = toll_now(ms, 0);

	toll_end(c, &now);
}

static int64_t today(struct toll *t, const char *user, uint64_t ms)
{
	const struct toll_payer who = payer(user);
	const struct toll_now now = toll_now(ms, 0);

	return toll_look(t, &who, &now).ms;
}

static void calls_at_a_time(void **state)
{
	struct toll_charge a, b, c, d;
	struct toll *t = *state;

	assert_int_equal(begins(t, "1001", NOON, &a), TOLL_OK);
	assert_int_equal(begins(t, "1001", NOON, &b), TOLL_OK);
	assert_int_equal(begins(t, "1001", NOON, &c), TOLL_USER_CALLS);
	assert_int_equal(begins(t, "1002", NOON, &c), TOLL_OK);
	assert_int_equal(begins(t, "1002", NOON, &d), TOLL_TENANT_CALLS);
	assert_int_equal(begins(t, "", NOON, &d), TOLL_TENANT_CALLS);
	over(&a, NOON);
	over(&a, NOON); /* it has no charge any more */
	assert_int_equal(begins(t, "1002", NOON, &d), TOLL_OK);
	over(&b, NOON);
	toll_drop(&c);
	over(&d, NOON);
	assert_int_equal(begins(t, "1001", NOON, &a), TOLL_OK);
	over(&a, NOON);
	assert_int_equal(today(t, "1001", NOON + MIN), 0); /* nobody answered */
}

/* Each is given its time ahead, so that both together never have more than the limit. */
static void minutes_of_a_day(void **state)
{
	struct toll *t = *state;
	struct toll_charge a = talks(t, "1001", NOON), b = talks(t, "1001", NOON), c;

	(void)goes_on(&a, NOON + 4 * MIN);
	(void)goes_on(&b, NOON + 4 * MIN);
	assert_int_equal(today(t, "1001", NOON + 4 * MIN), 8 * MIN);
	(void)goes_on(&a, NOON + 5 * MIN);
	over(&a, NOON + 5 * MIN - 4000); /* what it did not use comes back */
	assert_int_equal(goes_on(&b, NOON + 9 * MIN).ended, TOLL_USER_MINUTES);
	assert_int_equal(b.until_ms, NOON + 5 * MIN + 4000);
	assert_int_equal(begins(t, "1001", NOON + 5 * MIN, &c), TOLL_USER_MINUTES);
	over(&b, b.until_ms);
	assert_int_equal(today(t, "1001", NOON + 9 * MIN), 10 * MIN);
	a = talks(t, "1002", NOON + 9 * MIN); /* the tenant has ten left */
	(void)goes_on(&a, NOON + 18 * MIN);
	b = talks(t, "1003", NOON + 18 * MIN);
	(void)goes_on(&b, NOON + 19 * MIN);
	assert_int_equal(goes_on(&a, NOON + 19 * MIN).ended, TOLL_TENANT_MINUTES);
	assert_int_equal(begins(t, "1003", NOON + 19 * MIN, &c), TOLL_TENANT_MINUTES);
	over(&a, NOON + 18 * MIN);
	over(&b, NOON + 19 * MIN);
}

/* Once a day, of each. */
static void warns(void **state)
{
	struct toll *t = *state;
	struct toll_charge a = talks(t, "1001", NOON);
	const struct toll_now now = toll_now(NOON + 8 * MIN, 0);
	struct toll_slice slice = goes_on(&a, NOON + 8 * MIN - 1);

	assert_true(slice.warn_user);
	assert_false(slice.warn_tenant);
	assert_false(goes_on(&a, NOON + 9 * MIN).warn_user);
	over(&a, NOON + 9 * MIN);
	assert_int_equal(toll_spend(t, &(struct toll_payer){ .tenant = ACME }, 7 * MIN, &now), 0);
	a = talks(t, "1002", NOON + 9 * MIN);
	assert_true(goes_on(&a, NOON + 9 * MIN + 1).warn_tenant);
	over(&a, NOON + 9 * MIN);
}

/* A restored call counts, whatever the limits are by now, and from when it was answered. */
static void restored(void **state)
{
	const struct toll_payer who = payer("1001");
	const struct toll_now now = toll_now(NOON, 0);
	struct toll *t = *state;
	struct toll_charge a;

	assert_int_equal(toll_spend(t, &who, 8 * MIN, &now), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(toll_start(t, &who, &g_terms, true, &now, &a), TOLL_OK);
	toll_talk(&a, NOON - 90000, &now);
	assert_int_equal(goes_on(&a, NOON + MIN).ended, TOLL_USER_MINUTES);
	assert_int_equal(a.until_ms, NOON + 30000);
}

/* By the wall, also of a call that goes on over it; and a wall that is set back takes nothing back. */
static void midnight(void **state)
{
	const int64_t hour = INT64_C(60) * MIN;
	const struct toll_now late = toll_now(NOON, DAY / 2 - 1),
			      next = toll_now(NOON + MIN, DAY / 2);
	struct toll *t = *state;
	struct toll_charge a = talks(t, "1001", MIDNIGHT - 2 * MIN), b;

	(void)goes_on(&a, MIDNIGHT - 1);
	assert_int_equal(today(t, "1001", MIDNIGHT - 1), 2 * MIN);
	(void)goes_on(&a, MIDNIGHT + MIN);
	assert_int_equal(today(t, "1001", MIDNIGHT + MIN), MIN);
	assert_int_equal(today(t, "1001", MIDNIGHT - hour), MIN);
	b = talks(t, "1002", MIDNIGHT + DAY - 5000);
	(void)goes_on(&b, MIDNIGHT + DAY - 1);
	assert_int_equal(today(t, "1002", MIDNIGHT + DAY), 0);
	over(&b, MIDNIGHT + DAY + 1000); /* its slice was of the day before */
	assert_int_equal(today(t, "1002", MIDNIGHT + DAY + 1000), 0);
	over(&a, MIDNIGHT + MIN);
	assert_int_equal(late.day, 20000);
	assert_int_equal(next.day, 20001);
	assert_int_equal(next.midnight_ms, NOON);
}

/* By command: what it has cost is taken back, and those going on count from then. */
static void reset(void **state)
{
	const struct toll_payer who = payer("1001");
	struct toll_now now = toll_now(NOON + 4 * MIN, 0);
	struct toll *t = *state;
	struct toll_charge a = talks(t, "1001", NOON);

	(void)goes_on(&a, NOON + 4 * MIN);
	toll_forgive(t, &who, toll_look(t, &who, &now).ms, &now);
	(void)goes_on(&a, NOON + 6 * MIN);
	over(&a, NOON + 6 * MIN);
	assert_int_equal(today(t, "1001", NOON + 9 * MIN), 2 * MIN);
	assert_int_equal(today(t, "", NOON + 9 * MIN), 6 * MIN);
}

/* How often the extension was warned until then. */
static unsigned warnings(struct toll_charge *c, uint64_t until_ms)
{
	unsigned n = 0;

	while (c->until_ms < until_ms) {
		const struct toll_now now = toll_now(c->until_ms, 0);

		n += toll_extend(c, &g_terms, &now).warn_user;
	}
	return n;
}

/* Who was warned and has his minutes back is warned once more. */
static void reset_after_a_warning(void **state)
{
	const struct toll_payer who = payer("1001");
	struct toll_now now = toll_now(NOON + 9 * MIN, 0);
	struct toll *t = *state;
	struct toll_charge a = talks(t, "1001", NOON);

	assert_int_equal(warnings(&a, NOON + 9 * MIN), 1);
	toll_forgive(t, &who, toll_look(t, &who, &now).ms, &now);
	assert_int_equal(warnings(&a, NOON + 16 * MIN), 0);
	assert_int_equal(warnings(&a, NOON + 18 * MIN), 1);
	over(&a, NOON + 18 * MIN);
}

/* Of one that was answered yesterday today has what it has talked since midnight. */
static void restored_over_midnight(void **state)
{
	const struct toll_payer who = payer("1001");
	const struct toll_now now = toll_now(MIDNIGHT + MIN, 0);
	struct toll *t = *state;
	struct toll_charge a;

	assert_int_equal(toll_start(t, &who, &g_terms, true, &now, &a), TOLL_OK);
	toll_talk(&a, MIDNIGHT - 5 * MIN, &now);
	assert_int_equal(today(t, "1001", MIDNIGHT + MIN), MIN);
	over(&a, MIDNIGHT + MIN);
	assert_int_equal(today(t, "1001", MIDNIGHT + MIN), MIN);
}

/* Equal numbers of two tenants never meet; no limit is no end. Accounts of days before make room. */
static void accounts(void **state)
{
	const struct toll_terms none = { 0 };
	const struct toll_payer other = { .tenant = ACME + 1, .user = BYTES_LIT("1001") };
	struct toll_now now = toll_now(NOON, 0);
	struct toll *t = *state;
	struct toll_charge a = talks(t, "1001", NOON), b, c;

	assert_int_equal(toll_start(t, &other, &none, false, &now, &b), TOLL_OK);
	toll_talk(&b, NOON, &now);
	now = toll_now(NOON + 100 * MIN, 0);
	assert_int_equal(toll_extend(&b, &none, &now).ms, TOLL_SLICE_MS);
	over(&b, NOON + 100 * MIN);
	over(&a, NOON + MIN);
	assert_int_equal(today(t, "1001", NOON), MIN);
	assert_int_equal(toll_look(t, &other, &now).ms, 100 * MIN);
	assert_int_equal(begins(t, "1002", NOON, &c), TOLL_USER_CALLS); /* the four are taken */
	assert_int_equal(begins(t, "1002", NOON + DAY, &c), TOLL_USER_CALLS); /* in the west */
	assert_int_equal(begins(t, "1002", NOON + 2 * DAY, &c), TOLL_OK);
	over(&c, NOON + 2 * DAY);
}

/* Nobody has called for days: the extension takes the place of another one, and not its tenant's. */
static void accounts_of_days_ago(void **state)
{
	const char *users[] = { "1001", "1002", "1003" };
	struct toll *t = *state;
	struct toll_charge c;

	for (size_t i = 0; i < COUNT_OF(users); i++) {
		c = talks(t, users[i], NOON);
		over(&c, NOON + MIN);
	}
	c = talks(t, "1004", NOON + 2 * DAY);
	over(&c, NOON + 2 * DAY + MIN);
	assert_int_equal(today(t, "1004", NOON + 2 * DAY), MIN);
	assert_int_equal(today(t, "", NOON + 2 * DAY), MIN);
}

/* A shard leaves the node amid a call. Its minutes are spent. When it comes back, with more, they count once. */
static void a_shard_comes_back(void **state)
{
	const struct toll_payer there = { .tenant = ACME, .shard = 1, .user = BYTES_LIT("1001") };
	const struct toll_now now = toll_now(NOON, 0);
	struct toll *t = *state;
	struct toll_charge a = talks(t, "1001", NOON), b;

	assert_int_equal(toll_spend(t, &there, 3 * MIN, &now), 0);
	assert_int_equal(toll_start(t, &there, &g_terms, true, &now, &b), TOLL_OK);
	toll_talk(&b, NOON - MIN, &now);
	toll_drop(&b);
	assert_int_equal(today(t, "1001", NOON), 4 * MIN);
	assert_int_equal(toll_look(t, &there, &now).calls, 1);
	toll_forget(t, there.shard);
	assert_int_equal(toll_spend(t, &there, 8 * MIN, &now), 0);
	assert_int_equal(today(t, "1001", NOON), 8 * MIN);
	assert_int_equal(today(t, "", NOON), 8 * MIN);
	assert_int_equal(goes_on(&a, NOON + 3 * MIN).ended, TOLL_USER_MINUTES);
	over(&a, NOON + 2 * MIN);
	toll_forget(t, there.shard);
	assert_int_equal(today(t, "1001", NOON), 2 * MIN);
}

/* Of what another shard has cost, too: what is with the store then says the same once that one is read again. */
static void reset_over_shards(void **state)
{
	const struct toll_payer here = payer("1001");
	const struct toll_payer there = { .tenant = ACME, .shard = 1, .user = BYTES_LIT("1001") };
	const struct toll_now now = toll_now(NOON, 0);
	struct toll *t = *state;

	assert_int_equal(toll_spend(t, &here, MIN, &now), 0);
	assert_int_equal(toll_spend(t, &there, 3 * MIN, &now), 0);
	toll_forgive(t, &here, 4 * MIN, &now);
	assert_int_equal(today(t, "1001", NOON), 0);
	toll_forget(t, there.shard);
	assert_int_equal(toll_spend(t, &there, 3 * MIN, &now), 0);
	assert_int_equal(today(t, "1001", NOON), 0);
}

/* Each has what both shards have cost it; a day later it has nothing, whichever shard it was. */
static void accounts_of_two_shards(void **state)
{
	enum { MANY = 300 };
	static const struct hash_key key = { 1, 2 };
	const struct toll_now now = toll_now(NOON, 0), later = toll_now(NOON + 2 * DAY, 0);
	struct toll *t;

	(void)state;
	assert_int_equal(toll_open(&t, MANY, SHARDS, &key), 0);
	for (uint32_t i = 0; i < SHARDS * MANY; i++) {
		const struct toll_payer who = { .tenant = (uint16_t)(i % MANY),
						.shard = (uint8_t)(i / MANY) };

		assert_int_equal(toll_spend(t, &who, i, &now), 0);
	}
	for (uint32_t i = 0; i < MANY; i++) {
		const struct toll_payer who = { .tenant = (uint16_t)i };

		assert_int_equal(toll_look(t, &who, &now).ms, MANY + 2 * i);
	}
	for (uint32_t i = 0; i < MANY; i++) {
		const struct toll_payer who = { .tenant = (uint16_t)(MANY + i) };

		assert_int_equal(toll_spend(t, &who, i, &later),
				 0); /* in the place of another one */
		assert_int_equal(toll_look(t, &who, &later).ms, i);
	}
	toll_close(t);
}

/* A tenant's day begins when its document says: until then it is the one before. */
static void days_of_tenants(void **state)
{
	static const struct hash_key key = { 1, 2 };
	const struct tenant_settings set = { .name = "west", .toll_begins_s = 8 * 3600 };
	const uint64_t eight = MIDNIGHT + 8 * 60 * MIN;
	struct tenants *all;
	struct toll_now now;
	uint16_t west;

	(void)state;
	assert_int_equal(tenants_open(&all, &key), 0);
	assert_int_equal(tenants_put(all, &set, &west), 0);
	now = toll_now_of(all, west, eight - 1, 0);
	assert_int_equal(now.day, 19999);
	assert_int_equal(now.midnight_ms, eight - DAY);
	now = toll_now_of(all, west, eight - 1000, 1000); /* the wall is ahead */
	assert_int_equal(now.day, 20000);
	assert_int_equal(now.midnight_ms, eight - 1000);
	assert_int_equal(toll_now_of(all, TENANT_DEFAULT, eight - 1, 0).day, 20000);
	assert_int_equal(toll_now_of(all, TENANT_NONE, eight - 1, 0).day, 20000);
	tenants_close(all);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

/* ---- over nodes (sig/host/share.h) ---- */

struct nodes {
	struct tenants *tenants;
	struct shares *shares[2];
	struct toll *tolls[2];
};

static int nodes_setup(void **state)
{
	static const struct hash_key key = { 1, 2 };
	static const uint64_t processes[] = { 7, 9 };
	struct nodes *n = calloc(1, sizeof(*n));

	assert_int_equal(tenants_open(&n->tenants, &key), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(toll_open(&n->tolls[i], ACCOUNTS, SHARDS, &key), 0);
		assert_int_equal(shares_open(&n->shares[i], n->tenants, 16), 0);
		shares_nodes(n->shares[i], processes[i], processes, 2);
		toll_share(n->tolls[i], n->shares[i]);
	}
	*state = n;
	return 0;
}

static int nodes_teardown(void **state)
{
	struct nodes *n = *state;

	for (int i = 0; i < 2; i++) {
		toll_close(n->tolls[i]);
		shares_close(n->shares[i]);
	}
	tenants_close(n->tenants);
	free(n);
	return 0;
}

static void nodes_talk(struct nodes *n)
{
	struct share_word word;

	for (int i = 0; i < 4; i++) {
		while (shares_next(n->shares[i % 2], &word)) {
			word.process = i % 2 ? 9 : 7;
			shares_hear(n->shares[1 - i % 2], &word);
		}
	}
}

static struct toll_payer default_payer(void)
{
	return (struct toll_payer){ .user = BYTES_LIT("1001") };
}

static enum toll_verdict calls(struct nodes *n, int node, uint64_t ms, struct toll_charge *out)
{
	const struct toll_payer who = default_payer();
	const struct toll_now now = toll_now(ms, 0);
	enum toll_verdict verdict = toll_start(n->tolls[node], &who, &g_terms, false, &now, out);

	if (verdict == TOLL_OK)
		toll_talk(out, ms, &now);
	nodes_talk(n);
	return verdict;
}

/* Two calls at a time, and ten minutes a day, at whichever node it calls. */
static void over_two_nodes(void **state)
{
	struct nodes *n = *state;
	struct toll_charge a = { 0 }, b = { 0 }, none;
	struct toll_usage used = { 0 };
	uint64_t ms = NOON;

	assert_int_equal(calls(n, 0, ms, &a), TOLL_OK);
	assert_int_equal(calls(n, 1, ms, &b), TOLL_OK);
	assert_int_equal(calls(n, 0, ms, &none), TOLL_USER_CALLS);
	assert_int_equal(calls(n, 1, ms, &none), TOLL_USER_CALLS);
	for (bool more = true; more; ms += 500) {
		struct toll_now now = toll_now(ms, 0);

		if (b.of && ms == NOON + MIN) /* from then on the other one needs them all */
			toll_end(&b, &now);
		if (a.until_ms <= ms)
			more = toll_extend(&a, &g_terms, &now).ms != 0;
		if (b.of && b.until_ms <= ms)
			assert_true(toll_extend(&b, &g_terms, &now).ms != 0);
		nodes_talk(n);
	}
	for (int i = 0; i < 2; i++) {
		const struct toll_payer who = default_payer();
		const struct toll_now now = toll_now(ms, 0);

		used.ms += toll_look(n->tolls[i], &who, &now).ms;
	}
	assert_int_equal(used.ms, 10 * MIN);
	{
		const struct toll_now now = toll_now(ms, 0);

		toll_end(&a, &now);
	}
	nodes_talk(n);
	assert_int_equal(calls(n, 0, ms, &none), TOLL_USER_MINUTES);
	assert_int_equal(calls(n, 1, ms, &none), TOLL_USER_MINUTES);
	assert_int_equal(calls(n, 1, ms + DAY, &b), TOLL_OK); /* tomorrow */
}

/* Who hears nobody has half of both. */
static void nobody_is_heard(void **state)
{
	struct nodes *n = *state;
	struct toll_charge a = { 0 }, none;
	const struct toll_payer who = default_payer();
	struct toll_now now = toll_now(NOON, 0);

	assert_int_equal(toll_start(n->tolls[0], &who, &g_terms, false, &now, &a), TOLL_OK);
	toll_talk(&a, NOON, &now);
	assert_int_equal(toll_start(n->tolls[0], &who, &g_terms, false, &now, &none),
			 TOLL_USER_CALLS);
	while (toll_extend(&a, &g_terms, &now).ms)
		now = toll_now(a.until_ms, 0);
	assert_int_equal(a.until_ms, NOON + 5 * MIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(calls_at_a_time),
		TEST(minutes_of_a_day),
		TEST(warns),
		TEST(restored),
		TEST(midnight),
		TEST(reset),
		TEST(accounts),
		TEST(restored_over_midnight),
		TEST(days_of_tenants),
		TEST(reset_after_a_warning),
		TEST(accounts_of_days_ago),
		TEST(a_shard_comes_back),
		TEST(reset_over_shards),
		TEST(accounts_of_two_shards),
		cmocka_unit_test_setup_teardown(over_two_nodes, nodes_setup, nodes_teardown),
		cmocka_unit_test_setup_teardown(nobody_is_heard, nodes_setup, nodes_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
