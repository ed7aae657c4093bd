/* SPDX-License-Identifier: Apache-2.0 */
/* Oracle: a second reading of routes, neighbours and addresses, by the macros of the kernel's headers. */
#include <assert.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "engine/net/netlink.h"

#pragma GCC diagnostic ignored "-Wcast-align" /* those macros cast; the copy is aligned */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The last attribute of this type and size; NULL: none. */
static const void *attribute(void *first, int n, uint16_t type, size_t size)
{
	const void *found = NULL;

	for (struct rtattr *a = first; RTA_OK(a, n); a = RTA_NEXT(a, n))
		if ((a->rta_type & NLA_TYPE_MASK) == type && RTA_PAYLOAD(a) == size)
			found = RTA_DATA(a);
	return found;
}

static void ip_check(const struct addr *ip, uint8_t family, void *first, int n, uint16_t type)
{
	const void *v = attribute(first, n, type, family == AF_INET ? 4 : 16);

	if (v && (family == AF_INET || family == AF_INET6))
		assert(memcmp(ip->ip, v, family == AF_INET ? 4 : 16) == 0);
	else
		assert(ip->family == ADDR_NONE);
}

static void way_check(const struct netlink_message *m, struct nlmsghdr *h)
{
	struct rtmsg *r = NLMSG_DATA(h);
	int n = (int)(h->nlmsg_len - NLMSG_SPACE(sizeof(*r)));
	const uint32_t *oif = attribute(RTM_RTA(r), n, RTA_OIF, 4);

	assert(m->unicast == (r->rtm_type == RTN_UNICAST));
	assert(m->ifindex == (oif ? *oif : 0));
	ip_check(&m->to, r->rtm_family, RTM_RTA(r), n, RTA_DST);
	if (!attribute(RTM_RTA(r), n, RTA_VIA, 6) && !attribute(RTM_RTA(r), n, RTA_VIA, 18))
		ip_check(&m->gateway, r->rtm_family, RTM_RTA(r), n, RTA_GATEWAY);
}

static void neighbour_check(const struct netlink_message *m, struct nlmsghdr *h)
{
	struct ndmsg *d = NLMSG_DATA(h);
	char *first = (char *)d + NLMSG_ALIGN(sizeof(*d));
	int n = (int)(h->nlmsg_len - NLMSG_SPACE(sizeof(*d)));

	assert(m->ifindex == (uint32_t)d->ndm_ifindex && m->neighbour == d->ndm_state);
	ip_check(&m->to, d->ndm_family, first, n, NDA_DST);
}

static void address_check(const struct netlink_message *m, struct nlmsghdr *h)
{
	struct ifaddrmsg *a = NLMSG_DATA(h);
	int n = (int)(h->nlmsg_len - NLMSG_SPACE(sizeof(*a)));
	const uint8_t *protocol = attribute(IFA_RTA(a), n, IFA_PROTO, 1);
	size_t size = a->ifa_family == AF_INET ? 4 : 16;
	bool has_local = attribute(IFA_RTA(a), n, IFA_LOCAL, size) != NULL;

	assert(m->ifindex == a->ifa_index);
	assert(m->protocol == (protocol ? *protocol : 0));
	ip_check(&m->to, a->ifa_family, IFA_RTA(a), n, has_local ? IFA_LOCAL : IFA_ADDRESS);
	assert(m->local == (m->to.family != ADDR_NONE));
}

static void message_check(const struct netlink_message *m, void *at)
{
	struct nlmsghdr *h = at;

	if (m->kind == NETLINK_WAY && h->nlmsg_len >= NLMSG_SPACE(sizeof(struct rtmsg)) &&
	    (h->nlmsg_type == RTM_NEWROUTE || h->nlmsg_type == RTM_DELROUTE))
		way_check(m, h);
	if (m->kind == NETLINK_WAY && h->nlmsg_len >= NLMSG_SPACE(sizeof(struct ifaddrmsg)) &&
	    (h->nlmsg_type == RTM_NEWADDR || h->nlmsg_type == RTM_DELADDR))
		address_check(m, h);
	if (m->kind == NETLINK_NEIGHBOUR)
		neighbour_check(m, h);
	if (m->kind == NETLINK_LINK)
		assert((m->vlan != 0) == (m->parent != 0) || m->parent == 0);
	assert(m->vlan <= FRAME_VLAN_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1); /* aligned, as a socket's buffer is */
	struct bytes rest;
	struct netlink_message m;

	assert(copy);
	memcpy(copy, data, size);
	rest = bytes_mem(copy, size);
	for (;;) {
		uint8_t *at = copy + (size - rest.n);
		size_t before = rest.n;

		if (netlink_next(&rest, &m))
			break;
		assert(before - rest.n >= sizeof(struct nlmsghdr)); /* always forward */
		message_check(&m, at);
	}
	free(copy);
	return 0;
}
