/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The account code of a call: what its cost is for, as an application or one of its parties says (CALL-34). It goes where the call goes, and
 * with a party into another call (call_data.h). No secret: CDRs, events and recordings have it. Pure.
 */
#ifndef SIG_MODEL_ACCOUNT_H
#define SIG_MODEL_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

enum {
	ACCOUNT_CODE_MAX = 32,
	ACCOUNT_KEYS_MAX = 16, /* of one that is pressed */
};

/* One that a party presses by now (sig/call/account.h), behind the in-call code that says so. */
struct account_keys {
	char list[ACCOUNT_KEYS_MAX];
	uint8_t count;
	uint64_t until_ns; /* so long the next one is waited for */
};

/* Up to ACCOUNT_CODE_MAX letters, digits, '.', '_' and '-'; empty: there is none. */
bool account_code_is_good(struct bytes code);
/* It may be pressed, as far as that goes. */
bool account_keys_are_good(struct bytes keys);

#endif
