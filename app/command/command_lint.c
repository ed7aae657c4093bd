/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `lint`: settings that hardly mean what they say, and whether emergency numbers can be called,
 * which is checked all the time. It repeats the warnings of each put over all documents, and adds
 * those that need all of them. Control thread, in turns.
 */
#include <string.h>

#include "app/command/command_lint.h"
#include "app/command/command_walk.h"
#include "app/document/document.h"
#include "app/document/extensions.h"
#include "app/node/node.h"
#include "app/node/node_life.h"
#include "app/node/node_shard.h"
#include "app/node/node_sip.h"
#include "app/schema/flow_shipped.h"
#include "app/schema/group_field.h"
#include "app/schema/hours_field.h"
#include "app/schema/token_field.h"
#include "app/schema/trunk_field.h"
#include "app/schema/webhook_field.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"

enum {
	LINT_FINDINGS_MAX =
		16, /* of one document: its place in the walk and this make one number */
	CIRCLE_MAX = 32,
};
#define HELP_LOOK_NS (2 * NS_PER_S)

/* Where findings of one place are gathered. */
struct lint {
	const struct node *n;
	uint16_t tenant;
	struct bytes name;
	json_t *out; /* [[reason, next]] */
};

static void lint_add(struct lint *l, const char *next, json_t *reason)
{
	if (json_array_size(l->out) < LINT_FINDINGS_MAX)
		(void)json_array_append_new(l->out, json_pack("[o, s]", reason, next));
	else
		json_decref(reason);
}

/* ---- of each kind ---- */

/* Only documents of one kind do, of any where it is NULL. */
static bool lint_is_named(const struct lint *l, const char *kind, const char *by)
{
	char name[DOCUMENT_NAME_MAX];
	bool named = false;
	const char *who;
	json_t *all, *path;

	if (bytes_cstr(l->name, name, sizeof(name)))
		return true;
	all = references_to(l->n, tenants_name(l->n->common.tenants, l->tenant), kind, name);
	json_object_foreach(all, who, path) named |= !by || bytes_starts(bytes_str(who), by);
	json_decref(all);
	return named;
}

static void group_lint(struct lint *l, const void *value)
{
	const struct group_value *g = value;

	if (!g->members[0])
		lint_add(l, "group.put members=", json_string("it has no members: nobody rings"));
	if (!lint_is_named(l, "group", NULL))
		lint_add(l, "number.put to=group:NAME, or group.delete",
			 json_string("no number and no flow leads to it"));
}

static void hours_lint(struct lint *l, const void *value)
{
	const struct hours_value *h = value;
	static struct hours core;
	bool opens = false;

	hours_to_core(h, &core);
	for (size_t i = 0; i < COUNT_OF(core.week); i++)
		opens |= core.week[i].count != 0;
	for (uint8_t i = 0; i < core.count; i++)
		opens |= core.holidays[i].day.count != 0;
	if (!opens && core.override != HOURS_OPEN)
		lint_add(l, "hours.put week=", json_string("it never opens"));
}

/* A mailbox may have a name of its own, but no user: no BLF, mail or call tells of its messages. */
static void flow_box_lint(void *arg, const char *path, const struct reference *what)
{
	struct lint *l = arg;
	struct extension_box box;

	if (!strcmp(what->kind, "mailbox") &&
	    !l->n->hooks->box(l->n, tenants_name(l->n->common.tenants, l->tenant), what->name,
			      &box))
		lint_add(l, "extension.put number=MAILBOX, or flow.put",
			 json_sprintf("%s: no extension has the mailbox " BYTES_FMT
				      ": nobody is told of its messages",
				      path, BYTES_ARG(what->name)));
}

static void flow_lint(struct lint *l, const void *value)
{
	references_each(l->n, document_kind_find(BYTES_LIT("flow")), l->tenant, value,
			flow_box_lint, l);
	for (const struct flow_shipped *s = g_flows_shipped; s->name; s++) {
		if (bytes_is(l->name, s->name))
			return; /* in its place */
	}
	if (!lint_is_named(l, "flow", NULL))
		lint_add(l, "number.put to=flow:NAME, or flow.delete",
			 json_string("no number leads to it, and nothing else"));
}

static void trunk_lint(struct lint *l, const void *value)
{
	const struct trunk_value *t = value;
	struct trunk_settings set;

	trunk_to_settings(t, l->tenant, &set);
	if (!t->enabled)
		lint_add(l, "trunk.put enabled=true, or trunk.delete",
			 json_string("it is not enabled: no call comes from it or goes to it"));
	else if (set.directions == TRUNK_OUT && !t->access[0] &&
		 !lint_is_named(l, "trunk", "route/"))
		lint_add(l, "route.put trunks=NAME, or trunk.delete",
			 json_string("no route has it: no call goes there"));
}

static void token_lint(struct lint *l, const void *value)
{
	const struct token_value *t = value;

	if (t->expires_utc_s && t->expires_utc_s <= clock_utc_ms() / 1000)
		lint_add(l, "token.delete, or token.create a new one", json_string("it expired"));
}

static void webhook_lint(struct lint *l, const void *value)
{
	const struct webhook_value *w = value;

	if (!w->enabled)
		lint_add(l, "webhook.put enabled=true, or webhook.delete",
			 json_sprintf("it is off: %s", w->reason[0] ? w->reason : "by hand"));
}

/* Extensions that are called at once by forwards, until one repeats. */
static bool forwards_in_circle(const struct lint *l, const struct extension *first)
{
	char number[FORWARD_TARGET_MAX] = "";
	struct bytes list = bytes_str(first->forward.always), one;
	struct extension e;
	bool circle = false;

	for (int i = 0; i < CIRCLE_MAX && !circle; i++) {
		if (!bytes_cut(&list, ',', &one) || bytes_cstr(one, number, sizeof(number)) ||
		    !extensions_find(l->n->api.extensions, l->tenant, bytes_str(number), &e))
			return false;
		circle = !strcmp(number, first->core.number);
		(void)bytes_cstr(bytes_sub(bytes_str(e.forward.always), 0, FORWARD_TARGET_MAX - 1),
				 number, sizeof(number));
		extension_wipe(&e);
		list = bytes_str(number);
	}
	return circle;
}

static void extension_lint(struct lint *l, const void *value)
{
	const struct extension *e = value;

	if (strcmp(e->realm, document_realm(l->n, l->tenant)) != 0)
		lint_add(l, "extension.put password=-",
			 json_string("its password is of another realm or other keys: no phone of "
				     "it can register"));
	if (forwards_in_circle(l, e))
		lint_add(l, "extension.put forward_always=",
			 json_string("forward_always leads back to it: its callers reach nobody"));
	if (e->box.notify && e->box.notify_to[0] && !strcmp(e->box.notify_to, e->core.number))
		lint_add(l, "extension.put mailbox_notify_to=",
			 json_string("mailbox_notify_to is the extension itself, as without it"));
}

static const struct {
	const char *kind;
	void (*fn)(struct lint *l, const void *value);
} g_lints[] = {
	{ "group", group_lint },         { "hours", hours_lint }, { "flow", flow_lint },
	{ "trunk", trunk_lint },         { "token", token_lint }, { "webhook", webhook_lint },
	{ "extension", extension_lint },
};

/* ---- the walk ---- */

static void document_lint(struct lint *l, const struct document_kind *kind, const void *value)
{
	const struct command_arg *fields = kind->form ? kind->form->fields : kind->fields;
	json_t *warnings = json_array(), *one;
	char next[64];
	size_t i;

	if (fields)
		field_warn(fields, value, warnings);
	references_warn(l->n, kind, l->tenant, value, warnings);
	if (kind->warn)
		kind->warn(l->n, l->tenant, value, warnings);

	(void)snprintf(next, sizeof(next), "%s.put changes it",
		       !strcmp(kind->name, "profile_range") ? "profile.range" : kind->name);
	json_array_foreach(warnings, i, one) lint_add(l, next, json_incref(one));
	json_decref(warnings);
	for (size_t k = 0; k < COUNT_OF(g_lints); k++) {
		if (!strcmp(g_lints[k].kind, kind->name))
			g_lints[k].fn(l, value);
	}
}

/* Findings in a document. New reference. */
static json_t *lint_of(const struct command_run *run, const struct snapshot_document *d)
{
	const struct document_kind *kind = document_kind_find(d->kind);
	struct lint l = { run->node, document_tenant(run), d->name, json_array() };
	void *value = kind && !kind->passing ? calloc(1, kind->size) : NULL;

	if (value && l.tenant != TENANT_NONE &&
	    document_stored(run->node, kind->of_operators ? DIRECTORY_OPERATORS : run->tenant, kind,
			    d->name, value))
		document_lint(&l, kind, value);
	if (value)
		explicit_bzero(value, kind->size);
	free(value);
	return l.out;
}

static bool lint_is_of(const struct command_run *run, const struct snapshot_document *d)
{
	return bytes_is(d->tenant, run->tenant) ||
	       (bytes_is(d->tenant, DIRECTORY_OPERATORS) && bytes_is(d->kind, "tenant") &&
		bytes_is(d->name, run->tenant));
}

static void lint_entry(struct command_walk_entry *out, const char *kind, struct bytes name,
		       uint32_t i, const char *reason, const char *next)
{
	out->wanted = true;
	(void)snprintf(out->key, sizeof(out->key), "%s/" BYTES_FMT "/%u", kind, BYTES_ARG(name), i);
	out->json = json_pack("{s:s, s:o, s:s, s:s}", "id", out->key, "place",
			      json_sprintf("%s " BYTES_FMT, kind, BYTES_ARG(name)), "reason",
			      reason, "next", next);
}

static bool help_look(const struct command_run *run, struct command_walk_at *at,
		      struct command_walk_entry *out)
{
	struct command_help help;

	if (!command_help_find(run->node, document_tenant(run), at->place, &help))
		return false;
	at->place++;
	if (help.words[0])
		lint_entry(out, "emergency", bytes_str(help.number), 0, help.words, help.next);
	return true;
}

/* shard 0: emergency numbers; 1: documents, each with LINT_FINDINGS_MAX places. */
static bool lint_look(const struct command_run *run, const struct command_span *span,
		      struct command_walk_at *at, bool show, struct command_walk_entry *out)
{
	uint32_t cursor = at->place / LINT_FINDINGS_MAX, i = at->place % LINT_FINDINGS_MAX;
	uint32_t first = cursor;
	struct snapshot_document d;
	char kind[SNAPSHOT_NAME_MAX + 1];
	json_t *all, *one;

	(void)span;
	(void)show;
	if (!at->shard) {
		if (help_look(run, at, out))
			return true;
		command_walk_past(at);
		return true;
	}
	if (!mirror_next(&run->node->api.documents->keep.mirror, &cursor, &d))
		return false;
	i = cursor - 1 == first ? i : 0;
	all = lint_is_of(run, &d) && !bytes_cstr(d.kind, kind, sizeof(kind)) ? lint_of(run, &d)
									     : NULL;
	one = json_array_get(all, i);
	at->place = one && i + 1 < LINT_FINDINGS_MAX ? (cursor - 1) * LINT_FINDINGS_MAX + i + 1
						     : cursor * LINT_FINDINGS_MAX;
	if (one)
		lint_entry(out, kind, d.name, i, json_string_value(json_array_get(one, 0)),
			   json_string_value(json_array_get(one, 1)));
	json_decref(all);
	return true;
}

void command_lint(struct command_run *run)
{
	command_walk_start(run, lint_look);
}

/* ---- whether help can be called ---- */

static metric_id g_help_metric;

void command_lint_setup(void)
{
	g_help_metric = metric_register(
		METRIC_GAUGE, "tandem_emergency_tenants_cut_off", NULL,
		"Tenants with extensions that would reach nobody by calls to emergency numbers.");
}

/* Of default emergency numbers one that works is enough: no tenant has routes to all countries. */
static bool help_is_cut_off(const struct node *n, uint16_t tenant, struct command_help *worst)
{
	uint32_t failing = 0, i = 0;
	struct command_help help = { 0 };
	bool chosen = false;

	for (; command_help_find(n, tenant, i, &help); i++) {
		chosen |= help.chosen;
		if (!help.fails)
			continue;
		if (!failing++)
			*worst = help;
	}
	return failing && (chosen || failing == i);
}

/* worst: NULL when emergency calls are possible again. */
static void help_publish(struct node *n, uint16_t tenant, const struct command_help *worst)
{
	struct sig_event event = { .kind = worst ? SIG_EMERGENCY_DOWN : SIG_EMERGENCY_UP,
				   .version = clock_utc_ms() };

	if (worst) {
		event_put_str(&event, EV_TO, worst->number);
		event_put_str(&event, EV_REASON, worst->words);
	}
	node_event(n, tenants_name(n->common.tenants, tenant), &event);
}

/* Whether a tenant is cut off, and an event where that has changed. */
static bool emergency_look(struct node *n, uint16_t tenant, struct command_help *worst)
{
	static bool told[TENANTS_MAX];
	bool exists = tenants_has(n->common.tenants, tenant);
	bool cut_off = exists && tenants_held(n->common.tenants, tenant, TENANT_EXTENSIONS) &&
		       help_is_cut_off(n, tenant, worst);

	if (cut_off != told[tenant] && exists)
		help_publish(n, tenant, cut_off ? worst : NULL);
	told[tenant] = cut_off;
	return cut_off;
}

void command_help_beat(struct node *n, uint64_t now_ns)
{
	static uint64_t next_ns;
	char text[HEALTH_DETAIL_MAX] = "";
	struct command_help worst;
	uint32_t count = 0;

	if (now_ns < next_ns)
		return;
	next_ns = now_ns + HELP_LOOK_NS;
	for (uint16_t t = 0; t < TENANTS_MAX; t++) {
		if (!emergency_look(n, t, &worst))
			continue;
		if (!count++)
			(void)snprintf(text, sizeof(text), "tenant %s, %s: %s",
				       tenants_name(n->common.tenants, t), worst.number,
				       worst.words);
	}
	metric_set(g_help_metric, count);
	if (count && !(health_reasons(&n->web->health, now_ns) & HEALTH_EMERGENCY))
		LOG_WARN("node", 0, "emergency calls would reach nobody", LOG_STR("first", text),
			 LOG_U64("tenants", count),
			 LOG_STR("next", "tandemctl lint tenant=NAME says what to do"));
	health_set_reason(&n->web->health, HEALTH_EMERGENCY, text);
}
