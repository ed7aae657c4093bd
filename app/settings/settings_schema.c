/* SPDX-License-Identifier: Apache-2.0 */
/* The sections, in the order of docs/config.md. Their rows are in settings_schema_*.c. */
#include "app/settings/settings_schema.h"

#define SECTION(member, children) .type = CONF_MAP, FIELD(settings, member), .fields = (children)

const struct conf_field g_settings_fields[] = {
	{ .key = "node",
	  SECTION(node, g_node_fields),
	  .required = true,
	  .help = "Who this node is." },
	{ .key = "networks",
	  .type = CONF_LIST,
	  FIELD(settings, networks),
	  .fields = g_network_fields,
	  .size = sizeof(struct settings_network),
	  .count_offset = offsetof(struct settings, network_count),
	  .max_items = SHARD_NETWORKS_MAX,
	  .required = true,
	  .at_start = true,
	  .help = "Addresses that phones and carriers reach; at least one." },
	{ .key = "sip", SECTION(sip, g_sip_fields), .help = "Signalling." },
	{ .key = "codes",
	  SECTION(codes, g_codes_fields),
	  .help = "Feature codes: what the phone of an extension dials to change its own "
		  "settings, as extension.put does. It hears the confirmation tone when they are "
		  "saved, the information tone when they are refused, congestion when they cannot "
		  "be saved; then the node hangs up. Each begins with * or #, in quotes; \"off\": "
		  "there is none. An extension with such a number is called all the same." },
	{ .key = "call_codes",
	  SECTION(call_codes, g_call_codes_fields),
	  .help = "In-call feature codes: what the party of an extension with record=on_demand "
		  "presses while it speaks with another one. The other party hears nothing of "
		  "a code. Each begins with * or #, in quotes, and has 2 to 8 keys; \"off\": there "
		  "is none, as at first. The dial plan of a tenant may have others." },
	{ .key = "tls",
	  SECTION(tls, g_tls_fields),
	  .help = "Certificates of SIP over TLS and of HTTPS." },
	{ .key = "media", SECTION(media, g_media_fields), .help = "Packets." },
	{ .key = "dns",
	  SECTION(dns, g_dns_fields),
	  .help = "Where names are looked up (RFC 3263) that trusted senders register." },
	{ .key = "redis",
	  SECTION(redis, g_redis_fields),
	  .help = "Where calls and registrations are kept." },
	{ .key = "cluster",
	  SECTION(cluster, g_cluster_fields),
	  .help = "Nodes that take each other's shards, with one Redis and the same file keys. "
		  "On its way: see docs/guides/cluster.md." },
	{ .key = "http",
	  SECTION(http, g_http_fields),
	  .help = "Health, metrics, phones in browsers." },
	{ .key = "log", SECTION(log, g_log_fields), .help = "What is written to standard error." },
	{ .key = "limits",
	  SECTION(limits, g_limits_fields),
	  .help = "Capacities. Memory is reserved for them at start and used as it is needed." },
	{ .key = "quotas",
	  SECTION(quotas, g_quotas_fields),
	  .help = "How much of the node one party may have; 0 is no quota of its own. An extension "
		  "that has had enough hears 486, others 503, each with Retry-After and a Warning. "
		  "BYE and emergency numbers are never refused so." },
	{ .key = "trace",
	  SECTION(trace, g_trace_fields),
	  .help = "Traces of calls, in the folder trace of state_dir." },
	{ .key = "hep",
	  SECTION(hep, g_hep_fields),
	  .help = "Copies of SIP messages and RTCP to a collector (HEP version 3)." },
	{ .key = "recordings",
	  SECTION(recordings, g_recordings_fields),
	  .help = "What becomes of recordings of calls: a process of its own, tandem-store, brings "
		  "them to destinations, and deletes them." },
	{ .key = "siprec",
	  SECTION(siprec, g_siprec_fields),
	  .help = "An external recorder (guides/siprec.md)." },
	{ .key = "live",
	  SECTION(live, g_live_fields),
	  .help = "Live sound between parties and applications, over WebSockets "
		  "(guides/live-audio.md)." },
	{ .key = "conferences",
	  SECTION(conferences, g_conferences_fields),
	  .help = "Conferences of calls." },
	{ .key = "ivr",
	  SECTION(ivr, g_ivr_fields),
	  .help = "What applications may ask callers for (guides/application.md)." },
	{ .key = NULL },
};
