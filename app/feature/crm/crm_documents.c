/* SPDX-License-Identifier: Apache-2.0 */
/* The kind of document "crm", one of a tenant, and what the softphone of a user asks for. The web
 * thread serves the page itself, so the hosts that may frame it are in a table of their own, by the
 * tenant's name, under a lock. */

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/command_call.h"
#include "app/command/command_extension.h"
#include "app/command/command_request.h"
#include "app/command/commands.h"
#include "app/document/document.h"
#include "app/document/extensions.h"
#include "app/feature/crm/crm.h"
#include "app/node/node.h"
#include "app/node/node_shard.h"
#include "sig/host/tenant_tables.h"

enum { CRMS_MAX = 4096, DEFINITION_MAX = 8192 };

/* ---- the table ---- */

struct crm_entry {
	struct crm_entry *next;
	char tenant[TENANT_NAME_MAX];
	struct crm_value value;
};

static pthread_mutex_t g_lock = PTHREAD_MUTEX_INITIALIZER;
static struct crm_entry *g_entries;

/* Returns the place of the tenant's entry, also of a missing one. The lock is held. */
static struct crm_entry **crm_entry_place(struct bytes tenant)
{
	struct crm_entry **at = &g_entries;

	while (*at && !bytes_is(tenant, (*at)->tenant))
		at = &(*at)->next;
	return at;
}

static bool crm_of(struct bytes tenant, struct crm_value *out)
{
	const struct crm_entry *e;

	(void)pthread_mutex_lock(&g_lock);
	e = *crm_entry_place(tenant);
	if (e)
		*out = e->value;
	(void)pthread_mutex_unlock(&g_lock);
	return e;
}

static int crm_apply(struct node *node, uint16_t tenant, const void *value)
{
	struct bytes name = bytes_str(tenants_name(node->common.tenants, tenant));
	struct crm_entry **at;
	int err = 0;

	(void)pthread_mutex_lock(&g_lock);
	at = crm_entry_place(name);
	if (!*at)
		*at = calloc(1, sizeof(**at));
	if (*at) {
		(void)bytes_cstr(name, (*at)->tenant, sizeof((*at)->tenant));
		(*at)->value = *(const struct crm_value *)value;
	} else {
		err = -ENOMEM;
	}
	(void)pthread_mutex_unlock(&g_lock);
	return err;
}

static void crm_forget(struct node *node, uint16_t tenant, const char *name)
{
	struct crm_entry **at, *gone;

	(void)pthread_mutex_lock(&g_lock);
	at = crm_entry_place(bytes_str(tenants_name(node->common.tenants, tenant)));
	gone = *at && !strcmp((*at)->value.name, name) ? *at : NULL;
	if (gone)
		*at = gone->next;
	(void)pthread_mutex_unlock(&g_lock);
	free(gone);
}

const struct document_kind g_crm_documents = {
	.rank = 1,
	.name = "crm",
	.argument = "name",
	.several = "call centres in a CRM",
	.places = CRMS_MAX,
	.share = 1,
	.size = sizeof(struct crm_value),
	.form = &g_crm_form,
	.apply = crm_apply,
	.forget = crm_forget,
};

/* ---- the page ---- */

/* rest: the path of the page, softphone.html or TENANT/softphone.html. */
bool crm_frames(struct bytes rest, struct writer *origins)
{
	struct bytes tenant = BYTES_LIT(TENANT_DEFAULT_NAME), one, left;
	struct crm_value v;

	if (!bytes_is(rest, "softphone.html")) {
		(void)bytes_cut(&rest, '/', &tenant);
		if (!bytes_is(rest, "softphone.html"))
			return false;
	}
	if (!crm_of(tenant, &v))
		return true;
	left = bytes_str(v.hosts);
	while (bytes_cut(&left, ',', &one)) {
		if (origins->n)
			writer_u8(origins, ' ');
		writer_bytes(origins, bytes_trim(one));
	}
	return true;
}

bool crm_frames_plain(struct bytes rest, struct writer *origins)
{
	return !rest.n && crm_frames(BYTES_LIT("softphone.html"), origins);
}

/* ---- what it asks for ---- */

static json_t *hosts_json(const char *hosts)
{
	struct bytes left = bytes_str(hosts), one;
	json_t *list = json_array();

	while (bytes_cut(&left, ',', &one)) {
		one = bytes_trim(one);
		(void)json_array_append_new(list, json_stringn((const char *)one.p, one.n));
	}
	return list;
}

static json_t *words_json(const char *const *names, uint32_t bits)
{
	json_t *list = json_array();

	for (unsigned i = 0; names[i]; i++) {
		if (bits >> i & 1)
			(void)json_array_append_new(list, json_string(names[i]));
	}
	return list;
}

static bool crm_seat_is_given(const struct node *n, uint16_t tenant, struct bytes number,
			      bool *known)
{
	static struct extension e; /* large for a stack; wiped below */
	bool has;

	*known = extensions_find(n->api.extensions, tenant, number, &e);
	has = *known && extension_has_seat(n->common.tenants, &e.core, SEAT_CRM);
	extension_wipe(&e);
	return has;
}

void crm_softphone(struct command_run *run)
{
	bool known;
	bool has = crm_seat_is_given(run->node, document_tenant(run),
				     command_value(run, "number")->text, &known);
	struct crm_value v;

	if (!known)
		command_fail(run, COMMAND_NOT_FOUND, "number", COMMAND_NO_EXTENSION);
	else if (!crm_of(bytes_str(run->tenant), &v))
		command_fail(run, COMMAND_NOT_FOUND, NULL,
			     "the tenant has no call centre in a CRM: crm.put makes one");
	else if (!has)
		command_fail(run, COMMAND_NO_SEAT, NULL,
			     "the extension has no seat for a CRM (crm): an administrator gives "
			     "one, by seats of extension.put");
	else
		command_answer(run, json_pack("{s:s, s:s, s:o, s:o, s:s, s:b, s:o, s:s}", "name",
					      v.name, "label", v.label, "match",
					      words_json(g_crm_records, v.match), "pop",
					      words_json(g_crm_calls, v.pop), "new_record",
					      g_crm_new_records[v.new_record], "log", !v.silent,
					      "hosts", hosts_json(v.hosts), "web_pop", v.web_pop));
}

/* What the page looks for: a user sees no trunks of a call, so it says whether one is there. */
void crm_call(struct command_run *run)
{
	static struct call_view view; /* large for a stack */
	struct call_facts facts;

	if (!command_call_view(run, &view))
		return;
	if (!shard_call_facts(node_core(run->node, view.call), view.call, &facts))
		facts = (struct call_facts){ 0 };
	command_answer(run, json_pack("{s:o, s:b, s:o}", "call", command_call_id_json(view.call),
				      "outside", view.legs[0].trunk[0] || view.legs[1].trunk[0],
				      "data", command_text_json(bytes_str(facts.data))));
}

/* ---- the file ---- */

void crm_definition(struct command_run *run)
{
	struct bytes url = command_value(run, "url")->text;
	struct bytes standby = command_value(run, "standby")->text;
	static char text[DEFINITION_MAX];
	struct writer w = writer_over(text, sizeof(text));
	struct crm_value v;

	if (!crm_of(bytes_str(run->tenant), &v) ||
	    !bytes_is(command_value(run, "name")->text, v.name)) {
		command_fail(run, COMMAND_NOT_FOUND, "name", "no such call centre: crm.put");
		return;
	}
	if (!crm_origin_is_good(url, false) || (standby.n && !crm_origin_is_good(standby, false))) {
		command_fail(run, COMMAND_BAD_ARGUMENT,
			     crm_origin_is_good(url, false) ? "standby" : "url",
			     "it is the origin of the HTTP API: https://pbx.example.org:8443");
		return;
	}
	crm_definition_write(&w, &v, run->tenant, url, standby);
	if (w.overflow)
		command_fail(run, COMMAND_INTERNAL, NULL, "the file is too long");
	else
		command_answer(run, json_pack("{s:s, s:s+, s:s%}", "name", v.name, "file", v.name,
					      ".xml", "xml", text, w.n));
}
