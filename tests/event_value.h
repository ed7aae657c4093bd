/* SPDX-License-Identifier: Apache-2.0 */
/* The value of a field of an event. */
#ifndef TESTS_EVENT_VALUE_H
#define TESTS_EVENT_VALUE_H

#include "sig/host/event.h"

/* "": it has none. The text is the event's. */
static inline const char *event_str(const struct sig_event *event, enum event_field field)
{
	struct bytes values[EV_FIELDS];

	event_values_find(event, values);
	return values[field].p ? (const char *)values[field].p : "";
}

/* 0: it has none. */
static inline uint64_t event_number(const struct sig_event *event, enum event_field field)
{
	struct bytes values[EV_FIELDS];
	uint64_t number = 0;

	event_values_find(event, values);
	if (values[field].p)
		memcpy(&number, values[field].p, sizeof(number));
	return number;
}

#endif
