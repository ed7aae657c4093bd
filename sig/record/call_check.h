/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIG_RECORD_CALL_CHECK_H
#define SIG_RECORD_CALL_CHECK_H

#include "sig/record/call_record.h"

/* Whether the parts of a decoded call fit together. NULL, or what does not. */
const char *call_check(const struct call *c, const struct call_seed *seed);

#endif
