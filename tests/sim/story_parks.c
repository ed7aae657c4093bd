/* SPDX-License-Identifier: Apache-2.0 */
/* Stories of parties who wait in a slot. */
#include "tests/sim/story.h"

#define ON(phone) (1u << (phone))
#define SLOT      "#4171" /* PHONE_SLOT, as a document has it */
#define B_PARKS_A(...)                                                                \
	.steps = { { 3, STORY_DIAL, A, EXT_B }, { 10, STORY_PARK, B }, __VA_ARGS__ }, \
	.absent = ON(B2)

/* Its phone answers after 8 s: at 11, and who is parked comes back to it from 35 on. */
#define COMES_BACK_TO_B(manner_of_b, ...)                                             \
	.steps = { { 3, STORY_DIAL, A, EXT_B }, { 15, STORY_PARK, B }, __VA_ARGS__ }, \
	.manner = { [B] = { .ring_ns = 8 * NS_PER_S, .rings = true, manner_of_b } },  \
	.absent = ON(B2), .returns_s = 20

const struct story story_parks[] = {
	{ "parked", B_PARKS_A({ 30, STORY_HANG_UP, A }), .look_s = 24, .talk = ON(A), .waits = 1,
	  .status = 200 },
	{ "parked-and-told", B_PARKS_A({ 30, STORY_HANG_UP, A }), .spoken = true, .look_s = 24,
	  .talk = ON(A), .waits = 1, .status = 200 },
	{ "parked-and-gives-up", B_PARKS_A({ 18, STORY_HANG_UP, A }), .look_s = 30, .status = 200 },
	{ "parked-and-retrieved", B_PARKS_A({ 20, STORY_CODE, C, CODE_SLOT }), .look_s = 34,
	  .talk = ON(A) | ON(C), .status = 200 },
	{ "parked-and-retrieved-coded", B_PARKS_A({ 20, STORY_CODE, C, CODE_SLOT }),
	  .only = { [A] = "0 101", [B] = "0 101", [C] = "8 101" }, .transcodes = true, .look_s = 34,
	  .talk = ON(A) | ON(C), .status = 200 },
	{ "parked-and-retrieved-coded-over-shards", B_PARKS_A({ 20, STORY_CODE, C, CODE_SLOT }),
	  .shards = 2, .only = { [A] = "0 101", [B] = "0 101", [C] = "8 101" }, .transcodes = true,
	  .look_s = 34, .talk = ON(A) | ON(C), .status = 200,
	  .loose = true }, /* both are asked for a common codec, over a shard that may be away */
	{ "parked-and-retrieved-over-shards", B_PARKS_A({ 20, STORY_CODE, C, CODE_SLOT }),
	  .shards = 2, .look_s = 34, .talk = ON(A) | ON(C), .status = 200 },
	{ "parked-and-retrieved-by-the-same", B_PARKS_A({ 20, STORY_CODE, B, CODE_SLOT }),
	  .look_s = 34, .talk = ON(A) | ON(B), .status = 200 },
	{ "two-pickers",
	  B_PARKS_A({ 20, STORY_CODE, C, CODE_SLOT }, { 20, STORY_CODE, D, CODE_SLOT }),
	  .look_s = 36, .talk = ON(A) | ON(C) },
	{ "two-pickers-after-each-other",
	  B_PARKS_A({ 20, STORY_CODE, C, CODE_SLOT }, { 30, STORY_CODE, D, CODE_SLOT }),
	  .look_s = 44, .talk = ON(A) | ON(C), .status = 200 },
	{ "comes-back-and-is-answered", COMES_BACK_TO_B(.status = 0), .status = 200 },
	{ "retrieved-while-it-comes-back",
	  COMES_BACK_TO_B(.status = 0, { 40, STORY_CODE, C, CODE_SLOT }), .look_s = 60,
	  .talk = ON(A) | ON(C), .status = 200 },
	{ "retrieved-over-shards-while-it-comes-back",
	  COMES_BACK_TO_B(.status = 0, { 40, STORY_CODE, C, CODE_SLOT }), .shards = 2, .look_s = 60,
	  .talk = ON(A) | ON(C), .status = 200 },
	{ "retrieved-and-the-cancel-is-answered",
	  COMES_BACK_TO_B(.answers_cancel = true, { 40, STORY_CODE, C, CODE_SLOT }), .look_s = 60,
	  .talk = ON(A) | ON(C), .status = 200 },
	{ "retrieved-in-the-moment-of-an-answer",
	  COMES_BACK_TO_B(.status = 0, { 43, STORY_CODE, C, CODE_SLOT }), .status = 200 },
	{ "sent-on-to-a-slot", .steps = { { 3, STORY_DIAL, A, EXT_B }, { 30, STORY_HANG_UP, A } },
	  .forward = { [EXT_B] = { .always = SLOT } }, .look_s = 24, .talk = ON(A), .waits = 1,
	  .status = 200 },
	{ "sent-on-to-a-slot-and-retrieved",
	  .steps = { { 3, STORY_DIAL, A, EXT_B }, { 20, STORY_CODE, C, CODE_SLOT } },
	  .forward = { [EXT_B] = { .always = SLOT } }, .look_s = 34, .talk = ON(A) | ON(C),
	  .status = 200 },
	{ "rung-and-sent-on-to-a-slot", .steps = { { 3, STORY_DIAL, A, EXT_B } },
	  .forward = { [EXT_B] = { .no_answer = SLOT, .rings = 1 } },
	  .manner = { [B] = { .kind = MANNER_RING, .rings = true } }, .absent = ON(B2),
	  .look_s = 24, .talk = ON(A), .waits = 1, .status = 200 },
	{ "sent-on-to-a-slot-that-is-taken",
	  .steps = { { 3, STORY_DIAL, A, EXT_B }, { 10, STORY_DIAL, D, EXT_B } },
	  .forward = { [EXT_B] = { .always = SLOT ",1003" } } },
	{ "sent-on-to-a-slot-and-comes-back", .steps = { { 3, STORY_DIAL, A, EXT_B } },
	  .forward = { [EXT_B] = { .always = SLOT } }, .returns_s = 20, .absent = ON(B2),
	  .look_s = 60, .talk = ON(A) | ON(B), .status = 200 },
	{ "given-to-a-slot",
	  .steps = { { 3, STORY_DIAL, A, EXT_B }, { 10, STORY_REFER, B, EXT_C } },
	  .forward = { [EXT_C] = { .always = SLOT } }, .absent = ON(B2), .look_s = 24,
	  .talk = ON(A), .waits = 1, .status = 200 },
	{ "given-to-a-slot-and-retrieved",
	  .steps = { { 3, STORY_DIAL, A, EXT_B },
		     { 10, STORY_REFER, B, EXT_C },
		     { 20, STORY_CODE, D, CODE_SLOT } },
	  .forward = { [EXT_C] = { .always = SLOT } }, .absent = ON(B2), .look_s = 34,
	  .talk = ON(A) | ON(D), .status = 200 },
	{ "given-to-a-slot-by-command",
	  .steps = { { 3, STORY_DIAL, A, EXT_B },
		     { 10, STORY_TRANSFER, SHARD_LEG_CALLEE, EXT_C },
		     { 18, STORY_AGAIN } },
	  .forward = { [EXT_C] = { .always = SLOT } }, .absent = ON(B2), .look_s = 30,
	  .talk = ON(A), .waits = 1, .status = 200 },
	{ "given-to-a-slot-when-nobody-answers",
	  .steps = { { 3, STORY_DIAL, A, EXT_B }, { 10, STORY_REFER, B, EXT_C } },
	  .forward = { [EXT_C] = { .no_answer = SLOT, .rings = 1 } },
	  .manner = { [C] = { .kind = MANNER_RING, .rings = true } }, .absent = ON(B2),
	  .look_s = 30, .talk = ON(A), .waits = 1, .status = 200 },
	{ "given-to-a-slot-that-is-taken",
	  .steps = { { 3, STORY_DIAL, A, EXT_B },
		     { 8, STORY_DIAL, D, EXT_C },
		     { 15, STORY_REFER, B, EXT_C } },
	  .forward = { [EXT_C] = { .always = SLOT } }, .absent = ON(B2) },
	{ "given-to-a-slot-and-comes-back",
	  .steps = { { 3, STORY_DIAL, A, EXT_B }, { 10, STORY_REFER, B, EXT_C } },
	  .forward = { [EXT_C] = { .always = SLOT } }, .returns_s = 20, .absent = ON(B2),
	  .look_s = 60, .talk = ON(A) | ON(C), .status = 200 },
	{ "nobody-waits-there", .steps = { { 3, STORY_CODE, C, CODE_SLOT } }, .look_s = 15 },
};
const uint32_t story_park_count = COUNT_OF(story_parks);
