/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a host goes on in the kernel when its process is gone, and is the next one's (docs/adr/0064): the table of what is forwarded, and
 * the links on which the programs hang. The word with the descriptors says of what shape that is: another version's, or that of other
 * settings, is not taken over. By the main thread, while no worker runs, but for xdp_remains_tell.
 */
#ifndef ENGINE_PORT_XDP_REMAINS_H
#define ENGINE_PORT_XDP_REMAINS_H

#include "base/remains.h"
#include "engine/port/xdp_host.h"

/* The table is h's, and what it takes is left->fds -1. False: of no use, and what is on the interfaces comes off. */
bool xdp_remains_take(struct xdp_host *h, struct remains *left, uint32_t entries,
		      uint32_t addresses);
/* Once the interface has its new program it hangs where that of the process before did: -1, or the link. */
int xdp_remains_link(const struct xdp_host *h, struct remains *left, uint32_t interface,
		     bool *native);
/* As it is now, in duplicates that are the caller's. Where h forwards nothing there is nothing. By any one thread. */
void xdp_remains_tell(struct xdp_host *h, struct remains *out);

#endif
