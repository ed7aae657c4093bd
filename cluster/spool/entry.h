/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One CDR in a spool file. Files are read after crashes: their end may be torn, and should anything within be damaged, the
 * entries behind it are still found. Network order.
 *
 *    0        4        8        16     24       28
 *   +--------+--------+--------+------+--------+- - - - -
 *   | "TDC1" | length | number | call | CRC32C | fields (length bytes)
 *   +--------+--------+--------+------+--------+- - - - -
 *
 * The CRC is over the bytes before it and the fields.
 */
#ifndef CLUSTER_SPOOL_ENTRY_H
#define CLUSTER_SPOOL_ENTRY_H

#include "base/bytes.h"

enum {
	SPOOL_ENTRY_HEAD = 28,
	SPOOL_FIELDS_MAX = 1 << 18,
};

struct spool_entry {
	uint64_t number; /* of the end of this call, unique within the shard */
	uint64_t call;
	struct bytes fields; /* cluster/cdr.h */
};

/* At most SPOOL_FIELDS_MAX bytes of fields. */
void spool_entry_write(struct writer *w, const struct spool_entry *entry);
/* Cuts the next entry off *rest: 1; 0: the end; -EBADMSG: bytes that are no entry were skipped, go on;
 * -ENODATA: what is left is the beginning of an entry, torn off (*rest is then empty). */
int spool_entry_next(struct bytes *rest, struct spool_entry *out) NODISCARD;

#endif
