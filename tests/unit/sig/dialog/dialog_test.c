/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "sig/dialog/dialog.h"
#include "sig/host/host.h"
#include "tests/unit/sig/null_services.h"
#include "tests/unit/sig/rig.h"
#include "tests/unit/test.h"

static const struct id_tag OWN = { .call = UINT64_C(0x0007000000000001), .leg = 0, .random = 5 };

static struct shard_settings g_settings;
static bool g_trusted;

static bool trusts(void *owner, const struct sip_hop *hop)
{
	(void)owner;
	(void)hop;
	return g_trusted;
}

static struct identity_service g_identity;
static struct services g_services;
static struct call_host g_host = { .settings = &g_settings, .services = &g_services };

/* Indexes of our addresses: two networks, the second with TLS alone. */
enum { V4_UDP, V6_UDP, V4_TCP, V4_TLS, V6_TCP, V4_TCP_ELSEWHERE, V4_WSS, LOCALS };

static void settings_fill(void)
{
	static const struct {
		const char *address;
		enum sip_transport transport;
		uint16_t network;
	} locals[LOCALS] = {
		[V4_UDP] = { "192.0.2.1:5060", SIP_UDP, 0 },
		[V6_UDP] = { "[2001:db8::99]:5060", SIP_UDP, 0 },
		[V4_TCP] = { "192.0.2.1:5060", SIP_TCP, 0 },
		[V4_TLS] = { "192.0.2.1:5061", SIP_TLS, 0 },
		[V6_TCP] = { "[2001:db8::99]:5060", SIP_TCP, 0 },
		[V4_TCP_ELSEWHERE] = { "198.51.100.9:5060", SIP_TCP, 1 },
		[V4_WSS] = { "192.0.2.1:443", SIP_WSS, 0 },
	};

	g_settings.network_count = 2;
	g_settings.local_count = LOCALS;
	for (size_t i = 0; i < LOCALS; i++) {
		g_settings.locals[i].bind = rig_addr(locals[i].address);
		g_settings.locals[i].advertise = rig_addr(locals[i].address);
		g_settings.locals[i].transport = locals[i].transport;
		g_settings.locals[i].network = locals[i].network;
	}
	g_identity = null_identity_service;
	g_identity.trusts = trusts;
	g_services = null_services;
	g_services.identity = &g_identity;
}

static struct sip_message *parse(struct sip_message *m, const char *text, const char *source)
{
	struct message_error error;

	if (message_parse(m, bytes_str(text), &error))
		fail_msg("%s", error.reason);
	m->hop.remote = rig_addr(source);
	m->hop.local = m->hop.remote.family == ADDR_V6 ? V6_UDP : V4_UDP;
	return m;
}

#define INVITE(via, from, contact, more)                                                          \
	"INVITE sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP " via ";branch=z9hG4bK1\r\nFrom: " from       \
	"\r\nTo: Bob <sip:b@h>\r\nCall-ID: c1\r\nCSeq: 7 INVITE\r\nContact: " contact "\r\n" more \
	"\r\n"

static struct bytes write_bye(const struct dialog *d, char *space, size_t cap)
{
	struct writer w = writer_over(space, cap);
	struct dialog_request r = { .method = SIP_BYE, .cseq = 9, .max_forwards = -1 };

	dialog_write_request(&w, d, &r, &g_settings);
	assert_false(w.overflow);
	return writer_done(&w);
}

/* The routes of RFC 3261 16.12.1: loose routers stay in Route, a strict one takes the Request-URI. */
static void routes(void **state)
{
	static const struct {
		const char *name, *record_route, *line, *route, *hop;
	} rows[] = {
		{ "none", "", "BYE sip:a@192.0.2.11 SIP/2.0", "", "192.0.2.11:5060" },
		{ "loose", "Record-Route: <sip:192.0.2.70:5080;lr>, <sip:p2.example.com;lr>\r\n",
		  "BYE sip:a@192.0.2.11 SIP/2.0",
		  "<sip:192.0.2.70:5080;lr>, <sip:p2.example.com;lr>", "192.0.2.70:5080" },
		{ "two lines", "Record-Route: <sip:192.0.2.70;lr>\r\nRecord-Route: <sip:p2;lr>\r\n",
		  "BYE sip:a@192.0.2.11 SIP/2.0", "<sip:192.0.2.70;lr>, <sip:p2;lr>",
		  "192.0.2.70:5060" },
		{ "strict", "Record-Route: <sip:192.0.2.70>, <sip:p2;lr>\r\n",
		  "BYE sip:192.0.2.70 SIP/2.0", "<sip:p2;lr>, <sip:a@192.0.2.11>",
		  "192.0.2.70:5060" },
		{ "strict alone", "Record-Route: <sip:192.0.2.70>\r\n",
		  "BYE sip:192.0.2.70 SIP/2.0", "<sip:a@192.0.2.11>", "192.0.2.70:5060" },
		{ "a name", "Record-Route: <sip:p1.example.com;lr>\r\n",
		  "BYE sip:a@192.0.2.11 SIP/2.0", "<sip:p1.example.com;lr>", "192.0.2.11:5060" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char text[1024], space[1024];
		struct sip_message m;
		struct dialog d = { 0 };
		struct addr hop = rig_addr(rows[i].hop);
		struct bytes bye;

		(void)snprintf(text, sizeof(text),
			       INVITE("192.0.2.11", "<sip:a@h>;tag=x", "<sip:a@192.0.2.11>", "%s"),
			       rows[i].record_route);
		assert_int_equal(dialog_from_request(&d, &OWN, parse(&m, text, "192.0.2.11:5060"),
						     &g_host),
				 0);
		bye = write_bye(&d, space, sizeof(space));
		ROW_ASSERT(rows[i].name, bytes_starts(bye, rows[i].line));
		ROW_ASSERT(rows[i].name, bytes_is(rig_header(bye, "Route"), rows[i].route));
		ROW_ASSERT(rows[i].name, addr_eq(&d.hop.remote, &hop));
		dialog_clear(&d);
		message_close(&m);
	}
}

/* hop: of one who is trusted. phone: of one who is not, and whose Contact tells at most another port of its host. */
static void hops(void **state)
{
	static const struct {
		const char *name, *via, *contact, *source, *hop, *phone;
	} rows[] = {
		{ "all the same", "192.0.2.11:5070", "<sip:a@192.0.2.11:5070>", "192.0.2.11:5070",
		  "192.0.2.11:5070", "192.0.2.11:5070" },
		{ "another port", "192.0.2.11", "<sip:a@192.0.2.11:5099>", "192.0.2.11:5060",
		  "192.0.2.11:5099", "192.0.2.11:5099" },
		{ "sent from any port", "192.0.2.11", "<sip:a@192.0.2.11>", "192.0.2.11:40000",
		  "192.0.2.11:5060", "192.0.2.11:5060" },
		{ "contact elsewhere", "192.0.2.11", "<sip:a@192.0.2.99:5099>", "192.0.2.11:5060",
		  "192.0.2.99:5099", "192.0.2.11:5060" },
		{ "TCP is asked for", "192.0.2.11", "<sip:a@192.0.2.11:22;transport=tcp>",
		  "192.0.2.11:5060", "192.0.2.11:22", "192.0.2.11:5060" },
		{ "behind NAT", "10.0.0.5", "<sip:a@10.0.0.5>", "198.51.100.1:40000",
		  "198.51.100.1:40000", "198.51.100.1:40000" },
		{ "port mapped", "192.0.2.11;rport", "<sip:a@192.0.2.11>", "192.0.2.11:40000",
		  "192.0.2.11:40000", "192.0.2.11:40000" },
		{ "a name", "192.0.2.11", "<sip:a@phone.example.com>", "192.0.2.11:5060",
		  "192.0.2.11:5060", "192.0.2.11:5060" },
		{ "Via a name", "phone.example.com", "<sip:a@192.0.2.99>", "192.0.2.11:5060",
		  "192.0.2.11:5060", "192.0.2.11:5060" },
		{ "our own", "192.0.2.11", "<sip:a@192.0.2.1:5060>", "192.0.2.11:5060",
		  "192.0.2.11:5060", "192.0.2.11:5060" },
		{ "our own host", "192.0.2.11", "<sip:a@192.0.2.1:22>", "192.0.2.11:5060",
		  "192.0.2.11:5060", "192.0.2.11:5060" },
		{ "loopback", "192.0.2.11", "<sip:a@127.0.0.1:6379;transport=tcp>",
		  "192.0.2.11:5060", "192.0.2.11:5060", "192.0.2.11:5060" },
		{ "link-local", "192.0.2.11", "<sip:a@169.254.169.254:80>", "192.0.2.11:5060",
		  "192.0.2.11:5060", "192.0.2.11:5060" },
		{ "any", "192.0.2.11", "<sip:a@0.0.0.0>", "192.0.2.11:5060", "192.0.2.11:5060",
		  "192.0.2.11:5060" },
		{ "multicast", "192.0.2.11", "<sip:a@224.0.1.75>", "192.0.2.11:5060",
		  "192.0.2.11:5060", "192.0.2.11:5060" },
		{ "other family", "192.0.2.11", "<sip:a@[2001:db8::1]>", "192.0.2.11:5060",
		  "[2001:db8::1]:5060", "192.0.2.11:5060" },
		{ "IPv6", "[2001:db8::1]:5070", "<sip:a@[2001:db8::2]:5071>", "[2001:db8::1]:5070",
		  "[2001:db8::2]:5071", "[2001:db8::1]:5070" },
	};

	(void)state;
	for (size_t i = 0; i < 2 * COUNT_OF(rows); i++) {
		size_t row = i / 2;
		char text[1024];
		struct sip_message m;
		struct dialog d = { 0 };
		struct addr hop;

		g_trusted = i % 2 == 0;
		hop = rig_addr(g_trusted ? rows[row].hop : rows[row].phone);
		(void)snprintf(text, sizeof(text), INVITE("%s", "<sip:a@h>;tag=x", "%s", ""),
			       rows[row].via, rows[row].contact);
		assert_int_equal(dialog_from_request(&d, &OWN, parse(&m, text, rows[row].source),
						     &g_host),
				 0);
		ROW_ASSERT(rows[row].name, addr_eq(&d.hop.remote, &hop));
		dialog_clear(&d);
		message_close(&m);
	}
	g_trusted = true;
}

/* Whose names are looked up. Names in Via are no sign of a NAT. */
static void whose_names(void **state)
{
	static const struct {
		const char *name, *via, *source;
		bool trusted, trunk, web, named;
	} rows[] = {
		{ "trusted", "192.0.2.11", "192.0.2.11:5060", true, false, false, true },
		{ "a trunk", "192.0.2.11", "192.0.2.11:5060", false, true, false, true },
		{ "a phone", "192.0.2.11", "192.0.2.11:5060", false, false, false, false },
		{ "behind NAT", "10.0.0.5", "192.0.2.11:5060", true, false, false, false },
		{ "Via is a name", "pbx.test", "192.0.2.11:5060", true, false, false, true },
		{ "a browser", "192.0.2.11", "192.0.2.11:5060", true, false, true, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct dialog d = { .trunk = rows[i].trunk };
		struct sip_message m;
		char text[1024];

		g_trusted = rows[i].trusted;
		(void)snprintf(text, sizeof(text),
			       INVITE("%s", "<sip:a@h>;tag=x", "<sip:a@pbx.test>", ""),
			       rows[i].via);
		parse(&m, text, rows[i].source);
		if (rows[i].web)
			m.hop.transport = SIP_WSS;
		assert_int_equal(dialog_from_request(&d, &OWN, &m, &g_host), 0);
		ROW_ASSERT(rows[i].name, d.named == rows[i].named);
		dialog_clear(&d);
		message_close(&m);
	}
	g_trusted = true;
}

/* The same request for another place: nothing but Via and Contact is another, and the number where it is told. */
static void moved(void **state)
{
	static const char head[] =
		"INFO sip:x@h SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=b;rport\r\n"
		"CSeq: 7 INFO\r\nContact: <sip:q@h>\r\nCall-ID: c1\r\n\r\nVia: CSeq: 9\r\n";
	struct dialog d = { .tag = OWN, .hop = { .transport = SIP_TCP, .local = V4_TCP } };
	char branch[ID_BRANCH_LEN], read[ID_BRANCH_LEN], space[1024];
	struct writer w = writer_over(space, sizeof(space));
	struct bytes out;

	(void)state;
	id_branch_put(branch, &OWN);
	dialog_write_moved(&w, &d, bytes_str(head), branch, 8, &g_settings);
	out = writer_done(&w);
	assert_true(bytes_starts(out, "INFO sip:x@h SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.1:5060;"));
	assert_true(bytes_is(rig_header(out, "CSeq"), "8 INFO"));
	assert_true(rig_has(rig_header(out, "Contact"), ";transport=tcp>"));
	assert_true(bytes_is(rig_header(out, "Call-ID"), "c1"));
	assert_true(bytes_is(rig_body(out), "Via: CSeq: 9\r\n"));
	assert_int_equal(dialog_read_cseq(out), 8);
	assert_true(dialog_read_branch(out, read));
	assert_memory_equal(read, branch, sizeof(branch));
	assert_int_equal(dialog_read_cseq(bytes_str("INFO\r\n\r\n")), 0);
}

/* A route of a phone's is written, and not followed. */
static void routes_of_phones(void **state)
{
	struct addr hop = rig_addr("192.0.2.11:5060");
	struct sip_message m;
	struct dialog d = { 0 };

	(void)state;
	g_trusted = false;
	parse(&m,
	      INVITE("192.0.2.11", "<sip:a@h>;tag=x", "<sip:a@192.0.2.11:5099>",
		     "Record-Route: <sip:192.0.2.70:5080;lr>\r\n"),
	      "192.0.2.11:5060");
	assert_int_equal(dialog_from_request(&d, &OWN, &m, &g_host), 0);
	assert_true(addr_eq(&d.hop.remote, &hop));
	assert_true(bytes_is(text_bytes(&d.routes), "<sip:192.0.2.70:5080;lr>"));
	dialog_clear(&d);
	message_close(&m);
	g_trusted = true;
}

/* A re-INVITE from another host moves the dialog of who is trusted alone: a datagram's source can be anybody's. */
static void moves(void **state)
{
	static const struct {
		const char *name, *from;
		bool trusted;
		enum sip_transport transport;
		uint64_t connection; /* UDP: by which node */
		const char *hop;
		bool judged;
	} rows[] = {
		{ "another port", "192.0.2.11:40000", false, SIP_UDP, 0, "192.0.2.11:5060" },
		{ "another host", "192.0.2.99:5060", false, SIP_UDP, 0, "192.0.2.11:5060" },
		{ "by one node", "192.0.2.99:5060", false, SIP_UDP, 7, "192.0.2.11:5060" },
		{ "its connection", "192.0.2.99:5060", false, SIP_TCP, 7, "192.0.2.99:5060" },
		{ "trusted", "192.0.2.99:5060", true, SIP_UDP, 0, "192.0.2.99:5060" },
		{ "judged", "192.0.2.99:5060", false, SIP_UDP, 0, "192.0.2.99:5060", true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct addr hop = rig_addr(rows[i].hop);
		struct sip_message m;
		struct dialog d = { 0 };
		char text[1024];

		g_trusted = rows[i].trusted;
		parse(&m, INVITE("192.0.2.11", "<sip:a@h>;tag=x", "<sip:a@192.0.2.11>", ""),
		      "192.0.2.11:5060");
		m.hop.transport = rows[i].transport;
		m.hop.connection = rows[i].connection;
		assert_int_equal(dialog_from_request(&d, &OWN, &m, &g_host), 0);
		message_close(&m);
		(void)snprintf(text, sizeof(text),
			       INVITE("%.*s", "<sip:a@h>;tag=x", "<sip:b@%.*s>", ""),
			       (int)strcspn(rows[i].from, ":"), rows[i].from,
			       (int)strcspn(rows[i].from, ":"), rows[i].from);
		parse(&m, text, rows[i].from);
		m.hop.transport = rows[i].transport;
		m.hop.connection = rows[i].connection;
		assert_int_equal(dialog_refresh(&d, &m, rows[i].judged, &g_host), 0);
		ROW_ASSERT(rows[i].name, addr_eq(&d.hop.remote, &hop));
		dialog_clear(&d);
		message_close(&m);
	}
	g_trusted = true;
}

/* Which of our addresses and what in Via and Contact, by what the party's Contact asks for (RFC 3261 19.1.1, 26.2). connection: kept. */
static void transports(void **state)
{
	static const struct {
		const char *name;
		uint16_t local; /* it came to */
		const char *contact, *hop;
		uint16_t want;
		bool connection;
		const char *via, *own;
	} rows[] = {
		{ "UDP", V4_UDP, "<sip:a@192.0.2.11:5070>", "192.0.2.11:5070", V4_UDP, false,
		  "SIP/2.0/UDP 192.0.2.1:5060;", "192.0.2.1:5060>" },
		{ "UDP to TCP", V4_UDP, "<sip:a@192.0.2.11:5070;transport=TCP>", "192.0.2.11:5070",
		  V4_TCP, false, "SIP/2.0/TCP 192.0.2.1:5060;", "192.0.2.1:5060;transport=tcp>" },
		{ "UDP to TLS by sips", V4_UDP, "<sips:a@192.0.2.11>", "192.0.2.11:5061", V4_TLS,
		  false, "SIP/2.0/TLS 192.0.2.1:5061;", "192.0.2.1:5061;transport=tls>" },
		{ "TCP stays on its connection", V4_TCP, "<sip:a@192.0.2.11:5070;transport=tcp>",
		  "192.0.2.11:5070", V4_TCP, true, "SIP/2.0/TCP 192.0.2.1:5060;",
		  "192.0.2.1:5060;transport=tcp>" },
		{ "TCP without a word", V4_TCP, "<sip:a@192.0.2.11:5070>", "192.0.2.11:5070",
		  V4_TCP, true, "SIP/2.0/TCP 192.0.2.1:5060;", "192.0.2.1:5060;transport=tcp>" },
		{ "TCP to another machine", V4_TCP, "<sip:a@192.0.2.99;transport=tcp>",
		  "192.0.2.99:5060", V4_TCP, false, "SIP/2.0/TCP 192.0.2.1:5060;",
		  "192.0.2.1:5060;transport=tcp>" },
		{ "TCP to UDP", V4_TCP, "<sip:a@192.0.2.11;transport=udp>", "192.0.2.11:5060",
		  V4_UDP, false, "SIP/2.0/UDP 192.0.2.1:5060;", "192.0.2.1:5060>" },
		{ "TCP to IPv6", V4_TCP, "<sip:a@[2001:db8::1];transport=tcp>",
		  "[2001:db8::1]:5060", V6_TCP, false, "SIP/2.0/TCP [2001:db8::99]:5060;",
		  "[2001:db8::99]:5060;transport=tcp>" },
		{ "IPv6 has no TLS here", V4_TLS, "<sip:a@[2001:db8::1];transport=tls>",
		  "192.0.2.11:40000", V4_TLS, true, "SIP/2.0/TLS 192.0.2.1:5061;",
		  "192.0.2.1:5061;transport=tls>" },
		{ "its own network first", V4_TCP_ELSEWHERE, "<sip:a@192.0.2.11;transport=tls>",
		  "192.0.2.11:5061", V4_TLS, false, "SIP/2.0/TLS 192.0.2.1:5061;",
		  "192.0.2.1:5061;transport=tls>" },
		{ "a browser has no address", V4_WSS, "<sip:a@df7jal23ls0d.invalid;transport=ws>",
		  "192.0.2.11:40000", V4_WSS, true, "SIP/2.0/WSS 192.0.2.1:443;",
		  "192.0.2.1:443;transport=ws>" },
		{ "nor where it says that it has", V4_WSS, "<sip:a@192.0.2.11:5070;transport=udp>",
		  "192.0.2.11:40000", V4_WSS, true, "SIP/2.0/WSS 192.0.2.1:443;",
		  "192.0.2.1:443;transport=ws>" },
		{ "nobody is called over WS", V4_UDP, "<sip:a@192.0.2.11:80;transport=ws>",
		  "192.0.2.11:40000", V4_UDP, false, "SIP/2.0/UDP 192.0.2.1:5060;",
		  "192.0.2.1:5060>" },
		{ "nor by sips", V4_TCP, "<sips:a@192.0.2.11:443;transport=ws>", "192.0.2.11:40000",
		  V4_TCP, true, "SIP/2.0/TCP 192.0.2.1:5060;", "192.0.2.1:5060;transport=tcp>" },
		{ "SCTP is nobody's", V4_UDP, "<sip:a@192.0.2.99;transport=sctp>",
		  "192.0.2.11:40000", V4_UDP, false, "SIP/2.0/UDP 192.0.2.1:5060;",
		  "192.0.2.1:5060>" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char text[1024], space[2048];
		struct addr hop = rig_addr(rows[i].hop);
		struct writer w = writer_over(space, sizeof(space));
		enum sip_transport came = g_settings.locals[rows[i].local].transport;
		struct bytes bye;
		struct sip_message m;
		struct dialog d = { 0 };

		(void)snprintf(text, sizeof(text),
			       INVITE("192.0.2.11:40000", "<sip:a@h>;tag=x", "%s", ""),
			       rows[i].contact);
		(void)parse(&m, text, "192.0.2.11:40000");
		m.hop.transport = came;
		m.hop.local = rows[i].local;
		m.hop.inbound = sip_transport_is_stream(came);
		m.hop.connection = m.hop.inbound ? 7 : 0;
		assert_int_equal(dialog_from_request(&d, &OWN, &m, &g_host), 0);
		ROW_ASSERT(rows[i].name, addr_eq(&d.hop.remote, &hop));
		ROW_ASSERT(rows[i].name, d.hop.local == rows[i].want);
		ROW_ASSERT(rows[i].name,
			   d.hop.transport == g_settings.locals[rows[i].want].transport);
		ROW_ASSERT(rows[i].name, (d.hop.connection != 0) == rows[i].connection);
		bye = write_bye(&d, space, sizeof(space));
		ROW_ASSERT(rows[i].name, bytes_starts(rig_header(bye, "Via"), rows[i].via));
		dialog_write_contact(&w, &d, &g_settings);
		ROW_ASSERT(rows[i].name, memmem(space, w.n, rows[i].own, strlen(rows[i].own)));
		dialog_clear(&d);
		message_close(&m);
	}
}

/* Another shard reaches us by our shard's address, whatever we listen on. */
static void contact_for_a_shard(void **state)
{
	char space[256];
	struct shard_settings s = g_settings;
	struct dialog d = { .tag = OWN, .hop = { .transport = SIP_INTER_SHARD } };
	struct writer w = writer_over(space, sizeof(space));

	(void)state;
	s.number = 8;
	dialog_write_contact(&w, &d, &s);
	assert_non_null(memmem(space, w.n, "@0.0.0.8:5060;transport=cell>", 29));
}

/* Names come back quoted, and nothing in them can end the quotes. */
static void names(void **state)
{
	static const struct {
		const char *from, *want;
	} rows[] = {
		{ "<sip:a@h>;tag=x", "<sip:a@h>" },
		{ "sip:a@h;tag=x", "<sip:a@h>" },
		{ "Alice <sip:a@h>;tag=x", "\"Alice\" <sip:a@h>" },
		{ "\"A \\\"B\\\" C\" <sip:a@h>;tag=x", "\"A \\\"B\\\" C\" <sip:a@h>" },
		{ "\"back\\\\\" <sip:a@h>;tag=x", "\"back\\\\\" <sip:a@h>" },
		{ "a\\ <sip:a@h>;tag=x", "\"a\" <sip:a@h>" },
		{ "\"be\all\x7f\" <sip:a@h>;tag=x", "\"be ll \" <sip:a@h>" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char text[1024];
		struct sip_message m;
		struct dialog d = { 0 };
		struct sip_name_addr a;

		(void)snprintf(text, sizeof(text), INVITE("192.0.2.11", "%s", "<sip:a@h>", ""),
			       rows[i].from);
		assert_int_equal(dialog_from_request(&d, &OWN, parse(&m, text, "192.0.2.11:5060"),
						     &g_host),
				 0);
		ROW_ASSERT(rows[i].from, bytes_is(text_bytes(&d.remote), rows[i].want));
		ROW_ASSERT(rows[i].from, !sip_name_addr_parse(&a, text_bytes(&d.remote)));
		dialog_clear(&d);
		message_close(&m);
	}
}

static void too_much(void **state)
{
	static char text[8192], uri[2000];
	struct sip_message m;
	struct dialog d = { 0 };

	(void)state;
	memset(uri, 'x', sizeof(uri) - 1);
	(void)snprintf(text, sizeof(text),
		       INVITE("192.0.2.11", "<sip:a@h>;tag=x", "<sip:%s@h>", ""), uri);
	assert_int_equal(dialog_from_request(&d, &OWN, parse(&m, text, "192.0.2.11:5060"), &g_host),
			 -EINVAL);
	message_close(&m);
	(void)snprintf(text, sizeof(text),
		       INVITE("192.0.2.11", "<sip:a@h>;tag=\"a b\"", "<sip:a@h>", ""));
	assert_int_equal(dialog_from_request(&d, &OWN, parse(&m, text, "192.0.2.11:5060"), &g_host),
			 -EINVAL);
	message_close(&m);
}

static void matches(void **state)
{
	struct sip_message m;
	struct dialog d = { 0 };
	struct dialog_tag own;
	struct bytes tag;

	(void)state;
	parse(&m, INVITE("192.0.2.11", "<sip:a@h>;tag=x", "<sip:a@h>", ""), "192.0.2.11:5060");
	assert_int_equal(dialog_from_request(&d, &OWN, &m, &g_host), 0);
	own = dialog_tag(&d);
	tag = bytes_mem(own.text, sizeof(own.text));
	assert_true(dialog_is(&d, bytes_str("c1"), tag, bytes_str("x")));
	assert_false(dialog_is(&d, bytes_str("c2"), tag, bytes_str("x")));
	assert_false(dialog_is(&d, bytes_str("c1"), tag, bytes_str("y")));
	assert_false(dialog_is(&d, bytes_str("c1"), tag, (struct bytes){ 0 }));
	assert_false(dialog_is(&d, bytes_str("c1"), bytes_str("x"), bytes_str("x")));
	dialog_clear(&d);
	message_close(&m);
}

/* ACK and CANCEL repeat what RFC 3261 17.1.1.3 and 9.1 say, and nothing else. */
static void derived(void **state)
{
	static const char invite[] =
		"INVITE sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP n;branch=z9hG4bK1\r\n"
		"Max-Forwards: 69\r\nRoute: <sip:p;lr>\r\nFrom: <sip:a@h>;tag=x\r\n"
		"To: <sip:b@h>\r\nCall-ID: c\r\nCSeq: 3 INVITE\r\nContact: <sip:n>\r\n"
		"Content-Type: application/sdp\r\nContent-Length: 21\r\n\r\n"
		"v=0\r\nTo: <sip:evil>\r\n";
	char space[1024];
	struct writer w = writer_over(space, sizeof(space));

	(void)state;
	dialog_write_derived(&w, bytes_str(invite), SIP_ACK, bytes_str("<sip:b@h>;tag=y"),
			     (struct bytes){ 0 });
	assert_true(bytes_is(writer_done(&w),
			     "ACK sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP n;branch=z9hG4bK1\r\n"
			     "Max-Forwards: 69\r\nRoute: <sip:p;lr>\r\nFrom: <sip:a@h>;tag=x\r\n"
			     "To: <sip:b@h>;tag=y\r\nCall-ID: c\r\nCSeq: 3 ACK\r\n"
			     "Content-Length: 0\r\n\r\n"));
	w = writer_over(space, sizeof(space));
	dialog_write_derived(&w, bytes_str(invite), SIP_CANCEL, (struct bytes){ 0 },
			     bytes_str("Reason: SIP;cause=200\r\n"));
	assert_true(bytes_is(writer_done(&w),
			     "CANCEL sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP n;branch=z9hG4bK1\r\n"
			     "Max-Forwards: 69\r\nRoute: <sip:p;lr>\r\nFrom: <sip:a@h>;tag=x\r\n"
			     "To: <sip:b@h>\r\nCall-ID: c\r\nCSeq: 3 CANCEL\r\n"
			     "Reason: SIP;cause=200\r\nContent-Length: 0\r\n\r\n"));
}

static int setup(void **state)
{
	(void)state;
	g_settings = rig_settings();
	settings_fill();
	g_trusted = true;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(contact_for_a_shard),
		cmocka_unit_test(routes),
		cmocka_unit_test(hops),
		cmocka_unit_test(whose_names),
		cmocka_unit_test(too_much),
		cmocka_unit_test(matches),
		cmocka_unit_test(derived),
		cmocka_unit_test(transports),
		cmocka_unit_test(moves),
		cmocka_unit_test(routes_of_phones),
		cmocka_unit_test(names),
		cmocka_unit_test(moved),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
