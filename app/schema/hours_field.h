/* SPDX-License-Identifier: Apache-2.0 */
/* When a tenant is open: a document of it in Redis, by its name. */
#ifndef APP_SCHEMA_HOURS_FIELD_H
#define APP_SCHEMA_HOURS_FIELD_H

#include "app/schema/command.h"
#include "app/schema/field.h"
#include "sig/host/hours.h"

enum {
	HOURS_NAME_MAX = 32,
	HOURS_WEEK_TEXT_MAX = 768,
	HOURS_HOLIDAYS_TEXT_MAX = 4096,
	HOURS_UNTIL_MAX = sizeof("2026-12-24 18:00"),
};

struct hours_value {
	char name[HOURS_NAME_MAX];
	char zone[ZONE_NAME_MAX];
	char week[HOURS_WEEK_TEXT_MAX], holidays[HOURS_HOLIDAYS_TEXT_MAX];
	char code[HOURS_CODE_MAX];
	uint8_t override;            /* enum hours_override */
	char until[HOURS_UNTIL_MAX]; /* "": until it is reset */
	uint64_t changed_utc_ms;
};

extern const struct command_arg g_hours_fields[];
extern const struct form g_hours_form;
extern const char *const g_hours_overrides[];

/* Of a checked value. */
void hours_to_core(const struct hours_value *v, struct hours *out);
/* "18:00": the next such local time, as "2026-12-24 18:00". False: no time. */
bool hours_until_set(char out[HOURS_UNTIL_MAX], struct bytes text, int64_t now_local_s);
/* As above, of local seconds. */
void hours_local_text(char out[HOURS_UNTIL_MAX], int64_t local_s);

#endif
