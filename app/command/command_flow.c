/* SPDX-License-Identifier: Apache-2.0 */
/* Documents of flows, and the commands flow.*, call.run and call.flow. The text of a program is
 * put to Redis under its hash before a document or a call names it (ADR 92): a node that takes a
 * call over finds the program that the call began with. command_flows_beat renews these texts, as
 * they expire. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/command_call.h"
#include "app/command/command_extension.h"
#include "app/command/command_flow.h"
#include "app/command/command_order.h"
#include "app/command/command_trunk.h"
#include "app/command/commands.h"
#include "app/document/document.h"
#include "app/helper/webhook.h"
#include "app/node/node.h"
#include "app/node/node_shard.h"
#include "app/node/node_wait.h"
#include "app/schema/flow_field.h"
#include "app/schema/flow_graph.h"
#include "app/schema/flow_shipped.h"
#include "app/schema/flow_try.h"
#include "app/schema/group_field.h"
#include "base/clock.h"
#include "base/log.h"
#include "sig/host/calendars.h"
#include "sig/host/programs.h"
#include "sig/host/tenant_tables.h"
#include "sig/shard/shared_tables.h"

enum { FLOW_URL_MAX = 4096 };

enum { FLOWS_MAX = 256, /* of a tenant */ LOOK_MAX = 4096 /* documents at a time */ };
#define TOUCH_NS (3600 * NS_PER_S)
/* REG-17: as Message-Account says it. */
#define MAILBOX_CODE BYTES_LIT("##")
#define MAILBOX_FLOW BYTES_LIT("mailbox")

static_assert((int)FLOW_KEPT_MAX + 200 < (int)SNAPSHOT_TEXT_MAX, "with name and time");

/* ---- what a program names ---- */

struct flow_scope {
	const struct node *node;
	uint16_t tenant;
	const char *self; /* the flow that is put, "" of none */
};

/* struct flow_known.exists. Prompts are files of nodes, too. */
static bool flow_exists(void *arg, const char *kind, struct bytes name)
{
	const struct flow_scope *w = arg;
	struct bytes tenant = bytes_str(tenants_name(w->node->common.tenants, w->tenant));

	if (bytes_starts(name, GROUP_WORD))
		return document_named(w->node, tenant, "group",
				      bytes_from(name, sizeof(GROUP_WORD) - 1));
	if (!strcmp(kind, "number"))
		return bytes_find(name, ':') < name.n || bytes_find(name, '@') < name.n ||
		       command_number_known(w->node, w->tenant, name);
	return bytes_is(name, w->self) ||
	       reference_exists(w->node, w->tenant, &(struct reference){ kind, name });
}

/* ---- texts by hash ---- */

static void flow_store_failed(struct command_run *run, enum store_result result)
{
	command_fail(run, result == STORE_UNKNOWN ? COMMAND_UNCERTAIN : COMMAND_UNAVAILABLE, NULL,
		     "Redis did not accept the program");
}

/* Behind it the document may name it. */
static void flow_on_text(enum store_result result, bool there, struct bytes value, void *arg)
{
	(void)there;
	(void)value;
	if (result == STORE_OK)
		document_put(arg);
	else
		flow_store_failed(arg, result);
}

static void flow_text_put(struct node *n, struct bytes tenant, const struct flow_program *p,
			  store_kept_fn *done, void *arg)
{
	char hash[FLOW_HASH_TEXT], *text = program_text(p, true);

	flow_hash_text(hash, p->hash);
	if (text)
		store_program_put(n->redis->store, tenant, bytes_str(hash), bytes_str(text), false,
				  done, arg);
	else if (done)
		done(STORE_REFUSED, false, (struct bytes){ 0 }, arg);
	free(text);
}

/* In front of the name of its flow, of a kind of documents that has flows made of them. NULL: it
 * is no such kind. */
static const char *flow_word(struct bytes kind)
{
	const struct document_kind *of = document_kind_find(kind);

	if (bytes_is(kind, "number"))
		return NUMBER_WORD;
	return of ? of->word : NULL;
}

static const struct flow_program *flow_of(struct node *n, const struct snapshot_document *d)
{
	char name[CALL_FLOW_MAX];
	struct writer w = writer_over(name, sizeof(name));

	if (flow_word(d->kind))
		writer_str(&w, flow_word(d->kind));
	else if (!bytes_is(d->kind, "flow"))
		return NULL;
	writer_bytes(&w, d->name);
	return programs_named(n->common.shared_tables->programs, d->tenant, writer_done(&w));
}

void command_flow_text_keep(struct node *n, const struct snapshot_document *d)
{
	const struct flow_program *p = flow_of(n, d);

	if (p)
		flow_text_put(n, d->tenant, p, NULL, NULL);
}

/* A Redis that was emptied has documents again, and this is put again by the next round. */
static void flow_on_touched(enum store_result result, bool there, struct bytes value, void *arg)
{
	struct node *n = arg;
	struct document_programs *t = &n->api.documents->programs;
	const struct flow_program *p = programs_named(n->common.shared_tables->programs,
						      bytes_str(t->tenant), bytes_str(t->name));

	(void)value;
	t->asked = false;
	if (result == STORE_OK && !there && p)
		flow_text_put(n, bytes_str(t->tenant), p, NULL, NULL);
}

static void flow_touch(struct node *n, const struct snapshot_document *d, struct bytes name)
{
	struct document_programs *t = &n->api.documents->programs;
	const struct flow_program *p =
		programs_named(n->common.shared_tables->programs, d->tenant, name);
	char hash[FLOW_HASH_TEXT];

	if (!p || bytes_cstr(d->tenant, t->tenant, sizeof(t->tenant)) ||
	    bytes_cstr(name, t->name, sizeof(t->name)))
		return;
	flow_hash_text(hash, p->hash);
	t->asked = true;
	store_program_touch(n->redis->store, d->tenant, bytes_str(hash), flow_on_touched, n);
}

static const struct flow_shipped *flow_shipped_find(struct bytes name)
{
	const struct flow_shipped *s = g_flows_shipped;

	while (s->name && !bytes_is(name, s->name))
		s++;
	return s->name ? s : NULL;
}

int command_flows_ship(struct node *n)
{
	static struct flow_findings unused;

	for (const struct flow_shipped *s = g_flows_shipped; s->name; s++) {
		struct flow_program *p = program_parse(bytes_str(s->program), NULL, &unused);
		int err = p ? programs_put(n->common.shared_tables->programs, PROGRAMS_NODE,
					   bytes_str(s->name), p)
			    : -EBADMSG;

		if (err)
			return err;
	}
	return programs_number_put(n->common.shared_tables->programs, PROGRAMS_NODE, MAILBOX_CODE,
				   MAILBOX_FLOW);
}

/* A later version of this program has others: it finds those of calls that have begun here. */
static void flows_shipped_keep(struct node *n)
{
	for (const struct flow_shipped *s = g_flows_shipped; s->name; s++)
		flow_text_put(n, BYTES_LIT(DIRECTORY_OPERATORS),
			      programs_named(n->common.shared_tables->programs, PROGRAMS_NODE,
					     bytes_str(s->name)),
			      NULL, NULL);
}

void command_flows_beat(struct node *n, uint64_t now_ns)
{
	struct document_programs *t = &n->api.documents->programs;
	struct snapshot_document d;
	char name[CALL_FLOW_MAX];

	for (uint32_t i = 0; !t->asked && now_ns >= t->next_ns && i < LOOK_MAX; i++) {
		if (!mirror_next(&n->api.documents->keep.mirror, &t->cursor, &d)) {
			t->cursor = 0;
			t->next_ns = now_ns + TOUCH_NS;
			flows_shipped_keep(n);
		} else if (bytes_is(d.kind, g_flow_documents.name)) {
			flow_touch(n, &d, d.name);
		} else if (flow_word(d.kind)) {
			struct writer w = writer_over(name, sizeof(name));

			writer_str(&w, flow_word(d.kind));
			writer_bytes(&w, d.name);
			flow_touch(n, &d, writer_done(&w));
		}
	}
}

/* A request for a call's program that is not in memory: another node began the call, or the
 * document was replaced. */
struct program_request {
	struct node *node;
	uint64_t call, serial;
	uint8_t hash[PROGRAM_HASH_LEN];
	char tenant[TENANT_NAME_MAX];
	bool shipped; /* a shipped flow, not the tenant's own */
};

static void program_reply(struct node *n, uint64_t call, uint64_t serial, bool found)
{
	const struct reply reply = { .ask = ASK_PROGRAM,
				     .of = call,
				     .program = { .serial = serial, .found = found } };

	answers_reply(&n->shards->answers, &reply);
}

/* False: it is not that one, or there is no room. */
static bool program_keep(const struct program_request *a, struct bytes text)
{
	static struct flow_findings unused;
	struct flow_program *p = program_read(text, &unused);

	if (p && !memcmp(p->hash, a->hash, sizeof(a->hash)))
		return !programs_put(a->node->common.shared_tables->programs, bytes_str(a->tenant),
				     (struct bytes){ 0 }, p);
	program_free(p);
	return false;
}

static void program_on_text(enum store_result result, bool there, struct bytes text, void *arg)
{
	struct program_request *a = arg;
	bool found = result == STORE_OK && there && program_keep(a, text);
	char hash[FLOW_HASH_TEXT];

	if (result == STORE_OK && !there && !a->shipped) {
		a->shipped = true;
		flow_hash_text(hash, a->hash);
		store_program_get(a->node->redis->store, BYTES_LIT(DIRECTORY_OPERATORS),
				  bytes_str(hash), program_on_text, a);
		return;
	}
	if (!found)
		LOG_WARN("flow", a->call, "the program of a call is not in Redis",
			 LOG_STR("tenant", a->tenant), LOG_INT("result", result));
	program_reply(a->node, a->call, a->serial, found);
	free(a);
}

void command_flow_program(const struct effect *e, void *node)
{
	struct node *n = node;
	const struct request_program *program = e->request;
	struct bytes hash = text_bytes(&program->hash), tenant = text_bytes(&program->tenant);
	struct program_request *a = hash.n == PROGRAM_HASH_LEN ? calloc(1, sizeof(*a)) : NULL;
	char text[FLOW_HASH_TEXT];

	if (!a || bytes_cstr(tenant, a->tenant, sizeof(a->tenant)) ||
	    programs_find(n->common.shared_tables->programs, hash.p)) {
		program_reply(n, e->call, e->serial, a != NULL); /* another call has asked for it */
		free(a);
		return;
	}
	a->node = n;
	a->call = e->call;
	a->serial = e->serial;
	memcpy(a->hash, hash.p, sizeof(a->hash));
	flow_hash_text(text, a->hash);
	store_program_get(n->redis->store, tenant, bytes_str(text), program_on_text, a);
}

/* ---- the document ---- */

/* All that is wrong, in words and as a list. */
static void flow_refuse(struct command_run *run, const struct flow_findings *all)
{
	struct command_error error = { .code = COMMAND_BAD_ARGUMENT, .argument = "program" };
	struct writer w = writer_over(error.message, sizeof(error.message) - 1);
	json_t *answer;

	for (uint32_t i = 0; i < all->count; i++) {
		const struct flow_finding *f = &all->list[i];
		size_t before = w.n;

		if (f->warning)
			continue;
		WRITER_TEXTS(&w, before ? "; " : "", f->path, ": ", f->message);
		if (w.overflow) {
			w.n = before;
			break;
		}
	}
	error.message[w.n] = '\0';
	answer = command_error_json(&error);
	(void)json_object_set_new(json_object_get(answer, "error"), "findings",
				  flow_findings_json(all, false));
	command_end(run, answer);
}

/* NULL: the run has failed. */
static struct flow_program *flow_parsed(struct command_run *run, struct bytes text)
{
	static struct flow_findings findings;
	struct flow_program *p = program_parse(text, NULL, &findings);

	if (!p)
		flow_refuse(run, &findings);
	return p;
}

/* What the argument has, checked. NULL: the run has failed. */
static struct flow_program *flow_checked(struct command_run *run)
{
	char *text = json_dumps(command_value(run, "program")->json, JSON_COMPACT);
	struct flow_program *p = text ? flow_parsed(run, bytes_str(text)) : NULL;

	if (!text)
		command_fail(run, COMMAND_INTERNAL, NULL, "out of memory");
	free(text);
	return p;
}

void command_flow_text_put(struct command_run *run, const struct flow_program *p)
{
	flow_text_put(run->node, bytes_str(run->tenant), p, flow_on_text, run);
}

void command_flow_kind_put(struct command_run *run)
{
	const struct document_kind *kind = run->command->documents;
	void *v = calloc(1, kind->size);
	bool made = v && document_make(run, kind, v);
	struct flow_program *p = made ? kind->flow(v) : NULL;

	if (p)
		command_flow_text_put(run, p);
	else if (made || !v)
		command_fail(run, COMMAND_INTERNAL, NULL, "out of memory");
	program_free(p);
	free(v);
}

static void kind_flow_name(char out[CALL_FLOW_MAX], const struct document_kind *kind,
			   const char *name)
{
	(void)snprintf(out, CALL_FLOW_MAX, "%s%s", kind->word, name);
}

int command_flow_kind_apply(struct node *n, uint16_t tenant, const struct document_kind *kind,
			    const char *name, const void *value)
{
	struct flow_program *p = kind->flow(value);
	char flow[CALL_FLOW_MAX];

	kind_flow_name(flow, kind, name);
	return p ? programs_put(n->common.shared_tables->programs,
				bytes_str(tenants_name(n->common.tenants, tenant)), bytes_str(flow),
				p)
		 : -ENOMEM;
}

void command_flow_kind_forget(struct node *n, uint16_t tenant, const struct document_kind *kind,
			      const char *name)
{
	char flow[CALL_FLOW_MAX];

	kind_flow_name(flow, kind, name);
	programs_delete(n->common.shared_tables->programs,
			bytes_str(tenants_name(n->common.tenants, tenant)), bytes_str(flow));
}

void command_flow_put(struct command_run *run)
{
	struct flow_program *p = flow_checked(run);

	if (p)
		command_flow_text_put(run, p);
	program_free(p);
}

static bool flow_make(struct command_run *run, void *value)
{
	struct bytes name = command_value(run, "name")->text;
	struct program_value *v = value;
	size_t n = json_dumpb(command_value(run, "program")->json, v->text, sizeof(v->text),
			      JSON_COMPACT);

	v->changed_utc_ms = clock_utc_ms();
	(void)bytes_cstr(name, v->name, sizeof(v->name));
	if (n >= sizeof(v->text)) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "program",
			     "it has %zu octets without spaces; a flow has at most %d", n,
			     FLOW_KEPT_MAX);
		return false;
	}
	v->text[n] = '\0';
	return true;
}

/* A set and document.restore have looked at nothing of it. */
static bool flow_may_be(struct command_run *run, const void *value)
{
	const struct program_value *v = value;
	struct flow_program *p = flow_parsed(run, bytes_str(v->text));
	bool fine = p != NULL;

	program_free(p);
	return fine;
}

static json_t *flow_write(const void *value, const struct seal_key *key, struct rand_source *rand)
{
	(void)key;
	(void)rand;
	return flow_document(value);
}

static json_t *flow_show(const struct node *node, uint16_t tenant, const void *value)
{
	static struct flow_findings findings;
	const struct program_value *v = value;
	struct flow_program *p = program_read(bytes_str(v->text), &findings);
	char hash[FLOW_HASH_TEXT];
	json_t *json;

	(void)node;
	(void)tenant;
	if (!p)
		return NULL;
	flow_hash_text(hash, p->hash);
	json = document_shown(json_pack("{s:s, s:s, s:i}", "name", v->name, "hash", hash, "steps",
					p->count),
			      v->changed_utc_ms);
	program_free(p);
	return json;
}

static int flow_kind_read(void *value, struct bytes json, const struct seal_key *key,
			  const char **reason)
{
	(void)key;
	return flow_document_read(value, json, reason);
}

static int flow_apply(struct node *node, uint16_t tenant, const void *value)
{
	static struct flow_findings findings;
	const struct program_value *v = value;
	struct flow_program *p = program_read(bytes_str(v->text), &findings);

	return p ? programs_put(node->common.shared_tables->programs,
				bytes_str(tenants_name(node->common.tenants, tenant)),
				bytes_str(v->name), p)
		 : -ENOMEM;
}

static void flow_forget(struct node *node, uint16_t tenant, const char *name)
{
	programs_delete(node->common.shared_tables->programs,
			bytes_str(tenants_name(node->common.tenants, tenant)), bytes_str(name));
}

static void flow_warn(const struct node *node, uint16_t tenant, const void *value, json_t *out)
{
	static struct flow_findings findings;
	const struct program_value *v = value;
	struct flow_scope subject = { node, tenant, v->name };
	const struct flow_known known = { flow_exists, &subject };
	json_t *list, *f;
	size_t i;

	program_free(program_parse(bytes_str(v->text), &known, &findings));
	list = flow_findings_json(&findings, true);
	json_array_foreach(list, i, f)
	{
		(void)json_array_append_new(
			out, json_sprintf("%s: %s", json_string_value(json_object_get(f, "path")),
					  json_string_value(json_object_get(f, "message"))));
	}
	json_decref(list);
}

const struct document_kind g_flow_documents = {
	.name = "flow",
	.argument = "name",
	.size = sizeof(struct program_value),
	.make = flow_make,
	.check = flow_may_be,
	.write = flow_write,
	.name_at = offsetof(struct program_value, name),
	.program = true,
	.several = "flows",
	.places = PROGRAMS_MAX / 4,
	.share = FLOWS_MAX,
	.quota = "max_flows",
	.item = TENANT_FLOWS,
	.show = flow_show,
	.read = flow_kind_read,
	.apply = flow_apply,
	.forget = flow_forget,
	.warn = flow_warn,
};

static bool flow_is_shipped(struct program_value *v, struct bytes name)
{
	const struct flow_shipped *s = flow_shipped_find(name);

	return s && !bytes_cstr(name, v->name, sizeof(v->name)) &&
	       !bytes_cstr(bytes_str(s->program), v->text, sizeof(v->text));
}

/* Texts that are URLs, however deep. */
static void json_urls_mask(json_t *json)
{
	char masked[FLOW_URL_MAX];
	struct writer w = writer_over(masked, sizeof(masked));
	const char *name;
	json_t *value;
	size_t i;

	if (json_is_string(json) && strstr(json_string_value(json), "://")) {
		webhook_url_masked(&w, bytes_str(json_string_value(json)), false);
		(void)json_string_setn(json, masked, w.n);
	}
	json_array_foreach(json, i, value) json_urls_mask(value);
	json_object_foreach(json, name, value) json_urls_mask(value);
}

/* Stolen. For roles that may not put it: of its URLs they have scheme, host and port. */
static json_t *program_for(const struct command_run *run, json_t *program)
{
	if (run->role < COMMAND_FOR_ADMIN)
		json_urls_mask(program);
	return program;
}

/* NULL: the run has failed. For free(). */
static struct program_value *flow_stored(struct command_run *run)
{
	struct program_value *v = calloc(1, sizeof(*v));
	struct bytes name = command_value(run, "name")->text;

	if (v && (document_stored(run->node, run->tenant, &g_flow_documents, name, v) ||
		  flow_is_shipped(v, name)))
		return v;
	free(v);
	(void)document_missing(run, &g_flow_documents);
	return NULL;
}

void command_flow_get(struct command_run *run)
{
	struct program_value *v = flow_stored(run);
	json_t *json;

	if (!v)
		return;
	json = flow_show(run->node, document_tenant(run), v);
	if (json)
		(void)json_object_set_new(json, "program",
					  program_for(run, json_loads(v->text, 0, NULL)));
	free(v);
	command_answer(run, json);
}

void command_flow_list(struct command_run *run)
{
	struct program_value *v;
	json_t *list;

	if (!command_value(run, "shipped")->number) {
		command_document_list(run);
		return;
	}
	v = calloc(1, sizeof(*v));
	list = json_array();
	for (const struct flow_shipped *s = g_flows_shipped; v && s->name; s++)
		if (flow_is_shipped(v, bytes_str(s->name)))
			(void)json_array_append_new(list,
						    flow_show(run->node, document_tenant(run), v));
	free(v);
	command_answer(run, list);
}

void command_flow_export(struct command_run *run)
{
	struct program_value *v = flow_stored(run);
	json_t *program = v ? program_for(run, json_loads(v->text, 0, NULL)) : NULL;
	char *text = program ? json_dumps(program, JSON_INDENT(2)) : NULL;

	if (v)
		command_answer(run, text ? json_string(text) : NULL);
	free(text);
	json_decref(program);
	free(v);
}

void command_flow_graph(struct command_run *run)
{
	static struct flow_findings unused;
	static char dot[FLOW_GRAPH_MAX];
	struct writer w = writer_over(dot, sizeof(dot));
	struct program_value *v = flow_stored(run);
	struct flow_program *p = v ? program_read(bytes_str(v->text), &unused) : NULL;

	if (p) {
		(void)program_for(run, p->root);
		flow_graph_write(p, &w);
	}
	if (v)
		command_answer(run, p ? json_stringn(dot, w.n) : NULL);
	program_free(p);
	free(v);
}

/* ---- try ---- */

enum { FLOW_WORDS_MAX = 128 };

/* A call that is thought of. */
struct flow_caller {
	struct command_run *run;
	uint16_t tenant;
	bool timed;
	int64_t at; /* UTC; as the wall shows it where it was given */
};

/* UTC where the tenant has no zone, as for calls. */
static int32_t caller_offset_s(const struct flow_caller *c)
{
	return calendars_offset_s(c->run->node->common.shared_tables->calendars,
				  tenants_terms(c->run->node->common.tenants, c->tenant)->zone,
				  c->at);
}

static struct bytes caller_header(const struct flow_caller *c, struct bytes wanted)
{
	struct bytes rest = command_value(c->run, "headers")->text, one, name;

	while (bytes_cut(&rest, ';', &one)) {
		if (bytes_cut(&one, '=', &name) && bytes_ieq(name, wanted))
			return one;
	}
	return (struct bytes){ 0 };
}

static void caller_fact(void *arg, struct bytes name, struct writer *w)
{
	static const char *const args[][2] = { { "caller", "from" },
					       { "caller_name", "name" },
					       { "called", "to" },
					       { "trunk", "trunk" },
					       { "language", "language" } };
	const struct flow_caller *c = arg;
	const struct dial_plan *plan = dial_plans_of(c->run->node->common.dials, c->tenant);
	struct bytes front = bytes_sub(name, 0, bytes_find(name, '.'));
	bool e164 = front.n < name.n && command_value(c->run, "trunk")->text.n;
	struct shard *core = node_core(c->run->node, 0);

	for (size_t i = 0; i < COUNT_OF(args); i++) {
		struct bytes text = command_value(c->run, args[i][1])->text;

		if (bytes_is(front, args[i][0]))
			dial_write_international(e164 ? plan : NULL, text, w);
	}
	if (bytes_is(name, "tenant"))
		writer_str(w, c->run->tenant);
	if (bytes_starts(name, "presence.") && core)
		writer_str(w,
			   shard_presence_current(core, c->tenant,
						  bytes_is(name, "presence.called")
							  ? command_value(c->run, "to")->text
							  : bytes_from(name, strlen("presence."))));
	if (bytes_starts(name, "header."))
		writer_bytes(w, caller_header(c, bytes_from(name, strlen("header."))));
	calendar_time_write(w, name, c->timed ? c->at : c->at + caller_offset_s(c));
}

static void caller_hours(void *arg, struct bytes name, struct writer *w)
{
	const struct flow_caller *c = arg;
	const struct calendar *found =
		calendars_find(c->run->node->common.shared_tables->calendars, c->tenant, name);

	if (found)
		writer_str(w,
			   calendar_word(found, c->timed ? zone_utc_s(found->zone, c->at) : c->at));
}

static const struct flow_program *caller_named(void *arg, struct bytes flow)
{
	const struct flow_caller *c = arg;

	return programs_named(c->run->node->common.shared_tables->programs,
			      bytes_str(c->run->tenant), flow);
}

static size_t words_cut(struct bytes text, struct bytes words[FLOW_WORDS_MAX])
{
	size_t n = 0;

	while (n < FLOW_WORDS_MAX && bytes_cut(&text, ',', &words[n]))
		n++;
	return n;
}

void command_flow_try(struct command_run *run)
{
	const struct command_value *time = command_value(run, "time");
	struct flow_caller caller = { run, document_tenant(run), time->given,
				      (int64_t)(clock_utc_ms() / 1000) };
	const struct flow_program *p = caller_named(&caller, command_value(run, "flow")->text);
	struct bytes words[FLOW_WORDS_MAX];
	struct flow_trial trial = { .words = words,
				    .count = words_cut(command_value(run, "digits")->text, words),
				    .fact = caller_fact,
				    .hours = caller_hours,
				    .named = caller_named,
				    .arg = &caller };

	if (!p)
		command_fail(run, COMMAND_NOT_FOUND, "flow",
			     "there is no such flow: flow.list shows all of them");
	else if (time->given && hours_time_parse(&caller.at, time->text, civil_day(caller.at)))
		command_fail(run, COMMAND_BAD_ARGUMENT, "time",
			     "time is one such as 18:00 or 2026-12-24 18:00");
	else
		command_answer(run, program_for(run, flow_try(p, &trial)));
}

/* ---- calls ---- */

/* A one-off program is written to Redis first, where a successor of the call finds it. */
struct flow_order {
	struct command_run *run;
	struct flow_program *p;
};

static void flow_order_give(struct command_run *run, const struct flow_program *p,
			    struct bytes flow)
{
	struct call_order order = { .kind = ORDER_RUN, .to = flow, .program = p->hash };

	command_order_give(run, &order);
}

static void flow_on_order_text(enum store_result result, bool there, struct bytes value, void *arg)
{
	struct flow_order *o = arg;
	struct command_run *run = o->run;
	struct programs *all = run->node->common.shared_tables->programs;
	uint8_t hash[PROGRAM_HASH_LEN];

	(void)there;
	(void)value;
	memcpy(hash, o->p->hash, sizeof(hash));
	if (result != STORE_OK) {
		program_free(o->p);
		flow_store_failed(run, result);
	} else if (programs_put(all, bytes_str(run->tenant), (struct bytes){ 0 }, o->p)) {
		command_fail(run, COMMAND_FULL, NULL,
			     "this node has no room for one more program: try again");
	} else {
		flow_order_give(run, programs_find(all, hash), (struct bytes){ 0 });
	}
	free(o);
}

static void flow_run_program(struct command_run *run, struct bytes tenant)
{
	struct flow_program *p = flow_checked(run);
	struct flow_order *o = p ? malloc(sizeof(*o)) : NULL;

	if (o) {
		*o = (struct flow_order){ run, p };
		flow_text_put(run->node, tenant, p, flow_on_order_text, o);
	} else if (p) {
		program_free(p);
		command_fail(run, COMMAND_INTERNAL, NULL, "out of memory");
	}
}

/* Operators may name calls of any tenant. */
static struct bytes flow_tenant_of(const struct command_run *run, uint64_t call)
{
	uint16_t tenant;

	return bytes_str(shard_call_tenant(node_core(run->node, call), call, &tenant)
				 ? tenants_name(run->node->common.tenants, tenant)
				 : run->tenant);
}

void command_call_run(struct command_run *run)
{
	const struct command_value *flow = command_value(run, "flow");
	const struct flow_program *p = NULL;
	struct bytes tenant;
	uint64_t call;

	if (!command_call_id(run, &call))
		return;
	tenant = flow_tenant_of(run, call);
	if (flow->given == command_value(run, "program")->given) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "flow", "give flow or program");
		return;
	}
	if (!flow->given) {
		flow_run_program(run, tenant);
		return;
	}
	p = programs_named(run->node->common.shared_tables->programs, tenant, flow->text);
	if (p)
		flow_order_give(run, p, flow->text);
	else
		command_fail(run, COMMAND_NOT_FOUND, "flow",
			     "there is no such flow: flow.list shows all of them");
}

void command_call_flow(struct command_run *run)
{
	char words[256] = "";
	struct writer w = writer_over(words, sizeof(words) - 1);
	struct call_facts facts;
	struct shard *core;
	uint64_t call;

	if (!command_call_id(run, &call))
		return;
	core = node_core(run->node, call);
	if (!shard_call_facts(core, call, &facts) || !shard_call_flow(core, call, &w)) {
		command_fail(run, COMMAND_NOT_FOUND, "call", "the call goes through no flow");
		return;
	}
	words[w.n] = '\0';
	command_answer(run, json_pack("{s:o, s:s, s:s, s:s}", "call", command_call_id_json(call),
				      "flow", facts.flow, "path", facts.path, "at", words));
}
