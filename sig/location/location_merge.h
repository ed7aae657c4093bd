/* SPDX-License-Identifier: Apache-2.0 */
/* What two nodes know of one address of record. Pure. */
#ifndef SIG_LOCATION_LOCATION_MERGE_H
#define SIG_LOCATION_LOCATION_MERGE_H

#include "sig/location/registrar.h"

/* *theirs, which is taken over, becomes *ours, with the connections that ours knows. ours_count: of each binding the newer one stays, and
 * those of ours that they do not have; *ours keeps empty bindings then until it is replaced. 0, or -ENOMEM: *ours is half what it was. */
int aor_merge(struct aor *ours, struct aor *theirs, bool ours_count) NODISCARD;

#endif
