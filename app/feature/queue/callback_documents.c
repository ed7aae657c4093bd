/* SPDX-License-Identifier: Apache-2.0 */
/* The kind of documents "callback": a caller of a queue who is called when it is his turn
 * (sig/pbx/queue/callbacks.h). Each node has all of them in its lines, and looks twice a second
 * which one is next. The document says how many tries were made. Redis takes one change of a
 * version alone, so of all nodes one makes each try, and it is written down before the number is
 * called. The call is then one of a command, with a flow, and with the rights of an extension that
 * pays. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/command_call.h"
#include "app/command/command_order.h"
#include "app/command/command_start.h"
#include "app/command/commands.h"
#include "app/document/document.h"
#include "app/document/extensions.h"
#include "app/effect/effects.h"
#include "app/feature/queue/queue.h"
#include "app/node/node.h"
#include "app/node/node_shard.h"
#include "app/schema/extension.h"
#include "base/clock.h"
#include "base/log.h"
#include "sig/host/calendars.h"
#include "sig/host/event.h"
#include "sig/host/tenant_tables.h"
#include "sig/host/trunk_route.h"
#include "sig/model/flow_run.h"
#include "sig/pbx/queue/callbacks.h"
#include "sig/shard/shard.h"
#include "sig/shard/shared_tables.h"
#include "sig/sip/id.h"

enum {
	CALLBACK_PLACES = 32768,
	TENANT_CALLBACKS_MAX = 1000,
	NUMBER_CALLBACKS_MAX = 3, /* queues of the tenant in which a number has one */
};
#define CALLBACK_STAR "*" /* between queue and number in its name; in no name of a queue */

static void callback_name(const void *value, char name[DOCUMENT_NAME_MAX])
{
	const struct callback_value *v = value;

	(void)snprintf(name, DOCUMENT_NAME_MAX, "%s" CALLBACK_STAR "%s", v->queue, v->number);
}

static void callback_publish(struct node *n, const char *tenant, const struct callback_value *v,
			     uint64_t call, struct bytes why)
{
	struct effects effects = { 0 };
	struct sig_event *event = effects_event(&effects, SIG_QUEUE_CALLBACK, call, clock_utc_ms(),
						bytes_str(tenant));

	event_put_str(event, EV_NUMBER, v->number);
	event_put_str(event, EV_FACT_queue, v->queue);
	event_put(event, EV_REASON, why);
	effects_carry_out(&n->shards->effects_to, &effects);
	effects_close(&effects);
}

/* ---- it is made ---- */

/* NULL: no such queue, or it calls nobody back: the run has failed. */
static const struct queue *callback_queue(struct command_run *run, struct bytes name)
{
	const struct queue *q = queues_find(queue_table(run->node), document_tenant(run), name);

	if (!q)
		command_fail(run, COMMAND_NOT_FOUND, "queue",
			     "there is no such queue: queue.list shows all of them");
	else if (q->terms.callback.rule == CALLBACK_OFF)
		command_fail(run, COMMAND_NOT_ALLOWED, "queue",
			     "the queue calls nobody back: callback of queue.put");
	return q && q->terms.callback.rule != CALLBACK_OFF ? q : NULL;
}

/* The number as all of its spellings have it. */
static void callback_normal(const struct node *n, uint16_t tenant, struct bytes number,
			    char out[DIAL_NUMBER_MAX])
{
	struct writer w = writer_over(out, DIAL_NUMBER_MAX - 1);

	dial_write_international(extensions_has(n->api.extensions, tenant, number)
					 ? NULL
					 : dial_plans_of(n->common.dials, tenant),
				 number, &w);
	out[w.n] = '\0';
}

/* In whatever spelling its number is. NULL: none. */
static const struct queue_callback *callback_of(const struct node *n, const struct queue *q,
						struct bytes number)
{
	struct queue_walk w = queue_walk(q);
	char normal[DIAL_NUMBER_MAX], other[DIAL_NUMBER_MAX];
	const struct queue_caller *c = NULL;

	callback_normal(n, q->terms.tenant, number, normal);
	while (q->callbacks && (c = queue_walk_next(&w)) != NULL) {
		if (!c->callback)
			continue;
		callback_normal(n, q->terms.tenant, bytes_str(c->callback->number), other);
		if (!strcmp(normal, other))
			break;
	}
	return c ? c->callback : NULL;
}

/* In how many queues of the tenant the number has one. */
static uint32_t callback_queues(const struct node *n, uint16_t tenant, const char *number)
{
	const struct queue *q;
	uint32_t cursor = 0, count = 0;

	while ((q = queues_next(queue_table(n), &cursor)) != NULL) {
		if (q->terms.tenant == tenant)
			count += callback_of(n, q, bytes_str(number)) != NULL;
	}
	return count;
}

static bool callback_named_so(const struct command_run *run, struct bytes queue,
			      struct bytes number, struct callback_value *v)
{
	char name[DOCUMENT_NAME_MAX];
	struct callback_value of = { 0 };

	(void)bytes_cstr(queue, of.queue, sizeof(of.queue));
	(void)bytes_cstr(number, of.number, sizeof(of.number));
	callback_name(&of, name);
	return document_stored(run->node, run->tenant, &g_callback_documents, bytes_str(name), v);
}

static bool callback_stored(const struct command_run *run, struct callback_value *v)
{
	struct bytes name = command_value(run, "queue")->text;
	struct bytes number = command_value(run, "number")->text;
	const struct queue *q = queues_any(queue_table(run->node), document_tenant(run), name);
	const struct queue_callback *b;

	if (callback_named_so(run, name, number, v))
		return true;
	b = q ? callback_of(run->node, q, number) : NULL;
	return b && callback_named_so(run, name, bytes_str(b->number), v);
}

/* The extension that pays; "": the number is an extension itself. */
static const char *callback_payer(const struct node *n, const struct queue *q, const char *number)
{
	return extensions_has(n->api.extensions, q->terms.tenant, bytes_str(number))
		       ? ""
		       : q->terms.callback.payer;
}

/* Calls from outside to the number come to the tenant itself. */
static bool callback_is_own(const struct node *n, uint16_t tenant, struct bytes number)
{
	char normal[DIAL_NUMBER_MAX], unused[TRUNK_NUMBER_MAX];
	bool fixed;

	callback_normal(n, tenant, number, normal);
	return trunk_did_find(n->common.numbers, tenant, NULL, number, unused, &fixed) ||
	       trunk_did_find(n->common.numbers, tenant, NULL, bytes_str(normal), unused, &fixed);
}

enum refusal queue_may_call(const struct node *n, uint16_t tenant, const char *number,
			    const char *payer)
{
	const struct shard_originate o = {
		.tenant = tenant, .from = number, .to = "", .payer = payer
	};
	uint32_t cursor = 0;
	struct shard *core = node_core_next(n, &cursor);

	if (o.payer[0] && callback_is_own(n, o.tenant, bytes_str(number)))
		return REFUSED_MAY_NOT_CALL;
	return core ? shard_call_may_originate(core, &o, clock_instant()) : REFUSED_NO_CALL;
}

static enum refusal callback_may(const struct node *n, const struct queue *q, const char *number)
{
	return queue_may_call(n, q->terms.tenant, number, callback_payer(n, q, number));
}

/* A number that has one keeps the place that it has. */
static bool callback_create_make(struct command_run *run, struct callback_value *v)
{
	const struct command_value *since = command_value(run, "since_utc_ms");
	const struct command_value *priority = command_value(run, "priority");
	const struct queue *q = callback_queue(run, command_value(run, "queue")->text);

	if (!q || callback_stored(run, v))
		return q;
	if (command_value(run, "keyed")->number && !q->terms.callback.keyed) {
		command_fail(run, COMMAND_NOT_ALLOWED, "number",
			     "callers of the queue may key no number: callback_keyed of queue.put");
		return false;
	}
	*v = (struct callback_value){ .changed_utc_ms = clock_utc_ms() };
	v->created_utc_ms = v->changed_utc_ms;
	v->since_utc_ms = since->given && since->number < v->created_utc_ms ? since->number
									    : v->created_utc_ms;
	v->hides = command_value(run, "hides")->number;
	v->priority = priority->given ? (uint8_t)priority->number : q->terms.priority;
	(void)bytes_cstr(command_value(run, "queue")->text, v->queue, sizeof(v->queue));
	(void)bytes_cstr(command_value(run, "number")->text, v->number, sizeof(v->number));
	(void)bytes_cstr(command_value(run, "times")->text, v->times, sizeof(v->times));
	callback_name(v, v->callback);
	return true;
}

/* The call of a try: what it is written down as. */
static uint64_t callback_call_id(const struct node *n, struct bytes command)
{
	return id_call_derive(node_shard_of_command(n, command), command);
}

/* One try at a time, and so many; what the node begins is its own try already. */
static bool callback_may_try(struct command_run *run, const struct queue *q,
			     const struct callback_value *v)
{
	const struct queue_caller *c = queues_callback(queue_table(run->node), q->terms.tenant,
						       bytes_str(v->queue), bytes_str(v->number));
	uint64_t now = clock_utc_ms();
	const char *wrong = NULL;

	if (c && c->callback->call != callback_call_id(run->node, bytes_str(run->id)) &&
	    callback_is_called(&q->terms.callback, c->callback, now))
		wrong = "its phone may be ringing: calls of callback.list";
	else if (c && callback_over(&q->terms.callback, c->callback, now))
		wrong = "it is over: callback_tries and callback_keep_h of queue.put";
	if (wrong)
		command_fail(run, COMMAND_CONFLICT, "number", "%s", wrong);
	return !wrong;
}

static bool callback_call_make(struct command_run *run, struct callback_value *v)
{
	const struct command_value *tries = command_value(run, "tries");
	const struct queue *q = callback_queue(run, command_value(run, "queue")->text);

	if (!q)
		return false;
	if (!callback_stored(run, v)) {
		command_fail(run, COMMAND_NOT_FOUND, "number",
			     "it has no callback in the queue: callback.list");
		return false;
	}
	if (tries->given && tries->number != v->tries) {
		command_fail(run, COMMAND_CONFLICT, "tries", "another node has made that try");
		return false;
	}
	if (!callback_may_try(run, q, v))
		return false;
	v->tries = (uint8_t)(v->tries + (v->tries < UINT8_MAX));
	v->called_utc_ms = v->changed_utc_ms = clock_utc_ms();
	return true;
}

static bool callback_make(struct command_run *run, void *value)
{
	return command_is_verb(run->command, "call") ? callback_call_make(run, value)
						     : callback_create_make(run, value);
}

/* Bounds of the queue and of the number, and whether it may be called at all. */
static bool callback_check(struct command_run *run, const void *value)
{
	const struct callback_value *v = value;
	const struct queues *x = queue_table(run->node);
	uint16_t tenant = document_tenant(run);
	const struct queue *q = queues_find(x, tenant, bytes_str(v->queue));
	enum refusal refused;

	if (!q || queues_callback(x, tenant, bytes_str(v->queue), bytes_str(v->number)))
		return true;
	refused = callback_may(run->node, q, v->number);
	if (refused)
		command_fail(run, COMMAND_NOT_ALLOWED, "number",
			     "it may not be called back: it is no extension, and callback_payer of "
			     "the queue may not call it, or did.put has it");
	else if (q->callbacks >= q->terms.callback.most)
		command_fail(
			run, COMMAND_CONFLICT, "queue",
			"the queue has as many callbacks as it may: callback_max of queue.put");
	else if (callback_queues(run->node, tenant, v->number) >= NUMBER_CALLBACKS_MAX)
		command_fail(run, COMMAND_CONFLICT, "number",
			     "the number has callbacks in %d queues already", NUMBER_CALLBACKS_MAX);
	else
		return true;
	return false;
}

static bool callback_aim(struct command_run *run, char name[DOCUMENT_NAME_MAX])
{
	struct callback_value v;

	if (!callback_stored(run, &v)) {
		command_fail(run, COMMAND_NOT_FOUND, "number",
			     "it has no callback in the queue: callback.list");
		return false;
	}
	callback_name(&v, name);
	return true;
}

/* ---- in effect ---- */

static int callback_apply(struct node *node, uint16_t tenant, const void *value)
{
	const struct callback_value *v = value;
	struct queue_caller place = { .tenant = tenant,
				      .priority = v->priority,
				      .joined_utc_ms = v->since_utc_ms };
	struct queue_callback b = { .tries = v->tries,
				    .created_utc_ms = v->created_utc_ms,
				    .called_utc_ms = v->called_utc_ms };

	memcpy(place.queue, v->queue, sizeof(v->queue));
	memcpy(b.number, v->number, sizeof(v->number));
	memcpy(b.times, v->times, sizeof(v->times));
	return queues_callback_put(queue_table(node), &place, &b);
}

/* The name as queue and number. */
static struct callback_value callback_named(const char *name)
{
	struct callback_value v = { 0 };
	struct bytes number = bytes_str(name), queue = { 0 };

	(void)bytes_cut(&number, CALLBACK_STAR[0], &queue);
	(void)bytes_cstr(queue, v.queue, sizeof(v.queue));
	(void)bytes_cstr(number, v.number, sizeof(v.number));
	return v;
}

static void callback_forget(struct node *node, uint16_t tenant, const char *name)
{
	struct callback_value v = callback_named(name);

	queues_callback_delete(queue_table(node), tenant, bytes_str(v.queue), bytes_str(v.number));
}

static void callback_deleted(struct node *node, const char *name, const struct command_run *run)
{
	struct callback_value v = callback_named(name);
	const struct command_value *why = run && command_arg_find(run->command, BYTES_LIT("reason"))
						  ? command_value(run, "reason")
						  : NULL;

	if (run)
		callback_publish(node, run->tenant, &v, 0,
				 why && why->given ? why->text : BYTES_LIT("deleted"));
}

/* ---- a try ---- */

static enum refusal callback_originate(struct command_run *run, const struct queue *q,
				       const struct callback_value *v, uint64_t call)
{
	char to[sizeof(FLOW_WORD QUEUE_WORD) + QUEUE_NAME_MAX + DIAL_NUMBER_MAX];
	const struct shard_originate o = { .tenant = q->terms.tenant,
					   .call = call,
					   .from = v->number,
					   .to = to,
					   .payer = callback_payer(run->node, q, v->number),
					   .hides = v->hides,
					   .ring_s = q->terms.callback.ring_s };
	struct shard *core = node_core(run->node, call);
	enum refusal refused = callback_may(run->node, q, v->number);

	if (refused)
		return refused;
	(void)snprintf(to, sizeof(to), FLOW_WORD QUEUE_WORD "%s" FLOW_BOX "%s", v->queue,
		       v->number);
	return core ? shard_call_originate(core, &o, clock_instant()) : REFUSED_NO_CALL;
}

static void callback_try(struct command_run *run, const struct callback_value *v, json_t *view)
{
	uint16_t tenant = document_tenant(run);
	const struct queues *x = queue_table(run->node);
	const struct queue_caller *c =
		queues_callback(x, tenant, bytes_str(v->queue), bytes_str(v->number));
	const struct queue *q = queues_find(x, tenant, bytes_str(v->queue));
	uint64_t call = callback_call_id(run->node, bytes_str(run->id));
	enum refusal refused;

	if (!c || !q)
		return;
	refused = callback_originate(run, q, v, call);
	c->callback->call = call;
	c->callback->is_made = true; /* else it is over, too */
	c->callback->until_utc_ms = 0;
	if (!refused) {
		callback_publish(run->node, run->tenant, v, call, BYTES_LIT("called"));
		(void)json_object_set_new(view, "call", command_call_id_json(call));
		return;
	}
	LOG_WARN("queue", 0, "nobody is called back", LOG_STR("tenant", run->tenant),
		 LOG_STR("queue", v->queue), LOG_STR("why", refusals[refused].words));
	if (callback_may(run->node, q, v->number))
		c->callback->over = "refused";
}

static void callback_saved(struct command_run *run, const void *value, json_t *view)
{
	const struct callback_value *v = value;

	if (command_is_verb(run->command, "call"))
		callback_try(run, v, view);
	else if (json_object_get(run->changes, "created_utc_ms"))
		callback_publish(run->node, run->tenant, v, 0, BYTES_LIT("created"));
}

const struct document_kind g_callback_documents = {
	.rank = 2,
	.name = "callback",
	.argument = "callback",
	.several = "callbacks",
	.passing = true,
	.places = CALLBACK_PLACES,
	.share = TENANT_CALLBACKS_MAX,
	.size = sizeof(struct callback_value),
	.form = &g_callback_form,
	.name_of = callback_name,
	.make = callback_make,
	.check = callback_check,
	.aim = callback_aim,
	.apply = callback_apply,
	.forget = callback_forget,
	.deleted = callback_deleted,
	.saved = callback_saved,
};

/* Puts the callback once the store was asked for phones of the number: no try is spent on a number
 * with a phone that the store alone knows. */
void callback_call(struct command_run *run)
{
	if (!command_awaits_user(run, run->tenant, command_value(run, "number")->text))
		document_put(run);
}

/* ---- twice a second ---- */

static bool callback_in_times(const struct node *n, uint16_t tenant, const char *times)
{
	uint32_t from, until, now;
	int64_t utc_s = (int64_t)(clock_utc_ms() / 1000), local_s;

	if (!box_times_read(times, &from, &until))
		return true;
	local_s = utc_s + calendars_offset_s(n->common.shared_tables->calendars,
					     tenants_terms(n->common.tenants, tenant)->zone, utc_s);
	now = (uint32_t)((local_s - civil_day(local_s) * ZONE_DAY_S) / 60);
	return from <= until ? now >= from && now < until : now >= from || now < until;
}

static bool callback_is_time(void *arg, const struct queue *q, const struct queue_callback *b)
{
	const struct node *n = arg;
	const char *hours = q->terms.callback.hours;
	const struct calendar *c = hours[0] ? calendars_find(n->common.shared_tables->calendars,
							     q->terms.tenant, bytes_str(hours))
					    : NULL;

	if (hours[0] &&
	    (!c || strcmp(calendar_word(c, (int64_t)(clock_utc_ms() / 1000)), "open") != 0))
		return false;
	return callback_in_times(n, q->terms.tenant, b->times);
}

/* A try that has begun: not yet made. */
struct callback_begun {
	struct node *n;
	uint64_t call;
};

static void on_callback_command(json_t *answer, void *arg)
{
	struct callback_begun *begun = arg;

	if (begun && json_object_get(answer, "error"))
		queues_callback_lost(queue_table(begun->n), begun->call);
	free(begun);
	json_decref(answer);
}

/* By a command of the tenant. begun: malloc'ed; NULL: it is no try. */
static void callback_command(struct node *n, const struct queue_caller *c, const char *command,
			     const char *id, json_t *args, struct callback_begun *begun)
{
	struct command_principal who = { .role = COMMAND_FOR_APPLICATION, .door = "queue" };

	(void)snprintf(who.tenant, sizeof(who.tenant), "%s",
		       tenants_name(n->common.tenants, c->tenant));
	(void)json_object_set_new(args, "queue", json_string(c->queue));
	(void)json_object_set_new(args, "number", json_string(c->callback->number));
	command_start(n, &who, bytes_str(command), bytes_str(id), args, on_callback_command, begun);
	json_decref(args);
}

static void callback_start(void *arg, const struct queue_caller *c, const char *id)
{
	struct callback_begun *begun = calloc(1, sizeof(*begun));

	if (begun) /* else it is settled later */
		*begun = (struct callback_begun){ arg, c->callback->call };
	callback_command(arg, c, "callback.call", id,
			 json_pack("{s:I}", "tries", (json_int_t)c->callback->tries), begun);
}

static void callback_end(void *arg, const struct queue_caller *c, const char *id, const char *why)
{
	callback_command(arg, c, "callback.delete", id, json_pack("{s:s}", "reason", why), NULL);
}

static uint64_t callback_call_of(void *arg, const char *id)
{
	return callback_call_id(arg, bytes_str(id));
}

static bool callback_has_call(void *arg, uint64_t call)
{
	const struct shard *core = node_core(arg, call);
	uint16_t unused;

	return core && shard_call_tenant(core, call, &unused);
}

/* The flow begins with the answer. */
static bool callback_is_answered(void *arg, uint64_t call)
{
	const struct shard *core = node_core(arg, call);
	uint8_t space[256];
	struct writer w = writer_over(space, sizeof(space));

	return core && shard_call_flow(core, call, &w);
}

static bool callback_agent_is_idle(void *arg, const struct queue_agent *a)
{
	const struct node *n = arg;
	struct shard *core = n->common.shared_tables->shards;

	return core && !shard_user_is_busy(core, a->tenant, bytes_str(a->number));
}

void queue_callbacks_second(struct node *n)
{
	const struct callback_host host = {
		.is_time = callback_is_time,
		.is_idle = callback_agent_is_idle,
		.call_of = callback_call_of,
		.has_call = callback_has_call,
		.is_answered = callback_is_answered,
		.begin = callback_start,
		.end = callback_end,
		.arg = n,
	};

	queues_callbacks_turn(queue_table(n), &host, clock_utc_ms());
}

/* ---- shown ---- */

static json_t *callback_view(const struct queue *q, const struct queue_caller *c, uint32_t position)
{
	const struct queue_callback *b = c->callback;
	uint64_t now = clock_utc_ms();

	return json_pack("{s:s, s:s, s:I, s:i, s:I, s:s, s:i, s:b, s:I}", "queue", c->queue,
			 "number", b->number, "position", (json_int_t)position, "priority",
			 c->priority, "waited_s",
			 (json_int_t)(now > c->joined_utc_ms ? (now - c->joined_utc_ms) / 1000 : 0),
			 "times", b->times, "tries", b->tries, "calls",
			 callback_is_called(&q->terms.callback, b, now), "next_utc_ms",
			 (json_int_t)callback_next_utc_ms(&q->terms.callback, b));
}

void callback_list(struct command_run *run)
{
	const struct command_value *of = command_value(run, "queue");
	json_t *list = json_array();
	const struct queue *q;
	uint32_t cursor = 0;

	while ((q = queues_next(queue_table(run->node), &cursor)) != NULL) {
		struct queue_walk w = queue_walk(q);
		const struct queue_caller *c;
		uint32_t position = 0;

		if (q->terms.tenant != document_tenant(run) || !q->callbacks ||
		    (of->given && !bytes_is(of->text, q->terms.name)))
			continue;
		while ((c = queue_walk_next(&w)) != NULL) {
			position++;
			if (c->callback)
				(void)json_array_append_new(list, callback_view(q, c, position));
		}
	}
	command_answer(run, list);
}
