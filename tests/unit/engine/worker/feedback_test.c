/* SPDX-License-Identifier: Apache-2.0 */
/* A browser numbers what it sends on both lines of a bundle; slots 0 and 2 are its m-lines, 1 and 3 the phone's. */
#include "tests/unit/test.h"

#include "engine/worker/feedback.h"
#include "media/rtp/rtcp_parse.h"
#include "media/rtp/transport_cc.h"
#include "tests/unit/engine/ice/ice_party.h"
#include "tests/unit/engine/srtp/libsrtp.h"

enum {
	AUDIO = 0,
	VIDEO = 2,
	CAMERA_PT = 96,
	AUDIO_ID = 3,
	VIDEO_ID = 5, /* RFC 8285 wants the same; nothing hangs on it */
};

#define BROWSER "198.51.100.1:40000"

static const struct check NOMINATES = { .ice = &ICE_A, .nominates = true };

static struct flow_spec line_spec(uint32_t slot)
{
	struct flow_spec s = rig_spec(slot % 2);
	bool video = slot >= VIDEO;

	s.id.slot = slot;
	s.peer.slot = slot ^ 1;
	s.kind = video ? MEDIA_VIDEO : MEDIA_AUDIO;
	s.ssrc_out = 0xa0 + slot;
	s.rtcp_mux = 1;
	s.srtp_limit = s.srtcp_limit = 1 << 20;
	s.strips = 1;
	s.rules[0].in = video ? CAMERA_PT : 0;
	if (slot % 2)
		return s;
	s.cc_extension = video ? VIDEO_ID : AUDIO_ID;
	if (video)
		s.bundle = (struct flow_id){ .slot = AUDIO, .generation = 7 };
	else
		s.ice = ICE_A;
	return s;
}

struct browser {
	struct rig *r;
	srtp_t out, in; /* NULL: plain */
	uint16_t sequence;
};

static struct browser browser_open(bool secure)
{
	struct browser x = { .r = rig_open_empty(64) };

	for (uint32_t slot = 0; slot < 4; slot++) {
		struct flow_spec s = line_spec(slot);

		if (secure && slot % 2 == 0) {
			s.key_in = key_from(MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80, 1);
			s.key_out = key_from(MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80, 2);
			x.out = x.out ? x.out : libsrtp_open(s.key_in, ssrc_any_outbound);
			x.in = x.in ? x.in : libsrtp_open(s.key_out, ssrc_any_inbound);
		}
		rig_open_flow(x.r, &s);
	}
	assert_int_equal(checks(x.r, AUDIO, BROWSER, &NOMINATES), 0);
	return x;
}

static void browser_close(struct browser *x)
{
	if (x->out)
		(void)srtp_dealloc(x->out);
	if (x->in)
		(void)srtp_dealloc(x->in);
	rig_close(x->r);
}

/* A packet, as it is before SRTP, in the batch of the next step. */
static void put(struct browser *x, struct bytes plain)
{
	uint8_t p[PACKET_MAX + SRTP_MAX_TRAILER_LEN];
	struct addr from = rig_addr(BROWSER);
	size_t n = plain.n;

	memcpy(p, plain.p, n);
	if (x->out)
		assert_true(libsrtp_protect(x->out, false, p, &n));
	put_bytes(x->r, AUDIO, CHANNEL_RTP, &from, bytes_mem(p, n));
}

/* With a CSRC, so that there is something between head and extension. */
static struct bytes numbered(uint8_t out[PACKET_MAX], struct browser *x, uint32_t line,
			     uint16_t number, const char *payload)
{
	struct writer w = writer_over(out, PACKET_MAX);

	writer_u8(&w, 0x91);
	writer_u8(&w, line == VIDEO ? CAMERA_PT : 0);
	writer_be16(&w, ++x->sequence);
	writer_be32(&w, 160);
	writer_be32(&w, 1 + line);
	writer_be32(&w, 0xc5c5c5c5);
	writer_be32(&w, 0xbede0002);
	writer_u8(&w, 9 << 4);
	writer_u8(&w, 7);
	writer_u8(&w, (uint8_t)((line == VIDEO ? VIDEO_ID : AUDIO_ID) << 4 | 1));
	writer_be16(&w, number);
	writer_mem(&w, "\0\0\0", 3);
	writer_str(&w, payload);
	return writer_done(&w);
}

static void put_numbered(struct browser *x, uint32_t line, uint16_t number)
{
	uint8_t memory[PACKET_MAX];

	put(x, numbered(memory, x, line, number, "voice"));
}

/* What the browser is told next; empty: nothing. */
static struct bytes told(struct browser *x, uint8_t out[PACKET_MAX])
{
	struct addr browser = rig_addr(BROWSER);
	const struct sim_packet *p;

	while ((p = port_sim_sent(x->r->sim)) != NULL) {
		size_t n = p->length;

		if (!addr_eq(&p->remote, &browser))
			continue;
		assert_int_equal(p->slot, AUDIO);
		memcpy(out, p->data, n);
		if (x->in)
			assert_true(libsrtp_unprotect(x->in, true, out, &n));
		return bytes_mem(out, n);
	}
	return (struct bytes){ 0 };
}

/* An RR about nothing, an SDES, and this. */
static void check_told(struct bytes in, struct bytes want)
{
	static const uint8_t types[] = { RTCP_TYPE_RR, RTCP_TYPE_SDES, RTCP_TYPE_RTPFB };
	struct bytes rest = in;
	struct rtcp_packet packet;
	uint32_t sender;

	assert_int_equal(rtcp_check(in), 0);
	for (size_t i = 0; i < COUNT_OF(types); i++) {
		assert_true(rtcp_next(&rest, &packet));
		assert_int_equal(packet.type, types[i]);
		assert_true(rtcp_sender(&packet, &sender) && sender == 0xa0);
	}
	assert_int_equal(rest.n, 0);
	assert_int_equal(in.n, 8 + 28 + want.n);
	assert_memory_equal(in.p + 8 + 28, want.p, want.n);
}

static void later(struct browser *x, uint64_t ms)
{
	advance_ms(x->r, ms);
	worker_step(&x->r->w);
}

static void one_count_for_all_lines(void **state)
{
	(void)state;
	for (int secure = 0; secure < 2; secure++) {
		struct browser x = browser_open(secure);
		struct transport_cc want = { 0 };
		uint8_t memory[PACKET_MAX], out[TRANSPORT_CC_MAX];
		uint64_t now_ns = x.r->sim->now_ns;

		put_numbered(&x, AUDIO, 65535);
		worker_step(&x.r->w);
		transport_cc_note(&want, 65535, now_ns);
		advance_ms(x.r, 30);
		put_numbered(&x, VIDEO, 1);
		worker_step(&x.r->w);
		transport_cc_note(&want, 1, now_ns + 30 * NS_PER_MS);
		later(&x, 65);
		assert_int_equal(told(&x, memory).n, 0);
		later(&x, 10);
		check_told(told(&x, memory), transport_cc_write(&want, out, 0xa0, 1 + VIDEO));
		/* and nothing more while nothing comes */
		later(&x, 1000);
		assert_int_equal(told(&x, memory).n, 0);
		now_ns = x.r->sim->now_ns;
		put_numbered(&x, AUDIO, 2);
		worker_step(&x.r->w);
		transport_cc_note(&want, 2, now_ns);
		later(&x, 101);
		check_told(told(&x, memory), transport_cc_write(&want, out, 0xa0, 1 + AUDIO));
		browser_close(&x);
	}
}

/* A worker that was late has both in one batch. What counts is when they came, as the kernel says. */
static void times_of_arrival_not_of_the_batch(void **state)
{
	struct browser x = browser_open(false);
	struct transport_cc want = { 0 };
	uint8_t memory[PACKET_MAX], out[TRANSPORT_CC_MAX];
	uint64_t now_ns = x.r->sim->now_ns;

	(void)state;
	x.r->sim->age_us = 35000;
	put_numbered(&x, AUDIO, 1);
	x.r->sim->age_us = 5000;
	put_numbered(&x, VIDEO, 2);
	worker_step(&x.r->w);
	transport_cc_note(&want, 1, now_ns - 35 * NS_PER_MS);
	transport_cc_note(&want, 2, now_ns - 5 * NS_PER_MS);
	later(&x, 101);
	check_told(told(&x, memory), transport_cc_write(&want, out, 0xa0, 1 + VIDEO));
	browser_close(&x);
}

static void forgeries_are_not_noted(void **state)
{
	struct browser x = browser_open(true);
	struct addr from = rig_addr(BROWSER);
	uint8_t memory[PACKET_MAX];
	struct bytes plain = numbered(memory, &x, AUDIO, 7, "a voice that is not its own");

	(void)state;
	put_bytes(x.r, AUDIO, CHANNEL_RTP, &from, plain);
	worker_step(&x.r->w);
	assert_int_equal(dropped(x.r, VERDICT_SRTP_AUTH), 1);
	later(&x, 101);
	assert_int_equal(told(&x, memory).n, 0);
	browser_close(&x);
}

/* Numbers that are none, or of nobody. */
static void other_elements(void **state)
{
	static const struct {
		const char *name, *extension;
		bool counts;
	} ROWS[] = {
		{ "the number",
		  "bede0001"
		  "31000500",
		  true },
		{ "of two octets each",
		  "10000001"
		  "03020005",
		  true },
		{ "after padding and others",
		  "bede0002"
		  "00104000"
		  "31000500",
		  true },
		{ "of three octets",
		  "bede0001"
		  "32000005",
		  false },
		{ "of one",
		  "bede0001"
		  "30050000",
		  false },
		{ "another id",
		  "bede0001"
		  "41000500",
		  false },
		{ "behind the end",
		  "bede0001"
		  "f0310005",
		  false },
		{ "another profile",
		  "abcd0001"
		  "31000500",
		  false },
		{ "empty", "bede0000", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
		struct browser x = browser_open(false);
		uint8_t p[64] = { 0x90 }, memory[PACKET_MAX];
		size_t n;

		p[11] = 1;
		assert_int_equal(
			hex_decode(bytes_str(ROWS[i].extension), p + 12, sizeof(p) - 12, &n), 0);
		memcpy(p + 12 + n, "voice", 5);
		put(&x, bytes_mem(p, 12 + n + 5));
		worker_step(&x.r->w);
		assert_non_null(port_sim_sent(x.r->sim));
		later(&x, 101);
		ROW_ASSERT(ROWS[i].name, (told(&x, memory).n > 0) == ROWS[i].counts);
		browser_close(&x);
	}
}

/* Head and payload arrive, as one. */
static void nothing_of_it_leaves(void **state)
{
	(void)state;
	for (int secure = 0; secure < 2; secure++) {
		struct browser x = browser_open(secure);
		const struct sim_packet *p;
		uint8_t want[] = { 0x81, CAMERA_PT, 0,    1,    0,    0,   0,   160, 0,   0,  0,
				   0xa3, 0xc5,      0xc5, 0xc5, 0xc5, 'v', 'o', 'i', 'c', 'e' };

		put_numbered(&x, VIDEO, 1);
		worker_step(&x.r->w);
		p = port_sim_sent(x.r->sim);
		assert_non_null(p);
		want[1] = p->data[1];
		assert_int_equal(p->length, sizeof(want));
		assert_memory_equal(p->data, want, sizeof(want));
		assert_int_equal(flow_of(x.r, VIDEO + 1)->sent.octets, sizeof(want));
		browser_close(&x);
	}
}

/* The phone must not hear of it, nor miss it. */
static void probes_end_here(void **state)
{
	struct browser x = browser_open(false);
	uint8_t memory[PACKET_MAX];
	struct bytes probe;

	(void)state;
	put_numbered(&x, VIDEO, 1);
	probe = numbered(memory, &x, VIDEO, 2, "\1\1\1\4");
	memory[0] |= 0x20;
	put(&x, probe);
	put_numbered(&x, VIDEO, 3);
	worker_step(&x.r->w);
	for (uint16_t i = 1; i <= 2; i++)
		assert_int_equal(rtp_read(port_sim_sent(x.r->sim)).sequence, i);
	nothing_sent(x.r);
	assert_int_equal(dropped(x.r, VERDICT_PADDING), 1);
	assert_int_equal(flow_stats_read(flow_of(x.r, VIDEO)).lost, 0);
	later(&x, 101);
	assert_int_equal(be16_get(told(&x, memory).p + 8 + 28 + 14), 3);
	browser_close(&x);
}

/* The count goes with the flow, whoever is told of it then. */
static void the_life_of_a_count(void **state)
{
	struct browser x = browser_open(false);
	struct flow_spec audio = line_spec(AUDIO), video = line_spec(VIDEO);
	uint8_t memory[PACKET_MAX];

	(void)state;
	/* of the member alone */
	audio.cc_extension = 0;
	rig_update(x.r, &audio);
	put_numbered(&x, AUDIO, 1);
	put_numbered(&x, VIDEO, 2);
	worker_step(&x.r->w);
	later(&x, 101);
	assert_int_equal(be16_get(told(&x, memory).p + 8 + 28 + 12), 2);
	/* of none */
	video.cc_extension = 0;
	rig_update(x.r, &video);
	put_numbered(&x, VIDEO, 3);
	worker_step(&x.r->w);
	later(&x, 101);
	assert_int_equal(told(&x, memory).n, 0);
	/* the owner closes while one is due */
	video.cc_extension = VIDEO_ID;
	rig_update(x.r, &video);
	put_numbered(&x, VIDEO, 4);
	worker_step(&x.r->w);
	assert_int_equal(x.r->w.wheel.running, 1);
	rig_command(x.r, &(struct media_command){ .kind = MEDIA_FLOW_CLOSE,
						  .id = { .slot = AUDIO, .generation = 7 } });
	assert_int_equal(x.r->w.wheel.running, 0);
	later(&x, 101);
	assert_int_equal(told(&x, memory).n, 0);
	browser_close(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_count_for_all_lines),
		cmocka_unit_test(times_of_arrival_not_of_the_batch),
		cmocka_unit_test(forgeries_are_not_noted),
		cmocka_unit_test(other_elements),
		cmocka_unit_test(nothing_of_it_leaves),
		cmocka_unit_test(probes_end_here),
		cmocka_unit_test(the_life_of_a_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
