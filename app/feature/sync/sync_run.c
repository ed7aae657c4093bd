/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs of syncs: the archive says which one is due, tandem-helper asks the service for a page, the
 * archive writes it, and so on. Only the node with the archive that reads begins runs. It tells
 * the archive each document that changes, and all of them when it begins; where the archive has one
 * that is not there any more, the run takes away its contacts.
 */
#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/command_tenant.h"
#include "app/document/document.h"
#include "app/document/references.h"
#include "app/feature/archive/archive_client.h"
#include "app/feature/contact/contacts.h"
#include "app/feature/sync/sync.h"
#include "app/node/node.h"
#include "app/node/node_helper.h"
#include "app/schema/tenant_field.h"
#include "base/clock.h"
#include "base/json_member.h"
#include "sig/host/tenant_tables.h"

enum {
	RUNS_MAX = 4,
	SYNC_PAGES_MAX = 4000, /* of a run */
	MEETINGS_MAX = 2000,   /* likewise; a page has 1,000 at most */
	ARCHIVE_MS = 30000,
	HELPER_MS = 70000, /* three requests of 20 s */
	CLAIM_S = 2,
	CLAIM_IDLE_S = 60, /* where there is no sync */
	WALK_S = 3600,     /* a database may be of a backup */
	WALK_ROWS = 64,    /* of a request, */
	WALK_STEPS = 4096, /* and documents that are looked at for it */
	LOGIN_S = 3600,    /* a wrong password is tried again */
	LOST_S = 5,
};

struct sync_run {
	char tenant[TENANT_NAME_MAX], name[DOCUMENT_NAME_MAX];
	uint16_t number; /* of the tenant; TENANT_NONE: it is gone */
	json_t *due;     /* as the archive has handed it out */
	uint64_t begin_ns, begin_utc_ms;
	uint64_t next; /* the page to ask the helper for; 0: the first */
	uint32_t pages;
	bool done;
	json_t *meetings; /* of a calendar; NULL: a run of contacts */
	uint64_t next_ms; /* from this run to the next one; 0: the minutes of the sync */
};

static struct {
	uint32_t epoch, cursor, count;
	bool walks, begins, tells, claims;
	uint64_t claim_ns, walk_ns;
} g_syncs;

static metric_id g_good, g_bad;

const struct metric_def g_sync_metrics[] = {
	{ &g_good, METRIC_COUNTER, "tandem_sync_runs_total", "Syncs of contacts that were well." },
	{ &g_bad, METRIC_COUNTER, "tandem_sync_failed_total",
	  "Syncs of contacts that have failed." },
	{ NULL },
};

/* ---- notices to the archive ---- */

static json_t *sync_row(const char *tenant, const struct sync_value *v)
{
	char owner[DOCUMENT_NAME_MAX + 1];

	sync_owner(owner, v);
	return json_pack("{s:s, s:s, s:s, s:I, s:I}", "tenant", tenant, "sync", v->name, "owner",
			 owner, "changed_ms", (json_int_t)v->changed_utc_ms, "server",
			 (json_int_t)sync_server(v));
}

static void on_archive_has_it(struct node *n, const json_t *result, const char *why, void *arg)
{
	(void)n;
	(void)result;
	(void)why;
	(void)arg;
}

/* A notice that is lost is sent again by the next walk. */
static void archive_send(struct node *n, const char *request, json_t *args)
{
	if (args)
		(void)!archive_query_send(n, request, args, 0, ARCHIVE_MS, on_archive_has_it, NULL);
	g_syncs.claim_ns = 0;
}

void sync_changed(struct node *n, const char *tenant, const struct sync_value *v)
{
	if (g_syncs.epoch)
		archive_send(n, "contact.sync.tell",
			     json_pack("{s:[o]}", "rows", sync_row(tenant, v)));
}

void sync_due(struct node *n, const char *tenant, const char *name)
{
	if (g_syncs.epoch)
		archive_send(n, "contact.sync.wish",
			     json_pack("{s:s, s:s}", "tenant", tenant, "sync", name));
}

void sync_others_due(struct node *n, const char *tenant, const struct sync_value *v)
{
	json_t *by = references_to(n, tenant, "extension", v->user), *path;
	struct sync_value other;
	const char *who;

	json_object_foreach(by, who, path)
	{
		struct bytes name = bytes_str(who), kind;

		if (bytes_cut(&name, '/', &kind) && bytes_is(kind, g_sync_documents.name) &&
		    !bytes_is(name, v->name) &&
		    document_stored(n, tenant, &g_sync_documents, name, &other) &&
		    sync_is_calendar(&other))
			sync_due(n, tenant, other.name);
	}
	json_decref(by);
}

static void on_walked(struct node *n, const json_t *result, const char *why, void *arg)
{
	(void)n;
	(void)why;
	(void)arg;
	g_syncs.tells = false;
	if (!json_object_get(result, "result"))
		g_syncs.epoch = 0; /* from the beginning */
}

static void documents_walk(struct node *n)
{
	const struct mirror *m = &n->api.documents->keep.mirror;
	json_t *rows = json_array();
	struct snapshot_document d;
	struct sync_value v;

	for (uint32_t i = 0; i < WALK_STEPS && json_array_size(rows) < WALK_ROWS; i++) {
		if (!mirror_next(m, &g_syncs.cursor, &d)) {
			g_syncs.walks = false;
			break;
		}
		if (bytes_is(d.kind, g_sync_documents.name)) {
			char tenant[TENANT_NAME_MAX];

			if (!bytes_cstr(d.tenant, tenant, sizeof(tenant)) &&
			    document_stored(n, tenant, &g_sync_documents, d.name, &v))
				(void)json_array_append_new(rows, sync_row(tenant, &v));
		}
	}
	if (!json_array_size(rows) && !g_syncs.begins) {
		json_decref(rows);
		return;
	}
	g_syncs.tells = true;
	rows = json_pack("{s:o, s:b}", "rows", rows, "begins", (int)g_syncs.begins);
	g_syncs.begins = false;
	if (archive_query_send(n, "contact.sync.tell", rows, 0, ARCHIVE_MS, on_walked, NULL))
		return;
	g_syncs.tells = false;
	g_syncs.epoch = 0;
}

/* ---- a run ---- */

static void run_free(struct sync_run *r)
{
	json_decref(r->due);
	json_decref(r->meetings);
	OPENSSL_cleanse(r, sizeof(*r));
	free(r);
	g_syncs.count--;
	g_syncs.claim_ns = 0;
}

/* Nobody needs its answer: a run ends with its lease, if its end is lost. */
static void sync_run_end(struct node *n, struct sync_run *r, const char *reason, const char *detail,
			 uint64_t next_s, uint64_t wait_s)
{
	char text[160];

	(void)snprintf(text, sizeof(text), "%.150s", detail);
	metric_add(g_bad, reason[0] != '\0');
	archive_send(n, "contact.sync.end",
		     json_pack("{s:s, s:s, s:O, s:s, s:s, s:I, s:I, s:b}", "tenant", r->tenant,
			       "sync", r->name, "run", json_object_get(r->due, "run"), "reason",
			       reason, "detail", text, "next_ms", (json_int_t)next_s * 1000,
			       "wait_ms", (json_int_t)wait_s * 1000, "anew",
			       (int)!strcmp(reason, "expired")));
	run_free(r);
}

/* NULL: no memory. */
static json_t *run_args(const struct sync_run *r)
{
	return json_pack("{s:s, s:s, s:O}", "tenant", r->tenant, "sync", r->name, "run",
			 json_object_get(r->due, "run"));
}

static void run_archive(struct node *n, struct sync_run *r, const char *request, json_t *args,
			child_answer_fn *done)
{
	if (!args || !archive_query_send(n, request, args, r->number, ARCHIVE_MS, done, r))
		run_free(r);
}

static void run_on_dropped(struct node *n, const json_t *result, const char *why, void *arg)
{
	const json_t *left = json_object_get(result, "result");
	struct sync_run *r = arg;
	struct sync_value v;

	(void)why;
	if (json_flag(left, "more")) {
		run_archive(n, r, "contact.sync.drop", run_args(r), run_on_dropped);
		return;
	}
	/* One of that name, with another book. */
	if (left && document_stored(n, r->tenant, &g_sync_documents, bytes_str(r->name), &v))
		sync_changed(n, r->tenant, &v);
	run_free(r);
}

static void run_fetch(struct node *n, struct sync_run *r);

static uint64_t run_minutes(const struct node *n, const struct sync_run *r)
{
	struct sync_value v;

	return document_stored(n, r->tenant, &g_sync_documents, bytes_str(r->name), &v)
		       ? v.minutes
		       : SYNC_MINUTES;
}

static void run_apply(struct node *n, struct sync_run *r, const json_t *page);

static void run_on_applied(struct node *n, const json_t *result, const char *why, void *arg)
{
	const json_t *done = json_object_get(result, "result");
	struct sync_run *r = arg;

	(void)why;
	if (!done) {
		run_free(r); /* another run has begun, or the archive is away: it is due again */
	} else if (json_flag(done, "more")) {
		run_apply(n, r, NULL);
	} else if (!r->done) {
		run_fetch(n, r);
	} else {
		metric_add(g_good, 1);
		run_free(r);
	}
}

/* page NULL: there is no more of it. */
static void run_apply(struct node *n, struct sync_run *r, const json_t *page)
{
	json_t *args = contact_args_in(n, r->number, json_text(r->due, "owner")),
	       *own = run_args(r);

	if (args && own) {
		(void)json_object_update(args, own);
		(void)json_object_set_new(args, "done", json_boolean(r->done));
		(void)json_object_set_new(
			args, "next_ms",
			json_integer(
				(json_int_t)(r->next_ms ? r->next_ms : run_minutes(n, r) * 60000)));
	}
	for (const char *const *name =
		     (const char *const[]){ "found", "gone", "kept", "failed", "token", NULL };
	     args && *name; name++) {
		json_t *value = json_object_get(page, *name);

		if (value)
			(void)json_object_set(args, *name, value);
	}
	json_decref(own);
	run_archive(n, r, "contact.sync.apply", args, run_on_applied);
}

/* Meetings are no contacts: those of all pages are said at once, and the archive notes the end. Its
 * token is what was said. */
static void run_on_meetings(struct node *n, struct sync_run *r, const json_t *page)
{
	uint64_t set_ms = 0;
	char token[24];
	struct sync_value v;
	json_t *note;

	if (json_array_size(r->meetings) < MEETINGS_MAX)
		(void)json_array_extend(r->meetings, json_object_get(page, "found"));
	if (!r->done) {
		run_fetch(n, r);
		return;
	}
	if (bytes_u64(bytes_str(json_text(r->due, "token")), &set_ms))
		set_ms = 0; /* its first run */
	if (document_stored(n, r->tenant, &g_sync_documents, bytes_str(r->name), &v))
		r->next_ms =
			sync_meetings_say(n, r->tenant, &v, r->meetings, clock_utc_ms(), &set_ms);
	(void)snprintf(token, sizeof(token), "%" PRIu64, set_ms);
	note = json_pack("{s:s}", "token", token);
	run_apply(n, r, note);
	json_decref(note);
}

static void run_refused(struct node *n, struct sync_run *r, const json_t *result, const char *why)
{
	const char *reason = result ? json_text(result, "reason") : "helper";
	uint64_t wait_s = json_count(result, "retry_s"), next_s = run_minutes(n, r) * 60;

	if (!strcmp(reason, "expired"))
		next_s = 0;
	else if (!strcmp(reason, "lost"))
		next_s = LOST_S;
	else if (!strcmp(reason, "login") && next_s < LOGIN_S)
		next_s = LOGIN_S;
	sync_run_end(n, r, reason, result ? json_text(result, "detail") : why,
		     next_s > wait_s ? next_s : wait_s, wait_s);
}

static void run_on_page(struct node *n, const json_t *result, const char *why, void *arg)
{
	struct sync_run *r = arg;

	r->next = json_count(result, "next");
	r->done = !r->next;
	if (!result || json_object_get(result, "reason"))
		run_refused(n, r, result, why);
	else if (++r->pages > SYNC_PAGES_MAX)
		sync_run_end(n, r, "answer", "the service has pages without end",
			     run_minutes(n, r) * 60, 0);
	else if (r->meetings)
		run_on_meetings(n, r, result);
	else
		run_apply(n, r, result);
}

/* NULL: its secret cannot be opened, or no memory. */
static json_t *page_args(const struct node *n, const struct sync_run *r, const struct sync_value *v,
			 const struct tenant_value *t)
{
	const char *token = sync_is_calendar(v) ? "" : json_text(r->due, "token");
	char secret[SYNC_SECRET_MAX];
	json_t *args = NULL;

	if (!sync_open(v, r->tenant, &n->extension_seal, secret))
		args = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I}",
				 "service", g_sync_services[v->service], "url", v->url, "login",
				 v->login, "account", v->account, "folder", v->folder, "password",
				 secret, "networks", t->web.networks, "token", token, "next",
				 (json_int_t)r->next, "from_s",
				 (json_int_t)(r->begin_utc_ms / 1000), "until_s",
				 (json_int_t)(r->begin_utc_ms / 1000) + SYNC_AHEAD_S);
	OPENSSL_cleanse(secret, sizeof(secret));
	return args;
}

/* The next page, by what its documents say now. */
static void run_fetch(struct node *n, struct sync_run *r)
{
	char owner[DOCUMENT_NAME_MAX + 1] = "";
	struct sync_value v = { .off = true };
	struct tenant_value t;
	json_t *args;

	if (r->number != TENANT_NONE &&
	    document_stored(n, r->tenant, &g_sync_documents, bytes_str(r->name), &v))
		sync_owner(owner, &v);
	if (strcmp(owner, json_text(r->due, "owner")) != 0) {
		run_archive(n, r, "contact.sync.drop", run_args(r), run_on_dropped);
		return;
	}
	/* What the run has, such as its token, is for the server of the former document alone. */
	if (v.changed_utc_ms != json_count(r->due, "changed_ms")) {
		sync_changed(n, r->tenant, &v);
		run_free(r);
		return;
	}
	if (v.off || !command_tenant_value(n, r->tenant, &t) || !t.enabled ||
	    t.contact_sync == TENANT_SYNC_NONE) {
		sync_run_end(n, r, "", "", (uint64_t)v.minutes * 60, 0);
		return;
	}
	if (clock_now_ns() - r->begin_ns > v.run_s * NS_PER_S) {
		sync_run_end(n, r, "timeout", "it takes longer than run_s",
			     (uint64_t)v.minutes * 60, 0);
		return;
	}
	if (!sync_url_may_be(v.url, t.web.networks)) {
		sync_run_end(n, r, "address",
			     "it is http, or barred, and web_networks does not have it",
			     (uint64_t)v.minutes * 60, 0);
		return;
	}
	if (sync_is_calendar(&v) && !r->meetings)
		r->meetings = json_array();
	args = page_args(n, r, &v, &t);
	if (!args)
		sync_run_end(n, r, "secret", "it was sealed with other keys: give it again",
			     LOGIN_S, 0);
	else if (!node_helper_request(n, "contacts", args, r->number, HELPER_MS, run_on_page, r))
		sync_run_end(n, r, "helper", "tandem-helper does not run, or has too much to do",
			     CLAIM_IDLE_S, 0);
}

/* due: the archive's. False: no run is due. */
static bool run_start(struct node *n, json_t *due)
{
	struct bytes tenant = bytes_str(json_text(due, "tenant"));
	struct sync_run *r = tenant.n ? calloc(1, sizeof(*r)) : NULL;

	if (!r)
		return false;
	g_syncs.count++;
	r->begin_ns = clock_now_ns();
	r->begin_utc_ms = clock_utc_ms();
	r->due = json_incref(due);
	r->number = tenants_find(n->common.tenants, tenant);
	(void)bytes_cstr(tenant, r->tenant, sizeof(r->tenant));
	(void)bytes_cstr(bytes_str(json_text(due, "sync")), r->name, sizeof(r->name));
	run_fetch(n, r);
	return true;
}

static void on_claimed(struct node *n, const json_t *result, const char *why, void *arg)
{
	const struct mirror *m = &n->api.documents->keep.mirror;
	bool any = mirror_count_of_kind(m, bytes_str(g_sync_documents.name));

	(void)why;
	(void)arg;
	g_syncs.claims = false;
	g_syncs.claim_ns = clock_now_ns() + (any ? CLAIM_S : CLAIM_IDLE_S) * NS_PER_S;
	if (run_start(n, json_object_get(result, "result")))
		g_syncs.claim_ns = 0;
}

void sync_second(struct node *n, uint64_t now_ns)
{
	uint32_t epoch = n->api.documents->keep.loaded ? archive_reader_epoch() : 0;

	if (epoch != g_syncs.epoch || now_ns >= g_syncs.walk_ns) {
		g_syncs.begins = epoch != g_syncs.epoch;
		g_syncs.epoch = epoch;
		g_syncs.walk_ns = now_ns + WALK_S * NS_PER_S;
		g_syncs.walks = true;
		g_syncs.cursor = 0;
		g_syncs.claim_ns = 0;
	}
	if (epoch && g_syncs.walks && !g_syncs.tells)
		documents_walk(n);
	if (!epoch || g_syncs.walks || g_syncs.tells || g_syncs.claims ||
	    g_syncs.count >= RUNS_MAX || now_ns < g_syncs.claim_ns)
		return;
	g_syncs.claims = true;
	if (!archive_query_send(n, "contact.sync.claim", json_object(), 0, ARCHIVE_MS, on_claimed,
				NULL))
		g_syncs.claims = false;
}
