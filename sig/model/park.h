/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a call while its only party waits in a parking slot (sig/pbx/park.h). */
#ifndef SIG_MODEL_PARK_H
#define SIG_MODEL_PARK_H

#include "base/bytes.h"

enum { PARK_SLOT_LEN = 8 }; /* digits */
#define SLOT_SHOWN ";" /* behind a party that does not hide, as the store has it (sig/pbx/slot.c) */

struct park {
	char slot[PARK_SLOT_LEN + 1];
	struct text by;               /* the user that parked it; "": none */
	char last[PARK_SLOT_LEN + 1]; /* of asks: the first free one up to this; "": slot alone */
	bool asks; /* it is to wait there, and is not answered yet (sig/pbx/park.c) */
	uint64_t since_utc_ms;
	/* of the claim that is under way; 0: none. Of this process, as are those below */
	uint64_t serial;
	uint64_t again_ns; /* when it is claimed once more; 0: it has the slot */
	/* when the phone that parked it rings for it; 0: never, or not known yet */
	uint64_t return_ns;
	/* until then that phone rings; 0: it does not, or for as long as any */
	uint64_t rings_until_ns;
};

/* 1 to PARK_SLOT_LEN digits. */
bool park_slot_is(struct bytes slot);
/* 0 or -ENOMEM. slot: park_slot_is. */
int park_make(struct park **park, struct bytes slot, struct bytes by,
	      uint64_t since_utc_ms) NODISCARD;
void park_clear(struct park **park);

#endif
