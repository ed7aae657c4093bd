/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/leg/dtmf.h"

#include "sig/leg/flow.h"
#include "sig/leg/leg_digits.h"
#include "sig/model/leg_trunk.h"

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

static enum trunk_dtmf dtmf_of_trunk(const struct leg *l)
{
	const struct trunk_settings *set = trunks_settings(l->trunks, l->channel);

	return set ? (enum trunk_dtmf)set->dtmf : TRUNK_DTMF_PROFILE;
}

bool dtmf_is_plain(const struct leg *l)
{
	return dtmf_of_trunk(l) == TRUNK_DTMF_INFO_PLAIN;
}

bool dtmf_is_foreign(const struct leg *l, struct bytes content_type)
{
	struct bytes type = bytes_trim(bytes_sub(content_type, 0, bytes_find(content_type, ';')));

	switch (dtmf_of_trunk(l)) {
	case TRUNK_DTMF_INFO:
		return !bytes_iis(type, "application/dtmf-relay");
	case TRUNK_DTMF_INFO_PLAIN:
		return !bytes_iis(type, "application/dtmf");
	case TRUNK_DTMF_PROFILE:
	case TRUNK_DTMF_EVENTS:
		break;
	}
	return false;
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
