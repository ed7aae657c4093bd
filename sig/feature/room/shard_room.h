/* SPDX-License-Identifier: Apache-2.0 */
/* The rooms of a shard: found by id and number, looked at when they have changed; private to
 * sig/feature/. */
#ifndef SIG_SHARD_SHARD_ROOM_H
#define SIG_SHARD_SHARD_ROOM_H

#include "sig/host/tenant_tables.h"
#include "sig/room/room.h"
#include "sig/shard/shard_parts.h"

extern const struct object_type room_object;

/* Returns NULL if it does not exist. */
struct room *shard_room_find(const struct shard *s, uint64_t id);
/* Of all: start with *cursor = 0. */
struct room *shard_room_next(const struct shard *s, uint32_t *cursor);
struct room *shard_room_called(const struct shard *s, uint16_t tenant, struct bytes number);
/* Zeroed but for these, and found by them. NULL: full. */
struct room *shard_room_add(struct shard *s, uint64_t id, uint16_t tenant, struct bytes number);
/* name: of a factory; NULL: a new one that cannot be guessed. Returns false without memory to find
 * it by name. */
bool shard_room_make_of(struct shard *s, struct room *r, const char *name) NODISCARD;
struct call *shard_member_call(const struct shard *s, const struct room_member *m);
/* The call is forgotten: it is in no room any more. */
void shard_room_part(struct shard *s, struct call *c);
/* All its members are left. hang_up: who is rung for it is, too. */
void shard_room_empty(struct shard *s, struct room *r);
void shard_room_hang_up(struct shard *s, struct room *r);
/* Before calls are resumed: each member is in its room again. */
void shard_rooms_resume(struct shard *s);

/* ---- rooms.c ---- */
/* A member has joined: members with video that some of the others cannot decode are re-INVITEd. */
void shard_room_publish(struct shard *s, const struct room *r, enum sig_event_kind kind,
			const char *reason);

/* A user called it who is not a member and was not invited: watchers of its host are told. */
void shard_room_asked(struct shard *s, const struct room *r, struct bytes user);

/* Audio of a shard's rooms other than members, and its listeners (sig/room/room.h): all follows
 * from the value of a room when its turn comes. Private to sig/feature/. */

/* Requests the parts that are to be open, as far as the room is mixed. */
void shard_room_parts_settle(struct shard *s, struct room *r);
/* Nothing mixes it any more: what was asked of that is asked again of the next one. */
void shard_room_parts_lost(struct shard *s, struct room *r);
/* The room is over. */
void shard_room_parts_end(struct shard *s, struct room *r);
/* What was asked to be played has begun, or is over. */
void shard_room_on_play(struct shard *s, struct room *r, const struct prompt_reply *outcome);
void shard_room_part_stop(struct shard *s, const struct room *r, uint64_t serial);
/* Words for conference.played and conference.stream_ended. */
void shard_room_play_over(struct shard *s, struct room *r, const char *reason);
void shard_room_live_over(struct shard *s, struct room *r, const char *reason);
/* The same; the room ends with a stream that it is there for (ROOM_STREAM_SOURCE). */
void shard_room_live_end(struct shard *s, struct room *r, const char *reason);
/* 0 or -errno: as of the acts that are about parts. */
enum refusal shard_room_parts_order(struct shard *s, struct room *r,
				    const struct shard_room_order *o) NODISCARD;

/* ---- room_parts.c ---- */
/* Members that are still to join do so, as far as they can now. */
void shard_room_bring(struct shard *s, struct room *r);
/* Watchers of the room are notified of changes in their turn. */
void shard_room_watched(struct shard *s, struct room *r);
/* By the number or name dialled, watched or given (sig/room/room.h). Returns NULL if it is not of
 * this shard. */
struct room *shard_room_named(const struct shard *s, uint16_t tenant, struct bytes user);

/* ---- conference_requests.c ---- */
/* A call of this shard joins: its party replaces that member. */
void shard_room_comes_instead(struct room *r, uint64_t call, uint64_t place);
/* As shard_conference_ring. o: the callee and its new call, call and leg (the caller), inviter.
 * Also REFUSED_MAY_NOT_CALL, _TRUNK_AWAY. */
enum refusal shard_room_ring(struct shard *s, const struct shard_conference_request *o,
			     struct room *r) NODISCARD;
/* room_service.seen */
bool shard_room_seen(void *owner, uint16_t tenant, struct bytes user, struct conference_view *out);
/* The parties of the call join when they can, except the one that is left. As
 * shard_conference_request. */
enum refusal shard_room_expect(struct shard *s, struct room *r, struct call *c, enum shard_leg host,
			       enum shard_leg leaves) NODISCARD;
/* a: comes, of a call of a remote shard, and the user's dialog in it. */
enum refusal shard_room_comes_remote(struct shard *s, struct room *r,
				     const struct focus_addition *a) NODISCARD;
/* A new conference of calls, without members yet. NULL: there are too many. */
struct room *shard_room_of_calls(struct shard *s, uint64_t id, uint16_t tenant);

/* ---- focus_requests.c ---- */
/* How the user that o names, the party of by, calls o->to. */
enum refusal shard_room_way(struct shard *s, const struct call *by,
			    const struct shard_conference_request *o, char number[ROUTE_USER_MAX],
			    struct call_target *out) NODISCARD;
/* room_service.add_party and of_call */
enum refusal shard_focus(void *owner, const struct focus_addition *ask);
enum refusal shard_room_of_local_call(void *owner, uint64_t call, uint8_t leg, struct room **out);
/* ---- room_recording.c ---- */
/* As the document of the room wants it, and as was ordered. */
void shard_room_record_settle(struct shard *s, struct room *r);
/* by_page: a member's extension says so, which may. */
enum refusal shard_room_record_order(struct shard *s, struct room *r, uint8_t what,
				     bool by_page) NODISCARD;
/* A member's recording page controls the mix: in a conference of calls, and in a room if its
 * document allows recording. */
bool shard_room_record_is_paged(const struct room *r);
/* The recorder could not, or the copy could not be made. */
void shard_room_record_failed(struct shard *s, struct room *r, int error);
void shard_room_record_end(struct shard *s, struct room *r);
/* Another process has the room: what is written here is not the last of it. */
void shard_room_record_leave(struct shard *s, const struct room *r);

#endif
