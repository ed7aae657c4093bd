/* SPDX-License-Identifier: Apache-2.0 */
/* The recording control page of an extension (sig/model/record_page.h), of all shards of a node.
 * Called on their thread. */
#ifndef SIG_FEATURE_CONTROL_PAGE_H
#define SIG_FEATURE_CONTROL_PAGE_H

#include "sig/model/record_page.h"
#include "sig/shard/shared_tables.h"

/* Acts, and then looks. */
void shard_record_page(struct shard_shared_tables *c, const struct record_page_request *ask,
		       struct instant now, struct record_page *out);

#endif
