/* SPDX-License-Identifier: Apache-2.0 */
/* A call is sent on to a slot by whom it is for, and its caller waits there (PARK-07). */

#include "sig/model/call_order.h"
#include "sig/shard/shard_state.h"
#include "tests/unit/sig/joins.h"

#define ANOTHERS UINT64_C(0x9990000000001)

static void put_codes(struct rig *r)
{
	static const struct feature_codes codes = { .code[FEATURE_PARK] = "#41" };

	r->settings.codes = codes;
	r->settings.calls.park_return_ns = 120 * NS_PER_S;
	shard_configure(r->shard, &r->settings);
}

static void forward(struct rig *r, const struct shard_forward *f)
{
	assert_int_equal(shard_forward_set(r->shard, TENANT_DEFAULT, "1002", f), 0);
}

static int slot_setup(void **state)
{
	(void)trio_setup(state);
	put_codes(((struct trio *)*state)->l.r);
	return 0;
}

#define SLOT_TEST(fn) cmocka_unit_test_setup_teardown(fn, slot_setup, line_teardown)

static const struct rig_park *last_asked(const struct rig *r, enum park_act act)
{
	const struct rig_park *last = &r->parks[(r->park_count - 1) % RIG_LOOKUPS_MAX];

	assert_true(r->park_count > 0);
	assert_int_equal(last->act, act);
	return last;
}

static void told(struct rig *r, enum park_act act, enum park_result told, uint64_t owner)
{
	const struct rig_park *asked = last_asked(r, act);

	rig_reply(r, (struct reply){
			     .ask = ASK_PARK,
			     .of = asked->call,
			     .park = { .serial = asked->serial, .told = told, .owner = owner } });
	rig_run(r);
}

static void call_b(struct trio *t)
{
	phone_invite(&t->l.a, "1002", PHONE_SDP_A);
	rig_run(t->l.r);
}

static void waits_in(struct trio *t, const char *slot)
{
	struct rig *r = t->l.r;

	assert_true(phone_hears(&t->l.a, "SIP/2.0 200").n);
	phone_ack(&t->l.a);
	rig_run(r);
	assert_true(line_last_spec(r, 0).alone);
	assert_true(shard_call_waits_in(r->shard, call_at(r, 0), bytes_str(slot)));
	assert_string_equal(shard_call_slot(r->shard, call_at(r, 0)), slot);
	assert_string_equal(event_str(last_event(r, SIG_CALL_PARKED), EV_SLOT), slot);
}

static void waits_there(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;
	uint64_t call;

	forward(r, &(struct shard_forward){ .always = "#4107" });
	call_b(t);
	call = call_at(r, 0);
	assert_string_equal(last_asked(r, PARK_CLAIM)->slot, "07");
	assert_true(last_asked(r, PARK_CLAIM)->call == call);
	assert_memory_equal(last_asked(r, PARK_CLAIM)->entry, "1002 1001; ", 11);
	assert_int_equal(rig_count(r, &t->l.a.addr, "SIP/2.0 200"), 0); /* it is not its own yet */
	assert_string_equal(shard_call_slot(r->shard, call), "");
	told(r, PARK_CLAIM, PARK_OK, call);
	waits_in(t, "07");
	assert_int_equal(rig_count(r, &t->l.b.addr, "INVITE "), 0);
	phone_request(&t->l.a, "BYE", "", "");
	rig_run(r);
	assert_true(last_asked(r, PARK_FREE)->call == call);
	assert_string_equal(r->cdrs[0].to, "1002");
	assert_string_equal(r->cdrs[0].forwarded_to, "#4107");
	line_assert_idle(r);
}

/* Where it is taken, the next one of the list; without another one the caller hears why. */
static void not_its_own(void **state)
{
	static const struct {
		const char *name;
		enum park_result told;
		const char *answer;
	} rows[] = {
		{ "taken", PARK_TAKEN, "SIP/2.0 486" },
		{ "no room", PARK_FULL, "SIP/2.0 503" },
		{ "not known", PARK_UNKNOWN, "SIP/2.0 503" },
	}, *row;
	struct trio *t = *state;
	struct rig *r = t->l.r;

	forward(r, &(struct shard_forward){ .always = "#4107" });
	EACH_ROW(row, rows)
	{
		call_b(t);
		told(r, PARK_CLAIM, row->told, row->told == PARK_TAKEN ? ANOTHERS : 0);
		ROW_ASSERT(row->name, phone_hears(&t->l.a, row->answer).n);
		phone_ack(&t->l.a);
		rig_wait_ms(r, 40000);
		line_assert_idle(r);
	}
	forward(r, &(struct shard_forward){ .always = "#4107,#4108,1004" });
	call_b(t);
	told(r, PARK_CLAIM, PARK_TAKEN, ANOTHERS);
	assert_string_equal(last_asked(r, PARK_CLAIM)->slot, "08");
	told(r, PARK_CLAIM, PARK_TAKEN, ANOTHERS);
	assert_true(phone_rings(&t->c).n);
	phone_answer(&t->c, t->c.invite, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&t->l.a, "SIP/2.0 200").n);
}

static void silent_store(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;

	forward(r, &(struct shard_forward){ .always = "#4107" });
	call_b(t);
	rig_wait_ms(r, 5100);
	assert_true(phone_hears(&t->l.a, "SIP/2.0 503").n);
	assert_string_equal(last_asked(r, PARK_FREE)->slot, "07");
}

/* Its phones rang before. */
static void when_nobody_answers(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;

	forward(r, &(struct shard_forward){ .no_answer = "#4107", .rings = 2 });
	call_b(t);
	assert_true(phone_rings(&t->l.b).n);
	phone_answer(&t->l.b, t->l.b.invite, "180 Ringing", "");
	rig_wait_ms(r, 12100);
	assert_true(rig_take(r, &t->l.b.addr, "CANCEL ").n);
	told(r, PARK_CLAIM, PARK_OK, call_at(r, 0));
	waits_in(t, "07");
	phone_answer(&t->l.b, t->l.b.invite, "487 Request Terminated", "");
	rig_run(r);
	assert_true(line_last_spec(r, 0).alone);
	assert_string_equal(event_str(last_event(r, SIG_CALL_FORWARDED), EV_TO), "#4107");
}

static void gives_up_meanwhile(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;

	forward(r, &(struct shard_forward){ .always = "#4107" });
	call_b(t);
	phone_cancel(&t->l.a);
	rig_run(r);
	assert_true(phone_hears(&t->l.a, "SIP/2.0 487").n);
	assert_string_equal(last_asked(r, PARK_FREE)->slot, "07");
	phone_ack(&t->l.a);
	rig_wait_ms(r, 40000);
	line_assert_idle(r);
}

/* Of the groups that whom the call is for uses. */
static void of_its_groups(void **state)
{
	struct tenant_settings set = { .name = TENANT_DEFAULT_NAME,
				       .terms.park_groups = "sales=10-12,support=20-21" };
	struct trio *t = *state;
	struct rig *r = t->l.r;
	uint16_t number;

	assert_int_equal(tenants_put(r->shard->settings.tenants, &set, &number), 0);
	assert_int_equal(shard_park_groups_set(r->shard, TENANT_DEFAULT, "1002", "sales"), 0);
	forward(r, &(struct shard_forward){ .always = "#4120" });
	call_b(t);
	assert_true(phone_hears(&t->l.a, "SIP/2.0 480").n);
	assert_int_equal(r->park_count, 0);
	phone_ack(&t->l.a);
	rig_wait_ms(r, 40000);
	forward(r, &(struct shard_forward){ .always = "#41" });
	call_b(t);
	assert_string_equal(last_asked(r, PARK_CLAIM)->slot, "10");
	told(r, PARK_CLAIM, PARK_TAKEN, ANOTHERS);
	assert_string_equal(last_asked(r, PARK_CLAIM)->slot, "11");
	told(r, PARK_CLAIM, PARK_OK, call_at(r, 0));
	waits_in(t, "11");
}

/* The phones of who sends his calls there ring, wherever they go. */
static void is_call_back(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;

	forward(r, &(struct shard_forward){ .always = "#4107" });
	call_b(t);
	told(r, PARK_CLAIM, PARK_OK, call_at(r, 0));
	waits_in(t, "07");
	rig_wait_ms(r, 120100);
	assert_true(phone_rings(&t->l.b).n);
	phone_answer(&t->l.b, t->l.b.invite, "200 OK", PHONE_SDP_B);
	rig_run(r);
	rig_wait_ms(r, 100);
	assert_string_equal(event_str(last_event(r, SIG_CALL_RETRIEVED), EV_SLOT), "07");
	assert_string_equal(last_asked(r, PARK_FREE)->slot, "07");
	assert_false(line_last_spec(r, 0).alone);
}

/* Somebody else takes it there. */
static void retrieved(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;
	uint64_t call;

	forward(r, &(struct shard_forward){ .always = "#4107" });
	call_b(t);
	call = call_at(r, 0);
	told(r, PARK_CLAIM, PARK_OK, call);
	waits_in(t, "07");
	phone_invite(&t->c, "%234107", PHONE_SDP_B);
	rig_run(r);
	told(r, PARK_LOOK, PARK_OK, call);
	assert_true(phone_hears(&t->c, "SIP/2.0 200").n);
	phone_ack(&t->c);
	rig_wait_ms(r, 200);
	assert_string_equal(event_str(last_event(r, SIG_CALL_RETRIEVED), EV_SLOT), "07");
	assert_false(line_last_spec(r, 0).alone);
}

/* ---- a party that is given away to it ---- */

static void forward_c(struct rig *r, const char *to)
{
	struct shard_forward f = { .always = "" };

	(void)bytes_cstr(bytes_str(to), f.always, sizeof(f.always));
	assert_int_equal(shard_forward_set(r->shard, TENANT_DEFAULT, "1004", &f), 0);
}

/* B has given A to 1004, whose calls go to the slot; it is asked for. */
static uint64_t given(struct trio *t, const char *to)
{
	struct rig *r = t->l.r;

	forward_c(r, to);
	phones_talk(&t->l.a, &t->l.b);
	refer(&t->l.b, "sip:1004@test.local");
	assert_true(phone_hears(&t->l.b, "SIP/2.0 202").n);
	assert_notified(&t->l.b, "SIP/2.0 100 ", "active");
	assert_string_equal(last_asked(r, PARK_CLAIM)->slot, "07");
	assert_int_equal(rig_count(r, &t->l.b.addr, "BYE "), 0);
	assert_string_equal(shard_call_slot(r->shard, call_at(r, 0)), "");
	return call_at(r, 0);
}

/* Its transferor hears so, and is left. */
static void given_waits(struct trio *t, uint64_t call, const char *slot)
{
	struct rig *r = t->l.r;

	assert_notified(&t->l.b, "SIP/2.0 200 ", "terminated");
	assert_true(rig_take(r, &t->l.b.addr, "BYE ").n);
	assert_true(line_last_spec(r, 0).alone);
	assert_true(shard_call_waits_in(r->shard, call, bytes_str(slot)));
	assert_string_equal(event_str(last_event(r, SIG_CALL_PARKED), EV_SLOT), slot);
	assert_non_null(last_event(r, SIG_CALL_TRANSFERRED));
	assert_int_equal(rig_count(r, &t->l.a.addr, "BYE "), 0);
}

static void given_to_it(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;
	uint64_t call = given(t, "#4107");

	assert_memory_equal(last_asked(r, PARK_CLAIM)->entry, "1004 1001; ", 11);
	told(r, PARK_CLAIM, PARK_OK, call);
	given_waits(t, call, "07");
	/* it comes back to 1004 */
	rig_wait_ms(r, 120100);
	assert_true(phone_rings(&t->c).n);
	phone_answer(&t->c, t->c.invite, "200 OK", PHONE_SDP_B);
	rig_run(r);
	rig_wait_ms(r, 100);
	assert_string_equal(event_str(last_event(r, SIG_CALL_RETRIEVED), EV_SLOT), "07");
	assert_false(line_last_spec(r, 0).alone);
}

/* Then the next of its numbers; behind the last one the transferor has its party again. */
static void given_in_vain(void **state)
{
	static const struct {
		const char *name;
		enum park_result told;
		const char *status;
	} rows[] = {
		{ "taken", PARK_TAKEN, "SIP/2.0 486 " },
		{ "no room", PARK_FULL, "SIP/2.0 503 " },
		{ "not known", PARK_UNKNOWN, "SIP/2.0 503 " },
	};
	struct trio *t = *state;
	struct rig *r = t->l.r;
	uint64_t call = given(t, "#4107,#4108");

	told(r, PARK_CLAIM, PARK_TAKEN, ANOTHERS);
	assert_string_equal(last_asked(r, PARK_CLAIM)->slot, "08");
	told(r, PARK_CLAIM, PARK_TAKEN, ANOTHERS);
	assert_notified(&t->l.b, "SIP/2.0 486 ", "terminated");
	forward_c(r, "#4107");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		refer(&t->l.b, "sip:1004@test.local");
		assert_true(phone_hears(&t->l.b, "SIP/2.0 202").n);
		assert_notified(&t->l.b, "SIP/2.0 100 ", "active");
		told(r, PARK_CLAIM, rows[i].told, rows[i].told == PARK_TAKEN ? ANOTHERS : 0);
		assert_notified(&t->l.b, rows[i].status, "terminated");
	}
	assert_string_equal(shard_call_slot(r->shard, call), "");
	assert_false(line_last_spec(r, 0).alone);
	assert_int_equal(rig_count(r, &t->l.b.addr, "BYE "), 0);
	phone_request(&t->l.b, "BYE", "", "");
	rig_run(r);
	assert_true(phone_hears(&t->l.b, "SIP/2.0 200").n);
}

/* Somebody hangs up before it is the call's. */
static void given_and_gone(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;
	uint64_t call = given(t, "#4107");

	phone_request(&t->l.b, "BYE", "", ""); /* who gave it: it goes there nevertheless */
	rig_run(r);
	told(r, PARK_CLAIM, PARK_OK, call);
	assert_true(shard_call_waits_in(r->shard, call, BYTES_LIT("07")));
	phone_request(&t->l.a, "BYE", "", "");
	rig_run(r);
	assert_true(last_asked(r, PARK_FREE)->call == call);
}

static void given_and_it_hangs_up(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;
	uint64_t call = given(t, "#4107");

	phone_request(&t->l.a, "BYE", "", "");
	rig_run(r);
	assert_true(last_asked(r, PARK_FREE)->call == call);
	assert_true(rig_take(r, &t->l.b.addr, "BYE ").n);
}

static void given_by_command(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;
	uint64_t call;

	forward_c(r, "#4107");
	phones_talk(&t->l.a, &t->l.b);
	call = call_at(r, 0);
	assert_int_equal(transfer(t, SHARD_LEG_CALLEE, "1004", 1), 0);
	told(r, PARK_CLAIM, PARK_OK, call);
	rig_run(r);
	assert_true(shard_call_waits_in(r->shard, call, BYTES_LIT("07")));
	assert_true(line_last_spec(r, 0).alone);
	assert_true(rig_take(r, &t->l.b.addr, "BYE ").n);
}

/* Commands find that it is not parked, and not open to be sent elsewhere. */
static void meanwhile(void **state)
{
	const struct shard_order by = order_of(1);
	struct call_order park = { .kind = ORDER_PARK, .to = BYTES_LIT("07"), .by = &by };
	struct trio *t = *state;
	struct rig *r = t->l.r;
	uint64_t call;

	forward(r, &(struct shard_forward){ .always = "#4107" });
	call_b(t);
	call = call_at(r, 0);
	assert_int_equal(shard_call_order(r->shard, call, &park, r->now), REFUSED_NOT_ESTABLISHED);
	phone_invite(&t->c, "%234107", PHONE_SDP_B);
	rig_run(r);
	told(r, PARK_LOOK, PARK_OK, call);
	assert_true(phone_hears(&t->c, "SIP/2.0 404").n);
	assert_true(shard_call_waits_in(r->shard, call, BYTES_LIT("07")));
}

static void restart(struct trio *t)
{
	trio_restart(t);
	put_codes(t->l.r);
	forward(t->l.r, &(struct shard_forward){ .always = "" });
}

/* Its next process asks again, wherever calls go by then; the group's next slot is known, too. */
static void killed(void **state)
{
	struct tenant_settings set = { .name = TENANT_DEFAULT_NAME,
				       .terms.park_groups = "sales=10-12" };
	struct trio *t = *state;
	struct rig *r = t->l.r;
	uint16_t number;

	assert_int_equal(tenants_put(r->shard->settings.tenants, &set, &number), 0);
	assert_int_equal(shard_park_groups_set(r->shard, TENANT_DEFAULT, "1002", "sales"), 0);
	forward(r, &(struct shard_forward){ .always = "#41" });
	call_b(t);
	assert_string_equal(last_asked(r, PARK_CLAIM)->slot, "10");
	restart(t);
	assert_string_equal(last_asked(r, PARK_CLAIM)->slot, "10");
	told(r, PARK_CLAIM, PARK_TAKEN, ANOTHERS);
	assert_string_equal(last_asked(r, PARK_CLAIM)->slot, "11");
	told(r, PARK_CLAIM, PARK_OK, call_at(r, 0));
	waits_in(t, "11");
	restart(t);
	told(r, PARK_CLAIM, PARK_OK, call_at(r, 0));
	assert_true(shard_call_waits_in(r->shard, call_at(r, 0), BYTES_LIT("11")));
	assert_true(line_last_spec(r, 0).alone);
}

/* The next process asks again, and says what became of it. */
static void given_and_killed(void **state)
{
	struct trio *t = *state;
	uint64_t call = given(t, "#4107");

	restart(t);
	assert_string_equal(last_asked(t->l.r, PARK_CLAIM)->slot, "07");
	told(t->l.r, PARK_CLAIM, PARK_OK, call);
	given_waits(t, call, "07");
	restart(t);
	told(t->l.r, PARK_CLAIM, PARK_OK, call);
	assert_true(shard_call_waits_in(t->l.r->shard, call, BYTES_LIT("07")));
	assert_true(line_last_spec(t->l.r, 0).alone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SLOT_TEST(waits_there),        SLOT_TEST(not_its_own),
		SLOT_TEST(silent_store),       SLOT_TEST(when_nobody_answers),
		SLOT_TEST(gives_up_meanwhile), SLOT_TEST(of_its_groups),
		SLOT_TEST(is_call_back),       SLOT_TEST(retrieved),
		SLOT_TEST(given_to_it),        SLOT_TEST(given_in_vain),
		SLOT_TEST(given_and_gone),     SLOT_TEST(given_and_it_hangs_up),
		SLOT_TEST(given_by_command),   SLOT_TEST(given_and_killed),
		SLOT_TEST(meanwhile),          SLOT_TEST(killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
