/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP API as an OpenAPI 3.1 document, generated from the table of commands, the fields of
 * documents and records, and the table of events: no command, error or event is named here. Paths
 * are those of route.h. After route_setup; any thread.
 */
#ifndef APP_SCHEMA_OPENAPI_H
#define APP_SCHEMA_OPENAPI_H

#include <jansson.h>

#define OPENAPI_PATH "/v1/openapi.json"

/* New reference; NULL: out of memory. */
json_t *openapi_json(void);

#endif
