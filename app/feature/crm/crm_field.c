/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of a call centre in a CRM as a document, and the file by which Salesforce imports it.
 * Its hosts go into a Content-Security-Policy, so their octets are limited to those of an origin;
 * texts of the file are escaped as XML. */

#include "app/feature/crm/crm.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sig/host/tenant.h"
#include "sig/sip/body.h"

const char *const g_crm_records[] = { "Contact", "Account", "Lead", NULL };
const char *const g_crm_calls[] = { "inbound", "outbound", "internal", NULL };
const char *const g_crm_new_records[] = { "none", "Contact", "Account", "Lead", NULL };

/* ---- checks ---- */

static const char *crm_name_wrong(const void *value, const char *text)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");

	(void)value;
	return !text[n] && isalpha((unsigned char)text[0])
		       ? NULL
		       : "it has letters and digits alone, and begins with a letter";
}

/* any: it may be all hosts of a domain, but of none that many people share: a top-level domain, or
 * the one in which Salesforce has every org. */
static bool crm_host_is_good(struct bytes host, bool any)
{
	struct bytes label;

	if (any && bytes_starts(host, "*.")) {
		host = bytes_from(host, 2);
		if (bytes_find(host, '.') == host.n ||
		    (host.n >= 9 && bytes_iis(bytes_from(host, host.n - 9), "force.com")))
			return false;
	}
	if (!host.n || host.p[host.n - 1] == '.')
		return false;
	while (bytes_cut(&host, '.', &label)) {
		for (size_t i = 0; i < label.n; i++) {
			if (!isalnum(label.p[i]) && label.p[i] != '-')
				return false;
		}
		if (!label.n)
			return false;
	}
	return true;
}

bool crm_origin_is_good(struct bytes origin, bool any)
{
	bool secure = bytes_starts(origin, "https://");
	struct bytes port = bytes_from(origin, secure ? 8 : 7), host;

	if (!secure && !bytes_starts(origin, "http://"))
		return false;
	if (!bytes_cut(&port, ':', &host) || !crm_host_is_good(host, any))
		return false;
	for (size_t i = 0; i < port.n; i++) {
		if (!isdigit(port.p[i]) || i >= 5)
			return false;
	}
	if (!port.n && origin.p[origin.n - 1] == ':')
		return false;
	return secure || bytes_is(host, "localhost") || bytes_is(host, "127.0.0.1");
}

static const char *crm_hosts_wrong(const void *value, const char *text)
{
	struct bytes left = bytes_str(text), one;
	unsigned count = 0;

	(void)value;
	while (bytes_cut(&left, ',', &one)) {
		if (++count > CRM_HOSTS_MAX)
			return "there are at most 16 hosts";
		if (!crm_origin_is_good(bytes_trim(one), true))
			return "each is an origin: https://acme.lightning.force.com, or with *. "
			       "before a domain of your own";
	}
	return NULL;
}

static const char *crm_prefix_wrong(const void *value, const char *text)
{
	(void)value;
	return text[strspn(text, "0123456789*#+")] ? "it has keys of a phone alone" : NULL;
}

/* Checks a URL template. Values come from callers, so they may stand in path and query, not in the
 * host. */
static const char *crm_web_pop_wrong(const void *value, const char *text)
{
	struct bytes url = bytes_str(text), name;
	size_t at = bytes_find(url, ':') + 3;
	size_t end = at < url.n ? at + bytes_find(bytes_from(url, at), '/') : url.n;

	(void)value;
	if (!url.n)
		return NULL;
	if (end >= url.n || !crm_origin_is_good(bytes_sub(url, 0, end), false))
		return "it is a URL with a path: https://crm.example.org/find?q={number}";
	for (url = bytes_from(url, end); bytes_find(url, '{') < url.n;) {
		url = bytes_from(url, bytes_find(url, '{') + 1);
		name = bytes_sub(url, 0, bytes_find(url, '}'));
		if (!bytes_is(name, "number") && !bytes_is(name, "name") && !bytes_is(name, "data"))
			return "its values are {number}, {name} and {data}";
	}
	return NULL;
}

/* ---- fields ---- */

#undef FIELD_OF
#define FIELD_OF struct crm_value
const struct command_arg g_crm_fields[] = {
	{ .name = "name",
	  .type = ARG_STRING,
	  .charset = CHARSET_NAME,
	  .required = true,
	  .min = 1,
	  .max = CRM_NAME_MAX - 1,
	  .help = "Internal name of the call centre: letters and digits, such as MaxCSCallCenter.",
	  .field = { FIELD_AT(FIELD_TEXT, name), .wrong = crm_name_wrong } },
	TEXT_FIELD("label", label, CHARSET_TEXT, NULL,
		   "Its name for people. At first MaxCS Call Center."),
	TEXT_FIELD("hosts", hosts, CHARSET_TEXT, crm_hosts_wrong,
		   "Origins of the CRM, at most 16, joined by ',': they alone may show the "
		   "softphone in a frame, and it loads their scripts. https, or http on localhost "
		   "for a trial."),
	WORDS_FIELD("match", match, g_crm_records, CRM_RECORDS, "Contact,Account,Lead",
		    "Records that are looked for by the caller's number."),
	WORDS_FIELD("pop", pop, g_crm_calls, CRM_CALLS, "inbound",
		    "Calls for which what was found is shown."),
	WORD_FIELD("new_record", new_record, FIELD_NUMBER, g_crm_new_records, "none",
		   "The record that the agent may begin where none was found."),
	NOT_FIELD("log", silent, "Each call is logged in the CRM, once for each agent."),
	TEXT_FIELD("outside_prefix", outside_prefix, CHARSET_NUMBER, crm_prefix_wrong,
		   "What is dialled before numbers outside. At first 9."),
	TEXT_FIELD("long_distance_prefix", long_distance_prefix, CHARSET_NUMBER, crm_prefix_wrong,
		   "... before those of other areas. At first 1."),
	TEXT_FIELD("international_prefix", international_prefix, CHARSET_NUMBER, crm_prefix_wrong,
		   "... before those of other countries. At first 01."),
	TEXT_FIELD("web_pop", web_pop, CHARSET_TEXT, crm_web_pop_wrong,
		   "What the web client opens for calls of pop: a URL with {number}, {name} and "
		   "{data} (what was tagged). At first nothing."),
	NUMBER_FIELD("width", width, 200, 1920, "200", "Pixels of the softphone."),
	NUMBER_FIELD("height", height, 240, 2560, "300", "Pixels of the softphone."),
	{ .name = NULL },
};
#undef FIELD_OF

static void crm_form_start(void *value, struct bytes name)
{
	struct crm_value *v = value;

	*v = (struct crm_value){ .label = "MaxCS Call Center",
				 .match = 1U << CRM_CONTACT | 1U << CRM_ACCOUNT | 1U << CRM_LEAD,
				 .pop = 1U << CRM_INBOUND,
				 .outside_prefix = "9",
				 .long_distance_prefix = "1",
				 .international_prefix = "01",
				 .width = 200,
				 .height = 300 };
	(void)bytes_cstr(name, v->name, sizeof(v->name));
}

const struct form g_crm_form = { .fields = g_crm_fields,
				 .begin = crm_form_start,
				 FORM_OF(struct crm_value) };

/* ---- the file of the call centre ---- */

struct definition {
	struct writer *w;
	unsigned order;
};

static void crm_item_write(struct definition *d, const char *name, const char *label,
			   struct bytes value)
{
	WRITER_TEXTS(d->w, "\t\t<item sortOrder=\"");
	writer_fmt(d->w, "%u", d->order++);
	WRITER_TEXTS(d->w, "\" name=\"", name, "\" label=\"", label, "\">");
	xml_write(d->w, value);
	writer_str(d->w, "</item>\n");
}

static void crm_number_item(struct definition *d, const char *name, const char *label,
			    unsigned value)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%u", value);
	crm_item_write(d, name, label, bytes_str(text));
}

static void crm_section_start(struct definition *d, const char *order, const char *name,
			      const char *label)
{
	d->order = 0;
	WRITER_TEXTS(d->w, "\t<section sortOrder=\"", order, "\" name=\"", name, "\" label=\"",
		     label, "\">\n");
}

static struct bytes page_url(char out[512], struct bytes origin, const char *tenant)
{
	bool first = !strcmp(tenant, TENANT_DEFAULT_NAME);

	(void)snprintf(out, 512, "%.*s/softphone/%s%ssoftphone.html", (int)origin.n,
		       (const char *)origin.p, first ? "" : tenant, first ? "" : "/");
	return bytes_str(out);
}

void crm_definition_write(struct writer *w, const struct crm_value *v, const char *tenant,
			  struct bytes url, struct bytes standby)
{
	struct definition d = { w, 0 };
	char page[512];

	writer_str(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<callCenter>\n");
	crm_section_start(&d, "0", "reqGeneralInfo", "General Information");
	crm_item_write(&d, "reqInternalName", "Internal Name", bytes_str(v->name));
	crm_item_write(&d, "reqDisplayName", "Display Name", bytes_str(v->label));
	crm_item_write(&d, "reqAdapterUrl", "CTI Adapter URL", page_url(page, url, tenant));
	crm_item_write(&d, "reqUseApi", "Use CTI API", BYTES_LIT("true"));
	crm_number_item(&d, "reqSoftphoneHeight", "Softphone Height", v->height);
	crm_number_item(&d, "reqSoftphoneWidth", "Softphone Width", v->width);
	crm_item_write(&d, "reqSalesforceCompatibilityMode", "Salesforce Compatibility Mode",
		       BYTES_LIT("Classic_and_Lightning"));
	if (standby.n) {
		crm_item_write(&d, "reqStandbyUrl", "CTI Standby URL",
			       page_url(page, standby, tenant));
		crm_item_write(&d, "reqTimeout", "Timeout (ms)", BYTES_LIT("5000"));
	}
	writer_str(w, "\t</section>\n");
	crm_section_start(&d, "1", "reqDialingOptions", "Dialing Options");
	crm_item_write(&d, "reqOutsidePrefix", "Outside Prefix", bytes_str(v->outside_prefix));
	crm_item_write(&d, "reqLongDistPrefix", "Long Distance Prefix",
		       bytes_str(v->long_distance_prefix));
	crm_item_write(&d, "reqInternationalPrefix", "International Prefix",
		       bytes_str(v->international_prefix));
	writer_str(w, "\t</section>\n</callCenter>\n");
}
