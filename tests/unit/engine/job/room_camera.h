/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members with pictures. The flow of the picture of party i is in slot PICTURE + i. A picture of a party is three packets under one timestamp, each
 * 40 ms; it is one that a decoder may begin with when the party was asked, and at its start.
 */
#ifndef TESTS_UNIT_ENGINE_JOB_ROOM_CAMERA_H
#define TESTS_UNIT_ENGINE_JOB_ROOM_CAMERA_H

#include "tests/unit/test.h"

#include "engine/job/room_video.h"
#include "media/rtp/rtcp_write.h"
#include "media/rtp/video.h"
#include "tests/unit/engine/job/room_party.h"

enum { MEMBERS = 4, PICTURE = 8, SLOTS = 16, PT = 97, FRAME_MS = 40, PARTS = 3, CAMERA_KEPT = 256 };

struct camera_packet {
	struct rtp rtp;
	uint8_t payload[6];
};

struct camera {
	struct flow_spec spec;
	bool sends, deaf;  /* it does not hear requests */
	bool asked, key;   /* the picture that it sends is one that a decoder may begin with */
	uint32_t apart_ms; /* the packets of a picture; 0: they leave at once */
	bool parameters;   /* its key frames begin with them */
	bool loses_ends;   /* the last packet of no picture arrives but of key frames */
	uint32_t requests, video_on;
	uint16_t sequence;
	uint32_t timestamp, ssrc;
	uint32_t loses,
		loses_again; /* so many of the next packets do not arrive; of those that are sent again */
	uint32_t nacked, nacks; /* numbers that it was asked for, in so many packets */
	struct camera_packet kept[CAMERA_KEPT];
	/* what it sees */
	bool marked;     /* what came last ended a picture */
	uint32_t cuts;   /* pictures without an end, before that of another source */
	bool with_holes; /* else a gap fails */
	uint32_t holes;  /* numbers that are missing */
	uint32_t filled; /* that were so, and came */
	uint8_t came[1 << 16];
	uint32_t packets, begins;
	uint32_t seen; /* the ssrc of the source of what came last */
	bool started;
	uint16_t last;
	uint32_t last_timestamp;
	uint32_t seen_ms;
};

static struct camera g_cameras[MEMBERS];
static struct rig *g_rig;

static UNUSED struct camera *camera_of_slot(uint32_t slot)
{
	assert_in_range(slot, PICTURE, PICTURE + MEMBERS - 1);
	return &g_cameras[slot - PICTURE];
}

/* Each packet says whose it is. A stream is one: its numbers have no gap, its time does not go back, and it changes its source where a decoder
 * may begin. */
static UNUSED void camera_see(struct parties *s, const struct sim_packet *packet)
{
	struct camera *c = camera_of_slot(packet->slot);
	struct rtp rtp = rtp_read(packet);
	struct bytes payload = bytes_mem(rtp.payload, rtp.payload_n);
	bool begins = video_is_keyframe(VIDEO_H264, payload);
	uint32_t source;

	assert_int_equal(rtp.payload_type, PT + (packet->slot - PICTURE));
	assert_int_equal(rtp.ssrc, c->spec.ssrc_out);
	assert_int_equal(payload.n, 6);
	source = be32_get(payload.p + 2);
	assert_false(c->came[rtp.sequence]++);
	if (c->started && (int16_t)(rtp.sequence - c->last) <= 0) {
		assert_true(c->with_holes && c->holes-- > 0);
		c->filled++;
		return;
	}
	if (c->started) {
		c->holes += (uint16_t)(rtp.sequence - c->last - 1);
		assert_true(c->with_holes || c->holes == 0);
		assert_true((int32_t)(rtp.timestamp - c->last_timestamp) >= 0);
	}
	assert_true(begins || c->seen == source);
	c->cuts += c->started && c->seen != source && !c->marked;
	c->marked = rtp.marker;
	c->started = true;
	c->last = rtp.sequence;
	c->last_timestamp = rtp.timestamp;
	c->seen = source;
	c->seen_ms = s->now_ms;
	c->packets++;
	c->begins += begins;
}

/* What it has is sent again. */
static UNUSED bool camera_repeat(void *user, uint16_t sequence)
{
	struct camera *c = user;
	const struct camera_packet *k = &c->kept[sequence % CAMERA_KEPT];

	c->nacked++;
	assert_int_equal(k->rtp.sequence, sequence);
	if (c->loses_again > 0)
		c->loses_again--;
	else
		put_rtp_from(g_rig, (int)c->spec.id.slot, &c->spec.remote_rtp, &k->rtp);
	return true;
}

static UNUSED void camera_hear(const struct sim_packet *packet)
{
	struct camera *c = camera_of_slot(packet->slot);
	uint8_t memory[PACKET_MAX];
	struct bytes rtcp = bytes_mem(packet->data, packet->length);
	size_t n = rtcp.n;
	uint32_t before = c->nacked;

	assert_int_equal(rtcp_check(rtcp), 0);
	if (keyframe_is_requested(rtcp, c->ssrc)) {
		c->requests++;
		c->asked |= !c->deaf;
	}
	memcpy(memory, rtcp.p, n);
	rtcp_nack_filter(memory, &n, c->ssrc, camera_repeat, c);
	c->nacks += c->nacked > before;
}

static UNUSED void other(struct parties *s, const struct sim_packet *packet)
{
	if (packet->channel == CHANNEL_RTCP)
		camera_hear(packet);
	else
		camera_see(s, packet);
}

static UNUSED struct flow_spec picture_spec(uint32_t i)
{
	struct flow_spec spec = member_spec(PICTURE + i, MEDIA_CODEC_PCMU);

	spec.kind = MEDIA_VIDEO;
	spec.remote_rtcp = spec.remote_rtp;
	spec.remote_rtcp.port++;
	spec.rule_count = 1;
	spec.rules[0] = (struct payload_rule){ .in = PT, .out = PT, .clock_hz = 90000 };
	spec.rule_codecs[0] = VIDEO_H264 | 1;
	spec.accepted[0] = (struct media_accepted){ .payload_type = (uint8_t)(PT + i),
						    .codec = VIDEO_H264 | 1 };
	spec.source = (struct flow_source){ .job = ROOM_ID };
	spec.member = (struct flow_member){ .number = i + 1 };
	return spec;
}

static UNUSED struct camera *camera_open(struct parties *s, uint32_t i)
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

static UNUSED void part_send(struct parties *s, struct camera *c, uint32_t part, bool key)
{
	struct camera_packet *k = &c->kept[c->sequence % CAMERA_KEPT];

	*k = (struct camera_packet){ .payload = { 0x7c, (uint8_t)(key ? 5 : 1) } };
	k->rtp = (struct rtp){ .ssrc = c->ssrc,
			       .timestamp = c->timestamp,
			       .sequence = c->sequence++,
			       .payload_type = PT,
			       .marker = part == PARTS - 1,
			       .payload = (const char *)k->payload,
			       .payload_n = sizeof(k->payload) };
	k->payload[1] |= (uint8_t)(part == 0 ? 0x80 : part == PARTS - 1 ? 0x40 : 0);
	be32_put(k->payload + 2, c->ssrc);
	if (part == 0 && key && c->parameters)
		k->payload[0] = 0x67;
	if (c->loses_ends && part == PARTS - 1 && !key)
		return;
	if (c->loses > 0)
		c->loses--;
	else
		put_rtp_from(s->r, (int)c->spec.id.slot, &c->spec.remote_rtp, &k->rtp);
}

static UNUSED void picture_part_send(struct parties *s, struct camera *c, uint32_t part)
{
	if (part == 0) {
		c->key = c->asked;
		c->video_on += c->key;
		c->asked = false;
	}
	part_send(s, c, part, c->key);
	if (part == PARTS - 1)
		c->timestamp += 90 * FRAME_MS;
}

/* What of its picture is due `ms` behind the beginning. */
static UNUSED void picture_send(struct parties *s, struct camera *c, uint32_t ms)
{
	if (c->apart_ms > 0 && ms % c->apart_ms == 0 && ms / c->apart_ms < PARTS)
		picture_part_send(s, c, ms / c->apart_ms);
	for (uint32_t part = 0; c->apart_ms == 0 && ms == 0 && part < PARTS; part++)
		picture_part_send(s, c, part);
}

/* RTCP of a party: it sees nothing any more. */
static UNUSED void request_send(struct parties *s, uint32_t i)
{
	struct camera *c = &g_cameras[i];
	uint8_t memory[KEYFRAME_REQUEST_MAX];
	const struct keyframe_request_terms r = { .sender = c->ssrc, .source = c->spec.ssrc_out };

	put_bytes(s->r, (int)c->spec.id.slot, CHANNEL_RTCP, &c->spec.remote_rtcp,
		  keyframe_request_write(memory, &r));
}

static UNUSED void run(struct parties *s, uint32_t ms)
{
	for (; ms > 0; ms--) {
		for (uint32_t i = 0; i < MEMBERS; i++)
			if (g_cameras[i].sends)
				picture_send(s, &g_cameras[i],
					     (s->now_ms + FRAME_MS - i * 3) % FRAME_MS);
		parties_run(s, 1);
	}
}

static UNUSED void sees(const struct parties *s, uint32_t i, uint32_t source)
{
	const struct camera *c = &g_cameras[i];

	assert_int_equal(c->seen, source == FLOOR_NOBODY ? 0 : 0xcc00 + source);
	if (source != FLOOR_NOBODY)
		assert_true(s->now_ms - c->seen_ms <= 2 * FRAME_MS);
}

static UNUSED void all_see(const struct parties *s, uint32_t shown, uint32_t before)
{
	for (uint32_t i = 0; i < MEMBERS; i++)
		if (g_cameras[i].spec.id.generation)
			sees(s, i, i == shown ? before : shown);
}

static UNUSED void speak(struct parties *s, uint32_t i)
{
	for (uint32_t k = 0; k < s->count; k++) {
		s->list[k].hz = k == i ? 440 : 0;
		s->list[k].silent = k != i;
	}
}

static UNUSED void requests_forget(void)
{
	for (uint32_t i = 0; i < MEMBERS; i++)
		g_cameras[i].requests = g_cameras[i].video_on = 0;
}

static UNUSED void room_of_four(struct parties *s)
{
	const struct media_room terms = room_terms(16000);

	memset(g_cameras, 0, sizeof(g_cameras));
	parties_open_slots(s, &terms, SLOTS);
	g_rig = s->r;
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

static UNUSED void picture_update(struct parties *s, uint32_t i)
{
	rig_update(s->r, &g_cameras[i].spec);
	assert_int_equal(rig_events(s->r, MEDIA_FLOW_FAILED), 0);
}

#endif
