/* SPDX-License-Identifier: Apache-2.0 */
/* The keeper's process: carries out orders of the node, announces addresses (gratuitous ARP and
 * neighbour advertisements), and at the node's end deletes all of them. Only when all are deleted
 * does it send the notices of the death: then other nodes may take the addresses. A lock keeps the
 * keepers of two starts apart. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/child/descriptors.h"
#include "app/keeper/address.h"
#include "app/keeper/hook.h"
#include "app/keeper/keeper.h"
#include "app/keeper/sockets.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/privilege.h"
#include "engine/port/xdp_forwards.h"

/* A keeper needs a few ms after the end of its node. */
enum { PATIENCE_TURNS = 100, KILLED_TURNS = 1000, TURN_US = 1000 };

static bool lock_try(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(fd, F_SETLK, &lock) == 0;
}

static bool lock_await(int fd, int turns)
{
	while (turns-- > 0) {
		if (lock_try(fd))
			return true;
		(void)usleep(TURN_US);
	}
	return false;
}

static void holder_kill(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK || lock.l_pid <= 0)
		return;
	LOG_WARN("keeper", 0, "the keeper of an earlier start hangs: it is ended",
		 LOG_INT("pid", lock.l_pid));
	(void)kill(lock.l_pid, SIGKILL);
}

/* Locks this node's keepers, a descriptor;
 * waits for the former keeper, and kills it if that takes long. -errno */
static int keeper_lock(const char *dir)
{
	char path[PATH_MAX];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/keeper", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (lock_await(fd, PATIENCE_TURNS))
		return fd;
	holder_kill(fd);
	if (lock_await(fd, KILLED_TURNS))
		return fd;
	(void)close(fd);
	return -EBUSY;
}

/* Those that there are by now, and have frames of Ethernet: loopback's go nowhere. */
static uint32_t interfaces_of(const struct keeper_settings *s,
			      struct interface out[EGRESS_INTERFACES_MAX])
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < s->count && count < EGRESS_INTERFACES_MAX; i++) {
		const struct keeper_address *a = &s->addresses[i];
		struct interface *at = &out[count];

		if (!interface_find(at, a->interface, &a->ip, &s->beside) && at->ethernet)
			count++;
	}
	return count;
}

static int addresses_watch(struct egress *e, const struct keeper_settings *s)
{
	int err = 0;

	for (uint32_t i = 0; i < s->count && !err; i++)
		err = egress_address(e, &s->addresses[i].ip, s->addresses[i].place);
	return err;
}

static int backstop_open(struct egress *out, const struct keeper_settings *s,
			 char why[EGRESS_WHY_MAX])
{
	struct interface interfaces[EGRESS_INTERFACES_MAX];
	const char *names[EGRESS_INTERFACES_MAX];
	uint32_t count = interfaces_of(s, interfaces);
	int err;

	for (uint32_t i = 0; i < count; i++)
		names[i] = interfaces[i].name;
	if (!count)
		return -ENODEV;
	err = egress_open(out, names, count, why);
	if (err)
		return err;
	err = addresses_watch(out, s);
	if (err)
		egress_close(out);
	return err;
}

/* Drops packets from these addresses on their interfaces once the time of their place is past.
 * False: it does not, which is reported; or none of them has Ethernet frames. */
static bool keeper_backstop(struct egress *out, const struct keeper_settings *s)
{
	char why[EGRESS_WHY_MAX] = "two shards have one address";
	int err = backstop_open(out, s, why);

	if (err && err != -ENODEV)
		LOG_WARN("keeper", 0,
			 "what the kernel says for a node that stands still is not withheld",
			 LOG_STR("reason", why));
	return !err;
}

/* Writing a core may take seconds, while the kernel closes nothing.
 * So the keeper is told of a crash before. */

static const int CRASHES[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };

static int g_orders = -1;

/* Less than an order is the end. Then the signal does what it does. */
static void on_crash(int signal)
{
	(void)!send(g_orders, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)raise(signal);
}

/* What a sanitizer handles stays with it. */
void keeper_on_crash_notify(int orders)
{
	struct sigaction crash = { .sa_handler = on_crash, .sa_flags = SA_RESETHAND | SA_NODEFER };

	g_orders = orders;
	for (size_t i = 0; i < COUNT_OF(CRASHES); i++) {
		struct sigaction now;

		if (sigaction(CRASHES[i], NULL, &now) == 0 && now.sa_handler == SIG_DFL)
			(void)sigaction(CRASHES[i], &crash, NULL);
	}
}

/* At once, then again in case of loss;
 * and regularly for neighbours that heard of another owner meanwhile. */
#define ANNOUNCE_NS (100 * NS_PER_MS)
#define REFRESH_NS  (5 * NS_PER_S)

enum { ANNOUNCEMENTS = 8, GONE_REPEATS = 3, GONE_PAUSE_US = 20 * 1000 };

struct kept {
	struct addr ip;
	struct interface at;
	unsigned announced;
	uint64_t announce_ns; /* when it is due again */
};

struct notice {
	struct addr to;
	size_t n;
	uint8_t datagram[KEEPER_DATAGRAM_MAX];
};

struct process {
	int orders, lock, packet, udp, udp6;
	struct addr beside;
	struct address_link link;
	struct egress egress;
	struct kept kept[KEEPER_ADDRESSES_MAX];
	uint32_t kept_count;
	struct notice notices[KEEPER_PEERS_MAX];
	uint32_t gone_sent;
	struct sockets_kept sockets;
	struct hook hook;
	const struct keeper_settings *settings;
};

/* ---- announcements ---- */

static void announce(const struct process *p, struct kept *k, uint64_t now_ns)
{
	uint8_t frame[ANNOUNCEMENT_MAX];
	size_t n = announcement_write(frame, k->at.mac, &k->ip);
	const struct sockaddr_ll to = { .sll_family = AF_PACKET,
					.sll_ifindex = (int)k->at.ifindex };

	(void)sendto(p->packet, frame, n, MSG_DONTWAIT, (const struct sockaddr *)&to, sizeof(to));
	k->announced++;
	k->announce_ns = now_ns + (k->announced < ANNOUNCEMENTS ? ANNOUNCE_NS : REFRESH_NS);
}

/* Until the next one is due, for poll(2). */
static int announce_due(struct process *p)
{
	uint64_t now_ns = clock_now_ns(), next_ns = UINT64_MAX;

	for (uint32_t i = 0; i < p->kept_count; i++) {
		struct kept *k = &p->kept[i];

		if (k->announce_ns <= now_ns)
			announce(p, k, now_ns);
		if (k->announce_ns < next_ns)
			next_ns = k->announce_ns;
	}
	return next_ns == UINT64_MAX ? -1 : (int)((next_ns - now_ns) / NS_PER_MS) + 1;
}

/* ---- addresses ---- */

static struct kept *kept_find(struct process *p, const struct addr *ip)
{
	for (uint32_t i = 0; i < p->kept_count; i++) {
		if (addr_ip_eq(&p->kept[i].ip, ip))
			return &p->kept[i];
	}
	return NULL;
}

static int kept_add(struct process *p, const struct addr *ip, const struct interface *at)
{
	struct kept *k = &p->kept[p->kept_count];
	int err;

	if (p->kept_count == KEEPER_ADDRESSES_MAX)
		return -ENOSPC;
	if (at->ethernet && p->packet < 0)
		return -EPERM; /* nobody would hear of it */
	err = address_add(&p->link, at->ifindex, ip);
	if (err)
		return err;
	p->kept_count++;
	*k = (struct kept){ .ip = *ip, .at = *at, .announce_ns = UINT64_MAX };
	if (at->ethernet)
		announce(p, k, clock_now_ns());
	return 0;
}

static int kept_address_add(struct process *p, const struct keeper_order *order,
			    struct keeper_answer *answer)
{
	struct interface at;
	uint32_t ifindex;
	int err;

	if (kept_find(p, &order->address))
		return 0;
	answer->standing = address_find(&p->link, &order->address, &ifindex) == ADDRESS_OTHER;
	if (answer->standing)
		return 0;
	err = interface_find(&at, order->interface, &order->address, &p->beside);
	if (err)
		return err;
	memcpy(answer->interface, at.name, sizeof(at.name));
	err = kept_add(p, &order->address, &at);
	answer->may_flip =
		!err && order->address.family == ADDR_V4 && !interface_asks_as_itself(&at);
	return err;
}

static int address_leave(struct process *p, const struct addr *ip)
{
	struct kept *k = kept_find(p, ip);
	int err;

	if (!k)
		return 0;
	err = address_delete(&p->link, k->at.ifindex, ip);
	*k = p->kept[--p->kept_count];
	return err;
}

/* The operator's program moves it, if this machine cannot: then nothing is wrong. */
static void hook_on_refusal(const struct process *p, struct keeper_answer *answer)
{
	const struct keeper_settings *s = p->settings;

	if (p->hook.fd < 0)
		return;
	answer->hooked = answer->error == -EPERM || answer->error == -ENODEV;
	if (answer->hooked)
		answer->error = 0;
	for (uint32_t i = 0; !answer->error && i < s->count; i++) {
		if (addr_ip_eq(&s->addresses[i].ip, &answer->address))
			hook_send(&p->hook, HOOK_ADD, &answer->address, s->addresses[i].shard);
	}
}

static void hook_leave(const struct process *p, const struct addr *ip)
{
	const struct keeper_settings *s = p->settings;

	for (uint32_t i = 0; i < s->count; i++) {
		if (addr_ip_eq(&s->addresses[i].ip, ip))
			hook_send(&p->hook, HOOK_DELETE, ip, s->addresses[i].shard);
	}
}

/* What a keeper left that was killed itself: another node may have it by now. */
static void leftover_delete(struct process *p, const struct addr *ip)
{
	uint32_t ifindex;

	if (address_find(&p->link, ip, &ifindex) != ADDRESS_KEEPER)
		return;
	LOG_WARN("keeper", 0, "an address is left from an earlier start: it is deleted",
		 LOG_ADDR("address", ip));
	(void)!address_delete(&p->link, ifindex, ip);
}

/* ---- orders ---- */

static void gone_note_add(struct process *p, const struct keeper_order *order, size_t n)
{
	uint32_t i = 0;

	while (i < p->gone_sent && !addr_eq(&p->notices[i].to, &order->address))
		i++;
	if (i == KEEPER_PEERS_MAX)
		return;
	if (i == p->gone_sent)
		p->gone_sent++;
	p->notices[i].to = order->address;
	p->notices[i].n = n;
	memcpy(p->notices[i].datagram, order->datagram, n);
}

static void order_answer(const struct process *p, const struct keeper_answer *answer)
{
	keeper_answer_send(p->orders, answer, NULL, 0);
}

static void backstop_send(const struct process *p)
{
	struct keeper_answer told;
	int fds[EGRESS_FDS_MAX];
	uint32_t count = egress_fds(&p->egress, fds);

	memset(&told, 0, sizeof(told));
	told.event = KEEPER_BACKSTOP;
	keeper_answer_send(p->orders, &told, fds, count);
}

/* What the process before left, once; the next thing that is said of that is this one's. */
static void left_remains_send(const struct process *p)
{
	const struct remains *r = &p->sockets.remains;
	struct keeper_answer told;

	memset(&told, 0, sizeof(told));
	told.event = KEEPER_REMAINS;
	told.word_n = r->word_n;
	memcpy(told.word, r->word, r->word_n);
	keeper_answer_send(p->orders, &told, r->fds, r->fd_count);
}

static void remains_note(struct process *p, const struct keeper_order *order, size_t word_n,
			 const int *fds, uint32_t count)
{
	struct remains r = { .fd_count = count };

	r.word_n = (uint32_t)(word_n < sizeof(r.word) ? word_n : sizeof(r.word));
	memcpy(r.word, order->datagram, r.word_n);
	memcpy(r.fds, fds, sizeof(int) * count);
	if (p->sockets.flows)
		sockets_kept_remain(&p->sockets, &r);
	else
		remains_close(&r);
}

static void order_do(struct process *p, const struct keeper_order *order, size_t datagram,
		     const int *fds, uint32_t fd_count)
{
	struct keeper_answer answer;

	memset(&answer, 0, sizeof(answer));
	answer.address = order->address;
	switch (order->word) {
	case KEEPER_CLAIM:
		answer.event = KEEPER_TAKEN;
		answer.error = kept_address_add(p, order, &answer);
		hook_on_refusal(p, &answer);
		order_answer(p, &answer);
		return;
	case KEEPER_LEAVE:
		answer.event = KEEPER_LEFT;
		answer.error = address_leave(p, &order->address);
		hook_leave(p, &order->address);
		order_answer(p, &answer);
		return;
	case KEEPER_GONE:
		gone_note_add(p, order, datagram);
		return;
	case KEEPER_REMAIN:
		remains_note(p, order, datagram, fds, fd_count);
		return;
	}
}

/* False: the node is gone. */
static bool order_receive(struct process *p)
{
	int fds[REMAINS_FDS_MAX + 1];
	uint32_t fd_count = REMAINS_FDS_MAX;
	struct keeper_order order;
	ssize_t n =
		descriptors_receive(p->orders, &order, sizeof(order), fds, &fd_count, MSG_DONTWAIT);
	size_t head = offsetof(struct keeper_order, datagram);

	if (n < 0)
		return n == -EAGAIN || n == -EMFILE ||
		       n == -ECONNRESET; /* what it has not read is lost, what it said is not */
	if ((size_t)n < head)
		return false;
	order.interface[KEEPER_INTERFACE_MAX - 1] = '\0';
	order_do(p, &order, (size_t)n - head, fds, fd_count);
	return true;
}

/* ---- the end ---- */

/* False: one is still there, so nobody may take it for given up. */
static bool all_leave(struct process *p)
{
	bool all = true;

	for (uint32_t i = p->kept_count; i-- > 0;) {
		const struct addr ip = p->kept[i].ip;
		int err = address_leave(p, &ip);

		if (err)
			LOG_ERROR("keeper", 0,
				  "an address of a node that is gone cannot be deleted",
				  LOG_ADDR("address", &ip), LOG_STR("error", strerror(-err)));
		all &= !err;
	}
	return all;
}

static void gone_send(const struct process *p)
{
	for (uint32_t i = 0; i < p->gone_sent; i++) {
		const struct notice *notice = &p->notices[i];
		struct sockaddr_storage sa;
		socklen_t n = addr_to_sockaddr(&notice->to, &sa);
		int fd = notice->to.family == ADDR_V4 ? p->udp : p->udp6;

		if (notice->n)
			(void)sendto(fd, notice->datagram, notice->n, MSG_DONTWAIT,
				     (const struct sockaddr *)&sa, n);
	}
}

static bool others_are_notified(const struct process *p)
{
	bool told = false;

	for (uint32_t i = 0; i < p->gone_sent; i++)
		told |= p->notices[i].n != 0;
	return told;
}

/* Nodes that are told of the death then own the shards. */
static void forwarding_end(struct process *p)
{
	struct remains *r = &p->sockets.remains;

	if (r->fd_count > XDP_FORWARDS_FENCE && others_are_notified(p) &&
	    !xdp_forwards_end(r->fds[XDP_FORWARDS_FENCE]))
		remains_close(r);
}

/* Other nodes take over floating addresses, perhaps on this machine:
 * packets would reach our sockets as well. */
static void sockets_leave(struct process *p)
{
	const struct keeper_settings *s = p->settings;
	bool told = others_are_notified(p);

	for (uint32_t i = 0; told && i < s->count; i++)
		sockets_kept_leave(&p->sockets, &s->addresses[i].ip);
}

static void process_end(struct process *p)
{
	uint32_t count = p->kept_count;
	bool all;

	forwarding_end(p);
	all = all_leave(p);

	if (all) {
		gone_send(p);
		sockets_leave(p);
		hook_send(&p->hook, HOOK_DELETE_ALL, NULL, 0);
	}
	hook_close(&p->hook);
	(void)close(p->lock); /* a new node need not wait for the rest */
	(void)close(p->orders);
	LOG_INFO("keeper", 0, "the node is gone: its addresses are deleted",
		 LOG_U64("addresses", count));
	for (unsigned i = 1; all && p->gone_sent && i < GONE_REPEATS; i++) {
		(void)usleep(GONE_PAUSE_US);
		gone_send(p);
	}
}

/* ---- its life ---- */

static void sockets_open_in(struct process *p, int sockets, const struct keeper_settings *s)
{
	int err = chdir(s->dir) < 0 ? -errno : sockets_kept_open(&p->sockets, sockets, s->flows);

	if (err)
		LOG_WARN("keeper", 0, "media sockets are not held",
			 LOG_STR("error", strerror(-err)));
	if (err)
		sockets_kept_close(&p->sockets);
}

static void hook_open(struct process *p, const struct keeper_settings *s)
{
	const struct hook_settings hook = { s->dir, s->hook, s->node, HOOK_LIMIT_NS };
	int err = s->hook && s->count ? hook_fork(&p->hook, &hook) : 0;

	if (err)
		LOG_ERROR("keeper", 0, "the address hook cannot be run",
			  LOG_STR("error", strerror(-err)));
}

/* Programs that have ended. */
static void hook_on_ended(struct process *p)
{
	struct keeper_answer answer;
	enum hook_result result = HOOK_DONE;
	int err;

	do {
		memset(&answer, 0, sizeof(answer));
		err = hook_receive(&p->hook, &result, &answer.address);
		answer.event = KEEPER_HOOKED;
		answer.error = (int)result;
		if (!err)
			order_answer(p, &answer);
	} while (!err);
	if (err == -EAGAIN)
		return;
	LOG_ERROR("keeper", 0,
		  "the process that runs the address hook is gone: the program is run no more "
		  "until the node is started again");
	hook_close(&p->hook);
}

static int process_open(struct process *p, int sockets, const struct keeper_settings *s)
{
	int err = 0;

	p->lock = keeper_lock(s->dir);
	if (p->lock < 0)
		return p->lock;
	hook_open(p, s);
	if (sockets >= 0)
		sockets_open_in(p, sockets, s);
	left_remains_send(p);
	if (p->sockets.flows)
		sockets_kept_start(&p->sockets);
	if (keeper_backstop(&p->egress, s))
		backstop_send(p);
	if (s->count)
		privilege_drop_to_network();
	else
		privilege_drop_all();
	p->packet = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0); /* receives nothing */
	p->udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	p->udp6 = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	err = address_open(&p->link);
	for (uint32_t i = 0; i < s->count && !err; i++)
		leftover_delete(p, &s->addresses[i].ip);
	return err;
}

/* Until the node is gone. */
static void process_read(struct process *p)
{
	struct pollfd wait[] = { { .fd = p->orders, .events = POLLIN },
				 { .fd = -1, .events = POLLIN },
				 { .fd = -1, .events = POLLIN } };

	do {
		wait[1].fd = p->sockets.flows ? p->sockets.node : -1;
		wait[2].fd = p->hook.fd;
		(void)poll(wait, COUNT_OF(wait), announce_due(p));
		if (wait[2].revents & (POLLIN | POLLHUP))
			hook_on_ended(p);
		if (wait[1].revents & (POLLIN | POLLHUP))
			sockets_kept_receive(&p->sockets);
	} while (!(wait[0].revents & (POLLIN | POLLHUP)) || order_receive(p));
}

void keeper_run(int orders, int sockets, const struct keeper_settings *s)
{
	struct process *p = calloc(1, sizeof(*p));
	int err = p ? 0 : -ENOMEM;

	if (!err) {
		p->orders = orders;
		p->beside = s->beside;
		p->settings = s;
		p->sockets.node = p->sockets.listener = p->hook.fd = -1;
		err = process_open(p, sockets, s);
	}
	if (err) {
		LOG_ERROR("keeper", 0, "addresses cannot be kept",
			  LOG_STR("error", strerror(-err)));
		free(p);
		return;
	}
	process_read(p);
	process_end(p);
	egress_close(&p->egress);
	if (p->sockets.flows)
		sockets_kept_outlive(&p->sockets);
	sockets_kept_close(&p->sockets);
	free(p);
}
