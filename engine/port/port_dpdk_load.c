/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the module beside the program, or where a build leaves it. It stays loaded: what DPDK has started does not end. */
#include <dlfcn.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/metric.h"
#include "engine/port/port_dpdk.h"

enum { PATH_LENGTH = 2048 };

/* From the folder of the program on. */
static const char *const PLACES[] = {
	"../lib/tandem/" PORT_DPDK_MODULE,
	"../engine/" PORT_DPDK_MODULE,
	PORT_DPDK_MODULE,
};

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

static void *module_open(const char *folder, char why[DPDK_TEXT_MAX])
{
	char path[PATH_LENGTH];
	void *module = NULL;

	(void)snprintf(why, DPDK_TEXT_MAX,
		       "there is no " PORT_DPDK_MODULE
		       ": it was built without DPDK, or not installed");
	for (size_t i = 0; i < COUNT_OF(PLACES) && !module; i++) {
		if (snprintf(path, sizeof(path), "%s/%s", folder, PLACES[i]) >= (int)sizeof(path) ||
		    access(path, R_OK) != 0)
			continue;
		module = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
		if (!module)
			(void)snprintf(why, DPDK_TEXT_MAX, "%s", dlerror());
	}
	return module;
}

port_dpdk_open_fn *port_dpdk_load(char why[DPDK_TEXT_MAX])
{
	char program[PATH_LENGTH];
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);
	void *module = NULL;
	port_dpdk_open_fn *open = NULL;

	if (n > 0) {
		program[n] = '\0';
		module = module_open(dirname(program), why);
	}
	if (module) {
		void *symbol = dlsym(module, PORT_DPDK_SYMBOL);

		static_assert(sizeof(symbol) == sizeof(open), "POSIX says so of dlsym");
		memcpy(&open, &symbol, sizeof(open));
	}
	if (open)
		dpdk_metrics_register();
	return open;
}
