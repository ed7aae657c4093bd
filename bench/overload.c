/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Honest callers, and the phone that they call, in one process: as many calls as fit (--window), or so many a second whatever becomes of
 * them (--rate). One call is INVITE 100 180 200 ACK BYE 200 on both legs. Callers repeat what is not answered (RFC 3261 17.1.1), the phone
 * repeats its 200, and a 503 ends a call at once.
 *
 *   overload --to 127.0.0.1:5060 --phone 6000 --number 2000 --warm 1 --seconds 10 (--window 24 | --rate 15000)
 *
 * What ends within --seconds after --warm is counted, while as many calls as before go on coming: neither the emptiness of the beginning
 * nor the queue that is left at the end makes a figure better. One line of JSON at the end: calls that came through, each within two
 * seconds, are goodput; cpu is how much of a core this process used meanwhile.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/clock.h"

enum {
	TEXT_MAX = 2048,
	CALLS_MAX = 4000000,
	ANSWERS = 1 << 14, /* of the phone, by hash */
	TRIES_MAX = 4,
	BUFFER = 8 << 20,
	END_S = 4,
};

#define T1_NS       (500 * NS_PER_MS)
#define PATIENCE_NS (2 * NS_PER_S)

#define SDP                                                                         \
	"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n" \
	"m=audio 4000 RTP/AVP 8\r\na=sendrecv\r\n"

enum call_state { CALL_ASKED, CALL_HEARD, CALL_TALKS, CALL_OVER };

struct caller {
	uint64_t began_ns, again_ns;
	uint8_t state, tries;
};

/* A 200 of the phone that waits for its ACK. */
struct answer {
	uint64_t hash, again_ns;
	uint8_t tries;
	uint16_t n;
	char text[TEXT_MAX];
};

struct bench {
	struct sockaddr_storage to;
	socklen_t to_n;
	struct addr at;
	char ip[ADDR_TEXT_MAX];
	int caller_fd, phone_fd;
	uint16_t caller_port, phone_port;
	const char *number;
	double rate, warm, seconds;
	bool counts; /* it is warm, and the time is not over */
	uint32_t window;
	struct caller *calls;
	uint32_t count, first_open, open, asked;
	struct answer *answers;
	uint32_t answer_first, answer_count;
	uint64_t good, late, refused, failed, repeated, answered, setup_ns_sum;
	double cpu_s;
};

_Noreturn static void fail(const char *what)
{
	(void)fprintf(stderr, "overload: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* At the node's own address. */
static int socket_at(const struct bench *b, uint16_t *port)
{
	struct sockaddr_storage sa;
	struct addr a = b->at;
	socklen_t n;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), size = BUFFER;

	a.port = *port;
	n = addr_to_sockaddr(&a, &sa);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, n))
		fail("bind");
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	n = sizeof(sa);
	if (getsockname(fd, (struct sockaddr *)&sa, &n) ||
	    addr_from_sockaddr(&a, (struct sockaddr *)&sa))
		fail("getsockname");
	*port = a.port;
	return fd;
}

static void say(const struct bench *b, int fd, const char *text, int n)
{
	(void)sendto(fd, text, (size_t)n, MSG_DONTWAIT, (const struct sockaddr *)&b->to, b->to_n);
}

/* Value of a header of ours or the node's: long names, one line each. */
static struct bytes header(struct bytes text, const char *name)
{
	struct bytes line;
	size_t n = strlen(name);

	while (bytes_cut(&text, '\n', &line) && line.n > 1) {
		if (line.n > n && bytes_istarts(line, name) && line.p[n] == ':')
			return bytes_trim(bytes_from(line, n + 1));
	}
	return (struct bytes){ 0 };
}

/* ---- who calls ---- */

static void request(const struct bench *b, uint32_t i, const char *method, unsigned cseq,
		    const char *branch, struct bytes to, const char *sdp)
{
	char text[TEXT_MAX];
	int n = snprintf(
		text, sizeof(text),
		"%s sip:%s@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s:%u;branch=z9hG4bK%s%u;rport\r\n"
		"Max-Forwards: 70\r\nFrom: <sip:caller@%s>;tag=c%u\r\nTo: " BYTES_FMT
		"\r\nCall-ID: b%u.%u\r\nCSeq: %u %s\r\n"
		"Contact: <sip:caller@%s:%u>\r\n%sContent-Length: %zu\r\n\r\n%s",
		method, b->number, b->ip, b->ip, b->caller_port, branch, i, b->ip, i, BYTES_ARG(to),
		i, b->caller_port, cseq, method, b->ip, b->caller_port,
		sdp[0] ? "Content-Type: application/sdp\r\n" : "", strlen(sdp), sdp);

	if (n > 0 && (size_t)n < sizeof(text))
		say(b, b->caller_fd, text, n);
}

static void invite(const struct bench *b, uint32_t i)
{
	char to[128];
	int n = snprintf(to, sizeof(to), "<sip:%s@%s>", b->number, b->ip);

	request(b, i, "INVITE", 1, "i", bytes_mem(to, (size_t)n), SDP);
}

static void begin(struct bench *b, uint64_t now_ns)
{
	if (b->count == CALLS_MAX)
		return;
	b->calls[b->count] = (struct caller){ .began_ns = now_ns, .again_ns = now_ns + T1_NS };
	b->open++;
	b->asked += b->counts;
	invite(b, b->count++);
}

static void over(struct bench *b, struct caller *c, uint64_t *counter)
{
	c->state = CALL_OVER;
	b->open--;
	*counter += b->counts;
}

static void answered(struct bench *b, uint32_t i, struct bytes m, uint64_t now_ns)
{
	struct caller *c = &b->calls[i];
	struct bytes to = header(m, "To");

	request(b, i, "ACK", 1, "a", to, "");
	if (c->state >= CALL_TALKS)
		return;
	c->state = CALL_TALKS;
	if (b->counts) {
		b->answered++;
		b->setup_ns_sum += now_ns - c->began_ns;
	}
	request(b, i, "BYE", 2, "b", to, "");
}

static void caller_hears(struct bench *b, struct bytes m, uint64_t now_ns)
{
	struct bytes id = header(m, "Call-ID"), cseq = header(m, "CSeq");
	struct caller *c;
	uint32_t i, status;

	if (!bytes_starts(m, "SIP/2.0 ") || !bytes_starts(id, "b") ||
	    bytes_u32(bytes_sub(id, 1, bytes_find(id, '.') - 1), &i) || i >= b->count ||
	    bytes_u32(bytes_sub(m, 8, 3), &status))
		return;
	c = &b->calls[i];
	if (bytes_starts(cseq, "2")) { /* of its BYE */
		if (c->state == CALL_TALKS)
			over(b, c, now_ns - c->began_ns < PATIENCE_NS ? &b->good : &b->late);
	} else if (status < 200) {
		if (c->state == CALL_ASKED)
			c->state = CALL_HEARD;
	} else if (status < 300) {
		answered(b, i, m, now_ns);
	} else {
		request(b, i, "ACK", 1, "i", header(m, "To"), "");
		if (c->state < CALL_TALKS)
			over(b, c, status == 503 ? &b->refused : &b->failed);
	}
}

/* ---- who is called ---- */

static uint64_t hash_of(struct bytes id)
{
	uint64_t h = 1469598103934665603U;

	for (size_t i = 0; i < id.n; i++)
		h = (h ^ id.p[i]) * 1099511628211U;
	return h;
}

static int answer_make(const struct bench *b, char out[TEXT_MAX], struct bytes m,
		       const char *status, const char *sdp)
{
	struct bytes to = header(m, "To");
	bool tagged = memmem(to.p, to.n, ";tag=", 5) != NULL;

	return snprintf(out, TEXT_MAX,
			"SIP/2.0 %s\r\nVia: " BYTES_FMT "\r\nFrom: " BYTES_FMT "\r\nTo: " BYTES_FMT
			"%s\r\nCall-ID: " BYTES_FMT "\r\nCSeq: " BYTES_FMT
			"\r\nContact: <sip:phone@%s:%u>\r\n%sContent-Length: %zu\r\n\r\n%s",
			status, BYTES_ARG(header(m, "Via")), BYTES_ARG(header(m, "From")),
			BYTES_ARG(to), tagged ? "" : ";tag=phone", BYTES_ARG(header(m, "Call-ID")),
			BYTES_ARG(header(m, "CSeq")), b->ip, b->phone_port,
			sdp[0] ? "Content-Type: application/sdp\r\n" : "", strlen(sdp), sdp);
}

static struct answer *answer_find(struct bench *b, uint64_t hash)
{
	for (uint32_t i = 0; i < 64; i++) {
		struct answer *a = &b->answers[(hash + i) % ANSWERS];

		if (a->hash == hash)
			return a;
	}
	return NULL;
}

static struct answer *answer_free(struct bench *b, uint64_t hash)
{
	for (uint32_t i = 0; i < 64; i++) {
		struct answer *a = &b->answers[(hash + i) % ANSWERS];

		if (a->hash == 0 || a->hash == hash)
			return a;
	}
	return &b->answers[hash % ANSWERS];
}

static void phone_hears(struct bench *b, struct bytes m, uint64_t now_ns)
{
	uint64_t hash = hash_of(header(m, "Call-ID"));
	struct answer *a = answer_find(b, hash);
	char text[TEXT_MAX];
	int n;

	if (bytes_starts(m, "INVITE ")) {
		a = answer_free(b, hash);
		n = answer_make(b, a->text, m, "180 Ringing", "");
		say(b, b->phone_fd, a->text, n);
		n = answer_make(b, a->text, m, "200 OK", SDP);
		*a = (struct answer){ .hash = hash, .again_ns = now_ns + T1_NS, .n = (uint16_t)n };
		(void)answer_make(b, a->text, m, "200 OK", SDP);
		say(b, b->phone_fd, a->text, n);
	} else if (bytes_starts(m, "ACK ")) {
		if (a)
			a->hash = 0;
	} else if (!bytes_starts(m, "SIP/2.0")) {
		if (a)
			a->hash = 0;
		n = answer_make(b, text, m, "200 OK", "");
		say(b, b->phone_fd, text, n);
	}
}

/* ---- time ---- */

static void repeat_invites(struct bench *b, uint64_t now_ns)
{
	while (b->first_open < b->count && b->calls[b->first_open].state == CALL_OVER)
		b->first_open++;
	for (uint32_t i = b->first_open; i < b->count; i++) {
		struct caller *c = &b->calls[i];

		if (c->began_ns + T1_NS > now_ns)
			return;
		if (c->state != CALL_ASKED || c->again_ns > now_ns)
			continue;
		if (c->tries++ == TRIES_MAX) {
			over(b, c, &b->failed);
			continue;
		}
		c->again_ns = now_ns + (T1_NS << c->tries);
		b->repeated += b->counts;
		invite(b, i);
	}
}

static void repeat_answers(struct bench *b, uint64_t now_ns)
{
	for (uint32_t i = 0; i < ANSWERS; i++) {
		struct answer *a = &b->answers[i];

		if (!a->hash || a->again_ns > now_ns)
			continue;
		if (a->tries++ == TRIES_MAX) {
			a->hash = 0;
			continue;
		}
		a->again_ns = now_ns + (T1_NS << a->tries);
		say(b, b->phone_fd, a->text, a->n);
	}
}

typedef void hear_fn(struct bench *b, struct bytes m, uint64_t now_ns);

static void drain(struct bench *b, int fd, hear_fn *hear)
{
	static uint8_t space[65536];

	for (int i = 0; i < 8192; i++) {
		ssize_t n = recv(fd, space, sizeof(space), MSG_DONTWAIT);

		if (n <= 0)
			return;
		hear(b, bytes_mem(space, (size_t)n), clock_now_ns());
	}
}

static void begin_due(struct bench *b, uint64_t start_ns, uint64_t now_ns)
{
	double due = (double)(now_ns - start_ns) / (double)NS_PER_S * b->rate;

	if (b->window) {
		while (b->open < b->window)
			begin(b, now_ns);
		return;
	}
	for (int i = 0; i < 128 && (double)b->count < due; i++)
		begin(b, now_ns);
}

static double cpu_now_s(void)
{
	struct rusage u;

	(void)getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void count_between(struct bench *b, uint64_t now_ns, uint64_t begin_ns, uint64_t end_ns)
{
	bool counts = now_ns >= begin_ns && now_ns < end_ns;

	if (counts != b->counts)
		b->cpu_s = cpu_now_s() - b->cpu_s;
	b->counts = counts;
}

static uint64_t later(uint64_t ns, double s)
{
	return ns + (uint64_t)(s * (double)NS_PER_S);
}

static void run(struct bench *b)
{
	struct pollfd fds[2] = { { b->caller_fd, POLLIN, 0 }, { b->phone_fd, POLLIN, 0 } };
	uint64_t start = clock_now_ns(), warm = later(start, b->warm),
		 end = later(warm, b->seconds);
	uint64_t last = end + END_S * NS_PER_S, repeated = start;

	for (uint64_t now = start; now < last && (now < end || b->open); now = clock_now_ns()) {
		count_between(b, now, warm, end);
		if (now < end)
			begin_due(b, start, now);
		(void)poll(fds, 2, 1);
		drain(b, b->caller_fd, caller_hears);
		drain(b, b->phone_fd, phone_hears);
		if (now - repeated < 50 * NS_PER_MS)
			continue;
		repeated = now;
		repeat_invites(b, now);
		repeat_answers(b, now);
	}
	count_between(b, last, warm, end);
}

static void set_to(struct bench *b, const struct addr *to)
{
	struct writer w = writer_over(b->ip, sizeof(b->ip) - 1);

	b->to_n = addr_to_sockaddr(to, &b->to);
	b->at = *to;
	addr_write_ip(&w, to);
}

static void options(struct bench *b, int argc, char **argv)
{
	static const struct option known[] = {
		{ "to", required_argument, NULL, 't' },
		{ "phone", required_argument, NULL, 'p' },
		{ "number", required_argument, NULL, 'n' },
		{ "seconds", required_argument, NULL, 's' },
		{ "warm", required_argument, NULL, 'e' },
		{ "window", required_argument, NULL, 'w' },
		{ "rate", required_argument, NULL, 'r' },
		{ NULL, 0, NULL, 0 },
	};
	struct addr to = { .family = ADDR_NONE };
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == 't' && !addr_parse(&to, bytes_str(optarg)))
			set_to(b, &to);
		else if (c == 'p')
			b->phone_port = (uint16_t)atoi(optarg);
		else if (c == 'n')
			b->number = optarg;
		else if (c == 's')
			b->seconds = atof(optarg);
		else if (c == 'e')
			b->warm = atof(optarg);
		else if (c == 'w')
			b->window = (uint32_t)atoi(optarg);
		else if (c == 'r')
			b->rate = atof(optarg);
	}
	if (!b->to_n || !b->phone_port || !b->number || b->seconds <= 0 ||
	    (b->window == 0) == (b->rate <= 0)) {
		(void)fprintf(stderr, "usage: overload --to ADDRESS:PORT --phone PORT --number N "
				      "--seconds S (--window N | --rate N)\n");
		exit(2);
	}
}

int main(int argc, char **argv)
{
	static struct bench b;

	options(&b, argc, argv);
	b.calls = calloc(CALLS_MAX, sizeof(*b.calls));
	b.answers = calloc(ANSWERS, sizeof(*b.answers));
	if (!b.calls || !b.answers)
		fail("memory");
	b.caller_fd = socket_at(&b, &b.caller_port);
	b.phone_fd = socket_at(&b, &b.phone_port);
	run(&b);
	(void)printf("{\"asked\": %" PRIu32 ", \"good\": %" PRIu64 ", \"late\": %" PRIu64
		     ", \"refused\": %" PRIu64 ", \"failed\": %" PRIu64 ", \"unfinished\": %" PRIu32
		     ", \"repeated\": %" PRIu64
		     ", \"good_per_s\": %.1f, \"setup_ms\": %.2f, \"cpu\": %.2f}\n",
		     b.asked, b.good, b.late, b.refused, b.failed, b.open, b.repeated,
		     (double)b.good / b.seconds,
		     b.answered ? (double)b.setup_ns_sum / (double)b.answered / 1e6 : 0.0,
		     b.cpu_s / b.seconds);
	return 0;
}
