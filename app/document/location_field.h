/* SPDX-License-Identifier: Apache-2.0 */
/* Where phones stand: a location of a tenant, by its id, as a document in Redis. */
#ifndef APP_DOCUMENT_LOCATION_FIELD_H
#define APP_DOCUMENT_LOCATION_FIELD_H

#include "app/command/command.h"
#include "app/document/form.h"
#include "sig/host/tenant_tables.h"

enum { LOCATION_ID_MAX = 8, LOCATION_LABEL_MAX = 64 };

struct location_value {
	struct site core; /* without its number */
	char id[LOCATION_ID_MAX];
	char label[LOCATION_LABEL_MAX];
	uint64_t changed_utc_ms;
};

extern const struct command_arg g_location_fields[];
extern const struct form g_location_form;

/* What the core needs to know. */
void location_to_core(const struct location_value *l, uint16_t tenant, struct site *out);

#endif
