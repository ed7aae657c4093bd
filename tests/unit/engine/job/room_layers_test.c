/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A member whose picture comes in three layers, and two who see it. Flow PICTURE has the picture, and the two behind it are viewers. Each packet ends
 * with the number of its layer.
 */
#include "tests/unit/test.h"

#include "engine/job/room_video.h"
#include "media/rtp/rtcp_write.h"
#include "media/rtp/video.h"
#include "tests/unit/engine/job/room_party.h"

enum { PICTURE = 8, VIEWERS = 2, SLOTS = 16, PT = 96, FRAME_MS = 40, RID_ID = 4, HEAD_OCTETS = 18 };
enum { SMALL, LARGE, MIDDLE, LAYERS, UNKNOWN = LAYERS }; /* as they are named: in no order */

/* 33, 864 and 216 kbit/s. */
static const struct {
	char name;
	uint16_t parts, octets, width, height;
} g_kinds[] = { { 'q', 1, 166, 160, 90 },
		{ 'f', 4, 1080, 640, 360 },
		{ 'h', 2, 540, 320, 180 },
		{ 'x', 1, 166, 160, 90 } };

struct layer {
	uint32_t ssrc, timestamp, requests, video_on;
	uint16_t sequence, id;
	uint8_t tl0;
	bool sends, asked, deaf, key;
};

struct viewer {
	struct flow_spec spec;
	uint8_t layer; /* of what came last */
	uint32_t packets, changes, seen_ms, timestamp;
	uint16_t sequence, id;
	uint8_t tl0;
	bool started;
};

static struct layer g_layers[LAYERS + 1];
static struct viewer g_viewers[VIEWERS];
static struct flow_spec g_source;
static bool g_named; /* packets say their names */
static bool g_gaps;  /* numbers are missing */

/* ---- what viewers see ---- */

/* Nothing is missing, and nothing comes twice; another layer begins with a key frame. */
static void viewer_see(struct parties *s, const struct sim_packet *packet)
{
	struct viewer *v = &g_viewers[packet->slot - PICTURE - 1];
	struct rtp rtp = rtp_read(packet);
	struct bytes payload = bytes_mem(rtp.payload, rtp.payload_n);
	struct vp8_head h = vp8_head_read(payload);
	uint8_t layer = payload.p[payload.n - 1];

	assert_int_equal(rtp.ssrc, v->spec.ssrc_out);
	assert_in_range(layer, 0, LAYERS - 1);
	assert_true(h.id_long && h.tl0_at);
	if (v->started) {
		unsigned video_on = (h.id - v->id) & 0x7fff;

		assert_true(g_gaps || rtp.sequence == (uint16_t)(v->sequence + 1));
		assert_in_range(video_on, 0, 1);
		assert_int_equal((uint8_t)(h.tl0 - v->tl0), video_on);
		assert_true((rtp.timestamp != v->timestamp) == (video_on == 1));
		assert_true((int32_t)(rtp.timestamp - v->timestamp) >= 0);
		assert_true(layer == v->layer || h.key);
	}
	v->changes += v->started && layer != v->layer;
	v->started = true;
	v->layer = layer;
	v->sequence = rtp.sequence;
	v->timestamp = rtp.timestamp;
	v->id = h.id;
	v->tl0 = h.tl0;
	v->packets++;
	v->seen_ms = s->now_ms;
}

static void source_hear_rtcp(const struct sim_packet *packet)
{
	struct bytes rtcp = bytes_mem(packet->data, packet->length);

	for (uint32_t i = 0; i <= LAYERS; i++) {
		if (!keyframe_is_requested(rtcp, g_layers[i].ssrc))
			continue;
		g_layers[i].requests++;
		g_layers[i].asked |= !g_layers[i].deaf;
	}
}

static void layers_other(struct parties *s, const struct sim_packet *packet)
{
	if (packet->channel == CHANNEL_RTCP && packet->slot == PICTURE)
		source_hear_rtcp(packet);
	if (packet->channel == CHANNEL_RTP && packet->slot > PICTURE)
		viewer_see(s, packet);
}

/* ---- what the source sends ---- */

static void head_write(struct writer *w, const struct layer *l, uint32_t i, bool marker)
{
	writer_u8(w, (uint8_t)(0x80 | (g_named ? RTP_EXTENSION_BIT : 0)));
	writer_u8(w, (uint8_t)(PT | (marker ? 0x80 : 0)));
	writer_be16(w, l->sequence);
	writer_be32(w, l->timestamp);
	writer_be32(w, l->ssrc);
	if (!g_named)
		return;
	writer_be16(w, RTP_EXTENSION_ONE_BYTE);
	writer_be16(w, 1);
	writer_u8(w, RID_ID << 4);
	writer_u8(w, (uint8_t)g_kinds[i].name);
	writer_be16(w, 0);
}

/* RFC 7741 4.2, and 9.1 of RFC 6386. */
static void payload_write(struct writer *w, const struct layer *l, uint32_t i, bool first)
{
	const uint8_t zeros[1200] = { 0 };

	writer_u8(w, first ? 0x90 : 0x80);
	writer_u8(w, 0xe0);
	writer_be16(w, 0x8000 | l->id);
	writer_u8(w, l->tl0);
	writer_u8(w, 0);
	writer_u8(w, first && l->key ? 0x10 : 0x11);
	writer_mem(w, "\0\0\x9d\x01\x2a", 5);
	writer_u8(w, (uint8_t)g_kinds[i].width);
	writer_u8(w, (uint8_t)(g_kinds[i].width >> 8));
	writer_u8(w, (uint8_t)g_kinds[i].height);
	writer_u8(w, (uint8_t)(g_kinds[i].height >> 8));
	writer_mem(w, zeros, g_kinds[i].octets - HEAD_OCTETS);
	writer_u8(w, (uint8_t)i);
}

static void frame_send(struct parties *s, uint32_t i)
{
	struct layer *l = &g_layers[i];

	l->key = l->asked;
	l->video_on += l->key;
	l->asked = false;
	for (uint32_t part = 0; part < g_kinds[i].parts; part++) {
		uint8_t memory[PACKET_MAX];
		struct writer w = writer_over(memory, sizeof(memory));

		head_write(&w, l, i, part + 1U == g_kinds[i].parts);
		payload_write(&w, l, i, part == 0);
		put_bytes(s->r, PICTURE, CHANNEL_RTP, &g_source.remote_rtp, writer_done(&w));
		l->sequence++;
	}
	l->timestamp += 90 * FRAME_MS;
	l->id = (l->id + 1) & 0x7fff;
	l->tl0++;
}

static void run(struct parties *s, uint32_t ms)
{
	for (; ms > 0; ms--) {
		for (uint32_t i = 0; i <= LAYERS; i++)
			if (g_layers[i].sends && (s->now_ms + i * 5) % FRAME_MS == 0)
				frame_send(s, i);
		parties_run(s, 1);
	}
}

/* ---- the room ---- */

static struct flow_spec layers_spec(uint32_t i)
{
	struct flow_spec spec = member_spec(PICTURE + i, MEDIA_CODEC_PCMU);

	spec.kind = MEDIA_VIDEO;
	spec.remote_rtcp = spec.remote_rtp;
	spec.remote_rtcp.port++;
	spec.rule_count = 1;
	spec.rules[0] = (struct payload_rule){ .in = PT, .out = PT, .clock_hz = 90000 };
	spec.rule_codecs[0] = VIDEO_VP8;
	spec.accepted[0] = (struct media_accepted){ .payload_type = PT, .codec = VIDEO_VP8 };
	spec.source = (struct flow_source){ .job = ROOM_ID };
	spec.member = (struct flow_member){ .number = i + 1 };
	return spec;
}

static void update(struct parties *s, const struct flow_spec *spec)
{
	rig_update(s->r, spec);
	assert_int_equal(rig_events(s->r, MEDIA_FLOW_FAILED), 0);
}

static void limit(struct parties *s, uint32_t viewer, uint32_t kbps)
{
	g_viewers[viewer].spec.video.most_kbps = kbps;
	update(s, &g_viewers[viewer].spec);
}

static void layers_begin(void)
{
	for (uint32_t i = 0; i <= LAYERS; i++)
		g_layers[i] = (struct layer){ .ssrc = 0xaa00 + i,
					      .sequence = (uint16_t)(65000 + i * 9000),
					      .timestamp = i * 0x50000000,
					      .id = (uint16_t)(0x7f00 + i * 1000) & 0x7fff,
					      .tl0 = (uint8_t)(i * 77),
					      .sends = i < LAYERS,
					      .asked = true };
}

static void source_begin(void)
{
	g_source = layers_spec(0);
	g_source.video.layers = (struct media_layers){
		.count = LAYERS,
		.extension = RID_ID,
		.list = { { 1, { 'q' } }, { 1, { 'f' } }, { 1, { 'h' } } },
	};
}

/* Who was never heard is not sent much. */
static void viewer_speak(struct parties *s, const struct flow_spec *spec)
{
	put_rtp_from(s->r, (int)spec->id.slot, &spec->remote_rtp,
		     &(struct rtp){ .ssrc = spec->id.slot, .payload_type = PT });
}

/* The first viewer is to have 300 kbit/s. */
static void room_with_layers(struct parties *s, bool named)
{
	const struct media_room terms = room_terms(16000);

	parties_open_slots(s, &terms, SLOTS);
	s->other = layers_other;
	g_named = named;
	layers_begin();
	source_begin();
	for (uint32_t i = 0; i <= VIEWERS; i++)
		listener_join(s, MEDIA_CODEC_PCMU);
	s->list[0].silent = false;
	s->list[0].hz = 440;
	member_open(s->r, &g_source);
	for (uint32_t i = 0; i < VIEWERS; i++) {
		g_viewers[i] = (struct viewer){ .spec = layers_spec(i + 1) };
		g_viewers[i].spec.video.most_kbps = i == 0 ? 300 : 0;
		member_open(s->r, &g_viewers[i].spec);
		viewer_speak(s, &g_viewers[i].spec);
	}
	assert_int_equal(rig_events(s->r, MEDIA_FLOW_FAILED), 0);
	run(s, 6000);
}

static void sees(const struct parties *s, uint32_t viewer, uint32_t layer)
{
	assert_int_equal(g_viewers[viewer].layer, layer);
	assert_true(s->now_ms - g_viewers[viewer].seen_ms <= 2 * FRAME_MS);
}

static void requests_forget(void)
{
	for (uint32_t i = 0; i <= LAYERS; i++)
		g_layers[i].requests = g_layers[i].video_on = 0;
	for (uint32_t i = 0; i < VIEWERS; i++)
		g_viewers[i].changes = 0;
}

/* ---- tests ---- */

static void each_has_what_fits(void **state)
{
	struct parties s;

	(void)state;
	room_with_layers(&s, true);
	sees(&s, 0, MIDDLE);
	sees(&s, 1, LARGE);
	requests_forget();
	run(&s, 10000);
	assert_int_equal(g_viewers[0].changes + g_viewers[1].changes, 0);
	limit(&s, 0, 100);
	run(&s, 300);
	sees(&s, 0, SMALL);
	limit(&s, 0, 0);
	run(&s, 2500);
	sees(&s, 0, SMALL);
	run(&s, 1000);
	sees(&s, 0, LARGE);
	sees(&s, 1, LARGE);
	assert_int_equal(g_layers[SMALL].requests, 1);
	assert_int_equal(g_layers[MIDDLE].requests, 0);
	assert_int_equal(g_layers[LARGE].requests, 1);
	assert_int_equal(g_viewers[1].changes, 0);
	/* which of them is counted is one thing, and told once */
	assert_true(flow_of(s.r, PICTURE)->stats.source_changes <= 1);
	parties_close(&s);
}

/* Then the next lower one is seen, and what was before when it is back. */
static void a_layer_stops(void **state)
{
	struct parties s;

	(void)state;
	room_with_layers(&s, true);
	g_layers[LARGE].sends = false;
	run(&s, 900);
	sees(&s, 1, MIDDLE);
	sees(&s, 0, MIDDLE);
	g_layers[LARGE].sends = true;
	run(&s, 5000);
	sees(&s, 1, LARGE);
	g_layers[MIDDLE].sends = g_layers[LARGE].sends = false;
	run(&s, 900);
	sees(&s, 0, SMALL);
	sees(&s, 1, SMALL);
	parties_close(&s);
}

static void report_send(struct parties *s, uint32_t viewer, uint8_t lost)
{
	const struct flow_spec *spec = &g_viewers[viewer].spec;
	uint8_t memory[RTCP_REPORT_MAX];
	const struct rtcp_report r = { .ssrc = spec->id.slot,
				       .hears = true,
				       .block = { .ssrc = spec->ssrc_out, .fraction_lost = lost } };

	put_bytes(s->r, (int)spec->id.slot, CHANNEL_RTCP, &spec->remote_rtcp,
		  rtcp_report_write(memory, &r));
}

static void run_with_reports(struct parties *s, uint32_t ms, uint32_t viewer, uint8_t lost)
{
	for (; ms > 0; ms -= 1000) {
		report_send(s, viewer, lost);
		run(s, 1000);
	}
}

/* Whose line loses packets has a smaller one, and in the end what it had. Others have theirs. */
static void a_line_loses_packets(void **state)
{
	struct parties s;

	(void)state;
	room_with_layers(&s, true);
	requests_forget();
	run_with_reports(&s, 2000, 1, 64);
	sees(&s, 1, LARGE);
	run_with_reports(&s, 2000, 1, 64);
	sees(&s, 1, MIDDLE);
	sees(&s, 0, MIDDLE);
	run_with_reports(&s, 6000, 1, 64);
	sees(&s, 1, SMALL);
	sees(&s, 0, MIDDLE);
	run_with_reports(&s, 9000, 1, 0);
	sees(&s, 1, SMALL);
	run_with_reports(&s, 6000, 1, 0);
	sees(&s, 1, MIDDLE);
	run_with_reports(&s, 30000, 1, 0);
	sees(&s, 1, LARGE);
	assert_int_equal(g_viewers[0].changes, 0);
	assert_int_equal(g_viewers[1].changes, 4);
	parties_close(&s);
}

/* What was lost before it came to us is on no viewer's line. */
static void packets_that_never_came(void **state)
{
	struct parties s;

	(void)state;
	room_with_layers(&s, true);
	g_gaps = true;
	for (uint32_t i = 0; i < 10; i++) {
		for (uint32_t part = 0; part < 100; part += 4) {
			g_layers[LARGE].sequence++; /* of five one */
			run(&s, FRAME_MS);
		}
		report_send(&s, 1, 51);
	}
	sees(&s, 1, LARGE);
	g_gaps = false;
	parties_close(&s);
}

/* What viewers have goes on, and the layer is asked again. */
static void it_begins_with_a_key_frame(void **state)
{
	struct parties s;

	(void)state;
	room_with_layers(&s, true);
	requests_forget();
	g_layers[SMALL].deaf = true;
	limit(&s, 1, 100);
	run(&s, 1600);
	sees(&s, 1, LARGE);
	assert_in_range(g_layers[SMALL].requests, 3, 4);
	g_layers[SMALL].deaf = false;
	run(&s, 600);
	sees(&s, 1, SMALL);
	assert_int_equal(g_layers[LARGE].requests + g_layers[MIDDLE].requests, 0);
	parties_close(&s);
}

static void viewers_ask_for_what_they_see(void **state)
{
	uint8_t memory[KEYFRAME_REQUEST_MAX];
	struct parties s;

	(void)state;
	room_with_layers(&s, true);
	requests_forget();
	for (uint32_t i = 0; i < VIEWERS; i++) {
		const struct flow_spec *spec = &g_viewers[i].spec;
		const struct keyframe_request_terms r = { .sender = 1, .source = spec->ssrc_out };

		put_bytes(s.r, (int)spec->id.slot, CHANNEL_RTCP, &spec->remote_rtcp,
			  keyframe_request_write(memory, &r));
		run(&s, 100);
		assert_int_equal(g_layers[MIDDLE].requests, 1);
		assert_int_equal(g_layers[LARGE].requests, i);
	}
	assert_int_equal(g_layers[SMALL].requests, 0);
	parties_close(&s);
}

/* A browser says them until it hears that they came. */
static void names_are_not_said_any_more(void **state)
{
	struct parties s;

	(void)state;
	room_with_layers(&s, true);
	g_named = false;
	requests_forget();
	run(&s, 5000);
	sees(&s, 0, MIDDLE);
	sees(&s, 1, LARGE);
	assert_int_equal(g_viewers[0].changes + g_viewers[1].changes, 0);
	parties_close(&s);
}

/* As behind a restart of the node. Names that come after all say it better. */
static void names_were_never_said(void **state)
{
	struct parties s;

	(void)state;
	room_with_layers(&s, false);
	sees(&s, 0, MIDDLE);
	sees(&s, 1, LARGE);
	assert_int_equal(dropped(s.r, VERDICT_OTHER_LAYER), 0);
	g_named = true;
	run(&s, 6000);
	sees(&s, 0, MIDDLE);
	sees(&s, 1, LARGE);
	parties_close(&s);
}

static void layers_that_were_not_agreed(void **state)
{
	struct parties s;
	uint64_t before;

	(void)state;
	room_with_layers(&s, true);
	requests_forget();
	g_layers[UNKNOWN].sends = true;
	run(&s, 1000);
	assert_int_equal(dropped(s.r, VERDICT_OTHER_LAYER), 25);
	g_named = false; /* a fourth source */
	run(&s, 1000);
	assert_int_equal(dropped(s.r, VERDICT_OTHER_LAYER), 50);
	sees(&s, 0, MIDDLE);
	sees(&s, 1, LARGE);
	assert_int_equal(g_layers[UNKNOWN].requests, 0);
	/* a layer goes on under another SSRC, and has no name yet */
	g_layers[SMALL].sends = false;
	run(&s, 1500);
	before = dropped(s.r, VERDICT_OTHER_LAYER);
	run(&s, 1000);
	assert_int_equal(dropped(s.r, VERDICT_OTHER_LAYER), before);
	parties_close(&s);
}

/* It says by a new offer that it sends one alone from now on. */
static void layers_end(void **state)
{
	struct parties s;

	(void)state;
	room_with_layers(&s, true);
	g_source.video.layers = (struct media_layers){ 0 };
	update(&s, &g_source);
	g_layers[SMALL].sends = g_layers[LARGE].sends = false;
	run(&s, 500);
	sees(&s, 0, MIDDLE);
	sees(&s, 1, MIDDLE);
	source_begin();
	update(&s, &g_source);
	g_layers[SMALL].sends = g_layers[LARGE].sends = true;
	run(&s, 6000);
	sees(&s, 0, MIDDLE);
	sees(&s, 1, LARGE);
	parties_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_has_what_fits),
		cmocka_unit_test(a_layer_stops),
		cmocka_unit_test(a_line_loses_packets),
		cmocka_unit_test(packets_that_never_came),
		cmocka_unit_test(it_begins_with_a_key_frame),
		cmocka_unit_test(viewers_ask_for_what_they_see),
		cmocka_unit_test(names_are_not_said_any_more),
		cmocka_unit_test(names_were_never_said),
		cmocka_unit_test(layers_that_were_not_agreed),
		cmocka_unit_test(layers_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
