/* SPDX-License-Identifier: Apache-2.0 */
/* Which programs are in memory: what a name means, and what stays because a call goes through it. */
#include "tests/unit/test.h"

#include "sig/host/programs.h"

static struct flow_program *program_new(const char *prompt, uint8_t hash[PROGRAM_HASH_LEN])
{
	struct flow_findings found = { 0 };
	struct flow_program *p;
	char text[128];

	(void)snprintf(text, sizeof(text),
		       "{\"name\":\"a\",\"start\":\"s\",\"steps\":{\"s\":{\"play\":[\"%s\"]}}}",
		       prompt);
	p = program_parse(bytes_str(text), NULL, &found);
	assert_non_null(p);
	memcpy(hash, p->hash, PROGRAM_HASH_LEN);
	return p;
}

static void put(struct programs *t, const char *tenant, const char *name, const char *prompt,
		uint8_t hash[PROGRAM_HASH_LEN])
{
	assert_int_equal(
		programs_put(t, bytes_str(tenant), bytes_str(name), program_new(prompt, hash)), 0);
}

static bool means(const struct programs *t, const char *tenant, const char *name,
		  const uint8_t hash[PROGRAM_HASH_LEN])
{
	const struct flow_program *p = programs_named(t, bytes_str(tenant), bytes_str(name));

	return p && p == programs_find(t, hash);
}

/* So many one-off programs that none of those without a user before them is left. */
static void crowd(struct programs *t)
{
	uint8_t hash[PROGRAM_HASH_LEN];
	char prompt[16];

	for (int i = 0; i < PROGRAMS_IDLE_MAX; i++) {
		(void)snprintf(prompt, sizeof(prompt), "crowd%d", i);
		put(t, "acme", "", prompt, hash);
	}
}

static void test_names(void **state)
{
	struct programs *t = programs_create();
	uint8_t a[PROGRAM_HASH_LEN], b[PROGRAM_HASH_LEN];

	(void)state;
	put(t, "acme", "main", "one", a);
	put(t, "other", "main", "two", b);
	put(t, "other", "night", "one", a); /* the same program */
	assert_true(means(t, "acme", "main", a) && means(t, "other", "night", a));
	assert_true(means(t, "other", "main", b));
	assert_null(programs_named(t, BYTES_LIT("acme"), BYTES_LIT("night")));
	assert_null(programs_named(t, BYTES_LIT("acmem"), BYTES_LIT("ain")));
	put(t, "acme", "main", "two", b);
	assert_true(means(t, "acme", "main", b));
	programs_delete(t, BYTES_LIT("acme"), BYTES_LIT("main"));
	programs_delete(t, BYTES_LIT("acme"), BYTES_LIT("main"));
	assert_null(programs_named(t, BYTES_LIT("acme"), BYTES_LIT("main")));
	crowd(t);
	assert_true(means(t, "other", "night", a) && means(t, "other", "main", b));
	programs_free(t);
}

/* What every tenant has is behind what is its own. */
static void test_node(void **state)
{
	struct programs *t = programs_create();
	struct bytes acme = BYTES_LIT("acme"), code = BYTES_LIT("##");
	uint8_t node[PROGRAM_HASH_LEN], own[PROGRAM_HASH_LEN];

	(void)state;
	put(t, "", "box", "one", node);
	assert_true(means(t, "acme", "box", node));
	put(t, "acme", "box", "two", own);
	assert_true(means(t, "acme", "box", own) && means(t, "other", "box", node));
	programs_delete(t, acme, BYTES_LIT("box"));
	assert_true(means(t, "acme", "box", node));
	assert_int_equal(programs_number_put(t, PROGRAMS_NODE, code, BYTES_LIT("box")), 0);
	assert_true(bytes_is(programs_number(t, acme, code), "box"));
	assert_int_equal(programs_number_exact(t, acme, code).n, 0);
	assert_int_equal(programs_number_put(t, acme, code, BYTES_LIT("main")), 0);
	assert_true(bytes_is(programs_number(t, acme, code), "main"));
	assert_int_equal(programs_number_put(t, acme, code, (struct bytes){ 0 }), 0);
	assert_true(bytes_is(programs_number(t, acme, code), "box"));
	programs_free(t);
}

static void test_calls(void **state)
{
	struct programs *t = programs_create();
	uint8_t a[PROGRAM_HASH_LEN], b[PROGRAM_HASH_LEN], once[PROGRAM_HASH_LEN];

	(void)state;
	put(t, "acme", "main", "one", a);
	put(t, "acme", "", "once", once);
	programs_hold(t, a);
	programs_hold(t, a);
	programs_hold(t, once);
	put(t, "acme", "main", "two", b);
	programs_release(t, a);
	crowd(t);
	assert_non_null(programs_find(t, a));
	assert_non_null(programs_find(t, once));
	/* the last call lets it go; it rests for a while, as somebody may have its hash */
	programs_release(t, a);
	assert_non_null(programs_find(t, a));
	crowd(t);
	assert_null(programs_find(t, a));
	assert_non_null(programs_find(t, once));
	/* one that is not here */
	programs_hold(t, a);
	programs_release(t, a);
	programs_free(t);
	programs_free(NULL);
}

/* What was used by nobody is used again before it goes. */
static void test_again(void **state)
{
	struct programs *t = programs_create();
	uint8_t a[PROGRAM_HASH_LEN], b[PROGRAM_HASH_LEN];

	(void)state;
	put(t, "acme", "", "one", a);
	put(t, "acme", "", "two", b);
	put(t, "acme", "", "one", a);
	programs_hold(t, a);
	put(t, "acme", "two", "two", b);
	crowd(t);
	assert_non_null(programs_find(t, a));
	assert_true(means(t, "acme", "two", b));
	programs_release(t, a);
	programs_free(t);
}

static bool leads_to(const struct programs *t, const char *number, const char *flow)
{
	return bytes_is(programs_number(t, BYTES_LIT("acme"), bytes_str(number)), flow);
}

static int number_put(struct programs *t, const char *number, const char *flow)
{
	return programs_number_put(t, BYTES_LIT("acme"), bytes_str(number), bytes_str(flow));
}

static void test_numbers(void **state)
{
	struct programs *t = programs_create();

	(void)state;
	assert_true(leads_to(t, "100", ""));
	assert_int_equal(number_put(t, "100", "main"), 0);
	assert_int_equal(number_put(t, "101", "night"), 0);
	assert_int_equal(number_put(t, "102", ""), 0);
	assert_true(leads_to(t, "100", "main") && leads_to(t, "101", "night"));
	assert_true(leads_to(t, "102", ""));
	assert_int_equal(number_put(t, "100", "night"), 0);
	assert_true(leads_to(t, "100", "night"));
	assert_int_equal(number_put(t, "100", ""), 0);
	assert_true(leads_to(t, "100", "") && leads_to(t, "101", "night"));
	assert_int_equal(programs_number(t, BYTES_LIT("other"), BYTES_LIT("101")).n, 0);
	programs_free(t);
}

/* The number itself comes first, then the most exact pattern; another tenant has its own. */
static void test_patterns(void **state)
{
	struct programs *t = programs_create();
	struct pattern p;

	(void)state;
	assert_int_equal(number_put(t, "#1x", "ones"), 0);
	assert_int_equal(number_put(t, "#x.", "all"), 0);
	assert_int_equal(number_put(t, "#17", "login"), 0);
	assert_int_equal(number_put(t, "max", "person"), 0);
	assert_true(leads_to(t, "#17", "login") && leads_to(t, "#18", "ones"));
	assert_true(leads_to(t, "#28", "all") && leads_to(t, "#", "all"));
	assert_true(leads_to(t, "max", "person") && leads_to(t, "18", ""));
	assert_false(programs_number_exact(t, BYTES_LIT("acme"), BYTES_LIT("#18")).n);
	assert_false(programs_number(t, BYTES_LIT("other"), BYTES_LIT("#18")).n);
	assert_false(programs_pattern(BYTES_LIT("max"), &p));
	assert_true(programs_pattern(BYTES_LIT("#x1"), &p));
	assert_true(bytes_eq(programs_pattern_met(t, BYTES_LIT("acme"), BYTES_LIT("#x1"), &p),
			     BYTES_LIT("#1x")) ||
		    bytes_eq(programs_pattern_met(t, BYTES_LIT("acme"), BYTES_LIT("#x1"), &p),
			     BYTES_LIT("#x.")));
	assert_false(programs_pattern_met(t, BYTES_LIT("acm"), BYTES_LIT("#x1"), &p).n);
	assert_int_equal(number_put(t, "#1x", "other"), 0);
	assert_true(leads_to(t, "#18", "other"));
	assert_int_equal(number_put(t, "#1x", ""), 0);
	assert_true(leads_to(t, "#18", "all"));
	assert_int_equal(number_put(t, "#x.", ""), 0);
	assert_true(leads_to(t, "#18", "") && leads_to(t, "#17", "login"));
	programs_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),   cmocka_unit_test(test_node),
		cmocka_unit_test(test_calls),   cmocka_unit_test(test_again),
		cmocka_unit_test(test_numbers), cmocka_unit_test(test_patterns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
