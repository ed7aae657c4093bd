/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of recordings, in Redis: said, listed in pages by name, party and state, and gone in its time. */
#include "tests/unit/cluster/node.h"

#include <inttypes.h>

#define OF    "td:{rec:acme}:of:2026-11-25"
#define BY    "td:{rec:acme}:by:2026-11-25"
#define DAYS  "td:{rec:acme}:days"
#define MINE  "\"node_id\":\"0000000000000001\""
#define YOURS "\"node_id\":\"0000000000000002\""

static const struct bytes ACME = BYTES_LIT("acme"), DAY = BYTES_LIT("2026-11-25");

/* "NAME ENTRY;" of each, in the order that they came. */
struct rows {
	struct node *node;
	char text[8192];
};

static void each(struct bytes name, struct bytes entry, void *arg)
{
	struct rows *rows = arg;
	size_t n = strlen(rows->text);

	assert_true(n + name.n + entry.n + 3 < sizeof(rows->text));
	(void)snprintf(rows->text + n, sizeof(rows->text) - n, BYTES_FMT "%s" BYTES_FMT ";",
		       BYTES_ARG(name), entry.n ? " " : "", BYTES_ARG(entry));
}

static void listed(enum store_result result, uint64_t key, uint64_t count, void *arg)
{
	node_done(result, key, count, ((struct rows *)arg)->node);
}

static void say(struct node *n, enum store_recording_act act, const char *name, const char *state,
		const char *entry)
{
	const struct store_recording r = {
		.act = act,
		.tenant = ACME,
		.day = DAY,
		.name = bytes_str(name),
		.entry = bytes_str(entry),
		.state = bytes_str(state),
		.parties = { BYTES_LIT("1001"), BYTES_LIT("1002") },
		.mine = BYTES_LIT(MINE),
		.life_s = 1000,
		.first_day = BYTES_LIT("2026-11-01"),
	};

	store_recording_announce(n->shared, &r, node_done, n);
	NODE_EXPECT(n, "o");
}

static const char *list(struct rows *rows, enum store_recordings_by by, const char *what,
			const char *before)
{
	const struct store_recordings of = { ACME, DAY, by, bytes_str(what), bytes_str(before) };

	rows->text[0] = '\0';
	store_recordings_read(rows->node->shared, &of, each, listed, rows);
	NODE_EXPECT(rows->node, "o");
	return rows->text;
}

static const char *one(struct rows *rows, const char *name)
{
	rows->text[0] = '\0';
	store_recording_get(rows->node->shared, ACME, DAY, bytes_str(name), each, listed, rows);
	NODE_EXPECT(rows->node, "o");
	return rows->text;
}

static void put_in(struct node *n, const char *name, const char *mailbox)
{
	char entry[64], found[64];
	struct store_recording r = {
		.act = STORE_RECORDING_PUT,
		.tenant = ACME,
		.day = DAY,
		.name = bytes_str(name),
		.state = BYTES_LIT("kept"),
		.parties = { BYTES_LIT("1001"), BYTES_LIT("1002") },
		.mine = BYTES_LIT(MINE),
		.life_s = 1000,
		.first_day = BYTES_LIT("2026-11-01"),
	};

	(void)snprintf(entry, sizeof(entry), "\"mailbox\":\"%s\"", mailbox);
	(void)snprintf(found, sizeof(found), mailbox[0] ? "mailbox:%s" : "%s", mailbox);
	r.entry = mailbox[0] ? bytes_str(entry) : BYTES_LIT("-");
	r.parties[2] = bytes_str(found);
	store_recording_announce(n->shared, &r, node_done, n);
	NODE_EXPECT(n, "o");
}

/* It is found in the mailbox that it lies in last, and in no other. */
static void test_moved(void **state)
{
	const enum store_recordings_by by = STORE_RECORDINGS_BY_PARTY;
	struct server s;
	struct node n;
	struct rows r = { .node = &n };

	(void)state;
	node_with_server(&n, &s);
	put_in(&n, "a-1", "1001");
	put_in(&n, "a-2", "1001");
	assert_string_equal(list(&r, by, "mailbox:1001", ""),
			    "a-2 \"mailbox\":\"1001\";a-1 \"mailbox\":\"1001\";");
	put_in(&n, "a-1", "1002");
	put_in(&n, "a-2", "");
	assert_string_equal(list(&r, by, "mailbox:1001", ""), "");
	assert_string_equal(list(&r, by, "mailbox:1002", ""), "a-1 \"mailbox\":\"1002\";");
	assert_string_equal(list(&r, by, "1001", ""), "a-2 -;a-1 \"mailbox\":\"1002\";");
	node_without_server(&n, &s);
}

static void test_listed(void **state)
{
	static const struct {
		const char *name;
		enum store_recordings_by by;
		const char *what, *before, *want;
	} rows[] = {
		{ "all", STORE_RECORDINGS_BY_NAME, "", "", "b-1 C;a-2 B;a-1 A;" },
		{ "before one", STORE_RECORDINGS_BY_NAME, "", "a-2", "a-1 A;" },
		{ "before one that is gone", STORE_RECORDINGS_BY_NAME, "", "a-20", "a-2 B;a-1 A;" },
		{ "of a call", STORE_RECORDINGS_BY_NAME, "a-", "", "a-2 B;a-1 A;" },
		{ "of a call, before one", STORE_RECORDINGS_BY_NAME, "a-", "a-2", "a-1 A;" },
		{ "of a call, before another", STORE_RECORDINGS_BY_NAME, "a-", "b-1",
		  "a-2 B;a-1 A;" },
		{ "of a call behind that", STORE_RECORDINGS_BY_NAME, "b", "a-2", "" },
		{ "of a party", STORE_RECORDINGS_BY_PARTY, "1002", "", "b-1 C;a-2 B;a-1 A;" },
		{ "of a party, before", STORE_RECORDINGS_BY_PARTY, "1001", "a-2", "a-1 A;" },
		{ "of a part of one", STORE_RECORDINGS_BY_PARTY, "100", "", "" },
		{ "of nobody", STORE_RECORDINGS_BY_PARTY, "", "", "" },
		{ "of a state", STORE_RECORDINGS_BY_STATE, "kept", "", "b-1 C;a-1 A;" },
		{ "of a state, before", STORE_RECORDINGS_BY_STATE, "kept", "b-1", "a-1 A;" },
		{ "of another", STORE_RECORDINGS_BY_STATE, "waits", "", "a-2 B;" },
		{ "of none", STORE_RECORDINGS_BY_STATE, "dead", "", "" },
	}, *row;
	struct server s;
	struct node n;
	struct rows r = { .node = &n };

	(void)state;
	node_with_server(&n, &s);
	say(&n, STORE_RECORDING_PUT, "a-2", "kept", "before");
	say(&n, STORE_RECORDING_PUT, "b-1", "kept", "C");
	say(&n, STORE_RECORDING_PUT, "a-1", "kept", "A");
	say(&n, STORE_RECORDING_PUT, "a-2", "waits", "B");
	EACH_ROW(row, rows)
	{
		ROW_ASSERT(row->name,
			   !strcmp(list(&r, row->by, row->what, row->before), row->want));
	}
	assert_string_equal(one(&r, "a-2"), "B;");
	assert_string_equal(one(&r, "a-3"), "");
	node_without_server(&n, &s);
}

/* More than one answer has: each page has what is before the last name of the one before. */
static void test_pages(void **state)
{
	char name[16], last[16] = "";
	uint64_t count = 0;
	struct server s;
	struct node n;
	struct rows r = { .node = &n };

	(void)state;
	node_with_server(&n, &s);
	for (unsigned i = 0; i < 2 * STORE_RECORDINGS_PAGE + 1; i++) {
		(void)snprintf(name, sizeof(name), "r%03u", i);
		say(&n, STORE_RECORDING_PUT, name, "kept", "x");
	}
	do {
		const char *text = list(&r, STORE_RECORDINGS_BY_PARTY, "1001", last);

		assert_true(n.version <= STORE_RECORDINGS_PAGE);
		count += n.version;
		if (text[0]) /* "rNNN x;" */
			(void)snprintf(last, sizeof(last), "%.4s", text + strlen(text) - 7);
	} while (n.version == STORE_RECORDINGS_PAGE);
	assert_int_equal(count, 2 * STORE_RECORDINGS_PAGE + 1);
	node_without_server(&n, &s);
}

/* Whoever has the file by now says what becomes of it. */
static void test_of_another_node(void **state)
{
	struct server s;
	struct node n;
	struct rows r = { .node = &n };

	(void)state;
	node_with_server(&n, &s);
	say(&n, STORE_RECORDING_PUT, "a", "kept", "{" YOURS ",\"state\":\"kept\"}");
	say(&n, STORE_RECORDING_END, "a", "deleted", "mine");
	say(&n, STORE_RECORDING_STATE, "a", "lost", "");
	say(&n, STORE_RECORDING_REMOVE, "a", "", "");
	assert_string_equal(one(&r, "a"), "{" YOURS ",\"state\":\"kept\"};");
	assert_string_equal(list(&r, STORE_RECORDINGS_BY_STATE, "kept", ""),
			    "a {" YOURS ",\"state\":\"kept\"};");
	say(&n, STORE_RECORDING_PUT, "a", "waits", "{" MINE ",\"state\":\"waits\"}");
	say(&n, STORE_RECORDING_STATE, "a", "lost", "");
	assert_string_equal(one(&r, "a"), "{" MINE ",\"state\":\"lost\"};");
	assert_string_equal(list(&r, STORE_RECORDINGS_BY_STATE, "waits", ""), "");
	assert_string_equal(list(&r, STORE_RECORDINGS_BY_STATE, "lost", ""),
			    "a {" MINE ",\"state\":\"lost\"};");
	say(&n, STORE_RECORDING_REMOVE, "a", "", "");
	assert_string_equal(server_ask(&s, "EXISTS " OF), "0");
	assert_string_equal(server_ask(&s, "EXISTS " BY), "0");
	say(&n, STORE_RECORDING_STATE, "a", "lost", ""); /* of one that was never said */
	assert_string_equal(server_ask(&s, "EXISTS " OF), "0");
	say(&n, STORE_RECORDING_END, "a", "deleted", "{}");
	assert_string_equal(one(&r, "a"), "{};");
	node_without_server(&n, &s);
}

static const char *days(struct rows *rows, const char *since, const char *until, bool before)
{
	const struct store_recording_days of = { ACME, bytes_str(since), bytes_str(until), before };

	rows->text[0] = '\0';
	store_recording_days(rows->node->shared, &of, each, listed, rows);
	NODE_EXPECT(rows->node, "o");
	return rows->text;
}

static void test_days(void **state)
{
	struct server s;
	struct node n;
	struct rows r = { .node = &n };
	uint64_t left = 0;

	(void)state;
	node_with_server(&n, &s);
	assert_string_equal(days(&r, "", "", false), "");
	say(&n, STORE_RECORDING_PUT, "a", "kept", "A");
	(void)server_ask(&s, "ZADD " DAYS " 0 2026-10-31 0 2026-11-01 0 2026-11-26");
	assert_string_equal(days(&r, "2026-11-01", "2026-11-25", true), "2026-11-01;");
	say(&n, STORE_RECORDING_PUT, "b", "kept", "B"); /* what is kept no longer goes */
	assert_string_equal(days(&r, "", "", false), "2026-11-26;2026-11-25;2026-11-01;");
	assert_string_equal(days(&r, "2026-11-25", "", false), "2026-11-26;2026-11-25;");
	assert_string_equal(days(&r, "", "2026-11-26", true), "2026-11-25;2026-11-01;");
	for (unsigned i = 0; i < 3; i++) {
		static const char *const keys[] = { DAYS, OF, BY };

		assert_int_equal(bytes_u64(bytes_str(server_ask(&s, "TTL %s", keys[i])), &left), 0);
		assert_true(left > 0 && left <= 1000);
	}
	node_without_server(&n, &s);
}

/* What no program of ours wrote: another type goes out of the way, and what is too long is empty. */
static void test_not_ours(void **state)
{
	struct server s;
	struct node n;
	struct rows r = { .node = &n };

	(void)state;
	node_with_server(&n, &s);
	(void)server_ask(&s, "SET " DAYS " x");
	(void)server_ask(&s, "SET " OF " x");
	(void)server_ask(&s, "SET " BY " x");
	assert_string_equal(days(&r, "", "", false), "");
	assert_string_equal(one(&r, "a"), "");
	(void)server_ask(&s, "SET " OF " x");
	assert_string_equal(list(&r, STORE_RECORDINGS_BY_NAME, "", ""), "");
	(void)server_ask(&s, "SET " BY " x");
	say(&n, STORE_RECORDING_PUT, "a", "kept", "A");
	assert_int_equal(n.version, 1);
	assert_string_equal(server_ask(&s, "GET td:broken:" BY), "x");
	assert_string_equal(list(&r, STORE_RECORDINGS_BY_NAME, "", ""), "a A;");
	(void)server_ask(&s, "EVAL redis.call('HSET',KEYS[1],'a',string.rep('x',%u)) 1 " OF,
			 STORE_RECORDING_MAX + 1);
	assert_string_equal(list(&r, STORE_RECORDINGS_BY_NAME, "", ""), "a;");
	assert_string_equal(one(&r, "a"), "");
	(void)server_ask(&s, "HDEL " OF " a");
	assert_string_equal(list(&r, STORE_RECORDINGS_BY_NAME, "", ""), "a;");
	assert_true(store_is_healthy(n.store));
	node_without_server(&n, &s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listed),          cmocka_unit_test(test_pages),
		cmocka_unit_test(test_of_another_node), cmocka_unit_test(test_days),
		cmocka_unit_test(test_not_ours),        cmocka_unit_test(test_moved),
	};

	return cmocka_run_group_tests(tests, loop_setup, loop_teardown);
}
