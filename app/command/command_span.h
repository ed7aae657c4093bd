/* SPDX-License-Identifier: Apache-2.0 */
/* What a list is narrowed by: a number, and from when until when. */
#ifndef APP_COMMAND_COMMAND_SPAN_H
#define APP_COMMAND_COMMAND_SPAN_H

#include "app/command/command.h"

struct command_span {
	struct bytes number; /* empty: any */
	uint64_t since_utc_ms, until_utc_ms;
};

/*
 * A day (2026-11-25: its beginning), a time of it (2026-11-25T20:30, 2026-11-25T20:30:05, with Z behind or without; UTC), or how long ago
 * that is (90s, 30m, 12h, 7d). last: of a day, a minute or a second its end is meant. 0 or -EINVAL.
 */
int command_time_read(struct bytes text, uint64_t now_utc_ms, bool last, uint64_t *utc_ms);
/* The arguments since and until of the run, and number, where it has that one. False: it has failed. */
bool command_span_take(struct command_run *run, struct command_span *out);
bool command_span_has(const struct command_span *s, uint64_t utc_ms);
/* One of the two is that number, or there is none to be. */
bool command_span_is_of(const struct command_span *s, const char *from, const char *to);

/* Inserts an entry (its reference is stolen) into a list sorted newest first by that time; the oldest beyond most is dropped. */
void command_newest_put(json_t *list, json_t *entry, const char *time, size_t most);

#endif
