/* SPDX-License-Identifier: Apache-2.0 */
/* Feature codes: dialled by a phone to change settings of its own extension (CALL-15 to CALL-21).
 * Each sets one argument of the command extension.put, so another code is another line here; one
 * parks calls in a slot (PARK-06), one picks up ringing calls (MON-03), and one returns the last
 * call (REG-20). The codes themselves are settings. */
#ifndef SIG_SIP_FEATURE_CODE_H
#define SIG_SIP_FEATURE_CODE_H

#include "base/bytes.h"

enum { FEATURE_CODE_LEN = 16, FEATURE_VALUE_MAX = 32, FEATURE_SLOT_MIN = 2, FEATURE_SLOT_MAX = 8 };

/* The value that the field is set to: the number behind the code, nothing, true, false. SLOT: no
 * field, the digits behind it are a slot (sig/pbx/park.h). MAYBE: no field of the extension, and
 * a number may follow (sig/pbx/pick.h). CALL: no field, the digits behind it end with '*', and the
 * number to be called follows (sig/pbx/account.c). */
enum feature_value {
	FEATURE_NUMBER,
	FEATURE_NOTHING,
	FEATURE_TRUE,
	FEATURE_FALSE,
	FEATURE_SLOT,
	FEATURE_MAYBE,
	FEATURE_CALL
};

/* What kind of thing that is. */
enum feature_right { FEATURE_FREE, FEATURE_FORWARDING, FEATURE_DO_NOT_DISTURB };

/* id, key of the setting (stored in records: never to be reused), default code, argument of
 * extension.put, its value, help of the setting */
#define FEATURE_CODES(X)                                                                         \
	X(ALWAYS_ON, "forward_always", "*72", "forward_always", NUMBER,                          \
	  "All calls go to the number behind the code.")                                         \
	X(ALWAYS_OFF, "forward_always_off", "*73", "forward_always", NOTHING,                    \
	  "Ends forward_always.")                                                                \
	X(BUSY_ON, "forward_busy", "*90", "forward_busy", NUMBER,                                \
	  "Calls go to the number behind the code when the phone is busy, or with do not "       \
	  "disturb.")                                                                            \
	X(BUSY_OFF, "forward_busy_off", "*91", "forward_busy", NOTHING, "Ends forward_busy.")    \
	X(NO_ANSWER_ON, "forward_no_answer", "*92", "forward_no_answer", NUMBER,                 \
	  "Calls go to the number behind the code when nobody answers (forward_rings).")         \
	X(NO_ANSWER_OFF, "forward_no_answer_off", "*93", "forward_no_answer", NOTHING,           \
	  "Ends forward_no_answer.")                                                             \
	X(UNREACHABLE_ON, "forward_unreachable", "*94", "forward_unreachable", NUMBER,           \
	  "Calls go to the number behind the code when no phone is registered.")                 \
	X(UNREACHABLE_OFF, "forward_unreachable_off", "*95", "forward_unreachable", NOTHING,     \
	  "Ends forward_unreachable.")                                                           \
	X(DISTURB_OFF, "do_not_disturb", "*78", "do_not_disturb", TRUE,                          \
	  "No phone of the extension rings any more: calls meet a busy one.")                    \
	X(DISTURB_ON, "do_not_disturb_off", "*79", "do_not_disturb", FALSE,                      \
	  "Its phones ring again.")                                                              \
	X(SMART_ON, "smart_do_not_disturb", "*76", "smart_do_not_disturb", TRUE,                 \
	  "While the extension has a call, other calls do not ring: they find it busy.")         \
	X(SMART_OFF, "smart_do_not_disturb_off", "*77", "smart_do_not_disturb", FALSE,           \
	  "Any call rings again.")                                                               \
	X(PARK, "park", "#41", "", SLOT,                                                         \
	  "With two digits or more behind it, a slot: a party transferred there waits, and "     \
	  "a caller speaks with the party that waits there.")                                    \
	X(PICKUP, "pickup", "**", "", MAYBE,                                                     \
	  "Takes the call that rings at the extension behind the code; with nothing behind "     \
	  "it the one that rings longest in the extension's pick-up groups.")                    \
	X(LAST_CALLER, "last_caller", "#69", "", NOTHING,                                        \
	  "Calls the last caller of the extension, by the number that was shown.")               \
	X(GROUP_IN, "group_login", "*45", "groups_out", MAYBE,                                   \
	  "Logs the extension in to the group with the number behind the code; with nothing "    \
	  "behind it to all.")                                                                   \
	X(GROUP_OUT, "group_logout", "*46", "groups_out", MAYBE,                                 \
	  "Logs the extension out of that group, or of all: they do not ring it.")               \
	X(HOURS_AUTO, "hours_auto", "*50", "hours", MAYBE,                                       \
	  "With the code of opening hours behind it: their times count again.")                  \
	X(HOURS_OPEN, "hours_open", "*51", "hours", MAYBE,                                       \
	  "As hours_auto: they are open, whatever their times are; once more: the times count "  \
	  "again. A BLF key of the code is lit meanwhile.")                                      \
	X(HOURS_CLOSED, "hours_closed", "*52", "hours", MAYBE, "As hours_open, but closed.")     \
	X(ACCOUNT, "account_code", "*47", "", CALL,                                              \
	  "Calls with an account code: its digits follow, then *, then the number.")             \
	X(LISTEN, "listen", "*53", "call", MAYBE,                                                \
	  "With an extension behind it: the phone is rung, and listens to its call, as "         \
	  "supervisor.put permits.")                                                             \
	X(COACH, "coach", "*54", "call", MAYBE, "As listen, and that extension alone hears it.") \
	X(BARGE, "barge", "*55", "call", MAYBE, "As listen, and both parties hear it.")          \
	X(TAKE_OVER, "take_over", "*56", "call", MAYBE,                                          \
	  "As listen, but it takes the place of that extension, which is hung up.")              \
	X(AGENT_IN, "agent_login", "*22", "agent", MAYBE,                                        \
	  "Logs the extension in as an agent of its queues, ready; with a number outside "       \
	  "behind it at that phone. With an extension behind it a BLF key shows that agent.")    \
	X(AGENT_OUT, "agent_logout", "*23", "agent", MAYBE, "Logs the agent out.")               \
	X(AGENT_READY, "agent_ready", "*24", "agent", MAYBE, "The agent takes calls again.")     \
	X(AGENT_NOT_READY, "agent_not_ready", "*25", "agent", MAYBE,                             \
	  "The agent takes no calls of queues; digits behind it are the reason.")                \
	X(AGENT_DISPOSITION, "agent_disposition", "*26", "agent", MAYBE,                         \
	  "What came of the agent's last call: the digits behind it are the place in the "       \
	  "queue's dispositions, from 1 on.")

enum feature_action {
#define X(id, key, code, field, value, help) FEATURE_##id,
	FEATURE_CODES(X)
#undef X
		FEATURES
};

/* "": no code. */
struct feature_codes {
	char code[FEATURES][FEATURE_CODE_LEN];
};

const char *feature_key(enum feature_action feature);
const char *feature_field(enum feature_action feature);
enum feature_value feature_value(enum feature_action feature);
/* Of which an extension may have one without the other (SEC-06). */
enum feature_right feature_right(enum feature_action feature);
/* FEATURES: none has that key. */
enum feature_action feature_by_key(struct bytes key);

/* The feature of the dialled digits, and the number behind the code: complete, or empty if none is
 * to follow. Returns false if no code matches. */
bool feature_dialled(const struct feature_codes *codes, struct bytes dialled,
		     enum feature_action *feature, struct bytes *number);
/* A code that takes the number of the other one: no phone could dial that. */
bool feature_code_hides(const struct feature_codes *codes, enum feature_action feature,
			struct bytes other);

/* In-call feature codes: dialled by a party in a bridge for an action of the node, such as
 * recording the call (REC-02, REC-09). Distinct from the feature codes dialled instead of a number.
 * The codes are settings without defaults: digits of a party that may use one are inspected before
 * its peer gets them (sig/call/call_digits.h). Pure. */

enum { CALL_CODE_LEN = 9 }; /* 2 to 8 digits, and a NUL */

/* id, key of the setting, help of the setting */
#define CALL_CODES(X)                                                                          \
	X(RECORD_ON, "record_on", "The call is recorded from now on.")                         \
	X(RECORD_OFF, "record_off",                                                            \
	  "The recording ends. It may be the code of record_on: that one begins and ends it "  \
	  "in turns.")                                                                         \
	X(RECORD_PAUSE, "record_pause", "Nothing is recorded until it goes on.")               \
	X(RECORD_RESUME, "record_resume",                                                      \
	  "The recording goes on. It may be the code of record_pause: that one pauses it and " \
	  "lets it go on in turns.")                                                           \
	X(ACCOUNT, "account",                                                                  \
	  "The account code of the call follows: up to 16 digits, and # at the end. # alone: " \
	  "it has none any more; *: all is as it was. Of extensions with account_code alone.") \
	X(PARK, "park",                                                                        \
	  "The other party is parked, in the slot of the digits that follow, with # at the "   \
	  "end. # alone: in the next free slot; *: all is as it was. Where codes.park is off " \
	  "nobody parks.")

enum call_code {
#define X(id, key, help) CALL_CODE_##id,
	CALL_CODES(X)
#undef X
		CALL_CODE_COUNT
};

/* "": no code. */
struct call_codes {
	char code[CALL_CODE_COUNT][CALL_CODE_LEN];
};

const char *call_code_key(enum call_code code);
bool call_codes_any(const struct call_codes *codes);
/* It begins with '*' or '#', so that other digits are passed on at once; digits of a phone
 * follow. */
bool call_code_is_valid(const char *text);
/* One of the two could never be recognized: one begins with the other, and they are not a pair used
 * in turns. */
bool call_codes_clash(const struct call_codes *codes, enum call_code a, enum call_code b);

enum call_code_fit {
	CALL_CODE_NONE,   /* no code begins so */
	CALL_CODE_BEGINS, /* one does, and has more digits */
	CALL_CODE_WHOLE,  /* these are one */
};
/* whole: 1 << enum call_code of all codes with these digits. */
enum call_code_fit call_code_fit(const struct call_codes *codes, struct bytes keys,
				 uint32_t *whole);

#endif
