/* SPDX-License-Identifier: Apache-2.0 */
/* Events of a stream for webhooks: filters, their order, and the body that is posted. Values. */
#ifndef APP_HELPER_HOOK_EVENT_H
#define APP_HELPER_HOOK_EVENT_H

#include <jansson.h>

#include "base/bytes.h"

enum { HOOK_PAUSE_MAX_MS = 3600000 };

/* Types of events joined by ',', in which '*' is any text; empty: all. NULL, or what is wrong. */
const char *hook_patterns_wrong(struct bytes patterns);
/* Whether a webhook with these patterns and numbers (joined by ','; empty: any) wants the event.
 * *order: events with an equal one are of one call, conference, subscription or number: they are
 * posted one after the other. */
bool hook_event_wanted(const json_t *event, struct bytes patterns, struct bytes numbers,
		       uint64_t *order);
/* The body (Standard Webhooks), malloc'ed. id: of its entry, which begins with a time in ms.
 * NULL: no memory. */
char *hook_event_body(const json_t *event, const char *id, const char *tenant);
/* When the entry was written, in ms since 1970; 0: it is no such id. */
uint64_t hook_id_ms(struct bytes id);
/* Pause after so many failed tries. chance: less by up to a quarter, to spread them. */
uint64_t hook_pause_ms(uint32_t tries, uint32_t chance);

#endif
