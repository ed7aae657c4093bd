/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Callers in menus, of bench/flows.py, all at one socket: who a packet is for follows from where it came from. Each says 50 packets of
 * G.711 a second; some press a key (RFC 4733) at random times, which leads to the other of two menus, the rest press none and hear the
 * same one again. Each prompt is one octet over and over. When a packet came is the kernel's word (SO_TIMESTAMPNS), so that a load that
 * is late itself takes nobody for late.
 *   menuload FROM SECONDS FIRST_MS A B     address:port; octets of the two prompts; stdin: a line "TO PRESSES" each, then an empty one
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "bench/load/fail.h"
#include "bench/load/latency.h"

enum {
	HEAD = 12,
	FRAME = 160,
	FRAME_MS = 20,
	CALLERS_MAX = 8000,
	BATCH = 64,
	EVENT_TYPE = 101,
	EVENT_PACKETS = 5, /* before three that say its end */
	LATE_MS = 20,
	LOST_S = 2, /* a key that changed nothing until then */
	SETTLE_S = 3,
	SILENT_S = 8,
	BUFFER = 64 << 20,
};

struct caller {
	struct sockaddr_in to;
	bool presses;
	uint16_t sequence;
	uint32_t timestamp;
	uint32_t event;      /* packets of the key that were sent; 0: none is pressed */
	uint64_t press_ns;   /* when it presses next; 0: not known yet */
	uint64_t pressed_ns; /* 0: nothing is awaited of a key */
	int menu;            /* whose prompt it heard last; 0: none */
	uint64_t prompt_ns;  /* when the last packet of a prompt came */
	uint64_t base_ns;    /* when timestamp base was due */
	uint32_t base;
	bool has_base;
};

static struct {
	int fd;
	struct caller list[CALLERS_MAX];
	uint32_t count;
	uint16_t of_port[65536]; /* 1 + its index */
	int octet[3];            /* of menus 1 and 2 */
	uint64_t first_ns;
	bool measures;
	uint64_t heard, late, late_max_ns, sent, pressed, answered, lost, again;
	struct load_latency key, timeout;
	uint64_t round_max_ns;
} g;

static uint64_t wall_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static void press_later(struct caller *c, uint64_t now_ns)
{
	c->press_ns = now_ns + (500 + (uint64_t)(random() % 4500)) * NS_PER_MS;
}

/* Each stretch without a pause has times of its own, and the packet that was least late says when they began. */
static void lateness_note(struct caller *c, uint32_t timestamp, bool marker, uint64_t at_ns)
{
	int32_t ahead = (int32_t)(timestamp - c->base);
	uint64_t due_ns = c->base_ns + (uint64_t)(int64_t)ahead * 125000;

	if (!c->has_base || marker || at_ns + 100 * NS_PER_MS < due_ns ||
	    at_ns > due_ns + NS_PER_S) {
		c->has_base = true;
		c->base = timestamp;
		c->base_ns = at_ns;
		return;
	}
	if (at_ns < due_ns) {
		c->base_ns -= due_ns - at_ns;
		return;
	}
	if (!g.measures)
		return;
	g.late += at_ns - due_ns > LATE_MS * NS_PER_MS;
	if (at_ns - due_ns > g.late_max_ns)
		g.late_max_ns = at_ns - due_ns;
}

/* A first packet of a prompt behind the end of one: how much more or less than first_ms lay between. */
static void again_note(const struct caller *c, uint64_t at_ns)
{
	uint64_t gap_ns = at_ns - c->prompt_ns - FRAME_MS * NS_PER_MS;

	if (!g.measures || c->presses)
		return;
	g.again++;
	load_latency_note(&g.timeout,
			  gap_ns > g.first_ns ? gap_ns - g.first_ns : g.first_ns - gap_ns);
}

static void key_note(struct caller *c, uint64_t at_ns)
{
	if (g.measures) {
		g.answered++;
		load_latency_note(&g.key, at_ns - c->pressed_ns);
	}
	c->pressed_ns = 0;
	press_later(c, at_ns);
}

static void prompt_note(struct caller *c, int menu, uint64_t at_ns)
{
	if (c->pressed_ns && menu != c->menu)
		key_note(c, at_ns);
	else if (c->menu == menu && at_ns - c->prompt_ns > g.first_ns / 2)
		again_note(c, at_ns);
	if (!c->press_ns)
		press_later(c, at_ns);
	c->menu = menu;
	c->prompt_ns = at_ns;
}

static void packet_take(const uint8_t *p, size_t n, const struct sockaddr_in *from, uint64_t at_ns)
{
	uint16_t place = g.of_port[ntohs(from->sin_port)];
	struct caller *c = place ? &g.list[place - 1] : NULL;

	if (!c || n != HEAD + FRAME || (p[1] & 0x7f) != 0)
		return;
	g.heard += g.measures;
	lateness_note(c, be32_get(p + 4), p[1] & 0x80, at_ns);
	for (int menu = 1; menu <= 2; menu++) {
		if (p[HEAD + FRAME / 2] == g.octet[menu])
			prompt_note(c, menu, at_ns);
	}
}

static uint64_t came_ns(struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		struct timespec t;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&t, CMSG_DATA(c), sizeof(t));
		return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
	}
	load_fail("SO_TIMESTAMPNS", ENOENT);
}

/* False: none were left. */
static bool packets_read(void)
{
	static uint8_t space[BATCH][256], control[BATCH][64];
	static struct sockaddr_in from[BATCH];
	struct mmsghdr list[BATCH];
	struct iovec parts[BATCH];
	int n;

	for (int i = 0; i < BATCH; i++) {
		parts[i] = (struct iovec){ space[i], sizeof(space[i]) };
		list[i].msg_hdr = (struct msghdr){ .msg_name = &from[i],
						   .msg_namelen = sizeof(from[i]),
						   .msg_iov = &parts[i],
						   .msg_iovlen = 1,
						   .msg_control = control[i],
						   .msg_controllen = sizeof(control[i]) };
	}
	n = recvmmsg(g.fd, list, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++)
		packet_take(space[i], list[i].msg_len, &from[i], came_ns(&list[i].msg_hdr));
	return n == BATCH;
}

static size_t caller_write(struct caller *c, uint64_t now_ns, uint8_t *out)
{
	bool event, ends;

	if (!c->event && c->presses && c->press_ns && !c->pressed_ns && now_ns >= c->press_ns) {
		c->event = 1;
		c->pressed_ns = now_ns;
		g.pressed += g.measures;
	}
	event = c->event > 0;
	out[0] = 0x80;
	out[1] = event ? EVENT_TYPE | (c->event == 1 ? 0x80 : 0) : 0;
	be16_put(out + 2, c->sequence++);
	be32_put(out + 4, c->timestamp);
	be32_put(out + 8, 0x4d454e55);
	if (!event) {
		c->timestamp += FRAME;
		memset(out + HEAD, 0xff, FRAME);
		return HEAD + FRAME;
	}
	ends = c->event > EVENT_PACKETS;
	out[HEAD] = 1;
	out[HEAD + 1] = ends ? 0x8a : 0x0a;
	be16_put(out + HEAD + 2,
		 (uint16_t)(FRAME * (c->event < EVENT_PACKETS ? c->event : EVENT_PACKETS)));
	if (++c->event > EVENT_PACKETS + 3) {
		c->event = 0;
		c->timestamp += FRAME * (EVENT_PACKETS + 3);
	}
	return HEAD + 4;
}

static void key_watch(struct caller *c, uint64_t now_ns)
{
	if (!c->pressed_ns || now_ns - c->pressed_ns < LOST_S * NS_PER_S)
		return;
	g.lost += g.measures;
	c->pressed_ns = 0;
	press_later(c, now_ns);
}

/* Sends a packet of each caller whose 20 ms begin in this millisecond. */
static void callers_say(uint32_t ms)
{
	static uint8_t space[CALLERS_MAX / FRAME_MS + 1][HEAD + FRAME];
	static struct mmsghdr list[CALLERS_MAX / FRAME_MS + 1];
	static struct iovec parts[CALLERS_MAX / FRAME_MS + 1];
	uint64_t now_ns = wall_ns();
	unsigned n = 0;

	for (uint32_t i = ms % FRAME_MS; i < g.count; i += FRAME_MS, n++) {
		struct caller *c = &g.list[i];

		key_watch(c, now_ns);
		parts[n] = (struct iovec){ space[n], caller_write(c, now_ns, space[n]) };
		list[n].msg_hdr = (struct msghdr){ .msg_name = &c->to,
						   .msg_namelen = sizeof(c->to),
						   .msg_iov = &parts[n],
						   .msg_iovlen = 1 };
	}
	load_send(g.fd, list, n);
	g.sent += g.measures ? n : 0;
}

static void run(double seconds)
{
	static uint32_t ms;
	static uint64_t start_ns;
	uint64_t now_ns = clock_now_ns(), end_ns = now_ns + (uint64_t)(seconds * (double)NS_PER_S);

	if (!start_ns)
		start_ns = now_ns;
	while (now_ns < end_ns) {
		struct pollfd p = { .fd = g.fd, .events = POLLIN };
		uint64_t before_ns = now_ns;

		(void)poll(&p, 1, 1);
		while (packets_read())
			;
		now_ns = clock_now_ns();
		if (g.measures && now_ns - before_ns > g.round_max_ns)
			g.round_max_ns = now_ns - before_ns;
		for (; start_ns + ms * NS_PER_MS <= now_ns; ms++)
			callers_say(ms);
	}
}

/* Those that are there talk meanwhile, as callers do. */
static void callers_read(void)
{
	char line[256], to[64];
	int presses;

	for (;;) {
		struct pollfd p = { .fd = 0, .events = POLLIN };

		if (poll(&p, 1, 0) == 0) {
			run(0.005);
			continue;
		}
		if (!fgets(line, sizeof(line), stdin) || line[0] == '\n')
			return;
		if (sscanf(line, "%63s %d", to, &presses) != 2 || g.count == CALLERS_MAX)
			load_fail("a line of stdin", EINVAL);
		g.list[g.count] = (struct caller){ .to = load_address(to), .presses = presses };
		g.of_port[ntohs(g.list[g.count].to.sin_port)] = (uint16_t)(g.count + 1);
		g.count++;
	}
}

static double cpu_seconds(void)
{
	struct rusage r;

	(void)getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
	       (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

/* Callers who were asked nothing for so long that they have no menu any more. */
static uint32_t callers_silent(void)
{
	uint64_t now_ns = wall_ns();
	uint32_t n = 0;

	for (uint32_t i = 0; i < g.count; i++)
		n += now_ns - g.list[i].prompt_ns > SILENT_S * NS_PER_S;
	return n;
}

static void socket_open(const char *from)
{
	struct sockaddr_in local = load_address(from);
	int one = 1, size = BUFFER;

	g.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (bind(g.fd, (struct sockaddr *)&local, sizeof(local)) ||
	    setsockopt(g.fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one)))
		load_fail(from, errno);
	(void)setsockopt(g.fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
}

static void say(double seconds, double cpu_s)
{
	(void)printf("{\"callers\":%u,\"packets_sent\":%llu,\"packets_heard\":%llu,"
		     "\"packets_late\":%llu,\"late_max_ms\":%.2f,\"keys\":%llu,"
		     "\"keys_answered\":%llu,\"keys_lost\":%llu,\"key_p50_ms\":%.1f,"
		     "\"key_p99_ms\":%.1f,\"timeouts\":%llu,\"timeout_error_p50_ms\":%.2f,"
		     "\"timeout_error_p99_ms\":%.2f,\"timeout_error_max_ms\":%.2f,"
		     "\"silent\":%u,\"load_cpu\":%.2f,\"load_round_max_ms\":%.1f}\n",
		     g.count, (unsigned long long)g.sent, (unsigned long long)g.heard,
		     (unsigned long long)g.late, (double)g.late_max_ns / 1e6,
		     (unsigned long long)g.pressed, (unsigned long long)g.answered,
		     (unsigned long long)g.lost, load_latency_us(&g.key, 0.5) / 1000,
		     load_latency_us(&g.key, 0.99) / 1000, (unsigned long long)g.again,
		     load_latency_us(&g.timeout, 0.5) / 1000,
		     load_latency_us(&g.timeout, 0.99) / 1000, (double)g.timeout.max_ns / 1e6,
		     callers_silent(), cpu_s / seconds, (double)g.round_max_ns / 1e6);
}

int main(int argc, char **argv)
{
	double seconds, cpu_s;

	if (argc != 6)
		load_fail("FROM SECONDS FIRST_MS A B", EINVAL);
	(void)prctl(PR_SET_TIMERSLACK, 1);
	(void)setvbuf(stdin, NULL, _IONBF, 0); /* what poll says waits in the pipe */
	socket_open(argv[1]);
	seconds = strtod(argv[2], NULL);
	g.first_ns = strtoull(argv[3], NULL, 10) * NS_PER_MS;
	g.octet[1] = atoi(argv[4]);
	g.octet[2] = atoi(argv[5]);
	(void)printf("{\"ready\":true}\n");
	(void)fflush(stdout);
	callers_read();
	run(SETTLE_S);
	(void)printf("{\"begins\":true}\n");
	(void)fflush(stdout);
	cpu_s = cpu_seconds();
	g.measures = true;
	run(seconds);
	say(seconds, cpu_seconds() - cpu_s);
	return 0;
}
