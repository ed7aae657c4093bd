/* SPDX-License-Identifier: Apache-2.0 */
#include "app/web/events.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/test.h"

/* A stream as Redis has it, and what its listeners have heard. */

enum { STREAM_MAX = 4096, EVENT_MAX = 160 };

static struct {
	struct events *e;
	uint64_t first, count; /* entry n has the id n-0 */
	char entries[STREAM_MAX][EVENT_MAX];
} g;

static void begin(void)
{
	g.first = 1;
	g.count = 0;
	assert_int_equal(events_open(&g.e, NULL, NULL, NULL), 0);
}

static void end(void)
{
	events_close(g.e);
}

static struct events_id id_of(uint64_t n)
{
	return (struct events_id){ .ms = n };
}

static void happens(const char *type, uint64_t call, const char *from, const char *to)
{
	(void)snprintf(g.entries[++g.count % STREAM_MAX], EVENT_MAX,
		       "{\"type\":\"%s\",\"call\":\"%013llu\",\"version\":1,\"from\":\"%s\","
		       "\"to\":\"%s\",\"from_trunk\":\"\",\"to_trunk\":\"\"}",
		       type, (unsigned long long)call, from, to);
}

static struct bytes entry(uint64_t n)
{
	return bytes_str(g.entries[n % STREAM_MAX]);
}

/* As the thread that reads does, to the end. */
static void late(struct events_stream *s)
{
	struct events_id at = { 0 };

	if (!events_wants_bounds(g.e, s) ||
	    !events_bounds(g.e, s, id_of(g.count >= g.first ? g.first : 0), id_of(g.count), &at))
		return;
	do {
		uint64_t n = at.ms + 1 < g.first ? g.first : at.ms + 1;
		uint32_t read = 0;

		for (; n <= g.count && read < EVENTS_PIECE; n++, read++)
			events_late(g.e, s, id_of(n), entry(n));
		if (!events_late_end(g.e, s, read, &at))
			return;
	} while (true);
}

static void reads(void)
{
	struct events_stream *s = NULL;
	struct events_id after;

	while ((s = events_stream_next(g.e, s)) != NULL) {
		late(s);
		if (!events_wants_live(s, &after))
			continue;
		for (uint64_t n = after.ms + 1; n <= g.count; n++)
			events_live(g.e, s, id_of(n), entry(n));
	}
}

static struct events_listener *listens(const char *arguments)
{
	struct events_listener *l;
	struct events_filter f;
	struct bytes argument;

	assert_null(events_filter_parse(bytes_str(arguments), &f, &argument));
	memcpy(f.tenant, f.tenant[0] ? f.tenant : "t", 2);
	assert_int_equal(events_add(g.e, &l, &f, NULL), 0);
	return l;
}

/* Ids, and the types of what is no event; "1 2 missed:4 5" */
static const char *hears(struct events_listener *l, uint32_t max)
{
	static char said[1 << 16];
	struct writer w = writer_over(said, sizeof(said) - 1);
	struct events_text *texts[64];
	uint32_t n;

	while (max && (n = events_read(g.e, l, texts, max < 64 ? max : 64)) != 0) {
		for (uint32_t i = 0; i < n; i++) {
			struct bytes text = bytes_mem(texts[i]->octets + EVENTS_ROOM, texts[i]->n);
			struct events_facts facts;

			assert_true(events_facts_parse(text, &facts));
			if (facts.call.n)
				writer_number(&w, "", texts[i]->id.ms, " ");
			else
				writer_fmt(&w, BYTES_FMT ":%llu ", BYTES_ARG(facts.type),
					   (unsigned long long)texts[i]->id.ms);
		}
		events_release(g.e, texts, n);
		max -= n;
	}
	said[w.n] = '\0';
	return said;
}

static void who_wants_it(void **state)
{
	static const char *const filters[] = { "",
					       "user=1001\n",
					       "user=1002,1003\ntype=call.ended\n",
					       "call=0000000000007\n",
					       "type=call.*,phone.x\n",
					       "application=ivr\n" };
	static const char *const heard[] = { "1 2 3 4 ", "1 2 ", "2 4 ", "1 2 ", "1 2 4 ", "" };
	struct events_listener *l[COUNT_OF(filters)];

	(void)state;
	begin();
	for (size_t i = 0; i < COUNT_OF(filters); i++)
		l[i] = listens(filters[i]);
	reads();
	happens("call.new", 7, "1001", "1002");
	happens("call.ended", 7, "1001", "1002");
	happens("registered", 8, "", "1004");
	happens("call.ended", 9, "1003", "1004");
	for (struct events_stream *s = NULL; (s = events_stream_next(g.e, s)) != NULL;) {
		if (!strcmp(events_stream_key(s), "td:{ev:t}"))
			for (uint64_t n = 1; n <= g.count; n++)
				events_live(g.e, s, id_of(n), entry(n));
		else
			assert_string_equal(events_stream_key(s), "td:{ev:t}:ivr");
	}
	for (size_t i = 0; i < COUNT_OF(filters); i++) {
		char want[128];

		(void)snprintf(want, sizeof(want), "listening:0 %s", heard[i]);
		assert_string_equal(hears(l[i], UINT32_MAX), want);
		events_remove(g.e, l[i]);
	}
	assert_null(events_stream_next(g.e, NULL));
	end();
}

static void goes_on(void **state)
{
	struct events_listener *l, *other;

	(void)state;
	begin();
	for (int i = 0; i < 10; i++)
		happens("call.new", 1, "1001", "1002");
	l = listens("after=7-0\n");
	other = listens("after=0\nuser=1001\n");
	reads();
	happens("call.new", 1, "1001", "1002");
	reads();
	assert_string_equal(hears(l, UINT32_MAX), "listening:7 8 9 10 11 ");
	assert_string_equal(hears(other, UINT32_MAX), "listening:0 1 2 3 4 5 6 7 8 9 10 11 ");
	/* Redis was away: nothing is missing, and nothing comes twice */
	events_lost(g.e);
	happens("call.new", 1, "1001", "1002");
	reads();
	happens("call.new", 1, "1001", "1002");
	reads();
	assert_string_equal(hears(l, UINT32_MAX), "12 13 ");
	events_remove(g.e, l);
	/* what the stream has no longer, and a stream that ends before what was heard */
	g.first = 5;
	l = listens("after=2-0\n");
	reads();
	assert_string_equal(hears(l, UINT32_MAX), "listening:2 missed:4 5 6 7 8 9 10 11 12 13 ");
	events_remove(g.e, l);
	l = listens("after=99-0\n");
	reads();
	assert_string_equal(hears(l, UINT32_MAX), "listening:99 missed:13 ");
	events_remove(g.e, l);
	assert_string_equal(hears(other, UINT32_MAX), "12 13 ");
	events_remove(g.e, other);
	end();
}

/* An entry that is read as a new one while an older answer for a lagging listener is on its way is
 * not in that answer: the listener is read on for. */
static void new_ones_meanwhile(void **state)
{
	struct events_stream *s;
	struct events_listener *l;
	struct events_id at;

	(void)state;
	begin();
	happens("call.new", 1, "1001", "1002");
	l = listens("after=0\n");
	s = events_stream_next(g.e, NULL);
	assert_true(events_wants_bounds(g.e, s));
	assert_true(events_bounds(g.e, s, id_of(1), id_of(1), &at));
	happens("call.ended", 1, "1001", "1002");
	events_live(g.e, s, id_of(2), entry(2)); /* behind what Redis has answered by now */
	events_late(g.e, s, id_of(1), entry(1));
	assert_true(events_late_end(g.e, s, 1, &at));
	assert_int_equal(at.ms, 1);
	events_late(g.e, s, id_of(2), entry(2));
	assert_false(events_late_end(g.e, s, 1, &at));
	happens("call.new", 2, "1001", "1002");
	events_live(g.e, s, id_of(3), entry(3));
	assert_string_equal(hears(l, UINT32_MAX), "listening:0 1 2 3 ");
	events_remove(g.e, l);
	end();
}

/* One that reads now and then, beside one that always does: both have all, in order. */
static void slow_ones(void **state)
{
	struct events_listener *slow, *quick, *missing;
	uint64_t heard = 0, quick_heard = 0;
	char want[64];

	(void)state;
	begin();
	slow = listens("");
	quick = listens("user=1001\n");
	missing = listens("");
	reads();
	(void)hears(slow, 1);
	(void)hears(quick, 1);
	(void)hears(missing, 1);
	while (heard < 3000) {
		const char *text;
		char *rest;

		if (g.count < 3000)
			for (int i = 0; i < 7; i++)
				happens("call.new", 1, "1001", "1002");
		reads();
		for (text = hears(quick, UINT32_MAX); *text; text = rest + 1)
			assert_int_equal(strtoull(text, &rest, 10), ++quick_heard);
		for (text = hears(slow, (uint32_t)(3 + g.count % 5)); *text; text = rest + 1)
			assert_int_equal(strtoull(text, &rest, 10), ++heard);
	}
	assert_int_equal(quick_heard, g.count);
	/* its queue is bounded, and it is told what it has missed */
	g.first = g.count - 1;
	for (heard = 1; heard < EVENTS_QUEUE_MAX - 8; heard++) {
		(void)snprintf(want, sizeof(want), "%llu ", (unsigned long long)heard);
		assert_string_equal(hears(missing, 1), want);
	}
	reads();
	(void)snprintf(want, sizeof(want), "missed:%llu %llu %llu ",
		       (unsigned long long)g.first - 1, (unsigned long long)g.first,
		       (unsigned long long)g.count);
	assert_non_null(strstr(hears(missing, UINT32_MAX), want));
	events_remove(g.e, slow);
	events_remove(g.e, quick);
	events_remove(g.e, missing);
	end();
}

static void so_many(void **state)
{
	static struct events_listener *l[EVENTS_LISTENERS_MAX];
	struct events_listener *more;
	/* one user, then another token of the tenant, then two other tenants, and who comes last */
	struct events_filter f[] = { { .by_tenant = "t", .by = "session-1", .by_user = "1001" },
				     { .by_tenant = "t", .by = "wallboard" },
				     { .by_tenant = "t" },
				     { .by_tenant = "u", .by = "wallboard" },
				     { .by_tenant = "v" },
				     { .by_tenant = "w", .by = "session-1", .by_user = "1001" } };
	size_t count = 0, before;

	(void)state;
	begin();
	for (size_t k = 0; k < COUNT_OF(f); k++) {
		before = count;
		while (!events_room(g.e, &f[k])) {
			assert_true(count < EVENTS_LISTENERS_MAX);
			assert_int_equal(events_add(g.e, &l[count++], &f[k], NULL), 0);
		}
		assert_int_equal(events_add(g.e, &more, &f[k], NULL), -EDQUOT);
		assert_true(count > before && (k || count < EVENTS_LISTENERS_MAX / 16));
		assert_true(k != 2 || count == EVENTS_LISTENERS_MAX / 2);
	}
	for (size_t k = 0; count < EVENTS_LISTENERS_MAX; k++) {
		(void)snprintf(f[0].by_tenant, sizeof(f[0].by_tenant), "t%zu", k);
		assert_int_equal(events_add(g.e, &l[count++], &f[0], NULL), 0);
	}
	assert_int_equal(events_add(g.e, &more, &f[0], NULL), -ENOSPC);
	while (count)
		events_remove(g.e, l[--count]);
	assert_int_equal(events_room(g.e, &f[1]), 0);
	end();
}

/* Each call is in one part, all its events are, and no part has nearly all. */
static void parts_share(void **state)
{
	uint32_t shares[3] = { 0 };
	struct events_filter f[3];
	struct bytes argument;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(f); i++) {
		char text[16];

		(void)snprintf(text, sizeof(text), "part=%zu/3", i + 1);
		assert_null(events_filter_parse(bytes_str(text), &f[i], &argument));
	}
	for (unsigned call = 0; call < 3000; call++) {
		char id[16];
		struct events_facts facts = { .type = BYTES_LIT("call.new") };
		uint32_t heard = 0;

		(void)snprintf(id, sizeof(id), "%013u", call);
		facts.call = bytes_str(id);
		for (size_t i = 0; i < COUNT_OF(f); i++) {
			bool has = events_filter_has(&f[i], &facts);

			facts.type = BYTES_LIT("call.ended");
			assert_int_equal(events_filter_has(&f[i], &facts), has);
			facts.type = BYTES_LIT("events.lost");
			assert_true(events_filter_has(&f[i], &facts));
			facts.type = BYTES_LIT("call.new");
			shares[i] += has;
			heard += has;
		}
		assert_int_equal(heard, 1);
	}
	for (size_t i = 0; i < COUNT_OF(f); i++)
		assert_in_range(shares[i], 900, 1100);
}

static void members_left_out(void **state)
{
	static const struct {
		const char *json, *rest;
	} rows[] = {
		{ "{\"type\":\"a\",\"from\":\"1\",\"to\":\"2\"}", "\"type\":\"a\",\"to\":\"2\"}" },
		{ "{\"from\":\"1\"}", "}" },
		{ " { \"from\" : {\"from\":[1,2]} , \"n\": 7 ,\"dnis\":\"\"}", "\"n\": 7 }" },
		{ "{\"by\":{\"from\":1},\"fro\":2}", "\"by\":{\"from\":1},\"fro\":2}" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char space[128] = "";
		struct writer w = writer_over(space, sizeof(space) - 1);

		events_without(&w, bytes_str(rows[i].json), BYTES_LIT("from,dnis"), false);
		assert_string_equal(space, rows[i].rest);
	}
}

/* Who does not hear who calls cannot find it out by asking for the events of one number after the other. */
static void members_left_out_find_nobody(void **state)
{
	const struct events_facts facts = { .type = BYTES_LIT("call.new"),
					    .from = BYTES_LIT("1001"),
					    .to = BYTES_LIT("1002") };
	struct events_filter f = { .users = "1001", .without = "from,dnis" };

	(void)state;
	assert_false(events_filter_has(&f, &facts));
	(void)snprintf(f.users, sizeof(f.users), "1001,1002");
	assert_true(events_filter_has(&f, &facts));
	f.without[0] = '\0';
	(void)snprintf(f.users, sizeof(f.users), "1001");
	assert_true(events_filter_has(&f, &facts));
}

/* Who sees the box hears of its messages; who left one does not. */
static void messages_of_boxes(void **state)
{
	static const struct {
		const char *user;
		bool hears;
	} rows[] = { { "1001", true },
		     { "1003", true },
		     { "1004", true },
		     { "1002", false },
		     { "1005", false } };
	struct events_facts facts;
	struct events_filter f;
	struct bytes argument;

	(void)state;
	assert_true(events_facts_parse(
		BYTES_LIT("{\"type\":\"message.new\",\"from\":\"1002\",\"to\":\"1001\","
			  "\"mailbox\":\"1001\",\"members\":\"1003,1004\"}"),
		&facts));
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char text[32];

		(void)snprintf(text, sizeof(text), "user=%s\n", rows[i].user);
		assert_null(events_filter_parse(bytes_str(text), &f, &argument));
		assert_int_equal(events_filter_has(&f, &facts), rows[i].hears);
	}
}

static void what_is_no_filter(void **state)
{
	static const char *const wrong[] = { "x=1\n",      "after=\n",          "after=1-\n",
					     "type=*a\n",  "user=1\"2\n",       "call=a b\n",
					     "tenant=\n",  "application=a/b\n", "type\n",
					     "part=0/2\n", "part=3/2\n",        "part=1/65\n",
					     "part=2\n",   "part=a/b\n",        "part=1/2/3\n" };
	static const char *const no_event[] = { "",
						"{",
						"{}",
						"[]",
						"{\"type\":\"a\"",
						"{\"type\":1}",
						"{\"type\":\"a\" \"b\":1}",
						"{\"type\":\"a\\" };
	struct events_filter f;
	struct events_facts facts;
	struct bytes argument;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		assert_non_null(events_filter_parse(bytes_str(wrong[i]), &f, &argument));
	assert_null(events_filter_parse(BYTES_LIT("access_token=a\n\n/\n"), &f, &argument));
	for (size_t i = 0; i < COUNT_OF(no_event); i++)
		assert_false(events_facts_parse(bytes_str(no_event[i]), &facts));
	assert_true(events_facts_parse(BYTES_LIT(" {\"values\": {\"type\":\"x\",\"a\":[\"}\",1]}, "
						 "\"type\":\"a\",\"from\":\"1\","
						 "\"to\":\"2\",\"to_trunk\":\"carrier\"}"),
				       &facts));
	assert_true(bytes_is(facts.type, "a") && bytes_is(facts.from, "1") && !facts.to.n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_wants_it),      cmocka_unit_test(goes_on),
		cmocka_unit_test(slow_ones),         cmocka_unit_test(so_many),
		cmocka_unit_test(parts_share),       cmocka_unit_test(members_left_out),
		cmocka_unit_test(messages_of_boxes), cmocka_unit_test(new_ones_meanwhile),
		cmocka_unit_test(what_is_no_filter), cmocka_unit_test(members_left_out_find_nobody),
	};

	events_setup();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
