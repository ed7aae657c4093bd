/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control thread's half of the HTTP door: a checked command is admitted by the shares of its
 * tenant, token and user, and runs here, or at the node of its object through Redis; one with an
 * idempotency key is claimed by that key in Redis first, with its arguments sealed. Its answer goes
 * to the web thread as the result alone, or as a problem (RFC 9457).
 */

#include "app/command/door_job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/command/command_session.h"
#include "app/document/directory.h"
#include "app/node/node.h"
#include "app/node/node_life.h"
#include "app/node/node_wait.h"
#include "base/clock.h"
#include "base/decimal.h"
#include "base/fair.h"

#define REMOTE_NS (10 * NS_PER_S)

const char *door_holder(const struct door_job *job)
{
	return job->who.role == COMMAND_FOR_OPERATOR ? DIRECTORY_OPERATORS : job->who.tenant;
}

void door_job_clear(struct door_job *job)
{
	if (job->who.file)
		(void)close(job->who.file - 1);
	page_free(job->page);
	json_decref(job->args);
}

void door_job_free(struct door_job *job)
{
	if (job)
		door_job_clear(job);
	free(job);
}

/* ---- what is wrong ---- */

static const char *const g_problems[COMMAND_ERROR_CODES] = {
	[COMMAND_BAD_REQUEST] = "Bad request",
	[COMMAND_UNKNOWN_COMMAND] = "No such path",
	[COMMAND_UNKNOWN_ARGUMENT] = "Unknown argument",
	[COMMAND_MISSING_ARGUMENT] = "Missing argument",
	[COMMAND_BAD_ARGUMENT] = "Invalid argument",
	[COMMAND_NOT_ALLOWED] = "Not allowed",
	[COMMAND_NOT_FOUND] = "Not found",
	[COMMAND_CONFLICT] = "Conflict with the current state",
	[COMMAND_CHANGED] = "Changed by another client",
	[COMMAND_FULL] = "Limit reached",
	[COMMAND_NO_SEAT] = "No seat",
	[COMMAND_BUSY] = "Too many at once",
	[COMMAND_EXPIRED] = "Expired",
	[COMMAND_UNAVAILABLE] = "Not available now",
	[COMMAND_UNCERTAIN] = "Outcome unknown",
	[COMMAND_INTERNAL] = "Internal error",
};

void door_problem(struct web_reply *out, unsigned status, const char *title, const char *code,
		  const char *argument, const char *detail, const json_t *error)
{
	json_t *json = json_pack("{s:s, s:s, s:i, s:s*, s:s*, s:s*}", "type", "about:blank",
				 "title", title, "status", (int)status, "code", code, "argument",
				 argument, "detail", detail);

	if (json && error)
		(void)json_object_update_missing(json, (json_t *)(uintptr_t)error);
	(void)json_object_del(json, "message"); /* it is the detail */
	out->status = status;
	out->text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	out->n = out->text ? strlen(out->text) : 0;
	json_decref(json);
}

bool door_fails(struct web_reply *out, enum command_error_code code, const char *argument,
		const char *detail)
{
	door_problem(out, command_error_status(code), g_problems[code], command_error_name(code),
		     argument, detail, NULL);
	return true;
}

/* A command that takes a password in place of a token is refused with 401 (RFC 9110 15.5.2). */
static unsigned reply_status(const struct command *c, enum command_error_code code)
{
	bool by_password = c->anyone && command_arg_find(c, BYTES_LIT("password"));

	return code == COMMAND_NOT_ALLOWED && by_password ? 401 : command_error_status(code);
}

/* Their names, as far as there is room. */
static void reply_misses(struct web_reply *out, const json_t *names)
{
	struct writer w = writer_over(out->missing, sizeof(out->missing) - 1);
	const json_t *name;
	size_t i;

	json_array_foreach(names, i, name) WRITER_TEXTS(&w, i ? ", " : "", json_string_value(name));
	out->missing[w.n] = '\0';
}

/* A command's answer for HTTP: the result alone, or the problem. */
static void reply_of(const struct command *c, const json_t *answer, struct web_reply *out)
{
	const json_t *error = json_object_get(answer, "error");
	const char *next;
	enum command_error_code code;

	if (error) {
		code = command_error_named(json_string_value(json_object_get(error, "code")));
		door_problem(out, reply_status(c, code), g_problems[code], command_error_name(code),
			     NULL, json_string_value(json_object_get(error, "message")), error);
		return;
	}
	out->status = 200;
	next = json_string_value(json_object_get(answer, "next"));
	if (next && bytes_cstr(bytes_str(next), out->next, sizeof(out->next)))
		out->next[0] = '\0';
	reply_misses(out, json_object_get(answer, "missing"));
	out->version = (uint64_t)json_integer_value(json_object_get(answer, "version"));
	out->text = command_result_text(answer);
	out->n = out->text ? strlen(out->text) : 0;
}

/* ---- the loop's thread: a command ---- */

static void door_answer(struct door_job *job, const struct web_reply *reply)
{
	struct door *d = job->door;
	struct web_reply out = *reply;
	bool ok = reply->status < 400;

	control_log(job->page ? job->page->page->path : job->command->name, "http", job->id, ok,
		    ok ? "ok" : "failed");
	out.id = job->call;
	fair_give(&d->fair, &job->held);
	others_forget(&job->ticket);
	door_job_free(job);
	d->node->api.jobs--;
	if (d->web.asks)
		web_asks_answer(d->web.asks, &out);
	else
		free(out.text);
}

static void job_fail(struct door_job *job, enum command_error_code code, const char *detail)
{
	struct web_reply reply = { 0 };

	(void)door_fails(&reply, code, NULL, detail);
	door_answer(job, &reply);
}

static void door_answer_json(struct door_job *job, json_t *answer)
{
	struct web_reply reply = { 0 };

	reply_of(job->command, answer, &reply);
	json_decref(answer);
	door_answer(job, &reply);
}

/* ---- commands for another node, through Redis ---- */

/* Sent as an operator's command that names the tenant: nodes need not read tenants' streams. */
static json_t *args_of_tenant(const struct door_job *job)
{
	json_t *args = json_copy(job->args);

	if (job->who.role != COMMAND_FOR_OPERATOR)
		(void)json_object_set_new(args, g_command_tenant.name,
					  json_string(job->who.tenant));
	if (job->who.user[0])
		(void)json_object_set_new(args, g_command_as.name, json_string(job->who.user));
	else if (job->who.role != COMMAND_FOR_OPERATOR)
		(void)json_object_set_new(args, g_command_as_role.name,
					  json_string(command_role_name(job->who.role)));
	if (job->token[0])
		(void)json_object_set_new(args, g_command_as_token.name, json_string(job->token));
	if (job->who.patterns[0])
		(void)json_object_set_new(args, g_command_as_commands.name,
					  json_string(job->who.patterns));
	return args;
}

static void job_answer_sealed(struct door_job *job, struct bytes text)
{
	json_t *answer = control_unseal(job->door->node, "answer", job->id,
					bytes_from(text, CONTROL_PRINT_LEN));

	if (answer)
		door_answer_json(job, answer);
	else
		job_fail(job, COMMAND_INTERNAL, "the answer was sealed with other keys");
}

static void job_on_remote(struct others_ticket *t, struct bytes text)
{
	struct door_job *job = CONTAINER_OF(t, struct door_job, ticket);
	json_t *answer;

	if (!text.p) {
		job_fail(job, COMMAND_UNCERTAIN, "no node has answered in 10 s");
		return;
	}
	if (t->sealed) {
		job_answer_sealed(job, text);
		return;
	}
	answer = json_loadb((const char *)text.p, text.n, 0, NULL);
	if (answer)
		door_answer_json(job, answer);
	else
		job_fail(job, COMMAND_INTERNAL, "another node's answer is no JSON");
}

/* print: of a sealed one. */
static struct others_question job_question(struct door_job *job, const char *args)
{
	job->ticket = (struct others_ticket){ .id = job->id,
					      .sealed = job->keyed,
					      .held = job->keyed,
					      .until_ns = clock_now_ns() + REMOTE_NS,
					      .done = job_on_remote };
	return (struct others_question){ .id = job->id,
					 .command = job->command->name,
					 .args = args,
					 .print = job->keyed ? job->print : NULL,
					 .ttl_ms = "10000" };
}

static void job_remote(struct door_job *job)
{
	json_t *args = args_of_tenant(job);
	char *text = args ? json_dumps(args, JSON_COMPACT) : NULL;
	struct others_question q = job_question(job, text);
	struct others *e = job->door->node->api.others;

	if (!text || !e || !others_request(e, &job->ticket, &q))
		job_fail(job, COMMAND_UNAVAILABLE, "another node has it, and Redis is away");
	free(text);
	json_decref(args);
}

/* ---- commands with an idempotency key: claimed by it before anybody sees them, and sealed ---- */

/* KEYS: done, in, count. ARGV: "@PRINT", seconds, octets, most octets, the entry. Returns the
 * former value, "full", or nothing: sent. */
#define SEND                                                                                  \
	"local old = redis.call('GET', KEYS[1]) if old then return old end if "               \
	"redis.call('INCRBY', KEYS[3], ARGV[3]) > tonumber(ARGV[4]) then return 'full' end "  \
	"redis.call('EXPIRE', KEYS[3], 600, 'NX') redis.call('SET', KEYS[1], ARGV[1], 'EX', " \
	"ARGV[2]) redis.call('XADD', KEYS[2], '*', unpack(ARGV, 5)) return false"
/* Limit for all keys of a tenant in ten minutes; each has an answer of its own, too. */
#define KEYED_OCTETS_MAX "67108864"

enum { KEYED_OCTETS = 1024 };

/* That key was sent before. */
static void job_on_known(struct door_job *job, struct bytes old)
{
	bool runs = old.p[0] == '@';
	struct bytes print = bytes_sub(runs ? bytes_from(old, 1) : old, 0, CONTROL_PRINT_LEN);
	struct web_reply reply = { 0 };

	if (bytes_is(old, "full")) {
		job_fail(job, COMMAND_BUSY, "too many keys of the tenant in ten minutes");
	} else if (!bytes_is(print, job->print)) {
		door_problem(&reply, 422, "The key is another request's", "bad_request", NULL,
			     "this Idempotency-Key was sent with other arguments: take another "
			     "one",
			     NULL);
		door_answer(job, &reply);
	} else if (runs) {
		job_fail(job, COMMAND_CONFLICT,
			 "a request with this Idempotency-Key is under way: try again");
	} else {
		metric_add(g_control_metrics.repeated, 1);
		job_answer_sealed(job, old);
	}
}

static void job_on_sent(int err, const struct redisReply *reply, void *arg)
{
	struct door_job *job = arg;
	struct bytes old = redis_reply_text(reply);

	others_release(&job->ticket);
	if (err || redis_is_error(reply, NULL))
		job_fail(job, COMMAND_UNCERTAIN,
			 "Redis does not say whether it has the command: send it again with its "
			 "key");
	else if (old.n)
		job_on_known(job, old);
}

static bool job_send(struct door_job *job, const char *sealed)
{
	struct node *node = job->door->node;
	const struct others_question q = job_question(job, sealed);
	char done[CONTROL_KEY_MAX], in[CONTROL_KEY_MAX], count[CONTROL_KEY_MAX],
		mark[CONTROL_PRINT_LEN + 2];
	struct bytes words[10 + OTHERS_WORDS] = { BYTES_LIT("EVAL"), BYTES_LIT(SEND),
						  BYTES_LIT("3") };
	size_t n = 10;

	if (!node->api.others)
		return false;
	others_key(node, true, "done:", job->id, done);
	others_key(node, true, "in", "", in);
	others_key(node, true, "count:", door_holder(job), count);
	(void)snprintf(mark, sizeof(mark), "@%s", job->print);
	words[3] = bytes_str(done);
	words[4] = bytes_str(in);
	words[5] = bytes_str(count);
	words[6] = bytes_str(mark);
	words[7] = BYTES_LIT(CONTROL_SEALED_S);
	words[8] = DECIMAL_TEXT(strlen(sealed) + KEYED_OCTETS);
	words[9] = BYTES_LIT(KEYED_OCTETS_MAX);
	n += others_words(node->api.others, &q, words + n);
	if (redis_command(node->redis->link, words, n, REMOTE_NS, job_on_sent, job))
		return false;
	others_await(node->api.others, &job->ticket);
	return true;
}

static void job_keyed(struct door_job *job)
{
	json_t *args = args_of_tenant(job);
	char *text = args ? json_dumps(args, JSON_COMPACT) : NULL, *sealed = NULL;

	if (text && control_print(job->door->node, args, job->print))
		sealed = control_seal(job->door->node, "arguments", job->id, "", bytes_str(text));
	if (!sealed || !job_send(job, sealed))
		job_fail(job, COMMAND_UNAVAILABLE, "it has an Idempotency-Key, and Redis is away");
	secret_str_free(text);
	free(sealed);
	json_decref(args);
}

/* ---- here ---- */

static void on_done(json_t *answer, void *arg)
{
	struct door_job *job = arg;

	if (!json_object_get(answer, "moved")) {
		door_answer_json(job, answer);
		return;
	}
	json_decref(answer);
	job_remote(job);
}

/* False: no place, or the principal has its share of them. */
static bool job_admit(struct door *d, struct door_job *job)
{
	const struct fair_who who = { .name = { [FAIR_TENANT] = bytes_str(door_holder(job)),
						[FAIR_TOKEN] = bytes_str(job->token),
						[FAIR_USER] = bytes_str(job->who.user) } };

	return fair_admit(&d->fair, &who, 1, &job->held) == FAIR_FINE;
}

static void job_on_page(struct page_run *run, const struct page_answer *answer, void *arg)
{
	struct web_reply reply;

	page_reply(run->page, answer, &reply);
	door_answer(arg, &reply);
}

static void door_page_run(struct door_job *job)
{
	struct page_run *run = job->page;

	run->done = job_on_page;
	run->arg = job;
	if (job->token[0] &&
	    !command_session_counts(job->door->node, job->who.tenant, job->who.user, job->token))
		page_refuse(run, 401, "the session is over");
	else
		page_start(run, job->door->node);
}

static void door_job_run(struct door_job *job)
{
	struct node *n = job->door->node;
	struct bytes name = bytes_str(job->command ? job->command->name : "");

	if (n->life->phase == NODE_STARTING) {
		job_fail(job, COMMAND_UNAVAILABLE, "the node starts, and may wait for Redis");
	} else if (n->life->phase == NODE_STOPPING) {
		job_fail(job, COMMAND_UNAVAILABLE, "the node is stopping");
	} else if (job->page) {
		door_page_run(job);
	} else if (!job->command->anyone &&
		   tenants_find(n->common.tenants, bytes_str(job->who.tenant)) == TENANT_NONE) {
		job_fail(job, COMMAND_NOT_FOUND, "there is no such tenant");
	} else if (job->who.user[0] &&
		   !command_session_counts(n, job->who.tenant, job->who.user, job->token)) {
		job_fail(job, COMMAND_NOT_ALLOWED,
			 "the session is over: the extension has another password, or is gone");
	} else if (job->keyed) {
		job_keyed(job);
	} else if (control_is_remote(n, name, job->args)) {
		job_remote(job);
	} else {
		struct command_principal who = job->who;
		json_t *args = json_incref(job->args);
		char id[CONTROL_ID_MAX];

		who.door = "http";
		who.by = job->token;
		if (who.role == COMMAND_FOR_OPERATOR)
			(void)snprintf(who.tenant, sizeof(who.tenant), "%s", NODE_TENANT);
		memcpy(id, job->id, sizeof(id));
		command_start(n, &who, name, bytes_str(id), args, on_done, job);
		json_decref(args);
	}
}

void door_on_work(const void *item, void *arg)
{
	const struct web_work *w = item;
	struct door_job *job = w->work;
	struct door *d = arg;
	struct web_reply full = { .id = w->id };

	job->door = d;
	job->call = w->id;
	if (job_admit(d, job)) {
		d->node->api.jobs++;
		door_job_run(job);
		return;
	}
	door_job_free(job);
	(void)door_fails(&full, COMMAND_BUSY, NULL,
			 "too many commands of the tenant, the token or the user are under way");
	web_asks_answer(d->web.asks, &full);
}
