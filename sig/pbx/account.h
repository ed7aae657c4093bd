/* SPDX-License-Identifier: Apache-2.0 */
/* Account codes that a call needs, or that its tenant takes (account.c). */
#ifndef SIG_PBX_ACCOUNT_H
#define SIG_PBX_ACCOUNT_H

#include "sig/model/call.h"

/* The number is outside, the extension (third argument) may not call it without an account code,
 * and the call has no code. */
bool account_lacks(const struct call_host *h, const struct call *c, struct bytes subject,
		   struct bytes number);

#endif
