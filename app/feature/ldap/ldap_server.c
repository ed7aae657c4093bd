/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listeners and connections of LDAP, in plain and over TLS. One request of a connection is
 * answered at a time; others wait in the socket. Connections are bounded, each source has a share
 * of them, and so many are taken in a second, as handshakes are made here. Who says nothing, or
 * reads nothing, is let go. Control thread.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/feature/ldap/ldap_client.h"
#include "app/feature/ldap/ldap_server.h"
#include "app/feature/ldap/ldap_settings.h"
#include "app/node/node.h"
#include "app/settings/settings.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "sig/sip/stream_rate.h"

enum {
	LDAP_CLIENTS_MAX = 512,
	BACKLOG = 64,
	REQUESTS_AT_ONCE = 8, /* of one connection in a round */
	IDLE_S = 60,          /* of one that is bound; */
	NEW_S = 15,           /* until a bind, and for a reader that reads nothing */
};
static const struct stream_rate g_newcomers = { .per_s = 50, .burst = 200 };

enum { LDAP_PLAIN, LDAP_TLS, LDAP_LISTENERS };

static struct {
	int fds[LDAP_LISTENERS]; /* 0: none */
	bool paused;             /* until the next half of a second */
	struct tls *tls;
	struct ldap_client *clients;
	uint32_t count;
	struct fair sources;
	uint64_t full_ns;
} g_ldap;

static metric_id g_ldap_metrics[3];

const struct metric_def g_ldap_metric_rows[] = {
	{ &g_ldap_metrics[0], METRIC_GAUGE, "tandem_ldap_connections", "Connections of LDAP.",
	  NULL },
	{ &g_ldap_metrics[1], METRIC_COUNTER, "tandem_ldap_requests_total", "Requests of LDAP.",
	  NULL },
	{ &g_ldap_metrics[2], METRIC_COUNTER, "tandem_ldap_refused_total",
	  "Connections of LDAP that were refused or cut: too many, silence, or what is no LDAP.",
	  NULL },
	{ .id = NULL },
};

/* ---- a connection ---- */

static void ldap_client_on_ready(int fd, unsigned events, void *arg);

static void ldap_client_free(struct ldap_client *c)
{
	for (struct ldap_client **at = &g_ldap.clients; *at; at = &(*at)->next) {
		if (*at == c) {
			*at = c->next;
			break;
		}
	}
	fair_give(&g_ldap.sources, &c->held);
	g_ldap.count--;
	free(c->out.p);
	explicit_bzero(c, sizeof(*c)); /* it had passwords */
	free(c);
}

/* Closes a connection. While it is being answered, it is freed behind the answer. */
static void ldap_client_close(struct ldap_client *c)
{
	if (c->fd >= 0) {
		loop_unwatch(c->fd);
		tls_link_close(c->tls);
		(void)close(c->fd);
		c->fd = -1;
		c->tls = NULL;
	}
	if (!c->searching)
		ldap_client_free(c);
}

static ssize_t ldap_client_read(struct ldap_client *c)
{
	ssize_t n;

	if (c->tls)
		return tls_read(c->tls, c->in + c->in_n, sizeof(c->in) - c->in_n);
	n = recv(c->fd, c->in + c->in_n, sizeof(c->in) - c->in_n, MSG_DONTWAIT);
	return n >= 0 ? n : errno == EINTR ? -EAGAIN : -errno;
}

/* Sends the answers. 0: all; -EAGAIN: some wait; any other error ends the connection. */
static int ldap_client_flush(struct ldap_client *c)
{
	while (c->out.p && c->sent < c->out.n) {
		const uint8_t *at = c->out.p + c->sent;
		ssize_t n =
			c->tls ? tls_write(c->tls, at, c->out.n - c->sent)
			       : send(c->fd, at, c->out.n - c->sent, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && !c->tls)
			n = errno == EINTR ? -EAGAIN : -errno;
		if (n <= 0)
			return n ? (int)n : -EPIPE;
		c->sent += (size_t)n;
		c->until_ns = clock_now_ns() + NEW_S * NS_PER_S;
	}
	free(c->out.p);
	c->out = (struct writer){ 0 };
	c->sent = 0;
	if (c->starts) {
		c->starts = false;
		c->shakes = true;
		c->until_ns = clock_now_ns() + NEW_S * NS_PER_S;
		return !g_ldap.tls || tls_accept(&c->tls, g_ldap.tls, c->fd) ? -ECONNRESET : 0;
	}
	return c->ends ? -ECONNRESET : 0;
}

static int ldap_client_shake(struct ldap_client *c)
{
	enum tls_failure failure;
	int err = c->shakes ? tls_handshake(c->tls, &failure) : 0;

	if (!err)
		c->shakes = false;
	return err;
}

/* Handles the next request. 1: done; 0: none is complete; an error ends the connection. */
static int ldap_client_step(struct ldap_client *c)
{
	int n = ldap_message_length(bytes_mem(c->in, c->in_n));
	uint8_t *room = n > 0 ? malloc(LDAP_ANSWER_MAX) : NULL;
	bool goes_on;

	if (n <= 0)
		return n;
	if (!room)
		return -ENOMEM;
	c->out = writer_over(room, LDAP_ANSWER_MAX);
	metric_add(g_ldap_metrics[1], 1);
	goes_on = ldap_client_request(c, bytes_mem(c->in, (size_t)n));
	c->in_n -= (size_t)n;
	memmove(c->in, c->in + n, c->in_n);
	explicit_bzero(c->in + c->in_n, (size_t)n); /* it may have been a password */
	if (!c->searching)
		c->until_ns = clock_now_ns() + (c->number[0] ? IDLE_S : NEW_S) * NS_PER_S;
	return goes_on ? 1 : -ECONNRESET;
}

/* Handles requests that were read. 0; 1: more wait; an error ends the connection. */
static int ldap_client_work(struct ldap_client *c)
{
	ssize_t n;
	int err;

	for (int requests = 0; !c->searching;) {
		err = c->shakes ? 0 : ldap_client_flush(c);
		if (!err)
			err = ldap_client_shake(c);
		if (err)
			return err == -EAGAIN ? 0 : err;
		if (requests == REQUESTS_AT_ONCE)
			return 1;
		err = ldap_client_step(c);
		requests += err > 0;
		if (err < 0)
			return err;
		if (err)
			continue;
		n = ldap_client_read(c);
		if (n <= 0)
			return n == -EAGAIN ? 0 : -ECONNRESET;
		c->in_n += (size_t)n;
	}
	return 0;
}

static void ldap_client_go(struct ldap_client *c)
{
	int err = ldap_client_work(c);
	unsigned events = 0;

	if (err >= 0 && !c->searching) {
		events = LOOP_READ;
		if (c->out.p)
			events = LOOP_WRITE;
		else if (err || (c->tls && tls_wants_write(c->tls)))
			events |= LOOP_WRITE;
	}
	if (err < 0 || loop_watch(c->fd, events, ldap_client_on_ready, c)) {
		if (err == -EBADMSG || err == -EPROTO)
			metric_add(g_ldap_metrics[2], 1);
		ldap_client_close(c);
	}
}

static void ldap_client_on_ready(int fd, unsigned events, void *arg)
{
	struct ldap_client *c = arg;

	(void)fd;
	(void)events;
	if (!c->searching)
		ldap_client_go(c);
}

void ldap_client_answered(struct ldap_client *c)
{
	c->until_ns = clock_now_ns() + NEW_S * NS_PER_S;
	if (c->fd < 0)
		ldap_client_free(c);
	else
		(void)!loop_watch(c->fd, LOOP_WRITE, ldap_client_on_ready,
				  c); /* not from within its work */
}

/* ---- listeners ---- */

static void ldap_client_open(struct node *n, int fd, const struct addr *peer, bool tls)
{
	const struct addr source = addr_source(peer);
	const struct fair_who who = { .name = { [FAIR_SOURCE] =
							bytes_mem(source.ip, sizeof(source.ip)) } };
	struct ldap_client *c = calloc(1, sizeof(*c));
	int one = 1;

	if (!c || fair_admit(&g_ldap.sources, &who, 1, &c->held) != FAIR_FINE) {
		metric_add(g_ldap_metrics[2], 1);
		(void)close(fd);
		free(c);
		return;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c->node = n;
	c->fd = fd;
	c->peer = *peer;
	c->until_ns = clock_now_ns() + NEW_S * NS_PER_S;
	c->next = g_ldap.clients;
	g_ldap.clients = c;
	g_ldap.count++;
	c->shakes = tls;
	/* watched first: its search may begin at once, and it is not heard then */
	if (loop_watch(fd, LOOP_READ, ldap_client_on_ready, c) ||
	    (tls && tls_accept(&c->tls, g_ldap.tls, fd)))
		ldap_client_close(c);
	else
		ldap_client_go(c);
}

static void listeners_watch(struct node *n, bool on);

static void listener_on_ready(int fd, unsigned events, void *arg)
{
	struct node *n = arg;
	bool tls = fd == g_ldap.fds[LDAP_TLS];
	struct sockaddr_storage sa;
	struct addr peer = { 0 };
	socklen_t size;
	int client;

	(void)events;
	while (g_ldap.count < LDAP_CLIENTS_MAX &&
	       stream_rate_spend(&g_ldap.full_ns, &g_newcomers, clock_now_ns())) {
		size = sizeof(sa);
		client = accept4(fd, (struct sockaddr *)&sa, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (client < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED))
			return;
		if (client < 0)
			break;
		if (addr_from_sockaddr(&peer, (const struct sockaddr *)&sa))
			(void)close(client);
		else
			ldap_client_open(n, client, &peer, tls);
	}
	listeners_watch(n, false); /* ldap_second accepts again */
}

static void listeners_watch(struct node *n, bool on)
{
	g_ldap.paused = !on;
	for (size_t i = 0; i < LDAP_LISTENERS; i++) {
		if (g_ldap.fds[i])
			(void)!loop_watch(g_ldap.fds[i], on ? LOOP_READ : 0, listener_on_ready, n);
	}
}

static int ldap_listener_open(struct node *n, uint32_t port, int *out)
{
	struct addr address = ldap_settings_of(n->settings)->bind;
	struct sockaddr_storage sa;
	char text[ADDR_TEXT_MAX];
	int on = 1, err = 0, fd;
	socklen_t size;

	address.port = (uint16_t)port;
	size = addr_to_sockaddr(&address, &sa);
	fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(fd, (const struct sockaddr *)&sa, size) || listen(fd, BACKLOG))
		err = -errno;
	if (err) {
		LOG_ERROR("ldap", 0, "a port of ldap cannot be opened",
			  LOG_STR("address", addr_text(&address, text)),
			  LOG_STR("error", strerror(-err)));
		if (fd >= 0)
			(void)close(fd);
		return err;
	}
	*out = fd;
	return 0;
}

bool ldap_has_tls(void)
{
	return g_ldap.tls;
}

/* Opens the TLS context. needed: a missing certificate is an error. */
static int ldap_tls_open(struct node *n, bool needed)
{
	static struct tls_settings tls;
	char error[TLS_ERROR_MAX];
	int err;

	settings_to_tls(n->settings, &tls);
	tls.clients = TLS_CLIENT_NONE; /* phones show passwords */
	err = g_ldap.tls ? tls_reload(g_ldap.tls, &tls, error) : tls_open(&g_ldap.tls, &tls, error);
	if (err && needed)
		LOG_ERROR("ldap", 0, "the certificates of tls cannot be used",
			  LOG_STR("error", error));
	return err;
}

int ldap_listen(struct node *n)
{
	const struct ldap_settings *l = ldap_settings_of(n->settings);
	int err = 0;

	if (!l->ldap && !l->ldaps)
		return 0;
	fair_open(&g_ldap.sources, LDAP_CLIENTS_MAX, &n->rand);
	if (l->ldap)
		err = ldap_listener_open(n, l->ldap, &g_ldap.fds[LDAP_PLAIN]);
	if (!err && l->ldaps)
		err = ldap_tls_open(n, true);
	else if (!err)
		(void)!ldap_tls_open(n, false);
	if (!err && l->ldaps)
		err = ldap_listener_open(n, l->ldaps, &g_ldap.fds[LDAP_TLS]);
	if (!err)
		listeners_watch(n, true);
	return err;
}

void ldap_second(struct node *n, uint64_t now_ns)
{
	struct ldap_client *c, *next;

	if (!g_ldap.sources.max)
		return;
	for (c = g_ldap.clients; c; c = next) {
		next = c->next;
		if (!c->searching && now_ns >= c->until_ns)
			ldap_client_close(c);
	}
	metric_set(g_ldap_metrics[0], g_ldap.count);
	if (g_ldap.paused && g_ldap.count < LDAP_CLIENTS_MAX)
		listeners_watch(n, true);
}

void ldap_reload(struct node *n)
{
	if (g_ldap.tls)
		(void)ldap_tls_open(n, true);
}

/* Commands of searches have ended by then: none answers a connection that is closed. */
void ldap_close(struct node *n)
{
	struct ldap_client *c, *next;

	(void)n;
	for (c = g_ldap.clients; c; c = next) {
		next = c->next;
		ldap_client_close(c);
	}
	for (size_t i = 0; i < LDAP_LISTENERS; i++) {
		if (g_ldap.fds[i]) {
			loop_unwatch(g_ldap.fds[i]);
			(void)close(g_ldap.fds[i]);
		}
		g_ldap.fds[i] = 0;
	}
	tls_close(g_ldap.tls);
	g_ldap.tls = NULL;
}
