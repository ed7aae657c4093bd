/* SPDX-License-Identifier: Apache-2.0 */
/* What calls are told to do: begin, hold, resume, mute, digits. */
#include <errno.h>

#include "app/command/command_handlers.h"
#include "app/node/node.h"
#include "sig/sip/id.h"

enum { DIGIT_MS = 120 }; /* REG-14 */

const char *const g_call_legs[] = { "a", "b", NULL };

static uint8_t leg_of(const struct command_run *run)
{
	return (uint8_t)command_value(run, "leg")->number;
}

/* err: as sig/shard/shard.h says. Ends the run. */
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
	case -EOPNOTSUPP:
		command_fail(run, COMMAND_CONFLICT, "leg",
			     "the phone itself holds, and does not take Event: talk: resume at the "
			     "phone");
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

/* The id follows from the command's: were the node killed before its answer, the command would find its call. */
static uint64_t call_id_of(const struct command_run *run)
{
	return id_call_derive((uint16_t)run->node->settings.node.shard, bytes_str(run->id));
}

static void end_originate(struct command_run *run, uint64_t call, int err)
{
	switch (err) {
	case 0:
		end(run, call, 0);
		return;
	case -ENOENT:
		command_fail(run, COMMAND_CONFLICT, "from", "no phone of it is registered");
		return;
	case -EHOSTUNREACH:
		command_fail(run, COMMAND_CONFLICT, "to", "no phone of it is registered");
		return;
	case -ESHUTDOWN:
		command_fail(run, COMMAND_UNAVAILABLE, NULL, "the node takes no new calls");
		return;
	default:
		command_fail(run, COMMAND_FULL, NULL, "calls, media ports or transactions");
		return;
	}
}

void command_call_originate(struct command_run *run)
{
	char from[64], to[64];
	struct shard_originate o = { .call = call_id_of(run), .from = from, .to = to };

	command_take_bool(run, "auto_answer", &o.auto_answer);
	(void)bytes_cstr(command_value(run, "from")->text, from, sizeof(from));
	(void)bytes_cstr(command_value(run, "to")->text, to, sizeof(to));
	end_originate(run, o.call, shard_call_originate(run->node->shard, &o, clock_instant()));
}
