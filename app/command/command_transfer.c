/* SPDX-License-Identifier: Apache-2.0 */
/* Calls are told to go on with somebody else: transfer and join. */
#include <errno.h>

#include "app/command/command_far.h"
#include "app/command/command_handlers.h"
#include "app/node/node.h"
#include "sig/model/call_order.h"
#include "sig/model/park.h"
#include "sig/shard/commons.h"
#include "sig/sip/id.h"

/* Of the call that was told and of the one that it is joined with. */
enum { OF_CALL, OF_WITH, CALLS };

static const struct reason {
	int err;
	enum command_error_code code;
	const char *argument[CALLS];
	const char *text;
} g_reasons[] = {
	{ -ENOENT,
	  COMMAND_NOT_FOUND,
	  { "call", "with" },
	  "there is no such call: call.list shows those that run" },
	{ -ENOTCONN, COMMAND_CONFLICT, { "call", "with" }, "the call is not established" },
	{ -EALREADY, COMMAND_CONFLICT, { "call", "with" }, "a transfer of it is under way" },
	{ -EISCONN, COMMAND_CONFLICT, { "slot", "slot" }, "its party waits in another slot" },
	{ -ENODEV, COMMAND_CONFLICT, { "leg", "with_leg" }, "nobody else is in the call" },
	{ -EDESTADDRREQ,
	  COMMAND_CONFLICT,
	  { "leg", "with_leg" },
	  "two speak with each other in the call: one of them must be named" },
	{ -ENXIO, COMMAND_NOT_FOUND, { "to", "to" }, COMMAND_NO_EXTENSION },
	{ -EHOSTUNREACH,
	  COMMAND_CONFLICT,
	  { "to", "to" },
	  "no phone of it is registered: see registration.list" },
	{ -ELOOP, COMMAND_CONFLICT, { "to", "with" }, "it is the same one" },
};

static void end(struct command_run *run, const struct shard_order *by, bool of_with, int err)
{
	if (!command_order_refused(run, by, err))
		return;
	if (of_with && !command_arg_find(run->command, BYTES_LIT("with"))) {
		if (err == -ENOENT)
			command_fail(run, COMMAND_NOT_FOUND, "slot", "nobody waits there");
		else
			command_fail(run, COMMAND_CONFLICT, "slot", "another one takes it");
		return;
	}
	for (size_t i = 0; i < COUNT_OF(g_reasons); i++) {
		const struct reason *r = &g_reasons[i];

		if (r->err == err) {
			command_fail(run, r->code, r->argument[of_with ? OF_WITH : OF_CALL], "%s",
				     r->text);
			return;
		}
	}
	command_fail(run, COMMAND_BUSY, "call", "too many orders at once: try again");
}

void command_call_transfer(struct command_run *run)
{
	struct shard_order by;
	uint64_t call;
	struct call_order order = { .kind = ORDER_TRANSFER,
				    .leg = command_order_leg(run, "leg"),
				    .to = command_value(run, "to")->text,
				    .by = &by };

	command_take_u32(run, "ring_s", &order.seconds);
	if (!command_call_id(run, &call) || !command_order_begin(run, &by))
		return;
	end(run, &by, false,
	    shard_call_order(node_core(run->node, call), call, &order, clock_instant()));
}

bool command_slot(struct command_run *run)
{
	if (park_slot_is(command_value(run, "slot")->text))
		return true;
	command_fail(run, COMMAND_BAD_ARGUMENT, "slot", "slot must be 1 to %d digits",
		     PARK_SLOT_LEN);
	return false;
}

/* Where it is to wait: in a slot that the tenant has, or in one of a group. False: the run has failed. */
static bool park_place(struct command_run *run, uint64_t call, struct park_place *place)
{
	const struct command_value *slot = command_value(run, "slot");
	const struct shard *core = node_core(run->node, call);
	static struct call_view view;
	uint16_t tenant;

	if (slot->given && !command_slot(run))
		return false;
	if (!node_call_view(run->node, call, &view)) {
		command_fail(run, COMMAND_NOT_FOUND, "call",
			     "there is no such call: call.list shows those that run");
		return false;
	}
	tenant = tenants_number(run->node->tenants, bytes_str(view.tenant));
	if (!slot->given &&
	    !shard_slot_group(core, tenant, command_value(run, "group")->text, place))
		command_fail(run, COMMAND_NOT_FOUND, "group",
			     "the tenant has no such group of slots: name a slot, or see "
			     "park_groups of tenant.put");
	else if (slot->given && !shard_slot_is(core, tenant, slot->text))
		command_fail(run, COMMAND_NOT_FOUND, "slot",
			     "no group of the tenant has that slot: see park_groups of tenant.put");
	else
		return !slot->given || !bytes_cstr(slot->text, place->slot, sizeof(place->slot));
	return false;
}

void command_call_park(struct command_run *run)
{
	struct park_place place = { 0 };
	struct shard_order by;
	uint64_t call;
	struct call_order order = { .kind = ORDER_PARK,
				    .leg = command_order_leg(run, "leg"),
				    .by = &by };

	if (!command_call_id(run, &call) || !park_place(run, call, &place) ||
	    !command_order_begin(run, &by))
		return;
	order.to = bytes_str(place.slot);
	order.last = bytes_str(place.last);
	end(run, &by, false,
	    shard_call_order(node_core(run->node, call), call, &order, clock_instant()));
}

/* False: the run has failed. */
static bool with_id(struct command_run *run, uint64_t *with)
{
	if (!id_call_get(command_value(run, "with")->text, with))
		return true;
	command_fail(run, COMMAND_BAD_ARGUMENT, "with", "with must be an id as call.list shows it");
	return false;
}

static void join_go(struct command_run *run, struct shard_join *join, const struct call_far *far)
{
	const struct node *node = run->node;
	struct shard *core = node_core(node, join->call);
	struct shard *other = far ? NULL : node_core(node, join->with);
	struct shard_order by;
	int err;

	if (!command_order_begin(run, &by))
		return;
	join->by = &by;
	if (far)
		err = shard_call_join_far(core, join, far, clock_instant());
	else if (core == other || !join->with)
		err = shard_call_join(core, join, clock_instant());
	else
		err = shard_call_join_beside(core, other, join, clock_instant());
	end(run, &by, join->of_with, err);
}

static void join_refuse(struct command_run *run, int err)
{
	struct shard_order by;

	if (command_order_begin(run, &by))
		end(run, &by, true, err);
}

static bool join_was_done(struct command_run *run, struct shard_join *join)
{
	const struct shard_order by = { .id = id_order(bytes_str(run->id)) };

	join->by = &by;
	return shard_call_was_joined(node_core(run->node, join->call), join);
}

static void join_told(struct command_run *run, struct shard_join *join,
		      const struct remote_joined *told)
{
	int err = told ? shard_remote_error(told->verdict) : 0;
	struct call_far far = told ? told->far : (struct call_far){ 0 };

	far.shard = id_shard(join->with);
	if (!told)
		command_fail(run, COMMAND_UNAVAILABLE, NULL,
			     "the node that has the other call did not answer: try again");
	else if (err)
		join_refuse(run, err);
	else if (!node_shard_find(run->node, id_shard(join->call)))
		command_fail(run, COMMAND_UNAVAILABLE, NULL,
			     "the call goes to another node just now: try again");
	else
		join_go(run, join, &far);
}

void command_join(struct command_run *run, struct shard_join *join, const char *slot)
{
	struct call_far again = { 0 };
	const char *tenant;

	if (!join->with || node_shard_find(run->node, id_shard(join->with)))
		join_go(run, join, NULL);
	else if (join_was_done(run, join))
		join_go(run, join, &again);
	else if ((tenant = command_far_tenant(run, join->call)) != NULL)
		command_far_ask(run, join, tenant, slot, join_told);
}

void command_call_join(struct command_run *run)
{
	struct shard_join join = { .leg = command_order_leg(run, "leg"),
				   .with_leg = command_order_leg(run, "with_leg") };

	if (command_call_id(run, &join.call) && with_id(run, &join.with))
		command_join(run, &join, "");
}
