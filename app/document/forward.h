/* SPDX-License-Identifier: Apache-2.0 */
/* Where calls to an extension go instead, as members of its document, arguments and views: the same names in all three. */
#ifndef APP_DOCUMENT_FORWARD_H
#define APP_DOCUMENT_FORWARD_H

#include <jansson.h>

#include "app/document/document.h"
#include "sig/shard/shard.h"

enum { FORWARD_TARGETS = 4 };

/* The targets in the order in which they are shown. */
const char *forward_target_name(size_t target);
const char *forward_target(const struct shard_forward *f, size_t target);
/* text: at most FORWARD_LIST_MAX - 1 characters. */
void forward_target_set(struct shard_forward *f, size_t target, struct bytes text);
/* The name of the first target that is no list of numbers, or has the extension itself; *reason says it. Or NULL. */
const char *forward_wrong(const struct shard_forward *f, const char *number, const char **reason);

/* New reference, NULL: out of memory. */
json_t *forward_json(const struct shard_forward *f);
/* Documents of older versions have none of it. *f is zeroed before. */
void forward_fill(struct document_reader *r, const char *number, struct shard_forward *f);

#endif
