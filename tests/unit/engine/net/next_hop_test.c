/* SPDX-License-Identifier: Apache-2.0 */
/* Next hops as this machine's kernel tells them, in a network namespace of this process with a TAP device. */
#include "tests/unit/test.h"

#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/net/next_hop.h"

enum { DESTINATIONS = 64, TRIES = 100 };

static const uint8_t MAC_A[6] = { 2, 0, 0, 0, 0, 0xa }, MAC_B[6] = { 2, 0, 0, 0, 0, 0xb };

struct rig {
	struct next_hops *hops;
	int tap;
	uint32_t ifindex;
	uint64_t now_ns;
};

static void run(const char *command)
{
	if (system(command) != 0)
		fail_msg("%s", command);
}

static void tap_open(struct rig *r)
{
	struct ifreq request = { .ifr_name = "tap0", .ifr_flags = IFF_TAP | IFF_NO_PI };

	if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
		print_message("# no network namespaces for us here\n");
		skip();
	}
	r->tap = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (r->tap < 0 || ioctl(r->tap, TUNSETIFF, &request) != 0 ||
	    system("ip -V >/dev/null 2>&1") != 0) {
		if (r->tap >= 0)
			(void)close(r->tap);
		print_message("# no TAP devices, or no ip(8), here\n");
		skip();
	}
	run("ip link set tap0 up; ip addr add 192.0.2.1/24 dev tap0;"
	    "ip addr add 2001:db8::1/64 dev tap0 nodad");
	r->ifindex = if_nametoindex("tap0");
}

static struct rig rig_open(void)
{
	struct rig r = { .now_ns = NS_PER_S };
	struct next_hop_settings settings = { .device_count = 1, .destinations = DESTINATIONS };

	tap_open(&r);
	settings.ifindex[0] = r.ifindex;
	assert_int_equal(next_hops_open(&r.hops, &settings), 0);
	return r;
}

static void rig_close(struct rig *r)
{
	next_hops_close(r->hops);
	(void)close(r->tap);
}

static struct addr rig_addr(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, bytes_str(text)), 0);
	return a;
}

static bool find(struct rig *r, const char *from, const char *to, struct next_hop *out)
{
	struct addr from_addr, to_addr;

	assert_int_equal(addr_parse(&from_addr, bytes_str(from)), 0);
	assert_int_equal(addr_parse(&to_addr, bytes_str(to)), 0);
	return next_hop_find(r->hops, &from_addr, &to_addr, r->now_ns, out);
}

/* Asks and reads until it is known, at most so often. The time of the test moves on by 20 ms. */
static bool learn(struct rig *r, const char *from, const char *to, struct next_hop *out)
{
	for (int i = 0; i < TRIES; i++) {
		next_hops_read(r->hops, r->now_ns);
		if (find(r, from, to, out))
			return true;
		next_hops_flush(r->hops);
		r->now_ns += 20 * NS_PER_MS;
	}
	return false;
}

static bool is_to(const struct next_hop *h, const uint8_t mac[6])
{
	return memcmp(h->path.to, mac, 6) == 0;
}

/* Until the kernel's notification was read, which comes while the command runs. */
static bool follows_from(struct rig *r, const char *from, const char *to, const uint8_t mac[6])
{
	struct next_hop h;

	for (int i = 0; i < TRIES; i++) {
		if (learn(r, from, to, &h) && is_to(&h, mac))
			return true;
		next_hops_flush(r->hops);
		r->now_ns += 20 * NS_PER_MS;
	}
	return false;
}

static bool follows(struct rig *r, const char *to, const uint8_t mac[6])
{
	return follows_from(r, "192.0.2.1", to, mac);
}

static void a_neighbour_and_its_change(void **state)
{
	struct rig r = rig_open();
	struct next_hop h;

	(void)state;
	assert_false(find(&r, "192.0.2.1", "192.0.2.2", &h));
	run("ip neigh replace 192.0.2.2 lladdr 02:00:00:00:00:0a dev tap0 nud permanent");
	assert_true(learn(&r, "192.0.2.1", "192.0.2.2", &h));
	assert_true(is_to(&h, MAC_A));
	assert_int_equal(h.mtu, 1500);
	assert_int_equal(h.path.vlan, 0);
	assert_int_equal(h.ifindex, r.ifindex);
	run("ip neigh replace 192.0.2.2 lladdr 02:00:00:00:00:0b dev tap0 nud permanent");
	assert_true(follows(&r, "192.0.2.2", MAC_B));
	run("ip neigh del 192.0.2.2 dev tap0");
	next_hops_read(r.hops, r.now_ns);
	assert_false(find(&r, "192.0.2.1", "192.0.2.2", &h));
	rig_close(&r);
}

static void ipv6(void **state)
{
	struct rig r = rig_open();
	struct next_hop h;

	(void)state;
	run("ip -6 neigh replace 2001:db8::2 lladdr 02:00:00:00:00:0a dev tap0 nud permanent");
	assert_true(learn(&r, "2001:db8::1", "2001:db8::2", &h));
	assert_true(is_to(&h, MAC_A));
	assert_false(find(&r, "2001:db8::1", "2001:db8::3", &h));
	rig_close(&r);
}

static void a_gateway_another_and_a_path_mtu(void **state)
{
	struct rig r = rig_open();
	struct next_hop h;

	(void)state;
	run("ip neigh replace 192.0.2.10 lladdr 02:00:00:00:00:0a dev tap0 nud permanent;"
	    "ip neigh replace 192.0.2.11 lladdr 02:00:00:00:00:0b dev tap0 nud permanent;"
	    "ip route add 198.51.100.0/24 via 192.0.2.10 mtu 1300 hoplimit 9");
	assert_true(learn(&r, "192.0.2.1", "198.51.100.7", &h));
	assert_true(is_to(&h, MAC_A));
	assert_int_equal(h.mtu, 1300);
	assert_int_equal(h.hops, 9);
	run("ip route replace 198.51.100.0/24 via 192.0.2.11");
	assert_true(follows(&r, "198.51.100.7", MAC_B));
	assert_true(find(&r, "192.0.2.1", "198.51.100.7", &h));
	assert_int_equal(h.mtu, 1500);
	rig_close(&r);
}

/* The table of the source decides (ip rule): whoever is bound to it would go there. */
static void routes_of_the_source(void **state)
{
	struct rig r = rig_open();
	struct next_hop h;

	(void)state;
	run("ip addr add 192.0.2.100/24 dev tap0;"
	    "ip neigh replace 192.0.2.10 lladdr 02:00:00:00:00:0a dev tap0 nud permanent;"
	    "ip neigh replace 192.0.2.11 lladdr 02:00:00:00:00:0b dev tap0 nud permanent;"
	    "ip route add 198.51.100.0/24 via 192.0.2.10;"
	    "ip route add 198.51.100.0/24 via 192.0.2.11 table 7; ip rule add from 192.0.2.100 "
	    "table 7");
	assert_true(learn(&r, "192.0.2.1", "198.51.100.7", &h) && is_to(&h, MAC_A));
	assert_true(learn(&r, "192.0.2.100", "198.51.100.7", &h) && is_to(&h, MAC_B));
	rig_close(&r);
}

/* What was told until now was heard, and what follows from it was asked and answered. */
static void settle(struct rig *r, const char *from, const char *to)
{
	struct next_hop h;

	for (int i = 0; i < TRIES; i++) {
		r->now_ns += 20 * NS_PER_MS;
		assert_true(learn(r, from, to, &h));
		next_hops_flush(r->hops);
	}
}

static void a_rule_that_is_new(void **state)
{
	struct rig r = rig_open();
	struct next_hop h;

	(void)state;
	run("ip -6 neigh replace 2001:db8::10 lladdr 02:00:00:00:00:0a dev tap0 nud permanent;"
	    "ip -6 neigh replace 2001:db8::11 lladdr 02:00:00:00:00:0b dev tap0 nud permanent;"
	    "ip -6 route add 2001:db8:1::/64 via 2001:db8::10;"
	    "ip -6 route add 2001:db8:1::/64 via 2001:db8::11 table 7");
	assert_true(learn(&r, "2001:db8::1", "2001:db8:1::7", &h) && is_to(&h, MAC_A));
	settle(&r, "2001:db8::1", "2001:db8:1::7");
	run("ip -6 rule add from 2001:db8::1 table 7");
	assert_true(follows_from(&r, "2001:db8::1", "2001:db8:1::7", MAC_B));
	rig_close(&r);
}

/* Routes by way of an object of their own, as routing daemons make them; the kernel need not tell of the routes when it changes. */
static void a_nexthop_of_many_routes(void **state)
{
	struct rig r = rig_open();
	struct next_hop h;

	(void)state;
	if (system("echo 0 2>/dev/null >/proc/sys/net/ipv4/nexthop_compat_mode") != 0) {
		rig_close(&r);
		print_message("# no objects for next hops, or no leave to set them up, here\n");
		skip();
	}
	run("ip neigh replace 192.0.2.10 lladdr 02:00:00:00:00:0a dev tap0 nud permanent;"
	    "ip neigh replace 192.0.2.11 lladdr 02:00:00:00:00:0b dev tap0 nud permanent;"
	    "ip nexthop add id 1 via 192.0.2.10 dev tap0; ip route add 198.51.100.0/24 nhid 1");
	assert_true(learn(&r, "192.0.2.1", "198.51.100.7", &h) && is_to(&h, MAC_A));
	settle(&r, "192.0.2.1", "198.51.100.7");
	run("ip nexthop replace id 1 via 192.0.2.11 dev tap0");
	assert_true(follows(&r, "198.51.100.7", MAC_B));
	rig_close(&r);
}

static void what_is_the_kernels(void **state)
{
	struct rig r = rig_open();
	struct next_hop h;

	(void)state;
	run("ip link set lo up");
	assert_false(learn(&r, "192.0.2.1", "192.0.2.1", &h));   /* ourselves */
	assert_false(learn(&r, "192.0.2.1", "203.0.113.1", &h)); /* no route */
	assert_false(learn(&r, "192.0.2.1", "192.0.2.77", &h));  /* not resolved */
	assert_false(learn(&r, "192.0.2.1", "192.0.2.255", &h)); /* broadcast */
	run("ip neigh replace 192.0.2.2 lladdr 02:00:00:00:00:0a dev tap0 nud permanent");
	assert_true(learn(&r, "192.0.2.1", "192.0.2.2", &h));
	run("ip link set tap0 down");
	next_hops_read(r.hops, r.now_ns);
	assert_false(find(&r, "192.0.2.1", "192.0.2.2", &h));
	rig_close(&r);
}

/* A stale neighbour is used, but for one packet a second that goes through the kernel. */
static void the_kernel_confirms(void **state)
{
	struct rig r = rig_open();
	struct next_hop h;
	uint32_t lent = 0;

	(void)state;
	run("ip neigh replace 192.0.2.2 lladdr 02:00:00:00:00:0a dev tap0 nud stale");
	assert_true(learn(&r, "192.0.2.1", "192.0.2.2", &h));
	for (int i = 0; i < 500; i++, r.now_ns += 20 * NS_PER_MS)
		lent += !find(&r, "192.0.2.1", "192.0.2.2", &h);
	assert_in_range(lent, 9, 11);
	rig_close(&r);
}

/* Others send to it, and look four times a second and before any packet of ours. All the same one of these goes through the kernel. */
static void the_kernel_confirms_whom_others_send_to(void **state)
{
	struct rig r = rig_open();
	struct addr from = rig_addr("192.0.2.1"), to = rig_addr("192.0.2.2");
	struct next_hop h;
	uint32_t lent = 0, doubted = 0;

	(void)state;
	run("ip neigh replace 192.0.2.2 lladdr 02:00:00:00:00:0a dev tap0 nud stale");
	assert_true(learn(&r, "192.0.2.1", "192.0.2.2", &h));
	r.now_ns += 2 * NS_PER_S;
	for (int i = 0; i < 40; i++, r.now_ns += 250 * NS_PER_MS) {
		assert_true(next_hop_look(r.hops, &from, &to, r.now_ns, &h));
		if (!h.doubtful)
			continue;
		doubted++;
		lent += !find(&r, "192.0.2.1", "192.0.2.2", &h);
	}
	assert_in_range(doubted, 9, 11);
	assert_int_equal(lent, doubted);
	run("ip neigh replace 192.0.2.2 lladdr 02:00:00:00:00:0b dev tap0 nud permanent");
	next_hops_read(r.hops, r.now_ns);
	assert_true(next_hop_look(r.hops, &from, &to, r.now_ns, &h) && !h.doubtful);
	assert_memory_equal(h.path.to, MAC_B, sizeof(MAC_B));
	run("ip neigh del 192.0.2.2 dev tap0");
	next_hops_read(r.hops, r.now_ns);
	assert_false(next_hop_look(r.hops, &from, &to, r.now_ns, &h));
	rig_close(&r);
}

static void more_destinations_than_fit(void **state)
{
	struct rig r = rig_open();
	struct next_hop h;
	char to[32], command[128];

	(void)state;
	for (uint32_t i = 2; i < 250; i++) {
		(void)snprintf(to, sizeof(to), "192.0.2.%u", i);
		(void)snprintf(command, sizeof(command),
			       "ip neigh replace %s lladdr "
			       "02:00:00:00:00:0a dev tap0 nud permanent",
			       to);
		if (i % 50 == 2)
			run(command);
		(void)find(&r, "192.0.2.1", to, &h);
		next_hops_flush(r.hops);
		next_hops_read(r.hops, r.now_ns);
	}
	assert_true(learn(&r, "192.0.2.1", "192.0.2.2", &h));
	rig_close(&r);
}

/* ---- a VLAN upon our device, told as the kernel would: few test machines have any ---- */

struct link_text {
	struct nlmsghdr head;
	struct ifinfomsg info;
	struct rtattr mac_head;
	uint8_t mac[8];
	struct rtattr mtu_head;
	uint32_t mtu;
	struct rtattr below_head;
	uint32_t below;
	struct rtattr linkinfo_head;
	struct rtattr kind_head;
	char kind[8];
	struct rtattr data_head;
	struct rtattr id_head;
	uint16_t id[2];
};

static struct link_text vlan_text(uint32_t below, uint16_t id)
{
	return (struct link_text){
		.head = { .nlmsg_len = sizeof(struct link_text), .nlmsg_type = RTM_NEWLINK },
		.info = { .ifi_type = ARPHRD_ETHER,
			  .ifi_index = 1000,
			  .ifi_flags = IFF_UP | IFF_RUNNING },
		.mac_head = { 10, IFLA_ADDRESS },
		.mac = { 2, 0, 0, 0, 0, 0xc },
		.mtu_head = { 8, IFLA_MTU },
		.mtu = 1496,
		.below_head = { 8, IFLA_LINK },
		.below = below,
		.linkinfo_head = { 4 + 12 + 12, IFLA_LINKINFO },
		.kind_head = { 9, IFLA_INFO_KIND },
		.kind = "vlan",
		.data_head = { 12, IFLA_INFO_DATA },
		.id_head = { 6, IFLA_VLAN_ID },
		.id = { id },
	};
}

static void vlans_upon_our_device(void **state)
{
	struct rig r = rig_open();
	struct link_text ours = vlan_text(r.ifindex, 100), other = vlan_text(r.ifindex + 50, 200);

	(void)state;
	next_hops_read(r.hops, r.now_ns);
	assert_true(next_hops_has_vlan(r.hops, 0, 0));
	assert_false(next_hops_has_vlan(r.hops, 0, 100));
	next_hops_on_messages(r.hops, bytes_mem(&ours, sizeof(ours)), r.now_ns);
	other.info.ifi_index++;
	next_hops_on_messages(r.hops, bytes_mem(&other, sizeof(other)), r.now_ns);
	assert_true(next_hops_has_vlan(r.hops, 0, 100));
	assert_false(next_hops_has_vlan(r.hops, 0, 200));
	other.info.ifi_index = (int)r.ifindex; /* our device is a VLAN itself */
	next_hops_on_messages(r.hops, bytes_mem(&other, sizeof(other)), r.now_ns);
	assert_true(next_hops_has_vlan(r.hops, 0, 0));
	assert_false(next_hops_has_vlan(r.hops, 0, 200));
	ours.head.nlmsg_type = RTM_DELLINK;
	next_hops_on_messages(r.hops, bytes_mem(&ours, sizeof(ours)), r.now_ns);
	assert_false(next_hops_has_vlan(r.hops, 0, 100));
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_neighbour_and_its_change),
		cmocka_unit_test(ipv6),
		cmocka_unit_test(a_gateway_another_and_a_path_mtu),
		cmocka_unit_test(routes_of_the_source),
		cmocka_unit_test(a_rule_that_is_new),
		cmocka_unit_test(a_nexthop_of_many_routes),
		cmocka_unit_test(what_is_the_kernels),
		cmocka_unit_test(the_kernel_confirms),
		cmocka_unit_test(the_kernel_confirms_whom_others_send_to),
		cmocka_unit_test(more_destinations_than_fit),
		cmocka_unit_test(vlans_upon_our_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
