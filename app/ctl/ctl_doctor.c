/* SPDX-License-Identifier: Apache-2.0 */
/* The answer of call.doctor for people. */
#include <stdio.h>

#include "app/ctl/ctl.h"

static const char *doctor_text_of(const json_t *finding, const char *name)
{
	const char *text = json_string_value(json_object_get(finding, name));

	return text ? text : "";
}

static void evidence_print(json_t *evidence)
{
	const char *name;
	json_t *value;

	(void)fputs("   evidence:", stdout);
	json_object_foreach(evidence, name, value)
	{
		if (json_is_string(value))
			(void)printf(" %s=%s", name, json_string_value(value));
		else
			(void)printf(" %s=%lld", name, json_integer_value(value));
	}
	(void)putchar('\n');
}

static void finding_print(size_t number, const json_t *f)
{
	(void)printf("%zu. %s\n   %s: %s", number, doctor_text_of(f, "sentence"),
		     doctor_text_of(f, "is"), doctor_text_of(f, "code"));
	if (json_is_string(json_object_get(f, "leg")))
		(void)printf(", leg %s, line %lld", doctor_text_of(f, "leg"),
			     json_integer_value(json_object_get(f, "line")));
	(void)putchar('\n');
	evidence_print(json_object_get(f, "evidence"));
	(void)printf("   next: %s\n", doctor_text_of(f, "next"));
}

void ctl_doctor_print(const json_t *result)
{
	const json_t *findings = json_object_get(result, "findings");
	const json_t *ended = json_object_get(result, "ended");
	size_t count = json_array_size(findings);

	if (ended)
		(void)printf("The call is over: %s (SIP status %lld), after %.1f s of talk.\n",
			     doctor_text_of(ended, "cause"),
			     json_integer_value(json_object_get(ended, "sip_status")),
			     (double)json_integer_value(json_object_get(ended, "talk_ms")) / 1000);

	if (count == 0 && ended)
		(void)puts("Its counters show nothing wrong.");
	else if (count == 0)
		(void)puts("Nothing is wrong that counters could show: media flows both ways as "
			   "agreed.");
	for (size_t i = 0; i < count; i++)
		finding_print(i + 1, json_array_get(findings, i));
}
