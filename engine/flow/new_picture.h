/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A party is asked for a picture that a decoder may begin with: by rooms (engine/job/room_picture.h), and where somebody else sees it from now on,
 * behind a transfer, or when a conference is a call of two again. Nobody is asked who sends nothing yet.
 */
#ifndef ENGINE_FLOW_NEW_PICTURE_H
#define ENGINE_FLOW_NEW_PICTURE_H

#include "engine/flow/flow.h"

/* By PLI (RFC 4585 6.3.1), or FIR (RFC 5104 4.3.1) of a party that knows no PLI, of its stream `source`. False: no address is known, or no
 * buffer is free. */
bool keyframe_request(struct worker *w, struct flow *f, uint32_t source);
/* Before an update. */
void keyframe_note_update(struct flow *f, const struct flow_spec *spec);
/* Asks, if that is due. */
void keyframe_tick(struct worker *w, struct flow *f);

#endif
