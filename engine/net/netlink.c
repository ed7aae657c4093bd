/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encodes and decodes the rtnetlink(7) messages that next_hop.c needs: routes, neighbours, links
 * and addresses. The keeper of floating addresses (app/keeper) uses it, too. Pure: octets in and
 * out, no socket. Every length is checked, as messages of newer kernels have attributes that are
 * unknown here.
 */

#include "engine/net/netlink.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/socket.h>

enum { ALIGNED = 4 };

static size_t aligned(size_t n)
{
	return (n + ALIGNED - 1) & ~(size_t)(ALIGNED - 1);
}

/* ---- attributes: length, type, value, each in the order of the machine ---- */

static bool attribute_next(struct bytes *rest, uint16_t *type, struct bytes *value)
{
	struct rtattr head;

	if (rest->n < sizeof(head))
		return false;
	memcpy(&head, rest->p, sizeof(head));
	if (head.rta_len < sizeof(head) || head.rta_len > rest->n)
		return false;
	*type = head.rta_type & NLA_TYPE_MASK;
	*value = bytes_sub(*rest, sizeof(head), head.rta_len - sizeof(head));
	*rest = bytes_from(*rest, aligned(head.rta_len));
	return true;
}

static void u32_read(uint32_t *out, struct bytes value)
{
	if (value.n == sizeof(*out))
		memcpy(out, value.p, sizeof(*out));
}

static void u16_read(uint16_t *out, struct bytes value)
{
	if (value.n == sizeof(*out))
		memcpy(out, value.p, sizeof(*out));
}

static void ip_read(struct addr *out, uint8_t family, struct bytes value)
{
	bool v4 = family == AF_INET && value.n == 4, v6 = family == AF_INET6 && value.n == 16;

	if (!v4 && !v6)
		return;
	*out = (struct addr){ .family = v4 ? ADDR_V4 : ADDR_V6 };
	memcpy(out->ip, value.p, value.n);
}

static void mac_read(struct netlink_message *m, struct bytes value)
{
	m->has_mac = value.n == FRAME_MAC_LEN;
	if (m->has_mac)
		memcpy(m->mac, value.p, FRAME_MAC_LEN);
}

/* A next hop of the other family (RFC 5549): the family comes first. */
static void via_read(struct addr *out, struct bytes value)
{
	uint16_t family = 0;

	u16_read(&family, bytes_sub(value, 0, sizeof(family)));
	ip_read(out, (uint8_t)family, bytes_from(value, sizeof(family)));
}

/* ---- routes ---- */

static void metrics_read(struct netlink_message *m, struct bytes rest)
{
	struct bytes value;
	uint16_t type;

	while (attribute_next(&rest, &type, &value)) {
		if (type == RTAX_MTU)
			u32_read(&m->mtu, value);
		else if (type == RTAX_HOPLIMIT)
			u32_read(&m->hops, value);
	}
}

static void way_read(struct netlink_message *m, struct bytes body)
{
	struct rtmsg head;
	struct bytes rest = bytes_from(body, aligned(sizeof(head))), value;
	uint16_t type;

	if (body.n < sizeof(head))
		return;
	memcpy(&head, body.p, sizeof(head));
	m->kind = NETLINK_WAY;
	m->unicast = head.rtm_type == RTN_UNICAST;
	m->local = head.rtm_type == RTN_LOCAL;
	while (attribute_next(&rest, &type, &value)) {
		if (type == RTA_DST)
			ip_read(&m->to, head.rtm_family, value);
		else if (type == RTA_OIF)
			u32_read(&m->ifindex, value);
		else if (type == RTA_GATEWAY)
			ip_read(&m->gateway, head.rtm_family, value);
		else if (type == RTA_VIA)
			via_read(&m->gateway, value);
		else if (type == RTA_METRICS)
			metrics_read(m, value);
	}
}

/* ---- addresses ---- */

/* Of a point-to-point link IFA_ADDRESS is the peer's, and IFA_LOCAL comes behind it. */
static void address_read(struct netlink_message *m, struct bytes body)
{
	struct ifaddrmsg head;
	struct bytes rest = bytes_from(body, aligned(sizeof(head))), value;
	struct addr local = { 0 };
	uint16_t type;

	m->kind = NETLINK_WAY;
	if (body.n < sizeof(head))
		return;
	memcpy(&head, body.p, sizeof(head));
	m->ifindex = head.ifa_index;
	while (attribute_next(&rest, &type, &value)) {
		if (type == IFA_ADDRESS)
			ip_read(&m->to, head.ifa_family, value);
		else if (type == IFA_LOCAL)
			ip_read(&local, head.ifa_family, value);
		else if (type == IFA_PROTO && value.n == 1)
			m->protocol = value.p[0];
	}
	if (local.family)
		m->to = local;
	m->local = m->to.family != ADDR_NONE;
}

/* ---- neighbours ---- */

static void neighbour_read(struct netlink_message *m, struct bytes body)
{
	struct ndmsg head;
	struct bytes rest = bytes_from(body, aligned(sizeof(head))), value;
	uint16_t type;

	if (body.n < sizeof(head))
		return;
	memcpy(&head, body.p, sizeof(head));
	m->kind = NETLINK_NEIGHBOUR;
	m->ifindex = (uint32_t)head.ndm_ifindex;
	m->neighbour = head.ndm_state;
	while (attribute_next(&rest, &type, &value)) {
		if (type == NDA_DST)
			ip_read(&m->to, head.ndm_family, value);
		else if (type == NDA_LLADDR)
			mac_read(m, value);
	}
}

/* ---- links ---- */

static void vlan_read(struct netlink_message *m, struct bytes rest)
{
	uint16_t protocol = 0;
	struct bytes value;
	uint16_t type;

	while (attribute_next(&rest, &type, &value)) {
		if (type == IFLA_VLAN_ID)
			u16_read(&m->vlan, value);
		else if (type == IFLA_VLAN_PROTOCOL)
			u16_read(&protocol, value);
	}
	if (protocol && be16_get((const uint8_t *)&protocol) != ETH_P_8021Q)
		m->vlan = 0;
}

static bool link_is_vlan(struct netlink_message *m, struct bytes rest)
{
	struct bytes value, data = { 0 };
	bool is_vlan = false;
	uint16_t type;

	while (attribute_next(&rest, &type, &value)) {
		if (type == IFLA_INFO_KIND)
			is_vlan = value.n == 5 && memcmp(value.p, "vlan", 5) == 0;
		else if (type == IFLA_INFO_DATA)
			data = value;
	}
	if (is_vlan)
		vlan_read(m, data);
	return is_vlan && m->vlan > 0 && m->vlan <= FRAME_VLAN_MAX;
}

static void link_read(struct netlink_message *m, struct bytes body)
{
	struct ifinfomsg head;
	struct bytes rest = bytes_from(body, aligned(sizeof(head))), value;
	uint32_t below = 0;
	bool is_vlan = false;
	uint16_t type;

	if (body.n < sizeof(head))
		return;
	memcpy(&head, body.p, sizeof(head));
	m->kind = NETLINK_LINK;
	m->ifindex = (uint32_t)head.ifi_index;
	m->up = (head.ifi_flags & IFF_UP) && (head.ifi_flags & IFF_RUNNING);
	m->ethernet = head.ifi_type == ARPHRD_ETHER;
	while (attribute_next(&rest, &type, &value)) {
		if (type == IFLA_ADDRESS)
			mac_read(m, value);
		else if (type == IFLA_MTU)
			u32_read(&m->mtu, value);
		else if (type == IFLA_LINK)
			u32_read(&below, value);
		else if (type == IFLA_LINKINFO)
			is_vlan = link_is_vlan(m, value);
	}
	m->parent = is_vlan ? below : 0;
	m->vlan = is_vlan ? m->vlan : 0;
}

/* ---- messages ---- */

static void netlink_error_read(struct netlink_message *m, struct bytes body)
{
	int32_t error;

	if (body.n < sizeof(error))
		return;
	memcpy(&error, body.p, sizeof(error));
	m->kind = NETLINK_ERROR;
	m->error = error;
}

static void message_read(struct netlink_message *m, uint16_t type, struct bytes body)
{
	m->deleted = type == RTM_DELROUTE || type == RTM_DELNEIGH || type == RTM_DELLINK ||
		     type == RTM_DELADDR;
	switch (type) {
	case NLMSG_DONE:
		m->kind = NETLINK_DONE;
		break;
	case NLMSG_ERROR:
		netlink_error_read(m, body);
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		way_read(m, body);
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		address_read(m, body);
		break;
	case RTM_NEWRULE:
	case RTM_DELRULE:
	case RTM_NEWNEXTHOP:
	case RTM_DELNEXTHOP:
		m->kind = NETLINK_WAY;
		break;
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		neighbour_read(m, body);
		break;
	case RTM_NEWLINK:
	case RTM_DELLINK:
		link_read(m, body);
		break;
	default:
		break;
	}
}

int netlink_next(struct bytes *rest, struct netlink_message *out)
{
	struct nlmsghdr head;
	struct bytes body;

	*out = (struct netlink_message){ .kind = NETLINK_OTHER };
	if (rest->n == 0)
		return -ENODATA;
	if (rest->n < sizeof(head))
		return -EBADMSG;
	memcpy(&head, rest->p, sizeof(head));
	if (head.nlmsg_len < sizeof(head) || head.nlmsg_len > rest->n)
		return -EBADMSG;
	body = bytes_sub(*rest, sizeof(head), head.nlmsg_len - sizeof(head));
	*rest = bytes_from(*rest, aligned(head.nlmsg_len));
	out->seq = head.nlmsg_seq;
	out->port = head.nlmsg_pid;
	message_read(out, head.nlmsg_type, body);
	return 0;
}

/* ---- questions ---- */

struct question {
	struct nlmsghdr head;
	union {
		struct rtmsg way;
		struct ndmsg neighbour;
		struct ifinfomsg link;
	} of;
};

static void question_write(struct writer *w, const void *p, size_t n)
{
	if (w->cap - w->n >= aligned(n))
		writer_mem(w, p, n);
}

static void ip_put(uint8_t *p, uint32_t *n, uint16_t type, const struct addr *ip)
{
	uint16_t size = ip->family == ADDR_V4 ? 4 : 16;
	struct rtattr head = { .rta_len = (uint16_t)(sizeof(head) + size), .rta_type = type };

	memcpy(p + *n, &head, sizeof(head));
	memcpy(p + *n + sizeof(head), ip->ip, size);
	*n += (uint32_t)aligned(head.rta_len);
}

void netlink_request_route(struct writer *w, uint32_t seq, const struct addr *from,
			   const struct addr *to)
{
	bool v4 = to->family == ADDR_V4;
	uint8_t out[128] = { 0 };
	struct question q = { .head = { .nlmsg_type = RTM_GETROUTE,
					.nlmsg_flags = NLM_F_REQUEST,
					.nlmsg_seq = seq },
			      .of.way = { .rtm_family = v4 ? AF_INET : AF_INET6,
					  .rtm_dst_len = v4 ? 32 : 128,
					  .rtm_src_len = v4 ? 32 : 128 } };

	q.head.nlmsg_len = NLMSG_LENGTH(sizeof(q.of.way));
	ip_put(out, &q.head.nlmsg_len, RTA_DST, to);
	ip_put(out, &q.head.nlmsg_len, RTA_SRC, from);
	memcpy(out, &q, NLMSG_LENGTH(sizeof(q.of.way)));
	question_write(w, out, q.head.nlmsg_len);
}

void netlink_request_neighbour(struct writer *w, uint32_t seq, uint32_t ifindex,
			       const struct addr *ip)
{
	uint8_t out[128] = { 0 };
	struct question q = { .head = { .nlmsg_type = RTM_GETNEIGH,
					.nlmsg_flags = NLM_F_REQUEST,
					.nlmsg_seq = seq },
			      .of.neighbour = { .ndm_family =
							ip->family == ADDR_V4 ? AF_INET : AF_INET6,
						.ndm_ifindex = (int)ifindex } };

	q.head.nlmsg_len = NLMSG_LENGTH(sizeof(q.of.neighbour));
	ip_put(out, &q.head.nlmsg_len, NDA_DST, ip);
	memcpy(out, &q, NLMSG_LENGTH(sizeof(q.of.neighbour)));
	question_write(w, out, q.head.nlmsg_len);
}

void netlink_request_links(struct writer *w, uint32_t seq)
{
	struct question q = { .head = { .nlmsg_type = RTM_GETLINK,
					.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
					.nlmsg_seq = seq } };

	q.head.nlmsg_len = NLMSG_LENGTH(sizeof(q.of.link));
	question_write(w, &q, q.head.nlmsg_len);
}
