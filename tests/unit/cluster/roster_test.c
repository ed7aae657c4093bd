/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>

#include "cluster/roster.h"

#define ID "00000000000000aa"

static void test_written_and_read(void **state)
{
	const struct roster_node node = { .id = 0xaa,
					  .beat = UINT64_MAX,
					  .incarnation = 7,
					  .address = "[2001:db8::1]:7000",
					  .name = "a",
					  .shards = { 1, 65535 },
					  .shard_count = 2 };
	struct roster_node again;
	struct bytes text;
	char out[ROSTER_TEXT_MAX];

	(void)state;
	text = roster_write(out, &node);
	assert_true(bytes_is(text, "1 18446744073709551615 0000000000000007 [2001:db8::1]:7000 "
				   "1,65535 a"));
	assert_int_equal(roster_read(&again, BYTES_LIT(ID), text), 0);
	assert_true(again.id == node.id && again.beat == node.beat && again.incarnation == 7);
	assert_string_equal(again.address, node.address);
	assert_string_equal(again.name, node.name);
	assert_int_equal(again.shard_count, 2);
	assert_int_equal(again.shards[1], 65535);
}

static void test_read(void **state)
{
	static const struct {
		const char *name, *id, *text;
		int err;
	} rows[] = {
		{ "none", ID, "1 1 0000000000000001 1.2.3.4:5 - n", 0 },
		{ "later", ID, "2 1 0000000000000001 1.2.3.4:5 - n", -EPROTONOSUPPORT },
		{ "empty", ID, "", -EBADMSG },
		{ "cut", ID, "1 1 0000000000000001 1.2.3.4:5 -", -EBADMSG },
		{ "no name", ID, "1 1 0000000000000001 1.2.3.4:5 - ", -EBADMSG },
		{ "two names", ID, "1 1 0000000000000001 1.2.3.4:5 - n m", -EBADMSG },
		{ "no beat", ID, "1 x 0000000000000001 1.2.3.4:5 - n", -EBADMSG },
		{ "short id", "aa", "1 1 0000000000000001 1.2.3.4:5 - n", -EBADMSG },
		{ "id 0", "0000000000000000", "1 1 0000000000000001 1.2.3.4:5 - n", -EBADMSG },
		{ "shard 0", ID, "1 1 0000000000000001 1.2.3.4:5 0 n", -EBADMSG },
		{ "large shard", ID, "1 1 0000000000000001 1.2.3.4:5 1,65536 n", -EBADMSG },
		{ "no shard", ID, "1 1 0000000000000001 1.2.3.4:5  n", -EBADMSG },
		{ "control", ID, "1 1 0000000000000001 1.2.3.4:5 - n\x1b", -EBADMSG },
	}, *row;
	struct roster_node node;

	(void)state;
	EACH_ROW(row, rows)
	{
		ROW_ASSERT(row->name, roster_read(&node, bytes_str(row->id),
						  bytes_str(row->text)) == row->err);
	}
}

/* By beats alone, and by the clock of who looks; a start counts as one. */
static void test_alive(void **state)
{
	static struct roster r;
	struct roster_node node = { .id = 1, .beat = 5, .incarnation = 1 };
	uint64_t now = 1;

	(void)state;
	assert_true(roster_note(&r, &node, now));
	assert_true(roster_note(&r, &node, now += ROSTER_SILENT_NS));
	assert_false(roster_note(&r, &node, now += 1));
	node.beat = 4; /* Redis forgot a write: somebody is there */
	assert_true(roster_note(&r, &node, now));
	assert_false(roster_note(&r, &node, now += ROSTER_SILENT_NS + 1));
	node.incarnation = 2;
	assert_true(roster_note(&r, &node, now));
	node.beat = 0; /* it has left */
	assert_false(roster_note(&r, &node, now));
	node.beat = 1;
	assert_true(roster_note(&r, &node, now));
	for (uint64_t id = 2; id < 2 * ROSTER_NODES_MAX; id++)
		assert_true(
			roster_note(&r, &(struct roster_node){ .id = id, .beat = 1 }, now += 1));
	assert_int_equal(r.count, ROSTER_NODES_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_written_and_read),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_alive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
