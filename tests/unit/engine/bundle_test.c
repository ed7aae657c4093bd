/* SPDX-License-Identifier: Apache-2.0 */
/* A browser sends audio and video to one port; slots 0 and 2 are its m-lines, 1 and 3 the phone's. */
#include "tests/unit/test.h"

#include <errno.h>

#include "engine/bundle.h"
#include "tests/unit/engine/ice_party.h"
#include "tests/unit/engine/libsrtp.h"

enum {
	AUDIO = 0,
	AUDIO_PEER = 1,
	VIDEO = 2,
	VIDEO_PEER = 3,
	CAMERA_PT = 96,
	BOTH_PT = 97, /* of both m-lines */
	RTX_PT = 98,  /* of neither */
	MID_ID = 4,
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
	s.rule_count = 2;
	s.rules[0] =
		(struct payload_rule){ .in = video ? CAMERA_PT : 0, .out = 7, .clock_hz = 8000 };
	s.rules[1] = (struct payload_rule){ .in = BOTH_PT, .out = 8, .clock_hz = 8000 };
	if (slot % 2) {
		s.latch = LATCH_SAME_IP;
		return s;
	}
	s.mid_extension = MID_ID;
	s.mid_length = 1;
	s.mid[0] = video ? 'v' : 'a';
	if (video)
		s.bundle = (struct flow_id){ .slot = AUDIO, .generation = 7 };
	else
		s.ice = ICE_A;
	return s;
}

struct bundle_rig {
	struct rig *r;
	srtp_t out, in; /* the browser's; NULL: plain */
};

static struct bundle_rig bundle_open(bool secure)
{
	struct bundle_rig x = { .r = rig_open_empty(64) };

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
	assert_int_equal(x.r->w.flows.count, 4);
	assert_int_equal(checks(x.r, AUDIO, BROWSER, &NOMINATES), 0);
	return x;
}

static void bundle_close(struct bundle_rig *x)
{
	if (x->out)
		(void)srtp_dealloc(x->out);
	if (x->in)
		(void)srtp_dealloc(x->in);
	rig_close(x->r);
}

static void put(struct bundle_rig *x, struct bytes plain, bool is_rtcp)
{
	uint8_t p[PACKET_MAX + SRTP_MAX_TRAILER_LEN];
	struct addr from = rig_addr(BROWSER);
	size_t n = plain.n;

	memcpy(p, plain.p, n);
	if (x->out)
		assert_true(libsrtp_protect(x->out, is_rtcp, p, &n));
	put_bytes(x->r, AUDIO, CHANNEL_RTP, &from, bytes_mem(p, n));
	worker_step(&x->r->w);
}

/* mid 0: the packet has none. */
static struct bytes rtp_with(uint8_t out[PACKET_MAX], const struct rtp *rtp, char mid)
{
	struct bytes plain = rtp_write(out, rtp);
	const uint8_t extension[8] = { 0xbe, 0xde, 0, 1, MID_ID << 4, (uint8_t)mid };

	if (!mid)
		return plain;
	memmove(out + 20, out + 12, plain.n - 12);
	memcpy(out + 12, extension, sizeof(extension));
	out[0] |= 0x10;
	return bytes_mem(out, plain.n + sizeof(extension));
}

/* The slot that a packet of the browser leaves by; -1: it does not. */
static int leaves_by(struct bundle_rig *x, uint32_t ssrc, uint8_t payload_type, char mid)
{
	static uint16_t sequence;
	const struct sim_packet *p;
	uint8_t memory[PACKET_MAX];

	while (port_sim_take(x->r->sim))
		continue;
	put(x,
	    rtp_with(memory,
		     &(struct rtp){
			     .ssrc = ssrc, .payload_type = payload_type, .sequence = ++sequence },
		     mid),
	    false);
	p = port_sim_take(x->r->sim);
	return p ? (int)p->slot : -1;
}

static void each_packet_has_its_line(void **state)
{
	(void)state;
	for (int secure = 0; secure < 2; secure++) {
		struct bundle_rig x = bundle_open(secure);

		/* by the type that only one takes */
		assert_int_equal(leaves_by(&x, 1, 0, 0), AUDIO_PEER);
		assert_int_equal(leaves_by(&x, 2, CAMERA_PT, 0), VIDEO_PEER);
		/* by the source, under a type that both take */
		assert_int_equal(leaves_by(&x, 1, BOTH_PT, 0), AUDIO_PEER);
		assert_int_equal(leaves_by(&x, 2, BOTH_PT, 0), VIDEO_PEER);
		assert_int_equal(leaves_by(&x, 3, BOTH_PT, 0), -1);
		assert_int_equal(dropped(x.r, VERDICT_MEDIA_LINE), 1);
		assert_int_equal(leaves_by(&x, 3, RTX_PT, 0), -1);
		assert_int_equal(dropped(x.r, VERDICT_PAYLOAD_TYPE), 1);
		bundle_close(&x);
	}
}

static void the_mid_comes_first(void **state)
{
	(void)state;
	for (int secure = 0; secure < 2; secure++) {
		struct bundle_rig x = bundle_open(secure);

		assert_int_equal(leaves_by(&x, 1, BOTH_PT, 'v'), VIDEO_PEER);
		assert_int_equal(leaves_by(&x, 2, BOTH_PT, 'a'), AUDIO_PEER);
		/* what was said stays known when it is not said any more */
		assert_int_equal(leaves_by(&x, 1, BOTH_PT, 0), VIDEO_PEER);
		assert_int_equal(leaves_by(&x, 2, BOTH_PT, 0), AUDIO_PEER);
		assert_int_equal(leaves_by(&x, 1, BOTH_PT, 'x'), -1);
		assert_int_equal(dropped(x.r, VERDICT_MEDIA_LINE), 1);
		/* and a line that is named does not take all types */
		assert_int_equal(leaves_by(&x, 1, 0, 'v'), -1);
		assert_int_equal(dropped(x.r, VERDICT_PAYLOAD_TYPE), 1);
		bundle_close(&x);
	}
}

/* Both leave by the one port, to the one address, each under its own SSRC. */
static void both_are_sent_by_one_port(void **state)
{
	(void)state;
	for (int secure = 0; secure < 2; secure++) {
		struct bundle_rig x = bundle_open(secure);
		struct addr browser = rig_addr(BROWSER), phone = party(B);

		for (uint32_t slot = AUDIO_PEER; slot <= VIDEO_PEER; slot += 2) {
			const struct sim_packet *p;
			uint8_t data[PACKET_MAX];
			size_t n;

			put_rtp_from(x.r, (int)slot, &phone,
				     &(struct rtp){ .ssrc = slot,
						    .payload_type =
							    slot == VIDEO_PEER ? CAMERA_PT : 0 });
			worker_step(&x.r->w);
			p = port_sim_take(x.r->sim);
			assert_non_null(p);
			assert_int_equal(p->slot, AUDIO);
			assert_true(addr_eq(&p->remote, &browser));
			memcpy(data, p->data, p->length);
			n = p->length;
			if (x.in)
				assert_true(libsrtp_unprotect(x.in, false, data, &n));
			assert_int_equal(be32_get(data + 8), 0xa0 + (slot ^ 1));
			assert_memory_equal(data + 12, "voice", 5);
		}
		bundle_close(&x);
	}
}

/* ---- RTCP: what it is about is not in the clear head ---- */

static struct bytes pli(uint8_t out[12], uint32_t sender, uint32_t media)
{
	memcpy(out, "\x81\xce\0\2", 4);
	be32_put(out + 4, sender);
	be32_put(out + 8, media);
	return bytes_mem(out, 12);
}

static int rtcp_leaves_by(struct bundle_rig *x, struct bytes in)
{
	const struct sim_packet *p;

	while (port_sim_take(x->r->sim))
		continue;
	put(x, in, true);
	p = port_sim_take(x->r->sim);
	return p ? (int)p->slot : -1;
}

static void rtcp_has_its_line(void **state)
{
	(void)state;
	for (int secure = 0; secure < 2; secure++) {
		struct bundle_rig x = bundle_open(secure);
		struct addr phone = party(B);
		uint8_t memory[32] = { 0x81, 201, 0, 7 };

		assert_int_equal(leaves_by(&x, 1, 0, 0), AUDIO_PEER);
		assert_int_equal(leaves_by(&x, 2, CAMERA_PT, 0), VIDEO_PEER);
		put_rtp_from(x.r, VIDEO_PEER, &phone,
			     &(struct rtp){ .ssrc = 9, .payload_type = CAMERA_PT });
		worker_step(&x.r->w);
		/* a browser that sends no video asks for a picture under an SSRC that nobody knows */
		assert_int_equal(rtcp_leaves_by(&x, pli(memory, 1234567, 0xa2)), VIDEO_PEER);
		assert_int_equal(rtcp_leaves_by(&x, pli(memory, 2, 0xa2)), VIDEO_PEER);
		/* a receiver report about the video */
		memcpy(memory, "\x81\xc9\0\7", 4);
		be32_put(memory + 4, 1234567);
		be32_put(memory + 8, 0xa2);
		assert_int_equal(rtcp_leaves_by(&x, bytes_mem(memory, 32)), VIDEO_PEER);
		assert_int_equal(flow_stats_read(flow_of(x.r, VIDEO)).rtcp_in, 3);
		/* about nothing that we know: the owner's */
		(void)rtcp_leaves_by(&x, pli(memory, 1234567, 4711));
		assert_int_equal(flow_stats_read(flow_of(x.r, AUDIO)).rtcp_in, 1);
		bundle_close(&x);
	}
}

/* ---- layers ---- */

static void one_layer_is_relayed(void **state)
{
	struct bundle_rig x = bundle_open(false);
	uint64_t changes;

	(void)state;
	advance_ms(x.r, 1100);
	for (int i = 0; i < 50; i++) {
		assert_int_equal(leaves_by(&x, 21, CAMERA_PT, 'v'), VIDEO_PEER);
		assert_int_equal(leaves_by(&x, 22, CAMERA_PT, 'v'), -1);
		assert_int_equal(leaves_by(&x, 23, CAMERA_PT, 'v'), -1);
		advance_ms(x.r, 33);
	}
	assert_int_equal(dropped(x.r, VERDICT_OTHER_LAYER), 100);
	changes = flow_stats_read(flow_of(x.r, VIDEO)).source_changes;
	assert_int_equal(changes, 0);
	/* the layer stops */
	for (int i = 0; i < 29; i++) {
		assert_int_equal(leaves_by(&x, 23, CAMERA_PT, 'v'), -1);
		advance_ms(x.r, 33);
	}
	advance_ms(x.r, 33);
	assert_int_equal(leaves_by(&x, 23, CAMERA_PT, 'v'), VIDEO_PEER);
	assert_int_equal(leaves_by(&x, 21, CAMERA_PT, 'v'), -1);
	assert_int_equal(flow_stats_read(flow_of(x.r, VIDEO)).source_changes, changes + 1);
	bundle_close(&x);
}

/* ---- the life of a bundle ---- */

static void owner_close(struct bundle_rig *x)
{
	rig_command(x->r, &(struct media_command){ .kind = MEDIA_FLOW_CLOSE,
						   .id = { .slot = AUDIO, .generation = 7 } });
}

static bool phone_reaches(struct bundle_rig *x, uint32_t slot)
{
	struct addr phone = party(B);
	const struct sim_packet *p;

	while (port_sim_take(x->r->sim))
		continue;
	put_rtp_from(x->r, (int)slot, &phone,
		     &(struct rtp){ .ssrc = 9,
				    .payload_type = slot == VIDEO_PEER ? CAMERA_PT : 0 });
	worker_step(&x->r->w);
	p = port_sim_take(x->r->sim);
	return p && p->slot == AUDIO;
}

/* No packet of the video may leave by the port that was the owner's, whosever that is by now. */
static void the_owner_closes(void **state)
{
	struct bundle_rig x = bundle_open(false);
	struct flow_spec next = line_spec(AUDIO), video = line_spec(VIDEO);
	struct addr phone = party(B);

	(void)state;
	assert_true(phone_reaches(&x, VIDEO_PEER));
	owner_close(&x);
	next.id.generation = 8;
	rig_open_flow(x.r, &next);
	put_rtp_from(x.r, VIDEO_PEER, &phone,
		     &(struct rtp){ .ssrc = 9, .payload_type = CAMERA_PT });
	worker_step(&x.r->w);
	nothing_sent(x.r);
	assert_int_equal(dropped(x.r, VERDICT_NO_CONSENT), 1);
	assert_int_equal(checks(x.r, AUDIO, BROWSER, &NOMINATES), 0);
	assert_int_equal(leaves_by(&x, 2, CAMERA_PT, 0), -1);
	video.bundle.generation = 8;
	rig_update(x.r, &video);
	assert_true(phone_reaches(&x, VIDEO_PEER));
	assert_int_equal(leaves_by(&x, 2, CAMERA_PT, 0), VIDEO_PEER);
	bundle_close(&x);
}

static void a_member_closes(void **state)
{
	struct bundle_rig x = bundle_open(false);

	(void)state;
	rig_command(x.r, &(struct media_command){ .kind = MEDIA_FLOW_CLOSE,
						  .id = { .slot = VIDEO, .generation = 7 } });
	assert_int_equal(leaves_by(&x, 2, CAMERA_PT, 0), -1);
	assert_int_equal(leaves_by(&x, 1, 0, 0), AUDIO_PEER);
	assert_int_equal(x.r->w.transports.bundled, 0);
	owner_close(&x);
	assert_int_equal(x.r->w.transports.count, 0);
	bundle_close(&x);
}

static void lost_consent_is_of_all(void **state)
{
	struct bundle_rig x = bundle_open(false);

	(void)state;
	advance_ms(x.r, 30100);
	worker_step(&x.r->w);
	assert_false(phone_reaches(&x, VIDEO_PEER));
	assert_false(phone_reaches(&x, AUDIO_PEER));
	assert_int_equal(flow_stats_read(flow_of(x.r, VIDEO)).ice, ICE_LOST);
	assert_int_equal(checks(x.r, AUDIO, BROWSER, &NOMINATES), 0);
	assert_true(phone_reaches(&x, VIDEO_PEER));
	assert_int_equal(flow_stats_read(flow_of(x.r, VIDEO)).ice, ICE_CONNECTED);
	bundle_close(&x);
}

static void what_cannot_be_joined(void **state)
{
	struct bundle_rig x = bundle_open(false);
	struct flow_spec s = line_spec(VIDEO);
	struct media_event event;

	(void)state;
	s.id.slot = 4;
	s.ssrc_out = 0xa0; /* the owner's: one keystream twice */
	rig_open_flow(x.r, &s);
	assert_true(rig_event(x.r, MEDIA_FLOW_FAILED, &event));
	assert_int_equal(event.error, -EINVAL);
	s.ssrc_out = 0xa2; /* the video's */
	rig_open_flow(x.r, &s);
	assert_true(rig_event(x.r, MEDIA_FLOW_FAILED, &event));
	s.ssrc_out = 0xa4;
	s.bundle.generation = 99;
	rig_open_flow(x.r, &s);
	assert_true(rig_event(x.r, MEDIA_FLOW_FAILED, &event));
	s.bundle = (struct flow_id){ .slot = VIDEO, .generation = 7 };
	rig_open_flow(x.r, &s);
	assert_true(rig_event(x.r, MEDIA_FLOW_FAILED, &event));
	assert_int_equal(x.r->w.flows.count, 4);
	assert_int_equal(x.r->w.transports.count, 2);
	bundle_close(&x);
}

/* A port of its own that it had before the answer bundled it: nothing comes there any more. */
static void a_port_of_its_own(void **state)
{
	struct rig *r = rig_open_empty(64);
	struct flow_spec video = line_spec(VIDEO);
	struct addr browser = rig_addr(BROWSER);
	struct flow_id owner = video.bundle;
	struct flow_spec audio = line_spec(AUDIO);

	(void)state;
	rig_open_flow(r, &audio);
	video.bundle = (struct flow_id){ 0 };
	video.ice = ICE_B;
	rig_open_flow(r, &video);
	assert_int_equal(checks(r, VIDEO, BROWSER, &(struct check){ .ice = &ICE_B }), 0);
	video.bundle = owner;
	rig_update(r, &video);
	put_rtp_from(r, VIDEO, &browser, &(struct rtp){ .payload_type = CAMERA_PT });
	worker_step(&r->w);
	assert_int_equal(dropped(r, VERDICT_WRONG_PORT), 1);
	assert_int_equal(flow_of(r, VIDEO)->out_slot, AUDIO);
	assert_null(flow_rtp_to(flow_of(r, VIDEO)));
	/* and back */
	video.bundle = (struct flow_id){ 0 };
	rig_update(r, &video);
	assert_int_equal(checks(r, VIDEO, BROWSER, &(struct check){ .ice = &ICE_B }), 0);
	assert_int_equal(flow_of(r, VIDEO)->out_slot, VIDEO);
	rig_close(r);
}

static void a_successor_knows_sources(void **state)
{
	struct bundle_rig x = bundle_open(true);
	struct flow_resume resume[2];

	(void)state;
	assert_int_equal(leaves_by(&x, 1, BOTH_PT, 'a'), AUDIO_PEER);
	assert_int_equal(leaves_by(&x, 2, BOTH_PT, 'v'), VIDEO_PEER);
	resume[0] = flow_resume_read(flow_of(x.r, AUDIO));
	resume[1] = flow_resume_read(flow_of(x.r, VIDEO));
	assert_int_equal(resume[1].srtp_in & 0xffff, resume[0].srtp_in + 1);
	rig_close(x.r);
	x.r = rig_open_empty(64);
	for (uint32_t slot = 0; slot < 4; slot++) {
		struct flow_spec s = line_spec(slot);

		if (slot % 2 == 0) {
			s.resume = resume[slot / 2];
			s.key_in = key_from(MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80, 1);
			s.key_out = key_from(MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80, 2);
		}
		rig_open_flow(x.r, &s);
	}
	assert_true(phone_reaches(&x, VIDEO_PEER));
	assert_int_equal(leaves_by(&x, 1, BOTH_PT, 0), AUDIO_PEER);
	assert_int_equal(leaves_by(&x, 2, BOTH_PT, 0), VIDEO_PEER);
	bundle_close(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_packet_has_its_line),
		cmocka_unit_test(the_mid_comes_first),
		cmocka_unit_test(both_are_sent_by_one_port),
		cmocka_unit_test(rtcp_has_its_line),
		cmocka_unit_test(one_layer_is_relayed),
		cmocka_unit_test(the_owner_closes),
		cmocka_unit_test(a_member_closes),
		cmocka_unit_test(lost_consent_is_of_all),
		cmocka_unit_test(what_cannot_be_joined),
		cmocka_unit_test(a_port_of_its_own),
		cmocka_unit_test(a_successor_knows_sources),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
