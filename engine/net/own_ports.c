/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/net/own_ports.h"

void own_ports_open(struct own_ports *o, const struct own_name *names, uint32_t count)
{
	locals_open(&o->open);
	o->name_count = count < OWN_NAMES_MAX ? count : OWN_NAMES_MAX;
	for (uint32_t i = 0; i < o->name_count; i++)
		o->names[i] = names[i];
}

void own_ports_close(struct own_ports *o)
{
	locals_close(&o->open);
}

/* Without memory for one more address its ports are not known, and a loop through them is paced like any other (trickle.h). */
void own_ports_add(struct own_ports *o, const struct addr *local, const struct local *who)
{
	int err = 0;

	if (local->family != ADDR_NONE && local->port)
		err = locals_add(&o->open, local, who);
	(void)err;
}

void own_ports_del(struct own_ports *o, const struct addr *local)
{
	if (local->family != ADDR_NONE && local->port && locals_has_ip(&o->open, local))
		locals_del(&o->open, local);
}

static bool own_port_is_open(const struct own_ports *o, const struct addr *ip, uint16_t port)
{
	struct local who;

	return locals_read(locals_ports(&o->open, ip), port, &who);
}

bool own_ports_has(const struct own_ports *o, const struct addr *a)
{
	if (own_port_is_open(o, a, a->port))
		return true;
	for (uint32_t i = 0; i < o->name_count; i++) {
		if (addr_ip_eq(a, &o->names[i].outer) &&
		    own_port_is_open(o, &o->names[i].inner, a->port))
			return true;
	}
	return false;
}

bool own_ports_find(const struct own_ports *o, const struct addr *a, struct local *who)
{
	return a->family != ADDR_NONE && locals_find(&o->open, a, who);
}
