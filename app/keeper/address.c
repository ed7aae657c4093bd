/* SPDX-License-Identifier: Apache-2.0 */
#include "app/keeper/address.h"

#include <errno.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "app/keeper/address_message.h"
#include "engine/net/netlink.h"

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
static int address_ask(struct address_link *l, const struct writer *w, bool single,
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

static void address_told(const struct netlink_message *m, void *arg)
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

/* By the routes of whoever has no address yet. */
static struct netlink_message address_way(struct address_link *l, const struct addr *ip)
{
	uint8_t question[QUESTION_MAX];
	struct writer w = writer_over(question, sizeof(question));
	const struct addr from = { .family = ip->family };
	struct address_search s = search_of(ip);

	netlink_ask_way(&w, ++l->seq, &from, ip);
	(void)address_ask(l, &w, true, way_told_to, &s);
	return s.found;
}

enum address_owner address_find(struct address_link *l, const struct addr *ip, uint32_t *ifindex)
{
	uint8_t question[QUESTION_MAX];
	struct writer w = writer_over(question, sizeof(question));
	struct address_search s = search_of(ip);

	address_ask_all(&w, ++l->seq, ip->family);
	(void)address_ask(l, &w, false, address_told, &s);
	*ifindex = s.found.ifindex;
	if (s.found.ifindex)
		return s.found.protocol == KEEPER_PROTOCOL ? ADDRESS_KEEPER : ADDRESS_OTHER;
	return address_way(l, ip).local ? ADDRESS_OTHER : ADDRESS_NOBODY;
}

int address_add(struct address_link *l, uint32_t ifindex, const struct addr *ip)
{
	uint8_t question[QUESTION_MAX];
	struct writer w = writer_over(question, sizeof(question));

	if (ip->family == ADDR_V6) { /* as a rule there is none */
		address_write_allow(&w, ++l->seq, ip);
		(void)address_ask(l, &w, true, NULL, NULL);
		w = writer_over(question, sizeof(question));
	}
	address_write_add(&w, ++l->seq, ifindex, ip);
	return address_ask(l, &w, true, NULL, NULL);
}

int address_delete(struct address_link *l, uint32_t ifindex, const struct addr *ip)
{
	uint8_t question[QUESTION_MAX];
	struct writer w = writer_over(question, sizeof(question));
	int err;

	if (ip->family == ADDR_V6) {
		address_write_prohibit(&w, ++l->seq, ip);
		(void)address_ask(l, &w, true, NULL, NULL);
		w = writer_over(question, sizeof(question));
	}
	address_write_delete(&w, ++l->seq, ifindex, ip);
	err = address_ask(l, &w, true, NULL, NULL);
	return err == -EADDRNOTAVAIL || err == -ENODEV ? 0 : err; /* somebody was faster */
}
