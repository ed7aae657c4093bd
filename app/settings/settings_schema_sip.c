/* SPDX-License-Identifier: Apache-2.0 */
/* Schema of the sections about signalling and calls: limits, quotas, live sound, conferences, ivr,
 * sip, and the codes that phones dial. Each row has name, default, help and place of a setting; the
 * reference (docs) is written from them. */

#include "app/settings/settings_schema.h"

/* Load limits, in all and per source. */

const struct conf_field g_limits_fields[] = {
	SETTING("calls", "4000",
		"Calls at once; more are answered 503. Fewer where descriptors or ports do not "
		"reach: see the log at "
		"start.",
		U32(settings_limits, calls, 1, 1000000), .at_start = true),
	SETTING("transcoded_calls", "0",
		"Most transcoded calls at once; more are refused with 488, or get the answer of "
		"the callee's phone. Calls that are up go on, and so do transfers. 0: any number.",
		U32(settings_limits, transcoded_calls, 0, 1000000)),
	SETTING("video_calls", "0",
		"Calls at once that have video; the next one has sound alone, as long as it "
		"lasts. Each member of a conference is a call. Calls that are up go on. 0: as "
		"many as there are.",
		U32(settings_limits, video_calls, 0, 1000000)),
	SETTING("registrations", "20000",
		"Extensions, and addresses of record with a registered phone.",
		U32(settings_limits, registrations, 1, 1000000), .at_start = true),
	SETTING("transactions", "50000", "SIP transactions at once; one lives up to 32 s.",
		U32(settings_limits, transactions, 16, 10000000), .at_start = true),
	SETTING("subscriptions", "50000",
		"Subscriptions of a shard at once: BLF of phones. No tenant has more than "
		"seven eighths of them. 0: SUBSCRIBE is answered 503.",
		U32(settings_limits, subscriptions, 0, 1000000), .at_start = true),
	SETTING("connections", "3000",
		"TCP and TLS connections at once; each takes a descriptor. A quarter of all is "
		"theirs, and what limits.calls leaves, at 8 a call: see the log at start.",
		U32(settings_limits, connections, 1, 1000000), .at_start = true),
	SETTING("websockets", "1000", "SIP WebSockets at once; each takes a descriptor.",
		U32(settings_limits, websockets, 1, 60000), .at_start = true),
	SETTING("connections_per_source", "500",
		"Connections of one address, for TCP and TLS and again for HTTP and WebSockets; "
		"behind NAT that is a whole office.",
		U32(settings_limits, connections_per_source, 1, 1000000), .at_start = true),
	SETTING("sip_peer_per_second", "50000",
		"SIP datagrams a second of one address of sip.trusted. More are dropped unread; 0: "
		"no limit.",
		U32(settings_limits, sip_per_s[GUARD_PEER], 0, 1000000)),
	SETTING("sip_known_per_second", "5000",
		"SIP datagrams a second of the known ports of one address: registered phones, "
		"parties of calls. A proxy in front of thousands of phones wants more.",
		U32(settings_limits, sip_per_s[GUARD_KNOWN], 0, 1000000)),
	SETTING("sip_neighbour_per_second", "1000",
		"SIP datagrams a second of all other ports of an address with a known one: phones "
		"behind the same NAT, phones that come back.",
		U32(settings_limits, sip_per_s[GUARD_NEIGHBOUR], 0, 1000000)),
	SETTING("sip_stranger_per_second", "100",
		"SIP datagrams a second of any other address (IPv6: a /64); five seconds of it may "
		"come at once.",
		U32(settings_limits, sip_per_s[GUARD_STRANGER], 0, 1000000)),
	SETTING("sip_strangers_per_second", "5000",
		"SIP datagrams a second of all such addresses together, against floods with forged "
		"sources. Known ones do not share it.",
		U32(settings_limits, sip_per_s[GUARD_EVERYBODY], 0, 1000000)),
	{ .key = NULL },
};

#define QUOTA_FIELDS(name, calls_, transactions_, pairs_, calls_s_, registrations_s_)     \
	static const struct conf_field name[] = {                                         \
		{ .key = "calls",                                                         \
		  U32(settings_quota, calls, 0, 1000000),                                 \
		  .preset = calls_,                                                       \
		  .help = "Calls at once." },                                             \
		{ .key = "transactions",                                                  \
		  U32(settings_quota, transactions, 0, 10000000),                         \
		  .preset = transactions_,                                                \
		  .help = "SIP transactions at once." },                                  \
		{ .key = "port_pairs",                                                    \
		  U32(settings_quota, port_pairs, 0, 1000000),                            \
		  .preset = pairs_,                                                       \
		  .help = "Pairs of media ports at once, of all legs of its calls." },    \
		{ .key = "calls_per_second",                                              \
		  U32(settings_quota, calls_per_second, 0, 100000),                       \
		  .preset = calls_s_,                                                     \
		  .help = "New calls in a second; four times as many at once." },         \
		{ .key = "registrations_per_second",                                      \
		  U32(settings_quota, registrations_per_second, 0, 100000),               \
		  .preset = registrations_s_,                                             \
		  .help = "REGISTER requests in a second; four times as many at once." }, \
		{ .key = NULL },                                                          \
	}
QUOTA_FIELDS(g_quota_extension_fields, "20", "1000", "128", "5", "5");
QUOTA_FIELDS(g_quota_peer_fields, "0", "0", "0", "0", "0");
QUOTA_FIELDS(g_quota_source_fields, "500", "10000", "4000", "100", "1000");

const struct conf_field g_quotas_fields[] = {
	SETTING("share", "90",
		"No extension, peer or source has more than so many percent of limits.calls, of "
		"limits.transactions and of the media ports, whatever its quota. 100 lets a "
		"single one fill the node.",
		U32(settings_quotas, share, 1, 100)),
	SETTING("extension", NULL,
		"Limits of each extension, for what it begins. In a cluster calls and port_pairs "
		"are limited over all nodes together, the others on each.",
		MAP(settings_quotas, extension, g_quota_extension_fields)),
	SETTING("peer", NULL,
		"Limits of each address that sip.trusted names, or of a rule of it that has limits "
		"of its own: calls_max and calls_per_second count in the place of these.",
		MAP(settings_quotas, peer, g_quota_peer_fields)),
	SETTING("source", NULL,
		"Limits of all extensions behind one address together (IPv6: a /64): an office "
		"behind one NAT.",
		MAP(settings_quotas, source, g_quota_source_fields)),
	{ .key = NULL },
};

/* Live sound, conferences and what callers key in. */

/* In the order of enum live_format. */
static const char *const g_live_formats[] = { "l16", "ulaw", NULL };

static const struct conf_field g_live_endpoint_fields[] = {
	SETTING("name", NULL, "What call.stream calls it.", TEXT(settings_live_endpoint, name),
		.required = true),
	SETTING("url", NULL,
		"Where the application listens: wss://host[:port]/path. Its certificate must be "
		"for that host, and good. ws:// only with live.plain.",
		TEXT(settings_live_endpoint, url), .required = true),
	SETTING("token_file", NULL,
		"File; its first line is shown to the application, as Authorization: Bearer. "
		"SIGHUP reads it again.",
		TEXT(settings_live_endpoint, token_file)),
	SETTING("tenants", NULL, "Tenants with calls that may go there. Without it: all.",
		TEXTS(settings_live_endpoint, tenants, tenant_count)),
	SETTING("format", "l16",
		"Format of the sound, both ways: 16 bits, the low octet first, or G.711 mu-law.",
		WORD(settings_live_endpoint, format, g_live_formats)),
	SETTING("rate", "16000", "Samples a second of l16: 8000, 16000 or 24000. ulaw has 8000.",
		U32(settings_live_endpoint, rate, 8000, 24000)),
	{ .key = NULL },
};

const struct conf_field g_live_fields[] = {
	SETTING("endpoints", NULL,
		"Applications that the sound of a party may go to, and come from, by "
		"call.stream. There are no others. A stream that runs keeps what it began "
		"with.",
		MAPS(settings_live, endpoints, endpoint_count, g_live_endpoint_fields)),
	SETTING("streams", "500",
		"At once, at most: each has a connection of its own, and 200 KiB at most "
		"beside what its application says ahead (live audio, 30 s: up to 1.4 MiB).",
		U32(settings_live, streams, 1, 10000), .at_start = true),
	SETTING("plain", "false",
		"URLs may begin with ws://. Then anybody on the way can listen and speak: for this "
		"machine and private networks alone.",
		FLAG(settings_live, plain)),
	SETTING("ca", NULL, "PEM file of authorities that are trusted, beside the system's.",
		TEXT(settings_live, ca), .at_start = true),
	SETTING("connect_timeout", "5s",
		"How long the first connection may take, with all tries. Then the stream has "
		"failed.",
		DURATION(settings_live, connect, SECONDS(1), SECONDS(60))),
	SETTING("give_up", "30s",
		"How long a lost connection is tried again. Then the stream has failed.",
		DURATION(settings_live, give_up, 0, SECONDS(3600))),
	{ .key = NULL },
};

/* In the order of enum conference_release. */
static const char *const g_conferences_release[] = { "false", "true", "initiator_left", NULL };
static const char *const g_conferences_incoming[] = { "always", "call_waiting", NULL };

const struct conf_field g_conferences_fields[] = {
	SETTING("ad_hoc_members", "8",
		"Members of a conference that began as a call, at most (conference.add). Those of "
		"a room are in its document.",
		.was = "station_members", U32(conference_settings, station_members, 3, 2000)),
	SETTING("ad_hoc_talkers", "3",
		"How many members of such a conference are heard at a time: the loudest speakers. "
		"0: all who are not silent. Of conferences that begin from then on; those of a "
		"room are in its document.",
		.was = "station_talkers", U32(conference_settings, station_talkers, 0, 8)),
	SETTING("command_members", "0",
		"As ad_hoc_members, where a command adds the next member, as programs of users do. "
		"0: ad_hoc_members. Systems that had both gave programs 6 and phones 8.",
		U32(conference_settings, command_members, 0, 2000)),
	SETTING("incoming", "always",
		"Whether a user with two calls may bring the second one into a conference when it "
		"was an inbound call. call_waiting: where the extension has call_waiting single or "
		"multiple; else its REFER is answered 403, and conference.add not_allowed. That is "
		"how some systems were.",
		WORD(conference_settings, incoming_bound, g_conferences_incoming)),
	SETTING("host_succession", "true",
		"When the host of such a conference leaves, the member that is there for longest "
		"is host. false: nobody is, and members are dropped by command alone.",
		FLAG(conference_settings, succession)),
	SETTING("release", "true",
		"With two members left such a conference is a call of two again, which is "
		"transferred and parked as any. false: it stays a conference until one of them "
		"leaves. initiator_left: it stays a conference while its initiator is one of the "
		"two, and call.transfer transfers neither; the initiator adds the target, and "
		"leaves. That is how some phones did it.",
		WORD(conference_settings, release, g_conferences_release)),
	SETTING("tones_most", "30",
		"With more members in a room, joining and leaving make no sound (entry_tone, "
		"exit_tone of room.put). 0: they never do. Of rooms that begin from then on.",
		U32(conference_settings, tones_most, 0, 2000)),
	{ .key = NULL },
};

const struct conf_field g_ivr_fields[] = {
	SETTING("max_digits", "16",
		"Keys that one call.collect takes, at most: max of the command, and what it is "
		"where the command has none.",
		U32(settings_ivr, max_digits, 1, 16)),
	{ .key = NULL },
};

/* In the order of digits_shown. */
static const char *const g_digits_names[] = { "hidden", "shown", NULL };

static const struct conf_field g_trusted_fields[] = {
	SETTING("prefix", NULL,
		"Address or prefix of the peer, such as \"192.0.2.7\" or \"10.0.0.0/8\".",
		TEXT(settings_trusted, prefix), .required = true),
	SETTING("network", NULL, "Name of the network that it must come by. Without it: any.",
		TEXT(settings_trusted, network)),
	SETTING("transports", NULL,
		"Transports that the peer may use, of udp, tcp and tls. Without it: all three, or "
		"udp where a port is given. Prefer tcp or tls where others share its network: the "
		"source of UDP can be forged.",
		TEXTS(settings_trusted, transports, transport_count)),
	SETTING("port", "0", "UDP port that it sends from. 0: any.",
		U32(settings_trusted, port, 0, 65535)),
	SETTING("client_certificate", "false",
		"The peer is trusted over TLS only, and only when it shows a certificate that "
		"tls.ca vouches for. tls.client_certificates must be optional or required.",
		FLAG(settings_trusted, client_certificate)),
	SETTING("calls_max", "0",
		"Calls at once that the rule's peers may have together. 0: no limit of its "
		"own.",
		U32(settings_trusted, calls_max, 0, 1000000)),
	SETTING("calls_per_second", "0",
		"New calls in a second of the rule's peers together. 0: no limit of its own.",
		U32(settings_trusted, calls_per_second, 0, 1000000)),
	{ .key = NULL },
};

const struct conf_field g_sip_fields[] = {
	SETTING("realm", "tandem",
		"Digest realm. Passwords are kept as hashes over it: after a change each must be "
		"set again.",
		TEXT(settings_sip, realm), .at_start = true),
	SETTING("digest_algorithms", NULL,
		"What phones may authenticate with, of MD5, SHA-256 and SHA-512-256 (RFC 8760). "
		"Without it: [MD5], because some phones give up when another one is offered.",
		TEXTS(settings_sip, digest_algorithms, digest_algorithm_count)),
	SETTING("registration_expires", "90s",
		"Lifetime of a registration when the phone asks for none.",
		DURATION(settings_sip, registration_expires, SECONDS(1), SECONDS(604800))),
	SETTING("registration_expires_min", "60s", "A phone that asks for less is answered 423.",
		DURATION(settings_sip, registration_expires_min, SECONDS(1), SECONDS(604800))),
	SETTING("registration_expires_max", "3600s", "A phone that asks for more gets this.",
		DURATION(settings_sip, registration_expires_max, SECONDS(1), SECONDS(604800))),
	SETTING("registration_expires_many", "600s",
		"In the place of registration_expires while the node has many registrations.",
		DURATION(settings_sip, registration_expires_many, SECONDS(1), SECONDS(604800))),
	SETTING("registration_many", "100", "More registrations than this are many.",
		U32(settings_sip, registration_many, 0, 1000000)),
	SETTING("ring_timeout", "180s", "A call that nobody answers ends with 408 after this.",
		DURATION(settings_sip, calls.ring_timeout_ns, SECONDS(1), SECONDS(3600))),
	SETTING("park_return", "120s",
		"A party that is parked for so long comes back: the phones of the extension that "
		"parked it ring for 20 s. When nobody answers the party waits on in its slot, and "
		"comes back again after as long. 0s: it never does.",
		DURATION(settings_sip, calls.park_return_ns, 0, SECONDS(86400))),
	SETTING("list_pace", "100ms",
		"Time between two NOTIFYs of a list of extensions (RFC 4662); changes meanwhile "
		"are in the next one. 0s: each change is sent at once.",
		DURATION(settings_sip, calls.list_pace_ns, 0, SECONDS(60))),
	SETTING("session_expires", "1800s",
		"Session timers (RFC 4028): a call lasts so long unless it is refreshed, by the "
		"party or by the node, and a call with a phone that has vanished ends. At least "
		"90s; 0s: off.",
		DURATION(settings_sip, session_expires, 0, SECONDS(86400))),
	SETTING("max_contacts", "10", "Phones that may register for one extension at once.",
		U32(settings_sip, max_contacts, 1, BINDINGS_MAX)),
	SETTING("max_device_accounts", "4",
		"Extensions of a tenant that one device, by its +sip.instance, may be registered "
		"for at once, over all nodes; one more is refused (403). 0: any number.",
		U32(settings_sip, max_device_accounts, 0, 1000)),
	SETTING("domains", NULL,
		"Names of this node, such as \"pbx.example.org\" or \"*.example.org\". A call to "
		"an extension at another domain is answered 404. Own are also the realm, the "
		"addresses in networks, the names in the certificates of tls, and the domain that "
		"the caller's own From has.",
		TEXTS(settings_sip, domains, domain_count)),
	SETTING("digits", "hidden",
		"Digits that people press may be PINs. hidden: they cross between the parties, and "
		"are neither stored in Redis nor logged; shown: the stream of events has each "
		"(call.digit).",
		WORD(settings_sip, digits, g_digits_names)),
	SETTING("info_types", NULL,
		"Media types, such as \"application/x-foo\", that phones may send each other by "
		"INFO; \"*\": all. Keys and picture requests always pass; other types are answered "
		"415.",
		TEXTS(settings_sip, info_types, info_type_count)),
	SETTING("x_headers", NULL,
		"Headers of an INVITE that pass to the callee, such as \"X-Account\"; \"X-Crm-*\": "
		"all that begin so. Others are dropped.",
		TEXTS(settings_sip, x_headers, x_header_count)),
	SETTING("trusted", NULL,
		"Peers that need no password, such as an SBC in front of the node. They may call "
		"as any user. A text such as \"10.0.0.0/8\" is short for a prefix alone: anybody "
		"who forges such an address over UDP is trusted, so the log warns of it. The first "
		"rule that fits decides. Nobody is trusted over a WebSocket.",
		MAPS(settings_sip, trusted, trusted_count, g_trusted_fields),
		.short_key = "prefix"),
	SETTING("overload_delay", "20ms",
		"When the node has more to do than it can, new calls that come while it is "
		"behind for longer than this are refused with 503 and Retry-After, before they "
		"are parsed. Calls that exist, registrations and emergency numbers go on. 0s: "
		"off.",
		DURATION(settings_sip, overload_delay, 0, SECONDS(1))),
	SETTING("emergency_numbers", NULL,
		"Numbers to which calls are never refused by a quota, by a drain or because the "
		"node is overloaded; a few calls and ports are kept for them. Without it: 112, "
		"911, 999, 110, 000, 118, 119, 113, 115; []: none. Take out what is an ordinary "
		"extension of yours.",
		TEXTS(settings_sip, emergency_numbers, emergency_number_count)),
	{ .key = NULL },
};

const struct conf_field g_codes_fields[] = {
	SETTING("enabled", "true", "false: no feature codes.", FLAG(settings_codes, enabled)),
#define X(id, setting, dialled_, field, value, text)        \
	{ .key = (setting),                                 \
	  TEXT(settings_codes, dialled.code[FEATURE_##id]), \
	  .preset = (dialled_),                             \
	  .help = (text) },
	FEATURE_CODES(X)
#undef X
		{ .key = NULL },
};

const struct conf_field g_call_codes_fields[] = {
#define X(id, setting, text)                                       \
	{ .key = (setting),                                        \
	  TEXT(settings_call_codes, pressed.code[CALL_CODE_##id]), \
	  .preset = SETTINGS_CODE_OFF,                             \
	  .help = (text) },
	CALL_CODES(X)
#undef X
		{ .key = "wait",
		  DURATION(settings_call_codes, wait, 200 * NS_PER_MS, SECONDS(10)),
		  .preset = "2s",
		  .help = "How long the next digit of a code is awaited. After it the other "
			  "party gets what was pressed." },
	{ .key = NULL },
};
