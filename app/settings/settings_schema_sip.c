/* SPDX-License-Identifier: Apache-2.0 */
/* Signalling, and what phones dial or press for features. */
#include "app/settings/settings_schema.h"

/* How much the node takes on, and of whom. */

const struct conf_field g_limits_fields[] = {
	{ .key = "calls",
	  U32(settings_limits, calls, 1, 1000000),
	  .preset = "4000",
	  .at_start = true,
	  .help = "Calls at once; more are answered 503. Fewer where descriptors or ports do not "
		  "reach: see the log at "
		  "start." },
	{ .key = "transcoded_calls",
	  U32(settings_limits, transcoded_calls, 0, 1000000),
	  .preset = "0",
	  .help = "Calls at once whose audio is transcoded; more are refused with 488, or get the "
		  "answer of the phone that was asked. Calls that are up go on, and so do "
		  "transfers. 0: as many as there are." },
	{ .key = "video_calls",
	  U32(settings_limits, video_calls, 0, 1000000),
	  .preset = "0",
	  .help = "Calls at once that have video; the next one has sound alone, as long as it "
		  "lasts. Each member of a conference is a call. Calls that are up go on. 0: as "
		  "many as there are." },
	{ .key = "registrations",
	  U32(settings_limits, registrations, 1, 1000000),
	  .preset = "20000",
	  .at_start = true,
	  .help = "Extensions, and addresses of record with a registered phone." },
	{ .key = "transactions",
	  U32(settings_limits, transactions, 16, 10000000),
	  .preset = "50000",
	  .at_start = true,
	  .help = "SIP transactions at once; one lives up to 32 s." },
	{ .key = "subscriptions",
	  U32(settings_limits, subscriptions, 0, 1000000),
	  .preset = "50000",
	  .at_start = true,
	  .help = "Subscriptions of a shard at once: BLF of phones. No tenant has more than "
		  "seven eighths of them. 0: SUBSCRIBE is answered 503." },
	{ .key = "connections",
	  U32(settings_limits, connections, 1, 1000000),
	  .preset = "3000",
	  .at_start = true,
	  .help = "TCP and TLS connections at once; each takes a descriptor. A quarter of all is "
		  "theirs, and what limits.calls leaves, at 8 a call: see the log at start." },
	{ .key = "websockets",
	  U32(settings_limits, websockets, 1, 60000),
	  .preset = "1000",
	  .at_start = true,
	  .help = "SIP WebSockets at once; each takes a descriptor." },
	{ .key = "connections_per_source",
	  U32(settings_limits, connections_per_source, 1, 1000000),
	  .preset = "500",
	  .at_start = true,
	  .help = "Of one address, for TCP and TLS and again for HTTP and WebSockets; behind NAT "
		  "that is a whole office." },
	{ .key = "sip_peer_per_second",
	  U32(settings_limits, sip_per_s[GUARD_PEER], 0, 1000000),
	  .preset = "50000",
	  .help = "SIP datagrams a second of one address of sip.trusted. More are dropped unread; "
		  "0: "
		  "no limit. So it is with the next four." },
	{ .key = "sip_known_per_second",
	  U32(settings_limits, sip_per_s[GUARD_KNOWN], 0, 1000000),
	  .preset = "5000",
	  .help = "Of the known ports of one address: registered phones, parties of calls. A proxy "
		  "in front of thousands of phones wants more." },
	{ .key = "sip_neighbour_per_second",
	  U32(settings_limits, sip_per_s[GUARD_NEIGHBOUR], 0, 1000000),
	  .preset = "1000",
	  .help = "Of all other ports of an address that has a known one: phones behind the same "
		  "NAT, phones that come back." },
	{ .key = "sip_stranger_per_second",
	  U32(settings_limits, sip_per_s[GUARD_STRANGER], 0, 1000000),
	  .preset = "100",
	  .help = "Of any other address (IPv6: a /64); five seconds of it may come at once." },
	{ .key = "sip_strangers_per_second",
	  U32(settings_limits, sip_per_s[GUARD_EVERYBODY], 0, 1000000),
	  .preset = "5000",
	  .help = "Of all such addresses together: what is left of a flood with forged sources. "
		  "Known ones do not share it." },
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
	{ .key = "share",
	  U32(settings_quotas, share, 1, 100),
	  .preset = "90",
	  .help = "No extension, peer or source has more than so many percent of limits.calls, of "
		  "limits.transactions and of the media ports, whatever its quota. 100 lets a "
		  "single one fill the node." },
	{ .key = "extension",
	  MAP(settings_quotas, extension, g_quota_extension_fields),
	  .help = "Of each extension, for what it begins. In a cluster calls and port_pairs are "
		  "limited over all nodes together, the others on each." },
	{ .key = "peer",
	  MAP(settings_quotas, peer, g_quota_peer_fields),
	  .help = "Of each address that sip.trusted names, or of a rule of it that has limits of "
		  "its own: calls_max and calls_per_second count in the place of these." },
	{ .key = "source",
	  MAP(settings_quotas, source, g_quota_source_fields),
	  .help = "Of all extensions behind one address together (IPv6: a /64): an office behind "
		  "one NAT." },
	{ .key = NULL },
};

/* Live sound, conferences and what callers key in. */

/* In the order of enum live_format. */
static const char *const g_live_formats[] = { "l16", "ulaw", NULL };

static const struct conf_field g_live_endpoint_fields[] = {
	{ .key = "name",
	  TEXT(settings_live_endpoint, name),
	  .required = true,
	  .help = "What call.stream calls it." },
	{ .key = "url",
	  TEXT(settings_live_endpoint, url),
	  .required = true,
	  .help = "Where the application listens: wss://host[:port]/path. Its certificate must be "
		  "for that host, and good. ws:// only with live.plain." },
	{ .key = "token_file",
	  TEXT(settings_live_endpoint, token_file),
	  .help = "File whose first line is shown to the application, as Authorization: Bearer. "
		  "SIGHUP reads it again." },
	{ .key = "tenants",
	  TEXTS(settings_live_endpoint, tenants, tenant_count),
	  .help = "Tenants whose calls may go there. Without it: all." },
	{ .key = "format",
	  WORD(settings_live_endpoint, format, g_live_formats),
	  .preset = "l16",
	  .help = "Of the sound, both ways: 16 bits, the low octet first, or G.711 mu-law." },
	{ .key = "rate",
	  U32(settings_live_endpoint, rate, 8000, 24000),
	  .preset = "16000",
	  .help = "Samples a second of l16: 8000, 16000 or 24000. ulaw has 8000." },
	{ .key = NULL },
};

const struct conf_field g_live_fields[] = {
	{ .key = "endpoints",
	  MAPS(settings_live, endpoints, endpoint_count, g_live_endpoint_fields),
	  .help = "Applications that the sound of a party may go to, and come from, by "
		  "call.stream. There are no others. A stream that runs keeps what it began "
		  "with." },
	{ .key = "streams",
	  U32(settings_live, streams, 1, 10000),
	  .preset = "500",
	  .at_start = true,
	  .help = "At once, at most: each has a connection of its own, and 200 KiB at most "
		  "beside what its application says ahead (live audio, 30 s: up to 1.4 MiB)." },
	{ .key = "plain",
	  FLAG(settings_live, plain),
	  .preset = "false",
	  .help = "URLs may begin with ws://. Then whoever is on the way hears and speaks: for "
		  "this machine and private networks alone." },
	{ .key = "ca",
	  TEXT(settings_live, ca),
	  .at_start = true,
	  .help = "PEM file of those whose certificates are believed, beside the system's." },
	{ .key = "connect_timeout",
	  DURATION(settings_live, connect, SECONDS(1), SECONDS(60)),
	  .preset = "5s",
	  .help = "So long the first connection may take, with all tries. Then the stream has "
		  "failed." },
	{ .key = "give_up",
	  DURATION(settings_live, give_up, 0, SECONDS(3600)),
	  .preset = "30s",
	  .help = "So long a connection that was lost is tried again. Then the stream has "
		  "failed." },
	{ .key = NULL },
};

/* In the order of enum conference_release. */
static const char *const g_conferences_release[] = { "false", "true", "initiator_left", NULL };
static const char *const g_conferences_incoming[] = { "always", "call_waiting", NULL };

const struct conf_field g_conferences_fields[] = {
	{ .key = "ad_hoc_members",
	  .was = "station_members",
	  U32(conference_settings, station_members, 3, 2000),
	  .preset = "8",
	  .help = "Members of a conference that began as a call, at most (conference.add). Those "
		  "of "
		  "a room are in its document." },
	{ .key = "ad_hoc_talkers",
	  .was = "station_talkers",
	  U32(conference_settings, station_talkers, 0, 8),
	  .preset = "3",
	  .help = "How many members of such a conference are heard at a time: the loudest of "
		  "those who speak. 0: all who are not silent. Of conferences that begin from then "
		  "on; those of a room are in its document." },
	{ .key = "command_members",
	  U32(conference_settings, command_members, 0, 2000),
	  .preset = "0",
	  .help = "The same where a command adds the next one, as programs of users do; phones add "
		  "up to ad_hoc_members. 0: likewise. Systems that had both gave programs 6 and "
		  "phones 8." },
	{ .key = "incoming",
	  WORD(conference_settings, incoming_bound, g_conferences_incoming),
	  .preset = "always",
	  .help = "Whether who has two calls may bring the second one into a conference when that "
		  "call came to him. call_waiting: where his extension has call_waiting single or "
		  "multiple; else his REFER is answered 403, and conference.add not_allowed. That "
		  "is how some systems were." },
	{ .key = "host_succession",
	  FLAG(conference_settings, succession),
	  .preset = "true",
	  .help = "When the host of such a conference leaves, the member that is there for longest "
		  "is host. false: nobody is, and members are dropped by command alone." },
	{ .key = "release",
	  WORD(conference_settings, release, g_conferences_release),
	  .preset = "true",
	  .help = "With two members left such a conference is a call of two again, which is "
		  "transferred and parked as any. false: it stays one until one of them leaves. "
		  "initiator_left: it stays one as long as whose conference it is is one of the "
		  "two, and call.transfer gives neither away; he adds whom the other one wants, "
		  "and leaves. That is how some phones did it." },
	{ .key = "tones_most",
	  U32(conference_settings, tones_most, 0, 2000),
	  .preset = "30",
	  .help = "With more members in a room nobody hears who comes and goes (entry_tone, "
		  "exit_tone of room.put). 0: nobody ever does. Of rooms that begin from then "
		  "on." },
	{ .key = NULL },
};

const struct conf_field g_ivr_fields[] = {
	{ .key = "max_digits",
	  U32(settings_ivr, max_digits, 1, 16),
	  .preset = "16",
	  .help = "Keys that one call.collect takes, at most: max of the command, and what it is "
		  "where the command has none." },
	{ .key = NULL },
};

/* In the order of digits_shown. */
static const char *const g_digits_names[] = { "hidden", "shown", NULL };

static const struct conf_field g_trusted_fields[] = {
	{ .key = "prefix",
	  TEXT(settings_trusted, prefix),
	  .required = true,
	  .help = "Address or prefix of the peer, such as \"192.0.2.7\" or \"10.0.0.0/8\"." },
	{ .key = "network",
	  TEXT(settings_trusted, network),
	  .help = "Name of the network that it must come by. Without it: any." },
	{ .key = "transports",
	  TEXTS(settings_trusted, transports, transport_count),
	  .help = "Of udp, tcp and tls. Without it: all three, or udp where a port is given. "
		  "Prefer tcp or tls where others share its network: the source of UDP can be "
		  "forged." },
	{ .key = "port",
	  U32(settings_trusted, port, 0, 65535),
	  .preset = "0",
	  .help = "UDP port that it sends from. 0: any." },
	{ .key = "client_certificate",
	  FLAG(settings_trusted, client_certificate),
	  .preset = "false",
	  .help = "It is trusted over TLS only, and only when it shows a certificate that tls.ca "
		  "vouches for. tls.client_certificates must be optional or required." },
	{ .key = "calls_max",
	  U32(settings_trusted, calls_max, 0, 1000000),
	  .preset = "0",
	  .help = "Calls at once that the rule's peers may have together. 0: no limit of its "
		  "own." },
	{ .key = "calls_per_second",
	  U32(settings_trusted, calls_per_second, 0, 1000000),
	  .preset = "0",
	  .help = "New calls in a second of the rule's peers together. 0: no limit of its own." },
	{ .key = NULL },
};

const struct conf_field g_sip_fields[] = {
	{ .key = "realm",
	  TEXT(settings_sip, realm),
	  .preset = "tandem",
	  .at_start = true,
	  .help = "Digest realm. Passwords are kept as hashes over it: after a change each must be "
		  "set again." },
	{ .key = "digest_algorithms",
	  TEXTS(settings_sip, digest_algorithms, digest_algorithm_count),
	  .help = "What phones may authenticate with, of MD5, SHA-256 and SHA-512-256 (RFC 8760). "
		  "Without it: [MD5], "
		  "because some phones give up when another one is offered." },
	{ .key = "registration_expires",
	  DURATION(settings_sip, registration_expires, SECONDS(1), SECONDS(604800)),
	  .preset = "90s",
	  .help = "Lifetime of a registration when the phone asks for none." },
	{ .key = "registration_expires_min",
	  DURATION(settings_sip, registration_expires_min, SECONDS(1), SECONDS(604800)),
	  .preset = "60s",
	  .help = "A phone that asks for less is answered 423." },
	{ .key = "registration_expires_max",
	  DURATION(settings_sip, registration_expires_max, SECONDS(1), SECONDS(604800)),
	  .preset = "3600s",
	  .help = "A phone that asks for more gets this." },
	{ .key = "registration_expires_many",
	  DURATION(settings_sip, registration_expires_many, SECONDS(1), SECONDS(604800)),
	  .preset = "600s",
	  .help = "In the place of registration_expires while the node has many registrations." },
	{ .key = "registration_many",
	  U32(settings_sip, registration_many, 0, 1000000),
	  .preset = "100",
	  .help = "More registrations than this are many." },
	{ .key = "ring_timeout",
	  DURATION(settings_sip, calls.ring_timeout_ns, SECONDS(1), SECONDS(3600)),
	  .preset = "180s",
	  .help = "A call that nobody answers ends with 408 after this." },
	{ .key = "park_return",
	  DURATION(settings_sip, calls.park_return_ns, 0, SECONDS(86400)),
	  .preset = "120s",
	  .help = "Who is parked for so long comes back: the phones of the extension that parked "
		  "it ring for 20 s. When nobody answers the party waits on in its slot, and comes "
		  "back again after as long. 0s: it never does." },
	{ .key = "session_expires",
	  DURATION(settings_sip, session_expires, 0, SECONDS(86400)),
	  .preset = "1800s",
	  .help = "Session timers (RFC 4028): a call lasts so long unless it is refreshed, by the "
		  "party or by the node, and one whose phone has vanished ends. At least 90s; 0s: "
		  "off." },
	{ .key = "max_contacts",
	  U32(settings_sip, max_contacts, 1, BINDINGS_MAX),
	  .preset = "10",
	  .help = "Phones that may register for one extension at once." },
	{ .key = "domains",
	  TEXTS(settings_sip, domains, domain_count),
	  .help = "Names of this node, such as \"pbx.example.org\" or \"*.example.org\". A call to "
		  "an "
		  "extension at another domain is answered 404. Own are also the realm, the "
		  "addresses in networks, the names in the certificates of tls, and the domain "
		  "that the caller's own From has." },
	{ .key = "digits",
	  WORD(settings_sip, digits, g_digits_names),
	  .preset = "hidden",
	  .help = "Digits that people press may be PINs. hidden: they cross between the parties, "
		  "and "
		  "are neither stored in Redis nor logged; shown: the stream of events has each "
		  "(call.digit)." },
	{ .key = "info_types",
	  TEXTS(settings_sip, info_types, info_type_count),
	  .help = "Media types, such as \"application/x-foo\", that phones may send each other by "
		  "INFO; "
		  "\"*\": all. Keys and picture requests always pass; other types are answered "
		  "415." },
	{ .key = "x_headers",
	  TEXTS(settings_sip, x_headers, x_header_count),
	  .help = "Headers of an INVITE that pass to who is called, such as \"X-Account\"; "
		  "\"X-Crm-*\": all that begin so. Others are dropped." },
	{ .key = "trusted",
	  MAPS(settings_sip, trusted, trusted_count, g_trusted_fields),
	  .short_key = "prefix",
	  .help = "Peers whose requests need no password, such as an SBC in front of the node. "
		  "They may call in anybody's name. A text such as \"10.0.0.0/8\" is short for "
		  "a prefix alone: whoever forges such an address over UDP is believed, so the log "
		  "warns of it. The first rule that fits decides. Nobody is trusted over a "
		  "WebSocket." },
	{ .key = "overload_delay",
	  DURATION(settings_sip, overload_delay, 0, SECONDS(1)),
	  .preset = "20ms",
	  .help = "When the node has more to do than it can, new calls that come while it is "
		  "behind for longer than this are refused with 503 and Retry-After, before they "
		  "are parsed. Calls that exist, registrations and emergency numbers go on. 0s: "
		  "off." },
	{ .key = "emergency_numbers",
	  TEXTS(settings_sip, emergency_numbers, emergency_number_count),
	  .help = "Numbers whose calls are never refused by a quota, by a drain or because the "
		  "node is overloaded; a few calls and ports are kept for them. Without it: 112, "
		  "911, 999, 110, 000, 118, 119, 113, 115; []: none. Take out what is an ordinary "
		  "extension of yours." },
	{ .key = NULL },
};

const struct conf_field g_codes_fields[] = {
	{ .key = "enabled",
	  FLAG(settings_codes, enabled),
	  .preset = "true",
	  .help = "false: there are none." },
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
