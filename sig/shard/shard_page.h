/* SPDX-License-Identifier: Apache-2.0 */
/* The record page of an extension (sig/model/record_page.h), of all shards of a node. */
#ifndef SIG_SHARD_SHARD_PAGE_H
#define SIG_SHARD_SHARD_PAGE_H

#include "base/clock.h"
#include "sig/model/record_page.h"

struct shard_commons;

/* Acts, and looks behind that. */
void shard_record_page(struct shard_commons *c, const struct record_page_ask *ask,
		       struct instant now, struct record_page *out);

#endif
