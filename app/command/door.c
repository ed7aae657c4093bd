/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP door to commands, on two threads. The web thread looks up tokens under a lock and turns
 * a request into a checked command (RFC 9110 conditions, RFC 9457 problems); the control thread
 * runs it, sends it to another node through Redis, or finds the answer of an earlier request with
 * the same idempotency key. It also reaps sessions that are over. While Redis is away for long,
 * only clients of this machine are let in, since revoked tokens are not known then.
 */

#include "app/command/door.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "app/command/command_session.h"
#include "app/command/command_watch.h"
#include "app/command/control.h"
#include "app/command/others.h"
#include "app/document/document.h"
#include "app/node/node.h"
#include "app/schema/list.h"
#include "app/schema/openapi.h"
#include "app/schema/route.h"
#include "app/sound/prompt_cache.h"
#include "app/web/web_link.h"
#include "base/clock.h"
#include "base/decimal.h"
#include "base/fair.h"
#include "base/log.h"
#include "base/named.h"
#include "sig/sip/id.h"

/* ---- tokens: the control thread changes them, the web thread looks ---- */

enum { TOKEN_KEY_MAX = TOKEN_TEXT_MAX };

/* The key is "TENANT~NAME": tenants have no numbers on the web thread. */
struct token {
	uint16_t tenant; /* 0 */
	char name[TOKEN_KEY_MAX];
	uint8_t role;
	uint8_t hash[TOKEN_HASH_LEN];
	uint32_t expires_utc_s;
	char commands[TOKEN_COMMANDS_MAX];
	char without[TOKEN_WITHOUT_MAX];
	char user[COMMAND_USER_MAX];
};

/* A command under way, with its principal. */
struct door_work {
	struct command_principal who;
	char token[TOKEN_NAME_MAX]; /* its name; "": none was needed */
	char without[TOKEN_WITHOUT_MAX];
	const struct command *command;
	json_t *args; /* owned */
	char id[CONTROL_ID_MAX];
	bool keyed; /* has an idempotency key: the same again is the same command */
	uint8_t secret[TOKEN_HASH_LEN];    /* of the token */
	char print[CONTROL_PRINT_LEN + 1]; /* keyed: of its arguments */
};

struct door_job {
	struct door *door;
	struct door_work *work;      /* NULL: the place is free */
	uint64_t id;                 /* of the web's */
	struct others_ticket ticket; /* of one that other nodes carry out */
	struct fair_held held;
};

struct door {
	struct node *node;
	pthread_mutex_t lock; /* of tokens */
	struct table tokens;
	uint32_t reap_cursor;     /* in tokens */
	uint64_t reap_ns;         /* when sessions that are over are looked for next */
	_Atomic uint64_t away_ns; /* since when Redis is away; 0: it is there */
	struct web_door web;
	char *openapi;
	char pages[SETTINGS_PATH_MAX + 8];
	struct rand_source rand; /* the web thread's */
	uint32_t running;
	struct fair fair; /* holders of the jobs */
	struct door_job jobs[WEB_CALLS_MAX];
};

enum { LIST_ROWS = 100 };

#define AWAY_NS   (30 * NS_PER_S) /* a token revoked meanwhile is not valid any more */
#define REMOTE_NS (10 * NS_PER_S)
#define REAP_NS   (10 * NS_PER_S)

enum { REAP_LOOKS = 512, REAP_MOST = 16, REAP_AFTER_S = 60 };

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

/* RFC 9457. detail may be of the request: jansson checks its UTF-8.
 * error: of a command, with more members; or NULL. */
static void problem_write(struct web_reply *out, unsigned status, const char *title,
			  const char *code, const char *argument, const char *detail,
			  const json_t *error)
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

static bool look_fails(struct web_reply *out, enum command_error_code code, const char *argument,
		       const char *detail)
{
	problem_write(out, command_error_status(code), g_problems[code], command_error_name(code),
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
		problem_write(out, reply_status(c, code), g_problems[code],
			      command_error_name(code), NULL,
			      json_string_value(json_object_get(error, "message")), error);
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

/* ---- the web thread: a request ---- */

static const struct token *token_find(const struct door *d, struct bytes tenant, struct bytes name)
{
	char key[TOKEN_KEY_MAX];

	(void)snprintf(key, sizeof(key), BYTES_FMT "~" BYTES_FMT, BYTES_ARG(tenant),
		       BYTES_ARG(name));
	return named_find(&d->tokens, 0, bytes_str(key));
}

/* False: the token is not valid. */
static bool who_is(struct door *d, struct bytes text, struct door_work *w)
{
	struct command_principal *who = &w->who;
	struct bytes tenant, name, secret;
	uint8_t hash[TOKEN_HASH_LEN];
	const struct token *t;
	bool is_good;

	if (!token_parts(text, &tenant, &name, &secret))
		return false;
	token_hash(hash, secret);
	(void)pthread_mutex_lock(&d->lock);
	t = token_find(d, tenant, name);
	is_good = t && !CRYPTO_memcmp(t->hash, hash, sizeof(hash)) &&
		  (!t->expires_utc_s || clock_utc_ms() / 1000 < t->expires_utc_s);
	if (is_good) {
		who->role = (enum command_role)t->role;
		memcpy(who->patterns, t->commands, sizeof(who->patterns));
		memcpy(who->user, t->user, sizeof(who->user));
		memcpy(w->without, t->without, sizeof(w->without));
		memcpy(w->secret, t->hash, sizeof(w->secret));
		if (who->user[0])
			who->role = COMMAND_FOR_READER;
	}
	(void)pthread_mutex_unlock(&d->lock);
	return is_good && !bytes_cstr(tenant, who->tenant, sizeof(who->tenant)) &&
	       !bytes_cstr(name, w->token, sizeof(w->token));
}

/* Redis is away too long to learn of revoked tokens: only clients of this machine are let in. */
static bool is_cut_off(struct door *d, const struct web_call *call)
{
	/* relaxed: a time; nothing else hangs on it */
	uint64_t since = atomic_load_explicit(&d->away_ns, memory_order_relaxed);

	return since && !call->from_loopback && clock_now_ns() - since > AWAY_NS;
}

static bool method_read(struct bytes name, enum route_method *out)
{
	for (unsigned i = 0; i < ROUTE_METHODS; i++) {
		if (bytes_is(name, g_route_methods[i])) {
			*out = (enum route_method)i;
			return true;
		}
	}
	return false;
}

/* NULL: *out answers it. */
static const struct route *look_path(const struct web_call *call, struct bytes keys[ROUTE_KEYS],
				     struct web_reply *out)
{
	enum route_method method = ROUTE_METHODS;
	const struct route *r;
	char text[64];

	(void)method_read(call->method, &method);
	r = route_find(method, call->path, keys, out->allow);
	if (r)
		return r;
	(void)snprintf(text, sizeof(text), "allowed: %s", out->allow);
	if (out->allow[0])
		problem_write(out, 405, "Method not allowed", "bad_request", NULL, text, NULL);
	else
		(void)look_fails(out, COMMAND_UNKNOWN_COMMAND, NULL,
				 "docs/api.md has the paths, and GET /v1/help");
	return NULL;
}

/* If-Match and If-None-Match of a change (RFC 9110 13.1) become if_version, which is compared when
 * the document is written. An entity tag is "vVERSION" or "vVERSION-..." (web_api.c). False: *out
 * answers it. */
static bool condition_read(const struct route *r, const struct web_call *call, json_t *args,
			   struct web_reply *out)
{
	struct bytes tag = call->if_match, version;
	uint64_t number;

	if (r->method == ROUTE_GET || (!tag.n && !call->if_none_match.n))
		return true;
	if (!command_changes_document(r->command) ||
	    (call->if_none_match.n && (tag.n || !bytes_is(call->if_none_match, "*"))))
		return !look_fails(out, COMMAND_BAD_REQUEST, NULL,
				   "If-Match is for documents, with the ETag of one or *; "
				   "If-None-Match: * is for one that is not there");
	if (!tag.n || bytes_is(tag, "*"))
		return !json_object_set_new(args, g_command_if_version.name,
					    json_string(tag.n ? "*" : "0"));
	if (tag.n > 3 && tag.p[0] == '"' && tag.p[1] == 'v' && tag.p[tag.n - 1] == '"') {
		tag = bytes_sub(tag, 2, tag.n - 3);
		(void)bytes_cut(&tag, '-', &version);
		if (!bytes_u64(version, &number) && number)
			return !json_object_set_new(args, g_command_if_version.name,
						    json_stringn((const char *)version.p,
								 version.n));
	}
	return !look_fails(out, COMMAND_CHANGED, NULL, "If-Match is no ETag of such a document");
}

/* The body is the file that the command takes. */
static bool call_is_file(const struct web_call *call, const struct command *c)
{
	static const char *const types[] = { "audio/", "text/vcard", "text/x-vcard", "text/csv" };
	size_t i = 0;

	while (i < COUNT_OF(types) && !bytes_istarts(call->content_type, types[i]))
		i++;
	return i < COUNT_OF(types) && command_file(c);
}

/* The arguments of body, path and query. NULL: *out answers it. */
static json_t *look_args(const struct route *r, const struct web_call *call,
			 const struct bytes keys[ROUTE_KEYS], struct web_reply *out)
{
	bool has_json = call->body.n && !call_is_file(call, r->command);
	json_t *args = has_json ? json_loadb((const char *)call->body.p, call->body.n,
					     JSON_REJECT_DUPLICATES, NULL)
				: json_object();
	const char *wrong;
	struct bytes which;
	char name[64];

	if (!json_is_object(args)) {
		json_decref(args);
		(void)look_fails(out, COMMAND_BAD_REQUEST, NULL,
				 command_file(r->command)
					 ? "the body must be a JSON object, or a file with "
					   "Content-Type: audio/wav, audio/ogg, text/vcard or "
					   "text/csv"
					 : "the body must be a JSON object");
		return NULL;
	}
	wrong = route_args(r, keys, call->arguments, args, &which);
	if (!wrong && !condition_read(r, call, args, out)) {
		json_decref(args);
		return NULL;
	}
	if (!wrong) {
		if (list_takes(r->command, BYTES_LIT("limit")) && !json_object_get(args, "limit"))
			(void)json_object_set_new(args, "limit", json_integer(LIST_ROWS));
		return args;
	}
	json_decref(args);
	if (bytes_cstr(which, name, sizeof(name)))
		name[0] = '\0';
	(void)look_fails(out, COMMAND_BAD_ARGUMENT, name[0] ? name : NULL, wrong);
	return NULL;
}

/* As command_start checks it again: here it costs no call anything. */
static bool args_are_right(const struct door_work *w, struct web_reply *out)
{
	static _Thread_local struct command_value values[COMMAND_ARGS_MAX];
	struct command_error error = { 0 };
	json_t *args = json_copy(w->args);
	const struct command *c = w->command;
	bool ok;

	(void)json_object_del(args, g_command_tenant.name);
	if (c->off && json_is_false(json_object_get(args, "on"))) {
		c = command_find(bytes_str(c->off));
		(void)json_object_del(args, "on");
	}
	ok = args && (!w->who.user[0] || !command_own(c, w->who.user, args, &error)) &&
	     !command_check(c, args, values, &error);
	if (!ok)
		(void)look_fails(out, error.code, error.argument, error.message);
	json_decref(args);
	return ok;
}

/* The same key, token and command is the same command; one that changes nothing needs no key.
 * False: malformed. */
static bool work_identify(struct door_work *w, const struct web_call *call,
			  enum route_method method, struct rand_source *rand)
{
	uint8_t hash[TOKEN_HASH_LEN], text[4 * TOKEN_TEXT_MAX];
	struct writer writer = writer_over(w->id, sizeof(w->id) - 1);
	struct writer said = writer_over(text, sizeof(text));

	/* a password goes no way but this */
	w->keyed = call->key.n > 0 && method != ROUTE_GET && !w->command->anyone;
	if (call->key.n > CONTROL_NAME_MAX)
		return false;
	writer_bytes(&said, bytes_mem(w->secret, sizeof(w->secret)));
	WRITER_TEXTS(&said, w->who.tenant, "~", w->token, "~", w->command->name, "~");
	writer_bytes(&said, call->key);
	token_hash(hash, writer_done(&said));
	if (!w->keyed)
		rand_fill(rand, hash, 16);
	writer_str(&writer, "http-");
	writer_hex(&writer, bytes_mem(hash, 16));
	w->id[writer.n] = '\0';
	return true;
}

/* A client without a token names the tenant. False: *out answers it. */
static bool stranger_tenant(struct door_work *w, struct web_reply *out)
{
	json_t *given = json_object_get(w->args, g_command_tenant.name);
	struct command_value value = { .text = BYTES_LIT(TENANT_DEFAULT_NAME) };
	struct command_error error;

	w->who.role = COMMAND_FOR_READER;
	if (given && command_arg_check(&g_command_tenant, given_json(given), &value, &error))
		return !look_fails(out, error.code, error.argument, error.message);
	(void)bytes_cstr(value.text, w->who.tenant, sizeof(w->who.tenant));
	(void)json_object_del(w->args, g_command_tenant.name);
	return true;
}

static void work_clear(struct door_work *w)
{
	if (w->who.file)
		(void)close(w->who.file - 1);
	json_decref(w->args);
}

static void work_free(struct door_work *w)
{
	if (w)
		work_clear(w);
	free(w);
}

/* Takes a file as tandemctl hands it over, without a key: the same again has the same result.
 * False: *out answers it. */
static bool work_take_file(struct door_work *w, const struct web_call *call, struct web_reply *out)
{
	if (!call->body.n || !call_is_file(call, w->command))
		return true;
	w->keyed = false;
	w->who.file = memfd_create("file", MFD_CLOEXEC) + 1;
	if (w->who.file &&
	    pwrite(w->who.file - 1, call->body.p, call->body.n, 0) == (ssize_t)call->body.n)
		return true;
	return !look_fails(out, COMMAND_UNAVAILABLE, NULL, "the node has no room for the file");
}

/* The token allows that command. */
static bool work_may(const struct door_work *w, const struct command *c,
		     struct command_error *error)
{
	const struct command_right right = { w->who.role, w->who.user, w->who.patterns };

	return command_may(c, &right, error);
}

static size_t door_file_max(const struct web_call *call, void *arg)
{
	struct door_work w = { 0 };
	struct bytes keys[ROUTE_KEYS];
	struct command_error unsaid;
	struct web_reply unseen = { 0 };
	const struct route *r = look_path(call, keys, &unseen);

	free(unseen.text);
	return r && call_is_file(call, r->command) && who_is(arg, call->token, &w) &&
			       work_may(&w, r->command, &unsaid)
		       ? PROMPT_OCTETS_MAX
		       : 0;
}

static bool door_who(struct bytes token, struct web_who *out, void *arg)
{
	struct door_work w = { 0 };

	if (!who_is(arg, token, &w))
		return false;
	*out = (struct web_who){ .is_operator = w.who.role == COMMAND_FOR_OPERATOR };
	memcpy(out->tenant, w.who.tenant, sizeof(out->tenant));
	memcpy(out->token, w.token, sizeof(out->token));
	memcpy(out->user, w.who.user, sizeof(out->user));
	return true;
}

static bool door_look(const struct web_call *call, struct web_reply *out, void **work, void *arg)
{
	struct door *d = arg;
	struct door_work w = { 0 };
	struct bytes keys[ROUTE_KEYS];
	const struct route *r;
	struct web_reply unseen = { 0 };
	struct command_error error;
	bool is_known;

	if (is_cut_off(d, call))
		return look_fails(out, COMMAND_UNAVAILABLE, NULL,
				  "Redis is away for longer than 30 s: tokens cannot be checked");
	w.who.source = call->peer;
	is_known = who_is(d, call->token, &w);
	r = look_path(call, keys, is_known ? out : &unseen);
	free(unseen.text);
	if (!is_known && !(r && r->command->anyone)) {
		problem_write(out, 401, "A token is required", "not_allowed", NULL,
			      "Authorization: Bearer TOKEN, as token.create has made it, or "
			      "session.create",
			      NULL);
		return true;
	}
	if (!r)
		return true;
	w.command = r->command;
	if (is_known && !work_may(&w, r->command, &error))
		return look_fails(out, error.code, NULL, error.message);
	if (!work_identify(&w, call, r->method, &d->rand))
		return look_fails(out, COMMAND_BAD_REQUEST, NULL,
				  "Idempotency-Key has at most 64 characters");
	w.args = look_args(r, call, keys, out);
	if (!w.args)
		return true;
	if (!is_known && !stranger_tenant(&w, out)) {
		json_decref(w.args);
		return true;
	}
	*work = malloc(sizeof(w));
	if (*work && args_are_right(&w, out) && work_take_file(&w, call, out)) {
		memcpy(*work, &w, sizeof(w));
		return false;
	}
	work_clear(&w);
	free(*work);
	return out->status ? true : look_fails(out, COMMAND_INTERNAL, NULL, "out of memory");
}

/* ---- the web thread: clients that listen to events ---- */

/* Operators belong to no tenant, wherever their token is. */
static const char *holder_tenant(const struct door_work *w)
{
	return w->who.role == COMMAND_FOR_OPERATOR ? DIRECTORY_OPERATORS : w->who.tenant;
}

static enum command_role listen_role(const struct events_filter *f)
{
	return f->application[0] ? COMMAND_FOR_APPLICATION : COMMAND_FOR_READER;
}

static bool listen_fails(struct web_reply *out, enum command_error_code code, const char *argument,
			 const char *detail)
{
	(void)look_fails(out, code, argument, detail);
	return false;
}

static bool door_listen(const struct web_call *call, struct events_filter *f, struct web_reply *out,
			void *arg)
{
	struct door *d = arg;
	struct door_work w = { 0 };
	char name[32];
	struct bytes argument;
	const char *wrong;

	if (is_cut_off(d, call))
		return listen_fails(out, COMMAND_UNAVAILABLE, NULL,
				    "Redis is away for longer than 30 s: tokens cannot be checked");
	if (!who_is(d, call->token, &w)) {
		problem_write(out, 401, "A token is required", "not_allowed", NULL,
			      "Authorization: Bearer TOKEN, or access_token in the query", NULL);
		return false;
	}
	wrong = events_filter_parse(call->arguments, f, &argument);
	if (wrong)
		return listen_fails(out, COMMAND_BAD_ARGUMENT,
				    bytes_cstr(argument, name, sizeof(name)) ? NULL : name, wrong);
	if (w.who.role < listen_role(f))
		return listen_fails(out, COMMAND_NOT_ALLOWED, NULL,
				    command_role_name(listen_role(f)));
	if (!token_allows(w.who.patterns, TOKEN_EVENTS))
		return listen_fails(out, COMMAND_NOT_ALLOWED, NULL,
				    "this token does not allow the command");
	memcpy(f->without, w.without, sizeof(f->without));
	if (f->watch[0] && w.without[0])
		return listen_fails(out, COMMAND_NOT_ALLOWED, "watch",
				    "this token is not to see who calls");
	(void)snprintf(f->by_tenant, sizeof(f->by_tenant), "%s", holder_tenant(&w));
	memcpy(f->by, w.token, sizeof(f->by));
	memcpy(f->by_user, w.who.user, sizeof(f->by_user));
	if (w.who.user[0])
		memcpy(f->session, w.token, sizeof(f->session));
	if (w.who.user[0] && f->users[0] && strcmp(f->users, w.who.user))
		return listen_fails(out, COMMAND_NOT_ALLOWED, "user",
				    "a user hears of the own extension alone");
	if (w.who.user[0])
		memcpy(f->users, w.who.user, sizeof(w.who.user));
	if (f->tenant[0] && w.who.role != COMMAND_FOR_OPERATOR)
		return listen_fails(out, COMMAND_UNKNOWN_ARGUMENT, "tenant",
				    "it is that of the token");
	if (!f->tenant[0])
		memcpy(f->tenant, w.who.tenant, sizeof(f->tenant));
	return true;
}

static bool door_listens(struct bytes token, bool from_loopback, const struct events_filter *f,
			 void *arg)
{
	struct door *d = arg;
	struct door_work w = { 0 };

	return !is_cut_off(d, &(struct web_call){ .from_loopback = from_loopback }) &&
	       who_is(d, token, &w) && w.who.role >= listen_role(f) &&
	       token_allows(w.who.patterns, TOKEN_EVENTS) && !strcmp(w.without, f->without) &&
	       (!w.who.user[0] || !strcmp(w.who.user, f->users)) &&
	       (w.who.role == COMMAND_FOR_OPERATOR || !strcmp(w.who.tenant, f->tenant));
}

static void door_listeners_full(bool of_tenant, struct web_reply *out, void *arg)
{
	(void)arg;
	(void)look_fails(out, of_tenant ? COMMAND_BUSY : COMMAND_UNAVAILABLE, NULL,
			 of_tenant ? "the tenant, the token or the user has its share of the "
				     "listeners of this node"
				   : "the node has 4096 listeners: try another one");
}

/* ---- the loop's thread: a command ---- */

static void door_answer(struct door_job *job, const struct web_reply *reply)
{
	struct door *d = job->door;
	struct web_reply out = *reply;
	bool ok = reply->status < 400;

	control_log(job->work->command->name, "http", job->work->id, ok ? "ok" : "failed");
	metric_add(ok ? g_control_metrics.ok : g_control_metrics.failed, 1);
	out.id = job->id;
	work_free(job->work);
	fair_give(&d->fair, &job->held);
	others_forget(&job->ticket);
	*job = (struct door_job){ .door = d };
	d->running--;
	if (d->web.asks)
		web_asks_answer(d->web.asks, &out);
	else
		free(out.text);
}

static void job_fail(struct door_job *job, enum command_error_code code, const char *detail)
{
	struct web_reply reply = { 0 };

	(void)look_fails(&reply, code, NULL, detail);
	door_answer(job, &reply);
}

static void door_answer_json(struct door_job *job, json_t *answer)
{
	struct web_reply reply = { 0 };

	reply_of(job->work->command, answer, &reply);
	json_decref(answer);
	door_answer(job, &reply);
}

/* ---- commands for another node, through Redis ---- */

/* Sent as an operator's command that names the tenant: nodes need not read tenants' streams. */
static json_t *args_of_tenant(const struct door_work *w)
{
	json_t *args = json_copy(w->args);

	if (w->who.role != COMMAND_FOR_OPERATOR)
		(void)json_object_set_new(args, g_command_tenant.name, json_string(w->who.tenant));
	if (w->who.user[0])
		(void)json_object_set_new(args, g_command_as.name, json_string(w->who.user));
	else if (w->who.role != COMMAND_FOR_OPERATOR)
		(void)json_object_set_new(args, g_command_as_role.name,
					  json_string(command_role_name(w->who.role)));
	if (w->token[0])
		(void)json_object_set_new(args, g_command_as_token.name, json_string(w->token));
	if (w->who.patterns[0])
		(void)json_object_set_new(args, g_command_as_commands.name,
					  json_string(w->who.patterns));
	return args;
}

static void job_answer_sealed(struct door_job *job, struct bytes text)
{
	json_t *answer = control_unseal(job->door->node, "answer", job->work->id,
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
	job->ticket = (struct others_ticket){ .id = job->work->id,
					      .sealed = job->work->keyed,
					      .held = job->work->keyed,
					      .until_ns = clock_now_ns() + REMOTE_NS,
					      .done = job_on_remote };
	return (struct others_question){ .id = job->work->id,
					 .command = job->work->command->name,
					 .args = args,
					 .print = job->work->keyed ? job->work->print : NULL,
					 .ttl_ms = "10000" };
}

static void job_remote(struct door_job *job)
{
	json_t *args = args_of_tenant(job->work);
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
	} else if (!bytes_is(print, job->work->print)) {
		problem_write(&reply, 422, "The key is another request's", "bad_request", NULL,
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
	others_key(node, true, "done:", job->work->id, done);
	others_key(node, true, "in", "", in);
	others_key(node, true, "count:", holder_tenant(job->work), count);
	(void)snprintf(mark, sizeof(mark), "@%s", job->work->print);
	words[3] = bytes_str(done);
	words[4] = bytes_str(in);
	words[5] = bytes_str(count);
	words[6] = bytes_str(mark);
	words[7] = BYTES_LIT(CONTROL_SEALED_S);
	words[8] = DECIMAL_TEXT(strlen(sealed) + KEYED_OCTETS);
	words[9] = BYTES_LIT(KEYED_OCTETS_MAX);
	n += others_words(node->api.others, &q, words + n);
	if (redis_command(node->redis.link, words, n, REMOTE_NS, job_on_sent, job))
		return false;
	others_await(node->api.others, &job->ticket);
	return true;
}

static void job_keyed(struct door_job *job)
{
	json_t *args = args_of_tenant(job->work);
	char *text = args ? json_dumps(args, JSON_COMPACT) : NULL, *sealed = NULL;

	if (text && control_print(job->door->node, args, job->work->print))
		sealed = control_seal(job->door->node, "arguments", job->work->id, "",
				      bytes_str(text));
	if (!sealed || !job_send(job, sealed))
		job_fail(job, COMMAND_UNAVAILABLE, "it has an Idempotency-Key, and Redis is away");
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
	free(sealed);
	json_decref(args);
}

/* ---- sessions that are over ---- */

static void on_reaped(json_t *answer, void *arg)
{
	(void)arg; /* another node was first, or Redis is away: the next look finds it again */
	json_decref(answer);
}

static void session_reap(struct door *d, const char *key)
{
	struct command_principal who = { .role = COMMAND_FOR_OPERATOR }; /* a login may be one's */
	struct bytes rest = bytes_str(key), tenant = { 0 };
	char id[COMMAND_ID_MAX];
	json_t *args;

	(void)bytes_cut(&rest, '~', &tenant);
	(void)bytes_cstr(tenant, who.tenant, sizeof(who.tenant));
	(void)snprintf(id, sizeof(id), "over " BYTES_FMT, BYTES_ARG(rest));
	args = json_pack("{s:s%}", "name", (const char *)rest.p, rest.n);
	command_start(d->node, &who,
		      bytes_starts(rest, TOKEN_LOGIN) ? BYTES_LIT("token.delete")
						      : BYTES_LIT("session.delete"),
		      bytes_str(id), args, on_reaped, NULL);
	json_decref(args);
}

static bool token_is_over_session(const struct token *t, uint64_t utc_s)
{
	struct bytes rest = bytes_str(t->name), tenant;

	return bytes_cut(&rest, '~', &tenant) && t->expires_utc_s &&
	       (bytes_starts(rest, TOKEN_SESSION) || bytes_starts(rest, TOKEN_LOGIN)) &&
	       t->expires_utc_s + REAP_AFTER_S < utc_s;
}

/* A few at a time. */
static void sessions_reap(struct door *d, uint64_t now_ns)
{
	char over[REAP_MOST][TOKEN_KEY_MAX];
	uint64_t utc_s = clock_utc_ms() / 1000;
	const struct token *t = NULL;
	size_t count = 0;

	if (now_ns < d->reap_ns || d->node->life.phase != NODE_RUNNING)
		return;
	d->reap_ns = now_ns + REAP_NS;
	(void)pthread_mutex_lock(&d->lock);
	for (size_t i = 0; i < REAP_LOOKS && count < REAP_MOST; i++) {
		t = named_next(&d->tokens, &d->reap_cursor);
		if (!t)
			break;
		if (token_is_over_session(t, utc_s))
			memcpy(over[count++], t->name, TOKEN_KEY_MAX);
	}
	(void)pthread_mutex_unlock(&d->lock);
	if (!t)
		d->reap_cursor = 0;
	for (size_t i = 0; i < count; i++)
		session_reap(d, over[i]);
}

void door_expire(struct door *d, uint64_t now_ns)
{
	if (!d || !d->node->redis.link)
		return;
	bool is_there = redis_is_connected(d->node->redis.link);
	uint64_t since = atomic_load_explicit(&d->away_ns, memory_order_relaxed);

	if (is_there == (since != 0))
		atomic_store_explicit(&d->away_ns, is_there ? 0 : now_ns, memory_order_relaxed);
	if (is_there)
		sessions_reap(d, now_ns);
}

uint32_t door_running(const struct door *d)
{
	return d ? d->running : 0;
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

/* NULL: no place, or the principal has its share of them. */
static struct door_job *door_job_start(struct door *d, const struct web_work *w)
{
	const struct door_work *work = w->work;
	const struct fair_who who = { .name = { [FAIR_TENANT] = bytes_str(holder_tenant(work)),
						[FAIR_TOKEN] = bytes_str(work->token),
						[FAIR_USER] = bytes_str(work->who.user) } };
	struct fair_held held = { 0 };

	if (fair_admit(&d->fair, &who, 1, &held) != FAIR_FINE)
		return NULL;
	for (size_t i = 0; i < WEB_CALLS_MAX; i++) {
		struct door_job *job = &d->jobs[i];

		if (job->work)
			continue;
		*job = (struct door_job){ .door = d, .work = w->work, .id = w->id, .held = held };
		d->running++;
		return job;
	}
	fair_give(&d->fair, &held);
	return NULL;
}

static void door_job_run(struct door_job *job)
{
	struct node *n = job->door->node;
	const struct door_work *w = job->work;
	struct bytes name = bytes_str(w->command->name);

	if (n->life.phase == NODE_STARTING) {
		job_fail(job, COMMAND_UNAVAILABLE, "the node starts, and may wait for Redis");
	} else if (n->life.phase == NODE_STOPPING) {
		job_fail(job, COMMAND_UNAVAILABLE, "the node is stopping");
	} else if (!w->command->anyone &&
		   tenants_find(n->common.tenants, bytes_str(w->who.tenant)) == TENANT_NONE) {
		job_fail(job, COMMAND_NOT_FOUND, "there is no such tenant");
	} else if (w->who.user[0] &&
		   !command_session_counts(n, w->who.tenant, w->who.user, w->token)) {
		job_fail(job, COMMAND_NOT_ALLOWED,
			 "the session is over: the extension has another password, or is gone");
	} else if (w->keyed) {
		job_keyed(job);
	} else if (control_is_remote(n, name, w->args)) {
		job_remote(job);
	} else {
		struct command_principal who = w->who;
		json_t *args = json_incref(w->args);
		char id[CONTROL_ID_MAX];

		who.door = "http";
		who.by = w->token;
		if (who.role == COMMAND_FOR_OPERATOR)
			(void)snprintf(who.tenant, sizeof(who.tenant), "%s", NODE_TENANT);
		memcpy(id, w->id, sizeof(id));
		command_start(n, &who, name, bytes_str(id), args, on_done, job);
		json_decref(args);
	}
}

static void on_work(const void *item, void *arg)
{
	const struct web_work *w = item;
	struct door *d = arg;
	struct door_job *job = door_job_start(d, w);
	struct web_reply full = { .id = w->id };

	if (job) {
		door_job_run(job);
		return;
	}
	work_free(w->work);
	(void)look_fails(&full, COMMAND_BUSY, NULL,
			 "too many commands of the tenant, the token or the user are under way");
	web_asks_answer(d->web.asks, &full);
}

/* ---- life ---- */

void door_setup(void)
{
	route_setup();
}

static char *door_openapi(void)
{
	json_t *json = openapi_json();
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	return text;
}

int door_open(struct door **out, struct node *node)
{
	struct door *d = calloc(1, sizeof(*d));
	int err = d ? -pthread_mutex_init(&d->lock, NULL) : -ENOMEM;

	if (!err)
		err = table_open(&d->tokens, DOOR_TOKENS_MAX);
	if (!err) {
		d->web.openapi = d->openapi = door_openapi();
		err = d->openapi ? 0 : -ENOMEM;
	}
	if (!err)
		err = web_asks_open(&d->web.asks,
				    (struct web_asks_size){ sizeof(struct web_work),
							    sizeof(struct web_reply),
							    WEB_CALLS_MAX },
				    on_work, d);
	if (err) {
		free(d);
		return err;
	}
	d->node = node;
	d->web.swagger_ui = node->settings.http.swagger_ui;
	(void)snprintf(d->pages, sizeof(d->pages), "%s/pages", node->settings.node.state_dir);
	d->web.pages[0] = d->pages;
	d->web.pages[1] = node->settings.http.pages;
	d->web.files_port = (uint16_t)node->settings.recordings.port;
	rand_open_system(&d->rand);
	fair_open(&d->fair, WEB_CALLS_MAX, &d->rand);
	d->web.who = door_who;
	d->web.look = door_look;
	d->web.file_max = door_file_max;
	d->web.listen = door_listen;
	d->web.listens = door_listens;
	d->web.full = door_listeners_full;
	d->web.place = &node->redis.place;
	d->web.arg = d;
	*out = d;
	return command_watch_open(node, &d->web.watches);
}

void door_shut(struct door *d)
{
	struct web_reply reply;
	struct web_work left;

	if (!d || !d->web.asks)
		return;
	while (web_asks_left(d->web.asks, &left))
		work_free(left.work);
	while (web_asks_pop(d->web.asks, &reply))
		free(reply.text);
	web_asks_close(d->web.asks);
	d->web.asks = NULL;
	command_watch_close(d->node);
	d->web.watches = NULL;
}

void door_close(struct door *d)
{
	if (!d)
		return;
	door_shut(d);
	for (size_t i = 0; i < WEB_CALLS_MAX; i++)
		work_free(d->jobs[i].work);
	free(d->openapi);
	fair_close(&d->fair);
	named_close(&d->tokens);
	(void)pthread_mutex_destroy(&d->lock);
	free(d);
}

const struct web_door *door_web(const struct door *d)
{
	return &d->web;
}

/* ---- the control thread changes tokens ---- */

static void token_key(char key[TOKEN_KEY_MAX], const char *tenant, const char *name)
{
	(void)snprintf(key, TOKEN_KEY_MAX, "%s~%s", tenant, name);
}

int door_token_put(struct door *d, const char *tenant, const struct token_value *v)
{
	char key[TOKEN_KEY_MAX];
	struct token *t;
	int err = 0;
	size_t n;

	token_key(key, tenant, v->name);
	(void)pthread_mutex_lock(&d->lock);
	t = named_put(&d->tokens, 0, bytes_str(key), sizeof(*t), &err);
	if (t) {
		t->role = v->role;
		t->expires_utc_s = v->expires_utc_s;
		memcpy(t->commands, v->commands, sizeof(t->commands));
		memcpy(t->user, v->user, sizeof(t->user));
		memcpy(t->without, v->without, sizeof(t->without));
		(void)hex_decode(bytes_str(v->hash), t->hash, sizeof(t->hash), &n);
	}
	(void)pthread_mutex_unlock(&d->lock);
	return err;
}

uint32_t door_sessions(struct door *d, const char *tenant,
		       bool (*counts)(void *arg, const char *name, const char *user), void *arg)
{
	uint64_t utc_s = clock_utc_ms() / 1000;
	uint32_t cursor = 0, count = 0;
	const struct token *t;

	(void)pthread_mutex_lock(&d->lock);
	while ((t = named_next(&d->tokens, &cursor)) != NULL) {
		struct bytes name = bytes_str(t->name), of;

		count += t->expires_utc_s > utc_s && bytes_cut(&name, '~', &of) &&
			 bytes_is(of, tenant) && bytes_starts(name, TOKEN_SESSION) &&
			 counts(arg, (const char *)name.p, t->user);
	}
	(void)pthread_mutex_unlock(&d->lock);
	return count;
}

void door_token_delete(struct door *d, const char *tenant, const char *name)
{
	char key[TOKEN_KEY_MAX];
	struct token *t;

	token_key(key, tenant, name);
	(void)pthread_mutex_lock(&d->lock);
	t = named_find(&d->tokens, 0, bytes_str(key));
	if (t)
		named_remove(&d->tokens, t);
	(void)pthread_mutex_unlock(&d->lock);
	free(t);
}
