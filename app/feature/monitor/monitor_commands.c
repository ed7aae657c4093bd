/* SPDX-License-Identifier: Apache-2.0 */
/* The kind of document "supervisor", and the command supervisor.monitor: it looks whether the
 * document permits it, finds the call of the extension on all nodes, and has conference.monitor
 * ring the supervisor where that call is. Nothing of it is kept: the conference is what a successor
 * goes on with. */

#include <stdio.h>
#include <string.h>

#include "app/command/command_call.h"
#include "app/command/command_request.h"
#include "app/command/command_start.h"
#include "app/command/commands.h"
#include "app/command/others.h"
#include "app/document/document.h"
#include "app/document/extensions.h"
#include "app/feature/monitor/monitor.h"
#include "app/feature/queue/queue.h"
#include "app/node/node.h"
#include "app/node/node_shard.h"
#include "app/schema/tenant_field.h"
#include "base/clock.h"
#include "sig/host/cdr.h"
#include "sig/host/groups.h"
#include "sig/shard/shared_tables.h"

#define MONITOR_WAIT_NS (10 * NS_PER_S)
#define MONITOR_TTL_MS  "10000"

enum { SUPERVISORS_MAX = 65536, TENANT_SUPERVISORS_MAX = 1024 };

/* ---- the document ---- */

static int supervisor_apply(struct node *node, uint16_t tenant, const void *value)
{
	(void)node;
	(void)tenant;
	(void)value;
	return 0; /* it is read where it is asked for (document_stored) */
}

static void supervisor_forget(struct node *node, uint16_t tenant, const char *name)
{
	(void)node;
	(void)tenant;
	(void)name;
}

const struct document_kind g_supervisor_documents = {
	.rank = 1,
	.name = "supervisor",
	.argument = "number",
	.several = "supervisors",
	.places = SUPERVISORS_MAX,
	.share = TENANT_SUPERVISORS_MAX,
	.size = sizeof(struct supervisor_value),
	.form = &g_supervisor_form,
	.apply = supervisor_apply,
	.forget = supervisor_forget,
};

/* ---- who may ---- */

static bool extension_is_on(const struct node *n, uint16_t tenant, struct bytes number)
{
	static struct extension e; /* large for a stack; wiped below */
	bool on = extensions_find(n->api.extensions, tenant, number, &e) && e.core.enabled;

	extension_wipe(&e);
	return on;
}

static bool queue_has(const struct node *n, const char *tenant, struct bytes name,
		      struct bytes number)
{
	static struct queue_value q; /* large for a stack */

	return document_stored(n, tenant, &g_queue_documents, name, &q) &&
	       bytes_list_has(bytes_str(q.members), number);
}

/* of_call: NULL where the call is not known yet: then it may be one of the queue. */
static bool party_is(const struct node *n, const char *tenant, struct bytes one,
		     struct bytes number, const struct call_facts *of_call)
{
	uint16_t of = tenants_find(n->common.tenants, bytes_str(tenant));
	struct bytes name = bytes_from(one, sizeof(QUEUE_WORD) - 1);
	const struct ring_group *g;

	if (bytes_starts(one, "group:")) {
		g = groups_find(n->common.shared_tables->groups, of, name);
		return g && group_has(g, number);
	}
	if (!bytes_starts(one, QUEUE_WORD))
		return bytes_eq(one, number);
	return of_call ? bytes_is(name, of_call->queue) && bytes_is(number, of_call->queue_agent)
		       : queue_has(n, tenant, name, number);
}

/* Says of an extension that is not there no more than of one that is not to be monitored. */
static bool monitor_may(const struct command_run *run, const struct call_facts *of_call)
{
	const struct node *n = run->node;
	struct bytes by = command_value(run, "number")->text;
	struct bytes number = command_value(run, "extension")->text, of_party, one;
	uint16_t of = tenants_find(n->common.tenants, bytes_str(run->tenant));
	struct supervisor_value v;

	if (of == TENANT_NONE || bytes_eq(by, number) ||
	    !document_stored(n, run->tenant, &g_supervisor_documents, by, &v) ||
	    !(v.modes & 1u << command_value(run, "mode")->number) || !extension_is_on(n, of, by) ||
	    !extension_is_on(n, of, number))
		return false;
	of_party = bytes_str(v.of_party);
	while (bytes_cut(&of_party, ',', &one)) {
		if (party_is(n, run->tenant, one, number, of_call))
			return true;
	}
	return false;
}

static bool tenant_tells(const struct node *n, const char *tenant)
{
	static struct tenant_value t;

	return document_stored(n, DIRECTORY_OPERATORS, &g_tenant_documents, bytes_str(tenant),
			       &t) &&
	       t.monitor_tone;
}

/* ---- the call ---- */

struct monitor_members {
	const struct shard *core;
	struct bytes supervisor;
	uint32_t others; /* those who talk, but for the supervisor */
	struct call_facts facts;
};

static void member_look(const struct member_view *m, void *arg)
{
	struct monitor_members *all = arg;

	all->others += !m->monitors && !m->asks && !bytes_eq(m->from, all->supervisor);
	if (!all->facts.queue[0])
		(void)shard_call_facts(all->core, m->call, &all->facts);
}

/* Two talk in it, and the supervisor is neither of them. NULL, or why not. facts: of the call, also
 * where its parties are in a conference. */
static const char *call_wrong(const struct shard *core, uint64_t call, struct bytes by,
			      struct call_facts *facts)
{
	static struct monitor_members all; /* large for a stack */
	uint64_t room = shard_call_room(core, call);
	static struct call_view view;

	all = (struct monitor_members){ .core = core, .supervisor = by };
	if (room)
		shard_conference_members(core, room, member_look, &all);
	else
		(void)shard_call_facts(core, call, &all.facts);
	*facts = all.facts;
	if (room)
		return all.others == 2 ? NULL : "it is no call of two";
	if (!shard_call_view(core, call, &view) || view.leg_count < 2)
		return "it is no call of two";
	return bytes_is(by, view.from) || bytes_is(by, view.answered_by)
		       ? "the supervisor speaks in it"
		       : NULL;
}

static void monitor_refuse(struct command_run *run)
{
	command_fail(run, COMMAND_NOT_ALLOWED, "extension",
		     "supervisor.put does not let it do that with calls of this extension");
}

static void monitor_on_done(json_t *answer, void *arg)
{
	command_end(arg, answer);
}

/* The call is of this node. */
static void monitor_ring(struct command_run *run, const struct user_call *of)
{
	struct command_principal who = command_in_name(run, COMMAND_FOR_APPLICATION);
	struct bytes by = command_value(run, "number")->text;
	static struct call_facts facts;
	const char *wrong = call_wrong(node_core(run->node, of->call), of->call, by, &facts);
	char id[COMMAND_ID_MAX];
	json_t *args;

	if (!monitor_may(run, &facts)) {
		monitor_refuse(run);
		return;
	}
	if (wrong) {
		command_fail(run, COMMAND_CONFLICT, "extension", "%s", wrong);
		return;
	}
	args = json_pack("{s:o, s:s, s:s, s:s%, s:b}", "call", command_call_id_json(of->call),
			 "leg", of->b ? "b" : "a", "mode",
			 g_monitor_modes[command_value(run, "mode")->number], "to", by.p, by.n,
			 "told", tenant_tells(run->node, run->tenant));
	(void)snprintf(id, sizeof(id), "monitor %.*s", COMMAND_ID_MAX - 16, run->id);
	command_start(run->node, &who, BYTES_LIT("conference.monitor"), bytes_str(id), args,
		      monitor_on_done, run);
	json_decref(args);
}

/* call: that one alone; 0: the newest one of this node. */
static void monitor_here(struct command_run *run, uint64_t call)
{
	uint32_t cursor = 0;
	const struct shard *core = node_core_next(run->node, &cursor);
	struct user_call of = { 0 };

	if (core)
		shard_user_call(core, document_tenant(run), command_value(run, "extension")->text,
				USER_TALKS, call, &of);
	if (of.call)
		monitor_ring(run, &of);
	else
		command_fail(run, COMMAND_NOT_FOUND, "extension", "it has no such call");
}

/* ---- on another node ---- */

struct monitor_far {
	struct others_ticket ticket;
	struct command_run *run;
	char id[COMMAND_ID_MAX];
};

static void monitor_on_answer(struct others_ticket *t, struct bytes text)
{
	struct command_run *run = CONTAINER_OF(t, struct monitor_far, ticket)->run;
	json_t *answer = text.p ? json_loadb((const char *)text.p, text.n, 0, NULL) : NULL;

	if (answer)
		command_end(run, answer);
	else
		command_fail(run, COMMAND_UNAVAILABLE, NULL,
			     "the node that has the call did not answer: try again");
}

/* That node looks again whether it is permitted. */
static void monitor_there(struct command_run *run, uint64_t call)
{
	struct monitor_far *far = calloc(1, sizeof(*far));
	json_t *args = json_copy(run->args);
	struct others_question q = { .command = run->command->name, .ttl_ms = MONITOR_TTL_MS };
	char *text;

	(void)json_object_set_new(args, "call", command_call_id_json(call));
	(void)json_object_set_new(args, g_command_tenant.name, json_string(run->tenant));
	text = args ? json_dumps(args, JSON_COMPACT) : NULL;
	run->kept = far;
	if (far && text) {
		(void)snprintf(far->id, sizeof(far->id), "monitor-%" PRIx64,
			       rand_u64_from(&run->node->rand));
		far->run = run;
		far->ticket = (struct others_ticket){ .id = far->id,
						      .until_ns = clock_now_ns() + MONITOR_WAIT_NS,
						      .done = monitor_on_answer };
		q.id = far->id;
		q.args = text;
	}
	if (!far || !text || !run->node->api.others ||
	    !others_request(run->node->api.others, &far->ticket, &q))
		command_fail(run, COMMAND_UNAVAILABLE, NULL, "the other node cannot be asked");
	free(text);
	json_decref(args);
}

static void monitor_on_picked(struct command_run *run, const struct park_reply *told)
{
	if (told->told == PARK_OK && !node_shard_find(run->node, id_shard(told->owner)))
		monitor_there(run, told->owner);
	else
		monitor_here(run, told->owner);
}

/* Its newest one of all nodes. */
static void monitor_anywhere(struct command_run *run)
{
	struct bytes user = command_value(run, "extension")->text;
	const struct remote_pick pick = { .by = user, .of = user, .want = USER_TALKS };
	uint32_t cursor = 0;
	struct shard *core = node_core_next(run->node, &cursor);

	if (!core || !command_ask_pick(run, core, document_tenant(run), &pick, monitor_on_picked))
		monitor_here(run, 0);
}

void monitor_start(struct command_run *run)
{
	uint64_t call = 0;

	if (!monitor_may(run, NULL))
		monitor_refuse(run);
	else if (!command_value(run, "call")->given)
		monitor_anywhere(run);
	else if (command_call_id(run, &call))
		monitor_here(run, call);
}

json_t *monitor_code_args(enum feature_action code, const char *number, struct bytes behind)
{
	enum monitor_mode mode = code == FEATURE_LISTEN  ? MONITOR_LISTEN
				 : code == FEATURE_COACH ? MONITOR_COACH
				 : code == FEATURE_BARGE ? MONITOR_BARGE
							 : MONITOR_TAKE_OVER;

	return json_pack("{s:s, s:s%, s:s}", "number", number, "extension", behind.p, behind.n,
			 "mode", g_monitor_modes[mode]);
}
