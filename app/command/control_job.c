/* SPDX-License-Identifier: Apache-2.0 */
/* One command of a stream: claims its id, runs it, and stores result, answer and acknowledgement in
 * one script. A repeated id gets the stored answer of the first. Any node reads any command; one
 * about a call, or another object that its id places on a node, is put back for that node. */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/command_session.h"
#include "app/command/command_start.h"
#include "app/command/control.h"
#include "app/document/document.h"
#include "app/node/node.h"
#include "app/node/node_shard.h"
#include "app/node/node_wait.h"
#include "app/schema/list.h"
#include "app/settings/settings.h"
#include "app/watch/watch_sink.h"
#include "base/clock.h"
#include "base/decimal.h"
#include "base/log.h"
#include "sig/sip/id.h"

#define PASS_LIMIT_NS (2 * NS_PER_S)
#define PASS_PAUSE_NS (5 * NS_PER_MS)

enum { PASSES_MAX = 200, PASS_WORDS_MAX = 20 };

/* KEYS: in. ARGV: entry, then the fields of its replacement.
 * A missing entry was put back or is under way. */
#define PASS                                                              \
	"redis.call('XACK', KEYS[1], 'nodes', ARGV[1]) "                  \
	"if redis.call('XDEL', KEYS[1], ARGV[1]) == 0 then return 0 end " \
	"return redis.call('XADD', KEYS[1], '*', unpack(ARGV, 2))"

/* KEYS: in, done. ARGV: mark of the claim, its seconds, entry, fields of its replacement. */
#define MOVE                                                              \
	"redis.call('XACK', KEYS[1], 'nodes', ARGV[3]) "                  \
	"if redis.call('XDEL', KEYS[1], ARGV[3]) == 0 then return 0 end " \
	"redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[2]) "             \
	"return redis.call('XADD', KEYS[1], '*', unpack(ARGV, 4))"

/* ---- a command begins ---- */

PRINTF_LIKE(4, 5)
static void command_refuse(command_done_fn *done, void *arg, enum command_error_code code,
			   const char *fmt, ...)
{
	struct command_error error = { .code = code };
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(error.message, sizeof(error.message), fmt, ap);
	va_end(ap);
	done(command_error_json(&error), arg);
}

/* Takes operators' arguments off the run. 1; 0: not given; -EINVAL and *error. */
static int run_admit(struct command_run *run, const struct command_principal *who,
		     const struct command_arg *arg, struct command_value *value,
		     struct command_error *error)
{
	json_t *given = json_object_get(run->args, arg->name);

	*value = (struct command_value){ 0 };
	if (!given || who->role != COMMAND_FOR_OPERATOR)
		return 0;
	if (command_arg_check(arg, given_json(given), value, error))
		return -EINVAL;
	if (!run->as)
		run->as = json_object();
	(void)json_object_set(run->as, arg->name, given);
	(void)json_object_del(run->args, arg->name);
	return 1;
}

/* An operator may name the tenant that the command is for. Returns 0, or -EINVAL and sets
 * *error. */
static int run_tenant_read(struct command_run *run, const struct command_principal *who,
			   struct command_error *error)
{
	struct command_value value;
	int given = run_admit(run, who, &g_command_tenant, &value, error);

	if (given <= 0)
		return given;
	if (tenants_find(run->node->common.tenants, value.text) == TENANT_NONE) {
		*error = (struct command_error){ .code = COMMAND_NOT_FOUND,
						 .argument = g_command_tenant.name,
						 .message = "there is no such tenant" };
		return -EINVAL;
	}
	(void)bytes_cstr(value.text, run->tenant, sizeof(run->tenant));
	run->of_tenant = true;
	return 0;
}

/* An operator may act for a user, as the HTTP API does for another node's call.
 * 0, or -EINVAL and *error. */
static int run_user_read(struct command_run *run, const struct command_principal *who,
			 struct command_error *error)
{
	struct command_value value;
	int given = run_admit(run, who, &g_command_as, &value, error);

	memcpy(run->user, who->user, sizeof(run->user));
	if (given <= 0)
		return given;
	(void)bytes_cstr(value.text, run->user, sizeof(run->user));
	run->role = COMMAND_FOR_READER;
	run->of_tenant = true;
	return 0;
}

/* An operator may lower the role of a command, as HTTP does for a tenant's token.
 * 0, or -EINVAL and *error. */
static int run_role_read(struct command_run *run, const struct command_principal *who,
			 struct command_error *error)
{
	struct command_value value;
	int given = run_admit(run, who, &g_command_as_role, &value, error);

	if (given <= 0)
		return given;
	if (value.number < run->role)
		run->role = (enum command_role)value.number;
	return 0;
}

/* An operator may narrow a command to a token's patterns, as HTTP does. 0, or -EINVAL, *error. */
static int run_patterns_read(struct command_run *run, const struct command_principal *who,
			     struct command_error *error)
{
	struct command_value value;
	int given = run_admit(run, who, &g_command_as_commands, &value, error);

	memcpy(run->patterns, who->patterns, sizeof(run->patterns));
	if (given > 0 && !run->patterns[0])
		(void)bytes_cstr(value.text, run->patterns, sizeof(run->patterns));
	return given < 0 ? given : 0;
}

/* 0, or -EINVAL and *error. */
static int run_may(const struct command_run *run, const struct command *given,
		   struct command_error *error)
{
	const struct command_right right = command_right_of(run);

	return command_may(given, &right, error) ? 0 : -EINVAL;
}

/* The HTTP API asks so for a token, where another node has the call. 0, or -EINVAL and *error. */
static int run_token_read(struct command_run *run, const struct command_principal *who,
			  struct command_error *error)
{
	struct command_value value;
	int given = run_admit(run, who, &g_command_as_token, &value, error);

	if (given <= 0)
		return given;
	run->door = "http";
	(void)bytes_cstr(value.text, run->by, sizeof(run->by));
	return 0;
}

/* A switch with on=false is the command that undoes it. */
static void run_switch(struct command_run *run)
{
	if (!run->command->off || !json_is_false(json_object_get(run->args, "on")))
		return;
	run->command = command_find(bytes_str(run->command->off));
	(void)json_object_del(run->args, "on");
}

/* Turns a list's own arguments into common ones: rows for a page. 0, or -EINVAL and *error. */
static int run_list(struct command_run *run, struct command_error *error)
{
	struct command_list *l = list_is(run->command) ? calloc(1, sizeof(*l)) : NULL;

	if (!l || list_open(l, run->command, run->args, error)) {
		free(l);
		return l ? -EINVAL : 0;
	}
	run->list = l;
	if (!run->args)
		run->args = json_object();
	if (command_arg_find(run->command, BYTES_LIT("limit")))
		(void)json_object_set_new(run->args, "limit",
					  json_integer((json_int_t)list_source(l)));
	if (command_arg_find(run->command, BYTES_LIT("after")) && l->goes_on && !l->sort[0])
		(void)json_object_set_new(run->args, "after", json_string(l->after.key));
	return 0;
}

/* 0, or -EINVAL and *error. */
static int run_fill(struct command_run *run, const struct command_principal *who,
		    const json_t *args, struct command_error *error)
{
	const struct command *given = run->command;

	run->args = json_deep_copy(args); /* NULL stays NULL */
	if (args && !run->args) {
		*error = (struct command_error){ .code = COMMAND_INTERNAL,
						 .message = "out of memory" };
		return -EINVAL;
	}
	run_switch(run);
	return run_tenant_read(run, who, error) || run_role_read(run, who, error) ||
			       run_user_read(run, who, error) || run_token_read(run, who, error) ||
			       run_patterns_read(run, who, error) || run_may(run, given, error) ||
			       command_user_check(run, error) || run_list(run, error) ||
			       command_check(run->command, run->args, run->values, error)
		       ? -EINVAL
		       : 0;
}

void command_start(struct node *node, const struct command_principal *who, struct bytes name,
		   struct bytes id, const json_t *args, command_done_fn *done, void *arg)
{
	const struct command *command = command_find(name);
	struct command_error error = { 0 };
	struct command_run *run;

	if (!command) {
		command_refuse(done, arg, COMMAND_UNKNOWN_COMMAND,
			       "there is no such command; see help");
		return;
	}
	run = calloc(1, sizeof(*run));
	if (!run) {
		command_refuse(done, arg, COMMAND_INTERNAL, "out of memory");
		return;
	}
	*run = (struct command_run){ .command = command, .node = node, .done = done, .arg = arg };
	memcpy(run->tenant, who->tenant, sizeof(run->tenant));
	run->role = who->role;
	run->source = who->source;
	run->door = who->door ? who->door : "node";
	(void)snprintf(run->by, sizeof(run->by), "%s", who->by ? who->by : "");
	run->file = who->file ? fcntl(who->file - 1, F_DUPFD_CLOEXEC, 0) + 1 : 0;
	run->of_tenant = who->role != COMMAND_FOR_OPERATOR;
	if (bytes_cstr(id, run->id, sizeof(run->id)))
		assert(false && "an id that is too long");
	if (run_fill(run, who, args, &error)) {
		command_end(run, command_error_json(&error));
		return;
	}
	if (node)
		run->version = document_version(run);
	run->ended = command_audit_of(run);
	run->command->fn(run);
}

struct fair_who command_holder(const struct command_run *run)
{
	bool token = run->door && !strcmp(run->door, "http");
	bool operators = run->role == COMMAND_FOR_OPERATOR && !run->of_tenant;

	return (struct fair_who){ .name = { [FAIR_TENANT] = bytes_str(
						    operators ? DIRECTORY_OPERATORS : run->tenant),
					    [FAIR_TOKEN] = bytes_str(token ? run->by : ""),
					    [FAIR_USER] = bytes_str(run->user) } };
}

/* Also one that waits for its lease: its calls are to come. */
static bool is_of_this_node(const struct node *n, uint16_t shard)
{
	for (uint32_t i = 0; i < n->shards->count; i++) {
		if (n->shards->list[i].number == shard)
			return n->shards->list[i].state == NODE_SHARD_LIVE ||
			       (n->shards->list[i].state == NODE_SHARD_WAITING &&
				!node_is_clustered(n));
	}
	return !shard; /* no node has that one */
}

/* The id that names its node. False: any node, or no such id. */
static bool id_of_place(enum command_place place, struct bytes text, uint64_t *id)
{
	uint64_t utc_ms;

	switch (place) {
	case PLACE_ANY:
	case PLACE_NODE:
		break;
	case PLACE_ID:
		return !id_call_get(bytes_sub(text, 0, bytes_find(text, '-')), id);
	case PLACE_TRACE:
		return !trace_name_read(text, id, &utc_ms);
	}
	return false;
}

bool control_is_remote(const struct node *n, struct bytes name, const json_t *args)
{
	const struct command *command = command_find(name);
	uint64_t id;

	for (const struct command_arg *arg = command ? command->args : NULL; arg && arg->name;
	     arg++) {
		const char *text = json_string_value(json_object_get(args, arg->name));

		if (text && arg->place == PLACE_NODE)
			return strcmp(text, n->settings->node.name) != 0;
		if (text && id_of_place(arg->place, bytes_str(text), &id))
			return !is_of_this_node(n, id_shard(id));
	}
	return false;
}

/* It is over: its entry is off the stream, or is read again. */
static void control_job_end(struct control_job *job)
{
	struct control *c = job->control;

	json_decref(job->args);
	assert(c->running > 0 && job->stream->running > 0);
	job->stream->running--;
	*job = (struct control_job){ 0 };
	c->running--;
	c->node->api.jobs--;
	c->ended = true;
	control_wake(c);
}

static void on_passed(int err, const struct redisReply *reply, void *arg)
{
	struct control_job *job = arg;

	if (err || redis_is_error(reply, NULL))
		job->stream->again = true; /* it stays in the stream */
	control_job_end(job);
}

static size_t add(struct bytes *args, size_t n, const char *name, struct bytes value)
{
	if (!value.n)
		return n;
	args[n++] = bytes_str(name);
	args[n++] = value;
	return n;
}

/* Puts it back for its node, and ends the job. False: tried often enough, no node has it. */
static bool control_pass(struct control_job *job, const struct control_entry *e)
{
	struct bytes args[5 + PASS_WORDS_MAX] = { BYTES_LIT("EVAL"), BYTES_LIT(PASS),
						  BYTES_LIT("1"), bytes_str(job->stream->key),
						  bytes_str(job->entry_id) };
	size_t n = 5;

	if (e->passed >= PASSES_MAX)
		return false;
	if (e->passed) /* it came back here: the one that it is for shall be first now */
		job->stream->pause_ns = clock_now_ns() + PASS_PAUSE_NS;
	n = add(args, n, "v", e->version);
	n = add(args, n, "id", e->id);
	n = add(args, n, "do", e->command);
	n = add(args, n, "args", e->args);
	n = add(args, n, "client", e->client);
	n = add(args, n, "ttl_ms", e->ttl_ms ? DECIMAL_TEXT(e->ttl_ms) : (struct bytes){ 0 });
	n = add(args, n, "since", DECIMAL_TEXT(e->added_utc_ms));
	n = add(args, n, "passed", DECIMAL_TEXT(e->passed + 1));
	n = add(args, n, "claim", e->claim);
	n = add(args, n, "sealed", e->sealed);
	if (redis_command(job->control->node->redis->link, args, n, PASS_LIMIT_NS, on_passed, job))
		on_passed(-ENOTCONN, NULL, job);
	return true;
}

/* The key of that kind: "done" by an id, "out" by a client. */
static void control_key(const struct control_job *job, const char *kind, const char *name,
			char out[CONTROL_KEY_MAX])
{
	const char *in = job->stream->key;

	/* keys of a role share the part before "in": "td:{cmd:TENANT}:" or
	 * "td:{cmd:TENANT}:ROLE:" */
	(void)snprintf(out, CONTROL_KEY_MAX, "%.*s%s:%s", (int)(strlen(in) - strlen("in")), in,
		       kind, name);
}

static void move_send(struct control_job *job, struct bytes json)
{
	char mark[CONTROL_ID_MAX + 2], done[CONTROL_KEY_MAX];
	struct bytes args[8 + PASS_WORDS_MAX] = { BYTES_LIT("EVAL"), BYTES_LIT(MOVE),
						  BYTES_LIT("2") };
	size_t n = 8;

	/* claims are per entry: another with the id waits for its answer; one of HTTP stays */
	const char *claim = job->stream->sealed ? job->claim : job->entry_id;

	(void)snprintf(mark, sizeof(mark), "@%s", claim);
	control_key(job, "done", job->id, done);
	args[3] = bytes_str(job->stream->key);
	args[4] = bytes_str(done);
	args[5] = bytes_str(mark);
	args[6] = job->stream->sealed ? BYTES_LIT(CONTROL_SEALED_S) : BYTES_LIT(CONTROL_CLAIM_S);
	args[7] = bytes_str(job->entry_id);
	n = add(args, n, "v", BYTES_LIT("1"));
	n = add(args, n, "id", bytes_str(job->id));
	n = add(args, n, "do", bytes_str(job->command));
	n = add(args, n, job->stream->sealed ? "sealed" : "args", json);
	n = add(args, n, "client", bytes_str(job->client));
	n = add(args, n, "claim", bytes_str(claim));
	if (redis_command(job->control->node->redis->link, args, n, PASS_LIMIT_NS, on_passed, job))
		on_passed(-ENOTCONN, NULL, job);
}

/* Passes a begun command on to the node of these arguments:
 * the entry is put back with them, and the id stays claimed. */
static void control_move(struct control_job *job, const json_t *args)
{
	char *text = json_dumps(args, JSON_COMPACT), *plain = text;

	if (text && job->stream->sealed) {
		text = control_seal(job->control->node, "arguments", job->id, "", bytes_str(plain));
		secret_str_free(plain);
	}
	if (!text) {
		job->stream->again = true; /* it stays in the stream */
		control_job_end(job);
		return;
	}
	move_send(job, bytes_str(text));
	free(text);
}

#define ASK_LIMIT_NS (2 * NS_PER_S)
#define DONE_S       "600"  /* how long the same id gets the same answer */
#define OUT_S        "3600" /* results that nobody reads */

/* KEYS: done, out, in. ARGV: result, seconds, id, entry, client, seconds of out, use of done. */
#define FINISH                                                                                   \
	"if ARGV[7] == 'keep' then redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2]) "          \
	"elseif ARGV[7] == 'drop' then redis.call('DEL', KEYS[1]) end "                          \
	"if ARGV[5] ~= '' then "                                                                 \
	"redis.call('XADD', KEYS[2], 'MAXLEN', '~', 1000, '*', 'id', ARGV[3], 'json', ARGV[1]) " \
	"redis.call('EXPIRE', KEYS[2], ARGV[6]) end "                                            \
	"redis.call('XACK', KEYS[3], 'nodes', ARGV[4]) "                                         \
	"return redis.call('XDEL', KEYS[3], ARGV[4])"

/* What becomes of the id's claim. */
#define KEEP  "keep"  /* the same id gets this answer again */
#define DROP  "drop"  /* nothing is certain to have happened: the same id may run again */
#define LEAVE "leave" /* it is another entry's */

static bool job_is_remote(const struct control_job *job)
{
	return control_is_remote(job->control->node, bytes_str(job->command), job->args);
}

static bool job_is_same(const struct control_job *job, const struct control_stream *s,
			struct bytes id)
{
	return job->used && job->stream == s && bytes_is(id, job->id);
}

static void on_finished(int err, const struct redisReply *reply, void *arg)
{
	struct control_job *job = arg;
	struct bytes text = { 0 };

	/* without an answer the entry may remain: read again, it finds the result or reruns */
	if (redis_is_error(reply, &text) || err) {
		job->stream->again = true;
		LOG_WARN("control", 0, "a result was not stored", LOG_STR("id", job->id),
			 LOG_BYTES("error", text), LOG_INT("code", err));
	}
	control_job_end(job);
}

static void job_finish(struct control_job *job, struct bytes json, const char *claim)
{
	char done[CONTROL_KEY_MAX], out[CONTROL_KEY_MAX];
	struct bytes args[13] = { BYTES_LIT("EVAL"), BYTES_LIT(FINISH), BYTES_LIT("3") };

	control_key(job, "done", job->id, done);
	control_key(job, "out", job->client, out);
	args[3] = bytes_str(done);
	args[4] = bytes_str(out);
	args[5] = bytes_str(job->stream->key);
	args[6] = json;
	args[7] = BYTES_LIT(DONE_S);
	args[8] = bytes_str(job->id);
	args[9] = bytes_str(job->entry_id);
	args[10] = bytes_str(job->client);
	args[11] = BYTES_LIT(OUT_S);
	args[12] = bytes_str(claim);
	if (redis_command(job->control->node->redis->link, args, COUNT_OF(args), ASK_LIMIT_NS,
			  on_finished, job))
		on_finished(-ENOTCONN, NULL, job);
}

/* The digest of the arguments, then the answer: a repeated key with equal arguments gets it. */
static char *answer_sealed(const struct control_job *job, char *plain)
{
	char *text = plain ? control_seal(job->control->node, "answer", job->id, job->claim,
					  bytes_str(plain))
			   : NULL;

	secret_str_free(plain);
	return text;
}

static void finish_json(struct control_job *job, json_t *answer, const char *claim)
{
	char *text = command_answer_text(answer);

	if (job->stream->sealed) {
		text = answer_sealed(job, text);
		if (!strcmp(claim, LEAVE)) /* nobody else has it: it may be sent again */
			claim = DROP;
	}
	if (!text) {
		LOG_ERROR("control", 0, "out of memory: a command has no answer",
			  LOG_STR("id", job->id));
		control_job_end(job);
		return;
	}
	job_finish(job, bytes_str(text), claim);
	free(text);
}

static bool may_run_again(const char *code)
{
	static const enum command_error_code again[] = { COMMAND_BUSY, COMMAND_UNAVAILABLE,
							 COMMAND_UNCERTAIN, COMMAND_INTERNAL };

	for (size_t i = 0; code && i < COUNT_OF(again); i++) {
		if (!strcmp(code, command_error_name(again[i])))
			return true;
	}
	return false;
}

/* A repeated id runs again:
 * readers change nothing, and long lists for polling clients would fill Redis. */
static bool answer_is_kept(const char *name)
{
	const struct command *command = command_find(bytes_str(name));

	return !command || (!command->transient && command->role != COMMAND_FOR_READER);
}

void control_log(const char *command, const char *client, const char *id, bool ok,
		 const char *result)
{
	const struct command *c = command_find(bytes_str(command));

	metric_add(ok ? g_control_metrics.ok : g_control_metrics.failed, 1);
	LOG_AT(c && c->transient ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, "control", 0, "command",
	       LOG_STR("do", command), LOG_STR("client", client), LOG_STR("id", id),
	       LOG_STR("result", result));
}

static void job_on_done(json_t *answer, void *arg)
{
	struct control_job *job = arg;
	const json_t *moved = json_object_get(answer, "moved");
	bool ok = json_is_true(json_object_get(answer, "ok"));
	const char *code =
		json_string_value(json_object_get(json_object_get(answer, "error"), "code"));

	if (moved) {
		control_move(job, moved);
		json_decref(answer);
		return;
	}
	control_log(job->command, job->client, job->id, ok, ok ? "ok" : code ? code : "error");
	finish_json(job, answer,
		    may_run_again(code) || !answer_is_kept(job->command) ? DROP : KEEP);
}

static void job_refuse(struct control_job *job, enum command_error_code code, const char *message,
		       const char *claim)
{
	struct command_error error = { .code = code };

	(void)snprintf(error.message, sizeof(error.message), "%s", message);
	metric_add(g_control_metrics.bad, 1);
	LOG_WARN("control", 0, "command refused", LOG_STR("client", job->client),
		 LOG_STR("id", job->id), LOG_STR("why", message));
	finish_json(job, command_error_json(&error), claim);
}

static void job_refuse_lost(struct control_job *job)
{
	const char *node = json_string_value(json_object_get(job->args, "node"));
	char message[256];

	if (node)
		(void)snprintf(message, sizeof(message),
			       "no node %.63s runs: cluster.status lists those that do", node);
	job_refuse(job, COMMAND_UNAVAILABLE,
		   node ? message : "the node that has it does not run: try again when it does",
		   DROP);
}

static void control_job_run(struct control_job *job)
{
	struct command_principal who = job->stream->who;
	json_t *args = job->args;
	char key[CONTROL_KEY_MAX];

	who.door = "redis";
	who.by = job->client;
	if (job->lost) {
		job_refuse_lost(job);
		return;
	}
	control_key(job, "done", job->id, key); /* each stream has ids of its own */
	job->args = NULL;
	command_start(job->control->node, &who, bytes_str(job->command), bytes_str(key), args,
		      job_on_done, job);
	json_decref(args);
}

/* Ours: by an earlier life of this node, or the one that moved it here. */
static bool claim_is_ours(const struct control_job *job, struct bytes mark)
{
	struct bytes name = bytes_from(mark, 1);

	return bytes_is(name, job->control->consumer) ||
	       (job->claim[0] && bytes_is(name, job->claim));
}

/* The claim's old value: nil: ours now; "@node": another node has it; else the result. */
static void job_on_claimed(int err, const struct redisReply *reply, void *arg)
{
	struct control_job *job = arg;
	struct bytes old = redis_reply_text(reply);

	if (err || redis_is_error(reply, NULL)) {
		job->stream->again = true; /* it stays in the stream */
		control_job_end(job);
		return;
	}
	if (old.n == 0 || (old.p[0] == '@' && claim_is_ours(job, old))) {
		control_job_run(job);
		return;
	}
	if (old.p[0] == '@') {
		control_job_end(
			job); /* another node is at it; should it die, the entry comes again */
		return;
	}
	metric_add(g_control_metrics.repeated, 1);
	job_finish(job, old, LEAVE);
}

static void claim_id(struct control_job *job)
{
	char key[CONTROL_KEY_MAX], mark[80];
	struct bytes args[] = { BYTES_LIT("SET"),
				{ 0 },
				{ 0 },
				BYTES_LIT("NX"),
				BYTES_LIT("GET"),
				BYTES_LIT("EX"),
				BYTES_LIT(CONTROL_CLAIM_S) };

	control_key(job, "done", job->id, key);
	(void)snprintf(mark, sizeof(mark), "@%s",
		       job->stream->sealed ? job->claim : job->control->consumer);
	args[1] = bytes_str(key);
	args[2] = bytes_str(mark);
	if (redis_command(job->control->node->redis->link, args, COUNT_OF(args), ASK_LIMIT_NS,
			  job_on_claimed, job))
		job_on_claimed(-ENOTCONN, NULL, job);
}

/* One at a time: the first leaves a result that the others find. */
static bool is_alone(const struct control *c, const struct control_job *job)
{
	for (size_t i = 0; i < CONTROL_JOBS_MAX; i++) {
		const struct control_job *other = &c->jobs[i];

		if (other != job && !other->waiting &&
		    job_is_same(other, job->stream, bytes_str(job->id)))
			return false;
	}
	return true;
}

void control_jobs_wake(struct control *c)
{
	if (!c->ended)
		return;
	c->ended = false;
	for (size_t i = 0; i < CONTROL_JOBS_MAX; i++) {
		struct control_job *job = &c->jobs[i];

		if (!job->used || !job->waiting || !is_alone(c, job))
			continue;
		job->waiting = false;
		if (job_is_remote(job)) {
			job->stream->again = true; /* it is put back when it is read again */
			control_job_end(job);
		} else {
			claim_id(job);
		}
	}
}

static bool job_entry_is_known(const struct control *c, const struct control_stream *s,
			       struct bytes entry_id)
{
	for (size_t i = 0; c->running && i < CONTROL_JOBS_MAX; i++) {
		if (c->jobs[i].used && c->jobs[i].stream == s &&
		    bytes_is(entry_id, c->jobs[i].entry_id))
			return true;
	}
	return false;
}

static bool is_running(const struct control *c, const struct control_stream *s, struct bytes id)
{
	for (size_t i = 0; id.n && c->running && i < CONTROL_JOBS_MAX; i++) {
		if (job_is_same(&c->jobs[i], s, id))
			return true;
	}
	return false;
}

/* NULL: there is no room, or the stream has its part of it. */
static struct control_job *control_job_start(struct control_stream *s, struct bytes entry_id)
{
	struct control *c = s->link->control;

	for (size_t i = 0; i < CONTROL_JOBS_MAX && s->running < s->link->stream_max; i++) {
		struct control_job *job = &c->jobs[i];

		if (job->used)
			continue;
		*job = (struct control_job){ .used = true, .control = c, .stream = s };
		if (bytes_cstr(entry_id, job->entry_id, sizeof(job->entry_id)))
			job->entry_id[0] = '\0';
		c->running++;
		c->node->api.jobs++;
		s->running++;
		return job;
	}
	return NULL;
}

/* NULL: fine. */
static const char *job_fill(struct control_job *job, struct control_entry *e, bool *running)
{
	const char *wrong = control_entry_check(e);
	bool too_long = bytes_cstr(e->command, job->command, sizeof(job->command));

	*running = is_running(job->control, job->stream, e->id);
	(void)bytes_cstr(e->id, job->id, sizeof(job->id));
	(void)bytes_cstr(e->client, job->client, sizeof(job->client));
	(void)bytes_cstr(e->claim, job->claim, sizeof(job->claim));
	if (wrong || too_long)
		return wrong ? wrong : "do is longer than any command";
	if (job->stream->sealed) {
		job->args = control_unseal(job->control->node, "arguments", job->id, e->sealed);
		return json_is_object(job->args) && strlen(job->claim) == CONTROL_PRINT_LEN
			       ? NULL
			       : "the arguments were sealed with other keys";
	}
	if (e->args.n) {
		job->args = json_loadb((const char *)e->args.p, e->args.n, JSON_REJECT_DUPLICATES,
				       NULL);
	}
	return e->args.n && !json_is_object(job->args) ? "args must be a JSON object" : NULL;
}

/* running: another entry has the same id. */
static void job_start(struct control_job *job, const struct control_entry *entry, bool running)
{
	if (control_entry_is_expired(entry, clock_utc_ms())) {
		job_refuse(job, COMMAND_EXPIRED, "older than its ttl_ms", LEAVE);
		return;
	}
	/* first: what comes back here may overtake the answer to having put it back */
	if (job_is_remote(job) && control_pass(job, entry))
		return;
	job->waiting = running;
	if (running)
		return;
	job->lost = job_is_remote(job);
	claim_id(job);
}

bool control_job_on_entry(struct control_stream *s, struct bytes entry_id,
			  const struct redisReply *fields)
{
	struct control_entry entry;
	struct control_job *job;
	const char *wrong = "the entry's id is not one of Redis";
	bool running = false;

	if (job_entry_is_known(s->link->control, s, entry_id))
		return true;
	job = control_job_start(s, entry_id);
	if (!job)
		return false;
	if (!control_entry_start(&entry, entry_id)) {
		for (size_t i = 0; i + 1 < redis_reply_count(fields); i += 2) {
			control_entry_field(&entry, redis_reply_text(redis_reply_at(fields, i)),
					    redis_reply_text(redis_reply_at(fields, i + 1)));
		}
		wrong = job_fill(job, &entry, &running);
	}
	if (wrong)
		job_refuse(job, COMMAND_BAD_REQUEST, wrong, LEAVE);
	else
		job_start(job, &entry, running);
	return true;
}
