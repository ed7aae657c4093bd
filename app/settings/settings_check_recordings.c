/* SPDX-License-Identifier: Apache-2.0 */
/* Where recordings go: what each kind of destination needs. */
#include <string.h>

#include "app/settings/settings_rule.h"
#include "sig/sip/uri.h"

struct destination_check {
	const struct check *c;
	const struct settings_destination *d;
	uint32_t i;
};

#define REPORT_STORE(x, key, ...)                                                                \
	do {                                                                                     \
		char path_[PATH_MAX_BYTES];                                                      \
		(void)snprintf(path_, sizeof(path_), "recordings.store[%" PRIu32 "].%s", (x)->i, \
			       (key));                                                           \
		REPORT((x)->c, path_, __VA_ARGS__);                                              \
	} while (0)

static bool recordings_starts(const char *url, const char *const *schemes)
{
	for (; *schemes; schemes++) {
		if (bytes_istarts(bytes_str(url), *schemes) && url[strlen(*schemes)])
			return true;
	}
	return false;
}

/* No TLS: that may go to this machine alone. */
static bool recordings_is_here(const char *url)
{
	static const char *const here[] = { "http://127.0.0.1:",
					    "http://127.0.0.1/",
					    "http://localhost:",
					    "http://localhost/",
					    "http://[::1]:",
					    "http://[::1]/",
					    NULL };

	return recordings_starts(url, here);
}

static void recordings_url(const struct destination_check *x)
{
	static const char *const directory[] = { "/", NULL }, *const https[] = { "https://", NULL },
				 *const sftp[] = { "sftp://", NULL },
				 *const ftp[] = { "ftp://", "ftps://", NULL },
				 *const mail[] = { "smtp://", "smtps://", NULL };
	static const char *const *const schemes[] = {
		[SETTINGS_DIRECTORY] = directory, [SETTINGS_S3] = https, [SETTINGS_HTTP] = https,
		[SETTINGS_SFTP] = sftp,           [SETTINGS_FTP] = ftp,  [SETTINGS_MAIL] = mail,
	};
	const char *url = x->d->url;
	bool web = x->d->kind == SETTINGS_S3 || x->d->kind == SETTINGS_HTTP;

	if (web && recordings_is_here(url))
		return;
	if (!recordings_starts(url, schemes[x->d->kind]))
		REPORT_STORE(x, "url", "url must begin with %s, and something must follow%s",
			     schemes[x->d->kind][0],
			     web ? "; http:// may go to 127.0.0.1 alone" : "");
	for (; *url; url++) {
		if (*url > ' ' && *url < 0x7f && *url != '"' && *url != '\\' && *url != '@' &&
		    *url != '?' && *url != '#')
			continue;
		REPORT_STORE(
			x, "url",
			"url may not have '%c': user and password_file have keys of their own, "
			"and what is special is written as %%20 and the like",
			*url > ' ' && *url < 0x7f ? *url : ' ');
		return;
	}
}

static void recordings_path(const struct destination_check *x, const char *key, const char *path)
{
	if (path[0] && path[0] != '/')
		REPORT_STORE(x, key, "%s must be an absolute path", key);
}

static void recordings_needs(const struct destination_check *x, const char *key, bool given)
{
	if (!given)
		REPORT_STORE(x, key, "a destination of this kind needs %s", key);
}

static void recordings_kind(const struct destination_check *x)
{
	const struct settings_destination *d = x->d;

	switch ((enum settings_destination_kind)d->kind) {
	case SETTINGS_S3:
		recordings_needs(x, "bucket", d->bucket[0] != '\0');
		recordings_needs(x, "user", d->user[0] != '\0');
		recordings_needs(x, "password_file", d->password_file[0] != '\0');
		return;
	case SETTINGS_SFTP:
		recordings_needs(x, "user", d->user[0] != '\0');
		recordings_needs(x, "known_hosts", d->known_hosts[0] != '\0');
		recordings_needs(x, d->key_file[0] ? "key_file" : "password_file",
				 d->key_file[0] || d->password_file[0]);
		return;
	case SETTINGS_FTP:
		recordings_needs(x, "user", d->user[0] != '\0');
		recordings_needs(x, "password_file", d->password_file[0] != '\0');
		return;
	case SETTINGS_MAIL:
		recordings_needs(x, "from", strchr(d->from, '@') != NULL);
		recordings_needs(x, "to", d->to_count > 0);
		return;
	case SETTINGS_DIRECTORY:
	case SETTINGS_HTTP:
		return;
	}
}

static bool recordings_is_named(const struct settings_recordings *r, const char *name,
				uint32_t before)
{
	for (uint32_t i = 0; i < before; i++) {
		if (!strcmp(r->store[i].name, name))
			return true;
	}
	return false;
}

static void recordings_destination(const struct destination_check *x)
{
	const struct settings_destination *d = x->d;

	if (!strcmp(d->name, "none"))
		REPORT_STORE(x, "name", "no destination may be named none: that means nowhere");
	else if (!rule_is_name(d->name, true) || d->name[0] == '.')
		REPORT_STORE(x, "name",
			     "name must have letters, digits, '.', '-' and '_' only, no '.' in "
			     "front");
	else if (recordings_is_named(&x->c->s->recordings, d->name, x->i))
		REPORT_STORE(x, "name", "another destination is named %s already", d->name);
	recordings_url(x);
	recordings_kind(x);
	recordings_path(x, "password_file", d->password_file);
	recordings_path(x, "key_file", d->key_file);
	recordings_path(x, "known_hosts", d->known_hosts);
	recordings_path(x, "ca", d->ca);
	for (const char *p = d->bucket; *p; p++) {
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789.-", *p)) {
			REPORT_STORE(x, "bucket",
				     "bucket has small letters, digits, '.' and '-' only");
			return;
		}
	}
}

static void recordings_certificates(const struct check *c)
{
	const struct settings_recordings *r = &c->s->recordings;
	char path[PATH_MAX_BYTES];

	if (r->certificate[0] && r->certificate[0] != '/')
		REPORT(c, "recordings.certificate",
		       "recordings.certificate must be an absolute path");
	for (uint32_t i = 0; i < r->tenant_certificate_count; i++) {
		const struct settings_tenant_certificate *t = &r->tenant_certificates[i];
		uint32_t same = 0;

		while (strcmp(r->tenant_certificates[same].tenant, t->tenant) != 0)
			same++;
		(void)snprintf(path, sizeof(path), "recordings.tenant_certificates[%" PRIu32 "].%s",
			       i, same < i ? "tenant" : "file");
		if (same < i)
			REPORT(c, path, "tenant %s has a certificate already", t->tenant);
		else if (t->file[0] != '/')
			REPORT(c, path, "file must be an absolute path");
	}
}

void rule_recordings(const struct check *c)
{
	struct settings_recordings *r = &c->s->recordings;

	if (r->folder[0] == '\0')
		(void)snprintf(r->folder, sizeof(r->folder), "%s/recordings", c->s->node.state_dir);
	else if (r->folder[0] != '/')
		REPORT(c, "recordings.folder",
		       "recordings.folder must be an absolute path, such as "
		       "/var/lib/tandem/recordings");
	if (r->tone && r->tone < NS_PER_S)
		REPORT(c, "recordings.tone",
		       "recordings.tone must be 0s, or 1s or more, such as 15s");
	if (r->port && (r->port == c->s->http.port || r->port == c->s->http.health_port))
		REPORT(c, "recordings.port",
		       "recordings.port is a port of http: give it another one");
	for (uint32_t i = 0; i < r->store_count; i++)
		recordings_destination(&(struct destination_check){ c, &r->store[i], i });
	for (uint32_t i = 0; i < r->deliver_count; i++) {
		char path[PATH_MAX_BYTES];

		if (recordings_is_named(r, r->deliver[i], r->store_count))
			continue;
		(void)snprintf(path, sizeof(path), "recordings.deliver[%" PRIu32 "]", i);
		REPORT(c, path, "recordings.store has no destination %s", r->deliver[i]);
	}
	recordings_certificates(c);
	if (r->retry > r->retry_max)
		REPORT(c, "recordings.retry", "recordings.retry is longer than retry_max");
}

static bool siprec_network_is_known(const struct settings *s)
{
	for (uint32_t i = 0; i < s->network_count; i++) {
		if (strcmp(s->networks[i].name, s->siprec.network) == 0)
			return true;
	}
	return s->siprec.network[0] == '\0';
}

static bool siprec_is_place(const char *text)
{
	struct sip_place place;
	struct addr a;

	if (!addr_parse(&a, bytes_str(text)))
		return !addr_is_any(&a);
	return !sip_place_read(&place, bytes_str(text));
}

static void siprec_addresses(const struct check *c)
{
	const struct settings_siprec *r = &c->s->siprec;

	if (r->address[0] && !siprec_is_place(r->address))
		REPORT(c, "siprec.address",
		       "siprec.address must be an address or a name of the recorder, such as "
		       "192.0.2.7:5060 or recorder.example.org");
	for (uint32_t i = 0; i < r->more_count; i++) {
		char path[32];

		(void)snprintf(path, sizeof(path), "siprec.more[%" PRIu32 "]", i);
		if (!r->address[0] || !siprec_is_place(r->more[i]))
			REPORT(c, path,
			       "siprec.more has addresses or names of recorders behind that of "
			       "siprec.address");
	}
}

static bool siprec_is_quotable(const char *text)
{
	return !strpbrk(text, "\"\\\r\n");
}

void rule_siprec(const struct check *c)
{
	const struct settings_siprec *r = &c->s->siprec;

	siprec_addresses(c);
	if (r->auth_user[0] && (!r->auth_realm[0] || !siprec_is_quotable(r->auth_user) ||
				!siprec_is_quotable(r->auth_realm)))
		REPORT(c, "siprec.auth_user",
		       "siprec.auth_user needs siprec.auth_realm, and neither has '\"' or '\\'");
	if (strspn(r->user, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.") !=
	    strlen(r->user))
		REPORT(c, "siprec.user", "siprec.user has letters, digits, '-', '_' and '.' alone");
	if (!siprec_network_is_known(c->s))
		REPORT(c, "siprec.network", "networks has none of the name %s", r->network);
	if (r->srtp && r->transport != SIP_TLS)
		REPORT(c, "siprec.srtp",
		       "siprec.srtp needs siprec.transport tls: else its keys could be read");
}
