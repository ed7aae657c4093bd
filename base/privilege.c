/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gives up Linux capabilities(7) of threads and processes. Ports below the kernel (DPDK, XDP) need
 * capabilities while they are set up; afterwards a bug in the parsing of packets must not have
 * them. Capabilities belong to a thread, so each thread that was started before drops its own, and
 * privilege_holders reads /proc/self/task to show that none was forgotten. A failed drop is logged
 * and not fatal.
 */

#include "base/privilege.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"

static const int DROPPED[] = {
	CAP_NET_ADMIN, CAP_NET_RAW,   CAP_BPF,       CAP_PERFMON,
	CAP_IPC_LOCK,  CAP_SYS_ADMIN, CAP_SYS_RAWIO,
};

void privilege_keep(void)
{
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

static int capabilities_drop(bool keeps_memory)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &head, data) != 0)
		return -errno;
	for (size_t i = 0; i < COUNT_OF(DROPPED); i++) {
		uint32_t keep = ~(uint32_t)CAP_TO_MASK(DROPPED[i]);

		if (keeps_memory && DROPPED[i] == CAP_IPC_LOCK)
			continue;
		data[CAP_TO_INDEX(DROPPED[i])].effective &= keep;
		data[CAP_TO_INDEX(DROPPED[i])].permitted &= keep;
		data[CAP_TO_INDEX(DROPPED[i])].inheritable &= keep;
	}
	return syscall(SYS_capset, &head, data) == 0 ? 0 : -errno;
}

static void drop_logged(bool keeps_memory)
{
	int err = capabilities_drop(keeps_memory);

	if (err)
		LOG_WARN("base", 0, "cannot give up privileges", LOG_STR("error", strerror(-err)));
}

void privilege_drop(void)
{
	drop_logged(false);
}

void privilege_drop_to_memory(void)
{
	drop_logged(true);
}

/* keep: of the first word. */
static void drop_to(uint32_t keep)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &head, data) != 0)
		return;
	for (size_t i = 0; i < COUNT_OF(data); i++) {
		data[i].effective &= i ? 0 : keep;
		data[i].permitted &= i ? 0 : keep;
		data[i].inheritable = 0;
	}
	if (syscall(SYS_capset, &head, data) != 0)
		LOG_WARN("base", 0, "cannot give up privileges", LOG_STR("error", strerror(errno)));
}

void privilege_drop_to_network(void)
{
	static_assert(CAP_TO_INDEX(CAP_NET_ADMIN) == 0 && CAP_TO_INDEX(CAP_NET_RAW) == 0,
		      "both are in the first word");
	drop_to(CAP_TO_MASK(CAP_NET_ADMIN) | CAP_TO_MASK(CAP_NET_RAW));
}

void privilege_drop_all(void)
{
	drop_to(0);
}

/* ---- threads with privileges ---- */

static uint64_t dropped_mask(void)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < COUNT_OF(DROPPED); i++)
		mask |= UINT64_C(1) << DROPPED[i];
	return mask;
}

/* The value of a line of /proc/self/task/TASK/status; empty if the line is missing. */
static void status_read(const char *task, const char *name, char *out, size_t size)
{
	char path[64], line[128];
	size_t n = strlen(name);
	FILE *file;

	out[0] = '\0';
	(void)snprintf(path, sizeof(path), "/proc/self/task/%.16s/status", task);
	file = fopen(path, "re");
	while (file && !out[0] && fgets(line, sizeof(line), file))
		if (strncmp(line, name, n) == 0 && line[n] == ':')
			(void)snprintf(out, size, "%.*s", (int)strcspn(line + n + 2, "\n"),
				       line + n + 2);
	if (file)
		(void)fclose(file);
}

uint32_t privilege_holders(char *names, size_t size)
{
	DIR *tasks = opendir("/proc/self/task");
	char mask[32], name[32];
	uint32_t count = 0;
	const struct dirent *d;
	size_t used = 0;

	names[0] = '\0';
	while (tasks && (d = readdir(tasks)) != NULL) {
		if (d->d_name[0] == '.')
			continue;
		status_read(d->d_name, "CapPrm", mask, sizeof(mask));
		if (!(strtoull(mask, NULL, 16) & dropped_mask()))
			continue;
		status_read(d->d_name, "Name", name, sizeof(name));
		if (used < size)
			used += (size_t)snprintf(names + used, size - used, "%s%s",
						 count > 0 ? " " : "", name);
		count++;
	}
	if (tasks)
		(void)closedir(tasks);
	return count;
}
