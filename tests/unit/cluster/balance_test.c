/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <stdio.h>

#include "cluster/roster.h"

/*
 * nodes: one letter each, from a on: t takes, d drains. shards: three letters each: its name, its owner and its home, '-' for nobody.
 * moves: shard, from, to and why (h, d, e).
 */
static const struct row {
	const char *name, *nodes, *shards, *moves;
} ROWS[] = {
	{ "all at home", "ttt", "1aa 2bb 3cc", "" },
	{ "nobody at all", "", "1--", "" },
	{ "nobody takes", "dd", "1aa 2ab", "" },
	{ "one comes back", "ttt", "1aa 2ab 3cc", "2abh" },
	{ "all were at one", "ttt", "1aa 2ab 3ac", "2abh 3ach" },
	{ "two change places", "tt", "1ba 2ab", "1bah 2abh" },
	{ "a home has many", "tt", "1aa 2aa 3aa 4bb", "" },
	{ "a home that drains", "dt", "1aa 2bb", "1abd" },
	{ "a home that drains gets none", "dt", "1ba 2bb", "" },
	{ "homes that are gone", "tt", "1a- 2a- 3a- 4a-", "1abe 2abe" },
	{ "nearly even", "tt", "1a- 2a- 3b-", "" },
	{ "three of five", "ttt", "1a- 2a- 3a- 4a- 5a-", "1abe 2ace 3abe" },
	{ "beside those at home", "tt", "1aa 2aa 3a- 4b-", "3abe" },
	{ "those at home are many", "tt", "1aa 2aa 3aa 4b- 5b-", "" },
	{ "after one has gone home", "tt", "1ab 2a- 3a- 4a-", "1abh 2abe" },
	{ "who drains gives to whoever has fewest", "tdt", "1a- 2b- 3b- 4c- 5c-", "2bad 3bad" },
	{ "who drains, and evenness", "tdt", "1a- 2a- 3a- 4b-", "1ace 4bcd" },
	{ "unowned", "tt", "1-a 2-- 3aa 4bb", "" },
	{ "unowned counts for nobody", "tt", "1-- 2-- 3a- 4a-", "3abe" },
	{ "a new node", "tttt", "1a- 2a- 3b- 4b- 5c- 6c-", "1ade" },
	{ "one node", "t", "1aa 2a- 3a-", "" },
}, *row;

static uint32_t node_of(char c)
{
	return c == '-' ? BALANCE_NOBODY : (uint32_t)(c - 'a');
}

static void balance_fill(struct balance *b, const struct row *r)
{
	*b = (struct balance){ .node_count = (uint32_t)strlen(r->nodes) };
	for (uint32_t i = 0; i < b->node_count; i++)
		b->takes[i] = r->nodes[i] == 't';
	for (const char *s = r->shards; *s; s += s[3] ? 4 : 3)
		b->shards[b->shard_count++] =
			(struct balance_shard){ (uint16_t)(s[0] - '0'), node_of(s[1]),
						node_of(s[2]) };
}

static const char *moves_text(const struct balance_move *moves, uint32_t count)
{
	static char text[8 * BALANCE_SHARDS_MAX];
	size_t n = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < count; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%u%c%c%c", i ? " " : "",
				      moves[i].shard, (int)('a' + moves[i].from),
				      (int)('a' + moves[i].to), "hde"[moves[i].why]);
	return text;
}

static void test_rows(void **state)
{
	(void)state;
	EACH_ROW(row, ROWS)
	{
		struct balance_move moves[BALANCE_SHARDS_MAX];
		struct balance b;
		const char *text;

		balance_fill(&b, row);
		text = moves_text(moves, balance_plan(&b, moves));
		if (strcmp(text, row->moves))
			print_message("# %s: %s\n", row->name, text);
		ROW_ASSERT(row->name, !strcmp(text, row->moves));
	}
}

/* ---- whatever there is ---- */

static void balance_apply(struct balance *b, const struct balance_move *m)
{
	for (uint32_t i = 0; i < b->shard_count; i++) {
		if (b->shards[i].number != m->shard)
			continue;
		assert_int_equal(b->shards[i].owner, m->from);
		assert_true(b->takes[m->to] && m->from != m->to);
		b->shards[i].owner = m->to;
	}
}

/* No shard that may go is at a node that drains, or at one with two more than another. */
static void assert_even(const struct balance *b)
{
	uint32_t has[BALANCE_NODES_MAX] = { 0 }, least = UINT32_MAX;

	for (uint32_t i = 0; i < b->shard_count; i++) {
		if (b->shards[i].owner != BALANCE_NOBODY)
			has[b->shards[i].owner]++;
	}
	for (uint32_t i = 0; i < b->node_count; i++) {
		if (b->takes[i] && has[i] < least)
			least = has[i];
	}
	for (uint32_t i = 0; i < b->shard_count; i++) {
		const struct balance_shard *s = &b->shards[i];

		if (s->owner == BALANCE_NOBODY)
			continue;
		assert_true(b->takes[s->owner]);
		if (s->home != BALANCE_NOBODY && b->takes[s->home])
			assert_int_equal(s->owner, s->home);
		else
			assert_true(has[s->owner] <= least + 1);
	}
}

static void test_any(void **state)
{
	uint32_t seed = 1;

	(void)state;
	for (uint32_t round = 0; round < 20000; round++) {
		struct balance_move moves[BALANCE_SHARDS_MAX];
		struct balance b = { 0 };
		uint32_t count;

#define DRAW(n) ((seed = seed * 1664525 + 1013904223) >> 16) % (n)
		b.node_count = 1 + DRAW(5);
		b.shard_count = DRAW(17);
		for (uint32_t i = 0; i < b.node_count; i++)
			b.takes[i] = i == 0 || DRAW(4);
		for (uint32_t i = 0; i < b.shard_count; i++) {
			uint32_t owner = DRAW(b.node_count + 1), home = DRAW(b.node_count + 2);

			b.shards[i] = (struct balance_shard){
				(uint16_t)(i + 1), owner < b.node_count ? owner : BALANCE_NOBODY,
				home < b.node_count ? home : BALANCE_NOBODY
			};
		}
#undef DRAW
		count = balance_plan(&b, moves);
		for (uint32_t i = 0; i < count; i++)
			balance_apply(&b, &moves[i]);
		assert_even(&b);
		assert_int_equal(balance_plan(&b, moves), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_any),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
