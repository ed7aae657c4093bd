/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a party says to the job that it hears, where that is of a kind that takes it (engine/job/job.h). Nobody else is to get it: the flow
 * has no peer. A batch of a worker without such a job costs one test.
 */
#ifndef ENGINE_WALK_TAKE_H
#define ENGINE_WALK_TAKE_H

#include "engine/net/packet.h"

struct worker;

/* Drops: alone (it was taken), and for what a job does not take it. */
void take_stage(struct worker *w, struct batch *b);

#endif
