/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of a party that may become an in-call feature code (sig/sip/call_code.h): the other party gets them when they are none. Each time
 * they are the beginning of a code that is configured, so they are no secret, and stand in the call's record.
 */
#ifndef SIG_MODEL_LEG_KEYS_H
#define SIG_MODEL_LEG_KEYS_H

#include <stdint.h>

#include "sig/sip/call_code.h"

struct leg_keys {
	char list[CALL_CODE_LEN - 1];
	uint16_t duration_ms[CALL_CODE_LEN - 1];
	uint8_t count;     /* of a leg that has these: 1 at least */
	uint8_t peer;      /* leg that they are for, should they be none of a code */
	uint64_t until_ns; /* so long the next one is waited for */
};

#endif
