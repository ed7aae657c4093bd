/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a call's record has of each feature: rows of a schema (base/schema.h), beside the feature whose state they are. Names, tags and
 * types are those of sig/record/call.proto. A group of rows has neighbouring tags.
 */
#ifndef SIG_MODEL_SAVED_H
#define SIG_MODEL_SAVED_H

#include "base/schema.h"
#include "sig/model/call.h"

/* Who writes and reads them: schema_writer.arg, schema_reader.arg. */
struct call_saver {
	const struct call_host *h;
	const struct call *c;
};
struct call_loader {
	const struct call_host *h;
	struct call *c; /* legs and bridge were read */
};
static inline const struct call_saver *saver_of(const struct schema_writer *w)
{
	return w->arg;
}
static inline const struct call_loader *loader_of(const struct schema_reader *r)
{
	return r->arg;
}

enum { SAVED_USER_MAX = 256 };

/* Of struct call. */
extern const struct schema park_saved[];
extern const struct schema tolls_saved[];
extern const struct schema media_stream_saved[];
/* Of struct leg. */
extern const struct schema leg_toll_saved[];

#endif
