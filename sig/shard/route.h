/* SPDX-License-Identifier: Apache-2.0 */
/* From an address of record to where it is reached. Pure. */
#ifndef SIG_SHARD_ROUTE_H
#define SIG_SHARD_ROUTE_H

#include "sig/host/route_uri.h"
#include "sig/shard/registrar.h"

/* The bindings to ring, at most cap: all that live, those whose connection is gone at the end, by q and then the newest first. aor NULL: none. */
enum route_verdict route_bindings(const struct aor *aor, const struct shard_settings *settings,
				  uint64_t utc_ms, const struct binding **out, uint32_t cap,
				  uint32_t *count);

#endif
