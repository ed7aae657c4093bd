/* SPDX-License-Identifier: Apache-2.0 */
/* The sections, in the order of docs/config.md. Their rows are here, in settings_schema_sip.c, settings_networks.c and settings_recordings.c. */
#include "app/settings/settings_schema.h"

const struct conf_field g_settings_fields[] = {
	{ .key = "node",
	  MAP(settings, node, g_node_fields),
	  .required = true,
	  .help = "Who this node is." },
	{ .key = "networks",
	  MAPS(settings, networks, network_count, g_network_fields),
	  .required = true,
	  .at_start = true,
	  .help = "Addresses that phones and carriers reach; at least one." },
	{ .key = "sip", MAP(settings, sip, g_sip_fields), .help = "Signalling." },
	{ .key = "codes",
	  MAP(settings, codes, g_codes_fields),
	  .help = "Feature codes: what the phone of an extension dials to change its own "
		  "settings, as extension.put does. It hears the confirmation tone when they are "
		  "saved, the information tone when they are refused, congestion when they cannot "
		  "be saved; then the node hangs up. Each begins with * or #, in quotes; \"off\": "
		  "there is none. An extension with such a number is called all the same." },
	{ .key = "call_codes",
	  MAP(settings, call_codes, g_call_codes_fields),
	  .help = "In-call feature codes: what the party of an extension with record=on_demand "
		  "presses while it speaks with another one. The other party hears nothing of "
		  "a code. Each begins with * or #, in quotes, and has 2 to 8 digits; \"off\": "
		  "there "
		  "is none, as at first. The dial plan of a tenant may have others." },
	{ .key = "tls",
	  MAP(settings, tls, g_tls_fields),
	  .help = "Certificates of SIP over TLS and of HTTPS." },
	{ .key = "media", MAP(settings, media, g_media_fields), .help = "Packets." },
	{ .key = "dns",
	  MAP(settings, dns, g_dns_fields),
	  .help = "Where names are looked up (RFC 3263) that trusted senders register." },
	{ .key = "redis",
	  MAP(settings, redis, g_redis_fields),
	  .help = "Where calls and registrations are kept." },
	{ .key = "cluster",
	  MAP(settings, cluster, g_cluster_fields),
	  .help = "Nodes that take each other's shards, with one Redis and the same file keys. "
		  "On its way: see docs/guides/cluster.md." },
	{ .key = "http",
	  MAP(settings, http, g_http_fields),
	  .help = "Health, metrics, phones in browsers." },
	{ .key = "log",
	  MAP(settings, log, g_log_fields),
	  .help = "What is written to standard error." },
	{ .key = "limits",
	  MAP(settings, limits, g_limits_fields),
	  .help = "Capacities. Memory is reserved for them at start and used as it is needed." },
	{ .key = "quotas",
	  MAP(settings, quotas, g_quotas_fields),
	  .help = "How much of the node one party may have; 0 is no quota of its own. An extension "
		  "that has had enough hears 486, others 503, each with Retry-After and a Warning. "
		  "BYE and emergency numbers are never refused so." },
	{ .key = "trace",
	  MAP(settings, trace, g_trace_fields),
	  .help = "Traces of calls, in the folder trace of state_dir." },
	{ .key = "hep",
	  MAP(settings, hep, g_hep_fields),
	  .help = "Copies of SIP messages and RTCP to a collector (HEP version 3)." },
	{ .key = "recordings",
	  MAP(settings, recordings, g_recordings_fields),
	  .help = "What becomes of recordings of calls: a process of its own, tandem-store, brings "
		  "them to destinations, and deletes them." },
	{ .key = "siprec",
	  MAP(settings, siprec, g_siprec_fields),
	  .help = "An external recorder (guides/siprec.md)." },
	{ .key = "live",
	  MAP(settings, live, g_live_fields),
	  .help = "Live sound between parties and applications, over WebSockets "
		  "(guides/live-audio.md)." },
	{ .key = "conferences",
	  MAP(settings, conferences, g_conferences_fields),
	  .help = "Conferences of calls." },
	{ .key = "ivr",
	  MAP(settings, ivr, g_ivr_fields),
	  .help = "What applications may ask callers for (guides/application.md)." },
	{ .key = NULL },
};

/* The node itself, and what it works with: Redis, other nodes, names, browsers, certificates. */

/* As appendfsync of redis.conf. */
const char *const g_settings_fsync[] = { "everysec", "always", "no", NULL };

/* In the order of enum tls_client_certificates. */
static const char *const g_client_names[] = { "none", "optional", "required", NULL };

const struct conf_field g_node_fields[] = {
	{ .key = "name",
	  TEXT(settings_node, name),
	  .required = true,
	  .at_start = true,
	  .help = "Name of this node, unique in the cluster." },
	{ .key = "shard",
	  U32(settings_node, shard, 1, 65535),
	  .required = true,
	  .at_start = true,
	  .help = "Number of the shard this node runs, unique in the cluster. Call ids begin with "
		  "it." },
	{ .key = "shards",
	  U32S(settings_node, shards, shards_count, 1, 65535),
	  .at_start = true,
	  .help = "Numbers of further shards that this node runs beside node.shard. Each has a "
		  "lease and calls of its own: another node can take one of them, and the others "
		  "go on here. A new call goes to the shard of the network it comes to "
		  "(networks[].shard), else to one by its Call-ID. Without it: node.shard alone, "
		  "which serves a node best." },
	{ .key = "state_dir",
	  TEXT(settings_node, state_dir),
	  .required = true,
	  .at_start = true,
	  .help = "Folder of the lock, the identity of the node (made at the first start: never "
		  "copy it), the keys, the certificate of media (dtls.pem, which "
		  "browsers see in DTLS; made at the first start), the spool and the node's own "
		  "Redis; an absolute path." },
	{ .key = "drain_time",
	  DURATION(settings_node, drain_time, 0, SECONDS(3600)),
	  .preset = "5s",
	  .help = "After SIGTERM: for so long the node takes no new calls and waits for those it "
		  "has, then it stops and its next start continues them. It stops earlier when "
		  "none is left, at once on another SIGTERM, and on SIGINT, which systemctl "
		  "restart sends: at once where no other node can have its calls. Let "
		  "TimeoutStopSec= of the unit be 20s longer." },
	{ .key = NULL },
};

static const struct conf_field g_certificate_fields[] = {
	{ .key = "certificate",
	  TEXT(tls_files, certificate),
	  .required = true,
	  .help = "PEM file of the certificate and its chain." },
	{ .key = "key", TEXT(tls_files, key), .required = true, .help = "PEM file of its key." },
	{ .key = NULL },
};

const struct conf_field g_tls_fields[] = {
	{ .key = "certificate",
	  TEXT(settings_tls, own.certificate),
	  .help = "PEM file of the node's certificate and its chain. Without it: tls/node.pem in "
		  "state_dir, which tandemctl init makes. SIGHUP reads the files again." },
	{ .key = "key",
	  TEXT(settings_tls, own.key),
	  .help = "PEM file of its key. Without it: tls/node.key in state_dir." },
	{ .key = "ca",
	  TEXT(settings_tls, ca),
	  .help = "PEM file of those whose certificates are believed, of whom the node calls and "
		  "of clients. Without it: tls/ca.pem in state_dir, or the system's where "
		  "certificate is given." },
	{ .key = "client_certificates",
	  WORD(settings_tls, client_certificates, g_client_names),
	  .preset = "none",
	  .help = "Whether phones must show a certificate, browsers over WSS and whoever asks "
		  "HTTPS "
		  "as well; optional: one that is shown must be "
		  "good." },
	{ .key = "certificates",
	  MAPS(settings_tls, certificates, certificate_count, g_certificate_fields),
	  .help = "Further ones: whoever asks for a name in one of them (SNI) gets that one." },
	{ .key = NULL },
};

const struct conf_field g_dns_fields[] = {
	{ .key = "servers",
	  TEXTS(settings_dns, servers, server_count),
	  .help = "Name servers, at most three, as 192.0.2.53 or [2001:db8::53]:5353. They must "
		  "answer for all names (recursion); the one that answered last is asked first. "
		  "Without it: the nameserver lines of /etc/resolv.conf, which is read again when "
		  "it has changed. /etc/hosts and search lists are not used." },
	{ .key = NULL },
};

const struct conf_field g_redis_fields[] = {
	{ .key = "url",
	  TEXT(settings_redis, place.url),
	  .at_start = true,
	  .help = "unix:/path or redis://[user:password@]host:port[/db], with rediss:// for TLS; "
		  "or "
		  "sentinel://[user:password@]host:port,.../primary[?sentinel=user:password], "
		  "where "
		  "these Sentinels (at most seven) say which server is that primary, with "
		  "sentinels:// for TLS to both; or redis+cluster://[user:password@]host:port, "
		  "with rediss+cluster:// for TLS, for any server of a Redis Cluster: the node "
		  "asks it for the others. Without it the node runs its own server in "
		  "state_dir." },
	{ .key = "ca",
	  TEXT(settings_redis, place.ca),
	  .at_start = true,
	  .help = "With rediss://, sentinels:// or rediss+cluster://: PEM file of the authorities "
		  "that may have "
		  "signed Redis' "
		  "certificate, which must be for the host of url. Without it: those of the "
		  "system. The files are read again with each new connection." },
	{ .key = "certificate",
	  TEXT(settings_redis, place.certificate),
	  .at_start = true,
	  .help = "With rediss://, sentinels:// or rediss+cluster://: PEM file of the certificate, "
		  "with its chain, "
		  "that is shown to "
		  "Redis. Without it: none." },
	{ .key = "key",
	  TEXT(settings_redis, place.key),
	  .at_start = true,
	  .help = "PEM file of its key." },
	{ .key = "fsync",
	  WORD(settings_redis, fsync, g_settings_fsync),
	  .preset = "everysec",
	  .help = "When the node's own server asks the disk to keep what it has: everysec (a loss "
		  "of "
		  "power takes the last second or two), always (before a save is acknowledged: it "
		  "takes nothing, and each save waits for the disk, for which deadline must leave "
		  "time), no (when the kernel likes, half a minute or so). A server that url names "
		  "has its own appendfsync." },
	{ .key = "deadline",
	  DURATION(settings_redis, deadline, NS_PER_MS, SECONDS(10)),
	  .preset = "50ms",
	  .at_start = true,
	  .help = "A save that takes longer is no longer waited for, and the node is degraded "
		  "until it is." },
	{ .key = "save_calls",
	  FLAG(settings_redis, save_calls),
	  .preset = "true",
	  .at_start = true,
	  .help = "false: calls live in this process alone, and its end ends them: no start "
		  "continues them, and phones hear nothing of it. Their call records are written "
		  "all the same, when they end. Registrations and documents are saved as ever. Not "
		  "with cluster.listen. Change it while the node has no calls: those that are "
		  "saved already go on as they were then." },
	{ .key = "save_replicas",
	  U32(settings_redis, save_replicas, 0, 8),
	  .preset = "0",
	  .at_start = true,
	  .help = "So many replicas have a save of a call, or its call record, before the node "
		  "goes on with the call (WAIT): then a loss of the primary and the node "
		  "together takes none. Name as many as may be promoted. Replicas that are slow "
		  "or away are waited for half of deadline, once a second. Needs url." },
	{ .key = NULL },
};

const struct conf_field g_cluster_fields[] = {
	{ .key = "listen",
	  ADDRESS(settings_cluster, listen),
	  .at_start = true,
	  .help = "Address of this machine and port, of UDP and TCP, for messages between "
		  "nodes, such as 192.0.2.10:7946. They are sealed with a key of the file keys. "
		  "Needs redis.url: "
		  "all "
		  "nodes share one Redis. Without it the node takes part in no cluster." },
	{ .key = "lease",
	  DURATION(settings_cluster, lease, 300 * NS_PER_MS, SECONDS(10)),
	  .preset = "1s",
	  .at_start = true,
	  .help = "How long the lease of a shard lasts without being renewed, the same on all "
		  "nodes. After somewhat more others may claim the shard." },
	{ .key = "replicas",
	  U32(settings_cluster, replicas, 0, 8),
	  .preset = "0",
	  .at_start = true,
	  .help = "How many servers may take the place of the one at redis.url: its replicas. A "
		  "renewal of a lease counts when so many of them have it (WAIT), else what other "
		  "nodes have acked. The same on all nodes. 0 where Redis is one server. "
		  "Not asked of Redis Cluster: there acks alone count." },
	{ .key = "shards",
	  U32S(settings_cluster, shards, shards_count, 1, 65535),
	  .at_start = true,
	  .help = "Shards of other nodes that this one may take although it does not get their "
		  "addresses: it asks the parties of their calls to come to its own, by "
		  "re-INVITE. Those of floating networks are taken anyhow." },
	{ .key = "address_hook",
	  TEXT(settings_cluster, address_hook),
	  .at_start = true,
	  .help = "Program that hears which floating addresses come to this machine and which go, "
		  "for clouds and routers: run as PROGRAM add, or delete, ADDRESS PREFIX SHARD "
		  "NODE, "
		  "without a shell and without privileges, killed after 5 s. An absolute path, of "
		  "a file that nobody but root and the node's user may write: "
		  "docs/guides/cluster.md." },
	{ .key = "failback",
	  FLAG(settings_cluster, failback),
	  .preset = "true",
	  .help = "Whether the node asks for its own shards when it is ready and another node has "
		  "them. false: they stay there until shard.take, a drain, or that node's end." },
	{ .key = NULL },
};

const struct conf_field g_http_fields[] = {
	{ .key = "bind",
	  ADDRESS(settings_http, bind),
	  .preset = "127.0.0.1",
	  .at_start = true,
	  .help = "Address of /metrics, /healthz and /readyz, which need no password, and of "
		  "phones in browsers: keep the former private." },
	{ .key = "port",
	  U32(settings_http, port, 0, 65535),
	  .preset = "8080",
	  .at_start = true,
	  .help = "TCP port; 0: no HTTP." },
	{ .key = "health_bind",
	  ADDRESS(settings_http, health_bind),
	  .preset = "127.0.0.1",
	  .at_start = true,
	  .help = "Address of http.health_port." },
	{ .key = "health_port",
	  U32(settings_http, health_port, 0, 65535),
	  .preset = "0",
	  .at_start = true,
	  .help = "TCP port of a listener of its own for /metrics, /healthz and /readyz, without "
		  "TLS: whatever comes to http.port, they answer. http.port then has browsers "
		  "alone. 0: they are on http.port." },
	{ .key = "tls",
	  FLAG(settings_http, tls),
	  .preset = "false",
	  .at_start = true,
	  .help = "true: HTTPS and WSS, with the certificates of tls. Browsers want it anywhere "
		  "but on their own machine." },
	{ .key = "sip",
	  FLAG(settings_http, sip),
	  .preset = "true",
	  .at_start = true,
	  .help = "SIP over WebSocket (RFC 7118) on the path /ws." },
	{ .key = "origins",
	  TEXTS(settings_http, origins, origin_count),
	  .help = "Whose pages may open WebSockets, such as \"https://phone.example.org\"; "
		  "\"*\": all. Without it: pages of the very host and port they connect to, and "
		  "without TLS only where that is an address or localhost. Clients that are no "
		  "browsers name no origin: that is no reason to refuse them." },
	{ .key = NULL },
};

/* What the node tells of itself and of calls. */

/* In the order of enum log_format. */
static const char *const g_format_names[] = { "text", "json", NULL };

const struct conf_field g_log_fields[] = {
	{ .key = "level",
	  WORD(settings_log, level, g_log_levels),
	  .preset = "info",
	  .help = "Least level that is written." },
	{ .key = "format",
	  WORD(settings_log, format, g_format_names),
	  .preset = "text",
	  .help = "text: key=value; json: one object a line." },
	{ .key = NULL },
};

const struct conf_field g_trace_fields[] = {
	{ .key = "decrypted",
	  FLAG(settings_trace, decrypted),
	  .preset = "false",
	  .help = "Whether a trace may show what is encrypted on the wire: media of SRTP in clear, "
		  "and its keys. Whoever may command the node can then listen to calls." },
	{ .key = "quota_mib",
	  U32(settings_trace, quota_mib, 1, 1048576),
	  .preset = "256",
	  .help = "Most MiB of all traces, with what those under way may come to." },
	{ .key = "files",
	  U32(settings_trace, files, 1, 1000),
	  .preset = "32",
	  .help = "Most traces kept." },
	{ .key = "keep",
	  DURATION(settings_trace, keep, SECONDS(3600), SECONDS(31536000)),
	  .preset = "86400s",
	  .help = "Older ones are deleted." },
	{ .key = "recent_kib",
	  U32(settings_trace, recent_kib, 0, 1048576),
	  .preset = "4096",
	  .help = "KiB of memory for the newest SIP messages, which sip.recent shows and traces "
		  "begin "
		  "with; a message takes about one. 0: none are kept." },
	{ .key = NULL },
};

const struct conf_field g_hep_fields[] = {
	{ .key = "collector",
	  ADDRESS(settings_hep, collector),
	  .help = "Address and UDP port, such as 192.0.2.7:9060. Without it nothing is "
		  "exported. What goes there is not encrypted: keep the way private." },
	{ .key = "capture_id",
	  U32(settings_hep, capture_id, 1, 4294967295),
	  .preset = "2001",
	  .help = "Number of this node among those that export." },
	{ .key = "password",
	  TEXT(settings_hep, password),
	  .help = "Goes along in clear with each copy, for collectors that want one." },
	{ .key = NULL },
};
