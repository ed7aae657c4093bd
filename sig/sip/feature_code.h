/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feature codes: what a phone dials to change what its own extension does (CALL-15 to CALL-21). Each sets one argument of the command
 * extension.put, so another code is another line here; one is a place to park calls (PARK-06), and one takes calls of
 * others (MON-03). The codes themselves are settings.
 */
#ifndef SIG_SIP_FEATURE_CODE_H
#define SIG_SIP_FEATURE_CODE_H

#include "base/bytes.h"

enum { FEATURE_CODE_LEN = 16, FEATURE_VALUE_MAX = 32, FEATURE_SLOT_MIN = 2, FEATURE_SLOT_MAX = 8 };

/* What a field is set to: the number behind the code, nothing, true, false. SLOT: none is, the digits behind it are a slot (sig/feature/park.h).
 * MAYBE: none is, and there may be an extension behind it (sig/feature/pick.h). */
enum feature_value {
	FEATURE_NUMBER,
	FEATURE_NOTHING,
	FEATURE_TRUE,
	FEATURE_FALSE,
	FEATURE_SLOT,
	FEATURE_MAYBE
};

/* What kind of thing that is. */
enum feature_right { FEATURE_FREE, FEATURE_FORWARDING, FEATURE_DO_NOT_DISTURB };

/* id, key of the setting (it stands in records: never another meaning), code without a setting, argument of extension.put, what it
 * becomes, help of the setting */
#define FEATURE_CODES(X)                                                                      \
	X(ALWAYS_ON, "forward_always", "*72", "forward_always", NUMBER,                       \
	  "All calls go to the number behind the code.")                                      \
	X(ALWAYS_OFF, "forward_always_off", "*73", "forward_always", NOTHING,                 \
	  "They do no longer.")                                                               \
	X(BUSY_ON, "forward_busy", "*90", "forward_busy", NUMBER,                             \
	  "Calls go to the number behind the code when the phone is busy, or with do not "    \
	  "disturb.")                                                                         \
	X(BUSY_OFF, "forward_busy_off", "*91", "forward_busy", NOTHING, "They do no longer.") \
	X(NO_ANSWER_ON, "forward_no_answer", "*92", "forward_no_answer", NUMBER,              \
	  "Calls go to the number behind the code when nobody answers (forward_rings).")      \
	X(NO_ANSWER_OFF, "forward_no_answer_off", "*93", "forward_no_answer", NOTHING,        \
	  "They do no longer.")                                                               \
	X(UNREACHABLE_ON, "forward_unreachable", "*94", "forward_unreachable", NUMBER,        \
	  "Calls go to the number behind the code when no phone is registered.")              \
	X(UNREACHABLE_OFF, "forward_unreachable_off", "*95", "forward_unreachable", NOTHING,  \
	  "They do no longer.")                                                               \
	X(DISTURB_OFF, "do_not_disturb", "*78", "do_not_disturb", TRUE,                       \
	  "No phone of the extension rings any more: calls meet a busy one.")                 \
	X(DISTURB_ON, "do_not_disturb_off", "*79", "do_not_disturb", FALSE,                   \
	  "Its phones ring again.")                                                           \
	X(SMART_ON, "smart_do_not_disturb", "*76", "smart_do_not_disturb", TRUE,              \
	  "While the extension has a call no other one rings: that one meets a busy one.")    \
	X(SMART_OFF, "smart_do_not_disturb_off", "*77", "smart_do_not_disturb", FALSE,        \
	  "Any call rings again.")                                                            \
	X(PARK, "park", "#41", "", SLOT,                                                      \
	  "With two digits or more behind it, a slot: who is transferred there waits, and "   \
	  "who calls it speaks with who waits there.")                                        \
	X(PICKUP, "pickup", "**", "", MAYBE,                                                  \
	  "Takes the call that rings at the extension behind the code; with nothing behind "  \
	  "it the one that rings longest in the extension's pick-up groups.")

enum feature {
#define X(id, key, code, field, value, help) FEATURE_##id,
	FEATURE_CODES(X)
#undef X
		FEATURES
};

/* "": there is none. */
struct feature_codes {
	char code[FEATURES][FEATURE_CODE_LEN];
};

const char *feature_key(enum feature feature);
const char *feature_field(enum feature feature);
enum feature_value feature_value(enum feature feature);
/* Of which an extension may have one without the other (SEC-06). */
enum feature_right feature_right(enum feature feature);
/* FEATURES: none has that key. */
enum feature feature_by_key(struct bytes key);

/* What is dialled, and the number behind the code: as long as it need be, and empty where none is to follow. False: no code. */
bool feature_dialled(const struct feature_codes *codes, struct bytes dialled, enum feature *feature,
		     struct bytes *number);
/* A code that takes the number of the other one: no phone could dial that. */
bool feature_code_hides(const struct feature_codes *codes, enum feature feature,
			struct bytes other);

#endif
