/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of a mailbox: which set has one is its state, and the sizes of the sets are the counts. */
#include "base/decimal.h"
#include "tests/unit/cluster/node.h"

#define DAY_MS (UINT64_C(86400000))
#define NOW    (UINT64_C(1764300000000))

/* What was said, as text: the result, code, version, counts; behind it "ID SET" of each message, with its facts and marks where verbose. */
struct heard {
	struct node *node;
	bool verbose, done;
	char rows[4096], text[8192];
};

static void each(const struct store_box_row *row, void *arg)
{
	struct heard *h = arg;
	size_t n = strlen(h->rows);

	(void)snprintf(h->rows + n, sizeof(h->rows) - n, " " BYTES_FMT " " BYTES_FMT,
		       BYTES_ARG(row->id), BYTES_ARG(row->set));
	n = strlen(h->rows);
	if (h->verbose)
		(void)snprintf(h->rows + n, sizeof(h->rows) - n, " " BYTES_FMT " " BYTES_FMT,
			       BYTES_ARG(row->facts), BYTES_ARG(row->marks));
}

static void told(const struct store_box_answer *said, void *arg)
{
	struct heard *h = arg;

	h->done = true;
	(void)snprintf(h->text, sizeof(h->text), "%c%d v%u %u/%u %u/%u %u%s",
		       NODE_LETTERS[said->result], said->code, (unsigned)said->version,
		       said->counts[0], said->counts[1], said->counts[2], said->counts[3],
		       said->counts[4], h->rows);
}

static bool has_heard(void *arg)
{
	return ((struct heard *)arg)->done;
}

enum { WORDS = 12 };

/* words: with blanks between; '-' is an empty one; day: of the clock. */
static const char *ask(struct heard *h, const char *box, int day, const char *words)
{
	char now[DECIMAL_TEXT_MAX];
	struct bytes list[WORDS], rest = bytes_str(words), part;
	struct store_box of = { .tenant = BYTES_LIT("acme"), .box = bytes_str(box), .words = list };

	of.change = words[0] != 'r';
	(void)bytes_cut(&rest, ' ', &part);
	if (of.change)
		list[of.n++] = part;
	list[of.n++] = decimal_text(now, NOW + (uint64_t)day * DAY_MS);
	while (bytes_cut(&rest, ' ', &part))
		list[of.n++] = bytes_is(part, "-") ? (struct bytes){ 0 } : part;
	h->done = false;
	h->rows[0] = '\0';
	store_box_request(h->node->shared, &of, each, told, h);
	assert_true(drive(h->node->redis, 5000, has_heard, h));
	return h->text;
}

#define PART(segment, name, begun)                                                               \
	"{\"segment\":" segment ",\"name\":\"" name "\",\"begun_utc_ms\":" begun ",\"ms\":2000," \
	"\"octets\":16000,\"from\":\"1002\",\"to\":\"1001\"}"

static void test_states(void **state)
{
	static const struct {
		const char *name;
		int day;
		const char *words, *want;
	} rows[] = {
		{ "nothing", 0, "r - 10 1 - new urgent", "o1 v0 0/0 0/0 0" },
		{ "left", 0, "put a-1 " PART("1", "a1", "1764300000001") " new", "o1 v1 1/0 0/0 0 a-1 new" },
		{ "said again", 0, "put a-1 " PART("1", "a1", "1764300000001") " new", "o1 v1 1/0 0/0 0 a-1 new" },
		{ "a second one", 0, "put b-1 " PART("1", "b1", "1764300000002") " draft", "o1 v2 1/0 0/0 0 b-1 draft" },
		{ "a draft is in no list", 0, "r - 10 1 - new urgent old oldurgent", "o1 v2 1/0 0/0 0 a-1 new" },
		{ "deposited", 0, "set b-1 new 1 {\"private\":true} 0", "o1 v3 1/1 0/0 0 b-1 urgent" },
		{ "nobody has it", 0, "set c-1 old - - 0", "o0 v3 1/1 0/0 0" },
		{ "heard", 0, "set b-1 old - - 1", "o1 v4 1/0 0/1 0 b-1 oldurgent" },
		{ "too late", 0, "set b-1 new - - 1", "o2 v4 1/0 0/1 0 b-1 oldurgent" },
		{ "stays private", 0, "set b-1 new - {\"private\":false} 0", "o4 v4 1/0 0/1 0 b-1 oldurgent" },
		{ "the newest first", 0, "r - 10 1 - new urgent old oldurgent", "o1 v4 1/0 0/1 0 b-1 oldurgent a-1 new" },
		{ "the oldest first", 0, "r - 10 0 - new urgent old oldurgent", "o1 v4 1/0 0/1 0 a-1 new b-1 oldurgent" },
		{ "all together", 0, "r - 1 1 - all", "o1 v4 1/0 0/1 0  all" },
		{ "a page", 0, "r - 1 1 - new urgent old oldurgent", "o1 v4 1/0 0/1 0 b-1 oldurgent" },
		{ "the next page", 0, "r - 1 1 b-1 new urgent old oldurgent", "o1 v4 1/0 0/1 0 a-1 new" },
		{ "behind the last", 0, "r - 1 1 a-1 new urgent old oldurgent", "o1 v4 1/0 0/1 0" },
		{ "deleted", 0, "set b-1 deleted - - 0", "o1 v5 1/0 0/0 1 b-1 gone" },
		{ "it is in its list", 6, "r - 10 1 - gone", "o1 v5 1/0 0/0 1 b-1 gone" },
		{ "taken back", 6, "set b-1 kept - - 0", "o1 v6 1/0 0/1 0 b-1 oldurgent" },
		{ "deleted again", 6, "set b-1 deleted - - 0", "o1 v7 1/0 0/0 1 b-1 gone" },
		{ "a note does not take it back", 6, "set b-1 - - {\"note\":\"x\"} 0", "o1 v8 1/0 0/0 1 b-1 gone" },
		{ "still there", 12, "put b-1 " PART("1", "b1", "1764300000002") " new", "o1 v8 1/0 0/0 1 b-1 gone" },
		{ "over", 13, "put b-1 " PART("1", "b1", "1764300000002") " new", "o3 v8 1/0 0/0 0 b-1 gone" },
		{ "not taken back", 13, "set b-1 kept - - 0", "o0 v8 1/0 0/0 0 b-1 gone" },
		{ "not shown", 13, "r b-1 1 1 -", "o0 v8 1/0 0/0 0" },
		{ "its file goes", 13, "drop b-1 b1", "o1 v9 1/0 0/0 0" },
		{ "one of two parts", 13, "put a-1 " PART("2", "a2", "1764300009999") " new", "o1 v9 1/0 0/0 0 a-1 new" },
		{ "goes", 13, "drop a-1 a1", "o1 v9 1/0 0/0 0 a-1 new" },
		{ "another one's name", 13, "drop a-1 a9", "o1 v9 1/0 0/0 0 a-1 new" },
		{ "and the other", 13, "drop a-1 a2", "o1 v10 0/0 0/0 0" },
		{ "never said", 13, "put d-1 " PART("1", "d1", "1764300000003") " draft", "o1 v11 0/0 0/0 0 d-1 draft" },
		{ "dropped", 13, "set d-1 dropped - - 0", "o1 v12 0/0 0/0 0 d-1 gone" },
		{ "at once over", 13, "put d-1 " PART("1", "d1", "1764300000003") " draft", "o3 v12 0/0 0/0 0 d-1 gone" },
		{ "a mark", 13, "mark c-1 {\"told\":true}", "o0 v12 0/0 0/0 0" },
		{ "another draft", 13, "put e-1 " PART("1", "e1", "1764300000004") " draft", "o1 v13 0/0 0/0 0 e-1 draft" },
		{ "that nobody spoke of", 14, "r - 10 1 - new", "o1 v14 1/0 0/0 0 e-1 new" },
		{ "marked", 14, "put f-1 " PART("1", "f1", "1764300000005") " draft", "o1 v15 1/0 0/0 0 f-1 draft" },
		{ "urgent", 14, "set f-1 - 1 - 0", "o1 v16 1/0 0/0 0 f-1 draft" },
		{ "private", 14, "set f-1 - - {\"private\":true} 0", "o1 v17 1/0 0/0 0 f-1 draft" },
		{ "sent", 14, "set f-1 sent - - 0", "o1 v18 1/1 0/0 0 f-1 urgent" },
		{ "heard", 14, "set f-1 old - - 0", "o1 v19 1/0 0/1 0 f-1 oldurgent" },
		{ "sent again", 14, "set f-1 sent - - 0", "o1 v20 1/0 0/1 0 f-1 oldurgent" },
		{ "deleted and sent", 14, "set f-1 deleted - - 0", "o1 v21 1/0 0/0 1 f-1 gone" },
		{ "stays so", 14, "set f-1 sent - - 0", "o1 v22 1/0 0/0 1 f-1 gone" },
		{ "urgent at last", 14, "put g-1 " PART("1", "g1", "1764300000006") " draft", "o1 v23 1/0 0/0 1 g-1 draft" },
		{ "its mark", 14, "set g-1 - 1 - 0", "o1 v24 1/0 0/0 1 g-1 draft" },
		{ "and nobody spoke of it", 15, "r - 10 1 - urgent", "o1 v25 1/1 0/0 1 g-1 urgent" },
		{ "urgent ones first", 15, "r - 10 2 - urgent new", "o1 v25 1/1 0/0 1 g-1 urgent e-1 new" },
		{ "the next one", 15, "r - 1 2 g-1 urgent new", "o1 v25 1/1 0/0 1 e-1 new" },
		{ "the last one", 15, "r - 1 2 e-1 urgent new", "o1 v25 1/1 0/0 1" },
		{ "the one before", 15, "r - 1 3 e-1 urgent new", "o1 v25 1/1 0/0 1 g-1 urgent" },
		{ "the first one", 15, "r - 1 3 g-1 urgent new", "o1 v25 1/1 0/0 1" },
		{ "it is heard", 15, "set g-1 old - - 0", "o1 v26 1/0 0/1 1 g-1 oldurgent" },
		{ "what comes behind it", 15, "r - 1 2 g-1 urgent new", "o1 v26 1/0 0/1 1 e-1 new" },
		{ "it is deleted", 15, "set g-1 deleted - - 0", "o1 v27 1/0 0/0 2 g-1 gone" },
		{ "what comes behind that", 15, "r - 1 2 g-1 urgent new", "o1 v27 1/0 0/0 2 e-1 new" },
		{ "sent before it is said", 15, "set h-1 sent - - 0", "o0 v27 1/0 0/0 2" },
		{ "said", 15, "put h-1 " PART("1", "h1", "1764300000007") " draft", "o1 v28 2/0 0/0 2 h-1 new" },
		{ "sent once more", 15, "set h-1 sent - - 0", "o1 v29 2/0 0/0 2 h-1 new" },
		{ "dropped before it is said", 15, "set i-1 dropped - - 0", "o0 v29 2/0 0/0 2" },
		{ "over as it is said", 15, "put i-1 " PART("1", "i1", "1764300000008") " draft", "o3 v30 2/0 0/0 2 i-1 gone" },
	}, *row;
	struct server s;
	struct node n;
	struct heard h = { .node = &n };

	(void)state;
	node_with_server(&n, &s);
	EACH_ROW(row, rows)
	{
		ROW_ASSERT(row->name, !strcmp(ask(&h, "1001", row->day, row->words), row->want));
	}
	assert_string_equal(ask(&h, "1002", 14, "r - 10 1 - new"), "o1 v0 0/0 0/0 0");
	node_without_server(&n, &s);
}

/* Parts are one message, in their order, said in any: a whole one takes the place of all, and none that was cut that of one that was not. */
static void test_parts(void **state)
{
	struct server s;
	struct node n;
	struct heard h = { .node = &n, .verbose = true };

	(void)state;
	node_with_server(&n, &s);
	(void)ask(&h, "1001", 0, "put a-1 " PART("2", "a2", "1764300000002") " new");
	assert_non_null(
		strstr(ask(&h, "1001", 0, "put a-1 " PART("1", "a1", "1764300000001") " new"),
		       "\"ms\":4000"));
	assert_non_null(strstr(h.text, "\"begun_utc_ms\":1764300000001"));
	assert_true(strstr(h.text, "\"a1\"") < strstr(h.text, "\"a2\""));
	(void)ask(&h, "1001", 0,
		  "put a-1 "
		  "{\"segment\":1,\"cut\":true,\"name\":\"cut\",\"ms\":1,\"octets\":1,\"begun_utc_"
		  "ms\":9} new");
	assert_null(strstr(h.text, "\"cut\""));
	(void)ask(&h, "1001", 0, "put a-1 " PART("0", "whole", "1764300000001") " new");
	assert_null(strstr(h.text, "\"a1\""));
	assert_non_null(
		strstr(ask(&h, "1001", 0, "put a-1 " PART("1", "a1", "1764300000001") " new"),
		       "\"whole\""));
	assert_null(strstr(h.text, "\"a1\""));
	assert_non_null(strstr(ask(&h, "1001", 0, "set a-1 - - {\"note\":\"call_back\"} 0"),
			       "\"note\":\"call_back\""));
	assert_non_null(strstr(h.text, "\"version\":1"));
	/* a mark is no change */
	assert_non_null(strstr(ask(&h, "1001", 0, "mark a-1 {\"told\":true}"), "\"told\":true"));
	assert_non_null(strstr(h.text, "\"version\":1"));
	assert_non_null(strstr(h.text, "\"note\":\"call_back\""));
	node_without_server(&n, &s);
}

static bool has_no_box(void *arg)
{
	return !strcmp(server_ask(arg, "KEYS td:{*:acme*}*"), "(0 elements)");
}

/* All boxes of a tenant that was deleted go, and nobody else's. */
static void test_tenant_deleted(void **state)
{
	struct server s;
	struct node n;
	struct heard h = { .node = &n };

	(void)state;
	node_with_server(&n, &s);
	for (int i = 0; i < 3; i++) {
		char box[8];

		(void)snprintf(box, sizeof(box), "100%d", i);
		(void)ask(&h, box, 0, "put a-1 " PART("1", "a1", "1764300000001") " new");
		(void)ask(&h, box, 0, "put b-1 " PART("1", "b1", "1764300000002") " draft");
		store_box_note(n.shared, BYTES_LIT("acme"), bytes_str(box));
		store_box_note(n.shared, BYTES_LIT("acme"), bytes_str(box));
	}
	(void)server_ask(&s, "HSET td:{box:other:1001}:msg version 1");
	(void)server_ask(&s, "SADD td:{t:other}:box:all 1001");
	(void)ask(&h, "1000", 0, "set a-1 deleted - - 0");
	assert_false(has_no_box(&s));
	store_boxes_clear(n.shared, BYTES_LIT("acme"));
	assert_true(drive(n.redis, 5000, has_no_box, &s));
	assert_string_equal(server_ask(&s, "HGET td:{box:other:1001}:msg version"), "1");
	assert_string_equal(server_ask(&s, "SCARD td:{t:other}:box:all"), "1");
	node_without_server(&n, &s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_tenant_deleted),
	};

	return cmocka_run_group_tests(tests, loop_setup, loop_teardown);
}
