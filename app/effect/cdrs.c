/* SPDX-License-Identifier: Apache-2.0 */
#include "app/effect/cdrs.h"

#include <assert.h>

#include "cluster/record.h"

static void cdr_put_in(struct cdrs *out, uint32_t i, const struct cdr *cdr)
{
	struct fields fields;

	if (i)
		out->list[out->count++] =
			(struct store_field){ CDR_ID, fields_cdr_id(cdr, out->ids[i]) };
	fields_of_cdr(&fields, cdr);
	out->list[out->count++] = (struct store_field){ "cdr", fields_json(&fields, out->json[i]) };
}

void cdrs_write(struct cdrs *out, const struct cdr *list, uint32_t n, struct bytes toll,
		struct bytes findings)
{
	assert(n > 0 && n <= CDR_PAIRS_MAX);
	out->count = 0;
	for (uint32_t i = 0; i < n; i++)
		cdr_put_in(out, i, &list[i]);
	if (findings.n)
		out->list[out->count++] = (struct store_field){ CDR_FINDINGS, findings };
	if (toll.n)
		out->list[out->count++] = (struct store_field){ CDR_TOLL, toll };
}
