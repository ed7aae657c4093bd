/* SPDX-License-Identifier: Apache-2.0 */
/* What sources are asked for: packets that are missing, and new pictures. */
#include "engine/flow/new_picture.h"
#include "engine/job/room_picture.h"
#include "engine/walk/originate.h"
#include "engine/walk/worker.h"
#include "media/rtp/rtcp_nack.h"
#include "media/rtp/rtcp_write.h"

/* A copy that was asked for is on its way for so long, and a bit. */
#define AGAIN_NS(rtt_ns) ((rtt_ns) + 10 * NS_PER_MS)

static_assert((int)LOSSES_MAX <= (int)RTCP_NACK_NUMBERS, "one NACK has them all");

/* A compound, as RFC 4585 3.1 wants it of those who did not agree on less. */
static void missing_say(struct worker *w, struct flow *f, uint32_t source,
			const struct losses_asked *a)
{
	uint8_t memory[RTCP_REPORT_MAX + RTCP_NACK_MAX];
	size_t n = reports_empty(w, f, memory).n;
	const struct rtcp_missing m = {
		.sender = f->ssrc_out, .media = source, .numbers = a->numbers, .count = a->count
	};

	n += rtcp_nack_write(memory + n, &m).n;
	if (originate_rtcp(w, f, bytes_mem(memory, n)))
		metric_add(w->metrics->video_missed_packets[VIDEO_REPEAT_ASKED], a->count);
}

/* What is given up costs a new picture, unless one has begun since. */
static void missing_ask(struct worker *w, struct video_source *s, struct flow *f)
{
	struct losses_asked a;

	if (!losses_are_due(&s->losses, w->now_ns))
		return;
	losses_ask(&s->losses, w->now_ns, AGAIN_NS(resend_rtt_ns(f)), &a);
	if (a.count)
		missing_say(w, f, s->ssrc, &a);
	if (!a.given_up)
		return;
	metric_add(w->metrics->video_missed_packets[VIDEO_GIVEN_UP], a.given_up);
	if (s->begun_ns < a.since_ns)
		keyframe_want(&s->ask);
}

static bool source_ask(struct worker *w, struct video_source *s, struct flow *f)
{
	missing_ask(w, s, f);
	return keyframe_is_due(&s->ask, w->now_ns) && keyframe_request(w, f, s->ssrc);
}

/* Those who are asked too soon are so by the next review. */
uint32_t video_requests_send(struct worker *w, struct room_video *p)
{
	uint32_t done = 1;

	for (uint32_t i = 0; i < p->end; i++) {
		struct member_video *m = p->list[i];

		for (uint8_t k = 0; m && k < (uint8_t)MEDIA_LAYERS_MAX; k++)
			if (m->layers[k].received_ns)
				done += source_ask(w, &m->layers[k], &w->flows.list[m->slot]);
	}
	p->asks = false;
	return done;
}
