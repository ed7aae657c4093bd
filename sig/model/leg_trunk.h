/* SPDX-License-Identifier: Apache-2.0 */
/* Legs of trunks (sig/host/trunk.h). A leg has a channel of its trunk from its first moment until it is closed, or left before it has said anything. */
#ifndef SIG_MODEL_LEG_TRUNK_H
#define SIG_MODEL_LEG_TRUNK_H

#include "sig/host/trunk.h"
#include "sig/model/leg.h"

/* The way of its channel. */
enum trunk_direction leg_trunk_direction(const struct leg *l);
/* It is of that trunk from now on; leg.called is known. TRUNK_NONE: it stays a phone's. 0 or -ENOMEM. */
int leg_set_trunk(struct trunks *all, struct leg *l, uint16_t trunk) NODISCARD;
/* Its name stays. */
void leg_leave_channel(struct leg *l);

static inline bool leg_is_trunk(const struct leg *l)
{
	return l->trunk.n != 0;
}

#endif
