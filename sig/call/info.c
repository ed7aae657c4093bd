/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/info.h"

#include <string.h>

#include "sig/call/act.h"
#include "sig/call/call_end.h"
#include "sig/call/keys.h"
#include "sig/call/relay.h"
#include "sig/call/wait.h"
#include "sig/leg/dtmf.h"
#include "sig/leg/respond.h"
#include "sig/leg/trickle.h"

#define INFO_ACCEPT \
	"Accept: application/dtmf-relay, application/dtmf, application/media_control+xml\r\n"

/* Between phones: nothing, keys, requests for a picture, and what the settings name. */
static bool info_passes(const struct shard_settings *settings, const struct sip_message *m)
{
	static const char *const known[] = { "application/dtmf-relay", "application/dtmf",
					     "application/media_control+xml" };
	struct bytes type =
		bytes_trim(bytes_sub(m->content_type, 0, bytes_find(m->content_type, ';')));

	if (m->body.n == 0)
		return true;
	for (size_t i = 0; i < COUNT_OF(known); i++) {
		if (bytes_iis(type, known[i]))
			return true;
	}
	for (uint32_t i = 0; i < settings->info_type_count; i++) {
		if (!strcmp(settings->info_types[i], "*") ||
		    bytes_iis(type, settings->info_types[i]))
			return true;
	}
	return false;
}

/* REG-15: a party that takes telephone-events or tones, or a trunk that takes another INFO, gets one, and the INFO ends here. */
static bool info_digit_taken(struct call_host *h, struct call *c, const struct call_event *ev)
{
	uint8_t to = bridge_peer(c, ev->leg);
	struct response ok = { .status = 200 };
	struct dtmf dtmf;

	if (dtmf_parse(ev->message->content_type, ev->message->body, &dtmf))
		return false;
	if (dtmf_came_by_info(h, c, ev->leg, dtmf.digit) || keys_take(h, c, ev->leg, &dtmf)) {
		respond(h, ev->slot, ev->message, &ok);
		return true;
	}
	call_publish_digit(h, c, ev->leg, dtmf.digit);
	if (dtmf_is_by_info(c, to) && !dtmf_is_foreign(c->legs[to], ev->message->content_type))
		return false;
	dtmf_send(h, c, to, &dtmf);
	respond(h, ev->slot, ev->message, &ok);
	return true;
}

/* Nobody else is to have it. */
static void info_alone(struct call_host *h, struct call *c, const struct call_event *ev)
{
	struct response ok = { .status = 200 };
	struct dtmf dtmf;

	if (!dtmf_parse(ev->message->content_type, ev->message->body, &dtmf) &&
	    !dtmf_came_by_info(h, c, ev->leg, dtmf.digit))
		prompts_on_digit(h, c, dtmf.digit);
	respond(h, ev->slot, ev->message, &ok);
}

void info_received(struct call_host *h, struct call *c, const struct call_event *ev)
{
	if (trickle_is(ev->message))
		trickle_received(h, c, ev);
	else if (!info_passes(h->settings, ev->message))
		respond_refuse(h, ev, 415, REFUSED_BODY, BYTES_LIT(INFO_ACCEPT));
	else if (call_is_alone(c))
		info_alone(h, c, ev);
	else if (!relay_may(h, c, ev) || info_digit_taken(h, c, ev))
		return;
	else
		(void)relay_request(h, c, ev);
}
