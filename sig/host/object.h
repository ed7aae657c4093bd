/* SPDX-License-Identifier: Apache-2.0 */
/* An object: something that outlives a call and has one owner in the cluster. Its id begins with
 * the number of its shard. It has a record there, and a successor of the shard continues it. A
 * claimed object has its name exclusively among all shards (docs/adr/0059). It is the first member
 * of its kind's struct: a room (sig/room/room.h). Common behaviour is in sig/shard/objects.h. */
#ifndef SIG_HOST_OBJECT_H
#define SIG_HOST_OBJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/pool.h"
#include "base/wheel.h"

enum { OBJECT_ORDERS_MAX = 8 };

enum object_kind { OBJECT_ROOM, OBJECT_KINDS };

/* The owner of its name among all shards, where others may have one of that name. From OWN on it is
 * open. */
enum object_claim {
	OBJECT_UNCLAIMED,
	OBJECT_ASKED, /* the store is */
	OBJECT_OWN,   /* it is the only one; also if no other is possible */
	OBJECT_APART, /* that is not known, and others may be elsewhere */
};

/* An order that waits for a save. */
struct object_order {
	uint64_t ticket, version;
};

struct object {
	uint64_t id;
	uint16_t tenant;
	uint64_t created_utc_ms; /* as others are shown it */
	uint64_t follows;        /* one of another shard, where all who are in it go; 0: none */
	uint64_t version, acked; /* of its record */
	/* of this process */
	const struct object_type *type;
	pool_handle self;
	uint8_t claim;         /* enum object_claim */
	uint64_t claim_serial; /* of what the store was asked; 0: nothing */
	uint64_t claim_ns; /* it is asked again, or waited for no longer; 0: off, as those below */
	uint64_t follow_ns, follow_until_ns; /* when they go */
	uint32_t follow_again_ms;
	uint64_t follow_after; /* the member sent last in this round (object_type.send); 0: none */
	uint64_t saving;       /* the save that is not answered yet; 0: none */
	uint64_t save_ns, turn_ns;
	struct object_order orders[OBJECT_ORDERS_MAX];
	uint8_t order_count;
	struct wheel_timer timer;
};

/* Callers may join it. */
static inline bool object_is_open(const struct object *o)
{
	return o->claim >= OBJECT_OWN;
}

#endif
