/* SPDX-License-Identifier: Apache-2.0 */
/* The table of reasons for which the node refuses requests and commands: name, SIP status, class of
 * a command's error and words of each row of refusal.def. Functions return enum refusal, and the
 * texts reach phones (Warning), logs, metrics and commands from here. Rows are numbered by the
 * enum; a new reason is one row. */

#include "sig/host/refusal.h"

#include <stddef.h>

const struct refusal_row refusals[REFUSALS] = {
	[REFUSED_NOT] = { "", 0, 0, false, NULL, "", "" },
#define ROW(id, name, status, class, argument, words, next, reason) \
	[REFUSED_##id] = { name, status, REFUSAL_##class, reason, argument, words, next },
#define REFUSAL(...)             ROW(__VA_ARGS__, false)
#define REFUSAL_WITH_REASON(...) ROW(__VA_ARGS__, true)
#include "sig/host/refusal.def"
#undef REFUSAL
};
