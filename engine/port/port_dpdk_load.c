/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/metric.h"
#include "base/module.h"
#include "engine/port/port_dpdk.h"

static metric_id g_metrics[DPDK_COUNTS]; /* metrics are global too */

const char *port_dpdk_count_name(enum port_dpdk_count what)
{
	static const char *const NAMES[DPDK_COUNTS] = {
		[DPDK_IN] = "in",
		[DPDK_OUT] = "out",
		[DPDK_KERNEL_IN] = "kernel_in",
		[DPDK_KERNEL_OUT] = "kernel_out",
		[DPDK_SOCKET_IN] = "socket_in",
		[DPDK_ANSWERED] = "answered",
		[DPDK_BY_SOCKET] = "by_socket",
		[DPDK_FOREIGN] = "foreign",
		[DPDK_KERNEL_BUSY] = "kernel_busy",
		[DPDK_SEGMENTED] = "segmented",
		[DPDK_HANDOVER_FULL] = "handover_full",
		[DPDK_DEVICE_FULL] = "device_full",
		[DPDK_MISSED] = "missed",
	};

	return NAMES[what];
}

static void dpdk_metrics_register(void)
{
	static char labels[DPDK_COUNTS][40]; /* they must outlive the program */

	for (enum port_dpdk_count what = 0; what < DPDK_COUNTS; what++) {
		(void)snprintf(labels[what], sizeof(labels[what]), "what=\"%s\"",
			       port_dpdk_count_name(what));
		g_metrics[what] =
			metric_register(METRIC_COUNTER, "tandem_media_dpdk_frames_total",
					labels[what],
					"Frames of the DPDK device, and what became of them");
	}
}

void port_dpdk_metric(enum port_dpdk_count what, uint64_t n)
{
	metric_add(g_metrics[what], n);
}

port_dpdk_open_fn *port_dpdk_load(char why[DPDK_TEXT_MAX])
{
	static const struct module MODULE = { .file = PORT_DPDK_MODULE,
					      .folder = "engine",
					      .symbol = PORT_DPDK_SYMBOL,
					      .needs = "DPDK" };
	void *symbol = module_load(&MODULE, why);
	port_dpdk_open_fn *open = NULL;

	static_assert((int)DPDK_TEXT_MAX == (int)MODULE_TEXT_MAX, "one text");
	static_assert(sizeof(symbol) == sizeof(open), "POSIX says so of dlsym");
	memcpy(&open, &symbol, sizeof(open));
	if (open)
		dpdk_metrics_register();
	return open;
}
