/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of a sync of contacts as a document, and its secret, which is sealed for that document
 * alone. */

#include "app/feature/sync/sync.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "app/helper/webhook.h"
#include "base/table.h"

const char *const g_sync_services[] = {
	"carddav", "google",          "microsoft",          "pipedrive",         "exchange",
	"caldav",  "google_calendar", "microsoft_calendar", "exchange_calendar", NULL
};

static const char *sync_url_wrong(const void *value, const char *text)
{
	struct bytes url = bytes_str(text), path;
	bool good = bytes_istarts(url, "https://") || bytes_istarts(url, "http://");

	(void)value;
	for (size_t i = 0; i < url.n; i++)
		good = good && url.p[i] > ' ' && url.p[i] < 0x7f && !strchr("@?#\\", url.p[i]);
	return !url.n || (good && webhook_url_authority(url, &path).n)
		       ? NULL
		       : "it is https://HOST/PATH, without user, query and blanks";
}

#define SYNC_GLOBAL "Global Address List"
#undef FIELD_OF
#define FIELD_OF struct sync_value
const struct command_arg g_sync_fields[] = {
	KEY_FIELD("name", name, CHARSET_NAME, "Name of the sync, one of the tenant's."),
	GOES_WITH_FIELD("user", user, CHARSET_NUMBER, "extension",
			"The extension that has the book. Empty: the directory of the tenant, "
			"which administrators alone may. It stays."),
	WORD_FIELD(
		"service", service, FIELD_NUMBER, g_sync_services, "carddav",
		"Who has the contacts: carddav, a server of RFC 6352 with RFC 6578; google, "
		"People API; microsoft, Graph; pipedrive, API v2; exchange, EWS. Or the meetings, "
		"of which presence tells: caldav (RFC 4791 7.10), google_calendar (freeBusy), "
		"microsoft_calendar (calendarView), exchange_calendar (GetUserAvailability)."),
	{ .name = "url",
	  .type = ARG_STRING,
	  .charset = CHARSET_TEXT,
	  .max = SYNC_URL_MAX - 1,
	  .preset = FIELD_PRESET("empty"),
	  .help = "Of carddav the URL of the address book, of caldav that of the calendar, of "
		  "exchange that of EWS (https://HOST/EWS/Exchange.asmx). Of others empty: that of "
		  "the service; else who stands in for it. https, or http at an address that "
		  "web_networks of "
		  "tenant.put has. Another one needs the secret again, as another service, login "
		  "and account do.",
	  .field = { FIELD_AT(FIELD_TEXT, url), .wrong = sync_url_wrong, .url = true } },
	TEXT_FIELD(
		"login", login, CHARSET_TEXT, NULL,
		"Of carddav, caldav and exchange the user (of exchange also DOMAIN\\user, by NTLM "
		"where the server takes that alone); of google and microsoft the id of the OAuth "
		"client."),
	TEXT_FIELD("account", account, CHARSET_TEXT, NULL,
		   "Of microsoft and exchange_calendar the mailbox: anna@example.com; of exchange "
		   "empty that of the user; of google_calendar empty the main calendar."),
	TEXT_FIELD("folder", folder, CHARSET_TEXT, NULL,
		   "Of microsoft and exchange the folder with the contacts, by its name. Empty: "
		   "Contacts. Of exchange also a public one by its path: Public Folders/Sales/"
		   "Customers. Of microsoft also " SYNC_GLOBAL ": users of the organisation "
		   "(permission User.Read.All)."),
	NUMBER_FIELD("minutes", minutes, 5, 1440, "10", "From one run to the next."),
	NUMBER_FIELD("run_s", run_s, 10, 14400, "1800",
		     "So many seconds a run takes at most: another sync has its place then. "
		     "Administrators alone set it."),
	NOT_FIELD("on", off, "false: it does not run, and what it has brought stays."),
	FLAG_FIELD("locked", locked, "false",
		   "Its user may not change or delete it. Administrators alone set it."),
	{ .name = "secret",
	  .type = ARG_SECRET,
	  .charset = CHARSET_TEXT,
	  .min = 1,
	  .max = SYNC_SECRET_MAX - 1,
	  .help = "Of carddav, caldav and exchange the password; of pipedrive the API token; of "
		  "microsoft the secret of the OAuth client (application permission Contacts.Read, "
		  "or Calendars.Read); of google the same, a blank, and a refresh token (scope "
		  "contacts.readonly, or calendar.freebusy). Nobody is shown it." },
	{ .name = NULL },
};
#undef FIELD_OF
static_assert(SYNC_MINUTES == 10 && SYNC_RUN_S == 1800, "the texts above say it");
static_assert(2 * ((int)SYNC_SECRET_MAX + (int)SEAL_OVERHEAD) < (int)FORM_SECRET_MAX, "its hex");

static void sync_start(void *value, struct bytes name)
{
	struct sync_value *v = value;

	v->minutes = SYNC_MINUTES;
	v->run_s = SYNC_RUN_S;
	(void)bytes_cstr(name, v->name, sizeof(v->name));
}

/* A server of somebody's own, which takes login and password. */
static bool sync_has_password(const struct sync_value *v)
{
	return v->service == SYNC_CARDDAV || v->service == SYNC_EXCHANGE ||
	       v->service == SYNC_CALDAV || v->service == SYNC_EXCHANGE_CALENDAR;
}

static const char *sync_wrong(const void *value, const char **member)
{
	const struct sync_value *v = value;

	*member = "user";
	if (sync_is_calendar(v) && !v->user[0])
		return "a calendar tells the presence of an extension: name it";
	*member = "url";
	if (!v->url[0] && sync_has_password(v))
		return "a sync with that service needs its URL";
	*member = "login";
	if (v->service != SYNC_PIPEDRIVE && !v->login[0])
		return "a sync with that service needs it";
	*member = "folder";
	if (v->folder[0] && v->service != SYNC_MICROSOFT && v->service != SYNC_EXCHANGE)
		return "a sync with that service has no folders";
	if (v->service == SYNC_EXCHANGE && !strcmp(v->folder, SYNC_GLOBAL))
		return "a sync with exchange reads folders of a mailbox alone";
	*member = "account";
	if ((v->service == SYNC_MICROSOFT || v->service >= SYNC_MICROSOFT_CALENDAR) &&
	    !strchr(v->account, '@'))
		return "a sync with that service needs a mailbox: anna@example.com";
	return NULL;
}

const struct form g_sync_form = { .fields = g_sync_fields,
				  FORM_OF(struct sync_value),
				  .begin = sync_start,
				  .wrong = sync_wrong,
				  .secret = "secret",
				  .secret_at = offsetof(struct sync_value, secret) };

/* ---- its secret ---- */

enum { SYNC_CONTEXT_MAX = TENANT_NAME_MAX + DOCUMENT_NAME_MAX + 16 };

static struct bytes sync_context(const struct sync_value *v, const char *tenant,
				 char out[SYNC_CONTEXT_MAX])
{
	struct writer w = writer_over(out, SYNC_CONTEXT_MAX);

	WRITER_TEXTS(&w, "sync ", tenant, " ", v->name);
	return writer_done(&w);
}

int sync_seal(struct sync_value *v, const char *tenant, struct bytes secret,
	      const struct seal_key *key, struct rand_source *rand)
{
	char context[SYNC_CONTEXT_MAX];

	return form_secret_seal(v->secret, sync_context(v, tenant, context), secret, key, rand);
}

int sync_open(const struct sync_value *v, const char *tenant, const struct seal_key *key,
	      char out[SYNC_SECRET_MAX])
{
	char context[SYNC_CONTEXT_MAX];

	return form_secret_open(out, SYNC_SECRET_MAX, sync_context(v, tenant, context), v->secret,
				key);
}

uint64_t sync_server(const struct sync_value *v)
{
	static const struct hash_key key = { 0 };
	char text[SYNC_URL_MAX + sizeof(v->login) + sizeof(v->account) + 16];
	struct writer w = writer_over(text, sizeof(text));

	WRITER_TEXTS(&w, g_sync_services[v->service], "\n", v->url, "\n", v->login, "\n",
		     v->account);
	return hash_sip(&key, writer_done(&w)) >> 11;
}

void sync_owner(char out[DOCUMENT_NAME_MAX + 1], const struct sync_value *v)
{
	(void)snprintf(out, DOCUMENT_NAME_MAX + 1, "%s%s", v->user[0] ? "u" : "d", v->user);
}
