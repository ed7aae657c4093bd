/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of a shard, found by their id; and everything that reaches a call from outside of SIP. */
#include <errno.h>
#include <string.h>

#include "sig/call/hears.h"
#include "sig/call/legs.h"
#include "sig/leg/flow.h"
#include "sig/model/call_order.h"
#include "sig/shard/shard_room_parts.h"
#include "sig/step/step.h"

struct call *shard_call_find(const struct shard *s, uint64_t id)
{
	uint32_t cursor = 0;
	pool_handle h = table_next(&s->calls_by_id, id, &cursor);

	return h ? pool_get(&s->calls, h) : NULL;
}

bool shard_call_fits(const struct shard *s, bool emergency)
{
	return s->commons->calls < s->settings.calls_max ||
	       (emergency && s->calls.in_use < s->calls.capacity);
}

/* After a restart with the clock set back a restored call may have it already. */
uint64_t shard_call_new_id(struct shard *s)
{
	uint64_t id;

	do {
		id = id_call_next(&s->ids, s->host.now.utc_ms);
	} while (shard_call_find(s, id) || shard_room_find(s, id) ||
		 subscription_find(&s->subscriptions, id));
	return id;
}

struct call *shard_call_take(struct shard *s, uint64_t id, uint16_t tenant, bool emergency)
{
	pool_handle h;
	struct call *c = shard_call_fits(s, emergency) ? pool_take(&s->calls, &h) : NULL;

	if (!c)
		return NULL;
	c->emergency = emergency;
	if (table_put(&s->calls_by_id, id, h)) {
		(void)pool_give(&s->calls, h);
		return NULL;
	}
	s->commons->calls++;
	c->id = id;
	c->tenant = tenant;
	c->self = h;
	tenants_hold(s->settings.tenants, tenant, TENANT_CALLS);
	shard_tenant_publish_calls(s, tenant);
	return c;
}

void shard_call_give(struct shard *s, struct call *c)
{
	struct quota_party payer = c->payer;

	if (c->state == CALL_ESTABLISHED)
		s->established--;
	s->transcoded -= c->transcoded;
	s->commons->codings -= c->transcoded;
	s->commons->videos -= c->counted_as_video;
	shard_watch_gone(s, c);
	shard_room_part(s, c);
	call_clear(&s->host, c);
	shard_quota_release(s, &payer, QUOTA_CALLS);
	tenants_release(s->settings.tenants, c->tenant, TENANT_CALLS);
	shard_tenant_publish_calls(s, c->tenant);
	(void)table_del(&s->calls_by_id, c->id, c->self);
	(void)pool_give(&s->calls, c->self);
	s->commons->calls--;
}

static bool is_transcoded(const struct call *c)
{
	for (uint32_t i = 0; i < c->flow_count; i++) {
		if (c->flows[i].transcoded_to && !c->flows[i].closing)
			return true;
	}
	return false;
}

static void note_transcoded(struct shard *s, struct call *c)
{
	bool before = c->transcoded;

	c->transcoded = is_transcoded(c);
	s->transcoded += c->transcoded - before;
	s->commons->codings += c->transcoded - before;
	if (c->transcoded && !before)
		metric_add(s->metrics.calls_transcoded, 1);
}

/* MED-09. A line that is refused may have a flow, too. */
static void note_video(struct shard *s, struct call *c)
{
	bool before = c->counted_as_video;

	c->counted_as_video = false;
	for (uint32_t i = 0; i < c->flow_count; i++)
		c->counted_as_video |= c->flows[i].counted_as_video && !c->flows[i].closing;
	s->commons->videos += c->counted_as_video - before;
}

bool shard_call_settle(struct shard *s, struct call *c)
{
	note_transcoded(s, c);
	note_video(s, c);
	shard_watch_call(s, c);
	shard_room_watch(s, c);
	return call_settle(&s->host, c);
}

void shard_call_step(struct shard *s, struct call *c, const struct call_event *ev)
{
	bool before = c->state == CALL_ESTABLISHED;

	call_step(&s->host, c, ev);
	s->established += (c->state == CALL_ESTABLISHED) - before;
	if (!shard_call_settle(s, c))
		shard_call_give(s, c);
}

const struct call *shard_call_of(void *owner, uint64_t call)
{
	return shard_call_find(owner, call);
}

const struct call *shard_call_of_dialog(void *owner, uint16_t tenant, struct bytes call_id,
					struct bytes local, struct bytes remote, uint8_t *leg)
{
	return shard_dialog_find(owner, tenant, call_id, local, remote, leg);
}

void shard_call_publish(void *owner, uint64_t call, const struct call_event *ev)
{
	struct call *c = shard_call_find(owner, call);

	if (c)
		shard_call_step(owner, c, ev);
}

bool shard_call_event(struct shard *s, uint64_t call, const struct call_event *ev,
		      struct instant now)
{
	struct call *c;

	shard_begin(s, now);
	c = shard_call_find(s, call);
	if (c)
		shard_call_step(s, c, ev);
	return c;
}

void shard_call_saved(struct shard *s, uint64_t call, uint64_t version, bool saved,
		      struct instant now)
{
	const struct call_event ev = { .kind = CALL_EV_SAVED, .version = version, .ok = saved };

	(void)shard_call_event(s, call, &ev, now);
	shard_room_awaited(s, call);
}

void shard_call_ended(struct shard *s, uint64_t call, bool saved, struct instant now)
{
	const struct call_event ev = { .kind = CALL_EV_ENDED, .ok = saved };

	(void)shard_call_event(s, call, &ev, now);
}

/* The engine may not have heard yet that the flow went to another call: then all are looked at. */
static struct call *call_of_flow(struct shard *s, uint64_t call, struct flow_id id)
{
	struct call *c = shard_call_find(s, call);
	uint32_t cursor = 0;
	pool_handle at;

	if (c && flow_by_id(c, id))
		return c;
	while ((c = pool_next(&s->calls, &cursor, &at)) != NULL) {
		if (flow_by_id(c, id))
			return c;
	}
	return NULL;
}

void shard_media_event(struct shard *s, const struct media_event *event, struct instant now)
{
	const struct call_event ev = { .kind = CALL_EV_MEDIA, .media = event };
	struct call *c;

	shard_begin(s, now);
	c = call_of_flow(s, event->call, event->id);
	if (c)
		shard_call_step(s, c, &ev);
}

void shard_media_failed(struct shard *s, struct flow_id id, uint64_t call, int error,
			struct instant now)
{
	const struct call_event ev = { .kind = CALL_EV_MEDIA_FAILED, .flow = id, .error = error };

	(void)shard_call_event(s, call, &ev, now);
}

void shard_on_media_stream(struct shard *s, uint64_t call, const struct media_stream_news *news,
			   struct instant now)
{
	const struct call_event ev = { .kind = CALL_EV_MEDIA_STREAM, .media_stream = news };

	(void)shard_call_event(s, call, &ev, now);
}

void shard_on_play(struct shard *s, uint64_t call, const struct prompt_news *news,
		   struct instant now)
{
	const struct call_event ev = { .kind = CALL_EV_PLAY, .play = news };
	struct room *r;

	if (shard_call_event(s, call, &ev, now))
		return;
	r = shard_room_find(s, call);
	if (r)
		shard_room_on_play(s, r, news);
}

void shard_on_set(struct shard *s, uint64_t call, const struct set_news *news, struct instant now)
{
	const struct call_event ev = { .kind = CALL_EV_SET, .set = news };

	(void)shard_call_event(s, call, &ev, now);
}

void shard_on_park(struct shard *s, uint64_t call, uint64_t serial, enum park_on_result told,
		   uint64_t owner, struct bytes entry, struct instant now)
{
	const struct park_news news = {
		.serial = serial, .told = told, .owner = owner, .entry = entry
	};
	const struct call_event ev = { .kind = CALL_EV_PARK, .park = &news };

	if (!shard_call_event(s, call, &ev, now))
		(void)shard_room_on_claim(s, call, &news);
}

void shard_record_failed(struct shard *s, uint64_t call, uint8_t number, int error,
			 struct instant now)
{
	const struct call_event ev = { .kind = CALL_EV_RECORD_FAILED,
				       .version = number,
				       .error = error };
	struct room *r;

	if (shard_call_event(s, call, &ev, now))
		return;
	r = shard_room_find(s, call);
	if (r && r->parts.recording.number == number)
		shard_room_record_failed(s, r, error);
}

void shard_recorded(struct shard *s, uint64_t call, const struct record_news *news,
		    struct instant now)
{
	const struct call_event ev = { .kind = CALL_EV_RECORDED, .recorded = news };

	(void)shard_call_event(s, call, &ev, now);
}

void shard_on_lookup(struct shard *s, uint64_t call, const struct lookup_news *news,
		     struct instant now)
{
	const struct call_event ev = { .kind = CALL_EV_LOOKUP, .lookup = news };

	struct subscription *sub;

	if (shard_call_event(s, call, &ev, now))
		return;
	sub = subscription_find(&s->subscriptions, call);
	if (sub)
		subscription_on_lookup(&s->subscriptions, sub, news);
}

int shard_hangup(struct shard *s, uint64_t call, const struct shard_order *by, struct instant now)
{
	struct call_order order = { .by = by };
	const struct call_event ev = { .kind = CALL_EV_HANGUP, .order = &order };

	return shard_call_event(s, call, &ev, now) ? 0 : -ENOENT;
}

void shard_calls_hear(struct shard *s)
{
	uint32_t cursor = 0;
	struct call *c;
	pool_handle at;

	while ((c = pool_next(&s->calls, &cursor, &at)) != NULL)
		audio_source_settle(&s->host, c);
}

void shard_track_set(struct shard *s, enum shard_track track,
		     const struct job_id jobs[MEDIA_CODECS])
{
	memcpy(s->tracks[track].jobs, jobs, sizeof(s->tracks[track].jobs));
	s->tracks[track].coming = false;
	shard_calls_hear(s);
}

void shard_track_await(struct shard *s, enum shard_track track)
{
	s->tracks[track] = (struct host_track){ .coming = true };
	shard_calls_hear(s);
}
