/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process dies at each message of a call; the next one continues from what the store holds by then. The phones must notice nothing:
 * same tags, ports and SSRCs, and the call is set up, talks and ends as if nothing had happened.
 */
#include "sig/shard/shard_state.h"
#include "tests/unit/sig/line.h"

/* One step of the story. True: what the phone needed had come. */
typedef bool step_fn(struct line *l);

static bool a_invites(struct line *l)
{
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	return true;
}

static bool b_rings(struct line *l)
{
	if (!phone_rings(&l->b).n)
		return false;
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	return true;
}

static bool b_answers(struct line *l)
{
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	return true;
}

static bool a_acks(struct line *l)
{
	if (!phone_hears(&l->a, "SIP/2.0 200").n) {
		b_answers(l); /* the phone has heard no ACK */
		return false;
	}
	phone_ack(&l->a);
	return true;
}

static bool b_was_acked(struct line *l)
{
	if (!rig_take(l->r, &l->b.addr, "ACK ").n) { /* lost in the restart: B asks again */
		phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
		return rig_take(l->r, &l->b.addr, "ACK ").n;
	}
	return true;
}

/* The phone acknowledges each copy of an answer. */
static void a_acks_copies(struct line *l, const char *cseq)
{
	while (rig_has(phone_hears(&l->a, "SIP/2.0 200"), cseq))
		phone_ack(&l->a);
}

static bool talk(struct line *l)
{
	a_acks_copies(l, "CSeq: 101 INVITE\r\n");
	rig_wait_ms(l->r, 40000);
	return rig_counts(l->r).calls_established == 1;
}

static bool a_holds(struct line *l)
{
	phone_request(&l->a, "INVITE", "", PHONE_SDP_A);
	return true;
}

static bool b_accepts(struct line *l)
{
	struct bytes m = rig_take(l->r, &l->b.addr, "INVITE ");

	while (m.n && bytes_eq(rig_header(m, "CSeq"), rig_header(l->b.invite, "CSeq")))
		m = rig_take(l->r, &l->b.addr, "INVITE "); /* copies of the first one */
	if (m.n == 0)
		return false;
	l->b.invite = m;
	phone_answer(&l->b, m, "200 OK", PHONE_SDP_B);
	return true;
}

static bool a_acks_again(struct line *l)
{
	struct bytes m;

	while ((m = rig_take(l->r, &l->a.addr, "SIP/2.0 200")).n) {
		if (rig_has(m, "CSeq: 102 INVITE\r\n")) {
			phone_ack(&l->a);
			return true;
		}
	}
	b_answers(l);
	return false;
}

static bool a_hangs_up(struct line *l)
{
	a_acks_copies(l, "CSeq: 102 INVITE\r\n");
	phone_request(&l->a, "BYE", "", "");
	return true;
}

static bool b_says_goodbye(struct line *l)
{
	struct bytes bye = rig_take(l->r, &l->b.addr, "BYE ");

	if (bye.n == 0)
		return false;
	phone_answer(&l->b, bye, "200 OK", "");
	return true;
}

static step_fn *const story[] = {
	a_invites, b_rings,   b_answers,    a_acks,     b_was_acked,    talk,
	a_holds,   b_accepts, a_acks_again, a_hangs_up, b_says_goodbye,
};

/* The new process: another random seed and hash key, what the store holds, an engine without flows. */
static void restart(struct line *l, uint32_t run)
{
	struct rig *r = l->r;
	const struct rig_save *s = rig_stored(r);
	const char *reason = "";
	int err;

	shard_close(r->shard);
	rand_open_seed(&r->rand, 1000 + run);
	rig_start_shard(r);
	phone_bind(&l->a);
	phone_bind(&l->b);
	if (s->version && r->cdr_count == 0) {
		err = shard_restore_call(r->shard, text_bytes(&s->record), r->now, &reason);
		if (err)
			fail_msg("restore: %d %s", err, reason);
	}
	rig_run(r);
	shard_resume(r->shard, r->now);
	rig_run(r);
}

struct media_seen {
	struct addr local[2];
	uint32_t ssrc[2];
	bool any[2];
};

/* Every OPEN of a leg has the same port and SSRC, in whichever process. */
static void assert_same_media(const struct rig *r)
{
	struct media_seen seen = { 0 };

	for (uint32_t i = 0; i < r->media_count; i++) {
		const struct flow_spec *s = &r->media[i].spec;

		if (r->media[i].kind != MEDIA_FLOW_OPEN)
			continue;
		if (seen.any[s->leg]) {
			assert_true(addr_eq(&seen.local[s->leg], &s->local_rtp));
			assert_int_equal(seen.ssrc[s->leg], s->ssrc_out);
		}
		seen.any[s->leg] = true;
		seen.local[s->leg] = s->local_rtp;
		seen.ssrc[s->leg] = s->ssrc_out;
	}
	assert_true(seen.any[0] && seen.any[1]);
}

/* All our messages to a phone have one Call-ID and one tag of ours: in From of requests, and, to the caller, in To of responses. */
static void assert_same_dialog(const struct rig *r, const struct phone *p, bool caller)
{
	for (uint32_t i = 0; i < r->sent_count; i++) {
		struct bytes m = text_bytes(&r->sent[i].data);
		bool response = bytes_starts(m, "SIP/2.0");

		if (!addr_eq(&r->sent[i].hop.remote, &p->addr))
			continue;
		assert_true(bytes_is(rig_header(m, "Call-ID"), p->call_id));
		if (!response)
			assert_true(rig_has(rig_header(m, "From"), p->remote_tag));
		else if (caller && !bytes_starts(m, "SIP/2.0 100"))
			assert_true(rig_has(rig_header(m, "To"), p->remote_tag));
	}
}

static bool tell(struct line *l, size_t restart_after)
{
	for (size_t i = 0; i < COUNT_OF(story); i++) {
		bool done = story[i](l);

		for (int again = 0; !done && again < 3; again++) {
			rig_wait_ms(l->r, 1000);
			done = story[i](l);
		}
		if (!done)
			return false;
		if (i == restart_after)
			restart(l, (uint32_t)i);
	}
	return true;
}

/* Restart after each step, everything saved by then. */
static void at_every_message(void **state)
{
	for (size_t i = 0; i < COUNT_OF(story); i++) {
		struct line *l;

		if (i) {
			assert_int_equal(line_teardown(state), 0);
			assert_int_equal(line_setup(state), 0);
		}
		l = *state;
		if (!tell(l, i))
			fail_msg("restart after step %zu", i);
		assert_same_media(l->r);
		assert_same_dialog(l->r, &l->a, true);
		assert_same_dialog(l->r, &l->b, false);
		rig_wait_ms(l->r, 70000);
		assert_int_equal(l->r->cdr_count, 1);
		assert_int_equal(l->r->cdrs[0].sip_status, 200);
		line_assert_idle(l->r);
	}
}

/* ---- what cannot go on ---- */

static void other_ports(struct shard_settings *s)
{
	s->networks[0].first_port = 30000;
	s->networks[0].last_port = 30199;
}

static void other_sip_port(struct shard_settings *s)
{
	s->locals[0].bind = s->locals[0].advertise = rig_addr("192.0.2.1:5070");
}

static void other_address(struct shard_settings *s)
{
	s->locals[0].bind = s->locals[0].advertise = rig_addr("192.0.2.9:5060");
	s->networks[0].media_bind = s->networks[0].media_advertise = rig_addr("192.0.2.9");
}

static void other_network(struct shard_settings *s)
{
	(void)snprintf(s->networks[0].name, sizeof(s->networks[0].name), "other");
}

static void no_transport(struct shard_settings *s)
{
	s->locals[0].transport = SIP_TCP;
}

static const struct {
	const char *name;
	void (*change)(struct shard_settings *s);
	bool parties_hear;     /* BYE, from via */
	const char *via, *sdp; /* ... or an INVITE from there, with that */
} changes[] = {
	{ "other media ports", other_ports, true, "192.0.2.1:5060", "m=audio 30" },
	{ "another SIP port", other_sip_port, true, "192.0.2.1:5070", "m=audio 20" },
	{ "another address", other_address, true, "192.0.2.9:5060", "c=IN IP4 192.0.2.9" },
	{ "another network", other_network, true, "192.0.2.1:5060", "m=audio 20" },
	{ "UDP is gone", no_transport, false, "", "" },
};

enum { STEP_ANSWERED = 2, STEP_ACKED = 3, STEP_TALK = 5, STEP_HELD = 8, STEP_HANGUP = 9 };

/* It is established, and amid no INVITE: each party is asked to come to where it is heard by now, and the call goes on. */
static bool is_between(size_t change, size_t step)
{
	return changes[change].parties_hear &&
	       ((step >= STEP_ACKED && step <= STEP_TALK) || step == STEP_HELD);
}

static bool comes(struct rig *r, struct phone *p, size_t change, const char *sdp)
{
	struct bytes m = rig_take(r, &p->addr, "INVITE ");

	while (m.n && !rig_has(rig_header(m, "To"), ";tag="))
		m = rig_take(r, &p->addr, "INVITE "); /* copies of the first one */
	if (!m.n || !rig_has(rig_header(m, "Via"), changes[change].via) ||
	    !rig_has(m, changes[change].sdp))
		return false;
	phone_answer(p, m, "200 OK", sdp);
	return true;
}

static void assert_goes_on(struct line *l, size_t change, size_t step)
{
	struct rig *r = l->r;
	bool b = comes(r, &l->b, change, PHONE_SDP_B), a = comes(r, &l->a, change, PHONE_SDP_A);

	if (!b)
		b = comes(r, &l->b, change, PHONE_SDP_B);
	if (!a || !b)
		fail_msg("%s after step %zu: asked %d %d", changes[change].name, step, a, b);
	assert_int_equal(rig_counts(r).calls_established, 1);
	phone_request(&l->a, "BYE", "", "");
	assert_true(b_says_goodbye(l));
	rig_wait_ms(r, 70000);
	assert_int_equal(r->cdr_count, 1);
	assert_int_equal(r->cdrs[0].ended_by, ENDED_BY_A);
	line_assert_idle(l->r);
}

/* Both answer whatever they get. True: it got a BYE that came from there. */
static bool leaves(struct rig *r, struct phone *p, const char *via)
{
	struct bytes bye = rig_take(r, &p->addr, "BYE ");
	bool from_there = rig_has(rig_header(bye, "Via"), via);

	if (bye.n)
		phone_answer(p, bye, "200 OK", "");
	return bye.n && from_there;
}

static void assert_given_up(struct line *l, size_t change, size_t step)
{
	struct rig *r = l->r;
	bool a = leaves(r, &l->a, changes[change].via), b = leaves(r, &l->b, changes[change].via);
	struct shard_counts c;

	rig_wait_ms(r, 120000);
	c = rig_counts(r);
	if (r->cdr_count != 1 || c.calls || c.calls_established || c.saves_pending ||
	    c.ports_free != 100)
		fail_msg("%s after step %zu: %u records, %u calls", changes[change].name, step,
			 r->cdr_count, c.calls);
	if (step >= STEP_HANGUP)
		return;
	if (strcmp(r->cdrs[0].reason, "could not go on after a restart") != 0)
		fail_msg("%s after step %zu: %s", changes[change].name, step, r->cdrs[0].reason);
	assert_int_equal(r->cdrs[0].ended_by, ENDED_BY_NODE);
	if (changes[change].parties_hear && step >= STEP_TALK && !(a && b))
		fail_msg("%s after step %zu: BYE %d %d", changes[change].name, step, a, b);
	if (changes[change].parties_hear && step < STEP_ANSWERED)
		assert_true(rig_has(phone_hears(&l->a, "SIP/2.0 503"), "Retry-After"));
}

/* Restart with a changed configuration after each step: the call goes on at the other address, or nobody is left in a call that is
 * none. It has its one record. */
static void what_cannot_go_on(void **state)
{
	for (size_t change = 0; change < COUNT_OF(changes); change++) {
		for (size_t step = 0; step < COUNT_OF(story) - 1; step++) {
			struct line *l;

			assert_int_equal(line_teardown(state), 0);
			assert_int_equal(line_setup(state), 0);
			l = *state;
			for (size_t i = 0; i <= step; i++) {
				for (int again = 0; !story[i](l); again++) {
					assert_true(again < 3);
					rig_wait_ms(l->r, 1000);
				}
			}
			changes[change].change(&l->r->settings);
			restart(l, (uint32_t)step);
			if (is_between(change, step))
				assert_goes_on(l, change, step);
			else
				assert_given_up(l, change, step);
		}
	}
}

/* A is asked, answers nothing, and the call goes on. */
static void a_stays_away(struct line *l)
{
	assert_true(rig_take(l->r, &l->a.addr, "INVITE ").n);
	assert_int_equal(rig_take(l->r, &l->b.addr, "INVITE ").n, 0);
	rig_wait_ms(l->r, 33000);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	while (rig_take(l->r, &l->a.addr, "INVITE ").n)
		; /* copies */
}

/* One that nobody reaches there is waited for: the other one hears of it, and it is told when it registers; by the successor of the
 * successor, too. */
static void who_is_away(void **state)
{
	struct line *l = *state;
	struct sip_hop from = { 0 }, to;

	for (size_t i = 0; i <= STEP_TALK; i++)
		assert_true(story[i](l));
	other_address(&l->r->settings);
	restart(l, 1);
	a_stays_away(l);
	assert_true(comes(l->r, &l->b, 2, PHONE_SDP_B));
	rig_wait_ms(l->r, 100);
	assert_int_equal(rig_take(l->r, &l->a.addr, "INVITE ").n, 0);
	while (rig_take(l->r, &l->b.addr, "INVITE ").n)
		; /* copies */
	restart(l, 2);
	a_stays_away(l);
	from.remote = l->a.addr;
	to = from;
	to.remote.port = l->a.addr.port = 5099;
	shard_set_now(l->r->shard, l->r->now);
	shard_hop_moved(l->r->shard, TENANT_DEFAULT, BYTES_LIT("1001"), &from, &to);
	rig_run(l->r);
	assert_true(comes(l->r, &l->a, 2, PHONE_SDP_A));
	rig_wait_ms(l->r, 40000);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
}

/* An INVITE that came, and one that left. */
static void too_few_transactions(void **state)
{
	struct line *l = *state;

	assert_true(a_invites(l) && b_rings(l));
	l->r->settings.txns_max = 1;
	restart(l, 1);
	assert_given_up(l, 0, STEP_ANSWERED);
}

/* There is room for one of two: the other one is ended, once and without a word of its own kept. */
static void no_room(void **state)
{
	struct line *l = *state;
	const struct rig_save *s;
	const char *reason = "";
	struct text record[2] = { 0 };
	struct phone c, d;

	phones_talk(&l->a, &l->b);
	s = rig_stored(l->r);
	assert_int_equal(text_set(&record[0], text_bytes(&s->record)), 0);
	phone_open(&c, l->r, "1003", "192.0.2.73:5060");
	phone_open(&d, l->r, "1004", "192.0.2.74:5060");
	phone_bind(&c);
	phone_bind(&d);
	phones_talk(&c, &d);
	s = rig_stored(l->r);
	assert_int_equal(text_set(&record[1], text_bytes(&s->record)), 0);
	shard_close(l->r->shard);
	l->r->settings.calls_max = 1;
	rig_start_shard(l->r);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(shard_restore_call(l->r->shard, text_bytes(&record[i]), l->r->now,
						    &reason),
				 0);
		text_clear(&record[i]);
	}
	rig_run(l->r);
	shard_resume(l->r->shard, l->r->now);
	rig_run(l->r);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	assert_int_equal(l->r->cdr_count, 1);
	assert_string_equal(l->r->cdrs[0].reason, "could not go on after a restart");
	assert_true(rig_take(l->r, &c.addr, "BYE ").n);
	assert_true(rig_take(l->r, &d.addr, "BYE ").n);
	assert_int_equal(rig_count(l->r, &l->a.addr, "BYE "), 0);
}

/* What carries no tag of ours finds its transaction in the next process too. */
static void caller_cancels_afterwards(void **state)
{
	struct line *l = *state;
	struct bytes cancel;

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	(void)b_rings(l);
	restart(l, 1);
	assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 180"), 2);
	phone_write(&l->a, "INVITE", "", PHONE_SDP_A); /* a late copy */
	assert_int_equal(rig_counts(l->r).calls, 1);
	assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 180"), 3);
	phone_cancel(&l->a);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	assert_true(phone_hears(&l->a, "SIP/2.0 487").n);
	phone_write(&l->a, "ACK", "", "");
	cancel = rig_take(l->r, &l->b.addr, "CANCEL ");
	assert_true(bytes_eq(rig_header(cancel, "Via"), rig_header(l->b.invite, "Via")));
	phone_answer(&l->b, cancel, "200 OK", "");
	phone_answer(&l->b, l->b.invite, "487 Request Terminated", "");
	assert_true(rig_take(l->r, &l->b.addr, "ACK ").n);
	line_assert_cdr(l, 487, 16, ENDED_BY_A);
	assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 487"), 1);
}

/* The machine's clock is set, under a call and between two processes: it lasted as long as it did. */
static void the_wall_is_set(void **state)
{
	static const struct {
		const char *name;
		int64_t under_ms, between_ms; /* steps of the wall */
		bool restart;
		uint64_t boot;
	} rows[] = {
		{ "an hour on", 3600000, 0, false, 1 },
		{ "an hour back", -3600000, 0, false, 1 },
		{ "an hour on, restart", 3600000, 0, true, 1 },
		{ "restart, an hour on", 0, 3600000, true, 1 },
		{ "restart, an hour back", 0, -3600000, true, 1 },
		{ "on and back", 3600000, -3600000, true, 1 },
		{ "another boot", 0, 0, true, 2 },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct cdr *cdr;
		struct line *l;
		uint64_t talked;

		if (i) {
			assert_int_equal(line_teardown(state), 0);
			assert_int_equal(line_setup(state), 0);
		}
		l = *state;
		phones_talk(&l->a, &l->b);
		rig_wait_ms(l->r, 10000);
		l->r->now.utc_ms += (uint64_t)rows[i].under_ms;
		rig_wait_ms(l->r, 10000);
		l->r->now.utc_ms += (uint64_t)rows[i].between_ms;
		l->r->settings.boot = rows[i].boot;
		if (rows[i].restart)
			restart(l, 1);
		rig_wait_ms(l->r, 10000);
		phone_request(&l->a, "BYE", "", "");
		(void)b_says_goodbye(l);
		rig_wait_ms(l->r, 1000);
		assert_int_equal(l->r->cdr_count, 1);
		cdr = &l->r->cdrs[0];
		talked = cdr->end_utc_ms - cdr->answer_utc_ms;
		if (talked < 29900 || talked > 31000 || cdr->answer_utc_ms < cdr->setup_utc_ms)
			fail_msg("%s: %llu ms", rows[i].name, (unsigned long long)talked);
		/* as the wall shows it by then */
		assert_true(l->r->now.utc_ms - cdr->end_utc_ms < 5000);
	}
}

static void ringing_while_the_wall_is_set(void **state)
{
	struct line *l = *state;

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	(void)b_rings(l);
	rig_wait_ms(l->r, 100000);
	l->r->now.utc_ms += 3600000;
	restart(l, 1);
	rig_wait_ms(l->r, 79000);
	assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 408"), 0);
	rig_wait_ms(l->r, 2000);
	assert_true(phone_hears(&l->a, "SIP/2.0 408").n);
}

/* It died between CANCEL and its end: B is cancelled again. */
static void cancelled_before(void **state)
{
	struct line *l = *state;

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	(void)b_rings(l);
	phone_cancel(&l->a);
	restart(l, 1);
	assert_int_equal(rig_count(l->r, &l->b.addr, "CANCEL "), 2);
	phone_answer(&l->b, l->b.invite, "487 Request Terminated", "");
	line_assert_cdr(l, 487, 16, ENDED_BY_A);
}

/* It died between BYE and its answer: B is told again; a phone that knows nothing of it any more says 481. */
static void hung_up_before(void **state)
{
	struct line *l = *state;

	phones_talk(&l->a, &l->b);
	phone_request(&l->a, "BYE", "", "");
	(void)rig_take(l->r, &l->b.addr, "BYE ");
	restart(l, 1);
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "BYE "), "481 Gone", "");
	assert_int_equal(rig_counts(l->r).calls, 0);
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
}

/* The node that had the shard before has ended it and could not say so in time: its record was read here before that. */
static void ended_before(void **state)
{
	struct line *l = *state;
	struct rig *r = l->r;
	const struct rig_save *end;
	uint64_t call;

	phones_talk(&l->a, &l->b);
	rig_wait_ms(r, SHARD_SAVE_LATER_MS + 1);
	call = rig_stored(r)->call;
	shard_call_over(r->shard, call, r->now); /* no other node had this one */
	rig_run(r);
	assert_int_equal(rig_counts(r).calls, 1);
	line_restart(l, line_stored(l));
	shard_call_over(r->shard, call, r->now);
	rig_run(r);
	assert_int_equal(rig_count(r, &l->a.addr, "BYE ") + rig_count(r, &l->b.addr, "BYE "), 0);
	rig_wait_ms(r, SHARD_SAVE_LATER_MS + 1);
	end = &r->saves[r->save_count - 1];
	assert_int_equal(end->kind, EFFECT_CALL_END);
	assert_true(end->again);
	line_assert_idle(r);
}

static uint32_t g_places;

static void on_place(const struct shard_place *place, void *arg)
{
	const struct line *l = arg;
	const struct rig *r = l->r;
	uint32_t found = 0;

	for (uint32_t i = 0; i < r->media_count; i++) {
		const struct flow_spec *spec = &r->media[i].spec;

		found += r->media[i].kind == MEDIA_FLOW_OPEN &&
			 addr_eq(&spec->local_rtp, &place->rtp) &&
			 addr_eq(&spec->local_rtcp, &place->rtcp) && spec->dscp == place->dscp;
	}
	assert_int_equal(place->network, 0);
	assert_int_equal(found, 1);
	g_places++;
}

/* What of a record is to be opened, is known without being restored; nothing of what is broken or over. */
static void places_of_a_record(void **state)
{
	struct line *l = *state;
	struct text record = { 0 };

	phones_talk(&l->a, &l->b);
	g_places = 0;
	assert_int_equal(text_set(&record, text_bytes(&rig_stored(l->r)->record)), 0);
	shard_record_places(l->r->shard, text_bytes(&record), l->r->now, on_place, l);
	assert_int_equal(g_places, 2);
	assert_int_equal(rig_counts(l->r).calls, 1); /* the one that is there */
	shard_record_places(l->r->shard, BYTES_LIT("nonsense"), l->r->now, on_place, l);
	phone_request(&l->a, "BYE", "", "");
	shard_record_places(l->r->shard, text_bytes(&rig_stored(l->r)->record), l->r->now, on_place,
			    l);
	assert_int_equal(g_places, 2);
	text_clear(&record);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINE_TEST(at_every_message), LINE_TEST(what_cannot_go_on),
		LINE_TEST(who_is_away),      LINE_TEST(too_few_transactions),
		LINE_TEST(no_room),          LINE_TEST(caller_cancels_afterwards),
		LINE_TEST(the_wall_is_set),  LINE_TEST(ringing_while_the_wall_is_set),
		LINE_TEST(cancelled_before), LINE_TEST(hung_up_before),
		LINE_TEST(ended_before),     LINE_TEST(places_of_a_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
