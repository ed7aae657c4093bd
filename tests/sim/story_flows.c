/* SPDX-License-Identifier: Apache-2.0 */
/* Stories of callers in flows: wherever the node dies they go on at the same verb. */
#include "tests/sim/agents.h"
#include "tests/sim/story.h"

#define ON(phone)          (1u << (phone))
#define FLOW(start, steps) "{\"name\":\"main\",\"start\":\"" start "\",\"steps\":{" steps "}}"
#define CALLS(...)         .steps = { { 3, STORY_CODE, A, CODE_FLOW }, __VA_ARGS__ }, .absent = ON(B2)
#define REFUSES(with)                                   \
	{                                               \
		.kind = MANNER_REFUSE, .status = (with) \
	}
#define RINGS                       \
	{                           \
		.kind = MANNER_RING \
	}

/* 1 rings B, 2 plays and ends. What is wrong, or nothing, is asked for once more. */
#define MENU                                                                                 \
	FLOW("menu", "\"menu\":{\"gather\":{\"prompt\":[\"menu\"],\"max\":1,\"first_s\":20," \
		     "\"tries\":3},\"on\":{\"1\":\"desk\",\"2\":\"bye\"},"                   \
		     "\"invalid\":\"bye\",\"timeout\":\"bye\"},"                             \
		     "\"desk\":{\"dial\":\"1002\",\"busy\":\"bye\",\"next\":\"bye\"},"       \
		     "\"bye\":{\"play\":[\"bye\"],\"next\":\"end\"},\"end\":{\"hangup\":{}}")
#define GROUP(how)                                                                         \
	FLOW("desk", "\"desk\":{\"dial\":{\"to\":[\"1002\",\"1003\"],\"how\":\"" how "\"," \
		     "\"rings\":2},\"busy\":\"no\",\"no_answer\":\"no\",\"next\":\"no\"}," \
		     "\"no\":{\"reject\":{\"status\":486}}")

/* Who calls outside is asked for an account code first: a key. */
#define ACCOUNT                                                                      \
	FLOW("ask",                                                                  \
	     "\"ask\":{\"gather\":{\"prompt\":[\"code\"],\"max\":1,\"first_s\":20}," \
	     "\"next\":\"take\",\"timeout\":\"no\"},"                                \
	     "\"take\":{\"tag\":{\"account.code\":\"{digits}\"},\"failed\":\"no\","  \
	     "\"next\":\"out\"},\"out\":{\"dial\":\"{called}\",\"busy\":\"no\","     \
	     "\"no_answer\":\"no\",\"rejected\":\"no\"},\"no\":{\"reject\":{\"status\":403}}")
#define OUTSIDE_CALLS .account = true, .flow = ACCOUNT, .trunks = ON(C)

#define PARKS                                                                               \
	FLOW("wait", "\"wait\":{\"park\":{\"slot\":\"71\",\"timeout_s\":20},"               \
		     "\"timeout\":\"desk\",\"full\":\"desk\",\"failed\":\"bye\"},"          \
		     "\"desk\":{\"dial\":\"1002\",\"busy\":\"bye\",\"no_answer\":\"bye\"}," \
		     "\"bye\":{\"hangup\":{}}")

#define UP "\"up\":{\"answer\":{},\"next\":\"desk\"},"
/* Several ring for a caller that is up, and where nobody answers it waits. */
#define UP_GROUP                                                                                \
	FLOW("up", UP "\"desk\":{\"dial\":{\"to\":[\"1009\",\"1002\",\"1003\"],\"ring_s\":15}," \
		      "\"busy\":\"wait\",\"no_answer\":\"wait\"},"                              \
		      "\"wait\":{\"pause\":60,\"next\":\"end\"},\"end\":{\"hangup\":{}}")
#define CALLS_BACK .flow = g_agents_flow, .callbacks = true
/* When B has spoken with the caller, that waits for a minute. */
#define THEN(start, up)                                                                     \
	FLOW(start, up "\"desk\":{\"dial\":\"1002\",\"next\":\"wait\",\"failed\":\"end\"}," \
		       "\"wait\":{\"pause\":60,\"next\":\"end\"},"                          \
		       "\"end\":{\"hangup\":{}}")
#define CONFERS                                                                        \
	FLOW("room", "\"room\":{\"conference\":{\"name\":\"700\",\"moderator\":true}," \
		     "\"next\":\"bye\"},\"bye\":{\"hangup\":{}}")

/* 1 begins the flow anew, and then 2 rings B. */
#define DECIDES                                                                                 \
	FLOW("open", "\"open\":{\"hours\":\"office\",\"closed\":\"end\",\"failed\":\"say\"},"   \
		     "\"say\":{\"set\":{\"to\":\"1002\"},\"next\":\"menu\"},"                   \
		     "\"menu\":{\"gather\":{\"max\":1,\"first_s\":20},\"on\":{\"1\":\"again\"," \
		     "\"2\":\"desk\"},\"invalid\":\"end\",\"timeout\":\"end\"},"                \
		     "\"again\":{\"redirect\":\"flow:main\",\"failed\":\"end\"},"               \
		     "\"desk\":{\"dial\":\"{to}\",\"busy\":\"end\",\"next\":\"end\"},"          \
		     "\"end\":{\"hangup\":{}}")

/* B rings when the caller has said what he wants to say. */
#define RECORDS                                                                        \
	FLOW("note", "\"note\":{\"record\":{\"prompt\":[\"say\"],\"silence_s\":0},"    \
		     "\"timeout\":\"end\",\"next\":\"desk\"},"                         \
		     "\"desk\":{\"dial\":\"1002\",\"busy\":\"end\",\"next\":\"end\"}," \
		     "\"end\":{\"hangup\":{}}")

/* What the caller says is a message in a mailbox; when that is known to be safe B rings. */
#define DEPOSITS                                                                         \
	FLOW("note", "\"note\":{\"record\":{\"prompt\":[\"say\"],\"silence_s\":0,"       \
		     "\"mailbox\":\"1002\"},\"timeout\":\"end\",\"next\":\"send\"},"     \
		     "\"send\":{\"message\":{\"do\":\"send\",\"box\":\"1002\","          \
		     "\"message\":\"{recording}\"},\"none\":\"end\",\"failed\":\"end\"," \
		     "\"next\":\"desk\"},"                                               \
		     "\"desk\":{\"dial\":\"1002\",\"busy\":\"end\",\"next\":\"end\"},"   \
		     "\"end\":{\"hangup\":{}}")

/* No more than that, with the caller, wherever the room is. */
#define CONFERS_MOST(most)                                                                    \
	FLOW("room", "\"room\":{\"conference\":{\"name\":\"700\",\"beep\":true,\"max\":" most \
		     "},\"full\":\"bye\",\"next\":\"bye\"},\"bye\":{\"hangup\":{}}")

/* Whom the caller's phone is to call does not take the call, or it calls nobody: the caller waits for a minute. */
#define REFERS                                                                                    \
	FLOW("go", "\"go\":{\"refer\":\"+4930123456\",\"rejected\":\"wait\",\"failed\":\"wait\"," \
		   "\"timeout\":\"wait\"},\"wait\":{\"pause\":60,\"next\":\"end\"},"              \
		   "\"end\":{\"hangup\":{}}")
/* Who calls takes somebody's call, and waits for a minute when they have spoken. */
#define PICKS_UP(target)                                                                        \
	FLOW("pick", "\"pick\":{\"pickup\":\"" target "\",\"none\":\"end\",\"failed\":\"end\"," \
		     "\"next\":\"wait\"},\"wait\":{\"pause\":60,\"next\":\"end\"},"             \
		     "\"end\":{\"hangup\":{}}")
/* 23 are the first letters of two names: 1 is one of them, and then B rings. */
#define BY_NAME                                                                                    \
	FLOW("ask", "\"ask\":{\"gather\":{\"prompt\":[\"keys\"],\"max\":2,\"first_s\":20,\"digit_" \
		    "s\":20},"                                                                     \
		    "\"timeout\":\"end\",\"failed\":\"end\",\"next\":\"who\"},\"who\":{"           \
		    "\"directory\":{\"keys\":"                                                     \
		    "\"{digits}\",\"first_s\":20},\"none\":\"ask\",\"timeout\":\"end\","           \
		    "\"next\":\"desk\"},\"desk\":{\"dial\":\"{number}\",\"busy\":\"end\","         \
		    "\"next\":\"end\"},\"end\":{\"hangup\":{}}")
#define B_PARKS_A                    \
	{ 3, STORY_DIAL, A, EXT_B }, \
	{                            \
		10, STORY_PARK, B    \
	}

/* Who answers is asked for a key. */
#define CONFIRMS(start, up, to, more)                                                     \
	FLOW(start, up "\"desk\":{\"dial\":{\"to\":[" to "],\"confirm\":[\"press\"]" more \
		       "},\"busy\":\"no\",\"no_answer\":\"no\"},"                         \
		       "\"no\":{\"reject\":{\"status\":486}}")
#define BOTH "\"1002\",\"1003\""

const struct story story_flows[] = {
	{ "flow-confirms", CALLS({ 14, STORY_KEY, B, '1' }, { 19, STORY_KEY, B, '1' }),
	  .flow = CONFIRMS("desk", "", "\"1002\"", ""), .look_s = 30, .talk = ON(A) | ON(B),
	  .status = 200, .pairs = 1 },
	{ "flow-confirms-up", CALLS({ 14, STORY_KEY, B, '1' }, { 19, STORY_KEY, B, '1' }),
	  .flow = CONFIRMS("up", UP, "\"1002\"", ""), .look_s = 30, .talk = ON(A) | ON(B),
	  .status = 200, .pairs = 2 },
	{ "flow-confirms-together", CALLS({ 14, STORY_KEY, C, '1' }, { 19, STORY_KEY, C, '1' }),
	  .flow = CONFIRMS("desk", "", BOTH, ""), .look_s = 30, .talk = ON(A) | ON(C),
	  .status = 200, .pairs = 1 },
	{ "flow-confirms-behind-a-voicemail",
	  CALLS({ 33, STORY_KEY, C, '1' }, { 38, STORY_KEY, C, '1' }),
	  .flow = CONFIRMS("desk", "", BOTH, ",\"how\":\"in_turn\""), .look_s = 60,
	  .talk = ON(A) | ON(C), .status = 200, .pairs = 1 },
	{ "flow-confirms-in-vain", CALLS({ 40, STORY_OPTIONS, A }),
	  .flow = CONFIRMS("desk", "", BOTH, ""), .look_s = 50, .status = 486, .pairs = 1 },
	{ "flow-hangs-up-and-does-not-confirm",
	  CALLS({ 13, STORY_HANG_UP, B }, { 19, STORY_KEY, C, '1' }, { 24, STORY_KEY, C, '1' }),
	  .flow = CONFIRMS("desk", "", BOTH, ""), .look_s = 35, .talk = ON(A) | ON(C),
	  .status = 200, .pairs = 1 },
	{ "flow-cancelled-while-it-asks", CALLS({ 13, STORY_HANG_UP, A }),
	  .flow = CONFIRMS("desk", "", "\"1002\"", ""), .look_s = 40, .pairs = 1 },
	{ "flow-shows-a-number-and-no-video", CALLS({ 40, STORY_HANG_UP, A }),
	  .manner = { [B] = RINGS },
	  .flow = FLOW("desk",
		       "\"desk\":{\"dial\":{\"to\":[" BOTH "],\"how\":\"in_turn\",\"rings\":2,"
		       "\"caller_id\":\"1002\",\"video\":false},\"busy\":\"end\"},"
		       "\"end\":{\"hangup\":{}}"),
	  .look_s = 30, .talk = ON(A) | ON(C), .status = 200, .pairs = 1 },
	{ "flow-whispers", CALLS({ 40, STORY_HANG_UP, A }),
	  .flow = FLOW("desk", "\"desk\":{\"dial\":{\"to\":\"1002\",\"whisper\":\"sales\","
			       "\"announce\":\"both\"},\"busy\":\"end\"},"
			       "\"end\":{\"hangup\":{}}"),
	  .look_s = 30, .talk = ON(A) | ON(B), .status = 200, .pairs = 1 },
	{ "flow-menu-and-dial", CALLS({ 10, STORY_KEY, A, '1' }), .flow = MENU, .look_s = 24,
	  .talk = ON(A) | ON(B), .status = 200 },
	{ "flow-menu-and-wrong-keys", CALLS({ 10, STORY_KEY, A, '7' }, { 16, STORY_KEY, A, '2' }),
	  .flow = MENU, .look_s = 40, .status = 200, .pairs = 1 },
	{ "flow-menu-and-busy", CALLS({ 10, STORY_KEY, A, '1' }), .manner = { [B] = REFUSES(486) },
	  .flow = MENU, .look_s = 40, .status = 200 },
	{ "flow-menu-and-gives-up", CALLS({ 10, STORY_HANG_UP, A }), .flow = MENU, .look_s = 30,
	  .status = 200, .pairs = 1 },
	{ "flow-dials-first", CALLS({ 25, STORY_HANG_UP, A }), .flow = GROUP("in_turn"),
	  .look_s = 15, .talk = ON(A) | ON(B), .status = 200, .pairs = 1 },
	{ "flow-dials-together", CALLS({ 30, STORY_HANG_UP, A }), .manner = { [B] = RINGS },
	  .flow = GROUP("together"), .look_s = 15, .talk = ON(A) | ON(C), .status = 200,
	  .pairs = 1 },
	/* the store's answer about each may be late: the first one rings, too */
	{ "flow-dials-together-first", CALLS({ 30, STORY_HANG_UP, A }), .manner = { [C] = RINGS },
	  .flow = GROUP("together"), .look_s = 15, .talk = ON(A) | ON(B), .status = 200,
	  .pairs = 1 },
	{ "flow-dials-in-turn", CALLS({ 40, STORY_HANG_UP, A }), .manner = { [B] = RINGS },
	  .flow = GROUP("in_turn"), .look_s = 30, .talk = ON(A) | ON(C), .status = 200,
	  .pairs = 1 },
	{ "flow-dials-nobody", CALLS({ 40, STORY_OPTIONS, A }),
	  .manner = { [B] = RINGS, [C] = REFUSES(486) }, .flow = GROUP("in_turn"), .look_s = 50,
	  .status = 486, .pairs = 1 },
	{ "flow-cancelled-while-it-rings", CALLS({ 8, STORY_HANG_UP, A }),
	  .manner = { [B] = RINGS }, .flow = GROUP("in_turn"), .look_s = 40, .pairs = 1 },
	{ "flow-dials-by-name",
	  CALLS({ 8, STORY_KEY, A, '2' }, { 14, STORY_KEY, A, '3' }, { 22, STORY_KEY, A, '1' }),
	  .flow = BY_NAME, .look_s = 40, .talk = ON(A) | ON(B), .status = 200 },
	{ "flow-dials-by-name-in-vain",
	  CALLS({ 8, STORY_KEY, A, '2' }, { 14, STORY_KEY, A, '3' }, { 70, STORY_OPTIONS, A }),
	  .flow = BY_NAME, .look_s = 65, .status = 200, .pairs = 1 },
	{ "flow-says-values", CALLS({ 12, STORY_KEY, A, '4' }, { 40, STORY_OPTIONS, A }),
	  .flow = FLOW("ask", "\"ask\":{\"gather\":{\"say\":\"14:05\",\"say_as\":\"time\","
			      "\"max\":1,\"first_s\":20},\"timeout\":\"end\",\"next\":\"say\"},"
			      "\"say\":{\"say\":{\"text\":\"{digits}\",\"as\":\"number\"},"
			      "\"next\":\"text\"},\"text\":{\"say\":\"Good bye {caller}\","
			      "\"next\":\"end\"},\"end\":{\"hangup\":{}}"),
	  .look_s = 40, .status = 200, .pairs = 1 },
	{ "flow-dials-together-up", CALLS({ 30, STORY_HANG_UP, A }), .manner = { [B] = RINGS },
	  .flow = UP_GROUP, .look_s = 15, .talk = ON(A) | ON(C), .status = 200, .pairs = 2 },
	{ "flow-dials-nobody-up", CALLS({ 40, STORY_HANG_UP, A }),
	  .manner = { [B] = RINGS, [C] = REFUSES(486) }, .flow = UP_GROUP, .look_s = 30,
	  .talk = ON(A), .status = 200, .pairs = 3 },
	{ "flow-dials-at-random", CALLS({ 40, STORY_HANG_UP, A }),
	  .manner = { [B] = RINGS, [C] = RINGS }, .flow = GROUP("random"), .look_s = 35,
	  .status = 486, .pairs = 1 },
	{ "flow-queue-answered", CALLS({ 30, STORY_HANG_UP, A }), .flow = g_agents_flow,
	  .look_s = 20, .talk = ON(A) | ON(B), .status = 200, .pairs = 2 },
	{ "flow-queue-next-agent", CALLS({ 50, STORY_HANG_UP, A }), .manner = { [B] = RINGS },
	  .flow = g_agents_flow, .look_s = 40, .talk = ON(A) | ON(C), .status = 200, .pairs = 4 },
	{ "flow-queue-given-up", CALLS({ 10, STORY_HANG_UP, A }), .manner = { [B] = RINGS },
	  .flow = g_agents_flow, .look_s = 20, .status = 200, .pairs = 2 },
	/* C is not there: he would answer who waits while a dead node still reserves B. */
	{ "callback-answered", .steps = { { 3, STORY_CALLBACK, EXT_A }, { 40, STORY_HANG_UP, A } },
	  .absent = ON(B2) | ON(C), CALLS_BACK, .look_s = 30, .talk = ON(A) | ON(B),
	  .status = 200 },
	{ "callback-refused-and-again",
	  .steps = { { 3, STORY_CALLBACK, EXT_A }, { 60, STORY_OPTIONS, A } }, .absent = ON(B2),
	  .manner = { [A] = REFUSES(486) }, CALLS_BACK, .look_s = 70 },
	{ "callback-when-an-agent-is-free",
	  .steps = { { 3, STORY_DIAL, B, EXT_C },
		     { 8, STORY_CALLBACK, EXT_A },
		     { 20, STORY_HANG_UP, B },
		     { 60, STORY_HANG_UP, A } },
	  .absent = ON(B2), CALLS_BACK, .look_s = 45, .talk = ON(A) | ON(B), .loose = true },
	{ "callback-one-after-the-other",
	  .steps = { { 3, STORY_CALLBACK, EXT_A },
		     { 4, STORY_CALLBACK, EXT_D },
		     { 20, STORY_HANG_UP, A } },
	  .absent = ON(B2), CALLS_BACK, .look_s = 40, .talk = ON(C) | ON(D), .loose = true },
	{ "callback-over-nodes",
	  .steps = { { 3, STORY_CALLBACK, EXT_A }, { 70, STORY_HANG_UP, A } }, .absent = ON(B2),
	  CALLS_BACK, .elsewhere = ON(A), .look_s = 60, .talk = ON(A) | ON(B), .loose = true },
	{ "flow-goes-on-after-a-dial", CALLS({ 15, STORY_HANG_UP, B }, { 40, STORY_HANG_UP, A }),
	  .flow = THEN("desk", ""), .look_s = 25, .talk = ON(A), .status = 200, .pairs = 2 },
	{ "flow-goes-on-after-a-dial-up", CALLS({ 15, STORY_HANG_UP, B }, { 40, STORY_HANG_UP, A }),
	  .flow = THEN("up", UP), .look_s = 25, .talk = ON(A), .status = 200, .pairs = 3 },
	{ "flow-is-over-after-a-transfer",
	  CALLS({ 12, STORY_REFER, B, EXT_C }, { 25, STORY_HANG_UP, C }), .flow = THEN("desk", ""),
	  .look_s = 20, .talk = ON(A) | ON(C), .status = 200, .pairs = 2 },
	{ "flow-pause-and-reject", CALLS({ 20, STORY_OPTIONS, A }),
	  .flow = FLOW("wait", "\"wait\":{\"pause\":3,\"next\":\"no\"},\"no\":{\"reject\":{}}"),
	  .look_s = 20, .status = 603, .pairs = 1 },
	{ "flow-asks-a-web-server", CALLS({ 25, STORY_HANG_UP, A }),
	  .flow = FLOW("ask",
		       "\"ask\":{\"http\":{\"url\":\"https://a.test/\",\"take\":[\"to\"]},"
		       "\"next\":\"where\",\"failed\":\"no\"},"
		       "\"where\":{\"match\":\"{to}\",\"on\":{\"desk\":\"desk\"},\"else\":\"no\"},"
		       "\"desk\":{\"dial\":\"1002\",\"busy\":\"no\",\"no_answer\":\"no\","
		       "\"next\":\"no\"},\"no\":{\"reject\":{}}"),
	  .look_s = 15, .talk = ON(A) | ON(B), .status = 200, .pairs = 1 },
	{ "flow-digits-and-pause", CALLS({ 20, STORY_HANG_UP, A }),
	  .flow = FLOW("up", "\"up\":{\"answer\":{},\"next\":\"send\"},"
			     "\"send\":{\"dtmf\":\"12\",\"next\":\"wait\"},"
			     "\"wait\":{\"pause\":60,\"next\":\"end\"},\"end\":{\"hangup\":{}}"),
	  .look_s = 15, .talk = ON(A), .status = 200, .pairs = 1 },
	{ "flow-parks", CALLS({ 60, STORY_HANG_UP, A }), .flow = PARKS, .look_s = 15, .talk = ON(A),
	  .waits = 1, .status = 200 },
	{ "flow-parks-in-vain", CALLS({ 60, STORY_OPTIONS, C }), .flow = PARKS, .look_s = 50,
	  .talk = ON(A) | ON(B), .status = 200 },
	{ "flow-parks-and-is-retrieved", CALLS({ 12, STORY_CODE, C, CODE_SLOT }), .flow = PARKS,
	  .look_s = 40, .talk = ON(A) | ON(C), .status = 200 },
	{ "flow-parks-and-is-retrieved-late", CALLS({ 23, STORY_CODE, C, CODE_SLOT }),
	  .flow = PARKS },
	{ "flow-confers", CALLS({ 6, STORY_CODE, B, CODE_ROOM }, { 20, STORY_HANG_UP, B }),
	  .flow = CONFERS, .room = true, .look_s = 14, .talk = ON(A) | ON(B) },
	{ "flow-confers-over-shards",
	  CALLS({ 6, STORY_CODE, B, CODE_ROOM }, { 7, STORY_CODE, C, CODE_ROOM }), .shards = 3,
	  .flow = CONFERS, .room = true, .look_s = 24, .talk = ON(A) | ON(B) | ON(C) },
	{ "flow-confers-in-a-room-that-is-there",
	  .steps = { { 3, STORY_CODE, B, CODE_ROOM },
		     { 6, STORY_CODE, A, CODE_FLOW },
		     { 26, STORY_HANG_UP, A } },
	  .shards = 3, .flow = CONFERS, .room = true, .absent = ON(B2), .look_s = 22,
	  .talk = ON(A) | ON(B) },
	{ "flow-confers-among-so-many",
	  .steps = { { 3, STORY_CODE, B, CODE_ROOM },
		     { 4, STORY_CODE, C, CODE_ROOM },
		     { 7, STORY_CODE, A, CODE_FLOW } },
	  .shards = 3, .flow = CONFERS_MOST("3"), .room = true, .absent = ON(B2), .look_s = 24,
	  .talk = ON(A) | ON(B) | ON(C), .loose = true },
	{ "flow-confers-among-too-many",
	  .steps = { { 3, STORY_CODE, B, CODE_ROOM },
		     { 4, STORY_CODE, C, CODE_ROOM },
		     { 7, STORY_CODE, A, CODE_FLOW } },
	  .shards = 3, .flow = CONFERS_MOST("2"), .room = true, .absent = ON(B2), .look_s = 24,
	  .talk = ON(B) | ON(C), .loose = true },
	{ "flow-picks-up-a-slot", .steps = { B_PARKS_A, { 20, STORY_CODE, C, CODE_FLOW } },
	  .absent = ON(B2), .flow = PICKS_UP("71"), .look_s = 36, .talk = ON(A) | ON(C) },
	{ "flow-picks-up-a-slot-and-goes-on",
	  .steps = { B_PARKS_A, { 20, STORY_CODE, C, CODE_FLOW }, { 36, STORY_HANG_UP, A } },
	  .absent = ON(B2), .flow = PICKS_UP("71"), .look_s = 50, .talk = ON(C) },
	{ "flow-picks-up-a-slot-over-shards",
	  .steps = { B_PARKS_A, { 20, STORY_CODE, C, CODE_FLOW } }, .shards = 2, .absent = ON(B2),
	  .flow = PICKS_UP("71"), .look_s = 36, .talk = ON(A) | ON(C) },
	{ "flow-picks-up-a-call-that-rings",
	  .steps = { { 3, STORY_DIAL, A, EXT_B }, { 10, STORY_CODE, C, CODE_FLOW } },
	  .manner = { [B] = RINGS }, .absent = ON(B2), .flow = PICKS_UP("1002"), .look_s = 30,
	  .talk = ON(A) | ON(C) },
	{ "flow-picks-up-a-call-that-rings-over-shards",
	  .steps = { { 3, STORY_DIAL, A, EXT_B }, { 10, STORY_CODE, C, CODE_FLOW } }, .shards = 2,
	  .manner = { [B] = RINGS }, .absent = ON(B2), .flow = PICKS_UP("1002"), .look_s = 30,
	  .talk = ON(A) | ON(C) },
	{ "flow-picks-up-nobody", .steps = { { 10, STORY_CODE, C, CODE_FLOW } },
	  .flow = PICKS_UP("1002"), .look_s = 30 },
	{ "flow-refers", CALLS({ 20, STORY_OPTIONS, A }), .flow = REFERS, .referred = 200,
	  .look_s = 30, .status = 200, .pairs = 1 },
	{ "flow-refers-in-vain", CALLS({ 30, STORY_OPTIONS, A }), .flow = REFERS, .referred = 486,
	  .look_s = 30, .talk = ON(A), .status = 200, .pairs = 1 },
	{ "flow-refers-a-phone-that-cannot", CALLS({ 30, STORY_OPTIONS, A }), .flow = REFERS,
	  .look_s = 30, .talk = ON(A), .status = 200, .pairs = 1 },
	{ "flow-streams", CALLS({ 50, STORY_OPTIONS, A }),
	  .flow = FLOW("bot", "\"bot\":{\"stream\":\"bot\",\"next\":\"wait\",\"failed\":\"wait\"},"
			      "\"wait\":{\"pause\":60,\"next\":\"end\"},\"end\":{\"hangup\":{}}"),
	  .look_s = 30, .talk = ON(A), .status = 200 },
	{ "flow-is-heard", CALLS({ 30, STORY_HANG_UP, A }),
	  .flow = FLOW("ear", "\"ear\":{\"stream\":{\"endpoint\":\"bot\",\"hear\":\"both\"},"
			      "\"next\":\"desk\",\"failed\":\"desk\"},\"desk\":{\"dial\":\"1002\","
			      "\"busy\":\"end\",\"no_answer\":\"end\"},\"end\":{\"hangup\":{}}"),
	  .look_s = 20, .talk = ON(A) | ON(B), .status = 200 },
	{ "flow-decides", CALLS({ 10, STORY_KEY, A, '1' }, { 16, STORY_KEY, A, '2' }),
	  .flow = DECIDES, .look_s = 30, .talk = ON(A) | ON(B), .status = 200 },
	{ "flow-records", CALLS({ 16, STORY_KEY, A, '#' }, { 20, STORY_KEY, A, '#' }),
	  .flow = RECORDS, .look_s = 30, .recordings = 1u << 1, .talk = ON(A) | ON(B),
	  .status = 200 },
	{ "flow-records-and-gone", CALLS({ 16, STORY_HANG_UP, A }), .flow = RECORDS, .look_s = 30,
	  .recordings = 1u << 1, .status = 200, .pairs = 1 },
	{ "flow-deposits", CALLS({ 16, STORY_KEY, A, '#' }, { 20, STORY_KEY, A, '#' }),
	  .flow = DEPOSITS, .look_s = 30, .messages = 1, .recordings = 1u << 1,
	  .talk = ON(A) | ON(B), .status = 200 },
	{ "flow-deposits-and-gone", CALLS({ 16, STORY_HANG_UP, A }), .flow = DEPOSITS, .look_s = 30,
	  .messages = 1, .recordings = 1u << 1, .status = 200, .pairs = 1 },
	{ "flow-notifies", CALLS({ 20, STORY_OPTIONS, A }),
	  .flow = FLOW("n", "\"n\":{\"notify\":{\"event\":\"shop.open\",\"data\":{\"who\":"
			    "\"{caller}\"}},\"next\":\"no\"},\"no\":{\"reject\":{}}"),
	  .look_s = 20, .status = 603, .pairs = 1 },
	{ "flow-dials-rotating", CALLS({ 30, STORY_HANG_UP, A }), .manner = { [B] = RINGS },
	  .flow = GROUP("rotating"), .look_s = 25, .talk = ON(A) | ON(C), .status = 200,
	  .pairs = 1 },
	{ "flow-dials-longest-idle",
	  CALLS({ 15, STORY_HANG_UP, A }, { 20, STORY_CODE, A, CODE_FLOW },
		{ 60, STORY_HANG_UP, A }),
	  .flow = GROUP("longest_idle"), .look_s = 30, .talk = ON(A) | ON(C), .status = 200 },
	{ "flow-limits-a-dial", CALLS({ 60, STORY_HANG_UP, A }),
	  .flow = FLOW(
		  "desk",
		  "\"desk\":{\"dial\":{\"to\":\"1002\",\"limit_s\":10,\"skip_busy\":true},"
		  "\"busy\":\"end\",\"next\":\"wait\"},\"wait\":{\"pause\":60,\"next\":\"end\"},"
		  "\"end\":{\"hangup\":{}}"),
	  .look_s = 30, .talk = ON(A), .status = 200, .pairs = 2 },
	{ "flow-asks-for-an-account-code",
	  .steps = { { 3, STORY_DIAL, A, OUTSIDE },
		     { 10, STORY_KEY, A, '4' },
		     { 40, STORY_HANG_UP, A } },
	  OUTSIDE_CALLS, .look_s = 30, .talk = ON(A) | ON(C), .status = 200 },
	{ "flow-asks-for-an-account-code-in-vain",
	  .steps = { { 3, STORY_DIAL, A, OUTSIDE }, { 60, STORY_OPTIONS, A } }, OUTSIDE_CALLS,
	  .look_s = 90, .status = 200, .pairs = 1 },
};
const uint32_t story_flow_count = COUNT_OF(story_flows);
