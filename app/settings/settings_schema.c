/* SPDX-License-Identifier: Apache-2.0 */
/* The sections, in the order of docs/config.md. Their rows are in settings_schema_*.c. */
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
		  "a code. Each begins with * or #, in quotes, and has 2 to 8 keys; \"off\": there "
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
