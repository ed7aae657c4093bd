/* SPDX-License-Identifier: Apache-2.0 */
/* Signalling, and what phones dial or press for features. */
#include "app/settings/settings_schema.h"

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
	  DURATION(settings_sip, ring_timeout, SECONDS(1), SECONDS(3600)),
	  .preset = "180s",
	  .help = "A call that nobody answers ends with 408 after this." },
	{ .key = "park_return",
	  DURATION(settings_sip, park_return, 0, SECONDS(86400)),
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
		  .help = "How long the next key of a code is waited for. After it the other "
			  "party gets what was pressed." },
	{ .key = NULL },
};
