/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is heard in the rooms of a shard beside their members, and who listens (sig/room/room.h): all of it follows from the value of a
 * room when its turn comes. Private to sig/shard/shard_*.c.
 */
#ifndef SIG_SHARD_SHARD_ROOM_PARTS_H
#define SIG_SHARD_SHARD_ROOM_PARTS_H

#include "sig/shard/shard_room.h"

/* What is to be open is asked for, as far as the room is mixed. */
void shard_room_parts_settle(struct shard *s, struct room *r);
/* Nothing mixes it any more: what was asked of that is asked again of the next one. */
void shard_room_parts_lost(struct shard *s, struct room *r);
/* The room is over. */
void shard_room_parts_end(struct shard *s, struct room *r);
/* News of what was asked to be played. */
void shard_room_on_play(struct shard *s, struct room *r, const struct prompt_news *news);
void shard_room_part_stop(struct shard *s, const struct room *r, uint64_t serial);
/* EFFECT_ROOM_PLAY or EFFECT_ROOM_TAP with all that is of the room, and a new serial; NULL: no memory. */
struct effect *shard_room_part_ask(struct shard *s, const struct room *r, enum effect_kind kind);
/* Words for conference.played and conference.stream_ended. */
void shard_room_play_over(struct shard *s, struct room *r, const char *reason);
void shard_room_live_over(struct shard *s, struct room *r, const char *reason);

/* ---- shard_room_order.c ---- */
/* 0 or -errno: as of the acts that are about parts. */
int shard_room_parts_order(struct shard *s, struct room *r,
			   const struct shard_room_order *o) NODISCARD;

/* ---- shard_room_record.c ---- */
/* As the document of the room wants it, and as was ordered. */
void shard_room_record_settle(struct shard *s, struct room *r);
/* 0, also when it is so already. -EPERM: the room is not recorded on demand, or a document wants it; -ENOMSG: nothing is recorded; -EUSERS:
 * it was too often; -ENOMEM. by_page: a member's extension says so, which may. */
int shard_room_record_order(struct shard *s, struct room *r, uint8_t what, bool by_page) NODISCARD;
/* The page of a member is about the mix: that of a conference of calls, and of a room whose document lets it be recorded. */
bool shard_room_record_is_paged(const struct room *r);
/* The recorder could not, or the copy could not be made. */
void shard_room_record_failed(struct shard *s, struct room *r, int error);
void shard_room_record_end(struct shard *s, struct room *r);
/* Another process has the room: what is written here is not the last of it. */
void shard_room_record_leave(struct shard *s, const struct room *r);

#endif
