/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The envelope of a record in Redis: it tells that a record is whole, and its version, without a
 * look inside; scripts compare the version in place. All numbers in network order.
 *
 *    0       3        4       6          8               16       20       24
 *   +-------+--------+-------+----------+----------------+--------+--------+- - - - -
 *   | "TDR" | format | flags | reserved | version        | length | CRC32C | payload
 *   +-------+--------+-------+----------+----------------+--------+--------+- - - - -
 *
 * The CRC is over the bytes before it and the payload.
 */
#ifndef CLUSTER_RECORD_H
#define CLUSTER_RECORD_H

#include "base/bytes.h"

enum {
	RECORD_HEAD = 24,
	RECORD_FORMAT = 1,
	RECORD_PAYLOAD_MAX = 1 << 22,
};

struct record {
	uint64_t version;
	uint16_t flags; /* none is defined yet: 0 */
	struct bytes payload;
};

/* Appends head and payload (at most RECORD_PAYLOAD_MAX bytes); w overflows when they do not fit. */
void record_seal(struct writer *w, const struct record *r);
/* Writes an empty record of a later format than any: every reader refuses it as such. */
void record_seal_later(struct writer *w);
/* The same in new memory, which the caller frees; *out is all of it. NULL: too long, no memory. */
uint8_t *record_seal_new(const struct record *r, struct bytes *out) NODISCARD;
/* Points payload into in. 0; -EBADMSG; -EPROTONOSUPPORT: of a later program; out is untouched then,
 * and *reason is a constant sentence. */
int record_open(struct record *out, struct bytes in, const char **reason) NODISCARD;

/* The fields of a CDR as bytes: name and value, each behind its length (32 bits, network
 * order). As one value it can wait in a list or a file and be sent field by field later.
 * Several CDRs of a call are concatenated: each but the first, which has the call's id, begins
 * with a field CDR_ID. */

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
/* Cuts the next CDR off *rest, counts its fields; malformed bytes are dropped. False: no more. */
bool cdr_next(struct bytes *rest, struct bytes *out, size_t *fields);
/* The day of CDR_TOLL; empty: none. */
struct bytes cdr_toll_day(struct bytes fields);
/* 1 at least. */
uint32_t cdr_count(struct bytes fields);

#endif
