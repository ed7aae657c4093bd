/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who listens to events by HTTP, of bench/api.py: Server-Sent Events of one extension each and of everything, while Redis gets the events of so many
 * calls a second, as nodes write them. The id of an entry says when Redis had it; what a listener hears it hears so long after that, by the same
 * clock. Nothing may be missing without a word. Ends with a line of JSON.
 *   eventload NODE REDIS SECONDS CALLS EXTENSIONS OF_ALL TOKEN     NODE: address:port; REDIS: its unix socket; CALLS: a second
 */
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/param.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "bench/load/fail.h"
#include "bench/load/latency.h"

enum {
	LISTENERS_MAX = 4000,
	KEPT = 2048, /* of a message that is not whole yet */
	ROOM = 1 << 18,
	EVENTS_OF_CALL = 4,
	FIRST = 1000, /* number of the first extension */
	BATCH = 256,
};

#define QUIET_NS (3 * NS_PER_S)
#define MESSAGE  "data: {\"id\":\""

struct listener {
	int fd;
	bool begun;
	uint64_t heard, missed, wanted;
	size_t n;
	char kept[KEPT];
};

static struct {
	int epoll, redis;
	struct listener list[LISTENERS_MAX];
	unsigned extensions, count, begun;
	uint64_t written, answered, late_ns, last_ns;
	struct load_latency latency;
	char in[KEPT + ROOM], out[ROOM];
} g;

static void put_all(int fd, const char *text, size_t n)
{
	while (n) {
		ssize_t done = send(fd, text, n, MSG_NOSIGNAL);

		if (done < 0)
			load_fail("send", errno);
		text += done;
		n -= (size_t)done;
	}
}

static void listener_open(struct listener *l, const struct sockaddr_in *to, const char *token,
			  int number)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = l };
	char user[32] = "", request[1024];
	int n;

	if (number >= 0)
		(void)snprintf(user, sizeof(user), "&user=%d", FIRST + number);
	n = snprintf(request, sizeof(request),
		     "GET /v1/events?type=call.*%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
		     "%s\r\n\r\n",
		     user, token);
	l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (l->fd < 0 || connect(l->fd, (const struct sockaddr *)to, sizeof(*to)))
		load_fail("connect", errno);
	put_all(l->fd, request, (size_t)n);
	if (fcntl(l->fd, F_SETFL, O_NONBLOCK) || epoll_ctl(g.epoll, EPOLL_CTL_ADD, l->fd, &ev))
		load_fail("epoll", errno);
}

static uint64_t utc_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* One message, with an id and a type, or of the beginning. */
static void message(struct listener *l, const char *text, const char *end, uint64_t now_ms)
{
	const char *data = memmem(text, (size_t)(end - text), MESSAGE, strlen(MESSAGE));
	const char *type = memmem(text, (size_t)(end - text), "\"type\":\"", 8);

	if (!type)
		return;
	if (!memcmp(type + 8, "listening", 9)) {
		g.begun += !l->begun;
		l->begun = true;
	} else if (!memcmp(type + 8, "missed", 6)) {
		l->missed++;
	} else if (data) {
		uint64_t ms = strtoull(data + strlen(MESSAGE), NULL, 10);

		l->heard++;
		load_latency_note(&g.latency, now_ms > ms ? (now_ms - ms) * NS_PER_MS : 0);
	}
}

static void listener_read(struct listener *l)
{
	ssize_t got;
	const char *at = g.in, *end, *all;
	uint64_t now_ms;

	memcpy(g.in, l->kept, l->n);
	got = recv(l->fd, g.in + l->n, ROOM, 0);
	if (got <= 0) {
		if (got < 0 && errno == EAGAIN)
			return;
		load_fail("a listener was closed", got ? errno : ECONNRESET);
	}
	now_ms = utc_ms();
	g.last_ns = clock_now_ns();
	all = g.in + l->n + got;
	while ((end = memmem(at, (size_t)(all - at), "\n\n", 2)) != NULL) {
		message(l, at, end, now_ms);
		at = end + 2;
	}
	l->n = (size_t)(all - at);
	if (l->n > KEPT)
		load_fail("a message is too long", EMSGSIZE);
	memcpy(l->kept, at, l->n);
}

static size_t event_write(char *out, uint64_t number)
{
	static const char *const types[EVENTS_OF_CALL] = { "new", "ringing", "answered", "ended" };
	uint64_t call = number / EVENTS_OF_CALL;
	unsigned users[2] = { (unsigned)(call * 7 % g.extensions),
			      (unsigned)((call * 7 + 3) % g.extensions) };
	char text[512];
	int n = snprintf(
		text, sizeof(text),
		"{\"type\":\"call.%s\",\"call\":\"%013llu\",\"version\":%u,\"from\":\"%u\","
		"\"to\":\"%u\",\"flow\":\"\",\"tags\":\"\",\"from_trunk\":\"\",\"to_trunk\":"
		"\"\",\"sip_status\":200}",
		types[number % EVENTS_OF_CALL], (unsigned long long)call, (unsigned)(number % 9),
		FIRST + users[0], FIRST + users[1]);

	g.list[users[0]].wanted++;
	g.list[users[1]].wanted++;
	return (size_t)sprintf(
		out,
		"*8\r\n$4\r\nXADD\r\n$15\r\ntd:{ev:default}\r\n$6\r\nMAXLEN\r\n$1\r\n~"
		"\r\n$6\r\n100000\r\n$1\r\n*\r\n$5\r\nevent\r\n$%d\r\n%s\r\n",
		n, text);
}

/* What is due by now. */
static void events_write(uint64_t since_ns, double rate, uint64_t end_ns)
{
	uint64_t now_ns = clock_now_ns();
	uint64_t due =
		(uint64_t)((double)(MIN(now_ns, end_ns) - since_ns) / (double)NS_PER_S * rate);
	size_t n = 0;

	if (due > g.written) {
		uint64_t was_ns =
			since_ns + (uint64_t)((double)g.written / rate * (double)NS_PER_S);

		g.late_ns = MAX(g.late_ns, now_ns - was_ns);
	}
	while (g.written < due && n + 1024 < sizeof(g.out))
		n += event_write(g.out + n, g.written++);
	put_all(g.redis, g.out, n);
}

/* Each answer is "$N", and an id in a line of its own: a '-' stands in that, too. */
static void redis_read(void)
{
	static char before = '\n';
	ssize_t got;

	while ((got = recv(g.redis, g.in, ROOM, MSG_DONTWAIT)) > 0)
		for (ssize_t i = 0; i < got; before = g.in[i++]) {
			if (before != '\n')
				continue;
			if (g.in[i] == '-')
				load_fail("Redis refuses", EPROTO);
			g.answered += g.in[i] == '$';
		}
}

static void wait_round(int ms)
{
	struct epoll_event events[BATCH];
	int n = epoll_wait(g.epoll, events, BATCH, ms);

	for (int i = 0; i < n; i++) {
		if (events[i].data.ptr)
			listener_read(events[i].data.ptr);
		else
			redis_read();
	}
}

static void redis_open(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct epoll_event ev = { .events = EPOLLIN };

	(void)snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	g.redis = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (g.redis < 0 || connect(g.redis, (struct sockaddr *)&to, sizeof(to)) ||
	    epoll_ctl(g.epoll, EPOLL_CTL_ADD, g.redis, &ev))
		load_fail(path, errno);
}

static void say(double seconds)
{
	uint64_t lost = 0, missed = 0, heard = 0;
	struct rusage r;

	for (unsigned i = 0; i < g.count; i++) {
		const struct listener *l = &g.list[i];
		uint64_t wanted = i < g.extensions ? l->wanted : g.written;

		heard += l->heard;
		missed += l->missed;
		if (!l->missed && l->heard < wanted)
			lost += wanted - l->heard;
	}
	(void)getrusage(RUSAGE_SELF, &r);
	(void)printf("{\"written\":%llu,\"heard\":%llu,\"lost\":%llu,\"missed_told\":%llu,"
		     "\"p50_ms\":%.1f,\"p99_ms\":%.1f,\"max_ms\":%.1f,\"late_ms\":%.1f,"
		     "\"load_cpu\":%.2f}\n",
		     (unsigned long long)g.written, (unsigned long long)heard,
		     (unsigned long long)lost, (unsigned long long)missed,
		     load_latency_us(&g.latency, 0.5) / 1000,
		     load_latency_us(&g.latency, 0.99) / 1000, (double)g.latency.max_ns / 1e6,
		     (double)g.late_ns / 1e6,
		     ((double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
		      (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6) /
			     seconds);
}

int main(int argc, char **argv)
{
	struct sockaddr_in to;
	double seconds, rate;
	uint64_t since_ns, end_ns;

	if (argc != 8)
		load_fail("NODE REDIS SECONDS CALLS EXTENSIONS OF_ALL TOKEN", EINVAL);
	(void)prctl(PR_SET_TIMERSLACK, 1);
	to = load_address(argv[1]);
	seconds = strtod(argv[3], NULL);
	rate = strtod(argv[4], NULL) * EVENTS_OF_CALL;
	g.extensions = (unsigned)strtoul(argv[5], NULL, 10);
	g.count = g.extensions + (unsigned)strtoul(argv[6], NULL, 10);
	if (!g.extensions || g.count > LISTENERS_MAX)
		load_fail("too many", E2BIG);
	g.epoll = epoll_create1(EPOLL_CLOEXEC);
	redis_open(argv[2]);
	for (unsigned i = 0; i < g.count; i++) {
		listener_open(&g.list[i], &to, argv[7], i < g.extensions ? (int)i : -1);
		while (g.begun <= i)
			wait_round(1000);
	}
	since_ns = clock_now_ns();
	end_ns = since_ns + (uint64_t)(seconds * (double)NS_PER_S);
	while (clock_now_ns() < end_ns || g.answered < g.written) {
		events_write(since_ns, rate, end_ns);
		wait_round(1);
	}
	while (clock_now_ns() < MAX(g.last_ns, end_ns) + QUIET_NS)
		wait_round(100);
	say(seconds);
	return 0;
}
