/* SPDX-License-Identifier: Apache-2.0 */
/* A call that rings at B is taken by somebody else (MON-03, CALL-41). */
#include "sig/feature/pick/pick_ringing.h"
#include "sig/model/plan.h"
#include "sig/pbx/pick.h"
#include "sig/shard/shard_state.h"
#include "tests/unit/sig/trio.h"

#define SDP_O                                                                         \
	"v=0\r\no=o 1 1 IN IP4 192.0.2.22\r\ns=-\r\nc=IN IP4 192.0.2.22\r\nt=0 0\r\n" \
	"m=audio 6000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n"

enum { SOON_MS = 100 };

/* Another phone of the user. */
static struct phone desk(struct trio *t, const char *user, const char *address, const char *tag)
{
	static uint32_t calls;
	struct phone o;

	phone_open(&o, t->l.r, user, address);
	(void)snprintf(o.tag, sizeof(o.tag), "%s", tag);
	o.branches = calls += 100; /* its Call-ID follows from that */
	return o;
}

static void rings(struct trio *t)
{
	phone_invite(&t->l.a, "1002", PHONE_SDP_A);
	assert_true(phone_rings(&t->l.b).n);
	phone_answer(&t->l.b, t->l.b.invite, "180 Ringing", "");
	assert_true(phone_hears(&t->l.a, "SIP/2.0 180").n);
}

/* watched: the tags as a lamp has them, as the phone that is watched sees them. */
static void press(struct trio *t, struct phone *o, bool watched, const char *more)
{
	const struct phone *b = &t->l.b;
	char lines[1200];

	(void)snprintf(lines, sizeof(lines),
		       "Replaces: %s;to-tag=%s;from-tag=%s%s\r\nRequire: replaces\r\n", b->call_id,
		       watched ? "0" : b->remote_tag, watched ? b->remote_tag : b->tag, more);
	phone_begin(o, "1002");
	phone_request(o, "INVITE", lines, SDP_O);
}

static void refused(struct phone *o, const char *status)
{
	assert_true(rig_take(o->r, &o->addr, status).n);
	phone_write(o, "ACK", "", "");
}

/* B's phone stops. */
static void b_is_left(struct trio *t)
{
	struct bytes m = rig_take(t->l.r, &t->l.b.addr, "CANCEL ");

	assert_true(rig_has(m, "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n"));
	phone_answer(&t->l.b, m, "200 OK", "");
	phone_answer(&t->l.b, t->l.b.invite, "487 Request Terminated", "");
	assert_true(rig_take(t->l.r, &t->l.b.addr, "ACK ").n);
}

static void a_is_answered(struct trio *t)
{
	assert_true(phone_hears(&t->l.a, "SIP/2.0 200").n);
	phone_ack(&t->l.a);
	rig_wait_ms(t->l.r, SOON_MS);
}

/* It is A's call with that extension, as its record says. */
static void talks(struct trio *t, struct phone *o, const char *by)
{
	const struct cdr *cdr = t->l.r->cdrs;

	trio_assert_talks(t->l.r, 0, 1);
	assert_int_equal(rig_count(t->l.r, &t->l.a.addr, "INVITE "), 0);
	trio_assert_ends(t, &t->l.a, o);
	while (cdr->forwarded != PLAN_PICKED)
		assert_true(++cdr < t->l.r->cdrs + t->l.r->cdr_count);
	assert_string_equal(cdr->from, "1001");
	assert_string_equal(cdr->to, "1002");
	assert_string_equal(cdr->forwarded_to, by);
	assert_int_equal(cdr->sip_status, 200);
	assert_true(cdr->answer_utc_ms);
}

static void taken(void **state)
{
	for (int watched = 0; watched <= 1; watched++) {
		struct trio *t = *state;
		struct phone o = desk(t, "1002", "192.0.2.22:5060", "o");

		rings(t);
		press(t, &o, watched, watched ? ";early-only" : "");
		assert_true(phone_hears(&o, "SIP/2.0 200").n);
		assert_int_equal(rig_count(t->l.r, &t->l.b.addr, "CANCEL "), 0);
		phone_ack(&o);
		rig_wait_ms(t->l.r, SOON_MS);
		b_is_left(t);
		a_is_answered(t);
		talks(t, &o, "1002");
		assert_int_equal(line_teardown(state), 0);
		assert_int_equal(trio_setup(state), 0);
	}
}

/* The caller leaves while it is taken: whoever takes it is told why it is over. */
static void left_meanwhile(void **state)
{
	struct trio *t = *state;
	struct phone o = desk(t, "1002", "192.0.2.22:5060", "o");
	struct bytes m;

	rings(t);
	press(t, &o, true, "");
	assert_true(phone_hears(&o, "SIP/2.0 200").n);
	phone_ack(&o);
	rig_wait_ms(t->l.r, SOON_MS);
	b_is_left(t);
	assert_true(phone_hears(&t->l.a, "SIP/2.0 200").n);
	phone_request(&t->l.a, "BYE", "", "");
	rig_wait_ms(t->l.r, SOON_MS);
	m = rig_take(t->l.r, &o.addr, "BYE ");
	assert_true(rig_has(m, "Reason: SIP;cause=487;text=\"the other party has hung up\"\r\n"));
	phone_answer(&o, m, "200 OK", "");
	line_assert_idle(t->l.r);
}

/* CALL-41, and who comes second. */
static void pressed_twice(void **state)
{
	struct trio *t = *state;
	struct phone o = desk(t, "1002", "192.0.2.22:5060", "o");
	struct phone again = desk(t, "1002", "192.0.2.22:5060", "again");

	rings(t);
	press(t, &o, true, "");
	assert_true(phone_hears(&o, "SIP/2.0 200").n);
	press(t, &again, true, "");
	refused(&again, "SIP/2.0 481");
	phone_ack(&o);
	rig_wait_ms(t->l.r, SOON_MS);
	press(t, &again, true, "");
	assert_true(rig_take(t->l.r, &again.addr, "SIP/2.0 ").n);
	phone_write(&again, "ACK", "", "");
	b_is_left(t);
	a_is_answered(t);
	press(t, &again, true, "");
	assert_true(rig_take(t->l.r, &again.addr, "SIP/2.0 ").n);
	phone_write(&again, "ACK", "", "");
	talks(t, &o, "1002");
}

static void strangers(void **state)
{
	struct trio *t = *state;
	struct phone c = desk(t, "1004", "192.0.2.14:5060", "c");
	struct phone a = desk(t, "1001", "192.0.2.11:5060", "other");

	rings(t);
	press(t, &c, true, "");
	refused(&c, "SIP/2.0 403");
	press(t, &a, true, "");
	refused(&a, "SIP/2.0 403");
	phone_answer(&t->l.b, t->l.b.invite, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&t->l.a, "SIP/2.0 200").n);
	phone_ack(&t->l.a);
	trio_assert_talks(t->l.r, 0, 1);
}

/* B was faster: who took it hears so, and all goes on. */
static void answered_meanwhile(void **state)
{
	struct trio *t = *state;
	struct phone o = desk(t, "1002", "192.0.2.22:5060", "o");

	rings(t);
	press(t, &o, false, "");
	assert_true(phone_hears(&o, "SIP/2.0 200").n);
	phone_answer(&t->l.b, t->l.b.invite, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&t->l.a, "SIP/2.0 200").n);
	phone_ack(&t->l.a);
	phone_ack(&o);
	rig_wait_ms(t->l.r, SOON_MS);
	trio_assert_left(&o);
	trio_assert_talks(t->l.r, 0, 1);
	trio_assert_ends(t, &t->l.a, &t->l.b);
}

/* Who took it hangs up before its ACK counts: the phones ring on. */
static void given_up(void **state)
{
	struct trio *t = *state;
	struct phone o = desk(t, "1002", "192.0.2.22:5060", "o");

	rings(t);
	press(t, &o, false, "");
	assert_true(phone_hears(&o, "SIP/2.0 200").n);
	phone_ack(&o);
	phone_request(&o, "BYE", "", "");
	assert_true(phone_hears(&o, "SIP/2.0 200").n);
	rig_wait_ms(t->l.r, SOON_MS);
	assert_int_equal(rig_count(t->l.r, &t->l.b.addr, "CANCEL "), 0);
	phone_answer(&t->l.b, t->l.b.invite, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&t->l.a, "SIP/2.0 200").n);
	phone_ack(&t->l.a);
	trio_assert_ends(t, &t->l.a, &t->l.b);
}

/* ... and behind it: A, whose phones ring no longer, hears it. */
static void given_up_late(void **state)
{
	struct trio *t = *state;
	struct phone o = desk(t, "1002", "192.0.2.22:5060", "o");

	rings(t);
	press(t, &o, false, "");
	assert_true(phone_hears(&o, "SIP/2.0 200").n);
	phone_ack(&o);
	rig_wait_ms(t->l.r, SOON_MS);
	b_is_left(t);
	phone_request(&o, "BYE", "", "");
	a_is_answered(t);
	trio_assert_left(&t->l.a);
	line_assert_idle(t->l.r);
}

/* Killed before the ACK, or behind it. */
static void killed(void **state)
{
	for (int behind = 0; behind <= 1; behind++) {
		struct trio *t = *state;
		struct phone o = desk(t, "1002", "192.0.2.22:5060", "o");

		rings(t);
		press(t, &o, true, "");
		assert_true(phone_hears(&o, "SIP/2.0 200").n);
		if (behind)
			phone_ack(&o);
		trio_restart(t);
		if (!behind)
			phone_ack(&o);
		rig_wait_ms(t->l.r, SOON_MS);
		b_is_left(t);
		a_is_answered(t);
		talks(t, &o, "1002");
		assert_int_equal(line_teardown(state), 0);
		assert_int_equal(trio_setup(state), 0);
	}
}

/* ---- by a code ---- */

static void put_codes(struct rig *r)
{
	static const struct feature_codes codes = { .code[FEATURE_PICKUP] = "**" };

	r->settings.codes = codes;
	shard_configure(r->shard, &r->settings);
}

static void put_groups(struct rig *r, const char *number, const char *groups)
{
	assert_int_equal(shard_pickup_set(r->shard, TENANT_DEFAULT, number, groups), 0);
}

static void dial(struct phone *o, const char *code)
{
	phone_invite(o, code, SDP_O);
	rig_run(o->r);
}

static void is_refused(struct phone *o, const char *code, const char *status, const char *text)
{
	struct bytes m;

	dial(o, code);
	m = rig_take(o->r, &o->addr, status);
	assert_true(m.n);
	assert_true(rig_has(m, text));
	phone_write(o, "ACK", "", "");
}

static void by_code(void **state)
{
	static const char *const codes[] = { "**1002", "**" };

	for (size_t i = 0; i < COUNT_OF(codes); i++) {
		struct trio *t = *state;
		struct phone c = desk(t, "1004", "192.0.2.14:5060", "c");
		struct phone again = desk(t, "1004", "192.0.2.14:5060", "again");

		put_codes(t->l.r);
		put_groups(t->l.r, "1002", "sales,all");
		put_groups(t->l.r, "1004", "support,all");
		rings(t);
		dial(&c, codes[i]);
		assert_true(phone_hears(&c, "SIP/2.0 200").n);
		is_refused(&again, codes[i], "SIP/2.0 486", "somebody else takes the call");
		phone_ack(&c);
		rig_wait_ms(t->l.r, SOON_MS);
		is_refused(&again, codes[i], "SIP/2.0 404", "nobody calls there");
		b_is_left(t);
		a_is_answered(t);
		talks(t, &c, "1004");
		assert_int_equal(line_teardown(state), 0);
		assert_int_equal(trio_setup(state), 0);
	}
}

static void not_by_code(void **state)
{
	struct trio *t = *state;
	struct phone c = desk(t, "1004", "192.0.2.14:5060", "c");
	struct phone a = desk(t, "1001", "192.0.2.11:5060", "other");

	put_codes(t->l.r);
	put_groups(t->l.r, "1002", "sales");
	put_groups(t->l.r, "1004", "support");
	rings(t);
	is_refused(&c, "**1002", "SIP/2.0 403", "no pick-up group");
	is_refused(&c, "**1999", "SIP/2.0 404", "no such extension");
	is_refused(&c, "**", "SIP/2.0 404", "nobody calls there");
	put_groups(t->l.r, "1001", "sales");
	is_refused(&a, "**1002", "SIP/2.0 404", "nobody calls there"); /* it is its own call */
	is_refused(&a, "**", "SIP/2.0 404", "nobody calls there");
	put_groups(t->l.r, "1004", "sales");
	press(t, &c, true, ""); /* by a key, too */
	assert_true(phone_hears(&c, "SIP/2.0 200").n);
}

/* The one that rings longest. */
static void oldest_of_the_group(void **state)
{
	struct trio *t = *state;
	struct phone c = desk(t, "1004", "192.0.2.14:5060", "c");
	struct phone d = desk(t, "1003", "192.0.2.13:5060", "d");

	put_codes(t->l.r);
	put_groups(t->l.r, "1002", "all");
	put_groups(t->l.r, "1004", "all");
	rings(t);
	rig_wait_ms(t->l.r, 1000);
	phone_invite(&d, "1002", PHONE_SDP_A);
	assert_true(rig_take(t->l.r, &t->l.b.addr, "INVITE ").n);
	dial(&c, "**");
	assert_true(phone_hears(&c, "SIP/2.0 200").n);
	phone_ack(&c);
	rig_wait_ms(t->l.r, SOON_MS);
	b_is_left(t);
	a_is_answered(t);
	trio_assert_ends(t, &t->l.a, &c);
}

/* ---- calls of other nodes ---- */

enum { OTHERS_MS = 300, OTHERS_CALL_SHARD = 9 };

/* One of which is heard. */
struct others {
	uint64_t serial; /* of what it was asked last */
	uint32_t asked;
	struct park_reply told; /* whoever asked himself */
	uint32_t told_count;
	enum user_call_want want;
};

static void others_user(const struct remote_user *u, void *arg)
{
	(void)arg;
	fail_msg("%zu octets", u->user.n);
}

static void others_asked(const struct remote_item *item, void *arg)
{
	struct others *o = arg;

	assert_int_equal(item->kind, REMOTE_PICK);
	assert_true(bytes_is(item->pick.tenant, "default"));
	assert_true(bytes_is(item->pick.by, item->pick.want ? "1002" : "1004"));
	assert_int_equal(item->pick.want, o->want);
	assert_true(bytes_is(item->pick.of, "1002"));
	o->serial = item->serial;
	o->asked++;
}

static void others_send(void *arg, uint64_t process, struct bytes new_state)
{
	const struct remote_state_readers readers = {
		.user = others_user,
		.item = others_asked,
		.arg = arg,
	};

	assert_int_equal(process, 0);
	assert_int_equal(remote_state_read(new_state, &readers), 0);
}

static bool others_heard(void *arg, uint64_t process)
{
	(void)arg;
	return process;
}

static uint32_t others_count(void *arg)
{
	(void)arg;
	return 1;
}

static void others_told(void *arg, const struct park_reply *new_state)
{
	struct others *o = arg;

	o->told = *new_state;
	o->told_count++;
}

static void put_others(struct trio *t, struct others *o)
{
	const struct shard_remote with = {
		.send = others_send,
		.is_attached = others_heard,
		.others = others_count,
		.picked = others_told,
		.arg = o,
	};

	put_codes(t->l.r);
	put_groups(t->l.r, "1002", "all");
	put_groups(t->l.r, "1004", "all");
	assert_int_equal(shard_remote_open(t->l.r->shard->shared_tables, &with), 0);
}

/* What the other node says of calls there. */
static void others_answer(struct trio *t, const struct others *o, bool rings, int64_t since_ms,
			  bool promised)
{
	struct rig *r = t->l.r;
	struct remote_item p = { .kind = REMOTE_PICKED,
				 .serial = o->serial,
				 .picked.promised = promised };
	uint8_t space[64];
	struct writer w = writer_over(space, sizeof(space));

	if (rings)
		p.picked.call = id_call_none(OTHERS_CALL_SHARD) + 1;
	p.picked.utc_ms = (uint64_t)((int64_t)r->now.utc_ms + since_ms);
	if (o->want)
		p.picked.utc_ms = UINT64_MAX - p.picked.utc_ms;
	remote_state_add_item(&w, &p);
	shard_on_remote(r->shard->shared_tables, 5, writer_done(&w), r->now);
	rig_run(r);
}

/* It was asked, and has not answered: the one that rings here is taken. */
static void others_are_silent(void **state)
{
	struct trio *t = *state;
	struct phone c = desk(t, "1004", "192.0.2.14:5060", "c");
	struct others o = { 0 };

	put_others(t, &o);
	rings(t);
	dial(&c, "**1002");
	assert_int_equal(o.asked, 1);
	rig_wait_ms(t->l.r, OTHERS_MS - 10);
	assert_int_equal(rig_count(t->l.r, &c.addr, "SIP/2.0 200"), 0);
	rig_wait_ms(t->l.r, 20);
	assert_true(phone_hears(&c, "SIP/2.0 200").n);
	phone_ack(&c);
	rig_wait_ms(t->l.r, SOON_MS);
	b_is_left(t);
	others_answer(t, &o, true, -5000, false); /* late: nobody asks any more */
	a_is_answered(t);
	talks(t, &c, "1004");
}

/* Of the one here and the one there the older one is meant. Shard 9 is not near, so the phone hears that. */
static void the_older_one(void **state)
{
	static const struct row {
		bool rings_here, rings_there, promised_there;
		int64_t since_ms;
		const char *status;
	} rows[] = {
		{ true, true, false, -5000, "SIP/2.0 480" },
		{ true, true, false, 5000, "SIP/2.0 200" },
		{ true, false, false, 0, "SIP/2.0 200" },
		{ false, true, false, 0, "SIP/2.0 480" },
		{ false, false, true, 0, "SIP/2.0 486" },
		{ false, false, false, 0, "SIP/2.0 404" },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct trio *t = *state;
		struct phone c = desk(t, "1004", "192.0.2.14:5060", "c");
		struct others o = { 0 };

		put_others(t, &o);
		if (rows[i].rings_here)
			rings(t);
		dial(&c, "**1002");
		others_answer(t, &o, rows[i].rings_there, rows[i].since_ms, rows[i].promised_there);
		assert_true(rig_take(t->l.r, &c.addr, rows[i].status).n);
		assert_int_equal(line_teardown(state), 0);
		assert_int_equal(trio_setup(state), 0);
	}
}

/* A command asks, which is no call: by a serial of its own. */
static void asked_by_command(void **state)
{
	static const struct row {
		bool rings_here, rings_there, promised_there;
		int64_t since_ms;
		enum park_result told;
		uint16_t shard; /* 0: nobody's */
	} rows[] = {
		{ true, true, false, -5000, PARK_OK, OTHERS_CALL_SHARD },
		{ true, true, false, 5000, PARK_OK, 0 },
		{ true, false, false, 0, PARK_OK, 0 },
		{ false, true, false, 0, PARK_OK, OTHERS_CALL_SHARD },
		{ false, false, true, 0, PARK_TAKEN, 0 },
		{ false, false, false, 0, PARK_EMPTY, 0 },
	};
	const struct remote_pick pick = { .by = BYTES_LIT("1004"), .of = BYTES_LIT("1002") };

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct trio *t = *state;
		const struct row *row = &rows[i];
		struct others o = { 0 };
		uint64_t serial = 40 + i;

		put_others(t, &o);
		if (row->rings_here)
			rings(t);
		assert_true(shard_picks_request(t->l.r->shard, TENANT_DEFAULT, &pick, serial));
		assert_int_equal(o.serial, serial);
		assert_int_equal(o.told_count, 0);
		others_answer(t, &o, row->rings_there, row->since_ms, row->promised_there);
		assert_int_equal(o.told_count, 1);
		assert_true(o.told.serial == serial && o.told.told == row->told);
		if (row->told == PARK_OK)
			assert_int_equal(id_shard(o.told.owner),
					 row->shard ? row->shard : t->l.r->settings.number);
		assert_int_equal(line_teardown(state), 0);
		assert_int_equal(trio_setup(state), 0);
	}
}

/* Of a user's own calls the newest one that is as it is wanted. */
static void own_of_all_nodes(void **state)
{
	static const struct row {
		enum user_call_want want;
		bool there;
		int64_t since_ms;
		uint16_t shard; /* 0: there is none; 7: it is here */
	} rows[] = {
		{ USER_RINGS, true, -5000, 7 }, { USER_RINGS, true, 5000, OTHERS_CALL_SHARD },
		{ USER_RINGS, false, 0, 7 },    { USER_TALKS, false, 0, 0 },
		{ USER_HAS, false, 0, 7 },      { USER_TALKS, true, -5000, OTHERS_CALL_SHARD },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct trio *t = *state;
		const struct row *row = &rows[i];
		const struct remote_pick pick = { .by = BYTES_LIT("1002"),
						  .of = BYTES_LIT("1002"),
						  .want = row->want };
		struct others o = { .want = row->want };

		put_others(t, &o);
		rings(t);
		assert_true(shard_picks_request(t->l.r->shard, TENANT_DEFAULT, &pick, 1 + i));
		others_answer(t, &o, row->there, row->since_ms, false);
		assert_int_equal(o.told.told, row->shard ? PARK_OK : PARK_EMPTY);
		assert_int_equal(id_shard(o.told.owner), row->shard);
		assert_int_equal(line_teardown(state), 0);
		assert_int_equal(trio_setup(state), 0);
	}
}

/* What is known is told to whoever waits no longer, and no more. */
static void command_waits_no_longer(void **state)
{
	struct trio *t = *state;
	struct others o = { 0 };
	const struct remote_pick pick = { .by = BYTES_LIT("1004"), .of = BYTES_LIT("1002") };
	struct park_reply known;

	put_others(t, &o);
	rings(t);
	assert_true(shard_picks_request(t->l.r->shard, TENANT_DEFAULT, &pick, 7));
	shard_remote_picked(t->l.r->shard->shared_tables, 7, &known);
	assert_int_equal(known.told, PARK_OK);
	assert_int_equal(id_shard(known.owner), t->l.r->settings.number);
	others_answer(t, &o, true, -5000, false);
	assert_int_equal(o.told_count, 0);
	shard_remote_picked(t->l.r->shard->shared_tables, 7, &known);
	assert_int_equal(known.told, PARK_EMPTY);
}

/* One call may be meant, whatever else rings. */
static void that_call_alone(void **state)
{
	struct trio *t = *state;
	const struct shard *s = t->l.r->shard;
	struct pick_reply any, one;

	put_groups(t->l.r, "1002", "all");
	put_groups(t->l.r, "1004", "all");
	rings(t);
	shard_pick_of(s, TENANT_DEFAULT, BYTES_LIT("1004"), BYTES_LIT("1002"), 0, &any);
	assert_true(any.call && any.may);
	shard_pick_of(s, TENANT_DEFAULT, BYTES_LIT("1004"), BYTES_LIT("1002"), any.call, &one);
	assert_true(one.call == any.call);
	shard_pick_of(s, TENANT_DEFAULT, BYTES_LIT("1004"), BYTES_LIT("1002"), any.call + 1, &one);
	assert_true(!one.call && one.may && one.status == 404);
	shard_pick_of(s, TENANT_DEFAULT, BYTES_LIT("1004"), BYTES_LIT("1004"), any.call, &one);
	assert_int_equal(one.call, 0);
}

static void in_its_name(void **state)
{
	char name[PICK_NAME_MAX];
	uint64_t call;

	(void)state;
	pick_name_put(name, UINT64_C(0x74bba1073dc00));
	assert_true(pick_name_get(bytes_str(name), &call));
	assert_true(call == UINT64_C(0x74bba1073dc00));
	assert_false(pick_name_get(BYTES_LIT("rung-"), &call));
	assert_false(pick_name_get(BYTES_LIT("rung-000"), &call));
	assert_false(pick_name_get(BYTES_LIT("slot-7-001qbn8877n00"), &call));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TRIO_TEST(taken),
		TRIO_TEST(left_meanwhile),
		TRIO_TEST(pressed_twice),
		TRIO_TEST(strangers),
		TRIO_TEST(answered_meanwhile),
		TRIO_TEST(given_up),
		TRIO_TEST(given_up_late),
		TRIO_TEST(killed),
		TRIO_TEST(by_code),
		TRIO_TEST(not_by_code),
		TRIO_TEST(oldest_of_the_group),
		TRIO_TEST(others_are_silent),
		TRIO_TEST(the_older_one),
		TRIO_TEST(asked_by_command),
		TRIO_TEST(own_of_all_nodes),
		TRIO_TEST(command_waits_no_longer),
		TRIO_TEST(that_call_alone),
		cmocka_unit_test(in_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
