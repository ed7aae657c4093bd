/* SPDX-License-Identifier: Apache-2.0 */
/* What leaves for a party that has agreed on keys leaves as SRTP and SRTCP, or not at all. */
#ifndef ENGINE_WALK_PROTECT_H
#define ENGINE_WALK_PROTECT_H

#include "engine/flow/flow.h"

/* Of what is to be sent, relayed or made here. Tells control once per limit when few of the granted indexes are left.
 * Drops: srtp_index, srtp_index_reuse, srtp_key, too_long. */
void protect_stage(struct worker *w, struct batch *b);

#endif
