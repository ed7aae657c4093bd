/* SPDX-License-Identifier: Apache-2.0 */
/* Stories of calls that are recorded (recorder.h). A command is said again: its client hears nothing of a process that dies. */
#include "tests/sim/node.h"
#include "tests/sim/story.h"

#define ON(phone)         (1u << (phone))
#define NUMBER(recording) (1u << (recording))
#define A_CALLS_B(...)    .steps = { { 3, STORY_DIAL, A, EXT_B }, __VA_ARGS__ }, .absent = ON(B2)
#define ORDERED(at, what)                   \
	{ (at), STORY_COMMAND, A, (what) }, \
	{                                   \
		(at) + 3, STORY_AGAIN       \
	}
/* Said again, as a command is: a process may die with the keys that it has not saved. */
#define PRESSED(at, key)                                                \
	{ (at), STORY_KEY, A, '*' }, { (at) + 1, STORY_KEY, A, (key) }, \
		{ (at) + 4, STORY_KEY, A, '*' },                        \
	{                                                               \
		(at) + 5, STORY_KEY, A, (key)                           \
	}
#define TALK_IN_THE_END .talk = ON(A) | ON(B), .status = 200

#define LEAVES_A_MESSAGE(...)                                                                      \
	.steps = { { 3, STORY_DIAL, A, EXT_C }, ORDERED(8, ORDER_LEAVES_MESSAGE), __VA_ARGS__ },   \
	.forward = { [EXT_C] = { .application = "ivr" } }, .recordings = NUMBER(1), .status = 200, \
	.pairs = 1

const struct story story_records[] = {
	{ "recorded", A_CALLS_B({ 20, STORY_HANG_UP, A }), .recorded = ON(EXT_A), .look_s = 15,
	  .records = 1, .recordings = NUMBER(1), TALK_IN_THE_END },
	{ "recorded-callee", A_CALLS_B({ 20, STORY_HANG_UP, B }), .recorded = ON(EXT_B),
	  .look_s = 15, .records = 1, .recordings = NUMBER(1), TALK_IN_THE_END },
	{ "recorded-and-held", A_CALLS_B({ 8, STORY_HOLD, A }, { 24, STORY_HANG_UP, A }),
	  .music = true, .recorded = ON(EXT_A), .look_s = 18, .records = 1, .recordings = NUMBER(1),
	  TALK_IN_THE_END },
	{ "recorded-policy-paused", A_CALLS_B(ORDERED(8, ORDER_RECORD_PAUSES)),
	  .recorded = ON(EXT_A), .look_s = 20, .records = 0, .recordings = NUMBER(1),
	  TALK_IN_THE_END },
	{ "recorded-by-command", A_CALLS_B(ORDERED(8, ORDER_RECORDS)), .on_demand = ON(EXT_A),
	  .look_s = 18, .records = 1, .recordings = NUMBER(1), TALK_IN_THE_END },
	{ "recorded-by-page", A_CALLS_B(ORDERED(8, ORDER_PAGES)), .on_demand = ON(EXT_A),
	  .look_s = 18, .records = 1, .recordings = NUMBER(1), TALK_IN_THE_END },
	{ "recorded-and-paused",
	  A_CALLS_B(ORDERED(8, ORDER_RECORDS), ORDERED(14, ORDER_RECORD_PAUSES)),
	  .on_demand = ON(EXT_A), .look_s = 26, .records = 0, .recordings = NUMBER(1),
	  TALK_IN_THE_END },
	{ "recorded-and-on-again",
	  A_CALLS_B(ORDERED(8, ORDER_RECORDS), ORDERED(14, ORDER_RECORD_PAUSES),
		    ORDERED(20, ORDER_RECORD_GOES_ON)),
	  .on_demand = ON(EXT_A), .look_s = 32, .records = 1, .recordings = NUMBER(1),
	  TALK_IN_THE_END },
	{ "recorded-and-stopped",
	  A_CALLS_B(ORDERED(8, ORDER_RECORDS), ORDERED(14, ORDER_RECORD_STOPS)),
	  .on_demand = ON(EXT_A), .look_s = 26, .records = 0, .recordings = NUMBER(1),
	  TALK_IN_THE_END },
	{ "recorded-twice",
	  A_CALLS_B(ORDERED(8, ORDER_RECORDS), ORDERED(14, ORDER_RECORD_STOPS),
		    ORDERED(20, ORDER_RECORDS)),
	  .on_demand = ON(EXT_A), .look_s = 32, .records = 1, .recordings = NUMBER(1) | NUMBER(2),
	  TALK_IN_THE_END },
	{ "recorded-and-given-away", A_CALLS_B({ 8, STORY_REFER, B, EXT_C }), .recorded = ON(EXT_A),
	  .look_s = 24, .records = 1, .recordings = NUMBER(1), .talk = ON(A) | ON(C),
	  .status = 200 },
	{ "ordered-and-given-away",
	  A_CALLS_B(ORDERED(6, ORDER_RECORDS), { 14, STORY_REFER, B, EXT_C }),
	  .on_demand = ON(EXT_A), .look_s = 30, .records = 1, .recordings = NUMBER(1),
	  .talk = ON(A) | ON(C), .status = 200 },
	{ "recorded-and-parked", A_CALLS_B({ 8, STORY_PARK, B }), .recorded = ON(EXT_A),
	  .look_s = 24, .waits = 1, .recordings = NUMBER(1), .talk = ON(A), .status = 200 },
	{ "recorded-by-code", A_CALLS_B(PRESSED(8, '1')), .on_demand = ON(EXT_A), .codes = true,
	  .look_s = 22, .records = 1, .recordings = NUMBER(1), TALK_IN_THE_END },
	{ "recorded-by-code-and-paused", A_CALLS_B(PRESSED(8, '1'), PRESSED(18, '2')),
	  .on_demand = ON(EXT_A), .codes = true, .look_s = 32, .records = 0,
	  .recordings = NUMBER(1), TALK_IN_THE_END },
	{ "recorded-by-code-and-stopped", A_CALLS_B(PRESSED(8, '1'), PRESSED(18, '3')),
	  .on_demand = ON(EXT_A), .codes = true, .look_s = 32, .records = 0,
	  .recordings = NUMBER(1), TALK_IN_THE_END },
	{ "no-code", A_CALLS_B({ 8, STORY_KEY, A, '*' }), .on_demand = ON(EXT_A), .codes = true,
	  .look_s = 18, .records = 0, TALK_IN_THE_END },
	{ "within-a-code-and-given-away",
	  A_CALLS_B({ 8, STORY_KEY, A, '*' }, { 9, STORY_REFER, B, EXT_C }, PRESSED(16, '1')),
	  .on_demand = ON(EXT_A), .codes = true, .look_s = 32, .records = 1, .talk = ON(A) | ON(C),
	  .status = 200 },
	/* with an external recorder, which takes both parties of each */
	{ "recorded-outside", A_CALLS_B({ 20, STORY_HANG_UP, A }), .external = true,
	  .recorded = ON(EXT_A), .look_s = 15, .records = 1, .recordings = NUMBER(1),
	  TALK_IN_THE_END },
	{ "recorded-outside-by-command", A_CALLS_B(ORDERED(8, ORDER_RECORDS)), .external = true,
	  .on_demand = ON(EXT_A), .look_s = 18, .records = 1, .recordings = NUMBER(1),
	  TALK_IN_THE_END },
	{ "recorded-outside-and-paused",
	  A_CALLS_B(ORDERED(8, ORDER_RECORDS), ORDERED(14, ORDER_RECORD_PAUSES)), .external = true,
	  .on_demand = ON(EXT_A), .look_s = 26, .records = 0, .recordings = NUMBER(1),
	  TALK_IN_THE_END },
	{ "recorded-outside-and-stopped",
	  A_CALLS_B(ORDERED(8, ORDER_RECORDS), ORDERED(14, ORDER_RECORD_STOPS)), .external = true,
	  .on_demand = ON(EXT_A), .look_s = 26, .records = 0, .recordings = NUMBER(1),
	  TALK_IN_THE_END },
	{ "recorded-outside-and-given-away", A_CALLS_B({ 8, STORY_REFER, B, EXT_C }),
	  .external = true, .recorded = ON(EXT_A), .look_s = 24, .records = 1,
	  .recordings = NUMBER(1), .talk = ON(A) | ON(C), .status = 200 },
	/* the application asks for a message: A speaks for seven seconds */
	{ "message", LEAVES_A_MESSAGE(), .look_s = 17, .records = 1, .message = "", .talk = ON(A) },
	{ "message-is-over", LEAVES_A_MESSAGE(), .look_s = 30, .message = "silence",
	  .talk = ON(A) },
	{ "message-ended-by-key",
	  LEAVES_A_MESSAGE({ 14, STORY_KEY, A, '#' }, { 17, STORY_KEY, A, '#' }), .look_s = 24,
	  .message = "key", .talk = ON(A) },
	{ "message-and-gone", LEAVES_A_MESSAGE({ 14, STORY_HANG_UP, A }), .look_s = 20,
	  .message = "hangup" },
	{ "message-given-on",
	  .steps = { { 3, STORY_DIAL, A, EXT_C },
		     ORDERED(8, ORDER_LEAVES_MESSAGE),
		     { 14, STORY_TRANSFER, SHARD_LEG_NONE, EXT_B },
		     { 17, STORY_AGAIN } },
	  .absent = ON(B2), .forward = { [EXT_C] = { .application = "ivr" } }, .look_s = 26,
	  .message = "stopped", .recordings = NUMBER(1), .talk = ON(A) | ON(B), .status = 200 },
	{ "ordered-and-split",
	  A_CALLS_B(ORDERED(6, ORDER_RECORDS), { 14, STORY_COMMAND, A, ORDER_SPLIT_B }),
	  .on_demand = ON(EXT_A), .loose = true },
};
const uint32_t story_record_count = COUNT_OF(story_records);
