/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>

#include "cluster/peer/parcel.h"

static const struct lease_epoch EPOCH = { 7, 0x1122334455667788 };
static const struct members NAMED = { { 5, 6, UINT64_MAX }, 3 };

static const struct row {
	const char *name;
	struct peer_item item;
	size_t octets;
} ROWS[] = {
	{ "hello", { .kind = PEER_HELLO }, 2 },
	{ "leaving", { .kind = PEER_LEAVING }, 2 },
	{ "told", { PEER_OWNED, 9, { 7, 1 }, { { 5, 6, UINT64_MAX }, 3 }, 0, 77 }, 53 },
	{ "told to nobody", { .kind = PEER_OWNED, .shard = 9, .epoch = { 7, 1 } }, 29 },
	{ "ack", { .kind = PEER_ACK, .shard = UINT16_MAX, .sent_ns = UINT64_MAX }, 12 },
	{ "asked", { PEER_ASKED, 9, { 7, 1 }, { { 5, 6, UINT64_MAX }, 3 }, 4, 77 }, 61 },
	{ "consented",
	  { .kind = PEER_CONSENTED, .shard = 1, .epoch = { 7, 1 }, .sent_ns = 3 },
	  28 },
	{ "news", { PEER_NEWER, 9, { 7, 1 }, { { 5 }, 1 }, 4, 0 }, 37 },
	{ "dead", { .kind = PEER_DEAD, .shard = 9, .epoch = { UINT64_MAX, 1 } }, 20 },
	{ "home", { .kind = PEER_HOME, .shard = 9 }, 4 },
	{ "runs", { .kind = PEER_RUNS, .shard = UINT16_MAX }, 4 },
	{ "drains", { .kind = PEER_DRAINS }, 2 },
	{ "take", { .kind = PEER_MOVE, .shard = 1 }, 4 },
	{ "names", { PEER_NAMES, 9, { 7, 1 }, { { 5, 6, UINT64_MAX }, 3 }, 4, 77 }, 61 },
};

static void assert_same(const struct row *row, const struct peer_item *a)
{
	const struct peer_item *b = &row->item;

	ROW_ASSERT(row->name, a->kind == b->kind && a->shard == b->shard);
	ROW_ASSERT(row->name, a->epoch.counter == b->epoch.counter &&
				      a->epoch.incarnation == b->epoch.incarnation);
	ROW_ASSERT(row->name, a->record == b->record && a->sent_ns == b->sent_ns);
	ROW_ASSERT(row->name, a->named.count == b->named.count &&
				      !memcmp(a->named.ids, b->named.ids, sizeof(a->named.ids)));
}

/* One after the other in one datagram. */
static void test_read_as_written(void **state)
{
	uint8_t octets[512];
	struct writer w = writer_over(octets, sizeof(octets));
	const struct row *row;
	struct peer_item item;
	struct bytes rest;

	(void)state;
	EACH_ROW(row, ROWS)
	{
		size_t before = w.n;

		ROW_ASSERT(row->name, peer_item_write(&w, &row->item));
		ROW_ASSERT(row->name, w.n - before == row->octets);
	}
	rest = writer_done(&w);
	EACH_ROW(row, ROWS)
	{
		ROW_ASSERT(row->name, peer_item_read(&rest, &item) == 0);
		assert_same(row, &item);
	}
	assert_int_equal(rest.n, 0);
	assert_int_equal(peer_item_read(&rest, &item), -EBADMSG);
}

static void test_cut_and_lengthened(void **state)
{
	const struct row *row;

	(void)state;
	EACH_ROW(row, ROWS)
	{
		uint8_t octets[PEER_ITEM_MAX + 1] = { 0 };
		struct writer w = writer_over(octets, sizeof(octets));
		struct peer_item item;
		struct bytes rest;

		ROW_ASSERT(row->name, peer_item_write(&w, &row->item));
		for (size_t n = 0; n < w.n; n++) {
			rest = bytes_mem(octets, n);
			ROW_ASSERT(row->name, peer_item_read(&rest, &item) == -EBADMSG);
		}
		octets[1]++;
		rest = bytes_mem(octets, w.n + 1);
		ROW_ASSERT(row->name, peer_item_read(&rest, &item) == -EBADMSG);
		octets[1] -= 2;
		rest = bytes_mem(octets, w.n);
		ROW_ASSERT(row->name, peer_item_read(&rest, &item) == -EBADMSG);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *name;
		struct bytes octets;
	} rows[] = {
		{ "no kind", BYTES_LIT("\0\0") },
		{ "no shard", BYTES_LIT("\4\12\0\0\0\0\0\0\0\0\0\1") },
		{ "four names",
		  BYTES_LIT("\3\73\0\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\1\4\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0"
			    "\2\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0\4\0\0\0\0\0\0\0\1") },
		{ "a name twice",
		  BYTES_LIT("\3\53\0\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\1\2\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0"
			    "\1\0\0\0\0\0\0\0\1") },
		{ "nobody named", BYTES_LIT("\3\43\0\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\1\1\0\0\0\0\0\0\0\0"
					    "\0\0\0\0\0\0\0\1") },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct bytes rest = row->octets;
		struct peer_item item;

		ROW_ASSERT(row->name, rest.n == 2U + rest.p[1]);
		ROW_ASSERT(row->name, peer_item_read(&rest, &item) == -EBADMSG);
	}
}

/* A node of a later program may say more: the others take what they know. */
static void test_later_kind(void **state)
{
	struct bytes rest = BYTES_LIT("\375\3abc\1\0");
	struct peer_item item;

	(void)state;
	assert_int_equal(peer_item_read(&rest, &item), -EPROTONOSUPPORT);
	assert_int_equal(peer_item_read(&rest, &item), 0);
	assert_int_equal(item.kind, PEER_HELLO);
}

static void test_full(void **state)
{
	uint8_t octets[PEER_ITEM_MAX];
	struct peer_item item = { PEER_ASKED, 9, EPOCH, NAMED, 4, 77 };
	struct writer w = writer_over(octets, sizeof(octets) - 1);

	(void)state;
	assert_false(peer_item_write(&w, &item));
	assert_int_equal(w.n, 0);
	assert_false(w.overflow);
	w = writer_over(octets, sizeof(octets));
	assert_true(peer_item_write(&w, &item));
	assert_int_equal(w.n, PEER_ITEM_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read_as_written),
		cmocka_unit_test(test_cut_and_lengthened),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_later_kind),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
