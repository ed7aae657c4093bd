/* SPDX-License-Identifier: Apache-2.0 */
#include "app/settings/settings.h"

#include <errno.h>

#include "app/schema/feature.h"
#include "base/clock.h"
#include "engine/worker/transcoder.h"
#include "tests/unit/test.h"

#define NODE           \
	"node:\n"      \
	"  name: n1\n" \
	"  shard: 1\n" \
	"  state_dir: /var/lib/tandem\n"
#define STORE(name, kind, more) \
	NODE NETWORK "recordings:\n  store:\n    - {name: " name ", kind: " kind ", " more "}\n"
#define NETWORK            \
	"networks:\n"      \
	"  - name: main\n" \
	"    bind: 192.0.2.10\n"
#define NETWORK_TWO       \
	"  - name: two\n" \
	"    bind: 192.0.2.11\n"
#define LOGIN     "login:\n  client_id: x\n  roles: [a=admin]\n"
#define MAIL      NODE NETWORK "mail:\n  from: a@b.org\n  user: u\n  starttls: false\n  url: "
#define INTERFACE "    interface: eth0\n"
#define REDIS     "redis: {url: redis://x}\n"
#define XDP       "media: {port: xdp}\n"

static struct settings g_settings, g_other;
static struct conf_errors g_errors;

static int read_text(struct settings *out, const char *yaml)
{
	return settings_read(out, bytes_str(yaml), &g_errors);
}

static void test_minimal(void **state)
{
	const struct settings *s = &g_settings;

	(void)state;
	assert_int_equal(read_text(&g_settings, NODE NETWORK), 0);
	assert_string_equal(s->node.name, "n1");
	assert_int_equal(s->node.shard, 1);
	assert_int_equal(s->network_count, 1);
	assert_true(addr_eq(&s->networks[0].advertise, &s->networks[0].bind));
	assert_int_equal(s->networks[0].sip_port_count, 2);
	assert_int_equal(s->networks[0].sip_ports[1], 10060);
	assert_int_equal(s->networks[0].media_ports.last, 31999);
	assert_string_equal(s->sip.realm, "tandem");
	assert_int_equal(s->sip.registration_expires, 90 * NS_PER_S);
	assert_int_equal(s->sip.registration_expires_min, 60 * NS_PER_S);
	assert_int_equal(s->sip.registration_expires_max, 3600 * NS_PER_S);
	assert_int_equal(s->sip.calls.ring_timeout_ns, 180 * NS_PER_S);
	assert_int_equal(s->sip.session_expires, 1800 * NS_PER_S);
	assert_int_equal(s->media.port, ENGINE_PORT_AUTO);
	assert_true(s->media.dpdk.hugepages);
	assert_int_equal(s->media.latch, LATCH_SAME_IP);
	assert_int_equal(s->media.dscp_audio, 46);
	assert_int_equal(s->media.dscp_video, 34);
	assert_int_equal(s->media.dscp_sip, 24);
	assert_true(s->media.video);
	assert_int_equal(s->media.port_rest, 60 * NS_PER_S);
	assert_int_equal(s->media.timeout, 300 * NS_PER_S);
	assert_string_equal(s->media.sounds, "/var/lib/tandem/sounds");
	assert_string_equal(s->media.music, "");
	assert_int_equal(s->redis.deadline, 50 * NS_PER_MS);
	assert_string_equal(s->redis.place.url, "");
	assert_true(s->redis.save_calls);
	assert_int_equal(s->cluster.listen.family, ADDR_NONE);
	assert_int_equal(s->cluster.lease, NS_PER_S);
	assert_int_equal(s->cluster.replicas, 0);
	assert_int_equal(s->log.level, LOG_LEVEL_INFO);
	assert_int_equal(settings_port_pairs(s), 10000);
}

static void test_cluster(void **state)
{
	const struct settings_cluster *c = &g_settings.cluster;

	(void)state;
	assert_int_equal(
		read_text(&g_settings, NODE NETWORK REDIS
			  "cluster: {listen: '[2001:db8::7]:7946', lease: 300ms, replicas: 8}\n"),
		0);
	assert_int_equal(c->listen.family, ADDR_V6);
	assert_int_equal(c->listen.port, 7946);
	assert_int_equal(c->lease, 300 * NS_PER_MS);
	assert_int_equal(c->replicas, 8);
}

static const struct {
	const char *name, *yaml;
	uint32_t line, column;
	const char *message;
} BAD[] = {
	{ "no node", NETWORK, 1, 1, "node" },
	{ "no networks", NODE, 1, 1, "networks" },
	{ "empty networks", NODE "networks: []\n", 5, 11, "at least one network" },
	{ "unknown key", NODE NETWORK "sip:\n  relm: x\n", 9, 3, "realm" },
	{ "shard 0", "node:\n  name: n1\n  shard: 0\n  state_dir: /x\n" NETWORK, 3, 10,
	  "1 to 65535" },
	{ "shard 65536", "node:\n  name: n1\n  shard: 65536\n  state_dir: /x\n" NETWORK, 3, 10,
	  "1 to 65535" },
	{ "node name", "node:\n  name: a b\n  shard: 1\n  state_dir: /x\n" NETWORK, 2, 9,
	  "letters, digits" },
	{ "relative state_dir", "node:\n  name: n1\n  shard: 1\n  state_dir: state\n" NETWORK, 4,
	  14, "absolute" },
	{ "wildcard", NODE "networks:\n  - name: a\n    bind: 0.0.0.0\n", 7, 11,
	  "one network for each address" },
	{ "wildcard v6", NODE "networks:\n  - name: a\n    bind: '::'\n", 7, 11,
	  "one network for each address" },
	{ "multicast", NODE "networks:\n  - name: a\n    bind: 224.0.0.1\n", 7, 11, "multicast" },
	{ "bind with port", NODE "networks:\n  - name: a\n    bind: 192.0.2.1:5060\n", 7, 11,
	  "sip_ports" },
	{ "bind is a name", NODE "networks:\n  - name: a\n    bind: localhost\n", 7, 11,
	  "address" },
	{ "network name", NODE "networks:\n  - name: A\n    bind: 192.0.2.1\n", 6, 11,
	  "small letters" },
	{ "advertise family", NODE NETWORK "    advertise: 2001:db8::1\n", 8, 16, "same family" },
	{ "advertise wildcard", NODE NETWORK "    advertise: 0.0.0.0\n", 8, 16, "no wildcard" },
	{ "advertise with port", NODE NETWORK "    advertise: 192.0.2.1:1\n", 8, 16,
	  "without a port" },
	{ "SIP port 0", NODE NETWORK "    sip_ports: [0]\n", 8, 17, "1 to 65535" },
	{ "no SIP port", NODE NETWORK "    sip_ports: []\n", 8, 16, "one port at least" },
	{ "SIP port twice", NODE NETWORK "    sip_ports: [5060, 5060]\n", 8, 23, "twice" },
	{ "SIP port in media", NODE NETWORK "    sip_ports: [5060, 20001]\n", 8, 23,
	  "media_ports" },
	{ "folder of sounds somewhere", NODE NETWORK "media: {sounds: sounds}\n", 8, 17,
	  "absolute" },
	{ "music elsewhere", NODE NETWORK "media: {music: ../music.wav}\n", 8, 16,
	  "the name of a file" },
	{ "music that is hidden", NODE NETWORK "media: {music: .wav}\n", 8, 16, "no '.' in front" },
	{ "xdp without interface", NODE NETWORK "media: {port: xdp}\n", 8, 15, "interface" },
	{ "dpdk without device", NODE NETWORK "media: {port: dpdk}\n", 8, 8, "media.dpdk.device" },
	{ "gateway that is no MAC address",
	  NODE NETWORK "media: {dpdk: {gateway: \"02:00:5e:10:00:zz\"}}\n", 8, 25, "MAC address" },
	{ "gateway of a group", NODE NETWORK "media: {dpdk: {gateway: \"03:00:5e:10:00:01\"}}\n", 8,
	  25, "MAC address" },
	{ "gateway that is nobody",
	  NODE NETWORK "media: {dpdk: {gateway: \"00:00:00:00:00:00\"}}\n", 8, 25, "MAC address" },
	{ "device without a name",
	  NODE NETWORK "media: {port: dpdk, dpdk: {device: \",iface=x\"}}\n", 8, 36, "net_memif0" },
	{ "TAP name that none can have", NODE NETWORK "media: {dpdk: {tap: a/b}}\n", 8, 21,
	  "name of an interface" },
	{ "interface that none can be", NODE NETWORK "    interface: \"e 0\"\n", 8, 16,
	  "name of an interface" },
	{ "media range reversed", NODE NETWORK "    media_ports: 3000-2000\n", 8, 18, "range" },
	{ "media range of one", NODE NETWORK "    media_ports: 3000-3000\n", 8, 18, "even port" },
	{ "media range odd", NODE NETWORK "    media_ports: 3001-3002\n", 8, 18, "even port" },
	{ "media below 1024", NODE NETWORK "    media_ports: 1000-3000\n", 8, 18, "1024" },
	{ "same network name", NODE NETWORK "  - name: main\n    bind: 192.0.2.11\n", 8, 11,
	  "two networks" },
	{ "webrtc port in media", NODE NETWORK "    webrtc_port: 12000\n", 8, 18,
	  "overlap media_ports of network main" },
	{ "webrtc port of the second worker in media",
	  NODE NETWORK "    webrtc_port: 11999\nmedia: {workers: 2}\n", 8, 18,
	  "ports 11999 to 12000" },
	{ "webrtc port is a SIP port", NODE NETWORK "    webrtc_port: 5059\nmedia: {workers: 2}\n",
	  8, 18, "port 5060 is one of sip_ports" },
	{ "webrtc port of another",
	  NODE NETWORK "    webrtc_port: 7001\n"
		       "  - {name: b, bind: 192.0.2.10, sip_ports: [6060], webrtc_port: 7000, "
		       "media_ports: 40000-41000}\n"
		       "media: {workers: 2}\n",
	  9, 65, "port 7000 belongs to network main" },
	{ "webrtc port in media of another",
	  NODE NETWORK
	  "    webrtc_port: 40000\n"
	  "  - {name: b, bind: 192.0.2.10, sip_ports: [6060], media_ports: 40000-41000}\n",
	  8, 18, "media_ports of network b" },
	{ "webrtc ports too high", NODE NETWORK "    webrtc_port: 65535\nmedia: {workers: 2}\n", 8,
	  18, "not as many ports" },
	{ "webrtc port and dpdk",
	  NODE NETWORK "    webrtc_port: 7000\nmedia: {port: dpdk, dpdk: {device: x}}\n", 8, 18,
	  "media.port: dpdk" },
	{ "media overlap",
	  NODE NETWORK
	  "    media_ports: 12000-29999\n"
	  "  - {name: b, bind: 192.0.2.10, sip_ports: [6060], media_ports: 29999-31000}\n",
	  9, 65, "overlaps" },
	{ "SIP port of another",
	  NODE NETWORK
	  "    media_ports: 12000-29999\n"
	  "  - {name: b, bind: 192.0.2.10, sip_ports: [5060], media_ports: 30000-31000}\n",
	  9, 45, "belongs to network main" },
	{ "SIP port in media of another",
	  NODE NETWORK
	  "    media_ports: 12000-29999\n"
	  "  - {name: b, bind: 192.0.2.10, sip_ports: [12000], media_ports: 30000-31000}\n",
	  9, 45, "belongs to network main" },
	{ "media over SIP port of another",
	  NODE NETWORK
	  "    media_ports: 12000-29999\n"
	  "  - {name: b, bind: 192.0.2.10, sip_ports: [7000], media_ports: 5000-6000}\n",
	  9, 65, "SIP port 5060" },
	{ "too many SIP ports",
	  NODE "networks:\n"
	       "  - {name: a, bind: 192.0.2.1, sip_ports: [1,2,3,4,5,6]}\n"
	       "  - {name: b, bind: 192.0.2.2, sip_ports: [1,2,3,4,5,6]}\n"
	       "  - {name: c, bind: 192.0.2.3, sip_ports: [1,2,3,4,5,6]}\n",
	  6, 3, "36 SIP ports" },
	{ "TCP port twice", NODE NETWORK "    sip_tcp_ports: [5060, 5060]\n", 8, 27, "too" },
	{ "TLS port is a TCP port", NODE NETWORK "    sip_tls_ports: [7000, 10060]\n", 8, 27,
	  "networks[0].sip_tcp_ports[1] too" },
	{ "TLS port of another",
	  NODE NETWORK "    media_ports: 12000-29999\n"
		       "  - {name: b, bind: 192.0.2.10, sip_ports: [6060], sip_tls_ports: [5060], "
		       "media_ports: 30000-31000}\n",
	  9, 68, "networks[0].sip_tcp_ports[0] too" },
	{ "HTTP port is a TCP port",
	  NODE NETWORK "    sip_tcp_ports: [8080]\nhttp: {bind: 192.0.2.10}\n", 8, 21,
	  "http.port too" },
	{ "certificate without key", NODE NETWORK "tls:\n  certificate: /x\n", 9, 3,
	  "belong together" },
	{ "SNI without key", NODE NETWORK "tls:\n  certificates: [{certificate: /x}]\n", 9, 18,
	  "key" },
	{ "client certificates", NODE NETWORK "tls:\n  client_certificates: maybe\n", 9, 24,
	  "none, optional, required" },
	{ "many below min", NODE NETWORK "sip:\n  registration_expires_many: 30s\n", 9, 30,
	  "registration_expires_min" },
	{ "empty realm", NODE NETWORK "sip:\n  realm: ''\n", 9, 10, "empty" },
	{ "quote in realm", NODE NETWORK "sip:\n  realm: 'a\"b'\n", 9, 10, "'\"'" },
	{ "expires below min", NODE NETWORK "sip:\n  registration_expires_min: 100s\n", 9, 29,
	  "not be above" },
	{ "expires above max", NODE NETWORK "sip:\n  registration_expires_max: 80s\n", 9, 29,
	  "not be below" },
	{ "trusted no list", NODE NETWORK "sip:\n  trusted: 10.0.0.0/8\n", 9, 12, "list" },
	{ "trusted text", NODE NETWORK "sip:\n  trusted: [10.0.0.0/8, sbc]\n", 9, 25, "address" },
	{ "trusted host bits", NODE NETWORK "sip:\n  trusted: [10.0.0.1/8]\n", 9, 13, "beyond" },
	{ "trusted everybody", NODE NETWORK "sip:\n  trusted: [0.0.0.0/0]\n", 9, 13, "everybody" },
	{ "trusted rule without prefix", NODE NETWORK "sip:\n  trusted: [{port: 1}]\n", 9, 13,
	  "prefix" },
	{ "trusted rule prefix", NODE NETWORK "sip:\n  trusted: [{prefix: 10.0.0.1/8}]\n", 9, 22,
	  "beyond" },
	{ "trusted network", NODE NETWORK "sip:\n  trusted: [{prefix: 10.0.0.1, network: x}]\n", 9,
	  41, "no network" },
	{ "trusted over a WebSocket",
	  NODE NETWORK "sip:\n  trusted: [{prefix: 10.0.0.1, transports: [udp, wss]}]\n", 9, 44,
	  "WebSocket" },
	{ "trusted port over TCP",
	  NODE NETWORK "sip:\n  trusted: [{prefix: 10.0.0.1, port: 5060, transports: [tcp]}]\n", 9,
	  38, "udp alone" },
	{ "trusted certificate that nobody is asked for",
	  NODE NETWORK "sip:\n  trusted: [{prefix: 10.0.0.1, client_certificate: true}]\n", 9, 52,
	  "tls.client_certificates" },
	{ "trusted certificate over UDP",
	  NODE NETWORK "sip:\n  trusted: [{prefix: 10.0.0.1, client_certificate: true, port: 5}]\n",
	  9, 52, "for tls" },
	{ "trusted length", NODE NETWORK "sip:\n  trusted: [10.0.0.0/33]\n", 9, 13, "1 to 32" },
	{ "algorithm", NODE NETWORK "sip:\n  digest_algorithms: [MD5, SHA-1]\n", 9, 28, "SHA-256" },
	{ "code without a star", NODE NETWORK "codes:\n  do_not_disturb: \"78\"\n", 9, 19,
	  "'*' or '#'" },
	{ "code of letters", NODE NETWORK "codes: {forward_busy: \"*9a\"}\n", 8, 23, "'*' or '#'" },
	{ "code of nothing", NODE NETWORK "codes: {do_not_disturb_off: \"*\"}\n", 8, 29,
	  "'*' or '#'" },
	{ "code that is another's", NODE NETWORK "codes: {do_not_disturb: \"*73\"}\n", 8, 25,
	  "codes.forward_always_off" },
	{ "code behind one with a number", NODE NETWORK "codes: {do_not_disturb: \"*7299\"}\n", 8,
	  25, "codes.forward_always does" },
	{ "code before others", NODE NETWORK "codes: {forward_always: \"*7\"}\n", 8, 25,
	  "codes.forward_always_off does" },
	{ "code of the last caller that is another's",
	  NODE NETWORK "codes: {last_caller: \"*73\"}\n", 8, 22, "codes.forward_always_off" },
	{ "code of an emergency number", NODE NETWORK "sip: {emergency_numbers: [\"*78\"]}\n", 1, 1,
	  "emergency number *78" },
	{ "in-call code without a star", NODE NETWORK "call_codes:\n  record_on: \"11\"\n", 9, 14,
	  "'*' or '#'" },
	{ "in-call code of one key", NODE NETWORK "call_codes: {record_pause: \"*\"}\n", 8, 28,
	  "2 to 8 digits" },
	{ "in-call code of letters", NODE NETWORK "call_codes: {record_off: \"*a\"}\n", 8, 26,
	  "'*' or '#'" },
	{ "in-call code that is too long", NODE NETWORK "call_codes: {record_off: \"*12345678\"}\n",
	  8, 26, "8 bytes" },
	{ "in-call code that another begins with",
	  NODE NETWORK "call_codes: {record_on: \"*1\", record_off: \"*12\"}\n", 8, 43,
	  "call_codes.record_on does" },
	{ "in-call code of two things",
	  NODE NETWORK "call_codes: {record_on: \"*1\", record_pause: \"*1\"}\n", 8, 45,
	  "call_codes.record_on does" },
	{ "wait for ever", NODE NETWORK "call_codes: {wait: 1m}\n", 8, 20, "10s" },
	{ "header that is ours", NODE NETWORK "sip: {x_headers: [X-Ok, Via]}\n", 8, 25,
	  "begins with X-" },
	{ "pattern", NODE NETWORK "sip: {x_headers: [\"X-*-Id\"]}\n", 8, 19, "at the end alone" },
	{ "session", NODE NETWORK "sip:\n  session_expires: 89s\n", 9, 20, "at least 90s" },
	{ "contacts", NODE NETWORK "sip:\n  max_contacts: 11\n", 9, 17, "1 to 10" },
	{ "workers", NODE NETWORK "media:\n  workers: 17\n", 9, 12, "1 to 16" },
	{ "latch", NODE NETWORK "media:\n  latch: any\n", 9, 10, "any-once" },
	{ "dscp", NODE NETWORK "media:\n  dscp_audio: 64\n", 9, 15, "0 to 63" },
	{ "video", NODE NETWORK "media:\n  video: maybe\n", 9, 10, "true or false" },
	{ "duration", NODE NETWORK "media:\n  port_rest: 60\n", 9, 14, "duration" },
	{ "redis ca without tls", NODE NETWORK "redis:\n  url: redis://x\n  ca: /ca.pem\n", 9, 8,
	  "rediss://" },
	{ "redis key alone", NODE NETWORK "redis:\n  url: rediss://x\n  key: /key.pem\n", 10, 8,
	  "belong together" },
	{ "redis url", NODE NETWORK "redis:\n  url: http://x\n", 9, 8,
	  "rediss+cluster://: docs/config.md" },
	{ "redis socket path",
	  NODE NETWORK
	  "redis:\n  url: unix:/"
	  "0123456789012345678901234567890123456789012345678901234567890123456789012345678901"
	  "2345678901234567890123456789\n",
	  9, 8, "107" },
	{ "replicas of its own Redis", NODE NETWORK "redis:\n  save_replicas: 1\n", 9, 18,
	  "needs redis.url" },
	{ "redis deadline", NODE NETWORK "redis:\n  deadline: 11s\n", 9, 13, "10s" },
	{ "cluster without a Redis for all", NODE NETWORK "cluster: {listen: '192.0.2.10:7946'}\n",
	  8, 19, "needs redis.url" },
	{ "cluster without a port", NODE NETWORK REDIS "cluster: {listen: 192.0.2.10}\n", 9, 19,
	  "with a port" },
	{ "cluster at all addresses", NODE NETWORK REDIS "cluster: {listen: '0.0.0.0:7946'}\n", 9,
	  19, "with a port" },
	{ "cluster at a group", NODE NETWORK REDIS "cluster: {listen: '224.0.0.7:7946'}\n", 9, 19,
	  "with a port" },
	{ "cluster of calls that are not saved",
	  NODE NETWORK "redis: {url: 'redis://192.0.2.1', save_calls: false}\n"
		       "cluster: {listen: '192.0.2.10:7946'}\n",
	  8, 47, "must be true with cluster.listen" },
	{ "a hook that is no path",
	  NODE NETWORK REDIS "cluster: {listen: '192.0.2.10:7946', address_hook: hook}\n", 9, 52,
	  "must be an absolute path" },
	{ "a hook without addresses",
	  NODE NETWORK REDIS "cluster: {listen: '192.0.2.10:7946', address_hook: /hook}\n", 9, 52,
	  "no network is floating" },
	{ "short lease", NODE NETWORK "cluster: {lease: 299ms}\n", 8, 18, "at most 10s" },
	{ "long lease", NODE NETWORK "cluster: {lease: 10001ms}\n", 8, 18, "at most 10s" },
	{ "replicas", NODE NETWORK "cluster: {replicas: 9}\n", 8, 21, "0 to 8" },
	{ "http bind", NODE NETWORK "http:\n  bind: 127.0.0.1:80\n", 9, 9, "http.port" },
	{ "phones: a URL", NODE NETWORK "provision:\n  server: https://pbx.example.org\n", 9, 11,
	  "without http://" },
	{ "phones: a port", NODE NETWORK "provision:\n  server: pbx.example.org:80\n", 9, 11,
	  "without http://" },
	{ "recordings: a relative folder", NODE NETWORK "recordings:\n  folder: x\n", 9, 11,
	  "absolute path" },
	{ "recordings: tones without a pause", NODE NETWORK "recordings:\n  tone: 500ms\n", 9, 9,
	  "recordings.tone must be 0s, or 1s or more, such as 15s" },
	{ "recordings: an unknown destination", NODE NETWORK "recordings:\n  deliver: [a]\n", 9, 13,
	  "no destination a" },
	{ "recordings: a relative certificate", NODE NETWORK "recordings:\n  certificate: x.pem\n",
	  9, 16, "must be an absolute path" },
	{ "recordings: two certificates of a tenant",
	  NODE NETWORK "recordings:\n  tenant_certificates:\n    - {tenant: a, file: /x}\n"
		       "    - {tenant: a, file: /y}\n",
	  11, 16, "tenant a has a certificate already" },
	{ "recordings: a directory without a path", STORE("a", "directory", "url: srv"), 10, 39,
	  "must begin with /" },
	{ "recordings: plain http elsewhere", STORE("a", "http", "url: \"http://192.0.2.1/x\""), 10,
	  34, "127.0.0.1 alone" },
	{ "recordings: a password in a url", STORE("a", "http", "url: \"https://u:p@192.0.2.1/x\""),
	  10, 34, "may not have '@'" },
	{ "recordings: s3 without a bucket",
	  STORE("a", "s3", "url: \"https://h\", user: u, password_file: /x"), 10, 7,
	  "needs bucket" },
	{ "recordings: sftp that believes anybody",
	  STORE("a", "sftp", "url: \"sftp://h\", user: u, password_file: /x"), 10, 7,
	  "needs known_hosts" },
	{ "recordings: mail for nobody", STORE("a", "mail", "url: \"smtp://h\", from: \"a@b\""), 10,
	  7, "needs to" },
	{ "recordings: a destination named none", STORE("none", "directory", "url: /x"), 10, 14,
	  "nowhere" },
	{ "recordings: a relative password file",
	  STORE("a", "http", "url: \"https://h/x\", password_file: x"), 10, 64, "absolute path" },
	{ "recordings: a password in plain",
	  STORE("a", "ftp",
		"user: u, password_file: /x, url: \"ftp://192.0.2.1/x\", starttls: false"),
	  10, 92, "in plain" },
	{ "recordings: a password of mail in plain",
	  STORE("a", "mail",
		"user: u, from: \"a@b\", to: [c@d], url: \"smtp://h\", starttls: false"),
	  10, 89, "in plain" },
	{ "mail: a password in plain", MAIL "smtp://192.0.2.1:587\n", 11, 13, "in plain" },
	{ "mail: a name that is like this machine's", MAIL "smtp://localhost.example.org\n", 11, 13,
	  "in plain" },
	{ "mail: a user in its url", MAIL "'smtp://127.0.0.1:25@192.0.2.1'\n", 12, 8, "no user" },
	{ "siprec: neither address nor name", NODE NETWORK "siprec:\n  address: 'a b'\n", 9, 12,
	  "an address or a name" },
	{ "siprec: more than none", NODE NETWORK "siprec:\n  more: [192.0.2.8]\n", 9, 10,
	  "behind that of siprec.address" },
	{ "siprec: credentials for any realm", NODE NETWORK "siprec:\n  auth_user: node\n", 9, 14,
	  "needs siprec.auth_realm" },
	{ "http port", NODE NETWORK "http:\n  port: 65536\n", 9, 9, "65535" },
	{ "login without its client",
	  NODE NETWORK "login:\n  issuer: https://a\n  redirect: https://b\n", 9, 3, "client_id" },
	{ "login without TLS", NODE NETWORK LOGIN "  redirect: https://b\n  issuer: http://a\n", 12,
	  11, "https" },
	{ "login without a way back", NODE NETWORK LOGIN "  issuer: https://a\n  redirect: back\n",
	  12, 13, "login.redirect" },
	{ "role of a login",
	  NODE NETWORK "login:\n  issuer: https://a\n  client_id: x\n"
		       "  redirect: https://b\n  roles: [a=admin, a=b=root]\n",
	  12, 20, "VALUE=ROLE" },
	{ "log level", NODE NETWORK "log:\n  level: loud\n", 9, 10, "warn" },
	{ "calls", NODE NETWORK "limits:\n  calls: 0\n", 9, 10, "from 1" },
	{ "transactions", NODE NETWORK "limits:\n  transactions: 100\n", 9, 17, "limits.calls" },
	{ "not YAML", NODE "networks: [\n", 6, 1, "" },
	{ "not a map", "[1]\n", 1, 1, "keys" },
	{ "empty", "", 1, 1, "node" },
};

static void test_each_error(void **state)
{
	int wrong = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(BAD); i++) {
		const struct conf_error *e = &g_errors.list[0];

		ROW_ASSERT(BAD[i].name, read_text(&g_settings, BAD[i].yaml) == -EINVAL);
		ROW_ASSERT(BAD[i].name, g_errors.total >= 1);
		if (e->line != BAD[i].line || e->column != BAD[i].column ||
		    !strstr(e->message, BAD[i].message))
			wrong += printf("# %s: %u:%u: %s\n", BAD[i].name, e->line, e->column,
					e->message);
	}
	assert_int_equal(wrong, 0);
}

static void test_all_at_once(void **state)
{
	char text[4096];
	struct writer w = writer_over(text, sizeof(text) - 1);

	(void)state;
	assert_int_equal(read_text(&g_settings, NODE "networks:\n  - name: A\n    bind: 0.0.0.0\n"
						     "    sip_ports: [12000]\n"
						     "sip:\n  trusted: [x, 10.0.0.1/8]\n"),
			 -EINVAL);
	assert_int_equal(g_errors.total, 5);
	conf_errors_write(&w, "tandem.yaml", &g_errors);
	text[w.n] = '\0';
	assert_non_null(strstr(text, "tandem.yaml:6:11: "));
	assert_non_null(strstr(text, "tandem.yaml:7:11: "));
	assert_non_null(strstr(text, "tandem.yaml:8:17: "));
	assert_non_null(strstr(text, "tandem.yaml:10:13: "));
	assert_non_null(strstr(text, "tandem.yaml:10:16: "));
}

static void test_mail_in_plain(void **state)
{
	static const char *const good[] = { "smtp://127.0.0.1:25", "smtp://localhost",
					    "'smtp://[::1]:25'", "smtps://192.0.2.1" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		char text[512];

		(void)snprintf(text, sizeof(text), "%s%s\n", MAIL, good[i]);
		ROW_ASSERT(good[i], !read_text(&g_settings, text));
	}
}

static void test_secret_is_not_shown(void **state)
{
	(void)state;
	assert_int_equal(read_text(&g_settings, NODE NETWORK "redis:\n  url: http://u:hunter2@h\n"),
			 -EINVAL);
	assert_null(strstr(g_errors.list[0].message, "hunter2"));
}

static const struct {
	const char *text;
	uint8_t bits; /* 0: refused */
	uint8_t family;
} PREFIXES[] = {
	{ "10.0.0.0/8", 8, ADDR_V4 },
	{ "192.0.2.1", 32, ADDR_V4 },
	{ "192.0.2.1/32", 32, ADDR_V4 },
	{ "2001:db8::/32", 32, ADDR_V6 },
	{ "2001:db8::1", 128, ADDR_V6 },
	{ "128.0.0.0/1", 1, ADDR_V4 },
	{ "", 0, 0 },
	{ "10.0.0.0/", 0, 0 },
	{ "10.0.0.0/x", 0, 0 },
	{ "10.0.0.0/-1", 0, 0 },
	{ "10.0.0.0/8/8", 0, 0 },
	{ "10.0.0.0:1/8", 0, 0 },
	{ "/8", 0, 0 },
	{ "::/0", 0, 0 },
	{ "2001:db8::/129", 0, 0 },
	{ "2001:db8::1/64", 0, 0 },
};

static void test_prefixes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(PREFIXES); i++) {
		struct shard_trusted prefix = { .bits = 77 };
		const char *reason = NULL;
		int err = settings_prefix_parse(&prefix, bytes_str(PREFIXES[i].text), &reason);

		ROW_ASSERT(PREFIXES[i].text, (err == 0) == (PREFIXES[i].bits != 0));
		ROW_ASSERT(PREFIXES[i].text, err || prefix.bits == PREFIXES[i].bits);
		ROW_ASSERT(PREFIXES[i].text, err || prefix.net.family == PREFIXES[i].family);
		ROW_ASSERT(PREFIXES[i].text, !err || (reason && prefix.bits == 77));
	}
}

static void test_rules_of_trust(void **state)
{
	static const uint8_t key[DIGEST_KEY_LEN];
	struct shard_settings shard;
	const struct shard_trusted *t = shard.trusted;

	(void)state;
	assert_int_equal(read_text(&g_settings, NODE NETWORK
				   "tls: {client_certificates: optional}\n"
				   "sip:\n  trusted:\n    - 10.0.0.0/8\n"
				   "    - {prefix: 192.0.2.7, network: main, port: 5060}\n"
				   "    - prefix: 2001:db8::/32\n      transports: [TLS, tcp]\n"
				   "      calls_max: 30\n      calls_per_second: 5\n"
				   "    - {prefix: 192.0.2.8, client_certificate: true}\n"),
			 0);
	settings_to_shard(&g_settings, key, false, &shard);
	assert_int_equal(shard.trusted_count, 4);
	assert_int_equal(t[0].transports, 0);
	assert_int_equal(t[1].transports, 1U << SIP_UDP);
	assert_int_equal(t[1].network, 1);
	assert_int_equal(t[1].port, 5060);
	assert_int_equal(t[2].transports, 1U << SIP_TLS | 1U << SIP_TCP);
	assert_int_equal(t[2].calls_max, 30);
	assert_int_equal(t[2].calls_per_second, 5);
	assert_false(t[2].certificate);
	assert_true(t[3].certificate);
}

/* A code that a newer version brings is off where the file has it for another one. */
static void test_newer_codes(void **state)
{
	struct feature_codes codes;

	(void)state;
	assert_int_equal(read_text(&g_settings, NODE NETWORK "codes: {do_not_disturb: \"#69\"}\n"),
			 0);
	settings_codes_read(&g_settings, &codes);
	assert_string_equal(codes.code[FEATURE_DISTURB_OFF], "#69");
	assert_string_equal(codes.code[FEATURE_LAST_CALLER], "");
}

static void test_call_codes(void **state)
{
	static const uint8_t key[DIGEST_KEY_LEN];
	struct shard_settings shard;

	(void)state;
	assert_int_equal(read_text(&g_settings, NODE NETWORK), 0);
	settings_to_shard(&g_settings, key, false, &shard);
	assert_false(call_codes_any(&shard.call_codes));
	assert_int_equal(read_text(&g_settings,
				   NODE NETWORK "call_codes:\n  record_on: \"*1\"\n"
						"  record_off: \"*1\"\n  wait: 1500ms\n"),
			 0);
	settings_to_shard(&g_settings, key, false, &shard);
	assert_string_equal(shard.call_codes.code[CALL_CODE_RECORD_ON], "*1");
	assert_string_equal(shard.call_codes.code[CALL_CODE_RECORD_OFF], "*1");
	assert_string_equal(shard.call_codes.code[CALL_CODE_RECORD_PAUSE], "");
	assert_int_equal(shard.call_code_wait_ms, 1500);
}

static void test_reload_keeps_what_needs_a_restart(void **state)
{
	char names[512];
	struct writer w = writer_over(names, sizeof(names) - 1);

	(void)state;
	assert_int_equal(read_text(&g_settings, NODE NETWORK), 0);
	assert_int_equal(read_text(&g_other,
				   "node: {name: n2, shard: 2, state_dir: /var/lib/tandem}\n"
				   "networks: [{name: main, bind: 192.0.2.99}]\n"
				   "sip: {ring_timeout: 5s, trusted: [10.0.0.0/8]}\n"
				   "media: {latch: strict, dscp_sip: 1, music: m.wav, sounds: /m}\n"
				   "log: {level: debug}\n"
				   "limits: {calls: 7}\n"),
			 0);
	settings_keep_at_start(&g_other, &g_settings, &w);
	names[w.n] = '\0';
	assert_string_equal(names, "node.name node.shard networks media.dscp_sip limits.calls");
	assert_string_equal(g_other.node.name, "n1");
	assert_int_equal(g_other.node.shard, 1);
	assert_true(addr_eq(&g_other.networks[0].bind, &g_settings.networks[0].bind));
	assert_int_equal(g_other.limits.calls, 4000);
	assert_int_equal(g_other.sip.calls.ring_timeout_ns, 5 * NS_PER_S);
	assert_int_equal(g_other.sip.trusted_count, 1);
	assert_int_equal(g_other.media.latch, LATCH_STRICT);
	assert_string_equal(g_other.media.music, "m.wav");
	assert_string_equal(g_other.media.sounds, "/m");
	assert_int_equal(g_other.log.level, LOG_LEVEL_DEBUG);
}

static void test_reload_of_the_same_names_nothing(void **state)
{
	char names[512];
	struct writer w = writer_over(names, sizeof(names));

	(void)state;
	assert_int_equal(read_text(&g_settings, NODE NETWORK), 0);
	assert_int_equal(read_text(&g_other, "# the same\n" NODE "\n" NETWORK), 0);
	settings_keep_at_start(&g_other, &g_settings, &w);
	assert_int_equal(w.n, 0);
}

static void test_to_shard(void **state)
{
	static struct shard_settings shard;
	static const uint8_t key[DIGEST_KEY_LEN] = { 7 };

	(void)state;
	assert_int_equal(
		read_text(
			&g_settings, NODE NETWORK
			"    advertise: 203.0.113.1\n"
			"  - {name: b, bind: '2001:db8::1', sip_ports: [5070], sip_tcp_ports: []}\n"
			"sip: {trusted: [10.0.0.0/8], digest_algorithms: [md5, SHA-256]}\n"),
		0);
	settings_to_shard(&g_settings, key, true, &shard);
	assert_int_equal(shard.number, 1);

	assert_int_equal(shard.local_count, 7); /* UDP of both, TCP, TLS, WebSockets */
	assert_int_equal(shard.locals[0].bind.port, 5060);
	assert_int_equal(shard.locals[1].advertise.port, 10060);
	assert_int_equal(shard.locals[1].advertise.ip[0], 203);
	assert_int_equal(shard.locals[2].network, 1);
	assert_int_equal(shard.locals[2].bind.family, ADDR_V6);
	assert_int_equal(shard.locals[3].transport, SIP_TCP);
	assert_int_equal(shard.locals[4].bind.port, 10060);
	assert_int_equal(shard.locals[5].transport, SIP_TLS);
	assert_int_equal(shard.locals[5].bind.port, 5061);
	assert_int_equal(shard.locals[5].network, 0);
	assert_int_equal(shard.locals[6].transport, SIP_WS);
	assert_int_equal(shard.locals[6].bind.port, 8080);
	assert_int_equal(shard.locals[6].network, 0);
	assert_int_equal(settings_web_local(&g_settings, true), 6);
	assert_int_equal(settings_web_local(&g_settings, false), 5);
	assert_true(settings_wants_tls(&g_settings));
	assert_int_equal(shard.registrar.expires_many_s, 600);
	assert_int_equal(shard.registrar.many, 100);
	assert_int_equal(shard.media_timeout_ns, 300 * NS_PER_S);
	assert_int_equal(shard.network_count, 2);
	assert_int_equal(shard.networks[0].media_advertise.ip[0], 203);
	assert_int_equal(shard.networks[1].first_port, 12000);
	assert_int_equal(shard.trusted_count, 1);
	assert_int_equal(shard.trusted[0].bits, 8);
	assert_int_equal(shard.trusted[0].transports, 0);
	assert_int_equal(shard.trusted[0].network, 0);
	assert_int_equal(shard.registrar.expires_s, 90);
	assert_int_equal(shard.digest.key[0], 7);
	assert_int_equal(shard.digest.offer, 1 << DIGEST_MD5 | 1 << DIGEST_SHA256);
	assert_string_equal(shard.digest.realm, "tandem");
}

static void test_recorders(void **state)
{
	static struct shard_settings shard;
	static const uint8_t key[DIGEST_KEY_LEN] = { 7 };
	struct digest_secret secret;

	(void)state;
	assert_int_equal(read_text(&g_settings, NODE NETWORK
				   "siprec: {address: 192.0.2.7, more: ['192.0.2.8:5070'], "
				   "auth_user: node, auth_realm: srs, password: secret}\n"),
			 0);
	settings_to_shard(&g_settings, key, true, &shard);
	assert_int_equal(shard.siprec.count, 2);
	assert_int_equal(shard.siprec.addresses[0].port, 5060);
	assert_int_equal(shard.siprec.addresses[1].port, 5070);
	assert_string_equal(shard.siprec.names[0].host, "");
	assert_string_equal(shard.siprec.auth_user, "node");
	assert_string_equal(shard.siprec.realm, "srs");
	digest_secret_make(&secret, BYTES_LIT("node"), BYTES_LIT("srs"), BYTES_LIT("secret"));
	assert_memory_equal(&shard.siprec.secret, &secret, sizeof(secret));
	assert_int_equal(read_text(&g_settings, NODE NETWORK
				   "siprec: {address: srs.example.org, more: "
				   "['[2001:db8::1]:5070', 'srs2.example.org:5080']}\n"),
			 0);
	settings_to_shard(&g_settings, key, true, &shard);
	assert_int_equal(shard.siprec.count, 3);
	assert_string_equal(shard.siprec.names[0].host, "srs.example.org");
	assert_int_equal(shard.siprec.names[0].port, 0);
	assert_string_equal(shard.siprec.names[1].host, "");
	assert_int_equal(shard.siprec.addresses[1].port, 5070);
	assert_string_equal(shard.siprec.names[2].host, "srs2.example.org");
	assert_int_equal(shard.siprec.names[2].port, 5080);
}

/* What the file leaves out: TCP as UDP, TLS on 5061 unless the file has ports of its own. */
static void test_stream_ports(void **state)
{
	static const struct {
		const char *name, *more;
		uint32_t tcp, tls, first_tcp;
	} rows[] = {
		{ "nothing said", "", 2, 1, 5060 },
		{ "own UDP ports", "    sip_ports: [7000]\n", 1, 0, 7000 },
		{ "no TCP", "    sip_tcp_ports: []\n", 0, 1, 0 },
		{ "no TLS", "    sip_tls_ports: []\n", 2, 0, 5060 },
		{ "all said",
		  "    sip_ports: [1]\n    sip_tcp_ports: [2]\n    sip_tls_ports: [3, 4]\n", 1, 2,
		  2 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char text[512];
		const struct settings_network *n = &g_settings.networks[0];

		(void)snprintf(text, sizeof(text), "%s%s", NODE NETWORK, rows[i].more);
		ROW_ASSERT(rows[i].name, read_text(&g_settings, text) == 0);
		ROW_ASSERT(rows[i].name, n->sip_tcp_port_count == rows[i].tcp);
		ROW_ASSERT(rows[i].name, n->sip_tls_port_count == rows[i].tls);
		ROW_ASSERT(rows[i].name, !rows[i].tcp || n->sip_tcp_ports[0] == rows[i].first_tcp);
	}
}

/* What the AF_XDP port redirects: media ports, and a port for each worker. */
static void test_webrtc_ports(void **state)
{
	static struct port_xdp_network xdp[SETTINGS_XDP_MAX];

	(void)state;
	assert_int_equal(read_text(&g_settings, NODE NETWORK), 0);
	assert_int_equal(g_settings.networks[0].webrtc_port, 0);
	assert_int_equal(settings_to_xdp(&g_settings, xdp), 1);
	assert_int_equal(read_text(&g_settings,
				   NODE NETWORK "    webrtc_port: 11998\nmedia: {workers: 2}\n"),
			 0);
	assert_int_equal(settings_to_xdp(&g_settings, xdp), 2);
	assert_int_equal(xdp[0].range.first, 12000);
	assert_int_equal(xdp[1].range.first, 11998);
	assert_int_equal(xdp[1].range.last, 11999);
}

/* One word for the engine. */
static void test_coding(void **state)
{
	(void)state;
	assert_int_equal(read_text(&g_settings, NODE NETWORK), 0);
	assert_int_equal(settings_to_coding(&g_settings), ease_pack(5, 700));
	assert_int_equal(settings_to_opus_hz(&g_settings), 0);
	assert_int_equal(read_text(&g_settings, NODE NETWORK "media: {transcode_opus_rate: 48000, "
							     "transcode_complexity: 10}\n"),
			 0);
	assert_int_equal(settings_to_coding(&g_settings), ease_pack(10, 700) | EASE_FULL_RATE);
	assert_int_equal(settings_to_opus_hz(&g_settings), 48000);
	assert_int_equal(ease_most(settings_to_coding(&g_settings)), 10);
}

/* The line of a network that names none, so that the log can say where, but only where it matters. */
static void test_networks_without_interface(void **state)
{
	static const struct {
		const char *name, *text;
		int err;
		uint32_t lines[2];
	} ROWS[] = {
		{ "sockets", NODE NETWORK NETWORK_TWO, 0, { 0, 0 } },
		{ "one of two", NODE NETWORK INTERFACE NETWORK_TWO XDP, 0, { 0, 9 } },
		{ "both have one", NODE NETWORK INTERFACE NETWORK_TWO INTERFACE XDP, 0, { 0, 0 } },
		{ "none", NODE NETWORK NETWORK_TWO XDP, -EINVAL, { 6, 8 } },
	}, *row;

	(void)state;
	EACH_ROW(row, ROWS)
	{
		ROW_ASSERT(row->name, read_text(&g_settings, row->text) == row->err);
		ROW_ASSERT(row->name, g_settings.without_interface[0] == row->lines[0]);
		ROW_ASSERT(row->name, g_settings.without_interface[1] == row->lines[1]);
	}
}

static void test_tls_files(void **state)
{
	static struct tls_settings tls;

	(void)state;
	assert_int_equal(read_text(&g_settings, NODE NETWORK), 0);
	assert_true(g_settings.tls.is_preset);
	settings_to_tls(&g_settings, &tls);
	assert_int_equal(tls.identity_count, 1);
	assert_non_null(strstr(tls.identities[0].certificate, "/tls/node.pem"));
	assert_non_null(strstr(tls.identities[0].key, "/tls/node.key"));
	assert_non_null(strstr(tls.ca, "/tls/ca.pem"));
	assert_int_equal(read_text(&g_settings, NODE NETWORK
				   "tls: {certificate: /a, key: /b, client_certificates: required, "
				   "certificates: [{certificate: /c, key: /d}]}\n"),
			 0);
	assert_false(g_settings.tls.is_preset);
	settings_to_tls(&g_settings, &tls);
	assert_int_equal(tls.identity_count, 2);
	assert_string_equal(tls.identities[0].certificate, "/a");
	assert_string_equal(tls.identities[1].key, "/d");
	assert_string_equal(tls.ca, ""); /* the system's */
	assert_int_equal(tls.clients, TLS_CLIENT_REQUIRED);
}

static void test_load(void **state)
{
	char *text;
	size_t n;

	(void)state;
	assert_int_equal(settings_load("/nonexistent/tandem.yaml", &text, &n), -ENOENT);
	assert_int_equal(settings_load("/", &text, &n), -EISDIR);
	assert_int_equal(settings_load("/dev/zero", &text, &n), -EINVAL);
	assert_int_equal(settings_load("meson.build", &text, &n), 0);
	assert_true(n > 0);
	free(text);
}

static void test_docs_are_true(void **state)
{
	static char want[65536];
	struct writer w = writer_over(want, sizeof(want));
	char *text;
	size_t n;

	(void)state;
	settings_write_reference(&w);
	assert_false(w.overflow);
	assert_int_equal(settings_load("../docs/config.md", &text, &n), 0);
	if (!bytes_eq(bytes_mem(text, n), writer_done(&w)))
		fail_msg("docs/config.md is old: tandemctl help config > docs/config.md");
	free(text);
}

static int setup(void **state)
{
	(void)state;
	features_settings_add();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_minimal),
		cmocka_unit_test(test_cluster),
		cmocka_unit_test(test_each_error),
		cmocka_unit_test(test_all_at_once),
		cmocka_unit_test(test_mail_in_plain),
		cmocka_unit_test(test_secret_is_not_shown),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_rules_of_trust),
		cmocka_unit_test(test_newer_codes),
		cmocka_unit_test(test_call_codes),
		cmocka_unit_test(test_reload_keeps_what_needs_a_restart),
		cmocka_unit_test(test_reload_of_the_same_names_nothing),
		cmocka_unit_test(test_to_shard),
		cmocka_unit_test(test_recorders),
		cmocka_unit_test(test_stream_ports),
		cmocka_unit_test(test_webrtc_ports),
		cmocka_unit_test(test_coding),
		cmocka_unit_test(test_networks_without_interface),
		cmocka_unit_test(test_tls_files),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_docs_are_true),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
