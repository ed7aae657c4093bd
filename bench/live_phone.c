/* SPDX-License-Identifier: Apache-2.0 */
/* Callers that say packets of G.711 with a number in them, and look for it in what they hear. */
#include <arpa/inet.h>
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "bench/live.h"
#include "bench/load/fail.h"

enum { HEAD = 12, MARK = 8, DIGITS = 4, NUMBERS = 512, FRAME_MS = 20 };

struct phone {
	struct live_ready ready;
	int fd;
	uint32_t number; /* of the next packet */
	uint16_t sequence;
	bool delayed;
	uint64_t received_ns;
	uint64_t sent_ns[NUMBERS];
	uint8_t before[LIVE_FRAME]; /* what it heard last */
};

static struct {
	struct phone *list[LIVE_MAX];
	uint32_t count;
} g_phones;

/* Octets that come back the same from mu-law: all but the negative zero. */
static const uint8_t g_mark[MARK] = { 0x21, 0xa2, 0x13, 0x94, 0x45, 0xc6, 0x37, 0xb8 };

static void payload_write(uint8_t out[LIVE_FRAME], uint32_t number)
{
	memset(out, 0x35, LIVE_FRAME);
	memcpy(out, g_mark, MARK);
	for (int i = 0; i < DIGITS; i++)
		out[MARK + i] = (uint8_t)(0x20 | (number >> (4 * i) & 15));
}

static void phone_say(struct live_load *l, struct phone *p)
{
	uint8_t out[HEAD + LIVE_FRAME] = { 0x80, 0 };

	be16_put(out + 2, p->sequence++);
	be32_put(out + 4, p->number * LIVE_FRAME);
	be32_put(out + 8, 0x4c495645);
	payload_write(out + HEAD, p->number);
	p->sent_ns[p->number % NUMBERS] = l->now_ns;
	p->number++;
	if (send(p->fd, out, sizeof(out), MSG_DONTWAIT) == sizeof(out))
		l->sent += l->measures;
}

static void echo_find(struct live_load *l, struct phone *p, const uint8_t *payload)
{
	uint8_t both[2 * LIVE_FRAME];
	const uint8_t *at;
	uint32_t number = 0;

	memcpy(both, p->before, LIVE_FRAME);
	memcpy(both + LIVE_FRAME, payload, LIVE_FRAME);
	memcpy(p->before, payload, LIVE_FRAME);
	at = memmem(both + MARK + DIGITS, sizeof(both) - MARK - DIGITS, g_mark, MARK);
	if (!at || at > both + sizeof(both) - MARK - DIGITS ||
	    at + MARK + DIGITS <= both + LIVE_FRAME)
		return;
	for (int i = 0; i < DIGITS; i++)
		number |= (uint32_t)(at[MARK + i] & 15) << (4 * i);
	if (!l->measures || (uint16_t)(p->number - number) >= NUMBERS)
		return;
	l->echoes++;
	load_latency_note(&l->round_trip, l->now_ns - p->sent_ns[number % NUMBERS]);
}

static void phone_ready(struct live_load *l, struct live_ready *r, uint32_t events)
{
	struct phone *p = CONTAINER_OF(r, struct phone, ready);
	uint8_t in[2048];
	ssize_t n;

	(void)events;
	while ((n = recv(p->fd, in, sizeof(in), MSG_DONTWAIT)) > 0) {
		if (n != HEAD + LIVE_FRAME || (in[1] & 0x7f) != 0)
			continue;
		if (l->measures && p->received_ns && l->now_ns - p->received_ns > l->gap_ns) {
			l->delayed_packets++;
			p->delayed = true;
		}
		p->received_ns = l->now_ns;
		l->heard += l->measures;
		echo_find(l, p, in + HEAD);
	}
}

void live_phone_add(struct live_load *l, const char *from, const char *to)
{
	struct sockaddr_in local = load_address(from), remote = load_address(to);
	struct phone *p = calloc(1, sizeof(*p));
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = p ? &p->ready : NULL };

	if (!p || g_phones.count == LIVE_MAX)
		load_fail("too many callers", ENOMEM);
	p->ready.ready = phone_ready;
	p->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (bind(p->fd, (struct sockaddr *)&local, sizeof(local)) ||
	    connect(p->fd, (struct sockaddr *)&remote, sizeof(remote)) ||
	    epoll_ctl(l->poll_fd, EPOLL_CTL_ADD, p->fd, &event))
		load_fail(from, errno);
	g_phones.list[g_phones.count++] = p;
}

void live_phones_tick(struct live_load *l, uint32_t ms)
{
	for (uint32_t i = ms % FRAME_MS; i < g_phones.count; i += FRAME_MS)
		phone_say(l, g_phones.list[i]);
}

void live_phones_begin(struct live_load *l)
{
	for (uint32_t i = 0; i < g_phones.count; i++) {
		g_phones.list[i]->delayed = false;
		g_phones.list[i]->received_ns = l->now_ns;
	}
}

uint32_t live_phones_delayed(const struct live_load *l)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < g_phones.count; i++) {
		const struct phone *p = g_phones.list[i];

		n += p->delayed || l->now_ns - p->received_ns > l->gap_ns;
	}
	return n;
}

uint32_t live_phones_count(void)
{
	return g_phones.count;
}
