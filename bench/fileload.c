/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Phones that fetch files, of bench/provision.py: one request after the other on each of so many connections. Each connection is of an
 * address of its own in 127.0.0.0/8, and goes on from another one behind 1,000 requests, as a node limits what one address asks for.
 *   fileload TO KIND SECONDS CONNECTIONS FIRST    TO: address:port; FIRST: number of the first address
 * KIND kept: connections are kept. tls: the same over TLS. new: each request has a TLS connection of its own, and a whole handshake.
 * resumed: the connection before it is resumed. The standard input has lines "PATH USER:PASSWORD in base64, or -": connection N takes
 * line N. A line of JSON says how many were answered 200, how many were not, and in what time.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/clock.h"
#include "bench/load/fail.h"

enum {
	LINKS_MAX = 512,
	LINE_MAX_OCTETS = 1024,
	ANSWER_MAX = 1 << 18,
	OF_ADDRESS = 1000, /* requests */
	TIMEOUT_S = 10,
};

struct link {
	pthread_t thread;
	int fd;               /* -1: closed */
	SSL *ssl;             /* NULL: without TLS */
	SSL_SESSION *session; /* the newest that the node gave; NULL: none yet */
	uint32_t asked, count;
	char request[LINE_MAX_OCTETS + 256];
	char in[ANSWER_MAX];
};

static struct {
	struct sockaddr_in to;
	SSL_CTX *ctx; /* NULL: without TLS */
	bool each, resumes;
	uint64_t end_ns;
	_Atomic uint32_t address; /* number of the next one */
	_Atomic uint64_t answers, failed, whole_handshakes;
	struct link links[LINKS_MAX];
} g;

static int session_new(SSL *ssl, SSL_SESSION *session)
{
	struct link *l = SSL_get_app_data(ssl);

	SSL_SESSION_free(l->session);
	l->session = session;
	return 1;
}

static void link_close(struct link *l)
{
	if (l->ssl && SSL_is_init_finished(l->ssl))
		(void)SSL_shutdown(l->ssl); /* without it the session counts as broken */
	SSL_free(l->ssl);
	l->ssl = NULL;
	if (l->fd >= 0)
		(void)close(l->fd);
	l->fd = -1;
}

static bool link_open(struct link *l)
{
	uint32_t n = atomic_fetch_add(&g.address, 1);
	struct sockaddr_in from = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(0x7f640001 + n % 0xfffff) };
	struct timeval limit = { TIMEOUT_S, 0 };
	int on = 1;

	l->fd = socket(AF_INET, SOCK_STREAM, 0);
	l->asked = 0;
	if (l->fd < 0 || bind(l->fd, (struct sockaddr *)&from, sizeof(from)))
		load_fail("bind", errno);
	(void)setsockopt(l->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	(void)setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(l->fd, (struct sockaddr *)&g.to, sizeof(g.to)))
		return false;
	if (!g.ctx)
		return true;
	l->ssl = SSL_new(g.ctx);
	if (!l->ssl || SSL_set_fd(l->ssl, l->fd) != 1)
		load_fail("TLS", ENOMEM);
	(void)SSL_set_app_data(l->ssl, l);
	if (g.resumes && l->session)
		(void)SSL_set_session(l->ssl, l->session);
	if (SSL_connect(l->ssl) != 1)
		return false;
	atomic_fetch_add(&g.whole_handshakes, !SSL_session_reused(l->ssl));
	return true;
}

static int link_read(struct link *l, size_t at)
{
	int room = (int)(sizeof(l->in) - 1 - at);

	return l->ssl ? SSL_read(l->ssl, l->in + at, room)
		      : (int)recv(l->fd, l->in + at, (size_t)room, 0);
}

/* A whole answer of 200. Each has a Content-Length. */
static bool answer_read(struct link *l)
{
	const char *body, *length;
	size_t n = 0;

	for (;;) {
		int got = link_read(l, n);

		if (got <= 0)
			return false;
		n += (size_t)got;
		l->in[n] = '\0';
		body = strstr(l->in, "\r\n\r\n");
		length = body ? strcasestr(l->in, "\r\ncontent-length:") : NULL;
		if (length && length < body &&
		    n >= (size_t)(body + 4 - l->in) + strtoul(length + 17, NULL, 10))
			return strncmp(l->in, "HTTP/1.1 200", 12) == 0;
	}
}

static bool link_ask(struct link *l)
{
	int n = (int)strlen(l->request);
	int sent = 0;

	if (l->fd >= 0 && (g.each || l->asked == OF_ADDRESS))
		link_close(l);
	if (l->fd < 0 && !link_open(l))
		return false;
	l->asked++;
	sent = l->ssl ? SSL_write(l->ssl, l->request, n)
		      : (int)send(l->fd, l->request, (size_t)n, MSG_NOSIGNAL);
	return sent == n && answer_read(l);
}

static void *link_run(void *arg)
{
	struct link *l = arg;

	while (clock_now_ns() < g.end_ns) {
		if (link_ask(l)) {
			atomic_fetch_add(&g.answers, 1);
			continue;
		}
		atomic_fetch_add(&g.failed, 1);
		link_close(l);
	}
	link_close(l);
	return NULL;
}

static void requests_read(unsigned count)
{
	char line[LINE_MAX_OCTETS], path[LINE_MAX_OCTETS], proof[LINE_MAX_OCTETS];

	for (unsigned i = 0; i < count; i++) {
		struct link *l = &g.links[i];

		if (!fgets(line, sizeof(line), stdin) || sscanf(line, "%s %s", path, proof) != 2)
			load_fail("a line is PATH PROOF", EINVAL);
		(void)snprintf(l->request, sizeof(l->request),
			       "GET /%s HTTP/1.1\r\nHost: node\r\nUser-Agent: "
			       "FileTransport PolycomVVX-VVX_410-UA/5.4.2.6345\r\n%s%s%s\r\n",
			       path, *proof == '-' ? "" : "Authorization: Basic ",
			       *proof == '-' ? "" : proof, *proof == '-' ? "" : "\r\n");
		l->fd = -1;
	}
}

int main(int argc, char **argv)
{
	unsigned count = argc == 6 ? (unsigned)strtoul(argv[4], NULL, 10) : 0;
	uint64_t began_ns = 0;

	if (!count || count > LINKS_MAX)
		load_fail("fileload TO kept|tls|new|resumed SECONDS CONNECTIONS FIRST", EINVAL);
	(void)signal(SIGPIPE, SIG_IGN);
	g.to = load_address(argv[1]);
	g.address = (uint32_t)strtoul(argv[5], NULL, 10);
	g.resumes = strcmp(argv[2], "resumed") == 0;
	g.each = g.resumes || strcmp(argv[2], "new") == 0;
	if (strcmp(argv[2], "kept") != 0) {
		g.ctx = SSL_CTX_new(TLS_client_method());
		if (!g.ctx)
			load_fail("TLS", ENOMEM);
		(void)SSL_CTX_set_session_cache_mode(g.ctx, SSL_SESS_CACHE_CLIENT |
								    SSL_SESS_CACHE_NO_INTERNAL);
		SSL_CTX_sess_set_new_cb(g.ctx, session_new);
	}
	requests_read(count);
	began_ns = clock_now_ns();
	g.end_ns = began_ns + strtoul(argv[3], NULL, 10) * NS_PER_S;
	for (unsigned i = 0; i < count; i++)
		if (pthread_create(&g.links[i].thread, NULL, link_run, &g.links[i]))
			load_fail("pthread_create", EAGAIN);
	for (unsigned i = 0; i < count; i++)
		(void)pthread_join(g.links[i].thread, NULL);
	(void)printf("{\"answers\": %lu, \"failed\": %lu, \"whole_handshakes\": %lu, \"seconds\": "
		     "%.3f}\n",
		     (unsigned long)g.answers, (unsigned long)g.failed,
		     (unsigned long)g.whole_handshakes,
		     (double)(clock_now_ns() - began_ns) / NS_PER_S);
	return 0;
}
