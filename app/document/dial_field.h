/* SPDX-License-Identifier: Apache-2.0 */
/* A tenant's dial plan: its document in Redis. A tenant has one at most. */
#ifndef APP_DOCUMENT_DIAL_FIELD_H
#define APP_DOCUMENT_DIAL_FIELD_H

#include "app/command/command.h"
#include "sig/dial/plan.h"

#define DIAL_PLAN_NAME "default"
enum { DIAL_HELP_LEN_MAX = 8, DIAL_HELP_MAX = 16 };

struct dial_document {
	struct dial_plan plan;
	uint64_t changed_utc_ms;
};

extern const struct command_arg g_dial_fields[];

json_t *dial_to_view(const struct dial_document *d);
json_t *dial_to_document(const struct dial_document *d);
/* 0 or -EBADMSG with a reason. */
int dial_from_document(struct dial_document *out, struct bytes json, const char **reason) NODISCARD;
/* Two codes of which a phone could not dial both, or a code that is a number for help; or NULL. */
const char *dial_codes_wrong(const struct dial_plan *plan);

#endif
