/* SPDX-License-Identifier: Apache-2.0 */
/* Phones park by REFER to a feature code, and call it to speak with who waits there (PARK-06). */
#include "sig/call/prompts.h"
#include "sig/shard/shard_state.h"
#include "tests/unit/sig/far.h"
#include "tests/unit/sig/joins.h"

#define HOLDS_A                                                                       \
	"v=0\r\no=a 1 2 IN IP4 192.0.2.11\r\ns=-\r\nc=IN IP4 192.0.2.11\r\nt=0 0\r\n" \
	"m=audio 4000 RTP/AVP 8\r\na=recvonly\r\n"
#define HOLDS_B                                                                       \
	"v=0\r\no=b 1 2 IN IP4 192.0.2.12\r\ns=-\r\nc=IN IP4 192.0.2.12\r\nt=0 0\r\n" \
	"m=audio 5000 RTP/AVP 8\r\na=sendonly\r\n"

static void put_codes(struct rig *r)
{
	static const struct feature_codes codes = { .code[FEATURE_PARK] = "#41" };

	r->settings.codes = codes;
	shard_configure(r->shard, &r->settings);
}

static int park_setup(void **state)
{
	(void)far_setup(state);
	put_codes(((struct far *)*state)->near.l.r);
	put_codes(((struct far *)*state)->other);
	return 0;
}

#define PARK_TEST(fn) cmocka_unit_test_setup_teardown(fn, park_setup, far_teardown)

static const struct rig_park *last_asked(const struct rig *r, enum park_act act)
{
	const struct rig_park *last = &r->parks[(r->park_count - 1) % RIG_LOOKUPS_MAX];

	assert_true(r->park_count > 0);
	assert_int_equal(last->act, act);
	return last;
}

static void told(struct far *f, struct rig *r, enum park_act act, enum park_result told,
		 uint64_t owner)
{
	const struct rig_park *asked = last_asked(r, act);

	rig_reply(r, (struct reply){
			     .ask = ASK_PARK,
			     .of = asked->call,
			     .park = { .serial = asked->serial, .told = told, .owner = owner } });
	rig_run(r);
	far_run(f);
}

/* B gives A there. */
static void refer_there(struct far *f)
{
	refer(&f->near.l.b, "sip:%234107@test.local");
	assert_true(phone_hears(&f->near.l.b, "SIP/2.0 202").n);
}

/* A waits in slot 07. Its call. */
static uint64_t parked(struct far *f)
{
	struct rig *r = f->near.l.r;

	phones_talk(&f->near.l.a, &f->near.l.b);
	refer_there(f);
	told(f, r, PARK_CLAIM, PARK_OK, call_at(r, 0));
	assert_notified(&f->near.l.b, "SIP/2.0 200 OK\r\n", "terminated;reason=noresource");
	trio_assert_left(&f->near.l.b);
	return call_at(r, 0);
}

static void dial(struct far *f, struct phone *p, const char *sdp)
{
	phone_invite(p, "%234107", sdp);
	rig_run(p->r);
	far_run(f);
}

/* Somebody of the first shard: B once more, by a dialog of its own. */
static void picker(struct far *f, struct phone *p)
{
	static uint32_t calls;

	phone_open(p, f->near.l.r, "1002", "192.0.2.12:5060");
	(void)snprintf(p->tag, sizeof(p->tag), "picker");
	p->branches = calls += 100; /* its Call-ID follows from that */
}

static void parks(void **state)
{
	struct far *f = *state;
	uint64_t call = parked(f);

	assert_string_equal(f->near.l.r->parks[0].slot, "07");
	assert_memory_equal(f->near.l.r->parks[0].entry, "1002 1001; ", 11);
	assert_true(shard_call_waits_in(f->near.l.r->shard, call, BYTES_LIT("07")));
	assert_true(line_last_spec(f->near.l.r, 0).alone);
	assert_string_equal(event_str(last_event(f->near.l.r, SIG_CALL_PARKED), EV_SLOT), "07");
}

static void parks_nowhere(void **state)
{
	struct far *f = *state;

	phones_talk(&f->near.l.a, &f->near.l.b);
	refer_there(f);
	told(f, f->near.l.r, PARK_CLAIM, PARK_TAKEN, UINT64_C(0x9990000000001));
	assert_notified(&f->near.l.b, "SIP/2.0 486 Busy Here\r\n", "terminated");
	assert_int_equal(rig_count(f->near.l.r, &f->near.l.b.addr, "BYE "), 0);
	refer(&f->near.l.b, "sip:%23410@test.local"); /* one digit is no slot */
	assert_true(phone_hears(&f->near.l.b, "SIP/2.0 202").n);
	assert_notified(&f->near.l.b, "SIP/2.0 404 Not Found\r\n", "terminated");
	assert_int_equal(f->near.l.r->park_count, 1);
}

static void picks_up(void **state)
{
	struct far *f = *state;
	struct rig *r = f->near.l.r;
	struct phone p, late;
	uint64_t call = parked(f);

	picker(f, &p);
	dial(f, &p, PHONE_SDP_B);
	told(f, r, PARK_LOOK, PARK_OK, call);
	assert_true(phone_hears(&p, "SIP/2.0 200").n);
	picker(f, &late);
	dial(f, &late, PHONE_SDP_B);
	told(f, r, PARK_LOOK, PARK_OK, call);
	assert_true(phone_hears(&late, "SIP/2.0 404").n);
	phone_ack(&p);
	far_wait_ms(f, 100);
	assert_string_equal(event_str(last_event(r, SIG_CALL_RETRIEVED), EV_SLOT), "07");
	assert_true(last_asked(r, PARK_FREE)->call == call);
	assert_false(shard_call_waits_in(r->shard, call, BYTES_LIT("07")));
	assert_false(line_last_spec(r, 0).alone);
}

static void nobody_there(void **state)
{
	static const struct {
		const char *name;
		enum park_result told;
		const char *answer, *text;
	} rows[] = {
		{ "empty", PARK_EMPTY, "SIP/2.0 404", "no call is parked there" },
		{ "not known", PARK_UNKNOWN, "SIP/2.0 503", "it is not known" },
		{ "of no shard of the node", PARK_OK, "SIP/2.0 480", "on another node" },
	}, *row;
	struct far *f = *state;
	struct phone p;
	struct bytes m;

	picker(f, &p);
	EACH_ROW(row, rows)
	{
		dial(f, &p, PHONE_SDP_B);
		told(f, f->near.l.r, PARK_LOOK, row->told,
		     row->told == PARK_OK ? UINT64_C(0x9990000000001) : 0);
		m = phone_hears(&p, row->answer);
		ROW_ASSERT(row->name, m.n);
		ROW_ASSERT(row->name, rig_has(m, row->text));
		far_wait_ms(f, 6000);
		picker(f, &p);
	}
	dial(f, &p, PHONE_SDP_B);
	far_wait_ms(f, 5100);
	assert_true(phone_hears(&p, "SIP/2.0 503").n); /* nobody has said */
}

/* What a call left there that is no more is freed by who looks. */
static void left_there(void **state)
{
	struct far *f = *state;
	uint64_t call = parked(f);
	struct phone p;

	phone_request(&f->near.l.a, "BYE", "", "");
	far_wait_ms(f, 6000);
	picker(f, &p);
	dial(f, &p, PHONE_SDP_B);
	told(f, f->near.l.r, PARK_LOOK, PARK_OK, call);
	assert_true(phone_hears(&p, "SIP/2.0 404").n);
	assert_true(last_asked(f->near.l.r, PARK_FREE)->call == call);
}

static void other_shard(void **state)
{
	struct far *f = *state;
	uint64_t call = parked(f);

	dial(f, &f->near.c, SDP_C);
	told(f, f->other, PARK_LOOK, PARK_OK, call);
	assert_true(phone_hears(&f->near.c, "SIP/2.0 200").n);
	assert_string_equal(event_str(last_event(f->near.l.r, SIG_CALL_NEW), EV_TO),
			    "1001"); /* who waits */
	phone_ack(&f->near.c);
	far_run(f);
	far_wait_ms(f, 100);
	assert_string_equal(event_str(last_event(f->near.l.r, SIG_CALL_RETRIEVED), EV_SLOT), "07");
	assert_true(last_asked(f->near.l.r, PARK_FREE)->call == call);
	assert_false(line_last_spec(f->near.l.r, 0).alone);
	phone_request(&f->near.c, "BYE", "", "");
	far_run(f);
	assert_true(phone_hears(&f->near.c, "SIP/2.0 200").n);
	far_wait_ms(f, 100);
	assert_true(rig_take(f->near.l.r, &f->near.l.a.addr, "BYE ").n);
}

static void other_shard_is_late(void **state)
{
	struct far *f = *state;
	uint64_t call = parked(f);

	phone_request(&f->near.l.a, "BYE", "", "");
	far_wait_ms(f, 6000);
	dial(f, &f->near.c, SDP_C);
	told(f, f->other, PARK_LOOK, PARK_OK, call);
	assert_true(phone_hears(&f->near.c, "SIP/2.0 404").n);
	assert_true(last_asked(f->near.l.r, PARK_FREE)->call == call);
}

/* The next process looks once more. */
static void killed_while_it_looks(void **state)
{
	struct far *f = *state;
	uint64_t serial, call = parked(f);

	dial(f, &f->near.c, SDP_C);
	serial = last_asked(f->other, PARK_LOOK)->serial;
	far_restart(f);
	put_codes(f->other);
	assert_true(last_asked(f->other, PARK_LOOK)->serial != serial);
	told(f, f->other, PARK_LOOK, PARK_OK, call);
	assert_true(phone_hears(&f->near.c, "SIP/2.0 200").n);
}

/* ---- while it comes back ---- */

/* B, who left A there, is rung for it. */
static struct bytes is_call_back(struct far *f, uint64_t *call)
{
	struct rig *r = f->near.l.r;
	struct bytes invite;

	r->settings.calls.park_return_ns = 120 * NS_PER_S;
	shard_configure(r->shard, &r->settings);
	*call = parked(f);
	far_wait_ms(f, 120100);
	invite = rig_take(r, &f->near.l.b.addr, "INVITE ");
	assert_true(invite.n);
	phone_answer(&f->near.l.b, invite, "180 Ringing", "");
	far_run(f);
	return invite;
}

/* Its phone shows no missed call (RFC 3326). */
static void stops_ringing(struct far *f, struct bytes invite)
{
	struct phone *b = &f->near.l.b;
	struct bytes m = rig_take(f->near.l.r, &b->addr, "CANCEL ");

	assert_true(m.n);
	assert_true(rig_has(m, "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n"));
	phone_answer(b, m, "200 OK", "");
	phone_answer(b, invite, "487 Request Terminated", "");
	far_run(f);
}

static void has_it(struct far *f, struct phone *p, uint64_t call)
{
	struct rig *r = f->near.l.r;

	phone_ack(p);
	far_run(f);
	far_wait_ms(f, 200);
	assert_string_equal(event_str(last_event(r, SIG_CALL_RETRIEVED), EV_SLOT), "07");
	assert_true(last_asked(r, PARK_FREE)->call == call);
	assert_false(line_last_spec(r, 0).alone);
	assert_int_equal(rig_count(r, &f->near.l.a.addr, "BYE "), 0);
}

static void retrieved_while_it_comes_back(void **state)
{
	struct far *f = *state;
	struct phone p;
	uint64_t call;
	struct bytes invite = is_call_back(f, &call);

	picker(f, &p);
	dial(f, &p, PHONE_SDP_B);
	assert_int_equal(rig_count(f->near.l.r, &f->near.l.b.addr, "CANCEL "), 0);
	told(f, f->near.l.r, PARK_LOOK, PARK_OK, call);
	assert_true(phone_hears(&p, "SIP/2.0 200").n);
	stops_ringing(f, invite);
	has_it(f, &p, call);
	far_wait_ms(f, 240000);
	assert_int_equal(rig_count(f->near.l.r, &f->near.l.b.addr, "CANCEL "), 1);
}

static void retrieved_from_there_while_it_comes_back(void **state)
{
	struct far *f = *state;
	uint64_t call;
	struct bytes invite = is_call_back(f, &call);

	dial(f, &f->near.c, SDP_C);
	told(f, f->other, PARK_LOOK, PARK_OK, call);
	assert_true(phone_hears(&f->near.c, "SIP/2.0 200").n);
	stops_ringing(f, invite);
	has_it(f, &f->near.c, call);
}

/* Who was rung had answered already. */
static void the_one_who_was_rung_is_faster(void **state)
{
	struct far *f = *state;
	struct rig_park asked;
	struct phone p;
	uint64_t call;
	struct bytes invite = is_call_back(f, &call);

	picker(f, &p);
	dial(f, &p, PHONE_SDP_B);
	asked = *last_asked(f->near.l.r, PARK_LOOK);
	phone_answer(&f->near.l.b, invite, "200 OK", PHONE_SDP_B);
	rig_run(f->near.l.r);
	rig_reply(f->near.l.r,
		  (struct reply){
			  .ask = ASK_PARK,
			  .of = asked.call,
			  .park = { .serial = asked.serial, .told = PARK_OK, .owner = call } });
	rig_run(f->near.l.r);
	assert_true(phone_hears(&p, "SIP/2.0 404").n);
	far_wait_ms(f, 200);
	assert_string_equal(event_str(last_event(f->near.l.r, SIG_CALL_RETRIEVED), EV_SLOT), "07");
	assert_false(line_last_spec(f->near.l.r, 0).alone);
	assert_int_equal(rig_count(f->near.l.r, &f->near.l.b.addr, "BYE "), 1) /* when it parked */;
}

/* Its answer crosses our CANCEL (RFC 3261 9.1): it is left, and nobody is lost. */
static void answers_cross(void **state)
{
	struct far *f = *state;
	struct rig *r = f->near.l.r;
	struct phone p;
	uint64_t call;
	struct bytes invite = is_call_back(f, &call);

	picker(f, &p);
	dial(f, &p, PHONE_SDP_B);
	told(f, r, PARK_LOOK, PARK_OK, call);
	assert_true(phone_hears(&p, "SIP/2.0 200").n);
	phone_answer(&f->near.l.b, invite, "200 OK", PHONE_SDP_B);
	far_run(f);
	trio_assert_left(&f->near.l.b);
	has_it(f, &p, call);
}

/* Nobody of two who come is lost: the later one hears that nobody waits there. */
static void two_come_while_it_comes_back(void **state)
{
	struct far *f = *state;
	struct phone p, late;
	uint64_t call;
	struct bytes invite = is_call_back(f, &call);

	picker(f, &p);
	dial(f, &p, PHONE_SDP_B);
	told(f, f->near.l.r, PARK_LOOK, PARK_OK, call);
	picker(f, &late);
	dial(f, &late, PHONE_SDP_B);
	told(f, f->near.l.r, PARK_LOOK, PARK_OK, call);
	assert_true(phone_hears(&late, "SIP/2.0 404").n);
	assert_true(phone_hears(&p, "SIP/2.0 200").n);
	stops_ringing(f, invite);
	has_it(f, &p, call);
}

/* ---- groups ---- */

#define ANOTHERS UINT64_C(0x9990000000001)

static void put_groups(struct rig *r, bool confirm)
{
	struct tenant_settings set = { .name = TENANT_DEFAULT_NAME,
				       .terms.park_groups = "sales=10-12,support=20-21",
				       .terms.park_confirm = confirm };
	uint16_t number;

	assert_int_equal(tenants_put(r->shard->settings.tenants, &set, &number), 0);
	assert_int_equal(shard_park_groups_set(r->shard, TENANT_DEFAULT, "1002", "none,sales"), 0);
}

static void is_refused(struct far *f, const char *number, const char *status, const char *why)
{
	struct phone p;
	struct bytes m;

	picker(f, &p);
	phone_invite(&p, number, PHONE_SDP_B);
	rig_run(p.r);
	m = phone_hears(&p, status);
	assert_true(m.n);
	assert_true(rig_has(m, why));
}

/* PARK-01: by REFER, by a call. */
static void uses_its_groups(void **state)
{
	static const char *const others[] = { "sip:%234120@test.local", "sip:%234130@test.local" };
	struct far *f = *state;
	struct rig *r = f->near.l.r;

	put_groups(r, false);
	phones_talk(&f->near.l.a, &f->near.l.b);
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		refer(&f->near.l.b, others[i]);
		assert_true(phone_hears(&f->near.l.b, "SIP/2.0 202").n);
		assert_notified(&f->near.l.b, "SIP/2.0 404 Not Found\r\n", "terminated");
	}
	assert_int_equal(r->park_count, 0);
	is_refused(f, "%234120", "SIP/2.0 403", "a group that the extension is not in");
	is_refused(f, "%234130", "SIP/2.0 404", "there is no such slot");
	refer(&f->near.l.b, "sip:%234111@test.local");
	assert_true(phone_hears(&f->near.l.b, "SIP/2.0 202").n);
	assert_string_equal(last_asked(r, PARK_CLAIM)->slot, "11");
}

static void refer_anywhere(struct far *f)
{
	phones_talk(&f->near.l.a, &f->near.l.b);
	refer(&f->near.l.b, "sip:%2341@test.local");
	assert_true(phone_hears(&f->near.l.b, "SIP/2.0 202").n);
}

/* PARK-02: the first free one of its group, which it is told. */
static void the_first_free_one(void **state)
{
	struct far *f = *state;
	struct rig *r = f->near.l.r;
	struct bytes m;

	put_groups(r, true);
	refer_anywhere(f);
	assert_string_equal(last_asked(r, PARK_CLAIM)->slot, "10");
	told(f, r, PARK_CLAIM, PARK_TAKEN, ANOTHERS);
	assert_string_equal(last_asked(r, PARK_CLAIM)->slot, "11");
	assert_int_equal(rig_count(r, &f->near.l.b.addr, "MESSAGE "), 0);
	told(f, r, PARK_CLAIM, PARK_OK, call_at(r, 0));
	m = rig_take(r, &f->near.l.b.addr, "MESSAGE ");
	assert_true(rig_has(m, "\r\n\r\n1001 waits in slot 11"));
	assert_true(rig_has(m, "Content-Type: text/plain\r\n"));
	phone_answer(&f->near.l.b, m, "200 OK", "");
	assert_notified(&f->near.l.b, "SIP/2.0 200 OK\r\n", "terminated;reason=noresource");
	trio_assert_left(&f->near.l.b);
	assert_true(shard_call_waits_in(r->shard, call_at(r, 0), BYTES_LIT("11")));
	assert_string_equal(event_str(last_event(r, SIG_CALL_PARKED), EV_SLOT), "11");
}

/* ---- it is said, too ---- */

static void play_told(struct rig *r, enum prompt_reply_kind kind)
{
	const struct prompt_reply new_state = { .kind = kind,
						.serial = r->play,
						.job = { .slot = 600, .generation = 7 },
						.codec = r->play_codec };

	rig_reply(r, (struct reply){ .ask = ASK_PLAY, .of = call_at(r, 0), .play = new_state });
	rig_run(r);
}

static void put_spoken(struct rig *r)
{
	struct tenant_settings set = { .name = TENANT_DEFAULT_NAME,
				       .terms.park_groups = "sales=10-12",
				       .terms.park_spoken = true };
	uint16_t number;

	assert_int_equal(tenants_put(r->shard->settings.tenants, &set, &number), 0);
	assert_int_equal(shard_park_groups_set(r->shard, TENANT_DEFAULT, "1002", "sales"), 0);
}

static bool waits_in_ten(struct rig *r)
{
	return shard_call_waits_in(r->shard, call_at(r, 0), BYTES_LIT("10"));
}

static void is_left(struct far *f)
{
	assert_notified(&f->near.l.b, "SIP/2.0 200 OK\r\n", "terminated;reason=noresource");
	trio_assert_left(&f->near.l.b);
}

/* The slot is 1002's; nothing of it is said yet. */
static struct rig *is_being_said(struct far *f)
{
	struct rig *r = f->near.l.r;

	put_spoken(r);
	refer_anywhere(f);
	assert_int_equal(r->play_count, 0);
	told(f, r, PARK_CLAIM, PARK_OK, call_at(r, 0));
	assert_string_equal(r->played, "prompt:parked");
	play_told(r, PROMPT_REPLY_OPEN);
	assert_int_equal(line_last_spec(r, 1).source.job.slot, 600);
	assert_int_equal(line_last_spec(r, 0).receive, 0);
	assert_int_equal(rig_count(r, &f->near.l.b.addr, "BYE "), 0);
	return r;
}

/* PARK-02, BEAT-12: whoever parks hears the slot, and is left then. */
static void the_slot_is_said(void **state)
{
	struct far *f = *state;
	struct rig *r = is_being_said(f);

	play_told(r, PROMPT_REPLY_ENDED);
	assert_string_equal(r->played, "digits:10");
	play_told(r, PROMPT_REPLY_OPEN);
	assert_int_equal(rig_count(r, &f->near.l.b.addr, "BYE "), 0);
	play_told(r, PROMPT_REPLY_ENDED);
	assert_notified(&f->near.l.b, "SIP/2.0 200 OK\r\n", "terminated;reason=noresource");
	trio_assert_left(&f->near.l.b);
	assert_true(waits_in_ten(r));
	for (uint32_t i = 0; i < r->event_count; i++)
		assert_int_not_equal(r->events[i].kind, SIG_CALL_PLAYED);
}

/* There is no such prompt: the party is parked all the same. */
static void it_cannot_be_said(void **state)
{
	struct far *f = *state;
	struct rig *r = is_being_said(f);

	play_told(r, PROMPT_REPLY_FAILED);
	assert_notified(&f->near.l.b, "SIP/2.0 200 OK\r\n", "terminated;reason=noresource");
	trio_assert_left(&f->near.l.b);
	assert_true(waits_in_ten(r));
}

/* It need not hear it to the end. */
static void hangs_up_while_it_is_said(void **state)
{
	struct far *f = *state;
	struct rig *r = is_being_said(f);

	phone_request(&f->near.l.b, "BYE", "", "");
	rig_run(r);
	assert_true(phone_hears(&f->near.l.b, "SIP/2.0 200").n);
	assert_true(waits_in_ten(r));
	assert_int_equal(rig_count(r, &f->near.l.a.addr, "BYE "), 0);
	assert_int_equal(rig_counts(r).calls, 1);
}

/* Another process says it again. */
static void killed_while_it_is_said(void **state)
{
	struct far *f = *state;
	struct rig *r = is_being_said(f);
	uint32_t played = r->play_count;

	far_restart(f);
	put_codes(r);
	assert_int_equal(r->play_count, played + 1);
	assert_string_equal(r->played, "prompt:parked");
	told(f, r, PARK_CLAIM, PARK_OK, call_at(r, 0));
	assert_int_equal(r->play_count, played + 1);
	play_told(r, PROMPT_REPLY_ENDED);
	play_told(r, PROMPT_REPLY_ENDED);
	assert_true(waits_in_ten(r));
}

/* 1002 holds 1001, and gives it to a slot, which is 1002's then. */
static struct rig *parks_whom_it_holds(struct far *f, const char *extra)
{
	struct phone *a = &f->near.l.a, *b = &f->near.l.b;
	struct rig *r = f->near.l.r;

	put_spoken(r);
	phones_talk(a, b);
	phone_request(b, "INVITE", extra, HOLDS_B);
	phone_answer(a, rig_take(r, &a->addr, "INVITE "), "200 OK", HOLDS_A);
	assert_true(phone_hears(b, "SIP/2.0 200").n);
	phone_ack(b);
	refer(b, "sip:%2341@test.local");
	assert_true(phone_hears(b, "SIP/2.0 202").n);
	told(f, r, PARK_CLAIM, PARK_OK, call_at(r, 0));
	assert_int_equal(r->play_count, 0);
	return r;
}

/* BEAT-12: its phone ends its hold when it is told to, and it hears the slot. */
static void holds_and_comes_back(void **state)
{
	struct far *f = *state;
	struct phone *a = &f->near.l.a, *b = &f->near.l.b;
	struct rig *r = parks_whom_it_holds(f, "Allow-Events: talk\r\n");
	struct bytes m = rig_take(r, &b->addr, "NOTIFY ");

	assert_true(rig_has(m, "Event: talk\r\n"));
	phone_answer(b, m, "200 OK", "");
	phone_request(b, "INVITE", "", PHONE_SDP_B);
	phone_answer(a, rig_take(r, &a->addr, "INVITE "), "200 OK", PHONE_SDP_A);
	assert_true(phone_hears(b, "SIP/2.0 200").n);
	assert_int_equal(r->play_count, 0);
	phone_ack(b);
	assert_string_equal(r->played, "prompt:parked");
	assert_int_equal(rig_count(r, &b->addr, "BYE "), 0);
	play_told(r, PROMPT_REPLY_ENDED);
	play_told(r, PROMPT_REPLY_ENDED);
	assert_true(waits_in_ten(r));
	m = rig_take(r, &b->addr, "NOTIFY ");
	assert_true(rig_has(m, "SIP/2.0 200 OK\r\n"));
	phone_answer(b, m, "200 OK", "");
	trio_assert_left(b);
}

/* It stays on hold, or hangs up: the party is parked all the same, and nothing is said to anybody. */
static void holds_and_stays(void **state)
{
	struct far *f = *state;
	struct phone *b = &f->near.l.b;
	struct rig *r = parks_whom_it_holds(f, "Allow-Events: talk\r\n");

	phone_answer(b, rig_take(r, &b->addr, "NOTIFY "), "200 OK", "");
	rig_wait_ms(r, 1900);
	assert_int_equal(rig_count(r, &b->addr, "BYE "), 0);
	rig_wait_ms(r, 200);
	assert_true(waits_in_ten(r));
	assert_int_equal(r->play_count, 0);
	is_left(f);
}

static void holds_and_hangs_up(void **state)
{
	struct far *f = *state;
	struct phone *b = &f->near.l.b;
	struct rig *r = parks_whom_it_holds(f, "Allow-Events: talk\r\n");

	phone_answer(b, rig_take(r, &b->addr, "NOTIFY "), "200 OK", "");
	phone_request(b, "BYE", "", "");
	rig_run(r);
	assert_true(phone_hears(b, "SIP/2.0 200").n);
	assert_string_equal(event_str(last_event(r, SIG_CALL_PARKED), EV_SLOT), "10");
	assert_int_equal(rig_counts(r).calls, 1);
}

/* A phone that cannot be told is not waited for. */
static void holds_for_good(void **state)
{
	struct far *f = *state;
	struct rig *r = parks_whom_it_holds(f, "");

	is_left(f);
	assert_true(waits_in_ten(r));
	assert_int_equal(r->play_count, 0);
}

static void all_are_taken(void **state)
{
	static const char *const slots[] = { "10", "11", "12" };
	struct far *f = *state;

	put_groups(f->near.l.r, false);
	refer_anywhere(f);
	for (size_t i = 0; i < COUNT_OF(slots); i++) {
		assert_string_equal(last_asked(f->near.l.r, PARK_CLAIM)->slot, slots[i]);
		told(f, f->near.l.r, PARK_CLAIM, PARK_TAKEN, ANOTHERS);
	}
	assert_int_equal(f->near.l.r->park_count, COUNT_OF(slots));
	assert_notified(&f->near.l.b, "SIP/2.0 486 Busy Here\r\n", "terminated");
	assert_int_equal(rig_count(f->near.l.r, &f->near.l.b.addr, "BYE "), 0);
}

/* The next process finds its way to a free one, too. */
static void killed_while_it_tries(void **state)
{
	struct far *f = *state;
	struct rig *r = f->near.l.r;

	put_groups(r, false);
	refer_anywhere(f);
	told(f, r, PARK_CLAIM, PARK_TAKEN, ANOTHERS);
	far_restart(f);
	put_codes(r);
	assert_string_equal(last_asked(r, PARK_CLAIM)->slot, "10");
	told(f, r, PARK_CLAIM, PARK_TAKEN, ANOTHERS);
	assert_string_equal(last_asked(r, PARK_CLAIM)->slot, "11");
	told(f, r, PARK_CLAIM, PARK_OK, call_at(r, 0));
	assert_true(shard_call_waits_in(r->shard, call_at(r, 0), BYTES_LIT("11")));
}

/* ADM-90: who is withheld that neither parks nor fetches. */
static void not_entitled(void **state)
{
	struct far *f = *state;
	struct shard_extension e = rig_extension("1002", false);

	phones_talk(&f->near.l.a, &f->near.l.b);
	e.withheld = 1u << ENTITLED_PARK;
	assert_int_equal(shard_extension_put(f->near.l.r->shard, &e), 0);
	refer_there(f);
	assert_notified(&f->near.l.b, "SIP/2.0 404 Not Found\r\n", "terminated");
	assert_int_equal(f->near.l.r->park_count, 0);
	is_refused(f, "%234107", "SIP/2.0 403", "");
}

static void presses(struct far *f, uint8_t leg, const char *keys)
{
	struct flow_spec s = line_last_spec(f->near.l.r, leg);
	struct media_event m = {
		.kind = MEDIA_FLOW_DIGIT, .id = s.id, .call = s.call, .duration_ms = 100
	};

	for (; *keys; keys++) {
		m.digit = *keys;
		shard_media_event(f->near.l.r->shard, &m, f->near.l.r->now);
		rig_wait_ms(f->near.l.r, 1);
	}
}

static void put_call_codes(struct rig *r)
{
	r->settings.call_codes = (struct call_codes){ .code[CALL_CODE_PARK] = "#41",
						      .code[CALL_CODE_ACCOUNT] = "#32" };
	r->settings.call_code_wait_ms = 2000;
	shard_configure(r->shard, &r->settings);
}

/* PARK-06, CALL-46: in the call, also behind a flash, which goes to the other party; over a kill between two digits. */
static void parks_by_keys(void **state)
{
	struct far *f = *state;
	struct rig *r = f->near.l.r;

	put_call_codes(r);
	phones_talk(&f->near.l.a, &f->near.l.b);
	presses(f, 1, "F#410");
	far_restart(f);
	put_codes(r);
	put_call_codes(r);
	presses(f, 1, "7");
	assert_int_equal(r->park_count, 0);
	presses(f, 1, "#");
	assert_string_equal(last_asked(r, PARK_CLAIM)->slot, "07");
	told(f, r, PARK_CLAIM, PARK_OK, call_at(r, 0));
	trio_assert_left(&f->near.l.b);
	assert_true(shard_call_waits_in(r->shard, call_at(r, 0), BYTES_LIT("07")));
}

/* Neither where it is no slot, nor who is withheld parking, nor with a '*': all is as it was, and may be tried again. */
static void parks_not_by_keys(void **state)
{
	struct far *f = *state;
	struct rig *r = f->near.l.r;
	struct shard_extension e = rig_extension("1002", false);

	put_call_codes(r);
	phones_talk(&f->near.l.a, &f->near.l.b);
	presses(f, 1, "#411#"); /* one digit is no slot */
	presses(f, 1, "#4107*");
	e.withheld = 1u << ENTITLED_PARK;
	assert_int_equal(shard_extension_put(r->shard, &e), 0);
	presses(f, 1, "#4107#");
	assert_int_equal(r->park_count, 0);
	e.withheld = 0;
	assert_int_equal(shard_extension_put(r->shard, &e), 0);
	presses(f, 0, "#4112#"); /* the caller parks the callee likewise */
	assert_string_equal(last_asked(r, PARK_CLAIM)->slot, "12");
}

/* Without groups nobody knows which one is meant. */
static void no_groups(void **state)
{
	struct far *f = *state;

	refer_anywhere(f);
	assert_notified(&f->near.l.b, "SIP/2.0 404 Not Found\r\n", "terminated");
	assert_int_equal(f->near.l.r->park_count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PARK_TEST(parks),
		PARK_TEST(parks_nowhere),
		PARK_TEST(parks_by_keys),
		PARK_TEST(parks_not_by_keys),
		PARK_TEST(picks_up),
		PARK_TEST(nobody_there),
		PARK_TEST(left_there),
		PARK_TEST(other_shard),
		PARK_TEST(other_shard_is_late),
		PARK_TEST(killed_while_it_looks),
		PARK_TEST(retrieved_while_it_comes_back),
		PARK_TEST(retrieved_from_there_while_it_comes_back),
		PARK_TEST(the_one_who_was_rung_is_faster),
		PARK_TEST(answers_cross),
		PARK_TEST(two_come_while_it_comes_back),
		PARK_TEST(uses_its_groups),
		PARK_TEST(the_first_free_one),
		PARK_TEST(the_slot_is_said),
		PARK_TEST(it_cannot_be_said),
		PARK_TEST(hangs_up_while_it_is_said),
		PARK_TEST(killed_while_it_is_said),
		PARK_TEST(holds_and_comes_back),
		PARK_TEST(holds_and_stays),
		PARK_TEST(holds_and_hangs_up),
		PARK_TEST(holds_for_good),
		PARK_TEST(all_are_taken),
		PARK_TEST(killed_while_it_tries),
		PARK_TEST(no_groups),
		PARK_TEST(not_entitled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
