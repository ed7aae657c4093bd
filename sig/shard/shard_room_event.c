/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of rooms. Of their members their calls tell (sig/call/conference.c). */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sig/shard/shard_room.h"

static_assert(sizeof(((struct sig_event *)0)->endpoint) == ROOM_STREAM_MAX, "it fits");

static struct sig_event *room_event(struct shard *s, const struct room *r, enum sig_event_kind kind)
{
	struct effect *e = effects_add(&s->effects, EFFECT_EVENT);
	struct sig_event *event = e ? calloc(1, sizeof(*event)) : NULL;

	if (!event) {
		if (e)
			s->effects.count--;
		return NULL;
	}
	e->call = r->id;
	e->event = event;
	event->kind = kind;
	event->room = r->id;
	event->version = r->version;
	event->member = r->host;
	event->recording = r->parts.recording.number;
	memcpy(event->endpoint, r->parts.live.endpoint, sizeof(event->endpoint));
	(void)bytes_cstr(bytes_str(tenants_name(s->settings.tenants, r->tenant)), event->tenant,
			 sizeof(event->tenant));
	(void)bytes_cstr(bytes_str(r->number), event->number, sizeof(event->number));
	return event;
}

static const char *room_sentence(enum sig_event_kind kind)
{
	if (kind == SIG_CONFERENCE_STARTED)
		return "a conference has begun";
	if (kind == SIG_CONFERENCE_PLAYED)
		return "what a conference heard is over";
	if (kind == SIG_CONFERENCE_STREAM_ENDED)
		return "an application has left a conference";
	if (kind == SIG_CONFERENCE_RECORDING)
		return "a conference is recorded";
	if (kind == SIG_CONFERENCE_RECORDING_ENDED)
		return "a conference is recorded no longer";
	return kind == SIG_CONFERENCE_ENDED ? "a conference is over" : "a conference has changed";
}

void shard_room_asked(struct shard *s, const struct room *r, struct bytes user)
{
	struct sig_event *event = room_event(s, r, SIG_CONFERENCE_ASKED);

	if (event)
		(void)bytes_cstr(user, event->from, sizeof(event->from));
	LOG_INFO("conference", r->id, "one who was not invited has called it",
		 LOG_BYTES("from", user), LOG_U64("host", r->host));
}

void shard_room_publish(struct shard *s, const struct room *r, enum sig_event_kind kind,
			const char *reason)
{
	struct sig_event *event = room_event(s, r, kind);

	if (event)
		event->reason = reason;
	LOG_INFO("conference", r->id, room_sentence(kind),
		 LOG_STR("kind", room_kind_name((enum room_kind)r->kind)),
		 LOG_STR("number", r->number), LOG_U64("members", r->count),
		 LOG_U64("host", r->host), LOG_STR("what", reason ? reason : ""));
}
