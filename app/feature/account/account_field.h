/* SPDX-License-Identifier: Apache-2.0 */
/* An account code that a tenant takes: a document in Redis, by the code. */
#ifndef APP_FEATURE_ACCOUNT_ACCOUNT_FIELD_H
#define APP_FEATURE_ACCOUNT_ACCOUNT_FIELD_H

#include "app/schema/command.h"
#include "app/schema/field.h"
#include "sig/host/accounts.h"

struct account_value {
	struct account_code core;
	uint64_t changed_utc_ms;
};

extern const struct command_arg g_account_fields[];
extern const struct form g_account_form;
extern const struct document_kind g_account_documents;

#endif
