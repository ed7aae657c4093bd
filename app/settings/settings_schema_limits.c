/* SPDX-License-Identifier: Apache-2.0 */
/* How much the node takes on, and of whom. */
#include "app/settings/settings_schema.h"

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
