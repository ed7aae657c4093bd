/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests of LDAP. Oracles: a filter that is read is the same when it is written again by liblber and read; it is true of an entry where a plain
 * recursive reading of its nodes says so; and each entry of which it is true has the text that is to be looked for in its names.
 */
#include <assert.h>
#include <lber.h>
#include <stdlib.h>
#include <string.h>

#include "app/feature/ldap/ldap.h"
#include "sig/host/name_index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const g_rows[] = {
	"{\"id\":\"extension:1001\",\"number\":\"1001\",\"name\":\"Robin "
	"Bindle\",\"first_name\":\"Robin\",\"last_name\":\"Bindle\",\"department\":\"Sales\","
	"\"dids\":\"+493055501, +493055502\"}",
	"{\"contact\":\"zoe\",\"name\":\"Zo\xc3\xab "
	"\xc3\x9cm\",\"company\":\"ACME\",\"number\":\"0170 "
	"55\",\"phones\":[{\"number\":\"030/222\"},{\"number\":"
	"\"0170 55\",\"kind\":\"mobile\"}],\"emails\":[{\"address\":\"zoe@example.org\"}]}",
	"{\"contact\":\"a,b\",\"number\":\"#9\"}",
};

static void inside(struct bytes all, struct bytes part)
{
	assert(!part.n || (part.p >= all.p && part.p + part.n <= all.p + all.n));
}

/* ---- written again ---- */

static bool is_set(enum ldap_test test)
{
	return test == LDAP_TEST_AND || test == LDAP_TEST_OR || test == LDAP_TEST_NOT;
}

static int octets(BerElement *ber, struct bytes text, ber_tag_t tag)
{
	return ber_put_ostring(ber, text.n ? (const char *)text.p : "", text.n, tag);
}

static void leaf_put(BerElement *ber, const struct ldap_node *node)
{
	if (node->test == LDAP_TEST_PRESENT) {
		assert(octets(ber, node->name, 0x87) != -1);
	} else if (node->test == LDAP_TEST_SUBSTRINGS) {
		assert(ber_printf(ber, "t{", (ber_tag_t)0xa4) != -1);
		assert(octets(ber, node->name, 4) != -1 && ber_printf(ber, "{") != -1);
		for (uint32_t i = 1; i < node->size; i++)
			assert(octets(ber, node[i].value,
				      0x80 + (ber_tag_t)(node[i].test - LDAP_TEST_INITIAL)) != -1);
		assert(ber_printf(ber, "}}") != -1);
	} else {
		assert(ber_printf(ber, "t{",
				  (ber_tag_t)(node->test == LDAP_TEST_EQUAL ? 0xa3 : 0xa5)) != -1);
		assert(octets(ber, node->name, 4) != -1 && octets(ber, node->value, 4) != -1 &&
		       ber_printf(ber, "}") != -1);
	}
}

static void filter_put(BerElement *ber, const struct ldap_node *node)
{
	static const ber_tag_t tags[] = { 0xa0, 0xa1, 0xa2 };

	if (!is_set(node->test)) {
		leaf_put(ber, node);
		return;
	}
	assert(ber_printf(ber, "t{", tags[node->test]) != -1);
	for (uint32_t i = 1; i < node->size; i += node[i].size)
		filter_put(ber, &node[i]);
	assert(ber_printf(ber, "}") != -1);
}

static void written_again(const struct ldap_request *q)
{
	BerElement *ber = ber_alloc_t(LBER_USE_DER);
	static struct ldap_request again;
	struct berval text;

	assert(ber && ber_printf(ber, "{it{", (ber_int_t)q->id, (ber_tag_t)0x63) != -1 &&
	       octets(ber, q->base, 4) != -1);
	assert(ber_printf(ber, "eeiib", (ber_int_t)q->scope, 0, (ber_int_t)q->size_limit, 0,
			  (ber_int_t)q->types_only) != -1);
	filter_put(ber, q->nodes);
	assert(ber_printf(ber, "{") != -1);
	for (uint32_t i = 0; i < q->name_count; i++)
		assert(octets(ber, q->names[i], 4) != -1);
	assert(ber_printf(ber, "}}}") != -1 && ber_flatten2(ber, &text, 0) != -1);
	assert(!ldap_request_parse(&again, bytes_mem(text.bv_val, text.bv_len)));
	assert(again.id == q->id && again.scope == q->scope && again.node_count == q->node_count &&
	       again.name_count == q->name_count && again.size_limit == q->size_limit &&
	       again.types_only == q->types_only && bytes_eq(again.base, q->base));
	for (uint32_t i = 0; i < q->node_count; i++)
		assert(again.nodes[i].test == q->nodes[i].test &&
		       again.nodes[i].size == q->nodes[i].size &&
		       bytes_eq(again.nodes[i].name, q->nodes[i].name) &&
		       bytes_eq(again.nodes[i].value, q->nodes[i].value));
	ber_free(ber, 1);
}

/* ---- what is true ---- */

static const struct dial_plan g_plan = {
	.country = "49", .area = "30", .national_prefix = "0", .international_prefix = "00"
};

/* 0, 1 (undefined) or 2. A leaf alone is a request of one. */
static int truth_of(struct ldap_entry *e, const struct ldap_node *node)
{
	static struct ldap_request one, other;
	int found = node->test == LDAP_TEST_OR ? 0 : 2;

	if (node->test == LDAP_TEST_NOT)
		return 2 - truth_of(e, node + 1);
	for (uint32_t i = 1; is_set(node->test) && i < node->size; i += node[i].size) {
		int truth = truth_of(e, &node[i]);

		if (node->test == LDAP_TEST_AND ? truth < found : truth > found)
			found = truth;
	}
	if (is_set(node->test))
		return found;
	one.node_count = node->size;
	memcpy(one.nodes, node, node->size * sizeof(*node));
	if (ldap_entry_matches(e, &one, &g_plan))
		return 2;
	other.node_count = node->size + 1u;
	other.nodes[0] =
		(struct ldap_node){ .test = LDAP_TEST_NOT, .size = (uint8_t)(node->size + 1) };
	if (node->size + 1u > LDAP_NODES_MAX)
		return 0;
	memcpy(other.nodes + 1, node, node->size * sizeof(*node));
	return ldap_entry_matches(e, &other, &g_plan) ? 0 : 1;
}

static void hint_is_sound(const struct ldap_entry *e, const char *hint)
{
	char folded[512], name[512];
	struct writer f = writer_over(folded, sizeof(folded)), w = writer_over(name, sizeof(name));

	name_fold(&f, bytes_str(hint));
	for (uint32_t i = 0; i < e->count; i++) {
		if (!strcmp(e->values[i].name, "cn") || !strcmp(e->values[i].name, "sn") ||
		    !strcmp(e->values[i].name, "givenName")) {
			name_fold(&w, e->values[i].value);
			writer_u8(&w, '\n');
		}
	}
	assert(memmem(name, w.n, folded, f.n));
}

static void evaluated(struct ldap_request *q)
{
	char hint[LDAP_HINT_MAX];
	enum ldap_hint kind = ldap_filter_hint(q, hint);
	static char folded[LDAP_FILTER_ROOM];
	static struct ldap_entry e;
	static char room[65536];

	assert(ldap_filter_fold(q, &g_plan,
				folded)); /* no letter becomes longer than twice its octets */
	for (size_t i = 0; i < COUNT_OF(g_rows); i++) {
		json_t *row = json_loads(g_rows[i], 0, NULL);
		struct writer w = writer_over(room, sizeof(room));
		bool matches;

		assert(row && ldap_entry_make(&e, row, "default", i > 0));
		matches = ldap_entry_matches(&e, q, &g_plan);
		assert(matches == (truth_of(&e, q->nodes) == 2));
		assert(!matches || kind != LDAP_HINT_NEVER);
		if (matches && kind == LDAP_HINT_TEXT)
			hint_is_sound(&e, hint);
		ldap_entry_write(&w, q, &e);
		assert(!w.overflow && ldap_message_length(writer_done(&w)) == (int)w.n);
		json_decref(row);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ldap_request q;
	struct bytes all = bytes_mem(data, size);
	char number[64], tenant[32];
	int n = ldap_message_length(all);
	bool own;

	(void)ldap_name_read(all, number, tenant);
	(void)ldap_place_of(all, "default", &own);
	if (n <= 0)
		return 0;
	assert((size_t)n <= size && n <= LDAP_MESSAGE_MAX);
	all = bytes_sub(all, 0, (size_t)n);
	if (ldap_request_parse(&q, all))
		return 0;
	inside(all, q.name);
	inside(all, q.password);
	inside(all, q.base);
	for (uint32_t i = 0; i < q.node_count; i++) {
		inside(all, q.nodes[i].name);
		inside(all, q.nodes[i].value);
		assert(q.nodes[i].size && i + q.nodes[i].size <= q.node_count);
	}
	if (q.op == LDAP_OP_SEARCH) {
		assert(q.nodes[0].size == q.node_count);
		written_again(&q);
		evaluated(&q);
	}
	return 0;
}
