/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flows on their way from one worker to another (engine/flow/flow_move.h), as control knows them. Until such a flow is open again its
 * commands wait with whoever has them. Control's thread alone.
 */
#ifndef ENGINE_MOVES_H
#define ENGINE_MOVES_H

#include "engine/flow/flow_move.h"

struct moves {
	struct flow_parcel *first; /* in the order that they were asked for in; few */
};

/* NULL: no memory. */
struct flow_parcel *moves_begin(struct moves *m, const struct flow_spec *spec);
/* That of the slot; NULL: nothing of it is on its way. */
struct flow_parcel *moves_find(const struct moves *m, uint32_t slot);
/* It is over. Sockets that nobody took are closed. */
void moves_end(struct moves *m, struct flow_parcel *p);
/* All are. */
void moves_close(struct moves *m);

#endif
