/* SPDX-License-Identifier: Apache-2.0 */
#include "app/settings/settings.h"

#define FIELD(level, member) .offset = offsetof(struct level, member)
#define TEXT(level, member) \
	.type = CONF_STRING, FIELD(level, member), .size = sizeof(((struct level *)0)->member)
#define U32(level, member, low, high) \
	.type = CONF_U32, FIELD(level, member), .min = (low), .max = (high)
#define DURATION(level, member, low, high) \
	.type = CONF_DURATION, FIELD(level, member), .min = (low), .max = (high)
#define SECTION(member, children) .type = CONF_MAP, FIELD(settings, member), .fields = (children)

#define SECONDS(n) ((n)*NS_PER_S)

/* In the order of enum engine_port. */
static const char *const g_port_names[] = { "auto", "io_uring", "epoll", "dpdk", "xdp", NULL };
/* In the order of enum engine_forward. */
static const char *const g_forward_names[] = { "off", "auto", "on", NULL };
/* As dsp/tone.h has them. */
const char *const g_settings_tones[] = { "off", "au", "de", "etsi", "fr", "jp", "uk", "us", NULL };
/* As appendfsync of redis.conf. */
const char *const g_settings_fsync[] = { "everysec", "always", "no", NULL };

/* In the order of enum latch_mode. */
static const char *const g_latch_names[] = { "strict", "same-ip", "any-once", NULL };
static const char *const g_opus_rate_names[] = { "auto", "48000", NULL };
/* In the order of digits_shown. */
static const char *const g_digits_names[] = { "hidden", "shown", NULL };
/* In the order of enum log_format. */
static const char *const g_format_names[] = { "text", "json", NULL };
/* In the order of enum tls_client_certificates. */
static const char *const g_client_names[] = { "none", "optional", "required", NULL };

static const struct conf_field g_node_fields[] = {
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
	  .type = CONF_U32_LIST,
	  FIELD(settings_node, shards),
	  .count_offset = offsetof(struct settings_node, shards_count),
	  .max_items = SETTINGS_SHARDS_MAX,
	  .min = 1,
	  .max = 65535,
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
		  "none is left, and at once on another SIGTERM or on SIGINT. Let "
		  "TimeoutStopSec= of the unit be 20s longer." },
	{ .key = NULL },
};

static const struct conf_field g_network_fields[] = {
	{ .key = "name",
	  TEXT(settings_network, name),
	  .required = true,
	  .at_start = true,
	  .help = "Name of the network, for logs." },
	{ .key = "bind",
	  .type = CONF_ADDR,
	  FIELD(settings_network, bind),
	  .required = true,
	  .at_start = true,
	  .help = "Address of this machine for SIP and media. No wildcard: list one network per "
		  "address." },
	{ .key = "advertise",
	  .type = CONF_ADDR,
	  FIELD(settings_network, advertise),
	  .at_start = true,
	  .help = "Address that SIP and SDP name, behind 1:1 NAT; without it, bind." },
	{ .key = "shard",
	  U32(settings_network, shard, 0, 65535),
	  .preset = "0",
	  .at_start = true,
	  .help = "The shard of this node that takes new calls which come to this network; 0: any "
		  "of them. With floating it may be a shard of any node of the cluster." },
	{ .key = "floating",
	  .type = CONF_BOOL,
	  FIELD(settings_network, floating),
	  .preset = "false",
	  .at_start = true,
	  .help = "The address is that of shard, and moves with it: all nodes of the cluster have "
		  "the network in their files, and the one that runs the shard listens there. "
		  "When that node is gone, another one takes the shard, its calls and its "
		  "address." },
	{ .key = "sip_ports",
	  .type = CONF_U32_LIST,
	  FIELD(settings_network, sip_ports),
	  .count_offset = offsetof(struct settings_network, sip_port_count),
	  .max_items = SETTINGS_SIP_PORTS_MAX,
	  .min = 1,
	  .max = 65535,
	  .at_start = true,
	  .preset = "5060, 10060",
	  .help = "UDP ports for SIP. A request of more than 1300 octets stays on UDP, too, "
		  "whatever RFC "
		  "3261 18.1.1 says: over TCP no phone behind a NAT would hear it." },
	{ .key = "sip_tcp_ports",
	  .type = CONF_U32_LIST,
	  FIELD(settings_network, sip_tcp_ports),
	  .count_offset = offsetof(struct settings_network, sip_tcp_port_count),
	  .max_items = SETTINGS_SIP_PORTS_MAX,
	  .min = 1,
	  .max = 65535,
	  .at_start = true,
	  .help = "TCP ports for SIP. Without it: the numbers of sip_ports; []: none." },
	{ .key = "sip_tls_ports",
	  .type = CONF_U32_LIST,
	  FIELD(settings_network, sip_tls_ports),
	  .count_offset = offsetof(struct settings_network, sip_tls_port_count),
	  .max_items = SETTINGS_SIP_PORTS_MAX,
	  .min = 1,
	  .max = 65535,
	  .at_start = true,
	  .help = "TCP ports for SIP over TLS; they are opened when there is a certificate (see "
		  "tls). Without it: 5061, but none where sip_ports is given." },
	{ .key = "media_ports",
	  .type = CONF_RANGE,
	  FIELD(settings_network, media_ports),
	  .min = 1024,
	  .max = 65535,
	  .preset = "12000-31999",
	  .at_start = true,
	  .help = "UDP ports for RTP and RTCP; an audio call takes four. Keep them out of the "
		  "ephemeral range of the machine." },
	{ .key = "webrtc_port",
	  U32(settings_network, webrtc_port, 0, 65535),
	  .preset = "0",
	  .at_start = true,
	  .help = "UDP port for all media of browsers, outside of media_ports; with several of "
		  "media.workers the next ones have the next ports. A firewall then needs no "
		  "range open for browsers, but calls still count as if they had ports in "
		  "media_ports. Its receive buffer asks for 4 MiB: let sysctl net.core.rmem_max "
		  "allow it. 0: each call has ports of its own. Not with media.port: dpdk. After a "
		  "change, or with fewer workers, calls of browsers do not outlive the restart." },
	{ .key = "allow",
	  .type = CONF_STRING_LIST,
	  FIELD(settings_network, allow),
	  .size = SETTINGS_ALLOW_LEN,
	  .count_offset = offsetof(struct settings_network, allow_count),
	  .max_items = SETTINGS_ALLOW_MAX,
	  .at_start = true,
	  .help = "Special addresses to which the node may send SIP and media where a trusted "
		  "peer, "
		  "or an extension with media_address sdp, names them: loopback, link_local, own "
		  "(other programs at the addresses of this node). Without it: none. A network "
		  "whose bind is such an address allows it." },
	{ .key = "interface",
	  TEXT(settings_network, interface),
	  .at_start = true,
	  .help = "Name of the Ethernet interface that media of this network crosses. A floating "
		  "address is added there; without it, to the interface in whose network the "
		  "address is, else to that of cluster.listen. With media.port: xdp "
		  "packets of media are taken there, past the firewall of the machine. "
		  "For an address on a VLAN, the interface below it. Without it the network's "
		  "media goes by the kernel's sockets. Each of media.workers has at most 64 "
		  "receive queues over all interfaces (ethtool -L); of more than eight each holds "
		  "fewer packets." },
	{ .key = "tenant",
	  TEXT(settings_network, tenant),
	  .at_start = true,
	  .help = "Name of the tenant whose phones and trunks alone come to the SIP ports of this "
		  "network. Without it the domain says whose a request is: that of To in "
		  "REGISTER, else the caller's, or the called one where the caller's is no "
		  "tenant's. At the port for browsers (http.sip) the domain says it always." },
	{ .key = NULL },
};

static const struct conf_field g_trusted_fields[] = {
	{ .key = "prefix",
	  TEXT(settings_trusted, prefix),
	  .required = true,
	  .help = "Address or prefix of the peer, such as \"192.0.2.7\" or \"10.0.0.0/8\"." },
	{ .key = "network",
	  TEXT(settings_trusted, network),
	  .help = "Name of the network that it must come by. Without it: any." },
	{ .key = "transports",
	  .type = CONF_STRING_LIST,
	  FIELD(settings_trusted, transports),
	  .size = SETTINGS_TRANSPORT_MAX,
	  .count_offset = offsetof(struct settings_trusted, transport_count),
	  .max_items = SETTINGS_TRANSPORTS_MAX,
	  .help = "Of udp, tcp and tls. Without it: all three, or udp where a port is given. "
		  "Prefer tcp or tls where others share its network: the source of UDP can be "
		  "forged." },
	{ .key = "port",
	  U32(settings_trusted, port, 0, 65535),
	  .preset = "0",
	  .help = "UDP port that it sends from. 0: any." },
	{ .key = "client_certificate",
	  .type = CONF_BOOL,
	  FIELD(settings_trusted, client_certificate),
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

static const struct conf_field g_sip_fields[] = {
	{ .key = "realm",
	  TEXT(settings_sip, realm),
	  .preset = "tandem",
	  .at_start = true,
	  .help = "Digest realm. Passwords are kept as hashes over it: after a change each must be "
		  "set again." },
	{ .key = "digest_algorithms",
	  .type = CONF_STRING_LIST,
	  FIELD(settings_sip, digest_algorithms),
	  .size = SETTINGS_ALGORITHM_MAX,
	  .count_offset = offsetof(struct settings_sip, digest_algorithm_count),
	  .max_items = DIGEST_ALGORITHMS,
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
	  .type = CONF_STRING_LIST,
	  FIELD(settings_sip, domains),
	  .size = SHARD_DOMAIN_MAX,
	  .count_offset = offsetof(struct settings_sip, domain_count),
	  .max_items = SETTINGS_DOMAINS_MAX,
	  .help = "Names of this node, such as \"pbx.example.org\" or \"*.example.org\". A call to "
		  "an "
		  "extension at another domain is answered 404. Own are also the realm, the "
		  "addresses in networks, the names in the certificates of tls, and the domain "
		  "that the caller's own From has." },
	{ .key = "digits",
	  .type = CONF_ENUM,
	  FIELD(settings_sip, digits),
	  .names = g_digits_names,
	  .preset = "hidden",
	  .help = "Digits that people press may be PINs. hidden: they cross between the parties, "
		  "and "
		  "are neither stored in Redis nor logged; shown: the stream of events has each "
		  "(call.digit)." },
	{ .key = "info_types",
	  .type = CONF_STRING_LIST,
	  FIELD(settings_sip, info_types),
	  .size = SHARD_INFO_TYPE_MAX,
	  .count_offset = offsetof(struct settings_sip, info_type_count),
	  .max_items = SHARD_INFO_TYPES_MAX,
	  .help = "Media types, such as \"application/x-foo\", that phones may send each other by "
		  "INFO; "
		  "\"*\": all. Keys and picture requests always pass; other types are answered "
		  "415." },
	{ .key = "x_headers",
	  .type = CONF_STRING_LIST,
	  FIELD(settings_sip, x_headers),
	  .size = IDENTITY_EXTRA_NAME_MAX,
	  .count_offset = offsetof(struct settings_sip, x_header_count),
	  .max_items = IDENTITY_EXTRA_MAX,
	  .help = "Headers of an INVITE that pass to who is called, such as \"X-Account\"; "
		  "\"X-Crm-*\": all that begin so. Others are dropped." },
	{ .key = "trusted",
	  .type = CONF_LIST,
	  FIELD(settings_sip, trusted),
	  .fields = g_trusted_fields,
	  .short_key = "prefix",
	  .size = sizeof(struct settings_trusted),
	  .count_offset = offsetof(struct settings_sip, trusted_count),
	  .max_items = SHARD_TRUSTED_MAX,
	  .help = "Peers whose requests need no password, such as an SBC in front of the node. "
		  "They may call in anybody's name. A text such as \"10.0.0.0/8\" is short for "
		  "a prefix alone. The first rule that fits decides. Nobody is trusted over a "
		  "WebSocket." },
	{ .key = "overload_delay",
	  DURATION(settings_sip, overload_delay, 0, SECONDS(1)),
	  .preset = "20ms",
	  .help = "When the node has more to do than it can, new calls that come while it is "
		  "behind for longer than this are refused with 503 and Retry-After, before they "
		  "are parsed. Calls that exist, registrations and emergency numbers go on. 0s: "
		  "off." },
	{ .key = "emergency_numbers",
	  .type = CONF_STRING_LIST,
	  FIELD(settings_sip, emergency_numbers),
	  .size = SHARD_EMERGENCY_LEN,
	  .count_offset = offsetof(struct settings_sip, emergency_number_count),
	  .max_items = SHARD_EMERGENCY_MAX,
	  .help = "Numbers whose calls are never refused by a quota, by a drain or because the "
		  "node is overloaded; a few calls and ports are kept for them. Without it: 112, "
		  "911, 999, 110, 000, 118, 119, 113, 115; []: none. Take out what is an ordinary "
		  "extension of yours." },
	{ .key = NULL },
};

static const struct conf_field g_codes_fields[] = {
	{ .key = "enabled",
	  .type = CONF_BOOL,
	  FIELD(settings_codes, enabled),
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

static const struct conf_field g_call_codes_fields[] = {
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

static const struct conf_field g_certificate_fields[] = {
	{ .key = "certificate",
	  TEXT(tls_files, certificate),
	  .required = true,
	  .help = "PEM file of the certificate and its chain." },
	{ .key = "key", TEXT(tls_files, key), .required = true, .help = "PEM file of its key." },
	{ .key = NULL },
};

static const struct conf_field g_tls_fields[] = {
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
	  .type = CONF_ENUM,
	  FIELD(settings_tls, client_certificates),
	  .names = g_client_names,
	  .preset = "none",
	  .help = "Whether phones must show a certificate, browsers over WSS and whoever asks "
		  "HTTPS "
		  "as well; optional: one that is shown must be "
		  "good." },
	{ .key = "certificates",
	  .type = CONF_LIST,
	  FIELD(settings_tls, certificates),
	  .fields = g_certificate_fields,
	  .size = sizeof(struct tls_files),
	  .count_offset = offsetof(struct settings_tls, certificate_count),
	  .max_items = TLS_IDENTITIES_MAX - 1,
	  .help = "Further ones: whoever asks for a name in one of them (SNI) gets that one." },
	{ .key = NULL },
};

static const struct conf_field g_dpdk_fields[] = {
	{ .key = "device",
	  TEXT(settings_dpdk, device),
	  .at_start = true,
	  .help = "The device: a PCI address (\"0000:03:00.0\") or a driver with its parameters "
		  "(\"net_memif0,role=server,socket=/run/m.sock\"). Take role=server with "
		  "net_memif: DPDK's client does not connect again when its peer comes back." },
	{ .key = "args",
	  .type = CONF_STRING_LIST,
	  FIELD(settings_dpdk, args),
	  .size = DPDK_ARG_MAX,
	  .count_offset = offsetof(struct settings_dpdk, arg_count),
	  .max_items = DPDK_ARGS_MAX,
	  .at_start = true,
	  .help = "More arguments for DPDK's EAL, after those that the node gives it." },
	{ .key = "hugepages",
	  .type = CONF_BOOL,
	  FIELD(settings_dpdk, hugepages),
	  .preset = "true",
	  .at_start = true,
	  .help = "false: ordinary memory. Enough for devices that are none of hardware." },
	{ .key = "tap",
	  TEXT(settings_dpdk, tap),
	  .at_start = true,
	  .help = "Name of a TAP interface that is made with the device's MAC address: all that is "
		  "not media passes through it, so the device's addresses and routes belong on it. "
		  "It is gone with the node. Needs CAP_NET_ADMIN at start alone." },
	{ .key = "gateway",
	  TEXT(settings_dpdk, gateway),
	  .at_start = true,
	  .help = "Where no interface of the kernel stands for the device: the MAC address frames "
		  "go to. Without it a party must send first." },
	{ .key = NULL },
};

static const struct conf_field g_media_fields[] = {
	{ .key = "port",
	  .type = CONF_ENUM,
	  FIELD(settings_media, port),
	  .names = g_port_names,
	  .preset = "auto",
	  .at_start = true,
	  .help = "How packets come and go: io_uring or epoll over the kernel's sockets (auto: the "
		  "first that is allowed), dpdk, or xdp: AF_XDP on networks[].interface, which "
		  "needs CAP_NET_ADMIN, CAP_NET_RAW, CAP_BPF and CAP_PERFMON at start alone. An "
		  "interface that "
		  "is made again while the node runs is used again, on Linux 6.0 and newer." },
	{ .key = "xdp_forward",
	  .type = CONF_ENUM,
	  FIELD(settings_media, xdp_forward),
	  .names = g_forward_names,
	  .preset = "auto",
	  .at_start = true,
	  .help = "With media.port: xdp, whether the kernel forwards plain RTP of two parties by "
		  "itself while nothing is to be decided about it: auto (where a frame surely "
		  "leaves by the interface that it came by), on (also from one interface to "
		  "another, and over veth, whose other end must have an XDP program then), or "
		  "off." },
	{ .key = "xdp_forward_alive",
	  DURATION(settings_media, xdp_forward_alive, SECONDS(2), SECONDS(3600)),
	  .preset = "10s",
	  .at_start = true,
	  .help = "With xdp_forward: the kernel goes on for so long after the last sign of life of "
		  "the "
		  "thread that carries a call's packets. Then it drops them, so that a node that "
		  "hangs "
		  "does not speak for ever." },
	{ .key = "workers",
	  U32(settings_media, workers, 1, 16),
	  .preset = "1",
	  .at_start = true,
	  .help = "Threads that carry packets. A call goes to the one with the least load, and "
		  "stays there." },
	{ .key = "latch",
	  .type = CONF_ENUM,
	  FIELD(settings_media, latch),
	  .names = g_latch_names,
	  .preset = "same-ip",
	  .help = "Whose RTP is believed: strict (the signalled address and port), same-ip (the "
		  "signalled address, its "
		  "first port), any-once (the first source at all)." },
	{ .key = "dscp_audio",
	  U32(settings_media, dscp_audio, 0, 63),
	  .preset = "46",
	  .help = "DSCP of all but video, for calls set up from now on." },
	{ .key = "dscp_video",
	  U32(settings_media, dscp_video, 0, 63),
	  .preset = "34",
	  .help = "DSCP of video, for calls set up from now on." },
	{ .key = "dscp_sip",
	  U32(settings_media, dscp_sip, 0, 63),
	  .preset = "24",
	  .at_start = true,
	  .help = "DSCP of SIP." },
	{ .key = "video",
	  .type = CONF_BOOL,
	  FIELD(settings_media, video),
	  .preset = "true",
	  .help = "Relay H.264 video; false: video is refused, the call goes on with audio." },
	{ .key = "transcode",
	  .type = CONF_BOOL,
	  FIELD(settings_media, transcode),
	  .preset = "true",
	  .help = "Audio is decoded and encoded again between two parties that have no codec in "
		  "common, where the node codes one of each: PCMA, PCMU, G722, opus, G726-32, and "
		  "G729 where its module is installed. A codec profile may say otherwise. For "
		  "calls set up from now on." },
	{ .key = "transcode_complexity",
	  U32(settings_media, transcode_complexity, 0, 10),
	  .preset = "5",
	  .help = "Complexity of Opus with which audio is encoded again, while a media worker has "
		  "time: at 10 it takes nearly twice the CPU of 5, at 0 half. Under load it is "
		  "half "
		  "of that, and then 0." },
	{ .key = "transcode_busy",
	  U32(settings_media, transcode_busy, 10, 100),
	  .preset = "70",
	  .help = "Load of a media worker, in percent of a core, from which on the complexity goes "
		  "down by a step each second; below three quarters of it for 5 seconds, up "
		  "again." },
	{ .key = "transcode_opus_rate",
	  .type = CONF_ENUM,
	  FIELD(settings_media, transcode_opus_rate),
	  .names = g_opus_rate_names,
	  .preset = "auto",
	  .help = "Hz at which Opus is decoded, and encoded, where audio is encoded again. auto: "
		  "as the other codec has it, 8000 or 16000; there is nothing to hear above. "
		  "48000: as servers do that know no other rate, so that calls sound and cost as "
		  "with them: 24 kbit/s, up to four times the CPU, and 1 to 2 ms of delay. For "
		  "calls set up or changed from now on." },
	{ .key = "timeout",
	  DURATION(settings_media, timeout, 0, SECONDS(86400)),
	  .preset = "300s",
	  .help = "A call ends when a party that should send audio or video sends neither RTP nor "
		  "RTCP for so long; 0s: never. For calls set up or changed from now on." },
	{ .key = "port_rest",
	  DURATION(settings_media, port_rest, 0, SECONDS(3600)),
	  .preset = "60s",
	  .at_start = true,
	  .help = "A media port of an ended call is not used again before this." },
	{ .key = "batch_wait_us",
	  U32(settings_media, batch_wait_us, 100, 20000),
	  .preset = "1000",
	  .help = "Microseconds a packet may wait for others, so that they share a system call. "
		  "Less is less delay, more is less CPU: docs/benchmarks.md has the table. An idle "
		  "worker waits a quarter of it." },
	{ .key = "sounds",
	  TEXT(settings_media, sounds),
	  .help = "Folder of sounds, which the node's user can read; in it a folder for each "
		  "tenant: default. An absolute path. Without it: sounds in state_dir." },
	{ .key = "music",
	  TEXT(settings_media, music),
	  .help = "What a party hears while it is held: name of a WAV file in the tenant's folder "
		  "of sounds, such as music.wav, of at most 64 MiB and 10 minutes; it begins anew "
		  "at "
		  "its end. SIGHUP reads the file again. One that cannot be used changes nothing; "
		  "it "
		  "is tried again every 10 seconds. Without it: nothing is heard." },
	{ .key = "tones",
	  .type = CONF_ENUM,
	  FIELD(settings_media, tones),
	  .names = g_settings_tones,
	  .preset = "etsi",
	  .help = "The country whose tones a party hears of the node, such as ringback while "
		  "another is rung for it, or that another call waits: au, de, fr, jp, uk or us; "
		  "etsi: those that most "
		  "countries of Europe are close to; off: nothing is heard." },
	{ .key = "dpdk",
	  .type = CONF_MAP,
	  FIELD(settings_media, dpdk),
	  .fields = g_dpdk_fields,
	  .help = "With port: dpdk. The packages of deploy/packages/dpdk.txt must be installed." },
	{ .key = NULL },
};

static const struct conf_field g_dns_fields[] = {
	{ .key = "servers",
	  .type = CONF_STRING_LIST,
	  FIELD(settings_dns, servers),
	  .size = ADDR_TEXT_MAX,
	  .count_offset = offsetof(struct settings_dns, server_count),
	  .max_items = SETTINGS_DNS_SERVERS_MAX,
	  .help = "Name servers, at most three, as 192.0.2.53 or [2001:db8::53]:5353. They must "
		  "answer for all names (recursion); the one that answered last is asked first. "
		  "Without it: the nameserver lines of /etc/resolv.conf, which is read again when "
		  "it has changed. /etc/hosts and search lists are not used." },
	{ .key = NULL },
};

static const struct conf_field g_redis_fields[] = {
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
	  .type = CONF_ENUM,
	  FIELD(settings_redis, fsync),
	  .names = g_settings_fsync,
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
	  .type = CONF_BOOL,
	  FIELD(settings_redis, save_calls),
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

static const struct conf_field g_cluster_fields[] = {
	{ .key = "listen",
	  .type = CONF_ADDR,
	  FIELD(settings_cluster, listen),
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
	  .type = CONF_U32_LIST,
	  FIELD(settings_cluster, shards),
	  .count_offset = offsetof(struct settings_cluster, shards_count),
	  .max_items = SETTINGS_CLUSTER_SHARDS_MAX,
	  .min = 1,
	  .max = 65535,
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
	  .type = CONF_BOOL,
	  FIELD(settings_cluster, failback),
	  .preset = "true",
	  .help = "Whether the node asks for its own shards when it is ready and another node has "
		  "them. false: they stay there until shard.take, a drain, or that node's end." },
	{ .key = NULL },
};

static const struct conf_field g_http_fields[] = {
	{ .key = "bind",
	  .type = CONF_ADDR,
	  FIELD(settings_http, bind),
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
	  .type = CONF_ADDR,
	  FIELD(settings_http, health_bind),
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
	  .type = CONF_BOOL,
	  FIELD(settings_http, tls),
	  .preset = "false",
	  .at_start = true,
	  .help = "true: HTTPS and WSS, with the certificates of tls. Browsers want it anywhere "
		  "but on their own machine." },
	{ .key = "sip",
	  .type = CONF_BOOL,
	  FIELD(settings_http, sip),
	  .preset = "true",
	  .at_start = true,
	  .help = "SIP over WebSocket (RFC 7118) on the path /ws." },
	{ .key = "origins",
	  .type = CONF_STRING_LIST,
	  FIELD(settings_http, origins),
	  .size = ORIGIN_MAX,
	  .count_offset = offsetof(struct settings_http, origin_count),
	  .max_items = SETTINGS_ORIGINS_MAX,
	  .help = "Whose pages may open WebSockets, such as \"https://phone.example.org\"; "
		  "\"*\": all. Without it: pages of the very host and port they connect to, and "
		  "without TLS only where that is an address or localhost. Clients that are no "
		  "browsers name no origin: that is no reason to refuse them." },
	{ .key = NULL },
};

static const struct conf_field g_log_fields[] = {
	{ .key = "level",
	  .type = CONF_ENUM,
	  FIELD(settings_log, level),
	  .names = g_log_levels,
	  .preset = "info",
	  .help = "Least level that is written." },
	{ .key = "format",
	  .type = CONF_ENUM,
	  FIELD(settings_log, format),
	  .names = g_format_names,
	  .preset = "text",
	  .help = "text: key=value; json: one object a line." },
	{ .key = NULL },
};

static const struct conf_field g_limits_fields[] = {
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
	  .help = "Subscriptions of a shard at once: lamps of phones. No tenant has more than "
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

static const struct conf_field g_quotas_fields[] = {
	{ .key = "share",
	  U32(settings_quotas, share, 1, 100),
	  .preset = "90",
	  .help = "No extension, peer or source has more than so many percent of limits.calls, of "
		  "limits.transactions and of the media ports, whatever its quota. 100 lets a "
		  "single one fill the node." },
	{ .key = "extension",
	  .type = CONF_MAP,
	  FIELD(settings_quotas, extension),
	  .fields = g_quota_extension_fields,
	  .help = "Of each extension, for what it begins." },
	{ .key = "peer",
	  .type = CONF_MAP,
	  FIELD(settings_quotas, peer),
	  .fields = g_quota_peer_fields,
	  .help = "Of each address that sip.trusted names, or of a rule of it that has limits of "
		  "its own: calls_max and calls_per_second count in the place of these." },
	{ .key = "source",
	  .type = CONF_MAP,
	  FIELD(settings_quotas, source),
	  .fields = g_quota_source_fields,
	  .help = "Of all extensions behind one address together (IPv6: a /64): an office behind "
		  "one NAT." },
	{ .key = NULL },
};

static const struct conf_field g_trace_fields[] = {
	{ .key = "decrypted",
	  .type = CONF_BOOL,
	  FIELD(settings_trace, decrypted),
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

static const struct conf_field g_hep_fields[] = {
	{ .key = "collector",
	  .type = CONF_ADDR,
	  FIELD(settings_hep, collector),
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

/* In the order of enum settings_destination_kind. */
static const char *const g_kind_names[] = {
	"directory", "s3", "http", "sftp", "ftp", "mail", NULL
};

static const struct conf_field g_destination_fields[] = {
	{ .key = "name",
	  TEXT(settings_destination, name),
	  .required = true,
	  .help = "Name of the destination, for deliver, tenants and logs." },
	{ .key = "kind",
	  .type = CONF_ENUM,
	  FIELD(settings_destination, kind),
	  .names = g_kind_names,
	  .required = true,
	  .help = "What it is: a directory that is shared, as by NFS; s3: storage with the API of "
		  "Amazon S3; http: a server that takes PUT; sftp, ftp, or mail." },
	{ .key = "url",
	  TEXT(settings_destination, url),
	  .required = true,
	  .help = "Where: an absolute path of a directory that is there; "
		  "https://s3.eu-central-1.amazonaws.com; https://files.example.org/calls; "
		  "sftp://files.example.org/srv/calls, or /~/calls below the home of the user; "
		  "ftp://files.example.org/calls, or ftps:// where TLS comes first; "
		  "smtp://mail.example.org:587, or smtps://. http:// goes to this machine alone. "
		  "The tenant, the date and the name of the recording come behind it." },
	{ .key = "user",
	  TEXT(settings_destination, user),
	  .help = "Name of the user, or of the access key of S3." },
	{ .key = "password_file",
	  TEXT(settings_destination, password_file),
	  .help = "File whose first line is its password, the secret key of S3, or the passphrase "
		  "of key_file; others than the node's user may not read it (chmod 600). SIGHUP "
		  "reads it again." },
	{ .key = "key_file",
	  TEXT(settings_destination, key_file),
	  .help = "With sftp: PEM file of the private key, in the place of a password." },
	{ .key = "known_hosts",
	  TEXT(settings_destination, known_hosts),
	  .help = "With sftp: file of the keys of servers, as ssh-keyscan writes it. Only a server "
		  "that is in it is believed." },
	{ .key = "ca",
	  TEXT(settings_destination, ca),
	  .help = "PEM file of the authorities that may have signed the server's certificate. "
		  "Without it: those of the system." },
	{ .key = "bucket", TEXT(settings_destination, bucket), .help = "With s3: the bucket." },
	{ .key = "region",
	  TEXT(settings_destination, region),
	  .preset = "us-east-1",
	  .help = "With s3: its region, which is signed." },
	{ .key = "path_style",
	  .type = CONF_BOOL,
	  FIELD(settings_destination, path_style),
	  .preset = "false",
	  .help = "With s3: true: the bucket stands in the path of the URL, as servers of one's "
		  "own "
		  "want it; false: before the host, as Amazon wants it." },
	{ .key = "starttls",
	  .type = CONF_BOOL,
	  FIELD(settings_destination, starttls),
	  .preset = "true",
	  .help = "With ftp:// and smtp://: nothing is said before there is TLS. false: passwords "
		  "and recordings go there in plain." },
	{ .key = "metadata",
	  .type = CONF_BOOL,
	  FIELD(settings_destination, metadata),
	  .preset = "true",
	  .help = "The file NAME.json, which says whose recording it is, follows the recording." },
	{ .key = "from",
	  TEXT(settings_destination, from),
	  .help = "With mail: the address of the sender." },
	{ .key = "to",
	  .type = CONF_STRING_LIST,
	  FIELD(settings_destination, to),
	  .size = sizeof(((struct settings_destination *)0)->to[0]),
	  .count_offset = offsetof(struct settings_destination, to_count),
	  .max_items = SETTINGS_RECIPIENTS_MAX,
	  .help = "With mail: the addresses of the receivers." },
	{ .key = "max_mib",
	  U32(settings_destination, max_mib, 0, 1048576),
	  .preset = "0",
	  .help = "A file of more MiB becomes a dead letter at once. 0: any goes; of mail 20." },
	{ .key = "part_mib",
	  U32(settings_destination, part_mib, 5, 5120),
	  .preset = "64",
	  .help = "With s3: a file of more MiB goes in parts of so many. One that was sent is not "
		  "sent again after a failure. A file has at most 1,000 parts: of a very large one "
		  "they are larger." },
	{ .key = NULL },
};

static const struct conf_field g_tenant_certificate_fields[] = {
	{ .key = "tenant",
	  TEXT(settings_tenant_certificate, tenant),
	  .required = true,
	  .help = "Name of the tenant." },
	{ .key = "file",
	  TEXT(settings_tenant_certificate, file),
	  .required = true,
	  .help = "Its PEM file." },
	{ .key = NULL },
};

/* As enum sip_transport. */
static const char *const g_siprec_transports[] = { "udp", "tcp", "tls", NULL };

static const struct conf_field g_siprec_fields[] = {
	{ .key = "address",
	  TEXT(settings_siprec, address),
	  .help = "Address or name of an external recorder (SIPREC, RFC 7866), with ':' and a port "
		  "or without. A name without a port is looked up by SRV (RFC 3263). Calls go "
		  "there "
		  "whose extension or trunk has record_to=siprec. Without it: there is none." },
	{ .key = "more",
	  .type = CONF_STRING_LIST,
	  FIELD(settings_siprec, more),
	  .size = SETTINGS_SIPREC_ADDRESS_MAX,
	  .count_offset = offsetof(struct settings_siprec, more_count),
	  .max_items = SETTINGS_SIPREC_MORE_MAX,
	  .help = "Addresses or names of further recorders, in this order. The next one is asked "
		  "where one "
		  "does not answer within 4 s, cannot be reached, or refuses with 5xx." },
	{ .key = "auth_user",
	  TEXT(settings_siprec, auth_user),
	  .help = "Who the node is where a recorder asks for credentials (401, 407). Without it: "
		  "nobody." },
	{ .key = "auth_realm",
	  TEXT(settings_siprec, auth_realm),
	  .help = "The realm in which it is that. Other realms get no credentials." },
	{ .key = "password", TEXT(settings_siprec, password), .help = "Its password there." },
	{ .key = "transport",
	  .type = CONF_ENUM,
	  FIELD(settings_siprec, transport),
	  .names = g_siprec_transports,
	  .preset = "tcp",
	  .help = "How it is asked. Over udp its INVITEs are longer than most paths carry in one "
		  "piece." },
	{ .key = "user",
	  TEXT(settings_siprec, user),
	  .help = "User part of its URI. Without it: its URI has none." },
	{ .key = "network",
	  TEXT(settings_siprec, network),
	  .help = "Network of this node (networks) by which alone it is reached. Without it: the "
		  "first one that can." },
	{ .key = "srtp",
	  .type = CONF_BOOL,
	  FIELD(settings_siprec, srtp),
	  .preset = "false",
	  .help = "What is sent to it is SRTP, with keys in SDP (RFC 4568). Needs transport tls." },
	{ .key = NULL },
};

static const char *const g_opus_names[] = { "off", "keep", "replace", NULL };
static const char *const g_recording_names[] = { "wav", "pcapng", NULL };
/* In the order of enum record_account. */
static const char *const g_account_names[] = { "allow", "refuse", "disconnect", NULL };

static const struct conf_field g_recordings_fields[] = {
	{ .key = "folder",
	  TEXT(settings_recordings, folder),
	  .at_start = true,
	  .help = "Folder of recordings, in it one for each tenant and day. An absolute path. "
		  "Without it: recordings in state_dir." },
	{ .key = "format",
	  .type = CONF_ENUM,
	  FIELD(settings_recordings, format),
	  .names = g_recording_names,
	  .preset = "wav",
	  .help = "What files are made from now on: wav (stereo, what is said and what is heard), "
		  "or pcapng (the packets, deciphered, with the digits that are pressed)." },
	{ .key = "memory_mib",
	  U32(settings_recordings, memory_mib, 1, 65536),
	  .preset = "64",
	  .at_start = true,
	  .help = "Most MiB of recordings that wait for the disk. What does not fit is missing in "
		  "the file, which says so (docs/guides/recording.md)." },
	{ .key = "most",
	  U32(settings_recordings, most, 1, 16384),
	  .preset = "2000",
	  .at_start = true,
	  .help = "Recordings at once. A further one fails, and its call goes on." },
	{ .key = "tone",
	  DURATION(settings_recordings, tone, 0, SECONDS(3600)),
	  .preset = "0s",
	  .help = "While a call is recorded, both parties hear a short tone when that begins and "
		  "so "
		  "often from then on, such as 15s: at least 1s. 0s: never. Not while the "
		  "recording "
		  "is paused." },
	{ .key = "follow_preferences",
	  .type = CONF_BOOL,
	  FIELD(settings_recordings, follow_preferences),
	  .preset = "false",
	  .help = "Whether what a phone says of recording in its session (a=recordpref, RFC 7866) "
		  "is done, as if its party had pressed the code: of extensions with "
		  "record=on_demand alone. Else it is written to the log." },
	{ .key = "account_code",
	  .type = CONF_ENUM,
	  FIELD(settings_recordings, account_code),
	  .names = g_account_names,
	  .preset = "allow",
	  .help = "What an account code does to a call that is recorded (call.account_code, "
		  "call_codes.account): allow (call and recording go on), refuse (the call keeps "
		  "the code that it has), or disconnect (the call ends, as with older systems)." },
	{ .key = "port",
	  U32(settings_recordings, port, 0, 65535),
	  .preset = "0",
	  .at_start = true,
	  .help = "TCP port on http.bind where recordings are fetched, by links of recording.link "
		  "alone; with TLS where http.tls is true. With TLS it has record pages, too "
		  "(extension.page). 0: none." },
	{ .key = "store",
	  .type = CONF_LIST,
	  FIELD(settings_recordings, store),
	  .fields = g_destination_fields,
	  .size = sizeof(struct settings_destination),
	  .count_offset = offsetof(struct settings_recordings, store_count),
	  .max_items = SETTINGS_DESTINATIONS_MAX,
	  .help = "Destinations of recordings (docs/guides/recording-store.md)." },
	{ .key = "deliver",
	  .type = CONF_STRING_LIST,
	  FIELD(settings_recordings, deliver),
	  .size = SETTINGS_DESTINATION_NAME_MAX,
	  .count_offset = offsetof(struct settings_recordings, deliver_count),
	  .max_items = SETTINGS_DELIVER_MAX,
	  .help = "Names of the destinations that recordings of a tenant go to, each to all of "
		  "them, where the tenant's document names none (recording_store). Without it: "
		  "they stay in folder." },
	{ .key = "retry",
	  DURATION(settings_recordings, retry, 100 * NS_PER_MS, SECONDS(3600)),
	  .preset = "5s",
	  .help = "After a failure a delivery is tried again after about so long, then after twice "
		  "as long, and so on." },
	{ .key = "retry_max",
	  DURATION(settings_recordings, retry_max, SECONDS(1), SECONDS(86400)),
	  .preset = "3600s",
	  .help = "The longest of these pauses." },
	{ .key = "give_up",
	  DURATION(settings_recordings, give_up, SECONDS(1), SECONDS(31536000)),
	  .preset = "604800s",
	  .help = "What is not delivered so long after the first try becomes a dead letter: it "
		  "stays in folder, and delivery.retry tries it again." },
	{ .key = "refusals",
	  U32(settings_recordings, refusals, 1, 100),
	  .preset = "3",
	  .help = "So many refusals in turn make a dead letter: a wrong password, a folder that "
		  "may "
		  "not be written, a server whose key is not known." },
	{ .key = "scan",
	  DURATION(settings_recordings, scan, 100 * NS_PER_MS, SECONDS(3600)),
	  .preset = "5s",
	  .help = "How often folder is looked through for what is new; for what is old, and to "
		  "count "
		  "all, 30 times as rarely." },
	{ .key = "join_wait",
	  DURATION(settings_recordings, join_wait, 0, SECONDS(86400)),
	  .preset = "3600s",
	  .help = "A recording that was interrupted has several files. They wait so long for the "
		  "last one, and become one before they are delivered. 0s: they are delivered each "
		  "by itself." },
	{ .key = "keep_days",
	  U32(settings_recordings, keep_days, 0, 36500),
	  .preset = "0",
	  .help = "Recordings of more days ago are deleted from folder, delivered or not. 0: none "
		  "is. A tenant's document may say otherwise (recording_days)." },
	{ .key = "list_days",
	  U32(settings_recordings, list_days, 0, 36500),
	  .preset = "30",
	  .help = "All nodes know so long what became of a recording, by Redis: recording.list "
		  "without node says it, also of one that is deleted, or of a node that is gone. "
		  "Where recordings are kept for longer, as long as they are. 0: each node knows "
		  "of its own." },
	{ .key = "delete_delivered",
	  .type = CONF_BOOL,
	  FIELD(settings_recordings, delete_delivered),
	  .preset = "false",
	  .help = "A recording is deleted from folder when all of its destinations have it." },
	{ .key = "free_mib",
	  U32(settings_recordings, free_mib, 0, 1073741824),
	  .preset = "1024",
	  .help = "With less room on the disk of folder, recordings that are delivered are "
		  "deleted, "
		  "the oldest day first. 0: never." },
	{ .key = "opus",
	  .type = CONF_ENUM,
	  FIELD(settings_recordings, opus),
	  .names = g_opus_names,
	  .preset = "off",
	  .help = "Finished WAV files are coded as Opus in Ogg, at idle priority, before they are "
		  "delivered: replace (the WAV file is deleted), keep (it is delivered as well), "
		  "or off." },
	{ .key = "opus_wait",
	  DURATION(settings_recordings, opus_wait, SECONDS(1), SECONDS(2592000)),
	  .preset = "21600s",
	  .help = "A recording that waited so long to be coded goes as WAV. So the backlog of a "
		  "machine without idle time has a bound." },
	{ .key = "copies",
	  U32(settings_recordings, copies, 0, 1),
	  .preset = "0",
	  .help = "1: another node of the cluster has a copy of what is not stored yet, also of "
		  "what is being recorded, and delivers it where the host of this node is lost. "
		  "All nodes want the same." },
	{ .key = "copies_mib",
	  U32(settings_recordings, copies_mib, 1, 1073741824),
	  .preset = "10240",
	  .help = "Copies of other nodes' recordings may have so many MiB here." },
	{ .key = "copies_every",
	  DURATION(settings_recordings, copies_every, SECONDS(2), SECONDS(30)),
	  .preset = "5s",
	  .help = "How often what was recorded since goes to the other node. What comes late is "
		  "written up to 2 s back, so it is not less." },
	{ .key = "copies_wait",
	  DURATION(settings_recordings, copies_wait, SECONDS(1), SECONDS(2592000)),
	  .preset = "900s",
	  .help = "When a node is not there for so long, whoever has copies of its recordings "
		  "delivers them." },
	{ .key = "certificate",
	  TEXT(settings_recordings, certificate),
	  .help = "PEM file of up to 8 certificates, without a private key. Finished recordings "
		  "are encrypted for each of them (CMS), and what is plain is deleted. SIGHUP "
		  "reads "
		  "it again. Without it: they stay as they are." },
	{ .key = "tenant_certificates",
	  .type = CONF_LIST,
	  FIELD(settings_recordings, tenant_certificates),
	  .fields = g_tenant_certificate_fields,
	  .size = sizeof(struct settings_tenant_certificate),
	  .count_offset = offsetof(struct settings_recordings, tenant_certificate_count),
	  .max_items = SETTINGS_TENANT_CERTIFICATES_MAX,
	  .help = "The same of tenants, in the place of certificate." },
	{ .key = NULL },
};

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
	  .type = CONF_STRING_LIST,
	  FIELD(settings_live_endpoint, tenants),
	  .size = TENANT_NAME_MAX,
	  .count_offset = offsetof(struct settings_live_endpoint, tenant_count),
	  .max_items = SETTINGS_LIVE_TENANTS_MAX,
	  .help = "Tenants whose calls may go there. Without it: all." },
	{ .key = "format",
	  .type = CONF_ENUM,
	  FIELD(settings_live_endpoint, format),
	  .names = g_live_formats,
	  .preset = "l16",
	  .help = "Of the sound, both ways: 16 bits, the low octet first, or G.711 mu-law." },
	{ .key = "rate",
	  U32(settings_live_endpoint, rate, 8000, 24000),
	  .preset = "16000",
	  .help = "Samples a second of l16: 8000, 16000 or 24000. ulaw has 8000." },
	{ .key = NULL },
};

static const struct conf_field g_live_fields[] = {
	{ .key = "endpoints",
	  .type = CONF_LIST,
	  FIELD(settings_live, endpoints),
	  .fields = g_live_endpoint_fields,
	  .size = sizeof(struct settings_live_endpoint),
	  .count_offset = offsetof(struct settings_live, endpoint_count),
	  .max_items = SETTINGS_LIVES_MAX,
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
	  .type = CONF_BOOL,
	  FIELD(settings_live, plain),
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

static const struct conf_field g_conferences_fields[] = {
	{ .key = "station_members",
	  U32(settings_conferences, station_members, 3, 2000),
	  .preset = "8",
	  .help = "Members of a conference that began as a call, at most (conference.add). Those "
		  "of "
		  "a room are in its document." },
	{ .key = "station_talkers",
	  U32(settings_conferences, station_talkers, 0, 8),
	  .preset = "3",
	  .help = "How many members of such a conference are heard at a time: the loudest of "
		  "those who speak. 0: all who are not silent. Of conferences that begin from then "
		  "on; those of a room are in its document." },
	{ .key = "command_members",
	  U32(settings_conferences, command_members, 0, 2000),
	  .preset = "0",
	  .help = "The same where a command adds the next one, as programs of users do; phones add "
		  "up to station_members. 0: likewise. Systems that had both gave programs 6 and "
		  "phones 8." },
	{ .key = "incoming",
	  .type = CONF_ENUM,
	  FIELD(settings_conferences, incoming),
	  .names = g_conferences_incoming,
	  .preset = "always",
	  .help = "Whether who has two calls may bring the second one into a conference when that "
		  "call came to him. call_waiting: where his extension has call_waiting single or "
		  "multiple; else his REFER is answered 403, and conference.add not_allowed. That "
		  "is how some systems were." },
	{ .key = "host_succession",
	  .type = CONF_BOOL,
	  FIELD(settings_conferences, host_succession),
	  .preset = "true",
	  .help = "When the host of such a conference leaves, the member that is there for longest "
		  "is host. false: nobody is, and members are dropped by command alone." },
	{ .key = "release",
	  .type = CONF_ENUM,
	  FIELD(settings_conferences, release),
	  .names = g_conferences_release,
	  .preset = "true",
	  .help = "With two members left such a conference is a call of two again, which is "
		  "transferred and parked as any. false: it stays one until one of them leaves. "
		  "initiator_left: it stays one as long as whose conference it is is one of the "
		  "two, and call.transfer gives neither away; he adds whom the other one wants, "
		  "and leaves. That is how some phones did it." },
	{ .key = "tones_most",
	  U32(settings_conferences, tones_most, 0, 2000),
	  .preset = "30",
	  .help = "With more members in a room nobody hears who comes and goes (entry_tone, "
		  "exit_tone of room.put). 0: nobody ever does. Of rooms that begin from then "
		  "on." },
	{ .key = NULL },
};

static const struct conf_field g_ivr_fields[] = {
	{ .key = "max_digits",
	  U32(settings_ivr, max_digits, 1, 16),
	  .preset = "16",
	  .help = "Keys that one call.collect takes, at most: max of the command, and what it is "
		  "where the command has none." },
	{ .key = NULL },
};

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
