/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers by which calls come in from trunks, and routes by which they go out: documents in Redis, and what the core needs of them. */
#ifndef APP_DOCUMENT_ROUTE_FIELD_H
#define APP_DOCUMENT_ROUTE_FIELD_H

#include "app/command/command.h"
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

json_t *did_to_view(const struct did_value *d);
json_t *did_to_document(const struct did_value *d);
json_t *route_to_view(const struct route_value *r);
json_t *route_to_document(const struct route_value *r);
/* 0 or -EBADMSG with a reason. */
int did_from_document(struct did_value *out, struct bytes json, const char **reason) NODISCARD;
int route_from_document(struct route_value *out, struct bytes json, const char **reason) NODISCARD;
void route_default(struct route_value *out);
/* What the core needs to know. */
void route_to_core(const struct route_value *r, uint16_t tenant, struct trunk_route *out);
/* "NAME[:PRIORITY[:WEIGHT]]". 0 or -EINVAL. */
int route_choice_read(struct trunk_choice *out, struct bytes text) NODISCARD;

#endif
