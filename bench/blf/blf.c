/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Phones with lamps of each other (RFC 4235) that call each other. Others have registered them, from sockets that are handed on:
 *
 *   lamps --to 127.0.0.1:5060 --phones 2000 --lamps 10 --first 100000 3 4 5
 *
 * What to do comes by lines: "on" and "off" subscribe all lamps and end them, "half" those of half of the phones, "calls RATE SECONDS" places calls, "hold COUNT" some that stay
 * until "hold 0", "race COUNT RATE" short ones over kills of the node, "all" waits until each lamp was told again. Each is answered by a line of JSON. With --lists the lamps of a phone are one subscription. A change is told when a NOTIFY has it or one behind it.
 */
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/blf/blf.h"

enum { BUFFER = 8 << 20 };

static void blf_socket(struct blf_load *l, int fd)
{
	struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };
	struct sockaddr_storage sa;
	socklen_t n = sizeof(sa);
	struct addr own;
	int size = BUFFER;

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	if (l->socket_count == BLF_SOCKETS_MAX || getsockname(fd, (struct sockaddr *)&sa, &n) ||
	    addr_from_sockaddr(&own, (struct sockaddr *)&sa) ||
	    epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e))
		blf_fail("a socket");
	l->ports[l->socket_count] = own.port;
	l->sockets[l->socket_count++] = fd;
}

static void blf_open(struct blf_load *l, char **fds)
{
	struct writer w = writer_over(l->ip, sizeof(l->ip) - 1);

	addr_write_ip(&w, &l->to);
	l->to_n = addr_to_sockaddr(&l->to, &l->to_sa);
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->phones = calloc(l->phone_count, sizeof(*l->phones));
	l->watches = calloc((size_t)l->phone_count * l->each, sizeof(*l->watches));
	if (l->epoll < 0 || !l->phones || !l->watches)
		blf_fail("open");
	for (uint32_t i = 0; i < l->phone_count; i++)
		l->phones[i].phase = PHASE_TERMINATED;
	for (; *fds; fds++)
		blf_socket(l, (int)strtol(*fds, NULL, 10));
	if (!l->socket_count)
		blf_fail("no socket");
}

static void switch_run(struct blf_load *l, bool on, uint32_t phones)
{
	uint64_t began = clock_now_ns();

	if (!blf_switch(l, on, phones))
		blf_fail("lamps do not change");
	(void)printf("{\"seconds\": %.3f, \"lamps\": %u}\n", (double)(clock_now_ns() - began) / 1e9,
		     on ? phones * l->each : 0);
	(void)fflush(stdout);
}

/* Phones answer also while nothing is asked for. */
static bool line_read(struct blf_load *l, char *line, int size)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };

	while (poll(&input, 1, 0) == 0)
		blf_hear(l);
	return fgets(line, size, stdin) != NULL;
}

static void blf_run(struct blf_load *l)
{
	unsigned rate, seconds;
	char line[64];

	(void)setvbuf(stdin, NULL, _IONBF, 0);
	while (line_read(l, line, sizeof(line))) {
		if (strcmp(line, "on\n") == 0) {
			switch_run(l, true, l->phone_count);
		} else if (strcmp(line, "half\n") == 0) {
			switch_run(l, true, l->phone_count / 2);
		} else if (strcmp(line, "off\n") == 0) {
			switch_run(l, false, l->phone_count);
		} else if (sscanf(line, "calls %u %u", &rate, &seconds) == 2) {
			blf_calls(l, rate, seconds);
		} else if (sscanf(line, "race %u %u", &rate, &seconds) == 2) {
			blf_race(l, rate, seconds);
		} else if (sscanf(line, "hold %u", &rate) == 1) {
			blf_hold(l, rate);
		} else if (strcmp(line, "all\n") == 0) {
			blf_await_all(l, clock_now_ns());
		} else {
			(void)fprintf(stderr, "lamps: what is this? %s", line);
			exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "to", 1, NULL, 't' },    { "phones", 1, NULL, 'p' }, { "lamps", 1, NULL, 'l' },
		{ "first", 1, NULL, 'f' }, { "lists", 0, NULL, 'L' },  { 0 },
	};
	static struct blf_load l = { .phone_count = 2000, .each = 10, .first = 100000 };
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if ((c == 't' && addr_parse(&l.to, bytes_str(optarg))) || c == '?')
			return 2;
		if (c == 'p')
			l.phone_count = (uint32_t)strtoul(optarg, NULL, 10);
		if (c == 'l')
			l.each = (uint32_t)strtoul(optarg, NULL, 10);
		if (c == 'L')
			l.lists = true;
		if (c == 'f')
			l.first = (uint32_t)strtoul(optarg, NULL, 10);
	}
	if (!l.to.port || !l.each || l.each >= l.phone_count || l.each > BLF_LAMPS_MAX)
		return 2;
	blf_open(&l, argv + optind);
	blf_run(&l);
	return 0;
}
