/* SPDX-License-Identifier: Apache-2.0 */
/* Streams the audio of one party of a call to an application by WebSocket (media_stream.h). The
 * live thread has the connection; this module asks for it, taps the leg while it is open, and
 * publishes how it began and ended. The terms are in the record, so a successor opens the stream
 * again. Nothing is sent while a recording of the call is paused. */

#include "sig/pbx/media_stream.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/order.h"
#include "sig/leg/leg.h"
#include "sig/model/recording.h"
#include "sig/model/saved.h"

/* Nothing is sent while a recording is paused: what may not be recorded may not be streamed
 * either. */
static void media_stream_tap(const struct call *c, uint8_t leg, struct leg_taps *taps)
{
	const struct media_stream *l = c->media_stream;

	if (l && l->leg == leg && !recordings_pause(c->recordings))
		taps->tap_live = l->number;
}

static void media_stream_publish(struct call_host *h, struct call *c, enum sig_event_kind kind,
				 const char *reason)
{
	struct sig_event *event = call_publish_leg(h, c, kind, c->media_stream->leg);

	event_put_number(event, EV_ORDER, c->media_stream->order);
	event_put_str(event, EV_REASON, reason);
	event_put_str(event, EV_ENDPOINT, c->media_stream->endpoint);
}

/* ---- the live thread ---- */

static bool media_stream_open(struct call_host *h, struct call *c, bool resumed)
{
	struct media_stream *l = c->media_stream;
	uint64_t serial = rand_u64_from(h->rand) | 1;
	struct request_media_stream *stream =
		effects_request(h->effects, EFFECT_MEDIA_STREAM, c->id, serial,
				EFFECT_TEXTS(bytes_str(call_tenant(h, c)), bytes_str(l->endpoint)));

	if (!stream)
		return false;
	l->serial = serial;
	stream->number = l->number;
	stream->sides = l->sides;
	stream->of_callee = l->leg != c->bridge.caller;
	stream->resumed = resumed;
	return true;
}

static void media_stream_close(struct call_host *h, const struct call *c, const char *reason)
{
	if (!effects_request(h->effects, EFFECT_MEDIA_STREAM_STOP, c->id, c->media_stream->serial,
			     EFFECT_TEXTS(bytes_str(reason))))
		LOG_ERROR("call", c->id, "no memory for why a stream ends");
}

/* ---- begin and end ---- */

static void media_stream_drop(struct call *c)
{
	outbox_touch(&c->out);
	c->media_stream_last = c->media_stream->number;
	free(c->media_stream);
	c->media_stream = NULL;
}

static void media_stream_end(struct call_host *h, struct call *c, const char *reason)
{
	media_stream_close(h, c, reason);
	media_stream_publish(h, c, SIG_CALL_STREAM_ENDED, reason);
	media_stream_drop(c);
}

static void media_stream_fail(struct call_host *h, struct call *c, const char *reason)
{
	media_stream_close(h, c, "failed");
	media_stream_publish(h, c, SIG_CALL_STREAM_FAILED, reason);
	media_stream_drop(c);
}

enum refusal media_stream_start(struct call_host *h, struct call *c, uint8_t leg,
				const struct media_stream_terms *terms, uint32_t order)
{
	struct media_stream *l = calloc(1, sizeof(*l));

	if (!l)
		return REFUSED_MEMORY;
	if (c->media_stream)
		media_stream_end(h, c, "stopped");
	l->leg = leg;
	l->sides = terms->sides;
	l->number = (uint8_t)(c->media_stream_last % UINT8_MAX + 1);
	l->order = order;
	memcpy(l->endpoint, terms->endpoint, sizeof(l->endpoint));
	c->media_stream = l;
	outbox_touch(&c->out);
	if (!media_stream_open(h, c, false))
		media_stream_fail(h, c, "no memory");
	return 0;
}

static void media_stream_replied(struct call_host *h, struct call *c, const struct reply *reply)
{
	const struct media_stream_reply *new_state = &reply->media_stream;

	if (!c->media_stream || c->media_stream->serial != new_state->serial)
		return;
	switch (new_state->kind) {
	case MEDIA_STREAM_STARTED:
		c->media_stream->started = true;
		media_stream_publish(h, c, SIG_CALL_STREAM_STARTED, NULL);
		return;
	case MEDIA_STREAM_ENDED:
		media_stream_end(h, c, "end");
		return;
	case MEDIA_STREAM_FAILED:
		media_stream_fail(h, c, new_state->reason);
		return;
	}
}

/* ---- after each step ---- */

/* It ends with its leg. */
static void media_stream_settle(struct call_host *h, struct call *c)
{
	const struct leg *l = c->media_stream ? call_leg(c, c->media_stream->leg) : NULL;

	if (!c->media_stream)
		return;
	if (c->state == CALL_ENDING)
		media_stream_end(h, c, "hangup");
	else if (!l || l->state >= LEG_LEAVING || !bridge_has(c, c->media_stream->leg))
		media_stream_end(h, c, "left");
}

static void media_stream_resume(struct call_host *h, struct call *c)
{
	if (c->media_stream && !media_stream_open(h, c, true))
		media_stream_fail(h, c, "no memory");
}

static void media_stream_leave(struct call_host *h, const struct call *c)
{
	if (c->media_stream)
		media_stream_close(h, c, "moved");
}

/* Its leg was read. */
static bool media_stream_check(struct schema_reader *r, void *object)
{
	const struct media_stream *l = object;

	return call_leg(loader_of(r)->c, l->leg) != NULL;
}

static const struct schema media_stream_rows[] = {
	{ "leg", 1, SCHEMA_UINT, SCHEMA_AT(struct media_stream, leg), .wrong = "listen: state" },
	{ "sides", 2, SCHEMA_UINT, SCHEMA_AT(struct media_stream, sides),
	  .min = MEDIA_STREAM_FROM_PARTY, .max = MEDIA_STREAM_BOTH, .wrong = "listen: state" },
	{ "number", 3, SCHEMA_UINT, SCHEMA_AT(struct media_stream, number), .min = 1,
	  .wrong = "listen: state" },
	{ "order", 4, SCHEMA_UINT, SCHEMA_AT(struct media_stream, order) },
	{ "endpoint", 5, SCHEMA_CSTR, SCHEMA_AT(struct media_stream, endpoint), .min = 1,
	  .wrong = "listen: endpoint" },
	{ 0 },
};

const struct schema media_stream_saved[] = {
	{ "media_stream", 61, SCHEMA_MESSAGE, SCHEMA_POINTER,
	  SCHEMA_OF(struct call, media_stream, struct media_stream), .of = media_stream_rows,
	  .check = media_stream_check, .wrong = "listen: state" },
	{ "media_stream_last", 62, SCHEMA_UINT, SCHEMA_AT(struct call, media_stream_last),
	  .wrong = "listened: number" },
	{ 0 },
};

static enum refusal order_media_stream(struct call_host *h, struct call *c,
				       struct call_order *order)
{
	uint8_t leg = order_leg_of(c, order);

	if (order->media_stream->endpoint[0])
		return media_stream_start(h, c, leg, order->media_stream, orders_next(c->orders));
	if (!c->media_stream || c->media_stream->leg != leg)
		return REFUSED_NO_MEDIA_STREAM;
	media_stream_end(h, c, "stopped");
	return 0;
}

static const struct module_order media_stream_orders[] = {
	{ ORDER_MEDIA_STREAM, NEEDS_LEG, order_media_stream },
	{ 0 },
};

static const struct module_reply media_stream_replies[] = {
	{ ASK_MEDIA_STREAM, media_stream_replied },
	{ 0 },
};

const struct module media_stream_module = {
	.replied = media_stream_replies,
	.follow = media_stream_settle,
	.tap = media_stream_tap,
	.resumed = media_stream_resume,
	.released = media_stream_leave,
	.orders = media_stream_orders,
};
