/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The media ports that this node has open, of all workers, and whose they are. A packet that comes from one of them was sent by the node
 * itself: whoever named the port as its own would make a loop.
 */
#ifndef ENGINE_NET_OWN_PORTS_H
#define ENGINE_NET_OWN_PORTS_H

#include "engine/net/locals.h"

enum { OWN_NAMES_MAX = 16 };

/* An address others know one of ours by: 1:1 NAT. */
struct own_name {
	struct addr outer, inner;
};

struct own_ports {
	struct locals open;
	uint32_t name_count;
	struct own_name names[OWN_NAMES_MAX];
};

void own_ports_open(struct own_ports *o, const struct own_name *names, uint32_t count);
void own_ports_close(struct own_ports *o);
void own_ports_add(struct own_ports *o, const struct addr *local, const struct local *who);
void own_ports_del(struct own_ports *o, const struct addr *local);
bool own_ports_has(const struct own_ports *o, const struct addr *a);
/* By the very address that it is bound to: whose it is, as it was when the port was added. */
bool own_ports_find(const struct own_ports *o, const struct addr *a, struct local *who);

#endif
