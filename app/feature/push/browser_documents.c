/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kind of document "browser": a push subscription that the web client of a user has made at its
 * browser (RFC 8030 4), and the commands about it. A user has five at most; a further one takes the
 * place of the oldest. The secret of a subscription is sealed. The key of a tenant follows from the
 * keys of the cluster, so all nodes have it, and none has to keep it.
 */
#include "app/feature/push/push.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "app/command/command_extension.h"
#include "app/command/command_tenant.h"
#include "app/command/commands.h"
#include "app/document/document.h"
#include "app/document/extensions.h"
#include "app/node/node.h"
#include "app/schema/tenant_field.h"
#include "app/schema/token_field.h"
#include "base/base64url.h"
#include "base/clock.h"

enum { BROWSER_CONTEXT_MAX = TENANT_NAME_MAX + DOCUMENT_NAME_MAX + 16 };

/* ---- the document ---- */

#undef FIELD_OF
#define FIELD_OF struct browser_value
const struct command_arg g_browser_fields[] = {
	KEY_FIELD("name", name, CHARSET_NAME, "Name of the subscription."),
	{ .name = "number",
	  .type = ARG_STRING,
	  .charset = CHARSET_NUMBER,
	  .max = sizeof(((struct browser_value *)NULL)->number) - 1,
	  .help = "The extension.",
	  .field = { FIELD_AT(FIELD_TEXT, number), .refers = "extension", .goes_with = true } },
	TEXT_FIELD("session", session, CHARSET_NAME, NULL, "The session that made it."),
	TEXT_FIELD("session_hash", session_hash, CHARSET_NAME, NULL, "The head of its hash."),
	{ .name = "endpoint",
	  .type = ARG_STRING,
	  .charset = CHARSET_TEXT,
	  .max = BROWSER_URL_MAX - 1,
	  .help = "Where its push service takes pushes.",
	  .field = { FIELD_AT(FIELD_TEXT, endpoint), .url = true } },
	TEXT_FIELD("p256dh", p256dh, CHARSET_NAME, NULL, "Its public key."),
	{ .name = NULL },
};
#undef FIELD_OF

static void browser_start(void *value, struct bytes name)
{
	(void)bytes_cstr(name, ((struct browser_value *)value)->name, DOCUMENT_NAME_MAX);
}

const struct form g_browser_form = { .fields = g_browser_fields,
				     .begin = browser_start,
				     .secret = "auth",
				     .secret_at = offsetof(struct browser_value, auth),
				     FORM_OF(struct browser_value) };

bool browser_name(char out[DOCUMENT_NAME_MAX], struct bytes number, unsigned i)
{
	return snprintf(out, DOCUMENT_NAME_MAX, BYTES_FMT "-%u", BYTES_ARG(number), i) <
	       DOCUMENT_NAME_MAX;
}

static struct bytes browser_context(const struct browser_value *v, const char *tenant,
				    char out[BROWSER_CONTEXT_MAX])
{
	struct writer w = writer_over(out, BROWSER_CONTEXT_MAX);

	WRITER_TEXTS(&w, "browser ", tenant, " ", v->name);
	return writer_done(&w);
}

int browser_open(const struct node *n, const char *tenant, const struct browser_value *v,
		 char out[PUSH_AUTH_TEXT + 1])
{
	char context[BROWSER_CONTEXT_MAX];

	return form_secret_open(out, PUSH_AUTH_TEXT + 1, browser_context(v, tenant, context),
				v->auth, &n->extension_seal);
}

int push_own_pair(const struct node *n, const char *tenant, struct push_pair *out)
{
	uint8_t key[KEYS_LEN];
	int err;

	keys_derive(&n->keys, "tandem push 1", key);
	err = push_pair_derive(out, key, bytes_str(tenant));
	OPENSSL_cleanse(key, sizeof(key));
	return err;
}

/* ---- what may be subscribed ---- */

static struct bytes url_host(const char *url)
{
	struct bytes path, authority = webhook_url_authority(bytes_str(url), &path), host;

	(void)path;
	host = authority;
	(void)bytes_cut(&authority, ':', &host);
	return host;
}

/* A user in front of the host would hide which one it is. */
static bool url_is_good(struct bytes url)
{
	for (size_t i = 0; i < url.n; i++) {
		if (url.p[i] <= ' ' || url.p[i] >= 0x7f || url.p[i] == '@' || url.p[i] == '\\')
			return false;
	}
	return true;
}

bool browser_may(const char *endpoint, const char *hosts)
{
	struct bytes url = bytes_str(endpoint), list = bytes_str(hosts), one,
		     host = url_host(endpoint);
	bool trial = bytes_is(host, "127.0.0.1") || bytes_is(host, "localhost");

	if (!host.n || !url_is_good(url) ||
	    !(bytes_starts(url, "https://") || (trial && bytes_starts(url, "http://"))))
		return false;
	while (bytes_cut(&list, ',', &one)) {
		bool below = bytes_starts(one, "*.");

		one = bytes_from(one, below);
		if (below ? host.n > one.n && bytes_ieq(bytes_from(host, host.n - one.n), one)
			  : bytes_ieq(host, one))
			return true;
	}
	return false;
}

/* False: the run has failed. */
static bool subscribed_octets_are(struct command_run *run, const char *name, size_t size, int first)
{
	struct bytes text = command_value(run, name)->text;
	uint8_t octets[PUSH_POINT];
	size_t n = 0;
	bool ok = !base64url_decode(text, octets, sizeof(octets), &n) && n == size &&
		  (first < 0 || octets[0] == first);

	OPENSSL_cleanse(octets, sizeof(octets));
	if (!ok)
		command_fail(run, COMMAND_BAD_ARGUMENT, name,
			     "it is what getKey of the subscription gives, in base64url: %zu "
			     "octets",
			     size);
	return ok;
}

/* False: the run has failed. */
static bool browser_is_good(struct command_run *run)
{
	struct bytes endpoint = command_value(run, "endpoint")->text;
	char url[BROWSER_URL_MAX];
	struct tenant_value t;

	if (!extensions_has(run->node->api.extensions, document_tenant(run),
			    command_value(run, "number")->text)) {
		command_fail(run, COMMAND_NOT_FOUND, "number", COMMAND_NO_EXTENSION);
		return false;
	}
	if (!command_tenant_value(run->node, run->tenant, &t))
		t.push.hosts[0] = '\0';
	if (bytes_cstr(endpoint, url, sizeof(url)) || !browser_may(url, t.push.hosts)) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "endpoint",
			     "it is no https URL at a host that push_hosts of tenant.put has");
		return false;
	}
	return subscribed_octets_are(run, "p256dh", PUSH_POINT, 4) &&
	       subscribed_octets_are(run, "auth", PUSH_AUTH, -1);
}

/* The place of that subscription, or a free one, else that of the oldest. */
static bool browser_pick(const struct command_run *run, char out[DOCUMENT_NAME_MAX])
{
	struct bytes endpoint = command_value(run, "endpoint")->text;
	uint64_t first = UINT64_MAX;
	char name[DOCUMENT_NAME_MAX];
	struct browser_value v;

	for (unsigned i = 0; i < BROWSERS_OF_USER; i++) {
		if (!browser_name(name, command_value(run, "number")->text, i))
			return false;
		if (!document_stored(run->node, run->tenant, &g_browser_documents, bytes_str(name),
				     &v))
			v = (struct browser_value){ 0 };
		if (bytes_is(endpoint, v.endpoint)) {
			memcpy(out, name, sizeof(name));
			return true;
		}
		if (v.changed_utc_ms < first) {
			first = v.changed_utc_ms;
			memcpy(out, name, sizeof(name));
		}
	}
	return true;
}

/* In its turn, so that two at once have two places. */
static bool browser_make(struct command_run *run, void *value)
{
	struct bytes by = bytes_str(run->by);
	struct browser_value *v = value;
	struct token_value session;
	char name[DOCUMENT_NAME_MAX], context[BROWSER_CONTEXT_MAX];

	if (!browser_is_good(run))
		return false;
	if (!browser_pick(run, name)) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "number", "it is too long");
		return false;
	}
	form_start(&g_browser_form, v, bytes_str(name));
	(void)bytes_cstr(command_value(run, "number")->text, v->number, sizeof(v->number));
	(void)bytes_cstr(command_value(run, "endpoint")->text, v->endpoint, sizeof(v->endpoint));
	(void)bytes_cstr(command_value(run, "p256dh")->text, v->p256dh, sizeof(v->p256dh));
	if (bytes_starts(by, TOKEN_SESSION))
		(void)bytes_cstr(by, v->session, sizeof(v->session));
	if (v->session[0] &&
	    document_stored(run->node, run->tenant, &g_session_documents, by, &session))
		(void)snprintf(v->session_hash, sizeof(v->session_hash), "%.*s",
			       BROWSER_SESSION_HASH, session.hash);
	v->changed_utc_ms = clock_utc_ms();
	if (!form_secret_seal(v->auth, browser_context(v, run->tenant, context),
			      command_value(run, "auth")->text, &run->node->extension_seal,
			      &run->node->rand))
		return true;
	command_fail(run, COMMAND_INTERNAL, NULL, "its secret cannot be sealed");
	return false;
}

static bool browser_aim(struct command_run *run, char name[DOCUMENT_NAME_MAX])
{
	struct bytes given = command_value(run, "name")->text;
	struct browser_value v;

	if (document_stored(run->node, run->tenant, &g_browser_documents, given, &v) &&
	    bytes_is(command_value(run, "number")->text, v.number) &&
	    !bytes_cstr(given, name, DOCUMENT_NAME_MAX))
		return true;
	command_fail(run, COMMAND_NOT_FOUND, "name", "the extension has no such browser");
	return false;
}

/* Who has the endpoint may push: nobody is shown more of it than its host. */
static json_t *browser_show(const struct node *node, uint16_t tenant, const void *value)
{
	const struct browser_value *v = value;
	struct bytes host = url_host(v->endpoint);

	(void)node;
	(void)tenant;
	return json_pack("{s:s, s:s, s:s%, s:I}", "name", v->name, "number", v->number, "host",
			 host.p, host.n, "changed_utc_ms", (json_int_t)v->changed_utc_ms);
}

/* The sender of a push reads the documents, and nothing is kept besides. */
static int browser_apply(struct node *node, uint16_t tenant, const void *value)
{
	(void)node;
	(void)tenant;
	(void)value;
	return 0;
}

static void browser_forget(struct node *node, uint16_t tenant, const char *name)
{
	(void)node;
	(void)tenant;
	(void)name;
}

const struct document_kind g_browser_documents = {
	.rank = 2,
	.name = "browser",
	.argument = "name",
	.several = "browsers",
	.passing = true,
	.places = BROWSERS_MAX,
	.share = BROWSERS_OF_TENANT,
	.size = sizeof(struct browser_value),
	.form = &g_browser_form,
	.make = browser_make,
	.aim = browser_aim,
	.show = browser_show,
	.apply = browser_apply,
	.forget = browser_forget,
};

/* ---- commands ---- */

void browser_key(struct command_run *run)
{
	char text[PUSH_POINT_TEXT + 1];
	struct writer w = writer_over(text, PUSH_POINT_TEXT);
	struct push_pair own;
	struct tenant_value t;
	bool on = command_tenant_value(run->node, run->tenant, &t) && t.push.hosts[0];

	if (push_own_pair(run->node, run->tenant, &own)) {
		command_fail(run, COMMAND_INTERNAL, NULL, "out of memory");
		return;
	}
	OPENSSL_cleanse(own.scalar, sizeof(own.scalar));
	base64url_write(&w, bytes_mem(own.point, PUSH_POINT));
	text[w.n] = '\0';
	command_answer(run, json_pack("{s:b, s:s}", "on", on, "key", text));
}

void browser_list(struct command_run *run)
{
	struct bytes number = command_value(run, "number")->text;
	json_t *list = json_array();
	char name[DOCUMENT_NAME_MAX];
	struct browser_value v;

	for (unsigned i = 0; i < BROWSERS_OF_USER && browser_name(name, number, i); i++) {
		if (document_stored(run->node, run->tenant, &g_browser_documents, bytes_str(name),
				    &v))
			(void)json_array_append_new(list, browser_show(run->node, 0, &v));
	}
	command_answer(run, list);
}
