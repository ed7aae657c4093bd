/* SPDX-License-Identifier: Apache-2.0 */
/* Schema and rules of recordings, their destinations and external recorders (SIPREC) in
 * tandem.yaml: what each kind of destination needs, and what is not for it. Plain http:// and
 * passwords without TLS are allowed to a server on this machine only. */

#include <string.h>

#include "app/settings/settings_schema.h"
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

	if (web && bytes_istarts(bytes_str(url), "http://") && rule_is_here(url))
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

/* Traffic to a loopback address does not leave this machine. */
static void recordings_plain(const struct destination_check *x)
{
	static const char *const begins_tls[] = { "ftp://", "smtp://", NULL };

	if (x->d->user[0] && !x->d->starttls && recordings_starts(x->d->url, begins_tls) &&
	    !rule_is_here(x->d->url))
		REPORT_STORE(
			x, "starttls",
			"starttls: false would send the password of %s in plain: leave it out, or "
			"use TLS from the first octet; only a server on this machine may have it "
			"so",
			x->d->user);
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
	recordings_plain(x);
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
	if (r->calls.tone_ns && r->calls.tone_ns < NS_PER_S)
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
		REPORT(c, "siprec.network", "networks has no network of the name %s", r->network);
	if (r->srtp && r->transport != SIP_TLS)
		REPORT(c, "siprec.srtp",
		       "siprec.srtp needs siprec.transport tls: else its keys could be read");
}

/* Recordings, and an external recorder. */

/* In the order of enum settings_destination_kind. */
static const char *const g_kind_names[] = {
	"directory", "s3", "http", "sftp", "ftp", "mail", NULL
};

static const struct conf_field g_destination_fields[] = {
	SETTING("name", NULL, "Name of the destination, for deliver, tenants and logs.",
		TEXT(settings_destination, name), .required = true),
	SETTING("kind", NULL,
		"What it is: a directory that is shared, as by NFS; s3: storage with the API of "
		"Amazon S3; http: a server that takes PUT; sftp, ftp, or mail.",
		WORD(settings_destination, kind, g_kind_names), .required = true),
	SETTING("url", NULL,
		"Where: an absolute path of a directory that is there; "
		"https://s3.eu-central-1.amazonaws.com; https://files.example.org/calls; "
		"sftp://files.example.org/srv/calls, or /~/calls below the home of the user; "
		"ftp://files.example.org/calls, or ftps:// where TLS comes first; "
		"smtp://mail.example.org:587, or smtps://. http:// goes to this machine alone. "
		"The tenant, the date and the name of the recording come behind it.",
		TEXT(settings_destination, url), .required = true),
	SETTING("user", NULL, "Name of the user, or of the access key of S3.",
		TEXT(settings_destination, user)),
	SETTING("password_file", NULL,
		"File with its password, the secret key of S3, or the passphrase of key_file in "
		"the first line; others than the node's user may not read it (chmod 600). SIGHUP "
		"reads it again.",
		TEXT(settings_destination, password_file)),
	SETTING("key_file", NULL,
		"With sftp: PEM file of the private key, in the place of a password.",
		TEXT(settings_destination, key_file)),
	SETTING("known_hosts", NULL,
		"With sftp: file of the keys of servers, as ssh-keyscan writes it. Only a server "
		"that is in it is trusted.",
		TEXT(settings_destination, known_hosts)),
	SETTING("ca", NULL,
		"PEM file of the authorities that may have signed the server's certificate. "
		"Without it: those of the system.",
		TEXT(settings_destination, ca)),
	SETTING("bucket", NULL, "With s3: the bucket.", TEXT(settings_destination, bucket)),
	SETTING("region", "us-east-1", "With s3: its region, which is signed.",
		TEXT(settings_destination, region)),
	SETTING("path_style", "false",
		"With s3: true: the bucket stands in the path of the URL, as servers of one's own "
		"want it; false: before the host, as Amazon wants it.",
		FLAG(settings_destination, path_style)),
	SETTING("starttls", "true",
		"With ftp:// and smtp://: nothing is sent before TLS is up. false: recordings "
		"go there in plain; with user to this machine alone.",
		FLAG(settings_destination, starttls)),
	SETTING("metadata", "true",
		"The file NAME.json, with what is known of the recording, follows it.",
		FLAG(settings_destination, metadata)),
	SETTING("from", NULL, "With mail: the address of the sender.",
		TEXT(settings_destination, from)),
	SETTING("to", NULL, "With mail: the addresses of the receivers.",
		TEXTS(settings_destination, to, to_count)),
	SETTING("max_mib", "0",
		"A file of more MiB becomes a dead letter at once. 0: any goes; of mail 20.",
		U32(settings_destination, max_mib, 0, 1048576)),
	SETTING("part_mib", "64",
		"With s3: a file of more MiB goes in parts of so many. One that was sent is not "
		"sent again after a failure. A file has at most 1,000 parts: of a very large one "
		"they are larger.",
		U32(settings_destination, part_mib, 5, 5120)),
	{ .key = NULL },
};

static const struct conf_field g_tenant_certificate_fields[] = {
	SETTING("tenant", NULL, "Name of the tenant.", TEXT(settings_tenant_certificate, tenant),
		.required = true),
	SETTING("file", NULL, "Its PEM file.", TEXT(settings_tenant_certificate, file),
		.required = true),
	{ .key = NULL },
};

/* As enum sip_transport. */
static const char *const g_siprec_transports[] = { "udp", "tcp", "tls", NULL };

const struct conf_field g_siprec_fields[] = {
	SETTING("address", NULL,
		"Address or name of an external recorder (SIPREC, RFC 7866), with ':' and a port "
		"or without. A name without a port is looked up by SRV (RFC 3263). Calls of "
		"extensions and trunks with record_to=siprec go there. Without it: no recorder.",
		TEXT(settings_siprec, address)),
	SETTING("more", NULL,
		"Addresses or names of further recorders, in this order. The next one is asked "
		"where one does not answer within 4 s, cannot be reached, or refuses with 5xx.",
		TEXTS(settings_siprec, more, more_count)),
	SETTING("auth_user", NULL,
		"User name of the node where a recorder asks for credentials (401, 407). Without "
		"it: none.",
		TEXT(settings_siprec, auth_user)),
	SETTING("auth_realm", NULL,
		"The realm in which it is that. Other realms get no credentials.",
		TEXT(settings_siprec, auth_realm)),
	SETTING("password", NULL, "Its password there.", TEXT(settings_siprec, password)),
	SETTING("transport", "tcp",
		"How it is asked. Over udp its INVITEs are longer than most paths carry in one "
		"piece.",
		WORD(settings_siprec, transport, g_siprec_transports)),
	SETTING("user", NULL, "User part of its URI. Without it: a URI without one.",
		TEXT(settings_siprec, user)),
	SETTING("network", NULL,
		"Network of this node (networks) by which alone it is reached. Without it: the "
		"first one that can.",
		TEXT(settings_siprec, network)),
	SETTING("srtp", "false",
		"What is sent to it is SRTP, with keys in SDP (RFC 4568). Needs transport tls.",
		FLAG(settings_siprec, srtp)),
	{ .key = NULL },
};

static const char *const g_voicemail_names[] = { "auto", "yes", "no", NULL };
static const char *const g_opus_names[] = { "off", "keep", "replace", NULL };
static const char *const g_recording_names[] = { "wav", "pcapng", NULL };
/* In the order of enum record_account. */
static const char *const g_account_names[] = { "allow", "refuse", "disconnect", NULL };

const struct conf_field g_recordings_fields[] = {
	SETTING("folder", NULL,
		"Folder of recordings, in it one for each tenant and day. An absolute path. "
		"Without it: recordings in state_dir.",
		TEXT(settings_recordings, folder), .at_start = true),
	SETTING("format", "wav",
		"What files are made from now on: wav (stereo, what is said and what is heard), "
		"or pcapng (the packets, deciphered, with the digits that are pressed).",
		WORD(settings_recordings, format, g_recording_names)),
	SETTING("memory_mib", "64",
		"Most MiB of recordings that wait for the disk. What does not fit is missing in "
		"the file, which says so (docs/guides/recording.md).",
		U32(settings_recordings, memory_mib, 1, 65536), .at_start = true),
	SETTING("most", "2000", "Recordings at once. A further one fails, and its call goes on.",
		U32(settings_recordings, most, 1, 16384), .at_start = true),
	SETTING("tone", "0s",
		"While a call is recorded, both parties hear a short tone when that begins and so "
		"often from then on, such as 15s: at least 1s. 0s: never. Not while the recording "
		"is paused.",
		DURATION(settings_recordings, calls.tone_ns, 0, SECONDS(3600))),
	SETTING("follow_preferences", "false",
		"Whether what a phone says of recording in its session (a=recordpref, RFC 7866) "
		"is done, as if its party had pressed the code: of extensions with "
		"record=on_demand alone. Else it is written to the log.",
		FLAG(settings_recordings, calls.follow_preferences)),
	SETTING("account_code", "allow",
		"What an account code does to a call that is recorded (call.account_code, "
		"call_codes.account): allow (call and recording go on), refuse (the call keeps "
		"the code that it has), or disconnect (the call ends, as with older systems).",
		WORD(settings_recordings, calls.account_code, g_account_names)),
	SETTING("port", "0",
		"TCP port on http.bind where recordings are fetched, by links of recording.link "
		"alone; with TLS where http.tls is true. With TLS it has record pages, too "
		"(extension.page). 0: none.",
		U32(settings_recordings, port, 0, 65535), .at_start = true),
	SETTING("store", NULL, "Destinations of recordings (docs/guides/recording-store.md).",
		MAPS(settings_recordings, store, store_count, g_destination_fields)),
	SETTING("deliver", NULL,
		"Names of the destinations that recordings of a tenant go to, each to all of "
		"them, where the tenant's document names none (recording_store). Without it: "
		"they stay in folder.",
		TEXTS(settings_recordings, deliver, deliver_count)),
	SETTING("voicemail", "auto",
		"Whether messages in mailboxes go to those destinations, too: yes, no, or auto: "
		"where redis.url is given and there are no copies, as other nodes play messages "
		"from there. With no, without copies, only the node that took a message plays "
		"it.",
		WORD(settings_recordings, voicemail, g_voicemail_names)),
	SETTING("retry", "5s",
		"After a failure a delivery is tried again after about so long, then after twice "
		"as long, and so on.",
		DURATION(settings_recordings, retry, 100 * NS_PER_MS, SECONDS(3600))),
	SETTING("retry_max", "3600s", "The longest of these pauses.",
		DURATION(settings_recordings, retry_max, SECONDS(1), SECONDS(86400))),
	SETTING("give_up", "604800s",
		"What is not delivered so long after the first try becomes a dead letter: it "
		"stays in folder, and delivery.retry tries it again.",
		DURATION(settings_recordings, give_up, SECONDS(1), SECONDS(31536000))),
	SETTING("refusals", "3",
		"How many refusals in turn make a dead letter: a wrong password, a folder that may "
		"not be written, a server with an unknown key.",
		U32(settings_recordings, refusals, 1, 100)),
	SETTING("scan", "5s",
		"How often folder is searched for new files; for old ones, and to count all, 30 "
		"times as rarely.",
		DURATION(settings_recordings, scan, 100 * NS_PER_MS, SECONDS(3600))),
	SETTING("join_wait", "3600s",
		"A recording that was interrupted has several files. They wait so long for the "
		"last one, and become one before they are delivered. 0s: they are delivered each "
		"by itself.",
		DURATION(settings_recordings, join_wait, 0, SECONDS(86400))),
	SETTING("keep_days", "0",
		"Recordings of more days ago are deleted from folder, delivered or not. 0: never. "
		"A tenant's document may say otherwise (recording_days).",
		U32(settings_recordings, keep_days, 0, 36500)),
	SETTING("list_days", "30",
		"How long all nodes know what became of a recording, by Redis: recording.list "
		"without node says it, also of one that is deleted, or of a node that is gone. "
		"Where recordings are kept for longer, as long as they are. 0: each node knows of "
		"its own.",
		U32(settings_recordings, list_days, 0, 36500)),
	SETTING("delete_delivered", "false",
		"A recording is deleted from folder when all of its destinations have it.",
		FLAG(settings_recordings, delete_delivered)),
	SETTING("free_mib", "1024",
		"With less room on the disk of folder, recordings that are delivered are deleted, "
		"the oldest day first. 0: never.",
		U32(settings_recordings, free_mib, 0, 1073741824)),
	SETTING("opus", "off",
		"Finished WAV files are coded as Opus in Ogg, at idle priority, before they are "
		"delivered: replace (the WAV file is deleted), keep (it is delivered as well), "
		"or off.",
		WORD(settings_recordings, opus, g_opus_names)),
	SETTING("opus_wait", "21600s",
		"A recording that waited so long to be coded goes as WAV. So the backlog of a "
		"machine without idle time has a bound.",
		DURATION(settings_recordings, opus_wait, SECONDS(1), SECONDS(2592000))),
	SETTING("copies", "0",
		"1: another node of the cluster has a copy of what is not stored yet, also of "
		"what is being recorded, and delivers it where the host of this node is lost. "
		"All nodes want the same.",
		U32(settings_recordings, copies, 0, 1)),
	SETTING("copies_mib", "10240",
		"Copies of other nodes' recordings may have so many MiB here.",
		U32(settings_recordings, copies_mib, 1, 1073741824)),
	SETTING("copies_every", "5s",
		"How often newly recorded sound goes to the other node. Late packets are written "
		"up to 2 s back, so it is not less.",
		DURATION(settings_recordings, copies_every, SECONDS(2), SECONDS(30))),
	SETTING("copies_wait", "900s",
		"When a node is away for so long, the node with copies of its recordings delivers "
		"them.",
		DURATION(settings_recordings, copies_wait, SECONDS(1), SECONDS(2592000))),
	SETTING("certificate", NULL,
		"PEM file of up to 8 certificates, without a private key. Finished recordings "
		"are encrypted for each of them (CMS), those in mailboxes for the nodes, and what "
		"is plain is deleted. SIGHUP reads it again. Without it: they stay as they are.",
		TEXT(settings_recordings, certificate)),
	SETTING("tenant_certificates", NULL,
		"As certificate, for recordings of the named tenants, in its place.",
		MAPS(settings_recordings, tenant_certificates, tenant_certificate_count,
		     g_tenant_certificate_fields)),
	{ .key = NULL },
};
