/* SPDX-License-Identifier: Apache-2.0 */
/* The flows of relay.c as members of one conference. */
#ifndef BENCH_ENGINE_RELAY_ROOM_H
#define BENCH_ENGINE_RELAY_ROOM_H

#include "engine/engine.h"

/* Before the flows are open. The bench fails where it cannot. */
void relay_room_begin(struct engine *e, uint32_t members);
/* The flow of this number is a member, and nobody's peer. */
void relay_room_join(struct flow_spec *spec, uint32_t index);

#endif
