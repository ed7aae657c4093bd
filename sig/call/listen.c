/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/listen.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/leg/leg.h"
#include "sig/model/recording.h"

/* What may not be kept is not told to those who may keep it. */
uint8_t listen_tap(const struct call *c, uint8_t leg)
{
	const struct listen *l = c->listen;

	return l && l->leg == leg && !recordings_pause(c->recordings) ? l->number : 0;
}

static_assert(sizeof(((struct sig_event *)0)->endpoint) == LISTEN_NAME_MAX, "a name fits");

static void listen_publish(struct call_host *h, struct call *c, enum sig_event_kind kind,
			   const char *reason)
{
	struct sig_event *event = call_publish_begin(h, c, kind);

	if (!event)
		return;
	event->leg = c->listen->leg != c->bridge.caller;
	event->order = c->listen->order;
	event->reason = reason;
	memcpy(event->endpoint, c->listen->endpoint, sizeof(event->endpoint));
}

/* ---- the live thread ---- */

static bool listen_ask(struct call_host *h, struct call *c, bool resumed)
{
	struct listen *l = c->listen;
	struct effect *e = effects_add(h->effects, EFFECT_LISTEN);

	if (!e || text_set(&e->tenant, bytes_str(call_tenant(h, c))) ||
	    text_set(&e->data, bytes_str(l->endpoint)))
		return false;
	l->serial = rand_u64_from(h->rand) | 1;
	e->call = c->id;
	e->listen = (struct effect_listen){ .serial = l->serial,
					    .number = l->number,
					    .sides = l->sides,
					    .of_callee = l->leg != c->bridge.caller,
					    .resumed = resumed };
	return true;
}

static void listen_unask(struct call_host *h, const struct call *c, const char *reason)
{
	struct effect *e = effects_add(h->effects, EFFECT_LISTEN_STOP);

	if (!e)
		return;
	e->call = c->id;
	e->listen.serial = c->listen->serial;
	if (text_set(&e->data, bytes_str(reason)))
		LOG_ERROR("call", c->id, "no memory for why a stream ends");
}

/* ---- begin and end ---- */

static void listen_drop(struct call *c)
{
	outbox_touch(&c->out);
	c->listened = c->listen->number;
	free(c->listen);
	c->listen = NULL;
}

static void listen_end(struct call_host *h, struct call *c, const char *reason)
{
	listen_unask(h, c, reason);
	listen_publish(h, c, SIG_CALL_STREAM_ENDED, reason);
	listen_drop(c);
}

static void listen_fail(struct call_host *h, struct call *c, const char *reason)
{
	listen_unask(h, c, "failed");
	listen_publish(h, c, SIG_CALL_STREAM_FAILED, reason);
	listen_drop(c);
}

static int listen_begin(struct call_host *h, struct call *c, uint8_t leg,
			const struct listen_terms *terms, uint32_t order)
{
	struct listen *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	if (c->listen)
		listen_end(h, c, "stopped");
	l->leg = leg;
	l->sides = terms->sides;
	l->number = (uint8_t)(c->listened % UINT8_MAX + 1);
	l->order = order;
	memcpy(l->endpoint, terms->endpoint, sizeof(l->endpoint));
	c->listen = l;
	outbox_touch(&c->out);
	if (!listen_ask(h, c, false))
		listen_fail(h, c, "no memory");
	return 0;
}

int listen_order(struct call_host *h, struct call *c, uint8_t leg, const struct listen_terms *terms,
		 uint32_t order)
{
	if (terms->endpoint[0])
		return listen_begin(h, c, leg, terms, order);
	if (!c->listen || c->listen->leg != leg)
		return -ESRCH;
	listen_end(h, c, "stopped");
	return 0;
}

void listen_told(struct call_host *h, struct call *c, const struct listen_news *news)
{
	if (!c->listen || c->listen->serial != news->serial)
		return;
	switch (news->kind) {
	case LISTEN_STARTED:
		listen_publish(h, c, SIG_CALL_STREAM_STARTED, NULL);
		return;
	case LISTEN_ENDED:
		listen_end(h, c, "end");
		return;
	case LISTEN_FAILED:
		listen_fail(h, c, news->reason);
		return;
	}
}

/* ---- after each step ---- */

void listen_settle(struct call_host *h, struct call *c)
{
	const struct leg *l = c->listen ? call_leg(c, c->listen->leg) : NULL;

	if (!c->listen)
		return;
	if (c->state == CALL_ENDING)
		listen_end(h, c, "hangup");
	else if (!l || l->state >= LEG_LEAVING || !bridge_has(c, c->listen->leg))
		listen_end(h, c, "left");
}

void listen_resume(struct call_host *h, struct call *c)
{
	if (c->listen && !listen_ask(h, c, true))
		listen_fail(h, c, "no memory");
}

void listen_leave(struct call_host *h, const struct call *c)
{
	if (c->listen)
		listen_unask(h, c, "moved");
}
