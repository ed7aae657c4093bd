/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members with pictures. The flow of the picture of party i is in slot PICTURE + i. A picture of a party is three packets under one timestamp, each
 * 40 ms; it is one that a decoder may begin with when the party was asked, and at its start.
 */
#include "tests/unit/test.h"

#include "engine/job/room_picture.h"
#include "media/rtp/picture.h"
#include "tests/unit/engine/job/room_party.h"

enum { MEMBERS = 4, PICTURE = 8, SLOTS = 16, PT = 97, FRAME_MS = 40, PARTS = 3 };

struct camera {
	struct flow_spec spec;
	bool sends, deaf; /* it does not hear requests */
	bool asked;
	uint32_t requests, pictures;
	uint16_t sequence;
	uint32_t timestamp, ssrc;
	/* what it sees */
	uint32_t packets, begins;
	uint32_t seen; /* the ssrc of the source of what came last */
	bool started;
	uint16_t last;
	uint32_t last_timestamp;
	uint32_t seen_ms;
};

static struct camera g_cameras[MEMBERS];

static struct camera *camera_of_slot(uint32_t slot)
{
	assert_in_range(slot, PICTURE, PICTURE + MEMBERS - 1);
	return &g_cameras[slot - PICTURE];
}

/* Each packet says whose it is. A stream is one: its numbers have no gap, its time does not go back, and it changes its source where a decoder
 * may begin. */
static void camera_see(struct parties *s, const struct sim_packet *packet)
{
	struct camera *c = camera_of_slot(packet->slot);
	struct rtp rtp = rtp_read(packet);
	struct bytes payload = bytes_mem(rtp.payload, rtp.payload_n);
	bool begins = picture_begins(PICTURE_H264, payload);
	uint32_t source;

	assert_int_equal(rtp.payload_type, PT + (packet->slot - PICTURE));
	assert_int_equal(rtp.ssrc, c->spec.ssrc_out);
	assert_int_equal(payload.n, 6);
	source = be32_get(payload.p + 2);
	if (c->started) {
		assert_int_equal(rtp.sequence, (uint16_t)(c->last + 1));
		assert_true((int32_t)(rtp.timestamp - c->last_timestamp) >= 0);
	}
	assert_true(begins || c->seen == source);
	c->started = true;
	c->last = rtp.sequence;
	c->last_timestamp = rtp.timestamp;
	c->seen = source;
	c->seen_ms = s->now_ms;
	c->packets++;
	c->begins += begins;
}

static void camera_hear(const struct sim_packet *packet)
{
	struct camera *c = camera_of_slot(packet->slot);
	struct bytes rtcp = bytes_mem(packet->data, packet->length);

	assert_int_equal(rtcp_check(rtcp), 0);
	if (!picture_is_requested(rtcp, c->ssrc))
		return;
	c->requests++;
	c->asked |= !c->deaf;
}

static void other(struct parties *s, const struct sim_packet *packet)
{
	if (packet->channel == CHANNEL_RTCP)
		camera_hear(packet);
	else
		camera_see(s, packet);
}

static struct flow_spec picture_spec(uint32_t i)
{
	struct flow_spec spec = member_spec(PICTURE + i, MEDIA_CODEC_PCMU);

	spec.kind = MEDIA_VIDEO;
	spec.remote_rtcp = spec.remote_rtp;
	spec.remote_rtcp.port++;
	spec.rule_count = 1;
	spec.rules[0] = (struct payload_rule){ .in = PT, .out = PT, .clock_hz = 90000 };
	spec.rule_codecs[0] = PICTURE_H264 | 1;
	spec.taken[0] = (struct media_taken){ .payload_type = (uint8_t)(PT + i),
					      .codec = PICTURE_H264 | 1 };
	spec.source = (struct flow_source){ .job = ROOM_ID };
	spec.member = (struct flow_member){ .number = i + 1 };
	return spec;
}

static struct camera *camera_open(struct parties *s, uint32_t i)
{
	struct camera *c = &g_cameras[i];

	*c = (struct camera){ .spec = picture_spec(i),
			      .sends = true,
			      .asked = true,
			      .sequence = (uint16_t)(65500 + i * 7000),
			      .timestamp = i * 0x70000000,
			      .ssrc = 0xcc00 + i };
	member_open(s->r, &c->spec);
	assert_int_equal(rig_events(s->r, MEDIA_FLOW_FAILED), 0);
	return c;
}

static void part_send(struct parties *s, struct camera *c, uint32_t part, bool key)
{
	uint8_t payload[6] = { 0x7c, (uint8_t)(key ? 5 : 1) };
	const struct rtp rtp = { .ssrc = c->ssrc,
				 .timestamp = c->timestamp,
				 .sequence = c->sequence++,
				 .payload_type = PT,
				 .marker = part == PARTS - 1,
				 .payload = (const char *)payload,
				 .payload_n = sizeof(payload) };

	payload[1] |= (uint8_t)(part == 0 ? 0x80 : part == PARTS - 1 ? 0x40 : 0);
	be32_put(payload + 2, c->ssrc);
	put_rtp_from(s->r, (int)c->spec.id.slot, &c->spec.remote_rtp, &rtp);
}

static void picture_send(struct parties *s, struct camera *c)
{
	bool key = c->asked;

	for (uint32_t part = 0; part < PARTS; part++)
		part_send(s, c, part, key);
	c->asked = false;
	c->pictures += key;
	c->timestamp += 90 * FRAME_MS;
}

/* RTCP of a party: it sees nothing any more. */
static void request_send(struct parties *s, uint32_t i)
{
	struct camera *c = &g_cameras[i];
	uint8_t memory[PICTURE_REQUEST_MAX];
	const struct picture_request r = { .sender = c->ssrc, .source = c->spec.ssrc_out };

	put_bytes(s->r, (int)c->spec.id.slot, CHANNEL_RTCP, &c->spec.remote_rtcp,
		  picture_request_write(memory, &r));
}

static void run(struct parties *s, uint32_t ms)
{
	for (; ms > 0; ms--) {
		for (uint32_t i = 0; i < MEMBERS; i++)
			if (g_cameras[i].sends && s->now_ms % FRAME_MS == i * 3)
				picture_send(s, &g_cameras[i]);
		parties_run(s, 1);
	}
}

static void sees(const struct parties *s, uint32_t i, uint32_t source)
{
	const struct camera *c = &g_cameras[i];

	assert_int_equal(c->seen, source == FLOOR_NOBODY ? 0 : 0xcc00 + source);
	if (source != FLOOR_NOBODY)
		assert_true(s->now_ms - c->seen_ms <= 2 * FRAME_MS);
}

static void all_see(const struct parties *s, uint32_t shown, uint32_t before)
{
	for (uint32_t i = 0; i < MEMBERS; i++)
		if (g_cameras[i].spec.id.generation)
			sees(s, i, i == shown ? before : shown);
}

static void speak(struct parties *s, uint32_t i)
{
	for (uint32_t k = 0; k < s->count; k++) {
		s->list[k].hz = k == i ? 440 : 0;
		s->list[k].silent = k != i;
	}
}

static void requests_forget(void)
{
	for (uint32_t i = 0; i < MEMBERS; i++)
		g_cameras[i].requests = g_cameras[i].pictures = 0;
}

static void room_of_four(struct parties *s)
{
	const struct media_room terms = room_terms(16000);

	memset(g_cameras, 0, sizeof(g_cameras));
	parties_open_slots(s, &terms, SLOTS);
	s->other = other;
	for (uint32_t i = 0; i < MEMBERS; i++)
		listener_join(s, MEDIA_CODEC_PCMU);
	for (uint32_t i = 0; i < MEMBERS; i++)
		(void)camera_open(s, i);
	speak(s, 0);
	run(s, 3000);
	all_see(s, 0, 1);
	requests_forget();
}

static void all_see_who_talks(void **state)
{
	static const uint32_t talks[] = { 2, 3, 0, 1, 3, 2 };
	struct parties s;
	uint32_t before = 0;

	(void)state;
	room_of_four(&s);
	for (size_t i = 0; i < COUNT_OF(talks); i++) {
		speak(&s, talks[i]);
		run(&s, 2000);
		all_see(&s, talks[i], before);
		assert_int_equal(g_cameras[talks[i]].requests, 1);
		for (uint32_t k = 0; k < MEMBERS; k++)
			assert_true(g_cameras[k].requests <= 1);
		requests_forget();
		before = talks[i];
	}
	parties_close(&s);
}

static void a_burst_turns_no_picture(void **state)
{
	struct parties s;

	(void)state;
	room_of_four(&s);
	for (int i = 0; i < 10; i++) {
		speak(&s, 3);
		run(&s, 300);
		speak(&s, 0);
		run(&s, 700);
		all_see(&s, 0, 1);
	}
	assert_int_equal(g_cameras[3].requests, 0);
	parties_close(&s);
}

/* The old picture goes on; the request is said again; and where none comes all see on. */
static void a_source_that_is_deaf(void **state)
{
	struct parties s;

	(void)state;
	room_of_four(&s);
	g_cameras[2].deaf = true;
	speak(&s, 2);
	run(&s, 3000);
	all_see(&s, 0, 1);
	assert_in_range(g_cameras[2].requests, 3, 6);
	g_cameras[2].deaf = false;
	run(&s, 1000);
	all_see(&s, 2, 0);
	requests_forget();
	run(&s, 2000);
	assert_int_equal(g_cameras[2].requests, 0);
	parties_close(&s);
}

static void requests_of_viewers_are_merged(void **state)
{
	struct parties s;

	(void)state;
	room_of_four(&s);
	g_cameras[0].deaf = true;
	for (int i = 0; i < 20; i++) {
		for (uint32_t k = 1; k < MEMBERS; k++)
			request_send(&s, k);
		run(&s, 50);
	}
	assert_in_range(g_cameras[0].requests, 2, 3);
	assert_int_equal(g_cameras[1].requests, 0);
	request_send(&s, 0); /* it sees the second one */
	run(&s, 500);
	assert_int_equal(g_cameras[1].requests, 1);
	assert_int_equal(g_cameras[1].pictures, 1);
	parties_close(&s);
}

static void picture_update(struct parties *s, uint32_t i)
{
	rig_update(s->r, &g_cameras[i].spec);
	assert_int_equal(rig_events(s->r, MEDIA_FLOW_FAILED), 0);
}

static void who_is_muted_or_gone_is_not_seen(void **state)
{
	struct parties s;

	(void)state;
	room_of_four(&s);
	g_cameras[0].spec.member.muted = 1;
	picture_update(&s, 0);
	run(&s, 1000);
	all_see(&s, 1, 2);
	g_cameras[1].spec.source = (struct flow_source){ 0 }; /* it hears music */
	picture_update(&s, 1);
	g_cameras[1].sends = false;
	run(&s, 1000);
	g_cameras[1].spec.id.generation = 0; /* it sees nothing */
	all_see(&s, 2, 3);
	member_close(s.r, PICTURE + 2);
	g_cameras[2] = (struct camera){ 0 };
	run(&s, 1000);
	sees(&s, 0, 3);
	sees(&s, 3, 0); /* nobody else is there */
	g_cameras[3].sends = false;
	run(&s, 3000);
	assert_true(s.now_ms - g_cameras[0].seen_ms > 2000);
	sees(&s, 3, 0);
	parties_close(&s);
}

static void one_who_comes_sees_at_once(void **state)
{
	struct parties s;

	(void)state;
	room_of_four(&s);
	member_close(s.r, PICTURE + 3);
	g_cameras[3] = (struct camera){ 0 };
	run(&s, 1000);
	requests_forget();
	(void)camera_open(&s, 3);
	run(&s, 300);
	all_see(&s, 0, 1);
	assert_int_equal(g_cameras[0].requests, 1);
	assert_int_equal(g_cameras[3].begins, 1);
	parties_close(&s);
}

/* Its phone began anew: all go on behind a picture that they can begin with. */
static void a_source_with_another_ssrc(void **state)
{
	struct parties s;

	(void)state;
	room_of_four(&s);
	g_cameras[0].ssrc = 0xcc0000;
	g_cameras[0].sequence = 9;
	g_cameras[0].timestamp = 5;
	run(&s, 1000);
	assert_int_equal(g_cameras[2].seen, 0xcc0000);
	assert_int_equal(g_cameras[0].requests, 1);
	g_cameras[0].sequence = 33000; /* under its SSRC */
	g_cameras[0].timestamp = 1 << 30;
	run(&s, 1000);
	assert_true(s.now_ms - g_cameras[2].seen_ms <= 2 * FRAME_MS);
	assert_int_equal(g_cameras[0].requests, 2);
	parties_close(&s);
}

static void fir_where_it_is_all_that_a_phone_knows(void **state)
{
	struct parties s;

	(void)state;
	room_of_four(&s);
	g_cameras[2].spec.fir = 1;
	picture_update(&s, 2);
	speak(&s, 2);
	run(&s, 2000);
	all_see(&s, 2, 0);
	assert_int_equal(g_cameras[2].requests, 1);
	assert_true(flow_of(s.r, PICTURE + 2)->fir);
	parties_close(&s);
}

/* In mode 0 fragments cannot be taken; what a phone cannot decode it is not sent. */
static void formats_that_are_not_taken(void **state)
{
	struct parties s;
	uint32_t before;

	(void)state;
	room_of_four(&s);
	g_cameras[3].spec.taken[0].codec = PICTURE_H264;
	picture_update(&s, 3);
	before = g_cameras[3].packets;
	run(&s, 1000);
	assert_int_equal(g_cameras[3].packets, before);
	sees(&s, 2, 0);
	parties_close(&s);
}

static void a_second_picture_of_a_member(void **state)
{
	struct parties s;
	struct flow_spec spec;

	(void)state;
	room_of_four(&s);
	spec = picture_spec(0);
	spec.id.slot = PICTURE + MEMBERS;
	member_open(s.r, &spec);
	assert_int_equal(rig_events(s.r, MEDIA_FLOW_FAILED), 1);
	run(&s, 1000);
	all_see(&s, 0, 1);
	parties_close(&s);
}

static void what_was_lost_comes_again(void **state)
{
	static const uint8_t nack_head[] = { 0x81, 205, 0, 3 };
	struct camera *c = &g_cameras[2];
	uint8_t memory[16];
	struct parties s;
	struct sim_packet first;
	const struct sim_packet *again;

	(void)state;
	room_of_four(&s);
	c->spec.nack = 1;
	picture_update(&s, 2);
	run(&s, 200);
	first = (struct sim_packet){ 0 };
	memcpy(memory, nack_head, sizeof(nack_head));
	be32_put(memory + 4, c->ssrc);
	be32_put(memory + 8, c->spec.ssrc_out);
	be16_put(memory + 12, (uint16_t)(c->last - 1));
	be16_put(memory + 14, 0);
	put_bytes(s.r, PICTURE + 2, CHANNEL_RTCP, &c->spec.remote_rtcp, bytes_mem(memory, 16));
	worker_step(&s.r->w);
	again = port_sim_take(s.r->sim);
	assert_non_null(again);
	first = *again;
	assert_int_equal(first.slot, PICTURE + 2);
	assert_int_equal(rtp_read(&first).sequence, (uint16_t)(c->last - 1));
	parties_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_see_who_talks),
		cmocka_unit_test(a_burst_turns_no_picture),
		cmocka_unit_test(a_source_that_is_deaf),
		cmocka_unit_test(requests_of_viewers_are_merged),
		cmocka_unit_test(who_is_muted_or_gone_is_not_seen),
		cmocka_unit_test(one_who_comes_sees_at_once),
		cmocka_unit_test(a_source_with_another_ssrc),
		cmocka_unit_test(fir_where_it_is_all_that_a_phone_knows),
		cmocka_unit_test(formats_that_are_not_taken),
		cmocka_unit_test(a_second_picture_of_a_member),
		cmocka_unit_test(what_was_lost_comes_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
