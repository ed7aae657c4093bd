/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the core asks for, a line for each effect with each member that is not zero, into sim.asked. Two programs whose lines are the
 * same do the same: `sim --hash` prints a hash of them for each seed and story, `--hash --story` the lines of one. No pointer, padding or
 * address of this process is in it. A member that is new changes nothing until it is used.
 */
#ifndef TESTS_SIM_EFFECT_LINE_H
#define TESTS_SIM_EFFECT_LINE_H

#include "cluster/peer/parcel.h"
#include "sig/host/effect.h"

struct node;

/* shard: its number; 0: an effect of the locations. */
void effect_line(const struct node *n, uint16_t shard, const struct effect *e);
/* What a node hands to another one. */
void effect_line_parcel(const struct node *n, uint32_t to, const struct parcel *p);

#endif
