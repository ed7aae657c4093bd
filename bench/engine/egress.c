/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the egress program costs (engine/port/egress.h): by the kernel's own test run of it, and in a sendto of 172 octets into a veth
 * pair in a network namespace of its own.  usage: egress [PACKETS]
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/port/egress.h"

enum { OCTETS = 172, FRAME = 14 + 20 + 8 + OCTETS, TURNS = 5, RUNS = 2000000 };

static const char SETUP[] =
	"ip link add near0 type veth peer name far0 && ip addr add 192.0.2.1/24 dev near0 && "
	"ip link set near0 up && ip link set far0 up && "
	"ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev near0 nud permanent";

static struct egress g_egress;
static struct addr g_floating;

static void need(int err, const char *what)
{
	if (!err)
		return;
	(void)fprintf(stderr, "egress: %s\n", what);
	exit(1);
}

static void frame_fill(uint8_t frame[FRAME])
{
	memset(frame, 0, FRAME);
	frame[12] = 8;
	frame[14] = 0x45;
	frame[17] = FRAME - 14;
	frame[23] = IPPROTO_UDP;
	memcpy(frame + 26, g_floating.ip, 4);
}

static void test_run(const char *name)
{
	uint8_t frame[FRAME];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = FRAME,
		    .repeat = RUNS);
	int fd = bpf_program__fd(bpf_object__find_program_by_name(g_egress.object, EGRESS_PROGRAM));

	frame_fill(frame);
	need(bpf_prog_test_run_opts(fd, &opts), "the kernel runs no test");
	(void)printf("%-34s %5u ns\n", name, opts.duration);
}

static int sender_open(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(40000) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	need(fd < 0 || inet_pton(AF_INET, "192.0.2.2", &to.sin_addr) != 1 ||
		     connect(fd, (struct sockaddr *)&to, sizeof(to)),
	     "no socket");
	return fd;
}

/* CPU time of one, the least of some turns. */
static void sends(const char *name, int fd, long packets)
{
	static const uint8_t payload[OCTETS];
	uint64_t least = UINT64_MAX;

	for (int turn = 0; turn < TURNS; turn++) {
		uint64_t began = clock_thread_cpu_ns(), took;

		for (long i = 0; i < packets; i++)
			(void)send(fd, payload, sizeof(payload), 0);
		took = (clock_thread_cpu_ns() - began) / (uint64_t)packets;
		least = took < least ? took : least;
	}
	(void)printf("%-34s %5llu ns\n", name, (unsigned long long)least);
}

int main(int argc, char **argv)
{
	const char *const interfaces[] = { "near0" };
	long packets = argc > 1 ? strtol(argv[1], NULL, 10) : 200000;
	char why[EGRESS_WHY_MAX] = "";
	int fd;

	need(unshare(CLONE_NEWNET) || system(SETUP), "no namespace, or no veth");
	need(addr_parse(&g_floating, BYTES_LIT("192.0.2.1")) || packets < 1,
	     "usage: egress [PACKETS]");
	fd = sender_open();
	sends("sendto, without the program", fd, packets);
	need(egress_open(&g_egress, interfaces, 1, why), why);
	test_run("test run, another address");
	sends("sendto, another address", fd, packets);
	need(egress_address(&g_egress, &g_floating, 1), "no room");
	egress_valid(&g_egress, 1, UINT64_MAX - 1);
	test_run("test run, a floating address");
	sends("sendto, a floating address", fd, packets);
	egress_valid(&g_egress, 1, 1);
	test_run("test run, withheld");
	sends("sendto, withheld", fd, packets);
	egress_close(&g_egress);
	(void)close(fd);
	return 0;
}
