/* SPDX-License-Identifier: Apache-2.0 */
/* A parsed SDP as text again. */
#ifndef TESTS_UNIT_MEDIA_SDP_AGAIN_H
#define TESTS_UNIT_MEDIA_SDP_AGAIN_H

#include "media/sdp/sdp.h"

static inline void sdp_write(struct writer *w, const struct sdp *s)
{
	for (uint16_t i = 0; i < s->line_count; i++)
		sdp_write_line(w, s->lines[i].type, sdp_slice(s, s->lines[i].value));
}

#endif
