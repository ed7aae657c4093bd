/* SPDX-License-Identifier: Apache-2.0 */
/* Which lines of a flood get out: of the same unit and message so many a second. A warning or an error that is of no call says the same each
 * time: the first ones tell what is wrong and what to do, the next ones that it is still so. Any thread. */
#ifndef BASE_LOG_FLOOD_H
#define BASE_LOG_FLOOD_H

#include "base/bytes.h"

enum { LOG_FLOOD_PER_S = 100, LOG_FLOOD_TROUBLE = 20, LOG_FLOOD_TROUBLE_S = 10 };

/* trouble: a warning or an error of no call. True: write the line; *suppressed is how many of its kind were held back before it. */
bool log_flood_pass(const char *unit, const char *msg, bool trouble, uint64_t now_ns,
		    uint32_t *suppressed);

#endif
