/* SPDX-License-Identifier: Apache-2.0 */
/* Video of a party without a peer leg. In a conference its video is shown to others (media/job.h),
 * so the node offers and answers it. Elsewhere its video line is kept for its next peer: a held,
 * parked or transferred call has video again afterwards. */
#ifndef SIG_CALL_VIDEO_H
#define SIG_CALL_VIDEO_H

#include "sig/model/call.h"
#include "sig/room/room.h"

struct offer_capabilities;

/* What we can answer the leg with: own is what we can of sound. True: video is part of it. */
bool video_answer(const struct call_host *h, const struct call *c, uint8_t leg,
		  struct offer_capabilities *own);
/* The same for an offer of ours: video where others in its conference have it. */
bool video_offer(const struct call_host *h, const struct call *c, struct offer_capabilities *own);
/* What the leg was told last, for an offer of what is now. 0, or -errno: as it was. */
int video_reoffer(const struct call_host *h, const struct call *c, struct bytes said,
		  struct writer *w) NODISCARD;

enum { VIDEO_MEMBERS_MAX = 64 }; /* members considered for video: the first that joined */

/* Members that send what another member cannot decode, and could send otherwise: each is to be
 * re-INVITEd once. Returns how many. */
uint32_t video_unfit_members(const struct call_host *h, const struct room *r,
			     uint64_t calls[VIDEO_MEMBERS_MAX]);
/* What the flow's party sees in place of another leg's: its room. False: nothing. */
bool room_video_source(const struct call_host *h, const struct call *c, const struct call_flow *f,
		       struct flow_source *out);

#endif
