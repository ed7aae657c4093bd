/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pure rules of webhooks: patterns of event types, the order of events of one call, the body by
 * Standard Webhooks, and pauses between tries. hooks.c uses them to deliver, webhook_field.c to
 * check a document, and `tandemctl listen` to post the same bodies without a node.
 */

#include "app/helper/hook_event.h"

#include <stdlib.h>
#include <time.h>

#include "base/glob.h"

enum { STAMP_MAX = 32, SHIFTS_MAX = 12, FIRST_PAUSE_MS = 1000 };

/* ---- which ---- */

static bool pattern_char(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || c == '_' || c == '.' || c == '*';
}

const char *hook_patterns_wrong(struct bytes patterns)
{
	struct bytes one;

	if (patterns.n && patterns.p[patterns.n - 1] == ',')
		return "there is no type after a ','";
	while (bytes_cut(&patterns, ',', &one)) {
		bool fits = one.n != 0;

		for (size_t i = 0; i < one.n; i++)
			fits = fits && pattern_char(one.p[i]);
		if (!fits)
			return "a type of events has small letters, '_' and '.', and '*' for any "
			       "text, as call.*";
	}
	return NULL;
}

static struct bytes event_text(const json_t *event, const char *name)
{
	const json_t *value = json_object_get(event, name);

	return bytes_mem(json_string_value(value), json_string_length(value));
}

static bool event_has_number(const json_t *event, struct bytes numbers)
{
	static const char *const names[] = { "from", "to", "number" };
	bool has = !numbers.n;

	for (size_t i = 0; i < COUNT_OF(names) && !has; i++)
		has = bytes_list_has(numbers, event_text(event, names[i]));
	return has;
}

/* FNV-1a: a tenant that makes two equal ones delays only its own events. */
static uint64_t event_order(const json_t *event)
{
	static const char *const names[] = { "call", "conference", "subscription", "to" };
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	struct bytes key = { 0 };

	for (size_t i = 0; i < COUNT_OF(names) && !key.n; i++)
		key = event_text(event, names[i]);
	for (size_t i = 0; i < key.n; i++)
		hash = (hash ^ key.p[i]) * UINT64_C(0x100000001b3);
	return hash;
}

bool hook_event_wanted(const json_t *event, struct bytes patterns, struct bytes numbers,
		       uint64_t *order)
{
	struct bytes type = event_text(event, "type");

	if (!type.n || (patterns.n && !glob_list_takes(patterns, type)) ||
	    !event_has_number(event, numbers))
		return false;
	*order = event_order(event);
	return true;
}

/* ---- what ---- */

uint64_t hook_id_ms(struct bytes id)
{
	uint64_t ms;

	return bytes_u64(bytes_sub(id, 0, bytes_find(id, '-')), &ms) ? 0 : ms;
}

static void stamp_write(char out[STAMP_MAX], uint64_t ms)
{
	time_t s = (time_t)(ms / 1000);
	struct tm tm;

	if (!gmtime_r(&s, &tm) || tm.tm_year > 8099)
		tm = (struct tm){ .tm_year = 70, .tm_mday = 1 };
	(void)snprintf(out, STAMP_MAX, "%04d-%02d-%02dT%02d:%02d:%02d.%03uZ", 1900 + tm.tm_year,
		       tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
		       (unsigned)(ms % 1000));
}

char *hook_event_body(const json_t *event, const char *id, const char *tenant)
{
	char stamp[STAMP_MAX], *text;
	json_t *body;

	stamp_write(stamp, hook_id_ms(bytes_str(id)));
	body = json_pack("{s:O, s:s, s:s, s:s, s:O}", "type", json_object_get(event, "type"),
			 "timestamp", stamp, "id", id, "tenant", tenant, "data", event);
	text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	json_decref(body);
	return text;
}

uint64_t hook_pause_ms(uint32_t tries, uint32_t chance)
{
	uint32_t shifts = tries > SHIFTS_MAX ? SHIFTS_MAX : tries ? tries - 1 : 0;
	uint64_t ms = (uint64_t)FIRST_PAUSE_MS << shifts;

	ms = ms < HOOK_PAUSE_MAX_MS ? ms : HOOK_PAUSE_MAX_MS;
	return ms - ms * (chance % 256) / 1024;
}
