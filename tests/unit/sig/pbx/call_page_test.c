/* SPDX-License-Identifier: Apache-2.0 */
/* The Record key of an extension's page (FEATURES REC-07, MON-05, CONF-17): which call it is about, and what it does. */
#include "sig/call.pb-c.h"
#include "sig/feature/recording/control_page.h"
#include "sig/record/call_record.h"
#include "sig/shard/shard.h"
#include "sig/shard/shard_state.h"
#include "sig/shard/shared_tables.h"
#include "tests/unit/sig/meetme.h"

static void has_page(struct rig *r, const char *number, enum record_method method, bool on)
{
	struct shard_extension e = rig_extension(number, false);

	e.record = (uint8_t)method;
	e.record_page = on;
	assert_int_equal(shard_extension_put(r->shard, &e), 0);
}

static struct record_page page_asked(struct rig *r, const char *number, enum record_page_act act,
				     uint64_t call)
{
	const struct record_page_request ask = { .tenant = BYTES_LIT("default"),
						 .number = bytes_str(number),
						 .act = act,
						 .call = call };
	struct record_page page;

	shard_record_page(r->shard->shared_tables, &ask, r->now, &page);
	rig_run(r);
	rig_wait_ms(r, 50);
	return page;
}

static struct record_page shows(struct rig *r, const char *number)
{
	return page_asked(r, number, RECORD_PAGE_LOOK, 0);
}

/* The key is pressed on what the page shows. */
static enum record_page_state pressed(struct rig *r, const char *number, enum record_page_act act)
{
	return page_asked(r, number, act, shows(r, number).call).state;
}

static const struct rig_record *recorded_last(const struct rig *r)
{
	assert_true(r->record_count > 0);
	return &r->records[r->record_count - 1];
}

/* other: whom it speaks with, who is told. */
static void phone_says(struct phone *p, struct phone *other, const char *direction)
{
	struct bytes m;
	char sdp[256];

	p->cseq += 500;
	(void)snprintf(
		sdp, sizeof(sdp),
		"v=0\r\no=x 1 %u IN IP4 192.0.2.11\r\ns=-\r\nc=IN IP4 192.0.2.11\r\nt=0 0\r\n"
		"m=audio 5000 RTP/AVP 8\r\na=%s\r\n",
		p->cseq, direction);
	phone_request(p, "INVITE", "", sdp);
	m = rig_take(p->r, &other->addr, "INVITE ");
	if (m.n)
		phone_answer(other, m, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(p, "SIP/2.0 200").n);
	phone_ack(p);
	rig_wait_ms(p->r, 50);
}

/* ---- which documents ---- */

static void of_whom_it_is_for(void **state)
{
	static const struct {
		enum record_method method;
		bool on;
		enum record_page_state state;
	} rows[] = {
		{ RECORD_OFF, true, RECORD_PAGE_NOTHING },
		{ RECORD_AUTO, true, RECORD_PAGE_NOTHING },
		{ RECORD_ON_DEMAND, false, RECORD_PAGE_NOTHING },
		{ RECORD_ON_DEMAND, true, RECORD_PAGE_IDLE },
	};
	struct party *p = *state;
	struct rig *r = p->t.l.r;
	uint64_t call;

	phones_talk(&p->t.l.a, &p->t.l.b);
	call = call_of_user(r, "1001", "1002");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		has_page(r, "1001", rows[i].method, rows[i].on);
		assert_int_equal(shows(r, "1001").state, rows[i].state);
		if (rows[i].state == RECORD_PAGE_NOTHING)
			assert_int_equal(page_asked(r, "1001", RECORD_PAGE_ON, call).state,
					 RECORD_PAGE_NOTHING);
	}
	assert_int_equal(r->record_count, 0);
	assert_int_equal(shows(r, "1999").state, RECORD_PAGE_NOTHING);
	assert_int_equal(shows(r, "1002").state, RECORD_PAGE_NOTHING);
}

/* ADM-90 */
static void not_entitled(void **state)
{
	struct party *p = *state;
	struct shard_extension e = rig_extension("1001", false);

	e.record = RECORD_ON_DEMAND;
	e.record_page = true;
	e.withheld = 1u << ENTITLED_RECORD_KEY;
	assert_int_equal(shard_extension_put(p->t.l.r->shard, &e), 0);
	phones_talk(&p->t.l.a, &p->t.l.b);
	assert_int_equal(shows(p->t.l.r, "1001").state, RECORD_PAGE_NOTHING);
}

static void another_tenant(void **state)
{
	const struct record_page_request ask = { .tenant = BYTES_LIT("acme"),
						 .number = BYTES_LIT("1001") };
	struct party *p = *state;
	struct rig *r = p->t.l.r;
	struct record_page page;

	has_page(r, "1001", RECORD_ON_DEMAND, true);
	phones_talk(&p->t.l.a, &p->t.l.b);
	shard_record_page(r->shard->shared_tables, &ask, r->now, &page);
	assert_int_equal(page.state, RECORD_PAGE_NOTHING);
}

/* ---- the key ---- */

static void from_start_to_end(void **state)
{
	struct party *p = *state;
	struct rig *r = p->t.l.r;
	struct call_view view;

	has_page(r, "1002", RECORD_ON_DEMAND, true);
	assert_int_equal(shows(r, "1002").state, RECORD_PAGE_NOTHING);
	phone_invite(&p->t.l.a, "1002", PHONE_SDP_A);
	assert_true(phone_rings(&p->t.l.b).n);
	assert_int_equal(shows(r, "1002").state, RECORD_PAGE_NOTHING); /* it rings */
	phone_answer(&p->t.l.b, p->t.l.b.invite, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&p->t.l.a, "SIP/2.0 200").n);
	phone_ack(&p->t.l.a);
	assert_int_equal(shows(r, "1002").state, RECORD_PAGE_IDLE);
	assert_int_equal(shows(r, "1002").place, RECORD_PAGE_CALL);
	assert_int_equal(pressed(r, "1002", RECORD_PAGE_PAUSE), RECORD_PAGE_IDLE);
	assert_int_equal(pressed(r, "1002", RECORD_PAGE_ON), RECORD_PAGE_RECORDS);
	assert_int_equal(pressed(r, "1002", RECORD_PAGE_ON), RECORD_PAGE_RECORDS);
	assert_int_equal(r->record_count, 1);
	assert_int_equal(recorded_last(r)->record.act, RECORD_START);
	assert_non_null(strstr(recorded_last(r)->facts, "\"user\":\"1002\""));
	assert_non_null(strstr(recorded_last(r)->facts, "\"cause\":\"page\""));
	assert_string_equal(event_str(last_event(r, SIG_CALL_RECORDING), EV_REASON), "page");
	assert_true(shard_call_view(r->shard, call_of_user(r, "1001", "1002"), &view));
	assert_string_equal(view.recordings[0].cause, "page");
	assert_int_equal(view.recordings[0].leg, 1);
	assert_int_equal(pressed(r, "1002", RECORD_PAGE_PAUSE), RECORD_PAGE_PAUSED);
	assert_int_equal(recorded_last(r)->record.act, RECORD_PAUSE);
	assert_int_equal(pressed(r, "1002", RECORD_PAGE_RESUME), RECORD_PAGE_RECORDS);
	assert_int_equal(pressed(r, "1002", RECORD_PAGE_OFF), RECORD_PAGE_IDLE);
	assert_int_equal(recorded_last(r)->record.act, RECORD_END);
	assert_string_equal(event_str(last_event(r, SIG_CALL_RECORDING_ENDED), EV_REASON), "page");
	assert_int_equal(r->record_count, 4);
	phone_request(&p->t.l.a, "BYE", "", "");
	trio_assert_left(&p->t.l.b);
	rig_wait_ms(r, 50);
	assert_int_equal(shows(r, "1002").state, RECORD_PAGE_NOTHING);
	assert_int_equal(r->cdrs[0].recordings, 2);
}

/* What the page showed may be over, or somebody else's. */
static void about_what_was_shown(void **state)
{
	struct party *p = *state;
	struct rig *r = p->t.l.r;
	uint64_t first, second;

	has_page(r, "1001", RECORD_ON_DEMAND, true);
	party_calls(p, &first, &second);
	(void)page_asked(r, "1001", RECORD_PAGE_ON, first + 0x1000);
	assert_int_equal(r->record_count, 0);
	has_page(r, "1002", RECORD_ON_DEMAND, true);
	(void)page_asked(r, "1002", RECORD_PAGE_ON, second); /* it is none of 1002's */
	assert_int_equal(r->record_count, 0);
	(void)page_asked(r, "1001", RECORD_PAGE_ON, first);
	assert_int_equal(recorded_last(r)->call, first);
}

/* Of two calls the one that is not held, and of two of those the newer one. */
static void the_one_that_speaks(void **state)
{
	struct party *p = *state;
	struct rig *r = p->t.l.r;
	uint64_t first, second;

	has_page(r, "1001", RECORD_ON_DEMAND, true);
	party_calls(p, &first, &second);
	rig_wait_ms(r, 10);
	assert_int_equal(shows(r, "1001").call, second);
	phone_says(&p->a2, &p->t.c, "sendonly");
	assert_int_equal(shows(r, "1001").call, first);
	assert_int_equal(page_asked(r, "1001", RECORD_PAGE_ON, second).call, first);
	assert_int_equal(r->record_count, 0);
	phone_says(&p->t.l.a, &p->t.l.b, "sendonly");
	assert_int_equal(shows(r, "1001").state, RECORD_PAGE_NOTHING);
	phone_says(&p->a2, &p->t.c, "sendrecv");
	assert_int_equal(shows(r, "1001").call, second);
}

/* What a policy records is not ended by the key, once the document says otherwise. */
static void of_a_policy(void **state)
{
	struct party *p = *state;
	struct rig *r = p->t.l.r;

	has_page(r, "1001", RECORD_AUTO, true);
	phones_talk(&p->t.l.a, &p->t.l.b);
	has_page(r, "1001", RECORD_ON_DEMAND, true);
	assert_true(shows(r, "1001").lasts);
	assert_int_equal(pressed(r, "1001", RECORD_PAGE_OFF), RECORD_PAGE_RECORDS);
	assert_int_equal(pressed(r, "1001", RECORD_PAGE_PAUSE), RECORD_PAGE_PAUSED);
}

static uint32_t page_format_of(struct line *l)
{
	struct bytes record = line_stored(l);
	Tandem__Call__Call *c = tandem__call__call__unpack(NULL, record.n, record.p);
	uint32_t format = c ? c->format : 0;

	assert_non_null(c);
	tandem__call__call__free_unpacked(c, NULL);
	return format;
}

/* Older programs leave such a call alone; whoever goes on with it knows by what it is recorded. */
static void over_a_kill(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;

	has_page(r, "1001", RECORD_ON_DEMAND, true);
	phones_talk(&t->l.a, &t->l.b);
	assert_int_equal(pressed(r, "1001", RECORD_PAGE_ON), RECORD_PAGE_RECORDS);
	assert_int_equal(pressed(r, "1001", RECORD_PAGE_PAUSE), RECORD_PAGE_PAUSED);
	rig_wait_ms(r, 500);
	assert_int_equal(page_format_of(&t->l), CALL_RECORD_PAGES);
	trio_restart(t);
	has_page(r, "1001", RECORD_ON_DEMAND, true);
	assert_int_equal(shows(r, "1001").state, RECORD_PAGE_PAUSED);
	assert_int_equal(pressed(r, "1001", RECORD_PAGE_OFF), RECORD_PAGE_IDLE);
	assert_string_equal(event_str(last_event(r, SIG_CALL_RECORDING_ENDED), EV_REASON), "page");
}

/* ---- conferences ---- */

/* Whoever is in it may, by its own document; all pages show the one recording of the mix. */
static void the_mix(void **state)
{
	struct party *p = *state;
	struct rig *r = p->t.l.r;

	has_page(r, "1002", RECORD_ON_DEMAND, true);
	has_page(r, "1004", RECORD_ON_DEMAND, true);
	party_confers(p);
	assert_int_equal(shows(r, "1002").place, RECORD_PAGE_CONFERENCE);
	assert_int_equal(shows(r, "1001").state, RECORD_PAGE_NOTHING);
	assert_int_equal(pressed(r, "1002", RECORD_PAGE_ON), RECORD_PAGE_RECORDS);
	assert_int_equal(recorded_last(r)->call, ROOM);
	assert_true(recorded_last(r)->record.mix);
	assert_non_null(strstr(recorded_last(r)->facts, "\"cause\":\"page\""));
	assert_string_equal(event_str(last_event(r, SIG_CONFERENCE_RECORDING), EV_REASON), "page");
	assert_int_equal(shows(r, "1004").state, RECORD_PAGE_RECORDS);
	assert_int_equal(pressed(r, "1004", RECORD_PAGE_PAUSE), RECORD_PAGE_PAUSED);
	party_restart(p, true, true);
	has_page(r, "1002", RECORD_ON_DEMAND, true);
	assert_int_equal(shows(r, "1002").state, RECORD_PAGE_PAUSED);
	assert_int_equal(pressed(r, "1002", RECORD_PAGE_OFF), RECORD_PAGE_IDLE);
	assert_int_equal(recorded_last(r)->record.act, RECORD_END);
	assert_string_equal(event_str(last_event(r, SIG_CONFERENCE_RECORDING_ENDED), EV_REASON),
			    "page");
}

/* A member that holds hears no conference. */
static void a_member_holds(void **state)
{
	struct party *p = *state;
	struct rig *r = p->t.l.r;
	struct members all;
	uint64_t b;

	has_page(r, "1002", RECORD_ON_DEMAND, true);
	party_confers(p);
	all = members_of(r, ROOM);
	b = member_from(&all, "1002")->call;
	assert_int_equal(order_one(r, b, MEMBER_HOLD, true, 0, 0), 0);
	assert_int_equal(shows(r, "1002").state, RECORD_PAGE_NOTHING);
	assert_int_equal(order_one(r, b, MEMBER_HOLD, false, 0, 0), 0);
	assert_int_equal(shows(r, "1002").state, RECORD_PAGE_IDLE);
}

/* What was recorded before goes on, and the key is about that until it ends. */
static void recorded_before(void **state)
{
	struct party *p = *state;
	struct rig *r = p->t.l.r;
	uint64_t first, second;

	has_page(r, "1001", RECORD_ON_DEMAND, true);
	party_calls(p, &first, &second);
	(void)page_asked(r, "1001", RECORD_PAGE_ON, first);
	assert_int_equal(confer(p, first, second), 0);
	trio_assert_left(&p->a2);
	assert_int_equal(shows(r, "1001").state, RECORD_PAGE_RECORDS);
	assert_int_equal(conference_of(r, ROOM).recording, 0);
	assert_int_equal(pressed(r, "1001", RECORD_PAGE_OFF), RECORD_PAGE_IDLE);
	assert_int_equal(pressed(r, "1001", RECORD_PAGE_ON), RECORD_PAGE_RECORDS);
	assert_int_equal(conference_of(r, ROOM).recording, 1);
}

/* MON-05 */
static void a_listener(void **state)
{
	for (int coaches = 0; coaches <= 1; coaches++) {
		struct party *p = *state;
		struct rig *r = p->t.l.r;
		struct shard_conference_request o = { .room = ROOM + 16u * (unsigned)coaches,
						      .rung = RUNG + 16u * (unsigned)coaches,
						      .to = "1003",
						      .leg = SHARD_LEG_CALLEE,
						      .monitors = coaches ? MONITORS_COACHES
									  : MONITORS_LISTENS };

		has_page(r, "1003", RECORD_ON_DEMAND, true);
		phones_talk(&p->t.l.a, &p->t.l.b);
		o.call = call_of_user(r, "1001", "1002");
		assert_int_equal(shard_conference_ring(r->shard, &o, r->now), 0);
		rig_run(r);
		rig_wait_ms(r, 50);
		(void)phone_rings(&p->d);
		assert_int_equal(shows(r, "1003").state, RECORD_PAGE_NOTHING);
		phone_answer(&p->d, p->d.invite, "200 OK", PHONE_SDP_B);
		rig_wait_ms(r, 200);
		assert_int_equal(shows(r, "1003").state, RECORD_PAGE_IDLE);
		assert_int_equal(shows(r, "1003").place, RECORD_PAGE_MONITOR);
		assert_int_equal(pressed(r, "1003", RECORD_PAGE_ON), RECORD_PAGE_RECORDS);
		assert_int_equal(recorded_last(r)->call, o.room);
		assert_true(recorded_last(r)->record.mix);
		assert_int_equal(shows(r, "1001").state, RECORD_PAGE_NOTHING);
		hangs_up(&p->t.l.a);
		trio_assert_left(&p->d);
		trio_assert_left(&p->t.l.b);
		assert_int_equal(recorded_last(r)->record.act, RECORD_END);
		line_assert_idle(r);
	}
}

/* ---- rooms ---- */

static const struct {
	enum room_record record;
	bool mix, lasts;
} g_rooms[] = {
	{ ROOM_RECORD_OFF, false, false },
	{ ROOM_RECORD_ON_DEMAND, true, false },
	{ ROOM_RECORD_AUTO, true, true },
};

/* Where its document lets nobody record a room the key is about the party alone, as call.record is. */
static void of_rooms(void **state)
{
	for (size_t i = 0; i < COUNT_OF(g_rooms); i++) {
		struct meetme *m = *state;
		struct rig *r = m->p.t.l.r;
		struct room_terms t = board("", "");
		uint64_t call, room;

		t.record = (uint8_t)g_rooms[i].record;
		put(m, &t);
		has_page(r, "1001", RECORD_ON_DEMAND, true);
		calls(&m->p.t.l.a);
		calls(&m->p.t.l.b);
		room = the_room(m);
		call = call_from(m, "1001");
		assert_int_equal(shows(r, "1001").call, call);
		assert_int_equal(pressed(r, "1001", RECORD_PAGE_ON), RECORD_PAGE_RECORDS);
		assert_int_equal(recorded_last(r)->call, g_rooms[i].mix ? room : call);
		assert_int_equal(shows(r, "1001").lasts, g_rooms[i].lasts);
		assert_int_equal(pressed(r, "1001", RECORD_PAGE_OFF),
				 g_rooms[i].lasts ? RECORD_PAGE_RECORDS : RECORD_PAGE_IDLE);
		hangs_up(&m->p.t.l.b);
		hangs_up(&m->p.t.l.a);
		line_assert_idle(r);
	}
}

/* Who says its PIN is not in it, and its keys are in no file. */
static void a_pin_is_said(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	struct room_terms t = board("4711", "");

	put(m, &t);
	has_page(r, "1001", RECORD_ON_DEMAND, true);
	calls(&m->p.t.l.a);
	assert_int_equal(shows(r, "1001").state, RECORD_PAGE_NOTHING);
	keys(m, call_from(m, "1001"), "4711#");
	assert_int_equal(shows(r, "1001").state, RECORD_PAGE_IDLE);
}

#define MEETME_TEST(fn) cmocka_unit_test_setup_teardown(fn, meetme_setup, meetme_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PARTY_TEST(of_whom_it_is_for),
		PARTY_TEST(another_tenant),
		PARTY_TEST(not_entitled),
		PARTY_TEST(from_start_to_end),
		PARTY_TEST(about_what_was_shown),
		PARTY_TEST(the_one_that_speaks),
		PARTY_TEST(of_a_policy),
		TRIO_TEST(over_a_kill),
		PARTY_TEST(the_mix),
		PARTY_TEST(a_member_holds),
		PARTY_TEST(recorded_before),
		PARTY_TEST(a_listener),
		MEETME_TEST(of_rooms),
		MEETME_TEST(a_pin_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
