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
#include "app/node/node_media.h"
#include "app/node/node_shard.h"
#include "base/clock.h"
#include "sig/feature/queue/lamps.h"
#include "sig/feature/queue/line.h"
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

/* Other nodes tell of his calls from then on. */
static void agent_calls_request(const struct node *node, uint16_t tenant, const char *number)
{
	if (node->common.shared_tables->remote)
		remote_watch_request(node->common.shared_tables->remote,
				     bytes_str(tenants_name(node->common.tenants, tenant)),
				     bytes_str(number));
}

/* file: of its former document. */
static int queue_music_put(struct node *node, struct queue_terms *terms, const char *file)
{
	const char *tenant = tenants_name(node->common.tenants, terms->tenant);
	int err;

	terms->track = node_music_track(node, tenant, terms->music);
	err = queues_put(queue_table(node), terms);
	node_music_leave(node, tenant, err ? terms->music : file);
	return err;
}

/* It has a recording method of its own that may record (REC-01). */
static bool queue_records(const struct queue_terms *t)
{
	return t->record > 1 + RECORD_OFF;
}

static bool queue_recorded(const struct node *node, uint16_t tenant, const char *name)
{
	const struct queue *q = queues_find(queue_table(node), tenant, bytes_str(name));

	return q && queue_records(&q->terms);
}

static const struct document_seat g_queue_seats[] = {
	{ "record", NULL, "max_recorded", TENANT_RECORDED },
	{ 0 },
};

static bool queue_check(struct command_run *run, const void *value)
{
	const struct queue_terms *t = &((const struct queue_value *)value)->core;

	return document_seat_is_left(run, g_queue_seats,
				     queue_recorded(run->node, document_tenant(run), t->name),
				     queue_records(t));
}

static int queue_apply(struct node *node, uint16_t tenant, const void *value)
{
	const struct queue_value *v = value;
	struct queue_terms terms = v->core;
	const struct queue *q = queues_find(queue_table(node), tenant, bytes_str(terms.name));
	bool recorded = q && queue_records(&q->terms);
	char file[QUEUE_MUSIC_MAX] = "";
	int err;

	if (q)
		memcpy(file, q->terms.music, sizeof(file));
	terms.tenant = tenant;
	(void)queue_members_parse(&terms, bytes_str(v->members));
	(void)queue_skills_parse(&terms, bytes_str(v->skills));
	(void)queue_tiers_parse(&terms, bytes_str(v->tiers));
	terms.disposes = v->dispositions[0];
	err = command_flow_kind_apply(node, tenant, &g_queue_documents, terms.name, v);
	err = err ? err : queue_music_put(node, &terms, file);
	for (uint8_t i = 0; !err && terms.without_login && i < terms.count; i++)
		agent_calls_request(node, tenant, terms.members[i].number);
	if (!err)
		document_seat_hold(node, tenant, TENANT_RECORDED, recorded, queue_records(&terms));
	if (!err && q && strcmp(file, terms.music) != 0)
		line_wake(node->common.shared_tables, q); /* they hear it at once */
	return err;
}

static void queue_forget(struct node *node, uint16_t tenant, const char *name)
{
	const struct queue *q = queues_find(queue_table(node), tenant, bytes_str(name));

	document_seat_hold(node, tenant, TENANT_RECORDED, queue_recorded(node, tenant, name),
			   false);
	command_flow_kind_forget(node, tenant, &g_queue_documents, name);
	if (q)
		node_music_leave(node, tenants_name(node->common.tenants, tenant), q->terms.music);
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
	.seats = g_queue_seats,
	.check = queue_check,
	.apply = queue_apply,
	.forget = queue_forget,
};

/* ---- agents ---- */

/* His call of a queue is over. A call that a successor ends once more changes nothing. */
static bool agent_make_wrapup(struct command_run *run, struct agent_value *v)
{
	struct bytes call = command_value(run, "call")->text;
	uint64_t wrapup_s = command_value(run, "wrapup_s")->number;
	bool manual = command_value(run, "manual")->number;

	if (bytes_is(call, v->last_call)) {
		command_fail(run, COMMAND_CONFLICT, "call", "it was told of before");
		return false;
	}
	(void)bytes_cstr(call, v->last_call, sizeof(v->last_call));
	(void)bytes_cstr(command_value(run, "queue")->text, v->last_queue, sizeof(v->last_queue));
	v->disposition[0] = '\0';
	v->changed_utc_ms = clock_utc_ms();
	if (v->state != AGENT_READY || !(manual || wrapup_s))
		return true; /* he takes no calls, or has the next one by now */
	v->wraps = true;
	v->wrapup_until_utc_ms = manual ? 0 : v->changed_utc_ms + wrapup_s * 1000;
	v->since_utc_ms = v->changed_utc_ms;
	return true;
}

static bool agent_make_disposition(struct command_run *run, struct agent_value *v)
{
	static struct queue_value q;
	struct bytes said;
	const struct command_value *call = command_value(run, "call");

	if (!v->last_call[0] || (call->given && !bytes_is(call->text, v->last_call))) {
		command_fail(run, COMMAND_CONFLICT, call->given ? "call" : "number",
			     "his last call of a queue with dispositions is another one, or none");
		return false;
	}
	q.dispositions[0] = '\0';
	(void)document_stored(run->node, run->tenant, &g_queue_documents, bytes_str(v->last_queue),
			      &q);
	said = disposition_find(q.dispositions, command_value(run, "disposition")->text);
	if (!said.n) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "disposition", "the queue %s has: %s",
			     v->last_queue, q.dispositions[0] ? q.dispositions : "none");
		return false;
	}
	(void)bytes_cstr(said, v->disposition, sizeof(v->disposition));
	v->changed_utc_ms = clock_utc_ms();
	if (v->wraps)
		v->since_utc_ms = v->changed_utc_ms;
	v->wraps = false;
	v->wrapup_until_utc_ms = 0;
	return true;
}

static bool agent_make_state(struct command_run *run, struct agent_value *v)
{
	v->state = command_is_verb(run->command, "not_ready") ? AGENT_NOT_READY : AGENT_READY;
	v->reason[0] = '\0';
	if (v->state == AGENT_NOT_READY)
		(void)bytes_cstr(command_value(run, "reason")->text, v->reason, sizeof(v->reason));
	if (command_is_verb(run->command, "login"))
		(void)bytes_cstr(command_value(run, "at")->text, v->at, sizeof(v->at));
	v->wraps = false;
	v->wrapup_until_utc_ms = 0;
	v->since_utc_ms = v->changed_utc_ms = clock_utc_ms();
	return true;
}

/* Queues call him as he might himself. */
static bool agent_check(struct command_run *run, const void *value)
{
	const struct agent_value *v = value;
	uint16_t tenant = document_tenant(run);

	if (!v->at[0] || !command_is_verb(run->command, "login"))
		return true;
	if (!extensions_has(run->node->api.extensions, tenant, bytes_str(v->at)) &&
	    !queue_may_call(run->node, tenant, v->at, v->number))
		return true;
	command_fail(run, COMMAND_NOT_ALLOWED, "at",
		     "%s may not call it, or it is no number outside: dialplan.check", v->number);
	return false;
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
	if (!in && !command_is_verb(run->command, "login")) {
		command_fail(run, COMMAND_CONFLICT, "number",
			     "it is not logged in as an agent: agent.login");
		return false;
	}
	if (!in)
		*v = (struct agent_value){ 0 };
	(void)bytes_cstr(number, v->number, sizeof(v->number));
	if (command_is_verb(run->command, "wrapup"))
		return agent_make_wrapup(run, v);
	if (command_is_verb(run->command, "disposition"))
		return agent_make_disposition(run, v);
	return agent_make_state(run, v);
}

static struct shard *any_shard(const struct node *n)
{
	return n->common.shared_tables->shards;
}

static void agent_document_changed(const struct node *node, uint16_t tenant, struct bytes number)
{
	struct shard *s = any_shard(node);

	if (!s)
		return;
	shard_agent_changed(s, tenant, number);
	queue_lamp_agent(s, tenant, number, clock_instant());
}

static int agent_apply(struct node *node, uint16_t tenant, const void *value)
{
	const struct agent_value *v = value;
	uint64_t call = 0,
		 until = v->wrapup_until_utc_ms ? v->wrapup_until_utc_ms : AGENT_UNTIL_READY;
	int err = 0;
	struct queue_agent *a =
		queues_agent_put(queue_table(node), tenant, bytes_str(v->number),
				 (enum agent_state)v->state, bytes_str(v->reason), &err);

	if (id_call_get(bytes_str(v->last_call), &call))
		call = 0;
	if (a) {
		memcpy(a->at, v->at, sizeof(a->at));
		queue_agent_set_epoch(a, v->since_utc_ms ? v->since_utc_ms : v->changed_utc_ms,
				      call, v->wraps ? until : 0);
	}
	agent_calls_request(node, tenant, v->number);
	agent_document_changed(node, tenant, bytes_str(v->number));
	return err;
}

static void agent_forget(struct node *node, uint16_t tenant, const char *name)
{
	queues_agent_delete(queue_table(node), tenant, bytes_str(name));
	agent_document_changed(node, tenant, bytes_str(name));
}

static void agent_state_event(const struct command_run *run, const struct agent_value *v,
			      struct effects *effects)
{
	struct sig_event *event =
		effects_event(effects, SIG_AGENT_STATE, 0, clock_utc_ms(), bytes_str(run->tenant));

	event_put_str(event, EV_TO, v->number);
	event_put_str(event, EV_STATE, v->wraps ? AGENT_WRAPUP : g_agent_states[v->state]);
	event_put_str(event, EV_REASON, v->reason);
	if (!v->wraps)
		return;
	event_put_str(event, EV_FACT_queue, v->last_queue);
	event_put_number(event, EV_MS,
			 v->wrapup_until_utc_ms ? v->wrapup_until_utc_ms - v->since_utc_ms : 0);
}

static void disposition_event(const struct command_run *run, const struct agent_value *v,
			      struct effects *effects)
{
	struct sig_event *event;
	uint64_t call;

	if (id_call_get(bytes_str(v->last_call), &call))
		return;
	event = effects_event(effects, SIG_AGENT_DISPOSITION, call, clock_utc_ms(),
			      bytes_str(run->tenant));
	event_put_str(event, EV_FACT_queue, v->last_queue);
	event_put_str(event, EV_FACT_queue_agent, v->number);
	event_put_str(event, EV_REASON, v->disposition);
}

/* What is new of him: his state, or what came of his call. */
static void agent_saved(struct command_run *run, const void *value, json_t *view)
{
	const struct agent_value *v = value;
	struct effects effects = { 0 };

	(void)view;
	if (command_is_verb(run->command, "disposition"))
		disposition_event(run, v, &effects);
	if (v->since_utc_ms == v->changed_utc_ms)
		agent_state_event(run, v, &effects);
	effects_carry_out(&run->node->shards->effects_to, &effects);
	effects_close(&effects);
}

/* He is logged out. */
static void agent_deleted(struct node *node, const char *name, const struct command_run *run)
{
	struct agent_value v = { .state = AGENT_OUT };
	struct effects effects = { 0 };

	(void)bytes_cstr(bytes_str(name), v.number, sizeof(v.number));
	agent_state_event(run, &v, &effects);
	effects_carry_out(&node->shards->effects_to, &effects);
	effects_close(&effects);
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
	.check = agent_check,
	.apply = agent_apply,
	.forget = agent_forget,
	.deleted = agent_deleted,
	.saved = agent_saved,
};

json_t *agent_code_args(enum feature_action code, const char *number, struct bytes behind)
{
	if (code == FEATURE_AGENT_DISPOSITION)
		return json_pack("{s:s, s:s%}", "number", number, "disposition", behind.p,
				 behind.n);
	if (code == FEATURE_AGENT_NOT_READY && behind.n)
		return json_pack("{s:s, s:s%}", "number", number, "reason", behind.p, behind.n);
	if (code == FEATURE_AGENT_IN && behind.n && !bytes_is(behind, number))
		return json_pack("{s:s, s:s%}", "number", number, "at", behind.p, behind.n);
	return json_pack("{s:s}", "number", number);
}
