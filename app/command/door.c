/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The web thread's half of the HTTP door to commands, and its life. It looks up tokens and turns a
 * request into a checked command (RFC 9110 conditions), or refuses it; door_job.c carries that out.
 * While Redis is away for long, only clients of this machine are let in, since revoked tokens are
 * not known then. The control thread also deletes sessions that are over.
 */

#include "app/command/door.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "app/command/command_session.h"
#include "app/command/command_watch.h"
#include "app/command/door_job.h"
#include "app/command/tokens.h"
#include "app/document/document.h"
#include "app/node/node.h"
#include "app/node/node_life.h"
#include "app/node/node_wait.h"
#include "app/schema/list.h"
#include "app/schema/openapi.h"
#include "app/schema/route.h"
#include "app/settings/settings.h"
#include "app/sound/prompt_cache.h"
#include "app/web/web_link.h"
#include "base/clock.h"
#include "base/fair.h"

enum { LIST_ROWS = 100 };

#define AWAY_NS (30 * NS_PER_S) /* a token revoked meanwhile is not valid any more */
#define REAP_NS (10 * NS_PER_S)

enum { REAP_MOST = 16 };

/* ---- the web thread: a request ---- */

/* False: the token is not valid. */
static bool who_is(struct door *d, struct bytes text, struct door_job *job)
{
	struct command_principal *who = &job->who;
	struct bytes tenant, name, secret;
	struct token t;

	if (!token_parts(text, &tenant, &name, &secret) ||
	    !tokens_find(d->tokens, tenant, name, secret, &t))
		return false;
	who->role = t.user[0] ? COMMAND_FOR_READER : (enum command_role)t.role;
	memcpy(who->patterns, t.commands, sizeof(who->patterns));
	memcpy(who->user, t.user, sizeof(who->user));
	memcpy(job->without, t.without, sizeof(job->without));
	memcpy(job->secret, t.hash, sizeof(job->secret));
	return !bytes_cstr(tenant, who->tenant, sizeof(who->tenant)) &&
	       !bytes_cstr(name, job->token, sizeof(job->token));
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
		door_problem(out, 405, "Method not allowed", "bad_request", NULL, text, NULL);
	else
		(void)door_fails(out, COMMAND_UNKNOWN_COMMAND, NULL,
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
		return !door_fails(out, COMMAND_BAD_REQUEST, NULL,
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
	return !door_fails(out, COMMAND_CHANGED, NULL, "If-Match is no ETag of such a document");
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
		(void)door_fails(out, COMMAND_BAD_REQUEST, NULL,
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
	(void)door_fails(out, COMMAND_BAD_ARGUMENT, name[0] ? name : NULL, wrong);
	return NULL;
}

/* As command_start checks it again: here it costs no call anything. */
static bool args_are_right(const struct door_job *job, struct web_reply *out)
{
	static _Thread_local struct command_value values[COMMAND_ARGS_MAX];
	struct command_error error = { 0 };
	json_t *args = json_copy(job->args);
	const struct command *c = job->command;
	bool ok;

	(void)json_object_del(args, g_command_tenant.name);
	if (c->off && json_is_false(json_object_get(args, "on"))) {
		c = command_find(bytes_str(c->off));
		(void)json_object_del(args, "on");
	}
	ok = args && (!job->who.user[0] || !command_own(c, job->who.user, args, &error)) &&
	     !command_check(c, args, values, &error);
	if (!ok)
		(void)door_fails(out, error.code, error.argument, error.message);
	json_decref(args);
	return ok;
}

/* The same key, token and command is the same command; one that changes nothing needs no key.
 * False: malformed. */
static bool job_identify(struct door_job *job, const struct web_call *call,
			 enum route_method method, struct rand_source *rand)
{
	uint8_t hash[TOKEN_HASH_LEN], text[4 * TOKEN_TEXT_MAX];
	struct writer writer = writer_over(job->id, sizeof(job->id) - 1);
	struct writer said = writer_over(text, sizeof(text));

	/* a password goes no way but this */
	job->keyed = call->key.n > 0 && method != ROUTE_GET && !job->command->anyone;
	if (call->key.n > CONTROL_NAME_MAX)
		return false;
	writer_bytes(&said, bytes_mem(job->secret, sizeof(job->secret)));
	WRITER_TEXTS(&said, job->who.tenant, "~", job->token, "~", job->command->name, "~");
	writer_bytes(&said, call->key);
	token_hash(hash, writer_done(&said));
	if (!job->keyed)
		rand_fill(rand, hash, 16);
	writer_str(&writer, "http-");
	writer_hex(&writer, bytes_mem(hash, 16));
	job->id[writer.n] = '\0';
	return true;
}

/* A client without a token names the tenant. False: *out answers it. */
static bool stranger_tenant(struct door_job *job, struct web_reply *out)
{
	json_t *given = json_object_get(job->args, g_command_tenant.name);
	struct command_value value = { .text = BYTES_LIT(TENANT_DEFAULT_NAME) };
	struct command_error error;

	job->who.role = COMMAND_FOR_READER;
	if (given && command_arg_check(&g_command_tenant, given_json(given), &value, &error))
		return !door_fails(out, error.code, error.argument, error.message);
	(void)bytes_cstr(value.text, job->who.tenant, sizeof(job->who.tenant));
	(void)json_object_del(job->args, g_command_tenant.name);
	return true;
}

/* Takes a file as tandemctl hands it over, without a key: the same again has the same result.
 * False: *out answers it. */
static bool job_take_file(struct door_job *job, const struct web_call *call, struct web_reply *out)
{
	if (!call->body.n || !call_is_file(call, job->command))
		return true;
	job->keyed = false;
	job->who.file = memfd_create("file", MFD_CLOEXEC) + 1;
	if (job->who.file &&
	    pwrite(job->who.file - 1, call->body.p, call->body.n, 0) == (ssize_t)call->body.n)
		return true;
	return !door_fails(out, COMMAND_UNAVAILABLE, NULL, "the node has no room for the file");
}

/* The token allows that command. */
static bool job_may(const struct door_job *job, const struct command *c,
		    struct command_error *error)
{
	const struct command_right right = { job->who.role, job->who.user, job->who.patterns };

	return command_may(c, &right, error);
}

static size_t door_file_max(const struct web_call *call, void *arg)
{
	struct door_job job = { 0 };
	struct bytes keys[ROUTE_KEYS];
	struct command_error unsaid;
	struct web_reply unseen = { 0 };
	const struct route *r = look_path(call, keys, &unseen);

	free(unseen.text);
	return r && call_is_file(call, r->command) && who_is(arg, call->token, &job) &&
			       job_may(&job, r->command, &unsaid)
		       ? PROMPT_OCTETS_MAX
		       : 0;
}

static bool door_who(struct bytes token, struct web_who *out, void *arg)
{
	struct door_job job = { 0 };

	if (!who_is(arg, token, &job))
		return false;
	*out = (struct web_who){ .is_operator = job.who.role == COMMAND_FOR_OPERATOR };
	memcpy(out->tenant, job.who.tenant, sizeof(out->tenant));
	memcpy(out->token, job.token, sizeof(out->token));
	memcpy(out->user, job.who.user, sizeof(out->user));
	return true;
}

/* A token is one of a user's session. True: *out answers it. */
static bool look_page(struct door *d, const struct app_page *page, const struct web_call *call,
		      struct web_reply *out, void **work)
{
	struct page_run *run = page_read(page, call, out);
	struct door_job job = { 0 }, *copy;
	struct bytes token = run && run->password[0] ? bytes_str(run->password) : call->token;
	bool is_session = run && who_is(d, token, &job) && job.who.user[0];

	if (!run)
		return true;
	if (is_session && run->password[0] && strcmp(job.who.user, run->who.user) != 0)
		is_session = false;
	if (is_session) {
		memcpy(run->who.tenant, job.who.tenant, sizeof(run->who.tenant));
		memcpy(run->who.user, job.who.user, sizeof(run->who.user));
		memcpy(run->who.patterns, job.who.patterns, sizeof(run->who.patterns));
		explicit_bzero(run->password, sizeof(run->password));
	}
	copy = malloc(sizeof(*copy));
	if (!copy || (!is_session && !run->password[0])) {
		page_free(run);
		free(copy);
		out->status = 401;
		out->text = calloc(1, 1);
		out->type = "text/plain";
		return true;
	}
	if (!is_session)
		job = (struct door_job){ 0 };
	job.page = run;
	job.who = run->who;
	memcpy(copy, &job, sizeof(job));
	*work = copy;
	return false;
}

static bool door_page(struct bytes path)
{
	return page_find(path) != NULL;
}

static bool door_look(const struct web_call *call, struct web_reply *out, void **work, void *arg)
{
	struct door *d = arg;
	struct door_job job = { 0 };
	struct bytes keys[ROUTE_KEYS];
	const struct route *r;
	struct web_reply unseen = { 0 };
	struct command_error error;
	bool is_known;

	if (is_cut_off(d, call))
		return door_fails(out, COMMAND_UNAVAILABLE, NULL,
				  "Redis is away for longer than 30 s: tokens cannot be checked");
	if (page_find(call->path))
		return look_page(d, page_find(call->path), call, out, work);
	job.who.source = call->peer;
	is_known = who_is(d, call->token, &job);
	r = look_path(call, keys, is_known ? out : &unseen);
	free(unseen.text);
	if (!is_known && !(r && r->command->anyone)) {
		door_problem(out, 401, "A token is required", "not_allowed", NULL,
			     "Authorization: Bearer TOKEN, as token.create has made it, or "
			     "session.create",
			     NULL);
		return true;
	}
	if (!r)
		return true;
	job.command = r->command;
	if (is_known && !job_may(&job, r->command, &error))
		return door_fails(out, error.code, NULL, error.message);
	if (!job_identify(&job, call, r->method, &d->rand))
		return door_fails(out, COMMAND_BAD_REQUEST, NULL,
				  "Idempotency-Key has at most 64 characters");
	job.args = look_args(r, call, keys, out);
	if (!job.args)
		return true;
	if (!is_known && !stranger_tenant(&job, out)) {
		json_decref(job.args);
		return true;
	}
	*work = malloc(sizeof(job));
	if (*work && args_are_right(&job, out) && job_take_file(&job, call, out)) {
		memcpy(*work, &job, sizeof(job));
		return false;
	}
	door_job_clear(&job);
	free(*work);
	return out->status ? true : door_fails(out, COMMAND_INTERNAL, NULL, "out of memory");
}

/* ---- the web thread: clients that listen to events ---- */

static enum command_role listen_role(const struct events_filter *f)
{
	return f->application[0] ? COMMAND_FOR_APPLICATION : COMMAND_FOR_READER;
}

static bool listen_fails(struct web_reply *out, enum command_error_code code, const char *argument,
			 const char *detail)
{
	(void)door_fails(out, code, argument, detail);
	return false;
}

static bool door_listen(const struct web_call *call, struct events_filter *f, struct web_reply *out,
			void *arg)
{
	struct door *d = arg;
	struct door_job job = { 0 };
	char name[32];
	struct bytes argument;
	const char *wrong;

	if (is_cut_off(d, call))
		return listen_fails(out, COMMAND_UNAVAILABLE, NULL,
				    "Redis is away for longer than 30 s: tokens cannot be checked");
	if (!who_is(d, call->token, &job)) {
		door_problem(out, 401, "A token is required", "not_allowed", NULL,
			     "Authorization: Bearer TOKEN, or access_token in the query", NULL);
		return false;
	}
	wrong = events_filter_parse(call->arguments, f, &argument);
	if (wrong)
		return listen_fails(out, COMMAND_BAD_ARGUMENT,
				    bytes_cstr(argument, name, sizeof(name)) ? NULL : name, wrong);
	if (job.who.role < listen_role(f))
		return listen_fails(out, COMMAND_NOT_ALLOWED, NULL,
				    command_role_name(listen_role(f)));
	if (!token_allows(job.who.patterns, TOKEN_EVENTS))
		return listen_fails(out, COMMAND_NOT_ALLOWED, NULL,
				    "this token does not allow the command");
	memcpy(f->without, job.without, sizeof(f->without));
	if (f->watch[0] && job.without[0])
		return listen_fails(out, COMMAND_NOT_ALLOWED, "watch",
				    "this token is not to see who calls");
	(void)snprintf(f->by_tenant, sizeof(f->by_tenant), "%s", door_holder(&job));
	memcpy(f->by, job.token, sizeof(f->by));
	memcpy(f->by_user, job.who.user, sizeof(f->by_user));
	if (job.who.user[0])
		memcpy(f->session, job.token, sizeof(f->session));
	if (job.who.user[0] && f->users[0] && strcmp(f->users, job.who.user))
		return listen_fails(out, COMMAND_NOT_ALLOWED, "user",
				    "a user hears of the own extension alone");
	if (job.who.user[0])
		memcpy(f->users, job.who.user, sizeof(job.who.user));
	if (f->tenant[0] && job.who.role != COMMAND_FOR_OPERATOR)
		return listen_fails(out, COMMAND_UNKNOWN_ARGUMENT, "tenant",
				    "it is that of the token");
	if (!f->tenant[0])
		memcpy(f->tenant, job.who.tenant, sizeof(f->tenant));
	return true;
}

static bool door_listens(struct bytes token, bool from_loopback, const struct events_filter *f,
			 void *arg)
{
	struct door *d = arg;
	struct door_job job = { 0 };

	return !is_cut_off(d, &(struct web_call){ .from_loopback = from_loopback }) &&
	       who_is(d, token, &job) && job.who.role >= listen_role(f) &&
	       token_allows(job.who.patterns, TOKEN_EVENTS) && !strcmp(job.without, f->without) &&
	       (!job.who.user[0] || !strcmp(job.who.user, f->users)) &&
	       (job.who.role == COMMAND_FOR_OPERATOR || !strcmp(job.who.tenant, f->tenant));
}

static void door_listeners_full(bool of_tenant, struct web_reply *out, void *arg)
{
	(void)arg;
	(void)door_fails(out, of_tenant ? COMMAND_BUSY : COMMAND_UNAVAILABLE, NULL,
			 of_tenant ? "the tenant, the token or the user has its share of the "
				     "listeners of this node"
				   : "the node has 4096 listeners: try another one");
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

/* A few at a time. */
static void sessions_reap(struct door *d, uint64_t now_ns)
{
	char over[REAP_MOST][TOKEN_KEY_MAX];
	size_t count;

	if (now_ns < d->reap_ns || d->node->life->phase != NODE_RUNNING)
		return;
	d->reap_ns = now_ns + REAP_NS;
	count = tokens_over(d->tokens, over, REAP_MOST);
	for (size_t i = 0; i < count; i++)
		session_reap(d, over[i]);
}

void door_expire(struct door *d, uint64_t now_ns)
{
	if (!d || !d->node->redis->link)
		return;
	bool is_there = redis_is_connected(d->node->redis->link);
	uint64_t since = atomic_load_explicit(&d->away_ns, memory_order_relaxed);

	if (is_there == (since != 0))
		atomic_store_explicit(&d->away_ns, is_there ? 0 : now_ns, memory_order_relaxed);
	if (is_there)
		sessions_reap(d, now_ns);
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
	int err = d ? tokens_open(&d->tokens) : -ENOMEM;

	if (!err)
		err = web_asks_open(&d->web.asks,
				    (struct web_asks_size){ sizeof(struct web_work),
							    sizeof(struct web_reply),
							    WEB_CALLS_MAX },
				    door_on_work, d);
	if (err) {
		free(d);
		return err;
	}
	d->node = node;
	d->web.swagger_ui = node->settings->http.swagger_ui;
	(void)snprintf(d->pages, sizeof(d->pages), "%s/pages", node->settings->node.state_dir);
	d->web.pages[0] = d->pages;
	d->web.pages[1] = node->settings->http.pages;
	d->web.files_port = (uint16_t)node->settings->recordings.port;
	rand_open_system(&d->rand);
	fair_open(&d->fair, WEB_CALLS_MAX, &d->rand);
	d->web.openapi = door_openapi;
	d->web.who = door_who;
	d->web.look = door_look;
	d->web.file_max = door_file_max;
	d->web.page = door_page;
	d->web.bundle = page_bundle;
	d->web.listen = door_listen;
	d->web.listens = door_listens;
	d->web.full = door_listeners_full;
	d->web.place = &node->redis->place;
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
		door_job_free(left.work);
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
	fair_close(&d->fair);
	tokens_close(d->tokens);
	free(d);
}

const struct web_door *door_web(const struct door *d)
{
	return &d->web;
}

struct tokens *door_tokens(const struct door *d)
{
	return d->tokens;
}
