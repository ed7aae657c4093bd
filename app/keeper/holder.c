/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel frees a process's memory before it closes its descriptors: 75 ms for each GiB, for which the keeper would wait. So another
 * process has the same memory, and nothing else. It ends with the node, and frees it then.
 */
#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/keeper/keeper.h"

#if THREAD_SANITIZER
/* Its runtime takes the other process for a thread that it does not know, and ends. */
int keeper_hold_memory(void)
{
	return 0;
}
#else
enum { STACK = 65536 };

static _Atomic bool g_holds;

/*
 * It has the thread-local memory of the node's main thread as well, so there is nothing but calls of the kernel. What it may do it gives
 * up: who writes the node's memory writes its own.
 */
NOT_SANITIZED static int hold(void *node)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

	(void)syscall(SYS_close_range, 0, ~0U, 0);
	(void)syscall(SYS_capset, &head, none);
	(void)syscall(SYS_prctl, PR_SET_NAME, "tandem-holder");
	(void)syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
	if (syscall(SYS_getppid) != *(const pid_t *)node)
		return 0; /* it is dead already */
	atomic_store(&g_holds, true);
	for (;;)
		(void)syscall(SYS_pause);
}

int keeper_hold_memory(void)
{
	uint8_t *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	pid_t node = getpid(), holder;

	if (stack == MAP_FAILED)
		return -errno;
	atomic_store(&g_holds, false);
	holder = clone(hold, stack + STACK, CLONE_VM | SIGCHLD, &node);
	if (holder < 0)
		return -errno;
	while (!atomic_load(&g_holds)) { /* until then errno is its own as well */
		if (waitpid(holder, NULL, WNOHANG) == holder)
			return -ECHILD;
		(void)sched_yield();
	}
	return 0;
}
#endif
