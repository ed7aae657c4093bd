/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In-call feature codes: what a party presses while it speaks with another one, and the node does, as to record the call (REC-02, REC-09).
 * Others than the feature codes that are dialled in place of a number (feature_code.h). The codes are settings, and there are none at first:
 * whose keys might be a code has them looked at before the other party gets them (sig/call/keys.h). Pure.
 */
#ifndef SIG_SIP_CALL_CODE_H
#define SIG_SIP_CALL_CODE_H

#include "base/bytes.h"

enum { CALL_CODE_LEN = 9 }; /* 2 to 8 keys, and a NUL */

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
	  "it has none any more; *: all is as it was. Of extensions with account_code alone.")

enum call_code {
#define X(id, key, help) CALL_CODE_##id,
	CALL_CODES(X)
#undef X
		CALL_CODE_COUNT
};

/* "": there is none. */
struct call_codes {
	char code[CALL_CODE_COUNT][CALL_CODE_LEN];
};

const char *call_code_key(enum call_code code);
bool call_codes_any(const struct call_codes *codes);
/* It begins with '*' or '#', so that other keys need not be looked at for long; keys of a phone follow. */
bool call_code_is_valid(const char *text);
/* One of the two is never understood: they begin alike, and are no pair that is pressed in turns. */
bool call_codes_clash(const struct call_codes *codes, enum call_code a, enum call_code b);

enum call_code_fit {
	CALL_CODE_NONE,   /* no code begins so */
	CALL_CODE_BEGINS, /* one does, and has more keys */
	CALL_CODE_WHOLE,  /* these are one */
};
/* whole: 1 << enum call_code of all that have these keys. */
enum call_code_fit call_code_fit(const struct call_codes *codes, struct bytes keys,
				 uint32_t *whole);

#endif
