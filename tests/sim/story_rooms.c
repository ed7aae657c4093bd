/* SPDX-License-Identifier: Apache-2.0 */
/* Stories of conferences: A speaks with B, and C has called A, too. */
#include "tests/sim/story.h"

#define ON(phone) (1u << (phone))
#define TWO_CALLS(...)                          \
	.steps = { { 3, STORY_DIAL, A, EXT_B }, \
		   { 8, STORY_DIAL, C, EXT_A }, \
		   { 16, STORY_CONFER, A },     \
		   __VA_ARGS__ },               \
	.absent = ON(B2)
#define ONE_IS_RUNG(...)                                 \
	.steps = { { 3, STORY_DIAL, A, EXT_B },          \
		   { 12, STORY_CONFER_RINGS, A, EXT_C }, \
		   __VA_ARGS__ },                        \
	.absent = ON(B2)

#define CALLED(...)                                 \
	.steps = { { 3, STORY_CODE, A, CODE_ROOM }, \
		   { 6, STORY_CODE, B, CODE_ROOM }, \
		   { 9, STORY_CODE, C, CODE_ROOM }, \
		   __VA_ARGS__ },                   \
	.absent = ON(B2)

const struct story story_rooms[] = {
	{ "conference", TWO_CALLS({ 20, STORY_AGAIN }), .look_s = 34, .talk = ON(A) | ON(B) | ON(C),
	  .loose = true },
	{ "conference-and-two-are-left", TWO_CALLS({ 28, STORY_HANG_UP, B }), .look_s = 44,
	  .talk = ON(A) | ON(C), .loose = true },
	{ "conference-and-its-host-leaves", TWO_CALLS({ 28, STORY_HANG_UP, A }), .look_s = 44,
	  .talk = ON(B) | ON(C), .loose = true },
	{ "conference-and-all-leave",
	  TWO_CALLS({ 28, STORY_HANG_UP, A }, { 29, STORY_HANG_UP, B }, { 30, STORY_HANG_UP, C }),
	  .look_s = 60 },
	{ "conference-and-one-holds", TWO_CALLS({ 26, STORY_HOLD, B }, { 34, STORY_HOLD, B }),
	  .look_s = 48, .talk = ON(A) | ON(B) | ON(C), .loose = true },
	{ "conference-of-one-that-is-rung", ONE_IS_RUNG({ 15, STORY_AGAIN }), .look_s = 34,
	  .talk = ON(A) | ON(B) | ON(C), .loose = true },
	{ "conference-that-nobody-answers", ONE_IS_RUNG({ 40, STORY_HANG_UP, A }),
	  .manner = { [C] = { .kind = MANNER_REFUSE, .status = 486 } }, .look_s = 30,
	  .talk = ON(A) | ON(B), .loose = true },
	{ "conference-while-the-store-is-away",
	  TWO_CALLS({ 14, STORY_STORE_DOWN }, { 22, STORY_STORE_UP }, { 28, STORY_HANG_UP, B }),
	  .look_s = 44, .talk = ON(A) | ON(C), .loose = true },
	{ "room-that-is-called", CALLED({ 30, STORY_HANG_UP, B }), .look_s = 44,
	  .talk = ON(A) | ON(C), .room = true },
	{ "room-that-is-called-over-shards", CALLED({ 24, STORY_END }), .shards = 3, .look_s = 34,
	  .talk = ON(A) | ON(B) | ON(C), .room = true },
	{ "room-that-asks-for-names", CALLED({ 34, STORY_HANG_UP, B }), .look_s = 44,
	  .talk = ON(A) | ON(C), .room = true, .says_names = true },
	{ "room-that-two-call-at-once",
	  .steps = { { 3, STORY_CODE, A, CODE_ROOM },
		     { 3, STORY_CODE, C, CODE_ROOM },
		     { 3, STORY_CODE, D, CODE_ROOM } },
	  .shards = 3, .look_s = 24, .talk = ON(A) | ON(C) | ON(D), .loose = true, .room = true },
	{ "room-whose-first-caller-gives-up",
	  .steps = { { 3, STORY_CODE, A, CODE_ROOM },
		     { 3, STORY_HANG_UP, A },
		     { 8, STORY_CODE, C, CODE_ROOM },
		     { 9, STORY_CODE, D, CODE_ROOM } },
	  .shards = 2, .look_s = 24, .talk = ON(C) | ON(D), .loose = true, .room = true },
	{ "room-that-all-leave-and-call-again",
	  .steps = { { 3, STORY_CODE, A, CODE_ROOM },
		     { 5, STORY_CODE, C, CODE_ROOM },
		     { 12, STORY_HANG_UP, A },
		     { 12, STORY_HANG_UP, C },
		     { 20, STORY_CODE, C, CODE_ROOM },
		     { 20, STORY_CODE, D, CODE_ROOM } },
	  .shards = 3, .look_s = 34, .talk = ON(C) | ON(D), .room = true },
	{ "room-and-a-member-of-another-shard-brings-one",
	  .steps = { { 3, STORY_CODE, A, CODE_ROOM },
		     { 6, STORY_CODE, C, CODE_ROOM },
		     { 14, STORY_REFER, C, EXT_B } },
	  .shards = 3, .absent = ON(B2), .look_s = 34, .talk = ON(A) | ON(B) | ON(C), .loose = true,
	  .room = true },
	/* of two nodes */
	{ "linked-conference",
	  .steps = { { 3, STORY_DIAL, A, EXT_B },
		     { 4, STORY_DIAL, C, EXT_D },
		     { 14, STORY_CONFER, A } },
	  .absent = ON(B2), .elsewhere = ON(C) | ON(D), .look_s = 34,
	  .talk = ON(A) | ON(B) | ON(C) | ON(D), .loose = true },
	{ "linked-room", CALLED({ 30, STORY_HANG_UP, B }), .elsewhere = ON(B) | ON(C), .look_s = 44,
	  .talk = ON(A) | ON(C), .loose = true, .room = true },
	{ "linked-room-and-a-member-brings-one",
	  .steps = { { 3, STORY_CODE, A, CODE_ROOM },
		     { 6, STORY_CODE, C, CODE_ROOM },
		     { 14, STORY_REFER, C, EXT_B } },
	  .absent = ON(B2), .elsewhere = ON(C), .look_s = 34, .talk = ON(A) | ON(B) | ON(C),
	  .loose = true, .room = true },
	{ "linked-room-that-a-call-joins",
	  .steps = { { 3, STORY_CODE, A, CODE_ROOM },
		     { 6, STORY_DIAL, C, EXT_B },
		     { 16, STORY_CONFER_INTO, A } },
	  .absent = ON(B2), .elsewhere = ON(C) | ON(B), .look_s = 36, .talk = ON(A) | ON(B) | ON(C),
	  .loose = true, .room = true },
	{ "linked-room-that-two-call-at-once",
	  .steps = { { 3, STORY_CODE, A, CODE_ROOM },
		     { 3, STORY_CODE, C, CODE_ROOM },
		     { 3, STORY_CODE, D, CODE_ROOM } },
	  .elsewhere = ON(C), .look_s = 24, .talk = ON(A) | ON(C) | ON(D), .loose = true,
	  .room = true },
	{ "linked-room-that-is-called-while-the-store-is-away",
	  .steps = { { 3, STORY_STORE_DOWN },
		     { 8, STORY_CODE, A, CODE_ROOM },
		     { 9, STORY_CODE, C, CODE_ROOM },
		     { 10, STORY_CODE, B, CODE_ROOM },
		     { 16, STORY_STORE_UP },
		     { 30, STORY_CODE, D, CODE_ROOM } },
	  .absent = ON(B2), .elsewhere = ON(C) | ON(B), .look_s = 44,
	  .talk = ON(A) | ON(B) | ON(C) | ON(D), .loose = true, .room = true },
};
const uint32_t story_room_count = COUNT_OF(story_rooms);
