/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/leg/dtmf.h"

#include "sig/leg/flow.h"
#include "sig/leg/leg_digits.h"

static const struct call_flow *audio_flow(const struct call *c, uint8_t leg)
{
	for (uint8_t i = 0; i < (uint8_t)MEDIA_LINES_MAX; i++) {
		const struct call_flow *f = call_flow_find(c, leg, i);

		if (f && f->kind == MEDIA_AUDIO && f->remote.family != ADDR_NONE)
			return f;
	}
	return NULL;
}

/* NULL: the party takes no events. */
static const struct call_flow *event_flow(const struct call *c, uint8_t leg)
{
	const struct call_flow *f = audio_flow(c, leg);

	return f && f->event_pt != PAYLOAD_NONE ? f : NULL;
}

bool dtmf_takes_events(const struct call *c, uint8_t leg)
{
	return event_flow(c, leg) != NULL;
}

static void send_event(struct call_host *h, const struct call *c, const struct call_flow *f,
		       const struct dtmf *dtmf)
{
	struct media_command *command =
		effects_media(h->effects, c->id, MEDIA_FLOW_DIGIT_SEND, f->id);

	if (!command)
		return;
	command->digit = dtmf->digit;
	command->duration_ms = dtmf->duration_ms;
}

void dtmf_send(struct call_host *h, struct call *c, uint8_t leg, const struct dtmf *dtmf)
{
	const struct call_flow *f = event_flow(c, leg);

	if (c->legs[leg]->state != LEG_CONFIRMED)
		return;
	if (f)
		send_event(h, c, f, dtmf);
	else
		leg_digits_put(h, c, leg, dtmf);
}
