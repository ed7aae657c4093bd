/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/socket.h>

#include "engine/net/netlink.h"

static const uint8_t MAC[6] = { 2, 3, 4, 5, 6, 7 };

/* A message under construction. */
struct netlink_text {
	uint8_t p[512];
	uint32_t n;
};

static void put(struct netlink_text *t, const void *p, size_t n)
{
	memcpy(t->p + t->n, p, n);
	t->n += (uint32_t)NLMSG_ALIGN(n);
}

static struct netlink_text begin(uint16_t type, const void *head, size_t n)
{
	struct netlink_text t = { .n = 0 };
	struct nlmsghdr h = { .nlmsg_type = type, .nlmsg_seq = 77, .nlmsg_pid = 88 };

	put(&t, &h, sizeof(h));
	put(&t, head, n);
	return t;
}

static void attribute(struct netlink_text *t, uint16_t type, const void *p, size_t n)
{
	struct rtattr a = { .rta_len = (uint16_t)(sizeof(a) + n), .rta_type = type };

	put(t, &a, sizeof(a));
	put(t, p, n);
}

static void attribute_u32(struct netlink_text *t, uint16_t type, uint32_t value)
{
	attribute(t, type, &value, sizeof(value));
}

static void nest(struct netlink_text *t, uint16_t type, const struct netlink_text *inner)
{
	attribute(t, type | NLA_F_NESTED, inner->p, inner->n);
}

static struct netlink_message parse(struct netlink_text *t)
{
	struct netlink_message m;
	struct bytes rest;

	memcpy(t->p, &t->n, sizeof(t->n)); /* nlmsg_len comes first */
	rest = bytes_mem(t->p, t->n);
	assert_int_equal(netlink_next(&rest, &m), 0);
	assert_int_equal(rest.n, 0);
	assert_int_equal(netlink_next(&rest, &m), -ENODATA);
	rest = bytes_mem(t->p, t->n);
	assert_int_equal(netlink_next(&rest, &m), 0);
	return m;
}

static void a_way_with_a_gateway(void **state)
{
	const struct rtmsg head = { .rtm_family = AF_INET, .rtm_type = RTN_UNICAST };
	struct netlink_text t = begin(RTM_NEWROUTE, &head, sizeof(head)), metrics = { .n = 0 };
	struct netlink_message m;

	(void)state;
	attribute(&t, RTA_DST, "\xc6\x33\x64\x02", 4);
	attribute_u32(&t, RTA_OIF, 5);
	attribute(&t, RTA_GATEWAY, "\xc0\x00\x02\x01", 4);
	attribute_u32(&metrics, RTAX_MTU, 1400);
	attribute_u32(&metrics, RTAX_HOPLIMIT, 33);
	nest(&t, RTA_METRICS, &metrics);
	m = parse(&t);
	assert_int_equal(m.kind, NETLINK_WAY);
	assert_true(m.unicast && !m.deleted);
	assert_int_equal(m.seq, 77);
	assert_int_equal(m.port, 88);
	assert_int_equal(m.ifindex, 5);
	assert_int_equal(m.mtu, 1400);
	assert_int_equal(m.hops, 33);
	assert_int_equal(m.gateway.family, ADDR_V4);
	assert_memory_equal(m.gateway.ip, "\xc0\x00\x02\x01", 4);
	assert_memory_equal(m.to.ip, "\xc6\x33\x64\x02", 4);
}

static void a_way_via_the_other_family(void **state)
{
	const struct rtmsg head = { .rtm_family = AF_INET, .rtm_type = RTN_UNICAST };
	struct netlink_text t = begin(RTM_NEWROUTE, &head, sizeof(head));
	uint8_t via[18] = { AF_INET6, 0, 0xfe, 0x80, [17] = 1 };
	struct netlink_message m;

	(void)state;
	attribute(&t, RTA_VIA, via, sizeof(via));
	m = parse(&t);
	assert_int_equal(m.gateway.family, ADDR_V6);
	assert_memory_equal(m.gateway.ip, via + 2, 16);
}

static void a_way_that_leads_nowhere(void **state)
{
	const struct rtmsg head = { .rtm_family = AF_INET6, .rtm_type = RTN_LOCAL };
	struct netlink_text t = begin(RTM_NEWROUTE, &head, sizeof(head));

	(void)state;
	assert_false(parse(&t).unicast);
}

static void addresses(void **state)
{
	const struct ifaddrmsg head = { .ifa_family = AF_INET,
					.ifa_prefixlen = 32,
					.ifa_index = 7 };
	struct netlink_text t = begin(RTM_NEWADDR, &head, sizeof(head));
	struct netlink_message m;

	(void)state;
	attribute(&t, IFA_ADDRESS, "\xc0\x00\x02\x09", 4);
	attribute(&t, IFA_LOCAL, "\xc0\x00\x02\x01", 4);
	attribute(&t, IFA_PROTO, "t", 1);
	m = parse(&t);
	assert_int_equal(m.kind, NETLINK_WAY);
	assert_true(m.local && !m.unicast && !m.deleted);
	assert_int_equal(m.ifindex, 7);
	assert_int_equal(m.protocol, 't');
	assert_memory_equal(m.to.ip, "\xc0\x00\x02\x01", 4);
	t = begin(RTM_DELADDR, &head, sizeof(head));
	m = parse(&t);
	assert_true(m.deleted && !m.local);
}

static void neighbours(void **state)
{
	const struct ndmsg head = { .ndm_family = AF_INET6,
				    .ndm_ifindex = 9,
				    .ndm_state = NUD_REACHABLE };
	uint8_t ip[16] = { 0x20, 1, [15] = 7 };
	struct netlink_text t = begin(RTM_NEWNEIGH, &head, sizeof(head)),
			    gone = begin(RTM_DELNEIGH, &head, sizeof(head));
	struct netlink_message m;

	(void)state;
	attribute(&t, NDA_DST, ip, sizeof(ip));
	attribute(&t, NDA_LLADDR, MAC, sizeof(MAC));
	m = parse(&t);
	assert_int_equal(m.kind, NETLINK_NEIGHBOUR);
	assert_int_equal(m.ifindex, 9);
	assert_int_equal(m.neighbour, NUD_REACHABLE);
	assert_true(m.has_mac);
	assert_memory_equal(m.mac, MAC, sizeof(MAC));
	assert_memory_equal(m.to.ip, ip, sizeof(ip));
	assert_true(parse(&gone).deleted);
}

static struct netlink_message parse_link(const char *kind, uint16_t vlan, uint16_t protocol)
{
	const struct ifinfomsg head = { .ifi_type = ARPHRD_ETHER,
					.ifi_index = 4,
					.ifi_flags = IFF_UP | IFF_RUNNING };
	struct netlink_text t = begin(RTM_NEWLINK, &head, sizeof(head)), info = { .n = 0 },
			    data = { .n = 0 };
	uint8_t protocol_be[2] = { (uint8_t)(protocol >> 8), (uint8_t)protocol };

	attribute(&t, IFLA_ADDRESS, MAC, sizeof(MAC));
	attribute_u32(&t, IFLA_MTU, 1500);
	attribute_u32(&t, IFLA_LINK, 3);
	attribute(&data, IFLA_VLAN_ID, &vlan, sizeof(vlan));
	attribute(&data, IFLA_VLAN_PROTOCOL, protocol_be, sizeof(protocol_be));
	attribute(&info, IFLA_INFO_KIND, kind, strlen(kind) + 1);
	nest(&info, IFLA_INFO_DATA, &data);
	nest(&t, IFLA_LINKINFO, &info);
	return parse(&t);
}

static void links(void **state)
{
	struct netlink_message m = parse_link("vlan", 100, 0x8100);

	(void)state;
	assert_int_equal(m.kind, NETLINK_LINK);
	assert_true(m.up && m.ethernet && m.has_mac);
	assert_int_equal(m.ifindex, 4);
	assert_int_equal(m.mtu, 1500);
	assert_int_equal(m.parent, 3);
	assert_int_equal(m.vlan, 100);
	m = parse_link("vlan", 100, 0x88a8); /* a provider's tag is not ours to write */
	assert_int_equal(m.parent, 0);
	assert_int_equal(m.vlan, 0);
	m = parse_link("veth", 0, 0); /* IFLA_LINK is its other end */
	assert_int_equal(m.parent, 0);
}

static void errors_and_nonsense(void **state)
{
	const int32_t error = -ENETUNREACH;
	struct netlink_text t = begin(NLMSG_ERROR, &error, sizeof(error));
	struct netlink_message m = parse(&t);
	struct bytes rest = bytes_mem(t.p, t.n - 1);

	(void)state;
	assert_int_equal(m.kind, NETLINK_ERROR);
	assert_int_equal(m.error, -ENETUNREACH);
	assert_int_equal(netlink_next(&rest, &m), -EBADMSG);
	t.p[0] = 3; /* a length shorter than its head */
	rest = bytes_mem(t.p, t.n);
	assert_int_equal(netlink_next(&rest, &m), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_way_with_a_gateway),
		cmocka_unit_test(a_way_via_the_other_family),
		cmocka_unit_test(a_way_that_leads_nowhere),
		cmocka_unit_test(addresses),
		cmocka_unit_test(neighbours),
		cmocka_unit_test(links),
		cmocka_unit_test(errors_and_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
