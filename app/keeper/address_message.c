/* SPDX-License-Identifier: Apache-2.0 */
#include "app/keeper/address_message.h"

#include <assert.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

/* Before other rules, or one of theirs would be found first. */
enum { PROHIBIT_PRIORITY = 10, MESSAGE_MAX = 128 };

struct address_message {
	uint8_t p[MESSAGE_MAX];
	uint32_t n;
};

static void message_put(struct address_message *m, const void *p, size_t n)
{
	assert(m->n + NLMSG_ALIGN(n) <= sizeof(m->p));
	memcpy(m->p + m->n, p, n);
	m->n += (uint32_t)NLMSG_ALIGN(n);
}

static void message_put_attribute(struct address_message *m, uint16_t type, const void *p, size_t n)
{
	struct rtattr head = { .rta_len = (uint16_t)(sizeof(head) + n), .rta_type = type };

	message_put(m, &head, sizeof(head));
	message_put(m, p, n);
}

static void message_begin(struct address_message *m, uint16_t type, uint16_t flags, uint32_t seq)
{
	struct nlmsghdr head = { .nlmsg_type = type,
				 .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags),
				 .nlmsg_seq = seq };

	message_put(m, &head, sizeof(head));
}

static void message_end(struct address_message *m, struct writer *w)
{
	memcpy(m->p, &m->n, sizeof(m->n)); /* nlmsg_len comes first */
	if (w->cap - w->n >= m->n)
		writer_mem(w, m->p, m->n);
}

static uint8_t kernel_family(const struct addr *ip)
{
	return ip->family == ADDR_V4 ? AF_INET : AF_INET6;
}

static size_t ip_octets(const struct addr *ip)
{
	return ip->family == ADDR_V4 ? 4 : 16;
}

static void address_begin(struct address_message *m, uint16_t type, uint16_t flags, uint32_t seq,
			  uint32_t ifindex, const struct addr *ip)
{
	struct ifaddrmsg head = { .ifa_family = kernel_family(ip),
				  .ifa_prefixlen = (uint8_t)(ip_octets(ip) * 8),
				  .ifa_scope = RT_SCOPE_UNIVERSE,
				  .ifa_index = ifindex };

	message_begin(m, type, flags, seq);
	message_put(m, &head, sizeof(head));
	message_put_attribute(m, IFA_LOCAL, ip->ip, ip_octets(ip));
	message_put_attribute(m, IFA_ADDRESS, ip->ip, ip_octets(ip));
}

/* IPv6: deprecated, so that the kernel takes it for no connection that did not ask for it. */
void address_write_add(struct writer *w, uint32_t seq, uint32_t ifindex, const struct addr *ip)
{
	const struct ifa_cacheinfo times = { .ifa_prefered = 0, .ifa_valid = UINT32_MAX };
	const uint32_t flags = IFA_F_NODAD;
	const uint8_t protocol = KEEPER_PROTOCOL;
	struct address_message m = { .n = 0 };

	address_begin(&m, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ACK, seq, ifindex, ip);
	message_put_attribute(&m, IFA_PROTO, &protocol, sizeof(protocol));
	if (ip->family == ADDR_V6) {
		message_put_attribute(&m, IFA_FLAGS, &flags, sizeof(flags));
		message_put_attribute(&m, IFA_CACHEINFO, &times, sizeof(times));
	}
	message_end(&m, w);
}

void address_write_delete(struct writer *w, uint32_t seq, uint32_t ifindex, const struct addr *ip)
{
	struct address_message m = { .n = 0 };

	address_begin(&m, RTM_DELADDR, NLM_F_ACK, seq, ifindex, ip);
	message_end(&m, w);
}

static void rule_write(struct writer *w, uint16_t type, uint16_t flags, uint32_t seq,
		       const struct addr *ip)
{
	struct fib_rule_hdr head = { .family = kernel_family(ip),
				     .src_len = (uint8_t)(ip_octets(ip) * 8),
				     .action = FR_ACT_PROHIBIT };
	const uint32_t priority = PROHIBIT_PRIORITY;
	const uint8_t protocol = KEEPER_PROTOCOL;
	struct address_message m = { .n = 0 };

	message_begin(&m, type, flags | NLM_F_ACK, seq);
	message_put(&m, &head, sizeof(head));
	message_put_attribute(&m, FRA_SRC, ip->ip, ip_octets(ip));
	message_put_attribute(&m, FRA_PRIORITY, &priority, sizeof(priority));
	message_put_attribute(&m, FRA_PROTOCOL, &protocol, sizeof(protocol));
	message_end(&m, w);
}

void address_write_prohibit(struct writer *w, uint32_t seq, const struct addr *ip)
{
	rule_write(w, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, seq, ip);
}

void address_write_allow(struct writer *w, uint32_t seq, const struct addr *ip)
{
	rule_write(w, RTM_DELRULE, 0, seq, ip);
}

void address_ask_all(struct writer *w, uint32_t seq, uint8_t family)
{
	struct ifaddrmsg head = { .ifa_family = family == ADDR_V4 ? AF_INET : AF_INET6 };
	struct address_message m = { .n = 0 };

	message_begin(&m, RTM_GETADDR, NLM_F_DUMP, seq);
	message_put(&m, &head, sizeof(head));
	message_end(&m, w);
}
