/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Floating addresses in the kernel by rtnetlink: add, delete, find, announce. keeper_run.c calls
 * it, the process that may change addresses. An address that a keeper added has its protocol
 * number, so a later keeper deletes that one and never an operator's. Gratuitous ARP and neighbour
 * advertisements make neighbours change at once.
 */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "app/keeper/address.h"
#include "engine/net/netlink.h"

/* Before other rules, which would be found first. */
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

static void message_start(struct address_message *m, uint16_t type, uint16_t flags, uint32_t seq)
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

static void address_start(struct address_message *m, uint16_t type, uint16_t flags, uint32_t seq,
			  uint32_t ifindex, const struct addr *ip)
{
	struct ifaddrmsg head = { .ifa_family = kernel_family(ip),
				  .ifa_prefixlen = (uint8_t)(ip_octets(ip) * 8),
				  .ifa_scope = RT_SCOPE_UNIVERSE,
				  .ifa_index = ifindex };

	message_start(m, type, flags, seq);
	message_put(m, &head, sizeof(head));
	message_put_attribute(m, IFA_LOCAL, ip->ip, ip_octets(ip));
	message_put_attribute(m, IFA_ADDRESS, ip->ip, ip_octets(ip));
}

/* IPv6: deprecated, so the kernel does not choose it as a source by itself. */
void address_write_add(struct writer *w, uint32_t seq, uint32_t ifindex, const struct addr *ip)
{
	const struct ifa_cacheinfo times = { .ifa_prefered = 0, .ifa_valid = UINT32_MAX };
	const uint32_t flags = IFA_F_NODAD;
	const uint8_t protocol = KEEPER_PROTOCOL;
	struct address_message m = { .n = 0 };

	address_start(&m, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ACK, seq, ifindex, ip);
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

	address_start(&m, RTM_DELADDR, NLM_F_ACK, seq, ifindex, ip);
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

	message_start(&m, type, flags | NLM_F_ACK, seq);
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

	message_start(&m, RTM_GETADDR, NLM_F_DUMP, seq);
	message_put(&m, &head, sizeof(head));
	message_end(&m, w);
}

enum { PATH_LEN = 80, ARP_ANNOUNCE_BEST = 2 };

/* ---- which ---- */

static unsigned mask_bits(const struct sockaddr *mask)
{
	struct addr a;
	unsigned bits = 0;

	if (!mask || addr_from_sockaddr(&a, mask))
		return 0;
	for (size_t i = 0; i < (a.family == ADDR_V4 ? 4U : 16U); i++)
		bits += (unsigned)__builtin_popcount(a.ip[i]);
	return bits;
}

static bool mask_is_whole(const struct addr *a, unsigned bits)
{
	return bits >= (a->family == ADDR_V4 ? 32U : 128U);
}

/* Length of the network with ip; nearly none for the interface that has beside. */
static unsigned entry_worth(const struct ifaddrs *entry, const struct addr *ip,
			    const struct addr *beside)
{
	struct addr own;
	unsigned bits;

	if (!entry->ifa_addr || !(entry->ifa_flags & IFF_UP) ||
	    addr_from_sockaddr(&own, entry->ifa_addr))
		return 0;
	own.scope = 0;
	bits = mask_bits(entry->ifa_netmask);
	if (bits && !mask_is_whole(&own, bits) && addr_is_within(ip, &own, bits))
		return 1 + bits;
	return addr_ip_eq(&own, beside) ? 1 : 0;
}

static int interface_choose(char name[INTERFACE_NAME_MAX], const struct addr *ip,
			    const struct addr *beside)
{
	struct ifaddrs *list, *entry;
	unsigned best = 0;

	if (getifaddrs(&list) < 0)
		return -errno;
	for (entry = list; entry; entry = entry->ifa_next) {
		unsigned worth = entry_worth(entry, ip, beside);

		if (worth <= best)
			continue;
		best = worth;
		(void)snprintf(name, INTERFACE_NAME_MAX, "%s", entry->ifa_name);
	}
	freeifaddrs(list);
	return best ? 0 : -ENODEV;
}

/* ---- what it is ---- */

static int interface_learn(struct interface *out)
{
	struct ifreq r = { 0 };
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err = 0;

	if (s < 0)
		return -errno;
	memcpy(r.ifr_name, out->name, sizeof(out->name));
	out->ifindex = if_nametoindex(out->name);
	if (!out->ifindex || ioctl(s, SIOCGIFHWADDR, &r) < 0)
		err = -ENODEV;
	(void)close(s);
	out->ethernet = !err && r.ifr_hwaddr.sa_family == ARPHRD_ETHER;
	memcpy(out->mac, r.ifr_hwaddr.sa_data, sizeof(out->mac));
	return err;
}

int interface_find(struct interface *out, const char *named, const struct addr *ip,
		   const struct addr *beside)
{
	int err = 0;

	*out = (struct interface){ 0 };
	if (named[0])
		(void)snprintf(out->name, sizeof(out->name), "%s", named);
	else
		err = interface_choose(out->name, ip, beside);
	return err ? err : interface_learn(out);
}

/* ---- source address of its neighbour requests ---- */

static int announce_open(const char *name, int flags)
{
	char path[PATH_LEN];

	(void)snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/arp_announce", name);
	return open(path, flags | O_CLOEXEC);
}

/* The greater of both counts (ip-sysctl). */
static bool announce_is_best(const char *name)
{
	int fd = announce_open(name, O_RDONLY);
	char digit = '0';
	bool read_one = fd >= 0 && read(fd, &digit, 1) == 1;

	if (fd >= 0)
		(void)close(fd);
	return read_one && digit - '0' >= ARP_ANNOUNCE_BEST;
}

static bool announce_set(const char *name)
{
	int fd = announce_open(name, O_WRONLY);
	bool done = fd >= 0 && write(fd, "2", 1) == 1;

	if (fd >= 0)
		(void)close(fd);
	return done;
}

bool interface_asks_as_itself(const struct interface *i)
{
	return !i->ethernet || announce_is_best("all") || announce_is_best(i->name) ||
	       announce_set(i->name);
}

enum { ARP_ETHERNET = 1, ARP_REQUEST = 1, HOP_LIMIT = 255, NA_LEN = 32, OVERRIDE = 0x20 };
/* ff02::1 */
static const uint8_t ALL_NODES[16] = { 0xff, 0x02, [15] = 1 };
static const uint8_t ALL_NODES_MAC[ANNOUNCEMENT_MAC_LEN] = { 0x33, 0x33, 0, 0, 0, 1 };
static const uint8_t EVERYBODY_MAC[ANNOUNCEMENT_MAC_LEN] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

static void link_header_write(struct writer *w, const uint8_t *to, const uint8_t *from,
			      uint16_t type)
{
	writer_mem(w, to, ANNOUNCEMENT_MAC_LEN);
	writer_mem(w, from, ANNOUNCEMENT_MAC_LEN);
	writer_be16(w, type);
}

static void arp_write(struct writer *w, const uint8_t *mac, const struct addr *ip)
{
	link_header_write(w, EVERYBODY_MAC, mac, ETHERTYPE_ARP);
	writer_be16(w, ARP_ETHERNET);
	writer_be16(w, ETHERTYPE_IP);
	writer_u8(w, ANNOUNCEMENT_MAC_LEN);
	writer_u8(w, 4);
	writer_be16(w, ARP_REQUEST);
	writer_mem(w, mac, ANNOUNCEMENT_MAC_LEN);
	writer_mem(w, ip->ip, 4);
	writer_mem(w, (const uint8_t[ANNOUNCEMENT_MAC_LEN]){ 0 }, ANNOUNCEMENT_MAC_LEN);
	writer_mem(w, ip->ip, 4);
}

/* RFC 1071, over the pseudo-header of RFC 8200 8.1 and the message. */
static uint16_t icmp6_sum(const uint8_t *from, const uint8_t *to, const uint8_t *message)
{
	uint32_t sum = NA_LEN + IPPROTO_ICMPV6;

	for (size_t i = 0; i < 16; i += 2)
		sum += (uint32_t)be16_get(from + i) + be16_get(to + i);
	for (size_t i = 0; i < NA_LEN; i += 2)
		sum += be16_get(message + i);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void advertisement_write(struct writer *w, const uint8_t *mac, const struct addr *ip)
{
	uint8_t *message;

	link_header_write(w, ALL_NODES_MAC, mac, ETHERTYPE_IPV6);
	writer_be32(w, UINT32_C(6) << 28);
	writer_be16(w, NA_LEN);
	writer_u8(w, IPPROTO_ICMPV6);
	writer_u8(w, HOP_LIMIT);
	writer_mem(w, ip->ip, 16);
	writer_mem(w, ALL_NODES, 16);
	message = w->p + w->n;
	writer_be16(w, (uint16_t)(ND_NEIGHBOR_ADVERT << 8));
	writer_be16(w, 0); /* the checksum, below */
	writer_be32(w, (uint32_t)OVERRIDE << 24);
	writer_mem(w, ip->ip, 16);
	writer_u8(w, ND_OPT_TARGET_LINKADDR);
	writer_u8(w, 1);
	writer_mem(w, mac, ANNOUNCEMENT_MAC_LEN);
	be16_put(message + 2, icmp6_sum(ip->ip, ALL_NODES, message));
}

size_t announcement_write(uint8_t out[ANNOUNCEMENT_MAX], const uint8_t mac[ANNOUNCEMENT_MAC_LEN],
			  const struct addr *ip)
{
	struct writer w = writer_over(out, ANNOUNCEMENT_MAX);

	if (ip->family == ADDR_V4)
		arp_write(&w, mac, ip);
	else
		advertisement_write(&w, mac, ip);
	return w.n;
}

enum { QUESTION_MAX = 128, ANSWER_MAX = 32768, PATIENCE_S = 1 };

int address_open(struct address_link *l)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S };

	l->seq = 0;
	l->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (l->fd < 0)
		return -errno;
	return setsockopt(l->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ? -errno : 0;
}

typedef void address_told_fn(const struct netlink_message *m, void *arg);

/* Messages of one answer; true: its last was there. */
static bool answer_read(struct address_link *l, struct bytes rest, int *error, address_told_fn *fn,
			void *arg)
{
	struct netlink_message m;

	while (netlink_next(&rest, &m) == 0) {
		if (m.seq != l->seq)
			continue;
		if (m.kind == NETLINK_ERROR)
			*error = m.error;
		if (m.kind == NETLINK_WAY && fn)
			fn(&m, arg);
		if (m.kind == NETLINK_ERROR || m.kind == NETLINK_DONE)
			return true;
	}
	return false;
}

/* single: the answer is one message. 0 or -errno. */
static int address_request(struct address_link *l, const struct writer *w, bool single,
			   address_told_fn *fn, void *arg)
{
	static _Alignas(8) uint8_t buffer[ANSWER_MAX];
	int error = 0;

	if (send(l->fd, w->p, w->n, 0) != (ssize_t)w->n)
		return -errno;
	for (;;) {
		ssize_t n = recv(l->fd, buffer, sizeof(buffer), 0);

		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		if (answer_read(l, bytes_mem(buffer, (size_t)n), &error, fn, arg) || single)
			return error;
	}
}

struct address_search {
	struct addr ip;
	struct netlink_message found; /* ifindex 0: nothing */
};

static void address_on_netlink(const struct netlink_message *m, void *arg)
{
	struct address_search *s = arg;

	if (m->local && addr_ip_eq(&m->to, &s->ip))
		s->found = *m;
}

static void way_told_to(const struct netlink_message *m, void *arg)
{
	((struct address_search *)arg)->found = *m;
}

static struct address_search search_of(const struct addr *ip)
{
	struct address_search s = { .ip = *ip };

	s.ip.port = 0;
	s.ip.scope = 0;
	return s;
}

/* By the routes, if no interface has the address yet. */
static struct netlink_message address_way(struct address_link *l, const struct addr *ip)
{
	uint8_t question[QUESTION_MAX];
	struct writer w = writer_over(question, sizeof(question));
	const struct addr from = { .family = ip->family };
	struct address_search s = search_of(ip);

	netlink_request_route(&w, ++l->seq, &from, ip);
	(void)address_request(l, &w, true, way_told_to, &s);
	return s.found;
}

enum address_owner address_find(struct address_link *l, const struct addr *ip, uint32_t *ifindex)
{
	uint8_t question[QUESTION_MAX];
	struct writer w = writer_over(question, sizeof(question));
	struct address_search s = search_of(ip);

	address_ask_all(&w, ++l->seq, ip->family);
	(void)address_request(l, &w, false, address_on_netlink, &s);
	*ifindex = s.found.ifindex;
	if (s.found.ifindex)
		return s.found.protocol == KEEPER_PROTOCOL ? ADDRESS_KEEPER : ADDRESS_OTHER;
	return address_way(l, ip).local ? ADDRESS_OTHER : ADDRESS_NOBODY;
}

int address_add(struct address_link *l, uint32_t ifindex, const struct addr *ip)
{
	uint8_t question[QUESTION_MAX];
	struct writer w = writer_over(question, sizeof(question));

	if (ip->family == ADDR_V6) { /* usually it does not exist */
		address_write_allow(&w, ++l->seq, ip);
		(void)address_request(l, &w, true, NULL, NULL);
		w = writer_over(question, sizeof(question));
	}
	address_write_add(&w, ++l->seq, ifindex, ip);
	return address_request(l, &w, true, NULL, NULL);
}

int address_delete(struct address_link *l, uint32_t ifindex, const struct addr *ip)
{
	uint8_t question[QUESTION_MAX];
	struct writer w = writer_over(question, sizeof(question));
	int err;

	if (ip->family == ADDR_V6) {
		address_write_prohibit(&w, ++l->seq, ip);
		(void)address_request(l, &w, true, NULL, NULL);
		w = writer_over(question, sizeof(question));
	}
	address_write_delete(&w, ++l->seq, ifindex, ip);
	err = address_request(l, &w, true, NULL, NULL);
	return err == -EADDRNOTAVAIL || err == -ENODEV ? 0 : err; /* deleted meanwhile */
}
