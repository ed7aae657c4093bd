/* SPDX-License-Identifier: Apache-2.0 */
/* Rooms with many members, with keys, and with members that come from elsewhere. */
#include "tests/unit/test.h"

#include "engine/worker/flow.h"
#include "tests/unit/engine/job/room_party.h"

enum { TALKERS = 3, CROWD = MEDIA_ROOM_MEMBERS_MAX - TALKERS };

static const uint32_t g_hz[] = { 500, 900, 1300 };

/* ---- many ---- */

static struct {
	uint32_t heard[MEDIA_ROOM_MEMBERS_MAX];
	uint64_t at_ns; /* of the tick of what follows */
	size_t n;
	uint8_t octets[PACKET_MAX];
} g_crowd;

/* All of a tick are sent the same octets. */
static void crowd_hear(struct parties *s, const struct sim_packet *packet)
{
	struct rtp rtp;

	if (packet->channel != CHANNEL_RTP)
		return;
	rtp = rtp_read(packet);
	g_crowd.heard[packet->slot]++;
	if (g_crowd.at_ns != s->r->sim->now_ns) {
		g_crowd.at_ns = s->r->sim->now_ns;
		g_crowd.n = rtp.payload_n;
		memcpy(g_crowd.octets, rtp.payload, rtp.payload_n);
	}
	assert_int_equal(rtp.payload_n, g_crowd.n);
	assert_memory_equal(rtp.payload, g_crowd.octets, g_crowd.n);
}

static void crowd_join(struct parties *s, enum media_codec codec)
{
	memset(&g_crowd, 0, sizeof(g_crowd));
	s->other = crowd_hear;
	for (uint32_t slot = TALKERS; slot < TALKERS + CROWD; slot++) {
		struct flow_spec spec = member_spec(slot, codec);

		member_open(s->r, &spec);
		flow_of(s->r, (int)slot)->latch_rtp.source = spec.remote_rtp; /* it was heard */
	}
	assert_int_equal(rig_events(s->r, MEDIA_FLOW_FAILED), 0);
	assert_int_equal(members_count(s->r), MEDIA_ROOM_MEMBERS_MAX);
}

static void two_thousand(enum media_codec codec)
{
	const struct media_room terms = room_terms(codec == MEDIA_CODEC_PCMU ? 8000 : 16000);
	struct flow_spec one_more = member_spec(MEDIA_ROOM_MEMBERS_MAX, codec);
	struct parties s;

	parties_open_slots(&s, &terms, MEDIA_ROOM_MEMBERS_MAX + 1);
	for (uint32_t i = 0; i < TALKERS; i++)
		(void)party_join(&s, codec, g_hz[i]);
	crowd_join(&s, codec);
	member_open(s.r, &one_more);
	assert_int_equal(rig_events(s.r, MEDIA_FLOW_FAILED), 1);
	member_close(s.r, MEDIA_ROOM_MEMBERS_MAX);
	parties_run(&s, 1500);
	hears_all_others(&s, 960);
	for (uint32_t slot = TALKERS; slot < TALKERS + CROWD; slot++)
		assert_in_range(g_crowd.heard[slot], 68, 75);
	/* all hang up, while a tick is being sent */
	for (uint32_t slot = MEDIA_ROOM_MEMBERS_MAX; slot > 0; slot--) {
		if (slot % 100 == 0)
			advance_ms(s.r, 1);
		member_close(s.r, slot - 1);
		(void)rig_events(s.r, MEDIA_FLOW_CLOSED);
		while (port_sim_sent(s.r->sim))
			continue;
	}
	assert_int_equal(room_of(s.r)->count, 0);
	assert_int_equal(s.r->w.wheel.running, 0);
	parties_close(&s);
}

static void two_thousand_of_g711(void **state)
{
	(void)state;
	two_thousand(MEDIA_CODEC_PCMU);
}

static void two_thousand_of_opus(void **state)
{
	(void)state;
	two_thousand(MEDIA_CODEC_OPUS);
}

/* ---- keys ---- */

static void members_with_keys(void **state)
{
	const struct media_room terms = room_terms(16000);
	struct parties s;

	(void)state;
	parties_open(&s, &terms);
	(void)secure_join(&s, MEDIA_CODEC_OPUS, g_hz[0], MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80);
	(void)party_join(&s, MEDIA_CODEC_PCMU, g_hz[1]);
	(void)secure_join(&s, MEDIA_CODEC_G722, g_hz[2], MEDIA_SUITE_AEAD_AES_256_GCM);
	secure_join(&s, MEDIA_CODEC_OPUS, 0, MEDIA_SUITE_AEAD_AES_128_GCM)->silent = true;
	parties_run(&s, 4000);
	hears_all_others(&s, 2400);
	parties_close(&s);
}

/* ---- from worker to worker ---- */

static void flow_goes(struct rig *from, struct rig *to, const struct flow_spec *spec)
{
	static struct flow_parcel p;
	struct media_event event;

	p = (struct flow_parcel){ .spec = *spec, .fd = { -1, -1 } };
	rig_command(from, &(struct media_command){
				  .kind = MEDIA_FLOW_YIELD, .id = spec->id, .parcel = &p });
	assert_true(rig_event(from, MEDIA_FLOW_YIELDED, &event));
	assert_int_equal(event.error, 0);
	rig_command(to, &(struct media_command){ .kind = MEDIA_FLOW_OPEN,
						 .rtp_fd = -1,
						 .rtcp_fd = -1,
						 .spec = p.spec,
						 .parcel = &p });
	assert_true(rig_event(to, MEDIA_FLOW_MOVED, &event));
	assert_int_equal(event.error, 0);
}

/* It goes on with the numbers that it had; and so it does when it leaves, though the room does not know. */
static void a_member_comes_from_another_worker(void **state)
{
	const struct media_room terms = room_terms(8000);
	struct rig *elsewhere = rig_open_slots(64, PARTIES_MAX);
	struct parties s;
	struct party_in_room *p;
	struct flow_spec alone;

	(void)state;
	parties_open(&s, &terms);
	(void)party_join(&s, MEDIA_CODEC_PCMU, g_hz[0]);
	p = party_make(&s, MEDIA_CODEC_PCMU, 0);
	alone = p->spec;
	alone.source = (struct flow_source){ 0 };
	alone.home = 0;
	member_open(elsewhere, &alone);
	parties_run(&s, 1000);
	elsewhere->sim->now_ns = s.r->sim->now_ns;
	flow_goes(elsewhere, s.r, &p->spec);
	p->hz = g_hz[1];
	parties_run(&s, 3000);
	hears_all_others(&s, 1920);
	elsewhere->sim->now_ns = s.r->sim->now_ns;
	flow_goes(s.r, elsewhere, &alone);
	p->hz = 0;
	assert_int_equal(members_count(s.r), 1);
	parties_run(&s, 2500);
	assert_false(party_hears(&s, &s.list[0], g_hz[1], 1920));
	rig_close(elsewhere);
	parties_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_thousand_of_g711),
		cmocka_unit_test(two_thousand_of_opus),
		cmocka_unit_test(members_with_keys),
		cmocka_unit_test(a_member_comes_from_another_worker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
