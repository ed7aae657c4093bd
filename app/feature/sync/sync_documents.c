/* SPDX-License-Identifier: Apache-2.0 */
/* The kind of document "sync", and its commands. A user has own ones, which an administrator may
 * lock; those of the tenant's directory are administrators' alone. */
#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

#include "app/command/command_extension.h"
#include "app/command/command_tenant.h"
#include "app/document/document.h"
#include "app/document/extensions.h"
#include "app/document/references.h"
#include "app/feature/archive/archive_client.h"
#include "app/feature/sync/sync.h"
#include "app/helper/webhook.h"
#include "app/node/node.h"
#include "app/schema/tenant_field.h"
#include "base/clock.h"

static bool sync_is_administrator(const struct command_run *run)
{
	return run->role >= COMMAND_FOR_ADMIN && !run->user[0];
}

/* False: the run has failed. */
static bool sync_may(struct command_run *run, const void *value)
{
	const struct sync_value *v = value;

	if (sync_is_administrator(run) ||
	    (v->user[0] && !v->locked && (!run->user[0] || !strcmp(v->user, run->user))))
		return true;
	command_fail(run, COMMAND_NOT_ALLOWED, "name",
		     v->user[0] && v->locked ? "an administrator has locked it"
					     : "it is another's: administrators alone may");
	return false;
}

static uint32_t user_syncs(const struct command_run *run, const char *user)
{
	json_t *by = references_to(run->node, run->tenant, "extension", user), *path;
	uint32_t count = 0;
	const char *who;

	json_object_foreach(by, who, path) count += bytes_starts(bytes_str(who), "sync/");
	json_decref(by);
	return count;
}

bool sync_url_may_be(const char *url, const char *networks)
{
	struct webhook_network list[WEBHOOK_NETWORKS_MAX];
	struct bytes path, host = webhook_url_authority(bytes_str(url), &path);
	struct addr a;
	size_t count;

	if (!webhook_url_allowed(bytes_str(url), bytes_str(networks)))
		return false;
	return !url[0] || bytes_istarts(bytes_str(url), "https:") ||
	       (!addr_parse(&a, host) &&
		!webhook_networks_read(list, &count, bytes_str(networks)) &&
		webhook_allowed(&a, true, list, count));
}

/* Also of one in a set, or of a backup. False: the run has failed. */
static bool sync_check(struct command_run *run, const void *value)
{
	const struct sync_value *v = value;
	struct tenant_value t;

	if (!command_tenant_value(run->node, run->tenant, &t))
		t = (struct tenant_value){ .contact_sync = TENANT_SYNC_ADMINISTRATORS };
	if (t.contact_sync == TENANT_SYNC_NONE ||
	    (t.contact_sync == TENANT_SYNC_ADMINISTRATORS && !sync_is_administrator(run))) {
		command_fail(run, COMMAND_NOT_ALLOWED, NULL,
			     "contact_sync of tenant.put says who may: %s",
			     g_tenant_syncs[t.contact_sync]);
		return false;
	}
	if (sync_url_may_be(v->url, t.web.networks))
		return true;
	command_fail(run, COMMAND_BAD_ARGUMENT, "url",
		     "its address is one that this tenant may not ask, or it is http: web_networks "
		     "of tenant.put allows both for an address");
	return false;
}

static bool sync_asks_same(const struct sync_value *a, const struct sync_value *b)
{
	return a->service == b->service && !strcmp(a->url, b->url) && !strcmp(a->login, b->login) &&
	       !strcmp(a->account, b->account);
}

/* former: without a name where it is new. False: the run has failed. */
static bool sync_is_good(struct command_run *run, const struct sync_value *v,
			 const struct sync_value *former)
{
	bool secret = command_value(run, "secret")->given;

	if (former->name[0] && strcmp(former->user, v->user) != 0)
		command_fail(run, COMMAND_BAD_ARGUMENT, "user",
			     "a sync keeps its book: delete it, and make another one");
	else if (v->user[0] && !extensions_has(run->node->api.extensions, document_tenant(run),
					       bytes_str(v->user)))
		command_fail(run, COMMAND_NOT_FOUND, "user", COMMAND_NO_EXTENSION);
	else if (!former->name[0] && v->user[0] && user_syncs(run, v->user) >= SYNCS_OF_USER)
		command_fail(run, COMMAND_FULL, "user", "an extension has %d syncs at most",
			     SYNCS_OF_USER);
	else if (!secret && (!v->secret[0] || !sync_asks_same(v, former)))
		command_fail(run, COMMAND_MISSING_ARGUMENT, "secret",
			     "it goes to another server or account now: give it, too");
	else
		return true;
	return false;
}

/* Nothing of it is another: its next run goes on where the last one ended. */
static bool sync_is_same(const struct command_run *run, const struct sync_value *a,
			 const struct sync_value *b)
{
	const struct command_value *secret = command_value(run, "secret");
	char text[SYNC_SECRET_MAX];
	bool same = a->name[0] && sync_asks_same(a, b) && a->minutes == b->minutes &&
		    !strcmp(a->folder, b->folder) && a->run_s == b->run_s && a->off == b->off &&
		    a->locked == b->locked;

	if (same && secret->given) {
		same = !sync_open(a, run->tenant, &run->node->extension_seal, text) &&
		       bytes_eq_secret(secret->text, bytes_str(text));
		OPENSSL_cleanse(text, sizeof(text));
	}
	return same;
}

static bool sync_make(struct command_run *run, void *value)
{
	struct bytes name = command_value(run, "name")->text;
	const struct command_value *secret = command_value(run, "secret");
	struct sync_value former = { 0 }, *v = value;

	(void)document_stored(run->node, run->tenant, &g_sync_documents, name, &former);
	if ((former.name[0] && !sync_may(run, &former)) ||
	    !document_form_make(run, &g_sync_documents, v) || !sync_is_good(run, v, &former))
		return false;
	if (sync_is_same(run, &former, v)) {
		*v = former;
		return true;
	}
	v->changed_utc_ms = clock_utc_ms();
	if (!secret->given ||
	    !sync_seal(v, run->tenant, secret->text, &run->node->extension_seal, &run->node->rand))
		return true;
	command_fail(run, COMMAND_INTERNAL, NULL, "its secret cannot be sealed");
	return false;
}

static int sync_apply(struct node *node, uint16_t tenant, const void *value)
{
	sync_changed(node, tenants_name(node->common.tenants, tenant), value);
	return 0;
}

static void sync_forget(struct node *node, uint16_t tenant, const char *name)
{
	sync_due(node, tenants_name(node->common.tenants, tenant), name);
}

const struct document_kind g_sync_documents = {
	.rank = 2,
	.name = "sync",
	.argument = "name",
	.several = "syncs of contacts",
	.places = SYNCS_MAX,
	.share = SYNCS_OF_TENANT,
	.size = sizeof(struct sync_value),
	.form = &g_sync_form,
	.owner = "user",
	.make = sync_make,
	.may = sync_may,
	.check = sync_check,
	.apply = sync_apply,
	.forget = sync_forget,
};

/* What the library says tells of networks, which are administrators' business. */
static void sync_on_state(struct command_run *run, const json_t *result)
{
	json_t *shown = json_copy((json_t *)(uintptr_t)result);

	if (!sync_is_administrator(run))
		(void)json_object_set_new(shown, "detail", json_string(""));
	command_answer(run, shown);
}

/* Also sync.run. */
void sync_state(struct command_run *run)
{
	struct bytes name = command_value(run, "name")->text;
	struct sync_value v;

	if (!document_stored(run->node, run->tenant, &g_sync_documents, name, &v) ||
	    (run->user[0] && strcmp(run->user, v.user) != 0)) {
		(void)document_missing(run, &g_sync_documents);
		return;
	}
	archive_run(run,
		    command_is_verb(run->command, "run") ? "contact.sync.wish"
							 : "contact.sync.state",
		    json_pack("{s:s, s:s}", "tenant", run->tenant, "sync", v.name), sync_on_state);
}
