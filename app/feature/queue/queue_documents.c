/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of documents "queue" and "agent", in effect in the table of the node
 * (sig/pbx/queue/queues.h), and what is shown of them now. The text of a queue's flow is put to
 * Redis first, where a successor of a call finds it. */

#include <string.h>

#include "app/command/command_extension.h"
#include "app/command/command_flow.h"
#include "app/command/commands.h"
#include "app/document/document.h"
#include "app/document/extensions.h"
#include "app/effect/effects.h"
#include "app/feature/queue/queue.h"
#include "app/node/node.h"
#include "app/node/node_shard.h"
#include "base/clock.h"
#include "sig/flow/program.h"
#include "sig/host/event.h"
#include "sig/model/flow_run.h"
#include "sig/pbx/queue/queues.h"
#include "sig/shard/shard.h"
#include "sig/shard/shared_tables.h"
#include "sig/sip/id.h"

enum { TENANT_QUEUES_MAX = 256, TENANT_AGENTS_MAX = 4096 };

static_assert(sizeof(QUEUE_WORD) + QUEUE_NAME_MAX <= CALL_FLOW_MAX, "the name of its flow");
static_assert((int)RUN_QUEUE_MAX == (int)QUEUE_NAME_MAX, "as a call has it");

struct queues *queue_table(const struct node *n)
{
	return n->common.shared_tables->queues;
}

/* ---- queues ---- */

/* The flow of its number. NULL: no memory. */
static struct flow_program *queue_flow(const void *v)
{
	static struct flow_findings unused;
	char text[QUEUE_PROGRAM_MAX];
	struct writer w = writer_over(text, sizeof(text));

	queue_program(v, &w);
	unused = (struct flow_findings){ 0 };
	return w.overflow ? NULL : program_parse(writer_done(&w), NULL, &unused);
}

static int queue_apply(struct node *node, uint16_t tenant, const void *value)
{
	const struct queue_value *v = value;
	struct queue_terms terms = v->core;
	int err;

	terms.tenant = tenant;
	(void)queue_members_parse(&terms, bytes_str(v->members));
	(void)queue_skills_parse(&terms, bytes_str(v->skills));
	err = command_flow_kind_apply(node, tenant, &g_queue_documents, terms.name, v);
	return err ? err : queues_put(queue_table(node), &terms);
}

static void queue_forget(struct node *node, uint16_t tenant, const char *name)
{
	command_flow_kind_forget(node, tenant, &g_queue_documents, name);
	queues_delete(queue_table(node), tenant, bytes_str(name));
}

const struct document_kind g_queue_documents = {
	.rank = 1,
	.name = "queue",
	.argument = "name",
	.several = "queues",
	.word = QUEUE_WORD,
	.flow = queue_flow,
	.places = QUEUES_MAX,
	.share = TENANT_QUEUES_MAX,
	.size = sizeof(struct queue_value),
	.form = &g_queue_form,
	.apply = queue_apply,
	.forget = queue_forget,
};

/* ---- agents ---- */

static enum agent_state agent_state_of(const struct command *c)
{
	return strcmp(c->name, "agent.not_ready") ? AGENT_READY : AGENT_NOT_READY;
}

static bool agent_make(struct command_run *run, void *value)
{
	struct bytes number = command_value(run, "number")->text;
	struct agent_value *v = value;
	struct extension e;
	bool known = extensions_find(run->node->api.extensions, document_tenant(run), number, &e);
	bool in = document_stored(run->node, run->tenant, &g_agent_documents, number, v);

	extension_wipe(&e);
	if (!known) {
		command_fail(run, COMMAND_NOT_FOUND, "number", COMMAND_NO_EXTENSION);
		return false;
	}
	if (!in && strcmp(run->command->name, "agent.login") != 0) {
		command_fail(run, COMMAND_CONFLICT, "number",
			     "it is not logged in as an agent: agent.login");
		return false;
	}
	*v = (struct agent_value){ .state = (uint8_t)agent_state_of(run->command),
				   .changed_utc_ms = clock_utc_ms() };
	(void)bytes_cstr(number, v->number, sizeof(v->number));
	if (v->state == AGENT_NOT_READY)
		(void)bytes_cstr(command_value(run, "reason")->text, v->reason, sizeof(v->reason));
	return true;
}

static struct shard *any_shard(const struct node *n)
{
	return n->common.shared_tables->shards;
}

static int agent_apply(struct node *node, uint16_t tenant, const void *value)
{
	const struct agent_value *v = value;
	int err = 0;
	struct queue_agent *a =
		queues_agent_put(queue_table(node), tenant, bytes_str(v->number),
				 (enum agent_state)v->state, bytes_str(v->reason), &err);

	if (a)
		queue_agent_set_epoch(a, v->changed_utc_ms);
	if (node->common.shared_tables->remote) /* they tell of his calls from then on */
		remote_watch_request(node->common.shared_tables->remote,
				     bytes_str(tenants_name(node->common.tenants, tenant)),
				     bytes_str(v->number));
	if (any_shard(node))
		shard_agent_changed(any_shard(node), tenant, bytes_str(v->number));
	return err;
}

static void agent_forget(struct node *node, uint16_t tenant, const char *name)
{
	queues_agent_delete(queue_table(node), tenant, bytes_str(name));
}

static void agent_publish(const struct command_run *run, const struct agent_value *v)
{
	struct effects effects = { 0 };
	struct sig_event *event =
		effects_event(&effects, SIG_AGENT_STATE, 0, clock_utc_ms(), bytes_str(run->tenant));

	event_put_str(event, EV_TO, v->number);
	event_put_str(event, EV_STATE, g_agent_states[v->state]);
	event_put_str(event, EV_REASON, v->reason);
	effects_carry_out(&run->node->shards->effects_to, &effects);
	effects_close(&effects);
}

static void agent_saved(struct command_run *run, const void *value, json_t *view)
{
	(void)view;
	agent_publish(run, value);
}

/* He is logged out. */
static void agent_deleted(struct node *node, const char *name, const struct command_run *run)
{
	struct agent_value v = { .state = AGENT_OUT };

	(void)node;
	(void)bytes_cstr(bytes_str(name), v.number, sizeof(v.number));
	agent_publish(run, &v);
}

const struct document_kind g_agent_documents = {
	.rank = 1,
	.name = "agent",
	.argument = "number",
	.several = "agents",
	.places = QUEUE_AGENTS_MAX,
	.share = TENANT_AGENTS_MAX,
	.size = sizeof(struct agent_value),
	.form = &g_agent_form,
	.make = agent_make,
	.apply = agent_apply,
	.forget = agent_forget,
	.deleted = agent_deleted,
	.saved = agent_saved,
};

json_t *agent_code_args(enum feature_action code, const char *number, struct bytes behind)
{
	if (code == FEATURE_AGENT_NOT_READY && behind.n)
		return json_pack("{s:s, s:s%}", "number", number, "reason", behind.p, behind.n);
	return json_pack("{s:s}", "number", number);
}

/* ---- live ---- */

static void call_put(json_t *json, uint64_t call)
{
	char id[ID_TEXT_LEN];

	id_call_put(id, call);
	(void)json_object_set_new(json, "call", json_stringn(id, sizeof(id)));
}

/* What he does now. */
static const char *agent_does(const struct node *n, const struct queue_agent *a, uint64_t now)
{
	if (any_shard(n) && shard_user_is_busy(any_shard(n), a->tenant, bytes_str(a->number)))
		return "busy";
	if (a->state != AGENT_READY)
		return g_agent_states[a->state];
	if (a->until_utc_ms <= now)
		return "ready";
	return a->wraps ? "wrapup" : a->call ? "reserved" : "resting";
}

static json_t *agent_view(const struct node *n, const struct queue_agent *a)
{
	uint64_t now = clock_utc_ms();
	json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:I, s:i}", "number", a->number, "state",
				 g_agent_states[a->state], "reason", a->reason, "now",
				 agent_does(n, a, now), "calls", (json_int_t)a->calls, "missed",
				 a->missed);

	if (json && a->call)
		call_put(json, a->call);
	return json;
}

void agent_list(struct command_run *run)
{
	json_t *list = json_array();
	const struct queue_agent *a;
	uint32_t cursor = 0;

	while ((a = queues_agent_next(queue_table(run->node), &cursor)) != NULL) {
		if (a->tenant == document_tenant(run) && a->state != AGENT_OUT)
			(void)json_array_append_new(list, agent_view(run->node, a));
	}
	command_answer(run, list);
}

static json_t *caller_view(const struct queue *q, const struct queue_caller *c, uint32_t position)
{
	uint64_t now = clock_utc_ms();
	uint64_t waited_ms = now > c->joined_utc_ms ? now - c->joined_utc_ms : 0;
	json_t *json = json_pack("{s:I, s:i, s:b, s:I, s:I}", "position", (json_int_t)position,
				 "priority", c->priority, "rings", c->rings, "waited_s",
				 (json_int_t)(waited_ms / 1000), "estimate_s",
				 (json_int_t)(queue_wait_ms(q, position) / 1000));

	if (json)
		call_put(json, c->call);
	return json;
}

void queue_status(struct command_run *run)
{
	const struct queues *x = queue_table(run->node);
	const struct queue *q =
		queues_find(x, document_tenant(run), command_value(run, "name")->text);
	const struct queue_caller *c;
	struct queue_walk walk;
	json_t *callers = json_array(), *agents = json_array();
	uint32_t position = 0;

	if (!q) {
		json_decref(callers);
		json_decref(agents);
		command_fail(run, COMMAND_NOT_FOUND, "name",
			     "there is no such queue: queue.list shows all of them");
		return;
	}
	walk = queue_walk(q); /* in their order: a line of thousands is walked once */
	while ((c = queue_walk_next(&walk)) != NULL) {
		position++;
		if (!c->callback)
			(void)json_array_append_new(callers, caller_view(q, c, position));
	}
	for (uint8_t i = 0; i < q->terms.count; i++) {
		const struct queue_agent *a =
			queues_agent(x, q->terms.tenant, bytes_str(q->terms.members[i].number));

		if (a)
			(void)json_array_append_new(agents, agent_view(run->node, a));
	}
	command_answer(run,
		       json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "name",
				 q->terms.name, "waiting", (json_int_t)(q->waiting - q->callbacks),
				 "callbacks", (json_int_t)q->callbacks, "joined",
				 (json_int_t)q->joined, "answered", (json_int_t)q->answered, "left",
				 (json_int_t)q->left, "answer_s",
				 (json_int_t)(q->answered ? q->wait_ms / q->answered / 1000 : 0),
				 "callers", callers, "agents", agents));
}

static json_t *queue_of_agent(const struct queues *x, struct queue *q)
{
	struct queue_walk walk = queue_walk(q);
	const struct queue_caller *c;
	uint64_t now = clock_utc_ms(), first = now;

	while ((c = queue_walk_next(&walk)) != NULL)
		first = !c->callback && c->joined_utc_ms < first ? c->joined_utc_ms : first;
	return json_pack("{s:s, s:I, s:I, s:i, s:i}", "name", q->terms.name, "waiting",
			 (json_int_t)(q->waiting - q->callbacks), "waited_s",
			 (json_int_t)((now - first) / 1000), "agents",
			 (int)queue_agents(x, q, false), "ready", (int)queue_agents(x, q, true));
}

void agent_get(struct command_run *run)
{
	const struct queues *x = queue_table(run->node);
	uint16_t tenant = document_tenant(run);
	struct bytes number = command_value(run, "number")->text;
	const struct queue_agent *a = queues_agent(x, tenant, number);
	json_t *view, *queues = json_array();
	struct queue *q;
	uint32_t cursor = 0;

	if (a && a->state == AGENT_OUT) /* other nodes had told of him */
		a = NULL;
	while (x && (q = queues_next_of(x, tenant, number, &cursor)) != NULL)
		(void)json_array_append_new(queues, queue_of_agent(x, q));
	if (!a && !json_array_size(queues)) {
		json_decref(queues);
		command_fail(run, COMMAND_NOT_FOUND, "number",
			     "it is neither logged in nor a member of a queue");
		return;
	}
	view = a ? agent_view(run->node, a)
		 : json_pack("{s:o, s:s, s:s}", "number", command_text_json(number), "state",
			     g_agent_states[AGENT_OUT], "reason", "");
	(void)json_object_set_new(view, "queues", queues);
	command_answer(run, view);
}
