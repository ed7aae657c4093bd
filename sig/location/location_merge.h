/* SPDX-License-Identifier: Apache-2.0 */
/* What two nodes know of one address of record. Pure. */
#ifndef SIG_LOCATION_LOCATION_MERGE_H
#define SIG_LOCATION_LOCATION_MERGE_H

#include "sig/location/registrar.h"

/* What that REGISTER has taken out, and no save has said yet. 0 or -ENOMEM. */
int aor_note_left(struct aor *left, const struct aor *before, const struct aor *after,
		  const struct sip_message *m, uint64_t utc_ms) NODISCARD;
/* *theirs, which is taken over, becomes *ours, with the connections that ours knows. ours_count: of each binding the newer one stays, and
 * those of ours that they do not have, unless they have taken them out since; *ours keeps empty bindings then until it is replaced. left:
 * what we have taken out, which goes from theirs where theirs is no newer; NULL: nothing. 0, or -ENOMEM: *ours is half what it was. */
int aor_merge(struct aor *ours, struct aor *theirs, const struct aor *left,
	      bool ours_count) NODISCARD;

#endif
