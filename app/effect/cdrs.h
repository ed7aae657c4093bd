/* SPDX-License-Identifier: Apache-2.0 */
/* The CDRs of one call as the store takes them: one field of JSON each, and the id of each but the first. Points into itself: do not
 * move. */
#ifndef APP_NODE_CDRS_H
#define APP_NODE_CDRS_H

#include "app/effect/fields.h"

struct cdrs {
	struct store_field list[2 * CDR_PAIRS_MAX + 2];
	size_t count;
	char ids[CDR_PAIRS_MAX][FIELDS_CDR_ID_MAX];
	char json[CDR_PAIRS_MAX][FIELDS_JSON_MAX];
};

/* toll: what the call has cost (sig/call/charge.h); findings: what was wrong with its last pair. Empty: nothing. */
void cdrs_write(struct cdrs *out, const struct cdr *list, uint32_t n, struct bytes toll,
		struct bytes findings);

#endif
