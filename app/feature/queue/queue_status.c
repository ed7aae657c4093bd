/* SPDX-License-Identifier: Apache-2.0 */
/* What is shown of queues and agents now. All nodes have the same lines and agents. What each
 * counts alone queue.status adds up over the cluster. Control thread. */

#include <stdlib.h>

#include "app/command/command_nodes.h"
#include "app/document/document.h"
#include "app/feature/queue/queue.h"
#include "app/node/claimant.h"
#include "app/node/node.h"
#include "app/node/node_cluster.h"
#include "base/clock.h"
#include "cluster/peer/channels.h"
#include "sig/pbx/queue/queues.h"
#include "sig/shard/shard.h"
#include "sig/shard/shared_tables.h"
#include "sig/sip/id.h"

static void call_put(json_t *json, uint64_t call)
{
	char id[ID_TEXT_LEN];

	id_call_put(id, call);
	(void)json_object_set_new(json, "call", json_stringn(id, sizeof(id)));
}

/* What he does now. ready: he takes calls otherwise. */
static const char *agent_does(const struct node *n, const struct queue_agent *a, bool ready,
			      uint64_t now)
{
	struct shard *core = n->common.shared_tables->shards;

	if (core && shard_user_is_busy(core, a->tenant, bytes_str(a->number)))
		return "busy";
	if (!ready)
		return g_agent_states[a->state];
	if (a->until_utc_ms <= now)
		return "ready";
	return a->wraps ? "wrapup" : a->call ? "reserved" : "resting";
}

static json_t *agent_view(const struct node *n, const struct queue_agent *a, bool ready)
{
	uint64_t now = clock_utc_ms();
	json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:i}", "number", a->number,
				 "state", g_agent_states[a->state], "reason", a->reason, "now",
				 agent_does(n, a, ready, now), "calls", (json_int_t)a->calls,
				 "talk_s", (json_int_t)(a->talk_ms / 1000), "missed", a->missed);

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
			(void)json_array_append_new(list, agent_view(run->node, a,
								     a->state == AGENT_READY));
	}
	command_answer(run, list);
}

/* The nodes of a line's calls. Each process is looked up once: thousands of callers are of few. */
struct line_nodes {
	const struct node *n;
	uint32_t count;
	struct line_node {
		uint64_t process;
		char name[sizeof(((struct roster_node *)0)->name)]; /* "": none has it now */
	} list[ROSTER_NODES_MAX];
};

static void process_name(const struct node *n, struct line_node *of)
{
	struct claimant_node one;
	struct channel_to to;

	of->name[0] = '\0';
	if (!n->cluster->claimant || !claimant_process(n->cluster->claimant, of->process, &to))
		return;
	for (uint32_t i = 0; !of->name[0] && claimant_node(n->cluster->claimant, i, &one); i++) {
		if (one.node.id == to.id)
			(void)bytes_cstr(bytes_str(one.node.name), of->name, sizeof(of->name));
	}
}

/* The node that has a call of that process. */
static const char *node_of_process(struct line_nodes *nodes, uint64_t process)
{
	uint32_t i = 0;

	if (!process)
		return nodes->n->settings->node.name;
	while (i < nodes->count && nodes->list[i].process != process)
		i++;
	if (i == ROSTER_NODES_MAX)
		i = nodes->count = 0;
	if (i == nodes->count) {
		nodes->list[nodes->count++].process = process;
		process_name(nodes->n, &nodes->list[i]);
	}
	return nodes->list[i].name;
}

static json_t *caller_view(struct line_nodes *nodes, const struct queue *q,
			   const struct queue_caller *c, uint32_t position)
{
	uint64_t now = clock_utc_ms();
	uint64_t waited_ms = now > c->joined_utc_ms ? now - c->joined_utc_ms : 0;
	json_t *json = json_pack("{s:I, s:i, s:b, s:I, s:I, s:s}", "position", (json_int_t)position,
				 "priority", c->priority, "rings", c->rings, "waited_s",
				 (json_int_t)(waited_ms / 1000), "estimate_s",
				 (json_int_t)(queue_wait_ms(q, position) / 1000), "node",
				 node_of_process(nodes, c->process));

	if (json)
		call_put(json, c->call);
	return json;
}

static json_t *callers_view(const struct node *n, const struct queue *q)
{
	struct queue_walk walk =
		queue_walk(q); /* in their order: a line of thousands is walked once */
	struct line_nodes nodes = { .n = n };
	const struct queue_caller *c;
	json_t *callers = json_array();
	uint32_t position = 0;

	while ((c = queue_walk_next(&walk)) != NULL) {
		position++;
		if (!c->callback)
			(void)json_array_append_new(callers, caller_view(&nodes, q, c, position));
	}
	return callers;
}

static json_t *members_view(const struct node *n, struct queue *q)
{
	json_t *agents = json_array();

	for (uint8_t i = 0; i < q->terms.count; i++) {
		const struct queue_agent *a = queue_agent_at(queue_table(n), q, i);

		bool ready = a && queue_agent_is_ready(q, a);

		if (ready || (a && a->state != AGENT_OUT))
			(void)json_array_append_new(agents, agent_view(n, a, ready));
	}
	return agents;
}

/* What each node counts since it started. */
struct queue_sums {
	uint64_t joined, answered, left, wait_s;
};

static uint64_t sum_of(const json_t *result, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(result, name));
}

static void queue_status_add(struct command_run *run, const json_t *result)
{
	struct queue_sums *s = run->kept;

	s->joined += sum_of(result, "joined");
	s->answered += sum_of(result, "answered");
	s->left += sum_of(result, "left");
	s->wait_s += sum_of(result, "wait_s");
}

static struct queue *queue_asked_for(struct command_run *run)
{
	struct queue *q = queues_find(queue_table(run->node), document_tenant(run),
				      command_value(run, "name")->text);

	if (!q)
		command_fail(run, COMMAND_NOT_FOUND, "name",
			     "there is no such queue: queue.list shows all of them");
	return q;
}

static void queue_status_end(struct command_run *run)
{
	struct queue *q = queue_asked_for(run); /* it may be gone by now */
	struct queue_sums *s = run->kept;
	json_t *json;

	if (!q)
		return;
	s->joined += q->joined;
	s->answered += q->answered;
	s->left += q->left;
	s->wait_s += q->wait_ms / 1000;
	json = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "name", q->terms.name,
			 "waiting", (json_int_t)(q->waiting - q->callbacks), "callbacks",
			 (json_int_t)q->callbacks, "joined", (json_int_t)s->joined, "answered",
			 (json_int_t)s->answered, "left", (json_int_t)s->left, "wait_s",
			 (json_int_t)s->wait_s, "answer_s",
			 (json_int_t)(s->answered ? s->wait_s / s->answered : 0));
	if (json && !command_value(run, "sums")->number) {
		(void)json_object_set_new(json, "callers", callers_view(run->node, q));
		(void)json_object_set_new(json, "agents", members_view(run->node, q));
	}
	command_answer(run, json);
}

void queue_status(struct command_run *run)
{
	if (!queue_asked_for(run))
		return;
	run->kept = calloc(1, sizeof(struct queue_sums));
	/* for the other nodes: all have the same line, and it is long */
	(void)json_object_set_new(run->args, "sums", json_true());
	if (run->kept)
		command_nodes_merge(run, queue_status_add, queue_status_end);
	else
		command_answer(run, NULL);
}

static json_t *queue_of_agent(struct queues *x, struct queue *q)
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

/* His last call and what may come of it, as his document says. */
static json_t *agent_last_put(const struct command_run *run, struct bytes number, json_t *view)
{
	static struct queue_value q;
	struct agent_value v = { 0 };
	json_t *dispositions = json_array();
	struct bytes list, one;

	q.dispositions[0] = '\0';
	if (document_stored(run->node, run->tenant, &g_agent_documents, number, &v))
		(void)document_stored(run->node, run->tenant, &g_queue_documents,
				      bytes_str(v.last_queue), &q);
	list = bytes_str(q.dispositions);
	while (bytes_cut(&list, ',', &one))
		(void)json_array_append_new(dispositions, command_text_json(bytes_trim(one)));
	(void)json_object_update_new(view, json_pack("{s:s, s:s, s:s, s:s, s:o}", "at", v.at,
						     "last_queue", v.last_queue, "last_call",
						     v.last_call, "disposition", v.disposition,
						     "dispositions", dispositions));
	if (v.wraps)
		(void)json_object_set_new(view, "wrapup_until_utc_ms",
					  json_integer((json_int_t)v.wrapup_until_utc_ms));
	return view;
}

void agent_get(struct command_run *run)
{
	struct queues *x = queue_table(run->node);
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
	view = a ? agent_last_put(run, number, agent_view(run->node, a, a->state == AGENT_READY))
		 : json_pack("{s:o, s:s, s:s}", "number", command_text_json(number), "state",
			     g_agent_states[AGENT_OUT], "reason", "");
	(void)json_object_set_new(view, "queues", queues);
	command_answer(run, view);
}
