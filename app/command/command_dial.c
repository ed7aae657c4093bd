/* SPDX-License-Identifier: Apache-2.0 */
/* A tenant's dial plan, and what a number means by it. */
#include <errno.h>
#include <string.h>

#include "app/command/command_handlers.h"
#include "app/document/dial_field.h"
#include "app/node/node.h"
#include "sig/dial/dial.h"
#include "sig/dial/pattern.h"
#include "sig/host/dial_plans.h"
#include "sig/host/room_terms.h"
#include "sig/host/trunk.h"

#define DIAL_LIMIT "memory"

static bool dial_stored(const struct command_run *run, struct dial_document *out)
{
	return document_stored(run->node, run->tenant, &g_dial_documents, BYTES_LIT(DIAL_PLAN_NAME),
			       out);
}

static void dial_known(const struct command_run *run, struct dial_document *out)
{
	form_begin(&g_dial_form, out, (struct bytes){ 0 });
	(void)dial_stored(run, out);
}

static bool dial_make(struct command_run *run, void *value)
{
	struct dial_document *d = value;

	dial_known(run, d);
	return document_take(run, &g_dial_documents, d);
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

	return dial_plans_put(node->dials, tenant, &d->plan);
}

static void dial_forget(struct node *node, uint16_t tenant, const char *name)
{
	(void)name;
	dial_plans_delete(node->dials, tenant);
}

const struct document_kind g_dial_documents = {
	.name = "dialplan",
	.argument = "dialplan",
	.limit = DIAL_LIMIT,
	.size = sizeof(struct dial_document),
	.form = &g_dial_form,
	.make = dial_make,
	.aim = dial_aim,
	.name_of = dial_name,
	.apply = dial_apply,
	.forget = dial_forget,
};

void command_dialplan_show(struct command_run *run)
{
	struct dial_document d;

	dial_known(run, &d);
	command_answer(run, form_view(&g_dial_form, &d));
}

struct dial_whose {
	const struct node *node;
	uint16_t tenant;
	bool enabled; /* who dials */
};

static bool dial_has_extension(void *arg, struct bytes number)
{
	const struct dial_whose *whose = arg;

	return extensions_has(&whose->node->extensions, whose->tenant, number);
}

static bool dial_has_room(void *arg, struct bytes number)
{
	const struct dial_whose *whose = arg;

	return rooms_find(whose->node->rooms, whose->tenant, number) != NULL;
}

static size_t dial_trunk_code(void *arg, struct bytes number)
{
	const struct dial_whose *whose = arg;
	const struct trunks *all = whose->node->trunks;
	uint16_t trunk = trunks_by_access(all, whose->tenant, number);

	return trunk == TRUNK_NONE ? 0 : bytes_str(trunks_settings(all, trunk)->access).n;
}

/* The trunk whose access code stands before the number, which is cut off; "": there is none. */
static const char *dial_trunk_cut(struct dial_whose *whose, struct bytes *number)
{
	const struct trunks *all = whose->node->trunks;
	size_t end = bytes_find(*number, DIAL_ACCESS_END);
	uint16_t trunk = trunks_by_access(all, whose->tenant, bytes_sub(*number, 0, end));

	if (end == number->n || trunk == TRUNK_NONE)
		return "";
	*number = bytes_from(*number, end + 1);
	return trunks_name(all, trunk);
}

/* The pattern of the plan by which a number has its class; empty: it is read as another one that has it. */
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
static const char *dial_rule(const struct dial_whose *whose, const struct dial_result *r, bool may)
{
	if (!whose->enabled)
		return "extension.enabled";
	if (!may)
		return "extension, of that code";
	switch (r->kind) {
	case DIAL_BARRED:
		if (r->blocked)
			return "dialplan.blocked";
		return tenants_classes(whose->node->tenants, whose->tenant, UINT8_MAX) &
				       1u << r->class
			       ? "extension.classes"
			       : "tenant.classes";
	case DIAL_MORE:
		return "dialplan.numbers";
	case DIAL_OUTSIDE:
		return "route";
	case DIAL_UNKNOWN:
	case DIAL_EMERGENCY:
	case DIAL_EXTENSION:
	case DIAL_ROOM:
	case DIAL_FEATURE:
		break;
	}
	return "";
}

/* What its phone hears, and why. */
static void dial_outcome_put(json_t *json, const struct dial_whose *whose,
			     const struct dial_result *r, bool may)
{
	const char *reason = "", *words = NULL, *next = "";
	uint16_t status = shard_dial_outcome(node_core(whose->node, 0), whose->tenant, r, &reason);

	if (!whose->enabled || !may) {
		status = 403;
		reason = whose->enabled ? "feature_code" : "extension_disabled";
	}
	if (!refusal_words(reason, &words, &next))
		words = reason;
	(void)json_object_set_new(json, "status", json_integer(status));
	(void)json_object_set_new(json, "why", json_string(words));
	(void)json_object_set_new(json, "rule",
				  json_string(status ? dial_rule(whose, r, may) : ""));
}

/* may: a feature code that is meant. */
static json_t *dial_result_json(struct dial_whose *whose, const struct dial_result *r, bool may)
{
	static const char *const kinds[] = {
		[DIAL_UNKNOWN] = "unknown",     [DIAL_EMERGENCY] = "emergency",
		[DIAL_EXTENSION] = "extension", [DIAL_ROOM] = "room",
		[DIAL_FEATURE] = "feature",     [DIAL_MORE] = "more",
		[DIAL_OUTSIDE] = "outside",     [DIAL_BARRED] = "barred",
	};
	bool outside = r->kind == DIAL_OUTSIDE || r->kind == DIAL_BARRED;
	const char *what = outside                   ? g_dial_classes[r->class]
			   : r->kind == DIAL_FEATURE ? feature_key(r->feature)
						     : "";
	struct bytes number = bytes_str(r->number);
	const char *trunk = outside ? dial_trunk_cut(whose, &number) : "";
	json_t *json =
		json_pack("{s:s, s:s#, s:s, s:s, s:b}", "meaning",
			  kinds[may ? r->kind : DIAL_BARRED], "number", number.p, (int)number.n,
			  "trunk", trunk, "class", what, "blocked", r->blocked);

	if (json)
		dial_outcome_put(json, whose, r, may);
	return json;
}

void command_dialplan_check(struct command_run *run)
{
	struct dial_whose whose = { run->node, document_tenant(run) };
	struct feature_codes codes;
	struct extension e;
	struct dial_asker asker = {
		.plan = dial_plans_of(run->node->dials, whose.tenant),
		.codes = &codes,
		.emergency = run->node->settings.sip.emergency_numbers,
		.emergency_count = run->node->settings.sip.emergency_number_count,
		.arg = &whose,
		.is_extension = dial_has_extension,
		.is_room = dial_has_room,
		.trunk_access = dial_trunk_code,
	};
	struct dial_result result;
	json_t *json;
	bool may;

	if (!extensions_find(&run->node->extensions, whose.tenant, command_value(run, "from")->text,
			     &e)) {
		command_fail(run, COMMAND_NOT_FOUND, "from", COMMAND_NO_EXTENSION);
		return;
	}
	whose.enabled = asker.outside = e.core.enabled;
	asker.scheme = e.core.dialling;
	asker.classes = tenants_classes(run->node->tenants, whose.tenant, e.core.classes);
	settings_codes_read(&run->node->settings, &codes);
	dial_resolve(&asker, command_value(run, "number")->text, &result);
	may = result.kind != DIAL_FEATURE || shard_extension_may_set(&e.core, result.feature);
	extension_wipe(&e);
	json = dial_result_json(&whose, &result, may);
	if (json && (result.kind == DIAL_OUTSIDE || result.kind == DIAL_BARRED))
		(void)json_object_set_new(
			json, "pattern",
			command_text_json(dial_pattern(asker.plan, &result,
						       command_value(run, "number")->text)));
	command_answer(run, json);
}
