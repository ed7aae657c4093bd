/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fields of a CDR as bytes: name and value, each behind its length (32 bits, network order). As one value it can wait in a
 * list or a file and be sent field by field later. Of a call with several they stand one behind the other: a field CDR_ID begins
 * each but the first, whose id is the call's.
 */
#ifndef CLUSTER_CDR_H
#define CLUSTER_CDR_H

#include "base/bytes.h"

enum { CDR_FIELDS_MAX = 100 };
/* CDRs in the stream, or so. */
#define CDR_STREAM_KEPT "1000000"

#define CDR_ID "id"
/* JSON: what the doctor found when the call ended. */
#define CDR_FINDINGS "findings"
/* No part of any: what the end adds to the day's sums of the shard, "DAY NAME MS NAME MS ...". */
#define CDR_TOLL "toll"

struct cdr_field {
	struct bytes name, value;
};

void cdr_field_write(struct writer *w, const struct cdr_field *field);
size_t cdr_field_size(const struct cdr_field *field);
/* Cuts the next field off *rest: 1, 0 at the end, or -EBADMSG. */
int cdr_field_next(struct bytes *rest, struct cdr_field *out) NODISCARD;
/* Cuts the next CDR off *rest, and says how many fields it has; nothing is left of what is malformed. False: no more. */
bool cdr_next(struct bytes *rest, struct bytes *out, size_t *fields);
/* The day of CDR_TOLL; empty: there is none. */
struct bytes cdr_toll_day(struct bytes fields);
/* 1 at least. */
uint32_t cdr_count(struct bytes fields);

#endif
