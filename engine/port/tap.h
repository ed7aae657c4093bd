/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TAP interface: through it the kernel sees and sends the frames of a device that was taken from it. It is gone when the
 * descriptor is closed, so also after a kill -9.
 */
#ifndef ENGINE_PORT_TAP_H
#define ENGINE_PORT_TAP_H

#include "engine/net/frame.h"

/* Makes the interface, or takes a persistent one of that name which nobody uses; sets its MAC address and MTU and brings it
 * up. Needs CAP_NET_ADMIN, unless it is persistent and ours. *out: a descriptor that does not block. 0 or -errno. */
int tap_open(const char *name, const uint8_t mac[FRAME_MAC_LEN], uint16_t mtu, int *out) NODISCARD;

#endif
