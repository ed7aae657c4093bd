/* SPDX-License-Identifier: Apache-2.0 */
/* Several phones ring for one call (RFC 3261 16.7 as seen from a B2BUA), and calls that are sent elsewhere (3xx). */
#include "base/metric.h"
#include "tests/unit/sig/hunt.h"
#include "tests/unit/sig/record/golden.h"

static void first_answer_wins(void **state)
{
	for (unsigned winner = 0; winner < PHONES; winner++) {
		struct hunt *t;

		if (winner) {
			assert_int_equal(hunt_teardown(state), 0);
			assert_int_equal(hunt_setup(state), 0);
		}
		t = *state;
		ring_all(t);
		assert_int_equal(rig_count(t->r, &t->a.addr, "SIP/2.0 180"), 1);
		assert_int_equal(view(t->r).leg_count, 1 + PHONES);
		phone_answer(&t->b[winner], t->b[winner].invite, "200 OK", PHONE_SDP_B);
		assert_true(rig_take(t->r, &t->b[winner].addr, "ACK ").n);
		for (unsigned i = 0; i < PHONES; i++) {
			if (i != winner)
				cancelled(&t->b[i]);
		}
		assert_true(phone_hears(&t->a, "SIP/2.0 200").n);
		phone_ack(&t->a);
		assert_talking(t, &t->b[winner]);
		hang_up(t, &t->b[winner]);
		assert_ended(t, 200, ENDED_BY_A);
		assert_int_equal(t->r->cdrs[0].b.packets_in,
				 50 + PHONES - winner); /* the last one to register is leg 1 */
	}
}

/* Two have answered early; each may offer anew (RFC 3311), whether the caller was told of it or not, and the one that wins has what it said
 * last. */
static void each_offers_anew(void **state)
{
	for (unsigned round = 0; round < 4; round++) {
		unsigned winner = round % 2;
		struct call_view v;
		struct hunt *t;

		if (round) {
			assert_int_equal(hunt_teardown(state), 0);
			assert_int_equal(hunt_setup(state), 0);
		}
		t = *state;
		if (round >= 2)
			phone_open(&t->a, t->r, "1003", "192.0.2.11:5060");
		ring(t);
		for (unsigned i = 0; i < 2; i++) {
			struct phone *b = &t->b[i];
			char sdp[300];

			phone_answer_as(b, b->invite, b->tag, "183 Session Progress",
					"Require: 100rel\r\nRSeq: 7\r\n", PHONE_SDP_B);
			phone_answer(b, rig_take(t->r, &b->addr, "PRACK "), "200 OK", "");
			(void)snprintf(sdp, sizeof(sdp),
				       "v=0\r\no=b 1 2 IN IP4 %.10s\r\ns=-\r\nc=IN IP4 %.10s\r\n"
				       "t=0 0\r\nm=audio 600%u RTP/AVP 8\r\na=sendrecv\r\n",
				       b->address, b->address, 2 * i);
			phone_request(b, "UPDATE", "", sdp);
			assert_true(rig_has(rig_take(t->r, &b->addr, "SIP/2.0 200"), "m=audio "));
		}
		restart(t);
		phone_answer(&t->b[winner], t->b[winner].invite, "200 OK", "");
		cancelled(&t->b[!winner]);
		assert_true(phone_hears(&t->a, "SIP/2.0 200").n);
		phone_ack(&t->a);
		assert_int_equal(rig_counts(t->r).calls_established, 1);
		v = view(t->r);
		for (uint32_t i = 0; i < v.flow_count; i++)
			assert_int_equal(v.flows[i].remote.port,
					 v.flows[i].leg ? 6000 + 2 * winner : 4000);
	}
}

/* RFC 3326: it rang elsewhere, so this is no missed call; a caller that gives up is one. */
static void why_it_stops(void **state)
{
	struct hunt *t = *state;

	ring_all(t);
	phone_answer(&t->b[0], t->b[0].invite, "200 OK", PHONE_SDP_B);
	assert_true(rig_has(rig_take(t->r, &t->b[1].addr, "CANCEL "),
			    "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n"));
}

/* RFC 3261 9.1: a phone that has said nothing yet is cancelled when it has. */
static void loser_is_slow(void **state)
{
	struct hunt *t = *state;

	ring(t);
	phone_answer(&t->b[1], t->b[1].invite, "200 OK", PHONE_SDP_B);
	assert_int_equal(rig_count(t->r, &t->b[0].addr, "CANCEL "), 0);
	phone_answer(&t->b[0], t->b[0].invite, "180 Ringing", "");
	cancelled(&t->b[0]);
	phone_answer(&t->b[2], t->b[2].invite, "486 Busy Here", "");
	assert_int_equal(rig_count(t->r, &t->a.addr, "SIP/2.0 180"), 0);
	(void)phone_hears(&t->a, "SIP/2.0 200");
	phone_ack(&t->a);
	assert_talking(t, &t->b[1]);
	hang_up(t, &t->b[1]);
	assert_ended(t, 200, ENDED_BY_A);
}

/* It crosses our CANCEL: acknowledged and ended, also when it says so again. */
static void loser_answers_late(void **state)
{
	struct hunt *t = *state;
	struct bytes bye;

	ring_all(t);
	phone_answer(&t->b[0], t->b[0].invite, "200 OK", PHONE_SDP_B);
	phone_answer(&t->b[1], t->b[1].invite, "200 OK", PHONE_SDP_B);
	assert_int_equal(rig_count(t->r, &t->b[1].addr, "ACK "), 1);
	phone_answer(&t->b[1], t->b[1].invite, "200 OK", PHONE_SDP_B);
	assert_int_equal(rig_count(t->r, &t->b[1].addr, "ACK "), 2);
	bye = rig_take(t->r, &t->b[1].addr, "BYE ");
	assert_true(rig_has(rig_header(bye, "To"), ";tag=b1"));
	phone_answer(&t->b[1], bye, "200 OK", "");
	cancelled(&t->b[2]);
	(void)phone_hears(&t->a, "SIP/2.0 200");
	phone_ack(&t->a);
	assert_int_equal(rig_count(t->r, &t->a.addr, "SIP/2.0 200"), 1);
	assert_talking(t, &t->b[0]);
	hang_up(t, &t->b[0]);
	assert_ended(t, 200, ENDED_BY_A);
}

/* RFC 3261 16.7 step 6, with what A may not hear translated first. */
static void the_best_refusal(void **state)
{
	static const struct {
		const char *said[PHONES];
		uint16_t heard;
	} rows[] = {
		{ { "486 Busy Here", "480 Away", "503 Overload" }, 486 },
		{ { "503 Overload", "480 Away", "486 Busy Here" }, 480 },
		{ { "503 Overload", "503 Overload", "503 Overload" }, 500 },
		{ { "401 Who?", "407 Who?", "486 Busy Here" }, 486 },
		{ { "401 Who?", "407 Who?", "401 Who?" }, 500 },
		{ { "486 Busy Here", "484 Address Incomplete", "480 Away" }, 484 },
		{ { "486 Busy Here", "302 Moved", "302 Moved" }, 486 },
		{ { "500 Oops", "504 Time-out", "415 What?" }, 415 },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct hunt *t;
		char begin[16];

		if (i) {
			assert_int_equal(hunt_teardown(state), 0);
			assert_int_equal(hunt_setup(state), 0);
		}
		t = *state;
		ring_all(t);
		for (unsigned k = 0; k < PHONES; k++) {
			ROW_ASSERT(rows[i].said[k],
				   rig_count(t->r, &t->a.addr, "SIP/2.0 4") +
						   rig_count(t->r, &t->a.addr, "SIP/2.0 5") ==
					   0);
			phone_answer(&t->b[k], t->b[k].invite, rows[i].said[k], "");
			ROW_ASSERT(rows[i].said[k], rig_count(t->r, &t->b[k].addr, "ACK ") == 1);
		}
		(void)snprintf(begin, sizeof(begin), "SIP/2.0 %u", rows[i].heard);
		ROW_ASSERT(begin, phone_hears(&t->a, begin).n);
		phone_write(&t->a, "ACK", "", "");
		assert_ended(t, rows[i].heard, ENDED_BY_B);
	}
}

/* A phone that was left in a drawer does not hide that the other one is busy. */
static void silence_is_no_verdict(void **state)
{
	struct hunt *t = *state;

	ring(t);
	phone_answer(&t->b[0], t->b[0].invite, "486 Busy Here", "");
	phone_answer(&t->b[1], t->b[1].invite, "180 Ringing", "");
	rig_wait_ms(t->r, 33000); /* timer B of the third */
	phone_answer(&t->b[1], t->b[1].invite, "480 Away", "");
	assert_true(phone_hears(&t->a, "SIP/2.0 486").n);
	phone_write(&t->a, "ACK", "", "");
	assert_ended(t, 486, ENDED_BY_B);
}

static void a_global_refusal(void **state)
{
	struct hunt *t = *state;

	ring_all(t);
	phone_answer(&t->b[1], t->b[1].invite, "486 Busy Here", "");
	phone_answer(&t->b[0], t->b[0].invite, "603 Decline", "");
	assert_true(phone_hears(&t->a, "SIP/2.0 603").n);
	phone_write(&t->a, "ACK", "", "");
	cancelled(&t->b[2]);
	assert_ended(t, 603, ENDED_BY_B);
}

static void caller_gives_up(void **state)
{
	struct hunt *t = *state;

	ring_all(t);
	phone_cancel(&t->a);
	assert_true(phone_hears(&t->a, "SIP/2.0 487").n);
	phone_write(&t->a, "ACK", "", "");
	for (unsigned i = 0; i < PHONES; i++)
		cancelled(&t->b[i]);
	assert_ended(t, 487, ENDED_BY_A);
}

/* Ports of a branch that failed are free for others while the rest rings. */
static void ports_come_back(void **state)
{
	struct hunt *t = *state;

	ring_all(t);
	assert_int_equal(rig_counts(t->r).ports_free, 100 - 1 - PHONES);
	phone_answer(&t->b[1], t->b[1].invite, "486 Busy Here", "");
	assert_int_equal(rig_counts(t->r).ports_free, 100 - PHONES);
}

/* The newest command of that kind for a leg; all zero when there is none. */
static struct flow_spec last_media(const struct rig *r, enum media_command_kind kind, uint8_t leg)
{
	for (uint32_t i = r->media_count; i-- > 0;) {
		if (r->media[i].kind == kind && r->media[i].spec.leg == leg)
			return r->media[i].spec;
	}
	return (struct flow_spec){ 0 };
}

/* A hears the last one that has something to say; each answer is of an early dialog of its own (RFC 3261 13.2.1). */
static void early_media_of_two(void **state)
{
	struct hunt *t = *state;
	struct bytes first, second, final;

	phone_open(&t->a, t->r, "1003", "192.0.2.13:5060");
	ring(t);
	phone_answer(&t->b[0], t->b[0].invite, "183 Session Progress", PHONE_SDP_B);
	first = phone_hears(&t->a, "SIP/2.0 183");
	assert_true(rig_has(first, "m=audio "));
	assert_int_equal(last_media(t->r, MEDIA_FLOW_UPDATE, 3).rule_count, 2);
	phone_answer(&t->b[1], t->b[1].invite, "183 Session Progress", PHONE_SDP_B);
	second = phone_hears(&t->a, "SIP/2.0 183");
	assert_false(bytes_eq(rig_header(first, "To"), rig_header(second, "To")));
	assert_int_equal(last_media(t->r, MEDIA_FLOW_UPDATE, 3).rule_count, 0);
	assert_int_equal(last_media(t->r, MEDIA_FLOW_UPDATE, 2).rule_count, 2);
	assert_int_equal(last_media(t->r, MEDIA_FLOW_UPDATE, 0).peer.slot,
			 last_media(t->r, MEDIA_FLOW_UPDATE, 2).id.slot);
	phone_answer(&t->b[0], t->b[0].invite, "200 OK", "");
	final = phone_hears(&t->a, "SIP/2.0 200");
	assert_true(rig_has(final, "m=audio "));
	assert_false(bytes_eq(rig_header(final, "To"), rig_header(second, "To")));
	assert_int_equal(last_media(t->r, MEDIA_FLOW_UPDATE, 0).peer.slot,
			 last_media(t->r, MEDIA_FLOW_UPDATE, 3).id.slot);
	phone_ack(&t->a);
	cancelled(&t->b[1]);
	phone_answer(&t->b[2], t->b[2].invite, "180 Ringing", "");
	cancelled(&t->b[2]);
	assert_talking(t, &t->b[0]);
}

static void answer_moved(struct phone *p, const char *contacts)
{
	phone_answer_as(p, p->invite, p->tag, "302 Moved Temporarily", contacts, "");
}

/* A phone that forwards its calls (RFC 3261 8.1.3.4). phone_answer_as adds its own contact: it was rung already. */
static void sent_elsewhere(void **state)
{
	struct hunt *t = *state;

	ring_all(t);
	answer_moved(&t->b[0], "Contact: <sip:1004@192.0.2.1>\r\n");
	assert_true(bytes_starts(phone_rings(&t->c), "INVITE sip:1004@192.0.2.14:5060 "));
	assert_true(rig_has(t->c.invite, "From: \"Phone\" <sip:1001@192.0.2.1:5060>;tag="));
	assert_true(rig_has(t->c.invite, "Max-Forwards: 69\r\n"));
	assert_int_equal(rig_count(t->r, &t->b[0].addr, "INVITE "), 1);
	phone_answer(&t->c, t->c.invite, "200 OK", PHONE_SDP_B);
	cancelled(&t->b[1]);
	cancelled(&t->b[2]);
	(void)phone_hears(&t->a, "SIP/2.0 200");
	phone_ack(&t->a);
	assert_talking(t, &t->c);
	hang_up(t, &t->c);
	assert_ended(t, 200, ENDED_BY_A);
}

/* Two phones send each other the calls: each rings once. */
static void sent_in_circles(void **state)
{
	struct hunt *t = *state;

	phone_invite(&t->a, "1004", PHONE_SDP_A);
	(void)phone_rings(&t->c);
	answer_moved(&t->c, "Contact: <sip:1002@192.0.2.1>, <sip:1004@192.0.2.1>\r\n");
	for (unsigned i = 0; i < PHONES; i++) {
		assert_true(phone_rings(&t->b[i]).n);
		answer_moved(&t->b[i], "Contact: <sip:1004@test.local>, <sip:1002@test.local>\r\n");
	}
	assert_true(phone_hears(&t->a, "SIP/2.0 480").n);
	phone_write(&t->a, "ACK", "", "");
	assert_int_equal(rig_count(t->r, &t->c.addr, "INVITE "), 1);
	assert_ended(t, 480, ENDED_BY_B);
}

/* We take no call out of the house because a phone says so. */
static void sent_away(void **state)
{
	static const char *const contacts[] = {
		"Contact: <sip:1004@198.51.100.1>\r\n", "Contact: <sip:1004@elsewhere.test>\r\n",
		"Contact: <mailto:a@b.test>\r\n",       "Contact: <sip:9999@192.0.2.1>\r\n",
		"Contact: <sip:1003@192.0.2.1>\r\n",    "",
	};

	for (size_t i = 0; i < COUNT_OF(contacts); i++) {
		struct hunt *t;

		if (i) {
			assert_int_equal(hunt_teardown(state), 0);
			assert_int_equal(hunt_setup(state), 0);
		}
		t = *state;
		phone_invite(&t->a, "1004", PHONE_SDP_A);
		(void)phone_rings(&t->c);
		answer_moved(&t->c, contacts[i]);
		ROW_ASSERT(contacts[i], phone_hears(&t->a, "SIP/2.0 480").n);
		phone_write(&t->a, "ACK", "", "");
		assert_ended(t, 480, ENDED_BY_B);
	}
}

/* The third has no ports left: two ring. */
static void too_few_ports(void **state)
{
	struct hunt *t = *state;

	t->r->settings.networks[0].last_port = 20005;
	shard_close(t->r->shard);
	rig_start_shard(t->r);
	bind_all(t);
	phone_invite(&t->a, "1002", PHONE_SDP_A);
	assert_true(phone_rings(&t->b[2]).n);
	assert_true(phone_rings(&t->b[1]).n);
	assert_int_equal(phone_rings(&t->b[0]).n, 0);
	phone_answer(&t->b[1], t->b[1].invite, "200 OK", PHONE_SDP_B);
	(void)phone_hears(&t->a, "SIP/2.0 200");
	phone_ack(&t->a);
	assert_int_equal(rig_counts(t->r).calls_established, 1);
}

static void nobody_offers(void **state)
{
	struct hunt *t = *state;
	struct bytes m;

	phone_invite(&t->a, "1002", "");
	for (unsigned i = 0; i < PHONES; i++) {
		(void)phone_rings(&t->b[i]);
		phone_answer(&t->b[i], t->b[i].invite, "180 Ringing", "");
	}
	assert_int_equal(rig_counts(t->r).ports_free, 100);
	phone_answer(&t->b[1], t->b[1].invite, "200 OK", PHONE_SDP_B);
	phone_answer(&t->b[0], t->b[0].invite, "200 OK", PHONE_SDP_B);
	assert_int_equal(rig_count(t->r, &t->b[0].addr, "BYE "), 1);
	cancelled(&t->b[2]);
	m = phone_hears(&t->a, "SIP/2.0 200");
	assert_true(rig_has(m, "m=audio "));
	assert_int_equal(rig_count(t->r, &t->b[1].addr, "ACK "), 0);
	phone_ack_with(&t->a, PHONE_SDP_A);
	assert_true(rig_has(rig_take(t->r, &t->b[1].addr, "ACK "), "m=audio "));
	phone_answer(&t->b[0], rig_take(t->r, &t->b[0].addr, "BYE "), "200 OK", "");
	assert_talking(t, &t->b[1]);
}

/* The winner is another leg than the first: its re-INVITEs go to A, and A's to it. */
static void holds_afterwards(void **state)
{
	struct hunt *t = *state;
	struct bytes m;

	ring_all(t);
	phone_answer(&t->b[0], t->b[0].invite, "200 OK", PHONE_SDP_B);
	cancelled(&t->b[1]);
	cancelled(&t->b[2]);
	(void)phone_hears(&t->a, "SIP/2.0 200");
	phone_ack(&t->a);
	phone_request(&t->b[0], "INVITE", "", PHONE_SDP_B);
	m = rig_take(t->r, &t->a.addr, "INVITE ");
	phone_answer(&t->a, m, "200 OK", PHONE_SDP_A);
	assert_true(phone_hears(&t->b[0], "SIP/2.0 200").n);
	phone_ack(&t->b[0]);
	phone_request(&t->a, "INVITE", "", PHONE_SDP_A);
	m = rig_take(t->r, &t->b[0].addr, "INVITE ");
	assert_true(m.n);
	phone_answer(&t->b[0], m, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&t->a, "SIP/2.0 200").n);
	phone_ack(&t->a);
	assert_talking(t, &t->b[0]);
	hang_up(t, &t->b[0]);
	assert_ended(t, 200, ENDED_BY_A);
}

/* One rings, one has not answered at all, one is busy: the next process knows. */
static void restart_while_they_ring(void **state)
{
	struct hunt *t = *state;
	struct bytes m;

	ring(t);
	phone_answer(&t->b[1], t->b[1].invite, "486 Busy Here", "");
	phone_answer(&t->b[0], t->b[0].invite, "180 Ringing", "");
	restart(t);
	assert_int_equal(rig_count(t->r, &t->b[0].addr, "INVITE "), 1);
	assert_int_equal(rig_count(t->r, &t->b[1].addr, "INVITE "), 1);
	m = rig_take(t->r, &t->b[2].addr, "INVITE ");
	assert_true(bytes_eq(m, t->b[2].invite)); /* for it a retransmission */
	assert_int_equal(rig_counts(t->r).ports_free, 100 - PHONES);
	phone_answer(&t->b[0], t->b[0].invite, "480 Away", "");
	assert_int_equal(rig_count(t->r, &t->a.addr, "SIP/2.0 4"), 0);
	phone_answer(&t->b[2], t->b[2].invite, "500 Oops", "");
	assert_true(phone_hears(&t->a, "SIP/2.0 486").n); /* the busy one of the former process */
	phone_write(&t->a, "ACK", "", "");
	assert_ended(t, 486, ENDED_BY_B);
}

/* It died between the winner's answer and the losers' end: they are cancelled again. */
static void restart_while_losers_go(void **state)
{
	struct hunt *t = *state;

	ring(t);
	phone_answer(&t->b[0], t->b[0].invite, "180 Ringing", "");
	phone_answer(&t->b[1], t->b[1].invite, "180 Ringing", "");
	phone_answer(&t->b[1], t->b[1].invite, "200 OK", PHONE_SDP_B);
	(void)phone_hears(&t->a, "SIP/2.0 200");
	restart(t);
	assert_int_equal(rig_count(t->r, &t->b[0].addr, "CANCEL "), 2);
	cancelled(&t->b[0]);
	/* it may have refused by now: another copy of the INVITE would make it ring again */
	assert_int_equal(rig_count(t->r, &t->b[2].addr, "INVITE "), 1);
	cancelled(&t->b[2]);
	(void)phone_hears(&t->a, "SIP/2.0 200");
	phone_ack(&t->a);
	assert_talking(t, &t->b[1]);
	restart(t);
	assert_talking(t, &t->b[1]);
	hang_up(t, &t->b[1]);
	assert_ended(t, 200, ENDED_BY_A);
}

/* A proxy in front of the phone forks as well (RFC 3261 13.2.2.4): each further dialog is ended, up to a limit. */
static void test_forks_of_a_leg(void **state)
{
	struct hunt *t = *state;
	uint64_t dropped = metric_value(metric_register(METRIC_COUNTER, "tandem_sip_dropped_total",
							"reason=\"too_many_forks\"", ""));

	ring(t);
	phone_answer(&t->b[0], t->b[0].invite, "200 OK", PHONE_SDP_B);
	for (int i = 0; i < 40; i++) {
		char tag[16];

		(void)snprintf(tag, sizeof(tag), "fork%d", i);
		phone_answer_as(&t->b[0], t->b[0].invite, tag, "200 OK", "", PHONE_SDP_B);
	}
	assert_int_equal(rig_count(t->r, &t->b[0].addr, "BYE "), 16);
	assert_int_equal(rig_count(t->r, &t->b[0].addr, "ACK "), 1 + 16);
	assert_int_equal(metric_value(metric_register(METRIC_COUNTER, "tandem_sip_dropped_total",
						      "reason=\"too_many_forks\"", "")),
			 dropped + 40 - 16);
	phone_answer_as(&t->b[0], t->b[0].invite, t->b[0].tag, "200 OK", "", PHONE_SDP_B);
	assert_int_equal(rig_count(t->r, &t->b[0].addr, "ACK "), 2 + 16);
}

/* The process is killed before the BYE to a further fork was answered: its successor says it again, the same one, and only as long as that is
 * so. */
static void killed_before_a_fork_leaves(void **state)
{
	struct hunt *t = *state;
	struct bytes bye;
	char branch[128];

	ring_all(t);
	phone_answer(&t->b[0], t->b[0].invite, "200 OK", PHONE_SDP_B);
	cancelled(&t->b[1]);
	cancelled(&t->b[2]);
	(void)phone_hears(&t->a, "SIP/2.0 200");
	phone_ack(&t->a);
	phone_answer_as(&t->b[0], t->b[0].invite, "late", "200 OK", "", PHONE_SDP_B);
	phone_copy(branch, sizeof(branch),
		   rig_header(rig_take(t->r, &t->b[0].addr, "BYE "), "Via"));
	for (int kills = 0; kills < 2; kills++) {
		restart(t);
		bye = rig_take(t->r, &t->b[0].addr, "BYE ");
		assert_true(bytes_is(rig_header(bye, "Via"), branch));
		assert_true(rig_has(rig_header(bye, "To"), ";tag=late"));
		phone_answer_as(&t->b[0], t->b[0].invite, "late", "200 OK", "", PHONE_SDP_B);
		assert_int_equal(rig_take(t->r, &t->b[0].addr, "BYE ").n, 0); /* but its ACK */
	}
	phone_answer(&t->b[0], bye, "200 OK", "");
	rig_wait_ms(t->r, 1000);
	restart(t);
	assert_int_equal(rig_take(t->r, &t->b[0].addr, "BYE ").n, 0);
	assert_talking(t, &t->b[0]);
}

/* Nobody says ACK or BYE before a successor would say BYE. */
static void fork_waits_for_the_save(void **state)
{
	struct hunt *t = *state;

	ring(t);
	phone_answer(&t->b[0], t->b[0].invite, "200 OK", PHONE_SDP_B);
	(void)phone_hears(&t->a, "SIP/2.0 200");
	phone_ack(&t->a);
	assert_true(rig_take(t->r, &t->b[0].addr, "ACK ").n);
	t->r->hold_saves = true;
	for (int i = 0; i < 2; i++) {
		phone_answer_as(&t->b[0], t->b[0].invite, "late", "200 OK", "", PHONE_SDP_B);
		assert_int_equal(rig_take(t->r, &t->b[0].addr, "ACK ").n, 0);
		assert_int_equal(rig_take(t->r, &t->b[0].addr, "BYE ").n, 0);
	}
	phone_request(&t->a, "BYE", "", ""); /* the call ends meanwhile */
	t->r->hold_saves = false;
	rig_run(t->r);
	assert_true(rig_has(rig_header(rig_take(t->r, &t->b[0].addr, "ACK "), "To"), "late"));
	for (int i = 0; i < 2; i++) {
		struct bytes bye = rig_take(t->r, &t->b[0].addr, "BYE ");

		assert_true(bye.n);
		phone_answer(&t->b[0], bye, "200 OK", "");
	}
	rig_wait_ms(t->r, 40000);
	assert_ended(t, 200, ENDED_BY_A);
}

/* The call is over, and has a fork that has not: over a kill, too. */
static void fork_outlives_the_call(void **state)
{
	struct hunt *t = *state;
	struct bytes bye;

	ring_all(t);
	phone_answer(&t->b[0], t->b[0].invite, "200 OK", PHONE_SDP_B);
	cancelled(&t->b[1]);
	cancelled(&t->b[2]);
	(void)phone_hears(&t->a, "SIP/2.0 200");
	phone_ack(&t->a);
	phone_answer_as(&t->b[0], t->b[0].invite, "late", "200 OK", "", PHONE_SDP_B);
	assert_true(rig_take(t->r, &t->b[0].addr, "BYE ").n);
	phone_request(&t->a, "BYE", "", "");
	do
		bye = rig_take(t->r, &t->b[0].addr, "BYE ");
	while (bye.n && rig_has(rig_header(bye, "To"), ";tag=late"));
	assert_true(bye.n);
	phone_answer(&t->b[0], bye, "200 OK", "");
	rig_wait_ms(t->r, 10000); /* all else of the call is over */
	assert_int_equal(t->r->cdr_count, 0);
	restart(t);
	bye = rig_take(t->r, &t->b[0].addr, "BYE ");
	while (bye.n && !rig_has(rig_header(bye, "To"), ";tag=late"))
		bye = rig_take(t->r, &t->b[0].addr, "BYE ");
	assert_true(bye.n);
	phone_answer(&t->b[0], bye, "200 OK", "");
	rig_wait_ms(t->r, 40000);
	assert_ended(t, 200, ENDED_BY_A);
}

static void make_forking(struct hunt *t)
{
	ring(t);
	phone_answer(&t->b[1], t->b[1].invite, "486 Busy Here", "");
	phone_answer(&t->b[0], t->b[0].invite, "180 Ringing", "");
}

static void make_losing(struct hunt *t)
{
	ring_all(t);
	phone_answer(&t->b[0], t->b[0].invite, "200 OK", PHONE_SDP_B);
}

static void make_won(struct hunt *t)
{
	make_losing(t);
	cancelled(&t->b[1]);
	cancelled(&t->b[2]);
	(void)phone_hears(&t->a, "SIP/2.0 200");
	phone_ack(&t->a);
}

/* Records of an earlier build: taken, gone on with, and ended. */
static void golden(void **state)
{
	static const struct {
		const char *name;
		void (*make)(struct hunt *t);
		enum call_state call;
	} kinds[] = {
		{ "forking", make_forking, CALL_RINGING },
		{ "losing", make_losing, CALL_ANSWERING },
		{ "won", make_won, CALL_ESTABLISHED },
	};
	const char *folder = getenv("TANDEM_GOLDEN");
	static uint8_t record[16384];

	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		const char *reason = "";
		struct hunt *t;
		size_t n;

		assert_int_equal(hunt_teardown(state), 0);
		assert_int_equal(hunt_setup(state), 0);
		t = *state;
		if (folder) {
			kinds[i].make(t);
			golden_write(folder, golden_name(2, kinds[i].name),
				     text_bytes(&rig_record(t->r)->record));
			continue;
		}
		n = golden_read(golden_name(2, kinds[i].name), record, sizeof(record));
		ROW_ASSERT(kinds[i].name, n > 0);
		if (shard_restore_call(t->r->shard, bytes_mem(record, n), t->r->now, &reason))
			fail_msg("%s: %s", kinds[i].name, reason);
		ROW_ASSERT(kinds[i].name, view(t->r).state == kinds[i].call);
		shard_resume(t->r->shard, t->r->now);
		rig_run(t->r);
		assert_int_equal(shard_hangup(t->r->shard, view(t->r).call, NULL, t->r->now), 0);
		rig_run(t->r);
		line_assert_idle(t->r);
	}
}

enum { LINES = 2 }; /* of that offer that can be relayed: sound and picture */

static uint32_t pairs_taken(struct rig *r)
{
	return 100 - rig_counts(r).ports_free;
}

/* A branch has ports for the lines that it is offered, from its INVITE until it has refused or another has won. */
static void branches_hold_ports_while_they_ring(void **state)
{
	static const char sdp[] =
		"v=0\r\no=a 1 1 IN IP4 192.0.2.11\r\ns=-\r\nc=IN IP4 192.0.2.11\r\nt=0 0\r\n"
		"m=audio 4000 RTP/AVP 8\r\nm=audio 0 RTP/AVP 8\r\nm=video 4004 RTP/AVP 99\r\n"
		"a=rtpmap:99 H264/90000\r\nm=application 4006 UDP/FOO x\r\n";
	struct hunt *t = *state;

	phone_invite(&t->a, "1002", sdp);
	for (unsigned i = 0; i < PHONES; i++) {
		assert_true(phone_rings(&t->b[i]).n);
		phone_answer(&t->b[i], t->b[i].invite, "180 Ringing", "");
	}
	assert_int_equal(pairs_taken(t->r), LINES * (1 + PHONES));
	phone_answer(&t->b[1], t->b[1].invite, "486 Busy Here", "");
	rig_wait_ms(t->r, 100);
	assert_int_equal(pairs_taken(t->r), LINES * PHONES);
	phone_answer(&t->b[0], t->b[0].invite, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&t->a, "SIP/2.0 200").n);
	phone_ack(&t->a);
	cancelled(&t->b[2]);
	rig_wait_ms(t->r, 100);
	assert_int_equal(pairs_taken(t->r),
			 LINES * 2); /* a refused line keeps its own for a re-INVITE */
	hang_up(t, &t->b[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HUNT_TEST(each_offers_anew),
		HUNT_TEST(branches_hold_ports_while_they_ring),
		HUNT_TEST(test_forks_of_a_leg),
		HUNT_TEST(killed_before_a_fork_leaves),
		HUNT_TEST(fork_waits_for_the_save),
		HUNT_TEST(fork_outlives_the_call),
		HUNT_TEST(first_answer_wins),
		HUNT_TEST(why_it_stops),
		HUNT_TEST(loser_is_slow),
		HUNT_TEST(loser_answers_late),
		HUNT_TEST(the_best_refusal),
		HUNT_TEST(silence_is_no_verdict),
		HUNT_TEST(a_global_refusal),
		HUNT_TEST(caller_gives_up),
		HUNT_TEST(ports_come_back),
		HUNT_TEST(early_media_of_two),
		HUNT_TEST(sent_elsewhere),
		HUNT_TEST(sent_in_circles),
		HUNT_TEST(sent_away),
		HUNT_TEST(too_few_ports),
		HUNT_TEST(nobody_offers),
		HUNT_TEST(holds_afterwards),
		HUNT_TEST(restart_while_they_ring),
		HUNT_TEST(restart_while_losers_go),
		HUNT_TEST(golden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
