/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/flow/trickle.h"

#include "base/clock.h"
#include "engine/flow/flow.h"
#include "engine/walk/tick.h"

#define EVERY_NS (NS_PER_S / TRICKLE_PER_S)

bool trickle_take(struct flow *f, uint64_t now_ns)
{
	struct trickle *t = &f->trickle;

	if (f->unproven && t->sent >= TRICKLE_MAX)
		return false;
	if (t->next_ns + NS_PER_S < now_ns + EVERY_NS)
		t->next_ns = now_ns + EVERY_NS > NS_PER_S ? now_ns + EVERY_NS - NS_PER_S : 0;
	if (t->next_ns > now_ns)
		return false;
	t->next_ns += EVERY_NS;
	t->sent++;
	return true;
}

void trickle_renew(struct flow *f)
{
	f->trickle = (struct trickle){ 0 };
}

static uint32_t in_tick(uint32_t per_s)
{
	return (uint32_t)(per_s * TICK_NS / NS_PER_S);
}

void flow_pace_tick(struct flow *f)
{
	struct flow_pace *p = &f->pace;
	uint32_t most = in_tick(f->kind == MEDIA_VIDEO ? PARTY_FRAMES_PER_S : PARTY_SOUND_PER_S);
	uint64_t heard = f->received.packets - p->rtp;

	if (f->receive == FLOW_RECEIVE && heard > most)
		f->receive = FLOW_RECEIVE_PACED;
	else if (f->receive == FLOW_RECEIVE_PACED && p->rtp_left > 0)
		f->receive = FLOW_RECEIVE;
	p->rtp = f->received.packets;
	p->rtp_left = most;
	p->rtcp_left = in_tick(PARTY_RTCP_PER_S);
}

bool flow_pace_take(struct flow *f)
{
	if (f->pace.rtp_left == 0)
		return false;
	f->pace.rtp_left--;
	return true;
}

bool flow_pace_rtcp(struct flow *f)
{
	if (f->pace.rtcp_left == 0)
		return false;
	f->pace.rtcp_left--;
	return true;
}
