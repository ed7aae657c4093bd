/* SPDX-License-Identifier: Apache-2.0 */
/* What a call is told to do: hold, resume, mute, digits. */
#include <errno.h>

#include "app/command_handlers.h"
#include "app/node.h"

enum { DIGIT_MS = 120 }; /* REG-14 */

const char *const g_call_legs[] = { "a", "b", NULL };

static uint8_t leg_of(const struct command_run *run)
{
	return (uint8_t)command_value(run, "leg")->number;
}

/* err: as sig/shard.h says. Ends the run. */
static void end(struct command_run *run, uint64_t call, int err)
{
	switch (err) {
	case 0:
		command_answer(run, json_pack("{s:o}", "id", command_call_id_json(call)));
		return;
	case -ENOENT:
		command_fail(run, COMMAND_NOT_FOUND, "call", "there is no such call");
		return;
	case -ENOTCONN:
		command_fail(run, COMMAND_CONFLICT, "call", "the call is not established");
		return;
	default:
		command_fail(run, COMMAND_BUSY, "call",
			     "a change of the session is under way: try again");
		return;
	}
}

void command_call_hold(struct command_run *run)
{
	uint64_t call;

	if (command_call_id(run, &call)) {
		end(run, call,
		    shard_call_hold(run->node->shard, call, leg_of(run), clock_instant()));
	}
}

void command_call_resume(struct command_run *run)
{
	uint64_t call;

	if (command_call_id(run, &call)) {
		end(run, call,
		    shard_call_resume(run->node->shard, call, leg_of(run), clock_instant()));
	}
}

void command_call_mute(struct command_run *run)
{
	const struct command_value *on = command_value(run, "on");
	uint64_t call;

	if (command_call_id(run, &call)) {
		end(run, call,
		    shard_call_mute(run->node->shard, call, leg_of(run), on->number,
				    clock_instant()));
	}
}

void command_call_dtmf(struct command_run *run)
{
	uint32_t duration_ms = DIGIT_MS;
	uint64_t call;

	command_take_u32(run, "duration_ms", &duration_ms);
	if (command_call_id(run, &call)) {
		end(run, call,
		    shard_call_dtmf(run->node->shard, call, leg_of(run),
				    command_value(run, "digits")->text, (uint16_t)duration_ms,
				    clock_instant()));
	}
}
