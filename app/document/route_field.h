/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers by which calls come in from trunks, and routes by which they go out: documents in Redis, and what the core needs of them. */
#ifndef APP_DOCUMENT_ROUTE_FIELD_H
#define APP_DOCUMENT_ROUTE_FIELD_H

#include "app/command/command.h"
#include "app/document/form.h"
#include "sig/host/trunk_route.h"

struct did_value {
	struct trunk_did core;
	uint64_t changed_utc_ms;
};

struct route_value {
	struct trunk_route core; /* without its choices */
	char trunks[256];        /* "carrier:1:10,other:2" */
	uint64_t changed_utc_ms;
};

extern const struct command_arg g_did_fields[], g_route_fields[];

extern const struct form g_did_form, g_route_form;

/* What the core needs to know. */
void route_to_core(const struct route_value *r, uint16_t tenant, struct trunk_route *out);
/* "NAME[:PRIORITY[:WEIGHT]]". 0 or -EINVAL. */
int route_choice_read(struct trunk_choice *out, struct bytes text) NODISCARD;

#endif
