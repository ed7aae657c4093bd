/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/flow/new_picture.h"

#include "engine/walk/originate.h"
#include "engine/walk/worker.h"
#include "media/rtp/picture.h"
#include "media/rtp/rtcp_write.h"

/* A compound, as RFC 4585 3.1 wants it of those who did not agree on less. */
bool keyframe_request(struct worker *w, struct flow *f, uint32_t source)
{
	uint8_t memory[RTCP_REPORT_MAX + KEYFRAME_REQUEST_MAX];
	size_t n = reports_empty(w, f, memory).n;
	const struct keyframe_request_terms r = {
		.sender = f->ssrc_out, .source = source, .fir = f->fir, .number = f->fir_number
	};

	n += keyframe_request_write(memory + n, &r).n;
	if (!originate_rtcp(w, f, bytes_mem(memory, n)))
		return false;
	f->fir_number++;
	metric_add(w->metrics->keyframes_requested, 1);
	return true;
}

void keyframe_note_update(struct flow *f, const struct flow_spec *spec)
{
	if (spec->kind == MEDIA_VIDEO && spec->peer.generation &&
	    !flow_id_eq(spec->peer, f->peer) && f->source.started)
		f->seen_anew = 1;
}

void keyframe_tick(struct worker *w, struct flow *f)
{
	if (LIKELY(!f->seen_anew))
		return;
	if (f->receive && !keyframe_request(w, f, f->source.ssrc))
		return;
	f->seen_anew = 0;
}
