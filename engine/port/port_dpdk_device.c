/* SPDX-License-Identifier: Apache-2.0 */
/* What the workers share: the device with a receive and a send queue each, the buffers, the rings between them. */
#include <net/if.h>
#include <rte_errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/port/dpdk_port.h"
#include "engine/port/tap.h"
#include "engine/port/xdp_link.h"

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

/* Drivers have any number for any reason; it is in what DPDK said, which is added to this. */
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
		err = xdp_link_take(info->if_index, &d->program_fd);
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
	/* The program goes with it. The driver cannot take it away, without the privilege, and says so. */
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
				 err == -EPERM ? " (it needs CAP_NET_ADMIN)" : "")
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

static int device_open_said(struct dpdk_device *d, const struct port_dpdk_settings *s,
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
			      ? device_open_said(d, s, why)
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
