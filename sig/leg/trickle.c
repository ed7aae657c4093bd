/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/leg/trickle.h"

#include "sig/leg/respond.h"

#define PACKAGE "trickle-ice"
#define TYPE    "application/trickle-ice-sdpfrag"

/* Without its parameters. */
static struct bytes candidate_name(struct bytes value)
{
	return bytes_trim(bytes_sub(value, 0, bytes_find(value, ';')));
}

static bool is_typed(const struct sip_message *m)
{
	return bytes_iis(candidate_name(m->content_type), TYPE);
}

bool trickle_is(const struct sip_message *m)
{
	struct bytes package = { 0 };

	return (message_header(m, "Info-Package", 0, &package) &&
		bytes_iis(candidate_name(package), PACKAGE)) ||
	       is_typed(m);
}

static bool trickle_has_ice(const struct call *c, uint8_t leg)
{
	for (uint32_t i = 0; i < c->flow_count; i++) {
		if (c->flows[i].leg == leg && c->flows[i].dtls)
			return true;
	}
	return false;
}

void trickle_received(struct call_host *h, struct call *c, const struct call_event *ev)
{
	const struct sip_message *m = ev->message;
	struct response ok = { .status = 200 };
	struct bytes encoding;

	if (!trickle_has_ice(c, ev->leg)) /* RFC 6086 4.2.2 */
		respond_refuse(h, ev, 469, REFUSED_BODY, BYTES_LIT("Recv-Info:\r\n"));
	else if (!is_typed(m) || message_header(m, "Content-Encoding", 0, &encoding))
		respond_refuse(h, ev, 415, REFUSED_BODY, BYTES_LIT("Accept: " TYPE "\r\n"));
	else if (trickle_check(m->body))
		respond_refuse(h, ev, 400, REFUSED_BODY, (struct bytes){ 0 });
	else
		respond(h, ev->slot, m, &ok);
}
