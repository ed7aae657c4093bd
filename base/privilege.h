/* SPDX-License-Identifier: Apache-2.0 */
/* Capabilities(7) that media ports below the kernel need while they are set up, and nobody afterwards. */
#ifndef BASE_PRIVILEGE_H
#define BASE_PRIVILEGE_H

#include "base/bytes.h"

/* Programs that we start get none of ours. At the start of the process. */
void privilege_keep(void);
/* Gives CAP_NET_ADMIN, CAP_NET_RAW, CAP_BPF, CAP_PERFMON, CAP_IPC_LOCK, CAP_SYS_ADMIN and CAP_SYS_RAWIO up for good: this thread and
 * those it starts from then on. One that was started before does it itself. */
void privilege_drop(void);
/* The same but for CAP_IPC_LOCK: a thread that shares memory with sockets of AF_XDP later. */
void privilege_drop_to_memory(void);
/* For a process that moves addresses: keeps CAP_NET_ADMIN and CAP_NET_RAW alone of all there are. */
void privilege_drop_to_network(void);
/* For one that needs none at all. */
void privilege_drop_all(void);
/* How many threads of the process still have one of these, and their names with blanks between, as many as fit. */
uint32_t privilege_holders(char *names, size_t size);

#endif
