/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/engine/relay_room.h"

#define ROOM_CALL (UINT64_C(1) << 40)

enum { ROOM_SLOT = 0, ROOM_RATE = 8000 };

void relay_room_begin(struct engine *e, uint32_t members)
{
	const struct media_command c = { .kind = MEDIA_JOB_OPEN,
					 .job = { .slot = ROOM_SLOT, .generation = 1 },
					 .call = ROOM_CALL,
					 .work = { .kind = MEDIA_WORK_ROOM,
						   .room = { .rate_hz = ROOM_RATE,
							     .members = (uint16_t)members } } };

	(void)engine_worker_for(e, ROOM_CALL);
	while (!engine_command(e, &c))
		continue;
}

void relay_room_join(struct flow_spec *s, uint32_t index)
{
	s->peer = (struct flow_id){ 0 };
	s->alone = 1;
	s->home = ROOM_CALL;
	s->source = (struct flow_source){ .job = { .slot = ROOM_SLOT, .generation = 1 },
					  .payload_type = s->rules[0].in };
	s->accepted_count = 1;
	s->accepted[0] = (struct media_accepted){ s->rules[0].in, MEDIA_CODEC_PCMU };
	s->member = (struct flow_member){ .number = index + 1 };
}
