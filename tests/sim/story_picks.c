/* SPDX-License-Identifier: Apache-2.0 */
/* Stories of calls that are taken while they ring at others. */
#include "tests/sim/story.h"

#define ON(phone) (1u << (phone))
#define RINGS                       \
	{                           \
		.kind = MANNER_RING \
	}
#define BOTH_RING(...)                                         \
	.steps = { { 3, STORY_DIAL, A, EXT_B }, __VA_ARGS__ }, \
	.manner = { [B] = RINGS, [B2] = RINGS }

const struct story story_picks[] = {
	{ "picked-up", BOTH_RING({ 8, STORY_REPLACE, B2, B }), .look_s = 28, .talk = ON(A) | ON(B2),
	  .status = 200 },
	{ "picked-up-and-hangs-up",
	  BOTH_RING({ 8, STORY_REPLACE, B2, B }, { 20, STORY_HANG_UP, B2 }), .look_s = 40,
	  .status = 200 },
	{ "picked-up-twice", BOTH_RING({ 8, STORY_REPLACE, B2, B }, { 8, STORY_REPLACE, B2, B }),
	  .look_s = 34, .talk = ON(A) | ON(B2), .status = 200 },
	{ "picked-up-and-caller-leaves",
	  BOTH_RING({ 8, STORY_REPLACE, B2, B }, { 8, STORY_HANG_UP, A }), .look_s = 40 },
	{ "picked-up-other-codecs", BOTH_RING({ 8, STORY_REPLACE, B2, B }),
	  .only = { [A] = "8 0 101", [B2] = "0" }, .look_s = 28, .talk = ON(A) | ON(B2),
	  .status = 200 },
	{ "picked-up-and-coded", BOTH_RING({ 8, STORY_REPLACE, B2, B }),
	  .only = { [A] = "0 101", [B2] = "8" }, .transcodes = true, .look_s = 28,
	  .talk = ON(A) | ON(B2), .status = 200 },
	/* by a code, from another extension of the group */
	{ "picked-up-by-code", BOTH_RING({ 8, STORY_CODE, C, CODE_PICK_B }), .look_s = 28,
	  .talk = ON(A) | ON(C), .status = 200 },
	{ "picked-up-by-code-over-shards", BOTH_RING({ 8, STORY_CODE, C, CODE_PICK_B }),
	  .shards = 2, .look_s = 28, .talk = ON(A) | ON(C), .status = 200 },
	{ "picked-up-in-the-group", BOTH_RING({ 8, STORY_CODE, C, CODE_PICK }), .look_s = 28,
	  .talk = ON(A) | ON(C), .status = 200 },
	{ "picked-up-in-the-group-over-shards", BOTH_RING({ 8, STORY_CODE, C, CODE_PICK }),
	  .shards = 2, .look_s = 28, .talk = ON(A) | ON(C), .status = 200 },
	{ "picked-up-by-two",
	  BOTH_RING({ 8, STORY_CODE, C, CODE_PICK_B }, { 8, STORY_CODE, D, CODE_PICK_B }),
	  .look_s = 34, .talk = ON(A) | ON(C) },
	{ "picked-up-by-two-over-shards",
	  BOTH_RING({ 8, STORY_CODE, C, CODE_PICK_B }, { 8, STORY_CODE, D, CODE_PICK_B }),
	  .shards = 2, .look_s = 34, .talk = ON(A) | ON(C) },
	{ "nobody-to-be-picked-up", .steps = { { 3, STORY_CODE, C, CODE_PICK } }, .look_s = 15 },
};
const uint32_t story_pick_count = COUNT_OF(story_picks);
