/* SPDX-License-Identifier: Apache-2.0 */
/* Stories of two nodes with links (link.h): phones of one in calls of the other. */
#include "tests/sim/story.h"

#define ON(phone) (1u << (phone))
#define RINGS                       \
	{                           \
		.kind = MANNER_RING \
	}
/* A calls by its own node, B is with the other one. */
#define ACROSS(...) \
	.steps = { { 3, STORY_DIAL, A, EXT_B }, __VA_ARGS__ }, .absent = ON(B2), .elsewhere = ON(B)

/* loose: what a phone says over TCP to a node that dies before it is saved is not said again (docs/adr/0023). */
const struct story story_links[] = {
	{ "linked-call", ACROSS({ 20, STORY_HANG_UP, A }), .look_s = 15, .talk = ON(A) | ON(B),
	  .status = 200, .pairs = 1 },
	{ "linked-callee-hangs-up", ACROSS({ 20, STORY_HANG_UP, B }), .look_s = 50, .status = 200,
	  .pairs = 1 },
	{ "linked-call-over-tls", ACROSS({ 20, STORY_HANG_UP, A }), .tls = true, .look_s = 15,
	  .talk = ON(A) | ON(B), .status = 200, .pairs = 1 },
	{ "linked-callee-hangs-up-over-tls", ACROSS({ 20, STORY_HANG_UP, B }), .tls = true,
	  .look_s = 60, .status = 200, .pairs = 1, .loose = true },
	{ "linked-cancel-over-tls", ACROSS({ 8, STORY_HANG_UP, A }), .manner = { [B] = RINGS },
	  .tls = true, .look_s = 60, .pairs = 1 },
	{ "linked-hold-over-tls", ACROSS({ 10, STORY_HOLD, B }, { 14, STORY_HOLD, B }), .tls = true,
	  .look_s = 28, .talk = ON(A) | ON(B), .status = 200, .pairs = 1 },
	{ "linked-goes-away-and-comes-back-over-tls",
	  ACROSS({ 10, STORY_DROP, B }, { 11, STORY_HANG_UP, A }), .tls = true, .look_s = 60,
	  .status = 200, .pairs = 1 },
	{ "linked-refer", ACROSS({ 10, STORY_REFER, B, EXT_C }), .look_s = 34,
	  .talk = ON(A) | ON(C), .status = 200, .pairs = 2 },
	/* two calls of two nodes */
	{ "linked-lamp", .steps = { { 3, STORY_LAMP, D, EXT_B }, { 5, STORY_DIAL, A, EXT_B } },
	  .absent = ON(B2), .elsewhere = ON(D), .look_s = 20, .talk = ON(A) | ON(B),
	  .blf_keys = LAMPS_LIT, .status = 200, .pairs = 1 },
	{ "linked-lamp-goes-out",
	  .steps = { { 3, STORY_LAMP, D, EXT_B },
		     { 5, STORY_DIAL, A, EXT_B },
		     { 12, STORY_HANG_UP, A } },
	  .absent = ON(B2), .elsewhere = ON(D), .look_s = 100, .blf_keys = LAMPS_DARK,
	  .status = 200, .pairs = 1 },
	{ "linked-pick-up-by-code",
	  .steps = { { 3, STORY_DIAL, A, EXT_B }, { 8, STORY_CODE, C, CODE_PICK_B } },
	  .manner = { [B] = RINGS, [B2] = RINGS }, .elsewhere = ON(C), .look_s = 28,
	  .talk = ON(A) | ON(C), .status = 200, .loose = true },
	{ "linked-parked-and-retrieved",
	  .steps = { { 3, STORY_DIAL, A, EXT_B },
		     { 10, STORY_PARK, B },
		     { 20, STORY_CODE, C, CODE_SLOT } },
	  .absent = ON(B2), .elsewhere = ON(C), .look_s = 34, .talk = ON(A) | ON(C), .status = 200,
	  .loose = true },
	{ "linked-call-waiting",
	  .steps = { { 3, STORY_DIAL, A, EXT_B },
		     { 12, STORY_DIAL, D, EXT_B },
		     { 24, STORY_HANG_UP, A } },
	  .absent = ON(B2), .elsewhere = ON(D),
	  .forward = { [EXT_B] = { .call_waiting = CALL_WAITING_SINGLE } }, .look_s = 38,
	  .talk = ON(B) | ON(D), .loose = true },
	{ "linked-join",
	  .steps = { { 3, STORY_DIAL, A, EXT_B },
		     { 4, STORY_DIAL, C, EXT_D },
		     { 12, STORY_JOIN, SHARD_LEG_CALLER, SHARD_LEG_CALLER } },
	  .absent = ON(B2), .elsewhere = ON(C) | ON(D), .look_s = 30, .talk = ON(A) | ON(C),
	  .loose = true },
};
const uint32_t story_link_count = COUNT_OF(story_links);
