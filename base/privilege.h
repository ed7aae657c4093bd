/* SPDX-License-Identifier: Apache-2.0 */
/* Drops the capabilities(7) that media ports below the kernel need only while they are set up. */
#ifndef BASE_PRIVILEGE_H
#define BASE_PRIVILEGE_H

#include "base/bytes.h"

/* At the start of the process: programs that it starts inherit no capability. */
void privilege_keep(void);
/* Gives up CAP_NET_ADMIN, CAP_NET_RAW, CAP_BPF, CAP_PERFMON, CAP_IPC_LOCK, CAP_SYS_ADMIN and
 * CAP_SYS_RAWIO for good: for this thread and those it starts later. A thread that was started
 * before does it itself. */
void privilege_drop(void);
/* The same but for CAP_IPC_LOCK: a thread that shares memory with sockets of AF_XDP later. */
void privilege_drop_to_memory(void);
/* For a process that moves addresses: keeps only CAP_NET_ADMIN and CAP_NET_RAW of all
 * capabilities. */
void privilege_drop_to_network(void);
/* For a process that needs no capability at all. */
void privilege_drop_all(void);
/* Counts the threads of the process that still have one of these; names: theirs, separated by
 * blanks, as many as fit. */
uint32_t privilege_holders(char *names, size_t size);

#endif
