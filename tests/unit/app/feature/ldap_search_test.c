/* SPDX-License-Identifier: Apache-2.0 */
/* A search by number, where the tenant's dial plan goes between two of its pages. */
#define command_start test_start
#include "app/feature/ldap/ldap_search.c"

#include "tests/unit/test.h"

static struct settings g_settings;
static struct node g_node = { .settings = &g_settings };
static struct ldap_client g_client = { .node = &g_node, .tenant = "default" };
static char g_answer[LDAP_ANSWER_MAX];
static struct {
	command_done_fn *done;
	void *arg;
} g_asked;

void test_start(struct node *node, const struct command_principal *who, struct bytes name,
		struct bytes id, const json_t *args, command_done_fn *done, void *arg)
{
	(void)node;
	(void)who;
	(void)name;
	(void)id;
	(void)args;
	g_asked.done = done;
	g_asked.arg = arg;
}

static void contacts_answer(void)
{
	g_asked.done(json_pack("{s:b, s:s, s:[{s:s, s:s, s:[{s:s, s:s}]}]}", "ok", 1, "next", "c",
			       "result", "contact", "c1", "name", "Zoe", "phones", "number",
			       "030222", "kind", "work"),
		     g_asked.arg);
}

static void test_plan_goes(void **state)
{
	static const struct dial_plan plan = { .given = true,
					       .country = "49",
					       .area = "30",
					       .national_prefix = "0",
					       .international_prefix = "00" };
	struct ldap_search *s = calloc(1, sizeof(*s));
	uint16_t tenant;

	(void)state;
	assert_non_null(s);
	rand_open_seed(&g_node.rand, 1);
	assert_int_equal(tenants_open(&g_node.common.tenants, &(struct hash_key){ 1, 2 }), 0);
	assert_int_equal(dial_plans_open(&g_node.common.dials, g_node.common.tenants), 0);
	tenant = tenants_find(g_node.common.tenants, BYTES_LIT("default"));
	assert_int_equal(dial_plans_put(g_node.common.dials, tenant, &plan), 0);
	g_settings.archive.enabled = true;
	g_client.out = writer_over(g_answer, sizeof(g_answer));
	s->client = &g_client;
	s->q.scope = LDAP_AT_ALL;
	s->q.node_count = 1;
	s->q.nodes[0] = (struct ldap_node){ .test = LDAP_TEST_EQUAL,
					    .size = 1,
					    .name = BYTES_LIT("telephoneNumber"),
					    .value = BYTES_LIT("+4930222") };
	ldap_search_plan(s, LDAP_TREE, false);
	ldap_search_next(s);
	contacts_answer();
	assert_int_equal(s->entries, 1);
	dial_plans_delete(g_node.common.dials, tenant);
	contacts_answer();
	assert_int_equal(s->rows, 2);
	assert_int_equal(s->entries, 1); /* nothing says any more that 030222 is +4930222 */
	ldap_search_free(s);
	dial_plans_close(g_node.common.dials);
	tenants_close(g_node.common.tenants);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_plan_goes) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
