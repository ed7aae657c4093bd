/* SPDX-License-Identifier: Apache-2.0 */
/* A flow gives its caller to somewhere: a slot. */
#include "sig/host/tenant_tables.h"
#include "sig/pbx/flow/flow.h"
#include "tests/unit/sig/flows.h"

#define PARK(where)                                                                      \
	"{\"name\":\"main\",\"start\":\"wait\",\"steps\":{"                              \
	"\"in\":{\"pause\":1,\"next\":\"wait\"},"                                        \
	"\"wait\":{\"park\":{" where "\"timeout_s\":60},\"timeout\":\"late\","           \
	"\"full\":\"full\",\"failed\":\"no\"},"                                          \
	"\"late\":{\"play\":[\"late\"]},\"full\":{\"play\":[\"full\"],\"next\":\"in\"}," \
	"\"no\":{\"play\":[\"no\"]}}}"

static const struct rig_park *asked(const struct rig *r, enum park_act act)
{
	const struct rig_park *last = &r->parks[(r->park_count - 1) % RIG_LOOKUPS_MAX];

	assert_true(r->park_count > 0);
	assert_int_equal(last->act, act);
	return last;
}

static void told(struct line *l, enum park_result told)
{
	const struct rig_park *claim = asked(l->r, PARK_CLAIM);

	rig_reply(l->r, (struct reply){ .ask = ASK_PARK,
					.of = claim->call,
					.park = { .serial = claim->serial,
						  .told = told,
						  .owner = told == PARK_OK ? claim->call : 0 } });
	rig_run(l->r);
}

static void parked(struct line *l)
{
	call_flow(l, PARK("\"slot\":\"7\","));
	is_answered(l);
	assert_string_equal(asked(l->r, PARK_CLAIM)->slot, "7");
	told(l, PARK_OK);
	assert_string_equal(shard_call_slot(l->r->shard, first_call(l->r)), "7");
}

static void test_park_in_vain(void **state)
{
	struct line *l = *state;

	parked(l);
	rig_wait_ms(l->r, 59000);
	assert_int_equal(l->r->play_count, 0);
	rig_wait_ms(l->r, 1500);
	assert_string_equal(asked(l->r, PARK_FREE)->slot, "7");
	assert_true(plays(l, "prompt:late"));
	assert_string_equal(shard_call_slot(l->r->shard, first_call(l->r)), "");
}

static void test_park_is_full(void **state)
{
	struct line *l = *state;

	call_flow(l, PARK("\"slot\":\"7\","));
	is_answered(l);
	told(l, PARK_TAKEN);
	assert_true(plays(l, "prompt:full"));
	played(l, PROMPT_REPLY_ENDED);
	rig_wait_ms(l->r, 1100); /* the same step once more */
	told(l, PARK_UNKNOWN);
	assert_true(plays(l, "prompt:no"));
}

/* Nobody has the slot before that is saved, and a successor asks for it again. */
static void test_park_saved_before(void **state)
{
	struct line *l = *state;

	call_flow(l, PARK("\"slot\":\"7\","));
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	l->r->hold_saves = true;
	phone_ack(&l->a);
	rig_run(l->r);
	assert_int_equal(l->r->park_count, 0);
	l->r->hold_saves = false;
	rig_run(l->r);
	(void)asked(l->r, PARK_CLAIM);
	line_restart(l, line_stored(l));
	assert_int_equal(l->r->park_count, 2);
	told(l, PARK_OK);
	line_restart(l, line_stored(l));
	put_program(l->r, "", PARK("\"slot\":\"7\","));
	told(l, PARK_OK);
	rig_wait_ms(l->r, 61000);
	assert_true(plays(l, "prompt:late"));
}

static void test_park_is_retrieved(void **state)
{
	struct line *l = *state;
	struct call_order order = { .kind = ORDER_TRANSFER,
				    .to = BYTES_LIT("1002"),
				    .known = true };
	struct bytes m;

	parked(l);
	assert_int_equal(shard_call_order(l->r->shard, first_call(l->r), &order, l->r->now), 0);
	rig_run(l->r);
	m = phone_rings(&l->b);
	rig_wait_ms(l->r, 2000);
	phone_answer(&l->b, m, "200 OK", PHONE_SDP_B);
	rig_run(l->r);
	(void)asked(l->r, PARK_FREE);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	rig_wait_ms(l->r, 61000);
	assert_int_equal(l->r->play_count, 0);
}

/* A command takes the caller out of there. */
static void test_park_and_run(void **state)
{
	struct line *l = *state;
	const struct flow_program *p;
	struct call_order order = { .kind = ORDER_RUN };

	parked(l);
	put_program(l->r, "other", "[{\"play\":[\"other\"]}]");
	p = programs_named(l->r->shard->shared_tables->programs, BYTES_LIT("default"),
			   BYTES_LIT("other"));
	order.program = p->hash;
	assert_int_equal(shard_call_order(l->r->shard, first_call(l->r), &order, l->r->now), 0);
	rig_run(l->r);
	(void)asked(l->r, PARK_FREE);
	assert_true(plays(l, "prompt:other"));
}

static void put_groups(struct rig *r)
{
	struct tenant_settings set = { .name = TENANT_DEFAULT_NAME,
				       .terms.park_groups = "sales=7-9,others=20-21" };
	uint16_t number;

	assert_int_equal(tenants_put(r->shard->settings.tenants, &set, &number), 0);
	assert_int_equal(shard_park_groups_set(r->shard, TENANT_DEFAULT, "1001", "sales"), 0);
}

static void hangs_up(struct line *l)
{
	phone_request(&l->a, "BYE", "", "");
	rig_run(l->r);
	(void)phone_hears(&l->a, "SIP/2.0 200");
	l->r->park_count = l->r->play_count = 0;
}

/* The first free one of a group; and no slot that no group has. */
static void test_park_groups(void **state)
{
	struct line *l = *state;

	put_groups(l->r);
	call_flow(l, PARK("\"group\":\"others\","));
	is_answered(l);
	assert_string_equal(asked(l->r, PARK_CLAIM)->slot, "20");
	told(l, PARK_TAKEN);
	assert_string_equal(asked(l->r, PARK_CLAIM)->slot, "21");
	hangs_up(l);
	call_flow(l, PARK("\"slot\":\"30\","));
	is_answered(l);
	assert_true(plays(l, "prompt:no"));
}

/* What a caller has put in for a slot has his rights. */
static void test_who_parks_where(void **state)
{
	static const char *const set[] = { "7", "20" };
	char text[1024];
	struct line *l = *state;

	put_groups(l->r);
	for (size_t i = 0; i < COUNT_OF(set); i++) {
		(void)snprintf(text, sizeof(text),
			       "[{\"set\":{\"slot\":\"%s\"}},{\"park\":{\"slot\":\"{slot}\"}}]",
			       set[i]);
		call_flow(l, text);
		is_answered(l);
		assert_int_equal(l->r->park_count, !i);
		hangs_up(l);
	}
}

#define PICKUP(target)                                                                     \
	"{\"name\":\"main\",\"start\":\"set\",\"steps\":{"                                 \
	"\"set\":{\"set\":{\"slot\":\"20\"},\"next\":\"in\"},\"in\":{\"pickup\":\"" target \
	"\",\"none\":\"none\",\"failed\":\"no\",\"next\":\"bye\"},"                        \
	"\"none\":{\"play\":[\"none\"]},\"no\":{\"play\":[\"no\"]},"                       \
	"\"bye\":{\"play\":[\"bye\"]}}}"

static void looked(struct line *l, enum park_result told, uint64_t owner)
{
	const struct rig_park *look = asked(l->r, PARK_LOOK);

	rig_reply(l->r, (struct reply){
				.ask = ASK_PARK,
				.of = look->call,
				.park = { .serial = look->serial, .told = told, .owner = owner } });
	rig_run(l->r);
}

static void test_pickup_nobody(void **state)
{
	static const struct {
		enum park_result told;
		const char *plays;
	} set[] = { { PARK_EMPTY, "prompt:none" }, { PARK_UNKNOWN, "prompt:no" } };
	struct line *l = *state;

	for (size_t i = 0; i < COUNT_OF(set); i++) {
		call_flow(l, PICKUP("7"));
		is_answered(l);
		assert_string_equal(asked(l->r, PARK_LOOK)->slot, "7");
		looked(l, set[i].told, 0);
		assert_true(plays(l, set[i].plays));
		hangs_up(l);
	}
	call_flow(l, PICKUP("7"));
	is_answered(l);
	rig_wait_ms(l->r, 5100);
	assert_true(plays(l, "prompt:no"));
	hangs_up(l);
	call_flow(l, PICKUP("1002"));
	is_answered(l);
	assert_true(plays(l, "prompt:none"));
}

/* Whose call is not parked there any more, or is the caller's own. */
static void test_pickup_in_vain(void **state)
{
	struct line *l = *state;

	call_flow(l, PICKUP("7"));
	is_answered(l);
	looked(l, PARK_OK, first_call(l->r));
	assert_true(plays(l, "prompt:none"));
}

/* The next process asks again. */
static void test_pickup_restart(void **state)
{
	struct line *l = *state;

	call_flow(l, PICKUP("7"));
	is_answered(l);
	line_restart(l, line_stored(l));
	put_program(l->r, "", PICKUP("7"));
	rig_reply(l->r, (struct reply){ .ask = ASK_PROGRAM,
					.of = first_call(l->r),
					.program = { .serial = l->r->program, .found = true } });
	rig_run(l->r);
	assert_int_equal(l->r->park_count, 2);
	looked(l, PARK_EMPTY, 0);
	assert_true(plays(l, "prompt:none"));
}

/* A slot that the caller has put in is one that he may use. */
static void test_who_picks_up_what(void **state)
{
	struct line *l = *state;

	put_groups(l->r);
	call_flow(l, PICKUP("20"));
	is_answered(l);
	looked(l, PARK_EMPTY, 0);
	hangs_up(l);
	call_flow(l, PICKUP("{slot}"));
	is_answered(l);
	assert_int_equal(l->r->park_count, 0);
	assert_true(plays(l, "prompt:no"));
}

static void test_stream(void **state)
{
	static const enum prompt_reply_kind ends[] = { PROMPT_REPLY_ENDED, PROMPT_REPLY_FAILED };
	static const char *const then[] = { "prompt:bye", "prompt:no" };
	static const char text[] = "{\"name\":\"main\",\"start\":\"s\",\"steps\":{"
				   "\"s\":{\"stream\":\"bot\",\"next\":\"bye\",\"failed\":\"no\"},"
				   "\"bye\":{\"play\":[\"bye\"]},\"no\":{\"play\":[\"no\"]}}}";
	struct line *l = *state;

	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		call_flow(l, text);
		is_answered(l);
		assert_true(plays(l, "live-bot"));
		played(l, PROMPT_REPLY_OPEN);
		line_restart(l, line_stored(l));
		put_program(l->r, "main", text);
		assert_true(plays(l, "live-bot"));
		rig_reply(l->r,
			  (struct reply){ .ask = ASK_PROGRAM,
					  .of = first_call(l->r),
					  .program = { .serial = l->r->program, .found = true } });
		played(l, ends[i]);
		assert_true(plays(l, then[i]));
		hangs_up(l);
	}
}

static void ears(struct line *l, enum media_stream_reply_kind kind)
{
	const struct media_stream_reply new_state = { .kind = kind, .serial = l->r->listen_serial };

	rig_reply(l->r, (struct reply){ .ask = ASK_MEDIA_STREAM,
					.of = first_call(l->r),
					.media_stream = new_state });
	rig_run(l->r);
}

#define HEARS                                                                           \
	"{\"name\":\"main\",\"start\":\"s\",\"steps\":{"                                \
	"\"s\":{\"stream\":{\"endpoint\":\"ears\",\"hear\":\"both\"},\"next\":\"bye\"," \
	"\"failed\":\"no\"},\"bye\":{\"play\":[\"bye\"]},\"no\":{\"play\":[\"no\"]}}}"

/* The application hears both sides through what follows, also of the next process; one that is not there is not waited for. */
static void test_stream_hears(void **state)
{
	struct line *l = *state;

	call_flow(l, HEARS);
	is_answered(l);
	assert_string_equal(l->r->listener, "ears");
	assert_int_equal(l->r->listen.sides, MEDIA_STREAM_BOTH);
	assert_false(l->r->listen.of_callee);
	assert_int_equal(l->r->play_count, 0);
	line_restart(l, line_stored(l));
	put_program(l->r, "", HEARS);
	rig_reply(l->r, (struct reply){ .ask = ASK_PROGRAM,
					.of = first_call(l->r),
					.program = { .serial = l->r->program, .found = true } });
	assert_true(l->r->listen.resumed);
	ears(l, MEDIA_STREAM_STARTED);
	assert_true(plays(l, "prompt:bye"));
	assert_int_equal(line_last_spec(l->r, 0).tap_live, l->r->listen.number);
	hangs_up(l);
	call_flow(l, HEARS);
	is_answered(l);
	ears(l, MEDIA_STREAM_FAILED);
	assert_true(plays(l, "prompt:no"));
	hangs_up(l);
	call_flow(l, HEARS);
	is_answered(l);
	rig_wait_ms(l->r, 2100);
	assert_true(plays(l, "prompt:bye"));
}

static void test_notify(void **state)
{
	static const char text[] =
		"{\"name\":\"main\",\"start\":\"pin\",\"steps\":{"
		"\"pin\":{\"gather\":{\"max\":1,\"secret\":true,\"into\":\"pin\"},\"timeout\":"
		"\"no\",\"next\":\"n\"},"
		"\"n\":{\"notify\":{\"event\":\"shop.open\",\"data\":{\"who\":\"{caller}\",\"pin\":"
		"\"{pin}\"}},"
		"\"next\":\"bye\"},\"no\":{\"play\":[\"no\"]},\"bye\":{\"play\":[\"bye\"]}}}";
	struct line *l = *state;
	const struct sig_event *e = NULL;

	call_flow(l, text);
	is_answered(l);
	l->r->hold_saves = true;
	press(l, '7');
	for (uint32_t i = 0; i < l->r->event_count; i++)
		assert_int_not_equal(l->r->events[i].kind, SIG_CALL_NOTIFY);
	l->r->hold_saves = false;
	rig_run(l->r);
	for (uint32_t i = 0; i < l->r->event_count; i++)
		e = l->r->events[i].kind == SIG_CALL_NOTIFY ? &l->r->events[i] : e;
	assert_non_null(e);
	assert_string_equal(event_str(e, EV_NAME), "shop.open");
	assert_int_equal(event_number(e, EV_VISIT), 2);
	assert_true(plays(l, "prompt:bye"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINE_TEST(test_park_in_vain),      LINE_TEST(test_park_is_full),
		LINE_TEST(test_park_saved_before), LINE_TEST(test_park_is_retrieved),
		LINE_TEST(test_park_and_run),      LINE_TEST(test_park_groups),
		LINE_TEST(test_who_parks_where),   LINE_TEST(test_pickup_nobody),
		LINE_TEST(test_pickup_in_vain),    LINE_TEST(test_pickup_restart),
		LINE_TEST(test_who_picks_up_what), LINE_TEST(test_stream),
		LINE_TEST(test_stream_hears),      LINE_TEST(test_notify),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
