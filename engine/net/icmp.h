/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ICMP says of a UDP socket's packets, by the socket's error queue (IP_RECVERR): nobody there, no way, too long for the path.
 * Also an unconnected socket hears it then, and one whose packets left by a port below the kernel.
 */
#ifndef ENGINE_NET_ICMP_H
#define ENGINE_NET_ICMP_H

#include "base/bytes.h"

/* Has the socket keep what it hears. It must be read from then on, or the socket counts as readable for ever. */
void icmp_listen(int fd, bool v6);
/* Takes all that there is. How many errors they were; *too_long is set, never cleared, when one was about a path's MTU. */
uint32_t icmp_read(int fd, bool *too_long);
/* Whether this result of a call (-errno) may be an error that ICMP told: the call itself can be made again. */
bool icmp_is(int err);

#endif
