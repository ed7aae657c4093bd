/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cache of routes and neighbours for ports that write their own frames (AF_XDP, DPDK). It asks
 * the kernel by rtnetlink once per destination, and follows its notifications, so the kernel's
 * routing (policy, VLANs, gateways) stays the only configuration. An unknown or doubtful
 * destination has no next hop: its packets leave through a socket, which makes the kernel resolve
 * or confirm the neighbour. Answers expire, because learned path MTUs are not announced.
 */

#include <assert.h>
#include <errno.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "engine/net/netlink.h"
#include "engine/net/next_hop.h"

enum {
	HOP_WAYS = 8, /* of both caches: entries that one hash may have */
	HOP_LINKS_MAX = 256,
	HOP_QUESTIONS_ROOM = 2048, /* octets: some thirty */
	HOP_READ_ROOM = 32768,
	/* the bits of seq, which tell what a question was about */
	HOP_SEQ_STATION = 1 << 30,
	HOP_SEQ_LINKS = 1 << 29,
	HOP_SEQ_INDEX = (1 << 24) - 1,
};

struct hop_link {
	uint32_t ifindex; /* 0: free */
	uint32_t device;
	uint32_t mtu;
	uint16_t vlan;
	bool up;
	uint8_t mac[FRAME_MAC_LEN];
};

/* A neighbour: gateway or party. */
struct hop_station {
	struct addr ip; /* ADDR_NONE: free */
	uint32_t ifindex;
	uint16_t state;
	bool told; /* the kernel answered, whatever */
	uint8_t mac[FRAME_MAC_LEN];
	uint64_t used_ns, asked_ns, confirmed_ns, doubted_ns;
};

/* A destination, by the routes of a source. */
struct hop_way {
	struct addr from, to; /* ADDR_NONE: free; port 0 */
	struct addr gateway;
	uint32_t ifindex;       /* 0: not by our devices */
	uint32_t link, station; /* indexes, to be checked */
	uint32_t mtu;
	uint8_t hops;
	bool told;
	uint32_t epoch; /* of the answer */
	uint64_t used_ns, asked_ns, told_ns;
};

struct next_hops {
	struct next_hop_settings settings;
	int fd;
	uint32_t port; /* ours, in netlink */
	uint32_t mask;
	struct hop_way *ways;
	struct hop_station *stations;
	struct hop_link links[HOP_LINKS_MAX];
	uint32_t epoch; /* counts changes of routes */
	uint64_t epoch_ns;
	bool changed;     /* since the epoch began */
	bool doubted;     /* likewise */
	uint32_t trusted; /* answers of earlier epochs are not used */
	uint8_t questions[HOP_QUESTIONS_ROOM];
	struct writer writer;
	uint8_t read[HOP_READ_ROOM];
};

static inline bool hop_is_time(uint64_t since_ns, uint64_t now_ns, uint64_t after_ns)
{
	return since_ns == 0 || now_ns - since_ns >= after_ns;
}

/* The kernel's messages about links, neighbours and routes, requested or not. */

enum { READS = 16 /* at a time */ };

/* A flapping route must not have us ask for each packet. */
#define CHANGE_NS (100 * NS_PER_MS)

/* ---- links ---- */

/* ifindex 0: a free place. NULL: not found. */
static struct hop_link *next_hop_link(struct next_hops *t, uint32_t ifindex)
{
	for (uint32_t i = 0; i < HOP_LINKS_MAX; i++)
		if (t->links[i].ifindex == ifindex)
			return &t->links[i];
	return NULL;
}

static bool device_is(const struct next_hops *t, uint32_t ifindex, uint32_t *out)
{
	for (uint32_t i = 0; ifindex && i < t->settings.device_count; i++)
		if (t->settings.ifindex[i] == ifindex) {
			*out = i;
			return true;
		}
	return false;
}

/* The device by which a link sends, and the tag it then needs. */
static bool device_of(const struct next_hops *t, const struct netlink_message *m, uint32_t *out,
		      uint16_t *vlan)
{
	*vlan = 0; /* a VLAN that is itself one of ours writes its tag itself */
	if (device_is(t, m->ifindex, out))
		return true;
	*vlan = m->vlan;
	return device_is(t, m->parent, out);
}

static void link_on_message(struct next_hops *t, const struct netlink_message *m)
{
	struct hop_link *l = next_hop_link(t, m->ifindex);
	uint32_t device;
	uint16_t vlan;

	t->changed = true;
	if (m->deleted || !m->has_mac || !m->ethernet || !device_of(t, m, &device, &vlan)) {
		if (l)
			*l = (struct hop_link){ 0 };
		return;
	}
	if (!l)
		l = next_hop_link(t, 0);
	if (!l)
		return; /* its packets go through the kernel */
	*l = (struct hop_link){
		.ifindex = m->ifindex, .device = device, .mtu = m->mtu, .vlan = vlan, .up = m->up
	};
	memcpy(l->mac, m->mac, sizeof(l->mac));
}

bool next_hops_has_vlan(const struct next_hops *t, uint32_t device, uint16_t vlan)
{
	for (uint32_t i = 0; i < HOP_LINKS_MAX; i++) {
		const struct hop_link *l = &t->links[i];

		if (l->ifindex && l->device == device && l->vlan == vlan && l->up)
			return true;
	}
	return false;
}

/* ---- ways and stations ---- */

static void route_on_message(struct next_hops *t, const struct netlink_message *m, uint64_t now_ns)
{
	struct hop_way *w = &t->ways[m->seq & HOP_SEQ_INDEX];
	bool ours = m->kind == NETLINK_WAY && m->unicast && m->ifindex &&
		    next_hop_link(t, m->ifindex) != NULL;

	/* the entry may be another's by now */
	if (!w->to.family || (m->kind == NETLINK_WAY && !addr_ip_eq(&m->to, &w->to)))
		return;
	w->told = true;
	w->asked_ns = 0;
	w->told_ns = now_ns;
	w->epoch = t->epoch;
	w->ifindex = ours ? m->ifindex : 0;
	w->gateway = m->gateway;
	w->mtu = m->mtu;
	w->hops = (uint8_t)(m->hops <= UINT8_MAX ? m->hops : 0);
}

static bool station_is(const struct hop_station *s, uint32_t ifindex, const struct addr *ip)
{
	return s->ip.family && s->ifindex == ifindex && addr_ip_eq(&s->ip, ip);
}

static uint32_t bucket(const struct next_hops *t, const void *key, size_t n)
{
	return (uint32_t)hash_sip(&t->settings.key, bytes_mem(key, n)) & t->mask;
}

static struct hop_station *stations_of(struct next_hops *t, uint32_t ifindex, const struct addr *ip)
{
	struct {
		uint8_t ip[16];
		uint32_t ifindex;
	} key = { .ifindex = ifindex };

	memcpy(key.ip, ip->ip, sizeof(key.ip));
	return &t->stations[bucket(t, &key, sizeof(key)) * HOP_WAYS];
}

/* NULL: not in our table. */
static struct hop_station *next_hop_station(struct next_hops *t, uint32_t ifindex,
					    const struct addr *ip)
{
	struct hop_station *s = stations_of(t, ifindex, ip);

	for (uint32_t i = 0; i < HOP_WAYS; i++)
		if (station_is(&s[i], ifindex, ip))
			return &s[i];
	return NULL;
}

static void station_on_message(struct next_hops *t, const struct netlink_message *m)
{
	struct hop_station *s = next_hop_station(t, m->ifindex, &m->to);

	if (!s)
		return; /* not in our table */
	s->told = true;
	s->state = m->deleted || !m->has_mac ? 0 : m->neighbour;
	if (m->has_mac)
		memcpy(s->mac, m->mac, sizeof(s->mac));
}

/* To a question: there is no such neighbour, or no way. */
static void error_on_message(struct next_hops *t, const struct netlink_message *m, uint64_t now_ns)
{
	if (m->error == 0 || (m->seq & HOP_SEQ_LINKS))
		return;
	if (!(m->seq & HOP_SEQ_STATION))
		route_on_message(t, m, now_ns);
	else
		t->stations[m->seq & HOP_SEQ_INDEX].told = true;
}

static bool seq_is_ours(const struct next_hops *t, const struct netlink_message *m)
{
	return m->port == t->port && (m->seq & HOP_SEQ_INDEX) < (t->mask + 1) * HOP_WAYS;
}

static void next_hops_on_message(struct next_hops *t, const struct netlink_message *m,
				 uint64_t now_ns)
{
	switch (m->kind) {
	case NETLINK_OTHER:
	case NETLINK_DONE:
		break;
	case NETLINK_ERROR:
		if (seq_is_ours(t, m))
			error_on_message(t, m, now_ns);
		break;
	case NETLINK_WAY:
		if (seq_is_ours(t, m))
			route_on_message(t, m, now_ns);
		else
			t->changed = true;
		break;
	case NETLINK_NEIGHBOUR:
		station_on_message(t, m);
		break;
	case NETLINK_LINK:
		link_on_message(t, m);
		break;
	}
}

void next_hops_flush(struct next_hops *t)
{
	if (t->writer.n > 0)
		(void)send(t->fd, t->questions, t->writer.n, MSG_DONTWAIT);
	t->writer = writer_over(t->questions, sizeof(t->questions));
}

/* Asks for all links, at once. */
static void next_hops_request_links(struct next_hops *t)
{
	netlink_request_links(&t->writer, HOP_SEQ_LINKS);
	next_hops_flush(t);
}

/* The kernel had more to tell than fitted: nothing is certain any more. */
static void overrun(struct next_hops *t)
{
	for (uint32_t i = 0; i < (t->mask + 1) * HOP_WAYS; i++)
		t->stations[i].told = false;
	t->changed = true;
	next_hops_request_links(t);
}

static void epoch_move(struct next_hops *t, uint64_t now_ns)
{
	if (!t->changed || !hop_is_time(t->epoch_ns, now_ns, CHANGE_NS))
		return;
	t->epoch++;
	if (t->doubted)
		t->trusted = t->epoch;
	t->changed = t->doubted = false;
	t->epoch_ns = now_ns;
}

void next_hops_device(struct next_hops *t, uint32_t device, uint32_t ifindex)
{
	t->settings.ifindex[device] = ifindex;
	overrun(t); /* its messages came while it was unknown */
}

void next_hops_doubt(struct next_hops *t)
{
	t->changed = t->doubted = true;
}

void next_hops_on_messages(struct next_hops *t, struct bytes messages, uint64_t now_ns)
{
	struct netlink_message m;

	while (netlink_next(&messages, &m) == 0)
		next_hops_on_message(t, &m, now_ns);
	epoch_move(t, now_ns);
}

void next_hops_read(struct next_hops *t, uint64_t now_ns)
{
	for (int i = 0; i < READS; i++) {
		ssize_t n = recv(t->fd, t->read, sizeof(t->read), MSG_DONTWAIT);

		if (n < 0 && errno == ENOBUFS)
			overrun(t);
		else if (n <= 0)
			break;
		else
			next_hops_on_messages(t, bytes_mem(t->read, (size_t)n), now_ns);
	}
	epoch_move(t, now_ns);
}

enum {
	RECEIVE_BUFFER = 1 << 20,
	VALID = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT | NUD_NOARP,
};

/* Of those that have no RTMGRP_ name. */
#define GROUP_OF(group) (UINT32_C(1) << ((group)-1))

/* How long an answer is valid: learned path MTUs are not announced. */
#define WAY_LIFE_NS (10 * NS_PER_S)
/* How long until an unanswered request is repeated. */
#define ASK_AGAIN_NS NS_PER_S
/* How often a packet goes through the kernel that it may confirm a neighbour. */
#define CONFIRM_NS NS_PER_S

/* ---- both caches: a hash, and the least used of its entries gives way ---- */

static struct hop_station *station_claim(struct next_hops *t, uint32_t ifindex,
					 const struct addr *ip)
{
	struct hop_station *s = stations_of(t, ifindex, ip), *oldest = s;

	for (uint32_t i = 0; i < HOP_WAYS; i++) {
		if (station_is(&s[i], ifindex, ip))
			return &s[i];
		if (!s[i].ip.family || (oldest->ip.family && s[i].used_ns < oldest->used_ns))
			oldest = &s[i];
	}
	memset(oldest, 0, sizeof(*oldest));
	oldest->ip = *ip;
	oldest->ip.port = 0;
	oldest->ifindex = ifindex;
	return oldest;
}

static struct hop_way *route_claim(struct next_hops *t, const struct addr *from,
				   const struct addr *to)
{
	uint8_t key[32];

	memcpy(key, from->ip, 16);
	memcpy(key + 16, to->ip, 16);

	struct hop_way *w = &t->ways[bucket(t, key, sizeof(key)) * HOP_WAYS], *oldest = w;

	for (uint32_t i = 0; i < HOP_WAYS; i++) {
		if (w[i].to.family && addr_ip_eq(&w[i].to, to) && addr_ip_eq(&w[i].from, from))
			return &w[i];
		if (!w[i].to.family || (oldest->to.family && w[i].used_ns < oldest->used_ns))
			oldest = &w[i];
	}
	memset(oldest, 0, sizeof(*oldest));
	oldest->from = *from;
	oldest->to = *to;
	oldest->from.port = oldest->to.port = 0;
	return oldest;
}

/* ---- find ---- */

static bool question_fits(const struct next_hops *t)
{
	return t->writer.cap - t->writer.n >= 128;
}

static void route_request(struct next_hops *t, struct hop_way *w, uint64_t now_ns)
{
	bool current =
		w->told && w->epoch == t->epoch && !hop_is_time(w->told_ns, now_ns, WAY_LIFE_NS);

	if (current || !hop_is_time(w->asked_ns, now_ns, ASK_AGAIN_NS) || !question_fits(t))
		return;
	w->asked_ns = now_ns;
	netlink_request_route(&t->writer, (uint32_t)(w - t->ways), &w->from, &w->to);
}

static void station_request(struct next_hops *t, struct hop_station *s, uint64_t now_ns)
{
	if (s->told || !hop_is_time(s->asked_ns, now_ns, ASK_AGAIN_NS) || !question_fits(t))
		return;
	s->asked_ns = now_ns;
	netlink_request_neighbour(&t->writer, HOP_SEQ_STATION | (uint32_t)(s - t->stations),
				  s->ifindex, &s->ip);
}

static struct hop_station *station_of(struct next_hops *t, struct hop_way *w)
{
	const struct addr *ip = w->gateway.family ? &w->gateway : &w->to;
	struct hop_station *s = &t->stations[w->station];

	if (UNLIKELY(!station_is(s, w->ifindex, ip))) {
		s = station_claim(t, w->ifindex, ip);
		w->station = (uint32_t)(s - t->stations);
	}
	return s;
}

static const struct hop_link *link_of(struct next_hops *t, struct hop_way *w)
{
	const struct hop_link *l = &t->links[w->link];

	if (UNLIKELY(l->ifindex != w->ifindex)) {
		l = next_hop_link(t, w->ifindex);
		if (!l)
			return NULL;
		w->link = (uint32_t)(l - t->links);
	}
	return l->up ? l : NULL;
}

/* A neighbour not confirmed for a while may have moved: the kernel checks it, with a packet now and
 * then. last_ns: when that was last asked for. */
static bool station_is_doubtful(const struct hop_station *s, uint64_t *last_ns, uint64_t now_ns)
{
	if (!(s->state & NUD_STALE) || !hop_is_time(*last_ns, now_ns, CONFIRM_NS))
		return false;
	*last_ns = now_ns;
	return true;
}

static void next_hop_fill(struct next_hop *out, const struct hop_way *w,
			  const struct hop_station *s, const struct hop_link *l)
{
	uint32_t mtu = w->mtu && w->mtu < l->mtu ? w->mtu : l->mtu;

	memcpy(out->path.to, s->mac, FRAME_MAC_LEN);
	memcpy(out->path.from, l->mac, FRAME_MAC_LEN);
	out->path.vlan = l->vlan;
	out->ifindex = l->ifindex;
	out->device = l->device;
	out->mtu = (uint16_t)(mtu > UINT16_MAX ? UINT16_MAX : mtu);
	out->hops = w->hops;
}

/* NULL: it is not known. */
static struct hop_station *station_find(struct next_hops *t, const struct addr *from,
					const struct addr *to, uint64_t now_ns,
					struct next_hop *out)
{
	struct hop_way *w = route_claim(t, from, to);
	struct hop_station *s;
	const struct hop_link *l;

	if (to->scope != 0)
		return NULL; /* link-local: the socket knows where */
	w->used_ns = now_ns;
	route_request(t, w, now_ns);
	if (!w->told || w->ifindex == 0 || (int32_t)(w->epoch - t->trusted) < 0)
		return NULL;
	l = link_of(t, w);
	if (!l)
		return NULL;
	s = station_of(t, w);
	s->used_ns = now_ns;
	station_request(t, s, now_ns);
	if (!(s->state & VALID))
		return NULL;
	next_hop_fill(out, w, s, l);
	return s;
}

bool next_hop_find(struct next_hops *t, const struct addr *from, const struct addr *to,
		   uint64_t now_ns, struct next_hop *out)
{
	struct hop_station *s = station_find(t, from, to, now_ns, out);

	return s && !station_is_doubtful(s, &s->confirmed_ns, now_ns);
}

bool next_hop_look(struct next_hops *t, const struct addr *from, const struct addr *to,
		   uint64_t now_ns, struct next_hop *out)
{
	struct hop_station *s = station_find(t, from, to, now_ns, out);

	out->doubtful = s && station_is_doubtful(s, &s->doubted_ns, now_ns);
	return s;
}

/* ---- open, close ---- */

static int route_socket_open(struct next_hops *t)
{
	struct sockaddr_nl at = { .nl_family = AF_NETLINK,
				  .nl_groups = RTMGRP_LINK | RTMGRP_NEIGH | RTMGRP_IPV4_ROUTE |
					       RTMGRP_IPV6_ROUTE | RTMGRP_IPV4_RULE |
					       GROUP_OF(RTNLGRP_IPV6_RULE) |
					       GROUP_OF(RTNLGRP_NEXTHOP) | RTMGRP_IPV4_IFADDR |
					       RTMGRP_IPV6_IFADDR };
	socklen_t n = sizeof(at);
	int room = RECEIVE_BUFFER;

	t->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (t->fd < 0)
		return -errno;
	(void)setsockopt(t->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	if (bind(t->fd, (const struct sockaddr *)&at, sizeof(at)) != 0 ||
	    getsockname(t->fd, (struct sockaddr *)&at, &n) != 0)
		return -errno;
	t->port = at.nl_pid;
	return 0;
}

int next_hops_open(struct next_hops **out, const struct next_hop_settings *settings)
{
	struct next_hops *t = calloc(1, sizeof(*t));
	uint32_t buckets = 1;
	int err;

	assert(settings->device_count <= NEXT_HOP_DEVICES_MAX);
	if (!t)
		return -ENOMEM;
	while (buckets * HOP_WAYS < settings->destinations &&
	       buckets * HOP_WAYS < HOP_SEQ_INDEX / 2)
		buckets *= 2;
	t->settings = *settings;
	t->mask = buckets - 1;
	t->ways = calloc((size_t)buckets * HOP_WAYS, sizeof(*t->ways));
	t->stations = calloc((size_t)buckets * HOP_WAYS, sizeof(*t->stations));
	t->writer = writer_over(t->questions, sizeof(t->questions));
	t->fd = -1;
	err = t->ways && t->stations ? route_socket_open(t) : -ENOMEM;
	if (err) {
		next_hops_close(t);
		return err;
	}
	next_hops_request_links(t);
	*out = t;
	return 0;
}

void next_hops_close(struct next_hops *t)
{
	if (t->fd >= 0)
		(void)close(t->fd);
	free(t->ways);
	free(t->stations);
	free(t);
}
