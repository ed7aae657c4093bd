/* SPDX-License-Identifier: Apache-2.0 */
/* A room and its record (sig/record/room.proto), read as if it came from a stranger. */
#ifndef SIG_RECORD_ROOM_RECORD_H
#define SIG_RECORD_ROOM_RECORD_H

#include "base/schema.h"
#include "sig/host/host.h"
#include "sig/room/room.h"

/* One of a higher format is of a later program, which this one must not go on with. */
enum {
	ROOM_RECORD_ONE = 1,
	ROOM_RECORD_SHARDS = 2, /* parties come from another shard, or go there */
	ROOM_RECORD_FORMAT = ROOM_RECORD_SHARDS,
	ROOM_FORMAT_TAG = 3,
};

/* Of struct room. */
extern const struct schema room_rows[];

/* 0 or -ENOMEM. */
int room_encode(const struct call_host *h, const struct room *r, struct text *out) NODISCARD;
/* Decodes into *r (zeroed). Returns 0, -EBADMSG, -EPROTONOSUPPORT (of a later program) or -ENOMEM:
 * nothing to clear; *reason says why. */
int room_decode(const struct call_host *h, struct room *r, struct bytes record,
		const char **reason) NODISCARD;

#endif
