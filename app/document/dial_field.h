/* SPDX-License-Identifier: Apache-2.0 */
/* A tenant's dial plan: its document in Redis. A tenant has one at most. */
#ifndef APP_DOCUMENT_DIAL_FIELD_H
#define APP_DOCUMENT_DIAL_FIELD_H

#include "app/command/command.h"
#include "app/document/form.h"
#include "sig/dial/dial.h"

#define DIAL_PLAN_NAME "default"
enum { DIAL_HELP_LEN_MAX = 8, DIAL_HELP_MAX = 16 };

struct dial_document {
	struct dial_plan plan;
	uint64_t changed_utc_ms;
};

extern const struct command_arg g_dial_fields[];

extern const struct form g_dial_form;

/* Two codes of which a phone could not dial both, or a code that is an emergency number; or NULL. */
const char *dial_codes_wrong(const struct dial_plan *plan);

#endif
