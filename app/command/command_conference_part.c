/* SPDX-License-Identifier: Apache-2.0 */
/* What all in a conference hear beside each other, who hears them, and who records (sig/room/room_parts.h). */
#include "app/command/command_conference.h"
#include "app/command/command_handlers.h"
#include "app/node/node.h"
#include "sig/call/act.h"
#include "sig/room/room_parts.h"

static void files_copy(struct room_play *out, const struct act_terms *from)
{
	out->count = from->file_count;
	for (uint8_t i = 0; i < out->count; i++)
		memcpy(out->files[i], from->files[i], sizeof(out->files[i]));
}

void command_conference_play(struct command_run *run)
{
	struct room_play play = { 0 };
	struct shard_room_order order = { .act = SHARD_ROOM_PLAY, .play = &play };
	struct act_terms terms = { 0 };
	uint32_t times = 1;

	command_take_u32(run, "times", &times);
	play.times = (uint8_t)times;
	if (!command_files_take(run, &terms))
		return;
	files_copy(&play, &terms);
	conference_order(run, &order);
}

void command_conference_stream(struct command_run *run)
{
	char endpoint[ROOM_STREAM_MAX];
	struct shard_room_order order = { .act = SHARD_ROOM_STREAM, .endpoint = endpoint };

	(void)bytes_cstr(command_value(run, "endpoint")->text, endpoint, sizeof(endpoint));
	if (lives_know(&run->node->lives, bytes_str(run->of_tenant ? run->tenant : ""),
		       bytes_str(endpoint)))
		conference_order(run, &order);
	else
		command_fail(run, COMMAND_NOT_FOUND, "endpoint",
			     "live.endpoints has none of that name for this tenant");
}

/* In the order of g_conference_stops. */
void command_conference_stop(struct command_run *run)
{
	struct shard_room_order order = { .act = (enum shard_room_act)(
						  SHARD_ROOM_PLAY_STOP +
						  command_value(run, "what")->number) };

	conference_order(run, &order);
}

void command_conference_record(struct command_run *run)
{
	struct shard_room_order order = { .act = SHARD_ROOM_RECORD,
					  .record = (uint8_t)command_value(run, "state")->number };

	conference_order(run, &order);
}
