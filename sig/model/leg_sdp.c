/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/model/leg_sdp.h"

void leg_sdp_clear(struct leg_sdp *sdp)
{
	text_clear(&sdp->remote);
	text_clear(&sdp->local);
	sdp->theirs = sdp->by_18x = false;
}

void leg_sdp_move(struct leg_sdp *to, struct leg_sdp *from)
{
	leg_sdp_clear(to);
	*to = *from;
	*from = (struct leg_sdp){ 0 };
}
