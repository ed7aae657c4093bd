/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The document of a webhook: URL, filters, secrets and its state. command_webhook.c puts it and
 * tells the process that delivers (app/helper/hooks.h). The URL may point only to networks that the
 * tenant may reach, and secrets are sealed with tenant and name as context. A webhook that its
 * server refused is off, with the reason.
 */

#include "app/schema/webhook_field.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "app/helper/hook_event.h"
#include "base/seal.h"
#include "sig/host/tenant.h"

static const char *field_hook_url_wrong(const void *value, const char *text)
{
	struct bytes url = bytes_str(text), path;
	bool web = bytes_istarts(url, "https://") || bytes_istarts(url, "http://");

	(void)value;
	for (size_t i = 0; i < url.n; i++)
		web = web && url.p[i] > ' ' && url.p[i] < 0x7f;
	return web && webhook_url_authority(url, &path).n
		       ? NULL
		       : "a URL is https://HOST/PATH, or http://, without spaces";
}

static const char *field_hook_events_wrong(const void *value, const char *text)
{
	(void)value;
	return hook_patterns_wrong(bytes_str(text));
}

static const char *field_hook_numbers_wrong(const void *value, const char *text)
{
	struct bytes list = bytes_str(text), one;

	(void)value;
	while (bytes_cut(&list, ',', &one)) {
		if (!one.n)
			return "a number is empty";
	}
	return text[0] && text[strlen(text) - 1] == ',' ? "there is no number after a ','" : NULL;
}

#undef FIELD_OF
#define FIELD_OF struct webhook_value

const struct command_arg g_webhook_fields[] = {
	KEY_FIELD("name", name, CHARSET_NAME, "Name of the webhook."),
	URL_FIELD(
		"url", url, field_hook_url_wrong,
		"Where events are posted to: https://HOST/PATH, or http://. No redirect is "
		"followed. A new webhook needs it. User, password and query are shown as ***; "
		"what is given back so stays as it is. Roles below admin see scheme, host and port "
		"alone, as in https://hooks.example.org/…: a path may be a secret."),
	TEXT_FIELD("events", events, CHARSET_TEXT, field_hook_events_wrong,
		   "Types of events, joined by ','; '*' is any text: call.*,registration.new. "
		   "Empty: all."),
	TEXT_FIELD("numbers", numbers, CHARSET_NUMBERS, field_hook_numbers_wrong,
		   "Only events with one of these numbers as from, to or number, joined by ','. "
		   "Empty: all."),
	TEXT_FIELD("application", application, CHARSET_NAME, NULL,
		   "Only events of the calls of this application, and those that it alone has. "
		   "Empty: all of the tenant."),
	FLAG_FIELD("enabled", enabled, "true",
		   "false: nothing is posted. Switched on again it gets events from then on; "
		   "webhook.replay has earlier ones."),
	NUMBER_FIELD("retry_s", retry_s, 1, WEBHOOK_RETRY_MAX_S, "86400",
		     "Seconds after an event in which it is posted again and again where that "
		     "fails. Then it is a dead letter (webhook.dead)."),
	TEXT_FIELD("reason", reason, CHARSET_TEXT, NULL,
		   "Why it is off: the node writes it where the server has answered 410 Gone. "
		   "Empty again with enabled=true."),
	{ .name = "secrets",
	  .type = ARG_SECRET,
	  .charset = CHARSET_TEXT,
	  .min = 3,
	  .max = WEBHOOK_SECRETS_TEXT_MAX - 1,
	  .help = "Up to 4 secrets joined by ',', each whsec_ and the base64 of 24 to 64 octets: "
		  "each request is signed with all of them, so one may be changed while servers "
		  "know the other. off: requests are not signed. Nobody is shown them. Absent: "
		  "unchanged; at first off." },
	{ .name = NULL },
};
static_assert(WEBHOOK_SECRETS_MAX == 4 && WEBHOOK_RETRY_S == 86400, "the texts above say it");

static void webhook_start(void *value, struct bytes name)
{
	struct webhook_value *v = value;

	v->enabled = true;
	v->retry_s = WEBHOOK_RETRY_S;
	(void)bytes_cstr(name, v->name, sizeof(v->name));
}

static const char *webhook_wrong(const void *value, const char **member)
{
	*member = "url";
	return ((const struct webhook_value *)value)->url[0] ? NULL : "a webhook needs a URL";
}

const struct form g_webhook_form = { .fields = g_webhook_fields,
				     FORM_OF(struct webhook_value),
				     .begin = webhook_start,
				     .wrong = webhook_wrong,
				     .secret = "secrets",
				     .secret_at = offsetof(struct webhook_value, secrets) };

enum { WEBHOOK_CONTEXT_MAX = TENANT_NAME_MAX + WEBHOOK_NAME_MAX + 16 };

static struct bytes webhook_context(const struct webhook_value *v, const char *tenant,
				    char out[WEBHOOK_CONTEXT_MAX])
{
	struct writer w = writer_over(out, WEBHOOK_CONTEXT_MAX);

	WRITER_TEXTS(&w, "webhook ", tenant, " ", v->name);
	return writer_done(&w);
}

int webhook_seal(struct webhook_value *v, const char *tenant, struct bytes secrets,
		 const struct seal_key *key, struct rand_source *rand)
{
	struct webhook_secret octets[WEBHOOK_SECRETS_MAX];
	char context[WEBHOOK_CONTEXT_MAX];
	size_t count;
	int err = webhook_secrets_read(octets, &count, secrets);

	explicit_bzero(octets, sizeof(octets));
	return err ? err
		   : form_secret_seal(v->secrets, webhook_context(v, tenant, context), secrets, key,
				      rand);
}

int webhook_open(const struct webhook_value *v, const char *tenant, const struct seal_key *key,
		 char out[WEBHOOK_SECRETS_TEXT_MAX])
{
	char context[WEBHOOK_CONTEXT_MAX];

	return form_secret_open(out, WEBHOOK_SECRETS_TEXT_MAX, webhook_context(v, tenant, context),
				v->secrets, key);
}
static_assert(2 * ((int)WEBHOOK_SECRETS_TEXT_MAX + (int)SEAL_OVERHEAD) < (int)FORM_SECRET_MAX,
	      "its hex");
