/* SPDX-License-Identifier: Apache-2.0 */
/* Frames against a table, against a second reading of RFC 1071, and against the kernel behind a TAP device. */
#include "tests/unit/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/net/frame.h"

enum { ROOM = 256, PAYLOAD_MAX = 1600, WAIT_MS = 3000 };

static const struct frame_path PLAIN = { .to = { 2, 1, 1, 1, 1, 1 }, .from = { 2, 2, 2, 2, 2, 2 } };
static const struct frame_path TAGGED = { .to = { 2, 1, 1, 1, 1, 1 },
					  .from = { 2, 2, 2, 2, 2, 2 },
					  .vlan = 100 };

static struct addr address(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, bytes_str(text)), 0);
	return a;
}

struct built {
	uint8_t memory[ROOM + PAYLOAD_MAX];
	uint8_t *frame;
	size_t n;
};

static struct bytes build(struct built *b, const struct frame_path *path, const char *from,
			  const char *to, uint16_t payload)
{
	struct addr from_addr = address(from), to_addr = address(to);
	struct frame_head h = {
		.path = path, .from = &from_addr, .to = &to_addr, .tos = 0xb8, .hops = 64, .id = 7
	};

	for (size_t i = 0; i < payload; i++)
		b->memory[ROOM + i] = (uint8_t)(i * 7 + 1);
	b->frame = frame_write(&h, b->memory + ROOM, payload);
	b->n = (size_t)(b->memory + ROOM + payload - b->frame);
	return bytes_mem(b->frame, b->n);
}

static const struct {
	const char *from, *to;
} FAMILIES[] = {
	{ "192.0.2.1:4000", "198.51.100.2:12000" },
	{ "[2001:db8::1]:4000", "[2001:db8:1::2]:12000" },
};

static void what_is_written_is_read(void **state)
{
	static const uint16_t LENGTHS[] = { 0, 1, 2, 3, 4, 12, 171, 172, 173, 1472 };
	const struct frame_path *paths[] = { &PLAIN, &TAGGED };

	(void)state;
	for (size_t f = 0; f < COUNT_OF(FAMILIES); f++)
		for (size_t v = 0; v < COUNT_OF(paths); v++)
			for (size_t l = 0; l < COUNT_OF(LENGTHS); l++) {
				struct built b;
				struct frame out;
				struct bytes in = build(&b, paths[v], FAMILIES[f].from,
							FAMILIES[f].to, LENGTHS[l]);
				struct addr from = address(FAMILIES[f].from);
				struct addr to = address(FAMILIES[f].to);

				assert_int_equal(frame_parse(&out, in), FRAME_FINE);
				assert_true(addr_eq(&out.from, &from) && addr_eq(&out.to, &to));
				assert_int_equal(out.vlan, paths[v]->vlan);
				assert_int_equal(out.tos, 0xb8);
				assert_int_equal(out.payload_length, LENGTHS[l]);
				assert_ptr_equal(in.p + out.payload_at, b.memory + ROOM);
			}
}

/* An octet of the plain IPv4 frame (Ethernet 0, IP 14, UDP 34) is changed. */
static void each_fault_has_its_name(void **state)
{
	static const struct {
		const char *name;
		uint16_t at;
		uint8_t value;
		enum frame_fault fault;
	} TABLE[] = {
		{ "multicast station", 0, 0x03, FRAME_MULTICAST },
		{ "ARP", 13, 0x06, FRAME_PROTOCOL },
		{ "version 6 in IPv4", 14, 0x65, FRAME_HEAD },
		{ "head of 4 words", 14, 0x44, FRAME_HEAD },
		{ "options", 14, 0x46, FRAME_OPTIONS },
		{ "longer than it is", 16, 0x05, FRAME_SHORT },
		{ "more fragments", 20, 0x20, FRAME_FRAGMENT },
		{ "a later fragment", 21, 0x01, FRAME_FRAGMENT },
		{ "TCP", 23, 6, FRAME_PROTOCOL },
		{ "IP checksum", 24, 0, FRAME_CHECKSUM },
		{ "UDP longer than IP", 38, 0x01, FRAME_HEAD },
		{ "UDP shorter than its head", 39, 7, FRAME_HEAD },
		{ "UDP checksum", 41, 0, FRAME_CHECKSUM },
		{ "payload", 50, 0, FRAME_CHECKSUM },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(TABLE); i++) {
		struct built b;
		struct frame out;
		struct bytes in = build(&b, &PLAIN, FAMILIES[0].from, FAMILIES[0].to, 20);

		b.frame[TABLE[i].at] = TABLE[i].value;
		ROW_ASSERT(TABLE[i].name, frame_parse(&out, in) == TABLE[i].fault);
	}
}

static void sources_that_nobody_has(void **state)
{
	static const char *const TABLE[][2] = {
		{ "0.0.0.0:4000", "192.0.2.1:1" },       { "127.0.0.1:4000", "192.0.2.1:1" },
		{ "224.0.0.1:4000", "192.0.2.1:1" },     { "255.255.255.255:4000", "192.0.2.1:1" },
		{ "192.0.2.2", "192.0.2.1:1" },          { "[::]:4000", "[2001:db8::1]:1" },
		{ "[::1]:4000", "[2001:db8::1]:1" },     { "[ff02::1]:4000", "[2001:db8::1]:1" },
		{ "[fe80::1]:4000", "[2001:db8::1]:1" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(TABLE); i++) {
		struct built b;
		struct frame out;

		ROW_ASSERT(TABLE[i][0], frame_parse(&out, build(&b, &PLAIN, TABLE[i][0],
								TABLE[i][1], 20)) == FRAME_HEAD);
	}
}

static void no_frame_is_read_past_its_end(void **state)
{
	(void)state;
	for (size_t f = 0; f < COUNT_OF(FAMILIES); f++) {
		struct built b;
		struct bytes in = build(&b, &TAGGED, FAMILIES[f].from, FAMILIES[f].to, 20);

		for (size_t n = 0; n < in.n; n++) {
			uint8_t *cut = malloc(n ? n : 1); /* so that a sanitizer sees its end */
			struct frame out;

			assert_non_null(cut);
			memcpy(cut, in.p, n);
			assert_int_equal(frame_parse(&out, bytes_mem(cut, n)), FRAME_SHORT);
			free(cut);
		}
	}
}

static void padding_is_no_payload(void **state)
{
	struct built b;
	struct frame out;
	struct bytes in = build(&b, &PLAIN, FAMILIES[0].from, FAMILIES[0].to, 2);

	(void)state;
	in.n = 60;
	assert_int_equal(frame_parse(&out, in), FRAME_FINE);
	assert_int_equal(out.payload_length, 2);
}

/* RFC 768 leaves IPv4 without; IPv6 never (RFC 8200 8.1); the pseudo header alone: not yet finished by hardware. */
static void unusual_checksums(void **state)
{
	(void)state;
	for (size_t f = 0; f < COUNT_OF(FAMILIES); f++) {
		struct built b;
		struct frame out;
		struct bytes in = build(&b, &PLAIN, FAMILIES[f].from, FAMILIES[f].to, 20);
		size_t udp = f ? 54 : 34;
		uint8_t pseudo[40] = { 0 };
		size_t n = f ? 32 : 8;
		uint16_t sum;

		b.frame[udp + 6] = b.frame[udp + 7] = 0;
		assert_int_equal(frame_parse(&out, in), f ? FRAME_CHECKSUM : FRAME_FINE);
		memcpy(pseudo, b.frame + udp - n, n);
		pseudo[n + 1] = 17;
		pseudo[n + 3] = 28;
		sum = frame_sum_fold(frame_sum(0, bytes_mem(pseudo, n + 4)));
		memcpy(b.frame + udp + 6, &sum, 2);
		assert_int_equal(frame_parse(&out, in), FRAME_FINE);
		b.frame[udp + 6] ^= 1;
		assert_int_equal(frame_parse(&out, in), FRAME_CHECKSUM);
	}
}

/* Written with the sum of what was read: the head of RTP was changed, the rest was not looked at again. */
static void a_known_tail_is_not_read_again(void **state)
{
	(void)state;
	for (size_t f = 0; f < COUNT_OF(FAMILIES); f++) {
		for (uint16_t n = 0; n < 70; n++) {
			struct built b;
			struct frame in, again;
			struct frame_head h = { .path = &PLAIN, .hops = 64 };
			uint8_t *start;

			assert_int_equal(frame_parse(&in, build(&b, &PLAIN, FAMILIES[f].from,
								FAMILIES[f].to, n)),
					 FRAME_FINE);
			assert_int_equal(in.tail_known, n >= FRAME_TAIL_AT);
			if (!in.tail_known)
				continue;
			h.from = &in.to;
			h.to = &in.from;
			h.tail_known = true;
			h.tail_sum = in.tail_sum;
			memset(b.memory + ROOM, 0x80 + n, FRAME_TAIL_AT);
			start = frame_write(&h, b.memory + ROOM, n);
			assert_int_equal(frame_parse(&again, bytes_mem(start, b.n)), FRAME_FINE);
			assert_int_equal(again.tail_sum, in.tail_sum);
			h.tail_sum ^= 1;
			start = frame_write(&h, b.memory + ROOM, n);
			assert_int_equal(frame_parse(&again, bytes_mem(start, b.n)),
					 FRAME_CHECKSUM);
		}
	}
}

/* As RFC 1071 writes it, two octets at a time. */
static uint16_t sum_again(const uint8_t *p, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i++) {
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return (uint16_t)sum;
}

static void sums_are_those_of_the_rfc(void **state)
{
	static const uint8_t RFC_1071[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };
	uint8_t random[300];

	(void)state;
	assert_int_equal(ntohs(frame_sum_fold(frame_sum(0, bytes_mem(RFC_1071, 8)))), 0xddf2);
	for (size_t i = 0; i < sizeof(random); i++)
		random[i] = (uint8_t)(i * i + 131 * i);
	for (size_t n = 0; n <= sizeof(random); n++)
		assert_int_equal(ntohs(frame_sum_fold(frame_sum(0, bytes_mem(random, n)))),
				 sum_again(random, n));
}

/* ---- against the kernel: a TAP device in a network namespace of this process ---- */

struct tap {
	int fd;
	uint8_t mac[FRAME_MAC_LEN];
};

static void ask(int fd, unsigned long request, struct ifreq *r)
{
	assert_int_equal(ioctl(fd, request, r), 0);
}

static void in_addr_set(struct sockaddr *sa, const char *ip)
{
	struct sockaddr_in in = { .sin_family = AF_INET };

	assert_int_equal(inet_pton(AF_INET, ip, &in.sin_addr), 1);
	memcpy(sa, &in, sizeof(in));
}

/* 192.0.2.1/24 is the kernel's, 192.0.2.2 ours: the kernel is told its station. */
static void tap_address(int control, struct ifreq *r, const uint8_t peer[FRAME_MAC_LEN])
{
	struct arpreq arp = { .arp_flags = ATF_PERM | ATF_COM };

	in_addr_set(&r->ifr_addr, "192.0.2.1");
	ask(control, SIOCSIFADDR, r);
	in_addr_set(&r->ifr_netmask, "255.255.255.0");
	ask(control, SIOCSIFNETMASK, r);
	r->ifr_flags = IFF_UP;
	ask(control, SIOCSIFFLAGS, r);
	in_addr_set(&arp.arp_pa, "192.0.2.2");
	arp.arp_ha.sa_family = ARPHRD_ETHER;
	memcpy(arp.arp_ha.sa_data, peer, FRAME_MAC_LEN);
	memcpy(arp.arp_dev, r->ifr_name, sizeof(arp.arp_dev));
	assert_int_equal(ioctl(control, SIOCSARP, &arp), 0);
}

static struct tap tap_open(const uint8_t peer[FRAME_MAC_LEN])
{
	struct tap t = { .fd = -1 };
	struct ifreq r = { .ifr_name = "tap0", .ifr_flags = IFF_TAP | IFF_NO_PI };
	int control;

	if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
		print_message("# no network namespaces for us here\n");
		skip();
	}
	t.fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (t.fd < 0 || ioctl(t.fd, TUNSETIFF, &r) != 0) {
		if (t.fd >= 0)
			(void)close(t.fd);
		print_message("# no TAP devices here\n");
		skip();
	}
	control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(control >= 0);
	tap_address(control, &r, peer);
	ask(control, SIOCGIFHWADDR, &r);
	memcpy(t.mac, r.ifr_hwaddr.sa_data, FRAME_MAC_LEN);
	(void)close(control);
	return t;
}

static int kernel_socket(void)
{
	struct sockaddr_storage ss;
	struct addr local = address("192.0.2.1:12000");
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&ss, addr_to_sockaddr(&local, &ss)), 0);
	return fd;
}

static bool is_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, WAIT_MS) == 1;
}

/* The next UDP frame the kernel sends; it also asks for routers and the like. */
static enum frame_fault tap_read(struct tap *t, uint8_t *buffer, struct frame *out)
{
	while (is_readable(t->fd)) {
		ssize_t n = read(t->fd, buffer, PAYLOAD_MAX);
		enum frame_fault fault;

		assert_true(n > 0);
		fault = frame_parse(out, bytes_mem(buffer, (size_t)n));
		if (fault != FRAME_MULTICAST && fault != FRAME_PROTOCOL)
			return fault;
	}
	return FRAME_FAULTS;
}

static void the_kernel_agrees(void **state)
{
	static const uint8_t PEER[FRAME_MAC_LEN] = { 2, 9, 9, 9, 9, 9 };
	struct tap t = tap_open(PEER);
	int fd = kernel_socket();
	struct frame_path path = { 0 };

	(void)state;
	memcpy(path.to, t.mac, sizeof(path.to));
	memcpy(path.from, PEER, sizeof(path.from));
	for (uint16_t n = 1; n < 400; n = (uint16_t)(n + 13)) {
		struct built b;
		struct frame out;
		uint8_t got[PAYLOAD_MAX];
		struct sockaddr_storage ss;
		struct addr peer = address("192.0.2.2:4000");
		struct bytes in = build(&b, &path, "192.0.2.2:4000", "192.0.2.1:12000", n);

		assert_int_equal(write(t.fd, in.p, in.n), (ssize_t)in.n);
		assert_true(is_readable(fd));
		assert_int_equal(recv(fd, got, sizeof(got), 0), n);
		assert_memory_equal(got, b.memory + ROOM, n);
		assert_int_equal(sendto(fd, got, n, 0, (struct sockaddr *)&ss,
					addr_to_sockaddr(&peer, &ss)),
				 n);
		assert_int_equal(tap_read(&t, got, &out), FRAME_FINE);
		assert_true(addr_eq(&out.to, &peer));
		assert_int_equal(out.payload_length, n);
		assert_memory_equal(got + out.payload_at, b.memory + ROOM, n);
	}
	(void)close(fd);
	(void)close(t.fd);
}

/* What a device that makes checksums is given: the sum of the pseudo head, not inverted, and none of IPv4. What it has tested
 * is believed. */
static void the_device_makes_the_sums(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(FAMILIES); i++) {
		struct addr from = address(FAMILIES[i].from), to = address(FAMILIES[i].to);
		struct frame_head h = { .path = &TAGGED, .from = &from, .to = &to, .hops = 64 };
		uint8_t ours[ROOM + 40] = { 0 }, its[ROOM + 40] = { 0 };
		uint8_t *whole = frame_write(&h, ours + ROOM, 40), *part;
		size_t n = (size_t)(ours + sizeof(ours) - whole), size = i == 0 ? 4 : 16;
		struct frame f;
		uint64_t pseudo;

		h.device_sums = true;
		part = frame_write(&h, its + ROOM, 40);
		pseudo = frame_sum(frame_sum(0, bytes_mem(from.ip, size)), bytes_mem(to.ip, size));
		pseudo = frame_sum(pseudo, bytes_mem("\0\x11\0\x30", 4));
		assert_memory_equal(part + n - 42, &(uint16_t){ frame_sum_fold(pseudo) }, 2);
		if (i == 0)
			assert_memory_equal(part + 18 + 10, "\0\0", 2);
		memcpy(part + n - 42, whole + n - 42, 2);
		memcpy(part + 18 + 10, whole + 18 + 10, 2);
		assert_memory_equal(part, whole, n);
		whole[n - 42] ^= 1;
		assert_int_equal(frame_parse(&f, bytes_mem(whole, n)), FRAME_CHECKSUM);
		assert_int_equal(frame_parse_summed(&f, bytes_mem(whole, n)), FRAME_FINE);
		assert_true(addr_eq(&f.to, &to));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(each_fault_has_its_name),
		cmocka_unit_test(sources_that_nobody_has),
		cmocka_unit_test(no_frame_is_read_past_its_end),
		cmocka_unit_test(padding_is_no_payload),
		cmocka_unit_test(unusual_checksums),
		cmocka_unit_test(a_known_tail_is_not_read_again),
		cmocka_unit_test(the_device_makes_the_sums),
		cmocka_unit_test(sums_are_those_of_the_rfc),
		cmocka_unit_test(the_kernel_agrees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
