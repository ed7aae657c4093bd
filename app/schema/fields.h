/* SPDX-License-Identifier: Apache-2.0 */
/* Members of call detail records and events of security: names and texts, and as JSON, which is one
 * field of a Redis stream. Values that point into themselves: do not move. */
#ifndef APP_SCHEMA_FIELDS_H
#define APP_SCHEMA_FIELDS_H

#include "cluster/store/store.h"
#include "sig/host/effect.h"

enum { FIELDS_MAX = 76, FIELDS_TEXT_MAX = 4800, FIELDS_JSON_MAX = 11264, FIELDS_CDR_ID_MAX = 24 };

struct fields {
	struct store_field list[FIELDS_MAX];
	bool is_number[FIELDS_MAX];
	size_t count;
	char text[FIELDS_TEXT_MAX];
	size_t used;
};

/* All but its id. */
void fields_of_cdr(struct fields *out, const struct cdr *cdr);
void fields_of_security(struct fields *out, const struct security_event *event);
/* An object of all of them; numbers are numbers. Written to out. */
struct bytes fields_json(const struct fields *f, char out[FIELDS_JSON_MAX]);
/* Address and port, or "several". buf: ADDR_TEXT_MAX. */
const char *fields_security_source(const struct security_event *event, char *buf);
/* Returns true if the text of that CDR field is a whole number. */
bool fields_cdr_is_number(struct bytes name);
/* The events' part of docs/api.md. */
void fields_write_events(struct writer *w);

/* The CDRs of one call for the store: one JSON field each, and the id of each but the first. Points
 * into itself: do not move. */

struct cdrs {
	struct store_field list[2 * CDR_PAIRS_MAX + 2];
	size_t count;
	char ids[CDR_PAIRS_MAX][FIELDS_CDR_ID_MAX];
	char json[CDR_PAIRS_MAX][FIELDS_JSON_MAX];
};

/* toll: costs of the call (sig/pbx/charge.h); findings: of its last pair. Empty: none. */
void cdrs_write(struct cdrs *out, const struct cdr *list, uint32_t n, struct bytes toll,
		struct bytes findings);

#endif
