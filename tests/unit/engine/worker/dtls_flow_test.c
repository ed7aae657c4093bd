/* SPDX-License-Identifier: Apache-2.0 */
/* Flows whose keys come from a handshake: through all stages, over port_sim. */
#include "tests/unit/engine/worker/dtls_talk.h"

/* ---- handshakes ---- */

static void either_role_ends_with_media(void **state)
{
	(void)state;
	for (enum media_dtls_role role = DTLS_SERVER; role <= DTLS_CLIENT; role++) {
		struct dtls_rig x = dtls_rig_open(role);
		struct dtls_party p;
		struct media_event event;

		assert_int_equal(state_of(&x),
				 role == DTLS_SERVER ? DTLS_WAITING : DTLS_HANDSHAKING);
		assert_false(is_heard_by_a(&x, &x.r->spec[A].key_in, 1));
		assert_int_equal(dropped(x.r, VERDICT_SRTP_KEY), 1);
		party_open(&p, PARTY, THEIRS, other(role));
		parties_run(&x, &p, 1, 6);
		event = keyed_event(&x);
		assert_event_has_keys_of(&event, &p);
		assert_int_equal(event.key_in.suite, MEDIA_SUITE_AEAD_AES_128_GCM);
		assert_int_equal(event.association, 1);
		if (role == DTLS_SERVER) /* as client we have not finished yet */
			assert_in_range(event.resume.srtp_next, 1, (1 << 15) - 1);
		assert_int_equal(state_of(&x), DTLS_CONNECTED);
		assert_int_equal(begun(&x), 1);
		assert_int_equal(crypto_running(x.crypto), 0);
		assert_media_passes(&x, &p, 2);
		dtls_close(&p.dtls);
		dtls_rig_close(&x);
	}
}

static void any_datagram_may_be_lost_or_doubled(void **state)
{
	(void)state;
	for (enum media_dtls_role role = DTLS_SERVER; role <= DTLS_CLIENT; role++) {
		for (int at = 0; at < 12; at++) {
			struct dtls_rig x = dtls_rig_open(role);
			struct dtls_party p;
			struct media_event event;

			x.lose = at / 2;
			x.doubled = at % 2;
			party_open(&p, PARTY, THEIRS, other(role));
			parties_run(&x, &p, 1, 30);
			event = keyed_event(&x);
			assert_event_has_keys_of(&event, &p);
			assert_media_passes(&x, &p, 2);
			dtls_close(&p.dtls);
			dtls_rig_close(&x);
		}
	}
}

/* ---- before its keys are saved nobody finishes ---- */

static void saved_before_the_party_can_finish(void **state)
{
	(void)state;
	for (enum media_dtls_role role = DTLS_SERVER; role <= DTLS_CLIENT; role++) {
		struct dtls_rig x = dtls_rig_open(role);
		struct media_event event;
		struct dtls_party p;

		x.unsaved = true;
		party_open(&p, PARTY, THEIRS, other(role));
		parties_run(&x, &p, 1, 20); /* it asks again and again */
		event = keyed_event(&x);
		assert_true(event.flight.length > 0);
		assert_int_equal(p.dtls.outcome, DTLS_RUNNING);
		/* another one's keys are no reason */
		rig_command(x.r, &(struct media_command){ .kind = MEDIA_FLOW_FLIGHT,
							  .id = x.r->spec[A].id,
							  .association = 2 });
		parties_run(&x, &p, 1, 2);
		assert_int_equal(p.dtls.outcome, DTLS_RUNNING);
		rig_saved(&x);
		parties_run(&x, &p, 1, 2);
		assert_event_has_keys_of(&event, &p);
		assert_int_equal(state_of(&x), DTLS_CONNECTED);
		assert_media_passes(&x, &p, 1);
		while (ring_pop(&x.r->w.events, &event, 1) == 1) /* told once */
			assert_int_not_equal(event.kind, MEDIA_FLOW_KEYED);
		dtls_close(&p.dtls);
		dtls_rig_close(&x);
	}
}

/* The next process: another rig, with what the event of this one said. */
static struct dtls_rig successor(const struct media_event *event, enum media_dtls_role role,
				 const struct media_ice *ice)
{
	struct dtls_rig x = dtls_rig_open_empty(64);
	struct media_command c = { .kind = MEDIA_FLOW_FLIGHT,
				   .association = 1,
				   .flight = event->flight };

	x.r->spec[A] = dtls_spec(role);
	x.r->spec[A].key_in = event->key_in;
	x.r->spec[A].key_out = event->key_out;
	x.r->spec[A].resume = event->resume;
	x.r->spec[A].resume.srtp_next = 5;
	if (ice)
		x.r->spec[A].ice = *ice;
	x.r->spec[B] = rig_spec(B);
	rig_open_flow(x.r, &x.r->spec[A]);
	rig_open_flow(x.r, &x.r->spec[B]);
	c.id = x.r->spec[A].id;
	rig_command(x.r, &c);
	return x;
}

/* It is killed when the keys are saved, and nothing was heard of it yet. */
static void the_next_process_lets_the_party_finish(void **state)
{
	(void)state;
	for (enum media_dtls_role role = DTLS_SERVER; role <= DTLS_CLIENT; role++) {
		for (int lost = 0; lost <= 1; lost++) {
			struct dtls_rig before = dtls_rig_open(role), x;
			struct media_event event;
			struct dtls_party p;

			before.unsaved = true;
			party_open(&p, PARTY, THEIRS, other(role));
			parties_run(&before, &p, 1, 6);
			event = keyed_event(&before);
			g_now_ns = before.r->sim->now_ns;
			x = successor(&event, role, NULL);
			g_now_ns = x.r->sim->now_ns = before.r->sim->now_ns;
			x.lose = lost ? 0 : NO_LOSS; /* what it says at once */
			x.unsaved = true;
			parties_run(&x, &p, 1, 80);
			assert_event_has_keys_of(&event, &p);
			assert_int_equal(begun(&x), 0);
			assert_media_passes(&x, &p, 1);
			clock_advance_ms(&x, 11000);
			worker_step(&x.r->w);
			assert_int_equal(x.r->w.dtls.candidates.in_use, 0);
			assert_int_equal(x.r->w.dtls.running, 0);
			dtls_close(&p.dtls);
			dtls_rig_close(&x);
			dtls_rig_close(&before);
		}
	}
}

/* It is killed before it could say where the party is: what lets the party finish waits for the first check. */
static void a_party_that_comes_later_can_finish(void **state)
{
	const struct check check = { .ice = &ICE_A, .priority = 1, .nominates = true };

	(void)state;
	for (enum media_dtls_role role = DTLS_SERVER; role <= DTLS_CLIENT; role++) {
		struct dtls_rig before = dtls_rig_open(role), x;
		struct media_event event;
		struct dtls_party p;

		before.unsaved = true;
		party_open(&p, PARTY, THEIRS, other(role));
		parties_run(&before, &p, 1, 6);
		event = keyed_event(&before);
		event.resume.source_rtp = (struct addr){ 0 };
		g_now_ns = before.r->sim->now_ns;
		x = successor(&event, role, &ICE_A);
		g_now_ns = x.r->sim->now_ns = before.r->sim->now_ns;
		x.unsaved = true;
		parties_run(&x, &p, 1, 20);
		assert_int_equal(p.dtls.outcome, DTLS_RUNNING);
		assert_int_equal(checks(x.r, A, PARTY, &check), 0);
		parties_run(&x, &p, 1, 400);
		assert_event_has_keys_of(&event, &p);
		assert_media_passes(&x, &p, 1);
		dtls_close(&p.dtls);
		dtls_rig_close(&x);
		dtls_rig_close(&before);
	}
}

/* As client we told keys before the server had said its last word. */
static void keys_that_came_to_nothing_are_taken_back(void **state)
{
	struct dtls_rig x = dtls_rig_open(DTLS_CLIENT);
	struct media_event event;
	struct dtls_party p;

	(void)state;
	party_open(&p, PARTY, THEIRS, DTLS_SERVER);
	p.dtls.peer = *fingerprint_of(STRANGERS);
	parties_run(&x, &p, 1, 8);
	assert_int_equal(p.dtls.failure, DTLS_FAILURE_CERTIFICATE);
	event = keyed_event(&x);
	assert_int_not_equal(event.key_in.suite, MEDIA_SUITE_NONE);
	event = keyed_event(&x);
	assert_int_equal(event.key_in.suite, MEDIA_SUITE_NONE);
	assert_int_equal(event.association, 1);
	assert_int_equal(state_of(&x), DTLS_FAILED);
	dtls_close(&p.dtls);
	dtls_rig_close(&x);
}

static void a_wrong_certificate_fails_and_the_right_one_succeeds(void **state)
{
	struct dtls_rig x = dtls_rig_open(DTLS_SERVER);
	struct dtls_party p;
	struct media_event event;

	(void)state;
	party_open(&p, PARTY, STRANGERS, DTLS_CLIENT);
	parties_run(&x, &p, 1, 6);
	assert_int_equal(p.dtls.failure, DTLS_FAILURE_ALERT);
	assert_int_equal(state_of(&x), DTLS_FAILED);
	rig_command(x.r,
		    &(struct media_command){ .kind = MEDIA_FLOW_QUERY, .id = x.r->spec[A].id });
	assert_true(rig_event(x.r, MEDIA_FLOW_STATS, &event));
	assert_int_equal(event.stats.dtls, DTLS_FAILED);
	assert_int_equal(event.detail.handshake_failure, DTLS_FAILURE_CERTIFICATE);
	while (ring_pop(&x.r->w.events, &event, 1) == 1)
		assert_true(event.kind != MEDIA_FLOW_KEYED && event.kind != MEDIA_FLOW_FAILED);
	assert_false(is_heard_by_b(&x, &p.dtls.key_out, 1));
	dtls_close(&p.dtls);
	party_open(&p, PARTY, THEIRS, DTLS_CLIENT);
	parties_run(&x, &p, 1, 6);
	event = keyed_event(&x);
	assert_event_has_keys_of(&event, &p);
	assert_media_passes(&x, &p, 2);
	dtls_close(&p.dtls);
	dtls_rig_close(&x);
}

/* As a client we ask again, later each time. */
static void a_client_tries_again(void **state)
{
	struct dtls_rig x = dtls_rig_open(DTLS_CLIENT);
	struct dtls_party p;
	struct media_event event;

	(void)state;
	party_open(&p, PARTY, STRANGERS, DTLS_SERVER);
	parties_run(&x, &p, 1, 6);
	assert_int_equal(state_of(&x), DTLS_FAILED);
	dtls_close(&p.dtls);
	party_open(&p, PARTY, THEIRS, DTLS_SERVER);
	parties_run(&x, &p, 1, 150);
	event = keyed_event(&x);
	assert_event_has_keys_of(&event, &p);
	assert_int_equal(begun(&x), 2);
	dtls_close(&p.dtls);
	dtls_rig_close(&x);
}

/* And ICE does it by a pair. */
static void a_client_begins_when_there_is_a_pair(void **state)
{
	struct dtls_rig x = dtls_rig_open_empty(64);
	struct flow_spec s = dtls_spec(DTLS_CLIENT);
	struct dtls_party p;

	(void)state;
	s.remote_rtp = (struct addr){ 0 };
	rig_open_flow(x.r, &s);
	assert_int_equal(x.r->w.dtls.due, 1);
	flow_of(x.r, A)->latch_rtp.source = rig_addr(PARTY);
	dtls_flow_pair(&x.r->w, flow_of(x.r, A));
	assert_int_equal(x.r->w.dtls.due, 0);
	party_open(&p, PARTY, THEIRS, DTLS_SERVER);
	parties_run(&x, &p, 1, 6);
	assert_int_equal(p.dtls.outcome, DTLS_DONE);
	dtls_flow_pair(&x.r->w, flow_of(x.r, A));
	assert_int_equal(x.r->w.dtls.due, 0);
	assert_int_equal(begun(&x), 1);
	dtls_close(&p.dtls);
	dtls_rig_close(&x);
}

/* The address is told with an update; until then nothing is sent. */
static void a_client_waits_for_an_address(void **state)
{
	struct dtls_rig x = dtls_rig_open_empty(64);
	struct flow_spec s = dtls_spec(DTLS_CLIENT);
	struct dtls_party p;

	(void)state;
	s.remote_rtp = (struct addr){ 0 };
	rig_open_flow(x.r, &s);
	parties_run(&x, NULL, 0, 60);
	assert_int_equal(begun(&x), 0);
	assert_int_equal(state_of(&x), DTLS_WAITING);
	s.remote_rtp = rig_addr(PARTY);
	rig_update(x.r, &s);
	party_open(&p, PARTY, THEIRS, DTLS_SERVER);
	parties_run(&x, &p, 1, 6);
	assert_int_equal(p.dtls.outcome, DTLS_DONE);
	dtls_close(&p.dtls);
	dtls_rig_close(&x);
}

static void keyed_rig(struct dtls_rig *x, struct dtls_party *p, struct media_event *event)
{
	*x = dtls_rig_open(DTLS_SERVER);
	party_open(p, PARTY, THEIRS, DTLS_CLIENT);
	parties_run(x, p, 1, 6);
	*event = keyed_event(x);
}

/* ---- control ---- */

/* Without keys, with those that were told, and with older ones, which come when the rings cross. */
/* A has PCMU and keys, B has PCMA and none. */
static void codings_set(struct rig *r)
{
	for (uint8_t side = A; side <= B; side++) {
		struct flow_spec *s = &r->spec[side];

		s->rule_count = 1;
		s->rules[0] = (struct payload_rule){
			.in = side ? 8 : 0, .out = side ? 0 : 8, .coding = 1, .clock_hz = 8000
		};
		s->codings[0] =
			(struct media_coding){ .from = side ? MEDIA_CODEC_PCMA : MEDIA_CODEC_PCMU,
					       .to = side ? MEDIA_CODEC_PCMU : MEDIA_CODEC_PCMA };
		rig_update(r, s);
	}
}

/* The next RTP for a side; false: none came. */
static bool coded_take(struct rig *r, uint32_t side, struct sim_packet *out)
{
	const struct sim_packet *p;
	bool any = false;

	for (int i = 0; i < 4; i++)
		worker_step(&r->w);
	while ((p = port_sim_sent(r->sim)) != NULL) {
		if (p->slot != side || p->data[1] >= 192)
			continue;
		*out = *p;
		any = true;
	}
	return any;
}

static void what_is_coded_has_the_keys_of_the_handshake(void **state)
{
	static char voice[160];
	struct rtp rtp = { .ssrc = 1, .sequence = 7, .payload = voice, .payload_n = sizeof(voice) };
	const struct addr from = rig_addr(PARTY);
	static struct sim_packet heard;
	uint8_t out[PACKET_MAX];
	struct media_event event;
	struct dtls_party p;
	struct dtls_rig x;
	srtp_t srtp;
	size_t n;

	(void)state;
	keyed_rig(&x, &p, &event);
	codings_set(x.r);
	memset(voice, 0x8f, sizeof(voice));
	put_bytes(x.r, A, CHANNEL_RTP, &from, sealed(&p.dtls.key_out, &rtp, out));
	assert_true(coded_take(x.r, B, &heard));
	assert_int_equal(heard.data[1] & 0x7f, 8);
	assert_int_equal(heard.length, 12 + sizeof(voice));
	assert_memory_not_equal(heard.data + 12, voice, sizeof(voice));
	rtp.payload_type = 8;
	put_rtp(x.r, B, &rtp);
	assert_true(coded_take(x.r, A, &heard));
	srtp = libsrtp_open(p.dtls.key_in, ssrc_any_inbound);
	n = heard.length;
	assert_true(libsrtp_unprotect(srtp, false, heard.data, &n));
	assert_int_equal(n, 12 + sizeof(voice));
	assert_int_equal(heard.data[1] & 0x7f, 0);
	(void)srtp_dealloc(srtp);
	dtls_close(&p.dtls);
	dtls_rig_close(&x);
}

static void updates_leave_the_keys_alone(void **state)
{
	struct dtls_rig x;
	struct dtls_party p;
	struct media_event event;
	struct flow_spec s;

	(void)state;
	keyed_rig(&x, &p, &event);
	s = x.r->spec[A];
	rig_update(x.r, &s);
	assert_media_passes(&x, &p, 1);
	s.key_in = event.key_in;
	s.key_out = event.key_out;
	rig_update(x.r, &s);
	assert_media_passes(&x, &p, 2);
	s.key_in.octets[0] ^= 1;
	s.key_out.octets[0] ^= 1;
	rig_update(x.r, &s);
	assert_media_passes(&x, &p, 3);
	assert_int_equal(begun(&x), 1);
	dtls_close(&p.dtls);
	dtls_rig_close(&x);
}

static void another_association_begins_anew_while_the_old_keys_go_on(void **state)
{
	struct dtls_rig x;
	struct dtls_party p, again;
	struct media_event event;

	(void)state;
	keyed_rig(&x, &p, &event);
	party_open(&again, PARTY, THEIRS, DTLS_CLIENT);
	parties_run(&x, &again, 1, 8);
	assert_int_equal(again.dtls.outcome, DTLS_RUNNING); /* nobody has said that it would come */
	x.r->spec[A].dtls.association = 2;
	x.r->spec[A].resume.srtp_next = 20000;
	rig_update(x.r, &x.r->spec[A]);
	assert_int_equal(state_of(&x), DTLS_WAITING);
	assert_media_passes(&x, &p, 1);
	parties_run(&x, &again, 1, 60);
	event = keyed_event(&x);
	assert_event_has_keys_of(&event, &again);
	assert_int_equal(event.association, 2);
	assert_int_equal(event.resume.srtp_next, 20000);
	assert_false(is_heard_by_b(&x, &p.dtls.key_out, 2));
	assert_media_passes(&x, &again, 3);
	dtls_close(&p.dtls);
	dtls_close(&again.dtls);
	dtls_rig_close(&x);
}

/* However far indexes had got: who opens a new session of libsrtp hears us, and until then whoever has the old keys. */
static void another_handshake_begins_with_counter_0(void **state)
{
	static const uint64_t NEXT[] = { 100, 32768, 40000, 65536, 3 * 65536 + 9 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(NEXT); i++) {
		struct dtls_rig x;
		struct dtls_party p, again;
		struct media_event event;

		keyed_rig(&x, &p, &event);
		x.r->spec[A].resume.srtp_next = NEXT[i];
		x.r->spec[A].srtp_limit = srtp_index_anew(NEXT[i]) + 4;
		x.r->spec[A].dtls.association = 2;
		rig_update(x.r, &x.r->spec[A]);
		for (uint16_t n = 1; n < 10; n++)
			assert_media_passes(&x, &p, n);
		party_open(&again, PARTY, THEIRS, DTLS_CLIENT);
		parties_run(&x, &again, 1, 60);
		event = keyed_event(&x);
		assert_event_has_keys_of(&event, &again);
		for (uint16_t n = 10; n < 14; n++)
			assert_media_passes(&x, &again, n);
		assert_false(is_heard_by_a(&x, &again.dtls.key_in, 14)); /* the limit */
		dtls_close(&p.dtls);
		dtls_close(&again.dtls);
		dtls_rig_close(&x);
	}
}

static void a_restored_call_needs_no_handshake(void **state)
{
	struct dtls_rig x, y;
	struct dtls_party p;
	struct media_event event;
	struct flow_spec s = dtls_spec(DTLS_CLIENT), b = rig_spec(B);

	(void)state;
	keyed_rig(&x, &p, &event);
	dtls_rig_close(&x);
	y = dtls_rig_open_empty(64);
	s.key_in = event.key_in;
	s.key_out = event.key_out;
	s.resume.srtp_next = GRANTED - 3;
	rig_open_flow(y.r, &s);
	rig_open_flow(y.r, &b);
	assert_int_equal(state_of(&y), DTLS_CONNECTED);
	assert_media_passes(&y, &p, 1);
	assert_true(is_heard_by_a(&y, &p.dtls.key_in, 2));
	assert_true(is_heard_by_a(&y, &p.dtls.key_in, 3));
	assert_false(is_heard_by_a(&y, &p.dtls.key_in, 4)); /* the limit */
	assert_int_equal(dropped(y.r, VERDICT_SRTP_INDEX), 1);
	assert_int_equal(begun(&y), 0);
	dtls_close(&p.dtls);
	dtls_rig_close(&y);
}

/* Until its certificate came the party may still say who it is: in an answer after an early one, say. */
static void a_fingerprint_may_come_late(void **state)
{
	struct dtls_rig x = dtls_rig_open(DTLS_SERVER);
	struct dtls_party p;

	(void)state;
	party_open(&p, PARTY, STRANGERS, DTLS_CLIENT);
	party_send(&x, &p);
	rig_turn(&x);
	assert_int_equal(state_of(&x), DTLS_HANDSHAKING);
	x.r->spec[A].dtls.peer = *fingerprint_of(STRANGERS);
	rig_update(x.r, &x.r->spec[A]);
	parties_run(&x, &p, 1, 12);
	assert_int_equal(p.dtls.outcome, DTLS_DONE);
	assert_int_equal(begun(&x), 1);
	dtls_close(&p.dtls);
	dtls_rig_close(&x);
}

/* And before it has said so at all, its handshake waits. */
static void without_a_fingerprint_nothing_begins(void **state)
{
	(void)state;
	for (enum media_dtls_role role = DTLS_SERVER; role <= DTLS_CLIENT; role++) {
		struct dtls_rig x = dtls_rig_open_empty(64);
		struct flow_spec s = dtls_spec(role);
		struct dtls_party p;

		s.dtls.peer = (struct media_fingerprint){ 0 };
		rig_open_flow(x.r, &s);
		party_open(&p, PARTY, THEIRS, other(role));
		parties_run(&x, &p, 1, 10);
		assert_int_equal(begun(&x), 0);
		s.dtls.peer = *fingerprint_of(THEIRS);
		rig_update(x.r, &s);
		parties_run(&x, &p, 1, 20);
		assert_int_equal(p.dtls.outcome, DTLS_DONE);
		dtls_close(&p.dtls);
		dtls_rig_close(&x);
	}
}

static void the_last_flight_is_said_again_for_a_while(void **state)
{
	struct dtls_rig x = dtls_rig_open(DTLS_SERVER);
	struct dtls_party p;
	uint32_t heard;

	(void)state;
	x.lose = 3; /* ClientHello, our flight, its flight, our last one */
	party_open(&p, PARTY, THEIRS, DTLS_CLIENT);
	parties_run(&x, &p, 1, 3);
	assert_int_equal(state_of(&x), DTLS_CONNECTED);
	assert_int_equal(p.dtls.outcome, DTLS_RUNNING);
	heard = p.heard;
	parties_run(&x, &p, 1, 10);
	assert_int_equal(p.dtls.outcome, DTLS_DONE);
	assert_int_equal(p.heard, heard + 1);
	assert_int_equal(x.r->w.dtls.candidates.in_use, 1);
	clock_advance_ms(&x, 12000);
	rig_turn(&x);
	rig_turn(&x);
	assert_int_equal(x.r->w.dtls.candidates.in_use, 0);
	assert_int_equal(state_of(&x), DTLS_CONNECTED);
	assert_media_passes(&x, &p, 1);
	dtls_close(&p.dtls);
	dtls_rig_close(&x);
}

/* One that shares the transport has the keys of its owner, whichever is there first. */
static void bundled_flows_share_the_keys(void **state)
{
	struct dtls_rig x = dtls_rig_open(DTLS_SERVER);
	struct flow_spec video = rig_spec(A);
	struct dtls_party p;

	(void)state;
	video.peer = (struct flow_id){ 0 };
	video.ssrc_out = 0xcccc;
	video.bundle = x.r->spec[A].id;
	video.id.slot = 2;
	rig_open_flow(x.r, &video);
	assert_int_equal(flow_of(x.r, 2)->secure, SECURE_IN | SECURE_OUT);
	party_open(&p, PARTY, THEIRS, DTLS_CLIENT);
	parties_run(&x, &p, 1, 6);
	video.id.slot = 3;
	video.ssrc_out = 0xdddd;
	rig_open_flow(x.r, &video);
	for (int slot = 2; slot <= 3; slot++) {
		struct flow *f = flow_of(x.r, slot);

		assert_true(srtp_stream_has_key(f->srtp_in, &p.dtls.key_out));
		assert_true(srtp_stream_has_key(f->srtp_out, &p.dtls.key_in));
	}
	rig_update(x.r, &video);
	assert_true(srtp_stream_has_key(flow_of(x.r, 3)->srtp_out, &p.dtls.key_in));
	rig_command(x.r,
		    &(struct media_command){ .kind = MEDIA_FLOW_CLOSE, .id = x.r->spec[A].id });
	rig_command(x.r, &(struct media_command){ .kind = MEDIA_FLOW_CLOSE, .id = video.id });
	dtls_close(&p.dtls);
	dtls_rig_close(&x);
}

/* Closed in the midst of it: what comes back is of nobody. */
static void a_flow_may_be_closed_at_any_time(void **state)
{
	(void)state;
	for (uint32_t rounds = 0; rounds < 4; rounds++) {
		struct dtls_rig x = dtls_rig_open(DTLS_SERVER);
		struct dtls_party p;

		party_open(&p, PARTY, THEIRS, DTLS_CLIENT);
		parties_run(&x, &p, 1, rounds);
		party_send(&x, &p);
		worker_step(&x.r->w);
		rig_command(x.r, &(struct media_command){ .kind = MEDIA_FLOW_CLOSE,
							  .id = x.r->spec[A].id });
		rig_turn(&x);
		rig_turn(&x);
		assert_int_equal(x.r->w.dtls.candidates.in_use, 0);
		assert_int_equal(x.r->w.dtls.running, 0);
		assert_int_equal(crypto_running(x.crypto), 0);
		dtls_close(&p.dtls);
		dtls_rig_close(&x);
	}
}

/* Datagrams of the handshake that leave for the party in so many seconds. */
static uint32_t flights_in(struct dtls_rig *x, uint32_t seconds)
{
	const struct sim_packet *p;
	uint32_t n = 0;

	for (uint32_t i = 0; i < 50 * seconds; i++) {
		clock_advance_ms(x, 20);
		rig_turn(x);
		while ((p = port_sim_sent(x->r->sim)) != NULL)
			n += is_dtls(p);
	}
	return n;
}

/* RFC 7675 5.1: without consent nothing is sent, retransmissions of a handshake neither; a check brings all back. */
static void consent_ends_in_a_handshake(void **state)
{
	const struct check check = { .ice = &ICE_A, .priority = 1, .nominates = true };
	struct dtls_rig x = dtls_rig_open_empty(64);
	struct flow_spec s = dtls_spec(DTLS_SERVER);
	struct dtls_party p;

	(void)state;
	s.ice = ICE_A;
	rig_open_flow(x.r, &s);
	assert_int_equal(checks(x.r, A, PARTY, &check), 0);
	assert_int_equal(flights_in(&x, 10), 0);
	party_open(&p, PARTY, THEIRS, DTLS_CLIENT);
	party_send(&x, &p);
	assert_in_range(flights_in(&x, 19), 8, 64); /* ours, and what is said again */
	assert_int_equal(state_of(&x), DTLS_HANDSHAKING);
	assert_int_equal(flights_in(&x, 9), 0);
	assert_int_equal(state_of(&x), DTLS_HANDSHAKING);
	assert_int_equal(checks(x.r, A, PARTY, &check), 0);
	dtls_close(&p.dtls);
	party_open(&p, PARTY, THEIRS, DTLS_CLIENT);
	parties_run(&x, &p, 1, 6);
	assert_int_equal(p.dtls.outcome, DTLS_DONE);
	dtls_close(&p.dtls);
	dtls_rig_close(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(consent_ends_in_a_handshake),
		cmocka_unit_test(either_role_ends_with_media),
		cmocka_unit_test(saved_before_the_party_can_finish),
		cmocka_unit_test(the_next_process_lets_the_party_finish),
		cmocka_unit_test(a_party_that_comes_later_can_finish),
		cmocka_unit_test(keys_that_came_to_nothing_are_taken_back),
		cmocka_unit_test(any_datagram_may_be_lost_or_doubled),
		cmocka_unit_test(a_wrong_certificate_fails_and_the_right_one_succeeds),
		cmocka_unit_test(a_client_tries_again),
		cmocka_unit_test(a_client_begins_when_there_is_a_pair),
		cmocka_unit_test(a_client_waits_for_an_address),
		cmocka_unit_test(what_is_coded_has_the_keys_of_the_handshake),
		cmocka_unit_test(updates_leave_the_keys_alone),
		cmocka_unit_test(another_association_begins_anew_while_the_old_keys_go_on),
		cmocka_unit_test(another_handshake_begins_with_counter_0),
		cmocka_unit_test(a_restored_call_needs_no_handshake),
		cmocka_unit_test(a_fingerprint_may_come_late),
		cmocka_unit_test(without_a_fingerprint_nothing_begins),
		cmocka_unit_test(the_last_flight_is_said_again_for_a_while),
		cmocka_unit_test(bundled_flows_share_the_keys),
		cmocka_unit_test(a_flow_may_be_closed_at_any_time),
	};

	return cmocka_run_group_tests(tests, identities_open, identities_close);
}
