/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pushes to the browsers of users: for a call that begins to ring at an extension, or waits for a
 * phone of it to register, when that call is over or answered, and for a new message. The node that
 * has the call does so. What was told of which call is remembered in a small table, so that nobody
 * is left with the notice of a call that rings no more; a node that restarts has forgotten it. A
 * browser that its push service does not know any more is deleted, and so is one after its user's
 * password changed or its session was ended.
 */
#include "app/feature/push/push.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/command_session.h"
#include "app/command/command_start.h"
#include "app/command/command_tenant.h"
#include "app/document/document.h"
#include "app/node/node.h"
#include "app/node/node_helper.h"
#include "app/node/node_shard.h"
#include "app/schema/tenant_field.h"
#include "app/schema/token_field.h"
#include "base/base64url.h"
#include "base/clock.h"
#include "base/fair.h"
#include "base/json_member.h"
#include "base/log.h"
#include "sig/host/event.h"
#include "sig/identity/shown.h"
#include "sig/sip/id.h"

enum {
	PUSHED_MAX = 1024, /* calls that are remembered */
	PUSHES_MAX = 512,  /* pushes under way: a tenant and a user have a share of them */
	PUSH_MS = 10000,
	RING_TTL_S = 30,
	MISSED_TTL_S = 43200,
	MESSAGE_TTL_S = 86400,
	HTTP_NOT_FOUND = 404,
	HTTP_GONE = 410,
};

/* A user who was told that a call rings. */
struct pushed {
	uint64_t call; /* 0: free */
	uint16_t tenant;
	char number[64], from[64], name[CALL_NAME_MAX];
};

/* A push under way. */
struct push_run {
	struct fair_held held;
	char tenant[TENANT_NAME_MAX], browser[DOCUMENT_NAME_MAX], number[DOCUMENT_NAME_MAX];
	uint64_t changed_utc_ms; /* of the browser's document */
};

static struct {
	struct pushed pushed[PUSHED_MAX];
	uint32_t next;
	struct fair asking; /* closed while nothing is */
} g_pushes;

static metric_id g_taken, g_gone, g_failed;

const struct metric_def g_push_metrics[] = {
	{ &g_taken, METRIC_COUNTER, "tandem_push_taken_total",
	  "Pushes that a push service has taken." },
	{ &g_gone, METRIC_COUNTER, "tandem_push_gone_total",
	  "Browsers that were deleted, as their push service knows them no more." },
	{ &g_failed, METRIC_COUNTER, "tandem_push_failed_total",
	  "Pushes that no push service has taken." },
	{ NULL },
};

/* ---- one push ---- */

static void browser_on_deleted(json_t *answer, void *arg)
{
	(void)arg;
	json_decref(answer);
}

static void browser_drop(struct node *n, const struct push_run *run)
{
	struct command_principal who = { .role = COMMAND_FOR_ADMIN };
	json_t *args = json_pack("{s:s, s:s}", "name", run->browser, "number", run->number);
	char id[COMMAND_ID_MAX];

	(void)bytes_cstr(bytes_str(run->tenant), who.tenant, sizeof(who.tenant));
	(void)snprintf(id, sizeof(id), "push gone %s %llu", run->browser,
		       (unsigned long long)run->changed_utc_ms);
	command_start(n, &who, BYTES_LIT("browser.delete"), bytes_str(id), args, browser_on_deleted,
		      NULL);
	json_decref(args);
}

static void push_run_of(struct push_run *run, const char *tenant, const struct browser_value *v)
{
	(void)snprintf(run->tenant, sizeof(run->tenant), "%s", tenant);
	memcpy(run->browser, v->name, sizeof(v->name));
	(void)snprintf(run->number, sizeof(run->number), "%s", v->number);
	run->changed_utc_ms = v->changed_utc_ms;
}

void push_on_session(const struct command_run *run, const struct token_value *ended)
{
	char name[DOCUMENT_NAME_MAX];
	struct browser_value v;
	struct push_run gone;

	for (unsigned i = 0; i < BROWSERS_OF_USER && browser_name(name, bytes_str(ended->user), i);
	     i++) {
		if (!document_stored(run->node, run->tenant, &g_browser_documents, bytes_str(name),
				     &v) ||
		    strcmp(v.session, ended->name) != 0 ||
		    !bytes_starts(bytes_str(ended->hash), v.session_hash))
			continue;
		push_run_of(&gone, run->tenant, &v);
		browser_drop(run->node, &gone);
	}
}

static bool browser_is_same(const struct node *n, const struct push_run *run)
{
	struct browser_value v;

	return document_stored(n, run->tenant, &g_browser_documents, bytes_str(run->browser), &v) &&
	       v.changed_utc_ms == run->changed_utc_ms;
}

/* False: there is no place, or the tenant or the user has its share. */
static bool push_enter(struct node *n, struct push_run *run)
{
	const struct fair_who who = { .name = { [FAIR_TENANT] = bytes_str(run->tenant),
						[FAIR_USER] = bytes_str(run->number) } };

	if (!g_pushes.asking.max)
		fair_open(&g_pushes.asking, PUSHES_MAX, &n->rand);
	return fair_admit(&g_pushes.asking, &who, 1, &run->held) == FAIR_FINE;
}

static void push_leave(struct push_run *run)
{
	fair_give(&g_pushes.asking, &run->held);
	if (!g_pushes.asking.taken)
		fair_close(&g_pushes.asking);
	free(run);
}

static void push_on_answer(struct node *n, const json_t *result, const char *why, void *arg)
{
	uint64_t status = json_count(result, "status");
	struct push_run *run = arg;

	if (status >= 200 && status < 300) {
		metric_add(g_taken, 1);
	} else if (status == HTTP_NOT_FOUND || status == HTTP_GONE) { /* RFC 8030 7.3 */
		metric_add(g_gone, 1);
		if (browser_is_same(n, run))
			browser_drop(n, run);
	} else {
		metric_add(g_failed, 1);
		LOG_WARN("push", 0, "a browser cannot be told", LOG_STR("tenant", run->tenant),
			 LOG_STR("number", run->number), LOG_U64("status", status),
			 LOG_STR("why", result ? json_text(result, "reason") : why));
	}
	push_leave(run);
}

struct push_what {
	const json_t *body;
	const char *topic;
	uint32_t ttl_s;
};

/* NULL: it cannot be opened, or no memory. */
static json_t *push_args(struct node *n, const char *tenant, const struct browser_value *v,
			 const struct tenant_value *t, const struct push_what *what)
{
	char auth[PUSH_AUTH_TEXT + 1] = "", key[PUSH_AUTH_TEXT + PUSH_AUTH_TEXT + 1];
	struct writer w = writer_over(key, sizeof(key) - 1);
	char *body = json_dumps(what->body, JSON_COMPACT);
	struct push_pair own;
	json_t *args = NULL;

	if (body && !browser_open(n, tenant, v, auth) && !push_own_pair(n, tenant, &own)) {
		base64url_write(&w, bytes_mem(own.scalar, PUSH_SCALAR));
		key[w.n] = '\0';
		args = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I}", "url",
				 v->endpoint, "p256dh", v->p256dh, "auth", auth, "key", key,
				 "contact", t->push.contact, "networks", t->web.networks, "body",
				 body, "topic", what->topic, "ttl_s", (json_int_t)what->ttl_s);
		OPENSSL_cleanse(&own, sizeof(own));
	}
	OPENSSL_cleanse(auth, sizeof(auth));
	OPENSSL_cleanse(key, sizeof(key));
	free(body);
	return args;
}

/* The host may have gone from the list since the browser was added. */
static void push_one(struct node *n, uint16_t tenant, const struct browser_value *v,
		     const struct tenant_value *t, const struct push_what *what)
{
	struct push_run *run = calloc(1, sizeof(*run));
	json_t *args = NULL;

	if (!run || !browser_may(v->endpoint, t->push.hosts)) {
		free(run);
		return;
	}
	push_run_of(run, t->name, v);
	if (!command_session_counts(n, t->name, v->number, v->session)) {
		browser_drop(n, run);
		free(run);
		return;
	}
	args = push_enter(n, run) ? push_args(n, t->name, v, t, what) : NULL;
	if (args && node_helper_request(n, "push", args, tenant, PUSH_MS, push_on_answer, run))
		return;
	metric_add(g_failed, 1);
	push_leave(run);
}

/* False: the user has no browser. */
static bool push_user(struct node *n, uint16_t tenant, struct bytes number,
		      const struct push_what *what)
{
	const char *of = tenants_name(n->common.tenants, tenant);
	char name[DOCUMENT_NAME_MAX];
	struct browser_value v;
	struct tenant_value t;
	bool any = false;

	for (unsigned i = 0; i < BROWSERS_OF_USER && browser_name(name, number, i); i++) {
		if (!document_stored(n, of, &g_browser_documents, bytes_str(name), &v))
			continue;
		if (!any && (!command_tenant_value(n, of, &t) || !t.enabled || !t.push.hosts[0]))
			return false;
		any = true;
		push_one(n, tenant, &v, &t, what);
	}
	return any;
}

/* ---- calls ---- */

static void call_topic(char out[ID_TEXT_LEN + 1], uint64_t call)
{
	id_call_put(out, call);
	out[ID_TEXT_LEN] = '\0';
}

static bool call_push(struct node *n, const struct pushed *p, const char *kind, uint32_t ttl_s)
{
	char topic[ID_TEXT_LEN + 1];
	json_t *body;
	bool any;

	call_topic(topic, p->call);
	body = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I}", "kind", kind, "call", topic, "from",
			 p->from, "name", p->name, "number", p->number, "at_utc_ms",
			 (json_int_t)clock_utc_ms());
	any = body && push_user(n, p->tenant, bytes_str(p->number),
				&(struct push_what){ body, topic, ttl_s });
	json_decref(body);
	return any;
}

static bool call_is_pushed(uint64_t call, struct bytes number)
{
	for (unsigned i = 0; i < PUSHED_MAX; i++) {
		if (g_pushes.pushed[i].call == call && bytes_is(number, g_pushes.pushed[i].number))
			return true;
	}
	return false;
}

/* The oldest one is forgotten. False: the user has no browser. */
static bool call_ring(struct node *n, uint16_t tenant, uint64_t call, struct bytes number,
		      struct bytes from, struct bytes name)
{
	bool hidden = bytes_is(name, PARTY_HIDDEN_NAME);
	struct pushed *p = &g_pushes.pushed[g_pushes.next],
		      said = { .call = call, .tenant = tenant };

	if (call_is_pushed(call, number))
		return true;
	if (bytes_cstr(number, said.number, sizeof(said.number)))
		return false;
	if (party_is_shown(hidden, from, number) && !hidden) {
		(void)bytes_cstr(from, said.from, sizeof(said.from));
		(void)bytes_cstr(name, said.name, sizeof(said.name));
	}
	if (!call_push(n, &said, "call", RING_TTL_S))
		return false;
	*p = said;
	g_pushes.next = (g_pushes.next + 1) % PUSHED_MAX;
	return true;
}

/* Pushes to each user with phones that ring, also by a group. */
static void call_on_ringing(struct node *n, uint16_t tenant, const struct sig_event *event)
{
	const struct shard *core = node_core(n, event->call);
	struct bytes values[EV_FIELDS];
	struct call_leg_view leg;

	event_values_find(event, values);
	for (uint64_t i = 0; core && shard_call_leg(core, event->call, &i, &leg); i++) {
		if (leg.outbound && !leg.trunk.n && leg.user.n && leg.party != 'a')
			(void)call_ring(n, tenant, event->call, leg.user, values[EV_FROM],
					values[EV_FACT_from_name]);
	}
}

void push_on_wake(const struct effect *e, void *node)
{
	const struct request_wake *wanted = e->request;
	struct node *n = node;
	uint16_t tenant = tenants_find(n->common.tenants, text_bytes(&wanted->tenant));
	const struct shard *core = node_core(n, e->call);
	struct answer told = {
		.kind = ANSWER_REPLY,
		.call = e->call,
		.reply = { .ask = ASK_WAKE, .of = e->call, .wake = { .serial = e->serial } }
	};
	struct call_view call;

	if (tenant != TENANT_NONE && core && shard_call_view(core, e->call, &call))
		told.reply.wake.asked = call_ring(n, tenant, e->call, text_bytes(&wanted->user),
						  bytes_str(call.from), bytes_str(call.from_name));
	answers_add(&n->shards->answers, &told);
}

static void call_on_over(struct node *n, uint64_t call, bool missed)
{
	for (unsigned i = 0; i < PUSHED_MAX; i++) {
		struct pushed *p = &g_pushes.pushed[i];

		if (p->call != call)
			continue;
		(void)call_push(n, p, missed ? "missed" : "taken",
				missed ? MISSED_TTL_S : RING_TTL_S);
		*p = (struct pushed){ 0 };
	}
}

/* ---- messages ---- */

static void message_on_new(struct node *n, uint16_t tenant, const struct sig_event *event)
{
	struct bytes values[EV_FIELDS], id;
	json_t *body;

	event_values_find(event, values);
	id = values[EV_MESSAGE];
	body = json_pack("{s:s, s:s%, s:s%, s:s%, s:I}", "kind", "message", "message", id.p, id.n,
			 "from", values[EV_FROM].p ? (const char *)values[EV_FROM].p : "",
			 values[EV_FROM].n, "number", values[EV_MAILBOX].p, values[EV_MAILBOX].n,
			 "at_utc_ms", (json_int_t)clock_utc_ms());
	if (body)
		(void)push_user(n, tenant, values[EV_MAILBOX],
				&(struct push_what){ body, "", MESSAGE_TTL_S });
	json_decref(body);
}

void push_on_event(const struct effect *e, void *node)
{
	const struct sig_event *event = e->request;
	enum sig_event_kind kind = event->kind;
	struct bytes of = bytes_str(event->tenant);
	struct node *n = node;
	uint16_t tenant = tenants_find(n->common.tenants, of);

	if (tenant == TENANT_NONE ||
	    !mirror_count_of(&n->api.documents->keep.mirror, of, BYTES_LIT("browser")))
		return;
	if (kind == SIG_CALL_RINGING || kind == SIG_CALL_FORWARDED || kind == SIG_CALL_STATE)
		call_on_ringing(n, tenant, event);
	else if (kind == SIG_CALL_ANSWERED || kind == SIG_CALL_PICKED_UP || kind == SIG_CALL_ENDED)
		call_on_over(n, event->call, kind == SIG_CALL_ENDED);
	else if (kind == SIG_MESSAGE_NEW)
		message_on_new(n, tenant, event);
}
