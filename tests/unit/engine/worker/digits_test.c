/* SPDX-License-Identifier: Apache-2.0 */
/* Digits that are made for a party (RFC 4733), and those of a party that the other one gets by INFO. */
#include "tests/unit/test.h"

#include "tests/unit/engine/rig.h"

enum { EVENT_PT = 97, PACKET_MS = 20 };

struct heard {
	struct rtp rtp;
	uint64_t at_ms; /* since the start */
	uint8_t event, end;
	uint16_t duration;
};

static struct rig *rig_digits(void)
{
	struct rig *r = rig_open();

	for (int side = A; side <= B; side++) {
		r->spec[side].event_pt = EVENT_PT;
		r->spec[side].event_clock_hz = 8000;
		rig_update(r, &r->spec[side]);
	}
	return r;
}

static void digit_send(struct rig *r, int side, char digit, uint16_t ms)
{
	rig_command(r, &(struct media_command){ .kind = MEDIA_FLOW_DIGIT_SEND,
						.id = r->spec[side].id,
						.digit = digit,
						.duration_ms = ms });
}

/* What was sent since, in ms from the rig's start. */
static size_t take(struct rig *r, struct heard *out, size_t max)
{
	const struct sim_packet *p;
	size_t n = 0;

	while (n < max && (p = port_sim_sent(r->sim)) != NULL) {
		out[n] = (struct heard){ .rtp = rtp_read(p),
					 .at_ms = (r->sim->now_ns - RIG_START) / NS_PER_MS };
		if (out[n].rtp.payload_type == EVENT_PT) {
			assert_int_equal(out[n].rtp.payload_n, 4);
			out[n].event = p->data[12];
			out[n].end = p->data[13] >> 7;
			out[n].duration = be16_get(p->data + 14);
		}
		n++;
	}
	return n;
}

/* A step each ms. */
static size_t run_ms(struct rig *r, uint32_t ms, struct heard *out, size_t max)
{
	size_t n = 0;

	while (ms-- > 0) {
		advance_ms(r, 1);
		worker_step(&r->w);
		n += take(r, out + n, max - n);
	}
	return n;
}

static void a_digit_is_an_event(void **state)
{
	struct rig *r = rig_digits();
	struct heard h[16];
	size_t n;

	(void)state;
	digit_send(r, B, '#', 120);
	n = take(r, h, 16);
	n += run_ms(r, 400, h + n, 16 - n);
	assert_int_equal(n, 6 + 3);
	for (size_t i = 0; i < n; i++) {
		size_t packets = i < 6 ? i + 1 : 6;

		assert_int_equal(h[i].at_ms, i * PACKET_MS);
		assert_int_equal(h[i].rtp.ssrc, 0xbbbb);
		assert_int_equal(h[i].rtp.payload_type, EVENT_PT);
		assert_int_equal(h[i].rtp.marker, i == 0);
		assert_int_equal(h[i].rtp.sequence, (uint16_t)(h[0].rtp.sequence + i));
		assert_int_equal(h[i].rtp.timestamp, h[0].rtp.timestamp);
		assert_int_equal(h[i].event, 11);
		assert_int_equal(h[i].end, i >= 6);
		assert_int_equal(h[i].duration, packets * 160);
	}
	assert_true(h[0].rtp.sequence <= 1 << 15);
	assert_int_equal(flow_of(r, B)->sent.packets, n);
	rig_close(r);
}

static void a_pause_between_two(void **state)
{
	struct rig *r = rig_digits();
	struct heard h[64];
	size_t n;

	(void)state;
	digit_send(r, B, '1', 50); /* stretched */
	digit_send(r, B, '1', 200);
	digit_send(r, B, 'F', 0);
	n = take(r, h, 64);
	n += run_ms(r, 2000, h + n, 64 - n);
	assert_int_equal(n, 9 + 13 + 9);
	assert_int_equal(h[9].at_ms, 240); /* 120 on, 120 off */
	assert_int_equal(h[9].rtp.marker, 1);
	assert_int_equal(h[9].rtp.timestamp - h[0].rtp.timestamp, 240 * 8);
	assert_int_equal(h[21].duration, 200 * 8);
	assert_int_equal(h[22].at_ms, 240 + 320);
	assert_int_equal(h[22].event, 16);
	/* and after a digit that comes when all is silent again, the pause is over */
	digit_send(r, B, '2', 120);
	n = take(r, h, 64);
	assert_int_equal(n, 1);
	rig_close(r);
}

static uint64_t refused(const struct rig *r, enum digit_refusal why)
{
	return metric_value(r->metrics.digits_refused[why]);
}

static void a_queue_has_an_end(void **state)
{
	struct rig *r = rig_digits();
	uint64_t full = refused(r, DIGIT_QUEUE_FULL), sent = metric_value(r->metrics.digits_sent);
	uint64_t changed = refused(r, DIGIT_FLOW_CHANGED);
	struct heard h[32];

	(void)state;
	for (int i = 0; i < DIGITS_MAX + 3; i++) /* one is under way */
		digit_send(r, B, '5', 120);
	assert_int_equal(refused(r, DIGIT_QUEUE_FULL) - full, 2);
	(void)run_ms(r, 240 * 3, h, 32);
	assert_int_equal(metric_value(r->metrics.digits_sent) - sent, 3);
	r->spec[B].send = 0; /* on hold */
	rig_update(r, &r->spec[B]);
	while (port_sim_sent(r->sim))
		continue;
	assert_int_equal(run_ms(r, 1000, h, 32), 0);
	assert_int_equal(refused(r, DIGIT_FLOW_CHANGED) - changed, DIGITS_MAX + 1 - 3);
	rig_close(r);
}

static void what_cannot_be_sent_is_counted(void **state)
{
	static const struct {
		char digit;
		uint8_t event_pt, send;
		bool unknown_address;
		enum digit_refusal why;
	} ROWS[] = {
		{ 'x', EVENT_PT, 1, false, DIGIT_UNKNOWN },
		{ '\0', EVENT_PT, 1, false, DIGIT_UNKNOWN },
		{ '1', PAYLOAD_NONE, 1, false, DIGIT_NO_PAYLOAD_TYPE },
		{ '1', EVENT_PT, 0, false, DIGIT_NOT_SENDING },
		{ '1', EVENT_PT, 1, true, DIGIT_NO_DESTINATION },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
		struct rig *r = rig_digits();
		uint64_t before = refused(r, ROWS[i].why);

		r->spec[B].event_pt = ROWS[i].event_pt;
		r->spec[B].send = ROWS[i].send;
		if (ROWS[i].unknown_address)
			r->spec[B].remote_rtp = (struct addr){ 0 };
		rig_update(r, &r->spec[B]);
		digit_send(r, B, ROWS[i].digit, 120);
		nothing_sent(r);
		assert_int_equal(refused(r, ROWS[i].why) - before, 1);
		rig_close(r);
	}
}

/* Audio at 50 packets a second from A, a digit to B in the middle of it. */
static void audio_gives_way_and_goes_on(void **state)
{
	struct rig *r = rig_digits();
	struct heard h[128];
	size_t n = 0, events = 0;

	(void)state;
	for (uint16_t i = 0; i < 50; i++) {
		put_rtp(r, A,
			&(struct rtp){ .ssrc = 1,
				       .sequence = (uint16_t)(65500 + i),
				       .timestamp = i * 160U });
		worker_step(&r->w);
		n += take(r, h + n, 128 - n);
		n += run_ms(r, 10, h + n, 128 - n);
		if (i == 10) {
			digit_send(r, B, '7', 120);
			n += take(r, h + n, 128 - n);
		}
		n += run_ms(r, 10, h + n, 128 - n);
	}
	for (size_t i = 1; i < n; i++) {
		assert_int_equal(h[i].rtp.sequence, (uint16_t)(h[i - 1].rtp.sequence + 1));
		assert_true((int32_t)(h[i].rtp.timestamp - h[i - 1].rtp.timestamp) >= 0);
		if (h[i].rtp.payload_type == EVENT_PT)
			events++;
		else /* the source's own time, unshifted */
			assert_int_equal(h[i].rtp.timestamp, h[i].at_ms * 8);
	}
	assert_int_equal(events, 9);
	assert_int_equal(n, 50 + 9 - dropped(r, VERDICT_DURING_DIGIT));
	assert_in_range(dropped(r, VERDICT_DURING_DIGIT), 7, 9);
	assert_int_equal(flow_stats_read(flow_of(r, A)).lost, 0);
	assert_int_equal(flow_of(r, A)->received.packets, 50);
	rig_close(r);
}

/* Late packets from before the digit get their old numbers, those whose numbers are given away are dropped. */
static void late_packets_find_no_taken_number(void **state)
{
	struct rig *r = rig_digits();
	struct heard h[32];
	struct rtp in;
	size_t n;

	(void)state;
	in = (struct rtp){ .ssrc = 1, .sequence = 98, .timestamp = 0 };
	assert_int_equal(rtp_read(relay_rtp(r, A, &in)).sequence, 98);
	in = (struct rtp){ .ssrc = 1, .sequence = 100, .timestamp = 320 };
	assert_int_equal(rtp_read(relay_rtp(r, A, &in)).sequence, 100);
	digit_send(r, B, '1', 120);
	n = take(r, h, 32);
	n += run_ms(r, 200, h + n, 32 - n);
	assert_int_equal(h[0].rtp.sequence, 101);
	assert_int_equal(h[n - 1].rtp.sequence, 109);
	in = (struct rtp){ .ssrc = 1, .sequence = 99, .timestamp = 160 };
	assert_int_equal(rtp_read(relay_rtp(r, A, &in)).sequence, 99);
	in = (struct rtp){ .ssrc = 1, .sequence = 102, .timestamp = 2240 };
	assert_int_equal(rtp_read(relay_rtp(r, A, &in)).sequence, 111);
	in = (struct rtp){ .ssrc = 1, .sequence = 101, .timestamp = 2080 };
	assert_int_equal(rtp_read(relay_rtp(r, A, &in)).sequence, 110);
	in = (struct rtp){ .ssrc = 1, .sequence = 100, .timestamp = 320 };
	assert_int_equal(rtp_read(relay_rtp(r, A, &in)).sequence, 100);
	rig_close(r);
}

static void a_source_goes_on_after_a_digit_into_silence(void **state)
{
	struct rig *r = rig_digits();
	struct heard h[16];
	struct rtp first;
	size_t n;

	(void)state;
	digit_send(r, B, '1', 120);
	n = take(r, h, 16);
	n += run_ms(r, 500, h + n, 16 - n);
	first = rtp_read(relay_rtp(r, A, &(struct rtp){ .ssrc = 1, .sequence = 3 }));
	assert_int_equal(first.sequence, (uint16_t)(h[n - 1].rtp.sequence + 1));
	assert_int_equal(first.timestamp - h[0].rtp.timestamp, 500 * 8);
	rig_close(r);
}

/* To a party with keys a digit leaves as SRTP, in the indexes of its stream. */
static void a_digit_is_protected(void **state)
{
	struct rig *r = rig_open_empty(64);
	struct flow_spec b = rig_spec(B);
	const struct sim_packet *p;
	uint16_t next = 0;
	size_t n = 0;

	(void)state;
	b.event_pt = EVENT_PT;
	b.event_clock_hz = 8000;
	b.key_out =
		(struct media_key){ .suite = MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80, .length = 30 };
	b.srtp_limit = 1 << 20;
	b.srtcp_limit = 1 << 20;
	r->spec[B] = b;
	rig_open_flow(r, &b);
	digit_send(r, B, '4', 120);
	for (int ms = 0; ms < 200; ms++) {
		while ((p = port_sim_sent(r->sim)) != NULL) {
			assert_int_equal(p->length, 12 + 4 + 10);
			assert_true(n == 0 || be16_get(p->data + 2) == next);
			next = (uint16_t)(be16_get(p->data + 2) + 1);
			assert_memory_not_equal(p->data + 12, "\x04\x0a", 2);
			n++;
		}
		advance_ms(r, 1);
		worker_step(&r->w);
	}
	assert_int_equal(n, 9);
	rig_close(r);
}

/* ---- by INFO ---- */

static struct rig *rig_by_info(void)
{
	struct rig *r = rig_digits();

	r->spec[A].rules[2].out = PAYLOAD_NONE;
	rig_update(r, &r->spec[A]);
	return r;
}

static void put_event(struct rig *r, uint32_t ssrc, uint16_t sequence, uint32_t timestamp, int end,
		      int duration)
{
	char payload[4] = { 5, (char)(end << 7 | 10), (char)(duration >> 8), (char)duration };

	put_rtp(r, A,
		&(struct rtp){ .ssrc = ssrc,
			       .sequence = sequence,
			       .timestamp = timestamp,
			       .payload_type = 101,
			       .payload = payload,
			       .payload_n = 4 });
	worker_step(&r->w);
}

static void an_event_by_info_is_taken_out(void **state)
{
	struct rig *r = rig_by_info();
	struct media_event event;
	struct rtp in = { .ssrc = 1, .sequence = 10, .timestamp = 1600 }, out;

	(void)state;
	assert_int_equal(rtp_read(relay_rtp(r, A, &in)).sequence, 10);
	for (uint16_t i = 1; i <= 8; i++)
		put_event(r, 1, (uint16_t)(10 + i), 1760, i > 5, i > 5 ? 960 : i * 160);
	nothing_sent(r);
	assert_true(rig_event(r, MEDIA_FLOW_DIGIT, &event));
	assert_int_equal(event.digit, '5');
	assert_int_equal(event.relayed, 0);
	assert_int_equal(event.duration_ms, 120);
	assert_int_equal(rig_events(r, MEDIA_FLOW_DIGIT), 0);
	assert_int_equal(dropped(r, VERDICT_EVENT_BY_INFO), 8);
	in.sequence = 19;
	in.timestamp = 1600 + 9 * 160;
	out = rtp_read(relay_rtp(r, A, &in));
	assert_int_equal(out.sequence, 11); /* nothing is missed */
	assert_int_equal(out.timestamp, in.timestamp);
	assert_int_equal(flow_stats_read(flow_of(r, A)).lost, 0);
	rig_close(r);
}

static void a_relayed_event_says_so(void **state)
{
	struct rig *r = rig_digits();
	struct media_event event;

	(void)state;
	put_event(r, 1, 10, 1760, 1, 960);
	assert_non_null(port_sim_sent(r->sim));
	assert_true(rig_event(r, MEDIA_FLOW_DIGIT, &event));
	assert_int_equal(event.relayed, 1);
	rig_close(r);
}

/* The gateway restarts within an event and goes on under another SSRC: still one digit. */
static void a_restart_of_the_source_is_no_digit(void **state)
{
	struct rig *r = rig_by_info();

	(void)state;
	put_event(r, 1, 10, 1760, 0, 160);
	put_event(r, 1, 11, 1760, 0, 320);
	put_event(r, 1, 12, 1760, 1, 480);
	assert_int_equal(rig_events(r, MEDIA_FLOW_DIGIT), 1);
	advance_ms(r, 20);
	put_event(r, 2, 900, 1760, 1, 480); /* the end again, as it was */
	put_event(r, 3, 70, 99999, 1, 480); /* in other numbers */
	assert_int_equal(rig_events(r, MEDIA_FLOW_DIGIT), 0);
	advance_ms(r, 100);
	put_event(r, 3, 71, 101000, 0, 160); /* the key again */
	put_event(r, 4, 1, 5, 0, 320);       /* under way */
	put_event(r, 4, 2, 5, 1, 480);
	assert_int_equal(rig_events(r, MEDIA_FLOW_DIGIT), 1);
	assert_int_equal(flow_of(r, A)->stats.digits, 2);
	rig_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_digit_is_an_event),
		cmocka_unit_test(a_pause_between_two),
		cmocka_unit_test(a_queue_has_an_end),
		cmocka_unit_test(what_cannot_be_sent_is_counted),
		cmocka_unit_test(audio_gives_way_and_goes_on),
		cmocka_unit_test(late_packets_find_no_taken_number),
		cmocka_unit_test(a_source_goes_on_after_a_digit_into_silence),
		cmocka_unit_test(a_digit_is_protected),
		cmocka_unit_test(an_event_by_info_is_taken_out),
		cmocka_unit_test(a_relayed_event_says_so),
		cmocka_unit_test(a_restart_of_the_source_is_no_digit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
