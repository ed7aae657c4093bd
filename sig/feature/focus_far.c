/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/feature/focus_far.h"

#include "sig/call/conference.h"
#include "sig/call/relay.h"
#include "sig/feature/refer.h"
#include "sig/host/route_uri.h"
#include "sig/leg/respond.h"
#include "sig/sip/event_parse.h"
#include "sig/sip/focus_parse.h"

bool focus_remote_is(const struct call *c, const struct call_event *ev)
{
	return !c->member && c->state == CALL_ESTABLISHED && c->legs[ev->leg]->user.n &&
	       conference_is_remote(c, ev->leg);
}

/* Whom it names is of this node, by the names that this node has; all else is for the other shard to say. */
static bool focus_remote_is_ours(const struct call_host *h, const struct call *c,
				 const struct sip_message *m)
{
	struct focus_wish wish;
	struct bytes value;

	return !refer_to(m, &value) || focus_parse(&wish, value) || wish.uri.headers.n ||
	       route_is_near(&wish.uri, &m->to.uri, c->tenant, h->settings);
}

static void focus_remote_pass_refer(struct call_host *h, struct call *c,
				    const struct call_event *ev)
{
	if (relay_request(h, c, ev))
		c->legs[bridge_peer(c, ev->leg)]->dialog.referrer = c->legs[ev->leg]->dialog.tag;
}

void focus_remote_refer(struct call_host *h, struct call *c, const struct call_event *ev)
{
	if (!relay_may(h, c, ev))
		return;
	if (focus_remote_is_ours(h, c, ev->message))
		focus_remote_pass_refer(h, c, ev);
	else
		respond_refuse(h, ev, 404, REFUSED_TRANSFER, (struct bytes){ 0 });
}

static bool is_of_refer(const struct sip_message *m)
{
	struct event_name event;
	struct bytes value;

	return message_header(m, "Event", 0, &value) && !event_parse(&event, value) &&
	       bytes_iis(event.package, "refer");
}

/* Whoever is there in its place has asked for nothing. A successor does not know who has, and lets the party say so. */
static bool focus_remote_is_for(const struct call *c, uint8_t leg)
{
	const struct id_tag *asked = &c->legs[leg]->dialog.referrer;
	const struct id_tag *peer = &c->legs[bridge_peer(c, leg)]->dialog.tag;

	return !asked->call || (asked->call == peer->call && asked->leg == peer->leg &&
				asked->random == peer->random);
}

bool focus_remote_notify(struct call_host *h, struct call *c, const struct call_event *ev)
{
	if (!c->legs[ev->leg]->dialog.confers || !is_of_refer(ev->message))
		return false;
	if (!relay_may(h, c, ev))
		return true;
	if (focus_remote_is_for(c, ev->leg))
		(void)relay_request(h, c, ev);
	else
		respond_refuse(h, ev, 481, REFUSED_NO_DIALOG, (struct bytes){ 0 });
	return true;
}
