/* SPDX-License-Identifier: Apache-2.0 */
/* The recording method of a group (FEATURES REC-01): before that of its members, in its calls
 * alone, over a kill, and while the group changes. 1001 calls 700, which rings 1002. */
#include "sig/host/groups.h"
#include "tests/unit/sig/flows.h"

enum { OWN, OFF, AUTO, DEMAND }; /* of a group */

static void put_group(struct rig *r, const char *members, uint8_t record, enum record_to to)
{
	struct ring_group g = { .tenant = TENANT_DEFAULT,
				.name = "sales",
				.how = 1,
				.ring_s = 9,
				.record = record,
				.record_to = (uint8_t)to };

	assert_null(group_members_parse(&g, bytes_str(members)));
	assert_int_equal(groups_put(r->shard->shared_tables->groups, &g), 0);
}

static void put_own(struct rig *r, const char *number, enum record_method method)
{
	struct shard_extension e = rig_extension(number, false);

	e.record = (uint8_t)method;
	assert_int_equal(shard_extension_put(r->shard, &e), 0);
}

static void talk(struct line *l, const char *program)
{
	struct bytes m;

	call_flow(l, program);
	m = phone_rings(&l->b);
	phone_answer(&l->b, m, "200 OK", PHONE_SDP_B);
	is_answered(l);
}

#define TALK_BY_GROUP(l) talk(l, "[{\"dial\":\"group:sales\"}]")

static void orders(struct line *l, uint8_t leg, enum order_record what, int want)
{
	assert_int_equal(
		shard_call_record(l->r->shard, first_call(l->r), leg, what, NULL, l->r->now), want);
	rig_wait_ms(l->r, 1);
}

static void assert_tap(const struct line *l, uint8_t b)
{
	assert_int_equal(line_last_spec(l->r, 0).tap, 0);
	assert_int_equal(line_last_spec(l->r, 1).tap, b);
}

static void hangs_up(struct line *l)
{
	phone_request(&l->a, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
}

static void method(void **state)
{
	static const struct {
		const char *name;
		uint8_t group;
		enum record_method own;
		uint8_t tap;
		enum refusal on;
	} rows[] = {
		{ "none of its own", OWN, RECORD_AUTO, 1, REFUSED_NOT_ON_DEMAND },
		{ "none at all", OWN, RECORD_OFF, 0, REFUSED_NOT_ON_DEMAND },
		{ "off before the member's", OFF, RECORD_AUTO, 0, REFUSED_NOT_ON_DEMAND },
		{ "... on demand", OFF, RECORD_ON_DEMAND, 0, REFUSED_NOT_ON_DEMAND },
		{ "auto", AUTO, RECORD_OFF, 1, REFUSED_NOT },
		{ "on demand", DEMAND, RECORD_OFF, 0, REFUSED_NOT },
		{ "on demand before auto", DEMAND, RECORD_AUTO, 0, REFUSED_NOT },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct line *l;

		print_message("# %s\n", rows[i].name);
		line_teardown(state);
		line_setup(state);
		l = *state;
		put_own(l->r, "1002", rows[i].own);
		put_group(l->r, "1002", rows[i].group, RECORD_TO_FILES);
		TALK_BY_GROUP(l);
		assert_tap(l, rows[i].tap);
		if (!rows[i].tap)
			orders(l, 1, ORDER_RECORD_ON, (int)rows[i].on);
		assert_tap(l, rows[i].tap || rows[i].on == REFUSED_NOT);
		hangs_up(l);
	}
}

/* A member who is called directly is recorded by its own method. */
static void other_calls(void **state)
{
	struct line *l = *state;

	put_group(l->r, "1001,1002", AUTO, RECORD_TO_FILES);
	phones_talk(&l->a, &l->b);
	assert_tap(l, 0);
	hangs_up(l);
}

static void by_a_flow(void **state)
{
	struct line *l = *state;

	put_group(l->r, "1001,1002", AUTO, RECORD_TO_FILES);
	talk(l, "[{\"dial\":\"1002\"}]"); /* a flow calls the member, and no group */
	assert_tap(l, 0);
	hangs_up(l);
}

static void its_caller(void **state)
{
	struct line *l = *state;

	put_own(l->r, "1001", RECORD_AUTO);
	put_group(l->r, "1002", OFF, RECORD_TO_FILES);
	TALK_BY_GROUP(l);
	assert_int_equal(line_last_spec(l->r, 0).tap, 1);
	assert_int_equal(line_last_spec(l->r, 1).tap, 0);
	hangs_up(l);
}

static void in_the_mailbox_of_the_member(void **state)
{
	struct line *l = *state;

	put_group(l->r, "1002", AUTO, RECORD_TO_MAILBOX);
	TALK_BY_GROUP(l);
	assert_int_equal(l->r->record_count, 1);
	assert_non_null(strstr(l->r->records[0].facts, ",\"mailbox\":\"1002\""));
	line_restart(l, line_stored(l));
	assert_int_equal(l->r->record_count, 2);
	assert_int_equal(l->r->records[1].record.act, RECORD_GO_ON);
	hangs_up(l);
}

/* On demand is asked at that moment: of the group as it is then, and of its members. */
static void changes(void **state)
{
	struct line *l = *state;

	put_group(l->r, "1002", DEMAND, RECORD_TO_FILES);
	TALK_BY_GROUP(l);
	put_group(l->r, "1004", DEMAND, RECORD_TO_FILES);
	orders(l, 1, ORDER_RECORD_ON, REFUSED_NOT_ON_DEMAND);
	groups_delete(l->r->shard->shared_tables->groups, TENANT_DEFAULT, BYTES_LIT("sales"));
	orders(l, 1, ORDER_RECORD_ON, REFUSED_NOT_ON_DEMAND);
	put_group(l->r, "1004,1002", DEMAND, RECORD_TO_FILES);
	line_restart(l, line_stored(l));
	put_group(l->r, "1002", DEMAND, RECORD_TO_FILES);
	orders(l, 1, ORDER_RECORD_ON, 0);
	assert_tap(l, 1);
	put_group(l->r, "1002", OFF, RECORD_TO_FILES); /* what runs goes on, and may end */
	rig_wait_ms(l->r, 1000);
	assert_tap(l, 1);
	orders(l, 1, ORDER_RECORD_OFF, 0);
	assert_tap(l, 0);
	hangs_up(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINE_TEST(method),
		LINE_TEST(other_calls),
		LINE_TEST(by_a_flow),
		LINE_TEST(its_caller),
		LINE_TEST(in_the_mailbox_of_the_member),
		LINE_TEST(changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
