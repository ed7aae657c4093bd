/* SPDX-License-Identifier: Apache-2.0 */
/* Orders to calls about other parties: transfer, join, call.retrieve and call.pickup. Park slots
 * are in Redis for all nodes, and call.pickup without a call takes the one that rings longest on
 * all nodes. Two calls of different shards are joined by a struct shard_join. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/command_call.h"
#include "app/command/command_order.h"
#include "app/command/command_request.h"
#include "app/command/command_walk.h"
#include "app/command/commands.h"
#include "app/document/document.h"
#include "app/node/node.h"
#include "app/node/node_shard.h"
#include "app/node/node_wait.h"
#include "base/clock.h"
#include "base/json_member.h"
#include "sig/dial/dial.h"
#include "sig/feature/park/park_slots.h"
#include "sig/feature/pick/pick_ringing.h"
#include "sig/host/tenant_tables.h"
#include "sig/identity/shown.h"
#include "sig/model/call_order.h"
#include "sig/model/park.h"
#include "sig/sip/id.h"

#define SLOT_NOT_THERE "no group of the %s has that slot: see park_groups of tenant.put%s"

static bool command_slot(struct command_run *run);

static void command_join(struct command_run *run, struct shard_join *join, const char *slot);

/* Slots where calls are parked, as Redis has them: of all nodes. */

struct park_listing {
	struct command_run *run;
	json_t *list;
	struct command_span span;
	struct feature_codes codes;
};

/* Adds the fields of a slot's entry: who parked the party, the party, and the time, with a space
 * between them (slot_claim). */
static void listing_add(json_t *row, struct bytes beside)
{
	struct bytes by, party, number, since;
	bool shown;
	uint64_t utc_ms = 0;

	(void)bytes_cut(&beside, ' ', &by);
	(void)bytes_cut(&beside, ' ', &party);
	shown = bytes_find(party, SLOT_SHOWN[0]) < party.n;
	(void)bytes_cut(&party, SLOT_SHOWN[0], &number);
	(void)bytes_cut(&beside, ' ', &since);
	(void)bytes_u64(since, &utc_ms);
	(void)json_object_set_new(row, "by", command_text_json(by));
	(void)json_object_set_new(row, "party", command_text_json(number));
	(void)json_object_set_new(row, "since_utc_ms", json_integer((json_int_t)utc_ms));
	(void)json_object_set_new(row, "hides", json_boolean(!shown));
}

/* Phones retrieve by it; "": by none. */
static void listing_add_dialled(const struct park_listing *l, json_t *row, struct bytes slot)
{
	char number[FEATURE_CODE_LEN + PARK_SLOT_LEN + 1] = "";
	const char *code = l->codes.code[FEATURE_PARK];

	if (code[0] && slot.n >= FEATURE_SLOT_MIN && slot.n <= PARK_SLOT_LEN)
		(void)snprintf(number, sizeof(number), "%s%.*s", code, (int)slot.n, slot.p);
	(void)json_object_set_new(row, "dial", json_string(number));
}

static bool listing_wants(const struct park_listing *l, const json_t *row)
{
	json_int_t since = json_integer_value(json_object_get(row, "since_utc_ms"));

	return command_span_has(&l->span, (uint64_t)since) &&
	       command_span_is_of(&l->span, json_text(row, "by"), json_text(row, "party"));
}

/* A user sees the slots that the phones of the extension may use, and who waits there, unless that
 * party hides (RFC 3323). False: this slot is not among them. */
static bool listing_user_view(const struct command_run *run, json_t *row, struct bytes slot)
{
	uint32_t cursor = 0;
	const struct shard *core = node_core_next(run->node, &cursor);

	if (!run->user[0])
		return true;
	(void)json_object_del(row, "call");
	if (json_is_true(json_object_get(row, "hides")))
		(void)json_object_set_new(row, "party", json_string(PARTY_HIDDEN));
	return core && shard_slot_is(core, document_tenant(run), bytes_str(run->user), slot);
}

static void on_slot(struct bytes slot, uint64_t call, struct bytes beside, void *arg)
{
	const struct park_listing *l = arg;
	json_t *row = json_object();

	(void)json_object_set_new(row, "slot", command_text_json(slot));
	(void)json_object_set_new(row, "call", call ? command_call_id_json(call) : json_null());
	listing_add(row, beside);
	listing_add_dialled(l, row, slot);
	if (listing_wants(l, row) && listing_user_view(l->run, row, slot))
		command_newest_put(l->list, row, "since_utc_ms", command_limit(l->run));
	else
		json_decref(row);
}

static void on_slots(enum store_result result, uint64_t key, uint64_t count, void *arg)
{
	struct park_listing *l = arg;

	(void)key;
	(void)count;
	if (result == STORE_OK) {
		command_answer(l->run, l->list);
	} else {
		json_decref(l->list);
		command_fail(l->run, COMMAND_UNAVAILABLE, NULL, "Redis did not answer");
	}
	free(l);
}

void command_park_list(struct command_run *run)
{
	struct command_span span;
	struct feature_codes own;
	struct park_listing *l;

	if (!command_span_read(run, &span))
		return;
	l = malloc(sizeof(*l));
	if (!l) {
		command_fail(run, COMMAND_INTERNAL, NULL, "out of memory");
		return;
	}
	*l = (struct park_listing){ .run = run, .list = json_array(), .span = span };
	settings_codes_read(run->node->settings, &own);
	dial_plan_codes(dial_plans_of(run->node->common.dials, document_tenant(run)), &own,
			&l->codes);
	store_park_list(run->node->redis->store, bytes_str(run->tenant), on_slot, on_slots, l);
}

/* ---- call.retrieve ---- */

struct retrieval {
	struct command_run *run;
	uint64_t call;
	char tenant[COMMAND_TENANT_MAX]; /* of the call: an operator need not name it */
};

static struct store_slot slot_of_retrieval(const struct retrieval *r)
{
	return (struct store_slot){ bytes_str(r->tenant), command_value(r->run, "slot")->text };
}

/* Nobody waits there: who gave the order before is told what became of it then. */
static void retrieve_start(struct command_run *run, uint64_t call, uint64_t parked,
			   const char *slot)
{
	struct shard_join join = { .call = call,
				   .with = parked,
				   .leg = command_order_leg(run, "leg") };

	command_join(run, &join, slot);
}

static void on_freed(const struct store_parked *parked, void *arg)
{
	(void)parked;
	(void)arg;
}

static void on_slot_looked(const struct store_parked *parked, void *arg)
{
	struct retrieval r = *(struct retrieval *)arg;
	struct node *node = r.run->node;
	const struct store_slot slot = slot_of_retrieval(&r);
	const struct node_shard *live = node_shard_find(node, id_shard(parked->call));
	char number[PARK_SLOT_LEN + 1] = "";

	free(arg);
	if (parked->result != STORE_OK) {
		command_fail(r.run, COMMAND_UNAVAILABLE, NULL, "Redis did not answer");
	} else if (live &&
		   !shard_call_yield(live->core, parked->call, slot.slot, clock_instant())) {
		store_park_free(node->redis->store, &slot, parked->call, on_freed, NULL);
		retrieve_start(r.run, r.call, 0, "");
	} else {
		(void)bytes_cstr(slot.slot, number, sizeof(number));
		retrieve_start(r.run, r.call, parked->call, number);
	}
}

void command_call_retrieve(struct command_run *run)
{
	struct store_slot slot;
	struct call_view view;
	struct retrieval *r;

	if (!command_slot(run) || !command_call_view(run, &view))
		return;
	if (run->user[0] &&
	    !shard_slot_is(node_core(run->node, view.call),
			   tenants_number(run->node->common.tenants, bytes_str(view.tenant)),
			   bytes_str(run->user), command_value(run, "slot")->text)) {
		command_fail(run, COMMAND_NOT_FOUND, "slot", SLOT_NOT_THERE, "extension",
			     " and extension.put");
		return;
	}
	r = malloc(sizeof(*r));
	if (!r) {
		command_fail(run, COMMAND_INTERNAL, NULL, "out of memory");
		return;
	}
	*r = (struct retrieval){ .run = run, .call = view.call };
	(void)bytes_cstr(bytes_str(view.tenant), r->tenant, sizeof(r->tenant));
	slot = slot_of_retrieval(r);
	store_park_look(run->node->redis->store, &slot, on_slot_looked, r);
}

/* A call that rings at one extension is to ring at another one, which takes it. */

static void pickup_refuse(struct command_run *run, const struct pick_reply *outcome)
{
	command_fail(run, outcome->status == 404 ? COMMAND_NOT_FOUND : COMMAND_CONFLICT,
		     "extension", "%s", outcome->text);
}

static void pickup_order(struct command_run *run, uint64_t call)
{
	struct call_order order = { .kind = ORDER_PICK };

	field_order(run, &order);
	command_order_to(run, call, &order);
}

/* Of the shards of this node: that call, or any (0). */
static void pickup_look(const struct command_run *run, uint64_t call, struct pick_reply *outcome)
{
	uint32_t cursor = 0;
	const struct shard *core = node_core_next(run->node, &cursor);

	*outcome = (struct pick_reply){ .status = 404, .text = "this node has no shard" };
	if (core)
		shard_pick_of(core, document_tenant(run), command_value(run, "by")->text,
			      command_value(run, "extension")->text, call, outcome);
}

/* The state of a call here may have changed. */
static void pickup_here(struct command_run *run, uint64_t call)
{
	struct pick_reply outcome;

	pickup_look(run, call, &outcome);
	if (outcome.call)
		pickup_order(run, outcome.call);
	else
		pickup_refuse(run, &outcome);
}

static void pickup_on_result(struct command_run *run, const struct park_reply *told)
{
	if (told->told == PARK_TAKEN)
		command_fail(run, COMMAND_CONFLICT, "extension", "somebody else takes the call");
	else if (told->told != PARK_OK)
		command_fail(run, COMMAND_NOT_FOUND, "extension", "nobody calls there");
	else if (node_shard_find(run->node, id_shard(told->owner)))
		pickup_here(run, told->owner);
	else
		command_move(run, told->owner);
}

/* The one that rings longest on all nodes. */
static void pickup_any(struct command_run *run)
{
	const struct remote_pick pick = { .by = command_value(run, "by")->text,
					  .of = command_value(run, "extension")->text };
	uint32_t cursor = 0;
	struct shard *core = node_core_next(run->node, &cursor);
	struct pick_reply outcome;

	pickup_look(run, 0, &outcome);
	if (outcome.may &&
	    command_ask_pick(run, core, document_tenant(run), &pick, pickup_on_result))
		return;
	if (outcome.call)
		pickup_order(run, outcome.call);
	else
		pickup_refuse(run, &outcome);
}

void command_call_pickup(struct command_run *run)
{
	uint64_t call;

	if (!command_value(run, "call")->given)
		pickup_any(run);
	else if (command_call_id(run, &call))
		pickup_here(run, call);
}

/* Two calls of one. The command is answered when both are saved (command_ordered). */

void command_call_split(struct command_run *run)
{
	const struct command_value *leg = command_value(run, "leg");
	char application[APPLICATION_NAME_MAX];
	struct shard_order by;
	struct shard_split split = { .leg = leg->given ? (uint8_t)leg->number : 1,
				     .application = application,
				     .by = &by };

	if (!command_call_id(run, &split.call) || !command_order_start(run, &by))
		return;
	(void)bytes_cstr(command_value(run, "application")->text, application, sizeof(application));
	split.to = id_call_derive(id_shard(split.call), bytes_str(run->id));
	command_order_end(run, &by, false,
			  shard_call_split(node_core(run->node, split.call), &split,
					   clock_instant()));
}

/* Of the other call, which waits in a slot where the command does not name it. */
static enum refusal join_refusal(const struct command_run *run, enum refusal refused)
{
	if (!refused || command_arg_find(run->command, BYTES_LIT("with")))
		return refused;
	return refused == REFUSED_NO_CALL ? REFUSED_NOBODY_PARKED : REFUSED_PARTY_TAKEN;
}

/* Its argument slot. False: the run has failed. */
static bool command_slot(struct command_run *run)
{
	if (park_slot_is(command_value(run, "slot")->text))
		return true;
	command_fail(run, COMMAND_BAD_ARGUMENT, "slot", "slot must be 1 to %d digits",
		     PARK_SLOT_LEN);
	return false;
}

/* The slot to park in: one of the tenant, or of a group. False: the run has failed. */
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
			     "there is no such call: call.list shows the calls that run");
		return false;
	}
	tenant = tenants_number(run->node->common.tenants, bytes_str(view.tenant));
	if (!slot->given && !shard_slot_group(core, tenant, bytes_str(run->user),
					      command_value(run, "group")->text, place))
		command_fail(run, COMMAND_NOT_FOUND, "group",
			     "%s has no such group of slots: name a slot, or see park_groups of "
			     "tenant.put and extension.put",
			     run->user[0] ? "the extension" : "the tenant");
	else if (slot->given && !shard_slot_is(core, tenant, bytes_str(run->user), slot->text))
		command_fail(run, COMMAND_NOT_FOUND, "slot", SLOT_NOT_THERE,
			     run->user[0] ? "extension" : "tenant",
			     run->user[0] ? " and extension.put" : "");
	else
		return !slot->given || !bytes_cstr(slot->text, place->slot, sizeof(place->slot));
	return false;
}

void command_call_park(struct command_run *run)
{
	struct call_order order = { .kind = ORDER_PARK };
	struct park_place place = { 0 };
	uint64_t call;

	if (!command_call_id(run, &call) || !park_place(run, call, &place))
		return;
	field_order(run, &order);
	order.to = bytes_str(place.slot);
	order.last = bytes_str(place.last);
	command_order_to(run, call, &order);
}

/* False: the run has failed. */
static bool with_id(struct command_run *run, uint64_t *with)
{
	if (!id_call_get(command_value(run, "with")->text, with))
		return true;
	command_fail(run, COMMAND_BAD_ARGUMENT, "with", "with must be an id as call.list shows it");
	return false;
}

static void join_start(struct command_run *run, struct shard_join *join,
		       const struct call_remote *far)
{
	const struct node *node = run->node;
	struct shard *core = node_core(node, join->call);
	struct shard *other = far ? NULL : node_core(node, join->with);
	enum refusal refused;
	struct shard_order by;

	if (!command_order_start(run, &by))
		return;
	join->by = &by;
	if (far)
		refused = shard_call_join_remote(core, join, far, clock_instant());
	else if (core == other || !join->with)
		refused = shard_call_join(core, join, clock_instant());
	else
		refused = shard_call_join_local(core, other, join, clock_instant());
	command_order_end(run, &by, join->of_with,
			  join->of_with ? join_refusal(run, refused) : refused);
}

static bool join_was_done(struct command_run *run, struct shard_join *join)
{
	const struct shard_order by = { .id = id_order(bytes_str(run->id)) };

	join->by = &by;
	return shard_call_was_joined(node_core(run->node, join->call), join);
}

static void join_on_joined(struct command_run *run, struct shard_join *join,
			   const struct remote_joined *told)
{
	enum refusal refused = told ? shard_remote_refusal(told->verdict) : REFUSED_NOT;
	struct call_remote far = told ? told->remote : (struct call_remote){ 0 };

	far.shard = id_shard(join->with);
	if (!told)
		command_fail(run, COMMAND_UNAVAILABLE, NULL,
			     "the node that has the other call did not answer: try again");
	else if (refused)
		command_refused(run, join_refusal(run, refused), true);
	else if (!node_shard_find(run->node, id_shard(join->call)))
		command_fail(run, COMMAND_UNAVAILABLE, NULL,
			     "the call goes to another node just now: try again");
	else
		join_start(run, join, &far);
}

/* Gives the order: call, with and the legs of *join exist. slot: where with waits, if the command
 * is about that; "": anywhere. */
static void command_join(struct command_run *run, struct shard_join *join, const char *slot)
{
	struct call_remote again = { 0 };
	const char *tenant;

	if (!join->with || node_shard_find(run->node, id_shard(join->with)))
		join_start(run, join, NULL);
	else if (join_was_done(run, join))
		join_start(run, join, &again);
	else if ((tenant = command_ask_tenant(run, join->call)) != NULL)
		command_ask_remote(run, join, tenant, slot, join_on_joined);
}

void command_call_join(struct command_run *run)
{
	struct shard_join join = { .leg = command_order_leg(run, "leg"),
				   .with_leg = command_order_leg(run, "with_leg") };

	if (command_call_id(run, &join.call) && with_id(run, &join.with))
		command_join(run, &join, "");
}
