/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of calls to the helper process (EFFECT_HELPER): what the node adds to each kind, and the
 * use of its result. Kinds are HTTP requests and WebSockets of applications, and commands that a
 * flow gives in its tenant's name. A list of verbs in an answer becomes a program, put to Redis
 * before the call runs it. */

#include <stdlib.h>
#include <string.h>

#include "app/command/command_helper.h"
#include "app/command/command_start.h"
#include "app/command/commands.h"
#include "app/helper/asked.h"
#include "app/node/node.h"
#include "app/node/node_helper.h"
#include "app/node/node_life.h"
#include "app/node/node_shard.h"
#include "app/node/node_wait.h"
#include "app/schema/extension.h"
#include "app/schema/flow_field.h"
#include "app/schema/tenant_field.h"
#include "base/clock.h"
#include "base/log.h"
#include "sig/host/programs.h"
#include "sig/shard/shared_tables.h"

enum { TELL_MS = 1000, TIME_OCTETS = 5 }; /* HH:MM */

/* A call waits for it. */
struct helper_question {
	struct node *node;
	const struct help_kind *kind;
	struct answer answer;
	struct flow_program *program; /* or NULL */
	json_t *row;                  /* what all its tries have in common, for who looks */
	char tenant[TENANT_NAME_MAX];
};

struct help_kind {
	const char *name;
	/* False: it cannot be asked. */
	bool (*prepare)(const struct helper_question *ask, json_t *args);
	/* Its result is there: help_reply, at once or later. */
	void (*answered)(struct helper_question *ask, const json_t *result);
};

/* The end of it. */
static void help_reply(struct helper_question *ask)
{
	answers_add(&ask->node->shards->answers, &ask->answer);
	program_free(ask->program);
	json_decref(ask->row);
	free(ask);
}

/* For who looks. try: NULL: nothing is known of one. */
static void help_show(const struct helper_question *ask, const json_t *one)
{
	json_t *row = json_copy(ask->row);

	if (row && one)
		(void)json_object_update((json_t *)row, (json_t *)(uintptr_t)one);
	asked_put(ask->node->helper_asked,
		  tenants_find(ask->node->common.tenants, bytes_str(ask->tenant)), row);
}

static json_t *help_row(const struct helper_question *ask, const json_t *args)
{
	const json_t *body = json_object_get(args, "body");
	const char *url = json_string_value(json_object_get(args, "url"));

	return json_pack(
		"{s:I, s:s, s:o, s:o, s:O?, s:O?, s:O?, s:O?}", "utc_ms",
		(json_int_t)clock_utc_ms(), "kind", ask->kind->name, "call",
		command_call_id_json(ask->answer.call), "url",
		asked_url(bytes_str(url ? url : ""), json_object_get(args, "hidden"), true), "flow",
		json_object_get(body, "flow"), "step", json_object_get(body, "step"), "visit",
		json_object_get(body, "visit"), "id", json_object_get(args, "id"));
}

static void help_fail(struct helper_question *ask, const char *reason, const char *detail)
{
	struct helper_reply *outcome = &ask->answer.reply.help;

	outcome->result = strcmp(reason, "timeout") ? HELPER_FAILED : HELPER_TIMEOUT;
	outcome->reason = reason;
	LOG_WARN("flow", ask->answer.call, "what a flow asked for has failed",
		 LOG_STR("kind", ask->kind->name), LOG_STR("url", outcome->url),
		 LOG_STR("reason", reason), LOG_STR("detail", detail));
	help_reply(ask);
}

/* The helper process says nothing of it. */
static void help_unasked(struct helper_question *ask, const char *why)
{
	json_t *one = json_pack("{s:s, s:s}", "reason", "helper", "answer", why);

	help_show(ask, one);
	json_decref(one);
	help_fail(ask, "helper", why);
}

/* ---- http ---- */

static bool http_prepare(const struct helper_question *ask, json_t *args)
{
	const struct node *n = ask->node;
	char secret[WEBHOOK_SECRET_TEXT_MAX];
	struct tenant_value t;
	bool ok = n->hooks->tenant_value(n, ask->tenant, &t);

	if (ok && tenant_web_open(&t, &n->extension_seal, secret)) {
		LOG_ERROR("flow", ask->answer.call,
			  "the web_secret of a tenant was sealed with other keys: give it again",
			  LOG_STR("tenant", ask->tenant));
		ok = false;
	}
	ok = ok && !json_object_set_new(args, "secret", json_string(secret)) &&
	     !json_object_set_new(args, "networks", json_string(t.web.networks));
	explicit_bzero(secret, sizeof(secret));
	return ok;
}

/* Words of app/helper/http.c that events have. */
static const char *http_reason(const char *word)
{
	static const char *const words[] = { "timeout",     "address", "certificate", "status",
					     "unreachable", "no_json", "too_long" };

	for (size_t i = 0; word && i < COUNT_OF(words); i++) {
		if (!strcmp(word, words[i]))
			return words[i];
	}
	return "helper";
}

/* Lets a connected application give further verbs when its list ends, unless the list ends the call
 * or goes to another flow. */
static void verbs_again(json_t *verbs, const json_t *again)
{
	static const char *const ends[] = { "hangup", "reject", "redirect", "refer", "http" };
	const json_t *last = json_array_get(verbs, json_array_size(verbs) - 1);
	const char *fallback = json_string_value(json_object_get(again, "fallback"));
	json_int_t ms = json_integer_value(json_object_get(again, "timeout_ms"));
	json_t *http;

	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		if (json_object_get(last, ends[i]))
			return;
	}
	http = json_pack("{s:O, s:f}", "url", json_object_get(again, "url"), "timeout_s",
			 ms ? (double)ms / 1000 : 2);
	if (fallback && fallback[0])
		(void)json_object_set_new(http, "fallback", json_string(fallback));
	(void)json_array_append_new(verbs, json_pack("{s:o}", "http", http));
}

/* The program is in Redis: a process that takes the call over finds it there. */
static void http_on_program(enum store_result result, bool there, struct bytes value, void *arg)
{
	struct helper_question *ask = arg;

	struct flow_program *p = ask->program;

	(void)there;
	(void)value;
	ask->program = NULL;
	if (result != STORE_OK)
		program_free(p);
	if (result != STORE_OK)
		help_fail(ask, "program", "Redis did not accept the program");
	else if (programs_put(ask->node->common.shared_tables->programs, bytes_str(ask->tenant),
			      (struct bytes){ 0 }, p))
		help_fail(ask, "program", "there is no room for the program");
	else
		help_reply(ask);
}

/* A list of verbs: a program of its own. */
static void http_program(struct helper_question *ask, struct bytes text)
{
	static struct flow_findings findings;
	struct flow_program *p = ask->program = program_parse(text, NULL, &findings);
	struct helper_reply *outcome = &ask->answer.reply.help;
	char hash[FLOW_HASH_TEXT], *compact = p ? program_text(p, true) : NULL;

	if (!compact) {
		help_fail(ask, "program", findings.count ? findings.list[0].message : "no memory");
		return;
	}
	memcpy(outcome->program, p->hash, sizeof(outcome->program));
	flow_hash_text(hash, p->hash);
	outcome->is_program = true;
	store_program_put(ask->node->redis->store, bytes_str(ask->tenant), bytes_str(hash),
			  bytes_str(compact), true, http_on_program, ask);
	free(compact);
}

static void http_answered(struct helper_question *ask, const json_t *result)
{
	struct helper_reply *outcome = &ask->answer.reply.help;
	json_t *answer = json_object_get(result, "answer");
	const json_t *again = json_object_get(result, "again");
	const char *url = json_string_value(json_object_get(result, "url"));
	const char *detail = json_string_value(json_object_get(result, "detail"));
	const json_t *one;
	char *text;
	size_t i;

	if (again && json_is_array(answer))
		verbs_again(answer, again);
	text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;

	json_array_foreach(json_object_get(result, "shown"), i, one) help_show(ask, one);
	(void)snprintf(outcome->url, sizeof(outcome->url), "%s", url ? url : "");
	outcome->status = (uint16_t)json_integer_value(json_object_get(result, "status"));
	outcome->ms = (uint32_t)json_integer_value(json_object_get(result, "ms"));
	if (!answer)
		help_fail(ask, http_reason(json_string_value(json_object_get(result, "reason"))),
			  detail ? detail : "");
	else if (text && json_is_array(answer))
		http_program(ask, bytes_str(text));
	else if (!text || text_set(&ask->answer.record, bytes_str(text)))
		help_fail(ask, "helper", "no memory");
	else
		help_reply(ask);
	free(text);
}

/* ---- WebSockets of calls ---- */

static void help_link_answered(struct helper_question *ask, const json_t *result)
{
	(void)result;
	help_reply(ask); /* nobody waits for it */
}

static bool leave_prepare(const struct helper_question *ask, json_t *args)
{
	(void)ask;
	(void)args;
	return true;
}

static void helper_on_answer(struct node *n, const json_t *result, const char *why, void *arg)
{
	(void)n;
	(void)result;
	(void)why;
	(void)arg;
}

/* The application of a call has sent verbs by itself, and these were not taken. */
struct told_run {
	struct node *node;
	uint16_t tenant;
	json_t *call;
};

static void told_on_run(json_t *answer, void *arg)
{
	struct told_run *told = arg;
	const json_t *why = json_object_get(json_object_get(answer, "error"), "message");

	if (!json_is_true(json_object_get(answer, "ok")))
		(void)!node_helper_request(told->node, "tell",
					   json_pack("{s:O, s:{s:s, s:O, s:O?}}", "call",
						     told->call, "message", "type", "flow.refused",
						     "call", told->call, "reason", why),
					   told->tenant, TELL_MS, helper_on_answer, NULL);
	json_decref(answer);
	json_decref(told->call);
	free(told);
}

/* As call.run does it. */
static void told_run(struct told_run *told, const char *tenant, const json_t *verbs)
{
	struct command_principal who = { .role = COMMAND_FOR_APPLICATION, .door = "flow" };
	json_t *args = json_pack("{s:O, s:O}", "call", told->call, "program", verbs);
	char id[COMMAND_ID_MAX];

	(void)snprintf(who.tenant, sizeof(who.tenant), "%s", tenant);
	(void)snprintf(id, sizeof(id), "told %s", json_string_value(told->call));
	command_start(told->node, &who, BYTES_LIT("call.run"), bytes_str(id), args, told_on_run,
		      told);
	json_decref(args);
}

void command_helper_on_line(struct node *n, const json_t *line)
{
	json_t *call = json_object_get(line, "told"), *verbs = json_object_get(line, "verbs");
	struct told_run *told = malloc(sizeof(*told));
	uint64_t id;

	if (!told || !json_is_array(verbs) || !json_array_size(verbs) ||
	    id_call_get(bytes_str(json_string_value(call)), &id) ||
	    !shard_call_tenant(node_core(n, id), id, &told->tenant)) {
		free(told);
		return;
	}
	told->node = n;
	told->call = json_incref(call);
	verbs_again(verbs, json_object_get(line, "again"));
	told_run(told, tenants_name(n->common.tenants, told->tenant), verbs);
}

/* ---- commands ---- */

/* What a flow may ask of the node in the tenant's name, by its verbs. */
static bool help_may(const char *command)
{
	const struct command *c = command ? command_find(bytes_str(command)) : NULL;

	return c && c->by_flow;
}

/* Of a prompt: the last day on which it is there, by the clock of the tenant. */
static json_t *told_until(const struct helper_question *ask, const json_t *row)
{
	const struct node *n = ask->node;
	uint16_t tenant = tenants_find(n->common.tenants, bytes_str(ask->tenant));
	int64_t end_s = json_integer_value(json_object_get(row, "until_utc_ms")) / 1000;
	struct civil day;

	if (!end_s || tenant == TENANT_NONE)
		return json_pack("{s:s}", "until", "");
	end_s += calendars_offset_s(n->common.shared_tables->calendars,
				    tenants_terms(n->common.tenants, tenant)->zone, end_s - 1);
	day = civil_of(civil_day(end_s - 1));
	return json_pack("{s:o}", "until",
			 json_sprintf("%04d-%02u-%02u", (int)day.year, day.month, day.day));
}

/* Of an extension: how its owner is called about new messages. */
static json_t *told_notification(const json_t *row)
{
	const char *which = json_string_value(json_object_get(row, "mailbox_notify")),
		   *to = json_string_value(json_object_get(row, "mailbox_notify_to")),
		   *hours = json_string_value(json_object_get(row, "mailbox_notify_hours"));
	uint32_t from, until;
	bool day = hours && box_times_read(hours, &from, &until);

	if (!which || !to || !hours)
		return NULL;
	return json_pack("{s:s, s:s, s:s, s:s%, s:s}", "notify", which, "notify_to",
			 to[0] ? to : json_string_value(json_object_get(row, "number")),
			 "notify_when",
			 day        ? "day"
			 : hours[0] ? "hours"
				    : "any",
			 "notify_from", hours, (size_t)(day ? TIME_OCTETS : 0), "notify_until",
			 day ? hours + TIME_OCTETS + 1 : "");
}

/* Settings of the mailbox, as variables of the flow. */
static void helper_question_answer(struct helper_question *ask, const json_t *row)
{
	bool prompt = json_object_get(row, "until_utc_ms");
	json_t *told = prompt ? told_until(ask, row) : told_notification(row);
	char *text;

	if (!told)
		return;
	text = json_dumps(told, JSON_COMPACT);
	if (!text || text_set(&ask->answer.record, bytes_str(text)))
		LOG_ERROR("flow", ask->answer.call, "no memory for what a mailbox has set");
	free(text);
	json_decref(told);
}

static void help_on_command(json_t *answer, void *arg)
{
	const json_t *error = json_object_get(answer, "error");
	const char *code = json_string_value(json_object_get(error, "code"));

	if (json_is_true(json_object_get(answer, "ok"))) {
		helper_question_answer(arg, json_object_get(answer, "result"));
		help_reply(arg);
	} else {
		help_fail(arg, code && !strcmp(code, HELPER_CONFLICT) ? HELPER_CONFLICT : "command",
			  code ? code : "no memory");
	}
	json_decref(answer);
}

static void help_command(struct helper_question *ask, const json_t *args)
{
	struct command_principal who = { .role = COMMAND_FOR_ADMIN, .door = "phone" };
	const char *command = json_string_value(json_object_get(args, "command"));
	char id[COMMAND_ID_MAX];

	memcpy(who.tenant, ask->tenant, sizeof(ask->tenant));
	(void)snprintf(id, sizeof(id), "flow %" PRIx64, ask->answer.reply.help.serial);
	if (help_may(command))
		command_start(ask->node, &who, bytes_str(command), bytes_str(id),
			      json_object_get(args, "args"), help_on_command, ask);
	else
		help_fail(ask, "command", "no flow may");
}

/* ---- all ---- */

static const struct help_kind g_helps[HELPS] = {
	[HELPER_HTTP] = { "http", http_prepare, http_answered },
	[HELPER_LINK] = { "link", http_prepare, help_link_answered },
	[HELPER_COMMAND] = { "command", leave_prepare, help_link_answered },
	[HELPER_LEAVE] = { "tell", leave_prepare, help_link_answered },
};

static void help_on_result(struct node *n, const json_t *result, const char *why, void *arg)
{
	struct helper_question *ask = arg;

	(void)n;
	if (result)
		ask->kind->answered(ask, result);
	else
		help_unasked(ask, why);
}

void command_helper(const struct effect *e, void *node)
{
	struct node *n = node;
	struct helper_question *ask = calloc(1, sizeof(*ask));
	const struct request_helper *help = e->request;
	struct bytes tenant = text_bytes(&help->tenant), data = text_bytes(&help->data);
	json_t *args;

	if (!ask || bytes_cstr(tenant, ask->tenant, sizeof(ask->tenant))) {
		free(ask);
		LOG_ERROR("flow", e->call, "no memory to ask for what a flow needs");
		return; /* the call's own time runs */
	}
	ask->node = n;
	ask->kind = &g_helps[help->what];
	ask->answer = (struct answer){
		.kind = ANSWER_REPLY,
		.call = e->call,
		.reply = { .ask = ASK_HELPER, .of = e->call, .help = { .serial = e->serial } }
	};
	args = json_loadb((const char *)data.p, data.n, 0, NULL);
	if (help->what == HELPER_COMMAND) {
		help_command(ask, args);
		json_decref(args);
		return;
	}
	ask->row = help_row(ask, args);
	if (!args || !ask->kind->prepare(ask, args)) {
		json_decref(args);
		help_unasked(ask, "it cannot be asked");
	} else if (!node_helper_request(n, ask->kind->name, args,
					tenants_find(n->common.tenants, tenant),
					(uint32_t)help->ttl_ms, help_on_result, ask)) {
		help_unasked(ask, "tandem-helper does not run, or has too much to do");
	}
}

/* ---- who looks ---- */

void command_flow_trace(struct command_run *run)
{
	const struct node *n = run->node;
	uint16_t tenant = tenants_find(n->common.tenants, bytes_str(run->tenant));

	command_answer(run, asked_list(n->helper_asked, run->of_tenant ? &tenant : NULL,
				       command_value(run, "call")->text, command_limit(run)));
}
