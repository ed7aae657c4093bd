/* SPDX-License-Identifier: Apache-2.0 */
/* The command dialplan.number.list. It walks the documents that claim numbers, and then what the
 * dial plan and the node's settings claim. Each number that can be dialled is resolved as a phone's
 * would be, so the table says the same as dialplan.check, and names what two things claim. */

#include <stdio.h>
#include <string.h>

#include "app/command/command_trunk.h"
#include "app/command/command_walk.h"
#include "app/document/document.h"
#include "app/feature/numbers/numbers.h"
#include "app/node/node.h"
#include "app/settings/settings.h"
#include "base/json_member.h"
#include "sig/dial/dial.h"
#include "sig/host/tenant_tables.h"

/* What claims numbers, in the order of the walk. */
enum { FROM_DOCUMENTS, FROM_CODES, FROM_EMERGENCY };

enum { DIAL_HELP_MOST = 64 }; /* of a tenant or a node */

struct number_claimed {
	const char *kind;
	char number[DIAL_NUMBER_MAX], of[160], name[64];
	const char
		*expected; /* the meaning that it should have; NULL: it is not dialled as it is */
};

/* ---- documents ---- */

static void claim_text(char *out, size_t size, const char *text)
{
	(void)snprintf(out, size, "%s", text ? text : "");
}

/* kind: of documents that claim a number, with the member that has it, and what it is to. */
static const struct claim_kind {
	const char *kind, *number, *of, *name, *expected;
} g_claim_kinds[] = {
	{ "extension", NULL, NULL, "display_name", "extension" },
	{ "room", NULL, NULL, "name", "room" },
	{ "number", NULL, "to", NULL, "flow" },
	{ "did", NULL, "to", NULL, NULL },
	{ "route", "pattern", "trunks", NULL, NULL },
	{ "trunk", "access", NULL, NULL, NULL },
};

/* Reads the document's claim of a number. False: it has none. */
static bool claim_of_document(const struct snapshot_document *d, struct number_claimed *out)
{
	const struct claim_kind *kind = g_claim_kinds;
	char name[DOCUMENT_NAME_MAX];
	json_t *json;

	while (kind < g_claim_kinds + COUNT_OF(g_claim_kinds) && !bytes_is(d->kind, kind->kind))
		kind++;
	if (kind == g_claim_kinds + COUNT_OF(g_claim_kinds) ||
	    bytes_cstr(d->name, name, sizeof(name)))
		return false;
	json = json_loadb((const char *)d->text.p, d->text.n, 0, NULL);
	out->kind = kind->kind;
	out->expected = kind->expected;
	claim_text(out->number, sizeof(out->number),
		   kind->number ? json_text(json, kind->number) : name);
	claim_text(out->of, sizeof(out->of), kind->of ? json_text(json, kind->of) : name);
	claim_text(out->name, sizeof(out->name), kind->name ? json_text(json, kind->name) : "");
	if (kind->number && kind->of) /* a route: by its name */
		claim_text(out->name, sizeof(out->name), name);
	json_decref(json);
	return out->number[0] != '\0';
}

/* ---- the dial plan and the node ---- */

static bool claim_of_code(const struct command_run *run, uint32_t place, struct number_claimed *out)
{
	const struct dial_plan *plan = dial_plans_of(run->node->common.dials, document_tenant(run));
	struct feature_codes node, codes;

	settings_codes_read(run->node->settings, &node);
	dial_plan_codes(plan, &node, &codes);
	out->kind = "code";
	out->expected = feature_value((enum feature_action)place) == FEATURE_NOTHING ||
					feature_value((enum feature_action)place) == FEATURE_TRUE ||
					feature_value((enum feature_action)place) == FEATURE_FALSE
				? "feature"
				: NULL;
	claim_text(out->number, sizeof(out->number), codes.code[place]);
	claim_text(out->of, sizeof(out->of), feature_key((enum feature_action)place));
	return out->number[0] && strcmp(out->number, DIAL_OFF) != 0;
}

static bool claim_of_emergency(const struct command_run *run, uint32_t place,
			       struct number_claimed *out)
{
	const struct settings_sip *sip = &run->node->settings->sip;
	const struct dial_plan *plan = dial_plans_of(run->node->common.dials, document_tenant(run));
	struct bytes list = bytes_str(plan->emergency), one;

	out->kind = "emergency";
	out->expected = "emergency";
	claim_text(out->of, sizeof(out->of), list.n ? "dialplan" : "node");
	if (!list.n) {
		if (place >= sip->emergency_number_count)
			return false;
		claim_text(out->number, sizeof(out->number), sip->emergency_numbers[place]);
		return true;
	}
	for (uint32_t i = 0; bytes_cut(&list, ',', &one); i++) {
		if (i == place)
			return !bytes_cstr(one, out->number, sizeof(out->number));
	}
	return false;
}

/* ---- rows ---- */

static json_t *claim_json(const struct command_run *run, const struct number_claimed *c)
{
	const char *meaning = c->expected ? command_number_meaning(run->node, document_tenant(run),
								   bytes_str(c->number))
					  : "";
	char conflict[96] = "";

	if (c->expected && strcmp(meaning, c->expected) != 0)
		(void)snprintf(conflict, sizeof(conflict), "who dials it means something else: %s",
			       meaning);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "number", c->number, "kind", c->kind,
			 "of", c->of, "name", c->name, "meaning", meaning, "conflict", conflict);
}

static bool claim_look(const struct command_run *run, const struct command_span *span,
		       struct command_walk_at *at, bool show, struct command_walk_entry *out)
{
	struct number_claimed c = { .kind = "" };
	struct snapshot_document d;
	bool is_one = false;

	(void)span;
	if (at->shard == FROM_DOCUMENTS &&
	    !mirror_next(&run->node->api.documents->keep.mirror, &at->place, &d))
		*at = (struct command_walk_at){ FROM_CODES, 0 };
	else if (at->shard == FROM_DOCUMENTS)
		is_one = bytes_is(d.tenant, run->tenant) && claim_of_document(&d, &c);
	if (at->shard == FROM_CODES && !is_one) {
		if (at->place < FEATURES)
			is_one = claim_of_code(run, at->place++, &c);
		else
			*at = (struct command_walk_at){ FROM_EMERGENCY, 0 };
	}
	if (at->shard == FROM_EMERGENCY && !is_one) {
		if (at->place < DIAL_HELP_MOST)
			is_one = claim_of_emergency(run, at->place++, &c);
		else
			return false;
	}
	out->wanted = is_one;
	if (is_one)
		(void)snprintf(out->key, sizeof(out->key), "%s %s %.*s", c.number, c.kind, 64,
			       c.of);
	out->json = is_one && show ? claim_json(run, &c) : NULL;
	return true;
}

void command_numbers_list(struct command_run *run)
{
	command_walk_start(run, claim_look);
}
