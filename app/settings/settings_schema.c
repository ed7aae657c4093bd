/* SPDX-License-Identifier: Apache-2.0 */
/* The sections, in the order of docs/config.md. Rows: here, settings_schema_sip.c,
 * settings_networks.c, settings_recordings.c. */
#include "app/settings/settings_schema.h"

#include <assert.h>
#include <stdalign.h>

struct conf_field g_settings_fields[SETTINGS_SECTIONS_MAX + 1] = {
	SETTING("node", NULL, "Identity of this node.", MAP(settings, node, g_node_fields),
		.required = true),
	SETTING("networks", NULL, "Addresses that phones and carriers reach; at least one.",
		MAPS(settings, networks, network_count, g_network_fields), .required = true,
		.at_start = true),
	SETTING("sip", NULL, "Signalling.", MAP(settings, sip, g_sip_fields)),
	SETTING("codes", NULL,
		"Feature codes: what the phone of an extension dials to change its own settings, "
		"as extension.put does. It hears the confirmation tone when they are saved, the "
		"information tone when they are refused, congestion when they cannot be saved; "
		"then the node hangs up. Each begins with * or #, in quotes; \"off\": no code. An "
		"extension with such a number is called all the same.",
		MAP(settings, codes, g_codes_fields)),
	SETTING("call_codes", NULL,
		"In-call feature codes: what the party of an extension presses while it speaks "
		"with another one; those of recordings where it has record=on_demand. The other "
		"party hears nothing of a code. Each begins with * or #, in quotes, and has 2 to 8 "
		"digits; \"off\": no "
		"code, as at first. The dial plan of a tenant may have others.",
		MAP(settings, call_codes, g_call_codes_fields)),
	SETTING("tls", NULL, "Certificates of SIP over TLS and of HTTPS.",
		MAP(settings, tls, g_tls_fields)),
	SETTING("media", NULL, "Packets.", MAP(settings, media, g_media_fields)),
	SETTING("dns", NULL, "Where names are looked up (RFC 3263) that trusted senders register.",
		MAP(settings, dns, g_dns_fields)),
	SETTING("redis", NULL, "Where calls and registrations are kept.",
		MAP(settings, redis, g_redis_fields)),
	SETTING("cluster", NULL,
		"Nodes that take each other's shards, with one Redis and the same file keys. "
		"On its way: see docs/guides/cluster.md.",
		MAP(settings, cluster, g_cluster_fields)),
	SETTING("http", NULL, "Health, metrics, phones in browsers.",
		MAP(settings, http, g_http_fields)),
	SETTING("login", NULL,
		"Where administrators log in to use the HTTP API: an OpenID provider "
		"(guides/login.md).",
		MAP(settings, login, g_login_fields)),
	SETTING("log", NULL, "What is written to standard error.",
		MAP(settings, log, g_log_fields)),
	SETTING("limits", NULL,
		"Capacities. Memory is reserved for them at start and used as it is needed.",
		MAP(settings, limits, g_limits_fields)),
	SETTING("quotas", NULL,
		"How much of the node one party may have; 0 is no quota of its own. An extension "
		"that has had enough hears 486, others 503, each with Retry-After and a Warning. "
		"BYE and emergency numbers are never refused so.",
		MAP(settings, quotas, g_quotas_fields)),
	SETTING("trace", NULL, "Traces of calls, in the folder trace of state_dir.",
		MAP(settings, trace, g_trace_fields)),
	SETTING("hep", NULL, "Copies of SIP messages and RTCP to a collector (HEP version 3).",
		MAP(settings, hep, g_hep_fields)),
	SETTING("recordings", NULL,
		"What becomes of recordings of calls: a process of its own, tandem-store, brings "
		"them to destinations, and deletes them.",
		MAP(settings, recordings, g_recordings_fields)),
	SETTING("archive", NULL,
		"History of calls, in SQL (guides/archive.md): a process of its own, "
		"tandem-archive, reads call records out of Redis and keeps them.",
		MAP(settings, archive, g_archive_fields)),
	SETTING("mail", NULL,
		"How messages of mailboxes are sent by mail (guides/voicemail-notification.md).",
		MAP(settings, mail, g_mail_fields)),
	SETTING("transcription", NULL, "The server that transcribes messages of mailboxes.",
		MAP(settings, transcription, g_transcription_fields)),
	SETTING("siprec", NULL, "An external recorder (guides/siprec.md).",
		MAP(settings, siprec, g_siprec_fields)),
	SETTING("live", NULL,
		"Live sound between parties and applications, over WebSockets "
		"(guides/live-audio.md).",
		MAP(settings, live, g_live_fields)),
	SETTING("conferences", NULL, "Conferences of calls.",
		MAP(settings, conferences, g_conferences_fields)),
	SETTING("ivr", NULL, "What applications may ask callers for (guides/application.md).",
		MAP(settings, ivr, g_ivr_fields)),
};

static struct settings_section *g_sections; /* the newest first */

void settings_add(struct settings_section *section)
{
	size_t at = g_sections ? g_sections->at + g_sections->size
			       : offsetof(struct settings, features);
	struct conf_field *f = g_settings_fields;

	if (section->at)
		return;
	section->at = (at + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
	section->next = g_sections;
	g_sections = section;
	while (f->key)
		f++;
	assert(f < &g_settings_fields[SETTINGS_SECTIONS_MAX]);
	assert(section->at + section->size <=
	       offsetof(struct settings, features) + SETTINGS_FEATURES_OCTETS);
	*f = (struct conf_field){ .key = section->key,
				  .type = CONF_MAP,
				  .offset = section->at,
				  .help = section->help,
				  .fields = section->fields };
}

const void *settings_of(const struct settings *s, const struct settings_section *section)
{
	assert(section->at);
	return (const uint8_t *)s + section->at;
}

void sections_check(const struct check *c)
{
	for (const struct settings_section *s = g_sections; s; s = s->next) {
		if (s->check)
			s->check(c, settings_of(c->s, s));
	}
}

/* The node itself, and what it works with: Redis, other nodes, names, browsers, certificates. */

/* As appendfsync of redis.conf. */
const char *const g_settings_fsync[] = { "everysec", "always", "no", NULL };

/* In the order of enum tls_client_certificates. */
static const char *const g_client_names[] = { "none", "optional", "required", NULL };

const struct conf_field g_node_fields[] = {
	SETTING("name", NULL, "Name of this node, unique in the cluster.",
		TEXT(settings_node, name), .required = true, .at_start = true),
	SETTING("shard", NULL,
		"Number of the shard this node runs, unique in the cluster. Call ids begin with "
		"it.",
		U32(settings_node, shard, 1, 65535), .required = true, .at_start = true),
	SETTING("shards", NULL,
		"Numbers of further shards that this node runs beside node.shard. Each has a "
		"lease and calls of its own: another node can take one of them, and the others "
		"go on here. A new call goes to the shard of the network it comes to "
		"(networks[].shard), else to one by its Call-ID. Without it: node.shard alone, "
		"which serves a node best.",
		U32S(settings_node, shards, shards_count, 1, 65535), .at_start = true),
	SETTING("state_dir", NULL,
		"Folder of the lock, the identity of the node (made at the first start: never "
		"copy it), the keys, the certificate of media (dtls.pem, which "
		"browsers see in DTLS; made at the first start), the spool and the node's own "
		"Redis; an absolute path.",
		TEXT(settings_node, state_dir), .required = true, .at_start = true),
	SETTING("drain_time", "5s",
		"After SIGTERM: for so long the node takes no new calls and waits for those it "
		"has, then it stops and its next start continues them. It stops earlier when "
		"none is left, at once on another SIGTERM, and on SIGINT, which systemctl "
		"restart sends: at once where no other node can have its calls. Let "
		"TimeoutStopSec= of the unit be 20s longer.",
		DURATION(settings_node, drain_time, 0, SECONDS(3600))),
	{ .key = NULL },
};

static const struct conf_field g_certificate_fields[] = {
	SETTING("certificate", NULL, "PEM file of the certificate and its chain.",
		TEXT(tls_files, certificate), .required = true),
	SETTING("key", NULL, "PEM file of its key.", TEXT(tls_files, key), .required = true),
	{ .key = NULL },
};

const struct conf_field g_tls_fields[] = {
	SETTING("certificate", NULL,
		"PEM file of the node's certificate and its chain. Without it: tls/node.pem in "
		"state_dir, which tandemctl init makes. SIGHUP reads the files again.",
		TEXT(settings_tls, own.certificate)),
	SETTING("key", NULL, "PEM file of its key. Without it: tls/node.key in state_dir.",
		TEXT(settings_tls, own.key)),
	SETTING("ca", NULL,
		"PEM file of the authorities that are trusted for certificates of servers that the "
		"node calls, and of clients. Without it: tls/ca.pem in state_dir, or the system's "
		"where certificate is given.",
		TEXT(settings_tls, ca)),
	SETTING("client_certificates", "none",
		"Whether phones, browsers over WSS and HTTPS clients must show a certificate; "
		"optional: one that is shown must be valid.",
		WORD(settings_tls, client_certificates, g_client_names)),
	SETTING("certificates", NULL,
		"Further ones: a client that asks for a name in one of them (SNI) gets that one.",
		MAPS(settings_tls, certificates, certificate_count, g_certificate_fields)),
	{ .key = NULL },
};

const struct conf_field g_dns_fields[] = {
	SETTING("servers", NULL,
		"Name servers, at most three, as 192.0.2.53 or [2001:db8::53]:5353. They must "
		"answer for all names (recursion); the one that answered last is asked first. "
		"Without it: the nameserver lines of /etc/resolv.conf, which is read again when "
		"it has changed. /etc/hosts and search lists are not used.",
		TEXTS(settings_dns, servers, server_count)),
	{ .key = NULL },
};

const struct conf_field g_redis_fields[] = {
	SETTING("url", NULL,
		"unix:/path or redis://[user:password@]host:port[/db], with rediss:// for TLS; or "
		"sentinel://[user:password@]host:port,.../primary[?sentinel=user:password], where "
		"these Sentinels (at most seven) say which server is that primary, with "
		"sentinels:// for TLS to both; or redis+cluster://[user:password@]host:port, with "
		"rediss+cluster:// for TLS, for any server of a Redis Cluster: the node asks it "
		"for the others. Without it the node runs its own server in state_dir.",
		TEXT(settings_redis, place.url), .at_start = true),
	SETTING("ca", NULL,
		"With rediss://, sentinels:// or rediss+cluster://: PEM file of the authorities "
		"that may have signed Redis' certificate, which must be for the host of url. "
		"Without it: those of the system. The files are read again with each new "
		"connection.",
		TEXT(settings_redis, place.ca), .at_start = true),
	SETTING("certificate", NULL,
		"With rediss://, sentinels:// or rediss+cluster://: PEM file of the certificate, "
		"with its chain, that is shown to Redis. Without it: none.",
		TEXT(settings_redis, place.certificate), .at_start = true),
	SETTING("key", NULL, "PEM file of its key.", TEXT(settings_redis, place.key),
		.at_start = true),
	SETTING("fsync", "everysec",
		"When the node's own server asks the disk to keep what it has: everysec (a loss of "
		"power takes the last second or two), always (before a save is acknowledged: it "
		"takes nothing, and each save waits for the disk, for which deadline must leave "
		"time), no (when the kernel likes, half a minute or so). A server that url names "
		"has its own appendfsync.",
		WORD(settings_redis, fsync, g_settings_fsync)),
	SETTING("deadline", "50ms",
		"A save that takes longer is no longer waited for, and the node is degraded "
		"until it is.",
		DURATION(settings_redis, deadline, NS_PER_MS, SECONDS(10)), .at_start = true),
	SETTING("save_calls", "true",
		"false: calls live in this process alone, and its end ends them: no start "
		"continues them, and phones hear nothing of it. Their call records are written "
		"all the same, when they end. Registrations and documents are saved as ever. Not "
		"with cluster.listen. Change it while the node has no calls: those that are "
		"saved already go on as they were then.",
		FLAG(settings_redis, save_calls), .at_start = true),
	SETTING("save_replicas", "0",
		"How many replicas must have a save of a call, or its call record, before the node "
		"goes on with the call (WAIT): then a loss of the primary and the node together "
		"loses none. Name as many as may be promoted. Replicas that are slow or away are "
		"waited for half of deadline, once a second. Needs url.",
		U32(settings_redis, save_replicas, 0, 8), .at_start = true),
	{ .key = NULL },
};

const struct conf_field g_cluster_fields[] = {
	SETTING("listen", NULL,
		"Address of this machine and port, of UDP and TCP, for messages between nodes, "
		"such as 192.0.2.10:7946. They are sealed with a key of the file keys. Needs "
		"redis.url: all nodes share one Redis. Without it the node takes part in no "
		"cluster.",
		ADDRESS(settings_cluster, listen), .at_start = true),
	SETTING("lease", "1s",
		"How long the lease of a shard lasts without being renewed, the same on all "
		"nodes. After somewhat more others may claim the shard.",
		DURATION(settings_cluster, lease, 300 * NS_PER_MS, SECONDS(10)), .at_start = true),
	SETTING("replicas", "0",
		"How many servers may take the place of the one at redis.url: its replicas. A "
		"renewal of a lease counts when so many of them have it (WAIT), else what other "
		"nodes have acked. The same on all nodes. 0 where Redis is one server. "
		"Not asked of Redis Cluster: there acks alone count.",
		U32(settings_cluster, replicas, 0, 8), .at_start = true),
	SETTING("shards", NULL,
		"Shards of other nodes that this one may take although it does not get their "
		"addresses: it asks the parties of their calls to come to its own, by "
		"re-INVITE. Those of floating networks are taken anyhow.",
		U32S(settings_cluster, shards, shards_count, 1, 65535), .at_start = true),
	SETTING("address_hook", NULL,
		"Program that is told which floating addresses come to this machine and which go, "
		"for clouds and routers: run as PROGRAM add, or delete, ADDRESS PREFIX SHARD NODE, "
		"without a shell and without privileges, killed after 5 s. An absolute path, of a "
		"file that nobody but root and the node's user may write: docs/guides/cluster.md.",
		TEXT(settings_cluster, address_hook), .at_start = true),
	SETTING("failback", "true",
		"Whether the node asks for its own shards when it is ready and another node has "
		"them. false: they stay there until shard.take, a drain, or that node's end.",
		FLAG(settings_cluster, failback)),
	{ .key = NULL },
};

const struct conf_field g_http_fields[] = {
	SETTING("bind", "127.0.0.1",
		"Address of /metrics, /healthz and /readyz, which need no password, and of "
		"phones in browsers: keep the former private.",
		ADDRESS(settings_http, bind), .at_start = true),
	SETTING("port", "8080", "TCP port; 0: no HTTP.", U32(settings_http, port, 0, 65535),
		.at_start = true),
	SETTING("health_bind", "127.0.0.1", "Address of http.health_port.",
		ADDRESS(settings_http, health_bind), .at_start = true),
	SETTING("health_port", "0",
		"TCP port of a listener of its own for /metrics, /healthz and /readyz, without "
		"TLS: whatever comes to http.port, they answer. http.port then has browsers "
		"alone. 0: they are on http.port.",
		U32(settings_http, health_port, 0, 65535), .at_start = true),
	SETTING("tls", "false",
		"true: HTTPS and WSS, with the certificates of tls. Browsers want it anywhere "
		"but on their own machine.",
		FLAG(settings_http, tls), .at_start = true),
	SETTING("sip", "true", "SIP over WebSocket (RFC 7118) on the path /ws.",
		FLAG(settings_http, sip), .at_start = true),
	SETTING("origins", NULL,
		"Origins of pages that may open WebSockets, such as \"https://phone.example.org\"; "
		"\"*\": all. Without it: pages of the very host and port they connect to, and "
		"without TLS only where that is an address or localhost. Clients that are no "
		"browsers name no origin: that is no reason to refuse them.",
		TEXTS(settings_http, origins, origin_count)),
	SETTING("cors_origins", NULL,
		"Origins of pages that may use the HTTP API (CORS), such as "
		"\"https://crm.example.org\"; \"*\": all. Without it: no pages of other hosts.",
		TEXTS(settings_http, cors_origins, cors_origin_count)),
	SETTING("requests_per_token", "0",
		"Requests of the HTTP API of one token a second, and twice as many at once; what "
		"is more is answered 429. 0: no limit.",
		U32(settings_http, requests_per_token, 0, 1000000)),
	SETTING("requests_per_source", "0",
		"As requests_per_token, of one address (IPv6: one /64) with all its tokens.",
		U32(settings_http, requests_per_source, 0, 1000000)),
	SETTING("swagger_ui", "/usr/share/tandem/swagger-ui",
		"Folder with swagger-ui.css and swagger-ui-bundle.js of the npm package "
		"swagger-ui-dist, of which /v1/docs is made. Without them that page says so, and "
		"/v1/openapi.json is there all the same.",
		TEXT(settings_http, swagger_ui), .at_start = true),
	SETTING("pages", "/usr/share/tandem/pages",
		"Folder with the web pages, as web/build.mjs makes it; pages in node.state_dir "
		"comes "
		"before it where that is there. Another bundle in its place counts at once.",
		TEXT(settings_http, pages), .at_start = true),
	{ .key = NULL },
};

const struct conf_field g_login_fields[] = {
	SETTING("issuer", NULL,
		"The provider, as it names itself: https://id.example.org/realms/office. Without "
		"it nobody logs in so.",
		TEXT(settings_login, issuer)),
	SETTING("client_id", NULL, "Name of this node's client there.",
		TEXT(settings_login, client_id)),
	SETTING("secret_file", NULL,
		"File with the client's secret in the first line; others than the node's user may "
		"not read it (chmod 600). Without it the client is public: PKCE alone proves it.",
		TEXT(settings_login, secret_file)),
	SETTING("ca", NULL,
		"File of certificates that the provider's is checked by. Without it "
		"those of the machine.",
		TEXT(settings_login, ca)),
	SETTING("redirect", NULL,
		"Where the provider sends the browser back: a page of yours that asks "
		"/v1/login/callback with the query it got, or that path itself.",
		TEXT(settings_login, redirect)),
	SETTING("scope", "openid profile", "What is asked for; openid is one of it.",
		TEXT(settings_login, scope)),
	SETTING("role_claim", "groups",
		"Claim of the ID token, a text or a list, that roles follow from; a path such as "
		"realm_access.roles is one, too.",
		TEXT(settings_login, role_claim)),
	SETTING("roles", NULL,
		"Role of each value of the claim, as VALUE=ROLE: tandem-admins=admin. The highest "
		"counts; a user without one is refused. reader, application, admin, operator.",
		TEXTS(settings_login, roles, role_count)),
	SETTING("tenant_claim", NULL,
		"Claim that names the tenant of users who are no operators. Without it: the tenant "
		"default.",
		TEXT(settings_login, tenant_claim)),
	SETTING("number_claim", NULL,
		"Claim with the extension of a user, who has a session then, as by its password, "
		"whatever the roles. Without it users log in by password alone.",
		TEXT(settings_login, number_claim)),
	SETTING("user_redirect", NULL,
		"Where the provider sends the browser of a user back: /login of a node, as "
		"https://pbx.example.org/login, for the softphone in a CRM and the web client.",
		TEXT(settings_login, user_redirect)),
	SETTING("session", "1h", "How long the token of a login is good.",
		DURATION(settings_login, session_ns, SECONDS(60), SECONDS(86400))),
	{ .key = NULL },
};

const struct conf_field g_mail_fields[] = {
	SETTING("url", NULL,
		"The server that takes mails: smtp://mail.example.org:587, or smtps://. Without it "
		"none is sent.",
		TEXT(settings_mail, url)),
	SETTING("from", NULL, "The address that mails come from.", TEXT(settings_mail, from)),
	SETTING("user", NULL, "User name at the server. Without it the node does not log in.",
		TEXT(settings_mail, user)),
	SETTING("password_file", NULL,
		"File with the password in the first line; others than the node's user may not "
		"read it (chmod 600).",
		TEXT(settings_mail, password_file)),
	SETTING("ca", NULL,
		"File of certificates that the server's is checked by. Without it those of the "
		"machine.",
		TEXT(settings_mail, ca)),
	SETTING("starttls", "true",
		"TLS is begun before anything is said over smtp://, or the mail waits. false: all "
		"goes in plain; with user to this machine alone.",
		FLAG(settings_mail, starttls)),
	SETTING("retry", "5s",
		"The pause before a mail is tried again, doubled each time up to an hour. A "
		"transcription is tried so three times.",
		DURATION(settings_mail, retry, SECONDS(1), SECONDS(3600))),
	SETTING("give_up", "604800s",
		"A mail that was not taken for so long is given up: it is a dead letter.",
		DURATION(settings_mail, give_up, SECONDS(1), SECONDS(2592000))),
	{ .key = NULL },
};

const struct conf_field g_archive_fields[] = {
	SETTING("enabled", "true",
		"false: the process does not run, history.list and its like are refused, and "
		"nothing is kept but what Redis has.",
		FLAG(settings_archive, enabled)),
	SETTING("url", NULL,
		"postgresql://user:password@host/database, with further parameters of libpq, such "
		"as ?sslmode=verify-full: one database for all nodes. Without it: SQLite, in the "
		"folder archive of state_dir.",
		TEXT(settings_archive, url)),
	SETTING("stream_max", "300000",
		"So many entries of a stream wait in Redis for the archive at most: events of a "
		"tenant, of which 100,000 are kept otherwise, its audit (10,000), and call records "
		"of a shard (1,000,000: no fewer). The same on all nodes.",
		U32(settings_archive, stream_max, 10000, 100000000)),
	{ .key = NULL },
};

const struct conf_field g_transcription_fields[] = {
	SETTING("url", NULL,
		"A web server that is sent a message as file (POST of multipart/form-data), and "
		"answers with text, as JSON: audio/transcriptions of OpenAI's API, which Whisper "
		"servers have, too. Without it nothing is written down.",
		TEXT(settings_transcription, url)),
	SETTING("key_file", NULL,
		"File with the key that it wants in the first line (Authorization: Bearer); others "
		"than the node's user may not read it (chmod 600).",
		TEXT(settings_transcription, key_file)),
	SETTING("ca", NULL,
		"File of certificates that the server's is checked by. Without it those of the "
		"machine.",
		TEXT(settings_transcription, ca)),
	SETTING("model", NULL, "The model that is asked for. Without it: the server's own.",
		TEXT(settings_transcription, model)),
	{ .key = NULL },
};

/* What the node tells of itself and of calls. */

/* In the order of enum log_format. */
static const char *const g_format_names[] = { "text", "json", NULL };

const struct conf_field g_log_fields[] = {
	SETTING("level", "info", "Least level that is written.",
		WORD(settings_log, level, g_log_levels)),
	SETTING("format", "text", "text: key=value; json: one object a line.",
		WORD(settings_log, format, g_format_names)),
	{ .key = NULL },
};

const struct conf_field g_trace_fields[] = {
	SETTING("decrypted", "false",
		"Whether a trace may show what is encrypted on the wire: media of SRTP in clear, "
		"and its keys. Anybody who may command the node can then listen to calls.",
		FLAG(settings_trace, decrypted)),
	SETTING("quota_mib", "256",
		"Most MiB of all traces, with what those under way may come to.",
		U32(settings_trace, quota_mib, 1, 1048576)),
	SETTING("files", "32", "Most traces kept.", U32(settings_trace, files, 1, 1000)),
	SETTING("keep", "86400s", "Older ones are deleted.",
		DURATION(settings_trace, keep, SECONDS(3600), SECONDS(31536000))),
	SETTING("recent_kib", "4096",
		"KiB of memory for the newest SIP messages, which sip.recent shows and traces "
		"begin with; a message takes about one. 0: none are kept.",
		U32(settings_trace, recent_kib, 0, 1048576)),
	{ .key = NULL },
};

const struct conf_field g_hep_fields[] = {
	SETTING("collector", NULL,
		"Address and UDP port, such as 192.0.2.7:9060. Without it nothing is "
		"exported. What goes there is not encrypted: keep the way private.",
		ADDRESS(settings_hep, collector)),
	SETTING("capture_id", "2001", "Number of this node among those that export.",
		U32(settings_hep, capture_id, 1, 4294967295)),
	SETTING("password", NULL,
		"Goes along in clear with each copy, for collectors that want one.",
		TEXT(settings_hep, password)),
	{ .key = NULL },
};
