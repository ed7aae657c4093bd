/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of documents, what the log says of them, and what Redis has. */
#include "tests/unit/cluster/node.h"

static const struct bytes ACME = BYTES_LIT("acme");

static struct store_document document(const char *kind, const char *name, uint64_t version,
				      const char *json)
{
	return (struct store_document){ .tenant = ACME,
					.kind = kind,
					.name = bytes_str(name),
					.version = version,
					.json = bytes_str(json) };
}

/* Its answer is the letter. Version: of it. */
static void put(struct node *n, const char *name, uint64_t of, uint64_t generation, bool exact,
		const char *want, uint64_t version)
{
	struct store_document d = document("extension", name, 0, "{}");

	store_document_put(n->shared, &d, &(struct store_known){ of, generation, exact }, node_done,
			   n);
	NODE_EXPECT(n, want);
	assert_int_equal(n->version, version);
}

static void take(struct node *n, const char *name, uint64_t of, uint64_t generation,
		 const char *want, uint64_t version)
{
	struct store_document d = document("extension", name, 0, "");

	store_document_delete(n->shared, &d, &(struct store_known){ of, generation, false },
			      node_done, n);
	NODE_EXPECT(n, want);
	assert_int_equal(n->version, version);
}

/* Whoever changes what is not what he knows any more hears of it, and nothing has happened. */
static void test_changes(void **state)
{
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	put(&n, "1", 0, 0, false, "o", 1);
	put(&n, "1", 0, 1, false, "c", 1);
	put(&n, "1", 1, 1, false, "o", 2);
	put(&n, "2", 0, 1, true, "c", 2); /* something has changed since 1 */
	put(&n, "2", 0, 1, false, "o", 3);
	put(&n, "3", 0, 3, true, "o", 4);
	put(&n, "3", 4, 9, false, "c", 4); /* Redis has lost some */
	take(&n, "1", 1, 4, "c", 4);
	take(&n, "1", 2, 4, "o", 5);
	take(&n, "1", 2, 5, "c", 5);
	take(&n, "1", 0, 5, "o", 0); /* there was none */
	assert_string_equal(server_ask(&s, "GET td:{t:acme}:gen"), "5");
	assert_string_equal(server_ask(&s, "HGET td:{t:acme}:ver:extension 3"), "4");
	assert_string_equal(server_ask(&s, "HEXISTS td:{t:acme}:ver:extension 1"), "0");
	assert_string_equal(server_ask(&s, "XLEN td:{docs}:log"), "5");
	node_without_server(&n, &s);
}

static char g_look[256];

static void on_look(const struct store_look *look, void *arg)
{
	(void)snprintf(g_look, sizeof(g_look), BYTES_FMT " %s %u %u", BYTES_ARG(look->history),
		       look->newest.n ? "told" : "", (unsigned)store_look_generation(look, 0),
		       (unsigned)store_look_generation(look, 1));
	node_done(look->result, 0, 0, arg);
}

static void look(struct node *n, const char *history, const char *want)
{
	const struct bytes tenants[] = { BYTES_LIT("other"), ACME };

	store_documents_look(n->shared, tenants, COUNT_OF(tenants), bytes_str(history), on_look, n);
	NODE_EXPECT(n, "o");
	assert_string_equal(g_look, want);
}

static char g_found[256];

static void on_found(const struct store_found *f, void *arg)
{
	(void)snprintf(g_found, sizeof(g_found), "%d %u %u " BYTES_FMT, f->there,
		       (unsigned)f->version, (unsigned)f->generation, BYTES_ARG(f->json));
	node_done(f->result, 0, 0, arg);
}

static void find(struct node *n, const char *name, const char *want)
{
	store_document_read(n->shared, ACME, "extension", bytes_str(name), on_found, n);
	NODE_EXPECT(n, "o");
	assert_string_equal(g_found, want);
}

static void on_version(struct bytes name, uint64_t version, void *arg)
{
	struct node *n = arg;

	(void)snprintf(n->records[n->loaded++], NODE_RECORD_MAX, BYTES_FMT "=%u", BYTES_ARG(name),
		       (unsigned)version);
}

static void test_looks(void **state)
{
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	look(&n, "", "  0 0");
	look(&n, "h1", "h1  0 0");
	put(&n, "1", 0, 0, false, "o", 1);
	put(&n, "2", 0, 1, false, "o", 2);
	look(&n, "h2", "h1 told 0 2");
	find(&n, "2", "1 2 2 {}");
	find(&n, "3", "0 0 2 ");
	(void)server_ask(&s, "HSET td:{t:acme}:ver:extension 1 x");
	store_document_versions(n.shared, ACME, "extension", on_version, node_done, &n);
	NODE_EXPECT(&n, "o");
	assert_true(n.loaded == 2 && node_has(&n, "1=0") && node_has(&n, "2=2"));
	(void)server_ask(&s, "SET td:{t:acme}:gen word");
	look(&n, "", "h1 told 0 0");
	node_without_server(&n, &s);
}

static void restore(struct node *n, const char *name, uint64_t version, const char *json,
		    uint64_t put)
{
	struct store_document d = document(name[0] ? "extension" : "", name, version, json);

	store_document_restore(n->shared, &d, BYTES_LIT("old"), node_done, n);
	NODE_EXPECT(n, "o");
	assert_int_equal(n->version, put);
}

/* Two nodes put back what they have at the same time, in whatever order: of each document the newest stays. */
static void test_two_restore(void **state)
{
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	restore(&n, "1", 4, "four", 1);
	restore(&n, "1", 7, "seven", 1);
	restore(&n, "2", 6, "six", 1);
	restore(&n, "2", 5, "five", 0);
	restore(&n, "2", 6, "six", 0);
	restore(&n, "2", 6, "", 0); /* a deletion is of a version, too */
	restore(&n, "2", 8, "", 1);
	restore(&n, "2", 8, "", 0);
	restore(&n, "2", 9, "nine", 1);
	restore(&n, "", 7, "", 0);
	restore(&n, "", 6, "", 0);
	look(&n, "new", "old told 0 7");
	find(&n, "1", "1 7 7 seven");
	find(&n, "2", "1 9 7 nine");
	put(&n, "2", 9, 7, true, "o", 8);
	assert_string_equal(server_ask(&s, "XLEN td:{docs}:log"), "6");
	node_without_server(&n, &s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_looks),
		cmocka_unit_test(test_two_restore),
	};

	return cmocka_run_group_tests(tests, loop_setup, loop_teardown);
}
