/* SPDX-License-Identifier: Apache-2.0 */
/* Documents of trunks, DIDs, routes and dial plans, and the commands that say what a number means
 * for a tenant (dialplan.check). Trunks are put by operators, because their requests concern the
 * whole node. Documents that lead calls to a number check it by command_number_wrong. */

#include <errno.h>
#include <string.h>

#include "app/command/command_extension.h"
#include "app/command/command_lint.h"
#include "app/command/command_order.h"
#include "app/command/command_trunk.h"
#include "app/command/commands.h"
#include "app/document/document.h"
#include "app/document/extensions.h"
#include "app/node/node.h"
#include "app/node/node_probe.h"
#include "app/node/node_shard.h"
#include "app/schema/tenant_field.h"
#include "app/schema/trunk_field.h"
#include "app/settings/settings.h"
#include "sig/dial/dial.h"
#include "sig/dial/pattern.h"
#include "sig/host/programs.h"
#include "sig/host/tenant_tables.h"
#include "sig/host/trunk.h"
#include "sig/shard/shared_tables.h"

/* Numbers by which calls come in from trunks, and routes by which they go out. */

/* ---- numbers ---- */

static int did_apply(struct node *node, uint16_t tenant, const void *value)
{
	struct trunk_did did = ((const struct did_value *)value)->core;

	did.tenant = tenant;
	return trunk_did_put(node->common.numbers, &did);
}

static void did_forget(struct node *node, uint16_t tenant, const char *name)
{
	(void)trunk_did_delete(node->common.numbers, tenant, bytes_str(name));
}

const struct document_kind g_did_documents = {
	.name = "did",
	.argument = "number",
	.several = "numbers that trunks call",
	.places = TRUNK_NUMBERS_MAX,
	.quota = "max_dids",
	.item = TENANT_NUMBERS,
	.size = sizeof(struct did_value),
	.form = &g_did_form,
	.apply = did_apply,
	.forget = did_forget,
};

/* ---- routes ---- */

static int route_apply(struct node *node, uint16_t tenant, const void *value)
{
	struct trunk_route core;

	route_to_core(value, tenant, &core);
	return trunk_route_put(node->common.numbers, &core);
}

static void route_forget(struct node *node, uint16_t tenant, const char *name)
{
	(void)trunk_route_delete(node->common.numbers, tenant, bytes_str(name));
}

const struct document_kind g_route_documents = {
	.name = "route",
	.argument = "name",
	.several = "routes",
	.places = TRUNK_ROUTES_MAX,
	.quota = "max_routes",
	.item = TENANT_ROUTES,
	.size = sizeof(struct route_value),
	.form = &g_route_form,
	.apply = route_apply,
	.forget = route_forget,
};

/* A tenant's dial plan, and what a number means by it. */

static bool dial_stored(const struct command_run *run, struct dial_document *out)
{
	return document_stored(run->node, run->tenant, &g_dial_documents, BYTES_LIT(DIAL_PLAN_NAME),
			       out);
}

static void dial_known(const struct command_run *run, struct dial_document *out)
{
	form_start(&g_dial_form, out, (struct bytes){ 0 });
	(void)dial_stored(run, out);
}

static bool dial_make(struct command_run *run, void *value)
{
	struct dial_document *d = value;

	dial_known(run, d);
	return document_read_args(run, &g_dial_documents, d);
}

static bool dial_aim(struct command_run *run, char name[DOCUMENT_NAME_MAX])
{
	struct dial_document unused;

	if (dial_stored(run, &unused))
		return bytes_cstr(BYTES_LIT(DIAL_PLAN_NAME), name, DOCUMENT_NAME_MAX) == 0;
	command_fail(run, COMMAND_NOT_FOUND, NULL, "the tenant has no dial plan");
	return false;
}

static void dial_name(const void *value, char name[DOCUMENT_NAME_MAX])
{
	(void)value;
	(void)bytes_cstr(BYTES_LIT(DIAL_PLAN_NAME), name, DOCUMENT_NAME_MAX);
}

static int dial_apply(struct node *node, uint16_t tenant, const void *value)
{
	const struct dial_document *d = value;

	return dial_plans_put(node->common.dials, tenant, &d->plan);
}

static void dial_forget(struct node *node, uint16_t tenant, const char *name)
{
	(void)name;
	dial_plans_delete(node->common.dials, tenant);
}

/* Extensions that its number plan has no place for: they stay as they are. */
static void dial_warn(const struct node *node, uint16_t tenant, const void *value, json_t *out)
{
	struct bytes plan = bytes_str(((const struct dial_document *)value)->plan.extensions);
	struct bytes number, first = { 0 };
	struct pattern unused;
	uint32_t cursor = 0, count = 0;
	uint16_t of;

	while (plan.n && extensions_next(node->api.extensions, &cursor, &of, &number)) {
		if (of != tenant || pattern_list_match(plan, number, &unused).whole)
			continue;
		first = count++ ? first : number;
	}
	if (count)
		(void)json_array_append_new(
			out,
			json_sprintf(
				"extensions: %u of the tenant are not in it, such as " BYTES_FMT
				": they stay",
				count, BYTES_ARG(first)));
}

const struct document_kind g_dial_documents = {
	.name = "dialplan",
	.argument = "dialplan",
	.several = "dial plans",
	.places = TENANTS_MAX,
	.size = sizeof(struct dial_document),
	.form = &g_dial_form,
	.make = dial_make,
	.aim = dial_aim,
	.name_of = dial_name,
	.apply = dial_apply,
	.forget = dial_forget,
	.warn = dial_warn,
};

void command_dialplan_show(struct command_run *run)
{
	struct dial_document d;

	dial_known(run, &d);
	command_answer(run, form_view(&g_dial_form, &d));
}

struct dial_scope {
	const struct node *node;
	uint16_t tenant;
	bool enabled; /* who dials */
};

static bool dial_has_extension(void *arg, struct bytes number)
{
	const struct dial_scope *subject = arg;

	return extensions_has(subject->node->api.extensions, subject->tenant, number);
}

static bool dial_has_room(void *arg, struct bytes number)
{
	const struct dial_scope *subject = arg;

	return rooms_find(subject->node->common.rooms, subject->tenant, number) != NULL;
}

static size_t dial_trunk_code(void *arg, struct bytes number)
{
	const struct dial_scope *subject = arg;
	const struct trunks *all = subject->node->common.trunks;
	uint16_t trunk = trunks_by_access(all, subject->tenant, number);

	return trunk == TRUNK_NONE ? 0 : bytes_str(trunks_settings(all, trunk)->access).n;
}

/* The trunk of the access code before the number, which is cut off; "": none. */
static const char *dial_trunk_cut(struct dial_scope *subject, struct bytes *number)
{
	const struct trunks *all = subject->node->common.trunks;
	size_t end = bytes_find(*number, DIAL_ACCESS_END);
	uint16_t trunk = trunks_by_access(all, subject->tenant, bytes_sub(*number, 0, end));

	if (end == number->n || trunk == TRUNK_NONE)
		return "";
	*number = bytes_from(*number, end + 1);
	return trunks_name(all, trunk);
}

/* The plan's pattern that gives a number its class; empty: it is read as another one. */
static struct bytes dial_pattern(const struct dial_plan *plan, const struct dial_result *r,
				 struct bytes dialled)
{
	struct bytes list = { 0 }, one;

	if (r->blocked)
		list = bytes_str(plan->blocked);
	else if (r->class < DIAL_OTHER)
		list = bytes_str(plan->classes[r->class]);
	while (bytes_cut(&list, '|', &one)) {
		struct pattern unused;

		if (pattern_list_match(one, bytes_str(r->number), &unused).whole ||
		    pattern_list_match(one, dialled, &unused).whole)
			return one;
	}
	return (struct bytes){ 0 };
}

/* Which setting says no. */
static const char *dial_rule(const struct dial_scope *subject, const struct dial_result *r,
			     bool may)
{
	if (!subject->enabled)
		return "extension.enabled";
	if (!may)
		return "extension, of that code";
	switch (r->kind) {
	case DIAL_BARRED:
		if (r->blocked)
			return "dialplan.blocked";
		return tenants_classes(subject->node->common.tenants, subject->tenant, UINT8_MAX) &
				       1u << r->class
			       ? "extension.classes"
			       : "tenant.classes";
	case DIAL_MORE:
		return "dialplan.numbers";
	case DIAL_OUTSIDE:
	case DIAL_EMERGENCY:
		return "route";
	case DIAL_UNKNOWN:
	case DIAL_EXTENSION:
	case DIAL_ROOM:
	case DIAL_FEATURE:
		break;
	}
	return "";
}

/* What its phone gets, and why. */
static void dial_outcome_put(json_t *json, const struct dial_scope *subject,
			     const struct dial_result *r, bool may)
{
	const char *reason = "", *words = NULL, *next = "";
	uint16_t status =
		shard_dial_outcome(node_core(subject->node, 0), subject->tenant, r, &reason);

	if (!subject->enabled || !may) {
		status = 403;
		reason = subject->enabled ? "feature_code" : "extension_disabled";
	}
	if (!refusal_words(reason, &words, &next))
		words = reason;
	(void)json_object_set_new(json, "status", json_integer(status));
	(void)json_object_set_new(json, "why", json_string(words));
	(void)json_object_set_new(json, "rule",
				  json_string(status ? dial_rule(subject, r, may) : ""));
}

static void dial_forms_put(json_t *json, const struct dial_scope *subject, struct bytes number)
{
	const struct dial_plan *plan = dial_plans_of(subject->node->common.dials, subject->tenant);
	struct dial_forms forms;

	(void)dial_forms_of(plan, number, &forms);
	(void)json_object_set_new(json, "international", json_string(forms.international));
	(void)json_object_set_new(json, "national", json_string(forms.national));
}

/* The flow that the number leads to; extensions and rooms come before. Empty: none. */
static struct bytes dial_flow(const struct dial_scope *subject, const struct dial_result *r,
			      struct bytes dialled)
{
	const struct node *n = subject->node;

	if (r->kind == DIAL_EMERGENCY || r->kind == DIAL_EXTENSION || r->kind == DIAL_ROOM)
		return (struct bytes){ 0 };
	return (r->kind == DIAL_FEATURE ? programs_number_exact : programs_number)(
		n->common.shared_tables->programs,
		bytes_str(tenants_name(n->common.tenants, subject->tenant)), dialled);
}

static const char *const g_meanings[] = {
	[DIAL_UNKNOWN] = "unknown", [DIAL_EMERGENCY] = "emergency", [DIAL_EXTENSION] = "extension",
	[DIAL_ROOM] = "room",       [DIAL_FEATURE] = "feature",     [DIAL_MORE] = "more",
	[DIAL_OUTSIDE] = "outside", [DIAL_BARRED] = "barred",
};

/* may: a feature code that is meant. */
static json_t *dial_result_json(struct dial_scope *subject, const struct dial_result *r, bool may)
{
	bool outside = r->kind == DIAL_OUTSIDE || r->kind == DIAL_BARRED;
	const char *what = outside                   ? g_dial_classes[r->class]
			   : r->kind == DIAL_FEATURE ? feature_key(r->feature)
						     : "";
	struct bytes number = bytes_str(r->number);
	const char *trunk = outside ? dial_trunk_cut(subject, &number) : "";
	json_t *json =
		json_pack("{s:s, s:s#, s:s, s:s, s:b}", "meaning",
			  g_meanings[may ? r->kind : DIAL_BARRED], "number", number.p,
			  (int)number.n, "trunk", trunk, "class", what, "blocked", r->blocked);

	if (json)
		dial_outcome_put(json, subject, r, may);
	if (json && outside)
		dial_forms_put(json, subject, number);
	return json;
}

static struct dial_asker dial_asker_for(struct dial_scope *subject, struct feature_codes *codes)
{
	const struct node *n = subject->node;

	settings_codes_read(n->settings, codes);
	return (struct dial_asker){
		.plan = dial_plans_of(n->common.dials, subject->tenant),
		.codes = codes,
		.emergency = n->settings->sip.emergency_numbers,
		.emergency_count = n->settings->sip.emergency_number_count,
		.arg = subject,
		.is_extension = dial_has_extension,
		.is_room = dial_has_room,
		.trunk_access = dial_trunk_code,
	};
}

static json_t *dial_flow_json(struct bytes number, struct bytes flow)
{
	return json_pack("{s:s, s:o, s:o, s:s, s:s, s:b, s:i, s:s, s:s}", "meaning", "flow",
			 "number", command_text_json(number), "flow", command_text_json(flow),
			 "trunk", "", "class", "", "blocked", 0, "status", 0, "why", "", "rule",
			 "");
}

/* What a checked set does to a number: 1: puts or leaves it; -1: deletes it; 0: unmentioned. */
static int number_in_set(const struct node *n, uint16_t tenant, struct bytes number)
{
	static const char *const kinds[] = { "extension", "room", "number" };
	const struct documents *d = n->api.documents;
	struct bytes owner = bytes_str(tenants_name(n->common.tenants, tenant));
	int is = 0;

	for (size_t i = 0; d->naming && i < COUNT_OF(kinds); i++) {
		if (document_named(n, owner, kinds[i], number))
			return 1;
		if (mirror_version(&d->keep.mirror, owner, bytes_str(kinds[i]), number))
			is = -1;
	}
	return is;
}

bool command_number_known(const struct node *n, uint16_t tenant, struct bytes number)
{
	struct dial_scope subject = { .node = n, .tenant = tenant };
	struct feature_codes codes;
	struct dial_asker asker = dial_asker_for(&subject, &codes);
	struct dial_result result;
	const char *unused;

	asker.outside = true;
	asker.classes = UINT8_MAX;
	dial_resolve(&asker, number, &result);
	return dial_flow(&subject, &result, number).n ||
	       !shard_dial_outcome(node_core(n, 0), tenant, &result, &unused) ||
	       number_in_set(n, tenant, number) > 0;
}

const char *command_number_meaning(const struct node *n, uint16_t tenant, struct bytes number)
{
	struct dial_scope subject = { .node = n, .tenant = tenant, .enabled = true };
	struct feature_codes codes;
	struct dial_asker asker = dial_asker_for(&subject, &codes);
	struct dial_result result;

	asker.outside = true;
	asker.classes = UINT8_MAX;
	dial_resolve(&asker, number, &result);
	return dial_flow(&subject, &result, number).n ? "flow" : g_meanings[result.kind];
}

static bool has_as_many_digits(const struct node *n, uint16_t tenant, struct bytes number)
{
	uint32_t cursor = 0;
	uint16_t subject;
	struct bytes one;

	while (extensions_next(n->api.extensions, &cursor, &subject, &one)) {
		if (subject == tenant && one.n == number.n)
			return true;
	}
	return false;
}

enum { OUTSIDE_DIGITS = 7 }; /* so many are no extension that was mistyped */

/* With an area code each number that nobody has is called outside. */
bool command_number_wrong(const struct node *n, uint16_t tenant, struct bytes number, char *why)
{
	struct dial_scope subject = { .node = n, .tenant = tenant };
	struct feature_codes codes;
	struct dial_asker asker = dial_asker_for(&subject, &codes);
	struct dial_result r;
	const char *reason;
	int set;

	asker.outside = true;
	asker.classes = UINT8_MAX;
	dial_resolve(&asker, number, &r);
	why[0] = '\0';
	set = number_in_set(n, tenant, r.number[0] ? bytes_str(r.number) : number);
	if (set > 0 || (!set && dial_flow(&subject, &r, number).n))
		return false;
	if (!set && !shard_dial_outcome(node_core(n, 0), tenant, &r, &reason)) {
		if (r.kind == DIAL_OUTSIDE && number.n < OUTSIDE_DIGITS &&
		    has_as_many_digits(n, tenant, number))
			(void)snprintf(why, NUMBER_WORDS_MAX,
				       "no extension has the number " BYTES_FMT
				       ": it is called outside, as %s",
				       BYTES_ARG(number), r.number);
	} else if (r.kind == DIAL_OUTSIDE &&
		   (number.n >= OUTSIDE_DIGITS || bytes_starts(number, "+"))) {
		(void)snprintf(why, NUMBER_WORDS_MAX,
			       BYTES_FMT " is a number outside, and no route leads there yet",
			       BYTES_ARG(number));
	} else if (r.kind != DIAL_BARRED && r.kind != DIAL_MORE) {
		(void)snprintf(why, NUMBER_WORDS_MAX, "there is no number " BYTES_FMT " yet",
			       BYTES_ARG(number));
	}
	return why[0] != '\0';
}

/* A call to it is an emergency call, whatever else it leads to. */
void command_warn_emergency(const struct node *n, uint16_t tenant, struct bytes number, json_t *out)
{
	struct dial_scope subject = { .node = n, .tenant = tenant };
	struct feature_codes codes;
	struct dial_asker asker = dial_asker_for(&subject, &codes);
	char help[DIAL_NUMBER_MAX];

	if (dial_is_emergency(&asker, number, help))
		(void)json_array_append_new(out,
					    json_sprintf("number: to dial it makes an emergency "
							 "call to %s: take another one",
							 help));
}

enum { USUAL_HELP = 9 }; /* so many numbers a node has where its file names none */

bool command_help_find(const struct node *n, uint16_t tenant, uint32_t i, struct command_help *out)
{
	const struct settings_sip *sip = &n->settings->sip;
	const struct dial_plan *plan = dial_plans_of(n->common.dials, tenant);
	struct bytes list = bytes_str(plan->emergency), one = { 0 };
	struct dial_result r = { .kind = DIAL_EMERGENCY };
	const char *reason, *words = "";
	uint16_t status;

	*out = (struct command_help){ .next = "",
				      .chosen =
					      list.n || sip->emergency_number_count < USUAL_HELP };
	if (!plan->emergency[0] && i < sip->emergency_number_count)
		one = bytes_str(sip->emergency_numbers[i]);
	for (uint32_t k = 0; plan->emergency[0] && k <= i; k++) {
		if (!bytes_cut(&list, ',', &one))
			return false;
	}
	if (!one.n || bytes_cstr(one, r.number, sizeof(r.number)) ||
	    bytes_cstr(one, out->number, sizeof(out->number)))
		return false;
	status = shard_dial_outcome(node_core(n, 0), tenant, &r, &reason);
	out->fails = status != 0;
	if (!out->fails && reason[0]) {
		(void)snprintf(out->words, sizeof(out->words), "%s", reason);
		out->next = "trunk.put probe_s=30";
	}
	if (!out->fails || !refusal_words(reason, &words, &out->next))
		return true;
	(void)snprintf(out->words, sizeof(out->words), "a call gets %u: %s", status, words);
	if (status == 404)
		out->next = "route.put with a pattern that has the number, as 112|0x.";
	return true;
}

void command_dialplan_check(struct command_run *run)
{
	struct dial_scope subject = { run->node, document_tenant(run) };
	struct feature_codes codes;
	struct dial_asker asker = dial_asker_for(&subject, &codes);
	struct bytes number = command_value(run, "number")->text, flow;
	struct extension e;
	struct dial_result result;
	json_t *json;
	bool may;

	if (!extensions_find(run->node->api.extensions, subject.tenant,
			     command_value(run, "from")->text, &e)) {
		command_fail(run, COMMAND_NOT_FOUND, "from", COMMAND_NO_EXTENSION);
		return;
	}
	subject.enabled = asker.outside = e.core.enabled;
	asker.scheme = e.core.dialling;
	asker.rules = bytes_str(e.forward.dial_rules);
	asker.own_access = shard_forward_access(&e.forward);
	asker.classes = tenants_classes(run->node->common.tenants, subject.tenant, e.core.classes);
	dial_resolve(&asker, number, &result);
	flow = dial_flow(&subject, &result, number);
	may = result.kind != DIAL_FEATURE || shard_extension_may_set(&e.core, result.feature);
	extension_wipe(&e);
	if (flow.n && subject.enabled) {
		command_answer(run, dial_flow_json(number, flow));
		return;
	}
	json = dial_result_json(&subject, &result, may);
	if (json && (result.kind == DIAL_OUTSIDE || result.kind == DIAL_BARRED))
		(void)json_object_set_new(
			json, "pattern",
			command_text_json(dial_pattern(asker.plan, &result, number)));
	command_answer(run, json);
}

bool tenant_digit_map(struct node *node, uint16_t tenant, enum dial_map_form form, struct writer *w)
{
	struct dial_scope subject = { node, tenant };
	struct feature_codes codes;
	struct dial_asker asker = dial_asker_for(&subject, &codes);

	return dial_digit_map(&asker, form, w);
}

void command_dialplan_digit_map(struct command_run *run)
{
	enum dial_map_form as = (enum dial_map_form)command_value(run, "form")->number;
	char text[DIAL_MAP_MAX];
	struct writer w = writer_over(text, sizeof(text));

	if (!tenant_digit_map(run->node, document_tenant(run), as, &w))
		command_fail(run, COMMAND_FULL, "numbers", "the digit map is too long for phones");
	else
		command_answer(run, json_pack("{s:s, s:o}", "form", g_dial_map_forms[as],
					      "digit_map", command_text_json(writer_done(&w))));
}

/* False: the run has failed. */
static bool network_stands(struct command_run *run, const struct trunk_value *t)
{
	const struct settings *s = run->node->settings;

	for (uint32_t i = 0; i < s->network_count; i++) {
		if (!t->network[0] || !strcmp(t->network, s->networks[i].name))
			return true;
	}
	command_fail(run, COMMAND_NOT_FOUND, "network", "this node has no such network");
	return false;
}

/* Else it would take part in no call. False: the run has failed. */
static bool is_somewhere(struct command_run *run, const struct trunk_value *t)
{
	struct trunk_settings set;

	trunk_to_settings(t, TENANT_NONE, &set);
	if (set.directions & TRUNK_OUT && !set.server_count) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "servers",
			     "calls to a trunk need a server: give servers, or direction=in");
		return false;
	}
	if (set.directions & TRUNK_IN && !set.source_count && set.listener.family == ADDR_NONE) {
		command_fail(
			run, COMMAND_BAD_ARGUMENT, "sources",
			"calls from a trunk need to be known as its: give sources or listener, "
			"or direction=out");
		return false;
	}
	return true;
}

/* A password is one of a user in a realm. False: the run has failed. */
static bool trunk_credentials_read(struct command_run *run, struct trunk_value *t)
{
	bool named = command_value(run, "user")->given || command_value(run, "realm")->given;
	bool given = command_value(run, "password")->given || command_value(run, "ha1")->given;

	if (!t->user[0] && !given) {
		t->has_secret = false;
		memset(&t->secret, 0, sizeof(t->secret));
		return true;
	}
	if (given && (!t->user[0] || !t->realm[0])) {
		command_fail(run, COMMAND_MISSING_ARGUMENT, t->user[0] ? "realm" : "user",
			     "a password goes with a user and a realm");
		return false;
	}
	if (named && !given) {
		command_fail(run, COMMAND_MISSING_ARGUMENT, "password",
			     "a user or a realm goes with a password, or ha1");
		return false;
	}
	if (!command_take_secret(run, t->user, t->realm, &t->secret, &given))
		return false;
	t->has_secret |= given;
	return true;
}

static bool trunk_make(struct command_run *run, void *value)
{
	struct trunk_value *t = value;

	trunk_default(t);
	(void)document_stored(run->node, run->tenant, &g_trunk_documents,
			      command_value(run, "name")->text, t);
	t->changed_utc_ms = clock_utc_ms();
	return fields_read_args(run, g_trunk_fields, t) && network_stands(run, t) &&
	       is_somewhere(run, t) && trunk_credentials_read(run, t);
}

static json_t *servers_up(const struct trunks *all, uint16_t trunk, uint8_t count)
{
	json_t *list = json_array();

	for (uint8_t i = 0; i < count; i++)
		(void)json_array_append_new(list, json_boolean(trunks_is_up(all, trunk, i)));
	return list;
}

static json_t *servers_blocked(const struct node *node, uint16_t trunk, uint8_t count)
{
	json_t *list = json_array();
	uint64_t now_ns = clock_now_ns();

	for (uint8_t i = 0; i < count; i++)
		(void)json_array_append_new(
			list, json_integer(node_probe_blocked_s(node, trunk, i, now_ns)));
	return list;
}

static void show_count(json_t *json, const char *name, const struct trunks *all, uint16_t trunk,
		       enum trunk_count what)
{
	(void)json_object_set_new(json, name,
				  json_integer((json_int_t)trunks_counted(all, trunk, what)));
}

/* What it is, and what this node has of it now. */
static json_t *trunk_show(const struct node *node, uint16_t tenant, const void *value)
{
	const struct trunk_value *t = value;
	uint16_t trunk = trunks_find(node->common.trunks, tenant, bytes_str(t->name));
	const struct trunk_settings *set = trunks_settings(node->common.trunks, trunk);
	json_t *json = trunk_to_view(t);

	(void)json_object_set_new(json, "calls_in",
				  json_integer(trunks_held(node->common.trunks, trunk, TRUNK_IN)));
	(void)json_object_set_new(json, "calls_out",
				  json_integer(trunks_held(node->common.trunks, trunk, TRUNK_OUT)));
	show_count(json, "calls", node->common.trunks, trunk, TRUNK_CALLS);
	show_count(json, "refused", node->common.trunks, trunk, TRUNK_REFUSED);
	show_count(json, "failovers", node->common.trunks, trunk, TRUNK_FAILOVERS);
	(void)json_object_set_new(
		json, "up", servers_up(node->common.trunks, trunk, set ? set->server_count : 0));
	(void)json_object_set_new(json, "blocked_s",
				  servers_blocked(node, trunk, set ? set->server_count : 0));
	return json;
}

static int trunk_apply(struct node *node, uint16_t tenant, const void *value)
{
	struct trunk_settings set;
	uint16_t trunk;

	trunk_to_settings(value, tenant, &set);
	return trunks_put(node->common.trunks, &set, &trunk);
}

static void trunk_forget(struct node *node, uint16_t tenant, const char *name)
{
	(void)trunks_delete(node->common.trunks, tenant, bytes_str(name));
}

const struct document_kind g_trunk_documents = {
	.name = "trunk",
	.argument = "name",
	.several = "trunks",
	.places = TRUNKS_MAX,
	.quota = "max_trunks",
	.item = TENANT_TRUNKS,
	.size = sizeof(struct trunk_value),
	.make = trunk_make,
	.fields = g_trunk_fields,
	.name_at = offsetof(struct trunk_value, name),
	.seal = "tandem trunk seal 1",
	.write = trunk_to_document,
	.show = trunk_show,
	.read = trunk_from_document,
	.apply = trunk_apply,
	.forget = trunk_forget,
};
