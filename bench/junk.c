/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Junk at a SIP port, at a rate, from as many forged sources as wanted: a raw socket writes the IP header itself (root).
 *
 *   junk --to 127.0.0.2:5060 --from 198.18.0.1 --sources 50000 --rate 150000 --seconds 5
 *
 * Each datagram is a whole REGISTER with a branch and Call-ID of its own, so it costs a node what a stranger's REGISTER costs. Sources
 * count up from --from. One line of JSON at the end.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/clock.h"

enum { BATCH = 32, BEHIND = 32 * BATCH, NUMBER_LEN = 8 };

static const char MESSAGE[] = "REGISTER sip:10.0.0.1 SIP/2.0\r\n"
			      "Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK########;rport\r\n"
			      "Max-Forwards: 70\r\n"
			      "From: <sip:9999@10.0.0.1>;tag=1\r\n"
			      "To: <sip:9999@10.0.0.1>\r\n"
			      "Call-ID: ########@junk\r\n"
			      "CSeq: 1 REGISTER\r\n"
			      "Contact: <sip:9999@10.0.0.1:5060>\r\n"
			      "Expires: 60\r\n"
			      "User-Agent: junk\r\n"
			      "Content-Length: 0\r\n\r\n";

struct packet {
	struct iphdr ip;
	struct udphdr udp;
	char text[sizeof(MESSAGE) - 1];
};

struct junk {
	int fd;
	struct addr to, from;
	struct sockaddr_storage sa;
	socklen_t sa_n;
	uint32_t sources;
	size_t branch, call_id;
	double rate, seconds;
	uint64_t made, sent, refused;
	struct packet packets[BATCH];
};

_Noreturn static void fail(const char *what, int err)
{
	(void)fprintf(stderr, "junk: %s: %s\n", what, strerror(err));
	exit(1);
}

static void number_put(char *p, uint64_t n)
{
	for (int i = 0; i < NUMBER_LEN; i++)
		p[i] = "0123456789abcdef"[n >> (4 * (NUMBER_LEN - 1 - i)) & 15];
}

static void packet_start(const struct junk *j, struct packet *p)
{
	*p = (struct packet){ .ip = { .version = 4,
				      .ihl = 5,
				      .ttl = 64,
				      .protocol = IPPROTO_UDP,
				      .tot_len = htons(sizeof(*p)) },
			      .udp = { .dest = htons(j->to.port),
				       .len = htons(sizeof(*p) - sizeof(p->ip)) } };
	memcpy(&p->ip.daddr, j->to.ip, 4);
	memcpy(p->text, MESSAGE, sizeof(p->text));
}

static void packet_next(struct junk *j, struct packet *p)
{
	uint64_t n = j->made++;
	uint32_t ip;

	memcpy(&ip, j->from.ip, sizeof(ip));
	p->ip.saddr = htonl(ntohl(ip) + (uint32_t)(n % j->sources));
	p->udp.source = htons((uint16_t)(1024 + n / j->sources % 60000));
	number_put(p->text + j->branch, n * 2654435761U);
	number_put(p->text + j->call_id, n);
}

static void burst_send(struct junk *j, unsigned n)
{
	struct mmsghdr list[BATCH];
	struct iovec parts[BATCH];
	int done;

	for (unsigned i = 0; i < n; i++) {
		packet_next(j, &j->packets[i]);
		parts[i] = (struct iovec){ &j->packets[i], sizeof(j->packets[i]) };
		list[i] = (struct mmsghdr){ .msg_hdr = { .msg_name = &j->sa,
							 .msg_namelen = j->sa_n,
							 .msg_iov = &parts[i],
							 .msg_iovlen = 1 } };
	}
	done = sendmmsg(j->fd, list, n, 0);
	j->sent += done > 0 ? (unsigned)done : 0;
	j->refused += n - (done > 0 ? (unsigned)done : 0);
}

/* What it cannot keep up with is not made good: the rate is what was asked for, or less. */
static double run(struct junk *j)
{
	uint64_t start_ns = clock_now_ns(), now_ns = start_ns, done = 0;
	uint64_t end_ns = start_ns + (uint64_t)(j->seconds * NS_PER_S);

	for (; now_ns < end_ns; now_ns = clock_now_ns()) {
		uint64_t due = (uint64_t)((double)(now_ns - start_ns) / NS_PER_S * j->rate);

		if (due > done + BEHIND)
			done = due - BEHIND;
		for (int i = 0; i < BEHIND / BATCH && done + BATCH <= due; i++, done += BATCH)
			burst_send(j, BATCH);
		(void)usleep(50);
	}
	return (double)(now_ns - start_ns) / NS_PER_S;
}

static void arguments(struct junk *j, int argc, char **argv)
{
	static const struct option options[] = {
		{ "to", required_argument, NULL, 't' },
		{ "from", required_argument, NULL, 'f' },
		{ "sources", required_argument, NULL, 'n' },
		{ "rate", required_argument, NULL, 'r' },
		{ "seconds", required_argument, NULL, 's' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "t:f:n:r:s:", options, NULL)) != -1) {
		if ((c == 't' && addr_parse(&j->to, bytes_str(optarg))) ||
		    (c == 'f' && addr_parse(&j->from, bytes_str(optarg))))
			fail(optarg, EINVAL);
		else if (c == 'n')
			j->sources = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 'r')
			j->rate = strtod(optarg, NULL);
		else if (c == 's')
			j->seconds = strtod(optarg, NULL);
	}
	if (j->to.family != ADDR_V4 || j->from.family != ADDR_V4 || !j->sources || j->rate <= 0)
		fail("usage: junk --to IP:PORT --from IP [--sources N] [--rate N] [--seconds S]",
		     EINVAL);
}

int main(int argc, char **argv)
{
	static struct junk j = { .sources = 1, .rate = 150000, .seconds = 5 };
	int size = 4 << 20;
	double took;

	arguments(&j, argc, argv);
	j.sa_n = addr_to_sockaddr(&j.to, &j.sa);
	j.branch = (size_t)(strchr(MESSAGE, '#') - MESSAGE);
	j.call_id = (size_t)(strchr(MESSAGE + j.branch + NUMBER_LEN, '#') - MESSAGE);
	j.fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (j.fd < 0)
		fail("raw socket", errno);
	(void)setsockopt(j.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	for (int i = 0; i < BATCH; i++)
		packet_start(&j, &j.packets[i]);
	took = run(&j);
	(void)printf("{\"sent\": %" PRIu64 ", \"refused\": %" PRIu64 ", \"per_second\": %.0f}\n",
		     j.sent, j.refused, (double)j.sent / took);
	return 0;
}
