/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/dtmf.h"

#include <stdlib.h>

#include "base/log.h"
#include "sig/call/flow.h"
#include "sig/call/leg.h"
#include "sig/call/request.h"

static const struct call_flow *audio_flow(const struct call *c, uint8_t leg)
{
	for (uint8_t i = 0; i < (uint8_t)MEDIA_LINES_MAX; i++) {
		const struct call_flow *f = call_flow_find(c, leg, i);

		if (f && f->kind == MEDIA_AUDIO && f->remote.family != ADDR_NONE)
			return f;
	}
	return NULL;
}

bool dtmf_takes_events(const struct call *c, uint8_t leg)
{
	const struct call_flow *f = audio_flow(c, leg);

	return f && f->event_pt != PAYLOAD_NONE;
}

static void send_event(struct call_host *h, const struct call *c, const struct call_flow *f,
		       const struct dtmf *dtmf)
{
	struct effect *e = effects_add(h->effects, EFFECT_MEDIA);
	struct media_command *command = e ? calloc(1, sizeof(*command)) : NULL;

	if (!command) {
		if (e)
			h->effects->count--;
		return;
	}
	*command = (struct media_command){ .kind = MEDIA_FLOW_DIGIT_SEND,
					   .rtp_fd = -1,
					   .rtcp_fd = -1,
					   .id = f->id,
					   .digit = dtmf->digit,
					   .duration_ms = dtmf->duration_ms };
	e->call = c->id;
	e->media = command;
}

static void send_info(struct call_host *h, struct call *c, uint8_t leg, const struct dtmf *dtmf)
{
	uint8_t body[64];
	struct writer w = writer_over(body, sizeof(body));
	struct dialog_request r = {
		.method = SIP_INFO,
		.max_forwards = -1,
		.content_type = BYTES_LIT("application/dtmf-relay"),
	};
	struct txn_slot *slot;

	writer_fmt(&w, "Signal=%c\r\nDuration=%u\r\n", dtmf->digit == 'F' ? '!' : dtmf->digit,
		   dtmf->duration_ms);
	r.body = writer_done(&w);
	slot = leg_request(h, &c->legs[leg]->dialog, &r, TXN_USER_RELAY);
	if (slot) {
		slot->peer = 0; /* nobody waits for its answer */
		relay_start(h, c, leg, slot->self);
	} else {
		LOG_WARN("call", c->id, "no transaction left for a digit", LOG_U64("leg", leg));
	}
}

void dtmf_send(struct call_host *h, struct call *c, uint8_t leg, const struct dtmf *dtmf)
{
	if (c->legs[leg]->state != LEG_CONFIRMED)
		return;
	if (dtmf_takes_events(c, leg))
		send_event(h, c, audio_flow(c, leg), dtmf);
	else
		send_info(h, c, leg, dtmf);
}
