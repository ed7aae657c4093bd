/* SPDX-License-Identifier: Apache-2.0 */
#include "base/privilege.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"

static const int DROPPED[] = { CAP_NET_ADMIN, CAP_NET_RAW, CAP_BPF, CAP_PERFMON, CAP_IPC_LOCK };

void privilege_keep(void)
{
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

static int drop(bool keeps_memory)
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
	int err = drop(keeps_memory);

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
