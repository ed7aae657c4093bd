/* SPDX-License-Identifier: Apache-2.0 */
/* Which lines of a flood get out: of the same unit and message so many a second. Any thread. */
#ifndef BASE_LOG_FLOOD_H
#define BASE_LOG_FLOOD_H

#include "base/bytes.h"

enum { LOG_FLOOD_PER_S = 100 };

/* True: write the line; *suppressed is how many of its kind were held back before it. */
bool log_flood_pass(const char *unit, const char *msg, uint64_t now_ns, uint32_t *suppressed);

#endif
