/* SPDX-License-Identifier: Apache-2.0 */
/* One entry of the log of documents (td:{docs}:log): a change, as the script that made it wrote it. Pure. */
#ifndef CLUSTER_DOCUMENT_ENTRY_H
#define CLUSTER_DOCUMENT_ENTRY_H

#include "base/bytes.h"

enum document_event {
	DOCUMENT_PUT,
	DOCUMENT_DELETE,
	DOCUMENT_RESTORE, /* Redis had lost it: version is older than the change */
};

/* Slices of what was read. */
struct document_entry {
	struct bytes history; /* of the Redis that told it; empty: it had none */
	struct bytes tenant, kind, name;
	uint64_t version;
	enum document_event event;
	struct bytes json; /* empty: DOCUMENT_DELETE */
	/* while it is read */
	unsigned events;
	bool bad_version, versioned;
};

void document_entry_begin(struct document_entry *e);
/* One field; unknown names are ignored. */
void document_entry_field(struct document_entry *e, struct bytes name, struct bytes value);
/* NULL: fine; else what is wrong, a constant sentence. */
const char *document_entry_check(const struct document_entry *e);
/* The word of an event, as in the log. */
const char *document_event_name(enum document_event event);

/* The id of an entry of a stream: "1700000000000-7". */
struct stream_id {
	uint64_t ms, number;
};
/* 0 or -EINVAL. */
int stream_id_read(struct stream_id *out, struct bytes text) NODISCARD;
bool stream_id_is_below(struct stream_id a, struct stream_id b);

#endif
