/* SPDX-License-Identifier: Apache-2.0 */
/* The result of sip.recent for people: messages as they were on the wire, each below a line that says when and where. */
#include <stdio.h>
#include <time.h>

#include "app/ctl/ctl.h"

static void when_print(const json_t *message)
{
	json_int_t utc_ms = json_integer_value(json_object_get(message, "utc_ms"));
	time_t seconds = (time_t)(utc_ms / 1000);
	char text[32] = "";
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		(void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)printf("---- %s.%03dZ", text, (int)(utc_ms % 1000));
}

static const char *recent_text_of(const json_t *message, const char *name)
{
	const char *text = json_string_value(json_object_get(message, name));

	return text ? text : "?";
}

void ctl_recent_print(const json_t *result)
{
	const json_t *message;
	size_t i;

	json_array_foreach(result, i, message)
	{
		bool sent = json_is_true(json_object_get(message, "sent"));

		when_print(message);
		(void)printf(" %s %s %s %s\n", recent_text_of(message, "transport"),
			     recent_text_of(message, "local"), sent ? "->" : "<-",
			     recent_text_of(message, "remote"));
		for (const char *p = recent_text_of(message, "message"); *p; p++) {
			if (*p != '\r')
				(void)putchar(*p);
		}
	}
	if (json_array_size(result) == 0)
		(void)puts("No message is kept that has to do with it (trace.recent_kib).");
}
