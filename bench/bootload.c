/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Phones that boot at once behind a power cut, of bench/provision.py. Each is at an address of its own in 127.100.0.0/14: it fetches its
 * files over one connection, in the order of the vendor's documents, brings its log, registers over UDP and subscribes to its lamps. A
 * connection that is closed is opened again a second later, a boot of which a file fails three times begins anew, and of TLS only the
 * first handshake of a phone is whole.
 *   bootload FILES SIP REALM http|https PHONES SECONDS LIT LAMPS
 * FILES, SIP: address:port. Phone N has the MAC 0004f3 and N, the extension 1000 + N, and LAMPS lamps, one of them of LIT. A phone is done
 * when it was told of all of them, that LIT talks, and that nobody else does. A line of JSON says what came about.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "bench/load/fail.h"
#include "sig/sip/digest_client.h"

enum {
	FILES_MAX = 10,
	FILES_FIRST = 3, /* the first file, and two that there are not */
	PATH_MAX_OCTETS = 80,
	ANSWER_MAX = 1 << 18,
	TEXT_MAX = 4096,
	NUMBER_FIRST = 1000,
	TRIES = 3,     /* "File Transmit Tries" */
	SIP_TRIES = 7, /* RFC 3261 17.1.2.2: until 32 s are over */
	EVENTS = 512,
	CHECK_MS = 20,
};
#define RETRY_NS  NS_PER_S        /* "Retry Wait" */
#define ANSWER_NS (30 * NS_PER_S) /* a connection without an answer is given up */
#define T1_NS     (500 * NS_PER_MS)
#define T2_NS     (4 * NS_PER_S)

enum step { STEP_WAITS, STEP_FETCHES, STEP_REGISTERS, STEP_SUBSCRIBES, STEP_DONE };

struct phone {
	enum step step;
	int fd;
	SSL *ssl;
	SSL_SESSION *session;
	bool asked; /* its request is under way */
	uint32_t file, file_count, tries;
	uint64_t at_ns; /* then it goes on, gives up, or says it again */
	char paths[FILES_MAX][PATH_MAX_OCTETS];
	char *in; /* what came of an answer */
	size_t in_n;
	uint16_t port;
	uint32_t cseq;
	bool challenged;
	char auth[1024];
};

static struct {
	struct sockaddr_in files, sip;
	const char *realm;
	char ip[INET_ADDRSTRLEN];
	SSL_CTX *ctx;                    /* NULL: HTTP */
	uint32_t count, lit, lamps, run; /* run: a boot's Call-IDs are new */
	int epoll;
	struct phone *phones;
	uint32_t done;
	uint64_t again, whole, resumed, repeated, refused, after_s, files_ns, registered_ns,
		lamps_ns;
} g;

static uint32_t phone_number(const struct phone *p)
{
	return (uint32_t)(p - g.phones);
}

static struct in_addr phone_address(const struct phone *p)
{
	uint32_t n = phone_number(p);

	return (struct in_addr){ htonl(0x7f640001 + (n / 250 << 8) + n % 250) };
}

static void phone_watch(struct phone *p)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = p };

	if (epoll_ctl(g.epoll, EPOLL_CTL_ADD, p->fd, &e))
		load_fail("epoll", errno);
}

static void phone_socket(struct phone *p, int kind, const struct sockaddr_in *to)
{
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr = phone_address(p) };
	socklen_t n = sizeof(from);
	int on = 1;

	p->fd = socket(AF_INET, kind | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (p->fd < 0 || bind(p->fd, (struct sockaddr *)&from, n))
		load_fail("bind", errno);
	if (kind == SOCK_STREAM)
		(void)setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(p->fd, (const struct sockaddr *)to, sizeof(*to)) && errno != EINPROGRESS)
		load_fail("connect", errno);
	if (getsockname(p->fd, (struct sockaddr *)&from, &n))
		load_fail("getsockname", errno);
	p->port = ntohs(from.sin_port);
	phone_watch(p);
}

/* ---- files ---- */

static void link_close(struct phone *p)
{
	if (p->ssl && SSL_is_init_finished(p->ssl))
		(void)SSL_shutdown(p->ssl); /* without it the session counts as broken */
	SSL_free(p->ssl);
	p->ssl = NULL;
	if (p->fd >= 0)
		(void)close(p->fd);
	p->fd = -1;
	free(p->in);
	p->in = NULL;
	p->in_n = 0;
	p->asked = false;
}

/* It goes on later with the same file, or from the first one. */
static void link_lost(struct phone *p, uint64_t now)
{
	link_close(p);
	g.again++;
	if (++p->tries == TRIES)
		p->file = p->tries = 0;
	p->step = STEP_WAITS;
	p->at_ns = now + RETRY_NS;
}

static void link_open(struct phone *p, uint64_t now)
{
	phone_socket(p, SOCK_STREAM, &g.files);
	p->step = STEP_FETCHES;
	p->at_ns = now + ANSWER_NS;
	p->in = malloc(ANSWER_MAX);
	if (!p->in)
		load_fail("memory", ENOMEM);
	if (!g.ctx)
		return;
	p->ssl = SSL_new(g.ctx);
	if (!p->ssl || SSL_set_fd(p->ssl, p->fd) != 1)
		load_fail("TLS", ENOMEM);
	(void)SSL_set_app_data(p->ssl, p);
	SSL_set_connect_state(p->ssl);
	if (p->session)
		(void)SSL_set_session(p->ssl, p->session);
}

static int session_new(SSL *ssl, SSL_SESSION *session)
{
	struct phone *p = SSL_get_app_data(ssl);

	SSL_SESSION_free(p->session);
	p->session = session;
	return 1;
}

static void path_add(struct phone *p, const char *name, size_t n)
{
	if (p->file_count == FILES_MAX || n >= PATH_MAX_OCTETS)
		load_fail("files of a boot", E2BIG);
	(void)snprintf(p->paths[p->file_count++], PATH_MAX_OCTETS, "%.*s", (int)n, name);
}

static void path_of_mac(struct phone *p, const char *end)
{
	char path[PATH_MAX_OCTETS];

	path_add(p, path,
		 (size_t)snprintf(path, sizeof(path), "0004f3%06x%s", phone_number(p), end));
}

static void boot_begin(struct phone *p)
{
	p->file_count = 0;
	path_of_mac(p, ".cfg");
	path_of_mac(p, "-license.cfg");
	path_of_mac(p, "-phone.cfg");
}

/* What the first file names, the directory, and the log that it brings last. */
static void boot_named(struct phone *p)
{
	char *names = strstr(p->in, "CONFIG_FILES=\""), *end = NULL;

	names = names ? names + sizeof("CONFIG_FILES=\"") - 1 : NULL;
	end = names ? strchr(names, '"') : NULL;
	if (!end)
		load_fail("a first file", EBADMSG);
	*end = '\0';
	p->file_count = FILES_FIRST;
	for (char *at = names, *rest = NULL; (at = strtok_r(at, ", ", &rest)) != NULL; at = NULL)
		path_add(p, at, strlen(at));
	path_of_mac(p, "-directory.xml");
	path_of_mac(p, "-boot.log");
}

static bool link_ask(struct phone *p)
{
	static const char log[] = "boot\n";
	char text[1024], login[64], proof[128];
	bool last = p->file > FILES_FIRST && p->file + 1 == p->file_count;
	int n = snprintf(login, sizeof(login), "%u:secret-%u-of-a-phone",
			 NUMBER_FIRST + phone_number(p), phone_number(p));

	(void)EVP_EncodeBlock((unsigned char *)proof, (const unsigned char *)login, n);
	n = snprintf(text, sizeof(text),
		     "%s /%s HTTP/1.1\r\nHost: %s\r\nUser-Agent: FileTransport "
		     "PolycomVVX-VVX_410-UA/5.4.2.6345\r\nAuthorization: Basic %s\r\n%s\r\n%s",
		     last ? "PUT" : "GET", p->paths[p->file], g.ip, proof,
		     last ? "Content-Length: 5\r\n" : "", last ? log : "");
	return (p->ssl ? SSL_write(p->ssl, text, n)
		       : (int)send(p->fd, text, (size_t)n, MSG_NOSIGNAL)) == n;
}

/* The status of a whole answer; 0: some of it is still to come. */
static unsigned answer_status(const struct phone *p)
{
	const char *body = strstr(p->in, "\r\n\r\n");
	const char *length = body ? strcasestr(p->in, "\r\ncontent-length:") : NULL;
	size_t n = length && length < body ? strtoul(length + 17, NULL, 10) : 0;

	return body && p->in_n >= (size_t)(body + 4 - p->in) + n && p->in_n > 12
		       ? (unsigned)strtoul(p->in + 9, NULL, 10)
		       : 0;
}

static void sip_begin(struct phone *p, uint64_t now);

/* False: the connection is of no more use. */
static bool answer_take(struct phone *p, unsigned status, uint64_t now)
{
	unsigned want = p->file == 1 || p->file == 2   ? 404
			: p->file + 1 == p->file_count ? 201
						       : 200;

	if (status == 429 || status == 503)
		return false;
	if (status != want && (p->file || status != 200)) {
		(void)fprintf(stderr, "%s: %u\n", p->paths[p->file], status);
		exit(1);
	}
	if (!p->file)
		boot_named(p);
	p->in_n = 0;
	p->asked = false;
	p->tries = 0;
	p->at_ns = now + ANSWER_NS;
	if (++p->file < p->file_count)
		return true;
	link_close(p);
	g.files_ns = now;
	sip_begin(p, now);
	return true;
}

/* Until there is nothing more to be read. */
static void link_go_on(struct phone *p, uint64_t now)
{
	while (p->step == STEP_FETCHES) {
		unsigned status = 0;
		int n;

		if (p->ssl && !SSL_is_init_finished(p->ssl)) {
			n = SSL_do_handshake(p->ssl);
			if (n == 1) {
				g.whole += !SSL_session_reused(p->ssl);
				g.resumed += SSL_session_reused(p->ssl) == 1;
				continue;
			}
			n = SSL_get_error(p->ssl, n);
			ERR_clear_error();
			if (n != SSL_ERROR_WANT_READ && n != SSL_ERROR_WANT_WRITE)
				link_lost(p, now);
			return;
		}
		if (!p->asked) {
			p->asked = link_ask(p);
			if (!p->asked && errno != EAGAIN)
				link_lost(p, now);
			if (!p->asked)
				return;
		}
		n = (int)(ANSWER_MAX - 1 - p->in_n);
		n = p->ssl ? SSL_read(p->ssl, p->in + p->in_n, n)
			   : (int)recv(p->fd, p->in + p->in_n, (size_t)n, 0);
		if (n <= 0) {
			bool waits = p->ssl ? SSL_get_error(p->ssl, n) == SSL_ERROR_WANT_READ
					    : n < 0 && errno == EAGAIN;

			ERR_clear_error();
			if (!waits)
				link_lost(p, now);
			return;
		}
		p->in_n += (size_t)n;
		p->in[p->in_n] = '\0';
		status = answer_status(p);
		if (status && !answer_take(p, status, now))
			link_lost(p, now);
	}
}

/* ---- SIP ---- */

static void uri_write(const struct phone *p, char *out, size_t size)
{
	if (p->step == STEP_REGISTERS)
		(void)snprintf(out, size, "sip:%s", g.ip);
	else
		(void)snprintf(out, size, "sip:lamps-%u@%s", NUMBER_FIRST + phone_number(p), g.ip);
}

static void sip_say(struct phone *p, uint64_t now)
{
	bool registers = p->step == STEP_REGISTERS;
	const char *method = registers ? "REGISTER" : "SUBSCRIBE";
	uint32_t n = phone_number(p), number = NUMBER_FIRST + n;
	uint64_t wait = T1_NS << (p->tries < 3 ? p->tries : 3);
	char text[TEXT_MAX], ip[INET_ADDRSTRLEN], uri[64];
	struct in_addr own = phone_address(p);
	int length;

	(void)inet_ntop(AF_INET, &own, ip, sizeof(ip));
	uri_write(p, uri, sizeof(uri));
	length = snprintf(
		text, sizeof(text),
		"%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s:%u;branch=z9hG4bK%u.%u.%u.%u;rport\r\n"
		"Max-Forwards: 70\r\nFrom: <sip:%u@%s>;tag=b%u\r\nTo: <sip:%s%u@%s>\r\n"
		"Call-ID: %s%u.%u@phones\r\nCSeq: %u %s\r\nContact: <sip:%u@%s:%u>\r\n%s%s"
		"User-Agent: PolycomVVX-VVX_410-UA/5.4.2.6345\r\nContent-Length: 0\r\n\r\n",
		method, uri, ip, p->port, g.run, registers, n, p->cseq, number, g.ip, n,
		registers ? "" : "lamps-", number, g.ip, method, n, g.run, p->cseq, method, number,
		ip, p->port, p->auth,
		registers ? "Expires: 600\r\n"
			  : "Expires: 3600\r\nEvent: dialog\r\nSupported: eventlist\r\n");
	g.repeated += p->tries > 0;
	p->tries++;
	p->at_ns = now + (wait < T2_NS ? wait : T2_NS);
	(void)send(p->fd, text, (size_t)length, MSG_NOSIGNAL);
}

/* A transaction of its own. */
static void sip_ask(struct phone *p, enum step step, uint64_t now)
{
	if (p->step != step) {
		p->auth[0] = '\0';
		p->challenged = false;
	}
	p->step = step;
	p->cseq++;
	p->tries = 0;
	sip_say(p, now);
}

static void sip_begin(struct phone *p, uint64_t now)
{
	phone_socket(p, SOCK_DGRAM, &g.sip);
	sip_ask(p, STEP_REGISTERS, now);
}

/* Answers the challenge, once. */
static bool challenge_take(struct phone *p, const struct sip_message *m)
{
	uint32_t n = phone_number(p);
	struct digest_client_challenge ask;
	struct writer w = writer_over(p->auth, sizeof(p->auth) - 1);
	char user[16], password[64], uri[64];
	struct digest_account account = { .realm = bytes_str(g.realm) };
	struct digest_answering r = { .nc = 1, .cnonce = n, .proxy = m->status == 407 };

	(void)snprintf(user, sizeof(user), "%u", NUMBER_FIRST + n);
	(void)snprintf(password, sizeof(password), "secret-%u-of-a-phone", n);
	uri_write(p, uri, sizeof(uri));
	account.user = bytes_str(user);
	digest_secret_make(&account.secret, account.user, account.realm, bytes_str(password));
	r.method = m->method_name;
	r.uri = bytes_str(uri);
	if (p->challenged || digest_client_choose(&ask, m, r.proxy, account.realm) ||
	    !digest_client_write(&w, &ask, &account, &r))
		return false;
	p->auth[w.n] = '\0';
	p->challenged = true;
	return true;
}

static void sip_answered(struct phone *p, const struct sip_message *m, uint64_t now)
{
	enum step step = m->method == SIP_REGISTER ? STEP_REGISTERS : STEP_SUBSCRIBES;

	if (p->step != step || m->cseq != p->cseq || m->status < 200)
		return; /* of what is over */
	if ((m->status == 401 || m->status == 407) && challenge_take(p, m)) {
		sip_ask(p, step, now);
	} else if (m->status >= 300) { /* later, as it says */
		uint32_t after_s = message_retry_after_s(m);

		g.refused++;
		g.after_s = after_s > g.after_s ? after_s : g.after_s;
		p->challenged = false;
		p->auth[0] = '\0';
		p->tries = SIP_TRIES; /* in a transaction of its own */
		p->at_ns = now + (after_s ? after_s * NS_PER_S : RETRY_NS);
	} else if (step == STEP_REGISTERS) {
		g.registered_ns = now;
		sip_ask(p, STEP_SUBSCRIBES, now);
	} else {
		p->at_ns = UINT64_MAX; /* for its NOTIFY */
	}
}

/* Each of the list has a document; only that of LIT has a dialog, which is confirmed. */
static bool lamps_are_right(struct bytes body)
{
	static const char begin[] = " entity=\"sip:", end[] = "</dialog-info>";
	uint32_t count = 0, lit = 0;
	const uint8_t *at;

	while ((at = memmem(body.p, body.n, begin, sizeof(begin) - 1)) != NULL) {
		const uint8_t *next;
		uint32_t user = 0;
		bool talks;

		body = bytes_from(body, (size_t)(at - body.p) + sizeof(begin) - 1);
		next = memmem(body.p, body.n, end, sizeof(end) - 1);
		if (!next || bytes_u32(bytes_sub(body, 0, bytes_find(body, '@')), &user))
			return false;
		talks = memmem(body.p, (size_t)(next - body.p), "<state>", 7) != NULL;
		if (talks != (user == g.lit) ||
		    (talks && !memmem(body.p, (size_t)(next - body.p), ">confirmed<", 11)))
			return false;
		lit += talks;
		count++;
		body = bytes_from(body, (size_t)(next - body.p));
	}
	return count == g.lamps && lit == 1;
}

static void notify_take(struct phone *p, const struct sip_message *m, uint64_t now)
{
	static uint8_t text[TEXT_MAX];
	struct writer w = writer_over(text, sizeof(text));

	message_write_response(&w, m, 200, "OK", (struct bytes){ 0 }, (struct bytes){ 0 },
			       (struct bytes){ 0 }, (struct bytes){ 0 });
	(void)send(p->fd, text, w.n, MSG_NOSIGNAL);
	if (p->step != STEP_SUBSCRIBES || !lamps_are_right(m->body))
		return;
	p->step = STEP_DONE;
	g.done++;
	g.lamps_ns = now;
}

static void sip_take(struct phone *p, uint64_t now)
{
	static uint8_t text[65536];
	struct message_error error;
	struct sip_message m;
	ssize_t n;

	while ((n = recv(p->fd, text, sizeof(text), 0)) > 0) {
		int err = message_parse(&m, bytes_mem(text, (size_t)n), &error);

		if (err && !error.status)
			continue;
		m.hop.remote.port = ntohs(g.sip.sin_port);
		if (!err && !m.request)
			sip_answered(p, &m, now);
		else if (!err && m.method == SIP_NOTIFY)
			notify_take(p, &m, now);
		message_close(&m);
	}
}

/* ---- all of them ---- */

static void phone_beat(struct phone *p, uint64_t now)
{
	if (now < p->at_ns || p->step == STEP_DONE)
		return;
	if (p->step == STEP_WAITS)
		link_open(p, now);
	else if (p->step == STEP_FETCHES)
		link_lost(p, now);
	else if (p->tries < SIP_TRIES)
		sip_say(p, now);
	else
		sip_ask(p, p->step, now);
}

static void phones_run(uint64_t end_ns)
{
	static struct epoll_event events[EVENTS];
	uint64_t checked_ns = 0;

	while (g.done < g.count && clock_now_ns() < end_ns) {
		int n = epoll_wait(g.epoll, events, EVENTS, CHECK_MS);
		uint64_t now = clock_now_ns();

		for (int i = 0; i < n; i++) {
			struct phone *p = events[i].data.ptr;

			if (p->step == STEP_FETCHES)
				link_go_on(p, now);
			else if (p->step != STEP_WAITS)
				sip_take(p, now);
		}
		if (now < checked_ns + CHECK_MS * NS_PER_MS)
			continue;
		checked_ns = now;
		for (uint32_t i = 0; i < g.count; i++)
			phone_beat(&g.phones[i], now);
	}
}

static void run_open(char **argv)
{
	struct rlimit files = { 0 };

	g.files = load_address(argv[1]);
	g.sip = load_address(argv[2]);
	(void)inet_ntop(AF_INET, &g.sip.sin_addr, g.ip, sizeof(g.ip));
	g.realm = argv[3];
	g.run = (uint32_t)getpid();
	g.count = (uint32_t)strtoul(argv[5], NULL, 10);
	g.lit = (uint32_t)strtoul(argv[7], NULL, 10);
	g.lamps = (uint32_t)strtoul(argv[8], NULL, 10);
	g.phones = calloc(g.count, sizeof(*g.phones));
	g.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!g.phones || g.epoll < 0 || getrlimit(RLIMIT_NOFILE, &files))
		load_fail("open", ENOMEM);
	files.rlim_cur = files.rlim_max;
	if (files.rlim_max < g.count + 100 || setrlimit(RLIMIT_NOFILE, &files))
		load_fail("a descriptor for each phone", EMFILE);
	for (uint32_t i = 0; i < g.count; i++) {
		g.phones[i].fd = -1;
		boot_begin(&g.phones[i]);
	}
	if (strcmp(argv[4], "https") != 0)
		return;
	g.ctx = SSL_CTX_new(TLS_client_method());
	if (!g.ctx)
		load_fail("TLS", ENOMEM);
	SSL_CTX_set_mode(g.ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(g.ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(g.ctx, session_new);
}

int main(int argc, char **argv)
{
	uint64_t began_ns, steps[STEP_DONE + 1] = { 0 };

	if (argc != 9)
		load_fail("bootload FILES SIP REALM http|https PHONES SECONDS LIT LAMPS", EINVAL);
	(void)signal(SIGPIPE, SIG_IGN);
	run_open(argv);
	began_ns = clock_now_ns();
	phones_run(began_ns + strtoul(argv[6], NULL, 10) * NS_PER_S);
	for (uint32_t i = 0; i < g.count; i++)
		steps[g.phones[i].step]++;
	(void)printf("{\"phones\": %u, \"done\": %u, \"waits\": %lu, \"fetches\": %lu, "
		     "\"registers\": %lu, \"subscribes\": %lu, \"again\": %lu, ",
		     g.count, g.done, steps[STEP_WAITS], steps[STEP_FETCHES], steps[STEP_REGISTERS],
		     steps[STEP_SUBSCRIBES], g.again);
	(void)printf("\"repeated\": %lu, \"refused\": %lu, \"retry_after_s\": %lu, "
		     "\"whole_handshakes\": %lu, \"resumed\": %lu, ",
		     g.repeated, g.refused, g.after_s, g.whole, g.resumed);
	(void)printf("\"files_s\": %.3f, \"registered_s\": %.3f, \"lamps_s\": %.3f}\n",
		     (double)(g.files_ns - began_ns) / NS_PER_S,
		     (double)(g.registered_ns - began_ns) / NS_PER_S,
		     (double)(g.lamps_ns - began_ns) / NS_PER_S);
	return 0;
}
