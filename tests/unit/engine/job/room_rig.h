/* SPDX-License-Identifier: Apache-2.0 */
/* A worker on port_sim with a room, and parties in it: each has a slot, and its slot + 1 as number. */
#ifndef TESTS_UNIT_ENGINE_JOB_ROOM_RIG_H
#define TESTS_UNIT_ENGINE_JOB_ROOM_RIG_H

#include "engine/job/room.h"
#include "engine/worker/worker.h"
#include "tests/unit/engine/rig.h"

enum { ROOM_CALL = 900, ROOM_SLOT = 1 };

static const struct job_id ROOM_ID = { .slot = ROOM_SLOT, .generation = 5 };

static UNUSED struct media_room room_terms(uint32_t rate_hz)
{
	return (struct media_room){ .rate_hz = rate_hz, .members = MEDIA_ROOM_MEMBERS_MAX };
}

static UNUSED void room_open_on(struct rig *r, const struct media_room *terms)
{
	rig_command(r,
		    &(struct media_command){ .kind = MEDIA_JOB_OPEN,
					     .job = ROOM_ID,
					     .call = ROOM_CALL,
					     .work = { .kind = MEDIA_WORK_ROOM, .room = *terms } });
}

static UNUSED const struct room *room_of(const struct rig *r)
{
	const struct job *j = job_find(&r->w.jobs, ROOM_ID);

	return j ? j->work : NULL;
}

static UNUSED struct addr member_addr(uint32_t slot)
{
	return (struct addr){ .family = ADDR_V4,
			      .ip = { 192, 0, 2, (uint8_t)(10 + slot / 1000) },
			      .port = (uint16_t)(4000 + slot % 1000 * 2) };
}

/* It says and takes one codec, under its usual number, and events under 101. */
static UNUSED struct flow_spec member_spec(uint32_t slot, enum media_codec codec)
{
	const struct media_codec_facts *facts = media_codec_facts(codec);

	return (struct flow_spec){
		.id = { .slot = slot, .generation = 7 },
		.call = 4711 + slot,
		.home = ROOM_CALL,
		.remote_rtp = member_addr(slot),
		.ssrc_out = 0x10000 + slot,
		.latch = LATCH_SAME_IP,
		.receive = 1,
		.send = 1,
		.alone = 1,
		.rule_count = 2,
		.rules = { { .in = facts->number,
			     .out = facts->number,
			     .clock_hz = facts->clock_hz },
			   { .in = 101, .out = 101, .event = 1, .clock_hz = 8000 } },
		.rule_codecs = { (uint8_t)(codec + 1) },
		.accepted_count = 1,
		.accepted = { { .payload_type = facts->number, .codec = (uint8_t)codec } },
		.source = { .job = ROOM_ID, .payload_type = facts->number },
		.member = { .number = slot + 1 },
	};
}

static UNUSED void member_open(struct rig *r, const struct flow_spec *spec)
{
	rig_open_flow(r, spec);
}

static UNUSED void member_close(struct rig *r, uint32_t slot)
{
	rig_command(r, &(struct media_command){ .kind = MEDIA_FLOW_CLOSE,
						.id = { .slot = slot, .generation = 7 } });
}

static UNUSED uint32_t members_count(const struct rig *r)
{
	const struct room *room = room_of(r);
	uint32_t n = 0;

	for (uint32_t i = 0; i < room->spec.members; i++)
		n += room->members[i] != NULL;
	return n;
}

#endif
