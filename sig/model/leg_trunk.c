/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/model/leg_trunk.h"

#include <errno.h>

enum trunk_direction leg_trunk_direction(const struct leg *l)
{
	return l->called ? TRUNK_OUT : TRUNK_IN;
}

int leg_set_trunk(struct trunks *all, struct leg *l, uint16_t trunk)
{
	const char *name = trunks_name(all, trunk);

	if (!name[0])
		return 0;
	if (text_set(&l->trunk, bytes_str(name)))
		return -ENOMEM;
	l->dialog.trunk = true;
	l->trunks = all;
	l->channel = trunk;
	trunks_hold(all, trunk, leg_trunk_direction(l));
	return 0;
}

void leg_leave_channel(struct leg *l)
{
	if (l->channel != TRUNK_NONE)
		trunks_release(l->trunks, l->channel, leg_trunk_direction(l));
	l->channel = TRUNK_NONE;
}
