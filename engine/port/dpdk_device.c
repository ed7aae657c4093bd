/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The DPDK device that all workers share: its queues, buffers and hand-over rings, opening and
 * closing it, and frames of no flow, which go to the kernel by a TAP interface or are answered here
 * (ARP, neighbour discovery). The kernel's frames are bounded per turn, so that a flood of them
 * cannot delay media.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <rte_errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/net/frame.h"
#include "engine/net/neighbour.h"
#include "engine/port/dpdk_port.h"
#include "engine/port/xdp_program.h"

/* A TAP interface: through it the kernel receives and sends the frames of a device taken from it.
 * It vanishes with its descriptor, so also after a kill -9. */

/* Frames of no flow: the kernel gets them by its TAP interface, or they are answered here. */

enum {
	KERNEL_US = 500,    /* it has its turn so often */
	ROUTES_MS = 5,      /* and how often messages about routes are read */
	KERNEL_FRAMES = 32, /* and so many frames each way: 64,000/s, whatever is flooding */
};

void dpdk_counts_publish(struct dpdk_port *d)
{
	for (enum port_dpdk_count what = 0; what < DPDK_COUNTS; what++) {
		if (d->counts[what] > 0)
			d->count(what, d->counts[what]);
		d->counts[what] = 0;
	}
}

static void to_kernel(struct dpdk_port *d, struct rte_mbuf *m)
{
	if (d->kernel_left == 0) {
		d->counts[DPDK_KERNEL_BUSY]++;
	} else {
		d->kernel_left--;
		/* refused: interface down, or queue full. A wire would lose the frame, too. */
		if (write(d->device->tap_fd, rte_pktmbuf_mtod(m, void *), m->data_len) > 0)
			d->counts[DPDK_KERNEL_IN]++;
		else
			d->counts[DPDK_KERNEL_BUSY]++;
	}
	rte_pktmbuf_free(m);
}

static void kernel_neighbour_answer(struct dpdk_port *d, struct rte_mbuf *m)
{
	uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *);
	size_t n = 0;
	struct addr subject;

	if (neighbour_is_request(bytes_mem(frame, m->data_len), &subject) &&
	    locals_has_ip(&d->device->locals, &subject))
		n = neighbour_answer(frame, m->data_len, m->data_len + rte_pktmbuf_tailroom(m),
				     d->device->mac.addr_bytes);
	if (n == 0) {
		d->counts[DPDK_FOREIGN]++;
		rte_pktmbuf_free(m);
		return;
	}
	m->data_len = (uint16_t)n;
	m->pkt_len = m->data_len;
	dpdk_out_put(d, m);
	d->counts[DPDK_ANSWERED]++;
}

void dpdk_foreign(struct dpdk_port *d, struct rte_mbuf *m)
{
	if (d->device->tap_fd < 0)
		kernel_neighbour_answer(d, m);
	else
		to_kernel(d, m);
}

/* False: nothing is there, or no buffer. */
static bool from_kernel_one(struct dpdk_port *d)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(d->device->pool);
	ssize_t n;

	if (!m)
		return false;
	n = read(d->device->tap_fd, rte_pktmbuf_mtod(m, void *), rte_pktmbuf_tailroom(m));
	if (n <= 0) {
		rte_pktmbuf_free(m);
		return false;
	}
	m->data_len = (uint16_t)n;
	m->pkt_len = m->data_len;
	dpdk_out_put(d, m);
	d->counts[DPDK_KERNEL_OUT]++;
	return true;
}

static void missed_read(struct dpdk_port *d)
{
	struct rte_eth_stats stats;

	if (rte_eth_stats_get(d->device->id, &stats) != 0)
		return;
	if (stats.imissed > d->device->missed)
		d->counts[DPDK_MISSED] += stats.imissed - d->device->missed;
	d->device->missed = stats.imissed;
}

/* What it tells about routes and neighbours, and what there is to ask. */
static void routes_turn(struct dpdk_port *d, uint64_t now_ns)
{
	if (now_ns >= d->second_ns) {
		d->second_ns = now_ns + NS_PER_S;
		d->second = (uint8_t)(d->second % UINT8_MAX + 1);
		if (d->queue == 0)
			missed_read(d);
	}
	if (!d->routes)
		return;
	next_hops_flush(d->routes);
	if (now_ns < d->routes_ns)
		return;
	d->routes_ns = now_ns + ROUTES_MS * NS_PER_MS;
	if (UNLIKELY(d->sockets->too_long))
		next_hops_doubt(d->routes);
	d->sockets->too_long = false;
	next_hops_read(d->routes, now_ns);
}

/* Every so often, and when the kernel woke us. The first worker reads for all. */
void dpdk_kernel_turn(struct dpdk_port *d, uint64_t now_ns)
{
	d->kernel_ns = now_ns + KERNEL_US * NS_PER_US;
	d->kernel_left = KERNEL_FRAMES;
	if (d->device->tap_fd >= 0 && d->queue == 0)
		for (uint32_t i = 0; i < KERNEL_FRAMES && from_kernel_one(d); i++)
			continue;
	if (d->out_count > 0)
		dpdk_out_flush(d);
	routes_turn(d, now_ns);
	dpdk_counts_publish(d);
}

static int tap_create(const char *name, int *out)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd;

	if (strlen(name) >= sizeof(request.ifr_name))
		return -ENAMETOOLONG;
	(void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (ioctl(fd, TUNSETIFF, &request) != 0) {
		int err = -errno;

		(void)close(fd);
		return err;
	}
	*out = fd;
	return 0;
}

static int mac_set(int s, struct ifreq *request, const uint8_t mac[FRAME_MAC_LEN])
{
	request->ifr_hwaddr.sa_family = ARPHRD_ETHER;
	memcpy(request->ifr_hwaddr.sa_data, mac, FRAME_MAC_LEN);
	return ioctl(s, SIOCSIFHWADDR, request) ? -errno : 0;
}

static int mtu_set(int s, struct ifreq *request, uint16_t mtu)
{
	request->ifr_mtu = mtu;
	return ioctl(s, SIOCSIFMTU, request) ? -errno : 0;
}

static int bring_up(int s, struct ifreq *request)
{
	if (ioctl(s, SIOCGIFFLAGS, request))
		return -errno;
	request->ifr_flags |= IFF_UP;
	return ioctl(s, SIOCSIFFLAGS, request) ? -errno : 0;
}

static int tap_configure(const char *name, const uint8_t mac[FRAME_MAC_LEN], uint16_t mtu)
{
	struct ifreq request = { 0 };
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err;

	if (s < 0)
		return -errno;
	(void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	err = mac_set(s, &request, mac);
	if (!err)
		err = mtu_set(s, &request, mtu);
	if (!err)
		err = bring_up(s, &request);
	(void)close(s);
	return err;
}

/* Makes the interface, or takes over an unused persistent one of that name; sets its MAC address
 * and MTU and brings it up. Needs CAP_NET_ADMIN, unless it is persistent and ours. *out: a
 * non-blocking descriptor. Returns 0 or -errno. */
static int tap_open(const char *name, const uint8_t mac[FRAME_MAC_LEN], uint16_t mtu, int *out)
{
	int err = tap_create(name, out);

	if (err)
		return err;
	err = tap_configure(name, mac, mtu);
	if (err)
		(void)close(*out);
	return err;
}

enum {
	QUEUE_FRAMES = 1024,   /* of each queue of the device */
	HANDOVER_FRAMES = 512, /* on their way to another worker */
	HEADROOM = RTE_PKTMBUF_HEADROOM,
	/* whatever the heads were, PACKET_MAX may be written behind them (SRTP adds to a packet) */
	BUFFER_SIZE = HEADROOM + FRAME_HEAD_MAX + PACKET_MAX + 64,
	BUFFERS_EACH = 4095, /* per worker: two queues, the handover, a batch, the cache */
	CACHE = 256,
};

static_assert((int)HEADROOM >= (int)FRAME_HEAD_MAX, "an IPv6 head fits where an IPv4 one was");

/* EAL's devices belong to all threads of the process. */
static struct dpdk_device g_device = { .lock = PTHREAD_MUTEX_INITIALIZER,
				       .tap_fd = -1,
				       .program_fd = -1 };

/* Drivers return any error for any reason; DPDK's own message, which is added, has it. */
static int device_refuse(const char *text, char why[DPDK_TEXT_MAX])
{
	return dpdk_refuse(why, -EIO,
			   "%.*s cannot be used: is media.dpdk.device right, and may the node open "
			   "it (deploy/tandem-dpdk.conf)?",
			   (int)strcspn(text, ","), text);
}

static int device_find(struct dpdk_device *d, const char *text, char why[DPDK_TEXT_MAX])
{
	char name[RTE_ETH_NAME_MAX_LEN];
	int err;

	(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(text, ","), text);
	if (rte_eth_dev_get_port_by_name(name, &d->id) == 0)
		return 0; /* a PCI device that EAL found, or one that somebody made */
	dpdk_memif_clear(text);
	err = rte_dev_probe(text);
	if (err == 0)
		err = rte_eth_dev_get_port_by_name(name, &d->id);
	return err == 0 ? 0 : device_refuse(text, why);
}

static int queues_check(const struct dpdk_device *d, const struct rte_eth_dev_info *info,
			const struct port_dpdk_settings *s, char why[DPDK_TEXT_MAX])
{
	uint32_t most = RTE_MIN(info->max_rx_queues, info->max_tx_queues);

	if (d->queues <= most)
		return 0;
	return dpdk_refuse(why, -ENOSPC,
			   "device %.*s has %u queues: media.workers must not be more (it is %u)",
			   (int)strcspn(s->device, ","), s->device, most, s->workers);
}

static int queues_open(struct dpdk_device *d)
{
	int err = 0;

	for (uint16_t q = 0; !err && q < d->queues; q++) {
		err = rte_eth_rx_queue_setup(d->id, q, QUEUE_FRAMES, SOCKET_ID_ANY, NULL, d->pool);
		if (!err)
			err = rte_eth_tx_queue_setup(d->id, q, QUEUE_FRAMES, SOCKET_ID_ANY, NULL);
	}
	return err;
}

/* Checksums: by the device where it can, ours else. */
static void sums_configure(struct dpdk_device *d, const struct rte_eth_dev_info *info,
			   struct rte_eth_conf *conf)
{
	const uint64_t tx = RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM;

	conf->rxmode.offloads = info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_UDP_CKSUM;
	d->sums = 0;
	if ((info->tx_offload_capa & tx) != tx)
		return;
	conf->txmode.offloads = tx;
	d->sums = RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_UDP_CKSUM;
}

/* One of DPDK's drivers attaches an XDP program that would stay behind a killed process. */
static int program_hold(struct dpdk_device *d, const struct rte_eth_dev_info *info,
			char why[DPDK_TEXT_MAX])
{
	int err = 0;

	if (strcmp(info->driver_name, "net_af_xdp") == 0)
		err = xdp_link_adopt(info->if_index, &d->program_fd);
	return err ? dpdk_refuse(why, err, "XDP program: %s%s", strerror(-err),
				 err == -EPERM ? " (it needs CAP_SYS_ADMIN)" : "")
		   : 0;
}

static int device_configure(struct dpdk_device *d, const struct port_dpdk_settings *s,
			    char why[DPDK_TEXT_MAX])
{
	struct rte_eth_conf conf = { 0 };
	struct rte_eth_dev_info info;
	uint16_t frames = QUEUE_FRAMES, frames_tx = QUEUE_FRAMES;
	int err = rte_eth_dev_info_get(d->id, &info);

	d->ifindex = err ? 0 : info.if_index;
	if (!err)
		err = queues_check(d, &info, s, why);
	if (err)
		return err;
	if (d->queues > 1) {
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf.rx_adv_conf.rss_conf.rss_hf =
			info.flow_type_rss_offloads & (RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP);
		if (conf.rx_adv_conf.rss_conf.rss_hf == 0)
			conf.rxmode.mq_mode = RTE_ETH_MQ_RX_NONE;
	}
	sums_configure(d, &info, &conf);
	err = rte_eth_dev_configure(d->id, d->queues, d->queues, &conf);
	if (!err)
		err = rte_eth_dev_adjust_nb_rx_tx_desc(d->id, &frames, &frames_tx);
	if (!err)
		err = queues_open(d);
	if (!err)
		err = rte_eth_dev_start(d->id);
	if (err)
		return device_refuse(s->device, why);
	(void)rte_eth_allmulticast_enable(d->id); /* neighbour discovery; not all devices tell */
	(void)rte_eth_macaddr_get(d->id, &d->mac);
	if (rte_eth_dev_get_mtu(d->id, &d->mtu) != 0 || d->mtu == 0)
		d->mtu = RTE_ETHER_MTU;
	return program_hold(d, &info, why);
}

static int memory_open(struct dpdk_device *d, char why[DPDK_TEXT_MAX])
{
	d->pool = rte_pktmbuf_pool_create("tandem", BUFFERS_EACH * d->queues, CACHE, 0, BUFFER_SIZE,
					  SOCKET_ID_ANY);
	for (uint16_t q = 0; d->pool && q < d->queues; q++) {
		char name[RTE_RING_NAMESIZE];

		(void)snprintf(name, sizeof(name), "tandem-%u", q);
		d->handover[q] =
			rte_ring_create(name, HANDOVER_FRAMES, SOCKET_ID_ANY, RING_F_SC_DEQ);
		if (!d->handover[q])
			return dpdk_refuse(why, -ENOMEM, "no memory for %s", name);
	}
	return d->pool ? 0
		       : dpdk_refuse(why, -ENOMEM, "no memory for buffers: %s",
				     rte_strerror(rte_errno));
}

static void handover_free(struct rte_ring *ring)
{
	void *m;

	while (ring && rte_ring_dequeue(ring, &m) == 0)
		rte_pktmbuf_free(m);
	rte_ring_free(ring);
}

static void device_fd_close(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

static void device_close(struct dpdk_device *d)
{
	struct rte_eth_dev_info info;

	device_fd_close(&d->tap_fd);
	/* The program goes with it. The driver, without privilege, cannot remove it, and logs
	 * that. */
	device_fd_close(&d->program_fd);
	if (d->id != RTE_MAX_ETHPORTS) {
		bool removable = rte_eth_dev_info_get(d->id, &info) == 0;

		(void)rte_eth_dev_stop(d->id);
		(void)rte_eth_dev_close(d->id);
		if (removable)
			(void)rte_dev_remove(info.device);
	}
	for (uint32_t q = 0; q < DPDK_WORKERS_MAX; q++) {
		handover_free(d->handover[q]);
		d->handover[q] = NULL;
	}
	rte_mempool_free(d->pool);
	d->pool = NULL;
	locals_close(&d->locals);
}

static int tap_start(struct dpdk_device *d, const struct port_dpdk_settings *s,
		     char why[DPDK_TEXT_MAX])
{
	int err;

	if (!s->tap || s->tap[0] == '\0')
		return 0;
	err = tap_open(s->tap, d->mac.addr_bytes, d->mtu, &d->tap_fd);
	if (err)
		d->tap_fd = -1;
	else
		d->ifindex = if_nametoindex(s->tap);
	return err ? dpdk_refuse(why, err, "TAP interface %s: %s%s", s->tap, strerror(-err),
				 err == -EPERM    ? " (it needs CAP_NET_ADMIN)"
				 : err == -EACCES ? " (its user must be able to open /dev/net/tun)"
						  : "")
		   : 0;
}

static int device_open(struct dpdk_device *d, const struct port_dpdk_settings *s,
		       char why[DPDK_TEXT_MAX])
{
	int err = dpdk_eal_start(s, why);

	if (err)
		return err;
	d->queues = (uint16_t)s->workers;
	d->id = RTE_MAX_ETHPORTS;
	memcpy(d->gateway, s->gateway, sizeof(d->gateway));
	d->hairpin = s->hairpin;
	locals_open(&d->locals);
	err = memory_open(d, why);
	if (!err)
		err = device_find(d, s->device, why);
	if (!err)
		err = device_configure(d, s, why);
	if (!err)
		err = tap_start(d, s, why);
	if (err)
		device_close(d);
	else
		dpdk_eal_drop();
	return err;
}

static int device_open_logged(struct dpdk_device *d, const struct port_dpdk_settings *s,
			      char why[DPDK_TEXT_MAX])
{
	int err;

	dpdk_log_keep(s->said);
	err = device_open(d, s, why);
	dpdk_log_pass(err ? why : NULL);
	return err;
}

/* The first worker opens it, the last one closes it. */
int dpdk_device_join(struct dpdk_device **out, const struct port_dpdk_settings *s,
		     char why[DPDK_TEXT_MAX])
{
	struct dpdk_device *d = &g_device;
	int err = 0;

	(void)pthread_mutex_lock(&d->lock);
	if (d->users == 0)
		err = s->worker == 0
			      ? device_open_logged(d, s, why)
			      : dpdk_refuse(why, -EINVAL, "the first worker has not opened it");
	d->users += err == 0;
	*out = d;
	(void)pthread_mutex_unlock(&d->lock);
	return err;
}

void dpdk_device_leave(struct dpdk_device *d)
{
	(void)pthread_mutex_lock(&d->lock);
	if (--d->users == 0)
		device_close(d);
	(void)pthread_mutex_unlock(&d->lock);
}
