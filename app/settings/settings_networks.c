/* SPDX-License-Identifier: Apache-2.0 */
/* Schema of the sections networks and media, and rules for networks and cluster. The rules find
 * what contradicts itself over several settings: two networks that share an address must have ports
 * apart, for SIP, RTP, HTTP and WebRTC. Pure; the machine's own addresses are checked by
 * node_machine.c. */

#include <string.h>

#include "app/settings/settings_schema.h"

/* In the order of enum engine_port. */
static const char *const g_port_names[] = { "auto", "io_uring", "epoll", "dpdk", "xdp", NULL };
/* In the order of enum engine_forward. */
static const char *const g_forward_names[] = { "off", "auto", "on", NULL };
/* As dsp/tone.h has them. */
const char *const g_settings_tones[] = { "off", "au", "de", "etsi", "fr", "jp", "uk", "us", NULL };

/* In the order of enum latch_mode. */
static const char *const g_latch_names[] = { "strict", "same-ip", "any-once", NULL };
static const char *const g_opus_rate_names[] = { "auto", "48000", NULL };

static const struct conf_field g_dpdk_fields[] = {
	SETTING("device", NULL,
		"The device: a PCI address (\"0000:03:00.0\") or a driver with its parameters "
		"(\"net_memif0,role=server,socket=/run/m.sock\"). Take role=server with "
		"net_memif: DPDK's client does not connect again when its peer comes back.",
		TEXT(settings_dpdk, device), .at_start = true),
	SETTING("args", NULL, "More arguments for DPDK's EAL, after those that the node gives it.",
		TEXTS(settings_dpdk, args, arg_count), .at_start = true),
	SETTING("hugepages", "true", "false: ordinary memory. Enough for virtual devices.",
		FLAG(settings_dpdk, hugepages), .at_start = true),
	SETTING("tap", NULL,
		"Name of a TAP interface that is made with the device's MAC address: all that is "
		"not media passes through it, so the device's addresses and routes belong on it. "
		"It is gone with the node. Needs CAP_NET_ADMIN at start alone.",
		TEXT(settings_dpdk, tap), .at_start = true),
	SETTING("gateway", NULL,
		"Where no interface of the kernel stands for the device: the MAC address frames "
		"go to. Without it a party must send first.",
		TEXT(settings_dpdk, gateway), .at_start = true),
	{ .key = NULL },
};

const struct conf_field g_media_fields[] = {
	SETTING("port", "auto",
		"How packets come and go: io_uring or epoll over the kernel's sockets (auto: the "
		"first that is allowed), dpdk, or xdp: AF_XDP on networks[].interface, which needs "
		"CAP_NET_ADMIN, CAP_NET_RAW, CAP_BPF and CAP_PERFMON at start alone. An interface "
		"that is made again while the node runs is used again, on Linux 6.0 and newer.",
		WORD(settings_media, port, g_port_names), .at_start = true),
	SETTING("xdp_forward", "auto",
		"With media.port: xdp, whether the kernel forwards plain RTP of two parties by "
		"itself while nothing is to be decided about it: auto (where a frame surely leaves "
		"by the interface that it came by), on (also from one interface to another, and "
		"over veth; its other end must have an XDP program then), or off.",
		WORD(settings_media, xdp_forward, g_forward_names), .at_start = true),
	SETTING("xdp_forward_alive", "10s",
		"With xdp_forward: the kernel goes on for so long after the last sign of life of "
		"the thread that carries a call's packets. Then it drops them, so that a node that "
		"hangs does not send for ever.",
		DURATION(settings_media, xdp_forward_alive, SECONDS(2), SECONDS(3600)),
		.at_start = true),
	SETTING("workers", "1",
		"Threads that carry packets. A call goes to the one with the least load, and "
		"stays there.",
		U32(settings_media, workers, 1, 16), .at_start = true),
	SETTING("latch", "same-ip",
		"Sources that RTP is accepted from: strict (the signalled address and port), "
		"same-ip (the signalled address, its first port), any-once (the first source at "
		"all).",
		WORD(settings_media, latch, g_latch_names)),
	SETTING("dscp_audio", "46", "DSCP of all but video, for calls set up from now on.",
		U32(settings_media, dscp_audio, 0, 63)),
	SETTING("dscp_video", "34", "DSCP of video, for calls set up from now on.",
		U32(settings_media, dscp_video, 0, 63)),
	SETTING("dscp_sip", "24", "DSCP of SIP.", U32(settings_media, dscp_sip, 0, 63),
		.at_start = true),
	SETTING("video", "true",
		"Relay H.264 video; false: video is refused, the call goes on with audio.",
		FLAG(settings_media, video)),
	SETTING("transcode", "true",
		"Audio is decoded and encoded again between two parties that have no codec in "
		"common, where the node codes one of each: PCMA, PCMU, G722, opus, G726-32, and "
		"G729 where its module is installed. A codec profile may say otherwise. For "
		"calls set up from now on.",
		FLAG(settings_media, transcode)),
	SETTING("transcode_complexity", "5",
		"Complexity of Opus with which audio is encoded again, while a media worker has "
		"time: at 10 it takes nearly twice the CPU of 5, at 0 half. Under load it is half "
		"of that, and then 0.",
		U32(settings_media, transcode_complexity, 0, 10)),
	SETTING("transcode_busy", "70",
		"Load of a media worker, in percent of a core, from which on the complexity goes "
		"down by a step each second; below three quarters of it for 5 seconds, up "
		"again.",
		U32(settings_media, transcode_busy, 10, 100)),
	SETTING("transcode_opus_rate", "auto",
		"Hz at which Opus is decoded, and encoded, where audio is encoded again. auto: "
		"as the other codec has it, 8000 or 16000; there is nothing to hear above. "
		"48000: as servers do that know no other rate, so that calls sound and cost as "
		"with them: 24 kbit/s, up to four times the CPU, and 1 to 2 ms of delay. For "
		"calls set up or changed from now on.",
		WORD(settings_media, transcode_opus_rate, g_opus_rate_names)),
	SETTING("timeout", "300s",
		"A call ends when a party that should send audio or video sends neither RTP nor "
		"RTCP for so long; 0s: never. For calls set up or changed from now on.",
		DURATION(settings_media, timeout, 0, SECONDS(86400))),
	SETTING("port_rest", "60s", "A media port of an ended call is not used again before this.",
		DURATION(settings_media, port_rest, 0, SECONDS(3600)), .at_start = true),
	SETTING("batch_wait_us", "1000",
		"Microseconds a packet may wait for others, so that they share a system call. "
		"Less is less delay, more is less CPU: docs/benchmarks.md has the table. An idle "
		"worker waits a quarter of it.",
		U32(settings_media, batch_wait_us, 100, 20000)),
	SETTING("sounds", NULL,
		"Folder of sounds, which the node's user can read; in it a folder for each "
		"tenant: default. An absolute path. Without it: sounds in state_dir.",
		TEXT(settings_media, sounds)),
	SETTING("music", NULL,
		"Hold music for held parties: name of a WAV file in the tenant's folder of sounds, "
		"such as music.wav, of at most 64 MiB and 10 minutes; it repeats. SIGHUP reads the "
		"file again. One that cannot be used changes nothing; it is tried again every 10 "
		"seconds. Without it: nothing is heard.",
		TEXT(settings_media, music)),
	SETTING("speech_url", NULL,
		"A web server that speaks the texts of flows: it gets text, language and voice as "
		"JSON (POST), and answers with WAV within 3 seconds. Its sound is kept as that of "
		"an engine of this machine, which is used where the server fails (docs/flows.md). "
		"Without it: those engines.",
		TEXT(settings_media, speech_url)),
	SETTING("tones", "etsi",
		"The country of the tones that the node plays, such as ringback and call waiting: "
		"au, de, fr, jp, uk or us; etsi: close to those of most countries of Europe; off: "
		"no tones.",
		WORD(settings_media, tones, g_settings_tones)),
	SETTING("dpdk", NULL,
		"With port: dpdk. The packages of deploy/packages/dpdk.txt must be installed.",
		MAP(settings_media, dpdk, g_dpdk_fields)),
	{ .key = NULL },
};

/* Addresses and ports of networks, that contradict each other. */

static void check_bind(const struct check *c, uint32_t i)
{
	const struct addr *bind = &c->s->networks[i].bind;
	char path[PATH_MAX_BYTES];

	(void)snprintf(path, sizeof(path), "networks[%" PRIu32 "].bind", i);
	if (bind->port) {
		REPORT(c, path,
		       "%s is an address without a port: ports are in sip_ports and media_ports",
		       path);
	}
	if (addr_is_any(bind)) {
		REPORT(c, path,
		       "%s must be an address of this machine: a wildcard cannot be written into "
		       "SIP and SDP; list one network for each address",
		       path);
	} else if (addr_is_multicast(bind)) {
		REPORT(c, path, "%s must not be a multicast address", path);
	}
}

static void check_advertise(const struct check *c, uint32_t i)
{
	struct settings_network *network = &c->s->networks[i];
	char path[PATH_MAX_BYTES];

	(void)snprintf(path, sizeof(path), "networks[%" PRIu32 "].advertise", i);
	if (network->advertise.family == ADDR_NONE) {
		network->advertise = network->bind;
		return;
	}
	if (network->advertise.port)
		REPORT(c, path, "%s is an address without a port", path);
	if (addr_is_any(&network->advertise) || addr_is_multicast(&network->advertise)) {
		REPORT(c, path,
		       "%s must be the address that others reach: no wildcard, no multicast", path);
	}
	if (network->advertise.family != network->bind.family) {
		REPORT(c, path,
		       "%s must be of the same family as bind (IPv%d): list a second network for "
		       "the other one",
		       path, network->bind.family);
	}
}

static bool is_inside(const struct conf_range *range, uint32_t port)
{
	return port >= range->first && port <= range->last;
}

static void check_sip_ports(const struct check *c, uint32_t i)
{
	const struct settings_network *network = &c->s->networks[i];
	char path[PATH_MAX_BYTES];

	(void)snprintf(path, sizeof(path), "networks[%" PRIu32 "].sip_ports", i);
	if (network->sip_port_count == 0)
		REPORT(c, path, "%s must list one port at least", path);
	for (uint32_t p = 0; p < network->sip_port_count; p++) {
		(void)snprintf(path, sizeof(path), "networks[%" PRIu32 "].sip_ports[%" PRIu32 "]",
			       i, p);
		if (is_inside(&network->media_ports, network->sip_ports[p])) {
			REPORT(c, path, "%s: port %" PRIu32 " is one of media_ports", path,
			       network->sip_ports[p]);
		}
		for (uint32_t q = 0; q < p; q++) {
			if (network->sip_ports[q] == network->sip_ports[p]) {
				REPORT(c, path, "%s: port %" PRIu32 " is there twice", path,
				       network->sip_ports[p]);
			}
		}
	}
}

/* What the file leaves out follows from what it says. */
static void fill_stream_ports(const struct check *c, uint32_t i)
{
	struct settings_network *n = &c->s->networks[i];
	uint32_t line, column;
	char path[PATH_MAX_BYTES];
	bool own_ports;

	(void)snprintf(path, sizeof(path), "networks[%" PRIu32 "].sip_ports", i);
	own_ports = !conf_where(c->yaml, path, &line, &column);
	(void)snprintf(path, sizeof(path), "networks[%" PRIu32 "].sip_tcp_ports", i);
	if (conf_where(c->yaml, path, &line, &column)) {
		memcpy(n->sip_tcp_ports, n->sip_ports, sizeof(n->sip_tcp_ports));
		n->sip_tcp_port_count = n->sip_port_count;
	}
	(void)snprintf(path, sizeof(path), "networks[%" PRIu32 "].sip_tls_ports", i);
	if (conf_where(c->yaml, path, &line, &column) && !own_ports) {
		n->sip_tls_ports[0] = sip_transport_port(SIP_TLS);
		n->sip_tls_port_count = 1;
	}
}

struct stream_port {
	uint32_t network, port, at;
	bool tls;
};

static uint32_t list_stream_ports(const struct check *c, struct stream_port *out)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < c->s->network_count; i++) {
		const struct settings_network *n = &c->s->networks[i];

		for (uint32_t p = 0; p < n->sip_tcp_port_count; p++)
			out[count++] = (struct stream_port){ i, n->sip_tcp_ports[p], p, false };
		for (uint32_t p = 0; p < n->sip_tls_port_count; p++)
			out[count++] = (struct stream_port){ i, n->sip_tls_ports[p], p, true };
	}
	return count;
}

static const char *stream_path(const struct stream_port *p, char out[PATH_MAX_BYTES])
{
	(void)snprintf(out, PATH_MAX_BYTES, "networks[%" PRIu32 "].sip_%s_ports[%" PRIu32 "]",
		       p->network, p->tls ? "tls" : "tcp", p->at);
	return out;
}

/* TCP and TLS share the ports of an address, and HTTP has one of them. */
static void check_stream_ports(const struct check *c)
{
	struct stream_port list[SHARD_NETWORKS_MAX * 2 * SETTINGS_SIP_PORTS_MAX];
	uint32_t count = list_stream_ports(c, list);
	const struct settings_http *http = &c->s->http;
	char path[PATH_MAX_BYTES], other[PATH_MAX_BYTES];

	for (uint32_t i = 0; i < count; i++) {
		const struct addr *bind = &c->s->networks[list[i].network].bind;

		(void)stream_path(&list[i], path);
		for (uint32_t k = 0; k < i; k++) {
			if (list[k].port == list[i].port &&
			    addr_ip_eq(bind, &c->s->networks[list[k].network].bind)) {
				REPORT(c, path, "%s: TCP port %" PRIu32 " is %s too", path,
				       list[i].port, stream_path(&list[k], other));
			}
		}
		if (http->port == list[i].port && addr_ip_eq(bind, &http->bind))
			REPORT(c, path, "%s: TCP port %" PRIu32 " is http.port too", path,
			       list[i].port);
	}
}

static void check_media_ports(const struct check *c, uint32_t i)
{
	struct conf_range *range = &c->s->networks[i].media_ports;
	char path[PATH_MAX_BYTES];

	(void)snprintf(path, sizeof(path), "networks[%" PRIu32 "].media_ports", i);
	if (range->last < range->first + (range->first & 1) + 1) {
		REPORT(c, path, "%s must hold an even port and the next one at least: RTP and RTCP",
		       path);
	}
}

/* Two networks on one address share its ports. */
static void check_ports_apart(const struct check *c, uint32_t i, uint32_t other)
{
	const struct settings_network *a = &c->s->networks[other], *b = &c->s->networks[i];
	char path[PATH_MAX_BYTES];

	if (a->media_ports.first <= b->media_ports.last &&
	    b->media_ports.first <= a->media_ports.last) {
		(void)snprintf(path, sizeof(path), "networks[%" PRIu32 "].media_ports", i);
		REPORT(c, path, "%s overlaps that of network %s, which has the same address", path,
		       a->name);
	}
	for (uint32_t p = 0; p < b->sip_port_count; p++) {
		bool taken = is_inside(&a->media_ports, b->sip_ports[p]);

		for (uint32_t q = 0; q < a->sip_port_count; q++)
			taken |= a->sip_ports[q] == b->sip_ports[p];
		(void)snprintf(path, sizeof(path), "networks[%" PRIu32 "].sip_ports[%" PRIu32 "]",
			       i, p);
		if (taken) {
			REPORT(c, path,
			       "%s: port %" PRIu32
			       " belongs to network %s, which has the same address",
			       path, b->sip_ports[p], a->name);
		}
	}
	for (uint32_t q = 0; q < a->sip_port_count; q++) {
		(void)snprintf(path, sizeof(path), "networks[%" PRIu32 "].media_ports", i);
		if (is_inside(&b->media_ports, a->sip_ports[q])) {
			REPORT(c, path,
			       "%s holds SIP port %" PRIu32
			       " of network %s, which has the same address",
			       path, a->sip_ports[q], a->name);
		}
	}
}

/* The ports from webrtc_port on, one for each worker; empty: none. */
static struct conf_range webrtc_ports(const struct check *c, uint32_t i)
{
	uint32_t first = c->s->networks[i].webrtc_port;

	return (struct conf_range){ first, first ? first + c->s->media.workers - 1 : 0 };
}

static bool overlaps(const struct conf_range *a, const struct conf_range *b)
{
	return a->first && b->first && a->first <= b->last && b->first <= a->last;
}

/* Against the UDP ports of network `other`, which has the same address or is the same. */
static void check_webrtc_apart(const struct check *c, uint32_t i, uint32_t other)
{
	const struct settings_network *n = &c->s->networks[other];
	struct conf_range own = webrtc_ports(c, i), its = webrtc_ports(c, other);
	char path[PATH_MAX_BYTES];

	(void)snprintf(path, sizeof(path), "networks[%" PRIu32 "].webrtc_port", i);
	if (overlaps(&own, &n->media_ports))
		REPORT(c, path,
		       "%s: ports %" PRIu32 " to %" PRIu32
		       ", one for each of media.workers, overlap media_ports of network %s",
		       path, own.first, own.last, n->name);
	if (other < i && overlaps(&own, &its))
		REPORT(c, path,
		       "%s: port %" PRIu32 " belongs to network %s, which has the same "
		       "address",
		       path, own.first, n->name);
	for (uint32_t p = 0; own.first && p < n->sip_port_count; p++) {
		if (is_inside(&own, n->sip_ports[p]))
			REPORT(c, path, "%s: port %" PRIu32 " is one of sip_ports of network %s",
			       path, n->sip_ports[p], n->name);
	}
}

static void check_webrtc(const struct check *c, uint32_t i)
{
	struct conf_range own = webrtc_ports(c, i);
	char path[PATH_MAX_BYTES];

	(void)snprintf(path, sizeof(path), "networks[%" PRIu32 "].webrtc_port", i);
	if (own.first && own.last > UINT16_MAX)
		REPORT(c, path, "%s: there are not as many ports above it as media.workers", path);
	if (own.first && c->s->media.port == ENGINE_PORT_DPDK)
		REPORT(c, path, "%s: shared ports are not possible with media.port: dpdk", path);
	for (uint32_t other = 0; own.first && other < c->s->network_count; other++) {
		if (addr_ip_eq(&c->s->networks[i].bind, &c->s->networks[other].bind))
			check_webrtc_apart(c, i, other);
	}
}

static void check_interface(const struct check *c, uint32_t i)
{
	char path[PATH_MAX_BYTES];

	(void)snprintf(path, sizeof(path), "networks[%" PRIu32 "].interface", i);
	rule_interface(c, path, c->s->networks[i].interface);
}

static void check_allow(const struct check *c, uint32_t i)
{
	const struct settings_network *n = &c->s->networks[i];
	char path[PATH_MAX_BYTES];

	for (uint32_t k = 0; k < n->allow_count; k++) {
		(void)snprintf(path, sizeof(path), "networks[%" PRIu32 "].allow[%" PRIu32 "]", i,
			       k);
		if (!settings_allow(bytes_str(n->allow[k])))
			REPORT(c, path, "%s must be one of loopback, link_local, own", path);
	}
}

static void check_network(const struct check *c, uint32_t i)
{
	char path[PATH_MAX_BYTES];

	(void)snprintf(path, sizeof(path), "networks[%" PRIu32 "].name", i);
	if (!rule_is_name(c->s->networks[i].name, false))
		REPORT(c, path, "%s may have small letters, digits, '.', '-' and '_' only", path);
	check_interface(c, i);
	check_allow(c, i);
	check_bind(c, i);
	check_advertise(c, i);
	check_sip_ports(c, i);
	fill_stream_ports(c, i);
	check_media_ports(c, i);
	check_webrtc(c, i);
	for (uint32_t other = 0; other < i; other++) {
		if (!strcmp(c->s->networks[i].name, c->s->networks[other].name)) {
			REPORT(c, path, "%s: two networks are named %s", path,
			       c->s->networks[i].name);
		}
		if (addr_ip_eq(&c->s->networks[i].bind, &c->s->networks[other].bind))
			check_ports_apart(c, i, other);
	}
}

void rule_networks(const struct check *c)
{
	uint32_t locals = 0;

	if (c->s->network_count == 0)
		REPORT(c, "networks", "networks must list at least one network");
	for (uint32_t i = 0; i < c->s->network_count; i++) {
		check_network(c, i);
		locals += c->s->networks[i].sip_port_count + c->s->networks[i].sip_tcp_port_count +
			  c->s->networks[i].sip_tls_port_count;
	}
	check_stream_ports(c);
	if (locals > SETTINGS_SIP_LOCALS_MAX) {
		REPORT(c, "networks",
		       "networks have %" PRIu32 " SIP ports together, at most %d are possible",
		       locals, SETTINGS_SIP_LOCALS_MAX);
	}
}

/* Where messages of other nodes come in. */

static bool any_floats(const struct settings *s)
{
	bool any = false;

	for (uint32_t i = 0; i < s->network_count; i++)
		any |= s->networks[i].floating;
	return any;
}

static void check_address_hook(const struct check *c)
{
	const char *hook = c->s->cluster.address_hook;

	if (!hook[0])
		return;
	if (hook[0] != '/')
		REPORT(c, "cluster.address_hook",
		       "cluster.address_hook must be an absolute path, such as "
		       "/etc/tandem/address-hook");
	else if (!any_floats(c->s))
		REPORT(c, "cluster.address_hook",
		       "cluster.address_hook has nothing to tell: no network is floating");
}

void rule_cluster(const struct check *c)
{
	const struct addr *listen = &c->s->cluster.listen;

	check_address_hook(c);
	if (listen->family == ADDR_NONE)
		return;
	if (!listen->port || addr_is_any(listen) || addr_is_multicast(listen))
		REPORT(c, "cluster.listen",
		       "cluster.listen must be an address of this machine with a port, such as "
		       "192.0.2.10:7946: other nodes send there");
	if (!c->s->redis.place.url[0])
		REPORT(c, "cluster.listen",
		       "cluster.listen needs redis.url: nodes of a cluster share one Redis, and "
		       "without redis.url each has its own");
	if (!c->s->redis.save_calls)
		REPORT(c, "redis.save_calls",
		       "redis.save_calls must be true with cluster.listen: other nodes take over "
		       "what is saved, and a drain hands that over");
}

/* Addresses that phones and carriers reach. */

const struct conf_field g_network_fields[] = {
	SETTING("name", NULL, "Name of the network, for logs.", TEXT(settings_network, name),
		.required = true, .at_start = true),
	SETTING("bind", NULL,
		"Address of this machine for SIP and media. No wildcard: list one network per "
		"address.",
		ADDRESS(settings_network, bind), .required = true, .at_start = true),
	SETTING("advertise", NULL,
		"Address that SIP and SDP name, behind 1:1 NAT; without it, bind.",
		ADDRESS(settings_network, advertise), .at_start = true),
	SETTING("shard", "0",
		"The shard of this node that takes new calls which come to this network; 0: any "
		"of them. With floating it may be a shard of any node of the cluster.",
		U32(settings_network, shard, 0, 65535), .at_start = true),
	SETTING("floating", "false",
		"The address is that of shard, and moves with it: all nodes of the cluster have "
		"the network in their files, and the one that runs the shard listens there. "
		"When that node is gone, another one takes the shard, its calls and its "
		"address.",
		FLAG(settings_network, floating), .at_start = true),
	SETTING("sip_ports", "5060, 10060",
		"UDP ports for SIP. A request of more than 1300 octets stays on UDP, too, whatever "
		"RFC 3261 18.1.1 says: over TCP no phone behind a NAT would hear it.",
		U32S(settings_network, sip_ports, sip_port_count, 1, 65535), .at_start = true),
	SETTING("sip_tcp_ports", NULL,
		"TCP ports for SIP. Without it: the numbers of sip_ports; []: none.",
		U32S(settings_network, sip_tcp_ports, sip_tcp_port_count, 1, 65535),
		.at_start = true),
	SETTING("sip_tls_ports", NULL,
		"TCP ports for SIP over TLS; they are opened when there is a certificate (see "
		"tls). Without it: 5061, but none where sip_ports is given.",
		U32S(settings_network, sip_tls_ports, sip_tls_port_count, 1, 65535),
		.at_start = true),
	SETTING("media_ports", "12000-31999",
		"UDP ports for RTP and RTCP; an audio call takes four. Keep them out of the "
		"ephemeral range of the machine.",
		.type = CONF_RANGE, FIELD(settings_network, media_ports), .min = 1024, .max = 65535,
		.at_start = true),
	SETTING("webrtc_port", "0",
		"UDP port for all media of browsers, outside of media_ports; with several of "
		"media.workers the next ones have the next ports. A firewall then needs no "
		"range open for browsers, but calls still count as if they had ports in "
		"media_ports. Its receive buffer asks for 4 MiB: let sysctl net.core.rmem_max "
		"allow it. 0: each call has ports of its own. Not with media.port: dpdk. After a "
		"change, or with fewer workers, calls of browsers do not outlive the restart.",
		U32(settings_network, webrtc_port, 0, 65535), .at_start = true),
	SETTING("allow", NULL,
		"Special addresses to which the node may send SIP and media where a trusted peer, "
		"or an extension with media_address sdp, names them: loopback, link_local, own "
		"(other programs at the addresses of this node). Without it: none. A network with "
		"such an address as bind allows it.",
		TEXTS(settings_network, allow, allow_count), .at_start = true),
	SETTING("interface", NULL,
		"Name of the Ethernet interface that media of this network crosses. A floating "
		"address is added there; without it, to the interface with the network of the "
		"address, else to that of cluster.listen. With media.port: xdp packets of media "
		"are taken there, past the firewall of the machine. For an address on a VLAN, the "
		"interface below it. Without it the network's media goes by the kernel's sockets. "
		"Each of media.workers has at most 64 receive queues over all interfaces (ethtool "
		"-L); of more than eight each holds fewer packets.",
		TEXT(settings_network, interface), .at_start = true),
	SETTING("tenant", NULL,
		"Name of the only tenant with phones and trunks at the SIP ports of this network. "
		"Without it the domain of a request says its tenant: that of To in REGISTER, else "
		"the caller's, or the callee's where no tenant has the caller's. At the port for "
		"browsers (http.sip) the domain always says it.",
		TEXT(settings_network, tenant), .at_start = true),
	{ .key = NULL },
};
