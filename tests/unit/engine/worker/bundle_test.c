/* SPDX-License-Identifier: Apache-2.0 */
/* A browser sends audio and video to one port; slots 0 and 2 are its m-lines, 1 and 3 the phone's. */
#include "tests/unit/test.h"

#include <errno.h>

#include "engine/worker/bundle.h"
#include "tests/unit/engine/ice/ice_party.h"
#include "tests/unit/engine/srtp/libsrtp.h"

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

	while (port_sim_sent(x->r->sim))
		continue;
	put(x,
	    rtp_with(memory,
		     &(struct rtp){
			     .ssrc = ssrc, .payload_type = payload_type, .sequence = ++sequence },
		     mid),
	    false);
	p = port_sim_sent(x->r->sim);
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
			p = port_sim_sent(x.r->sim);
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

	while (port_sim_sent(x->r->sim))
		continue;
	put(x, in, true);
	p = port_sim_sent(x->r->sim);
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

/* ---- RTCP about several lines ---- */

/* The browser sends 1 and 2, and hears a0 and a2 of us, which are 8 and 9 of the phones; they hear a1 and a3. */
#define BLOCK(ssrc)   "000000" ssrc " 10000011 00000022 00000033 00000044 00000055 "
#define INFO          "e0000001 80000000 00000064 00000002 00000140 "
#define NAMED(ssrc)   "81ca0002 000000" ssrc " 01016100 "
#define NAMED_2(a, b) "82ca0004 000000" a " 01016100 000000" b " 01016200 "

static const struct part_row {
	const char *name, *in, *audio, *video;
} PARTS[] = {
	{ "a report with two blocks", "82c9000d 00000001 " BLOCK("a0") BLOCK("a2") NAMED("01"),
	  "81c90007 000000a1 " BLOCK("08") NAMED("a1"),
	  "81c90007 000000a3 " BLOCK("09") NAMED("a3") },
	{ "the other way round, of one who sends nothing",
	  "82c9000d 00000063 " BLOCK("a2") BLOCK("a0") NAMED("63"),
	  "81c90007 000000a1 " BLOCK("08") NAMED("a1"),
	  "81c90007 000000a3 " BLOCK("09") NAMED("a3") },
	{ "empty report, PLI for one, NACK for the other",
	  "80c90001 00000001 " NAMED("01") "81ce0002 00000001 000000a2 "
					   "81cd0003 00000063 000000a0 00250003 ",
	  "80c90001 000000a1 " NAMED("a1") "81cd0003 000000a1 00000008 00250003 ",
	  "80c90001 000000a3 " NAMED("a3") "81ce0002 000000a3 00000009 " },
	{ "all of the video, by the audio's sender",
	  "81c90007 00000001 " BLOCK("a2") NAMED("01") "81ce0002 00000001 000000a2 ", "",
	  "81c90007 000000a3 " BLOCK("09") NAMED("a3") "81ce0002 000000a3 00000009 " },
	{ "a sender's report about the other",
	  "82c80012 00000001 " INFO BLOCK("a0") BLOCK("a2") NAMED_2("01", "02"),
	  "81c8000c 000000a1 " INFO BLOCK("08") NAMED("a1"),
	  "81c90007 000000a3 " BLOCK("09") "81ca0002 000000a3 01016200 " },
	{ "two senders' reports",
	  "80c80006 00000001 " INFO "80c80006 00000002 " INFO NAMED_2("01", "02"),
	  "80c80006 000000a1 " INFO NAMED("a1"),
	  "80c80006 000000a3 " INFO "81ca0002 000000a3 01016200 " },
	{ "FIR of both",
	  "80c90001 00000001 " NAMED("01") "84ce0006 00000001 00000000 000000a2 05000000 "
					   "000000a0 06000000 ",
	  "80c90001 000000a1 " NAMED("a1") "84ce0004 000000a1 00000000 00000008 06000000 ",
	  "80c90001 000000a3 " NAMED("a3") "84ce0004 000000a3 00000000 00000009 05000000 " },
	{ "REMB of both",
	  "80c90001 00000002 " NAMED("02") "8fce0006 00000002 00000000 52454d42 02000001 "
					   "000000a0 000000a2 ",
	  "80c90001 000000a1 " NAMED("a1") "8fce0005 000000a1 00000000 52454d42 01000001 00000008 ",
	  "80c90001 000000a3 " NAMED(
		  "a3") "8fce0005 000000a3 00000000 52454d42 01000001 00000009 " },
	{ "the end of both, for one reason",
	  "80c90001 00000001 " NAMED("01") "82cb0003 00000001 00000002 02627900 ",
	  "80c90001 000000a1 " NAMED("a1") "81cb0002 000000a1 02627900 ",
	  "80c90001 000000a3 " NAMED("a3") "81cb0002 000000a3 02627900 " },
	{ "the end of one", "81c90007 00000001 " BLOCK("a0") NAMED("01") "81cb0001 00000002 ",
	  "81c90007 000000a1 " BLOCK("08") NAMED("a1"),
	  "80c90001 000000a3 " NAMED("a3") "81cb0001 000000a3 " },
	{ "extended reports",
	  "80c90001 00000001 " NAMED("01") "80cf000f 00000001 06e00003 000000a2 00250030 00000000 "
					   "04000002 1111111122222222 05000006 000000a2 11111111 "
					   "22222222 000000a0 33333333 "
					   "44444444 ",
	  "80c90001 000000a1 " NAMED("a1") "80cf0008 000000a1 04000002 1111111122222222 "
					   "05000003 00000008 33333333 44444444 ",
	  "80c90001 000000a3 " NAMED("a3") "80cf0009 000000a3 06e00003 00000009 00250030 00000000 "
					   "05000003 00000009 11111111 22222222 " },
	{ "APP of one source",
	  "81c90007 00000001 " BLOCK("a0") NAMED("01") "80cc0002 00000002 6e616d65 ",
	  "81c90007 000000a1 " BLOCK("08") NAMED("a1"),
	  "80c90001 000000a3 " NAMED("a3") "80cc0002 000000a3 6e616d65 " },
	{ "feedback about the transport is not of the line it names",
	  "81c90007 00000001 " BLOCK("a2")
		  NAMED("01") "8fcd0004 00000001 000000a2 00250001 00000100 ",
	  "80c90001 000000a1 " NAMED("a1") "8fcd0004 000000a1 000000a2 00250001 00000100 ",
	  "81c90007 000000a3 " BLOCK("09") NAMED("a3") },
	{ "a stranger's block goes with its sender",
	  "82c9000d 00000001 " BLOCK("77") BLOCK("a2") NAMED("01"),
	  "81c90007 000000a1 " BLOCK("77") NAMED("a1"),
	  "81c90007 000000a3 " BLOCK("09") NAMED("a3") },
	{ "reduced size stays so",
	  "81ce0002 00000063 000000a2 81cd0003 00000001 000000a0 00250003 ",
	  "81cd0003 000000a1 00000008 00250003 ", "81ce0002 000000a3 00000009 " },
};

static struct bytes from_hex(const char *hex, uint8_t out[256])
{
	char packed[512];
	size_t length = 0, n = 0;

	for (; *hex; hex++)
		if (*hex != ' ')
			packed[length++] = *hex;
	assert_int_equal(hex_decode(bytes_mem(packed, length), out, 256, &n), 0);
	return bytes_mem(out, n);
}

/* Both lines carry packets both ways. */
static struct bundle_rig bundle_talking(bool secure)
{
	struct bundle_rig x = bundle_open(secure);
	struct addr phone = party(B);

	assert_int_equal(leaves_by(&x, 1, 0, 0), AUDIO_PEER);
	assert_int_equal(leaves_by(&x, 2, CAMERA_PT, 0), VIDEO_PEER);
	put_rtp_from(x.r, AUDIO_PEER, &phone, &(struct rtp){ .ssrc = 8 });
	put_rtp_from(x.r, VIDEO_PEER, &phone,
		     &(struct rtp){ .ssrc = 9, .payload_type = CAMERA_PT });
	worker_step(&x.r->w);
	while (port_sim_sent(x.r->sim))
		continue;
	for (int slot = 0; slot < 4; slot++) /* numbers and times as they came: another test's */
	{
		struct source *s = &flow_of(x.r, slot)->source;

		s->sequence_offset = 0;
		s->timestamp_offset = 0;
	}
	return x;
}

static void check_part(const char *name, const struct sim_packet *got, const char *hex)
{
	uint8_t memory[256], text[600];
	struct bytes want = from_hex(hex, memory);
	struct writer w = writer_over(text, sizeof(text));

	if (got)
		writer_hex(&w, bytes_mem(got->data, got->length));
	if (!bytes_eq(want, bytes_mem(got ? got->data : NULL, got ? got->length : 0)))
		fail_msg("%s: " BYTES_FMT " for %s", name, BYTES_ARG(writer_done(&w)), hex);
}

/* RFC 3550 6.1: whatever one packet says of several lines. */
static void each_part_has_its_line(void **state)
{
	const struct part_row *row;

	(void)state;
	EACH_ROW(row, PARTS)
	{
		for (int secure = 0; secure < 2; secure++) {
			struct bundle_rig x = bundle_talking(secure);
			const struct sim_packet *p, *got[4] = { NULL };
			uint8_t memory[256];

			put(&x, from_hex(row->in, memory), true);
			while ((p = port_sim_sent(x.r->sim)) != NULL) {
				ROW_ASSERT(row->name, p->slot < 4 && !got[p->slot]);
				got[p->slot] = p;
			}
			check_part(row->name, got[AUDIO_PEER], row->audio);
			check_part(row->name, got[VIDEO_PEER], row->video);
			bundle_close(&x);
		}
	}
}

/* What the browser says of each line is that line's, also the way there and back. */
static void each_line_has_its_quality(void **state)
{
	static const char REPORT[] = "82c9000d 00000063 000000a0 40000005 00000022 00000033 "
				     "00018000 00008000 000000a2 80000007 00000022 00000033 "
				     "00028000 00004000 " NAMED("63");
	/* half a second apart, and heard of 0.5 s and 0.25 s later */
	static const char *const SENT[] = { "80c80006 00000008 00000001 80000000 00000064 00000002 "
					    "00000140 ",
					    "80c80006 00000009 00000002 80000000 00000064 00000002 "
					    "00000140 " };
	struct bundle_rig x = bundle_talking(true);
	struct addr phone = party(B);
	struct flow_stats stats[2];
	uint8_t memory[256];

	(void)state;
	for (int i = 0; i < 2; i++) {
		put_bytes(x.r, i ? VIDEO_PEER : AUDIO_PEER, CHANNEL_RTP, &phone,
			  from_hex(SENT[i], memory));
		worker_step(&x.r->w);
		advance_ms(x.r, 500);
	}
	put(&x, from_hex(REPORT, memory), true);
	stats[0] = flow_stats_read(flow_of(x.r, AUDIO));
	stats[1] = flow_stats_read(flow_of(x.r, VIDEO));
	assert_int_equal(stats[0].remote_lost, 5);
	assert_int_equal(stats[1].remote_lost, 7);
	assert_int_equal(flow_of(x.r, AUDIO)->detail.reported_loss, 0x40);
	assert_int_equal(flow_of(x.r, VIDEO)->detail.reported_loss, 0x80);
	assert_int_equal(stats[0].rtt_us, 500000);
	assert_int_equal(stats[1].rtt_us, 250000);
	assert_int_equal(stats[0].rtcp_in, 1);
	assert_int_equal(stats[1].rtcp_in, 1);
	bundle_close(&x);
}

static uint64_t parts_counted(enum bundled_rtcp result)
{
	struct media_metrics m;

	media_metrics_register_of(&m, 0);
	return metric_value(m.bundled_rtcp[result]);
}

/* A part that cannot be relayed is dropped under its own flow's name; the others are not. */
static void a_part_is_dropped_alone(void **state)
{
	struct bundle_rig x = bundle_talking(false);
	uint64_t moved = parts_counted(BUNDLED_RTCP_MOVED);
	uint64_t strays = parts_counted(BUNDLED_RTCP_STRAY);
	struct flow_spec video = line_spec(VIDEO);
	uint8_t memory[256];

	(void)state;
	video.peer.generation = 0;
	rig_update(x.r, &video);
	put(&x, from_hex("83c90013 00000001 " BLOCK("77") BLOCK("a2") BLOCK("a0"), memory), true);
	check_part("the audio's", port_sim_sent(x.r->sim),
		   "82c9000d 000000a1 " BLOCK("77") BLOCK("08"));
	nothing_sent(x.r);
	assert_int_equal(dropped(x.r, VERDICT_NO_PEER), 1);
	assert_int_equal(flow_of(x.r, VIDEO)->stats.dropped, 1);
	assert_int_equal(flow_of(x.r, AUDIO)->stats.dropped, 0);
	assert_int_equal(parts_counted(BUNDLED_RTCP_MOVED), moved + 1);
	assert_int_equal(parts_counted(BUNDLED_RTCP_STRAY), strays + 1);
	bundle_close(&x);
}

/* As much of several packets of a batch as there is room for, each packet's first part in any case. */
static void parts_are_bounded(void **state)
{
	enum { BLOCKS = 30, PART = 8 + BLOCKS * 24, LENGTH = 2 * PART };
	struct bundle_rig x = bundle_talking(false);
	uint64_t lost = parts_counted(BUNDLED_RTCP_NO_ROOM);
	const uint32_t fit = BUNDLE_PARTS_ROOM / PART;
	struct addr browser = rig_addr(BROWSER);
	uint8_t memory[LENGTH] = { 0 };
	uint32_t sent[4] = { 0 };
	const struct sim_packet *p;

	(void)state;
	for (size_t half = 0; half < 2; half++) { /* two packets in one */
		uint8_t *at = memory + half * PART;

		be32_put(at, 0x80c90000 | BLOCKS << 24 | (BLOCKS * 6 + 1));
		for (size_t i = 0; i < BLOCKS; i++)
			be32_put(at + 8 + i * 24, half ? 0xa2 : 0xa0);
	}
	for (int i = 0; i < BATCH_MAX; i++)
		put_bytes(x.r, AUDIO, CHANNEL_RTP, &browser, bytes_mem(memory, sizeof(memory)));
	worker_step(&x.r->w);
	while ((p = port_sim_sent(x.r->sim)) != NULL)
		sent[p->slot]++;
	assert_int_equal(sent[AUDIO_PEER], BATCH_MAX);
	assert_int_equal(sent[VIDEO_PEER], fit);
	assert_int_equal(parts_counted(BUNDLED_RTCP_NO_ROOM), lost + BATCH_MAX - fit);
	bundle_close(&x);
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

/* The DSCP that a phone's packet leaves with, by the one port of the browser; -1: it does not. */
static int marked(struct bundle_rig *x, uint32_t slot)
{
	struct addr phone = party(B);
	const struct sim_packet *p;

	while (port_sim_sent(x->r->sim))
		continue;
	put_rtp_from(x->r, (int)slot, &phone,
		     &(struct rtp){ .ssrc = 9,
				    .payload_type = slot == VIDEO_PEER ? CAMERA_PT : 0 });
	worker_step(&x->r->w);
	p = port_sim_sent(x->r->sim);
	return p && p->slot == AUDIO ? p->dscp : -1;
}

static bool phone_reaches(struct bundle_rig *x, uint32_t slot)
{
	return marked(x, slot) >= 0;
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

static void line_open(struct bundle_rig *x, uint32_t slot)
{
	struct flow_spec s = line_spec(slot);

	rig_open_flow(x->r, &s);
}

static void line_close(struct bundle_rig *x, uint32_t slot)
{
	rig_command(x->r, &(struct media_command){ .kind = MEDIA_FLOW_CLOSE,
						   .id = { .slot = slot, .generation = 7 } });
}

/* In one tick, a line in front of its owner: the report would leave for where nobody is any more. */
static void lost_consent_beside_a_report(void **state)
{
	struct bundle_rig x = { .r = rig_open_empty(64) };
	struct flow_spec first = line_spec(AUDIO_PEER);

	(void)state;
	first.id.slot = 5;
	rig_open_flow(x.r, &first);
	for (uint32_t slot = 0; slot < 4; slot++)
		line_open(&x, slot);
	assert_int_equal(checks(x.r, AUDIO, BROWSER, &NOMINATES), 0);
	assert_true(phone_reaches(&x, VIDEO_PEER));
	line_close(&x, VIDEO_PEER);
	line_close(&x, 5);
	assert_int_equal(x.r->w.flows.active[0], VIDEO);
	advance_ms(x.r, 29900);
	worker_step(&x.r->w);
	while (port_sim_sent(x.r->sim))
		continue;
	flow_of(x.r, VIDEO)->reports.due_ns = x.r->w.now_ns + 1;
	advance_ms(x.r, 400);
	worker_step(&x.r->w);
	assert_int_equal(flow_stats_read(flow_of(x.r, VIDEO)).ice, ICE_LOST);
	nothing_sent(x.r);
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

/* One socket, which is the owner's, and two kinds of media. */
static void each_line_has_its_dscp(void **state)
{
	struct rig *r = rig_open_empty(64);
	struct bundle_rig x = { .r = r };

	(void)state;
	for (uint32_t slot = 0; slot < 4; slot++) {
		struct flow_spec s = line_spec(slot);

		s.dscp = s.kind == MEDIA_VIDEO ? 34 : 46;
		rig_open_flow(r, &s);
	}
	assert_int_equal(checks(r, AUDIO, BROWSER, &NOMINATES), 0);
	assert_int_equal(marked(&x, VIDEO_PEER), 34);
	assert_int_equal(marked(&x, AUDIO_PEER), 0); /* as the socket has it */
	assert_int_equal(leaves_by(&x, 2, CAMERA_PT, 0), VIDEO_PEER);
	/* nothing of it is left when the owner is gone */
	owner_close(&x);
	assert_int_equal(r->sim->over[VIDEO].slot, 0);
	assert_int_equal(flow_of(r, VIDEO)->marked, 0);
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
		cmocka_unit_test(each_part_has_its_line),
		cmocka_unit_test(each_line_has_its_quality),
		cmocka_unit_test(a_part_is_dropped_alone),
		cmocka_unit_test(parts_are_bounded),
		cmocka_unit_test(one_layer_is_relayed),
		cmocka_unit_test(the_owner_closes),
		cmocka_unit_test(a_member_closes),
		cmocka_unit_test(lost_consent_is_of_all),
		cmocka_unit_test(lost_consent_beside_a_report),
		cmocka_unit_test(what_cannot_be_joined),
		cmocka_unit_test(a_port_of_its_own),
		cmocka_unit_test(each_line_has_its_dscp),
		cmocka_unit_test(a_successor_knows_sources),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
