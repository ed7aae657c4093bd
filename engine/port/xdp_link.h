/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Libraries attach XDP programs in a way that outlives the process. Such a program is put on a link of ours here, which the kernel takes
 * away with its last descriptor, also after a kill.
 */
#ifndef ENGINE_PORT_XDP_LINK_H
#define ENGINE_PORT_XDP_LINK_H

#include <stdint.h>

#include "base/compiler.h"

/* The program that is on the interface now goes with *out, a descriptor; -1: there is none. Its packets are the kernel's for a moment.
 * Any thread; needs CAP_SYS_ADMIN and CAP_NET_ADMIN. 0, or -errno: nothing has changed. */
int xdp_link_take(uint32_t ifindex, int *out) NODISCARD;

#endif
