/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gathers what the files of a device follow from (phone_files.h), and renders them. All of it comes
 * from documents and settings that all nodes have, but the host and the password, which the phone
 * itself has sent: so nodes that know the same render the same.
 */
#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/command_trunk.h"
#include "app/document/document.h"
#include "app/document/extensions.h"
#include "app/feature/page/page.h"
#include "app/feature/provision/device.h"
#include "app/feature/provision/provision_facts.h"
#include "app/feature/provision/provision_settings.h"
#include "app/node/node.h"
#include "app/node/node_sip.h"
#include "app/settings/settings.h"
#include "app/web/web_page.h"
#include "app/web/web_route.h"
#include "base/clock.h"
#include "base/log.h"
#include "sig/host/calendars.h"
#include "sig/shard/shared_tables.h"

enum { FACTS_USER_MAX = 96, PHONES_MANY = 100, LISTED_MAX = 500 };
enum { PEOPLE_TENANTS = 4 };
enum { SECONDARY_PORT = 5060 };
enum { FACTS_BROWSER_MAX = FACTS_HOST_MAX + PHONE_LINK_MAX + 16 };
enum { EXPIRES_S = 90, EXPIRES_MANY_S = 600, MAP_MORE_MAX = 64 };

struct facts {
	struct phone_facts of;
	struct extension lines[PHONE_LINES_MAX];
	char users[PHONE_LINES_MAX][FACTS_USER_MAX], marks[PHONE_LINES_MAX][HA1_TEXT + 1];
	char family[DEVICE_FAMILY_MAX], host[FACTS_HOST_MAX];
	char digit_map[DIAL_MAP_MAX + MAP_MORE_MAX + 1];
	char text[DEVICE_OVERRIDES_MAX], blf_list[FACTS_USER_MAX];
	struct page_channel channels[PAGE_CHANNELS];
	char paging_address[PAGE_ADDRESS_MAX];
	char more_files[FACTS_HOST_MAX], more_files_212[FACTS_HOST_MAX];
	char record_url[RECORD_URL_MAX], secondary[FACTS_HOST_MAX], browser_url[FACTS_BROWSER_MAX];
	struct phone_override overrides[PHONE_OVERRIDES_MAX];
	struct phone_person people[PHONE_PEOPLE_MAX];
};

/* The people of a tenant, sorted, as long as no document changes: each file of a boot that is made
 * needs them, and reading all extensions takes longer than all else. */
struct people {
	bool known;
	uint16_t tenant;
	uint64_t changes; /* of documents, when they were read */
	uint32_t count;
	struct facts_person {
		char last_name[64], first_name[64], number[64];
	} names[LISTED_MAX];
};

static struct people g_people[PEOPLE_TENANTS];

/* Host names and addresses have no others; what else a client sends is ignored. */
static bool facts_host_is_good(struct bytes host)
{
	for (size_t i = 0; i < host.n; i++) {
		uint8_t c = host.p[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      c == '.' || c == '-'))
			return false;
	}
	return host.n > 0;
}

/* Where phones reach the node. */
static void facts_host_write(struct writer *w, const struct node *n, const struct web_routed *r)
{
	const char *set = provision_settings_of(n->settings)->server;
	struct bytes host = bytes_str(r->host);

	host = set[0] ? bytes_str(set) : bytes_sub(host, 0, bytes_find(host, ':'));
	if (facts_host_is_good(host))
		writer_bytes(w, host);
	else
		addr_write_ip(w, &n->settings->networks[0].advertise);
}

static bool facts_host_leads(const struct node *n, struct bytes host, uint16_t tenant)
{
	uint16_t of = tenants_of_domain(n->common.tenants, host);

	return facts_host_is_good(host) &&
	       (of == tenant || (of == TENANT_NONE && tenant == TENANT_DEFAULT));
}

/* Where its phones register: of the names above the one that leads to the tenant, or its own. */
static void facts_domain_write(struct writer *w, const struct node *n, const struct web_routed *r,
			       uint16_t tenant)
{
	const char *set = provision_settings_of(n->settings)->server,
		   *own = tenants_domain(n->common.tenants, tenant);
	struct bytes host = bytes_str(r->host);

	host = bytes_sub(host, 0, bytes_find(host, ':'));
	if (facts_host_leads(n, bytes_str(set), tenant))
		writer_str(w, set);
	else if (facts_host_leads(n, host, tenant))
		writer_bytes(w, host);
	else if (own[0])
		writer_str(w, own);
	else
		facts_host_write(w, n, r);
}

static void facts_server(struct facts *f, const struct node *n, uint16_t tenant,
			 const struct web_routed *r)
{
	const struct settings_network *net = &n->settings->networks[0];
	struct writer w = writer_over(f->host, sizeof(f->host) - 1);
	bool tls = f->lines[0].core.tls_srtp;

	facts_domain_write(&w, n, r, tenant);
	f->of.server = f->host;
	f->of.transport = tls ? "TLS" : net->sip_port_count ? "UDPOnly" : "TCPOnly";
	f->of.port = (uint16_t)(tls                   ? net->sip_tls_ports[0]
				: net->sip_port_count ? net->sip_ports[0]
						      : net->sip_tcp_ports[0]);
	f->of.srtp = tls;
}

static bool password_fits(const struct extension *e, struct bytes number, const char *password)
{
	struct digest_secret made;
	bool same;

	digest_secret_make(&made, number, bytes_str(e->realm), bytes_str(password));
	same = !CRYPTO_memcmp(&made, &e->core.secret, sizeof(made));
	explicit_bzero(&made, sizeof(made));
	return same;
}

bool provision_password_fits(const struct node *n, uint16_t tenant, struct bytes number,
			     const char *password)
{
	struct extension e;
	bool fits;

	if (!extensions_find(n->api.extensions, tenant, number, &e))
		return false;
	fits = password_fits(&e, number, password);
	extension_wipe(&e);
	return fits;
}

/* Left out are lines of extensions that are gone, or have another password, as far as a request has
 * brought it. A device with a password of its own registers by that. */
static void facts_lines(struct facts *f, const struct node *n, uint16_t tenant,
			const struct device_value *v, const struct web_routed *r, bool bare)
{
	struct bytes list = bytes_str(v->extensions), number;
	uint32_t count = 0;

	while (count < PHONE_LINES_MAX && bytes_cut(&list, ',', &number)) {
		struct extension *e = &f->lines[count];
		struct writer w = writer_over(f->users[count], FACTS_USER_MAX - 1);

		if (!extensions_find(n->api.extensions, tenant, number, e))
			continue;
		if (!v->password[0] && r->password[0] && !password_fits(e, number, r->password)) {
			extension_wipe(e);
			continue;
		}
		if (v->password[0])
			writer_str(&w, bare ? r->user : v->mac);
		else if (v->location)
			located_user_write(&w, number, v->location);
		else
			writer_bytes(&w, number);
		ha1_write(f->marks[count], &e->core.secret);
		f->of.lines[count] = (struct phone_line){ e->core.number, e->core.display_name,
							  f->users[count], r->password,
							  bare             ? NULL
							  : v->password[0] ? v->password
									   : f->marks[count] };
		count++;
	}
}

static void facts_overrides(struct facts *f, const struct device_value *v)
{
	struct bytes rest = bytes_str(v->overrides), key, value;
	size_t at = 0;

	while (f->of.override_count < PHONE_OVERRIDES_MAX &&
	       device_override_next(&rest, &key, &value) &&
	       at + key.n + value.n + 2 <= sizeof(f->text)) {
		struct phone_override *o = &f->overrides[f->of.override_count++];

		o->key = f->text + at;
		(void)bytes_cstr(key, f->text + at, key.n + 1);
		at += key.n + 1;
		o->value = f->text + at;
		(void)bytes_cstr(value, f->text + at, value.n + 1);
		at += value.n + 1;
	}
	f->of.overrides = f->overrides;
}

static int person_order(const void *a, const void *b)
{
	const struct facts_person *one = a, *other = b;
	int order = strcmp(one->last_name, other->last_name);

	order = order ? order : strcmp(one->first_name, other->first_name);
	return order ? order : strcmp(one->number, other->number);
}

/* Of a display name, where the document has no names of the person. */
static void person_set(struct facts_person *p, const struct extension *e)
{
	bool named = e->person.first_name[0] || e->person.last_name[0];

	(void)snprintf(p->first_name, sizeof(p->first_name), "%s",
		       named                     ? e->person.first_name
		       : e->core.display_name[0] ? e->core.display_name
						 : e->core.number);
	(void)snprintf(p->last_name, sizeof(p->last_name), "%s", e->person.last_name);
	(void)snprintf(p->number, sizeof(p->number), "%s", e->core.number);
}

/* Extensions of the tenant that its directory shows; of more than fit, those that sort first. A
 * tenant with very many has none: no list of a phone is of use for them. */
static void people_read(struct people *p, const struct node *n, uint16_t tenant)
{
	struct bytes owner = bytes_str(tenants_name(n->common.tenants, tenant)), number;
	uint32_t cursor = 0;
	uint16_t of;

	p->known = true;
	p->tenant = tenant;
	p->changes = n->api.documents->keep.mirror.changes;
	p->count = 0;
	if (mirror_count_of(&n->api.documents->keep.mirror, owner, BYTES_LIT("extension")) >
	    LISTED_MAX)
		return;
	while (p->count < LISTED_MAX && extensions_next(n->api.extensions, &cursor, &of, &number)) {
		struct extension e = { 0 };

		if (of != tenant || !extensions_find(n->api.extensions, tenant, number, &e))
			continue;
		if (!e.person.hidden && e.core.enabled)
			person_set(&p->names[p->count++], &e);
		extension_wipe(&e);
	}
	qsort(p->names, p->count, sizeof(p->names[0]), person_order);
}

static void facts_people(struct facts *f, const struct node *n, uint16_t tenant)
{
	struct people *p = &g_people[tenant % PEOPLE_TENANTS];

	if (!p->known || p->tenant != tenant || p->changes != n->api.documents->keep.mirror.changes)
		people_read(p, n, tenant);
	f->of.person_count = p->count < PHONE_PEOPLE_MAX ? p->count : PHONE_PEOPLE_MAX;
	for (uint32_t i = 0; i < f->of.person_count; i++)
		f->people[i] = (struct phone_person){ p->names[i].last_name, p->names[i].first_name,
						      p->names[i].number };
	f->of.people = f->people;
}

/* Those of the two files that lie with the firmware of 7.0. */
static void facts_more(const struct node *n, const struct device_value *v,
		       const char *const more[2], char out[FACTS_HOST_MAX])
{
	struct writer w = writer_over(out, FACTS_HOST_MAX - 1);

	for (size_t i = 0; i < 2; i++) {
		if (firmware_path(n, "polycom-7.0", bytes_str(more[i]), NULL, 0))
			WRITER_TEXTS(&w, ", ", v->mac, "-firmware/", more[i]);
	}
	out[w.n] = '\0';
}

/* P7-01, P7-02: with firmware of 7.0 lie files that phones read behind the others. */
static void facts_firmware(struct facts *f, const struct node *n, const struct device_value *v)
{
	static const char *const more[] = { "phone1.cfg", "sip.cfg" }, *const more_212[] = {
		"phone1_212.cfg", "sip_212.cfg"
	};

	f->of.firmware = v->firmware && firmware_has_application(f->family);
	f->of.more_files = f->more_files;
	f->of.more_files_212 = f->more_files_212;
	if (strcmp(f->family, "polycom-7.0") != 0)
		return;
	facts_more(n, v, more, f->more_files);
	facts_more(n, v, more_212, f->more_files_212);
	f->of.firmware_212 =
		v->firmware && firmware_path(n, f->family, BYTES_LIT("sip_212.ld"), NULL, 0);
}

/* PAGE-06: the groups that its extension is a member of, or listens to. Others are not in its list.
 * A phone has one address for all channels: that of the first such group. */
static void facts_channels(struct facts *f, const struct node *n, uint16_t tenant)
{
	struct writer w = writer_over(f->paging_address, sizeof(f->paging_address) - 1);
	/* Polycom's own choice */
	enum { PAGING_PORT = 5001 };
	static const uint8_t usual[4] = { 224, 0, 1, 116 };
	struct bytes number = bytes_str(f->lines[0].core.number);
	const struct page_choice_value *choice;
	struct addr a = { 0 };

	static_assert((int)PAGE_CHANNELS == (int)PHONE_CHANNELS, "the same channels");
	choice = page_choice_find(tenant, number);
	f->of.paging_default = page_channels(n, tenant, number, f->channels);
	f->of.paging_in_calls = choice && choice->in_calls;
	for (uint32_t i = 0; i < PHONE_CHANNELS; i++) {
		const struct page_channel *c = &f->channels[i];

		f->of.channels[i] =
			(struct phone_channel){ c->heard ? c->label : "", c->heard, c->subscribed };
		if (c->heard && a.family == ADDR_NONE)
			a = c->address;
	}
	if (a.family == ADDR_NONE)
		addr_set_v4(&a, usual, PAGING_PORT);
	addr_write_ip(&w, &a);
	f->paging_address[w.overflow ? 0 : w.n] = '\0';
	f->of.paging_address = f->paging_address;
	f->of.paging_port = a.port;
}

void provision_record_url(const struct node *n, uint16_t tenant, const struct extension *e,
			  const struct web_routed *r, char out[RECORD_URL_MAX])
{
	struct web_page_of of = { .page = e->page };
	struct writer w = writer_over(out, RECORD_URL_MAX - 1);

	out[0] = '\0';
	if (!e->core.record_page || !e->page || !n->web->files_web || !n->web->pages.asks)
		return;
	(void)snprintf(of.tenant, sizeof(of.tenant), "%s", tenants_name(n->common.tenants, tenant));
	(void)snprintf(of.number, sizeof(of.number), "%s", e->core.number);
	writer_str(&w, "https://");
	facts_host_write(&w, n, r);
	writer_number(&w, ":", n->settings->recordings.port, "");
	web_page_link(&w, n->web->pages.key, &of);
	out[w.n] = '\0';
}

/* Over TLS where the node has that, however this file was asked for. */
static void facts_browser(struct facts *f, const struct node *n, uint16_t tenant,
			  const struct device_value *v, const struct web_routed *r)
{
	const struct provision_settings *p = provision_settings_of(n->settings);
	struct writer w = writer_over(f->browser_url, sizeof(f->browser_url) - 1);
	char link[PHONE_LINK_MAX];

	phone_pages_link(n, tenant, v, link);
	WRITER_TEXTS(&w, p->https ? "https://" : "http://");
	facts_host_write(&w, n, r);
	writer_number(&w, ":", p->https ? p->https : p->http, link);
	if (!p->https && !p->http) /* its files come over FTP alone */
		link[0] = '\0';
	f->browser_url[link[0] ? w.n : 0] = '\0';
	f->of.browser_url = f->browser_url;
	f->of.directory_page = v->directory_page && link[0];
}

/* REG-21, BEAT-20: host, or host:port, of the device, else of the first line's extension. */
static void facts_secondary(struct facts *f, const struct device_value *v)
{
	struct bytes said = bytes_str(v->secondary[0] ? v->secondary : f->lines[0].secondary),
		     host = { 0 };
	uint32_t port = SECONDARY_PORT;

	if (bytes_is(said, "off"))
		said.n = 0;
	if (bytes_cut(&said, ':', &host) && said.n && bytes_u32(said, &port))
		port = SECONDARY_PORT;
	(void)bytes_cstr(host, f->secondary, sizeof(f->secondary));
	f->of.secondary = f->secondary;
	f->of.secondary_port = (uint16_t)port;
	f->of.secondary_registers = device_registers_there(v, f->lines[0].secondary_registers);
}

struct facts_zone {
	const struct calendars *calendars;
	const char *name;
};

static int32_t facts_offset(const void *arg, int64_t utc_s)
{
	const struct facts_zone *z = arg;

	return calendars_offset_s(z->calendars, z->name, utc_s);
}

/* The list that its keys watch, where its extension has keys, and may watch. */
static void facts_blf(struct facts *f, const struct node *n)
{
	const struct extension *e = &f->lines[0];

	f->of.blf_list = f->blf_list;
	f->of.blf_splash = e->blf_splash;
	if (e->blf_keys[0] && extension_may(n->common.tenants, &e->core, ENTITLED_LAMPS))
		(void)snprintf(f->blf_list, sizeof(f->blf_list), "lamps-%s", e->core.number);
}

/* That of the device, else of the tenant's dial plan. Phones of 7.0 know no ',' (a second dial
 * tone). */
static void facts_digit_map(struct facts *f, struct node *n, uint16_t tenant,
			    const struct device_value *v)
{
	struct writer map = writer_over(f->digit_map, DIAL_MAP_MAX);
	char *to = f->digit_map;
	const char *more;

	f->of.digit_map = f->digit_map;
	if (v->digit_map[0]) {
		(void)snprintf(f->digit_map, sizeof(f->digit_map), "%s", v->digit_map);
		return;
	}
	if (!tenant_digit_map(n, tenant, DIAL_MAP_POLYCOM, &map))
		map.n = 0;
	f->digit_map[map.n] = '\0';
	phone_map_redial(f->digit_map, sizeof(f->digit_map));
	if (strcmp(f->family, "polycom-7.0") != 0)
		return;
	more = f->digit_map[map.n] ? "|xxx.T" : ""; /* P7-05: that, and no rule for redial */
	for (size_t i = 0; i < map.n; i++) {
		if (f->digit_map[i] != ',')
			*to++ = f->digit_map[i];
	}
	(void)snprintf(to, sizeof(f->digit_map) - (size_t)(to - f->digit_map), "%s", more);
}

/* What the profile of the device takes from its phone. */
static void facts_without(struct facts *f, uint16_t off)
{
	if (off & 1 << DEVICE_LAMPS)
		f->of.blf_list = "";
	if (off & 1 << DEVICE_RECORD_KEY)
		f->of.record_url = "";
	if (off & 1 << DEVICE_DIRECTORY) {
		f->of.directory_page = f->of.directory_key = false;
		f->of.person_count = 0;
	}
	if (off & 1 << DEVICE_PAGING)
		memset(f->of.channels, 0, sizeof(f->of.channels));
	f->of.video &= !(off & 1 << DEVICE_VIDEO);
}

static void phone_facts_fill(struct facts *f, struct node *n, uint16_t tenant,
			     const struct device_value *v, const struct web_routed *r, bool bare)
{
	const struct facts_zone zone = { n->common.shared_tables->calendars,
					 tenants_terms(n->common.tenants, tenant)->zone };
	struct bytes owner = bytes_str(tenants_name(n->common.tenants, tenant));

	device_family(v, f->family);
	f->of.family = bare ? "polycom-bare" : f->family;
	f->of.bare = v->password[0] && !strcmp(v->extensions, bare_extension(n, tenant));
	f->of.mac = v->mac;
	f->of.menu_password = v->menu_password;
	facts_lines(f, n, tenant, v, r, bare);
	facts_server(f, n, tenant, r);
	/* of the tenant on all nodes: a shard knows its own phones alone */
	f->of.expires_s = mirror_count_of(&n->api.documents->keep.mirror, owner,
					  BYTES_LIT("device")) > PHONES_MANY
				  ? EXPIRES_MANY_S
				  : EXPIRES_S;
	f->of.video = !f->lines[0].core.no_video;
	f->of.columns = device_columns(v);
	f->of.call_keys = device_has_call_keys(v);
	f->of.dscp_sip = (uint8_t)n->settings->media.dscp_sip;
	f->of.dscp_audio = (uint8_t)n->settings->media.dscp_audio;
	f->of.dscp_video = v->video_dscp ? v->video_dscp : (uint8_t)n->settings->media.dscp_video;
	f->of.clock_24 = !v->clock;
	f->of.directory_key = v->directory_key;
	f->of.time_server = provision_settings_of(n->settings)->time_server;
	f->of.video_kbps = v->video_kbps;
	phone_clock_read(&f->of.clock, (int64_t)(clock_utc_ms() / 1000), facts_offset, &zone);
	f->of.record_url = f->record_url;
	provision_record_url(n, tenant, &f->lines[0], r, f->record_url);
	facts_browser(f, n, tenant, v, r);
	facts_secondary(f, v);
	facts_channels(f, n, tenant);
	facts_firmware(f, n, v);
	facts_blf(f, n);
	facts_digit_map(f, n, tenant, v);
	facts_overrides(f, v);
	facts_people(f, n, tenant);
	facts_without(f, extension_may(n->common.tenants, &f->lines[0].core, ENTITLED_DIRECTORY)
				 ? v->features_off
				 : v->features_off | 1 << DEVICE_DIRECTORY);
}

struct phone_files *provision_render(struct node *n, uint16_t tenant, const struct device_value *v,
				     const struct web_routed *r, bool bare)
{
	struct facts *f = calloc(1, sizeof(*f));
	struct phone_files *files = NULL;
	int err = f ? 0 : -ENOMEM;

	if (!err) {
		phone_facts_fill(f, n, tenant, v, r, bare);
		err = f->of.lines[0].number ? phone_files_render(&files, &f->of) : -ENOENT;
		explicit_bzero(f, sizeof(*f));
	}
	free(f);
	if (err)
		LOG_ERROR("provision", 0, "the files of a phone cannot be made",
			  LOG_STR("mac", v->mac), LOG_STR("error", strerror(-err)));
	return files;
}

bool provision_is_changed(struct node *n, const struct device_entry *d)
{
	static struct web_routed r; /* as if its phone asked, but without a password */
	static struct device_value v;
	struct phone_files *files = NULL;
	bool changed;

	(void)snprintf(r.host, sizeof(r.host), "%s", d->seen.host);
	if (d->seen.revision[0] && device_read(n, d, &v))
		files = provision_render(n, d->login.of, &v, &r, false);
	changed = files && strcmp(files->revision, d->seen.revision) != 0;
	phone_files_free(files);
	return changed;
}
