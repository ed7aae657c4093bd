/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of documents "queue" and "agent", in effect in the table of the node
 * (sig/pbx/queue/queues.h). The text of a queue's flow is put to Redis first, where a successor of
 * a call finds it. */

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
