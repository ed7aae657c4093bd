/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What XDP ports of all workers share, from start to end: interfaces and their programs, lanes with
 * AF_XDP sockets per queue, rings that hand packets between workers, the forwarding table, and
 * metrics. It also writes the word that describes all this to the next process, and adopts what the
 * previous one left if its shape is the same (docs/adr/0064). Everything that needs privileges
 * happens here, before the workers start.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/table.h"
#include "base/validity.h"
#include "engine/port/xdp_host.h"

#define MAGIC UINT64_C(0x74616e64656d5846)

enum { WORD_VERSION = 1 };

/* Descriptors: of the table, then a link for each interface that has one. */
struct xdp_word {
	uint64_t magic;
	uint64_t shape;
	uint32_t version, interface_count;
	struct {
		uint32_t ifindex;
		uint32_t native;
	} interfaces[XDP_INTERFACES_MAX];
};

static_assert(sizeof(struct xdp_word) <= REMAINS_WORD_MAX, "it is a word");
static_assert((int)XDP_FORWARDS_FDS + (int)XDP_INTERFACES_MAX <= (int)REMAINS_FDS_MAX,
	      "descriptors");

/* ---- the shape ---- */

static uint64_t shape_add(uint64_t shape, const void *p, size_t n)
{
	const struct hash_key key = { MAGIC, shape };

	return hash_sip(&key, bytes_mem(p, n));
}

static uint64_t shape_network(uint64_t shape, const struct port_xdp_network *n)
{
	const struct xdp_range *r = &n->range;
	const uint32_t numbers[] = { r->local.family, r->local.scope, r->first, r->last };

	shape = shape_add(shape, n->interface, sizeof(n->interface));
	shape = shape_add(shape, r->local.ip, sizeof(r->local.ip));
	return shape_add(shape, numbers, sizeof(numbers));
}

/* A hash of structure sizes, and of everything that assigns entries to flows. */
static uint64_t host_shape(const struct xdp_host *h, uint32_t entries, uint32_t addresses)
{
	const uint32_t numbers[] = { XDP_FORWARD_VERSION,
				     sizeof(struct xdp_forward),
				     sizeof(struct xdp_fence),
				     XDP_KEPT_OCTETS,
				     XDP_FORWARD_WORKERS,
				     XDP_FORWARD_PLACES,
				     h->kept_version,
				     h->workers,
				     entries,
				     addresses,
				     h->network_count };
	uint64_t shape = shape_add(0, numbers, sizeof(numbers));

	for (uint32_t i = 0; i < h->network_count; i++)
		shape = shape_network(shape, &h->networks[i]);
	return shape;
}

/* ---- of the process before ---- */

static bool remains_read(const struct remains *left, struct xdp_word *out)
{
	if (left->word_n != sizeof(*out))
		return false;
	memcpy(out, left->word, sizeof(*out));
	return out->magic == MAGIC && out->version == WORD_VERSION &&
	       out->interface_count <= XDP_INTERFACES_MAX &&
	       left->fd_count == XDP_FORWARDS_FDS + out->interface_count;
}

/* Of a version that we may not know: what is no link stays as it is. */
static void links_end(const struct remains *left)
{
	for (uint32_t i = 0; i < left->fd_count; i++)
		if (left->fds[i] >= 0)
			xdp_program_unlink(left->fds[i]);
}

/* h takes over the table; what it takes becomes -1 in left->fds. False: unusable, and the programs
 * come off the interfaces. */
static bool xdp_remains_adopt(struct xdp_host *h, struct remains *left, uint32_t entries,
			      uint32_t addresses)
{
	struct xdp_word word;
	char why[XDP_WHY_MAX] = "of another version, or of other networks, ports or workers";
	bool fits = left->fd_count > 0 && entries > 0 && remains_read(left, &word) &&
		    word.shape == host_shape(h, entries, addresses) &&
		    xdp_forwards_adopt(&h->forwards, left->fds, entries, addresses, why) == 0;

	if (fits) {
		for (uint32_t i = 0; i < XDP_FORWARDS_FDS; i++)
			left->fds[i] = -1;
		return true;
	}
	if (left->fd_count > 0)
		LOG_INFO("media", 0, "what the process before let the kernel forward ends here",
			 LOG_STR("why", why));
	links_end(left);
	remains_close(left);
	return false;
}

/* After the interface got its new program in the previous one's place: that link, or -1. */
static int xdp_remains_link(const struct xdp_host *h, struct remains *left, uint32_t interface,
			    bool *native)
{
	struct xdp_word word;
	int fd = -1;

	if (left->fd_count == 0 || !remains_read(left, &word))
		return -1;
	for (uint32_t i = 0; fd < 0 && i < word.interface_count; i++) {
		if (word.interfaces[i].ifindex != h->interfaces[interface].ifindex)
			continue;
		fd = left->fds[XDP_FORWARDS_FDS + i];
		left->fds[XDP_FORWARDS_FDS + i] = -1;
		*native = word.interfaces[i].native != 0;
	}
	return fd;
}

/* ---- to the next one ---- */

static bool remains_add(struct remains *out, int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (copy >= 0)
		out->fds[out->fd_count++] = copy;
	return copy >= 0;
}

static bool links_add(const struct xdp_host *h, struct xdp_word *word, struct remains *out)
{
	bool all = true;

	for (uint32_t i = 0; all && i < h->interface_count; i++) {
		const struct xdp_interface *at = &h->interfaces[i];

		if (at->program.link_fd < 0)
			continue;
		word->interfaces[word->interface_count].ifindex = at->ifindex;
		word->interfaces[word->interface_count++].native = at->program.native;
		all = remains_add(out, at->program.link_fd);
	}
	return all;
}

void xdp_remains_of(struct xdp_host *h, struct remains *out)
{
	struct xdp_word word = { .magic = MAGIC, .version = WORD_VERSION };
	bool all = true;

	*out = (struct remains){ .fd_count = 0 };
	if (!h->forwards)
		return;
	word.shape = host_shape(h, h->forwards->entry_count, h->forwards->address_max);
	for (uint32_t i = 0; all && i < XDP_FORWARDS_FDS; i++)
		all = remains_add(out, h->forwards->fds[i]);
	(void)pthread_mutex_lock(&h->link_lock);
	all = all && links_add(h, &word, out);
	(void)pthread_mutex_unlock(&h->link_lock);
	memcpy(out->word, &word, sizeof(word));
	out->word_n = sizeof(word);
	if (!all)
		remains_close(out);
}

static int host_refused(char why[XDP_WHY_MAX], const char *name, const char *what, int err)
{
	(void)snprintf(why, XDP_WHY_MAX, "interface %s: %s", name, what);
	return err;
}

/* ---- interfaces ---- */

/* Receive queues; a device that cannot tell has one. */
static uint32_t queues_of(int fd, const char *name)
{
	struct ethtool_channels channels = { .cmd = ETHTOOL_GCHANNELS };
	struct ifreq r = { .ifr_data = (void *)&channels };
	uint32_t n = 0;

	memcpy(r.ifr_name, name, XDP_NAME_MAX);
	if (ioctl(fd, SIOCETHTOOL, &r) == 0)
		n = channels.combined_count + channels.rx_count;
	return n ? n : 1;
}

static int mtu_check(int fd, const char *name, char why[XDP_WHY_MAX])
{
	struct ifreq r = { .ifr_mtu = 0 };

	memcpy(r.ifr_name, name, XDP_NAME_MAX);
	if (ioctl(fd, SIOCGIFMTU, &r) != 0)
		return host_refused(why, name, "its MTU cannot be read", -errno);
	if (r.ifr_mtu > XDP_MTU_MAX)
		return host_refused(why, name, "its MTU is above 3500, which AF_XDP cannot carry",
				    -EMSGSIZE);
	return 0;
}

int xdp_interface_look(const char *name, uint32_t *ifindex, uint32_t *queues, char why[XDP_WHY_MAX])
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err = fd < 0 ? -errno : 0;

	*ifindex = if_nametoindex(name);
	if (!err && *ifindex == 0)
		err = host_refused(why, name, "there is no such interface (networks[].interface)",
				   -ENODEV);
	else if (!err)
		err = mtu_check(fd, name, why);
	if (!err)
		*queues = queues_of(fd, name);
	if (fd >= 0)
		(void)close(fd);
	return err;
}

static struct xdp_interface *interface_find(struct xdp_host *h, const char *name)
{
	for (uint32_t i = 0; i < h->interface_count; i++)
		if (strcmp(h->interfaces[i].name, name) == 0)
			return &h->interfaces[i];
	return NULL;
}

/* What its program sends back is lost if the other end has no program, which this end cannot
 * know. */
static bool interface_is_veth(const char *name)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq r = { .ifr_data = (void *)&info };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool is;

	memcpy(r.ifr_name, name, XDP_NAME_MAX);
	is = fd >= 0 && ioctl(fd, SIOCETHTOOL, &r) == 0 && strcmp(info.driver, "veth") == 0;
	if (fd >= 0)
		(void)close(fd);
	return is;
}

static int interface_add(struct xdp_host *h, const char *name, char why[XDP_WHY_MAX])
{
	struct xdp_interface *i = &h->interfaces[h->interface_count];

	if (interface_find(h, name))
		return 0;
	if (h->interface_count == XDP_INTERFACES_MAX)
		return host_refused(why, name, "too many interfaces", -ENOSPC);
	memcpy(i->name, name, sizeof(i->name));
	i->program = (struct xdp_program){ .sockets_fd = -1, .link_fd = -1 };
	i->is_veth = interface_is_veth(name);
	h->interface_count++;
	return xdp_interface_look(i->name, &i->ifindex, &i->queues, why);
}

static int interfaces_find(struct xdp_host *h, char why[XDP_WHY_MAX])
{
	int err = 0;

	for (uint32_t n = 0; !err && n < h->network_count; n++)
		if (h->networks[n].interface[0])
			err = interface_add(h, h->networks[n].interface, why);
	if (!err && h->interface_count == 0) {
		(void)snprintf(why, XDP_WHY_MAX,
			       "no network names its interface (networks[].interface)");
		err = -ENODEV;
	}
	return err;
}

static int program_open(struct xdp_host *h, struct xdp_interface *i, char why[XDP_WHY_MAX])
{
	struct xdp_range ranges[XDP_INTERFACES_MAX * 4];
	uint32_t count = 0;

	for (uint32_t n = 0; n < h->network_count && count < COUNT_OF(ranges); n++)
		if (strcmp(h->networks[n].interface, i->name) == 0)
			ranges[count++] = h->networks[n].range;
	return xdp_program_open(&i->program, i->queues, ranges, count, h->guard, h->forwards, why);
}

/* ---- lanes: the queues of all interfaces, dealt out in turn ---- */

static uint32_t worker_of(const struct xdp_host *h, uint32_t queue)
{
	return queue % h->workers;
}

static uint32_t queues_for(const struct xdp_host *h, uint32_t worker)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < h->interface_count; i++)
		for (uint32_t q = worker; q < h->interfaces[i].queues; q += h->workers)
			n++;
	return n;
}

static int lane_refuse(uint32_t queues, char why[XDP_WHY_MAX])
{
	(void)snprintf(why, XDP_WHY_MAX,
		       "a worker would have %u receive queues, and can have %d: let there be more "
		       "media.workers, or fewer queues (ethtool -L INTERFACE combined N)",
		       queues, XDP_QUEUES_MAX);
	return -ENOSPC;
}

static int lanes_open(struct xdp_host *h, char why[XDP_WHY_MAX])
{
	int err = 0;

	for (uint32_t w = 0; !err && w < h->workers; w++) {
		uint32_t queues = queues_for(h, w);

		err = queues > XDP_QUEUES_MAX ? lane_refuse(queues, why)
					      : xdp_lane_open(&h->lanes[w], queues, why);
	}
	return err;
}

static int host_queue_add(struct xdp_host *h, uint32_t interface, uint32_t queue,
			  char why[XDP_WHY_MAX])
{
	struct xdp_interface *i = &h->interfaces[interface];
	struct xdp_queue *q;
	int err =
		xdp_lane_add(&h->lanes[worker_of(h, queue)], i->ifindex, interface, queue, &q, why);

	return err ? err : xdp_program_socket(&i->program, queue, q->socket.fd, why);
}

static bool host_is_zero_copy(const struct xdp_host *h, uint32_t interface)
{
	const struct xdp_lane *l = &h->lanes[0];

	for (uint32_t q = 0; q < l->queue_count; q++)
		if (l->places[q].interface == interface)
			return l->places[q].zero_copy;
	return false;
}

/* What hung there before forwards until the new program is in its place. */
static void interface_inherit(struct xdp_host *h, uint32_t interface, struct remains *left)
{
	struct xdp_program *p = &h->interfaces[interface].program;

	if (left)
		p->link_fd = xdp_remains_link(h, left, interface, &p->native);
}

static int interface_open(struct xdp_host *h, uint32_t interface, struct remains *left,
			  char why[XDP_WHY_MAX])
{
	struct xdp_interface *i = &h->interfaces[interface];
	int err = program_open(h, i, why);

	for (uint32_t q = 0; !err && q < i->queues; q++)
		err = host_queue_add(h, interface, q, why);
	if (!err) {
		interface_inherit(h, interface, left);
		err = xdp_program_attach(&i->program, i->ifindex, why);
	}
	if (!err)
		LOG_INFO("media", 0, "AF_XDP on interface", LOG_STR("interface", i->name),
			 LOG_U64("queues", i->queues),
			 LOG_STR("mode", i->program.native ? "native" : "generic"),
			 LOG_STR("copy", host_is_zero_copy(h, interface) ? "zero-copy" : "copy"));
	if (!err && i->queues < h->workers)
		LOG_WARN("media", 0,
			 "fewer queues than media.workers: some workers send by their sockets",
			 LOG_STR("interface", i->name), LOG_U64("queues", i->queues));
	return err;
}

static int interfaces_open(struct xdp_host *h, struct remains *left, char why[XDP_WHY_MAX])
{
	char text[XDP_WHY_MAX];
	int err = 0;

	for (uint32_t i = 0; !err && i < h->interface_count; i++) {
		err = interface_open(h, i, left, text);
		if (err)
			(void)snprintf(why, XDP_WHY_MAX, "interface %s: %.200s",
				       h->interfaces[i].name, text);
	}
	return err;
}

/* As many as there may be files, if that is less. */
static int spares_open(struct xdp_host *h)
{
	uint32_t most = 0;

	for (uint32_t i = 0; i < h->interface_count; i++)
		most += h->interfaces[i].queues * XDP_SPARES;
	h->spares = calloc(most, sizeof(*h->spares));
	if (!h->spares)
		return -ENOMEM;
	while (h->spare_count < most) {
		int fd = xdp_socket_make();

		if (fd < 0)
			break;
		h->spares[h->spare_count++] = fd;
	}
	return 0;
}

static void spares_close(struct xdp_host *h)
{
	while (h->spare_count > 0)
		(void)close(h->spares[--h->spare_count]);
	free(h->spares);
}

/* ---- handing over ---- */

static int ways_open(struct xdp_host *h)
{
	int err = 0;

	if (h->workers == 1)
		return 0;
	h->ways = aligned_alloc(64, (size_t)h->workers * h->workers * sizeof(*h->ways));
	if (!h->ways)
		return -ENOMEM;
	for (uint32_t i = 0; i < h->workers * h->workers; i++)
		h->ways[i].parcels = h->ways[i].frames = (struct ring){ .wake_fd = -1 };
	for (uint32_t i = 0; !err && i < h->workers * h->workers; i++) {
		if (i / h->workers == i % h->workers)
			continue;
		err = ring_open(&h->ways[i].parcels, sizeof(struct xdp_parcel), XDP_HANDOVER);
		if (!err) /* room for all that can be out */
			err = ring_open(&h->ways[i].frames, sizeof(uint32_t),
					h->lanes[i / h->workers].frame_count);
	}
	return err;
}

static void ways_close(struct xdp_host *h)
{
	for (uint32_t i = 0; h->ways && i < h->workers * h->workers; i++) {
		ring_close(&h->ways[i].parcels);
		ring_close(&h->ways[i].frames);
	}
	free(h->ways);
}

/* ---- numbers ---- */

static void xdp_metrics_register(struct xdp_metrics *m)
{
	static const char PACKETS[] = "Packets that came and went by AF_XDP";
	static const char *const REFUSED[XDP_REFUSALS] = {
		[XDP_REFUSED_FRAME] = "reason=\"frame\"",
		[XDP_REFUSED_CHECKSUM] = "reason=\"checksum\"",
		[XDP_REFUSED_VLAN] = "reason=\"vlan\"",
		[XDP_REFUSED_NO_FLOW] = "reason=\"no_flow\"",
		[XDP_REFUSED_HANDOVER] = "reason=\"handover_full\"",
		[XDP_REFUSED_NO_FRAME] = "reason=\"no_frame\"",
		[XDP_REFUSED_RING] = "reason=\"ring_full\"",
	};
	static const char *const DETOURS[XDP_DETOURS] = {
		[XDP_DETOUR_NETWORK] = "reason=\"no_interface\"",
		[XDP_DETOUR_NEXT_HOP] = "reason=\"next_hop\"",
		[XDP_DETOUR_LENGTH] = "reason=\"length\"",
		[XDP_DETOUR_QUEUE] = "reason=\"no_queue\"",
		[XDP_DETOUR_BUSY] = "reason=\"busy\"",
	};

	m->in = metric_register(METRIC_COUNTER, "tandem_media_xdp_packets_total",
				"direction=\"in\"", PACKETS);
	m->out = metric_register(METRIC_COUNTER, "tandem_media_xdp_packets_total",
				 "direction=\"out\"", PACKETS);
	m->attached = metric_register(METRIC_GAUGE, "tandem_media_xdp_interfaces", NULL,
				      "Interfaces with media by AF_XDP at this time");
	m->renewed = metric_register(METRIC_COUNTER, "tandem_media_xdp_renewed_total", NULL,
				     "AF_XDP sockets for interfaces that were made again");
	m->spares = metric_register(METRIC_GAUGE, "tandem_media_xdp_spare_sockets", NULL,
				    "AF_XDP sockets that are left for interfaces that are made "
				    "again; each start makes new ones");
	m->queues[0] = metric_register(METRIC_GAUGE, "tandem_media_xdp_queues", "copy=\"yes\"",
				       "AF_XDP sockets, by whether the driver needs a copy");
	m->queues[1] = metric_register(METRIC_GAUGE, "tandem_media_xdp_queues", "copy=\"no\"",
				       "AF_XDP sockets, by whether the driver needs a copy");
	m->handed_over = metric_register(METRIC_COUNTER, "tandem_media_xdp_handed_over_total", NULL,
					 "Packets that came by AF_XDP to another worker's queue");
	for (uint32_t i = 0; i < XDP_REFUSALS; i++)
		m->refused[i] =
			metric_register(METRIC_COUNTER, "tandem_media_xdp_refused_packets_total",
					REFUSED[i], "Packets that came by AF_XDP and were dropped");
	for (uint32_t i = 0; i < XDP_DETOURS; i++)
		m->detours[i] = metric_register(
			METRIC_COUNTER, "tandem_media_xdp_socket_packets_total", DETOURS[i],
			"Packets that left by their sockets although AF_XDP is in use");
}

void xdp_host_publish(const struct xdp_host *h)
{
	uint64_t attached = 0, queues[2] = { 0 };

	for (uint32_t i = 0; i < h->interface_count; i++)
		attached += h->interfaces[i].ifindex != 0;
	for (uint32_t w = 0; w < h->workers; w++)
		for (uint32_t q = 0; q < h->lanes[w].queue_count; q++)
			queues[h->lanes[w].places[q].zero_copy]++;
	metric_set(h->metrics.attached, attached);
	metric_set(h->metrics.spares, h->spare_count);
	metric_set(h->metrics.queues[0], queues[0]);
	metric_set(h->metrics.queues[1], queues[1]);
}

/* ---- all of it ---- */

static int networks_copy(struct xdp_host *h, const struct port_xdp_settings *settings)
{
	h->network_count = settings->network_count;
	h->networks = calloc(h->network_count ? h->network_count : 1, sizeof(*h->networks));
	if (!h->networks)
		return -ENOMEM;
	memcpy(h->networks, settings->networks, h->network_count * sizeof(*h->networks));
	return 0;
}

static void forwards_valid(void *arg, uint8_t place, uint64_t until_ns)
{
	const struct xdp_forwards *t = arg;

	if (!t->keeps_times || until_ns != 0)
		xdp_forwards_valid(t, place, clock_to_kernel(until_ns));
}

/* For a shard that this process does not have yet, the previous process's time counts to its
 * end. */
static void forwards_follow(struct xdp_host *h)
{
	h->forwards->keeps_times = h->forwards->left != NULL;
	if (h->validity)
		validity_follow(h->validity, forwards_valid, h->forwards);
	h->forwards->keeps_times = false;
}

/* Media works without it. */
static void forwards_open(struct xdp_host *h, uint32_t entries, struct remains *left)
{
	uint32_t addresses =
		h->network_count < XDP_ADDRESSES_MAX ? h->network_count : XDP_ADDRESSES_MAX;
	char why[XDP_WHY_MAX];
	bool taken = left && xdp_remains_adopt(h, left, entries, addresses);

	if (entries == 0)
		return;
	if (!taken && xdp_forwards_open(&h->forwards, entries, addresses, why) != 0) {
		LOG_WARN("media", 0, "the kernel forwards no media itself", LOG_STR("error", why));
		return;
	}
	if (taken)
		LOG_INFO("media", 0, "what the process before let the kernel forward goes on");
	h->settle_ns = taken ? clock_now_ns() + XDP_SETTLE_NS : 0;
	forwards_follow(h);
}

static void forwards_close(struct xdp_host *h)
{
	if (h->forwards && h->validity)
		validity_leave(h->validity, h->forwards);
	xdp_forwards_close(h->forwards);
}

int xdp_host_open(struct xdp_host **out, const struct port_xdp_settings *settings,
		  char why[XDP_WHY_MAX])
{
	struct xdp_host *h = calloc(1, sizeof(*h));
	int err;

	assert(settings->workers >= 1 && settings->workers <= XDP_WORKERS_MAX);
	(void)snprintf(why, XDP_WHY_MAX, "no memory");
	if (!h)
		return -ENOMEM;
	h->workers = settings->workers;
	h->guard = settings->guard;
	h->validity = settings->validity;
	h->forwards_all = settings->forwards_all;
	h->kept_version = settings->kept_version;
	(void)pthread_mutex_init(&h->link_lock, NULL);
	h->alive_ns = settings->alive_ns;
	locals_open(&h->locals);
	xdp_metrics_register(&h->metrics);
	err = networks_copy(h, settings);
	if (!err)
		err = interfaces_find(h, why);
	if (!err)
		forwards_open(h, settings->forwards, settings->left);
	if (!err)
		err = lanes_open(h, why);
	if (!err)
		err = ways_open(h);
	if (!err)
		err = interfaces_open(h, settings->left, why);
	if (!err)
		err = spares_open(h);
	if (!err)
		xdp_host_publish(h);
	if (!err)
		err = xdp_keeper_open(&h->keeper, h);
	if (err) {
		xdp_host_close(h);
		return err;
	}
	*out = h;
	return 0;
}

/* The program goes first, so that nothing is redirected to sockets that vanish. */
void xdp_host_close(struct xdp_host *h)
{
	if (h->keeper)
		xdp_keeper_close(h->keeper);
	for (uint32_t i = 0; i < h->interface_count; i++)
		xdp_program_close(&h->interfaces[i].program);
	for (uint32_t w = 0; w < h->workers; w++)
		xdp_lane_close(&h->lanes[w]);
	forwards_close(h);
	spares_close(h);
	ways_close(h);
	locals_close(&h->locals);
	free(h->networks);
	(void)pthread_mutex_destroy(&h->link_lock);
	free(h);
}

static bool network_is_at(const struct port_xdp_network *n, const struct addr *local)
{
	return n->interface[0] && addr_ip_eq(&n->range.local, local) &&
	       local->port >= n->range.first && local->port <= n->range.last;
}

bool xdp_host_has(const struct xdp_host *h, const struct addr *local)
{
	for (uint32_t i = 0; i < h->network_count; i++)
		if (network_is_at(&h->networks[i], local))
			return true;
	return false;
}

bool xdp_host_forwards(const struct xdp_host *h, const struct addr *local, uint32_t interface)
{
	const struct xdp_interface *by = &h->interfaces[interface];

	for (uint32_t i = 0; !h->forwards_all && i < h->network_count; i++)
		if (network_is_at(&h->networks[i], local))
			return !by->is_veth && strcmp(h->networks[i].interface, by->name) == 0;
	return h->forwards_all;
}
