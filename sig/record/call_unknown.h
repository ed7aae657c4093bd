/* SPDX-License-Identifier: Apache-2.0 */
/* What a record of a call has that this program does not know: kept with the call (sig/record/unknown.h). */
#ifndef SIG_RECORD_CALL_UNKNOWN_H
#define SIG_RECORD_CALL_UNKNOWN_H

#include "sig/call.pb-c.h"
#include "sig/record/unknown.h"

enum call_unknown_root {
	CALL_UNKNOWN_WHOLE,
	CALL_UNKNOWN_OUTER, /* around what is sealed */
};

/* Legs by their index, flows by leg and line. */
unknown_name_fn call_unknown_name;

#endif
