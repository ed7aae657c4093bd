/* SPDX-License-Identifier: Apache-2.0 */
/* TLS between two transports of ours on loopback, and against OpenSSL's own client. */
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/metric.h"
#include "sig/sip/hop.h"
#include "sig/transport/transport.h"
#include "tests/unit/certificates.h"
#include "tests/unit/sig/rig.h"

enum { TICK_MS = 5, LIMIT_MS = 5000 };

#define MESSAGE "OPTIONS sip:x SIP/2.0\r\nContent-Length: 3\r\n\r\nabc"

static char g_dir[] = "/tmp/tandem-tls-XXXXXX";
static struct test_pair g_ca, g_other_ca, g_node, g_named, g_expired, g_elsewhere, g_stranger;

static const struct stream_rate GENEROUS = { 100000, 1000 };
static struct stream_rate g_rate = { 100000, 1000 }, g_source_rate = { 100000, 1000 };

/* One end. */
struct side {
	struct transport *t;
	struct hop_names *names;
	struct tls *tls;
	unsigned messages, errors, closed;
	int error;
	struct sip_hop from;
	struct sip_hop refused_hop;
	const char *refused; /* why a client's certificate was not taken */
};

struct net {
	struct side server, client;
	uint64_t until_ns;
	bool late;
	uint64_t begun, most; /* handshakes: before this round, in one round */
};

static void on_message(const struct sip_hop *from, struct bytes message, void *arg)
{
	struct side *s = arg;

	assert_true(message.n > 0);
	s->messages++;
	s->from = *from;
}

static void on_error(const struct sip_hop *to, int error, void *arg)
{
	struct side *s = arg;

	(void)to;
	s->errors++;
	s->error = error;
}

static void on_closed(const struct sip_hop *hop, void *arg)
{
	struct side *s = arg;

	(void)hop;
	s->closed++;
}

static void on_refused(const struct sip_hop *hop, const char *detail, void *arg)
{
	struct side *s = arg;

	s->refused_hop = *hop;
	s->refused = detail;
}

static uint64_t handshakes(void)
{
	return metric_value(
		metric_register(METRIC_COUNTER, "tandem_sip_stream_handshakes_total", NULL, ""));
}

static void on_round(void *arg)
{
	struct net *r = arg;
	uint64_t begun;

	transport_flush(r->server.t);
	transport_flush(r->client.t);
	begun = handshakes();
	if (begun - r->begun > r->most)
		r->most = begun - r->begun;
	r->begun = begun;
}

static bool settled(const struct net *r)
{
	return r->server.messages || r->client.messages || r->client.errors || r->server.closed ||
	       r->client.closed;
}

static void on_tick(void *arg)
{
	struct net *r = arg;
	uint64_t now = clock_now_ns();

	transport_expire(r->server.t, now);
	transport_expire(r->client.t, now);
	r->late = now >= r->until_ns;
	if (r->late || settled(r)) {
		loop_stop();
		return;
	}
	assert_int_equal(loop_timer(now + TICK_MS * NS_PER_MS, on_tick, r), 0);
}

static void run(struct net *r)
{
	r->until_ns = clock_now_ns() + LIMIT_MS * NS_PER_MS;
	assert_int_equal(loop_timer(clock_now_ns(), on_tick, r), 0);
	assert_int_equal(loop_run(), 0);
}

static void open_side(struct side *s, const struct tls_settings *tls, uint64_t patience_ms)
{
	struct transport_listener listener = { SIP_TLS, rig_addr("127.0.0.1") };
	const struct transport_handlers handlers = { on_message, on_error, on_closed, s,
						     on_refused };
	struct transport_settings settings = {
		.listeners = &listener,
		.count = 1,
		.limits = { .connections = 64,
			    .connections_per_source = 64,
			    .idle_ns = 60 * NS_PER_S,
			    .patience_ns = patience_ms * NS_PER_MS,
			    .handshakes = g_rate,
			    .handshakes_per_source = g_source_rate },
	};
	char error[TLS_ERROR_MAX];

	memset(s, 0, sizeof(*s));
	if (tls_open(&s->tls, tls, error))
		fail_msg("%s", error);
	settings.tls = s->tls;
	assert_int_equal(hop_names_open(&s->names), 0);
	settings.names = s->names;
	assert_int_equal(transport_open(&s->t, &settings, &handlers), 0);
}

static struct tls_settings tls_with(const struct test_pair *identity, const struct test_pair *ca,
				    enum tls_client_certificates clients)
{
	struct tls_settings s = { .identity_count = 1, .clients = clients };

	s.identities[0] = identity->files;
	memcpy(s.ca, ca->files.certificate, sizeof(s.ca));
	return s;
}

static void open_rig(struct net *r, const struct tls_settings *server,
		     const struct tls_settings *client, uint64_t patience_ms)
{
	memset(r, 0, sizeof(*r));
	r->begun = handshakes();
	assert_int_equal(loop_open(256), 0);
	open_side(&r->server, server, patience_ms);
	open_side(&r->client, client, patience_ms);
	loop_after_round(on_round, r);
}

static void close_rig(struct net *r)
{
	transport_close(r->client.t);
	transport_close(r->server.t);
	tls_close(r->client.tls);
	tls_close(r->server.tls);
	hop_names_close(r->client.names);
	hop_names_close(r->server.names);
	loop_close();
}

static uint64_t failures(enum tls_failure why)
{
	static char labels[TLS_FAILURE_REASONS][64]; /* a metric keeps its label's pointer */

	(void)snprintf(labels[why], sizeof(labels[0]), "reason=\"%s\"", tls_failure_name(why));
	return metric_value(
		metric_register(METRIC_COUNTER, "tandem_sip_tls_failures_total", labels[why], ""));
}

/* Whom we call is verified, whom we ask for a certificate too; each refusal has its name. */
static void test_verification(void **state)
{
	const struct {
		const char *name;
		const struct test_pair *server, *server_ca, *client, *client_ca;
		enum tls_client_certificates clients;
		int failure; /* -1: it works */
	} rows[] = {
		{ "good", &g_node, &g_ca, &g_node, &g_ca, TLS_CLIENT_NONE, -1 },
		{ "both good", &g_node, &g_ca, &g_named, &g_ca, TLS_CLIENT_REQUIRED, -1 },
		{ "shown, optional", &g_node, &g_ca, &g_named, &g_ca, TLS_CLIENT_OPTIONAL, -1 },
		{ "unknown CA", &g_node, &g_ca, &g_node, &g_other_ca, TLS_CLIENT_NONE,
		  TLS_FAILURE_UNTRUSTED },
		{ "expired", &g_expired, &g_ca, &g_node, &g_ca, TLS_CLIENT_NONE,
		  TLS_FAILURE_EXPIRED },
		{ "another's address", &g_elsewhere, &g_ca, &g_node, &g_ca, TLS_CLIENT_NONE,
		  TLS_FAILURE_NAME },
		{ "a name is no address", &g_named, &g_ca, &g_node, &g_ca, TLS_CLIENT_NONE,
		  TLS_FAILURE_NAME },
		{ "stranger, required", &g_node, &g_ca, &g_stranger, &g_ca, TLS_CLIENT_REQUIRED,
		  TLS_FAILURE_UNTRUSTED },
		{ "stranger, optional", &g_node, &g_ca, &g_stranger, &g_ca, TLS_CLIENT_OPTIONAL,
		  TLS_FAILURE_UNTRUSTED },
		{ "stranger, not asked", &g_node, &g_ca, &g_stranger, &g_ca, TLS_CLIENT_NONE, -1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct tls_settings server =
			tls_with(rows[i].server, rows[i].server_ca, rows[i].clients);
		struct tls_settings client =
			tls_with(rows[i].client, rows[i].client_ca, TLS_CLIENT_NONE);
		enum tls_failure why = rows[i].failure < 0 ? 0 : (enum tls_failure)rows[i].failure;
		uint64_t before = failures(why);
		struct sip_hop to = { .transport = SIP_TLS };
		struct net r;

		open_rig(&r, &server, &client, 30000);
		to.remote = *transport_bound(r.server.t, 0);
		assert_int_equal(transport_send(r.client.t, &to, BYTES_LIT(MESSAGE)), 0);
		run(&r);
		ROW_ASSERT(rows[i].name, !r.late);
		ROW_ASSERT(rows[i].name, r.server.messages == (rows[i].failure < 0));
		ROW_ASSERT(rows[i].name, rows[i].failure < 0 || failures(why) > before);
		ROW_ASSERT(rows[i].name,
			   rows[i].failure >= 0 || r.server.from.transport == SIP_TLS);
		ROW_ASSERT(rows[i].name,
			   rows[i].failure >= 0 ||
				   r.server.from.certified == (rows[i].clients != TLS_CLIENT_NONE));
		if (r.client.errors)
			ROW_ASSERT(rows[i].name, r.client.error == tls_failure_error(why));
		if (rows[i].clients == TLS_CLIENT_NONE || rows[i].failure < 0) {
			ROW_ASSERT(rows[i].name, !r.server.refused);
		} else {
			ROW_ASSERT(rows[i].name,
				   r.server.refused &&
					   !strcmp(r.server.refused, tls_failure_name(why)));
			ROW_ASSERT(rows[i].name, r.server.refused_hop.remote.port != 0);
		}
		close_rig(&r);
	}
}

/* RFC 5922 7: the domain that was called is in the certificate, as a whole; an address there is not its name. */
static void test_names_called(void **state)
{
	static const struct {
		const char *alt, *name;
		bool good;
	} rows[] = {
		{ "DNS:pbx.example.com", "pbx.example.com", true },
		{ "DNS:PBX.example.COM", "pbx.Example.com.", true },
		{ "DNS:other.test,DNS:pbx.example.com", "pbx.example.com", true },
		{ "URI:sip:pbx.example.com", "pbx.example.com", true },
		{ "URI:SIP:pbx.example.com", "pbx.example.com", true },
		{ "DNS:other.test,URI:sip:pbx.example.com", "pbx.example.com", true },
		/* 7.1: where a SIP URI is, DNS names count no more */
		{ "DNS:pbx.example.com,URI:sip:other.test", "pbx.example.com", false },
		{ "DNS:pbx.example.com,URI:https://other.test", "pbx.example.com", true },
		{ "DNS:pbx.example.com,URI:sip:me@other.test", "pbx.example.com", true },
		{ "URI:sip:me@pbx.example.com", "pbx.example.com", false },
		{ "URI:sips:pbx.example.com", "pbx.example.com", false },
		/* 7.2 */
		{ "DNS:*.example.com", "pbx.example.com", false },
		{ "DNS:example.com", "pbx.example.com", false },
		{ "DNS:pbx.example.com", "example.com", false },
		{ "IP:127.0.0.1", "pbx.example.com", false },
		{ NULL, "called", false }, /* its CN */
	};
	struct tls_settings tls = tls_with(&g_node, &g_ca, TLS_CLIENT_NONE);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct sip_hop to = { .transport = SIP_TLS };
		struct test_pair pair;
		struct tls_settings server;
		struct net r;

		test_pair_make(&pair, g_dir, "called", &g_ca, rows[i].alt, 30);
		server = tls_with(&pair, &g_ca, TLS_CLIENT_NONE);
		open_rig(&r, &server, &tls, 30000);
		to.remote = *transport_bound(r.server.t, 0);
		to.name = hop_names_put(r.client.names, bytes_str(rows[i].name));
		assert_true(to.name);
		assert_int_equal(transport_send(r.client.t, &to, BYTES_LIT(MESSAGE)), 0);
		run(&r);
		ROW_ASSERT(rows[i].alt, !r.late);
		ROW_ASSERT(rows[i].alt, r.server.messages == rows[i].good);
		ROW_ASSERT(rows[i].alt, r.client.errors == !rows[i].good);
		ROW_ASSERT(rows[i].alt, rows[i].good || r.client.error == EKEYREJECTED);
		close_rig(&r);
		test_pair_free(&pair);
	}
	assert_string_equal(tls_error_name(EKEYREJECTED), "certificate_name");
	assert_null(tls_error_name(ENOTCONN));
}

/* RFC 5922 7.4: for which domains the certificate is that a client shows. */
static void test_names_shown(void **state)
{
	static const struct {
		const char *alt, *domain;
		bool good;
	} rows[] = {
		{ "DNS:carrier.test", "carrier.test", true },
		{ "DNS:carrier.test", "Carrier.TEST", true },
		{ "DNS:other.test,DNS:carrier.test", "carrier.test", true },
		{ "URI:sip:carrier.test", "carrier.test", true },
		{ "DNS:carrier.test,URI:sip:other.test", "carrier.test", false },
		{ "DNS:*.carrier.test", "sip.carrier.test", false },
		{ "DNS:sip.carrier.test", "carrier.test", false },
		{ "IP:127.0.0.1", "127.0.0.1", false },
		{ NULL, "caller", false }, /* its CN */
	};
	struct tls_settings server = tls_with(&g_node, &g_ca, TLS_CLIENT_OPTIONAL);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct sip_hop to = { .transport = SIP_TLS };
		struct tls_settings client;
		struct test_pair pair;
		struct net r;

		test_pair_make(&pair, g_dir, "caller", &g_ca, rows[i].alt, 30);
		client = tls_with(&pair, &g_ca, TLS_CLIENT_NONE);
		open_rig(&r, &server, &client, 30000);
		to.remote = *transport_bound(r.server.t, 0);
		assert_int_equal(transport_send(r.client.t, &to, BYTES_LIT(MESSAGE)), 0);
		run(&r);
		ROW_ASSERT(rows[i].domain, r.server.messages == 1 && r.server.from.certified);
		ROW_ASSERT(rows[i].domain, transport_is_certified(r.server.t, &r.server.from,
								  rows[i].domain) == rows[i].good);
		ROW_ASSERT(rows[i].domain, !transport_is_certified(r.server.t, &r.server.from, ""));
		r.server.from.connection = 0;
		ROW_ASSERT(rows[i].domain,
			   !transport_is_certified(r.server.t, &r.server.from, rows[i].domain));
		close_rig(&r);
		test_pair_free(&pair);
	}
}

/* RFC 5923: a connection that was made for a name is for no other one, and not for its address; and who has many is told which. */
static void test_one_name_one_connection(void **state)
{
	static const char *const names[] = { "pbx.example.com", "PBX.example.com", "",
					     "other.test" };
	struct tls_settings server = tls_with(&g_node, &g_ca, TLS_CLIENT_NONE);
	uint32_t made = 0;
	struct net r;

	(void)state;
	server.identities[1] = g_named.files;
	server.identity_count = 2;
	open_rig(&r, &server, &server, 30000);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct sip_hop to = { .transport = SIP_TLS };

		to.remote = *transport_bound(r.server.t, 0);
		to.name = hop_names_put(r.client.names, bytes_str(names[i]));
		r.server.messages = 0;
		assert_int_equal(transport_send(r.client.t, &to, BYTES_LIT(MESSAGE)), 0);
		made = transport_connections(r.client.t, SIP_TLS);
		run(&r);
		assert_int_equal(r.server.messages, i < 3);
		assert_int_equal(made, i < 2 ? 1 : i);
	}
	close_rig(&r);
}

static int dial(const struct net *r)
{
	struct sockaddr_storage sa;
	socklen_t n = addr_to_sockaddr(transport_bound(r->server.t, 0), &sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&sa, n), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

static void spin(struct net *r)
{
	r->until_ns = clock_now_ns() + 2 * TICK_MS * NS_PER_MS;
	assert_int_equal(loop_timer(clock_now_ns(), on_tick, r), 0);
	assert_int_equal(loop_run(), 0);
}

/* What a client of OpenSSL's gets from us; the certificate's name goes to out. False: no handshake. */
static bool shake(struct net *r, int version, const char *sni, char out[64])
{
	SSL_CTX *c = SSL_CTX_new(TLS_client_method());
	int fd = dial(r), done = 0;
	SSL *ssl = SSL_new(c);

	assert_int_equal(SSL_set_max_proto_version(ssl, version), 1);
	assert_int_equal(SSL_set_min_proto_version(ssl, TLS1_VERSION), 1);
	SSL_set_security_level(ssl, 0);
	assert_int_equal(SSL_set_fd(ssl, fd), 1);
	if (sni)
		assert_int_equal(SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME,
					  TLSEXT_NAMETYPE_host_name, (void *)(uintptr_t)sni),
				 1);
	for (int i = 0; i < 200 && done != 1; i++) {
		done = SSL_connect(ssl);
		if (done != 1 && SSL_get_error(ssl, done) != SSL_ERROR_WANT_READ)
			break;
		spin(r);
	}
	out[0] = '\0';
	if (done == 1) {
		X509 *x = SSL_get1_peer_certificate(ssl);

		(void)X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, out, 64);
		X509_free(x);
	}
	SSL_free(ssl);
	SSL_CTX_free(c);
	(void)close(fd);
	return done == 1;
}

/* SNI chooses; no name, or one nobody has, gets the first. A reload counts for the next handshake. */
static void test_names_and_reload(void **state)
{
	struct tls_settings server = tls_with(&g_node, &g_ca, TLS_CLIENT_NONE);
	struct tls_settings broken = server;
	char name[64], error[TLS_ERROR_MAX];
	struct net r;

	(void)state;
	server.identities[1] = g_named.files;
	server.identity_count = 2;
	open_rig(&r, &server, &server, 30000);
	assert_true(shake(&r, TLS1_3_VERSION, NULL, name));
	assert_string_equal(name, "node");
	assert_true(shake(&r, TLS1_2_VERSION, "pbx.example.com", name));
	assert_string_equal(name, "named");
	assert_true(shake(&r, TLS1_3_VERSION, "other.example.com", name));
	assert_string_equal(name, "node");
	(void)snprintf(broken.identities[0].key, TLS_PATH_MAX, "%s", g_ca.files.key);
	assert_int_equal(tls_reload(r.server.tls, &broken, error), -EINVAL);
	assert_non_null(strstr(error, "key"));
	assert_true(shake(&r, TLS1_3_VERSION, NULL, name));
	assert_string_equal(name, "node");
	server.identities[0] = g_elsewhere.files;
	assert_int_equal(tls_reload(r.server.tls, &server, error), 0);
	assert_true(shake(&r, TLS1_3_VERSION, NULL, name));
	assert_string_equal(name, "elsewhere");
	close_rig(&r);
}

static void test_old_versions(void **state)
{
	struct tls_settings server = tls_with(&g_node, &g_ca, TLS_CLIENT_NONE);
	uint64_t before = failures(TLS_FAILURE_VERSION);
	struct net r;
	char name[64];

	(void)state;
	open_rig(&r, &server, &server, 30000);
	assert_false(shake(&r, TLS1_1_VERSION, NULL, name));
	assert_int_equal(failures(TLS_FAILURE_VERSION), before + 1);
	close_rig(&r);
}

/* No ClientHello, half of one, and nothing: none of them keeps others waiting, or itself for ever. */
static void test_bad_beginnings(void **state)
{
	static const struct {
		const char *say;
		enum tls_failure why;
	} rows[] = {
		{ MESSAGE, TLS_FAILURE_PLAIN },
		{ "\x16\x03\x01\xff", TLS_FAILURE_TIMEOUT },
		{ "", TLS_FAILURE_TIMEOUT },
	};
	struct tls_settings server = tls_with(&g_node, &g_ca, TLS_CLIENT_NONE);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		uint64_t before = failures(rows[i].why);
		struct net r;
		int fd;

		open_rig(&r, &server, &server, 150);
		fd = dial(&r);
		(void)send(fd, rows[i].say, strlen(rows[i].say), MSG_NOSIGNAL);
		for (int k = 0; k < 200 && failures(rows[i].why) == before; k++)
			spin(&r);
		assert_int_equal(failures(rows[i].why), before + 1);
		assert_int_equal(transport_connections(r.server.t, SIP_TLS), 0);
		assert_int_equal(r.server.closed, 0); /* it never was one */
		(void)close(fd);
		close_rig(&r);
	}
}

/* Many come at once. In a round some handshakes begin, so that who is there already need not wait for all of them; in a second so many;
 * of one address so many, and the others are turned away under that name. */
static void test_many_at_once(void **state)
{
	static const struct {
		const char *name;
		struct stream_rate rate, source_rate;
		unsigned begun, away;
	} rows[] = {
		{ "all, some at a time", { 100000, 1000 }, { 100000, 1000 }, 40, 0 },
		{ "as many as there are tokens", { 1, 5 }, { 100000, 1000 }, 5, 0 },
		{ "as many as one address may", { 100000, 1000 }, { 1, 10 }, 10, 30 },
	};
	struct tls_settings server = tls_with(&g_node, &g_ca, TLS_CLIENT_NONE);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		metric_id away_id = metric_register(METRIC_COUNTER, "tandem_sip_stream_ends_total",
						    "reason=\"handshakes_of_source\"", "");
		uint64_t begun = handshakes(), away = metric_value(away_id), end;
		SSL_CTX *c = SSL_CTX_new(TLS_client_method());
		SSL *clients[40];
		int fds[40];
		struct net r;

		g_rate = rows[i].rate;
		g_source_rate = rows[i].source_rate;
		open_rig(&r, &server, &server, 30000);
		for (size_t k = 0; k < COUNT_OF(clients); k++) {
			fds[k] = dial(&r);
			clients[k] = SSL_new(c);
			assert_int_equal(SSL_set_fd(clients[k], fds[k]), 1);
			assert_int_equal(SSL_connect(clients[k]), -1); /* it has said hello */
		}
		end = clock_now_ns() + NS_PER_S / 2;
		while (clock_now_ns() < end && (handshakes() - begun < rows[i].begun ||
						metric_value(away_id) - away < rows[i].away))
			spin(&r);
		spin(&r);
		ROW_ASSERT(rows[i].name, handshakes() - begun == rows[i].begun);
		ROW_ASSERT(rows[i].name, metric_value(away_id) - away == rows[i].away);
		ROW_ASSERT(rows[i].name, r.most > 0 && r.most <= 8);
		for (size_t k = 0; k < COUNT_OF(clients); k++) {
			SSL_free(clients[k]);
			(void)close(fds[k]);
		}
		SSL_CTX_free(c);
		close_rig(&r);
	}
	g_rate = g_source_rate = GENEROUS;
}

/* Where an answer goes is what a stranger has written: we shake hands for it no more often than with the stranger itself. Requests of
 * ours are not its doing. */
static void test_answers_elsewhere(void **state)
{
	static const struct {
		const char *message;
		uint16_t port;
		int err;
	} rows[] = {
		{ "SIP/2.0 200 OK\r\nl: 0\r\n\r\n", 1, 0 },
		{ "SIP/2.0 200 OK\r\nl: 0\r\n\r\n", 2, -EMFILE },
		{ MESSAGE, 3, 0 },
	};
	struct tls_settings tls = tls_with(&g_node, &g_ca, TLS_CLIENT_NONE);
	metric_id refused = metric_register(METRIC_COUNTER, "tandem_sip_stream_refused_total",
					    "reason=\"handshakes_of_source\"", "");
	uint64_t before = metric_value(refused);
	struct net r;

	(void)state;
	g_source_rate = (struct stream_rate){ 1, 1 };
	open_rig(&r, &tls, &tls, 30000);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct sip_hop to = { .transport = SIP_TLS, .remote = rig_addr("127.0.0.1") };

		to.remote.port = rows[i].port;
		assert_int_equal(transport_send(r.server.t, &to, bytes_str(rows[i].message)),
				 rows[i].err);
	}
	assert_int_equal(metric_value(refused), before + 1);
	close_rig(&r);
	g_source_rate = GENEROUS;
}

static void test_files(void **state)
{
	struct tls_settings s = tls_with(&g_node, &g_ca, TLS_CLIENT_NONE);
	char error[TLS_ERROR_MAX];
	struct tls *t;

	(void)state;
	(void)snprintf(s.identities[0].certificate, TLS_PATH_MAX, "/nonexistent.pem");
	assert_int_equal(tls_open(&t, &s, error), -EINVAL);
	assert_non_null(strstr(error, "/nonexistent.pem"));
	s = tls_with(&g_node, &g_ca, TLS_CLIENT_NONE);
	(void)snprintf(s.ca, TLS_PATH_MAX, "/nonexistent-ca.pem");
	assert_int_equal(tls_open(&t, &s, error), -EINVAL);
	assert_non_null(strstr(error, "/nonexistent-ca.pem"));
	s = tls_with(&g_expired, &g_ca, TLS_CLIENT_NONE);
	assert_int_equal(tls_open(&t, &s, error), 0);
	assert_true(tls_days_left(t) < 0);
	tls_close(t);
}

static int setup(void **state)
{
	(void)state;
	log_setup(STDERR_FILENO, LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	if (!mkdtemp(g_dir))
		return -1;
	test_pair_make(&g_ca, g_dir, "ca", NULL, NULL, 30);
	test_pair_make(&g_other_ca, g_dir, "other-ca", NULL, NULL, 30);
	test_pair_make(&g_node, g_dir, "node", &g_ca, "IP:127.0.0.1", 30);
	test_pair_make(&g_named, g_dir, "named", &g_ca, "DNS:pbx.example.com", 30);
	test_pair_make(&g_expired, g_dir, "expired", &g_ca, "IP:127.0.0.1", -1);
	test_pair_make(&g_elsewhere, g_dir, "elsewhere", &g_ca, "IP:127.0.0.2", 30);
	test_pair_make(&g_stranger, g_dir, "stranger", &g_other_ca, "IP:127.0.0.1", 30);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	test_pair_free(&g_ca);
	test_pair_free(&g_other_ca);
	test_pair_free(&g_node);
	test_pair_free(&g_named);
	test_pair_free(&g_expired);
	test_pair_free(&g_elsewhere);
	test_pair_free(&g_stranger);
	return rmdir(g_dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verification),
		cmocka_unit_test(test_names_called),
		cmocka_unit_test(test_names_shown),
		cmocka_unit_test(test_one_name_one_connection),
		cmocka_unit_test(test_names_and_reload),
		cmocka_unit_test(test_old_versions),
		cmocka_unit_test(test_bad_beginnings),
		cmocka_unit_test(test_many_at_once),
		cmocka_unit_test(test_answers_elsewhere),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
