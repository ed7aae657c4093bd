/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stories. Between two steps there is time for a kill and what comes behind it.
 * Where a phone refuses alone a kill between our ACK and the save costs the refusal: the caller hears 408 in the end (ARCHITECTURE.md).
 */
#include "tests/sim/story.h"

#define ON(phone) (1u << (phone))
#define REFUSES(with)                                   \
	{                                               \
		.kind = MANNER_REFUSE, .status = (with) \
	}
#define RINGS                       \
	{                           \
		.kind = MANNER_RING \
	}
#define IGNORES                       \
	{                             \
		.kind = MANNER_IGNORE \
	}
#define DIALS                           \
	{                               \
		3, STORY_DIAL, A, EXT_B \
	}
#define TALKING(...) .steps = { DIALS, __VA_ARGS__ }, .absent = ON(B2)

const struct story story_list[] = {
	/* calls */
	{ "call", TALKING({ 20, STORY_HANG_UP, A }), .look_s = 15, .talk = ON(A) | ON(B),
	  .status = 200, .pairs = 1 },
	{ "callee-hangs-up", TALKING({ 20, STORY_HANG_UP, B }), .look_s = 35, .status = 200,
	  .pairs = 1 },
	{ "late-offer", .steps = { { 3, STORY_DIAL_LATE, A, EXT_B } }, .absent = ON(B2),
	  .look_s = 15, .talk = ON(A) | ON(B), .status = 200 },
	{ "early-media", .steps = { { 3, STORY_DIAL, A, EXT_C } },
	  .manner = { [C] = { .early = true } }, .look_s = 15, .talk = ON(A) | ON(C),
	  .status = 200 },
	{ "srtp", TALKING({ 20, STORY_HANG_UP, A }), .tls = true, .status = 200, .pairs = 1 },
	{ "cancel", TALKING({ 8, STORY_HANG_UP, A }), .manner = { [B] = RINGS }, .look_s = 30,
	  .pairs = 1 },
	{ "cancel-crosses-answer", TALKING({ 8, STORY_HANG_UP, A }),
	  .manner = { [B] = { .kind = MANNER_RING, .answers_cancel = true } }, .look_s = 45,
	  .pairs = 1 },
	{ "busy", TALKING({ 20, STORY_OPTIONS, A }), .manner = { [B] = REFUSES(486) }, .look_s = 15,
	  .status = 486, .pairs = 1, .loose = true },
	{ "declined", TALKING({ 20, STORY_OPTIONS, A }), .manner = { [B] = REFUSES(603) },
	  .look_s = 15, .status = 603, .pairs = 1, .loose = true },
	{ "no-answer", TALKING({ 60, STORY_OPTIONS, A }), .manner = { [B] = RINGS }, .look_s = 60,
	  .status = 408, .pairs = 1 },
	{ "silent-phone", TALKING({ 60, STORY_OPTIONS, A }), .manner = { [B] = IGNORES },
	  .look_s = 60, .pairs = 1 },
	{ "not-registered", .steps = { DIALS }, .absent = ON(B) | ON(B2), .look_s = 15 },
	{ "nobody", .steps = { { 3, STORY_DIAL, A, NOBODY } }, .look_s = 15 },
	{ "redirected", .steps = { DIALS }, .absent = ON(B2),
	  .manner = { [B] = { .kind = MANNER_REFUSE, .status = 302, .redirect = EXT_C } },
	  .look_s = 15, .talk = ON(A) | ON(C), .status = 200, .pairs = 1, .loose = true },
	/* forks */
	{ "fork", .steps = { DIALS }, .manner = { [B2] = RINGS }, .look_s = 15,
	  .talk = ON(A) | ON(B), .status = 200, .pairs = 1 },
	{ "fork-cancelled", .steps = { DIALS, { 8, STORY_HANG_UP, A } },
	  .manner = { [B] = RINGS, [B2] = RINGS }, .look_s = 30, .pairs = 1 },
	{ "fork-one-refuses", .steps = { DIALS }, .manner = { [B2] = REFUSES(486) }, .look_s = 15,
	  .talk = ON(A) | ON(B), .status = 200, .pairs = 1 },
	{ "fork-both-refuse", .steps = { DIALS },
	  .manner = { [B] = REFUSES(486), [B2] = REFUSES(486) }, .look_s = 20, .status = 486,
	  .pairs = 1, .loose = true },
	{ "fork-both-answer", .steps = { DIALS },
	  .manner = { [B2] = { .ring_ns = 1001 * NS_PER_MS } }, .status = 200, .pairs = 1 },
	{ "fork-late-offer", .steps = { { 3, STORY_DIAL_LATE, A, EXT_B } },
	  .manner = { [B2] = RINGS }, .look_s = 15, .talk = ON(A) | ON(B), .status = 200 },
	/* forwards */
	{ "forward-always", .steps = { DIALS }, .forward = { [EXT_B] = { .always = "1003" } },
	  .look_s = 15, .talk = ON(A) | ON(C), .status = 200, .pairs = 1 },
	{ "forward-busy", .steps = { DIALS }, .absent = ON(B2),
	  .forward = { [EXT_B] = { .busy = "1003" } }, .manner = { [B] = REFUSES(486) },
	  .look_s = 20, .talk = ON(A) | ON(C), .status = 200, .pairs = 1, .loose = true },
	{ "forward-no-answer", .steps = { DIALS }, .absent = ON(B2),
	  .forward = { [EXT_B] = { .no_answer = "1003", .rings = 1 } }, .manner = { [B] = RINGS },
	  .look_s = 60, .talk = ON(A) | ON(C), .status = 200, .pairs = 1 },
	{ "forward-unreachable", .steps = { DIALS }, .absent = ON(B) | ON(B2),
	  .forward = { [EXT_B] = { .unreachable = "1003" } }, .look_s = 20, .talk = ON(A) | ON(C),
	  .status = 200, .pairs = 1 },
	{ "forward-twice", .steps = { DIALS },
	  .forward = { [EXT_B] = { .always = "1003" }, [EXT_C] = { .always = "1004" } },
	  .look_s = 20, .talk = ON(A) | ON(D), .status = 200, .pairs = 1 },
	{ "do-not-disturb", .steps = { DIALS }, .forward = { [EXT_B] = { .do_not_disturb = true } },
	  .look_s = 15 },
	/* within a call */
	{ "hold", TALKING({ 10, STORY_HOLD, A }, { 20, STORY_HOLD, A }), .look_s = 28,
	  .talk = ON(A) | ON(B), .status = 200, .pairs = 1 },
	{ "hold-by-callee", TALKING({ 10, STORY_HOLD, B }, { 20, STORY_HOLD, B }), .look_s = 28,
	  .talk = ON(A) | ON(B), .status = 200 },
	{ "hold-with-music", TALKING({ 10, STORY_HOLD, A }), .music = true, .look_s = 20,
	  .talk = ON(A) | ON(B), .status = 200 },
	{ "hold-by-command", TALKING({ 10, STORY_COMMAND, A, 0 }, { 20, STORY_COMMAND, A, 2 }),
	  .look_s = 28, .talk = ON(A) | ON(B), .status = 200 },
	{ "mute-by-command", TALKING({ 10, STORY_COMMAND, A, 4 }, { 20, STORY_COMMAND, A, 6 }),
	  .look_s = 28, .talk = ON(A) | ON(B), .status = 200 },
	{ "digits-by-command", TALKING({ 10, STORY_COMMAND, A, 8 }), .look_s = 20,
	  .talk = ON(A) | ON(B), .status = 200 },
	{ "media-moves", TALKING({ 10, STORY_MOVE, A }, { 20, STORY_MOVE, B }), .look_s = 28,
	  .talk = ON(A) | ON(B), .status = 200 },
	{ "late-reinvite", TALKING({ 10, STORY_ASK_LATE, A }, { 20, STORY_ASK_LATE, B }),
	  .look_s = 28, .talk = ON(A) | ON(B), .status = 200 },
	{ "glare", TALKING({ 10, STORY_MOVE, A }, { 10, STORY_MOVE, B }), .look_s = 28,
	  .talk = ON(A) | ON(B), .status = 200 },
	{ "info-options-update",
	  TALKING({ 10, STORY_INFO, A }, { 16, STORY_OPTIONS, B }, { 22, STORY_UPDATE, A }),
	  .look_s = 28, .talk = ON(A) | ON(B), .status = 200 },
	{ "bye-within-reinvite", TALKING({ 10, STORY_MOVE, A }, { 10, STORY_HANG_UP, B }),
	  .look_s = 50, .status = 200, .pairs = 1 },
	{ "byes-cross", TALKING({ 10, STORY_HANG_UP, A }, { 10, STORY_HANG_UP, B }), .look_s = 50,
	  .status = 200, .pairs = 1 },
	{ "connection-drops", TALKING({ 10, STORY_DROP, B }, { 20, STORY_MOVE, B }), .tls = true,
	  .look_s = 28, .talk = ON(A) | ON(B), .status = 200, .loose = true },
	/* by command */
	{ "originate", .steps = { { 3, STORY_ORIGINATE, EXT_A, EXT_C } }, .look_s = 20,
	  .talk = ON(A) | ON(C), .status = 200, .pairs = 1, .loose = true },
	{ "originate-refused", .steps = { { 3, STORY_ORIGINATE, EXT_A, EXT_C } },
	  .manner = { [C] = REFUSES(486) }, .look_s = 50, .pairs = 1, .loose = true },
	{ "operator-ends-it", TALKING({ 12, STORY_OPERATOR, A }), .look_s = 50, .status = 200,
	  .pairs = 1, .loose = true },
	/* applications */
	{ "application", .steps = { { 3, STORY_DIAL, A, EXT_C }, { 10, STORY_HOLD, A } },
	  .forward = { [EXT_C] = { .application = "ivr" } }, .look_s = 15, .talk = ON(A),
	  .status = 200, .pairs = 1 },
	{ "originate-to-application", .steps = { { 3, STORY_ORIGINATE, EXT_A, EXT_C } },
	  .forward = { [EXT_C] = { .application = "ivr" } }, .look_s = 20, .talk = ON(A),
	  .status = 200, .pairs = 1, .loose = true },
	{ "transfer-to-application", TALKING({ 10, STORY_REFER, B, EXT_C }),
	  .forward = { [EXT_C] = { .application = "ivr" } }, .look_s = 28, .talk = ON(A),
	  .status = 200, .pairs = 2 },
	{ "transfer-held-to-application",
	  TALKING({ 10, STORY_HOLD, B }, { 16, STORY_REFER, B, EXT_C }),
	  .forward = { [EXT_C] = { .application = "ivr" } }, .look_s = 34, .talk = ON(A),
	  .status = 200, .pairs = 2 },
	/* transfers */
	{ "transfer-by-callee", TALKING({ 10, STORY_REFER, B, EXT_C }), .look_s = 28,
	  .talk = ON(A) | ON(C), .status = 200, .pairs = 2 },
	{ "transfer-by-caller", TALKING({ 10, STORY_REFER, A, EXT_C }), .look_s = 28,
	  .talk = ON(B) | ON(C), .status = 200, .pairs = 2 },
	{ "transfer-silent", TALKING({ 10, STORY_REFER_SILENT, B, EXT_C }), .look_s = 28,
	  .talk = ON(A) | ON(C), .status = 200, .pairs = 2 },
	{ "transfer-held", TALKING({ 10, STORY_HOLD, B }, { 16, STORY_REFER, B, EXT_C }),
	  .look_s = 34, .talk = ON(A) | ON(C), .status = 200, .pairs = 2 },
	{ "transfer-busy", TALKING({ 10, STORY_REFER, B, EXT_C }), .manner = { [C] = REFUSES(486) },
	  .look_s = 28, .talk = ON(A) | ON(B), .status = 200 },
	{ "transfer-no-answer", TALKING({ 10, STORY_REFER, B, EXT_C }), .manner = { [C] = RINGS },
	  .look_s = 70, .talk = ON(A) | ON(B), .status = 200 },
	{ "transfer-vanished", TALKING({ 8, STORY_VANISH, C }, { 10, STORY_REFER, B, EXT_C }),
	  .look_s = 75, .talk = ON(A) | ON(B), .status = 200 },
	{ "transfer-to-nobody", TALKING({ 10, STORY_REFER, B, NOBODY }), .look_s = 28,
	  .talk = ON(A) | ON(B), .status = 200 },
	{ "transfer-forwarded", TALKING({ 10, STORY_REFER, B, EXT_C }),
	  .forward = { [EXT_C] = { .always = "1004" } }, .look_s = 28, .talk = ON(A) | ON(D),
	  .status = 200, .pairs = 2 },
	{ "transferor-leaves-early",
	  TALKING({ 10, STORY_REFER, B, EXT_C }, { 14, STORY_HANG_UP, B }),
	  .manner = { [C] = { .ring_ns = 9000 * NS_PER_MS } }, .look_s = 34, .talk = ON(A) | ON(C),
	  .status = 200, .pairs = 2 },
	{ "transferor-gets-nothing",
	  TALKING({ 10, STORY_REFER, B, EXT_C }, { 14, STORY_HANG_UP, B }),
	  .manner = { [C] = { .kind = MANNER_REFUSE, .status = 486, .ring_ns = 9000 * NS_PER_MS } },
	  .look_s = 50, .status = 200 },
	{ "given-away-leaves", TALKING({ 10, STORY_REFER, B, EXT_C }, { 14, STORY_HANG_UP, A }),
	  .manner = { [C] = RINGS }, .look_s = 50, .status = 200 },
	{ "transfer-within-reinvite", TALKING({ 10, STORY_MOVE, A }, { 10, STORY_REFER, B, EXT_C }),
	  .look_s = 34, .talk = ON(A) | ON(C), .status = 200, .pairs = 2 },
	{ "transfer-twice", TALKING({ 10, STORY_REFER, B, EXT_C }, { 22, STORY_REFER, C, EXT_D }),
	  .look_s = 40, .talk = ON(A) | ON(D), .status = 200, .pairs = 3 },
	{ "transfer-over-tls", TALKING({ 10, STORY_REFER, B, EXT_C }), .tls = true, .look_s = 34,
	  .talk = ON(A) | ON(C), .status = 200, .pairs = 2 },
	/* the store */
	{ "store-away",
	  TALKING({ 8, STORY_STORE_DOWN }, { 12, STORY_MOVE, A }, { 18, STORY_STORE_UP }),
	  .look_s = 30, .talk = ON(A) | ON(B), .loose = true },
	{ "store-away-in-transfer",
	  TALKING({ 9, STORY_STORE_DOWN }, { 12, STORY_REFER, B, EXT_C }, { 24, STORY_STORE_UP }),
	  .look_s = 36, .talk = ON(A) | ON(C), .loose = true },
};
const uint32_t story_count = COUNT_OF(story_list);
