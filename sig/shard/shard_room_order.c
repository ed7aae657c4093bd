/* SPDX-License-Identifier: Apache-2.0 */
/* What a room is told to say to all, to record, and to be heard by. */
#include <errno.h>
#include <string.h>

#include "sig/shard/shard_room_parts.h"

static int room_play_order(struct shard *s, struct room *r, const struct shard_room_order *o)
{
	struct room_play *p = &r->parts.play;

	if (o->by && p->order == o->by->id)
		return 0;
	shard_room_play_over(s, r, "stopped");
	*p = *o->play;
	p->order = o->by ? o->by->id : 0;
	shard_room_touch(r);
	return 0;
}

static int room_stream_order(struct shard *s, struct room *r, const struct shard_room_order *o)
{
	struct room_live *l = &r->parts.live;

	if (!strcmp(l->endpoint, o->endpoint))
		return 0;
	shard_room_live_over(s, r, "stopped");
	(void)bytes_cstr(bytes_str(o->endpoint), l->endpoint, sizeof(l->endpoint));
	shard_room_touch(r);
	return 0;
}

int shard_room_parts_order(struct shard *s, struct room *r, const struct shard_room_order *o)
{
	switch (o->act) {
	case SHARD_ROOM_PLAY:
		return room_play_order(s, r, o);
	case SHARD_ROOM_STREAM:
		return room_stream_order(s, r, o);
	case SHARD_ROOM_PLAY_STOP:
		shard_room_play_over(s, r, "stopped");
		return 0;
	case SHARD_ROOM_STREAM_STOP:
		shard_room_live_over(s, r, "stopped");
		return 0;
	case SHARD_ROOM_RECORD:
		return shard_room_record_order(s, r, o->record, o->by_page);
	case SHARD_ROOM_MUTE:
	case SHARD_ROOM_UNMUTE:
	case SHARD_ROOM_HOLD:
	case SHARD_ROOM_RESUME:
	case SHARD_ROOM_LOCK:
	case SHARD_ROOM_UNLOCK:
	case SHARD_ROOM_END:
		break;
	}
	return 0;
}
