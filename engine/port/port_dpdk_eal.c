/* SPDX-License-Identifier: Apache-2.0 */
/* DPDK's own start: it happens once in a process, and never ends. */
#include <rte_alarm.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <sched.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/privilege.h"
#include "engine/port/dpdk_port.h"

int PRINTF_LIKE(3, 4) dpdk_refuse(char why[DPDK_TEXT_MAX], int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(why, DPDK_TEXT_MAX, fmt, args);
	va_end(args);
	return err;
}

/* "0000:03:00.0" or "03:00.0", perhaps with parameters after a comma. */
static bool is_pci(const char *device)
{
	size_t address = strcspn(device, ",");
	const char *dot = memchr(device, '.', address);

	return dot && dot > device && memchr(device, ':', (size_t)(dot - device)) != NULL;
}

enum { ARGV_MAX = DPDK_ARGS_MAX + 16, ARGV_TEXT = 8192, ARG_LENGTH = 128 };

/* EAL keeps and permutes what it was given. */
struct argv {
	char *list[ARGV_MAX + 1];
	int count;
	char text[ARGV_TEXT];
	size_t used;
};

static void argv_add(struct argv *a, const char *text)
{
	size_t size = strlen(text) + 1;

	assert(a->count < ARGV_MAX && size <= ARGV_TEXT - a->used);
	a->list[a->count++] = memcpy(a->text + a->used, text, size);
	a->used += size;
}

static bool names_cores(const struct port_dpdk_settings *s)
{
	for (uint32_t i = 0; i < s->arg_count; i++)
		if (strncmp(s->args[i], "-l", 2) == 0 || strncmp(s->args[i], "-c", 2) == 0 ||
		    strncmp(s->args[i], "--lcores", 8) == 0)
			return true;
	return false;
}

/* EAL binds its first thread to one core unless told otherwise; where a worker runs is not its business. */
static void argv_add_cores(struct argv *a)
{
	char text[16 + CPU_SETSIZE * 5] = "--lcores=0@(";
	size_t n = strlen(text);
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return;
	for (int cpu = 0; cpu < RTE_MAX_LCORE && cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set))
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%d,", cpu);
	text[n - 1] = ')';
	argv_add(a, text);
}

/* Memory of no file, so nothing is left of a killed process. */
static void argv_add_memory(struct argv *a, const struct port_dpdk_settings *s)
{
	char text[16];

	if (s->hugepages) {
		argv_add(a, "--in-memory");
		return;
	}
	(void)snprintf(text, sizeof(text), "%u", DPDK_POOL_MB + DPDK_POOL_MB_EACH * s->workers);
	argv_add(a, "--no-huge");
	argv_add(a, "--no-shconf");
	argv_add(a, "-m");
	argv_add(a, text);
}

/* libxdp's dispatcher is for programs of several owners, and keeps files in /sys/fs/bpf that outlive us. */
static void dispatcher_avoid(const char *device)
{
	static const char DRIVER[] = "net_af_xdp";

	if (strncmp(device, DRIVER, sizeof(DRIVER) - 1) == 0)
		(void)setenv("LIBXDP_SKIP_DISPATCHER", "1", 1);
}

int dpdk_eal_start(const struct port_dpdk_settings *s, char why[DPDK_TEXT_MAX])
{
	static struct argv argv; /* EAL's from now on */
	static bool started;

	if (started)
		return 0;
	for (uint32_t i = 0; i < s->arg_count; i++)
		if (strlen(s->args[i]) >= ARG_LENGTH)
			return dpdk_refuse(why, -EINVAL, "argument %u is too long", i + 1);
	if (argv.count > 0)
		return dpdk_refuse(why, -EIO, "DPDK was started in vain before: restart the node");
	dispatcher_avoid(s->device);
	argv_add(&argv, "tandem");
	argv_add(&argv, "--no-telemetry");
	argv_add(&argv, "--log-level=warning");
	argv_add_memory(&argv, s);
	if (!names_cores(s))
		argv_add_cores(&argv);
	argv_add(&argv, is_pci(s->device) ? "-a" : "--no-pci");
	if (is_pci(s->device))
		argv_add(&argv, s->device);
	for (uint32_t i = 0; i < s->arg_count; i++)
		argv_add(&argv, s->args[i]);
	if (rte_eal_init(argv.count, argv.list) < 0)
		return dpdk_refuse(why, -EIO, "DPDK does not start (%s)%s%s",
				   rte_strerror(rte_errno),
				   s->hugepages ? ": are there hugepages (vm.nr_hugepages)? "
						  "media.dpdk.hugepages: false does without"
						: "",
				   s->arg_count > 0 ? ": is media.dpdk.args right?" : "");
	started = true;
	return 0;
}

/* ---- privileges ---- */

/* Alarms are for the thread that waits for interrupts. */
static void interrupts_drop(void *done)
{
	privilege_drop();
	(void)sem_post(done);
}

static int lcore_drop(void *arg)
{
	(void)arg;
	privilege_drop();
	return 0;
}

void dpdk_eal_drop(void)
{
	unsigned lcore;
	sem_t done;

	RTE_LCORE_FOREACH_WORKER (lcore)
		if (rte_eal_remote_launch(lcore_drop, NULL, lcore) == 0)
			(void)rte_eal_wait_lcore(lcore);
	(void)sem_init(&done, 0, 0);
	if (rte_eal_alarm_set(1, interrupts_drop, &done) == 0)
		while (sem_wait(&done) != 0)
			continue;
	(void)sem_destroy(&done);
}
