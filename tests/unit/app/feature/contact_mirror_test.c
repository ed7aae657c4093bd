/* SPDX-License-Identifier: Apache-2.0 */
/* All extensions are told again while the archive is still asked which ones it has. */
#define archive_query_send   test_query_send
#define archive_reader_epoch test_reader_epoch
#define extensions_next      test_extensions_next
#define extensions_find      test_extensions_find
#include "app/feature/contact/contact_mirror.c"

#include "tests/unit/test.h"

static struct documents g_documents;
static struct node g_node;
static struct {
	char name[32], tenant[32], after[32];
	json_t *rows;
	child_answer_fn *done;
} g_asked;

bool test_query_send(struct node *n, const char *name, json_t *args, uint16_t tenant, uint32_t ms,
		     child_answer_fn *done, void *arg)
{
	(void)n;
	(void)tenant;
	(void)ms;
	(void)arg;
	assert_null(g_asked.done); /* one at a time */
	json_decref(g_asked.rows);
	(void)snprintf(g_asked.name, sizeof(g_asked.name), "%s", name);
	(void)snprintf(g_asked.tenant, sizeof(g_asked.tenant), "%s", json_text(args, "tenant"));
	(void)snprintf(g_asked.after, sizeof(g_asked.after), "%s", json_text(args, "after"));
	g_asked.rows = json_incref(json_object_get(args, "rows"));
	g_asked.done = done;
	json_decref(args);
	return true;
}

uint32_t test_reader_epoch(void)
{
	return 1;
}

/* There is one: 1001. */
bool test_extensions_next(const struct extensions *x, uint32_t *cursor, uint16_t *tenant,
			  struct bytes *number)
{
	(void)x;
	*tenant = 0;
	*number = BYTES_LIT("1001");
	return !(*cursor)++;
}

bool test_extensions_find(const struct extensions *x, uint16_t tenant, struct bytes number,
			  struct extension *out)
{
	(void)x;
	(void)tenant;
	*out = (struct extension){ 0 };
	(void)bytes_cstr(number, out->core.number, sizeof(out->core.number));
	return bytes_is(number, "1001");
}

static void answer(json_t *result)
{
	child_answer_fn *done = g_asked.done;
	json_t *line = json_pack("{s:o}", "result", result);

	g_asked.done = NULL;
	done(&g_node, line, NULL, NULL);
	json_decref(line);
}

static void asked_expect(const char *name, const char *tenant, const char *after)
{
	assert_non_null(g_asked.done);
	assert_string_equal(g_asked.name, name);
	assert_string_equal(g_asked.tenant, tenant);
	assert_string_equal(g_asked.after, after);
}

/* result: of the look that is under way while more change than are noted. */
static void begun_again(json_t *result)
{
	char number[16];

	memset(&g_colleagues, 0, sizeof(g_colleagues));
	g_documents.keep.loaded = true;
	g_node.api.documents = &g_documents;
	assert_int_equal(tenants_open(&g_node.common.tenants, &(struct hash_key){ 1, 2 }), 0);
	contact_second(&g_node, 1);
	asked_expect("contact.mirror", "", "");
	answer(json_true());
	asked_expect("contact.mirrored", "", "");
	for (int i = 0; i <= CHANGED_MAX; i++) {
		(void)snprintf(number, sizeof(number), "%d", 1000 + i);
		contact_extension(&g_node, 0, number);
	}
	answer(result);
	if (g_asked.done) /* the ones that are gone */
		answer(json_true());
	else
		contact_second(&g_node, 2);
	asked_expect("contact.mirror", "", "");
	assert_int_equal(json_array_size(g_asked.rows), 1);
	assert_string_equal(json_text(json_array_get(g_asked.rows, 0), "contact"), "1001");
	answer(json_true());
	asked_expect("contact.mirrored", "", ""); /* from the first one on */
	answer(json_pack("{s:[]}", "rows"));
	contact_second(&g_node, 3);
	assert_null(g_asked.done);
	tenants_close(g_node.common.tenants);
	json_decref(g_asked.rows);
	g_asked.rows = NULL;
}

static void test_behind_the_last(void **state)
{
	(void)state;
	begun_again(json_pack("{s:[]}", "rows"));
}

static void test_in_between(void **state)
{
	(void)state;
	begun_again(json_pack("{s:s, s:[[s, s]]}", "tenant", "default", "rows", "2002", "2002"));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_behind_the_last),
					    cmocka_unit_test(test_in_between) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
