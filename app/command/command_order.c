/* SPDX-License-Identifier: Apache-2.0 */
/* What calls are told to do: begin, hold, resume, mute, digits, end. Whoever is told that it was done is told so when it is saved. */
#include <errno.h>

#include "app/command/command_handlers.h"
#include "app/node/node.h"
#include "sig/call/act.h"
#include "sig/sip/id.h"

enum { DIGIT_MS = 120 }; /* REG-14 */

const char *const g_call_legs[] = { "a", "b", NULL };

static uint8_t order_arg_leg(const struct command_run *run)
{
	return (uint8_t)command_value(run, "leg")->number;
}

bool command_order_begin(struct command_run *run, struct shard_order *by)
{
	by->id = id_order(bytes_str(run->id));
	by->ticket = waiting_put(&run->node->waiting, run);
	if (!by->ticket)
		command_fail(run, COMMAND_BUSY, NULL, "too many orders at once");
	return by->ticket;
}

bool command_order_refused(struct command_run *run, const struct shard_order *by, int err)
{
	if (err)
		(void)waiting_take(&run->node->waiting, by->ticket);
	return err;
}

static json_t *result_of(uint64_t call, uint32_t number)
{
	json_t *json = json_pack("{s:o}", "id", command_call_id_json(call));

	if (json && number)
		(void)json_object_set_new(json, "order", json_integer(number));
	return json;
}

void command_ordered(uint64_t call, const struct effect_order *order, void *arg)
{
	struct node *node = arg;
	struct command_run *run = waiting_take(&node->waiting, order->ticket);

	if (run && order->saved)
		command_answer(run, result_of(call, order->number));
	else if (run)
		command_fail(run, COMMAND_UNCERTAIN, NULL,
			     "it was done, and a kill now may undo it: Redis did not answer");
}

void command_orders_drop(struct node *node)
{
	struct command_run *run;

	while ((run = waiting_take_any(&node->waiting)))
		command_fail(run, COMMAND_UNCERTAIN, NULL, "the node is stopping");
}

void command_order_end(struct command_run *run, const struct shard_order *by, int err)
{
	if (!command_order_refused(run, by, err))
		return;
	switch (err) {
	case -ENOENT:
		command_fail(run, COMMAND_NOT_FOUND, "call", "there is no such call");
		return;
	case -ENOTCONN:
		command_fail(run, COMMAND_CONFLICT, "call", "the call is not established");
		return;
	case -EISCONN:
		command_fail(run, COMMAND_CONFLICT, "call",
			     "no party is alone with the node: see call.answer and call.split");
		return;
	case -EACCES:
		command_fail(
			run, COMMAND_CONFLICT, "call",
			"keys are for an application alone, and the call has none: name one in "
			"call.split");
		return;
	case -ENODEV:
		command_fail(run, COMMAND_CONFLICT, "call", "nobody else is in the call");
		return;
	case -EINVAL:
		command_fail(run, COMMAND_CONFLICT, "call", "the call waits for no application");
		return;
	case -EPROTO:
		command_fail(run, COMMAND_CONFLICT, "call",
			     "the caller takes nothing that the node can say: the call is refused");
		return;
	case -ENOSPC:
		command_fail(run, COMMAND_FULL, NULL, "media ports");
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

void command_call_hangup(struct command_run *run)
{
	struct shard_order by;
	uint64_t call;

	if (command_call_id(run, &call) && command_order_begin(run, &by))
		command_order_end(run, &by,
				  shard_hangup(run->node->shard, call, &by, clock_instant()));
}

void command_call_answer(struct command_run *run)
{
	struct shard_order by;
	uint64_t call;

	if (command_call_id(run, &call) && command_order_begin(run, &by))
		command_order_end(run, &by,
				  shard_call_answer(run->node->shard, call, &by, clock_instant()));
}

/* Names of files by commas. False: the run has failed. */
static bool files_take(struct command_run *run, struct act_terms *out)
{
	struct bytes rest = command_value(run, "file")->text, name;

	while (bytes_cut(&rest, ',', &name)) {
		if (out->file_count == ACT_FILES_MAX || name.n == 0 || name.p[0] == '.' ||
		    !command_allows(CHARSET_NAME, name) ||
		    bytes_cstr(name, out->files[out->file_count++], ACT_NAME_MAX + 1)) {
			command_fail(run, COMMAND_BAD_ARGUMENT, "file",
				     "file must be 1 to %d names of files, with commas between "
				     "them",
				     ACT_FILES_MAX);
			return false;
		}
	}
	return true;
}

static void act(struct command_run *run, const struct act_terms *terms)
{
	struct shard_order by;
	uint64_t call;

	if (command_call_id(run, &call) && command_order_begin(run, &by))
		command_order_end(run, &by,
				  shard_call_act(run->node->shard, call, terms, &by,
						 clock_instant()));
}

void command_call_play(struct command_run *run)
{
	struct act_terms terms = { .times = 1 };
	uint32_t times = 1;

	command_take_u32(run, "times", &times);
	terms.times = (uint8_t)times;
	command_take_bool(run, "interruptible", &terms.interruptible);
	if (files_take(run, &terms))
		act(run, &terms);
}

void command_call_stop(struct command_run *run)
{
	act(run, &(struct act_terms){ 0 });
}

void command_call_collect(struct command_run *run)
{
	struct act_terms terms = {
		.times = 1, .interruptible = true, .first_ms = 5000, .inter_ms = 3000, .ends = "#"
	};
	const struct command_value *ends = command_value(run, "terminators");
	uint32_t min = 1, max = ACT_DIGITS_MAX;

	command_take_u32(run, "min", &min);
	command_take_u32(run, "max", &max);
	command_take_u32(run, "first_ms", &terms.first_ms);
	command_take_u32(run, "inter_ms", &terms.inter_ms);
	terms.min = (uint8_t)min;
	terms.max = (uint8_t)max;
	if (ends->given)
		(void)bytes_cstr(ends->text, terms.ends, sizeof(terms.ends));
	if (min > max)
		command_fail(run, COMMAND_BAD_ARGUMENT, "min", "min must not be above max");
	else if (files_take(run, &terms))
		act(run, &terms);
}

void command_call_hold(struct command_run *run)
{
	struct shard_order by;
	uint64_t call;

	if (command_call_id(run, &call) && command_order_begin(run, &by)) {
		command_order_end(run, &by,
				  shard_call_hold(run->node->shard, call, order_arg_leg(run), &by,
						  clock_instant()));
	}
}

void command_call_resume(struct command_run *run)
{
	struct shard_order by;
	uint64_t call;

	if (command_call_id(run, &call) && command_order_begin(run, &by)) {
		command_order_end(run, &by,
				  shard_call_resume(run->node->shard, call, order_arg_leg(run), &by,
						    clock_instant()));
	}
}

void command_call_mute(struct command_run *run)
{
	const struct command_value *on = command_value(run, "on");
	struct shard_order by;
	uint64_t call;

	if (command_call_id(run, &call) && command_order_begin(run, &by)) {
		command_order_end(run, &by,
				  shard_call_mute(run->node->shard, call, order_arg_leg(run),
						  on->number, &by, clock_instant()));
	}
}

void command_call_dtmf(struct command_run *run)
{
	uint32_t duration_ms = DIGIT_MS;
	struct shard_order by;
	uint64_t call;

	command_take_u32(run, "duration_ms", &duration_ms);
	if (command_call_id(run, &call) && command_order_begin(run, &by)) {
		command_order_end(run, &by,
				  shard_call_dtmf(run->node->shard, call, order_arg_leg(run),
						  command_value(run, "digits")->text,
						  (uint16_t)duration_ms, &by, clock_instant()));
	}
}

/* The id follows from the command's: were the node killed before its answer, the command would find its call. */
static uint64_t call_id_of(const struct command_run *run)
{
	return id_call_derive((uint16_t)run->node->settings.node.shard, bytes_str(run->id));
}

static void end_originate(struct command_run *run, const struct shard_order *by, int err)
{
	if (!command_order_refused(run, by, err))
		return;
	switch (err) {
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
	struct shard_order by;
	struct shard_originate o = { .call = call_id_of(run), .from = from, .to = to, .by = &by };

	if (!command_order_begin(run, &by))
		return;
	command_take_bool(run, "auto_answer", &o.auto_answer);
	(void)bytes_cstr(command_value(run, "from")->text, from, sizeof(from));
	(void)bytes_cstr(command_value(run, "to")->text, to, sizeof(to));
	end_originate(run, &by, shard_call_originate(run->node->shard, &o, clock_instant()));
}
