/* SPDX-License-Identifier: Apache-2.0 */
/* Slots where calls are parked, as Redis has them: of all nodes. */
#include <stdlib.h>
#include <string.h>

#include "app/command/command_handlers.h"
#include "app/command/command_walk.h"
#include "app/node/node.h"
#include "base/clock.h"
#include "sig/sip/id.h"

struct park_listing {
	struct command_run *run;
	json_t *list;
	struct command_span span;
};

/* Who parked, who is parked, since when: words with a space between them. */
static void listing_add(json_t *row, struct bytes beside)
{
	struct bytes by, party, since;
	uint64_t utc_ms = 0;

	(void)bytes_cut(&beside, ' ', &by);
	(void)bytes_cut(&beside, ' ', &party);
	(void)bytes_cut(&beside, ' ', &since);
	(void)bytes_u64(since, &utc_ms);
	(void)json_object_set_new(row, "by", command_text_json(by));
	(void)json_object_set_new(row, "party", command_text_json(party));
	(void)json_object_set_new(row, "since_utc_ms", json_integer((json_int_t)utc_ms));
}

static const char *row_text(const json_t *row, const char *name)
{
	const char *text = json_string_value(json_object_get(row, name));

	return text ? text : "";
}

static bool listing_wants(const struct park_listing *l, const json_t *row)
{
	json_int_t since = json_integer_value(json_object_get(row, "since_utc_ms"));

	return command_span_has(&l->span, (uint64_t)since) &&
	       command_span_is_of(&l->span, row_text(row, "by"), row_text(row, "party"));
}

static void on_slot(struct bytes slot, uint64_t call, struct bytes beside, void *arg)
{
	const struct park_listing *l = arg;
	json_t *row = json_object();

	(void)json_object_set_new(row, "slot", command_text_json(slot));
	(void)json_object_set_new(row, "call", call ? command_call_id_json(call) : json_null());
	listing_add(row, beside);
	if (listing_wants(l, row))
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
	struct park_listing *l;

	if (!command_span_take(run, &span))
		return;
	l = malloc(sizeof(*l));
	if (!l) {
		command_fail(run, COMMAND_INTERNAL, NULL, "out of memory");
		return;
	}
	*l = (struct park_listing){ .run = run, .list = json_array(), .span = span };
	store_park_list(run->node->store, bytes_str(run->tenant), on_slot, on_slots, l);
}

/* ---- call.retrieve ---- */

struct retrieval {
	struct command_run *run;
	uint64_t call;
	char tenant[COMMAND_TENANT_MAX]; /* whose call it is: an operator need not name it */
};

static struct store_slot slot_of_retrieval(const struct retrieval *r)
{
	return (struct store_slot){ bytes_str(r->tenant), command_value(r->run, "slot")->text };
}

/* Nobody waits there: who gave the order before is told what became of it then. */
static void retrieve_go(struct command_run *run, uint64_t call, uint64_t parked, const char *slot)
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
		store_park_free(node->store, &slot, parked->call, on_freed, NULL);
		retrieve_go(r.run, r.call, 0, "");
	} else {
		(void)bytes_cstr(slot.slot, number, sizeof(number));
		retrieve_go(r.run, r.call, parked->call, number);
	}
}

void command_call_retrieve(struct command_run *run)
{
	struct store_slot slot;
	struct call_view view;
	struct retrieval *r;

	if (!command_slot(run) || !command_call_view(run, &view))
		return;
	r = malloc(sizeof(*r));
	if (!r) {
		command_fail(run, COMMAND_INTERNAL, NULL, "out of memory");
		return;
	}
	*r = (struct retrieval){ .run = run, .call = view.call };
	(void)bytes_cstr(bytes_str(view.tenant), r->tenant, sizeof(r->tenant));
	slot = slot_of_retrieval(r);
	store_park_look(run->node->store, &slot, on_slot_looked, r);
}
