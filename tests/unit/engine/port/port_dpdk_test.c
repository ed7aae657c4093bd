/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The port on devices without hardware, hugepages or privileges: net_pcap reads the frames of one file and writes to another.
 * What needs a TAP interface runs in a network namespace of its own, or is skipped where the machine allows none.
 */
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdalign.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/port/port_dpdk.h"
#include "tests/unit/netns.h"

enum {
	SLOTS = 8,
	FRAME_MAX = 2048,
	FRAMES_MAX = 128,
	LOOKS = 200,
	HEADS_V4 = 14 + 20 + 8,
	PCAP_HEAD = 24,
	PCAP_RECORD = 16,
	ETHERNET = 1,
	PAYLOAD = 172,
};

#define MAGIC UINT32_C(0xa1b2c3d4)

static const uint8_t PARTY[6] = { 2, 0, 0, 0, 0, 0x11 }, ROUTER[6] = { 2, 0, 0, 0, 0, 0x22 };

static port_dpdk_open_fn *g_open;
static bool g_netns; /* a network of our own, where we may do anything */
static uint64_t g_counts[DPDK_COUNTS];
static int g_devices;

/* ---- frames ---- */

struct raw {
	uint8_t p[FRAME_MAX];
	size_t n;
};

/* RFC 1071, in the plainest way: the code under test has its own. */
static uint32_t sum16(uint32_t sum, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sum += (uint32_t)p[i] << (i % 2 ? 0 : 8);
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static struct raw udp4(const char *from_ip, uint16_t from_port, const struct addr *to,
		       size_t payload)
{
	struct raw r = { .n = HEADS_V4 + payload };
	uint8_t *ip = r.p + 14, *udp = ip + 20;
	struct addr from;

	assert_int_equal(addr_parse(&from, bytes_str(from_ip)), 0);
	memcpy(r.p, ROUTER, 6);
	memcpy(r.p + 6, PARTY, 6);
	be16_put(r.p + 12, 0x0800);
	ip[0] = 0x45;
	be16_put(ip + 2, (uint16_t)(28 + payload));
	ip[8] = 7;
	ip[9] = IPPROTO_UDP;
	memcpy(ip + 12, from.ip, 4);
	memcpy(ip + 16, to->ip, 4);
	be16_put(ip + 10, (uint16_t)~fold(sum16(0, ip, 20)));
	be16_put(udp, from_port);
	be16_put(udp + 2, to->port);
	be16_put(udp + 4, (uint16_t)(8 + payload));
	for (size_t i = 0; i < payload; i++)
		udp[8 + i] = (uint8_t)(i * 7);
	be16_put(udp + 6,
		 (uint16_t)~fold(sum16(17U + 8U + (uint32_t)payload, ip + 12, 8 + 8 + payload)));
	return r;
}

static struct raw arp_for(const struct addr *subject)
{
	struct raw r = { .n = 60 };

	memset(r.p, 0xff, 6);
	memcpy(r.p + 6, PARTY, 6);
	memcpy(r.p + 12, "\x08\x06\x00\x01\x08\x00\x06\x04\x00\x01", 10);
	memcpy(r.p + 22, PARTY, 6);
	memcpy(r.p + 28, "\xc0\x00\x02\x07", 4);
	memcpy(r.p + 38, subject->ip, 4);
	return r;
}

/* ---- pcap files ---- */

static void pcap_write(const char *path, const struct raw *frames, size_t count)
{
	const uint32_t head[] = { MAGIC, 2 | 4 << 16, 0, 0, 65535, ETHERNET };
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	static_assert(sizeof(head) == PCAP_HEAD, "the file's head");
	assert_int_equal(fwrite(head, sizeof(head), 1, f), 1);
	for (size_t i = 0; i < count; i++) {
		const uint32_t record[] = { 0, 0, (uint32_t)frames[i].n, (uint32_t)frames[i].n };

		static_assert(sizeof(record) == PCAP_RECORD, "of a frame");
		assert_int_equal(fwrite(record, sizeof(record), 1, f), 1);
		assert_int_equal(fwrite(frames[i].p, frames[i].n, 1, f), 1);
	}
	assert_int_equal(fclose(f), 0);
}

static size_t pcap_read(const char *path, struct raw *frames, size_t max)
{
	uint32_t record[4];
	size_t n = 0;
	FILE *f = fopen(path, "rb");

	assert_non_null(f);
	assert_int_equal(fseek(f, PCAP_HEAD, SEEK_SET), 0);
	while (n < max && fread(record, sizeof(record), 1, f) == 1) {
		assert_true(record[2] <= FRAME_MAX);
		frames[n].n = record[2];
		assert_int_equal(fread(frames[n].p, record[2], 1, f), 1);
		n++;
	}
	(void)fclose(f);
	return n;
}

/* ---- ports ---- */

struct rig {
	struct port *port[2];
	struct addr local[SLOTS];
	struct batch batch;
	int wake_fd;
	char in[64], out[64];
	char why[DPDK_TEXT_MAX];
	struct raw sent[FRAMES_MAX];
	size_t sent_count;
	bool hairpin;
};

static void count(enum port_dpdk_count what, uint64_t n)
{
	g_counts[what] += n;
}

static void file_name(char name[64], const char *what)
{
	(void)snprintf(name, 64, "/tmp/tandem-dpdk-%d-%d.%s", getpid(), g_devices, what);
}

static int port_open(struct rig *r, uint32_t worker, uint32_t workers, const char *device,
		     const char *tap, const uint8_t *gateway)
{
	const struct port_settings settings = { .slots = SLOTS,
						.buffers = 128,
						.wake_fd = r->wake_fd };
	struct port_dpdk_settings dpdk = {
		.device = device, .tap = tap, .worker = worker, .workers = workers, .count = count
	};

	const struct port_settings inner = { .slots = SLOTS, .buffers = 128, .wake_fd = -1 };
	int err;

	if (gateway)
		memcpy(dpdk.gateway, gateway, sizeof(dpdk.gateway));
	dpdk.hairpin = r->hairpin;
	assert_int_equal(port_epoll_open(&dpdk.sockets, &inner), 0);
	err = g_open(&r->port[worker], &settings, &dpdk, r->why);
	if (err)
		dpdk.sockets->ops->close(dpdk.sockets);
	return err;
}

static struct rig *rig_new(void)
{
	struct rig *r;

	if (!g_open) {
		print_message("# skipped: this build has no DPDK\n");
		skip();
	}
	r = aligned_alloc(alignof(struct rig), sizeof(*r));
	assert_non_null(r);
	memset(r, 0, sizeof(*r));
	memset(g_counts, 0, sizeof(g_counts));
	r->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	g_devices++;
	file_name(r->in, "in");
	file_name(r->out, "out");
	return r;
}

static void rig_open(struct rig *r, const char *tap, const uint8_t *gateway)
{
	char device[256];

	(void)snprintf(device, sizeof(device), "net_pcap%d,rx_pcap=%s,tx_pcap=%s", g_devices, r->in,
		       r->out);
	if (port_open(r, 0, 1, device, tap, gateway))
		fail_msg("%s", r->why);
}

static void rig_close(struct rig *r)
{
	for (size_t i = 0; i < COUNT_OF(r->port); i++)
		if (r->port[i])
			r->port[i]->ops->close(r->port[i]);
	r->sent_count = pcap_read(r->out, r->sent, FRAMES_MAX);
	(void)close(r->wake_fd);
	(void)unlink(r->in);
	(void)unlink(r->out);
}

static int socket_at(const char *ip, struct addr *at)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int fd;

	assert_int_equal(addr_parse(at, bytes_str(ip)), 0);
	fd = socket(at->family == ADDR_V6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&ss, addr_to_sockaddr(at, &ss)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&ss, &len), 0);
	assert_int_equal(addr_from_sockaddr(at, (struct sockaddr *)&ss), 0);
	return fd;
}

/* The frames must be known before the device is opened, and so must be the ports they go to. */
static int g_fd[SLOTS];

static void sockets_open(struct rig *r, uint32_t slots)
{
	for (uint32_t i = 0; i < slots; i++) {
		int tos = 46 << 2;

		g_fd[i] = socket_at("127.0.0.1", &r->local[i]);
		assert_int_equal(setsockopt(g_fd[i], IPPROTO_IP, IP_TOS, &tos, sizeof(tos)), 0);
	}
}

static void slot_add(struct rig *r, uint32_t worker, uint32_t slot)
{
	const int fd[CHANNELS] = { g_fd[slot], -1 };

	assert_int_equal(r->port[worker]->ops->flow_add(r->port[worker], slot, fd), 0);
}

static uint32_t rx_for(struct rig *r, uint32_t worker, uint32_t looks)
{
	struct port *p = r->port[worker];

	r->batch.count = 0;
	for (uint32_t i = 0; i < looks && r->batch.count == 0; i++)
		p->ops->rx(p, &r->batch, 1, NS_PER_MS);
	return r->batch.count;
}

/* Looks until a packet is there, on a busy machine too. */
static uint32_t rx(struct rig *r, uint32_t worker)
{
	return rx_for(r, worker, 50 * LOOKS);
}

/* By then all frames must have been read. */
static uint32_t rx_nothing(struct rig *r, uint32_t worker)
{
	return rx_for(r, worker, LOOKS);
}

static void relay(struct rig *r, uint32_t worker, uint32_t slot, const struct addr *to)
{
	BATCH_EACH(p, &r->batch)
	{
		p->verdict = VERDICT_RELAY;
		p->out_slot = slot;
		p->out_channel = CHANNEL_RTP;
		p->to = to;
	}
	r->port[worker]->ops->tx(r->port[worker], &r->batch);
}

static void drop(struct rig *r, uint32_t worker)
{
	BATCH_EACH(p, &r->batch)
	p->verdict = VERDICT_NOT_RTP;
	r->port[worker]->ops->tx(r->port[worker], &r->batch);
}

/* ---- tests ---- */

static void assert_frame4(const struct raw *got, const uint8_t *mac, const struct addr *from,
			  const struct addr *to, size_t payload)
{
	const uint8_t *ip = got->p + 14, *udp = ip + 20;

	assert_int_equal(got->n, HEADS_V4 + payload);
	assert_memory_equal(got->p, mac, 6);
	assert_int_equal(be16_get(got->p + 12), 0x0800);
	assert_int_equal(ip[0], 0x45);
	assert_int_equal(ip[1], 46 << 2);
	assert_int_equal(be16_get(ip + 2), 28 + payload);
	assert_int_equal(ip[8], 64);
	assert_int_equal(ip[9], IPPROTO_UDP);
	assert_int_equal(fold(sum16(0, ip, 20)), 0xffff);
	assert_memory_equal(ip + 12, from->ip, 4);
	assert_memory_equal(ip + 16, to->ip, 4);
	assert_int_equal(be16_get(udp), from->port);
	assert_int_equal(be16_get(udp + 2), to->port);
	assert_int_equal(be16_get(udp + 4), 8 + payload);
	assert_int_equal(fold(sum16(17U + 8U + (uint32_t)payload, ip + 12, 8 + 8 + payload)),
			 0xffff);
}

static void carries_a_packet(void **state)
{
	struct rig *r = rig_new();
	struct addr to;
	struct raw in;

	(void)state;
	sockets_open(r, 2);
	in = udp4("192.0.2.7", 4000, &r->local[0], PAYLOAD);
	pcap_write(r->in, &in, 1);
	rig_open(r, NULL, ROUTER);
	slot_add(r, 0, 0);
	slot_add(r, 0, 1);
	assert_int_equal(addr_parse(&to, bytes_str("198.51.100.9:5004")), 0);

	assert_int_equal(rx(r, 0), 1);
	assert_int_equal(r->batch.list[0].slot, 0);
	assert_int_equal(r->batch.list[0].channel, CHANNEL_RTP);
	assert_int_equal(r->batch.list[0].verdict, VERDICT_NONE);
	assert_int_equal(r->batch.list[0].length, PAYLOAD);
	assert_memory_equal(r->batch.list[0].data, in.p + HEADS_V4, PAYLOAD);
	assert_int_equal(r->batch.list[0].from.port, 4000);
	assert_memory_equal(r->batch.list[0].from.ip, "\xc0\x00\x02\x07", 4);
	r->batch.list[0].data[0] = 0xaa; /* stages write in place */
	r->batch.list[0].length = PAYLOAD - 2;
	r->batch.list[0].tail_known = 0;
	relay(r, 0, 1, &to);
	rig_close(r);

	assert_int_equal(r->sent_count, 1);
	assert_frame4(&r->sent[0], ROUTER, &r->local[1], &to, PAYLOAD - 2);
	in.p[HEADS_V4] = 0xaa;
	assert_memory_equal(r->sent[0].p + HEADS_V4, in.p + HEADS_V4, PAYLOAD - 2);
	assert_int_equal(g_counts[DPDK_IN], 1);
	assert_int_equal(g_counts[DPDK_OUT], 1);
	free(r);
}

/* Without gateway or TAP, the way back to a party is the way it came. */
static void answers_the_way_it_was_asked(void **state)
{
	struct rig *r = rig_new();
	struct addr to;
	struct raw in;

	(void)state;
	sockets_open(r, 1);
	in = udp4("192.0.2.7", 4000, &r->local[0], PAYLOAD);
	pcap_write(r->in, &in, 1);
	rig_open(r, NULL, NULL);
	slot_add(r, 0, 0);
	assert_int_equal(rx(r, 0), 1);
	to = r->batch.list[0].from;
	relay(r, 0, 0, &to);
	rig_close(r);
	assert_int_equal(r->sent_count, 1);
	assert_frame4(&r->sent[0], PARTY, &r->local[0], &to, PAYLOAD);
	free(r);
}

/* No gateway sends back what is for an address of our own: that goes by the kernel, to a flow of any worker. */
static void own_addresses_are_not_the_gateways(void **state)
{
	struct rig *r = rig_new();
	struct raw in;

	(void)state;
	sockets_open(r, 2);
	in = udp4("192.0.2.7", 4000, &r->local[0], PAYLOAD);
	pcap_write(r->in, &in, 1);
	rig_open(r, NULL, ROUTER);
	slot_add(r, 0, 0);
	slot_add(r, 0, 1);
	assert_int_equal(rx(r, 0), 1);
	relay(r, 0, 0, &r->local[1]);
	assert_int_equal(rx(r, 0), 1);
	assert_int_equal(r->batch.list[0].slot, 1);
	assert_true(addr_eq(&r->batch.list[0].from, &r->local[0]));
	assert_int_equal(r->batch.list[0].length, PAYLOAD);
	drop(r, 0);
	rig_close(r);
	assert_int_equal(r->sent_count, 0);
	free(r);
}

/* Unless it is one that does, as the ring of the benches: then all goes by the device. */
static void own_addresses_are_a_hairpins(void **state)
{
	struct rig *r = rig_new();
	struct raw in;

	(void)state;
	r->hairpin = true;
	sockets_open(r, 2);
	in = udp4("192.0.2.7", 4000, &r->local[0], PAYLOAD);
	pcap_write(r->in, &in, 1);
	rig_open(r, NULL, ROUTER);
	slot_add(r, 0, 0);
	slot_add(r, 0, 1);
	assert_int_equal(rx(r, 0), 1);
	relay(r, 0, 0, &r->local[1]);
	rig_close(r);
	assert_int_equal(r->sent_count, 1);
	assert_frame4(&r->sent[0], ROUTER, &r->local[0], &r->local[1], PAYLOAD);
	assert_int_equal(g_counts[DPDK_BY_SOCKET], 0);
	free(r);
}

static void lends_buffers(void **state)
{
	struct rig *r = rig_new();
	struct addr to;
	struct pkt *p;

	(void)state;
	sockets_open(r, 1);
	pcap_write(r->in, NULL, 0);
	rig_open(r, NULL, ROUTER);
	slot_add(r, 0, 0);
	assert_int_equal(addr_parse(&to, bytes_str("198.51.100.9:5004")), 0);
	for (r->batch.count = 0; r->batch.count < BATCH_MAX; r->batch.count++) {
		p = &r->batch.list[r->batch.count];
		assert_true(r->port[0]->ops->lend(r->port[0], p));
		memset(p->data, 0x5a, PACKET_MAX);
		p->length = (uint16_t)(r->batch.count + 1);
	}
	relay(r, 0, 0, &to);
	rig_close(r);
	assert_int_equal(r->sent_count, BATCH_MAX);
	for (size_t i = 0; i < r->sent_count; i++)
		assert_frame4(&r->sent[i], ROUTER, &r->local[0], &to, i + 1);
	free(r);
}

static void what_is_not_for_a_flow_is_no_packet(void **state)
{
	struct rig *r = rig_new();
	struct addr closed;
	struct raw in[4];

	(void)state;
	sockets_open(r, 1);
	closed = r->local[0];
	closed.port ^= 1;
	in[0] = udp4("192.0.2.7", 4000, &closed, PAYLOAD);
	in[1] = udp4("192.0.2.7", 4000, &r->local[0], PAYLOAD);
	in[1].p[HEADS_V4 + 9] ^= 1; /* the checksum is wrong now */
	in[2] = udp4("192.0.2.7", 4000, &r->local[0], PAYLOAD);
	in[2].p[14 + 9] = IPPROTO_TCP;
	in[3] = udp4("192.0.2.7", 4000, &r->local[0], PAYLOAD);
	pcap_write(r->in, in, COUNT_OF(in));
	rig_open(r, NULL, NULL);
	slot_add(r, 0, 0);
	assert_int_equal(rx(r, 0), 1);
	drop(r, 0);
	rig_close(r);
	assert_int_equal(r->sent_count, 0);
	assert_int_equal(g_counts[DPDK_FOREIGN], 3);
	assert_int_equal(g_counts[DPDK_IN], 1);
	free(r);
}

static void says_where_our_addresses_are(void **state)
{
	struct rig *r = rig_new();
	struct addr other;
	struct raw in[2];

	(void)state;
	sockets_open(r, 1);
	assert_int_equal(addr_parse(&other, bytes_str("192.0.2.99")), 0);
	in[0] = arp_for(&other);
	in[1] = arp_for(&r->local[0]);
	pcap_write(r->in, in, COUNT_OF(in));
	rig_open(r, NULL, NULL);
	slot_add(r, 0, 0);
	r->port[0]->ops->rx(r->port[0], &r->batch, 1, NS_PER_MS);
	assert_int_equal(r->batch.count, 0);
	rig_close(r);
	assert_int_equal(r->sent_count, 1);
	assert_memory_equal(r->sent[0].p, PARTY, 6);
	assert_memory_equal(r->sent[0].p + 12, "\x08\x06\x00\x01\x08\x00\x06\x04\x00\x02", 10);
	assert_memory_equal(r->sent[0].p + 22, r->sent[0].p + 6, 6); /* it is at our MAC address */
	assert_memory_equal(r->sent[0].p + 28, r->local[0].ip, 4);
	assert_memory_equal(r->sent[0].p + 32, PARTY, 6);
	assert_memory_equal(r->sent[0].p + 38, "\xc0\x00\x02\x07", 4);
	assert_int_equal(g_counts[DPDK_ANSWERED], 1);
	assert_int_equal(g_counts[DPDK_FOREIGN], 1);
	free(r);
}

/* Two queues, one worker each: what the device gave the wrong one reaches the right one. */
static void hands_packets_to_their_worker(void **state)
{
	struct rig *r = rig_new();
	char device[512], more[64], more_out[64];
	struct raw in;

	(void)state;
	sockets_open(r, 1);
	in = udp4("192.0.2.7", 4000, &r->local[0], PAYLOAD);
	pcap_write(r->in, &in, 1);
	file_name(more, "in2");
	file_name(more_out, "out2");
	pcap_write(more, NULL, 0);
	(void)snprintf(device, sizeof(device),
		       "net_pcap%d,rx_pcap=%s,rx_pcap=%s,tx_pcap=%s,tx_pcap=%s", g_devices, r->in,
		       more, r->out, more_out);
	if (port_open(r, 0, 2, device, NULL, ROUTER) || port_open(r, 1, 2, device, NULL, ROUTER))
		fail_msg("%s", r->why);
	slot_add(r, 1, 0);
	assert_int_equal(rx_nothing(r, 0), 0);
	assert_int_equal(rx(r, 1), 1);
	drop(r, 1);
	rig_close(r);
	(void)unlink(more);
	(void)unlink(more_out);
	free(r);
}

static void more_workers_than_queues_are_refused(void **state)
{
	struct rig *r = rig_new();
	char device[256];

	(void)state;
	pcap_write(r->in, NULL, 0);
	(void)snprintf(device, sizeof(device), "net_pcap%d,rx_pcap=%s,tx_pcap=%s", g_devices, r->in,
		       r->out);
	assert_int_equal(port_open(r, 0, 2, device, NULL, NULL), -ENOSPC);
	assert_non_null(strstr(r->why, "has 1 queues: media.workers must not be more (it is 2)"));
	rig_close(r);
	free(r);
}

static void unknown_devices_are_refused(void **state)
{
	struct rig *r = rig_new();

	(void)state;
	assert_int_not_equal(port_open(r, 0, 1, "net_nothing0", NULL, NULL), 0);
	assert_non_null(strstr(r->why, "net_nothing0 cannot be used: is media.dpdk.device right"));
	assert_non_null(
		strstr(r->why, "; DPDK says: EAL: failed to parse device \"net_nothing0\""));
	(void)close(r->wake_fd);
	free(r);
}

/* ---- with a TAP interface ---- */

static void needs_netns(void)
{
	if (g_netns)
		return;
	print_message("# skipped: no network namespace may be made here\n");
	skip();
}

/* Hears what the interface hands to the kernel, and speaks as the kernel. */
static int sniffer_open(const char *interface)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_P_ALL),
				  .sll_ifindex = (int)if_nametoindex(interface) };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));

	assert_true(fd >= 0 && at.sll_ifindex > 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

/* The kernel says things of its own there: IPv6 discovery. */
static bool sniffer_finds(int fd, const struct raw *want)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	uint8_t got[FRAME_MAX];

	while (poll(&poll_fd, 1, 500) == 1)
		if (recv(fd, got, sizeof(got), 0) == (ssize_t)want->n &&
		    memcmp(got, want->p, want->n) == 0)
			return true;
	return false;
}

static bool was_sent(const struct rig *r, const struct raw *want)
{
	for (size_t i = 0; i < r->sent_count; i++)
		if (r->sent[i].n == want->n && memcmp(r->sent[i].p, want->p, want->n) == 0)
			return true;
	return false;
}

static void the_kernel_gets_the_rest_and_answers(void **state)
{
	struct rig *r = rig_new();
	struct raw in[3], out;
	int fd;

	(void)state;
	needs_netns();
	sockets_open(r, 1);
	in[0] = arp_for(&r->local[0]);
	in[1] = udp4("192.0.2.7", 4000, &r->local[0], PAYLOAD);
	in[1].p[14 + 9] = IPPROTO_TCP;
	in[2] = udp4("192.0.2.7", 4000, &r->local[0], PAYLOAD);
	pcap_write(r->in, in, COUNT_OF(in));
	rig_open(r, "tantap0", NULL);
	fd = sniffer_open("tantap0");
	slot_add(r, 0, 0);
	assert_int_equal(rx(r, 0), 1); /* the flow's one, and nothing else */
	drop(r, 0);
	assert_true(sniffer_finds(fd, &in[0]));
	assert_true(sniffer_finds(fd, &in[1]));
	out = udp4("192.0.2.1", 5060, &r->local[0], 99);
	assert_int_equal(send(fd, out.p, out.n, 0), out.n);
	assert_int_equal(rx_nothing(r, 0), 0);
	rig_close(r);
	(void)close(fd);
	assert_true(was_sent(r, &out));
	assert_int_equal(g_counts[DPDK_KERNEL_IN], 2);
	assert_int_equal(if_nametoindex("tantap0"), 0);
	free(r);
}

static struct sockaddr_in in4(const char *ip)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct addr a;

	assert_int_equal(addr_parse(&a, bytes_str(ip)), 0);
	memcpy(&in.sin_addr, a.ip, 4);
	return in;
}

/* The interface gets an address and a neighbour that stays where it is. */
static void tap_furnish(const char *interface, const char *address, const char *neighbour)
{
	struct sockaddr_in in = in4(address), mask = in4("255.255.255.0"), party = in4(neighbour);
	struct ifreq request = { 0 };
	struct arpreq arp = { .arp_flags = ATF_PERM | ATF_COM };
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	memcpy(&request.ifr_addr, &in, sizeof(in));
	assert_int_equal(ioctl(s, SIOCSIFADDR, &request), 0);
	memcpy(&request.ifr_netmask, &mask, sizeof(mask));
	assert_int_equal(ioctl(s, SIOCSIFNETMASK, &request), 0);
	memcpy(&arp.arp_pa, &party, sizeof(party));
	memcpy(arp.arp_ha.sa_data, PARTY, sizeof(PARTY));
	(void)snprintf(arp.arp_dev, sizeof(arp.arp_dev), "%s", interface);
	assert_int_equal(ioctl(s, SIOCSARP, &arp), 0);
	(void)close(s);
}

/* Packets of our own by this slot, until so many have left by the device. */
static void say(struct rig *r, uint32_t slot, const struct addr *to, uint64_t out)
{
	for (int i = 0; i < LOOKS && g_counts[DPDK_OUT] < out; i++) {
		assert_true(r->port[0]->ops->lend(r->port[0], &r->batch.list[0]));
		memset(r->batch.list[0].data, i, PAYLOAD);
		r->batch.list[0].length = PAYLOAD;
		r->batch.count = 1;
		relay(r, 0, slot, to);
		r->port[0]->ops->rx(r->port[0], &r->batch, 1, 10 * NS_PER_MS);
	}
	assert_int_equal(g_counts[DPDK_OUT], out);
}

/* The last frame of IPv4 that is still there; the kernel looks for IPv6 neighbours as well. */
static struct raw *last_sent(struct rig *r)
{
	while (r->sent_count > 1 && be16_get(r->sent[r->sent_count - 1].p + 12) != 0x0800)
		r->sent_count--;
	return &r->sent[r->sent_count - 1];
}

/* Until the kernel has said where the party is, it sends the packets itself. */
static void asks_the_kernel_for_the_way(void **state)
{
	struct rig *r = rig_new();
	const struct raw *sent;
	struct addr to;
	int tos = 46 << 2;

	(void)state;
	needs_netns();
	pcap_write(r->in, NULL, 0);
	rig_open(r, "tantap2", ROUTER);
	tap_furnish("tantap2", "192.0.2.1", "192.0.2.7");
	g_fd[0] = socket_at("192.0.2.1", &r->local[0]);
	assert_int_equal(setsockopt(g_fd[0], IPPROTO_IP, IP_TOS, &tos, sizeof(tos)), 0);
	slot_add(r, 0, 0);
	assert_int_equal(addr_parse(&to, bytes_str("192.0.2.7:5004")), 0);
	say(r, 0, &to, 2);
	assert_true(g_counts[DPDK_BY_SOCKET] > 0);
	/* a flow without sockets, by those of another */
	assert_int_equal(r->port[0]->ops->send_over(r->port[0], 1, 0, 34), 0);
	say(r, 1, &to, 3);
	say(r, 0, &to, 4);
	assert_int_equal(r->port[0]->ops->send_over(r->port[0], 1, 1, 0), 0);
	rig_close(r);
	assert_true(r->sent_count >= 4);
	sent = last_sent(r);
	assert_frame4(sent, PARTY, &r->local[0], &to, PAYLOAD);
	r->sent_count--;
	assert_int_equal(last_sent(r)->p[15], 34 << 2);
	assert_memory_equal(last_sent(r)->p + 26, sent->p + 26, 12); /* from, to, ports */
	free(r);
}

/* Neither interface nor file is left of a killed process. */
static void nothing_is_left_of_a_killed_one(void **state)
{
	struct rig *r = rig_new();
	int ready[2], status;
	char go;
	pid_t child;

	(void)state;
	needs_netns();
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		if (port_open(r, 0, 1, "net_null0", "tantap1", NULL) == 0)
			(void)!write(ready[1], "1", 1);
		(void)pause();
		_exit(0);
	}
	(void)close(ready[1]);
	assert_int_equal(read(ready[0], &go, 1), 1);
	assert_int_not_equal(if_nametoindex("tantap1"), 0);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(if_nametoindex("tantap1"), 0);
	(void)close(ready[0]);
	(void)close(r->wake_fd);
	free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_left_of_a_killed_one), /* first: EAL starts once */
		cmocka_unit_test(carries_a_packet),
		cmocka_unit_test(own_addresses_are_not_the_gateways),
		cmocka_unit_test(own_addresses_are_a_hairpins),
		cmocka_unit_test(answers_the_way_it_was_asked),
		cmocka_unit_test(lends_buffers),
		cmocka_unit_test(what_is_not_for_a_flow_is_no_packet),
		cmocka_unit_test(says_where_our_addresses_are),
		cmocka_unit_test(hands_packets_to_their_worker),
		cmocka_unit_test(more_workers_than_queues_are_refused),
		cmocka_unit_test(unknown_devices_are_refused),
		cmocka_unit_test(the_kernel_gets_the_rest_and_answers),
		cmocka_unit_test(asks_the_kernel_for_the_way),
	};
	char why[DPDK_TEXT_MAX];

	g_netns = netns_enter() && access("/dev/net/tun", W_OK) == 0;
	g_open = port_dpdk_load(why);
	if (!g_open)
		print_message("# %s\n", why);
	return cmocka_run_group_tests_name("port_dpdk", tests, NULL, NULL);
}
