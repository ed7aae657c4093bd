/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests of the HTTP API, of bench/api.py: one after the other on each of so many connections, which are opened again where the node
 * closes them. With a rate a request is due at a time of its own, and what it waits for a connection counts; without one each follows
 * the answer before. A GET whose connection ends before a word of the answer is asked again on another one, as clients do (RFC 9112 9.3.1):
 * it is due when it was. Ends with a line of JSON.
 *   apiload FROM TO SECONDS CONNECTIONS RATE METHOD PATH [TOKEN [BODY]]     FROM: an address of this machine; TO: address:port; RATE 0: none
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "bench/load/fail.h"
#include "bench/load/latency.h"

enum {
	LINKS_MAX = 1024,
	ROOM = 65536,
	STATUSES = 600,
	BATCH = 64,
	REOPEN_NS = 10 * NS_PER_MS,
};

struct link {
	int fd; /* -1: closed */
	bool open, asked;
	uint64_t due_ns, reopen_ns;
	size_t n;
	char in[ROOM];
};

static struct {
	int epoll;
	struct sockaddr_in from, to;
	struct link links[LINKS_MAX];
	unsigned count;
	char request[8192];
	size_t length;
	uint64_t period_ns, next_ns; /* of a rate */
	bool repeats;
	uint64_t due_again_ns[LINKS_MAX]; /* of requests that are asked again */
	unsigned due_again;
	uint64_t statuses[STATUSES], answers, again, lost, refused;
	struct load_latency latency;
} g;

static void link_close(struct link *l, uint64_t now_ns)
{
	if (l->asked && l->n == 0 && g.repeats) {
		g.due_again_ns[g.due_again++] = l->due_ns;
		g.again++;
	} else {
		g.lost += l->asked;
	}
	(void)close(l->fd);
	*l = (struct link){ .fd = -1, .reopen_ns = now_ns + REOPEN_NS };
}

static void link_open(struct link *l)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT, .data.ptr = l };
	int one = 1;

	l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0 || bind(l->fd, (struct sockaddr *)&g.from, sizeof(g.from)))
		load_fail("socket", errno);
	(void)setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(l->fd, (struct sockaddr *)&g.to, sizeof(g.to)) && errno != EINPROGRESS)
		load_fail("connect", errno);
	if (epoll_ctl(g.epoll, EPOLL_CTL_ADD, l->fd, &ev))
		load_fail("epoll_ctl", errno);
}

/* The next request, where one is due. */
static void link_ask(struct link *l, uint64_t now_ns)
{
	bool again = g.due_again;

	if (!l->open || l->asked || (!again && g.period_ns && g.next_ns > now_ns))
		return;
	l->due_ns = again ? g.due_again_ns[0] : g.period_ns ? g.next_ns : now_ns;
	if (send(l->fd, g.request, g.length, MSG_NOSIGNAL) != (ssize_t)g.length) {
		link_close(l, now_ns);
		return;
	}
	l->asked = true;
	if (again)
		memmove(g.due_again_ns, g.due_again_ns + 1,
			--g.due_again * sizeof(g.due_again_ns[0]));
	else
		g.next_ns += g.period_ns;
}

/* Octets of the answer that l->in begins with; 0: it is not whole. */
static size_t answer_length(struct link *l)
{
	const char *end, *length;

	l->in[l->n] = 0;
	end = strstr(l->in, "\r\n\r\n");
	if (!end)
		return 0;
	length = strcasestr(l->in, "\r\ncontent-length:");
	if (!length || length > end)
		load_fail("an answer without a length", EPROTO);
	return (size_t)(end + 4 - l->in) + strtoul(length + 17, NULL, 10);
}

static void link_read(struct link *l, uint64_t now_ns)
{
	ssize_t n = recv(l->fd, l->in + l->n, sizeof(l->in) - 1 - l->n, 0);
	size_t length;
	unsigned status;

	if (n <= 0) {
		if (n == 0 || errno != EAGAIN)
			link_close(l, now_ns);
		return;
	}
	l->n += (size_t)n;
	length = answer_length(l);
	if (!length || l->n < length)
		return;
	status = (unsigned)strtoul(l->in + sizeof("HTTP/1.1"), NULL, 10);
	g.statuses[status < STATUSES ? status : 0]++;
	g.answers++;
	load_latency_note(&g.latency, now_ns - l->due_ns);
	l->asked = false;
	if (strcasestr(l->in, "\r\nconnection: close")) {
		link_close(l, now_ns);
		return;
	}
	l->n = 0;
	link_ask(l, now_ns);
}

static void link_event(struct link *l, uint32_t events, uint64_t now_ns)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = l };

	if (!l->open) {
		int err = 0;
		socklen_t size = sizeof(err);

		(void)getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &err, &size);
		if (err || (events & (EPOLLERR | EPOLLHUP))) {
			g.refused++;
			link_close(l, now_ns);
			return;
		}
		l->open = true;
		(void)epoll_ctl(g.epoll, EPOLL_CTL_MOD, l->fd, &ev);
		link_ask(l, now_ns);
		return;
	}
	link_read(l, now_ns);
}

static void run(uint64_t end_ns)
{
	struct epoll_event events[BATCH];
	uint64_t now_ns;

	while ((now_ns = clock_now_ns()) < end_ns) {
		int n = epoll_wait(g.epoll, events, BATCH, 1);

		now_ns = clock_now_ns();
		for (int i = 0; i < n; i++)
			link_event(events[i].data.ptr, events[i].events, now_ns);
		for (unsigned i = 0; i < g.count; i++) {
			if (g.links[i].fd < 0 && g.links[i].reopen_ns <= now_ns)
				link_open(&g.links[i]);
			link_ask(&g.links[i], now_ns);
		}
	}
}

static void say(double seconds)
{
	struct rusage r;

	(void)getrusage(RUSAGE_SELF, &r);
	(void)printf("{\"answers\":%llu,\"per_second\":%.0f,\"lost\":%llu,\"again\":%llu,"
		     "\"refused\":%llu,"
		     "\"p50_ms\":%.2f,\"p99_ms\":%.2f,\"max_ms\":%.2f,\"load_cpu\":%.2f,"
		     "\"statuses\":{",
		     (unsigned long long)g.answers, (double)g.answers / seconds,
		     (unsigned long long)g.lost + g.due_again, (unsigned long long)g.again,
		     (unsigned long long)g.refused, load_latency_us(&g.latency, 0.5) / 1000,
		     load_latency_us(&g.latency, 0.99) / 1000, (double)g.latency.max_ns / 1e6,
		     ((double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
		      (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6) /
			     seconds);
	for (unsigned i = 0, written = 0; i < STATUSES; i++)
		if (g.statuses[i])
			(void)printf("%s\"%u\":%llu", written++ ? "," : "", i,
				     (unsigned long long)g.statuses[i]);
	(void)printf("}}\n");
}

int main(int argc, char **argv)
{
	double seconds, rate;
	int n;

	if (argc < 8)
		load_fail("FROM TO SECONDS CONNECTIONS RATE METHOD PATH [TOKEN [BODY]]", EINVAL);
	(void)prctl(PR_SET_TIMERSLACK, 1);
	g.from.sin_family = AF_INET;
	if (inet_pton(AF_INET, argv[1], &g.from.sin_addr) != 1)
		load_fail(argv[1], EINVAL);
	g.to = load_address(argv[2]);
	seconds = strtod(argv[3], NULL);
	g.count = (unsigned)strtoul(argv[4], NULL, 10);
	rate = strtod(argv[5], NULL);
	n = snprintf(g.request, sizeof(g.request),
		     "%s %s HTTP/1.1\r\nHost: node\r\n%s%s%sContent-Type: application/json\r\n"
		     "Content-Length: %zu\r\n\r\n%s",
		     argv[6], argv[7], argc > 8 ? "Authorization: Bearer " : "",
		     argc > 8 ? argv[8] : "", argc > 8 ? "\r\n" : "",
		     argc > 9 ? strlen(argv[9]) : 0, argc > 9 ? argv[9] : "");
	if (g.count > LINKS_MAX || n < 0 || (size_t)n >= sizeof(g.request))
		load_fail("too much", E2BIG);
	g.length = (size_t)n;
	g.repeats = !strcmp(argv[6], "GET");
	g.epoll = epoll_create1(EPOLL_CLOEXEC);
	for (unsigned i = 0; i < g.count; i++)
		g.links[i].fd = -1;
	g.next_ns = clock_now_ns();
	g.period_ns = rate > 0 ? (uint64_t)((double)NS_PER_S / rate) : 0;
	run(g.next_ns + (uint64_t)(seconds * (double)NS_PER_S));
	say(seconds);
	return 0;
}
