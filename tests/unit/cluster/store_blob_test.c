/* SPDX-License-Identifier: Apache-2.0 */
/* Octets by their hash: there for ever, or a day longer; of each tenant its own. */
#include "tests/unit/cluster/node.h"

enum { LARGE = 1 << 20 };

/* What the store said: "o OCTETS", "o -" (they are not there), "r", "u". */
struct heard {
	struct node *node;
	size_t n;
	char text[16];
};

static void told(enum store_result result, bool there, struct bytes octets, void *arg)
{
	struct heard *h = arg;

	h->n = octets.n;
	(void)snprintf(h->text, sizeof(h->text), "%c %s" BYTES_FMT, NODE_LETTERS[result],
		       there ? "" : "-", BYTES_ARG(bytes_sub(octets, 0, 8)));
}

static bool has_heard(void *arg)
{
	return ((struct heard *)arg)->text[0] != '\0';
}

enum act { PUT, GET, KEEP, EXPIRE };

static const char *ask(struct heard *h, enum act act, const char *tenant, const char *hash,
		       struct bytes octets)
{
	const struct store_blob of = { bytes_str(tenant), "prompt", hash };

	h->text[0] = '\0';
	if (act == PUT)
		store_blob_put(h->node->shared, &of, octets, told, h);
	else if (act == GET)
		store_blob_get(h->node->shared, &of, told, h);
	else
		store_blob_keep(h->node->shared, &of, told, h);
	assert_false(has_heard(h)); /* never before the call returned */
	assert_true(drive(h->node->redis, 5000, has_heard, h));
	return h->text;
}

static void test_blobs(void **state)
{
	static const struct {
		const char *name;
		enum act act;
		const char *tenant, *hash, *octets, *want;
	} rows[] = {
		{ "none", GET, "acme", "a1", "", "o -" },
		{ "kept, and not there", KEEP, "acme", "a1", "", "o -" },
		{ "put", PUT, "acme", "a1", "sound", "o " },
		{ "got", GET, "acme", "a1", "", "o sound" },
		{ "of another tenant", GET, "other", "a1", "", "o -" },
		{ "of another hash", GET, "acme", "a12", "", "o -" },
		{ "kept", KEEP, "acme", "a1", "", "o " },
	}, *row;
	static uint8_t large[LARGE];
	const struct store_blob of = { BYTES_LIT("acme"), "prompt", "a1" };
	struct server s;
	struct node n;
	struct heard h = { .node = &n };

	(void)state;
	node_with_server(&n, &s);
	EACH_ROW(row, rows)
	{
		ROW_ASSERT(row->name, !strcmp(ask(&h, row->act, row->tenant, row->hash,
						  bytes_str(row->octets)),
					      row->want));
	}
	store_blob_expire(n.shared, &of);
	assert_string_equal(ask(&h, GET, "acme", "a1", bytes_str("")), "o sound");
	assert_string_equal(server_ask(&s, "TTL td:{t:acme}:prompt:a1"), "86400");
	assert_string_equal(ask(&h, KEEP, "acme", "a1", bytes_str("")), "o ");
	assert_string_equal(server_ask(&s, "TTL td:{t:acme}:prompt:a1"), "-1");
	assert_string_equal(ask(&h, PUT, "acme", "b2", bytes_mem(large, sizeof(large))), "o ");
	(void)ask(&h, GET, "acme", "b2", bytes_str(""));
	assert_int_equal(h.n, LARGE);
	(void)server_ask(&s, "LPUSH td:{t:acme}:prompt:c3 x");
	assert_string_equal(ask(&h, GET, "acme", "c3", bytes_str("")), "r -");
	node_without_server(&n, &s);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_blobs) };

	return cmocka_run_group_tests(tests, loop_setup, loop_teardown);
}
