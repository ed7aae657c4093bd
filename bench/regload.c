/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Phones that register, each with a number, a Call-ID and credentials of its own: over UDP from some sockets that they share, over TLS
 * from a connection each. As phones do, one sends the answer to its last challenge at once and answers a new one (RFC 7616 3.6); without
 * an answer it repeats itself (RFC 3261 17.1.2.1).
 *
 *   regload --to 127.0.0.1:5060 --tls 127.0.0.1:5061 --password secret --udp 200000 --streams 10000 --first 100000 --window 200
 *
 * What to do comes by lines: "udp" and "tls" let each phone of a kind register once, "refresh SECONDS" lets those of UDP go on in turn,
 * "open" counts the connections that are still open. Each is answered by a line of JSON. What is open stays open until the end of input.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/bytes.h"
#include "base/clock.h"

enum {
	TEXT_MAX = 2048,
	SOCKETS = 200,
	NONCE_MAX = 120,
	REALM_MAX = 64,
	WINDOW_MAX = 4096,
	HANDSHAKES = 64, /* at once */
	EVENTS = 256,
	BUFFER = 8 << 20,
	TRIES_MAX = 7,
	HEX_LEN = 32,
	CHECK_MS = 50,
};

#define T1_NS (500 * NS_PER_MS)
#define T2_NS (4 * NS_PER_S)

struct stream {
	SSL *ssl;
	int fd;
	bool ready;
	uint32_t n;
	char text[TEXT_MAX]; /* what has come of a message */
};

struct phone {
	uint64_t began_ns, again_ns;
	struct stream *stream; /* NULL: UDP */
	uint32_t cseq, nc, challenged;
	uint8_t tries; /* 0: nothing is under way */
	bool qop;
	char nonce[NONCE_MAX];
};

struct figures {
	uint64_t done, failed, repeated, challenges, longest_ns;
};

struct load {
	struct addr to, tls;
	struct sockaddr_storage to_sa, tls_sa;
	socklen_t to_n, tls_n;
	const char *password;
	char ip[ADDR_TEXT_MAX], realm[REALM_MAX];
	uint32_t udp, streams, first, window;
	int epoll, sockets[SOCKETS];
	uint16_t ports[SOCKETS];
	SSL_CTX *ctx;
	struct phone *phones; /* of UDP, then of TLS */
	uint32_t asked[WINDOW_MAX], asked_count;
	struct figures figures;
};

_Noreturn static void load_fail(const char *what)
{
	(void)fprintf(stderr, "regload: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- digest ---- */

static void md5_hex(char out[HEX_LEN + 1], const char *text)
{
	unsigned char octets[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (EVP_Digest(text, strlen(text), octets, &n, EVP_md5(), NULL) != 1)
		load_fail("MD5");
	for (unsigned i = 0; i < n; i++)
		(void)snprintf(out + 2 * (size_t)i, 3, "%02x", octets[i]);
}

static int credentials(const struct load *l, uint32_t i, char *out, size_t cap)
{
	char text[512], ha1[HEX_LEN + 1], ha2[HEX_LEN + 1], response[HEX_LEN + 1], count[64] = "";
	struct phone *p = &l->phones[i];

	if (!p->nonce[0])
		return 0;
	(void)snprintf(text, sizeof(text), "%u:%s:%s", l->first + i, l->realm, l->password);
	md5_hex(ha1, text);
	(void)snprintf(text, sizeof(text), "REGISTER:sip:%s", l->ip);
	md5_hex(ha2, text);
	p->nc++;
	if (p->qop) {
		(void)snprintf(text, sizeof(text), "%s:%s:%08x:c0ffee:auth:%s", ha1, p->nonce,
			       p->nc, ha2);
		(void)snprintf(count, sizeof(count), ", qop=auth, nc=%08x, cnonce=\"c0ffee\"",
			       p->nc);
	} else {
		(void)snprintf(text, sizeof(text), "%s:%s:%s", ha1, p->nonce, ha2);
	}
	md5_hex(response, text);
	return snprintf(out, cap,
			"Authorization: Digest username=\"%u\", realm=\"%s\", nonce=\"%s\", "
			"uri=\"sip:%s\", "
			"response=\"%s\", algorithm=MD5%s\r\n",
			l->first + i, l->realm, p->nonce, l->ip, response, count);
}

/* ---- a request ---- */

static uint32_t socket_of(uint32_t phone)
{
	return phone % SOCKETS;
}

static int register_write(const struct load *l, uint32_t i, char *text, size_t cap)
{
	const struct phone *p = &l->phones[i];
	const char *transport = p->stream ? "TLS" : "UDP";
	char auth[1024] = "";
	uint32_t number = l->first + i;
	unsigned port = p->stream ? 5061 : l->ports[socket_of(i)];

	(void)credentials(l, i, auth, sizeof(auth));
	return snprintf(
		text, cap,
		"REGISTER sip:%s SIP/2.0\r\nVia: SIP/2.0/%s %s:%u;branch=z9hG4bK%u.%u;rport\r\n"
		"Max-Forwards: 70\r\nFrom: <sip:%u@%s>;tag=r%u\r\nTo: <sip:%u@%s>\r\n"
		"Call-ID: r%u@%s\r\nCSeq: %u REGISTER\r\n"
		"Contact: <sip:%u@%s:%u%s>\r\nExpires: 3600\r\n%sContent-Length: 0\r\n\r\n",
		l->ip, transport, l->ip, port, i, p->cseq, number, l->ip, number, number, l->ip,
		number, l->ip, p->cseq, number, l->ip, port, p->stream ? ";transport=tls" : "",
		auth);
}

static void register_send(struct load *l, uint32_t i, uint64_t now)
{
	struct phone *p = &l->phones[i];
	uint64_t wait = T1_NS << (p->tries < 4 ? p->tries : 4);
	char text[TEXT_MAX];
	int n = register_write(l, i, text, sizeof(text));

	if (n <= 0 || (size_t)n >= sizeof(text))
		load_fail("a request is too long");
	p->tries++;
	p->again_ns = now + (wait < T2_NS ? wait : T2_NS);
	if (p->stream)
		(void)SSL_write(p->stream->ssl, text, n);
	else
		(void)sendto(l->sockets[socket_of(i)], text, (size_t)n, MSG_DONTWAIT,
			     (const struct sockaddr *)&l->to_sa, l->to_n);
}

/* A transaction of its own. */
static void register_ask(struct load *l, uint32_t i, uint64_t now)
{
	struct phone *p = &l->phones[i];

	p->cseq++;
	p->tries = 0;
	register_send(l, i, now);
}

static void register_begin(struct load *l, uint32_t i, uint64_t now)
{
	struct phone *p = &l->phones[i];

	p->began_ns = now;
	p->challenged = 0;
	l->asked[l->asked_count++] = i;
	register_ask(l, i, now);
}

static void register_end(struct load *l, uint32_t i, bool done, uint64_t now)
{
	struct phone *p = &l->phones[i];

	for (uint32_t at = 0; at < l->asked_count; at++) {
		if (l->asked[at] == i) {
			l->asked[at] = l->asked[--l->asked_count];
			break;
		}
	}
	p->tries = 0;
	l->figures.done += done;
	l->figures.failed += !done;
	if (done && now - p->began_ns > l->figures.longest_ns)
		l->figures.longest_ns = now - p->began_ns;
}

/* Over a connection nothing is lost: it only takes its time. */
static void register_repeat(struct load *l, uint64_t now)
{
	for (uint32_t at = l->asked_count; at-- > 0;) {
		uint32_t i = l->asked[at];
		struct phone *p = &l->phones[i];

		if (now < p->again_ns)
			continue;
		if (p->tries > TRIES_MAX || (p->stream && now - p->began_ns > 32 * NS_PER_S)) {
			register_end(l, i, false, now);
		} else if (!p->stream) {
			l->figures.repeated++;
			p->nc -= p->nc > 0; /* the same octets */
			register_send(l, i, now);
		}
	}
}

/* ---- an answer ---- */

static struct bytes quoted(struct bytes line, const char *name)
{
	char begin[32];
	size_t at;

	(void)snprintf(begin, sizeof(begin), "%s=\"", name);
	for (at = 0; at + strlen(begin) < line.n; at++) {
		if (bytes_istarts(bytes_from(line, at), begin)) {
			struct bytes rest = bytes_from(line, at + strlen(begin)), value = { 0 };

			return bytes_cut(&rest, '"', &value) ? value : (struct bytes){ 0 };
		}
	}
	return (struct bytes){ 0 };
}

/* Takes the challenge of MD5: it names the algorithm or none (RFC 2617). */
static bool challenge_take(struct load *l, struct phone *p, struct bytes text)
{
	struct bytes line;

	while (bytes_cut(&text, '\n', &line) && line.n > 1) {
		struct bytes realm = quoted(line, "realm"), nonce = quoted(line, "nonce");
		bool named = memmem(line.p, line.n, "algorithm", 9) != NULL;

		if (!bytes_istarts(line, "WWW-Authenticate:") || !nonce.n ||
		    (named && !memmem(line.p, line.n, "MD5", 3)))
			continue;
		if (bytes_cstr(realm, l->realm, sizeof(l->realm)) ||
		    bytes_cstr(nonce, p->nonce, sizeof(p->nonce)))
			load_fail("a challenge is too long");
		p->qop = memmem(line.p, line.n, "qop=", 4) != NULL;
		p->nc = 0;
		return true;
	}
	return false;
}

static void answer_take(struct load *l, struct bytes text, uint64_t now)
{
	const char *branch = memmem(text.p, text.n, "branch=z9hG4bK", 14);
	uint32_t i = 0, cseq = 0;
	unsigned status;
	struct phone *p;

	if (!branch || text.n < 12 || sscanf(branch + 14, "%u.%u", &i, &cseq) != 2 ||
	    i >= l->udp + l->streams)
		return;
	p = &l->phones[i];
	status = (unsigned)strtoul((const char *)text.p + 8, NULL, 10);
	if (!p->tries || cseq != p->cseq || status < 200)
		return; /* of what is over */
	if (status == 401 && p->challenged < 2 && challenge_take(l, p, text)) {
		p->challenged++;
		l->figures.challenges++;
		register_ask(l, i, now);
		return;
	}
	register_end(l, i, status == 200, now);
}

/* ---- UDP ---- */

static void udp_open(struct load *l)
{
	for (uint32_t i = 0; i < SOCKETS; i++) {
		struct epoll_event e = { .events = EPOLLIN, .data.u64 = i };
		int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
		    size = BUFFER;
		struct sockaddr_storage sa;
		struct addr a = l->to;
		socklen_t n;

		a.port = 0;
		n = addr_to_sockaddr(&a, &sa);
		if (fd < 0 || bind(fd, (struct sockaddr *)&sa, n))
			load_fail("bind");
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
		n = sizeof(sa);
		if (getsockname(fd, (struct sockaddr *)&sa, &n) ||
		    addr_from_sockaddr(&a, (struct sockaddr *)&sa) ||
		    epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e))
			load_fail("a socket");
		l->sockets[i] = fd;
		l->ports[i] = a.port;
	}
}

static void udp_receive(struct load *l, uint32_t i, uint64_t now)
{
	char text[TEXT_MAX];
	ssize_t n;

	while ((n = recv(l->sockets[i], text, sizeof(text) - 1, MSG_DONTWAIT)) > 0) {
		text[n] = 0;
		answer_take(l, bytes_mem(text, (size_t)n), now);
	}
}

/* ---- TLS ---- */

static void stream_watch(struct load *l, uint32_t i, uint32_t events, int how)
{
	struct epoll_event e = { .events = events, .data.u64 = SOCKETS + i };

	if (epoll_ctl(l->epoll, how, l->phones[i].stream->fd, &e))
		load_fail("epoll");
}

static void stream_open(struct load *l, uint32_t i)
{
	struct stream *s = calloc(1, sizeof(*s));
	int size = 4096;

	if (!s)
		load_fail("memory");
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	(void)setsockopt(s->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	if (s->fd < 0 ||
	    (connect(s->fd, (const struct sockaddr *)&l->tls_sa, l->tls_n) && errno != EINPROGRESS))
		load_fail("connect");
	s->ssl = SSL_new(l->ctx);
	if (!s->ssl || SSL_set_fd(s->ssl, s->fd) != 1)
		load_fail("TLS");
	SSL_set_connect_state(s->ssl);
	l->phones[i].stream = s;
	stream_watch(l, i, EPOLLIN | EPOLLOUT, EPOLL_CTL_ADD);
}

static void stream_close(struct load *l, uint32_t i, uint64_t now)
{
	struct stream *s = l->phones[i].stream;

	if (s->fd < 0)
		return;
	SSL_free(s->ssl);
	(void)close(s->fd);
	s->fd = -1;
	s->ssl = NULL;
	if (l->phones[i].tries || !s->ready)
		register_end(l, i, false, now);
	s->ready = false;
}

/* Answers have no body. */
static void stream_read(struct load *l, uint32_t i, uint64_t now)
{
	struct stream *s = l->phones[i].stream;
	char *end;
	int n = 0;

	while (s->ssl &&
	       (n = SSL_read(s->ssl, s->text + s->n, (int)(sizeof(s->text) - 1 - s->n))) > 0) {
		s->n += (uint32_t)n;
		s->text[s->n] = 0;
		while (s->ssl && (end = strstr(s->text, "\r\n\r\n")) != NULL) {
			char text[TEXT_MAX];
			size_t length = (size_t)(end + 4 - s->text);

			memcpy(text, s->text, length);
			text[length] = 0;
			s->n -= (uint32_t)length;
			memmove(s->text, end + 4, s->n + 1);
			answer_take(l, bytes_mem(text, length), now);
		}
	}
	if (s->ssl && SSL_get_error(s->ssl, n) != SSL_ERROR_WANT_READ)
		stream_close(l, i, now);
}

static void stream_go_on(struct load *l, uint32_t i, uint64_t now)
{
	struct stream *s = l->phones[i].stream;
	int n, err;

	if (s->fd < 0)
		return;
	if (s->ready) {
		stream_read(l, i, now);
		return;
	}
	n = SSL_do_handshake(s->ssl);
	err = n == 1 ? SSL_ERROR_NONE : SSL_get_error(s->ssl, n);
	if (err == SSL_ERROR_WANT_READ || err == SSL_ERROR_WANT_WRITE)
		return;
	if (n != 1) {
		stream_close(l, i, now);
		return;
	}
	s->ready = true;
	stream_watch(l, i, EPOLLIN, EPOLL_CTL_MOD);
	register_ask(l, i, now);
}

/* ---- what is asked for ---- */

static void load_turn(struct load *l, uint64_t *checked)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(l->epoll, events, EVENTS, CHECK_MS);
	uint64_t now = clock_now_ns();

	for (int i = 0; i < n; i++) {
		if (events[i].data.u64 < SOCKETS)
			udp_receive(l, (uint32_t)events[i].data.u64, now);
		else
			stream_go_on(l, (uint32_t)(events[i].data.u64 - SOCKETS), now);
	}
	if (now - *checked < CHECK_MS * NS_PER_MS)
		return;
	*checked = now;
	register_repeat(l, now);
}

static void figures_say(const struct load *l, uint64_t began)
{
	const struct figures *f = &l->figures;

	(void)printf("{\"seconds\": %.3f, \"done\": %" PRIu64 ", \"failed\": %" PRIu64
		     ", \"repeated\": %" PRIu64 ", \"challenges\": %" PRIu64
		     ", \"longest_ms\": %.1f}\n",
		     (double)(clock_now_ns() - began) / 1e9, f->done, f->failed, f->repeated,
		     f->challenges, (double)f->longest_ns / 1e6);
	(void)fflush(stdout);
}

static void load_register(struct load *l, uint32_t first, uint32_t count, uint64_t seconds)
{
	uint64_t began = clock_now_ns(), until = began + seconds * NS_PER_S, checked = 0;
	uint32_t next = 0;

	l->figures = (struct figures){ 0 };
	while (next < count || l->asked_count) {
		uint64_t now = clock_now_ns();

		while (next < count && l->asked_count < l->window) {
			uint32_t i = first + next++;

			if (seconds && next == count)
				next = 0; /* in turn */
			if (!l->phones[i].tries)
				register_begin(l, i, now);
		}
		if (seconds && now > until)
			next = count;
		load_turn(l, &checked);
	}
	figures_say(l, began);
}

static void load_connect(struct load *l)
{
	uint64_t began = clock_now_ns(), checked = 0;
	uint32_t next = 0;

	l->figures = (struct figures){ 0 };
	while (next < l->streams || l->asked_count) {
		while (next < l->streams && l->asked_count < HANDSHAKES) {
			uint32_t i = l->udp + next++;

			l->phones[i].began_ns = l->phones[i].again_ns = clock_now_ns();
			l->phones[i].tries = 1;
			l->asked[l->asked_count++] = i;
			stream_open(l, i);
		}
		load_turn(l, &checked);
	}
	figures_say(l, began);
}

static void streams_say(const struct load *l)
{
	uint32_t open = 0;

	for (uint32_t i = l->udp; i < l->udp + l->streams; i++)
		open += l->phones[i].stream && l->phones[i].stream->ready;
	(void)printf("{\"open\": %u}\n", open);
	(void)fflush(stdout);
}

static void load_run(struct load *l)
{
	char line[64];
	unsigned seconds;

	while (fgets(line, sizeof(line), stdin)) {
		if (strcmp(line, "udp\n") == 0) {
			load_register(l, 0, l->udp, 0);
		} else if (strcmp(line, "tls\n") == 0) {
			load_connect(l);
		} else if (strcmp(line, "open\n") == 0) {
			uint64_t checked = 0;

			load_turn(l, &checked);
			streams_say(l);
		} else if (sscanf(line, "refresh %u", &seconds) == 1 && seconds) {
			load_register(l, 0, l->udp, seconds);
		} else {
			(void)fprintf(stderr, "regload: what is this? %s", line);
			exit(2);
		}
	}
}

static uint32_t number_of(const char *text)
{
	return (uint32_t)strtoul(text, NULL, 10);
}

static void load_open(struct load *l)
{
	struct rlimit files = { l->streams + 1000, l->streams + 1000 };
	struct writer w;

	if (setrlimit(RLIMIT_NOFILE, &files) && l->streams)
		load_fail("setrlimit");
	l->phones = calloc(l->udp + l->streams, sizeof(*l->phones));
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->ctx = SSL_CTX_new(TLS_client_method());
	if (!l->phones || l->epoll < 0 || !l->ctx)
		load_fail("open");
	SSL_CTX_set_mode(l->ctx, SSL_MODE_RELEASE_BUFFERS);
	l->to_n = addr_to_sockaddr(&l->to, &l->to_sa);
	l->tls_n = addr_to_sockaddr(&l->tls, &l->tls_sa);
	w = writer_over(l->ip, sizeof(l->ip) - 1);
	addr_write_ip(&w, &l->to);
	udp_open(l);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "to", 1, NULL, 't' },       { "tls", 1, NULL, 's' },
		{ "password", 1, NULL, 'p' }, { "udp", 1, NULL, 'u' },
		{ "streams", 1, NULL, 'c' },  { "first", 1, NULL, 'f' },
		{ "window", 1, NULL, 'w' },   { 0 },
	};
	static struct load l = { .first = 100000, .window = 200, .password = "secret" };
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if ((c == 't' && addr_parse(&l.to, bytes_str(optarg))) ||
		    (c == 's' && addr_parse(&l.tls, bytes_str(optarg))) || c == '?')
			return 2;
		if (c == 'p')
			l.password = optarg;
		if (c == 'u')
			l.udp = number_of(optarg);
		if (c == 'c')
			l.streams = number_of(optarg);
		if (c == 'f')
			l.first = number_of(optarg);
		if (c == 'w')
			l.window = number_of(optarg);
	}
	if (!l.to.port || l.window > WINDOW_MAX || (l.streams && !l.tls.port))
		return 2;
	(void)signal(SIGPIPE, SIG_IGN);
	load_open(&l);
	load_run(&l);
	return 0;
}
