/* SPDX-License-Identifier: Apache-2.0 */
/* Where calls to an extension go instead, as members of its document, arguments and views: the same names in all three. */
#ifndef APP_DOCUMENT_FORWARD_H
#define APP_DOCUMENT_FORWARD_H

#include <jansson.h>

#include "app/document/document.h"
#include "sig/shard/shard.h"

struct command_run;

enum { FORWARD_TARGETS = 4 };

/* Each of the lists of numbers. */
const char *forward_target(const struct shard_forward *f, size_t target);
/* The name of the first list that is none, or has the extension itself; *reason says it. Or NULL. */
const char *forward_wrong(const struct shard_forward *f, const char *number, const char **reason);
/* What is given of it as arguments of a command. number: of the extension. False: the run has failed. */
bool forward_take(struct command_run *run, const char *number, struct shard_forward *f);
/* New reference, NULL: out of memory. */
json_t *forward_json(const struct shard_forward *f);
/* Documents of older versions have none of it. *f is zeroed before. */
void forward_fill(struct document_reader *r, const char *number, struct shard_forward *f);

#endif
