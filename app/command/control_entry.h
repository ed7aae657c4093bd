/* SPDX-License-Identifier: Apache-2.0 */
/* One entry of a command stream: v, id, do, args, client, ttl_ms. Pure. */
#ifndef APP_COMMAND_CONTROL_ENTRY_H
#define APP_COMMAND_CONTROL_ENTRY_H

#include "base/bytes.h"

enum { CONTROL_NAME_MAX = 64, CONTROL_ARGS_MAX = 16384 };

/* Slices of what was read. */
struct control_entry {
	uint64_t
		added_utc_ms; /* from the stream id, which Redis made; of one that was put back the first one's */
	struct bytes version, id, command, args, client;
	uint64_t ttl_ms;    /* 0: none given */
	uint64_t passed;    /* so often it was put back (control_pass) */
	struct bytes claim; /* its id was claimed so by the node that moved it (control_move) */
	bool bad_ttl;
};

/* "1700000000000-0" gives the time. 0 or -EINVAL. */
int control_entry_begin(struct control_entry *e, struct bytes stream_id) NODISCARD;
/* One field; unknown names are ignored. */
void control_entry_field(struct control_entry *e, struct bytes name, struct bytes value);
/* NULL: fine; else what is wrong, a constant sentence. id and client are empty afterwards where they cannot be used. */
const char *control_entry_check(struct control_entry *e);
/* True when it is too old to be carried out. */
bool control_entry_is_expired(const struct control_entry *e, uint64_t utc_ms);

#endif
