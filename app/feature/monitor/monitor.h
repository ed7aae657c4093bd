/* SPDX-License-Identifier: Apache-2.0 */
/* Supervisors: extensions that may monitor calls of others, by a feature code of their phones or by
 * a user's session (FEATURES MON-04). A privilege is a document of the tenant by the supervisor's
 * number. Control thread. */
#ifndef APP_FEATURE_MONITOR_MONITOR_H
#define APP_FEATURE_MONITOR_MONITOR_H

#include "app/schema/command.h"
#include "app/schema/field.h"
#include "sig/dial/dial.h"

enum monitor_mode { MONITOR_LISTEN, MONITOR_COACH, MONITOR_BARGE, MONITOR_TAKE_OVER };
enum { SUPERVISED_MAX = 1024 };

struct supervisor_value {
	char number[DIAL_NUMBER_MAX];
	char of_party[SUPERVISED_MAX]; /* extensions, groups and queues, joined by ',' */
	uint8_t modes;                 /* 1 << enum monitor_mode */
	uint64_t changed_utc_ms;
};

extern const char *const g_monitor_modes[]; /* in the order of enum monitor_mode */
extern const struct command_arg g_supervisor_fields[];
extern const struct form g_supervisor_form;
extern const struct document_kind g_supervisor_documents;

/* Command: rings the phone of a supervisor, for a call of an extension. */
command_fn monitor_start;
/* The arguments of that, of a feature code. */
json_t *monitor_code_args(enum feature_action code, const char *number, struct bytes behind);

#endif
