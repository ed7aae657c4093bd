/* SPDX-License-Identifier: Apache-2.0 */
/* Conferences of calls (FEATURES CONF-02, CONF-03, CONF-05, CONF-07, CONF-08, CONF-11 to CONF-13). */

#include "sig/model/call_order.h"
#include "sig/shard/shard_state.h"
#include "tests/unit/sig/conferences.h"

static void hangs_up(struct phone *p)
{
	phone_request(p, "BYE", "", "");
	assert_true(phone_hears(p, "SIP/2.0 200").n);
	rig_wait_ms(p->r, 100);
}

/* Of two calls of A: its second leg is left, and nobody is asked anything. */
static void two_calls_become_one(void **state)
{
	struct party *p = *state;
	struct rig *r = p->t.l.r;
	struct room_view v;
	struct members all;

	party_confers(p);
	assert_true(r->order.saved);
	v = conference_of(r, ROOM);
	assert_string_equal(v.kind, "ad_hoc");
	assert_int_equal(v.host, 1);
	assert_true(v.saved);
	all = members_of(r, ROOM);
	assert_int_equal(all.count, 3);
	assert_true(member_from(&all, "1001")->host);
	assert_int_equal(member_from(&all, "1002")->inviter, 1);
	assert_int_equal(member_from(&all, "1004")->inviter, 1);
	for (uint32_t i = 0; i < all.count; i++)
		assert_in_room(r, all.list[i].call, ROOM, all.list[i].number);
	assert_int_equal(rig_count(r, &p->t.l.b.addr, "INVITE "), 1);
	assert_int_equal(rig_count(r, &p->t.c.addr, "INVITE "), 1);
	assert_int_equal(rig_count(r, &p->t.l.a.addr, "INVITE "), 0);
	assert_int_equal(event_number(last_event(r, SIG_CONFERENCE_STARTED), EV_CONFERENCE), ROOM);
	assert_int_equal(event_number(last_event(r, SIG_CONFERENCE_JOINED), EV_CONFERENCE), ROOM);
	assert_int_equal(r->mixer_count, 1);
	assert_int_equal(r->mixers[0].room, ROOM);
}

static int conference_record(struct rig *r, enum order_record what)
{
	const struct shard_order by = { .id = 9000 + what, .ticket = 1 };
	const struct shard_room_order o = { .act = SHARD_ROOM_RECORD,
					    .record = (uint8_t)what,
					    .by = &by };
	int err = shard_conference_order(r->shard, ROOM, &o, r->now);

	rig_run(r);
	rig_wait_ms(r, 50);
	return err;
}

/* On demand, where its host is an extension that may be (CONF-17). */
static void recorded_as_its_host(void **state)
{
	struct shard_extension host = rig_extension("1001", false);
	struct party *p = *state;
	struct rig *r = p->t.l.r;

	host.record = RECORD_ON_DEMAND;
	party_confers(p);
	assert_int_equal(conference_record(r, ORDER_RECORD_ON), REFUSED_ROOM_NOT_ON_DEMAND);
	assert_int_equal(shard_extension_put(r->shard, &host), 0);
	assert_int_equal(conference_record(r, ORDER_RECORD_ON), 0);
	assert_int_equal(r->records[r->record_count - 1].call, ROOM);
	assert_int_equal(r->records[r->record_count - 1].record.act, RECORD_START);
	assert_non_null(strstr(r->records[r->record_count - 1].facts, "\"to\":\"1001\""));
	assert_int_equal(conference_record(r, ORDER_RECORD_OFF), 0);
	assert_int_equal(r->records[r->record_count - 1].record.act, RECORD_END);
}

/* The host goes, and the two that are left have a call of two: the mixer goes, and the pair can be transferred (CONF-08, BEAT-07). */
static void two_left_speak_by_themselves(void **state)
{
	struct party *p = *state;
	struct rig *r = p->t.l.r;
	uint64_t call;

	party_confers(p);
	hangs_up(&p->t.l.a);
	rig_wait_ms(r, 1500);
	assert_int_equal(rig_counts(r).calls, 1);
	call = call_at(r, 0);
	trio_assert_talks(r, 0, 1);
	assert_int_equal(spec_of_call(r, call).home, 0);
	assert_int_equal(spec_of_call(r, call).member.number, 0);
	assert_false(shard_conference_view(r->shard, ROOM, &(struct room_view){ 0 }));
	assert_true(r->mixers[0].closed);
	assert_int_equal(event_number(last_event(r, SIG_CONFERENCE_ENDED), EV_CONFERENCE), ROOM);
	assert_int_equal(r->saves[r->save_count - 1].answered, true);
	phone_request(&p->t.c, "BYE", "", "");
	assert_true(phone_hears(&p->t.c, "SIP/2.0 200").n);
	trio_assert_left(&p->t.l.b);
	line_assert_idle(r);
}

/* By the settings it stays a conference (CONF-09 as it was). */
static void two_left_stay_a_conference(void **state)
{
	struct party *p = *state;
	struct rig *r = p->t.l.r;
	struct shard_settings s = r->settings;

	s.conferences.release = false;
	shard_configure(r->shard, &s);
	party_confers(p);
	hangs_up(&p->t.c);
	rig_wait_ms(r, 3000);
	assert_int_equal(rig_counts(r).calls, 2);
	assert_int_equal(conference_of(r, ROOM).members, 2);
	hangs_up(&p->t.l.b); /* nobody stays alone (CONF-13) */
	trio_assert_left(&p->t.l.a);
	line_assert_idle(r);
	assert_int_equal(event_number(last_event(r, SIG_CONFERENCE_ENDED), EV_CONFERENCE), ROOM);
}

/* CONF-09: as long as whose conference it is is one of them, and nobody is given away; then they are a call. */
static void two_left_with_its_initiator(void **state)
{
	struct party *p = *state;
	struct rig *r = p->t.l.r;
	struct shard_settings s = r->settings;
	struct members all;
	uint64_t a, b;

	s.conferences.release = CONFERENCE_RELEASE_INITIATOR_LEFT;
	shard_configure(r->shard, &s);
	party_confers(p);
	all = members_of(r, ROOM);
	a = member_from(&all, "1001")->call;
	b = member_from(&all, "1002")->call;
	hangs_up(&p->t.c);
	rig_wait_ms(r, 3000);
	assert_int_equal(conference_of(r, ROOM).members, 2);
	assert_int_equal(shard_call_transfer(r->shard, a, SHARD_LEG_NONE, "1003", NULL, r->now),
			 REFUSED_TWO_LEFT);
	assert_int_equal(shard_call_transfer(r->shard, b, SHARD_LEG_NONE, "1003", NULL, r->now),
			 REFUSED_TWO_LEFT);
	refer(&p->t.l.a, "sip:1003@test.local");
	assert_true(phone_hears(&p->t.l.a, "SIP/2.0 202").n);
	rig_wait_ms(r, 100);
	assert_true(phone_rings(&p->d).n);
	phone_answer(&p->d, p->d.invite, "200 OK", PHONE_SDP_B);
	rig_wait_ms(r, 200);
	assert_int_equal(conference_of(r, ROOM).members, 3);
	hangs_up(&p->t.l.a);
	rig_wait_ms(r, 3000);
	assert_false(shard_conference_view(r->shard, ROOM, &(struct room_view){ 0 }));
	assert_int_equal(rig_counts(r).calls, 1);
}

/* BEAT-08, and the rule before it. */
static void the_host_is_followed(void **state)
{
	for (int succession = 0; succession <= 1; succession++) {
		struct party *p = *state;
		struct rig *r = p->t.l.r;
		struct shard_settings s = r->settings;
		struct members all;

		s.conferences.succession = succession;
		s.conferences.release = false;
		shard_configure(r->shard, &s);
		party_confers(p);
		hangs_up(&p->t.l.a);
		assert_int_equal(conference_of(r, ROOM).host, succession ? 2 : 0);
		all = members_of(r, ROOM);
		assert_int_equal(order_one(r, member_from(&all, "1004")->call, MEMBER_DROP, true, 0,
					   2),
				 succession ? 0 : REFUSED_NOT_HOST);
		if (succession)
			trio_assert_left(&p->t.c);
		else
			assert_int_equal(order_one(r, member_from(&all, "1004")->call, MEMBER_DROP,
						   true, 0, 0),
					 0);
		if (!succession)
			trio_assert_left(&p->t.c);
		rig_wait_ms(r, 100);
		trio_assert_left(&p->t.l.b);
		line_assert_idle(r);
	}
}

/* CALL-09, CONF-12, MED-13: the others hear no change. */
static void one_member_is_changed(void **state)
{
	struct party *p = *state;
	struct rig *r = p->t.l.r;
	struct members all;
	uint64_t b, c;
	uint32_t told;

	party_confers(p);
	all = members_of(r, ROOM);
	b = member_from(&all, "1002")->call;
	c = member_from(&all, "1004")->call;
	told = r->media_count;
	assert_int_equal(order_one(r, b, MEMBER_MUTE, true, 0, 0), 0);
	assert_int_equal(spec_of_call(r, b).member.muted, 1);
	assert_int_equal(order_one(r, b, MEMBER_MUTE, false, 0, 3), REFUSED_NOT_HOST);
	assert_int_equal(order_one(r, b, MEMBER_MUTE, false, 0, 2), 0);
	assert_int_equal(spec_of_call(r, b).member.muted, 0);
	assert_int_equal(order_one(r, b, MEMBER_GAIN, false, -6, 1), 0);
	assert_int_equal(spec_of_call(r, b).member.gain_db, -6);
	assert_int_equal(order_one(r, b, MEMBER_GAIN, false, 16, 1), REFUSED_BAD_GAIN);
	assert_int_equal(order_one(r, b, MEMBER_DEAF, true, 0, 0), 0);
	assert_int_equal(spec_of_call(r, b).member.deaf, 1);
	assert_int_equal(order_one(r, b, MEMBER_COACH, false, 3, 0), 0);
	assert_int_equal(spec_of_call(r, b).member.coaches, 3);
	assert_int_equal(order_one(r, b, MEMBER_COACH, false, 2, 0), REFUSED_NO_COACHED);
	assert_int_equal(order_one(r, b, MEMBER_HOLD, true, 0, 0), 0);
	assert_int_not_equal(spec_of_call(r, b).source.job.slot, 100);
	line_assert_states(r, b, STATE_HOLD, STATE_IDLE);
	assert_int_equal(order_one(r, b, MEMBER_HOLD, false, 0, 0), 0);
	assert_in_room(r, b, ROOM, 2);
	for (uint32_t i = told; i < r->media_count; i++)
		assert_int_not_equal(r->media[i].spec.call, c);
	assert_string_equal(event_str(last_event(r, SIG_CONFERENCE_CHANGED), EV_REASON), "resumed");
	assert_int_equal(event_number(last_event(r, SIG_CONFERENCE_CHANGED), EV_MEMBER), 2);
}

/* Its phone holds: it is out of the mix, and back when it goes on. */
static void a_phone_holds(void **state)
{
	struct party *p = *state;
	struct rig *r = p->t.l.r;
	struct members all;
	uint64_t c;

	party_confers(p);
	all = members_of(r, ROOM);
	c = member_from(&all, "1004")->call;
	p->t.c.cseq = 500;
	phone_request(&p->t.c, "INVITE", "",
		      "v=0\r\no=c 1 2 IN IP4 192.0.2.14\r\ns=-\r\nc=IN IP4 192.0.2.14\r\nt=0 0\r\n"
		      "m=audio 5000 RTP/AVP 8\r\na=sendonly\r\n");
	assert_true(phone_hears(&p->t.c, "SIP/2.0 200").n);
	phone_ack(&p->t.c);
	rig_wait_ms(r, 50);
	assert_int_not_equal(spec_of_call(r, c).source.job.slot, 100);
	all = members_of(r, ROOM);
	assert_true(member_from(&all, "1004")->held);
	phone_request(&p->t.c, "INVITE", "",
		      "v=0\r\no=c 1 3 IN IP4 192.0.2.14\r\ns=-\r\nc=IN IP4 192.0.2.14\r\nt=0 0\r\n"
		      "m=audio 5000 RTP/AVP 8\r\na=sendrecv\r\n");
	assert_true(phone_hears(&p->t.c, "SIP/2.0 200").n);
	phone_ack(&p->t.c);
	rig_wait_ms(r, 50);
	assert_in_room(r, c, ROOM, 3);
}

/* CONF-05, CONF-06: A's call is as it was until D answers, and if D does not. */
static void one_is_rung(void **state)
{
	for (int answers = 0; answers <= 1; answers++) {
		struct party *p = *state;
		struct rig *r = p->t.l.r;
		const struct shard_order by = order_of(1);
		struct shard_conference_request o = { .room = ROOM + 16u * (unsigned)answers,
						      .to = "1003",
						      .rung = RUNG + 16u * (unsigned)answers,
						      .leg = SHARD_LEG_CALLER,
						      .by = &by };

		phones_talk(&p->t.l.a, &p->t.l.b);
		o.call = call_of_user(r, "1001", "1002");
		assert_int_equal(shard_conference_ring(r->shard, &o, r->now), 0);
		rig_run(r);
		rig_wait_ms(r, 100);
		assert_true(phone_rings(&p->d).n);
		assert_true(rig_has(p->d.invite, "sip:1001@"));
		assert_int_equal(shard_conference_ring(r->shard, &o, r->now),
				 0); /* the same command */
		assert_int_equal(conference_of(r, o.room).asking, 1);
		assert_int_equal(conference_of(r, o.room).members, 0);
		assert_false(spec_of_call(r, o.call).alone);
		phone_answer(&p->d, p->d.invite, answers ? "200 OK" : "486 Busy Here",
			     answers ? PHONE_SDP_B : "");
		rig_wait_ms(r, 200);
		if (!answers) {
			assert_false(
				shard_conference_view(r->shard, o.room, &(struct room_view){ 0 }));
			assert_false(spec_of_call(r, o.call).alone);
			hangs_up(&p->t.l.a);
			trio_assert_left(&p->t.l.b);
			line_assert_idle(r);
			continue;
		}
		assert_true(rig_take(r, &p->d.addr, "ACK ").n);
		assert_int_equal(conference_of(r, o.room).members, 3);
		assert_int_equal(rig_counts(r).calls, 3);
	}
}

/* CONF-02 */
static void too_many(void **state)
{
	struct party *p = *state;
	struct shard_settings s = p->t.l.r->settings;
	uint64_t first, second;

	s.conferences.station_members = 2;
	shard_configure(p->t.l.r->shard, &s);
	party_calls(p, &first, &second);
	assert_int_equal(confer(p, first, second), REFUSED_MEMBERS_FULL);
	assert_false(shard_conference_view(p->t.l.r->shard, ROOM, &(struct room_view){ 0 }));
	assert_int_equal(rig_counts(p->t.l.r).calls, 2);
}

/* As the settings have it. */
static void who_is_heard(void **state)
{
	struct party *p = *state;
	struct rig *r = p->t.l.r;
	struct shard_settings s = r->settings;
	uint64_t first, second;

	s.conferences.station_talkers = MEDIA_ROOM_TALKERS_ALL;
	shard_configure(r->shard, &s);
	party_calls(p, &first, &second);
	assert_int_equal(confer(p, first, second), 0);
	rig_wait_ms(r, 100);
	assert_in_range(r->mixer_count, 1, 16);
	assert_int_equal(r->mixers[0].terms.talkers, MEDIA_ROOM_TALKERS_ALL);
}

/* CONF-02: programs add up to fewer members than phones do. */
static void fewer_by_command(void **state)
{
	struct party *p = *state;
	struct rig *r = p->t.l.r;
	struct shard_settings s = r->settings;
	struct shard_conference_request o = { .room = ROOM, .rung = RUNG, .to = "1003" };

	s.conferences.command_members = 3;
	shard_configure(r->shard, &s);
	party_confers(p);
	assert_int_equal(shard_conference_ring(r->shard, &o, r->now), REFUSED_MEMBERS_FULL);
	refer(&p->t.l.a, "sip:1003@test.local");
	assert_true(phone_hears(&p->t.l.a, "SIP/2.0 202").n);
	rig_wait_ms(r, 100);
	assert_true(phone_rings(&p->d).n);
}

/* 1003 has many lines. */
static void one_more_answers(struct party *p, uint32_t members)
{
	struct rig *r = p->t.l.r;

	rig_wait_ms(r, 100);
	assert_true(phone_rings(&p->d).n);
	phone_answer(&p->d, p->d.invite, "200 OK", PHONE_SDP_B);
	rig_wait_ms(r, 200);
	assert_true(rig_take(r, &p->d.addr, "ACK ").n);
	assert_int_equal(conference_of(r, ROOM).members, members);
}

/* CONF-02, ADM-12: six by command and eight by phone; the seventh and the ninth are refused, and nothing has changed. */
static void the_seventh_and_the_ninth(void **state)
{
	struct party *p = *state;
	struct rig *r = p->t.l.r;
	struct shard_settings s = r->settings;
	struct shard_conference_request o = { .room = ROOM, .rung = RUNG, .to = "1003" };

	s.conferences.command_members = 6;
	shard_configure(r->shard, &s);
	party_confers(p);
	for (uint32_t members = 4; members <= 6; members++, o.rung++) {
		assert_int_equal(shard_conference_ring(r->shard, &o, r->now), 0);
		rig_run(r);
		one_more_answers(p, members);
	}
	assert_int_equal(shard_conference_ring(r->shard, &o, r->now), REFUSED_MEMBERS_FULL);
	for (uint32_t members = 7; members <= 8; members++) {
		refer(&p->t.l.a, "sip:1003@test.local");
		assert_true(phone_hears(&p->t.l.a, "SIP/2.0 202").n);
		one_more_answers(p, members);
	}
	refer(&p->t.l.a, "sip:1003@test.local");
	assert_true(phone_hears(&p->t.l.a, "SIP/2.0 486").n);
	rig_wait_ms(r, 200);
	assert_int_equal(rig_take(r, &p->d.addr, "INVITE ").n, 0);
	assert_int_equal(conference_of(r, ROOM).members, 8);
}

/* BEAT-10: whom it wanted to add is a mailbox, or whatever answers for the node, and the key is pressed twice. */
static void who_has_nobody_else(void **state)
{
	struct party *p = *state;
	struct rig *r = p->t.l.r;
	uint64_t first, second;

	application_set(r); /* at 1003 */
	phones_talk(&p->t.l.a, &p->t.l.b);
	first = call_of_user(r, "1001", "1002");
	phone_invite(&p->a2, "1003", PHONE_SDP_A);
	assert_true(phone_hears(&p->a2, "SIP/2.0 180").n);
	second = call_of_user(r, "1001", "1003");
	assert_int_equal(shard_call_answer(r->shard, second, NULL, r->now), 0);
	rig_run(r);
	assert_true(phone_hears(&p->a2, "SIP/2.0 200").n);
	phone_ack(&p->a2);
	for (int pressed = 0; pressed < 2; pressed++)
		assert_int_equal(confer(p, first, second), REFUSED_OWN_CALL);
	assert_int_equal(rig_counts(r).calls, 2);
	assert_int_equal(rig_counts(r).calls_established, 2);
	assert_false(shard_conference_view(r->shard, ROOM, &(struct room_view){ 0 }));
	assert_int_equal(rig_take(r, &p->t.l.b.addr, "BYE ").n, 0);
}

static int all_of_it(struct rig *r, enum shard_room_act act, uint16_t by)
{
	const struct shard_room_order o = { .act = act, .in_name_of = by };
	int err = shard_conference_order(r->shard, ROOM, &o, r->now);

	rig_run(r);
	rig_wait_ms(r, 20);
	return err;
}

static void assert_muted_held(struct rig *r, const char *from, bool muted, bool held)
{
	const struct members all = members_of(r, ROOM);
	const struct member_view *m = member_from(&all, from);

	assert_int_equal(m->muted, muted);
	assert_int_equal(m->held, held);
}

/* CALL-09, CONF-11: the whole conference, or those whom a member has invited. */
static void all_are_muted_and_held(void **state)
{
	struct party *p = *state;
	struct rig *r = p->t.l.r;

	party_confers(p); /* 1001 is member 1, and invited the others */
	assert_int_equal(all_of_it(r, SHARD_ROOM_MUTE, 1), 0);
	assert_muted_held(r, "1001", false, false);
	assert_muted_held(r, "1002", true, false);
	assert_muted_held(r, "1004", true, false);
	assert_int_equal(all_of_it(r, SHARD_ROOM_UNMUTE, 2), REFUSED_NOT_HOST);
	assert_int_equal(all_of_it(r, SHARD_ROOM_UNMUTE, 9), REFUSED_NO_MEMBER);
	assert_muted_held(r, "1002", true, false);
	assert_int_equal(all_of_it(r, SHARD_ROOM_UNMUTE, 0), 0);
	assert_muted_held(r, "1002", false, false);
	assert_int_equal(all_of_it(r, SHARD_ROOM_HOLD, 1), 0);
	assert_muted_held(r, "1001", false, false);
	assert_muted_held(r, "1004", false, true);
	assert_int_equal(all_of_it(r, SHARD_ROOM_RESUME, 1), 0);
	assert_muted_held(r, "1004", false, false);
}

static void bound_to_call_waiting(struct rig *r, uint8_t call_waiting)
{
	const struct shard_forward f = { .call_waiting = call_waiting };

	assert_int_equal(shard_forward_set(r->shard, TENANT_DEFAULT, "1001", &f), 0);
}

/* CONF-04: a call that came to whose conference it is. */
static void incoming_with_call_waiting(void **state)
{
	struct party *p = *state;
	struct rig *r = p->t.l.r;
	struct shard_settings s = r->settings;
	uint64_t first, second;

	s.conferences.incoming_bound = true;
	shard_configure(r->shard, &s);
	phones_talk(&p->t.l.a, &p->t.l.b);
	first = call_of_user(r, "1001", "1002");
	phone_invite(&p->t.c, "1001", PHONE_SDP_A);
	assert_true(phone_rings(&p->t.l.a).n);
	phone_answer_as(&p->t.l.a, p->t.l.a.invite, "incoming", "200 OK", "", PHONE_SDP_B);
	assert_true(phone_hears(&p->t.c, "SIP/2.0 200").n);
	phone_ack(&p->t.c);
	second = call_of_user(r, "1004", "1001");
	assert_int_equal(confer(p, first, second), REFUSED_NO_WAITING);
	assert_int_equal(rig_counts(r).calls, 2);
	bound_to_call_waiting(r, CALL_WAITING_OFF);
	assert_int_equal(confer(p, first, second), REFUSED_NO_WAITING);
	bound_to_call_waiting(r, CALL_WAITING_SINGLE);
	assert_int_equal(confer(p, first, second), 0);
	assert_int_equal(conference_of(r, ROOM).members, 3);
}

/* ... and one that he made comes, whatever he has. */
static void made_without_call_waiting(void **state)
{
	struct party *p = *state;
	struct shard_settings s = p->t.l.r->settings;

	s.conferences.incoming_bound = true;
	shard_configure(p->t.l.r->shard, &s);
	party_confers(p);
}

/* Of what cannot be a conference nothing is left. */
static void refused(void **state)
{
	struct party *p = *state;
	struct rig *r = p->t.l.r;
	struct shard_conference_request o = { .room = ROOM, .leg = SHARD_LEG_CALLER };
	uint64_t first, second;

	party_calls(p, &first, &second);
	o.call = first;
	o.with = first;
	assert_int_equal(shard_conference_request(r->shard, &o, r->now), REFUSED_SAME_CALL);
	o.with = 5;
	assert_int_equal(shard_conference_request(r->shard, &o, r->now), REFUSED_NO_CALL);
	assert_true(o.of_with);
	o.with = second;
	o.leg = SHARD_LEG_NONE;
	assert_int_equal(shard_conference_request(r->shard, &o, r->now), REFUSED_OWNER_NOT_NAMED);
	assert_int_equal(order_one(r, first, MEMBER_MUTE, true, 0, 0), REFUSED_NO_MEMBERSHIP);
	o.with = 0;
	o.leg = SHARD_LEG_CALLER;
	o.to = "1009";
	o.rung = RUNG;
	assert_int_equal(shard_conference_ring(r->shard, &o, r->now), REFUSED_NOT_REGISTERED);
	rig_run(r);
	rig_wait_ms(r, 100);
	assert_int_equal(rig_counts(r).calls, 2);
	assert_false(shard_conference_view(r->shard, ROOM, &(struct room_view){ 0 }));
}

/* A member that is given to somebody else is in the conference until that one answers, and then no more. */
static void a_member_is_transferred(void **state)
{
	struct party *p = *state;
	struct rig *r = p->t.l.r;
	struct members all;
	uint64_t b;

	party_confers(p);
	all = members_of(r, ROOM);
	b = member_from(&all, "1002")->call;
	assert_int_equal(shard_call_transfer(r->shard, b, SHARD_LEG_NONE, "1003", NULL, r->now), 0);
	rig_run(r);
	rig_wait_ms(r, 50);
	assert_true(phone_rings(&p->d).n);
	assert_int_equal(conference_of(r, ROOM).members, 3);
	assert_int_not_equal(spec_of_call(r, b).source.job.slot, 100);
	phone_answer(&p->d, p->d.invite, "200 OK", PHONE_SDP_B);
	rig_wait_ms(r, 50);
	assert_false(shard_call_room(r->shard, b) == ROOM);
	assert_string_equal(event_str(last_event(r, SIG_CONFERENCE_LEFT), EV_REASON), "connected");
}

/* Records come in any order, and that of the conference may be lost: nobody is. */
static void survives_a_kill(void **state)
{
	static const bool ways[][2] = { { true, true }, { false, true }, { false, false } };

	for (size_t i = 0; i < COUNT_OF(ways); i++) {
		struct party *p;
		struct members all;

		(void)party_setup((void **)&p);
		party_confers(p);
		all = members_of(p->t.l.r, ROOM);
		assert_int_equal(order_one(p->t.l.r, member_from(&all, "1004")->call, MEMBER_MUTE,
					   true, 0, 0),
				 0);
		p->t.l.r->mixer_count = 0;
		party_restart(p, ways[i][0], ways[i][1]);
		assert_int_equal(conference_of(p->t.l.r, ROOM).members, 3);
		assert_int_equal(conference_of(p->t.l.r, ROOM).host, 1);
		all = members_of(p->t.l.r, ROOM);
		assert_int_equal(member_from(&all, "1004")->number, 3);
		assert_true(member_from(&all, "1004")->muted);
		for (uint32_t k = 0; k < all.count; k++)
			assert_in_room(p->t.l.r, all.list[k].call, ROOM, all.list[k].number);
		hangs_up(&p->t.l.a);
		rig_wait_ms(p->t.l.r, 100);
		assert_int_equal(conference_of(p->t.l.r, ROOM).members, 2); /* one is muted */
		assert_int_equal(order_one(p->t.l.r, all.list[2].call, MEMBER_MUTE, false, 0, 0),
				 0);
		rig_wait_ms(p->t.l.r, 2500);
		assert_int_equal(rig_counts(p->t.l.r).calls, 1);
		(void)line_teardown((void **)&p);
	}
	(void)state;
}

/* APP-02: an application hears two who speak and is heard by both, over a kill; when it has enough they are a call of two again. */
static void with_an_application(void **state)
{
	const struct shard_order by = order_of(1);
	struct shard_conference_request o = {
		.room = ROOM, .leg = SHARD_LEG_CALLER, .endpoint = "bot", .by = &by
	};
	struct party *p = *state;
	struct rig *r = p->t.l.r;
	struct members all;

	phones_talk(&p->t.l.a, &p->t.l.b);
	o.call = call_of_user(r, "1001", "1002");
	assert_int_equal(shard_conference_request(r->shard, &o, r->now), 0);
	rig_run(r);
	for (unsigned killed = 0; killed < 2; killed++) {
		rig_wait_ms(r, 3000);
		assert_int_equal(conference_of(r, ROOM).members, 2);
		assert_string_equal(conference_of(r, ROOM).endpoint, "bot");
		all = members_of(r, ROOM);
		for (uint32_t i = 0; i < all.count; i++)
			assert_in_room(r, all.list[i].call, ROOM, all.list[i].number);
		assert_string_equal(r->parts[r->part_count - 1].file, "live-bot");
		if (killed)
			break;
		r->mixer_count = 0;
		party_restart(p, true, true);
	}
	rig_reply(r, (struct reply){ .ask = ASK_PLAY,
				     .of = ROOM,
				     .play = { .kind = PROMPT_REPLY_ENDED,
					       .serial = r->parts[r->part_count - 1].serial } });
	rig_wait_ms(r, 1500);
	assert_int_equal(rig_counts(r).calls, 1);
	trio_assert_talks(r, 0, 1);
	assert_string_equal(event_str(last_event(r, SIG_CONFERENCE_STREAM_ENDED), EV_REASON),
			    "end");
	assert_int_equal(event_number(last_event(r, SIG_CONFERENCE_ENDED), EV_CONFERENCE), ROOM);
}

/* A leg that left for a conference is back in the call where it was born: its record is taken as any (sig/dialog/dialog.h). */
static void home_again_survives_a_kill(void **state)
{
	struct party *p = *state;
	struct rig *r = p->t.l.r;

	party_confers(p);
	hangs_up(&p->t.c);
	rig_wait_ms(r, 1500);
	assert_int_equal(rig_counts(r).calls, 1);
	party_restart(p, true, true);
	assert_int_equal(rig_counts(r).calls, 1);
	hangs_up(&p->t.l.a);
	trio_assert_left(&p->t.l.b);
	line_assert_idle(r);
}

/* MON-04: who listens is heard by nobody, a coach by one; with one of the two it is left. */
static void one_monitors(void **state)
{
	for (int coaches = 0; coaches <= 1; coaches++) {
		struct party *p = *state;
		struct rig *r = p->t.l.r;
		struct shard_conference_request o = { .room = ROOM + 16u * (unsigned)coaches,
						      .rung = RUNG + 16u * (unsigned)coaches,
						      .to = "1003",
						      .leg = SHARD_LEG_CALLEE,
						      .monitors = coaches ? MONITORS_COACHES
									  : MONITORS_LISTENS,
						      .told = coaches };
		struct members all;
		uint64_t d;

		r->shard->settings.conferences.tones_most = 3;
		r->part_count = 0;
		phones_talk(&p->t.l.a, &p->t.l.b);
		o.call = call_of_user(r, "1001", "1002");
		assert_int_equal(shard_conference_ring(r->shard, &o, r->now), 0);
		rig_run(r);
		rig_wait_ms(r, 50);
		(void)phone_rings(&p->d);
		phone_answer(&p->d, p->d.invite, "200 OK", PHONE_SDP_B);
		rig_wait_ms(r, 200);
		all = members_of(r, o.room);
		assert_int_equal(all.count, 3);
		assert_true(member_from(&all, "1002")->host);
		assert_true(member_from(&all, "1003")->monitors);
		d = member_from(&all, "1003")->call;
		assert_int_equal(r->part_count, coaches);
		assert_string_equal(r->part_count ? r->parts[0].file : "",
				    coaches ? "beep-entry" : "");
		assert_int_equal(spec_of_call(r, d).member.muted, !coaches);
		assert_int_equal(spec_of_call(r, d).member.coaches,
				 coaches ? member_from(&all, "1002")->number : 0);
		if (coaches) { /* one of the two goes */
			hangs_up(&p->t.l.a);
			trio_assert_left(&p->d);
			trio_assert_left(&p->t.l.b);
			line_assert_idle(r);
			continue;
		}
		hangs_up(&p->d);
		rig_wait_ms(r, 1500);
		assert_int_equal(rig_counts(r).calls, 1);
		assert_int_equal(members_of(r, o.room).count, 0);
		hangs_up(&p->t.l.a);
		trio_assert_left(&p->t.l.b);
		line_assert_idle(r);
	}
}

/* MON-04: who takes over has the other party alone, whether he was rung for that, or listened
 * before; over a kill between his coming and the other one's going, too. */
static void one_takes_over(void **state)
{
	for (int listened = 0; listened <= 1; listened++) {
		struct party *p = *state;
		struct rig *r = p->t.l.r;
		struct shard_conference_request o = { .room = ROOM + 16u * (unsigned)listened,
						      .rung = RUNG + 16u * (unsigned)listened,
						      .to = "1003",
						      .leg = SHARD_LEG_CALLEE,
						      .monitors = listened ? MONITORS_LISTENS
									   : MONITORS_TAKES };
		struct members all;

		phones_talk(&p->t.l.a, &p->t.l.b);
		o.call = call_of_user(r, "1001", "1002");
		assert_int_equal(shard_conference_ring(r->shard, &o, r->now), 0);
		rig_run(r);
		rig_wait_ms(r, 50);
		(void)phone_rings(&p->d);
		phone_answer(&p->d, p->d.invite, "200 OK", PHONE_SDP_B);
		if (listened) {
			rig_wait_ms(r, 200);
			all = members_of(r, o.room);
			o.call = member_from(&all, "1002")->call;
			o.monitors = MONITORS_TAKES;
			o.room += 1000; /* another command */
			o.rung += 1000;
			assert_int_equal(shard_conference_ring(r->shard, &o, r->now), 0);
			rig_run(r);
		}
		rig_wait_ms(r, 300);
		trio_assert_left(&p->t.l.b);
		rig_wait_ms(r, 1500);
		assert_int_equal(rig_counts(r).calls, 1);
		assert_int_equal(members_of(r, o.room).count, 0);
		hangs_up(&p->t.l.a);
		trio_assert_left(&p->d);
		line_assert_idle(r);
	}
}

/* CONF-10 and the end of all. */
static void ruled_by_its_host(void **state)
{
	struct party *p = *state;
	struct rig *r = p->t.l.r;
	struct shard_room_order o = { .act = SHARD_ROOM_LOCK, .in_name_of = 2 };
	struct members all;

	party_confers(p);
	all = members_of(r, ROOM);
	assert_int_equal(shard_conference_order(r->shard, ROOM, &o, r->now), REFUSED_NOT_HOST);
	assert_int_equal(order_one(r, member_from(&all, "1002")->call, MEMBER_HOST, true, 0, 1), 0);
	assert_int_equal(shard_conference_order(r->shard, ROOM, &o, r->now), 0);
	assert_true(conference_of(r, ROOM).locked);
	assert_int_equal(conference_of(r, ROOM).host, 2);
	o.act = SHARD_ROOM_END;
	assert_int_equal(shard_conference_order(r->shard, ROOM, &o, r->now), 0);
	rig_run(r);
	trio_assert_left(&p->t.l.a);
	trio_assert_left(&p->t.l.b);
	trio_assert_left(&p->t.c);
	line_assert_idle(r);
	assert_int_equal(r->cdrs[r->cdr_count - 1].room, ROOM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PARTY_TEST(two_calls_become_one),
		PARTY_TEST(recorded_as_its_host),
		PARTY_TEST(two_left_speak_by_themselves),
		PARTY_TEST(two_left_stay_a_conference),
		PARTY_TEST(the_host_is_followed),
		PARTY_TEST(one_member_is_changed),
		PARTY_TEST(a_phone_holds),
		PARTY_TEST(one_is_rung),
		PARTY_TEST(too_many),
		PARTY_TEST(fewer_by_command),
		PARTY_TEST(the_seventh_and_the_ninth),
		PARTY_TEST(who_has_nobody_else),
		PARTY_TEST(all_are_muted_and_held),
		PARTY_TEST(incoming_with_call_waiting),
		PARTY_TEST(made_without_call_waiting),
		PARTY_TEST(two_left_with_its_initiator),
		PARTY_TEST(who_is_heard),
		PARTY_TEST(refused),
		PARTY_TEST(a_member_is_transferred),
		PARTY_TEST(survives_a_kill),
		PARTY_TEST(with_an_application),
		PARTY_TEST(home_again_survives_a_kill),
		PARTY_TEST(ruled_by_its_host),
		PARTY_TEST(one_monitors),
		PARTY_TEST(one_takes_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
