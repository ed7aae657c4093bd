/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel tells of links, neighbours and routes, asked or not. */
#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "engine/net/netlink.h"
#include "engine/net/next_hop_table.h"

enum { READS = 16 /* at a time */ };

/* A flapping route must not have us ask for each packet. */
#define CHANGE_NS (100 * NS_PER_MS)

/* ---- links ---- */

struct hop_link *next_hop_link(struct next_hops *t, uint32_t ifindex)
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

static void link_told(struct next_hops *t, const struct netlink_message *m)
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

static void way_told(struct next_hops *t, const struct netlink_message *m, uint64_t now_ns)
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

static void station_told(struct next_hops *t, const struct netlink_message *m)
{
	struct hop_station *s = next_hop_station(t, m->ifindex, &m->to);

	if (!s)
		return; /* nobody of interest */
	s->told = true;
	s->state = m->deleted || !m->has_mac ? 0 : m->neighbour;
	if (m->has_mac)
		memcpy(s->mac, m->mac, sizeof(s->mac));
}

/* To a question: there is no such neighbour, or no way. */
static void error_told(struct next_hops *t, const struct netlink_message *m, uint64_t now_ns)
{
	if (m->error == 0 || (m->seq & HOP_SEQ_LINKS))
		return;
	if (!(m->seq & HOP_SEQ_STATION))
		way_told(t, m, now_ns);
	else
		t->stations[m->seq & HOP_SEQ_INDEX].told = true;
}

static bool seq_is_ours(const struct next_hops *t, const struct netlink_message *m)
{
	return m->port == t->port && (m->seq & HOP_SEQ_INDEX) < (t->mask + 1) * HOP_WAYS;
}

static void message_told(struct next_hops *t, const struct netlink_message *m, uint64_t now_ns)
{
	switch (m->kind) {
	case NETLINK_OTHER:
	case NETLINK_DONE:
		break;
	case NETLINK_ERROR:
		if (seq_is_ours(t, m))
			error_told(t, m, now_ns);
		break;
	case NETLINK_WAY:
		if (seq_is_ours(t, m))
			way_told(t, m, now_ns);
		else
			t->changed = true;
		break;
	case NETLINK_NEIGHBOUR:
		station_told(t, m);
		break;
	case NETLINK_LINK:
		link_told(t, m);
		break;
	}
}

/* The kernel had more to tell than fitted: nothing is certain any more. */
static void overrun(struct next_hops *t)
{
	for (uint32_t i = 0; i < (t->mask + 1) * HOP_WAYS; i++)
		t->stations[i].told = false;
	t->changed = true;
	next_hops_ask_links(t);
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
	overrun(t); /* it was told of while it was a stranger */
}

void next_hops_doubt(struct next_hops *t)
{
	t->changed = t->doubted = true;
}

void next_hops_told(struct next_hops *t, struct bytes messages, uint64_t now_ns)
{
	struct netlink_message m;

	while (netlink_next(&messages, &m) == 0)
		message_told(t, &m, now_ns);
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
			next_hops_told(t, bytes_mem(t->read, (size_t)n), now_ns);
	}
	epoch_move(t, now_ns);
}
