/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Callers of mailboxes, of bench/boxes.py, all at one socket: who a packet is for follows from where it came from. Each prompt is one octet
 * over and over, and leads to keys (RFC 4733). Who hears a beep says packets with a number in them, as rtpload does, and presses #. What is
 * no prompt is kept, a file for each caller: a message that he hears.
 *   boxload FROM SECONDS FRAMES FOLDER LAST OCTET=KEYS...     LAST: whose octet ends a caller; stdin: a line "TO BOX" each, then an empty one;
 *   KEYS: % is his box; FRAMES: that he says behind the beep; 0: no beep is awaited
 */
#include <errno.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "bench/load/fail.h"
#include "bench/load/latency.h"

enum {
	HEAD = 12,
	FRAME = 160,
	FRAME_MS = 20,
	CALLERS_MAX = 4000,
	BATCH = 64,
	EVENT_TYPE = 101,
	EVENT_PACKETS = 5, /* before three that say its end */
	PAUSE_PACKETS = 4, /* between keys */
	BEEP_PACKETS = 5,  /* of a beep at least */
	BEEP_OVER_MS = 120,
	STEADY = 3, /* packets of a prompt before it is answered */
	BUFFER = 64 << 20,
	STAMP = 24,
	MAGIC = 0x52544c44, /* bench/record_files.py */
};

struct caller {
	struct sockaddr_in to;
	char box[16], keys[64], pressed;
	size_t key;
	uint16_t sequence;
	uint32_t timestamp;
	uint32_t event; /* packets of the key and of the pause behind it; 0: none is pressed */
	int octet;      /* that the prompt now playing consists of; -1: none plays */
	uint32_t steady, beeps, said;
	uint64_t beep_ns;
	uint16_t heard_sequence;
	bool hears, ended;
	uint8_t *heard;
	size_t octets, room;
};

static struct {
	int fd, last;
	struct caller list[CALLERS_MAX];
	uint32_t count, frames, ended, at_once_max;
	uint16_t of_port[65536]; /* 1 + its index */
	const char *keys[256];   /* "": a prompt, and no key follows */
	uint64_t lost, sent;
} g;

static void keys_press(struct caller *c, const char *keys)
{
	size_t n = 0;

	for (; *keys && n + sizeof(c->box) < sizeof(c->keys); keys++) {
		if (*keys == '%')
			n += (size_t)snprintf(c->keys + n, sizeof(c->keys) - n, "%s", c->box);
		else
			c->keys[n++] = *keys;
	}
	c->keys[n] = '\0';
	c->key = 0;
}

static void prompt_take(struct caller *c, int octet)
{
	c->steady = octet == c->octet ? c->steady + 1 : 1;
	c->octet = octet;
	if (c->steady != STEADY)
		return;
	keys_press(c, g.keys[octet]);
	if (octet == g.last && !c->ended) {
		c->ended = true;
		g.ended++;
	}
}

static bool is_steady(const uint8_t *p)
{
	return memcmp(p, p + 1, FRAME - 1) == 0;
}

static void sound_take(struct caller *c, const uint8_t *p, uint64_t now_ns)
{
	c->octet = -1;
	if (g.frames) {
		c->beeps += !is_steady(p);
		c->beep_ns = is_steady(p) ? c->beep_ns : now_ns;
		return;
	}
	if (c->octets + FRAME > c->room) {
		c->room = c->room ? 2 * c->room : 1 << 16;
		c->heard = realloc(c->heard, c->room);
		if (!c->heard)
			load_fail("what was heard", ENOMEM);
	}
	memcpy(c->heard + c->octets, p, FRAME);
	c->octets += FRAME;
}

static void packet_take(const uint8_t *p, size_t n, const struct sockaddr_in *from, uint64_t now_ns)
{
	uint16_t place = g.of_port[ntohs(from->sin_port)], ahead;
	struct caller *c = place ? &g.list[place - 1] : NULL;

	if (!c || n != HEAD + FRAME || (p[1] & 0x7f) != 0)
		return;
	ahead = (uint16_t)(be16_get(p + 2) - c->heard_sequence);
	g.lost += c->hears && ahead < 0x8000 && ahead ? ahead - 1 : 0;
	c->hears = true;
	c->heard_sequence = be16_get(p + 2);
	if (is_steady(p + HEAD) && g.keys[p[HEAD]])
		prompt_take(c, p[HEAD]);
	else
		sound_take(c, p + HEAD, now_ns);
}

/* False: none were left. */
static bool packets_read(void)
{
	static uint8_t space[BATCH][256];
	static struct sockaddr_in from[BATCH];
	struct mmsghdr list[BATCH];
	struct iovec parts[BATCH];
	uint64_t now_ns = clock_now_ns();
	int n;

	for (int i = 0; i < BATCH; i++) {
		parts[i] = (struct iovec){ space[i], sizeof(space[i]) };
		list[i].msg_hdr = (struct msghdr){ .msg_name = &from[i],
						   .msg_namelen = sizeof(from[i]),
						   .msg_iov = &parts[i],
						   .msg_iovlen = 1 };
	}
	n = recvmmsg(g.fd, list, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++)
		packet_take(space[i], list[i].msg_len, &from[i], now_ns);
	return n == BATCH;
}

static bool speaks(const struct caller *c, uint64_t now_ns)
{
	return c->beeps >= BEEP_PACKETS && c->said < g.frames &&
	       now_ns - c->beep_ns > BEEP_OVER_MS * NS_PER_MS;
}

/* Behind the stamp it is what record_files.py looks for. */
static void frame_say(struct caller *c, uint32_t stream, uint8_t *out)
{
	const uint32_t stamp[STAMP / 4] = { MAGIC, stream, c->said++ };

	memcpy(out, stamp, STAMP);
	for (int i = STAMP; i < FRAME; i++)
		out[i] = (uint8_t)(stream * 31 + HEAD + (uint32_t)i);
	g.sent++;
	if (c->said == g.frames)
		keys_press(c, "#");
}

static size_t key_write(struct caller *c, uint8_t *out)
{
	static const char names[] = "0123456789*#";
	const char *name = strchr(names, c->pressed);
	bool ends = c->event > EVENT_PACKETS;

	out[1] = EVENT_TYPE | (c->event == 1 ? 0x80 : 0);
	out[HEAD] = name ? (uint8_t)(name - names) : 11;
	out[HEAD + 1] = ends ? 0x8a : 0x0a;
	be16_put(out + HEAD + 2, (uint16_t)(FRAME * (ends ? EVENT_PACKETS : c->event)));
	if (c->event == EVENT_PACKETS + 3)
		c->timestamp += FRAME * (EVENT_PACKETS + 3);
	return HEAD + 4;
}

static size_t caller_write(struct caller *c, uint32_t stream, uint64_t now_ns, uint8_t *out)
{
	bool says = speaks(c, now_ns);

	if (!says && !c->event && c->keys[c->key]) {
		c->event = 1;
		c->pressed = c->keys[c->key++];
	}
	out[0] = 0x80;
	out[1] = 0;
	be16_put(out + 2, c->sequence++);
	be32_put(out + 4, c->timestamp);
	be32_put(out + 8, 0x424f5845 + stream);
	if (c->event && c->event <= EVENT_PACKETS + 3) {
		size_t n = key_write(c, out);

		c->event++;
		return n;
	}
	if (c->event && ++c->event > EVENT_PACKETS + 3 + PAUSE_PACKETS)
		c->event = 0;
	c->timestamp += FRAME;
	memset(out + HEAD, 0xff, FRAME);
	if (says)
		frame_say(c, stream, out + HEAD);
	return HEAD + FRAME;
}

/* Sends a packet of each caller whose 20 ms begin in this millisecond. */
static void callers_say(uint32_t ms)
{
	static uint8_t space[CALLERS_MAX / FRAME_MS + 1][HEAD + FRAME];
	static struct mmsghdr list[CALLERS_MAX / FRAME_MS + 1];
	static struct iovec parts[CALLERS_MAX / FRAME_MS + 1];
	uint64_t now_ns = clock_now_ns();
	unsigned n = 0;

	for (uint32_t i = ms % FRAME_MS; i < g.count; i += FRAME_MS, n++) {
		parts[n] =
			(struct iovec){ space[n], caller_write(&g.list[i], i, now_ns, space[n]) };
		list[n].msg_hdr = (struct msghdr){ .msg_name = &g.list[i].to,
						   .msg_namelen = sizeof(g.list[i].to),
						   .msg_iov = &parts[n],
						   .msg_iovlen = 1 };
	}
	load_send(g.fd, list, n);
}

/* Who says his message, or hears one, now. */
static void at_once_note(void)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < g.count; i++) {
		const struct caller *c = &g.list[i];

		n += g.frames ? c->said && c->said < g.frames : c->octets && c->octet < 0;
	}
	g.at_once_max = n > g.at_once_max ? n : g.at_once_max;
}

/* A line of stdin; false: the last one was read. */
static bool caller_read(void)
{
	char line[256], to[64], box[16];

	if (!fgets(line, sizeof(line), stdin) || line[0] == '\n')
		return false;
	if (sscanf(line, "%63s %15s", to, box) != 2 || g.count == CALLERS_MAX)
		load_fail("a line of stdin", EINVAL);
	g.list[g.count] = (struct caller){ .to = load_address(to), .octet = -1 };
	memcpy(g.list[g.count].box, box, sizeof(box));
	g.of_port[ntohs(g.list[g.count].to.sin_port)] = (uint16_t)(g.count + 1);
	g.count++;
	return true;
}

static void run(double seconds)
{
	uint64_t start_ns = clock_now_ns(), now_ns = start_ns;
	bool reads = true;
	uint32_t ms = 0;

	while ((reads || g.ended < g.count) && now_ns - start_ns < (uint64_t)(seconds * 1e9)) {
		struct pollfd p[] = { { .fd = g.fd, .events = POLLIN },
				      { .fd = reads ? 0 : -1, .events = POLLIN } };

		(void)poll(p, 2, 1);
		if (p[1].revents)
			reads = caller_read();
		while (packets_read())
			;
		now_ns = clock_now_ns();
		for (; start_ns + ms * NS_PER_MS <= now_ns; ms++) {
			callers_say(ms);
			if (ms % 100 == 0)
				at_once_note();
		}
	}
}

static void socket_open(const char *from)
{
	struct sockaddr_in local = load_address(from);
	int size = BUFFER;

	g.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (bind(g.fd, (struct sockaddr *)&local, sizeof(local)))
		load_fail(from, errno);
	(void)setsockopt(g.fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
}

static void heard_write(const char *folder)
{
	char path[512];

	for (uint32_t i = 0; i < g.count; i++) {
		FILE *file;

		(void)snprintf(path, sizeof(path), "%s/%s", folder, g.list[i].box);
		file = fopen(path, "wb");
		if (!file ||
		    fwrite(g.list[i].heard, 1, g.list[i].octets, file) != g.list[i].octets ||
		    fclose(file))
			load_fail(path, errno);
	}
}

int main(int argc, char **argv)
{
	if (argc < 6)
		load_fail("FROM SECONDS FRAMES FOLDER LAST OCTET=KEYS...", EINVAL);
	(void)prctl(PR_SET_TIMERSLACK, 1);
	(void)setvbuf(stdin, NULL, _IONBF, 0); /* what poll says waits in the pipe */
	socket_open(argv[1]);
	g.frames = (uint32_t)atoi(argv[3]);
	g.last = atoi(argv[5]);
	for (int i = 6; i < argc; i++) {
		const char *keys = strchr(argv[i], '=');

		g.keys[(uint8_t)atoi(argv[i])] = keys ? keys + 1 : "";
	}
	run(strtod(argv[2], NULL));
	if (!g.frames)
		heard_write(argv[4]);
	(void)printf("{\"callers\":%u,\"ended\":%u,\"at_once\":%u,\"sent\":%llu,\"packets_lost\":%"
		     "llu}\n",
		     g.count, g.ended, g.at_once_max, (unsigned long long)g.sent,
		     (unsigned long long)g.lost);
	return 0;
}
