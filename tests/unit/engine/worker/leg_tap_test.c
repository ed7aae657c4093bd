/* SPDX-License-Identifier: Apache-2.0 */
/* What who records gets of a party: what it says with its own numbers and what it hears with ours, in plain text, whatever way it came. */
#include "tests/unit/engine/worker/secure_rig.h"

#include "engine/worker/stage.h"
#include "media/tap.h"
#include "tests/unit/engine/worker/job_rig.h"

enum { NUMBER = 3 };

/* The next copy; NULL: none waits. */
static const struct tap_packet *taken(struct rig *r)
{
	struct bytes e = byte_ring_read(&r->w.taps[TAP_RECORD]);

	byte_ring_release(&r->w.taps[TAP_RECORD]);
	return (const void *)e.p;
}

static const struct tap_packet *taken_live(struct rig *r)
{
	struct bytes e = byte_ring_read(&r->w.taps[TAP_LIVE]);

	byte_ring_release(&r->w.taps[TAP_LIVE]);
	return (const void *)e.p;
}

static const struct tap_packet *taken_fork(struct rig *r)
{
	struct bytes e = byte_ring_read(&r->w.taps[TAP_FORK]);

	byte_ring_release(&r->w.taps[TAP_FORK]);
	return (const void *)e.p;
}

static void tap_set(struct rig *r, int side, uint8_t number)
{
	r->spec[side].tap = number;
	r->spec[side].event_pt = 101;
	r->spec[side].rule_codecs[0] = MEDIA_CODEC_PCMU + 1;
	r->spec[side].rule_codecs[1] = MEDIA_CODEC_PCMA + 1;
	rig_update(r, &r->spec[side]);
}

/* A copy of RTP with this payload and these numbers. */
static void is_copy(const struct tap_packet *t, uint8_t side, uint16_t sequence, uint32_t ssrc,
		    const char *payload)
{
	struct bytes rtp;

	assert_non_null(t);
	rtp = tap_octets(t);
	assert_int_equal(t->side, side);
	assert_int_equal(t->number, NUMBER);
	assert_int_equal(t->call, 4711);
	assert_int_equal(rtp.n, 12 + strlen(payload));
	assert_int_equal(be16_get(rtp.p + 2), sequence);
	assert_int_equal(be32_get(rtp.p + 8), ssrc);
	assert_memory_equal(rtp.p + 12, payload, strlen(payload));
}

static struct rtp next_of(int side, uint16_t sequence, const char *payload)
{
	return (struct rtp){ .ssrc = side == A ? 0x1111 : 0x2222,
			     .sequence = sequence,
			     .timestamp = sequence * 160U,
			     .payload = payload };
}

static void nothing_is_copied_unasked(void **state)
{
	struct rig *r = rig_open();
	struct rtp p = next_of(A, 1, "one");

	(void)state;
	rig_hear(r, A);
	rig_hear(r, B);
	assert_non_null(relay_rtp(r, A, &p));
	assert_int_equal(r->w.flows.tapped, 0);
	assert_null(taken(r));
	rig_close(r);
}

/* What a party says under another key, behind a rollover, whether its counter goes on or begins at 0 (RFC 3711 3.3.1). */
static void behind_another_key(enum media_suite suite, bool continues)
{
	enum { FIRST = 65530, KEYED = 10, END = 40 };
	struct secure_rig x = secure_open(suite, suite);
	struct packet got;

	tap_set(x.r, A, NUMBER);
	for (uint16_t n = FIRST; n != END; n++) {
		struct rtp p = next_of(A, n, "said");

		if (n == KEYED) {
			(void)srtp_dealloc(x.party[A].out);
			x.r->spec[A].key_in = key_from(suite, 55);
			x.party[A].out = libsrtp_behind(x.r->spec[A].key_in, 0x1111,
							continues ? FIRST : KEYED, KEYED);
			rig_update(x.r, &x.r->spec[A]);
		}
		assert_true(relayed(&x, A, &p, &got));
		is_copy(taken(x.r), TAP_FROM_PARTY, n, 0x1111, "said");
	}
	assert_null(taken(x.r));
	secure_close(&x);
}

static void another_key_is_no_gap(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(ALL_SUITES); i++) {
		behind_another_key(ALL_SUITES[i], true);
		behind_another_key(ALL_SUITES[i], false);
	}
}

/* By the stages first, then by the pass; enciphered or not, it is the same. */
static void both_sides_in_plain_text(void **state)
{
	static const enum media_suite suites[] = { MEDIA_SUITE_NONE,
						   MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80,
						   MEDIA_SUITE_AEAD_AES_256_GCM };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(suites); i++) {
		struct secure_rig x = secure_open(suites[i], suites[i]);
		const struct tap_packet *t;
		struct rtp p = next_of(B, 1, "hello");
		struct addr local = x.r->spec[A].local_rtp, from = party(A);
		struct packet got;

		tap_set(x.r, A, NUMBER);
		assert_int_equal(x.r->w.flows.tapped, 1);
		assert_true(relayed(&x, B, &p, &got));
		for (uint16_t n = 1; n < 20; n++) {
			char text[16];

			(void)snprintf(text, sizeof(text), "said %u", n);
			p = next_of(A, n, text);
			assert_true(relayed(&x, A, &p, &got));
			assert_int_equal(x.r->w.batch.done, 0); /* it has left */
			if (n == 1) {
				t = taken(x.r);
				is_copy(t, TAP_TO_PARTY, be16_get(tap_octets(t).p + 2), 0xaaaa,
					"hello");
			}
			t = taken(x.r);
			is_copy(t, TAP_FROM_PARTY, n, 0x1111, text);
			assert_int_equal(t->kind, TAP_SOUND);
			assert_int_equal(t->codec, MEDIA_CODEC_PCMU + 1);
			assert_int_equal(t->clock_hz, 8000);
			assert_int_equal(t->time_ns, x.r->w.now_ns);
			assert_true(addr_eq(&t->from, &from) && addr_eq(&t->to, &local));
			(void)snprintf(text, sizeof(text), "heard %u", n);
			p = next_of(B, (uint16_t)(n + 1), text);
			assert_true(relayed(&x, B, &p, &got));
			t = taken(x.r);
			is_copy(t, TAP_TO_PARTY, be16_get(got.p + 2), 0xaaaa, text);
			assert_true(addr_eq(&t->to, &from));
			assert_null(taken(x.r));
		}
		secure_close(&x);
	}
}

/* The pass goes on: what it has not done is nothing of a run of ordinary packets. */
static void the_pass_stays_in_use(void **state)
{
	struct rig *r = rig_open();
	struct rtp p;

	(void)state;
	rig_hear(r, A);
	rig_hear(r, B);
	tap_set(r, A, NUMBER);
	p = next_of(A, 1, "one");
	assert_non_null(relay_rtp(r, A, &p));
	for (uint16_t n = 2; n < 6; n++) {
		p = next_of(A, n, "more");
		put_rtp(r, A, &p);
	}
	r->w.port->ops->rx(r->w.port, &r->w.batch, 1, 0);
	r->w.now_ns = r->w.batch.now_ns;
	ordinary_stage(&r->w, &r->w.batch);
	assert_int_equal(r->w.batch.done, 4);
	leg_tap_out(&r->w, &r->w.batch);
	out_stage(&r->w, &r->w.batch);
	is_copy(taken(r), TAP_FROM_PARTY, 1, 0x1111, "one");
	for (uint16_t n = 2; n < 6; n++)
		is_copy(taken(r), TAP_FROM_PARTY, n, 0x1111, "more");
	assert_null(taken(r));
	rig_close(r);
}

/* What one of them says the other one hears: each packet is of two recordings. */
static void two_taps_of_a_call(void **state)
{
	struct rig *r = rig_open();
	const struct tap_packet *t;
	struct rtp p;

	(void)state;
	rig_hear(r, A);
	rig_hear(r, B);
	tap_set(r, A, NUMBER);
	tap_set(r, B, NUMBER);
	assert_int_equal(r->w.flows.tapped, 2);
	for (uint16_t n = 1; n < 4; n++) {
		p = next_of(A, n, "both");
		assert_non_null(relay_rtp(r, A, &p));
		t = taken(r);
		is_copy(t, TAP_FROM_PARTY, n, 0x1111, "both");
		assert_int_equal(t->leg, A);
		t = taken(r);
		is_copy(t, TAP_TO_PARTY, be16_get(tap_octets(t).p + 2), 0xbbbb, "both");
		assert_int_equal(t->leg, B);
		assert_null(taken(r));
	}
	rig_close(r);
}

static void events_and_rtcp_are_told_apart(void **state)
{
	static const uint8_t report[] = { 0x80, 0xc9, 0, 1, 0, 0, 0x11, 0x11 };
	struct rig *r = rig_open();
	struct addr from = party_rtcp(A);
	const struct tap_packet *t;
	struct rtp p = next_of(A, 1, "\1\212\3\300");

	(void)state;
	rig_hear(r, A);
	rig_hear(r, B);
	tap_set(r, A, NUMBER);
	p.payload_type = 101;
	put_rtp(r, A, &p);
	put_bytes(r, A, CHANNEL_RTCP, &from, bytes_mem(report, sizeof(report)));
	worker_step(&r->w);
	t = taken(r);
	assert_int_equal(t->kind, TAP_EVENT);
	t = taken(r);
	assert_int_equal(t->kind, TAP_RTCP);
	assert_int_equal(t->length, sizeof(report));
	assert_null(taken(r));
	rig_close(r);
}

/* Digits of ours, and a job that it hears in place of its peer. */
static void what_is_made_here_is_heard(void **state)
{
	struct rig *r = rig_open();
	struct media_sound *sound = sound_of(RATE, FRAME * 50);
	struct media_track track = track_of(sound);
	struct played played[16];
	const struct tap_packet *t;
	size_t n;

	(void)state;
	rig_hear(r, A);
	rig_hear(r, B);
	tap_set(r, A, NUMBER);
	rig_command(r, &(struct media_command){ .kind = MEDIA_FLOW_DIGIT_SEND,
						.id = r->spec[A].id,
						.digit = '5',
						.duration_ms = 40 });
	t = taken(r);
	assert_non_null(t);
	assert_int_equal(t->kind, TAP_EVENT);
	assert_int_equal(t->side, TAP_TO_PARTY);
	(void)play_ms(r, 300, played, 16);
	while (taken(r))
		continue;
	job_open_as(r, MUSIC_ID, &track);
	hears(r, A, MUSIC_ID, MUSIC_PT);
	n = play_ms(r, 100, played, 16);
	assert_true(n > 3);
	for (size_t i = 0; i < n; i++) {
		t = taken(r);
		assert_non_null(t);
		assert_int_equal(t->side, TAP_TO_PARTY);
		assert_int_equal(t->codec, MEDIA_CODEC_PCMU + 1);
		assert_memory_equal(tap_octets(t).p + 12, played[i].octets, FRAME);
	}
	(void)job_close_as(r, MUSIC_ID);
	media_sound_unref(sound);
	rig_close(r);
}

/* REC-04: digits that wait when a recording goes on are in no record, those behind it are. */
static void digits_of_before_are_not_recorded(void **state)
{
	struct rig *r = rig_open();
	struct media_command digit = { .kind = MEDIA_FLOW_DIGIT_SEND,
				       .id = r->spec[A].id,
				       .duration_ms = 40 };
	struct played played[64];
	const struct tap_packet *t;

	(void)state;
	rig_hear(r, A);
	rig_hear(r, B);
	digit.digit = '1';
	rig_command(r, &digit);
	digit.digit = '2';
	rig_command(r, &digit);
	tap_set(r, A, NUMBER);
	assert_true(play_ms(r, 600, played, 64) > 10);
	assert_null(taken(r));
	digit.digit = '3';
	rig_command(r, &digit);
	t = taken(r);
	assert_non_null(t);
	assert_int_equal(t->kind, TAP_EVENT);
	rig_close(r);
}

/* Neither is heard by anybody. */
static void held_parties_and_strangers(void **state)
{
	struct rig *r = rig_open();
	struct addr stranger = rig_addr("198.51.100.9:9");
	struct rtp p = next_of(A, 1, "on hold");

	(void)state;
	rig_hear(r, A);
	rig_hear(r, B);
	r->spec[A].receive = r->spec[B].send = 0;
	rig_update(r, &r->spec[B]);
	tap_set(r, A, NUMBER);
	assert_null(relay_rtp(r, A, &p));
	assert_null(taken(r));
	put_rtp_from(r, A, &stranger, &p);
	worker_step(&r->w);
	assert_null(taken(r));
	rig_close(r);
}

/* Not one packet behind the command that pauses it. */
static void an_update_pauses_it(void **state)
{
	struct rig *r = rig_open();
	struct rtp p = next_of(A, 1, "on");

	(void)state;
	rig_hear(r, A);
	rig_hear(r, B);
	tap_set(r, A, NUMBER);
	assert_non_null(relay_rtp(r, A, &p));
	is_copy(taken(r), TAP_FROM_PARTY, 1, 0x1111, "on");
	tap_set(r, A, 0);
	assert_int_equal(r->w.flows.tapped, 0);
	p = next_of(A, 2, "paused");
	assert_non_null(relay_rtp(r, A, &p));
	p = next_of(B, 2, "paused");
	assert_non_null(relay_rtp(r, B, &p));
	assert_null(taken(r));
	tap_set(r, A, NUMBER);
	p = next_of(A, 3, "again");
	assert_non_null(relay_rtp(r, A, &p));
	is_copy(taken(r), TAP_FROM_PARTY, 3, 0x1111, "again");
	rig_command(r, &(struct media_command){ .kind = MEDIA_FLOW_CLOSE, .id = r->spec[A].id });
	assert_int_equal(r->w.flows.tapped, 0);
	rig_close(r);
}

/* Calls go on as if nobody recorded; what is missing is told with what comes next. */
static void a_full_ring_is_loss(void **state)
{
	struct rig *r = rig_open();
	uint64_t before = metric_value(r->metrics.tap_lost[TAP_RECORD]);
	const struct tap_packet *t;
	uint32_t lost, seen = 0;
	uint16_t n = 0;
	struct rtp p;

	(void)state;
	rig_hear(r, A);
	rig_hear(r, B);
	tap_set(r, A, NUMBER);
	byte_ring_close(&r->w.taps[TAP_RECORD]);
	assert_int_equal(byte_ring_open(&r->w.taps[TAP_RECORD], 1 << 14), 0);
	for (n = 1; n <= 500; n++) {
		p = next_of(A, n, "as long as it lasts");
		assert_non_null(relay_rtp(r, A, &p));
	}
	lost = (uint32_t)(metric_value(r->metrics.tap_lost[TAP_RECORD]) - before);
	while ((t = taken(r))) {
		assert_int_equal(t->lost, 0);
		seen++;
	}
	assert_true(seen > 10);
	assert_int_equal(seen + lost, 500);
	p = next_of(A, n, "then");
	assert_non_null(relay_rtp(r, A, &p));
	t = taken(r);
	is_copy(t, TAP_FROM_PARTY, n, 0x1111, "then");
	assert_int_equal(t->lost, lost);
	rig_close(r);
}

/* Each has its own number, and its own loss; one that comes or goes changes nothing for the other. */
static void readers_are_apart(void **state)
{
	struct rig *r = rig_open();
	const struct tap_packet *t;
	struct rtp p;

	(void)state;
	rig_hear(r, A);
	rig_hear(r, B);
	r->spec[A].tap_live = 9;
	tap_set(r, A, NUMBER);
	assert_int_equal(r->w.flows.tapped, 1);
	for (uint16_t n = 1; n < 5; n++) {
		p = next_of(A, n, "twice");
		assert_non_null(relay_rtp(r, A, &p));
		is_copy(taken(r), TAP_FROM_PARTY, n, 0x1111, "twice");
		t = taken_live(r);
		assert_non_null(t);
		assert_int_equal(t->number, 9);
		assert_int_equal(t->side, TAP_FROM_PARTY);
		assert_memory_equal(tap_octets(t).p + 12, "twice", 5);
		assert_null(taken(r));
		assert_null(taken_live(r));
	}
	tap_set(r, A, 0);
	assert_int_equal(r->w.flows.tapped, 1);
	p = next_of(A, 5, "once");
	assert_non_null(relay_rtp(r, A, &p));
	assert_null(taken(r));
	assert_non_null(taken_live(r));
	r->spec[A].tap_live = 0;
	rig_update(r, &r->spec[A]);
	assert_int_equal(r->w.flows.tapped, 0);
	rig_close(r);
}

/* Who sends it on gets what both say, and nothing twice; who records one of them gets both ways. */
static void a_fork_is_of_what_is_said(void **state)
{
	struct rig *r = rig_open();
	const struct tap_packet *t;
	struct rtp p;

	(void)state;
	rig_hear(r, A);
	rig_hear(r, B);
	for (int side = A; side <= B; side++) {
		r->spec[side].tap_fork = 1;
		rig_update(r, &r->spec[side]);
	}
	tap_set(r, A, NUMBER);
	for (uint16_t n = 1; n < 4; n++) {
		for (int side = A; side <= B; side++) {
			p = next_of(side, n, "said");
			assert_non_null(relay_rtp(r, side, &p));
			t = taken_fork(r);
			assert_non_null(t);
			assert_int_equal(t->side, TAP_FROM_PARTY);
			assert_int_equal(be16_get(tap_octets(t).p + 2), n);
			assert_int_equal(be32_get(tap_octets(t).p + 8), p.ssrc);
			assert_null(taken_fork(r));
			assert_int_equal(taken(r)->side, side == A ? TAP_FROM_PARTY : TAP_TO_PARTY);
			assert_null(taken(r));
		}
	}
	rig_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_copied_unasked),
		cmocka_unit_test(another_key_is_no_gap),
		cmocka_unit_test(both_sides_in_plain_text),
		cmocka_unit_test(the_pass_stays_in_use),
		cmocka_unit_test(two_taps_of_a_call),
		cmocka_unit_test(events_and_rtcp_are_told_apart),
		cmocka_unit_test(what_is_made_here_is_heard),
		cmocka_unit_test(digits_of_before_are_not_recorded),
		cmocka_unit_test(held_parties_and_strangers),
		cmocka_unit_test(an_update_pauses_it),
		cmocka_unit_test(a_full_ring_is_loss),
		cmocka_unit_test(readers_are_apart),
		cmocka_unit_test(a_fork_is_of_what_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
