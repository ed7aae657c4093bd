/* SPDX-License-Identifier: Apache-2.0 */
/* The kind of documents "number": a number of a tenant that leads to a flow, to a document that a
 * flow carries out, or to a web application. Of the last one a program is made that asks it. */

#include <stdio.h>
#include <string.h>

#include "app/command/command_extension.h"
#include "app/command/command_flow.h"
#include "app/command/command_trunk.h"
#include "app/command/commands.h"
#include "app/document/document.h"
#include "app/helper/webhook.h"
#include "app/node/node.h"
#include "app/node/node_life.h"
#include "app/schema/flow_field.h"
#include "app/schema/tenant_field.h"
#include "sig/host/programs.h"
#include "sig/shard/shared_tables.h"

enum { NUMBERS_MAX = 1024 /* of a tenant */ };

/* It leads to a document of a kind that no number leads to. */
static bool number_word_unknown(const struct number_value *v)
{
	struct bytes to = bytes_str(v->to);
	const struct document_kind *kind =
		document_kind_find((struct bytes){ to.p, bytes_find(to, ':') });

	return number_names_document(v->to) && (!kind || !kind->word);
}

static bool number_may_lead(struct command_run *run, const struct number_value *v)
{
	struct bytes number = bytes_str(v->number);
	const struct mirror *mirror = &run->node->api.documents->keep.mirror;
	struct bytes tenant = bytes_str(run->tenant);
	const char *has = mirror_version(mirror, tenant, BYTES_LIT("extension"), number)
				  ? "an extension"
			  : mirror_version(mirror, tenant, BYTES_LIT("room"), number) ? "a room"
										      : NULL;

	if (command_is_code(run, number))
		command_fail(run, COMMAND_BAD_ARGUMENT, "number", COMMAND_NUMBER_IS_CODE);
	else if (number_word_unknown(v))
		command_fail(run, COMMAND_BAD_ARGUMENT, "to", NUMBER_LEADS);
	else if (has)
		command_fail(run, COMMAND_CONFLICT, "number",
			     "%s has this number: take another one, or delete that first", has);
	else
		return true;
	return false;
}

/* NULL: the number leads to no web application, or its URL is invalid (findings).
 * kept: checked before. */
static struct flow_program *number_to_program(const struct number_value *v, bool kept,
					      struct flow_findings *findings)
{
	char text[4 * NUMBER_TO_MAX];
	struct writer w = writer_over(text, sizeof(text));

	number_program(v, &w);
	*findings = (struct flow_findings){ 0 };
	if (!w.n || w.overflow)
		return NULL;
	return kept ? program_read(writer_done(&w), findings)
		    : program_parse(writer_done(&w), NULL, findings);
}

/* Names are looked at when they are asked. False: the run has failed. */
static bool number_allowed(struct command_run *run, const struct number_value *v)
{
	const char *const urls[][2] = { { "to", v->to }, { "fallback", v->fallback } };
	struct tenant_value t;

	if (!run->node->hooks->tenant_value(run->node, run->tenant, &t))
		t.web.networks[0] = '\0';
	for (size_t i = 0; i < COUNT_OF(urls); i++) {
		if (!form_wrong(FORM_URL, bytes_str(urls[i][1])) &&
		    !webhook_url_allowed(bytes_str(urls[i][1]), bytes_str(t.web.networks))) {
			command_fail(
				run, COMMAND_BAD_ARGUMENT, urls[i][0],
				"its address is one that this tenant may not ask: web_networks "
				"of tenant.put allows it");
			return false;
		}
	}
	return true;
}

static bool number_may_be(struct command_run *run, const void *value)
{
	static struct flow_findings findings;

	if (!number_may_lead(run, value) || !number_allowed(run, value))
		return false;
	program_free(number_to_program(value, false, &findings));
	if (findings.errors)
		command_fail(run, COMMAND_BAD_ARGUMENT,
			     strstr(findings.list[0].path, "/fallback") ? "fallback" : "to", "%s",
			     findings.list[0].message);
	return !findings.errors;
}

/* Where it leads to a web application, behind the program which asks that. */
void command_number_put(struct command_run *run)
{
	static struct flow_findings findings;
	struct number_value v;
	struct flow_program *p;

	if (!document_make(run, &g_number_documents, &v))
		return;
	p = number_to_program(&v, true, &findings);
	if (p)
		command_flow_text_put(run, p);
	else
		document_put(run);
	program_free(p);
}

static int number_lead(struct node *n, uint16_t tenant, const char *number, struct bytes flow)
{
	return programs_number_put(n->common.shared_tables->programs,
				   bytes_str(tenants_name(n->common.tenants, tenant)),
				   bytes_str(number), flow);
}

static void number_forget(struct node *node, uint16_t tenant, const char *name)
{
	struct bytes owner = bytes_str(tenants_name(node->common.tenants, tenant));
	char flow[CALL_FLOW_MAX];

	(void)snprintf(flow, sizeof(flow), NUMBER_WORD "%s", name);
	programs_delete(node->common.shared_tables->programs, owner, bytes_str(flow));
	(void)!number_lead(node, tenant, name, (struct bytes){ 0 });
}

static int number_apply(struct node *node, uint16_t tenant, const void *value)
{
	static struct flow_findings unused;
	const struct number_value *v = value;
	struct flow_program *p = number_to_program(v, true, &unused);
	char space[CALL_FLOW_MAX];
	struct bytes flow = number_flow(v, space);
	int err = 0;

	if (p)
		err = programs_put(node->common.shared_tables->programs,
				   bytes_str(tenants_name(node->common.tenants, tenant)), flow, p);
	else
		number_forget(node, tenant, v->number);
	return err ? err : number_lead(node, tenant, v->number, flow);
}

static struct bytes number_met(const struct node *node, uint16_t tenant,
			       const struct number_value *v)
{
	struct bytes number = bytes_str(v->number);
	struct pattern p;

	return programs_pattern(number, &p)
		       ? programs_pattern_met(node->common.shared_tables->programs,
					      bytes_str(tenants_name(node->common.tenants, tenant)),
					      number, &p)
		       : (struct bytes){ 0 };
}

static void number_warn(const struct node *node, uint16_t tenant, const void *value, json_t *out)
{
	const struct number_value *v = value;
	struct bytes met = number_met(node, tenant, v);

	command_warn_emergency(node, tenant, bytes_str(v->number), out);
	if (met.n)
		(void)json_array_append_new(out,
					    json_sprintf("number: some number fits " BYTES_FMT
							 ", too: the more exact pattern counts",
							 BYTES_ARG(met)));
}

const struct document_kind g_number_documents = {
	.name = "number",
	.argument = "number",
	.exact = true, /* it is no extension's, and no room's */
	.size = sizeof(struct number_value),
	.form = &g_number_form,
	.check = number_may_be,
	.several = "numbers that lead to flows or groups",
	.places = PROGRAMS_MAX / 8 * 3,
	.share = NUMBERS_MAX,
	.quota = "max_numbers",
	.item = TENANT_FLOW_NUMBERS,
	.apply = number_apply,
	.forget = number_forget,
	.warn = number_warn,
};

bool command_number_leads(struct command_run *run, struct bytes number)
{
	if (!mirror_version(&run->node->api.documents->keep.mirror, bytes_str(run->tenant),
			    BYTES_LIT("number"), number))
		return false;
	command_fail(run, COMMAND_CONFLICT, "number",
		     "it leads to a flow or a group: take another one, or number.delete it first");
	return true;
}
