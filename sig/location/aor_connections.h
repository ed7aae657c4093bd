/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which addresses of record have a binding by a connection, so that the end of one costs what was on it. Bindings link each other: no
 * capacity, and no memory but the buckets.
 */
#ifndef SIG_LOCATION_AOR_CONNECTIONS_H
#define SIG_LOCATION_AOR_CONNECTIONS_H

#include "base/pool.h"
#include "sig/location/registrar.h"

struct aor_link {
	struct aor_link *next;
	struct aor_link **back; /* what points at this one; NULL: not listed */
	uint64_t connection;
	pool_handle aor;
};

/* In an address of record: one for each binding that came by a connection. No memory where none did. */
struct aor_links {
	struct aor_link *list;
	uint32_t count; /* so many are in use, or were */
};

struct aor_connections {
	struct aor_link **buckets;
	uint32_t mask;
};

/* So many are found without long walks. 0 or -ENOMEM. */
int aor_connections_open(struct aor_connections *c, uint32_t aors) NODISCARD;
/* Nothing is listed any more. */
void aor_connections_close(struct aor_connections *c);
/* What the entry says now; nothing else of it is listed any more. entry NULL: nothing at all. Without memory nothing is listed, and the end
 * of a connection changes nothing: what only it reached runs out in its own time. */
void aor_connections_list(struct aor_connections *c, struct aor_links *links, pool_handle aor,
			  const struct aor *entry);
/* Takes one off the connection's list. False: nothing is on it any more. */
bool aor_connections_take(struct aor_connections *c, uint64_t connection, pool_handle *aor);

#endif
